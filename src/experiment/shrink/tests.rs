//! Passes on toy predicates, and the whole search on toys and on real failures.

use std::sync::atomic::AtomicBool;

use super::failure::Trial;
use super::*;
use crate::experiment::run::play;
use crate::experiment::scenario::sections::Profile;
use crate::experiment::sweep::play_seed;
use crate::sim::fault::Trigger;

/// Ten faults, six operations of three clients, five servers, a restless network.
fn scenario() -> Scenario {
    let fault = |number: u32| {
        format!(
            r#"{{ "id": "g{number}", "fault": "crash", "node": {}, "at_us": {}, "for_us": 123456 }}"#,
            number % 5 + 1,
            number * 1_234_567
        )
    };
    let faults: Vec<String> = (1..=10).map(fault).collect();
    let operation = |client: u32, op: u32| {
        format!(
            r#"{{ "client": "c{client}", "op": {op}, "at_us": {} }}"#,
            op * 700_003
        )
    };
    let operations: Vec<String> = (1..=3)
        .flat_map(|client| (4..=5).map(move |op| operation(client, op)))
        .collect();
    let text = format!(
        r#"{{ "format": 1, "name": "toy", "workload": [{{ "kind": "versioned-register" }}],
            "network": {{ "profile": "mild" }}, "plan": [{}], "operations": [{}] }}"#,
        faults.join(","),
        operations.join(",")
    );
    Scenario::parse(text.as_bytes(), "toy.json", &[]).unwrap()
}

const WANTED: Failure = Failure::Budget;

fn has_fault(scenario: &Scenario, node: u16) -> bool {
    use crate::sim::fault::Target;
    let target = Some(Target::Node(NodeId(node)));
    scenario.plan.iter().any(|planned| {
        planned
            .fault
            .clone()
            .target_mut()
            .map(|target| target.clone())
            == target
    })
}

fn has_operation(scenario: &Scenario, client: u16) -> bool {
    let mut entries = scenario.operations.iter().flatten();
    entries.any(|entry| entry.client == client && entry.op.is_some())
}

fn same_if(fails: bool) -> Trial {
    if fails {
        Trial::Same(Time::from_ms(20_000))
    } else {
        Trial::Passes
    }
}

/// Runs one pass on a predicate; the result and the runs it took.
fn with_pass(
    play: &(dyn Fn(&Scenario) -> Trial + Sync),
    jobs: usize,
    pass: impl Fn(&mut Search<'_>),
) -> (Scenario, u64) {
    let stop = AtomicBool::new(false);
    let budget = Budget {
        runs: 500,
        jobs,
        stop: &stop,
    };
    let mut tell = |_: u64, _: &Scenario| {};
    let at = Time::from_ms(20_000);
    let mut search = Search::new(scenario(), at, play, budget, &mut tell);
    pass(&mut search);
    (search.best().clone(), search.runs())
}

#[test]
fn only_the_faults_that_are_needed_stay() {
    let needs_two = |candidate: &Scenario| {
        let ids = candidate.plan.iter().map(|planned| &*planned.id);
        same_if(ids.filter(|id| ["g3", "g8"].contains(id)).count() == 2)
    };
    let (small, runs) = with_pass(&needs_two, 1, passes::faults);
    let ids: Vec<&str> = small.plan.iter().map(|planned| &*planned.id).collect();
    assert_eq!(ids, ["g3", "g8"]);
    assert!(runs < 30, "{runs} runs");
}

#[test]
fn the_result_and_the_runs_do_not_depend_on_the_number_of_jobs() {
    let needs_three = |candidate: &Scenario| {
        same_if(has_fault(candidate, 2) && has_fault(candidate, 4) && has_operation(candidate, 3))
    };
    let all = |search: &mut Search<'_>| {
        run_passes(search, None);
    };
    let alone = with_pass(&needs_three, 1, all);
    for jobs in [2, 3, 8] {
        assert_eq!(with_pass(&needs_three, jobs, all), alone);
    }
}

#[test]
fn clients_go_with_all_they_do_and_operations_leave_a_session_behind() {
    let needs_clients = |candidate: &Scenario| {
        let entries = || candidate.operations.iter().flatten();
        same_if(has_operation(candidate, 3) && entries().any(|entry| entry.client == 1))
    };
    let (small, _) = with_pass(&needs_clients, 1, passes::clients);
    assert_eq!(Size::of(&small).clients, 2);
    assert_eq!(Size::of(&small).operations, 4);
    let (small, _) = with_pass(&needs_clients, 1, |search| {
        passes::clients(search);
        passes::operations(search);
    });
    let size = Size::of(&small);
    assert_eq!((size.clients, size.operations), (2, 1));
    let idle: Vec<u16> = small
        .operations
        .iter()
        .flatten()
        .filter(|entry| entry.op.is_none())
        .map(|entry| entry.client)
        .collect();
    assert_eq!(idle, [1]);
}

#[test]
fn an_ensemble_shrinks_to_three_or_to_as_many_as_it_takes() {
    let (small, _) = with_pass(&|_| same_if(true), 1, |search| {
        passes::servers(search);
    });
    assert_eq!(small.ensemble.voters, 3);
    let needs_four = |candidate: &Scenario| same_if(candidate.ensemble.voters >= 4);
    let (small, _) = with_pass(&needs_four, 1, |search| {
        passes::servers(search);
    });
    assert_eq!(small.ensemble.voters, 4);
}

#[test]
fn noise_goes_domain_by_domain() {
    let needs_drift = |candidate: &Scenario| same_if(candidate.clock.drift_ppm > 0);
    let (small, _) = with_pass(&needs_drift, 1, noise::domains);
    assert_eq!(small.network.profile, Profile::None);
    assert_eq!(small.disk.fsync_us.low, small.disk.fsync_us.high);
    assert_eq!(small.clock.drift_ppm, 100);
}

#[test]
fn noise_that_is_needed_becomes_the_few_draws_that_are() {
    use crate::experiment::scenario::sections::{Dist, Link};
    use crate::sim::draws::{Site, Which};
    use crate::sim::process::LinkClass;
    // Needs the link from server 2 to server 1 to be slow at its first quorum frame, one way or the other.
    let needs_slow = |candidate: &Scenario| {
        let is_it = |which: &Which| match which {
            Which::One(key) => {
                key.nth == 0
                    && key.bucket == 4
                    && matches!(key.site, Site::Delay { from, class: LinkClass::Quorum, .. }
                        if from.0 == 2)
            }
            Which::All(_) => false,
        };
        let has_noise = candidate.network.quorum.is_some();
        let mut overrides = candidate.overrides.iter();
        same_if(has_noise || overrides.any(|exception| is_it(&exception.which)))
    };
    let (small, runs) = with_pass(&needs_slow, 1, |search| {
        let mut noisy = search.best().clone();
        noisy.plan.clear();
        noisy.network.profile = Profile::None;
        noisy.network.quorum = Some(Link {
            delay_us: crate::experiment::scenario::format::Range::new(2_000, 9_000),
            tail: crate::base::ratio::Ratio::ZERO,
            tail_us: 0,
            retransmit_ms: 400,
            healed_reset: crate::base::ratio::Ratio::ZERO,
            dist: Dist::Uniform,
            mean_us: None,
            rough: None,
        });
        assert!(search.adopts(noisy));
        search.set_fails_at(Time::from_ms(400));
        noise::draws(search);
    });
    assert_eq!(small.network.quorum, None, "after {runs} runs");
    assert_eq!(small.overrides.len(), 1, "{small}");
    assert!(small.overrides[0].value.as_us().is_multiple_of(100));
}

#[test]
fn durations_are_halved_and_times_become_round() {
    let needs_fifty = |candidate: &Scenario| {
        let lasts = candidate.plan.iter().filter_map(|planned| planned.lasts);
        same_if(lasts.min() >= Some(Span::from_ms(50)))
    };
    let (small, _) = with_pass(&needs_fifty, 1, |search| {
        passes::durations(search);
        passes::round_times(search);
    });
    for planned in &small.plan {
        let lasts = planned.lasts.unwrap();
        assert!((50..=100).contains(&lasts.as_ms()), "{lasts}");
        assert_eq!(lasts.as_us() % 10_000, 0, "{lasts}");
        let Trigger::At(at) = planned.trigger else {
            panic!("{planned:?}");
        };
        assert_eq!(at.as_ms() % 100, 0);
    }
}

#[test]
fn idle_time_between_moments_goes() {
    let (small, _) = with_pass(&|_| same_if(true), 1, passes::gaps);
    let last = |scenario: &Scenario| {
        let at = |planned: &Planned| match planned.trigger {
            Trigger::At(at) => at,
            Trigger::When { .. } => Time::ZERO,
        };
        scenario.plan.iter().map(at).max()
    };
    assert!(last(&scenario()) > Some(Time::from_ms(12_000)));
    assert!(last(&small) < Some(Time::from_ms(4_000)), "{small}");
}

#[test]
fn a_failure_that_is_seen_only_at_the_end_is_seen_at_an_earlier_end() {
    let needs_three_seconds = |candidate: &Scenario| {
        let end = Time::from_ms(candidate.limits.virtual_ms);
        if end < Time::from_ms(3_000) {
            Trial::Passes
        } else {
            Trial::Same(end)
        }
    };
    let (small, _) = with_pass(&needs_three_seconds, 1, passes::cut);
    let end = small.limits.virtual_ms;
    assert!((3_000..3_500).contains(&end), "{end}");
    assert_eq!(small.plan.len(), 2);
}

#[test]
fn names_become_small() {
    let needs_client = |candidate: &Scenario| {
        let entries = candidate.operations.iter().flatten();
        same_if(entries.filter(|entry| entry.op.is_some()).count() == 2)
    };
    let (small, _) = with_pass(&needs_client, 1, |search| {
        let mut only = search.best().clone();
        only.operations
            .as_mut()
            .unwrap()
            .retain(|entry| entry.client == 3);
        assert!(search.adopts(only));
        passes::names(search);
    });
    assert_eq!(small.roster().clients, 1);
    let ops: Vec<Option<u64>> = small
        .operations
        .iter()
        .flatten()
        .map(|entry| entry.op)
        .collect();
    assert_eq!(ops, [Some(1), Some(2)]);
    let ids: Vec<&str> = small.plan.iter().map(|planned| &*planned.id).collect();
    assert_eq!(ids[..3], ["f1", "f2", "f3"]);
}

#[test]
fn another_failure_is_kept_but_not_followed() {
    let other = Failure::Undecided {
        property: Property::Liveness,
    };
    let slips = |candidate: &Scenario| {
        if has_fault(candidate, 2) {
            Trial::Same(Time::from_ms(20_000))
        } else {
            Trial::Other(other)
        }
    };
    let stop = AtomicBool::new(false);
    let budget = Budget {
        runs: 500,
        jobs: 1,
        stop: &stop,
    };
    let mut tell = |_: u64, _: &Scenario| {};
    let mut search = Search::new(scenario(), Time::from_ms(20_000), &slips, budget, &mut tell);
    passes::faults(&mut search);
    assert_eq!(search.best().plan.len(), 1);
    assert_eq!(search.others().keys().collect::<Vec<_>>(), [&other]);
}

#[test]
fn a_search_that_is_stopped_or_has_no_budget_left_keeps_its_best() {
    let (small, runs) = with_pass(&|_| same_if(true), 1, passes::faults);
    assert_eq!((small.plan.len(), runs), (0, 1));
    let stop = AtomicBool::new(true);
    let budget = Budget {
        runs: 500,
        jobs: 1,
        stop: &stop,
    };
    let mut tell = |_: u64, _: &Scenario| {};
    let always = |_: &Scenario| same_if(true);
    let mut search = Search::new(scenario(), Time::ZERO, &always, budget, &mut tell);
    assert!(!run_passes(&mut search, None));
    assert_eq!(search.best(), &scenario());
    assert_eq!(search.runs(), 0);
}

/// The first failing swarm seed of a defect, shrunk.
fn shrunk(defect: &str) -> Shrunk {
    let text = r#"{ "format": 1, "name": "swarm", "network": { "profile": "swarm" },
        "workload": [{ "kind": "versioned-register", "think_ms": [0, 200],
            "mix": { "read": 4, "write": 4, "cas": 3, "watch": 3 } }],
        "generate": { "vary": true, "window_ms": [500, 9000] }, "limits": { "virtual_ms": 10000 } }"#;
    let mut swarm = Scenario::parse(text.as_bytes(), "swarm.json", &[]).unwrap();
    swarm.mutants = vec![defect.to_owned()];
    let played = (0..50)
        .map(|seed| play_seed(&swarm, seed))
        .find(|played| played.failure().is_some())
        .expect("a seed that fails");
    let stop = AtomicBool::new(false);
    let budget = Budget {
        runs: 1_000,
        jobs: 2,
        stop: &stop,
    };
    shrink(&played.saved(), None, budget, &mut |_, _| {}).unwrap()
}

#[test]
fn failures_of_defects_of_every_kind_become_small_and_every_thing_left_is_needed() {
    let defects = [
        "ack-before-fsync",
        "half-quorum",
        "set-data-ignores-version",
        "event-after-reply",
    ];
    for defect in defects {
        let shrunk = shrunk(defect);
        assert!(shrunk.complete && shrunk.runs <= 400, "{shrunk:#?}");
        assert!(shrunk.after.items() <= 8, "{shrunk:#?}");
        let text = shrunk.scenario.to_string();
        let read = Scenario::parse(text.as_bytes(), "small.json", &[]).unwrap();
        let outcome = play(&read, &mut Nobody);
        assert_eq!(outcome.meets(&read.expect), Ok(()), "{text}");
        let digest = format!("{:016x}", outcome.digest);
        assert_eq!(read.expect.digest, Some(digest));
        let mutant = Item::Mutant(defect.to_owned());
        let need = shrunk.needs.iter().find(|need| need.item == mutant);
        assert_eq!(need.unwrap().without, Without::Holds, "{text}");
        let is_idle =
            |need: &Need| need.without == Without::Same && !matches!(need.item, Item::Server(_));
        assert!(!shrunk.needs.iter().any(is_idle), "{shrunk:#?}");
    }
}

#[test]
fn what_does_not_fail_is_not_shrunk() {
    let stop = AtomicBool::new(false);
    let budget = Budget {
        runs: 10,
        jobs: 1,
        stop: &stop,
    };
    let text = r#"{ "format": 1, "name": "calm", "limits": { "virtual_ms": 100 } }"#;
    let calm = Scenario::parse(text.as_bytes(), "calm.json", &[]).unwrap();
    assert_eq!(
        shrink(&calm, None, budget, &mut |_, _| {}),
        Err(NoFailure::AtAll)
    );
}

#[test]
fn a_budget_that_is_spent_is_a_failure_that_can_be_shrunk() {
    let stop = AtomicBool::new(false);
    let budget = Budget {
        runs: 200,
        jobs: 1,
        stop: &stop,
    };
    let text = r#"{ "format": 1, "name": "busy", "workload": [{ "kind": "versioned-register" }],
        "plan": [{ "id": "a", "fault": "crash", "node": 1, "at_ms": 500, "for_ms": 100 }],
        "limits": { "virtual_ms": 2000, "events": 700 } }"#;
    let busy = Scenario::parse(text.as_bytes(), "busy.json", &[]).unwrap();
    let shrunk = shrink(&busy, None, budget, &mut |_, _| {}).unwrap();
    assert_eq!(shrunk.failure, WANTED);
    assert!(shrunk.scenario.plan.is_empty());
    let outcome = play(&shrunk.scenario, &mut Nobody);
    assert_eq!(outcome.meets(&shrunk.scenario.expect), Ok(()));
}
