//! What judging recorded histories costs, in CPU time of one thread: `cargo bench --bench histories`. A plain program; parsing
//! is told apart. Prints a line per claim with its limit; the real histories are read from ../shared/histories where they are.
//!
//! The machine's noise apart: `cargo bench --bench histories -- --instructions` counts instructions, by valgrind's callgrind where it is
//! installed (`apt-get install valgrind`), else by `perf stat`. Only judging is counted by the former, all of the process by the latter.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

mod cpu;
mod instructions;
mod znodes;

use std::fs;
use std::hint::black_box;
use std::path::PathBuf;
use std::sync::Arc;

use cpu::{cpu_ns, resident_bytes};
use zablab::base::rng::{Domain, Key, Seed};
use zablab::check::foreign::model::{Model, Options};
use zablab::check::foreign::{Judge, Judgement};
use zablab::history::foreign::value::Value;
use zablab::history::foreign::{Entry, Kind, Reader, Stamp};

use znodes::Znodes;

/// A claim on generated histories: name on the command line, name in the table, limit in microseconds.
const CLAIMS: [(&str, &str, u64); 4] = [
    ("one-znode", "100 000 operations on one znode", 25_000),
    ("znodes", "1 000 000 operations over 1 000 znodes", 500_000),
    (
        "lost-replies",
        "2 000 operations, 3 % of replies lost",
        1_000,
    ),
    (
        "register",
        "50 processes on a register, distinct values",
        200,
    ),
];

fn generated(claim: &str) -> (Vec<Entry>, Model, u32) {
    match claim {
        "one-znode" => (Znodes::new(100_000, 1, 10, 0).collect(), Model::Znode, 3),
        "znodes" => {
            let source = Znodes::new(1_000_000, 1_000, 50, 0);
            (source.collect(), Model::Znode, 3)
        }
        "lost-replies" => (Znodes::new(2_000, 1, 5, 3).collect(), Model::Znode, 3),
        _ => (register(2_000, 50), Model::Register, 50),
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let has = |name: &str| arguments.iter().any(|argument| argument == name);
    if has("--instructions") {
        return instructions::count();
    }
    if let Some(at) = arguments.iter().position(|argument| argument == "--once") {
        let claim = arguments.get(at + 1).map_or("real", String::as_str);
        return once(claim);
    }
    println!(
        "what                                                      judged     limit  ns/operation"
    );
    real_registers();
    for (claim, name, limit) in CLAIMS {
        let (entries, model, rounds) = generated(claim);
        measure(name, &entries, model, limit, rounds);
    }
    println!();
    growth();
}

/// Judges the histories of one claim once, so that somebody can count.
fn once(claim: &str) {
    if claim == "real" {
        for file in real_files().unwrap_or_default() {
            let bytes = fs::read(&file).expect("a readable file");
            black_box(instructions::counted(parse(&bytes), Model::CasRegister));
        }
        return;
    }
    let (entries, model, _) = generated(claim);
    black_box(instructions::counted(entries, model));
}

/// The 111 register histories of other projects.
fn real_files() -> Option<Vec<PathBuf>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/histories");
    let listing = fs::read_dir(&folder).ok()?;
    let mut files: Vec<PathBuf> = listing.filter_map(|file| Some(file.ok()?.path())).collect();
    files.retain(|file| {
        let name = file
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or("");
        name.starts_with("etcd_") || name.starts_with("knossos_cas-register_")
    });
    files.sort();
    Some(files)
}

fn real_registers() {
    let Some(files) = real_files() else {
        println!("(left out: ../shared/histories is not there)");
        return;
    };
    let (mut total, mut parsing, mut operations) = (0, 0, 0);
    for file in &files {
        let bytes = fs::read(file).expect("a readable file");
        let start = cpu_ns();
        let entries = parse(&bytes);
        parsing += cpu_ns() - start;
        let (judgement, ns) = best(&entries, Model::CasRegister, 3);
        total += ns;
        operations += judgement.operations;
    }
    let name = format!("{} real register histories together", files.len());
    tell(&name, total, operations, 5_000);
    println!(
        "  parsing them: {}.{:03} ms",
        parsing / 1_000_000,
        parsing / 1_000 % 1_000
    );
}

fn parse(bytes: &[u8]) -> Vec<Entry> {
    let mut reader = Reader::new();
    let mut entries = Vec::new();
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        reader.read(line, &mut entries).expect("a history");
    }
    entries
}

/// Judges a history; answers the time it took too, copying not counted.
fn judge(entries: &[Entry], model: Model, copies: u64) -> (Judgement, u64) {
    let options = Options {
        model: Some(model),
        ..Options::default()
    };
    let histories: Vec<Vec<Entry>> = (0..copies).map(|_| entries.to_vec()).collect();
    let mut judgement = None;
    let start = cpu_ns();
    for entries in histories {
        let mut judge = Judge::new(options);
        for entry in entries {
            judge.take(entry).expect("a history");
        }
        judgement = Some(judge.finish().expect("a history"));
    }
    let ns = cpu_ns() - start;
    (judgement.expect("one copy at least"), ns)
}

/// The mean of so many rounds that a coarse clock does not matter; copies at one time are few, so that short histories are in the
/// processor's cache as they are when they have just been read. Of some means the shortest.
fn best(entries: &[Entry], model: Model, rounds: u32) -> (Judgement, u64) {
    const AT_ONCE: usize = 16_000;
    const LONG_NS: u64 = 100_000_000;
    let copies = u64::try_from(AT_ONCE / entries.len().max(1))
        .unwrap_or(1)
        .max(1);
    let mut shortest = u64::MAX;
    let mut last = None;
    for _ in 0..rounds {
        let (mut spent, mut judged) = (0, 0);
        while judged == 0 || (spent < LONG_NS && entries.len() < AT_ONCE && judged < 20_000) {
            let (judgement, ns) = judge(entries, model, copies);
            spent += ns;
            judged += copies;
            last = Some(black_box(judgement));
        }
        shortest = shortest.min(spent / judged);
    }
    (last.expect("one round at least"), shortest)
}

fn measure(name: &str, entries: &[Entry], model: Model, limit_us: u64, rounds: u32) {
    let (judgement, ns) = best(entries, model, rounds);
    assert_eq!(
        judgement.verdict.name(),
        "holds",
        "{:?}",
        judgement.explanation
    );
    tell(name, ns, judgement.operations, limit_us);
}

fn tell(name: &str, ns: u64, operations: u64, limit_us: u64) {
    println!(
        "{name:52} {:7}.{:03} ms {:5}.{:01} ms {:6}",
        ns / 1_000_000,
        ns / 1_000 % 1_000,
        limit_us / 1_000,
        limit_us / 100 % 10,
        ns / operations.max(1)
    );
}

/// From ten thousand to ten million operations, generated and judged one by one.
fn growth() {
    println!("operations streamed   judged, ms   ns/operation   resident memory grew by, KiB");
    let mut points = Vec::new();
    for operations in [10_000, 100_000, 1_000_000, 10_000_000] {
        let before = resident_bytes();
        let mut judge = Judge::new(Options {
            model: Some(Model::Znode),
            ..Options::default()
        });
        let mut ns = 0;
        let mut batch = Vec::with_capacity(4_096);
        let mut source = Znodes::new(operations, 1_000, 50, 0);
        loop {
            batch.extend(source.by_ref().take(4_096));
            if batch.is_empty() {
                break;
            }
            let start = cpu_ns();
            for entry in batch.drain(..) {
                judge.take(entry).expect("a history");
            }
            ns += cpu_ns() - start;
        }
        let grown = resident_bytes().saturating_sub(before) / 1_024;
        let judgement = judge.finish().expect("a history");
        assert_eq!(judgement.verdict.name(), "holds");
        println!(
            "{operations:19} {:12} {:14} {grown:30}",
            ns / 1_000_000,
            ns / operations
        );
        points.push((operations, ns));
    }
    println!(
        "slope of the growth, log time over log operations: {:.3} (1 is linear)",
        slope(&points)
    );
}

/// The slope of the straight line that fits the logarithms best.
#[expect(
    clippy::cast_precision_loss,
    clippy::float_arithmetic,
    reason = "a figure for people, of numbers far below 2^52"
)]
fn slope(points: &[(u64, u64)]) -> f64 {
    let logs = points
        .iter()
        .map(|(operations, ns)| ((*operations as f64).ln(), (*ns as f64).ln()));
    let logs: Vec<(f64, f64)> = logs.collect();
    let count = logs.len() as f64;
    let mean_x = logs.iter().map(|(x, _)| x).sum::<f64>() / count;
    let mean_y = logs.iter().map(|(_, y)| y).sum::<f64>() / count;
    let products = logs.iter().map(|(x, y)| (x - mean_x) * (y - mean_y));
    let squares = logs.iter().map(|(x, _)| (x - mean_x) * (x - mean_x));
    products.sum::<f64>() / squares.sum::<f64>()
}

/// A legal history of one register: reads and writes of distinct values, all processes busy.
fn register(operations: u64, processes: usize) -> Vec<Entry> {
    let key = Key::derive(Seed(6), Domain::Workload);
    let mut nth = 0;
    let mut below = |bound: usize| {
        nth += 1;
        usize::try_from(key.draw(0, 0, 0, nth).below(bound as u64)).expect("small")
    };
    // Shared, as the reader hands them over.
    let names: [Arc<str>; 2] = ["read".into(), "write".into()];
    let mut open: Vec<Option<(Value, Option<Value>)>> = vec![None; processes];
    let mut state = Value::Null;
    let (mut begun, mut entries) = (0, Vec::new());
    loop {
        let process = below(processes);
        let entry = |entries: &[Entry], is_write: bool, kind, value| Entry {
            line: entries.len() as u64 + 1,
            process: i64::try_from(process).expect("small"),
            kind,
            f: Arc::clone(&names[usize::from(is_write)]),
            key: Value::Null,
            value,
            time: None,
            mismatch: false,
            stamp: Stamp::default(),
        };
        match open[process].take() {
            None if begun < operations => {
                begun += 1;
                let argument = if below(2) == 0 {
                    Value::Null
                } else {
                    Value::Int(i64::try_from(begun).expect("small"))
                };
                let is_write = argument != Value::Null;
                entries.push(entry(&entries, is_write, Kind::Invoke, argument.clone()));
                open[process] = Some((argument, None));
            }
            None if open.iter().all(Option::is_none) => return entries,
            None => {}
            Some((argument, None)) => {
                if argument != Value::Null {
                    state = argument.clone();
                }
                open[process] = Some((argument, Some(state.clone())));
            }
            Some((argument, Some(seen))) => {
                let is_write = argument != Value::Null;
                let value = if is_write { argument } else { seen };
                entries.push(entry(&entries, is_write, Kind::Ok, value));
            }
        }
    }
}
