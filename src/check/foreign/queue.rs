//! Queues with distinct values: bad patterns (Henzinger, Sezgin and Vafeiadis 2013), O(n log n).
//!
//! A history is linearizable iff it has none of these: a value taken that nobody put, or before it was put; a value taken twice; two values
//! put one after the other and taken the other way round (or the first never, although the second was); an observation of emptiness
//! during which at every instant some value was certainly in the queue. Applies where no dequeue has an unknown outcome.

use super::machine::{Action, V};
use super::meaning::Placed;
use super::search::NEVER;

/// Operations that contradict each other, by their index among those judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Conflict {
    /// Taken, but never put.
    Phantom(u32),
    /// Taken twice.
    Twice(u32, u32),
    /// Taken before it was put: the taking, the putting.
    Foreseen(u32, u32),
    /// Put in one order, taken in the other: both puttings, then the takings, of which the first value's may be missing.
    Overtaken([u32; 2], Option<u32>, u32),
    /// Empty, although values were certainly there all the time: those operations bound it.
    NeverEmpty(u32, Vec<u32>),
}

/// A value's life.
#[derive(Clone, Copy, Debug)]
pub(super) struct Life {
    /// The operations.
    pub(super) put: u32,
    pub(super) taken: Option<u32>,
    /// Where the putting began, and where it had certainly happened.
    pub(super) put_call: u32,
    pub(super) put_ret: u32,
    /// Where the taking began, and where it had certainly happened; [`NEVER`] where nobody took it.
    pub(super) take_call: u32,
    pub(super) take_ret: u32,
}

/// Whether patterns decide: distinct values, every taking known.
pub(super) fn applies(placed: &[Placed], values: usize) -> bool {
    let mut put = vec![false; values];
    placed.iter().all(|placed| {
        if let Action::Enqueue(value) | Action::Push(value) = placed.action {
            !std::mem::replace(&mut put[value as usize], true)
        } else {
            let takes = matches!(
                placed.action,
                Action::Dequeue(_) | Action::Pop(_) | Action::Empty
            );
            takes && placed.ret != NEVER
        }
    })
}

/// The lives of all values that were certainly put, in order of the puttings' calls.
pub(super) fn lives(placed: &[Placed], values: usize) -> Result<Vec<Life>, Conflict> {
    let mut found: Vec<Option<Life>> = vec![None; values];
    let mut order: Vec<V> = Vec::new();
    for (index, operation) in (0..).zip(placed) {
        if let Action::Enqueue(value) | Action::Push(value) = operation.action {
            order.push(value);
            found[value as usize] = Some(Life {
                put: index,
                taken: None,
                put_call: operation.call,
                put_ret: operation.ret,
                take_call: NEVER,
                take_ret: NEVER,
            });
        }
    }
    for (index, operation) in (0..).zip(placed) {
        let (Action::Dequeue(value) | Action::Pop(value)) = operation.action else {
            continue;
        };
        let Some(life) = &mut found[value as usize] else {
            return Err(Conflict::Phantom(index));
        };
        if let Some(other) = life.taken {
            return Err(Conflict::Twice(other, index));
        }
        if operation.ret < life.put_call {
            return Err(Conflict::Foreseen(index, life.put));
        }
        life.taken = Some(index);
        // It was put before it was taken.
        life.put_ret = life.put_ret.min(operation.ret);
        life.take_call = operation.call.max(life.put_call);
        life.take_ret = operation.ret;
    }
    let lives = order.iter().filter_map(|value| found[*value as usize]);
    // Perhaps put and never taken: as well left out.
    Ok(lives.filter(|life| life.put_ret != NEVER).collect())
}

/// Judges one queue; `values` is how many values are numbered.
pub(super) fn judge(placed: &[Placed], values: usize) -> Result<(), Conflict> {
    let lives = lives(placed, values)?;
    check_order(&lives)?;
    check_emptiness(placed, &lives)
}

/// Of all values put before this one, the one taken last must be taken before it, or together with it.
fn check_order(lives: &[Life]) -> Result<(), Conflict> {
    let mut by_return: Vec<&Life> = lives.iter().collect();
    by_return.sort_unstable_by_key(|life| life.put_ret);
    let mut by_return = by_return.into_iter().peekable();
    let mut last: Option<&Life> = None;
    for life in lives {
        while let Some(earlier) = by_return.next_if(|earlier| earlier.put_ret < life.put_call) {
            if last.is_none_or(|last| earlier.take_call > last.take_call) {
                last = Some(earlier);
            }
        }
        if let (Some(earlier), Some(taken)) = (last, life.taken)
            && life.take_ret < earlier.take_call
        {
            return Err(Conflict::Overtaken(
                [earlier.put, life.put],
                earlier.taken,
                taken,
            ));
        }
    }
    Ok(())
}

/// A stretch of time during which something was certainly there, and the operations that bound it.
#[derive(Clone, Debug)]
pub(super) struct Stretch {
    pub(super) from: u32,
    pub(super) to: u32,
    pub(super) by: Vec<u32>,
}

/// The stretches during which some value was certainly there, in order, apart from each other.
pub(super) fn occupied<'a>(lives: impl IntoIterator<Item = &'a Life>) -> Vec<Stretch> {
    let mut certain: Vec<&Life> = lives
        .into_iter()
        .filter(|life| life.put_ret < life.take_call)
        .collect();
    certain.sort_unstable_by_key(|life| life.put_ret);
    let mut stretches: Vec<Stretch> = Vec::new();
    for life in certain {
        let by = std::iter::once(life.put).chain(life.taken);
        match stretches.last_mut() {
            Some(last) if life.put_ret < last.to => {
                if life.take_call > last.to {
                    last.to = life.take_call;
                    last.by.extend(by);
                }
            }
            Some(_) | None => stretches.push(Stretch {
                from: life.put_ret,
                to: life.take_call,
                by: by.collect(),
            }),
        }
    }
    stretches
}

/// An observation of emptiness must reach out of every such stretch.
pub(super) fn check_emptiness(placed: &[Placed], lives: &[Life]) -> Result<(), Conflict> {
    let stretches = occupied(lives);
    for (index, operation) in (0..).zip(placed) {
        if operation.action != Action::Empty {
            continue;
        }
        let after = stretches.partition_point(|stretch| stretch.from < operation.call);
        if let Some(stretch) = after.checked_sub(1).map(|index| &stretches[index])
            && stretch.to > operation.ret
        {
            return Err(Conflict::NeverEmpty(index, stretch.by.clone()));
        }
    }
    Ok(())
}
