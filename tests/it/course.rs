//! The course: every command on its pages runs, and shows what the page shows.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cli::{scratch, text, zablab};
use crate::layering::root;
use crate::readme::with_transcripts;

fn pages() -> Vec<PathBuf> {
    let mut pages: Vec<PathBuf> = fs::read_dir(root().join("docs/course"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect();
    pages.sort();
    assert!(pages.len() >= 11);
    pages
}

#[test]
fn the_pages_show_what_their_commands_print() {
    for page in pages() {
        let current = with_transcripts(&fs::read_to_string(&page).unwrap());
        if env::var_os("UPDATE_EXPECT").is_some() {
            fs::write(&page, &current).unwrap();
        }
        assert!(
            fs::read_to_string(&page).unwrap() == current,
            "{} is out of date; UPDATE_EXPECT=1 cargo test course writes it anew",
            page.display()
        );
    }
}

/// The commands in the shell blocks of a page, with the exit code each is to have.
fn commands(page: &Path) -> Vec<(String, i32)> {
    let text = fs::read_to_string(page).unwrap();
    let blocks = text.split("```sh\n").skip(1);
    let lines = blocks.flat_map(|block| block.split("```").next().unwrap_or_default().lines());
    let commands: Vec<(String, i32)> = lines
        .map(|line| match line.split_once(" # exit ") {
            Some((command, code)) => (command.to_owned(), code.trim().parse().unwrap()),
            None => (line.to_owned(), 0),
        })
        .collect();
    assert!(
        commands
            .iter()
            .all(|(command, _)| command.starts_with("zablab ")),
        "{}",
        page.display()
    );
    commands
}

#[cfg(unix)]
#[test]
fn every_command_on_the_pages_runs() {
    let directory = scratch("course-commands");
    for shared in ["scenarios", "docs", "reports", "tests"] {
        std::os::unix::fs::symlink(root().join(shared), directory.join(shared)).unwrap();
    }
    let binary = Path::new(env!("CARGO_BIN_EXE_zablab")).parent().unwrap();
    let path = env::join_paths(
        std::iter::once(binary.to_path_buf())
            .chain(env::split_paths(&env::var_os("PATH").unwrap_or_default())),
    )
    .unwrap();
    let mut wrong = Vec::new();
    let mut count = 0;
    for page in pages() {
        for (command, expected) in commands(&page) {
            count += 1;
            let output = Command::new("sh")
                .args(["-c", &command])
                .env("PATH", &path)
                .current_dir(&directory)
                .output()
                .unwrap();
            if output.status.code() != Some(expected) {
                let error = text(&output.stderr).trim().to_owned();
                let found = output.status.code();
                wrong.push(format!("{}: {command}: {found:?} {error}", page.display()));
            }
        }
    }
    assert!(count > 20, "{count} commands");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_lessons_are_built_as_pages_with_an_index() {
    let directory = scratch("course-lessons");
    let output = zablab(&["course", "build", &directory.to_string_lossy()]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let index = fs::read_to_string(directory.join("index.html")).unwrap();
    let mut pages = 0;
    for link in index.split("href=\"").skip(1) {
        let file = link.split('"').next().unwrap();
        let page = fs::read_to_string(directory.join(file)).unwrap();
        assert!(page.contains("\"lesson\":{\"title\":\"Lesson "), "{file}");
        pages += 1;
    }
    assert!(pages >= 11);
}

#[test]
fn a_lesson_that_is_not_there_is_named_with_those_that_are() {
    let output = zablab(&["course", "lesson", "99"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("reading-time"));
}

#[test]
fn the_scenarios_of_the_course_meet_their_expectations() {
    for (path, scenario) in crate::scenarios::files_of("scenarios/course") {
        let outcome = zablab::experiment::run::play(
            &zablab::experiment::generate::expand(&scenario),
            &mut zablab::experiment::run::Nobody,
        );
        let met = outcome.meets(&scenario.expect);
        assert_eq!(met, Ok(()), "{}", path.display());
    }
}
