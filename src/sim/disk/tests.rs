//! What a disk keeps, loses and answers, command by command and crash by crash.

use super::super::fault::{Fault, Target, Unsynced};
use super::super::process::{Effect, File, Install};
use super::super::testing::{Act, Found, Numbers, Stage, exact, list};
use crate::base::id::NodeId;
use crate::base::time::{Span, Time};

const POWER: [Unsynced; 3] = [
    Unsynced::PowerDrawn,
    Unsynced::PowerLost,
    Unsynced::PowerKept,
];

/// Records 0..3 forced, then 3..10 appended.
fn half_forced(seed: u64) -> Stage {
    let mut stage = Stage::new(seed, exact(1), Vec::new());
    stage.run_to(1);
    stage.append(1, 0..3);
    stage.effect(1, Effect::Sync);
    stage.run_for(10);
    stage.append(1, 3..10);
    stage
}

fn crash_and_read(stage: &mut Stage, unsynced: Unsynced) -> Found {
    stage.crash(1, unsynced);
    stage.heal_all();
    stage.found(1)
}

fn numbers(count: u64) -> Vec<u64> {
    (0..count).collect()
}

fn install(image: u64, log: Vec<u64>) -> Effect<Numbers> {
    Effect::Install(Box::new(Install {
        image,
        log,
        files: vec![(File(0), 7), (File(1), 7)],
    }))
}

#[test]
fn synced_counts_what_was_appended_when_the_sync_was_pushed() {
    let mut stage = Stage::exact(1);
    stage.append(1, 0..3);
    stage.effect(1, Effect::Sync);
    stage.run_for(1);
    stage.append(1, 3..5);
    stage.effect(1, Effect::Sync);
    stage.run_for(1);
    assert_eq!(stage.heard(1), ["synced 3"]);
    assert_eq!(stage.world.log(NodeId(1)).1, 3);
    stage.run_for(2);
    assert_eq!(
        stage.heard(1),
        ["synced 5"],
        "it starts when the first is done"
    );
    assert_eq!(stage.world.log(NodeId(1)).1, 5);
}

#[test]
fn a_new_life_counts_its_appends_from_zero() {
    let mut stage = half_forced(1);
    crash_and_read(&mut stage, Unsynced::PowerKept);
    stage.heard(1);
    stage.effect(1, Effect::Sync);
    stage.append(1, [10]);
    stage.effect(1, Effect::Sync);
    stage.run_for(10);
    assert_eq!(stage.heard(1), ["synced 0", "synced 1"]);
}

#[test]
fn a_power_loss_keeps_forced_records_and_a_prefix_of_the_rest_on_the_platter() {
    let mut kept = [0; 11];
    let mut torn = 0;
    for seed in 0..400 {
        let mut stage = half_forced(seed);
        let found = crash_and_read(&mut stage, Unsynced::PowerDrawn);
        assert!(found.log.len() >= 3 && found.log == numbers(found.log.len() as u64));
        assert!(
            found.forced,
            "what survives a loss of power is on the platter"
        );
        assert!(
            !found.torn || found.log.len() < 10,
            "a torn end is a lost record"
        );
        kept[found.log.len()] += 1;
        torn += u32::from(found.torn);
    }
    assert!(kept[3..].iter().all(|times| *times > 0), "{kept:?}");
    assert!((100..300).contains(&torn), "{torn} of 400");
}

#[test]
fn power_lost_and_power_kept_are_the_extremes() {
    let found = crash_and_read(&mut half_forced(5), Unsynced::PowerLost);
    assert_eq!((found.log, found.torn), (numbers(3), false));
    let found = crash_and_read(&mut half_forced(5), Unsynced::PowerKept);
    assert_eq!((found.log, found.torn), (numbers(10), false));
}

#[test]
fn a_kill_leaves_a_readable_unforced_prefix_that_a_later_power_loss_may_take() {
    let mut seen = (false, false);
    for seed in 0..100 {
        let mut stage = half_forced(seed);
        let found = crash_and_read(&mut stage, Unsynced::Kill);
        let length = found.log.len();
        assert!(length >= 3 && found.log == numbers(length as u64));
        assert_eq!(found.forced, length == 3);
        let again = crash_and_read(&mut stage, Unsynced::Kill);
        assert_eq!(again.log.len(), length, "the kernel has what was readable");
        let after = crash_and_read(&mut stage, Unsynced::PowerLost);
        assert_eq!(after.log, numbers(3));
        seen.0 |= length > 3;
        seen.1 |= length < 10;
    }
    assert_eq!(seen, (true, true));
}

#[test]
fn power_lost_while_the_process_is_down_takes_what_a_kill_had_left() {
    let mut stage = half_forced(3);
    stage.crash(1, Unsynced::Kill);
    let found = crash_and_read(&mut stage, Unsynced::PowerLost);
    assert_eq!(found.log, numbers(3));
}

#[test]
fn a_sync_at_boot_forces_what_a_kill_had_left() {
    let mut stage = half_forced(3);
    let left = crash_and_read(&mut stage, Unsynced::Kill).log;
    assert!(left.len() > 3, "the seed leaves something unforced");
    stage.effect(1, Effect::Sync);
    stage.run_for(10);
    assert_eq!(crash_and_read(&mut stage, Unsynced::PowerLost).log, left);
}

#[test]
fn an_operation_under_way_happens_or_not_and_those_behind_it_do_not() {
    let mut happened = 0;
    for seed in 0..200 {
        let mut stage = Stage::new(seed, exact(1), Vec::new());
        stage.run_to(1);
        for value in 1..=2 {
            stage.effect(
                1,
                Effect::Store {
                    file: File(2),
                    value,
                },
            );
        }
        stage.run_for(1);
        let found = crash_and_read(&mut stage, Unsynced::PowerDrawn);
        assert_ne!(found.files[2], Some(2));
        happened += u32::from(found.files[2] == Some(1));
    }
    assert!((60..140).contains(&happened), "{happened} of 200");
}

#[test]
fn stored_files_survive_every_crash_and_answer_once_durable() {
    for unsynced in POWER.into_iter().chain([Unsynced::Kill]) {
        let mut stage = Stage::exact(1);
        stage.effect(
            1,
            Effect::Store {
                file: File(1),
                value: 9,
            },
        );
        stage.run_for(2);
        assert_eq!(stage.heard(1), ["stored 1 9"]);
        let found = crash_and_read(&mut stage, unsynced);
        assert_eq!(found.files, [None, Some(9), None, None]);
    }
}

#[test]
fn an_install_is_atomic_under_a_crash_at_any_moment() {
    // Old disk: image none, log 0..10 of which 3 forced. New: image 50, log [51, 52], files; then 53 appended.
    let mut seen = (0, 0);
    for seed in 0..60 {
        for (step, unsynced) in (0..16).flat_map(|step| POWER.map(|power| (step, power))) {
            let mut stage = half_forced(seed);
            stage.effect(1, install(50, vec![51, 52]));
            stage.append(1, [53]);
            stage.effect(1, Effect::Sync);
            let at = stage.world.now() + Span::from_us(step * 300);
            stage
                .world
                .run_until(super::super::world::Limits::until(at), &mut stage.recorder);
            let installed = stage.heard(1).contains(&"installed".to_owned());
            let found = crash_and_read(&mut stage, unsynced);
            if found.image == Some(50) {
                assert!(found.log.starts_with(&[51, 52]), "{found:?}");
                assert!(found.log.len() <= 3 && found.forced);
                assert_eq!(found.files, [Some(7), Some(7), None, None]);
                seen.1 += 1;
            } else {
                assert!(!installed, "what was answered is durable");
                assert_eq!(found.image, None);
                assert!(found.log.len() >= 3 && found.log == numbers(found.log.len() as u64));
                assert_eq!(found.files, [None; 4]);
                seen.0 += 1;
            }
        }
    }
    assert!(seen.0 > 0 && seen.1 > 0);
}

#[test]
fn appends_after_an_install_belong_to_the_new_log_and_count_from_zero() {
    let mut stage = half_forced(1);
    stage.heard(1);
    stage.effect(1, Effect::Sync);
    stage.effect(1, install(50, vec![51]));
    stage.append(1, [52, 53]);
    stage.effect(1, Effect::Sync);
    assert_eq!(list(stage.world.log(NodeId(1)).0), numbers(10));
    stage.run_for(10);
    assert_eq!(stage.heard(1), ["synced 10", "installed", "synced 2"]);
    assert_eq!(list(stage.world.log(NodeId(1)).0), [51, 52, 53]);
    let found = crash_and_read(&mut stage, Unsynced::PowerLost);
    assert_eq!((found.image, found.log), (Some(50), vec![51, 52, 53]));
}

#[test]
fn a_snapshot_under_way_is_given_up_by_an_install() {
    let mut stage = Stage::exact(1);
    stage.effect(1, Effect::Snapshot { image: 1 });
    stage.effect(1, install(2, Vec::new()));
    stage.effect(1, Effect::Snapshot { image: 3 });
    stage.run_for(3);
    assert_eq!(stage.heard(1), ["installed"]);
    stage.run_for(2);
    assert_eq!(
        stage.heard(1),
        ["snapshotted"],
        "the one after it is written after it"
    );
    assert_eq!(
        crash_and_read(&mut stage, Unsynced::PowerKept).image,
        Some(3)
    );
}

#[test]
fn an_unforced_snapshot_may_be_lost_and_the_older_forced_one_read() {
    let mut seen = [0, 0];
    for seed in 0..100 {
        let mut stage = Stage::new(seed, exact(1), Vec::new());
        stage.run_to(1);
        stage.effect(1, install(1, Vec::new()));
        stage.run_for(5);
        stage.effect(1, Effect::Snapshot { image: 2 });
        stage.run_for(5);
        assert_eq!(crash_and_read(&mut stage, Unsynced::Kill).image, Some(2));
        let image = crash_and_read(&mut stage, Unsynced::PowerDrawn).image;
        seen[usize::from(image == Some(2))] += 1;
        assert!(image == Some(1) || image == Some(2));
        let again = crash_and_read(&mut stage, Unsynced::PowerLost).image;
        assert_eq!(again, image, "what survived is on the platter");
    }
    assert!(seen.iter().all(|times| *times > 20), "{seen:?}");
}

#[test]
fn many_snapshots_keep_the_last_forced_one() {
    let mut stage = Stage::exact(1);
    stage.effect(1, install(1, Vec::new()));
    for image in 2..20 {
        stage.effect(1, Effect::Snapshot { image });
    }
    stage.run_for(100);
    assert_eq!(
        crash_and_read(&mut stage, Unsynced::PowerLost).image,
        Some(1)
    );
}

#[test]
fn a_truncation_is_seen_at_once_but_only_a_sync_makes_it_last() {
    let truncated = |sync: bool, unsynced: Unsynced| {
        let mut stage = Stage::exact(1);
        stage.append(1, 0..6);
        stage.effect(1, Effect::Sync);
        stage.run_for(5);
        stage.effect(1, Effect::Truncate { keep: 2 });
        stage.append(1, [9]);
        assert_eq!(list(stage.world.log(NodeId(1)).0), [0, 1, 9]);
        if sync {
            stage.effect(1, Effect::Sync);
            stage.run_for(5);
        }
        crash_and_read(&mut stage, unsynced)
    };
    assert_eq!(truncated(false, Unsynced::PowerLost).log, numbers(6));
    assert_eq!(truncated(false, Unsynced::PowerKept).log, [0, 1, 9]);
    for unsynced in POWER {
        assert_eq!(truncated(true, unsynced).log, [0, 1, 9]);
    }
    let found = truncated(false, Unsynced::Kill);
    assert!(!found.forced && found.log.starts_with(&[0, 1]) && found.log.len() <= 3);
}

#[test]
fn a_sync_pushed_before_a_truncation_does_not_force_it() {
    let mut stage = Stage::exact(1);
    stage.append(1, 0..6);
    stage.effect(1, Effect::Sync);
    stage.run_for(5);
    stage.command(
        1,
        Act::Several(vec![
            Act::Do(Effect::Sync),
            Act::Do(Effect::Truncate { keep: 2 }),
        ]),
    );
    stage.run_for(5);
    let found = crash_and_read(&mut stage, Unsynced::PowerLost);
    assert_eq!(found.log, numbers(6));
}

#[test]
fn a_slow_disk_takes_its_factor_and_its_extra() {
    let mut stage = Stage::exact(1);
    stage.inject(Fault::SlowDisk {
        target: Target::Node(NodeId(1)),
        factor: 3,
        extra: Span::from_ms(4),
    });
    stage.effect(1, Effect::Sync);
    stage.run_for(20);
    let (time, _, text) = stage.recorder.heard.last().unwrap();
    assert_eq!((*time, text.as_str()), (Time::from_ms(11), "synced 0"));
}

#[test]
fn a_process_that_halts_loses_what_it_had_not_forced() {
    let mut stage = half_forced(1);
    stage.effect(1, Effect::Halt { code: 12 });
    stage.run_for(1_001);
    assert_eq!(stage.found(1).log, numbers(3));
}
