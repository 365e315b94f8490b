//! What each checker costs: `cargo bench --bench checkers`. A plain program; figures are CPU time.
//!
//! First the checkers of recorded histories, on legal histories of ten processes, then the monitors of runs, on the facts of an
//! ensemble under load; each at 10 000, 100 000 and 1 000 000 operations. `-- full` adds 10 000 000 operations for the former.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

mod cpu;
mod load;
mod objects;
mod znodes;

use cpu::{cpu_ns, decimals, resident_bytes};
use load::load;
use objects::Objects;
use zablab::base::time::Time;
use zablab::cast::Witness;
use zablab::check::foreign::Judge;
use zablab::check::foreign::model::{Model, Options};
use zablab::check::panel::Panel;
use zablab::check::verdict::{At, Property};
use zablab::experiment::run::{Run, liveness_bound};
use zablab::history::fact::Fact;
use zablab::history::foreign::Entry;
use zablab::sim::sink::Stamp;
use znodes::Znodes;

/// Which checker judges which object.
const CHECKERS: [(&str, Model); 9] = [
    ("versions", Model::Znode),
    ("zones", Model::Register),
    ("prefixes", Model::KvAppend),
    ("chain", Model::Set),
    ("patterns", Model::Queue),
    ("bottoms", Model::Stack),
    ("bounds, then search", Model::Counter),
    ("search", Model::CasRegister),
    ("search", Model::Mutex),
];

/// A monitor and a property that brings it in and no other monitor.
const MONITORS: [(&str, Option<Property>); 8] = [
    ("none", None),
    ("zab", Some(Property::TotalOrder)),
    ("linear", Some(Property::LinearizableWrites)),
    ("session", Some(Property::MonotonicReads)),
    ("sessions", Some(Property::Sessions)),
    ("watch", Some(Property::WatchOrder)),
    ("claims", Some(Property::SyncRead)),
    ("liveness", Some(Property::Liveness)),
];

fn main() {
    let is_full = cpu::arguments() == ["full"];
    println!(
        "checker               of            operations   judged, ms   ns/operation   bytes/operation   verdict"
    );
    for (checker, model) in CHECKERS {
        for operations in [10_000, 100_000, 1_000_000, 10_000_000] {
            if operations < 10_000_000 || is_full {
                measure_checker(checker, model, operations);
            }
        }
    }
    println!();
    println!("monitor       operations       facts   judged, ms   ns/operation   ns/fact");
    measure_monitors();
}

fn measure_checker(name: &str, model: Model, operations: u64) {
    let mut source: Box<dyn Iterator<Item = Entry>> = if model == Model::Znode {
        Box::new(Znodes::new(operations, 1_000, 10, 0))
    } else {
        Box::new(Objects::new(model, operations))
    };
    let before = resident_bytes();
    let mut judge = Judge::new(Options {
        model: Some(model),
        ..Options::default()
    });
    let (mut ns, mut most) = (0, before);
    let mut batch = Vec::with_capacity(4_096);
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
        most = most.max(resident_bytes());
    }
    let start = cpu_ns();
    let judgement = judge.finish().expect("a history");
    ns += cpu_ns() - start;
    println!(
        "{name:21} {:13} {operations:10} {:>12} {:14} {:17}   {}",
        model.name(),
        decimals(ns / 1_000, 3),
        ns / operations,
        (most - before) / operations,
        judgement.verdict.name()
    );
}

/// Facts wait in a batch until the monitors get them one after the other, each on its own clock.
struct Bench {
    panels: Vec<(&'static str, Panel, u64)>,
    batch: Vec<(At, Fact)>,
    facts: u64,
    operations: u64,
}

impl Bench {
    fn judge(&mut self) {
        for (_, panel, ns) in &mut self.panels {
            let start = cpu_ns();
            for (at, fact) in &self.batch {
                panel.observe(*at, fact);
            }
            *ns += cpu_ns() - start;
        }
        self.batch.clear();
    }
}

impl Witness for Bench {
    fn witness(&mut self, at: Stamp, fact: &Fact) {
        let Stamp { event, time } = at;
        self.batch.push((At { event, time }, fact.clone()));
        self.facts += 1;
        self.operations += u64::from(matches!(fact, Fact::Returned { .. }));
        if self.batch.len() == 4_096 {
            self.judge();
        }
    }
}

fn measure_monitors() {
    let mut scenario = load(5, 600_000);
    scenario.check.clear();
    let voters = zablab::experiment::lower::cast(&scenario)
        .cast
        .ensemble
        .voters;
    let bound = liveness_bound(&scenario);
    let panel = |property: Option<Property>| {
        Panel::of(&property.into_iter().collect::<Vec<_>>()).with_ensemble(voters, bound)
    };
    let mut bench = Bench {
        panels: MONITORS
            .map(|(name, property)| (name, panel(property), 0))
            .into(),
        batch: Vec::new(),
        facts: 0,
        operations: 0,
    };
    let mut run = Run::start(&scenario);
    let mut second = 0;
    for operations in [10_000, 100_000, 1_000_000] {
        while bench.operations < operations {
            second += 1;
            run.advance(Time::from_ms(second * 1_000), &mut bench, &mut ());
        }
        bench.judge();
        let (operations, facts) = (bench.operations, bench.facts);
        for (name, _, ns) in &bench.panels {
            println!(
                "{name:13} {operations:10} {facts:11} {:>12} {:14} {:9}",
                decimals(ns / 1_000, 3),
                ns / operations,
                ns / facts
            );
        }
    }
}
