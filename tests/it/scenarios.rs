//! Every scenario file meets its `expect`, reads back what it writes, and says what it is about.

use std::fs;
use std::path::PathBuf;

use zablab::base::time::Time;
use zablab::cast::Witness;
use zablab::experiment::generate;
use zablab::experiment::run::{Nobody, play};
use zablab::experiment::scenario::Scenario;
use zablab::history::fact::{Fact, SyncKind};
use zablab::sim::sink::Stamp;

use super::layering::root;

/// The scenario files with their text.
pub(crate) fn files() -> Vec<(PathBuf, Scenario)> {
    files_of("scenarios")
}

/// The scenario files of a folder with their text.
pub(crate) fn files_of(folder: &str) -> Vec<(PathBuf, Scenario)> {
    let mut files = Vec::new();
    for entry in fs::read_dir(root().join(folder)).unwrap() {
        let path = entry.unwrap().path();
        let name = path.to_string_lossy();
        if !name.ends_with(".json") || name.ends_with(".schema.json") {
            continue;
        }
        let bytes = fs::read(&path).unwrap();
        let scenario = Scenario::parse(&bytes, &path.to_string_lossy(), &[]);
        files.push((
            path.clone(),
            scenario.unwrap_or_else(|error| panic!("{error}")),
        ));
    }
    files.sort_by(|left, right| left.0.cmp(&right.0));
    files
}

#[test]
fn every_scenario_meets_its_expectation() {
    let mut wrong = Vec::new();
    for (path, scenario) in files() {
        let outcome = play(&generate::expand(&scenario), &mut Nobody);
        if let Err(difference) = outcome.meets(&scenario.expect) {
            wrong.push(format!("{}: {difference}", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_scenario_is_named_after_its_file_and_says_what_it_is_about() {
    for (path, scenario) in files() {
        assert_eq!(path.file_stem().unwrap().to_string_lossy(), scenario.name);
        assert!(
            scenario.about.ends_with('.'),
            "{}: {:?}",
            scenario.name,
            scenario.about
        );
    }
}

#[test]
fn every_scenario_is_read_back_as_it_was_written() {
    for (path, scenario) in files() {
        let expanded = generate::expand(&scenario);
        let text = expanded.to_string();
        let again = Scenario::parse(text.as_bytes(), &path.to_string_lossy(), &[]).unwrap();
        assert_eq!(again, expanded);
    }
}

/// Counts what no counter of a run counts: syncs by kind once the first leader has taken in everybody, boots that
/// dropped records, leaders that gave way.
#[derive(Default)]
struct Rarities {
    log_diffs: u32,
    truncs: u32,
    snaps: u32,
    boot_drops: u32,
    gave_way: u32,
    used_up: u32,
}

impl Witness for Rarities {
    fn witness(&mut self, at: Stamp, fact: &Fact) {
        if let Fact::BootDropped { .. } = fact {
            self.boot_drops += 1;
        }
        if let Fact::RoleEnd { why, .. } = fact
            && why.contains("promised a later epoch")
        {
            self.gave_way += 1;
        }
        if let Fact::RoleEnd { why, .. } = fact
            && why.contains("counter is used up")
        {
            self.used_up += 1;
        }
        if let Fact::SyncSent { kind, .. } = fact
            && at.time > Time::from_ms(3_000)
        {
            match kind {
                SyncKind::Diff => {}
                SyncKind::LogDiff => self.log_diffs += 1,
                SyncKind::Trunc => self.truncs += 1,
                SyncKind::Snap => self.snaps += 1,
            }
        }
    }
}

/// What a scenario's `about` promises to show.
#[test]
fn scenarios_exercise_what_they_are_about() {
    let mut checked = 0;
    for (_, scenario) in files() {
        let mut late = Rarities::default();
        let counters = play(&generate::expand(&scenario), &mut late).counters;
        let shown = match scenario.name.as_str() {
            "leader-crash" | "minority-leader" => counters.elections >= 3,
            "rolling-restarts" => counters.boots == 10,
            "partition-2-3" => counters.elections >= 2,
            "snap-after-long-absence" => late.snaps == 2,
            "log-diff-after-absence" => late.log_diffs == 2 && late.snaps == 0,
            "counter-rolls-over" => late.used_up >= 3 && counters.commits > 3 * 254,
            "trunc-needed" => late.truncs >= 1,
            "session-expiry" => counters.sessions_expired >= 3 && counters.watches_fired > 0,
            "observer-joins" => late.snaps >= 2,
            "boot-drops-what-its-epoch-does-not-cover" => late.boot_drops == 1,
            "leader-gives-way-to-a-later-promise" => late.gave_way == 1,
            "power-loss-of-all" => counters.power_losses == 15,
            "znodes" => {
                counters.connections > 2 * counters.sessions && counters.watches_fired > 500
            }
            _ => continue,
        };
        assert!(shown, "{}: {counters:?}", scenario.name);
        checked += 1;
    }
    assert_eq!(checked, 14);
}
