//! Scenarios that benchmarks play.

#![allow(dead_code, reason = "each benchmark uses some of it")]

use std::fs;
use std::path::Path;

use zablab::base::time::Time;
use zablab::experiment::run::{Nobody, Run};
use zablab::experiment::scenario::Scenario;

/// A scenario of the repository.
pub(crate) fn read(file: &str, overrides: &[String]) -> Scenario {
    let bytes = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).expect("a scenario");
    Scenario::parse(&bytes, file, overrides).expect("a valid scenario")
}

/// An ensemble under load, for so long.
pub(crate) fn load(voters: u8, virtual_ms: u64) -> Scenario {
    let overrides = [
        format!("ensemble.voters={voters}"),
        format!("limits.virtual_ms={virtual_ms}"),
    ];
    read("benches/load.json", &overrides)
}

/// Plays a scenario for its time and not beyond, as liveness would want it.
pub(crate) fn play_its_time(scenario: &Scenario) -> Run<'_> {
    let mut run = Run::start(scenario);
    let time = Time::from_ms(scenario.limits.virtual_ms);
    run.advance(time, &mut Nobody, &mut ());
    run
}
