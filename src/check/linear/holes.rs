//! Who could have made the changes that no acknowledged write made: a matching of holes with unresolved writes.
//!
//! Candidates are few, so an augmenting path per hole is exact and cheap; the greedy orders of checkers.md §3.5 need no
//! proof here.

use crate::base::zxid::Zxid;
use crate::history::op::Data;

use super::super::by_operation::Operation;

/// A change that must have happened.
#[derive(Clone, Debug)]
pub(super) struct Hole {
    /// Which kind.
    pub kind: HoleKind,
    /// It lies strictly above this zxid.
    pub above: Zxid,
    /// And strictly below this one.
    pub below: Zxid,
    /// The data it left, if a reply showed it.
    pub data: Option<Data>,
}

/// Which kind of change a hole is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HoleKind {
    /// A create.
    Create,
    /// A delete of a znode that had at least this version; -1 = unknown.
    Delete(i64),
    /// A setData that made this version, or one that is smaller by at most the second number.
    Set(i64, i64),
    /// Any change that left data.
    Either,
}

/// One thing that an unresolved write may have done to the znode.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    /// The write.
    pub op: Operation,
    /// What it would do.
    pub kind: SlotKind,
    /// It would take effect strictly above this zxid.
    pub above: Zxid,
    /// And strictly below this one, if its session went on.
    pub below: Option<Zxid>,
}

/// What an unresolved write would do.
#[derive(Clone, Debug)]
pub(super) enum SlotKind {
    /// Create with this data.
    Create(Data),
    /// Delete, expecting this version or -1, with this many unresolved setData that might have made it.
    Delete(i32, i64),
    /// Set to this data, expecting this version or -1.
    Set(Data, i32),
}

impl Slot {
    /// Whether it could be the change.
    pub(super) fn fits(&self, hole: &Hole) -> bool {
        let above = self.above.max(hole.above);
        let below = self.below.map_or(hole.below, |below| below.min(hole.below));
        if above.0.saturating_add(1) >= below.0 {
            return false;
        }
        let same_data = |data: &Data| hole.data.as_ref().is_none_or(|seen| seen == data);
        match (&self.kind, hole.kind) {
            (SlotKind::Create(data), HoleKind::Create | HoleKind::Either)
            | (SlotKind::Set(data, _), HoleKind::Either) => same_data(data),
            (SlotKind::Delete(expected, makers), HoleKind::Delete(version)) => {
                let short = i64::from(*expected) - version;
                *expected == -1 || version == -1 || (0..=*makers).contains(&short)
            }
            (SlotKind::Set(data, expected), HoleKind::Set(version, vague)) => {
                let made = i64::from(*expected) + 1;
                same_data(data) && (*expected == -1 || (version - vague..=version).contains(&made))
            }
            (SlotKind::Create(_), HoleKind::Delete(_) | HoleKind::Set(..))
            | (SlotKind::Delete(..), HoleKind::Create | HoleKind::Set(..) | HoleKind::Either)
            | (SlotKind::Set(..), HoleKind::Create | HoleKind::Delete(_)) => false,
        }
    }
}

/// Gives every hole a slot of its own; `Err` is a hole that cannot be filled together with those before it.
pub(super) fn fill(holes: &[Hole], slots: &[Slot]) -> Result<Vec<usize>, usize> {
    let mut owner: Vec<Option<usize>> = vec![None; slots.len()];
    for hole in 0..holes.len() {
        let mut tried = vec![false; slots.len()];
        if !place(hole, holes, slots, &mut owner, &mut tried) {
            return Err(hole);
        }
    }
    let mut chosen = vec![0; holes.len()];
    for (slot, hole) in owner.iter().enumerate() {
        if let Some(hole) = hole {
            chosen[*hole] = slot;
        }
    }
    Ok(chosen)
}

fn place(
    hole: usize,
    holes: &[Hole],
    slots: &[Slot],
    owner: &mut [Option<usize>],
    tried: &mut [bool],
) -> bool {
    for slot in 0..slots.len() {
        if tried[slot] || !slots[slot].fits(&holes[hole]) {
            continue;
        }
        tried[slot] = true;
        let free = match owner[slot] {
            None => true,
            Some(other) => place(other, holes, slots, owner, tried),
        };
        if free {
            owner[slot] = Some(hole);
            return true;
        }
    }
    false
}
