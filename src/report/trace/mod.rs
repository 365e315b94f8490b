//! A run as a player shows it: every input of every node, messages, facts in words, and the state of each server at each moment.
//!
//! A trace is made by playing a run again with a recorder attached, so sweeps pay nothing for it. [`Trace::whole`] is its
//! file format: columns of integers, gzipped, the same bytes from the same run.

pub mod columns;
mod document;
pub mod kinds;
pub mod recorder;
mod thin;
mod watches;

use recorder::{Recorder, Row};

use crate::base::id::{ClientId, NodeId};
use crate::base::time::Time;
use crate::check::verdict::Sentence;
use crate::experiment::chronicle::Chronicle;
use crate::experiment::cone::History;
use crate::experiment::lower;
use crate::experiment::outcome::Outcome;
use crate::experiment::run::{Nobody, Run};
use crate::experiment::scenario::Scenario;

pub use thin::MOST;

/// At how many moments of a run it is taken down how often each property has been judged.
const SAMPLES: u64 = 200;

/// A run with everything that happened in it.
#[derive(Debug)]
pub struct Trace<'a> {
    scenario: &'a Scenario,
    outcome: Outcome,
    recorder: Recorder<'a>,
    history: History,
    /// Event number, judgements per property.
    checks: Vec<(u64, Vec<u64>)>,
}

impl<'a> Trace<'a> {
    /// Plays a scenario and takes it down.
    ///
    /// # Panics
    /// If the scenario still has faults to generate.
    pub fn of(scenario: &'a Scenario) -> Self {
        let mut recorder = Recorder::new(scenario, lower::cast(scenario).cast);
        let mut run = Run::start(scenario);
        let mut checks = Vec::new();
        let end = scenario.limits.virtual_ms;
        for sample in 1..=SAMPLES {
            let until = Time::from_ms(end * sample / SAMPLES);
            run.advance(until, &mut Nobody, &mut recorder);
            checks.push((run.world().events(), run.exercised()));
        }
        let outcome = run.conclude(&mut Nobody, &mut recorder);
        checks.push((run.world().events(), run.exercised()));
        recorder.finish();
        let weave = std::mem::take(&mut recorder.weave);
        let facts = std::mem::take(&mut recorder.facts);
        Self {
            scenario,
            outcome,
            recorder,
            history: weave.into_history(facts),
            checks,
        }
    }

    /// What came out of it.
    pub fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// Tells a violation by this story.
    pub fn tell(&mut self, violation: usize, story: Vec<Sentence>) {
        self.outcome.violations[violation].story = story;
    }

    /// Every event with its causes, every fact.
    pub fn history(&self) -> &History {
        &self.history
    }

    /// The run as a reader remembers it.
    pub fn chronicle(&self) -> &Chronicle {
        &self.recorder.chronicle
    }

    /// How many rows the whole trace has.
    pub fn len(&self) -> usize {
        self.recorder.rows.len()
    }

    /// Whether nothing happened at all.
    pub fn is_empty(&self) -> bool {
        self.recorder.rows.is_empty()
    }

    /// How many rows from the start are the same in another trace.
    pub fn shared_rows(&self, other: &Self) -> usize {
        let pairs = self.recorder.rows.iter().zip(&other.recorder.rows);
        let is_same = |(one, two): &(&Row, &Row)| {
            let kind = |trace: &Self, row: &Row| trace.recorder.kind_of(row).clone();
            (one.event, one.time_us, one.node, one.peer, one.zxid)
                == (two.event, two.time_us, two.node, two.peer, two.zxid)
                && kind(self, one) == kind(other, two)
                && self.recorder.strings.get(one.text) == other.recorder.strings.get(two.text)
        };
        pairs.take_while(is_same).count()
    }

    /// Event, time in microseconds and words of a row, if there is one.
    pub fn row_in_words(&self, index: usize) -> Option<(u64, u64, String)> {
        let row = self.recorder.rows.get(index)?;
        Some((row.event, row.time_us, self.recorder.words(row)))
    }

    /// The whole trace in its file format.
    pub fn whole(&mut self) -> Vec<u8> {
        let keep = vec![true; self.len()];
        self.document(&keep).bytes()
    }

    /// The trace as it is embedded in a page: whole up to [`MOST`] rows.
    pub fn embedded(&mut self) -> Vec<u8> {
        let keep = thin::kept(&self.recorder, &self.history, &self.outcome.violations);
        self.document(&keep).bytes()
    }
}

/// The node number of a client.
fn node_of(recorder: &Recorder<'_>, client: ClientId) -> u32 {
    let NodeId(node) = recorder.roster().client(client.0);
    u32::from(node)
}

#[cfg(test)]
mod tests;
