//! How violations of versioned histories are told (checkers.md §3.6).

use std::rc::Rc;

use super::super::story::{Explanation, Operation};
use super::holes::{Candidate, Hole};

/// Candidates shown.
const SHOWN: usize = 3;

fn explain(rule: &'static str, operations: &[&Rc<Operation>], conclusion: String) -> Explanation {
    let operations = operations
        .iter()
        .map(|operation| Operation::clone(operation));
    Explanation::new(rule, operations.collect(), conclusion)
}

/// An operation in the middle of a sentence; its own sentence says the rest.
fn name(operation: &Operation) -> String {
    operation.name()
}

pub(super) fn stale_read(
    before: &Rc<Operation>,
    low: u64,
    read: &Rc<Operation>,
    version: u64,
) -> Explanation {
    let conclusion = format!(
        "{} returned before {} began and proves version {} or later, yet the read shows version {version}",
        name(before),
        name(read),
        low / 2,
    );
    explain("stale-read", &[before, read], conclusion)
}

pub(super) fn late_write(
    before: &Rc<Operation>,
    low: u64,
    write: &Rc<Operation>,
    version: u64,
) -> Explanation {
    let conclusion = format!(
        "{} returned before {} began and proves version {}, yet the write claims to have made version {version}",
        name(before),
        name(write),
        low / 2,
    );
    explain("write-order", &[before, write], conclusion)
}

pub(super) fn double_version(
    one: &Rc<Operation>,
    other: &Rc<Operation>,
    version: u64,
) -> Explanation {
    let conclusion = format!("both writes were told that they made version {version}");
    explain("double-version", &[one, other], conclusion)
}

pub(super) fn version_zero(write: &Rc<Operation>) -> Explanation {
    let conclusion = "a write was told that it made version 0, which is there from the start";
    explain("double-version", &[write], conclusion.to_owned())
}

pub(super) fn wrong_version(write: &Rc<Operation>, expected: u64, version: u64) -> Explanation {
    let conclusion = format!(
        "the write expected version {expected} and can only have made version {}, yet it was told version {version}",
        expected.saturating_add(1)
    );
    explain("passed-wrongly", &[write], conclusion)
}

/// The version that it must have seen, because the one it expected was in force, cannot exist.
pub(super) fn refused_wrongly(
    room: Explanation,
    refused: &Rc<Operation>,
    expected: u64,
) -> Explanation {
    let conclusion = format!(
        "the write failed although version {expected}, which it expected, was in force: it was proven before the write began, and nobody can have made a later one before it ended"
    );
    let mut operations = room.operations;
    operations.push(Operation::clone(refused));
    Explanation::new("refused-wrongly", operations, conclusion)
}

pub(super) fn other_data(
    other: Option<&Rc<Operation>>,
    operation: &Rc<Operation>,
    version: u64,
) -> Explanation {
    let conclusion = match other {
        Some(_) => format!("version {version} cannot hold different data for these two"),
        None => format!("version {version} is the initial one and holds null"),
    };
    let shown: Vec<&Rc<Operation>> = other.into_iter().chain([operation]).collect();
    explain("phantom-data", &shown, conclusion)
}

pub(super) fn other_zxid(
    other: Option<&Rc<Operation>>,
    operation: &Rc<Operation>,
    version: u64,
) -> Explanation {
    let conclusion = match other {
        Some(_) => format!("version {version} cannot have two zxids"),
        None => format!("version {version} is the initial one and has zxid 0"),
    };
    let shown: Vec<&Rc<Operation>> = other.into_iter().chain([operation]).collect();
    explain("double-zxid", &shown, conclusion)
}

pub(super) fn zxid_order(lower: &Rc<Operation>, higher: &Rc<Operation>) -> Explanation {
    let conclusion =
        "the second of these tells of a later version of the znode, but not of a later zxid";
    explain("zxid-order", &[lower, higher], conclusion.to_owned())
}

pub(super) fn zxid_regress(before: &Rc<Operation>, write: &Rc<Operation>) -> Explanation {
    let conclusion = format!(
        "{} returned before {} began, yet its zxid is not smaller",
        name(before),
        name(write)
    );
    explain("zxid-real-time", &[before, write], conclusion)
}

pub(super) fn too_few(
    witness: &Rc<Operation>,
    seen: &Rc<Operation>,
    needed: u64,
    lost: &[Candidate],
) -> Explanation {
    let mut shown = vec![witness, seen];
    shown.extend(
        lost.iter()
            .take(SHOWN)
            .map(|candidate| &candidate.operation),
    );
    let conclusion = format!(
        "{needed} version{} up to the highest one shown {} made by no acknowledged write, but only {} of unknown outcome can have made any",
        if needed == 1 { "" } else { "s" },
        if needed == 1 { "was" } else { "were" },
        count(lost.len()),
    );
    explain("hole", &shown, conclusion)
}

/// A hole that goes without a write of its own, and why the likeliest candidates cannot have made it.
pub(super) fn unexplained(hole: &Hole, holes: &[Hole], lost: &[Candidate]) -> Explanation {
    let version = hole.version;
    let fits_data = |candidate: &&Candidate| match &hole.data {
        Some(data) => candidate.data == *data,
        None => true,
    };
    let mut near: Vec<&Candidate> = lost.iter().filter(fits_data).collect();
    near.sort_by_key(|candidate| candidate.lowest.abs_diff(version));
    near.truncate(SHOWN);
    let mut shown = vec![&hole.witness];
    shown.extend(near.iter().map(|candidate| &candidate.operation));
    let what = match &hole.data {
        Some(data) => format!("version {version} was seen to hold {data}"),
        None => format!("version {version} must exist, as a later one was shown"),
    };
    let reasons: Vec<String> = near
        .iter()
        .map(|candidate| reason(candidate, hole, holes))
        .collect();
    let reasons = if reasons.is_empty() {
        "none of unknown outcome has this data".to_owned()
    } else {
        reasons.join("; ")
    };
    let rule = if hole.data.is_some() {
        "phantom-data"
    } else {
        "hole"
    };
    let conclusion = format!("{what}, but no acknowledged write made it, and {reasons}");
    explain(rule, &shown, conclusion)
}

fn reason(candidate: &Candidate, hole: &Hole, holes: &[Hole]) -> String {
    let name = name(&candidate.operation);
    if candidate.lowest > hole.version {
        let lowest = candidate.lowest;
        return format!("{name} began when version {} had been proven", lowest - 1);
    }
    if let Some(expected) = candidate.expected
        && expected + 1 != hole.version
    {
        return format!("{name} expected version {expected}");
    }
    let others: Vec<String> = holes
        .iter()
        .filter(|other| other.version != hole.version && other.version >= candidate.lowest)
        .take(SHOWN)
        .map(|other| other.version.to_string())
        .collect();
    format!("{name} is needed for version {}", others.join(" or "))
}

fn count(writes: usize) -> String {
    match writes {
        0 => "no write".to_owned(),
        1 => "one write".to_owned(),
        more => format!("{more} writes"),
    }
}
