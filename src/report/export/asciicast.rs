//! asciicast v2: a header, then an array `[seconds, "o", text]` per fact. asciinema plays it in virtual time, pauses cut short.

use super::Pen;
use crate::cast::Witness;
use crate::experiment::scenario::Scenario;
use crate::experiment::scenario::plan::Roster;
use crate::history::fact::Fact;
use crate::report::phrase::{self, Whom};
use crate::sim::fault::Planned;
use crate::sim::sink::Stamp;

pub(super) struct Asciicast<'a, 'b> {
    plan: &'a [Planned],
    roster: Roster,
    pen: &'a mut Pen<'b>,
}

impl<'a, 'b> Asciicast<'a, 'b> {
    pub(super) fn new(scenario: &'a Scenario, pen: &'a mut Pen<'b>) -> Self {
        let title = serde_json::json!(format!("{} seed {}", scenario.name, scenario.seed.0));
        pen.put(format_args!(
            "{{\"version\":2,\"width\":120,\"height\":32,\"idle_time_limit\":1.0,\"title\":{title}}}\n"
        ));
        Self {
            plan: &scenario.plan,
            roster: scenario.roster(),
            pen,
        }
    }
}

impl Witness for Asciicast<'_, '_> {
    fn witness(&mut self, at: Stamp, fact: &Fact) {
        if matches!(fact, Fact::Ponged { .. } | Fact::SessionTouched { .. }) {
            return;
        }
        let (whom, words) = phrase::fact(fact, self.plan, self.roster);
        // Leaders, losses and faults stand out.
        let (whom, colour) = match whom {
            Whom::Server(server) => (format!("server {server}"), "36"),
            Whom::Client(client) => (format!("client {}", client.0), "32"),
            Whom::World => ("machine".to_owned(), "31"),
        };
        let line = format!(
            "{:>11} \u{1b}[{colour}m{whom:<10}\u{1b}[0m {words}\r\n",
            at.time.to_string()
        );
        let micros = at.time.0 / 1_000;
        self.pen.put(format_args!(
            "[{}.{:06},\"o\",{}]\n",
            micros / 1_000_000,
            micros % 1_000_000,
            serde_json::json!(line)
        ));
    }
}
