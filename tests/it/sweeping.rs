//! Sweeps: the same results however many jobs share the work, and failures that replay bit for bit.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::AtomicBool;

use zablab::check::verdict::Verdict;
use zablab::experiment::campaign::{Campaign, Shard};
use zablab::experiment::run::{Nobody, play};
use zablab::experiment::scenario::Scenario;
use zablab::experiment::sweep::{self, Again, Fate, Played, Work};

use super::layering::root;

fn swarm(overrides: &[&str]) -> Scenario {
    let bytes = std::fs::read(root().join("scenarios/swarm.json")).unwrap();
    let overrides: Vec<String> = overrides.iter().map(|text| (*text).to_owned()).collect();
    Scenario::parse(&bytes, "swarm.json", &overrides).unwrap()
}

fn sweep(
    scenario: &Scenario,
    seeds: Range<u64>,
    jobs: usize,
    stop: &AtomicBool,
    mut take: impl FnMut(Played) -> bool,
) {
    let campaign = Campaign {
        scenarios: vec![scenario.clone()],
        seeds,
        shard: Shard::WHOLE,
    };
    let work = Work {
        campaign: &campaign,
        skip: &|_| false,
        jobs,
        stop,
        doubt: &Again { every: 16 },
    };
    sweep::sweep(&work, |_, _, played| take(played));
}

fn digests(scenario: &Scenario, seeds: u64, jobs: usize) -> BTreeMap<u64, u64> {
    let mut digests = BTreeMap::new();
    sweep(
        scenario,
        0..seeds,
        jobs,
        &AtomicBool::new(false),
        |played| {
            let Fate::Judged(outcome) = &played.fate else {
                panic!("seed {}: {:?}", played.seed, played.fate);
            };
            digests.insert(played.seed, outcome.digest);
            true
        },
    );
    digests
}

#[test]
fn one_job_and_four_jobs_give_the_same_digests() {
    let scenario = swarm(&[]);
    let alone = digests(&scenario, 12, 1);
    assert_eq!(alone.len(), 12);
    assert_eq!(alone, digests(&scenario, 12, 4));
}

#[test]
fn the_swarm_finds_nothing_in_the_protocol_as_it_is() {
    sweep(&swarm(&[]), 0..40, 2, &AtomicBool::new(false), |played| {
        assert_eq!(
            played.verdict(),
            Verdict::Holds,
            "seed {}: {:?}",
            played.seed,
            played.failure()
        );
        true
    });
}

#[test]
fn a_failure_that_was_saved_is_a_scenario_that_gives_the_same_digest() {
    let scenario = swarm(&["mutants=[\"half-quorum\"]"]);
    let mut failure: Option<Played> = None;
    sweep(&scenario, 0..20, 2, &AtomicBool::new(false), |played| {
        if played.verdict() == Verdict::Violated {
            failure = Some(played);
        }
        failure.is_none()
    });
    let saved = failure.expect("half a quorum is not enough").saved();
    assert_eq!(saved.generate, None);
    let text = saved.to_string();
    let read = Scenario::parse(text.as_bytes(), "saved.json", &[]).unwrap();
    assert_eq!(read, saved);
    let outcome = play(&read, &mut Nobody);
    assert_eq!(outcome.meets(&read.expect), Ok(()));
    assert_eq!(read.expect.digest, Some(format!("{:016x}", outcome.digest)));
}

#[test]
fn a_sweep_that_is_told_to_stop_keeps_what_is_done() {
    let stop = AtomicBool::new(false);
    let mut done = 0;
    sweep(&swarm(&[]), 0..1_000, 2, &stop, |_| {
        done += 1;
        done < 3
    });
    assert_eq!(done, 3);
}
