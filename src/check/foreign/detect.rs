//! Finds out what object a history is of, from the names of its operations and the shape of their values.

use std::collections::BTreeSet;

use super::model::Model;
use crate::history::foreign::value::Value;
use crate::history::foreign::{Entry, Kind, Malformed};

/// Events looked at.
pub(super) const ENOUGH: usize = 4_096;

/// The object of a history that begins like this.
pub(super) fn model(entries: &[Entry]) -> Result<Model, Malformed> {
    let names: BTreeSet<&str> = entries.iter().map(|entry| &*entry.f).collect();
    let has = |name: &str| names.contains(name);
    let oks = || entries.iter().filter(|entry| entry.kind == Kind::Ok);
    let is_versioned =
        || oks().any(|entry| entry.stamp.version.is_some() || entry.value.get("version").is_some());
    let is_keyed = || entries.iter().any(|entry| entry.key != Value::Null);
    let model = if entries.is_empty() {
        // Nothing happened, which every object allows.
        Model::Register
    } else if has("txn") {
        Model::MultiRegister
    } else if has("acquire") || has("release") || has("lock") || has("unlock") {
        Model::Mutex
    } else if has("enqueue") || has("dequeue") {
        Model::Queue
    } else if has("push") || has("pop") {
        Model::Stack
    } else if has("append") {
        Model::KvAppend
    } else if is_versioned() || (has("set") && !has("add")) {
        Model::Znode
    } else if has("inc") || has("increment") || has("dec") || has("decrement") {
        Model::Counter
    } else if has("contains") || has("remove") || (has("add") && reads_lists(entries)) {
        Model::Set
    } else if has("add") {
        Model::Counter
    } else if has("get") || has("put") {
        if is_keyed() {
            Model::KvRegister
        } else {
            Model::Register
        }
    } else if has("cas") {
        if is_keyed() {
            Model::KvRegister
        } else {
            Model::CasRegister
        }
    } else if has("read") || has("write") {
        if is_keyed() {
            Model::KvRegister
        } else {
            Model::Register
        }
    } else {
        let first = &entries[0];
        let what = format!(
            "no model has an operation {:?}; expected one of --model's objects",
            first.f
        );
        return Err(Malformed::new(first.line, what));
    };
    Ok(model)
}

/// Whether reads show elements rather than a sum; without any read that says, a set is assumed.
fn reads_lists(entries: &[Entry]) -> bool {
    let reads = entries
        .iter()
        .filter(|entry| &*entry.f == "read" && entry.kind == Kind::Ok);
    reads
        .filter(|read| read.value != Value::Null)
        .all(|read| read.value.as_list().is_some())
}
