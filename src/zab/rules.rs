//! The design choices of the protocol, each read at exactly one place. The first variant of each is the correct one
//! (zab.md §16.1); the others are designs that fail, switched on by `mutant`.

/// All choices together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Rules {
    /// Which sets of voters decide.
    pub quorum: QuorumRule,
    /// What a conditional setData compares.
    pub set_data: SetDataRule,
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

/// What a conditional setData compares.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SetDataRule {
    /// The version the client gave with the znode's.
    ComparesVersion,
    /// Nothing: last writer wins.
    IgnoresVersion,
}
