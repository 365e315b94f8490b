//! `lab.json` in a solution's folder: which exercise it solves, and how it is built and started.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::{Deserialize, Serialize};

use super::child::Child;
use crate::cli::output::{self, Failure};
use crate::lab::course::{LABS, Lab};
use crate::lab::grade::Starts;
use crate::lab::solution::{Answers, Fault};

/// The manifest's name.
pub(super) const NAME: &str = "lab.json";

/// The largest manifest that is read.
const MOST_BYTES: u64 = 1 << 16;

/// What a solution's folder says of itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    /// The exercise.
    pub(super) lab: String,
    /// What builds the solution, in its folder; empty = nothing.
    #[serde(default)]
    pub(super) build: Vec<String>,
    /// What starts it, in its folder.
    pub(super) run: Vec<String>,
}

/// A solution in its folder.
pub(super) struct Submission {
    dir: PathBuf,
    manifest: Manifest,
    /// The exercise.
    pub(super) lab: &'static Lab,
    /// Whether what it says on its standard error is shown.
    is_loud: bool,
}

impl Submission {
    /// Reads the manifest of a folder.
    pub(super) fn open(dir: &Path, is_loud: bool) -> Result<Self, Failure> {
        let file = dir.join(NAME);
        let mut text = String::new();
        std::fs::File::open(&file)
            .and_then(|file| file.take(MOST_BYTES).read_to_string(&mut text))
            .map_err(|error| output::file_failure(&file, error))?;
        let wrong = |what: String| Failure::Usage(format!("{}: {what}", file.display()));
        let manifest: Manifest =
            serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
        let lab = Lab::find(&manifest.lab).ok_or_else(|| wrong(unknown(&manifest.lab)))?;
        if manifest.run.is_empty() {
            return Err(wrong("\"run\" names no program".to_owned()));
        }
        Ok(Self {
            dir: dir.to_owned(),
            manifest,
            lab,
            is_loud,
        })
    }

    /// The folder's own name: whose solution it is.
    pub(super) fn student(&self) -> String {
        let path = self.dir.canonicalize().unwrap_or_else(|_| self.dir.clone());
        path.file_name().map_or_else(
            || "solution".to_owned(),
            |name| name.to_string_lossy().into_owned(),
        )
    }

    /// Whether it is one that is built.
    pub(super) fn is_built(&self) -> bool {
        !self.manifest.build.is_empty()
    }

    /// Builds it, if it is one that is built.
    ///
    /// # Errors
    /// What the compiler said.
    pub(super) fn build(&self) -> Result<(), Fault> {
        let Some((program, arguments)) = self.manifest.build.split_first() else {
            return Ok(());
        };
        let built = Command::new(program)
            .args(arguments)
            .current_dir(&self.dir)
            .stdin(Stdio::null())
            .output()
            .map_err(|error| Fault(format!("cannot run {program}: {error}")))?;
        if built.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&built.stderr);
        let tail: Vec<&str> = said.lines().rev().take(40).collect();
        let tail: Vec<&str> = tail.into_iter().rev().collect();
        Err(Fault(format!(
            "it does not build: {}",
            tail.join("\n      ")
        )))
    }
}

impl Starts for Submission {
    fn start(&self, nth: u32) -> Result<Box<dyn Answers>, Fault> {
        Child::start(&self.dir, &self.manifest.run, nth, self.is_loud)
            .map(|child| Box::new(child) as Box<dyn Answers>)
    }
}

/// There is no exercise of that name.
pub(super) fn unknown(name: &str) -> String {
    let known: Vec<&str> = LABS.iter().map(|lab| lab.id).collect();
    format!(
        "there is no lab \"{name}\" to build; there are {}",
        known.join(", ")
    )
}
