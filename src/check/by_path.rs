//! Maps from paths, which only grow: open addressing without randomness. A run has many znodes, and every answer asks for some; in a
//! sorted map each step of such a search reads another path somewhere in memory.

use std::hash::Hasher;
use std::sync::Arc;

use super::slots::Slots;
use crate::base::digest::QuickDigest;
use crate::history::op::Path;

/// A path's number in its map: how many others came before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct PathNumber(u32);

impl PathNumber {
    fn of(place: usize) -> Self {
        Self(u32::try_from(place).expect("memory holds fewer than 2^32 paths"))
    }

    /// The same as a place in a list.
    pub(super) fn place(self) -> usize {
        self.0 as usize
    }
}

/// A map from paths.
#[derive(Clone, Debug)]
pub(super) struct ByPath<T> {
    entries: Vec<(Path, T)>,
    slots: Slots,
}

impl<T> Default for ByPath<T> {
    fn default() -> Self {
        Self {
            entries: Vec::new(),
            slots: Slots::default(),
        }
    }
}

fn hash(path: &str) -> u64 {
    let mut digest = QuickDigest::default();
    digest.write(path.as_bytes());
    digest.value()
}

impl<T> ByPath<T> {
    fn find(&self, hash: u64, path: &str) -> Option<usize> {
        let is_it = |place: usize| *self.entries[place].0 == *path;
        self.slots.find(hash, is_it)
    }

    /// What is known of a path.
    pub(super) fn get(&self, path: &str) -> Option<&T> {
        let place = self.find(hash(path), path)?;
        Some(&self.entries[place].1)
    }

    /// The number of a path of which something is known.
    pub(super) fn number(&self, path: &str) -> Option<PathNumber> {
        self.find(hash(path), path).map(PathNumber::of)
    }

    /// A path of which something is known.
    pub(super) fn path(&self, number: PathNumber) -> &Path {
        &self.entries[number.place()].0
    }

    /// What is known of it.
    pub(super) fn at(&self, number: PathNumber) -> &T {
        &self.entries[number.place()].1
    }

    /// What is known of it, to change.
    pub(super) fn at_mut(&mut self, number: PathNumber) -> &mut T {
        &mut self.entries[number.place()].1
    }

    /// What is known of any path, in the order in which they became known.
    pub(super) fn values(&self) -> impl Iterator<Item = &T> {
        self.entries.iter().map(|(_, value)| value)
    }

    /// What is known of a path, to change.
    pub(super) fn get_mut(&mut self, path: &str) -> Option<&mut T> {
        let place = self.find(hash(path), path)?;
        Some(&mut self.entries[place].1)
    }

    /// What is known of a path, which begins like this if nothing is.
    pub(super) fn or_insert_with(&mut self, path: &Path, begin: impl FnOnce() -> T) -> &mut T {
        let number = self.number_or_insert_with(path, begin);
        self.at_mut(number)
    }

    /// The number of a path, of which this is known if nothing was.
    pub(super) fn number_or_insert_with(
        &mut self,
        path: &Path,
        begin: impl FnOnce() -> T,
    ) -> PathNumber {
        let hashed = hash(path);
        let place = self.find(hashed, path);
        let place = place.unwrap_or_else(|| self.push(hashed, Arc::clone(path), begin()));
        PathNumber::of(place)
    }

    /// Adds a path of which nothing is known.
    pub(super) fn add(&mut self, path: Path, value: T) -> PathNumber {
        let hashed = hash(&path);
        PathNumber::of(self.push(hashed, path, value))
    }

    fn push(&mut self, hashed: u64, path: Path, value: T) -> usize {
        let place = self.entries.len();
        self.entries.push((path, value));
        let hash_of = |place: usize| hash(&self.entries[place].0);
        self.slots.put(hashed, place, hash_of);
        place
    }

    /// What is known of a path, which begins with nothing.
    pub(super) fn or_default(&mut self, path: &Path) -> &mut T
    where
        T: Default,
    {
        self.or_insert_with(path, T::default)
    }

    /// The same of a path that is part of another one.
    pub(super) fn part_or_default(&mut self, path: &str) -> &mut T
    where
        T: Default,
    {
        match self.find(hash(path), path) {
            Some(place) => &mut self.entries[place].1,
            None => self.or_default(&Path::from(path)),
        }
    }

    /// All paths, in their order.
    pub(super) fn paths(&self) -> Vec<Path> {
        let paths = self.entries.iter().map(|(path, _)| Arc::clone(path));
        let mut paths: Vec<Path> = paths.collect();
        paths.sort_unstable();
        paths
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::base::digest::mix;

    #[test]
    fn it_is_a_map_whose_paths_come_in_order() {
        let mut map: ByPath<u64> = ByPath::default();
        let mut oracle = BTreeMap::new();
        assert_eq!(map.get("/"), None);
        for step in 0..20_000_u64 {
            let word = mix(step);
            let path = Path::from(format!("/{}", word >> 8 & 2047));
            if word & 1 == 0 {
                *map.or_default(&path) += step;
                *oracle.entry(path).or_default() += step;
            } else {
                assert_eq!(map.get(&path), oracle.get(&path));
                assert_eq!(map.get_mut(&path), oracle.get_mut(&path));
            }
        }
        assert_eq!(map.paths(), oracle.into_keys().collect::<Vec<_>>());
    }
}
