//! `zablab course lesson`: what a lesson shows and asks, and what its own run answers.

use std::io::Write;
use std::path::PathBuf;

use serde::Serialize;

use crate::cli::input::Source;
use crate::cli::output::{self, Failure, Status};
use crate::lab::lesson::{LESSONS, Lesson, Question};
use crate::report::full::Full;

/// List the lessons, or print what one asks
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  zablab course lesson              the lessons
  zablab course lesson 6            what lesson 6 shows and asks
  zablab course lesson 6 --key      the answers too, looked up in the lesson's own run

Run it in a checkout: the lessons play scenarios/course.
--json prints one object: number, id, title, text, scenario, questions [{event, ask, options, answer, because}].")]
pub(super) struct Args {
    /// Number or name of a lesson
    #[arg(value_name = "LESSON")]
    lesson: Option<String>,
    /// Print the answers and why
    #[arg(long)]
    key: bool,
    /// Print one JSON object, answers included
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Line<'a> {
    number: usize,
    id: &'a str,
    title: &'a str,
    text: &'a str,
    scenario: String,
    questions: Vec<Question>,
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> Result<Status, Failure> {
    let Some(name) = &args.lesson else {
        for lesson in &LESSONS {
            writeln!(
                out,
                "{:>2}  {:<24} {}",
                lesson.number, lesson.id, lesson.title
            )?;
        }
        return Ok(Status::Good);
    };
    let lesson = Lesson::find(name).ok_or_else(|| {
        let known: Vec<&str> = LESSONS.iter().map(|lesson| lesson.id).collect();
        Failure::Usage(format!(
            "there is no lesson {name:?}; there are {}",
            known.join(", ")
        ))
    })?;
    let questions = play(lesson, |full| lesson.questions(full))?;
    if args.json {
        output::json(
            out,
            &Line {
                number: lesson.number,
                id: lesson.id,
                title: lesson.title,
                text: lesson.text,
                scenario: lesson.scenario(),
                questions,
            },
        )?;
    } else {
        show(lesson, &questions, args.key, out)?;
    }
    Ok(Status::Good)
}

fn show(
    lesson: &Lesson,
    questions: &[Question],
    is_key: bool,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    writeln!(out, "Lesson {}: {}", lesson.number, lesson.title)?;
    writeln!(out, "{}", lesson.text)?;
    for question in questions {
        writeln!(out, "\nbefore event {}: {}", question.event, question.ask)?;
        for (index, (letter, option)) in ('a'..).zip(&question.options).enumerate() {
            let mark = if is_key && index == question.answer {
                '*'
            } else {
                ' '
            };
            writeln!(out, " {mark} {letter}) {option}")?;
        }
        if is_key {
            writeln!(out, "   {}", question.because)?;
        }
    }
    Ok(())
}

/// Plays a lesson's scenario.
pub(super) fn play<T>(
    lesson: &Lesson,
    with: impl FnOnce(&mut Full<'_>) -> T,
) -> Result<T, Failure> {
    let source = Source {
        file: PathBuf::from(lesson.scenario()),
        seed: None,
        set: Vec::new(),
    };
    let scenario = source.load()?;
    let mut full = Full::of(&scenario, true, &source.replay_command());
    Ok(with(&mut full))
}
