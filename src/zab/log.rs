//! The server's knowledge of its own log: what the disk holds or will hold once everything pushed is done.
//!
//! `base` is the newest snapshot, `entries` the records after it. What is appended but not forced yet is counted, not
//! kept apart: the disk answers with how many records are forced.

use std::collections::VecDeque;
use std::sync::Arc;

use imbl::Vector;

use super::core::Out;
use super::rules::sync::{BelowWindow, SyncThread};
use crate::base::id::ServerId;
use crate::base::lineage::Lineage;
use crate::base::zxid::Zxid;
use crate::history::fact::Fact;
use crate::sim::process::Effect;
use crate::tree::store::Tree;
use crate::tree::txn::Txn;
use crate::words::image_bytes;

/// A record and the history that ends with it.
#[derive(Clone, Debug, Hash)]
struct Entry {
    txn: Arc<Txn>,
    lineage: Lineage,
}

/// Where the Sync stage stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Forcing {
    /// No fsync is under way.
    Idle,
    /// An fsync is under way.
    InFlight,
}

/// The log.
#[derive(Clone, Debug)]
pub struct Log {
    me: ServerId,
    base: Tree,
    entries: Vector<Entry>,
    tail: Lineage,
    /// Records appended in this life since the last switch.
    appended: u64,
    /// Appended and not yet known to be forced, oldest first.
    unforced: VecDeque<Zxid>,
    forcing: Forcing,
    /// How many records the disk's log has before `entries`.
    before: u64,
    /// Received and not appended yet; nothing with the default rules.
    queue: VecDeque<Arc<Txn>>,
    /// What is appended cannot be read back, how much of it an fsync under way was asked for; never with the default rules.
    stale: Option<u64>,
}

impl Log {
    /// A log that starts from a snapshot and holds these records, all of them forced.
    pub fn new(me: ServerId, base: Tree, txns: impl IntoIterator<Item = Arc<Txn>>) -> Self {
        let tail = base.lineage();
        let mut log = Self {
            me,
            base,
            entries: Vector::new(),
            tail,
            appended: 0,
            unforced: VecDeque::new(),
            forcing: Forcing::Idle,
            before: 0,
            queue: VecDeque::new(),
            stale: None,
        };
        for txn in txns {
            log.push(txn);
        }
        log
    }

    /// The same log behind so many older records on the disk.
    #[must_use]
    pub fn behind(self, before: u64) -> Self {
        Self { before, ..self }
    }

    fn push(&mut self, txn: Arc<Txn>) {
        self.tail = self.tail.push(txn.zxid, txn.digest);
        self.entries.push_back(Entry {
            txn,
            lineage: self.tail,
        });
    }

    /// The history that the log and its snapshot amount to.
    pub fn tail(&self) -> Lineage {
        self.tail
    }

    /// Whether everything appended is forced and no fsync is under way.
    pub fn is_forced(&self) -> bool {
        self.unforced.is_empty() && self.forcing == Forcing::Idle
    }

    /// Whether no fsync is under way.
    pub fn is_idle(&self) -> bool {
        self.forcing == Forcing::Idle
    }

    /// Appends a transaction; it is not durable before `on_synced` says so.
    pub fn append(&mut self, txn: Arc<Txn>, out: &mut Out) {
        if self.stale.is_none() {
            out.push(Effect::Append {
                record: Arc::clone(&txn),
            });
        }
        out.note(Fact::Appended {
            server: self.me,
            zxid: txn.zxid,
            digest: txn.digest,
        });
        self.appended += 1;
        self.unforced.push_back(txn.zxid);
        self.push(txn);
    }

    /// A proposal of a serving learner's leader is to be logged.
    pub fn receive(&mut self, txn: Arc<Txn>, rule: SyncThread, out: &mut Out) {
        match rule {
            SyncThread::EndsWithRole => self.append(txn, out),
            SyncThread::OutlivesRole => self.queue.push_back(txn),
        }
    }

    /// Whether something received waits to be appended.
    pub fn has_received(&self) -> bool {
        !self.queue.is_empty()
    }

    /// The Sync stage appends what was received, unless it is busy forcing.
    pub fn append_received(&mut self, out: &mut Out) {
        if self.forcing == Forcing::InFlight {
            return;
        }
        while let Some(txn) = self.queue.pop_front() {
            self.append(txn, out);
        }
    }

    /// What an fsync that failed was to force is gone.
    pub fn drop_unforced(&mut self, out: &mut Out) {
        self.forcing = Forcing::Idle;
        self.queue.clear();
        let unforced = std::mem::take(&mut self.unforced);
        if let Some(first) = unforced.front() {
            self.truncate(self.before(*first), out);
        }
    }

    /// Cuts off every record after `zxid`, without forcing that (D5), and leaves snapshots as they are.
    pub fn truncate(&mut self, zxid: Zxid, out: &mut Out) {
        let is_later = |entry: &Entry| entry.txn.zxid > zxid;
        while self.entries.back().is_some_and(is_later) {
            self.entries.pop_back();
        }
        let last = self.entries.last();
        self.tail = last.map_or(self.base.lineage(), |entry| entry.lineage);
        out.push(Effect::Truncate {
            keep: self.before + self.entries.len() as u64,
        });
        out.note(Fact::DiskTruncated {
            server: self.me,
            lineage: self.tail,
        });
    }

    /// From now on what is appended goes where no start will find it, until the next switch.
    pub fn go_stale(&mut self) {
        self.stale = Some(self.appended);
    }

    /// The position before `zxid`, which is in the log; else `zxid` itself.
    pub fn before(&self, zxid: Zxid) -> Zxid {
        match self.position(zxid) {
            Some(0) => self.base.last(),
            Some(index) => self.entries[index - 1].txn.zxid,
            None => zxid,
        }
    }

    /// The first record that is not below `zxid`.
    pub fn first_from(&self, zxid: Zxid) -> Option<Zxid> {
        let mut zxids = self.entries.iter().map(|entry| entry.txn.zxid);
        zxids.find(|other| *other >= zxid)
    }

    /// The state that a boot would find now.
    pub fn reload(&self) -> Tree {
        let mut tree = self.base.clone();
        self.catch_up(&mut tree);
        tree
    }

    /// Starts an fsync of everything appended, unless one is under way: its end will start the next.
    pub fn force(&mut self, out: &mut Out) {
        if self.forcing == Forcing::Idle && !self.unforced.is_empty() {
            self.start_fsync(out);
        }
    }

    /// Starts an fsync even if nothing was appended (K2: the NEWLEADER of a DIFF always forces).
    pub fn force_always(&mut self, out: &mut Out) {
        if self.forcing == Forcing::Idle {
            self.start_fsync(out);
        }
    }

    fn start_fsync(&mut self, out: &mut Out) {
        self.forcing = Forcing::InFlight;
        if let Some(asked) = &mut self.stale {
            *asked = self.appended;
        }
        out.push(Effect::Sync);
    }

    /// An fsync is done; returns what it made durable, in order.
    pub fn on_synced(&mut self, upto: u64, out: &mut Out) -> Vec<Zxid> {
        let upto = self.stale.unwrap_or(upto);
        assert!(
            upto <= self.appended,
            "the disk forced {upto} records of {} appended",
            self.appended
        );
        self.forcing = Forcing::Idle;
        let before = self.appended - self.unforced.len() as u64;
        let count =
            usize::try_from(upto.saturating_sub(before)).expect("a count of records in memory");
        let forced: Vec<Zxid> = self.unforced.drain(..count).collect();
        if let Some(last) = forced.last() {
            out.note(Fact::Durable {
                server: self.me,
                zxid: *last,
            });
        }
        forced
    }

    /// A switch (K1) was pushed: from now on the log is this one. Its records count as forced once it is done.
    pub fn replace(&mut self, base: Tree, txns: impl IntoIterator<Item = Arc<Txn>>) {
        assert!(self.is_forced(), "a switch may not overtake an fsync");
        let queue = std::mem::take(&mut self.queue);
        *self = Self::new(self.me, base, txns);
        self.queue = queue;
    }

    /// A snapshot was written: records up to it are no longer needed in memory.
    pub fn rebase(&mut self, base: Tree) {
        let mut reached = self.base.lineage();
        let is_covered = |entry: &Entry| entry.txn.zxid <= base.last();
        while self.entries.front().is_some_and(is_covered) {
            let covered = self.entries.pop_front().expect("just looked at");
            reached = covered.lineage;
            self.before += 1;
        }
        if reached != base.lineage() {
            self.chain_anew(base.lineage());
        }
        self.base = base;
    }

    /// The snapshot is on another branch than the log was (only where a defect made it so): what boot would find.
    fn chain_anew(&mut self, base: Lineage) {
        self.tail = base;
        for txn in std::mem::take(&mut self.entries) {
            self.push(txn.txn);
        }
    }

    fn position(&self, zxid: Zxid) -> Option<usize> {
        self.entries
            .binary_search_by(|entry| entry.txn.zxid.cmp(&zxid))
            .ok()
    }

    /// The state after exactly the transactions up to `zxid`, if snapshot and log still allow to rebuild it.
    pub fn rebuild(&self, zxid: Zxid) -> Option<Tree> {
        if zxid == self.base.last() {
            return Some(self.base.clone());
        }
        let count = self.position(zxid)? + 1;
        let mut tree = self.base.clone();
        for entry in self.entries.iter().take(count) {
            tree.apply(&entry.txn);
        }
        Some(tree)
    }

    /// Makes `tree` the state at the log's end: by replaying what it lacks, or from the snapshot if it left the history. A log
    /// whose zxids do not ascend, as only defects write one, yields what a replay makes of it.
    pub fn catch_up(&self, tree: &mut Tree) {
        let start = if tree.lineage() == self.base.lineage() {
            Some(0)
        } else {
            self.position(tree.last())
                .filter(|index| self.entries[*index].lineage == tree.lineage())
                .map(|index| index + 1)
        };
        let start = start.unwrap_or_else(|| {
            *tree = self.base.clone();
            0
        });
        for entry in self.entries.iter().skip(start) {
            tree.apply(&entry.txn);
        }
    }

    /// The last `count` records, oldest first.
    pub fn last_txns(&self, count: usize) -> Vector<Arc<Txn>> {
        let skip = self.entries.len().saturating_sub(count);
        self.entries
            .iter()
            .skip(skip)
            .map(|entry| Arc::clone(&entry.txn))
            .collect()
    }

    /// The records after `peer` and before `end`, if the log has `peer` itself or starts right after it, and nothing is
    /// missing up to `end` (K7: stock starts at the first record it finds, ZOOKEEPER-2846).
    pub fn between(&self, peer: Zxid, end: Zxid, rule: BelowWindow) -> Option<Vec<Arc<Txn>>> {
        match rule {
            BelowWindow::WholeLog => {}
            BelowWindow::LogFromFirst => return Some(self.whatever_is_between(peer, end)),
            BelowWindow::JustTheWindow => return Some(Vec::new()),
        }
        if peer.is_label() {
            return None;
        }
        let start = if peer == self.base.last() {
            0
        } else {
            self.position(peer)? + 1
        };
        let mut last = peer;
        let mut found = Vec::new();
        for entry in self.entries.iter().skip(start) {
            let zxid = entry.txn.zxid;
            if !zxid.follows(last) {
                return None;
            }
            if zxid >= end {
                return (zxid == end).then_some(found);
            }
            last = zxid;
            found.push(Arc::clone(&entry.txn));
        }
        None
    }

    fn whatever_is_between(&self, peer: Zxid, end: Zxid) -> Vec<Arc<Txn>> {
        let txns = self.entries.iter().map(|entry| &entry.txn);
        txns.filter(|txn| peer < txn.zxid && txn.zxid < end)
            .cloned()
            .collect()
    }

    /// How long the newest snapshot is, roughly, in bytes.
    pub fn snapshot_bytes(&self) -> u64 {
        image_bytes(self.base.len())
    }

    /// The snapshot and every record after it, for a switch that rewrites them.
    pub fn content(&self) -> (Tree, Vec<Arc<Txn>>) {
        (
            self.base.clone(),
            self.entries
                .iter()
                .map(|entry| Arc::clone(&entry.txn))
                .collect(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::process::Effects;
    use crate::zab::testing::{core, said, txn, zxid};

    #[test]
    fn the_state_at_any_record_can_be_rebuilt_and_no_other() {
        let log = core(1, 3, &[(1, 1), (1, 2), (2, 1)]).log;
        for known in [Zxid::ZERO, zxid(1, 1), zxid(1, 2), zxid(2, 1)] {
            assert_eq!(log.rebuild(known).map(|tree| tree.last()), Some(known));
        }
        assert!(log.rebuild(zxid(1, 3)).is_none());
        assert!(log.rebuild(zxid(2, 0)).is_none());
    }

    #[test]
    fn what_a_learner_lacks_is_read_only_where_nothing_is_missing() {
        let mut log = core(1, 3, &[(1, 1), (1, 2), (2, 1), (2, 2)]).log;
        let between = |log: &Log, peer, end| {
            let txns = log.between(peer, end, BelowWindow::WholeLog)?;
            Some(txns.iter().map(|txn| txn.zxid).collect::<Vec<_>>())
        };
        assert_eq!(
            between(&log, zxid(1, 1), zxid(2, 2)),
            Some(vec![zxid(1, 2), zxid(2, 1)])
        );
        assert_eq!(between(&log, zxid(1, 3), zxid(2, 2)), None);
        assert_eq!(between(&log, zxid(2, 0), zxid(2, 2)), None);
        assert_eq!(between(&log, zxid(1, 1), zxid(2, 3)), None);
        log.rebase(log.rebuild(zxid(1, 2)).expect("in the log"));
        assert_eq!(between(&log, zxid(1, 1), zxid(2, 2)), None);
        assert_eq!(
            between(&log, zxid(1, 2), zxid(2, 2)),
            Some(vec![zxid(2, 1)])
        );
    }

    #[test]
    fn memory_on_another_branch_is_rebuilt_from_the_snapshot() {
        let log = core(1, 3, &[(1, 1), (2, 1)]).log;
        let mut tree = core(2, 3, &[(1, 1), (1, 2)]).memory.tree;
        log.catch_up(&mut tree);
        assert_eq!(tree.lineage(), log.tail());
    }

    #[test]
    fn one_fsync_at_a_time_forces_what_was_appended_before_it() {
        let mut out = Effects::default();
        let mut log = core(1, 3, &[]).log;
        log.append(txn(1, 1), &mut out);
        log.force(&mut out);
        log.append(txn(1, 2), &mut out);
        log.force(&mut out);
        assert_eq!(said(&mut out), "append 1:1, sync, append 1:2");
        assert_eq!(log.on_synced(1, &mut out), [zxid(1, 1)]);
        assert!(!log.is_forced());
        log.force(&mut out);
        assert_eq!(said(&mut out), "sync");
        assert_eq!(log.on_synced(2, &mut out), [zxid(1, 2)]);
        assert!(log.is_forced());
    }

    #[test]
    fn a_snapshot_takes_the_place_of_the_records_it_covers() {
        let mut log = core(1, 3, &[(1, 1), (1, 2), (1, 3)]).log;
        let tail = log.tail();
        log.rebase(log.rebuild(zxid(1, 2)).expect("in the log"));
        assert_eq!(log.tail(), tail);
        assert!(log.rebuild(zxid(1, 1)).is_none());
        assert_eq!(log.content().1.len(), 1);
    }
}
