//! The two or three operations of a searched history that contradict each other whatever the others did.
//!
//! The others are given every freedom: each may take effect at any moment, any number of times, or never. Operations that cannot be
//! ordered even so are a contradiction by themselves: a legal order of the whole history would order them too. The states
//! that the others can lead to are carried along as a set, so that only the chosen operations are searched.
//!
//! Every core has the operation whose return left no order: without it the history up to there is legal. Candidates beside it
//! are tried from the latest to the earliest; the budget counts steps of the machine.

use std::collections::BTreeMap;

use super::search::{Item, Machine, NEVER};

/// Operations tried beside the one without a place: those that began last before it returned, and first after it.
const BEFORE: usize = 100;
const AFTER: usize = 16;

/// Operations of the largest core that is looked for.
const LARGEST: u32 = 3;

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
    /// States that the others lead to, and those of them that can always be reached again; empty if that is too much to tell.
    reachable: Vec<u32>,
    lasting: Vec<u32>,
    /// Which classes are legal in a lasting state.
    is_lasting: Vec<bool>,
    /// Whether the others lead everywhere without these classes.
    leads: BTreeMap<Vec<u32>, bool>,
}

impl<'a, M: Machine> Reduction<'a, M> {
    fn new(items: &'a [Item], machine: &'a mut M) -> Self {
        let mut counts = vec![0; machine.classes()];
        for item in items {
            counts[item.class as usize] += 1;
        }
        let mut reduction = Self {
            items,
            machine,
            is_lasting: vec![false; counts.len()],
            counts,
            steps: 0,
            reachable: Vec::new(),
            lasting: Vec::new(),
            leads: BTreeMap::new(),
        };
        reduction.survey();
        reduction
    }

    /// The blocked operation with one or two others.
    fn pair(&mut self, blocked: u32, others: &[u32]) -> Option<Vec<u32>> {
        // Where neither the blocked operation nor one companion matters, the other must.
        let every: Vec<usize> = (0..others.len()).collect();
        let matters: Vec<bool> = others.iter().map(|item| self.matters(*item)).collect();
        let tight: Vec<usize> = (0..others.len()).filter(|at| matters[*at]).collect();
        let is_tight = self.matters(blocked) || !self.leads_everywhere(&[]);
        for at in if is_tight { &every } else { &tight } {
            let chosen = [blocked, others[*at]];
            if self.may_contradict(&chosen) && self.contradicts(&chosen)? {
                return Some(chosen.to_vec());
            }
        }
        for (at, one) in others.iter().enumerate() {
            let later = if is_tight || matters[at] {
                &every[at + 1..]
            } else {
                &tight[tight.partition_point(|tight| *tight <= at)..]
            };
            for other in later {
                let chosen = [blocked, *one, others[*other]];
                if self.may_contradict(&chosen) && self.contradicts(&chosen)? {
                    return Some(chosen.to_vec());
                }
            }
        }
        None
    }

    /// Whether choosing an operation can take from the others what leads them everywhere, or whether it is legal only in states
    /// that they cannot return to.
    fn matters(&self, item: u32) -> bool {
        let class = self.items[item as usize].class;
        !self.is_lasting[class as usize] || self.is_scarce_blind(class)
    }

    fn is_scarce_blind(&self, class: u32) -> bool {
        self.counts[class as usize] <= LARGEST && self.machine.is_blind(class)
    }

    /// Whether the chosen operations might contradict each other. They do not if the others still lead from every state to all
    /// lasting ones without them, and each of them is legal in one of those.
    fn may_contradict(&mut self, chosen: &[u32]) -> bool {
        let class = |item: &u32| self.items[*item as usize].class;
        if !chosen
            .iter()
            .all(|item| self.is_lasting[class(item) as usize])
        {
            return true;
        }
        let taken = |number: u32| chosen.iter().filter(|item| class(item) == number).count();
        let is_gone = |number: &u32| taken(*number) >= self.counts[*number as usize] as usize;
        let mut gone: Vec<u32> = chosen
            .iter()
            .map(class)
            .filter(|number| self.is_scarce_blind(*number) && is_gone(number))
            .collect();
        gone.sort_unstable();
        gone.dedup();
        !self.leads_everywhere(&gone)
    }

    /// Whether the others lead from every state to all lasting ones without these classes, and without any that is scarce and not
    /// blind.
    fn leads_everywhere(&mut self, gone: &[u32]) -> bool {
        if let Some(known) = self.leads.get(gone) {
            return *known;
        }
        let is_left = |class: &u32| {
            let is_plenty = self.counts[*class as usize] > LARGEST;
            !gone.contains(class) && (is_plenty || self.machine.is_blind(*class))
        };
        let left: Vec<u32> = self.free(&[]).into_iter().filter(is_left).collect();
        let lasting = std::mem::take(&mut self.lasting);
        let leads = !lasting.is_empty()
            && (0..self.reachable.len()).all(|at| {
                let led_to = self.closure(vec![self.reachable[at]], &left);
                led_to.is_some_and(|states| lasting.iter().all(|state| states.contains(state)))
            });
        self.lasting = lasting;
        self.leads.insert(gone.to_vec(), leads);
        leads
    }

    /// Finds the states that can always be reached again, and the classes that are legal in one of them.
    fn survey(&mut self) {
        let free = self.free(&[]);
        let Some(reachable) = self.closure(vec![0], &free) else {
            return;
        };
        let mut lasting = reachable.clone();
        for state in &reachable {
            let Some(led_to) = self.closure(vec![*state], &free) else {
                return;
            };
            lasting.retain(|state| led_to.contains(state));
        }
        let classes = u32::try_from(self.counts.len()).expect("fewer than operations");
        self.is_lasting = (0..classes)
            .map(|class| {
                let mut states = lasting.iter();
                states.any(|state| self.machine.step(*state, class).is_some())
            })
            .collect();
        (self.reachable, self.lasting) = (reachable, lasting);
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

    /// What the quick answer rules out, and the core, are compared with the plain search over drawn histories.
    #[test]
    fn what_is_ruled_out_at_once_contradicts_nothing() {
        use Action::{Cas, Read, Write};
        let mut dice = 1_u64;
        let mut draw = |bound: u64| {
            dice = crate::base::digest::mix(dice + 1);
            u32::try_from(dice % bound).unwrap()
        };
        let (mut ruled_out, mut cores) = (0, 0);
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
            let others = candidates(&items, stuck.blocked);
            let mut reduction = Reduction::new(&items, &mut machine);
            let plain = plainly(&mut reduction, stuck.blocked, &others, &mut ruled_out);
            cores += usize::from(plain.is_some());
            let mut found = reduction.pair(stuck.blocked, &others);
            if reduction.contradicts(&[stuck.blocked]) == Some(true) {
                found = Some(vec![stuck.blocked]);
            }
            assert_eq!(found, plain, "{operations:?}");
        }
        assert!(cores > 20 && ruled_out > 1_000, "{cores}, {ruled_out}");
    }

    /// The core by trying every set; counts the sets that would have been ruled out.
    fn plainly(
        reduction: &mut Reduction<'_, Simple<'_>>,
        blocked: u32,
        others: &[u32],
        ruled_out: &mut usize,
    ) -> Option<Vec<u32>> {
        let pairs = others.iter().map(|one| vec![blocked, *one]);
        let triples = others.iter().enumerate().flat_map(|(at, one)| {
            let later = others[at + 1..].iter();
            later.map(move |other| vec![blocked, *one, *other])
        });
        let sets: Vec<Vec<u32>> = std::iter::once(vec![blocked])
            .chain(pairs)
            .chain(triples)
            .collect();
        sets.into_iter().find(|chosen| {
            let is_core = reduction.contradicts(chosen) == Some(true);
            if !reduction.may_contradict(chosen) {
                *ruled_out += 1;
                assert!(!is_core, "{chosen:?} was ruled out");
            }
            is_core
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
