//! A handle (a `ZooKeeper` object): the session and everything that dies with it, and the timeouts that follow from its
//! negotiated timeout T (semantics.md §5).

use std::collections::VecDeque;
use std::sync::Arc;

use super::hosts::Hosts;
use super::watches::Watches;
use crate::base::id::SessionId;
use crate::base::time::{LocalTime, Span};
use crate::base::zxid::Zxid;
use crate::history::op::{ErrorCode, Request, Response, SetWatches};
use crate::history::wire::xid;

/// The longest time without sending anything (`MAX_SEND_PING_INTERVAL`).
const PING_AT_LEAST_EVERY: Span = Span::from_ms(10_000);

/// What dies with a session (a `ZooKeeper` object).
#[derive(Clone, Debug)]
pub(super) struct Handle {
    pub(super) hosts: Option<Hosts>,
    pub(super) session: SessionId,
    pub(super) password: u64,
    /// Negotiated timeout, or what is asked for.
    pub(super) timeout: Span,
    /// Of the last ordinary reply; pings and events do not raise it (semantics.md 0.17).
    pub(super) last_zxid: Zxid,
    pub(super) heard: LocalTime,
    pub(super) next_xid: i32,
    /// Sent, not answered; in the order sent.
    pub(super) pending: VecDeque<Sent>,
    /// Not sent yet.
    pub(super) queued: VecDeque<Operation>,
    pub(super) watches: Watches,
    /// Answered requests whose watches are still to be registered; empty but for a design that fails.
    pub(super) unregistered: Vec<Answered>,
    pub(super) credentials: Vec<(Arc<str>, Arc<[u8]>)>,
}

/// A request and what came out.
pub(super) type Answered = (Arc<Request>, Result<Response, ErrorCode>);

/// An operation of the program.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    pub(super) op: u64,
    pub(super) request: Arc<Request>,
}

/// Something that awaits its reply.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    pub(super) xid: i32,
    pub(super) what: Awaited,
}

/// What a reply will answer.
#[derive(Clone, Debug)]
pub(super) enum Awaited {
    /// An operation of the program.
    Operation(Operation),
    /// An auth packet replayed after a reconnect.
    Credentials,
    /// Watches registered anew after a reconnect.
    SetWatches(Arc<SetWatches>),
}

impl Handle {
    /// A handle without a session and, so far, without servers.
    pub(super) fn new(timeout: Span) -> Self {
        Self {
            hosts: None,
            session: SessionId::NONE,
            password: 0,
            timeout,
            last_zxid: Zxid::ZERO,
            heard: LocalTime::default(),
            next_xid: 1,
            pending: VecDeque::new(),
            queued: VecDeque::new(),
            watches: Watches::default(),
            unregistered: Vec::new(),
            credentials: Vec::new(),
        }
    }

    /// How long a connection attempt may take: T divided by the number of servers.
    pub(super) fn connect_timeout(&self) -> Span {
        let hosts = self.hosts.as_ref().map_or(1, Hosts::len) as u64;
        Span(self.timeout.0 / hosts)
    }

    /// How long a server may be silent: 2T/3.
    pub(super) fn read_timeout(&self) -> Span {
        Span(self.timeout.0 / 3 * 2)
    }

    /// How long the client may be silent: T/3.
    pub(super) fn ping_interval(&self) -> Span {
        Span(self.timeout.0 / 3).min(PING_AT_LEAST_EVERY)
    }

    /// After how much silence the session counts as expired: 4T/3.
    pub(super) fn expiry(&self) -> Span {
        Span(self.timeout.0 / 3 * 4)
    }

    /// The number of the next request.
    pub(super) fn take_xid(&mut self) -> i32 {
        let number = self.next_xid;
        self.next_xid = number.checked_add(1).unwrap_or(1);
        number
    }

    /// What a reply with this xid answers: auth packets aside, the oldest request; else the stream is broken.
    pub(super) fn take_awaited(&mut self, number: i32) -> Option<Awaited> {
        let pending = &mut self.pending;
        let is_auth = number == xid::AUTH;
        let index = pending
            .iter()
            .position(|sent| (sent.xid == xid::AUTH) == is_auth)?;
        if pending[index].xid != number {
            return None;
        }
        pending.remove(index).map(|sent| sent.what)
    }
}
