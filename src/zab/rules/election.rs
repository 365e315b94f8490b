//! Design choices of election and discovery, each read at exactly one place; the first variant is the correct one.

use crate::base::id::ServerSet;
use crate::base::zxid::{Epoch, Zxid};
use crate::zab::discovery::Summary;
use crate::zab::vote::Vote;

/// All of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ElectionRules {
    /// Which of two votes wins.
    pub order: VoteOrder,
    /// What a server votes for when it starts to look.
    pub candidate: Candidate,
    /// What a server claims to have.
    pub claim: Claim,
    /// When votes decide.
    pub tally: TallyRule,
    /// Which ballots count for the same outcome.
    pub agreement: Agreement,
    /// Whether a follower's vote learns of the epoch that it led to.
    pub refresh: VoteRefresh,
    /// When somebody that others follow is taken for a leader.
    pub joining: Joining,
    /// Which epoch a leader proposes.
    pub epoch: EpochRule,
    /// Which proposed epoch a learner takes.
    pub promise: PromiseRule,
    /// When the promises suffice.
    pub promises: PromiseCount,
    /// What a leader does about a learner that has promised a later epoch.
    pub later_promise: LaterPromise,
    /// What a leader does about a follower that knows more.
    pub ahead: AheadRule,
    /// What remains of a reign that no quorum has confirmed.
    pub failed_reign: FailedReign,
    /// What becomes of the epoch files.
    pub files: EpochFiles,
    /// What a write error of an epoch file does.
    pub write_error: EpochWriteError,
    /// What follows the last zxid of an epoch.
    pub rollover: Rollover,
    /// When a LOOKING server says its vote again.
    pub repeat: VoteRepeat,
    /// What a server waits for after a failed discovery.
    pub backoff: Backoff,
}

/// Which of two votes wins (`totalOrderPredicate`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum VoteOrder {
    /// The later epoch, then the later zxid, then the larger sid.
    #[default]
    EpochZxidSid,
    /// The later epoch, then the larger sid.
    EpochSid,
    /// The later zxid, then the larger sid.
    ZxidSid,
    /// The later epoch, then the later zxid; ties stay.
    EpochZxid,
    /// The larger sid wins between equal zxids, whatever the epochs: no order at all.
    Unparenthesised,
}

impl VoteOrder {
    /// Whether `one` beats `other`. The round is no part of it.
    pub fn prefers(self, one: Vote, other: Vote) -> bool {
        let by_sid = one.leader > other.leader;
        match self {
            Self::EpochZxidSid => {
                (one.epoch, one.zxid, one.leader) > (other.epoch, other.zxid, other.leader)
            }
            Self::EpochSid => (one.epoch, one.leader) > (other.epoch, other.leader),
            Self::ZxidSid => (one.zxid, one.leader) > (other.zxid, other.leader),
            Self::EpochZxid => (one.epoch, one.zxid) > (other.epoch, other.zxid),
            Self::Unparenthesised => {
                (one.epoch, one.zxid) > (other.epoch, other.zxid)
                    || one.zxid == other.zxid && by_sid
            }
        }
    }
}

/// What a server votes for when it starts to look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Candidate {
    /// Itself.
    #[default]
    Itself,
    /// The leader it had, alive or not.
    FormerLeader,
}

/// What a server claims to have, in votes and promises.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Claim {
    /// Everything it has logged.
    #[default]
    Logged,
    /// What it had applied when its last role ended.
    Applied,
}

/// When votes decide.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum TallyRule {
    /// When a quorum is for the same.
    #[default]
    Quorum,
    /// Also when every voter has been heard, whatever it said.
    EverybodyHeard,
}

/// Which ballots count for the same outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Agreement {
    /// Among decided servers those for the same leader and epoch.
    #[default]
    LeaderAndEpoch,
    /// Only those that are identical.
    Identical,
}

/// Whether a follower's vote learns of the epoch that it led to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum VoteRefresh {
    /// With UPTODATE.
    #[default]
    UpToDate,
    /// Never.
    Never,
}

/// When somebody that others follow is taken for a leader (`checkLeader`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Joining {
    /// If it says so itself, or I am it and the round is mine.
    #[default]
    SaysSoInTime,
    /// If it says so itself, or I am it, in whatever round.
    SaysSo,
    /// One who says that it leads needs no followers.
    Alone,
}

/// Which epoch a leader proposes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum EpochRule {
    /// One above every promise heard.
    #[default]
    AboveAll,
    /// It is raised only by a promise above it, not by an equal one.
    RaisedOnlyByGreater,
    /// The highest promise heard.
    Highest,
    /// One above the epoch of its own last transaction.
    AfterOwnLog,
}

impl EpochRule {
    /// The proposed epoch after one more server has told its promise.
    pub fn choose(self, so_far: Epoch, accepted: Epoch, own_last: Zxid) -> Epoch {
        match self {
            Self::AboveAll => so_far.max(accepted.next()),
            Self::RaisedOnlyByGreater if accepted > so_far || so_far == Epoch(0) => accepted.next(),
            Self::RaisedOnlyByGreater => so_far,
            Self::Highest => so_far.max(accepted).max(Epoch(1)),
            Self::AfterOwnLog => own_last.epoch().next(),
        }
    }
}

/// Which proposed epoch a learner takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum PromiseRule {
    /// One above its promise; the one it has promised without promising it again.
    #[default]
    OnceAndRising,
    /// The one it has promised counts once more.
    Again,
    /// Any, also an earlier one.
    Any,
}

/// When the promises suffice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum PromiseCount {
    /// When a quorum with the leader in it has promised.
    #[default]
    Quorum,
    /// As soon as the leader itself has promised.
    Own,
    /// As soon as one follower has promised, too.
    OneFollower,
}

impl PromiseCount {
    /// Whether these promises suffice; `is_quorum` is what the ensemble says of them.
    pub fn suffices(self, promised: ServerSet, is_quorum: bool) -> bool {
        match self {
            Self::Quorum => is_quorum,
            Self::Own => true,
            Self::OneFollower => promised.len() > 1,
        }
    }
}

/// What a leader does about a learner that has promised a later epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum LaterPromise {
    /// It gives way, so that the next epoch is above that promise (K8).
    #[default]
    GivesWay,
    /// Nothing, as ZooKeeper 3.9.5: the learner refuses the epoch that it is told.
    Ignored,
}

/// What a leader does about a follower that knows more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum AheadRule {
    /// It does not count it.
    #[default]
    Refuses,
    /// It counts it like any other.
    Ignores,
}

impl AheadRule {
    /// Whether a follower with this history is refused by a leader with that one.
    pub fn refuses(self, theirs: Summary, mine: Summary) -> bool {
        match self {
            Self::Refuses => theirs > mine,
            Self::Ignores => false,
        }
    }
}

/// What remains of a reign that no quorum has confirmed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum FailedReign {
    /// Nothing but the promise.
    #[default]
    LeavesNothing,
    /// `lastProcessedZxid` stays at the epoch that was not established.
    LeavesItsZxid,
}

/// What becomes of the epoch files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum EpochFiles {
    /// Both are written, and read at boot.
    #[default]
    Kept,
    /// The first promise goes into the wrong file.
    FirstPromiseIntoCurrent,
    /// acceptedEpoch does not survive a restart: the epoch of the last transaction stands in.
    AcceptedForgotten,
    /// currentEpoch does not survive a restart: the epoch of the last transaction stands in.
    CurrentForgotten,
}

/// What a write error of an epoch file does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum EpochWriteError {
    /// The server halts (K9).
    #[default]
    Halts,
    /// The value counts all the same, in memory.
    Swallowed,
}

/// What follows the last zxid of an epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Rollover {
    /// The epoch ends before it is used up.
    #[default]
    EndsEpoch,
    /// The counter's carry goes into the epoch.
    Carries,
}

/// When a LOOKING server says its vote again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum VoteRepeat {
    /// After a silence, and every `max_notification` whatever it hears (K14).
    #[default]
    EveryMaxNotification,
    /// After a silence only, as ZooKeeper 3.9.5.
    AfterSilence,
}

/// What a server waits for after a failed discovery.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Backoff {
    /// Longer every time, up to eight times 200 ms (K8).
    #[default]
    Doubling,
    /// Nothing, as ZooKeeper 3.9.5.
    None,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::id::ServerId;

    fn vote(leader: u8, epoch: u32, counter: u32) -> Vote {
        Vote {
            leader: ServerId(leader),
            zxid: Zxid::new(Epoch(1), counter),
            epoch: Epoch(epoch),
        }
    }

    #[test]
    fn without_parentheses_two_votes_beat_each_other() {
        let (early, late) = (vote(2, 1, 5), vote(1, 2, 5));
        let both = |order: VoteOrder| (order.prefers(early, late), order.prefers(late, early));
        assert_eq!(both(VoteOrder::EpochZxidSid), (false, true));
        assert_eq!(both(VoteOrder::Unparenthesised), (true, true));
        assert_eq!(both(VoteOrder::ZxidSid), (true, false));
    }

    #[test]
    fn what_an_order_leaves_out_decides_nothing() {
        let (short, long) = (vote(2, 1, 4), vote(1, 1, 5));
        assert!(VoteOrder::EpochSid.prefers(short, long));
        assert!(!VoteOrder::EpochZxid.prefers(vote(2, 1, 5), vote(1, 1, 5)));
    }

    #[test]
    fn only_the_first_rule_is_above_every_promise() {
        let choose = |rule: EpochRule| {
            [1, 2, 1].into_iter().fold(Epoch(0), |so_far, accepted| {
                rule.choose(so_far, Epoch(accepted), Zxid::new(Epoch(1), 9))
            })
        };
        assert_eq!(choose(EpochRule::AboveAll), Epoch(3));
        for rule in [
            EpochRule::RaisedOnlyByGreater,
            EpochRule::Highest,
            EpochRule::AfterOwnLog,
        ] {
            assert_eq!(choose(rule), Epoch(2), "{rule:?} takes a promised epoch");
        }
    }
}
