//! A report as text for people.

use std::fmt::{self, Display, Write};

use super::data::Report;
use super::data::{StalenessLine, WatchLatencyLine};
use crate::check::claims::Staleness;
use crate::check::verdict::{Note, Property, Sentence, Verdict, Violation};
use crate::check::watch::WatchLatency;
use crate::experiment::counters::Counters;
use crate::experiment::outcome::{Ended, Judged, Outcome};
use crate::experiment::scenario::Scenario;

/// A number with its digits in groups of three.
#[derive(Clone, Copy, Debug)]
pub struct Grouped(pub u64);

impl Display for Grouped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.to_string();
        let mut text = String::new();
        for (index, digit) in digits.chars().enumerate() {
            if index > 0 && (digits.len() - index).is_multiple_of(3) {
                text.push(' ');
            }
            text.push(digit);
        }
        f.pad(&text)
    }
}

/// Everything `run` prints about a run.
pub fn run(scenario: &Scenario, outcome: &Outcome, report: &Report) -> String {
    let mut text = String::new();
    head(scenario, &mut text);
    text.push_str(&violations(scenario, outcome));
    for judged in &outcome.properties {
        property(judged, &mut text);
    }
    text.push('\n');
    excuses(outcome, &mut text);
    counters(&outcome.counters, &mut text);
    staleness(&outcome.staleness, &mut text);
    watch_latency(&outcome.watch_latency, &mut text);
    notes(&outcome.notes, &mut text);
    let ended = match outcome.ended {
        Ended::InTime => "",
        Ended::EventBudget => " (the event budget was spent before the time)",
    };
    put(
        &mut text,
        format_args!(
            "played      {} of virtual time, {} events{ended}, digest {}\n",
            outcome.virtual_time,
            Grouped(outcome.events),
            report.digest
        ),
    );
    put(&mut text, format_args!("replay      {}\n", report.replay));
    text
}

/// The story of the first violation of each property that was broken: it explains, the others repeat.
pub fn violations(scenario: &Scenario, outcome: &Outcome) -> String {
    let mut text = String::new();
    let mut told: Vec<Property> = Vec::new();
    for violation in &outcome.violations {
        if !told.contains(&violation.property) {
            told.push(violation.property);
            violation_story(violation, outcome, scenario, &mut text);
        }
    }
    let repeats = outcome.violations.len() - told.len();
    if repeats > 0 {
        put(
            &mut text,
            format_args!("({repeats} more of the same properties: --json lists them)\n\n"),
        );
    }
    text
}

fn put(text: &mut String, line: fmt::Arguments<'_>) {
    text.write_fmt(line).expect("a string takes any text");
}

fn head(scenario: &Scenario, text: &mut String) {
    put(
        text,
        format_args!("{}   seed {}\n", scenario.name, scenario.seed.0),
    );
    if !scenario.about.is_empty() {
        put(text, format_args!("{}\n", scenario.about));
    }
    let roster = scenario.roster();
    let observers = match roster.observers {
        0 => String::new(),
        number => format!(", {number} observers"),
    };
    put(
        text,
        format_args!(
            "{} voters{observers}, {} clients, {} planned faults",
            roster.voters,
            roster.clients,
            scenario.plan.len()
        ),
    );
    if !scenario.mutants.is_empty() {
        put(
            text,
            format_args!(", planted: {}", scenario.mutants.join(", ")),
        );
    }
    text.push_str("\n\n");
}

/// What took the run outside of what Zab promises to survive.
fn excuses(outcome: &Outcome, text: &mut String) {
    for excuse in &outcome.excuses {
        let server = excuse
            .server
            .map_or_else(String::new, |server| format!(" at server {server}"));
        put(
            text,
            format_args!(
                "excuse      {}: {}{server}   event {}   t={}\n",
                excuse.fault,
                excuse.what,
                Grouped(excuse.at.event.0),
                excuse.at.time
            ),
        );
    }
}

/// A property's line: its verdict, how often it was judged and, of watches, from what.
pub fn property(judged: &Judged, text: &mut String) {
    let count = Grouped(judged.exercised);
    let sight = judged
        .sight
        .map_or_else(String::new, |sight| format!(", {}", sight.name()));
    let note = match (&judged.verdict, &judged.why) {
        (Verdict::Vacuous, _) => "never exercised".to_owned(),
        (_, Some(why)) => format!("{count:>10} judgements{sight}; {why}"),
        (_, None) => format!("{count:>10} judgements{sight}"),
    };
    put(
        text,
        format_args!(
            "{:<9}  {:<22}  {note}\n",
            judged.verdict.name(),
            judged.property.name()
        ),
    );
}

/// A violation in the words of its evidence.
fn violation_story(
    violation: &Violation,
    outcome: &Outcome,
    scenario: &Scenario,
    text: &mut String,
) {
    put(
        text,
        format_args!(
            "{:<9}  {}   seed {}   event {}   t={}\n",
            if outcome.is_excused(violation) {
                Verdict::Excused.name()
            } else {
                Verdict::Violated.name()
            },
            violation.property.name(),
            scenario.seed.0,
            Grouped(violation.at.event.0),
            violation.at.time
        ),
    );
    put(text, format_args!("  {}\n", violation.property.statement()));
    let width = violation
        .story
        .iter()
        .map(|sentence| sentence.text.chars().count())
        .max()
        .unwrap_or(0)
        .min(110);
    for sentence in &violation.story {
        story_line(sentence, width, text);
    }
    text.push('\n');
}

fn story_line(sentence: &Sentence, width: usize, text: &mut String) {
    put(
        text,
        format_args!(
            "  {:>10}  {:<width$}  event {}\n",
            sentence.at.time.to_string(),
            sentence.text,
            Grouped(sentence.at.event.0)
        ),
    );
}

/// What is allowed by design, a line a kind with the end of its first story.
pub fn notes(notes: &[Note], text: &mut String) {
    for note in notes {
        let last = note.story.last().map_or("", |sentence| &sentence.text);
        let times = if note.count == 1 { "once" } else { "times" };
        let count = match note.count {
            1 => String::new(),
            count => format!("{} ", Grouped(count)),
        };
        put(
            text,
            format_args!("by design   {} {count}{times}; first: {last}\n", note.kind),
        );
    }
}

/// How stale reads were, in a line.
pub fn staleness(staleness: &Staleness, text: &mut String) {
    let line = StalenessLine::of(staleness);
    let or_none = |value: Option<u64>| Grouped(value.unwrap_or(0));
    put(
        text,
        format_args!(
            "reads       {} of {} stale",
            Grouped(line.stale),
            Grouped(line.reads)
        ),
    );
    if line.stale > 0 {
        put(
            text,
            format_args!(
                ": by {} versions at most, by {} ms in the median and {} ms at most",
                or_none(line.versions.max),
                or_none(line.ms.p50),
                or_none(line.ms.max)
            ),
        );
    }
    text.push('\n');
}

/// How long watch events were on their way, in a line, if there were any.
fn watch_latency(latency: &WatchLatency, text: &mut String) {
    let line = WatchLatencyLine::of(latency);
    if line.events == 0 {
        return;
    }
    let or_none = |value: Option<u64>| Grouped(value.unwrap_or(0));
    put(
        text,
        format_args!(
            "events      {} told {} ms after the commit in the median, {} ms at most\n",
            Grouped(line.events),
            or_none(line.ms.p50),
            or_none(line.ms.max)
        ),
    );
}

/// What was exercised, in four lines.
pub fn counters(counters: &Counters, text: &mut String) {
    let c = counters;
    put(
        text,
        format_args!(
            "ensemble    {} elections; syncs: {} DIFF, {} TRUNC, {} SNAP; {} boots\n",
            Grouped(c.elections),
            Grouped(c.syncs_diff),
            Grouped(c.syncs_trunc),
            Grouped(c.syncs_snap),
            Grouped(c.boots)
        ),
    );
    put(
        text,
        format_args!(
            "history     {} proposals, {} commits, {} deliveries\n",
            Grouped(c.proposals),
            Grouped(c.commits),
            Grouped(c.deliveries)
        ),
    );
    put(
        text,
        format_args!(
            "clients     {} operations succeeded, {} failed, {} of unknown outcome, {} never sent\n",
            Grouped(c.ops_ok),
            Grouped(c.ops_failed),
            Grouped(c.ops_unknown),
            Grouped(c.ops_unsent)
        ),
    );
    put(
        text,
        format_args!(
            "sessions    {} opened, {} connections, {} expired; {} watches fired\n",
            Grouped(c.sessions),
            Grouped(c.connections),
            Grouped(c.sessions_expired),
            Grouped(c.watches_fired)
        ),
    );
    put(
        text,
        format_args!(
            "faults      {} took hold, {} in vain; {} crashes, {} power losses\n",
            Grouped(c.faults),
            Grouped(c.faults_in_vain),
            Grouped(c.crashes),
            Grouped(c.power_losses)
        ),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_grouped_from_the_right() {
        let grouped: Vec<String> = [0, 999, 1_000, 18_204, 1_234_567]
            .into_iter()
            .map(|number| Grouped(number).to_string())
            .collect();
        assert_eq!(grouped, ["0", "999", "1 000", "18 204", "1 234 567"]);
        assert_eq!(format!("{:>6}", Grouped(1_000)), " 1 000");
    }
}
