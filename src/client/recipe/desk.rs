//! What every recipe works with: the one request it waits for, its rounds, its draws.
//!
//! A lost request is not answered for until the client knows whether its session lives: on the next connection the
//! program is told, and after an expiry it begins anew anyway.

use super::Settings;
use super::rules::Rules;
use crate::base::id::ClientId;
use crate::base::rng::Draw;
use crate::base::time::Span;
use crate::client::Site;
use crate::client::workload::{Hands, ThinkTime, first_decision};
use crate::history::op::Request;
use crate::history::recipe::Step;

/// The request under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Nothing,
    Waiting { op: u64 },
    Lost { sent: bool },
}

/// The state that recipes have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Desk {
    asked: Asked,
    /// Rounds begun.
    begun: u64,
    /// How many there shall be; 0 = until the run ends.
    rounds: u64,
    think: ThinkTime,
    /// The first client of the group.
    first: u16,
    decision: u64,
}

impl Desk {
    /// The desk of a client's `life`th life.
    pub(super) fn new(settings: &Settings, life: u32) -> Self {
        Self {
            asked: Asked::Nothing,
            begun: 0,
            rounds: settings.rounds,
            think: settings.think,
            first: settings.first,
            decision: first_decision(life),
        }
    }

    /// Rounds come so many times as often.
    pub(super) fn hurry(&mut self, times: u32) {
        self.think.min_ms /= times;
        self.think.max_ms /= times;
    }

    /// Whether this operation is the one that is waited for; it is no longer.
    pub(super) fn takes(&mut self, op: u64) -> bool {
        let is_mine = self.asked == Asked::Waiting { op };
        if is_mine {
            self.asked = Asked::Nothing;
        }
        is_mine
    }

    /// An operation will not be answered.
    pub(super) fn on_lost(&mut self, op: u64, sent: bool) {
        if self.asked == (Asked::Waiting { op }) {
            self.asked = Asked::Lost { sent };
        }
    }

    /// The session goes on: whether a request was lost before, and if so, whether it was sent.
    pub(super) fn take_lost(&mut self) -> Option<bool> {
        match self.asked {
            Asked::Lost { sent } => {
                self.asked = Asked::Nothing;
                Some(sent)
            }
            Asked::Nothing | Asked::Waiting { .. } => None,
        }
    }

    /// Whatever was under way is of no interest any more.
    pub(super) fn drop_asked(&mut self) {
        self.asked = Asked::Nothing;
    }
}

/// A desk with the hands of the client at it.
#[derive(Debug)]
pub(super) struct Turn<'a, 'b> {
    pub desk: &'a mut Desk,
    pub hands: &'a mut Hands<'b>,
}

impl Turn<'_, '_> {
    /// Sends a request; its reply is the next.
    pub(super) fn ask(&mut self, request: Request) {
        let op = self.hands.submit(request);
        self.desk.asked = Asked::Waiting { op };
    }

    /// Says what the program does or believes.
    pub(super) fn tell(&mut self, step: Step) {
        self.hands.tell(step);
    }

    /// The design choices.
    pub(super) fn rules(&self) -> Rules {
        self.hands.recipe_rules()
    }

    /// The client.
    pub(super) fn client(&self) -> ClientId {
        self.hands.client()
    }

    /// The client's place in its group, from 0.
    pub(super) fn index(&self) -> u16 {
        self.client().0.saturating_sub(self.desk.first)
    }

    /// The number of the present round, from 1.
    pub(super) fn round(&self) -> u64 {
        self.desk.begun
    }

    /// A number that no other decision or life of this client has.
    pub(super) fn mark(&mut self) -> u64 {
        self.desk.decision += 1;
        self.desk.decision
    }

    /// The next decision of the program.
    pub(super) fn draw(&mut self, site: Site) -> Draw {
        self.desk.decision += 1;
        self.hands.draw(site, self.desk.decision)
    }

    /// Thinks before the next round, if there is one.
    pub(super) fn rest(&mut self) {
        self.desk.drop_asked();
        let is_over = self.desk.rounds > 0 && self.desk.begun >= self.desk.rounds;
        if !is_over && !self.hands.is_over() {
            let think = self.desk.think;
            let draw = self.draw(Site::Think);
            self.hands.think(think.pick(draw));
        }
    }

    /// Thinks before the next round, which need not have an operation and comes in any case.
    pub(super) fn pause(&mut self) {
        let think = self.desk.think;
        self.nap(think);
    }

    /// Begins a round, unless none is left. Rounds are carried out as a whole: the operation that begins one stands for it
    /// in a scenario's list, and numbers that are not on the list are passed over.
    pub(super) fn begin(&mut self) -> bool {
        while !self.hands.is_over() && self.hands.passes_over() {}
        let begins = !self.hands.is_over();
        self.desk.begun += u64::from(begins);
        begins
    }

    /// Wakes the program within a round.
    pub(super) fn nap(&mut self, time: ThinkTime) {
        let draw = self.draw(Site::Think);
        self.nap_for(time.pick(draw));
    }

    /// Wakes the program within a round after this long.
    pub(super) fn nap_for(&mut self, after: Span) {
        self.hands.nap(after);
    }
}
