//! Randomness is weather: taking one fault out of a plan leaves every draw before it as it was, and after it every draw
//! that is still asked for, under its key, gives what it gave; on links that the fault does not touch all of them.

use std::collections::BTreeMap;

use zablab::base::rng::Seed;
use zablab::base::time::Time;
use zablab::cast::Witness;
use zablab::experiment::generate;
use zablab::experiment::run::Run;
use zablab::experiment::scenario::Scenario;
use zablab::history::fact::Fact;
use zablab::sim::fault::Trigger;
use zablab::sim::sink::Stamp;
use zablab::sim::weather::Drawn;

use super::layering::root;

struct Nobody;

impl Witness for Nobody {
    fn witness(&mut self, _: Stamp, _: &Fact) {}
}

fn draws(scenario: &Scenario, until_ms: u64) -> Vec<Drawn> {
    let mut run = Run::start(scenario);
    run.world_mut().keep_draws();
    run.advance(Time::from_ms(until_ms), &mut Nobody, &mut ());
    run.world().draws().to_vec()
}

type Key = (u64, u8, u64, u64, u64);

fn key(drawn: &Drawn) -> Key {
    (drawn.bucket, drawn.domain, drawn.who, drawn.kind, drawn.nth)
}

#[test]
fn a_fault_less_changes_no_draw_before_it_and_no_draw_of_the_same_key_after_it() {
    let bytes = std::fs::read(root().join("scenarios/swarm-all.json")).unwrap();
    let mut scenario = Scenario::parse(&bytes, "swarm-all.json", &[]).unwrap();
    let (mut compared, mut common) = (0, 0);
    for seed in 1..4 {
        scenario.seed = Seed(seed);
        let whole = generate::expand(&scenario);
        let with = draws(&whole, 20_000);
        for index in (0..whole.plan.len()).step_by(5) {
            let Trigger::At(at) = whole.plan[index].trigger else {
                continue;
            };
            let mut less = whole.clone();
            less.plan.remove(index);
            let without = draws(&less, 20_000);
            let bucket = at.as_ms() / 50;
            let before = |drawn: &&Drawn| drawn.bucket < bucket;
            let (one, two) = (with.iter().filter(before), without.iter().filter(before));
            assert!(
                one.eq(two),
                "seed {seed}: draws before {}",
                whole.plan[index].id
            );
            let words: BTreeMap<Key, u64> =
                with.iter().map(|drawn| (key(drawn), drawn.word)).collect();
            for drawn in without.iter().filter(|drawn| !before(drawn)) {
                if let Some(word) = words.get(&key(drawn)) {
                    assert_eq!(*word, drawn.word, "{drawn:?}");
                    common += 1;
                }
            }
            compared += 1;
        }
    }
    assert!(compared >= 8 && common > 15_000, "{compared} {common}");
}

#[test]
fn on_links_and_timers_that_a_fault_does_not_touch_every_draw_stays() {
    let text = r#"{ "format": 1, "name": "s", "seed": 9, "network": { "profile": "mild" },
        "workload": [{ "kind": "versioned-register", "clients": 2 }, { "kind": "idle", "clients": 1 }],
        "plan": [{ "id": "f", "fault": "delay", "node": "c3", "extra_ms": 7, "at_ms": 3000, "for_ms": 6000 }] }"#;
    let whole = Scenario::parse(text.as_bytes(), "s.json", &[]).unwrap();
    let mut less = whole.clone();
    less.plan.clear();
    let client = u64::from(whole.roster().client(3).0);
    // Domains 0 to 2 are about directed pairs, 3 about nodes.
    let is_untouched = |drawn: &&Drawn| match drawn.domain {
        0..=2 => drawn.who >> 16 != client && drawn.who & 0xffff != client,
        _ => drawn.who != client,
    };
    let (with, without) = (draws(&whole, 12_000), draws(&less, 12_000));
    let count = with.iter().filter(is_untouched).count();
    assert!(count > 5_000, "{count}");
    assert!(
        with.iter()
            .filter(is_untouched)
            .eq(without.iter().filter(is_untouched))
    );
    assert_ne!(with, without, "the touched link asks at other moments");
}
