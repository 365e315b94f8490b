//! What a leader has only while it reigns: its clients, the session tracker, and Prep, the single stage that turns
//! requests into numbered transactions (`PrepRequestProcessor`, zab.md §5.1).

use std::collections::VecDeque;
use std::sync::Arc;

use super::broadcast::SyncWaiter;
use super::core::{Core, Out};
use super::front::{Ask, Front, SyncHandling};
use super::rules::FailedWrites;
use super::rules::session::{ExpiryCheck, ExpiryEnd, is_undecodable};
use super::sessions::Tracker;
use crate::base::id::{ServerId, SessionId};
use crate::base::time::LocalTime;
use crate::base::zxid::Zxid;
use crate::history::op::{ErrorCode, Path, Request};
use crate::history::wire::ToServer;
use crate::sim::process::{Conn, Cx};
use crate::tree::acl::Identities;
use crate::tree::prep::Prep;
use crate::tree::txn::{Body, Txn};
use crate::words::message::{Forwarded, RequestBody};
use crate::words::timer::Stage;

/// The most znodes of one pass of the reaper, as there is a pass a minute (`znode.container.maxPerMinute`).
const REAPED_PER_PASS: usize = 10_000;

/// Something in Prep's queue.
#[derive(Clone, Debug)]
enum Item {
    /// A write, and the server that its client is connected to.
    Write(ServerId, Forwarded),
    /// A learner's sync: ordered with the writes before it.
    Sync(SyncWaiter),
    /// A session whose time is up.
    Expiry(SessionId),
    /// A container or TTL znode whose time is up.
    Reaping(Path),
}

/// A reigning leader's own state.
#[derive(Clone, Debug)]
pub struct Reign {
    /// Its clients.
    pub front: Front,
    /// Who lives.
    pub tracker: Tracker,
    prep: Prep,
    has_jammed: bool,
    queue: VecDeque<Item>,
    /// Prep has stopped; never with the default rules.
    pub is_deaf: bool,
    /// When the reaper made its last timed pass, or the reign began.
    reaped: LocalTime,
}

impl Reign {
    /// L8: opens the client port; every session gets its full timeout.
    pub fn begin(cx: Cx, core: &mut Core, out: &mut Out) -> Self {
        let mut prep = Prep::new();
        prep.rules = core.config.rules.prep;
        let tracker = Tracker::new(core.me, &core.config, &core.memory.tree, cx, out);
        let front = Front::open(SyncHandling::AnswersAtOnce, cx.now, core, out);
        Self {
            front,
            tracker,
            prep,
            has_jammed: false,
            queue: VecDeque::new(),
            is_deaf: false,
            reaped: cx.now,
        }
    }

    /// A client of the leader's own says something.
    pub fn on_client(&mut self, cx: Cx, conn: Conn, msg: ToServer, core: &mut Core, out: &mut Out) {
        if self.has_moved_away(conn) {
            core.ignore("request-of-moved-session", out);
            self.front.drop_client(conn, core, out);
            return;
        }
        match self.front.on_message(conn, msg, core, out) {
            Ask::Nothing => {}
            Ask::Write(forwarded) => self.enqueue_write(core.me, forwarded, out),
            Ask::Sync(..) => unreachable!("the leader answers its own syncs"),
            Ask::Revalidate(session, timeout_ms) => {
                let valid = self
                    .tracker
                    .revalidate(session, timeout_ms, core.me, cx, out);
                self.front.on_revalidated(session, valid, core, out);
            }
        }
        for (session, timeout_ms) in self.front.take_touched() {
            self.tracker.touch(session, timeout_ms, cx, out);
        }
    }

    /// Whether the session of this connection is another server's by now: here even a read of it ends the connection,
    /// since every request passes Prep (semantics.md §5).
    fn has_moved_away(&self, conn: Conn) -> bool {
        let session = self.front.session_of(conn);
        session.is_some_and(|session| self.tracker.is_owned_elsewhere(session))
    }

    /// A write waits for Prep.
    pub fn enqueue_write(&mut self, from: ServerId, forwarded: Forwarded, out: &mut Out) {
        self.queue.push_back(Item::Write(from, forwarded));
        out.wake(Stage::Prep);
    }

    /// A learner's sync waits for Prep.
    pub fn enqueue_sync(&mut self, conn: Conn, session: SessionId, cxid: i32, out: &mut Out) {
        self.queue.push_back(Item::Sync(SyncWaiter {
            conn,
            session,
            cxid,
        }));
        out.wake(Stage::Prep);
    }

    /// Submits the closeSession of every session that is due.
    pub fn expire_sessions(&mut self, cx: Cx, core: &mut Core, out: &mut Out) {
        for session in self.tracker.expire(cx, out) {
            match core.config.rules.session.end {
                ExpiryEnd::Logged => {}
                ExpiryEnd::Unlogged => {
                    core.memory.tree.drop_session(session);
                    continue;
                }
            }
            self.queue.push_back(Item::Expiry(session));
            out.wake(Stage::Prep);
        }
    }

    /// Submits the closeSession of a session, whether or not it is due; one of a session that has ended takes a zxid too.
    pub fn expire(&mut self, session: SessionId, out: &mut Out) {
        self.tracker.close(session);
        self.queue.push_back(Item::Expiry(session));
        out.wake(Stage::Prep);
    }

    /// Lets the reaper make a pass if its interval is over.
    pub fn reap_in_time(&mut self, cx: Cx, core: &Core, out: &mut Out) {
        let Some(interval) = core.config.reaper_interval else {
            return;
        };
        if cx.now.since(self.reaped) >= interval {
            self.reaped = cx.now;
            self.reap(cx, core, out);
        }
    }

    /// One pass of the reaper (`ContainerManager.checkContainers`): it collects what is due, then each goes by a
    /// transaction of its own.
    pub fn reap(&mut self, cx: Cx, core: &Core, out: &mut Out) {
        let due = core.memory.tree.reapable(cx.wall_ms());
        for path in due.into_iter().take(REAPED_PER_PASS) {
            self.queue.push_back(Item::Reaping(path));
            out.wake(Stage::Prep);
        }
    }

    /// Whether nothing waits for Prep and everything committed is applied.
    pub fn is_quiet(&self) -> bool {
        self.queue.is_empty() && self.front.is_quiet()
    }

    fn wake_again(&self, out: &mut Out) {
        if !self.queue.is_empty() {
            out.wake(Stage::Prep);
        }
    }

    /// The sync at the queue's head, if there is one.
    pub fn take_sync(&mut self, out: &mut Out) -> Option<SyncWaiter> {
        let Some(Item::Sync(waiter)) = self.queue.front() else {
            return None;
        };
        let waiter = *waiter;
        self.queue.pop_front();
        self.wake_again(out);
        Some(waiter)
    }

    /// Turns the next request into the transaction `zxid`. A write that fails becomes one too (semantics.md §0.2).
    pub fn prepare(&mut self, cx: Cx, zxid: Zxid, core: &Core, out: &mut Out) -> Option<Arc<Txn>> {
        let item = self.queue.pop_front()?;
        self.wake_again(out);
        let tree = &core.memory.tree;
        Some(match item {
            Item::Sync(_) => unreachable!("syncs are taken first"),
            Item::Expiry(session) => self.prepare_expiry(cx, zxid, session, core),
            Item::Reaping(path) => self.prep.prepare(
                tree,
                zxid,
                SessionId::NONE,
                0,
                cx.wall_ms(),
                &Request::DeleteContainer { path },
                &Identities::default(),
            ),
            Item::Write(
                from,
                Forwarded {
                    session,
                    cxid,
                    body,
                    identities,
                },
            ) => match body {
                RequestBody::OpenSession { timeout_ms } => {
                    self.tracker.open(session, timeout_ms, Some(from), cx, out);
                    self.prep
                        .open_session(zxid, session, timeout_ms, cx.wall_ms())
                }
                RequestBody::Expiry => {
                    self.tracker.close(session);
                    self.prep
                        .close_session(tree, zxid, session, 0, cx.wall_ms())
                }
                RequestBody::Client(request) => {
                    if let Err(why) = self.tracker.check(session, from) {
                        self.refuse(zxid, session, cxid, cx, why)
                    } else {
                        if *request == Request::CloseSession {
                            self.tracker.close(session);
                        }
                        self.has_jammed = is_undecodable(&request);
                        let txn = self.prep.prepare(
                            tree,
                            zxid,
                            session,
                            cxid,
                            cx.wall_ms(),
                            &request,
                            &identities,
                        );
                        if from == core.me && self.is_answered_at_once(&txn, core, out) {
                            return None;
                        }
                        txn
                    }
                }
            },
        })
    }

    /// The closeSession of a session whose time is up.
    fn prepare_expiry(&mut self, cx: Cx, zxid: Zxid, session: SessionId, core: &Core) -> Arc<Txn> {
        match core.config.rules.session.expiry {
            ExpiryCheck::AsRequest if self.tracker.is_owned_elsewhere(session) => {
                self.refuse(zxid, session, 0, cx, ErrorCode::SessionMoved)
            }
            ExpiryCheck::AsRequest | ExpiryCheck::Unchecked => {
                let tree = &core.memory.tree;
                self.prep
                    .close_session(tree, zxid, session, 0, cx.wall_ms())
            }
        }
    }

    /// Whether the write prepared last could not be decoded and will jam the leader; a server that does as designed
    /// refuses such a write and forwards nothing.
    pub fn has_jammed(&mut self) -> bool {
        std::mem::take(&mut self.has_jammed)
    }

    /// Answers a write of a client of the leader's own without a transaction, if it failed and the rule wants that.
    fn is_answered_at_once(&mut self, txn: &Txn, core: &Core, out: &mut Out) -> bool {
        match core.config.rules.failures {
            FailedWrites::Proposed => false,
            FailedWrites::AnsweredAtOnce => {
                let has_failed = matches!(txn.body, Body::Error(_) | Body::MultiFailed(_));
                if has_failed {
                    self.front.answer_at_once(txn, core, out);
                }
                has_failed
            }
        }
    }

    fn refuse(
        &mut self,
        zxid: Zxid,
        session: SessionId,
        cxid: i32,
        cx: Cx,
        why: ErrorCode,
    ) -> Arc<Txn> {
        self.prep.refuse(zxid, session, cxid, cx.wall_ms(), why)
    }

    /// A transaction was applied: Prep need not remember it any more.
    pub fn on_applied(&mut self, txn: &Txn) {
        self.prep.applied(txn.zxid);
        if matches!(txn.body, Body::CloseSession { .. }) {
            self.tracker.forget(txn.session);
        }
    }
}
