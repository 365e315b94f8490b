//! The disks: what became durable, what a crash took, what boot found, and `truncation-safety` (S17).
//!
//! A switch or a boot may drop any record that its server never acknowledged, and any that is not in G.

use super::ZabMonitor;
use super::histories::{Node, ROOT};
use super::story::{Claim, Cx, Story, claim};
use crate::base::id::ServerId;
use crate::base::lineage::Lineage;
use crate::base::zxid::{Epoch, Zxid};
use crate::check::verdict::Property;

const SWITCH_DROPPED: Claim = claim(Property::TruncationSafety, "switch-dropped-committed");
const BOOT_DROPPED: Claim = claim(Property::TruncationSafety, "boot-dropped-committed");
const BOOT_LACKS: Claim = claim(Property::TruncationSafety, "boot-lacks-committed");
const TRUNCATED: Claim = claim(Property::TruncationSafety, "truncated-committed");

impl ZabMonitor {
    /// A server stopped: what is volatile is gone, what is forced stays. What was appended and not forced may survive; boot
    /// tells.
    pub(super) fn on_crash(&mut self, cx: &mut Cx<'_>, server: ServerId) {
        let ghost = self.servers.of_mut(server);
        ghost.crash(cx.at);
    }

    /// Boot recovered a history.
    pub(super) fn on_booted(&mut self, cx: &mut Cx<'_>, server: ServerId, lineage: Lineage) {
        self.replace_disk(cx, BOOT_LACKS, server, lineage);
        let ghost = self.ghost_mut(server);
        ghost.end_role();
        ghost.joined = None;
        ghost.boot_unjudged = Some(cx.at);
    }

    /// Boot dropped what belongs to an epoch above currentEpoch (K3).
    pub(super) fn on_boot_dropped(&mut self, cx: &mut Cx<'_>, server: ServerId, lineage: Lineage) {
        self.replace_disk(cx, BOOT_DROPPED, server, lineage);
        self.judge_survival(cx);
    }

    /// A learner's one durable switch (K1).
    pub(super) fn on_switched(
        &mut self,
        cx: &mut Cx<'_>,
        server: ServerId,
        lineage: Lineage,
        epoch: Epoch,
    ) {
        self.replace_disk(cx, SWITCH_DROPPED, server, lineage);
        self.set_current(cx, server, epoch);
        self.judge_current(cx, server);
        self.judge_survival(cx);
    }

    /// Durable records were removed outside a switch.
    pub(super) fn on_disk_truncated(
        &mut self,
        cx: &mut Cx<'_>,
        server: ServerId,
        lineage: Lineage,
    ) {
        self.replace_disk(cx, TRUNCATED, server, lineage);
        self.judge_survival(cx);
    }

    /// An fsync covered everything appended up to `zxid`.
    pub(super) fn on_durable(&mut self, cx: &mut Cx<'_>, server: ServerId, zxid: Zxid) {
        let ghost = self.servers.of_mut(server);
        let before = ghost.recoverable(&self.tree);
        ghost.force(&self.tree, zxid, cx.at);
        if let Some(lead) = &ghost.lead
            && self.tree.depth(ghost.dur) > self.tree.depth(lead.initial)
        {
            let proposed = self.tree.common(lead.tip, ghost.dur);
            ghost.vouch(&self.tree, proposed, cx.at);
        }
        self.judge_survival_after_force(cx, server, before);
    }

    /// The disk holds another history from now on.
    fn replace_disk(&mut self, cx: &mut Cx<'_>, claim: Claim, server: ServerId, lineage: Lineage) {
        let node = self.tree.claim(lineage);
        self.judge_removal(cx, claim, server, node);
        let ghost = self.servers.of_mut(server);
        ghost.replace(&self.tree, node, cx.at);
    }

    /// S17: the new history holds everything of G that the old one held and the server vouched for.
    fn judge_removal(&self, cx: &mut Cx<'_>, claim: Claim, server: ServerId, node: Node) {
        let Some(ghost) = self.ghost(server).filter(|ghost| !ghost.excused) else {
            return;
        };
        if self.tree.is_prefix(ghost.dur, node) {
            return;
        }
        cx.exercise(Property::TruncationSafety);
        let held = self.committed.shared(&self.tree, ghost.dur);
        let vouched = self.committed.shared(&self.tree, ghost.vouched);
        let owed = if self.tree.depth(held) < self.tree.depth(vouched) {
            held
        } else {
            vouched
        };
        if owed == ROOT || self.tree.is_prefix(owed, node) {
            return;
        }
        let kept = self.tree.common(owed, node);
        let lost = self
            .tree
            .ancestor(owed, self.tree.depth(kept) + 1)
            .map_or(Zxid::ZERO, |node| self.tree.zxid(node));
        let mut story = Story::default();
        self.tell_fate(&mut story, lost);
        if let Some(at) = ghost.vouched_at {
            let end = self.describe_history(ghost.vouched);
            story.tell(at, format!("server {server} acknowledged {end}"));
        }
        self.tell_crash(&mut story, server);
        let conclusion = format!(
            "the disk of server {server} now has {} and has lost {}, which is committed and was acknowledged there",
            self.describe_history(node),
            self.describe(lost)
        );
        cx.violate(claim, story, conclusion);
    }
}
