//! Layer 6: the command line. The only code that prints, reads the environment or touches files.
//!
//! Results go to stdout, progress and errors to stderr. Exit codes: 0 all holds or is excused (or the file's expectation is met),
//! 1 a violation (or the expectation is not met), 2 usage or malformed input, 3 undecided, 4 a replay that diverged.

mod check;
mod clock;
mod conform;
mod course;
mod explain;
mod explore;
mod export;
mod input;
mod mutants;
mod output;
mod plan;
mod progress;
mod record;
mod replay;
mod report;
mod run;
mod scenarios;
mod schema;
mod shrink;
mod sweep;
mod twin;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use output::{Failure, Status};

/// A laboratory for ZooKeeper's consistency protocol: plays an ensemble with its clients from a seed, injects faults,
/// and judges what happens.
#[derive(Debug, Parser)]
#[command(name = "zablab", version, max_term_width = 110, after_help = EXAMPLES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  zablab scenarios                                      what there is to play
  zablab run scenarios/leader-crash.json                play one, judge every property
  zablab sweep scenarios/swarm.json --seeds 0..1000 --jobs 2 --out failures
  zablab replay failures/swarm-seed17.json              play a failure again, step by step
  zablab shrink failures/swarm-seed17.json -o small.json   the smallest scenario that fails the same way
  zablab explain small.json                             how its violation came about
  zablab report small.json -o report --open             the same as a page with a player
  zablab export small.json --to perfetto -o trace.json  for other programs' viewers
  zablab check history.jsonl                            judge a history recorded elsewhere
  zablab conform tests/golden/hand --ensemble 3         compare with what a real ZooKeeper did

Exit codes: 0 all properties hold (or are excused), or the file's `expect` is met; 1 a violation, or `expect` not
met; 2 usage or malformed input; 3 undecided (a budget was hit); 4 the replay diverged from its digest";

#[derive(Debug, Subcommand)]
enum Command {
    Run(run::Args),
    Check(check::Args),
    Conform(conform::Args),
    Course(course::Args),
    Replay(replay::Args),
    Report(report::Args),
    Export(export::Args),
    Sweep(sweep::Args),
    #[command(hide = true)]
    Twin(twin::Args),
    Plan(plan::Args),
    Shrink(shrink::Args),
    Explain(explain::Args),
    Explore(explore::Args),
    Mutants(mutants::Args),
    Scenarios(scenarios::Args),
    Schema(schema::Args),
}

/// Runs the program.
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return refuse(&error),
    };
    let mut out = io::BufWriter::new(io::stdout().lock());
    let result = match arguments.command {
        Command::Run(args) => run::run(&args, &mut out),
        Command::Check(args) => check::run(&args, &mut out),
        Command::Conform(args) => conform::run(&args, &mut out),
        Command::Course(args) => course::run(&args, &mut out),
        Command::Replay(args) => replay::run(&args, &mut out),
        Command::Report(args) => report::run(&args, &mut out),
        Command::Export(args) => export::run(&args, &mut out),
        Command::Sweep(args) => sweep::run(&args, &mut out),
        Command::Twin(args) => twin::run(&args, &mut out),
        Command::Plan(args) => plan::run(&args, &mut out),
        Command::Shrink(args) => shrink::run(&args, &mut out),
        Command::Explain(args) => explain::run(&args, &mut out),
        Command::Explore(args) => explore::run(&args, &mut out),
        Command::Mutants(args) => mutants::run(&args, &mut out),
        Command::Scenarios(args) => scenarios::run(&args, &mut out),
        Command::Schema(args) => schema::run(&args, &mut out),
    };
    let result = result.and_then(|status| out.flush().map(|()| status).map_err(Failure::from));
    match result {
        Ok(status) => status.code(),
        // Whoever reads has seen enough.
        Err(Failure::Write(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
            ExitCode::SUCCESS
        }
        Err(failure) => {
            output::complain(&failure);
            Status::Usage.code()
        }
    }
}

/// Help and version are results, everything else is a wrong usage.
fn refuse(error: &clap::Error) -> ExitCode {
    // A terminal that is gone cannot be told.
    let _ = error.print();
    if error.use_stderr() {
        Status::Usage.code()
    } else {
        Status::Good.code()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_arguments_are_consistent() {
        Arguments::command().debug_assert();
    }
}
