//! The building exercises: each folder in `tests/course` is a solution with the outcome that it must have.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::layering::root;
use serde_json::Value;

/// Solution, exit code, gates that fail, points of other parts that are lost, rules that are shown.
type Expected = (
    &'static str,
    i32,
    &'static [&'static str],
    &'static [&'static str],
    &'static [&'static str],
);

const ANSWERS: &str = "single answers";
const SAFE: &str = "runs without harm";
const LIVE: &str = "runs that go on";
const COST: &str = "cost";
const QUIET: &str = "no false alarms";
const FOUND: &str = "defects found";

const CLIENTS: &[Expected] = &[
    ("counter/reference", 0, &[], &[], &[]),
    (
        "counter/wrong-blind-retry",
        1,
        &[SAFE],
        &[],
        &["counter-exact"],
    ),
    (
        "counter/wrong-any-version",
        1,
        &[SAFE],
        &[],
        &["counter-exact"],
    ),
    ("counter/wasteful-asks-twice", 0, &[], &[COST], &[]),
    ("cached-reader/reference", 0, &[], &[], &[]),
    (
        "cached-reader/wrong-forgets-new-sessions",
        1,
        &[SAFE],
        &[],
        &["config-converges"],
    ),
    (
        "cached-reader/wrong-serves-while-cut-off",
        1,
        &[SAFE],
        &[],
        &["config-monotone"],
    ),
    ("cached-reader/wasteful-always-asks", 0, &[], &[COST], &[]),
    ("lock-client/reference", 0, &[], &[], &[]),
    (
        "lock-client/wrong-takes-at-departure",
        1,
        &[SAFE],
        &[],
        &["mutual-exclusion"],
    ),
    (
        "lock-client/wrong-creates-again",
        1,
        &[SAFE],
        &[LIVE],
        &["recipe-liveness"],
    ),
    ("lock-client/wrong-herd", 1, &[SAFE], &[], &["no-herd"]),
    (
        "lock-client/wasteful-watches-the-directory",
        0,
        &[],
        &[COST],
        &[],
    ),
    ("invariant/reference", 0, &[], &[], &[]),
    ("invariant/wrong-every-ack", 1, &[QUIET], &[], &[QUIET]),
    ("invariant/wrong-only-leaders", 1, &[FOUND], &[], &[FOUND]),
];

const EXPECTED: &[Expected] = &[
    ("commit-rule/reference", 0, &[], &[], &[]),
    (
        "commit-rule/wrong-counts-observers",
        1,
        &[ANSWERS],
        &[],
        &[ANSWERS],
    ),
    (
        "commit-rule/wrong-first-follower",
        1,
        &[ANSWERS, SAFE],
        &[],
        &[ANSWERS, "commit-quorum"],
    ),
    ("commit-rule/wasteful-forgets-own-ack", 0, &[], &[COST], &[]),
    ("vote-order/reference", 0, &[], &[], &[]),
    (
        "vote-order/wrong-longest-log",
        1,
        &[ANSWERS, SAFE],
        &[],
        &[ANSWERS],
    ),
    (
        "vote-order/wrong-sid-first",
        1,
        &[ANSWERS, SAFE],
        &[],
        &[ANSWERS],
    ),
    ("sync-decision/reference", 0, &[], &[], &[]),
    (
        "sync-decision/wrong-cuts-across-epochs",
        1,
        &[ANSWERS],
        &[],
        &[ANSWERS],
    ),
    (
        "sync-decision/wrong-never-cuts",
        1,
        &[ANSWERS, SAFE],
        &[],
        &[ANSWERS],
    ),
    ("sync-decision/wasteful-always-snap", 0, &[], &[COST], &[]),
    ("durable-steps/reference", 0, &[], &[], &[]),
    (
        "durable-steps/wrong-ack-before-force",
        1,
        &[ANSWERS, SAFE],
        &[],
        &[ANSWERS],
    ),
    (
        "durable-steps/wrong-promise-in-memory",
        1,
        &[ANSWERS, SAFE],
        &[],
        &[ANSWERS, "epoch-discipline"],
    ),
    ("quorum/reference", 0, &[], &[], &[]),
    (
        "quorum/wrong-counts-observers",
        1,
        &[ANSWERS, SAFE],
        &[],
        &[ANSWERS, "commit-quorum"],
    ),
    (
        "quorum/wrong-half-is-enough",
        1,
        &[ANSWERS, SAFE],
        &[],
        &[ANSWERS, "commit-quorum"],
    ),
];

fn zablab() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_zablab"));
    command.current_dir(root());
    command
}

/// The machines of this project have Python; without it these tests say so and show nothing.
#[expect(clippy::print_stdout, reason = "a test that shows nothing says so")]
fn has_python() -> bool {
    let has = Command::new("python3").arg("--version").output();
    let has = has.is_ok_and(|output| output.status.success());
    if !has {
        println!("python3 is not on this machine: solutions in Python were not graded");
    }
    has
}

fn scratch(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("course-{name}"));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("secret"), "a secret of this test\n").unwrap();
    folder
}

fn text(output: &Output) -> String {
    let (out, err) = (&output.stdout, &output.stderr);
    String::from_utf8_lossy(out).into_owned() + &String::from_utf8_lossy(err)
}

#[test]
fn every_decision_in_the_folder_is_graded_as_expected() {
    assert_graded("decisions", EXPECTED);
}

#[test]
fn every_program_in_the_folder_is_graded_as_expected() {
    assert_graded("programs", CLIENTS);
}

#[track_caller]
fn assert_graded(name: &str, expected: &[Expected]) {
    if !has_python() {
        return;
    }
    let folder = scratch(name);
    let secret = folder.join("secret");
    let mut wrong = Vec::new();
    for (solution, code, gates, points, rules) in expected {
        let output = zablab()
            .args([
                "course",
                "grade",
                "--json",
                "--seeds",
                "12",
                "--secret-file",
            ])
            .arg(&secret)
            .arg(Path::new("tests/course").join(solution))
            .output()
            .unwrap();
        let grades: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        let parts = grades["grades"][0]["parts"].as_array().cloned();
        let parts = parts.unwrap_or_default();
        let named = |is_gate: bool| -> Vec<String> {
            let failed = parts.iter().filter(|part| part["passed"] == false);
            let failed = failed.filter(|part| part["gate"] == is_gate);
            failed
                .map(|part| part["name"].as_str().unwrap().to_owned())
                .collect()
        };
        let shown: Vec<&str> = parts
            .iter()
            .filter_map(|part| part["rule"].as_str())
            .collect();
        let is_right = output.status.code() == Some(*code)
            && named(true) == *gates
            && points
                .iter()
                .all(|part| named(false).iter().any(|lost| lost == part))
            && rules.iter().all(|rule| shown.contains(rule))
            && (*code != 0 || !solution.contains("reference") || named(false).is_empty());
        if !is_right {
            let code = output.status.code();
            let (gates, points) = (named(true), named(false));
            wrong.push(format!(
                "{solution}: exit {code:?}, gates {gates:?}, points {points:?}, rules {shown:?}\n{}",
                text(&output)
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_solution_that_misbehaves_is_contained_and_it_is_its_own_failure() {
    if !has_python() {
        return;
    }
    let folder = scratch("contained");
    let misbehaviours = [
        ("crash", "raise ValueError", "it ended"),
        ("garbage", "print('maybe', flush=True)", "is not one"),
        (
            "other",
            "print('{\"plan\":{\"send\":\"snap\"}}', flush=True)",
            "another question",
        ),
        (
            "chatty",
            "print('{\"supersedes\":true}\\nhello\\nagain', flush=True); import time; time.sleep(0.2)",
            // Heard before the next question or after it: unasked, or no answer.
            "hello",
        ),
        ("flood", "print('x' * 3000000, flush=True)", "longer than"),
        ("hang", "import time; time.sleep(100)", "no answer"),
        (
            "moody",
            "n = n + 1; print('{\"supersedes\":%s}' % ('true' if n % 7 else 'false'), flush=True)",
            "differently",
        ),
        (
            "curious",
            "import os; print('{\"supersedes\":%s}' % ('true' if 'HOME' in os.environ else 'maybe'), flush=True)",
            "is not one",
        ),
    ];
    let of_clients = [
        (
            "shares",
            "n = n + ('add' in line); print('{\"do\":[%s]}' % ('{\"do\":\"get\",\"tag\":%d,\"path\":\"/counter\"}' % n if 'add' in line else ''), flush=True)",
            "let the same client do different things",
        ),
        (
            "fantasises",
            "print('{\"do\":[{\"do\":\"fly\"}]}', flush=True)",
            "is not one",
        ),
        (
            "volunteers",
            "print('{\"do\":[{\"do\":\"added\",\"value\":1}]}', flush=True)",
            "nobody had asked",
        ),
    ];
    let decisions = misbehaviours.map(|behaviour| ("vote-order", behaviour));
    let clients = of_clients.map(|behaviour| ("counter", behaviour));
    for (lab, (name, body, says)) in decisions.into_iter().chain(clients) {
        let dir = folder.join(name);
        fs::create_dir(&dir).unwrap();
        let manifest = format!(r#"{{ "lab": "{lab}", "run": ["python3", "solution.py"] }}"#);
        fs::write(dir.join("lab.json"), manifest).unwrap();
        let program = format!("import sys\nn = 0\nfor line in sys.stdin:\n    {body}\n");
        fs::write(dir.join("solution.py"), program).unwrap();
        let output = zablab()
            .args(["course", "grade", "--seeds", "1", "--secret-file"])
            .arg(folder.join("secret"))
            .arg(&dir)
            .output()
            .unwrap();
        let text = text(&output);
        assert_eq!(output.status.code(), Some(2), "{name}: {text}");
        assert!(text.contains(says), "{name}: {text}");
    }
}

#[test]
fn a_grade_can_be_given_again_and_comes_in_every_form() {
    if !has_python() {
        return;
    }
    let folder = scratch("forms");
    let grade = |more: &[&str]| {
        zablab()
            .args([
                "course",
                "grade",
                "--seeds",
                "2",
                "--jobs",
                "2",
                "--secret-file",
            ])
            .arg(folder.join("secret"))
            .args([
                "tests/course/quorum/reference",
                "tests/course/quorum/wrong-half-is-enough",
            ])
            .args(more)
            .output()
            .unwrap()
    };
    let (csv, junit) = (folder.join("grades.csv"), folder.join("grades.xml"));
    let (csv, junit) = (csv.to_str().unwrap(), junit.to_str().unwrap());
    let first = grade(&["--csv", csv, "--junit", junit]);
    assert_eq!(first.status.code(), Some(1), "{}", text(&first));
    assert_eq!(first.stdout, grade(&[]).stdout);
    let (pages, map) = (folder.join("pages"), folder.join("class.html"));
    let (pages, map) = (pages.to_str().unwrap(), map.to_str().unwrap());
    let shown = grade(&["--pages", pages, "--map", map]);
    assert!(
        text(&shown).contains("the run as a page: "),
        "{}",
        text(&shown)
    );
    let page = Path::new(pages).join("quorum-wrong-half-is-enough-2-commit-quorum.html");
    let page = fs::read_to_string(page).unwrap();
    assert!(page.contains("commit-quorum"));
    let map = fs::read_to_string(map).unwrap();
    assert!(map.contains("wrong-half-is-enough</th>") && map.contains("commit-quorum"));
    let table = fs::read_to_string(csv).unwrap();
    assert!(
        table.contains("wrong-half-is-enough,quorum,failed"),
        "{table}"
    );
    assert!(
        fs::read_to_string(junit)
            .unwrap()
            .contains("<failure message=")
    );
    let alone = folder.join("results.json");
    let one = zablab()
        .args(["course", "grade", "--seeds", "2", "--gradescope"])
        .arg(&alone)
        .arg("--secret-file")
        .arg(folder.join("secret"))
        .arg("tests/course/quorum/reference")
        .output()
        .unwrap();
    assert_eq!(one.status.code(), Some(0), "{}", text(&one));
    let results: Value = serde_json::from_str(&fs::read_to_string(alone).unwrap()).unwrap();
    assert_eq!(results["score"].to_string(), "100");
}

#[test]
fn what_the_grader_cannot_do_is_no_students_fault() {
    let folder = scratch("fault");
    for (secret, dir) in [
        ("missing", "tests/course/quorum/reference"),
        ("secret", "tests/course/nobody"),
    ] {
        let output = zablab()
            .args(["course", "grade", "--secret-file"])
            .arg(folder.join(secret))
            .arg(dir)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(3), "{}", text(&output));
    }
}

#[test]
fn a_template_is_a_folder_in_which_one_can_begin() {
    let folder = scratch("new");
    for (language, file) in [("rust", "src/lib.rs"), ("python", "solution.py")] {
        for lab in ["2", "4", "6", "7", "9", "10", "11", "12", "13"] {
            let dir = folder.join(format!("{language}-{lab}"));
            let output = zablab()
                .args(["course", "new", lab])
                .arg(&dir)
                .args(["--language", language])
                .output()
                .unwrap();
            assert_eq!(output.status.code(), Some(0), "{}", text(&output));
            assert!(dir.join(file).is_file() && dir.join("lab.json").is_file());
            let again = zablab()
                .args(["course", "new", lab])
                .arg(&dir)
                .output()
                .unwrap();
            assert_eq!(
                again.status.code(),
                Some(2),
                "a folder is never written over"
            );
        }
    }
    if has_python() {
        for (lab, seeds) in [("4", "2"), ("9", "4"), ("11", "8"), ("13", "4")] {
            let output = zablab()
                .args(["course", "test", "--seeds", seeds])
                .arg(folder.join(format!("python-{lab}")))
                .output()
                .unwrap();
            let text = text(&output);
            assert_eq!(
                output.status.code(),
                Some(1),
                "what a template has is no solution: {text}"
            );
            assert!(text.contains("<- your code"), "{text}");
        }
    }
}

#[test]
#[expect(
    clippy::print_stdout,
    reason = "a test that could not be run is not passed over in silence"
)]
fn on_a_terminal_a_student_sees_at_once_what_is_being_done() {
    let is_there = Command::new("script").arg("--version").output();
    if !is_there.is_ok_and(|output| text(&output).contains("util-linux")) || !has_python() {
        println!("not run: there is no util-linux script to open a terminal with, or no python3");
        return;
    }
    let folder = scratch("waiting");
    let mine = folder.join("mine");
    fs::create_dir_all(&mine).unwrap();
    let solution = root().join("tests/course/quorum/reference/solution.py");
    fs::copy(solution, mine.join("solution.py")).unwrap();
    let manifest = r#"{ "lab": "quorum", "build": ["true"], "run": ["python3", "solution.py"] }"#;
    fs::write(mine.join("lab.json"), manifest).unwrap();
    let zablab = env!("CARGO_BIN_EXE_zablab");
    let command = format!("{zablab} course test {} --seeds 1", mine.display());
    let output = Command::new("script")
        .args(["-qec", &command, "/dev/null"])
        .output()
        .unwrap();
    let shown = text(&output);
    let mut rest = shown.as_str();
    for part in [
        "building ",
        "public seeds, single answers: 0 of ",
        "public seeds, runs of ",
        ": 0 of 1",
        "PASSED",
    ] {
        let at = rest
            .find(part)
            .unwrap_or_else(|| panic!("{part:?} in {shown}"));
        rest = &rest[at..];
    }
}
