//! `zablab mutants`: lists the defects that can be planted.

use std::io::Write;

use serde::Serialize;

use super::output::{self, Failure, Status};
use crate::mutant::table::DEFECTS;

/// List the defects that a scenario can plant, and the property that must catch each
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  zablab mutants
  zablab run scenarios/swarm.json --set 'mutants=[\"half-quorum\"]'

--json prints one object: mutants [{id, story, property}].")]
pub(super) struct Args {
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Listing {
    mutants: Vec<Entry>,
}

#[derive(Serialize)]
struct Entry {
    id: &'static str,
    story: &'static str,
    property: &'static str,
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> Result<Status, Failure> {
    let mutants: Vec<Entry> = DEFECTS
        .iter()
        .map(|defect| Entry {
            id: defect.id,
            story: defect.story,
            property: defect.property.name(),
        })
        .collect();
    if args.json {
        output::json(out, &Listing { mutants })?;
        return Ok(Status::Good);
    }
    for entry in mutants {
        writeln!(out, "{:<26}  caught by {}", entry.id, entry.property)?;
        writeln!(out, "    {}", entry.story)?;
    }
    Ok(Status::Good)
}
