//! Which rows of a long run stay in a report: what tells the whole run's story, and everything near its violations.

use std::collections::BTreeSet;

use super::recorder::{self, Recorder, Row};
use crate::check::verdict::Violation;
use crate::experiment::cone::History;
use crate::experiment::shrink::failure::known_at;

/// The most rows that are embedded in a page.
pub const MOST: usize = 200_000;

/// How many rows before and after a violation are kept whole.
const WINDOW: usize = 10_000;

/// The most violations that have a window of their own.
const WINDOWS: usize = 5;

/// Which rows are kept: all of a run of at most [`MOST`] rows.
///
/// Of a longer one, in this order while there is room: rows of violations and their evidence, faults and changes of role or
/// epoch; the windows around the first violations; their causal past, latest first; the rows of operations.
pub(super) fn kept(
    recorder: &Recorder<'_>,
    history: &History,
    violations: &[Violation],
) -> Vec<bool> {
    let rows = &recorder.rows;
    if rows.len() <= MOST {
        return vec![true; rows.len()];
    }
    let mut keep = Keep {
        rows: vec![false; rows.len()],
        room: MOST,
    };
    keep.all(evidence(recorder, violations));
    keep.all(turns(recorder));
    for violation in violations.iter().take(WINDOWS) {
        let row = recorder.row_of(known_at(violation).event.0, None);
        let end = (row + WINDOW / 10).min(rows.len());
        keep.all((row.saturating_sub(WINDOW)..end).rev());
    }
    if let Some(first) = violations.first() {
        let seeds = [first.at.event.0].into_iter();
        let told = first.story.iter().map(|sentence| sentence.at.event.0);
        let past = history.past(seeds.chain(told));
        keep.all(recorder::rows_of(rows, &past).into_iter().rev());
    }
    keep.all(operations(recorder));
    keep.rows
}

struct Keep {
    rows: Vec<bool>,
    room: usize,
}

impl Keep {
    fn all(&mut self, rows: impl IntoIterator<Item = usize>) {
        for row in rows {
            if self.room == 0 {
                return;
            }
            if !std::mem::replace(&mut self.rows[row], true) {
                self.room -= 1;
            }
        }
    }
}

fn evidence(recorder: &Recorder<'_>, violations: &[Violation]) -> Vec<usize> {
    let events: BTreeSet<u64> = violations
        .iter()
        .flat_map(|violation| {
            let story = violation.story.iter().map(|sentence| sentence.at.event.0);
            story.chain([violation.at.event.0])
        })
        .collect();
    recorder::rows_of(&recorder.rows, &events)
}

/// Rows in which a server's role, epochs or leader change, and those of faults.
fn turns(recorder: &Recorder<'_>) -> Vec<usize> {
    let is_turn = |field: usize| !(4..8).contains(&field);
    let changes = recorder.changed.iter();
    let mut rows: Vec<usize> = changes
        .filter(|changed| is_turn(changed.field))
        .map(|changed| changed.row)
        .collect();
    let is_of_machine = |(index, row): (usize, &Row)| (row.node == 0).then_some(index);
    rows.extend(recorder.rows.iter().enumerate().filter_map(is_of_machine));
    rows
}

fn operations(recorder: &Recorder<'_>) -> Vec<usize> {
    let list = recorder.chronicle.operations.list().iter();
    list.flat_map(|operation| {
        let node = Some(super::node_of(recorder, operation.client));
        let ended = operation.ended.as_ref().map(|(at, _)| at.event.0);
        [Some(operation.invoked.event.0), ended]
            .into_iter()
            .flatten()
            .map(move |event| recorder.row_of(event, node))
    })
    .collect()
}
