//! `zablab report`: a page about a run, a sweep, or two runs side by side.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::Serialize;

use super::input::{self, Source};
use super::output::{self, Failure, Status};
use super::sweep::folder;
use crate::experiment::scenario::Scenario;
use crate::report::data::compare::CompareReport;
use crate::report::data::sweep::SweepReport;
use crate::report::full::Full;
use crate::report::html::{self, Page};
use crate::report::plot::{self, Figure, RunFigures};
use crate::report::trace::MOST;

/// The most groups of failures of a sweep whose smallest example gets a page of its own.
const EXAMPLES: usize = 10;

/// Make a page about a run, a sweep, or two runs side by side
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  zablab report scenarios/zoo/half-quorum.json -o report --open
  zablab report failures -o report                 the folder of a sweep: its failures by cause, a page for each
  zablab report scenarios/zoo/half-quorum.json --against 'mutants=[]' -o report
                                                   the same seed with and without the defect, until they part
  zablab report one.json other.json -o report      two runs side by side

DIR/report.html is one file that needs no network: open it in a browser of 2023 or later. It shows what happened message by
message with the state of every server (keys: ? lists them), what clients asked for, why a property was violated, and what
was exercised. DIR/report.json has the same numbers, DIR/plots pictures of them as SVG: latency, percentiles, throughput, roles and
epochs, distribution, staleness; of a sweep the map of failed seeds. The same run gives the same bytes.

A run of more than 200 000 events is embedded as far as its violations, their past and the turns of the whole run need it;
DIR/run.zt then has all of it, for the page to load.")]
pub(super) struct Args {
    /// A scenario file, the folder of a sweep, or two scenario files to compare
    #[arg(required = true, num_args = 1..=2, value_name = "RUN")]
    runs: Vec<PathBuf>,
    /// Play this seed instead of the files'
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Replace a field of the files
    #[arg(long, value_name = "PATH=VALUE", help = input::SET_HELP)]
    set: Vec<String>,
    /// Compare with the same run with this field replaced; may be repeated
    #[arg(long, value_name = "PATH=VALUE")]
    against: Vec<String>,
    /// Where the page goes
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    /// Leave the pictures as PNG too
    #[arg(long)]
    png: bool,
    /// Open it in the browser
    #[arg(long)]
    open: bool,
    /// Print what was written as one JSON object: page, verdict, bytes
    #[arg(long)]
    json: bool,
}

/// In which forms pictures are left beside a page.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pictures {
    Svg,
    SvgAndPng,
}

/// What was written.
#[derive(Serialize)]
struct Written {
    page: String,
    verdict: &'static str,
    bytes: usize,
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> Result<Status, Failure> {
    if args.png && cfg!(not(feature = "png")) {
        let what = "this zablab was built without PNG; `cargo build --release --features png` builds one with it, and the SVG are left in any case";
        return Err(Failure::Usage(what.to_owned()));
    }
    // Nothing is left where there is nothing to report on.
    let subject = args.read()?;
    output::create_folder(&args.output)?;
    output::expect_place(&args.output.join("report.html"))?;
    let written = match &subject {
        Subject::Sweep(merged) => on_sweep(args, merged)?,
        Subject::Run(run) => run.leave(&args.output, "report.html", args.pictures())?,
        Subject::Pair(left, right) => on_two(args, left, right)?,
    };
    if args.json {
        output::json(out, &written)?;
    } else {
        writeln!(
            out,
            "{}   {}   {} bytes",
            written.verdict, written.page, written.bytes
        )?;
    }
    if args.open {
        open(&written.page)?;
    }
    Ok(Status::Good)
}

/// What is reported on.
enum Subject {
    Sweep(Box<folder::Merged>),
    Run(Box<Run>),
    Pair(Box<Run>, Box<Run>),
}

/// A run to be played, and where it comes from.
struct Run {
    source: Source,
    scenario: Scenario,
}

impl Run {
    fn read(source: Source) -> Result<Self, Failure> {
        let scenario = source.load()?;
        Ok(Self { source, scenario })
    }

    fn leave(&self, directory: &Path, name: &str, pictures: Pictures) -> Result<Written, Failure> {
        let told = (self.source.is_unchanged(), self.source.replay_command());
        leave_scenario(&self.scenario, told, (directory, name), pictures)
    }

    fn full(&self) -> Full<'_> {
        let replay = self.source.replay_command();
        Full::of(&self.scenario, self.source.is_unchanged(), &replay)
    }
}

impl Args {
    fn read(&self) -> Result<Subject, Failure> {
        let run = |file: &Path, more: &[String]| Run::read(self.source(file, more)).map(Box::new);
        match self.runs.as_slice() {
            [folder] if folder.join(folder::JOURNAL).is_file() => {
                if !self.against.is_empty() {
                    let what = "--against compares a run; expected a scenario file, not the folder of a sweep";
                    return Err(Failure::Usage(what.to_owned()));
                }
                let merged = folder::merge(&[folder.to_owned()])?;
                Ok(Subject::Sweep(Box::new(merged)))
            }
            [file] if self.against.is_empty() => Ok(Subject::Run(run(file, &[])?)),
            [file] => Ok(Subject::Pair(run(file, &[])?, run(file, &self.against)?)),
            [one, two] => Ok(Subject::Pair(run(one, &[])?, run(two, &[])?)),
            [] | [_, _, _, ..] => unreachable!("clap asks for one or two"),
        }
    }

    fn pictures(&self) -> Pictures {
        if self.png {
            Pictures::SvgAndPng
        } else {
            Pictures::Svg
        }
    }

    fn source(&self, file: &Path, more: &[String]) -> Source {
        let is_run = file.join("scenario.json").is_file();
        Source {
            file: if is_run {
                file.join("scenario.json")
            } else {
                file.to_owned()
            },
            seed: self.seed,
            set: [self.set.as_slice(), more].concat(),
        }
    }
}

/// Plays a run and leaves everything about it, for people and programs.
pub(super) fn leave_run(source: &Source, directory: &Path) -> Result<(), Failure> {
    let run = Run::read(source.clone())?;
    run.leave(directory, "report.html", Pictures::Svg)
        .map(|_| ())
}

/// The page of a run, by this name in a folder; `replay` is the command that plays it again.
pub(super) fn leave_page(
    scenario: &Scenario,
    replay: String,
    (directory, name): (&Path, &str),
) -> Result<(), Failure> {
    leave_scenario(scenario, (false, replay), (directory, name), Pictures::Svg).map(|_| ())
}

fn leave_scenario(
    scenario: &Scenario,
    (is_expected, replay): (bool, String),
    (directory, name): (&Path, &str),
    pictures: Pictures,
) -> Result<Written, Failure> {
    let mut full = Full::of(scenario, is_expected, &replay);
    let mut page = Page::new(title(&full), &full.report);
    page.traces = vec![full.trace.embedded()];
    page.fallback = html::fallback(&full.report);
    page.plots = plot::figures(&RunFigures::of(&full));
    if name == "report.html" {
        output::replace(&directory.join("report.json"), output::pretty(&full.report))?;
        output::replace(&directory.join("scenario.json"), scenario.to_string())?;
        draw(directory, &page.plots, pictures)?;
    }
    if full.trace.len() > MOST {
        output::replace(&directory.join("run.zt"), full.trace.whole())?;
    }
    write(&page, directory, name, full.report.verdict)
}

/// Leaves pictures in a folder beside the page.
fn draw(directory: &Path, figures: &[Figure], pictures: Pictures) -> Result<(), Failure> {
    let folder = directory.join("plots");
    if !figures.is_empty() {
        output::create_folder(&folder)?;
    }
    for figure in figures {
        let file = folder.join(figure.name).with_extension("svg");
        output::replace(&file, &figure.svg)?;
        if pictures == Pictures::SvgAndPng {
            output::replace(&file.with_extension("png"), png(figure))?;
        }
    }
    Ok(())
}

fn title(full: &Full<'_>) -> String {
    let report = &full.report;
    format!(
        "{}, seed {}: {}",
        report.scenario, report.seed, report.verdict
    )
}

fn write(
    page: &Page,
    directory: &Path,
    name: &str,
    verdict: &'static str,
) -> Result<Written, Failure> {
    let html = page.html();
    let file = directory.join(name);
    output::replace(&file, &html)?;
    Ok(Written {
        page: file.to_string_lossy().into_owned(),
        verdict,
        bytes: html.len(),
    })
}

fn on_two(args: &Args, left: &Run, right: &Run) -> Result<Written, Failure> {
    let mut runs = (left.full(), right.full());
    let report = CompareReport::of(&runs.0, &runs.1);
    let verdict = if report.first_difference.is_some() {
        "differ"
    } else {
        "same"
    };
    let names = (&runs.0.report.scenario, &runs.1.report.scenario);
    let mut page = Page::new(format!("{} beside {}", names.0, names.1), &report);
    page.traces = vec![runs.0.trace.embedded(), runs.1.trace.embedded()];
    page.fallback = [&runs.0, &runs.1]
        .map(|run| html::fallback(&run.report))
        .concat();
    output::replace(&args.output.join("report.json"), output::pretty(&report))?;
    write(&page, &args.output, "report.html", verdict)
}

fn on_sweep(args: &Args, merged: &folder::Merged) -> Result<Written, Failure> {
    let mut report = SweepReport::of(&merged.header, &merged.tally);
    for (index, group) in report.groups.iter_mut().enumerate().take(EXAMPLES) {
        let file = group.smallest.file.as_ref().map(PathBuf::from);
        let Some(file) = file.filter(|file| file.is_file()) else {
            continue;
        };
        let name = format!("group{}.html", index + 1);
        Run::read(args.source(&file, &[]))?.leave(&args.output, &name, Pictures::Svg)?;
        group.smallest.file = Some(name);
    }
    let verdict = if report.verdicts.violated > 0 {
        "violated"
    } else {
        "holds"
    };
    let mut page = Page::new(format!("sweep of {}", report.scenarios.join(", ")), &report);
    page.plots = plot::heat(&report).into_iter().collect();
    draw(&args.output, &page.plots, args.pictures())?;
    output::replace(&args.output.join("report.json"), output::pretty(&report))?;
    write(&page, &args.output, "report.html", verdict)
}

#[cfg(feature = "png")]
use plot::png;

#[cfg(not(feature = "png"))]
fn png(_: &Figure) -> Vec<u8> {
    unreachable!("`run` refuses what this program was built without")
}

/// Shows a page in the browser of whoever sits here.
fn open(page: &str) -> Result<(), Failure> {
    let opener = if cfg!(target_os = "macos") {
        "open"
    } else if cfg!(windows) {
        "explorer"
    } else {
        "xdg-open"
    };
    let started = Command::new(opener)
        .arg(page)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    started.map(|_| ()).map_err(|error| {
        Failure::Usage(format!(
            "{opener} cannot be started ({error}); open {page} in a browser by hand"
        ))
    })
}
