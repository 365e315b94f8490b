//! Design choices of synchronisation, each read at exactly one place; the first variant is the correct one.

use crate::history::fact::SyncKind;

/// All of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct SyncRules {
    /// What a learner does between NEWLEADER and its ACK.
    pub new_leader: NewLeaderOrder,
    /// When the committed part of a sync is applied.
    pub applied: AppliedAt,
    /// What becomes of uncommitted proposals at NEWLEADER.
    pub uncommitted: Uncommitted,
    /// When the transactions of a sync are acknowledged one by one.
    pub acks: SyncAcks,
    /// What becomes of commits that come between the ACK of NEWLEADER and UPTODATE.
    pub late_commits: LateCommits,
    /// What a learner does about a gap in the proposals.
    pub disorder: Disorder,
    /// What TRUNC does.
    pub trunc: TruncRule,
    /// What the head of a DIFF does.
    pub diff_head: DiffHead,
    /// What memory is when a role has ended.
    pub role_end: RoleEnd,
    /// Where received proposals wait for the log.
    pub sync_thread: SyncThread,
    /// What an observer does with the INFORMs of its sync.
    pub informs: SyncInforms,
    /// How transactions of a sync change the session table.
    pub sessions: SyncSessions,
    /// How the window of committed transactions is kept.
    pub window: WindowRule,
    /// What a leader sends a learner inside the window.
    pub walk: WalkRule,
    /// What a leader sends a learner below the window.
    pub below_window: BelowWindow,
    /// When live traffic takes over.
    pub forwarding: Forwarding,
    /// Who gets proposals.
    pub proposals: ProposalsTo,
    /// What a SNAP holds.
    pub snap: SnapContent,
    /// Which acks of NEWLEADER establish a leader.
    pub established: Established,
    /// Which ACK a leader takes for that of NEWLEADER.
    pub first_ack: FirstAck,
    /// Whether a leader writes a snapshot before it has met anybody.
    pub lead_start: LeadStart,
    /// What a server does about a failed write.
    pub disk_errors: DiskErrors,
}

/// One step of a learner between NEWLEADER and what follows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NewLeaderStep {
    /// Snapshot, log and currentEpoch change in one durable switch (K1).
    Switch,
    /// A snapshot of what is committed is written and forced; currentEpoch stays.
    Snapshot,
    /// A snapshot of what is committed is begun, to be forced by nobody.
    LooseSnapshot,
    /// Everything received is appended to the log.
    AppendAll,
    /// The committed part is appended to the log.
    AppendCommitted,
    /// The log is forced.
    Force,
    /// currentEpoch is written.
    StoreEpoch,
    /// The ACK leaves.
    Ack,
}

/// What a learner does at NEWLEADER, and in which order (zab.md §4.7, §16.1 K1, K2).
///
/// | releases | order of a DIFF | order of a SNAP |
/// |---|---|---|
/// | up to 3.4.9, 3.5.2 | snapshot, epoch, ack | same |
/// | to 3.4.14, 3.5.9, 3.6.2 | epoch, ack, log after UPTODATE | snapshot, epoch, ack |
/// | 3.7, to 3.8.4, 3.9.1 | epoch, log, ack, fsync | same |
/// | 3.8.5, 3.9.2 | log, fsync, epoch, ack | same |
/// | since 3.9.3 | log what is committed, fsync, epoch, ack | same |
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum NewLeaderOrder {
    /// K1, K2: log, fsync, epoch, ack; SNAP and TRUNC are one switch.
    #[default]
    Staged,
    /// As the default, but a snapshot and its epoch are two steps.
    SnapshotThenEpoch,
    /// Up to 3.4.9 and 3.5.2: a snapshot that nobody forces, epoch, ack.
    LooseSnapshot,
    /// Before ZOOKEEPER-3911: a DIFF is logged after UPTODATE.
    AckThenLog,
    /// ZOOKEEPER-3911 until 4785: epoch first, and the log is forced when its turn comes.
    EpochThenLogThenForce,
    /// Half of that, ZOOKEEPER-4643: epoch, log, fsync, ack.
    EpochThenLog,
    /// The other half, ZOOKEEPER-4646: log, epoch, ack, fsync.
    AckBeforeForce,
    /// ZOOKEEPER-4785: everything is logged and forced, then epoch, ack.
    LogThenEpoch,
    /// Since ZOOKEEPER-4394: only what is committed is logged before the epoch.
    CommittedThenEpoch,
    /// ZOOKEEPER-3104: a SNAP is acknowledged before it is on disk.
    AckBeforeSnapshot,
}

impl NewLeaderOrder {
    /// The steps, in order.
    pub fn steps(self, kind: SyncKind) -> &'static [NewLeaderStep] {
        use NewLeaderStep as Do;
        let is_diff = match kind {
            SyncKind::Diff | SyncKind::LogDiff => true,
            SyncKind::Snap | SyncKind::Trunc => false,
        };
        match (self, is_diff) {
            (
                Self::Staged
                | Self::SnapshotThenEpoch
                | Self::LogThenEpoch
                | Self::AckBeforeSnapshot,
                true,
            ) => &[Do::AppendAll, Do::Force, Do::StoreEpoch, Do::Ack],
            (Self::Staged | Self::EpochThenLog | Self::AckBeforeForce, false) => {
                &[Do::Switch, Do::Ack]
            }
            (Self::LooseSnapshot, true | false) => &[Do::LooseSnapshot, Do::StoreEpoch, Do::Ack],
            (Self::AckThenLog, true) => &[Do::StoreEpoch, Do::Ack],
            (Self::EpochThenLogThenForce, true) => &[Do::StoreEpoch, Do::AppendAll, Do::Ack],
            (Self::EpochThenLog, true) => &[Do::StoreEpoch, Do::AppendAll, Do::Force, Do::Ack],
            (Self::AckBeforeForce, true) => &[Do::AppendAll, Do::StoreEpoch, Do::Ack],
            (Self::CommittedThenEpoch, true) => {
                &[Do::AppendCommitted, Do::Force, Do::StoreEpoch, Do::Ack]
            }
            (Self::AckBeforeSnapshot, false) => &[Do::Ack, Do::Switch],
            (
                Self::SnapshotThenEpoch
                | Self::AckThenLog
                | Self::EpochThenLogThenForce
                | Self::LogThenEpoch
                | Self::CommittedThenEpoch,
                false,
            ) => &[Do::Snapshot, Do::StoreEpoch, Do::Ack],
        }
    }
}

/// When the committed part of a sync is applied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum AppliedAt {
    /// Before the ACK of NEWLEADER.
    #[default]
    NewLeader,
    /// After UPTODATE, one by one, while clients are served (ZOOKEEPER-3023).
    UpToDate,
}

/// What becomes of uncommitted proposals at NEWLEADER.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Uncommitted {
    /// They wait for their commits.
    #[default]
    Kept,
    /// They are on disk, so they are forgotten until UPTODATE: a commit before that finds nothing (ZOOKEEPER-4394).
    Forgotten,
}

/// When the transactions of a sync are acknowledged one by one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SyncAcks {
    /// After UPTODATE.
    #[default]
    AfterUpToDate,
    /// As soon as they are forced, be it before the ACK of NEWLEADER (ZOOKEEPER-4685).
    WhenForced,
}

/// What becomes of commits that come between the ACK of NEWLEADER and UPTODATE.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum LateCommits {
    /// They are done after UPTODATE.
    #[default]
    Done,
    /// They are dropped (ZOOKEEPER-1282).
    Dropped,
    /// UPTODATE commits whatever is pending.
    Everything,
}

/// What a learner does about a gap in the proposals (K12).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Disorder {
    /// The connection ends.
    #[default]
    EndsConnection,
    /// As 3.9.4 and later: the first proposal may be any.
    FirstMayBeAny,
    /// A warning, and it goes on.
    GoesOn,
}

/// What TRUNC does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum TruncRule {
    /// The learner's state and log end where it says (K1, K6).
    #[default]
    Exact,
    /// Nothing.
    Skipped,
    /// One record too many goes (ZOOKEEPER-1156).
    OneTooMany,
    /// Memory goes back, the log does not.
    MemoryOnly,
    /// The log goes back, memory does not.
    LogOnly,
    /// The log is cut, and the state read again from it and whatever snapshot there is (ZOOKEEPER-1549).
    LogNotSnapshots,
    /// Likewise, after the first record that is not below where it says: where that record is not there, one too many stays; where
    /// none is, the server stops (3.9.5).
    LogAfterFirst,
    /// What is appended afterwards goes to where the log ended before, behind a hole (ZOOKEEPER-1489).
    StaleStream,
}

/// What the head of a DIFF does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum DiffHead {
    /// It announces what follows.
    #[default]
    Announces,
    /// The learner counts itself as being there already (ZOOKEEPER-2355).
    RaisesLastProcessed,
}

/// What memory is when a role has ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum RoleEnd {
    /// The durable history (K13).
    #[default]
    DurableHistory,
    /// What it was: applied as far as was committed, while the log is ahead (ZOOKEEPER-2845).
    WhatIsApplied,
    /// The state that a broken SNAP brought (ZOOKEEPER-3642).
    BrokenSnap,
    /// The state that a broken TRUNC and its commits brought (ZOOKEEPER-5094).
    BrokenTrunc,
}

/// Where received proposals wait for the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SyncThread {
    /// They are appended at once, and a role ends when all is forced.
    #[default]
    EndsWithRole,
    /// In a queue that is worked off whatever has become of the role (ZOOKEEPER-4712).
    OutlivesRole,
}

/// What an observer does with the INFORMs of its sync.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SyncInforms {
    /// It takes them.
    #[default]
    Taken,
    /// It drops them until UPTODATE (ZOOKEEPER-1551).
    Dropped,
}

/// How transactions of a sync change the session table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SyncSessions {
    /// As any others.
    #[default]
    Tracked,
    /// Not at all (ZOOKEEPER-1367).
    Bypassed,
}

/// How the window of committed transactions is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum WindowRule {
    /// Without holes.
    #[default]
    Whole,
    /// Transactions of a sync are not remembered in it (ZOOKEEPER-4925).
    WithoutSyncs,
}

/// What a leader sends a learner inside the window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum WalkRule {
    /// What it lacks, if its last transaction is there; else TRUNC or SNAP.
    #[default]
    FromItsLast,
    /// Whatever is later than its last transaction, be that there or not (ZOOKEEPER-1154).
    WhateverIsLater,
    /// One transaction too few.
    SkipsOne,
    /// Its last transaction again, too.
    RepeatsLast,
}

/// What a leader sends a learner below the window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum BelowWindow {
    /// The log, if it reaches back to the learner's last transaction (K7); else SNAP.
    #[default]
    WholeLog,
    /// The log from the first record it has (ZOOKEEPER-2846).
    LogFromFirst,
    /// The window.
    JustTheWindow,
}

/// When live traffic takes over from a sync.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Forwarding {
    /// In one step with the decision, after what is in flight.
    #[default]
    WithDecision,
    /// In one step with the decision, without what is in flight (ZOOKEEPER-1319).
    WithoutBacklog,
    /// With NEWLEADER, after what is in flight then: what was committed in between is not sent (ZOOKEEPER-962).
    WithNewLeader,
}

/// Who gets proposals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ProposalsTo {
    /// Whoever is being synced or is synced.
    #[default]
    Forwarding,
    /// Who has been told UPTODATE.
    Synced,
}

/// What a SNAP holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SnapContent {
    /// The state, named by its last transaction.
    #[default]
    State,
    /// The tree without the session table.
    WithoutSessions,
    /// The state, named by the leader's last proposal.
    NamedByLastProposal,
}

/// Which acks of NEWLEADER establish a leader.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Established {
    /// Those of a quorum.
    #[default]
    ByQuorum,
    /// The first one.
    ByAnybody,
}

/// Which ACK a leader takes for that of NEWLEADER.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum FirstAck {
    /// That of NEWLEADER.
    #[default]
    OfNewLeader,
    /// The first one, whatever it acknowledges; it counts only if it is the right one.
    Any,
}

/// Whether a leader writes a snapshot before it has met anybody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum LeadStart {
    /// No.
    #[default]
    LeavesDisk,
    /// Of everything it holds, committed or not (D3).
    WritesSnapshot,
}

/// What a server does about a failed write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum DiskErrors {
    /// It stops (K9).
    #[default]
    Stop,
    /// A leader goes on leading and proposes nothing any more (ZOOKEEPER-2247).
    LeaderGoesOn,
    /// The role ends, memory stays ahead of the log (ZOOKEEPER-4882).
    EndRole,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_default_everything_is_durable_before_the_ack_leaves() {
        for kind in [
            SyncKind::Diff,
            SyncKind::LogDiff,
            SyncKind::Snap,
            SyncKind::Trunc,
        ] {
            let steps = NewLeaderOrder::default().steps(kind);
            let last_write = steps.iter().rposition(|step| *step != NewLeaderStep::Ack);
            let ack = steps.iter().position(|step| *step == NewLeaderStep::Ack);
            assert!(last_write < ack, "{kind:?}: {steps:?}");
            let covers = |step| steps.contains(&step);
            assert!(
                covers(NewLeaderStep::Switch)
                    || covers(NewLeaderStep::Force) && covers(NewLeaderStep::StoreEpoch),
                "{kind:?}: {steps:?}"
            );
        }
    }
}
