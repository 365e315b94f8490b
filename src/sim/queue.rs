//! The event queue: payloads in slots, thin keys in buckets of an eighth of a millisecond (a calendar queue); the bucket at hand is
//! sorted, what is due later than all buckets waits in a heap.
//!
//! Order: time, then class, then a tie drawn from the event's content, then insertion. The drawn tie keeps the order at
//! one instant free of how many events came before: removing one fault flips no ties elsewhere (dst.md §6.2). Few events share
//! their instant and class with another, so a tie is drawn only when such events are about to be taken.

use std::cmp::{Ordering, Reverse};
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

/// What orders events: 24 bytes, so that sorting moves little memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Key {
    time: Time,
    /// Class in the high byte, below it the tie; 0 as long as it is not drawn, so that what is not drawn comes first.
    order: u64,
    /// Insertion number, then slot of the payload.
    id: u64,
}

impl Key {
    /// Where its event is.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "24 bits are kept")]
    fn slot(self) -> u32 {
        self.id as u32 & ((1 << SLOT_BITS) - 1)
    }

    /// Whether another event has the same instant and class.
    #[inline]
    fn meets(self, other: Self) -> bool {
        self.time == other.time && self.order >> TIE_BITS == other.order >> TIE_BITS
    }

    /// Time and order as one number: one comparison without a branch decides nearly always.
    #[inline]
    fn rank(self) -> u128 {
        u128::from(self.time.0) << 64 | u128::from(self.order)
    }
}

impl Ord for Key {
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        self.rank()
            .cmp(&other.rank())
            .then_with(|| self.id.cmp(&other.id))
    }
}

impl PartialOrd for Key {
    #[inline]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }

    #[inline]
    fn lt(&self, other: &Self) -> bool {
        (self.rank(), self.id) < (other.rank(), other.id)
    }

    #[inline]
    fn le(&self, other: &Self) -> bool {
        (self.rank(), self.id) <= (other.rank(), other.id)
    }
}

/// What an event is about; it decides the tie, and nothing else does.
pub(super) type About = (u64, u64);

/// Bits of a key's order that hold the tie.
const TIE_BITS: u32 = 56;

/// Bits of a key's id that name the slot.
const SLOT_BITS: u32 = 24;

/// Events of the same 2^17 ns (an eighth of a millisecond) share a bucket.
const BUCKET_BITS: u32 = 17;

/// How many buckets lie ahead; what is due later waits in a heap.
const BUCKETS: usize = 1024;

/// No slot.
const NONE: u32 = u32::MAX;

/// A queue of events of type `E`.
#[derive(Clone, Debug)]
pub(super) struct Queue<E> {
    slots: Vec<Slot<E>>,
    /// The first free slot.
    free: u32,
    /// What is due up to the end of the bucket at hand, the earliest last.
    current: Vec<Key>,
    /// Number of the bucket at hand.
    bucket: u64,
    /// Of each of the next buckets the first slot.
    heads: Box<[u32; BUCKETS]>,
    /// Which of them are not empty, a bit each.
    occupied: [u64; BUCKETS / 64],
    /// What is due later than all of them.
    far: BinaryHeap<Reverse<Key>>,
    pushed: u64,
}

/// Where an event waits.
#[derive(Clone, Debug)]
struct Slot<E> {
    key: Key,
    about: About,
    /// The next in the same bucket, or the next free one.
    next: u32,
    event: Option<E>,
}

fn bucket_of(time: Time) -> u64 {
    time.0 >> BUCKET_BITS
}

/// The place of a bucket in the ring.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the remainder is below 1024"
)]
fn place_of(bucket: u64) -> usize {
    (bucket % BUCKETS as u64) as usize
}

impl<E> Queue<E> {
    /// An empty queue.
    pub(super) fn new() -> Self {
        Self {
            slots: Vec::new(),
            free: NONE,
            current: Vec::new(),
            bucket: 0,
            heads: Box::new([NONE; BUCKETS]),
            occupied: [0; BUCKETS / 64],
            far: BinaryHeap::new(),
            pushed: 0,
        }
    }

    /// Adds an event.
    #[inline]
    pub(super) fn push(&mut self, at: Time, class: Class, about: About, event: E) {
        let mut key = Key {
            time: at,
            order: (class as u64) << TIE_BITS,
            id: self.pushed << SLOT_BITS,
        };
        self.pushed += 1;
        let slot = self.free;
        if let Some(free) = self.slots.get_mut(slot as usize) {
            key.id |= u64::from(slot);
            self.free = free.next;
            free.key = key;
            free.about = about;
            free.event = Some(event);
        } else {
            key.id |= self.add_slot(key, about, event);
        }
        self.place(key);
    }

    /// A slot more, as all are in use; its number.
    fn add_slot(&mut self, mut key: Key, about: About, event: E) -> u64 {
        let slot = self.slots.len() as u64;
        assert!(slot < 1 << SLOT_BITS, "too many pending events");
        key.id |= slot;
        self.slots.push(Slot {
            key,
            about,
            next: NONE,
            event: Some(event),
        });
        slot
    }

    /// Puts a key where it belongs by its time.
    #[inline]
    fn place(&mut self, key: Key) {
        let bucket = bucket_of(key.time);
        if bucket <= self.bucket {
            let place = self.current.partition_point(|other| *other > key);
            self.current.insert(place, key);
        } else if bucket - self.bucket < BUCKETS as u64 {
            let place = place_of(bucket);
            let slot = key.slot();
            self.slots[slot as usize].next = self.heads[place];
            self.heads[place] = slot;
            self.occupied[place / 64] |= 1 << (place % 64);
        } else {
            self.far.push(Reverse(key));
        }
    }

    /// Takes the earliest event; `tie` decides among those of one instant and class.
    #[inline]
    pub(super) fn pop(&mut self, tie: impl Fn(Time, About) -> u64) -> Option<(Time, E)> {
        if self.current.is_empty() {
            self.advance();
        }
        if let [.., next, first] = self.current.as_slice()
            && first.meets(*next)
        {
            self.draw_ties(tie);
        }
        let key = self.current.pop()?;
        let slot = key.slot();
        let found = &mut self.slots[slot as usize];
        let event = found.event.take().expect("a key owns its slot");
        found.next = self.free;
        self.free = slot;
        Some((key.time, event))
    }

    /// Puts the events that share the instant and class of the earliest one in order, if that has not been done.
    #[cold]
    fn draw_ties(&mut self, tie: impl Fn(Time, About) -> u64) {
        let is_drawn = |key: &Key| key.order << (64 - TIE_BITS) != 0;
        let Some(first) = self.current.last().copied().filter(|key| !is_drawn(key)) else {
            return;
        };
        let others = self.current.iter().rev();
        let count = others.take_while(|key| first.meets(**key)).count();
        let start = self.current.len() - count;
        for key in self.current[start..]
            .iter_mut()
            .filter(|key| !is_drawn(key))
        {
            let about = self.slots[key.slot() as usize].about;
            key.order |= tie(key.time, about) >> (64 - TIE_BITS);
        }
        self.current[start..].sort_unstable_by(|a, b| b.cmp(a));
    }

    /// When the earliest event is due.
    #[inline]
    pub(super) fn next_time(&mut self) -> Option<Time> {
        if self.current.is_empty() {
            self.advance();
        }
        self.current.last().map(|key| key.time)
    }

    /// Goes on to the next bucket that is not empty.
    fn advance(&mut self) {
        let far = self.far.peek().map(|Reverse(key)| bucket_of(key.time));
        let Some(bucket) = self.next_occupied().into_iter().chain(far).min() else {
            return;
        };
        self.bucket = bucket;
        let place = place_of(bucket);
        let mut slot = std::mem::replace(&mut self.heads[place], NONE);
        self.occupied[place / 64] &= !(1 << (place % 64));
        while let Some(found) = self.slots.get(slot as usize) {
            self.current.push(found.key);
            slot = found.next;
        }
        self.current.sort_unstable_by(|a, b| b.cmp(a));
        while let Some(Reverse(key)) = self.far.peek()
            && bucket_of(key.time) - bucket < BUCKETS as u64
        {
            let key = *key;
            self.far.pop();
            self.place(key);
        }
    }

    /// The number of the next bucket of the ring that is not empty.
    fn next_occupied(&self) -> Option<u64> {
        let start = place_of(self.bucket + 1);
        let words = self.occupied.len();
        // The word in which the ring starts is looked at twice: for what lies behind the start, and at last for the rest.
        for step in 0..=words {
            let index = (start / 64 + step) % words;
            let mask = match step {
                0 => u64::MAX << (start % 64),
                step if step == words => !(u64::MAX << (start % 64)),
                _ => u64::MAX,
            };
            let found = self.occupied[index] & mask;
            if found != 0 {
                let place = index * 64 + found.trailing_zeros() as usize;
                let ahead = (place + BUCKETS - start) % BUCKETS;
                return Some(self.bucket + 1 + ahead as u64);
            }
        }
        None
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
        // Random pushes and pops against a list that is sorted before each pop; few times and ties, so all levels decide. Times
        // lie in the present bucket, in the next ones and behind all of them.
        let mut queue = Queue::new();
        let mut oracle: Vec<(u64, u8, u64, u64)> = Vec::new();
        let mut now = 0;
        for step in 0..20_000 {
            let word = mix(step);
            if word % 5 < 3 {
                let ahead = [0, BUCKET_BITS, BUCKET_BITS + 9, BUCKET_BITS + 12];
                let at = now + ((word >> 8 & 15) << ahead[(word >> 40) as usize % 4]);
                let class = CLASSES[(word >> 16) as usize % 5];
                let tie = (word >> 24 & 3) << 40;
                queue.push(Time(at), class, (tie, 0), step);
                oracle.push((at, class as u8, tie, step));
            } else {
                oracle.sort_unstable();
                let expected = (!oracle.is_empty()).then(|| oracle.remove(0));
                assert_eq!(queue.next_time(), expected.map(|(time, ..)| Time(time)));
                assert_eq!(
                    queue.pop(|_, (tie, _)| tie),
                    expected.map(|(time, _, _, id)| (Time(time), id))
                );
                now = expected.map_or(now, |(time, ..)| time);
            }
        }
    }

    #[test]
    fn slots_are_used_again() {
        let mut queue = Queue::new();
        for round in 0..1_000 {
            queue.push(Time(round), Class::Other, (0, 0), round);
            queue.pop(|_, _| 0);
        }
        assert_eq!(queue.slots.len(), 1);
    }
}
