//! A learner's sync before its durable switch (K1, zab.md §4.5, §16.1): everything received is built up beside the old
//! disk and the old memory, and dropped without a trace if the connection is lost.

use std::collections::VecDeque;
use std::sync::Arc;

use super::server::{Core, Out, Quit, Step};
use crate::base::zxid::{Epoch, Zxid};
use crate::history::fact::SyncKind;
use crate::tree::store::Tree;
use crate::tree::txn::Txn;
use crate::words::message::{Packet, Traffic};

/// What a learner has received of its sync.
#[derive(Clone, Debug)]
pub struct Staging {
    kind: SyncKind,
    /// The state with everything committed so far.
    tree: Tree,
    /// The position that came with a SNAP.
    label: Zxid,
    /// Where the learner's former history and the leader's meet.
    fork: Zxid,
    /// Received and committed, in order.
    applied: Vec<Arc<Txn>>,
    /// Received, not committed yet (`packetsNotLogged`).
    pending: VecDeque<Arc<Txn>>,
    /// The last transaction received.
    last: Zxid,
}

impl Staging {
    /// The first packet of a sync tells its kind.
    pub fn begin(packet: Packet, core: &mut Core, out: &mut Out) -> Result<Self, Quit> {
        if let Packet::Diff { .. } = packet {
            Ok(Self::on(
                SyncKind::Diff,
                core.memory.tree.clone(),
                core.memory.label(),
            ))
        } else if let Packet::Snap { zxid, image } = packet {
            Ok(Self::on(SyncKind::Snap, image.tree, zxid))
        } else if let Packet::Trunc { zxid } = packet {
            let tree = core
                .log
                .rebuild(zxid)
                .ok_or(Quit("the state to truncate to cannot be rebuilt"));
            core.want_snapshot = tree.is_err();
            Ok(Self::on(SyncKind::Trunc, tree?, Zxid::ZERO))
        } else {
            core.ignore("no-sync-packet", out);
            Err(Quit("the sync began with another packet"))
        }
    }

    fn on(kind: SyncKind, tree: Tree, label: Zxid) -> Self {
        let last = tree.last();
        let fork = if kind == SyncKind::Snap {
            Zxid::ZERO
        } else {
            last
        };
        Self {
            kind,
            tree,
            label,
            fork,
            applied: Vec::new(),
            pending: VecDeque::new(),
            last,
        }
    }

    /// A packet between the first one and NEWLEADER.
    pub fn on_packet(&mut self, packet: Packet, core: &Core, out: &mut Out) -> Step {
        match packet.into_traffic() {
            Some(Traffic::Proposal(txn)) => self.on_proposal(txn, core, out),
            Some(Traffic::Commit(zxid)) => self.on_commit(zxid, core, out),
            Some(Traffic::Inform(txn)) => {
                let zxid = txn.zxid;
                self.on_proposal(txn, core, out)?;
                self.on_commit(zxid, core, out)
            }
            None => {
                core.ignore("unexpected-packet", out);
                Ok(())
            }
        }
    }

    fn on_proposal(&mut self, txn: Arc<Txn>, core: &Core, out: &mut Out) -> Step {
        if txn.zxid <= self.last {
            core.ignore("proposal-already-in-snapshot", out);
            return Ok(());
        }
        if !txn.zxid.follows(self.last) {
            return Err(Quit("a gap in the proposals of a sync"));
        }
        self.last = txn.zxid;
        self.pending.push_back(txn);
        Ok(())
    }

    fn on_commit(&mut self, zxid: Zxid, core: &Core, out: &mut Out) -> Step {
        if zxid <= self.tree.last() {
            core.ignore("commit-already-in-snapshot", out);
            return Ok(());
        }
        if self.pending.front().is_none_or(|head| head.zxid != zxid) {
            return Err(Quit("a commit without its proposal at the head"));
        }
        let txn = self.pending.pop_front().expect("just looked at");
        self.tree.apply(&txn);
        self.applied.push(txn);
        Ok(())
    }

    /// Which sync this is.
    pub fn kind(&self) -> SyncKind {
        self.kind
    }

    /// NEWLEADER(epoch): everything received goes to disk, committed or not (K2). A DIFF is appended and forced, its
    /// epoch follows; SNAP and TRUNC are one switch that carries the epoch.
    pub fn write(&self, epoch: Epoch, core: &mut Core, out: &mut Out) {
        match self.kind {
            SyncKind::Diff => {
                for txn in self.applied.iter().chain(&self.pending) {
                    core.log.append(Arc::clone(txn), out);
                }
                core.log.force_always(out);
            }
            SyncKind::Snap | SyncKind::Trunc => {
                core.install(
                    self.kind,
                    &self.tree,
                    self.pending.iter().cloned().collect(),
                    epoch,
                    out,
                );
            }
        }
    }

    /// The disk holds it all: memory takes over what is committed; returns what is on disk and not committed.
    pub fn finish(self, core: &mut Core) -> VecDeque<Arc<Txn>> {
        if self.kind == SyncKind::Snap {
            core.want_snapshot = false;
        }
        core.memory.switch_to(self.tree, self.label, self.fork);
        for txn in self.applied {
            core.memory.remember(txn);
        }
        self.pending
    }
}
