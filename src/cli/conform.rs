//! `zablab conform`: plays scripts recorded on a real ZooKeeper and compares.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::Value;

use super::output::{self, Failure, Status};
use crate::base::rng::Seed;
use crate::experiment::conform::{self, Difference, Script, Setting};
use crate::mutant::table::{DEFECTS, Defect};

/// Play scripts recorded on a real ZooKeeper and compare what clients see
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Each script (JSON lines, *.jsonl) is played on simulated servers with empty disks. Results, Stats, watch events, their
order on each connection and zxids (counted from the start of the script) must be as recorded.

Examples:
  zablab conform tests/golden/hand tests/golden/shared
  zablab conform tests/golden --ensemble 5
  zablab conform tests/golden --ensemble 3 --crash-leader
  zablab conform tests/golden --ensemble 5 --crash-leader=4 --seed 2
  zablab conform tests/golden/hand --mutant event-after-reply

--json prints one object: scripts, steps, differences, skipped [{file, reason}], failed [{file, line, step, action,
expected, got}]; expected and got are {r, recv} as in the script.

Exit codes: 0 no difference; 1 a difference; 2 usage, or a malformed script")]
pub(super) struct Args {
    /// Script files, and folders of them
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// How many servers there are; scripts recorded on an ensemble get at least three
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=9))]
    ensemble: u8,
    /// Crash the leader between two steps, at least once in each script and again after every N steps
    #[arg(
        long,
        value_name = "N",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "50",
        value_parser = clap::value_parser!(u32).range(1..)
    )]
    crash_leader: Option<u32>,
    /// Draw delays from this seed
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Give the servers this defect (see `zablab mutants`); may be repeated
    #[arg(long, value_name = "NAME")]
    mutant: Vec<String>,
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
}

#[derive(Default, Serialize)]
struct Summary {
    scripts: usize,
    steps: usize,
    differences: usize,
    skipped: Vec<Skipped>,
    failed: Vec<Failed>,
}

#[derive(Serialize)]
struct Skipped {
    file: String,
    reason: &'static str,
}

#[derive(Serialize)]
struct Failed {
    file: String,
    line: usize,
    step: usize,
    action: String,
    expected: Value,
    got: Value,
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> Result<Status, Failure> {
    let setting = args.setting()?;
    let mut scripts = Vec::new();
    for file in files(&args.paths)? {
        scripts.push(load(&file)?);
    }
    let mut summary = Summary::default();
    for (file, script) in scripts {
        if let Some(reason) = conform::reason_to_skip(&script, &setting) {
            summary.skipped.push(Skipped { file, reason });
            continue;
        }
        let played = conform::play(&script, &setting);
        summary.scripts += 1;
        summary.steps += played.steps;
        if let Some(difference) = played.difference {
            summary.differences += 1;
            if !args.json {
                tell(out, &file, &difference)?;
            }
            summary.failed.push(Failed::new(file, difference));
        }
    }
    if args.json {
        output::json(out, &summary)?;
    } else {
        conclude(out, &summary)?;
    }
    Ok(if summary.differences == 0 {
        Status::Good
    } else {
        Status::Bad
    })
}

impl Args {
    fn setting(&self) -> Result<Setting, Failure> {
        for name in &self.mutant {
            if Defect::by_id(name).is_none() {
                let known: Vec<&str> = DEFECTS.iter().map(|defect| defect.id).collect();
                return Err(Failure::Usage(format!(
                    "there is no mutant \"{name}\"; there are {}",
                    known.join(", ")
                )));
            }
        }
        Ok(Setting {
            servers: self.ensemble,
            crash_every: self.crash_leader,
            seed: Seed(self.seed),
            mutants: self.mutant.clone(),
            ..Setting::default()
        })
    }
}

impl Failed {
    fn new(file: String, difference: Difference) -> Self {
        let Difference {
            step,
            line,
            action,
            expected,
            got,
        } = difference;
        Self {
            file,
            line,
            step,
            action,
            expected,
            got,
        }
    }
}

// ----- files

/// The named files, and the scripts in the named folders, however deep, by name.
fn files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            let before = files.len();
            collect(path, &mut files)?;
            if files.len() == before {
                let folder = path.display();
                return Err(Failure::Usage(format!(
                    "{folder}: there is no script (*.jsonl) in this folder"
                )));
            }
        } else {
            files.push(path.clone());
        }
    }
    Ok(files)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let failure = |error| failure(folder, error);
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder).map_err(failure)? {
        entries.push(entry.map_err(failure)?.path());
    }
    entries.sort();
    for entry in entries {
        if entry.is_dir() {
            collect(&entry, files)?;
        } else if entry.extension().is_some_and(|ending| ending == "jsonl") {
            files.push(entry);
        }
    }
    Ok(())
}

fn load(file: &Path) -> Result<(String, Script), Failure> {
    let name = file.to_string_lossy().into_owned();
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    let text = fs::read_to_string(file).map_err(|error| failure(file, error))?;
    let script = Script::parse(&text, &name, &stem)?;
    Ok((name, script))
}

fn failure(path: &Path, error: io::Error) -> Failure {
    Failure::File {
        path: path.to_string_lossy().into_owned(),
        error,
    }
}

// ----- text

/// The first difference of a script, side by side.
fn tell(out: &mut dyn Write, file: &str, difference: &Difference) -> io::Result<()> {
    let Difference {
        step,
        line,
        action,
        expected,
        got,
    } = difference;
    writeln!(out, "{file}:{line}: step {step} came out otherwise")?;
    writeln!(out, "  {action}")?;
    let (expected, got) = (leaves(expected), leaves(got));
    let places: Vec<&String> = expected
        .keys()
        .chain(got.keys().filter(|place| !expected.contains_key(*place)))
        .filter(|place| expected.get(*place) != got.get(*place))
        .collect();
    let of = |leaves: &BTreeMap<String, String>, place: &str| match leaves.get(place) {
        Some(text) => text.clone(),
        None => "-".to_owned(),
    };
    let longest = |texts: &mut dyn Iterator<Item = usize>| texts.max().unwrap_or(0);
    let place_width = longest(&mut places.iter().map(|place| place.len()));
    let wanted = places.iter().map(|place| of(&expected, place).len());
    let wanted_width = longest(&mut wanted.chain(["expected".len()])).min(60);
    writeln!(
        out,
        "    {:place_width$}  {:wanted_width$}  got",
        "", "expected"
    )?;
    for place in places {
        let (wanted, came) = (of(&expected, place), of(&got, place));
        writeln!(
            out,
            "    {place:place_width$}  {wanted:wanted_width$}  {came}"
        )?;
    }
    writeln!(out)
}

/// The parts of a result by place (`r.stat.czxid`); what a client received is one part.
fn leaves(shown: &Value) -> BTreeMap<String, String> {
    let mut leaves = BTreeMap::new();
    if let Some(fields) = shown.as_object() {
        for (key, value) in fields {
            spread(key, value, &mut leaves);
        }
    }
    leaves
}

fn spread(place: &str, value: &Value, leaves: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                spread(&format!("{place}.{key}"), value, leaves);
            }
        }
        Value::Array(list) if place == "r" || place.ends_with(".results") => {
            for (index, value) in list.iter().enumerate() {
                spread(&format!("{place}.{index}"), value, leaves);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            leaves.insert(place.to_owned(), value.to_string());
        }
    }
}

fn conclude(out: &mut dyn Write, summary: &Summary) -> io::Result<()> {
    for skipped in &summary.skipped {
        writeln!(out, "skipped {}: {}", skipped.file, skipped.reason)?;
    }
    let Summary {
        scripts,
        steps,
        differences,
        ..
    } = summary;
    writeln!(
        out,
        "{scripts} scripts, {steps} steps, {differences} differences"
    )
}
