//! Versions that no acknowledged write made, matched with writes of unknown outcome (checkers.md §3.5).
//!
//! A write can have made a version if it expected the one before or any, if everything that had been proven when it began lies below, and if
//! its data is what was seen, if anything was. A conditional write fits one version only; what fits a version unconditionally
//! fits every later one. So greedy choices are exact: seen versions in ascending order take the conditional write that fits, else the unconditional
//! one of their data that began last; then unseen ones take whatever is left. O(u log u).

use std::collections::BTreeMap;
use std::rc::Rc;

use super::super::story::{Explanation, Operation};
use super::{Open, reading, words};
use crate::history::foreign::value::Value;

type Judged = Result<(), Explanation>;

/// A version without an acknowledged write.
#[derive(Clone, Debug)]
pub(super) struct Hole {
    pub(super) version: u64,
    /// What it was seen to hold, if anybody looked.
    pub(super) data: Option<Value>,
    /// Who proved that it exists.
    pub(super) witness: Rc<Operation>,
}

/// A write that may have made one.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    /// The lowest version that it can have made.
    pub(super) lowest: u64,
    pub(super) expected: Option<u64>,
    pub(super) data: Value,
    pub(super) operation: Rc<Operation>,
}

impl Candidate {
    pub(super) fn of(open: &Open) -> Self {
        let argument = reading::argument(&open.operation);
        Self {
            lowest: open.low.position / 2 + 1,
            expected: argument.expected,
            data: argument.data.clone(),
            operation: Rc::clone(&open.operation),
        }
    }
}

/// Unconditional writes of one kind, in order of what they can have made.
#[derive(Default)]
struct Class<'a> {
    waiting: Vec<&'a Candidate>,
    /// Those that fit the version at hand, the one that began last on top.
    fitting: Vec<&'a Candidate>,
}

impl<'a> Class<'a> {
    /// Takes one that fits a version; versions ascend.
    fn take(&mut self, version: u64) -> Option<&'a Candidate> {
        while let Some(next) = self.waiting.pop_if(|next| next.lowest <= version) {
            self.fitting.push(next);
        }
        self.fitting.pop()
    }
}

/// Gives every hole a candidate of its own, or says which one goes without; holes ascend.
pub(super) fn fill(holes: &[Hole], lost: &[Candidate]) -> Judged {
    let mut conditional: BTreeMap<u64, Vec<&Candidate>> = BTreeMap::new();
    let mut classes: BTreeMap<&Value, Class<'_>> = BTreeMap::new();
    for candidate in lost {
        match candidate.expected {
            Some(expected) => conditional.entry(expected).or_default().push(candidate),
            None => classes
                .entry(&candidate.data)
                .or_default()
                .waiting
                .push(candidate),
        }
    }
    for class in classes.values_mut() {
        // The lowest is taken off the end first.
        class
            .waiting
            .sort_by_key(|candidate| std::cmp::Reverse(candidate.lowest));
    }
    for hole in holes {
        let Some(data) = &hole.data else { continue };
        let fits = |candidate: &&Candidate| candidate.data == *data;
        if take_conditional(&mut conditional, hole.version, fits)
            || classes
                .get_mut(data)
                .is_some_and(|class| class.take(hole.version).is_some())
        {
            continue;
        }
        return Err(words::unexplained(hole, holes, lost));
    }
    let rest = classes.into_values();
    let mut rest = Class {
        waiting: rest
            .flat_map(|class| class.waiting.into_iter().chain(class.fitting))
            .collect(),
        fitting: Vec::new(),
    };
    rest.waiting
        .sort_by_key(|candidate| std::cmp::Reverse(candidate.lowest));
    for hole in holes.iter().filter(|hole| hole.data.is_none()) {
        if !take_conditional(&mut conditional, hole.version, |_| true)
            && rest.take(hole.version).is_none()
        {
            return Err(words::unexplained(hole, holes, lost));
        }
    }
    Ok(())
}

fn take_conditional<'a>(
    conditional: &mut BTreeMap<u64, Vec<&'a Candidate>>,
    version: u64,
    fits: impl Fn(&&'a Candidate) -> bool,
) -> bool {
    let Some(expecting) = version
        .checked_sub(1)
        .and_then(|before| conditional.get_mut(&before))
    else {
        return false;
    };
    let fits = |candidate: &&'a Candidate| candidate.lowest <= version && fits(candidate);
    let found = expecting.iter().position(fits);
    if let Some(index) = found {
        expecting.swap_remove(index);
    }
    found.is_some()
}
