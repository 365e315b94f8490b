//! Many seeds of one scenario, several at a time. Each run is single-threaded and depends on its seed only, so that the
//! results are the same however many jobs share the work.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;

use super::generate;
use super::outcome::Outcome;
use super::run::{Nobody, play};
use super::scenario::Scenario;
use super::scenario::sections::{Expect, Expected};
use crate::base::rng::Seed;
use crate::check::verdict::Verdict;

/// One seed in so many is played twice, to see that both runs are the same.
const CHECK_EVERY: u64 = 64;

/// Length of the longest name a scenario may have.
const LONGEST_NAME: usize = 64;

/// What came of one seed.
#[derive(Clone, Debug)]
pub struct Played {
    /// Which.
    pub seed: u64,
    /// The scenario as it was played: every fault in the plan.
    pub scenario: Scenario,
    /// What happened.
    pub fate: Fate,
}

/// How a run ended.
#[derive(Clone, Debug)]
pub enum Fate {
    /// With an outcome.
    Judged(Box<Outcome>),
    /// Two runs of the same seed differed: a bug of the simulator.
    Diverged,
    /// The program failed: a bug of ours, with its message.
    Panicked(String),
}

impl Played {
    /// The verdict; bugs of ours count as violations.
    pub fn verdict(&self) -> Verdict {
        match &self.fate {
            Fate::Judged(outcome) => outcome.verdict(),
            Fate::Diverged | Fate::Panicked(_) => Verdict::Violated,
        }
    }

    /// What failed: a property's name, or a word for a bug of ours.
    pub fn failure(&self) -> Option<&'static str> {
        match &self.fate {
            Fate::Judged(outcome) => match outcome.verdict() {
                Verdict::Violated | Verdict::Undecided => Some(
                    outcome
                        .decisive()
                        .map_or("event-budget", |property| property.name()),
                ),
                Verdict::Holds | Verdict::Vacuous => None,
            },
            Fate::Diverged => Some("determinism"),
            Fate::Panicked(_) => Some("panic"),
        }
    }

    /// The failure as a scenario of its own: the whole plan, nothing to generate, and this outcome expected.
    pub fn saved(&self) -> Scenario {
        let mut scenario = self.scenario.clone();
        let tail = format!("-seed{}", self.seed);
        scenario.name.truncate(LONGEST_NAME - tail.len());
        scenario.name.push_str(&tail);
        if let Fate::Judged(outcome) = &self.fate {
            scenario.expect = Expect {
                verdict: match outcome.verdict() {
                    Verdict::Violated => Expected::Violated,
                    Verdict::Undecided => Expected::Undecided,
                    Verdict::Holds | Verdict::Vacuous => Expected::Holds,
                },
                property: outcome
                    .decisive()
                    .map(|property| property.name().to_owned()),
                digest: Some(format!("{:016x}", outcome.digest)),
            };
        }
        scenario
    }
}

/// Plays one seed.
pub fn play_seed(scenario: &Scenario, seed: u64) -> Played {
    let mut scenario = scenario.clone();
    scenario.seed = Seed(seed);
    let scenario = generate::expand(&scenario);
    let attempt = || catch_unwind(AssertUnwindSafe(|| play(&scenario, &mut Nobody)));
    let fate = match attempt() {
        Err(payload) => Fate::Panicked(message(payload.as_ref())),
        Ok(outcome) => {
            let doubted = seed.is_multiple_of(CHECK_EVERY);
            if doubted && attempt().ok().as_ref() != Some(&outcome) {
                Fate::Diverged
            } else {
                Fate::Judged(Box::new(outcome))
            }
        }
    };
    Played {
        seed,
        scenario,
        fate,
    }
}

fn message(payload: &(dyn std::any::Any + Send)) -> String {
    payload
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| {
            payload
                .downcast_ref::<&str>()
                .map(|text| (*text).to_owned())
        })
        .unwrap_or_else(|| "a panic without a message".to_owned())
}

/// Plays every seed of a range on `jobs` threads, hands each result to `take` as it comes (in no particular order), and
/// stops early, with what is done, when `stop` is set or `take` says so.
pub fn sweep(
    scenario: &Scenario,
    seeds: Range<u64>,
    jobs: usize,
    stop: &AtomicBool,
    mut take: impl FnMut(Played) -> bool,
) {
    let next = AtomicU64::new(seeds.start);
    let (sender, receiver) = mpsc::sync_channel(jobs * 4);
    let work = |sender: mpsc::SyncSender<Played>| {
        while !stop.load(Ordering::Relaxed) {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end || sender.send(play_seed(scenario, seed)).is_err() {
                return;
            }
        }
    };
    #[expect(
        clippy::disallowed_methods,
        reason = "runs share nothing; only the order in which they finish depends on threads"
    )]
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            let sender = sender.clone();
            scope.spawn(|| work(sender));
        }
        drop(sender);
        while let Ok(played) = receiver.recv() {
            if !take(played) {
                break;
            }
        }
        // Whoever still works finds nobody to tell.
        drop(receiver);
    });
}
