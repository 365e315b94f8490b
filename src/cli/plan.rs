//! `zablab plan`: prints a scenario with everything its seed decides before the run written out.

use std::io::Write;

use serde::Serialize;

use super::input::Source;
use super::output::{self, Failure, Status};
use crate::experiment::materialise::{materialise, resolve};
use crate::experiment::scenario::sections::{Expect, Expected};
use crate::report::faults;

/// Print the materialised plan: the scenario with its generated faults and drawn links written out
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  zablab plan scenarios/swarm.json --seed 7
  zablab plan scenarios/swarm.json --seed 7 > seed7.json; zablab run seed7.json
  zablab plan scenarios/swarm.json --seed 7 --resolved

What is printed is a scenario file; it plays exactly as the file with that seed does. Faults keep their ids for life: to take
one away, delete its line. --resolved plays the run once and writes into each fault the node that its role was and the
moment at which its mark was said, so that the plan does not depend on who leads any more.

--json prints one object: scenario (the file's content), faults [{id, what, when}].")]
pub(super) struct Args {
    #[command(flatten)]
    source: Source,
    /// Play the run and replace roles by nodes and marks by moments
    #[arg(long)]
    resolved: bool,
    /// Print one JSON object instead of the scenario file
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct PlanJson {
    scenario: serde_json::Value,
    faults: Vec<FaultLine>,
}

#[derive(Serialize)]
struct FaultLine {
    id: String,
    what: String,
    when: String,
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> Result<Status, Failure> {
    let mut scenario = materialise(&args.source.load()?);
    if args.resolved {
        scenario = resolve(&scenario);
        scenario.expect.digest = None;
    }
    if !args.source.is_unchanged() {
        // What the file expects is about the file as it is.
        scenario.expect = Expect {
            verdict: Expected::Holds,
            property: None,
            digest: None,
        };
    }
    let text = scenario.to_string();
    if !args.json {
        write!(out, "{text}")?;
        return Ok(Status::Good);
    }
    let roster = scenario.roster();
    let faults = scenario.plan.iter().map(|planned| FaultLine {
        id: planned.id.to_string(),
        what: faults::fault(&planned.fault, roster),
        when: faults::trigger(&planned.trigger, roster),
    });
    let object = PlanJson {
        scenario: serde_json::from_str(&text).expect("a scenario is written as JSON"),
        faults: faults.collect(),
    };
    output::json(out, &object)?;
    Ok(Status::Good)
}
