//! `zablab explore`: searches for failures guided by what runs reach.

use std::io::Write;
use std::path::PathBuf;

use serde::Serialize;

use super::input::{self, shell};
use super::output::{self, Failure, Status};
use super::progress::{self, Progress};
use super::sweep;
use crate::base::rng::Seed;
use crate::check::verdict::Verdict;
use crate::experiment::explore::{Effort, Feedback, Reach, explore};
use crate::experiment::sweep::Played;

/// Search for failures, guided: plans that reach new states of the protocol are kept and mutated
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  zablab explore scenarios/swarm.json --runs 2000 --jobs 2 --out failures
  zablab explore scenarios/swarm-all.json --set 'mutants=[\"ack-before-fsync\"]' --until-failure
  zablab explore scenarios/swarm.json --runs 2000 --plain

A state is abstract: the phase of each server, whether its epoch and log are behind, what waits for its disk, how much is in
flight; names and lengths do not count. Fresh plans of the file's `generate` are mixed with mutations of plans that reached
something new: faults are moved, stretched, doubled, dropped, spliced, or made to strike at something that was said in a run.
--plain plays fresh plans only, for comparison. Each failure is saved as a scenario file. The result depends on --seed and
--runs only, not on --jobs.

Exit codes: 0 all runs hold or are excused; 1 a violation; 2 wrong usage or malformed input; 3 something undecided.

--json prints one object: runs, states, kept, held, failures [{property, signature, run, file, replay}], complete.")]
pub(super) struct Args {
    /// The scenario file; it must have a `generate`
    file: PathBuf,
    /// How many runs
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..))]
    runs: u64,
    /// Decides everything that is tried
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// How many runs at a time; default as many as the machine has processors
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    jobs: Option<u16>,
    /// Fresh plans only
    #[arg(long)]
    plain: bool,
    /// Stop at the first failure
    #[arg(long)]
    until_failure: bool,
    /// Save failures in this directory
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Replace a field of the file
    #[arg(long, value_name = "PATH=VALUE", help = input::SET_HELP)]
    set: Vec<String>,
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Found {
    runs: u64,
    states: usize,
    kept: usize,
    held: u64,
    failures: Vec<Failed>,
    complete: bool,
    #[serde(skip)]
    status: Option<Verdict>,
}

#[derive(Serialize)]
struct Failed {
    property: &'static str,
    signature: &'static str,
    run: u64,
    file: Option<String>,
    replay: Option<String>,
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> Result<Status, Failure> {
    let family = input::load(&args.file, &args.set)?;
    if family.generate.is_none() {
        let what = format!(
            "{}: has no \"generate\"; expected a family of plans to explore, such as scenarios/swarm.json",
            args.file.display()
        );
        return Err(Failure::Usage(what));
    }
    if let Some(folder) = &args.out {
        std::fs::create_dir_all(folder).map_err(|error| output::file_failure(folder, error))?;
    }
    let stop = progress::stop_when_interrupted()?;
    let effort = Effort {
        seed: Seed(args.seed),
        runs: args.runs,
        feedback: if args.plain {
            Feedback::Off
        } else {
            Feedback::On
        },
        jobs: sweep::jobs(args.jobs),
        stop: &stop,
    };
    let mut found = Found {
        runs: 0,
        states: 0,
        kept: 0,
        held: 0,
        failures: Vec::new(),
        complete: false,
        status: None,
    };
    let mut progress = Progress::start();
    let mut trouble = None;
    explore(&family, effort, |reach, played| {
        progress.show(|| format!("{} runs, {} states", reach.runs, reach.states));
        match found.take(reach, played, args.out.as_ref()) {
            Ok(()) => !(args.until_failure && found.failures.len() == 1),
            Err(failure) => {
                trouble = Some(failure);
                false
            }
        }
    });
    progress.clear();
    if let Some(failure) = trouble {
        return Err(failure);
    }
    found.complete = found.runs == args.runs;
    found.report(args.json, out)
}

impl Found {
    fn take(
        &mut self,
        reach: Reach,
        played: &Played,
        out: Option<&PathBuf>,
    ) -> Result<(), Failure> {
        (self.runs, self.states, self.kept) = (reach.runs, reach.states, reach.kept);
        let Some(property) = played.failure() else {
            self.held += 1;
            return Ok(());
        };
        if self.status != Some(Verdict::Violated) {
            self.status = Some(played.verdict());
        }
        let mut failed = Failed {
            property,
            signature: played.signature(),
            run: reach.runs,
            file: None,
            replay: None,
        };
        if let Some(folder) = out {
            let scenario = played.saved();
            let file = folder.join(format!("{}.json", scenario.name));
            output::replace(&file, scenario.to_string())?;
            let file = file.to_string_lossy().into_owned();
            failed.replay = Some(format!("zablab replay {}", shell(&file)));
            failed.file = Some(file);
        }
        self.failures.push(failed);
        Ok(())
    }

    fn report(&self, json: bool, out: &mut dyn Write) -> Result<Status, Failure> {
        if json {
            output::json(out, self)?;
        } else {
            for failed in &self.failures {
                let (property, signature) = (failed.property, failed.signature);
                write!(out, "run {:<6} {property} ({signature})", failed.run)?;
                match &failed.replay {
                    Some(replay) => writeln!(out, "  {replay}")?,
                    None => writeln!(out)?,
                }
            }
            let failures = self.failures.len();
            writeln!(
                out,
                "{} runs reached {} states; {} held, {failures} failed; {} plans were kept",
                self.runs, self.states, self.held, self.kept
            )?;
        }
        Ok(self.status.map_or(Status::Good, Status::of))
    }
}
