//! Judges shared counters (semantics.md §8.9): every addition that is known to be done was done once, and no two clients
//! were told the same value.

use std::collections::{BTreeMap, BTreeSet};

use super::tree::Tree;
use crate::base::id::ClientId;
use crate::check::verdict::{At, Findings, Property, Sentence};
use crate::check::wording::violation;
use crate::history::op::Path;

/// One counter.
#[derive(Clone, Debug, Default)]
pub(super) struct Counter {
    /// Who was told which value, and when.
    told: BTreeMap<u64, (ClientId, At)>,
    /// Additions whose outcome is not known yet.
    open: BTreeSet<ClientId>,
    /// Additions whose outcome never will be: their client died.
    unknown: u64,
    done: u64,
    /// A value was told that the counter had not reached.
    unreached: Option<(At, String)>,
}

impl Counter {
    pub(super) fn on_counting(&mut self, client: ClientId) {
        self.open.insert(client);
    }

    pub(super) fn on_counted(
        &mut self,
        at: At,
        client: ClientId,
        (value, written): (u64, u64),
        findings: &mut Findings,
    ) {
        findings.exercise(Property::CounterExact);
        self.open.remove(&client);
        self.done += 1;
        if value > written {
            self.unreached.get_or_insert((
                at,
                format!("client {} added one and made it {value}", client.0),
            ));
        }
        if let Some((other, when)) = self.told.insert(value, (client, at)) {
            let sentence = Sentence {
                at: when,
                text: format!("client {} added one and made it {value}", other.0),
            };
            findings.violate(violation(
                Property::CounterExact,
                at,
                "same-value-twice",
                vec![sentence],
                format!("client {} added one and made it {value}, too", client.0),
            ));
        }
    }

    pub(super) fn on_crash(&mut self, client: ClientId) {
        self.unknown += u64::from(self.open.remove(&client));
    }

    pub(super) fn finish(&self, path: &Path, at: At, tree: &Tree, findings: &mut Findings) {
        let Some(life) = tree.last(path) else { return };
        let applied = life.sets.len() as u64;
        let unknown = self.unknown + self.open.len() as u64;
        if self.done <= applied && applied <= self.done + unknown {
            if let Some((when, text)) = &self.unreached {
                let sentence = Sentence {
                    at: *when,
                    text: text.clone(),
                };
                findings.violate(violation(
                    Property::CounterExact,
                    at,
                    "value-never-reached",
                    vec![sentence],
                    "it had not been written so often then".to_owned(),
                ));
            }
            return;
        }
        let sentence = Sentence {
            at: life.changed,
            text: format!("{path} was written {applied} times in all"),
        };
        findings.violate(violation(
            Property::CounterExact,
            at,
            if applied < self.done {
                "counted-too-little"
            } else {
                "counted-too-much"
            },
            vec![sentence],
            format!(
                "clients know of {} additions, and {unknown} may have been done beside",
                self.done
            ),
        ));
    }
}
