//! Keeps exists watches armed on given paths (the ephemerals of holders, say) and arms them again after every event.

use super::{Hands, ThinkTime, first_decision};
use crate::client::Site;
use crate::client::library::Upcall;
use crate::history::op::{ErrorCode, Path, Request};

/// Parameters of the watcher.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Settings {
    /// What it watches.
    pub paths: Vec<Path>,
    /// Time before each arming.
    pub think: ThinkTime,
}

impl Default for Settings {
    fn default() -> Self {
        let think = ThinkTime {
            min_ms: 5,
            max_ms: 50,
        };
        Self {
            paths: Vec::new(),
            think,
        }
    }
}

/// The running watcher.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watcher {
    settings: Settings,
    /// Per path: whether its watch is armed.
    armed: Vec<bool>,
    /// The arming under way: operation and index of its path.
    arming: Option<(u64, usize)>,
    decision: u64,
}

impl Watcher {
    /// The watcher of a client's `life`th life.
    pub fn new(settings: &Settings, life: u32) -> Self {
        Self {
            settings: settings.clone(),
            armed: vec![false; settings.paths.len()],
            arming: None,
            decision: first_decision(life),
        }
    }

    pub(super) fn on_boot(&mut self, hands: &mut Hands<'_>) {
        self.rest(hands);
    }

    pub(super) fn on_think(&mut self, hands: &mut Hands<'_>) {
        if self.arming.is_some() {
            return;
        }
        let Some(index) = self.armed.iter().position(|armed| !armed) else {
            return;
        };
        if hands.passes_over() {
            self.rest(hands);
            return;
        }
        let request = Request::Exists {
            path: self.settings.paths[index].clone(),
            watch: true,
        };
        self.arming = Some((hands.submit(request), index));
    }

    pub(super) fn on_upcall(&mut self, upcall: &Upcall, hands: &mut Hands<'_>) {
        match upcall {
            Upcall::Replied { op, result, .. } => {
                if let Some(index) = self.take_arming(*op) {
                    self.armed[index] = matches!(result, Ok(_) | Err(ErrorCode::NoNode));
                    self.rest(hands);
                }
            }
            Upcall::Lost { op, .. } => {
                if self.take_arming(*op).is_some() {
                    self.rest(hands);
                }
            }
            Upcall::Event(event) => {
                let paths = self.settings.paths.iter();
                for (_, armed) in paths
                    .zip(&mut self.armed)
                    .filter(|(path, _)| **path == event.path)
                {
                    *armed = false;
                }
                self.rest(hands);
            }
            Upcall::Expired => {
                self.armed.fill(false);
                self.rest(hands);
            }
            Upcall::Connected { .. } | Upcall::Disconnected => {}
        }
    }

    fn take_arming(&mut self, op: u64) -> Option<usize> {
        let (_, index) = self.arming.take_if(|(arming, _)| *arming == op)?;
        Some(index)
    }

    /// Comes back after a think time if there is something to arm.
    fn rest(&mut self, hands: &mut Hands<'_>) {
        if self.arming.is_none() && self.armed.contains(&false) && !hands.is_over() {
            self.decision += 1;
            hands.think(
                self.settings
                    .think
                    .pick(hands.draw(Site::Think, self.decision)),
            );
        }
    }
}
