//! When faults strike and end, whom they find, and how they overlap.

use super::super::fault::{Direction, Fault, Form, Target, Trigger, Unsynced};
use super::super::process::Effect;
use super::super::sink::Happening;
use super::super::testing::{Mark, Stage, exact, planned};
use crate::base::id::NodeId;
use crate::base::time::{Span, Time};

fn crash(node: u16, unsynced: Unsynced) -> Fault {
    let target = Target::Node(NodeId(node));
    Fault::Crash { target, unsynced }
}

/// The moments at which a node started, in milliseconds.
fn starts(stage: &Stage) -> Vec<u64> {
    let happened = stage.recorder.happened.iter();
    happened
        .filter(|(_, what)| matches!(what, Happening::Started { .. }))
        .map(|(time, _)| time.as_ms())
        .collect()
}

fn began(stage: &Stage) -> Vec<(u64, Vec<NodeId>, bool)> {
    let mut list = Vec::new();
    for (time, what) in &stage.recorder.happened {
        if let Happening::FaultBegan {
            targets, effective, ..
        } = what
        {
            list.push((time.as_ms(), targets.clone(), *effective));
        }
    }
    list
}

#[test]
fn a_crash_lasts_as_long_as_said() {
    let plan = vec![planned("c", 10, 25, crash(1, Unsynced::Kill))];
    let mut stage = Stage::new(1, exact(1), plan);
    stage.run_to(34);
    assert!(!stage.world.is_up(NodeId(1)));
    stage.run_to(100);
    assert_eq!(starts(&stage), [0, 35]);
}

#[test]
fn overlapping_crashes_hold_a_node_until_the_last_is_over() {
    let plan = vec![
        planned("c1", 10, 50, crash(1, Unsynced::Kill)),
        planned("c2", 20, 100, crash(1, Unsynced::PowerDrawn)),
        planned("c3", 30, 10, crash(1, Unsynced::Kill)),
    ];
    let mut stage = Stage::new(1, exact(1), plan);
    stage.run_to(500);
    assert_eq!(starts(&stage), [0, 120]);
    let one = vec![NodeId(1)];
    let expected = [
        (10, one.clone(), true),
        (20, one.clone(), true),
        (30, one, false),
    ];
    assert_eq!(began(&stage), expected);
}

#[test]
fn a_halt_during_no_fault_waits_for_a_fault_that_follows() {
    let plan = vec![planned("c1", 50, 5_000, crash(1, Unsynced::Kill))];
    let mut stage = Stage::new(1, exact(1), plan);
    stage.run_to(10);
    stage.effect(1, Effect::Halt { code: 10 });
    stage.run_to(6_000);
    assert_eq!(starts(&stage), [0, 5_050]);
}

#[test]
fn overlapping_partitions_cut_until_the_last_is_over() {
    let partition = |a: u16, b: u16| Fault::Partition {
        groups: vec![vec![NodeId(a)], vec![NodeId(b), NodeId(3)]],
        direction: Direction::Both,
        class: None,
        form: Form::Silent,
    };
    let plan = vec![
        planned("p1", 10, 50, partition(1, 2)),
        planned("p2", 20, 100, partition(1, 2)),
    ];
    let mut stage = Stage::new(1, exact(3), plan);
    stage.run_to(2);
    let conn = stage.connect(1, 2);
    stage.heard(2);
    stage.run_to(30);
    stage.send(1, conn, [1]);
    stage.run_to(119);
    assert_eq!(stage.heard(2), [""; 0]);
    stage.run_to(1_000);
    assert_eq!(stage.heard(2), ["got 1"]);
}

#[test]
fn a_fault_waits_for_the_nth_mark_and_then_its_while() {
    let mut fault = planned("c", 0, 10, crash(1, Unsynced::Kill));
    fault.trigger = Trigger::When {
        mark: "established".into(),
        nth: 2,
        after: Span::from_ms(3),
        by: None,
        cut: None,
    };
    let mut stage = Stage::new(1, exact(2), vec![fault]);
    for (ms, node, mark) in [
        (5, 1, "established"),
        (6, 1, "other"),
        (9, 2, "established"),
        (20, 2, "established"),
    ] {
        stage.run_to(ms);
        stage.effect(node, Effect::Note(Mark(mark)));
    }
    stage.run_to(100);
    assert_eq!(began(&stage), [(12, vec![NodeId(1)], true)]);
}

#[test]
fn a_role_is_resolved_when_the_fault_strikes_and_nobody_playing_it_is_no_effect() {
    let target = Target::Role("leader".into());
    let fault = Fault::Crash {
        target,
        unsynced: Unsynced::Kill,
    };
    let plan = vec![
        planned("c1", 10, 50, fault.clone()),
        planned("c2", 20, 50, fault),
    ];
    let mut stage = Stage::new(1, exact(3), plan);
    stage.run_to(100);
    assert_eq!(
        began(&stage),
        [(10, vec![NodeId(2)], true), (20, Vec::new(), false)]
    );
}

#[test]
fn a_minority_is_as_large_as_possible_and_drawn_by_the_faults_name() {
    let isolate = Fault::Isolate {
        target: Target::Minority,
        direction: Direction::Both,
        clients: false,
        form: Form::Silent,
    };
    let drawn = |seed, plan| {
        let mut stage = Stage::new(seed, exact(5), plan);
        stage.run_to(100);
        began(&stage).pop().unwrap().1
    };
    let mut seen = std::collections::BTreeSet::new();
    for seed in 0..50 {
        let alone = drawn(seed, vec![planned("i", 10, 50, isolate.clone())]);
        let other = planned("c", 5, 1, crash(1, Unsynced::Kill));
        let after = drawn(seed, vec![other, planned("i", 10, 50, isolate.clone())]);
        assert_eq!(alone, after, "another fault does not change the draw");
        assert_eq!(alone.len(), 2);
        seen.insert(alone);
    }
    assert!(seen.len() > 5);
}

#[test]
fn healing_undoes_all_and_calls_off_what_has_not_struck() {
    let mut plan = vec![
        planned("c1", 10, 9_000, crash(1, Unsynced::PowerDrawn)),
        planned("c2", 500, 100, crash(2, Unsynced::Kill)),
    ];
    plan[0].lasts = None;
    let mut stage = Stage::new(1, exact(2), plan);
    stage.run_to(100);
    assert!(!stage.world.is_up(NodeId(1)));
    stage.heal_all();
    assert!(stage.world.is_up(NodeId(1)));
    stage.run_to(1_000);
    assert_eq!(starts(&stage), [0, 0, 100]);
    stage.inject(crash(2, Unsynced::Kill));
    assert!(
        !stage.world.is_up(NodeId(2)),
        "later faults may be injected"
    );
}

#[test]
fn the_end_of_a_lasting_fault_is_reported_and_instant_ones_have_none() {
    let jump = Fault::WallJump {
        target: Target::Node(NodeId(1)),
        by_ms: 500,
    };
    let plan = vec![
        planned("w", 5, 1, jump),
        planned("c", 10, 10, crash(1, Unsynced::Kill)),
    ];
    let mut stage = Stage::new(1, exact(1), plan);
    stage.run_to(100);
    let ended: Vec<_> = stage
        .recorder
        .happened
        .iter()
        .filter(|(_, what)| matches!(what, Happening::FaultEnded { .. }))
        .cloned()
        .collect();
    assert_eq!(
        ended,
        [(Time::from_ms(20), Happening::FaultEnded { index: 1 })]
    );
}

#[test]
fn a_slow_processor_is_done_with_its_step_when_everything_is_healed() {
    let slow = |id, at_ms| {
        let target = Target::Node(NodeId(1));
        let factor = 4_000;
        planned(id, at_ms, 20, Fault::SlowCpu { target, factor })
    };
    // Together they make of a step of 50 us one of 800 s.
    let mut stage = Stage::new(1, exact(1), vec![slow("s1", 10), slow("s2", 11)]);
    stage.run_to(15);
    let (timer, after) = (1, Span::from_ms(1));
    stage.effect(1, Effect::Arm { timer, after });
    stage.run_to(1_000);
    assert!(stage.heard(1).is_empty());
    stage.heal_all();
    stage.run_for(1);
    assert_eq!(stage.heard(1), ["fire 1"]);
}
