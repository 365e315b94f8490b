//! The README shows what the commands print, and nothing else. `UPDATE_EXPECT=1 cargo test readme` writes it anew.

use std::fs;
use std::process::Command;

use super::layering::root;

const MARK: &str = "<!-- output of: zablab ";

#[test]
fn the_readme_shows_what_its_commands_print() {
    let file = root().join("README.md");
    let text = fs::read_to_string(&file).expect("a README");
    let current = with_transcripts(&text);
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&file, &current).expect("a writable README");
    }
    let text = fs::read_to_string(&file).expect("a README");
    assert!(
        text == current,
        "README.md is out of date; UPDATE_EXPECT=1 cargo test readme writes it anew"
    );
    assert!(
        text.matches(MARK).count() >= 2,
        "the transcripts were not found"
    );
}

/// The text with the block after every mark replaced by what its command prints now.
pub(crate) fn with_transcripts(text: &str) -> String {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(MARK) {
        let (before, marked) = rest.split_at(at);
        let (command, after) = marked[MARK.len()..]
            .split_once(" -->\n")
            .expect("a mark on a line of its own");
        let after = after
            .strip_prefix("```text\n")
            .expect("a text block after the mark");
        let end = if after.starts_with("```") {
            0
        } else {
            after.find("\n```").expect("an end of the block") + 1
        };
        let output = run(command);
        parts.push(format!("{before}{MARK}{command} -->\n```text\n{output}"));
        rest = &after[end..];
    }
    parts.concat() + rest
}

fn run(arguments: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_zablab"))
        .args(arguments.split(' '))
        .current_dir(root())
        .output()
        .expect("the command runs");
    assert!(output.status.success(), "zablab {arguments} fails");
    String::from_utf8(output.stdout).expect("text")
}
