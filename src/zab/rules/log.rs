//! Design choices of log, snapshots and recovery, each read at exactly one place; the first variant is the correct one.

use std::sync::Arc;

use crate::tree::store::Tree;
use crate::tree::txn::{Body, Txn};

/// All of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct LogRules {
    /// What a snapshot holds, and what it says it holds.
    pub snapshot: SnapshotRule,
    /// What boot makes of the disk.
    pub boot: BootRule,
    /// What becomes of a torn record at the log's end.
    pub tail: TornTail,
    /// Whether boot forces what it has read.
    pub force: BootForce,
}

/// What a snapshot holds, and what it says it holds, if it is taken while a transaction is being applied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SnapshotRule {
    /// The state after the transaction that it names.
    #[default]
    Exact,
    /// It names the transaction, and lacks it.
    LabelAhead,
    /// It names a change of an ACL, and has the node from before it.
    AclsBehind,
    /// It names the transaction before the end of a session whose ephemerals it does not hold any more, and has their
    /// parents from before. Legal, since a replay deletes the paths that the transaction lists.
    HalfClosed,
    /// It names the begin or end of a session, and lacks it.
    SessionsBehind,
}

impl SnapshotRule {
    /// The snapshot of a server that has just applied `txn` to `before`, which made `after`.
    pub fn image(self, before: &Tree, txn: &Txn, after: &Tree) -> Tree {
        match (self, &txn.body) {
            (Self::LabelAhead, _)
            | (Self::AclsBehind, Body::SetAcl { .. })
            | (Self::SessionsBehind, Body::OpenSession { .. } | Body::CloseSession { .. }) => {
                before.named(after.lineage())
            }
            (Self::HalfClosed, Body::CloseSession { ephemerals }) => {
                let half = after.clone().with_parents_of(before, ephemerals);
                half.named(before.lineage())
            }
            (Self::Exact | Self::SessionsBehind | Self::AclsBehind | Self::HalfClosed, _) => {
                after.clone()
            }
        }
    }
}

/// What boot makes of the disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum BootRule {
    /// It replays the log over the newest snapshot, and drops what its epoch does not cover (K3).
    #[default]
    DropsLaterEpochs,
    /// It refuses to start where its epoch does not cover its history.
    RefusesLaterEpochs,
    /// It reads the newest snapshot and no log.
    IgnoresLog,
    /// Where no snapshot can be read it replays the log over an empty tree.
    NeedsNoSnapshot,
}

/// Whether boot forces what it has read (K4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum BootForce {
    /// It does: a killed process may have left records that only the kernel knows of.
    #[default]
    Forces,
    /// It takes what it can read for durable, as ZooKeeper 3.9.5.
    Trusts,
}

/// What becomes of a torn record at the log's end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum TornTail {
    /// It is dropped.
    #[default]
    Dropped,
    /// It is dropped, but its zxid goes into the vote.
    CountedInVotes,
    /// It is taken for a record, whatever it says.
    Accepted,
}

/// What a snapshot needs to know beside the state: the transaction applied last, and the state before it.
#[derive(Clone, Debug)]
pub struct LastStep {
    /// Before.
    pub before: Tree,
    /// What was applied.
    pub txn: Arc<Txn>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::id::SessionId;
    use crate::base::zxid::{Epoch, Zxid};
    use crate::history::op::CreateOp;
    use crate::tree::acl;
    use crate::tree::znode::Kind;

    /// A tree, a transaction that creates a znode and writes it, and the tree afterwards.
    fn step() -> (Tree, Arc<Txn>, Tree) {
        let before = Tree::new();
        let create = Body::Create {
            op: CreateOp::Create,
            path: "/a".into(),
            data: None,
            acl: acl::open(),
            kind: Kind::Persistent,
            parent_cversion: 1,
        };
        let write = Body::SetData {
            path: "/a".into(),
            data: None,
            version: 1,
        };
        let body = Body::Multi(vec![create, write]);
        let txn = Txn::new(Zxid::new(Epoch(1), 1), SessionId::NONE, 0, 7, body);
        let mut after = before.clone();
        after.apply(&txn);
        (before, txn, after)
    }

    #[test]
    fn a_snapshot_that_names_more_than_it_holds_stays_different() {
        let (before, txn, after) = step();
        let restored = SnapshotRule::LabelAhead.image(&before, &txn, &after);
        assert_eq!(restored.lineage(), after.lineage());
        assert_ne!(restored.digest(), after.digest());
        let exact = SnapshotRule::SessionsBehind.image(&before, &txn, &after);
        assert_eq!(exact, after, "no session begins or ends");
    }
}
