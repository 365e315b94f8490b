//! The whole report on one run: its data with how each violation came about, and its trace.

use std::collections::BTreeSet;

use super::data::{Account, Report, WhyLine};
use super::explain;
use super::trace::Trace;
use crate::check::verdict::Violation;
use crate::experiment::scenario::Scenario;

/// The report on a run with everything that a page shows.
#[derive(Debug)]
pub struct Full<'a> {
    /// The data.
    pub report: Report,
    /// What happened, in full.
    pub trace: Trace<'a>,
}

impl<'a> Full<'a> {
    /// Plays a scenario and reports on it; `replay` is the command that plays it again.
    ///
    /// # Panics
    /// If the scenario still has faults to generate.
    pub fn of(scenario: &'a Scenario, is_expected: bool, replay: &str) -> Self {
        let mut trace = Trace::of(scenario);
        let mut reasons = Vec::new();
        for index in told(&trace.outcome().violations) {
            let violation = &trace.outcome().violations[index];
            let explanation = explain::within(trace.history(), scenario, violation);
            let why: Vec<WhyLine> = explanation.sentences.iter().map(why_line).collect();
            reasons.push((index, why));
            trace.tell(index, explanation.story);
        }
        let outcome = trace.outcome();
        let mut report = Report::new(Account {
            scenario,
            outcome,
            chronicle: trace.chronicle(),
            expected: is_expected.then(|| outcome.meets(&scenario.expect).is_ok()),
            replay,
        });
        for (index, why) in reasons {
            report.violations[index].why = why;
        }
        Self { report, trace }
    }
}

/// The first violation of each property: it explains, the others repeat.
fn told(violations: &[Violation]) -> Vec<usize> {
    let mut seen = BTreeSet::new();
    let is_first = |(_, violation): &(usize, &Violation)| seen.insert(violation.property);
    let all = violations.iter().enumerate();
    all.filter(is_first).map(|(index, _)| index).collect()
}

fn why_line(sentence: &explain::Sentence) -> WhyLine {
    WhyLine {
        event: sentence.at.event.0,
        time_us: sentence.at.time.0 / 1_000,
        text: sentence.text.clone(),
        evidence: sentence.is_evidence,
    }
}
