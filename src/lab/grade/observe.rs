//! Grades of invariants: silent about correct runs, loud about defects.

use super::{FUNCTION, Grade, Part, broken};
use crate::experiment::scenario::Scenario;
use crate::lab::course::{DEFECTS, Lab};
use crate::lab::grade::{Extent, Only, Starts};
use crate::lab::hidden::Seeds;
use crate::lab::solution::{Answers, Fault};
use crate::lab::story;
use crate::lab::watcher::{Alarm, Model, Watched, first_alarm, watch};
use crate::lab::wire::{Answer, Question};

/// An invariant under test.
struct Trial<'a> {
    lab: &'static Lab,
    starts: &'a dyn Starts,
    solution: Box<dyn Answers>,
    seeds: &'a Seeds,
    extent: Extent,
    only: &'a Only,
    /// What it was asked and said.
    said: Vec<(Question, Option<Alarm>)>,
}

pub(super) fn grade(
    lab: &'static Lab,
    student: &str,
    starts: &dyn Starts,
    seeds: &Seeds,
    (extent, only): (Extent, &Only),
) -> Grade {
    let trial = starts.start(0).map(|solution| Trial {
        lab,
        starts,
        solution,
        seeds,
        extent,
        only,
        said: Vec::new(),
    });
    let graded = trial.and_then(|mut trial| {
        let mut parts = Vec::new();
        if only.has(QUIET) {
            parts.push(trial.quiet()?);
        }
        if only.has(LOUD) {
            parts.push(trial.loud()?);
        }
        parts.insert(0, trial.is_function(starts)?);
        Ok((parts, trial.said.len()))
    });
    match graded {
        Ok((mut parts, questions)) => {
            if !parts[0].passed {
                parts.truncate(1);
            }
            Grade {
                questions,
                ..Grade::of(lab, student, parts)
            }
        }
        Err(fault) => Grade::broken(lab, student, &fault),
    }
}

/// The runs without a defect.
pub const QUIET: &str = "ensembles";
/// Those with one.
pub const LOUD: &str = "defects";

impl Trial<'_> {
    fn alarm(&mut self, watched: &Watched) -> Result<Option<Alarm>, Fault> {
        let question = Question::Observe {
            events: watched.seen.clone(),
        };
        let alarm = said(&mut *self.solution, &question, watched.seen.len())?;
        self.said.push((question, alarm.clone()));
        Ok(alarm)
    }

    fn family(&self) -> Scenario {
        let family = || self.lab.rounds[0].scenario();
        self.only.family.clone().unwrap_or_else(family)
    }

    fn seeds_of(&self, part: &str, runs: u64) -> Vec<u64> {
        match self.only.seed {
            Some(seed) => vec![seed],
            None => (0..runs).map(|nth| self.seeds.seed(part, nth)).collect(),
        }
    }

    fn quiet(&mut self) -> Result<Part, Fault> {
        let family = self.family();
        let seeds = self.seeds_of(QUIET, self.extent.runs);
        let (all, mut quiet) = (seeds.len() as u64, 0);
        for (done, seed) in (0..).zip(seeds) {
            self.starts.hear("correct runs", done, all);
            quiet += u64::from(self.alarm(&watch(&family, seed, None))?.is_none());
        }
        let mut shown = None;
        if quiet < all {
            for seed in self.public(QUIET) {
                let watched = watch(&family, seed, None);
                if let Some(alarm) = self.alarm(&watched)? {
                    shown = Some(story::of_false_alarm(self.lab, seed, &watched, &alarm));
                    break;
                }
            }
        }
        Ok(Part {
            name: "no false alarms".to_owned(),
            score: self.most().0 * quiet / all.max(1),
            most: self.most().0,
            is_gate: true,
            passed: quiet == all,
            says: format!("silent about {quiet} of {all} correct runs"),
            shown,
        })
    }

    fn loud(&mut self) -> Result<Part, Fault> {
        let family = self.family();
        let runs = (self.extent.runs / 4).max(1);
        let (mut killed, mut known, mut missed) = (0, 0, None);
        for (done, defect) in (0..).zip(DEFECTS) {
            self.starts.hear("defects", done, DEFECTS.len() as u64);
            let (mut mine, mut theirs) = (false, false);
            for seed in self.seeds_of(defect, runs) {
                let watched = watch(&family, seed, Some(defect));
                mine |= self.alarm(&watched)?.is_some();
                theirs |= first_alarm(&mut Model::default(), &watched.seen).is_some();
                if mine && theirs {
                    break;
                }
            }
            known += u64::from(theirs);
            killed += u64::from(mine && theirs);
            if theirs && !mine {
                missed = missed.or(Some(defect));
            }
        }
        let mut shown = None;
        if let Some(defect) = missed {
            for seed in self.public(defect) {
                let watched = watch(&family, seed, Some(defect));
                let theirs = first_alarm(&mut Model::default(), &watched.seen);
                if let Some(theirs) = theirs
                    && self.alarm(&watched)?.is_none()
                {
                    shown = Some(story::of_silence(self.lab, seed, &watched, &theirs));
                    break;
                }
            }
        }
        Ok(Part {
            name: "defects found".to_owned(),
            score: self.most().1 * killed / known.max(1),
            most: self.most().1,
            is_gate: true,
            passed: killed * 2 >= known,
            says: format!("{killed} of the {known} defects that the reference finds"),
            shown,
        })
    }

    fn most(&self) -> (u64, u64) {
        let weights = super::Weights::of(self.lab.task);
        (weights.safe, weights.cost)
    }

    fn public(&self, part: &str) -> Vec<u64> {
        let public = (0..self.extent.search.min(40)).map(|nth| Seeds::Public.seed(part, nth));
        self.only
            .seed
            .map_or_else(|| public.collect(), |seed| vec![seed])
    }

    /// Whether another process says the same of the same runs, last one first.
    fn is_function(&self, starts: &dyn Starts) -> Result<Part, Fault> {
        let mut again = starts.start(1)?;
        for (nth, (question, first)) in self.said.iter().enumerate().rev() {
            let second = said(&mut *again, question, usize::MAX)?;
            if *first != second {
                let what = "two processes said different things about the same run: an unordered map, a clock, a random \
                            number or something remembered of an earlier run is likely";
                let said = (first.as_ref(), second.as_ref());
                return Ok(broken(what, Some(story::of_doubt(self.lab, nth + 1, said))));
            }
        }
        Ok(Part {
            name: FUNCTION.to_owned(),
            score: 0,
            most: 0,
            is_gate: true,
            passed: true,
            says: format!("two processes said the same of {} runs", self.said.len()),
            shown: None,
        })
    }
}

fn said(
    solution: &mut dyn Answers,
    question: &Question,
    events: usize,
) -> Result<Option<Alarm>, Fault> {
    let answer = solution.answer(question)?;
    let Answer::Alarm(alarm) = &answer else {
        return Err(Fault(format!(
            "the answer to `observe` was {}, which answers another question",
            answer.line()
        )));
    };
    if let Some(alarm) = alarm
        && alarm.at >= events
    {
        let at = alarm.at;
        return Err(Fault(format!("its alarm is at event {at} of {events}")));
    }
    Ok(alarm.clone())
}
