//! Pairs the events of processes into operations.

use std::collections::BTreeMap;

use super::story::Operation;
use crate::history::foreign::value::Value;
use crate::history::foreign::{Entry, Kind, Malformed};

/// What is open, by process: a number that its taker gave.
#[derive(Clone, Debug, Default)]
pub(super) struct Processes {
    /// Small process numbers, which most are; [`FREE`] where nothing is open.
    few: Vec<u32>,
    many: BTreeMap<i64, u32>,
}

const FREE: u32 = u32::MAX;

/// Process numbers looked up in a vector.
const FEW: usize = 1 << 12;

impl Processes {
    /// Opens an operation of a process; answers the one that is open already, if any.
    pub(super) fn open(&mut self, process: i64, number: u32) -> Option<u32> {
        if let Some(slot) = self.slot(process) {
            if *slot != FREE {
                return Some(*slot);
            }
            *slot = number;
            return None;
        }
        if let Some(open) = self.many.get(&process) {
            return Some(*open);
        }
        self.many.insert(process, number);
        None
    }

    /// Closes what a process has open.
    pub(super) fn close(&mut self, process: i64) -> Option<u32> {
        match self.slot(process) {
            Some(slot) => Some(std::mem::replace(slot, FREE)).filter(|number| *number != FREE),
            None => self.many.remove(&process),
        }
    }

    fn slot(&mut self, process: i64) -> Option<&mut u32> {
        let index = usize::try_from(process).ok().filter(|index| *index < FEW)?;
        if index >= self.few.len() {
            self.few.resize(index + 1, FREE);
        }
        self.few.get_mut(index)
    }
}

/// A process begins although it has something open.
pub(super) fn still_open(entry: &Entry, line: u64) -> Malformed {
    let Entry { process, f, .. } = entry;
    let what = format!(
        "process {process} invokes {f:?} while the operation of line {line} is open; expected its ok, fail or info first"
    );
    Malformed::new(entry.line, what)
}

/// A process ends what it did not begin.
pub(super) fn not_open(entry: &Entry) -> Malformed {
    let Entry { process, f, .. } = entry;
    let what = format!(
        "process {process} completes {f:?}, but has no operation open: its invocation is missing, or it was completed before"
    );
    Malformed::new(entry.line, what)
}

/// Checks that a completion is that of an invocation.
pub(super) fn check_same(entry: &Entry, line: u64, f: &str, key: &Value) -> Result<(), Malformed> {
    if &*entry.f != f {
        let what = format!(
            "process {} completes {:?}, but what it invoked in line {line} is {f:?}",
            entry.process, entry.f
        );
        return Err(Malformed::new(entry.line, what));
    }
    // A completion may leave the key out.
    if entry.key != *key && entry.key != Value::Null {
        let what = format!(
            "process {} completes {f:?} of key {}, but what it invoked in line {line} has key {key}",
            entry.process, entry.key
        );
        return Err(Malformed::new(entry.line, what));
    }
    Ok(())
}

/// Operations, in the order of their invocations.
#[derive(Clone, Debug, Default)]
pub(super) struct Collector {
    processes: Processes,
    pub(super) operations: Vec<Operation>,
    events: u32,
}

impl Collector {
    /// Takes the next event.
    #[inline]
    pub(super) fn take(&mut self, entry: Entry) -> Result<(), Malformed> {
        let at = self.events;
        self.events = at
            .checked_add(1)
            .filter(|events| *events < FREE)
            .ok_or_else(|| Malformed::new(entry.line, "the history has more than 2^32 events"))?;
        if entry.kind == Kind::Invoke {
            let number = u32::try_from(self.operations.len()).expect("no more than events");
            if let Some(open) = self.processes.open(entry.process, number) {
                let line = self.operations[open as usize].called.line;
                return Err(still_open(&entry, line));
            }
            self.operations.push(Operation::begin(entry, at));
        } else {
            let open = self.processes.close(entry.process);
            let open = open.ok_or_else(|| not_open(&entry))?;
            let operation = &mut self.operations[open as usize];
            check_same(&entry, operation.called.line, &operation.f, &operation.key)?;
            operation.end(entry, at);
        }
        Ok(())
    }
}

/// Pairs events without keeping more than what is open.
#[derive(Clone, Debug, Default)]
pub struct Pairing {
    processes: Processes,
    open: Vec<Option<Operation>>,
    free: Vec<u32>,
    events: u32,
}

impl Pairing {
    /// Nothing is open.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next event; hands over the operation that it completes.
    ///
    /// # Errors
    /// If the event does not fit its process.
    pub fn take(
        &mut self,
        entry: Entry,
        keep: &mut impl FnMut(Operation),
    ) -> Result<(), Malformed> {
        let at = self.events;
        self.events = at.saturating_add(1);
        if entry.kind == Kind::Invoke {
            let slot = self.free.pop().unwrap_or_else(|| {
                self.open.push(None);
                u32::try_from(self.open.len() - 1).expect("fewer processes than that")
            });
            if let Some(open) = self.processes.open(entry.process, slot) {
                let open = self.open[open as usize]
                    .as_ref()
                    .expect("what a process has open");
                return Err(still_open(&entry, open.called.line));
            }
            self.open[slot as usize] = Some(Operation::begin(entry, at));
            return Ok(());
        }
        let slot = self
            .processes
            .close(entry.process)
            .ok_or_else(|| not_open(&entry))?;
        self.free.push(slot);
        let mut operation = self.open[slot as usize]
            .take()
            .expect("what a process has open");
        check_same(&entry, operation.called.line, &operation.f, &operation.key)?;
        operation.end(entry, at);
        keep(operation);
        Ok(())
    }

    /// The history is over; hands over what is open.
    pub fn finish(self, keep: &mut impl FnMut(Operation)) {
        self.open.into_iter().flatten().for_each(keep);
    }
}
