//! `zablab mutants compare`: the plain swarm beside guided exploration.

use std::io::Write;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;

use super::super::output::{self, Failure, Status};
use super::super::progress::{self, Progress};
use super::super::sweep;
use crate::base::rng::Seed;
use crate::check::verdict::Property;
use crate::experiment::explore::{Effort, Feedback, explore};
use crate::experiment::hunt;
use crate::experiment::scenario::Scenario;
use crate::mutant::table::Defect;

/// Compare the plain swarm with guided exploration: runs until a defect is found
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  zablab mutants compare ack-before-fsync half-quorum --campaigns 5 --runs 500

For each defect, --campaigns searches are made in its family in each way, each until the defect's property is broken or --runs are
spent. The result depends on the options only, not on --jobs.

--json prints one object: runs (at most), rows [{id, plain, guided}], both {found, took [runs per campaign], states (of the last)}.")]
pub(super) struct Args {
    /// The defects
    #[arg(required = true, value_name = "ID", value_parser = super::defect)]
    ids: Vec<&'static Defect>,
    /// How many searches in each way
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=1000))]
    campaigns: u64,
    /// How many runs a search has
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..))]
    runs: u64,
    /// How many runs at a time; default as many as the machine has processors
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    jobs: Option<u16>,
    /// Where the scenario files are
    #[arg(long, value_name = "DIR", default_value = "scenarios")]
    scenarios: PathBuf,
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Comparison {
    runs: u64,
    rows: Vec<Line>,
}

#[derive(Serialize)]
struct Line {
    id: &'static str,
    plain: Side,
    guided: Side,
}

/// What searches of one kind came to.
#[derive(Debug, Default, Serialize)]
struct Side {
    found: usize,
    /// Runs of each search, found or not, in increasing order.
    took: Vec<u64>,
    states: usize,
}

impl Side {
    fn median(&self) -> String {
        let median = self.took[self.took.len() / 2];
        if self.found * 2 > self.took.len() {
            median.to_string()
        } else {
            format!("> {median}")
        }
    }
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> Result<Status, Failure> {
    let stop = progress::stop_when_interrupted()?;
    let mut rows = Vec::new();
    let mut progress = Progress::start();
    if !args.json {
        writeln!(
            out,
            "{:<34}  {:>16}  {:>16}",
            "runs until found (median)", "plain", "guided"
        )?;
    }
    for defect in &args.ids {
        let Some(breaks) = defect.kind.breaks() else {
            return Err(Failure::Usage(format!(
                "{} is a control: nothing to find",
                defect.id
            )));
        };
        let family = super::family(defect, &args.scenarios)?;
        let mut side = |feedback| {
            search(args, &family, breaks, feedback, &stop, &mut |runs| {
                progress.show(|| format!("{}: {runs} runs", defect.id));
            })
        };
        let line = Line {
            id: defect.id,
            plain: side(Feedback::Off),
            guided: side(Feedback::On),
        };
        progress.clear();
        if stop.load(Ordering::Relaxed) {
            writeln!(out, "stopped")?;
            return Ok(Status::Undecided);
        }
        if !args.json {
            write_line(&line, out)?;
        }
        rows.push(line);
    }
    if args.json {
        let runs = args.runs;
        output::json(out, &Comparison { runs, rows })?;
    }
    Ok(Status::Good)
}

fn write_line(line: &Line, out: &mut dyn Write) -> Result<(), Failure> {
    let side = |side: &Side| format!("{} ({} of {})", side.median(), side.found, side.took.len());
    let (plain, guided) = (side(&line.plain), side(&line.guided));
    writeln!(out, "{:<34}  {plain:>16}  {guided:>16}", line.id)?;
    out.flush()?;
    Ok(())
}

fn search(
    args: &Args,
    family: &Scenario,
    breaks: Property,
    feedback: Feedback,
    stop: &AtomicBool,
    tell: &mut dyn FnMut(u64),
) -> Side {
    let mut side = Side::default();
    for campaign in 0..args.campaigns {
        let effort = Effort {
            seed: Seed(campaign),
            runs: args.runs,
            feedback,
            jobs: sweep::jobs(args.jobs),
            stop,
        };
        let mut is_found = false;
        let reach = explore(family, effort, |reach, played| {
            tell(reach.runs);
            is_found = hunt::shows(played, breaks);
            !is_found
        });
        side.found += usize::from(is_found);
        side.took.push(reach.runs);
        side.states = reach.states;
    }
    side.took.sort_unstable();
    side
}
