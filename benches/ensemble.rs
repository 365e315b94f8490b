//! How fast whole runs are: `cargo bench --bench ensemble`. A plain program; figures are CPU time of its one thread.
//!
//! Prints events per CPU second of the swarm with all checkers, how that grows from 3 to 9 servers, and what a clone of
//! a world in mid-run costs.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

mod cpu;
mod load;

use std::hint::black_box;
use std::sync::Arc;

use cpu::{cpu_ns, decimals, rate};
use load::read;
use zablab::base::time::Time;
use zablab::experiment::generate::expand;
use zablab::experiment::lower;
use zablab::experiment::run::{Nobody, play};
use zablab::experiment::scenario::Scenario;
use zablab::mutant::wrapped::Mutant;
use zablab::sim::world::{Limits, World};

const SEEDS: u64 = 40;

fn main() {
    println!("servers     events   CPU s   events/CPU s   virtual s/CPU s");
    for voters in [3, 5, 7, 9] {
        measure_swarm(voters);
    }
    println!();
    println!("world in mid-run    clone");
    for virtual_s in [1, 10, 50] {
        measure_clone(virtual_s);
    }
}

fn swarm(voters: u8, seed: u64) -> Scenario {
    let overrides = [format!("seed={seed}"), format!("ensemble.voters={voters}")];
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
        "{voters:7} {events:10} {:>7} {:14} {:17}",
        decimals(cpu / 1_000_000, 3),
        rate(events, cpu),
        rate(virtual_ms, cpu) / 1_000
    );
}

fn measure_clone(virtual_s: u64) {
    const CLONES: u64 = 20_000;
    let scenario = swarm(5, 1);
    let plan = Arc::from(scenario.plan.clone());
    let mut world: World<Mutant> = World::new(
        scenario.seed,
        lower::cast(&scenario),
        lower::setup(&scenario),
        plan,
    );
    world.run_until(
        Limits {
            time: Time::from_ms(virtual_s * 1_000),
            events: u64::MAX,
        },
        &mut (),
    );
    let start = cpu_ns();
    for _ in 0..CLONES {
        black_box(world.clone());
    }
    let each = (cpu_ns() - start) / CLONES;
    println!(
        "{virtual_s:4} s, {:9} ev {:>9} us",
        world.events(),
        decimals(each, 3)
    );
}
