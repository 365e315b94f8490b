//! `zablab course`: what a teacher and a student need.

mod build;
mod claims;
mod lesson;

use std::io::Write;

use clap::Subcommand;

use super::output::{Failure, Status};

/// Lessons: small runs that ask what happens next; the claims that texts make, each judged by runs
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Lesson(lesson::Args),
    Build(build::Args),
    Claims(claims::Args),
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> Result<Status, Failure> {
    match &args.command {
        Command::Lesson(args) => lesson::run(args, out),
        Command::Build(args) => build::run(args, out),
        Command::Claims(args) => claims::run(args, out),
    }
}
