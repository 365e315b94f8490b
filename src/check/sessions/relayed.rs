//! What followers owe their clients: a sign of life reaches the leader, which then does not expire the session.
//!
//! A follower tells the leader whom it has heard when the leader pings it, in one stream with its acks. So if the leader pinged after
//! an answer to a client, and has counted the follower's ack of a later proposal, it has heard of that client. That it pinged is
//! concluded from its being at work: half the session's timeout, which is a tick at least, and some moments apart.

use std::collections::BTreeMap;

use super::{Reign, tell};
use crate::base::id::{ClientId, ServerId, ServerSet, SessionId};
use crate::base::time::{Span, Time};
use crate::base::zxid::Zxid;
use crate::check::by_zxid::ByZxid;
use crate::check::numbered::ByNumber;
use crate::check::verdict::{At, Findings, Property, Sentence};
use crate::history::fact::Role;

/// Moments at which the leader must have been at work between an answer and a proposal.
const PINGED: usize = 4;

/// Answers kept per session: of the last moments, some time apart.
const ANSWERS: usize = 16;

/// An operation that a follower answered.
#[derive(Clone, Copy, Debug)]
struct Answer {
    server: ServerId,
    timeout: Span,
    invoked: At,
    returned: At,
}

/// A proposal that a follower acknowledged in time.
#[derive(Clone, Copy, Debug)]
struct Ack {
    leader: ServerId,
    proposed: Time,
    committed: At,
    zxid: Zxid,
}

/// The monitor's part.
#[derive(Clone, Debug, Default)]
pub(super) struct Relayed {
    /// Through which server a client asks, and its session's timeout.
    connected: ByNumber<ClientId, (u64, ServerId, Span)>,
    /// The last answers of the session's follower.
    answers: BTreeMap<SessionId, Vec<Answer>>,
    /// By leader.
    proposed: ByNumber<ServerId, ByZxid<Time>>,
    /// Of the proposals that a follower acknowledged since it serves, the one proposed last.
    acks: ByNumber<ServerId, Option<Ack>>,
}

impl Relayed {
    pub(super) fn on_connected(
        &mut self,
        client: ClientId,
        conn: u64,
        server: ServerId,
        timeout_ms: u32,
    ) {
        let timeout = Span::from_ms(u64::from(timeout_ms));
        self.connected.insert(client, (conn, server, timeout));
    }

    pub(super) fn on_serve_start(&mut self, server: ServerId, role: Role) {
        if role == Role::Follower {
            self.acks.insert(server, None);
        }
    }

    pub(super) fn on_proposed(&mut self, at: At, server: ServerId, zxid: Zxid) {
        self.proposed.or_default(server).insert(zxid, at.time);
    }

    pub(super) fn on_committed(&mut self, at: At, server: ServerId, zxid: Zxid, acks: ServerSet) {
        let proposed = self.proposed.get_mut(server);
        let Some(proposed) = proposed.and_then(|proposed| proposed.remove(zxid)) else {
            return;
        };
        let ack = Ack {
            leader: server,
            proposed,
            committed: at,
            zxid,
        };
        for (follower, last) in self.acks.iter_mut() {
            if acks.contains(follower) {
                *last = Some(ack);
            }
        }
    }

    /// A client's request was answered.
    pub(super) fn on_answer(
        &mut self,
        at: At,
        invoked: At,
        (client, conn): (ClientId, u64),
        session: SessionId,
    ) {
        let Some((_, server, timeout)) = self.connected.get(client).filter(|own| own.0 == conn)
        else {
            return;
        };
        if self.acks.get(*server).is_none() {
            return;
        }
        let answers = self.answers.entry(session).or_default();
        // All are of one server.
        if answers.last().is_some_and(|last| last.server != *server) {
            answers.clear();
        }
        let apart = Span(timeout.0 / 8);
        if answers
            .last()
            .is_none_or(|last| invoked.time >= last.returned.time + apart)
        {
            answers.push(Answer {
                server: *server,
                timeout: *timeout,
                invoked,
                returned: at,
            });
        }
        if answers.len() > ANSWERS {
            answers.remove(0);
        }
    }

    pub(super) fn on_role_end(&mut self, server: ServerId) {
        self.acks.remove(server);
        self.proposed.remove(server);
        self.answers
            .retain(|_, answers| answers.iter().all(|answer| answer.server != server));
    }

    /// A leader expires a session: it must not have been told that its client is alive.
    pub(super) fn on_expiring(
        &self,
        at: At,
        (server, reign): (ServerId, &Reign),
        session: SessionId,
        findings: &mut Findings,
    ) {
        let answers = self.answers.get(&session).into_iter().flatten();
        for answer in answers.rev() {
            // World time, with a slack for drift.
            let is_early = at.time.since(answer.invoked.time).0 < answer.timeout.0 / 100 * 98;
            let Some(Some(ack)) = self.acks.get(answer.server) else {
                continue;
            };
            let since = answer.returned.time;
            let is_later =
                ack.leader == server && ack.proposed >= since + Span(answer.timeout.0 / 2);
            let has_clock =
                !reign.is_held && reign.held_until <= since && reign.since.time <= since;
            let between = |beat: &&Time| **beat > since && **beat < ack.proposed;
            let is_pinged = reign.beats.iter().filter(between).count() >= PINGED;
            if !(is_early && is_later && has_clock && is_pinged) {
                continue;
            }
            findings.exercise(Property::Sessions);
            let text = format!(
                "server {} answered a request of session {session}",
                answer.server
            );
            let answered = Sentence {
                at: answer.returned,
                text,
            };
            let text = format!(
                "server {server} counted server {}'s ack of {}, proposed at {}",
                answer.server, ack.zxid, ack.proposed
            );
            let heard = Sentence {
                at: ack.committed,
                text,
            };
            findings.violate(tell(
                at,
                "expired-although-heard",
                vec![answered, heard],
                format!(
                    "server {server} expired session {session} (timeout {}) {} after a request that its follower answered",
                    answer.timeout,
                    at.time.since(answer.invoked.time)
                ),
            ));
            return;
        }
    }
}
