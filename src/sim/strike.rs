//! What each fault does to the machine, and how that is undone: two tables with the same rows.

use std::sync::Arc;

use super::agenda::Event;
use super::fault::{Atlas, Fault, Form, Unsynced};
use super::faults::Active;
use super::process::{Process, Protocol};
use super::queue::Class;
use super::sink::{Happening, Sink, Stamp};
use super::weather::{Path, index};
use super::world::World;
use crate::base::id::NodeId;
use crate::base::time::{Span, Time};

impl<P: Process> World<P> {
    /// A fault does what it does.
    pub(super) fn strike<S: Sink<P::Words>>(
        &mut self,
        at: Stamp,
        by: u32,
        targets: &[NodeId],
        paths: &[Path],
        sink: &mut S,
    ) {
        let plan = Arc::clone(&self.plan);
        let fault = &plan[by as usize].fault;
        let form = form_of(fault);
        for path in paths {
            self.net.weather.cut(*path, form, true);
            if form == Form::Reset {
                self.net.reset_across(&mut self.agenda, *path);
            }
        }
        for &node in targets {
            match fault {
                Fault::Crash { unsynced, .. } => self.crash(at, node, *unsynced, sink),
                Fault::Wipe { .. } | Fault::Restore { .. } => {
                    self.crash(at, node, Unsynced::Kill, sink);
                    self.replace_disk(at, by, node, sink);
                }
                Fault::Pause { .. } => self.pause(at, node, sink),
                Fault::Suspend { .. } => {
                    self.freeze(at, node, true, sink);
                    self.pause(at, node, sink);
                }
                Fault::Reset { class, seen, .. } => {
                    self.net.reset(&mut self.agenda, node, *class, *seen);
                }
                Fault::WallJump { by_ms, .. } => self.slots[index(node)].clock.jump_wall(*by_ms),
                Fault::BitRot { rot, atlas, .. } => {
                    self.let_rot(at, by, node, (*rot, *atlas), sink);
                }
                Fault::Provoke { what, .. } => self.provoke(node, what),
                Fault::Freeze { .. } => self.freeze(at, node, true, sink),
                Fault::Partition { .. }
                | Fault::Split { .. }
                | Fault::Cut { .. }
                | Fault::Clog { .. }
                | Fault::Swizzle { .. }
                | Fault::Isolate { .. } => {}
                Fault::Mute { .. }
                | Fault::Delay { .. }
                | Fault::Rough { .. }
                | Fault::SlowDisk { .. }
                | Fault::Drift { .. }
                | Fault::Skew { .. }
                | Fault::SlowCpu { .. }
                | Fault::Disk { .. }
                | Fault::Flaky { .. } => self.shift(node, by, fault, true),
            }
        }
    }

    /// A fault is over.
    pub(super) fn undo<S: Sink<P::Words>>(&mut self, at: Stamp, active: &Active, sink: &mut S) {
        let plan = Arc::clone(&self.plan);
        let by = active.index();
        let fault = &plan[by as usize].fault;
        self.heal_paths(&active.paths, form_of(fault));
        for &(node, life) in &active.targets {
            match fault {
                Fault::Crash { unsynced, .. } => self.uncrash(node, *unsynced),
                Fault::Wipe { .. } | Fault::Restore { .. } => self.uncrash(node, Unsynced::Kill),
                Fault::Pause { .. } => self.resume(at, node, life, sink),
                Fault::Freeze { .. } => self.freeze(at, node, false, sink),
                Fault::Suspend { .. } => {
                    self.freeze(at, node, false, sink);
                    let lost = self.agenda.now.since(active.since).as_ms();
                    let lost = i64::try_from(lost).unwrap_or(i64::MAX);
                    self.slots[index(node)].clock.jump_wall(lost);
                    self.resume(at, node, life, sink);
                }
                Fault::Partition { .. }
                | Fault::Split { .. }
                | Fault::Cut { .. }
                | Fault::Clog { .. }
                | Fault::Swizzle { .. }
                | Fault::Isolate { .. }
                | Fault::Reset { .. }
                | Fault::WallJump { .. }
                | Fault::BitRot { .. }
                | Fault::Provoke { .. } => {}
                Fault::Mute { .. }
                | Fault::Delay { .. }
                | Fault::Rough { .. }
                | Fault::SlowDisk { .. }
                | Fault::Drift { .. }
                | Fault::Skew { .. }
                | Fault::SlowCpu { .. }
                | Fault::Disk { .. }
                | Fault::Flaky { .. } => self.shift(node, by, fault, false),
            }
        }
    }

    /// Takes cuts back; what waited on a path that works again goes on.
    pub(super) fn heal_paths(&mut self, paths: &[Path], form: Form) {
        for path in paths {
            if self.net.weather.cut(*path, form, false) {
                self.net.heal(&mut self.agenda, *path, form);
            }
        }
    }

    /// Shifts a quantity of the machine, or shifts it back.
    fn shift(&mut self, node: NodeId, by: u32, fault: &Fault, on: bool) {
        let weather = &mut self.net.weather;
        match fault {
            Fault::Delay { class, extra, .. } => weather.add_delay(node, *class, *extra, on),
            Fault::Flaky { reset, .. } => weather.add_flaky(node, *reset, on),
            Fault::Rough { class, rough, .. } => weather.add_rough(node, *class, *rough, by, on),
            Fault::Mute {
                kinds, direction, ..
            } => {
                weather.add_mute(node, kinds, *direction, on);
                if !on {
                    self.net.unmute(&mut self.agenda, node);
                }
            }
            Fault::SlowDisk { factor, extra, .. } => {
                self.slots[index(node)].disk.slow_down(*factor, *extra, on);
            }
            Fault::Disk { trouble, .. } => {
                let disk = &mut self.slots[index(node)].disk;
                disk.trouble(&mut self.agenda, *trouble, on);
            }
            Fault::SlowCpu { factor, .. } => {
                let slow = &mut self.slots[index(node)].slow;
                if on {
                    slow.push(*factor);
                } else if let Some(place) = slow.iter().position(|other| other == factor) {
                    slow.remove(place);
                }
            }
            Fault::Drift { ppm, .. } => {
                let ppm = i64::from(*ppm);
                self.drift(node, if on { ppm } else { -ppm });
            }
            Fault::Skew { by_ms, .. } => {
                let by_ms = if on { *by_ms } else { -*by_ms };
                self.slots[index(node)].clock.jump_wall(by_ms);
            }
            Fault::Crash { .. }
            | Fault::Freeze { .. }
            | Fault::Pause { .. }
            | Fault::Suspend { .. }
            | Fault::Wipe { .. }
            | Fault::Restore { .. }
            | Fault::Partition { .. }
            | Fault::Split { .. }
            | Fault::Cut { .. }
            | Fault::Clog { .. }
            | Fault::Swizzle { .. }
            | Fault::Isolate { .. }
            | Fault::Reset { .. }
            | Fault::WallJump { .. }
            | Fault::BitRot { .. }
            | Fault::Provoke { .. } => {}
        }
    }

    /// The disk of a node that is down is wiped or replaced by a backup.
    fn replace_disk<S: Sink<P::Words>>(&mut self, at: Stamp, by: u32, node: NodeId, sink: &mut S) {
        let slot = &mut self.slots[index(node)];
        let is_restore = matches!(self.plan[by as usize].fault, Fault::Restore { .. });
        let backup = slot.backups.iter().find(|(fault, _)| *fault == by);
        let backup = backup.map(|(_, backup)| backup.clone());
        let (changes, what) = match &backup {
            Some(backup) => (slot.disk.differs(backup), "an older copy of its disk"),
            None => (!is_restore && !slot.disk.is_empty(), "an empty disk"),
        };
        if !changes {
            return;
        }
        slot.disk.replace(backup.as_ref());
        self.ledger.damaged.insert(node);
        self.emit_outside(at, Some(by), Some(node), what, sink);
    }

    /// Whether one more damaged disk leaves every committed transaction a good copy in any quorum.
    pub(super) fn is_spare(&self, node: NodeId) -> bool {
        let voters = &self.shared.setup.voters;
        if !voters.contains(&node) || self.ledger.damaged.contains(&node) {
            return true;
        }
        let damaged = voters
            .iter()
            .filter(|voter| self.ledger.damaged.contains(voter))
            .count();
        damaged < voters.len().saturating_sub(1) / 2
    }

    fn let_rot<S: Sink<P::Words>>(
        &mut self,
        at: Stamp,
        by: u32,
        node: NodeId,
        (rot, atlas): (super::fault::Rot, Atlas),
        sink: &mut S,
    ) {
        let is_spare = self.is_spare(node);
        let disk = &mut self.slots[index(node)].disk;
        if !disk.can_rot(rot) || !is_spare && atlas == Atlas::On {
            return;
        }
        disk.rot(rot);
        self.ledger.damaged.insert(node);
        if !is_spare {
            let what = "bit rot on a last good copy";
            self.emit_outside(at, Some(by), Some(node), what, sink);
        }
    }

    fn provoke(&mut self, node: NodeId, what: &str) {
        if let Some(command) = P::Words::provocation(what) {
            self.command(node, command);
        }
    }

    /// Says that a fault outside Zab's model has done its work.
    pub(super) fn emit_outside<S: Sink<P::Words>>(
        &mut self,
        at: Stamp,
        index: Option<u32>,
        node: Option<NodeId>,
        what: &'static str,
        sink: &mut S,
    ) {
        self.emit(at, Happening::Outside { index, node, what }, sink);
    }

    /// A crash fault strikes; it also holds down what is down already.
    fn crash<S: Sink<P::Words>>(&mut self, at: Stamp, node: NodeId, how: Unsynced, sink: &mut S) {
        let was_dark = self.net.weather.is_dark(node);
        self.slots[index(node)].held += 1;
        if self.is_up(node) || is_power(how) && !was_dark {
            self.stop(at, node, how, None, sink);
        }
        if is_power(how) {
            self.net.weather.darken(node, true);
        }
    }

    /// A crash fault is over: the machine has power again and the node restarts, unless another fault holds it or its time has not
    /// come.
    fn uncrash(&mut self, node: NodeId, how: Unsynced) {
        self.slots[index(node)].held -= 1;
        if is_power(how) && self.net.weather.darken(node, false) {
            self.net.power_on(&mut self.agenda, node);
        }
        if self.slots[index(node)].life > 0 || !self.is_early(node) {
            self.schedule_restart(node);
        }
    }

    /// Whether a node is late by more than has passed.
    fn is_early(&self, node: NodeId) -> bool {
        let late = self.shared.setup.late.get(&node);
        late.is_some_and(|late| self.agenda.now < Time::ZERO + *late)
    }

    /// Ends a node's life, by a fault or (with a code) by itself.
    pub(super) fn stop<S: Sink<P::Words>>(
        &mut self,
        at: Stamp,
        node: NodeId,
        how: Unsynced,
        code: Option<u8>,
        sink: &mut S,
    ) {
        let power = is_power(how) && code.is_none();
        let slot = &mut self.slots[index(node)];
        let lost = slot.disk.crash(how, self.agenda.bucket());
        let harm = slot.disk.take_harm();
        slot.end();
        if power {
            self.net.power_off(node);
        } else {
            self.net.kill(&mut self.agenda, node);
        }
        let what = Happening::Crashed {
            node,
            code,
            lost,
            power,
        };
        self.emit(at, what, sink);
        if let Some(harm) = harm {
            let by = self.lying_fault(node);
            self.emit_outside(at, by, Some(node), harm, sink);
        }
    }

    /// Starts a node that is down, unless a fault holds it.
    pub(super) fn schedule_restart(&mut self, node: NodeId) {
        let slot = &self.slots[index(node)];
        if slot.process.is_none() && slot.held == 0 {
            let life = slot.life;
            let about = (u64::from(node.0), 0);
            self.agenda
                .push_in(Span::ZERO, Class::Other, about, Event::Boot { node, life });
        }
    }

    fn pause<S: Sink<P::Words>>(&mut self, at: Stamp, node: NodeId, sink: &mut S) {
        let slot = &mut self.slots[index(node)];
        if slot.process.is_none() {
            return;
        }
        slot.pauses += 1;
        slot.draining = false;
        if slot.pauses == 1 {
            let paused = true;
            self.emit(at, Happening::Paused { node, paused }, sink);
        }
    }

    fn resume<S: Sink<P::Words>>(&mut self, at: Stamp, node: NodeId, life: u32, sink: &mut S) {
        let slot = &mut self.slots[index(node)];
        if slot.life != life || slot.pauses == 0 {
            return;
        }
        slot.pauses -= 1;
        if slot.pauses == 0 {
            let paused = false;
            self.emit(at, Happening::Paused { node, paused }, sink);
            self.schedule_drain(node);
        }
    }

    /// Changes the rate of a node's clock; its armed timers run out when the clock says so.
    fn drift(&mut self, node: NodeId, ppm: i64) {
        let now = self.agenda.now;
        self.slots[index(node)].clock.drift(now, ppm);
        self.rearm(node);
    }

    /// Stops a node's clocks or lets them go on; timers stop and go on with them.
    fn freeze<S: Sink<P::Words>>(&mut self, at: Stamp, node: NodeId, on: bool, sink: &mut S) {
        let now = self.agenda.now;
        let clock = &mut self.slots[index(node)].clock;
        let was_frozen = clock.is_frozen();
        clock.freeze(now, on);
        let held = clock.is_frozen();
        self.rearm(node);
        if held != was_frozen {
            self.emit(at, Happening::ClockHeld { node, held }, sink);
        }
    }

    fn rearm(&mut self, node: NodeId) {
        let slot = &self.slots[index(node)];
        for armed in slot.timers().to_vec() {
            self.arm_at(node, armed.timer, armed.deadline);
        }
    }
}

/// Whether the machine stops, and not only the process.
pub(super) fn is_power(unsynced: Unsynced) -> bool {
    match unsynced {
        Unsynced::Kill => false,
        Unsynced::PowerDrawn
        | Unsynced::PowerLost
        | Unsynced::PowerKept
        | Unsynced::PowerTorn
        | Unsynced::PowerReordered => true,
    }
}

/// What becomes of bytes that meet the cuts of a fault.
fn form_of(fault: &Fault) -> Form {
    match fault {
        Fault::Partition { form, .. }
        | Fault::Split { form, .. }
        | Fault::Cut { form, .. }
        | Fault::Isolate { form, .. } => *form,
        Fault::Clog { .. } | Fault::Swizzle { .. } => Form::Jam,
        Fault::Crash { .. }
        | Fault::Pause { .. }
        | Fault::Mute { .. }
        | Fault::Delay { .. }
        | Fault::Reset { .. }
        | Fault::Rough { .. }
        | Fault::SlowDisk { .. }
        | Fault::Drift { .. }
        | Fault::WallJump { .. }
        | Fault::Skew { .. }
        | Fault::Freeze { .. }
        | Fault::Suspend { .. }
        | Fault::SlowCpu { .. }
        | Fault::Disk { .. }
        | Fault::BitRot { .. }
        | Fault::Wipe { .. }
        | Fault::Restore { .. }
        | Fault::Provoke { .. }
        | Fault::Flaky { .. } => Form::Silent,
    }
}
