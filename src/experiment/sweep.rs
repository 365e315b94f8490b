//! Many seeds of one scenario, several at a time. Each run is single-threaded and depends on its seed only, so that the
//! results are the same however many jobs share the work.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;

use super::campaign::Campaign;
use super::generate;
use super::outcome::Outcome;
use super::run::{Nobody, play};
use super::scenario::Scenario;
use super::scenario::sections::{Expect, Expected};
use crate::base::rng::Seed;
use crate::check::verdict::Verdict;

/// One seed in so many is played twice by default, to see that both runs are the same.
pub const CHECK_EVERY: u64 = 64;

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
    /// Two runs of the same seed differed: a bug of the simulator, with the first difference.
    Diverged(String),
    /// The program failed: a bug of ours, with its message.
    Panicked(String),
}

impl Played {
    /// The verdict; bugs of ours count as violations.
    pub fn verdict(&self) -> Verdict {
        match &self.fate {
            Fate::Judged(outcome) => outcome.verdict(),
            Fate::Diverged(_) | Fate::Panicked(_) => Verdict::Violated,
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
                Verdict::Holds | Verdict::Vacuous | Verdict::Excused => None,
            },
            Fate::Diverged(_) => Some("determinism"),
            Fate::Panicked(_) => Some("panic"),
        }
    }

    /// The kind of failure, free of ids and times: the signature of the violation that decided.
    pub fn signature(&self) -> &'static str {
        match &self.fate {
            Fate::Judged(outcome) => {
                let first = outcome
                    .violations
                    .iter()
                    .min_by_key(|violation| violation.at);
                first.map_or("undecided", |violation| violation.signature)
            }
            Fate::Diverged(_) => "diverged",
            Fate::Panicked(_) => "panicked",
        }
    }

    /// What a panic or a divergence said.
    pub fn message(&self) -> Option<String> {
        match &self.fate {
            Fate::Judged(_) => None,
            Fate::Diverged(message) | Fate::Panicked(message) => Some(message.clone()),
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
                    Verdict::Excused => Expected::Excused,
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

/// Plays some runs a second time, to see that they come out the same.
pub trait Doubt: Sync {
    /// Whether this seed is played again.
    fn doubts(&self, seed: u64) -> bool;

    /// Plays a scenario again.
    ///
    /// # Errors
    /// The first difference.
    fn again(&self, scenario: &Scenario, outcome: &Outcome) -> Result<(), String>;
}

/// Plays one seed in so many again, in this process.
#[derive(Clone, Copy, Debug)]
pub struct Again {
    /// One in so many.
    pub every: u64,
}

impl Doubt for Again {
    fn doubts(&self, seed: u64) -> bool {
        seed.is_multiple_of(self.every)
    }

    fn again(&self, scenario: &Scenario, outcome: &Outcome) -> Result<(), String> {
        let again = play(scenario, &mut Nobody);
        if again == *outcome {
            Ok(())
        } else {
            let (one, two) = (outcome.digest, again.digest);
            Err(format!(
                "digest {one:016x}, and {two:016x} when played again"
            ))
        }
    }
}

/// Plays one seed, once.
pub fn play_seed(scenario: &Scenario, seed: u64) -> Played {
    play_doubting(scenario, seed, &Trust)
}

/// Plays every seed once.
#[derive(Clone, Copy, Debug)]
pub struct Trust;

impl Doubt for Trust {
    fn doubts(&self, _seed: u64) -> bool {
        false
    }

    fn again(&self, _scenario: &Scenario, _outcome: &Outcome) -> Result<(), String> {
        Ok(())
    }
}

/// Plays one seed, and again if it is doubted.
fn play_doubting(scenario: &Scenario, seed: u64, doubt: &dyn Doubt) -> Played {
    let mut scenario = scenario.clone();
    scenario.seed = Seed(seed);
    let scenario = generate::expand(&scenario);
    let attempt = || {
        let outcome = play(&scenario, &mut Nobody);
        let doubted = if doubt.doubts(seed) {
            doubt.again(&scenario, &outcome)
        } else {
            Ok(())
        };
        match doubted {
            Ok(()) => Fate::Judged(Box::new(outcome)),
            Err(difference) => Fate::Diverged(difference),
        }
    };
    let fate = match catch_unwind(AssertUnwindSafe(attempt)) {
        Ok(fate) => fate,
        Err(payload) => Fate::Panicked(message(payload.as_ref())),
    };
    Played {
        seed,
        scenario,
        fate,
    }
}

/// What a panic said.
pub(super) fn message(payload: &(dyn std::any::Any + Send)) -> String {
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

/// How a campaign is played.
pub struct Work<'a> {
    /// What is played.
    pub campaign: &'a Campaign,
    /// Runs, by place, that need not be played.
    pub skip: &'a (dyn Fn(u64) -> bool + Sync),
    /// How many runs at a time.
    pub jobs: usize,
    /// Ends the work early when set.
    pub stop: &'a AtomicBool,
    /// Which runs are played twice.
    pub doubt: &'a dyn Doubt,
}

/// Plays the runs of a campaign on several threads, hands each result with its place to `take` as it comes (in no
/// particular order), and stops early, with what is done, when told so or when `take` has enough.
pub fn sweep(work: &Work<'_>, mut take: impl FnMut(u64, usize, Played) -> bool) {
    let next = AtomicU64::new(0);
    let runs = work.campaign.runs();
    let (sender, receiver) = mpsc::sync_channel(work.jobs * 4);
    let toil = |sender: mpsc::SyncSender<(u64, usize, Played)>| {
        while !work.stop.load(Ordering::Relaxed) {
            let place = next.fetch_add(1, Ordering::Relaxed);
            if place >= runs {
                return;
            }
            if (work.skip)(place) {
                continue;
            }
            let (index, seed) = work.campaign.run_at(place);
            let played = play_doubting(&work.campaign.scenarios[index], seed, work.doubt);
            if sender.send((place, index, played)).is_err() {
                return;
            }
        }
    };
    #[expect(
        clippy::disallowed_methods,
        reason = "runs share nothing; only the order in which they finish depends on threads"
    )]
    std::thread::scope(|scope| {
        for _ in 0..work.jobs {
            let sender = sender.clone();
            scope.spawn(|| toil(sender));
        }
        drop(sender);
        while let Ok((place, index, played)) = receiver.recv() {
            if !take(place, index, played) {
                break;
            }
        }
        // Whoever still works finds nobody to tell.
        drop(receiver);
    });
}
