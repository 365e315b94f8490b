//! The tree every server holds: znodes, sessions, ephemerals (`DataTree`, semantics.md §1), changed only by applying
//! transactions. Cloning shares everything; a digest of the whole is kept up to date with each change.

use std::hash::{Hash, Hasher};
use std::ops::Bound;
use std::sync::Arc;

use imbl::{OrdMap, OrdSet};

use super::rules::{
    ClosedEphemerals, CversionRule, DeletionOrder, MultiZxid, PzxidMoves, ReapedContainers,
    SetAclMoves, TreeRules, TtlRuns, VersionRule,
};
use super::txn::{Body, Txn};
use super::znode::{Kind, Znode};
use super::{acl, path, quota};
use crate::base::digest::Digest;
use crate::base::id::SessionId;
use crate::base::lineage::Lineage;
use crate::base::zxid::Zxid;
use crate::history::op::{Acl, CreateOp, Data, ErrorCode, EventKind, Path, Response, Stat};

/// The replicated state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tree {
    pub(super) rules: TreeRules,
    nodes: OrdMap<Path, Arc<Znode>>,
    sessions: OrdMap<SessionId, u32>,
    /// Sessions without ephemerals have no entry.
    ephemerals: OrdMap<SessionId, OrdSet<Path>>,
    /// Container and TTL znodes.
    reapables: OrdSet<Path>,
    /// Paths with a quota: those under which a `zookeeper_limits` node was created.
    quotas: OrdSet<Path>,
    digest: u64,
    lineage: Lineage,
}

/// What applying a transaction gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// The answer to whoever asked.
    pub result: Result<Response, ErrorCode>,
    /// What watchers must hear of, in order.
    pub triggers: Vec<Trigger>,
}

/// A change that watchers may be waiting for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Trigger {
    /// What.
    pub kind: EventKind,
    /// Where.
    pub path: Path,
    /// By which transaction.
    pub zxid: Zxid,
    /// Who may hear of it: the node's list at that moment.
    pub acl: Acl,
}

/// A stored counter of a znode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Counter {
    /// Of setData.
    Version,
    /// Of creates of children.
    Cversion,
    /// Of setACL.
    Aversion,
}

/// The transaction being applied.
#[derive(Clone, Copy)]
struct Now {
    zxid: Zxid,
    session: SessionId,
    time_ms: u64,
}

/// A znode to be created.
struct Birth<'a> {
    path: &'a Path,
    data: &'a Data,
    acl: &'a Acl,
    kind: Kind,
    parent_cversion: i32,
}

impl Hash for Tree {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.digest);
        self.lineage.hash(state);
    }
}

impl Default for Tree {
    fn default() -> Self {
        Self::new()
    }
}

impl Tree {
    /// The tree of a server that has never applied anything: the root and ZooKeeper's own nodes.
    pub fn new() -> Self {
        Self::with_rules(TreeRules::default())
    }

    /// As [`new`](Self::new), with other design choices.
    pub fn with_rules(rules: TreeRules) -> Self {
        let mut tree = Self {
            rules,
            nodes: OrdMap::new(),
            sessions: OrdMap::new(),
            ephemerals: OrdMap::new(),
            reapables: OrdSet::new(),
            quotas: OrdSet::new(),
            digest: 0,
            lineage: Lineage::EMPTY,
        };
        let empty: Data = Some(Arc::from([]));
        for reserved in [path::ROOT, path::ZOOKEEPER, path::QUOTA, path::CONFIG] {
            let list = if reserved == path::CONFIG {
                acl::world(acl::perms::READ)
            } else {
                acl::open()
            };
            if reserved != path::ROOT {
                let (parent, name) = path::split(reserved);
                tree.edit(parent, |_, node| node.children.insert(Path::from(name)))
                    .expect("parents come first");
            }
            let node = Znode::new(
                reserved,
                empty.clone(),
                list,
                Kind::Persistent,
                Zxid::ZERO,
                0,
            );
            tree.put(Path::from(reserved), node);
        }
        tree
    }

    /// The znode at a path; `""` is the root.
    pub fn get(&self, path: &str) -> Option<&Znode> {
        self.nodes.get(path::canonical(path)).map(|node| &**node)
    }

    /// The znode at a path, with the path's shared spelling; `""` is the root.
    pub fn entry(&self, path: &str) -> Option<(&Path, &Znode)> {
        let found = self.nodes.get_key_value(path::canonical(path));
        found.map(|(path, node)| (path, &**node))
    }

    /// Every znode, in order of paths.
    pub fn nodes(&self) -> impl Iterator<Item = (&Path, &Znode)> {
        self.nodes.iter().map(|(path, node)| (path, &**node))
    }

    /// The znodes below a path, itself excluded, in order of paths.
    pub fn below(&self, path: &str) -> impl Iterator<Item = (&Path, &Znode)> {
        let prefix = if path::canonical(path) == path::ROOT {
            String::from(path::ROOT)
        } else {
            format!("{path}/")
        };
        // Only the root is itself among the paths that start with its prefix.
        let from: Bound<Path> = Bound::Excluded(Path::from(&*prefix));
        self.nodes
            .range((from, Bound::Unbounded))
            .take_while(move |(path, _)| path.starts_with(&*prefix))
            .map(|(path, node)| (path, &**node))
    }

    /// Number of znodes, reserved ones included.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there is no znode at all; never true, the root stays.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// A session's timeout, if it lives.
    pub fn session(&self, session: SessionId) -> Option<u32> {
        self.sessions.get(&session).copied()
    }

    /// The living sessions with their timeouts, in id order.
    pub fn sessions(&self) -> impl Iterator<Item = (SessionId, u32)> {
        self.sessions
            .iter()
            .map(|(session, timeout_ms)| (*session, *timeout_ms))
    }

    /// A session's ephemerals, in order of paths.
    pub fn ephemerals(&self, session: SessionId) -> impl Iterator<Item = &Path> {
        self.ephemerals
            .get(&session)
            .into_iter()
            .flat_map(OrdSet::iter)
    }

    /// The container and TTL znodes that are due at `now_ms`, in order of paths (`ContainerManager`): containers that
    /// have lost their last child, and childless TTL znodes that were last set longer than their ttl ago.
    pub fn reapable(&self, now_ms: u64) -> Vec<Path> {
        let due = |node: &Znode| {
            node.children.is_empty()
                && match node.kind {
                    Kind::Container => match self.rules.containers {
                        ReapedContainers::Emptied => node.stored.cversion > 0,
                        ReapedContainers::Empty => true,
                    },
                    Kind::Ttl(ttl_ms) => now_ms.saturating_sub(self.ttl_start(node)) > ttl_ms,
                    Kind::Persistent | Kind::Ephemeral(_) => false,
                }
        };
        self.reapables
            .iter()
            .filter(|path| self.get(path).is_some_and(due))
            .cloned()
            .collect()
    }

    fn ttl_start(&self, node: &Znode) -> u64 {
        match self.rules.ttl {
            TtlRuns::SinceSetData => node.stored.mtime,
            TtlRuns::SinceCreate => node.stored.ctime,
        }
    }

    /// The path itself or its nearest ancestor with a quota; the root's own quota is not kept.
    pub fn quota_root(&self, path: &str) -> Option<&Path> {
        if self.quotas.is_empty() {
            return None;
        }
        std::iter::once(path)
            .chain(path::ancestors(path))
            .find_map(|path| self.quotas.get(path))
    }

    /// The history applied so far.
    pub fn lineage(&self) -> Lineage {
        self.lineage
    }

    /// The last transaction applied.
    pub fn last(&self) -> Zxid {
        self.lineage.last
    }

    /// The same state under the name of an earlier history.
    #[must_use]
    pub fn named(&self, lineage: Lineage) -> Self {
        Self {
            lineage,
            ..self.clone()
        }
    }

    /// A digest of the whole state, independent of the order in which it came about: znodes, sessions, ephemerals.
    pub fn digest(&self) -> u64 {
        self.digest
    }

    /// The same state, with the parents of these paths as they were in another: a snapshot that has them from before.
    #[must_use]
    pub fn with_parents_of(mut self, before: &Self, paths: &[Path]) -> Self {
        for path in paths {
            let (parent, _) = path::split(path);
            let Some(pzxid) = before.get(parent).map(|node| node.stored.pzxid) else {
                continue;
            };
            let _gone = self.edit(parent, |_, node| node.stored.pzxid = pzxid);
        }
        self
    }

    /// Applies a transaction. Gaps and repetitions are not refused (that is the caller's duty), but deterministic.
    pub fn apply(&mut self, txn: &Txn) -> Applied {
        let now = Now {
            zxid: txn.zxid,
            session: txn.session,
            time_ms: txn.time_ms,
        };
        let mut triggers = Vec::new();
        let result = self.apply_body(now, &txn.body, &mut triggers);
        self.lineage = self.lineage.push(txn.zxid, txn.digest);
        Applied { result, triggers }
    }

    fn apply_body(
        &mut self,
        now: Now,
        body: &Body,
        out: &mut Vec<Trigger>,
    ) -> Result<Response, ErrorCode> {
        match body {
            Body::Error(code) => Err(*code),
            Body::OpenSession { timeout_ms } => {
                self.open_session(now.session, *timeout_ms);
                Ok(Response::Empty)
            }
            Body::CloseSession { ephemerals } => {
                self.close_session(now, ephemerals, out);
                Ok(Response::Empty)
            }
            Body::Create {
                op,
                path,
                data,
                acl,
                kind,
                parent_cversion,
            } => {
                let birth = Birth {
                    path,
                    data,
                    acl,
                    kind: *kind,
                    parent_cversion: *parent_cversion,
                };
                self.create(now, birth, out).map(|stat| match op {
                    CreateOp::Create => Response::Path(path.clone()),
                    CreateOp::Create2 | CreateOp::Container | CreateOp::Ttl => {
                        Response::PathStat(path.clone(), stat.into())
                    }
                })
            }
            Body::Delete { path } | Body::DeleteContainer { path } => {
                self.delete(now, path, out).map(|()| Response::Empty)
            }
            Body::SetData {
                path,
                data,
                version,
            } => self
                .set_data(now, path, data, *version, out)
                .map(|stat| Response::Stat(stat.into())),
            Body::SetAcl { path, acl, version } => self
                .set_acl(now, path, acl, *version)
                .map(|stat| Response::Stat(stat.into())),
            Body::Check { .. } => Ok(Response::Empty),
            Body::Multi(bodies) => Ok(Response::Multi(self.apply_multi(now, bodies, out))),
            Body::MultiFailed(codes) => {
                Ok(Response::Multi(codes.iter().copied().map(Err).collect()))
            }
        }
    }

    fn apply_multi(
        &mut self,
        now: Now,
        bodies: &[Body],
        out: &mut Vec<Trigger>,
    ) -> Vec<Result<Response, ErrorCode>> {
        let mut part = now;
        let mut results = Vec::with_capacity(bodies.len());
        for body in bodies {
            results.push(self.apply_body(part, body, out));
            match self.rules.multi_zxid {
                MultiZxid::One => {}
                MultiZxid::OnePerOperation => part.zxid = part.zxid.next(),
            }
        }
        results
    }

    /// Takes a session and its ephemerals out behind the log's back.
    pub fn drop_session(&mut self, session: SessionId) {
        let now = Now {
            zxid: self.last(),
            session,
            time_ms: 0,
        };
        self.close_session(now, &[], &mut Vec::new());
    }

    fn open_session(&mut self, session: SessionId, timeout_ms: u32) {
        if let Some(before) = self.sessions.insert(session, timeout_ms) {
            self.mark(session_digest(session, before), Sign::Minus);
        }
        self.mark(session_digest(session, timeout_ms), Sign::Plus);
    }

    /// Strikes a session from the table and leaves its znodes: no transaction does that.
    pub fn forget_session(&mut self, session: SessionId) {
        if let Some(timeout_ms) = self.sessions.remove(&session) {
            self.mark(session_digest(session, timeout_ms), Sign::Minus);
        }
    }

    fn close_session(&mut self, now: Now, listed: &[Path], out: &mut Vec<Trigger>) {
        let listed = match self.rules.closed {
            ClosedEphemerals::Listed => listed,
            ClosedEphemerals::Found => &[],
        };
        for path in listed {
            // A listed node may be gone already when the transaction is replayed.
            let _gone = self.delete(now, path, out);
        }
        // Nothing is left unless the history has a hole; then the session's nodes still go with it.
        let left: Vec<Path> = self.ephemerals(now.session).cloned().collect();
        for path in left {
            let _gone = self.delete(now, &path, out);
        }
        self.forget_session(now.session);
    }

    fn create(
        &mut self,
        now: Now,
        birth: Birth<'_>,
        out: &mut Vec<Trigger>,
    ) -> Result<Stat, ErrorCode> {
        let Birth {
            path,
            data,
            acl,
            kind,
            parent_cversion,
        } = birth;
        let (parent, name) = path::split(path);
        let exists = self.get(path).is_some();
        let rule = self.rules.cversion;
        let (parent_path, parent_acl) = self.edit(parent, |parent_path, node| {
            let is_taken = match rule {
                CversionRule::Grows => parent_cversion > node.stored.cversion,
                CversionRule::Follows | CversionRule::CountsUp => true,
            };
            if is_taken {
                node.stored.cversion = match rule {
                    CversionRule::Grows | CversionRule::Follows => parent_cversion,
                    CversionRule::CountsUp => node.stored.cversion.wrapping_add(1),
                };
                node.stored.pzxid = now.zxid;
            }
            // Also if the node is there: a replay may have lost it from its parent.
            node.children.insert(Path::from(name));
            (parent_path.clone(), node.acl.clone())
        })?;
        if exists {
            return Err(ErrorCode::NodeExists);
        }
        let node = Znode::new(path, data.clone(), acl.clone(), kind, now.zxid, now.time_ms);
        let (stat, bytes) = (node.stat(), node.length());
        self.put(path.clone(), node);
        self.index(path, kind);
        quota::on_create(self, path, bytes);
        out.push(now.trigger(EventKind::Created, path, acl));
        out.push(now.trigger(EventKind::ChildrenChanged, &parent_path, &parent_acl));
        Ok(stat)
    }

    fn delete(&mut self, now: Now, path: &Path, out: &mut Vec<Trigger>) -> Result<(), ErrorCode> {
        let (parent, name) = path::split(path);
        let rule = self.rules.pzxid;
        let (parent_path, parent_acl) = self.edit(parent, |parent_path, node| {
            node.children.remove(name);
            match rule {
                PzxidMoves::ByCreatesAndDeletes => {
                    node.stored.pzxid = node.stored.pzxid.max(now.zxid);
                }
                PzxidMoves::ByCreates => {}
            }
            (parent_path.clone(), node.acl.clone())
        })?;
        let node = self.nodes.remove(&**path).ok_or(ErrorCode::NoNode)?;
        self.mark(node.digest(), Sign::Minus);
        self.unindex(path, node.kind);
        quota::on_delete(self, path, node.length());
        let mut triggers = [
            now.trigger(EventKind::Deleted, path, &node.acl),
            now.trigger(EventKind::ChildrenChanged, &parent_path, &parent_acl),
        ];
        match self.rules.deletion {
            DeletionOrder::NodeThenParent => {}
            DeletionOrder::ParentThenNode => triggers.reverse(),
        }
        out.extend(triggers);
        Ok(())
    }

    fn set_data(
        &mut self,
        now: Now,
        path: &Path,
        data: &Data,
        version: i32,
        out: &mut Vec<Trigger>,
    ) -> Result<Stat, ErrorCode> {
        let rule = self.rules.version;
        let (before, after, stat) = self.edit(path, |path, node| {
            let before = node.length();
            node.data.clone_from(data);
            node.stored.version = match rule {
                VersionRule::Absolute => version,
                VersionRule::CountsUp => node.stored.version.wrapping_add(1),
            };
            node.stored.mzxid = now.zxid;
            node.stored.mtime = now.time_ms;
            node.reseal(path);
            out.push(now.trigger(EventKind::DataChanged, path, &node.acl));
            (before, node.length(), node.stat())
        })?;
        quota::on_set_data(self, path, before, after);
        Ok(stat)
    }

    fn set_acl(
        &mut self,
        now: Now,
        path: &Path,
        acl: &Acl,
        version: i32,
    ) -> Result<Stat, ErrorCode> {
        let rule = self.rules.set_acl;
        self.edit(path, |path, node| {
            node.acl.clone_from(acl);
            node.stored.aversion = version;
            match rule {
                SetAclMoves::Aversion => {}
                SetAclMoves::AversionAndMzxid => node.stored.mzxid = now.zxid,
            }
            node.reseal(path);
            node.stat()
        })
    }

    /// Writes a stored counter behind the log's back, as a debugger would: recorded vectors reach their overflow so.
    pub fn overwrite_counter(&mut self, path: &str, counter: Counter, value: i32) {
        self.edit(path, |_, node| match counter {
            Counter::Version => node.stored.version = value,
            Counter::Cversion => node.stored.cversion = value,
            Counter::Aversion => node.stored.aversion = value,
        })
        .expect("the caller names a znode that is there");
    }

    /// Replaces the data of a znode that is there behind the log's back, as ZooKeeper keeps its quota statistics.
    pub(super) fn overwrite(&mut self, path: &str, data: Arc<[u8]>) {
        self.edit(path, |path, node| {
            node.data = Some(data);
            node.reseal(path);
        })
        .expect("the caller has just looked it up");
    }

    /// Switches the quota of a path on or off.
    pub(super) fn set_quota(&mut self, path: &str, kept: quota::Kept) {
        match kept {
            quota::Kept::Yes => drop(self.quotas.insert(Path::from(path))),
            quota::Kept::No => drop(self.quotas.remove(path)),
        }
    }

    /// Changes a znode and with it the digest; gives what the change gives, or `NoNode`.
    fn edit<R>(
        &mut self,
        path: &str,
        change: impl FnOnce(&Path, &mut Znode) -> R,
    ) -> Result<R, ErrorCode> {
        let (path, node) = self
            .nodes
            .get_key_value_mut(path)
            .ok_or(ErrorCode::NoNode)?;
        let node = Arc::make_mut(node);
        let before = node.digest();
        let given = change(path, node);
        let after = node.digest();
        self.mark(before, Sign::Minus);
        self.mark(after, Sign::Plus);
        Ok(given)
    }

    fn put(&mut self, path: Path, node: Znode) {
        self.mark(node.digest(), Sign::Plus);
        let before = self.nodes.insert(path, Arc::new(node));
        assert!(before.is_none(), "a znode is put where there is none");
    }

    fn index(&mut self, path: &Path, kind: Kind) {
        match kind {
            Kind::Persistent => {}
            Kind::Ephemeral(session) => {
                self.ephemerals
                    .entry(session)
                    .or_default()
                    .insert(path.clone());
                self.mark(ephemeral_digest(session, path), Sign::Plus);
            }
            Kind::Container | Kind::Ttl(_) => drop(self.reapables.insert(path.clone())),
        }
    }

    fn unindex(&mut self, path: &Path, kind: Kind) {
        match kind {
            Kind::Persistent => {}
            Kind::Ephemeral(session) => {
                let paths = self.ephemerals.entry(session).or_default();
                paths.remove(&**path);
                if paths.is_empty() {
                    self.ephemerals.remove(&session);
                }
                self.mark(ephemeral_digest(session, path), Sign::Minus);
            }
            Kind::Container | Kind::Ttl(_) => drop(self.reapables.remove(&**path)),
        }
    }

    /// Adds to or takes from the digest: a sum, so that order does not matter.
    fn mark(&mut self, part: u64, sign: Sign) {
        self.digest = match sign {
            Sign::Plus => self.digest.wrapping_add(part),
            Sign::Minus => self.digest.wrapping_sub(part),
        };
    }
}

#[derive(Clone, Copy)]
enum Sign {
    Plus,
    Minus,
}

impl Now {
    fn trigger(self, kind: EventKind, path: &Path, acl: &Acl) -> Trigger {
        Trigger {
            kind,
            path: path.clone(),
            zxid: self.zxid,
            acl: acl.clone(),
        }
    }
}

fn session_digest(session: SessionId, timeout_ms: u32) -> u64 {
    Digest::of(&("session", session, timeout_ms))
}

fn ephemeral_digest(session: SessionId, path: &Path) -> u64 {
    Digest::of(&("ephemeral", session, path))
}

/// The digest as it must be, by looking at everything: the oracle for the one that is kept.
#[cfg(test)]
pub(super) fn digest_from_scratch(tree: &Tree) -> u64 {
    let nodes = tree.nodes().map(|(path, node)| {
        let mut fresh = node.clone();
        fresh.reseal(path);
        fresh.digest()
    });
    let sessions = tree
        .sessions()
        .map(|(session, timeout_ms)| session_digest(session, timeout_ms));
    let owned = tree
        .nodes()
        .filter_map(|(path, node)| Some(ephemeral_digest(node.kind.owner()?, path)));
    nodes
        .chain(sessions)
        .chain(owned)
        .fold(0, u64::wrapping_add)
}
