//! The paths of the program: under each top three levels, ephemeral and lasting names apart.

use crate::history::op::Path;

/// What may lie under a top, itself included.
const BELOW: [&str; 6] = ["", "/a", "/e", "/a/a", "/a/e", "/e/a"];

/// The fixed paths; sequential ones come and go besides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Space {
    paths: Vec<Path>,
    /// Of each path the place of its parent, if that is not the root.
    parents: Vec<Option<usize>>,
}

impl Space {
    /// The paths below `tops` tops.
    pub(super) fn new(tops: u16) -> Self {
        let path = |top: u16| {
            BELOW
                .iter()
                .map(move |rest| format!("/z{top}{rest}").into())
        };
        let wild = BELOW.iter().map(|rest| format!("{WILD}{rest}").into());
        let paths: Vec<Path> = (1..tops).flat_map(path).chain(wild).collect();
        let place = |path: &str| paths.iter().position(|other| **other == *path);
        let parents = paths.iter().map(|path| place(parent(path)?)).collect();
        Self { paths, parents }
    }

    /// All of them.
    pub(super) fn paths(&self) -> &[Path] {
        &self.paths
    }

    /// Of each path the place of its parent, if that is not the root.
    pub(super) fn parents(&self) -> &[Option<usize>] {
        &self.parents
    }

    /// Where a path is.
    pub(super) fn place(&self, path: &str) -> Option<usize> {
        self.paths.iter().position(|other| **other == *path)
    }
}

/// The top under which READ may be withheld and a transaction may touch a path more than once.
const WILD: &str = "/w";

/// Whether a path lies in the corner where everything goes.
pub(super) fn is_wild(path: &str) -> bool {
    path.starts_with(WILD)
}

/// Whether a path may be an ephemeral, a container or mortal by its TTL.
pub(super) fn is_mortal(path: &str) -> bool {
    path.ends_with("/e")
}

/// Whether others may lie below a path.
pub(super) fn is_parent(path: &str) -> bool {
    path.rsplit('/').next().is_none_or(|name| name.len() <= 2) && path.matches('/').count() < 3
}

/// The prefix of sequential znodes under a parent: lasting ones, or others.
pub(super) fn sequential(parent: &str, mortal: bool) -> Path {
    format!("{parent}/{}", if mortal { "s" } else { "q" }).into()
}

/// Whether a name has a sequence suffix.
pub(super) fn is_sequential(name: &str) -> bool {
    name.len() == 11 && (name.starts_with('q') || name.starts_with('s'))
}

/// The parent of a path of this space.
pub(super) fn parent(path: &str) -> Option<&str> {
    match path.rsplit_once('/') {
        Some((parent, _)) if !parent.is_empty() => Some(parent),
        Some(_) | None => None,
    }
}
