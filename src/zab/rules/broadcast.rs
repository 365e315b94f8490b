//! Design choices of broadcast, each read at exactly one place; the first variant is the correct one.

/// All of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct BroadcastRules {
    /// When a proposal is committed.
    pub commit: CommitRule,
    /// Which proposal is committed next.
    pub order: CommitOrder,
    /// In which order the records of one fsync are acknowledged.
    pub acks: AckOrder,
    /// What a learner's ack of NEWLEADER says of proposals.
    pub label_ack: LabelAck,
    /// When a follower applies a proposal.
    pub apply: ApplyMoment,
    /// What a leader does that too few learners answer.
    pub lost_quorum: LostQuorum,
    /// Which zxid follows that of a failed write.
    pub after_failure: AfterFailure,
    /// What becomes of forwarded writes that are not answered when a follower's role ends.
    pub forwarded: ForwardedWrites,
    /// What becomes of committed transactions that are not applied when a follower's role ends.
    pub leftovers: Leftovers,
    /// Whether a snapshot on its way to a learner keeps the leader from applying.
    pub snapshot_lock: SnapshotLock,
}

/// When a proposal is committed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum CommitRule {
    /// When a quorum of voters has acknowledged it.
    #[default]
    Quorum,
    /// When the leader and one follower have.
    FirstFollower,
    /// When the leader has.
    OwnLog,
    /// When as many acks have come as a quorum has members, whoever sent them.
    CountedAcks,
}

/// Which proposal is committed next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum CommitOrder {
    /// The oldest, once it may be.
    #[default]
    OldestFirst,
    /// Any that may be.
    AsAcknowledged,
}

/// In which order the records of one fsync are acknowledged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum AckOrder {
    /// As they are in the log.
    #[default]
    OldestFirst,
    /// The other way round.
    NewestFirst,
}

/// What a learner's ack of NEWLEADER says of proposals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum LabelAck {
    /// Nothing.
    #[default]
    Nothing,
    /// That it has all that were made so far.
    Everything,
}

/// When a follower applies a proposal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ApplyMoment {
    /// After its COMMIT.
    #[default]
    OnCommit,
    /// When it arrives.
    OnProposal,
}

/// What a leader does that too few learners answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum LostQuorum {
    /// It gives up.
    #[default]
    StepsDown,
    /// It waits for them.
    LeadsOn,
}

/// Which zxid follows that of a failed write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum AfterFailure {
    /// The next.
    #[default]
    Next,
    /// The same once more.
    Same,
}

/// What becomes of forwarded writes that are not answered when a follower's role ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ForwardedWrites {
    /// Nobody thinks of them.
    #[default]
    Dropped,
    /// The next leader gets them too.
    SentAgain,
}

/// What becomes of committed transactions that are not applied when a follower's role ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Leftovers {
    /// The queue goes with the role.
    #[default]
    Dropped,
    /// They are applied all the same, to the state that the next sync has made.
    Applied,
}

/// Whether a snapshot on its way to a learner keeps the leader from applying.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SnapshotLock {
    /// No.
    #[default]
    Free,
    /// Until the learner has all of it.
    Held,
}
