//! `zablab twin`: a second process that plays what a sweep doubts; not for people.
//!
//! The sweep starts it in another directory, under another environment, with memory that is filled with other bytes, and
//! plays on a thread with another stack, so that nothing but the scenario is the same.

use std::io::{self, Read, Write};
use std::process::{Command, Stdio};
use std::thread;

use super::output::{self, Failure, Status};
use crate::experiment::outcome::Outcome;
use crate::experiment::scenario::Scenario;
use crate::experiment::sweep::Doubt;
use crate::experiment::twin::{self, Step, Trail};

/// Play the scenario on stdin and tell how it went, as a sweep asks
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Tell the events from this one
    #[arg(long)]
    from: Option<u64>,
    /// Up to this one
    #[arg(long, requires = "from")]
    to: Option<u64>,
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> Result<Status, Failure> {
    let mut bytes = Vec::new();
    io::stdin()
        .take(Scenario::bytes_to_read())
        .read_to_end(&mut bytes)
        .map_err(|error| Failure::Usage(format!("stdin: {error}")))?;
    let scenario = Scenario::parse(&bytes, "stdin", &[])?;
    if scenario.generate.is_some() {
        return Err(Failure::Usage(
            "stdin: the scenario's faults are still to be generated".to_owned(),
        ));
    }
    let window = args.from.map(|from| from..args.to.unwrap_or(u64::MAX));
    let play = move || match window {
        None => output::pretty(&Trail::of(&scenario)),
        Some(window) => output::pretty(&twin::steps(&scenario, window)),
    };
    let text = thread::Builder::new()
        .stack_size(3 << 20)
        .spawn(play)
        .map_err(|error| Failure::Usage(format!("cannot start a thread: {error}")))?
        .join()
        .map_err(|_| Failure::Usage("the second run panicked".to_owned()))?;
    out.write_all(text.as_bytes())?;
    Ok(Status::Good)
}

/// Plays one seed in so many again in a second process.
pub(super) struct Twin {
    /// One in so many.
    pub(super) every: u64,
}

impl Twin {
    fn ask<T: serde::de::DeserializeOwned>(
        scenario: &Scenario,
        arguments: &[String],
    ) -> Result<T, String> {
        let answer = Self::start(scenario, arguments)
            .map_err(|error| format!("the second process failed: {error}"))?;
        serde_json::from_slice(&answer).map_err(|_| "the second process gave no answer".to_owned())
    }

    fn start(scenario: &Scenario, arguments: &[String]) -> io::Result<Vec<u8>> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg("twin")
            .args(arguments)
            .env_clear()
            .env("MALLOC_PERTURB_", "165")
            .env("TZ", "Pacific/Chatham")
            .env("LANG", "tr_TR.UTF-8")
            .current_dir(std::env::temp_dir())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let mut stdin = child.stdin.take().expect("it was piped");
        stdin.write_all(scenario.to_string().as_bytes())?;
        drop(stdin);
        Ok(child.wait_with_output()?.stdout)
    }
}

impl Doubt for Twin {
    fn doubts(&self, seed: u64) -> bool {
        seed.is_multiple_of(self.every)
    }

    fn again(&self, scenario: &Scenario, outcome: &Outcome) -> Result<(), String> {
        let theirs: Trail = Self::ask(scenario, &[])?;
        if Trail::end_of(outcome).ends_like(&theirs) {
            return Ok(());
        }
        let window = Trail::of(scenario).window(&theirs);
        let arguments = [
            "--from",
            &window.start.to_string(),
            "--to",
            &window.end.to_string(),
        ];
        let steps: Vec<Step> = Self::ask(scenario, &arguments.map(str::to_owned))?;
        Err(twin::tell(&twin::steps(scenario, window), &steps))
    }
}
