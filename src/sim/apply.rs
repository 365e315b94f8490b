//! Carrying out effects: what a process asks of the network, its disk, its clock and its stages.

use super::agenda::Event;
use super::fault::SNAPSHOT_BEGUN;
use super::process::{Effect, Note, Process, Protocol};
use super::queue::Class;
use super::weather::{Path, index};
use super::world::World;
use crate::base::digest::Digest;
use crate::base::id::NodeId;
use crate::base::time::{LocalTime, Span, Time};

impl<P: Process> World<P> {
    /// Carries out one effect of a node that is no message; the exit code if it was its last. It is a function of its own, for
    /// within the step's loop the compiler prepares what rare effects need before every step.
    #[inline(never)]
    pub(super) fn apply(&mut self, node: NodeId, effect: Effect<P::Words>) -> Option<u8> {
        let agenda = &mut self.agenda;
        let slot = &mut self.slots[index(node)];
        match effect {
            Effect::Listen(class) => self.net.weather.listen(node, class, true),
            Effect::Unlisten(class) => self.net.weather.listen(node, class, false),
            Effect::Open {
                conn,
                to,
                class,
                timeout,
            } => {
                let deadline = slot.clock.read(agenda.now) + timeout;
                // Where the process's clocks stand still, its kernel's goes on.
                let give_up = match slot.clock.when(deadline) {
                    Time::NEVER => agenda.now + timeout,
                    // A coarse clock may show a moment that has passed.
                    time => time.max(agenda.now),
                };
                let from = node;
                self.net
                    .open(agenda, conn, Path { from, to, class }, give_up);
            }
            Effect::Send { .. } => unreachable!("messages are sent beside this table"),
            Effect::Close { conn } => {
                slot.forget(conn);
                self.net.close(agenda, node, conn);
            }
            Effect::Arm { timer, after } => self.arm(node, timer, after),
            Effect::Disarm { timer } => slot.disarm(timer),
            Effect::Wake { stage } => self.wake(node, stage),
            Effect::Append { record } => slot.disk.append(record),
            Effect::Sync => slot.disk.sync(agenda),
            Effect::Truncate { keep } => slot.disk.truncate(keep),
            Effect::Snapshot { image } => {
                slot.disk.snapshot(agenda, image);
                self.on_mark(SNAPSHOT_BEGUN, node);
            }
            Effect::Store { file, value } => slot.disk.store(agenda, file, value),
            Effect::Install(install) => slot.disk.install(agenda, *install),
            Effect::Note(said) => {
                for mark in [said.mark(), said.special_mark()].into_iter().flatten() {
                    self.on_mark(mark, node);
                }
            }
            Effect::Halt { code } => return Some(code),
        }
        None
    }

    /// Arms a timer on the node's own clock.
    fn arm(&mut self, node: NodeId, timer: <P::Words as Protocol>::Timer, after: Span) {
        let slot = &self.slots[index(node)];
        let deadline = slot.clock.read(self.agenda.now) + after;
        self.arm_at(node, timer, deadline);
    }

    /// Arms a timer for a reading of the node's own clock.
    pub(super) fn arm_at(
        &mut self,
        node: NodeId,
        timer: <P::Words as Protocol>::Timer,
        deadline: LocalTime,
    ) {
        let slot = &mut self.slots[index(node)];
        let generation = slot.arm(timer, deadline);
        let at = slot.clock.when(deadline).max(self.agenda.now);
        if at == Time::NEVER {
            return;
        }
        let about = (u64::from(node.0), Digest::of(&timer));
        let event = Event::Fire {
            node,
            timer,
            generation,
        };
        self.agenda.push(at, Class::Timer, about, event);
    }

    /// Lets a stage run after a drawn delay, unless it is going to anyway.
    fn wake(&mut self, node: NodeId, stage: <P::Words as Protocol>::Stage) {
        let bucket = self.agenda.bucket();
        let slot = &mut self.slots[index(node)];
        let Some(nth) = slot.wake(stage, bucket) else {
            return;
        };
        let about = (u64::from(node.0), Digest::of(&stage));
        let draw = self.shared.stage_key.draw(about.0, about.1, bucket, nth);
        self.net
            .weather
            .keep(3, about.0, about.1, (bucket, nth), draw);
        let after = self.shared.setup.stage.sample(draw);
        let life = slot.life;
        let event = Event::Run { node, life, stage };
        self.agenda.push_in(after, Class::Timer, about, event);
    }
}
