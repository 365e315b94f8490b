//! What `zablab mutants` alone does: it lists the defects that can be planted.

use std::io::Write;

use serde::Serialize;

use super::super::output::{self, Failure, Status};
use crate::check::verdict::Property;
use crate::mutant::table::{DEFECTS, Defect, Kind, Layer};

/// What `zablab mutants --help` says at its end.
pub(super) const HELP: &str = "\
Examples:
  zablab mutants
  zablab mutants --layer sync
  zablab mutants hunt half-quorum
  zablab run scenarios/swarm.json --set 'mutants=[\"half-quorum\"]'
  zablab run scenarios/zoo/half-quorum.json

--json prints one object: mutants [{id, issue, layer, kind, versions, property, scenario, story}]; kind is historic, designed,
profile or control; a control breaks no property and has no scenario.";

#[derive(Debug, clap::Args)]
#[group(skip)]
pub(super) struct Args {
    /// Only those of one layer: election, sync, log, broadcast, state-machine, session, watch or client
    #[arg(long, value_name = "NAME", value_parser = super::layer)]
    layer: Option<Layer>,
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
    issue: Option<String>,
    layer: &'static str,
    kind: &'static str,
    versions: Option<&'static str>,
    property: Option<&'static str>,
    scenario: Option<String>,
    story: &'static str,
}

impl Entry {
    fn of(defect: &Defect) -> Self {
        let (issue, versions) = match defect.kind {
            Kind::Historic {
                issues, versions, ..
            } => (Some(named(issues)), Some(versions)),
            Kind::Profile { version, .. } => (None, Some(version)),
            Kind::Designed { .. } | Kind::Control { .. } => (None, None),
        };
        Self {
            id: defect.id,
            issue,
            layer: defect.layer.name(),
            kind: defect.kind.name(),
            versions,
            property: defect.kind.breaks().map(Property::name),
            scenario: defect.scenario(),
            story: defect.story,
        }
    }
}

fn named(issues: &[u32]) -> String {
    let names: Vec<String> = issues
        .iter()
        .map(|issue| format!("ZOOKEEPER-{issue}"))
        .collect();
    names.join(", ")
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> Result<Status, Failure> {
    let mutants: Vec<Entry> = DEFECTS
        .iter()
        .filter(|defect| args.layer.is_none_or(|layer| defect.layer == layer))
        .map(Entry::of)
        .collect();
    if args.json {
        output::json(out, &Listing { mutants })?;
        return Ok(Status::Good);
    }
    for entry in mutants {
        write_entry(&entry, out)?;
    }
    Ok(Status::Good)
}

fn write_entry(entry: &Entry, out: &mut dyn Write) -> std::io::Result<()> {
    let caught = match entry.property {
        Some(property) => format!("caught by {property}"),
        None => "never flagged".to_owned(),
    };
    write!(
        out,
        "{:<34}  {:<13}  {:<8}  {caught}",
        entry.id, entry.layer, entry.kind
    )?;
    match (&entry.issue, entry.versions) {
        (Some(issue), Some(versions)) => writeln!(out, "  ({issue}; {versions})")?,
        (None, Some(version)) => writeln!(out, "  ({version})")?,
        (_, None) => writeln!(out)?,
    }
    writeln!(out, "    {}", entry.story)
}
