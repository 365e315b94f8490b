//! Tries all orders: no partition, no memory, no rule. Knows the objects by its own, plainest words.

use std::collections::{BTreeMap, BTreeSet};

use crate::check::foreign::model::Model;
use crate::check::foreign::story::Operation;
use crate::history::foreign::Kind;
use crate::history::foreign::value::Value;

/// Everything there is, by key.
#[derive(Clone, Debug, Default)]
struct World {
    registers: BTreeMap<Value, Value>,
    texts: BTreeMap<Value, String>,
    lists: BTreeMap<Value, Vec<Value>>,
    locks: BTreeMap<Value, bool>,
    znodes: BTreeMap<Value, (i64, Value)>,
    sets: BTreeMap<Value, BTreeSet<Value>>,
    counters: BTreeMap<Value, i64>,
}

/// Whether some order of the operations respects real time and is legal; operations of unknown outcome may be left out.
pub(super) fn has_order(model: Model, operations: &[Operation]) -> bool {
    let says_something = |operation: &&Operation| match operation.outcome {
        Kind::Fail => operation.mismatch,
        Kind::Ok | Kind::Info | Kind::Invoke => true,
    };
    let operations: Vec<&Operation> = operations.iter().filter(says_something).collect();
    try_all(model, &operations, &World::default())
}

fn end(operation: &Operation) -> u32 {
    match operation.outcome {
        Kind::Ok | Kind::Fail => operation.returned.unwrap().at,
        Kind::Info | Kind::Invoke => u32::MAX,
    }
}

fn try_all(model: Model, left: &[&Operation], world: &World) -> bool {
    if left.iter().all(|operation| end(operation) == u32::MAX) {
        return true;
    }
    let first_return = left.iter().map(|operation| end(operation)).min().unwrap();
    for (index, operation) in left.iter().enumerate() {
        if operation.called.at > first_return {
            continue;
        }
        let mut after = world.clone();
        if happen(model, operation, &mut after) {
            let mut rest = left.to_vec();
            rest.remove(index);
            if try_all(model, &rest, &after) {
                return true;
            }
        }
    }
    false
}

/// Performs an operation; false if it cannot have come out like that now.
fn happen(model: Model, operation: &Operation, world: &mut World) -> bool {
    let key = operation.key.clone();
    match model {
        Model::Register | Model::CasRegister | Model::KvRegister => {
            register(operation, world.registers.entry(key).or_default())
        }
        Model::KvAppend => append(operation, world.texts.entry(key).or_default()),
        Model::MultiRegister => transact(operation, &mut world.registers),
        Model::Mutex => lock(operation, world.locks.entry(key).or_default()),
        Model::Znode => znode(operation, world.znodes.entry(key).or_default()),
        Model::Set => set(operation, world.sets.entry(key).or_default()),
        Model::Queue | Model::Stack => sequence(operation, world.lists.entry(key).or_default()),
        Model::Counter => count(operation, world.counters.entry(key).or_default()),
    }
}

fn is_ok(operation: &Operation) -> bool {
    operation.outcome == Kind::Ok
}

fn is_refused(operation: &Operation) -> bool {
    operation.outcome == Kind::Fail
}

fn result(operation: &Operation) -> Value {
    operation.result.clone().unwrap_or_default()
}

fn register(operation: &Operation, register: &mut Value) -> bool {
    let argument = &operation.argument;
    match &*operation.f {
        "read" => !is_ok(operation) || *register == result(operation),
        "write" => {
            *register = argument.clone();
            true
        }
        "cas" => {
            let [from, to] = argument.as_list().unwrap() else {
                panic!()
            };
            let is_legal = register == from;
            if is_refused(operation) {
                return !is_legal;
            }
            *register = to.clone();
            is_legal
        }
        other => panic!("{other}"),
    }
}

fn append(operation: &Operation, text: &mut String) -> bool {
    let argument = operation.argument.as_text().unwrap_or_default();
    match &*operation.f {
        "get" => !is_ok(operation) || result(operation).as_text().unwrap() == text,
        "put" => {
            argument.clone_into(text);
            true
        }
        "append" => {
            text.push_str(argument);
            true
        }
        other => panic!("{other}"),
    }
}

fn transact(operation: &Operation, registers: &mut BTreeMap<Value, Value>) -> bool {
    let result = result(operation);
    let steps = if is_ok(operation) {
        &result
    } else {
        &operation.argument
    };
    steps.as_list().unwrap().iter().all(|step| {
        let [f, key, value] = step.as_list().unwrap() else {
            panic!()
        };
        let register = registers.entry(key.clone()).or_insert(Value::Int(0));
        if f.as_text() == Some("write") {
            *register = value.clone();
            true
        } else {
            !is_ok(operation) || register == value
        }
    })
}

fn lock(operation: &Operation, held: &mut bool) -> bool {
    let acquires = &*operation.f == "acquire";
    if is_refused(operation) {
        return *held == acquires;
    }
    std::mem::replace(held, acquires) != acquires
}

fn znode(operation: &Operation, (version, data): &mut (i64, Value)) -> bool {
    let result = result(operation);
    if &*operation.f == "get" {
        return !is_ok(operation)
            || (result.get("version") == Some(&Value::Int(*version))
                && result.get("data") == Some(data));
    }
    let expected = operation.argument.get("expect").unwrap().as_int().unwrap();
    let fits = expected == -1 || expected == *version;
    if is_refused(operation) {
        return !fits;
    }
    *version += 1;
    *data = operation.argument.get("data").unwrap().clone();
    fits && (!is_ok(operation) || result.get("version") == Some(&Value::Int(*version)))
}

fn set(operation: &Operation, set: &mut BTreeSet<Value>) -> bool {
    let argument = operation.argument.clone();
    let is_there = set.contains(&argument);
    match &*operation.f {
        "add" if is_refused(operation) => is_there,
        "remove" if is_refused(operation) => !is_there,
        "add" => {
            set.insert(argument);
            true
        }
        "remove" => {
            set.remove(&argument);
            true
        }
        "contains" => !is_ok(operation) || Value::Bool(is_there) == result(operation),
        "read" if is_ok(operation) => {
            let shown = result(operation);
            let shown: BTreeSet<Value> = shown.as_list().unwrap().iter().cloned().collect();
            shown == *set
        }
        "read" => true,
        other => panic!("{other}"),
    }
}

fn sequence(operation: &Operation, elements: &mut Vec<Value>) -> bool {
    let at = match &*operation.f {
        "enqueue" | "push" => {
            elements.push(operation.argument.clone());
            return true;
        }
        "dequeue" => 0,
        "pop" => elements.len().saturating_sub(1),
        other => panic!("{other}"),
    };
    let taken = (at < elements.len()).then(|| elements.remove(at));
    if is_refused(operation) {
        taken.is_none()
    } else {
        !is_ok(operation) || taken.unwrap_or_default() == result(operation)
    }
}

fn count(operation: &Operation, counter: &mut i64) -> bool {
    match &*operation.f {
        "add" => {
            *counter += operation.argument.as_int().unwrap();
            true
        }
        "read" => !is_ok(operation) || result(operation) == Value::Int(*counter),
        other => panic!("{other}"),
    }
}
