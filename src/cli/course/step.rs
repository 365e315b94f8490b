//! `zablab course step`: a run in the terminal, step by step.

use std::io::{self, BufRead, IsTerminal, Read, Write};
use std::path::PathBuf;

use crate::cli::input::{SET_HELP, Source};
use crate::cli::output::{self, Failure, Status};
use crate::lab::lesson::{LESSONS, Lesson, Question};
use crate::lab::step::{Answer, Session};

/// The longest line that is read as one command.
const LINE_BYTES: u64 = 4_096;

/// Step forward and back through a lesson's run, ask why, crash a server and see the difference
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  zablab course step 6                        lesson 6; its questions are asked where they belong
  zablab course step scenarios/leader-crash.json
  printf 'next commit\\nwhy\\nstate\\n' | zablab course step life-of-a-write

Commands are read from standard input, one per line; help lists them:
  step [N]  back [N]  next WHAT  previous WHAT  go EVENT  why [EVENT]  state [SERVER]
  crash SERVER  power SERVER  pause SERVER  cut SERVER  difference  original  help  quit

A prompt is shown on a terminal only, where an empty line is a step. What a command cannot do is said on standard error, and
the next one is read.

Exit codes: 0; 2 the scenario is missing or malformed, or a command that did not come from a terminal was refused.")]
pub(super) struct Args {
    /// Number or name of a lesson, or a scenario file
    #[arg(value_name = "LESSON|FILE")]
    what: String,
    /// Play this seed instead of the file's
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Replace a field of the file
    #[arg(long, value_name = "PATH=VALUE", help = SET_HELP)]
    set: Vec<String>,
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> Result<Status, Failure> {
    let lesson = Lesson::find(&args.what);
    let source = Source {
        file: file(args, lesson)?,
        seed: args.seed,
        set: args.set.clone(),
    };
    let scenario = source.load()?;
    match lesson {
        Some(lesson) => writeln!(
            out,
            "Lesson {}: {}\n{}",
            lesson.number, lesson.title, lesson.text
        )?,
        None => writeln!(
            out,
            "{}   seed {}\n{}",
            scenario.name, scenario.seed.0, scenario.about
        )?,
    }
    let questions = questions(lesson, &source)?;
    converse(Session::new(scenario, questions), out)
}

fn file(args: &Args, lesson: Option<&Lesson>) -> Result<PathBuf, Failure> {
    if let Some(lesson) = lesson {
        return Ok(PathBuf::from(lesson.scenario()));
    }
    let file = PathBuf::from(&args.what);
    if file.exists() {
        return Ok(file);
    }
    let known: Vec<&str> = LESSONS.iter().map(|lesson| lesson.id).collect();
    Err(Failure::Usage(format!(
        "{:?} is neither a lesson nor a file; lessons are 1 to {} or {}",
        args.what,
        LESSONS.len(),
        known.join(", ")
    )))
}

/// What the lesson asks of its own run; nothing of a run that was changed.
fn questions(lesson: Option<&Lesson>, source: &Source) -> Result<Vec<Question>, Failure> {
    match lesson {
        Some(lesson) if source.is_unchanged() => {
            super::lesson::play(lesson, |full| lesson.questions(full))
        }
        Some(_) | None => Ok(Vec::new()),
    }
}

fn converse(mut session: Session, out: &mut dyn Write) -> Result<Status, Failure> {
    let input = io::stdin().lock();
    let is_terminal = input.is_terminal();
    let mut lines = input;
    let mut status = Status::Good;
    write!(out, "{}", session.greeting())?;
    loop {
        if is_terminal {
            write!(out, "{}", session.prompt())?;
        }
        out.flush()?;
        let Some(line) = read_line(&mut lines)? else {
            break;
        };
        let is_step = is_terminal && line.trim().is_empty();
        match session.obey(if is_step { "step" } else { &line }) {
            Answer::Text(text) => write!(out, "{text}")?,
            Answer::Quit => return Ok(status),
            Answer::Refused(why) => {
                out.flush()?;
                output::complain(&Failure::Usage(why));
                if !is_terminal {
                    status = Status::Usage;
                }
            }
        }
    }
    if is_terminal {
        writeln!(out)?;
    }
    Ok(status)
}

/// The next line, without what makes it too long to be a command; `None` at the end.
fn read_line(lines: &mut impl BufRead) -> Result<Option<String>, Failure> {
    let mut bytes = Vec::new();
    let stdin = |error| Failure::File {
        path: "standard input".to_owned(),
        error,
    };
    let count = lines
        .take(LINE_BYTES)
        .read_until(b'\n', &mut bytes)
        .map_err(stdin)?;
    if count as u64 == LINE_BYTES && bytes.last() != Some(&b'\n') {
        lines.skip_until(b'\n').map_err(stdin)?;
    }
    Ok((count > 0).then(|| String::from_utf8_lossy(&bytes).into_owned()))
}
