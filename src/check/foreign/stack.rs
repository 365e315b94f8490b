//! Stacks with distinct values: the value at the bottom is taken away, again and again.
//!
//! Between the return of its push and the call of its pop a value is certainly on the stack. Where no value certainly is, the stack may
//! be taken to be empty, and what lies before and after can be judged apart. Within a stretch that is occupied throughout, some value must be at the
//! bottom for all of it: its push can precede every other operation there, and its pop can follow every other one. Such a value is taken away
//! without loss; if there is none, there is no order. O(n²) at worst, O(n log n) where stretches are short.

use super::meaning::Placed;
use super::queue::{self, Conflict as Pattern, Life};

/// Operations that contradict each other, by their index among those judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Conflict {
    /// As for queues: phantoms, values taken twice or before they were put, emptiness.
    Pattern(Pattern),
    /// In a stretch of time that some value always occupies, none of these could be at the bottom.
    NoBottom(Vec<u32>),
}

/// Judges one stack; `values` is how many values are numbered.
pub(super) fn judge(placed: &[Placed], values: usize) -> Result<(), Conflict> {
    let lives = queue::lives(placed, values).map_err(Conflict::Pattern)?;
    queue::check_emptiness(placed, &lives).map_err(Conflict::Pattern)?;
    let mut work = vec![lives];
    while let Some(lives) = work.pop() {
        for mut group in apart(lives) {
            let Some(bottom) = find_bottom(&group) else {
                return Err(Conflict::NoBottom(operations(&group)));
            };
            group.swap_remove(bottom);
            if !group.is_empty() {
                work.push(group);
            }
        }
    }
    Ok(())
}

/// Groups of values that occupy different stretches. A value that is never certainly there comes and goes at one instant, which
/// disturbs nobody: it needs no group.
fn apart(lives: Vec<Life>) -> Vec<Vec<Life>> {
    let stretches = queue::occupied(&lives);
    let mut groups = vec![Vec::new(); stretches.len()];
    for life in lives {
        if life.put_ret < life.take_call {
            let group = stretches.partition_point(|stretch| stretch.to <= life.put_ret);
            groups[group].push(life);
        }
    }
    groups
}

/// A value whose push can precede, and whose pop can follow, all other operations of its group.
fn find_bottom(group: &[Life]) -> Option<usize> {
    let mut returns: [u32; 2] = [u32::MAX; 2];
    let mut calls: [u32; 2] = [0; 2];
    let mut staying = 0;
    for life in group {
        if life.put_ret < returns[0] {
            returns = [life.put_ret, returns[0]];
        } else if life.put_ret < returns[1] {
            returns[1] = life.put_ret;
        }
        if life.taken.is_none() {
            staying += 1;
        } else if life.take_call > calls[0] {
            calls = [life.take_call, calls[0]];
        } else if life.take_call > calls[1] {
            calls[1] = life.take_call;
        }
    }
    group.iter().position(|life| {
        let first_return = returns[usize::from(life.put_ret == returns[0])];
        let last_call = calls[usize::from(life.take_call == calls[0])];
        let comes_first = life.put_call < first_return;
        let goes_last = life.taken.is_none() || (staying == 0 && life.take_ret > last_call);
        comes_first && goes_last
    })
}

/// Two values of a group of which neither can be below the other, if there are such; otherwise all.
fn operations(group: &[Life]) -> Vec<u32> {
    const COMPARED: usize = 1_000;
    let some = &group[..group.len().min(COMPARED)];
    for (index, one) in some.iter().enumerate() {
        for other in &some[..index] {
            let overlap = one.put_ret < other.take_call && other.put_ret < one.take_call;
            if overlap && find_bottom(&[*one, *other]).is_none() {
                return of(&[*one, *other]);
            }
        }
    }
    of(group)
}

fn of(lives: &[Life]) -> Vec<u32> {
    let both = |life: &Life| [Some(life.put), life.taken];
    lives.iter().flat_map(both).flatten().collect()
}
