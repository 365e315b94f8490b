//! What a client believes of the tree: the last thing each reply showed of a path, and the sequential znodes it met.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::space::{self, Space};
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Knowledge {
    space: Arc<Space>,
    seen: BTreeMap<Path, Seen>,
    /// The same of the paths of the space, by their places: every create asks about all of them.
    spots: Vec<Option<Seen>>,
    /// Sequential znodes that were there.
    found: Vec<Path>,
}

/// Sequential znodes remembered at most.
const FOUND: usize = 16;

impl Knowledge {
    /// Nothing is believed yet of the paths below so many tops.
    pub(super) fn new(tops: u16) -> Self {
        let space = Space::new(tops);
        Self {
            seen: BTreeMap::new(),
            spots: vec![None; space.paths().len()],
            space: Arc::new(space),
            found: Vec::new(),
        }
    }

    /// The fixed paths.
    pub(super) fn paths(&self) -> &[Path] {
        self.space.paths()
    }

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

    /// Fixed paths that are not believed to be there, as their parents may be.
    pub(super) fn creatable(&self) -> impl Iterator<Item = &Path> {
        let is_missing = |place: &usize| self.spots[*place] == Some(Seen::Missing);
        let spots = self.spots.iter().zip(self.space.parents());
        let fits = spots.map(move |(seen, parent)| {
            let is_present = matches!(seen, Some(Seen::Present { .. }));
            !is_present && !parent.as_ref().is_some_and(is_missing)
        });
        let paths = self.paths().iter().zip(fits);
        paths.filter(|(_, fits)| *fits).map(|(path, _)| path)
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
            self.believe(path, Some(seen));
        }
    }

    fn believe(&mut self, path: &Path, seen: Option<Seen>) {
        if let Some(place) = self.space.place(path) {
            self.spots[place] = seen;
        }
        match seen {
            Some(seen) => self.seen.insert(path.clone(), seen),
            None => self.seen.remove(path),
        };
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
            self.believe(path, Some(Seen::Missing));
        }
    }

    fn forget(&mut self, path: &Path) {
        self.believe(path, None);
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
