//! What a sweep found, as text and as one JSON object.

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;

use super::{path_of, replay_of};
use crate::cli::input::Source;
use crate::cli::output::{Failure, Status};
use crate::experiment::campaign::{Failed, Tally};
use crate::experiment::situations::Situation;
use crate::report::data;
use crate::report::text::{self, Grouped};

/// Failures listed as text at most; the rest is in the groups and in JSON.
const LISTED: usize = 20;

/// What things are called.
pub(super) struct Names {
    /// The scenarios.
    pub(super) scenarios: Vec<String>,
    /// The folder of a sweep, or those of a merge.
    pub(super) folders: Vec<PathBuf>,
    /// The scenario files; none in a merge.
    pub(super) files: Vec<PathBuf>,
    /// What was set in them.
    pub(super) set: Vec<String>,
}

/// A sweep that is over.
pub(super) struct Summary {
    pub(super) tally: Tally,
    pub(super) names: Names,
    elapsed: Duration,
    is_complete: bool,
}

#[derive(Serialize)]
pub(super) struct SummaryJson {
    seeds: u64,
    held: u64,
    violated: u64,
    undecided: u64,
    excused: u64,
    seconds: f64,
    failures: Vec<FailureLine>,
    groups: Vec<GroupJson>,
    complete: bool,
    events: u64,
    virtual_ms: u64,
    properties: Vec<PropertyJson>,
    counters: serde_json::Map<String, serde_json::Value>,
    situations: Vec<SituationJson>,
    never: Vec<&'static str>,
}

#[derive(Serialize)]
pub(super) struct FailureLine {
    scenario: String,
    seed: u64,
    property: String,
    signature: String,
    faults: usize,
    file: Option<String>,
    pub(super) replay: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

#[derive(Serialize)]
struct GroupJson {
    property: String,
    signature: String,
    count: u64,
    scenario: String,
    seed: u64,
    faults: usize,
    file: Option<String>,
}

#[derive(Serialize)]
struct PropertyJson {
    name: &'static str,
    exercised: u64,
    runs: u64,
    violated: u64,
}

#[derive(Serialize)]
struct SituationJson {
    name: &'static str,
    count: u64,
    runs: u64,
}

impl Summary {
    pub(super) fn new(tally: Tally, elapsed: Duration, planned: u64, names: Names) -> Self {
        Self {
            is_complete: tally.runs == planned,
            tally,
            names,
            elapsed,
        }
    }

    pub(super) fn status(&self) -> Status {
        if self.tally.violated > 0 {
            Status::Bad
        } else if self.tally.undecided > 0 || !self.is_complete {
            Status::Undecided
        } else {
            Status::Good
        }
    }

    /// How long it took, in seconds.
    pub(super) fn seconds(&self) -> f64 {
        self.elapsed.as_secs_f64()
    }

    fn file_of(&self, failed: &Failed) -> Option<String> {
        let file = failed.file.as_ref()?;
        // A merge has given the names their folders.
        Some(match self.names.folders.as_slice() {
            [folder] if !self.names.files.is_empty() => path_of(folder, file),
            _ => file.clone(),
        })
    }

    pub(super) fn failure_line(
        &self,
        (scenario, seed): (usize, u64),
        failed: &Failed,
    ) -> FailureLine {
        let file = self.file_of(failed);
        let replay = match (&file, self.names.files.get(scenario)) {
            (Some(file), _) => replay_of(file),
            (None, Some(source)) => Source {
                file: source.clone(),
                seed: Some(seed),
                set: self.names.set.clone(),
            }
            .replay_command(),
            (None, None) => String::new(),
        };
        FailureLine {
            scenario: self.names.scenarios[scenario].clone(),
            seed,
            property: failed.property.clone(),
            signature: failed.signature.clone(),
            faults: failed.faults,
            file,
            replay,
            message: failed.message.clone(),
        }
    }

    fn failures(&self) -> impl Iterator<Item = FailureLine> {
        self.tally
            .failures
            .iter()
            .map(|(run, failed)| self.failure_line(*run, failed))
    }

    pub(super) fn as_json(&self) -> SummaryJson {
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
        let groups = tally.groups().into_iter().map(|group| GroupJson {
            property: group.property.to_owned(),
            signature: group.signature.to_owned(),
            count: group.count,
            scenario: self.names.scenarios[group.smallest.0].clone(),
            seed: group.smallest.1,
            faults: group.example.faults,
            file: self.file_of(group.example),
        });
        let situations = tally
            .situations
            .iter()
            .map(|(situation, tally)| SituationJson {
                name: situation.name(),
                count: tally.count,
                runs: tally.runs,
            });
        SummaryJson {
            seeds: tally.runs,
            held: tally.held,
            violated: tally.violated,
            undecided: tally.undecided,
            excused: tally.excused,
            seconds: self.seconds(),
            failures: self.failures().collect(),
            groups: groups.collect(),
            complete: self.is_complete,
            events: tally.events,
            virtual_ms: tally.virtual_ms,
            properties: properties.collect(),
            counters: data::counters(&tally.counters),
            situations: situations.collect(),
            never: tally.never().map(Situation::name).collect(),
        }
    }

    pub(super) fn write(&self, out: &mut dyn Write) -> Result<(), Failure> {
        let tally = &self.tally;
        writeln!(out, "{}", self.names.scenarios.join(", "))?;
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
        self.write_situations(out)?;
        writeln!(
            out,
            "played      {} runs, {} events, {} s of virtual time in {}.{:03} s",
            Grouped(tally.runs),
            Grouped(tally.events),
            Grouped(tally.virtual_ms / 1_000),
            self.elapsed.as_secs(),
            self.elapsed.subsec_millis()
        )?;
        self.write_failures(out)?;
        let complete = if self.is_complete {
            ""
        } else {
            "; not all seeds were played"
        };
        let excused = match tally.excused {
            0 => String::new(),
            runs => format!(", {runs} excused"),
        };
        writeln!(
            out,
            "verdict     {} held, {} violated, {} undecided{excused}{complete}",
            tally.held, tally.violated, tally.undecided
        )?;
        Ok(())
    }

    fn write_situations(&self, out: &mut dyn Write) -> Result<(), Failure> {
        let reached = self.tally.situations.len();
        let never: Vec<&str> = self.tally.never().map(Situation::name).collect();
        let all = reached + never.len();
        let rest = if never.is_empty() {
            String::new()
        } else {
            format!("; never: {}", never.join(", "))
        };
        writeln!(out, "situations  {reached} of {all} reached{rest}")?;
        Ok(())
    }

    fn write_failures(&self, out: &mut dyn Write) -> Result<(), Failure> {
        for group in self.tally.groups() {
            let line = self.failure_line(group.smallest, group.example);
            writeln!(
                out,
                "group       {} x {}, {}; smallest: seed {} with {} faults",
                Grouped(group.count),
                group.property,
                group.signature,
                line.seed,
                line.faults
            )?;
        }
        for line in self.failures().take(LISTED) {
            let message = line
                .message
                .map_or(String::new(), |text| format!("  ({text})"));
            writeln!(
                out,
                "failure     seed {:<8}  {:<22}  {}{message}",
                line.seed, line.property, line.replay
            )?;
        }
        let more = self.tally.failures.len().saturating_sub(LISTED);
        if more > 0 {
            writeln!(
                out,
                "failures    {more} more; --json and summary.json list them all"
            )?;
        }
        Ok(())
    }
}
