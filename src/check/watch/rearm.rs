//! What a client library re-registers after a reconnect, and what the server must answer at once (semantics.md §4.5).

use std::collections::BTreeSet;
use std::sync::Arc;

use super::triggers::{Hook, Mode, State};
use crate::base::zxid::Zxid;
use crate::history::op::{ErrorCode, EventKind, Path, Request, Response, SetWatches, WatchEvent};

/// The list of setWatches a watch belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum List {
    Data,
    Exist,
    Child,
    Persistent,
    Recursive,
}

impl List {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Data => "data",
            Self::Exist => "exist",
            Self::Child => "child",
            Self::Persistent => "persistent",
            Self::Recursive => "recursive",
        }
    }

    /// The server's entry for it.
    pub(super) fn hook(self, path: &Path) -> Hook {
        let mode = match self {
            Self::Data | Self::Exist => Mode::Data,
            Self::Child => Mode::Child,
            Self::Persistent => Mode::Persistent,
            Self::Recursive => Mode::Recursive,
        };
        Hook::new(mode, path)
    }

    /// The event a server makes at once instead of setting the watch: the change that the client has missed.
    pub(super) fn catch_up(self, state: State, seen: Zxid) -> Option<EventKind> {
        match self {
            Self::Data | Self::Child if !state.present => Some(EventKind::Deleted),
            Self::Data if state.mzxid > seen => Some(EventKind::DataChanged),
            Self::Exist if state.present => Some(EventKind::Created),
            Self::Child if state.pzxid > seen => Some(EventKind::ChildrenChanged),
            Self::Data | Self::Exist | Self::Child | Self::Persistent | Self::Recursive => None,
        }
    }
}

/// A watch as a library holds it.
pub(super) type Registration = (List, Path);

/// The entries of a setWatches packet in the order in which a server takes them.
pub(super) fn entries(watches: &SetWatches) -> impl Iterator<Item = (List, &Path)> {
    [
        (List::Data, &watches.data),
        (List::Exist, &watches.exist),
        (List::Child, &watches.child),
        (List::Persistent, &watches.persistent),
        (List::Recursive, &watches.recursive),
    ]
    .into_iter()
    .flat_map(|(list, paths)| paths.iter().map(move |path| (list, path)))
}

/// The watch that a request asks for.
pub(super) fn wish(request: &Request) -> Option<Hook> {
    if let Request::Exists { path, watch: true } | Request::GetData { path, watch: true } = request
    {
        Some(Hook::new(Mode::Data, path))
    } else if let Request::GetChildren {
        path, watch: true, ..
    } = request
    {
        Some(Hook::new(Mode::Child, path))
    } else if let Request::AddWatch { path, mode: 0 } = request {
        Some(Hook::new(Mode::Persistent, path))
    } else if let Request::AddWatch { path, mode: 1 } = request {
        Some(Hook::new(Mode::Recursive, path))
    } else {
        None
    }
}

/// Under which list a library registers an answered request; `None` if it set no watch.
pub(super) fn registration(
    request: &Request,
    result: Result<&Response, &ErrorCode>,
) -> Option<Registration> {
    let hook = wish(request)?;
    let list = match (request, result, hook.mode) {
        (Request::Exists { .. }, Err(ErrorCode::NoNode), _) => List::Exist,
        (_, Err(_), _) => return None,
        (_, Ok(_), Mode::Data) => List::Data,
        (_, Ok(_), Mode::Child) => List::Child,
        (_, Ok(_), Mode::Persistent) => List::Persistent,
        (_, Ok(_), Mode::Recursive) => List::Recursive,
    };
    Some((list, hook.path))
}

/// The lists that a removeWatches of this kind names (semantics.md §4.3).
pub(super) fn removed(kind: i32) -> &'static [List] {
    match kind {
        1 => &[List::Child],
        2 => &[List::Data, List::Exist],
        3 => &[
            List::Data,
            List::Exist,
            List::Child,
            List::Persistent,
            List::Recursive,
        ],
        4 => &[List::Persistent],
        5 => &[List::Recursive],
        _ => &[],
    }
}

/// An event takes the one-shot watches it fires out of the library.
pub(super) fn consume(held: &mut BTreeSet<Registration>, event: &WatchEvent) {
    let lists: &[List] = match event.kind {
        EventKind::Created | EventKind::DataChanged => &[List::Data, List::Exist],
        EventKind::ChildrenChanged => &[List::Child],
        EventKind::Deleted => &[List::Data, List::Exist, List::Child],
    };
    for list in lists {
        held.remove(&(*list, Arc::clone(&event.path)));
    }
}
