//! Maps from paths, which only grow: open addressing without randomness. A run has many znodes, and every answer asks for some; in a
//! sorted map each step of such a search reads another path somewhere in memory.

use std::hash::Hasher;
use std::sync::Arc;

use super::slots::Slots;
use crate::base::digest::Digest;
use crate::history::op::Path;

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
    let mut digest = Digest::default();
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

    /// A path as it is kept here, or anew.
    pub(super) fn name(&self, path: &str) -> Path {
        match self.find(hash(path), path) {
            Some(place) => Arc::clone(&self.entries[place].0),
            None => Path::from(path),
        }
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
        let hashed = hash(path);
        let place = self.find(hashed, path).unwrap_or_else(|| {
            let place = self.entries.len();
            self.entries.push((Arc::clone(path), begin()));
            let hash_of = |place: usize| hash(&self.entries[place].0);
            self.slots.put(hashed, place, hash_of);
            place
        });
        &mut self.entries[place].1
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
