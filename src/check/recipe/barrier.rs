//! Judges barriers (semantics.md §8.5, §8.6): nobody passes a closed one; a party is complete when somebody enters, and
//! when somebody leaves all who entered want to leave or are dead.

use std::collections::{BTreeMap, BTreeSet};

use super::tree::Tree;
use crate::base::id::{ClientId, SessionId};
use crate::base::zxid::Zxid;
use crate::check::verdict::{At, Findings, Property, Sentence};
use crate::check::wording::violation;
use crate::history::op::Path;

/// Judges that somebody passed a barrier, having seen everything up to a zxid.
pub(super) fn judge_pass(
    (at, client): (At, ClientId),
    barrier: &Path,
    (view, tree): (Zxid, &Tree),
    findings: &mut Findings,
) {
    findings.exercise(Property::BarrierSafety);
    if let Some(life) = tree.at(barrier, view) {
        let sentence = Sentence {
            at: life.at,
            text: format!("{barrier} was closed by zxid {}", life.born),
        };
        findings.violate(violation(
            Property::BarrierSafety,
            at,
            "passed-closed-barrier",
            vec![sentence],
            format!(
                "client {} passed it, having seen everything up to zxid {view}, when it was still closed",
                client.0
            ),
        ));
    }
}

/// A round of a party.
#[derive(Clone, Debug, Default)]
pub(super) struct Round {
    party: usize,
    /// Who called enter, and in which session.
    called: BTreeMap<ClientId, SessionId>,
    entered: BTreeMap<ClientId, At>,
    leaving: BTreeSet<ClientId>,
}

impl Round {
    pub(super) fn on_enter_called(&mut self, client: ClientId, session: SessionId, party: u16) {
        self.party = party.into();
        self.called.insert(client, session);
    }

    pub(super) fn on_entered(
        &mut self,
        (at, client): (At, ClientId),
        round: u64,
        findings: &mut Findings,
    ) {
        findings.exercise(Property::BarrierSafety);
        self.entered.insert(client, at);
        if self.called.len() < self.party {
            let sentence = Sentence {
                at,
                text: format!(
                    "{} of a party of {} had called enter in round {round}",
                    self.called.len(),
                    self.party
                ),
            };
            findings.violate(violation(
                Property::BarrierSafety,
                at,
                "entered-too-early",
                vec![sentence],
                format!("client {} entered", client.0),
            ));
        }
    }

    pub(super) fn on_leave_called(&mut self, client: ClientId) {
        self.leaving.insert(client);
    }

    pub(super) fn on_left(
        &mut self,
        (at, client): (At, ClientId),
        round: u64,
        tree: &Tree,
        findings: &mut Findings,
    ) {
        findings.exercise(Property::BarrierSafety);
        let is_alive = |other: &ClientId| {
            let session = self.called.get(other);
            session.is_some_and(|session| tree.closed(*session).is_none())
        };
        let inside = self.entered.iter();
        let mut inside =
            inside.filter(|(other, _)| !self.leaving.contains(other) && is_alive(other));
        if let Some((other, when)) = inside.next() {
            let sentence = Sentence {
                at: *when,
                text: format!("client {} entered round {round}", other.0),
            };
            findings.violate(violation(
                Property::BarrierSafety,
                at,
                "left-before-others",
                vec![sentence],
                format!("client {} left it while that one was still busy", client.0),
            ));
        }
    }

    pub(super) fn on_crash(&mut self, client: ClientId) {
        self.leaving.insert(client);
    }
}
