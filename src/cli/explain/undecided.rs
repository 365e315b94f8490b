//! What `zablab explain` says of a run that violates nothing: why it is undecided, or that there is nothing to explain.

use std::fmt::Write as _;
use std::io::Write;

use serde::Serialize;

use super::Args;
use crate::check::verdict::{Property, Verdict};
use crate::cli::output::{self, Failure, Status};
use crate::experiment::outcome::{Ended, Outcome};
use crate::experiment::scenario::Scenario;

#[derive(Serialize)]
struct UndecidedJson<'a> {
    verdict: &'static str,
    event: u64,
    time_us: u64,
    budget: Option<u64>,
    undecided: Vec<Reason<'a>>,
    vacuous: Vec<&'static str>,
}

#[derive(Serialize)]
struct Reason<'a> {
    property: &'static str,
    why: Option<&'a str>,
}

/// Explains a run without a violation, if it is undecided.
pub(super) fn explain(
    args: &Args,
    scenario: &Scenario,
    outcome: &Outcome,
    out: &mut dyn Write,
) -> Result<Status, Failure> {
    let file = args.source.file.display();
    let verdict = outcome.verdict();
    if verdict != Verdict::Undecided {
        let what = format!(
            "{file}: the run violates nothing ({}); expected a violated or undecided run to explain",
            verdict.name()
        );
        return Err(Failure::Usage(what));
    }
    if args.when {
        let what = format!(
            "{file}: the run is undecided; --when expected a violation, try without it to see what was not judged"
        );
        return Err(Failure::Usage(what));
    }
    let known = UndecidedJson {
        verdict: verdict.name(),
        event: outcome.events,
        time_us: outcome.virtual_time.0 / 1_000,
        budget: (outcome.ended == Ended::EventBudget).then_some(scenario.limits.events),
        undecided: of(outcome, Verdict::Undecided)
            .map(|(property, why)| Reason {
                property: property.name(),
                why,
            })
            .collect(),
        vacuous: of(outcome, Verdict::Vacuous)
            .map(|(property, _)| property.name())
            .collect(),
    };
    if args.json {
        output::json(out, &known)?;
    } else {
        write!(out, "{}", text(scenario, outcome, &known))?;
    }
    Ok(Status::Good)
}

/// The properties with that verdict, and why they have it.
fn of(outcome: &Outcome, verdict: Verdict) -> impl Iterator<Item = (Property, Option<&str>)> {
    let properties = outcome.properties.iter();
    properties
        .filter(move |judged| judged.verdict == verdict)
        .map(|judged| (judged.property, judged.why.as_deref()))
}

fn text(scenario: &Scenario, outcome: &Outcome, known: &UndecidedJson<'_>) -> String {
    let mut text = format!(
        "undecided   {} seed {}   nothing was violated up to event {} ({})\n",
        scenario.name, scenario.seed.0, outcome.events, outcome.virtual_time
    );
    let mut line = |head: &str, rest: &str| {
        writeln!(text, "{head:<12}{rest}").expect("a string takes any text");
    };
    if let Some(budget) = known.budget {
        let due = scenario.limits.virtual_ms;
        line(
            "budget",
            &format!("{budget} events were played before the {due} ms of the scenario were over"),
        );
        line(
            "try",
            "--set limits.events=N with a larger N, or a smaller limits.virtual_ms",
        );
    }
    for reason in &known.undecided {
        let why = reason.why.unwrap_or("the checker does not say why");
        line("undecided", &format!("{}: {why}", reason.property));
    }
    if !known.vacuous.is_empty() {
        line("unexercised", &known.vacuous.join(", "));
    }
    text
}
