//! Ascending lists of numbered things: clients, servers, a client's operations. Numbers differ by one at least, and mostly by no
//! more: where nothing was left out, a thing stands as far from the first one as its number says.

use crate::base::id::{ClientId, ServerId};

/// What has a number.
pub(super) trait Numbered: Copy {
    /// Its number.
    fn number(self) -> u64;
}

impl Numbered for u64 {
    fn number(self) -> u64 {
        self
    }
}

impl Numbered for ClientId {
    fn number(self) -> u64 {
        u64::from(self.0)
    }
}

impl Numbered for ServerId {
    fn number(self) -> u64 {
        u64::from(self.0)
    }
}

/// A map from numbers.
#[derive(Clone, Debug)]
pub(super) struct ByNumber<K, T> {
    /// In ascending order.
    entries: Vec<(K, T)>,
}

impl<K, T> Default for ByNumber<K, T> {
    fn default() -> Self {
        Self {
            entries: Vec::new(),
        }
    }
}

impl<K: Numbered, T> ByNumber<K, T> {
    /// Where an entry stands, or where it would.
    #[inline]
    fn find(&self, name: K) -> Result<usize, usize> {
        let count = self.entries.len();
        let Some((first, _)) = self.entries.first() else {
            return Err(0);
        };
        let Some(ahead) = name.number().checked_sub(first.number()) else {
            return Err(0);
        };
        // No thing stands further from the first one than this.
        let ahead = usize::try_from(ahead).unwrap_or(usize::MAX);
        match self.entries.get(ahead) {
            Some((there, _)) if there.number() == name.number() => Ok(ahead),
            Some(_) | None => self.search(name, ahead.min(count)),
        }
    }

    fn search(&self, name: K, end: usize) -> Result<usize, usize> {
        match self.entries.last() {
            Some((last, _)) if last.number() < name.number() => Err(self.entries.len()),
            Some(_) | None => self.entries[..end]
                .binary_search_by_key(&name.number(), |(other, _)| other.number()),
        }
    }

    /// What is known of a thing.
    #[inline]
    pub(super) fn get(&self, name: K) -> Option<&T> {
        let place = self.find(name).ok()?;
        Some(&self.entries[place].1)
    }

    /// What is known of a thing, to change.
    #[inline]
    pub(super) fn get_mut(&mut self, name: K) -> Option<&mut T> {
        let place = self.find(name).ok()?;
        Some(&mut self.entries[place].1)
    }

    /// What is known of a thing, made if nothing is.
    #[inline]
    pub(super) fn or_default(&mut self, name: K) -> &mut T
    where
        T: Default,
    {
        let place = self.find(name).unwrap_or_else(|place| {
            self.entries.insert(place, (name, T::default()));
            place
        });
        &mut self.entries[place].1
    }

    /// Adds a thing; what was known of it is given back.
    pub(super) fn insert(&mut self, name: K, value: T) -> Option<T> {
        match self.find(name) {
            Ok(place) => Some(std::mem::replace(&mut self.entries[place].1, value)),
            Err(place) => {
                self.entries.insert(place, (name, value));
                None
            }
        }
    }

    /// Takes a thing out.
    pub(super) fn remove(&mut self, name: K) -> Option<T> {
        let place = self.find(name).ok()?;
        Some(self.entries.remove(place).1)
    }

    /// Takes all things out that do not satisfy this.
    pub(super) fn retain(&mut self, mut is_kept: impl FnMut(&T) -> bool) {
        self.entries.retain(|(_, value)| is_kept(value));
    }

    /// Whether there is nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The names in their order.
    pub(super) fn names(&self) -> impl Iterator<Item = K> {
        self.entries.iter().map(|(name, _)| *name)
    }

    /// All things in their order.
    pub(super) fn values(&self) -> impl Iterator<Item = &T> {
        self.entries.iter().map(|(_, value)| value)
    }

    /// All things in their order, to change.
    pub(super) fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.entries.iter_mut().map(|(_, value)| value)
    }

    /// All things with their names, in their order, to change.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (K, &mut T)> {
        self.entries.iter_mut().map(|(name, value)| (*name, value))
    }

    /// All things with their names, in their order.
    pub(super) fn into_entries(self) -> Vec<(K, T)> {
        self.entries
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::base::digest::mix;

    #[test]
    fn it_is_a_sorted_map_with_gaps_and_without() {
        for spread in [1, 3, 1 << 60] {
            let mut map = ByNumber::default();
            let mut oracle = BTreeMap::new();
            for step in 0..5_000_u64 {
                let word = mix(step);
                let number = (word >> 8 & 15) * spread;
                match word % 5 {
                    0 | 1 => assert_eq!(map.insert(number, step), oracle.insert(number, step)),
                    2 => assert_eq!(map.remove(number), oracle.remove(&number)),
                    3 => {
                        *map.or_default(number) += 1;
                        *oracle.entry(number).or_default() += 1;
                    }
                    _ => {
                        let odd = |value: &u64| value % 2 == 1;
                        map.retain(odd);
                        oracle.retain(|_, value| odd(value));
                    }
                }
                assert_eq!(map.get(number), oracle.get(&number));
                assert_eq!(map.get_mut(number), oracle.get_mut(&number));
                assert!(map.names().eq(oracle.keys().copied()));
                assert!(map.values().eq(oracle.values()));
            }
            assert!(map.into_entries().into_iter().eq(oracle));
        }
    }
}
