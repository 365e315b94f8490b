//! Watches, per connection (`WatchManager`, semantics.md §4): two managers, data and child, each a set of modes per path
//! and connection.

use imbl::{OrdMap, OrdSet};

use super::acl::{Identities, permits, perms};
use super::path;
use super::rules::{
    ChildrenTold, DeletionTold, FiredWatches, RecursiveReach, Removed, Told, WatchRules,
};
use super::store::Trigger;
use crate::history::op::{EventKind, Path, WatchEvent};

/// Who watches: a connection, named by its server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Watcher(pub u64);

/// How long a watch lasts and how far it reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    /// Gone once it has fired.
    Standard,
    /// Stays.
    Persistent,
    /// Stays, and covers everything below.
    Recursive,
}

/// What checkWatches and removeWatches speak of (semantics.md §4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Which {
    /// Standard ones of the child manager.
    Children,
    /// Standard ones of the data manager.
    Data,
    /// All.
    Any,
    /// Persistent ones of both.
    Persistent,
    /// Recursive ones.
    Recursive,
}

impl Which {
    /// By its number on the wire.
    pub fn by_number(number: i32) -> Option<Self> {
        match number {
            1 => Some(Self::Children),
            2 => Some(Self::Data),
            3 => Some(Self::Any),
            4 => Some(Self::Persistent),
            5 => Some(Self::Recursive),
            _ => None,
        }
    }

    /// The modes meant, in the data and in the child manager.
    fn modes(self) -> (Modes, Modes) {
        let (standard, persistent) = (Modes::of(Mode::Standard), Modes::of(Mode::Persistent));
        match self {
            Self::Children => (Modes::NONE, standard),
            Self::Data => (standard, Modes::NONE),
            Self::Any => (Modes::ALL, Modes::ALL),
            Self::Persistent => (persistent, persistent),
            Self::Recursive => (Modes::of(Mode::Recursive), Modes::NONE),
        }
    }
}

/// A set of modes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Modes(u8);

impl Modes {
    const NONE: Self = Self(0);
    const ALL: Self = Self(7);

    fn of(mode: Mode) -> Self {
        Self(1 << mode as u8)
    }

    fn has(self, mode: Mode) -> bool {
        self.0 & Self::of(mode).0 != 0
    }
}

/// The watches of one manager.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Manager {
    paths: OrdMap<Path, OrdMap<Watcher, Modes>>,
    /// Number of recursive watches; without any, ancestors need not be looked up.
    recursive: usize,
}

impl Manager {
    fn modes(&self, path: &str, watcher: Watcher) -> Modes {
        let watchers = self.paths.get(path);
        watchers
            .and_then(|watchers| watchers.get(&watcher))
            .copied()
            .unwrap_or_default()
    }

    /// Replaces the modes of one connection on one path.
    fn set(&mut self, path: &Path, watcher: Watcher, modes: Modes) {
        let before = self.modes(path, watcher);
        self.recursive += usize::from(modes.has(Mode::Recursive));
        self.recursive -= usize::from(before.has(Mode::Recursive));
        if modes != Modes::NONE {
            self.paths
                .entry(path.clone())
                .or_default()
                .insert(watcher, modes);
        } else if let Some(watchers) = self.paths.get_mut(&**path) {
            watchers.remove(&watcher);
            if watchers.is_empty() {
                self.paths.remove(&**path);
            }
        }
    }

    /// The connections that a change of this path concerns, in order; watches on it are used up as the rule says.
    fn matched(&mut self, path: &Path, rule: FiredWatches) -> OrdSet<Watcher> {
        let mut matched = OrdSet::new();
        let exact: Vec<(Watcher, Modes)> = match self.paths.get(&**path) {
            Some(watchers) => watchers
                .iter()
                .map(|(watcher, modes)| (*watcher, *modes))
                .collect(),
            None => Vec::new(),
        };
        for (watcher, modes) in exact {
            matched.insert(watcher);
            let gone = match rule {
                FiredWatches::StandardGo | FiredWatches::BothManagersGo => {
                    Modes::of(Mode::Standard)
                }
                FiredWatches::AllGo => Modes::ALL,
                FiredWatches::NoneGo => Modes::NONE,
            };
            if modes.0 & gone.0 != 0 {
                self.set(path, watcher, Modes(modes.0 & !gone.0));
            }
        }
        matched.extend(self.reaching(path));
        matched
    }

    /// The connections with a recursive watch above a path.
    fn reaching(&self, path: &Path) -> Vec<Watcher> {
        if self.recursive == 0 {
            return Vec::new();
        }
        path::ancestors(path)
            .filter_map(|ancestor| self.paths.get(ancestor))
            .flat_map(OrdMap::iter)
            .filter(|(_, modes)| modes.has(Mode::Recursive))
            .map(|(watcher, _)| *watcher)
            .collect()
    }
}

/// All watches of one server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Watches {
    pub(super) rules: WatchRules,
    data: Manager,
    child: Manager,
    /// Where each connection watches, in either manager.
    watched: OrdMap<Watcher, OrdSet<Path>>,
}

/// What one connection watches.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Registered {
    /// Standard watches of the data manager.
    pub data: Vec<Path>,
    /// Standard watches of the child manager.
    pub child: Vec<Path>,
    /// Persistent watches, which are in both.
    pub persistent: Vec<Path>,
    /// Persistent recursive watches.
    pub recursive: Vec<Path>,
}

impl Watches {
    /// No watches.
    pub fn new(rules: WatchRules) -> Self {
        Self {
            rules,
            ..Self::default()
        }
    }

    /// Arms a standard watch of the data manager (exists, getData).
    pub fn add_data(&mut self, path: &Path, watcher: Watcher) {
        self.change(path, watcher, |data, child| {
            (data.0 | Modes::of(Mode::Standard).0, child.0)
        });
    }

    /// Arms a standard watch of the child manager (getChildren).
    pub fn add_child(&mut self, path: &Path, watcher: Watcher) {
        self.change(path, watcher, |data, child| {
            (data.0, child.0 | Modes::of(Mode::Standard).0)
        });
    }

    /// Arms a persistent watch, in both managers.
    pub fn add_persistent(&mut self, path: &Path, watcher: Watcher) {
        let persistent = Modes::of(Mode::Persistent).0;
        self.change(path, watcher, |data, child| {
            (data.0 | persistent, child.0 | persistent)
        });
    }

    /// Arms a persistent recursive watch, in the data manager only.
    pub fn add_recursive(&mut self, path: &Path, watcher: Watcher) {
        let recursive = Modes::of(Mode::Recursive).0;
        let also_child = match self.rules.recursive {
            RecursiveReach::Data => Modes::NONE.0,
            RecursiveReach::DataAndChild => recursive,
        };
        self.change(path, watcher, |data, child| {
            (data.0 | recursive, child.0 | also_child)
        });
    }

    /// Whether the connection has any of those watches on exactly this path.
    pub fn check(&self, path: &str, watcher: Watcher, which: Which) -> bool {
        let (data, child) = which.modes();
        let hit = |manager: &Manager, modes: Modes| manager.modes(path, watcher).0 & modes.0 != 0;
        hit(&self.data, data) || hit(&self.child, child)
    }

    /// Removes those watches of the connection on exactly this path; says whether there were any.
    pub fn remove(&mut self, path: &Path, watcher: Watcher, which: Which) -> bool {
        let found = self.check(path, watcher, which);
        let removed = match (self.rules.removed, found) {
            (Removed::ThatKind, _) | (Removed::EveryKind, false) => which,
            (Removed::EveryKind, true) => Which::Any,
        };
        let (no_data, no_child) = removed.modes();
        self.change(path, watcher, |data, child| {
            (data.0 & !no_data.0, child.0 & !no_child.0)
        });
        found
    }

    /// The connection is gone, and its watches with it.
    pub fn forget(&mut self, watcher: Watcher) {
        for path in self.watched.remove(&watcher).unwrap_or_default() {
            self.data.set(&path, watcher, Modes::NONE);
            self.child.set(&path, watcher, Modes::NONE);
        }
    }

    /// What a connection watches; lists in order of paths.
    pub fn of(&self, watcher: Watcher) -> Registered {
        let mut registered = Registered::default();
        for path in self.watched.get(&watcher).into_iter().flatten() {
            let (data, child) = (
                self.data.modes(path, watcher),
                self.child.modes(path, watcher),
            );
            let lists = [
                (data.has(Mode::Standard), &mut registered.data),
                (child.has(Mode::Standard), &mut registered.child),
                (data.has(Mode::Persistent), &mut registered.persistent),
                (data.has(Mode::Recursive), &mut registered.recursive),
            ];
            for (_, list) in lists.into_iter().filter(|(is_there, _)| *is_there) {
                list.push(path.clone());
            }
        }
        registered
    }

    /// The events that an applied transaction causes, in the order in which each connection must get them.
    /// `identities` knows the living connections; others get nothing.
    pub fn fire<'a>(
        &mut self,
        triggers: &[Trigger],
        identities: impl Fn(Watcher) -> Option<&'a Identities>,
    ) -> Vec<(Watcher, WatchEvent)> {
        let mut events = Vec::new();
        if self.watched.is_empty() {
            return events;
        }
        for trigger in triggers {
            for watcher in self.concerned(trigger) {
                let may_hear = |ids| match self.rules.told {
                    Told::Readers => permits(&trigger.acl, ids, perms::READ),
                    Told::Everybody => true,
                };
                if identities(watcher).is_some_and(may_hear) {
                    events.push((
                        watcher,
                        WatchEvent {
                            kind: trigger.kind,
                            path: trigger.path.clone(),
                            zxid: Some(trigger.zxid),
                        },
                    ));
                }
            }
        }
        events
    }

    /// Whom a trigger concerns, as often as they hear of it.
    fn concerned(&mut self, trigger: &Trigger) -> Vec<Watcher> {
        let (path, fired) = (&trigger.path, self.rules.fired);
        let matched: Vec<Watcher> = match trigger.kind {
            EventKind::Created | EventKind::DataChanged => {
                self.data.matched(path, fired).into_iter().collect()
            }
            EventKind::ChildrenChanged => {
                let mut matched = self.child.matched(path, fired);
                match self.rules.children_told {
                    ChildrenTold::RecursiveBeside if !matched.is_empty() => {
                        matched.extend(self.data.reaching(path));
                    }
                    ChildrenTold::ChildWatches | ChildrenTold::RecursiveBeside => {}
                }
                matched.into_iter().collect()
            }
            EventKind::Deleted => {
                let data = self.data.matched(path, fired);
                // Who hears it from the data manager does not hear it twice, but its child watch is used up all the same.
                let child = self.child.matched(path, fired);
                match self.rules.deletion_told {
                    DeletionTold::Once => data.union(child).into_iter().collect(),
                    DeletionTold::ByEachManager => data.into_iter().chain(child).collect(),
                }
            }
        };
        for watcher in &matched {
            if fired == FiredWatches::BothManagersGo {
                self.use_up(path, *watcher);
            }
            self.tidy(path, *watcher);
        }
        matched
    }

    /// Takes the standard watches on a path out of both managers.
    fn use_up(&mut self, path: &Path, watcher: Watcher) {
        let standard = Modes::of(Mode::Standard).0;
        self.change(path, watcher, |data, child| {
            (data.0 & !standard, child.0 & !standard)
        });
    }

    fn change(
        &mut self,
        path: &Path,
        watcher: Watcher,
        change: impl FnOnce(Modes, Modes) -> (u8, u8),
    ) {
        let before = (
            self.data.modes(path, watcher),
            self.child.modes(path, watcher),
        );
        let (data, child) = change(before.0, before.1);
        self.data.set(path, watcher, Modes(data));
        self.child.set(path, watcher, Modes(child));
        if data | child == 0 {
            self.tidy(path, watcher);
        } else {
            self.watched
                .entry(watcher)
                .or_default()
                .insert(path.clone());
        }
    }

    /// Forgets that a connection watches a path if it does no longer.
    fn tidy(&mut self, path: &Path, watcher: Watcher) {
        let left = self.data.modes(path, watcher).0 | self.child.modes(path, watcher).0;
        if left == 0
            && let Some(paths) = self.watched.get_mut(&watcher)
        {
            paths.remove(&**path);
            if paths.is_empty() {
                self.watched.remove(&watcher);
            }
        }
    }
}
