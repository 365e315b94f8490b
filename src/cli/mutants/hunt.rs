//! `zablab mutants hunt`: finds a defect in its family, shrinks what shows it, and writes it to the zoo.

use std::io::Write;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use super::super::output::{self, Failure, Status};
use super::super::progress::{self, Progress};
use super::super::sweep;
use crate::experiment::hunt::{self, Quarry};
use crate::experiment::shrink::Budget;
use crate::mutant::table::Defect;
use crate::report::shrink as words;

/// Find defects in their families, shrink what shows them, and write it to the zoo
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  zablab mutants hunt half-quorum
  zablab mutants hunt --layer watch --seeds 0..20000 --jobs 2

Seeds of the defect's family are played in order until --tries of them break the defect's property; each is shrunk, and the
smallest scenario that shows the violation, and holds without the defect, is written to zoo/<id>.json below the scenarios.

Exit codes: 0 every defect was found; 1 some were not; 2 wrong usage.")]
pub(super) struct Args {
    #[command(flatten)]
    choice: super::Choice,
    /// Only those that have no scenario yet
    #[arg(long)]
    missing: bool,
    /// The seeds A..B, B not included
    #[arg(long, value_name = "A..B", value_parser = sweep::seeds, default_value = "0..5000")]
    seeds: Range<u64>,
    /// How many failing seeds are shrunk
    #[arg(long, value_name = "N", default_value_t = 3)]
    tries: usize,
    /// How many runs a shrink may take
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..))]
    runs: u64,
    /// How many runs at a time; default as many as the machine has processors
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    jobs: Option<u16>,
    /// Where the scenario files are
    #[arg(long, value_name = "DIR", default_value = "scenarios")]
    scenarios: PathBuf,
}

impl Args {
    fn chosen(&self) -> impl Iterator<Item = &'static Defect> {
        let is_wanted = |defect: &&Defect| !(self.missing && self.file(defect).is_file());
        self.choice.defects().filter(is_wanted)
    }

    fn file(&self, defect: &Defect) -> PathBuf {
        self.scenarios
            .join("zoo")
            .join(format!("{}.json", defect.id))
    }
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> Result<Status, Failure> {
    let stop = progress::stop_when_interrupted()?;
    let mut status = Status::Good;
    for defect in args.chosen() {
        if stop.load(Ordering::Relaxed) {
            return Ok(Status::Bad);
        }
        if !chase(args, defect, &stop, out)? {
            status = Status::Bad;
        }
        out.flush()?;
    }
    Ok(status)
}

/// Hunts one defect; whether it was caught.
fn chase(
    args: &Args,
    defect: &Defect,
    stop: &AtomicBool,
    out: &mut dyn Write,
) -> Result<bool, Failure> {
    let Some(breaks) = defect.kind.breaks() else {
        writeln!(out, "{:<34}  is a control: nothing to find", defect.id)?;
        return Ok(true);
    };
    let family = super::family(defect, &args.scenarios)?;
    let quarry = Quarry {
        id: defect.id,
        about: defect.gist(),
        breaks,
        family: &family,
    };
    let budget = Budget {
        runs: args.runs,
        jobs: sweep::jobs(args.jobs),
        stop,
    };
    let mut progress = Progress::start();
    let caught = hunt::hunt(
        &quarry,
        args.seeds.clone(),
        args.tries,
        budget,
        &mut |at, _| {
            progress.show(|| format!("{}: {at}", defect.id));
        },
    );
    progress.clear();
    let Some(caught) = caught else {
        writeln!(out, "{:<34}  not found", defect.id)?;
        return Ok(false);
    };
    output::replace(&args.file(defect), caught.scenario.to_string())?;
    let first = caught.seeds.first().copied().unwrap_or_default();
    writeln!(
        out,
        "{:<34}  first seen at seed {first}; of seed {}: {}",
        defect.id,
        caught.seed,
        words::size(caught.size)
    )?;
    Ok(true)
}
