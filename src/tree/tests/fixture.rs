//! A server of one: every write is prepared, applied and told to the watchers at once.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::base::id::SessionId;
use crate::base::zxid::Zxid;
use crate::history::op::{
    Acl, AclEntry, CreateOp, ErrorCode, EventKind, Path, Request, Response, Stat, WatchEvent, flags,
};
use crate::tree::acl::{self, Identities};
use crate::tree::prep::Prep;
use crate::tree::read::{Answer, answer};
use crate::tree::store::Tree;
use crate::tree::txn::Txn;
use crate::tree::watch::{Watcher, Watches};

/// The session that most tests use.
pub(super) const ME: SessionId = SessionId(1);
/// Another one.
pub(super) const OTHER: SessionId = SessionId(2);

pub(super) type Outcome = Result<Response, ErrorCode>;

pub(super) struct Server {
    pub(super) tree: Tree,
    pub(super) prep: Prep,
    pub(super) watches: Watches,
    /// Connections of these numbers have these identities, all others only their address.
    pub(super) identities: BTreeMap<Watcher, Identities>,
    /// What the last write told whom.
    pub(super) told: Vec<(u64, EventKind, String, Option<Zxid>)>,
    pub(super) now_ms: u64,
}

impl Server {
    /// Two sessions are open, at zxids 1 and 2.
    pub(super) fn new() -> Self {
        let mut server = Self {
            tree: Tree::new(),
            prep: Prep::new(),
            watches: Watches::default(),
            identities: BTreeMap::new(),
            told: Vec::new(),
            now_ms: 1_000_000,
        };
        for session in [ME, OTHER] {
            let txn =
                server
                    .prep
                    .open_session(server.tree.last().next(), session, 1000, server.now_ms);
            server.apply(&txn).unwrap();
        }
        server
    }

    pub(super) fn prepare(&mut self, zxid: Zxid, request: &Request) -> Arc<Txn> {
        self.prep
            .prepare(&self.tree, zxid, ME, 1, self.now_ms, request, &local())
    }

    pub(super) fn apply(&mut self, txn: &Txn) -> Outcome {
        let applied = self.tree.apply(txn);
        self.prep.applied(txn.zxid);
        let local = local();
        let fired = self.watches.fire(&applied.triggers, |watcher| {
            Some(self.identities.get(&watcher).unwrap_or(&local))
        });
        self.told = fired
            .into_iter()
            .map(|(watcher, event)| (watcher.0, event.kind, event.path.to_string(), event.zxid))
            .collect();
        applied.result
    }

    pub(super) fn write_as(
        &mut self,
        session: SessionId,
        identities: &Identities,
        request: &Request,
    ) -> Outcome {
        let zxid = self.tree.last().next();
        let txn = self.prep.prepare(
            &self.tree,
            zxid,
            session,
            1,
            self.now_ms,
            request,
            identities,
        );
        self.apply(&txn)
    }

    pub(super) fn write(&mut self, request: &Request) -> Outcome {
        self.write_as(ME, &local(), request)
    }

    /// Creates plain znodes.
    pub(super) fn plant(&mut self, paths: &[&str]) {
        for path in paths {
            self.write(&create(path)).unwrap();
        }
    }

    pub(super) fn read(&mut self, connection: u64, request: &Request) -> Answer {
        let watcher = Watcher(connection);
        let local = local();
        let identities = self.identities.get(&watcher).unwrap_or(&local);
        answer(
            &self.tree,
            &mut self.watches,
            watcher,
            ME,
            identities,
            request,
        )
    }

    pub(super) fn ask(&mut self, connection: u64, request: &Request) -> Outcome {
        self.read(connection, request).result
    }

    pub(super) fn stat(&self, path: &str) -> Stat {
        self.tree.get(path).unwrap().stat()
    }

    /// What was told, without zxids.
    pub(super) fn events(&self) -> Vec<(u64, EventKind, &str)> {
        self.told
            .iter()
            .map(|(who, kind, path, _)| (*who, *kind, &**path))
            .collect()
    }
}

pub(super) fn local() -> Identities {
    Identities::from_address("127.0.0.1")
}

pub(super) fn data(text: &str) -> Arc<[u8]> {
    Arc::from(text.as_bytes())
}

pub(super) fn create_as(op: CreateOp, path: &str, flags: i32, ttl: i64) -> Request {
    Request::Create {
        op,
        path: Path::from(path),
        data: Some(data("x")),
        acl: Some(acl::open()),
        flags,
        ttl,
    }
}

pub(super) fn create(path: &str) -> Request {
    create_as(CreateOp::Create, path, flags::PERSISTENT, -1)
}

pub(super) fn create_flags(path: &str, flags: i32) -> Request {
    create_as(CreateOp::Create, path, flags, -1)
}

pub(super) fn create_guarded(path: &str, list: Option<Acl>) -> Request {
    Request::Create {
        op: CreateOp::Create,
        path: Path::from(path),
        data: Some(data("x")),
        acl: list,
        flags: flags::PERSISTENT,
        ttl: -1,
    }
}

pub(super) fn delete(path: &str) -> Request {
    Request::Delete {
        path: Path::from(path),
        version: -1,
    }
}

pub(super) fn set(path: &str, version: i32) -> Request {
    Request::SetData {
        path: Path::from(path),
        data: Some(data("y")),
        version,
    }
}

pub(super) fn set_acl(path: &str, list: Acl) -> Request {
    Request::SetAcl {
        path: Path::from(path),
        acl: Some(list),
        version: -1,
    }
}

pub(super) fn exists(path: &str, watch: bool) -> Request {
    Request::Exists {
        path: Path::from(path),
        watch,
    }
}

pub(super) fn get_data(path: &str, watch: bool) -> Request {
    Request::GetData {
        path: Path::from(path),
        watch,
    }
}

pub(super) fn get_children(path: &str, watch: bool) -> Request {
    Request::GetChildren {
        path: Path::from(path),
        watch,
        stat: false,
    }
}

pub(super) fn add_watch(path: &str, mode: i32) -> Request {
    Request::AddWatch {
        path: Path::from(path),
        mode,
    }
}

/// A list for one owner of a digest identity.
pub(super) fn private(perms: i32) -> Acl {
    Arc::from([AclEntry {
        perms,
        scheme: Arc::from("digest"),
        id: Arc::from("user:hash"),
    }])
}

pub(super) fn paths(list: &[&str]) -> Vec<Path> {
    list.iter().map(|path| Path::from(*path)).collect()
}

pub(super) fn synthesised(kind: EventKind, path: &str) -> WatchEvent {
    WatchEvent {
        kind,
        path: Path::from(path),
        zxid: None,
    }
}
