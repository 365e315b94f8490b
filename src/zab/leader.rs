//! The leader (`Leader.lead`, zab.md §3.2): from discovery over synchronisation to broadcast.
//!
//! ```text
//!   AwaitsEpochQuorum ─▶ StoresAccepted ─▶ AwaitsPromises ─▶ StoresCurrent ─▶ AwaitsNewLeaderAcks ─▶ Reigning
//!        L3                  D1                 L5               D4                  L7                 L8, L9
//! ```

mod reigning;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::broadcast::Broadcast;
use super::config::ElectionKind;
use super::core::{Core, Out, Quit, Step};
use super::discovery::{EpochChoice, Promise, Promises, Summary};
use super::front::Front;
use super::handler::{Handler, Queued, Stand};
use super::reign::Reign;
use super::rules::broadcast::SnapshotLock;
use super::rules::election::{LaterPromise, Rollover};
use super::rules::odd::SyncTaste;
use super::rules::sync::{Established, FirstAck, Forwarding, LeadStart};
use super::synchronization::{Peer, asked, decide, snapshot_packet};
use crate::base::id::{ServerId, ServerSet};
use crate::base::zxid::{Epoch, Zxid};
use crate::history::fact::{Fact, SyncKind};
use crate::sim::process::{Conn, Cx, Effect, LinkClass};
use crate::words::message::{Msg, Packet};
use crate::words::timer::{Stage, Timer};
use crate::words::{ACCEPTED_EPOCH, CURRENT_EPOCH};

/// Where the leader stands.
#[derive(Clone, Debug)]
enum Phase {
    /// L3: waits for a quorum's acceptedEpochs.
    AwaitsEpochQuorum(EpochChoice),
    /// D1: acceptedEpoch = e is being written.
    StoresAccepted,
    /// L5: waits for a quorum's promises.
    AwaitsPromises,
    /// D4: currentEpoch = e is being written.
    StoresCurrent,
    /// L7: waits for a quorum's NEWLEADER acks.
    AwaitsNewLeaderAcks,
    /// L8, L9: serves.
    Reigning(Box<Reign>),
}

/// A leader.
#[derive(Clone, Debug)]
pub struct Leader {
    phase: Phase,
    /// e, once chosen; 0 before.
    epoch: Epoch,
    promises: Promises,
    newleader_acks: ServerSet,
    /// One handler per learner; a learner that connects anew replaces its former connection.
    handlers: BTreeMap<ServerId, Handler>,
    /// Proposals in flight; empty before the reign.
    broadcast: Broadcast,
    ticks: u64,
    /// Half ticks since the start.
    half_ticks: u64,
    /// Whether Commit has found the tree locked.
    is_commit_held: bool,
}

impl Leader {
    /// An elected server, before any contact.
    pub fn new(core: &Core) -> Self {
        let mine = Summary {
            epoch: core.current,
            zxid: core.memory.processed(),
        };
        Self {
            phase: Phase::AwaitsEpochQuorum(EpochChoice::new(core.me, core.memory.tree.last())),
            epoch: Epoch(0),
            promises: Promises::new(core.me, mine),
            newleader_acks: ServerSet::EMPTY,
            handlers: BTreeMap::new(),
            broadcast: Broadcast::new(core.me, Epoch(0), 0, Rollover::EndsEpoch),
            ticks: 0,
            half_ticks: 0,
            is_commit_held: false,
        }
    }

    /// L1-L3: opens the quorum port and counts itself.
    pub fn start(&mut self, core: &mut Core, out: &mut Out) {
        out.push(Effect::Listen(LinkClass::Quorum));
        out.note(Fact::LeadStarted {
            server: core.me,
            lineage: core.memory.tree.lineage(),
        });
        match core.config.rules.sync.lead_start {
            LeadStart::LeavesDisk => {}
            LeadStart::WritesSnapshot => core.take_snapshot(core.memory.tree.clone(), out),
        }
        out.arm(Timer::PhaseLimit, core.config.init_span());
        match core.config.election {
            ElectionKind::FastLeaderElection => {
                self.hear_accepted(core.me, core.accepted, core, out);
            }
            ElectionKind::FirstComeVotes => {
                self.epoch = Epoch(u32::try_from(core.vote.1).unwrap_or(u32::MAX));
                self.phase = Phase::StoresAccepted;
                core.store(ACCEPTED_EPOCH, self.epoch, out);
            }
        }
    }

    /// Without discovery: its number is written down, and it reigns.
    fn on_stored_without_discovery(&mut self, cx: Cx, core: &mut Core, out: &mut Out) {
        if let Phase::StoresAccepted = self.phase {
            self.phase = Phase::StoresCurrent;
            core.store(CURRENT_EPOCH, self.epoch, out);
        } else {
            self.phase = Phase::AwaitsNewLeaderAcks;
            self.newleader_acks.insert(core.me);
            self.begin_reign(cx, core, out);
        }
    }

    /// Whether it serves clients.
    pub fn is_serving(&self) -> bool {
        matches!(self.phase, Phase::Reigning(_))
    }

    /// The epoch it proposed, if no quorum has confirmed it yet.
    pub fn unconfirmed_epoch(&self) -> Option<Epoch> {
        (self.epoch > Epoch(0) && !self.is_serving()).then_some(self.epoch)
    }

    /// The role is over: every connection is closed, every timer taken back.
    pub fn hang_up(&mut self, core: &Core, out: &mut Out) {
        out.push(Effect::Unlisten(LinkClass::Quorum));
        if let Phase::Reigning(reign) = &mut self.phase {
            reign.front.hang_up(core, out);
        }
        for (sid, handler) in std::mem::take(&mut self.handlers) {
            out.close(handler.conn);
            out.disarm(Timer::LearnerSilent(sid));
        }
        out.disarm(Timer::PhaseLimit);
        out.disarm(Timer::HalfTick);
        out.disarm(Timer::Expiry);
    }

    /// What it leaves behind of its clients.
    pub fn into_front(self) -> Option<Front> {
        match self.phase {
            Phase::Reigning(reign) => Some(reign.front),
            Phase::AwaitsEpochQuorum(_)
            | Phase::StoresAccepted
            | Phase::AwaitsPromises
            | Phase::StoresCurrent
            | Phase::AwaitsNewLeaderAcks => None,
        }
    }

    // ----- connections

    /// A learner connected to the quorum port.
    pub fn on_learner(&mut self, cx: Cx, conn: Conn, sid: ServerId, core: &Core, out: &mut Out) {
        let grace = u64::from(core.config.init_limit + core.config.sync_limit);
        let handler = Handler::new(sid, conn, self.ticks + grace, cx.now);
        if let Some(old) = self.handlers.insert(sid, handler) {
            out.close(old.conn);
        }
        out.arm(Timer::LearnerSilent(sid), core.config.init_span());
    }

    /// A connection ended.
    pub fn on_ended(&mut self, conn: Conn, core: &Core, out: &mut Out) {
        if let Some(sid) = self.sid_of(conn) {
            self.handlers.remove(&sid);
            out.disarm(Timer::LearnerSilent(sid));
        } else if let Phase::Reigning(reign) = &mut self.phase {
            reign.front.on_ended(conn, core);
        }
    }

    fn sid_of(&self, conn: Conn) -> Option<ServerId> {
        self.handlers
            .values()
            .find(|handler| handler.conn == conn)
            .map(|handler| handler.sid)
    }

    fn drop_learner(&mut self, sid: ServerId, why: &'static str, core: &Core, out: &mut Out) {
        core.ignore(why, out);
        if let Some(handler) = self.handlers.remove(&sid) {
            out.close(handler.conn);
            out.disarm(Timer::LearnerSilent(sid));
        }
    }

    // ----- packets

    /// A learner says something.
    pub fn on_packet(
        &mut self,
        cx: Cx,
        conn: Conn,
        packet: Packet,
        core: &mut Core,
        out: &mut Out,
    ) -> Step {
        let Some(sid) = self.sid_of(conn) else {
            core.ignore("packet-of-gone-learner", out);
            return Ok(());
        };
        let handler = self
            .handlers
            .get_mut(&sid)
            .expect("found by its connection");
        handler.heard = cx.now;
        match (packet, handler.stand) {
            (
                Packet::FollowerInfo {
                    accepted,
                    voter,
                    want_snapshot,
                },
                Stand::Connected,
            ) => {
                (handler.is_voter, handler.want_snapshot) = (voter, want_snapshot);
                self.on_follower_info(cx, sid, accepted, core, out)
            }
            (Packet::AckEpoch { zxid, current }, Stand::ToldEpoch) => {
                self.on_ack_epoch(sid, zxid, current, core, out);
                Ok(())
            }
            (Packet::Ack { zxid }, Stand::ToldNewLeader) => {
                self.on_newleader_ack(cx, sid, zxid, core, out);
                Ok(())
            }
            (Packet::Ack { .. }, Stand::AckedNewLeader) => {
                core.ignore("ack-before-uptodate", out);
                Ok(())
            }
            (packet, Stand::Synced) => {
                handler.deadline = self.ticks + u64::from(core.config.sync_limit);
                self.on_learner_packet(cx, sid, packet, core, out);
                Ok(())
            }
            (_, _) => {
                self.drop_learner(sid, "packet-out-of-phase", core, out);
                Ok(())
            }
        }
    }

    /// The log cannot be written any more: nothing is proposed from now on.
    pub fn go_deaf(&mut self) {
        if let Phase::Reigning(reign) = &mut self.phase {
            reign.is_deaf = true;
        }
    }

    fn on_follower_info(
        &mut self,
        cx: Cx,
        sid: ServerId,
        accepted: Epoch,
        core: &mut Core,
        out: &mut Out,
    ) -> Step {
        let handler = self.handlers.get_mut(&sid).expect("it has just spoken");
        if core.config.election == ElectionKind::FirstComeVotes {
            handler.send(Packet::LeaderInfo { epoch: self.epoch }, out);
            handler.stand = Stand::Promised(Peer {
                zxid: Zxid::ZERO,
                want_snapshot: true,
            });
            out.wake(Stage::Handler(sid));
            return Ok(());
        }
        handler.stand = Stand::AwaitsEpoch;
        match &self.phase {
            Phase::AwaitsEpochQuorum(_) => {
                self.hear_accepted(sid, accepted, core, out);
                Ok(())
            }
            Phase::StoresAccepted => Ok(()),
            Phase::AwaitsPromises
            | Phase::StoresCurrent
            | Phase::AwaitsNewLeaderAcks
            | Phase::Reigning(_) => {
                if accepted > self.epoch && may_raise(cx, core) {
                    core.raised_at = Some(cx.now);
                    core.store(ACCEPTED_EPOCH, accepted, out);
                    return Err(Quit("a learner has promised a later epoch"));
                }
                self.tell_epoch(sid, out);
                Ok(())
            }
        }
    }

    fn hear_accepted(&mut self, sid: ServerId, accepted: Epoch, core: &mut Core, out: &mut Out) {
        let Phase::AwaitsEpochQuorum(choice) = &mut self.phase else {
            return;
        };
        if let Some(epoch) = choice.hear(sid, accepted, &core.config) {
            self.epoch = epoch;
            self.phase = Phase::StoresAccepted;
            out.disarm(Timer::PhaseLimit);
            core.store(ACCEPTED_EPOCH, epoch, out);
        }
    }

    fn tell_epoch(&mut self, sid: ServerId, out: &mut Out) {
        let epoch = self.epoch;
        let handler = self
            .handlers
            .get_mut(&sid)
            .expect("only connected learners are told");
        handler.stand = Stand::ToldEpoch;
        handler.send(Packet::LeaderInfo { epoch }, out);
    }

    fn on_ack_epoch(
        &mut self,
        sid: ServerId,
        zxid: Zxid,
        current: Option<Epoch>,
        core: &mut Core,
        out: &mut Out,
    ) {
        let handler = self.handlers.get_mut(&sid).expect("it has just spoken");
        handler.stand = Stand::Promised(Peer {
            zxid,
            want_snapshot: handler.want_snapshot,
        });
        if matches!(self.phase, Phase::AwaitsPromises) {
            let theirs = current.map(|epoch| Summary { epoch, zxid });
            self.hear_promise(sid, theirs, core, out);
        } else {
            out.wake(Stage::Handler(sid));
        }
    }

    fn hear_promise(
        &mut self,
        sid: ServerId,
        theirs: Option<Summary>,
        core: &mut Core,
        out: &mut Out,
    ) {
        match self.promises.hear(sid, theirs, &core.config) {
            Promise::Counted => {}
            Promise::FollowerAhead => self.drop_learner(sid, "follower-ahead-of-leader", core, out),
            Promise::Quorum => {
                self.phase = Phase::StoresCurrent;
                out.disarm(Timer::PhaseLimit);
                core.store(CURRENT_EPOCH, self.epoch, out);
                for handler in self.handlers.values() {
                    if matches!(handler.stand, Stand::Promised(_)) {
                        out.wake(Stage::Handler(handler.sid));
                    }
                }
            }
        }
    }

    fn on_newleader_ack(
        &mut self,
        cx: Cx,
        sid: ServerId,
        zxid: Zxid,
        core: &mut Core,
        out: &mut Out,
    ) {
        let is_right = zxid == Zxid::label(self.epoch);
        if !is_right {
            core.ignore("newleader-ack-of-other-epoch", out);
            match core.config.rules.sync.first_ack {
                FirstAck::OfNewLeader => return,
                FirstAck::Any => {}
            }
        }
        let handler = self.handlers.get_mut(&sid).expect("it has just spoken");
        handler.stand = Stand::AckedNewLeader;
        handler.lock = SnapshotLock::Free;
        handler.deadline = self.ticks + u64::from(core.config.sync_limit);
        if self.is_serving() {
            self.tell_up_to_date(sid, core, out);
        } else if is_right {
            self.count_newleader_ack(cx, sid, core, out);
        }
    }

    fn count_newleader_ack(&mut self, cx: Cx, sid: ServerId, core: &mut Core, out: &mut Out) {
        if core.config.counts(sid) {
            self.newleader_acks.insert(sid);
        }
        let acks = self.newleader_acks;
        let has_quorum = acks.contains(core.me)
            && match core.config.rules.sync.established {
                Established::ByQuorum => core.config.is_quorum(acks),
                Established::ByAnybody => acks.len() > 1,
            };
        if matches!(self.phase, Phase::AwaitsNewLeaderAcks) && has_quorum {
            self.begin_reign(cx, core, out);
        }
    }

    fn tell_up_to_date(&mut self, sid: ServerId, core: &Core, out: &mut Out) {
        let handler = self
            .handlers
            .get_mut(&sid)
            .expect("only connected learners are told");
        handler.stand = Stand::Synced;
        handler.send(Packet::UpToDate, out);
        out.arm(Timer::LearnerSilent(sid), core.config.sync_span());
    }

    // ----- the disk answers

    /// An epoch file is durable.
    pub fn on_stored(&mut self, cx: Cx, core: &mut Core, out: &mut Out) -> Step {
        if core.config.election == ElectionKind::FirstComeVotes {
            self.on_stored_without_discovery(cx, core, out);
            return Ok(());
        }
        match self.phase {
            Phase::StoresAccepted => {
                out.note(Fact::EpochProposed {
                    server: core.me,
                    epoch: self.epoch,
                });
                self.phase = Phase::AwaitsPromises;
                out.arm(Timer::PhaseLimit, core.config.init_span());
                let waiting: Vec<ServerId> = self.standing(Stand::AwaitsEpoch);
                for sid in waiting {
                    self.tell_epoch(sid, out);
                }
                let mine = Summary {
                    epoch: core.current,
                    zxid: core.memory.processed(),
                };
                self.hear_promise(core.me, Some(mine), core, out);
            }
            Phase::StoresCurrent => {
                self.phase = Phase::AwaitsNewLeaderAcks;
                out.arm(Timer::PhaseLimit, core.config.init_span());
                self.count_newleader_ack(cx, core.me, core, out);
            }
            Phase::AwaitsEpochQuorum(_)
            | Phase::AwaitsPromises
            | Phase::AwaitsNewLeaderAcks
            | Phase::Reigning(_) => {
                core.ignore("stored-for-past-phase", out);
            }
        }
        Ok(())
    }

    fn standing(&self, stand: Stand) -> Vec<ServerId> {
        self.handlers
            .values()
            .filter(|handler| handler.stand == stand)
            .map(|handler| handler.sid)
            .collect()
    }

    /// Records were forced: the leader's own acks.
    pub fn on_forced(&mut self, forced: &[Zxid], core: &mut Core, out: &mut Out) {
        for zxid in forced {
            out.note(Fact::AckSent {
                server: core.me,
                zxid: *zxid,
            });
            self.on_ack(core.me, *zxid, core, out);
        }
        core.log.force(out);
    }

    // ----- timers and stages

    /// A timer ran out.
    pub fn on_timer(&mut self, cx: Cx, timer: Timer, core: &mut Core, out: &mut Out) -> Step {
        match timer {
            Timer::HalfTick => self.on_half_tick(cx, core, out),
            Timer::Expiry => {
                self.on_expiry(cx, core, out);
                Ok(())
            }
            Timer::PhaseLimit => Err(Quit("no quorum within initLimit")),
            Timer::LearnerSilent(sid) => {
                self.on_learner_silent(cx, sid, core, out);
                Ok(())
            }
            Timer::Resend
            | Timer::Finalize
            | Timer::Pause
            | Timer::DialLeader
            | Timer::LeaderSilent
            | Timer::Client(_) => {
                core.ignore("timer-of-other-role", out);
                Ok(())
            }
        }
    }

    /// The read timeout of a learner's socket, measured from what was last heard.
    fn on_learner_silent(&mut self, cx: Cx, sid: ServerId, core: &Core, out: &mut Out) {
        let Some(handler) = self.handlers.get(&sid) else {
            return;
        };
        let allowed = handler.silence_allowed(core.config.init_span(), core.config.sync_span());
        let silent = cx.now.since(handler.heard);
        if handler.is_stuck() {
            out.arm(Timer::LearnerSilent(sid), allowed);
        } else if silent >= allowed {
            self.drop_learner(sid, "learner-silent", core, out);
        } else {
            out.arm(Timer::LearnerSilent(sid), allowed - silent);
        }
    }

    /// A stage may run.
    pub fn on_run(&mut self, cx: Cx, stage: Stage, core: &mut Core, out: &mut Out) -> Step {
        match stage {
            Stage::Prep => self.on_prep(cx, core, out),
            Stage::Commit => {
                self.on_apply(cx, core, out);
                Ok(())
            }
            Stage::Handler(sid) => {
                self.on_handler(sid, core, out);
                Ok(())
            }
            Stage::Election | Stage::Sync => {
                core.ignore("stage-of-past-phase", out);
                Ok(())
            }
        }
    }

    /// One learner's handler runs: first the sync decision with the start of forwarding in one step, then NEWLEADER.
    fn on_handler(&mut self, sid: ServerId, core: &Core, out: &mut Out) {
        let Some(handler) = self.handlers.get_mut(&sid) else {
            return;
        };
        match handler.stand {
            Stand::Promised(peer) => {
                let factor = core.config.snapshot_size_factor;
                let wish = match core.config.rules.odd.sync {
                    SyncTaste::Fitting => peer,
                    SyncTaste::AlwaysSnap => peer.with_snapshot(),
                };
                let rules = &core.config.rules.sync;
                let plan = match &core.config.rules.asked.syncs {
                    Some(policy) => asked(wish, &core.memory, &**policy),
                    None => decide(wish, &core.memory, &core.log, factor, rules),
                };
                let (kind, peer, seen) = (plan.kind, peer.zxid, plan.seen);
                handler.hold();
                for packet in plan.packets {
                    handler.send(packet, out);
                }
                match rules.forwarding {
                    Forwarding::WithDecision => {
                        queue_committed(&self.broadcast, handler, seen, out);
                        queue_proposed(&self.broadcast, handler, seen, out);
                        handler.is_forwarding = true;
                    }
                    Forwarding::WithoutBacklog => handler.is_forwarding = true,
                    Forwarding::WithNewLeader => {}
                }
                handler.stand = Stand::SyncQueued(Queued { kind, peer, seen });
                out.wake(Stage::Handler(sid));
            }
            Stand::SyncQueued(queued) => self.send_sync(sid, queued, core, out),
            Stand::Connected
            | Stand::AwaitsEpoch
            | Stand::ToldEpoch
            | Stand::ToldNewLeader
            | Stand::AckedNewLeader
            | Stand::Synced => core.ignore("handler-has-nothing-to-do", out),
        }
    }

    /// A SNAP is written to the socket directly, before the queue is drained (zab.md §4.4).
    fn send_sync(&mut self, sid: ServerId, queued: Queued, core: &Core, out: &mut Out) {
        let handler = self
            .handlers
            .get_mut(&sid)
            .expect("the caller looked it up");
        let Queued { kind, peer, seen } = queued;
        out.note(Fact::SyncSent {
            server: core.me,
            learner: sid,
            kind,
            peer,
            upto: seen,
        });
        if kind == SyncKind::Snap {
            let content = core.config.rules.sync.snap;
            let snap = snapshot_packet(&core.memory, content, self.broadcast.last_proposed());
            out.send(handler.conn, Msg::Quorum(snap));
            handler.lock = core.config.rules.broadcast.snapshot_lock;
        }
        if !handler.is_forwarding {
            queue_proposed(&self.broadcast, handler, seen, out);
            handler.is_forwarding = true;
        }
        handler.send(Packet::NewLeader { epoch: self.epoch }, out);
        handler.drain(out);
        handler.stand = Stand::ToldNewLeader;
    }
}

/// What is committed, not applied here and not seen by the learner goes before live traffic (`Leader.startForwarding`).
fn queue_committed(broadcast: &Broadcast, handler: &mut Handler, seen: Zxid, out: &mut Out) {
    for txn in broadcast.committed_after(seen) {
        handler.send(
            Packet::Proposal {
                txn: Arc::clone(txn),
            },
            out,
        );
        handler.send(Packet::Commit { zxid: txn.zxid }, out);
    }
}

/// So does what is proposed and not committed, where the learner votes.
fn queue_proposed(broadcast: &Broadcast, handler: &mut Handler, seen: Zxid, out: &mut Out) {
    if handler.is_voter {
        for txn in broadcast.proposed_after(seen) {
            handler.send(
                Packet::Proposal {
                    txn: Arc::clone(txn),
                },
                out,
            );
        }
    }
}

/// K8: at most once per initLimit a leader gives way to a learner that promised a later epoch. Observers count here as
/// they do in the choice of the epoch: otherwise they would be locked out until the leader changes.
fn may_raise(cx: Cx, core: &Core) -> bool {
    match core.config.rules.election.later_promise {
        LaterPromise::GivesWay => core
            .raised_at
            .is_none_or(|at| cx.now.since(at) >= core.config.init_span()),
        LaterPromise::Ignored => false,
    }
}

#[cfg(test)]
mod tests;
