//! `zablab mutants`: lists the defects that can be planted.

use std::io::Write;

use serde::Serialize;

use super::output::{self, Failure, Status};
use crate::check::verdict::Property;
use crate::mutant::table::{DEFECTS, Defect, Kind, Layer};

/// List the defects that a scenario can plant, and the property that must catch each
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  zablab mutants
  zablab mutants --layer sync
  zablab run scenarios/swarm.json --set 'mutants=[\"half-quorum\"]'
  zablab run scenarios/zoo/half-quorum.json

--json prints one object: mutants [{id, issue, layer, kind, versions, property, scenario, story}]; kind is historic, designed,
profile or control; a control breaks no property and has no scenario.")]
pub(super) struct Args {
    /// Only those of one layer: election, sync, log, broadcast, state-machine, session, watch or client
    #[arg(long, value_name = "NAME", value_parser = layer)]
    layer: Option<Layer>,
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
}

fn layer(name: &str) -> Result<Layer, String> {
    let known = Layer::ALL.map(Layer::name).join(", ");
    Layer::by_name(name).ok_or_else(|| format!("there is no layer of that name; there are {known}"))
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
