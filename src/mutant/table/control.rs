//! What is odd, but no defect: nothing here may ever be flagged.

use super::{Built, Defect, Hunt, Kind, Layer};
use crate::tree::rules::SnapshotHolds;
use crate::zab::rules::broadcast::{AckOrder, CommitOrder};

pub(super) const DEFECTS: [Defect; 3] = [
    Defect {
        id: "commit-without-order-test",
        layer: Layer::Broadcast,
        kind: Kind::Control {
            legal: "acks of one server arrive in order, so a proposal never has a quorum before its predecessor",
        },
        story: "The leader commits whatever has a quorum of acks, without looking whether the proposal before it has one. Nothing can come of that: every server acknowledges in the order of the log, over one connection at a time.",
        built: Built::Rule(|rules| rules.broadcast.order = CommitOrder::AsAcknowledged),
        hunt: Hunt::SWARM,
    },
    Defect {
        id: "acks-newest-first",
        layer: Layer::Broadcast,
        kind: Kind::Control {
            legal: "an ack says that everything up to its zxid is on disk, and the leader commits in order",
        },
        story: "Followers acknowledge the records of one fsync in the reverse order. Each ack is true, and the leader waits for the oldest proposal anyway.",
        built: Built::Rule(|rules| rules.broadcast.acks = AckOrder::NewestFirst),
        hunt: Hunt::SWARM,
    },
    Defect {
        id: "fuzzy-snapshot",
        layer: Layer::StateMachine,
        kind: Kind::Control {
            legal: "doing a transaction twice leaves what doing it once leaves",
        },
        story: "A snapshot bears the zxid at which it was begun and holds transactions that were applied while it was written, as ZooKeeper's do. What is replayed after a start is partly in it already, which changes nothing.",
        built: Built::Rule(|rules| rules.tree.snapshot = SnapshotHolds::LaterToo),
        hunt: Hunt {
            family: "swarm-znodes",
            set: &[("ensemble.snap_count", "10")],
            guidance: "small caps",
        },
    },
];
