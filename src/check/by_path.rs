//! Maps from paths, which only grow: open addressing without randomness. A run has many znodes, and every answer asks for some; in a
//! sorted map each step of such a search reads another path somewhere in memory.

use std::hash::Hasher;
use std::sync::Arc;

use crate::base::digest::Digest;
use crate::history::op::Path;

/// A map from paths.
#[derive(Clone, Debug)]
pub(super) struct ByPath<T> {
    entries: Vec<(Path, T)>,
    /// Place of an entry + 1, or 0 where free; none, or a power of two many.
    slots: Vec<u32>,
}

impl<T> Default for ByPath<T> {
    fn default() -> Self {
        Self {
            entries: Vec::new(),
            slots: Vec::new(),
        }
    }
}

/// How many slots the first entry makes.
const FIRST: usize = 16;

#[expect(
    clippy::cast_possible_truncation,
    reason = "the low bits of a digest are as good as the high ones"
)]
fn hash(path: &str) -> usize {
    let mut digest = Digest::default();
    digest.write(path.as_bytes());
    digest.value() as usize
}

impl<T> ByPath<T> {
    /// The place of a path's entry, or the free slot where it belongs.
    fn find(&self, path: &str) -> Result<usize, usize> {
        let last = self.slots.len().wrapping_sub(1);
        let mut slot = hash(path) & last;
        loop {
            match self.slots.get(slot) {
                None | Some(0) => return Err(slot),
                Some(place) if *self.entries[*place as usize - 1].0 == *path => {
                    return Ok(*place as usize - 1);
                }
                Some(_) => slot = (slot + 1) & last,
            }
        }
    }

    /// Twice as many slots.
    fn grow(&mut self) {
        let slots = (self.slots.len() * 2).max(FIRST);
        self.slots = vec![0; slots];
        for (place, (path, _)) in (1..).zip(&self.entries) {
            let mut slot = hash(path) & (slots - 1);
            while self.slots[slot] != 0 {
                slot = (slot + 1) & (slots - 1);
            }
            self.slots[slot] = place;
        }
    }

    /// What is known of a path.
    pub(super) fn get(&self, path: &str) -> Option<&T> {
        let place = self.find(path).ok()?;
        Some(&self.entries[place].1)
    }

    /// What is known of a path, to change.
    pub(super) fn get_mut(&mut self, path: &str) -> Option<&mut T> {
        let place = self.find(path).ok()?;
        Some(&mut self.entries[place].1)
    }

    /// What is known of a path, which begins like this if nothing is.
    pub(super) fn or_insert_with(&mut self, path: &Path, begin: impl FnOnce() -> T) -> &mut T {
        if self.slots.len() < (self.entries.len() + 1) * 2 {
            self.grow();
        }
        let place = match self.find(path) {
            Ok(place) => place,
            Err(slot) => {
                self.entries.push((Arc::clone(path), begin()));
                let count = u32::try_from(self.entries.len());
                self.slots[slot] = count.expect("memory holds fewer than 2^32 paths");
                self.entries.len() - 1
            }
        };
        &mut self.entries[place].1
    }

    /// What is known of a path, which begins with nothing.
    pub(super) fn or_default(&mut self, path: &Path) -> &mut T
    where
        T: Default,
    {
        self.or_insert_with(path, T::default)
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
