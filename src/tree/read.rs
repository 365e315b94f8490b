//! Reads and watch operations, answered by the session's own server (`FinalRequestProcessor`, `DataTree.setWatches`;
//! semantics.md §2, §4.3, §4.5).

use super::acl::{Identities, demand, masked, permits, perms};
use super::rules::{
    ExistsWatch, GetDataWatch, ListOrder, Missed, NullData, Rearmed, ShownEphemerals, ToldMissed,
    WhoAmI, WholeAcl,
};
use super::store::Tree;
use super::watch::{Watcher, Watches, Which};
use super::znode::{Stored, Znode, count};
use crate::base::id::SessionId;
use crate::base::zxid::Zxid;
use crate::history::op::{ErrorCode, EventKind, Path, Request, Response, SetWatches, WatchEvent};

/// What a read gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The reply.
    pub result: Result<Response, ErrorCode>,
    /// Events for the asking connection that precede the reply.
    pub events: Vec<WatchEvent>,
}

/// Answers a request that is no write. Auth packets concern the connection and are the server's; like writes they are
/// `Unimplemented` here.
pub fn answer(
    tree: &Tree,
    watches: &mut Watches,
    connection: Watcher,
    session: SessionId,
    identities: &Identities,
    request: &Request,
) -> Answer {
    if let Request::SetWatches(lists) = request {
        let mut catch_up = CatchUp {
            tree,
            watches,
            connection,
            since: lists.relative_zxid,
            events: Vec::new(),
        };
        catch_up.take(lists);
        return Answer {
            result: Ok(Response::Empty),
            events: catch_up.events,
        };
    }
    let mut read = Read {
        tree,
        watches,
        connection,
        session,
        identities,
    };
    Answer {
        result: read.answer(request),
        events: Vec::new(),
    }
}

/// One read being answered.
struct Read<'a> {
    tree: &'a Tree,
    watches: &'a mut Watches,
    connection: Watcher,
    session: SessionId,
    identities: &'a Identities,
}

impl Read<'_> {
    fn answer(&mut self, request: &Request) -> Result<Response, ErrorCode> {
        match request {
            Request::Exists { path, watch } => self.exists(path, *watch),
            Request::GetData { path, watch } => self.get_data(path, *watch),
            Request::GetChildren { path, watch, stat } => self.get_children(path, *watch, *stat),
            Request::GetAllChildrenNumber { path } => {
                self.readable(path)?;
                Ok(Response::Count(count(self.tree.below(path).count())))
            }
            Request::GetEphemerals { prefix } => Ok(self.get_ephemerals(prefix)),
            Request::GetAcl { path } => self.get_acl(path),
            Request::Sync { path } => Ok(Response::Path(path.clone())),
            Request::MultiRead(requests) => self.multi_read(requests),
            // A raw whoAmI is whole: it has no body.
            Request::WhoAmI | Request::Raw { opcode: 107 } => {
                let shown = match self.tree.rules.who_am_i {
                    WhoAmI::User => self.identities.shown(),
                    WhoAmI::UserAndHash => self.identities.ids.clone(),
                };
                Ok(Response::Identities(shown))
            }
            Request::AddWatch { path, mode } => self.add_watch(path, *mode),
            Request::CheckWatches { path, kind } => {
                let which = Which::by_number(*kind).ok_or(ErrorCode::MarshallingError)?;
                found(self.watches.check(path, self.connection, which))
            }
            Request::RemoveWatches { path, kind } => {
                let which = Which::by_number(*kind).ok_or(ErrorCode::MarshallingError)?;
                found(self.watches.remove(path, self.connection, which))
            }
            Request::Raw { opcode } => Err(undecodable(*opcode)),
            Request::Create { .. }
            | Request::Delete { .. }
            | Request::DeleteContainer { .. }
            | Request::SetData { .. }
            | Request::SetAcl { .. }
            | Request::Check { .. }
            | Request::Multi(_)
            | Request::SetWatches(_)
            | Request::Auth { .. }
            | Request::CloseSession => Err(ErrorCode::Unimplemented),
        }
    }

    /// The znode, if it is there and may be read.
    fn readable(&self, path: &str) -> Result<&Znode, ErrorCode> {
        let node = self.tree.get(path).ok_or(ErrorCode::NoNode)?;
        demand(&node.acl, self.identities, perms::READ)?;
        Ok(node)
    }

    fn exists(&mut self, path: &Path, watch: bool) -> Result<Response, ErrorCode> {
        if path.contains('\0') {
            return Err(ErrorCode::BadArguments);
        }
        let found = self.readable(path).map(Znode::stat);
        let is_armed = match self.tree.rules.exists {
            // A missing node can be watched for, one that may not be read cannot.
            ExistsWatch::UnlessUnreadable => matches!(found, Ok(_) | Err(ErrorCode::NoNode)),
            ExistsWatch::OnSuccess => found.is_ok(),
            ExistsWatch::Always => true,
        };
        if watch && is_armed {
            self.watches.add_data(path, self.connection);
        }
        found.map(|stat| Response::Stat(stat.into()))
    }

    fn get_data(&mut self, path: &Path, watch: bool) -> Result<Response, ErrorCode> {
        let is_missing = self.tree.get(path).is_none();
        if watch && is_missing && self.tree.rules.get_data == GetDataWatch::AlsoOnNoNode {
            self.watches.add_data(path, self.connection);
        }
        let node = self.readable(path)?;
        let data = match self.tree.rules.null_data {
            NullData::Null => node.data.clone(),
            NullData::Empty => Some(node.data.clone().unwrap_or_default()),
        };
        let response = Response::Data(data, node.stat().into());
        if watch {
            self.watches.add_data(path, self.connection);
        }
        Ok(response)
    }

    fn get_children(
        &mut self,
        path: &Path,
        watch: bool,
        stat: bool,
    ) -> Result<Response, ErrorCode> {
        let node = self.readable(path)?;
        let names = node.children.iter().cloned().collect();
        let response = Response::Children(names, stat.then(|| node.stat().into()));
        if watch {
            self.watches.add_child(path, self.connection);
        }
        Ok(response)
    }

    fn get_ephemerals(&self, prefix: &str) -> Response {
        let tree = self.tree;
        let shown: Vec<&Path> = match tree.rules.ephemerals {
            ShownEphemerals::Own => tree.ephemerals(self.session).collect(),
            ShownEphemerals::All => tree
                .sessions()
                .flat_map(|(session, _)| tree.ephemerals(session))
                .collect(),
        };
        let matching = shown.into_iter().filter(|path| path.starts_with(prefix));
        Response::Paths(matching.cloned().collect())
    }

    fn get_acl(&self, path: &str) -> Result<Response, ErrorCode> {
        let node = self.tree.get(path).ok_or(ErrorCode::NoNode)?;
        demand(&node.acl, self.identities, perms::READ | perms::ADMIN)?;
        let who_sees_all = match self.tree.rules.get_acl {
            WholeAcl::ToAdmins => perms::ADMIN,
            WholeAcl::ToReaders => perms::ADMIN | perms::READ,
        };
        let acl = if permits(&node.acl, self.identities, who_sees_all) {
            node.acl.clone()
        } else {
            masked(&node.acl)
        };
        Ok(Response::Acl(acl, node.stat().into()))
    }

    fn multi_read(&mut self, requests: &[Request]) -> Result<Response, ErrorCode> {
        let mut results = Vec::with_capacity(requests.len());
        for request in requests {
            results.push(match request {
                Request::GetData { path, .. } => self.get_data(path, false),
                Request::GetChildren {
                    path, stat: false, ..
                } => self.get_children(path, false, false),
                Request::GetChildren { .. }
                | Request::Create { .. }
                | Request::Delete { .. }
                | Request::DeleteContainer { .. }
                | Request::SetData { .. }
                | Request::Exists { .. }
                | Request::GetAllChildrenNumber { .. }
                | Request::GetEphemerals { .. }
                | Request::GetAcl { .. }
                | Request::SetAcl { .. }
                | Request::Check { .. }
                | Request::Sync { .. }
                | Request::Multi(_)
                | Request::MultiRead(_)
                | Request::WhoAmI
                | Request::AddWatch { .. }
                | Request::CheckWatches { .. }
                | Request::RemoveWatches { .. }
                | Request::SetWatches(_)
                | Request::Auth { .. }
                | Request::CloseSession
                | Request::Raw { .. } => return Err(ErrorCode::MarshallingError),
            });
        }
        Ok(Response::Multi(results))
    }

    fn add_watch(&mut self, path: &Path, mode: i32) -> Result<Response, ErrorCode> {
        match mode {
            0 => self.watches.add_persistent(path, self.connection),
            1 => self.watches.add_recursive(path, self.connection),
            _ => return Err(ErrorCode::MarshallingError),
        }
        Ok(Response::Empty)
    }
}

fn found(any: bool) -> Result<Response, ErrorCode> {
    if any {
        Ok(Response::Empty)
    } else {
        Err(ErrorCode::NoWatcher)
    }
}

/// The error of a request of this opcode without a body: an operation that has one cannot be decoded, anything else is
/// unknown, and the server closes the connection after saying so (semantics.md §0.11).
fn undecodable(opcode: i32) -> ErrorCode {
    match opcode {
        -10 | 1..=9 | 12 | 14..=22 | 100 | 101 | 103..=106 => ErrorCode::MarshallingError,
        _ => ErrorCode::Unimplemented,
    }
}

/// What a client library brings along after a reconnect: a watch whose change it has missed fires at once, without a
/// zxid and without a look at the list; the others are armed. Every list entry is judged alone.
struct CatchUp<'a> {
    tree: &'a Tree,
    watches: &'a mut Watches,
    connection: Watcher,
    since: Zxid,
    events: Vec<WatchEvent>,
}

impl CatchUp<'_> {
    fn take(&mut self, lists: &SetWatches) {
        let mut kinds = [Self::take_data, Self::take_exist, Self::take_child];
        match self.watches.rules.lists {
            ListOrder::DataFirst => {}
            ListOrder::ChildFirst => kinds.reverse(),
        }
        for take in kinds {
            take(self, lists);
        }
        for path in &lists.persistent {
            self.watches.add_persistent(path, self.connection);
        }
        for path in &lists.recursive {
            self.watches.add_recursive(path, self.connection);
        }
    }

    fn take_data(&mut self, lists: &SetWatches) {
        for path in &lists.data {
            let missed = self.missed(path, |stored| stored.mzxid, EventKind::DataChanged);
            self.settle(path, missed, Watches::add_data);
        }
    }

    fn take_exist(&mut self, lists: &SetWatches) {
        for path in &lists.exist {
            let missed = self.tree.get(path).map(|_| EventKind::Created);
            self.settle(path, missed, Watches::add_data);
        }
    }

    fn take_child(&mut self, lists: &SetWatches) {
        for path in &lists.child {
            let missed = self.missed(path, |stored| stored.pzxid, EventKind::ChildrenChanged);
            self.settle(path, missed, Watches::add_child);
        }
    }

    /// What the watcher of a znode has missed: that it is gone, or a change of it.
    fn missed(
        &self,
        path: &str,
        last_change: impl Fn(&Stored) -> Zxid,
        change: EventKind,
    ) -> Option<EventKind> {
        let rule = self.watches.rules.missed;
        let Some(node) = self.tree.get(path) else {
            return (rule != Missed::OnlyChanges).then_some(EventKind::Deleted);
        };
        let last_change = last_change(&node.stored);
        let is_missed = match rule {
            Missed::Later | Missed::OnlyChanges => last_change > self.since,
            Missed::NotEarlier => last_change >= self.since,
            Missed::Everything => true,
            Missed::OnlyDeletions => false,
        };
        let is_data = change == EventKind::DataChanged;
        let change = match self.watches.rules.told_missed {
            ToldMissed::ByTimes if is_data && node.stored.czxid > self.since => EventKind::Created,
            ToldMissed::ByList | ToldMissed::ByTimes => change,
        };
        is_missed.then_some(change)
    }

    /// Tells what was missed, or arms the watch.
    fn settle(
        &mut self,
        path: &Path,
        missed: Option<EventKind>,
        arm: fn(&mut Watches, &Path, Watcher),
    ) {
        let is_armed = match self.watches.rules.rearmed {
            Rearmed::Unfired => missed.is_none(),
            Rearmed::All => true,
        };
        if is_armed {
            arm(self.watches, path, self.connection);
        }
        if let Some(kind) = missed {
            self.events.push(WatchEvent {
                kind,
                path: path.clone(),
                zxid: None,
            });
        }
    }
}
