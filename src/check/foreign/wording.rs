//! From conflicts to explanations: which operations to show, and what to say of them.

use super::machine::{Action, State, V};
use super::meaning::{Meanings, Placed};
use super::model::Model;
use super::story::{Explanation, Operation};
use super::{append, counter, queue, register, set, stack};

/// What explanations of one object are made from.
pub(super) struct Words<'a> {
    pub(super) operations: &'a [Operation],
    pub(super) placed: &'a [Placed],
    pub(super) meanings: &'a Meanings,
}

impl Words<'_> {
    fn operation(&self, index: u32) -> Operation {
        let placed = &self.placed[index as usize];
        self.operations[placed.operation as usize].clone()
    }

    fn all(&self, indices: impl IntoIterator<Item = u32>) -> Vec<Operation> {
        indices
            .into_iter()
            .map(|index| self.operation(index))
            .collect()
    }

    /// A name for an operation that its sentence also has.
    fn name(&self, index: u32) -> String {
        let placed = &self.placed[index as usize];
        self.operations[placed.operation as usize].name()
    }

    fn shown(&self, value: V) -> String {
        self.meanings.values.key(value).to_string()
    }

    fn value_of(&self, index: Option<u32>) -> String {
        match index.map(|index| self.placed[index as usize].action) {
            Some(Action::Read(value) | Action::Write(value)) => self.shown(value),
            Some(_) | None => "null".to_owned(),
        }
    }

    pub(super) fn register(&self, conflict: &register::Conflict) -> Explanation {
        use register::Conflict;
        match *conflict {
            Conflict::Phantom(read) => {
                let value = self.value_of(Some(read));
                let conclusion = format!("{value} was read, but nobody ever wrote it");
                Explanation::new("phantom", self.all([read]), conclusion)
            }
            Conflict::Foreseen(read, write) => {
                let value = self.value_of(Some(read));
                let conclusion = format!("{value} was read before its write began");
                Explanation::new("foreseen", self.all([read, write]), conclusion)
            }
            Conflict::Overlap([first, last, other_first, other_last]) => {
                let (one, other) = (self.value_of(last), self.value_of(other_last));
                let conclusion = format!(
                    "the register must have held {one} from the first return that shows it{} to the last call of a read of it, and {other} likewise; both at once is impossible, so one of the reads is stale",
                    if first.is_none() {
                        " (its beginning)"
                    } else {
                        ""
                    },
                );
                let shown = [first, last, other_first, other_last];
                Explanation::new(
                    "stale-read",
                    self.all(shown.into_iter().flatten()),
                    conclusion,
                )
            }
            Conflict::Inside([first, last, other_first, other_last]) => {
                let (one, other) = (self.value_of(last), self.value_of(other_last));
                let conclusion = format!(
                    "the register must have held {one} all the time from the first return that shows it{} to the last call of a read of it; {other} began and ended in between, and its place is nowhere: a lost write or a stale read",
                    if first.is_none() {
                        " (its beginning)"
                    } else {
                        ""
                    },
                );
                let shown = [first, last, other_first, other_last];
                Explanation::new(
                    "lost-write",
                    self.all(shown.into_iter().flatten()),
                    conclusion,
                )
            }
        }
    }

    pub(super) fn append(&self, conflict: &append::Conflict) -> Explanation {
        use append::Conflict;
        match *conflict {
            Conflict::Phantom(read) => {
                let conclusion = "what was read is not made of what was appended, each piece once";
                Explanation::new("phantom", self.all([read]), conclusion.to_owned())
            }
            Conflict::Apart(read, longest) => {
                let conclusion =
                    "one read is not the beginning of the other, although nothing is ever replaced";
                Explanation::new(
                    "order-differs",
                    self.all([read, longest]),
                    conclusion.to_owned(),
                )
            }
            Conflict::Regress(before, after, longest) => {
                let conclusion = format!(
                    "{} returned before {} began, yet by the longest read it comes after it",
                    self.name(before),
                    self.name(after)
                );
                Explanation::new(
                    "real-time-order",
                    self.all([before, after, longest]),
                    conclusion,
                )
            }
        }
    }

    pub(super) fn set(&self, conflict: &set::Conflict) -> Explanation {
        use set::Conflict;
        match *conflict {
            Conflict::Phantom(read, element) => {
                let conclusion =
                    format!("{} was read, but nobody ever added it", self.shown(element));
                Explanation::new("phantom", self.all([read]), conclusion)
            }
            Conflict::Apart(one, other) => {
                let conclusion = "each read shows an element that the other lacks, although nothing is ever removed";
                Explanation::new(
                    "order-differs",
                    self.all([one, other]),
                    conclusion.to_owned(),
                )
            }
            Conflict::Regress(before, after, shown_by) => {
                let conclusion = format!(
                    "{} returned before {} began, yet by what the reads show it comes after it",
                    self.name(before),
                    self.name(after)
                );
                let shown = [Some(before), Some(after), shown_by];
                Explanation::new(
                    "real-time-order",
                    self.all(shown.into_iter().flatten()),
                    conclusion,
                )
            }
        }
    }

    pub(super) fn queue(&self, conflict: &queue::Conflict) -> Explanation {
        use queue::Conflict;
        let held = "taken";
        match conflict {
            Conflict::Phantom(take) => {
                let conclusion = format!("a value was {held} that nobody ever put in");
                Explanation::new("phantom", self.all([*take]), conclusion)
            }
            Conflict::Twice(one, other) => {
                let conclusion = format!("one value was {held} twice, but put in once");
                Explanation::new("duplicate", self.all([*one, *other]), conclusion)
            }
            Conflict::Foreseen(take, put) => {
                let conclusion = format!("a value was {held} before putting it in began");
                Explanation::new("foreseen", self.all([*take, *put]), conclusion)
            }
            Conflict::Overtaken([first, second], first_taken, second_taken) => {
                let shown = [
                    Some(*first),
                    Some(*second),
                    *first_taken,
                    Some(*second_taken),
                ];
                let end = if first_taken.is_some() {
                    "was taken later"
                } else {
                    "was never taken"
                };
                let conclusion = format!(
                    "{} was complete before {} began, but its value {end}",
                    self.name(*first),
                    self.name(*second)
                );
                Explanation::new(
                    "overtaken",
                    self.all(shown.into_iter().flatten()),
                    conclusion,
                )
            }
            Conflict::NeverEmpty(empty, by) => {
                let shown = std::iter::once(*empty).chain(by.iter().copied());
                let conclusion = "emptiness was observed, but at every moment of it some value was certainly there";
                Explanation::new("never-empty", self.all(shown), conclusion.to_owned())
            }
        }
    }

    pub(super) fn stack(&self, conflict: &stack::Conflict) -> Explanation {
        match conflict {
            stack::Conflict::Pattern(pattern) => self.queue(pattern),
            stack::Conflict::NoBottom(shown) => {
                let conclusion = "some value is on the stack all the time, but none of these can be the one at the bottom: its push first, its pop last";
                Explanation::new(
                    "no-bottom",
                    self.all(shown.iter().copied()),
                    conclusion.to_owned(),
                )
            }
        }
    }

    pub(super) fn counter(&self, conflict: &counter::Conflict) -> Explanation {
        use counter::Conflict;
        match *conflict {
            Conflict::TooLow(read, sum) => {
                let conclusion = format!("{sum} had certainly been added before the read began");
                Explanation::new("too-low", self.all([read]), conclusion)
            }
            Conflict::TooHigh(read, sum) => {
                let conclusion = format!("at most {sum} can have been added before the read ended");
                Explanation::new("too-high", self.all([read]), conclusion)
            }
            Conflict::Regress(before, after) => {
                let conclusion = "the later read shows less, although the counter only rises";
                Explanation::new("regress", self.all([before, after]), conclusion.to_owned())
            }
        }
    }

    /// What a search says: who found no place, the longest order before, and the states tried.
    pub(super) fn no_order(
        &self,
        blocked: u32,
        core: Option<&[u32]>,
        prefix: &[u32],
        states: Vec<String>,
    ) -> Explanation {
        let operation = self.operation(blocked);
        let alone = [blocked];
        let shown = core.unwrap_or(&alone);
        let line = operation
            .returned
            .map_or(operation.called.line, |returned| returned.line);
        let last = prefix
            .last()
            .map(|last| format!(", ending with {}", self.name(*last)));
        let conclusion = format!(
            "no order of the operations up to line {line} places {}; a longest order before it has {} operations{} and leaves {}",
            self.name(blocked),
            prefix.len(),
            last.unwrap_or_default(),
            states.join(" or "),
        );
        let reason = match core {
            None => String::new(),
            Some([_]) => {
                "nothing that the other operations could have done explains it; ".to_owned()
            }
            Some(_) => "whatever the other operations did, and whenever: these cannot be ordered; "
                .to_owned(),
        };
        let conclusion = reason + &conclusion;
        let mut explanation =
            Explanation::new("no-order", self.all(shown.iter().copied()), conclusion);
        explanation.prefix = self.all(prefix.iter().copied());
        explanation.states = states;
        explanation
    }
}

/// A state that is a value.
pub(super) fn value(meanings: &Meanings, model: Model, state: u32) -> String {
    if model == Model::Mutex {
        let word = if state == 0 { "free" } else { "held" };
        return word.to_owned();
    }
    meanings.values.key(state).to_string()
}

/// Any other state.
pub(super) fn state(meanings: &Meanings, state: &State) -> String {
    let names = |values: &[V]| {
        let names: Vec<String> = values.iter().map(|value| meanings.show(*value)).collect();
        names
    };
    match state {
        State::Elements(elements) if meanings.are_texts() => {
            let text: String = names(elements).concat();
            format!("{text:?}")
        }
        State::Elements(elements) => format!("[{}]", names(elements).join(", ")),
        State::Registers(values) => {
            let values = names(values);
            let registers = (0..)
                .zip(&values)
                .map(|(register, value)| format!("{}={value}", meanings.objects.key(register)));
            format!("{{{}}}", registers.collect::<Vec<String>>().join(", "))
        }
        State::Counter(count) => count.to_string(),
    }
}
