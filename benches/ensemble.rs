//! How fast whole runs are: `cargo bench --bench ensemble`. A plain program; figures are CPU time.
//!
//! Prints what the ensemble under load (`benches/load.json`) costs with its checkers and without, what it keeps in memory, what
//! one seed of the swarm costs from its file to its verdict, how that grows from 3 to 9 servers, and what copying a world costs.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

mod cpu;
mod load;

use std::hint::black_box;
use std::sync::Arc;

use cpu::{cpu_ns, decimals, rate, resident_bytes};
use load::{load, play_its_time, read};
use zablab::base::time::Time;
use zablab::experiment::generate::expand;
use zablab::experiment::lower;
use zablab::experiment::run::{Nobody, play};
use zablab::experiment::scenario::Scenario;
use zablab::mutant::wrapped::Mutant;
use zablab::report::trace::Trace;
use zablab::sim::process::Effects;
use zablab::sim::world::{Limits, World};

const SERVERS: [u8; 4] = [3, 5, 7, 9];
const LOAD_MS: u64 = 20_000;
const ROUNDS: usize = 7;
const SEEDS: u64 = 40;
const SEED_MS: u64 = 60_000;

fn main() {
    // First, while the process is small: later it would grow into what other measurements left behind.
    measure_memory();
    println!();
    println!(
        "under load, 20 virtual s       without checkers                          with all checkers"
    );
    println!(
        "servers     events   events/CPU s   virtual s/CPU s   events/CPU s   virtual s/CPU s   their share"
    );
    SERVERS.into_iter().for_each(measure_load);
    println!();
    println!(
        "swarm, 60 virtual s: servers     events   CPU ms/seed   events/CPU s   virtual s/CPU s"
    );
    SERVERS.into_iter().for_each(measure_swarm);
    println!();
    println!("world in mid-run     events   clone, us   clone and one event, us");
    for virtual_s in [1, 10, 50] {
        let world = world(&swarm(5, 1), virtual_s * 1_000);
        measure_clone(&format!("swarm, {virtual_s} s"), &world);
    }
    measure_clone("load, 10 s", &world(&load(5, LOAD_MS), 10_000));
}

/// What a run keeps: the world with its servers, the checkers, and the trace for a page.
fn measure_memory() {
    println!("memory                                     bytes");
    let before = resident_bytes();
    let scenarios = [3, 9].map(|voters| load(voters, 1_000));
    let worlds: Vec<Vec<World<Mutant>>> = scenarios
        .iter()
        .map(|scenario| (0..100).map(|_| world(scenario, 0)).collect())
        .collect();
    let two = resident_bytes() - before;
    println!(
        "a server at its start                 {:10}",
        two / (100 * 12)
    );
    drop(worlds);
    let mut scenario = load(5, LOAD_MS);
    scenario.check.clear();
    let before = resident_bytes();
    let run = play_its_time(&scenario);
    let unchecked = resident_bytes().saturating_sub(before);
    drop(run);
    let scenario = load(5, LOAD_MS);
    let before = resident_bytes();
    let run = play_its_time(&scenario);
    let checked = resident_bytes().saturating_sub(before) + unchecked;
    drop(run);
    let before = resident_bytes();
    let trace = Trace::of(&scenario);
    let counters = &trace.outcome().counters;
    let operations = counters.ops_ok + counters.ops_failed;
    let traced = resident_bytes().saturating_sub(before) + checked;
    for (what, bytes) in [
        ("played", unchecked),
        ("played and judged", checked),
        ("recorded for a page", traced),
    ] {
        println!(
            "an operation under load, {what:20} {:>6}",
            bytes / operations
        );
    }
}

/// Rounds alternate, and each figure is the median of its own: one pair of runs would tell how busy the machine was.
fn measure_load(voters: u8) {
    let scenario = load(voters, LOAD_MS);
    let mut unjudged = scenario.clone();
    unjudged.check.clear();
    let events = play_its_time(&scenario).world().events();
    let rounds: Vec<(u64, u64)> = (0..ROUNDS)
        .map(|_| (timed(&unjudged), timed(&scenario)))
        .collect();
    let unchecked = median(rounds.iter().map(|(unchecked, _)| *unchecked));
    let checked = median(rounds.iter().map(|(_, checked)| *checked));
    let shares = rounds
        .iter()
        .map(|(unchecked, checked)| checked.saturating_sub(*unchecked) * 1_000 / checked);
    println!(
        "{voters:7} {events:10} {:14} {:17} {:14} {:17} {:>11} %",
        rate(events, unchecked),
        rate(LOAD_MS, unchecked) / 1_000,
        rate(events, checked),
        rate(LOAD_MS, checked) / 1_000,
        decimals(median(shares), 1)
    );
}

/// The CPU time that a run takes.
fn timed(scenario: &Scenario) -> u64 {
    let start = cpu_ns();
    black_box(play_its_time(scenario).world().events());
    cpu_ns() - start
}

fn median(figures: impl Iterator<Item = u64>) -> u64 {
    let mut figures: Vec<u64> = figures.collect();
    figures.sort_unstable();
    figures[figures.len() / 2]
}

/// A seed of the swarm with its faults, from the file on.
fn swarm(voters: u8, seed: u64) -> Scenario {
    let overrides = [
        format!("seed={seed}"),
        format!("ensemble.voters={voters}"),
        format!("limits.virtual_ms={SEED_MS}"),
    ];
    expand(&read("scenarios/swarm.json", &overrides))
}

fn measure_swarm(voters: u8) {
    let (mut events, mut virtual_ms) = (0, 0);
    let start = cpu_ns();
    for seed in 0..SEEDS {
        let outcome = play(&swarm(voters, seed), &mut Nobody);
        assert!(outcome.violations.is_empty(), "seed {seed} is violated");
        events += outcome.events;
        virtual_ms += outcome.virtual_time.as_ms();
    }
    let cpu = cpu_ns() - start;
    println!(
        "{voters:28} {events:10} {:>13} {:14} {:17}",
        decimals(cpu / SEEDS / 100_000, 1),
        rate(events, cpu),
        rate(virtual_ms, cpu) / 1_000
    );
}

fn world(scenario: &Scenario, virtual_ms: u64) -> World<Mutant> {
    let plan = Arc::from(scenario.plan.clone());
    let mut world = World::new(
        scenario.seed,
        lower::cast(scenario),
        lower::setup(scenario),
        plan,
    );
    world.run_until(Limits::until(Time::from_ms(virtual_ms)), &mut ());
    world
}

fn measure_clone(name: &str, world: &World<Mutant>) {
    const CLONES: u64 = 20_000;
    let start = cpu_ns();
    for _ in 0..CLONES {
        black_box(world.clone());
    }
    let clone = (cpu_ns() - start) / CLONES;
    let mut out = Effects::default();
    let start = cpu_ns();
    for _ in 0..CLONES {
        let mut world = world.clone();
        black_box(world.step(&mut out, &mut ()));
    }
    let event = (cpu_ns() - start) / CLONES;
    println!(
        "{name:16} {:10} {:>11} {:>25}",
        world.events(),
        decimals(clone, 3),
        decimals(event, 3)
    );
}
