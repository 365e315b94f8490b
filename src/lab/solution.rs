//! Solutions: what a student has written, whatever it is written in, and how a Rust one answers questions on its
//! standard input.

use std::fmt;
use std::io::{self, BufRead, Write};

use super::client::{Client, Clients};
use super::watcher::{self, Invariant};
use super::wire::{self, Answer, PromiseForm, Question, StepForm};
use super::{
    Acks, CommitRule, Ensemble, EpochStore, LeaderLog, PeerState, PromiseStep, QuorumVerifier,
    SyncPolicy, VoteOrder,
};
use crate::base::id::ServerId;
use crate::zab::rules::sync::NewLeaderStep;

/// Why a solution gave no answer: its own failure, in a sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Fault(pub String);

/// Whoever answers questions.
pub trait Answers: Send {
    /// The answer to a question.
    ///
    /// # Errors
    /// Why there is none: it crashed, took too long or said something that is no answer.
    fn answer(&mut self, question: &Question) -> Result<Answer, Fault>;
}

/// A solution in Rust, by the exercise that it is one of.
pub enum Solution {
    /// Lab 2.
    CommitRule(Box<dyn CommitRule>),
    /// Lab 4.
    VoteOrder(Box<dyn VoteOrder>),
    /// Lab 6.
    SyncPolicy(Box<dyn SyncPolicy>),
    /// Lab 7.
    EpochStore(Box<dyn EpochStore>),
    /// Lab 12.
    QuorumVerifier(Box<dyn QuorumVerifier>),
    /// Labs 9, 10 and 11: whoever makes a client for each life.
    Clients(Clients),
    /// Lab 13: whoever makes an invariant for each run.
    Invariant(Box<dyn Fn() -> Box<dyn Invariant> + Send>),
}

impl Solution {
    /// A client program, made anew for each life of a client.
    pub fn client<C: Client + 'static>(make: fn() -> C) -> Self {
        Self::Clients(Clients::new(Box::new(move || Box::new(make()))))
    }

    /// An invariant, made anew for each run.
    pub fn invariant<I: Invariant + 'static>(make: fn() -> I) -> Self {
        Self::Invariant(Box::new(move || Box::new(make())))
    }
}

impl fmt::Debug for Solution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CommitRule(_) => "CommitRule",
            Self::VoteOrder(_) => "VoteOrder",
            Self::SyncPolicy(_) => "SyncPolicy",
            Self::EpochStore(_) => "EpochStore",
            Self::QuorumVerifier(_) => "QuorumVerifier",
            Self::Clients(_) => "Clients",
            Self::Invariant(_) => "Invariant",
        })
    }
}

impl Answers for Solution {
    fn answer(&mut self, question: &Question) -> Result<Answer, Fault> {
        if let Self::Clients(clients) = self {
            return clients.answer(question);
        }
        let answer = match (&*self, question) {
            (Self::Invariant(make), Question::Observe { events }) => {
                Answer::Alarm(watcher::first_alarm(&mut *make(), events))
            }
            (Self::VoteOrder(order), Question::Supersedes { new, current }) => {
                Answer::Supersedes(order.supersedes(&(*new).into(), &(*current).into()))
            }
            (
                Self::CommitRule(rule),
                Question::IsCommitted {
                    leader,
                    acks,
                    voters,
                    observers,
                },
            ) => Answer::IsCommitted(rule.is_committed(&Acks {
                leader: ServerId(*leader),
                acks: wire::set(acks),
                voters: wire::set(voters),
                observers: wire::set(observers),
            })),
            (
                Self::SyncPolicy(policy),
                Question::Decide {
                    window,
                    last,
                    peer,
                    wants_snapshot,
                },
            ) => {
                let leader = LeaderLog {
                    window: window.iter().map(|zxid| (*zxid).into()).collect(),
                    last: (*last).into(),
                };
                let peer = PeerState {
                    last: (*peer).into(),
                    wants_snapshot: *wants_snapshot,
                };
                Answer::Plan(policy.decide(&leader, &peer).into())
            }
            (Self::EpochStore(store), Question::AtNewLeader {}) => at_new_leader(&**store)?,
            (Self::EpochStore(store), Question::AtNewEpoch {}) => at_new_epoch(&**store),
            (Self::QuorumVerifier(verifier), question) => return contains(&**verifier, question),
            (
                Self::CommitRule(_)
                | Self::VoteOrder(_)
                | Self::SyncPolicy(_)
                | Self::EpochStore(_)
                | Self::Clients(_)
                | Self::Invariant(_),
                _,
            ) => return Err(unasked(question)),
        };
        Ok(answer)
    }
}

fn unasked(question: &Question) -> Fault {
    let call = question.call();
    Fault(format!(
        "this solution does not answer `{call}`; it is one of another lab"
    ))
}

fn contains(verifier: &dyn QuorumVerifier, question: &Question) -> Result<Answer, Fault> {
    let Question::ContainsQuorum {
        members,
        voters,
        observers,
        weights,
        groups,
    } = question
    else {
        return Err(unasked(question));
    };
    let weights = weights.iter();
    let ensemble = Ensemble {
        voters: wire::set(voters),
        observers: wire::set(observers),
        weights: weights
            .map(|form| (ServerId(form.sid), form.weight))
            .collect(),
        groups: groups.iter().map(|group| wire::set(group)).collect(),
    };
    let decides = verifier.contains_quorum(wire::set(members), &ensemble);
    Ok(Answer::ContainsQuorum(decides))
}

fn at_new_leader(store: &dyn EpochStore) -> Result<Answer, Fault> {
    let steps = store.at_new_leader().into_iter();
    let steps: Result<Vec<StepForm>, Fault> = steps
        .map(|step| match step {
            NewLeaderStep::AppendAll => Ok(StepForm::Append),
            NewLeaderStep::Force => Ok(StepForm::Force),
            NewLeaderStep::StoreEpoch => Ok(StepForm::StoreEpoch),
            NewLeaderStep::Ack => Ok(StepForm::Ack),
            NewLeaderStep::Switch
            | NewLeaderStep::Snapshot
            | NewLeaderStep::LooseSnapshot
            | NewLeaderStep::AppendCommitted => Err(Fault(format!(
                "{step:?} is no step of this exercise; use AppendAll, Force, StoreEpoch and Ack"
            ))),
        })
        .collect();
    Ok(Answer::AtNewLeader(steps?))
}

fn at_new_epoch(store: &dyn EpochStore) -> Answer {
    let steps = store.at_new_epoch().into_iter();
    let forms = steps.map(|step| match step {
        PromiseStep::Store => PromiseForm::StoreEpoch,
        PromiseStep::Ack => PromiseForm::Ack,
    });
    Answer::AtNewEpoch(forms.collect())
}

/// Answers one question per line of standard input until that ends: the whole program of a Rust solution.
///
/// # Errors
/// When a line is no question, or when nobody reads the answers.
pub fn serve(solution: Solution) -> io::Result<()> {
    serve_on(solution, io::stdin().lock(), io::stdout().lock())
}

/// Answers one question per line.
///
/// # Errors
/// When a line is no question, or when the answer cannot be written.
pub fn serve_on(
    mut solution: impl Answers,
    questions: impl BufRead,
    mut answers: impl Write,
) -> io::Result<()> {
    for line in questions.lines() {
        let question: Question = serde_json::from_str(&line?)?;
        let answer = solution.answer(&question).map_err(io::Error::other)?;
        writeln!(answers, "{}", answer.line())?;
        answers.flush()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zab::vote::Vote;

    struct Larger;

    impl VoteOrder for Larger {
        fn supersedes(&self, new: &Vote, current: &Vote) -> bool {
            new.leader > current.leader
        }
    }

    #[test]
    fn a_rust_solution_answers_a_line_per_line() {
        let vote =
            |sid: u8| format!(r#"{{"sid":{sid},"epoch":1,"zxid":{{"epoch":1,"counter":5}}}}"#);
        let line = |new, current| {
            let (new, current) = (vote(new), vote(current));
            format!("{{\"ask\":\"supersedes\",\"new\":{new},\"current\":{current}}}\n")
        };
        let questions = line(2, 1) + &line(1, 2);
        let mut answers = Vec::new();
        let solution = Solution::VoteOrder(Box::new(Larger));
        serve_on(solution, questions.as_bytes(), &mut answers).unwrap();
        let expected = "{\"supersedes\":true}\n{\"supersedes\":false}\n";
        assert_eq!(String::from_utf8(answers).unwrap(), expected);
    }

    #[test]
    fn a_question_of_another_lab_is_refused() {
        let mut solution = Solution::VoteOrder(Box::new(Larger));
        let fault = solution.answer(&Question::AtNewEpoch {}).unwrap_err();
        assert!(fault.0.contains("at-new-epoch"), "{fault}");
        let broken = serve_on(solution, "hello\n".as_bytes(), Vec::new());
        assert!(broken.is_err());
    }
}
