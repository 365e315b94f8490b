//! A learner's sync before its durable switch (K1, zab.md §4.5, §16.1): everything received is built up beside the old
//! disk and the old memory, and dropped without a trace if the connection is lost.

use std::sync::Arc;

use super::core::{Core, Out, Quit, Step};
use super::learner::Waiting;
use super::memory::Memory;
use super::pending::Pending;
use super::rules::sync::{AppliedAt, DiffHead, SyncInforms, SyncSessions, TruncRule, Uncommitted};
use crate::base::zxid::{Epoch, Zxid};
use crate::history::fact::SyncKind;
use crate::sim::process::Effect;
use crate::tree::store::Tree;
use crate::tree::txn::{Body, Txn};
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
    /// Received, not committed yet.
    pending: Pending,
    /// How many of those, committed or not, the disk has been given.
    logged: usize,
    /// What a SNAP holds: it is taken after live traffic was let in, so that some of it comes twice (zab.md §4.4).
    twice_upto: Zxid,
}

impl Staging {
    /// The first packet of a sync tells its kind.
    pub fn begin(packet: Packet, core: &mut Core, out: &mut Out) -> Result<Self, Quit> {
        if let Packet::Diff { zxid } = packet {
            match core.config.rules.sync.diff_head {
                DiffHead::Announces => {}
                DiffHead::RaisesLastProcessed => core.memory.claim(zxid),
            }
            Ok(Self::on(
                SyncKind::Diff,
                core.memory.tree.clone(),
                Zxid::ZERO,
            ))
        } else if let Packet::Snap { zxid, image } = packet {
            Ok(Self::on(SyncKind::Snap, image.tree, zxid))
        } else if let Packet::Trunc { zxid } = packet {
            Self::on_trunc(zxid, core, out)
        } else {
            core.ignore("no-sync-packet", out);
            Err(Quit("the sync began with another packet"))
        }
    }

    fn on_trunc(zxid: Zxid, core: &mut Core, out: &mut Out) -> Result<Self, Quit> {
        let rebuilt = |core: &mut Core, zxid| {
            let tree = core
                .log
                .rebuild(zxid)
                .ok_or(Quit("the state to truncate to cannot be rebuilt"));
            core.want_snapshot = tree.is_err();
            tree
        };
        let (kind, tree) = match core.config.rules.sync.trunc {
            TruncRule::Exact | TruncRule::StaleStream => (SyncKind::Trunc, rebuilt(core, zxid)?),
            TruncRule::Skipped => (SyncKind::Diff, core.memory.tree.clone()),
            TruncRule::OneTooMany => {
                let before = core.log.before(zxid);
                (SyncKind::Trunc, rebuilt(core, before)?)
            }
            TruncRule::MemoryOnly => (SyncKind::Diff, rebuilt(core, zxid)?),
            TruncRule::LogOnly => {
                core.log.truncate(zxid, out);
                (SyncKind::Diff, core.memory.tree.clone())
            }
            TruncRule::LogNotSnapshots => {
                core.log.truncate(zxid, out);
                (SyncKind::Trunc, core.log.reload())
            }
            TruncRule::LogAfterFirst => {
                let Some(first) = core.log.first_from(zxid) else {
                    out.push(Effect::Halt { code: EXIT_TRUNC });
                    return Err(Quit("the log has nothing to truncate"));
                };
                core.log.truncate(first, out);
                (SyncKind::Trunc, core.log.reload())
            }
        };
        let mut staging = Self::on(kind, tree, Zxid::ZERO);
        staging.pending = Pending::after(zxid);
        Ok(staging)
    }

    fn on(kind: SyncKind, tree: Tree, label: Zxid) -> Self {
        let last = tree.last();
        let is_snap = kind == SyncKind::Snap;
        let (fork, twice_upto) = if is_snap {
            (Zxid::ZERO, last.max(label))
        } else {
            (last, Zxid::ZERO)
        };
        let pending = Pending::after(last.max(twice_upto));
        Self {
            kind,
            tree,
            label,
            fork,
            applied: Vec::new(),
            pending,
            logged: 0,
            twice_upto,
        }
    }

    /// A packet between the first one and NEWLEADER.
    pub fn on_packet(&mut self, packet: Packet, core: &Core, out: &mut Out) -> Step {
        match packet.into_traffic() {
            Some(Traffic::Proposal(txn)) => self.on_proposal(txn, core, out),
            Some(Traffic::Commit(zxid)) => self.on_commit(zxid, core, out),
            Some(Traffic::Inform(txn)) => match core.config.rules.sync.informs {
                SyncInforms::Taken => {
                    let zxid = txn.zxid;
                    self.on_proposal(txn, core, out)?;
                    self.on_commit(zxid, core, out)
                }
                SyncInforms::Dropped => Ok(()),
            },
            None => {
                core.ignore("unexpected-packet", out);
                Ok(())
            }
        }
    }

    fn on_proposal(&mut self, txn: Arc<Txn>, core: &Core, out: &mut Out) -> Step {
        if txn.zxid <= self.twice_upto {
            core.ignore("proposal-already-in-snapshot", out);
            return Ok(());
        }
        self.pending.add(txn, core)
    }

    fn on_commit(&mut self, zxid: Zxid, core: &Core, out: &mut Out) -> Step {
        if zxid <= self.twice_upto {
            core.ignore("commit-already-in-snapshot", out);
            return Ok(());
        }
        let txn = self.pending.take(zxid, core, out)?;
        self.tree.apply(&txn);
        let opens = matches!(txn.body, Body::OpenSession { .. });
        if opens && core.config.rules.sync.sessions == SyncSessions::Bypassed {
            self.tree.forget_session(txn.session);
        }
        self.applied.push(txn);
        Ok(())
    }

    /// Which sync this is.
    pub fn kind(&self) -> SyncKind {
        self.kind
    }

    /// What is committed goes to the log (not yet forced).
    pub fn append_committed(&mut self, core: &mut Core, out: &mut Out) {
        for txn in &self.applied {
            core.log.append(Arc::clone(txn), out);
        }
        self.logged = self.applied.len();
    }

    /// Everything received goes to the log, committed or not (K2).
    pub fn append_all(&mut self, core: &mut Core, out: &mut Out) {
        self.append_committed(core, out);
        for txn in self.pending.iter() {
            core.log.append(Arc::clone(txn), out);
        }
        self.logged += self.pending.len();
    }

    /// Everything received and currentEpoch go to disk at once (K1, K2).
    pub fn switch(&mut self, epoch: Epoch, core: &mut Core, out: &mut Out) -> Step {
        let pending = self.pending.iter().cloned().collect();
        core.install(self.kind, &self.tree, pending, Some(epoch), out)?;
        self.logged = self.applied.len() + self.pending.len();
        Ok(())
    }

    /// What is committed goes to disk at once; currentEpoch stays.
    pub fn write_snapshot(&mut self, core: &mut Core, out: &mut Out) -> Step {
        core.install(self.kind, &self.tree, Vec::new(), None, out)?;
        self.logged = self.applied.len();
        Ok(())
    }

    /// A snapshot of what is committed is begun.
    pub fn begin_snapshot(&mut self, core: &mut Core, out: &mut Out) {
        core.take_snapshot(self.tree.clone(), out);
        self.logged = self.applied.len();
    }

    /// The disk has what it is to have: memory takes over what is committed. What is not waits for UPTODATE.
    pub fn finish(mut self, core: &mut Core) -> Waiting {
        let rules = core.config.rules.sync;
        let is_snap = self.kind == SyncKind::Snap;
        if is_snap {
            core.want_snapshot = false;
        }
        if self.kind == SyncKind::Trunc && rules.trunc == TruncRule::StaleStream {
            core.log.go_stale();
        }
        let mut commits = Vec::new();
        if rules.applied == AppliedAt::UpToDate && self.kind == SyncKind::Diff {
            commits.extend(self.applied.iter().map(|txn| txn.zxid));
            self.pending.put_before(self.applied);
        } else {
            self.logged = self.logged.saturating_sub(self.applied.len());
            core.memory.switch_to(self.tree, self.label, self.fork);
            for txn in self.applied {
                core.memory.remember_synced(txn);
            }
        }
        let forgotten = match rules.uncommitted {
            Uncommitted::Kept => 0,
            Uncommitted::Forgotten => self.pending.len(),
        };
        Waiting {
            pending: self.pending,
            durable: self.logged,
            forgotten,
            commits,
        }
    }

    /// The connection is lost and memory keeps what has come (only variants do that).
    pub fn leave_in(self, memory: &mut Memory) {
        memory.switch_to(self.tree, self.label, self.fork);
        for txn in self.applied {
            memory.remember(txn);
        }
        memory.keep();
    }
}

/// Exit code where a log cannot be truncated (`Learner.syncWithLeader`).
const EXIT_TRUNC: u8 = 13;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::process::Effects;
    use crate::tree::image::Image;
    use crate::zab::testing::{core, said, txn, zxid};

    fn proposal(epoch: u32, counter: u32) -> Packet {
        Packet::Proposal {
            txn: txn(epoch, counter),
        }
    }

    fn commit(epoch: u32, counter: u32) -> Packet {
        Packet::Commit {
            zxid: zxid(epoch, counter),
        }
    }

    /// Begins with the first packet and takes the others.
    fn stage(core: &mut Core, packets: Vec<Packet>) -> (Result<Staging, Quit>, Out) {
        let mut out = Effects::default();
        let mut packets = packets.into_iter();
        let first = packets.next().expect("a sync has a first packet");
        let staged = Staging::begin(first, core, &mut out).and_then(|mut staging| {
            for packet in packets {
                staging.on_packet(packet, core, &mut out)?;
            }
            Ok(staging)
        });
        (staged, out)
    }

    #[test]
    fn diff_puts_everything_received_on_disk_committed_or_not() {
        let mut core = core(1, 3, &[(1, 1)]);
        let diff = Packet::Diff { zxid: zxid(1, 2) };
        let (staged, mut out) = stage(
            &mut core,
            vec![diff, proposal(1, 2), commit(1, 2), proposal(1, 3)],
        );
        let mut staging = staged.expect("a legal sync");
        assert_eq!(
            said(&mut out),
            "",
            "nothing touches the disk before NEWLEADER"
        );
        staging.append_all(&mut core, &mut out);
        assert_eq!(said(&mut out), "append 1:2, append 1:3");
        let Waiting {
            pending, durable, ..
        } = staging.finish(&mut core);
        assert_eq!(
            core.memory.tree.last(),
            zxid(1, 2),
            "only the committed part is applied"
        );
        assert_eq!((pending.len(), durable), (1, 1));
    }

    #[test]
    fn trunc_is_one_switch_to_the_leaders_history() {
        let mut core = core(1, 3, &[(1, 1), (1, 2), (1, 3)]);
        let trunc = Packet::Trunc { zxid: zxid(1, 2) };
        let (staged, mut out) = stage(
            &mut core,
            vec![trunc, proposal(2, 1), commit(2, 1), proposal(2, 2)],
        );
        let mut staging = staged.expect("a legal sync");
        assert_eq!(
            core.memory.tree.last(),
            zxid(1, 3),
            "memory stays until the switch"
        );
        staging
            .switch(Epoch(2), &mut core, &mut out)
            .expect("the log is forced");
        assert_eq!(said(&mut out), "install 2:1 + [2:2] current=2");
        staging.finish(&mut core);
        assert_eq!(core.memory.tree.last(), zxid(2, 1));
        let window: Vec<Zxid> = core.memory.window().iter().map(|txn| txn.zxid).collect();
        assert_eq!(window, [zxid(1, 1), zxid(1, 2), zxid(2, 1)]);
    }

    #[test]
    fn snap_replaces_everything_and_carries_its_label() {
        let mut leader = core(2, 3, &[(1, 1), (1, 2)]);
        leader.memory.set_label(Epoch(2));
        let image = Box::new(Image {
            tree: leader.memory.tree.clone(),
        });
        let mut core = core(1, 3, &[(1, 1)]);
        core.want_snapshot = true;
        let snap = Packet::Snap {
            zxid: leader.memory.processed(),
            image,
        };
        let (staged, mut out) = stage(&mut core, vec![snap]);
        let mut staging = staged.expect("a legal sync");
        staging
            .switch(Epoch(2), &mut core, &mut out)
            .expect("the log is forced");
        assert_eq!(said(&mut out), "install 1:2 + [] current=2");
        staging.finish(&mut core);
        assert_eq!(core.memory.processed(), zxid(2, 0));
        assert!(!core.want_snapshot);
    }

    #[test]
    fn what_a_snapshot_holds_already_may_come_again_and_is_taken_once() {
        let leader = core(2, 3, &[(1, 1), (1, 2)]);
        let image = Box::new(Image {
            tree: leader.memory.tree,
        });
        let mut core = core(1, 3, &[]);
        let zxid = zxid(1, 2);
        let snap = Packet::Snap { zxid, image };
        let again = [proposal(1, 2), commit(1, 2), proposal(1, 3), commit(1, 3)];
        let (staged, _) = stage(&mut core, [snap].into_iter().chain(again).collect());
        let staging = staged.expect("a legal sync");
        assert_eq!(staging.tree.last(), txn(1, 3).zxid);
        assert_eq!(staging.applied.len(), 1);
    }

    #[test]
    fn a_trunc_that_cannot_be_rebuilt_asks_for_a_snapshot() {
        let mut core = core(1, 3, &[(1, 1), (1, 2)]);
        let (staged, _) = stage(&mut core, vec![Packet::Trunc { zxid: zxid(1, 7) }]);
        assert!(staged.is_err());
        assert!(core.want_snapshot);
    }

    #[test]
    fn gaps_and_wrong_commits_end_the_connection() {
        for packets in [
            vec![proposal(1, 3)],
            vec![proposal(1, 1)],
            vec![commit(1, 1)],
            vec![commit(1, 2)],
            vec![proposal(1, 2), commit(1, 3)],
            vec![proposal(1, 2), proposal(1, 4)],
        ] {
            let mut core = core(1, 3, &[(1, 1)]);
            let mut all = vec![Packet::Diff { zxid: zxid(1, 1) }];
            all.extend(packets);
            assert!(stage(&mut core, all).0.is_err());
        }
    }
}
