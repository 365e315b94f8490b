//! Faults at work: when they strike, whom, what they do and how they are undone. Overlapping faults compose by counting;
//! what one of them holds stays held until the last one is over.

use std::sync::Arc;

use super::agenda::Event;
use super::fault::{Planned, Trigger, Unsynced};
use super::process::Process;
use super::queue::Class;
use super::sink::{Happening, Sink, Stamp};
use super::weather::index as index_of;
use super::world::World;
use crate::base::digest::Digest;
use crate::base::id::NodeId;

/// Which faults of the plan wait, are at work, or have been called off.
#[derive(Clone, Debug, Default)]
pub(super) struct Ledger {
    /// Those that wait for a mark, and how often it has been seen.
    waiting: Vec<(u32, u32)>,
    active: Vec<Active>,
    /// Entries below this index strike no more.
    called_off: u32,
}

/// A fault at work.
#[derive(Clone, Debug)]
struct Active {
    index: u32,
    /// Whom it struck, and in which life.
    targets: Vec<(NodeId, u32)>,
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
}

impl<P: Process> World<P> {
    /// Takes over a plan.
    pub(super) fn schedule_plan(&mut self, plan: Arc<[Planned]>) {
        for (index, planned) in (0..).zip(plan.iter()) {
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

    /// Counts a mark for the faults that wait for it.
    pub(super) fn on_mark(&mut self, seen: &str) {
        let (plan, agenda) = (&self.plan, &mut self.agenda);
        self.ledger.waiting.retain_mut(|(index, count)| {
            let planned = &plan[*index as usize];
            let Trigger::When { mark, nth, after } = &planned.trigger else {
                return false;
            };
            if **mark != *seen {
                return true;
            }
            *count += 1;
            if *count < *nth {
                return true;
            }
            let about = (Digest::of(&planned.id), 0);
            agenda.push_in(*after, Class::Plan, about, Event::Fault { index: *index });
            false
        });
    }

    /// A planned fault strikes.
    pub(super) fn begin_fault<S: Sink<P::Words>>(&mut self, at: Stamp, index: u32, sink: &mut S) {
        let plan = Arc::clone(&self.plan);
        let planned = &plan[index as usize];
        let targets = self.resolve(planned);
        let what = Happening::FaultBegan {
            index,
            targets: targets.clone(),
            effective: self.is_effective(&planned.fault, &targets),
        };
        self.emit(at, what, sink);
        self.strike(at, &planned.fault, &targets, sink);
        if planned.fault.is_instant() {
            return;
        }
        let targets = targets
            .into_iter()
            .map(|node| (node, self.slots[index_of(node)].life))
            .collect();
        self.ledger.active.push(Active { index, targets });
        if let Some(span) = planned.lasts {
            let about = (Digest::of(&planned.id), 1);
            self.agenda
                .push_in(span, Class::Plan, about, Event::Undo { index });
        }
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
        let plan = Arc::clone(&self.plan);
        self.emit(at, Happening::FaultEnded { index }, sink);
        self.undo(at, &plan[index as usize].fault, &active.targets, sink);
    }

    /// All faults are over for good.
    pub(super) fn heal_now<S: Sink<P::Words>>(&mut self, at: Stamp, sink: &mut S) {
        self.ledger.called_off = u32::try_from(self.plan.len()).expect("plans are short");
        self.ledger.waiting.clear();
        while let Some(active) = self.ledger.active.first() {
            self.end_fault(at, active.index, sink);
        }
        for node in (1..=self.shared.setup.nodes).map(NodeId) {
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
