//! The same scenario and seed give the same digest in every build: this debug build must meet the digests that are
//! committed, and `.ci/run` holds a release build against the same file.
//!
//! `UPDATE_EXPECT=1 cargo test determinism` writes the file anew; the CHANGELOG then says which rule changed.

use std::fs;

use zablab::experiment::generate;
use zablab::experiment::run::{Nobody, play};

use super::layering::root;
use super::scenarios::files;

#[test]
fn every_scenario_has_the_committed_digest() {
    let path = root().join("tests/golden/digests.txt");
    let mut current = String::new();
    for (_, scenario) in files() {
        let digest = play(&generate::expand(&scenario), &mut Nobody).digest;
        current += &[scenario.name.as_str(), " ", &format!("{digest:016x}"), "\n"].concat();
    }
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&path, &current).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap();
    assert_eq!(committed, current);
}

#[test]
fn playing_twice_gives_the_same_checkpoints() {
    let (_, scenario) = files()
        .into_iter()
        .find(|(_, scenario)| scenario.name == "leader-crash")
        .unwrap();
    let first = play(&scenario, &mut Nobody);
    let second = play(&scenario, &mut Nobody);
    assert_eq!((first.digest, first.events), (second.digest, second.events));
    let mut other = scenario;
    other.seed.0 += 1;
    assert_ne!(
        play(&other, &mut Nobody).digest,
        first.digest,
        "another seed is another run"
    );
}
