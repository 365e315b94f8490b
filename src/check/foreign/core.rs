//! The two or three operations of a searched history that contradict each other whatever the others did.
//!
//! The others are given every freedom: each may take effect at any moment, any number of times, or never. Operations that cannot be
//! ordered even so are a contradiction by themselves: a legal order of the whole history would order them too. The states
//! that the others can lead to are carried along as a set of bits ([`super::space`]), so that only the chosen operations are searched.
//!
//! Every core has the operation whose return left no order: without it the history up to there is legal. Candidates beside it
//! are tried from the latest to the earliest. They are few, and so are the states: the work is bounded.

use super::search::{Item, Machine, NEVER};
use super::space::{Space, States, Steps, closure};

/// Operations tried beside the one without a place: those that began last before it returned, and first after it.
const BEFORE: usize = 100;
const AFTER: usize = 16;

/// Operations of the largest core that is looked for.
const LARGEST: u32 = 3;

/// The state at first, as a set.
const FIRST: States = 1;

/// The smallest core, of one to three operations in order of their calls; none if there is none that small, or where too many states
/// are possible to tell.
pub(super) fn core(items: &[Item], blocked: u32, machine: &mut impl Machine) -> Option<Vec<u32>> {
    let space = Space::new(items, machine)?;
    let reduction = Reduction::new(items, space);
    let mut chosen = if reduction.contradicts(&[blocked]) {
        vec![blocked]
    } else {
        reduction.companions(blocked, &candidates(items, blocked))?
    };
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

struct Reduction<'a> {
    items: &'a [Item],
    space: Space,
    /// By class: whether it is legal only in states that cannot always be reached again, or whether choosing an operation of it, with
    /// two more at most, can take a step from the others.
    ///
    /// Operations of which none matters contradict nothing: in order of their calls, the others lead from each to a state where
    /// the next one is legal.
    matters: Vec<bool>,
}

impl<'a> Reduction<'a> {
    fn new(items: &'a [Item], space: Space) -> Self {
        let matters = (0..space.classes())
            .map(|class| !space.is_lasting(class) || space.is_scarce(class, LARGEST))
            .collect();
        Self {
            items,
            space,
            matters,
        }
    }

    /// The blocked operation with one or two others.
    fn companions(&self, blocked: u32, others: &[u32]) -> Option<Vec<u32>> {
        // Where neither the blocked operation nor one companion matters, the other must.
        let every: Vec<u32> = (0..).zip(others).map(|(at, _)| at).collect();
        let matters: Vec<bool> = others.iter().map(|item| self.matters(*item)).collect();
        let mut tight = every.clone();
        tight.retain(|at| matters[*at as usize]);
        let is_tight = self.matters(blocked);
        for at in if is_tight { &every } else { &tight } {
            let chosen = [blocked, others[*at as usize]];
            if self.contradicts(&chosen) {
                return Some(chosen.to_vec());
            }
        }
        for (at, one) in (0..).zip(others) {
            let later = if is_tight || matters[at as usize] {
                &every
            } else {
                &tight
            };
            for other in &later[later.partition_point(|other| *other <= at)..] {
                let chosen = [blocked, *one, others[*other as usize]];
                if self.contradicts(&chosen) {
                    return Some(chosen.to_vec());
                }
            }
        }
        None
    }

    fn class(&self, item: u32) -> u32 {
        self.items[item as usize].class
    }

    fn matters(&self, item: u32) -> bool {
        self.matters[self.class(item) as usize]
    }

    /// Whether the chosen operations cannot be ordered.
    fn contradicts(&self, chosen: &[u32]) -> bool {
        let mut classes = [0; LARGEST as usize];
        for (class, item) in classes.iter_mut().zip(chosen) {
            *class = self.class(*item);
        }
        let classes = &classes[..chosen.len()];
        let is_lasting = |class: &u32| self.space.is_lasting(*class);
        let fewer = self.space.without(classes);
        if fewer.is_none() && classes.iter().all(is_lasting) {
            return false;
        }
        let steps = fewer.as_ref().unwrap_or(self.space.steps());
        let all = (1 << chosen.len()) - 1;
        !self.order(chosen, all, closure(FIRST, steps), steps)
    }

    /// Whether what is left of the chosen operations, as bits, can be ordered from one of these states.
    fn order(&self, chosen: &[u32], left: u32, states: States, steps: &Steps) -> bool {
        let is_left = |at: &usize| left & 1 << at != 0;
        let left_over = (0..chosen.len()).filter(is_left);
        let first = left_over
            .clone()
            .map(|at| self.items[chosen[at] as usize].ret)
            .min();
        if first.is_none_or(|first| first == NEVER) {
            return true;
        }
        left_over
            .filter(|at| Some(self.items[chosen[*at] as usize].call) <= first)
            .any(|at| {
                let after = self.space.after(states, self.class(chosen[at]));
                after != 0 && self.order(chosen, left & !(1 << at), closure(after, steps), steps)
            })
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

    /// Compared with trying every set in every order, over drawn histories.
    #[test]
    fn the_core_is_the_first_set_that_cannot_be_ordered() {
        use Action::{Cas, Read, Write};
        let mut dice = 1_u64;
        let mut draw = |bound: u64| {
            dice = crate::base::digest::mix(dice + 1);
            u32::try_from(dice % bound).unwrap()
        };
        let (mut cores, mut none) = (0, 0);
        for _ in 0..400 {
            let values = 2 + u64::from(draw(2));
            let operations: Vec<(Action, u32, u32)> = (0..14)
                .map(|at| {
                    let (one, two) = (draw(values), draw(values));
                    let action =
                        [Write(one), Write(two), Read(one), Cas(one, two)][draw(4) as usize];
                    (action, at * 4, at * 4 + 1 + draw(9))
                })
                .collect();
            let mut actions: Vec<Action> = Vec::new();
            let mut items = Vec::new();
            for (action, call, ret) in &operations {
                let known = actions.iter().position(|other| other == action);
                let class = known.unwrap_or_else(|| {
                    actions.push(*action);
                    actions.len() - 1
                });
                let class = u32::try_from(class).unwrap();
                items.push(Item {
                    class,
                    call: *call * 16,
                    ret: *ret * 16 + *call / 4,
                });
            }
            let mut machine = Simple { actions: &actions };
            let Found::Illegal(stuck) = search(&items, &mut machine, 1_000_000).0 else {
                continue;
            };
            let found = core(&items, stuck.blocked, &mut machine);
            let plain = plainly(&items, stuck.blocked, &mut machine);
            cores += u32::from(plain.is_some());
            none += u32::from(plain.is_none());
            assert_eq!(found, plain, "{operations:?}");
        }
        assert!(cores > 20 && none > 20, "{cores}, {none}");
    }

    /// The core by trying every set.
    fn plainly(items: &[Item], blocked: u32, machine: &mut Simple<'_>) -> Option<Vec<u32>> {
        let others = candidates(items, blocked);
        let pairs = others.iter().map(|one| vec![blocked, *one]);
        let triples = others.iter().enumerate().flat_map(|(at, one)| {
            let later = others[at + 1..].iter();
            later.map(move |other| vec![blocked, *one, *other])
        });
        let mut sets = std::iter::once(vec![blocked]).chain(pairs).chain(triples);
        let mut chosen = sets.find(|chosen| {
            let is_other = |at: &usize| !chosen.contains(&u32::try_from(*at).unwrap());
            let others = (0..items.len()).filter(is_other);
            let others: Vec<u32> = others.map(|at| items[at].class).collect();
            !can_be_ordered(items, chosen, 0, &others, machine)
        })?;
        chosen.sort_by_key(|item| items[*item as usize].call);
        Some(chosen)
    }

    /// Whether the chosen operations can be ordered from a state, by trying everything.
    fn can_be_ordered(
        items: &[Item],
        chosen: &[u32],
        state: u32,
        others: &[u32],
        machine: &mut Simple<'_>,
    ) -> bool {
        let mut states = vec![state];
        let mut at = 0;
        while let Some(&state) = states.get(at) {
            for class in others {
                states.extend(machine.step(state, *class));
            }
            at += 1;
            let mut met = Vec::new();
            states.retain(|state| {
                let is_new = !met.contains(state);
                met.push(*state);
                is_new
            });
        }
        let first = chosen.iter().map(|item| items[*item as usize].ret).min();
        chosen.is_empty()
            || chosen.iter().any(|item| {
                let rest: Vec<u32> = chosen.iter().copied().filter(|one| one != item).collect();
                let Item { class, call, .. } = items[*item as usize];
                Some(call) <= first
                    && states.iter().any(|state| {
                        let after = machine.step(*state, class);
                        after.is_some_and(|after| {
                            can_be_ordered(items, &rest, after, others, machine)
                        })
                    })
            })
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
