//! Recorded runs: the history has Jepsen's shape, and a trace read back gives checkers all that they saw of the run itself.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use zablab::base::id::{EventId, ServerId};
use zablab::base::time::Time;
use zablab::check::panel::Panel;
use zablab::check::verdict::{At, Verdict};
use zablab::experiment::generate;
use zablab::experiment::outcome::Outcome;
use zablab::experiment::record::Recorder;
use zablab::experiment::run::{Nobody, liveness_bound, play};
use zablab::experiment::scenario::Scenario;
use zablab::history::codec::{Recorded, read_facts};
use zablab::history::fact::Fact;

use super::cli::scratch;
use super::layering::root;
use super::scenarios::{files, files_of};

fn scenario(name: &str) -> Scenario {
    let named = |(_, scenario): &(_, Scenario)| scenario.name == name;
    let mut all = files().into_iter().chain(files_of("scenarios/zoo"));
    let (_, scenario) = all.find(named).unwrap();
    generate::expand(&scenario)
}

/// What a run gave, its history and its trace.
fn recorded(scenario: &Scenario) -> (Outcome, String, String) {
    let mut recorder = Recorder::new(Some(Vec::new()), Some(Vec::new()));
    let outcome = play(scenario, &mut recorder);
    let recordings = recorder.finish();
    let text = |bytes: Option<std::io::Result<Vec<u8>>>| {
        String::from_utf8(bytes.unwrap().unwrap()).unwrap()
    };
    let (history, trace) = (text(recordings.history), text(recordings.trace));
    (outcome, history, trace)
}

/// Goes through a history as a reader does that knows Jepsen's rules only; gives the number of completions by type.
fn follow(history: &str) -> BTreeMap<String, u64> {
    let mut open: BTreeMap<u64, Value> = BTreeMap::new();
    let mut retired = Vec::new();
    let mut counts = BTreeMap::new();
    let mut time = 0;
    for (index, line) in history.lines().enumerate() {
        let line: Value = serde_json::from_str(line).unwrap();
        assert_eq!(line["index"], index);
        assert!(line["time"].as_u64().unwrap() >= time, "{line}");
        time = line["time"].as_u64().unwrap();
        let kind = line["type"].as_str().unwrap().to_owned();
        *counts.entry(kind.clone()).or_default() += 1;
        if kind == "event" {
            assert!(line["process"].is_null(), "{line}");
            continue;
        }
        let process = line["process"].as_u64().unwrap();
        assert!(!retired.contains(&process), "{line}");
        if kind == "invoke" {
            let before = open.insert(process, line.clone());
            assert!(before.is_none(), "{line}");
            continue;
        }
        let invoke = open.remove(&process).unwrap();
        for field in ["f", "key", "expected", "client", "op"] {
            assert_eq!(invoke[field], line[field], "{line}");
        }
        match kind.as_str() {
            "ok" => {}
            "fail" => assert!(line["error"].is_string(), "{line}"),
            "info" => retired.push(process),
            other => panic!("an unknown type: {other}"),
        }
    }
    counts
}

#[test]
fn each_invocation_of_a_quiet_run_has_its_completion() {
    let (outcome, history, _) = recorded(&scenario("quiet"));
    let counts = follow(&history);
    let count = |kind: &str| counts.get(kind).copied().unwrap_or(0);
    assert!(count("ok") > 1_000, "{counts:?}");
    assert_eq!(count("info"), 0);
    let open = count("invoke") - count("ok") - count("fail");
    assert!(
        open <= 3,
        "three clients have at most one operation open at the end"
    );
    let counters = &outcome.counters;
    let ended = counters.ops_ok + counters.ops_failed + counters.ops_unsent;
    assert_eq!(count("ok") + count("fail"), ended);
    assert!(count("event") > counters.watches_fired);
    for f in ["read", "write", "cas", "create", "delete", "exists"] {
        assert!(
            history.contains(&format!("\"type\":\"ok\",\"f\":\"{f}\"")),
            "{f}"
        );
    }
    assert!(history.contains("\"error\":\"mismatch\""));
}

#[test]
fn processes_end_with_unknown_outcomes_when_leaders_crash() {
    let (outcome, history, _) = recorded(&scenario("leader-crash"));
    let counts = follow(&history);
    assert!(outcome.counters.ops_unknown > 0);
    assert_eq!(counts["info"], outcome.counters.ops_unknown);
}

/// Judges the facts of a trace by a panel that knows of the run what its scenario says.
fn judge(scenario: &Scenario, outcome: &Outcome, facts: &[Recorded]) -> Panel {
    let voters = (1..=scenario.ensemble.voters).map(ServerId).collect();
    let mut panel = Panel::of(&scenario.check).with_ensemble(voters, liveness_bound(scenario));
    let mut unrest = Time::ZERO;
    for Recorded { event, time, fact } in facts {
        if let Fact::FaultBegan {
            effective: true, ..
        }
        | Fact::FaultEnded { .. } = fact
        {
            unrest = *time;
        }
        let at = At {
            event: *event,
            time: *time,
        };
        panel.observe(at, fact);
    }
    panel.fault_free_from(unrest);
    panel.finish(At {
        event: EventId(outcome.events),
        time: outcome.virtual_time,
    });
    panel
}

#[test]
fn a_trace_read_back_gives_the_verdicts_of_the_run_itself() {
    for name in [
        "quiet",
        "leader-crash",
        "ack-before-fsync",
        "session-expiry",
    ] {
        let scenario = scenario(name);
        let (outcome, _, trace) = recorded(&scenario);
        let facts: Vec<Recorded> = read_facts(&trace).map(Result::unwrap).collect();
        assert_eq!(facts.len(), trace.lines().count());
        let panel = judge(&scenario, &outcome, &facts);
        let (properties, violations) = Outcome::judge(panel.findings(), &scenario.check);
        assert_eq!(properties, outcome.properties, "{name}");
        assert_eq!(violations, outcome.violations, "{name}");
    }
}

#[test]
fn a_trace_without_one_of_its_facts_is_judged_differently() {
    let scenario = scenario("quiet");
    let (outcome, _, trace) = recorded(&scenario);
    assert_eq!(outcome.verdict(), Verdict::Holds);
    let mut facts: Vec<Recorded> = read_facts(&trace).map(Result::unwrap).collect();
    let delivered = |recorded: &Recorded| matches!(recorded.fact, Fact::Delivered { .. });
    let at = facts.iter().position(delivered).unwrap();
    facts.remove(at);
    let panel = judge(&scenario, &outcome, &facts);
    assert!(panel.first_violation().is_some());
}

#[test]
fn recording_does_not_change_the_run() {
    let scenario = scenario("quiet");
    let (outcome, _, _) = recorded(&scenario);
    assert_eq!(outcome, play(&scenario, &mut Nobody));
}

fn zablab(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_zablab"))
        .args(arguments)
        .current_dir(root())
        .output()
        .unwrap()
}

fn names_in(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name();
    let mut names: Vec<String> = entries
        .map(|entry| name(entry).to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn a_run_leaves_both_recordings_whole_and_nothing_else() {
    let directory = scratch("recordings");
    let (history, trace) = (directory.join("h.jsonl"), directory.join("t.jsonl"));
    fs::write(&history, "old").unwrap();
    let output = zablab(&[
        "run",
        "scenarios/quiet.json",
        "--history",
        &history.to_string_lossy(),
        "--trace",
        &trace.to_string_lossy(),
    ]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(
        output.stdout,
        zablab(&["run", "scenarios/quiet.json"]).stdout
    );
    let (_, expected_history, expected_trace) = recorded(&scenario("quiet"));
    assert!(fs::read_to_string(&history).unwrap() == expected_history);
    assert!(fs::read_to_string(&trace).unwrap() == expected_trace);
    assert_eq!(names_in(&directory), ["h.jsonl", "t.jsonl"]);
}

#[test]
fn a_recording_that_has_no_place_is_refused_before_the_run() {
    let directory = scratch("no-place");
    let path = |name: &str| directory.join(name).to_string_lossy().into_owned();
    let (own, same, lost) = (path("own.json"), path("same.jsonl"), path("none/x.jsonl"));
    fs::copy(root().join("scenarios/quiet.json"), &own).unwrap();
    let folder = directory.to_string_lossy();
    for (arguments, complaint) in [
        (vec!["--trace", "-"], "--trace - would mix with the results"),
        (
            vec!["--history", "-"],
            "--history - would mix with the results",
        ),
        (
            vec!["--history", &own],
            "would overwrite the scenario itself",
        ),
        (
            vec!["--history", &same, "--trace", &same],
            "would overwrite what --history writes",
        ),
        (vec!["--trace", &lost], "none/x.jsonl: No such file"),
        (vec!["--trace", &folder], "s a directory"),
    ] {
        let output = zablab(&[&["run", own.as_str()], arguments.as_slice()].concat());
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(told.contains(complaint), "{told}");
        assert_eq!(names_in(&directory), ["own.json"], "{arguments:?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told_and_leaves_no_recording() {
    let directory = scratch("full");
    let history = directory.join("h.jsonl");
    let output = zablab(&[
        "run",
        "scenarios/quiet.json",
        "--history",
        &history.to_string_lossy(),
        "--trace",
        "/dev/full",
    ]);
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.starts_with("error: /dev/full: "), "{told}");
    assert!(names_in(&directory).is_empty());
}
