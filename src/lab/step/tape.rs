//! A run on tape: every event in words, with its causes and its facts. Recorded by playing; played again from the start for
//! every fault that a reader adds, so that a changed run is a run like any other.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::command::Kind;
use crate::base::time::Time;
use crate::cast::Witness as _;
use crate::check::verdict::At;
use crate::experiment::chronicle::Chronicle;
use crate::experiment::cone::History;
use crate::experiment::lower;
use crate::experiment::outcome::Outcome;
use crate::experiment::run::{Nobody, Run};
use crate::experiment::scenario::Scenario;
use crate::history::fact::{Fact, Role};
use crate::report::phrase::{self, Whom};
use crate::report::trace::recorder::Recorder;
use crate::sim::fault::{Fault, Planned, Trigger};
use crate::sim::process::Name;
use crate::sim::sink::Stamp;

/// A fault that a reader adds.
#[derive(Clone, Debug)]
pub struct Added {
    /// It strikes after this event.
    pub after: u64,
    /// What it is called.
    pub id: Name,
    /// What it does, until the scenario's end.
    pub fault: Fault,
}

/// A part of an event.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) event: u64,
    pub(super) time: Time,
    is_message: bool,
    is_routine: bool,
    pub(super) words: Box<str>,
}

/// A recorded run.
#[derive(Debug)]
pub struct Tape {
    lines: Vec<Line>,
    history: History,
    /// What each fact says, in the order of the facts.
    scenario: Scenario,
    pub(super) chronicle: Chronicle,
    pub(super) outcome: Outcome,
}

impl Tape {
    /// Plays a scenario to its end, with these faults added, the earliest first.
    ///
    /// # Panics
    /// If the scenario still has faults to generate.
    pub fn record(scenario: &Scenario, added: &[Added]) -> Self {
        let mut told = scenario.clone();
        told.plan.extend(added.iter().map(planned));
        let mut recorder = Recorder::new(&told, lower::cast(scenario).cast);
        let mut run = Run::start(scenario);
        for fault in added {
            run.record_to_event(fault.after, &mut recorder);
            run.world_mut().inject(fault.fault.clone());
        }
        let outcome = run.conclude(&mut Nobody, &mut recorder);
        recorder.finish();
        let lines = recorder.rows.iter().map(|row| {
            let kind = recorder.kind_of(row);
            Line {
                event: row.event,
                time: Time(row.time_us * 1_000),
                is_message: kind.class == "message",
                is_routine: kind.routine,
                words: recorder.words(row).into(),
            }
        });
        let lines = lines.collect();
        let weave = std::mem::take(&mut recorder.weave);
        let facts = std::mem::take(&mut recorder.facts);
        let chronicle = std::mem::take(&mut recorder.chronicle);
        Self {
            lines,
            history: weave.into_history(facts),
            scenario: told,
            chronicle,
            outcome,
        }
    }

    /// The last event.
    pub fn last_event(&self) -> u64 {
        self.outcome.events
    }

    /// When it ends.
    pub fn end(&self) -> Time {
        self.outcome.virtual_time
    }

    /// The next event of which there is something to tell.
    pub fn following(&self, event: u64) -> Option<u64> {
        let index = self.lines.partition_point(|line| line.event <= event);
        self.lines.get(index).map(|line| line.event)
    }

    /// The last such event before this one; 0 if there is none.
    pub fn preceding(&self, event: u64) -> u64 {
        let index = self.lines.partition_point(|line| line.event < event);
        let before = index.checked_sub(1);
        before.map_or(0, |index| self.lines[index].event)
    }

    /// This event if there is something to tell of it, or the last one before it.
    pub fn at_or_before(&self, event: u64) -> u64 {
        self.preceding(event.saturating_add(1))
    }

    /// Whether there is something to tell of an event.
    pub fn has(&self, event: u64) -> bool {
        !self.lines_of(event).is_empty()
    }

    /// When an event was.
    pub fn time_of(&self, event: u64) -> Time {
        let lines = self.lines_of(event);
        lines.first().map_or(Time::ZERO, |line| line.time)
    }

    /// The first such event after or before this one.
    pub fn find(&self, from: u64, is_forward: bool, kind: Kind) -> Option<u64> {
        let mut event = from;
        loop {
            event = if is_forward {
                self.following(event)?
            } else {
                Some(self.preceding(event)).filter(|event| *event > 0)?
            };
            if self.is_a(event, kind) {
                return Some(event);
            }
        }
    }

    fn is_a(&self, event: u64, kind: Kind) -> bool {
        let mut facts = self.facts_of(event).iter().map(|(_, fact)| fact);
        match kind {
            Kind::Message => {
                let mut lines = self.lines_of(event).iter();
                lines.any(|line| line.is_message && !line.is_routine)
            }
            Kind::Vote => facts.any(|fact| matches!(fact, Fact::Voted { .. })),
            Kind::Election => facts.any(|fact| {
                let role = Role::Leader;
                matches!(fact, Fact::ServeStart { role: is, .. } if *is == role)
            }),
            Kind::Proposal => facts.any(|fact| matches!(fact, Fact::Proposed { .. })),
            Kind::Commit => facts.any(|fact| matches!(fact, Fact::CommitDecided { .. })),
            Kind::Reply => {
                facts.any(|fact| matches!(fact, Fact::Returned { .. } | Fact::Lost { .. }))
            }
            Kind::Watch => facts.any(|fact| matches!(fact, Fact::EventReceived { .. })),
            Kind::Crash => facts.any(|fact| {
                matches!(
                    fact,
                    Fact::ServerCrashed { .. } | Fact::ClientCrashed { .. }
                )
            }),
            Kind::Fault => {
                facts.any(|fact| matches!(fact, Fact::FaultBegan { .. } | Fact::FaultEnded { .. }))
            }
            Kind::Violation => {
                let mut violations = self.outcome.violations.iter();
                violations.any(|violation| violation.at.event.0 == event)
            }
        }
    }

    /// An event in words: what happened, and what became true by it.
    pub fn tell(&self, event: u64) -> String {
        let mut text = self.tell_briefly(event);
        let mut put = |line: &str| {
            writeln!(text, "{:22}{line}", "").expect("a string takes any text");
        };
        for (_, fact) in self.facts_of(event) {
            if !is_noise(fact) {
                put(&self.sentence(fact));
            }
        }
        for violation in &self.outcome.violations {
            if violation.at.event.0 == event {
                let property = violation.property;
                put(&format!("violated: {property}, {}", property.statement()));
            }
        }
        text
    }

    /// An event in words, without what became true by it.
    pub fn tell_briefly(&self, event: u64) -> String {
        let mut text = String::new();
        for line in self.lines_of(event) {
            let time = line.time.to_string();
            writeln!(text, "{event:>9} {time:>10}  {}", line.words)
                .expect("a string takes any text");
        }
        text
    }

    /// The events that led directly to one.
    pub fn causes(&self, event: u64) -> &[u64] {
        self.history.causes(event)
    }

    /// The events that happened before one, and this one.
    pub fn past(&self, event: u64) -> BTreeSet<u64> {
        self.history.past([event])
    }

    /// What became true in a past, in words, without what the event itself says.
    pub fn facts_of_past(&self, event: u64, past: &BTreeSet<u64>) -> Vec<(At, String)> {
        let facts = self.history.facts.iter();
        let before = facts.filter(|(at, fact)| {
            at.event.0 < event && past.contains(&at.event.0) && !is_noise(fact)
        });
        before
            .map(|(at, fact)| {
                let at = At {
                    event: at.event,
                    time: at.time,
                };
                (at, self.sentence(fact))
            })
            .collect()
    }

    /// The run as it stands after an event.
    pub fn chronicle_at(&self, event: u64) -> Chronicle {
        let mut chronicle = Chronicle::default();
        let facts = self.history.facts.iter();
        for (at, fact) in facts.take_while(|(at, _)| at.event.0 <= event) {
            chronicle.witness(*at, fact);
        }
        chronicle
    }

    pub(super) fn lines(&self) -> &[Line] {
        &self.lines
    }

    fn lines_of(&self, event: u64) -> &[Line] {
        let first = self.lines.partition_point(|line| line.event < event);
        let end = self.lines.partition_point(|line| line.event <= event);
        &self.lines[first..end]
    }

    fn facts_of(&self, event: u64) -> &[(Stamp, Fact)] {
        let facts = &self.history.facts;
        let first = facts.partition_point(|(at, _)| at.event.0 < event);
        let end = facts.partition_point(|(at, _)| at.event.0 <= event);
        &facts[first..end]
    }

    fn sentence(&self, fact: &Fact) -> String {
        let (whom, text) = phrase::fact(fact, &self.scenario.plan, self.scenario.roster());
        match whom {
            Whom::Server(server) => format!("server {server} {text}"),
            Whom::Client(client) => format!("client {}: {text}", client.0),
            Whom::World => text,
        }
    }
}

/// Who pings whom tells nothing.
fn is_noise(fact: &Fact) -> bool {
    matches!(fact, Fact::Ponged { .. } | Fact::SessionTouched { .. })
}

/// The entry of the plan that a fault becomes.
fn planned(added: &Added) -> Planned {
    Planned {
        id: added.id.clone(),
        trigger: Trigger::At(Time::ZERO),
        fault: added.fault.clone(),
        lasts: None,
        flap: None,
    }
}
