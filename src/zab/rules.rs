//! The design choices of the protocol, each read at exactly one place. The first variant of each is the correct one
//! (zab.md §16.1); the others are designs that fail, switched on by `mutant`.

/// All choices together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Rules {
    /// Which sets of voters decide.
    pub quorum: QuorumRule,
}

/// Which sets of voters decide.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum QuorumRule {
    /// More than half.
    #[default]
    Majority,
    /// floor(n/2) servers: two quorums need not meet.
    HalfRoundedDown,
}
