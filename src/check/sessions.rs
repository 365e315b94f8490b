//! `sessions`: ephemerals belong to live sessions, a closed session stays closed, expiry keeps its time bounds (S18 of
//! zab.md §11.4 and §16.2).
//!
//! The committed log is played into a model of its own: sessions and what they own. Expiry is judged per reign, on the
//! leader's own clock: a touch it never processed does not count, and a new leader owes everybody a full timeout. What clients
//! were told is held against it apart (`seen`), which is all there is in a recording.

mod expired;
mod seen;

mod clients;
mod relayed;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use self::clients::Clients;
use self::relayed::Relayed;
use self::seen::Seen;
use super::committed::Entry;
use super::news::{End, Frequent, News};
use super::numbered::ByNumber;
use super::verdict::{At, Findings, Monitor, Property, Sentence, Violation};
use super::wording;
use crate::base::id::{ClientId, ServerId, SessionId};
use crate::base::time::{Span, Time};
use crate::history::fact::{Change, Fact, Role, TxnSummary};
use crate::history::op::Path;

/// A session of the committed log.
#[derive(Clone, Debug)]
struct Live {
    opened: Entry,
    timeout_ms: u32,
    ephemerals: BTreeSet<Path>,
}

/// A sign of life as a leader processed it.
#[derive(Clone, Copy, Debug)]
struct Touch {
    at: At,
    local_ms: u64,
    timeout_ms: u32,
}

/// A leader from ServeStart on.
#[derive(Clone, Debug)]
struct Reign {
    since: At,
    touches: BTreeMap<SessionId, Touch>,
    expiring: BTreeSet<SessionId>,
    /// Expired and not yet proposed to be closed, in the order in which that must come.
    announced: Vec<(SessionId, At)>,
    /// Moments at which it did something, some time apart; the last ones.
    beats: VecDeque<Time>,
    /// Until when its clocks stood still, if they did: what was due by them before is late by so much.
    held_until: Time,
    is_held: bool,
}

/// Distance of the beats that are kept, and how many.
const BEAT: Span = Span::from_ms(100);
const BEATS: usize = 128;

/// A leader that never expires a session must have been at work this often, and for a whole timeout, after it was due.
const PROOF: usize = 8;

/// The monitor.
#[derive(Clone, Debug, Default)]
pub struct SessionsMonitor {
    /// The committed log lacks something.
    has_log_gaps: bool,
    live: BTreeMap<SessionId, Live>,
    closed: BTreeMap<SessionId, Entry>,
    owners: BTreeMap<Path, SessionId>,
    reigns: ByNumber<ServerId, Reign>,
    /// Whose clocks stand still.
    held: BTreeSet<ServerId>,
    clients: Clients,
    /// Who was given which session.
    given: BTreeMap<SessionId, (ClientId, At)>,
    seen: Seen,
    relayed: Relayed,
}

impl Monitor for SessionsMonitor {
    fn heeds(&self, kind: Frequent) -> bool {
        !matches!(
            kind,
            Frequent::Appended | Frequent::Durable | Frequent::AckSent
        )
    }

    fn observe(&mut self, news: &News<'_>, findings: &mut Findings) {
        self.has_log_gaps = news.has_log_gaps();
        if !self.has_log_gaps {
            for entry in news.committed() {
                self.apply(news.at, entry, findings);
            }
        }
        if news.fact.client().is_some() {
            self.on_client_fact(news, findings);
        } else {
            self.on_server_fact(news.at, news.fact, findings);
        }
    }

    fn finish(&mut self, end: &End<'_>, findings: &mut Findings) {
        let at = end.at;
        self.has_log_gaps = end.has_log_gaps;
        for (server, reign) in std::mem::take(&mut self.reigns).into_entries() {
            self.check_overdue(at, server, &reign, findings);
        }
    }
}

impl Reign {
    fn new(since: At, is_held: bool) -> Self {
        Self {
            since,
            touches: BTreeMap::new(),
            expiring: BTreeSet::new(),
            announced: Vec::new(),
            beats: VecDeque::new(),
            held_until: Time::ZERO,
            is_held,
        }
    }

    /// Remembers that it was at work.
    fn beat(&mut self, now: Time) {
        let is_apart = self.beats.back().is_none_or(|last| now >= *last + BEAT);
        if !self.is_held && is_apart {
            self.beats.push_back(now);
            if self.beats.len() > BEATS {
                self.beats.pop_front();
            }
        }
    }

    /// A leader closes what it has expired in that order: whoever is passed over will never be closed.
    fn close(&mut self, at: At, server: ServerId, session: SessionId, findings: &mut Findings) {
        let mut announced = self.announced.iter();
        let Some(place) = announced.position(|(other, _)| *other == session) else {
            return;
        };
        let (_, since) = self.announced.remove(place);
        findings.exercise(Property::Sessions);
        for (passed, earlier) in self.announced.drain(..place) {
            let expired = |at: At, session: SessionId| Sentence {
                at,
                text: format!("server {server} expired session {session}"),
            };
            findings.violate(tell(
                at,
                "never-closed",
                vec![expired(earlier, passed), expired(since, session)],
                format!("server {server} closes session {session} and has not closed {passed}"),
            ));
        }
    }
}

fn tell(
    at: At,
    signature: &'static str,
    evidence: Vec<Sentence>,
    contradiction: String,
) -> Violation {
    wording::violation(Property::Sessions, at, signature, evidence, contradiction)
}

// Facts.
impl SessionsMonitor {
    /// A monitor that has seen nothing.
    pub fn new() -> Self {
        Self::default()
    }

    fn on_client_fact(&mut self, news: &News<'_>, findings: &mut Findings) {
        let (at, fact) = (news.at, news.fact);
        self.seen.observe(at, fact);
        if let Some(answered) = news.answered() {
            self.seen.on_returned(at, &answered, findings);
            if let Fact::Returned {
                client,
                session,
                conn,
                ..
            } = fact
            {
                let (asker, invoked) = ((*client, *conn), answered.witness.invoked);
                self.relayed.on_answer(at, invoked, asker, *session);
            }
        }
        self.clients.observe(at, fact, findings);
        if let Fact::Connected {
            client,
            session,
            server,
            conn,
            timeout_ms,
            fresh,
        } = fact
        {
            self.relayed
                .on_connected(*client, *conn, *server, *timeout_ms);
            if *fresh {
                self.on_given(at, *client, *session, findings);
            }
        }
    }

    fn on_server_fact(&mut self, at: At, fact: &Fact, findings: &mut Findings) {
        if let Fact::Proposed { server, .. }
        | Fact::CommitDecided { server, .. }
        | Fact::Delivered { server, .. }
        | Fact::SessionTouched { server, .. }
        | Fact::SessionExpiring { server, .. } = fact
            && let Some(reign) = self.reigns.get_mut(*server)
        {
            reign.beat(at.time);
        }
        if let Fact::Proposed {
            server, zxid, txn, ..
        } = fact
        {
            self.relayed.on_proposed(at, *server, *zxid);
            self.on_proposed(at, *server, txn, findings);
        } else if let Fact::CommitDecided {
            server, zxid, acks, ..
        } = fact
        {
            self.relayed.on_committed(at, *server, *zxid, *acks);
        } else if let Fact::SessionTouched {
            server,
            session,
            timeout_ms,
            local_ms,
        } = fact
        {
            let touch = Touch {
                at,
                local_ms: *local_ms,
                timeout_ms: *timeout_ms,
            };
            if let Some(reign) = self.reigns.get_mut(*server) {
                reign.touches.insert(*session, touch);
            }
        } else if let Fact::ServeStart { server, role, .. } = fact {
            self.relayed.on_serve_start(*server, *role);
            if *role == Role::Leader {
                let reign = Reign::new(at, self.held.contains(server));
                self.reigns.insert(*server, reign);
            }
        } else if let Fact::RoleEnd { server, .. } | Fact::ServerCrashed { server, .. } = fact {
            self.relayed.on_role_end(*server);
            if let Some(reign) = self.reigns.remove(*server) {
                self.check_overdue(at, *server, &reign, findings);
            }
        } else if let Fact::ClockHeld { server, held } = fact {
            self.on_clock(at, *server, *held);
        } else if let Fact::SessionExpiring {
            server,
            session,
            local_ms,
        } = fact
        {
            self.on_expiring(at, *server, *session, *local_ms, findings);
        }
    }

    /// What a leader's client or its expiry closes: only the commit is outstanding.
    fn on_proposed(&mut self, at: At, server: ServerId, txn: &TxnSummary, findings: &mut Findings) {
        let Some(reign) = self.reigns.get_mut(server) else {
            return;
        };
        for change in &txn.changes {
            if let Change::CloseSession { session } = change {
                reign.expiring.insert(*session);
                reign.close(at, server, *session, findings);
            }
        }
    }
}

// The committed log.
impl SessionsMonitor {
    fn apply(&mut self, at: At, entry: &Entry, findings: &mut Findings) {
        self.check_author(at, entry, findings);
        for change in &entry.txn.changes {
            match change {
                Change::OpenSession {
                    session,
                    timeout_ms,
                } => self.open(at, entry, *session, *timeout_ms, findings),
                Change::CloseSession { session } => self.close(at, entry, *session, findings),
                Change::Create {
                    path,
                    owner: Some(owner),
                    ..
                } => self.create(at, entry, path, *owner, findings),
                Change::Delete { path } => self.delete(path),
                Change::Create { owner: None, .. }
                | Change::SetData { .. }
                | Change::SetAcl { .. } => {}
            }
        }
    }

    /// Who changes anything has a session; closing a session that is over changes nothing and is legal.
    fn check_author(&self, at: At, entry: &Entry, findings: &mut Findings) {
        let session = entry.txn.session;
        let is_write = entry.txn.changes.iter().any(|change| match change {
            Change::Create { .. }
            | Change::Delete { .. }
            | Change::SetData { .. }
            | Change::SetAcl { .. } => true,
            Change::OpenSession { .. } | Change::CloseSession { .. } => false,
        });
        if !is_write || session == SessionId::NONE {
            return;
        }
        findings.exercise(Property::Sessions);
        if self.live.contains_key(&session) {
            return;
        }
        if let Some(closed) = self.closed.get(&session) {
            findings.violate(tell(
                at,
                "write-of-closed-session",
                vec![closed.sentence(), entry.sentence()],
                format!(
                    "session {session} ended at zxid {}, yet its write was committed at {}",
                    closed.zxid, entry.zxid
                ),
            ));
        } else {
            findings.violate(tell(
                at,
                "write-of-unknown-session",
                vec![entry.sentence()],
                format!(
                    "session {session} was never opened, yet its write was committed at {}",
                    entry.zxid
                ),
            ));
        }
    }

    fn open(
        &mut self,
        at: At,
        entry: &Entry,
        session: SessionId,
        timeout_ms: u32,
        findings: &mut Findings,
    ) {
        findings.exercise(Property::Sessions);
        let earlier = self
            .closed
            .get(&session)
            .or_else(|| self.live.get(&session).map(|live| &live.opened));
        if let Some(earlier) = earlier {
            findings.violate(tell(
                at,
                "session-id-reused",
                vec![earlier.sentence(), entry.sentence()],
                format!("session {session} existed before and was opened once more"),
            ));
        }
        let live = Live {
            opened: entry.clone(),
            timeout_ms,
            ephemerals: BTreeSet::new(),
        };
        self.live.insert(session, live);
    }

    fn close(&mut self, at: At, entry: &Entry, session: SessionId, findings: &mut Findings) {
        let Some(live) = self.live.remove(&session) else {
            return;
        };
        findings.exercise(Property::Sessions);
        if let Some(left) = live.ephemerals.first() {
            findings.violate(tell(
                at,
                "ephemeral-outlives-session",
                vec![live.opened.sentence(), entry.sentence()],
                format!(
                    "closing session {session} left its ephemeral {left} behind ({} in all)",
                    live.ephemerals.len()
                ),
            ));
        }
        for path in &live.ephemerals {
            self.owners.remove(path);
        }
        for reign in self.reigns.values_mut() {
            reign.touches.remove(&session);
            reign.expiring.remove(&session);
        }
        self.closed.insert(session, entry.clone());
    }

    fn create(
        &mut self,
        at: At,
        entry: &Entry,
        path: &Path,
        owner: SessionId,
        findings: &mut Findings,
    ) {
        findings.exercise(Property::Sessions);
        if let Some(live) = self.live.get_mut(&owner) {
            live.ephemerals.insert(path.clone());
            self.owners.insert(path.clone(), owner);
            return;
        }
        let mut evidence: Vec<Sentence> = self
            .closed
            .get(&owner)
            .iter()
            .map(|closed| closed.sentence())
            .collect();
        evidence.push(entry.sentence());
        findings.violate(tell(
            at,
            "ephemeral-of-dead-session",
            evidence,
            format!("{path} was created for session {owner}, which is not alive"),
        ));
    }

    fn delete(&mut self, path: &Path) {
        if let Some(owner) = self.owners.remove(path)
            && let Some(live) = self.live.get_mut(&owner)
        {
            live.ephemerals.remove(path);
        }
    }

    /// No two clients are ever given one session.
    fn on_given(&mut self, at: At, client: ClientId, session: SessionId, findings: &mut Findings) {
        if let Some((other, since)) = self.given.insert(session, (client, at)) {
            let before = Sentence {
                at: since,
                text: format!("client {} was given the new session {session}", other.0),
            };
            findings.violate(tell(
                at,
                "session-id-reused",
                vec![before],
                format!(
                    "client {} was given session {session} as a new one",
                    client.0
                ),
            ));
        }
    }
}

// Time.
impl SessionsMonitor {
    fn on_expiring(
        &mut self,
        at: At,
        server: ServerId,
        session: SessionId,
        local_ms: u64,
        findings: &mut Findings,
    ) {
        findings.exercise(Property::Sessions);
        let opened = self.live.get(&session);
        let Some(reign) = self.reigns.get_mut(server) else {
            let evidence = opened.iter().map(|live| live.opened.sentence()).collect();
            findings.violate(tell(
                at,
                "expired-by-no-leader",
                evidence,
                format!("server {server} expired session {session} although it leads nobody"),
            ));
            return;
        };
        self.relayed
            .on_expiring(at, (server, reign), session, findings);
        reign.expiring.insert(session);
        reign.announced.push((session, at));
        let begun = Sentence {
            at: reign.since,
            text: format!("server {server} began to lead"),
        };
        if let Some(touch) = reign.touches.get(&session) {
            if local_ms < touch.local_ms + u64::from(touch.timeout_ms) {
                let touched = Sentence {
                    at: touch.at,
                    text: format!(
                        "server {server} heard of session {session}, timeout {} ms, at {} ms of its clock",
                        touch.timeout_ms, touch.local_ms
                    ),
                };
                findings.violate(tell(
                    at,
                    "expired-too-early",
                    vec![begun, touched],
                    format!(
                        "server {server} expired session {session} at {local_ms} ms of its clock, {} ms later",
                        local_ms.saturating_sub(touch.local_ms)
                    ),
                ));
            }
        } else if let Some(live) = opened {
            // Without a reading of the leader's clock, world time with a slack for drift has to do.
            let led = at.time.since(reign.since.time);
            if led.0 < Span::from_ms(u64::from(live.timeout_ms)).0 / 100 * 99 {
                findings.violate(tell(
                    at,
                    "expired-too-early",
                    vec![live.opened.sentence(), begun],
                    format!(
                        "server {server} expired session {session} (timeout {} ms) after leading for {led}",
                        live.timeout_ms
                    ),
                ));
            }
        }
    }

    /// A server's clocks stand still, or go on: nothing is due by them until they have gone on for as long.
    fn on_clock(&mut self, at: At, server: ServerId, held: bool) {
        if held {
            self.held.insert(server);
        } else {
            self.held.remove(&server);
        }
        if let Some(reign) = self.reigns.get_mut(server) {
            reign.is_held = held;
            reign.held_until = at.time;
            reign.beats.clear();
        }
    }

    /// A session nobody hears of is expired by a leader that is at work.
    fn check_overdue(&self, at: At, server: ServerId, reign: &Reign, findings: &mut Findings) {
        if self.has_log_gaps {
            return;
        }
        for (session, live) in &self.live {
            if reign.expiring.contains(session) {
                continue;
            }
            let touch = reign.touches.get(session);
            let heard = touch.map_or(reign.since, |touch| touch.at);
            let timeout_ms = touch.map_or(live.timeout_ms, |touch| touch.timeout_ms);
            let timeout = Span::from_ms(u64::from(timeout_ms));
            let heard_last = heard.time.max(live.opened.at.time).max(reign.held_until);
            let due = heard_last + timeout * 2;
            let mut worked = reign.beats.iter().filter(|beat| **beat >= due);
            let count = worked.clone().count();
            let (Some(first), Some(last)) = (worked.next(), worked.next_back()) else {
                continue;
            };
            findings.exercise(Property::Sessions);
            if count >= PROOF && last.since(*first) >= timeout {
                let silence = Sentence {
                    at: heard,
                    text: format!(
                        "server {server}, which led since {}, last heard of session {session}",
                        reign.since.time
                    ),
                };
                findings.violate(tell(
                    at,
                    "never-expired",
                    vec![live.opened.sentence(), silence],
                    format!(
                        "server {server} was at work until {last} and never expired session {session} (timeout {timeout_ms} ms)"
                    ),
                ));
            }
        }
    }
}

#[cfg(test)]
mod tests;
