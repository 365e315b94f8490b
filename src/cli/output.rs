//! Exit codes, failures and the ways to say them.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde::Serialize;

use crate::check::verdict::Verdict;
use crate::experiment::conform::Malformed;
use crate::experiment::scenario::ScenarioError;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    /// All holds, or as expected.
    Good,
    /// A violation, or not as expected.
    Bad,
    /// Wrong usage or malformed input.
    Usage,
    /// A budget was hit.
    Undecided,
    /// A replay differs from what it replays.
    Diverged,
}

impl Status {
    /// Its exit code (design.md §6).
    pub(super) fn code(self) -> ExitCode {
        ExitCode::from(match self {
            Self::Good => 0,
            Self::Bad => 1,
            Self::Usage => 2,
            Self::Undecided => 3,
            Self::Diverged => 4,
        })
    }

    /// What a verdict without an expectation means.
    pub(super) fn of(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Holds | Verdict::Vacuous | Verdict::Excused => Self::Good,
            Verdict::Violated => Self::Bad,
            Verdict::Undecided => Self::Undecided,
        }
    }
}

/// Why a command could not do its work.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// A scenario that cannot be played.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// A recorded script that cannot be played.
    #[error(transparent)]
    Script(#[from] Malformed),
    /// A file that cannot be read or written.
    #[error("{path}: {error}{}", advice(path, error.kind()))]
    File {
        /// Which.
        path: String,
        /// Why.
        error: io::Error,
    },
    /// The result could not be written.
    #[error("cannot write the result: {0}")]
    Write(#[from] io::Error),
    /// Arguments that clap cannot check.
    #[error("{0}")]
    Usage(String),
}

/// What was expected of a file, and what to try.
fn advice(path: &str, kind: io::ErrorKind) -> &'static str {
    let is_course = path.starts_with("scenarios/");
    if kind == io::ErrorKind::NotFound && is_course {
        "; it is part of a checkout of zablab: change to its folder and try again"
    } else if kind == io::ErrorKind::NotFound && path.ends_with("lab.json") {
        "; expected a folder that zablab course new has made"
    } else if kind == io::ErrorKind::NotFound {
        "; check the path, and that the folder is there"
    } else if kind == io::ErrorKind::AlreadyExists {
        "; expected a folder, or a name that is free: choose another"
    } else if kind == io::ErrorKind::IsADirectory {
        "; expected a file"
    } else if kind == io::ErrorKind::NotADirectory {
        "; expected folders on the way, and one of them is a file"
    } else if kind == io::ErrorKind::PermissionDenied {
        "; expected a place that you may read and write: choose another, or change its permissions"
    } else {
        ""
    }
}

/// Tells a failure, in one line.
pub(super) fn complain(failure: &Failure) {
    // A terminal that is gone cannot be told.
    let _ = writeln!(io::stderr(), "error: {failure}");
}

/// Prints one JSON object.
pub(super) fn json(out: &mut dyn Write, object: &impl Serialize) -> Result<(), Failure> {
    out.write_all(pretty(object).as_bytes())?;
    Ok(())
}

/// One JSON object as lines of text.
pub(super) fn pretty(object: &impl Serialize) -> String {
    let mut text = serde_json::to_string_pretty(object).expect("reports have string keys only");
    text.push('\n');
    text
}

/// A file that cannot be read or written.
pub(super) fn file_failure(path: &Path, error: io::Error) -> Failure {
    Failure::File {
        path: path.to_string_lossy().into_owned(),
        error,
    }
}

/// Makes a folder with those above it, unless it is there.
pub(super) fn create_folder(path: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(path).map_err(|error| file_failure(path, error))
}

/// Refuses a place that cannot be written to before the work whose result is to go there; what is there stays.
pub(super) fn expect_place(path: &Path) -> Result<(), Failure> {
    if path.is_dir() {
        let error = io::Error::from(io::ErrorKind::IsADirectory);
        return Err(file_failure(path, error));
    }
    let draft = draft(path);
    std::fs::write(&draft, "")
        .and_then(|()| std::fs::remove_file(&draft))
        .map_err(|error| file_failure(path, error))
}

/// Where a file is written before it is whole.
fn draft(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    path.with_file_name(name)
}

/// Writes a file beside its place and moves it there, so that no file is ever half written.
pub(super) fn replace(path: &Path, content: impl AsRef<[u8]>) -> Result<(), Failure> {
    let draft = draft(path);
    std::fs::write(&draft, content)
        .and_then(|()| std::fs::rename(&draft, path))
        .map_err(|error| file_failure(path, error))
}
