//! The data of a report: the object that `run --json` prints and `--report DIR` leaves as `report.json`.

pub mod clients;
pub mod compare;
pub mod ensemble;
pub mod faults;
pub mod sweep;

use std::collections::BTreeMap;

use clients::OperationsLine;
use ensemble::{ElectionLine, ServerLine, Syncs};
use faults::FaultLine;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::check::claims::Staleness;
use crate::check::verdict::{Note, Sentence, Sight, Violation};
use crate::check::watch::WatchLatency;
use crate::experiment::chronicle::Chronicle;
use crate::experiment::counters::Counters;
use crate::experiment::outcome::{Ended, Excuse, Judged, Outcome};
use crate::experiment::scenario::Scenario;

/// One run as data.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Report {
    /// `run`.
    pub kind: &'static str,
    /// The version of zablab that played it.
    pub version: &'static str,
    /// The scenario's name.
    pub scenario: String,
    /// What it is about, in its own words.
    pub about: String,
    /// The defects planted.
    pub mutants: Vec<String>,
    /// The seed played.
    pub seed: u64,
    /// `holds`, `violated` or `undecided`.
    pub verdict: &'static str,
    /// Whether the file's expectation was met; `null` when it did not apply.
    pub expected: Option<bool>,
    /// The run's digest.
    pub digest: String,
    /// Events played.
    pub events: u64,
    /// Virtual time at the end.
    pub virtual_ms: u64,
    /// `in-time`, or `event-budget` if that was spent first.
    pub ended: &'static str,
    /// The verdict per property.
    pub properties: Vec<PropertyLine>,
    /// What was broken.
    pub violations: Vec<ViolationStory>,
    /// What was exercised.
    pub counters: Map<String, Value>,
    /// Leaders that were established, in order.
    pub elections: Vec<ElectionLine>,
    /// How learners were brought up to date.
    pub syncs: Syncs,
    /// What clients asked for and how it went.
    pub operations: OperationsLine,
    /// Every fault that struck or found nothing to do, in order.
    pub faults: Vec<FaultLine>,
    /// Where each server stands at the end.
    pub servers: Vec<ServerLine>,
    /// Situations of the protocol that were reached, and how often; those that were not are left out.
    pub situations: BTreeMap<&'static str, u64>,
    /// Situations that were not reached.
    pub situations_missed: Vec<&'static str>,
    /// How stale reads were.
    pub staleness: StalenessLine,
    /// How long watch events were on their way.
    pub watch_latency: WatchLatencyLine,
    /// What ZooKeeper allows by design and its users may not expect: no violations.
    pub notes: Vec<NoteLine>,
    /// How often each kind of fault struck.
    pub strikes: BTreeMap<&'static str, Strikes>,
    /// What excuses violations: faults outside Zab's model that have done their work.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub excuses: Vec<ExcuseLine>,
    /// The command that plays it again.
    pub replay: String,
}

/// How far behind reads were when they were handed in: behind what any client had been told of by then.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct StalenessLine {
    /// Reads that showed a znode.
    pub reads: u64,
    /// Those that missed a version.
    pub stale: u64,
    /// Versions missed by all reads.
    pub versions: Quantiles,
    /// Milliseconds since the first missed version was told, by stale reads.
    pub ms: Quantiles,
}

/// How long after the commit of a change its events reached those who watched.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct WatchLatencyLine {
    /// Events that were owed and told.
    pub events: u64,
    /// Events of a setWatches, of which nobody can say how late they are.
    pub caught_up: u64,
    /// Milliseconds since the commit.
    pub ms: Quantiles,
}

impl WatchLatencyLine {
    /// The line for a run.
    pub fn of(latency: &WatchLatency) -> Self {
        Self {
            events: latency.events(),
            caught_up: latency.caught_up,
            ms: Quantiles::counted(&latency.ms),
        }
    }
}

/// A distribution in four numbers; absent where nothing was counted.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Quantiles {
    pub p50: Option<u64>,
    pub p90: Option<u64>,
    pub p99: Option<u64>,
    pub max: Option<u64>,
}

impl Quantiles {
    /// The quantiles of some values: each is one of them.
    pub fn of(mut values: Vec<u64>) -> Self {
        values.sort_unstable();
        let at = |percent: usize| {
            let last = values.len().checked_sub(1)?;
            let rank = (values.len() * percent).div_ceil(100).saturating_sub(1);
            values.get(rank.min(last)).copied()
        };
        Self {
            p50: at(50),
            p90: at(90),
            p99: at(99),
            max: at(100),
        }
    }

    /// The quantiles of values and how often each was counted.
    fn counted(distribution: &BTreeMap<u64, u64>) -> Self {
        let quantile = |percent| Staleness::quantile(distribution, percent, 100);
        Self {
            p50: quantile(50),
            p90: quantile(90),
            p99: quantile(99),
            max: quantile(100),
        }
    }
}

impl StalenessLine {
    /// The line for a run.
    pub fn of(staleness: &Staleness) -> Self {
        Self {
            reads: staleness.reads,
            stale: staleness.stale(),
            versions: Quantiles::counted(&staleness.versions),
            ms: Quantiles::counted(&staleness.ms),
        }
    }
}

/// The verdict on one property.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct PropertyLine {
    /// Its name.
    pub name: &'static str,
    /// What it claims.
    pub statement: &'static str,
    /// `holds`, `violated`, `undecided`, `vacuous` or `excused`.
    pub verdict: &'static str,
    /// How often it was judged.
    pub exercised: u64,
    /// Of properties of watches: `black-box` if the client's view alone decides, `white-box` if the committed log does,
    /// `black-box (rebuilt log)` if in a recording what clients were acknowledged stands in for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sight: Option<&'static str>,
    /// Why it is undecided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

impl PropertyLine {
    /// The line for a judgement.
    pub fn of(judged: &Judged) -> Self {
        Self {
            name: judged.property.name(),
            statement: judged.property.statement(),
            verdict: judged.verdict.name(),
            exercised: judged.exercised,
            sight: judged.sight.map(Sight::name),
            why: judged.why.clone(),
        }
    }
}

/// Something that is allowed by design.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct NoteLine {
    /// The property that it would break were it not allowed.
    pub property: &'static str,
    /// What kind of thing.
    pub kind: &'static str,
    /// How often it happened.
    pub count: u64,
    /// The first time.
    pub story: Vec<StoryLine>,
}

impl NoteLine {
    /// The line for a note.
    pub fn of(note: &Note) -> Self {
        Self {
            property: note.property.name(),
            kind: note.kind,
            count: note.count,
            story: note.story.iter().map(story_line).collect(),
        }
    }
}

/// How often a kind of fault struck.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct Strikes {
    /// With effect.
    pub effective: u64,
    /// In vain.
    pub in_vain: u64,
}

/// A fault outside Zab's model that has done its work.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ExcuseLine {
    /// Its id in the plan, or the setting that has it so.
    pub fault: String,
    /// What it did.
    pub what: String,
    /// At which server, if at one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<u8>,
    /// In which event.
    pub event: u64,
    /// When.
    pub time_us: u64,
}

/// A violation and how it came about.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ViolationStory {
    /// The property broken.
    pub property: &'static str,
    /// What the property claims.
    pub statement: &'static str,
    /// A stable key of the kind of failure.
    pub signature: &'static str,
    /// Other properties that the same contradiction breaks.
    pub also: Vec<&'static str>,
    /// The event in which it was noticed.
    pub event: u64,
    /// The time of that event.
    pub time_us: u64,
    /// The evidence, in order; in reports on one run, the first violation of each property is told in three sentences at least.
    pub story: Vec<StoryLine>,
    /// How it came about: what matters of its causal past, the evidence included; only in reports on one run.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub why: Vec<WhyLine>,
}

/// One sentence of how a violation came about.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct WhyLine {
    /// Its event.
    pub event: u64,
    /// Its time.
    pub time_us: u64,
    /// What happened.
    pub text: String,
    /// Whether it is part of the checker's evidence.
    pub evidence: bool,
}

/// One piece of evidence.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct StoryLine {
    /// Its event.
    pub event: u64,
    /// Its time.
    pub time_us: u64,
    /// What happened.
    pub text: String,
}

/// What a report is made of.
#[derive(Clone, Copy, Debug)]
pub struct Account<'a> {
    /// What was played.
    pub scenario: &'a Scenario,
    /// What came out.
    pub outcome: &'a Outcome,
    /// What is remembered of it.
    pub chronicle: &'a Chronicle,
    /// Whether the file's expectation was met, as far as it applies.
    pub expected: Option<bool>,
    /// The command that plays it again.
    pub replay: &'a str,
}

impl Report {
    /// The report on a run.
    pub fn new(account: Account<'_>) -> Self {
        let Account {
            scenario,
            outcome,
            chronicle,
            expected,
            replay,
        } = account;
        let situations = || outcome.reached.rows();
        Self {
            kind: "run",
            version: env!("CARGO_PKG_VERSION"),
            scenario: scenario.name.clone(),
            about: scenario.about.clone(),
            mutants: scenario.mutants.iter().map(ToString::to_string).collect(),
            seed: scenario.seed.0,
            verdict: outcome.verdict().name(),
            expected,
            digest: format!("{:016x}", outcome.digest),
            events: outcome.events,
            virtual_ms: outcome.virtual_time.as_ms(),
            ended: match outcome.ended {
                Ended::InTime => "in-time",
                Ended::EventBudget => "event-budget",
            },
            properties: outcome.properties.iter().map(PropertyLine::of).collect(),
            violations: outcome.violations.iter().map(violation_story).collect(),
            counters: counters(&outcome.counters),
            elections: chronicle.elections.iter().map(ElectionLine::of).collect(),
            syncs: Syncs::of(chronicle),
            operations: OperationsLine::of(chronicle.operations.list()),
            faults: FaultLine::all(scenario, chronicle),
            servers: ServerLine::all(chronicle, scenario.roster()),
            situations: situations()
                .filter(|(_, count)| *count > 0)
                .map(|(situation, count)| (situation.name(), count))
                .collect(),
            situations_missed: situations()
                .filter(|(_, count)| *count == 0)
                .map(|(situation, _)| situation.name())
                .collect(),
            staleness: StalenessLine::of(&outcome.staleness),
            watch_latency: WatchLatencyLine::of(&outcome.watch_latency),
            notes: outcome.notes.iter().map(NoteLine::of).collect(),
            strikes: outcome
                .strikes
                .iter()
                .map(|(name, strikes)| {
                    let strikes = Strikes {
                        effective: strikes.effective,
                        in_vain: strikes.in_vain,
                    };
                    (*name, strikes)
                })
                .collect(),
            excuses: outcome.excuses.iter().map(excuse_line).collect(),
            replay: replay.to_owned(),
        }
    }
}

fn excuse_line(excuse: &Excuse) -> ExcuseLine {
    ExcuseLine {
        fault: excuse.fault.clone(),
        what: excuse.what.clone(),
        server: excuse.server.map(|server| server.0),
        event: excuse.at.event.0,
        time_us: excuse.at.time.0 / 1_000,
    }
}

fn violation_story(violation: &Violation) -> ViolationStory {
    ViolationStory {
        property: violation.property.name(),
        statement: violation.property.statement(),
        signature: violation.signature,
        also: violation
            .also
            .iter()
            .map(|property| property.name())
            .collect(),
        event: violation.at.event.0,
        time_us: violation.at.time.0 / 1_000,
        story: violation.story.iter().map(story_line).collect(),
        why: Vec::new(),
    }
}

fn story_line(sentence: &Sentence) -> StoryLine {
    StoryLine {
        event: sentence.at.event.0,
        time_us: sentence.at.time.0 / 1_000,
        text: sentence.text.clone(),
    }
}

/// Counts as a JSON object.
pub fn counters(counters: &Counters) -> Map<String, Value> {
    counters
        .rows()
        .into_iter()
        .map(|(name, count)| (name.to_owned(), Value::from(count)))
        .collect()
}
