//! The state in memory: the tree, the window of committed transactions for DIFF, and the label of an established epoch.

use std::sync::Arc;

use imbl::Vector;

use super::log::Log;
use super::rules::log::{LastStep, SnapshotRule};
use super::rules::sync::WindowRule;
use crate::base::zxid::{Epoch, Zxid};
use crate::tree::store::Tree;
use crate::tree::txn::Txn;

/// The state in memory (`ZKDatabase`).
#[derive(Clone, Debug)]
pub struct Memory {
    /// The replicated state.
    pub tree: Tree,
    /// `(e,0)` once an epoch is established here, or came with a snapshot; a position without a transaction.
    label: Zxid,
    /// The last transactions processed, ascending and without holes (`committedLog`).
    window: Vector<Arc<Txn>>,
    window_limit: usize,
    window_rule: WindowRule,
    /// A position claimed before its transactions have come; never with the default rules.
    claimed: Zxid,
    /// The next role end leaves memory as it is; never with the default rules.
    is_kept: bool,
    /// The last transaction applied while serving, kept only for snapshots that are not exact.
    last_step: Option<LastStep>,
}

impl Memory {
    /// Everything in the log, committed or not: the next leader decides its fate (zab.md §7.3).
    pub fn from_log(log: &Log, tree: Tree, window_limit: usize, window_rule: WindowRule) -> Self {
        let mut memory = Self {
            tree,
            label: Zxid::ZERO,
            window: Vector::new(),
            window_limit,
            window_rule,
            claimed: Zxid::ZERO,
            is_kept: false,
            last_step: None,
        };
        memory.reset(log);
        memory
    }

    /// Makes memory equal to the durable history (K13). Labels are forgotten, so that an ex-leader votes with its last
    /// transaction, as its ex-followers do (stock votes with the label, zab.md §2.9 item 6: the same history).
    pub fn reset(&mut self, log: &Log) {
        if std::mem::take(&mut self.is_kept) {
            return;
        }
        let before = self.tree.last();
        log.catch_up(&mut self.tree);
        self.last_step = None;
        self.label = Zxid::ZERO;
        let window = log.last_txns(self.window_limit);
        if self.may_have_holes() {
            let is_new = |txn: &Arc<Txn>| txn.zxid > before;
            window
                .into_iter()
                .filter(is_new)
                .for_each(|txn| self.remember(txn));
        } else {
            self.window = window;
        }
    }

    fn may_have_holes(&self) -> bool {
        match self.window_rule {
            WindowRule::Whole => false,
            WindowRule::WithoutSyncs => true,
        }
    }

    /// The coming role end leaves memory as it is.
    pub fn keep(&mut self) {
        self.is_kept = true;
    }

    /// Counts as being at a position whose transactions have not come yet.
    pub fn claim(&mut self, zxid: Zxid) {
        self.claimed = zxid;
    }

    /// `lastProcessedZxid`: the last transaction applied, or the label if it is later.
    pub fn processed(&self) -> Zxid {
        self.label.max(self.tree.last()).max(self.claimed)
    }

    /// The leader of `epoch` is established, before its first transaction.
    pub fn set_label(&mut self, epoch: Epoch) {
        self.label = Zxid::label(epoch);
    }

    /// A transaction is about to be applied while serving; what a snapshot needs to know of it.
    pub fn note_step(&mut self, txn: &Arc<Txn>, rule: SnapshotRule) {
        self.last_step = (rule != SnapshotRule::Exact).then(|| LastStep {
            before: self.tree.clone(),
            txn: Arc::clone(txn),
        });
    }

    /// The state that a snapshot of this moment holds.
    pub fn image(&self, rule: SnapshotRule) -> Tree {
        match &self.last_step {
            Some(LastStep { before, txn }) => rule.image(before, txn, &self.tree),
            None => self.tree.clone(),
        }
    }

    /// Remembers a transaction that a sync has brought.
    pub fn remember_synced(&mut self, txn: Arc<Txn>) {
        if !self.may_have_holes() {
            self.remember(txn);
        }
    }

    /// Remembers a transaction that was just applied.
    pub fn remember(&mut self, txn: Arc<Txn>) {
        let is_after_hole = |last: &Arc<Txn>| !txn.zxid.follows(last.zxid);
        if self.window.back().is_some_and(is_after_hole) && !self.may_have_holes() {
            self.window.clear();
        }
        self.window.push_back(txn);
        while self.window.len() > self.window_limit {
            self.window.pop_front();
        }
    }

    /// Takes over a state built elsewhere, keeping of the window what both have.
    pub fn switch_to(&mut self, tree: Tree, label: Zxid, keep_upto: Zxid) {
        while self.window.back().is_some_and(|last| last.zxid > keep_upto) {
            self.window.pop_back();
        }
        let ends_elsewhere = |last: &Arc<Txn>| last.zxid != keep_upto;
        if self.window.back().is_some_and(ends_elsewhere) && !self.may_have_holes() {
            self.window.clear();
        }
        self.tree = tree;
        self.label = label;
        self.claimed = Zxid::ZERO;
        self.last_step = None;
    }

    /// The window of committed transactions.
    pub fn window(&self) -> &Vector<Arc<Txn>> {
        &self.window
    }
}
