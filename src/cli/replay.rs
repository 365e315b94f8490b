//! `zablab replay`: plays a scenario again, verifies its digest and shows its steps.

use std::io::Write;

use serde::Serialize;

use super::input::Source;
use super::output::{self, Failure, Status};
use super::run::conclusion;
use crate::experiment::chronicle::Chronicle;
use crate::experiment::outcome::Outcome;
use crate::experiment::run::{Nobody, play};
use crate::experiment::scenario::Scenario;
use crate::report::data::{Account, Report};
use crate::report::steps::{Steps, Window};
use crate::report::text;

/// Play a scenario again, verify its digest and show its steps, one line per fact, one column per server
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  zablab replay failures/swarm-seed17.json
  zablab replay scenarios/leader-crash.json --from 15000 --to 15400

Without --from and --to the steps around the first violation are shown. A column shows a server's role (L leads,
F follows, O observes, ? is looking), the epoch it serves in and the last transaction in its log; a star marks whom the
line is about. When the file's `expect` has a digest and the run's differs, replay says so and exits with 4.

--json prints one object: report (as of `run`), expected_digest, same_digest (null if none is expected), steps [{event,
time_us, servers, actor, text}].")]
pub(super) struct Args {
    #[command(flatten)]
    source: Source,
    /// First event to show
    #[arg(long, value_name = "EVENT")]
    from: Option<u64>,
    /// Last event to show
    #[arg(long, value_name = "EVENT")]
    to: Option<u64>,
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
}

/// Events shown before the last piece of evidence of a violation, and after it.
const BEFORE: u64 = 150;
const AFTER: u64 = 20;

#[derive(Serialize)]
struct Replayed {
    report: Report,
    expected_digest: Option<String>,
    same_digest: Option<bool>,
    steps: Vec<StepLine>,
}

#[derive(Serialize)]
struct StepLine {
    event: u64,
    time_us: u64,
    servers: Vec<String>,
    actor: Option<usize>,
    text: String,
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> Result<Status, Failure> {
    if let (Some(from), Some(to)) = (args.from, args.to)
        && from > to
    {
        let what = format!("--from {from} lies after --to {to}; expected the earlier event first");
        return Err(Failure::Usage(what));
    }
    let scenario = args.source.load()?;
    let outcome = play(&scenario, &mut Nobody);
    let window = window(args, &outcome);
    let mut steps = Steps::new(window, &scenario.plan, scenario.roster());
    let mut chronicle = Chronicle::default();
    let again = play(&scenario, &mut (&mut steps, &mut chronicle));
    assert_eq!(
        outcome.digest, again.digest,
        "the same scenario gave two different runs"
    );
    let expected = args
        .source
        .is_unchanged()
        .then(|| scenario.expect.digest.clone())
        .flatten();
    let found = format!("{:016x}", outcome.digest);
    let same = expected
        .as_ref()
        .map(|expected| expected.eq_ignore_ascii_case(&found));
    if args.json {
        let met = args
            .source
            .is_unchanged()
            .then(|| outcome.meets(&scenario.expect).is_ok());
        let report = Report::new(Account {
            scenario: &scenario,
            outcome: &outcome,
            chronicle: &chronicle,
            expected: met,
            replay: &args.source.replay_command(),
        });
        output::json(out, &replayed(report, expected, same, &steps))?;
    } else {
        show(&scenario, &outcome, &steps, out)?;
        match &expected {
            Some(expected) if same == Some(false) => writeln!(
                out,
                "digest      {found}; the file expects {expected}: the replay DIVERGED (another build, or an edited file)"
            )?,
            Some(_) => writeln!(out, "digest      {found}, as the file expects")?,
            None => writeln!(out, "digest      {found}; the file expects none")?,
        }
    }
    Ok(if same == Some(false) {
        Status::Diverged
    } else {
        Status::Good
    })
}

/// The events asked for, else those around the first violation, else the end of the run.
fn window(args: &Args, outcome: &Outcome) -> Window {
    let first = outcome
        .violations
        .iter()
        .min_by_key(|violation| violation.at);
    let (from, to) = match first {
        Some(violation) => {
            let at = violation.at.event.0;
            (at.saturating_sub(BEFORE), at + AFTER)
        }
        None => (outcome.events.saturating_sub(BEFORE), outcome.events),
    };
    match (args.from, args.to) {
        (Some(from), Some(to)) => Window { from, to },
        (Some(from), None) => Window {
            from,
            to: from + BEFORE + AFTER,
        },
        (None, Some(to)) => Window {
            from: to.saturating_sub(BEFORE + AFTER),
            to,
        },
        (None, None) => Window { from, to },
    }
}

fn show(
    scenario: &Scenario,
    outcome: &Outcome,
    steps: &Steps<'_>,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    writeln!(out, "{}   seed {}", scenario.name, scenario.seed.0)?;
    write!(out, "{}", steps.table())?;
    writeln!(out)?;
    write!(out, "{}", text::violations(scenario, outcome))?;
    writeln!(out, "{}", conclusion(scenario, outcome, None))?;
    Ok(())
}

fn replayed(
    report: Report,
    expected_digest: Option<String>,
    same_digest: Option<bool>,
    steps: &Steps<'_>,
) -> Replayed {
    let steps = steps.lines().iter().map(|step| StepLine {
        event: step.at.event.0,
        time_us: step.at.time.0 / 1_000,
        servers: step.columns.clone(),
        actor: step.actor.map(|index| index + 1),
        text: step.text.clone(),
    });
    Replayed {
        report,
        expected_digest,
        same_digest,
        steps: steps.collect(),
    }
}
