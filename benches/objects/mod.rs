//! Legal histories of simple objects, generated as they are read: ten processes, every operation takes effect at some moment between
//! its two lines, no reply is lost.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use zablab::base::rng::{Domain, Key, Seed};
use zablab::check::foreign::model::Model;
use zablab::history::foreign::value::Value;
use zablab::history::foreign::{Entry, Kind, Stamp};

const PROCESSES: i64 = 10;

/// Objects that are read as a whole are replaced by others after so many operations, or reads would grow with the history.
const OPERATIONS_PER_WHOLE: u64 = 50;

/// What an object is like now.
#[derive(Default)]
struct State {
    value: Value,
    elements: VecDeque<Value>,
    sum: i64,
    is_held: bool,
}

struct Open {
    process: i64,
    f: Arc<str>,
    key: i64,
    argument: Value,
    outcome: Option<(Kind, Value)>,
}

/// A history of so many operations.
pub(crate) struct Objects {
    model: Model,
    dice: Key,
    nth: u64,
    begun: u64,
    operations: u64,
    lines: u64,
    states: BTreeMap<i64, State>,
    idle: Vec<i64>,
    open: Vec<Open>,
}

impl Objects {
    pub(crate) fn new(model: Model, operations: u64) -> Self {
        Self {
            model,
            dice: Key::derive(Seed(7), Domain::Workload),
            nth: 0,
            begun: 0,
            operations,
            lines: 0,
            states: BTreeMap::new(),
            idle: (0..PROCESSES).collect(),
            open: Vec::new(),
        }
    }

    fn below(&mut self, bound: usize) -> usize {
        self.nth += 1;
        let draw = self.dice.draw(0, 0, 0, self.nth).below(bound as u64);
        usize::try_from(draw).expect("below a small number")
    }

    fn begin(&mut self) -> Entry {
        self.begun += 1;
        let at = self.below(self.idle.len());
        let is_whole = matches!(self.model, Model::KvAppend | Model::Set);
        let key = if is_whole {
            self.begun / OPERATIONS_PER_WHOLE
        } else {
            0
        };
        let (f, argument) = self.choose();
        self.open.push(Open {
            process: self.idle.swap_remove(at),
            f: f.into(),
            key: number(key).as_int().expect("it is a number"),
            argument: argument.clone(),
            outcome: None,
        });
        self.entry(self.open.len() - 1, Kind::Invoke, argument)
    }

    /// An operation and its argument; no value is written twice where that makes checking easier.
    fn choose(&mut self) -> (&'static str, Value) {
        let is_first = self.below(2) == 0;
        let new = number(self.begun);
        match self.model {
            Model::Register | Model::KvRegister | Model::Set | Model::Counter if is_first => {
                ("read", Value::Null)
            }
            Model::Register | Model::KvRegister => ("write", new),
            Model::CasRegister => match self.below(3) {
                0 => ("read", Value::Null),
                1 => ("write", number(self.begun % 5)),
                _ => {
                    let from = number(self.begun / 3 % 5);
                    ("cas", Value::List([from, number(self.begun % 5)].into()))
                }
            },
            Model::KvAppend if is_first => ("get", Value::Null),
            Model::KvAppend => {
                let piece = format!("{};", self.begun);
                ("append", Value::Text(piece.into()))
            }
            Model::Mutex if is_first => ("acquire", Value::Null),
            Model::Mutex => ("release", Value::Null),
            Model::Set => ("add", new),
            Model::Queue if is_first => ("enqueue", new),
            Model::Queue => ("dequeue", Value::Null),
            Model::Counter => ("add", number(self.begun % 3)),
            Model::Stack if is_first => ("push", new),
            Model::Stack => ("pop", Value::Null),
            Model::Znode | Model::MultiRegister => unreachable!("they are not made here"),
        }
    }

    /// The operation happens.
    fn perform(&mut self, at: usize) {
        let open = &mut self.open[at];
        let state = self.states.entry(open.key).or_default();
        open.outcome = Some(state.perform(self.model, &open.f, &open.argument));
    }

    fn entry(&mut self, at: usize, kind: Kind, value: Value) -> Entry {
        self.lines += 1;
        let open = &self.open[at];
        Entry {
            line: self.lines,
            process: open.process,
            kind,
            f: Arc::clone(&open.f),
            key: Value::Int(open.key),
            value,
            time: None,
            mismatch: kind == Kind::Fail,
            stamp: Stamp::default(),
        }
    }
}

impl State {
    fn perform(&mut self, model: Model, f: &str, argument: &Value) -> (Kind, Value) {
        let shown = match (model, f) {
            (Model::Set, "read") => Value::List(self.elements.iter().cloned().collect()),
            (Model::Counter, "read") => Value::Int(self.sum),
            (_, "read" | "get") => self.value.clone(),
            (_, "dequeue") => self.elements.pop_front().unwrap_or_default(),
            (_, "pop") => self.elements.pop_back().unwrap_or_default(),
            (Model::Mutex, _) => {
                let acquires = f == "acquire";
                if self.is_held == acquires {
                    return (Kind::Fail, Value::Null);
                }
                self.is_held = acquires;
                Value::Null
            }
            (_, "cas") => {
                let parts = argument
                    .as_list()
                    .expect("what is expected and what is written");
                if self.value != parts[0] {
                    return (Kind::Fail, argument.clone());
                }
                self.value = parts[1].clone();
                argument.clone()
            }
            _ => {
                self.change(model, argument);
                argument.clone()
            }
        };
        (Kind::Ok, shown)
    }

    fn change(&mut self, model: Model, argument: &Value) {
        if model == Model::KvAppend {
            let shown = self.value.as_text().unwrap_or_default();
            let piece = argument.as_text().expect("a text is appended");
            self.value = Value::Text(format!("{shown}{piece}").into());
        } else if model == Model::Counter {
            self.sum += argument.as_int().expect("a number is added");
        } else if matches!(model, Model::Set | Model::Queue | Model::Stack) {
            self.elements.push_back(argument.clone());
        } else {
            self.value = argument.clone();
        }
    }
}

fn number(number: u64) -> Value {
    Value::Int(i64::try_from(number).expect("it is small"))
}

impl Iterator for Objects {
    type Item = Entry;

    fn next(&mut self) -> Option<Entry> {
        loop {
            let can_begin = self.begun < self.operations && !self.idle.is_empty();
            if can_begin && (self.open.is_empty() || self.below(3) == 0) {
                return Some(self.begin());
            }
            if self.open.is_empty() {
                return None;
            }
            let at = self.below(self.open.len());
            let Some((kind, value)) = self.open[at].outcome.clone() else {
                self.perform(at);
                continue;
            };
            let entry = self.entry(at, kind, value);
            self.idle.push(self.open.swap_remove(at).process);
            return Some(entry);
        }
    }
}
