//! What servers claim of their disks: `truthful-ack` (S9), `truthful-newleader-ack` (S10), `truthful-vote` (S12).

use super::ZabMonitor;
use super::histories::Node;
use super::story::{Claim, Cx, Story, claim};
use crate::base::id::ServerId;
use crate::base::lineage::Lineage;
use crate::base::zxid::{Epoch, Zxid};
use crate::check::verdict::{At, Property};

const ACK_UNKNOWN: Claim = claim(Property::TruthfulAck, "ack-of-missing-transaction");
const ACK_ELSEWHERE: Claim = claim(Property::TruthfulAck, "ack-on-another-history");
const ACK_NOT_DURABLE: Claim = claim(Property::TruthfulAck, "ack-before-durable");
const NEWLEADER_EPOCH: Claim = claim(Property::TruthfulNewleaderAck, "newleader-ack-before-epoch");
const NEWLEADER_HISTORY: Claim = claim(
    Property::TruthfulNewleaderAck,
    "newleader-ack-without-history",
);
const VOTE_UNTRUE: Claim = claim(Property::TruthfulVote, "vote-differs-from-disk");
const VOTE_BELOW: Claim = claim(Property::TruthfulVote, "vote-below-acknowledged");
const VOTE_POSITION: Claim = claim(Property::TruthfulVote, "vote-with-wrong-position");

/// A server's vote for itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Vote {
    pub(super) lineage: Lineage,
    pub(super) zxid: Zxid,
    pub(super) epoch: Epoch,
}

/// All acknowledgements of transactions, one behind the other: nearly every transaction has some, and nearly no story asks for them.
#[derive(Clone, Debug, Default)]
pub(super) struct Acks(Vec<Ack>);

/// An acknowledgement, and the one of the same transaction before it.
#[derive(Clone, Copy, Debug)]
struct Ack {
    server: ServerId,
    at: At,
    before: Option<AckNumber>,
}

/// Which acknowledgement.
#[derive(Clone, Copy, Debug)]
pub(super) struct AckNumber(u32);

impl Acks {
    /// Adds an acknowledgement of a transaction whose last one is `before`.
    #[inline]
    fn push(&mut self, server: ServerId, at: At, before: Option<AckNumber>) -> AckNumber {
        let number = u32::try_from(self.0.len()).expect("fewer than 2^32 acknowledgements");
        self.0.push(Ack { server, at, before });
        AckNumber(number)
    }

    /// The acknowledgements of a transaction in order, given its last one.
    pub(super) fn of(&self, last: Option<AckNumber>) -> Vec<(ServerId, At)> {
        let ack = |number: AckNumber| &self.0[number.0 as usize];
        let acks = std::iter::successors(last.map(ack), |last| last.before.map(ack));
        let mut acks: Vec<_> = acks.map(|ack| (ack.server, ack.at)).collect();
        acks.reverse();
        acks
    }
}

/// "zxid -1": a server without data, which neither votes nor is voted for.
const NO_DATA: Zxid = Zxid(u64::MAX);

impl ZabMonitor {
    /// An ACK of a transaction left, or the leader counted its own.
    pub(super) fn on_ack_sent(&mut self, cx: &mut Cx<'_>, server: ServerId, zxid: Zxid) {
        let epoch = self.ack_epoch(server, zxid);
        self.judge_promise(cx, server, epoch, zxid);
        if zxid.is_label() {
            return;
        }
        cx.exercise(Property::TruthfulAck);
        let ghost = self.servers.of_mut(server);
        let proposal = self.proposals.get_mut(zxid);
        let proposed = proposal.as_ref().map(|proposal| proposal.node);
        let Some(node) = self.tree.ending_there(ghost.log, zxid, proposed) else {
            self.report_ack_unknown(cx, server, zxid);
            return;
        };
        ghost.vouch(&self.tree, node, cx.at);
        let is_durable = self.tree.is_prefix(node, ghost.dur);
        match proposal {
            Some(proposal) if proposal.node == node => {
                proposal.acked = Some(self.acks.push(server, cx.at, proposal.acked));
            }
            Some(proposal) => {
                let proposed = proposal.node;
                self.report_ack_elsewhere(cx, server, node, proposed);
            }
            None => {}
        }
        if !is_durable {
            self.report_ack_not_durable(cx, server, zxid);
        }
    }

    /// S9: the transaction is in the log.
    #[cold]
    fn report_ack_unknown(&mut self, cx: &mut Cx<'_>, server: ServerId, zxid: Zxid) {
        let log = self.ghost_mut(server).log;
        let mut story = Story::default();
        self.tell_fate(&mut story, zxid);
        let conclusion = format!(
            "server {server} acknowledged {zxid}, but its log has {} without it",
            self.describe_history(log)
        );
        cx.violate(ACK_UNKNOWN, story, conclusion);
    }

    /// S9: the transaction, and everything before it, is on disk.
    #[cold]
    fn report_ack_not_durable(&mut self, cx: &mut Cx<'_>, server: ServerId, zxid: Zxid) {
        let dur = self.ghost_mut(server).dur;
        let mut story = Story::default();
        self.tell_fate(&mut story, zxid);
        self.tell_durable(&mut story, server);
        let conclusion = format!(
            "server {server} acknowledged {}, but its disk holds only {}",
            self.describe(zxid),
            self.describe_history(dur)
        );
        cx.violate(ACK_NOT_DURABLE, story, conclusion);
    }

    /// S9: everything before the transaction is what its leader has before it.
    #[cold]
    fn report_ack_elsewhere(&self, cx: &mut Cx<'_>, server: ServerId, node: Node, proposed: Node) {
        let zxid = self.tree.zxid(node);
        let before = |node: Node| {
            let parent = self.tree.parent(node);
            parent.map_or_else(|| "nothing".to_owned(), |node| self.describe_history(node))
        };
        let mut story = Story::default();
        self.tell_fate(&mut story, zxid);
        let conclusion = format!(
            "server {server} acknowledged {} on top of {}, but it was proposed on top of {}",
            self.describe(zxid),
            before(node),
            before(proposed)
        );
        cx.violate(ACK_ELSEWHERE, story, conclusion);
    }

    /// Tells since when a server's disk holds what it holds.
    pub(super) fn tell_durable(&self, story: &mut Story, server: ServerId) {
        let Some(ghost) = self.ghost(server) else {
            return;
        };
        if let Some(at) = ghost.dur_since {
            let end = self.describe_history(ghost.dur);
            story.tell(
                at,
                format!("the disk of server {server} came to hold {end}"),
            );
        }
    }

    /// A learner acknowledged NEWLEADER.
    pub(super) fn on_newleader_ack(
        &mut self,
        cx: &mut Cx<'_>,
        server: ServerId,
        epoch: Epoch,
        voter: bool,
    ) {
        self.judge_promise(cx, server, epoch, Zxid::label(epoch));
        let tree = &self.tree;
        let ghost = self.servers.of_mut(server);
        ghost.joined = Some(epoch);
        if !voter {
            return;
        }
        ghost.vouch(tree, ghost.dur, cx.at);
        let follows = ghost.follows;
        self.judge_history_epoch(cx, server);
        self.judge_newleader_ack(cx, server, epoch);
        if let Some((leader, initial)) = self.initial_of(epoch, follows) {
            self.judge_initial(cx, server, leader, initial);
        }
    }

    /// The leader of `epoch` that a learner follows, and the history with which it began.
    pub(super) fn initial_of(
        &self,
        epoch: Epoch,
        follows: Option<ServerId>,
    ) -> Option<(ServerId, Node)> {
        let proposers = self.initials.get(&epoch)?;
        proposers
            .iter()
            .rev()
            .find(|(leader, _)| Some(*leader) == follows)
            .or(proposers.last().filter(|_| proposers.len() == 1))
            .copied()
    }

    /// S10: currentEpoch is durable.
    fn judge_newleader_ack(&self, cx: &mut Cx<'_>, server: ServerId, epoch: Epoch) {
        cx.exercise(Property::TruthfulNewleaderAck);
        let Some(ghost) = self.ghost(server) else {
            return;
        };
        if ghost.current == epoch {
            return;
        }
        let mut story = Story::default();
        if let Some(current) = ghost.highest_current {
            story.tell(
                current.at,
                format!(
                    "currentEpoch {} became durable at server {server}",
                    current.value
                ),
            );
        }
        let conclusion = format!(
            "server {server} acknowledged NEWLEADER of epoch {epoch} with currentEpoch {} on disk",
            ghost.current
        );
        cx.violate(NEWLEADER_EPOCH, story, conclusion);
    }

    /// S10: the durable history extends the one with which the leader began.
    pub(super) fn judge_initial(
        &self,
        cx: &mut Cx<'_>,
        server: ServerId,
        leader: ServerId,
        initial: Node,
    ) {
        cx.exercise(Property::TruthfulNewleaderAck);
        let Some(ghost) = self.ghost(server) else {
            return;
        };
        if self.tree.is_prefix(initial, ghost.dur) {
            return;
        }
        let mut story = Story::default();
        self.tell_fate(&mut story, self.tree.zxid(initial));
        self.tell_durable(&mut story, server);
        let conclusion = format!(
            "server {server} acknowledged NEWLEADER of server {leader}, which began with {}, but its disk holds only {}",
            self.describe_history(initial),
            self.describe_history(ghost.dur)
        );
        cx.violate(NEWLEADER_HISTORY, story, conclusion);
    }

    /// A server entered LOOKING and votes for itself.
    pub(super) fn on_voted(&mut self, cx: &mut Cx<'_>, server: ServerId, vote: Vote) {
        self.judge_booted(cx, server);
        if !self.voters.contains(server) || vote.zxid == NO_DATA {
            return;
        }
        let voted = self.tree.claim(vote.lineage);
        let Some(ghost) = self.ghost(server).filter(|ghost| !ghost.excused) else {
            return;
        };
        cx.exercise(Property::TruthfulVote);
        let end = self.describe_history(voted);
        let mut story = Story::default();
        if !self.tree.is_prefix(voted, ghost.dur) || vote.epoch != ghost.current {
            self.tell_durable(&mut story, server);
            let conclusion = format!(
                "server {server} votes with epoch {} and {end}, but on its disk are epoch {} and {}",
                vote.epoch,
                ghost.current,
                self.describe_history(ghost.dur)
            );
            cx.violate(VOTE_UNTRUE, story, conclusion);
        } else if !self.tree.is_prefix(ghost.vouched, voted) {
            if let Some(at) = ghost.vouched_at {
                let end = self.describe_history(ghost.vouched);
                story.tell(at, format!("server {server} acknowledged {end}"));
            }
            let conclusion = format!("server {server} votes with {end}, less than it acknowledged");
            cx.violate(VOTE_BELOW, story, conclusion);
        } else if !is_position(vote, self.tree.zxid(voted)) {
            let conclusion = format!(
                "server {server} votes with zxid {}, but has {end}",
                vote.zxid
            );
            cx.violate(VOTE_POSITION, story, conclusion);
        }
    }

    /// S7 after boot, once what K3 drops has been dropped.
    fn judge_booted(&mut self, cx: &mut Cx<'_>, server: ServerId) {
        if self.ghost_mut(server).boot_unjudged.take().is_some() {
            self.judge_history_epoch(cx, server);
        }
    }
}

/// Whether a vote's zxid names the end of its history: its last transaction, or the label of a later epoch that its
/// currentEpoch covers (an established leader is at `(e,0)` before its first transaction).
fn is_position(vote: Vote, last: Zxid) -> bool {
    vote.zxid == last || vote.zxid.is_label() && vote.zxid > last && vote.zxid.epoch() <= vote.epoch
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::id::EventId;
    use crate::base::time::Time;

    #[test]
    fn acknowledgements_of_a_transaction_come_in_order_and_without_those_of_another() {
        let mut acks = Acks::default();
        let at = |ms: u64| At {
            event: EventId(ms),
            time: Time::from_ms(ms),
        };
        let mut last = [None, None];
        for (ms, server) in [(1, 2), (2, 1), (3, 3), (5, 1), (8, 2)] {
            let txn = usize::from(ms % 2 == 0);
            last[txn] = Some(acks.push(ServerId(server), at(ms), last[txn]));
        }
        let servers = |txn: usize| -> Vec<u8> {
            let acks = acks.of(last[txn]).into_iter();
            acks.map(|(server, _)| server.0).collect()
        };
        assert_eq!(servers(0), [2, 3, 1]);
        assert_eq!(servers(1), [1, 2]);
        assert!(acks.of(None).is_empty());
    }
}
