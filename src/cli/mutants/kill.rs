//! `zablab mutants kill`: measures the kill matrix.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::super::input;
use super::super::output::{self, Failure, Status};
use super::super::progress::{self, Progress};
use super::super::sweep;
use crate::base::digest::Digest;
use crate::experiment::kill::{Row, measure};
use crate::experiment::scenario::Scenario;
use crate::experiment::shrink::Size;
use crate::mutant::table::Defect;
use crate::report::kill::{Matrix, markdown, svg};

/// Measure which property catches which defect, and in how many seeds
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  zablab mutants kill --seeds 50 --layer watch
  zablab mutants kill --seeds 200 --out reports --jobs 2

Each defect is played with N seeds of its family; one that they do not show, with K times as many. With --out DIR the matrix is written to DIR/kill-matrix.md, .json and .svg;
what is measured is kept in DIR/kill-matrix.partial.jsonl until all is done, so that an interrupted measurement goes on where
it was. The results do not depend on --jobs.

Exit codes: 0 every defect was caught by its property and no control was flagged; 1 otherwise; 2 wrong usage; 3 stopped before
the end.

--json prints one object: version, seeds, mutants and controls [{id, layer, kind, breaks, family, guidance, shrunk, runs, flagged,
panicked, search {campaigns, median, low, high}, virtual_ms, cells {property: {runs, earliest, alone, first_seed}}}], properties [{name,
kills, earliest, only}].")]
pub(super) struct Args {
    /// How many seeds per defect
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    seeds: u64,
    /// Play so many times as many seeds of a defect that the first ones did not show
    #[arg(long, value_name = "K", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=1000))]
    stretch: u64,
    #[command(flatten)]
    choice: super::Choice,
    /// How many runs at a time; default as many as the machine has processors
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    jobs: Option<u16>,
    /// Write the matrix there
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Where the scenario files are
    #[arg(long, value_name = "DIR", default_value = "scenarios")]
    scenarios: PathBuf,
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> Result<Status, Failure> {
    let stop = progress::stop_when_interrupted()?;
    let mut notes = Notes::open(args.out.as_deref())?;
    let mut progress = Progress::start();
    let mut rows = Vec::new();
    for defect in args.choice.defects() {
        let family = super::family(defect, &args.scenarios)?;
        let key = key(&family, args);
        let mut tell = |done| progress.show(|| format!("{}: {done} seeds", defect.id));
        let row = notes.known(defect.id, &key).or_else(|| {
            let (breaks, jobs) = (defect.kind.breaks(), sweep::jobs(args.jobs));
            let mut play =
                |seeds| measure(defect.id, breaks, &family, 0..seeds, jobs, &stop, &mut tell);
            let row = play(args.seeds)?;
            let is_missed = breaks.is_some() && row.search.is_none();
            if is_missed && args.stretch > 1 {
                play(args.seeds * args.stretch)
            } else {
                Some(row)
            }
        });
        let Some(row) = row else {
            return stopped(&progress, out);
        };
        notes.note(key, &row)?;
        rows.push((defect, row, size(defect, &args.scenarios)?));
    }
    progress.clear();
    let matrix = Matrix::new(args.seeds, rows);
    if let Some(folder) = &args.out {
        output::replace(&folder.join("kill-matrix.json"), output::pretty(&matrix))?;
        output::replace(&folder.join("kill-matrix.md"), markdown(&matrix))?;
        output::replace(&folder.join("kill-matrix.svg"), svg(&matrix))?;
    }
    notes.remove()?;
    report(args, &matrix, out)
}

fn stopped(progress: &Progress, out: &mut dyn Write) -> Result<Status, Failure> {
    progress.clear();
    writeln!(
        out,
        "stopped; the same command goes on where it was if it has --out"
    )?;
    Ok(Status::Undecided)
}

fn report(args: &Args, matrix: &Matrix, out: &mut dyn Write) -> Result<Status, Failure> {
    let wrong = matrix.wrong();
    if args.json {
        output::json(out, matrix)?;
    } else {
        write!(out, "{}", markdown(matrix))?;
        for line in &wrong {
            writeln!(out, "wrong: {line}")?;
        }
    }
    Ok(if wrong.is_empty() {
        Status::Good
    } else {
        Status::Bad
    })
}

/// The size of the scenario that shows a defect, if it is there.
fn size(defect: &Defect, scenarios: &Path) -> Result<Option<Size>, Failure> {
    let file = scenarios.join("zoo").join(format!("{}.json", defect.id));
    if !file.is_file() {
        return Ok(None);
    }
    Ok(Some(Size::of(&input::load(&file, &[])?)))
}

/// What a measurement depends on.
fn key(family: &Scenario, args: &Args) -> String {
    let (version, seeds, stretch) = (env!("CARGO_PKG_VERSION"), args.seeds, args.stretch);
    format!(
        "{version} {seeds} {stretch} {:016x}",
        Digest::of(&family.to_string())
    )
}

/// Rows that are measured, kept in a file until all are.
struct Notes {
    file: Option<(PathBuf, File)>,
    known: Vec<Note>,
}

#[derive(Serialize, Deserialize)]
struct Note {
    key: String,
    row: Row,
}

impl Notes {
    fn open(folder: Option<&Path>) -> Result<Self, Failure> {
        let Some(folder) = folder else {
            return Ok(Self {
                file: None,
                known: Vec::new(),
            });
        };
        std::fs::create_dir_all(folder).map_err(|error| output::file_failure(folder, error))?;
        let path = folder.join("kill-matrix.partial.jsonl");
        let failure = |error| output::file_failure(&path, error);
        let mut options = OpenOptions::new();
        let file = options
            .create(true)
            .append(true)
            .read(true)
            .open(&path)
            .map_err(failure)?;
        let mut known = Vec::new();
        for line in BufReader::new(&file).lines() {
            // A torn last line is measured anew.
            if let Ok(note) = serde_json::from_str(&line.map_err(failure)?) {
                known.push(note);
            }
        }
        Ok(Self {
            file: Some((path, file)),
            known,
        })
    }

    fn known(&self, id: &str, key: &str) -> Option<Row> {
        let mut notes = self.known.iter();
        let note = notes.find(|note| note.row.id == id && note.key == key)?;
        Some(note.row.clone())
    }

    fn note(&mut self, key: String, row: &Row) -> Result<(), Failure> {
        let Some((path, file)) = &mut self.file else {
            return Ok(());
        };
        if self
            .known
            .iter()
            .any(|note| note.key == key && note.row == *row)
        {
            return Ok(());
        }
        let note = Note {
            key,
            row: row.clone(),
        };
        let text = serde_json::to_string(&note).expect("notes have string keys only");
        // The line break comes first, so that a torn line spoils nothing but itself.
        file.write_all(format!("\n{text}\n").as_bytes())
            .map_err(|error| output::file_failure(path, error))
    }

    fn remove(self) -> Result<(), Failure> {
        match self.file {
            Some((path, _)) => {
                std::fs::remove_file(&path).map_err(|error| output::file_failure(&path, error))
            }
            None => Ok(()),
        }
    }
}
