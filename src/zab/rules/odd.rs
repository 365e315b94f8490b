//! Design choices that are odd and legal, each read at exactly one place; the first variant is the default. No property
//! may be broken by any of them.

/// All of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct OddRules {
    /// When an election ends.
    pub finalize: FinalizeWait,
    /// How soon a learner applies what is committed.
    pub apply: ApplyPace,
    /// How often a follower acknowledges a proposal.
    pub acks: AckCopies,
    /// What becomes of the replies to writes.
    pub replies: WriteReplies,
    /// How learners are brought up to date.
    pub sync: SyncTaste,
}

/// When an election ends that has a quorum for the best vote (zab.md §2.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum FinalizeWait {
    /// After 200 ms without a better vote.
    #[default]
    Waits,
    /// At once: a better vote that is on its way comes too late.
    AtOnce,
}

/// How soon a learner applies what is committed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ApplyPace {
    /// As soon as it can.
    #[default]
    Eager,
    /// When a second transaction or a sync waits, or at the leader's next ping.
    Lazy,
}

/// How often a follower acknowledges a proposal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum AckCopies {
    /// Once.
    #[default]
    One,
    /// Twice.
    Two,
}

/// What becomes of the replies to writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum WriteReplies {
    /// They are sent.
    #[default]
    Sent,
    /// One in eight is lost with its connection.
    OneInEightLost,
}

/// How learners are brought up to date.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SyncTaste {
    /// With what fits.
    #[default]
    Fitting,
    /// With a snapshot, always.
    AlwaysSnap,
}
