//! Faults of disks and clocks.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a question looks for one kind of fact among all"
)]

use zablab::base::id::{NodeId, ServerId};
use zablab::base::time::Time;
use zablab::check::verdict::Verdict;
use zablab::experiment::run::Run;
use zablab::history::fact::Fact;

use super::super::observed::{Facts, Heard, Observed, observe};

use super::{assert_took_hold, scenario, survive};

#[test]
fn a_slow_disk_and_one_that_stalls_make_their_server_wait() {
    let slow = survive(
        r#"{"id":"f","fault":"slow-disk","node":2,"factor":100,"at_ms":3000,"for_ms":2000}"#,
    );
    let done = |observed: &Observed, from, to| {
        let heard = observed.heard_by(2, from, to);
        heard
            .iter()
            .filter(|heard| ***heard == Heard::DiskDone)
            .count()
    };
    assert!(done(&slow, 3_100, 5_000) <= 19 && done(&slow, 1_000, 2_900) > 30);
    let stalled = survive(r#"{"id":"f","fault":"disk-stall","node":2,"at_ms":3000,"for_ms":700}"#);
    assert_eq!(done(&stalled, 3_001, 3_700), 0);
    assert!(done(&stalled, 3_700, 4_500) > 0);
}

#[test]
fn disks_that_fail_end_their_server_which_starts_again_when_they_are_well() {
    for (fault, why) in [
        (r#""fault":"fsync-fail","times":1"#, "Io"),
        (r#""fault":"disk-full","room_bytes":500"#, "Full"),
        (r#""fault":"disk-errors","rate":"1/3""#, "Io"),
        (r#""fault":"read-only""#, "ReadOnly"),
    ] {
        let observed = survive(&format!(
            r#"{{"id":"f",{fault},"node":2,"at_ms":3000,"for_ms":2500}}"#
        ));
        let failed = Heard::DiskFailed(why.to_owned());
        assert!(
            observed.heard_by(2, 3_000, 5_500).contains(&&failed),
            "{fault}"
        );
        let exits = observed.facts(3_000, 5_500, |fact| {
            matches!(
                fact,
                Fact::ServerCrashed {
                    server: ServerId(2),
                    code: Some(1),
                    ..
                }
            )
        });
        assert!(exits >= 1, "{fault}");
        let serves = observed.facts(4_000, 12_000, |fact| {
            matches!(
                fact,
                Fact::ServeStart {
                    server: ServerId(2),
                    ..
                }
            )
        });
        assert!(serves >= 1, "{fault}");
    }
}

#[test]
fn a_lying_disk_reports_forces_that_do_not_happen() {
    let fault = r#"{"id":"f","fault":"lying-disk","node":2,"at_ms":3000,"for_ms":2000}"#;
    let scenario = scenario(3, &[fault], "");
    let mut run = Run::start(&scenario);
    let (mut facts, mut observed) = (Facts(Vec::new()), Observed::default());
    run.advance(Time::from_ms(4_900), &mut facts, &mut observed);
    let (log, forced) = run.world().log(NodeId(2));
    let reported = observed.heard_by(2, 3_100, 4_900);
    assert!(
        reported
            .iter()
            .filter(|heard| ***heard == Heard::DiskDone)
            .count()
            > 10
    );
    assert!(forced + 10 < log.len() as u64, "{forced} of {}", log.len());
}

#[test]
fn what_a_lying_disk_loses_is_excused_and_nothing_is_before_it_does() {
    let lies = r#"{"id":"liar","fault":"lying-disk","node":"servers","at_ms":1000,"for_ms":9000}"#;
    let (outcome, _) = observe(&scenario(3, &[lies], ""));
    assert_eq!(
        (outcome.verdict(), outcome.excuses.len()),
        (Verdict::Holds, 0)
    );
    let dark = r#"{"id":"dark","fault":"crash","node":"servers","unsynced":"lost","at_ms":5000,"for_ms":500}"#;
    let (outcome, _) = observe(&scenario(3, &[lies, dark], ""));
    assert_eq!(outcome.verdict(), Verdict::Excused);
    assert!(outcome.excuses.iter().all(|excuse| excuse.fault == "liar"));
}

#[test]
fn a_corrupt_log_refuses_to_start_and_the_others_go_on() {
    for (place, observers) in [("log", 2), ("epoch", 2)] {
        let faults = [
            &*format!(
                r#"{{"id":"rot","fault":"bit-rot","node":2,"where":"{place}","at_ms":2000}}"#
            ),
            r#"{"id":"again","fault":"crash","node":2,"at_ms":3000,"for_ms":500}"#,
        ];
        let (outcome, observed) = observe(&scenario(3, &faults, ""));
        assert_eq!(
            outcome.verdict(),
            Verdict::Holds,
            "{place}: {:?}",
            outcome.violations
        );
        let refused = observed.facts(3_500, 12_000, |fact| {
            matches!(
                fact,
                Fact::BootRefused {
                    server: ServerId(2),
                    ..
                }
            )
        });
        assert!(refused >= observers, "{place}");
        let serves = observed.facts(3_500, 30_000, |fact| {
            matches!(
                fact,
                Fact::ServeStart {
                    server: ServerId(2),
                    ..
                }
            )
        });
        assert_eq!(serves, 0);
    }
}

#[test]
fn the_atlas_keeps_the_last_good_copies_unless_it_is_off() {
    let rot = |id: &str, node: u8, atlas: &str| {
        format!(r#"{{"id":"{id}","fault":"bit-rot","node":{node},"atlas":"{atlas}","at_ms":2000}}"#)
    };
    let faults = [rot("a", 1, "on"), rot("b", 2, "on"), rot("c", 3, "off")];
    let (outcome, observed) = observe(&scenario(3, &faults.each_ref().map(String::as_str), ""));
    let why: Vec<Option<String>> = observed
        .facts
        .iter()
        .filter_map(|(_, _, fact)| match fact {
            Fact::FaultBegan { why, .. } => Some(why.as_ref().map(ToString::to_string)),
            _ => None,
        })
        .collect();
    assert_eq!(
        why.iter().flatten().collect::<Vec<_>>(),
        ["the atlas keeps the last good copies"]
    );
    assert_eq!(outcome.excuses.len(), 1);
    assert_eq!(outcome.excuses[0].fault, "c");
}

#[test]
fn wiped_and_restored_disks_begin_from_less_and_are_outside_the_model() {
    for fault in [
        r#"{"id":"f","fault":"wipe","node":2,"at_ms":5000,"for_ms":500}"#,
        r#"{"id":"f","fault":"restore","node":2,"backup_at_ms":2500,"at_ms":5000,"for_ms":500}"#,
    ] {
        let (outcome, observed) = observe(&scenario(3, &[fault], ""));
        assert_took_hold(&outcome, fault);
        assert_ne!(outcome.verdict(), Verdict::Violated, "{fault}");
        assert_eq!(outcome.excuses[0].fault, "f");
        let depths: Vec<u64> = observed
            .facts
            .iter()
            .filter_map(|(_, _, fact)| match fact {
                Fact::Booted {
                    server: ServerId(2),
                    lineage,
                    ..
                } => Some(lineage.depth),
                _ => None,
            })
            .collect();
        let most = observed.facts(0, 5_000, |fact| {
            matches!(
                fact,
                Fact::Appended {
                    server: ServerId(2),
                    ..
                }
            )
        });
        assert!(
            depths[1] + 20 < most as u64,
            "{fault}: {depths:?} of {most}"
        );
    }
}

#[test]
fn clocks_drift_stand_still_and_are_coarse() {
    let local_ms = |fault: &str| {
        let scenario = scenario(3, &[fault], "");
        let mut run = Run::start(&scenario);
        let mut facts = Facts(Vec::new());
        let mut at = |ms| {
            run.advance(Time::from_ms(ms), &mut facts, &mut ());
            run.world().local_time(NodeId(2)).as_ms()
        };
        let (before, after) = (at(3_100), at(4_900));
        after - before
    };
    assert_eq!(
        local_ms(r#"{"id":"f","fault":"wall-jump","node":2,"by_ms":5000,"at_ms":3000}"#),
        1_800
    );
    let slow =
        local_ms(r#"{"id":"f","fault":"drift","node":2,"ppm":-500000,"at_ms":3000,"for_ms":2000}"#);
    assert_eq!(slow, 900);
    assert_eq!(
        local_ms(r#"{"id":"f","fault":"freeze","node":2,"at_ms":3000,"for_ms":2000}"#),
        0
    );
    survive(r#"{"id":"f","fault":"drift","node":2,"ppm":900,"at_ms":3000,"for_ms":2000}"#);
    let frozen = survive(r#"{"id":"f","fault":"freeze","node":2,"at_ms":3000,"for_ms":2000}"#);
    assert_eq!(
        frozen.facts(0, 20_000, |fact| matches!(fact, Fact::ClockHeld { .. })),
        2
    );
}

#[test]
fn wall_clocks_jump_are_off_and_strobe_in_what_clients_are_shown() {
    // The leader stamps transactions: read what clients see in stats.
    let shown = |fault: &str| -> Vec<(u64, i64)> {
        let observed = survive(fault);
        let stats = observed.facts.iter().filter_map(|(time, _, fact)| {
            let Fact::Returned {
                result: Ok(response),
                ..
            } = fact
            else {
                return None;
            };
            let text = format!("{response:?}");
            let mtime = text.split("mtime: ").nth(1)?;
            let digits: String = mtime.chars().take_while(char::is_ascii_digit).collect();
            let wall: i64 = digits.parse().ok()?;
            let true_ms = 1_704_067_200_000 + i64::try_from(time.as_ms()).unwrap();
            Some((time.as_ms(), wall - true_ms))
        });
        stats.collect()
    };
    let near = |all: &[(u64, i64)], from: u64, to: u64, by: i64| {
        all.iter()
            .any(|(ms, off)| (from..to).contains(ms) && (off - by).abs() < 900)
    };
    let jumped = shown(r#"{"id":"f","fault":"wall-jump","node":3,"by_ms":60000,"at_ms":3000}"#);
    assert!(near(&jumped, 1_000, 3_000, 0) && near(&jumped, 3_500, 9_000, 60_000));
    let skewed =
        shown(r#"{"id":"f","fault":"skew","node":3,"by_ms":-60000,"at_ms":3000,"for_ms":3000}"#);
    assert!(near(&skewed, 3_500, 6_000, -60_000) && near(&skewed, 7_500, 12_000, 0));
    let strobed = shown(
        r#"{"id":"f","fault":"skew","node":3,"by_ms":60000,"at_ms":3000,"for_ms":6000,"flap_ms":400}"#,
    );
    assert!(near(&strobed, 4_000, 9_000, 60_000) && near(&strobed, 4_000, 9_000, 0));
}
