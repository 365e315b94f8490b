//! The zoo: every defect is shown by a scenario of its own, and its absence by the same scenario without it.

use std::collections::{BTreeMap, BTreeSet};

use zablab::check::verdict::{Property, Verdict};
use zablab::experiment::generate;
use zablab::experiment::hunt;
use zablab::experiment::run::{Nobody, play};
use zablab::experiment::scenario::Scenario;
use zablab::experiment::sweep::play_seed;
use zablab::mutant::table::{DEFECTS, Defect, Kind};

use super::layering::root;
use super::scenarios::files_of;

#[test]
fn every_defect_has_a_scenario_that_expects_the_property_that_catches_it() {
    let mut wrong = Vec::new();
    let files = files_of("scenarios/zoo");
    for defect in DEFECTS.iter() {
        let own = files
            .iter()
            .find(|(_, scenario)| scenario.name == defect.id);
        let Some(breaks) = defect.kind.breaks() else {
            if own.is_some() {
                wrong.push(format!("{} is a control with a scenario", defect.id));
            }
            continue;
        };
        let Some((_, scenario)) = own else {
            wrong.push(format!("{} has no scenario", defect.id));
            continue;
        };
        if scenario.mutants != [defect.id] {
            wrong.push(format!("{} plants {:?}", defect.id, scenario.mutants));
        }
        if scenario.expect.property.as_deref() != Some(breaks.name()) {
            wrong.push(format!("{} expects {:?}", defect.id, scenario.expect));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_scenario_of_the_zoo_shows_its_defect_and_holds_without_it() {
    let mut wrong = Vec::new();
    for (path, scenario) in files_of("scenarios/zoo") {
        let outcome = play(&generate::expand(&scenario), &mut Nobody);
        if let Err(why) = outcome.meets(&scenario.expect) {
            wrong.push(format!("{}: {why}", path.display()));
        }
        let healthy = Scenario {
            mutants: Vec::new(),
            ..scenario
        };
        let outcome = play(&generate::expand(&healthy), &mut Nobody);
        if outcome.verdict() != Verdict::Holds {
            let name = outcome.verdict().name();
            wrong.push(format!("{} without its defect: {name}", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_scenario_of_the_zoo_belongs_to_a_defect() {
    for (path, scenario) in files_of("scenarios/zoo") {
        let known = DEFECTS.iter().any(|defect| defect.id == scenario.name);
        assert!(known, "{} shows no defect", path.display());
        let file = format!("{}.json", scenario.name);
        assert_eq!(path.file_name().unwrap().to_string_lossy(), file);
    }
}

#[test]
fn names_are_unique_stories_are_told_and_families_exist() {
    let mut names = BTreeSet::new();
    for defect in DEFECTS.iter() {
        assert!(names.insert(defect.id), "{} is there twice", defect.id);
        assert!(
            !defect.story.trim().is_empty(),
            "{} has no story",
            defect.id
        );
        let family = root().join(format!("scenarios/{}.json", defect.hunt.family));
        assert!(family.is_file(), "{} is hunted in no file", defect.id);
        assert_eq!(
            defect.hunt.set.is_empty(),
            defect.hunt.guidance.is_empty(),
            "{}: guidance is named if there is any",
            defect.id
        );
        if let Kind::Historic {
            issues, versions, ..
        } = defect.kind
        {
            assert!(!issues.is_empty() && !versions.is_empty(), "{}", defect.id);
        }
    }
}

/// The committed matrix names, per defect and property, the first seed that was caught. A checker that goes blind does
/// not catch it any more; then, or when the protocol has changed, `zablab mutants kill` says what is true now.
#[test]
fn every_property_catches_what_the_kill_matrix_says_it_catches() {
    let text = std::fs::read(root().join("reports/kill-matrix.json")).unwrap();
    let matrix: serde_json::Value = serde_json::from_slice(&text).unwrap();
    let mut missed = Vec::new();
    let entries = matrix["mutants"].as_array().unwrap();
    for defect in DEFECTS
        .iter()
        .filter(|defect| defect.kind.breaks().is_some())
    {
        let Some(entry) = entries.iter().find(|entry| entry["id"] == defect.id) else {
            missed.push(format!("{} is not in the matrix", defect.id));
            continue;
        };
        let family = family(defect);
        let mut by_seed: BTreeMap<u64, Vec<&str>> = BTreeMap::new();
        for (property, cell) in entry["cells"].as_object().unwrap() {
            let seed = cell["first_seed"].as_u64().unwrap();
            by_seed.entry(seed).or_default().push(property);
        }
        for (seed, properties) in by_seed {
            let played = play_seed(&family, seed);
            for name in properties {
                let property = Property::by_name(name).unwrap();
                if !hunt::shows(&played, property) {
                    missed.push(format!("{}: {name} misses seed {seed}", defect.id));
                }
            }
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

/// The family in which a defect is hunted, with the defect planted.
fn family(defect: &Defect) -> Scenario {
    let path = root().join(format!("scenarios/{}.json", defect.hunt.family));
    Scenario::parse(
        &std::fs::read(path).unwrap(),
        defect.hunt.family,
        &defect.overrides(),
    )
    .unwrap()
}
