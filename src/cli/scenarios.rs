//! `zablab scenarios`: lists the scenario files of a directory.

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use serde::Serialize;

use super::input;
use super::output::{self, Failure, Status};

/// List the scenarios of a directory with what they show and expect
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  zablab scenarios
  zablab scenarios failures

--json prints one object: scenarios [{file, name, about, verdict, property}].")]
pub(super) struct Args {
    /// Where the scenario files are
    #[arg(default_value = "scenarios")]
    directory: PathBuf,
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Listing {
    scenarios: Vec<Entry>,
}

#[derive(Serialize)]
struct Entry {
    file: String,
    name: String,
    about: String,
    verdict: &'static str,
    property: Option<String>,
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> Result<Status, Failure> {
    let mut scenarios = Vec::new();
    for file in files(&args.directory)? {
        let scenario = input::load(&file, &[])?;
        scenarios.push(Entry {
            file: file.to_string_lossy().into_owned(),
            name: scenario.name,
            about: scenario.about,
            verdict: scenario.expect.verdict.name(),
            property: scenario.expect.property,
        });
    }
    if args.json {
        output::json(out, &Listing { scenarios })?;
        return Ok(Status::Good);
    }
    for entry in scenarios {
        let expected = match &entry.property {
            Some(property) => format!("{}: {property}", entry.verdict),
            None => entry.verdict.to_owned(),
        };
        writeln!(out, "{:<44}  expects {expected}", entry.file)?;
        writeln!(out, "    {}", entry.about)?;
    }
    Ok(Status::Good)
}

/// The scenario files of a directory (schemas aside), by name.
fn files(directory: &PathBuf) -> Result<Vec<PathBuf>, Failure> {
    let failure = |error| Failure::File {
        path: directory.to_string_lossy().into_owned(),
        error,
    };
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).map_err(failure)? {
        let path = entry.map_err(failure)?.path();
        let name = path.to_string_lossy();
        if name.ends_with(".json") && !name.ends_with(".schema.json") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
