//! What servers propose, append and deliver: `integrity` (S1), `total-order` (S2), `primary-order` (S3, S4) and
//! `state-equality` (S14).
//!
//! Only serving servers are judged: in LOOKING and in synchronisation memory may hold transactions that never get committed.

use std::sync::Arc;

use super::committed::Begun;
use super::ghost::Serving;
use super::histories::{Node, State};
use super::story::{Claim, Cx, Story, claim};
use super::{Proposal, ZabMonitor};
use crate::base::id::ServerId;
use crate::base::lineage::Lineage;
use crate::base::zxid::{Epoch, Zxid};
use crate::check::verdict::Property;
use crate::history::fact::TxnSummary;

const PROPOSED_TWICE: Claim = claim(Property::Integrity, "zxid-proposed-twice");
const DELIVERED_UNPROPOSED: Claim = claim(Property::Integrity, "delivered-unproposed");
const DELIVERED_OTHER: Claim = claim(Property::Integrity, "delivered-other-contents");
const DELIVERED_TWICE: Claim = claim(Property::Integrity, "delivered-twice");
const UNCOMMITTED: Claim = claim(Property::TotalOrder, "applied-uncommitted");
const DIVERGED: Claim = claim(Property::TotalOrder, "applied-another-history");
const APPENDED_OUT_OF_ORDER: Claim = claim(Property::PrimaryOrder, "appended-out-of-order");
const DELIVERED_OUT_OF_ORDER: Claim = claim(Property::PrimaryOrder, "delivered-out-of-order");
const HISTORY_OUT_OF_ORDER: Claim = claim(Property::PrimaryOrder, "history-out-of-order");
const STATES_DIFFER: Claim = claim(Property::StateEquality, "states-differ");

/// One transaction, by name and contents.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    pub(super) zxid: Zxid,
    pub(super) digest: u64,
}

impl Step {
    pub(super) fn new(zxid: Zxid, digest: u64) -> Self {
        Self { zxid, digest }
    }
}

/// A server begins to serve.
#[derive(Clone, Copy, Debug)]
pub(super) struct Start {
    pub(super) epoch: Epoch,
    pub(super) lineage: Lineage,
    pub(super) state: u64,
}

impl ZabMonitor {
    /// A leader proposed a transaction: its history grows, and the zxid is taken for ever.
    pub(super) fn on_proposed(
        &mut self,
        cx: &mut Cx<'_>,
        server: ServerId,
        step: Step,
        txn: &Arc<TxnSummary>,
    ) {
        let lead = self.servers.of_mut(server).lead_mut(&mut self.terms);
        let tip = lead.tip;
        let node = self.tree.grow(tip, step.zxid, step.digest);
        lead.tip = node;
        lead.outstanding.insert(step.zxid, node);
        self.judge_first_proposal(cx, server, tip, step.zxid);
        self.committed.begin(Begun {
            epoch: step.zxid.epoch(),
            server,
            at: cx.at,
        });
        let proposal = Proposal {
            node,
            digest: step.digest,
            server,
            at: cx.at,
            session: txn.session,
            text: Arc::clone(&txn.text),
            acked: None,
            committed: None,
            told: None,
            told_asker: false,
        };
        self.note_proposal(cx, step.zxid, proposal);
    }

    /// S1: a zxid is proposed once.
    #[inline]
    fn note_proposal(&mut self, cx: &mut Cx<'_>, zxid: Zxid, proposal: Proposal) {
        cx.exercise(Property::Integrity);
        match self.proposals.get(zxid) {
            Some(known) => self.judge_proposed_again(cx, zxid, known, &proposal),
            None => self.proposals.insert(zxid, proposal),
        }
    }

    /// S1: only the same leader may propose a zxid again, and only the same history.
    #[cold]
    fn judge_proposed_again(
        &self,
        cx: &mut Cx<'_>,
        zxid: Zxid,
        known: &Proposal,
        proposal: &Proposal,
    ) {
        if known.node == proposal.node && known.server == proposal.server {
            return;
        }
        let mut story = Story::default();
        self.tell_fate(&mut story, zxid);
        let conclusion = format!(
            "server {} proposed {zxid} again, now as {}",
            proposal.server, proposal.text
        );
        cx.violate(PROPOSED_TWICE, story, conclusion);
    }

    /// A serving server applied a transaction.
    pub(super) fn on_delivered(
        &mut self,
        cx: &mut Cx<'_>,
        server: ServerId,
        step: Step,
        state: u64,
    ) {
        let Some(serving) = self.ghost(server).and_then(|ghost| ghost.serving.as_ref()) else {
            return;
        };
        let before = serving.mem;
        cx.exercise(Property::Integrity);
        let proposal = self.proposals.get(step.zxid);
        let proposed = proposal.map(|proposal| proposal.digest);
        if proposed != Some(step.digest) {
            self.report_unproposed(cx, server, step.zxid, proposed);
        }
        if self.tree.ending_at(before, step.zxid).is_some() {
            self.report_delivered_twice(cx, server, step.zxid);
            return;
        }
        let node = self.tree.grow(before, step.zxid, step.digest);
        self.judge_step(cx, DELIVERED_OUT_OF_ORDER, server, node);
        self.judge_applied(cx, server, node);
        self.judge_state(cx, server, node, state);
    }

    /// S1: what is delivered was proposed, with these contents; this was not, or with those of another digest.
    #[cold]
    fn report_unproposed(
        &self,
        cx: &mut Cx<'_>,
        server: ServerId,
        zxid: Zxid,
        proposed: Option<u64>,
    ) {
        let mut story = Story::default();
        if proposed.is_none() {
            let conclusion = format!("server {server} delivered {zxid}, which no leader proposed");
            cx.violate(DELIVERED_UNPROPOSED, story, conclusion);
            return;
        }
        self.tell_fate(&mut story, zxid);
        let conclusion =
            format!("server {server} delivered {zxid} with other contents than proposed");
        cx.violate(DELIVERED_OTHER, story, conclusion);
    }

    /// S1: nothing is delivered twice in one role.
    #[cold]
    fn report_delivered_twice(&self, cx: &mut Cx<'_>, server: ServerId, zxid: Zxid) {
        let mut story = Story::default();
        self.tell_fate(&mut story, zxid);
        if let Some(serving) = self.ghost(server).and_then(|ghost| ghost.serving.as_ref()) {
            story.tell(serving.since, format!("server {server} began to serve"));
        }
        let conclusion = format!("server {server} delivered {zxid} again in the same role");
        cx.violate(DELIVERED_TWICE, story, conclusion);
    }

    /// A server begins to serve with this history applied.
    pub(super) fn on_serve_start(&mut self, cx: &mut Cx<'_>, server: ServerId, start: Start) {
        let node = self.tree.claim(start.lineage);
        self.ghost_mut(server).serving = Some(Serving {
            epoch: start.epoch,
            since: cx.at,
            mem: node,
            strayed: false,
        });
        self.judge_history(cx, server, node);
        self.judge_served_history(cx, server, (node, start.epoch));
        self.judge_applied(cx, server, node);
        self.judge_state(cx, server, node, start.state);
    }

    /// A record was appended to a server's log.
    pub(super) fn on_appended(&mut self, cx: &mut Cx<'_>, server: ServerId, step: Step) {
        let ghost = self.servers.of_mut(server);
        let node = self.tree.grow(ghost.log, step.zxid, step.digest);
        ghost.append(node);
        self.judge_step(cx, APPENDED_OUT_OF_ORDER, server, node);
    }

    /// S3, S4 on the last step of a history.
    #[inline]
    fn judge_step(&self, cx: &mut Cx<'_>, claim: Claim, server: ServerId, node: Node) {
        cx.exercise(Property::PrimaryOrder);
        if self.tree.is_broken_at(node) {
            self.report_step(cx, claim, server, node);
        }
    }

    /// S3, S4: the last step of a history breaks them.
    #[cold]
    fn report_step(&self, cx: &mut Cx<'_>, claim: Claim, server: ServerId, node: Node) {
        let zxid = self.tree.zxid(node);
        let before = self
            .tree
            .parent(node)
            .map_or(Zxid::ZERO, |parent| self.tree.zxid(parent));
        let mut story = Story::default();
        self.tell_fate(&mut story, zxid);
        let verb = if claim.signature == APPENDED_OUT_OF_ORDER.signature {
            "appended"
        } else {
            "delivered"
        };
        let conclusion = format!(
            "server {server} {verb} {} right after {before}, which it does not follow",
            self.describe(zxid)
        );
        cx.violate(claim, story, conclusion);
    }

    /// S3, S4 on a whole history that a server begins to serve or to lead with.
    pub(super) fn judge_history(&self, cx: &mut Cx<'_>, server: ServerId, node: Node) {
        cx.exercise(Property::PrimaryOrder);
        let Some(broken) = self.tree.broken(node) else {
            return;
        };
        let zxid = self.tree.zxid(broken);
        let before = self
            .tree
            .parent(broken)
            .map_or(Zxid::ZERO, |parent| self.tree.zxid(parent));
        let mut story = Story::default();
        self.tell_fate(&mut story, zxid);
        let conclusion = format!(
            "the history of server {server} has {zxid} right after {before}, which it does not follow"
        );
        cx.violate(HISTORY_OUT_OF_ORDER, story, conclusion);
    }

    /// S2: what a serving server has applied, from now on this, is a prefix of G. Reported once per role instance.
    #[inline]
    fn judge_applied(&mut self, cx: &mut Cx<'_>, server: ServerId, node: Node) {
        let holds = self.committed.holds(&self.tree, node);
        let Some(serving) = self.ghost_mut(server).serving.as_mut() else {
            return;
        };
        serving.mem = node;
        if serving.strayed {
            return;
        }
        serving.strayed = !holds;
        cx.exercise(Property::TotalOrder);
        if !holds {
            self.report_strayed(cx, server, node);
        }
    }

    /// S2: what a server has applied is no prefix of G.
    #[cold]
    fn report_strayed(&self, cx: &mut Cx<'_>, server: ServerId, node: Node) {
        let tip = self.committed.tip();
        let end = self.describe_history(tip);
        let mut story = Story::default();
        if self.tree.is_prefix(tip, node) {
            self.tell_fate(&mut story, self.tree.zxid(node));
            let conclusion = format!(
                "server {server} serves a state with {}, but committed is only {end}",
                self.describe(self.tree.zxid(node))
            );
            cx.violate(UNCOMMITTED, story, conclusion);
        } else {
            let conclusion = self.tell_divergence(&mut story, server, node);
            cx.violate(DIVERGED, story, conclusion);
        }
    }

    /// Tells where a server's history leaves G; returns the conclusion.
    pub(super) fn tell_divergence(
        &self,
        story: &mut Story,
        server: ServerId,
        node: Node,
    ) -> String {
        if self.tree.is_orphan(node) {
            return format!(
                "server {server} has {} that no proposals lead to",
                self.describe_history(node)
            );
        }
        let shared = self.committed.shared(&self.tree, node);
        let depth = self.tree.depth(shared) + 1;
        let mine = self
            .tree
            .ancestor(node, depth)
            .map(|node| self.tree.zxid(node));
        let theirs = self
            .committed
            .at_depth(depth)
            .map(|node| self.tree.zxid(node));
        for zxid in mine.into_iter().chain(theirs) {
            self.tell_fate(story, zxid);
        }
        let after = self.describe_history(shared);
        let name = |zxid: Option<Zxid>| {
            zxid.map_or_else(|| "nothing".to_owned(), |zxid| self.describe(zxid))
        };
        let (mine, theirs) = (name(mine), name(theirs));
        if mine == theirs {
            format!(
                "server {server} has {after} and then {mine}, with other contents than committed"
            )
        } else {
            format!("server {server} has {after} and then {mine}, where {theirs} is committed")
        }
    }

    /// S14: one history, one state.
    #[inline]
    fn judge_state(&mut self, cx: &mut Cx<'_>, server: ServerId, node: Node, digest: u64) {
        let state = State {
            digest,
            server,
            at: cx.at,
        };
        let Some(first) = self.tree.note_state(node, state) else {
            return;
        };
        cx.exercise(Property::StateEquality);
        if first.digest != digest {
            let first = *first;
            self.report_states(cx, server, node, (first, digest));
        }
    }

    /// S14: the first server showed another state after this history.
    #[cold]
    fn report_states(&self, cx: &mut Cx<'_>, server: ServerId, node: Node, states: (State, u64)) {
        let (first, digest) = states;
        let end = self.describe_history(node);
        let mut story = Story::default();
        story.tell(
            first.at,
            format!(
                "server {} had applied {end}; its state was {:016x}",
                first.server, first.digest
            ),
        );
        if let Some(serving) = self.ghost(server).and_then(|ghost| ghost.serving.as_ref()) {
            let epoch = serving.epoch;
            story.tell(
                serving.since,
                format!("server {server} began to serve in epoch {epoch}"),
            );
        }
        let conclusion =
            format!("server {server} has applied the same, but its state is {digest:016x}");
        cx.violate(STATES_DIFFER, story, conclusion);
    }
}
