//! The search for a smaller scenario: candidates are tried in order, several at a time, and the first in order that still
//! fails is adopted, so that the result does not depend on how many are tried at once.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};

use super::failure::{Failure, Trial};
use crate::base::digest::Digest;
use crate::base::time::Time;
use crate::experiment::scenario::Scenario;

/// Plays a candidate.
pub(super) type Play<'a> = dyn Fn(&Scenario) -> Trial + Sync + 'a;

/// Told after every batch of candidates: the runs so far and the best scenario.
pub type Tell<'a> = dyn FnMut(u64, &Scenario) + 'a;

/// What a search may spend.
#[derive(Clone, Copy, Debug)]
pub struct Budget<'a> {
    /// Runs at most.
    pub runs: u64,
    /// Runs at a time.
    pub jobs: usize,
    /// Set by whoever wants it to end.
    pub stop: &'a AtomicBool,
}

/// A search under way.
pub(super) struct Search<'a> {
    play: &'a Play<'a>,
    budget: Budget<'a>,
    tell: &'a mut Tell<'a>,
    best: Scenario,
    /// When the best one fails.
    fails_at: Time,
    runs: u64,
    /// Candidates that were tried and did not fail as wanted.
    rejected: BTreeSet<u64>,
    /// Other failures that were met, each with the smallest scenario that shows it.
    others: BTreeMap<Failure, Scenario>,
}

impl<'a> Search<'a> {
    /// A search from a scenario that fails at that time.
    pub(super) fn new(
        start: Scenario,
        fails_at: Time,
        play: &'a Play<'a>,
        budget: Budget<'a>,
        tell: &'a mut Tell<'a>,
    ) -> Self {
        Self {
            play,
            budget,
            tell,
            best: start,
            fails_at,
            runs: 0,
            rejected: BTreeSet::new(),
            others: BTreeMap::new(),
        }
    }

    /// The smallest scenario so far.
    pub(super) fn best(&self) -> &Scenario {
        &self.best
    }

    /// When it fails.
    pub(super) fn fails_at(&self) -> Time {
        self.fails_at
    }

    /// The best scenario and when it fails, to come back to.
    pub(super) fn state(&self) -> (Scenario, Time) {
        (self.best.clone(), self.fails_at)
    }

    /// Goes back to an earlier best.
    pub(super) fn restore(&mut self, (best, fails_at): (Scenario, Time)) {
        self.best = best;
        self.fails_at = fails_at;
    }

    #[cfg(test)]
    pub(super) fn set_fails_at(&mut self, time: Time) {
        self.fails_at = time;
    }

    /// How many runs it took.
    pub(super) fn runs(&self) -> u64 {
        self.runs
    }

    /// Other failures that were met on the way.
    pub(super) fn others(&self) -> &BTreeMap<Failure, Scenario> {
        &self.others
    }

    /// Whether nothing more is tried.
    pub(super) fn is_over(&self) -> bool {
        self.runs >= self.budget.runs || self.budget.stop.load(Ordering::Relaxed)
    }

    /// Tries candidates in order and adopts the first that fails as wanted; returns its place.
    pub(super) fn adopt_first(
        &mut self,
        candidates: impl IntoIterator<Item = Scenario>,
    ) -> Option<usize> {
        let mut candidates = candidates.into_iter();
        let mut place = 0;
        while !self.is_over() {
            let left = usize::try_from(self.budget.runs - self.runs).unwrap_or(usize::MAX);
            let batch: Vec<Scenario> = candidates
                .by_ref()
                .take(self.budget.jobs.max(1).min(left))
                .collect();
            if batch.is_empty() {
                return None;
            }
            let trials = self.play_all(&batch);
            if self.budget.stop.load(Ordering::Relaxed) {
                return None;
            }
            for (candidate, trial) in batch.into_iter().zip(trials) {
                if self.take(candidate, trial) {
                    return Some(place);
                }
                place += 1;
            }
        }
        None
    }

    /// Tries one candidate.
    pub(super) fn adopts(&mut self, candidate: Scenario) -> bool {
        self.adopt_first([candidate]).is_some()
    }

    /// Plays a scenario that is not to be adopted; `None` when the search is over by order.
    pub(super) fn probe(&mut self, candidate: &Scenario) -> Option<Trial> {
        if self.budget.stop.load(Ordering::Relaxed) {
            return None;
        }
        self.runs += 1;
        Some(play_one(self.play, candidate))
    }

    /// Takes note of a trial; returns whether it is adopted. A trial that is known costs nothing.
    fn take(&mut self, candidate: Scenario, trial: Option<Trial>) -> bool {
        let Some(trial) = trial else { return false };
        let fingerprint = fingerprint(&candidate);
        if self.rejected.contains(&fingerprint) {
            return false;
        }
        self.runs += 1;
        match trial {
            Trial::Same(time) => {
                self.best = candidate;
                self.fails_at = time;
                (self.tell)(self.runs, &self.best);
                return true;
            }
            Trial::Other(failure) => {
                self.rejected.insert(fingerprint);
                self.others.insert(failure, candidate);
            }
            Trial::Passes => {
                self.rejected.insert(fingerprint);
            }
        }
        (self.tell)(self.runs, &self.best);
        false
    }

    /// Plays a batch at a time; `None` for what is known to be no use.
    fn play_all(&self, batch: &[Scenario]) -> Vec<Option<Trial>> {
        let is_new = |scenario: &Scenario| {
            *scenario != self.best && !self.rejected.contains(&fingerprint(scenario))
        };
        let news: Vec<bool> = batch.iter().map(is_new).collect();
        let trial = self.play;
        let play =
            move |(scenario, is_new): (&Scenario, &bool)| is_new.then(|| play_one(trial, scenario));
        if news.iter().filter(|is_new| **is_new).count() <= 1 {
            return batch.iter().zip(&news).map(play).collect();
        }
        #[expect(
            clippy::disallowed_methods,
            reason = "candidates share nothing; adoption goes by their order, not by who is done first"
        )]
        std::thread::scope(|scope| {
            let workers: Vec<_> = batch
                .iter()
                .zip(&news)
                .map(|pair| scope.spawn(move || play(pair)))
                .collect();
            workers
                .into_iter()
                .map(|worker| worker.join().expect("panics of a run are caught inside"))
                .collect()
        })
    }
}

/// A run that panics is a bug of ours and not the failure that is looked for.
fn play_one(play: &Play<'_>, scenario: &Scenario) -> Trial {
    catch_unwind(AssertUnwindSafe(|| play(scenario))).unwrap_or(Trial::Passes)
}

/// A number that stands for a scenario.
fn fingerprint(scenario: &Scenario) -> u64 {
    Digest::of(&scenario.to_string())
}
