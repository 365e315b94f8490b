//! Judges what is watched (semantics.md §8.8, §8.11): a configuration in use never goes back and ends at the last one
//! written; views of a group end at its living members.

use std::collections::{BTreeMap, BTreeSet};

use super::tree::Tree;
use crate::base::id::ClientId;
use crate::base::time::{Span, Time};
use crate::base::zxid::Zxid;
use crate::check::verdict::{At, Findings, Property, Sentence};
use crate::check::wording::violation;
use crate::history::op::Path;

/// Since when nothing has disturbed a run, and how long it may take until everybody knows everything.
#[derive(Clone, Copy, Debug)]
pub(super) struct Calm {
    pub from: Time,
    pub patience: Span,
}

impl Calm {
    /// Whether everybody must know by now what happened then.
    fn is_due(self, event: At, end: At) -> bool {
        // A change may follow the last fault for a while.
        let patience = Span(self.patience.0 / 2);
        self.from.max(event.time) + patience <= end.time
    }
}

/// The readers of one configuration.
#[derive(Clone, Debug, Default)]
pub(super) struct Config {
    used: BTreeMap<ClientId, (Zxid, At)>,
}

impl Config {
    pub(super) fn on_configured(
        &mut self,
        (at, client): (At, ClientId),
        mzxid: Zxid,
        findings: &mut Findings,
    ) {
        findings.exercise(Property::ConfigMonotone);
        let before = self.used.insert(client, (mzxid, at));
        if let Some((newer, when)) = before.filter(|(newer, _)| mzxid < *newer) {
            let sentence = Sentence {
                at: when,
                text: format!("client {} used the configuration of zxid {newer}", client.0),
            };
            findings.violate(violation(
                Property::ConfigMonotone,
                at,
                "went-back",
                vec![sentence],
                format!("now it uses the older one of zxid {mzxid}"),
            ));
        }
    }

    pub(super) fn on_crash(&mut self, client: ClientId) {
        self.used.remove(&client);
    }

    pub(super) fn finish(
        &self,
        (config, tree): (&Path, &Tree),
        (at, calm): (At, Calm),
        findings: &mut Findings,
    ) {
        let Some(life) = tree.last(config) else {
            return;
        };
        if !calm.is_due(life.changed, at) {
            return;
        }
        let last = life.sets.last().copied().unwrap_or(life.born);
        for (client, (used, when)) in &self.used {
            findings.exercise(Property::ConfigConverges);
            if *used != last {
                let uses = Sentence {
                    at: *when,
                    text: format!("client {} used the configuration of zxid {used}", client.0),
                };
                let changed = Sentence {
                    at: life.changed,
                    text: format!("{config} was written by zxid {last}"),
                };
                findings.violate(violation(
                    Property::ConfigConverges,
                    at,
                    "stays-behind",
                    vec![uses, changed],
                    format!("client {} still uses the older one", client.0),
                ));
            }
        }
    }
}

/// The members of one group and what they think of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Group {
    members: BTreeMap<ClientId, (Path, At)>,
    views: BTreeMap<ClientId, (BTreeSet<Path>, At)>,
}

impl Group {
    pub(super) fn on_member(&mut self, (at, client): (At, ClientId), name: &Path) {
        self.members.insert(client, (name.clone(), at));
    }

    pub(super) fn on_viewed(&mut self, (at, client): (At, ClientId), members: &[Path]) {
        let members = members.iter().cloned().collect();
        self.views.insert(client, (members, at));
    }

    pub(super) fn on_crash(&mut self, client: ClientId) {
        self.members.remove(&client);
        self.views.remove(&client);
    }

    pub(super) fn finish(
        &self,
        (group, tree): (&Path, &Tree),
        (at, calm): (At, Calm),
        findings: &mut Findings,
    ) {
        let changed = tree.within(group).map(|(_, life)| life.changed).max();
        let joined = self.members.values().map(|(_, joined)| *joined).max();
        let Some(last) = changed.max(joined) else {
            return;
        };
        if !calm.is_due(last, at) {
            return;
        }
        let living = self.members.values().map(|(name, _)| name.clone());
        let living: BTreeSet<Path> = living.collect();
        for (client, (view, when)) in &self.views {
            findings.exercise(Property::MembershipConverges);
            let wrong = view.symmetric_difference(&living).next();
            if let Some(wrong) = wrong {
                let what = if view.contains(wrong) {
                    "is in it and gone"
                } else {
                    "lives and is not in it"
                };
                let seen = Sentence {
                    at: *when,
                    text: format!("client {} took {} for members", client.0, view.len()),
                };
                findings.violate(violation(
                    Property::MembershipConverges,
                    at,
                    "wrong-view",
                    vec![seen],
                    format!("that is its view to the end, and {wrong} {what}"),
                ));
            }
        }
    }
}
