//! G, the globally committed sequence (zab.md §11.1, §11.3), and the epochs that were established over it.

use std::collections::{BTreeMap, BTreeSet};

use super::histories::{Histories, Node, ROOT};
use crate::base::id::{ClientId, ServerId};
use crate::base::zxid::{Epoch, Zxid};
use crate::check::by_zxid::ByZxid;
use crate::check::verdict::At;

/// How a client came to know of a position.
#[derive(Clone, Copy, Debug)]
pub(super) struct Told {
    pub(super) client: ClientId,
    pub(super) at: At,
}

/// The highest epoch of which anything was proposed or established, and what made it so.
#[derive(Clone, Copy, Debug)]
pub(super) struct Begun {
    pub(super) epoch: Epoch,
    pub(super) server: ServerId,
    pub(super) at: At,
}

/// The committed sequence.
#[derive(Clone, Debug)]
pub(super) struct Committed {
    /// The history of each length; index 0 is the empty one.
    nodes: Vec<Node>,
    /// Its transactions.
    zxids: ByZxid<()>,
    /// The epochs established.
    epochs: BTreeSet<Epoch>,
    /// The highest epoch begun (S5).
    pub(super) begun: Option<Begun>,
    /// Positions that clients were told of while they were not committed.
    pub(super) told_early: BTreeMap<Zxid, Told>,
}

impl Committed {
    pub(super) fn new() -> Self {
        Self {
            nodes: vec![ROOT],
            zxids: ByZxid::default(),
            epochs: BTreeSet::new(),
            begun: None,
            told_early: BTreeMap::new(),
        }
    }

    /// |G|.
    #[inline]
    pub(super) fn len(&self) -> u64 {
        self.nodes.len() as u64 - 1
    }

    /// The whole of G as a history.
    #[inline]
    pub(super) fn tip(&self) -> Node {
        *self
            .nodes
            .last()
            .expect("the empty history is always there")
    }

    /// The prefix of G of this length.
    #[inline]
    pub(super) fn at_depth(&self, depth: u64) -> Option<Node> {
        let index = usize::try_from(depth).ok()?;
        self.nodes.get(index).copied()
    }

    /// Whether a history is a prefix of G.
    #[inline]
    pub(super) fn holds(&self, tree: &Histories, node: Node) -> bool {
        self.at_depth(tree.depth(node)) == Some(node)
    }

    /// The longest prefix of a history that is in G.
    pub(super) fn shared(&self, tree: &Histories, node: Node) -> Node {
        tree.longest_prefix(node, |tree, at| self.holds(tree, at))
            .unwrap_or(ROOT)
    }

    /// Whether a transaction is committed, or a label's epoch is established.
    pub(super) fn contains(&self, zxid: Zxid) -> bool {
        if zxid.is_label() {
            self.epochs.contains(&zxid.epoch())
        } else {
            self.zxids.contains(zxid)
        }
    }

    /// The highest epoch established.
    pub(super) fn established(&self) -> Option<Epoch> {
        self.epochs.last().copied()
    }

    /// An epoch was established over G as it is now.
    pub(super) fn establish(&mut self, epoch: Epoch) {
        self.epochs.insert(epoch);
    }

    /// Notes that something of an epoch was proposed or established.
    pub(super) fn begin(&mut self, begun: Begun) {
        if self.begun.is_none_or(|known| known.epoch < begun.epoch) {
            self.begun = Some(begun);
        }
    }

    /// Extends G to a history of which it is a prefix.
    pub(super) fn extend(&mut self, tree: &Histories, node: Node) {
        let (length, tip) = (self.nodes.len(), self.tip());
        let mut at = node;
        while at != tip {
            self.nodes.push(at);
            at = tree
                .parent(at)
                .expect("G is a prefix of what it is extended to");
        }
        let added = &mut self.nodes[length..];
        added.reverse();
        for node in added {
            let zxid = tree.zxid(*node);
            self.zxids.insert(zxid, ());
            self.told_early.remove(&zxid);
        }
    }
}
