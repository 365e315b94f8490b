//! The identity of a history: a hash chain over its transactions, so that two histories are equal iff their ends are.

use std::fmt;

use super::digest::mix;
use super::zxid::Zxid;

/// Where a history ends: its chain hash, its length and its last transaction (zab.md §11.1, "history tree").
///
/// A hole, a duplicate or a swapped transaction changes the hash at once. Servers carry one with their tree and log as
/// ghost state; checkers compute their own and compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lineage {
    /// Number of transactions.
    pub depth: u64,
    /// Hash of the whole chain.
    pub hash: u64,
    /// The last transaction, or [`Zxid::ZERO`] when empty; never a label.
    pub last: Zxid,
}

impl Lineage {
    /// The history without transactions.
    pub const EMPTY: Self = Self {
        depth: 0,
        hash: 0x6c69_6e65_6167_6530,
        last: Zxid::ZERO,
    };

    /// The history continued by one transaction.
    #[must_use]
    pub fn push(self, zxid: Zxid, digest: u64) -> Self {
        let hash =
            mix(mix(self.hash ^ zxid.0.wrapping_mul(0x9e37_79b9_7f4a_7c15)).wrapping_add(digest));
        Self {
            depth: self.depth + 1,
            hash,
            last: zxid,
        }
    }
}

impl Default for Lineage {
    fn default() -> Self {
        Self::EMPTY
    }
}

impl fmt::Display for Lineage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} ({} txns, {:08x})",
            self.last,
            self.depth,
            self.hash >> 32
        )
    }
}
