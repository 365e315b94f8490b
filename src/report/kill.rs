//! The kill matrix as data, as a page and as a picture.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use crate::check::verdict::Property;
use crate::experiment::kill::{Row, Search};
use crate::experiment::shrink::Size;
use crate::mutant::table::{Defect, Kind};

/// The matrix.
#[derive(Clone, Debug, Serialize)]
pub struct Matrix {
    /// The program's version.
    pub version: &'static str,
    /// Seeds per defect, from 0.
    pub seeds: u64,
    /// Defects that must be found.
    pub mutants: Vec<Entry>,
    /// What must never be flagged.
    pub controls: Vec<Entry>,
    /// What each property adds.
    pub properties: Vec<Checker>,
}

/// One defect and what was measured of it.
#[derive(Clone, Debug, Serialize)]
pub struct Entry {
    /// Its layer.
    pub layer: &'static str,
    /// Its kind.
    pub kind: &'static str,
    /// The property that must catch it.
    pub breaks: Option<&'static str>,
    /// The family it was looked for in.
    pub family: &'static str,
    /// What sort of guidance was given; empty = none.
    pub guidance: &'static str,
    /// The size of the scenario that shows it, if there is one.
    pub shrunk: Option<Shrunk>,
    /// What was measured.
    #[serde(flatten)]
    pub row: Row,
}

/// How large a scenario of the zoo is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Shrunk {
    /// Faults in its plan.
    pub faults: usize,
    /// Operations.
    pub operations: usize,
    /// Clients.
    pub clients: usize,
    /// Servers.
    pub servers: usize,
}

impl From<Size> for Shrunk {
    fn from(size: Size) -> Self {
        Self {
            faults: size.faults,
            operations: size.operations,
            clients: size.clients,
            servers: size.servers,
        }
    }
}

/// What a property caught.
#[derive(Clone, Debug, Serialize)]
pub struct Checker {
    /// Its name.
    pub name: &'static str,
    /// How many defects it caught in some run.
    pub kills: usize,
    /// How many it was the first to catch in some run.
    pub earliest: usize,
    /// Defects that nothing else caught in any run.
    pub only: Vec<String>,
}

impl Matrix {
    /// Puts measurements together with what the table says of each defect.
    pub fn new(seeds: u64, rows: Vec<(&Defect, Row, Option<Size>)>) -> Self {
        let (mut mutants, mut controls) = (Vec::new(), Vec::new());
        for (defect, row, size) in rows {
            let entry = Entry {
                layer: defect.layer.name(),
                kind: defect.kind.name(),
                breaks: defect.kind.breaks().map(Property::name),
                family: defect.hunt.family,
                guidance: defect.hunt.guidance,
                shrunk: size.map(Shrunk::from),
                row,
            };
            match defect.kind {
                Kind::Control { .. } => controls.push(entry),
                Kind::Historic { .. } | Kind::Designed { .. } | Kind::Profile { .. } => {
                    mutants.push(entry);
                }
            }
        }
        Self {
            version: env!("CARGO_PKG_VERSION"),
            seeds,
            properties: Property::ALL
                .into_iter()
                .map(|property| checker(property, &mutants))
                .collect(),
            mutants,
            controls,
        }
    }

    /// Defects that were not found, controls that were flagged, and panics: what the matrix must not have.
    pub fn wrong(&self) -> Vec<String> {
        let missed = self
            .mutants
            .iter()
            .filter(|entry| entry.row.search.is_none());
        let missed = missed.map(|entry| {
            let breaks = entry.breaks.unwrap_or_default();
            format!("{} was never caught by {breaks}", entry.row.id)
        });
        let flagged = self.controls.iter().filter(|entry| entry.row.flagged > 0);
        let flagged = flagged.map(|entry| {
            let names: Vec<&str> = entry.row.cells.keys().map(String::as_str).collect();
            format!(
                "the control {} was flagged by {}",
                entry.row.id,
                names.join(", ")
            )
        });
        let every = self.mutants.iter().chain(&self.controls);
        let panicked = every.filter(|entry| entry.row.panicked > 0);
        let panicked = panicked
            .map(|entry| format!("{} panicked in {} runs", entry.row.id, entry.row.panicked));
        missed.chain(flagged).chain(panicked).collect()
    }
}

fn checker(property: Property, mutants: &[Entry]) -> Checker {
    let name = property.name();
    let cells = || mutants.iter().filter_map(|entry| entry.row.cells.get(name));
    let is_only = |entry: &&Entry| entry.row.cells.len() == 1 && entry.row.cells.contains_key(name);
    Checker {
        name,
        kills: cells().count(),
        earliest: cells().filter(|cell| cell.earliest > 0).count(),
        only: mutants
            .iter()
            .filter(is_only)
            .map(|entry| entry.row.id.clone())
            .collect(),
    }
}

/// The page.
pub fn markdown(matrix: &Matrix) -> String {
    let mut out = String::new();
    let seeds = matrix.seeds;
    put(
        &mut out,
        format_args!(
            "# Kill matrix\n\nWritten by `zablab mutants kill --seeds {seeds} --out reports` (version {}); the picture is `kill-matrix.svg`, the data\n`kill-matrix.json`. Each defect is looked for in its family with {seeds} seeds, and with more if they do not show it. A campaign ends with the first seed that violates the\nproperty that must catch it, and the next begins after it: *seeds* is the median campaign with the range of the middle 95 %.\n*Virtual* is the median simulated time until the violation, *small* the scenario in `scenarios/zoo` that shows it:\nfaults + operations, servers.\n\n",
            matrix.version
        ),
    );
    out.push_str("| defect | layer | kind | caught by | runs | seeds | virtual | small | guidance |\n|---|---|---|---|---|---|---|---|---|\n");
    for entry in &matrix.mutants {
        let caught = entry.breaks.and_then(|name| entry.row.cells.get(name));
        put(
            &mut out,
            format_args!(
                "| `{}` | {} | {} | {} | {} of {} | {} | {} | {} | {} |\n",
                entry.row.id,
                entry.layer,
                entry.kind,
                entry.breaks.unwrap_or_default(),
                caught.map_or(0, |cell| cell.runs),
                entry.row.runs,
                took(entry.row.search.as_ref()),
                entry.row.virtual_ms.map_or("-".to_owned(), |ms| format!(
                    "{}.{} s",
                    ms / 1000,
                    ms % 1000 / 100
                )),
                entry.shrunk.map_or("-".to_owned(), |small| {
                    format!("{} + {}, {}", small.faults, small.operations, small.servers)
                }),
                guidance(entry),
            ),
        );
    }
    put(
        &mut out,
        format_args!(
            "\n## Controls: never flagged\n\n| control | family | runs | flagged |\n|---|---|---|---|\n"
        ),
    );
    for entry in &matrix.controls {
        put(
            &mut out,
            format_args!(
                "| `{}` | {} | {} | {} |\n",
                entry.row.id, entry.family, entry.row.runs, entry.row.flagged
            ),
        );
    }
    out.push_str("\n## What each property adds\n\n| property | defects caught | first in some run | caught by nothing else |\n|---|---|---|---|\n");
    for checker in &matrix.properties {
        let only: Vec<String> = checker.only.iter().map(|id| format!("`{id}`")).collect();
        put(
            &mut out,
            format_args!(
                "| {} | {} | {} | {} |\n",
                checker.name,
                checker.kills,
                checker.earliest,
                only.join(", ")
            ),
        );
    }
    out
}

fn took(search: Option<&Search>) -> String {
    search.map_or("never".to_owned(), |search| {
        if search.low == search.high {
            search.median.to_string()
        } else {
            format!("{} ({}-{})", search.median, search.low, search.high)
        }
    })
}

fn guidance(entry: &Entry) -> String {
    let family = if entry.family == "swarm" {
        String::new()
    } else {
        format!("`{}`", entry.family)
    };
    match (family.is_empty(), entry.guidance.is_empty()) {
        (_, true) => family,
        (true, false) => entry.guidance.to_owned(),
        (false, false) => format!("{family}; {}", entry.guidance),
    }
}

/// Width of the column of names, of a cell, and height of a row, in pixels.
const NAMES: usize = 230;
const CELL: usize = 22;
const ROW: usize = 18;
/// Height of the head with the properties' names.
const HEAD: usize = 150;

/// The picture: a row per defect, a column per property, darker where more runs were violated; a ring where that is the
/// property that must catch it.
pub fn svg(matrix: &Matrix) -> String {
    let columns: Vec<&Checker> = matrix
        .properties
        .iter()
        .filter(|checker| checker.kills > 0)
        .collect();
    let width = NAMES + columns.len() * CELL + 120;
    let height = HEAD + (matrix.mutants.len() + 1) * ROW + 20;
    let mut out = String::new();
    put(
        &mut out,
        format_args!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" font-family=\"sans-serif\" font-size=\"12\">\n<title>Kill matrix: runs of {} in which each property was violated, by defect</title>\n<rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>\n",
            matrix.seeds
        ),
    );
    for (index, checker) in columns.iter().enumerate() {
        let x = NAMES + index * CELL + CELL / 2 + 4;
        put(
            &mut out,
            format_args!(
                "<text transform=\"translate({x},{}) rotate(-60)\">{}</text>\n",
                HEAD - 6,
                checker.name
            ),
        );
    }
    for (index, entry) in matrix.mutants.iter().enumerate() {
        row(&mut out, entry, &columns, HEAD + index * ROW);
    }
    out.push_str("</svg>\n");
    out
}

fn row(out: &mut String, entry: &Entry, columns: &[&Checker], y: usize) {
    let base = y + ROW - 5;
    put(
        out,
        format_args!(
            "<text x=\"{}\" y=\"{base}\" text-anchor=\"end\">{}</text>\n",
            NAMES - 6,
            entry.row.id
        ),
    );
    let shades: BTreeMap<&str, u64> = entry
        .row
        .cells
        .iter()
        .map(|(name, cell)| (name.as_str(), cell.runs * 100 / entry.row.runs.max(1)))
        .collect();
    for (index, checker) in columns.iter().enumerate() {
        let x = NAMES + index * CELL;
        let is_due = entry.breaks == Some(checker.name);
        if !is_due && !shades.contains_key(checker.name) {
            continue;
        }
        let ring = if is_due {
            "stroke=\"#d55e00\" stroke-width=\"2\""
        } else {
            "stroke=\"#dddddd\""
        };
        let fill = shades
            .get(checker.name)
            .map_or("#ffffff", |percent| shade(*percent));
        let percent = shades.get(checker.name).copied().unwrap_or_default();
        put(
            out,
            format_args!(
                "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"{fill}\" {ring}><title>{}: {} in {percent} % of runs</title></rect>\n",
                x + 1,
                y + 1,
                CELL - 2,
                ROW - 2,
                entry.row.id,
                checker.name
            ),
        );
    }
}

/// Five steps of blue.
fn shade(percent: u64) -> &'static str {
    match percent {
        0..5 => "#deebf7",
        5..25 => "#9ecae1",
        25..60 => "#6baed6",
        60..95 => "#3182bd",
        _ => "#08519c",
    }
}

fn put(out: &mut String, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("a string takes any text");
}
