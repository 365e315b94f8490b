//! Does what it is told, step by step: a program for lessons and for tests of single situations.
//!
//! A step with a time is handed in then, by the client's own clock from its start, whatever is under way; one without as soon
//! as everything before it has ended. Nothing is handed in before the first connection.

use std::sync::Arc;

use super::Hands;
use crate::base::time::Span;
use crate::client::library::Upcall;
use crate::history::op::Request;

/// Parameters of the script.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Settings {
    /// What to do, in order.
    pub steps: Arc<[Step]>,
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Step {
    /// When, by the client's clock from its start; `None` = once all before it have ended.
    pub at: Option<Span>,
    /// What.
    pub request: Request,
}

/// The running script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    settings: Settings,
    /// The next step.
    next: usize,
    outstanding: Vec<u64>,
    was_connected: bool,
}

impl Script {
    /// The script of a client's `life`th life: a second life does not begin again.
    pub fn new(settings: &Settings, life: u32) -> Self {
        Self {
            settings: settings.clone(),
            next: if life > 1 { settings.steps.len() } else { 0 },
            outstanding: Vec::new(),
            was_connected: false,
        }
    }

    pub(super) fn on_think(&mut self, hands: &mut Hands<'_>) {
        self.go_on(hands);
    }

    pub(super) fn on_upcall(&mut self, upcall: &Upcall, hands: &mut Hands<'_>) {
        match upcall {
            Upcall::Connected { .. } => self.was_connected = true,
            Upcall::Replied { op, .. } | Upcall::Lost { op, .. } => {
                self.outstanding.retain(|other| other != op);
            }
            Upcall::Event(_) | Upcall::Expired | Upcall::Disconnected => {}
        }
        self.go_on(hands);
    }

    /// Hands in what is due, and comes back when the next step is.
    fn go_on(&mut self, hands: &mut Hands<'_>) {
        while self.was_connected
            && let Some(step) = self.settings.steps.get(self.next)
        {
            match step.at {
                Some(at) if at > hands.age => {
                    hands.think(Span(at.0 - hands.age.0));
                    return;
                }
                None if !self.outstanding.is_empty() => return,
                Some(_) | None => {}
            }
            let request = step.request.clone();
            self.next += 1;
            if !hands.passes_over() {
                self.outstanding.push(hands.submit(request));
            }
        }
    }
}
