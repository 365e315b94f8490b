//! What clients are told without asking the leader: answers to reads, and watch events.

use std::collections::BTreeMap;

use super::{Front, SyncHandling, Waits, send};
use crate::base::id::SessionId;
use crate::base::zxid::Zxid;
use crate::history::op::{ErrorCode, Request};
use crate::history::wire::ToClient;
use crate::sim::process::Conn;
use crate::tree::read::{Answer, answer};
use crate::tree::store::{Tree, Trigger};
use crate::tree::txn::Txn;
use crate::tree::watch::{Registered, Watcher, Watches};
use crate::zab::core::{Core, Out};
use crate::zab::rules::reads::{Arming, EventBacklog, EventsFire, InLine, ReadPosition, SyncAsks};

/// What a read found, and the position its reply claims.
#[derive(Clone, Debug)]
pub(super) struct Evaluated {
    answer: Answer,
    zxid: Option<Zxid>,
}

/// State that only other designs need; empty by default.
#[derive(Clone, Debug, Default)]
pub(super) struct Odd {
    /// The tree with all proposals applied ([`EventsFire::AtProposal`]).
    pub(super) foreseen: Option<Box<Tree>>,
    /// Watches that are still to be armed ([`Arming::InNextStep`]).
    pub(super) late: Vec<(Watcher, Registered)>,
    /// Sessions of connections that have ended (`EndedWatches::Inherited`).
    pub(super) heirs: BTreeMap<Conn, SessionId>,
    /// Whether it applies what is committed only when it must (`ApplyPace::Lazy`).
    pub(super) is_lazy: bool,
    /// Replies to writes so far (`WriteReplies::OneInEightLost`).
    pub(super) replies: u32,
}

impl Front {
    /// What a read or a sync finds in the state of this moment.
    pub(super) fn evaluate(&mut self, conn: Conn, request: &Request, core: &Core) -> Evaluated {
        let client = &self.clients[&conn];
        let asks_for_watch = matches!(
            request,
            Request::Exists { watch: true, .. }
                | Request::GetData { watch: true, .. }
                | Request::GetChildren { watch: true, .. }
        );
        let is_late = asks_for_watch && core.config.rules.reads.arming == Arming::InNextStep;
        let mut apart = Watches::new(core.config.rules.watch);
        let answer = answer(
            &core.memory.tree,
            if is_late {
                &mut apart
            } else {
                &mut self.watches
            },
            Watcher(conn.0),
            client.session,
            &client.identities,
            request,
        );
        if is_late {
            let wished = apart.of(Watcher(conn.0));
            self.odd.late.push((Watcher(conn.0), wished));
        }
        let processed = core.memory.processed();
        let is_learner = self.sync == SyncHandling::WaitsForLeader;
        let is_reset = matches!(request, Request::SetWatches(_));
        let zxid = match core.config.rules.reads.position {
            ReadPosition::OfRequest if is_learner && !is_reset => None,
            ReadPosition::OfLog => Some(processed.max(core.log.tail().last)),
            ReadPosition::OfState | ReadPosition::OfRequest => Some(processed),
        };
        Evaluated { answer, zxid }
    }

    /// Sends what a read found.
    pub(super) fn reply(
        &mut self,
        conn: Conn,
        xid: i32,
        Evaluated { answer, zxid }: Evaluated,
        core: &Core,
        out: &mut Out,
    ) {
        for event in answer.events {
            send(conn, ToClient::Event(event), out);
        }
        let is_unknown = answer.result == Err(ErrorCode::Unimplemented);
        let reply = ToClient::Reply {
            xid,
            zxid: zxid.filter(|_| !is_unknown),
            result: answer.result,
        };
        send(conn, reply, out);
        if is_unknown {
            self.drop_client(conn, core, out);
        }
    }

    /// Arms what earlier reads have left to be armed.
    pub(super) fn arm_late(&mut self) {
        for (watcher, wished) in std::mem::take(&mut self.odd.late) {
            for path in &wished.data {
                self.watches.add_data(path, watcher);
            }
            for path in &wished.child {
                self.watches.add_child(path, watcher);
            }
        }
    }

    /// A transaction is proposed, and may never be committed.
    pub fn on_proposed(&mut self, txn: &Txn, core: &Core, out: &mut Out) {
        let mut foreseen = self.odd.foreseen.take();
        let foresee = || {
            let tree = foreseen.get_or_insert_with(|| Box::new(core.memory.tree.clone()));
            tree.apply(txn).triggers
        };
        self.fire(EventsFire::AtProposal, core, foresee, out);
        self.odd.foreseen = foreseen;
    }

    /// Sends the events of a change if this is the moment for them.
    pub(super) fn fire(
        &mut self,
        moment: EventsFire,
        core: &Core,
        triggers: impl FnOnce() -> Vec<Trigger>,
        out: &mut Out,
    ) {
        if core.config.rules.reads.events != moment {
            return;
        }
        let (clients, sessions, heirs) = (&self.clients, &self.sessions, &self.odd.heirs);
        let listener = |watcher: Watcher| {
            let heir = || sessions.get(heirs.get(&Conn(watcher.0))?).copied();
            let own = Some(Conn(watcher.0)).filter(|conn| clients.contains_key(conn));
            own.or_else(heir)
        };
        let identities = |watcher: Watcher| {
            let client = clients.get(&listener(watcher)?)?;
            Some(&*client.identities)
        };
        let events = self.watches.fire(&triggers(), identities);
        let events: Vec<(Conn, ToClient)> = events
            .into_iter()
            .filter_map(|(watcher, event)| Some((listener(watcher)?, ToClient::Event(event))))
            .collect();
        for (conn, event) in events {
            let client = self.clients.get_mut(&conn).expect("who listens is there");
            client.unheard += 1;
            match core.config.rules.reads.backlog {
                EventBacklog::One if client.unheard > 1 => {}
                EventBacklog::Unbounded | EventBacklog::One => send(conn, event, out),
            }
        }
    }

    /// Answers the reads at the head of a client's queue.
    pub(super) fn answer_in_line(&mut self, conn: Conn, core: &Core, out: &mut Out) {
        let Some(client) = self.clients.get_mut(&conn) else {
            return;
        };
        let mut due = Vec::new();
        while let Some(head) = client
            .queue
            .pop_front_if(|head| head.waits == Waits::InLine)
        {
            due.push(head);
        }
        let numbers: Vec<i32> = due.iter().map(|read| read.xid).collect();
        match core.config.rules.reads.in_line {
            InLine::Own => {}
            InLine::Reversed => due.reverse(),
        }
        for (read, xid) in due.into_iter().zip(numbers) {
            if !self.clients.contains_key(&conn) {
                return;
            }
            let answer = match read.ready {
                Some(answer) => answer,
                None => self.evaluate(conn, &read.request, core),
            };
            self.reply(conn, xid, answer, core, out);
        }
    }
}

pub(super) fn what_it_waits_for(request: &Request, sync: SyncHandling, core: &Core) -> Waits {
    let asks_leader = matches!(request, Request::Sync { .. })
        && sync == SyncHandling::WaitsForLeader
        && core.config.rules.reads.sync_asks == SyncAsks::Leader;
    if asks_leader {
        Waits::ForSync
    } else if request.is_write() || core.config.rules.session.undecodable.forwards(request) {
        Waits::ForCommit
    } else {
        Waits::InLine
    }
}
