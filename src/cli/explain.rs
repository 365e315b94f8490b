//! `zablab explain`: the causal past of a violation in sentences; with `--when`, the moment from which it was inevitable.

mod undecided;

use std::io::Write;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;

use super::input::Source;
use super::output::{self, Failure, Status};
use super::progress::{self, Progress};
use crate::check::verdict::{At, Violation};
use crate::experiment::inevitable::{self, Curve, Effort, Point};
use crate::experiment::run::{Nobody, play};
use crate::experiment::scenario::Scenario;
use crate::experiment::shrink::failure::known_at;
use crate::report::curve::{self, Interval, wilson};
use crate::report::explain::{self, Explanation};
use crate::report::plot::inevitability;

/// Say how a violation came about; with --when, from which moment on it was inevitable
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  zablab explain small.json
  zablab explain scenarios/zoo/half-quorum.json --json
  zablab explain small.json --when --svg when.svg
  zablab explain small.json --when --runs 100 --points 32 --jobs 2

The first violation in time is explained by its causal past: everything that happened before it through messages, timers,
disks and steps of one node, thinned to faults, elections, the transactions and operations of the evidence. A star marks the
checker's own evidence. Shrink a failure first: what is small explains itself.

--when draws the weather (network, disks, stages) after each of some moments anew, in some runs each, and counts how many
still violate the property: where the share rises, the violation was decided. Intervals are Wilson's of 95 %.

Of a run that violates nothing but could not be judged it is said what was not judged, why, and what to try.

Exit codes: 0 explained; 2 there is nothing to explain, or the file cannot be read; 3 Ctrl-C ended --when early.

--json prints one object: property, statement, signature, event, time_us, past (events that happened before it), sentences
[{event, time_us, text, evidence}], and with --when: when {curve [{event, time_us, runs, fails, low, high}] (thousandths),
steepest {from_event, to_event, sentences} or null}. Of an undecided run: verdict (undecided), event, time_us (the end of the run),
budget (the event limit if that ended it, or null), undecided [{property, why}], vacuous [property].")]
pub(super) struct Args {
    #[command(flatten)]
    source: Source,
    /// Find the moment from which the violation was inevitable
    #[arg(long)]
    when: bool,
    /// Runs per moment
    #[arg(long, value_name = "N", requires = "when", default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    runs: u32,
    /// Moments
    #[arg(long, value_name = "N", requires = "when", default_value_t = 64, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    points: u64,
    /// Runs at a time; default as many as the machine has processors
    #[arg(long, value_name = "N", requires = "when", value_parser = clap::value_parser!(u16).range(1..=1024))]
    jobs: Option<u16>,
    /// Draw the curve of --when as a picture
    #[arg(long, value_name = "FILE.svg", requires = "when")]
    svg: Option<PathBuf>,
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct ExplanationJson {
    property: &'static str,
    statement: &'static str,
    signature: &'static str,
    event: u64,
    time_us: u64,
    past: usize,
    sentences: Vec<SentenceJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    when: Option<WhenJson>,
}

#[derive(Serialize)]
struct WhenJson {
    curve: Vec<PointJson>,
    steepest: Option<SteepestJson>,
}

#[derive(Serialize)]
struct SentenceJson {
    event: u64,
    time_us: u64,
    text: String,
    evidence: bool,
}

#[derive(Serialize)]
struct PointJson {
    event: u64,
    time_us: u64,
    runs: u32,
    fails: u32,
    low: u32,
    high: u32,
}

#[derive(Serialize)]
struct SteepestJson {
    from_event: u64,
    to_event: u64,
    sentences: Vec<SentenceJson>,
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> Result<Status, Failure> {
    let scenario = args.source.load()?;
    let outcome = play(&scenario, &mut Nobody);
    let first = outcome
        .violations
        .iter()
        .min_by_key(|violation| violation.at);
    let Some(violation) = first else {
        return undecided::explain(args, &scenario, &outcome, out);
    };
    let explanation = explain::explain(&scenario, violation);
    let stop = progress::stop_when_interrupted()?;
    let curve = if args.when {
        Some(play_curve(args, &scenario, violation, &stop))
    } else {
        None
    };
    let figure = curve.as_ref().and_then(inevitability);
    if let (Some(file), Some(figure)) = (&args.svg, figure) {
        output::replace(file, figure.svg)?;
    }
    if args.json {
        output::json(out, &as_json(&scenario, explanation, curve.as_ref()))?;
    } else {
        write!(out, "{}", explain::text(&explanation))?;
        if let Some(curve) = &curve {
            write!(out, "\n{}", curve::text(curve))?;
            write!(out, "{}", steepest_text(&scenario, curve))?;
        }
    }
    Ok(if stop.load(Ordering::Relaxed) {
        Status::Undecided
    } else {
        Status::Good
    })
}

fn play_curve(args: &Args, scenario: &Scenario, violation: &Violation, stop: &AtomicBool) -> Curve {
    let effort = Effort {
        points: args.points,
        runs: args.runs,
        jobs: super::sweep::jobs(args.jobs),
        stop,
    };
    let mut progress = Progress::start();
    let mut tell = |done: u64| progress.show(|| format!("{done} of {} moments", args.points));
    let curve = inevitable::curve(
        scenario,
        violation.property,
        known_at(violation),
        effort,
        &mut tell,
    );
    progress.clear();
    curve
}

/// What happened where the curve rises most.
fn steepest(scenario: &Scenario, curve: &Curve) -> Option<(At, At, Vec<explain::Sentence>)> {
    let (before, after) = curve.steepest()?;
    let sentences = explain::between(scenario, before.at, after.at);
    Some((before.at, after.at, sentences))
}

fn steepest_text(scenario: &Scenario, curve: &Curve) -> String {
    let Some((from, to, sentences)) = steepest(scenario, curve) else {
        return "\nno rise: the share is the same at every moment\n".to_owned();
    };
    let mut text = format!(
        "\nsteepest rise between event {} ({}) and event {} ({}), where\n",
        from.event.0, from.time, to.event.0, to.time
    );
    for sentence in &sentences {
        text.push_str(&explain::line(sentence));
    }
    text
}

fn as_json(
    scenario: &Scenario,
    explanation: Explanation,
    curve: Option<&Curve>,
) -> ExplanationJson {
    let when = curve.map(|curve| WhenJson {
        curve: curve
            .points
            .iter()
            .map(|point| point_json(*point))
            .collect(),
        steepest: steepest(scenario, curve).map(|(from, to, sentences)| SteepestJson {
            from_event: from.event.0,
            to_event: to.event.0,
            sentences: sentences.into_iter().map(sentence_json).collect(),
        }),
    });
    ExplanationJson {
        property: explanation.property.name(),
        statement: explanation.property.statement(),
        signature: explanation.signature,
        event: explanation.at.event.0,
        time_us: explanation.at.time.0 / 1_000,
        past: explanation.past,
        sentences: explanation
            .sentences
            .into_iter()
            .map(sentence_json)
            .collect(),
        when,
    }
}

fn point_json(point: Point) -> PointJson {
    let Interval { low, high } = wilson(point);
    PointJson {
        event: point.at.event.0,
        time_us: point.at.time.0 / 1_000,
        runs: point.runs,
        fails: point.fails,
        low,
        high,
    }
}

fn sentence_json(sentence: explain::Sentence) -> SentenceJson {
    SentenceJson {
        event: sentence.at.event.0,
        time_us: sentence.at.time.0 / 1_000,
        text: sentence.text,
        evidence: sentence.is_evidence,
    }
}
