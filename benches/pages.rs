//! What a report costs: `cargo bench --bench pages`. A plain program; figures are CPU time.
//!
//! A run is played and judged, then played again with a recorder and reported on, its trace is packed for the player, pictures are
//! drawn, and the page is put together. Then a failing run is shrunk.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

mod cpu;
mod load;

use std::hint::black_box;
use std::sync::atomic::AtomicBool;

use cpu::{cpu_ns, decimals};
use load::{load, read};
use zablab::experiment::generate::expand;
use zablab::experiment::run::{Nobody, play};
use zablab::experiment::scenario::Scenario;
use zablab::experiment::shrink::{Budget, shrink};
use zablab::experiment::sweep::play_seed;
use zablab::report::full::Full;
use zablab::report::html::{self, Page};
use zablab::report::plot::{self, RunFigures};

/// How often each step is measured; the shortest counts.
const ROUNDS: u32 = 3;

fn main() {
    println!(
        "CPU ms                events     play   and report   player data   pictures     page   page, KiB"
    );
    for file in ["leader-crash.json", "znodes.json", "swarm.json"] {
        measure(file, &expand(&read(&format!("scenarios/{file}"), &[])));
    }
    measure("load, 5 s", &load(5, 5_000));
    println!();
    println!(
        "shrinking: defect                 faults and operations   runs   CPU ms   CPU ms/run"
    );
    for defect in ["commit-no-quorum", "ack-before-fsync", "vote-ignores-epoch"] {
        measure_shrink(defect);
    }
}

fn measure(name: &str, scenario: &Scenario) {
    let (outcome, played) = best(|| play(scenario, &mut Nobody));
    let (mut full, reported) = best(|| Full::of(scenario, true, "zablab replay"));
    let (data, packed) = best(|| full.trace.embedded());
    let (plots, drawn) = best(|| plot::figures(&RunFigures::of(&full)));
    let (page, joined) = best(|| {
        let mut page = Page::new(name.to_owned(), &full.report);
        page.traces = vec![data.clone()];
        page.plots.clone_from(&plots);
        page.fallback = html::fallback(&full.report);
        page.html()
    });
    println!(
        "{name:17} {:10} {:>8} {:>12} {:>13} {:>10} {:>8} {:11}",
        outcome.events,
        ms(played),
        ms(reported),
        ms(packed),
        ms(drawn),
        ms(joined),
        page.len() / 1_024
    );
}

fn ms(ns: u64) -> String {
    decimals(ns / 100_000, 1)
}

/// The answer, and the shortest of the times that some rounds took.
fn best<T>(mut work: impl FnMut() -> T) -> (T, u64) {
    let mut once = || {
        let start = cpu_ns();
        let answer = black_box(work());
        (answer, cpu_ns() - start)
    };
    let (answer, mut shortest) = once();
    for _ in 1..ROUNDS {
        shortest = shortest.min(once().1);
    }
    (answer, shortest)
}

/// Shrinks the first failing seed of the swarm with a defect.
fn measure_shrink(defect: &str) {
    let swarm = read("scenarios/swarm.json", &[format!("mutants=[\"{defect}\"]")]);
    let failing = (0..1_000)
        .map(|seed| play_seed(&swarm, seed))
        .find(|played| played.failure().is_some())
        .expect("some seed fails");
    let budget = Budget {
        runs: 2_000,
        jobs: 1,
        stop: &AtomicBool::new(false),
    };
    let start = cpu_ns();
    let shrunk = shrink(&failing.scenario, None, budget, &mut |_, _| {}).expect("it fails");
    let ns = cpu_ns() - start;
    println!(
        "{defect:33} {:12} to {:6} {:6} {:>8} {:>12}",
        shrunk.before.items(),
        shrunk.after.items(),
        shrunk.runs,
        ms(ns),
        ms(ns / shrunk.runs.max(1))
    );
}
