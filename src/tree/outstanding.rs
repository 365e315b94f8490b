//! The znodes as they will be once everything prepared has been applied (`outstandingChanges`).

use std::collections::{BTreeMap, VecDeque};

use super::store::Tree;
use super::znode::{Kind, Znode};
use crate::base::zxid::Zxid;
use crate::history::op::{Acl, ErrorCode, Path};

/// What validation must know of a znode that has changes in flight; `None` = it will be gone.
pub(super) type Record = Option<Pending>;

/// A znode as it will be.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Pending {
    pub(super) path: Path,
    pub(super) version: i32,
    /// The stored counter.
    pub(super) cversion: i32,
    pub(super) aversion: i32,
    pub(super) kind: Kind,
    /// Number of children.
    pub(super) children: usize,
    pub(super) acl: Acl,
    /// Bytes of data.
    pub(super) length: usize,
}

impl Pending {
    fn of(path: &Path, node: &Znode) -> Self {
        Self {
            path: path.clone(),
            version: node.stored.version,
            cversion: node.stored.cversion,
            aversion: node.stored.aversion,
            kind: node.kind,
            children: node.children.len(),
            acl: node.acl.clone(),
            length: node.length(),
        }
    }
}

/// Changes in flight, by path and in order of zxid.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Outstanding {
    latest: BTreeMap<Path, (Zxid, Record)>,
    order: VecDeque<(Zxid, Path)>,
}

impl Outstanding {
    /// Takes the effects of one transaction.
    pub(super) fn add(&mut self, zxid: Zxid, records: BTreeMap<Path, Record>) {
        for (path, record) in records {
            self.order.push_back((zxid, path.clone()));
            self.latest.insert(path, (zxid, record));
        }
    }

    /// Forgets what has been applied.
    pub(super) fn forget(&mut self, applied: Zxid) {
        while let Some((zxid, path)) = self.order.pop_front_if(|(zxid, _)| *zxid <= applied) {
            if self
                .latest
                .get(&path)
                .is_some_and(|(latest, _)| *latest == zxid)
            {
                self.latest.remove(&path);
            }
        }
    }

    /// Forgets a path, whatever is in flight for it.
    pub(super) fn forget_path(&mut self, path: &str) {
        self.latest.remove(super::path::canonical(path));
    }

    /// All changes, the latest of each path.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Path, &Record)> {
        self.latest.iter().map(|(path, (_, record))| (path, record))
    }
}

/// The tree with the changes in flight laid over it, and on top the effects of the transaction being prepared.
pub(super) struct View<'a> {
    pub(super) tree: &'a Tree,
    /// `None` = nothing in flight is seen.
    pub(super) outstanding: Option<&'a Outstanding>,
    pub(super) staged: BTreeMap<Path, Record>,
}

impl View<'_> {
    /// A znode as it will be; `path` may be `""` for the root.
    pub(super) fn find(&self, path: &str) -> Result<Pending, ErrorCode> {
        let path = super::path::canonical(path);
        let record = self
            .staged
            .get(path)
            .or_else(|| Some(&self.outstanding?.latest.get(path)?.1));
        match record {
            Some(record) => record.clone(),
            None => self
                .tree
                .entry(path)
                .map(|(path, node)| Pending::of(path, node)),
        }
        .ok_or(ErrorCode::NoNode)
    }

    /// Lays over it what the present transaction makes of a znode.
    pub(super) fn stage(&mut self, node: Pending) {
        self.staged.insert(node.path.clone(), Some(node));
    }

    /// Lays over it that the present transaction removes a znode.
    pub(super) fn stage_gone(&mut self, path: Path) {
        self.staged.insert(path, None);
    }
}
