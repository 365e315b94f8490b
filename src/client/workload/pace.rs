//! The pace of a program: how many operations it does, how many at once, how long it thinks, and how it ends.

use super::{Hands, ThinkTime, first_decision};
use crate::client::Site;
use crate::history::op::Request;

/// Parameters of the pace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tempo {
    /// Operations of one life, those that never left the client aside; 0 = until the run ends.
    pub ops: u64,
    /// Time between two operations.
    pub think: ThinkTime,
    /// How many operations may be outstanding.
    pub window: u16,
    /// What follows the last of `ops`.
    pub at_end: AtEnd,
}

/// What follows the last operation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AtEnd {
    /// The client keeps its session.
    #[default]
    Stay,
    /// It closes its session.
    Close,
}

impl Default for Tempo {
    fn default() -> Self {
        Self {
            ops: 0,
            think: ThinkTime {
                min_ms: 1,
                max_ms: 40,
            },
            window: 1,
            at_end: AtEnd::default(),
        }
    }
}

/// Where a program is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pace {
    tempo: Tempo,
    outstanding: Vec<u64>,
    is_thinking: bool,
    is_closing: bool,
    /// Operations returned or lost after they were sent.
    done: u64,
    decision: u64,
}

impl Pace {
    /// The pace of a client's `life`th life.
    pub(super) fn new(tempo: Tempo, life: u32) -> Self {
        Self {
            tempo,
            outstanding: Vec::new(),
            is_thinking: false,
            is_closing: false,
            done: 0,
            decision: first_decision(life),
        }
    }

    /// The think time is over: the number of the decision that is due.
    pub(super) fn on_think(&mut self) -> u64 {
        self.is_thinking = false;
        self.decision
    }

    /// An operation was handed in.
    pub(super) fn on_submitted(&mut self, op: u64) {
        self.outstanding.push(op);
    }

    /// An operation was not to be carried out.
    pub(super) fn on_passed_over(&mut self) {
        self.done += 1;
    }

    /// An operation came back.
    pub(super) fn on_replied(&mut self, op: u64) {
        if self.finish(op) {
            self.done += 1;
        }
    }

    /// An operation was lost; returns whether it is the program's and may have happened.
    pub(super) fn on_lost(&mut self, op: u64, sent: bool) -> bool {
        let may_have_happened = self.finish(op) && sent;
        self.done += u64::from(may_have_happened);
        may_have_happened
    }

    fn finish(&mut self, op: u64) -> bool {
        let index = self.outstanding.iter().position(|other| *other == op);
        index.is_some_and(|index| self.outstanding.swap_remove(index) == op)
    }

    /// Thinks before the next operation if there is one and the window has room; after the last one, ends.
    pub(super) fn rest(&mut self, hands: &mut Hands<'_>) {
        let begun = self.done + self.outstanding.len() as u64;
        let is_full = self.outstanding.len() >= usize::from(self.tempo.window.max(1));
        let is_over = self.tempo.ops > 0 && begun >= self.tempo.ops;
        if is_over {
            self.end(hands);
        }
        if self.is_thinking || is_full || is_over || hands.is_over() {
            return;
        }
        self.is_thinking = true;
        self.decision += 1;
        let draw = hands.draw(Site::Think, self.decision);
        hands.think(self.tempo.think.pick(draw));
    }

    /// Closes the session after the last operation, if that is wanted; tried once.
    fn end(&mut self, hands: &mut Hands<'_>) {
        let is_wanted = self.tempo.at_end == AtEnd::Close;
        if is_wanted && self.outstanding.is_empty() && !self.is_closing {
            self.is_closing = true;
            if !hands.passes_over() {
                hands.submit(Request::CloseSession);
            }
        }
    }
}
