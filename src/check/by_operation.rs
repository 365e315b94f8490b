//! Maps from operations that are under way. A client has few at a time and numbers them in ascending order, so each client's
//! lie in a short sorted list.

use super::numbered::ByNumber;
use crate::base::id::ClientId;

/// An operation's name: its client, and its number there.
pub(crate) type Operation = (ClientId, u64);

/// A map from operations.
#[derive(Clone, Debug)]
pub(crate) struct ByOperation<T> {
    clients: ByNumber<ClientId, ByNumber<u64, T>>,
}

impl<T> Default for ByOperation<T> {
    fn default() -> Self {
        Self {
            clients: ByNumber::default(),
        }
    }
}

impl<T> ByOperation<T> {
    /// Adds an operation, or replaces what is known of it.
    pub(crate) fn insert(&mut self, (client, number): Operation, value: T) {
        self.clients.or_default(client).insert(number, value);
    }

    /// Takes an operation out.
    pub(crate) fn remove(&mut self, (client, number): &Operation) -> Option<T> {
        self.clients.get_mut(*client)?.remove(*number)
    }

    /// What is known of an operation.
    pub(crate) fn get(&self, (client, number): &Operation) -> Option<&T> {
        self.clients.get(*client)?.get(*number)
    }

    /// What is known of an operation, to change.
    pub(crate) fn get_mut(&mut self, (client, number): &Operation) -> Option<&mut T> {
        self.clients.get_mut(*client)?.get_mut(*number)
    }

    /// Whether an operation is there.
    pub(crate) fn contains_key(&self, operation: &Operation) -> bool {
        self.get(operation).is_some()
    }

    /// Takes all operations of a client out that do not satisfy this.
    pub(crate) fn retain_of(&mut self, client: ClientId, is_kept: impl FnMut(&T) -> bool) {
        if let Some(list) = self.clients.get_mut(client) {
            list.retain(is_kept);
        }
    }

    /// Takes all operations of a client out; each with its number.
    pub(crate) fn forget(&mut self, client: ClientId) -> Vec<(u64, T)> {
        let list = self.clients.get_mut(client).map(std::mem::take);
        list.map_or_else(Vec::new, ByNumber::into_entries)
    }

    /// A client's operations in the order of their numbers, to change.
    pub(crate) fn of_mut(&mut self, client: ClientId) -> impl Iterator<Item = &mut T> {
        let list = self.clients.get_mut(client).into_iter();
        list.flat_map(ByNumber::values_mut)
    }

    /// A client's operations in the order of their numbers.
    pub(crate) fn of(&self, client: ClientId) -> impl Iterator<Item = &T> {
        self.clients
            .get(client)
            .into_iter()
            .flat_map(ByNumber::values)
    }

    /// All operations, by client and number.
    pub(crate) fn values(&self) -> impl Iterator<Item = &T> {
        self.clients.values().flat_map(ByNumber::values)
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
    }
}
