//! `zablab run`: plays one scenario and judges it.

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use super::input::Source;
use super::output::{self, Failure, Status};
use super::record::Places;
use super::report;
use crate::experiment::chronicle::Chronicle;
use crate::experiment::outcome::Outcome;
use crate::experiment::run::play;
use crate::experiment::scenario::Scenario;
use crate::report::data::{Account, Report};
use crate::report::text;

/// Play one scenario and judge every property
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  zablab run scenarios/quiet.json
  zablab run scenarios/swarm.json --seed 42
  zablab run scenarios/leader-crash.json --set ensemble.voters=3 --json
  zablab run scenarios/zoo/half-quorum.json --report out
  zablab run scenarios/quiet.json --history quiet.history.jsonl --trace quiet.trace.jsonl

--history has a line per invocation and completion, in Jepsen's shape: index, process, type (invoke, ok, fail, info), f, key,
value, time (ns), and where known error (mismatch: the expected version did not hold), expected, version, zxid, mzxid,
czxid, pzxid, aversion, path, flags, create, results, client, op, session. Lines of the type event are watch events, connections and crashes. A process with an unknown
outcome (info) is not used again. --trace has a line per fact of servers, clients and machine: event, time_ns, fact, and the
fact's own fields. Neither file appears before it is whole.

--json prints one object: scenario, seed, verdict (holds, violated, undecided, excused), expected (whether the file's `expect`
was met; null when the seed or a field was replaced), digest, events, virtual_ms, properties [{name, verdict,
exercised}], violations [{property, statement, signature, event, time_us, story}], counters, situations (name: how often it was reached; those
never reached are left out), strikes (fault: {effective, in_vain}), replay.")]
pub(super) struct Args {
    #[command(flatten)]
    source: Source,
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
    /// Leave report.html, report.json and the scenario as it was played in this directory
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,
    #[command(flatten)]
    places: Places,
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> Result<Status, Failure> {
    let scenario = args.source.load()?;
    if let Some(directory) = &args.report {
        fs::create_dir_all(directory).map_err(|error| output::file_failure(directory, error))?;
        output::expect_place(&directory.join("report.json"))?;
    }
    let mut recorder = args.places.open(&args.source.file)?;
    let mut chronicle = Chronicle::default();
    let outcome = play(&scenario, &mut (&mut recorder, &mut chronicle));
    args.places.keep(recorder)?;
    let met = args
        .source
        .is_unchanged()
        .then(|| outcome.meets(&scenario.expect));
    let expected = met.as_ref().map(Result::is_ok);
    let report = Report::new(Account {
        scenario: &scenario,
        outcome: &outcome,
        chronicle: &chronicle,
        expected,
        replay: &args.source.replay_command(),
    });
    if let Some(directory) = &args.report {
        report::leave_run(&args.source, directory)?;
    }
    if args.json {
        output::json(out, &report)?;
    } else {
        write!(out, "{}", text::run(&scenario, &outcome, &report))?;
        writeln!(out, "{}", conclusion(&scenario, &outcome, met.as_ref()))?;
    }
    Ok(match expected {
        Some(true) => Status::Good,
        Some(false) => Status::Bad,
        None => Status::of(outcome.verdict()),
    })
}

/// The last line: the verdict, and whether it was expected.
pub(super) fn conclusion(
    scenario: &Scenario,
    outcome: &Outcome,
    met: Option<&Result<(), String>>,
) -> String {
    let verdict = outcome.verdict().name();
    let property = outcome
        .decisive()
        .map_or_else(String::new, |property| format!(": {property}"));
    match met {
        None => format!("verdict     {verdict}{property}"),
        Some(Ok(())) => format!(
            "verdict     {verdict}{property}, as {} expects",
            scenario.name
        ),
        Some(Err(difference)) => format!("verdict     {verdict}{property}; {difference}"),
    }
}
