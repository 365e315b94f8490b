//! Every operation and every kind of watch on a small tree (semantics.md §1-§4): creates in every mode, deletes, data and
//! ACLs on any condition, multis that pass and fail, all reads, all watches, authentication, and sessions that end.
//!
//! Names say what may happen to a znode, so that checkers need not be vague about all of them: only `e` is ever an
//! ephemeral, a container or mortal by its TTL, only below the last top may READ be withheld and a transaction touch a
//! path twice. Data is unique, `c<client>-<decision>-<part>`.

mod knowledge;
mod menu;
mod requests;
mod space;
#[cfg(test)]
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "a test picks the variants it is about"
)]
mod tests;

use std::collections::VecDeque;

use self::knowledge::Knowledge;
use self::menu::Taste;
use self::requests::Author;
use super::pace::{Pace, Tempo};
use super::{Hands, first_decision};
use crate::base::rng::Draw;
use crate::client::Site;
use crate::client::library::Upcall;
use crate::history::op::{Path, Request};

/// Parameters of the program.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Settings {
    /// Number of znodes below the root.
    pub tops: u16,
    /// How many operations it does, and how fast.
    pub tempo: Tempo,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            tops: 3,
            tempo: Tempo::default(),
        }
    }
}

/// The running program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Znodes {
    life: u32,
    pace: Pace,
    taste: Taste,
    knowledge: Knowledge,
    /// Paths that an event spoke of; to be looked at.
    changed: VecDeque<Path>,
}

/// Events remembered at most.
const CHANGED: usize = 4;

/// Draws of one decision are numbered below this.
const DRAWS: u64 = 128;

/// The draws of one decision, one after the other.
#[derive(Debug)]
struct Dice<'a, 'b> {
    hands: &'a Hands<'b>,
    decision: u64,
    used: u64,
}

impl Dice<'_, '_> {
    fn draw(&mut self) -> Draw {
        assert!(self.used < DRAWS, "decisions have separate draws");
        let nth = self.decision * DRAWS + self.used;
        self.used += 1;
        self.hands.draw(Site::Detail, nth)
    }

    fn below(&mut self, bound: usize) -> usize {
        let drawn = self.draw().below(bound as u64);
        usize::try_from(drawn).expect("below a bound of that type")
    }

    /// Once in `bound` times.
    fn once_in(&mut self, bound: usize) -> bool {
        self.below(bound) == 0
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> Option<T> {
        let index = self.below(from.len());
        from.get(index).cloned()
    }
}

impl Znodes {
    /// The program of a client's `life`th life.
    pub fn new(settings: &Settings, life: u32) -> Self {
        Self {
            life,
            pace: Pace::new(settings.tempo, life),
            taste: Taste::default(),
            knowledge: Knowledge::new(settings.tops.max(1)),
            changed: VecDeque::new(),
        }
    }

    pub(super) fn on_boot(&mut self, hands: &mut Hands<'_>) {
        let first = first_decision(self.life);
        self.taste = Taste::drawn(|nth| hands.draw(Site::Taste, first + nth));
        self.pace.rest(hands);
    }

    pub(super) fn on_think(&mut self, hands: &mut Hands<'_>) {
        let decision = self.pace.on_think();
        if hands.passes_over() {
            self.pace.on_passed_over();
        } else {
            let request = self.next_request(decision, hands);
            self.pace.on_submitted(hands.submit(request));
        }
        self.pace.rest(hands);
    }

    pub(super) fn on_upcall(&mut self, upcall: &Upcall, hands: &mut Hands<'_>) {
        match upcall {
            Upcall::Replied {
                op,
                request,
                result,
            } => {
                self.knowledge.learn(request, result.as_ref());
                self.pace.on_replied(*op);
            }
            Upcall::Lost { op, request, sent } => {
                if self.pace.on_lost(*op, *sent) {
                    self.knowledge.doubt(request);
                }
            }
            Upcall::Event(event) => {
                self.knowledge.on_event(event);
                if self.changed.len() < CHANGED && !self.changed.contains(&event.path) {
                    self.changed.push_back(event.path.clone());
                }
            }
            Upcall::Connected { .. } | Upcall::Disconnected | Upcall::Expired => {}
        }
        self.pace.rest(hands);
    }

    fn next_request(&mut self, decision: u64, hands: &Hands<'_>) -> Request {
        let mut dice = Dice {
            hands,
            decision,
            used: 0,
        };
        // What an event told of is looked at, mostly.
        if let Some(path) = self.changed.pop_front()
            && !dice.once_in(4)
        {
            return requests::look(&mut dice, path);
        }
        let kind = self.taste.pick(hands.draw(Site::Choice, decision));
        let author = Author {
            knowledge: &self.knowledge,
        };
        author.request(kind, &mut dice)
    }
}
