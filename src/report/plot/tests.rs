//! Pictures are the same bytes from the same run, have what the numbers say, and need no font.

use std::fs;
use std::path::Path;

use super::{Figure, How, RunFigures, figures};
use crate::experiment::generate;
use crate::experiment::scenario::Scenario;
use crate::report::full::Full;

fn numbers(name: &str) -> RunFigures {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("scenarios/{name}.json"));
    let scenario = Scenario::parse(&fs::read(path).unwrap(), name, &[]).unwrap();
    RunFigures::of(&Full::of(&generate::expand(&scenario), true, ""))
}

#[test]
fn a_run_has_its_pictures_and_they_are_the_same_twice() {
    let run = numbers("leader-crash");
    let drawn = figures(&run);
    let names: Vec<&str> = drawn.iter().map(|figure| figure.name).collect();
    assert_eq!(
        names,
        ["roles", "latency", "percentiles", "throughput", "cdf"]
    );
    // A picture is drawn where there is something to show.
    let stale = figures(&numbers("stale-reads"));
    assert!(stale.iter().any(|figure| figure.name == "staleness"));
    assert_eq!(drawn, figures(&numbers("leader-crash")));
    for Figure { svg, caption, name } in &drawn {
        assert!(svg.is_ascii() && caption.is_ascii(), "{name}");
        assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"));
        assert!(svg.len() < 600_000, "{name} has {} bytes", svg.len());
    }
}

#[test]
fn the_numbers_are_those_of_the_report() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/leader-crash.json");
    let scenario = Scenario::parse(&fs::read(path).unwrap(), "leader-crash", &[]).unwrap();
    let scenario = generate::expand(&scenario);
    let full = Full::of(&scenario, true, "");
    let run = RunFigures::of(&full);
    let count = |how| run.points.iter().filter(|point| point.how == how).count() as u64;
    let outcomes = full.report.operations.outcomes;
    assert_eq!(count(How::Ok), outcomes.ok);
    assert_eq!(count(How::Failed), outcomes.failed);
    assert_eq!(count(How::Unknown), outcomes.unknown);
    let max = run.answered().map(|point| point.took_us).max();
    assert_eq!(max, full.report.operations.latency_us.max);
    let stale: u64 = run.ms_behind.values().sum();
    assert_eq!(stale, full.report.staleness.stale);
    assert!(run.servers.iter().all(|server| {
        let mut pairs = server.stretches.windows(2);
        pairs.all(|pair| pair[0].to_ms <= pair[1].from_ms)
    }));
}

#[test]
fn a_run_without_operations_has_no_pictures_of_them() {
    let drawn = figures(&RunFigures {
        end_ms: 1_000,
        ..RunFigures::default()
    });
    assert_eq!(drawn, []);
}
