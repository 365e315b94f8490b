//! The list of defects: what each is, how it is built in, and which property must catch it.

use super::wrapped::Wrapper;
use crate::check::verdict::Property;
use crate::tree::rules::SetDataRule;
use crate::zab::rules::{QuorumRule, Rules};

/// How a defect gets into a run.
#[derive(Clone, Copy, Debug)]
pub enum Built {
    /// A wrapper around every server rewrites its effects.
    Wrapper(Wrapper),
    /// A variant of the design choices.
    Rule(fn(&mut Rules)),
}

/// One defect.
#[derive(Clone, Copy, Debug)]
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
        built: Built::Wrapper(Wrapper::AckBeforeFsync),
        property: Property::TruthfulAck,
    },
    Defect {
        id: "half-quorum",
        story: "half of the voters, rounded down, count as a quorum, so that two quorums need not meet",
        built: Built::Rule(|rules| rules.quorum = QuorumRule::HalfRoundedDown),
        property: Property::CommitQuorum,
    },
    Defect {
        id: "set-data-ignores-version",
        story: "setData is done whatever version the client expects",
        built: Built::Rule(|rules| rules.prep.set_data = SetDataRule::IgnoresVersion),
        property: Property::LinearizableWrites,
    },
    Defect {
        id: "event-after-reply",
        story: "a watch event is sent after the reply that already shows the new data",
        built: Built::Wrapper(Wrapper::EventAfterReply),
        property: Property::WatchOrder,
    },
];

impl Defect {
    /// The defect of that name.
    pub fn by_id(id: &str) -> Option<&'static Self> {
        DEFECTS.iter().find(|defect| defect.id == id)
    }

    /// Adds the defects of these names to an ensemble's rules and to the wrappers of its servers; unknown names are
    /// left out (the scenario reader has refused them).
    pub fn plant(ids: &[String], rules: &mut Rules, wrappers: &mut Vec<Wrapper>) {
        for defect in ids.iter().filter_map(|id| Self::by_id(id)) {
            match defect.built {
                Built::Wrapper(wrapper) => wrappers.push(wrapper),
                Built::Rule(apply) => apply(rules),
            }
        }
    }
}
