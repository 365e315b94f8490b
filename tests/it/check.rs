//! `zablab check`: histories with known verdicts, what is said of violations, and files that are none.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use super::cli::scratch;
use super::layering::root;

fn check(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_zablab"))
        .arg("check")
        .args(arguments)
        .current_dir(root())
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// The files of a folder that are histories, in order.
fn histories(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| {
        let extension = file.extension().and_then(|extension| extension.to_str());
        matches!(extension, Some("jsonl" | "edn"))
    });
    files.sort();
    files
}

/// Judges files; answers the array that `--json` prints.
fn judged(files: &[PathBuf], model: &str) -> Vec<Value> {
    let mut arguments: Vec<&str> = files.iter().map(|file| file.to_str().unwrap()).collect();
    arguments.extend(["--json", "--model", model]);
    let output = check(&arguments);
    assert!(output.stderr.is_empty(), "{}", text(&output.stderr));
    serde_json::from_slice::<Vec<Value>>(&output.stdout).unwrap()
}

#[test]
fn every_anomaly_is_found_and_the_legal_history_beside_it_is_not_accused() {
    let files = histories(&root().join("tests/data/histories"));
    assert!(files.len() > 60);
    for (file, report) in files.iter().zip(judged(&files, "auto")) {
        let name = file.file_name().unwrap().to_str().unwrap();
        let mut parts = name.split('.');
        let (model, _, verdict) = (parts.next(), parts.next(), parts.next());
        assert_eq!(report["verdict"].as_str(), verdict, "{name}: {report}");
        assert_eq!(report["model"].as_str(), model, "{name}: {report}");
        if report["verdict"] == "violated" {
            assert!(
                !report["explanation"]["operations"]
                    .as_array()
                    .unwrap()
                    .is_empty()
            );
        } else {
            assert!(report["explanation"].is_null());
        }
    }
}

#[test]
fn the_search_alone_says_the_same() {
    let mut files = histories(&root().join("tests/data/histories"));
    files.retain(|file| !file.to_str().unwrap().contains("/znode."));
    let fast = judged(&files, "auto");
    let mut arguments: Vec<&str> = files.iter().map(|file| file.to_str().unwrap()).collect();
    arguments.extend(["--json", "--search"]);
    let slow: Vec<Value> = serde_json::from_slice(&check(&arguments).stdout).unwrap();
    for (fast, slow) in fast.iter().zip(slow) {
        assert_eq!(fast["verdict"], slow["verdict"], "{}", fast["file"]);
    }
}

#[test]
#[expect(clippy::print_stderr, reason = "a test that does nothing says so")]
fn recorded_histories_get_their_known_verdicts() {
    let folder = root().join("../shared/histories");
    let Ok(index) = fs::read(folder.join("index.json")) else {
        eprintln!("left out: ../shared/histories is not there");
        return;
    };
    let index: Value = serde_json::from_slice(&index).unwrap();
    let known = index["histories"].as_array().unwrap();
    assert!(!known.is_empty());
    let files: Vec<PathBuf> = known
        .iter()
        .map(|history| folder.join(history["file"].as_str().unwrap()))
        .collect();
    for (history, report) in known.iter().zip(judged(&files, "auto")) {
        let file = history["file"].as_str().unwrap();
        let expected = if history["verdict"] == "linearizable" {
            "holds"
        } else {
            "violated"
        };
        assert_eq!(report["verdict"], expected, "{file}");
        // A register that is only read and written is one, whatever it could do.
        let is_register = report["model"] == "register" && history["model"] == "cas-register";
        assert!(
            is_register || report["model"] == history["model"],
            "{file}: {report}"
        );
    }
    // The model may be told instead of found out.
    let model = |history: &&Value| history["model"] == "cas-register";
    let files: Vec<PathBuf> = known
        .iter()
        .filter(model)
        .map(|history| folder.join(history["file"].as_str().unwrap()))
        .collect();
    for (history, report) in known
        .iter()
        .filter(model)
        .zip(judged(&files, "cas-register"))
    {
        assert_eq!(
            report["verdict"] == "holds",
            history["verdict"] == "linearizable",
            "{}",
            history["file"]
        );
    }
}

#[test]
fn a_violation_is_told_in_sentences_and_drawn() {
    let directory = scratch("check-svg");
    let svg = directory.join("why.svg");
    let output = check(&[
        "tests/data/histories/znode.stale-read.violated.jsonl",
        "--svg",
        svg.to_str().unwrap(),
    ]);
    assert_eq!(output.status.code(), Some(1));
    let expected = "\
violated   znode                 3 operations  tests/data/histories/znode.stale-read.violated.jsonl
stale-read
  process 1 set \"/a\" {\"data\": \"q\", \"expect\": -1} -> {\"version\": 2, \"zxid\": 11} (lines 3-4, 0.003000 s to 0.004000 s)
  process 2 get \"/a\" -> {\"data\": \"p\", \"version\": 1, \"mzxid\": 10} (lines 5-6, 0.005000 s to 0.006000 s)
  process 1's set (line 3) returned before process 2's get (line 5) began and proves version 2 or later, yet the read shows version 1
";
    assert_eq!(text(&output.stdout), expected);
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    assert!(readme.contains(expected), "README.md shows it");
    let picture = fs::read_to_string(svg).unwrap();
    assert!(picture.starts_with("<svg "), "{picture}");
    assert_eq!(picture.matches("<rect x=").count(), 2, "{picture}");
}

#[test]
fn several_files_get_a_line_each_and_the_worst_verdict_counts() {
    let output = check(&[
        "tests/data/histories/mutex.two-holders.holds.jsonl",
        "tests/data/histories/mutex.two-holders.violated.jsonl",
    ]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(text(&output.stdout).lines().count(), 2);
    let output = check(&["tests/data/histories/mutex.two-holders.holds.jsonl"]);
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn a_spent_budget_leaves_a_history_undecided() {
    let file = "tests/data/histories/cas-register.lost-update.holds.jsonl";
    let output = check(&[file, "--budget", "1"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(text(&output.stdout).contains("try a larger --budget"));
}

#[test]
fn the_checkers_are_listed() {
    let output = check(&["--list"]);
    assert_eq!(output.status.code(), Some(0));
    for name in ["versions", "zones", "search"] {
        assert!(text(&output.stdout).contains(&format!("{name}   ")));
    }
    let output = check(&["--list", "--json"]);
    let checkers: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    assert!(checkers.iter().all(|checker| checker["source"].is_string()));
}

#[test]
fn files_that_are_no_histories_are_refused_with_their_line() {
    let directory = scratch("check-refused");
    let invoke = r#"{"process":0,"type":"invoke","f":"read","value":null}"#;
    let ok = r#"{"process":0,"type":"ok","f":"read","value":1}"#;
    let cases: &[(&str, String, &str)] = &[
        (
            "cut",
            format!("{invoke}\n{}", &ok[..20]),
            "line 2: the line is cut off",
        ),
        ("nul", format!("{invoke}\n\0\n"), "line 2: byte 1 is NUL"),
        (
            "again",
            format!("{invoke}\n{invoke}\n"),
            "line 2: process 0 invokes \"read\" while the operation of line 1 is open",
        ),
        (
            "twice",
            format!("{invoke}\n{ok}\n{ok}\n"),
            "line 3: process 0 completes \"read\", but has no operation open",
        ),
        (
            "alone",
            format!("{ok}\n"),
            "line 1: process 0 completes \"read\", but has no operation open",
        ),
        (
            "type",
            r#"{"process":"x","type":7,"f":"read"}"#.to_owned(),
            "line 1: the field type is 7",
        ),
        (
            "process",
            r#"{"process":1.5,"type":"ok","f":"read"}"#.to_owned(),
            "line 1: the field process is 1.5",
        ),
        (
            "field",
            r#"{"process":1,"process":1,"type":"ok","f":"read"}"#.to_owned(),
            "line 1: duplicate field `process`",
        ),
        (
            "array",
            "[{\"process\": 0}]".to_owned(),
            "line 1: found no object, expected",
        ),
        (
            "edn",
            "{:process 0, :type :invoke, :f :read, :value nil}\n{:process 0 :type".to_owned(),
            "line 2: the history ends in the middle",
        ),
        (
            "other",
            invoke.replace("read", "frob"),
            "line 1: no model has an operation \"frob\"",
        ),
    ];
    for (name, content, expected) in cases {
        let file = directory.join(name);
        fs::write(&file, content).unwrap();
        let output = check(&[file.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(2), "{name}");
        let complaint = text(&output.stderr);
        assert!(complaint.contains(expected), "{name}: {complaint}");
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn our_own_recordings_are_judged_by_what_zookeeper_promises() {
    let directory = scratch("check-recordings");
    let cases = [
        ("leader-crash", 0),
        ("session-expiry", 0),
        ("swarm", 0),
        ("znodes", 0),
        ("zoo/set-data-ignores-version", 1),
        ("zoo/event-after-reply", 1),
    ];
    for (name, code) in cases {
        let history = directory.join(format!("{}.jsonl", name.replace('/', "-")));
        let history = history.to_str().unwrap();
        Command::new(env!("CARGO_BIN_EXE_zablab"))
            .args([
                "run",
                &format!("scenarios/{name}.json"),
                "--history",
                history,
            ])
            .current_dir(root())
            .output()
            .unwrap();
        let output = check(&[history, "--model", "znode"]);
        let shown = text(&output.stdout);
        assert_eq!(
            output.status.code(),
            Some(code),
            "{name}: {shown}{}",
            text(&output.stderr)
        );
        if code == 0 {
            continue;
        }
        let output = check(&[history, "--json"]);
        let reports: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
        let operations = reports[0]["explanation"]["operations"].as_array().unwrap();
        assert!(!operations.is_empty(), "{shown}");
    }
}

#[test]
fn a_changed_version_in_a_recording_is_noticed() {
    let directory = scratch("check-changed");
    let history = directory.join("quiet.jsonl");
    Command::new(env!("CARGO_BIN_EXE_zablab"))
        .args([
            "run",
            "scenarios/quiet.json",
            "--history",
            history.to_str().unwrap(),
        ])
        .current_dir(root())
        .output()
        .unwrap();
    let lines = fs::read_to_string(&history).unwrap();
    let is_write = |line: &&str| line.contains(r#""type":"ok","f":"cas""#);
    let line = lines.lines().filter(is_write).nth(5).unwrap();
    let mut changed: Value = serde_json::from_str(line).unwrap();
    changed["version"] = (changed["version"].as_i64().unwrap() + 3).into();
    fs::write(&history, lines.replace(line, &changed.to_string())).unwrap();
    let output = check(&[history.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
}
