//! The znodes of the committed log with the zxids between which they lived: the tree as it was at any zxid.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use crate::base::id::SessionId;
use crate::base::zxid::Zxid;
use crate::check::committed::Entry;
use crate::check::verdict::At;
use crate::history::fact::Change;
use crate::history::op::Path;

/// One life of a znode.
#[derive(Clone, Debug)]
pub(super) struct Life {
    /// Created by.
    pub born: Zxid,
    /// Deleted by.
    pub died: Option<Zxid>,
    /// The zxids of its setData, in order.
    pub sets: Vec<Zxid>,
    /// When its creation was proposed.
    pub at: At,
    /// When its last change was.
    pub changed: At,
}

impl Life {
    /// Whether it was there once everything up to a zxid had been applied.
    pub(super) fn is_at(&self, zxid: Zxid) -> bool {
        self.born <= zxid && self.died.is_none_or(|died| zxid < died)
    }
}

/// The tree at every zxid.
#[derive(Clone, Debug, Default)]
pub(super) struct Tree {
    lives: BTreeMap<Path, Vec<Life>>,
    /// The znodes that are there now.
    living: BTreeSet<Path>,
    /// Those that are not, in the order in which they went.
    dead: Vec<Path>,
    /// The sessions that have been closed, with the zxid that closed them.
    closed: BTreeMap<SessionId, Zxid>,
}

impl Tree {
    /// Applies a committed transaction.
    pub(super) fn apply(&mut self, entry: &Entry) {
        let zxid = entry.zxid;
        for change in &entry.txn.changes {
            match change {
                Change::Create { path, .. } => {
                    self.living.insert(path.clone());
                    self.lives.entry(path.clone()).or_default().push(Life {
                        born: zxid,
                        died: None,
                        sets: Vec::new(),
                        at: entry.at,
                        changed: entry.at,
                    });
                }
                Change::Delete { path } => {
                    if let Some(life) = self.last_mut(path) {
                        life.died.get_or_insert(zxid);
                        life.changed = entry.at;
                    }
                    if self.living.remove(path) {
                        self.dead.push(path.clone());
                    }
                }
                Change::SetData { path, .. } => {
                    if let Some(life) = self.last_mut(path) {
                        life.sets.push(zxid);
                        life.changed = entry.at;
                    }
                }
                Change::CloseSession { session } => {
                    self.closed.insert(*session, zxid);
                }
                Change::SetAcl { .. } | Change::OpenSession { .. } => {}
            }
        }
    }

    fn last_mut(&mut self, path: &str) -> Option<&mut Life> {
        self.lives.get_mut(path)?.last_mut()
    }

    /// The life that a path had at a zxid.
    pub(super) fn at(&self, path: &str, zxid: Zxid) -> Option<&Life> {
        let lives = self.lives.get(path)?;
        lives.iter().rev().find(|life| life.is_at(zxid))
    }

    /// The last life of a path.
    pub(super) fn last(&self, path: &str) -> Option<&Life> {
        self.lives.get(path)?.last()
    }

    /// Every life of every znode in a directory, by name.
    pub(super) fn within<'t>(
        &'t self,
        directory: &'t str,
    ) -> impl Iterator<Item = (&'t Path, &'t Life)> {
        let from = format!("{directory}/");
        let range = (Bound::Excluded(from.as_str()), Bound::Unbounded);
        let paths = self.lives.range::<str, _>(range);
        let prefix = from.clone();
        paths
            .take_while(move |(path, _)| path.starts_with(&prefix))
            .flat_map(|(path, lives)| lives.iter().map(move |life| (path, life)))
    }

    /// The znodes of a directory that were there from one zxid on until after a later one.
    pub(super) fn there<'t>(
        &'t self,
        directory: &'t str,
        from: Zxid,
        until: Zxid,
    ) -> impl Iterator<Item = (&'t Path, &'t Life)> {
        let start = format!("{directory}/");
        let prefix = start.clone();
        let range = (Bound::Excluded(start.as_str()), Bound::Unbounded);
        let living = self.living.range::<str, _>(range);
        let living = living.take_while(move |path| path.starts_with(&prefix));
        let dead = self.dead.iter().rev();
        let dead = dead.take_while(move |path| {
            let died = self.last(path).and_then(|life| life.died);
            died.is_none_or(|died| until <= died)
        });
        let dead = dead.filter(move |path| path.starts_with(&start));
        living
            .chain(dead)
            .filter_map(|path| Some((path, self.last(path)?)))
            .filter(move |(_, life)| life.is_at(from) && life.is_at(until))
    }

    /// When a session was closed, if it was.
    pub(super) fn closed(&self, session: SessionId) -> Option<Zxid> {
        self.closed.get(&session).copied()
    }
}

/// The number at the end of a sequential znode's name.
pub(super) fn sequence(path: &str) -> Option<u64> {
    let at = path.len().checked_sub(10)?;
    path.get(at..)?.parse().ok()
}
