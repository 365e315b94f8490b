//! What the two ends of a connection are told, situation by situation.

use super::super::fault::{Direction, Fault, Form, Seen, Target, Unsynced};
use super::super::law::Law;
use super::super::process::{Effect, LinkClass};
use super::super::testing::{Act, Stage, exact};
use crate::base::id::NodeId;
use crate::base::ratio::Ratio;
use crate::base::time::{Span, Time};

fn partition(a: u16, b: u16, direction: Direction) -> Fault {
    Fault::Partition {
        groups: vec![vec![NodeId(a)], vec![NodeId(b)]],
        direction,
        class: None,
        form: Form::Silent,
    }
}

fn got(range: std::ops::Range<u64>) -> Vec<String> {
    range.map(|msg| format!("got {msg}")).collect()
}

#[test]
fn a_connection_takes_a_delay_each_way_and_both_ends_name_it_alike() {
    let mut stage = Stage::exact(2);
    let conn = stage.connect(1, 2);
    let heard = |stage: &Stage, node, what: &str| {
        let found = stage
            .recorder
            .heard
            .iter()
            .find(|(_, who, text)| *who == NodeId(node) && text == what);
        found.map(|(time, ..)| *time)
    };
    assert_eq!(heard(&stage, 2, "accepted from n1"), Some(Time::from_ms(2)));
    assert_eq!(heard(&stage, 1, "opened"), Some(Time::from_ms(3)));
    stage.send(1, conn, [7]);
    stage.send(2, conn, [8]);
    stage.run_for(2);
    assert_eq!(stage.heard(2)[1..], ["got 7"]);
    assert_eq!(stage.heard(1)[1..], ["got 8"]);
}

#[test]
fn what_is_under_way_on_a_connection_that_both_ends_closed_is_no_event() {
    let mut stage = Stage::exact(2);
    let conn = stage.connect(1, 2);
    stage.send(1, conn, 0..5);
    stage.run_for(0);
    stage.effect(1, Effect::Close { conn });
    stage.effect(2, Effect::Close { conn });
    stage.run_for(0);
    let before = stage.world.events();
    stage.heard(2);
    stage.run_for(100);
    assert_eq!(stage.world.events(), before);
    assert!(stage.heard(2).is_empty());
}

#[test]
fn messages_arrive_in_the_order_sent_whatever_their_delays() {
    for seed in 0..20 {
        let mut setup = exact(2);
        setup.links = [super::super::setup::LinkProfile {
            delay: Law::micros(10, 5_000, 100_000, 5),
            ..setup.links[0]
        }; 3];
        let mut stage = Stage::new(seed, setup, Vec::new());
        stage.run_to(1);
        let conn = stage.dial(1, 2, 10_000);
        stage.run_for(500);
        stage.heard(2);
        for msg in 0..100 {
            stage.send(1, conn, [msg]);
            stage.run_for(msg % 3);
        }
        stage.run_for(500);
        assert_eq!(stage.heard(2), got(0..100), "seed {seed}");
    }
}

#[test]
fn a_closed_port_refuses_and_a_dead_process_too_but_a_dark_machine_hangs() {
    let mut stage = Stage::exact(3);
    stage.effect(2, Effect::Unlisten(LinkClass::Quorum));
    stage.dial(1, 2, 500);
    stage.run_for(2);
    assert_eq!(stage.heard(1), ["refused NobodyListens"]);

    stage.crash(3, Unsynced::Kill);
    stage.dial(1, 3, 500);
    stage.run_for(2);
    assert_eq!(stage.heard(1), ["refused NobodyListens"]);

    stage.crash(3, Unsynced::PowerDrawn);
    stage.dial(1, 3, 500);
    stage.run_for(499);
    assert_eq!(stage.heard(1), [""; 0]);
    stage.run_for(1);
    assert_eq!(stage.heard(1), ["refused TimedOut"]);
}

#[test]
fn dialling_oneself_is_refused() {
    let mut stage = Stage::exact(1);
    stage.dial(1, 1, 500);
    stage.run_for(5);
    assert_eq!(stage.heard(1), ["refused NobodyListens"]);
}

#[test]
fn a_cut_path_makes_a_dial_hang_and_the_late_call_is_not_accepted_after_giving_up() {
    let mut stage = Stage::exact(2);
    stage.inject(partition(1, 2, Direction::Both));
    stage.dial(1, 2, 100);
    stage.run_for(150);
    assert_eq!(stage.heard(1), ["refused TimedOut"]);
    stage.heal_all();
    stage.run_for(1_000);
    assert_eq!(stage.heard(2), [""; 0]);
}

#[test]
fn a_dial_that_still_waits_when_the_path_heals_succeeds() {
    let mut stage = Stage::exact(2);
    stage.inject(partition(1, 2, Direction::Both));
    stage.dial(1, 2, 5_000);
    stage.run_for(50);
    stage.heal_all();
    stage.run_for(1_000);
    assert_eq!(stage.heard(1), ["opened"]);
    assert_eq!(stage.heard(2), ["accepted from n1"]);
}

#[test]
fn an_acceptor_whose_answer_came_too_late_is_half_open_until_it_sends() {
    let mut stage = Stage::exact(2);
    stage.inject(partition(2, 1, Direction::Out));
    let conn = stage.dial(1, 2, 100);
    stage.run_for(150);
    assert_eq!(stage.heard(1), ["refused TimedOut"]);
    assert_eq!(stage.heard(2), ["accepted from n1"]);
    stage.send(2, conn, [1]);
    stage.run_for(50);
    assert_eq!(stage.heard(2), [""; 0]);
    stage.heal_all();
    stage.run_for(1_000);
    assert_eq!(stage.heard(2), ["ended Reset"]);
    assert_eq!(stage.heard(1), [""; 0]);
    assert!(!stage.world.net.has(conn));
}

#[test]
fn close_arrives_after_everything_sent_before_it() {
    let mut stage = Stage::exact(2);
    let conn = stage.connect(1, 2);
    stage.heard(2);
    stage.send(1, conn, 0..3);
    stage.effect(1, Effect::Close { conn });
    stage.run_for(5);
    assert_eq!(stage.heard(2), ["got 0", "got 1", "got 2", "ended Closed"]);
    assert!(!stage.world.net.has(conn), "a dead connection is forgotten");
}

#[test]
fn nothing_is_heard_of_a_connection_after_closing_it() {
    let mut stage = Stage::exact(2);
    let conn = stage.connect(1, 2);
    stage.heard(1);
    stage.send(2, conn, 0..3);
    stage.effect(1, Effect::Close { conn });
    stage.run_for(5);
    assert_eq!(stage.heard(1), [""; 0]);
}

#[test]
fn an_attempt_abandoned_in_time_never_reaches_the_other_process() {
    let mut stage = Stage::exact(2);
    let conn = stage.dial(1, 2, 500);
    stage.effect(1, Effect::Close { conn });
    stage.run_for(1_000);
    assert_eq!(stage.heard(1), [""; 0]);
    assert_eq!(stage.heard(2), [""; 0]);
}

#[test]
fn a_kill_closes_connections_after_what_was_sent() {
    let mut stage = Stage::exact(2);
    let conn = stage.connect(1, 2);
    stage.heard(2);
    stage.send(1, conn, 0..2);
    stage.run_for(0);
    stage.crash(1, Unsynced::Kill);
    stage.run_for(5);
    assert_eq!(stage.heard(2), ["got 0", "got 1", "ended Closed"]);
}

#[test]
fn a_power_loss_is_silent_and_the_half_open_end_is_reset_at_its_next_send_once_the_machine_is_back()
{
    let mut stage = Stage::exact(2);
    let conn = stage.connect(1, 2);
    stage.heard(1);
    stage.heard(2);
    stage.crash(1, Unsynced::PowerLost);
    stage.run_for(10_000);
    assert_eq!(stage.heard(2), [""; 0], "nobody tells the other end");
    stage.send(2, conn, [1]);
    stage.run_for(10_000);
    assert_eq!(stage.heard(2), [""; 0], "what it sends waits");
    stage.heal_all();
    stage.run_for(1_000);
    assert_eq!(stage.heard(2), ["ended Reset"]);
    assert_eq!(stage.heard(1), [""; 0], "the later life hears nothing");
}

#[test]
fn a_half_open_end_that_stays_silent_learns_nothing_from_the_restart() {
    let mut stage = Stage::exact(2);
    let conn = stage.connect(1, 2);
    stage.crash(1, Unsynced::PowerLost);
    stage.heal_all();
    stage.heard(2);
    stage.run_for(10_000);
    assert_eq!(stage.heard(2), [""; 0]);
    stage.send(2, conn, [1]);
    stage.run_for(3);
    assert_eq!(stage.heard(2), ["ended Reset"]);
}

#[test]
fn a_partition_holds_bytes_back_and_delivers_all_in_order_after_healing() {
    let mut stage = Stage::exact(2);
    let conn = stage.connect(1, 2);
    stage.heard(2);
    stage.send(1, conn, 0..5);
    stage.run_for(0);
    stage.inject(partition(1, 2, Direction::Both));
    stage.send(1, conn, 5..10);
    stage.run_for(5_000);
    assert_eq!(stage.heard(2), [""; 0]);
    // Sent shortly before healing: still on their way when held-back frames resume.
    stage.send(1, conn, 10..15);
    stage.run_for(0);
    stage.heal_all();
    stage.send(1, conn, 15..20);
    stage.run_for(1_000);
    stage.send(1, conn, 20..25);
    stage.run_for(10);
    assert_eq!(stage.heard(2), got(0..25));
}

#[test]
fn a_healed_connection_that_held_bytes_back_may_be_reset_at_both_ends_and_then_delivers_nothing() {
    let mut setup = exact(2);
    for link in &mut setup.links {
        link.healed_reset = Ratio::new(1, 1);
    }
    let mut stage = Stage::new(1, setup, Vec::new());
    stage.run_to(1);
    let conn = stage.connect(1, 2);
    stage.heard(1);
    stage.heard(2);
    stage.inject(partition(1, 2, Direction::Both));
    stage.send(1, conn, 0..5);
    stage.run_for(100);
    stage.heal_all();
    stage.send(1, conn, 5..10);
    stage.run_for(1_000);
    assert_eq!(stage.heard(1), ["ended Reset"]);
    assert_eq!(stage.heard(2), ["ended Reset"]);
    assert!(!stage.world.net.has(conn));
}

#[test]
fn an_idle_connection_survives_a_partition() {
    let mut stage = Stage::exact(2);
    let conn = stage.connect(1, 2);
    stage.inject(partition(1, 2, Direction::Both));
    stage.run_for(60_000);
    stage.heal_all();
    stage.heard(2);
    stage.send(1, conn, [1]);
    stage.run_for(3);
    assert_eq!(stage.heard(2), ["got 1"]);
}

#[test]
fn a_one_way_cut_leaves_the_other_way_open() {
    let mut stage = Stage::exact(2);
    let conn = stage.connect(1, 2);
    stage.heard(1);
    stage.heard(2);
    stage.inject(partition(1, 2, Direction::Out));
    stage.send(1, conn, [1]);
    stage.send(2, conn, [2]);
    stage.run_for(10);
    assert_eq!(stage.heard(1), ["got 2"]);
    assert_eq!(stage.heard(2), [""; 0]);
}

#[test]
fn a_close_behind_a_partition_arrives_after_it() {
    let mut stage = Stage::exact(2);
    let conn = stage.connect(1, 2);
    stage.heard(2);
    stage.inject(partition(1, 2, Direction::Both));
    stage.send(1, conn, [1]);
    stage.run_for(0);
    stage.crash(1, Unsynced::Kill);
    stage.run_for(1_000);
    assert_eq!(stage.heard(2), [""; 0]);
    stage.heal_all();
    stage.run_for(1_000);
    assert_eq!(stage.heard(2), ["got 1", "ended Closed"]);
}

#[test]
fn bytes_held_back_by_a_machine_that_loses_power_are_lost_with_all_that_follow() {
    let mut stage = Stage::exact(2);
    let conn = stage.connect(1, 2);
    stage.heard(2);
    stage.inject(partition(1, 2, Direction::Both));
    stage.send(1, conn, [1]);
    stage.run_for(10);
    stage.send(1, conn, [2]);
    stage.run_for(0);
    stage.crash(1, Unsynced::PowerLost);
    stage.heal_all();
    stage.run_for(1_000);
    assert_eq!(stage.heard(2), [""; 0], "2 must not arrive without 1");
    stage.send(2, conn, [3]);
    stage.run_for(10);
    assert_eq!(stage.heard(2), ["ended Reset"]);
}

#[test]
fn a_reset_ends_both_ends_and_loses_what_is_in_flight() {
    let mut stage = Stage::exact(2);
    let conn = stage.connect(1, 2);
    stage.heard(1);
    stage.heard(2);
    stage.send(1, conn, [1]);
    stage.run_for(0);
    stage.inject(Fault::Reset {
        target: Target::Node(NodeId(2)),
        class: None,
        seen: Seen::Both,
    });
    stage.run_for(10);
    assert_eq!(stage.heard(1), ["ended Reset"]);
    assert_eq!(stage.heard(2), ["ended Reset"]);
}

#[test]
fn a_flaky_link_breaks_about_as_many_connections_as_said() {
    let mut broken = 0;
    for seed in 0..300 {
        let mut stage = Stage::new(seed, exact(2), Vec::new());
        stage.run_to(1);
        let conn = stage.connect(1, 2);
        stage.heard(2);
        stage.inject(Fault::Flaky {
            target: Target::Node(NodeId(2)),
            reset: Ratio::new(1, 10),
        });
        stage.send(1, conn, [1]);
        stage.run_for(10);
        let heard = stage.heard(2);
        broken += u32::from(heard == ["ended Reset"]);
        assert_eq!(heard.len(), 1);
    }
    assert!((15..50).contains(&broken), "{broken} of 300");
}

#[test]
fn extra_delay_applies_to_both_directions_and_adds_up() {
    let mut stage = Stage::exact(2);
    let conn = stage.connect(1, 2);
    for _ in 0..2 {
        stage.inject(Fault::Delay {
            target: Target::Node(NodeId(2)),
            class: Some(LinkClass::Quorum),
            extra: Span::from_ms(10),
        });
    }
    stage.heard(1);
    stage.heard(2);
    let start = stage.world.now();
    stage.send(1, conn, [1]);
    stage.send(2, conn, [2]);
    stage.run_for(30);
    let times: Vec<Time> = stage
        .recorder
        .heard
        .iter()
        .map(|(time, ..)| *time)
        .collect();
    assert_eq!(times, [start + Span::from_ms(21); 2]);
}

#[test]
fn isolation_cuts_servers_and_spares_clients_unless_told() {
    for clients in [false, true] {
        let mut setup = exact(3);
        setup.servers = 2;
        let mut stage = Stage::new(1, setup, Vec::new());
        stage.run_to(1);
        let (server, client) = (stage.connect(1, 2), stage.connect(1, 3));
        stage.heard(2);
        stage.heard(3);
        stage.inject(Fault::Isolate {
            target: Target::Node(NodeId(1)),
            direction: Direction::Both,
            clients,
            form: Form::Silent,
        });
        stage.send(1, server, [1]);
        stage.send(1, client, [2]);
        stage.run_for(10);
        assert_eq!(stage.heard(2), [""; 0]);
        assert_eq!(stage.heard(3).len(), usize::from(!clients));
    }
}

#[test]
fn a_paused_process_has_a_kernel_that_accepts_for_it() {
    let mut stage = Stage::exact(2);
    stage.inject(Fault::Pause {
        target: Target::Node(NodeId(2)),
    });
    let conn = stage.connect(1, 2);
    assert_eq!(stage.heard(1), ["opened"]);
    stage.send(1, conn, 0..3);
    stage.effect(1, Effect::Close { conn });
    stage.run_for(10);
    assert_eq!(stage.heard(2), [""; 0]);
    stage.heal_all();
    let expected = [
        "accepted from n1",
        "got 0",
        "got 1",
        "got 2",
        "ended Closed",
    ];
    assert_eq!(stage.heard(2), expected);
}

#[test]
fn a_process_that_resumes_and_closes_hears_no_more_of_that_connection() {
    let mut stage = Stage::exact(2);
    let conn = stage.connect(1, 2);
    stage.heard(2);
    stage.inject(Fault::Pause {
        target: Target::Node(NodeId(2)),
    });
    stage.command(2, Act::Do(Effect::Close { conn }));
    stage.run_for(0);
    stage.send(1, conn, 0..3);
    stage.run_for(10);
    stage.heal_all();
    stage.run_for(10);
    assert_eq!(stage.heard(2), [""; 0]);
}
