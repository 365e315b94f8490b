//! Graphviz: two graphs. `roles` has what servers do and how often they changed from one to the other; `causes`, if there is a violation,
//! what led to it: a column per node, time downwards.

use std::collections::{BTreeMap, BTreeSet};

use super::{Pen, flat};
use crate::base::id::ServerId;
use crate::cast::Witness;
use crate::check::verdict::Violation;
use crate::experiment::chronicle::histories::Histories;
use crate::experiment::chronicle::standing::{Doing, Standing};
use crate::experiment::cone::History;
use crate::experiment::outcome::Outcome;
use crate::experiment::run::Run;
use crate::experiment::scenario::Scenario;
use crate::history::fact::Fact;
use crate::report::explain;
use crate::sim::sink::Stamp;

pub(super) fn write(scenario: &Scenario, pen: &mut Pen<'_>) -> Outcome {
    let mut changes = Changes::default();
    let outcome = Run::start(scenario).conclude(&mut changes, &mut ());
    roles(&changes, pen);
    if let Some(violation) = outcome.violations.first() {
        causes(scenario, violation, pen);
    }
    outcome
}

/// How often servers changed what they do.
#[derive(Default)]
struct Changes {
    standings: BTreeMap<ServerId, Standing>,
    histories: Histories,
    counts: BTreeMap<(&'static str, &'static str), u64>,
}

impl Witness for Changes {
    fn witness(&mut self, _at: Stamp, fact: &Fact) {
        let Some(server) = Standing::subject(fact) else {
            return;
        };
        let standing = self.standings.entry(server).or_default();
        let before = standing.doing;
        standing.observe(fact, &mut self.histories);
        if before != standing.doing {
            let change = (before.name(), standing.doing.name());
            *self.counts.entry(change).or_default() += 1;
        }
    }
}

fn roles(changes: &Changes, pen: &mut Pen<'_>) {
    pen.put(format_args!(
        "digraph roles {{\n  node [shape=box, style=rounded];\n"
    ));
    for name in Doing::NAMES {
        pen.put(format_args!("  {name};\n"));
    }
    for ((from, to), count) in &changes.counts {
        pen.put(format_args!("  {from} -> {to} [label={count}];\n"));
    }
    pen.put(format_args!("}}\n"));
}

fn causes(scenario: &Scenario, violation: &Violation, pen: &mut Pen<'_>) {
    let last = violation
        .story
        .iter()
        .map(|sentence| sentence.at.time)
        .max();
    let until = last.map_or(violation.at.time, |last| last.max(violation.at.time));
    let history = History::of(scenario, until);
    let explanation = explain::within(&history, scenario, violation);
    let mut texts: BTreeMap<u64, Vec<(String, bool)>> = BTreeMap::new();
    for sentence in &explanation.sentences {
        let text = format!("{} {}", sentence.at.time, sentence.text);
        let texts = texts.entry(sentence.at.event.0).or_default();
        texts.push((text, sentence.is_evidence));
    }
    let title = quoted(&format!(
        "{} seed {}: {}",
        scenario.name, scenario.seed.0, violation.property
    ));
    pen.put(format_args!(
        "digraph causes {{\n  label={title};\n  rankdir=TB;\n  node [shape=box];\n"
    ));
    let kept: BTreeSet<u64> = texts.keys().copied().collect();
    for (event, texts) in &texts {
        let is_evidence = texts.iter().any(|(_, is_evidence)| *is_evidence);
        let lines: Vec<&str> = texts.iter().map(|(text, _)| text.as_str()).collect();
        let style = if is_evidence { ", penwidth=3" } else { "" };
        let label = quoted(&lines.join("\u{1}")).replace('\u{1}', "\\n");
        pen.put(format_args!("  e{event} [label={label}{style}];\n"));
    }
    for event in &kept {
        for cause in history.nearest(*event, &kept) {
            pen.put(format_args!("  e{cause} -> e{event};\n"));
        }
    }
    pen.put(format_args!("}}\n"));
}

fn quoted(text: &str) -> String {
    format!(
        "\"{}\"",
        flat(text).replace('\\', "\\\\").replace('"', "\\\"")
    )
}
