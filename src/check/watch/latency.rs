//! How long events are on their way (dst.md §5.7, W11): reported, never a failure.

use std::collections::BTreeMap;

use crate::base::time::Time;

/// How long after the commit of a change its events reached those who watched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WatchLatency {
    /// Events of a setWatches: what they tell may have happened at any time of the gap.
    pub caught_up: u64,
    /// The other events that were owed, by milliseconds since the commit, rounded down.
    pub ms: BTreeMap<u64, u64>,
}

impl WatchLatency {
    /// Events that were owed and told.
    pub fn events(&self) -> u64 {
        self.ms.values().sum()
    }

    pub(super) fn count(&mut self, committed: Time, told: Time) {
        *self.ms.entry(told.since(committed).as_ms()).or_default() += 1;
    }
}
