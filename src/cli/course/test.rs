//! `zablab course test`: what a student runs, on public seeds.

use std::cell::RefCell;
use std::io::Write;
use std::path::PathBuf;

use super::grade::{self, Report, Verdicts};
use super::manifest::Submission;
use crate::cli::input::{self, shell};
use crate::cli::output::{self, Failure, Status};
use crate::cli::progress::Progress;
use crate::lab::course::Task;
use crate::lab::grade::{Extent, Only, Starts};
use crate::lab::hidden::Seeds;
use crate::lab::solution::{Answers, Fault};

/// Play the public seeds with a solution and show what fails
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  zablab course test mine
  zablab course test mine --only elections --seed 17 --save small.json    one run, made small
  zablab report small.json -o page --open                                  the same run as a page

A counterexample has numbered lines; e50 is the event in which something happened, and `<- your code` marks what the
solution answered. A saved run is played by the protocol's own decisions in other commands, not by the solution's.

Exit codes: 0 passed; 1 failed; 2 the solution crashed, hung, talked nonsense or is no function; 3 it could not be graded.")]
pub(super) struct Args {
    /// The solution's folder
    #[arg(default_value = ".")]
    dir: PathBuf,
    /// Only one kind of runs, or the single answers (`answers`) of a decision, or the `defects` of an invariant
    #[arg(long, value_name = "PART")]
    only: Option<String>,
    /// Only this public seed
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    seed: Option<u64>,
    /// Play this family of runs, a scenario file, instead of the lab's
    #[arg(long, value_name = "FILE", conflicts_with = "only")]
    family: Option<PathBuf>,
    /// How many public seeds are played
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    seeds: u64,
    /// Write the run of the first counterexample there, as a scenario file
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
    /// Do not show what the solution prints to its standard error
    #[arg(long)]
    quiet: bool,
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
}

/// A solution whose student waits: builds and runs take their time.
struct Awaited<'a> {
    submission: &'a Submission,
    progress: RefCell<Progress>,
}

impl<'a> Awaited<'a> {
    fn of(submission: &'a Submission, args: &Args) -> Self {
        let mut progress = if args.quiet {
            Progress::start()
        } else {
            Progress::beside_others()
        };
        if submission.is_built() {
            progress.begin(&format!("building {}", args.dir.display()));
        }
        Self {
            submission,
            progress: RefCell::new(progress),
        }
    }
}

impl Starts for Awaited<'_> {
    fn start(&self, nth: u32) -> Result<Box<dyn Answers>, Fault> {
        self.submission.start(nth)
    }

    fn hear(&self, what: &str, done: u64, all: u64) {
        let line = || format!("public seeds, {what}: {done} of {all}");
        let mut progress = self.progress.borrow_mut();
        if done == 0 {
            progress.begin(&line());
        } else {
            progress.show(line);
        }
    }
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> Result<Status, Failure> {
    let submission = Submission::open(&args.dir, !args.quiet)?;
    let others: &[&str] = match submission.lab.task {
        Task::Decide(_) => &["answers"],
        Task::Client(_) => &[],
        Task::Observe => &["defects"],
    };
    let known = |name: &str| others.contains(&name) || submission.lab.round(name).is_some();
    if let Some(name) = args.only.as_deref().filter(|name| !known(name)) {
        let rounds: Vec<&str> = submission
            .lab
            .rounds
            .iter()
            .map(|round| round.name)
            .collect();
        let all = [others, &rounds].concat().join(", ");
        return Err(Failure::Usage(format!("--only {name}: there are {all}")));
    }
    let extent = Extent {
        runs: args.seeds,
        search: args.seeds,
        ..Extent::default()
    };
    let only = Only {
        part: args.only.clone(),
        seed: args.seed,
        family: args
            .family
            .as_ref()
            .map(|file| input::load(file, &[]))
            .transpose()?,
    };
    let awaited = Awaited::of(&submission, args);
    let graded = grade::one(&submission, &awaited, &Seeds::Public, extent, &only);
    awaited.progress.borrow().clear();
    let dir = shell(&args.dir.to_string_lossy());
    if let Some(path) = &args.save {
        let shown = graded.parts.iter().filter_map(|part| part.shown.as_ref());
        let mut shown = shown;
        match shown.find_map(|shown| shown.scenario.as_ref()) {
            Some(scenario) => output::replace(path, scenario.to_string())?,
            None => return Err(Failure::Usage("--save: no run failed".to_owned())),
        }
    }
    let verdicts = Verdicts(vec![(graded, dir)]);
    verdicts.print(
        if args.json {
            Report::Json
        } else {
            Report::Text
        },
        out,
    )?;
    Ok(verdicts.status())
}
