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
    /// Who was told of a change and has not read since.
    told: BTreeMap<ClientId, At>,
    /// Who has no connection.
    cut: BTreeMap<ClientId, At>,
}

impl Config {
    pub(super) fn on_configured(
        &mut self,
        (at, client): (At, ClientId),
        mzxid: Zxid,
        findings: &mut Findings,
    ) {
        findings.exercise(Property::ConfigMonotone);
        self.judge_age((at, client), findings);
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

    /// What is used was read after the last change that its user was told of, and on the present connection's watch.
    fn judge_age(&self, (at, client): (At, ClientId), findings: &mut Findings) {
        let (when, signature, before, now) = if let Some(when) = self.cut.get(&client) {
            let before = format!("client {} lost its connection", client.0);
            let now =
                "without one it used what it had read before: nobody would tell it of a change";
            (when, "used-while-cut-off", before, now)
        } else if let Some(when) = self.told.get(&client) {
            let before = format!(
                "client {} was told that the configuration had changed",
                client.0
            );
            (
                when,
                "told-and-not-read",
                before,
                "it used what it had read before that",
            )
        } else {
            return;
        };
        let sentence = Sentence {
            at: *when,
            text: before,
        };
        findings.violate(violation(
            Property::ConfigMonotone,
            at,
            signature,
            vec![sentence],
            now.to_owned(),
        ));
    }

    /// A change was told to a client.
    pub(super) fn on_told(&mut self, (at, client): (At, ClientId)) {
        self.told.insert(client, at);
    }

    /// A client has read the configuration.
    pub(super) fn on_read(&mut self, client: ClientId) {
        self.told.remove(&client);
    }

    pub(super) fn on_cut(&mut self, (at, client): (At, ClientId)) {
        self.cut.insert(client, at);
    }

    pub(super) fn on_connected(&mut self, client: ClientId) {
        self.cut.remove(&client);
    }

    pub(super) fn on_crash(&mut self, client: ClientId) {
        self.used.remove(&client);
        self.told.remove(&client);
        self.cut.remove(&client);
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
