//! Fast Leader Election (`FastLeaderElection.lookForLeader`, zab.md §2.4-2.5): rounds decide which votes count, the vote
//! order decides which wins, a quorum and 200 ms of silence end it.
//!
//! ```text
//!   LOOKING ── same round: adopt the better vote, tell all ──▶ quorum for it ── 200 ms without a better one ──▶ decided
//!           ── somebody already follows or leads ──▶ join, if its leader says so itself
//! ```
//!
//! ZooKeeper repeats a vote only after a silence. Whoever hears others all the time would never repeat a vote that came to
//! a peer before it was LOOKING, and which nobody else passes on; so a vote is repeated every `max_notification` at
//! least (K14).

use std::collections::{BTreeMap, VecDeque};

use super::config::Config;
use super::core::{Core, Out};
use super::rules::election::{Joining, TallyRule, VoteRepeat};
use super::rules::odd::FinalizeWait;
use super::vote::{Ballot, Vote};
use crate::base::id::{ServerId, ServerSet};
use crate::base::time::{LocalTime, Span};
use crate::words::message::{Notification, ServerState};
use crate::words::timer::{Stage, Timer};

/// How long the winner of a quorum must stay unbeaten (`finalizeWait`).
pub const FINALIZE_WAIT: Span = Span::from_ms(200);

/// First interval after which an unanswered vote is sent again (`minNotificationInterval`).
const MIN_NOTIFICATION: Span = Span::from_ms(200);

/// How many notifications wait at most; then the oldest goes (`RECV_CAPACITY`).
const RECEIVE_CAPACITY: usize = 100;

/// What waits for what in the main loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Wait {
    /// For any notification, or `notTimeout`.
    Message,
    /// For a better vote than the quorum's, or `finalizeWait`.
    Better,
}

/// The outcome of an election.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Decision {
    /// The elected.
    pub vote: Vote,
    /// The round that decided.
    pub round: u64,
}

/// One run of `lookForLeader`.
#[derive(Clone, Debug, Hash)]
pub struct Election {
    /// My vote at the start; what I fall back on when a higher round begins.
    initial: Vote,
    /// My vote now.
    proposal: Vote,
    round: u64,
    /// Votes of this round.
    received: BTreeMap<ServerId, Ballot>,
    /// What decided servers say, of any round.
    decided: BTreeMap<ServerId, Ballot>,
    /// Notifications not looked at yet.
    queue: VecDeque<(ServerId, Notification)>,
    wait: Wait,
    resend_after: Span,
    /// When everybody was told last.
    told: LocalTime,
}

impl Election {
    /// Starts an election and tells everybody.
    pub fn start(now: LocalTime, core: &mut Core, out: &mut Out) -> Self {
        core.round += 1;
        let initial = core.first_vote();
        let mut election = Self {
            initial,
            proposal: initial,
            round: core.round,
            received: BTreeMap::new(),
            decided: BTreeMap::new(),
            queue: VecDeque::new(),
            wait: Wait::Message,
            resend_after: MIN_NOTIFICATION,
            told: now,
        };
        election.broadcast(now, core, out);
        out.arm(Timer::Resend, election.resend_after);
        election
    }

    /// What I answer while LOOKING.
    pub fn notification(&self) -> Notification {
        Notification {
            state: ServerState::Looking,
            leader: self.proposal.leader,
            zxid: self.proposal.zxid,
            round: self.round,
            peer_epoch: self.proposal.epoch,
        }
    }

    /// The round of this election.
    pub fn round(&self) -> u64 {
        self.round
    }

    /// A voter's notification came in; the main loop will look at it.
    pub fn enqueue(&mut self, from: ServerId, n: Notification, out: &mut Out) {
        if self.queue.len() == RECEIVE_CAPACITY {
            self.queue.pop_front();
        }
        self.queue.push_back((from, n));
        out.wake(Stage::Election);
    }

    fn broadcast(&mut self, now: LocalTime, core: &mut Core, out: &mut Out) {
        self.told = now;
        let n = self.notification();
        for voter in core.config.voters.iter() {
            if voter == core.me {
                self.enqueue(voter, n, out);
            } else {
                core.peers.send(voter, n, out);
            }
        }
    }

    /// The main loop: looks at what has come in.
    pub fn on_run(&mut self, now: LocalTime, core: &mut Core, out: &mut Out) -> Option<Decision> {
        for _ in 0..RECEIVE_CAPACITY {
            let Some((from, n)) = self.queue.pop_front() else {
                break;
            };
            let decision = match self.wait {
                Wait::Message => self.on_notification(from, n, now, core, out),
                Wait::Better => {
                    self.on_notification_while_finalizing(from, n, core, out);
                    None
                }
            };
            if decision.is_some() {
                return decision;
            }
        }
        if !self.queue.is_empty() {
            out.wake(Stage::Election);
        }
        match self.wait {
            Wait::Message => {
                let is_due = match core.config.rules.election.repeat {
                    VoteRepeat::EveryMaxNotification => {
                        now >= self.told + core.config.max_notification
                    }
                    VoteRepeat::AfterSilence => false,
                };
                if is_due {
                    self.broadcast(now, core, out);
                }
                out.arm(Timer::Resend, self.resend_after);
            }
            Wait::Better => {}
        }
        None
    }

    /// Silence for `notTimeout`: say it again, ever more rarely.
    pub fn on_resend(&mut self, now: LocalTime, core: &mut Core, out: &mut Out) {
        if core.peers.have_delivered() {
            self.broadcast(now, core, out);
        } else {
            core.peers.connect_all(out);
        }
        self.resend_after = (self.resend_after * 2).min(core.config.max_notification);
        out.arm(Timer::Resend, self.resend_after);
    }

    /// 200 ms without a better vote: done.
    pub fn on_finalized(&self) -> Decision {
        Decision {
            vote: self.proposal,
            round: self.round,
        }
    }

    /// While finalizing only a better vote matters: it goes to the queue's tail and the wait is abandoned; everything
    /// else is thrown away, whatever its round (zab.md §2.9 item 1).
    fn on_notification_while_finalizing(
        &mut self,
        from: ServerId,
        n: Notification,
        core: &Core,
        out: &mut Out,
    ) {
        if core.prefers(Vote::of(&n), self.proposal) {
            self.queue.push_back((from, n));
            self.wait = Wait::Message;
            out.disarm(Timer::Finalize);
        } else {
            out.arm(Timer::Finalize, FINALIZE_WAIT);
        }
    }

    fn on_notification(
        &mut self,
        from: ServerId,
        n: Notification,
        now: LocalTime,
        core: &mut Core,
        out: &mut Out,
    ) -> Option<Decision> {
        if !core.config.voters.contains(n.leader) {
            core.ignore("vote-for-no-voter", out);
            return None;
        }
        match n.state {
            ServerState::Looking => self.on_looking(from, n, now, core, out),
            ServerState::Observing => None,
            ServerState::Following | ServerState::Leading => self.join(from, &n, core),
        }
    }

    fn on_looking(
        &mut self,
        from: ServerId,
        n: Notification,
        now: LocalTime,
        core: &mut Core,
        out: &mut Out,
    ) -> Option<Decision> {
        if n.round < self.round {
            core.ignore("vote-of-older-round", out);
            return None;
        }
        let vote = Vote::of(&n);
        if n.round > self.round {
            self.round = n.round;
            core.round = n.round;
            self.received.clear();
            self.proposal = if core.prefers(vote, self.initial) {
                vote
            } else {
                self.initial
            };
            self.broadcast(now, core, out);
        } else if core.prefers(vote, self.proposal) {
            self.proposal = vote;
            self.broadcast(now, core, out);
        }
        self.received.insert(from, Ballot::of(&n));
        self.count(core, out)
    }

    /// Whether the votes of this round decide, and when.
    fn count(&mut self, core: &Core, out: &mut Out) -> Option<Decision> {
        let rules = core.config.rules.election;
        let is_everybody_heard = match rules.tally {
            TallyRule::Quorum => false,
            TallyRule::EverybodyHeard => self.received.len() == core.config.voters.len(),
        };
        if is_everybody_heard {
            return Some(self.on_finalized());
        }
        let mine = Ballot {
            vote: self.proposal,
            round: self.round,
            state: ServerState::Looking,
        };
        if has_quorum_for(&self.received, &mine, &core.config) {
            self.wait = Wait::Better;
            out.disarm(Timer::Resend);
            let wait = match core.config.rules.odd.finalize {
                FinalizeWait::Waits => FINALIZE_WAIT,
                FinalizeWait::AtOnce => Span::ZERO,
            };
            out.arm(Timer::Finalize, wait);
        }
        None
    }

    /// Joins an ensemble that has decided without me, in my round or in another.
    fn join(&mut self, from: ServerId, n: &Notification, core: &mut Core) -> Option<Decision> {
        let theirs = Ballot::of(n);
        let joining = core.config.rules.election.joining;
        if joining == Joining::Alone && n.leader == from && n.state == ServerState::Leading {
            core.round = n.round;
            return Some(Decision {
                vote: theirs.vote,
                round: n.round,
            });
        }
        if n.round == self.round {
            self.received.insert(from, theirs);
            if has_quorum_for(&self.received, &theirs, &core.config)
                && self.is_leader_alive(&self.received, n, core)
            {
                return Some(Decision {
                    vote: theirs.vote,
                    round: self.round,
                });
            }
        }
        self.decided.insert(from, theirs);
        if has_quorum_for(&self.decided, &theirs, &core.config)
            && self.is_leader_alive(&self.decided, n, core)
        {
            core.round = n.round;
            return Some(Decision {
                vote: theirs.vote,
                round: n.round,
            });
        }
        None
    }

    /// Nobody is elected on the word of its ex-followers: it must itself say that it leads (`checkLeader`).
    fn is_leader_alive(
        &self,
        ballots: &BTreeMap<ServerId, Ballot>,
        n: &Notification,
        core: &Core,
    ) -> bool {
        if n.leader == core.me {
            match core.config.rules.election.joining {
                Joining::SaysSoInTime | Joining::Alone => self.round == n.round,
                Joining::SaysSo => true,
            }
        } else {
            ballots
                .get(&n.leader)
                .is_some_and(|ballot| ballot.state == ServerState::Leading)
        }
    }
}

fn has_quorum_for(ballots: &BTreeMap<ServerId, Ballot>, wanted: &Ballot, config: &Config) -> bool {
    let supporters: ServerSet = ballots
        .iter()
        .filter(|(_, ballot)| ballot.agrees_with(wanted, config.rules.election.agreement))
        .map(|(sid, _)| *sid)
        .collect();
    config.is_quorum(supporters)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::zxid::Epoch;
    use crate::sim::process::Effects;
    use crate::zab::testing::{core, zxid};

    struct Bench {
        core: Core,
        election: Election,
        out: Out,
        now: LocalTime,
    }

    /// Server 2 of five, with an empty history, has just entered LOOKING.
    fn bench() -> Bench {
        let mut core = core(2, 5, &[]);
        let mut out = Effects::default();
        let now = LocalTime(0);
        let election = Election::start(now, &mut core, &mut out);
        let mut bench = Bench {
            core,
            election,
            out,
            now,
        };
        assert_eq!(bench.run(), None);
        bench
    }

    impl Bench {
        fn run(&mut self) -> Option<Decision> {
            self.election
                .on_run(self.now, &mut self.core, &mut self.out)
        }

        fn hear(&mut self, from: u8, n: Notification) -> Option<Decision> {
            self.election.enqueue(ServerId(from), n, &mut self.out);
            self.run()
        }
    }

    fn n(state: ServerState, leader: u8, round: u64, counter: u32) -> Notification {
        Notification {
            state,
            leader: ServerId(leader),
            zxid: zxid(1, counter),
            round,
            peer_epoch: Epoch(1),
        }
    }

    fn looking(leader: u8, round: u64, counter: u32) -> Notification {
        n(ServerState::Looking, leader, round, counter)
    }

    #[test]
    fn a_quorum_for_the_best_vote_and_silence_decide() {
        let mut bench = bench();
        assert_eq!(bench.hear(5, looking(5, 1, 7)), None);
        assert_eq!(
            bench.election.proposal.leader,
            ServerId(5),
            "the better vote is adopted"
        );
        assert_eq!(
            bench.election.wait,
            Wait::Message,
            "server 5 and I are two of five"
        );
        assert_eq!(bench.hear(4, looking(5, 1, 7)), None);
        assert_eq!(bench.election.wait, Wait::Better);
        assert_eq!(bench.election.on_finalized().vote.leader, ServerId(5));
    }

    #[test]
    fn a_better_vote_reopens_a_finished_count_and_a_worse_one_does_not() {
        let mut bench = bench();
        for from in [3, 4, 5] {
            bench.hear(from, looking(4, 1, 7));
        }
        assert_eq!(bench.election.wait, Wait::Better);
        bench.hear(1, looking(5, 9, 3));
        assert_eq!(
            bench.election.wait,
            Wait::Better,
            "worse, though of a higher round"
        );
        bench.hear(1, looking(5, 1, 8));
        assert_eq!(bench.election.wait, Wait::Message);
        assert_eq!(bench.election.proposal.leader, ServerId(5));
    }

    #[test]
    fn a_higher_round_forgets_the_votes_of_the_old_one() {
        let mut bench = bench();
        bench.hear(5, looking(5, 1, 7));
        bench.hear(4, looking(4, 6, 2));
        assert_eq!(bench.election.round(), 6);
        assert_eq!(
            bench.election.proposal.leader,
            ServerId(4),
            "restarted from my own vote"
        );
        assert_eq!(
            bench.election.received.keys().copied().collect::<Vec<_>>(),
            [ServerId(2), ServerId(4)]
        );
    }

    #[test]
    fn votes_of_an_older_round_are_not_counted() {
        let mut bench = bench();
        bench.hear(4, looking(4, 6, 2));
        bench.hear(5, looking(5, 3, 9));
        assert_eq!(bench.election.proposal.leader, ServerId(4));
    }

    #[test]
    fn a_latecomer_joins_only_a_leader_that_says_so_itself() {
        let mut bench = bench();
        for from in [1, 3, 4] {
            assert_eq!(bench.hear(from, n(ServerState::Following, 5, 8, 7)), None);
        }
        let decision = bench
            .hear(5, n(ServerState::Leading, 5, 8, 2))
            .expect("the leader is alive");
        assert_eq!((decision.vote.leader, decision.round), (ServerId(5), 8));
        assert_eq!(bench.core.round, 8);
    }

    #[test]
    fn silence_is_answered_ever_more_rarely() {
        let mut bench = bench();
        for expected in [400, 800, 1_600, 1_600] {
            bench
                .election
                .on_resend(bench.now, &mut bench.core, &mut bench.out);
            assert_eq!(bench.election.resend_after, Span::from_ms(expected));
        }
    }

    #[test]
    fn whoever_hears_others_all_the_time_repeats_its_vote_nevertheless() {
        let mut bench = bench();
        let max = bench.core.config.max_notification.as_ms();
        let worse = Notification {
            zxid: zxid(0, 0),
            peer_epoch: Epoch(0),
            ..looking(1, 1, 0)
        };
        let mut told = vec![0];
        for ms in (100..2 * max).step_by(100) {
            bench.now = LocalTime(Span::from_ms(ms).0);
            assert_eq!(bench.hear(1, worse), None);
            if bench.election.told == bench.now {
                told.push(ms);
            }
        }
        assert_eq!(told, [0, max], "silence never lasted 200 ms");
    }
}
