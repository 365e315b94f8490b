//! What the data tree and the operations through it cost: `cargo bench --bench tree`. A plain program; times are CPU
//! time of its one thread, memory is what the process grew by.
//!
//! Prints operations per CPU second through one simulated server and through an ensemble of five, memory per znode and
//! per session with 100 000 of each, and what a snapshot and the first write after it cost on such a tree.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

mod cpu;

use std::hint::black_box;

use cpu::{cpu_ns, decimals, rate, resident_bytes};
use zablab::base::id::SessionId;
use zablab::base::zxid::{Epoch, Zxid};
use zablab::experiment::run::{Nobody, play};
use zablab::experiment::scenario::Scenario;
use zablab::history::op::{CreateOp, Request};
use zablab::tree::acl::{Identities, open};
use zablab::tree::prep::Prep;
use zablab::tree::store::Tree;

const ZNODES: u32 = 100_000;

fn main() {
    // First, while the process is small: later it would grow into what other measurements left behind.
    measure_memory();
    println!();
    println!("servers  operations   CPU s   operations/CPU s");
    for voters in [1, 5] {
        measure_operations(voters);
    }
}

/// A busy quiet run, without checkers: what is measured is machine, protocol, tree and clients.
fn measure_operations(voters: u8) {
    let text = format!(
        r#"{{ "format": 1, "name": "cost", "seed": 1, "ensemble": {{ "voters": {voters} }}, "check": ["liveness"],
             "workload": [{{ "kind": "versioned-register", "clients": 10, "keys": 50, "window": 8, "think_ms": [0, 1] }}],
             "limits": {{ "virtual_ms": 30000, "events": 50000000 }} }}"#
    );
    let scenario = Scenario::parse(text.as_bytes(), "cost", &[]).expect("a valid scenario");
    let start = cpu_ns();
    let outcome = play(&scenario, &mut Nobody);
    let cpu = cpu_ns() - start;
    let done = outcome.counters.ops_ok + outcome.counters.ops_failed;
    println!(
        "{voters:7} {done:11} {:>7} {:18}",
        decimals(cpu / 1_000_000, 3),
        rate(done, cpu)
    );
}

fn measure_memory() {
    let (mut tree, mut prep) = (Tree::new(), Prep::new());
    let nobody = Identities::from_address("127.0.0.1");
    let before = resident_bytes();
    let start = cpu_ns();
    for number in 1..=ZNODES {
        create(&mut tree, &mut prep, number, &nobody);
    }
    let cpu = cpu_ns() - start;
    println!(
        "{ZNODES} znodes: {} bytes and {} ns each",
        grown(before),
        cpu / u64::from(ZNODES)
    );
    let before = resident_bytes();
    for number in 1..=ZNODES {
        let txn = prep.open_session(zxid(ZNODES + number), SessionId(number.into()), 4_000, 0);
        tree.apply(&txn);
        prep.applied(txn.zxid);
    }
    println!("{ZNODES} sessions: {} bytes each", grown(before));
    measure_snapshot(&tree, &mut prep, &nobody);
    measure_fork(&nobody);
}

/// Five servers with 1 000 znodes each are copied, and one of them is written to.
fn measure_fork(nobody: &Identities) {
    const ROUNDS: u32 = 20_000;
    let (mut tree, mut prep) = (Tree::new(), Prep::new());
    for number in 1..=1_000 {
        create(&mut tree, &mut prep, number, nobody);
    }
    let zxid = Zxid::new(Epoch(2), 1);
    let request = set_data(500);
    let txn = prep.prepare(&tree, zxid, SessionId(1), 1, 0, &request, nobody);
    let servers: [Tree; 5] = std::array::from_fn(|_| tree.clone());
    let start = cpu_ns();
    for _ in 0..ROUNDS {
        black_box(servers.clone());
    }
    let copy = (cpu_ns() - start) / u64::from(ROUNDS);
    let start = cpu_ns();
    for _ in 0..ROUNDS {
        let mut fork = servers.clone();
        fork[2].apply(&txn);
        black_box(&fork);
    }
    let write = (cpu_ns() - start) / u64::from(ROUNDS);
    println!("copy of five trees of 1000 znodes: {copy} ns; copy and one write: {write} ns");
}

fn zxid(counter: u32) -> Zxid {
    Zxid::new(Epoch(1), counter)
}

fn create(tree: &mut Tree, prep: &mut Prep, number: u32, nobody: &Identities) {
    let request = Request::Create {
        op: CreateOp::Create,
        path: format!("/znode-{number:07}").into(),
        data: Some([7; 16].into()),
        acl: Some(open()),
        flags: 0,
        ttl: -1,
    };
    let txn = prep.prepare(tree, zxid(number), SessionId(1), 1, 0, &request, nobody);
    tree.apply(&txn);
    prep.applied(txn.zxid);
}

fn set_data(number: u32) -> Request {
    Request::SetData {
        path: format!("/znode-{number:07}").into(),
        data: None,
        version: -1,
    }
}

/// A snapshot is a clone; the price is paid by the first writes after it, which copy what they touch.
fn measure_snapshot(tree: &Tree, prep: &mut Prep, nobody: &Identities) {
    const ROUNDS: u32 = 2_000;
    let start = cpu_ns();
    for _ in 0..ROUNDS {
        black_box(tree.clone());
    }
    let clone = (cpu_ns() - start) / u64::from(ROUNDS);
    let start = cpu_ns();
    for round in 1..=ROUNDS {
        let mut copy = tree.clone();
        let request = set_data(round * 37);
        let zxid = Zxid::new(Epoch(2), round);
        copy.apply(&prep.prepare(&copy, zxid, SessionId(1), 1, 0, &request, nobody));
        black_box(&copy);
        prep.applied(zxid);
    }
    let write = (cpu_ns() - start) / u64::from(ROUNDS);
    println!(
        "snapshot of that tree, which is a clone: {clone} ns; clone and one write: {write} ns"
    );
}

fn grown(before: u64) -> u64 {
    resident_bytes().saturating_sub(before) / u64::from(ZNODES)
}
