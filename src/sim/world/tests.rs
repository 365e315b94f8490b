//! Sameness of runs, timers, stages, pauses, halts, limits and time travel.

use std::sync::Arc;

use super::super::fault::{Fault, Planned, Target, Unsynced};
use super::super::process::Effect;
use super::super::setup::Setup;
use super::super::testing::{Act, Puppet, Stage, exact, planned};
use super::super::timeline::Timeline;
use super::*;
use crate::base::time::Span;

/// A busy world under a mild machine: connections, messages, syncs, timers and stages, driven by commands.
fn busy(seed: u64, plan: Vec<Planned>) -> Stage {
    let mut stage = Stage::new(seed, Setup::mild(3, 1), plan);
    stage.run_to(10);
    let conns = [
        (1, stage.connect(1, 2)),
        (2, stage.connect(2, 3)),
        (4, stage.connect(4, 1)),
    ];
    for round in 0..60 {
        for (node, conn) in conns {
            stage.send(node, conn, [round]);
            stage.append(node, [round]);
            stage.effect(node, Effect::Sync);
            stage.effect(
                node,
                Effect::Arm {
                    timer: 1,
                    after: Span::from_ms(7),
                },
            );
            stage.effect(node, Effect::Wake { stage: 3 });
        }
        stage.run_for(10);
    }
    stage
}

fn crash(node: u16) -> Fault {
    Fault::Crash {
        target: Target::Node(NodeId(node)),
        unsynced: Unsynced::PowerDrawn,
    }
}

#[test]
fn the_same_seed_gives_the_same_run_and_another_seed_another() {
    let digest = |seed| {
        busy(seed, vec![planned("f1", 200, 100, crash(2))])
            .world
            .digest()
    };
    assert_eq!(digest(7), digest(7));
    assert_ne!(digest(7), digest(8));
}

#[test]
fn a_clone_continues_as_the_original() {
    let mut original = busy(7, vec![planned("f1", 700, 100, crash(2))]);
    let mut copy = original.world.clone();
    original.run_for(500);
    let limits = Limits::until(original.world.now());
    copy.run_until(limits, &mut ());
    assert_eq!(copy.digest(), original.world.digest());
    assert_eq!(copy.events(), original.world.events());
}

#[test]
fn the_recorder_does_not_change_the_run() {
    let run = |recorded: bool| {
        let mut world: World<Puppet> = World::new(Seed(3), (), Setup::mild(3, 0), Arc::new([]));
        world.command(NodeId(1), Act::Dial(NodeId(2), Span::from_ms(100)));
        let limits = Limits::until(Time::from_ms(500));
        if recorded {
            world.run_until(limits, &mut super::super::testing::Recorder::default());
        } else {
            world.run_until(limits, &mut ());
        }
        world.digest()
    };
    assert_eq!(run(true), run(false));
}

#[test]
fn checkpoints_come_every_256_events_and_the_last_is_on_the_way_to_the_digest() {
    let stage = busy(7, Vec::new());
    let count = stage.world.events() / CHECKPOINT_EVERY;
    assert!(count > 2);
    assert_eq!(stage.world.checkpoints().len() as u64, count);
}

#[test]
fn removing_a_fault_leaves_everything_before_it_and_the_weather_of_others_as_they_were() {
    let late = planned("f2", 400, 50, crash(3));
    let with = busy(7, vec![planned("f1", 300, 50, crash(1)), late.clone()]);
    let without = busy(7, vec![late]);
    let before = |stage: &Stage| -> Vec<_> {
        let heard = stage.recorder.heard.iter();
        heard
            .filter(|(time, ..)| *time < Time::from_ms(300))
            .cloned()
            .collect()
    };
    assert!(before(&with).len() > 100);
    assert_eq!(before(&with), before(&without));
    // 2 sends to 3 and never talks to 1 by itself: what 3 hears from it is the same in both.
    let of_three = |stage: &Stage| -> Vec<_> {
        let heard = stage.recorder.heard.iter();
        heard
            .filter(|(_, node, text)| *node == NodeId(3) && text.starts_with("got"))
            .cloned()
            .collect()
    };
    assert!(of_three(&with).len() > 20);
    assert_eq!(of_three(&with), of_three(&without));
}

#[test]
fn a_timer_armed_again_runs_out_once_and_a_disarmed_one_never() {
    let mut stage = Stage::exact(1);
    let arm = |ms| Effect::Arm {
        timer: 4,
        after: Span::from_ms(ms),
    };
    stage.effect(1, arm(10));
    stage.run_for(5);
    stage.effect(1, arm(10));
    stage.run_for(9);
    assert_eq!(stage.heard(1), [""; 0]);
    stage.run_for(1);
    assert_eq!(stage.heard(1), ["fire 4"]);
    stage.run_for(50);
    assert_eq!(stage.heard(1), [""; 0]);
    stage.effect(1, arm(10));
    stage.effect(1, Effect::Disarm { timer: 4 });
    stage.run_for(50);
    assert_eq!(stage.heard(1), [""; 0]);
}

#[test]
fn a_timer_follows_its_nodes_clock_when_that_changes_its_rate() {
    let mut stage = Stage::exact(1);
    stage.effect(
        1,
        Effect::Arm {
            timer: 1,
            after: Span::from_ms(1_000),
        },
    );
    stage.run_for(500);
    stage.inject(Fault::Drift {
        target: Target::Node(NodeId(1)),
        ppm: 250_000,
    });
    // 500 ms are left on the node's clock: 400 ms of true time at 5/4 of the rate.
    stage.run_for(399);
    assert_eq!(stage.heard(1), [""; 0]);
    stage.run_for(2);
    assert_eq!(stage.heard(1), ["fire 1"]);
}

#[test]
fn a_stage_woken_twice_runs_once() {
    let mut stage = Stage::exact(1);
    stage.effect(1, Effect::Wake { stage: 2 });
    stage.effect(1, Effect::Wake { stage: 2 });
    stage.effect(1, Effect::Wake { stage: 1 });
    stage.run_for(1);
    let mut heard = stage.heard(1);
    heard.sort();
    assert_eq!(heard, ["run 1", "run 2"]);
    stage.effect(1, Effect::Wake { stage: 2 });
    stage.run_for(1);
    assert_eq!(stage.heard(1), ["run 2"]);
}

#[test]
fn a_crash_drops_timers_stages_disk_operations_and_deliveries_of_the_old_life() {
    let mut stage = Stage::exact(2);
    let conn = stage.connect(2, 1);
    stage.send(2, conn, [1]);
    stage.effect(
        1,
        Effect::Arm {
            timer: 1,
            after: Span::from_ms(1),
        },
    );
    stage.effect(1, Effect::Wake { stage: 1 });
    stage.effect(1, Effect::Sync);
    stage.effect(1, Effect::Snapshot { image: 1 });
    stage.run_for(0);
    stage.crash(1, Unsynced::Kill);
    stage.heal_all();
    stage.heard(1);
    stage.run_for(100);
    assert_eq!(stage.heard(1), [""; 0]);
    assert_eq!(stage.world.life(NodeId(1)), 2);
}

#[test]
fn a_paused_process_gets_its_inputs_later_in_order_and_timers_taken_back_do_not_fire() {
    let mut stage = Stage::exact(2);
    let conn = stage.connect(1, 2);
    stage.heard(2);
    stage.effect(
        2,
        Effect::Arm {
            timer: 1,
            after: Span::from_ms(20),
        },
    );
    stage.effect(
        2,
        Effect::Arm {
            timer: 2,
            after: Span::from_ms(25),
        },
    );
    stage.run_for(0);
    stage.inject(Fault::Pause {
        target: Target::Node(NodeId(2)),
    });
    stage.send(1, conn, [1]);
    stage.run_for(10);
    stage.effect(2, Effect::Disarm { timer: 2 });
    stage.run_for(90);
    stage.send(1, conn, [2]);
    stage.run_for(10);
    assert_eq!(stage.heard(2), [""; 0]);
    stage.heal_all();
    assert_eq!(stage.heard(2), ["got 1", "fire 1", "got 2"]);
    assert!(!stage.world.is_paused(NodeId(2)));
}

#[test]
fn a_crash_ends_a_pause_and_the_end_of_that_pause_leaves_the_next_life_alone() {
    let pause = Fault::Pause {
        target: Target::Node(NodeId(1)),
    };
    let plan = vec![
        planned("p1", 10, 100, pause.clone()),
        planned("c1", 20, 10, crash(1)),
        planned("p2", 50, 500, pause),
    ];
    let mut stage = Stage::new(1, exact(1), plan);
    stage.run_to(40);
    assert!(stage.world.is_up(NodeId(1)) && !stage.world.is_paused(NodeId(1)));
    stage.run_to(200);
    assert!(
        stage.world.is_paused(NodeId(1)),
        "p1's end at 110 ms is not p2's"
    );
    stage.run_to(600);
    assert!(!stage.world.is_paused(NodeId(1)));
}

#[test]
fn a_halted_node_starts_again_after_a_while_if_the_setup_says_so() {
    for restart in [None, Some(Span::from_ms(50))] {
        let mut setup = exact(1);
        setup.restart_after_halt = restart;
        let mut stage = Stage::new(1, setup, Vec::new());
        stage.run_to(1);
        let after = Act::Do(Effect::Append { record: 1 });
        stage.command(
            1,
            Act::Several(vec![Act::Do(Effect::Halt { code: 10 }), after]),
        );
        stage.run_for(1);
        assert!(!stage.world.is_up(NodeId(1)));
        let happened = &stage.recorder.happened.last().unwrap().1;
        let code = Some(10);
        assert_eq!(
            *happened,
            Happening::Crashed {
                node: NodeId(1),
                code,
                lost: 0,
                power: false
            }
        );
        stage.run_for(100);
        assert_eq!(stage.world.is_up(NodeId(1)), restart.is_some());
        stage.heal_all();
        assert!(stage.world.is_up(NodeId(1)));
    }
}

#[test]
fn a_command_to_a_node_that_is_down_is_lost() {
    let mut stage = Stage::exact(1);
    stage.crash(1, Unsynced::Kill);
    stage.append(1, [1]);
    stage.heal_all();
    assert_eq!(stage.world.log(NodeId(1)).0.len(), 0);
}

#[test]
fn limits_stop_a_run_and_time_goes_on_to_the_limit() {
    let mut stage = Stage::new(1, Setup::mild(3, 0), Vec::new());
    let world = &mut stage.world;
    let limits = Limits {
        time: Time::NEVER,
        events: 2,
    };
    assert_eq!(world.run_until(limits, &mut ()), Stop::Events);
    assert_eq!(
        world.run_until(Limits::until(Time::NEVER), &mut ()),
        Stop::Quiet
    );
    assert_eq!(world.events(), 3);
    world.command(
        NodeId(1),
        Act::Do(Effect::Arm {
            timer: 1,
            after: Span::from_ms(9_000),
        }),
    );
    assert_eq!(
        world.run_until(Limits::until(Time::from_ms(1_000)), &mut ()),
        Stop::Time
    );
    assert_eq!(world.now(), Time::from_ms(1_000));
}

#[test]
fn a_timeline_gives_back_the_world_at_every_event_and_forks_leave_it_alone() {
    let start = busy(5, vec![planned("f1", 900, 100, crash(1))]).world;
    let first = start.events();
    let limits = Limits::until(start.now() + Span::from_ms(800));
    let timeline = Timeline::record(start.clone(), 7, limits, &mut ());
    let mut world = start;
    let mut out = Effects::default();
    for event in first..=timeline.events() {
        let there = timeline.seek(event);
        assert_eq!(
            (there.events(), there.digest()),
            (world.events(), world.digest())
        );
        if event < timeline.events() {
            world.step(&mut out, &mut ());
        }
    }
    assert_eq!(timeline.stop(), Stop::Quiet);
    let mut fork = timeline.seek(first);
    fork.inject(crash(2));
    fork.run_until(limits, &mut ());
    assert_ne!(fork.digest(), timeline.end().digest());
    assert_eq!(
        timeline.seek(timeline.events()).digest(),
        timeline.end().digest()
    );
}

#[test]
fn a_clock_never_goes_back_through_crashes_and_drift() {
    let drift = Fault::Drift {
        target: Target::Node(NodeId(1)),
        ppm: -400_000,
    };
    let plan = vec![planned("d", 20, 100, drift), planned("c", 40, 30, crash(1))];
    let mut stage = Stage::new(1, Setup::mild(1, 0), plan);
    let mut last = stage.world.local_time(NodeId(1));
    for ms in 0..200 {
        stage.run_to(ms);
        let now = stage.world.local_time(NodeId(1));
        assert!(now >= last);
        last = now;
    }
}

#[test]
fn a_node_that_is_late_starts_that_much_later_and_at_the_latest_when_all_is_healed() {
    let mut setup = exact(3);
    setup.late = Arc::new(
        [
            (NodeId(2), Span::from_ms(40)),
            (NodeId(3), Span::from_ms(400)),
        ]
        .into(),
    );
    let mut stage = Stage::new(1, setup, Vec::new());
    let up = |stage: &Stage| [1, 2, 3].map(|node| stage.world.is_up(NodeId(node)));
    stage.run_to(39);
    assert_eq!(up(&stage), [true, false, false]);
    stage.run_to(40);
    assert_eq!(up(&stage), [true, true, false]);
    stage.run_to(100);
    stage.heal_all();
    stage.run_to(300);
    assert_eq!(up(&stage), [true, true, true]);
    stage.run_to(500);
    assert_eq!(stage.world.life(NodeId(3)), 1, "it starts once");
}

#[test]
fn a_late_node_that_was_held_down_before_its_time_does_not_start_before_it() {
    let mut setup = exact(2);
    setup.late = Arc::new([(NodeId(2), Span::from_ms(400))].into());
    let plan = vec![planned("f1", 100, 50, crash(2))];
    let mut stage = Stage::new(1, setup, plan);
    stage.run_to(399);
    assert!(!stage.world.is_up(NodeId(2)));
    stage.run_to(400);
    assert!(stage.world.is_up(NodeId(2)));
    assert_eq!(stage.world.life(NodeId(2)), 1);
}
