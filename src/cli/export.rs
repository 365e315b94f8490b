//! `zablab export`: a run in the formats that other programs read.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::input::Source;
use super::output::{self, Failure, Status};
use super::record::Draft;
use crate::report::export::{self, Format};

/// Write a run in a format that other programs read
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  zablab export scenarios/zoo/half-quorum.json --to perfetto -o trace.json     open it at https://ui.perfetto.dev
  zablab export scenarios/zoo/half-quorum.json --to shiviz -o log.txt          paste it at https://bestchai.bitbucket.io/shiviz
  zablab export scenarios/znodes.json --to jepsen-edn -o history.edn && zablab check history.edn
  zablab export scenarios/zoo/half-quorum.json --to mermaid                    for an issue or a lecture
  zablab export scenarios/zoo/half-quorum.json --to dot | dot -Tsvg -O

The run is played again, and written while it is played. Formats:
  shiviz       the last 5 000 events before the violation (else the first) with vector clocks
  perfetto     Chrome's trace events (JSON): messages as flows, roles, operations, faults, zxids as counters
  jepsen-edn   the history of operations as Jepsen writes it; what is no operation is the nemesis's
  jepsen-json  the same as JSON lines; `zablab check` reads both
  porcupine    gets and puts, as the tests of Porcupine's key-value store read them
  mermaid      a sequence diagram of the last 60 messages before the violation (else the first)
  dot          Graphviz: what servers did, and the causes of the violation
  asciicast    a terminal recording of the steps, for asciinema
  junit        a test case per property
  csv          every event, message and fact, a line each

docs/exports.md says how each is tested. The exit code tells whether it was written, not the verdict.")]
pub(super) struct Args {
    /// A scenario file, or the folder that `run --report` left
    run: PathBuf,
    /// Play this seed instead of the file's
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Replace a field of the file
    #[arg(long, value_name = "PATH=VALUE", help = super::input::SET_HELP)]
    set: Vec<String>,
    /// The format
    #[arg(long, value_name = "FORMAT", value_parser = format)]
    to: Format,
    /// Where it goes; default stdout
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

fn format(name: &str) -> Result<Format, String> {
    Format::by_name(name).ok_or_else(|| {
        let names = Format::ALL.map(Format::name).join(", ");
        format!("expected one of {names}")
    })
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> Result<Status, Failure> {
    let within = args.run.join("scenario.json");
    let file = if within.is_file() {
        within
    } else {
        args.run.clone()
    };
    let source = Source {
        file,
        seed: args.seed,
        set: args.set.clone(),
    };
    let scenario = source.load()?;
    let Some(path) = args
        .output
        .as_deref()
        .filter(|path| *path != Path::new("-"))
    else {
        export::write(&scenario, args.to, out)?;
        return Ok(Status::Good);
    };
    let failure = |error| output::file_failure(path, error);
    let mut draft = Draft::open(path).map_err(failure)?;
    export::write(&scenario, args.to, &mut draft).map_err(failure)?;
    draft.keep().map_err(failure)?;
    Ok(Status::Good)
}
