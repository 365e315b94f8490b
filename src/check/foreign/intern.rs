//! Small numbers for values, and a set of 128-bit fingerprints.

use std::hash::{Hash, Hasher};

use crate::base::digest::mix;
use crate::check::slots::Slots;
use crate::history::foreign::value::Value;

/// Gives equal keys the same number, counted from 0.
#[derive(Clone, Debug)]
pub(super) struct Interner<K> {
    keys: Vec<K>,
    slots: Slots,
}

impl<K> Default for Interner<K> {
    fn default() -> Self {
        Self {
            keys: Vec::new(),
            slots: Slots::default(),
        }
    }
}

impl<K: Hash + Eq> Interner<K> {
    /// The number of a key, which is copied if it is new.
    pub(super) fn number_of(&mut self, key: &K) -> u32
    where
        K: Clone,
    {
        let hash = hash_of(key);
        self.find(hash, key)
            .unwrap_or_else(|| self.add(hash, key.clone()))
    }

    /// The number of a key.
    pub(super) fn number(&mut self, key: K) -> u32 {
        let hash = hash_of(&key);
        self.find(hash, &key).unwrap_or_else(|| self.add(hash, key))
    }

    fn find(&self, hash: u64, key: &K) -> Option<u32> {
        let place = self.slots.find(hash, |place| self.keys[place] == *key);
        place.map(number_of_place)
    }

    fn add(&mut self, hash: u64, key: K) -> u32 {
        let number = self.add_last(key);
        let keys = &self.keys;
        self.slots
            .put(hash, number as usize, |place| hash_of(&keys[place]));
        number
    }

    /// Numbers a key that is never looked up here.
    fn add_last(&mut self, key: K) -> u32 {
        let number = number_of_place(self.keys.len());
        self.keys.push(key);
        number
    }

    /// The key of a number.
    pub(super) fn key(&self, number: u32) -> &K {
        &self.keys[number as usize]
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }
}

fn number_of_place(place: usize) -> u32 {
    u32::try_from(place).expect("memory holds fewer than 2^32 keys")
}

fn hash_of(key: &impl Hash) -> u64 {
    let mut hasher = Mixer(0);
    key.hash(&mut hasher);
    mix(hasher.0)
}

/// Gives equal values the same number; small integers, which most are, are looked up at once.
#[derive(Clone, Debug, Default)]
pub(super) struct Values {
    all: Interner<Value>,
    /// By integer: its number + 1, or 0 where it has none.
    few: Vec<u32>,
}

/// Integers looked up at once.
const FEW: usize = 1 << 12;

impl Values {
    /// The number of a value, which is copied if it is new.
    pub(super) fn number_of(&mut self, value: &Value) -> u32 {
        let index = value.as_int().and_then(|value| usize::try_from(value).ok());
        let Some(index) = index.filter(|index| *index < FEW) else {
            return self.all.number_of(value);
        };
        if index >= self.few.len() {
            self.few.resize(index + 1, 0);
        }
        if self.few[index] == 0 {
            self.few[index] = self.all.add_last(value.clone()) + 1;
        }
        self.few[index] - 1
    }

    /// The value of a number.
    pub(super) fn key(&self, number: u32) -> &Value {
        self.all.key(number)
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }
}

/// The same everywhere, unlike the standard library's.
struct Mixer(u64);

impl Mixer {
    fn take(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95);
    }
}

impl Hasher for Mixer {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.take(u64::from_le_bytes(word));
        }
        self.take(bytes.len() as u64);
    }

    fn write_u8(&mut self, number: u8) {
        self.take(number.into());
    }

    fn write_u32(&mut self, number: u32) {
        self.take(number.into());
    }

    fn write_u64(&mut self, number: u64) {
        self.take(number);
    }

    fn write_usize(&mut self, number: usize) {
        self.take(number as u64);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// A set of fingerprints that only grows.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    slots: Vec<u128>,
    count: usize,
}

impl Seen {
    pub(super) fn new() -> Self {
        Self {
            slots: vec![0; 64],
            count: 0,
        }
    }

    /// Adds a fingerprint; answers whether it is new.
    pub(super) fn insert(&mut self, fingerprint: u128) -> bool {
        // 0 marks a free slot; the fingerprint 0 shares its place with 1.
        let fingerprint = fingerprint.max(1);
        if self.count * 2 >= self.slots.len() {
            self.grow();
        }
        let slot = self.slot(fingerprint);
        let is_new = self.slots[slot] == 0;
        if is_new {
            self.slots[slot] = fingerprint;
            self.count += 1;
        }
        is_new
    }

    fn slot(&self, fingerprint: u128) -> usize {
        let mask = self.slots.len() - 1;
        let mut slot = fingerprint as usize & mask;
        while self.slots[slot] != 0 && self.slots[slot] != fingerprint {
            slot = (slot + 1) & mask;
        }
        slot
    }

    fn grow(&mut self) {
        let larger = vec![0; self.slots.len() * 4];
        let old = std::mem::replace(&mut self.slots, larger);
        for fingerprint in old.into_iter().filter(|fingerprint| *fingerprint != 0) {
            let slot = self.slot(fingerprint);
            self.slots[slot] = fingerprint;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_keys_have_one_number_and_others_another() {
        let mut interner = Interner::default();
        for key in 0..1_000_u64 {
            assert_eq!(interner.number(key * 7), u32::try_from(key).unwrap());
        }
        for key in (0..1_000_u64).rev() {
            assert_eq!(interner.number(key * 7), u32::try_from(key).unwrap());
        }
        assert_eq!(interner.len(), 1_000);
        assert_eq!(*interner.key(3), 21);
    }

    #[test]
    fn equal_values_have_one_number_whether_small_or_not() {
        let mut values = Values::default();
        let value = |number: i64| match number % 3 {
            0 => Value::Int(number),
            1 => Value::Int(-number),
            _ => Value::Text(number.to_string().into()),
        };
        for _ in 0..2 {
            for (number, expected) in (0..9_000).zip(0..) {
                assert_eq!(values.number_of(&value(number)), expected);
                assert_eq!(*values.key(expected), value(number));
            }
        }
        assert_eq!(values.len(), 9_000);
    }

    #[test]
    fn a_fingerprint_is_new_once() {
        let mut seen = Seen::new();
        for round in 0..2 {
            for number in 0..5_000_u64 {
                let fingerprint = u128::from(mix(number)) << 64 | u128::from(mix(number + 1));
                assert_eq!(seen.insert(fingerprint), round == 0);
            }
        }
    }
}
