//! The clients' part of a report: operations by kind and outcome, and how long answers took.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::Quantiles;
use crate::check::wording;
use crate::experiment::chronicle::operations::{Ending, Operation};

/// What clients asked for and how it went.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub struct OperationsLine {
    /// How many were answered, refused, lost with unknown outcome, never sent, still open at the end.
    #[serde(flatten)]
    pub outcomes: Outcomes,
    /// How long answers and refusals took, in microseconds.
    pub latency_us: Quantiles,
    /// The same by kind of operation.
    pub by_kind: Vec<KindLine>,
}

/// How many operations ended how.
#[derive(Clone, Copy, Debug, Default, Serialize, JsonSchema)]
pub struct Outcomes {
    /// Answered.
    pub ok: u64,
    /// Refused.
    pub failed: u64,
    /// Nobody knows.
    pub unknown: u64,
    /// Never sent.
    pub unsent: u64,
    /// Without an end when the run ended.
    pub open: u64,
}

/// The operations of one kind.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct KindLine {
    /// `create`, `getData`, …
    pub kind: String,
    /// Their outcomes.
    #[serde(flatten)]
    pub outcomes: Outcomes,
    /// How long answers and refusals took, in microseconds.
    pub latency_us: Quantiles,
}

#[derive(Default)]
struct Tally {
    outcomes: Outcomes,
    latencies: Vec<u64>,
}

impl Tally {
    fn count(&mut self, operation: &Operation) {
        let ending = operation.ended.as_ref().map(|(_, ending)| ending);
        *match ending {
            Some(Ending::Ok(_)) => &mut self.outcomes.ok,
            Some(Ending::Failed(_)) => &mut self.outcomes.failed,
            Some(Ending::Unknown) => &mut self.outcomes.unknown,
            Some(Ending::NeverSent) => &mut self.outcomes.unsent,
            None => &mut self.outcomes.open,
        } += 1;
        self.latencies.extend(latency_us(operation));
    }
}

/// How long the answer to an operation took, refusals included, in microseconds.
pub fn latency_us(operation: &Operation) -> Option<u64> {
    let (at, ending) = operation.ended.as_ref()?;
    let is_answer = matches!(ending, Ending::Ok(_) | Ending::Failed(_));
    is_answer.then(|| at.time.since(operation.invoked.time).as_us())
}

impl OperationsLine {
    /// The operations of a run.
    pub fn of(operations: &[Operation]) -> Self {
        let mut all = Tally::default();
        let mut kinds: BTreeMap<String, Tally> = BTreeMap::new();
        for operation in operations {
            all.count(operation);
            let words = wording::request(&operation.request);
            let kind = words.split(' ').next().unwrap_or_default();
            kinds.entry(kind.to_owned()).or_default().count(operation);
        }
        let line = |(kind, tally): (String, Tally)| KindLine {
            kind,
            outcomes: tally.outcomes,
            latency_us: Quantiles::of(tally.latencies),
        };
        Self {
            outcomes: all.outcomes,
            latency_us: Quantiles::of(all.latencies),
            by_kind: kinds.into_iter().map(line).collect(),
        }
    }
}
