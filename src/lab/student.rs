//! Whoever is graded: asks the solution, remembers what it said, and keeps a run going when it fails.
//!
//! Answers are remembered by question, since a solution is a function; that it is one is put to the test by asking
//! somebody else the same questions again, in another order (`first_difference`). After a failure the reference answers
//! instead, so that the run comes to its end, and the failure is reported.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::judge::{self, Judgement};
use super::solution::{Answers, Fault};
use super::wire::{Answer, Question};
use super::{
    Acks, CommitRule, Ensemble, EpochStore, LeaderLog, PeerState, PromiseStep, QuorumVerifier,
    SyncPlan, SyncPolicy, VoteOrder,
};
use crate::base::id::ServerSet;
use crate::zab::rules::Asked;
use crate::zab::rules::sync::NewLeaderStep;
use crate::zab::vote::Vote;

/// How many different questions one solution is asked in all; a run has a few hundred.
const MOST_QUESTIONS: usize = 2_000_000;

/// An answer that was not the reference's, in a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Slip {
    /// The event in which it was asked for.
    pub event: u64,
    /// What was asked.
    pub question: Question,
    /// What was answered.
    pub answer: Answer,
    /// What that is worth.
    pub judgement: Judgement,
}

/// A question whose answers differ.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// Its place among the questions, from 1.
    pub nth: usize,
    /// What was asked.
    pub question: Question,
    /// What was answered first.
    pub first: Answer,
    /// What was answered when asked again.
    pub again: Answer,
}

/// A solution at work.
pub struct Student {
    work: Mutex<Work>,
}

struct Work {
    solution: Box<dyn Answers>,
    /// By question: its place among all, and the answer.
    known: BTreeMap<String, (usize, Answer, Judgement)>,
    /// Every question, in the order in which they came up.
    asked: Vec<Question>,
    fault: Option<Fault>,
    event: u64,
    slips: Vec<Slip>,
    calls: u64,
}

impl Student {
    /// A student who has not been asked anything.
    pub fn new(solution: Box<dyn Answers>) -> Arc<Self> {
        let work = Work {
            solution,
            known: BTreeMap::new(),
            asked: Vec::new(),
            fault: None,
            event: 0,
            slips: Vec::new(),
            calls: 0,
        };
        Arc::new(Self {
            work: Mutex::new(work),
        })
    }

    /// A panic elsewhere leaves nothing half done here.
    fn work(&self) -> MutexGuard<'_, Work> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whom servers ask, for the decision that this question is about.
    pub fn asked(self: &Arc<Self>, about: Decision) -> Asked {
        let desk = Arc::new(Desk(Arc::clone(self)));
        let mut asked = Asked::default();
        match about {
            Decision::Votes => asked.votes = Some(desk),
            Decision::Commits => asked.commits = Some(desk),
            Decision::Syncs => asked.syncs = Some(desk),
            Decision::Stores => asked.stores = Some(desk),
            Decision::Quorums => asked.quorums = Some(desk),
        }
        asked
    }

    /// What comes next belongs to this event of a run.
    pub fn at_event(&self, event: u64) {
        self.work().event = event;
    }

    /// Begins a new run: what was answered in the last one is not of interest any more.
    pub fn begin(&self) {
        let mut work = self.work();
        work.slips.clear();
        work.calls = 0;
        work.event = 0;
    }

    /// The answers of this run that were not the reference's, each question once.
    pub fn slips(&self) -> Vec<Slip> {
        self.work().slips.clone()
    }

    /// How often it was asked in this run.
    pub fn calls(&self) -> u64 {
        self.work().calls
    }

    /// How many different questions it was asked in all.
    pub fn questions(&self) -> usize {
        self.work().asked.len()
    }

    /// How it failed, if it did.
    pub fn fault(&self) -> Option<Fault> {
        self.work().fault.clone()
    }

    /// The answer to a question, and what it is worth.
    pub fn ask(&self, question: &Question) -> (Answer, Judgement) {
        self.work().ask(question)
    }

    /// Asks somebody else everything that was asked so far, last question first, and compares.
    ///
    /// # Errors
    /// How the other one failed.
    pub fn first_difference(&self, other: &mut dyn Answers) -> Result<Option<Difference>, Fault> {
        let work = self.work();
        let mut found = None;
        for (index, question) in work.asked.iter().enumerate().rev() {
            let again = other.answer(question)?;
            let Some((_, first, _)) = work.known.get(&question.line()) else {
                continue;
            };
            if *first != again {
                found = Some(Difference {
                    nth: index + 1,
                    question: question.clone(),
                    first: first.clone(),
                    again,
                });
            }
        }
        Ok(found)
    }
}

impl Work {
    fn ask(&mut self, question: &Question) -> (Answer, Judgement) {
        self.calls += 1;
        let line = question.line();
        let known = self.known.get(&line).cloned();
        let (answer, judgement) = match known {
            Some((_, answer, judgement)) => (answer, judgement),
            None => self.ask_anew(line, question),
        };
        if judgement != Judgement::Right
            && !self.slips.iter().any(|slip| slip.question == *question)
        {
            self.slips.push(Slip {
                event: self.event,
                question: question.clone(),
                answer: answer.clone(),
                judgement: judgement.clone(),
            });
        }
        (answer, judgement)
    }

    fn ask_anew(&mut self, line: String, question: &Question) -> (Answer, Judgement) {
        let answer = match self.fault {
            Some(_) => None,
            None if self.asked.len() >= MOST_QUESTIONS => {
                let many = format!("it was asked {MOST_QUESTIONS} different questions");
                self.fault = Some(Fault(many));
                None
            }
            None => match self.solution.answer(question) {
                Ok(answer) if question.fits(&answer) => Some(answer),
                Ok(answer) => {
                    self.fault = Some(Fault(format!(
                        "the answer to `{}` was {}, which answers another question",
                        question.call(),
                        answer.line()
                    )));
                    None
                }
                Err(fault) => {
                    self.fault = Some(fault);
                    None
                }
            },
        };
        let Some(answer) = answer else {
            return (judge::reference(question), Judgement::Right);
        };
        let judgement = judge::judge(question, &answer);
        let place = self.asked.len();
        self.asked.push(question.clone());
        self.known
            .insert(line, (place, answer.clone(), judgement.clone()));
        (answer, judgement)
    }
}

/// What a solution decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Which of two votes is better.
    Votes,
    /// When a proposal is committed.
    Commits,
    /// What a learner is sent.
    Syncs,
    /// In which order a learner writes and speaks.
    Stores,
    /// Who decides.
    Quorums,
}

/// Where servers put their questions. What a solution cannot answer never reaches them.
struct Desk(Arc<Student>);

impl VoteOrder for Desk {
    fn supersedes(&self, new: &Vote, current: &Vote) -> bool {
        matches!(
            self.0.ask(&Question::of_votes(new, current)).0,
            Answer::Supersedes(true)
        )
    }
}

impl CommitRule for Desk {
    fn is_committed(&self, acks: &Acks) -> bool {
        matches!(self.0.ask(&acks.into()).0, Answer::IsCommitted(true))
    }
}

impl SyncPolicy for Desk {
    fn decide(&self, leader: &LeaderLog, peer: &PeerState) -> SyncPlan {
        let (answer, _) = self.0.ask(&Question::of_sync(leader, peer));
        let Answer::Plan(plan) = answer else {
            return SyncPlan::Snap;
        };
        plan.into()
    }
}

impl EpochStore for Desk {
    fn at_new_leader(&self) -> Vec<NewLeaderStep> {
        let (answer, _) = self.0.ask(&Question::AtNewLeader {});
        let Answer::AtNewLeader(steps) = answer else {
            return Vec::new();
        };
        steps.into_iter().map(Into::into).collect()
    }

    fn at_new_epoch(&self) -> Vec<PromiseStep> {
        let (answer, _) = self.0.ask(&Question::AtNewEpoch {});
        let Answer::AtNewEpoch(steps) = answer else {
            return Vec::new();
        };
        steps.into_iter().map(Into::into).collect()
    }
}

impl QuorumVerifier for Desk {
    fn contains_quorum(&self, members: ServerSet, ensemble: &Ensemble) -> bool {
        let question = Question::of_quorum(members, ensemble);
        matches!(self.0.ask(&question).0, Answer::ContainsQuorum(true))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::wire::{VoteForm, ZxidForm};

    fn question(sid: u8) -> Question {
        let vote = |sid| VoteForm {
            sid,
            epoch: 1,
            zxid: ZxidForm {
                epoch: 1,
                counter: 1,
            },
        };
        Question::Supersedes {
            new: vote(sid),
            current: vote(3),
        }
    }

    /// Answers yes so many times, then no, then fails.
    struct Fickle(u32, u32);

    impl Answers for Fickle {
        fn answer(&mut self, _: &Question) -> Result<Answer, Fault> {
            self.0 -= 1;
            if self.0 == 0 {
                return Err(Fault("gone".to_owned()));
            }
            Ok(Answer::Supersedes(self.0 > self.1))
        }
    }

    #[test]
    fn a_question_is_asked_once_and_a_wrong_answer_is_kept_with_its_event() {
        let student = Student::new(Box::new(Fickle(100, 0)));
        student.at_event(7);
        let (_, judgement) = student.ask(&question(1));
        assert!(
            matches!(judgement, Judgement::Unsafe(_)),
            "1 does not beat 3"
        );
        student.at_event(9);
        student.ask(&question(1));
        let slips = student.slips();
        assert_eq!((slips.len(), slips[0].event), (1, 7));
        assert_eq!(student.calls(), 2);
        student.begin();
        student.ask(&question(1));
        assert_eq!(
            student.slips().len(),
            1,
            "remembered, and a slip in this run, too"
        );
    }

    #[test]
    fn after_a_failure_the_reference_answers() {
        let student = Student::new(Box::new(Fickle(2, 0)));
        assert_eq!(student.ask(&question(4)).0, Answer::Supersedes(true));
        assert_eq!(student.ask(&question(1)).0, Answer::Supersedes(false));
        assert_eq!(student.fault(), Some(Fault("gone".to_owned())));
        assert_eq!(student.ask(&question(5)).0, Answer::Supersedes(true));
        assert_eq!(student.slips(), []);
    }

    #[test]
    fn the_first_call_that_differs_is_named() {
        let student = Student::new(Box::new(Fickle(100, 0)));
        for sid in 1..=5 {
            student.ask(&question(sid));
        }
        let mut same = Fickle(100, 0);
        assert_eq!(student.first_difference(&mut same), Ok(None));
        // The last questions are asked first: yes three times, then no.
        let difference = student.first_difference(&mut Fickle(100, 96)).unwrap();
        assert_eq!(difference.unwrap().nth, 1);
        let fault = student.first_difference(&mut Fickle(3, 0)).unwrap_err();
        assert_eq!(fault, Fault("gone".to_owned()));
    }
}
