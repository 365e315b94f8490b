//! The report on a sweep: how many runs failed, grouped by cause, and what all of them together exercised.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use super::counters;
use crate::check::verdict::Property;
use crate::experiment::campaign::{Failed, Header, Tally};
use crate::experiment::situations::Situation;

/// The most columns of the map of seeds.
const COLUMNS: u64 = 40;

/// A sweep as data.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct SweepReport {
    /// `sweep`.
    pub kind: &'static str,
    /// The version of zablab that played it.
    pub version: String,
    /// The scenarios.
    pub scenarios: Vec<String>,
    /// The first seed.
    pub seeds_from: u64,
    /// The seed after the last.
    pub seeds_to: u64,
    /// How many runs there were.
    pub runs: u64,
    /// How many there are in the whole campaign.
    pub planned: u64,
    /// Events of all runs.
    pub events: u64,
    /// Virtual time of all runs.
    pub virtual_ms: u64,
    /// How the runs came out.
    pub verdicts: Verdicts,
    /// Failures by cause, the one with the smallest example first.
    pub groups: Vec<GroupLine>,
    /// Every property over all runs.
    pub properties: Vec<PropertySum>,
    /// Failed runs by scenario and range of seeds.
    pub heat: Heat,
    /// What was exercised.
    pub counters: Map<String, Value>,
    /// Situations of the protocol that were reached, and in how many runs.
    pub situations: BTreeMap<&'static str, u64>,
    /// Situations that no run reached.
    pub situations_missed: Vec<&'static str>,
}

/// How many runs came out how.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Verdicts {
    pub held: u64,
    pub violated: u64,
    pub undecided: u64,
    pub excused: u64,
}

/// Failures of one kind.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct GroupLine {
    /// The property.
    pub property: String,
    /// The signature.
    pub signature: String,
    /// How many runs.
    pub count: u64,
    /// The first of them, in the order of the campaign.
    pub first: Example,
    /// The one with the fewest faults.
    pub smallest: Example,
    /// How many runs the campaign played until the first of them, that one included.
    pub runs_to_first: u64,
}

/// A run that failed.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Example {
    /// Of which scenario.
    pub scenario: String,
    /// With which seed.
    pub seed: u64,
    /// With how many faults in its plan.
    pub faults: usize,
    /// Its page beside this one, or the file it was saved in.
    pub file: Option<String>,
}

/// A property over all runs.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct PropertySum {
    /// Its name.
    pub name: &'static str,
    /// Judgements.
    pub exercised: u64,
    /// In how many runs it was violated.
    pub violated: u64,
    /// In how many runs it was never judged.
    pub vacuous_in: u64,
}

/// How many runs failed, by scenario and range of seeds.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Heat {
    /// The scenarios.
    pub rows: Vec<String>,
    /// The ranges of seeds.
    pub columns: Vec<String>,
    /// Failed runs.
    pub cells: Vec<Vec<u64>>,
}

impl SweepReport {
    /// The report on a campaign as far as it was played.
    pub fn of(header: &Header, tally: &Tally) -> Self {
        let names: Vec<String> = header
            .scenarios
            .iter()
            .map(|scenario| scenario.name.clone())
            .collect();
        Self {
            kind: "sweep",
            version: header.version.clone(),
            seeds_from: header.seeds.0,
            seeds_to: header.seeds.1,
            runs: tally.runs,
            planned: header.runs(),
            events: tally.events,
            virtual_ms: tally.virtual_ms,
            verdicts: Verdicts {
                held: tally.held,
                violated: tally.violated,
                undecided: tally.undecided,
                excused: tally.excused,
            },
            groups: groups(header, tally, &names),
            properties: Property::ALL
                .iter()
                .filter_map(|property| {
                    let sum = tally.properties.get(property).copied().unwrap_or_default();
                    let is_of_interest = sum.exercised > 0 || property.is_promised();
                    is_of_interest.then(|| PropertySum {
                        name: property.name(),
                        exercised: sum.exercised,
                        violated: sum.violated,
                        vacuous_in: tally.runs - sum.runs,
                    })
                })
                .collect(),
            heat: heat(header, tally, names.clone()),
            counters: counters(&tally.counters),
            situations: tally
                .situations
                .iter()
                .map(|(situation, sum)| (situation.name(), sum.runs))
                .collect(),
            situations_missed: tally.never().map(Situation::name).collect(),
            scenarios: names,
        }
    }
}

fn groups(header: &Header, tally: &Tally, names: &[String]) -> Vec<GroupLine> {
    let example = |(scenario, seed): (usize, u64), failed: &Failed| Example {
        scenario: names[scenario].clone(),
        seed,
        faults: failed.faults,
        file: failed.file.clone(),
    };
    let line = |group: crate::experiment::campaign::Group<'_>| {
        let is_of_group = |(_, failed): &(&(usize, u64), &Failed)| {
            failed.property == group.property && failed.signature == group.signature
        };
        let (run, failed) = tally
            .failures
            .iter()
            .find(is_of_group)
            .expect("a group has a run");
        let each = header.seeds.1 - header.seeds.0;
        GroupLine {
            property: group.property.to_owned(),
            signature: group.signature.to_owned(),
            count: group.count,
            first: example(*run, failed),
            smallest: example(group.smallest, group.example),
            runs_to_first: run.0 as u64 * each + (run.1 - header.seeds.0) + 1,
        }
    };
    tally.groups().into_iter().map(line).collect()
}

fn heat(header: &Header, tally: &Tally, rows: Vec<String>) -> Heat {
    let (from, to) = header.seeds;
    let width = (to - from).div_ceil(COLUMNS).max(1);
    let count = (to - from).div_ceil(width);
    let column = |index: u64| {
        let first = from + index * width;
        let last = (first + width).min(to) - 1;
        if first == last {
            first.to_string()
        } else {
            format!("{first}-{last}")
        }
    };
    let columns: Vec<String> = (0..count).map(column).collect();
    let mut cells = vec![vec![0; columns.len()]; rows.len()];
    for (scenario, seed) in tally.failures.keys() {
        let index = usize::try_from((seed - from) / width).expect("columns are few");
        cells[*scenario][index] += 1;
    }
    Heat {
        rows,
        columns,
        cells,
    }
}
