//! The two or three operations of a searched history that contradict each other whatever the others did.
//!
//! The others are given every freedom: each may take effect at any moment, any number of times, or never. Operations that cannot be
//! ordered even so are a contradiction by themselves: a legal order of the whole history would order them too. The states
//! that the others can lead to are carried along as a set, so that only the chosen operations are searched.
//!
//! Every core has the operation whose return left no order: without it the history up to there is legal. Candidates beside it
//! are tried from the latest to the earliest; the budget counts steps of the machine.

use super::search::{Item, Machine, NEVER};

/// Operations tried beside the one without a place: those that began last before it returned, and first after it.
const BEFORE: usize = 100;
const AFTER: usize = 16;

/// States carried along; where more are possible nothing is concluded.
const STATES: usize = 64;

/// Steps of the machine before the search for a core is given up.
const STEPS: u64 = 3_000_000;

/// The smallest core, of one to three operations in order of their calls; none if there is none that small, or it was not found within the
/// budget.
pub(super) fn core(items: &[Item], blocked: u32, machine: &mut impl Machine) -> Option<Vec<u32>> {
    let mut reduction = Reduction::new(items, machine);
    let others = candidates(items, blocked);
    let mut chosen = vec![blocked];
    let is_single = reduction.contradicts(&chosen)?;
    if !is_single {
        chosen = reduction.pair(blocked, &others)?;
    }
    chosen.sort_by_key(|item| items[*item as usize].call);
    Some(chosen)
}

fn candidates(items: &[Item], blocked: u32) -> Vec<u32> {
    let end = items[blocked as usize].ret;
    let call = |item: &u32| items[*item as usize].call;
    let all = 0..u32::try_from(items.len()).expect("fewer operations than that");
    let (mut before, mut after): (Vec<u32>, Vec<u32>) = all
        .filter(|item| *item != blocked)
        .partition(|item| call(item) < end);
    before.sort_by_key(|item| std::cmp::Reverse(call(item)));
    before.truncate(BEFORE);
    after.sort_by_key(call);
    after.truncate(AFTER);
    before.extend(after);
    before
}

struct Reduction<'a, M> {
    items: &'a [Item],
    machine: &'a mut M,
    /// How many operations of each class there are.
    counts: Vec<u32>,
    steps: u64,
}

impl<'a, M: Machine> Reduction<'a, M> {
    fn new(items: &'a [Item], machine: &'a mut M) -> Self {
        let mut counts = vec![0; machine.classes()];
        for item in items {
            counts[item.class as usize] += 1;
        }
        Self {
            items,
            machine,
            counts,
            steps: 0,
        }
    }

    /// The blocked operation with one or two others.
    fn pair(&mut self, blocked: u32, others: &[u32]) -> Option<Vec<u32>> {
        for other in others {
            let chosen = [blocked, *other];
            if self.contradicts(&chosen)? {
                return Some(chosen.to_vec());
            }
        }
        for (at, one) in others.iter().enumerate() {
            for other in &others[at + 1..] {
                let chosen = [blocked, *one, *other];
                if self.contradicts(&chosen)? {
                    return Some(chosen.to_vec());
                }
            }
        }
        None
    }

    /// Whether the chosen operations cannot be ordered; none when the budget is spent.
    fn contradicts(&mut self, chosen: &[u32]) -> Option<bool> {
        let free = self.free(chosen);
        let Some(states) = self.closure(vec![0], &free) else {
            return (self.steps < STEPS).then_some(false);
        };
        let is_legal = self.order(chosen, &states, &free);
        (self.steps < STEPS).then_some(!is_legal)
    }

    /// The classes of which the others have an operation.
    fn free(&self, chosen: &[u32]) -> Vec<u32> {
        let class = |item: &u32| self.items[*item as usize].class;
        let classes = (0..).zip(&self.counts);
        let is_left = |number: u32, count: u32| {
            let taken = chosen.iter().filter(|item| class(item) == number).count();
            count as usize > taken
        };
        classes
            .filter(|(number, count)| is_left(*number, **count))
            .map(|(number, _)| number)
            .filter(|number| !self.machine.is_observer(*number))
            .collect()
    }

    /// Whether what is left of the chosen operations can be ordered from one of these states.
    fn order(&mut self, left: &[u32], states: &[u32], free: &[u32]) -> bool {
        let known = |item: &&u32| self.items[**item as usize].ret != NEVER;
        let Some(first) = left
            .iter()
            .filter(known)
            .map(|item| self.items[*item as usize].ret)
            .min()
        else {
            return true;
        };
        for item in left {
            let Item { class, call, .. } = self.items[*item as usize];
            if call > first {
                continue;
            }
            let mut after = Vec::new();
            for state in states {
                self.steps += 1;
                after.extend(self.machine.step(*state, class));
            }
            if after.is_empty() {
                continue;
            }
            // Too many states to tell, or the budget is spent: nothing is concluded.
            let Some(after) = self.closure(after, free) else {
                return true;
            };
            let rest: Vec<u32> = left.iter().copied().filter(|other| other != item).collect();
            if self.order(&rest, &after, free) {
                return true;
            }
        }
        false
    }

    /// Everything that free operations can lead to; none if that is too much.
    fn closure(&mut self, mut states: Vec<u32>, free: &[u32]) -> Option<Vec<u32>> {
        states.sort_unstable();
        states.dedup();
        let mut at = 0;
        while let Some(&state) = states.get(at) {
            for class in free {
                // What is blind leads to the same state from everywhere.
                if at > 0 && self.machine.is_blind(*class) {
                    continue;
                }
                self.steps += 1;
                if let Some(after) = self.machine.step(state, *class)
                    && !states.contains(&after)
                {
                    states.push(after);
                }
            }
            at += 1;
            if states.len() > STATES || self.steps >= STEPS {
                return None;
            }
        }
        Some(states)
    }
}

#[cfg(test)]
mod tests {
    use super::super::machine::{Action, Simple};
    use super::super::search::{Found, search};
    use super::*;

    /// Operations of a register as (action, call, return); the core of the history, if it is illegal.
    fn reduced(operations: &[(Action, u32, u32)]) -> Option<Vec<u32>> {
        let mut actions: Vec<Action> = Vec::new();
        let mut items = Vec::new();
        for (action, call, ret) in operations {
            let known = actions.iter().position(|other| other == action);
            let class = known.unwrap_or_else(|| {
                actions.push(*action);
                actions.len() - 1
            });
            items.push(Item {
                class: u32::try_from(class).unwrap(),
                call: *call,
                ret: *ret,
            });
        }
        let mut machine = Simple { actions: &actions };
        match search(&items, &mut machine, 1_000_000).0 {
            Found::Illegal(stuck) => core(&items, stuck.blocked, &mut machine),
            Found::Legal | Found::Exhausted => panic!("the history is illegal"),
        }
    }

    #[test]
    fn a_stale_read_is_two_writes_and_the_read() {
        use Action::{Cas, Read, Write};
        let operations = [
            (Write(1), 0, 1),
            (Cas(1, 2), 2, 3),
            (Read(2), 4, 5),
            (Write(3), 6, 7),
            (Read(1), 8, 9),
            (Read(3), 10, 11),
        ];
        // Nobody but the first write makes 1, and 3 was written in between.
        assert_eq!(reduced(&operations), Some(vec![0, 3, 4]));
    }

    #[test]
    fn a_value_from_nowhere_is_its_read_alone() {
        let operations = [(Action::Write(1), 0, 1), (Action::Read(7), 2, 3)];
        assert_eq!(reduced(&operations), Some(vec![1]));
    }

    #[test]
    fn a_value_from_the_future_is_its_read_and_its_write() {
        let operations = [(Action::Read(7), 0, 1), (Action::Write(7), 2, 3)];
        assert_eq!(reduced(&operations), Some(vec![0, 1]));
    }

    #[test]
    fn two_conditional_writes_of_one_value_need_it_twice() {
        use Action::{Cas, Write};
        let operations = [(Write(1), 0, 1), (Cas(1, 2), 2, 5), (Cas(1, 3), 3, 4)];
        assert_eq!(reduced(&operations), Some(vec![0, 1, 2]));
    }

    #[test]
    fn a_value_that_was_replaced_does_not_come_back() {
        use Action::{Cas, Read, Write};
        let operations = [
            (Write(1), 0, 1),
            (Cas(1, 2), 2, 3),
            (Cas(2, 3), 4, 5),
            (Cas(3, 4), 6, 7),
            (Read(4), 8, 9),
            (Cas(4, 1), 10, 11),
            (Read(2), 12, 13),
        ];
        assert_eq!(reduced(&operations), Some(vec![1, 5, 6]));
    }

    #[test]
    fn what_takes_four_operations_has_no_small_core() {
        use Action::{Read, Write};
        // Both writes of 1 are needed, and a write of 2 after them.
        let operations = [
            (Write(1), 0, 1),
            (Write(2), 2, 3),
            (Write(1), 4, 5),
            (Write(2), 6, 7),
            (Read(1), 8, 9),
        ];
        assert_eq!(reduced(&operations), None);
    }
}
