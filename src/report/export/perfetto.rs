//! Perfetto: Chrome's trace events as JSON (`traceEvents`).
//!
//! A process per node, process 0 for the machine. Thread 1 has messages as slices of a nanosecond, joined by flows; thread 2 what
//! the server does, as nested slices; operations and faults may overlap and are asynchronous. Both ends of a flow are written when a
//! message arrives, so that a lost one leaves no loose end.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::json;

use super::Pen;
use super::tape::{Entry, Letter, Names, Scribe, What, words};
use crate::base::id::{ClientId, NodeId, ServerId};
use crate::check::wording;
use crate::experiment::chronicle::histories::Histories;
use crate::experiment::chronicle::standing::{Doing, Standing};
use crate::experiment::outcome::Outcome;
use crate::experiment::scenario::Scenario;
use crate::experiment::scenario::plan::Roster;
use crate::history::fact::Fact;
use crate::report::trace::kinds::Described;
use crate::sim::sink::Stamp;

/// The threads of a process.
const MESSAGES: u32 = 1;
const ROLE: u32 = 2;
const CLIENT: u32 = 3;

pub(super) struct Perfetto<'a, 'b> {
    roster: Roster,
    names: Names,
    standings: BTreeMap<ServerId, Standing>,
    histories: Histories,
    /// Operations that are open.
    open: BTreeSet<(ClientId, u64)>,
    faults: BTreeMap<u32, String>,
    is_first: bool,
    last: u64,
    pen: &'a mut Pen<'b>,
}

/// Nanoseconds as microseconds.
struct Micros(u64);

impl fmt::Display for Micros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03}", self.0 / 1_000, self.0 % 1_000)
    }
}

/// Where and when an event is.
#[derive(Clone, Copy)]
struct Place {
    node: u16,
    thread: u32,
    ns: u64,
}

impl<'a, 'b> Perfetto<'a, 'b> {
    pub(super) fn new(scenario: &Scenario, pen: &'a mut Pen<'b>) -> Self {
        pen.put(format_args!(
            "{{\"displayTimeUnit\":\"ms\",\"traceEvents\":["
        ));
        let mut perfetto = Self {
            roster: scenario.roster(),
            names: Names::of(scenario),
            standings: BTreeMap::new(),
            histories: Histories::default(),
            open: BTreeSet::new(),
            faults: BTreeMap::new(),
            is_first: true,
            last: 0,
            pen,
        };
        perfetto.introduce();
        perfetto
    }

    fn introduce(&mut self) {
        let names: Vec<(u16, String)> = self
            .names
            .all()
            .map(|(node, name)| (node, name.to_owned()))
            .chain([(0, "machine".to_owned())])
            .collect();
        for (node, name) in names {
            let meta = |perfetto: &mut Self, thread: u32, kind: &str, value: serde_json::Value| {
                let place = Place {
                    node,
                    thread,
                    ns: 0,
                };
                let more = format!(",\"args\":{value}");
                perfetto.event("M", kind, place, &more);
            };
            meta(self, 0, "process_name", json!({ "name": name }));
            meta(self, 0, "process_sort_index", json!({ "sort_index": node }));
            for (thread, name) in [
                (MESSAGES, "messages"),
                (ROLE, "role"),
                (CLIENT, "operations"),
            ] {
                meta(self, thread, "thread_name", json!({ "name": name }));
            }
        }
    }

    /// One event; `more` are its other fields.
    fn event(&mut self, phase: &str, name: &str, place: Place, more: &str) {
        let comma = if std::mem::replace(&mut self.is_first, false) {
            "\n"
        } else {
            ",\n"
        };
        let Place { node, thread, ns } = place;
        self.last = self.last.max(ns);
        let name = json!(name);
        let ts = Micros(ns);
        self.pen.put(format_args!(
            "{comma}{{\"ph\":\"{phase}\",\"name\":{name},\"pid\":{node},\"tid\":{thread},\"ts\":{ts}{more}}}"
        ));
    }

    fn slice(&mut self, name: &str, described: &Described, place: Place) {
        let link = described.kind.link.unwrap_or("message");
        let args = json!({ "text": described.text });
        let more = format!(",\"dur\":0.001,\"cat\":\"{link}\",\"args\":{args}");
        self.event("X", name, place, &more);
    }

    fn on_received(
        &mut self,
        (node, from): (NodeId, Option<NodeId>),
        letter: Option<Letter>,
        described: &Described,
        at: Stamp,
    ) {
        let name = words(described);
        let place = Place {
            node: node.0,
            thread: MESSAGES,
            ns: at.time.0,
        };
        self.slice(&name, described, place);
        let (Some(letter), Some(from)) = (letter, from) else {
            return;
        };
        let link = described.kind.link.unwrap_or("message");
        let more = format!(",\"cat\":\"{link}\",\"id\":{}", letter.number);
        let start = Place {
            node: from.0,
            ns: letter.sent.time.0,
            ..place
        };
        self.event("s", &name, start, &more);
        self.event("f", &name, place, &format!("{more},\"bp\":\"e\""));
    }

    fn on_fact(&mut self, at: Stamp, fact: &Fact, words: &str) {
        self.follow(at, fact);
        let ns = at.time.0;
        let machine = Place {
            node: 0,
            thread: 0,
            ns,
        };
        if let Fact::Invoked {
            client,
            op,
            request,
            ..
        } = fact
        {
            self.open.insert((*client, *op));
            self.operation("b", at, (*client, *op), &wording::request(request));
        } else if let Fact::Returned { client, op, .. } | Fact::Lost { client, op, .. } = fact {
            if self.open.remove(&(*client, *op)) {
                self.operation("e", at, (*client, *op), words);
            }
        } else if let Fact::FaultBegan { index, .. } = fact {
            self.event("i", words, machine, ",\"s\":\"g\"");
            self.fault("b", *index, words, machine);
            self.faults.insert(*index, words.to_owned());
        } else if let Fact::FaultEnded { index } = fact {
            if let Some(name) = self.faults.remove(index) {
                self.fault("e", *index, &name, machine);
            }
        } else if let Fact::Delivered { server, zxid, .. } = fact {
            let place = Place {
                node: u16::from(server.0),
                ..machine
            };
            let args = json!({ "epoch": zxid.epoch().0, "counter": zxid.counter() });
            self.event("C", "applied", place, &format!(",\"args\":{args}"));
        }
    }

    fn fault(&mut self, phase: &str, index: u32, name: &str, place: Place) {
        let more = format!(",\"cat\":\"fault\",\"id\":\"f{index}\"");
        self.event(phase, name, place, &more);
    }

    fn operation(&mut self, phase: &str, at: Stamp, (client, op): (ClientId, u64), words: &str) {
        let place = Place {
            node: self.roster.client(client.0).0,
            thread: CLIENT,
            ns: at.time.0,
        };
        let args = json!({ "text": words });
        let more = format!(
            ",\"cat\":\"operation\",\"id\":\"c{}-{op}\",\"args\":{args}",
            client.0
        );
        // Both ends must have one name.
        self.event(phase, &format!("c{} op {op}", client.0), place, &more);
    }

    /// What a server does is a slice from one change to the next.
    fn follow(&mut self, at: Stamp, fact: &Fact) {
        let Some(server) = Standing::subject(fact) else {
            return;
        };
        let standing = self.standings.entry(server).or_default();
        let before = standing.doing;
        standing.observe(fact, &mut self.histories);
        let now = standing.doing;
        if before != now {
            let place = Place {
                node: u16::from(server.0),
                thread: ROLE,
                ns: at.time.0,
            };
            if before != Doing::default() {
                self.event("E", before.name(), place, "");
            }
            if now != Doing::default() {
                self.event("B", now.name(), place, "");
            }
        }
    }

    /// Closes what is open, and tells of violations.
    pub(super) fn finish(&mut self, outcome: &Outcome) {
        let end = self.last;
        for (server, standing) in std::mem::take(&mut self.standings) {
            if standing.doing != Doing::default() {
                let place = Place {
                    node: u16::from(server.0),
                    thread: ROLE,
                    ns: end,
                };
                self.event("E", standing.doing.name(), place, "");
            }
        }
        let stamp = Stamp {
            event: crate::base::id::EventId(outcome.events),
            time: crate::base::time::Time(end),
        };
        for open in std::mem::take(&mut self.open) {
            self.operation("e", stamp, open, "open at the end");
        }
        let machine = Place {
            node: 0,
            thread: 0,
            ns: end,
        };
        for (index, name) in std::mem::take(&mut self.faults) {
            self.fault("e", index, &name, machine);
        }
        for violation in &outcome.violations {
            let place = Place {
                ns: violation.at.time.0,
                ..machine
            };
            self.event("i", violation.property.name(), place, ",\"s\":\"p\"");
        }
        self.pen.put(format_args!("\n]}}\n"));
    }
}

impl Scribe for Perfetto<'_, '_> {
    fn take(&mut self, entry: &Entry<'_>) {
        let at = entry.at;
        match (&entry.what, entry.node) {
            (What::Sent { to, described, .. }, Some(node)) => {
                let name = format!("send {} to {}", words(described), self.names.name(*to));
                let place = Place {
                    node: node.0,
                    thread: MESSAGES,
                    ns: at.time.0,
                };
                self.slice(&name, described, place);
            }
            (
                What::Received {
                    message,
                    from,
                    described,
                },
                Some(node),
            ) => self.on_received((node, *from), *message, described, at),
            (What::Fact(fact, words), _) => self.on_fact(at, fact, words),
            (What::Sent { .. } | What::Received { .. } | What::Input(_), _) => {}
        }
    }
}
