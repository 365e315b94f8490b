//! Sums over the runs of a campaign.

use std::collections::BTreeMap;

use super::{Failed, Line};
use crate::check::verdict::Property;
use crate::experiment::counters::Counters;
use crate::experiment::situations::Situation;

/// What a campaign found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Runs.
    pub runs: u64,
    /// Runs in which all properties hold.
    pub held: u64,
    /// Runs with a violation.
    pub violated: u64,
    /// Runs that could not be judged.
    pub undecided: u64,
    /// Runs whose violations a fault outside Zab's model excuses.
    pub excused: u64,
    /// Events of all runs.
    pub events: u64,
    /// Virtual time of all runs.
    pub virtual_ms: u64,
    /// Per property.
    pub properties: BTreeMap<Property, PropertyTally>,
    /// Sums of what was exercised.
    pub counters: Counters,
    /// Per situation.
    pub situations: BTreeMap<Situation, SituationTally>,
    /// The runs that failed, by scenario and seed.
    pub failures: BTreeMap<(usize, u64), Failed>,
}

/// What a campaign says of a property.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PropertyTally {
    /// Judgements.
    pub exercised: u64,
    /// Runs in which it was judged.
    pub runs: u64,
    /// Runs in which it was violated.
    pub violated: u64,
}

/// How often a campaign reached a situation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SituationTally {
    /// In all.
    pub count: u64,
    /// Runs that did.
    pub runs: u64,
}

/// Failures of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group<'a> {
    /// The property.
    pub property: &'a str,
    /// The signature.
    pub signature: &'a str,
    /// How many.
    pub count: u64,
    /// Scenario and seed of the one with the fewest faults.
    pub smallest: (usize, u64),
    /// That one.
    pub example: &'a Failed,
}

impl Tally {
    /// Counts one run.
    pub(super) fn add(&mut self, line: &Line) {
        self.runs += 1;
        *match line.verdict.as_str() {
            "holds" => &mut self.held,
            "violated" => &mut self.violated,
            "excused" => &mut self.excused,
            _ => &mut self.undecided,
        } += 1;
        self.events += line.events;
        self.virtual_ms += line.virtual_ms;
        for (property, exercised) in Property::ALL.into_iter().zip(&line.exercised) {
            if *exercised > 0 {
                let tally = self.properties.entry(property).or_default();
                tally.exercised += exercised;
                tally.runs += 1;
            }
        }
        for index in &line.violated {
            self.properties
                .entry(Property::ALL[*index])
                .or_default()
                .violated += 1;
        }
        self.counters.add(&line.counters);
        for (situation, count) in Situation::ALL.iter().zip(&line.reached) {
            if *count > 0 {
                let tally = self.situations.entry(*situation).or_default();
                tally.count += count;
                tally.runs += 1;
            }
        }
        if let Some(failed) = &line.failure {
            self.failures
                .insert((line.scenario, line.seed), failed.clone());
        }
    }

    /// Situations that no run reached.
    pub fn never(&self) -> impl Iterator<Item = Situation> {
        let was_reached = |situation: &Situation| self.situations.contains_key(situation);
        Situation::ALL
            .iter()
            .copied()
            .filter(move |situation| !was_reached(situation))
    }

    /// The failures by property and signature, the one with the smallest example first.
    pub fn groups(&self) -> Vec<Group<'_>> {
        let mut groups: BTreeMap<(&str, &str), Group<'_>> = BTreeMap::new();
        for (run, failed) in &self.failures {
            let group = groups
                .entry((&failed.property, &failed.signature))
                .or_insert(Group {
                    property: &failed.property,
                    signature: &failed.signature,
                    count: 0,
                    smallest: *run,
                    example: failed,
                });
            group.count += 1;
            if failed.faults < group.example.faults {
                (group.smallest, group.example) = (*run, failed);
            }
        }
        let mut groups: Vec<Group<'_>> = groups.into_values().collect();
        groups.sort_by_key(|group| (group.example.faults, group.smallest));
        groups
    }
}
