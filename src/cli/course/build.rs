//! `zablab course build`: the lessons as pages.

use std::io::Write;
use std::path::PathBuf;

use super::lesson::play;
use crate::cli::output::{self, Failure, Status};
use crate::lab::lesson::{LESSONS, page};

/// Write every lesson as a page that asks before it shows, and an index
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  zablab course build lessons      then open lessons/index.html

Run it in a checkout: the lessons play scenarios/course. Each page is one file that needs no network; what a student
answers stays in the browser, and can be saved as a small file.")]
pub(super) struct Args {
    /// Where the pages go
    #[arg(value_name = "DIR")]
    directory: PathBuf,
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> Result<Status, Failure> {
    output::create_folder(&args.directory)?;
    output::expect_place(&args.directory.join("index.html"))?;
    for lesson in &LESSONS {
        let html = play(lesson, |full| page::page(lesson, full).html())?;
        let file = page::file(lesson);
        output::replace(&args.directory.join(&file), &html)?;
        writeln!(out, "{:>2}  {}  {file}", lesson.number, lesson.title)?;
    }
    let index = args.directory.join("index.html");
    output::replace(&index, page::index())?;
    writeln!(out, "    open {}", index.display())?;
    Ok(Status::Good)
}
