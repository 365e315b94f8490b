//! Lessons: a small run, questions about what happens next, and answers that the run itself gives.
//!
//! No answer is written down anywhere: each question looks it up in the run that the lesson plays (teaching.md §0.9). What a
//! lesson says and asks is here; its page, with exercises and further reading, is in `docs/course`.

mod elections;
mod locks;
pub mod page;
mod reads;
mod writes;

use schemars::JsonSchema;
use serde::Serialize;

use crate::base::id::ServerId;
use crate::check::verdict::At;
use crate::experiment::chronicle::operations::{Ending, Operation};
use crate::history::fact::Fact;
use crate::report::full::Full;
use crate::sim::sink::Stamp;

/// A lesson.
#[derive(Clone, Copy, Debug)]
pub struct Lesson {
    /// Its number, from 1.
    pub number: usize,
    /// Its name in commands and files.
    pub id: &'static str,
    /// Its title.
    pub title: &'static str,
    /// What there is to see, in two or three sentences.
    pub text: &'static str,
    /// What it asks of the run it plays.
    pub ask: fn(&Run<'_>) -> Vec<Question>,
}

/// A question about what happens next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Question {
    /// The event that answers it; nothing from there on is shown before the answer is given.
    pub event: u64,
    /// The question.
    pub ask: String,
    /// What may be answered.
    pub options: Vec<String>,
    /// Which of them is right, from 0.
    pub answer: usize,
    /// Why.
    pub because: String,
}

/// Every lesson, in order.
pub static LESSONS: [Lesson; 12] = [
    writes::READING_TIME,
    writes::LIFE_OF_A_WRITE,
    reads::READS_ARE_LOCAL,
    elections::WHO_IS_BETTER,
    elections::ELECTION_UNDER_DELAY,
    elections::THE_SYNC_DECISION,
    elections::PROMISES_ON_DISK,
    writes::ZOMBIE_LEADER,
    writes::VERSIONS,
    reads::WATCHES,
    locks::LOCK,
    elections::QUORUMS_AND_OBSERVERS,
];

impl Lesson {
    /// The lesson of this name or number.
    pub fn find(name: &str) -> Option<&'static Self> {
        let number = name.parse::<usize>().ok();
        LESSONS
            .iter()
            .find(|lesson| lesson.id == name || Some(lesson.number) == number)
    }

    /// The scenario it plays.
    pub fn scenario(&self) -> String {
        format!("scenarios/course/{}.json", self.id)
    }

    /// What it asks, with the answers of this run of its scenario.
    ///
    /// # Panics
    /// If the run is of another scenario and has not what the lesson is about.
    pub fn questions(&self, full: &Full<'_>) -> Vec<Question> {
        let questions = (self.ask)(&Run { full });
        for question in &questions {
            assert!(question.answer < question.options.len());
        }
        questions
    }
}

/// The run of a lesson, to look answers up in.
#[derive(Debug)]
pub struct Run<'a> {
    full: &'a Full<'a>,
}

impl Run<'_> {
    fn facts(&self) -> impl DoubleEndedIterator<Item = (At, &Fact)> {
        self.full.trace.history().facts.iter().map(at_and_fact)
    }

    /// The first fact of a kind.
    fn first<T>(&self, mut pick: impl FnMut(At, &Fact) -> Option<T>) -> T {
        self.facts()
            .find_map(|(at, fact)| pick(at, fact))
            .expect("the lesson's run has what it is about")
    }

    /// How many facts there are of a kind.
    fn count(&self, is: impl Fn(&Fact) -> bool) -> usize {
        self.facts().filter(|(_, fact)| is(fact)).count()
    }

    /// The n-th operation of a client, from 0.
    fn operation(&self, client: u16, nth: usize) -> &Operation {
        let list = self.full.trace.chronicle().operations.list().iter();
        list.filter(|operation| operation.client.0 == client)
            .nth(nth)
            .expect("the lesson's run has the operation")
    }

    /// When an operation ended, and how.
    fn ending(&self, client: u16, nth: usize) -> (At, &Ending) {
        let operation = self.operation(client, nth);
        let (at, ending) = operation.ended.as_ref().expect("the operation ended");
        (*at, ending)
    }

    /// The leader established last before a moment.
    fn leader_before(&self, at: At) -> ServerId {
        let elections = self.full.trace.chronicle().elections.iter();
        let mut before = elections.filter(|election| election.at < at);
        before.next_back().expect("there was a leader").leader
    }

    /// Whether one event happened before another.
    fn is_before(&self, one: At, two: At) -> bool {
        self.full
            .trace
            .history()
            .past([two.event.0])
            .contains(&one.event.0)
    }
}

fn at_and_fact((stamp, fact): &(Stamp, Fact)) -> (At, &Fact) {
    let at = At {
        event: stamp.event,
        time: stamp.time,
    };
    (at, fact)
}

/// A question; the answer is one of the options.
fn question(
    at: At,
    ask: impl Into<String>,
    options: impl IntoIterator<Item = impl Into<String>>,
    answer: &str,
    because: impl Into<String>,
) -> Question {
    let options: Vec<String> = options.into_iter().map(Into::into).collect();
    let answer = options.iter().position(|option| option == answer);
    Question {
        event: at.event.0,
        ask: ask.into(),
        options,
        answer: answer.expect("the run's answer is among the options"),
        because: because.into(),
    }
}

/// What an operation came to, in the words of the options.
fn came_to(ending: &Ending) -> &'static str {
    match ending {
        Ending::Ok(_) => "it succeeds",
        Ending::Failed(_) => "it is refused",
        Ending::Unknown => "connection loss: nobody knows whether it took effect",
        Ending::NeverSent => "connection loss: it was never sent",
    }
}

/// All of [`came_to`].
const ENDINGS: [&str; 4] = [
    "it succeeds",
    "it is refused",
    "connection loss: nobody knows whether it took effect",
    "connection loss: it was never sent",
];

#[cfg(test)]
mod tests;
