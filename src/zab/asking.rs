//! The article's election by asking for votes (zab.md §10.1, T1-T5), to be seen failing: there is no round, no order of
//! votes and no promise.
//!
//! ```text
//!   asks everybody ── a majority votes for it ──▶ leads, from its own log
//!                  ── somebody names a leader, or asks first ──▶ follows that one
//! ```
//! A notification is a request while its sender is LOOKING. Any other is an answer: the sender follows the leader that it
//! names, so that it is a vote where it names me, and else a refusal.

use std::collections::VecDeque;

use super::core::{Core, Out};
use super::election::Decision;
use super::vote::Vote;
use crate::base::id::{ServerId, ServerSet};
use crate::base::time::Span;
use crate::base::zxid::Epoch;
use crate::words::message::{Notification, ServerState};
use crate::words::timer::{Stage, Timer};

/// How long an answer is waited for before everybody is asked again.
const ASK_AGAIN: Span = Span::from_ms(200);

/// A server without a leader.
#[derive(Clone, Debug, Hash)]
pub struct Asking {
    votes: ServerSet,
    /// How often this process has asked. Nobody else looks at it; facts call it the epoch of the one who wins.
    attempt: u64,
    has_asked: bool,
    ask_again: Span,
    /// Notifications not looked at yet.
    queue: VecDeque<(ServerId, Notification)>,
}

impl Asking {
    /// Votes for itself. It asks everybody in the next step, unless somebody has asked it by then.
    pub fn start(core: &mut Core, out: &mut Out) -> Self {
        core.round += 1;
        out.arm(Timer::Resend, ASK_AGAIN);
        out.wake(Stage::Election);
        Self {
            votes: [core.me].into_iter().collect(),
            attempt: core.round,
            has_asked: false,
            ask_again: ASK_AGAIN,
            queue: VecDeque::new(),
        }
    }

    /// Which attempt of this process it is.
    pub fn round(&self) -> u64 {
        self.attempt
    }

    /// A voter's notification came in; the main loop will look at it.
    pub fn enqueue(&mut self, from: ServerId, n: Notification, out: &mut Out) {
        self.queue.push_back((from, n));
        out.wake(Stage::Election);
    }

    /// Nobody has answered, or not enough: asks again, ever more rarely.
    pub fn on_resend(&mut self, core: &mut Core, out: &mut Out) {
        core.round += 1;
        self.attempt = core.round;
        tell_everybody(ServerState::Looking, core, out);
        self.ask_again = (self.ask_again * 2).min(core.config.max_notification);
        out.arm(Timer::Resend, self.ask_again);
    }

    /// The main loop: who asks first is followed, who names a leader is believed.
    pub fn on_run(&mut self, core: &mut Core, out: &mut Out) -> Option<Decision> {
        while let Some((from, n)) = self.queue.pop_front() {
            let leader = if n.state != ServerState::Looking {
                n.leader
            } else if core.is_voter() {
                core.peers
                    .send(from, notification(ServerState::Following, from, core), out);
                from
            } else {
                continue;
            };
            if leader != core.me {
                return Some(self.decide(leader, n, core));
            }
            self.votes.insert(from);
        }
        if !std::mem::replace(&mut self.has_asked, true) {
            tell_everybody(ServerState::Looking, core, out);
        }
        if !core.is_voter() || !core.config.is_quorum(self.votes) {
            return None;
        }
        tell_everybody(ServerState::Leading, core, out);
        let won = notification(ServerState::Leading, core.me, core);
        Some(self.decide(core.me, won, core))
    }

    fn decide(&self, leader: ServerId, n: Notification, core: &Core) -> Decision {
        let vote = Vote {
            leader,
            zxid: n.zxid,
            epoch: core.current,
        };
        Decision {
            vote,
            round: self.attempt,
        }
    }
}

fn tell_everybody(state: ServerState, core: &mut Core, out: &mut Out) {
    let n = notification(state, core.me, core);
    for voter in core.config.voters.iter().filter(|voter| *voter != core.me) {
        core.peers.send(voter, n, out);
    }
}

fn notification(state: ServerState, leader: ServerId, core: &Core) -> Notification {
    Notification {
        state,
        leader,
        zxid: core.memory.processed(),
        round: core.round,
        peer_epoch: Epoch(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::process::Effects;
    use crate::zab::testing::core;

    /// Server 2 of three has begun to ask.
    fn asking() -> (Asking, Core, Out) {
        let mut core = core(2, 3, &[]);
        let mut out = Effects::default();
        let asking = Asking::start(&mut core, &mut out);
        (asking, core, out)
    }

    fn hear(from: u8, state: ServerState, leader: u8) -> Option<ServerId> {
        let (mut asking, mut core, mut out) = asking();
        let n = Notification {
            state,
            leader: ServerId(leader),
            zxid: core.memory.processed(),
            round: 7,
            peer_epoch: Epoch(0),
        };
        asking.enqueue(ServerId(from), n, &mut out);
        let decision = asking.on_run(&mut core, &mut out);
        decision.map(|decision| decision.vote.leader)
    }

    #[test]
    fn whoever_asks_first_is_followed_whatever_it_has() {
        assert_eq!(hear(1, ServerState::Looking, 1), Some(ServerId(1)));
    }

    #[test]
    fn a_majority_of_votes_makes_a_leader() {
        assert_eq!(hear(3, ServerState::Following, 2), Some(ServerId(2)));
    }

    #[test]
    fn a_refusal_names_the_leader_to_follow() {
        assert_eq!(hear(3, ServerState::Following, 1), Some(ServerId(1)));
        assert_eq!(hear(1, ServerState::Leading, 1), Some(ServerId(1)));
    }

    #[test]
    fn alone_it_leads_nobody() {
        let (mut asking, mut core, mut out) = asking();
        assert_eq!(asking.on_run(&mut core, &mut out), None);
    }
}
