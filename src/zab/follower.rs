//! A learner in broadcast (`Follower.processPacket`, `Observer.processPacket`; zab.md §5.3): logs and acknowledges
//! proposals, applies what is committed, serves clients. An observer gets committed transactions only and never acks.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::core::{Core, Out, Step};
use super::front::{Ask, Front, SyncHandling};
use super::learner::Waiting;
use super::pending::Pending;
use super::rules::broadcast::ApplyMoment;
use super::rules::odd::AckCopies;
use super::rules::session::{Expirer, Touches};
use super::rules::sync::SyncAcks;
use crate::base::id::SessionId;
use crate::base::time::{LocalTime, Span};
use crate::base::zxid::{Epoch, Zxid};
use crate::history::fact::{Fact, Role};
use crate::history::wire::ToServer;
use crate::sim::process::{Conn, Cx};
use crate::tree::txn::Txn;
use crate::words::message::{Forwarded, Msg, Packet};
use crate::words::timer::Stage;

/// A follower or observer that is up to date.
#[derive(Clone, Debug)]
pub struct Follower {
    conn: Conn,
    /// Its clients.
    pub front: Front,
    /// Proposals received and not committed, oldest first (`pendingTxns`).
    pending: Pending,
    applies: ApplyMoment,
    /// Of a server that expires sessions itself: when which is due.
    due: BTreeMap<SessionId, LocalTime>,
}

impl Follower {
    /// Begins to serve in `epoch`.
    pub fn begin(conn: Conn, epoch: Epoch, now: LocalTime, core: &mut Core, out: &mut Out) -> Self {
        let role = if core.is_voter() {
            Role::Follower
        } else {
            Role::Observer
        };
        core.apply_leftovers();
        let (lineage, tree) = (core.memory.tree.lineage(), core.memory.tree.digest());
        out.note(Fact::ServeStart {
            server: core.me,
            role,
            epoch,
            lineage,
            tree,
        });
        let front = Front::open(SyncHandling::WaitsForLeader, now, core, out);
        Self {
            conn,
            front,
            pending: Pending::after(core.log.tail().last),
            applies: core.config.rules.broadcast.apply,
            due: BTreeMap::new(),
        }
    }

    /// Goes on with what came between NEWLEADER and UPTODATE: what is on disk already is acknowledged at once, the rest
    /// is logged first (K2).
    pub fn take_over(&mut self, waiting: Waiting, core: &mut Core, out: &mut Out) -> Step {
        self.pending = waiting.pending;
        let on_disk = waiting.durable;
        let acks_late = core.config.rules.sync.acks == SyncAcks::AfterUpToDate;
        for txn in self
            .pending
            .iter()
            .take(on_disk)
            .filter(|_| core.is_voter() && acks_late)
        {
            self.ack(txn.zxid, core, out);
        }
        for txn in self.pending.iter().skip(on_disk) {
            core.log.append(Arc::clone(txn), out);
        }
        for txn in self.pending.iter() {
            self.front.on_proposed(txn, core, out);
        }
        out.wake(Stage::Sync);
        for zxid in waiting.commits {
            self.on_commit(zxid, core, out)?;
        }
        for forwarded in std::mem::take(&mut core.unanswered) {
            self.send(Packet::Request(Box::new(forwarded)), out);
        }
        Ok(())
    }

    fn send(&self, packet: Packet, out: &mut Out) {
        out.send(self.conn, Msg::Quorum(packet));
    }

    fn ack(&self, zxid: Zxid, core: &Core, out: &mut Out) {
        out.note(Fact::AckSent {
            server: core.me,
            zxid,
        });
        self.send(Packet::Ack { zxid }, out);
        match core.config.rules.odd.acks {
            AckCopies::One => {}
            AckCopies::Two => self.send(Packet::Ack { zxid }, out),
        }
    }

    /// The leader says something.
    pub fn on_packet(&mut self, cx: Cx, packet: Packet, core: &mut Core, out: &mut Out) -> Step {
        match packet {
            Packet::Proposal { txn } if core.is_voter() => {
                self.log(txn, core, out)?;
                core.count_towards_snapshot(cx, out);
            }
            Packet::Commit { zxid } if core.is_voter() => self.on_commit(zxid, core, out)?,
            Packet::Inform { txn } if !core.is_voter() => {
                let zxid = txn.zxid;
                self.log(txn, core, out)?;
                core.count_towards_snapshot(cx, out);
                self.on_commit(zxid, core, out)?;
            }
            Packet::Ping { .. } => {
                self.front.on_leader_ping(out);
                let touched = self.front.take_touched();
                self.expire_silent(cx, &touched, core, out);
                let touched = match core.config.rules.session.touches {
                    Touches::Forwarded => touched,
                    Touches::KeptBack => Vec::new(),
                };
                self.send(Packet::Pong { touched }, out);
            }
            Packet::Sync { session, cxid } => {
                self.front.release_sync(session, cxid, core, out);
            }
            Packet::Revalidated { session, valid } => {
                self.front.on_revalidated(session, valid, core, out);
            }
            Packet::FollowerInfo { .. }
            | Packet::LeaderInfo { .. }
            | Packet::AckEpoch { .. }
            | Packet::Diff { .. }
            | Packet::Trunc { .. }
            | Packet::Snap { .. }
            | Packet::NewLeader { .. }
            | Packet::UpToDate
            | Packet::Proposal { .. }
            | Packet::Commit { .. }
            | Packet::Inform { .. }
            | Packet::Ack { .. }
            | Packet::Pong { .. }
            | Packet::Request(_)
            | Packet::Revalidate { .. } => core.ignore("unexpected-packet", out),
        }
        Ok(())
    }

    /// A proposal goes to the log and waits for its commit.
    fn log(&mut self, txn: Arc<Txn>, core: &mut Core, out: &mut Out) -> Step {
        self.pending.add(Arc::clone(&txn), core)?;
        self.front.on_proposed(&txn, core, out);
        if self.applies == ApplyMoment::OnProposal {
            self.front.commit(Arc::clone(&txn), core, out);
        }
        let thread = core.config.rules.sync.sync_thread;
        core.log.receive(txn, thread, out);
        out.wake(Stage::Sync);
        Ok(())
    }

    /// The head of what is pending is committed; it is applied whether or not our own fsync is done (zab.md §1.4).
    fn on_commit(&mut self, zxid: Zxid, core: &Core, out: &mut Out) -> Step {
        let txn = self.pending.take(zxid, core, out)?;
        if self.applies == ApplyMoment::OnCommit {
            self.front.commit(txn, core, out);
        }
        Ok(())
    }

    /// Sessions that were silent here for their timeout, if this server has a say in that.
    fn expire_silent(&mut self, cx: Cx, touched: &[(SessionId, u32)], core: &Core, out: &mut Out) {
        match core.config.rules.session.expirer {
            Expirer::Leader => return,
            Expirer::EveryServer => {}
        }
        for (session, timeout_ms) in touched {
            let due = cx.now + Span::from_ms(u64::from(*timeout_ms));
            self.due.insert(*session, due);
        }
        let silent: Vec<SessionId> = self
            .due
            .extract_if(.., |_, due| *due <= cx.now)
            .map(|(session, _)| session)
            .collect();
        for session in silent {
            out.note(Fact::SessionExpiring {
                server: core.me,
                session,
                local_ms: cx.now.as_ms(),
            });
            self.send(Packet::Request(Box::new(Forwarded::expiry(session))), out);
        }
    }

    /// Records were forced: a follower acknowledges them, in order.
    pub fn on_forced(&mut self, forced: &[Zxid], core: &mut Core, out: &mut Out) {
        if core.is_voter() {
            for zxid in forced {
                self.ack(*zxid, core, out);
            }
        }
        core.log.force(out);
    }

    /// The Commit stage may apply its next transaction.
    pub fn on_apply(&mut self, cx: Cx, core: &mut Core, out: &mut Out) {
        self.front.on_run(cx, core, out);
    }

    /// Whether every proposal received is committed and applied.
    pub fn is_quiet(&self) -> bool {
        self.pending.is_empty() && self.front.is_quiet()
    }

    /// A client says something.
    pub fn on_client(&mut self, conn: Conn, msg: ToServer, core: &mut Core, out: &mut Out) {
        match self.front.on_message(conn, msg, core, out) {
            Ask::Nothing => {}
            Ask::Write(forwarded) => self.send(Packet::Request(Box::new(forwarded)), out),
            Ask::Sync(session, cxid) => self.send(Packet::Sync { session, cxid }, out),
            Ask::Revalidate(session, timeout_ms) => self.send(
                Packet::Revalidate {
                    session,
                    timeout_ms,
                },
                out,
            ),
        }
    }
}
