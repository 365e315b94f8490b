//! `zablab course`: what a teacher and a student need.

mod build;
mod child;
mod claims;
mod grade;
mod lesson;
mod manifest;
mod new;
mod step;
mod test;

use std::io::Write;

use clap::Subcommand;

use super::output::{Failure, Status};

/// Lessons: small runs that ask what happens next; the claims that texts make, each judged by runs; building exercises and
/// their grading
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Lesson(lesson::Args),
    Step(step::Args),
    Build(build::Args),
    Claims(claims::Args),
    New(new::Args),
    Test(test::Args),
    Grade(grade::Args),
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> Result<Status, Failure> {
    match &args.command {
        Command::Lesson(args) => lesson::run(args, out),
        Command::Step(args) => step::run(args, out),
        Command::Build(args) => build::run(args, out),
        Command::Claims(args) => claims::run(args, out),
        Command::New(args) => new::run(args, out),
        Command::Test(args) => test::run(args, out),
        Command::Grade(args) => grade::run(args, out),
    }
}
