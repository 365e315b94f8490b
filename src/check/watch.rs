//! The six watch properties, per connection: what is told was watched for (`watch-filter`), once (`watch-once`), in order
//! and before the data (`watch-order`), for a reason (`watch-spurious`), without exception (`watch-lost`), and after a
//! reconnect either caught up or set again (`watch-rearm`). checkers.md §5, zab.md §16.2 (W1-W6), semantics.md §4.
//!
//! Changes come from the committed log, positions from reply headers. Not judged: an event owed by a server that lags is
//! pending, not lost; what a setWatches cannot know (a znode that came and went, several changes, lasting watches over a
//! gap) is lost by design; an event for a request still in flight is believed; a znode whose
//! ACL has ever withheld READ may hide events.

mod connection;
mod rearm;
mod stories;
#[cfg(test)]
mod tests;
mod triggers;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use self::connection::{Connection, Fired, Origin, Owed};
use self::rearm::Registration;
use self::stories::Reset;
use self::triggers::{Hook, Triggers};
use super::committed::Committed;
use super::evidence;
use super::verdict::{At, Findings, Monitor, Property};
use super::wording::Witness;
use crate::base::id::ClientId;
use crate::base::zxid::Zxid;
use crate::history::fact::Fact;
use crate::history::op::{Acl, ErrorCode, Path, Request, Response, SetWatches, WatchEvent};

/// A client's library as the facts show it.
#[derive(Clone, Debug, Default)]
struct Client {
    /// Requests in flight.
    open: BTreeMap<u64, Witness>,
    held: BTreeSet<Registration>,
    /// Zxid of the last reply: what setWatches is relative to.
    seen: Zxid,
    connection: Option<Connection>,
}

/// The monitor.
#[derive(Clone, Debug, Default)]
pub struct WatchMonitor {
    log: Committed,
    triggers: Triggers,
    clients: BTreeMap<ClientId, Client>,
    /// Paths, or prefixes of sequential ones, whose ACL may hide events.
    guarded: BTreeSet<Path>,
}

impl Monitor for WatchMonitor {
    fn observe(&mut self, at: At, fact: &Fact, findings: &mut Findings) {
        for entry in self.log.observe(at, fact) {
            for trigger in self.triggers.apply(&entry) {
                for client in self.clients.values_mut() {
                    if let Some(connection) = &mut client.connection {
                        connection.on_trigger(&trigger);
                    }
                }
            }
        }
        self.on_request_fact(at, fact, findings);
        self.on_connection_fact(at, fact, findings);
    }

    fn finish(&mut self, at: At, findings: &mut Findings) {
        let clients: Vec<ClientId> = self.clients.keys().copied().collect();
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

    fn on_request_fact(&mut self, at: At, fact: &Fact, findings: &mut Findings) {
        if let Fact::Invoked {
            client,
            op,
            request,
            ..
        } = fact
        {
            self.guard(request);
            let witness = Witness::begin(*client, *op, at, request);
            let client = self.clients.entry(*client).or_default();
            if matches!(**request, Request::SetWatches(_))
                && let Some(connection) = &mut client.connection
            {
                connection.is_blind = true;
            }
            // Replies to auth carry no view.
            if !matches!(**request, Request::Auth { .. }) {
                client.open.insert(*op, witness);
            }
        } else if let Fact::Returned {
            client,
            op,
            conn,
            zxid,
            result,
            ..
        } = fact
        {
            let Some(mut witness) = self
                .clients
                .get_mut(client)
                .and_then(|client| client.open.remove(op))
            else {
                return;
            };
            witness.returned = Some(at);
            witness.zxid = *zxid;
            witness.error = result.as_ref().err().copied();
            self.on_returned(&witness, *conn, result.as_ref(), findings);
        } else if let Fact::Lost { client, op, .. } = fact
            && let Some(client) = self.clients.get_mut(client)
        {
            client.open.remove(op);
        }
    }

    fn on_connection_fact(&mut self, at: At, fact: &Fact, findings: &mut Findings) {
        if let Fact::Connected {
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
            self.clients.remove(client);
        } else if let Fact::EventReceived {
            client,
            conn,
            event,
            ..
        } = fact
        {
            self.on_event(at, *client, *conn, event, findings);
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

    fn on_connected(&mut self, client: ClientId, conn: u64, fresh: bool) {
        if fresh {
            self.forget_library(client);
        }
        let client = self.clients.entry(client).or_default();
        let unregistered = client.held.iter().cloned().collect();
        client.connection = Some(Connection::new(conn, unregistered));
    }

    fn forget_library(&mut self, client: ClientId) {
        if let Some(client) = self.clients.get_mut(&client) {
            client.held.clear();
            client.seen = Zxid::ZERO;
        }
    }

    fn on_disconnected(&mut self, at: At, client: ClientId, findings: &mut Findings) {
        let connection = self
            .clients
            .get_mut(&client)
            .and_then(|client| client.connection.take());
        if let Some(mut connection) = connection
            && !connection.is_blind
        {
            for owed in connection.take_overdue() {
                self.report_lost(at, &owed, findings);
            }
        }
    }

    /// An ACL that not everybody may read under may hide events from some connections.
    fn guard(&mut self, request: &Request) {
        for part in evidence::parts(request) {
            if let Request::Create { path, acl, .. } | Request::SetAcl { path, acl, .. } = part
                && !acl.as_ref().is_some_and(hides_nothing)
            {
                self.guarded.insert(Arc::clone(path));
            }
        }
    }

    fn is_guarded(&self, path: &str) -> bool {
        self.guarded.contains(path)
            || evidence::sequence_prefix(path).is_some_and(|prefix| self.guarded.contains(prefix))
    }
}

/// Whether everybody may read; an empty list is refused and changes nothing.
fn hides_nothing(acl: &Acl) -> bool {
    const READ: i32 = 1;
    acl.is_empty()
        || acl.iter().any(|entry| {
            &*entry.scheme == "world" && &*entry.id == "anyone" && entry.perms & READ != 0
        })
}

// Replies.
impl WatchMonitor {
    fn on_returned(
        &mut self,
        witness: &Witness,
        conn: u64,
        result: Result<&Response, &ErrorCode>,
        findings: &mut Findings,
    ) {
        let at = witness.at();
        let view = witness.zxid.filter(|zxid| *zxid > Zxid::ZERO);
        if let Some(view) = view {
            self.on_view(at, witness, conn, view, findings);
        }
        let Some(client) = self.clients.get_mut(&witness.client) else {
            return;
        };
        if let Some(view) = view {
            client.seen = view;
        }
        let registration = rearm::registration(&witness.request, result);
        if let Some((list, path)) = &registration {
            client.held.insert((*list, Arc::clone(path)));
        }
        if let (Request::RemoveWatches { path, kind }, Ok(_)) = (&*witness.request, result) {
            for list in rearm::removed(*kind) {
                client.held.remove(&(*list, Arc::clone(path)));
                if let Some(connection) = &mut client.connection {
                    connection.disarm(&list.hook(path));
                }
            }
        }
        if *witness.request == Request::CloseSession && result.is_ok() {
            client.held.clear();
        }
        if let (Some((list, path)), Some(view), Some(connection)) =
            (registration, view, &mut client.connection)
            && connection.number == conn
        {
            let origin = Origin::Request(witness.clone());
            connection.arm(list.hook(&path), view, &origin, &self.triggers);
        }
    }

    /// A reply shows the state at `view`: every event up to there must have come.
    fn on_view(
        &mut self,
        at: At,
        witness: &Witness,
        conn: u64,
        view: Zxid,
        findings: &mut Findings,
    ) {
        let Some(connection) = self.connection(witness.client, conn) else {
            return;
        };
        let forgotten = std::mem::take(&mut connection.unregistered);
        let unexplained = std::mem::take(&mut connection.caught_up);
        let told = connection.told;
        let lost = connection.on_reply(view, witness);
        let is_blind = connection.is_blind;
        connection.view = Some((view, witness.clone()));
        if let Some((list, path)) = forgotten.first() {
            findings.violate(stories::unregistered(at, witness, *list, path));
        }
        if let Some((since, event)) = unexplained.first()
            && !is_blind
        {
            findings.violate(stories::unexplained(at, witness, *since, event));
        }
        if let Some((zxid, since)) = told {
            findings.exercise(Property::WatchOrder);
            if view < zxid {
                findings.violate(stories::view_behind_event(at, witness, zxid, since));
            }
        }
        for owed in lost {
            if let Some(connection) = self.connection(witness.client, conn) {
                connection.spend(at, &owed);
            }
            if !is_blind {
                self.report_lost(at, &owed, findings);
            }
        }
    }

    fn report_lost(&self, at: At, owed: &Owed, findings: &mut Findings) {
        if self.is_guarded(&owed.trigger.path) || !self.log.is_whole() {
            return;
        }
        findings.exercise(Property::WatchLost);
        findings.violate(stories::lost(at, owed));
    }

    fn connection(&mut self, client: ClientId, conn: u64) -> Option<&mut Connection> {
        self.clients
            .get_mut(&client)
            .and_then(|client| client.connection.as_mut())
            .filter(|connection| connection.number == conn)
    }
}

// Events.
impl WatchMonitor {
    fn on_event(
        &mut self,
        at: At,
        client: ClientId,
        conn: u64,
        event: &WatchEvent,
        findings: &mut Findings,
    ) {
        let Some(library) = self.clients.get_mut(&client) else {
            return;
        };
        rearm::consume(&mut library.held, event);
        let Some(connection) = library
            .connection
            .as_mut()
            .filter(|connection| connection.number == conn)
        else {
            return;
        };
        findings.exercise(Property::WatchFilter);
        let Some(zxid) = event.zxid else {
            connection.caught_up.push((at, event.clone()));
            return;
        };
        findings.exercise(Property::WatchOrder);
        if let Some((told, since)) = connection.told
            && told > zxid
        {
            findings.violate(stories::events_out_of_order(at, event, told, since));
        }
        let view = connection.view.clone();
        let settled = connection.settle(at, event.kind, &event.path, zxid);
        if connection.told.is_none_or(|(told, _)| told < zxid) {
            connection.told = Some((zxid, at));
        }
        if let Some(owed) = settled {
            findings.exercise(Property::WatchSpurious);
            findings.exercise(Property::WatchLost);
            findings.exercise(Property::WatchOnce);
            let overtaken = owed.overdue.clone().map(|(reply, _)| reply).or_else(|| {
                view.filter(|(view, _)| *view >= zxid)
                    .map(|(_, reply)| reply)
            });
            if let Some(reply) = overtaken {
                findings.violate(stories::event_after_data(at, &owed, &reply));
            }
        } else {
            self.classify(at, client, event, zxid, findings);
        }
    }

    /// Why an event that is not owed is wrong, if it is.
    fn classify(
        &mut self,
        at: At,
        client: ClientId,
        event: &WatchEvent,
        zxid: Zxid,
        findings: &mut Findings,
    ) {
        let is_whole = self.log.is_whole();
        let library = self.clients.get_mut(&client).expect("it was just found");
        let connection = library
            .connection
            .as_mut()
            .expect("it was just found as well");
        let may_tell = |hook: &Hook| hook.may_tell(event.kind, &event.path);
        let in_flight = library.open.values().any(|witness| {
            rearm::wish(&witness.request).is_some_and(|hook| may_tell(&hook))
                || matches!(*witness.request, Request::SetWatches(_))
        });
        if in_flight {
            connection.early.push(event.clone());
            return;
        }
        let armed = connection.armed.iter().find(|(hook, _)| may_tell(hook));
        let fired = connection.fired.iter().find(|(hook, _)| may_tell(hook));
        if connection.is_blind {
            return;
        }
        if armed.is_none() && fired.is_none() {
            findings.violate(stories::unwatched(at, client, event));
            return;
        }
        if let Some((hook, fired)) = fired
            && (fired.zxid == Some(zxid) || armed.is_none())
        {
            findings.exercise(Property::WatchOnce);
            findings.violate(stories::fired_twice(at, client, event, hook, *fired));
            return;
        }
        if !is_whole {
            return;
        }
        let Some((hook, armed)) = armed else { return };
        findings.exercise(Property::WatchSpurious);
        let cause = self.triggers.cause(event.kind, &event.path, zxid);
        let owed = armed.due.filter(|due| due.zxid < zxid);
        let owed = owed.and_then(|due| connection.owed.get(&due).cloned());
        match (cause, owed) {
            (Some(cause), Some(owed)) => {
                findings.exercise(Property::WatchLost);
                findings.violate(stories::later_change_told(at, &owed, cause));
                connection.is_blind = true;
            }
            (cause, _) => findings.violate(stories::spurious(at, event, hook, armed, cause)),
        }
    }
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
        let is_whole = self.log.is_whole();
        let Some(library) = self.clients.get_mut(&client) else {
            return;
        };
        let seen = library.seen;
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
            change: None,
        };
        // What an incomplete log says of a znode proves nothing.
        let log = is_whole.then_some(&self.triggers);
        resume(connection, watches, reset, log, findings);
    }
}

/// Holds each entry of a setWatches against the state at its position: it is caught up by an event, or armed.
fn resume(
    connection: &mut Connection,
    watches: &SetWatches,
    reset: Reset<'_>,
    log: Option<&Triggers>,
    findings: &mut Findings,
) {
    let Some(log) = log else {
        connection.unregistered.clear();
        connection.caught_up.clear();
        connection.is_blind = true;
        return;
    };
    let Reset {
        client, at, zxid, ..
    } = reset;
    let origin = Origin::Reset { client, at, zxid };
    for (list, path) in rearm::entries(watches) {
        findings.exercise(Property::WatchRearm);
        connection
            .unregistered
            .retain(|(other, name)| !(*other == list && name == path));
        let Some(state) = log.state(path, zxid) else {
            connection.is_blind = true;
            continue;
        };
        let hook = list.hook(path);
        let Some(kind) = list.catch_up(state, reset.seen) else {
            connection.arm(hook, zxid, &origin, log);
            continue;
        };
        let caught = connection
            .caught_up
            .iter()
            .position(|(_, event)| event.kind == kind && event.path == *path);
        if let Some(caught) = caught {
            let (at, _) = connection.caught_up.remove(caught);
            connection
                .fired
                .entry(hook)
                .or_insert(Fired { at, zxid: None });
        } else if !connection.is_blind {
            let change = log.last_change(path, zxid);
            let reset = Reset { change, ..reset };
            findings.violate(stories::not_caught_up(reset, list, path, kind));
            connection.is_blind = true;
        }
    }
    let wrong = std::mem::take(&mut connection.caught_up);
    if let Some((since, event)) = wrong.first()
        && !connection.is_blind
    {
        let change = log.last_change(&event.path, zxid);
        let reset = Reset { change, ..reset };
        findings.violate(stories::wrongly_caught_up(reset, *since, event));
    }
}
