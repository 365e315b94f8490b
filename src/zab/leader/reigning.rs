//! What a leader does while it reigns (`Leader.lead` from L8 on, zab.md §5): pings and counts its followers, numbers and
//! proposes, commits, applies.

use std::sync::Arc;

use super::{Leader, Phase};
use crate::base::id::{ServerId, ServerSet};
use crate::base::time::Span;
use crate::base::zxid::Zxid;
use crate::history::fact::{Fact, Role};
use crate::history::wire::ToServer;
use crate::sim::process::{Conn, Cx};
use crate::words::Command;
use crate::words::message::Packet;
use crate::words::timer::{Stage, Timer};
use crate::zab::broadcast::{Broadcast, Commit, SyncWaiter};
use crate::zab::config::ElectionKind;
use crate::zab::core::{Core, Out, Quit, Step};
use crate::zab::front::Front;
use crate::zab::handler::{Handler, Stand};
use crate::zab::reign::Reign;
use crate::zab::rules::broadcast::LostQuorum;
use crate::zab::rules::sync::ProposalsTo;

impl Leader {
    /// L8: a quorum has the leader's history on disk; it is committed, and the leader serves.
    pub(super) fn begin_reign(&mut self, cx: Cx, core: &mut Core, out: &mut Out) {
        assert!(
            matches!(self.phase, Phase::AwaitsNewLeaderAcks),
            "a reign begins with a quorum of NEWLEADER acks"
        );
        let (server, epoch, lineage) = (core.me, self.epoch, core.memory.tree.lineage());
        out.note(Fact::QuorumFormed {
            server,
            epoch,
            members: self.newleader_acks,
            lineage,
        });
        out.disarm(Timer::PhaseLimit);
        core.vote.0.epoch = epoch;
        core.failures = 0;
        let (last, rollover) = (
            core.config.last_counter(),
            core.config.rules.election.rollover,
        );
        let broadcast = Broadcast::new(server, epoch, last, rollover);
        self.broadcast = match core.config.election {
            ElectionKind::FastLeaderElection => {
                core.memory.set_label(epoch);
                broadcast
            }
            ElectionKind::FirstComeVotes => broadcast.after(core.log.tail().last),
        };
        let tree = core.memory.tree.digest();
        out.note(Fact::ServeStart {
            server,
            role: Role::Leader,
            epoch,
            lineage,
            tree,
        });
        self.phase = Phase::Reigning(Box::new(Reign::begin(cx, core, out)));
        for sid in self.standing(Stand::AckedNewLeader) {
            self.tell_up_to_date(sid, core, out);
        }
        out.arm(Timer::HalfTick, half(core.config.tick));
        out.arm(Timer::Expiry, until_bucket(cx, core.config.tick));
    }

    /// Sessions are due at multiples of the tick on the leader's own clock (`ExpiryQueue`).
    pub(super) fn on_expiry(&mut self, cx: Cx, core: &mut Core, out: &mut Out) {
        if let Phase::Reigning(reign) = &mut self.phase {
            reign.expire_sessions(cx, core, out);
        }
        out.arm(Timer::Expiry, until_bucket(cx, core.config.tick));
    }

    /// Every half tick: ping; every second one: are enough followers there?
    pub(super) fn on_half_tick(&mut self, cx: Cx, core: &mut Core, out: &mut Out) -> Step {
        out.arm(Timer::HalfTick, half(core.config.tick));
        self.half_ticks += 1;
        if std::mem::take(&mut self.is_commit_held) {
            out.wake(Stage::Commit);
        }
        let (last_proposed, sync_span) = (self.broadcast.last_proposed(), core.config.sync_span());
        let is_late = |handler: &Handler| {
            handler
                .unacked
                .is_some_and(|(_, since)| cx.now.since(since) > sync_span)
        };
        let late: Vec<ServerId> = self
            .handlers
            .values()
            .filter(|handler| is_late(handler))
            .map(|handler| handler.sid)
            .collect();
        for sid in late {
            self.drop_learner(sid, "learner-acks-too-late", core, out);
        }
        for handler in self.handlers.values_mut() {
            if handler.is_forwarding && handler.is_draining() {
                handler.send(
                    Packet::Ping {
                        zxid: last_proposed,
                    },
                    out,
                );
            }
        }
        if self.half_ticks.is_multiple_of(2) {
            self.ticks += 1;
            self.check_quorum(core)?;
        }
        if let Phase::Reigning(reign) = &mut self.phase {
            reign.reap_in_time(cx, core, out);
        }
        Ok(())
    }

    fn check_quorum(&self, core: &Core) -> Step {
        let alive = self
            .handlers
            .values()
            .filter(|handler| self.ticks <= handler.deadline)
            .map(|handler| handler.sid);
        let steps_down = match core.config.election {
            ElectionKind::FastLeaderElection => true,
            ElectionKind::FirstComeVotes => false,
        };
        let present: ServerSet = alive.chain([core.me]).collect();
        if !steps_down || core.config.is_quorum(present) {
            return Ok(());
        }
        match core.config.rules.broadcast.lost_quorum {
            LostQuorum::StepsDown => Err(Quit("not enough followers")),
            LostQuorum::LeadsOn => Ok(()),
        }
    }

    pub(super) fn on_learner_packet(
        &mut self,
        cx: Cx,
        sid: ServerId,
        packet: Packet,
        core: &mut Core,
        out: &mut Out,
    ) {
        if let Packet::Ack { zxid } = packet {
            self.on_ack(sid, zxid, core, out);
            return;
        }
        let Phase::Reigning(reign) = &mut self.phase else {
            unreachable!("learners are up to date only in a reign")
        };
        match packet {
            Packet::Pong { touched } => {
                for (session, timeout_ms) in touched {
                    reign.tracker.touch(session, timeout_ms, cx, out);
                }
            }
            Packet::Request(forwarded) => reign.enqueue_write(sid, *forwarded, out),
            Packet::Sync { session, cxid } => {
                let conn = self.handlers[&sid].conn;
                reign.enqueue_sync(conn, session, cxid, out);
            }
            Packet::Revalidate {
                session,
                timeout_ms,
            } => {
                let valid = reign.tracker.revalidate(session, timeout_ms, sid, cx, out);
                let handler = self.handlers.get_mut(&sid).expect("it has just spoken");
                handler.send(Packet::Revalidated { session, valid }, out);
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
            | Packet::Ping { .. }
            | Packet::Revalidated { .. } => core.ignore("unexpected-packet", out),
        }
    }

    pub(super) fn on_ack(&mut self, from: ServerId, zxid: Zxid, core: &mut Core, out: &mut Out) {
        if let Some(handler) = self.handlers.get_mut(&from)
            && handler.unacked.is_some_and(|(watched, _)| watched <= zxid)
        {
            handler.unacked = None;
        }
        for commit in self.broadcast.on_ack(from, zxid, &core.config, out) {
            self.on_commit(commit, core, out);
        }
    }

    /// A transaction is committed: tell every learner in the same step, and apply it when its turn comes.
    fn on_commit(&mut self, Commit { txn, syncs }: Commit, core: &Core, out: &mut Out) {
        for handler in self
            .handlers
            .values_mut()
            .filter(|handler| handler.is_forwarding)
        {
            if handler.is_voter {
                handler.send(Packet::Commit { zxid: txn.zxid }, out);
            } else {
                handler.send(
                    Packet::Inform {
                        txn: Arc::clone(&txn),
                    },
                    out,
                );
            }
        }
        for waiter in syncs {
            self.answer_sync(waiter, out);
        }
        let Phase::Reigning(reign) = &mut self.phase else {
            unreachable!("commits belong to a reign")
        };
        reign.front.commit(txn, core, out);
    }

    /// SYNC goes out on the connection on which it was asked for, if that still stands.
    fn answer_sync(&mut self, waiter: SyncWaiter, out: &mut Out) {
        let SyncWaiter {
            conn,
            session,
            cxid,
        } = waiter;
        let asking = self
            .handlers
            .values_mut()
            .find(|handler| handler.conn == conn);
        if let Some(handler) = asking {
            handler.send(Packet::Sync { session, cxid }, out);
        }
    }

    /// A client of the leader's own says something.
    pub fn on_client(&mut self, cx: Cx, conn: Conn, msg: ToServer, core: &mut Core, out: &mut Out) {
        if let Phase::Reigning(reign) = &mut self.phase {
            reign.on_client(cx, conn, msg, core, out);
        }
    }

    /// A client connected.
    pub fn front_accept(&mut self, conn: Conn) {
        if let Phase::Reigning(reign) = &mut self.phase {
            reign.front.on_accepted(conn);
        }
    }

    /// Somebody outside asks for something that only a reigning leader does.
    pub fn on_command(&mut self, cx: Cx, command: &Command, core: &Core, out: &mut Out) {
        match (command, &mut self.phase) {
            (Command::Expire(session), Phase::Reigning(reign)) => reign.expire(*session, out),
            (Command::Reap, Phase::Reigning(reign)) => reign.reap(cx, core, out),
            (
                Command::Expire(_)
                | Command::Reap
                | Command::Request(_)
                | Command::DuplicateConnection
                | Command::Socket(..)
                | Command::Overwrite { .. },
                _,
            ) => core.ignore("command-to-other-role", out),
        }
    }

    /// Its clients, if it serves any.
    pub fn front(&self) -> Option<&Front> {
        match &self.phase {
            Phase::Reigning(reign) => Some(&reign.front),
            Phase::AwaitsEpochQuorum(_)
            | Phase::StoresAccepted
            | Phase::AwaitsPromises
            | Phase::StoresCurrent
            | Phase::AwaitsNewLeaderAcks => None,
        }
    }

    /// Whether it reigns and everything it was asked for is proposed, committed and applied.
    pub fn is_quiet(&self) -> bool {
        matches!(&self.phase, Phase::Reigning(reign) if reign.is_quiet())
            && self.broadcast.is_quiet()
    }

    /// Prep takes its next request, proposes its transaction and hands it to Sync: one step (zab.md §0 item 4).
    pub(super) fn on_prep(&mut self, cx: Cx, core: &mut Core, out: &mut Out) -> Step {
        let Phase::Reigning(reign) = &mut self.phase else {
            return Ok(());
        };
        if reign.is_deaf {
            return Ok(());
        }
        if let Some(waiter) = reign.take_sync(out) {
            if let Some(waiter) = self.broadcast.on_sync(waiter) {
                self.answer_sync(waiter, out);
            }
            return Ok(());
        }
        let Some(zxid) = self.broadcast.next_zxid() else {
            return Err(Quit("the epoch's counter is used up"));
        };
        let Some(txn) = reign.prepare(cx, zxid, core, out) else {
            return Ok(());
        };
        if reign.has_jammed() {
            self.broadcast.jam(txn);
            return Ok(());
        }
        reign.front.on_proposed(&txn, core, out);
        self.broadcast.propose(Arc::clone(&txn), &core.config, out);
        let rule = core.config.rules.sync.proposals;
        let gets_it = |handler: &&mut Handler| match rule {
            ProposalsTo::Forwarding => handler.is_forwarding && handler.is_voter,
            ProposalsTo::Synced => handler.stand == Stand::Synced && handler.is_voter,
        };
        for handler in self.handlers.values_mut().filter(gets_it) {
            handler.send(
                Packet::Proposal {
                    txn: Arc::clone(&txn),
                },
                out,
            );
            if handler.acks_proposals() {
                handler.unacked = handler.unacked.or(Some((txn.zxid, cx.now)));
            }
        }
        core.log.append(txn, out);
        core.count_towards_snapshot(cx, out);
        out.wake(Stage::Sync);
        Ok(())
    }

    pub(super) fn on_apply(&mut self, cx: Cx, core: &mut Core, out: &mut Out) {
        if self.handlers.values().any(Handler::is_stuck) {
            self.is_commit_held = true;
            return;
        }
        let Phase::Reigning(reign) = &mut self.phase else {
            return;
        };
        if let Some(txn) = reign.front.on_run(cx, core, out) {
            self.broadcast.on_applied(txn.zxid);
            reign.on_applied(&txn);
        }
    }
}

/// From now to the next multiple of a tick on this clock.
fn until_bucket(cx: Cx, tick: Span) -> Span {
    Span(tick.0 - cx.now.0 % tick.0)
}

fn half(tick: Span) -> Span {
    Span(tick.0 / 2)
}
