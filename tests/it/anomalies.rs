//! Every class of anomaly has a recorded history that shows it, with the property that catches it and two or three pieces of
//! evidence, and beside it one that is legal. Data in, text out: `tests/data/anomalies/told.txt` has what is said of each.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use zablab::check::foreign::model::Options;
use zablab::check::verdict::{Property, Verdict};
use zablab::experiment::recorded::{Judged, judge};

use super::layering::root;

/// The classes: file, property that names it (none in a history of one register), and the rule that it breaks.
const CLASSES: &[(&str, Option<Property>, &str)] = &[
    ("stale-read", None, "lost-write"),
    (
        "lost-update",
        Some(Property::LinearizableWrites),
        "double-version",
    ),
    (
        "phantom",
        Some(Property::LinearizableWrites),
        "phantom-data",
    ),
    ("hole", Some(Property::LinearizableWrites), "hole"),
    (
        "split-brain",
        Some(Property::LinearizableWrites),
        "double-version",
    ),
    (
        "sequence-reused",
        Some(Property::LinearizableWrites),
        "sequence-went-back",
    ),
    (
        "session-regress",
        Some(Property::MonotonicReads),
        "stale-read",
    ),
    (
        "own-write-unseen",
        Some(Property::ReadYourWrites),
        "own-write-unseen",
    ),
    ("torn-multi", Some(Property::AtomicMultis), "torn-multi"),
    ("torn-read", Some(Property::AtomicMultis), "torn-read"),
    (
        "ephemeral-outlives-session",
        Some(Property::Sessions),
        "ephemeral-outlives-session",
    ),
    ("lost-event", Some(Property::WatchLost), "event-lost"),
    ("duplicate-event", Some(Property::WatchOnce), "fired-twice"),
    (
        "duplicate-event-of-lasting-watch",
        Some(Property::WatchOnce),
        "told-twice",
    ),
    (
        "spurious-event",
        Some(Property::WatchSpurious),
        "no-such-change",
    ),
    (
        "late-event",
        Some(Property::WatchOrder),
        "events-out-of-order",
    ),
    (
        "event-after-data",
        Some(Property::WatchOrder),
        "event-after-data",
    ),
    (
        "rearmed-over-gap",
        Some(Property::WatchRearm),
        "change-not-caught-up",
    ),
    (
        "recursive-child-event",
        Some(Property::WatchFilter),
        "unwatched-event",
    ),
    (
        "event-after-session-end",
        Some(Property::WatchSpurious),
        "event-after-session-end",
    ),
    (
        "event-without-read",
        Some(Property::WatchFilter),
        "event-without-read",
    ),
];

fn folder() -> PathBuf {
    root().join("tests/data/anomalies")
}

fn judged(class: &str, kind: &str) -> Judged {
    let file = folder().join(format!("{class}.{kind}.jsonl"));
    let text = fs::read(&file).unwrap();
    judge(&mut text.as_slice(), &Options::default(), || 0).unwrap()
}

#[test]
fn every_class_of_anomaly_is_named_and_its_legal_neighbour_holds() {
    let mut told = String::new();
    for (class, property, rule) in CLASSES {
        let bad = judged(class, "bad");
        let explanation = bad.judgement.explanation.expect(class);
        assert_eq!(explanation.rule, *rule, "{class}");
        assert!((2..=4).contains(&explanation.sentences.len()), "{class}");
        writeln!(told, "{class}: {rule}").unwrap();
        if let Some(property) = property {
            let ours = bad.ours.expect(class);
            let mut broken = ours.properties.iter();
            broken
                .find(|one| one.property == *property && one.verdict == Verdict::Violated)
                .unwrap_or_else(|| panic!("{class}: {property} is not broken"));
            writeln!(told, "  breaks {property}: {}", property.statement()).unwrap();
        }
        for sentence in &explanation.sentences {
            writeln!(told, "    {sentence}").unwrap();
        }
        let legal = judged(class, "legal");
        assert_eq!(
            legal.judgement.verdict,
            Verdict::Holds,
            "{class}: {legal:#?}"
        );
    }
    let file = folder().join("told.txt");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&file, &told).unwrap();
    }
    assert_eq!(
        told,
        fs::read_to_string(&file).unwrap(),
        "UPDATE_EXPECT=1 rewrites it"
    );
}

#[test]
fn every_history_of_an_anomaly_belongs_to_a_class() {
    let mut files = 0;
    for file in fs::read_dir(folder()).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        if let Some((class, _)) = name.split_once('.')
            && class != "told"
        {
            assert!(CLASSES.iter().any(|(known, ..)| *known == class), "{name}");
            files += 1;
        }
    }
    assert_eq!(files, 2 * CLASSES.len());
}
