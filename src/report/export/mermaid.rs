//! Mermaid: a `sequenceDiagram` of the last messages before the violation, else of the first; for issues and lecture notes.
//!
//! A message is one line, at its arrival; one that never arrived is crossed out where it was sent. Routine messages are left out.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::tape::{Entry, Names, Scribe, What, words};
use super::{Pen, flat};
use crate::base::id::NodeId;
use crate::experiment::outcome::Outcome;
use crate::experiment::scenario::Scenario;
use crate::report::trace::kinds::Described;

/// Messages written at most: drawing takes time that grows with their square.
pub(super) const MOST: usize = 60;

#[derive(Debug)]
struct Line {
    number: Option<u64>,
    from: NodeId,
    to: NodeId,
    words: String,
    event: u64,
    is_sending: bool,
}

pub(super) struct Mermaid<'a, 'b> {
    names: Names,
    title: String,
    until: Option<u64>,
    /// Sentences of the violation, by event.
    evidence: BTreeMap<u64, Vec<String>>,
    lines: VecDeque<Line>,
    /// Messages that arrived, of those in `lines`.
    arrived: BTreeSet<u64>,
    pen: &'a mut Pen<'b>,
}

impl<'a, 'b> Mermaid<'a, 'b> {
    pub(super) fn new(scenario: &Scenario, outcome: &Outcome, pen: &'a mut Pen<'b>) -> Self {
        let mut evidence: BTreeMap<u64, Vec<String>> = BTreeMap::new();
        let violation = outcome.violations.first();
        for sentence in violation.into_iter().flat_map(|violation| &violation.story) {
            let texts = evidence.entry(sentence.at.event.0).or_default();
            texts.push(sentence.text.clone());
        }
        let verdict = violation.map_or_else(
            || outcome.verdict().name().to_owned(),
            |violation| format!("{} is violated", violation.property),
        );
        Self {
            names: Names::of(scenario),
            title: format!("{} seed {}, {verdict}", scenario.name, scenario.seed.0),
            until: violation.map(|violation| violation.at.event.0),
            evidence,
            lines: VecDeque::new(),
            arrived: BTreeSet::new(),
            pen,
        }
    }

    fn push(&mut self, line: Line) {
        self.lines.push_back(line);
        // A message has two lines until it is known to have arrived.
        while self.lines.len() > 4 * MOST {
            if let Some(number) = self.lines.pop_front().and_then(|line| line.number) {
                self.arrived.remove(&number);
            }
        }
    }

    fn is_over(&self, event: u64) -> bool {
        match self.until {
            Some(until) => event > until,
            None => self.lines.len() >= 2 * MOST,
        }
    }

    pub(super) fn finish(&mut self, _outcome: &Outcome) {
        let arrived = std::mem::take(&mut self.arrived);
        let is_shown = |line: &Line| {
            let has_arrived = line.number.is_some_and(|number| arrived.contains(&number));
            !(line.is_sending && has_arrived)
        };
        let mut lines: Vec<Line> = std::mem::take(&mut self.lines)
            .into_iter()
            .filter(is_shown)
            .collect();
        match self.until {
            Some(_) => drop(lines.drain(..lines.len().saturating_sub(MOST))),
            None => lines.truncate(MOST),
        }
        self.pen.put(format_args!(
            "sequenceDiagram\n  title {}\n",
            plain(&self.title)
        ));
        let part: BTreeSet<NodeId> = lines.iter().flat_map(|line| [line.from, line.to]).collect();
        for node in &part {
            self.pen
                .put(format_args!("  participant {}\n", self.names.name(*node)));
        }
        let (Some(first), Some(last)) = (part.first(), part.last()) else {
            self.pen.put(format_args!("  participant nobody\n"));
            return;
        };
        let over = format!("{},{}", self.names.name(*first), self.names.name(*last));
        let begin = lines.first().map_or(0, |line| line.event);
        let mut notes: VecDeque<(u64, String)> = std::mem::take(&mut self.evidence)
            .into_iter()
            .flat_map(|(event, texts)| texts.into_iter().map(move |text| (event.max(begin), text)))
            .collect();
        for line in &lines {
            while notes.front().is_some_and(|(event, _)| *event < line.event) {
                self.note(&over, notes.pop_front());
            }
            let arrow = if line.is_sending { "-x" } else { "->>" };
            let (from, to) = (self.names.name(line.from), self.names.name(line.to));
            self.pen.put(format_args!(
                "  {from}{arrow}{to}: {}\n",
                plain(&line.words)
            ));
        }
        while !notes.is_empty() {
            self.note(&over, notes.pop_front());
        }
    }

    fn note(&mut self, over: &str, note: Option<(u64, String)>) {
        if let Some((_, text)) = note {
            self.pen
                .put(format_args!("  Note over {over}: {}\n", plain(&text)));
        }
    }

    fn take_message(&mut self, line: Line, described: &Described) {
        if !described.kind.routine && line.from != line.to {
            self.push(line);
        }
    }
}

/// Text that ends no statement and begins no entity.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    for letter in flat(text).chars() {
        match letter {
            '#' => plain += "#35;",
            ';' => plain += "#59;",
            '<' | '>' => {}
            letter => plain.push(letter),
        }
    }
    plain
}

impl Scribe for Mermaid<'_, '_> {
    fn take(&mut self, entry: &Entry<'_>) {
        let event = entry.at.event.0;
        let Some(node) = entry.node else { return };
        match &entry.what {
            What::Sent {
                message,
                to,
                described,
            } if !self.is_over(event) => self.take_message(
                Line {
                    number: Some(*message),
                    from: node,
                    to: *to,
                    words: words(described),
                    event,
                    is_sending: true,
                },
                described,
            ),
            What::Received {
                message,
                from: Some(from),
                described,
            } => {
                let number = message.map(|letter| letter.number);
                if !self.is_over(event) {
                    self.arrived.extend(number);
                    let line = Line {
                        number: None,
                        from: *from,
                        to: node,
                        words: words(described),
                        event,
                        is_sending: false,
                    };
                    self.take_message(line, described);
                } else if number.is_some_and(|number| self.has(number)) {
                    // Under way at the end of the window, not lost.
                    self.arrived.extend(number);
                }
            }
            What::Sent { .. } | What::Received { .. } | What::Input(_) | What::Fact(..) => {}
        }
    }
}

impl Mermaid<'_, '_> {
    fn has(&self, number: u64) -> bool {
        self.lines.iter().any(|line| line.number == Some(number))
    }
}
