//! `zablab course claims`: the claims of introductory texts as a table, each row backed by runs that are played for it.

use std::io::Write;
use std::path::PathBuf;

use serde::Serialize;

use super::super::input;
use super::super::output::{self, Failure, Status};
use crate::experiment::course::claims::{self, CLAIMS, Claim, Exhibit, Shown};
use crate::report::explain::{self, Explanation};

/// Play the runs that decide the claims of introductory texts, and print the table
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  zablab course claims
  zablab course claims timestamps one-leader
  zablab course claims reads-are-current --explain
  zablab course claims --json

A claim holds, holds only under a condition that is seldom said, or is false. Each row names the runs that show it: a file of
scenarios/claims, with the seeds that were played. A run that refutes names the property that it breaks, the event in which
that was noticed, and how many steps its explanation tells; --explain tells them.

Exit codes: 0 every run came out as its row says; 1 one did not; 2 a file is missing or malformed.

--json prints one object: claims [{id, said, by, judgement, truth, source, stands, runs [{file, seeds, expected, came_out,
property, event, steps, replay}]}], stands.")]
pub(super) struct Args {
    /// These claims only
    #[arg(value_name = "ID", value_parser = claim)]
    ids: Vec<&'static Claim>,
    /// Where the runs are
    #[arg(long, value_name = "DIR", default_value = "scenarios/claims")]
    folder: PathBuf,
    /// Tell how each claim is refuted
    #[arg(long, conflicts_with = "json")]
    explain: bool,
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
}

fn claim(id: &str) -> Result<&'static Claim, String> {
    static ALL: &[Claim] = &CLAIMS;
    ALL.iter().find(|claim| claim.id == id).ok_or_else(|| {
        let known: Vec<&str> = CLAIMS.iter().map(|claim| claim.id).collect();
        format!(
            "there is no claim of that name; there are {}",
            known.join(", ")
        )
    })
}

#[derive(Serialize)]
struct Table {
    claims: Vec<Row>,
    stands: bool,
}

#[derive(Serialize)]
struct Row {
    id: &'static str,
    said: &'static str,
    by: &'static str,
    judgement: &'static str,
    truth: &'static str,
    source: &'static str,
    stands: bool,
    runs: Vec<Run>,
}

#[derive(Serialize)]
struct Run {
    file: String,
    /// How many seeds were played; null = the file's own.
    seeds: Option<u64>,
    expected: &'static str,
    /// `as expected`, or how the first seed that was not differs.
    came_out: String,
    /// What the first refutation breaks.
    property: Option<&'static str>,
    /// The event in which it was noticed.
    event: Option<u64>,
    /// How many steps tell how it came about.
    steps: Option<usize>,
    replay: String,
    #[serde(skip)]
    story: Option<String>,
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> Result<Status, Failure> {
    let chosen = CLAIMS
        .iter()
        .filter(|claim| args.ids.is_empty() || args.ids.iter().any(|named| named.id == claim.id));
    let mut rows = Vec::new();
    for claim in chosen {
        rows.push(play(claim, args)?);
    }
    let stands = rows.iter().all(|row| row.stands);
    let table = Table {
        claims: rows,
        stands,
    };
    if args.json {
        output::json(out, &table)?;
    } else {
        for row in &table.claims {
            print(row, args, out)?;
        }
        writeln!(out, "{}", verdict(&table))?;
    }
    Ok(if stands { Status::Good } else { Status::Bad })
}

fn play(claim: &Claim, args: &Args) -> Result<Row, Failure> {
    let mut runs = Vec::new();
    let mut stands = true;
    for exhibit in claim.exhibits {
        let file = args.folder.join(format!("{}.json", exhibit.file));
        let scenario = input::load(&file, &[])?;
        let shown = claims::show(*exhibit, &scenario);
        stands &= shown.iter().all(|shown| shown.difference.is_none());
        runs.push(sum_up(*exhibit, &file.to_string_lossy(), &shown));
    }
    Ok(Row {
        id: claim.id,
        said: claim.said,
        by: claim.by.name(),
        judgement: claim.judgement.name(),
        truth: claim.truth,
        source: claim.source,
        stands,
        runs,
    })
}

fn sum_up(exhibit: Exhibit, file: &str, shown: &[Shown]) -> Run {
    let seed = |shown: &Shown| shown.scenario.seed.0;
    let wrong = shown
        .iter()
        .find_map(|shown| Some((seed(shown), shown.difference.as_ref()?)));
    let came_out = match wrong {
        None => "as expected".to_owned(),
        Some((seed, difference)) => format!("seed {seed}: {difference}"),
    };
    let first = shown.iter().find(|shown| shown.refutation().is_some());
    let explained: Option<Explanation> = first.and_then(|shown| {
        let violation = shown.refutation()?;
        Some(explain::explain(&shown.scenario, violation))
    });
    let first_seed = first.map_or(0, seed);
    let replay = input::shell(file);
    Run {
        file: file.to_owned(),
        seeds: (exhibit.seeds > 0).then_some(exhibit.seeds),
        expected: shown
            .first()
            .map_or("", |shown| shown.scenario.expect.verdict.name()),
        came_out,
        property: explained.as_ref().map(|told| told.property.name()),
        event: explained.as_ref().map(|told| told.at.event.0),
        steps: explained.as_ref().map(|told| told.sentences.len()),
        replay: match exhibit.seeds {
            0 => format!("zablab replay {replay}"),
            _ => format!("zablab replay {replay} --seed {first_seed}"),
        },
        story: explained.as_ref().map(explain::text),
    }
}

fn print(row: &Row, args: &Args, out: &mut dyn Write) -> Result<(), Failure> {
    let mark = if row.stands { "" } else { "  (NOT SHOWN)" };
    writeln!(
        out,
        "{:<14}{}: \"{}\"{mark}",
        row.judgement, row.by, row.said
    )?;
    writeln!(out, "  {}", row.truth)?;
    writeln!(out, "  source  {}", row.source)?;
    for run in &row.runs {
        let seeds = match run.seeds {
            Some(seeds) => format!(", {seeds} seeds"),
            None => String::new(),
        };
        let refuted = match (run.property, run.event, run.steps) {
            (Some(property), Some(event), Some(steps)) => {
                format!("refutes {property} at event {event}, told in {steps} steps")
            }
            _ => "holds".to_owned(),
        };
        writeln!(out, "  run     {}{seeds}: {refuted}", run.file)?;
        if run.came_out != "as expected" {
            writeln!(out, "          {}", run.came_out)?;
        }
        if let (true, Some(story)) = (args.explain, &run.story) {
            writeln!(out, "\n{story}")?;
        }
    }
    writeln!(out)?;
    Ok(())
}

fn verdict(table: &Table) -> String {
    let count = |name: &str| {
        let rows = table.claims.iter();
        rows.filter(|row| row.judgement == name).count()
    };
    let shown = table.claims.iter().filter(|row| row.stands).count();
    format!(
        "{} claims: {} hold, {} hold only under a condition, {} are false; {shown} shown by their runs",
        table.claims.len(),
        count("holds"),
        count("holds only if"),
        count("false"),
    )
}
