//! Keeps an ephemeral `/e<client>` alive: creates it in every new session, looks after it from time to time.

use super::{Hands, ThinkTime, create, ephemeral_path, first_decision};
use crate::client::Site;
use crate::client::library::Upcall;
use crate::history::op::{ErrorCode, Request, flags};

/// Parameters of the holder.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Settings {
    /// Time between two looks at the ephemeral.
    pub think: ThinkTime,
}

impl Default for Settings {
    fn default() -> Self {
        let think = ThinkTime {
            min_ms: 200,
            max_ms: 600,
        };
        Self { think }
    }
}

/// The running holder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    settings: Settings,
    belief: Belief,
    outstanding: Option<u64>,
    decision: u64,
}

/// What the holder believes about its ephemeral.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Belief {
    /// It is not there: create it.
    Absent,
    /// A node of that name is or may be there, perhaps of an older session: look.
    Unsure,
}

impl Holder {
    /// The holder of a client's `life`th life.
    pub fn new(settings: &Settings, life: u32) -> Self {
        Self {
            settings: settings.clone(),
            belief: Belief::Absent,
            outstanding: None,
            decision: first_decision(life),
        }
    }

    pub(super) fn on_boot(&mut self, hands: &mut Hands<'_>) {
        self.act(hands);
    }

    pub(super) fn on_think(&mut self, hands: &mut Hands<'_>) {
        if self.outstanding.is_none() {
            self.act(hands);
        }
    }

    pub(super) fn on_upcall(&mut self, upcall: &Upcall, hands: &mut Hands<'_>) {
        match upcall {
            Upcall::Replied { op, result, .. } if self.outstanding == Some(*op) => {
                self.belief = match result {
                    Err(ErrorCode::NoNode) => Belief::Absent,
                    Ok(_) | Err(_) => Belief::Unsure,
                };
                self.rest(hands);
            }
            Upcall::Lost { op, .. } if self.outstanding == Some(*op) => {
                self.belief = Belief::Unsure;
                self.rest(hands);
            }
            Upcall::Expired => self.belief = Belief::Absent,
            Upcall::Connected { .. }
            | Upcall::Replied { .. }
            | Upcall::Lost { .. }
            | Upcall::Event(_)
            | Upcall::Disconnected => {}
        }
    }

    fn act(&mut self, hands: &mut Hands<'_>) {
        if hands.passes_over() {
            self.rest(hands);
            return;
        }
        let path = ephemeral_path(hands.client());
        let request = match self.belief {
            Belief::Absent => create(path, None, flags::EPHEMERAL),
            Belief::Unsure => Request::Exists { path, watch: false },
        };
        self.outstanding = Some(hands.submit(request));
    }

    fn rest(&mut self, hands: &mut Hands<'_>) {
        self.outstanding = None;
        if hands.is_over() {
            return;
        }
        self.decision += 1;
        hands.think(
            self.settings
                .think
                .pick(hands.draw(Site::Think, self.decision)),
        );
    }
}
