//! `zablab sweep`: plays many seeds in parallel and saves what fails as scenario files.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde::Serialize;

use super::input::{self, shell};
use super::output::{self, Failure, Status};
use super::progress::Progress;
use crate::check::verdict::{Property, Verdict};
use crate::experiment::counters::Counters;
use crate::experiment::scenario::Scenario;
use crate::experiment::sweep::{Fate, Played, sweep};
use crate::report::data;
use crate::report::text::{self, Grouped};

/// Play many seeds of scenarios in parallel and save what fails as scenario files
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  zablab sweep scenarios/swarm.json --seeds 0..1000 --jobs 2 --out failures
  zablab sweep scenarios/swarm.json --set 'mutants=[\"half-quorum\"]' --seeds 0..500 --max-failures 1

The results do not depend on --jobs. A file's `expect` is about its own seed and does not count here: the exit code is 1
if any run is violated, 3 if any is undecided or the sweep was interrupted, else 0. Ctrl-C ends the sweep with what is
done.

--json prints one object: seeds (played), held, violated, undecided, seconds, failures [{scenario, seed, property, file,
replay}], complete, events, virtual_ms, properties [{name, exercised, runs, violated}], counters.")]
pub(super) struct Args {
    /// The scenario files
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// The seeds A..B, B not included
    #[arg(long, value_name = "A..B", value_parser = seeds, default_value = "0..100")]
    seeds: Range<u64>,
    /// How many runs at a time; default as many as the machine has processors
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    jobs: Option<u16>,
    /// Save each failure as a scenario file in this directory
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Stop after so many failures
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    max_failures: Option<u64>,
    /// Replace a field of the files
    #[arg(long, value_name = "PATH=VALUE", help = input::SET_HELP)]
    set: Vec<String>,
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
}

fn seeds(text: &str) -> Result<Range<u64>, String> {
    let bounds = text.split_once("..").and_then(|(from, to)| {
        let from: u64 = from.trim().parse().ok()?;
        let to: u64 = to.trim().parse().ok()?;
        Some(from..to)
    });
    match bounds {
        Some(range) if !range.is_empty() => Ok(range),
        Some(_) => Err("the range is empty; expected the smaller seed first".to_owned()),
        None => Err("expected two whole numbers like 0..1000".to_owned()),
    }
}

/// What a sweep has found so far.
#[derive(Debug, Default)]
struct Tally {
    runs: u64,
    held: u64,
    violated: u64,
    undecided: u64,
    events: u64,
    virtual_ms: u64,
    counters: Counters,
    properties: BTreeMap<Property, PropertyTally>,
    failures: BTreeMap<(usize, u64), FailureLine>,
}

#[derive(Clone, Copy, Debug, Default)]
struct PropertyTally {
    exercised: u64,
    runs: u64,
    violated: u64,
}

#[derive(Clone, Debug, Serialize)]
struct FailureLine {
    scenario: String,
    seed: u64,
    property: &'static str,
    file: Option<String>,
    replay: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> Result<Status, Failure> {
    let mut scenarios = Vec::new();
    for file in &args.files {
        scenarios.push(input::load(file, &args.set)?);
    }
    if let Some(directory) = &args.out {
        fs::create_dir_all(directory).map_err(|error| file_failure(directory, error))?;
    }
    let stop = Arc::new(AtomicBool::new(false));
    let handler_stop = Arc::clone(&stop);
    ctrlc::set_handler(move || handler_stop.store(true, Ordering::Relaxed))
        .map_err(|error| Failure::Usage(format!("cannot watch for Ctrl-C: {error}")))?;
    let planned = (args.seeds.end - args.seeds.start) * scenarios.len() as u64;
    let mut progress = Progress::start();
    let mut tally = Tally::default();
    let mut trouble = None;
    for (index, scenario) in scenarios.iter().enumerate() {
        sweep(
            scenario,
            args.seeds.clone(),
            jobs(args.jobs),
            &stop,
            |played| {
                if let Err(failure) = tally.take(args, index, &played) {
                    trouble = Some(failure);
                    return false;
                }
                progress.show(|| tally.progress(planned));
                args.max_failures
                    .is_none_or(|most| (tally.failures.len() as u64) < most)
            },
        );
    }
    progress.clear();
    if let Some(failure) = trouble {
        return Err(failure);
    }
    let summary = Summary::new(tally, progress.elapsed(), planned);
    if args.json {
        output::json(out, &summary.as_json())?;
    } else {
        summary.write(&scenarios, out)?;
    }
    Ok(summary.status())
}

/// How many runs at a time: as asked, or as many as the machine has processors.
pub(super) fn jobs(asked: Option<u16>) -> usize {
    asked.map_or_else(
        || std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        usize::from,
    )
}

fn file_failure(path: &Path, error: io::Error) -> Failure {
    Failure::File {
        path: path.to_string_lossy().into_owned(),
        error,
    }
}

impl Tally {
    fn progress(&self, planned: u64) -> String {
        format!(
            "{} of {planned} runs, {} held, {} violated, {} undecided",
            self.runs, self.held, self.violated, self.undecided
        )
    }

    fn take(&mut self, args: &Args, index: usize, played: &Played) -> Result<(), Failure> {
        self.runs += 1;
        match played.verdict() {
            Verdict::Holds | Verdict::Vacuous => self.held += 1,
            Verdict::Violated => self.violated += 1,
            Verdict::Undecided => self.undecided += 1,
        }
        if let Fate::Judged(outcome) = &played.fate {
            self.events += outcome.events;
            self.virtual_ms += outcome.virtual_time.as_ms();
            self.counters.add(&outcome.counters);
            for judged in &outcome.properties {
                let tally = self.properties.entry(judged.property).or_default();
                tally.exercised += judged.exercised;
                tally.runs += u64::from(judged.exercised > 0);
                tally.violated += u64::from(judged.verdict == Verdict::Violated);
            }
        }
        if let Some(property) = played.failure() {
            let line = failure_line(args, index, played, property)?;
            self.failures.insert((index, played.seed), line);
        }
        Ok(())
    }
}

fn failure_line(
    args: &Args,
    index: usize,
    played: &Played,
    property: &'static str,
) -> Result<FailureLine, Failure> {
    let file = match &args.out {
        Some(directory) => Some(save(directory, &played.saved())?),
        None => None,
    };
    let replay = if let Some(file) = &file {
        format!("zablab replay {}", shell(file))
    } else {
        let source = input::Source {
            file: args.files[index].clone(),
            seed: Some(played.seed),
            set: args.set.clone(),
        };
        source.replay_command()
    };
    let message = match &played.fate {
        Fate::Panicked(message) => Some(message.clone()),
        Fate::Judged(_) | Fate::Diverged => None,
    };
    Ok(FailureLine {
        scenario: played.scenario.name.clone(),
        seed: played.seed,
        property,
        file,
        replay,
        message,
    })
}

/// Writes a scenario beside its place and moves it there, so that no file is ever half written.
fn save(directory: &Path, scenario: &Scenario) -> Result<String, Failure> {
    let path = directory.join(format!("{}.json", scenario.name));
    let draft = directory.join(format!(".{}.json.tmp", scenario.name));
    fs::write(&draft, scenario.to_string())
        .and_then(|()| fs::rename(&draft, &path))
        .map_err(|error| file_failure(&path, error))?;
    Ok(path.to_string_lossy().into_owned())
}

/// A sweep that is over.
struct Summary {
    tally: Tally,
    elapsed: Duration,
    is_complete: bool,
}

#[derive(Serialize)]
struct SummaryJson<'a> {
    seeds: u64,
    held: u64,
    violated: u64,
    undecided: u64,
    seconds: f64,
    failures: Vec<&'a FailureLine>,
    complete: bool,
    events: u64,
    virtual_ms: u64,
    properties: Vec<PropertyJson>,
    counters: serde_json::Map<String, serde_json::Value>,
}

#[derive(Serialize)]
struct PropertyJson {
    name: &'static str,
    exercised: u64,
    runs: u64,
    violated: u64,
}

impl Summary {
    fn new(tally: Tally, elapsed: Duration, planned: u64) -> Self {
        Self {
            is_complete: tally.runs == planned,
            tally,
            elapsed,
        }
    }

    fn status(&self) -> Status {
        if self.tally.violated > 0 {
            Status::Bad
        } else if self.tally.undecided > 0 || !self.is_complete {
            Status::Undecided
        } else {
            Status::Good
        }
    }

    fn as_json(&self) -> SummaryJson<'_> {
        let tally = &self.tally;
        let properties = tally
            .properties
            .iter()
            .map(|(property, tally)| PropertyJson {
                name: property.name(),
                exercised: tally.exercised,
                runs: tally.runs,
                violated: tally.violated,
            });
        SummaryJson {
            seeds: tally.runs,
            held: tally.held,
            violated: tally.violated,
            undecided: tally.undecided,
            seconds: self.elapsed.as_secs_f64(),
            failures: tally.failures.values().collect(),
            complete: self.is_complete,
            events: tally.events,
            virtual_ms: tally.virtual_ms,
            properties: properties.collect(),
            counters: data::counters(&tally.counters),
        }
    }

    fn write(&self, scenarios: &[Scenario], out: &mut dyn Write) -> Result<(), Failure> {
        let tally = &self.tally;
        let names: Vec<&str> = scenarios
            .iter()
            .map(|scenario| scenario.name.as_str())
            .collect();
        writeln!(out, "{}", names.join(", "))?;
        writeln!(out)?;
        writeln!(
            out,
            "{:<24}{:>14}{:>10}{:>10}",
            "property", "judgements", "in runs", "violated"
        )?;
        for (property, line) in &tally.properties {
            writeln!(
                out,
                "{:<24}{:>14}{:>10}{:>10}",
                property.name(),
                Grouped(line.exercised),
                Grouped(line.runs),
                Grouped(line.violated)
            )?;
        }
        writeln!(out)?;
        let mut counts = String::new();
        text::counters(&tally.counters, &mut counts);
        write!(out, "{counts}")?;
        let seconds = self.elapsed.as_secs();
        writeln!(
            out,
            "played      {} runs, {} events, {} s of virtual time in {seconds}.{:03} s",
            Grouped(tally.runs),
            Grouped(tally.events),
            Grouped(tally.virtual_ms / 1_000),
            self.elapsed.subsec_millis()
        )?;
        for failure in tally.failures.values() {
            let FailureLine {
                seed,
                property,
                replay,
                message,
                ..
            } = failure;
            let message = message
                .as_ref()
                .map_or(String::new(), |text| format!("  ({text})"));
            writeln!(
                out,
                "failure     seed {seed:<8}  {property:<22}  {replay}{message}"
            )?;
        }
        let complete = if self.is_complete {
            ""
        } else {
            "; not all seeds were played"
        };
        writeln!(
            out,
            "verdict     {} held, {} violated, {} undecided{complete}",
            tally.held, tally.violated, tally.undecided
        )?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_of_seeds_are_read_strictly() {
        assert_eq!(seeds("0..10"), Ok(0..10));
        assert_eq!(seeds(" 3 .. 4 "), Ok(3..4));
        for wrong in ["", "5", "5..5", "9..3", "a..b", "0..=3", "-1..3"] {
            assert!(seeds(wrong).is_err(), "{wrong}");
        }
    }
}
