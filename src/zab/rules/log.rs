//! Design choices of log, snapshots and recovery, each read at exactly one place; the first variant is the correct one.

/// All of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct LogRules {}
