//! A history as a picture: a row per process, a bar per operation, the contradicting ones marked. SVG that stands by itself.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::markup::escaped;
use crate::check::foreign::story::{Explanation, Operation};

/// Width of one event, and the parts of a row, in pixels.
const STEP: u32 = 46;
const ROW: u32 = 30;
const BAR: u32 = 20;
const LEFT: u32 = 110;
const TOP: u32 = 34;
/// What fits into a pixel of text, roughly.
const LETTER: u32 = 7;

/// Draws operations, in order of calls; those of the explanation are marked, what is concluded stands below. `left_out` more
/// are not shown.
pub fn svg(operations: &[Operation], explanation: &Explanation, left_out: usize) -> String {
    let columns = columns(operations);
    let rows = rows(operations);
    let last = u32::try_from(columns.len()).unwrap_or(u32::MAX / STEP) + 1;
    let width = (LEFT + last * STEP).max(640);
    let notes = notes(explanation, left_out, width);
    let rows_end = TOP + ROW * u32::try_from(rows.len()).unwrap_or(u32::MAX / ROW);
    let height = rows_end + 18 * (u32::try_from(notes.len()).unwrap_or(u32::MAX / 18) + 1);
    let mut text = String::new();
    let out = &mut text;
    put(
        out,
        format_args!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" font-family=\"monospace\" font-size=\"12\">\n<title>{}</title>\n<rect width=\"{width}\" height=\"{height}\" fill=\"white\"/>\n",
            escaped(explanation.rule)
        ),
    );
    put(
        out,
        format_args!(
            "<text x=\"8\" y=\"20\" font-weight=\"bold\">{}</text>\n",
            escaped(explanation.rule)
        ),
    );
    for (process, row) in &rows {
        let middle = TOP + row * ROW + BAR / 2;
        put(
            out,
            format_args!(
                "<text x=\"8\" y=\"{}\" fill=\"#555\">process {process}</text>\n<line x1=\"{LEFT}\" y1=\"{middle}\" x2=\"{width}\" y2=\"{middle}\" stroke=\"#ddd\"/>\n",
                middle + 4
            ),
        );
    }
    for operation in operations {
        let is_marked = explanation
            .operations
            .iter()
            .any(|shown| shown.called == operation.called);
        let place = Place {
            row: rows[&operation.process],
            from: LEFT + columns[&operation.called.at] * STEP,
            to: end(operation).map_or(width, |at| LEFT + columns[&at] * STEP),
        };
        bar(out, operation, &place, is_marked);
    }
    for (line, note) in (1..).zip(&notes) {
        put(
            out,
            format_args!(
                "<text x=\"8\" y=\"{}\">{}</text>\n",
                rows_end + 18 * line,
                escaped(note)
            ),
        );
    }
    text.push_str("</svg>\n");
    text
}

/// Where a bar goes.
struct Place {
    row: u32,
    from: u32,
    to: u32,
}

fn bar(out: &mut String, operation: &Operation, place: &Place, is_marked: bool) {
    let Place { row, from, to } = *place;
    let y = TOP + row * ROW;
    let width = to.saturating_sub(from).max(6);
    let (fill, stroke) = if is_marked {
        ("#ffd9d2", "#c0392b")
    } else {
        ("#e3ecf7", "#7f9cc0")
    };
    let dash = if operation.is_known() {
        ""
    } else {
        " stroke-dasharray=\"4 3\""
    };
    put(
        out,
        format_args!(
            "<g><title>{}</title><rect x=\"{from}\" y=\"{y}\" width=\"{width}\" height=\"{BAR}\" rx=\"3\" fill=\"{fill}\" stroke=\"{stroke}\"{dash}/>",
            escaped(&operation.sentence())
        ),
    );
    let room = usize::try_from(width / LETTER).unwrap_or_default();
    let deed = operation.deed();
    let label: String = if deed.chars().count() > room {
        let kept = deed.chars().take(room.saturating_sub(1));
        kept.chain(['…']).collect()
    } else {
        deed
    };
    put(
        out,
        format_args!(
            "<text x=\"{}\" y=\"{}\">{}</text></g>\n",
            from + 4,
            y + 14,
            escaped(&label)
        ),
    );
}

/// Where the operation ends; one of unknown outcome never does.
fn end(operation: &Operation) -> Option<u32> {
    operation
        .returned
        .filter(|_| operation.is_known())
        .map(|returned| returned.at)
}

/// Every call and return has a column of its own, in real-time order.
fn columns(operations: &[Operation]) -> BTreeMap<u32, u32> {
    let ends = operations
        .iter()
        .flat_map(|operation| [Some(operation.called.at), end(operation)]);
    let mut columns: BTreeMap<u32, u32> = ends.flatten().map(|at| (at, 0)).collect();
    for (column, place) in (0..).zip(columns.values_mut()) {
        *place = column;
    }
    columns
}

fn rows(operations: &[Operation]) -> BTreeMap<i64, u32> {
    let mut rows: BTreeMap<i64, u32> = operations
        .iter()
        .map(|operation| (operation.process, 0))
        .collect();
    for (row, place) in (0..).zip(rows.values_mut()) {
        *place = row;
    }
    rows
}

/// The conclusion in lines that fit, and what is not shown.
fn notes(explanation: &Explanation, left_out: usize, width: u32) -> Vec<String> {
    let room = usize::try_from(width / LETTER).unwrap_or(80).clamp(60, 160);
    let mut notes = Vec::new();
    let mut line = String::new();
    let conclusion = explanation.sentences.last().map_or("", String::as_str);
    for word in conclusion.split(' ') {
        if !line.is_empty() && line.chars().count() + word.chars().count() >= room {
            notes.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    notes.push(line);
    if left_out > 0 {
        notes.push(format!("{left_out} more operations are not shown"));
    }
    notes
}

fn put(out: &mut String, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("a string takes any text");
}
