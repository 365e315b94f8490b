//! The versioned register: reads, unconditional and conditional writes, creates, deletes and watches on a few keys
//! `/k1` … `/kN` (dst.md §5.6).
//!
//! Values are unique, `c<client>-<number>`. A conditional write expects the version its client last saw, so contention
//! between clients makes some of them fail. After a write with an unknown outcome a client reads before it writes again,
//! which keeps the number of open possibilities small.

use std::sync::Arc;

use super::{Hands, ThinkTime, create, ephemeral_path, first_decision};
use crate::client::Site;
use crate::client::library::Upcall;
use crate::history::op::{Data, ErrorCode, Path, Request, Response, flags};

/// Parameters of the versioned register.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Settings {
    /// Number of keys.
    pub keys: u16,
    /// Operations of one life, those that never left the client aside; 0 = until the run ends.
    pub ops: u64,
    /// Time between two operations.
    pub think: ThinkTime,
    /// How many operations may be outstanding.
    pub window: u16,
    /// How often each operation is chosen.
    pub mix: Mix,
    /// What follows a write whose outcome is unknown.
    pub after_unknown: AfterUnknown,
}

/// Weights of operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(
    missing_docs,
    reason = "fields are explained where the name does not say it"
)]
pub struct Mix {
    /// setData with version -1, or create where the node is known to be missing.
    pub write: u32,
    /// setData with the version last seen.
    pub cas: u32,
    pub read: u32,
    /// delete, half of them with the version last seen.
    pub delete: u32,
    pub create: u32,
    /// exists or getData that arms a watch.
    pub watch: u32,
    pub sync: u32,
    /// Create, or delete, the client's ephemeral `/e<client>`.
    pub ephemeral: u32,
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

impl Default for Settings {
    fn default() -> Self {
        Self {
            keys: 3,
            ops: 0,
            think: ThinkTime {
                min_ms: 1,
                max_ms: 40,
            },
            window: 1,
            mix: Mix::default(),
            after_unknown: AfterUnknown::default(),
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
            ephemeral: 0,
        }
    }
}

/// The running program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Register {
    settings: Settings,
    keys: Vec<Key>,
    outstanding: Vec<u64>,
    is_thinking: bool,
    /// Operations returned or lost after they were sent.
    done: u64,
    decision: u64,
}

/// What a client knows about a key.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Key {
    path: Path,
    seen: Seen,
    /// A write to it was lost: read first.
    suspect: bool,
}

/// What the last reply about a key showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seen {
    Nothing,
    Missing,
    Version(i32),
}

/// The operations of the mix, in the order of its fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Write,
    Cas,
    Read,
    Delete,
    Create,
    Watch,
    Sync,
    Ephemeral,
}

impl Mix {
    const KINDS: [Kind; 8] = [
        Kind::Write,
        Kind::Cas,
        Kind::Read,
        Kind::Delete,
        Kind::Create,
        Kind::Watch,
        Kind::Sync,
        Kind::Ephemeral,
    ];

    fn weights(self) -> [u32; 8] {
        [
            self.write,
            self.cas,
            self.read,
            self.delete,
            self.create,
            self.watch,
            self.sync,
            self.ephemeral,
        ]
    }
}

impl Register {
    /// The program of a client's `life`th life.
    pub fn new(settings: &Settings, life: u32) -> Self {
        let key = |number| Key {
            path: format!("/k{number}").into(),
            seen: Seen::Nothing,
            suspect: false,
        };
        Self {
            settings: settings.clone(),
            keys: (1..=settings.keys.max(1)).map(key).collect(),
            outstanding: Vec::new(),
            is_thinking: false,
            done: 0,
            decision: first_decision(life),
        }
    }

    pub(super) fn on_boot(&mut self, hands: &mut Hands<'_>) {
        self.rest(hands);
    }

    pub(super) fn on_think(&mut self, hands: &mut Hands<'_>) {
        self.is_thinking = false;
        let request = self.next_request(hands);
        let op = hands.submit(request);
        self.outstanding.push(op);
        self.rest(hands);
    }

    pub(super) fn on_upcall(&mut self, upcall: &Upcall, hands: &mut Hands<'_>) {
        match upcall {
            Upcall::Replied {
                op,
                request,
                result,
            } => {
                self.learn(request, result);
                if self.finish(*op) {
                    self.done += 1;
                }
            }
            Upcall::Lost { op, request, sent } => {
                if self.finish(*op) && *sent {
                    self.done += 1;
                    self.suspect(request);
                }
            }
            Upcall::Event(event) => {
                if let Some(key) = self.key_mut(&event.path) {
                    key.seen = Seen::Nothing;
                }
            }
            Upcall::Connected { .. } | Upcall::Disconnected | Upcall::Expired => {}
        }
        self.rest(hands);
    }

    /// Thinks before the next operation if there is one and the window has room.
    fn rest(&mut self, hands: &mut Hands<'_>) {
        let begun = self.done + self.outstanding.len() as u64;
        let is_full = self.outstanding.len() >= usize::from(self.settings.window.max(1));
        let is_over = self.settings.ops > 0 && begun >= self.settings.ops;
        if self.is_thinking || is_full || is_over {
            return;
        }
        self.is_thinking = true;
        self.decision += 1;
        hands.think(
            self.settings
                .think
                .pick(hands.draw(Site::Think, self.decision)),
        );
    }

    fn finish(&mut self, op: u64) -> bool {
        let index = self.outstanding.iter().position(|other| *other == op);
        index.is_some_and(|index| self.outstanding.swap_remove(index) == op)
    }

    fn next_request(&self, hands: &Hands<'_>) -> Request {
        let number = self.decision;
        let pick = hands.draw(Site::Key, number).below(self.keys.len() as u64);
        let key = &self.keys[usize::try_from(pick).expect("below the number of keys")];
        let path = key.path.clone();
        let mix = self.settings.mix;
        let kind = Mix::KINDS[hands.draw(Site::Choice, number).weighted(&mix.weights())];
        let is_write = matches!(kind, Kind::Write | Kind::Cas | Kind::Delete | Kind::Create);
        if is_write && key.suspect {
            return Request::GetData { path, watch: false };
        }
        let heads = hands.draw(Site::Detail, number).below(2) == 0;
        let value = || -> Data {
            let text = format!("c{}-{number}", hands.client().0);
            Some(Arc::from(text.into_bytes()))
        };
        match (kind, key.seen) {
            (Kind::Create, _) | (Kind::Write, Seen::Missing) => {
                create(path, value(), flags::PERSISTENT)
            }
            (Kind::Write, Seen::Nothing | Seen::Version(_)) => Request::SetData {
                path,
                data: value(),
                version: -1,
            },
            (Kind::Cas, Seen::Version(version)) => Request::SetData {
                path,
                data: value(),
                version,
            },
            (Kind::Delete, Seen::Version(version)) if heads => Request::Delete { path, version },
            (Kind::Delete, _) => Request::Delete { path, version: -1 },
            (Kind::Read, _) | (Kind::Cas, Seen::Nothing | Seen::Missing) => {
                Request::GetData { path, watch: false }
            }
            (Kind::Watch, _) if heads => Request::Exists { path, watch: true },
            (Kind::Watch, _) => Request::GetData { path, watch: true },
            (Kind::Sync, _) => Request::Sync { path },
            (Kind::Ephemeral, _) if heads => {
                create(ephemeral_path(hands.client()), value(), flags::EPHEMERAL)
            }
            (Kind::Ephemeral, _) => Request::Delete {
                path: ephemeral_path(hands.client()),
                version: -1,
            },
        }
    }

    /// Remembers what a reply showed of a key.
    fn learn(&mut self, request: &Request, result: &Result<Response, ErrorCode>) {
        let Some(key) = written_or_read(request).and_then(|path| self.key_mut(path)) else {
            return;
        };
        if !request.is_write() {
            key.suspect = false;
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

    fn suspect(&mut self, request: &Request) {
        if self.settings.after_unknown == AfterUnknown::Read
            && request.is_write()
            && let Some(key) = written_or_read(request).and_then(|path| self.key_mut(path))
        {
            key.suspect = true;
        }
    }

    fn key_mut(&mut self, path: &Path) -> Option<&mut Key> {
        self.keys.iter_mut().find(|key| key.path == *path)
    }
}

/// The path whose data or existence a request of this program is about.
fn written_or_read(request: &Request) -> Option<&Path> {
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
