//! Two runs of one scenario must be one run. Where they are not, the first event that differs is found: by checkpoints of
//! the digest first, then event by event between two of them.

use std::fmt::Write;

use serde::{Deserialize, Serialize};

use super::outcome::Outcome;
use super::run::{Nobody, Run};
use super::scenario::Scenario;
use crate::base::digest::Digest;
use crate::base::id::{EventId, NodeId};
use crate::sim::fault::Planned;
use crate::sim::process::{Effect, Input};
use crate::sim::sink::{Happening, Sink, Stamp};
use crate::sim::world::CHECKPOINT_EVERY;
use crate::words::Words;

/// A run in a few numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trail {
    /// How many events there were.
    pub events: u64,
    /// The digest at the end.
    pub digest: u64,
    /// A digest of everything that was judged and counted.
    pub outcome: u64,
    /// The digest after every [`CHECKPOINT_EVERY`] events.
    pub checkpoints: Vec<u64>,
}

impl Trail {
    /// Plays a scenario.
    pub fn of(scenario: &Scenario) -> Self {
        let mut run = Run::start(scenario);
        let outcome = run.conclude(&mut Nobody, &mut ());
        Self {
            checkpoints: run.world().checkpoints().iter().copied().collect(),
            ..Self::end_of(&outcome)
        }
    }

    /// What is known of a run that was played: everything but its checkpoints.
    pub fn end_of(outcome: &Outcome) -> Self {
        Self {
            events: outcome.events,
            digest: outcome.digest,
            outcome: Digest::of(&format!("{outcome:?}")),
            checkpoints: Vec::new(),
        }
    }

    /// Whether both ended alike.
    pub fn ends_like(&self, other: &Self) -> bool {
        (self.events, self.digest, self.outcome) == (other.events, other.digest, other.outcome)
    }

    /// Between which events the first difference lies: the last common checkpoint and the one after it.
    pub fn window(&self, other: &Self) -> std::ops::Range<u64> {
        let both = self.checkpoints.iter().zip(&other.checkpoints);
        let common = both.take_while(|(mine, theirs)| mine == theirs).count() as u64;
        common * CHECKPOINT_EVERY..(common + 1) * CHECKPOINT_EVERY + 1
    }
}

/// One event: who took which input, and what it asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// The event's number.
    pub event: u64,
    /// World time.
    pub time_ns: u64,
    /// The cause: the input and who got it, or what the machine did.
    pub cause: String,
    /// The effects.
    pub effects: Vec<String>,
}

/// Plays a scenario again and tells its events in a window.
pub fn steps(scenario: &Scenario, window: std::ops::Range<u64>) -> Vec<Step> {
    let mut teller = Teller {
        window,
        steps: Vec::new(),
    };
    Run::start(scenario).conclude(&mut Nobody, &mut teller);
    teller.steps
}

struct Teller {
    window: std::ops::Range<u64>,
    steps: Vec<Step>,
}

impl Teller {
    fn step(&mut self, at: Stamp, cause: impl FnOnce() -> String) {
        let EventId(event) = at.event;
        if self.window.contains(&event) {
            self.steps.push(Step {
                event,
                time_ns: at.time.0,
                cause: cause(),
                effects: Vec::new(),
            });
        }
    }
}

impl Sink<Words> for Teller {
    fn input(&mut self, at: Stamp, node: NodeId, input: &Input<Words>) {
        self.step(at, || format!("{node} takes {input:?}"));
    }

    fn effect(&mut self, at: Stamp, node: NodeId, effect: &Effect<Words>) {
        let EventId(event) = at.event;
        if self.window.contains(&event)
            && let Some(step) = self.steps.last_mut()
        {
            step.effects.push(format!("{node}: {effect:?}"));
        }
    }

    fn happening(&mut self, at: Stamp, what: &Happening, _plan: &[Planned]) {
        self.step(at, || format!("the machine: {what:?}"));
    }
}

/// The first difference between two runs, told with both causes.
pub fn tell(mine: &[Step], theirs: &[Step]) -> String {
    let longest = mine.len().max(theirs.len());
    let index = (0..longest).find(|index| mine.get(*index) != theirs.get(*index));
    let Some(index) = index else {
        return "the events are the same, so the machine drew or delayed something differently"
            .to_owned();
    };
    let (mine, theirs) = (mine.get(index), theirs.get(index));
    let mut text = String::from("first divergent event: ");
    put(&mut text, mine, theirs);
    text.push_str("; and in the second process ");
    put(&mut text, theirs, mine);
    text
}

fn put(text: &mut String, step: Option<&Step>, other: Option<&Step>) {
    let Some(step) = step else {
        text.push_str("nothing");
        return;
    };
    write!(
        text,
        "event {} at {} ns, {}",
        step.event, step.time_ns, step.cause
    )
    .expect("a string takes any text");
    let Some(other) = other.filter(|other| other.cause == step.cause) else {
        return;
    };
    let longest = step.effects.len().max(other.effects.len());
    let index = (0..longest).find(|index| step.effects.get(*index) != other.effects.get(*index));
    if let Some(index) = index {
        let effect = step.effects.get(index).map_or("nothing", String::as_str);
        write!(text, ", then {effect}").expect("a string takes any text");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scenario(seed: u64, late: &str) -> Scenario {
        let text = format!(
            r#"{{ "format": 1, "name": "twin", "seed": {seed}, "workload": [{{ "kind": "versioned-register" }}],
                "plan": [{late}], "limits": {{ "virtual_ms": 6000 }} }}"#
        );
        Scenario::parse(text.as_bytes(), "twin", &[]).unwrap()
    }

    #[test]
    fn a_run_is_like_itself() {
        let scenario = scenario(1, "");
        let (one, two) = (Trail::of(&scenario), Trail::of(&scenario));
        assert_eq!(one, two);
        assert_eq!(one.checkpoints.len() as u64, one.events / CHECKPOINT_EVERY);
    }

    #[test]
    fn the_first_event_that_differs_is_found_with_both_causes() {
        let crash = |at_ms| {
            format!(
                r#"{{ "id": "f1", "fault": "crash", "node": "leader", "at_ms": {at_ms}, "for_ms": 500 }}"#
            )
        };
        let (one, two) = (scenario(1, &crash(5_000)), scenario(1, &crash(5_050)));
        let (first, second) = (Trail::of(&one), Trail::of(&two));
        assert!(!first.ends_like(&second));
        let window = first.window(&second);
        let (mine, theirs) = (steps(&one, window.clone()), steps(&two, window));
        let told = tell(&mine, &theirs);
        assert!(
            told.contains("at 5000000000 ns, the machine: FaultBegan"),
            "{told}"
        );
        assert!(
            told.contains("; and in the second process event "),
            "{told}"
        );
    }

    #[test]
    fn an_effect_that_differs_is_told_after_the_common_cause() {
        let step = |effect: &str| Step {
            event: 7,
            time_ns: 9,
            cause: "n1 takes a tick".to_owned(),
            effects: vec!["n1: the same".to_owned(), effect.to_owned()],
        };
        assert_eq!(
            tell(&[step("n1: this")], &[step("n1: that")]),
            "first divergent event: event 7 at 9 ns, n1 takes a tick, then n1: this; and in the second process event 7 at 9 ns, \
             n1 takes a tick, then n1: that"
        );
        assert!(tell(&[step("x")], &[]).ends_with("in the second process nothing"));
    }
}
