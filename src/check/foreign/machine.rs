//! Objects as machines: actions with their results on one side, numbered states with transitions on the other.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "an object has few of all the actions; another one's is a mistake of ours"
)]

use std::collections::BTreeMap;

use super::intern::Interner;
use super::search::Machine;

/// A value by its number; [`NOTHING`] is null.
pub(super) type V = u32;

/// The initial value of a register: null.
pub(super) const NOTHING: V = 0;

/// What one operation did to one object, result included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Action {
    /// A register was read.
    Read(V),
    /// A register was written.
    Write(V),
    /// A register was changed from one value to another.
    Cas(V, V),
    /// A register was observed to hold another value.
    CasRefused(V),
    /// A text or list was read: the number of the whole.
    Get(V),
    /// A text or list was replaced.
    Put(V),
    /// A piece was appended: the number of its elements.
    Append(V),
    /// A lock was taken.
    Acquire,
    /// It was given back.
    Release,
    /// It was observed to be held.
    AcquireRefused,
    /// It was observed to be free.
    ReleaseRefused,
    /// Several registers were read and written at once: the number of the list of steps.
    Transact(u32),
    /// An element was added to a set.
    Add(V),
    /// An element was removed.
    Remove(V),
    /// An element was looked for and found.
    Present(V),
    /// An element was looked for in vain.
    Absent(V),
    /// All elements were read: the number of the sorted list.
    Members(u32),
    /// A value was put at a queue's end.
    Enqueue(V),
    /// A value was taken from its front.
    Dequeue(V),
    /// Whatever was in front was taken, if anything.
    DequeueSomething,
    /// A value was put on a stack.
    Push(V),
    /// A value was taken from its top.
    Pop(V),
    /// Whatever was on top was taken, if anything.
    PopSomething,
    /// A queue or stack was observed to be empty.
    Empty,
    /// A counter was raised by so much.
    Increment(i64),
    /// A counter was read.
    Count(i64),
}

impl Action {
    /// Whether it never changes any state.
    pub(super) fn is_observer(self) -> bool {
        match self {
            Self::Cas(from, to) => from == to,
            Self::Increment(by) => by == 0,
            Self::Read(_)
            | Self::CasRefused(_)
            | Self::Get(_)
            | Self::AcquireRefused
            | Self::ReleaseRefused
            | Self::Present(_)
            | Self::Absent(_)
            | Self::Members(_)
            | Self::Empty
            | Self::Count(_) => true,
            Self::Write(_)
            | Self::Put(_)
            | Self::Append(_)
            | Self::Acquire
            | Self::Release
            | Self::Transact(_)
            | Self::Add(_)
            | Self::Remove(_)
            | Self::Enqueue(_)
            | Self::Dequeue(_)
            | Self::DequeueSomething
            | Self::Push(_)
            | Self::Pop(_)
            | Self::PopSomething => false,
        }
    }
}

/// One step of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Step {
    /// Which register.
    pub(super) register: V,
    /// What is read or written.
    pub(super) value: V,
    /// Which of both.
    pub(super) is_write: bool,
}

/// Lists that actions name by number.
#[derive(Clone, Debug, Default)]
pub(super) struct Lists {
    /// Steps of transactions.
    pub(super) steps: Interner<Vec<Step>>,
    /// Sorted members of sets; elements of texts and lists.
    pub(super) members: Interner<Vec<V>>,
}

/// A register, a lock: the state is a value by itself.
pub(super) struct Simple<'a> {
    /// What each class does.
    pub(super) actions: &'a [Action],
}

/// A lock that is held.
const HELD: u32 = 1;
/// And one that is free.
const FREE: u32 = 0;

impl Machine for Simple<'_> {
    fn step(&mut self, state: u32, class: u32) -> Option<u32> {
        let (is_legal, after) = match self.actions[class as usize] {
            Action::Read(value) => (state == value, state),
            Action::Write(value) => (true, value),
            Action::Cas(from, to) => (state == from, to),
            Action::CasRefused(from) => (state != from, state),
            Action::Acquire => (state == FREE, HELD),
            Action::Release => (state == HELD, FREE),
            Action::AcquireRefused => (state == HELD, state),
            Action::ReleaseRefused => (state == FREE, state),
            other => unreachable!("{other:?} is no action of a register or lock"),
        };
        is_legal.then_some(after)
    }

    fn is_observer(&self, class: u32) -> bool {
        self.actions[class as usize].is_observer()
    }

    fn classes(&self) -> usize {
        self.actions.len()
    }

    fn is_hopeless(&self, state: u32, class: u32, mut others: impl Iterator<Item = u32>) -> bool {
        match self.needs(class) {
            Some(needed) if needed != state => {
                !others.any(|other| self.produces(other) == Some(needed))
            }
            Some(_) | None => false,
        }
    }

    fn is_blind(&self, class: u32) -> bool {
        matches!(self.actions[class as usize], Action::Write(_))
    }
}

impl Simple<'_> {
    /// The only state in which a class is legal, if there is only one.
    fn needs(&self, class: u32) -> Option<u32> {
        match self.actions[class as usize] {
            Action::Read(value) | Action::Cas(value, _) => Some(value),
            Action::Acquire | Action::ReleaseRefused => Some(FREE),
            Action::Release | Action::AcquireRefused => Some(HELD),
            _ => None,
        }
    }

    /// The state after a class, if it is legal.
    fn produces(&self, class: u32) -> Option<u32> {
        match self.actions[class as usize] {
            Action::Write(value) | Action::Cas(_, value) => Some(value),
            Action::Acquire => Some(HELD),
            Action::Release => Some(FREE),
            _ => None,
        }
    }
}

/// A state of an object that has more to it than one value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum State {
    /// Queue (front first), stack (top last), text or list: in order. Set: sorted.
    Elements(Vec<V>),
    /// Registers by number.
    Registers(Vec<V>),
    /// A counter.
    Counter(i64),
}

/// Any other object: states are numbered as they are met, transitions remembered.
pub(super) struct Compound<'a> {
    actions: &'a [Action],
    lists: &'a Lists,
    states: Interner<State>,
    /// By state, then class: the state after + 1, 0 where illegal.
    transitions: Vec<BTreeMap<u32, u32>>,
}

impl<'a> Compound<'a> {
    pub(super) fn new(actions: &'a [Action], lists: &'a Lists, initial: State) -> Self {
        let mut states = Interner::default();
        states.number(initial);
        Self {
            actions,
            lists,
            states,
            transitions: vec![BTreeMap::new()],
        }
    }

    /// A state by its number.
    pub(super) fn state(&self, number: u32) -> &State {
        self.states.key(number)
    }

    fn compute(&mut self, state: u32, class: u32) -> Option<u32> {
        let after = self.apply(self.states.key(state), self.actions[class as usize])?;
        let number = self.states.number(after);
        if number as usize == self.transitions.len() {
            self.transitions.push(BTreeMap::new());
        }
        Some(number)
    }

    fn apply(&self, state: &State, action: Action) -> Option<State> {
        match state {
            State::Counter(count) => match action {
                Action::Increment(by) => Some(State::Counter(count.wrapping_add(by))),
                Action::Count(seen) => (seen == *count).then(|| state.clone()),
                other => unreachable!("{other:?} is no action of a counter"),
            },
            State::Registers(values) => {
                let Action::Transact(steps) = action else {
                    unreachable!("{action:?} is no transaction");
                };
                transact(values, self.lists.steps.key(steps)).map(State::Registers)
            }
            State::Elements(elements) => self.rearrange(elements, action).map(State::Elements),
        }
    }

    fn rearrange(&self, elements: &[V], action: Action) -> Option<Vec<V>> {
        let whole = |list: u32| self.lists.members.key(list);
        let if_so = |is_legal: bool| is_legal.then(|| elements.to_vec());
        match action {
            Action::Enqueue(value) | Action::Push(value) => Some([elements, &[value]].concat()),
            Action::Append(piece) => Some([elements, whole(piece)].concat()),
            Action::Dequeue(value) => match elements.split_first() {
                Some((front, rest)) if *front == value => Some(rest.to_vec()),
                Some(_) | None => None,
            },
            Action::DequeueSomething => Some(elements.get(1..).unwrap_or_default().to_vec()),
            Action::Pop(value) => match elements.split_last() {
                Some((top, rest)) if *top == value => Some(rest.to_vec()),
                Some(_) | None => None,
            },
            Action::PopSomething => Some(
                elements
                    .split_last()
                    .map_or_else(Vec::new, |(_, rest)| rest.to_vec()),
            ),
            Action::Empty => if_so(elements.is_empty()),
            Action::Put(list) => Some(whole(list).clone()),
            Action::Get(list) | Action::Members(list) => if_so(elements == whole(list).as_slice()),
            Action::Present(value) => if_so(elements.binary_search(&value).is_ok()),
            Action::Absent(value) => if_so(elements.binary_search(&value).is_err()),
            Action::Add(value) => {
                let mut after = elements.to_vec();
                if let Err(at) = after.binary_search(&value) {
                    after.insert(at, value);
                }
                Some(after)
            }
            Action::Remove(value) => {
                let mut after = elements.to_vec();
                if let Ok(at) = after.binary_search(&value) {
                    after.remove(at);
                }
                Some(after)
            }
            other => unreachable!("{other:?} is no action of a collection"),
        }
    }
}

fn transact(values: &[V], steps: &[Step]) -> Option<Vec<V>> {
    let mut after = values.to_vec();
    for step in steps {
        let register = &mut after[step.register as usize];
        if step.is_write {
            *register = step.value;
        } else if *register != step.value {
            return None;
        }
    }
    Some(after)
}

impl Machine for Compound<'_> {
    fn step(&mut self, state: u32, class: u32) -> Option<u32> {
        if let Some(after) = self.transitions[state as usize].get(&class) {
            return after.checked_sub(1);
        }
        let after = self.compute(state, class);
        let entry = after.map_or(0, |after| after + 1);
        self.transitions[state as usize].insert(class, entry);
        after
    }

    fn is_observer(&self, class: u32) -> bool {
        match self.actions[class as usize] {
            Action::Transact(steps) => {
                let steps = self.lists.steps.key(steps);
                steps.iter().all(|step| !step.is_write)
            }
            other => other.is_observer(),
        }
    }

    fn classes(&self) -> usize {
        self.actions.len()
    }

    /// What must leave a queue or stack before a value can needs a taker, and what is read must begin with what is there.
    fn is_hopeless(&self, state: u32, class: u32, mut others: impl Iterator<Item = u32>) -> bool {
        let State::Elements(elements) = self.states.key(state) else {
            return false;
        };
        let action = |class: u32| self.actions[class as usize];
        let starts = |list: u32, piece: &[V]| self.lists.members.key(list).starts_with(piece);
        match action(class) {
            Action::Get(list) if !starts(list, elements) => !others.any(|other| {
                matches!(action(other), Action::Put(put) if starts(list, self.lists.members.key(put)))
            }),
            Action::Dequeue(value) if elements.first() != Some(&value) => {
                let Some(&front) = elements.first() else {
                    return !others.any(|other| action(other) == Action::Enqueue(value));
                };
                !others.any(|other| {
                    action(other) == Action::Dequeue(front) || action(other) == Action::DequeueSomething
                })
            }
            Action::Pop(value) if elements.last() != Some(&value) => !others.any(|other| {
                action(other) == Action::Push(value)
                    || action(other) == Action::PopSomething
                    || elements.last().is_some_and(|top| action(other) == Action::Pop(*top))
            }),
            _ => false,
        }
    }
}
