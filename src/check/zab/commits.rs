//! How G grows (zab.md §11.3): C1 when a quorum acknowledged NEWLEADER, C2 when a leader decides a commit. Judges
//! `commit-quorum` (S11), `commit-order` (S15), `primary-integrity` (S5) and `committed-survives`.

use super::ZabMonitor;
use super::committed::Begun;
use super::histories::{Histories, Node, ROOT};
use super::story::{Claim, Cx, Story, claim};
use crate::base::id::{ServerId, ServerSet};
use crate::base::lineage::Lineage;
use crate::base::zxid::{Epoch, Zxid};
use crate::check::verdict::Property;

const NO_QUORUM: Claim = claim(Property::CommitQuorum, "committed-without-quorum");
const FORMED_WITHOUT_QUORUM: Claim = claim(Property::CommitQuorum, "established-without-quorum");
const DECIDED_EARLY: Claim = claim(Property::CommitOrder, "decided-out-of-order");
const DECIDED_UNPROPOSED: Claim = claim(Property::CommitOrder, "decided-unproposed");
const ACTED_OUT_OF_ORDER: Claim = claim(Property::CommitOrder, "commit-not-at-head");
const TWO_HISTORIES: Claim = claim(Property::TotalOrder, "two-histories-committed");
const OLD_EPOCH: Claim = claim(Property::PrimaryIntegrity, "committed-in-earlier-epoch");
const PROPOSED_BEHIND: Claim = claim(Property::PrimaryIntegrity, "proposed-before-catching-up");
const SERVES_BEHIND: Claim = claim(Property::PrimaryIntegrity, "serves-before-catching-up");
const LOST: Claim = claim(Property::CommittedSurvives, "leader-lacks-committed");
const LOST_TOLD: Claim = claim(Property::CommittedSurvives, "leader-lacks-acknowledged");

/// A quorum acknowledged NEWLEADER.
#[derive(Clone, Copy, Debug)]
pub(super) struct Formed {
    pub(super) server: ServerId,
    pub(super) epoch: Epoch,
    pub(super) members: ServerSet,
    pub(super) lineage: Lineage,
}

impl ZabMonitor {
    /// C1: the whole history of a leader is committed.
    pub(super) fn on_quorum_formed(&mut self, cx: &mut Cx<'_>, formed: Formed) {
        let node = self.tree.claim(formed.lineage);
        let Formed { server, epoch, .. } = formed;
        let ghost = self.servers.of_mut(server);
        ghost.joined = Some(epoch);
        if let Some(lead) = ghost.lead.as_mut() {
            lead.epoch = Some(epoch);
            if lead.outstanding.is_empty() {
                lead.tip = node;
            }
        }
        let term = ghost.lead.as_ref().map_or(0, |lead| lead.term);
        self.judge_reign(cx, server, epoch, term);
        self.judge_history(cx, server, node);
        if formed.members.contains(server) {
            self.judge_initial(cx, server, server, node);
            let ghost = self.servers.of_mut(server);
            ghost.vouch(&self.tree, self.tree.common(node, ghost.dur), cx.at);
        }
        self.judge_quorum(cx, FORMED_WITHOUT_QUORUM, server, (node, epoch));
        if self
            .committed
            .established()
            .is_none_or(|known| known < epoch)
        {
            self.adopt_leader(cx, server, epoch, node);
        } else {
            self.confirm_leader(cx, server, epoch, node);
        }
        self.committed.establish(epoch);
        self.committed.begin(Begun {
            epoch,
            server,
            at: cx.at,
        });
        self.judge_survival(cx);
    }

    /// A later epoch than any before is established: its leader must hold everything, and what it has more is committed.
    fn adopt_leader(&mut self, cx: &mut Cx<'_>, server: ServerId, epoch: Epoch, node: Node) {
        self.judge_told_early(cx, server, epoch, node);
        let tip = self.committed.tip();
        if self.committed.len() > 0 {
            cx.exercise(Property::CommittedSurvives);
        }
        if self.tree.is_prefix(tip, node) {
            if node != tip {
                self.judge_begun(cx, server, epoch, node);
            }
            self.committed.extend(&self.tree, node);
            return;
        }
        let lost = self.first_lost(node);
        let mut story = Story::default();
        self.tell_fate(&mut story, lost);
        self.tell_crash(&mut story, server);
        self.tell_durable(&mut story, server);
        let conclusion = format!(
            "server {server} leads epoch {epoch} with {} and lacks {}",
            self.describe_history(node),
            self.describe(lost)
        );
        cx.violate(LOST, story, conclusion);
    }

    /// The first committed transaction that a history lacks, preferably one that a client was told of.
    fn first_lost(&self, node: Node) -> Zxid {
        let kept = self.tree.depth(self.committed.shared(&self.tree, node));
        let lost = (kept + 1..=self.committed.len())
            .filter_map(|depth| self.committed.at_depth(depth))
            .map(|node| self.tree.zxid(node));
        let told = lost.clone().find(|zxid| {
            self.proposals
                .get(*zxid)
                .is_some_and(|proposal| proposal.told.is_some())
        });
        told.or_else(|| lost.clone().next()).unwrap_or(Zxid::ZERO)
    }

    /// The leader of an earlier epoch learns late of its quorum: legal if the later leader had adopted its history.
    fn confirm_leader(&mut self, cx: &mut Cx<'_>, server: ServerId, epoch: Epoch, node: Node) {
        cx.exercise(Property::TotalOrder);
        if self.committed.holds(&self.tree, node) {
            return;
        }
        if self.tree.is_prefix(self.committed.tip(), node) {
            self.judge_begun(cx, server, epoch, node);
            self.committed.extend(&self.tree, node);
            return;
        }
        let mut story = Story::default();
        let conclusion = self.tell_divergence(&mut story, server, node);
        cx.violate(TWO_HISTORIES, story, conclusion);
    }

    /// What clients were told of without its being committed must be held as well.
    fn judge_told_early(&mut self, cx: &mut Cx<'_>, server: ServerId, epoch: Epoch, node: Node) {
        let lacking = self
            .committed
            .told_early
            .iter()
            .find(|(zxid, _)| !zxid.is_label() && self.tree.ending_at(node, **zxid).is_none())
            .map(|(zxid, told)| (*zxid, *told));
        let Some((zxid, told)) = lacking else {
            return;
        };
        cx.exercise(Property::CommittedSurvives);
        let mut story = Story::default();
        self.tell_fate(&mut story, zxid);
        story.tell(
            told.at,
            format!("client {} was told of {zxid}", told.client.0),
        );
        self.tell_crash(&mut story, server);
        let conclusion = format!(
            "server {server} leads epoch {epoch} with {} and lacks {zxid}",
            self.describe_history(node)
        );
        cx.violate(LOST_TOLD, story, conclusion);
        self.committed.told_early.remove(&zxid);
    }

    /// C2: a leader found a quorum of acknowledgements.
    pub(super) fn on_commit_decided(
        &mut self,
        cx: &mut Cx<'_>,
        server: ServerId,
        zxid: Zxid,
        epoch: Epoch,
    ) {
        let Some(node) = self.decide(cx, server, zxid) else {
            return;
        };
        self.judge_quorum(cx, NO_QUORUM, server, (node, epoch));
        if self.committed.holds(&self.tree, node) {
            cx.exercise(Property::PrimaryIntegrity);
            self.note_commit(cx, server, node);
        } else if self.tree.is_prefix(self.committed.tip(), node) {
            self.judge_begun(cx, server, epoch, node);
            self.committed.extend(&self.tree, node);
            self.note_commit(cx, server, node);
            self.judge_survival(cx);
        } else {
            cx.exercise(Property::TotalOrder);
            let mut story = Story::default();
            let conclusion = self.tell_divergence(&mut story, server, node);
            cx.violate(TWO_HISTORIES, story, conclusion);
        }
    }

    /// Keeps who committed a transaction first, for stories.
    fn note_commit(&mut self, cx: &Cx<'_>, server: ServerId, node: Node) {
        if let Some(proposal) = self.proposals.get_mut(self.tree.zxid(node))
            && proposal.node == node
        {
            proposal.committed.get_or_insert((server, cx.at));
        }
    }

    /// S15: takes a proposal from the head of the leader's outstanding ones.
    fn decide(&mut self, cx: &mut Cx<'_>, server: ServerId, zxid: Zxid) -> Option<Node> {
        cx.exercise(Property::CommitOrder);
        let lead = self.ghost_mut(server).lead.as_mut();
        let (head, node) = lead.map_or((None, None), |lead| (lead.head(), lead.decide(zxid)));
        if node.is_none() {
            let conclusion = format!(
                "server {server} committed {zxid}, which it has not proposed or had committed before"
            );
            cx.violate(DECIDED_UNPROPOSED, Story::default(), conclusion);
        } else if let Some(head) = head.filter(|head| *head != zxid) {
            self.report_decided_early(cx, server, zxid, head);
        }
        node
    }

    /// S15: the head of the leader's outstanding proposals is decided first.
    #[cold]
    fn report_decided_early(&self, cx: &mut Cx<'_>, server: ServerId, zxid: Zxid, head: Zxid) {
        let mut story = Story::default();
        self.tell_fate(&mut story, head);
        let conclusion = format!(
            "server {server} committed {} while {head} was not yet committed",
            self.describe(zxid)
        );
        cx.violate(DECIDED_EARLY, story, conclusion);
    }

    /// A server was told to commit what was not the head of its pending proposals.
    pub(super) fn on_commit_out_of_order(
        &mut self,
        cx: &mut Cx<'_>,
        server: ServerId,
        zxid: Zxid,
        head: Zxid,
    ) {
        cx.exercise(Property::CommitOrder);
        let mut story = Story::default();
        self.tell_fate(&mut story, zxid);
        let next = match head {
            Zxid::ZERO => "nothing was pending there".to_owned(),
            head => format!("{head} was its next pending proposal"),
        };
        let conclusion = format!("server {server} received COMMIT {zxid} while {next}");
        cx.violate(ACTED_OUT_OF_ORDER, story, conclusion);
    }

    /// S11: a quorum of voters has this history on disk now, each with currentEpoch at least the leader's.
    fn judge_quorum(&self, cx: &mut Cx<'_>, claim: Claim, leader: ServerId, what: (Node, Epoch)) {
        cx.exercise(Property::CommitQuorum);
        if self.holders(what).count() < self.quorum() {
            self.report_no_quorum(cx, claim, leader, what);
        }
    }

    /// The voters that hold a history on disk now, each with currentEpoch at least this.
    fn holders(&self, what: (Node, Epoch)) -> impl Iterator<Item = ServerId> {
        let (node, epoch) = what;
        self.voters.iter().filter(move |server| {
            self.ghost(*server).is_some_and(|ghost| {
                ghost.excused || ghost.current >= epoch && self.tree.is_prefix(node, ghost.dur)
            })
        })
    }

    /// S11: too few voters hold this history.
    #[cold]
    fn report_no_quorum(
        &self,
        cx: &mut Cx<'_>,
        claim: Claim,
        leader: ServerId,
        what: (Node, Epoch),
    ) {
        let (node, epoch) = what;
        let holders: ServerSet = self.holders(what).collect();
        let mut story = Story::default();
        self.tell_fate(&mut story, self.tree.zxid(node));
        if let Some(proposal) = self.proposals.get(self.tree.zxid(node)) {
            for (server, at) in self.acks.of(proposal.acked) {
                story.tell(
                    at,
                    format!("server {server} acknowledged {}", self.tree.zxid(node)),
                );
            }
        }
        let conclusion = format!(
            "server {leader} committed {} in epoch {epoch}, but of voters {} only {holders} hold it on disk in that epoch",
            self.describe_history(node),
            self.voters
        );
        cx.violate(claim, story, conclusion);
    }

    /// S5: G is not extended for a leader of an earlier epoch once a later one has begun.
    fn judge_begun(&self, cx: &mut Cx<'_>, server: ServerId, epoch: Epoch, node: Node) {
        cx.exercise(Property::PrimaryIntegrity);
        if let Some(begun) = self.committed.begun.filter(|begun| begun.epoch > epoch) {
            self.report_begun(cx, (server, epoch), begun, node);
        }
    }

    /// S5: G was extended for the leader of an earlier epoch than the one that had begun.
    #[cold]
    fn report_begun(&self, cx: &mut Cx<'_>, leader: (ServerId, Epoch), begun: Begun, node: Node) {
        let (server, epoch) = leader;
        let zxid = self.tree.zxid(node);
        let mut story = Story::default();
        self.tell_fate(&mut story, zxid);
        story.tell(
            begun.at,
            format!("server {} had begun epoch {}", begun.server, begun.epoch),
        );
        let conclusion = format!(
            "server {server} committed {} in epoch {epoch} although epoch {} had begun without it",
            self.describe(zxid),
            begun.epoch
        );
        cx.violate(OLD_EPOCH, story, conclusion);
    }

    /// S5: before its first proposal a leader has delivered what is committed of earlier epochs. Of later ones it need not
    /// know: a deposed leader may propose in vain.
    #[inline]
    pub(super) fn judge_first_proposal(
        &self,
        cx: &mut Cx<'_>,
        server: ServerId,
        tip: Node,
        zxid: Zxid,
    ) {
        if zxid.counter() == 1 {
            self.judge_start_of_epoch(cx, server, tip, zxid);
        }
    }

    fn judge_start_of_epoch(&self, cx: &mut Cx<'_>, server: ServerId, tip: Node, zxid: Zxid) {
        cx.exercise(Property::PrimaryIntegrity);
        let serving = self.ghost(server).and_then(|ghost| ghost.serving.as_ref());
        let mem = serving.map_or(tip, |serving| serving.mem);
        let earlier = |tree: &Histories, at: Node| tree.zxid(at).epoch() < zxid.epoch();
        let tip = self.committed.tip();
        let owed = self.tree.longest_prefix(tip, earlier).unwrap_or(ROOT);
        if self.tree.is_prefix(owed, mem) {
            return;
        }
        let lost = self.first_lost(mem);
        let mut story = Story::default();
        self.tell_fate(&mut story, lost);
        if let Some(serving) = serving {
            story.tell(serving.since, format!("server {server} began to serve"));
        }
        let conclusion = format!(
            "server {server} proposed {zxid}, the first of its epoch, without having delivered {}",
            self.describe(lost)
        );
        cx.violate(PROPOSED_BEHIND, story, conclusion);
    }

    /// S5 for learners: who serves in an epoch has applied what its leader began with; UPTODATE has committed that.
    pub(super) fn judge_served_history(
        &self,
        cx: &mut Cx<'_>,
        server: ServerId,
        start: (Node, Epoch),
    ) {
        let (node, epoch) = start;
        let follows = self.ghost(server).and_then(|ghost| ghost.follows);
        let Some((leader, initial)) = self.initial_of(epoch, follows) else {
            return;
        };
        if leader == server {
            return;
        }
        cx.exercise(Property::PrimaryIntegrity);
        if self.tree.depth(node) >= self.tree.depth(initial) {
            return;
        }
        let mut story = Story::default();
        self.tell_fate(&mut story, self.tree.zxid(initial));
        let conclusion = format!(
            "server {server} serves in epoch {epoch} with {}, although its leader, server {leader}, began with {}",
            self.describe_history(node),
            self.describe_history(initial)
        );
        cx.violate(SERVES_BEHIND, story, conclusion);
    }
}
