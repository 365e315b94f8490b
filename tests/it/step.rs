//! `zablab course step` as a user meets it: by a pipe, and on a terminal.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use zablab::lab::lesson::LESSONS;

use super::cli::text;
use super::layering::root;

/// Runs a command with these lines on its standard input.
fn fed(program: &str, arguments: &[&str], lines: &str) -> Output {
    let mut child = Command::new(program)
        .args(arguments)
        .current_dir(root())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that ends early closes its end.
    let _ = child.stdin.take().unwrap().write_all(lines.as_bytes());
    child.wait_with_output().unwrap()
}

fn step(what: &str, lines: &str) -> Output {
    let binary = env!("CARGO_BIN_EXE_zablab");
    fed(binary, &["course", "step", what], lines)
}

#[test]
fn every_lesson_is_stepped_through_with_a_server_crashed_on_the_way() {
    for lesson in &LESSONS {
        let lines = "step 3\nnext commit\nwhy\nstate\ncrash 2\nnext crash\nback 2\noriginal\ngo end\nquit\n";
        let output = step(lesson.id, lines);
        let (shown, said) = (text(&output.stdout), text(&output.stderr));
        assert_eq!(output.status.code(), Some(0), "{}: {said}", lesson.id);
        assert!(said.is_empty(), "{}: {said}", lesson.id);
        assert!(shown.contains("directly before it:\n"), "{}", lesson.id);
        assert!(shown.contains("both runs are the same up to event "));
        // Going to the end answers every question that the lesson asks.
        assert!(shown.contains("\nquestion: "), "{}: {shown}", lesson.id);
        assert!(!shown.contains("> "), "no prompt in a pipe: {shown}");
    }
}

#[test]
fn a_refused_command_is_one_line_on_stderr_and_the_next_one_is_read() {
    let output = step("versions", "fly\ncrash 77\nstep\n\n\u{7}\nstate 1\n");
    assert_eq!(output.status.code(), Some(2));
    let said = text(&output.stderr);
    assert_eq!(said.lines().count(), 3, "{said}");
    assert!(said.starts_with("error: there is no command \"fly\"; help lists them\n"));
    let shown = text(&output.stdout);
    assert!(shown.contains("  server 1  "), "{shown}");
    assert_eq!(shown.matches(" s  ").count(), 1, "{shown}");
}

#[test]
fn what_is_neither_a_lesson_nor_a_file_is_named_with_the_lessons() {
    let output = step("no-such.json", "");
    assert_eq!(output.status.code(), Some(2));
    let said = text(&output.stderr);
    assert!(said.contains("\"no-such.json\" is neither a lesson nor a file"));
    assert!(said.contains("reading-time"));
    let output = step("scenarios", "");
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("scenarios"));
}

#[test]
fn a_run_of_a_hundred_thousand_events_is_gone_through_in_one_go() {
    let lines = "next election\nback\ngo 100000\nstate\nwhy\nback 5\n";
    let output = step("scenarios/leader-crash.json", lines);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("after event 100000 "));
}

#[test]
#[expect(
    clippy::print_stdout,
    reason = "a test that could not be run is not passed over in silence"
)]
fn on_a_terminal_there_is_a_prompt_and_an_empty_line_is_a_step() {
    let command = format!("{} course step versions", env!("CARGO_BIN_EXE_zablab"));
    let is_there = Command::new("script").arg("--version").output();
    if !is_there.is_ok_and(|output| text(&output.stdout).contains("util-linux")) {
        println!("not run: there is no util-linux script to open a terminal with");
        return;
    }
    let lines = "\n\nnonsense\ncrash 1\nback\nquit\n";
    let output = fed("script", &["-qec", &command, "/dev/null"], lines);
    let shown = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{shown}");
    for part in [
        "event 0> ",
        "event 1> ",
        "event 2> ",
        "there is no command \"nonsense\"; help lists them",
        "added after event 2: crash server 1",
        "changed run, event 2> ",
        "changed run, event 1> ",
    ] {
        assert!(shown.contains(part), "{part:?} in {shown}");
    }
}
