//! Pages: the same bytes from the same run, one clear error for what is none, and a gallery that is what this version makes.

use std::fs;
use std::path::{Path, PathBuf};

use crate::cli::{json, scratch, text, zablab};

fn report(arguments: &[&str], directory: &Path) -> serde_json::Value {
    let out = directory.to_string_lossy();
    let mut all = vec!["report"];
    all.extend_from_slice(arguments);
    all.extend_from_slice(&["-o", &out, "--json"]);
    let output = zablab(&all);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    json(&output)
}

fn files(directory: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<(String, Vec<u8>)> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .flat_map(|path| match fs::read_dir(&path) {
            Ok(inner) => inner.map(|entry| entry.unwrap().path()).collect(),
            Err(_) => vec![path],
        })
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, fs::read(&path).unwrap())
        })
        .collect();
    files.sort();
    files
}

const SHORT: [&str; 2] = ["--set", "limits.virtual_ms=3000"];

#[test]
fn two_generations_of_a_page_are_the_same_bytes() {
    let (one, two) = (scratch("page-one"), scratch("page-two"));
    for directory in [&one, &two] {
        let run = ["scenarios/quiet.json", SHORT[0], SHORT[1]];
        let written = report(&run, directory);
        assert_eq!(written["verdict"], "holds");
    }
    let names: Vec<String> = files(&one).into_iter().map(|file| file.0).collect();
    for name in ["report.html", "report.json", "scenario.json", "roles.svg"] {
        assert!(names.iter().any(|other| other == name), "{name}");
    }
    assert!(files(&one) == files(&two), "two generations differ");
}

#[test]
fn a_run_leaves_the_page_that_report_makes_of_it() {
    let (one, two) = (scratch("page-run"), scratch("page-report"));
    let run = [
        "run",
        "scenarios/quiet.json",
        SHORT[0],
        SHORT[1],
        "--report",
    ];
    let out = one.to_string_lossy();
    let output = zablab(&[&run[..], &[&out]].concat());
    assert_eq!(output.status.code(), Some(0));
    report(&["scenarios/quiet.json", SHORT[0], SHORT[1]], &two);
    assert!(files(&one) == files(&two), "the pages differ");
    // What was left can be reported on again: it names the run, whoever plays it.
    let again = scratch("page-again");
    report(&[&out], &again);
    let digest = |directory: &Path| {
        let bytes = fs::read(directory.join("report.json")).unwrap();
        serde_json::from_slice::<serde_json::Value>(&bytes).unwrap()["digest"].clone()
    };
    assert_eq!(digest(&again), digest(&one));
}

#[test]
fn two_runs_are_compared_up_to_where_they_part() {
    let directory = scratch("page-compare");
    let file = "scenarios/zoo/diff-no-trunc.json";
    let written = report(&[file, "--against", "mutants=[]"], &directory);
    assert_eq!(written["verdict"], "differ");
    let bytes = fs::read(directory.join("report.json")).unwrap();
    let compared: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    let verdicts = [0, 1].map(|run| compared["runs"][run]["verdict"].clone());
    assert_eq!(verdicts, ["violated", "holds"]);
    let shared = compared["shared_events"].as_u64().unwrap();
    let violation = compared["runs"][0]["violations"][0]["event"].as_u64();
    assert!(0 < shared && Some(shared) < violation);
    assert_ne!(
        compared["first_difference"]["left"],
        compared["first_difference"]["right"]
    );
    let same = scratch("page-same");
    let written = report(&[file, file], &same);
    assert_eq!(written["verdict"], "same");
}

#[test]
fn pictures_are_left_as_svg_and_where_it_was_asked_for_as_png() {
    let directory = scratch("page-png");
    let out = directory.to_string_lossy();
    let run = [
        "report",
        "scenarios/quiet.json",
        SHORT[0],
        SHORT[1],
        "--png",
        "-o",
        &out,
    ];
    let output = zablab(&run);
    if cfg!(not(feature = "png")) {
        assert_eq!(output.status.code(), Some(2));
        assert!(text(&output.stderr).contains("--features png"));
        assert!(!directory.join("report.html").exists());
        return;
    }
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let pictures = files(&directory.join("plots"));
    let of = |ending: &str| -> Vec<&[u8]> {
        let named =
            |(name, _): &&(String, Vec<u8>)| Path::new(name).extension() == Some(ending.as_ref());
        let all = pictures.iter().filter(named);
        all.map(|(_, bytes)| bytes.as_slice()).collect()
    };
    assert!(of("svg").len() >= 4);
    assert_eq!(of("svg").len(), of("png").len());
    assert!(
        of("png")
            .iter()
            .all(|bytes| bytes.starts_with(b"\x89PNG\r\n"))
    );
}

#[test]
fn a_violation_is_told_in_three_sentences_at_least() {
    let directory = scratch("page-story");
    // The checker's evidence is one sentence.
    report(&["scenarios/zoo/uptodate-before-quorum.json"], &directory);
    let bytes = fs::read(directory.join("report.json")).unwrap();
    let report: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    let violation = &report["violations"][0];
    let story = violation["story"].as_array().unwrap();
    assert!(story.len() >= 3, "{story:?}");
    let events: Vec<u64> = story
        .iter()
        .map(|sentence| sentence["event"].as_u64().unwrap())
        .collect();
    assert!(events.is_sorted());
    assert_eq!(events.last(), violation["event"].as_u64().as_ref());
    let evidence = violation["why"].as_array().unwrap().iter();
    for sentence in evidence.filter(|sentence| sentence["evidence"] == true) {
        assert!(story.iter().any(|told| told["text"] == sentence["text"]));
    }
}

#[test]
fn what_cannot_be_reported_on_is_refused_with_a_reason() {
    let directory = scratch("page-refused").join("page");
    let out = directory.to_string_lossy();
    for (run, reason) in [
        (vec!["no-such-file.json"], "no-such-file.json"),
        (vec!["reports"], "reports"),
        (vec!["a.json", "b.json", "c.json"], "c.json"),
    ] {
        let output = zablab(&[&["report", "-o", &out], run.as_slice()].concat());
        assert_eq!(output.status.code(), Some(2), "{run:?}");
        assert!(text(&output.stderr).contains(reason), "{run:?}");
        assert!(!directory.exists(), "{run:?} leaves a folder behind");
    }
}

/// What the gallery shows: its folder, what makes it.
const GALLERY: [(&str, &[&str]); 2] = [
    ("passing", &["scenarios/quiet.json", SHORT[0], SHORT[1]]),
    ("violation", &["scenarios/zoo/diff-no-trunc.json"]),
];

#[test]
fn the_gallery_is_what_this_version_makes() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("reports/gallery");
    let (campaign, sweep) = (scratch("gallery-campaign"), scratch("gallery-sweep"));
    let folder = campaign.to_string_lossy();
    let played = zablab(&[
        "sweep",
        "scenarios/swarm.json",
        "--seeds",
        "0..24",
        "--set",
        "mutants=[\"half-quorum\"]",
        "--set",
        "limits.virtual_ms=6000",
        "--set",
        "generate.window_ms=[500,5000]",
        "--out",
        &folder,
    ]);
    assert_eq!(played.status.code(), Some(1), "{}", text(&played.stderr));
    report(&[&folder], &sweep);
    // Commands name the folder of the campaign.
    for (file, bytes) in files(&sweep) {
        if !sweep.join(&file).is_file() {
            continue;
        }
        let named = text(&bytes).replace(&*folder, "failures");
        fs::write(sweep.join(file), named).unwrap();
    }
    let mut made = vec![("sweep", sweep)];
    for (name, arguments) in GALLERY {
        let directory = scratch(&format!("gallery-{name}"));
        report(arguments, &directory);
        made.push((name, directory));
    }
    for (name, directory) in made {
        let place = root.join(name);
        let mut files = files(&directory);
        // Pictures are in the page.
        files.retain(|(file, _)| Path::new(file).extension() != Some("svg".as_ref()));
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            let _ = fs::remove_dir_all(&place);
            fs::create_dir_all(&place).unwrap();
            for (file, bytes) in &files {
                fs::write(place.join(file), bytes).unwrap();
            }
        }
        for (file, bytes) in &files {
            let committed = fs::read(place.join(file)).unwrap_or_default();
            assert!(
                committed == *bytes,
                "reports/gallery/{name}/{file} is not what this version makes; UPDATE_EXPECT=1 writes it"
            );
        }
    }
}
