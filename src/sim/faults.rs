//! Faults at work: when they strike, whom, what they do and how they are undone. Overlapping faults compose by counting;
//! what one of them holds stays held until the last one is over.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::agenda::Event;
use super::fault::{Fault, Planned, Trigger, Unsynced};
use super::process::Process;
use super::queue::Class;
use super::sink::{Aside, Happening, Sink, Stamp};
use super::weather::Path;
use super::weather::index as index_of;
use super::world::World;
use crate::base::digest::Digest;
use crate::base::id::NodeId;
use crate::base::time::{Span, Time};

/// Which faults of the plan wait, are at work, or have been called off.
#[derive(Clone, Debug, Default)]
pub(super) struct Ledger {
    /// Those that wait for a mark, and how often it has been seen.
    waiting: Vec<(u32, u32)>,
    active: Vec<Active>,
    /// Entries below this index strike no more.
    called_off: u32,
    /// Those that strike inside the present step, after so many more effects.
    cuts: Vec<(u32, u32)>,
    /// Who said the mark that a fault waited for.
    pub(super) sayers: Vec<(u32, NodeId)>,
    /// Whose disks have been damaged.
    pub(super) damaged: BTreeSet<NodeId>,
}

/// A fault at work.
#[derive(Clone, Debug)]
pub(super) struct Active {
    index: u32,
    /// Whom it struck, and in which life.
    pub(super) targets: Vec<(NodeId, u32)>,
    /// The ways it cuts now.
    pub(super) paths: Vec<Path>,
    /// Whether it holds right now; a flapping one does in turn.
    is_on: bool,
    /// When it struck, this time.
    pub(super) since: Time,
}

impl Active {
    /// Its place in the plan.
    pub(super) fn index(&self) -> u32 {
        self.index
    }
}

impl Ledger {
    /// Whether a planned fault will not strike.
    pub(super) fn is_called_off(&self, index: u32) -> bool {
        index < self.called_off
    }

    /// Whether a fault is at work.
    pub(super) fn is_active(&self, index: u32) -> bool {
        self.active.iter().any(|active| active.index == index)
    }

    /// Whether a fault waits inside the present step.
    #[inline]
    pub(super) fn has_cuts(&self) -> bool {
        !self.cuts.is_empty()
    }

    /// Whether a fault is at work on a node.
    pub(super) fn has_struck(&self, index: u32, node: NodeId) -> bool {
        self.active.iter().any(|active| {
            active.index == index && active.targets.iter().any(|target| target.0 == node)
        })
    }

    pub(super) fn active_mut(&mut self, index: u32) -> Option<&mut Active> {
        self.active.iter_mut().find(|active| active.index == index)
    }
}

impl<P: Process> World<P> {
    /// Takes over a plan.
    pub(super) fn schedule_plan(&mut self, plan: Arc<[Planned]>) {
        for (index, planned) in (0..).zip(plan.iter()) {
            if let Fault::Restore { backup_at, .. } = planned.fault {
                let about = (Digest::of(&planned.id), 2);
                let event = Event::Backup { index };
                self.agenda.push(backup_at, Class::Plan, about, event);
            }
            match planned.trigger {
                Trigger::At(time) => {
                    let about = (Digest::of(&planned.id), 0);
                    self.agenda
                        .push(time, Class::Plan, about, Event::Fault { index });
                }
                Trigger::When { .. } => self.ledger.waiting.push((index, 0)),
            }
        }
        self.plan = plan;
    }

    /// Counts a mark for the faults that wait for it; whether one of them strikes before anything else happens.
    pub(super) fn on_mark(&mut self, seen: &str, sayer: NodeId) -> bool {
        let (plan, agenda, ledger) = (&self.plan, &mut self.agenda, &mut self.ledger);
        let (cuts, sayers) = (&mut ledger.cuts, &mut ledger.sayers);
        let mut is_now = false;
        ledger.waiting.retain_mut(|(index, count)| {
            let planned = &plan[*index as usize];
            let Trigger::When {
                mark,
                nth,
                after,
                by,
                cut,
            } = &planned.trigger
            else {
                return false;
            };
            if **mark != *seen || by.is_some_and(|by| by != sayer) {
                return true;
            }
            *count += 1;
            if *count < *nth {
                return true;
            }
            sayers.push((*index, sayer));
            if let Some(left) = cut {
                cuts.push((*index, *left));
            } else {
                is_now |= *after == Span::ZERO;
                let about = (Digest::of(&planned.id), 0);
                agenda.push_in(*after, Class::Plan, about, Event::Fault { index: *index });
            }
            false
        });
        is_now
    }

    /// One effect of a step has been carried out: faults that waited for it strike.
    pub(super) fn strike_cuts<S: Sink<P::Words>>(&mut self, at: Stamp, is_end: bool, sink: &mut S) {
        let mut due = Vec::new();
        self.ledger.cuts.retain_mut(|(index, left)| {
            if *left == 0 || is_end {
                due.push(*index);
                return false;
            }
            *left -= 1;
            true
        });
        for index in due {
            self.begin_fault(at, index, sink);
        }
    }

    /// A planned fault strikes.
    pub(super) fn begin_fault<S: Sink<P::Words>>(&mut self, at: Stamp, index: u32, sink: &mut S) {
        let plan = Arc::clone(&self.plan);
        let planned = &plan[index as usize];
        let targets = self.resolve(index, planned);
        let paths = self.paths(index, planned, &targets);
        let effect = self.effect(index, &planned.fault, &targets, &paths);
        let what = Happening::FaultBegan {
            index,
            targets: targets.clone(),
            effective: effect.is_ok(),
            why: Aside(effect.err()),
        };
        self.emit(at, what, sink);
        self.strike(at, index, &targets, &paths, sink);
        if planned.fault.is_instant() {
            return;
        }
        let targets = self.with_lives(&targets);
        self.ledger.active.push(Active {
            index,
            targets,
            paths,
            is_on: true,
            since: self.agenda.now,
        });
        let about = |kind| (Digest::of(&planned.id), kind);
        if let Some(span) = planned.lasts {
            self.agenda
                .push_in(span, Class::Plan, about(1), Event::Undo { index });
        }
        let is_swizzle = matches!(planned.fault, Fault::Swizzle { .. });
        let first = if is_swizzle {
            Some(Span::ZERO)
        } else {
            planned.flap
        };
        if let Some(span) = first {
            let event = Event::Beat { index, beat: 1 };
            self.agenda.push_in(span, Class::Plan, about(3), event);
        }
    }

    fn with_lives(&self, targets: &[NodeId]) -> Vec<(NodeId, u32)> {
        let life = |node: &NodeId| (*node, self.slots[index_of(*node)].life);
        targets.iter().map(life).collect()
    }

    /// A fault with a rhythm takes its next turn.
    pub(super) fn beat<S: Sink<P::Words>>(
        &mut self,
        at: Stamp,
        index: u32,
        beat: u32,
        sink: &mut S,
    ) {
        let plan = Arc::clone(&self.plan);
        let planned = &plan[index as usize];
        let next = if let Fault::Swizzle { class } = planned.fault {
            self.swizzle(index, planned, class, beat)
        } else {
            self.flap(at, index, sink);
            planned.flap
        };
        if let Some(span) = next {
            let about = (Digest::of(&planned.id), 3);
            let event = Event::Beat {
                index,
                beat: beat + 1,
            };
            self.agenda.push_in(span, Class::Plan, about, event);
        }
    }

    /// A flapping fault stops, or strikes again.
    fn flap<S: Sink<P::Words>>(&mut self, at: Stamp, index: u32, sink: &mut S) {
        let now = self.agenda.now;
        let Some(active) = self.ledger.active_mut(index) else {
            return;
        };
        active.is_on = !active.is_on;
        if !active.is_on {
            let active = active.clone();
            return self.undo(at, &active, sink);
        }
        active.since = now;
        let targets: Vec<NodeId> = active.targets.iter().map(|target| target.0).collect();
        let paths = active.paths.clone();
        let lives = self.with_lives(&targets);
        if let Some(active) = self.ledger.active_mut(index) {
            active.targets = lives;
        }
        self.strike(at, index, &targets, &paths, sink);
    }

    /// A lasting fault is over.
    pub(super) fn end_fault<S: Sink<P::Words>>(&mut self, at: Stamp, index: u32, sink: &mut S) {
        let Some(place) = self
            .ledger
            .active
            .iter()
            .position(|active| active.index == index)
        else {
            return;
        };
        let active = self.ledger.active.remove(place);
        self.emit(at, Happening::FaultEnded { index }, sink);
        if active.is_on {
            self.undo(at, &active, sink);
        }
    }

    /// All faults are over for good.
    pub(super) fn heal_now<S: Sink<P::Words>>(&mut self, at: Stamp, sink: &mut S) {
        self.ledger.called_off = u32::try_from(self.plan.len()).expect("plans are short");
        self.ledger.waiting.clear();
        self.net.weather.calm();
        for slot in &mut self.slots {
            slot.disk.calm();
        }
        while let Some(active) = self.ledger.active.first() {
            self.end_fault(at, active.index, sink);
        }
        for node in (1..=self.shared.setup.nodes).map(NodeId) {
            self.end_step(node);
            self.schedule_restart(node);
        }
    }

    /// A node's process ends itself; what it had not forced is gone (zab.md K9).
    pub(super) fn halt<S: Sink<P::Words>>(
        &mut self,
        at: Stamp,
        node: NodeId,
        code: u8,
        sink: &mut S,
    ) {
        self.stop(at, node, Unsynced::PowerLost, Some(code), sink);
        if let Some(after) = self.shared.setup.restart_after_halt {
            let life = self.slots[index_of(node)].life;
            let about = (u64::from(node.0), 0);
            self.agenda
                .push_in(after, Class::Other, about, Event::Boot { node, life });
        }
    }
}

#[cfg(test)]
mod tests;
