//! One server: what outlives its roles ([`Core`]), the phase it is in, and the one table that dispatches inputs
//! (`QuorumPeer`, zab.md §1.1).
//!
//! ```text
//!   Booting ─▶ Looking ─▶ Leading ────┐
//!                 │  └───▶ Learning ──┤ role ends: drain the log, make memory equal to it (K13)
//!                 ▲                   ▼
//!                 └─── Pausing ◀── Ending
//! ```

use std::sync::Arc;

use super::config::{Config, ElectionKind};
use super::core::{Core, Out, Quit, Step};
use super::election::{Decision, FINALIZE_WAIT};
use super::front::Front;
use super::front::lingering::Lingering;
use super::leader::Leader;
use super::learner::Learner;
use super::looking::Looking;
use super::recovery::{BootReport, recover};
use super::rules::broadcast::AckOrder;
use super::rules::election::{Backoff, FailedReign};
use crate::base::id::{NodeId, ServerId};
use crate::base::time::Span;
use crate::history::fact::{Fact, Role};
use crate::sim::process::{Conn, Cx, Effect, File, Input, Install, LinkClass, Recovered};
use crate::tree::image::Image;
use crate::words::message::{Msg, Notification, ServerState};
use crate::words::timer::{Stage, Timer};
use crate::words::{Command, Words};

const DRAW_OBSERVER_DELAY: u64 = 2;

/// The longest an observer waits before it looks for a leader again (`observer.election.DelayMs`).
const OBSERVER_DELAY: Span = Span::from_ms(200);

/// Where a server is in its life.
#[derive(Clone, Debug)]
enum Phase {
    /// Makes what it read durable (K4).
    Booting(BootReport),
    /// Looks for a leader.
    Looking(Looking),
    /// Follows, or is on the way there.
    Learning(Box<Learner>),
    /// Leads, or is on the way there.
    Leading(Box<Leader>),
    /// A role is over; the log is being drained. The server still reports the role's state.
    Ending(ServerState),
    /// Waits before it looks again; it is LOOKING already, and votes that come in are kept for the election.
    Pausing(Vec<(ServerId, Notification)>),
}

/// A ZooKeeper server.
#[derive(Clone, Debug)]
pub struct Server {
    core: Core,
    phase: Phase,
    lingering: Lingering,
}

impl Server {
    /// A new life of server `me` from what its disk holds (zab.md §7.3, corrected by K3 and K4).
    pub fn restart(config: Arc<Config>, disk: Recovered<Words>, me: ServerId) -> Self {
        let (core, report) = recover(config, disk, me);
        Self {
            core,
            phase: Phase::Booting(report),
            lingering: Lingering::default(),
        }
    }

    /// Takes one input.
    pub fn step(&mut self, cx: Cx, input: Input<Words>, out: &mut Out) {
        if self.lingering.takes(&input, &self.core, out) {
            return;
        }
        match input {
            Input::Boot => self.on_boot(cx, out),
            Input::Opened { conn } => self.on_opened(cx, conn, out),
            Input::Refused { conn, .. } => self.on_refused(cx, conn, out),
            Input::Accepted { conn, from, class } => self.on_accepted(cx, conn, from, class, out),
            Input::Deliver { conn, msg } => self.on_message(cx, conn, msg, out),
            Input::Ended { conn, .. } => self.on_ended(cx, conn, out),
            Input::Fire { timer } => self.on_timer(cx, timer, out),
            Input::Run { stage } => self.on_run(cx, stage, out),
            Input::Synced { upto } => self.on_synced(cx, upto, out),
            Input::Stored { file, value } => self.on_stored(cx, file, value, out),
            Input::Snapshotted => self.on_snapshotted(),
            Input::Installed => self.on_installed(cx, out),
            Input::WriteFailed { .. } => self.on_write_failed(cx, out),
            Input::Command(command) => self.on_command(cx, &command, out),
        }
        if self.serving_role().is_some() {
            self.lingering.close(out);
        }
    }

    /// The state that this server's notifications show.
    pub fn state(&self) -> ServerState {
        match &self.phase {
            Phase::Booting(_) | Phase::Looking(_) | Phase::Pausing(_) => ServerState::Looking,
            Phase::Learning(_) => self.learner_state(),
            Phase::Leading(_) => ServerState::Leading,
            Phase::Ending(state) => *state,
        }
    }

    fn learner_state(&self) -> ServerState {
        if self.core.is_voter() {
            ServerState::Following
        } else {
            ServerState::Observing
        }
    }

    /// The role in which it serves clients right now, if it does.
    pub fn serving_role(&self) -> Option<Role> {
        match &self.phase {
            Phase::Learning(learner) if learner.is_serving() => Some(if self.core.is_voter() {
                Role::Follower
            } else {
                Role::Observer
            }),
            Phase::Leading(leader) if leader.is_serving() => Some(Role::Leader),
            Phase::Booting(_)
            | Phase::Looking(_)
            | Phase::Learning(_)
            | Phase::Leading(_)
            | Phase::Ending(_)
            | Phase::Pausing(_) => None,
        }
    }

    /// Whether it looks for a leader, or is about to.
    pub fn is_looking(&self) -> bool {
        matches!(self.phase, Phase::Looking(_) | Phase::Pausing(_))
    }

    /// Whether it was elected and does not serve yet: the paper's prospective leader.
    pub fn is_prospective_leader(&self) -> bool {
        matches!(&self.phase, Phase::Leading(leader) if !leader.is_serving())
    }

    /// Its clients, if it serves any.
    pub fn front(&self) -> Option<&Front> {
        match &self.phase {
            Phase::Learning(learner) => learner.front(),
            Phase::Leading(leader) => leader.front(),
            Phase::Booting(_) | Phase::Looking(_) | Phase::Ending(_) | Phase::Pausing(_) => None,
        }
    }

    /// Whether it serves and has nothing left to propose, commit or apply of what has reached it.
    pub fn is_quiet(&self) -> bool {
        match &self.phase {
            Phase::Learning(learner) => learner.is_quiet(),
            Phase::Leading(leader) => leader.is_quiet(),
            Phase::Booting(_) | Phase::Looking(_) | Phase::Ending(_) | Phase::Pausing(_) => false,
        }
    }

    /// What outlives roles, for readers of a run.
    pub fn core(&self) -> &Core {
        &self.core
    }

    // ----- commands

    fn on_command(&mut self, cx: Cx, command: &Command, out: &mut Out) {
        let core = &mut self.core;
        match (command, &mut self.phase) {
            (
                Command::Overwrite {
                    path,
                    counter,
                    value,
                },
                _,
            ) if core.memory.tree.get(path).is_some() => {
                core.memory.tree.overwrite_counter(path, *counter, *value);
            }
            (command, Phase::Leading(leader)) => leader.on_command(cx, command, core, out),
            (
                _,
                Phase::Booting(_)
                | Phase::Looking(_)
                | Phase::Learning(_)
                | Phase::Ending(_)
                | Phase::Pausing(_),
            ) => core.ignore("command-to-other-role", out),
        }
    }

    // ----- boot

    fn on_boot(&mut self, cx: Cx, out: &mut Out) {
        self.core.born = cx.now;
        if let Some(why) = self.reason_not_to_start() {
            let server = self.core.me;
            out.note(Fact::BootRefused {
                server,
                why: why.into(),
            });
            out.push(Effect::Halt { code: EXIT_DISK });
        } else if self.core.writes == 0 {
            self.become_looking(cx, out);
        } else {
            let (tree, log) = self.core.log.content();
            out.push(Effect::Install(Box::new(Install {
                image: Box::new(Image { tree }),
                log,
                files: Vec::new(),
            })));
        }
    }

    fn reason_not_to_start(&self) -> Option<&'static str> {
        if let Phase::Booting(report) = &self.phase {
            report.reason_not_to_start(&self.core)
        } else {
            None
        }
    }

    fn report_boot(&self, report: &BootReport, out: &mut Out) {
        let (server, accepted, current) = (self.core.me, self.core.accepted, self.core.current);
        out.note(Fact::Booted {
            server,
            lineage: report.found,
            accepted,
            current,
        });
        if report.found != report.kept {
            out.note(Fact::BootDropped {
                server,
                lineage: report.kept,
            });
        }
    }

    // ----- phases

    fn become_looking(&mut self, cx: Cx, out: &mut Out) {
        assert!(
            self.core.is_disk_quiet(),
            "server {} votes before its disk is quiet",
            self.core.me
        );
        if let Phase::Booting(report) = &self.phase {
            self.report_boot(report, out);
            out.push(Effect::Listen(LinkClass::Election));
        }
        let mut election = Looking::start(cx.now, &mut self.core, out);
        if let Phase::Pausing(heard) = &mut self.phase {
            for (from, n) in heard.drain(..) {
                election.enqueue(from, n, out);
            }
        }
        if self.core.is_voter() {
            let (server, round) = (self.core.me, election.round());
            let ((lineage, zxid), epoch) = (self.core.claimed(), self.core.current);
            out.note(Fact::Voted {
                server,
                round,
                lineage,
                zxid,
                epoch,
            });
        }
        self.phase = Phase::Looking(election);
    }

    fn on_decided(&mut self, cx: Cx, decision: Decision, out: &mut Out) {
        assert!(
            matches!(self.phase, Phase::Looking(_)),
            "only an election decides"
        );
        out.disarm(Timer::Resend);
        out.disarm(Timer::Finalize);
        self.core.vote = (decision.vote, decision.round);
        let leader = decision.vote.leader;
        out.note(Fact::Elected {
            server: self.core.me,
            leader,
            round: decision.round,
        });
        if leader == self.core.me {
            let mut leading = Box::new(Leader::new(&self.core));
            leading.start(&mut self.core, out);
            self.phase = Phase::Leading(leading);
        } else {
            let mut learner = Box::new(Learner::new(leader, cx, &self.core));
            learner.start(cx, out);
            self.phase = Phase::Learning(learner);
        }
    }

    /// Ends the role if a handler says so.
    fn settle(&mut self, cx: Cx, step: Step, out: &mut Out) {
        if let Err(Quit(why)) = step {
            self.end_role(cx, why, out);
        }
    }

    /// A role is over: hang up on everybody, drain the log; memory follows once the disk is quiet (K13).
    fn end_role(&mut self, cx: Cx, why: &'static str, out: &mut Out) {
        let state = self.state();
        self.keep_memory();
        if let Some(front) = match &self.phase {
            Phase::Learning(learner) => learner.front(),
            Phase::Leading(_)
            | Phase::Booting(_)
            | Phase::Looking(_)
            | Phase::Ending(_)
            | Phase::Pausing(_) => None,
        } {
            self.core.leave_behind(front);
        }
        let mut failures = 0;
        let role = match &mut self.phase {
            Phase::Leading(leader) => {
                self.core.failed_reign = leader.unconfirmed_epoch();
                leader.hang_up(&self.core, out);
                Role::Leader
            }
            Phase::Learning(learner) => {
                learner.hang_up(&self.core, out);
                let failed = learner.was_told_epoch() && !learner.is_serving();
                failures = if failed { self.core.failures + 1 } else { 0 };
                if self.core.is_voter() {
                    Role::Follower
                } else {
                    Role::Observer
                }
            }
            Phase::Booting(_) | Phase::Looking(_) | Phase::Ending(_) | Phase::Pausing(_) => {
                unreachable!("only a role can end")
            }
        };
        self.core.failures = failures;
        out.note(Fact::RoleEnd {
            server: self.core.me,
            role,
            why: why.into(),
        });
        self.core.begun = None;
        let front = match std::mem::replace(&mut self.phase, Phase::Ending(state)) {
            Phase::Leading(leader) => leader.into_front(),
            Phase::Learning(learner) => learner.into_front(),
            Phase::Booting(_) | Phase::Looking(_) | Phase::Ending(_) | Phase::Pausing(_) => None,
        };
        self.lingering = Lingering::of(front);
        self.core.log.force(out);
        self.leave_ending(cx, out);
    }

    fn leave_ending(&mut self, cx: Cx, out: &mut Out) {
        if !matches!(self.phase, Phase::Ending(_)) || !self.core.is_disk_quiet() {
            return;
        }
        self.core.applied = self.core.memory.tree.lineage();
        self.core.memory.reset(&self.core.log);
        match (
            self.core.config.rules.election.failed_reign,
            self.core.failed_reign.take(),
        ) {
            (FailedReign::LeavesItsZxid, Some(epoch)) => self.core.memory.set_label(epoch),
            (FailedReign::LeavesItsZxid, None) | (FailedReign::LeavesNothing, _) => {}
        }
        let pause = self.pause_before_looking(cx);
        if pause == Span::ZERO {
            self.become_looking(cx, out);
        } else {
            self.phase = Phase::Pausing(Vec::new());
            out.arm(Timer::Pause, pause);
        }
    }

    /// Observers spread out, and so do those that ask for votes: who asks at the same time gets nowhere. A server whose discovery failed backs off, doubling to 8 × 200 ms (K8).
    fn pause_before_looking(&mut self, cx: Cx) -> Span {
        self.core.draws += 1;
        let asks = self.core.config.election == ElectionKind::FirstComeVotes;
        let spread = if self.core.is_voter() && !asks {
            Span::ZERO
        } else {
            Span(
                cx.draw(DRAW_OBSERVER_DELAY, self.core.draws)
                    .below(OBSERVER_DELAY.0),
            )
        };
        let backoff = match (self.core.config.rules.election.backoff, self.core.failures) {
            (Backoff::None, _) | (Backoff::Doubling, 0) => Span::ZERO,
            (Backoff::Doubling, failures) => FINALIZE_WAIT * (1 << (failures - 1).min(3)),
        };
        spread + backoff
    }

    // ----- inputs

    fn on_message(&mut self, cx: Cx, conn: Conn, msg: Msg, out: &mut Out) {
        let step = match (msg, &mut self.phase) {
            (Msg::Vote(n), _) => {
                self.on_notification(conn, n, out);
                Ok(())
            }
            (Msg::Quorum(packet), Phase::Learning(learner)) => {
                learner.on_packet(cx, conn, packet, &mut self.core, out)
            }
            (Msg::Quorum(packet), Phase::Leading(leader)) => {
                leader.on_packet(cx, conn, packet, &mut self.core, out)
            }
            (Msg::ToServer(msg), Phase::Learning(learner)) => {
                learner.on_client(conn, msg, &mut self.core, out);
                Ok(())
            }
            (Msg::ToServer(msg), Phase::Leading(leader)) => {
                leader.on_client(cx, conn, msg, &mut self.core, out);
                Ok(())
            }
            (Msg::Quorum(_) | Msg::ToServer(_) | Msg::ToClient(_), _) => {
                self.core.ignore("message-without-role", out);
                out.close(conn);
                Ok(())
            }
        };
        self.settle(cx, step, out);
    }

    /// The receiver of the election port answers in every state (zab.md §2.4).
    fn on_notification(&mut self, conn: Conn, n: Notification, out: &mut Out) {
        let Some(from) = self.core.peers.owner_of(conn) else {
            self.core.ignore("vote-on-unknown-connection", out);
            return;
        };
        let (vote, decided_in) = self.core.vote;
        let mut answer = Notification {
            state: self.state(),
            leader: vote.leader,
            zxid: vote.zxid,
            round: decided_in,
            peer_epoch: vote.epoch,
        };
        if !self.core.config.voters.contains(from) {
            answer.round = self.core.round;
            self.core.peers.send(from, answer, out);
            return;
        }
        match (&mut self.phase, n.state) {
            (Phase::Looking(election), _) => {
                if let Some(mine) = election.answer(&n) {
                    self.core.peers.send(from, mine, out);
                }
                election.enqueue(from, n, out);
            }
            (Phase::Booting(_), _) => unreachable!("the election port opens after boot"),
            (Phase::Pausing(heard), _) => heard.push((from, n)),
            (Phase::Learning(_) | Phase::Leading(_) | Phase::Ending(_), ServerState::Looking) => {
                self.core.peers.send(from, answer, out);
            }
            (Phase::Learning(_) | Phase::Leading(_) | Phase::Ending(_), _) => {
                self.core.ignore("vote-between-decided", out);
            }
        }
    }

    fn on_opened(&mut self, cx: Cx, conn: Conn, out: &mut Out) {
        self.core.peers.on_opened(conn, out);
        if let Phase::Learning(learner) = &mut self.phase {
            let step = learner.on_opened(cx, conn, &self.core, out);
            self.settle(cx, step, out);
        }
    }

    fn on_refused(&mut self, cx: Cx, conn: Conn, out: &mut Out) {
        self.core.peers.on_ended(conn);
        if let Phase::Learning(learner) = &mut self.phase {
            let step = learner.on_refused(cx, conn, out);
            self.settle(cx, step, out);
        }
    }

    fn on_accepted(&mut self, cx: Cx, conn: Conn, from: NodeId, class: LinkClass, out: &mut Out) {
        let sid = ServerId(u8::try_from(from.0).unwrap_or(u8::MAX));
        match (class, &mut self.phase) {
            (LinkClass::Election, _) => self.core.peers.on_accepted(conn, sid, out),
            (LinkClass::Quorum, Phase::Leading(leader)) => {
                leader.on_learner(cx, conn, sid, &self.core, out);
            }
            (LinkClass::Client, Phase::Leading(leader)) => leader.front_accept(conn),
            (LinkClass::Client, Phase::Learning(learner)) => learner.front_accept(conn),
            (LinkClass::Quorum | LinkClass::Client, _) => {
                self.core.ignore("connection-without-role", out);
                out.close(conn);
            }
        }
    }

    fn on_ended(&mut self, cx: Cx, conn: Conn, out: &mut Out) {
        self.core.peers.on_ended(conn);
        let step = match &mut self.phase {
            Phase::Learning(learner) => learner.on_ended(conn, &self.core),
            Phase::Leading(leader) => {
                leader.on_ended(conn, &self.core, out);
                Ok(())
            }
            Phase::Booting(_) | Phase::Looking(_) | Phase::Ending(_) | Phase::Pausing(_) => Ok(()),
        };
        self.settle(cx, step, out);
    }

    fn on_timer(&mut self, cx: Cx, timer: Timer, out: &mut Out) {
        let step = match (timer, &mut self.phase) {
            (Timer::Resend, Phase::Looking(election)) => {
                election.on_resend(cx.now, &mut self.core, out);
                Ok(())
            }
            (Timer::Finalize, Phase::Looking(election)) => {
                if let Some(decision) = election.on_finalized() {
                    self.on_decided(cx, decision, out);
                }
                Ok(())
            }
            (Timer::Pause, Phase::Pausing(_)) => {
                self.become_looking(cx, out);
                Ok(())
            }
            (timer, Phase::Learning(learner)) => learner.on_timer(cx, timer, &mut self.core, out),
            (timer, Phase::Leading(leader)) => leader.on_timer(cx, timer, &mut self.core, out),
            (_, Phase::Booting(_) | Phase::Looking(_) | Phase::Ending(_) | Phase::Pausing(_)) => {
                self.core.ignore("timer-of-past-phase", out);
                Ok(())
            }
        };
        self.settle(cx, step, out);
    }

    fn on_run(&mut self, cx: Cx, stage: Stage, out: &mut Out) {
        if stage == Stage::Sync {
            self.core.log.append_received(out);
            self.core.log.force(out);
            return;
        }
        let step = match (stage, &mut self.phase) {
            (Stage::Election, Phase::Looking(election)) => {
                if let Some(decision) = election.on_run(cx.now, &mut self.core, out) {
                    self.on_decided(cx, decision, out);
                }
                return;
            }
            (stage, Phase::Learning(learner)) => learner.on_run(cx, stage, &mut self.core, out),
            (stage, Phase::Leading(leader)) => leader.on_run(cx, stage, &mut self.core, out),
            (_, Phase::Booting(_) | Phase::Looking(_) | Phase::Ending(_) | Phase::Pausing(_)) => {
                self.core.ignore("stage-of-past-phase", out);
                Ok(())
            }
        };
        self.settle(cx, step, out);
    }

    // ----- the disk answers

    fn on_synced(&mut self, cx: Cx, upto: u64, out: &mut Out) {
        let mut forced = self.core.log.on_synced(upto, out);
        match self.core.config.rules.broadcast.acks {
            AckOrder::OldestFirst => {}
            AckOrder::NewestFirst => forced.reverse(),
        }
        let step = match &mut self.phase {
            Phase::Learning(learner) => learner.on_forced(cx, &forced, &mut self.core, out),
            Phase::Leading(leader) => {
                leader.on_forced(&forced, &mut self.core, out);
                Ok(())
            }
            Phase::Ending(_) => {
                self.core.log.force(out);
                self.leave_ending(cx, out);
                Ok(())
            }
            Phase::Booting(_) | Phase::Looking(_) | Phase::Pausing(_) => Ok(()),
        };
        if self.core.log.has_received() {
            out.wake(Stage::Sync);
        }
        self.settle(cx, step, out);
    }

    fn on_stored(&mut self, cx: Cx, file: File, value: u64, out: &mut Out) {
        self.core.on_stored(file, value, out);
        self.after_store(cx, out);
    }

    fn after_store(&mut self, cx: Cx, out: &mut Out) {
        let step = match &mut self.phase {
            Phase::Learning(learner) => learner.on_stored(cx, &mut self.core, out),
            Phase::Leading(leader) => leader.on_stored(cx, &mut self.core, out),
            Phase::Ending(_) => {
                self.leave_ending(cx, out);
                Ok(())
            }
            Phase::Booting(_) | Phase::Looking(_) | Phase::Pausing(_) => Ok(()),
        };
        self.settle(cx, step, out);
    }

    fn on_installed(&mut self, cx: Cx, out: &mut Out) {
        self.core.on_installed(out);
        let step = match &mut self.phase {
            Phase::Booting(_) => {
                self.become_looking(cx, out);
                Ok(())
            }
            Phase::Learning(learner) => learner.on_installed(cx, &mut self.core, out),
            Phase::Ending(_) => {
                self.leave_ending(cx, out);
                Ok(())
            }
            Phase::Looking(_) | Phase::Leading(_) | Phase::Pausing(_) => Ok(()),
        };
        self.settle(cx, step, out);
    }

    fn on_snapshotted(&mut self) {
        if let Some(tree) = self.core.snapshot.take() {
            self.core.log.rebase(tree);
        }
    }
}

/// Exit code after a failed append or fsync (K9): what was not forced is gone at restart. Also of a start that finds
/// forced data that fails its checksum (zab.md §7.5).
const EXIT_DISK: u8 = 1;

mod mishap;
#[cfg(test)]
mod tests;
