//! Faults of processes: kills, power losses, pauses, named points.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a question looks for one kind of fact among all"
)]

use zablab::base::id::NodeId;
use zablab::base::time::{Span, Time};
use zablab::check::verdict::Verdict;
use zablab::experiment::scenario::Scenario;
use zablab::history::fact::Fact;
use zablab::sim::process::Ending;

use super::super::observed::{Heard, observe};

use super::{crashes, lost_records, scenario, survive};

#[test]
fn a_kill_silences_a_server_until_it_starts_again() {
    let observed = survive(r#"{"id":"f","fault":"crash","node":2,"at_ms":3000,"for_ms":2000}"#);
    assert_eq!(observed.heard_by(2, 3_001, 5_000).len(), 0);
    assert!(observed.got(2, None, 5_000, 7_000) > 10);
    let heard = observed.heard_by(3, 3_000, 3_010);
    assert!(
        heard.contains(&&Heard::Ended(Ending::Closed)),
        "its kernel closes its connections"
    );
}

#[test]
fn a_power_loss_leaves_the_peers_connections_half_open() {
    for how in ["lost", "drawn", "kept", "torn", "reordered"] {
        let fault = format!(
            r#"{{"id":"f","fault":"crash","node":2,"unsynced":"{how}","at_ms":3000,"for_ms":500}}"#
        );
        let observed = survive(&fault);
        assert!(
            !observed
                .heard_by(3, 3_000, 3_400)
                .iter()
                .any(|heard| matches!(heard, Heard::Ended(_)))
        );
        assert_eq!(observed.heard_by(2, 3_001, 3_500).len(), 0);
    }
}

#[test]
fn power_losses_of_every_kind_lose_what_was_not_forced_and_nothing_acknowledged() {
    for how in ["lost", "drawn", "torn", "reordered"] {
        let fault = format!(
            r#"{{"id":"f","fault":"crash","node":"servers","unsynced":"{how}","at_ms":3015,"for_ms":400,"flap_ms":777}}"#
        );
        let fault = fault.replace("\"for_ms\":400", "\"for_ms\":6000");
        let slow = scenario(3, &[&fault], "")
            .to_string()
            .replace("\"fsync_us\": [1000, 1000]", "\"fsync_us\": [30000, 60000]");
        let slow = Scenario::parse(slow.as_bytes(), "s.json", &[]).unwrap();
        let (outcome, observed) = observe(&slow);
        assert_eq!(
            outcome.verdict(),
            Verdict::Holds,
            "{how}: {:?}",
            outcome.violations
        );
        assert!(outcome.counters.power_losses >= 12, "{how}");
        assert!(lost_records(&observed) > 0, "{how}");
    }
}

#[test]
fn a_restart_loop_is_a_crash_that_flaps() {
    let observed =
        survive(r#"{"id":"f","fault":"crash","node":2,"at_ms":3000,"for_ms":2000,"flap_ms":300}"#);
    assert_eq!(crashes(&observed, 2), 4);
}

#[test]
fn a_pause_lets_inputs_wait_and_a_suspension_stops_the_clock_as_well() {
    for name in ["pause", "suspend"] {
        let fault = format!(r#"{{"id":"f","fault":"{name}","node":2,"at_ms":3000,"for_ms":900}}"#);
        let observed = survive(&fault);
        assert_eq!(observed.heard_by(2, 3_000, 3_900).len(), 0, "{name}");
        assert!(
            observed.got(2, None, 3_900, 3_901) > 5,
            "{name}: what waited comes at once"
        );
        let held = observed.facts(0, 20_000, |fact| matches!(fact, Fact::ClockHeld { .. }));
        assert_eq!(held, if name == "suspend" { 2 } else { 0 });
    }
}

#[test]
fn a_slow_processor_takes_its_inputs_one_by_one() {
    let observed = survive(
        r#"{"id":"f","fault":"slow-cpu","node":2,"factor":400,"at_ms":3000,"for_ms":2000}"#,
    );
    let times: Vec<Time> = observed
        .heard
        .iter()
        .filter(|(time, node, _)| {
            *node == NodeId(2) && (Time::from_ms(3_050)..Time::from_ms(5_000)).contains(time)
        })
        .map(|(time, ..)| *time)
        .collect();
    assert!(times.len() > 20);
    let step = Span::from_us(50 * 400);
    assert!(times.windows(2).all(|pair| pair[1].since(pair[0]) >= step));
}

#[test]
fn a_cold_start_of_the_whole_ensemble_is_survived() {
    let observed = survive(
        r#"{"id":"f","fault":"crash","node":"servers","unsynced":"lost","at_ms":3000,"for_ms":500}"#,
    );
    assert_eq!(
        (1..=3)
            .map(|server| crashes(&observed, server))
            .sum::<usize>(),
        3
    );
}

#[test]
fn a_server_falls_at_a_named_point_before_what_follows_it_in_the_same_step() {
    let observed = survive(
        r#"{"id":"f","fault":"crash","node":"sayer","when":{"fact":"acked","node":2,"nth":9,"cut_after":0},"for_ms":900}"#,
    );
    let said: Vec<(u64, bool)> = observed
        .facts
        .iter()
        .filter_map(|(_, event, fact)| match fact {
            Fact::AckSent { server, .. } if server.0 == 2 => Some((*event, true)),
            Fact::ServerCrashed { server, .. } if server.0 == 2 => Some((*event, false)),
            _ => None,
        })
        .collect();
    let (crash, _) = said.iter().find(|(_, is_ack)| !is_ack).unwrap();
    let before: Vec<_> = said
        .iter()
        .filter(|(event, is_ack)| *is_ack && event <= crash)
        .collect();
    assert_eq!(before.len(), 9);
    assert_eq!(before[8].0, *crash, "in one and the same event");
    let acks = observed.heard.iter().filter(|(time, node, heard)| {
        let crashed = observed
            .facts
            .iter()
            .find(|(_, event, _)| event == crash)
            .unwrap()
            .0;
        *node == NodeId(3)
            && *time < crashed + Span::from_ms(5)
            && *heard == Heard::Message(NodeId(2), "ack")
    });
    // NEWLEADER and UPTODATE are acknowledged, too.
    assert_eq!(
        acks.count(),
        8 + 2,
        "the ninth ack never reached the leader"
    );
}

#[test]
fn a_server_falls_after_its_kth_durable_step_before_it_knows_of_it() {
    let observed = survive(
        r#"{"id":"f","fault":"crash","node":"sayer","unsynced":"lost","when":{"fact":"disk-step","node":2,"nth":9},"for_ms":900}"#,
    );
    let crashed = observed
        .facts
        .iter()
        .find(|(_, _, fact)| matches!(fact, Fact::ServerCrashed { server, .. } if server.0 == 2))
        .unwrap()
        .0;
    let done = observed.heard.iter().filter(|(time, node, heard)| {
        *node == NodeId(2) && *time <= crashed && *heard == Heard::DiskDone
    });
    assert_eq!(done.count(), 8);
}
