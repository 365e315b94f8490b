//! Lessons as pages: the player asks before it shows.

use schemars::JsonSchema;
use serde::Serialize;

use super::{LESSONS, Lesson, Question};
use crate::report::data::Report;
use crate::report::full::Full;
use crate::report::html::Page;
use crate::report::markup::escaped;

/// The report of a lesson's run, with the lesson.
#[derive(Debug, Serialize, JsonSchema)]
pub struct LessonReport<'a> {
    #[serde(flatten)]
    report: &'a Report,
    lesson: LessonLine<'a>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct LessonLine<'a> {
    title: String,
    text: &'a str,
    questions: Vec<Question>,
}

/// The page of a lesson.
pub fn page(lesson: &Lesson, full: &mut Full<'_>) -> Page {
    let title = format!("Lesson {}: {}", lesson.number, lesson.title);
    let questions = lesson.questions(full);
    let report = LessonReport {
        report: &full.report,
        lesson: LessonLine {
            title: title.clone(),
            text: lesson.text,
            questions,
        },
    };
    let mut page = Page::new(title.clone(), &report);
    page.fallback = format!(
        "<h1>{}</h1><p>{}</p><p>This page needs scripts, which run on your machine alone.</p>",
        escaped(&title),
        escaped(lesson.text)
    );
    page.traces = vec![full.trace.embedded()];
    page
}

/// The name of a lesson's file.
pub fn file(lesson: &Lesson) -> String {
    format!("{:02}-{}.html", lesson.number, lesson.id)
}

/// A page that leads to all lessons.
pub fn index() -> String {
    let item = |lesson: &Lesson| {
        format!(
            "<li value=\"{}\"><a href=\"{}\">{}</a><p>{}</p></li>\n",
            lesson.number,
            file(lesson),
            escaped(lesson.title),
            escaped(lesson.text)
        )
    };
    let items: String = LESSONS.iter().map(item).collect();
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n<title>ZooKeeper's protocol in lessons</title>\n\
         <style>:root{{color-scheme:light dark}}body{{font:16px/1.5 system-ui,sans-serif;max-width:44rem;margin:2rem auto;padding:0 1rem}}li{{margin:0 0 1rem}}p{{margin:.2rem 0}}</style>\n\
         </head>\n<body>\n<main>\n<h1>ZooKeeper's protocol in lessons</h1>\n\
         <p>Each lesson is one run. It stops before something decisive and asks what will happen. Step with the arrow keys; <kbd>?</kbd> lists the others.</p>\n\
         <ol>\n{items}</ol>\n</main>\n</body>\n</html>\n"
    )
}
