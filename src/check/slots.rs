//! Open addressing without randomness: where in a list the entry with some hash lies. The list is its owner's and only grows.

/// The places, by hash; at most half of the slots are taken.
#[derive(Clone, Debug, Default)]
pub(super) struct Slots {
    /// A power of two of places plus one; 0 = free.
    slots: Vec<u32>,
    taken: usize,
}

/// Slots of the first entries.
const FIRST: usize = 16;

impl Slots {
    /// The place of the entry with this hash that `is_it` accepts.
    pub(super) fn find(&self, hash: u64, is_it: impl Fn(usize) -> bool) -> Option<usize> {
        let last = self.slots.len().wrapping_sub(1);
        let mut slot = low(hash) & last;
        loop {
            match self.slots.get(slot) {
                None | Some(0) => return None,
                Some(taken) => {
                    let place = *taken as usize - 1;
                    if is_it(place) {
                        return Some(place);
                    }
                    slot = (slot + 1) & last;
                }
            }
        }
    }

    /// Notes the place of an entry that was not there before; `hash_of` tells the hashes of those that were.
    pub(super) fn put(&mut self, hash: u64, place: usize, hash_of: impl Fn(usize) -> u64) {
        if self.slots.len() < (self.taken + 1) * 2 {
            let more = (self.slots.len() * 2).max(FIRST);
            let places = std::mem::replace(&mut self.slots, vec![0; more]);
            for taken in places.into_iter().filter(|taken| *taken > 0) {
                self.take(hash_of(taken as usize - 1), taken);
            }
        }
        let taken = u32::try_from(place + 1).expect("memory holds fewer than 2^32 entries");
        self.take(hash, taken);
        self.taken += 1;
    }

    fn take(&mut self, hash: u64, taken: u32) {
        let last = self.slots.len() - 1;
        let mut slot = low(hash) & last;
        while self.slots[slot] != 0 {
            slot = (slot + 1) & last;
        }
        self.slots[slot] = taken;
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the low bits of a hash are as good as the high ones"
)]
fn low(hash: u64) -> usize {
    hash as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_with_the_same_hash_are_told_apart_and_survive_growth() {
        let keys: Vec<u64> = (0..1_000).collect();
        let hash_of = |place: usize| keys[place] % 7;
        let mut slots = Slots::default();
        assert_eq!(slots.find(3, |_| true), None);
        for place in 0..keys.len() {
            assert_eq!(slots.find(hash_of(place), |other| other == place), None);
            slots.put(hash_of(place), place, hash_of);
        }
        for (place, key) in keys.iter().enumerate() {
            let found = slots.find(hash_of(place), |other| keys[other] == *key);
            assert_eq!(found, Some(place));
        }
        assert_eq!(slots.find(3, |_| false), None);
    }
}
