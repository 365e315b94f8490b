//! Maps from operations that are under way. A client has few at a time and numbers them in ascending order, so each client's
//! lie in a short sorted list: nothing is moved when one more begins or the oldest ends.

use crate::base::id::ClientId;

/// An operation's name: its client, and its number there.
pub(crate) type Operation = (ClientId, u64);

/// A map from operations.
#[derive(Clone, Debug)]
pub(crate) struct ByOperation<T> {
    /// In the order of clients.
    clients: Vec<(ClientId, Vec<(u64, T)>)>,
}

impl<T> Default for ByOperation<T> {
    fn default() -> Self {
        Self {
            clients: Vec::new(),
        }
    }
}

impl<T> ByOperation<T> {
    fn client(&self, client: ClientId) -> Result<usize, usize> {
        self.clients
            .binary_search_by_key(&client, |(name, _)| *name)
    }

    /// Where an operation is: the client's place, and its own in the client's list.
    fn place(&self, (client, number): Operation) -> Option<(usize, usize)> {
        let row = self.client(client).ok()?;
        let list = &self.clients[row].1;
        let place = list.binary_search_by_key(&number, |(name, _)| *name);
        Some((row, place.ok()?))
    }

    /// Adds an operation, or replaces what is known of it.
    pub(crate) fn insert(&mut self, (client, number): Operation, value: T) {
        let row = self.client(client).unwrap_or_else(|row| {
            self.clients.insert(row, (client, Vec::new()));
            row
        });
        let list = &mut self.clients[row].1;
        match list.binary_search_by_key(&number, |(name, _)| *name) {
            Ok(place) => list[place].1 = value,
            Err(place) => list.insert(place, (number, value)),
        }
    }

    /// Takes an operation out.
    pub(crate) fn remove(&mut self, operation: &Operation) -> Option<T> {
        let (row, place) = self.place(*operation)?;
        Some(self.clients[row].1.remove(place).1)
    }

    /// What is known of an operation.
    pub(crate) fn get(&self, operation: &Operation) -> Option<&T> {
        let (row, place) = self.place(*operation)?;
        Some(&self.clients[row].1[place].1)
    }

    /// What is known of an operation, to change.
    pub(crate) fn get_mut(&mut self, operation: &Operation) -> Option<&mut T> {
        let (row, place) = self.place(*operation)?;
        Some(&mut self.clients[row].1[place].1)
    }

    /// Whether an operation is there.
    pub(crate) fn contains_key(&self, operation: &Operation) -> bool {
        self.place(*operation).is_some()
    }

    /// Takes all operations of a client out that do not satisfy this.
    pub(crate) fn retain_of(&mut self, client: ClientId, mut is_kept: impl FnMut(&T) -> bool) {
        if let Ok(row) = self.client(client) {
            self.clients[row].1.retain(|(_, value)| is_kept(value));
        }
    }

    /// Takes all operations of a client out; each with its number.
    pub(crate) fn forget(&mut self, client: ClientId) -> Vec<(u64, T)> {
        match self.client(client) {
            Ok(row) => std::mem::take(&mut self.clients[row].1),
            Err(_) => Vec::new(),
        }
    }

    /// A client's operations in the order of their numbers, to change.
    pub(crate) fn of_mut(&mut self, client: ClientId) -> impl Iterator<Item = &mut T> {
        let row = self.client(client).ok();
        let list = row.map(|row| &mut self.clients[row].1);
        list.into_iter().flatten().map(|(_, value)| value)
    }

    /// A client's operations in the order of their numbers.
    pub(crate) fn of(&self, client: ClientId) -> impl Iterator<Item = &T> {
        let row = self.client(client).ok();
        let list = row.map(|row| &self.clients[row].1);
        list.into_iter().flatten().map(|(_, value)| value)
    }

    /// All operations, by client and number.
    pub(crate) fn values(&self) -> impl Iterator<Item = &T> {
        let lists = self.clients.iter().map(|(_, list)| list);
        lists.flatten().map(|(_, value)| value)
    }

    /// All operations, by client and number.
    pub(crate) fn into_values(self) -> impl Iterator<Item = T> {
        let lists = self.clients.into_iter().map(|(_, list)| list);
        lists.flatten().map(|(_, value)| value)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::base::digest::mix;

    #[test]
    fn it_is_a_map_in_the_order_of_clients_and_numbers() {
        let mut map = ByOperation::default();
        let mut oracle = BTreeMap::new();
        for step in 0..20_000_u64 {
            let word = mix(step);
            let client = ClientId(u16::try_from(word >> 8 & 3).unwrap());
            let operation = (client, word >> 16 & 7);
            match word % 8 {
                0..=2 => {
                    map.insert(operation, step);
                    oracle.insert(operation, step);
                }
                3 | 4 => assert_eq!(map.remove(&operation), oracle.remove(&operation)),
                5 if word >> 32 & 31 == 7 => {
                    map.retain_of(client, |value| value % 3 == 0);
                    oracle.retain(|(owner, _), value| *owner != client || *value % 3 == 0);
                }
                6 if word >> 32 & 31 == 7 => {
                    map.forget(client);
                    oracle.retain(|(owner, _), _| *owner != client);
                }
                _ => {
                    assert_eq!(map.get(&operation), oracle.get(&operation));
                    assert_eq!(map.get_mut(&operation), oracle.get_mut(&operation));
                    assert_eq!(
                        map.contains_key(&operation),
                        oracle.contains_key(&operation)
                    );
                    let range = (client, 0)..=(client, u64::MAX);
                    let expected: Vec<u64> = oracle.range(range).map(|(_, value)| *value).collect();
                    let found: Vec<u64> = map.of_mut(client).map(|value| *value).collect();
                    assert_eq!(found, expected);
                    assert!(map.of(client).eq(&expected));
                }
            }
            assert!(map.values().eq(oracle.values()));
        }
        assert!(map.into_values().eq(oracle.into_values()));
    }
}
