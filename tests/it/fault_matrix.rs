//! Every kind of fault, alone in a small scenario: proved from the receiver's side to have taken effect, and survived by
//! the protocol, or answered by the documented refusal. `docs/faults.md` lists them.

mod links;
mod machines;
mod partitions;
mod processes;
mod reports;

use std::collections::BTreeSet;

use zablab::check::verdict::Verdict;
use zablab::experiment::generate;
use zablab::experiment::outcome::Outcome;
use zablab::experiment::scenario::Scenario;
use zablab::experiment::scenario::families::Family;
use zablab::history::fact::Fact;
use zablab::sim::fault::Fault;
use zablab::sim::sink::Happening;

use super::layering::root;
use super::observed::{Observed, observe};

/// A quiet ensemble of `voters` on exact links, two clients that write, and these faults.
pub(crate) fn scenario(voters: u16, faults: &[&str], extra: &str) -> Scenario {
    let text = format!(
        r#"{{ "format": 1, "name": "one-fault", "seed": 5,
            "ensemble": {{ "voters": {voters} }}, "network": {{ "profile": "none" }},
            "disk": {{ "fsync_us": [1000, 1000], "tail": "0/1" }}, "clock": {{ "drift_ppm": 0 }}, {extra}
            "workload": [{{ "kind": "versioned-register", "clients": 2, "think_ms": [20, 40] }}],
            "plan": [{}], "limits": {{ "virtual_ms": 12000 }} }}"#,
        faults.join(", ")
    );
    let scenario = Scenario::parse(text.as_bytes(), "one-fault.json", &[]);
    scenario.unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// Plays three servers with one fault, which must take hold and be survived; clients are nodes 4 and 5, server 3 leads.
pub(crate) fn survive(fault: &str) -> Observed {
    let (outcome, observed) = observe(&scenario(3, &[fault], ""));
    assert_took_hold(&outcome, fault);
    assert_eq!(
        outcome.verdict(),
        Verdict::Holds,
        "{fault}: {:?}",
        outcome.violations
    );
    assert!(
        outcome.counters.ops_ok > 100,
        "{fault}: {:?}",
        outcome.counters
    );
    observed
}

pub(crate) fn assert_took_hold(outcome: &Outcome, fault: &str) {
    let all: u64 = outcome
        .strikes
        .values()
        .map(|strikes| strikes.effective)
        .sum();
    assert!(all >= 1, "{fault}: {:?}", outcome.strikes);
}

pub(crate) fn crashes(observed: &Observed, server: u8) -> usize {
    observed.facts(
        0,
        20_000,
        |fact| matches!(fact, Fact::ServerCrashed { server: who, .. } if who.0 == server),
    )
}

pub(crate) fn lost_records(observed: &Observed) -> u64 {
    let lost = |what: &Happening| {
        let Happening::Crashed { lost, .. } = what else {
            return 0;
        };
        *lost
    };
    observed.happened.iter().map(|(_, what)| lost(what)).sum()
}

/// The connected groups of servers between which messages arrived.
pub(crate) fn components(
    pairs: &BTreeSet<(u16, u16)>,
    servers: u16,
    without: Option<u16>,
) -> usize {
    let mut group: Vec<u16> = (0..=servers).collect();
    let is_left = |node: u16| without != Some(node);
    for _ in 0..servers {
        for (one, two) in pairs
            .iter()
            .filter(|(one, two)| is_left(*one) && is_left(*two))
        {
            let least = group[usize::from(*one)].min(group[usize::from(*two)]);
            group[usize::from(*one)] = least;
            group[usize::from(*two)] = least;
        }
    }
    let left = (1..=servers).filter(|node| is_left(*node));
    left.map(|node| group[usize::from(node)])
        .collect::<BTreeSet<_>>()
        .len()
}

/// Every fault that the two swarms draw, over many seeds.
fn drawn() -> Vec<Scenario> {
    let mut drawn = Vec::new();
    for name in ["swarm-all", "outside"] {
        let file = format!("{name}.json");
        let bytes = std::fs::read(root().join("scenarios").join(&file)).unwrap();
        for seed in 0..150 {
            let set = [format!("seed={seed}")];
            let scenario = Scenario::parse(&bytes, &file, &set).unwrap();
            drawn.push(generate::expand(&scenario));
        }
    }
    drawn
}

#[test]
fn every_fault_that_is_drawn_is_read_back_exactly_as_it_was_written_and_documented() {
    let mut names = BTreeSet::new();
    for scenario in drawn() {
        let text = scenario.to_string();
        let again = Scenario::parse(text.as_bytes(), "again.json", &[]).unwrap();
        assert_eq!(again, scenario);
        names.extend(scenario.plan.iter().map(|planned| planned.fault.name()));
    }
    assert!(names.len() >= 29, "{names:?}");
    let page = std::fs::read_to_string(root().join("docs/faults.md")).unwrap();
    names.remove("provoke");
    names.insert("duplicate-connection");
    for name in names {
        assert!(
            page.contains(&format!("| `{name}`")),
            "{name} is not in docs/faults.md"
        );
    }
    for (name, _) in Family::ALL {
        assert!(
            page.contains(&format!("`{name}`")),
            "the family {name} is not in docs/faults.md"
        );
    }
}

#[test]
fn families_outside_the_model_are_drawn_only_where_they_are_named() {
    for scenario in drawn()
        .iter()
        .filter(|scenario| scenario.name == "swarm-all")
    {
        for planned in &scenario.plan {
            let is_outside = matches!(planned.fault.name(), "wipe" | "restore" | "lying-disk")
                || matches!(&planned.fault, Fault::Rough { rough, .. } if rough.is_datagram());
            assert!(!is_outside, "{}", planned.id);
        }
    }
}
