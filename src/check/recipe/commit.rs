//! Judges two-phase commit (semantics.md §8.10): nobody commits what another aborts, and nothing is committed that a site
//! has not agreed to.

use std::collections::BTreeMap;

use crate::base::id::ClientId;
use crate::check::verdict::{At, Findings, Property, Sentence};
use crate::check::wording::violation;
use crate::history::op::Path;

/// One transaction.
#[derive(Clone, Debug, Default)]
pub(super) struct Transaction {
    votes: BTreeMap<ClientId, (bool, At)>,
    decided: Option<(bool, ClientId, At)>,
}

impl Transaction {
    pub(super) fn on_voted(&mut self, (at, client): (At, ClientId), commit: bool) {
        self.votes.insert(client, (commit, at));
    }

    pub(super) fn on_decided(
        &mut self,
        (at, client): (At, ClientId),
        transaction: &Path,
        (commit, sites): (bool, u16),
        findings: &mut Findings,
    ) {
        findings.exercise(Property::CommitAgreement);
        let (first, other, when) = *self.decided.get_or_insert((commit, client, at));
        let says = |client: ClientId, at: At, commit: bool| Sentence {
            at,
            text: format!("client {} {} {transaction}", client.0, word(commit)),
        };
        if first != commit {
            findings.violate(violation(
                Property::CommitAgreement,
                at,
                "disagree",
                vec![says(other, when, first)],
                says(client, at, commit).text,
            ));
        }
        if commit {
            self.judge_validity((at, client), transaction, sites, findings);
        }
    }

    fn judge_validity(
        &self,
        (at, client): (At, ClientId),
        transaction: &Path,
        sites: u16,
        findings: &mut Findings,
    ) {
        findings.exercise(Property::CommitValidity);
        let agreed = self.votes.values().filter(|(commit, _)| *commit).count();
        if agreed == usize::from(sites) {
            return;
        }
        let last = self.votes.values().map(|(_, at)| *at).max();
        let sentence = Sentence {
            at: last.unwrap_or(at),
            text: format!("{agreed} of {sites} sites had agreed to {transaction}"),
        };
        findings.violate(violation(
            Property::CommitValidity,
            at,
            "commits-without-consent",
            vec![sentence],
            format!("client {} commits it", client.0),
        ));
    }
}

fn word(commit: bool) -> &'static str {
    if commit { "commits" } else { "aborts" }
}
