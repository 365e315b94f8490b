//! Judges queues (semantics.md §8.3, §8.4): an element is worked on at most once, none that somebody removed is lost
//! unless its consumer says that it does not know, and nobody passes over a smaller element that was there.

use std::collections::{BTreeMap, BTreeSet};

use super::tree::{Tree, sequence};
use crate::base::id::ClientId;
use crate::base::zxid::Zxid;
use crate::check::verdict::{At, Findings, Property, Sentence};
use crate::check::wording::violation;
use crate::history::op::Path;
use crate::history::recipe::Step;

/// One queue.
#[derive(Clone, Debug, Default)]
pub(super) struct Queue {
    /// What each consumer had seen when it began to take.
    begun: BTreeMap<ClientId, Zxid>,
    /// Who worked on which element.
    items: BTreeMap<Path, (ClientId, At)>,
    nodes: BTreeMap<Path, (ClientId, At)>,
    unsure: BTreeSet<Path>,
}

impl Queue {
    /// A consumer, having seen everything up to a zxid, begins to take, has taken, or is not sure.
    pub(super) fn on_step(
        &mut self,
        by: (At, ClientId),
        view: Zxid,
        step: &Step,
        place: (&Path, &Tree),
        findings: &mut Findings,
    ) {
        if let Step::Took { node, item, .. } = step {
            self.on_took(by, (node, item.as_ref()), place, findings);
        } else if let Step::TakeUnsure { node, .. } = step {
            self.unsure.insert(node.clone());
        } else {
            self.begun.insert(by.1, view);
        }
    }

    fn on_took(
        &mut self,
        (at, client): (At, ClientId),
        (node, item): (&Path, Option<&Path>),
        (queue, tree): (&Path, &Tree),
        findings: &mut Findings,
    ) {
        findings.exercise(Property::QueueOnce);
        let by_node = self.nodes.insert(node.clone(), (client, at));
        let by_item = item.and_then(|item| self.items.insert(item.clone(), (client, at)));
        if let Some((other, when)) = by_node.or(by_item) {
            let name = item.unwrap_or(node);
            let sentence = Sentence {
                at: when,
                text: format!("client {} worked on {name}", other.0),
            };
            findings.violate(violation(
                Property::QueueOnce,
                at,
                "taken-twice",
                vec![sentence],
                format!("client {} worked on {name}, too", client.0),
            ));
        }
        findings.exercise(Property::QueueLossless);
        if item.is_none() {
            let sentence = Sentence {
                at: tree.last(node).map_or(at, |life| life.changed),
                text: format!("{node} was deleted"),
            };
            findings.violate(violation(
                Property::QueueLossless,
                at,
                "data-gone",
                vec![sentence],
                format!(
                    "client {} took {node} and does not know what it held",
                    client.0
                ),
            ));
        }
        self.judge_order((at, client), node, (queue, tree), findings);
    }

    fn judge_order(
        &self,
        (at, client): (At, ClientId),
        node: &Path,
        (queue, tree): (&Path, &Tree),
        findings: &mut Findings,
    ) {
        let begun = self.begun.get(&client).copied().unwrap_or(Zxid::ZERO);
        let Some(taken) = tree.last(node).and_then(|life| life.died) else {
            return;
        };
        findings.exercise(Property::QueueOrder);
        let passed = tree.there(queue, begun, taken);
        let mut passed = passed.filter(|(other, _)| key(other) < key(node));
        if let Some((other, life)) = passed.next() {
            let sentence = Sentence {
                at: life.at,
                text: format!("{other} was put"),
            };
            findings.violate(violation(
                Property::QueueOrder,
                at,
                "passed-over",
                vec![sentence],
                format!(
                    "client {} took {node} while {other} was there, which it could see when it began",
                    client.0
                ),
            ));
        }
    }

    /// What was deleted must have been taken by somebody, or somebody is not sure; `open` = deletes whose outcome is open.
    pub(super) fn finish(
        &self,
        (queue, tree): (&Path, &Tree),
        at: At,
        open: &BTreeSet<Path>,
        findings: &mut Findings,
    ) {
        let deleted = tree.within(queue).filter(|(_, life)| life.died.is_some());
        for (node, life) in deleted {
            let is_known =
                self.nodes.contains_key(node) || self.unsure.contains(node) || open.contains(node);
            if !is_known {
                let sentence = Sentence {
                    at: life.changed,
                    text: format!("{node} was deleted"),
                };
                findings.violate(violation(
                    Property::QueueLossless,
                    at,
                    "lost",
                    vec![sentence],
                    format!("nobody has worked on {node} or says that it may have taken it"),
                ));
            }
        }
    }
}

/// The order of elements: by priority where there is one, then as they came.
fn key(path: &str) -> (u64, u64) {
    let name = path.rsplit('/').next().unwrap_or(path);
    let parts: Vec<&str> = name.split('-').collect();
    let priority = match parts.as_slice() {
        [_, priority, _] => priority.parse().unwrap_or(0),
        _ => 0,
    };
    (priority, sequence(path).unwrap_or(0))
}
