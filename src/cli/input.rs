//! Scenario files: reading them with overrides, and the command line that reads them again.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use super::output::Failure;
use crate::base::rng::Seed;
use crate::check::verdict::Property;
use crate::experiment::generate;
use crate::experiment::scenario::Scenario;

/// What `--set` does.
pub(super) const SET_HELP: &str =
    "Replace a field of the file, such as ensemble.voters=3 or plan.0.at_ms=500; may be repeated";

/// A scenario on the command line.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Source {
    /// The scenario file
    pub(super) file: PathBuf,
    /// Play this seed instead of the file's
    #[arg(long, value_name = "N")]
    pub(super) seed: Option<u64>,
    /// Replace a field of the file
    #[arg(long, value_name = "PATH=VALUE", help = SET_HELP)]
    pub(super) set: Vec<String>,
}

impl Source {
    /// The scenario, its faults generated.
    pub(super) fn load(&self) -> Result<Scenario, Failure> {
        let mut scenario = load(&self.file, &self.set)?;
        if let Some(seed) = self.seed {
            scenario.seed = Seed(seed);
        }
        Ok(generate::expand(&scenario))
    }

    /// Whether the file is played as it is, so that its expectation applies.
    pub(super) fn is_unchanged(&self) -> bool {
        self.seed.is_none() && self.set.is_empty()
    }

    /// The command that plays the same again.
    pub(super) fn replay_command(&self) -> String {
        let mut command = format!("zablab replay {}", shell(&self.file.to_string_lossy()));
        if let Some(seed) = self.seed {
            write!(command, " --seed {seed}").expect("a string takes any text");
        }
        for set in &self.set {
            write!(command, " --set {}", shell(set)).expect("a string takes any text");
        }
        command
    }
}

/// Scenario files, where a folder stands for those in it, in the order of their names.
pub(super) fn scenario_files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    for path in paths {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let fail = |error| Failure::File {
            path: path.to_string_lossy().into_owned(),
            error,
        };
        let mut inside = Vec::new();
        for entry in fs::read_dir(path).map_err(fail)? {
            inside.push(entry.map_err(fail)?.path());
        }
        inside.retain(|file| file.extension().is_some_and(|name| name == "json"));
        if inside.is_empty() {
            let what = format!(
                "{} has no scenario: expected .json files in it",
                path.display()
            );
            return Err(Failure::Usage(what));
        }
        inside.sort();
        files.append(&mut inside);
    }
    Ok(files)
}

/// Reads a scenario file; no more of it than a scenario may have.
pub(super) fn load(file: &Path, overrides: &[String]) -> Result<Scenario, Failure> {
    let name = file.to_string_lossy();
    let mut bytes = Vec::new();
    File::open(file)
        .and_then(|file| file.take(Scenario::bytes_to_read()).read_to_end(&mut bytes))
        .map_err(|error| Failure::File {
            path: name.clone().into_owned(),
            error,
        })?;
    Ok(Scenario::parse(&bytes, &name, overrides)?)
}

/// Reads the name of a property.
pub(super) fn property(name: &str) -> Result<Property, String> {
    let known = Property::ALL.map(Property::name).join(", ");
    Property::by_name(name)
        .ok_or_else(|| format!("there is no property of that name; there are {known}"))
}

/// A word as a shell takes it.
pub(super) fn shell(word: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./=:,+@".contains(letter);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_for_the_shell_where_needed() {
        assert_eq!(shell("a/b-1.json"), "a/b-1.json");
        assert_eq!(shell("my file"), "'my file'");
        assert_eq!(shell("it's"), r"'it'\''s'");
        assert_eq!(shell(""), "''");
    }
}
