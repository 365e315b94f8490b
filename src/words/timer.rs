//! Names of timers and stages.

use crate::base::id::ServerId;

/// Everything that can run out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Timer {
    /// Election: nothing heard for `notTimeout`.
    Resend,
    /// Election: 200 ms without a better vote.
    Finalize,
    /// Wait before entering LOOKING (observers; a failed discovery, K8).
    Pause,
    /// Learner: dial the leader again.
    DialLeader,
    /// Learner: the leader has been silent for too long.
    LeaderSilent,
    /// Leader: a phase (L3, L5, L7) lasted initLimit ticks.
    PhaseLimit,
    /// Leader: sessions may be due.
    Expiry,
    /// Leader: half a tick has passed.
    HalfTick,
    /// Leader: this learner has been silent for too long.
    LearnerSilent(ServerId),
    /// A client's timer.
    Client(ClientTimer),
}

/// A client library's and workload's timers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ClientTimer {
    /// Wait before the next connection attempt.
    Reconnect,
    /// No answer to a connection request.
    Connect,
    /// Time to ping.
    Ping,
    /// Nothing read for 2/3 of the timeout.
    Read,
    /// Nothing heard for 4/3 of the timeout: the session counts as expired.
    Expire,
    /// The workload's next operation.
    Think,
}

/// Stages inside a server that run as events of their own (zab.md §0).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// Takes queued notifications (`lookForLeader`).
    Election,
    /// Validates, numbers and proposes (`PrepRequestProcessor`).
    Prep,
    /// Forces appended records in groups (`SyncRequestProcessor`).
    Sync,
    /// Applies committed transactions and answers (`CommitProcessor`, `FinalRequestProcessor`).
    Commit,
    /// Sends one learner its sync (`LearnerHandler`).
    Handler(ServerId),
}
