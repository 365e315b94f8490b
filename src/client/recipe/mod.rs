//! Recipes: what applications build from znodes (semantics.md §8), as small programs on top of the library.
//!
//! Each is the correct form; its well-known mistakes are variants of [`rules`]. What a program believes it says in
//! `history::recipe::Step`s, which `check::recipe` holds against the committed log.

mod barrier;
mod commit;
mod config;
pub mod contender;
mod counter;
mod desk;
mod membership;
mod names;
pub mod outside;
pub mod queue;
pub mod rules;

use super::library::Upcall;
use super::workload::{Hands, ThinkTime};
use crate::history::op::{ErrorCode, Response, WatchEvent};
use barrier::{Barrier, Party};
use commit::Commit;
use config::Config;
use contender::{Contender, Line};
use counter::Counter;
use desk::{Desk, Turn};
use membership::Member;
use outside::{Outside, Outsider};
use queue::{Discipline, Queue};

/// Which recipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Recipe {
    /// Contenders in a line.
    Line(Line),
    /// A shared counter.
    Counter,
    /// Producers and consumers.
    Queue(Discipline),
    /// A keeper, and others who wait.
    Barrier,
    /// A party that enters and leaves together.
    DoubleBarrier,
    /// A publisher, and readers who watch.
    Configuration,
    /// Members who watch each other.
    Membership,
    /// A coordinator and sites.
    TwoPhaseCommit,
}

/// Parameters of a recipe.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Settings {
    /// Which.
    pub recipe: Recipe,
    /// Rounds of one life; 0 = until the run ends.
    pub rounds: u64,
    /// Time between two rounds.
    pub think: ThinkTime,
    /// How long whatever is held is held between two uses.
    pub hold: ThinkTime,
    /// The first client of the group.
    pub first: u16,
    /// How many clients the group has.
    pub size: u16,
    /// Whose program it is, if it is not the recipe's own.
    pub outsider: Outsider,
}

/// A running recipe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    desk: Desk,
    part: Part,
    outside: Option<Outside>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Contender(Contender),
    Counter(Counter),
    Queue(Queue),
    Barrier(Barrier),
    Party(Party),
    Config(Config),
    Member(Member),
    Commit(Commit),
}

impl Program {
    /// The program of a client's `life`th life.
    pub fn new(settings: &Settings, life: u32) -> Self {
        Self {
            desk: Desk::new(settings, life),
            part: match settings.recipe {
                Recipe::Line(kind) => Part::Contender(Contender::new(kind, settings.hold)),
                Recipe::Counter => Part::Counter(Counter::new()),
                Recipe::Queue(discipline) => Part::Queue(Queue::new(discipline)),
                Recipe::Barrier => Part::Barrier(Barrier::new(settings.hold)),
                Recipe::DoubleBarrier => Part::Party(Party::new(settings.size, settings.hold)),
                Recipe::Configuration => Part::Config(Config::new()),
                Recipe::Membership => Part::Member(Member::new()),
                Recipe::TwoPhaseCommit => Part::Commit(Commit::new(settings.size)),
            },
            outside: Outside::new(settings),
        }
    }

    pub(super) fn on_boot(&mut self, hands: &mut Hands<'_>) {
        let desk = &mut self.desk;
        let mut turn = Turn { desk, hands };
        let index = turn.index();
        self.outside = self.outside.take().filter(|outside| outside.is_for(index));
        match &mut self.outside {
            Some(outside) => outside.on_boot(&mut turn),
            None => turn.rest(),
        }
    }

    pub(super) fn on_think(&mut self, hands: &mut Hands<'_>) {
        let desk = &mut self.desk;
        let mut turn = Turn { desk, hands };
        match &mut self.outside {
            Some(outside) => outside.on_think(&mut turn),
            None => self.part.on_think(&mut turn),
        }
    }

    pub(super) fn on_upcall(&mut self, upcall: &Upcall, hands: &mut Hands<'_>) {
        let (part, desk) = (&mut self.part, &mut self.desk);
        if let Some(outside) = &mut self.outside {
            outside.on_upcall(upcall, &mut Turn { desk, hands });
            return;
        }
        match upcall {
            Upcall::Replied { op, result, .. } => {
                if desk.takes(*op) {
                    part.on_reply(result, &mut Turn { desk, hands });
                }
            }
            Upcall::Lost { op, sent, .. } => desk.on_lost(*op, *sent),
            Upcall::Connected { fresh } => {
                // What was queued while there was no connection is lost with each attempt, also before a first session.
                let lost = desk.take_lost();
                if lost.is_some() || !*fresh {
                    part.on_resumed(lost, &mut Turn { desk, hands });
                }
            }
            Upcall::Event(event) => part.on_event(event, &mut Turn { desk, hands }),
            Upcall::Disconnected => part.on_disconnected(&mut Turn { desk, hands }),
            Upcall::Expired => {
                let lost = desk.take_lost();
                part.on_expired(lost, &mut Turn { desk, hands });
            }
        }
    }
}

/// Hands an input to whichever part it is.
macro_rules! each {
    ($part:expr, $name:ident => $call:expr) => {
        match $part {
            Part::Contender($name) => $call,
            Part::Counter($name) => $call,
            Part::Queue($name) => $call,
            Part::Barrier($name) => $call,
            Part::Party($name) => $call,
            Part::Config($name) => $call,
            Part::Member($name) => $call,
            Part::Commit($name) => $call,
        }
    };
}

impl Part {
    fn on_think(&mut self, turn: &mut Turn<'_, '_>) {
        each!(self, part => part.on_think(turn));
    }

    fn on_reply(&mut self, result: &Result<Response, ErrorCode>, turn: &mut Turn<'_, '_>) {
        each!(self, part => part.on_reply(result, turn));
    }

    /// The client is connected again in its session; `lost` = what it had asked was lost, and whether it had been sent.
    fn on_resumed(&mut self, lost: Option<bool>, turn: &mut Turn<'_, '_>) {
        match self {
            Self::Contender(part) => part.on_resumed(lost, turn),
            Self::Counter(part) => part.on_again(lost, turn),
            Self::Queue(part) => part.on_again(lost, turn),
            Self::Barrier(part) => part.on_again(lost, turn),
            Self::Party(part) => part.on_again(lost, turn),
            Self::Config(part) => part.on_again(lost, turn),
            Self::Member(part) => part.on_again(lost, turn),
            Self::Commit(part) => part.on_again(lost, turn),
        }
    }

    fn on_event(&mut self, event: &WatchEvent, turn: &mut Turn<'_, '_>) {
        match self {
            Self::Contender(part) => part.on_event(event, turn),
            Self::Queue(part) => part.on_event(event, turn),
            Self::Barrier(part) => part.on_event(event, turn),
            Self::Party(part) => part.on_event(event, turn),
            Self::Config(part) => part.on_event(event, turn),
            Self::Member(part) => part.on_event(event, turn),
            Self::Commit(part) => part.on_event(event, turn),
            // It watches nothing.
            Self::Counter(_) => {}
        }
    }

    fn on_disconnected(&mut self, turn: &mut Turn<'_, '_>) {
        match self {
            Self::Contender(part) => part.on_disconnected(turn),
            Self::Counter(_)
            | Self::Queue(_)
            | Self::Barrier(_)
            | Self::Party(_)
            | Self::Config(_)
            | Self::Member(_)
            | Self::Commit(_) => {}
        }
    }

    /// The session is over; a new one is on its way.
    fn on_expired(&mut self, lost: Option<bool>, turn: &mut Turn<'_, '_>) {
        match self {
            Self::Contender(part) => part.on_expired(turn),
            Self::Counter(part) => part.on_again(lost, turn),
            Self::Queue(part) => part.on_again(lost, turn),
            Self::Barrier(part) => part.on_again(lost, turn),
            Self::Party(part) => part.on_again(lost, turn),
            Self::Config(part) => part.on_expired(lost, turn),
            Self::Member(part) => part.on_new_session(turn),
            Self::Commit(part) => part.on_again(lost, turn),
        }
    }
}
