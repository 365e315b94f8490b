//! Two-phase commit (semantics.md §8.10): the first client coordinates, the others are sites that vote.
//!
//! A transaction is a znode, each vote and the decision a child of it. The decision is created once and for all: whoever
//! comes second reads what the first has decided. A vote that is missing when time is up counts as no.

use std::collections::BTreeSet;

use super::desk::Turn;
use super::names::within;
use super::rules::{DecisionWrite, VoteCount};
use crate::base::time::Span;
use crate::client::Site;
use crate::client::workload::create;
use crate::history::op::{Data, ErrorCode, Path, Request, Response, WatchEvent, flags};
use crate::history::recipe::Step;

const ALL: &str = "/tx";

const DECISION: &str = "decision";

/// How long the coordinator waits for votes.
const PATIENCE: Span = Span::from_ms(400);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Stage {
    Resting,
    // The coordinator's.
    Founding,
    Opening,
    Counting,
    /// Votes are missing; an event or the end of its patience comes next.
    AwaitingVotes,
    Deciding(bool),
    // The sites'.
    LookingForTransaction,
    AwaitingTransaction,
    Voting,
    // Everybody's.
    LookingForDecision,
    AwaitingDecision,
    ReadingDecision,
}

/// The coordinator, or a site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Commit {
    /// Clients in the group.
    size: u16,
    stage: Stage,
    /// The number of the transaction, which all count alike.
    round: u64,
    vote: bool,
    is_out_of_patience: bool,
}

impl Commit {
    pub(super) fn new(size: u16) -> Self {
        Self {
            size,
            stage: Stage::Resting,
            round: 0,
            vote: true,
            is_out_of_patience: false,
        }
    }

    fn transaction(&self) -> Path {
        within(ALL, &format!("t{}", self.round))
    }

    fn decision(&self) -> Path {
        within(&self.transaction(), DECISION)
    }

    pub(super) fn on_think(&mut self, turn: &mut Turn<'_, '_>) {
        match self.stage {
            Stage::Resting if turn.begin() => {
                self.round += 1;
                if turn.index() == 0 {
                    self.is_out_of_patience = false;
                    self.ask(Stage::Opening, turn);
                } else {
                    // One in eight transactions of a site is one that it cannot commit, also in another life.
                    self.vote = turn.hands.draw(Site::Choice, self.round).below(8) > 0;
                    self.ask(Stage::LookingForTransaction, turn);
                }
            }
            Stage::AwaitingVotes => {
                self.is_out_of_patience = true;
                self.ask(Stage::Counting, turn);
            }
            Stage::Counting => self.is_out_of_patience = true,
            Stage::Resting
            | Stage::Founding
            | Stage::Opening
            | Stage::Deciding(_)
            | Stage::LookingForTransaction
            | Stage::AwaitingTransaction
            | Stage::Voting
            | Stage::LookingForDecision
            | Stage::AwaitingDecision
            | Stage::ReadingDecision => {}
        }
    }

    #[expect(
        clippy::match_same_arms,
        reason = "a table of stages, in the order in which they come"
    )]
    pub(super) fn on_reply(
        &mut self,
        result: &Result<Response, ErrorCode>,
        turn: &mut Turn<'_, '_>,
    ) {
        match (self.stage.clone(), result) {
            (Stage::Opening, Err(ErrorCode::NoNode)) => self.ask(Stage::Founding, turn),
            (Stage::Founding, _) => self.ask(Stage::Opening, turn),
            (Stage::Opening, _) => {
                turn.nap_for(PATIENCE);
                self.ask(Stage::Counting, turn);
            }
            (Stage::Counting, Ok(Response::Children(names, _))) => self.on_votes(names, turn),
            (Stage::Deciding(commit), Ok(_)) => self.decide(commit, turn),
            (Stage::Deciding(_), Err(_)) => self.ask(Stage::ReadingDecision, turn),
            (Stage::LookingForTransaction, Ok(_)) => self.vote(turn),
            (Stage::LookingForTransaction, Err(_)) => self.stage = Stage::AwaitingTransaction,
            (Stage::Voting, _) => self.ask(Stage::LookingForDecision, turn),
            (Stage::LookingForDecision, Ok(_)) => self.ask(Stage::ReadingDecision, turn),
            (Stage::LookingForDecision, Err(_)) => self.stage = Stage::AwaitingDecision,
            (Stage::ReadingDecision, Ok(Response::Data(data, _))) => {
                let commit = is_commit(data);
                self.decide(commit, turn);
            }
            (Stage::ReadingDecision, _) => self.ask(Stage::LookingForDecision, turn),
            (Stage::Counting, _) => self.ask(Stage::Counting, turn),
            (
                Stage::Resting
                | Stage::AwaitingVotes
                | Stage::AwaitingTransaction
                | Stage::AwaitingDecision,
                _,
            ) => {}
        }
    }

    /// Connected again, in this session or in a new one.
    pub(super) fn on_again(&mut self, lost: Option<bool>, turn: &mut Turn<'_, '_>) {
        match (self.stage.clone(), lost) {
            (Stage::Resting, _) => {}
            (Stage::AwaitingVotes, _) => self.ask(Stage::Counting, turn),
            (Stage::AwaitingTransaction, _) => self.ask(Stage::LookingForTransaction, turn),
            (Stage::AwaitingDecision, _) => self.ask(Stage::LookingForDecision, turn),
            (Stage::Deciding(commit), Some(sent)) => match turn.rules().decision {
                DecisionWrite::FirstWins => self.ask(Stage::Deciding(commit), turn),
                // It gives up on what it does not know to be done.
                DecisionWrite::LastWins => self.ask(Stage::Deciding(commit && !sent), turn),
            },
            (stage, Some(_)) => self.ask(stage, turn),
            (_, None) => {}
        }
    }

    pub(super) fn on_event(&mut self, event: &WatchEvent, turn: &mut Turn<'_, '_>) {
        match self.stage {
            Stage::AwaitingVotes if event.path == self.transaction() => {
                self.ask(Stage::Counting, turn);
            }
            Stage::AwaitingTransaction if event.path == self.transaction() => {
                self.ask(Stage::LookingForTransaction, turn);
            }
            Stage::AwaitingDecision if event.path == self.decision() => {
                self.ask(Stage::LookingForDecision, turn);
            }
            Stage::Resting
            | Stage::Founding
            | Stage::Opening
            | Stage::Counting
            | Stage::AwaitingVotes
            | Stage::Deciding(_)
            | Stage::LookingForTransaction
            | Stage::AwaitingTransaction
            | Stage::Voting
            | Stage::LookingForDecision
            | Stage::AwaitingDecision
            | Stage::ReadingDecision => {}
        }
    }

    fn ask(&mut self, stage: Stage, turn: &mut Turn<'_, '_>) {
        let transaction = self.transaction();
        let request = match &stage {
            Stage::Founding => create(ALL.into(), None, flags::PERSISTENT),
            Stage::Opening => create(transaction, None, flags::PERSISTENT),
            Stage::Counting | Stage::AwaitingVotes => Request::GetChildren {
                path: transaction,
                watch: true,
                stat: false,
            },
            Stage::Deciding(commit) => {
                let has_decided = self.stage == (Stage::Deciding(!commit));
                if has_decided && turn.rules().decision == DecisionWrite::LastWins {
                    Request::SetData {
                        path: self.decision(),
                        data: word(*commit),
                        version: -1,
                    }
                } else {
                    create(self.decision(), word(*commit), flags::PERSISTENT)
                }
            }
            Stage::Voting => {
                // The vote is the name, so that one list shows them all.
                let vote = if self.vote { "yes" } else { "no" };
                let name = format!("{vote}-c{}", turn.client().0);
                create(within(&transaction, &name), None, flags::PERSISTENT)
            }
            Stage::LookingForTransaction | Stage::AwaitingTransaction => Request::Exists {
                path: transaction,
                watch: true,
            },
            Stage::LookingForDecision | Stage::AwaitingDecision | Stage::Resting => {
                let path = self.decision();
                Request::Exists { path, watch: true }
            }
            Stage::ReadingDecision => Request::GetData {
                path: self.decision(),
                watch: false,
            },
        };
        turn.ask(request);
        self.stage = stage;
    }

    fn vote(&mut self, turn: &mut Turn<'_, '_>) {
        turn.tell(Step::Voted {
            transaction: self.transaction(),
            commit: self.vote,
            sites: self.size - 1,
        });
        self.ask(Stage::Voting, turn);
    }

    fn on_votes(&mut self, names: &[Path], turn: &mut Turn<'_, '_>) {
        let of = |vote: &str| {
            let votes = names.iter().filter(|name| name.starts_with(vote));
            votes.collect::<BTreeSet<_>>().len()
        };
        let sites = usize::from(self.size) - 1;
        if of("no-") > 0 {
            self.ask(Stage::Deciding(false), turn);
        } else if of("yes-") == sites {
            self.ask(Stage::Deciding(true), turn);
        } else if self.is_out_of_patience {
            let commit = match turn.rules().votes {
                VoteCount::MissingAborts => false,
                VoteCount::MissingAgrees => true,
            };
            self.ask(Stage::Deciding(commit), turn);
        } else {
            self.stage = Stage::AwaitingVotes;
        }
    }

    fn decide(&mut self, commit: bool, turn: &mut Turn<'_, '_>) {
        turn.tell(Step::Decided {
            transaction: self.transaction(),
            commit,
            sites: self.size - 1,
        });
        self.stage = Stage::Resting;
        turn.rest();
    }
}

#[expect(clippy::unnecessary_wraps, reason = "data is optional on the wire")]
fn word(commit: bool) -> Data {
    let word = if commit { "commit" } else { "abort" };
    Some(word.as_bytes().into())
}

fn is_commit(data: &Data) -> bool {
    data.as_deref() == Some(b"commit".as_slice())
}
