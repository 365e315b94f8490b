//! The claims of introductory texts: each row of the table is backed by runs that come out as it says.

use std::process::Command;

use zablab::experiment::course::claims::{CLAIMS, Judgement, show};
use zablab::report::explain;

use super::layering::root;
use super::scenarios::files_of;

/// The loosest claims: what refutes each of them happens, and is told, in fewer events than this.
const EVENTS: u64 = 60;

/// Those claims.
const LOOSEST: [&str; 6] = [
    "first-come-votes",
    "timestamps",
    "newer-version-wins",
    "learners-do-not-vote",
    "watch-every-change",
    "reads-are-current",
];

#[test]
fn every_claim_is_as_its_runs_show() {
    let files = files_of("scenarios/claims");
    let mut shown_files = Vec::new();
    for claim in &CLAIMS {
        let mut refuted = None;
        for exhibit in claim.exhibits {
            let mut files = files.iter();
            let (_, scenario) = files
                .find(|(_, scenario)| scenario.name == exhibit.file)
                .unwrap_or_else(|| panic!("{} is missing", exhibit.file));
            shown_files.push(exhibit.file);
            for shown in show(*exhibit, scenario) {
                assert_eq!(shown.difference, None, "{}: {}", claim.id, exhibit.file);
                let Some(violation) = shown.refutation() else {
                    continue;
                };
                let told = explain::explain(&shown.scenario, violation);
                refuted.get_or_insert((told.at.event.0, told.sentences.len()));
            }
        }
        match claim.judgement {
            Judgement::Holds => assert!(refuted.is_none(), "{}", claim.id),
            Judgement::False => assert!(refuted.is_some(), "{}", claim.id),
            Judgement::OnlyIf => {}
        }
        if LOOSEST.contains(&claim.id) {
            let (event, steps) = refuted.expect("the loosest claims are false");
            assert!(event < EVENTS, "{}: refuted at event {event}", claim.id);
            let most = usize::try_from(EVENTS).unwrap();
            assert!(steps < most, "{}: told in {steps} steps", claim.id);
        }
    }
    for (path, scenario) in &files {
        let is_shown = shown_files.contains(&scenario.name.as_str());
        assert!(is_shown, "{} belongs to no claim", path.display());
    }
}

#[test]
fn the_table_is_printed_as_text_and_as_json() {
    let run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_zablab"));
        let output = command
            .args(arguments)
            .current_dir(root())
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let text = run(&["course", "claims", "timestamps", "--explain"]);
    assert!(text.contains("refutes timestamp-order at event"), "{text}");
    assert!(text.contains("nothing is ordered by it"), "{text}");
    let table = run(&["course", "claims", "newer-version-wins", "--json"]);
    let table: serde_json::Value = serde_json::from_str(&table).unwrap();
    assert_eq!(table["stands"], true);
    assert_eq!(table["claims"][0]["judgement"], "false");
    assert_eq!(
        table["claims"][0]["runs"][0]["property"],
        "newer-version-wins"
    );
}
