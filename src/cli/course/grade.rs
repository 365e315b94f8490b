//! `zablab course grade`: what a teacher runs, on hidden seeds.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::manifest::Submission;
use crate::cli::input::shell;
use crate::cli::output::{self, Failure, Status};
use crate::cli::report::leave_page;
use crate::lab::grade::{self, Extent, Grade, Only, Standing, Starts};
use crate::lab::hidden::{Hidden, Seeds};
use crate::lab::{map, render};

/// Grade solutions on hidden seeds
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  zablab course grade ann bob --secret-file secret
  zablab course grade class/* --secret-file secret --jobs 2 --csv grades.csv --junit grades.xml
  zablab course grade . --secret-file secret --gradescope results.json
  zablab course grade class/* --secret-file secret --pages pages --map class.html

Seeds are derived from the secret, the lab and the name of the folder, so that nobody can prepare for them and every grade
can be given again. What failed is shown on a public seed of the same kind of failure. A solution that crashes, hangs or
floods is its own failure; limits are in docs/grading.md. --json prints one object: grades [{student, lab, standing, score,
max_score, parts [{name, gate, passed, score, max_score, says, rule, shown, page}]}]. A page shows the public run of a
counterexample, played with the student's code.

Exit codes: 0 all passed; 1 one failed; 2 one crashed, hung, talked nonsense or is no function; 3 something could not be
graded, which is no fault of a student.")]
pub(super) struct Args {
    /// The solutions' folders
    #[arg(required = true)]
    dirs: Vec<PathBuf>,
    /// A file with the course's secret
    #[arg(long, value_name = "FILE")]
    secret_file: PathBuf,
    /// How many solutions at a time
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1024))]
    jobs: u16,
    /// How many hidden seeds per kind of runs
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    seeds: u64,
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
    /// Also write JUnit
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Also write a table, a line per student and part
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Also write a page with the run of each rule that was broken
    #[arg(long, value_name = "DIR")]
    pages: Option<PathBuf>,
    /// Also write a page with the class as a table: student by part, and the rules that were broken
    #[arg(long, value_name = "FILE")]
    map: Option<PathBuf>,
    /// Also write the only solution's results.json for Gradescope
    #[arg(long, value_name = "FILE")]
    gradescope: Option<PathBuf>,
}

/// How grades are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Report {
    Text,
    Json,
}

/// Grades with the folders they are about.
pub(super) struct Verdicts(pub(super) Vec<(Grade, String)>);

impl Verdicts {
    pub(super) fn print(&self, report: Report, out: &mut dyn Write) -> Result<(), Failure> {
        match report {
            Report::Json => out.write_all(render::json(&self.0).as_bytes())?,
            Report::Text => {
                for (index, (grade, dir)) in self.0.iter().enumerate() {
                    if index > 0 {
                        writeln!(out)?;
                    }
                    out.write_all(render::text(grade, dir).as_bytes())?;
                }
            }
        }
        Ok(())
    }

    /// The worst of them; 2 says here that a student's code is broken.
    pub(super) fn status(&self) -> Status {
        let worst = self.0.iter().map(|(grade, _)| grade.standing).max();
        match worst {
            None | Some(Standing::Passed) => Status::Good,
            Some(Standing::Failed) => Status::Bad,
            Some(Standing::Broken) => Status::Usage,
        }
    }
}

/// Grades one solution, which `starts` starts once it is built.
pub(super) fn one(
    submission: &Submission,
    starts: &dyn Starts,
    seeds: &Seeds,
    extent: Extent,
    only: &Only,
) -> Grade {
    let student = submission.student();
    match submission.build() {
        Ok(()) => grade::grade(submission.lab, &student, starts, seeds, extent, only),
        Err(fault) => Grade::broken(submission.lab, &student, &fault),
    }
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> Result<Status, Failure> {
    match graded(args, out) {
        Ok(status) => Ok(status),
        Err(failure @ Failure::Write(_)) => Err(failure),
        Err(failure) => {
            // Never blamed on a student: 3.
            output::complain(&failure);
            Ok(Status::Undecided)
        }
    }
}

fn graded(args: &Args, out: &mut dyn Write) -> Result<Status, Failure> {
    if args.gradescope.is_some() && args.dirs.len() != 1 {
        let what = "--gradescope: results.json is about one solution; give one folder";
        return Err(Failure::Usage(what.to_owned()));
    }
    let secret = secret(&args.secret_file)?;
    let places = [&args.junit, &args.csv, &args.gradescope, &args.map];
    for place in places.into_iter().flatten() {
        output::expect_place(place)?;
    }
    let submissions: Result<Vec<Submission>, Failure> = args
        .dirs
        .iter()
        .map(|dir| Submission::open(dir, false))
        .collect();
    let submissions = submissions?;
    let extent = Extent {
        runs: args.seeds,
        ..Extent::default()
    };
    if let Some(pages) = &args.pages {
        output::create_folder(pages)?;
    }
    let grades = all(args, &submissions, &secret, extent)?;
    let dirs = args.dirs.iter().map(|dir| shell(&dir.to_string_lossy()));
    let verdicts = Verdicts(grades.into_iter().zip(dirs).collect());
    let files = [
        (&args.junit, render::junit(&verdicts.0)),
        (&args.csv, render::csv(&verdicts.0)),
        (&args.map, map::html(&verdicts.0)),
        (
            &args.gradescope,
            render::gradescope(&verdicts.0[0].0, &verdicts.0[0].1),
        ),
    ];
    for (place, text) in files {
        if let Some(place) = place {
            output::replace(place, text)?;
        }
    }
    verdicts.print(
        if args.json {
            Report::Json
        } else {
            Report::Text
        },
        out,
    )?;
    Ok(verdicts.status())
}

fn secret(path: &Path) -> Result<Vec<u8>, Failure> {
    let secret = std::fs::read(path).map_err(|error| output::file_failure(path, error))?;
    if secret.trim_ascii().len() < 8 {
        let error = io::Error::other("a secret has at least 8 bytes");
        return Err(output::file_failure(path, error));
    }
    Ok(secret.trim_ascii().to_vec())
}

/// Every grade, in the order of the folders, several at a time.
fn all(
    args: &Args,
    submissions: &[Submission],
    secret: &[u8],
    extent: Extent,
) -> Result<Vec<Grade>, Failure> {
    let jobs = usize::from(args.jobs);
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<(usize, Result<Grade, Failure>)>> = Mutex::new(Vec::new());
    let toil = || {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(submission) = submissions.get(index) else {
                return;
            };
            let hidden = Hidden::new(secret, submission.lab.id, &submission.student());
            let mut grade = one(
                submission,
                submission,
                &Seeds::Hidden(hidden),
                extent,
                &Only::default(),
            );
            let left = args
                .pages
                .as_ref()
                .map_or(Ok(()), |pages| leave_pages(&mut grade, index, pages));
            grade.dismiss();
            let grade = left.map(|()| grade);
            done.lock()
                .expect("nobody panics while holding it")
                .push((index, grade));
        }
    };
    #[expect(
        clippy::disallowed_methods,
        reason = "solutions share nothing; only the order in which they finish depends on threads"
    )]
    std::thread::scope(|scope| {
        for _ in 0..jobs.min(submissions.len()) {
            scope.spawn(toil);
        }
    });
    let mut done = done.into_inner().expect("nobody panics while holding it");
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, grade)| grade).collect()
}

/// Leaves the run of each counterexample as a page; `index` tells solutions in folders of the same name apart.
fn leave_pages(grade: &mut Grade, index: usize, pages: &Path) -> Result<(), Failure> {
    let student = grade.student.clone();
    let lab = grade.lab;
    for part in &mut grade.parts {
        let Some(shown) = &mut part.shown else {
            continue;
        };
        let Some(scenario) = &shown.scenario else {
            continue;
        };
        let name = format!("{lab}-{student}-{}-{}.html", index + 1, shown.rule);
        let fits = |letter: char| letter.is_alphanumeric() || "-_.".contains(letter);
        let name: String = name
            .chars()
            .map(|letter| if fits(letter) { letter } else { '_' })
            .collect();
        let replay = format!("zablab course test {} {}", shell(&student), shown.replay);
        leave_page(scenario, replay, (pages, &name))?;
        shown.page = Some(pages.join(name).to_string_lossy().into_owned());
    }
    Ok(())
}
