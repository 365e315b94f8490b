//! Names of the things in a run; newtypes, so that a server can never be passed where a client is meant.

use std::fmt;

/// A machine of the simulated world, 1-based; servers come first (`NodeId` equals the sid), clients follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub u16);

/// A server's id (`myid`, "sid" in ZooKeeper), 1-based and at most [`ServerSet::MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerId(pub u8);

/// A simulated client process, 1-based.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId(pub u16);

/// A ZooKeeper session id (`SessionTrackerImpl`): the creating server's sid in the high byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub u64);

/// The ordinal of an event in a run, from 1; evidence in violations refers to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId(pub u64);

impl SessionId {
    /// "No session": what a client that has none yet sends, and what a refused client is answered.
    pub const NONE: Self = Self(0);
}

impl From<ServerId> for NodeId {
    fn from(server: ServerId) -> Self {
        Self(u16::from(server.0))
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "n{}", self.0)
    }
}

impl fmt::Display for ServerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "c{}", self.0)
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x{:x}", self.0)
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A set of servers as a bit set; iterates in id order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerSet(u64);

impl ServerSet {
    /// The largest sid a set can hold.
    pub const MAX: u8 = 63;

    /// The empty set.
    pub const EMPTY: Self = Self(0);

    /// Adds a server; returns whether it was new.
    pub fn insert(&mut self, server: ServerId) -> bool {
        assert!(
            server.0 <= Self::MAX,
            "sid {server} does not fit a ServerSet"
        );
        let before = self.0;
        self.0 |= 1 << server.0;
        self.0 != before
    }

    /// Removes a server; returns whether it was present.
    pub fn remove(&mut self, server: ServerId) -> bool {
        let before = self.0;
        self.0 &= !(1 << server.0);
        self.0 != before
    }

    /// Whether the server is in the set.
    pub fn contains(self, server: ServerId) -> bool {
        self.0 >> server.0 & 1 == 1
    }

    /// How many servers are in the set.
    pub fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// Whether the set is empty.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether every member of `self` is in `other`.
    pub fn is_subset(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }

    /// The members in id order.
    pub fn iter(self) -> impl Iterator<Item = ServerId> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let least = u8::try_from(rest.trailing_zeros()).expect("a word has few bits");
            let more = rest.checked_sub(1)?;
            rest &= more;
            Some(ServerId(least))
        })
    }
}

impl FromIterator<ServerId> for ServerSet {
    fn from_iter<T: IntoIterator<Item = ServerId>>(servers: T) -> Self {
        let mut set = Self::EMPTY;
        for server in servers {
            set.insert(server);
        }
        set
    }
}

impl fmt::Display for ServerSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<String> = self.iter().map(|server| server.to_string()).collect();
        write!(f, "{{{}}}", names.join(","))
    }
}
