//! Stepping through a run in a terminal: forward, back, why, the servers' state, and what would have been had a server
//! crashed here.
//!
//! A [`Session`] holds the run on tape and, once a fault has been added by hand, the run with it on another tape. It takes a
//! line and gives a text: it reads and prints nothing itself, and every view is made anew from the tape, so that a step back
//! shows what a fresh run shows.

mod command;
mod difference;
pub mod tape;

use std::fmt::Write as _;

use command::{Command, HELP, Harm, Kind};
use tape::{Added, Tape};

use super::lesson::Question;
use crate::base::id::{NodeId, ServerId};
use crate::experiment::chronicle::Chronicle;
use crate::experiment::chronicle::standing::Doing;
use crate::experiment::scenario::Scenario;
use crate::report::text::Grouped;

/// How many events a `step` tells one by one; of more it tells the last.
const MOST_TOLD: u64 = 40;

/// How many facts of a past are told.
const MOST_FACTS: usize = 12;

/// What a command comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// What to print.
    Text(String),
    /// Why nothing was done.
    Refused(String),
    /// The reader has had enough.
    Quit,
}

/// A reader in a run.
#[derive(Debug)]
pub struct Session {
    scenario: Scenario,
    questions: Vec<Question>,
    original: Tape,
    changed: Option<Changed>,
    /// The event the reader stands after; 0 = before the first.
    at: u64,
}

/// The run with faults that the reader added.
#[derive(Debug)]
struct Changed {
    tape: Tape,
    added: Vec<Added>,
}

impl Session {
    /// Stands before the first event of a scenario; a lesson's questions are asked where they belong.
    ///
    /// # Panics
    /// If the scenario still has faults to generate.
    pub fn new(scenario: Scenario, questions: Vec<Question>) -> Self {
        Self {
            original: Tape::record(&scenario, &[]),
            scenario,
            questions,
            changed: None,
            at: 0,
        }
    }

    /// What is said before the first command.
    pub fn greeting(&self) -> String {
        format!(
            "{} events in {} of virtual time. You stand before the first; help lists the commands.\n{}",
            Grouped(self.original.last_event()),
            self.original.end(),
            self.question_ahead()
        )
    }

    /// Where the reader stands, before the next command.
    pub fn prompt(&self) -> String {
        let run = if self.changed.is_some() {
            "changed run, "
        } else {
            ""
        };
        format!("{run}event {}> ", self.at)
    }

    /// Does what a line says.
    pub fn obey(&mut self, line: &str) -> Answer {
        let done = match command::read(line) {
            Err(why) => Err(why),
            Ok(Command::Quit) => return Answer::Quit,
            Ok(Command::Nothing) => Ok(String::new()),
            Ok(Command::Help) => Ok(HELP.to_owned()),
            Ok(Command::Step(count)) => self.step(count),
            Ok(Command::Back(count)) => self.back(count),
            Ok(Command::Next(kind)) => self.seek(kind, true),
            Ok(Command::Previous(kind)) => self.seek(kind, false),
            Ok(Command::Go(event)) => Ok(self.go(event)),
            Ok(Command::Why(event)) => self.why(event.unwrap_or(self.at)),
            Ok(Command::State(server)) => self.state(server),
            Ok(Command::Harm(harm, server)) => self.harm(harm, server),
            Ok(Command::Difference) => self.difference(),
            Ok(Command::Original) => self.leave(),
        };
        match done {
            Ok(text) => Answer::Text(text),
            Err(why) => Answer::Refused(why),
        }
    }

    fn tape(&self) -> &Tape {
        let changed = self.changed.as_ref().map(|changed| &changed.tape);
        changed.unwrap_or(&self.original)
    }

    fn step(&mut self, count: u64) -> Result<String, String> {
        let mut text = String::new();
        let from = self.at;
        for number in 1..=count {
            let Some(event) = self.tape().following(self.at) else {
                break;
            };
            self.at = event;
            if count <= MOST_TOLD || number == count || self.tape().following(event).is_none() {
                text += &self.tape().tell(event);
            }
        }
        if self.at == from {
            return Err(format!("event {from} is the last one of this run"));
        }
        text += &self.answers_since(from);
        text += &self.question_ahead();
        Ok(text)
    }

    fn back(&mut self, count: u64) -> Result<String, String> {
        if self.at == 0 {
            return Err("you stand before the first event".to_owned());
        }
        for _ in 0..count {
            if self.at == 0 {
                break;
            }
            self.at = self.tape().preceding(self.at);
        }
        Ok(self.here())
    }

    fn seek(&mut self, kind: Kind, is_forward: bool) -> Result<String, String> {
        let from = self.at;
        let found = self.tape().find(from, is_forward, kind);
        let Some(event) = found else {
            let way = if is_forward { "after" } else { "before" };
            return Err(format!("there is no {} {way} event {from}", kind.name()));
        };
        self.at = event;
        let mut text = self.here();
        if is_forward {
            text += &self.answers_since(from);
        }
        text += &self.question_ahead();
        Ok(text)
    }

    fn go(&mut self, event: u64) -> String {
        let from = self.at;
        self.at = self.tape().at_or_before(event);
        let mut text = self.here();
        text += &self.answers_since(from);
        text += &self.question_ahead();
        text
    }

    fn here(&self) -> String {
        if self.at == 0 {
            "before the first event\n".to_owned()
        } else {
            self.tape().tell(self.at)
        }
    }

    fn why(&self, event: u64) -> Result<String, String> {
        let tape = self.tape();
        if event == 0 || !tape.has(event) {
            return Err(format!(
                "there is nothing to tell of event {event}; this run has events 1 to {}",
                tape.last_event()
            ));
        }
        let mut text = tape.tell(event);
        let causes = tape.causes(event);
        if causes.is_empty() {
            text += "nothing happened before it that could have led to it\n";
            return Ok(text);
        }
        text += "directly before it:\n";
        for cause in causes {
            text += &tape.tell_briefly(*cause);
        }
        let past = tape.past(event);
        let facts = tape.facts_of_past(event, &past);
        let left_out = facts.len().saturating_sub(MOST_FACTS);
        put(
            &mut text,
            format_args!(
                "{} of the {} events until then happened before it; what came of them{}:\n",
                Grouped(past.len() as u64 - 1),
                Grouped(event),
                if left_out > 0 { ", the latest" } else { "" }
            ),
        );
        for (at, words) in &facts[left_out..] {
            put(
                &mut text,
                format_args!("{:>9} {:>10}  {words}\n", at.event.0, at.time.to_string()),
            );
        }
        Ok(text)
    }

    fn state(&self, server: Option<ServerId>) -> Result<String, String> {
        let tape = self.tape();
        let chronicle = tape.chronicle_at(self.at);
        let mut servers = self.servers();
        if let Some(server) = server {
            self.expect_server(server)?;
            servers = vec![server];
        }
        let mut text = format!("after event {} ({})\n", self.at, tape.time_of(self.at));
        for server in servers {
            put(
                &mut text,
                format_args!("{}\n", standing(&chronicle, server)),
            );
        }
        if server.is_none() {
            text += &under_way(&chronicle);
        }
        Ok(text)
    }

    fn servers(&self) -> Vec<ServerId> {
        let count = self.scenario.roster().servers();
        let number = |number: u16| ServerId(u8::try_from(number).expect("servers are few"));
        (1..=count).map(number).collect()
    }

    fn expect_server(&self, server: ServerId) -> Result<(), String> {
        let servers = self.servers();
        if servers.contains(&server) {
            Ok(())
        } else {
            let count = servers.len();
            Err(format!(
                "there is no server {server}; there are 1 to {count}"
            ))
        }
    }

    fn harm(&mut self, harm: Harm, server: ServerId) -> Result<String, String> {
        self.expect_server(server)?;
        let tape = self.tape();
        if tape.time_of(self.at).as_ms() >= self.scenario.limits.virtual_ms {
            return Err(format!(
                "the scenario's {} ms are over, from here on everything is healed; go back first",
                self.scenario.limits.virtual_ms
            ));
        }
        let doing = tape.chronicle_at(self.at).standing(server).doing;
        if doing == Doing::Down && harm != Harm::Cut {
            return Err(format!("server {server} is down here"));
        }
        let mut added = self.changed.take().map_or(vec![], |changed| changed.added);
        added.retain(|added| added.after <= self.at);
        added.push(Added {
            after: self.at,
            id: format!("{} server {server}", harm.name()).into(),
            fault: harm.fault(NodeId::from(server)),
        });
        let tape = Tape::record(&self.scenario, &added);
        self.changed = Some(Changed { tape, added });
        let mut text = format!(
            "added after event {}: {} server {server}, until the scenario's end. You are in the changed run; original leads back.\n",
            self.at,
            harm.name()
        );
        text += &self.difference()?;
        Ok(text)
    }

    fn difference(&self) -> Result<String, String> {
        let Some(changed) = &self.changed else {
            return Err(
                "nothing has been changed; crash, power, pause or cut a server first".to_owned(),
            );
        };
        let from = changed.added.first().map_or(0, |added| added.after);
        let servers = self.servers();
        Ok(difference::tell(
            &self.original,
            &changed.tape,
            from,
            &servers,
        ))
    }

    fn leave(&mut self) -> Result<String, String> {
        let Some(changed) = self.changed.take() else {
            return Err("you are in the original run".to_owned());
        };
        let from = changed.added.first().map_or(0, |added| added.after);
        self.at = self.at.min(from);
        Ok(self.here())
    }

    /// The questions of the lesson that have been answered by now and had not been.
    fn answers_since(&self, from: u64) -> String {
        let mut text = String::new();
        let passed = |question: &&Question| question.event > from && question.event <= self.at;
        for question in self.asked().filter(passed) {
            put(
                &mut text,
                format_args!(
                    "question: {}\nanswer: {}\n  {}\n",
                    question.ask, question.options[question.answer], question.because
                ),
            );
        }
        text
    }

    /// The question that the next event answers.
    fn question_ahead(&self) -> String {
        let mut text = String::new();
        let next = self.tape().following(self.at);
        for question in self.asked().filter(|asked| Some(asked.event) == next) {
            put(
                &mut text,
                format_args!("question before the next event: {}\n", question.ask),
            );
            for (letter, option) in ('a'..).zip(&question.options) {
                put(&mut text, format_args!("  {letter}) {option}\n"));
            }
        }
        text
    }

    /// What the lesson asks; nothing of a run that is not the lesson's.
    fn asked(&self) -> impl Iterator<Item = &Question> {
        let of_lesson = self.changed.is_none();
        self.questions.iter().filter(move |_| of_lesson)
    }
}

/// Where a server stands, on a line.
fn standing(chronicle: &Chronicle, server: ServerId) -> String {
    let standing = chronicle.standing(server);
    let last = |history| chronicle.histories.last(history);
    let whom = match standing.leader {
        Some(leader) if leader != server && standing.doing != Doing::Down => {
            format!(" {leader}")
        }
        Some(_) | None => String::new(),
    };
    format!(
        "  server {server}  {:<11} acceptedEpoch {}, currentEpoch {}; log to {}, forced to {}, committed to {}, applied to {}",
        format!("{}{whom}", standing.doing.name()),
        standing.accepted.0,
        standing.current.0,
        last(standing.logged),
        last(standing.durable),
        last(standing.committed),
        last(standing.applied),
    )
}

/// What clients wait for.
fn under_way(chronicle: &Chronicle) -> String {
    let mut text = String::new();
    let operations = chronicle.operations.list().iter();
    for operation in operations.filter(|operation| operation.ended.is_none()) {
        put(
            &mut text,
            format_args!("  {} waits\n", difference::name_of(operation)),
        );
    }
    text
}

fn put(text: &mut String, line: std::fmt::Arguments<'_>) {
    text.write_fmt(line).expect("a string takes any text");
}

#[cfg(test)]
mod tests;
