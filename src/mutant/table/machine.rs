//! Defects of the preparation and application of transactions.

use super::{Built, Defect, Hunt, Kind, Layer};
use crate::check::verdict::Property;
use crate::tree::rules::SetDataRule;

pub(super) const DEFECTS: [Defect; 1] = [Defect {
    id: "set-data-ignores-version",
    layer: Layer::StateMachine,
    kind: Kind::Designed {
        breaks: Property::LinearizableWrites,
    },
    story: "setData is done whatever version the client expects",
    built: Built::Rule(|rules| rules.prep.set_data = SetDataRule::IgnoresVersion),
    hunt: Hunt::SWARM,
}];
