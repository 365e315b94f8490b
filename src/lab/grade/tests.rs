//! Whole grades of solutions in this process.

use super::*;
use crate::lab::client::{Clients, Part as Program};
use crate::lab::course::LABS;

/// Answers as told.
struct Told(fn(&Question) -> Answer);

impl Answers for Told {
    fn answer(&mut self, question: &Question) -> Result<Answer, Fault> {
        Ok((self.0)(question))
    }
}

struct Anyone(fn(&Question) -> Answer);

impl Starts for Anyone {
    fn start(&self, _nth: u32) -> Result<Box<dyn Answers>, Fault> {
        Ok(Box::new(Told(self.0)))
    }
}

/// Has no answer to anything.
struct Silent;

impl Answers for Silent {
    fn answer(&mut self, _: &Question) -> Result<Answer, Fault> {
        Err(Fault("no answer".to_owned()))
    }
}

struct Nobody;

impl Starts for Nobody {
    fn start(&self, _nth: u32) -> Result<Box<dyn Answers>, Fault> {
        Ok(Box::new(Silent))
    }
}

const SHORT: Extent = Extent {
    runs: 2,
    states: 200,
    shrink: 30,
    search: 4,
};

fn graded(lab: &str, answer: fn(&Question) -> Answer, only: &Only) -> Grade {
    graded_of(lab, &Anyone(answer), only)
}

fn graded_of(lab: &str, starts: &dyn Starts, only: &Only) -> Grade {
    let lab = Lab::find(lab).unwrap();
    let hidden = Seeds::Hidden(crate::lab::hidden::Hidden::new(b"secret", lab.id, "ann"));
    grade(lab, "ann", starts, &hidden, SHORT, only)
}

/// Starts the reference's clients.
struct Models(Program);

impl Starts for Models {
    fn start(&self, _nth: u32) -> Result<Box<dyn Answers>, Fault> {
        let part = self.0;
        Ok(Box::new(Clients::new(Box::new(move || part.model()))))
    }
}

#[test]
fn the_reference_gets_full_marks_in_every_lab() {
    for lab in LABS {
        let starts: Box<dyn Starts> = match lab.task {
            Task::Decide(_) | Task::Observe => Box::new(Anyone(judge::reference)),
            Task::Client(part) => Box::new(Models(part)),
        };
        let grade = graded_of(lab.id, &*starts, &Only::default());
        assert_eq!(grade.standing, Standing::Passed, "{grade:?}");
        assert_eq!(grade.score(), grade.most(), "{grade:?}");
        assert_eq!(grade.most(), 10_000);
    }
}

#[test]
fn a_rule_that_commits_at_once_is_shown_in_a_public_run() {
    let at_once = |_: &Question| Answer::IsCommitted(true);
    let grade = graded("commit-rule", at_once, &Only::default());
    assert_eq!(grade.standing, Standing::Failed);
    let runs = grade
        .parts
        .iter()
        .find(|part| part.name == "runs without harm");
    let shown = runs.unwrap().shown.as_ref().unwrap();
    assert_eq!(shown.rule, "commit-quorum");
    assert!(shown.replay.starts_with("--only crashes --seed "));
    assert!(
        shown
            .lines
            .iter()
            .any(|line| line.is_yours && line.event.is_some())
    );
    let points = grade.parts.iter().filter(|part| !part.is_gate);
    assert!(points.clone().count() == 2 && points.into_iter().all(|part| part.score == 0));
}

#[test]
fn who_has_no_answer_is_broken_and_has_no_points() {
    let grade = graded_of("vote-order", &Nobody, &Only::default());
    assert_eq!(grade.standing, Standing::Broken);
    assert_eq!((grade.score(), grade.most()), (0, 10_000));
}

#[test]
fn a_part_can_be_graded_alone() {
    let only = Only {
        part: Some("answers".to_owned()),
        ..Only::default()
    };
    let grade = graded("quorum", judge::reference, &only);
    assert_eq!(grade.most(), 3_000);
}

/// Notes what whoever waits hears.
struct Heard(std::cell::RefCell<Vec<(String, u64, u64)>>);

impl Starts for Heard {
    fn start(&self, _nth: u32) -> Result<Box<dyn Answers>, Fault> {
        self.0.borrow_mut().push(("started".to_owned(), 0, 0));
        Ok(Box::new(Told(judge::reference)))
    }

    fn hear(&self, what: &str, done: u64, all: u64) {
        self.0.borrow_mut().push((what.to_owned(), done, all));
    }
}

#[test]
fn whoever_waits_hears_what_begins_before_it_is_done() {
    for (lab, first) in [("quorum", "single answers"), ("invariant", "correct runs")] {
        let heard = Heard(std::cell::RefCell::default());
        graded_of(lab, &heard, &Only::default());
        let heard = heard.0.into_inner();
        assert_eq!(heard[0].0, "started");
        assert_eq!((heard[1].0.as_str(), heard[1].1), (first, 0));
        let round = Lab::find(lab).unwrap().rounds[0].name;
        let runs = [format!("runs of {round}"), "correct runs".to_owned()];
        let runs = heard.iter().filter(|(what, _, _)| runs.contains(what));
        let runs: Vec<(u64, u64)> = runs.map(|(_, done, all)| (*done, *all)).collect();
        assert_eq!(runs, [(0, SHORT.runs), (1, SHORT.runs)], "{lab}");
    }
}
