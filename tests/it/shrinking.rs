//! Plans, shrinks and explanations as a user meets them.

use std::fs;

use zablab::experiment::scenario::Scenario;

use super::cli::{json, scratch, text, zablab};

#[test]
fn a_printed_plan_is_a_scenario_file_that_plays_as_its_seed_does() {
    let directory = scratch("plan");
    let file = directory.join("seed7.json");
    let plan = zablab(&["plan", "scenarios/swarm.json", "--seed", "7"]);
    assert_eq!(plan.status.code(), Some(0));
    fs::write(&file, &plan.stdout).unwrap();
    let printed = Scenario::parse(&plan.stdout, "seed7.json", &[]).unwrap();
    assert!(printed.generate.is_none() && printed.plan.len() > 3);
    let digest = |arguments: &[&str]| json(&zablab(arguments))["digest"].clone();
    assert_eq!(
        digest(&["run", &file.to_string_lossy(), "--json"]),
        digest(&["run", "scenarios/swarm.json", "--seed", "7", "--json"])
    );
    let object = json(&zablab(&[
        "plan",
        "scenarios/swarm.json",
        "--seed",
        "7",
        "--json",
    ]));
    assert_eq!(object["scenario"]["seed"], 7);
    assert_eq!(object["faults"][0]["id"], &*printed.plan[0].id);
}

#[test]
fn a_resolved_plan_names_no_role_that_struck_somebody() {
    let plan = zablab(&["plan", "scenarios/leader-crash.json", "--resolved"]);
    assert_eq!(plan.status.code(), Some(0));
    let shown = text(&plan.stdout);
    assert!(!shown.contains("\"node\": \"leader\""), "{shown}");
    assert!(!shown.contains("\"when\""), "{shown}");
}

#[test]
fn a_shrunk_failure_is_small_replays_and_says_why_each_thing_is_needed() {
    let directory = scratch("shrink");
    let small = directory.join("small.json");
    let small = small.to_string_lossy();
    let set = "mutants=[\"set-data-ignores-version\"]";
    let shrink = |jobs: &str, format: &str| {
        let arguments = [
            "shrink",
            "scenarios/swarm.json",
            "--seed",
            "1",
            "--set",
            set,
            "-o",
            &small,
            "--jobs",
            jobs,
            format,
        ];
        let output = zablab(&arguments[..arguments.len() - usize::from(format.is_empty())]);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        assert!(output.stderr.is_empty(), "{}", text(&output.stderr));
        output
    };
    let object = json(&shrink("1", "--json"));
    let file = fs::read_to_string(&*small).unwrap();
    assert_eq!(object["complete"], true);
    assert!(object["after"]["items"].as_u64().unwrap() <= 8, "{object}");
    assert!(object["before"]["items"].as_u64().unwrap() > 20, "{object}");
    let needs = object["needs"].as_array().unwrap();
    let mutant = needs.iter().find(|need| need["kind"] == "mutant").unwrap();
    assert_eq!(mutant["without"], "holds");
    let shown = shrink("3", "");
    assert_eq!(
        fs::read_to_string(&*small).unwrap(),
        file,
        "jobs do not matter"
    );
    assert!(text(&shown.stdout).contains("\nneeded "), "{shown:?}");
    let replay = zablab(&["replay", &small]);
    assert_eq!(replay.status.code(), Some(0));
    assert!(text(&replay.stdout).contains(", as the file expects"));
    let run = zablab(&["run", &small]);
    assert_eq!(run.status.code(), Some(0));
    let left: Vec<_> = fs::read_dir(&directory).unwrap().collect();
    assert_eq!(left.len(), 1, "no draft stays behind: {left:?}");
}

#[cfg(unix)]
#[test]
fn an_interrupted_shrink_leaves_the_best_so_far() {
    use std::process::{Command, Stdio};
    use std::time::Duration;
    let directory = scratch("shrink-interrupted");
    let small = directory.join("small.json");
    let child = Command::new(env!("CARGO_BIN_EXE_zablab"))
        .args(["shrink", "scenarios/swarm.json", "--seed", "68", "--set"])
        .args([
            "mutants=[\"half-quorum\"]",
            "--set",
            "check=[\"watch-lost\"]",
        ])
        .args(["--jobs", "1", "--json", "-o", &small.to_string_lossy()])
        .current_dir(super::layering::root())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_millis(700));
    let pid = child.id().to_string();
    let kill = Command::new("kill").args(["-INT", &pid]).status().unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(kill.success());
    assert_eq!(output.status.code(), Some(0));
    let object = json(&output);
    let replay = zablab(&["run", &small.to_string_lossy()]);
    assert_eq!(replay.status.code(), Some(0), "{object}");
    let left: Vec<_> = fs::read_dir(&directory).unwrap().collect();
    assert_eq!(left.len(), 1, "no draft stays behind: {left:?}");
}

#[test]
fn a_budget_ends_the_search_with_the_best_so_far() {
    let directory = scratch("shrink-budget");
    let small = directory.join("small.json");
    let output = zablab(&[
        "shrink",
        "scenarios/swarm.json",
        "--seed",
        "1",
        "--set",
        "mutants=[\"event-after-reply\"]",
        "--runs",
        "12",
        "-o",
        &small.to_string_lossy(),
    ]);
    assert_eq!(output.status.code(), Some(0));
    let shown = text(&output.stdout);
    assert!(
        shown.contains("ended before nothing more could be taken away"),
        "{shown}"
    );
    let run = zablab(&["run", &small.to_string_lossy()]);
    assert_eq!(run.status.code(), Some(0));
}

#[test]
fn what_does_not_fail_cannot_be_shrunk() {
    let directory = scratch("shrink-calm");
    let small = directory.join("small.json");
    let output = zablab(&[
        "shrink",
        "scenarios/quiet.json",
        "-o",
        &small.to_string_lossy(),
    ]);
    assert_eq!(output.status.code(), Some(2));
    let complaint = text(&output.stderr);
    assert!(complaint.contains("does not fail"), "{complaint}");
    assert!(!small.exists());
}

#[test]
fn an_explanation_names_the_faults_the_leaders_and_the_transaction_that_was_lost() {
    let arguments = |format: &'static str| {
        vec![
            "explain",
            "scenarios/swarm.json",
            "--seed",
            "2",
            "--set",
            "mutants=[\"half-quorum\"]",
            "--set",
            "check=[\"committed-survives\"]",
            format,
        ]
    };
    let object = json(&zablab(&arguments("--json")));
    assert_eq!(object["property"], "committed-survives");
    let sentences = object["sentences"].as_array().unwrap();
    assert!((10..=25).contains(&sentences.len()), "{object}");
    let past = object["past"].as_u64().unwrap();
    let event = object["event"].as_u64().unwrap();
    assert!(past > 100 && past < event, "{past} of {event}");
    let has = |words: &[&str]| {
        sentences.iter().any(|sentence| {
            let text = sentence["text"].as_str().unwrap();
            words.iter().all(|word| text.contains(word))
        })
    };
    assert!(has(&["fault ", "begins"]), "{object}");
    assert!(has(&["proposed "]) && has(&["committed "]), "{object}");
    assert!(has(&["leads epoch", "lacks"]), "{object}");
    let events: Vec<u64> = sentences
        .iter()
        .map(|sentence| sentence["event"].as_u64().unwrap())
        .collect();
    assert!(events.is_sorted());
    assert_eq!(events.last(), Some(&event));
}

#[test]
fn the_curve_of_a_failure_does_not_depend_on_jobs_and_rises_to_certainty() {
    let curve = |jobs| {
        let output = zablab(&[
            "explain",
            "scenarios/swarm.json",
            "--seed",
            "0",
            "--set",
            "mutants=[\"set-data-ignores-version\"]",
            "--when",
            "--points",
            "8",
            "--runs",
            "8",
            "--jobs",
            jobs,
            "--json",
        ]);
        assert_eq!(output.status.code(), Some(0));
        json(&output)
    };
    let alone = curve("1");
    assert_eq!(alone, curve("3"));
    let points = alone["when"]["curve"].as_array().unwrap();
    assert_eq!(points.len(), 8);
    for point in points {
        let share = point["fails"].as_u64().unwrap() * 1_000 / point["runs"].as_u64().unwrap();
        assert!(point["low"].as_u64().unwrap() <= share, "{point}");
        assert!(point["high"].as_u64().unwrap() >= share, "{point}");
    }
    assert!(alone["when"].get("steepest").is_some());
}

#[test]
fn the_share_of_failing_runs_rises_where_a_failure_becomes_inevitable() {
    let output = zablab(&[
        "explain",
        "scenarios/point-of-no-return.json",
        "--when",
        "--points",
        "16",
        "--runs",
        "32",
        "--json",
    ]);
    assert_eq!(output.status.code(), Some(0));
    let when = &json(&output)["when"];
    let points = when["curve"].as_array().unwrap();
    let bound = |point: &serde_json::Value, name: &str| point[name].as_u64().unwrap();
    let before = bound(&points[0], "high");
    let after = points
        .iter()
        .map(|point| bound(point, "low"))
        .max()
        .unwrap();
    assert!(
        before < 400 && after > 600,
        "from less than half to more, beyond doubt: {before} {after}"
    );
    let (from, to) = (
        bound(&when["steepest"], "from_event"),
        bound(&when["steepest"], "to_event"),
    );
    let fails = |event| {
        let point = points.iter().find(|point| point["event"] == event);
        bound(point.unwrap(), "fails")
    };
    assert!(fails(to) > fails(from) + 4, "{when}");
    assert!(!when["steepest"]["sentences"].as_array().unwrap().is_empty());
}

#[test]
fn an_undecided_run_is_explained_by_what_was_not_judged() {
    let spent = [
        "explain",
        "scenarios/quiet.json",
        "--set",
        "limits.events=500",
    ];
    let output = zablab(&spent);
    assert_eq!(output.status.code(), Some(0));
    let told = text(&output.stdout);
    for part in ["undecided", "500 events", "limits.events", "liveness"] {
        assert!(told.contains(part), "{part}: {told}");
    }
    let output = zablab(&[&spent[..], &["--json"]].concat());
    assert_eq!(output.status.code(), Some(0));
    let known = json(&output);
    assert_eq!(known["verdict"], "undecided");
    assert_eq!(
        (&known["event"], &known["budget"]),
        (&500.into(), &500.into())
    );
    let output = zablab(&[&spent[..], &["--when"]].concat());
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
    assert!(text(&output.stderr).contains("undecided"));
}

#[test]
fn what_violates_nothing_cannot_be_explained() {
    let output = zablab(&["explain", "scenarios/quiet.json"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
    let complaint = text(&output.stderr);
    assert!(complaint.contains("violates nothing"), "{complaint}");
}
