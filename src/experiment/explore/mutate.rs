//! Mutations of plans that have shown something new: what comes of them is close to it, and a little beyond.

use std::collections::BTreeMap;
use std::sync::Arc;

use rand_chacha::ChaCha8Rng;
use rand_core::Rng;

use super::Kept;
use crate::base::ratio::Ratio;
use crate::base::rng::{Draw, Seed};
use crate::base::time::{Span, Time};
use crate::experiment::generate;
use crate::experiment::scenario::Scenario;
use crate::sim::fault::{Planned, Trigger};
use crate::sim::law::log_between;

/// The most faults a mutated plan has.
const MOST_FAULTS: usize = 60;

/// The furthest that a fault is moved at once, milliseconds.
const FURTHEST_MS: u64 = 4_000;

/// Makes scenarios from what is known; everything it decides comes from its dice.
pub(super) struct Mutator<'a> {
    pub(super) dice: ChaCha8Rng,
    pub(super) family: &'a Scenario,
    pub(super) corpus: &'a [Kept],
}

impl Mutator<'_> {
    fn draw(&mut self) -> Draw {
        Draw::from_word(self.dice.next_u64())
    }

    fn chance(&mut self, num: u32, den: u32) -> bool {
        self.draw().chance(Ratio::new(num, den))
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.draw().below(bound as u64)).expect("below a length")
    }

    /// A seed of the family as it is.
    pub(super) fn fresh(&mut self) -> Scenario {
        let mut scenario = self.family.clone();
        scenario.seed = Seed(self.draw().below(1 << 48));
        generate::expand(&scenario)
    }

    /// A scenario of the corpus with one to four mutations, and which it was.
    pub(super) fn mutant(&mut self) -> (Scenario, usize) {
        let parent = self.parent();
        let mut scenario = self.corpus[parent].scenario.clone();
        let marks = self.corpus[parent].marks.clone();
        for _ in 0..=self.below(4) {
            self.mutate(&mut scenario, &marks);
        }
        scenario.plan.truncate(MOST_FAULTS);
        for (number, planned) in (1..).zip(&mut scenario.plan) {
            planned.id = Arc::from(format!("m{number}"));
        }
        (scenario, parent)
    }

    /// What showed much and was chosen seldom is chosen first.
    fn parent(&mut self) -> usize {
        let weight = |kept: &Kept| 1 + u64::from(kept.news) * 8 / u64::from(kept.chosen + 1);
        let sum: u64 = self.corpus.iter().map(weight).sum();
        let mut left = self.draw().below(sum);
        for (index, kept) in self.corpus.iter().enumerate() {
            let own = weight(kept);
            if left < own {
                return index;
            }
            left -= own;
        }
        self.corpus.len() - 1
    }

    fn mutate(&mut self, scenario: &mut Scenario, marks: &BTreeMap<&'static str, u32>) {
        let end = scenario.limits.virtual_ms;
        if scenario.plan.is_empty() {
            self.add(scenario);
            return;
        }
        let index = self.below(scenario.plan.len());
        match self.below(10) {
            0 => scenario.seed = Seed(self.draw().below(1 << 48)),
            1 | 2 => self.shift(&mut scenario.plan[index], end),
            3 => self.stretch(&mut scenario.plan[index]),
            4 => {
                scenario.plan.remove(index);
            }
            5 => {
                let mut again = scenario.plan[index].clone();
                self.shift(&mut again, end);
                scenario.plan.push(again);
            }
            6 | 7 => self.ambush(&mut scenario.plan[index], marks),
            8 => self.splice(scenario),
            _ => self.add(scenario),
        }
    }

    /// Earlier or later.
    fn shift(&mut self, planned: &mut Planned, end: u64) {
        let by = log_between(self.draw(), 1, FURTHEST_MS);
        let is_later = self.chance(1, 2);
        match &mut planned.trigger {
            Trigger::At(time) => {
                let at = time.as_ms();
                let moved = if is_later {
                    at + by
                } else {
                    at.saturating_sub(by)
                };
                *time = Time::from_ms(moved.clamp(1, end - 1));
            }
            Trigger::When { nth, .. } => {
                let by = u32::try_from(by % 8).expect("a small number");
                *nth = if is_later {
                    *nth + by
                } else {
                    nth.saturating_sub(by).max(1)
                };
            }
        }
    }

    /// Longer or shorter.
    fn stretch(&mut self, planned: &mut Planned) {
        let num = [1, 1, 4, 8][self.below(4)];
        let den = [4, 2, 2, 2][self.below(4)];
        if let Some(lasts) = &mut planned.lasts {
            *lasts = Span::from_us((lasts.as_us() * num / den).max(1_000));
        }
    }

    /// At something that was said in the parent's run, or inside the step that said it.
    fn ambush(&mut self, planned: &mut Planned, marks: &BTreeMap<&'static str, u32>) {
        if marks.is_empty() {
            return;
        }
        let at = self.below(marks.len());
        let (mark, count) = marks.iter().nth(at).expect("below its length");
        let nth = self.draw().between(1, u64::from(*count));
        let after = if self.chance(1, 2) {
            Span::ZERO
        } else {
            Span::from_us(log_between(self.draw(), 1, 300_000))
        };
        let is_cut = after == Span::ZERO && self.chance(1, 2);
        planned.trigger = Trigger::When {
            mark: Arc::from(*mark),
            nth: u32::try_from(nth).expect("below a count"),
            after,
            by: None,
            cut: is_cut.then(|| u32::try_from(self.draw().below(4)).expect("a small number")),
        };
    }

    /// The end of another plan instead of one's own.
    fn splice(&mut self, scenario: &mut Scenario) {
        let other = self.below(self.corpus.len());
        let seam = self.draw().below(scenario.limits.virtual_ms);
        let is_early = |planned: &Planned| match planned.trigger {
            Trigger::At(time) => time.as_ms() < seam,
            Trigger::When { .. } => true,
        };
        scenario.plan.retain(is_early);
        let late = self.corpus[other].scenario.plan.iter();
        scenario
            .plan
            .extend(late.filter(|planned| !is_early(planned)).cloned());
    }

    /// A fault that the family might have drawn.
    fn add(&mut self, scenario: &mut Scenario) {
        let fresh = self.fresh();
        if !fresh.plan.is_empty() {
            let index = self.below(fresh.plan.len());
            scenario.plan.push(fresh.plan[index].clone());
        }
    }
}
