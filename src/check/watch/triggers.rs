//! What the committed log makes watches do: for each change the triggers of semantics.md §4.2, kept per path.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::base::time::Time;
use crate::base::zxid::Zxid;
use crate::check::by_path::ByPath;
use crate::check::committed::Entry;
use crate::check::evidence;
use crate::history::fact::Change;
use crate::history::op::{EventKind, Path};

/// Which watchers a trigger speaks to, in the order in which a server fires them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Slot {
    /// Data watchers of the changed znode.
    Own,
    /// Its child watchers, when it goes; suppressed for whom the data watch has just told.
    Gone,
    /// Child watchers of its parent.
    Parent,
}

/// A trigger's place in the committed order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Spot {
    /// Of its transaction.
    pub zxid: Zxid,
    /// Of its change within the transaction.
    pub index: usize,
    /// Within the change.
    pub slot: Slot,
}

/// One event that some change makes for those who watch.
#[derive(Clone, Debug)]
pub(super) struct Trigger {
    /// Where in the order.
    pub spot: Spot,
    /// What.
    pub kind: EventKind,
    /// On which path.
    pub path: Path,
    /// The transaction.
    pub entry: Arc<Entry>,
    /// When it became part of the committed log.
    pub committed: Time,
}

impl Trigger {
    /// All watches that there may be on its path, recursive ones aside.
    pub(super) fn hooks(&self) -> [Hook; 3] {
        [Mode::Data, Mode::Child, Mode::Persistent].map(|mode| Hook::new(mode, &self.path))
    }
}

/// What a server keeps for a watch (semantics.md §4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Mode {
    /// Set by getData and exists.
    Data,
    /// Set by getChildren.
    Child,
    /// addWatch mode 0.
    Persistent,
    /// addWatch mode 1.
    Recursive,
}

impl Mode {
    /// Whether it is gone once it has fired.
    pub(super) fn is_one_shot(self) -> bool {
        match self {
            Self::Data | Self::Child => true,
            Self::Persistent | Self::Recursive => false,
        }
    }

    /// How a reader calls it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Data => "data watch",
            Self::Child => "child watch",
            Self::Persistent => "persistent watch",
            Self::Recursive => "recursive watch",
        }
    }
}

/// A server's entry for a watch: several requests may share it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Hook {
    /// In which table.
    pub mode: Mode,
    /// On which path.
    pub path: Path,
}

impl Hook {
    pub(super) fn new(mode: Mode, path: &Path) -> Self {
        Self {
            mode,
            path: Arc::clone(path),
        }
    }

    /// Whether a trigger fires it.
    pub(super) fn catches(&self, slot: Slot, path: &str) -> bool {
        match self.mode {
            Mode::Data => slot == Slot::Own && *self.path == *path,
            Mode::Child => slot != Slot::Own && *self.path == *path,
            Mode::Persistent => *self.path == *path,
            Mode::Recursive => slot == Slot::Own && is_below(path, &self.path),
        }
    }

    /// Whether it could ever fire with this kind of event on this path.
    pub(super) fn may_tell(&self, kind: EventKind, path: &str) -> bool {
        let slots: &[Slot] = match kind {
            EventKind::Created | EventKind::DataChanged => &[Slot::Own],
            EventKind::Deleted => &[Slot::Own, Slot::Gone],
            EventKind::ChildrenChanged => &[Slot::Parent],
        };
        slots.iter().any(|slot| self.catches(*slot, path))
    }
}

fn is_below(path: &str, base: &str) -> bool {
    base == "/"
        || path
            .strip_prefix(base)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// A znode as setWatches looks at it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct State {
    pub present: bool,
    pub mzxid: Zxid,
    pub pzxid: Zxid,
}

impl State {
    fn apply(&mut self, trigger: &Trigger) {
        let zxid = trigger.spot.zxid;
        match (trigger.spot.slot, trigger.kind) {
            (Slot::Own, EventKind::Created) => {
                *self = Self {
                    present: true,
                    mzxid: zxid,
                    pzxid: zxid,
                }
            }
            (Slot::Own, EventKind::DataChanged) => self.mzxid = zxid,
            (Slot::Own, EventKind::Deleted) => self.present = false,
            (Slot::Parent, EventKind::ChildrenChanged) => self.pzxid = zxid,
            (
                Slot::Own | Slot::Gone | Slot::Parent,
                EventKind::Created
                | EventKind::DataChanged
                | EventKind::Deleted
                | EventKind::ChildrenChanged,
            ) => {}
        }
    }
}

/// One path's triggers; the oldest are forgotten.
#[derive(Clone, Debug, Default)]
struct History {
    base: State,
    floor: Zxid,
    triggers: VecDeque<Trigger>,
}

/// Triggers kept per path.
const KEPT: usize = 1024;

/// Every path's history.
#[derive(Clone, Debug, Default)]
pub(super) struct Triggers {
    paths: ByPath<History>,
    /// The last triggers of all paths.
    recent: VecDeque<Trigger>,
    /// Nothing after this is missing from them.
    recent_from: Zxid,
}

impl Triggers {
    /// Takes a committed transaction and returns its triggers in order.
    pub(super) fn apply(&mut self, now: Time, entry: &Entry) -> Vec<Trigger> {
        let mut triggers = Vec::new();
        let shared = Arc::new(entry.clone());
        for (index, change) in entry.txn.changes.iter().enumerate() {
            let mut push = |slot, kind, path: &Path| {
                triggers.push(Trigger {
                    spot: Spot {
                        zxid: entry.zxid,
                        index,
                        slot,
                    },
                    kind,
                    path: Arc::clone(path),
                    entry: Arc::clone(&shared),
                    committed: now,
                });
            };
            match change {
                Change::Create { path, .. } => {
                    push(Slot::Own, EventKind::Created, path);
                    if let Some(parent) = evidence::parent(path) {
                        let parent = self.paths.name(parent);
                        push(Slot::Parent, EventKind::ChildrenChanged, &parent);
                    }
                }
                Change::Delete { path } => {
                    push(Slot::Own, EventKind::Deleted, path);
                    push(Slot::Gone, EventKind::Deleted, path);
                    if let Some(parent) = evidence::parent(path) {
                        let parent = self.paths.name(parent);
                        push(Slot::Parent, EventKind::ChildrenChanged, &parent);
                    }
                }
                Change::SetData { path, .. } => push(Slot::Own, EventKind::DataChanged, path),
                Change::SetAcl { .. }
                | Change::OpenSession { .. }
                | Change::CloseSession { .. } => {}
            }
        }
        for trigger in &triggers {
            self.keep(trigger.clone());
        }
        triggers
    }

    fn keep(&mut self, trigger: Trigger) {
        self.recent.push_back(trigger.clone());
        if self.recent.len() > KEPT
            && let Some(oldest) = self.recent.pop_front()
        {
            self.recent_from = oldest.spot.zxid;
        }
        let history = self.paths.or_insert_with(&trigger.path, || History {
            base: start(&trigger.path),
            ..History::default()
        });
        history.triggers.push_back(trigger);
        if history.triggers.len() > KEPT
            && let Some(oldest) = history.triggers.pop_front()
        {
            history.base.apply(&oldest);
            history.floor = oldest.spot.zxid;
        }
    }

    /// Whether everything that happened to a path after this zxid is remembered.
    pub(super) fn knows(&self, path: &str, zxid: Zxid) -> bool {
        self.paths
            .get(path)
            .is_none_or(|history| zxid >= history.floor)
    }

    /// What a watch set at this position catches, in order.
    pub(super) fn after(&self, hook: &Hook, zxid: Zxid) -> Vec<Trigger> {
        let catches = |trigger: &&Trigger| hook.catches(trigger.spot.slot, &trigger.path);
        let mut caught: Vec<Trigger> = match hook.mode {
            Mode::Recursive if zxid >= self.recent_from => {
                let recent = later(&self.recent, zxid);
                recent.filter(catches).cloned().collect()
            }
            Mode::Recursive => {
                let histories = self.paths.values();
                let later = histories.flat_map(|history| later(&history.triggers, zxid));
                later.filter(catches).cloned().collect()
            }
            Mode::Data | Mode::Child | Mode::Persistent => {
                let history = self.paths.get(&hook.path).into_iter();
                let later = history.flat_map(|history| later(&history.triggers, zxid));
                later.filter(catches).cloned().collect()
            }
        };
        caught.sort_by_key(|trigger| trigger.spot);
        caught
    }

    /// The first thing that a watch set at this position catches.
    pub(super) fn first_after(&self, hook: &Hook, zxid: Zxid) -> Option<Trigger> {
        let history = self.paths.get(&hook.path)?;
        later(&history.triggers, zxid)
            .find(|trigger| hook.catches(trigger.spot.slot, &trigger.path))
            .cloned()
    }

    /// The change that makes this event, if there is one.
    pub(super) fn cause(&self, kind: EventKind, path: &str, zxid: Zxid) -> Option<&Trigger> {
        let history = self.paths.get(path)?;
        let start = history
            .triggers
            .partition_point(|trigger| trigger.spot.zxid < zxid);
        history
            .triggers
            .range(start..)
            .take_while(|trigger| trigger.spot.zxid == zxid)
            .find(|trigger| trigger.kind == kind)
    }

    /// A path's state at a position, if it is remembered.
    pub(super) fn state(&self, path: &str, zxid: Zxid) -> Option<State> {
        let Some(history) = self.paths.get(path) else {
            return Some(start(path));
        };
        if zxid < history.floor {
            return None;
        }
        let mut state = history.base;
        for trigger in &history.triggers {
            if trigger.spot.zxid > zxid {
                break;
            }
            state.apply(trigger);
        }
        Some(state)
    }

    /// The last change of a path up to a position.
    pub(super) fn last_change(&self, path: &str, zxid: Zxid) -> Option<&Entry> {
        let history = self.paths.get(path)?;
        let end = history
            .triggers
            .partition_point(|trigger| trigger.spot.zxid <= zxid);
        history
            .triggers
            .get(end.checked_sub(1)?)
            .map(|trigger| &*trigger.entry)
    }
}

fn later(triggers: &VecDeque<Trigger>, zxid: Zxid) -> impl Iterator<Item = &Trigger> {
    // Watches are set near the end of the log: few triggers are passed on the way back.
    let newest = triggers.iter().rev();
    let count = newest
        .take_while(|trigger| trigger.spot.zxid > zxid)
        .count();
    triggers.range(triggers.len() - count..)
}

/// The znodes that exist from the start (semantics.md §1).
fn start(path: &str) -> State {
    let present = matches!(
        path,
        "/" | "/zookeeper" | "/zookeeper/quota" | "/zookeeper/config"
    );
    State {
        present,
        ..State::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::digest::mix;
    use crate::base::id::{ClientId, EventId, SessionId};
    use crate::base::zxid::Epoch;
    use crate::check::script::path;
    use crate::check::verdict::At;
    use crate::check::wording::Witness;
    use crate::history::fact::TxnSummary;
    use crate::history::op::Request;

    /// A transaction that changes the data of one path.
    fn set(zxid: Zxid, name: &str) -> Entry {
        let at = At {
            event: EventId(1),
            time: Time::ZERO,
        };
        let change = Change::SetData {
            path: path(name),
            data: 0,
            version: 0,
        };
        let txn = TxnSummary {
            session: SessionId::NONE,
            cxid: 0,
            changes: vec![change],
            error: None,
            text: "set".into(),
        };
        let author = Witness::begin(ClientId(1), 1, at, &Arc::new(Request::CloseSession));
        Entry::acknowledged(zxid, Arc::new(txn), author)
    }

    #[test]
    fn a_recursive_watch_catches_what_comes_after_it_however_long_ago_it_was_set() {
        let names = ["/a", "/a/b", "/a/c", "/ab", "/d"];
        let mut triggers = Triggers::default();
        let mut all = Vec::new();
        let length = u32::try_from(KEPT).unwrap() + 500;
        for counter in 1..=length {
            let name = names[usize::try_from(mix(u64::from(counter)) % 5).unwrap()];
            let zxid = Zxid::new(Epoch(1), counter);
            all.extend(triggers.apply(Time::ZERO, &set(zxid, name)));
        }
        assert!(triggers.recent_from > Zxid::new(Epoch(1), 400));
        for (base, since) in [
            ("/a", 0),
            ("/a", 499),
            ("/", 700),
            ("/a/b", length - 9),
            ("/e", 3),
        ] {
            let since = Zxid::new(Epoch(1), since);
            let is_caught = |trigger: &&Trigger| {
                let below = trigger.path.strip_prefix(base);
                let is_below = below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
                trigger.spot.zxid > since && (base == "/" || is_below)
            };
            let expected: Vec<Spot> = all
                .iter()
                .filter(is_caught)
                .map(|trigger| trigger.spot)
                .collect();
            let caught = triggers.after(&Hook::new(Mode::Recursive, &path(base)), since);
            let caught: Vec<Spot> = caught.iter().map(|trigger| trigger.spot).collect();
            assert_eq!(caught, expected, "{base} after {since}");
        }
    }
}
