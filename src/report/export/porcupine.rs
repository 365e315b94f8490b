//! Porcupine: the lines that its tests of a key-value store read (`parseKvLog` in `porcupine_test.go`, the files of `test_data/kv`).
//!
//! getData is a `get`, whatever changes a value a `put` of it; an absent znode is the empty text. A failed operation is left out, and one
//! of unknown outcome has no second line: Porcupine lets it end at any time. Conditions are left out too, so that it
//! judges less than `zablab check`; and it judges reads as linearizable, which ZooKeeper does not promise.

use std::collections::BTreeMap;

use super::{Pen, flat};
use crate::base::id::ClientId;
use crate::cast::Witness;
use crate::history::fact::{Fact, Loss};
use crate::history::op::{Data, ErrorCode, Request, Response, flags};
use crate::sim::sink::Stamp;

/// An operation that is open, or was answered; lines come in the order of their moments.
#[derive(Debug)]
struct Open {
    process: u64,
    call: Call,
    line: usize,
}

#[derive(Clone, Debug)]
enum Call {
    Get(String),
    Put(String, String),
}

/// Lines must wait until it is known whether their operation failed.
pub(super) struct Porcupine<'a, 'b> {
    processes: u64,
    open: BTreeMap<(ClientId, u64), Open>,
    /// Lines that are not written yet, by number; none = it is not known yet whether there is one.
    waiting: BTreeMap<usize, Option<String>>,
    lines: usize,
    pen: &'a mut Pen<'b>,
}

impl<'a, 'b> Porcupine<'a, 'b> {
    pub(super) fn new(pen: &'a mut Pen<'b>) -> Self {
        Self {
            processes: 0,
            open: BTreeMap::new(),
            waiting: BTreeMap::new(),
            lines: 0,
            pen,
        }
    }

    fn reserve(&mut self, line: Option<String>) -> usize {
        self.lines += 1;
        self.waiting.insert(self.lines, line);
        self.lines
    }

    /// Writes what waits for nothing any more.
    fn flush(&mut self) {
        while let Some(entry) = self.waiting.first_entry() {
            if entry.get().is_none() {
                return;
            }
            if let Some(line) = entry.remove().filter(|line| !line.is_empty()) {
                self.pen.put(format_args!("{line}\n"));
            }
        }
    }

    fn settle(&mut self, line: usize, text: String) {
        self.waiting.insert(line, Some(text));
        self.flush();
    }

    fn on_returned(&mut self, open: &Open, result: Result<&Response, ErrorCode>) {
        let process = open.process;
        let (invoked, answer) = match (&open.call, result) {
            (Call::Get(key), Ok(Response::Data(data, _))) => {
                let value = text(data);
                (
                    get(process, key),
                    format!(
                        "{{:process {process}, :type :ok, :f :get, :key \"{key}\", :value \"{value}\"}}"
                    ),
                )
            }
            (Call::Get(key), Err(ErrorCode::NoNode)) => (
                get(process, key),
                format!("{{:process {process}, :type :ok, :f :get, :key \"{key}\", :value \"\"}}"),
            ),
            (Call::Put(key, value), Ok(_)) => (
                put(process, key, value),
                format!(
                    "{{:process {process}, :type :ok, :f :put, :key \"{key}\", :value \"{value}\"}}"
                ),
            ),
            (Call::Get(_) | Call::Put(..), _) => {
                // It did not happen, or says nothing.
                self.settle(open.line, String::new());
                return;
            }
        };
        self.reserve(Some(answer));
        self.settle(open.line, invoked);
    }
}

fn get(process: u64, key: &str) -> String {
    format!("{{:process {process}, :type :invoke, :f :get, :key \"{key}\", :value nil}}")
}

fn put(process: u64, key: &str, value: &str) -> String {
    format!("{{:process {process}, :type :invoke, :f :put, :key \"{key}\", :value \"{value}\"}}")
}

/// Data between quotes; its expressions know no escapes.
fn text(data: &Data) -> String {
    let text = data
        .as_deref()
        .map(String::from_utf8_lossy)
        .unwrap_or_default();
    flat(&text).replace(['"', '\\'], "'")
}

fn call(request: &Request) -> Option<Call> {
    let key = |path: &str| flat(path).replace(['"', '\\'], "'");
    if let Request::GetData { path, .. } = request {
        Some(Call::Get(key(path)))
    } else if let Request::SetData { path, data, .. } = request {
        Some(Call::Put(key(path), text(data)))
    } else if let Request::Create {
        path, data, flags, ..
    } = request
    {
        // A numbered znode is another one each time.
        let is_numbered = matches!(
            *flags,
            flags::SEQUENTIAL | flags::EPHEMERAL_SEQUENTIAL | flags::SEQUENTIAL_TTL
        );
        (!is_numbered).then(|| Call::Put(key(path), text(data)))
    } else if let Request::Delete { path, .. } = request {
        Some(Call::Put(key(path), String::new()))
    } else {
        None
    }
}

impl Witness for Porcupine<'_, '_> {
    fn witness(&mut self, _at: Stamp, fact: &Fact) {
        if let Fact::Invoked {
            client,
            op,
            request,
            ..
        } = fact
        {
            if let Some(call) = call(request) {
                let process = self.processes;
                self.processes += 1;
                let line = self.reserve(None);
                let open = Open {
                    process,
                    call,
                    line,
                };
                self.open.insert((*client, *op), open);
            }
        } else if let Fact::Returned {
            client, op, result, ..
        } = fact
        {
            if let Some(open) = self.open.remove(&(*client, *op)) {
                self.on_returned(&open, result.as_ref().map_err(|error| *error));
            }
        } else if let Fact::Lost {
            client,
            op,
            loss,
            sent,
            ..
        } = fact
            && let Some(open) = self.open.remove(&(*client, *op))
        {
            let may_have_happened = *sent || matches!(loss, Loss::SessionExpired);
            let line = match &open.call {
                Call::Put(key, value) if may_have_happened => put(open.process, key, value),
                Call::Get(_) | Call::Put(..) => String::new(),
            };
            self.settle(open.line, line);
        }
    }
}

impl Drop for Porcupine<'_, '_> {
    fn drop(&mut self) {
        // What is open when the run ends may have happened.
        for open in std::mem::take(&mut self.open).into_values() {
            let line = match &open.call {
                Call::Put(key, value) => put(open.process, key, value),
                Call::Get(_) => String::new(),
            };
            self.waiting.insert(open.line, Some(line));
        }
        self.flush();
    }
}
