//! Transaction ids: an epoch in the high half, a counter in the low half (`ZxidUtils`, zab.md §1.2).

use std::fmt;

/// The number of a leader's reign (`e` in the paper); 0 before any leader.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(pub u32);

/// A ZooKeeper transaction id, ordered as the integer it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Zxid(pub u64);

impl Epoch {
    /// The epoch after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl Zxid {
    /// Before the first transaction ever.
    pub const ZERO: Self = Self(0);

    /// Puts an epoch and a counter together.
    pub fn new(epoch: Epoch, counter: u32) -> Self {
        Self(u64::from(epoch.0) << 32 | u64::from(counter))
    }

    /// The position `(e, 0)` at which a leader of `epoch` starts: a label, never a transaction.
    pub fn label(epoch: Epoch) -> Self {
        Self::new(epoch, 0)
    }

    /// The high half.
    pub fn epoch(self) -> Epoch {
        Epoch((self.0 >> 32) as u32)
    }

    /// The low half.
    #[expect(clippy::cast_possible_truncation, reason = "the low half is meant")]
    pub fn counter(self) -> u32 {
        self.0 as u32
    }

    /// Whether this is a label `(e, 0)` and no transaction.
    pub fn is_label(self) -> bool {
        self.counter() == 0
    }

    /// The next transaction of the same epoch.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// Whether a history may continue with `self` right after `previous`: the next counter of the same epoch, or the
    /// first transaction of a later one (local and global primary order, zab.md S3 and S4).
    pub fn follows(self, previous: Self) -> bool {
        if self.epoch() == previous.epoch() {
            self.0 == previous.0 + 1
        } else {
            self.epoch() > previous.epoch() && self.counter() == 1
        }
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl fmt::Display for Zxid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.epoch().0, self.counter())
    }
}
