use crate::base::id::NodeId;
use crate::base::rng::{Domain, Key, Seed};
use crate::base::time::LocalTime;
use crate::sim::process::Cx;

/// What a client on node 9 knows at `ms` on its clock.
pub(in crate::client) fn cx_at(ms: u64) -> Cx {
    Cx {
        now: LocalTime(ms * 1_000_000),
        wall_ms: ms,
        me: NodeId(9),
        key: Key::derive(Seed(1), Domain::Process),
        bucket: ms / 50,
    }
}
