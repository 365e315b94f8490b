//! The six watch properties, per connection: what is told was watched for (`watch-filter`), once (`watch-once`), in order
//! and before the data (`watch-order`), for a reason (`watch-spurious`), without exception (`watch-lost`), and after a
//! reconnect either caught up or set again (`watch-rearm`). checkers.md §5, zab.md §16.2 (W1-W6), semantics.md §4.
//!
//! Changes come from the committed log, positions from reply headers. Not judged: an event owed by a server that lags is
//! pending, not lost; what a setWatches cannot know (a znode that came and went, several changes, lasting watches over a
//! gap) is lost by design; an event for a request still in flight is believed; a znode whose
//! ACL has ever withheld READ may hide events.

mod access;
mod connection;
mod latency;
mod rearm;
mod rebuilt;
mod stories;
#[cfg(test)]
mod tests;
mod triggers;
mod watches;

use std::collections::BTreeMap;
use std::sync::Arc;

use self::access::Access;
use self::connection::{CaughtUp, Connection, Origin, Owed};
pub use self::latency::WatchLatency;
use self::rearm::{List, Registration, resume};
use self::rebuilt::Doubts;
pub use self::rebuilt::RecordedWatches;
use self::stories::Reset;
use self::triggers::{Hook, Triggers};
use self::watches::Watches;
use super::by_operation::ByOperation;
use super::by_path::PathNumber;
use super::committed::Entry;
use super::news::{End, Frequent, News};
use super::numbered::ByNumber;
use super::verdict::{At, Findings, Monitor, Property};
use super::wording::Witness;
use crate::base::id::{ClientId, SessionId};
use crate::base::time::Time;
use crate::base::zxid::Zxid;
use crate::history::fact::{Change, Fact};
use crate::history::op::{ErrorCode, Path, Request, Response, SetWatches, WatchEvent};

/// A client's library as the facts show it.
#[derive(Clone, Debug, Default)]
struct Client {
    /// What the program watches, and the change it was shown when that was armed, if it was shown one.
    held: BTreeMap<Registration, Zxid>,
    /// Zxid of the last reply: what setWatches is relative to.
    seen: Zxid,
    /// The newest event of any connection, which setWatches does not tell.
    told: Option<(Zxid, At)>,
    connection: Option<Connection>,
}

/// The monitor.
#[derive(Clone, Debug, Default)]
pub struct WatchMonitor {
    /// The committed log lacks something.
    has_log_gaps: bool,
    triggers: Triggers,
    clients: ByNumber<ClientId, Client>,
    watches: Watches,
    /// Requests in flight that ask for events.
    asking: ByOperation<Arc<Witness>>,
    access: Access,
    /// Sessions that are over, and what ended them.
    ended: BTreeMap<SessionId, Arc<Entry>>,
    /// What the log may lack, where it was rebuilt from acknowledgements.
    doubts: Option<Doubts>,
    latency: WatchLatency,
}

impl Monitor for WatchMonitor {
    fn heeds(&self, kind: Frequent) -> bool {
        matches!(
            kind,
            Frequent::Invoked | Frequent::Returned | Frequent::EventReceived
        )
    }

    fn observe(&mut self, news: &News<'_>, findings: &mut Findings) {
        self.has_log_gaps = news.has_log_gaps();
        for entry in news.committed() {
            self.commit(news.at.time, entry);
        }
        if news.fact.client().is_some() {
            self.on_client_fact(news, findings);
        }
    }

    fn finish(&mut self, end: &End<'_>, findings: &mut Findings) {
        let at = end.at;
        self.has_log_gaps = end.has_log_gaps;
        let clients: Vec<ClientId> = self.clients.names().collect();
        for client in clients {
            self.on_disconnected(at, client, findings);
        }
    }
}

// Facts.
impl WatchMonitor {
    /// A monitor that has seen nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// A monitor for a log that is not announced but rebuilt, and may lack something.
    fn rebuilt(doubts: Doubts) -> Self {
        Self {
            doubts: Some(doubts),
            ..Self::default()
        }
    }

    /// How long events were on their way so far.
    pub fn latency(&self) -> &WatchLatency {
        &self.latency
    }

    fn on_client_fact(&mut self, news: &News<'_>, findings: &mut Findings) {
        let (at, fact, witness) = (news.at, news.fact, news.witness());
        if let (Fact::Invoked { .. }, Some(witness)) = (fact, witness) {
            self.on_invoked(witness);
        } else if let (Fact::Returned { conn, result, .. }, Some(witness)) = (fact, witness) {
            self.on_returned(witness, *conn, result.as_ref(), findings);
        } else if let (Fact::Lost { sent, .. }, Some(witness)) = (fact, witness) {
            self.on_lost(witness, *sent);
        } else if let Fact::EventReceived {
            client,
            session,
            conn,
            event,
        } = fact
        {
            self.check_session(at, *client, *session, event, findings);
            self.on_event(at, *client, *conn, event, findings);
        } else if let Fact::Connected {
            client,
            conn,
            fresh,
            ..
        } = fact
        {
            self.on_connected(*client, *conn, *fresh);
        } else if let Fact::Disconnected { client, .. } = fact {
            self.on_disconnected(at, *client, findings);
        } else if let Fact::Expired { client, .. } = fact {
            self.on_disconnected(at, *client, findings);
            self.forget_library(*client);
        } else if let Fact::ClientCrashed { client } = fact {
            self.on_disconnected(at, *client, findings);
            self.clients.remove(*client);
            self.asking.forget(*client);
        } else if let Fact::WatchesReset {
            client,
            conn,
            zxid,
            watches,
            ..
        } = fact
        {
            self.on_reset(at, *client, *conn, *zxid, watches, findings);
        }
    }

    /// The committed log grows.
    fn commit(&mut self, now: Time, entry: &Arc<Entry>) {
        for trigger in self.triggers.apply(now, entry) {
            let clients = &mut self.clients;
            let owe = |client, hook, origin: &Origin| {
                let client = clients.get_mut(client);
                let connection = client.and_then(|client| client.connection.as_mut());
                let connection = connection.expect("who watches is connected");
                connection.owe(&trigger, hook, origin);
            };
            self.watches.on_trigger(&trigger, &self.triggers, owe);
        }
        for change in &entry.txn.changes {
            if let Change::CloseSession { session } = change {
                let ended = self.ended.entry(*session);
                ended.or_insert_with(|| Arc::clone(entry));
            }
        }
    }

    fn on_invoked(&mut self, witness: &Arc<Witness>) {
        let operation = (witness.client, witness.op);
        self.access.on_invoked(operation, &witness.request);
        let client = self.clients.or_default(witness.client);
        if matches!(*witness.request, Request::SetWatches(_))
            && let Some(connection) = &mut client.connection
        {
            connection.is_blind = true;
        }
        if asks_for_events(&witness.request) {
            self.asking.insert(operation, Arc::clone(witness));
        }
    }

    fn on_lost(&mut self, witness: &Witness, sent: bool) {
        let operation = (witness.client, witness.op);
        if asks_for_events(&witness.request) {
            self.asking.remove(&operation);
        }
        if !sent {
            self.access.on_unsent(operation);
        }
    }

    fn on_connected(&mut self, client: ClientId, conn: u64, fresh: bool) {
        if fresh {
            self.forget_library(client);
        }
        self.watches.forget(client);
        let library = self.clients.or_default(client);
        let held = library.held.keys();
        let held = held.map(|(znode, list)| (*list, Arc::clone(self.triggers.path(*znode))));
        let mut unregistered: Vec<(List, Path)> = held.collect();
        unregistered.sort_unstable();
        library.connection = Some(Connection::new(client, conn, unregistered));
    }

    fn forget_library(&mut self, client: ClientId) {
        if let Some(client) = self.clients.get_mut(client) {
            client.held.clear();
            client.seen = Zxid::ZERO;
            client.told = None;
        }
    }

    fn on_disconnected(&mut self, at: At, client: ClientId, findings: &mut Findings) {
        self.watches.forget(client);
        let library = self.clients.get_mut(client);
        let connection = library.and_then(|library| library.connection.take());
        if let Some(mut connection) = connection
            && !connection.is_blind
        {
            for owed in connection.take_overdue() {
                self.report_lost(at, &owed, findings);
            }
        }
    }
}

// Replies.
impl WatchMonitor {
    fn on_returned(
        &mut self,
        witness: &Arc<Witness>,
        conn: u64,
        result: Result<&Response, &ErrorCode>,
        findings: &mut Findings,
    ) {
        let request = &witness.request;
        // Replies to auth carry no view.
        if matches!(**request, Request::Auth { .. }) {
            return;
        }
        let operation = (witness.client, witness.op);
        if asks_for_events(request) {
            self.asking.remove(&operation);
        }
        self.access
            .on_returned(operation, request, witness.zxid, result);
        let at = witness.at();
        let view = witness.zxid.filter(|zxid| *zxid > Zxid::ZERO);
        if let Some(view) = view {
            self.on_view(at, witness, conn, view, findings);
        }
        let Some(client) = self.clients.get_mut(witness.client) else {
            return;
        };
        if let Some(view) = view {
            client.seen = view;
        }
        if let (Request::RemoveWatches { path, kind }, Ok(_)) = (&**request, result) {
            let znode = self.triggers.number(path);
            for list in rearm::removed(*kind) {
                client.held.remove(&(znode, *list));
                if let Some(connection) = &mut client.connection {
                    connection.disarm(list.hook(znode), &mut self.watches);
                }
            }
        }
        if let Some((list, path)) = rearm::registration(request, result) {
            let znode = self.triggers.number(path);
            let shown = result.map_or(Zxid::ZERO, |response| list.shown(response));
            let held = client.held.entry((znode, list)).or_default();
            *held = shown.max(*held);
            if let Some(connection) = &mut client.connection {
                if view.is_none() {
                    // Nobody knows from where on that watch catches changes.
                    connection.is_blind = true;
                }
                if let Some(view) = view
                    && connection.number == conn
                {
                    let origin = || Origin::Request(Arc::clone(witness));
                    let tables = (&mut self.watches, &self.triggers);
                    connection.arm(list.hook(znode), view, origin, tables);
                }
            }
        }
        if **request == Request::CloseSession && result.is_ok() {
            client.held.clear();
        }
        if let (Some(view), Some(connection)) = (view, &mut client.connection)
            && connection.number == conn
        {
            connection.view = Some((view, Arc::clone(witness)));
        }
    }

    /// A reply shows the state at `view`: every event up to there must have come.
    fn on_view(
        &mut self,
        at: At,
        witness: &Arc<Witness>,
        conn: u64,
        view: Zxid,
        findings: &mut Findings,
    ) {
        let Some(client) = self.clients.get_mut(witness.client) else {
            return;
        };
        let told_before = client.told;
        let Some(connection) = client
            .connection
            .as_mut()
            .filter(|connection| connection.number == conn)
        else {
            return;
        };
        let lost = connection.on_reply(view, witness);
        let is_blind = connection.is_blind;
        if let Some((list, path)) = connection.unregistered.first() {
            findings.violate(stories::unregistered(at, witness, *list, path));
            connection.unregistered.clear();
        }
        if let Some(CaughtUp {
            at: since, event, ..
        }) = connection.caught_up.first()
        {
            if !is_blind {
                findings.violate(stories::unexplained(at, witness, *since, event));
            }
            connection.caught_up.clear();
        }
        if let Some((zxid, since)) = connection.told {
            findings.exercise(Property::WatchOrder);
            if view < zxid {
                findings.violate(stories::view_behind_event(at, witness, zxid, since));
            }
        } else if connection.view.is_none()
            && let Some((zxid, since)) = told_before
            && view < zxid
        {
            // Events do not raise what a client asks its next server to have (semantics.md §0.17).
            findings.note(Property::WatchOrder, "rejoined-behind-event", || {
                stories::rejoined_behind(witness, zxid, since)
            });
        }
        for owed in lost {
            self.watches.spend(at, witness.client, &owed);
            if !is_blind {
                self.report_lost(at, &owed, findings);
            }
        }
    }

    fn report_lost(&self, at: At, owed: &Owed, findings: &mut Findings) {
        let trigger = &owed.trigger;
        if self.access.may_hide(&trigger.path, trigger.spot.zxid) || self.has_log_gaps {
            return;
        }
        findings.exercise(Property::WatchLost);
        findings.violate(stories::lost(at, owed));
    }
}

// Events.
impl WatchMonitor {
    /// A session that is over watches nothing (W7, W10).
    fn check_session(
        &self,
        at: At,
        client: ClientId,
        session: SessionId,
        event: &WatchEvent,
        findings: &mut Findings,
    ) {
        if let (Some(zxid), Some(end)) = (event.zxid, self.ended.get(&session))
            && zxid > end.zxid
            && !self.has_log_gaps
        {
            findings.violate(stories::after_session(at, client, event, end));
        }
    }

    /// Nobody is told of what he may not read (W8).
    fn check_access(&self, at: At, client: ClientId, event: &WatchEvent, findings: &mut Findings) {
        if let Some(zxid) = event.zxid
            && self.access.must_hide(client, &event.path, zxid)
        {
            findings.violate(stories::told_without_read(at, client, event));
        }
    }

    fn on_event(
        &mut self,
        at: At,
        client: ClientId,
        conn: u64,
        event: &WatchEvent,
        findings: &mut Findings,
    ) {
        let Some(library) = self.clients.get_mut(client) else {
            return;
        };
        let znode = self.triggers.number(&event.path);
        let shown = rearm::consume(&mut library.held, event.kind, znode);
        if let Some(zxid) = event.zxid {
            let told = library.told.map_or(zxid, |(told, _)| told.max(zxid));
            library.told = Some((told, at));
        }
        let Some(connection) = library
            .connection
            .as_mut()
            .filter(|connection| connection.number == conn)
        else {
            return;
        };
        findings.exercise(Property::WatchFilter);
        let Some(zxid) = event.zxid else {
            let event = event.clone();
            self.latency.caught_up += 1;
            connection.caught_up.push(CaughtUp { at, event, shown });
            return;
        };
        findings.exercise(Property::WatchOrder);
        if let Some((told, since)) = connection.told
            && told > zxid
        {
            findings.violate(stories::events_out_of_order(at, event, told, since));
        }
        let what = (event.kind, znode);
        let settled = connection.settle(at, what, zxid, &mut self.watches);
        if connection.told.is_none_or(|(told, _)| told < zxid) {
            connection.told = Some((zxid, at));
        }
        if let Some(owed) = settled {
            findings.exercise(Property::WatchSpurious);
            findings.exercise(Property::WatchLost);
            findings.exercise(Property::WatchOnce);
            self.latency.count(owed.trigger.committed, at.time);
            let view = connection.view.as_ref();
            let view = view.filter(|(view, _)| *view >= zxid);
            let overdue = owed.overdue.as_ref().map(|(reply, _)| reply);
            if let Some(reply) = overdue.or(view.map(|(_, reply)| reply)) {
                findings.violate(stories::event_after_data(at, &owed, reply));
            }
            self.check_access(at, client, event, findings);
        } else {
            self.classify(at, client, (event, znode), zxid, findings);
        }
    }

    /// Whether an event that is not owed may be right all the same: by what is not known, or by what is under way.
    fn may_be(
        &mut self,
        at: At,
        client: ClientId,
        (event, hooks): (&WatchEvent, &[Hook]),
        zxid: Zxid,
        findings: &mut Findings,
    ) -> bool {
        let connection = connection_of(&mut self.clients, client);
        let doubts = self.doubts.as_ref();
        let is_possible = doubts.map_or(self.has_log_gaps, |doubts| {
            doubts.may_cause(event.kind, &event.path, zxid)
        });
        let watches = &mut self.watches;
        if is_possible && connection.believe(at, event, zxid, (watches, hooks), findings) {
            return true;
        }
        let in_flight = self.asking.of(client).any(|witness| {
            rearm::wish(&witness.request).is_none_or(|(mode, base)| mode.may_tell(base, event))
        });
        if in_flight {
            connection.early.push(event.clone());
        }
        in_flight || connection.is_blind
    }

    /// Why an event that is not owed is wrong, if it is.
    fn classify(
        &mut self,
        at: At,
        client: ClientId,
        (event, znode): (&WatchEvent, PathNumber),
        zxid: Zxid,
        findings: &mut Findings,
    ) {
        let mut hooks = self.triggers.hooks(znode);
        hooks.retain(|hook| hook.mode.may_be(event.kind));
        if self.may_be(at, client, (event, &hooks), zxid, findings) {
            return;
        }
        let is_whole = !self.has_log_gaps;
        let (watches, doubts) = (&self.watches, self.doubts.as_ref());
        let connection = connection_of(&mut self.clients, client);
        let armed = |hook: &Hook| Some((*hook, watches.armed(client, *hook)?));
        let armed = hooks.iter().find_map(armed);
        let fired = |hook: &Hook| Some((hook.mode, watches.fired(client, *hook)?));
        let fired = hooks.iter().find_map(fired);
        if armed.is_none() && fired.is_none() {
            findings.violate(stories::unwatched(at, client, event));
            return;
        }
        if let Some((mode, fired)) = fired
            && (fired.zxid == Some(zxid) || armed.is_none())
        {
            findings.exercise(Property::WatchOnce);
            findings.violate(stories::fired_twice(at, client, event, (mode, fired)));
            return;
        }
        let Some((hook, armed)) = armed.filter(|_| is_whole) else {
            return;
        };
        findings.exercise(Property::WatchSpurious);
        let cause = self.triggers.cause(event.kind, znode, zxid);
        let owed = armed.due.filter(|due| due.zxid < zxid);
        let owed = owed.and_then(|due| connection.owed_at(due));
        if let (Some(_), Some(owed)) = (cause, owed) {
            findings.exercise(Property::WatchLost);
            findings.violate(stories::later_change_told(at, owed, event, cause));
            connection.is_blind = true;
            return;
        }
        if let Some(cause) = cause
            && owed.is_none()
            && zxid > armed.since
            && !hook.mode.is_one_shot()
        {
            findings.exercise(Property::WatchOnce);
            let watch = (hook.mode, &**self.triggers.path(hook.znode));
            findings.violate(stories::told_twice(at, client, event, watch, cause));
            return;
        }
        let source = doubts.map_or("committed", |_| stories::NOT_EVEN_LOST);
        let watch = (hook.mode, armed);
        findings.violate(stories::spurious(at, event, watch, cause, source));
    }
}

/// The connection on which an event has just come.
fn connection_of(clients: &mut ByNumber<ClientId, Client>, client: ClientId) -> &mut Connection {
    let library = clients.get_mut(client).expect("it was just found");
    let connection = library.connection.as_mut();
    connection.expect("it was just found as well")
}

// Reconnects.
impl WatchMonitor {
    /// setWatches was handled at `zxid`: each entry was either caught up by an event or is set again.
    fn on_reset(
        &mut self,
        at: At,
        client: ClientId,
        conn: u64,
        zxid: Option<Zxid>,
        watches: &SetWatches,
        findings: &mut Findings,
    ) {
        let is_whole = !self.has_log_gaps;
        let Some(library) = self.clients.get_mut(client) else {
            return;
        };
        let (seen, told) = (library.seen, library.told);
        let Some(connection) = library
            .connection
            .as_mut()
            .filter(|connection| connection.number == conn)
        else {
            return;
        };
        let Some(zxid) = zxid else {
            connection.is_blind = true;
            return;
        };
        if zxid > Zxid::ZERO {
            library.seen = zxid;
        }
        let reset = Reset {
            at,
            client,
            zxid,
            seen,
            told: told.map_or(Zxid::ZERO, |(told, _)| told),
            change: None,
        };
        // What an incomplete log says of a znode proves nothing.
        let log = is_whole.then_some(&mut self.triggers);
        let log = (log, self.doubts.as_ref());
        resume(connection, watches, reset, &mut self.watches, log, findings);
    }
}

/// Whether its reply may follow events that it asks for.
fn asks_for_events(request: &Request) -> bool {
    matches!(request, Request::SetWatches(_)) || rearm::wish(request).is_some()
}
