//! Reads and watch operations, answered by the session's own server (`FinalRequestProcessor`, `DataTree.setWatches`;
//! semantics.md §2, §4.3, §4.5).

use super::acl::{Identities, demand, masked, permits, perms};
use super::store::Tree;
use super::watch::{Watcher, Watches, Which};
use super::znode::{Znode, count};
use crate::base::id::SessionId;
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
        return Answer {
            result: Ok(Response::Empty),
            events: set_watches(tree, watches, connection, lists),
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
                Ok(Response::Identities(self.identities.shown()))
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
        // A missing node can be watched for, one that may not be read cannot.
        if watch && matches!(found, Ok(_) | Err(ErrorCode::NoNode)) {
            self.watches.add_data(path, self.connection);
        }
        found.map(Response::Stat)
    }

    fn get_data(&mut self, path: &Path, watch: bool) -> Result<Response, ErrorCode> {
        let node = self.readable(path)?;
        let response = Response::Data(node.data.clone(), node.stat());
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
        let response = Response::Children(names, stat.then(|| node.stat()));
        if watch {
            self.watches.add_child(path, self.connection);
        }
        Ok(response)
    }

    fn get_ephemerals(&self, prefix: &str) -> Response {
        let own = self.tree.ephemerals(self.session);
        Response::Paths(
            own.filter(|path| path.starts_with(prefix))
                .cloned()
                .collect(),
        )
    }

    fn get_acl(&self, path: &str) -> Result<Response, ErrorCode> {
        let node = self.tree.get(path).ok_or(ErrorCode::NoNode)?;
        demand(&node.acl, self.identities, perms::READ | perms::ADMIN)?;
        let acl = if permits(&node.acl, self.identities, perms::ADMIN) {
            node.acl.clone()
        } else {
            masked(&node.acl)
        };
        Ok(Response::Acl(acl, node.stat()))
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

/// Arms the watches that a client library brings along after a reconnect; those whose change it has missed fire at
/// once, without a zxid and without a look at the ACL. Every list entry is judged alone.
fn set_watches(
    tree: &Tree,
    watches: &mut Watches,
    connection: Watcher,
    lists: &SetWatches,
) -> Vec<WatchEvent> {
    let mut events = Vec::new();
    let mut tell = |kind, path: &Path| {
        events.push(WatchEvent {
            kind,
            path: path.clone(),
            zxid: None,
        });
    };
    for path in &lists.data {
        match tree.get(path) {
            None => tell(EventKind::Deleted, path),
            Some(node) if node.stored.mzxid > lists.relative_zxid => {
                tell(EventKind::DataChanged, path);
            }
            Some(_) => watches.add_data(path, connection),
        }
    }
    for path in &lists.exist {
        match tree.get(path) {
            Some(_) => tell(EventKind::Created, path),
            None => watches.add_data(path, connection),
        }
    }
    for path in &lists.child {
        match tree.get(path) {
            None => tell(EventKind::Deleted, path),
            Some(node) if node.stored.pzxid > lists.relative_zxid => {
                tell(EventKind::ChildrenChanged, path);
            }
            Some(_) => watches.add_child(path, connection),
        }
    }
    for path in &lists.persistent {
        watches.add_persistent(path, connection);
    }
    for path in &lists.recursive {
        watches.add_recursive(path, connection);
    }
    events
}
