//! Guided exploration: plans whose runs reach abstract states that no run had reached before are kept and mutated, as
//! fuzzers do with inputs that reach new code. A generation is made from what is known before it, so that the result does
//! not depend on how many runs are played at a time.

mod mutate;
mod states;

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};

use self::mutate::Mutator;
pub use self::states::Landscape;
use super::run::play;
use super::scenario::Scenario;
use super::sweep::{Fate, Played, message};
use crate::base::digest::mix;
use crate::base::rng::{Domain, Seed, stream};

/// Runs of one generation.
const GENERATION: u64 = 16;

/// The most plans that are kept.
const MOST_KEPT: usize = 400;

/// A plan that reached something new.
#[derive(Clone, Debug)]
struct Kept {
    scenario: Scenario,
    marks: BTreeMap<&'static str, u32>,
    /// States that it was the first to reach.
    news: u32,
    /// How often it was mutated.
    chosen: u32,
}

/// Whether what was reached decides what is played next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feedback {
    /// Plans that reach new states are kept and mutated.
    On,
    /// Every run is a fresh seed of the family: the plain swarm.
    Off,
}

/// How an exploration is done.
#[derive(Clone, Copy, Debug)]
pub struct Effort<'a> {
    /// Decides everything.
    pub seed: Seed,
    /// How many runs.
    pub runs: u64,
    /// Whether it is guided.
    pub feedback: Feedback,
    /// How many runs at a time.
    pub jobs: usize,
    /// Ends it early when set.
    pub stop: &'a AtomicBool,
}

/// How far an exploration is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reach {
    /// Runs played.
    pub runs: u64,
    /// Abstract states reached.
    pub states: usize,
    /// Plans kept.
    pub kept: usize,
}

/// Explores a family; `take` sees every run in order with what was reached after it, and says whether to go on.
pub fn explore(
    family: &Scenario,
    effort: Effort<'_>,
    mut take: impl FnMut(Reach, &Played) -> bool,
) -> Reach {
    let mut known: BTreeSet<u64> = BTreeSet::new();
    let mut corpus: Vec<Kept> = Vec::new();
    let mut runs = 0;
    while runs < effort.runs && !effort.stop.load(Ordering::Relaxed) {
        let size = GENERATION.min(effort.runs - runs);
        let generation = generation(family, effort, runs..runs + size, &mut corpus);
        for (number, (played, landscape)) in (runs..).zip(play_all(&generation, effort.jobs)) {
            let before = known.len();
            known.extend(&landscape.states);
            let news =
                u32::try_from(known.len() - before).expect("states are counted in thousands");
            if news > 0 && effort.feedback == Feedback::On {
                keep(&mut corpus, &played, landscape.marks, news);
            }
            let reach = Reach {
                runs: number + 1,
                states: known.len(),
                kept: corpus.len(),
            };
            if !take(reach, &played) {
                return reach;
            }
        }
        runs += size;
    }
    Reach {
        runs,
        states: known.len(),
        kept: corpus.len(),
    }
}

/// The next scenarios: a quarter fresh, the rest mutated.
fn generation(
    family: &Scenario,
    effort: Effort<'_>,
    numbers: std::ops::Range<u64>,
    corpus: &mut [Kept],
) -> Vec<Scenario> {
    let mut parents = Vec::new();
    let scenarios = numbers
        .map(|number| {
            let seed = Seed(mix(effort.seed.0 ^ mix(number + 1)));
            let mut mutator = Mutator {
                dice: stream(seed, Domain::Explore),
                family,
                corpus,
            };
            let is_fresh = effort.feedback == Feedback::Off
                || mutator.corpus.is_empty()
                || number.is_multiple_of(4);
            if is_fresh {
                return mutator.fresh();
            }
            let (scenario, parent) = mutator.mutant();
            parents.push(parent);
            scenario
        })
        .collect();
    for parent in parents {
        corpus[parent].chosen += 1;
    }
    scenarios
}

/// Keeps a plan; when there are too many, the one that has shown least for its age goes.
fn keep(corpus: &mut Vec<Kept>, played: &Played, marks: BTreeMap<&'static str, u32>, news: u32) {
    if corpus.len() >= MOST_KEPT {
        let worth = |kept: &Kept| kept.news / (kept.chosen + 1);
        let least = (0..corpus.len()).min_by_key(|index| worth(&corpus[*index]));
        corpus.remove(least.expect("it is full"));
    }
    corpus.push(Kept {
        scenario: played.scenario.clone(),
        marks,
        news,
        chosen: 0,
    });
}

/// Plays a generation, `jobs` runs at a time; results in order.
fn play_all(scenarios: &[Scenario], jobs: usize) -> Vec<(Played, Landscape)> {
    let jobs = jobs.clamp(1, scenarios.len().max(1));
    let share = |job: usize| -> Vec<(Played, Landscape)> {
        let mine = scenarios.iter().skip(job).step_by(jobs);
        mine.map(play_one).collect()
    };
    #[expect(
        clippy::disallowed_methods,
        reason = "runs share nothing, and results are put back in order"
    )]
    let mut shares: Vec<_> = std::thread::scope(|scope| {
        let share = &share;
        let workers: Vec<_> = (0..jobs)
            .map(|job| scope.spawn(move || share(job)))
            .collect();
        let done = workers.into_iter().map(std::thread::ScopedJoinHandle::join);
        done.map(|runs| runs.expect("panics of a run are caught inside").into_iter())
            .collect()
    });
    (0..scenarios.len())
        .map(|index| shares[index % jobs].next().expect("a result per scenario"))
        .collect()
}

fn play_one(scenario: &Scenario) -> (Played, Landscape) {
    let mut landscape = Landscape::default();
    let attempt = AssertUnwindSafe(|| play(scenario, &mut landscape));
    let fate = match catch_unwind(attempt) {
        Ok(outcome) => Fate::Judged(Box::new(outcome)),
        Err(payload) => Fate::Panicked(message(payload.as_ref())),
    };
    let played = Played {
        seed: scenario.seed.0,
        scenario: scenario.clone(),
        fate,
    };
    (played, landscape)
}

#[cfg(test)]
mod tests;
