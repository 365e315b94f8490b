//! Counters that only rise: bounds on what a read may show (checkers.md §4.1), O(n log n).
//!
//! A read shows at least all that was certainly added before it began, and at most all that may have been added before it ended; and no
//! less than a read that ended before it began. Necessary only: what passes is searched.

use super::machine::Action;
use super::meaning::Placed;
use super::search::NEVER;

/// Operations that contradict each other, by their index among those judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Conflict {
    /// A read below what was certainly added before: the read, the sum.
    TooLow(u32, i64),
    /// A read above what can have been added: the read, the sum.
    TooHigh(u32, i64),
    /// A read that shows less than one before it.
    Regress(u32, u32),
}

/// Looks for a read out of bounds; none found proves nothing.
pub(super) fn reject(placed: &[Placed]) -> Result<(), Conflict> {
    if placed.iter().any(|placed| amount(placed) < 0) {
        return Ok(());
    }
    // Ends in order of time; calls are in order already.
    let mut returns: Vec<u32> = (0..).zip(placed).map(|(index, _)| index).collect();
    returns.sort_unstable_by_key(|index| placed[*index as usize].ret);
    let (mut begun, mut called) = (0_i64, 0);
    let mut certain = 0_i64;
    let mut low = vec![0; placed.len()];
    let mut highest: Option<(i64, u32)> = None;
    let mut before = vec![None; placed.len()];
    for index in returns {
        let now = placed[index as usize].ret;
        while let Some(next) = placed.get(called).filter(|next| next.call < now) {
            low[called] = certain;
            before[called] = highest;
            begun = begun.saturating_add(amount(next));
            called += 1;
        }
        let operation = &placed[index as usize];
        if operation.ret != NEVER {
            certain = certain.saturating_add(amount(operation));
        }
        if let Action::Count(seen) = operation.action {
            check(index, seen, low[index as usize], begun)?;
            if let Some((_, other)) = before[index as usize].filter(|(most, _)| *most > seen) {
                return Err(Conflict::Regress(other, index));
            }
            if highest.is_none_or(|(most, _)| seen > most) {
                highest = Some((seen, index));
            }
        }
    }
    Ok(())
}

fn amount(placed: &Placed) -> i64 {
    if let Action::Increment(by) = placed.action {
        by
    } else {
        0
    }
}

fn check(read: u32, seen: i64, low: i64, high: i64) -> Result<(), Conflict> {
    if seen < low {
        Err(Conflict::TooLow(read, low))
    } else if seen > high {
        Err(Conflict::TooHigh(read, high))
    } else {
        Ok(())
    }
}
