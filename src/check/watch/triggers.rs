//! What the committed log makes watches do: for each change the triggers of semantics.md §4.2, kept per path.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use crate::base::time::Time;
use crate::base::zxid::Zxid;
use crate::check::by_path::{ByPath, PathNumber};
use crate::check::committed::Entry;
use crate::check::evidence;
use crate::history::fact::Change;
use crate::history::op::{EventKind, Path, WatchEvent};

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
    /// Its number.
    pub znode: PathNumber,
    /// The transaction.
    pub entry: Arc<Entry>,
    /// When it became part of the committed log.
    pub committed: Time,
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
    /// All of them.
    pub(super) const ALL: [Self; 4] = [Self::Data, Self::Child, Self::Persistent, Self::Recursive];

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

    /// Whether a trigger of its znode fires it; of a recursive one, also a trigger of a znode below.
    pub(super) fn catches(self, slot: Slot) -> bool {
        match self {
            Self::Data | Self::Recursive => slot == Slot::Own,
            Self::Child => slot != Slot::Own,
            Self::Persistent => true,
        }
    }

    /// Whether a watch on a path could ever fire with this event.
    pub(super) fn may_tell(self, base: &str, event: &WatchEvent) -> bool {
        let is_meant = match self {
            Self::Data | Self::Child | Self::Persistent => *event.path == *base,
            Self::Recursive => is_below(&event.path, base),
        };
        is_meant && self.may_be(event.kind)
    }

    /// Whether one could ever fire with this kind of event.
    pub(super) fn may_be(self, kind: EventKind) -> bool {
        let slots: &[Slot] = match kind {
            EventKind::Created | EventKind::DataChanged => &[Slot::Own],
            EventKind::Deleted => &[Slot::Own, Slot::Gone],
            EventKind::ChildrenChanged => &[Slot::Parent],
        };
        slots.iter().any(|slot| self.catches(*slot))
    }
}

/// A server's entry for a watch: several requests may share it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hook {
    /// In which table.
    pub mode: Mode,
    /// On which path.
    pub znode: PathNumber,
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
#[derive(Clone, Debug)]
struct History {
    /// The path above, if this is not the root.
    above: Option<PathNumber>,
    base: State,
    floor: Zxid,
    triggers: VecDeque<Trigger>,
}

/// Triggers kept per path.
const KEPT: usize = 1024;

/// Changes remembered in all, for recursive watches: a client that was away for longer than they last is rare under any load, and
/// costs a look at every znode.
const RECENT: usize = 8 * KEPT;

/// Every path's history.
#[derive(Clone, Debug, Default)]
pub(super) struct Triggers {
    znodes: ByPath<History>,
    /// Which znodes changed last, and when.
    recent: VecDeque<(Zxid, PathNumber)>,
    /// Nothing after this is missing from them.
    recent_from: Zxid,
}

impl Triggers {
    /// A path's number, which it has from now on.
    pub(super) fn number(&mut self, path: &Path) -> PathNumber {
        self.znodes.number(path).unwrap_or_else(|| self.begin(path))
    }

    fn begin(&mut self, path: &Path) -> PathNumber {
        let mut above = None;
        for part in evidence::ancestors(path) {
            let number = self.znodes.number(part).unwrap_or_else(|| {
                let history = History {
                    above,
                    base: start(part),
                    floor: Zxid::ZERO,
                    triggers: VecDeque::new(),
                };
                let part = if part.len() == path.len() {
                    Arc::clone(path)
                } else {
                    part.into()
                };
                self.znodes.add(part, history)
            });
            above = Some(number);
        }
        above.expect("every path lies below the root")
    }

    /// All watches that may tell of a path, in the order in which a server fires them.
    pub(super) fn hooks(&self, znode: PathNumber) -> Vec<Hook> {
        let mode = Mode::Recursive;
        let bases = std::iter::successors(Some(znode), |znode| self.above(*znode));
        let mut hooks: Vec<Hook> = bases.map(|znode| Hook { mode, znode }).collect();
        let own = [Mode::Persistent, Mode::Child, Mode::Data];
        hooks.extend(own.map(|mode| Hook { mode, znode }));
        hooks.reverse();
        hooks
    }

    /// A path that has a number.
    pub(super) fn path(&self, znode: PathNumber) -> &Path {
        self.znodes.path(znode)
    }

    /// The path above one.
    pub(super) fn above(&self, znode: PathNumber) -> Option<PathNumber> {
        self.znodes.at(znode).above
    }

    /// Takes a committed transaction and returns its triggers in order.
    pub(super) fn apply(&mut self, now: Time, entry: &Arc<Entry>) -> Vec<Trigger> {
        let mut triggers = Vec::new();
        for (index, change) in entry.txn.changes.iter().enumerate() {
            let (path, events): (&Path, &[(Slot, EventKind)]) = match change {
                Change::Create { path, .. } => (path, &CREATED),
                Change::Delete { path } => (path, &DELETED),
                Change::SetData { path, .. } => (path, &DATA_CHANGED),
                Change::SetAcl { .. }
                | Change::OpenSession { .. }
                | Change::CloseSession { .. } => continue,
            };
            let own = self.number(path);
            for (slot, kind) in events {
                let znode = match slot {
                    Slot::Own | Slot::Gone => Some(own),
                    Slot::Parent => self.above(own),
                };
                triggers.extend(znode.map(|znode| Trigger {
                    spot: Spot {
                        zxid: entry.zxid,
                        index,
                        slot: *slot,
                    },
                    kind: *kind,
                    path: Arc::clone(self.path(znode)),
                    znode,
                    entry: Arc::clone(entry),
                    committed: now,
                }));
            }
        }
        for trigger in &triggers {
            self.keep(trigger.clone());
        }
        triggers
    }

    fn keep(&mut self, trigger: Trigger) {
        if trigger.spot.slot == Slot::Own {
            self.recent.push_back((trigger.spot.zxid, trigger.znode));
            if self.recent.len() > RECENT
                && let Some((oldest, _)) = self.recent.pop_front()
            {
                self.recent_from = oldest;
            }
        }
        let history = self.znodes.at_mut(trigger.znode);
        history.triggers.push_back(trigger);
        if history.triggers.len() > KEPT
            && let Some(oldest) = history.triggers.pop_front()
        {
            history.base.apply(&oldest);
            history.floor = oldest.spot.zxid;
        }
    }

    /// Whether everything that happened to a path after this zxid is remembered.
    pub(super) fn knows(&self, znode: PathNumber, zxid: Zxid) -> bool {
        zxid >= self.znodes.at(znode).floor
    }

    /// What a watch set at this position catches, in order.
    pub(super) fn after(&self, hook: Hook, zxid: Zxid) -> Vec<Trigger> {
        let histories: Vec<&History> = match hook.mode {
            Mode::Recursive if zxid >= self.recent_from => {
                let newest = self.recent.iter().rev();
                let newest = newest.take_while(|(changed, _)| *changed > zxid);
                let changed: BTreeSet<PathNumber> = newest.map(|(_, znode)| *znode).collect();
                let changed = changed.into_iter();
                changed.map(|znode| self.znodes.at(znode)).collect()
            }
            Mode::Recursive => self.znodes.values().collect(),
            Mode::Data | Mode::Child | Mode::Persistent => vec![self.znodes.at(hook.znode)],
        };
        let base = self.path(hook.znode);
        let mut caught: Vec<Trigger> = histories
            .into_iter()
            .flat_map(|history| later(&history.triggers, zxid))
            .filter(|trigger| hook.mode.catches(trigger.spot.slot))
            .filter(|trigger| trigger.znode == hook.znode || is_below(&trigger.path, base))
            .cloned()
            .collect();
        caught.sort_by_key(|trigger| trigger.spot);
        caught
    }

    /// The first thing that a watch on one path, set at this position, catches.
    pub(super) fn first_after(&self, hook: Hook, zxid: Zxid) -> Option<&Trigger> {
        let history = self.znodes.at(hook.znode);
        later(&history.triggers, zxid).find(|trigger| hook.mode.catches(trigger.spot.slot))
    }

    /// The change that makes this event, if there is one.
    pub(super) fn cause(&self, kind: EventKind, znode: PathNumber, zxid: Zxid) -> Option<&Trigger> {
        let triggers = &self.znodes.at(znode).triggers;
        let start = triggers.partition_point(|trigger| trigger.spot.zxid < zxid);
        triggers
            .range(start..)
            .take_while(|trigger| trigger.spot.zxid == zxid)
            .find(|trigger| trigger.kind == kind)
    }

    /// A path's state at a position, if it is remembered.
    pub(super) fn state(&self, znode: PathNumber, zxid: Zxid) -> Option<State> {
        let history = self.znodes.at(znode);
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
    pub(super) fn last_change(&self, znode: PathNumber, zxid: Zxid) -> Option<&Entry> {
        let triggers = &self.znodes.at(znode).triggers;
        let end = triggers.partition_point(|trigger| trigger.spot.zxid <= zxid);
        triggers
            .get(end.checked_sub(1)?)
            .map(|trigger| &*trigger.entry)
    }
}

/// The events that a change makes, in the order in which a server makes them.
const CREATED: [(Slot, EventKind); 2] = [
    (Slot::Own, EventKind::Created),
    (Slot::Parent, EventKind::ChildrenChanged),
];
const DELETED: [(Slot, EventKind); 3] = [
    (Slot::Own, EventKind::Deleted),
    (Slot::Gone, EventKind::Deleted),
    (Slot::Parent, EventKind::ChildrenChanged),
];
const DATA_CHANGED: [(Slot, EventKind); 1] = [(Slot::Own, EventKind::DataChanged)];

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
        let others = (0..15).map(|other| format!("/d/{other}"));
        let names: Vec<String> = ["/a", "/a/b", "/a/c", "/ab", "/d"]
            .map(str::to_owned)
            .into_iter()
            .chain(others)
            .collect();
        let mut triggers = Triggers::default();
        let mut all = Vec::new();
        let length = u32::try_from(RECENT).unwrap() + 500;
        for counter in 1..=length {
            let name = &names[usize::try_from(mix(u64::from(counter)) % 20).unwrap()];
            let zxid = Zxid::new(Epoch(1), counter);
            all.extend(triggers.apply(Time::ZERO, &Arc::new(set(zxid, name))));
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
            let znode = triggers.number(&path(base));
            let mode = Mode::Recursive;
            let caught = triggers.after(Hook { mode, znode }, since);
            let caught: Vec<Spot> = caught.iter().map(|trigger| trigger.spot).collect();
            assert_eq!(caught, expected, "{base} after {since}");
        }
    }
}
