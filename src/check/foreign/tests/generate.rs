//! Small random histories: an object is simulated, replies are lost, conditions fail; then perhaps one thing is changed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::base::rng::{Draw, Key};
use crate::check::foreign::model::Model;
use crate::history::foreign::value::Value;
use crate::history::foreign::{Entry, Kind, Stamp};

/// How a history is generated.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    key: Key,
    case: u64,
    processes: u64,
    operations: u64,
    keys: u64,
    values: u64,
    /// Values never repeat.
    is_distinct: bool,
    /// Of a hundred.
    lost: u64,
    changes: u64,
}

impl Shape {
    pub(super) fn draw(key: Key, case: u64) -> Self {
        let draw = |nth| key.draw(case, 0, 0, nth);
        Self {
            key,
            case,
            processes: draw(1).between(1, 6),
            operations: draw(2).between(2, 7),
            keys: draw(3).between(1, 2),
            values: draw(4).between(2, 4),
            is_distinct: draw(5).below(2) == 0,
            lost: [0, 0, 15, 40][usize::try_from(draw(6).below(4)).unwrap()],
            changes: [0, 1, 1, 2][usize::try_from(draw(7).below(4)).unwrap()],
        }
    }

    pub(super) fn longer(self) -> Self {
        let draw = |nth| self.key.draw(self.case, 9, 0, nth);
        Self {
            operations: draw(1).between(10, 40),
            processes: draw(2).between(2, 5),
            changes: draw(3).below(2),
            lost: self.lost.min(10),
            ..self
        }
    }
}

/// Draws by number.
struct Dice {
    key: Key,
    case: u64,
    nth: u64,
}

impl Dice {
    fn next(&mut self) -> Draw {
        self.nth += 1;
        self.key.draw(self.case, 1, 0, self.nth)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next().below(bound)
    }

    fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).unwrap()
    }

    fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }
}

/// An operation on its way: invoked, then done, then answered.
struct Active {
    process: i64,
    f: &'static str,
    key: Value,
    argument: Value,
    outcome: Option<(Kind, Value)>,
}

/// The simulated objects.
#[derive(Default)]
struct World {
    registers: BTreeMap<Value, Value>,
    texts: BTreeMap<Value, String>,
    locks: BTreeMap<Value, bool>,
    znodes: BTreeMap<Value, (i64, Value)>,
    sets: BTreeMap<Value, BTreeSet<Value>>,
    lists: BTreeMap<Value, Vec<Value>>,
    counters: BTreeMap<Value, i64>,
}

fn int(number: u64) -> Value {
    Value::Int(i64::try_from(number).unwrap())
}

fn text(text: impl Into<Arc<str>>) -> Value {
    Value::Text(text.into())
}

fn list(elements: impl IntoIterator<Item = Value>) -> Value {
    Value::List(elements.into_iter().collect())
}

fn map(fields: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
    Value::Map(
        fields
            .into_iter()
            .map(|(name, value)| (text(name), value))
            .collect(),
    )
}

/// A history under way.
struct Simulation<'a> {
    model: Model,
    shape: &'a Shape,
    dice: Dice,
    world: World,
    active: Vec<Active>,
    entries: Vec<Entry>,
    /// Processes with nothing open, and the number that none has had.
    idle: Vec<i64>,
    next_process: i64,
    fresh: u64,
}

pub(super) fn history(model: Model, shape: &Shape) -> Vec<Entry> {
    let processes = i64::try_from(shape.processes).unwrap();
    let mut simulation = Simulation {
        model,
        shape,
        dice: Dice {
            key: shape.key,
            case: shape.case,
            nth: 0,
        },
        world: World::default(),
        active: Vec::new(),
        entries: Vec::new(),
        idle: (0..processes).collect(),
        next_process: processes,
        fresh: 0,
    };
    let mut left = shape.operations;
    while left > 0 || !simulation.active.is_empty() {
        let can_begin = left > 0 && !simulation.idle.is_empty();
        if can_begin && (simulation.active.is_empty() || simulation.dice.below(3) == 0) {
            left -= 1;
            simulation.begin();
        } else {
            simulation.go_on();
        }
    }
    let Simulation {
        mut dice,
        mut entries,
        ..
    } = simulation;
    for _ in 0..shape.changes {
        change(model, shape, &mut dice, &mut entries);
    }
    entries
}

impl Simulation<'_> {
    fn begin(&mut self) {
        let at = self.dice.index(self.idle.len());
        let process = self.idle.remove(at);
        let (f, argument) = choose(self.model, self.shape, &mut self.dice, &mut self.fresh);
        let is_single = matches!(
            self.model,
            Model::Register | Model::CasRegister | Model::MultiRegister
        );
        let key = if is_single {
            Value::Null
        } else {
            int(self.dice.below(self.shape.keys))
        };
        let started = Active {
            process,
            f,
            key,
            argument,
            outcome: None,
        };
        self.tell(&started, Kind::Invoke, started.argument.clone());
        self.active.push(started);
    }

    /// Something that is open takes effect, or returns.
    fn go_on(&mut self) {
        let at = self.dice.index(self.active.len());
        if self.active[at].outcome.is_none() {
            let happens = !self.dice.percent(self.shape.lost / 2);
            self.active[at].outcome = Some(if happens {
                perform(self.model, &mut self.world, &self.active[at])
            } else {
                (Kind::Info, Value::Null)
            });
            return;
        }
        let done = self.active.remove(at);
        let (kind, value) = done.outcome.clone().unwrap();
        if kind != Kind::Info && !self.dice.percent(self.shape.lost) {
            self.tell(&done, kind, value);
            self.idle.push(done.process);
            return;
        }
        self.idle.push(self.next_process);
        self.next_process += 1;
        // Half of those of unknown outcome have no completion at all.
        if self.dice.below(2) == 0 {
            self.tell(&done, Kind::Info, done.argument.clone());
        }
    }

    fn tell(&mut self, active: &Active, kind: Kind, value: Value) {
        let entry = entry(&self.entries, active, kind, value);
        self.entries.push(entry);
    }
}

fn entry(entries: &[Entry], active: &Active, kind: Kind, value: Value) -> Entry {
    Entry {
        line: entries.len() as u64 + 1,
        process: active.process,
        kind,
        f: active.f.into(),
        key: active.key.clone(),
        value,
        time: None,
        mismatch: kind == Kind::Fail,
        stamp: Stamp::default(),
    }
}

/// An operation and its argument.
fn choose(model: Model, shape: &Shape, dice: &mut Dice, fresh: &mut u64) -> (&'static str, Value) {
    let mut value = |dice: &mut Dice| {
        *fresh += 1;
        if shape.is_distinct {
            int(*fresh)
        } else {
            int(1 + dice.below(shape.values))
        }
    };
    let number = dice.below(10);
    match model {
        Model::Register => match number {
            0..5 => ("read", Value::Null),
            _ => ("write", value(dice)),
        },
        Model::CasRegister | Model::KvRegister => match number {
            0..4 => ("read", Value::Null),
            4..7 => ("write", value(dice)),
            _ if model == Model::KvRegister && shape.is_distinct => ("write", value(dice)),
            _ => {
                let from = int(1 + dice.below(shape.values));
                ("cas", list([from, value(dice)]))
            }
        },
        Model::KvAppend => {
            let piece = |value: Value| text(format!("{value};"));
            match number {
                0..5 => ("get", Value::Null),
                5 if !shape.is_distinct => ("put", piece(value(dice))),
                _ => ("append", piece(value(dice))),
            }
        }
        Model::MultiRegister => ("txn", steps(shape, dice)),
        Model::Mutex => (if number < 5 { "acquire" } else { "release" }, Value::Null),
        Model::Znode if number < 4 => ("get", Value::Null),
        Model::Znode => {
            let data = value(dice);
            let expect = if dice.below(2) == 0 {
                Value::Int(-1)
            } else {
                int(dice.below(4))
            };
            ("set", map([("data", data), ("expect", expect)]))
        }
        Model::Set => match number {
            0..3 if shape.case.is_multiple_of(2) => ("read", Value::Null),
            0..3 => ("contains", value(dice)),
            3..5 if !shape.is_distinct => ("remove", value(dice)),
            _ => ("add", value(dice)),
        },
        Model::Queue => match number {
            0..5 => ("enqueue", value(dice)),
            _ => ("dequeue", Value::Null),
        },
        Model::Counter => match number {
            0..5 => ("read", Value::Null),
            5 if !shape.is_distinct => ("add", Value::Int(-1)),
            _ => ("add", int(dice.below(3))),
        },
        Model::Stack => match number {
            0..5 => ("push", value(dice)),
            _ => ("pop", Value::Null),
        },
    }
}

/// A transaction of one or two steps.
fn steps(shape: &Shape, dice: &mut Dice) -> Value {
    let count = 1 + dice.below(2);
    let step = |dice: &mut Dice| {
        let register = text(["x", "y"][dice.index(2)]);
        if dice.below(2) == 0 {
            list([text("read"), register, Value::Null])
        } else {
            list([text("write"), register, int(1 + dice.below(shape.values))])
        }
    };
    let steps: Vec<Value> = (0..count).map(|_| step(dice)).collect();
    list(steps)
}

/// The operation happens now.
fn perform(model: Model, world: &mut World, active: &Active) -> (Kind, Value) {
    let key = active.key.clone();
    let argument = active.argument.clone();
    match model {
        Model::Register | Model::CasRegister | Model::KvRegister => {
            register(active.f, argument, world.registers.entry(key).or_default())
        }
        Model::KvAppend => append(active.f, argument, world.texts.entry(key).or_default()),
        Model::MultiRegister => (Kind::Ok, transact(world, &argument)),
        Model::Mutex => {
            let held = world.locks.entry(key).or_default();
            let acquires = active.f == "acquire";
            let is_possible = *held != acquires;
            *held = acquires;
            (if is_possible { Kind::Ok } else { Kind::Fail }, Value::Null)
        }
        Model::Znode => znode(active.f, argument, world.znodes.entry(key).or_default()),
        Model::Set => set(active.f, argument, world.sets.entry(key).or_default()),
        Model::Queue | Model::Stack => {
            sequence(active.f, argument, world.lists.entry(key).or_default())
        }
        Model::Counter => {
            let counter = world.counters.entry(key).or_default();
            if active.f == "read" {
                return (Kind::Ok, Value::Int(*counter));
            }
            *counter += argument.as_int().unwrap();
            (Kind::Ok, argument)
        }
    }
}

fn register(f: &str, argument: Value, register: &mut Value) -> (Kind, Value) {
    match f {
        "read" => (Kind::Ok, register.clone()),
        "write" => {
            *register = argument.clone();
            (Kind::Ok, argument)
        }
        _ => {
            let parts = argument.as_list().unwrap();
            if *register != parts[0] {
                return (Kind::Fail, argument);
            }
            *register = parts[1].clone();
            (Kind::Ok, argument)
        }
    }
}

fn append(f: &str, argument: Value, shown: &mut String) -> (Kind, Value) {
    let piece = argument.as_text().unwrap_or_default();
    match f {
        "get" => return (Kind::Ok, text(shown.as_str())),
        "put" => piece.clone_into(shown),
        _ => shown.push_str(piece),
    }
    (Kind::Ok, argument)
}

fn znode(f: &str, argument: Value, (version, data): &mut (i64, Value)) -> (Kind, Value) {
    if f == "get" {
        let shown = [("data", data.clone()), ("version", Value::Int(*version))];
        return (Kind::Ok, map(shown));
    }
    let expected = argument.get("expect").unwrap().as_int().unwrap();
    if expected != -1 && expected != *version {
        return (Kind::Fail, argument);
    }
    *version += 1;
    *data = argument.get("data").unwrap().clone();
    (Kind::Ok, map([("version", Value::Int(*version))]))
}

fn set(f: &str, argument: Value, set: &mut BTreeSet<Value>) -> (Kind, Value) {
    match f {
        "read" => return (Kind::Ok, list(set.iter().cloned())),
        "contains" => return (Kind::Ok, Value::Bool(set.contains(&argument))),
        "add" => {
            set.insert(argument.clone());
        }
        _ => {
            set.remove(&argument);
        }
    }
    (Kind::Ok, argument)
}

fn sequence(f: &str, argument: Value, elements: &mut Vec<Value>) -> (Kind, Value) {
    if f == "enqueue" || f == "push" {
        elements.push(argument.clone());
        return (Kind::Ok, argument);
    }
    if elements.is_empty() {
        return (Kind::Fail, Value::Null);
    }
    let at = if f == "dequeue" {
        0
    } else {
        elements.len() - 1
    };
    (Kind::Ok, elements.remove(at))
}

fn transact(world: &mut World, steps: &Value) -> Value {
    let mut done = Vec::new();
    for step in steps.as_list().unwrap() {
        let parts = step.as_list().unwrap();
        let register = world
            .registers
            .entry(parts[1].clone())
            .or_insert(Value::Int(0));
        if parts[0].as_text() == Some("write") {
            *register = parts[2].clone();
        }
        done.push(list([parts[0].clone(), parts[1].clone(), register.clone()]));
    }
    list(done)
}

/// Changes one thing: a result, an outcome, or the order of two lines.
fn change(model: Model, shape: &Shape, dice: &mut Dice, entries: &mut [Entry]) {
    if entries.len() < 2 {
        return;
    }
    let at = dice.index(entries.len() - 1);
    match dice.below(6) {
        0 if entries[at].process != entries[at + 1].process => entries.swap(at, at + 1),
        1 => {
            // An outcome is lost, and with it what its process did afterwards gets another process.
            if entries[at].kind == Kind::Ok {
                entries[at].kind = Kind::Info;
                let (process, last) = (entries[at].process, entries.len());
                let invoke = entries[..at]
                    .iter()
                    .rev()
                    .find(|entry| entry.process == process && entry.kind == Kind::Invoke);
                entries[at].value = invoke.unwrap().value.clone();
                for entry in &mut entries[at + 1..last] {
                    if entry.process == process {
                        entry.process += 1_000;
                    }
                }
            }
        }
        2 => {
            // What failed succeeds, or the other way round.
            let can_fail = |entry: &Entry| match &*entry.f {
                "cas" | "acquire" | "release" => true,
                "dequeue" | "pop" => entry.kind == Kind::Ok,
                _ => false,
            };
            let is_done = |kind: Kind| matches!(kind, Kind::Ok | Kind::Fail);
            let from = entries[at..].iter_mut();
            let mut found = from.filter(|entry| is_done(entry.kind) && can_fail(entry));
            if let Some(entry) = found.next() {
                let succeeded = entry.kind == Kind::Ok;
                entry.kind = if succeeded { Kind::Fail } else { Kind::Ok };
                entry.mismatch = succeeded;
            }
        }
        _ => {
            let is_ok = |entry: &&mut Entry| entry.kind == Kind::Ok;
            let count = entries
                .iter()
                .filter(|entry| entry.kind == Kind::Ok)
                .count();
            if count == 0 {
                return;
            }
            let nth = dice.index(count);
            let entry = entries.iter_mut().filter(is_ok).nth(nth).unwrap();
            if let Some(value) = other_result(model, shape, dice, entry) {
                entry.value = value;
            }
        }
    }
}

/// Another result that the operation could have had.
fn other_result(model: Model, shape: &Shape, dice: &mut Dice, entry: &Entry) -> Option<Value> {
    let most = if shape.is_distinct { 6 } else { shape.values };
    let value = int(1 + dice.below(most));
    Some(match (&*entry.f, model) {
        ("read", Model::Set) => {
            let members: BTreeSet<Value> = (0..dice.below(3))
                .map(|_| int(1 + dice.below(most)))
                .collect();
            list(members)
        }
        ("read", Model::Counter) => int(dice.below(5)),
        ("get", Model::Znode) => {
            let version = entry.value.get("version")?.as_int()?;
            let version = version + i64::try_from(dice.below(3)).unwrap() - 1;
            let data = if dice.below(2) == 0 {
                value
            } else {
                entry.value.get("data")?.clone()
            };
            map([("data", data), ("version", Value::Int(version.max(0)))])
        }
        ("set", Model::Znode) => map([("version", int(dice.below(4)))]),
        ("get", _) => {
            let shown = entry.value.as_text()?;
            match dice.below(3) {
                0 => text(shown.split_once(';').map_or("", |(_, rest)| rest)),
                1 => text(format!("{shown}{value};")),
                _ => text(
                    shown
                        .rsplit_once(';')
                        .and_then(|(rest, _)| rest.rsplit_once(';'))
                        .map_or(String::new(), |(rest, _)| format!("{rest};")),
                ),
            }
        }
        ("txn", _) => {
            let mut steps = entry.value.as_list()?.to_vec();
            let at = dice.index(steps.len());
            let step = steps[at].as_list()?.to_vec();
            if step[0].as_text() == Some("write") {
                return None;
            }
            steps[at] = list([
                step[0].clone(),
                step[1].clone(),
                int(dice.below(shape.values)),
            ]);
            list(steps)
        }
        ("contains", _) => Value::Bool(entry.value == Value::Bool(false)),
        ("read" | "dequeue" | "pop", _) => value,
        _ => return None,
    })
}
