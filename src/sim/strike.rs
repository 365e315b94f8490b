//! What each fault does to the machine, and how that is undone: two tables with the same rows.

use super::agenda::Event;
use super::fault::{Direction, Fault, Planned, Target, Unsynced};
use super::process::{LinkClass, Process};
use super::queue::Class;
use super::sink::{Happening, Sink, Stamp};
use super::weather::{CLASSES, Path, index};
use super::world::World;
use crate::base::digest::Digest;
use crate::base::id::NodeId;
use crate::base::time::Span;

impl<P: Process> World<P> {
    /// Whom a fault strikes, as things are now; in id order.
    pub(super) fn resolve(&self, planned: &Planned) -> Vec<NodeId> {
        let setup = &self.shared.setup;
        match target_of(&planned.fault) {
            None => Vec::new(),
            Some(Target::Node(node)) => vec![*node],
            Some(Target::Role(role)) => (1..=setup.nodes)
                .map(NodeId)
                .find(|node| {
                    self.process(*node)
                        .is_some_and(|process| process.plays(role))
                })
                .into_iter()
                .collect(),
            Some(Target::Servers) => (1..=setup.servers).map(NodeId).collect(),
            Some(Target::Minority) => self.draw_minority(planned),
            Some(Target::ServerOf(client)) => self
                .process(*client)
                .and_then(Process::attached_to)
                .into_iter()
                .collect(),
        }
    }

    /// The largest minority of the voters, its members drawn by the fault's name and moment.
    fn draw_minority(&self, planned: &Planned) -> Vec<NodeId> {
        let voters = &self.shared.setup.voters;
        let (who, bucket) = (Digest::of(&planned.id), self.agenda.bucket());
        let mut ranked: Vec<(u64, NodeId)> = voters
            .iter()
            .map(|voter| {
                let draw = self
                    .shared
                    .target_key
                    .draw(who, u64::from(voter.0), bucket, 0);
                (draw.word(), *voter)
            })
            .collect();
        ranked.sort_unstable();
        ranked.truncate(voters.len().saturating_sub(1) / 2);
        let mut minority: Vec<NodeId> = ranked.into_iter().map(|(_, voter)| voter).collect();
        minority.sort_unstable();
        minority
    }

    /// Whether a fault would change anything now.
    pub(super) fn is_effective(&self, fault: &Fault, targets: &[NodeId]) -> bool {
        let any = |is_hit: &dyn Fn(NodeId) -> bool| targets.iter().any(|node| is_hit(*node));
        match fault {
            Fault::Crash { unsynced, .. } => any(&|node| {
                self.is_up(node) || is_power(*unsynced) && !self.net.weather.is_dark(node)
            }),
            Fault::Pause { .. } => any(&|node| self.is_up(node) && !self.is_paused(node)),
            Fault::Partition { .. } | Fault::Isolate { .. } => self
                .paths(fault, targets)
                .into_iter()
                .any(|path| !self.net.weather.is_cut(path)),
            Fault::Delay { extra, .. } => any(&|_| *extra > Span::ZERO),
            Fault::Reset { class, .. } => any(&|node| self.net.is_connected(node, *class)),
            Fault::SlowDisk { factor, extra, .. } => any(&|_| *factor != 1 || *extra > Span::ZERO),
            Fault::Drift { ppm, .. } => any(&|_| *ppm != 0),
            Fault::WallJump { by_ms, .. } => any(&|_| *by_ms != 0),
            Fault::Flaky { reset, .. } => any(&|_| reset.num > 0),
        }
    }

    /// A fault does what it does.
    pub(super) fn strike<S: Sink<P::Words>>(
        &mut self,
        at: Stamp,
        fault: &Fault,
        targets: &[NodeId],
        sink: &mut S,
    ) {
        for path in self.paths(fault, targets) {
            self.net.weather.cut(path, true);
        }
        for &node in targets {
            match fault {
                Fault::Crash { unsynced, .. } => self.crash(at, node, *unsynced, sink),
                Fault::Pause { .. } => self.pause(at, node, sink),
                Fault::Partition { .. } | Fault::Isolate { .. } => {}
                Fault::Reset { class, .. } => self.net.reset(&mut self.agenda, node, *class),
                Fault::WallJump { by_ms, .. } => self.slots[index(node)].clock.jump_wall(*by_ms),
                Fault::Delay { .. }
                | Fault::SlowDisk { .. }
                | Fault::Drift { .. }
                | Fault::Flaky { .. } => self.shift(node, fault, true),
            }
        }
    }

    /// A fault is over.
    pub(super) fn undo<S: Sink<P::Words>>(
        &mut self,
        at: Stamp,
        fault: &Fault,
        targets: &[(NodeId, u32)],
        sink: &mut S,
    ) {
        let nodes: Vec<NodeId> = targets.iter().map(|(node, _)| *node).collect();
        for path in self.paths(fault, &nodes) {
            if self.net.weather.cut(path, false) {
                self.net.heal(&mut self.agenda, path);
            }
        }
        for &(node, life) in targets {
            match fault {
                Fault::Crash { unsynced, .. } => self.uncrash(node, *unsynced),
                Fault::Pause { .. } => self.resume(at, node, life, sink),
                Fault::Partition { .. }
                | Fault::Isolate { .. }
                | Fault::Reset { .. }
                | Fault::WallJump { .. } => {}
                Fault::Delay { .. }
                | Fault::SlowDisk { .. }
                | Fault::Drift { .. }
                | Fault::Flaky { .. } => self.shift(node, fault, false),
            }
        }
    }

    /// Shifts a quantity of the machine, or shifts it back.
    fn shift(&mut self, node: NodeId, fault: &Fault, on: bool) {
        let weather = &mut self.net.weather;
        match fault {
            Fault::Delay { class, extra, .. } => weather.add_delay(node, *class, *extra, on),
            Fault::Flaky { reset, .. } => weather.add_flaky(node, *reset, on),
            Fault::SlowDisk { factor, extra, .. } => {
                self.slots[index(node)].disk.slow_down(*factor, *extra, on);
            }
            Fault::Drift { ppm, .. } => {
                let ppm = i64::from(*ppm);
                self.drift(node, if on { ppm } else { -ppm });
            }
            Fault::Crash { .. }
            | Fault::Pause { .. }
            | Fault::Partition { .. }
            | Fault::Isolate { .. }
            | Fault::Reset { .. }
            | Fault::WallJump { .. } => {}
        }
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

    /// A crash fault is over: the machine has power again and the node restarts, unless another fault holds it.
    fn uncrash(&mut self, node: NodeId, how: Unsynced) {
        self.slots[index(node)].held -= 1;
        if is_power(how) && self.net.weather.darken(node, false) {
            self.net.power_on(&mut self.agenda, node);
        }
        self.schedule_restart(node);
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
        let slot = &mut self.slots[index(node)];
        slot.clock.drift(now, ppm);
        for armed in slot.timers().to_vec() {
            self.arm_at(node, armed.timer, armed.deadline);
        }
    }

    /// The paths that a partition cuts.
    fn paths(&self, fault: &Fault, targets: &[NodeId]) -> Vec<Path> {
        let mut paths = Vec::new();
        match fault {
            Fault::Partition {
                groups,
                direction,
                class,
            } => {
                for (first, source) in groups.iter().enumerate() {
                    for sink in &groups[first + 1..] {
                        if first == 0 || *direction == Direction::Both {
                            cut_between(&mut paths, source, sink, *direction, *class);
                        }
                    }
                }
            }
            Fault::Isolate {
                direction, clients, ..
            } => {
                let setup = &self.shared.setup;
                let last = if *clients { setup.nodes } else { setup.servers };
                let others: Vec<NodeId> = (1..=last)
                    .map(NodeId)
                    .filter(|node| !targets.contains(node))
                    .collect();
                cut_between(&mut paths, targets, &others, *direction, None);
            }
            Fault::Crash { .. }
            | Fault::Pause { .. }
            | Fault::Delay { .. }
            | Fault::Reset { .. }
            | Fault::SlowDisk { .. }
            | Fault::Drift { .. }
            | Fault::WallJump { .. }
            | Fault::Flaky { .. } => {}
        }
        paths
    }
}

/// Lists the ways between two groups.
fn cut_between(
    paths: &mut Vec<Path>,
    near: &[NodeId],
    far: &[NodeId],
    direction: Direction,
    only: Option<LinkClass>,
) {
    for class in CLASSES {
        if only.is_some_and(|only| only != class) {
            continue;
        }
        for &a in near {
            for &b in far {
                if matches!(direction, Direction::Both | Direction::Out) {
                    let (from, to) = (a, b);
                    paths.push(Path { from, to, class });
                }
                if matches!(direction, Direction::Both | Direction::In) {
                    let (from, to) = (b, a);
                    paths.push(Path { from, to, class });
                }
            }
        }
    }
}

/// Whether the machine stops, and not only the process.
fn is_power(unsynced: Unsynced) -> bool {
    match unsynced {
        Unsynced::Kill => false,
        Unsynced::PowerDrawn | Unsynced::PowerLost | Unsynced::PowerKept => true,
    }
}

/// Whom a fault names; `None` for partitions by groups.
fn target_of(fault: &Fault) -> Option<&Target> {
    match fault {
        Fault::Partition { .. } => None,
        Fault::Crash { target, .. }
        | Fault::Pause { target }
        | Fault::Isolate { target, .. }
        | Fault::Delay { target, .. }
        | Fault::Reset { target, .. }
        | Fault::SlowDisk { target, .. }
        | Fault::Drift { target, .. }
        | Fault::WallJump { target, .. }
        | Fault::Flaky { target, .. } => Some(target),
    }
}
