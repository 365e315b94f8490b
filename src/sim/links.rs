//! Connections by name. Each dialler hands out ascending names, so that its connections lie in a sorted list of their own:
//! a name that is sought is where it would be had none of them ended, or is found by halving.

use std::ops::Index;

use super::process::Conn;
use crate::base::id::NodeId;

/// Where the dialler stands in a name; its lives and their connections are counted below.
const DIALLER_SHIFT: u32 = 44;

/// Where the dialler's life stands in a name.
const LIFE_SHIFT: u32 = 24;

/// The name of the first connection that a node dials in a life.
pub(super) fn first_name(dialler: NodeId, life: u32) -> u64 {
    u64::from(dialler.0) << DIALLER_SHIFT | u64::from(life) << LIFE_SHIFT
}

/// A map from the names of connections.
#[derive(Clone, Debug)]
pub(super) struct Links<T> {
    /// By dialler.
    rows: Vec<Row<T>>,
}

/// The connections of one dialler, in the order of their names.
#[derive(Clone, Debug)]
struct Row<T> {
    /// The name of the first, if there is any.
    first: Conn,
    list: Vec<Named<T>>,
}

/// A connection and its name, in a cache line of its own.
#[derive(Clone, Debug)]
#[repr(align(64))]
struct Named<T> {
    name: Conn,
    link: T,
}

#[inline]
fn dialler_of(conn: Conn) -> usize {
    usize::try_from(conn.0 >> DIALLER_SHIFT).expect("20 bits")
}

impl<T> Row<T> {
    /// No connections.
    const fn new() -> Self {
        Self {
            first: Conn(0),
            list: Vec::new(),
        }
    }

    /// Where a connection is.
    #[inline]
    fn place_of(&self, name: Conn) -> Option<usize> {
        let guess = usize::try_from(name.0.wrapping_sub(self.first.0)).unwrap_or(usize::MAX);
        match self.list.get(guess) {
            Some(found) if found.name == name => Some(guess),
            _ => self.search(name).ok(),
        }
    }

    /// Where a connection is or would be.
    fn search(&self, name: Conn) -> Result<usize, usize> {
        self.list.binary_search_by_key(&name, |found| found.name)
    }

    /// Looks again which is the first.
    fn note_first(&mut self) {
        if let Some(first) = self.list.first() {
            self.first = first.name;
        }
    }
}

impl<T> Links<T> {
    /// No connections.
    pub(super) const fn new() -> Self {
        Self { rows: Vec::new() }
    }

    /// Whether there is a connection of this name.
    #[inline]
    pub(super) fn has(&self, conn: Conn) -> bool {
        self.get(conn).is_some()
    }

    /// The connection of this name.
    #[inline]
    pub(super) fn get(&self, conn: Conn) -> Option<&T> {
        let row = self.rows.get(dialler_of(conn))?;
        Some(&row.list[row.place_of(conn)?].link)
    }

    /// The connection of this name, to change.
    #[inline]
    pub(super) fn get_mut(&mut self, conn: Conn) -> Option<&mut T> {
        let row = self.rows.get_mut(dialler_of(conn))?;
        let place = row.place_of(conn)?;
        Some(&mut row.list[place].link)
    }

    /// Adds a connection.
    ///
    /// # Panics
    /// If there is one of this name.
    pub(super) fn insert(&mut self, conn: Conn, link: T) {
        let index = dialler_of(conn);
        if self.rows.len() <= index {
            self.rows.resize_with(index + 1, Row::new);
        }
        let row = &mut self.rows[index];
        let place = row
            .search(conn)
            .expect_err("a connection's name is used once");
        row.list.insert(place, Named { name: conn, link });
        row.note_first();
    }

    /// Forgets a connection.
    pub(super) fn remove(&mut self, conn: Conn) {
        if let Some(row) = self.rows.get_mut(dialler_of(conn))
            && let Some(place) = row.place_of(conn)
        {
            row.list.remove(place);
            row.note_first();
        }
    }

    /// All connections, in the order of their names.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Conn, &T)> {
        let named = self.rows.iter().flat_map(|row| &row.list);
        named.map(|found| (found.name, &found.link))
    }
}

impl<T> Index<Conn> for Links<T> {
    type Output = T;

    fn index(&self, conn: Conn) -> &T {
        self.get(conn).expect("a connection that exists")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::base::digest::mix;

    #[test]
    fn it_is_a_map_in_the_order_of_names() {
        let mut links = Links::new();
        let mut oracle = BTreeMap::new();
        let mut next = [first_name(NodeId(1), 1), first_name(NodeId(3), 7)];
        for step in 0..5_000 {
            let word = mix(step);
            let dialler = usize::from(word >> 8 & 1 == 1);
            let known = next[dialler] - (word >> 16 & 63).min(next[dialler] & 0xff_ffff);
            match word % 4 {
                0 | 1 => {
                    links.insert(Conn(next[dialler]), step);
                    oracle.insert(Conn(next[dialler]), step);
                    next[dialler] += 1;
                }
                2 => {
                    links.remove(Conn(known));
                    oracle.remove(&Conn(known));
                }
                _ => {
                    assert_eq!(links.get(Conn(known)), oracle.get(&Conn(known)));
                    assert_eq!(links.get_mut(Conn(known)), oracle.get_mut(&Conn(known)));
                    assert_eq!(links.has(Conn(known)), oracle.contains_key(&Conn(known)));
                }
            }
        }
        let listed: Vec<_> = links.iter().map(|(conn, link)| (conn, *link)).collect();
        assert_eq!(listed, oracle.into_iter().collect::<Vec<_>>());
    }

    #[test]
    #[should_panic(expected = "used once")]
    fn a_name_is_used_once() {
        let mut links = Links::new();
        links.insert(Conn(7), ());
        links.insert(Conn(7), ());
    }
}
