//! What waits for its answer, by client and number. Numbers of a client rise and few wait at a time, so each client has a short sorted
//! list: nearly every monitor keeps one of these and asks it twice an operation.

use std::collections::BTreeMap;

use crate::base::id::ClientId;

/// One `T` for every operation that waits.
#[derive(Clone, Debug)]
pub struct Pending<T>(BTreeMap<ClientId, Vec<(u64, T)>>);

impl<T> Default for Pending<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<T> Pending<T> {
    /// An operation waits from now on; what waited under its number is gone.
    pub fn insert(&mut self, (client, op): (ClientId, u64), what: T) {
        let waiting = self.0.entry(client).or_default();
        match waiting.binary_search_by_key(&op, |(op, _)| *op) {
            Ok(at) => waiting[at].1 = what,
            Err(at) => waiting.insert(at, (op, what)),
        }
    }

    /// An operation waits no longer.
    pub fn remove(&mut self, (client, op): (ClientId, u64)) -> Option<T> {
        let waiting = self.0.get_mut(&client)?;
        let at = waiting.binary_search_by_key(&op, |(op, _)| *op).ok()?;
        Some(waiting.remove(at).1)
    }

    /// What waits of the same client under smaller numbers.
    pub fn before(&self, (client, op): (ClientId, u64)) -> impl Iterator<Item = &T> {
        let waiting = self.0.get(&client).into_iter().flatten();
        let earlier = waiting.take_while(move |(other, _)| *other < op);
        earlier.map(|(_, what)| what)
    }

    /// Nothing of this client waits any longer; what did.
    pub fn forget(&mut self, client: ClientId) -> Vec<(u64, T)> {
        self.0.remove(&client).unwrap_or_default()
    }

    /// Everything that waits, by client and number.
    pub fn values(&self) -> impl Iterator<Item = &T> {
        self.0.values().flatten().map(|(_, what)| what)
    }

    /// Everything that waited, by client and number.
    pub fn into_values(self) -> impl Iterator<Item = T> {
        self.0.into_values().flatten().map(|(_, what)| what)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::digest::mix;

    #[test]
    fn waits_as_a_sorted_map_would() {
        let mut pending = Pending::default();
        let mut oracle = BTreeMap::new();
        for step in 0..20_000 {
            let word = mix(step);
            let client = ClientId(u16::try_from(word % 3).unwrap());
            let op = (client, word >> 8 & 15);
            match word >> 16 & 7 {
                0..=2 => {
                    pending.insert(op, step);
                    oracle.insert(op, step);
                }
                3..=5 => assert_eq!(pending.remove(op), oracle.remove(&op)),
                6 => {
                    let earlier = oracle.range((client, 0)..op).map(|(_, what)| what);
                    assert!(pending.before(op).eq(earlier));
                }
                _ if word >> 24 & 15 == 0 => {
                    pending.forget(client);
                    oracle.retain(|(owner, _), _| *owner != client);
                }
                _ => assert!(pending.values().eq(oracle.values())),
            }
        }
        assert!(pending.into_values().eq(oracle.into_values()));
    }
}
