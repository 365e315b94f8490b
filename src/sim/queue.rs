//! The event queue: payloads in slots, thin keys in buckets of an eighth of a millisecond (a calendar queue); the bucket at hand is
//! sorted, what is due later than all buckets waits in a heap.
//!
//! Order: time, then class, then a tie drawn from the event's content, then insertion. The drawn tie keeps the order at
//! one instant free of how many events came before: removing one fault flips no ties elsewhere (dst.md §6.2). Few events share
//! their instant and class with another, so a tie is drawn only when such events are about to be taken.

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

/// What orders events, as one number: time, class, insertion number; and last the slot of the payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key(u128);

impl Key {
    /// The key of the `nth` event pushed, which waits in `slot`.
    #[inline]
    fn new(time: Time, class: Class, nth: u64, slot: u32) -> Self {
        let low = (class as u64) << (NTH_BITS + SLOT_BITS) | nth << SLOT_BITS | u64::from(slot);
        Self(u128::from(time.0) << 64 | u128::from(low))
    }

    /// When its event is due.
    #[inline]
    fn time(self) -> Time {
        Time((self.0 >> 64) as u64)
    }

    /// Where its event is.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "24 bits are kept")]
    fn slot(self) -> u32 {
        self.0 as u32 & ((1 << SLOT_BITS) - 1)
    }

    /// Time and class.
    #[inline]
    fn moment(self) -> Moment {
        Moment(self.0 >> (NTH_BITS + SLOT_BITS))
    }
}

/// Time and class: events that share both meet, and a tie decides among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Moment(u128);

impl Moment {
    /// None that an event has.
    const NONE: Self = Self(u128::MAX);
}

/// What an event is about; it decides the tie, and nothing else does.
pub(super) type About = (u64, u64);

/// Bits of a key that name the slot.
const SLOT_BITS: u32 = 24;

/// Bits of a key that number the insertion.
const NTH_BITS: u32 = 37;

/// Bits of a drawn word that do not decide a tie.
const TIE_SHIFT: u32 = 8;

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
    /// Events of this moment are in the order of their ties.
    drawn: Moment,
    /// But for so many that came later and lie in front of them.
    late: usize,
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

/// Where an event waits; small events lie in a cache line.
#[derive(Clone, Debug)]
#[repr(align(64))]
struct Slot<E> {
    key: Key,
    about: About,
    /// The next in the same bucket, or the next free one.
    next: u32,
    /// Of a free slot what its taker has left.
    event: E,
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
            drawn: Moment::NONE,
            late: 0,
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
        let nth = self.pushed;
        self.pushed += 1;
        let slot = self.free;
        let key = if let Some(free) = self.slots.get_mut(slot as usize) {
            let key = Key::new(at, class, nth, slot);
            self.free = free.next;
            free.key = key;
            free.about = about;
            free.event = event;
            key
        } else {
            let slot = u32::try_from(self.slots.len()).unwrap_or(NONE);
            assert!(slot < 1 << SLOT_BITS, "too many pending events");
            let key = Key::new(at, class, nth, slot);
            self.slots.push(Slot {
                key,
                about,
                next: NONE,
                event,
            });
            key
        };
        self.place(key);
    }

    /// Puts a key where it belongs by its time.
    #[inline]
    fn place(&mut self, key: Key) {
        let bucket = bucket_of(key.time());
        if bucket <= self.bucket {
            if key.moment() == self.drawn {
                self.late += 1;
            }
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

    /// The earliest event, if it is due by `limit`, which its taker is to replace: it is off the queue. `tie` decides among those
    /// of one instant and class.
    #[inline]
    pub(super) fn pop_by(
        &mut self,
        limit: Time,
        tie: impl Fn(Time, About) -> u64,
    ) -> Option<(Time, &mut E)> {
        if self.next_time()? > limit {
            return None;
        }
        if let [.., next, first] = self.current.as_slice()
            && first.time() == next.time()
            && first.moment() == next.moment()
            && (first.moment() != self.drawn || self.late > 0)
        {
            self.draw_ties(first.moment(), tie);
        }
        let key = self.current.pop()?;
        let slot = key.slot();
        let found = &mut self.slots[slot as usize];
        found.next = self.free;
        self.free = slot;
        Some((key.time(), &mut found.event))
    }

    /// Puts the events of the earliest moment in the order of their ties.
    #[cold]
    fn draw_ties(&mut self, moment: Moment, tie: impl Fn(Time, About) -> u64) {
        let slots = &self.slots;
        let rank = |key: &Key| {
            let about = slots[key.slot() as usize].about;
            Reverse((tie(key.time(), about) >> TIE_SHIFT, *key))
        };
        let is_other = |key: &Key| key.moment() != moment;
        let others = self.current.iter().rposition(is_other);
        let start = others.map_or(0, |last| last + 1);
        if moment == self.drawn {
            // What came later is put among them: to order all of them for each would take the square of their number.
            let end = self.current.len().min(start + self.late);
            let late: Vec<Key> = self.current.drain(start..end).collect();
            for key in late {
                let others = &self.current[start..];
                let place = others.partition_point(|other| rank(other) < rank(&key));
                self.current.insert(start + place, key);
            }
        } else {
            self.current[start..].sort_unstable_by_key(rank);
        }
        self.drawn = moment;
        self.late = 0;
    }

    /// Ties are drawn anew: by another key from now on.
    pub(super) fn forget_ties(&mut self) {
        self.drawn = Moment::NONE;
    }

    /// When the earliest event is due.
    #[inline]
    pub(super) fn next_time(&mut self) -> Option<Time> {
        if self.current.is_empty() {
            self.advance();
        }
        self.current.last().map(|key| key.time())
    }

    /// Goes on to the next bucket that is not empty.
    fn advance(&mut self) {
        let far = self.far.peek().map(|Reverse(key)| bucket_of(key.time()));
        assert!(self.pushed >> NTH_BITS == 0, "too many events for a run");
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
            && bucket_of(key.time()) - bucket < BUCKETS as u64
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
                    queue
                        .pop_by(Time::NEVER, |_, (tie, _)| tie)
                        .map(|(time, id)| (time, *id)),
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
            queue.pop_by(Time::NEVER, |_, _| 0);
        }
        assert_eq!(queue.slots.len(), 1);
    }
}
