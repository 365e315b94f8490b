//! The report on two runs: how far they are the same, and where they part.

use schemars::JsonSchema;
use serde::Serialize;

use super::Report;
use crate::report::full::Full;

/// Two runs as data.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct CompareReport {
    /// `compare`.
    pub kind: &'static str,
    /// The runs.
    pub runs: [Report; 2],
    /// How many events from the start are the same in both.
    pub shared_events: u64,
    /// Where they part, if they do.
    pub first_difference: Option<Difference>,
}

/// The first event that differs.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Difference {
    /// Its number in the first run, or where that ends.
    pub event: u64,
    /// When.
    pub time_us: u64,
    /// What happens in the first run.
    pub left: String,
    /// What happens in the second.
    pub right: String,
}

impl CompareReport {
    /// Compares two runs event by event.
    pub fn of(left: &Full<'_>, right: &Full<'_>) -> Self {
        let shared = left.trace.shared_rows(&right.trace);
        let is_over = shared == left.trace.len() && shared == right.trace.len();
        let rows = [&left.trace, &right.trace].map(|trace| trace.row_in_words(shared));
        let (event, time_us) = rows
            .iter()
            .flatten()
            .map(|(event, time_us, _)| (*event, *time_us))
            .min()
            .unwrap_or_default();
        let [one, two] = rows.map(|row| row.map_or("the run is over".to_owned(), |row| row.2));
        Self {
            kind: "compare",
            runs: [left.report.clone(), right.report.clone()],
            shared_events: event.saturating_sub(1),
            first_difference: (!is_over).then_some(Difference {
                event,
                time_us,
                left: one,
                right: two,
            }),
        }
    }
}
