//! Plays one work of one size and prints how much was done, so that `benches/guard.sh` can count instructions between two sizes:
//! `cargo bench --bench counted -- WORK SIZE`.

#![expect(clippy::print_stdout, reason = "it prints what was done")]

mod cpu;
mod load;
mod works;
mod znodes;

use zablab::check::foreign::Judge;
use zablab::check::foreign::model::{Model, Options};

use works::{ping_pong, register};
use znodes::Znodes;

fn main() {
    let arguments = cpu::arguments();
    let [work, size] = arguments.as_slice() else {
        println!("kernel-w1 | kernel-w2 | ensemble | unchecked | checker, and a size");
        return;
    };
    let size = size.parse().expect("a size is a number");
    let done = match work.as_str() {
        "kernel-w1" => ping_pong::play(16, size, &mut ()).done,
        "kernel-w2" => register::play(size, &mut ()).done,
        "ensemble" => load::play_its_time(&load::load(5, size)).world().events(),
        "unchecked" => {
            let mut scenario = load::load(5, size);
            scenario.check.clear();
            load::play_its_time(&scenario).world().events()
        }
        "checker" => judge(size),
        _ => panic!("no work is called {work}"),
    };
    println!("{done}");
}

/// Judges a history of so many operations, as it is generated.
fn judge(operations: u64) -> u64 {
    let mut judge = Judge::new(Options {
        model: Some(Model::Znode),
        ..Options::default()
    });
    for entry in Znodes::new(operations, 100, 10, 0) {
        judge.take(entry).expect("a history");
    }
    judge.finish().expect("a history").operations
}
