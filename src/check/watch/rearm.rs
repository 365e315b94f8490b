//! What a client library re-registers after a reconnect, and what the server must answer at once (semantics.md §4.5).

use std::collections::{BTreeMap, BTreeSet};

use super::connection::{CaughtUp, Connection, Fired, Origin};
use super::rebuilt::Doubts;
use super::stories::{self, Reset};
use super::triggers::{Hook, Mode, State, Triggers};
use super::watches::Watches;
use crate::base::zxid::Zxid;
use crate::check::by_path::PathNumber;
use crate::check::verdict::{Findings, Property};
use crate::history::op::{ErrorCode, EventKind, Path, Request, Response, SetWatches};

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
    pub(super) fn hook(self, znode: PathNumber) -> Hook {
        let mode = match self {
            Self::Data | Self::Exist => Mode::Data,
            Self::Child => Mode::Child,
            Self::Persistent => Mode::Persistent,
            Self::Recursive => Mode::Recursive,
        };
        Hook { mode, znode }
    }

    /// The events a server may make at once instead of setting the watch.
    fn catch_ups(self) -> &'static [EventKind] {
        match self {
            Self::Data => &[EventKind::Deleted, EventKind::DataChanged],
            Self::Exist => &[EventKind::Created],
            Self::Child => &[EventKind::Deleted, EventKind::ChildrenChanged],
            Self::Persistent | Self::Recursive => &[],
        }
    }

    /// The change that a reply to an arming request showed, zero if none.
    pub(super) fn shown(self, response: &Response) -> Zxid {
        match (self, response) {
            (Self::Data, Response::Stat(stat) | Response::Data(_, stat)) => stat.mzxid,
            (Self::Child, Response::Children(_, Some(stat))) => stat.pzxid,
            (Self::Data | Self::Exist | Self::Child | Self::Persistent | Self::Recursive, _) => {
                Zxid::ZERO
            }
        }
    }

    /// The last change of what a watch in this list is about, while the znode is there.
    pub(super) fn last_change(self, state: State) -> Option<Zxid> {
        match self {
            Self::Data if state.present => Some(state.mzxid),
            Self::Child if state.present => Some(state.pzxid),
            Self::Data | Self::Exist | Self::Child | Self::Persistent | Self::Recursive => None,
        }
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
pub(super) type Registration = (PathNumber, List);

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
pub(super) fn wish(request: &Request) -> Option<(Mode, &Path)> {
    if let Request::Exists { path, watch: true } | Request::GetData { path, watch: true } = request
    {
        Some((Mode::Data, path))
    } else if let Request::GetChildren {
        path, watch: true, ..
    } = request
    {
        Some((Mode::Child, path))
    } else if let Request::AddWatch { path, mode: 0 } = request {
        Some((Mode::Persistent, path))
    } else if let Request::AddWatch { path, mode: 1 } = request {
        Some((Mode::Recursive, path))
    } else {
        None
    }
}

/// Under which list a library registers an answered request; `None` if it set no watch.
pub(super) fn registration<'a>(
    request: &'a Request,
    result: Result<&Response, &ErrorCode>,
) -> Option<(List, &'a Path)> {
    let (mode, path) = wish(request)?;
    let list = match (request, result, mode) {
        (Request::Exists { .. }, Err(ErrorCode::NoNode), _) => List::Exist,
        (_, Err(_), _) => return None,
        (_, Ok(_), Mode::Data) => List::Data,
        (_, Ok(_), Mode::Child) => List::Child,
        (_, Ok(_), Mode::Persistent) => List::Persistent,
        (_, Ok(_), Mode::Recursive) => List::Recursive,
    };
    Some((list, path))
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

/// An event takes the one-shot watches it fires out of the library. Says which change the program had been shown when it
/// set the watch that the event is about, zero if none.
pub(super) fn consume(
    held: &mut BTreeMap<Registration, Zxid>,
    kind: EventKind,
    znode: PathNumber,
) -> Zxid {
    let lists: &[List] = match kind {
        EventKind::Created | EventKind::DataChanged => &[List::Data, List::Exist],
        EventKind::ChildrenChanged => &[List::Child],
        EventKind::Deleted => &[List::Data, List::Exist, List::Child],
    };
    lists
        .iter()
        .filter_map(|list| held.remove(&(znode, *list)))
        .fold(Zxid::ZERO, Zxid::max)
}

/// Holds each entry of a setWatches against the state at its position: it is caught up by an event, or armed.
pub(super) fn resume(
    connection: &mut Connection,
    watches: &SetWatches,
    reset: Reset<'_>,
    kept: &mut Watches,
    (log, doubts): (Option<&mut Triggers>, Option<&Doubts>),
    findings: &mut Findings,
) {
    let Some(log) = log else {
        connection.unregistered.clear();
        connection.caught_up.clear();
        connection.is_blind = true;
        return;
    };
    let is_doubtful = |path: &str| doubts.is_some_and(|doubts| doubts.covers(path));
    for (list, path) in entries(watches) {
        findings.exercise(Property::WatchRearm);
        connection
            .unregistered
            .retain(|(other, name)| !(*other == list && name == path));
        let znode = log.number(path);
        let Some(state) = log.state(znode, reset.zxid) else {
            connection.is_blind = true;
            continue;
        };
        let expected = list.catch_up(state, reset.seen);
        let kinds: Vec<EventKind> = if is_doubtful(path) {
            list.catch_ups().to_vec()
        } else {
            expected.into_iter().collect()
        };
        let caught = connection
            .caught_up
            .iter()
            .position(|caught| kinds.contains(&caught.event.kind) && caught.event.path == *path);
        let hook = list.hook(znode);
        if let Some(caught) = caught {
            let caught = connection.caught_up.remove(caught);
            let at = caught.at;
            if kept.fired(connection.client, hook).is_none() {
                kept.fire(connection.client, hook, Fired { at, zxid: None });
            }
            let is_known = list
                .last_change(state)
                .is_some_and(|last| caught.shown >= last);
            if is_known && !is_doubtful(path) {
                let reset = reset.after_change(log, znode);
                findings.violate(stories::nothing_missed(reset, at, &caught.event));
            }
        } else if let Some(kind) = expected
            && !is_doubtful(path)
        {
            if !connection.is_blind {
                let reset = reset.after_change(log, znode);
                findings.violate(stories::not_caught_up(reset, list, path, kind));
                connection.is_blind = true;
            }
            continue;
        } else {
            let Reset {
                client, at, zxid, ..
            } = reset;
            let origin = || Origin::Reset { client, at, zxid };
            connection.arm(hook, zxid, origin, (kept, log));
        }
        note_losses((list, hook), path, reset, log, findings);
    }
    refuse_the_rest(connection, reset, log, is_doubtful, findings);
}

/// No entry accounts for these events.
fn refuse_the_rest(
    connection: &mut Connection,
    reset: Reset<'_>,
    log: &mut Triggers,
    is_doubtful: impl Fn(&str) -> bool,
    findings: &mut Findings,
) {
    let wrong = std::mem::take(&mut connection.caught_up);
    let wrong = wrong.iter().find(|caught| !is_doubtful(&caught.event.path));
    if let Some(CaughtUp {
        at: since, event, ..
    }) = wrong
        && !connection.is_blind
    {
        let znode = log.number(&event.path);
        let reset = reset.after_change(log, znode);
        findings.violate(stories::wrongly_caught_up(reset, *since, event));
    }
}

/// What setWatches does not tell although it happened in the gap: lost by ZooKeeper's design (semantics.md §4.5).
fn note_losses(
    (list, hook): (List, Hook),
    path: &Path,
    reset: Reset<'_>,
    log: &Triggers,
    findings: &mut Findings,
) {
    // What came as an event of the old connection was told, though no reply showed it.
    let since = match list {
        List::Persistent | List::Recursive => reset.seen.max(reset.told),
        List::Data | List::Exist | List::Child => reset.seen,
    };
    let missed = log.after(hook, since);
    let missed = missed
        .iter()
        .take_while(|trigger| trigger.spot.zxid <= reset.zxid);
    let changes = missed
        .clone()
        .map(|trigger| (trigger.spot.zxid, trigger.spot.index));
    let count = changes.collect::<BTreeSet<_>>().len();
    let (kind, least) = match list {
        List::Persistent | List::Recursive => ("lasting-watch-over-gap", 1),
        List::Exist => ("came-and-went-in-gap", 2),
        List::Data | List::Child => ("changes-merged-in-gap", 2),
    };
    let is_silent = match list {
        List::Exist => log
            .state(hook.znode, reset.zxid)
            .is_some_and(|state| !state.present),
        List::Data | List::Child | List::Persistent | List::Recursive => true,
    };
    if count < least || !is_silent {
        return;
    }
    findings.note(Property::WatchLost, kind, || {
        stories::lost_by_design(reset, list, path, missed.clone(), count)
    });
}
