//! The kill matrix: which property catches which defect, how many seeds that takes, and how small the failure becomes.
//!
//! A campaign looks for a defect from some seed on and ends with the first seed that shows it; the next campaign begins
//! after it. The seeds that campaigns took are the measure of how hard a defect is to find.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::AtomicBool;

use serde::{Deserialize, Serialize};

use super::campaign::{Campaign, Shard};
use super::scenario::Scenario;
use super::sweep::{Fate, Played, Trust, Work, sweep};
use crate::check::verdict::{Property, Verdict};

/// How one property did on one defect.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cell {
    /// Runs in which it was violated.
    pub runs: u64,
    /// Of them, runs in which it was violated first (or at the same moment as the first).
    pub earliest: u64,
    /// Of them, runs in which nothing else was.
    pub alone: u64,
    /// The first seed that violated it.
    pub first_seed: u64,
}

/// How many seeds campaigns took.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Search {
    /// Campaigns that ended with a find.
    pub campaigns: u64,
    /// Seeds that the median campaign took.
    pub median: u64,
    /// 2.5 % of campaigns took at most so many.
    pub low: u64,
    /// 97.5 % of campaigns took at most so many.
    pub high: u64,
}

/// What was measured of one defect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// The defect.
    pub id: String,
    /// Runs played.
    pub runs: u64,
    /// Runs in which anything was violated.
    pub flagged: u64,
    /// Runs that panicked: bugs of ours.
    pub panicked: u64,
    /// Seeds until the property that must catch it did; none if it never did.
    pub search: Option<Search>,
    /// Virtual time until then, in a run that shows it: the median, milliseconds.
    pub virtual_ms: Option<u64>,
    /// Per property that was violated.
    pub cells: BTreeMap<String, Cell>,
}

/// What one run showed.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Sighting {
    seed: u64,
    /// Violated properties with the moment each was first.
    violated: BTreeMap<Property, u64>,
    panicked: bool,
}

impl Sighting {
    fn of(played: &Played) -> Self {
        let mut violated = BTreeMap::new();
        let mut panicked = true;
        if let Fate::Judged(outcome) = &played.fate {
            panicked = false;
            for judged in &outcome.properties {
                if judged.verdict != Verdict::Violated {
                    continue;
                }
                let own = outcome
                    .violations
                    .iter()
                    .filter(|violation| violation.property == judged.property);
                let first = own.map(|violation| violation.at.time.as_ms()).min();
                violated.insert(judged.property, first.unwrap_or_default());
            }
        }
        Self {
            seed: played.seed,
            violated,
            panicked,
        }
    }
}

/// Plays seeds of a family with a defect planted; `None` if it was stopped before the end.
pub fn measure(
    id: &str,
    breaks: Option<Property>,
    family: &Scenario,
    seeds: Range<u64>,
    jobs: usize,
    stop: &AtomicBool,
    tell: &mut dyn FnMut(u64),
) -> Option<Row> {
    let campaign = Campaign {
        scenarios: vec![family.clone()],
        seeds: seeds.clone(),
        shard: Shard::WHOLE,
    };
    let work = Work {
        campaign: &campaign,
        skip: &|_| false,
        jobs,
        stop,
        doubt: &Trust,
    };
    let mut sightings = Vec::new();
    sweep(&work, |_, _, played| {
        sightings.push(Sighting::of(&played));
        tell(sightings.len() as u64);
        true
    });
    sightings.sort_by_key(|sighting| sighting.seed);
    let is_whole = sightings.len() as u64 == seeds.end - seeds.start;
    is_whole.then(|| row(id, breaks, seeds.start, &sightings))
}

fn row(id: &str, breaks: Option<Property>, start: u64, sightings: &[Sighting]) -> Row {
    let mut cells: BTreeMap<String, Cell> = BTreeMap::new();
    for sighting in sightings {
        let first = sighting.violated.values().min();
        for (property, at) in &sighting.violated {
            let cell = cells
                .entry(property.name().to_owned())
                .or_insert_with(|| Cell {
                    first_seed: sighting.seed,
                    ..Cell::default()
                });
            cell.runs += 1;
            cell.earliest += u64::from(first == Some(at));
            cell.alone += u64::from(sighting.violated.len() == 1);
        }
    }
    let shows = |sighting: &&Sighting| {
        breaks.is_some_and(|property| sighting.violated.contains_key(&property))
    };
    let found: Vec<&Sighting> = sightings.iter().filter(shows).collect();
    let mut took = Vec::new();
    let mut from = start;
    for sighting in &found {
        took.push(sighting.seed - from + 1);
        from = sighting.seed + 1;
    }
    let times = breaks.map(|property| found.iter().map(move |found| found.violated[&property]));
    Row {
        id: id.to_owned(),
        runs: sightings.len() as u64,
        flagged: count(sightings, |sighting| !sighting.violated.is_empty()),
        panicked: count(sightings, |sighting| sighting.panicked),
        search: search(took),
        virtual_ms: times.and_then(|times| quantile(&sorted(times), 500)),
        cells,
    }
}

fn count(sightings: &[Sighting], wanted: impl Fn(&Sighting) -> bool) -> u64 {
    sightings.iter().filter(|sighting| wanted(sighting)).count() as u64
}

fn sorted(values: impl IntoIterator<Item = u64>) -> Vec<u64> {
    let mut values: Vec<u64> = values.into_iter().collect();
    values.sort_unstable();
    values
}

fn search(took: Vec<u64>) -> Option<Search> {
    let took = sorted(took);
    Some(Search {
        campaigns: took.len() as u64,
        median: quantile(&took, 500)?,
        low: quantile(&took, 25)?,
        high: quantile(&took, 975)?,
    })
}

/// The value that so many in a thousand do not exceed (nearest rank).
fn quantile(sorted: &[u64], per_mille: usize) -> Option<u64> {
    let rank = (sorted.len() * per_mille).div_ceil(1000).max(1);
    sorted.get(rank - 1).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sighting(seed: u64, violated: &[(Property, u64)]) -> Sighting {
        Sighting {
            seed,
            violated: violated.iter().copied().collect(),
            panicked: false,
        }
    }

    #[test]
    fn campaigns_end_with_a_find_and_the_next_begins_after_it() {
        use Property::{CommitQuorum, WatchLost};
        let sightings = [
            sighting(10, &[]),
            sighting(11, &[(CommitQuorum, 700), (WatchLost, 900)]),
            sighting(12, &[(WatchLost, 100)]),
            sighting(13, &[]),
            sighting(14, &[(CommitQuorum, 300)]),
            sighting(15, &[]),
        ];
        let row = row("x", Some(CommitQuorum), 10, &sightings);
        assert_eq!((row.runs, row.flagged, row.panicked), (6, 3, 0));
        let search = row.search.unwrap();
        assert_eq!((search.campaigns, search.median), (2, 2));
        assert_eq!((search.low, search.high), (2, 3));
        assert_eq!(row.virtual_ms, Some(300));
        let cell = |runs, earliest, alone, first_seed| Cell {
            runs,
            earliest,
            alone,
            first_seed,
        };
        assert_eq!(row.cells["commit-quorum"], cell(2, 2, 1, 11));
        assert_eq!(row.cells["watch-lost"], cell(2, 1, 1, 11));
    }

    #[test]
    fn what_is_never_seen_has_no_figures() {
        let row = row("x", Some(Property::Sessions), 0, &[sighting(0, &[])]);
        assert_eq!((row.search, row.virtual_ms), (None, None));
        assert!(row.cells.is_empty());
    }
}
