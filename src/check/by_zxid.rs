//! Maps from zxids. Transactions become known nearly in order, and the newest are asked for most: the entries lie in one sorted queue,
//! and no entry lies further from its end than its zxid does from the last one. An entry that comes late moves those behind it.

use std::collections::VecDeque;
use std::ops::RangeBounds;

use crate::base::zxid::Zxid;

/// Within this distance of the last zxid it costs little to look first where the entry would stand if no zxid was left out.
const NEAR: usize = 64;

/// What is known by zxid.
#[derive(Clone, Debug)]
pub(crate) struct ByZxid<T> {
    /// In ascending order.
    entries: VecDeque<(Zxid, T)>,
}

impl<T> Default for ByZxid<T> {
    fn default() -> Self {
        Self {
            entries: VecDeque::new(),
        }
    }
}

impl<T> ByZxid<T> {
    /// Where an entry stands, or where it would.
    #[inline]
    fn find(&self, zxid: Zxid) -> Result<usize, usize> {
        let count = self.entries.len();
        let Some((last, _)) = self.entries.back() else {
            return Err(0);
        };
        let Some(back) = last.0.checked_sub(zxid.0) else {
            return Err(count);
        };
        // Zxids differ by one at least, and by no more where nothing was left out.
        let back = usize::try_from(back).unwrap_or(usize::MAX);
        let low = (count - 1).saturating_sub(back);
        if (back < NEAR || self.is_dense(*last)) && self.entries[low].0 == zxid {
            return Ok(low);
        }
        self.search(zxid, low)
    }

    /// Searches from the end: strides grow from there, as it is probably near. It is no earlier than `low`.
    fn search(&self, zxid: Zxid, mut low: usize) -> Result<usize, usize> {
        let (mut high, mut stride) = (self.entries.len(), 1);
        while high - low > stride {
            let probe = high - stride;
            if self.entries[probe].0 <= zxid {
                low = probe;
                break;
            }
            high = probe;
            stride *= 2;
        }
        while low < high {
            let middle = low + (high - low) / 2;
            match self.entries[middle].0.cmp(&zxid) {
                std::cmp::Ordering::Equal => return Ok(middle),
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        Err(low)
    }

    /// Whether little was left out, so that entries stand where they would if nothing was.
    fn is_dense(&self, last: Zxid) -> bool {
        let first = self.entries.front().map_or(0, |(first, _)| first.0);
        last.0 - first < 2 * self.entries.len() as u64
    }

    /// How many entries there are.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The entry of a zxid.
    #[inline]
    pub(crate) fn get(&self, zxid: Zxid) -> Option<&T> {
        let place = self.find(zxid).ok()?;
        Some(&self.entries[place].1)
    }

    /// The entry of a zxid, to be changed.
    #[inline]
    pub(crate) fn get_mut(&mut self, zxid: Zxid) -> Option<&mut T> {
        let place = self.find(zxid).ok()?;
        Some(&mut self.entries[place].1)
    }

    /// Whether there is an entry of this zxid.
    pub(crate) fn contains(&self, zxid: Zxid) -> bool {
        self.find(zxid).is_ok()
    }

    /// Sets an entry; an earlier one of the same zxid is gone.
    pub(crate) fn insert(&mut self, zxid: Zxid, value: T) {
        match self.find(zxid) {
            Ok(place) => self.entries[place].1 = value,
            Err(place) => self.put(place, zxid, value),
        }
    }

    /// The entry of a zxid, made if there is none.
    pub(crate) fn or_insert_with(&mut self, zxid: Zxid, value: impl FnOnce() -> T) -> &mut T {
        let place = match self.find(zxid) {
            Ok(place) => place,
            Err(place) => {
                self.put(place, zxid, value());
                place
            }
        };
        &mut self.entries[place].1
    }

    fn put(&mut self, place: usize, zxid: Zxid, value: T) {
        if place == self.entries.len() {
            self.entries.push_back((zxid, value));
        } else {
            self.entries.insert(place, (zxid, value));
        }
    }

    /// Takes an entry out.
    pub(crate) fn remove(&mut self, zxid: Zxid) -> Option<T> {
        let place = self.find(zxid).ok()?;
        Some(self.entries.remove(place)?.1)
    }

    /// The earliest entry.
    pub(crate) fn first(&self) -> Option<(Zxid, &T)> {
        self.entries.front().map(|(zxid, value)| (*zxid, value))
    }

    /// Takes the earliest entry out.
    pub(crate) fn pop_first(&mut self) -> Option<(Zxid, T)> {
        self.entries.pop_front()
    }

    /// Takes out what lies before a zxid.
    pub(crate) fn forget_before(&mut self, zxid: Zxid) {
        let (Ok(place) | Err(place)) = self.find(zxid);
        self.entries.drain(..place);
    }

    /// The earliest entry at or after a zxid.
    pub(crate) fn first_from(&self, zxid: Zxid) -> Option<(Zxid, &T)> {
        self.from(zxid).next()
    }

    /// The entries at or after a zxid, in order.
    pub(crate) fn from(&self, zxid: Zxid) -> impl DoubleEndedIterator<Item = (Zxid, &T)> {
        let (Ok(place) | Err(place)) = self.find(zxid);
        self.within(place..)
    }

    /// The entries before a zxid, in order.
    pub(crate) fn before(&self, zxid: Zxid) -> impl DoubleEndedIterator<Item = (Zxid, &T)> {
        let (Ok(place) | Err(place)) = self.find(zxid);
        self.within(..place)
    }

    /// All entries, in order.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = (Zxid, &T)> {
        self.within(..)
    }

    fn within(
        &self,
        places: impl RangeBounds<usize>,
    ) -> impl DoubleEndedIterator<Item = (Zxid, &T)> {
        let entries = self.entries.range(places);
        entries.map(|(zxid, value)| (*zxid, value))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::base::digest::mix;
    use crate::base::zxid::Epoch;

    /// Zxids of some epochs, dense and with gaps, most of them near the last.
    fn draw(round: u64) -> Zxid {
        let seed = mix(round);
        let epoch = u32::try_from(1 + round / 500 - seed % 2 * (round / 900)).unwrap();
        let counter = u32::try_from((round % 500) / (1 + seed % 2) + mix(seed) % 7).unwrap();
        Zxid::new(Epoch(epoch), counter)
    }

    #[test]
    fn it_answers_as_a_sorted_map_does() {
        let mut map = ByZxid::default();
        let mut model = BTreeMap::new();
        for round in 0..4_000 {
            let (zxid, other) = (draw(round), draw(mix(round) % (round + 1)));
            match mix(round + 7) % 5 {
                0 | 1 => {
                    map.insert(zxid, round);
                    model.insert(zxid, round);
                }
                2 => {
                    let entry = model.entry(zxid).or_insert(round);
                    assert_eq!(map.or_insert_with(zxid, || round), entry);
                }
                3 => assert_eq!(map.remove(other), model.remove(&other)),
                _ if round % 37 == 0 => {
                    map.forget_before(other);
                    model = model.split_off(&other);
                }
                _ => {}
            }
            assert_eq!(map.get(other), model.get(&other));
            assert_eq!(map.contains(zxid), model.contains_key(&zxid));
            let next = model.range(other..).next();
            let next = next.map(|(zxid, value)| (*zxid, value));
            assert_eq!(map.first_from(other), next);
            let before = model.range(..other).next_back();
            let before = before.map(|(zxid, value)| (*zxid, value));
            assert_eq!(map.before(other).next_back(), before);
            assert_eq!(map.len(), model.len());
        }
        let pairs: Vec<_> = map.iter().map(|(zxid, value)| (zxid, *value)).collect();
        assert_eq!(pairs, model.into_iter().collect::<Vec<_>>());
        assert!(pairs.len() > 500, "{}", pairs.len());
        assert_eq!(map.pop_first(), Some(pairs[0]));
        assert_eq!(map.first().map(|(zxid, _)| zxid), Some(pairs[1].0));
        assert!(!map.is_empty());
    }
}
