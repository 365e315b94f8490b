//! The versioned register: reads, unconditional and conditional writes, creates, deletes and watches on a few keys
//! `/k1` … `/kN` (dst.md §5.6).
//!
//! Values are unique, `c<client>-<number>`. A conditional write expects the version its client last saw, so contention
//! between clients makes some of them fail. After a write with an unknown outcome a client reads before it writes again,
//! which keeps the number of open possibilities small.

use std::sync::Arc;

use super::pace::{Pace, Tempo};
use super::{Hands, create, ephemeral_path};
use crate::base::rng::Draw;
use crate::client::Site;
use crate::client::library::Upcall;
use crate::history::op::{ErrorCode, Path, Request, Response, flags};

/// Parameters of the versioned register.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Settings {
    /// Number of keys.
    pub keys: u16,
    /// How many operations it does, and how fast.
    pub tempo: Tempo,
    /// How often each operation is chosen.
    pub mix: Mix,
    /// What follows a write whose outcome is unknown.
    pub after_unknown: AfterUnknown,
    /// What follows a watch event.
    pub after_event: AfterEvent,
}

/// Weights of operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Mix {
    /// setData with version -1, or create where the node is known to be missing.
    pub write: u32,
    /// setData with the version last seen.
    pub cas: u32,
    /// setData with the version before the one last seen.
    pub stale_cas: u32,
    /// getData.
    pub read: u32,
    /// delete, half of them with the version last seen.
    pub delete: u32,
    /// create.
    pub create: u32,
    /// exists or getData that arms a watch.
    pub watch: u32,
    /// getChildren of the root, half of them with a watch.
    pub children: u32,
    /// addWatch on a key, persistent or persistent recursive.
    pub lasting_watch: u32,
    /// removeWatches of every kind on a key.
    pub remove_watch: u32,
    /// sync.
    pub sync: u32,
    /// multi: a check of the version last seen, then writes to this key and the next.
    pub multi: u32,
    /// Create or delete the client's ephemeral `/e<client>`.
    pub ephemeral: u32,
    /// Create an ephemeral sequential `/s<client>-<n>`.
    pub sequential: u32,
    /// A create without a body.
    pub undecodable: u32,
}

/// What follows a write whose outcome is unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AfterUnknown {
    /// The key is read before it is written again.
    #[default]
    Read,
    /// Nothing in particular.
    Nothing,
}

/// What follows a watch event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AfterEvent {
    /// The key is read at once, half of the time with a new watch.
    #[default]
    Read,
    /// Nothing in particular.
    Nothing,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            keys: 3,
            tempo: Tempo::default(),
            mix: Mix::default(),
            after_unknown: AfterUnknown::default(),
            after_event: AfterEvent::default(),
        }
    }
}

impl Default for Mix {
    fn default() -> Self {
        Self {
            write: 4,
            cas: 3,
            read: 4,
            delete: 1,
            create: 1,
            watch: 2,
            sync: 1,
            ..Self::NOTHING
        }
    }
}

/// The running program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Register {
    settings: Settings,
    keys: Vec<Key>,
    pace: Pace,
}

/// What a client knows about a key.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Key {
    path: Path,
    seen: Seen,
    /// A write to it was lost: read first.
    is_suspect: bool,
    /// A watch event told of a change: read next.
    is_changed: bool,
}

/// What the last reply about a key showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seen {
    Nothing,
    Missing,
    Version(i32),
}

/// The operations of the mix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Write,
    Cas,
    StaleCas,
    Read,
    Delete,
    Create,
    Watch,
    Children,
    LastingWatch,
    RemoveWatch,
    Sync,
    Multi,
    Ephemeral,
    Sequential,
    Undecodable,
}

impl Mix {
    /// No operation at all.
    pub const NOTHING: Self = Self {
        write: 0,
        cas: 0,
        stale_cas: 0,
        read: 0,
        delete: 0,
        create: 0,
        watch: 0,
        children: 0,
        lasting_watch: 0,
        remove_watch: 0,
        sync: 0,
        multi: 0,
        ephemeral: 0,
        sequential: 0,
        undecodable: 0,
    };

    /// Every operation there is.
    pub const BROAD: Self = Self {
        write: 4,
        cas: 3,
        stale_cas: 1,
        read: 4,
        delete: 2,
        create: 1,
        watch: 3,
        children: 1,
        lasting_watch: 1,
        remove_watch: 1,
        sync: 1,
        multi: 1,
        ephemeral: 1,
        sequential: 1,
        undecodable: 0,
    };

    fn pick(self, draw: Draw) -> Kind {
        let table = [
            (Kind::Write, self.write),
            (Kind::Cas, self.cas),
            (Kind::StaleCas, self.stale_cas),
            (Kind::Read, self.read),
            (Kind::Delete, self.delete),
            (Kind::Create, self.create),
            (Kind::Watch, self.watch),
            (Kind::Children, self.children),
            (Kind::LastingWatch, self.lasting_watch),
            (Kind::RemoveWatch, self.remove_watch),
            (Kind::Sync, self.sync),
            (Kind::Multi, self.multi),
            (Kind::Ephemeral, self.ephemeral),
            (Kind::Sequential, self.sequential),
            (Kind::Undecodable, self.undecodable),
        ];
        table[draw.weighted(&table.map(|(_, weight)| weight))].0
    }
}

impl Register {
    /// The program of a client's `life`th life.
    pub fn new(settings: &Settings, life: u32) -> Self {
        let key = |number| Key {
            path: format!("/k{number}").into(),
            seen: Seen::Nothing,
            is_suspect: false,
            is_changed: false,
        };
        Self {
            settings: settings.clone(),
            keys: (1..=settings.keys.max(1)).map(key).collect(),
            pace: Pace::new(settings.tempo, life),
        }
    }

    pub(super) fn on_boot(&mut self, hands: &mut Hands<'_>) {
        self.pace.rest(hands);
    }

    pub(super) fn on_think(&mut self, hands: &mut Hands<'_>) {
        let number = self.pace.on_think();
        if hands.passes_over() {
            self.pace.on_passed_over();
        } else {
            let request = self.next_request(number, hands);
            self.pace.on_submitted(hands.submit(request));
        }
        self.pace.rest(hands);
    }

    pub(super) fn on_upcall(&mut self, upcall: &Upcall, hands: &mut Hands<'_>) {
        match upcall {
            Upcall::Replied {
                op,
                request,
                result,
            } => {
                self.learn(request, result);
                self.pace.on_replied(*op);
            }
            Upcall::Lost { op, request, sent } => {
                if self.pace.on_lost(*op, *sent) {
                    self.suspect(request);
                }
            }
            Upcall::Event(event) => {
                let reads = self.settings.after_event == AfterEvent::Read;
                if let Some(key) = self.key_mut(&event.path) {
                    key.seen = Seen::Nothing;
                    key.is_changed = reads;
                }
            }
            Upcall::Connected { .. } | Upcall::Disconnected | Upcall::Expired => {}
        }
        self.pace.rest(hands);
    }

    fn next_request(&mut self, number: u64, hands: &Hands<'_>) -> Request {
        let heads = hands.draw(Site::Detail, number).below(2) == 0;
        if let Some(key) = self.keys.iter_mut().find(|key| key.is_changed) {
            key.is_changed = false;
            let path = key.path.clone();
            return Request::GetData { path, watch: heads };
        }
        let pick = hands.draw(Site::Key, number).below(self.keys.len() as u64);
        let index = usize::try_from(pick).expect("below the number of keys");
        let kind = self.settings.mix.pick(hands.draw(Site::Choice, number));
        let value: Arc<[u8]> = format!("c{}-{number}", hands.client().0)
            .into_bytes()
            .into();
        match kind {
            Kind::Write
            | Kind::Cas
            | Kind::StaleCas
            | Kind::Delete
            | Kind::Create
            | Kind::Multi => self.write(kind, index, value, heads),
            Kind::Read | Kind::Watch | Kind::LastingWatch | Kind::RemoveWatch | Kind::Sync => {
                read(kind, self.keys[index].path.clone(), heads)
            }
            Kind::Children => Request::GetChildren {
                path: "/".into(),
                watch: heads,
                stat: true,
            },
            Kind::Ephemeral if heads => create(
                ephemeral_path(hands.client()),
                Some(value),
                flags::EPHEMERAL,
            ),
            Kind::Ephemeral => Request::Delete {
                path: ephemeral_path(hands.client()),
                version: -1,
            },
            Kind::Sequential => create(
                format!("/s{}-", hands.client().0).into(),
                Some(value),
                flags::EPHEMERAL_SEQUENTIAL,
            ),
            Kind::Undecodable => Request::Raw { opcode: 1 },
        }
    }

    /// A write to a key, or a read instead if the key is suspect or its version is needed and unknown.
    fn write(&self, kind: Kind, index: usize, value: Arc<[u8]>, heads: bool) -> Request {
        let key = &self.keys[index];
        let path = key.path.clone();
        let read = Request::GetData {
            path: path.clone(),
            watch: false,
        };
        let next = &self.keys[(index + 1) % self.keys.len()];
        if key.is_suspect || (kind == Kind::Multi && next.is_suspect) {
            return read;
        }
        let known = match key.seen {
            Seen::Version(version) => Some(version),
            Seen::Nothing | Seen::Missing => None,
        };
        let set = |path: Path, version| Request::SetData {
            path,
            data: Some(value.clone()),
            version,
        };
        match (kind, known) {
            (Kind::Write, _) if key.seen != Seen::Missing => set(path, -1),
            (Kind::Write | Kind::Create, _) => create(path, Some(value), flags::PERSISTENT),
            (Kind::Cas, Some(version)) => set(path, version),
            // Version 0 has none before it, and -1 would mean any.
            (Kind::StaleCas, Some(version)) => set(path, if version > 0 { version - 1 } else { 1 }),
            (Kind::Multi, Some(version)) => Request::Multi(vec![
                Request::Check {
                    path: path.clone(),
                    version,
                },
                set(path, -1),
                set(next.path.clone(), -1),
            ]),
            (Kind::Delete, Some(version)) if heads => Request::Delete { path, version },
            (Kind::Delete, _) => Request::Delete { path, version: -1 },
            (
                Kind::Cas
                | Kind::StaleCas
                | Kind::Multi
                | Kind::Read
                | Kind::Watch
                | Kind::Children
                | Kind::LastingWatch
                | Kind::RemoveWatch
                | Kind::Sync
                | Kind::Ephemeral
                | Kind::Sequential
                | Kind::Undecodable,
                _,
            ) => read,
        }
    }

    /// Remembers what a reply showed of a key.
    fn learn(&mut self, request: &Request, result: &Result<Response, ErrorCode>) {
        if let (Request::Multi(requests), Ok(Response::Multi(results))) = (request, result) {
            for (request, result) in requests.iter().zip(results) {
                self.learn(request, result);
            }
        }
        let Some(key) = key_path(request).and_then(|path| self.key_mut(path)) else {
            return;
        };
        if !request.is_write() {
            key.is_suspect = false;
        }
        key.seen = match result {
            Ok(Response::Stat(stat) | Response::Data(_, stat) | Response::PathStat(_, stat)) => {
                Seen::Version(stat.version)
            }
            Ok(_) if matches!(request, Request::Delete { .. }) => Seen::Missing,
            Err(ErrorCode::NoNode) => Seen::Missing,
            Ok(_) | Err(_) => Seen::Nothing,
        };
    }

    /// Marks the keys whose value a lost write leaves open.
    fn suspect(&mut self, request: &Request) {
        if let Request::Multi(requests) = request {
            for request in requests {
                self.suspect(request);
            }
        }
        if self.settings.after_unknown == AfterUnknown::Read
            && request.is_write()
            && let Some(key) = key_path(request).and_then(|path| self.key_mut(path))
        {
            key.is_suspect = true;
        }
    }

    fn key_mut(&mut self, path: &Path) -> Option<&mut Key> {
        self.keys.iter_mut().find(|key| key.path == *path)
    }
}

/// A request about a key that writes nothing.
fn read(kind: Kind, path: Path, heads: bool) -> Request {
    match kind {
        Kind::Watch if heads => Request::Exists { path, watch: true },
        Kind::Watch => Request::GetData { path, watch: true },
        Kind::LastingWatch => Request::AddWatch {
            path,
            mode: i32::from(heads),
        },
        Kind::RemoveWatch => Request::RemoveWatches { path, kind: 3 },
        Kind::Sync => Request::Sync { path },
        Kind::Read
        | Kind::Write
        | Kind::Cas
        | Kind::StaleCas
        | Kind::Delete
        | Kind::Create
        | Kind::Children
        | Kind::Multi
        | Kind::Ephemeral
        | Kind::Sequential
        | Kind::Undecodable => Request::GetData { path, watch: false },
    }
}

/// The path whose data or existence a request of this program is about.
fn key_path(request: &Request) -> Option<&Path> {
    match request {
        Request::Create { path, .. }
        | Request::Delete { path, .. }
        | Request::SetData { path, .. }
        | Request::Exists { path, .. }
        | Request::GetData { path, .. } => Some(path),
        Request::DeleteContainer { .. }
        | Request::GetChildren { .. }
        | Request::GetAllChildrenNumber { .. }
        | Request::GetEphemerals { .. }
        | Request::GetAcl { .. }
        | Request::SetAcl { .. }
        | Request::Check { .. }
        | Request::Sync { .. }
        | Request::Multi(_)
        | Request::MultiRead(_)
        | Request::WhoAmI
        | Request::AddWatch { .. }
        | Request::CheckWatches { .. }
        | Request::RemoveWatches { .. }
        | Request::SetWatches(_)
        | Request::Auth { .. }
        | Request::CloseSession
        | Request::Raw { .. } => None,
    }
}

#[cfg(test)]
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "a test picks the variants it is about"
)]
mod tests;
