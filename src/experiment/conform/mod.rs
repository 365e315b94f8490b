//! Conformance: scripts recorded on a real ZooKeeper are played on simulated servers, and everything their clients see is
//! compared: results, Stats, zxids, and the order of events and replies on each connection.
//!
//! ```text
//!   file ─script─▶ Script ─player─▶ Stage (a World: servers and one raw client) ─show─▶ the vector's words ─▶ compare
//! ```
//! Each script starts on servers with empty disks. After every step a barrier lets everything happen that the step
//! caused, as it did when the script was recorded.

mod arguments;
mod crash;
mod player;
mod script;
mod show;
mod skip;
mod stage;
mod zxids;

use serde_json::{Value, json};

pub use script::{Malformed, Script};
pub use skip::reason_to_skip;

use crate::base::rng::Seed;
use crate::zab::rules::Rules;
use player::Player;
use script::{Action, Mode, Order, Step};

/// The ensemble on which scripts of an ensemble were recorded.
const RECORDED_ENSEMBLE: u8 = 3;

/// On what scripts are played.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// How many servers there are; scripts recorded on an ensemble get at least three.
    pub servers: u8,
    /// If set, the leader crashes between two steps, at least once in a script and then after so many steps again.
    pub crash_every: Option<u32>,
    /// Of the weather; each script draws its own from it.
    pub seed: Seed,
    /// The servers' design choices; what a script says of its servers' settings goes before.
    pub rules: Rules,
    /// Names of defects that the servers have.
    pub mutants: Vec<String>,
}

impl Default for Setting {
    fn default() -> Self {
        Self {
            servers: 1,
            crash_every: None,
            seed: Seed(1),
            rules: Rules::default(),
            mutants: Vec::new(),
        }
    }
}

impl Setting {
    /// How many servers a script gets.
    fn servers_for(&self, script: &Script) -> u8 {
        match script.mode {
            Mode::Standalone => self.servers,
            Mode::Ensemble => self.servers.max(RECORDED_ENSEMBLE),
        }
    }
}

/// What came of playing a script.
#[derive(Clone, Debug, PartialEq)]
pub struct Played {
    /// How many steps were played: all, or those up to the first difference.
    pub steps: usize,
    /// The first difference.
    pub difference: Option<Difference>,
}

/// A step that came out otherwise than recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// Which step, counted from 1.
    pub step: usize,
    /// Its line in the file.
    pub line: usize,
    /// What was done: the line without what came out.
    pub action: String,
    /// `r` and `recv` as recorded.
    pub expected: Value,
    /// `r` and `recv` as they came out here.
    pub got: Value,
}

/// Plays a script up to its end or its first difference.
pub fn play(script: &Script, setting: &Setting) -> Played {
    let mut player = Player::new(script, setting);
    for (index, step) in script.steps.iter().enumerate() {
        let got = player.play(index, step);
        if !agrees(step, &got) {
            let difference = Difference {
                step: index + 1,
                line: step.line,
                action: step.told.clone(),
                expected: step.expected.clone(),
                got,
            };
            return Played {
                steps: index + 1,
                difference: Some(difference),
            };
        }
    }
    Played {
        steps: script.steps.len(),
        difference: None,
    }
}

/// Whether a step came out as recorded; the order of what clients received does not matter where it was left open.
fn agrees(step: &Step, got: &Value) -> bool {
    match (step.order, &step.action) {
        (Order::Given, _) => step.expected == *got,
        // One pass of the reaper takes a zxid for each znode, in any order.
        (Order::Open, Action::Reap(_)) => {
            sorted(&step.expected) == sorted(got) || zxids_apart(&step.expected) == zxids_apart(got)
        }
        (Order::Open, _) => sorted(&step.expected) == sorted(got),
    }
}

/// A step's outcome with what each client received in alphabetical order.
fn sorted(shown: &Value) -> Value {
    rearranged(shown, Vec::clone)
}

/// The same with the zxids of the events beside the events, so that it does not matter which belongs to which.
fn zxids_apart(shown: &Value) -> Value {
    rearranged(shown, |received| {
        let is_event = |item: &&Value| item.as_array().is_some_and(|event| event.len() == 3);
        let zxids = received
            .iter()
            .filter(is_event)
            .map(|event| event[2].clone());
        let events = received.iter().map(|item| match item.as_array() {
            Some(event) if event.len() == 3 => json!([event[0], event[1]]),
            Some(_) | None => item.clone(),
        });
        events.chain(zxids).collect()
    })
}

fn rearranged(shown: &Value, view: impl Fn(&Vec<Value>) -> Vec<Value>) -> Value {
    let mut shown = shown.clone();
    let clients = shown["recv"].as_object_mut().into_iter();
    for received in clients
        .flat_map(|clients| clients.values_mut())
        .filter_map(Value::as_array_mut)
    {
        *received = view(received);
        received.sort_by_key(ToString::to_string);
    }
    shown
}

#[cfg(test)]
mod tests;
