//! The house rules that a machine can check: sizes, front matter, unfinished places, one site per design choice.

use super::layering::{root, sources};
use std::fs;

const MAX_FILE_LINES: usize = 700;
const MAX_FUNCTION_LINES: usize = 70;

#[test]
fn files_stay_short_and_say_what_they_own() {
    let mut wrong = Vec::new();
    for (file, text) in sources() {
        let lines = text.lines().count();
        if lines > MAX_FILE_LINES {
            wrong.push(format!(
                "{}: {lines} lines, at most {MAX_FILE_LINES}",
                file.display()
            ));
        }
        if !text.starts_with("//! ") {
            wrong.push(format!(
                "{}: does not begin with what it owns",
                file.display()
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn functions_stay_short() {
    let mut wrong = Vec::new();
    for (file, text) in sources() {
        for (name, lines) in functions(&text) {
            if lines > MAX_FUNCTION_LINES {
                wrong.push(format!(
                    "{}: {name} has {lines} lines, at most {MAX_FUNCTION_LINES}",
                    file.display()
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn nothing_says_it_is_unfinished() {
    let banned = [
        "TODO",
        "FIXME",
        "XXX",
        "todo!(",
        "unimplemented!(",
        "for now",
        "simplified",
    ];
    let mut wrong = Vec::new();
    for (file, text) in sources() {
        for (index, line) in text.lines().enumerate() {
            if banned.iter().any(|word| line.contains(word)) {
                wrong.push(format!("{}:{}: {}", file.display(), index + 1, line.trim()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_architecture_fits_on_its_pages() {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).expect("an architecture page");
    assert!(text.lines().count() < 200);
}

/// Every function of a formatted file with its number of lines; tables of one-line arms are counted without them.
fn functions(text: &str) -> Vec<(String, usize)> {
    let mut found = Vec::new();
    let lines: Vec<&str> = text.lines().collect();
    for (start, line) in lines.iter().enumerate() {
        let body = line.trim_start();
        let is_function = [
            "fn ",
            "pub fn ",
            "pub(crate) fn ",
            "pub(super) fn ",
            "const fn ",
            "pub const fn ",
        ]
        .iter()
        .any(|prefix| body.starts_with(prefix));
        if !is_function {
            continue;
        }
        // A trait's function without a body.
        if body.ends_with(';') {
            continue;
        }
        let indent = &line[..line.len() - body.len()];
        let Some(end) = lines[start..]
            .iter()
            .position(|line| *line == format!("{indent}}}"))
        else {
            continue;
        };
        let arms = lines[start..start + end]
            .iter()
            .filter(|line| is_one_line_arm(line))
            .count();
        let name = body.split('(').next().unwrap_or(body).to_owned();
        found.push((name, end + 1 - arms));
    }
    found
}

/// `pattern => expression,` or a line of an or-pattern: rows of a table, exempt from the limit.
fn is_one_line_arm(line: &str) -> bool {
    let line = line.trim();
    (line.contains(" => ") && line.ends_with(',')) || line.starts_with("| ")
}

#[test]
fn a_long_function_is_noticed() {
    let long = format!("fn f() {{\n{}}}\n", "    call();\n".repeat(80));
    assert_eq!(functions(&long), [("fn f".to_owned(), 82)]);
    let table = format!("fn g() {{\n{}}}\n", "    A => 1,\n".repeat(80));
    assert_eq!(functions(&table), [("fn g".to_owned(), 2)]);
}
