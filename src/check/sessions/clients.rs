//! What clients believe: who takes a new session was told that the old one is over, and who hears nothing for 4/3 of the
//! timeout knows so by itself (semantics.md §5).
//!
//! Not judged: clients that ever authenticate, for a failure ends their handle without another word.

use std::collections::BTreeSet;

use super::tell;
use crate::base::id::{ClientId, SessionId};
use crate::base::time::{Span, Time};
use crate::check::numbered::ByNumber;
use crate::check::verdict::{At, Findings, Property, Sentence};
use crate::history::fact::Fact;
use crate::history::op::Request;

/// Distance of the moments at which a client acts that count as different.
const BEAT: Span = Span::from_ms(100);

/// At how many of them a client must have believed in a session that was over for it.
const PROOF: u32 = 8;

/// A session as its client sees it.
#[derive(Clone, Debug)]
struct Held {
    session: SessionId,
    since: At,
    timeout: Span,
    /// When a server last spoke to the client.
    heard: At,
    /// Moments since then, long after the client should have given up, at which it went on; and the last of them.
    beats: u32,
    last_beat: Time,
}

/// The clients' side of sessions.
#[derive(Clone, Debug, Default)]
pub(super) struct Clients {
    held: ByNumber<ClientId, Held>,
    /// Clients that authenticate.
    exempt: BTreeSet<ClientId>,
    /// Requests for the end of a session, which may not have begun, that are under way.
    closing: BTreeSet<(ClientId, u64)>,
}

impl Clients {
    pub(super) fn observe(&mut self, at: At, fact: &Fact, findings: &mut Findings) {
        if let Fact::Returned { client, op, .. } | Fact::Lost { client, op, .. } = fact
            && self.closing.remove(&(*client, *op))
        {
            self.held.remove(*client);
        }
        if let Fact::Connected {
            client,
            session,
            timeout_ms,
            fresh,
            ..
        } = fact
        {
            let timeout = Span::from_ms(u64::from(*timeout_ms));
            self.on_connected(at, *client, (*session, timeout), *fresh, findings);
        } else if let Fact::Expired { client, .. } = fact {
            self.held.remove(*client);
        } else if let Fact::ClientCrashed { client } = fact {
            self.held.remove(*client);
            self.exempt.remove(client);
            self.closing.retain(|(owner, _)| owner != client);
        } else if let Fact::Returned { client, .. }
        | Fact::Ponged { client, .. }
        | Fact::EventReceived { client, .. }
        | Fact::WatchesReset { client, .. } = fact
        {
            if let Some(held) = self.held.get_mut(*client) {
                (held.heard, held.beats) = (at, 0);
            }
        } else if let Fact::Invoked {
            client,
            op,
            request,
            ..
        } = fact
        {
            if matches!(**request, Request::Auth { .. }) {
                self.exempt.insert(*client);
                self.held.remove(*client);
            } else if **request == Request::CloseSession {
                self.closing.insert((*client, *op));
                self.held.remove(*client);
            } else {
                self.on_beat(at, *client, findings);
            }
        } else if let Fact::Lost { client, .. } | Fact::Disconnected { client, .. } = fact {
            self.on_beat(at, *client, findings);
        }
    }

    fn on_connected(
        &mut self,
        at: At,
        client: ClientId,
        (session, timeout): (SessionId, Span),
        fresh: bool,
        findings: &mut Findings,
    ) {
        let is_closing = self.closing.iter().any(|(owner, _)| *owner == client);
        if self.exempt.contains(&client) || is_closing {
            return;
        }
        let held = Held {
            session,
            since: at,
            timeout,
            heard: at,
            beats: 0,
            last_beat: Time::ZERO,
        };
        let Some(old) = self.held.insert(client, held).filter(|_| fresh) else {
            return;
        };
        let before = Sentence {
            at: old.since,
            text: format!("client {} had session {}", client.0, old.session),
        };
        findings.violate(tell(
            at,
            "session-replaced-in-silence",
            vec![before],
            format!(
                "client {} went on with the new session {session} and was never told that {} is over",
                client.0, old.session
            ),
        ));
    }

    /// A client does something in its session.
    fn on_beat(&mut self, at: At, client: ClientId, findings: &mut Findings) {
        let Some(held) = self.held.get_mut(client) else {
            return;
        };
        let due = held.heard.time + Span(held.timeout.0 / 3 * 4) + held.timeout;
        if at.time < due || at.time.since(held.last_beat) < BEAT {
            return;
        }
        held.last_beat = at.time;
        held.beats += 1;
        findings.exercise(Property::Sessions);
        if held.beats != PROOF {
            return;
        }
        let silence = Sentence {
            at: held.heard,
            text: format!(
                "client {} heard the last of any server in session {} (timeout {} ms)",
                client.0,
                held.session,
                held.timeout.as_ms()
            ),
        };
        findings.violate(tell(
            at,
            "expiry-never-learnt",
            vec![silence],
            format!(
                "client {} still goes on with session {}, which is over for it since 4/3 of its timeout passed",
                client.0, held.session
            ),
        ));
    }
}
