//! What the simulator itself costs, without ZooKeeper: `cargo bench --bench kernel`. A plain program; figures are CPU time of its
//! one thread, with the run's digest on, as always.
//!
//! Two works that simulators are compared by (`benches/compare.sh`). W1: nodes with four pings each in flight to random others,
//! answered by pongs. W2: a register on five servers with a fixed primary that commits when three have it, ten clients in a
//! closed loop that retry after 100 ms, and every second 200 ms of a cut, in turn of two backups and of the primary.
//! `-- w1 NODES MESSAGES` and `-- w2 COMMITS` play one of them and print a JSON line, so that instructions can be counted
//! between two sizes; `recorded` behind them keeps every input and effect in memory.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

mod cpu;
#[allow(
    dead_code,
    unused_imports,
    reason = "the simulator uses more of it than is measured"
)]
#[path = "../src/sim/queue.rs"]
mod queue;
mod works;

use std::hint::black_box;

use cpu::{arguments, cpu_ns, decimals, rate};
use queue::{Class, Queue};
use works::recorder::Recorder;
use works::{Played, ping_pong, register};
// queue.rs is a module of the crate and names it so.
use zablab::base;

use base::rng::{Domain, Key, Seed};
use base::time::Time;

fn main() {
    let arguments = arguments();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let number = |text: &str| text.parse::<u64>().expect("a number");
    match words.as_slice() {
        ["w1", nodes, messages, rest @ ..] => json(&w1(number(nodes), number(messages), rest)),
        ["w2", commits, rest @ ..] => json(&w2(number(commits), rest)),
        _ => tables(),
    }
}

fn tables() {
    println!("event queue: pending   push and pop, ns");
    for pending in [16, 128, 1_024, 16_384, 262_144] {
        hold(pending);
    }
    println!();
    println!("work                    done   events   CPU s   done/CPU s   events/CPU s");
    for rest in [&[][..], &["recorded"]] {
        for nodes in [3, 16, 128] {
            tell(&w1(nodes, 1_000_000, rest));
        }
        tell(&w2(100_000, rest));
    }
    println!();
    println!("growth: W1, 16 nodes, events   CPU ns/event");
    for messages in [100_000, 1_000_000, 10_000_000] {
        let done = w1(16, messages, &[]);
        println!("{:30} {:14}", done.events, done.cpu_ns / done.events);
    }
}

fn w1(nodes: u64, messages: u64, rest: &[&str]) -> Played {
    let nodes = u16::try_from(nodes).expect("few nodes");
    if rest == ["recorded"] {
        ping_pong::play(nodes, messages, &mut Recorder::default())
    } else {
        ping_pong::play(nodes, messages, &mut ())
    }
}

fn w2(commits: u64, rest: &[&str]) -> Played {
    if rest == ["recorded"] {
        register::play(commits, &mut Recorder::default())
    } else {
        register::play(commits, &mut ())
    }
}

fn tell(done: &Played) {
    let Played {
        work,
        nodes,
        done,
        events,
        cpu_ns,
        is_recorded,
    } = done;
    let name = format!(
        "{} {nodes}{}",
        work.to_uppercase(),
        if *is_recorded { ", recorded" } else { "" }
    );
    println!(
        "{name:17} {done:10} {events:8} {:>7} {:12} {:14}",
        decimals(cpu_ns / 1_000_000, 3),
        rate(*done, *cpu_ns),
        rate(*events, *cpu_ns)
    );
}

fn json(done: &Played) {
    let Played {
        work,
        nodes,
        done,
        events,
        cpu_ns,
        is_recorded,
    } = done;
    let unit = if *work == "w1" { "msgs" } else { "commits" };
    println!(
        r#"{{"peer":"zablab{}","work":"{work}","n":{nodes},"events":{events},"{unit}":{done},"cpu_s":{},"{unit}_per_s":{}}}"#,
        if *is_recorded { "-recorded" } else { "" },
        decimals(cpu_ns / 1_000, 6),
        rate(*done, *cpu_ns)
    );
}

/// The hold model: as many events pending all the time, each of which is followed by another within 10 ms.
fn hold(pending: u64) {
    const ROUNDS: u64 = 2_000_000;
    let key = Key::derive(Seed(1), Domain::Workload);
    let mut queue = Queue::new();
    let draws: Vec<u64> = (0..4_096)
        .map(|nth| key.draw(0, 0, 0, nth).between(1_000, 10_000))
        .collect();
    let mut nth = 0;
    let mut push = |queue: &mut Queue<[u64; 4]>, now: Time| {
        nth += 1;
        let draw = draws[nth % draws.len()];
        queue.push(
            Time(now.0 + draw * 1_000),
            Class::Delivery,
            (draw, 0),
            [draw; 4],
        );
    };
    (0..pending).for_each(|_| push(&mut queue, Time::ZERO));
    let start = cpu_ns();
    for _ in 0..ROUNDS {
        let (now, event) = queue
            .pop_by(Time::NEVER, |_, (tie, _)| tie)
            .expect("somebody is pending");
        black_box(event);
        push(&mut queue, now);
    }
    let cpu = cpu_ns() - start;
    println!("{pending:20} {:>19}", decimals(cpu * 10 / ROUNDS, 1));
}
