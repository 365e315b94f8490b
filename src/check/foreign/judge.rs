//! Judges a collected history: object by object, each with the fastest checker whose precondition holds.

use std::collections::BTreeMap;

use super::intern::Interner;
use super::machine::{Action, Compound, Simple, State, V};
use super::meaning::{Meanings, Placed};
use super::model::{Method, Model, Options};
use super::search::{Found, Item, Machine, Stuck, search};
use super::story::{Explanation, Operation};
use super::wording;
use super::{append, core, counter, queue, register, set, stack};
use crate::history::foreign::Malformed;

/// What came of one or all objects.
#[derive(Clone, Debug, Default)]
pub(super) struct Ruling {
    /// Operations that say something.
    pub(super) operations: u64,
    /// Objects judged.
    pub(super) objects: u64,
    /// Configurations expanded by searches.
    pub(super) expanded: u64,
    /// The contradiction that is complete first.
    pub(super) explanation: Option<Explanation>,
    /// Objects for which the budget did not last.
    pub(super) undecided: u64,
}

/// Judges all objects of a history.
pub(super) fn judge(
    model: Model,
    options: &Options,
    operations: &[Operation],
) -> Result<Ruling, Malformed> {
    let mut meanings = Meanings::new(model, options, operations);
    let parts = partition(&mut meanings, operations)?;
    let mut bench = Bench {
        model,
        meanings: &meanings,
        operations,
        budget: options.budget,
        method: options.method,
        ruling: Ruling::default(),
    };
    for part in &parts {
        bench.judge(part);
    }
    Ok(bench.ruling)
}

/// Operations by independent object: a key, an element of a set that is never read as a whole, registers that share no transaction.
fn partition(
    meanings: &mut Meanings,
    operations: &[Operation],
) -> Result<Vec<Vec<Placed>>, Malformed> {
    let mut parts: Vec<Vec<Placed>> = Vec::new();
    for (number, operation) in (0..).zip(operations) {
        let Some((object, placed)) = meanings.place(number, operation)? else {
            continue;
        };
        let object = object as usize;
        if parts.is_empty() {
            // Mostly the only object.
            parts.push(Vec::with_capacity(operations.len()));
        }
        if object >= parts.len() {
            parts.resize_with(object + 1, Vec::new);
        }
        parts[object].push(placed);
    }
    let is_whole = |placed: &Placed| matches!(placed.action, Action::Members(_));
    let mut apart = Vec::with_capacity(parts.len());
    for part in parts {
        let is_set = part.iter().any(|placed| element(placed.action).is_some());
        if is_set && !part.iter().any(is_whole) {
            apart.extend(by_element(part));
        } else if matches!(part.first(), Some(placed) if matches!(placed.action, Action::Transact(_)))
        {
            apart.extend(by_connection(part, meanings));
        } else {
            apart.push(part);
        }
    }
    Ok(apart)
}

fn element(action: Action) -> Option<V> {
    if let Action::Add(value)
    | Action::Remove(value)
    | Action::Present(value)
    | Action::Absent(value) = action
    {
        Some(value)
    } else {
        None
    }
}

fn by_element(part: Vec<Placed>) -> impl Iterator<Item = Vec<Placed>> {
    let mut elements: BTreeMap<V, Vec<Placed>> = BTreeMap::new();
    for placed in part {
        let element = element(placed.action).expect("a set without reads of the whole");
        elements.entry(element).or_default().push(placed);
    }
    elements.into_values()
}

struct Bench<'a> {
    model: Model,
    meanings: &'a Meanings,
    operations: &'a [Operation],
    /// What is left of it.
    budget: u64,
    method: Method,
    ruling: Ruling,
}

impl Bench<'_> {
    fn judge(&mut self, part: &[Placed]) {
        self.ruling.operations += part.len() as u64;
        self.ruling.objects += 1;
        let words = wording::Words {
            operations: self.operations,
            placed: part,
            meanings: self.meanings,
        };
        if self.method == Method::Search {
            return self.search(part, &words);
        }
        let values = self.meanings.values.len();
        let lists = &self.meanings.lists;
        let judged = match self.model {
            Model::Register | Model::CasRegister | Model::KvRegister
                if register::applies(part, values) =>
            {
                register::judge(part, values).map_err(|conflict| words.register(&conflict))
            }
            Model::KvAppend => match append::pieces(part, lists) {
                Some(pieces) => {
                    append::judge(part, lists, &pieces).map_err(|conflict| words.append(&conflict))
                }
                None => return self.search(part, &words),
            },
            Model::Set if set::applies(part, values) => {
                set::judge(part, lists, values).map_err(|conflict| words.set(&conflict))
            }
            Model::Queue if queue::applies(part, values) => {
                queue::judge(part, values).map_err(|conflict| words.queue(&conflict))
            }
            Model::Stack if queue::applies(part, values) => {
                stack::judge(part, values).map_err(|conflict| words.stack(&conflict))
            }
            Model::Counter => match counter::reject(part) {
                Ok(()) => return self.search(part, &words),
                Err(conflict) => Err(words.counter(&conflict)),
            },
            Model::Register
            | Model::CasRegister
            | Model::KvRegister
            | Model::MultiRegister
            | Model::Mutex
            | Model::Znode
            | Model::Set
            | Model::Queue
            | Model::Stack => return self.search(part, &words),
        };
        if let Err(explanation) = judged {
            self.violate(explanation);
        }
    }

    fn violate(&mut self, explanation: Explanation) {
        let first = &mut self.ruling.explanation;
        let is_first = |other: &Explanation| explanation.complete_at() < other.complete_at();
        if first.as_ref().is_none_or(is_first) {
            *first = Some(explanation);
        }
    }

    fn search(&mut self, part: &[Placed], words: &wording::Words<'_>) {
        let (actions, items) = classes(part);
        match initial(self.model, part, self.meanings) {
            None => {
                let mut machine = Simple { actions: &actions };
                let found = self.run(&items, &mut machine);
                let core = reduce(&found, &items, &mut machine);
                let (meanings, model) = (self.meanings, self.model);
                let show = |state: u32| wording::value(meanings, model, state);
                self.conclude(found, core.as_deref(), words, show);
            }
            Some(state) => {
                let lists = &self.meanings.lists;
                let mut machine = Compound::new(&actions, lists, state);
                let found = self.run(&items, &mut machine);
                let core = reduce(&found, &items, &mut machine);
                let meanings = self.meanings;
                let show = |state: u32| wording::state(meanings, machine.state(state));
                self.conclude(found, core.as_deref(), words, show);
            }
        }
    }

    fn run(&mut self, items: &[Item], machine: &mut impl Machine) -> Found {
        let (found, expanded) = search(items, machine, self.budget);
        self.budget -= expanded;
        self.ruling.expanded += expanded;
        found
    }

    fn conclude(
        &mut self,
        found: Found,
        core: Option<&[u32]>,
        words: &wording::Words<'_>,
        show: impl Fn(u32) -> String,
    ) {
        match found {
            Found::Legal => {}
            Found::Exhausted => self.ruling.undecided += 1,
            Found::Illegal(Stuck {
                blocked,
                prefix,
                states,
                more_states,
            }) => {
                let mut states: Vec<String> = states.into_iter().map(show).collect();
                if more_states {
                    states.push("and others".to_owned());
                }
                self.violate(words.no_order(blocked, core, &prefix, states));
            }
        }
    }
}

/// The operations that matter, if the history is illegal and they are few.
fn reduce(found: &Found, items: &[Item], machine: &mut impl Machine) -> Option<Vec<u32>> {
    if let Found::Illegal(stuck) = found {
        core::core(items, stuck.blocked, machine)
    } else {
        None
    }
}

/// Registers that no chain of transactions connects are objects of their own.
fn by_connection(part: Vec<Placed>, meanings: &Meanings) -> Vec<Vec<Placed>> {
    let mut roots: Vec<usize> = (0..meanings.objects.len()).collect();
    let registers = |placed: &Placed| {
        let Action::Transact(steps) = placed.action else {
            return Vec::new();
        };
        let steps = meanings.lists.steps.key(steps).iter();
        steps.map(|step| step.register as usize).collect()
    };
    for placed in &part {
        let touched: Vec<usize> = registers(placed);
        for pair in touched.windows(2) {
            let (one, other) = (find(&mut roots, pair[0]), find(&mut roots, pair[1]));
            roots[one.max(other)] = one.min(other);
        }
    }
    let mut objects: BTreeMap<usize, Vec<Placed>> = BTreeMap::new();
    for placed in part {
        // A transaction that says nothing fits anywhere.
        let first = registers(&placed).first().copied();
        let root = first.map_or(0, |register| find(&mut roots, register));
        objects.entry(root).or_default().push(placed);
    }
    objects.into_values().collect()
}

/// The root of a tree of registers; paths are halved on the way.
fn find(roots: &mut [usize], mut register: usize) -> usize {
    while roots[register] != register {
        roots[register] = roots[roots[register]];
        register = roots[register];
    }
    register
}

/// Distinct actions, and the operations in terms of them.
pub(super) fn classes(part: &[Placed]) -> (Vec<Action>, Vec<Item>) {
    let mut numbers = Interner::default();
    let mut actions = Vec::new();
    let mut items = Vec::with_capacity(part.len());
    for placed in part {
        let class = numbers.number(placed.action);
        if class as usize == actions.len() {
            actions.push(placed.action);
        }
        items.push(Item {
            class,
            call: placed.call,
            ret: placed.ret,
        });
    }
    (actions, items)
}

/// The state at first; none for objects whose states are values.
pub(super) fn initial(model: Model, part: &[Placed], meanings: &Meanings) -> Option<State> {
    let _ = part;
    match model {
        Model::Register | Model::CasRegister | Model::KvRegister | Model::Mutex | Model::Znode => {
            None
        }
        Model::KvAppend | Model::Set | Model::Queue | Model::Stack => {
            Some(State::Elements(Vec::new()))
        }
        Model::Counter => Some(State::Counter(0)),
        Model::MultiRegister => {
            // Values are numbered null first, then 0, which these registers hold.
            const ZERO: V = 1;
            Some(State::Registers(vec![ZERO; meanings.objects.len()]))
        }
    }
}
