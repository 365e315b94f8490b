//! Simulated servers answer as a real ZooKeeper 3.9.5 did: recorded scripts, step by step, with results, Stats, zxids and
//! the order of events on each connection; on one server, on ensembles, and while leaders crash between the steps.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use zablab::base::rng::Seed;
use zablab::experiment::conform::{self, Played, Script, Setting};

use super::layering::root;

/// Every script of a folder.
fn scripts(folder: &str) -> Vec<Script> {
    let mut files: Vec<PathBuf> = fs::read_dir(root().join("tests/golden").join(folder))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let read = |file: &PathBuf| {
        let text = fs::read_to_string(file).unwrap();
        let stem = file.file_stem().unwrap().to_string_lossy();
        Script::parse(&text, &stem, &stem).unwrap()
    };
    files.iter().map(read).collect()
}

/// Plays the scripts of a folder; all of them but `skipped`, and at least so many steps.
fn check(folder: &str, setting: &Setting, skipped: &[&str], least: usize) {
    let (mut steps, mut left_out, mut differences) = (0, Vec::new(), Vec::new());
    for script in scripts(folder) {
        if conform::reason_to_skip(&script, setting).is_some() {
            left_out.push(script.title);
            continue;
        }
        let played = conform::play(&script, setting);
        steps += played.steps;
        if let Some(difference) = played.difference {
            differences.push(format!("{}: {difference:#?}", script.title));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    assert_eq!(left_out, skipped);
    assert!(steps >= least, "only {steps} steps were played");
}

fn on(servers: u8) -> Setting {
    Setting {
        servers,
        ..Setting::default()
    }
}

/// Crashes of the leader, so many steps apart.
fn crashing(servers: u8, every: u32) -> Setting {
    Setting {
        crash_every: Some(every),
        ..on(servers)
    }
}

const STANDALONE_ONLY: [&str; 2] = ["raw_unknown_ops", "version_wrap"];

const NOT_WITH_CRASHES: [&str; 7] = [
    "raw_unknown_ops",
    "reconnect_badpw",
    "session_expiry_by_timeout",
    "session_resume_two_conns",
    "timeout_negotiation",
    "ttl_renewal",
    "version_wrap",
];

#[test]
fn the_scripts_on_one_topic_each_come_out_as_recorded() {
    check("hand", &on(1), &[], 2_952);
}

#[test]
fn the_random_scripts_come_out_as_recorded() {
    check("shared", &on(1), &[], 24_375);
}

#[test]
fn the_scripts_of_an_ensemble_come_out_as_recorded() {
    check("ensemble", &on(1), &[], 7_741);
    check("ensemble", &on(5), &[], 7_741);
}

#[test]
fn an_ensemble_answers_like_one_server() {
    check("hand", &on(3), &STANDALONE_ONLY, 2_912);
    check("shared", &on(3), &[], 24_375);
    check("hand", &on(5), &STANDALONE_ONLY, 2_912);
}

#[test]
fn crashes_of_the_leader_between_two_steps_change_nothing() {
    check("hand", &crashing(1, 20), &NOT_WITH_CRASHES, 2_800);
    check("hand", &crashing(3, 5), &NOT_WITH_CRASHES, 2_800);
    let moved = ["ens_move_session", "ens_zxid_ahead"];
    check("ensemble", &crashing(5, 30), &moved, 7_700);
}

#[test]
fn other_weather_changes_nothing() {
    for seed in 2..=4 {
        let setting = Setting {
            seed: Seed(seed),
            ..crashing(3, 10)
        };
        check("hand", &setting, &NOT_WITH_CRASHES, 2_800);
    }
}

#[test]
fn servers_with_a_defect_that_clients_see_differ() {
    for (mutant, title) in [
        ("set-data-ignores-version", "version_rules"),
        ("event-after-reply", "watch_data"),
    ] {
        let setting = Setting {
            mutants: vec![mutant.to_owned()],
            ..on(3)
        };
        let scripts = scripts("hand");
        let script = scripts.iter().find(|script| script.title == title).unwrap();
        let Played { steps, difference } = conform::play(script, &setting);
        let difference = difference.unwrap();
        assert_eq!(difference.step, steps);
        assert_ne!(difference.expected, difference.got);
    }
}

// ----- the command line

fn zablab(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_zablab"))
        .args(arguments)
        .current_dir(root())
        .output()
        .unwrap()
}

fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

/// A script file of this test's own.
fn written(name: &str, text: &str) -> String {
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&file, text).unwrap();
    file.to_string_lossy().into_owned()
}

#[test]
fn conform_sums_up_what_it_played_and_names_what_it_left_out() {
    let output = zablab(&["conform", "tests/golden/hand", "--ensemble", "3"]);
    assert_eq!(output.status.code(), Some(0));
    let shown = stdout(&output);
    assert!(
        shown.ends_with("\n47 scripts, 2912 steps, 0 differences\n"),
        "{shown}"
    );
    let skipped = "skipped tests/golden/hand/version_wrap.jsonl: standalone only: ";
    assert!(shown.contains(skipped), "{shown}");
}

#[test]
fn conform_shows_the_first_difference_side_by_side() {
    let script = concat!(
        r#"{"mode":"standalone","clients":2,"steps":2,"name":"wrong"}"#,
        "\n",
        r#"{"c":"c0","op":"create","path":"/a","data":"x","r":{"err":"ok","z":1,"path":"/a"},"recv":{"c0":["R"]}}"#,
        "\n",
        r#"{"c":"c1","op":"delete","path":"/a","version":0,"r":{"err":"BadVersion","z":2},"recv":{"c1":["R"]}}"#,
        "\n"
    );
    let file = written("wrong.jsonl", script);
    let output = zablab(&["conform", &file]);
    assert_eq!(output.status.code(), Some(1));
    let expected = format!(
        "{file}:3: step 2 came out otherwise\n  {}\n           expected      got\n    r.err  \"BadVersion\"  \"ok\"\n\n\
         1 scripts, 2 steps, 1 differences\n",
        r#"{"c":"c1","op":"delete","path":"/a","version":0}"#
    );
    assert_eq!(stdout(&output), expected);
    let output = zablab(&["conform", &file, "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["scripts"], 1);
    assert_eq!(report["steps"], 2);
    assert_eq!(report["differences"], 1);
    let failed = &report["failed"][0];
    assert_eq!(failed["file"], file);
    assert_eq!(failed["step"], 2);
    assert_eq!(failed["expected"]["r"]["err"], "BadVersion");
    assert_eq!(failed["got"]["r"]["err"], "ok");
}

#[test]
fn conform_says_where_a_script_is_malformed() {
    let file = written(
        "malformed.jsonl",
        "{\"mode\":\"standalone\",\"clients\":1,\"steps\":1}\n{\"c\":\"c0\",\"op\":\"creat\"}\n",
    );
    let output = zablab(&["conform", &file]);
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
    let complaint = std::str::from_utf8(&output.stderr).unwrap();
    let expected = format!("error: {file}:2: the step has no result \"r\"\n");
    assert_eq!(complaint, expected);
}

#[test]
fn conform_wants_scripts_and_known_mutants() {
    for arguments in [
        ["conform", "scenarios"].as_slice(),
        &["conform", "tests/golden/hand", "--mutant", "nobody"],
        &["conform", "tests/golden/nowhere.jsonl"],
        &["conform", "tests/golden/hand", "--ensemble", "0"],
        &["conform"],
    ] {
        let output = zablab(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty());
    }
}
