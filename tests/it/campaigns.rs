//! Campaigns on disk: whatever stops them, nothing is lost, nothing is played twice, and the sum is the same.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use super::cli::scratch;
use super::layering::root;

/// A small campaign in which about half of the runs fail.
const CAMPAIGN: [&str; 14] = [
    "sweep",
    "scenarios/swarm.json",
    "--set",
    "mutants=[\"set-data-ignores-version\"]",
    "--set",
    "limits.virtual_ms=6000",
    "--set",
    "generate.window_ms=[500,4000]",
    "--set",
    "workload.0.think_ms=[200,2000]",
    "--seeds",
    "10..70",
    "--jobs",
    "2",
];

fn command(arguments: &[&str], out: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_zablab"));
    command
        .args(arguments)
        .arg("--out")
        .arg(out)
        .current_dir(root());
    command
}

fn run(arguments: &[&str], out: &Path) -> Output {
    command(arguments, out).output().unwrap()
}

/// The summary without the time it took and without the folder's own name.
fn summary(folder: &Path) -> Value {
    let text = fs::read_to_string(folder.join("summary.json")).unwrap();
    let text = text.replace(folder.to_str().unwrap(), "FOLDER");
    let mut summary: Value = serde_json::from_str(&text).unwrap();
    summary.as_object_mut().unwrap().remove("seconds").unwrap();
    summary
}

/// Every scenario file that was saved, by name.
fn saved(folder: &Path) -> Vec<(String, String)> {
    let mut files: Vec<(String, String)> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != "summary.json" && name != "journal.jsonl")
        .map(|name| {
            (
                name.clone(),
                fs::read_to_string(folder.join(&name)).unwrap(),
            )
        })
        .collect();
    files.sort();
    files
}

fn length(file: &Path) -> u64 {
    fs::metadata(file).map_or(0, |data| data.len())
}

/// Starts the campaign and kills it when its journal has grown by so many bytes.
fn kill_after(out: &Path, bytes: u64) {
    let journal = out.join("journal.jsonl");
    let goal = length(&journal) + bytes;
    let mut sweep = command(&CAMPAIGN, out)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    while length(&journal) < goal && sweep.try_wait().unwrap().is_none() {
        thread::sleep(Duration::from_micros(200));
    }
    sweep.kill().unwrap();
    sweep.wait().unwrap();
}

#[test]
fn a_campaign_killed_twenty_times_ends_with_the_summary_of_an_undisturbed_one() {
    let calm = scratch("campaign-calm");
    assert_eq!(run(&CAMPAIGN, &calm).status.code(), Some(1));
    let shaken = scratch("campaign-shaken");
    for nth in 0..20 {
        kill_after(&shaken, 1 + nth * 397 % 2_000);
        if nth % 3 == 0 {
            // What a crash of the machine may leave of the last line.
            let journal = shaken.join("journal.jsonl");
            let text = fs::read(&journal).unwrap();
            fs::write(&journal, &text[..text.len().saturating_sub(20)]).unwrap();
        }
    }
    let done = fs::read_to_string(shaken.join("journal.jsonl"))
        .unwrap()
        .lines()
        .count();
    assert!((5..60).contains(&done), "{done} lines after the last kill");
    assert_eq!(run(&CAMPAIGN, &shaken).status.code(), Some(1));
    assert_eq!(summary(&shaken), summary(&calm));
    assert_eq!(saved(&shaken), saved(&calm));
    let lines = |folder: &Path| {
        let text = fs::read_to_string(folder.join("journal.jsonl")).unwrap();
        let mut lines: Vec<String> = text.lines().map(ToOwned::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(lines(&shaken), lines(&calm));
}

#[test]
fn shards_sum_up_to_the_whole() {
    let whole = scratch("campaign-whole");
    run(&CAMPAIGN, &whole);
    let folder = scratch("campaign-shards");
    let shards: Vec<PathBuf> = (1..=3)
        .map(|index| folder.join(index.to_string()))
        .collect();
    for (index, shard) in shards.iter().enumerate() {
        let part = format!("{}/3", index + 1);
        let arguments = [&CAMPAIGN[..], &["--shard", &part]].concat();
        assert_eq!(run(&arguments, shard).status.code(), Some(1));
    }
    let merge = |shards: &[PathBuf], out: &Path| {
        let mut arguments = vec!["sweep", "--merge"];
        arguments.extend(shards.iter().map(|shard| shard.to_str().unwrap()));
        run(&arguments, out)
    };
    let merged = folder.join("merged");
    assert_eq!(merge(&shards, &merged).status.code(), Some(1));
    let plain = |folder: &Path| {
        let mut summary = summary(folder);
        for list in ["failures", "groups"] {
            for item in summary[list].as_array_mut().unwrap() {
                let item = item.as_object_mut().unwrap();
                let file = item.remove("file").unwrap();
                assert!(
                    Path::new(file.as_str().unwrap()).exists()
                        || file.as_str().unwrap().starts_with("FOLDER")
                );
                item.remove("replay");
            }
        }
        summary
    };
    assert_eq!(plain(&merged), plain(&whole));

    let part = folder.join("part");
    let output = merge(&shards[..2], &part);
    assert_eq!(summary(&part)["complete"], false);
    assert_eq!(
        output.status.code(),
        Some(1),
        "violations outweigh what is missing"
    );
    let strangers = merge(&[shards[0].clone(), folder.join("none")], &part);
    assert_eq!(strangers.status.code(), Some(2));

    // A line of no run of the campaign is refused, and not summed up.
    let journal = shards[1].join("journal.jsonl");
    let text = fs::read_to_string(&journal).unwrap();
    let line = text.lines().nth(1).unwrap();
    let stranger = line.replacen("\"scenario\":0", "\"scenario\":9", 1);
    fs::write(&journal, format!("{text}{stranger}\n")).unwrap();
    let output = merge(&shards, &part);
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
}

#[test]
#[expect(clippy::print_stdout, reason = "a test that does nothing says so")]
fn the_recipe_for_gnu_parallel_runs_a_campaign() {
    if Command::new("parallel").arg("--version").output().is_err() {
        println!("GNU parallel is not installed here; .ci/run installs it");
        return;
    }
    let folder = scratch("campaign-parallel");
    let page = fs::read_to_string(root().join("docs/campaigns.md")).unwrap();
    let recipe = page.split("### GNU parallel\n```\n").nth(1).unwrap();
    let recipe = recipe.split("```").next().unwrap();
    let recipe = recipe
        .replace("zablab", env!("CARGO_BIN_EXE_zablab"))
        .replace("0..1000", "0..12")
        .replace(
            "scenarios/",
            &format!("{}/", root().join("scenarios").display()),
        );
    let output = Command::new("sh")
        .arg("-ec")
        .arg(&recipe)
        .current_dir(&folder)
        .output()
        .unwrap();
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let summary = summary(&folder.join("whole"));
    assert_eq!(summary["seeds"], 12);
    assert_eq!(summary["complete"], true);
}

#[test]
fn the_first_failure_is_the_same_with_one_job_and_with_four() {
    let first = |jobs: &'static str| {
        let out = scratch(&format!("campaign-first-{jobs}"));
        let mut arguments = CAMPAIGN.to_vec();
        *arguments.last_mut().unwrap() = jobs;
        arguments.push("--until-failure");
        assert_eq!(run(&arguments, &out).status.code(), Some(1));
        let mut summary = summary(&out);
        assert_eq!(summary["failures"].as_array().unwrap().len(), 1);
        summary["failures"][0]["replay"].take();
        summary
    };
    assert_eq!(first("1"), first("4"));
}

#[test]
fn folders_of_other_campaigns_are_refused_and_left_alone() {
    let out = scratch("campaign-other");
    let mut small = CAMPAIGN.to_vec();
    small[11] = "10..12";
    run(&small, &out);
    let before = fs::read(out.join("journal.jsonl")).unwrap();
    let output = run(&CAMPAIGN, &out);
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
    let complaint = String::from_utf8(output.stderr).unwrap();
    assert!(
        complaint.contains("another campaign: the seeds differ"),
        "{complaint}"
    );
    assert_eq!(fs::read(out.join("journal.jsonl")).unwrap(), before);
    fs::write(out.join("journal.jsonl"), "something else\n").unwrap();
    let output = run(&small, &out);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        fs::read(out.join("journal.jsonl")).unwrap(),
        b"something else\n"
    );
}

#[test]
fn a_junit_report_names_each_failure() {
    let out = scratch("campaign-junit");
    let file = out.join("report.xml");
    let mut arguments = CAMPAIGN.to_vec();
    arguments[11] = "10..20";
    arguments.extend(["--junit", file.to_str().unwrap()]);
    run(&arguments, &out);
    let failures = summary(&out)["failures"].as_array().unwrap().len();
    assert!(failures > 0);
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.starts_with("<?xml version=\"1.0\""));
    assert_eq!(
        text.matches("<failure type=\"linearizable-writes\"")
            .count(),
        failures
    );
    assert!(text.contains("zablab replay"));
}

#[test]
fn every_seed_comes_out_the_same_in_a_second_process() {
    let out = scratch("campaign-twins");
    let mut arguments = CAMPAIGN.to_vec();
    arguments[11] = "0..6";
    arguments.push("--verify-determinism");
    run(&arguments, &out);
    let failures = summary(&out)["failures"].take();
    let is_twin = |failure: &Value| failure["property"] == "determinism";
    assert!(
        !failures.as_array().unwrap().iter().any(is_twin),
        "{failures}"
    );
}

#[test]
fn a_folder_stands_for_the_scenarios_in_it() {
    let seeds = ["--seeds", "0..1"];
    let folder = scratch("campaign-of-a-folder");
    let of_folder = [&["sweep", "scenarios/recipes"][..], &seeds].concat();
    let swept = run(&of_folder, &folder.join("whole"));
    assert_eq!(swept.status.code(), Some(0), "{swept:?}");
    let mut files: Vec<String> = fs::read_dir(root().join("scenarios/recipes"))
        .unwrap()
        .map(|entry| format!("scenarios/recipes/{}", entry.unwrap().file_name().display()))
        .collect();
    files.sort();
    let mut one_by_one = vec!["sweep"];
    one_by_one.extend(files.iter().map(String::as_str));
    one_by_one.extend(seeds);
    run(&one_by_one, &folder.join("files"));
    let whole = summary(&folder.join("whole"));
    assert_eq!(whole["held"], files.len());
    assert_eq!(whole, summary(&folder.join("files")));

    let empty = scratch("campaign-of-nothing");
    let of_nothing = run(&["sweep", empty.to_str().unwrap()], &empty.join("out"));
    assert_eq!(of_nothing.status.code(), Some(2));
    let said = String::from_utf8(of_nothing.stderr).unwrap();
    assert!(said.contains("has no scenario"), "{said}");
}
