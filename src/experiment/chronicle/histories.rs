//! The tree of histories of a run (zab.md §11.1): each node is a transaction after its parent, the root is the empty history.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::base::lineage::Lineage;
use crate::base::zxid::Zxid;
use crate::history::fact::TxnSummary;

/// A history, by the transaction that ends it; 0 is the empty one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HistoryId(pub u32);

/// One transaction in its place.
#[derive(Clone, Debug)]
pub struct Link {
    /// The history before it.
    pub parent: HistoryId,
    /// Its zxid.
    pub zxid: Zxid,
    /// The history that ends with it.
    pub lineage: Lineage,
    /// What it does, if its proposal was seen.
    pub txn: Option<Arc<TxnSummary>>,
}

/// Every history that some server had.
#[derive(Clone, Debug, Default)]
pub struct Histories {
    links: Vec<Link>,
    by_hash: BTreeMap<u64, HistoryId>,
    /// What was proposed under a zxid with a digest.
    proposed: BTreeMap<(Zxid, u64), Arc<TxnSummary>>,
}

impl Histories {
    /// The transactions, in the order in which they were first seen; `HistoryId(n)` is the n-th, from 1.
    pub fn links(&self) -> &[Link] {
        &self.links
    }

    /// Remembers what a transaction does.
    pub fn propose(&mut self, zxid: Zxid, digest: u64, txn: &Arc<TxnSummary>) {
        self.proposed.insert((zxid, digest), Arc::clone(txn));
    }

    /// The transaction that ends a history; none ends the empty one.
    pub fn link(&self, of: HistoryId) -> Option<&Link> {
        let index = usize::try_from(of.0).ok()?.checked_sub(1)?;
        self.links.get(index)
    }

    /// The lineage of a history.
    pub fn lineage(&self, of: HistoryId) -> Lineage {
        self.link(of).map_or(Lineage::EMPTY, |link| link.lineage)
    }

    /// The last zxid of a history.
    pub fn last(&self, of: HistoryId) -> Zxid {
        self.lineage(of).last
    }

    /// A history continued by one transaction.
    pub fn push(&mut self, parent: HistoryId, zxid: Zxid, digest: u64) -> HistoryId {
        let lineage = self.lineage(parent).push(zxid, digest);
        let txn = self.proposed.get(&(zxid, digest)).cloned();
        self.enter(parent, lineage, txn)
    }

    /// The history of this lineage; one that nobody was seen to build hangs directly under the root.
    pub fn find(&mut self, lineage: Lineage) -> HistoryId {
        if lineage == Lineage::EMPTY {
            return HistoryId(0);
        }
        self.enter(HistoryId(0), lineage, None)
    }

    fn enter(
        &mut self,
        parent: HistoryId,
        lineage: Lineage,
        txn: Option<Arc<TxnSummary>>,
    ) -> HistoryId {
        let next = u32::try_from(self.links.len() + 1).expect("a run has fewer transactions");
        let id = *self.by_hash.entry(lineage.hash).or_insert(HistoryId(next));
        if id.0 == next {
            self.links.push(Link {
                parent,
                zxid: lineage.last,
                lineage,
                txn,
            });
        }
        id
    }

    /// The part of a history up to a zxid, if it holds it.
    pub fn upto(&self, mut history: HistoryId, zxid: Zxid) -> Option<HistoryId> {
        loop {
            let link = self.link(history)?;
            if link.zxid == zxid {
                return Some(history);
            }
            if link.zxid < zxid {
                return None;
            }
            history = link.parent;
        }
    }

    /// The transactions of a history, first to last.
    pub fn path(&self, history: HistoryId) -> Vec<&Link> {
        let mut path = Vec::new();
        let mut at = history;
        while let Some(link) = self.link(at) {
            path.push(link);
            at = link.parent;
        }
        path.reverse();
        path
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::zxid::Epoch;

    fn zxid(epoch: u32, counter: u32) -> Zxid {
        Zxid::new(Epoch(epoch), counter)
    }

    #[test]
    fn two_servers_that_log_the_same_share_a_history_and_others_branch() {
        let mut histories = Histories::default();
        let one = histories.push(HistoryId(0), zxid(1, 1), 7);
        let two = histories.push(one, zxid(1, 2), 8);
        assert_eq!(histories.push(HistoryId(0), zxid(1, 1), 7), one);
        let other = histories.push(one, zxid(2, 1), 9);
        assert_ne!(other, two);
        assert_eq!(histories.link(other).unwrap().parent, one);
        assert_eq!(histories.upto(two, zxid(1, 1)), Some(one));
        assert_eq!(histories.upto(other, zxid(1, 2)), None);
        let lineage = histories.lineage(two);
        assert_eq!(histories.find(lineage), two);
        let path: Vec<Zxid> = histories.path(other).iter().map(|link| link.zxid).collect();
        assert_eq!(path, [zxid(1, 1), zxid(2, 1)]);
    }
}
