//! Looking for a leader, by the election of the scenario's choice.

use super::asking::Asking;
use super::config::ElectionKind;
use super::core::{Core, Out};
use super::election::{Decision, Election};
use crate::base::id::ServerId;
use crate::base::time::LocalTime;
use crate::words::message::{Notification, ServerState};

/// A server that looks for a leader.
#[derive(Clone, Debug, Hash)]
pub enum Looking {
    /// Fast Leader Election.
    Fast(Election),
    /// The article's election: it asks for votes.
    FirstCome(Asking),
}

impl Looking {
    /// Begins to look, and tells everybody.
    pub fn start(now: LocalTime, core: &mut Core, out: &mut Out) -> Self {
        match core.config.election {
            ElectionKind::FastLeaderElection => Self::Fast(Election::start(now, core, out)),
            ElectionKind::FirstComeVotes => Self::FirstCome(Asking::start(core, out)),
        }
    }

    /// The round, or which of this server's attempts it is.
    pub fn round(&self) -> u64 {
        match self {
            Self::Fast(election) => election.round(),
            Self::FirstCome(asking) => asking.round(),
        }
    }

    /// What the receiver of the election port answers at once.
    pub fn answer(&self, n: &Notification) -> Option<Notification> {
        match self {
            Self::Fast(election) => {
                let is_late = n.state == ServerState::Looking && n.round < election.round();
                is_late.then(|| election.notification())
            }
            Self::FirstCome(_) => None,
        }
    }

    /// A voter's notification came in.
    pub fn enqueue(&mut self, from: ServerId, n: Notification, out: &mut Out) {
        match self {
            Self::Fast(election) => election.enqueue(from, n, out),
            Self::FirstCome(asking) => asking.enqueue(from, n, out),
        }
    }

    /// Looks at what has come in.
    pub fn on_run(&mut self, now: LocalTime, core: &mut Core, out: &mut Out) -> Option<Decision> {
        match self {
            Self::Fast(election) => election.on_run(now, core, out),
            Self::FirstCome(asking) => asking.on_run(core, out),
        }
    }

    /// Nothing has come of it so far: says it again.
    pub fn on_resend(&mut self, now: LocalTime, core: &mut Core, out: &mut Out) {
        match self {
            Self::Fast(election) => election.on_resend(now, core, out),
            Self::FirstCome(asking) => asking.on_resend(core, out),
        }
    }

    /// The wait for a better vote is over.
    pub fn on_finalized(&self) -> Option<Decision> {
        match self {
            Self::Fast(election) => Some(election.on_finalized()),
            Self::FirstCome(_) => None,
        }
    }
}
