//! Defects of proposals, acks and commits.

use super::{Built, Defect, Hunt, Kind, Layer};
use crate::check::verdict::Property;
use crate::mutant::wrapped::Wrapper;
use crate::zab::rules::QuorumRule;

pub(super) const DEFECTS: [Defect; 2] = [
    Defect {
        id: "ack-before-fsync",
        layer: Layer::Broadcast,
        kind: Kind::Designed {
            breaks: Property::TruthfulAck,
        },
        story: "a server acknowledges proposals that are not yet on its disk",
        built: Built::Wrapper(Wrapper::AckBeforeFsync),
        hunt: Hunt::SWARM,
    },
    Defect {
        id: "half-quorum",
        layer: Layer::Broadcast,
        kind: Kind::Designed {
            breaks: Property::CommitQuorum,
        },
        story: "half of the voters, rounded down, count as a quorum, so that two quorums need not meet",
        built: Built::Rule(|rules| rules.quorum = QuorumRule::HalfRoundedDown),
        hunt: Hunt::SWARM,
    },
];
