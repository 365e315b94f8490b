//! Lessons: every one plays, asks, and has an answer that comes from the run.

use std::collections::BTreeSet;
use std::fs;

use super::*;
use crate::experiment::generate;
use crate::experiment::scenario::Scenario;

fn questions(lesson: &Lesson) -> Vec<Question> {
    let file = format!("{}/{}", env!("CARGO_MANIFEST_DIR"), lesson.scenario());
    let scenario = Scenario::parse(&fs::read(&file).unwrap(), &file, &[]).unwrap();
    let scenario = generate::expand(&scenario);
    lesson.questions(&Full::of(&scenario, true, "zablab replay x"))
}

#[test]
fn every_lesson_has_questions_that_its_own_run_answers() {
    let mut numbers = BTreeSet::new();
    for lesson in &LESSONS {
        assert!(numbers.insert(lesson.number), "{}", lesson.id);
        let questions = questions(lesson);
        assert!(!questions.is_empty(), "{}", lesson.id);
        for question in questions {
            let options: BTreeSet<&String> = question.options.iter().collect();
            assert_eq!(options.len(), question.options.len(), "{}", lesson.id);
            assert!(question.options.len() >= 2 && question.event > 0);
        }
    }
}

/// What ZooKeeper's documents and the paper say must come out, whatever the run's details.
#[test]
fn the_answers_are_those_of_the_books() {
    let answers = |id: &str| -> Vec<String> {
        let lesson = Lesson::find(id).expect("a lesson");
        let right = |question: Question| question.options[question.answer].clone();
        questions(lesson).into_iter().map(right).collect()
    };
    assert_eq!(answers("who-is-better"), ["server 4"]);
    assert_eq!(
        answers("life-of-a-write"),
        [
            "when 3 of 5 servers have forced it to disk",
            "for neither of them"
        ]
    );
    assert_eq!(
        answers("reads-are-local"),
        ["the old value", "the new value"]
    );
    assert_eq!(answers("watches"), ["1", "20"]);
    assert_eq!(answers("quorums-and-observers"), ["yes", "no"]);
    assert_eq!(
        answers("promises-on-disk"),
        ["acceptedEpoch 1, currentEpoch 0"]
    );
    assert_eq!(
        answers("lock"),
        [
            "client 3 holds the lock once client 1's session is over",
            "it uses what the lock guards, as if it still held the lock"
        ]
    );
    assert_eq!(answers("the-sync-decision"), ["SNAP: my whole state"]);
}
