//! The command line as a user meets it: exit codes, what goes to stdout and what to stderr.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use super::layering::root;

pub(crate) fn zablab(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_zablab"))
        .args(arguments)
        .current_dir(root())
        .output()
        .unwrap()
}

pub(crate) fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

pub(crate) fn json(output: &Output) -> serde_json::Value {
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A directory of this test's own, empty.
pub(crate) fn scratch(name: &str) -> PathBuf {
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&directory);
    fs::create_dir_all(&directory).unwrap();
    directory
}

#[test]
fn a_run_prints_each_verdict_and_the_way_to_play_it_again() {
    let output = zablab(&["run", "scenarios/leader-crash.json"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stderr.is_empty());
    let shown = text(&output.stdout);
    assert!(shown.contains("\nholds      total-order "), "{shown}");
    assert!(
        shown.contains("\nensemble    3 elections; syncs: "),
        "{shown}"
    );
    assert!(
        shown.contains("\nreplay      zablab replay scenarios/leader-crash.json\n"),
        "{shown}"
    );
}

#[test]
fn the_json_of_a_run_has_the_documented_fields() {
    let output = zablab(&["run", "scenarios/zoo/half-quorum.json", "--json"]);
    assert_eq!(output.status.code(), Some(0));
    let report = json(&output);
    assert_eq!(report["verdict"], "violated");
    assert_eq!(report["expected"], true);
    assert_eq!(report["digest"].as_str().unwrap().len(), 16);
    assert!(report["events"].as_u64().unwrap() > 1_000);
    assert!(report["virtual_ms"].as_u64().unwrap() >= 40_000);
    let property = &report["properties"][0];
    assert_eq!(
        (&property["name"], &property["verdict"]),
        (&"integrity".into(), &"holds".into())
    );
    assert!(property["exercised"].as_u64().unwrap() > 0);
    let violation = &report["violations"][0];
    assert!(violation["story"][0]["text"].is_string(), "{violation}");
    let situations = report["situations"].as_object().unwrap();
    assert!(situations["leaders-at-once"].as_u64().unwrap() > 0);
    assert!(situations.values().all(|count| count.as_u64() > Some(0)));
}

#[test]
fn a_violation_without_an_expectation_exits_with_1() {
    let output = zablab(&["run", "scenarios/zoo/half-quorum.json", "--seed", "3"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).contains("verdict     violated: "));
}

#[test]
fn an_event_budget_that_is_spent_exits_with_3() {
    let output = zablab(&["run", "scenarios/quiet.json", "--set", "limits.events=500"]);
    assert_eq!(output.status.code(), Some(3));
}

#[test]
fn a_replay_verifies_the_digest_and_says_when_it_differs() {
    let directory = scratch("replay");
    let out = directory.to_string_lossy();
    let sweep = zablab(&[
        "sweep",
        "scenarios/swarm.json",
        "--set",
        "mutants=[\"half-quorum\"]",
        "--seeds",
        "0..8",
        "--max-failures",
        "1",
        "--out",
        &out,
        "--json",
    ]);
    assert_eq!(sweep.status.code(), Some(1));
    let summary = json(&sweep);
    let file = summary["failures"][0]["file"].as_str().unwrap();
    let replay = zablab(&["replay", file]);
    assert_eq!(replay.status.code(), Some(0));
    let shown = text(&replay.stdout);
    assert!(shown.contains(", as the file expects"), "{shown}");
    assert!(
        shown.contains("  1         2         3 ") || shown.contains("event"),
        "{shown}"
    );

    let saved = fs::read_to_string(file).unwrap();
    let at = saved.find("\"digest\": \"").unwrap() + "\"digest\": \"".len();
    let other = if &saved[at..=at] == "0" { "1" } else { "0" };
    fs::write(file, format!("{}{other}{}", &saved[..at], &saved[at + 1..])).unwrap();
    let diverged = zablab(&["replay", file]);
    assert_eq!(diverged.status.code(), Some(4));
    assert!(text(&diverged.stdout).contains("DIVERGED"));
}

#[test]
fn a_malformed_scenario_is_one_error_with_its_place_and_exit_code_2() {
    let directory = scratch("malformed");
    let head = "{ \"format\": 1, \"name\": \"x\", ";
    let deep = format!("{head}\"plan\": {}", "[".repeat(100_000));
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("truncated", head.into(), "the text ends"),
        ("empty", Vec::new(), "the text ends where a value was expected"),
        ("binary", vec![0x7f, 0x45, 0x4c, 0x46, 0x02, 0x00], "found '\\u{7f}' where a value was expected"),
        ("not-utf8", vec![b'{', 0xff, 0xfe], "is not UTF-8"),
        ("misspelt", format!("{head}\"ensemble\": {{ \"voterz\": 3 }} }}").into(), "did you mean \"voters\"?"),
        ("no-voters", format!("{head}\"ensemble\": {{ \"voters\": 0 }} }}").into(), "expected 1 to 31"),
        ("enormous", format!("{head}\"ensemble\": {{ \"voters\": 10000 }} }}").into(), "\"voters\" is 10000"),
        (
            "stranger",
            format!("{head}\"plan\": [{{ \"id\": \"f\", \"fault\": \"partition\", \"groups\": [[1], [9]], \"at_ms\": 1 }}] }}").into(),
            "names server 9; the ensemble has servers 1 to 5",
        ),
        ("deep", deep.into(), "nest deeper than"),
        ("huge", vec![b' '; 40_000_000], "at most 2097152 are read"),
    ];
    for (name, bytes, message) in cases {
        let file = directory.join(format!("{name}.json"));
        fs::write(&file, bytes).unwrap();
        for command in ["run", "replay", "sweep"] {
            let output = zablab(&[command, &file.to_string_lossy()]);
            let complaint = text(&output.stderr);
            assert_eq!(output.status.code(), Some(2), "{name}: {complaint}");
            assert!(output.stdout.is_empty(), "{name}");
            assert_eq!(complaint.lines().count(), 1, "{name}: {complaint}");
            assert!(complaint.contains(message), "{name}: {complaint}");
            assert!(
                complaint.contains(&format!("{name}.json:")),
                "{name}: {complaint}"
            );
        }
    }
}

#[test]
fn a_result_that_has_no_place_is_refused_before_the_work() {
    let directory = scratch("no-place");
    let taken = directory.join("taken");
    fs::create_dir_all(&taken).unwrap();
    let inside_a_file = root().join("README.md/inside");
    for place in [&taken, &directory.join("absent/file"), &inside_a_file] {
        let place = place.to_string_lossy();
        // Neither run fails, so that a shrink which has played it says so and does not name the place.
        let shrink = ["shrink", "scenarios/quiet.json", "-o", &place];
        let sweep = [
            "sweep",
            "scenarios/quiet.json",
            "--seeds",
            "0..1",
            "--junit",
            &place,
        ];
        for command in [&shrink[..], &sweep[..]] {
            let output = zablab(command);
            assert_eq!(output.status.code(), Some(2), "{command:?}");
            assert!(output.stdout.is_empty());
            let complaint = text(&output.stderr);
            assert!(complaint.contains(&*place), "{complaint}");
        }
    }
    let inside = inside_a_file.to_string_lossy();
    let report = zablab(&["run", "scenarios/quiet.json", "--report", &inside]);
    assert_eq!(report.status.code(), Some(2));
    assert!(report.stdout.is_empty());
    assert_eq!(
        fs::read_dir(&directory).unwrap().count(),
        1,
        "nothing is left"
    );
}

#[test]
fn a_wrong_usage_exits_with_2_and_prints_no_result() {
    for arguments in [
        &["run", "no-such-file.json"][..],
        &["run", "scenarios"],
        &["run"],
        &["frobnicate"],
        &["sweep", "scenarios/quiet.json", "--seeds", "5..5"],
        &["sweep", "scenarios/quiet.json", "--jobs", "0"],
        &["replay", "scenarios/quiet.json", "--from", "9", "--to", "3"],
        &["run", "scenarios/quiet.json", "--set", "ensemble.voters=0"],
    ] {
        let output = zablab(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
        assert!(!output.stderr.is_empty(), "{arguments:?}");
    }
}

#[test]
fn the_lists_name_every_scenario_and_every_mutant() {
    let zoo = json(&zablab(&["scenarios", "scenarios/zoo", "--json"]));
    let files: Vec<&str> = zoo["scenarios"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["file"].as_str().unwrap())
        .collect();
    let mutants = json(&zablab(&["mutants", "--json"]));
    for mutant in mutants["mutants"].as_array().unwrap() {
        let is_listed = |file: &str| files.contains(&file);
        assert!(
            mutant["scenario"].as_str().is_none_or(is_listed),
            "{mutant}"
        );
    }
    let watches = json(&zablab(&["mutants", "--layer", "watch", "--json"]));
    let entry = &watches["mutants"][0];
    let fields: Vec<&String> = entry.as_object().unwrap().keys().collect();
    assert_eq!(
        fields,
        [
            "id", "issue", "kind", "layer", "property", "scenario", "story", "versions"
        ]
    );
    assert_eq!(entry["layer"], "watch");
    assert_eq!(
        zablab(&["mutants", "--layer", "water"]).status.code(),
        Some(2)
    );
    for command in ["scenarios", "mutants"] {
        let output = zablab(&[command]);
        assert_eq!(output.status.code(), Some(0));
        assert!(text(&output.stdout).lines().count() >= 8);
    }
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_zablab"))
        .args([
            "replay",
            "scenarios/leader-crash.json",
            "--from",
            "1",
            "--to",
            "9000000",
        ])
        .current_dir(root())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stderr.is_empty(), "{}", text(&output.stderr));
}

#[test]
fn every_command_explains_itself_with_examples() {
    for command in [
        "run",
        "replay",
        "sweep",
        "plan",
        "shrink",
        "explain",
        "mutants",
        "scenarios",
    ] {
        let output = zablab(&[command, "--help"]);
        assert_eq!(output.status.code(), Some(0));
        let help = text(&output.stdout);
        assert!(help.contains("Examples:"), "{help}");
        assert!(help.contains("--json"), "{help}");
    }
}
