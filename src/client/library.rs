//! ZooKeeper's client library (`ClientCnxn`, semantics.md §4.5, §5) as a state machine: one handle at a time, its
//! session, its connection, pipelined requests, pings, watches and expiry.
//!
//! ```text
//!           dial                 Opened                Connected(session)
//!  Waiting ──────▶ Dialling ──────────────▶ Greeting ─────────────────────▶ Live
//!     ▲               │ refused, T/hosts       │ closed, T/hosts             │ ended, silent for 2T/3, xid out of order
//!     └───────────────┴────────────────────────┴─────────────────────────────┘
//!  every one of them ── told Expired, or nothing heard for 4T/3 ──▶ a new handle, Waiting
//! ```
//! It retries nothing: an operation that lost its connection is reported as lost. What to do then is the workload's.

mod receiving;
pub mod twin;

use std::collections::VecDeque;
use std::sync::Arc;

use super::Site;
use super::config::Config;
use super::handle::{Awaited, Handle, Operation, Sent};
use super::hosts::Hosts;
use super::rules::{ClaimedZxid, OwnExpiry, PongZxid, Rewatch, SendOrder, Unanswered};

use crate::base::id::{ClientId, NodeId, ServerId, SessionId};
use crate::base::time::{LocalTime, Span};
use crate::base::zxid::Zxid;
use crate::history::fact::{Fact, Loss};
use crate::history::op::{ErrorCode, Request, Response, WatchEvent};
use crate::history::wire::{ToClient, ToServer, xid};
use crate::sim::process::{Conn, Cx, Effects, LinkClass};
use crate::words::Words;
use crate::words::message::Msg;
use crate::words::timer::{ClientTimer, Timer};

/// Operations and connections of one life are numbered below this; the next life goes on above it.
pub const NUMBERS_PER_LIFE: u64 = 1_000_000_000;

/// A deadline that is nearer than this has passed: clocks of different speed round.
const ROUNDING: Span = Span::from_us(1);

/// What the library tells the program that uses it, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Upcall {
    /// A server accepted the connection; `fresh` = for a new session.
    Connected {
        /// Whether the session is new.
        fresh: bool,
    },
    /// A reply arrived.
    Replied {
        /// The operation.
        op: u64,
        /// What was asked.
        request: Arc<Request>,
        /// What came out.
        result: Result<Response, ErrorCode>,
    },
    /// There will be no reply.
    Lost {
        /// The operation.
        op: u64,
        /// What was asked.
        request: Arc<Request>,
        /// Whether it may have happened.
        sent: bool,
    },
    /// A watch fired.
    Event(WatchEvent),
    /// The connection ended.
    Disconnected,
    /// The session is over; a new handle takes its place.
    Expired,
}

/// What the library works with while it takes one input.
#[derive(Debug)]
pub struct Turn<'a> {
    /// The client's clock and weather.
    pub cx: Cx,
    /// What it wants done.
    pub out: &'a mut Effects<Words>,
    /// What it tells the program.
    pub up: &'a mut Vec<Upcall>,
}

/// The library of one client process.
#[derive(Clone, Debug)]
pub struct Library {
    client: ClientId,
    config: Config,
    handle: Handle,
    link: Link,
    next_op: u64,
    next_conn: u64,
    next_handle: u64,
    attempts: u64,
}

/// The connection, if any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Link {
    /// No handle: before boot and after closeSession.
    Closed,
    /// `ClientTimer::Reconnect` is armed.
    Waiting,
    /// Dialled.
    Dialling { conn: Conn, server: NodeId },
    /// `ConnectRequest` sent.
    Greeting { conn: Conn, server: NodeId },
    /// The session is established on it.
    Live {
        conn: Conn,
        server: NodeId,
        number: u64,
        sent: LocalTime,
    },
}

impl Library {
    /// The library of a client's `life`th life; it does nothing before [`Library::open`].
    pub fn new(client: ClientId, config: &Config, life: u32) -> Self {
        let base = u64::from(life.saturating_sub(1)) * NUMBERS_PER_LIFE;
        let timeout = Span::from_ms(u64::from(config.session_timeout_ms));
        Self {
            client,
            config: config.clone(),
            handle: Handle::new(timeout),
            link: Link::Closed,
            next_op: base + 1,
            next_conn: base + 1,
            next_handle: base,
            attempts: base,
        }
    }

    /// Builds a new handle and connects at once.
    ///
    /// # Panics
    /// If there is a handle.
    pub fn open(&mut self, cx: Cx, out: &mut Effects<Words>) {
        assert_eq!(self.link, Link::Closed, "one handle at a time");
        self.renew_handle(cx);
        self.dial(cx, out);
    }

    /// Hands an operation to the library; its number comes back with the outcome.
    pub fn submit(&mut self, cx: Cx, request: Arc<Request>, out: &mut Effects<Words>) -> u64 {
        if self.link == Link::Closed {
            self.open(cx, out);
        }
        let op = self.next_op;
        self.next_op += 1;
        out.note(Fact::Invoked {
            client: self.client,
            op,
            session: self.handle.session,
            request: request.clone(),
        });
        if let Request::Auth { scheme, auth } = &*request {
            self.handle.credentials.push((scheme.clone(), auth.clone()));
        }
        self.register_late();
        let operation = Operation { op, request };
        if matches!(self.link, Link::Live { .. }) && !self.is_overtaken() {
            self.send_operation(cx, operation, out);
            self.send_overtaken(cx, out);
        } else {
            self.handle.queued.push_back(operation);
        }
        op
    }

    /// The number that the next operation will have.
    pub fn next_op(&self) -> u64 {
        self.next_op
    }

    /// Gives the next operation's number to one that is not carried out.
    pub fn pass_over(&mut self) {
        self.next_op += 1;
    }

    /// The server a session is established with.
    pub fn server(&self) -> Option<NodeId> {
        match self.link {
            Link::Live { server, .. } => Some(server),
            Link::Closed | Link::Waiting | Link::Dialling { .. } | Link::Greeting { .. } => None,
        }
    }

    /// The present session, or [`SessionId::NONE`].
    pub fn session(&self) -> SessionId {
        self.handle.session
    }

    /// The design choices of the recipes on top.
    pub fn recipe_rules(&self) -> super::recipe::rules::Rules {
        self.config.rules.recipe
    }

    /// A dialled connection is open.
    pub fn on_opened(&mut self, conn: Conn, out: &mut Effects<Words>) {
        let Link::Dialling { conn: mine, server } = self.link else {
            return;
        };
        if mine != conn {
            return;
        }
        let timeout_ms = i32::try_from(self.config.session_timeout_ms).unwrap_or(i32::MAX);
        let last_zxid_seen = match self.config.rules.claimed {
            ClaimedZxid::LastReply => self.handle.last_zxid,
            ClaimedZxid::Zero => Zxid::ZERO,
        };
        let connect = ToServer::Connect {
            last_zxid_seen,
            timeout_ms,
            session: self.handle.session,
            password: self.handle.password,
        };
        out.send(conn, Msg::ToServer(connect));
        self.link = Link::Greeting { conn, server };
    }

    /// A connection ended or never came to be; the name is dead.
    pub fn on_ended(&mut self, conn: Conn, turn: &mut Turn<'_>) {
        if self.conn() == Some(conn) {
            self.become_waiting(turn);
        }
    }

    /// A timer of the library has run out.
    pub fn on_timer(&mut self, timer: ClientTimer, turn: &mut Turn<'_>) {
        match (timer, self.link) {
            (ClientTimer::Reconnect, Link::Waiting) => self.dial(turn.cx, turn.out),
            (ClientTimer::Connect, Link::Dialling { .. } | Link::Greeting { .. }) => {
                self.hang_up(turn);
            }
            (ClientTimer::Ping, Link::Live { .. }) => self.on_ping_timer(turn.cx, turn.out),
            (ClientTimer::Read, Link::Live { .. }) => {
                match left(turn.cx, self.handle.heard, self.handle.read_timeout()) {
                    Some(left) => turn.out.arm(Timer::Client(timer), left),
                    None => self.hang_up(turn),
                }
            }
            (ClientTimer::Expire, _) if self.handle.session != SessionId::NONE => {
                match left(turn.cx, self.handle.heard, self.handle.expiry()) {
                    Some(left) => turn.out.arm(Timer::Client(timer), left),
                    None if self.config.rules.expiry == OwnExpiry::Never => {}
                    None => self.expire(Told::ByItself, turn),
                }
            }
            (
                ClientTimer::Reconnect
                | ClientTimer::Connect
                | ClientTimer::Ping
                | ClientTimer::Read
                | ClientTimer::Expire
                | ClientTimer::Think,
                _,
            ) => {}
        }
    }

    /// A message arrived.
    pub fn on_message(&mut self, conn: Conn, msg: ToClient, turn: &mut Turn<'_>) {
        if self.conn() != Some(conn) {
            return;
        }
        self.handle.heard = turn.cx.now;
        match (self.link, msg) {
            (
                Link::Greeting { server, .. },
                ToClient::Connected {
                    session,
                    password,
                    timeout_ms,
                },
            ) => {
                let timeout_ms = u64::try_from(timeout_ms).unwrap_or(0);
                if session == SessionId::NONE || timeout_ms == 0 {
                    self.on_refused_session(turn);
                } else {
                    self.handle.password = password;
                    self.handle.timeout = Span::from_ms(timeout_ms);
                    self.become_live(session, (conn, server), turn);
                }
            }
            (Link::Live { number, .. }, ToClient::Reply { xid, zxid, result }) => {
                let Some(what) = self.handle.take_awaited(xid) else {
                    self.hang_up(turn);
                    return;
                };
                self.on_reply(number, what, (zxid, result), turn);
                self.send_overtaken(turn.cx, turn.out);
            }
            (Link::Live { number, .. }, ToClient::Pong { zxid }) => {
                match self.config.rules.pongs {
                    PongZxid::Ignored => {}
                    PongZxid::Counts => self.handle.last_zxid = zxid,
                }
                turn.out.note(Fact::Ponged {
                    client: self.client,
                    session: self.handle.session,
                    conn: number,
                    zxid,
                });
            }
            (Link::Live { number, .. }, ToClient::Event(event)) => {
                self.on_event(number, event, turn);
            }
            // A server that says something else is no ZooKeeper: the Java client fails to parse it and hangs up.
            (
                Link::Closed
                | Link::Waiting
                | Link::Dialling { .. }
                | Link::Greeting { .. }
                | Link::Live { .. },
                ToClient::Connected { .. }
                | ToClient::Reply { .. }
                | ToClient::Pong { .. }
                | ToClient::Event(_),
            ) => self.hang_up(turn),
        }
    }

    fn conn(&self) -> Option<Conn> {
        match self.link {
            Link::Closed | Link::Waiting => None,
            Link::Dialling { conn, .. } | Link::Greeting { conn, .. } | Link::Live { conn, .. } => {
                Some(conn)
            }
        }
    }

    fn requested_timeout(&self) -> Span {
        Span::from_ms(u64::from(self.config.session_timeout_ms))
    }
}

/// What is left of `limit` since `since`; `None` = it has passed.
fn left(cx: Cx, since: LocalTime, limit: Span) -> Option<Span> {
    let left = limit - cx.now.since(since);
    (left > ROUNDING).then_some(left)
}

/// How a client learnt that its session is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    ByServer,
    ByItself,
}

// Sending.
impl Library {
    fn send_operation(&mut self, cx: Cx, operation: Operation, out: &mut Effects<Words>) {
        let number = if matches!(*operation.request, Request::Auth { .. }) {
            xid::AUTH
        } else {
            self.handle.take_xid()
        };
        let request = operation.request.clone();
        self.send(cx, number, request, Awaited::Operation(operation), out);
    }

    fn send(
        &mut self,
        cx: Cx,
        number: i32,
        request: Arc<Request>,
        what: Awaited,
        out: &mut Effects<Words>,
    ) {
        let Link::Live { conn, sent, .. } = &mut self.link else {
            unreachable!("requests are sent on an established session only");
        };
        *sent = cx.now;
        let msg = ToServer::Request {
            xid: number,
            request,
        };
        out.send(*conn, Msg::ToServer(msg));
        self.handle.pending.push_back(Sent { xid: number, what });
    }

    fn on_ping_timer(&mut self, cx: Cx, out: &mut Effects<Words>) {
        let interval = self.handle.ping_interval();
        let Link::Live { conn, sent, .. } = &mut self.link else {
            unreachable!("the caller saw an established session");
        };
        if let Some(left) = left(cx, *sent, interval) {
            out.arm(Timer::Client(ClientTimer::Ping), left);
        } else {
            *sent = cx.now;
            out.send(*conn, Msg::ToServer(ToServer::Ping));
            out.arm(Timer::Client(ClientTimer::Ping), interval);
        }
    }

    /// Auth packets, setWatches and queued requests, in this order.
    fn send_backlog(&mut self, cx: Cx, out: &mut Effects<Words>) {
        for (scheme, auth) in self.handle.credentials.clone() {
            let request = Arc::new(Request::Auth { scheme, auth });
            self.send(cx, xid::AUTH, request, Awaited::Credentials, out);
        }
        self.register_late();
        let batches = match self.config.rules.rewatch {
            Rewatch::All => self.handle.watches.batches(self.handle.last_zxid),
            Rewatch::None => Vec::new(),
        };
        for batch in batches {
            let request = Arc::new(Request::SetWatches(Box::new(batch.clone())));
            let what = Awaited::SetWatches(Arc::new(batch));
            self.send(cx, xid::SET_WATCHES, request, what, out);
        }
        while let Some(operation) = self.handle.queued.pop_front() {
            self.send_operation(cx, operation, out);
        }
    }

    /// Whether the next request to send waits to be overtaken by the one after it.
    fn is_overtaken(&self) -> bool {
        match self.config.rules.order {
            SendOrder::AsHandedIn => false,
            SendOrder::Overtaken => {
                !self.handle.pending.is_empty() && self.handle.queued.is_empty()
            }
        }
    }

    /// Sends what waited to be overtaken.
    fn send_overtaken(&mut self, cx: Cx, out: &mut Effects<Words>) {
        while matches!(self.link, Link::Live { .. })
            && let Some(operation) = self.handle.queued.pop_front()
        {
            self.send_operation(cx, operation, out);
        }
    }
}

// Changing state.
impl Library {
    fn renew_handle(&mut self, cx: Cx) {
        self.handle = Handle::new(self.requested_timeout());
        let hosts = Hosts::new(
            cx,
            &self.config.servers,
            self.config.hosts,
            self.next_handle,
        );
        self.handle.hosts = Some(hosts);
        self.next_handle += 1;
    }

    /// Tries the next server.
    fn dial(&mut self, cx: Cx, out: &mut Effects<Words>) {
        let timeout = self.handle.connect_timeout();
        let hosts = self.handle.hosts.as_mut().expect("a handle has hosts");
        let server = hosts.advance(cx);
        let conn = out.open(server, LinkClass::Client, timeout);
        out.arm(Timer::Client(ClientTimer::Connect), timeout);
        assert!(
            matches!(self.link, Link::Closed | Link::Waiting),
            "one connection at a time"
        );
        self.link = Link::Dialling { conn, server };
    }

    /// Ends the connection from our side.
    fn hang_up(&mut self, turn: &mut Turn<'_>) {
        if let Some(conn) = self.conn() {
            turn.out.close(conn);
        }
        self.become_waiting(turn);
    }

    /// The connection is gone: everything outstanding fails, the next attempt is scheduled.
    fn become_waiting(&mut self, turn: &mut Turn<'_>) {
        self.lose_all(Loss::ConnectionLoss, turn);
        self.disconnect(turn);
        self.schedule_dial(turn.cx, turn.out);
    }

    fn schedule_dial(&mut self, cx: Cx, out: &mut Effects<Words>) {
        self.attempts += 1;
        let longest = self.config.reconnect_wait();
        let mut wait = Span(
            Site::ReconnectWait
                .weather(cx, self.attempts)
                .below(longest.0),
        );
        let hosts = self.handle.hosts.as_ref().expect("a handle has hosts");
        if hosts.completes_round() {
            wait = wait + self.config.round_wait();
        }
        out.arm(Timer::Client(ClientTimer::Reconnect), wait);
        self.link = Link::Waiting;
    }

    fn become_live(
        &mut self,
        session: SessionId,
        (conn, server): (Conn, NodeId),
        turn: &mut Turn<'_>,
    ) {
        assert!(
            matches!(self.link, Link::Greeting { .. }),
            "a session is established by the answer to a connect request"
        );
        let fresh = self.handle.session == SessionId::NONE;
        let number = self.next_conn;
        self.next_conn += 1;
        self.handle.session = session;
        self.handle
            .hosts
            .as_mut()
            .expect("a handle has hosts")
            .on_connected();
        self.link = Link::Live {
            conn,
            server,
            number,
            sent: turn.cx.now,
        };
        turn.out.disarm(Timer::Client(ClientTimer::Connect));
        turn.out.arm(
            Timer::Client(ClientTimer::Ping),
            self.handle.ping_interval(),
        );
        turn.out
            .arm(Timer::Client(ClientTimer::Read), self.handle.read_timeout());
        turn.out
            .arm(Timer::Client(ClientTimer::Expire), self.handle.expiry());
        turn.out.note(Fact::Connected {
            client: self.client,
            session,
            server: server_id(server),
            conn: number,
            timeout_ms: u32::try_from(self.handle.timeout.as_ms()).unwrap_or(u32::MAX),
            fresh,
        });
        turn.up.push(Upcall::Connected { fresh });
        self.send_backlog(turn.cx, turn.out);
    }

    /// The session is over: the handle is dead, a new one takes its place.
    fn expire(&mut self, told: Told, turn: &mut Turn<'_>) {
        let session = self.handle.session;
        self.abandon(Loss::SessionExpired, turn);
        turn.out.note(Fact::Expired {
            client: self.client,
            session,
            told: told == Told::ByServer,
        });
        turn.up.push(Upcall::Expired);
        self.become_reborn(turn.cx, turn.out);
    }

    /// Builds the next handle; the program needs a moment for it, like a reconnect.
    fn become_reborn(&mut self, cx: Cx, out: &mut Effects<Words>) {
        assert_eq!(self.link, Link::Closed, "one handle at a time");
        self.renew_handle(cx);
        self.schedule_dial(cx, out);
    }

    /// Drops the handle with its session, watches and whatever is outstanding.
    fn abandon(&mut self, loss: Loss, turn: &mut Turn<'_>) {
        self.lose_all(loss, turn);
        for operation in std::mem::take(&mut self.handle.queued) {
            self.lose(operation, loss, true, turn);
        }
        if let Some(conn) = self.conn() {
            turn.out.close(conn);
        }
        self.disconnect(turn);
        for timer in [ClientTimer::Reconnect, ClientTimer::Expire] {
            turn.out.disarm(Timer::Client(timer));
        }
        self.link = Link::Closed;
        self.handle = Handle::new(self.requested_timeout());
    }

    /// Reports the end of an established connection and takes its timers back.
    fn disconnect(&mut self, turn: &mut Turn<'_>) {
        match self.link {
            Link::Closed | Link::Waiting => {}
            Link::Dialling { .. } | Link::Greeting { .. } => {
                turn.out.disarm(Timer::Client(ClientTimer::Connect));
            }
            Link::Live { number, .. } => {
                turn.out.disarm(Timer::Client(ClientTimer::Ping));
                turn.out.disarm(Timer::Client(ClientTimer::Read));
                turn.out.note(Fact::Disconnected {
                    client: self.client,
                    session: self.handle.session,
                    conn: number,
                });
                turn.up.push(Upcall::Disconnected);
            }
        }
    }

    /// Fails what was sent, then what was not, in order (`ClientCnxn.SendThread.cleanup`).
    fn lose_all(&mut self, loss: Loss, turn: &mut Turn<'_>) {
        let rule = self.config.rules.unanswered;
        let mut again = VecDeque::new();
        for sent in std::mem::take(&mut self.handle.pending) {
            let Awaited::Operation(operation) = sent.what else {
                continue;
            };
            match (rule, loss) {
                (Unanswered::SentAgain, Loss::ConnectionLoss) => again.push_back(operation),
                (Unanswered::NotSent, _) => self.lose(operation, loss, false, turn),
                (Unanswered::Unknown | Unanswered::SentAgain, _) => {
                    self.lose(operation, loss, true, turn);
                }
            }
        }
        for operation in std::mem::take(&mut self.handle.queued) {
            self.lose(operation, loss, false, turn);
        }
        self.handle.queued = again;
    }

    fn lose(
        &self,
        Operation { op, request }: Operation,
        loss: Loss,
        sent: bool,
        turn: &mut Turn<'_>,
    ) {
        turn.out.note(Fact::Lost {
            client: self.client,
            op,
            session: self.handle.session,
            loss,
            sent,
        });
        turn.up.push(Upcall::Lost { op, request, sent });
    }
}

/// Servers come first among the nodes, so that their node ids are their sids.
fn server_id(node: NodeId) -> ServerId {
    ServerId(u8::try_from(node.0).expect("a server's node id is its sid"))
}

#[cfg(test)]
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "a test picks the variants it is about"
)]
pub(super) mod tests;
