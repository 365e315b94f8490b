//! The page of capabilities names only what exists: tests in the files it says, commands, options, scenarios.

use std::fs;
use std::process::Command;

use super::layering::root;

/// A claim of the page: what stands between backquotes.
#[derive(Debug, PartialEq, Eq)]
enum Named<'a> {
    File(&'a str),
    Test { file: &'a str, name: &'a str },
    Command(&'a str),
}

#[test]
fn every_test_file_command_and_option_of_the_capabilities_exists() {
    let page = page();
    let wrong: Vec<String> = rows(&page)
        .flat_map(named)
        .filter_map(|claim| problem(&claim))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_capability_has_a_number_of_its_own_and_something_that_shows_it() {
    let page = page();
    let mut numbers = Vec::new();
    for row in rows(&page) {
        assert!(!named(row).is_empty(), "nothing shows {row}");
        let cell = row.split('|').nth(1).unwrap();
        numbers.extend(cell.split(',').map(|no| no.trim().parse::<u8>().unwrap()));
    }
    numbers.sort_unstable();
    let left_out = [11, 38];
    let all: Vec<u8> = (1..=39).filter(|no| !left_out.contains(no)).collect();
    assert_eq!(numbers, all);
}

#[test]
fn claims_are_read_from_a_row_and_wrong_ones_are_noticed() {
    let row = "| 1 | so | `zablab run scenarios/no.json`; `tests/it/cli.rs`: `one_test` |";
    let claims = named(row);
    let file = "tests/it/cli.rs";
    let name = "one_test";
    assert_eq!(
        claims,
        [
            Named::Command("zablab run scenarios/no.json"),
            Named::File(file),
            Named::Test { file, name }
        ]
    );
    assert!(problem(&claims[0]).unwrap().contains("no.json"));
    assert_eq!(problem(&claims[1]), None);
    assert!(problem(&claims[2]).unwrap().contains("one_test"));
    let option = Named::Command("zablab run scenarios/quiet.json --such");
    assert!(problem(&option).unwrap().contains("--such"));
    assert!(problem(&Named::Command("zablab walk")).is_some());
}

fn page() -> String {
    fs::read_to_string(root().join("docs/capabilities.md")).expect("a page of capabilities")
}

/// The rows of its tables, without their heads.
fn rows(page: &str) -> impl Iterator<Item = &str> {
    page.lines().filter(|line| {
        let first = line.strip_prefix("| ").unwrap_or_default();
        first.starts_with(|letter: char| letter.is_ascii_digit())
    })
}

/// What the last cell of a row names; a test belongs to the file named last before it.
fn named(row: &str) -> Vec<Named<'_>> {
    let cell = row.trim_end_matches('|').rsplit('|').next().unwrap();
    let mut file = "";
    let mut claims = Vec::new();
    for code in cell.split('`').skip(1).step_by(2) {
        claims.push(if code.starts_with("zablab ") {
            Named::Command(code)
        } else if code.contains('/') {
            file = code;
            Named::File(code)
        } else {
            Named::Test { file, name: code }
        });
    }
    claims
}

/// What is wrong with a claim.
fn problem(claim: &Named<'_>) -> Option<String> {
    match claim {
        Named::File(file) => (!root().join(file).is_file()).then(|| format!("no file {file}")),
        Named::Test { file, name } => {
            let text = fs::read_to_string(root().join(file)).unwrap_or_default();
            let head = format!("fn {name}()");
            let is_test = text.split("#[test]\n").skip(1).any(|test| {
                let before = test.split("fn ").next().unwrap_or_default();
                test[before.len()..].starts_with(&head)
            });
            (!is_test).then(|| format!("no test {name} in {file}"))
        }
        Named::Command(command) => wrong_command(command),
    }
}

/// A command is right when its help has each of its options and each scenario it names is there.
fn wrong_command(command: &str) -> Option<String> {
    let words: Vec<&str> = command.split(' ').skip(1).collect();
    let output = Command::new(env!("CARGO_BIN_EXE_zablab"))
        .args([words[0], "--help"])
        .output()
        .expect("the command runs");
    if !output.status.success() {
        return Some(format!("no command: {command}"));
    }
    let help = String::from_utf8(output.stdout).expect("text");
    let knows = |option: &str| help.split([' ', ',', '\n']).any(|word| word == option);
    words[1..].iter().find_map(|word| {
        let is_wrong = if word.starts_with('-') {
            !knows(word)
        } else {
            word.starts_with("scenarios/") && !root().join(word).is_file()
        };
        is_wrong.then(|| format!("no {word}: {command}"))
    })
}
