//! A follower or observer on its way into an epoch: dialling, discovery, synchronisation (`Learner`, `Follower`,
//! `Observer`; zab.md §3.4-3.5, §4.5). Once up to date it becomes a [`Follower`].
//!
//! ```text
//!   Dialing ─▶ AwaitsEpoch ─▶ StoresAccepted ─▶ AwaitsSync ─▶ Syncing ─▶ Writing ─▶ AwaitsUpToDate ─▶ Serving
//! ```
//! What it writes at NEWLEADER, and in which order, is [`NewLeaderOrder`](super::rules::sync::NewLeaderOrder).

use std::cmp::Ordering;
use std::collections::VecDeque;

use super::config::ElectionKind;
use super::core::{Core, Out, Quit, Step};
use super::follower::Follower;
use super::front::Front;
use super::pending::Pending;
use super::rules::election::{PromiseRule, VoteRefresh};
use super::rules::sync::{LateCommits, NewLeaderStep, SyncAcks, SyncInforms};
use super::staging::Staging;
use crate::base::id::{NodeId, ServerId};
use crate::base::time::{LocalTime, Span};
use crate::base::zxid::{Epoch, Zxid};
use crate::history::fact::Fact;
use crate::history::wire::ToServer;
use crate::sim::process::{Conn, Cx, LinkClass};
use crate::words::message::{Msg, Packet, Traffic};
use crate::words::timer::{Stage, Timer};
use crate::words::{ACCEPTED_EPOCH, CURRENT_EPOCH};

/// How often a learner dials before it gives up (`Learner.connectToLeader`).
const DIAL_ATTEMPTS: u32 = 5;

/// The wait between attempts (`leaderConnectDelayDuringRetryMs`).
const DIAL_DELAY: Span = Span::from_ms(100);

/// What a learner holds between its NEWLEADER ack and UPTODATE.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// Received and not committed.
    pub pending: Pending,
    /// How many of them, from the oldest on, are on disk since NEWLEADER.
    pub durable: usize,
    /// How many of them a commit does not find before UPTODATE; none with the default rules.
    pub forgotten: usize,
    /// Committed since.
    pub commits: Vec<Zxid>,
}

/// Where the learner stands.
#[derive(Clone, Debug)]
enum Phase {
    /// An attempt is under way, or the wait before the next.
    Dialing,
    /// FOLLOWERINFO is on its way.
    AwaitsEpoch,
    /// D2: acceptedEpoch = e is being written.
    StoresAccepted,
    /// ACKEPOCH is on its way.
    AwaitsSync,
    /// Between the first sync packet and NEWLEADER.
    Syncing(Staging),
    /// NEWLEADER has come: the last of so many steps waits for the disk.
    Writing(Staging, usize),
    /// NEWLEADER is acknowledged.
    AwaitsUpToDate(Waiting),
    /// Broadcast.
    Serving(Box<Follower>),
}

/// A learner of one leader.
#[derive(Clone, Debug)]
pub struct Learner {
    leader: ServerId,
    conn: Option<Conn>,
    phase: Phase,
    epoch: Epoch,
    attempts: u32,
    give_up_dialing: LocalTime,
    /// When the leader was last heard.
    heard: LocalTime,
    /// Packets that arrived while the learner waits for its disk and does not read its socket.
    inbox: VecDeque<Packet>,
}

impl Learner {
    /// A server that was told to follow `leader`.
    pub fn new(leader: ServerId, cx: Cx, core: &Core) -> Self {
        Self {
            leader,
            conn: None,
            phase: Phase::Dialing,
            epoch: Epoch(0),
            attempts: 0,
            give_up_dialing: cx.now + core.config.init_span(),
            heard: cx.now,
            inbox: VecDeque::new(),
        }
    }

    /// Dials the leader.
    pub fn start(&mut self, cx: Cx, out: &mut Out) {
        self.dial(cx, out);
    }

    /// Whether it serves clients.
    pub fn is_serving(&self) -> bool {
        matches!(self.phase, Phase::Serving(_))
    }

    /// What it has received of a sync that is lost before its NEWLEADER.
    pub fn take_lost_sync(&mut self) -> Option<Staging> {
        match std::mem::replace(&mut self.phase, Phase::AwaitsSync) {
            Phase::Syncing(staging) => Some(staging),
            phase @ (Phase::Dialing
            | Phase::AwaitsEpoch
            | Phase::StoresAccepted
            | Phase::AwaitsSync
            | Phase::Writing(..)
            | Phase::AwaitsUpToDate(_)
            | Phase::Serving(_)) => {
                self.phase = phase;
                None
            }
        }
    }

    /// Whether the leader has told it an epoch: what fails after that is a failed discovery (K8).
    pub fn was_told_epoch(&self) -> bool {
        self.epoch > Epoch(0)
    }

    /// The role is over: every connection is closed, every timer taken back.
    pub fn hang_up(&mut self, core: &Core, out: &mut Out) {
        if let Some(conn) = self.conn.take() {
            out.close(conn);
        }
        if let Phase::Serving(follower) = &mut self.phase {
            follower.front.hang_up(core, out);
        }
        out.disarm(Timer::DialLeader);
        out.disarm(Timer::LeaderSilent);
    }

    /// What it leaves behind of its clients.
    pub fn into_front(self) -> Option<Front> {
        if let Phase::Serving(follower) = self.phase {
            Some(follower.front)
        } else {
            None
        }
    }

    // ----- connecting

    fn dial(&mut self, cx: Cx, out: &mut Out) {
        self.attempts += 1;
        let budget = self.give_up_dialing.since(cx.now);
        self.conn = Some(out.open(NodeId::from(self.leader), LinkClass::Quorum, budget));
    }

    /// An attempt succeeded.
    pub fn on_opened(&mut self, cx: Cx, conn: Conn, core: &Core, out: &mut Out) -> Step {
        if self.conn != Some(conn) {
            return Ok(());
        }
        assert!(
            matches!(self.phase, Phase::Dialing),
            "the leader is dialled once"
        );
        self.phase = Phase::AwaitsEpoch;
        self.heard = cx.now;
        out.arm(Timer::LeaderSilent, core.config.init_span());
        let info = Packet::FollowerInfo {
            accepted: core.accepted,
            voter: core.is_voter(),
            want_snapshot: core.want_snapshot,
        };
        self.send(info, out);
        Ok(())
    }

    /// An attempt failed.
    pub fn on_refused(&mut self, cx: Cx, conn: Conn, out: &mut Out) -> Step {
        if self.conn != Some(conn) {
            return Ok(());
        }
        self.conn = None;
        if self.attempts >= DIAL_ATTEMPTS || cx.now + DIAL_DELAY >= self.give_up_dialing {
            return Err(Quit("the leader cannot be reached"));
        }
        out.arm(Timer::DialLeader, DIAL_DELAY);
        Ok(())
    }

    fn send(&self, packet: Packet, out: &mut Out) {
        let conn = self.conn.expect("a learner that speaks is connected");
        out.send(conn, Msg::Quorum(packet));
    }

    /// A connection ended.
    pub fn on_ended(&mut self, conn: Conn, core: &Core) -> Step {
        if self.conn == Some(conn) {
            self.conn = None;
            return Err(Quit("the leader's connection ended"));
        }
        if let Phase::Serving(follower) = &mut self.phase {
            follower.front.on_ended(conn, core);
        }
        Ok(())
    }

    // ----- packets

    /// The leader says something.
    pub fn on_packet(
        &mut self,
        cx: Cx,
        conn: Conn,
        packet: Packet,
        core: &mut Core,
        out: &mut Out,
    ) -> Step {
        if self.conn != Some(conn) {
            core.ignore("packet-on-old-connection", out);
            return Ok(());
        }
        self.heard = cx.now;
        if self.waits_for_disk() {
            self.inbox.push_back(packet);
            return Ok(());
        }
        self.take(cx, packet, core, out)
    }

    fn waits_for_disk(&self) -> bool {
        match self.phase {
            Phase::StoresAccepted | Phase::Writing(..) => true,
            Phase::Dialing
            | Phase::AwaitsEpoch
            | Phase::AwaitsSync
            | Phase::Syncing(_)
            | Phase::AwaitsUpToDate(_)
            | Phase::Serving(_) => false,
        }
    }

    /// The disk has answered: reads on where the socket was left.
    fn read_on(&mut self, cx: Cx, core: &mut Core, out: &mut Out) -> Step {
        self.heard = cx.now;
        while !self.waits_for_disk() {
            let Some(packet) = self.inbox.pop_front() else {
                break;
            };
            self.take(cx, packet, core, out)?;
        }
        Ok(())
    }

    fn take(&mut self, cx: Cx, packet: Packet, core: &mut Core, out: &mut Out) -> Step {
        match (&mut self.phase, packet) {
            (Phase::AwaitsEpoch, Packet::LeaderInfo { epoch }) => {
                self.on_leader_info(epoch, core, out)
            }
            (Phase::AwaitsSync, packet) => {
                self.phase = Phase::Syncing(Staging::begin(packet, core, out)?);
                Ok(())
            }
            (Phase::Syncing(_), Packet::NewLeader { epoch }) => {
                self.on_new_leader(cx, epoch, core, out)
            }
            (Phase::Syncing(staging), packet) => staging.on_packet(packet, core, out),
            (Phase::AwaitsUpToDate(_), Packet::UpToDate) => self.on_up_to_date(cx, core, out),
            (Phase::AwaitsUpToDate(waiting), packet) => waiting.on_packet(packet, core, out),
            (Phase::Serving(follower), packet) => follower.on_packet(cx, packet, core, out),
            (
                Phase::Dialing | Phase::AwaitsEpoch | Phase::StoresAccepted | Phase::Writing(..),
                _,
            ) => Err(Quit("a packet out of phase")),
        }
    }

    fn on_leader_info(&mut self, epoch: Epoch, core: &mut Core, out: &mut Out) -> Step {
        self.epoch = epoch;
        let rule = match core.config.election {
            ElectionKind::FastLeaderElection => core.config.rules.election.promise,
            ElectionKind::FirstComeVotes => PromiseRule::Any,
        };
        match (epoch.cmp(&core.accepted), rule) {
            (Ordering::Less, PromiseRule::OnceAndRising | PromiseRule::Again) => {
                return Err(Quit("the leader's epoch is older than one promised"));
            }
            (Ordering::Equal, PromiseRule::OnceAndRising) => self.ack_epoch(None, core, out),
            (Ordering::Equal, PromiseRule::Again | PromiseRule::Any) => {
                self.ack_epoch(Some(core.current), core, out);
            }
            (Ordering::Greater, _) | (Ordering::Less, PromiseRule::Any) => {
                self.phase = Phase::StoresAccepted;
                core.store(ACCEPTED_EPOCH, epoch, out);
            }
        }
        Ok(())
    }

    /// ACKEPOCH; `None` (-1) when the promise was made before: the leader must not count it again.
    fn ack_epoch(&mut self, current: Option<Epoch>, core: &Core, out: &mut Out) {
        if core.config.election == ElectionKind::FirstComeVotes {
            self.phase = Phase::AwaitsSync;
            return;
        }
        out.note(Fact::AckEpochSent {
            server: core.me,
            epoch: self.epoch,
            counted: current.is_some(),
        });
        self.phase = Phase::AwaitsSync;
        self.send(
            Packet::AckEpoch {
                zxid: core.memory.processed(),
                current,
            },
            out,
        );
    }

    fn on_new_leader(&mut self, cx: Cx, epoch: Epoch, core: &mut Core, out: &mut Out) -> Step {
        if epoch != self.epoch {
            return Err(Quit("NEWLEADER of another epoch"));
        }
        let Phase::Syncing(staging) = std::mem::replace(&mut self.phase, Phase::AwaitsSync) else {
            unreachable!("NEWLEADER ends a sync")
        };
        self.phase = Phase::Writing(staging, 0);
        self.write_on(cx, core, out)
    }

    /// Takes the steps that follow NEWLEADER, up to the next that waits for the disk.
    fn write_on(&mut self, cx: Cx, core: &mut Core, out: &mut Out) -> Step {
        while let Phase::Writing(staging, taken) = &mut self.phase {
            let steps = core.config.rules.new_leader_steps(staging.kind());
            let Some(step) = steps.get(*taken) else {
                break;
            };
            *taken += 1;
            let epoch = self.epoch;
            match step {
                NewLeaderStep::AppendAll => staging.append_all(core, out),
                NewLeaderStep::AppendCommitted => staging.append_committed(core, out),
                NewLeaderStep::LooseSnapshot => staging.begin_snapshot(core, out),
                NewLeaderStep::Ack => self.ack_new_leader(core, out),
                NewLeaderStep::Force => {
                    core.log.force_always(out);
                    return Ok(());
                }
                NewLeaderStep::StoreEpoch => {
                    core.store(CURRENT_EPOCH, epoch, out);
                    return Ok(());
                }
                NewLeaderStep::Switch => return staging.switch(epoch, core, out),
                NewLeaderStep::Snapshot => return staging.write_snapshot(core, out),
            }
        }
        self.await_up_to_date(cx, core, out)
    }

    fn ack_new_leader(&self, core: &Core, out: &mut Out) {
        out.note(Fact::NewLeaderAckSent {
            server: core.me,
            epoch: self.epoch,
            voter: core.is_voter(),
        });
        self.send(
            Packet::Ack {
                zxid: Zxid::label(self.epoch),
            },
            out,
        );
    }

    /// Every step is taken: reads on, to UPTODATE.
    fn await_up_to_date(&mut self, cx: Cx, core: &mut Core, out: &mut Out) -> Step {
        let Phase::Writing(staging, _) = std::mem::replace(&mut self.phase, Phase::AwaitsSync)
        else {
            unreachable!("NEWLEADER is acknowledged after its writes")
        };
        self.phase = Phase::AwaitsUpToDate(staging.finish(core));
        out.arm(Timer::LeaderSilent, core.config.sync_span());
        if !core.log.is_forced() {
            out.wake(Stage::Sync);
        }
        self.read_on(cx, core, out)
    }

    /// UPTODATE: the second ACK of NEWLEADER, then the pipeline starts.
    fn on_up_to_date(&mut self, cx: Cx, core: &mut Core, out: &mut Out) -> Step {
        let Phase::AwaitsUpToDate(mut waiting) =
            std::mem::replace(&mut self.phase, Phase::AwaitsSync)
        else {
            unreachable!("UPTODATE follows NEWLEADER")
        };
        match core.config.rules.sync.late_commits {
            LateCommits::Done => {}
            LateCommits::Dropped => waiting.commits.clear(),
            LateCommits::Everything => {
                waiting.commits = waiting.pending.iter().map(|txn| txn.zxid).collect();
            }
        }
        self.send(
            Packet::Ack {
                zxid: Zxid::label(self.epoch),
            },
            out,
        );
        match core.config.rules.election.refresh {
            VoteRefresh::UpToDate => core.vote.0.epoch = self.epoch,
            VoteRefresh::Never => {}
        }
        core.failures = 0;
        let conn = self.conn.expect("UPTODATE came on it");
        let mut follower = Box::new(Follower::begin(conn, self.epoch, cx.now, core, out));
        let step = follower.take_over(waiting, core, out);
        self.phase = Phase::Serving(follower);
        step
    }

    // ----- the disk answers

    /// An epoch file is durable.
    pub fn on_stored(&mut self, cx: Cx, core: &mut Core, out: &mut Out) -> Step {
        match self.phase {
            Phase::StoresAccepted => {
                self.ack_epoch(Some(core.current), core, out);
                self.read_on(cx, core, out)
            }
            Phase::Writing(..) => self.write_on(cx, core, out),
            Phase::Dialing
            | Phase::AwaitsEpoch
            | Phase::AwaitsSync
            | Phase::Syncing(_)
            | Phase::AwaitsUpToDate(_)
            | Phase::Serving(_) => Ok(()),
        }
    }

    /// The switch has happened.
    pub fn on_installed(&mut self, cx: Cx, core: &mut Core, out: &mut Out) -> Step {
        self.write_on(cx, core, out)
    }

    /// Records were forced.
    pub fn on_forced(&mut self, cx: Cx, forced: &[Zxid], core: &mut Core, out: &mut Out) -> Step {
        if let Phase::Serving(follower) = &mut self.phase {
            follower.on_forced(forced, core, out);
            return Ok(());
        }
        match core.config.rules.sync.acks {
            SyncAcks::AfterUpToDate => {}
            SyncAcks::WhenForced => self.ack_each(forced, core, out),
        }
        core.log.force(out);
        if matches!(self.phase, Phase::Writing(..)) && core.log.is_forced() {
            return self.write_on(cx, core, out);
        }
        Ok(())
    }

    fn ack_each(&self, forced: &[Zxid], core: &Core, out: &mut Out) {
        if !matches!(self.phase, Phase::Writing(..) | Phase::AwaitsUpToDate(_)) || !core.is_voter()
        {
            return;
        }
        for zxid in forced {
            out.note(Fact::AckSent {
                server: core.me,
                zxid: *zxid,
            });
            self.send(Packet::Ack { zxid: *zxid }, out);
        }
    }

    // ----- timers, stages, clients

    /// A timer ran out.
    pub fn on_timer(&mut self, cx: Cx, timer: Timer, core: &mut Core, out: &mut Out) -> Step {
        match timer {
            Timer::DialLeader => {
                self.dial(cx, out);
                Ok(())
            }
            Timer::LeaderSilent => self.on_leader_silent(cx, core, out),
            Timer::Resend
            | Timer::Finalize
            | Timer::Pause
            | Timer::PhaseLimit
            | Timer::Expiry
            | Timer::HalfTick
            | Timer::LearnerSilent(_)
            | Timer::Client(_) => {
                core.ignore("timer-of-other-role", out);
                Ok(())
            }
        }
    }

    /// The read timeout: initLimit until NEWLEADER, then syncLimit. While the disk is awaited nobody reads.
    fn on_leader_silent(&mut self, cx: Cx, core: &Core, out: &mut Out) -> Step {
        let allowed = match self.phase {
            Phase::AwaitsUpToDate(_) | Phase::Serving(_) => core.config.sync_span(),
            Phase::Dialing
            | Phase::AwaitsEpoch
            | Phase::StoresAccepted
            | Phase::AwaitsSync
            | Phase::Syncing(_)
            | Phase::Writing(..) => core.config.init_span(),
        };
        let silent = if self.waits_for_disk() {
            Span::ZERO
        } else {
            cx.now.since(self.heard)
        };
        if silent >= allowed {
            return Err(Quit("the leader is silent"));
        }
        let check_again = (allowed - silent).min(core.config.sync_span());
        out.arm(Timer::LeaderSilent, check_again);
        Ok(())
    }

    /// A stage may run.
    pub fn on_run(&mut self, cx: Cx, stage: Stage, core: &mut Core, out: &mut Out) -> Step {
        match (&mut self.phase, stage) {
            (Phase::Serving(follower), Stage::Commit) => follower.on_apply(cx, core, out),
            (
                _,
                Stage::Commit | Stage::Election | Stage::Prep | Stage::Sync | Stage::Handler(_),
            ) => {
                core.ignore("stage-of-past-phase", out);
            }
        }
        Ok(())
    }

    /// A client says something.
    pub fn on_client(&mut self, conn: Conn, msg: ToServer, core: &mut Core, out: &mut Out) {
        if let Phase::Serving(follower) = &mut self.phase {
            follower.on_client(conn, msg, core, out);
        }
    }

    /// Its clients, if it serves any.
    pub fn front(&self) -> Option<&Front> {
        if let Phase::Serving(follower) = &self.phase {
            Some(&follower.front)
        } else {
            None
        }
    }

    /// Whether it serves and has applied every proposal it received.
    pub fn is_quiet(&self) -> bool {
        matches!(&self.phase, Phase::Serving(follower) if follower.is_quiet())
    }

    /// A client connected.
    pub fn front_accept(&mut self, conn: Conn) {
        if let Phase::Serving(follower) = &mut self.phase {
            follower.front.on_accepted(conn);
        }
    }
}

impl Waiting {
    fn on_packet(&mut self, packet: Packet, core: &Core, out: &mut Out) -> Step {
        match packet.into_traffic() {
            Some(Traffic::Proposal(txn)) => self.pending.add(txn, core),
            Some(Traffic::Commit(zxid)) => self.on_commit(zxid, core, out),
            Some(Traffic::Inform(txn)) => match core.config.rules.sync.informs {
                SyncInforms::Taken => {
                    self.commits.push(txn.zxid);
                    self.pending.add(txn, core)
                }
                SyncInforms::Dropped => Ok(()),
            },
            None => {
                core.ignore("unexpected-packet", out);
                Ok(())
            }
        }
    }

    fn on_commit(&mut self, zxid: Zxid, core: &Core, out: &mut Out) -> Step {
        if self.forgotten > 0 && self.pending.len() == self.forgotten {
            out.note(Fact::CommitOutOfOrder {
                server: core.me,
                zxid,
                head: Zxid::ZERO,
            });
            return Err(Quit("a commit finds nothing pending"));
        }
        self.commits.push(zxid);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
