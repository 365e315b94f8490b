//! What one operation tells of the znodes it touched: the state it needed before its zxid and the state it left.

use std::sync::Arc;

use crate::base::zxid::Zxid;
use crate::history::op::{CreateOp, Data, ErrorCode, Path, Request, Response, Stat, flags};

/// What is known of a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::check) enum Version {
    /// Nothing.
    Any,
    /// It is this one.
    Is(i32),
    /// It is not this one.
    Not(i32),
}

/// What is known of a znode at one place in the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::check) enum Know {
    /// Nothing.
    Nothing,
    /// It does not exist.
    Absent,
    /// It exists; `czxid` names its life.
    Present {
        czxid: Option<Zxid>,
        version: Version,
    },
}

impl Know {
    /// It exists, and no more is known.
    pub(in crate::check) const PRESENT: Self = Self::Present {
        czxid: None,
        version: Version::Any,
    };

    fn expecting(version: i32) -> Self {
        Self::Present {
            czxid: None,
            version: if version == -1 {
                Version::Any
            } else {
                Version::Is(version)
            },
        }
    }

    fn of(stat: &Stat) -> Self {
        Self::Present {
            czxid: Some(stat.czxid),
            version: Version::Is(stat.version),
        }
    }

    /// Both pieces of knowledge of one state; the first wins where they differ.
    pub(in crate::check) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Nothing, known) | (known, Self::Nothing) => known,
            (Self::Absent, _) | (_, Self::Absent) => self,
            (
                Self::Present { czxid, version },
                Self::Present {
                    czxid: more_czxid,
                    version: more_version,
                },
            ) => Self::Present {
                czxid: czxid.or(more_czxid),
                version: match (version, more_version) {
                    (Version::Is(_), _) => version,
                    (_, Version::Is(_)) => more_version,
                    (Version::Any, other) => other,
                    (Version::Not(_), _) => version,
                },
            },
        }
    }

    /// The state after one setData.
    pub(in crate::check) fn bumped(self) -> Self {
        match self {
            Self::Present {
                czxid,
                version: Version::Is(version),
            } => Self::Present {
                czxid,
                version: Version::Is(version.wrapping_add(1)),
            },
            Self::Present { czxid, .. } => Self::Present {
                czxid,
                version: Version::Any,
            },
            Self::Nothing | Self::Absent => Self::PRESENT,
        }
    }
}

/// What one transaction tells of one znode.
#[derive(Clone, Debug)]
pub(in crate::check) struct Effect {
    /// Which.
    pub path: Path,
    /// Needed before it.
    pub before: Know,
    /// Left after it.
    pub after: Know,
    /// Data left, if it set any.
    pub data: Option<Data>,
    /// Whether it changes the znode, or only observes it.
    pub change: bool,
}

impl Effect {
    /// Whether it may have changed the children of its parent.
    pub(in crate::check) fn touches_parent(&self, zxid: Zxid) -> bool {
        let born = match self.after {
            Know::Present { czxid, .. } => czxid == Some(zxid),
            Know::Nothing | Know::Absent => true,
        };
        self.change && (born || self.before == Know::Absent)
    }
}

/// How an operation inside a transaction came out.
#[derive(Clone, Copy)]
enum Outcome<'a> {
    /// It was done; the answer is known unless its reply was lost.
    Done(Option<&'a Response>),
    /// It passed its checks in a multi that was rolled back.
    Passed,
    /// It was refused.
    Refused(ErrorCode),
}

/// Whether an error means that the leader placed the write in the order and refused it there.
pub(in crate::check) fn is_placed(error: ErrorCode) -> bool {
    match error {
        ErrorCode::BadArguments
        | ErrorCode::NoNode
        | ErrorCode::NoAuth
        | ErrorCode::BadVersion
        | ErrorCode::NoChildrenForEphemerals
        | ErrorCode::NodeExists
        | ErrorCode::NotEmpty
        | ErrorCode::InvalidAcl
        | ErrorCode::QuotaExceeded => true,
        ErrorCode::Ok
        | ErrorCode::SystemError
        | ErrorCode::RuntimeInconsistency
        | ErrorCode::ConnectionLoss
        | ErrorCode::MarshallingError
        | ErrorCode::Unimplemented
        | ErrorCode::OperationTimeout
        | ErrorCode::UnknownSession
        | ErrorCode::SessionExpired
        | ErrorCode::AuthFailed
        | ErrorCode::SessionMoved
        | ErrorCode::NoWatcher => false,
    }
}

/// Whether an error leaves it open whether the write took effect (zab.md §16.2, "write linearizability").
pub(in crate::check) fn is_unknown(error: ErrorCode) -> bool {
    match error {
        ErrorCode::SystemError
        | ErrorCode::RuntimeInconsistency
        | ErrorCode::ConnectionLoss
        | ErrorCode::OperationTimeout
        | ErrorCode::UnknownSession
        | ErrorCode::SessionExpired
        | ErrorCode::SessionMoved => true,
        ErrorCode::Ok
        | ErrorCode::BadArguments
        | ErrorCode::NoNode
        | ErrorCode::NoAuth
        | ErrorCode::BadVersion
        | ErrorCode::NoChildrenForEphemerals
        | ErrorCode::NodeExists
        | ErrorCode::NotEmpty
        | ErrorCode::InvalidAcl
        | ErrorCode::QuotaExceeded
        | ErrorCode::MarshallingError
        | ErrorCode::Unimplemented
        | ErrorCode::AuthFailed
        | ErrorCode::NoWatcher => false,
    }
}

/// Whether a create appends a sequence number to its path.
pub(in crate::check) fn is_sequential(create_flags: i32) -> bool {
    matches!(
        create_flags,
        flags::SEQUENTIAL | flags::EPHEMERAL_SEQUENTIAL | flags::SEQUENTIAL_TTL
    )
}

/// Whether somebody else than a client's request may delete what a create makes: expiry or the reaper.
pub(in crate::check) fn is_mortal(op: CreateOp, create_flags: i32) -> bool {
    matches!(op, CreateOp::Container | CreateOp::Ttl)
        || matches!(
            create_flags,
            flags::EPHEMERAL | flags::EPHEMERAL_SEQUENTIAL | flags::CONTAINER
        )
}

/// The parent of a path, if it has one.
pub(in crate::check) fn parent(path: &str) -> Option<&str> {
    match path.rfind('/') {
        Some(0) if path.len() > 1 => Some("/"),
        Some(0) | None => None,
        Some(at) => Some(&path[..at]),
    }
}

/// A path and those above it, from the root downwards.
pub(super) fn ancestors(path: &str) -> impl Iterator<Item = &str> {
    let inner = path.match_indices('/').skip(1);
    let inner = inner.map(|(end, _)| &path[..end]);
    let whole = (path != "/").then_some(path);
    std::iter::once("/").chain(inner).chain(whole)
}

/// The path without a sequence suffix, if it could have one.
pub(in crate::check) fn sequence_prefix(path: &str) -> Option<&str> {
    const SUFFIX: usize = 10;
    let at = path.len().checked_sub(SUFFIX)?;
    let suffix = path.get(at..)?;
    suffix
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'-')
        .then(|| &path[..at])
}

/// The parts of a write: the operations of a multi, or the request alone.
pub(in crate::check) fn parts(request: &Request) -> &[Request] {
    match request {
        Request::Multi(parts) => parts,
        Request::Create { .. }
        | Request::Delete { .. }
        | Request::DeleteContainer { .. }
        | Request::SetData { .. }
        | Request::Exists { .. }
        | Request::GetData { .. }
        | Request::GetChildren { .. }
        | Request::GetAllChildrenNumber { .. }
        | Request::GetEphemerals { .. }
        | Request::GetAcl { .. }
        | Request::SetAcl { .. }
        | Request::Check { .. }
        | Request::Sync { .. }
        | Request::MultiRead(_)
        | Request::WhoAmI
        | Request::AddWatch { .. }
        | Request::CheckWatches { .. }
        | Request::RemoveWatches { .. }
        | Request::SetWatches(_)
        | Request::Auth { .. }
        | Request::CloseSession
        | Request::Raw { .. } => std::slice::from_ref(request),
    }
}

/// The answers to the parts of a write, in their order; none for those of a multi that failed.
pub(in crate::check) fn answers(response: &Response) -> impl Iterator<Item = &Response> {
    let parts: &[Result<Response, ErrorCode>] = if let Response::Multi(parts) = response {
        parts
    } else {
        &[]
    };
    let alone = (!matches!(response, Response::Multi(_))).then_some(response);
    let is_done = parts.iter().all(Result::is_ok);
    let parts = parts.iter().flatten().filter(move |_| is_done);
    alone.into_iter().chain(parts)
}

/// The znode that a create's answer names.
pub(in crate::check) fn named(response: &Response) -> Option<&Path> {
    if let Response::Path(path) | Response::PathStat(path, _) = response {
        Some(path)
    } else {
        None
    }
}

/// Everything a placed write tells, one effect a path.
pub(in crate::check) fn effects(
    request: &Request,
    result: Result<Option<&Response>, ErrorCode>,
    zxid: Zxid,
) -> Vec<Effect> {
    let mut effects = Vec::new();
    if let Request::Multi(parts) = request {
        let results = match result {
            Ok(Some(Response::Multi(results))) => Some(results),
            Ok(_) | Err(_) => None,
        };
        let failed =
            result.is_err() || results.is_some_and(|results| results.iter().any(Result::is_err));
        for (index, part) in parts.iter().enumerate() {
            let outcome = match results.and_then(|results| results.get(index)) {
                Some(Ok(response)) => Outcome::Done(Some(response)),
                Some(Err(ErrorCode::Ok)) => Outcome::Passed,
                Some(Err(error)) => Outcome::Refused(*error),
                None if failed => break,
                None => Outcome::Done(None),
            };
            add(&mut effects, part, outcome, zxid);
        }
        if failed {
            for effect in &mut effects {
                effect.after = effect.before;
                effect.data = None;
                effect.change = false;
            }
        }
    } else {
        let outcome = match result {
            Ok(response) => Outcome::Done(response),
            Err(error) => Outcome::Refused(error),
        };
        add(&mut effects, request, outcome, zxid);
    }
    effects.retain(|effect| effect.change || effect.before != Know::Nothing);
    effects
}

fn add(effects: &mut Vec<Effect>, part: &Request, outcome: Outcome<'_>, zxid: Zxid) {
    match part {
        Request::Create {
            path,
            data,
            flags: create_flags,
            ..
        } => {
            let known = created(path, *create_flags, outcome);
            add_create(effects, path, known, data, outcome, zxid);
        }
        Request::Delete { path, version } => {
            let before = match outcome {
                Outcome::Done(_) | Outcome::Passed => Know::expecting(*version),
                Outcome::Refused(error) => refused(error, *version),
            };
            let after = done(outcome).then_some(Know::Absent);
            note(effects, path, before, after, None);
        }
        Request::DeleteContainer { path } => {
            let before = match outcome {
                Outcome::Done(_) | Outcome::Passed | Outcome::Refused(ErrorCode::BadVersion) => {
                    Know::PRESENT
                }
                Outcome::Refused(error) => refused(error, -1),
            };
            let after = done(outcome).then_some(Know::Absent);
            note(effects, path, before, after, None);
        }
        Request::SetData {
            path,
            data,
            version,
        } => add_set(effects, path, data, *version, outcome),
        Request::SetAcl { path, .. } => {
            let before = match outcome {
                Outcome::Done(Some(Response::Stat(stat))) => Know::of(stat),
                Outcome::Done(_) | Outcome::Passed | Outcome::Refused(ErrorCode::BadVersion) => {
                    Know::PRESENT
                }
                Outcome::Refused(error) => refused(error, -1),
            };
            note(effects, path, before, None, None);
        }
        Request::Check { path, version } => {
            let before = match outcome {
                Outcome::Done(_) | Outcome::Passed => Know::expecting(*version),
                Outcome::Refused(error) => refused(error, *version),
            };
            note(effects, path, before, None, None);
        }
        Request::Exists { .. }
        | Request::GetData { .. }
        | Request::GetChildren { .. }
        | Request::GetAllChildrenNumber { .. }
        | Request::GetEphemerals { .. }
        | Request::GetAcl { .. }
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
        | Request::Raw { .. } => {}
    }
}

/// The full path that a create made or would have made, if it is known.
fn created(asked: &Path, create_flags: i32, outcome: Outcome<'_>) -> Option<Path> {
    match outcome {
        Outcome::Done(Some(Response::Path(path) | Response::PathStat(path, _))) => {
            Some(Arc::clone(path))
        }
        Outcome::Done(_) | Outcome::Passed | Outcome::Refused(_) => {
            (!is_sequential(create_flags)).then(|| Arc::clone(asked))
        }
    }
}

fn add_create(
    effects: &mut Vec<Effect>,
    asked: &Path,
    known: Option<Path>,
    data: &Data,
    outcome: Outcome<'_>,
    zxid: Zxid,
) {
    let above = match outcome {
        Outcome::Done(_)
        | Outcome::Passed
        | Outcome::Refused(ErrorCode::NoChildrenForEphemerals) => Know::PRESENT,
        Outcome::Refused(ErrorCode::NoNode) => Know::Absent,
        Outcome::Refused(_) => Know::Nothing,
    };
    if let Some(parent) = parent(asked)
        && parent != "/"
    {
        note(effects, &Path::from(parent), above, None, None);
    }
    let Some(path) = known else { return };
    let (before, after) = match outcome {
        Outcome::Done(_) => (
            Know::Absent,
            Some(Know::Present {
                czxid: Some(zxid),
                version: Version::Is(0),
            }),
        ),
        Outcome::Passed => (Know::Absent, Some(Know::PRESENT)),
        Outcome::Refused(ErrorCode::NodeExists) => (Know::PRESENT, None),
        Outcome::Refused(_) => (Know::Nothing, None),
    };
    note(effects, &path, before, after, Some(data));
}

fn add_set(
    effects: &mut Vec<Effect>,
    path: &Path,
    data: &Data,
    expected: i32,
    outcome: Outcome<'_>,
) {
    let before = match outcome {
        Outcome::Done(Some(Response::Stat(stat))) => Know::Present {
            czxid: Some(stat.czxid),
            version: Version::Is(stat.version.wrapping_sub(1)),
        },
        Outcome::Done(_) | Outcome::Passed => Know::expecting(expected),
        Outcome::Refused(error) => refused(error, expected),
    };
    let after = match outcome {
        Outcome::Done(_) | Outcome::Passed => {
            let inside = effects
                .iter()
                .find(|effect| effect.path == *path)
                .map_or(Know::Nothing, |effect| effect.after);
            Some(before.and(inside).bumped())
        }
        Outcome::Refused(_) => None,
    };
    note(effects, path, before, after, Some(data));
}

fn done(outcome: Outcome<'_>) -> bool {
    match outcome {
        Outcome::Done(_) | Outcome::Passed => true,
        Outcome::Refused(_) => false,
    }
}

/// What a refused conditional write shows of its znode (order of checks: semantics.md §2.1).
fn refused(error: ErrorCode, expected: i32) -> Know {
    match error {
        ErrorCode::NoNode => Know::Absent,
        ErrorCode::BadVersion => Know::Present {
            czxid: None,
            version: Version::Not(expected),
        },
        ErrorCode::NotEmpty => Know::expecting(expected),
        ErrorCode::Ok
        | ErrorCode::SystemError
        | ErrorCode::RuntimeInconsistency
        | ErrorCode::ConnectionLoss
        | ErrorCode::MarshallingError
        | ErrorCode::Unimplemented
        | ErrorCode::OperationTimeout
        | ErrorCode::BadArguments
        | ErrorCode::UnknownSession
        | ErrorCode::NoAuth
        | ErrorCode::NoChildrenForEphemerals
        | ErrorCode::NodeExists
        | ErrorCode::SessionExpired
        | ErrorCode::InvalidAcl
        | ErrorCode::AuthFailed
        | ErrorCode::SessionMoved
        | ErrorCode::NoWatcher
        | ErrorCode::QuotaExceeded => Know::Nothing,
    }
}

/// Adds one part's knowledge of a path to what earlier parts of the same transaction left there.
fn note(
    effects: &mut Vec<Effect>,
    path: &Path,
    before: Know,
    after: Option<Know>,
    data: Option<&Data>,
) {
    let change = after.is_some();
    if let Some(effect) = effects.iter_mut().find(|effect| effect.path == *path) {
        if !effect.change {
            effect.before = effect.before.and(before);
        }
        effect.after = after.unwrap_or_else(|| effect.after.and(before));
        if change {
            effect.data = data.cloned();
            effect.change = true;
        }
    } else {
        effects.push(Effect {
            path: Arc::clone(path),
            before,
            after: after.unwrap_or(before),
            data: if change { data.cloned() } else { None },
            change,
        });
    }
}

/// A znode that a reply shows, with its status, and its data where the reply has it.
pub(in crate::check) type Sight<'a> = (&'a Path, Stat, Option<&'a Data>);

/// The znodes a reply shows; a multi's own intermediate states are [`effects`].
pub(in crate::check) fn seen<'a>(
    request: &'a Request,
    response: &'a Response,
) -> impl Iterator<Item = Sight<'a>> {
    let (parts, results): (&[_], &[_]) = match (request, response) {
        (Request::MultiRead(parts), Response::Multi(results)) => (parts, results),
        _ => (&[], &[]),
    };
    let parts = parts.iter().zip(results);
    let parts = parts.filter_map(|(part, result)| sight(part, result.as_ref().ok()?));
    sight(request, response).into_iter().chain(parts)
}

/// What a reply to a request for one znode shows.
fn sight<'a>(request: &'a Request, response: &'a Response) -> Option<Sight<'a>> {
    match (request, response) {
        (Request::GetData { path, .. }, Response::Data(data, stat)) => {
            Some((path, **stat, Some(data)))
        }
        (Request::Exists { path, .. } | Request::SetAcl { path, .. }, Response::Stat(stat))
        | (Request::GetChildren { path, .. }, Response::Children(_, Some(stat)))
        | (Request::GetAcl { path }, Response::Acl(_, stat)) => Some((path, **stat, None)),
        _ => None,
    }
}
