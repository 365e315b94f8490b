//! The requests of the program: mostly ones that its beliefs let pass, some that they do not.

use std::sync::Arc;

use super::knowledge::{Knowledge, Seen};
use super::menu::{Kind, Write};
use super::{Dice, space};
use crate::client::workload::open_acl;
use crate::history::op::{Acl, AclEntry, CreateOp, Data, Path, Request, flags};

/// All permissions.
const ALL: i32 = 31;
const READ: i32 = 1;
const ADMIN: i32 = 16;

/// Users and their digest ids, password `p`.
const USERS: [(&str, &str); 2] = [
    ("u1:p", "u1:FfP80c+zcEPgU6zorph629PDPJ0="),
    ("u2:p", "u2:AaHy+pRIUVK2OXJejfBQ3E/DOVQ="),
];

/// What requests are made from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Author<'a> {
    pub(super) knowledge: &'a Knowledge,
}

/// What a path should be for what is to be done to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    Present,
    Creatable,
}

/// A look at what an event spoke of, with a new watch more often than not.
pub(super) fn look(dice: &mut Dice<'_, '_>, path: Path) -> Request {
    let watch = !dice.once_in(3);
    match dice.below(4) {
        0 => Request::Exists { path, watch },
        1 => Request::GetChildren {
            path,
            watch,
            stat: true,
        },
        _ => Request::GetData { path, watch },
    }
}

// One request.
impl Author<'_> {
    pub(super) fn request(self, kind: Kind, dice: &mut Dice<'_, '_>) -> Request {
        let watch = dice.once_in(2);
        match kind {
            Kind::Write(write) => self.write(write, dice),
            Kind::Multi => self.multi(dice),
            Kind::GetData => Request::GetData {
                path: self.any(dice),
                watch,
            },
            Kind::Exists => Request::Exists {
                path: self.any(dice),
                watch,
            },
            Kind::Children => Request::GetChildren {
                path: self.directory(dice),
                watch,
                stat: !dice.once_in(3),
            },
            Kind::GetAcl => Request::GetAcl {
                path: self.any(dice),
            },
            Kind::MultiRead => self.multi_read(dice),
            Kind::Inquiry => self.inquiry(dice),
            Kind::AddWatch => Request::AddWatch {
                path: self.directory(dice),
                mode: i32::from(watch),
            },
            Kind::RemoveWatches => Request::RemoveWatches {
                path: self.directory(dice),
                kind: watch_kind(dice),
            },
            Kind::CheckWatches => Request::CheckWatches {
                path: self.directory(dice),
                kind: watch_kind(dice),
            },
            Kind::Sync => Request::Sync {
                path: self.any(dice),
            },
            Kind::Auth => Request::Auth {
                scheme: "digest".into(),
                auth: USERS[dice.below(USERS.len())].0.as_bytes().into(),
            },
            Kind::Malformed => self.malformed(dice),
            Kind::Close => Request::CloseSession,
        }
    }

    fn multi_read(self, dice: &mut Dice<'_, '_>) -> Request {
        let parts = 2 + dice.below(3);
        let part = |_| {
            let path = self.any(dice);
            let watch = false;
            if dice.once_in(3) {
                let stat = false;
                Request::GetChildren { path, watch, stat }
            } else {
                Request::GetData { path, watch }
            }
        };
        Request::MultiRead((0..parts).map(part).collect())
    }

    fn inquiry(self, dice: &mut Dice<'_, '_>) -> Request {
        let path = self.directory(dice);
        match dice.below(3) {
            0 => Request::GetEphemerals { prefix: path },
            1 => Request::GetAllChildrenNumber { path },
            _ => Request::WhoAmI,
        }
    }

    fn malformed(self, dice: &mut Dice<'_, '_>) -> Request {
        let path = self.any(dice);
        let slashed: Path = format!("{path}/").into();
        let version = -1;
        match dice.below(7) {
            0 => Request::SetData {
                path: slashed,
                data: Some(value(dice)),
                version,
            },
            1 => create(
                CreateOp::Create,
                slashed,
                Some(value(dice)),
                flags::PERSISTENT,
            ),
            2 => create(CreateOp::Create2, path, Some(value(dice)), flags::TTL),
            3 => Request::Multi(Vec::new()),
            4 => Request::Multi(vec![Request::Sync { path }]),
            5 => Request::AddWatch { path, mode: 7 },
            // Costs the connection.
            _ => Request::Check { path, version },
        }
    }
}

// Writes, alone or in a multi.
impl Author<'_> {
    fn write(self, write: Write, dice: &mut Dice<'_, '_>) -> Request {
        match write {
            Write::Create => self.create(dice),
            Write::Sequential => self.sequential(dice),
            Write::Delete => self.delete(dice),
            Write::DeleteContainer => Request::DeleteContainer {
                path: self.target(dice, Wanted::Present),
            },
            Write::SetAcl => {
                let path = self.target(dice, Wanted::Present);
                let acl = Some(acl(dice, &path));
                let version = self.version(dice, &path, |_, aversion| aversion);
                Request::SetAcl { path, acl, version }
            }
            Write::SetData => {
                let path = self.target(dice, Wanted::Present);
                let version = self.version(dice, &path, |version, _| version);
                let data = Some(value(dice));
                Request::SetData {
                    path,
                    data,
                    version,
                }
            }
        }
    }

    /// Two to four parts; one in four gets a check that fails.
    fn multi(self, dice: &mut Dice<'_, '_>) -> Request {
        const PARTS: [Option<Write>; 8] = [
            Some(Write::Create),
            Some(Write::Create),
            Some(Write::Sequential),
            Some(Write::Delete),
            Some(Write::SetData),
            Some(Write::SetData),
            None,
            None,
        ];
        let count = 2 + dice.below(3);
        let mut parts: Vec<Request> = Vec::new();
        for _ in 0..count {
            let part = match PARTS[dice.below(PARTS.len())] {
                None => self.check(dice),
                Some(write) => self.write(write, dice),
            };
            let path = written(&part);
            let is_taken = parts.iter().any(|other| written(other) == path);
            if !is_taken || path.is_some_and(|path| space::is_wild(path)) {
                parts.push(part);
            }
        }
        if dice.once_in(4) {
            let at = dice.below(parts.len() + 1);
            let path = self.any(dice);
            let version = 999;
            parts.insert(at, Request::Check { path, version });
        }
        Request::Multi(parts)
    }

    fn check(self, dice: &mut Dice<'_, '_>) -> Request {
        let path = self.target(dice, Wanted::Present);
        let version = self.version(dice, &path, |version, _| version);
        Request::Check { path, version }
    }

    fn create(self, dice: &mut Dice<'_, '_>) -> Request {
        let path = self.target(dice, Wanted::Creatable);
        let choice = dice.below(10);
        let data = Some(value(dice));
        let plain = if dice.once_in(2) {
            CreateOp::Create
        } else {
            CreateOp::Create2
        };
        let mut request = match choice {
            0..=4 if space::is_mortal(&path) => create(plain, path, data, flags::EPHEMERAL),
            5..=6 if space::is_mortal(&path) => {
                create(CreateOp::Container, path, data, flags::CONTAINER)
            }
            7..=8 if space::is_mortal(&path) => create(CreateOp::Ttl, path, data, flags::TTL),
            _ => create(plain, path, data, flags::PERSISTENT),
        };
        if let Request::Create {
            path,
            acl: own,
            flags: mode,
            ttl,
            ..
        } = &mut request
        {
            if *mode == flags::TTL {
                *ttl = lifetime(dice);
            }
            if dice.once_in(8) {
                *own = Some(acl(dice, path));
            }
        }
        request
    }

    fn sequential(self, dice: &mut Dice<'_, '_>) -> Request {
        let parent = self.directory(dice);
        let data = Some(value(dice));
        let parent = if &*parent == "/" { "" } else { &*parent };
        let lasting = space::sequential(parent, false);
        let mortal = space::sequential(parent, true);
        match dice.below(4) {
            0 | 1 => create(CreateOp::Create2, lasting, data, flags::SEQUENTIAL),
            2 => create(CreateOp::Create, mortal, data, flags::EPHEMERAL_SEQUENTIAL),
            _ => {
                let mut request = create(CreateOp::Ttl, mortal, data, flags::SEQUENTIAL_TTL);
                if let Request::Create { ttl, .. } = &mut request {
                    *ttl = lifetime(dice);
                }
                request
            }
        }
    }

    fn delete(self, dice: &mut Dice<'_, '_>) -> Request {
        let is_found = !self.knowledge.found().is_empty() && dice.once_in(2);
        if is_found && let Some(path) = dice.pick(self.knowledge.found()) {
            let version = -1;
            return Request::Delete { path, version };
        }
        let path = self.target(dice, Wanted::Present);
        let version = self.version(dice, &path, |version, _| version);
        Request::Delete { path, version }
    }
}

// Paths and versions.
impl Author<'_> {
    /// Any path; some are sequential ones.
    fn any(self, dice: &mut Dice<'_, '_>) -> Path {
        let found = self.knowledge.found();
        if dice.once_in(8)
            && let Some(path) = dice.pick(found)
        {
            return path;
        }
        dice.pick(self.knowledge.paths())
            .expect("the space is not empty")
    }

    /// The root, or a path with others below it.
    fn directory(self, dice: &mut Dice<'_, '_>) -> Path {
        if dice.once_in(12) {
            return "/".into();
        }
        let path = self.any(dice);
        match space::parent(&path) {
            Some(parent) if !space::is_parent(&path) => parent.into(),
            Some(_) | None => path,
        }
    }

    /// Mostly a path that is believed to be as wanted.
    fn target(self, dice: &mut Dice<'_, '_>, wanted: Wanted) -> Path {
        let any = self.any(dice);
        if dice.once_in(4) {
            return any;
        }
        let fitting: Vec<&Path> = match wanted {
            Wanted::Present => self.knowledge.present().collect(),
            Wanted::Creatable => self.knowledge.creatable().collect(),
        };
        dice.pick(&fitting).map_or(any, Path::clone)
    }

    /// -1, the version last seen, or the one before it.
    fn version(self, dice: &mut Dice<'_, '_>, path: &str, which: impl Fn(i32, i32) -> i32) -> i32 {
        let drawn = dice.below(8);
        match (self.knowledge.of(path), drawn) {
            (Some(Seen::Present { version, aversion }), 4..=6) => which(version, aversion),
            (Some(Seen::Present { version, aversion }), 7) => {
                // Version 0 has none before it, and -1 would mean any.
                match which(version, aversion) {
                    0 => 1,
                    version => version - 1,
                }
            }
            (Some(Seen::Present { .. } | Seen::Missing) | None, _) => -1,
        }
    }
}

/// Data that nobody else writes.
fn value(dice: &mut Dice<'_, '_>) -> Arc<[u8]> {
    let client = dice.hands.client().0;
    let text = format!("c{client}-{}-{}", dice.decision, dice.used);
    text.into_bytes().into()
}

fn create(op: CreateOp, path: Path, data: Data, mode: i32) -> Request {
    Request::Create {
        op,
        path,
        data,
        acl: Some(open_acl()),
        flags: mode,
        ttl: -1,
    }
}

/// A TTL, milliseconds.
fn lifetime(dice: &mut Dice<'_, '_>) -> i64 {
    100 + i64::try_from(dice.below(3_000)).expect("small")
}

/// The kind of a removeWatches or checkWatches (semantics.md §4.3).
fn watch_kind(dice: &mut Dice<'_, '_>) -> i32 {
    i32::try_from(1 + dice.below(5)).expect("small")
}

/// An ACL under which everybody may set another one; READ is withheld in the wild corner only.
fn acl(dice: &mut Dice<'_, '_>, path: &str) -> Acl {
    let entry = |perms, scheme: &str, id: &str| AclEntry {
        perms,
        scheme: scheme.into(),
        id: id.into(),
    };
    let world = |perms| entry(perms, "world", "anyone");
    let rest = if space::is_wild(path) && dice.once_in(2) {
        ADMIN
    } else {
        READ | ADMIN
    };
    let user = USERS[dice.below(USERS.len())].1;
    let withheld = 1 << dice.below(4);
    match dice.below(8) {
        0 => [world((ALL & !withheld) | rest)].into(),
        1 => [world(rest), entry(ALL, "digest", user)].into(),
        // Without an authenticated identity this is InvalidACL.
        2 => [entry(ALL, "auth", ""), world(rest)].into(),
        3 if dice.once_in(4) => [].into(),
        _ => open_acl(),
    }
}

/// The path that a part of a multi writes.
fn written(part: &Request) -> Option<&Path> {
    match part {
        Request::Create { path, .. }
        | Request::Delete { path, .. }
        | Request::DeleteContainer { path }
        | Request::SetData { path, .. }
        | Request::SetAcl { path, .. } => Some(path),
        Request::Exists { .. }
        | Request::GetData { .. }
        | Request::GetChildren { .. }
        | Request::GetAllChildrenNumber { .. }
        | Request::GetEphemerals { .. }
        | Request::GetAcl { .. }
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
