//! Watches of a recording: there is no committed log, so it is rebuilt from what clients were acknowledged, and judged at the end
//! (checkers.md §5.2, dst.md §5.7: black box).
//!
//! Acknowledged writes are certain changes: their events are owed. What no acknowledged write explains may have been done by
//! a write of unknown outcome, or by the end of a session nobody closed: where one of those could have made an event, the
//! event is believed, and where one could have changed a znode, setWatches may answer either way.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{WatchMonitor, rearm};
use crate::base::id::{ClientId, SessionId};
use crate::base::zxid::Zxid;
use crate::check::committed::Entry;
use crate::check::evidence;
use crate::check::news::{Answered, Desk, End, News};
use crate::check::verdict::{At, Findings, Monitor};
use crate::check::wording::{self, Witness};
use crate::history::fact::{Change, Fact, TxnSummary};
use crate::history::op::{EventKind, Path, Request, Response, flags};

/// What may have happened without anybody having been told.
#[derive(Clone, Debug, Default)]
pub(super) struct Doubts {
    made: BTreeSet<Path>,
    /// Of sequential creates.
    made_below: BTreeSet<Path>,
    set: BTreeSet<Path>,
    gone: BTreeSet<Path>,
    /// Ephemerals, containers and TTL znodes, or their prefixes: they go without a request.
    mortal: BTreeSet<Path>,
    /// Whose children may have come or gone.
    parents: BTreeSet<Path>,
    /// Zxids of which it is known who took them; of a session's end it is not known what it deleted.
    known: BTreeMap<Zxid, bool>,
}

impl Doubts {
    /// A write may have taken effect.
    fn add(&mut self, request: &Request) {
        for part in evidence::parts(request) {
            if let Request::Create { path, flags, .. } = part {
                let made = if evidence::is_sequential(*flags) {
                    &mut self.made_below
                } else {
                    &mut self.made
                };
                made.insert(Arc::clone(path));
                self.add_parent(path);
            } else if let Request::Delete { path, .. } | Request::DeleteContainer { path } = part {
                self.gone.insert(Arc::clone(path));
                self.add_parent(path);
            } else if let Request::SetData { path, .. } = part {
                self.set.insert(Arc::clone(path));
            }
        }
    }

    /// A znode that goes without a request.
    fn add_mortal(&mut self, path: &Path) {
        self.mortal.insert(Arc::clone(path));
        self.add_parent(path);
    }

    fn add_parent(&mut self, path: &str) {
        if let Some(parent) = evidence::parent(path) {
            self.parents.insert(parent.into());
        }
    }

    fn is_mortal(&self, path: &str) -> bool {
        let prefix = evidence::sequence_prefix(path);
        self.mortal.contains(path) || prefix.is_some_and(|prefix| self.mortal.contains(prefix))
    }

    /// Whether an event may tell of a change that nobody was acknowledged.
    pub(super) fn may_cause(&self, kind: EventKind, path: &str, zxid: Zxid) -> bool {
        let ends_session = match self.known.get(&zxid) {
            Some(false) => return false,
            Some(true) => true,
            None => false,
        };
        match kind {
            EventKind::Created => !ends_session && self.may_be_made(path),
            EventKind::DataChanged => !ends_session && self.set.contains(path),
            EventKind::Deleted => self.gone.contains(path) || self.is_mortal(path),
            EventKind::ChildrenChanged => self.parents.contains(path),
        }
    }

    fn may_be_made(&self, path: &str) -> bool {
        let prefix = evidence::sequence_prefix(path);
        self.made.contains(path) || prefix.is_some_and(|prefix| self.made_below.contains(prefix))
    }

    /// Whether the acknowledged writes may not tell the whole life of a znode.
    pub(super) fn covers(&self, path: &str) -> bool {
        self.may_be_made(path)
            || self.set.contains(path)
            || self.gone.contains(path)
            || self.is_mortal(path)
            || self.parents.contains(path)
    }
}

/// Collects a recording for the judgement on its watches.
#[derive(Clone, Debug, Default)]
pub struct RecordedWatches {
    log: BTreeMap<Zxid, Entry>,
    doubts: Doubts,
    /// Who has ever asked for a watch; of the others only connections are kept.
    watching: BTreeSet<ClientId>,
    /// Requests under way that set an ACL.
    guarding: BTreeSet<(ClientId, u64)>,
    kept: Vec<(At, Fact)>,
}

impl RecordedWatches {
    /// Nothing was read.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next fact of a client.
    pub(in crate::check) fn observe(&mut self, news: &News<'_>) {
        let (at, fact, witness) = (news.at, news.fact, news.witness());
        if let Fact::Invoked {
            client, request, ..
        } = fact
        {
            if rearm::wish(request).is_some() {
                self.watching.insert(*client);
            }
            for part in evidence::parts(request) {
                if let Request::Create {
                    op, path, flags, ..
                } = part
                    && evidence::is_mortal(*op, *flags)
                {
                    self.doubts.add_mortal(path);
                }
            }
        } else if let Some(answered) = news.answered() {
            self.on_returned(&answered);
        } else if let (Fact::Lost { sent: true, .. }, Some(witness)) = (fact, witness) {
            self.doubts.add(&witness.request);
        }
        for witness in news.abandoned() {
            self.doubts.add(&witness.request);
        }
        self.keep(at, fact);
    }

    fn keep(&mut self, at: At, fact: &Fact) {
        let is_needed = if let Fact::Invoked {
            client,
            op,
            request,
            ..
        } = fact
        {
            let is_guarding = sets_acl(request);
            if is_guarding {
                self.guarding.insert((*client, *op));
            }
            let proves = matches!(**request, Request::Auth { .. });
            is_guarding || proves || self.watching.contains(client)
        } else if let Fact::Returned { client, op, .. } | Fact::Lost { client, op, .. } = fact {
            self.guarding.remove(&(*client, *op)) || self.watching.contains(client)
        } else {
            true
        };
        if is_needed {
            self.kept.push((at, slim(fact)));
        }
    }

    fn on_returned(&mut self, answered: &Answered<'_>) {
        let Answered {
            witness,
            session,
            result,
            ..
        } = *answered;
        if !witness.request.is_write() {
            return;
        }
        let unknown = result.is_err_and(|error| evidence::is_unknown(*error));
        if unknown {
            self.doubts.add(&witness.request);
            return;
        }
        let is_placed = result.map_or_else(|error| evidence::is_placed(*error), |_| true);
        let Some(zxid) = witness.zxid.filter(|_| is_placed) else {
            return;
        };
        let mut changes = Vec::new();
        if let Ok(response) = result {
            add_changes(&witness.request, response, session, &mut changes);
        }
        let ends = changes
            .iter()
            .any(|change| matches!(change, Change::CloseSession { .. }));
        self.doubts.known.entry(zxid).or_insert(ends);
        self.log
            .entry(zxid)
            .or_insert_with(|| entry(zxid, session, changes, Witness::clone(witness)));
    }

    /// The recording is over: judges its watches.
    pub(in crate::check) fn finish(mut self, end: &End<'_>, findings: &mut Findings) {
        for witness in end.under_way.iter() {
            self.doubts.add(&witness.request);
        }
        self.bury();
        let mut monitor = WatchMonitor::rebuilt(self.doubts);
        let mut desk = Desk::default();
        let mut log = self.log.into_iter().peekable();
        for (at, fact) in &self.kept {
            let position = position(fact);
            while let Some((_, entry)) = log.next_if(|(zxid, _)| Some(*zxid) <= position) {
                monitor.commit(entry.at.time, &Arc::new(entry));
            }
            let note = desk.note(*at, fact);
            monitor.observe(&note.news(*at, fact), findings);
        }
        monitor.finish(&desk.end(end.at), findings);
    }

    /// Puts the deletes of ephemerals into the ends of sessions that were acknowledged.
    fn bury(&mut self) {
        let mut owners: BTreeMap<Path, SessionId> = BTreeMap::new();
        for entry in self.log.values_mut() {
            let mut changes = Vec::new();
            for change in &entry.txn.changes {
                if let Change::Create {
                    path,
                    owner: Some(owner),
                    ..
                } = change
                {
                    owners.insert(Arc::clone(path), *owner);
                } else if let Change::Delete { path } = change {
                    owners.remove(path);
                } else if let Change::CloseSession { session } = change {
                    let own = owners.iter().filter(|(_, owner)| *owner == session);
                    let own: Vec<Path> = own.map(|(path, _)| Arc::clone(path)).collect();
                    for path in own {
                        owners.remove(&path);
                        if !self.doubts.gone.contains(&path) {
                            changes.push(Change::Delete { path });
                        }
                    }
                }
                changes.push(change.clone());
            }
            if changes.len() > entry.txn.changes.len() {
                let txn = TxnSummary {
                    changes,
                    ..(*entry.txn).clone()
                };
                entry.txn = Arc::new(txn);
            }
        }
    }
}

/// What the judgement on watches needs of a fact: data is left out.
fn slim(fact: &Fact) -> Fact {
    let mut fact = fact.clone();
    if let Fact::Returned {
        result: Ok(response),
        ..
    } = &mut fact
    {
        if let Response::Data(data, _) = response {
            *data = None;
        } else if let Response::Children(names, _) = response {
            names.clear();
        }
    }
    fact
}

/// Everything up to here was committed when this became true.
fn position(fact: &Fact) -> Option<Zxid> {
    if let Fact::Returned { zxid, .. } | Fact::WatchesReset { zxid, .. } = fact {
        *zxid
    } else if let Fact::EventReceived { event, .. } = fact {
        event.zxid
    } else {
        None
    }
}

fn sets_acl(request: &Request) -> bool {
    let sets = |part: &Request| matches!(part, Request::Create { .. } | Request::SetAcl { .. });
    evidence::parts(request).iter().any(sets)
}

fn entry(zxid: Zxid, session: SessionId, changes: Vec<Change>, author: Witness) -> Entry {
    let txn = TxnSummary {
        session,
        cxid: 0,
        changes,
        error: author.error(),
        text: wording::request(&author.request).into(),
    };
    Entry::acknowledged(zxid, Arc::new(txn), author)
}

/// What an acknowledged write has changed, in its order.
fn add_changes(
    request: &Request,
    response: &Response,
    session: SessionId,
    changes: &mut Vec<Change>,
) {
    let data = 0;
    if let (Request::Multi(parts), Response::Multi(answers)) = (request, response) {
        if answers.iter().any(Result::is_err) {
            return;
        }
        for (part, answer) in parts.iter().zip(answers.iter().flatten()) {
            add_changes(part, answer, session, changes);
        }
    } else if let (
        Request::Create { flags, .. },
        Response::Path(path) | Response::PathStat(path, _),
    ) = (request, response)
    {
        let is_ephemeral = matches!(*flags, flags::EPHEMERAL | flags::EPHEMERAL_SEQUENTIAL);
        changes.push(Change::Create {
            path: Arc::clone(path),
            owner: is_ephemeral.then_some(session),
            data,
        });
    } else if let Request::Delete { path, .. } | Request::DeleteContainer { path } = request {
        let path = Arc::clone(path);
        changes.push(Change::Delete { path });
    } else if let Request::SetData { path, .. } = request {
        let version = if let Response::Stat(stat) = response {
            stat.version
        } else {
            0
        };
        changes.push(Change::SetData {
            path: Arc::clone(path),
            version,
            data,
        });
    } else if let Request::SetAcl { path, .. } = request {
        let path = Arc::clone(path);
        changes.push(Change::SetAcl { path });
    } else if *request == Request::CloseSession {
        changes.push(Change::CloseSession { session });
    }
}
