//! Decisions that code from outside may take instead of the protocol: a student's solution of an exercise, for example.
//!
//! Each decision stays in its one function; where somebody is asked, that function asks. Whoever is asked is pure and
//! synchronous: the same question has the same answer, always. By default nobody is asked.

use std::borrow::Cow;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use super::sync::NewLeaderStep;
use crate::base::id::{ServerId, ServerSet};
use crate::base::zxid::Zxid;
use crate::history::fact::SyncKind;
use crate::zab::vote::Vote;

/// Which of two votes is better (zab.md §2.2).
pub trait VoteOrder: Send + Sync {
    /// Whether a server that votes for `current` changes its mind when it hears of `new`.
    fn supersedes(&self, new: &Vote, current: &Vote) -> bool;
}

/// When a proposal is committed.
pub trait CommitRule: Send + Sync {
    /// Whether the leader may commit what these servers have acknowledged.
    fn is_committed(&self, acks: &Acks) -> bool;
}

/// Who has acknowledged a proposal, and who there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Acks {
    /// The leader; its own ack is among the acks once it is in its log.
    pub leader: ServerId,
    /// Whose acks have come.
    pub acks: ServerSet,
    /// The servers that vote.
    pub voters: ServerSet,
    /// The servers that only follow.
    pub observers: ServerSet,
}

/// What a leader sends a learner that comes back (zab.md §4.2).
pub trait SyncPolicy: Send + Sync {
    /// How the learner is brought to the leader's history.
    fn decide(&self, leader: &LeaderLog, peer: &PeerState) -> SyncPlan;
}

/// What a leader knows of its own history.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LeaderLog {
    /// The committed transactions that it has in memory, oldest first; what is older it can only send as a snapshot.
    pub window: Vec<Zxid>,
    /// The last one it has applied; a label (counter 0) if its epoch is without transactions.
    pub last: Zxid,
}

/// What a learner says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PeerState {
    /// The last transaction in its log; a label (counter 0) if it has followed into an epoch and got nothing there.
    pub last: Zxid,
    /// It can use nothing but a snapshot.
    pub wants_snapshot: bool,
}

/// What is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SyncPlan {
    /// Everything in the window after this transaction.
    Diff {
        /// The last one that the learner has.
        after: Zxid,
    },
    /// The learner cuts its log after this transaction; then everything in the window after it.
    Trunc {
        /// The last one that it keeps.
        to: Zxid,
    },
    /// The whole state; the learner drops what it has.
    Snap,
}

/// In which order a learner writes to its disk and speaks (zab.md §3, §4.7).
pub trait EpochStore: Send + Sync {
    /// What it does between NEWLEADER and UPTODATE.
    fn at_new_leader(&self) -> Vec<NewLeaderStep>;
    /// What it does when a leader proposes an epoch.
    fn at_new_epoch(&self) -> Vec<PromiseStep>;
}

/// One step of a learner that is told an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PromiseStep {
    /// acceptedEpoch is written and forced.
    Store,
    /// The ACKEPOCH leaves.
    Ack,
}

/// Which sets of servers decide.
pub trait QuorumVerifier: Send + Sync {
    /// Whether `members` decide.
    fn contains_quorum(&self, members: ServerSet, ensemble: &Ensemble) -> bool;
}

/// Who there is, and what each vote weighs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Ensemble {
    /// The servers that vote.
    pub voters: ServerSet,
    /// The servers that only follow.
    pub observers: ServerSet,
    /// What a voter's vote weighs where that is not 1.
    pub weights: Vec<(ServerId, u32)>,
    /// Groups of voters; none = all in one. With groups, a majority of the groups that weigh anything must have a
    /// majority of their weight each.
    pub groups: Vec<ServerSet>,
}

/// Whom a server asks; nobody by default.
#[derive(Clone, Default)]
pub struct Asked {
    /// Which of two votes is better.
    pub votes: Option<Arc<dyn VoteOrder>>,
    /// When a proposal is committed.
    pub commits: Option<Arc<dyn CommitRule>>,
    /// What a learner is sent.
    pub syncs: Option<Arc<dyn SyncPolicy>>,
    /// In which order a learner writes and speaks.
    pub stores: Option<Arc<dyn EpochStore>>,
    /// Who decides.
    pub quorums: Option<Arc<dyn QuorumVerifier>>,
}

impl Asked {
    /// The steps of a learner at NEWLEADER, if somebody is asked for them: only a DIFF leaves a choice.
    pub fn at_new_leader(&self, kind: SyncKind) -> Option<Cow<'static, [NewLeaderStep]>> {
        let store = self.stores.as_ref()?;
        match kind {
            SyncKind::Diff | SyncKind::LogDiff => Some(store.at_new_leader().into()),
            SyncKind::Snap | SyncKind::Trunc => None,
        }
    }

    /// Whether a promise is on disk before it is given, if somebody is asked.
    pub fn stores_promises(&self) -> Option<bool> {
        let steps = self.stores.as_ref()?.at_new_epoch();
        let place = |wanted| steps.iter().position(|step| *step == wanted);
        let stored = place(PromiseStep::Store);
        Some(stored.is_some() && stored < place(PromiseStep::Ack).or(Some(usize::MAX)))
    }

    /// Who is asked, as something to compare.
    fn places(&self) -> [Option<*const ()>; 5] {
        fn place<T: ?Sized>(who: Option<&Arc<T>>) -> Option<*const ()> {
            who.map(|who| Arc::as_ptr(who).cast())
        }
        [
            place(self.votes.as_ref()),
            place(self.commits.as_ref()),
            place(self.syncs.as_ref()),
            place(self.stores.as_ref()),
            place(self.quorums.as_ref()),
        ]
    }
}

impl fmt::Debug for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let asked = self.places().map(|place| place.is_some());
        f.debug_tuple("Asked").field(&asked).finish()
    }
}

impl PartialEq for Asked {
    fn eq(&self, other: &Self) -> bool {
        self.places() == other.places()
    }
}

impl Eq for Asked {}

impl Hash for Asked {
    fn hash<H: Hasher>(&self, _: &mut H) {
        // Nothing: where code lies in memory is no part of a choice.
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Steps(Vec<PromiseStep>);

    impl EpochStore for Steps {
        fn at_new_leader(&self) -> Vec<NewLeaderStep> {
            vec![NewLeaderStep::Ack]
        }

        fn at_new_epoch(&self) -> Vec<PromiseStep> {
            self.0.clone()
        }
    }

    fn asked(steps: &[PromiseStep]) -> Asked {
        Asked {
            stores: Some(Arc::new(Steps(steps.to_vec()))),
            ..Asked::default()
        }
    }

    #[test]
    fn a_promise_counts_as_stored_only_if_it_is_written_before_it_is_given() {
        use PromiseStep::{Ack, Store};
        assert_eq!(Asked::default().stores_promises(), None);
        assert_eq!(asked(&[Store, Ack]).stores_promises(), Some(true));
        assert_eq!(asked(&[Ack, Store]).stores_promises(), Some(false));
        assert_eq!(asked(&[Ack]).stores_promises(), Some(false));
    }

    #[test]
    fn who_is_asked_distinguishes_rules() {
        let one = asked(&[]);
        assert_eq!(one, one.clone());
        assert_ne!(one, asked(&[]));
        assert_ne!(one, Asked::default());
        assert_eq!(one.at_new_leader(SyncKind::Snap), None);
        assert!(one.at_new_leader(SyncKind::Diff).is_some());
    }
}
