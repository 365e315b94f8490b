//! Histories of znodes, generated as they are read.

use std::sync::Arc;

use zablab::base::rng::{Domain, Key, Seed};
use zablab::history::foreign::value::Value;
use zablab::history::foreign::{Entry, Kind, Stamp};

/// A legal history of znodes, event by event: half reads, a third of the writes conditional.
pub(crate) struct Znodes {
    key: Key,
    nth: u64,
    left: u64,
    keys: u64,
    lost_percent: u64,
    zxid: u64,
    states: Vec<(i64, Value, u64)>,
    idle: Vec<i64>,
    open: Vec<Open>,
    next_process: i64,
    line: u64,
    get: Arc<str>,
    set: Arc<str>,
    names: [Value; 5],
}

struct Open {
    process: i64,
    znode: usize,
    write: Option<(Value, i64)>,
    /// What came out, once it has happened.
    outcome: Option<(Kind, Value)>,
}

impl Znodes {
    /// So many operations by so many processes over so many znodes; of writes so many percent of replies are lost.
    pub(crate) fn new(operations: u64, znodes: u64, processes: i64, lost_percent: u64) -> Self {
        let states = (0..znodes).map(|_| (0, Value::Null, 0)).collect();
        let name = |name: &str| Value::Text(name.into());
        Self {
            key: Key::derive(Seed(5), Domain::Workload),
            nth: 0,
            left: operations,
            keys: znodes,
            lost_percent,
            zxid: 0,
            states,
            idle: (0..processes).collect(),
            open: Vec::new(),
            next_process: processes,
            line: 0,
            get: "get".into(),
            set: "set".into(),
            names: ["data", "expect", "version", "zxid", "mzxid"].map(name),
        }
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.nth += 1;
        self.key.draw(0, 0, 0, self.nth).below(bound)
    }

    fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).expect("small")
    }

    fn map(fields: impl IntoIterator<Item = (Value, Value)>) -> Value {
        Value::Map(fields.into_iter().collect())
    }

    fn entry(&mut self, open: &Open, kind: Kind, value: Value) -> Entry {
        self.line += 1;
        let f = if open.write.is_some() {
            &self.set
        } else {
            &self.get
        };
        Entry {
            line: self.line,
            process: open.process,
            kind,
            f: Arc::clone(f),
            key: Value::Int(i64::try_from(open.znode).expect("small")),
            value,
            time: None,
            mismatch: kind == Kind::Fail,
            stamp: Stamp::default(),
        }
    }

    fn begin(&mut self) -> Entry {
        self.left -= 1;
        let at = self.index(self.idle.len());
        let process = self.idle.swap_remove(at);
        let znode = usize::try_from(self.below(self.keys)).expect("small");
        let is_write = self.below(2) == 0;
        let expected = if self.below(3) == 0 {
            self.states[znode].0
        } else {
            -1
        };
        let data = Value::Int(i64::try_from(self.nth).expect("small"));
        let write = is_write.then_some((data, expected));
        let argument = match &write {
            Some((data, expected)) => Self::map([
                (self.names[0].clone(), data.clone()),
                (self.names[1].clone(), Value::Int(*expected)),
            ]),
            None => Value::Null,
        };
        let open = Open {
            process,
            znode,
            write,
            outcome: None,
        };
        let entry = self.entry(&open, Kind::Invoke, argument);
        self.open.push(open);
        entry
    }

    /// The operation happens.
    fn perform(&mut self, at: usize) {
        let open = &mut self.open[at];
        let (version, data, mzxid) = &mut self.states[open.znode];
        let number = |number: u64| Value::Int(i64::try_from(number).expect("small"));
        open.outcome = Some(match &open.write {
            None => (
                Kind::Ok,
                Self::map([
                    (self.names[0].clone(), data.clone()),
                    (self.names[2].clone(), Value::Int(*version)),
                    (self.names[4].clone(), number(*mzxid)),
                ]),
            ),
            Some((_, expected)) if *expected != -1 && expected != version => {
                (Kind::Fail, Value::Null)
            }
            Some((new, _)) => {
                self.zxid += 1;
                *version += 1;
                *data = new.clone();
                *mzxid = self.zxid;
                (
                    Kind::Ok,
                    Self::map([
                        (self.names[2].clone(), Value::Int(*version)),
                        (self.names[3].clone(), number(self.zxid)),
                    ]),
                )
            }
        });
    }
}

impl Iterator for Znodes {
    type Item = Entry;

    fn next(&mut self) -> Option<Entry> {
        loop {
            let can_begin = self.left > 0 && !self.idle.is_empty();
            if can_begin && (self.open.is_empty() || self.below(3) == 0) {
                return Some(self.begin());
            }
            if self.open.is_empty() {
                return None;
            }
            let at = self.index(self.open.len());
            let Some((mut kind, mut value)) = self.open[at].outcome.clone() else {
                self.perform(at);
                continue;
            };
            let open = self.open.swap_remove(at);
            if open.write.is_some() && self.below(100) < self.lost_percent {
                (kind, value) = (Kind::Info, Value::Null);
                self.idle.push(self.next_process);
                self.next_process += 1;
            } else {
                self.idle.push(open.process);
            }
            return Some(self.entry(&open, kind, value));
        }
    }
}
