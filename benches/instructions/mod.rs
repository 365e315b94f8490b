//! Instruction counts: this program runs itself under a counter, once per claim.

use std::process::Command;

use zablab::check::foreign::model::{Model, Options};
use zablab::check::foreign::{Judge, Judgement};
use zablab::history::foreign::Entry;

use super::{CLAIMS, real_files};

/// What is counted: the function's name is what callgrind looks for.
#[inline(never)]
pub(crate) fn counted(entries: Vec<Entry>, model: Model) -> Judgement {
    let mut judge = Judge::new(Options {
        model: Some(model),
        ..Options::default()
    });
    for entry in entries {
        judge.take(entry).expect("a history");
    }
    judge.finish().expect("a history")
}

/// Prints the instructions that each claim takes.
pub(crate) fn count() {
    let mut claims: Vec<(&str, &str)> = CLAIMS
        .iter()
        .map(|(claim, name, _)| (*claim, *name))
        .collect();
    if real_files().is_some() {
        claims.insert(0, ("real", "the real register histories together"));
    }
    for (claim, name) in claims {
        let told = match (callgrind(claim), perf(claim)) {
            (Some(count), _) => format!("{count:>14} instructions, judging alone (callgrind)"),
            (None, Some(count)) => format!("{count:>14} instructions, generating too (perf stat)"),
            (None, None) => "neither valgrind nor perf can count here".to_owned(),
        };
        println!("{name:52} {told}");
    }
}

fn callgrind(claim: &str) -> Option<u64> {
    let mut command = Command::new("valgrind");
    command.args([
        "--tool=callgrind",
        "--callgrind-out-file=/dev/null",
        "--collect-atstart=no",
        "--toggle-collect=*instructions::counted*",
    ]);
    let told = run(command, claim)?;
    let line = told.lines().find(|line| line.contains("Collected :"))?;
    line.rsplit(' ').next()?.parse().ok()
}

fn perf(claim: &str) -> Option<u64> {
    let mut command = Command::new("perf");
    command.args(["stat", "-x,", "-e", "instructions:u"]);
    let told = run(command, claim)?;
    told.lines()
        .find_map(|line| line.split(',').next()?.parse().ok())
}

/// What a counter says of this program on one claim.
fn run(mut command: Command, claim: &str) -> Option<String> {
    let program = std::env::current_exe().ok()?;
    let output = command.arg(program).args(["--once", claim]).output().ok()?;
    let told = String::from_utf8(output.stderr).ok()?;
    output.status.success().then_some(told)
}
