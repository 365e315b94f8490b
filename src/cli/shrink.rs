//! `zablab shrink`: the smallest scenario that fails the same way, and why each thing left in it is needed.

use std::io::Write;
use std::path::PathBuf;

use serde::Serialize;

use super::input::{self, Source, shell};
use super::output::{self, Failure, Status};
use super::progress::{self, Progress};
use crate::check::verdict::Property;
use crate::experiment::shrink::{self, Budget, Shrunk, Size};
use crate::report::shrink as words;

/// Find the smallest scenario that fails the same way, and say why each thing left in it is needed
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  zablab shrink failures/swarm-seed17.json -o small.json
  zablab shrink scenarios/swarm.json --seed 17 --set 'mutants=[\"half-quorum\"]' -o small.json --jobs 2
  zablab replay small.json

The same failure is the same property with the same kind of violation, or the same property undecided. Faults, clients,
operations, servers and noise are taken away in a fixed order as long as the failure stays; then times become round and names
short. The result does not depend on --jobs. Ctrl-C, or the budget of runs, ends the search: the best scenario so far is
written then. The table of needs takes a run per thing left, beyond the budget. Other failures that were met on the way are named, and not followed.

Exit codes: 0 a scenario was written; 2 the file does not fail, or cannot be read.

--json prints one object: file, property, signature, before and after {faults, operations, clients, servers, items}, runs,
complete, needs [{kind, name, what, without}], met [{failure}], replay.")]
pub(super) struct Args {
    #[command(flatten)]
    source: Source,
    /// Where the small scenario goes
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Keep the first failure of this property instead of the first of all
    #[arg(long, value_name = "NAME", value_parser = input::property)]
    property: Option<Property>,
    /// How many runs may be spent
    #[arg(long, value_name = "N", default_value_t = 2_000, value_parser = clap::value_parser!(u64).range(1..))]
    runs: u64,
    /// How many runs at a time; default as many as the machine has processors
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    jobs: Option<u16>,
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct ShrunkJson {
    file: String,
    failure: String,
    before: SizeJson,
    after: SizeJson,
    runs: u64,
    complete: bool,
    needs: Vec<NeedJson>,
    met: Vec<String>,
    replay: String,
}

#[derive(Serialize)]
struct SizeJson {
    faults: usize,
    operations: usize,
    clients: usize,
    servers: usize,
    items: usize,
}

#[derive(Serialize)]
struct NeedJson {
    kind: &'static str,
    name: String,
    what: String,
    without: String,
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> Result<Status, Failure> {
    let scenario = args.source.load()?;
    output::expect_place(&args.output)?;
    let stop = progress::stop_when_interrupted()?;
    let mut progress = Progress::start();
    let budget = Budget {
        runs: args.runs,
        jobs: super::sweep::jobs(args.jobs),
        stop: &stop,
    };
    let shrunk = shrink::shrink(&scenario, args.property, budget, &mut |runs, best| {
        let size = Size::of(best);
        progress.show(|| format!("{runs} runs, {}", words::size(size)));
    });
    progress.clear();
    let shrunk = shrunk.map_err(|error| {
        let file = args.source.file.display();
        Failure::Usage(format!("{file}: {error}"))
    })?;
    output::replace(&args.output, shrunk.scenario.to_string())?;
    report(args, &shrunk, out)?;
    Ok(Status::Good)
}

fn report(args: &Args, shrunk: &Shrunk, out: &mut dyn Write) -> Result<(), Failure> {
    let needs = words::needs(shrunk);
    let file = args.output.to_string_lossy().into_owned();
    let replay = format!("zablab replay {}", shell(&file));
    if !args.json {
        write!(out, "{}", words::text(shrunk, &needs))?;
        writeln!(out, "\nreplay      {replay}")?;
        return Ok(());
    }
    let needs = needs.into_iter().map(|line| NeedJson {
        kind: line.kind,
        name: line.name,
        what: line.what,
        without: line.without,
    });
    let object = ShrunkJson {
        file,
        failure: shrunk.failure.to_string(),
        before: size(shrunk.before),
        after: size(shrunk.after),
        runs: shrunk.runs,
        complete: shrunk.complete,
        needs: needs.collect(),
        met: shrunk
            .slips
            .iter()
            .map(|slip| slip.failure.to_string())
            .collect(),
        replay,
    };
    output::json(out, &object)
}

fn size(size: Size) -> SizeJson {
    SizeJson {
        faults: size.faults,
        operations: size.operations,
        clients: size.clients,
        servers: size.servers,
        items: size.items(),
    }
}
