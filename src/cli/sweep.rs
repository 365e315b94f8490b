//! `zablab sweep`: plays many seeds in parallel, keeps a journal of what was played, and saves what fails as scenario
//! files.

pub(super) mod folder;
mod junit;
mod summary;

use std::io::Write;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::Duration;

use self::folder::Folder;
use self::summary::{Names, Summary};
use super::input::{self, shell};
use super::output::{self, Failure, Status};
use super::progress::{self, Progress};
use super::twin::Twin;
use crate::experiment::campaign::{Campaign, Ledger, Line, Shard, Tally};
use crate::experiment::scenario::Scenario;
use crate::experiment::sweep::{CHECK_EVERY, Played, Work, sweep};

/// Play many seeds of scenarios in parallel and save what fails as scenario files
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  zablab sweep scenarios/swarm.json --seeds 0..1000 --jobs 2 --out failures
  zablab sweep scenarios/swarm.json --set 'mutants=[\"half-quorum\"]' --seeds 0..500 --until-failure
  zablab sweep scenarios/swarm.json --seeds 0..100000 --shard 3/8 --out shard3
  zablab sweep scenarios/recipes --seeds 0..1000
  zablab sweep --merge shard1 shard2 shard3 --out all

The results do not depend on --jobs. A file's `expect` is about its own seed and does not count here: the exit code is 1
if any run is violated, 3 if any is undecided or not all were played, else 0.

With --out DIR every run is noted in DIR/journal.jsonl as it ends, and DIR/summary.json holds what --json prints. A sweep
that was stopped, by Ctrl-C, --time-limit or in any other way, goes on where it was when the same command is given again;
no seed is lost or played twice. How to spread a campaign over machines: docs/campaigns.md.

--json prints one object: seeds (played), held, violated, undecided, excused, seconds, failures [{scenario, seed, property,
signature, faults, file, replay}], groups [{property, signature, count, scenario, seed, faults, file}], complete, events,
virtual_ms, properties [{name, exercised, runs, violated}], counters, situations [{name, count, runs}], never [names].")]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the command line"
)]
pub(super) struct Args {
    /// The scenario files, or folders of them; with --merge, folders that sweeps of all shards left
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The seeds A..B, B not included
    #[arg(long, value_name = "A..B", value_parser = seeds, default_value = "0..100")]
    seeds: Range<u64>,
    /// How many runs at a time; default as many as the machine has processors
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    jobs: Option<u16>,
    /// Keep journal, summary and failures (as scenario files) in this directory, and go on with what is there
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Play only every n-th seed, as the i-th of n machines
    #[arg(long, value_name = "I/N", value_parser = Shard::parse)]
    shard: Option<Shard>,
    /// Sum up the folders of all shards instead of playing
    #[arg(long, conflicts_with_all = ["shard", "seeds", "jobs", "set", "max_failures", "until_failure", "time_limit"])]
    merge: bool,
    /// Begin no more runs after so many seconds
    #[arg(long, value_name = "SECONDS")]
    time_limit: Option<u64>,
    /// Stop at the first failure (the one with the smallest seed)
    #[arg(long, conflicts_with = "max_failures")]
    until_failure: bool,
    /// Stop after so many failures
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    max_failures: Option<u64>,
    /// Play every seed twice and compare, instead of one in 64
    #[arg(long)]
    verify_determinism: bool,
    /// Write a JUnit report, for continuous integration
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Replace a field of the files
    #[arg(long, value_name = "PATH=VALUE", help = input::SET_HELP)]
    set: Vec<String>,
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
}

pub(super) fn seeds(text: &str) -> Result<Range<u64>, String> {
    let bounds = text.split_once("..").and_then(|(from, to)| {
        let from: u64 = from.trim().parse().ok()?;
        let to: u64 = to.trim().parse().ok()?;
        Some(from..to)
    });
    match bounds {
        Some(range) if range.end > Campaign::MOST_SEEDS => {
            Err(format!("expected seeds up to {}", Campaign::MOST_SEEDS))
        }
        Some(range) if !range.is_empty() => Ok(range),
        Some(_) => Err("the range is empty; expected the smaller seed first".to_owned()),
        None => Err("expected two whole numbers like 0..1000".to_owned()),
    }
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> Result<Status, Failure> {
    if let Some(file) = &args.junit {
        // The folder of the campaign may not be there yet, and is told of when it is made.
        let is_in_folder = args.out.as_ref().is_some_and(|out| file.starts_with(out));
        if !is_in_folder {
            output::expect_place(file)?;
        }
    }
    let summary = if args.merge {
        merge(args)?
    } else {
        play(args)?
    };
    if let Some(folder) = &args.out {
        output::replace(
            &folder.join("summary.json"),
            output::pretty(&summary.as_json()),
        )?;
    }
    if let Some(file) = &args.junit {
        output::replace(file, junit::report(&summary))?;
    }
    if args.json {
        output::json(out, &summary.as_json())?;
    } else {
        summary.write(out)?;
    }
    Ok(summary.status())
}

fn play(args: &Args) -> Result<Summary, Failure> {
    let mut scenarios = Vec::new();
    for file in input::scenario_files(&args.files)? {
        scenarios.push(input::load(&file, &args.set)?);
    }
    refuse_namesakes(&scenarios)?;
    let campaign = Campaign {
        scenarios,
        seeds: args.seeds.clone(),
        shard: args.shard.unwrap_or(Shard::WHOLE),
    };
    let mut ledger = Ledger::new(args.most_failures());
    let folder = match &args.out {
        Some(path) => Some(Folder::open(path, &campaign, &mut ledger)?),
        None => None,
    };
    let progress = Progress::start();
    let (tally, elapsed) = Sweeper {
        args,
        campaign: &campaign,
        ledger,
        folder,
        progress,
    }
    .sweep()?;
    let planned = campaign.runs();
    let names = Names {
        scenarios: campaign
            .scenarios
            .iter()
            .map(|scenario| scenario.name.clone())
            .collect(),
        folders: args.out.iter().cloned().collect(),
        files: args.files.clone(),
        set: args.set.clone(),
    };
    Ok(Summary::new(tally, elapsed, planned, names))
}

/// Failures are named after their scenarios.
fn refuse_namesakes(scenarios: &[Scenario]) -> Result<(), Failure> {
    let mut names: Vec<&str> = scenarios.iter().map(|one| one.name.as_str()).collect();
    names.sort_unstable();
    match names.windows(2).find(|pair| pair[0] == pair[1]) {
        None => Ok(()),
        Some(pair) => Err(Failure::Usage(format!(
            "two scenarios are named {:?}; failures are named after scenarios, so names must differ",
            pair[0]
        ))),
    }
}

fn merge(args: &Args) -> Result<Summary, Failure> {
    let progress = Progress::start();
    let merged = folder::merge(&args.files)?;
    if let Some(out) = &args.out {
        output::create_folder(out)?;
    }
    let names = Names {
        scenarios: merged.names,
        folders: args.files.clone(),
        files: Vec::new(),
        set: Vec::new(),
    };
    Ok(Summary::new(
        merged.tally,
        progress.elapsed(),
        merged.planned,
        names,
    ))
}

impl Args {
    fn most_failures(&self) -> Option<u64> {
        if self.until_failure {
            Some(1)
        } else {
            self.max_failures
        }
    }
}

/// How many runs at a time: as asked, or as many as the machine has processors.
pub(super) fn jobs(asked: Option<u16>) -> usize {
    asked.map_or_else(
        || std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        usize::from,
    )
}

/// A sweep under way.
struct Sweeper<'a> {
    args: &'a Args,
    campaign: &'a Campaign,
    ledger: Ledger,
    folder: Option<Folder>,
    progress: Progress,
}

impl Sweeper<'_> {
    fn sweep(mut self) -> Result<(Tally, Duration), Failure> {
        let stop = progress::stop_when_interrupted()?;
        let runs = self.campaign.runs();
        let done = self.ledger.taken();
        let is_closed = self.ledger.is_closed();
        let work = Work {
            campaign: self.campaign,
            skip: &|place| is_closed || done.has(place),
            jobs: jobs(self.args.jobs),
            stop: &stop,
            doubt: &Twin {
                every: if self.args.verify_determinism {
                    1
                } else {
                    CHECK_EVERY
                },
            },
        };
        let limit = self.args.time_limit.map(Duration::from_secs);
        let mut trouble = None;
        sweep(&work, |place, scenario, played| {
            if let Err(failure) = self.take(place, scenario, &played) {
                trouble = Some(failure);
                return false;
            }
            self.show(runs, done.count());
            if limit.is_some_and(|limit| self.progress.elapsed() >= limit) {
                // What is under way is still taken.
                stop.store(true, Ordering::Relaxed);
            }
            !self.ledger.is_closed()
        });
        self.progress.clear();
        match trouble {
            Some(failure) => Err(failure),
            None => Ok((self.ledger.close(), self.progress.elapsed())),
        }
    }

    /// A failure is saved before the journal says that it was.
    fn take(&mut self, place: u64, scenario: usize, played: &Played) -> Result<(), Failure> {
        let line = match &mut self.folder {
            None => Line::of(scenario, played, None),
            Some(folder) => {
                let file = match played.failure() {
                    Some(_) => Some(folder.save(&played.saved())?),
                    None => None,
                };
                let line = Line::of(scenario, played, file);
                folder.note(&line)?;
                line
            }
        };
        self.ledger.take(place, line);
        Ok(())
    }

    fn show(&mut self, runs: u64, resumed: u64) {
        let (tally, waiting) = self.ledger.so_far();
        let done = tally.runs + waiting as u64;
        let failures = tally.failures.len();
        let elapsed = self.progress.elapsed();
        self.progress.show(|| {
            let milliseconds = u64::try_from(elapsed.as_millis())
                .unwrap_or(u64::MAX)
                .max(1);
            let fresh = done.saturating_sub(resumed);
            let rate = fresh * 1_000 / milliseconds;
            let left = (runs - done) * milliseconds / fresh.max(1) / 1_000;
            format!("{done} of {runs} runs, {failures} failed, {rate} runs/s, about {left} s left")
        });
    }
}

/// Where a failure can be found.
fn path_of(folder: &Path, file: &str) -> String {
    folder.join(file).to_string_lossy().into_owned()
}

/// The command that plays a saved failure again.
fn replay_of(file: &str) -> String {
    format!("zablab replay {}", shell(file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_of_seeds_are_read_strictly() {
        assert_eq!(seeds("0..10"), Ok(0..10));
        assert_eq!(seeds(" 3 .. 4 "), Ok(3..4));
        for wrong in [
            "0..18446744073709551615",
            "",
            "5",
            "5..5",
            "9..3",
            "a..b",
            "0..=3",
            "-1..3",
        ] {
            assert!(seeds(wrong).is_err(), "{wrong}");
        }
    }
}
