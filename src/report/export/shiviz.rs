//! ShiViz: an event and its vector clock in two lines (`modelGraph.js`, `parser.js`).
//!
//! Line 1 is the expression that finds events, line 2 is empty: one execution. A host's own component begins at 1 and grows by 1
//! with each of its events; a receive has the greatest of both clocks, and one more of its own. Its parser is quadratic, so
//! a window of [`MOST`] events is written: the last before the violation, else the first.

use std::collections::{BTreeMap, VecDeque};

use super::tape::{Entry, Names, Scribe, What, words};
use super::{Pen, flat};
use crate::base::id::NodeId;
use crate::experiment::outcome::Outcome;
use crate::experiment::scenario::Scenario;
use crate::history::fact::Fact;

/// Events written at most.
pub(super) const MOST: usize = 5_000;

/// Events after the violation.
const AFTER: u64 = 20;

/// The expression of line 1.
pub(super) const EXPRESSION: &str = r"(?<event>.*)\n(?<host>\S*) (?<clock>{.*})";

#[derive(Debug)]
struct Line {
    host: NodeId,
    text: String,
    sends: Option<u64>,
    takes: Option<u64>,
}

pub(super) struct ShiViz<'a, 'b> {
    names: Names,
    /// The last event of interest, if there is one.
    until: Option<u64>,
    lines: VecDeque<Line>,
    pen: &'a mut Pen<'b>,
}

impl<'a, 'b> ShiViz<'a, 'b> {
    pub(super) fn new(scenario: &Scenario, outcome: &Outcome, pen: &'a mut Pen<'b>) -> Self {
        let violation = outcome.violations.first();
        Self {
            names: Names::of(scenario),
            until: violation.map(|violation| violation.at.event.0 + AFTER),
            lines: VecDeque::new(),
            pen,
        }
    }

    fn push(&mut self, line: Line) {
        self.lines.push_back(line);
        if self.lines.len() > MOST {
            self.lines.pop_front();
        }
    }

    /// Clocks are counted from the window's start; what was sent before it comes from nowhere.
    pub(super) fn finish(&mut self, _outcome: &Outcome) {
        self.pen.put(format_args!("{EXPRESSION}\n\n"));
        let mut clocks: BTreeMap<NodeId, BTreeMap<NodeId, u64>> = BTreeMap::new();
        let mut sent: BTreeMap<u64, BTreeMap<NodeId, u64>> = BTreeMap::new();
        for line in std::mem::take(&mut self.lines) {
            let clock = clocks.entry(line.host).or_default();
            if let Some(other) = line.takes.and_then(|message| sent.remove(&message)) {
                for (host, count) in other {
                    let own = clock.entry(host).or_default();
                    *own = count.max(*own);
                }
            }
            *clock.entry(line.host).or_default() += 1;
            if let Some(message) = line.sends {
                sent.insert(message, clock.clone());
            }
            let shown: Vec<String> = clock
                .iter()
                .map(|(host, count)| format!("\"{}\":{count}", self.names.name(*host)))
                .collect();
            let host = self.names.name(line.host);
            self.pen.put(format_args!(
                "{}\n{host} {{{}}}\n",
                line.text,
                shown.join(",")
            ));
        }
    }
}

impl Scribe for ShiViz<'_, '_> {
    fn take(&mut self, entry: &Entry<'_>) {
        let is_over = match self.until {
            Some(until) => entry.at.event.0 > until,
            None => self.lines.len() == MOST,
        };
        let Some(host) = entry.node.filter(|_| !is_over) else {
            return;
        };
        let mut line = Line {
            host,
            text: String::new(),
            sends: None,
            takes: None,
        };
        match &entry.what {
            What::Sent {
                message,
                to,
                described,
            } => {
                line.sends = Some(*message);
                line.text = format!("send {} to {}", words(described), self.names.name(*to));
            }
            What::Received {
                message,
                from,
                described,
            } => {
                let from = from.map_or("?", |from| self.names.name(from));
                line.takes = message.map(|letter| letter.number);
                line.text = format!("receive {} from {from}", words(described));
            }
            What::Input(described) if described.kind.routine => return,
            What::Input(described) => line.text = flat(&words(described)),
            What::Fact(Fact::Ponged { .. } | Fact::SessionTouched { .. }, _) => return,
            What::Fact(_, words) => line.text = flat(words),
        }
        self.push(line);
    }
}
