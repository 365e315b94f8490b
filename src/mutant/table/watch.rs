//! Defects of watches and reads.

use super::{Built, Defect, Hunt, Kind, Layer};
use crate::check::verdict::Property;
use crate::mutant::wrapped::Wrapper;

pub(super) const DEFECTS: [Defect; 1] = [Defect {
    id: "event-after-reply",
    layer: Layer::Watch,
    kind: Kind::Designed {
        breaks: Property::WatchOrder,
    },
    story: "a watch event is sent after the reply that already shows the new data",
    built: Built::Wrapper(Wrapper::EventAfterReply),
    hunt: Hunt::SWARM,
}];
