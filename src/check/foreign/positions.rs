//! Operations whose place in the order is known: one pass with a watermark (checkers.md §3.2).
//!
//! If every operation has a position that any legal order must respect, and operations of equal position commute, a history is
//! linearizable iff no operation that returned before another began has a higher position.

/// An operation with its position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Positioned {
    /// Its index among those judged.
    pub(super) index: u32,
    /// Where it began.
    pub(super) call: u32,
    /// Where it ended, if it did.
    pub(super) ret: u32,
    /// Its position.
    pub(super) position: u64,
}

/// The first pair out of order, if any: the one that returned first, then the other. Takes the operations in order of calls.
pub(super) fn first_regress(operations: &[Positioned]) -> Option<(u32, u32)> {
    let mut returns: Vec<&Positioned> = operations.iter().collect();
    returns.sort_unstable_by_key(|operation| operation.ret);
    let mut returns = returns.into_iter().peekable();
    let mut highest: Option<&Positioned> = None;
    for operation in operations {
        while let Some(returned) = returns.next_if(|returned| returned.ret < operation.call) {
            if highest.is_none_or(|highest| returned.position > highest.position) {
                highest = Some(returned);
            }
        }
        if let Some(highest) = highest
            && highest.position > operation.position
        {
            return Some((highest.index, operation.index));
        }
    }
    None
}
