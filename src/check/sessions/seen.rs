//! Sessions as clients see them: what a session owned is gone once its end was acknowledged, and it writes no more.
//!
//! A reply with header zxid h shows the state at h. If a session's closeSession was acknowledged at z, no reply with h >= z may
//! show an ephemeral of it. An expiry has no such zxid; by when such a session must be over follows from who leads
//! ([`super::expired`]).

use std::collections::BTreeMap;
use std::sync::Arc;

use super::expired::{Expired, Over};
use super::tell;
use crate::base::id::SessionId;
use crate::base::zxid::Zxid;
use crate::check::by_path::ByPath;
use crate::check::evidence;
use crate::check::news::Answered;
use crate::check::verdict::{At, Findings, Property, Violation};
use crate::check::wording::Witness;
use crate::history::fact::Fact;
use crate::history::op::{Path, Request, Response, flags};

/// The newest view that showed an ephemeral of a session.
#[derive(Clone, Debug)]
struct Shown {
    view: Zxid,
    path: Path,
    by: Arc<Witness>,
}

/// What clients know of sessions.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    /// Ends that were acknowledged.
    closed: BTreeMap<SessionId, Arc<Witness>>,
    /// Ephemerals by path: who made them, and when.
    owners: ByPath<(SessionId, Zxid)>,
    shown: BTreeMap<SessionId, Shown>,
    expired: Expired,
    /// Expired sessions that must be over.
    over: BTreeMap<SessionId, Over>,
}

impl Seen {
    /// Takes the next fact.
    pub(super) fn observe(&mut self, at: At, fact: &Fact) {
        self.expired.observe(at, fact);
    }

    /// An operation was answered.
    pub(super) fn on_returned(&mut self, at: At, answered: &Answered<'_>, findings: &mut Findings) {
        let (witness, session) = (answered.witness, answered.session);
        let (Ok(response), Some(zxid)) = (answered.result, witness.zxid) else {
            return;
        };
        if *witness.request == Request::CloseSession {
            self.on_closed(at, witness, session, zxid, findings);
        } else if witness.request.is_write() {
            self.on_write(at, witness, session, zxid, response, findings);
        } else {
            self.on_read(at, witness, zxid, response, findings);
        }
    }

    fn on_closed(
        &mut self,
        at: At,
        witness: &Arc<Witness>,
        session: SessionId,
        zxid: Zxid,
        findings: &mut Findings,
    ) {
        findings.exercise(Property::Sessions);
        if let Some(shown) = self.shown.remove(&session)
            && shown.view >= zxid
        {
            findings.violate(outlived(at, session, zxid, witness, &shown));
        }
        self.closed.insert(session, Arc::clone(witness));
    }

    fn on_write(
        &mut self,
        at: At,
        witness: &Arc<Witness>,
        session: SessionId,
        zxid: Zxid,
        response: &Response,
        findings: &mut Findings,
    ) {
        for over in self.expired.on_write(at, witness) {
            if let Some(shown) = self.shown.get(&over.session)
                && shown.view >= zxid
            {
                findings.violate(lingered(at, &over, shown));
            }
            self.over.insert(over.session, over);
        }
        if let Some(end) = self.closed.get(&session)
            && end.zxid.is_some_and(|end| end < zxid)
        {
            findings.violate(tell(
                at,
                "write-of-closed-session",
                vec![end.sentence(), witness.sentence()],
                format!("session {session} was over, yet its write was acknowledged at {zxid}"),
            ));
        }
        let parts = evidence::parts(&witness.request).iter();
        for (part, answer) in parts.zip(evidence::answers(response)) {
            if let Request::Create { flags, .. } = part
                && matches!(*flags, flags::EPHEMERAL | flags::EPHEMERAL_SEQUENTIAL)
                && let Some(path) = evidence::named(answer)
            {
                let made = (session, zxid);
                *self.owners.or_insert_with(path, || made) = made;
            }
        }
    }

    fn on_read(
        &mut self,
        at: At,
        witness: &Arc<Witness>,
        view: Zxid,
        response: &Response,
        findings: &mut Findings,
    ) {
        for (path, stat, _) in evidence::seen(&witness.request, response) {
            let made = self.owners.get(path);
            let made = made.filter(|(_, czxid)| *czxid == stat.czxid);
            let owner = made.map_or(SessionId(stat.owner), |(session, _)| *session);
            if owner == SessionId::NONE {
                continue;
            }
            findings.exercise(Property::Sessions);
            let by = witness.showing(&stat);
            let path = Arc::clone(path);
            let shown = Shown { view, path, by };
            if let Some(end) = self.closed.get(&owner) {
                if let Some(zxid) = end.zxid.filter(|zxid| *zxid <= view) {
                    findings.violate(outlived(at, owner, zxid, end, &shown));
                }
            } else if let Some(over) = self.over.get(&owner)
                && over.by.zxid.is_some_and(|zxid| zxid <= view)
            {
                findings.violate(lingered(at, over, &shown));
            } else if self.shown.get(&owner).is_none_or(|other| other.view < view) {
                self.shown.insert(owner, shown);
            }
        }
    }
}

fn lingered(at: At, over: &Over, shown: &Shown) -> Violation {
    let mut evidence = over.evidence.clone();
    evidence.push(shown.by.sentence_with_status());
    tell(
        at,
        "ephemeral-outlives-expiry",
        evidence,
        format!(
            "its leader had long expired session {} when {} was written, yet its ephemeral {} was there at {}",
            over.session,
            over.by.zxid.unwrap_or(shown.view),
            shown.path,
            shown.view
        ),
    )
}

fn outlived(at: At, session: SessionId, zxid: Zxid, end: &Witness, shown: &Shown) -> Violation {
    tell(
        at,
        "ephemeral-outlives-session",
        vec![end.sentence(), shown.by.sentence_with_status()],
        format!(
            "session {session} ended at zxid {zxid}, yet its ephemeral {} was there at {}",
            shown.path, shown.view
        ),
    )
}
