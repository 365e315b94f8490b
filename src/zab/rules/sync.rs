//! Design choices of synchronisation, each read at exactly one place; the first variant is the correct one.

/// All of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct SyncRules {}
