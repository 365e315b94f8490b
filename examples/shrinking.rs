//! How small failures become: shrinks failing swarm seeds of every planted defect and prints what is left and what it took.
//!
//! `cargo run --release --example shrinking -- [failures per defect, default 10] [defect or defect:property …]`
//!
//! With a property only that one is judged: a defect that shows at once in one may need faults to show in another.

#![expect(clippy::print_stdout, reason = "an example shows what it finds")]

use std::sync::atomic::AtomicBool;

use zablab::experiment::run::{Nobody, play};
use zablab::experiment::scenario::Scenario;
use zablab::experiment::shrink::{Budget, shrink};
use zablab::experiment::sweep::play_seed;
use zablab::mutant::table::DEFECTS;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let count = arguments
        .next()
        .map_or(10, |count| count.parse().expect("a number"));
    let chosen: Vec<String> = arguments.collect();
    let text = std::fs::read("scenarios/swarm.json").expect("run from the root of the repository");
    let (mut all_items, mut all_runs) = (Vec::new(), Vec::new());
    let every = DEFECTS.iter().map(|defect| defect.id.to_owned());
    let chosen = if chosen.is_empty() {
        every.collect()
    } else {
        chosen
    };
    for name in &chosen {
        let (defect, property) = name.split_once(':').unwrap_or((name, "all"));
        let set = [
            format!("mutants=[\"{defect}\"]"),
            format!("check=[\"{property}\"]"),
        ];
        let swarm = Scenario::parse(&text, "swarm.json", &set).expect("the swarm");
        let failing = (0..)
            .map(|seed| play_seed(&swarm, seed))
            .filter(|played| played.failure().is_some());
        let (mut items, mut runs) = (Vec::new(), Vec::new());
        for played in failing.take(count) {
            let budget = Budget {
                runs: 2_000,
                jobs: 1,
                stop: &AtomicBool::new(false),
            };
            let shrunk = shrink(&played.scenario, None, budget, &mut |_, _| {}).expect("it fails");
            let outcome = play(&shrunk.scenario, &mut Nobody);
            outcome
                .meets(&shrunk.scenario.expect)
                .expect("the shrunk file fails the same way");
            println!(
                "{:<26} seed {:<4} {:<38} items {:>3} (faults {}, operations {}, clients {}, servers {}) runs {}",
                name,
                played.seed,
                shrunk.failure.to_string(),
                shrunk.after.items(),
                shrunk.after.faults,
                shrunk.after.operations,
                shrunk.after.clients,
                shrunk.after.servers,
                shrunk.runs
            );
            items.push(shrunk.after.items() as u64);
            runs.push(shrunk.runs);
        }
        line(name, &mut items, &mut runs);
        all_items.append(&mut items);
        all_runs.append(&mut runs);
    }
    line("all", &mut all_items, &mut all_runs);
}

fn line(name: &str, items: &mut [u64], runs: &mut [u64]) {
    items.sort_unstable();
    runs.sort_unstable();
    let at = |sorted: &[u64], percent: usize| sorted[(sorted.len() - 1) * percent / 100];
    println!(
        "{name:<26} items: median {}, p90 {}; runs: median {}, p90 {}",
        at(items, 50),
        at(items, 90),
        at(runs, 50),
        at(runs, 90)
    );
}
