//! The event queue: thin keys in a binary heap, payloads in a slab.
//!
//! Order: time, then class, then a tie drawn from the event's content, then insertion. The drawn tie keeps the order at
//! one instant free of how many events came before: removing one fault flips no ties elsewhere (dst.md §6.2).

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::base::time::Time;

/// What goes first at one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Class {
    /// Faults begin and end.
    Plan = 0,
    /// A disk operation is done.
    Disk = 1,
    /// Something arrives over the network.
    Delivery = 2,
    /// A timer runs out, a stage runs.
    Timer = 3,
    /// Starts and commands.
    Other = 4,
}

/// The heap's entry: 24 bytes, so that sifting moves little memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    time: Time,
    /// Class in the high byte, drawn tie below.
    order: u64,
    /// Insertion number, then slot of the payload.
    id: u64,
}

/// Bits of a key's id that name the slot.
const SLOT_BITS: u32 = 24;

/// A queue of events of type `E`.
#[derive(Clone, Debug)]
pub(super) struct Queue<E> {
    heap: BinaryHeap<Reverse<Key>>,
    slab: Vec<Option<E>>,
    free: Vec<u32>,
    pushed: u64,
}

impl<E> Queue<E> {
    /// An empty queue.
    pub(super) fn new() -> Self {
        Self {
            heap: BinaryHeap::new(),
            slab: Vec::new(),
            free: Vec::new(),
            pushed: 0,
        }
    }

    /// Adds an event.
    #[inline]
    pub(super) fn push(&mut self, at: Time, class: Class, tie: u64, event: E) {
        let slot = if let Some(slot) = self.free.pop() {
            self.slab[slot as usize] = Some(event);
            slot
        } else {
            let slot = u32::try_from(self.slab.len()).expect("the slot limit is asserted below");
            assert!(slot < 1 << SLOT_BITS, "too many pending events");
            self.slab.push(Some(event));
            slot
        };
        let id = self.pushed << SLOT_BITS | u64::from(slot);
        self.pushed += 1;
        let order = (class as u64) << 56 | tie >> 8;
        self.heap.push(Reverse(Key {
            time: at,
            order,
            id,
        }));
    }

    /// Takes the earliest event.
    #[inline]
    pub(super) fn pop(&mut self) -> Option<(Time, E)> {
        let Reverse(key) = self.heap.pop()?;
        let slot = u32::try_from(key.id & ((1 << SLOT_BITS) - 1)).expect("24 bits fit 32");
        let event = self.slab[slot as usize]
            .take()
            .expect("a key in the heap owns its slot");
        self.free.push(slot);
        Some((key.time, event))
    }

    /// When the earliest event is due.
    pub(super) fn next_time(&self) -> Option<Time> {
        self.heap.peek().map(|Reverse(key)| key.time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::digest::mix;

    const CLASSES: [Class; 5] = [
        Class::Plan,
        Class::Disk,
        Class::Delivery,
        Class::Timer,
        Class::Other,
    ];

    #[test]
    fn pops_in_the_order_of_a_sorted_list() {
        // Random pushes and pops against a list that is sorted before each pop; few times and ties, so all levels decide.
        let mut queue = Queue::new();
        let mut oracle: Vec<(u64, u8, u64, u64)> = Vec::new();
        for step in 0..20_000 {
            let word = mix(step);
            if word % 5 < 3 {
                let at = word >> 8 & 15;
                let class = CLASSES[(word >> 16) as usize % 5];
                let tie = (word >> 24 & 3) << 40;
                queue.push(Time(at), class, tie, step);
                oracle.push((at, class as u8, tie, step));
            } else {
                oracle.sort_unstable();
                let expected = (!oracle.is_empty()).then(|| oracle.remove(0));
                assert_eq!(queue.next_time(), expected.map(|(time, ..)| Time(time)));
                assert_eq!(
                    queue.pop(),
                    expected.map(|(time, _, _, id)| (Time(time), id))
                );
            }
        }
    }

    #[test]
    fn slots_are_used_again() {
        let mut queue = Queue::new();
        for round in 0..1_000 {
            queue.push(Time(round), Class::Other, 0, round);
            queue.pop();
        }
        assert_eq!(queue.slab.len(), 1);
    }
}
