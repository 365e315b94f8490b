//! A server's clients: handshakes, the per-session order of requests, and the Commit stage that applies transactions
//! and answers (`NIOServerCnxn`, `CommitProcessor`, `FinalRequestProcessor`; zab.md §5.4, §6).
//!
//! ```text
//!   request ─▶ write or sync: waits at the head of its session's queue for its commit ─▶ reply ─▶ reads behind it
//!           └▶ read: answered at once if nothing of its session waits
//! ```

pub mod lingering;
mod reading;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use self::reading::{Evaluated, Odd, what_it_waits_for};
use super::core::{Core, Out};
use super::rules::odd::{ApplyPace, WriteReplies};
use super::rules::reads::{
    AheadClient, BehindOwnWrite, EndedWatches, EventsFire, PongPosition, ReadsWhileLooking,
    SyncAnswer,
};
use super::rules::session::{AnswerMoment, CommitMatching};
use super::sessions::{first_session_id, password};
use crate::base::id::SessionId;
use crate::base::time::LocalTime;
use crate::base::zxid::Zxid;
use crate::history::fact::Fact;
use crate::history::frame::frame_bytes;
use crate::history::op::{ErrorCode, Request, Response};
use crate::history::wire::{ToClient, ToServer, xid as special};
use crate::sim::process::{Conn, Cx, Effect, LinkClass};
use crate::tree::acl::Identities;
use crate::tree::rules::Stamps;
use crate::tree::txn::{Body, Txn};
use crate::tree::watch::{Registered, Watcher, Watches};
use crate::words::message::{Forwarded, Msg, RequestBody};
use crate::words::timer::Stage;

/// The address every simulated client has.
const CLIENT_ADDRESS: &str = "127.0.0.1";

/// The longest frame a server reads (`jute.maxbuffer`); a longer one ends the connection.
const FRAME_BYTES_MAX: usize = 0xf_ffff;

/// A sasl request without a token: it ends the connection without a reply.
const SASL_GARBAGE: Request = Request::Raw { opcode: 102 };

/// What the role must do about a client's message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Nothing more.
    Nothing,
    /// Bring this write to Prep.
    Write(Forwarded),
    /// Ask the leader for a SYNC; the leader itself treats a sync as a read.
    Sync(SessionId, i32),
    /// Ask the leader's tracker whether this session lives.
    Revalidate(SessionId, u32),
}

/// How the server treats a sync of its own clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SyncHandling {
    /// A learner waits for the leader's SYNC in the commit stream.
    WaitsForLeader,
    /// The leader answers like a read (zab.md §5.6).
    AnswersAtOnce,
}

/// Where a client's connection stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Handshake {
    /// Nothing received yet.
    Fresh,
    /// Its createSession is under way.
    Opening,
    /// The leader is asked whether its session lives.
    Revalidating,
    /// Requests flow.
    Open,
}

/// Why a queued request waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Waits {
    /// For its own transaction.
    ForCommit,
    /// For the leader's SYNC.
    ForSync,
    /// For what is before it.
    InLine,
}

#[derive(Clone, Debug)]
struct Waiting {
    xid: i32,
    request: Arc<Request>,
    waits: Waits,
    /// Its answer, if it was evaluated before its turn.
    ready: Option<Evaluated>,
}

#[derive(Clone, Debug)]
struct Client {
    handshake: Handshake,
    session: SessionId,
    timeout_ms: u32,
    identities: Arc<Identities>,
    queue: VecDeque<Waiting>,
    /// Events sent since it last said something.
    unheard: u32,
}

/// What the Commit stage has to do next, in zxid order.
#[derive(Clone, Debug, Hash)]
enum Committed {
    Txn(Arc<Txn>),
    Sync(SessionId, i32),
}

/// All clients of one serving server.
#[derive(Clone, Debug)]
pub struct Front {
    sync: SyncHandling,
    clients: BTreeMap<Conn, Client>,
    sessions: BTreeMap<SessionId, Conn>,
    watches: Watches,
    committed: VecDeque<Committed>,
    touched: BTreeMap<SessionId, u32>,
    /// What defects add.
    odd: Odd,
}

impl Front {
    /// Begins to serve clients.
    pub fn open(sync: SyncHandling, now: LocalTime, core: &mut Core, out: &mut Out) -> Self {
        let rule = core.config.rules.session.ids;
        core.next_session = first_session_id(core.me, (core.born, now), core.next_session, rule);
        out.push(Effect::Listen(LinkClass::Client));
        Self {
            sync,
            clients: BTreeMap::new(),
            sessions: BTreeMap::new(),
            watches: Watches::new(core.config.rules.watch),
            committed: VecDeque::new(),
            touched: BTreeMap::new(),
            odd: Odd {
                is_lazy: sync == SyncHandling::WaitsForLeader
                    && core.config.rules.odd.apply == ApplyPace::Lazy,
                ..Odd::default()
            },
        }
    }

    /// Hangs up on every client; sessions live on.
    pub fn hang_up(&mut self, core: &Core, out: &mut Out) {
        out.push(Effect::Unlisten(LinkClass::Client));
        match core.config.rules.reads.looking {
            ReadsWhileLooking::HungUp => {}
            ReadsWhileLooking::Answered => return,
        }
        for conn in self.clients.keys() {
            out.close(*conn);
        }
        self.clients.clear();
    }

    /// A client connected.
    pub fn on_accepted(&mut self, conn: Conn) {
        let identities = Arc::new(Identities::from_address(CLIENT_ADDRESS));
        let client = Client {
            handshake: Handshake::Fresh,
            session: SessionId::NONE,
            timeout_ms: 0,
            identities,
            queue: VecDeque::new(),
            unheard: 0,
        };
        self.clients.insert(conn, client);
    }

    /// A client's connection ended; returns whether it was one of ours.
    pub fn on_ended(&mut self, conn: Conn, core: &Core) -> bool {
        let Some(client) = self.clients.remove(&conn) else {
            return false;
        };
        if self.sessions.get(&client.session) == Some(&conn) {
            self.sessions.remove(&client.session);
        }
        match core.config.rules.reads.ended {
            EndedWatches::Forgotten => self.watches.forget(Watcher(conn.0)),
            EndedWatches::Inherited => {
                self.odd.heirs.insert(conn, client.session);
            }
        }
        true
    }

    /// Hangs up on one client.
    pub fn drop_client(&mut self, conn: Conn, core: &Core, out: &mut Out) {
        if self.on_ended(conn, core) {
            out.close(conn);
        }
    }

    /// The session of a client's connection, once its requests flow.
    pub fn session_of(&self, conn: Conn) -> Option<SessionId> {
        let client = self.clients.get(&conn)?;
        (client.handshake == Handshake::Open).then_some(client.session)
    }

    /// Whether this connection is one of a client's.
    pub fn serves(&self, conn: Conn) -> bool {
        self.clients.contains_key(&conn)
    }

    /// What a client's connection watches.
    pub fn watched_by(&self, conn: Conn) -> Registered {
        self.watches.of(Watcher(conn.0))
    }

    /// Whether everything committed is applied.
    pub fn is_quiet(&self) -> bool {
        self.committed.is_empty()
    }

    /// Its clients' writes that are not answered.
    pub fn unanswered(&self) -> impl Iterator<Item = Forwarded> {
        self.clients.values().flat_map(|client| {
            let writes = client.queue.iter();
            writes
                .filter(|waiting| waiting.waits == Waits::ForCommit)
                .map(|waiting| client.forward(waiting.xid, Arc::clone(&waiting.request)))
        })
    }

    /// Committed transactions that are not applied yet.
    pub fn unapplied(&self) -> impl Iterator<Item = Arc<Txn>> {
        self.committed.iter().filter_map(|next| match next {
            Committed::Txn(txn) => Some(Arc::clone(txn)),
            Committed::Sync(..) => None,
        })
    }

    /// Sessions heard of since the last call, with their timeouts.
    pub fn take_touched(&mut self) -> Vec<(SessionId, u32)> {
        std::mem::take(&mut self.touched).into_iter().collect()
    }

    // ----- messages

    /// A client says something.
    pub fn on_message(&mut self, conn: Conn, msg: ToServer, core: &mut Core, out: &mut Out) -> Ask {
        self.arm_late();
        let Some(client) = self.clients.get_mut(&conn) else {
            core.ignore("message-of-gone-client", out);
            return Ask::Nothing;
        };
        client.unheard = 0;
        match (msg, client.handshake) {
            (
                ToServer::Connect {
                    last_zxid_seen,
                    timeout_ms,
                    session,
                    password,
                },
                Handshake::Fresh,
            ) => self.on_connect(
                conn,
                last_zxid_seen,
                timeout_ms,
                (session, password),
                core,
                out,
            ),
            (ToServer::Ping, Handshake::Open) => {
                self.touched.insert(client.session, client.timeout_ms);
                let zxid = match core.config.rules.reads.pong {
                    PongPosition::OfState => core.memory.processed(),
                    PongPosition::OfLog => core.memory.processed().max(core.log.tail().last),
                };
                send(conn, ToClient::Pong { zxid }, out);
                Ask::Nothing
            }
            (ToServer::Request { xid, request }, Handshake::Open) => {
                self.on_request(conn, xid, request, core, out)
            }
            (ToServer::Connect { .. } | ToServer::Ping | ToServer::Request { .. }, _) => {
                core.ignore("message-out-of-handshake", out);
                self.drop_client(conn, core, out);
                Ask::Nothing
            }
        }
    }

    fn on_connect(
        &mut self,
        conn: Conn,
        last_zxid_seen: Zxid,
        timeout_ms: i32,
        (session, given): (SessionId, u64),
        core: &mut Core,
        out: &mut Out,
    ) -> Ask {
        let is_refused = match core.config.rules.reads.ahead {
            AheadClient::Refused => last_zxid_seen > core.memory.processed(),
            AheadClient::Accepted => false,
        };
        if is_refused {
            core.ignore("client-has-seen-more", out);
            self.drop_client(conn, core, out);
            return Ask::Nothing;
        }
        let (low, high) = core.config.session_timeout_ms;
        let timeout_ms = u32::try_from(timeout_ms).unwrap_or(0).clamp(low, high);
        if session != SessionId::NONE && given != password(session) {
            self.refuse_session(conn, core, out);
            return Ask::Nothing;
        }
        let is_new = session == SessionId::NONE;
        let session = if is_new {
            take_session_id(core)
        } else {
            session
        };
        if let Some(old) = self
            .sessions
            .insert(session, conn)
            .filter(|old| *old != conn)
        {
            self.drop_client(old, core, out);
        }
        let client = self.clients.get_mut(&conn).expect("checked by the caller");
        (client.session, client.timeout_ms) = (session, timeout_ms);
        if is_new {
            client.handshake = Handshake::Opening;
            let identities = Arc::clone(&client.identities);
            Ask::Write(Forwarded {
                session,
                cxid: 0,
                body: RequestBody::OpenSession { timeout_ms },
                identities,
            })
        } else {
            client.handshake = Handshake::Revalidating;
            Ask::Revalidate(session, timeout_ms)
        }
    }

    fn refuse_session(&mut self, conn: Conn, core: &Core, out: &mut Out) {
        send(
            conn,
            ToClient::Connected {
                session: SessionId::NONE,
                password: 0,
                timeout_ms: 0,
            },
            out,
        );
        self.drop_client(conn, core, out);
    }

    /// The leader's tracker has answered a `Revalidate`.
    pub fn on_revalidated(
        &mut self,
        session: SessionId,
        is_valid: bool,
        core: &Core,
        out: &mut Out,
    ) {
        let Some(conn) = self.sessions.get(&session).copied() else {
            return;
        };
        let client = self.clients.get_mut(&conn).expect("sessions name clients");
        if client.handshake != Handshake::Revalidating {
            return;
        }
        if is_valid {
            client.handshake = Handshake::Open;
            welcome(conn, client, out);
        } else {
            self.refuse_session(conn, core, out);
        }
    }

    fn on_request(
        &mut self,
        conn: Conn,
        xid: i32,
        request: Arc<Request>,
        core: &mut Core,
        out: &mut Out,
    ) -> Ask {
        if frame_bytes(&request) > FRAME_BYTES_MAX || *request == SASL_GARBAGE {
            core.ignore("unreadable-frame", out);
            self.drop_client(conn, core, out);
            return Ask::Nothing;
        }
        let client = self.clients.get_mut(&conn).expect("checked by the caller");
        self.touched.insert(client.session, client.timeout_ms);
        if let Request::Auth { scheme, auth } = &*request {
            let (scheme, auth) = (Arc::clone(scheme), Arc::clone(auth));
            self.on_auth(conn, &scheme, &auth, core, out);
            return Ask::Nothing;
        }
        let rules = core.config.rules.session;
        let waits = what_it_waits_for(&request, self.sync, core);
        let has_turn = client.queue.is_empty();
        if waits == Waits::InLine && has_turn {
            let answer = self.evaluate(conn, &request, core);
            self.reply(conn, xid, answer, core, out);
            return Ask::Nothing;
        }
        let ready = match core.config.rules.reads.behind {
            BehindOwnWrite::Overtakes if waits == Waits::InLine => {
                Some(self.evaluate(conn, &request, core))
            }
            BehindOwnWrite::Waits | BehindOwnWrite::Overtakes => None,
        };
        let client = self.clients.get_mut(&conn).expect("checked by the caller");
        client.queue.push_back(Waiting {
            xid,
            request: Arc::clone(&request),
            waits,
            ready,
        });
        match waits {
            Waits::InLine => Ask::Nothing,
            Waits::ForSync => Ask::Sync(client.session, xid),
            Waits::ForCommit => {
                let request = rules.version_check.forwarded(request, &core.memory.tree);
                Ask::Write(client.forward(xid, request))
            }
        }
    }

    fn on_auth(&mut self, conn: Conn, scheme: &str, auth: &[u8], core: &Core, out: &mut Out) {
        let client = self.clients.get_mut(&conn).expect("checked by the caller");
        let result = Arc::make_mut(&mut client.identities).authenticate(scheme, auth);
        let failed = result.is_err();
        let reply = ToClient::Reply {
            xid: special::AUTH,
            zxid: Some(Zxid::ZERO),
            result: result.map(|()| Response::Empty),
        };
        send(conn, reply, out);
        if failed {
            self.drop_client(conn, core, out);
        }
    }

    // ----- the Commit stage

    /// A transaction is committed and may be applied when its turn comes.
    pub fn commit(&mut self, txn: Arc<Txn>, core: &Core, out: &mut Out) {
        match core.config.rules.session.answer {
            AnswerMoment::AfterApply => {}
            AnswerMoment::OnCommit => self.answer_early(&txn, core, out),
        }
        self.committed.push_back(Committed::Txn(txn));
        if !self.odd.is_lazy || self.committed.len() > 1 {
            out.wake(Stage::Commit);
        }
    }

    /// The leader's SYNC arrived: everything committed before it is in the queue before it.
    pub fn release_sync(&mut self, session: SessionId, cxid: i32, core: &Core, out: &mut Out) {
        match core.config.rules.reads.sync_answer {
            SyncAnswer::AmongCommits => {
                self.committed.push_back(Committed::Sync(session, cxid));
                out.wake(Stage::Commit);
            }
            SyncAnswer::BeforeCommits => self.answer_sync(session, cxid, core, out),
        }
    }

    /// The leader lives: nothing that is committed waits any longer.
    pub fn on_leader_ping(&mut self, out: &mut Out) {
        if self.odd.is_lazy && !self.committed.is_empty() {
            out.wake(Stage::Commit);
        }
    }

    /// Applies the next committed transaction and answers; returns it.
    pub fn on_run(&mut self, cx: Cx, core: &mut Core, out: &mut Out) -> Option<Arc<Txn>> {
        let next = self.committed.pop_front()?;
        if !self.committed.is_empty() {
            out.wake(Stage::Commit);
        }
        match next {
            Committed::Txn(txn) => {
                self.apply(cx, &txn, core, out);
                Some(txn)
            }
            Committed::Sync(session, cxid) => {
                self.answer_sync(session, cxid, core, out);
                None
            }
        }
    }

    fn apply(&mut self, cx: Cx, txn: &Arc<Txn>, core: &mut Core, out: &mut Out) {
        core.go_on_with_snapshot(txn, out);
        core.memory.note_step(txn, core.config.rules.log.snapshot);
        let applied = match core.config.rules.tree.stamps {
            Stamps::OfTheLeader => core.memory.tree.apply(txn),
            Stamps::Own => core.memory.tree.apply(&txn.at(cx.wall_ms())),
        };
        core.memory.remember(Arc::clone(txn));
        let (zxid, digest, tree) = (txn.zxid, txn.digest, core.memory.tree.digest());
        out.note(Fact::Delivered {
            server: core.me,
            zxid,
            digest,
            tree,
        });
        self.fire(EventsFire::AtApply, core, || applied.triggers, out);
        self.arm_late();
        self.answer_write(txn, applied.result, core, out);
    }

    /// Answers a transaction's client if it is ours, then the reads that waited behind it.
    fn answer_write(
        &mut self,
        txn: &Txn,
        result: Result<Response, ErrorCode>,
        core: &Core,
        out: &mut Out,
    ) {
        let Some(conn) = self.sessions.get(&txn.session).copied() else {
            return;
        };
        let client = self.clients.get_mut(&conn).expect("sessions name clients");
        if matches!(txn.body, Body::OpenSession { .. }) && client.handshake == Handshake::Opening {
            client.handshake = Handshake::Open;
            welcome(conn, client, out);
            return;
        }
        let is_close = matches!(txn.body, Body::CloseSession { .. });
        let is_busy = client.queue.len() > 1 && !self.committed.is_empty();
        let is_own = match core.config.rules.session.matching {
            CommitMatching::Own => true,
            CommitMatching::OwnUnlessBusy => !is_busy,
        };
        let is_head =
            |head: &Waiting| is_own && head.waits == Waits::ForCommit && head.xid == txn.cxid;
        if client.queue.front().is_some_and(is_head) {
            client.queue.pop_front();
            if result == Err(ErrorCode::SessionMoved) {
                self.drop_client(conn, core, out);
                return;
            }
            self.odd.replies += 1;
            let is_lost = match core.config.rules.odd.replies {
                WriteReplies::Sent => false,
                WriteReplies::OneInEightLost => self.odd.replies.is_multiple_of(8),
            };
            if is_lost {
                self.drop_client(conn, core, out);
                return;
            }
            let reply = ToClient::Reply {
                xid: txn.cxid,
                zxid: Some(txn.zxid),
                result,
            };
            send(conn, reply, out);
        }
        if is_close {
            self.drop_client(conn, core, out);
        } else {
            self.answer_in_line(conn, core, out);
        }
    }

    /// Answers a failed write of our own client out of its turn, then the reads that waited behind it.
    pub(super) fn answer_at_once(&mut self, txn: &Txn, core: &Core, out: &mut Out) {
        let Some(conn) = self.sessions.get(&txn.session).copied() else {
            return;
        };
        let client = self.clients.get_mut(&conn).expect("sessions name clients");
        client.queue.retain(|waiting| waiting.xid != txn.cxid);
        let reply = ToClient::Reply {
            xid: txn.cxid,
            zxid: Some(core.memory.processed()),
            // A copy of the tree says what a failure answers; it changes nothing else.
            result: core.memory.tree.clone().apply(txn).result,
        };
        send(conn, reply, out);
        self.answer_in_line(conn, core, out);
    }

    /// Answers a write before it is applied here: what it will give is found out with a copy of the tree.
    fn answer_early(&mut self, txn: &Txn, core: &Core, out: &mut Out) {
        let is_ours = |conn: &Conn| {
            let head = self.clients[conn].queue.front();
            head.is_some_and(|head| head.waits == Waits::ForCommit && head.xid == txn.cxid)
        };
        let conn = self.sessions.get(&txn.session).copied().filter(is_ours);
        let (Some(conn), None) = (conn, txn.body.error()) else {
            return;
        };
        if matches!(txn.body, Body::CloseSession { .. }) {
            return;
        }
        let mut tree = core.memory.tree.clone();
        for before in self.unapplied() {
            tree.apply(&before);
        }
        let client = self.clients.get_mut(&conn).expect("sessions name clients");
        client.queue.pop_front();
        let reply = ToClient::Reply {
            xid: txn.cxid,
            zxid: Some(txn.zxid),
            result: tree.apply(txn).result,
        };
        send(conn, reply, out);
        self.answer_in_line(conn, core, out);
    }

    fn answer_sync(&mut self, session: SessionId, cxid: i32, core: &Core, out: &mut Out) {
        let Some(conn) = self.sessions.get(&session).copied() else {
            return;
        };
        let client = self.clients.get_mut(&conn).expect("sessions name clients");
        if !client
            .queue
            .front()
            .is_some_and(|head| head.waits == Waits::ForSync && head.xid == cxid)
        {
            return;
        }
        let head = client.queue.pop_front().expect("just looked at");
        let answer = self.evaluate(conn, &head.request, core);
        self.reply(conn, head.xid, answer, core, out);
        self.answer_in_line(conn, core, out);
    }
}

impl Client {
    /// A write of its own on its way to Prep.
    fn forward(&self, xid: i32, request: Arc<Request>) -> Forwarded {
        Forwarded {
            session: self.session,
            cxid: xid,
            body: RequestBody::Client(request),
            identities: Arc::clone(&self.identities),
        }
    }
}

fn send(conn: Conn, msg: ToClient, out: &mut Out) {
    out.send(conn, Msg::ToClient(msg));
}

fn welcome(conn: Conn, client: &Client, out: &mut Out) {
    let timeout_ms = i32::try_from(client.timeout_ms).expect("timeouts are clamped");
    let (session, password) = (client.session, password(client.session));
    send(
        conn,
        ToClient::Connected {
            session,
            password,
            timeout_ms,
        },
        out,
    );
}

fn take_session_id(core: &mut Core) -> SessionId {
    let id = core.next_session;
    core.next_session += 1;
    SessionId(id)
}
