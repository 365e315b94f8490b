//! Which watches a client has armed, as far as its own requests and events tell.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::base::id::ClientId;
use crate::history::fact::Fact;
use crate::history::op::{ErrorCode, EventKind, Request, WatchEvent};

/// A watch that was armed or is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Armed {
    /// In which row.
    pub row: usize,
    /// Whose, 1-based.
    pub node: u32,
    /// What it watches: `data /a`, `children /a`, `persistent /a`.
    pub what: String,
    /// False = gone.
    pub is_held: bool,
}

/// The watches of all clients, as they come and go.
#[derive(Clone, Debug, Default)]
pub struct Watches {
    /// Every change, in order.
    pub changes: Vec<Armed>,
    held: BTreeMap<u32, BTreeSet<String>>,
    asked: BTreeMap<(ClientId, u64), Arc<Request>>,
}

impl Watches {
    /// Takes a fact about a client.
    pub fn observe(&mut self, row: usize, node: u32, fact: &Fact) {
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "these facts are about watches"
        )]
        match fact {
            Fact::Invoked {
                client,
                op,
                request,
                ..
            } => {
                self.asked.insert((*client, *op), Arc::clone(request));
            }
            Fact::Returned {
                client, op, result, ..
            } => {
                if let Some(request) = self.asked.remove(&(*client, *op)) {
                    let error = result.as_ref().err().copied();
                    if let Some(what) = armed_by(&request, error) {
                        self.arm(row, node, what);
                    }
                }
            }
            Fact::Lost { client, op, .. } => {
                self.asked.remove(&(*client, *op));
            }
            Fact::EventReceived { event, .. } => self.fire(row, node, event),
            Fact::Expired { .. } | Fact::ClientCrashed { .. } => {
                for what in self.held.remove(&node).unwrap_or_default() {
                    self.note(row, node, what, false);
                }
            }
            _ => {}
        }
    }

    fn note(&mut self, row: usize, node: u32, what: String, is_held: bool) {
        self.changes.push(Armed {
            row,
            node,
            what,
            is_held,
        });
    }

    fn arm(&mut self, row: usize, node: u32, what: String) {
        if self.held.entry(node).or_default().insert(what.clone()) {
            self.note(row, node, what, true);
        }
    }

    fn fire(&mut self, row: usize, node: u32, event: &WatchEvent) {
        let gone: &[&str] = match event.kind {
            EventKind::Created => &["exists", "data"],
            EventKind::DataChanged => &["data", "exists"],
            EventKind::Deleted => &["data", "exists", "children"],
            EventKind::ChildrenChanged => &["children"],
        };
        for kind in gone {
            let what = format!("{kind} {}", event.path);
            let held = self.held.entry(node).or_default();
            if held.remove(&what) {
                self.note(row, node, what, false);
            }
        }
    }
}

/// The watches that a request leaves when it is answered so.
fn armed_by(request: &Request, error: Option<ErrorCode>) -> Option<String> {
    match (request, error) {
        (Request::GetData { path, watch: true } | Request::Exists { path, watch: true }, None) => {
            Some(format!("data {path}"))
        }
        (Request::Exists { path, watch: true }, Some(ErrorCode::NoNode)) => {
            Some(format!("exists {path}"))
        }
        (
            Request::GetChildren {
                path, watch: true, ..
            },
            None,
        ) => Some(format!("children {path}")),
        (Request::AddWatch { path, .. }, None) => Some(format!("persistent {path}")),
        _ => None,
    }
}
