//! What a client believes of the tree: the last thing each reply showed of a path, and the sequential znodes it met.

use std::collections::BTreeMap;

use super::space;
use crate::history::op::{ErrorCode, EventKind, Path, Request, Response, Stat, WatchEvent};

/// What the last reply about a path showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// It was not there.
    Missing,
    /// It had these versions.
    Present {
        /// Of its data.
        version: i32,
        /// Of its ACL.
        aversion: i32,
    },
}

/// Beliefs; they go stale, which is what makes conditional operations fail.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Knowledge {
    seen: BTreeMap<Path, Seen>,
    /// Sequential znodes that were there.
    found: Vec<Path>,
}

/// Sequential znodes remembered at most.
const FOUND: usize = 16;

impl Knowledge {
    /// What is believed of a path.
    pub(super) fn of(&self, path: &str) -> Option<Seen> {
        self.seen.get(path).copied()
    }

    /// Paths believed to be there.
    pub(super) fn present(&self) -> impl Iterator<Item = &Path> {
        let is_present = |(_, seen): &(&Path, &Seen)| **seen != Seen::Missing;
        let present = self.seen.iter().filter(is_present);
        present.map(|(path, _)| path)
    }

    /// Sequential znodes that may still be there.
    pub(super) fn found(&self) -> &[Path] {
        &self.found
    }

    /// Remembers what a reply showed.
    pub(super) fn learn(&mut self, request: &Request, result: Result<&Response, &ErrorCode>) {
        if let (Request::Multi(parts) | Request::MultiRead(parts), Ok(Response::Multi(results))) =
            (request, result)
        {
            for (part, result) in parts.iter().zip(results) {
                self.learn(part, result.as_ref());
            }
        }
        if let (Request::GetChildren { path, .. }, Ok(Response::Children(names, _))) =
            (request, result)
        {
            for name in names.iter().filter(|name| space::is_sequential(name)) {
                self.find(format!("{path}/{name}").into());
            }
        }
        let Some(path) = subject(request) else {
            return;
        };
        match result {
            Ok(Response::PathStat(made, stat)) => self.meet(made, stat),
            Ok(Response::Path(made)) => self.meet(made, &Stat::default()),
            Ok(
                Response::Stat(stat)
                | Response::Data(_, stat)
                | Response::Children(_, Some(stat))
                | Response::Acl(_, stat),
            ) => self.meet(path, stat),
            Ok(Response::Empty) if is_delete(request) => self.miss(path),
            Err(ErrorCode::NoNode) => match (request, space::parent(path)) {
                (Request::Create { .. }, Some(parent)) => self.miss(&Path::from(parent)),
                _ => self.miss(path),
            },
            Err(ErrorCode::Ok | ErrorCode::RuntimeInconsistency) | Ok(_) => {}
            Err(_) => self.forget(path),
        }
    }

    /// A request that may have happened leaves nothing certain.
    pub(super) fn doubt(&mut self, request: &Request) {
        if let Request::Multi(parts) = request {
            for part in parts {
                self.doubt(part);
            }
        }
        if request.is_write()
            && let Some(path) = subject(request)
        {
            self.forget(path);
        }
    }

    /// An event tells that something is not as it was.
    pub(super) fn on_event(&mut self, event: &WatchEvent) {
        match event.kind {
            EventKind::Deleted => self.miss(&event.path),
            EventKind::Created | EventKind::DataChanged => self.forget(&event.path),
            EventKind::ChildrenChanged => {}
        }
    }

    fn meet(&mut self, path: &Path, stat: &Stat) {
        let name = path.rsplit('/').next().unwrap_or_default();
        if space::is_sequential(name) {
            self.find(path.clone());
        } else {
            let seen = Seen::Present {
                version: stat.version,
                aversion: stat.aversion,
            };
            self.seen.insert(path.clone(), seen);
        }
    }

    fn find(&mut self, path: Path) {
        if self.found.len() < FOUND && !self.found.contains(&path) {
            self.found.push(path);
        }
    }

    fn miss(&mut self, path: &Path) {
        let before = self.found.len();
        self.found.retain(|other| other != path);
        if self.found.len() == before {
            self.seen.insert(path.clone(), Seen::Missing);
        }
    }

    fn forget(&mut self, path: &Path) {
        self.seen.remove(path);
    }
}

fn is_delete(request: &Request) -> bool {
    matches!(
        request,
        Request::Delete { .. } | Request::DeleteContainer { .. }
    )
}

/// The znode whose existence or status a reply to this request shows.
fn subject(request: &Request) -> Option<&Path> {
    match request {
        Request::Create { path, .. }
        | Request::Delete { path, .. }
        | Request::DeleteContainer { path }
        | Request::SetData { path, .. }
        | Request::Exists { path, .. }
        | Request::GetData { path, .. }
        | Request::GetChildren { path, .. }
        | Request::GetAcl { path }
        | Request::SetAcl { path, .. }
        | Request::Check { path, .. } => Some(path),
        Request::GetAllChildrenNumber { .. }
        | Request::GetEphemerals { .. }
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
