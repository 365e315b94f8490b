//! The folder of a campaign: a journal of runs, and a scenario file per failure.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::cli::output::{self, Failure};
use crate::experiment::campaign::{Campaign, Header, Journal, Ledger, Line, Tally};
use crate::experiment::scenario::Scenario;

pub(in crate::cli) const JOURNAL: &str = "journal.jsonl";

/// An open folder; nobody else sweeps into it meanwhile.
pub(super) struct Folder {
    path: PathBuf,
    journal: File,
}

impl Folder {
    /// Opens the folder, and hands the runs that were played before over to the ledger.
    pub(super) fn open(
        path: &Path,
        campaign: &Campaign,
        ledger: &mut Ledger,
    ) -> Result<Self, Failure> {
        output::create_folder(path)?;
        let name = path.join(JOURNAL);
        let journal = OpenOptions::new()
            .create(true)
            .append(true)
            .read(true)
            .open(&name)
            .map_err(|error| output::file_failure(&name, error))?;
        match journal.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let what = format!(
                    "{}: another sweep is writing there; give another --out",
                    path.display()
                );
                return Err(Failure::Usage(what));
            }
            Err(TryLockError::Error(error)) => return Err(output::file_failure(&name, error)),
        }
        let mut folder = Self {
            path: path.to_owned(),
            journal,
        };
        match read(&name)? {
            None => {
                // A torn header is all there is, or nothing.
                folder.cut(0)?;
                folder.write(&campaign.header())?;
            }
            Some(journal) => {
                let whole = journal.whole;
                // A journal of something else is left as it is, to its last byte.
                journal
                    .resume(campaign, ledger)
                    .map_err(|error| journal_failure(&name, &error))?;
                folder.cut(whole)?;
            }
        }
        Ok(folder)
    }

    /// Takes a torn last line away.
    fn cut(&mut self, whole: usize) -> Result<(), Failure> {
        self.journal
            .set_len(whole as u64)
            .map_err(|error| self.failure(error))
    }

    fn failure(&self, error: io::Error) -> Failure {
        output::file_failure(&self.path.join(JOURNAL), error)
    }

    /// Saves a failure; returns the name of its file in the folder.
    pub(super) fn save(&self, scenario: &Scenario) -> Result<String, Failure> {
        let file = format!("{}.json", scenario.name);
        output::replace(&self.path.join(&file), scenario.to_string())?;
        Ok(file)
    }

    /// Notes that a run was played.
    pub(super) fn note(&mut self, line: &Line) -> Result<(), Failure> {
        self.write(line)
    }

    /// A line goes out in one piece, so that whoever is killed leaves at most one torn line, the last.
    fn write(&mut self, line: &impl serde::Serialize) -> Result<(), Failure> {
        let mut text = serde_json::to_string(line).expect("lines have string keys only");
        text.push('\n');
        self.journal
            .write_all(text.as_bytes())
            .map_err(|error| self.failure(error))
    }
}

fn read(name: &Path) -> Result<Option<Journal>, Failure> {
    let text = fs::read(name).map_err(|error| output::file_failure(name, error))?;
    Journal::read(&text).map_err(|error| journal_failure(name, &error))
}

fn journal_failure(name: &Path, error: &impl std::fmt::Display) -> Failure {
    Failure::Usage(format!("{}: {error}", name.display()))
}

/// The campaigns of several folders as one.
pub(in crate::cli) struct Merged {
    pub(in crate::cli) header: Header,
    pub(in crate::cli) tally: Tally,
    pub(super) planned: u64,
    pub(super) names: Vec<String>,
}

/// Sums up shards of one campaign. What some of them have not played is missing from the sum; what two of them played
/// must have come out the same.
pub(in crate::cli) fn merge(folders: &[PathBuf]) -> Result<Merged, Failure> {
    let mut first: Option<Header> = None;
    let mut runs: BTreeMap<(usize, u64), Line> = BTreeMap::new();
    for (index, folder) in folders.iter().enumerate() {
        let name = folder.join(JOURNAL);
        let journal = read(&name)?
            .ok_or_else(|| Failure::Usage(format!("{}: the journal is empty", name.display())))?;
        let header = first.get_or_insert_with(|| journal.header.clone());
        if let Some(what) = header.difference(&journal.header) {
            let folders = (folders[0].display(), folder.display());
            let what = format!(
                "{} and {} are of different campaigns: {what} differ",
                folders.0, folders.1
            );
            return Err(Failure::Usage(what));
        }
        let lines = journal
            .into_lines()
            .map_err(|error| journal_failure(&name, &error))?;
        for mut line in lines {
            // A file is named from where the sum is told.
            if let Some(file) = line
                .failure
                .as_mut()
                .and_then(|failure| failure.file.as_mut())
            {
                *file = super::path_of(&folders[index], file);
            }
            let run = (line.scenario, line.seed);
            let digest = line.digest.clone();
            if let Some(other) = runs.insert(run, line)
                && other.digest != digest
            {
                let what = format!(
                    "{}: seed {} came out differently than in another folder",
                    name.display(),
                    run.1
                );
                return Err(Failure::Usage(what));
            }
        }
    }
    let header = first.expect("clap asks for a folder");
    let planned = header.runs();
    let mut ledger = Ledger::new(None);
    for (place, line) in runs.into_values().enumerate() {
        ledger.take(place as u64, line);
    }
    let names = header
        .scenarios
        .iter()
        .map(|scenario| scenario.name.clone())
        .collect();
    Ok(Merged {
        header,
        tally: ledger.close(),
        planned,
        names,
    })
}
