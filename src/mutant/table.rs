//! The list of defects: what each is, how it is built in, and which property must catch it.

use crate::check::verdict::Property;

/// How a defect gets into a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Built {
    /// A wrapper around the process rewrites its effects.
    Wrapper,
    /// A variant of `zab::rules::Rules`.
    Rule,
}

/// One defect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Defect {
    /// Its name in scenarios and reports.
    pub id: &'static str,
    /// What goes wrong, in a sentence.
    pub story: &'static str,
    /// How it is built in.
    pub built: Built,
    /// The property that must catch it.
    pub property: Property,
}

/// Every defect, in the order of reports.
pub const DEFECTS: [Defect; 4] = [
    Defect {
        id: "ack-before-fsync",
        story: "a server acknowledges proposals that are not yet on its disk",
        built: Built::Wrapper,
        property: Property::TruthfulAck,
    },
    Defect {
        id: "half-quorum",
        story: "half of the voters, rounded down, count as a quorum, so that two quorums need not meet",
        built: Built::Rule,
        property: Property::CommitQuorum,
    },
    Defect {
        id: "set-data-ignores-version",
        story: "setData is done whatever version the client expects",
        built: Built::Wrapper,
        property: Property::LinearizableWrites,
    },
    Defect {
        id: "event-after-reply",
        story: "a watch event is sent after the reply that already shows the new data",
        built: Built::Wrapper,
        property: Property::WatchOrder,
    },
];

impl Defect {
    /// The defect of that name.
    pub fn by_id(id: &str) -> Option<&'static Self> {
        DEFECTS.iter().find(|defect| defect.id == id)
    }
}
