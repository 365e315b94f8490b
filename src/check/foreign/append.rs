//! Texts and lists that are only appended to: a read shows the whole order (checkers.md §4.1).
//!
//! Applies where nothing is replaced, and no appended piece is empty or begins another one. Then the longest read gives every piece its
//! place, other reads must be its beginnings, and positions decide. O(n log n + total length).

use super::machine::{Action, Lists, V};
use super::meaning::Placed;
use super::positions::{self, Positioned};

/// Operations that contradict each other, by their index among those judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Conflict {
    /// A read that shows what nobody appended, or a piece twice.
    Phantom(u32),
    /// A read that is no beginning of the longest one, or ends in the middle of a piece: the read, the longest.
    Apart(u32, u32),
    /// An operation that returned before another began comes after it; the longest read shows the order.
    Regress(u32, u32, u32),
}

/// The appended pieces in order, each with its operation; none if the monitor does not apply.
pub(super) fn pieces<'a>(placed: &[Placed], lists: &'a Lists) -> Option<Vec<(&'a [V], u32)>> {
    let mut pieces: Vec<(&[V], u32)> = Vec::new();
    for (index, operation) in (0..).zip(placed) {
        if let Action::Append(piece) = operation.action {
            pieces.push((lists.members.key(piece), index));
        } else if !matches!(operation.action, Action::Get(_)) {
            return None;
        }
    }
    pieces.sort_unstable();
    let is_free = pieces
        .windows(2)
        .all(|pair| !pair[1].0.starts_with(pair[0].0));
    let is_full = pieces.first().is_none_or(|(piece, _)| !piece.is_empty());
    (is_free && is_full).then_some(pieces)
}

/// Judges one text or list, whose pieces were found before.
pub(super) fn judge(
    placed: &[Placed],
    lists: &Lists,
    pieces: &[(&[V], u32)],
) -> Result<(), Conflict> {
    let read = |operation: &Placed| {
        if let Action::Get(list) = operation.action {
            Some(lists.members.key(list).as_slice())
        } else {
            None
        }
    };
    let reads = (0..).zip(placed);
    let reads = reads.filter_map(|(index, operation)| Some((index, read(operation)?)));
    // The first of the longest.
    let longest = reads
        .clone()
        .max_by_key(|(index, whole)| (whole.len(), u32::MAX - index));
    let Some((longest, whole)) = longest else {
        return Ok(());
    };
    let mut position: Vec<u64> = vec![u64::MAX; placed.len()];
    let mut ends = vec![0];
    let mut rest = whole;
    while !rest.is_empty() {
        let after = pieces.partition_point(|(piece, _)| *piece <= rest);
        let found = after.checked_sub(1).map(|index| pieces[index]);
        let Some((piece, index)) = found.filter(|(piece, _)| rest.starts_with(piece)) else {
            return Err(Conflict::Phantom(longest));
        };
        if position[index as usize] != u64::MAX {
            return Err(Conflict::Phantom(longest));
        }
        position[index as usize] = 2 * ends.len() as u64;
        rest = &rest[piece.len()..];
        ends.push(whole.len() - rest.len());
    }
    for (index, list) in reads {
        let end = ends.binary_search(&list.len());
        let Some(end) = end.ok().filter(|_| whole.starts_with(list)) else {
            return Err(Conflict::Apart(index, longest));
        };
        position[index as usize] = 2 * end as u64 + 1;
    }
    let unseen = 2 * ends.len() as u64;
    let positioned = (0..).zip(placed).map(|(index, operation)| Positioned {
        index,
        call: operation.call,
        ret: operation.ret,
        position: position[index as usize].min(unseen),
    });
    let is_left_out = |operation: &Positioned| {
        // What nobody saw and perhaps never happened.
        operation.ret == super::search::NEVER && operation.position == unseen
    };
    let positioned: Vec<Positioned> = positioned.filter(|one| !is_left_out(one)).collect();
    match positions::first_regress(&positioned) {
        None => Ok(()),
        Some((before, after)) => Err(Conflict::Regress(before, after, longest)),
    }
}
