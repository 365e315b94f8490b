//! The watches a client library believes to hold (`ZKWatchManager`, semantics.md §4.5): registered when the arming reply
//! arrives, consumed when the event is delivered, re-registered after a reconnect.

use std::collections::BTreeSet;

use crate::base::zxid::Zxid;
use crate::history::op::{ErrorCode, EventKind, Path, Request, Response, SetWatches, WatchEvent};

/// Registrations by kind and path.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Watches {
    data: BTreeSet<Path>,
    exist: BTreeSet<Path>,
    child: BTreeSet<Path>,
    persistent: BTreeSet<Path>,
    recursive: BTreeSet<Path>,
}

/// Path text per setWatches packet (`ClientCnxn.SET_WATCHES_MAX_LENGTH`).
const BATCH_BYTES: usize = 128 * 1024;

impl Watches {
    /// Whether none is held.
    pub fn is_empty(&self) -> bool {
        self.data.is_empty()
            && self.exist.is_empty()
            && self.child.is_empty()
            && self.persistent.is_empty()
            && self.recursive.is_empty()
    }

    /// Registers or removes what an answered request armed or removed.
    pub fn on_reply(&mut self, request: &Request, result: &Result<Response, ErrorCode>) {
        match (request, result) {
            (Request::Exists { path, watch: true }, Err(ErrorCode::NoNode)) => {
                self.exist.insert(path.clone());
            }
            (
                Request::Exists { path, watch: true } | Request::GetData { path, watch: true },
                Ok(_),
            ) => {
                self.data.insert(path.clone());
            }
            (
                Request::GetChildren {
                    path, watch: true, ..
                },
                Ok(_),
            ) => {
                self.child.insert(path.clone());
            }
            (Request::AddWatch { path, mode: 0 }, Ok(_)) => {
                self.persistent.insert(path.clone());
            }
            (Request::AddWatch { path, mode: 1 }, Ok(_)) => {
                self.recursive.insert(path.clone());
            }
            (Request::RemoveWatches { path, kind }, Ok(_)) => self.remove(path, *kind),
            (_, Ok(_) | Err(_)) => {}
        }
    }

    /// Forgets watches of a kind of semantics.md §4.3 on exactly this path.
    fn remove(&mut self, path: &Path, kind: i32) {
        let any = kind == 3;
        if any || kind == 1 {
            self.child.remove(path);
        }
        if any || kind == 2 {
            self.data.remove(path);
            self.exist.remove(path);
        }
        if any || kind == 4 {
            self.persistent.remove(path);
        }
        if any || kind == 5 {
            self.recursive.remove(path);
        }
    }

    /// Consumes the one-shot watches an event fires; returns whether any watch, lasting ones included, was waiting for it
    /// (an event for an arming whose reply was lost finds none).
    pub fn on_event(&mut self, event: &WatchEvent) -> bool {
        let path = &event.path;
        let mut found = match event.kind {
            EventKind::Created | EventKind::DataChanged => {
                self.data.remove(path) | self.exist.remove(path)
            }
            EventKind::ChildrenChanged => self.child.remove(path),
            EventKind::Deleted => {
                self.data.remove(path) | self.exist.remove(path) | self.child.remove(path)
            }
        };
        found |= self.persistent.contains(path);
        found || (event.kind != EventKind::ChildrenChanged && self.is_below_recursive(path))
    }

    fn is_below_recursive(&self, path: &str) -> bool {
        self.recursive.iter().any(|base| {
            &**base == "/"
                || path
                    .strip_prefix(&**base)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    }

    /// The setWatches packets that re-register everything, none if nothing is held.
    pub fn batches(&self, relative_zxid: Zxid) -> Vec<SetWatches> {
        type Field = fn(&mut SetWatches) -> &mut Vec<Path>;
        let kinds: [(&BTreeSet<Path>, Field); 5] = [
            (&self.data, |batch| &mut batch.data),
            (&self.exist, |batch| &mut batch.exist),
            (&self.child, |batch| &mut batch.child),
            (&self.persistent, |batch| &mut batch.persistent),
            (&self.recursive, |batch| &mut batch.recursive),
        ];
        let mut batches = Vec::new();
        let mut bytes = BATCH_BYTES;
        for (paths, field) in kinds {
            for path in paths {
                if bytes >= BATCH_BYTES {
                    batches.push(SetWatches {
                        relative_zxid,
                        ..SetWatches::default()
                    });
                    bytes = 0;
                }
                bytes += path.len();
                let batch = batches.last_mut().expect("a batch was begun above");
                field(batch).push(path.clone());
            }
        }
        batches
    }
}

#[cfg(test)]
mod tests;
