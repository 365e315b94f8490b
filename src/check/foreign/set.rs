//! Sets that only grow and are read as a whole: reads form a chain (checkers.md §4.1).
//!
//! Applies to distinct additions and reads of all elements. Any two reads must contain one another; an element's place is the first
//! read that shows it, and positions decide. O(n log n + total length). Sets without reads of the whole are judged element by
//! element instead.

use super::machine::{Action, Lists, V};
use super::meaning::Placed;
use super::positions::{self, Positioned};
use super::search::NEVER;

/// Operations that contradict each other, by their index among those judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Conflict {
    /// A read that shows what nobody added, and the element.
    Phantom(u32, V),
    /// Two reads of which each shows what the other lacks.
    Apart(u32, u32),
    /// An operation that returned before another began comes after it; the read that shows the order, if it takes one.
    Regress(u32, u32, Option<u32>),
}

/// Whether the chain decides: distinct additions and reads of the whole.
pub(super) fn applies(placed: &[Placed], values: usize) -> bool {
    let mut added = vec![false; values];
    placed.iter().all(|placed| {
        if let Action::Add(value) = placed.action {
            !std::mem::replace(&mut added[value as usize], true)
        } else {
            matches!(placed.action, Action::Members(_))
        }
    })
}

/// Judges one set; `values` is how many values are numbered.
pub(super) fn judge(placed: &[Placed], lists: &Lists, values: usize) -> Result<(), Conflict> {
    let mut additions: Vec<Option<u32>> = vec![None; values];
    let mut reads: Vec<(&[V], u32)> = Vec::new();
    for (index, operation) in (0..).zip(placed) {
        if let Action::Add(value) = operation.action {
            additions[value as usize] = Some(index);
        } else if let Action::Members(list) = operation.action {
            reads.push((lists.members.key(list), index));
        }
    }
    reads.sort_by_key(|(members, _)| members.len());
    let mut position = vec![u64::MAX; placed.len()];
    let mut shown_by = vec![None; placed.len()];
    let mut level: u64 = 0;
    let mut last: (&[V], Option<u32>) = (&[], None);
    for (members, index) in reads {
        if !is_part(last.0, members) {
            let before = last.1.expect("the empty set is part of every set");
            return Err(Conflict::Apart(before, index));
        }
        if members.len() > last.0.len() || last.1.is_none() {
            level += 1;
            last = (members, Some(index));
            for member in members {
                let Some(addition) = additions[*member as usize] else {
                    return Err(Conflict::Phantom(index, *member));
                };
                let place = &mut position[addition as usize];
                if *place == u64::MAX {
                    *place = 2 * level;
                    shown_by[addition as usize] = Some(index);
                }
            }
        }
        position[index as usize] = 2 * level + 1;
    }
    let unseen = 2 * level + 2;
    let positioned: Vec<Positioned> = (0..)
        .zip(placed)
        .map(|(index, operation)| Positioned {
            index,
            call: operation.call,
            ret: operation.ret,
            position: position[index as usize].min(unseen),
        })
        .filter(|one| one.ret != NEVER || one.position != unseen)
        .collect();
    match positions::first_regress(&positioned) {
        None => Ok(()),
        Some((before, after)) => Err(Conflict::Regress(before, after, shown_by[after as usize])),
    }
}

/// Whether every element of one sorted list is in the other.
fn is_part(part: &[V], whole: &[V]) -> bool {
    let mut whole = whole.iter();
    part.iter()
        .all(|element| whole.any(|other| other == element))
}
