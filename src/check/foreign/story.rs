//! Why a history is not what it should be: the operations that contradict each other, as data and in sentences.

use std::fmt::Write as _;
use std::sync::Arc;

use crate::history::foreign::value::Value;
use crate::history::foreign::{Entry, Kind, Stamp};

/// Appends to a text.
macro_rules! put {
    ($text:expr, $($part:tt)*) => {
        write!($text, $($part)*).expect("a string takes any text")
    };
}

/// A place in a history.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mark {
    /// Its place in real-time order.
    pub at: u32,
    /// Its line, from 1.
    pub line: u64,
    /// Nanoseconds, as recorded.
    pub time: Option<i64>,
}

/// An operation as it was recorded.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Operation {
    /// Whose.
    pub process: i64,
    /// Its name.
    pub f: Arc<str>,
    /// Its object.
    pub key: Value,
    /// What it was called with.
    pub argument: Value,
    /// What came back, if anything did.
    pub result: Option<Value>,
    /// How it ended; [`Kind::Invoke`] where the history does not tell.
    pub outcome: Kind,
    /// Whether a failure was an observation that its condition does not hold.
    pub mismatch: bool,
    /// Where it began.
    pub called: Mark,
    /// Where it ended, if it did.
    pub returned: Option<Mark>,
    /// Versions and zxids of both lines, beside their values; most histories have none.
    stamp: Option<Box<Stamp>>,
}

impl Operation {
    /// An operation that begins.
    #[inline]
    pub(super) fn begin(entry: Entry, at: u32) -> Self {
        Self {
            process: entry.process,
            called: mark(&entry, at),
            f: entry.f,
            key: entry.key,
            argument: entry.value,
            result: None,
            outcome: Kind::Invoke,
            mismatch: false,
            returned: None,
            stamp: boxed(entry.stamp),
        }
    }

    /// It ends.
    #[inline]
    pub(super) fn end(&mut self, entry: Entry, at: u32) {
        self.outcome = entry.kind;
        self.mismatch = entry.mismatch;
        self.returned = Some(mark(&entry, at));
        self.result = Some(entry.value);
        let after = entry.stamp;
        if self.stamp.is_none() && after == Stamp::default() {
            return;
        }
        self.stamp = boxed(Stamp {
            expected: after.expected.or(self.stamp().expected),
            ..after
        });
    }

    /// Versions and zxids of both lines, beside their values.
    pub fn stamp(&self) -> Stamp {
        self.stamp.as_deref().copied().unwrap_or_default()
    }

    /// Whether its effect is certain and bounded by its return.
    pub fn is_known(&self) -> bool {
        matches!(self.outcome, Kind::Ok | Kind::Fail)
    }

    /// What it did, in words, with the lines and times of its ends.
    pub fn sentence(&self) -> String {
        let mut text = format!("process {} {}", self.process, self.deed());
        match self.returned {
            Some(returned) => put!(text, " (lines {}-{}", self.called.line, returned.line),
            None => put!(text, " (line {}", self.called.line),
        }
        if let Some(time) = self.called.time {
            put!(text, ", {}", seconds(time));
            if let Some(time) = self.returned.and_then(|returned| returned.time) {
                put!(text, " to {}", seconds(time));
            }
        }
        text.push(')');
        text
    }

    /// What to call it where its sentence says the rest: `process 3's write (line 7)`.
    pub fn name(&self) -> String {
        let Self {
            process, f, called, ..
        } = self;
        format!("process {process}'s {f} (line {})", called.line)
    }

    /// What it did: `write 5`, `read 3`, `cas [1, 2] failed`.
    pub fn deed(&self) -> String {
        let mut text = self.f.to_string();
        if self.key != Value::Null {
            put!(text, " {}", self.key);
        }
        let stays = self.result.as_ref() == Some(&self.argument);
        if self.argument != Value::Null && !(stays && self.outcome == Kind::Ok) {
            put!(text, " {}", self.argument);
        }
        match self.outcome {
            Kind::Ok => self.tell_result(stays, &mut text),
            Kind::Fail if self.mismatch => text += " failed: its condition did not hold",
            Kind::Fail => text += " failed",
            Kind::Info => text += ", outcome unknown",
            Kind::Invoke => text += ", no outcome recorded",
        }
        text
    }

    fn tell_result(&self, stays: bool, text: &mut String) {
        let result = self.result.as_ref().unwrap_or(&Value::Null);
        if stays {
            put!(text, " {result}");
        } else if self.argument == Value::Null || *result != Value::Null {
            put!(text, " -> {result}");
        }
        let Stamp {
            version,
            zxid,
            mzxid,
            ..
        } = self.stamp();
        for (name, number) in [
            ("version", version.map(i128::from)),
            ("zxid", zxid.map(i128::from)),
            ("mzxid", mzxid.map(i128::from)),
        ] {
            if let Some(number) = number {
                put!(text, ", {name} {number}");
            }
        }
    }
}

/// Nanoseconds as seconds.
fn seconds(ns: i64) -> String {
    let (sign, ns) = if ns < 0 {
        ("-", ns.unsigned_abs())
    } else {
        ("", ns.unsigned_abs())
    };
    format!(
        "{sign}{}.{:06} s",
        ns / 1_000_000_000,
        ns / 1_000 % 1_000_000
    )
}

/// Nothing is kept of a stamp that tells nothing.
fn boxed(stamp: Stamp) -> Option<Box<Stamp>> {
    (stamp != Stamp::default()).then(|| Box::new(stamp))
}

fn mark(entry: &Entry, at: u32) -> Mark {
    Mark {
        at,
        line: entry.line,
        time: entry.time,
    }
}

/// Why a history is violated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The kind of contradiction, a stable name.
    pub rule: &'static str,
    /// What contradicts what, in sentences; the last one states the contradiction.
    pub sentences: Vec<String>,
    /// The operations that it takes, in order of their calls.
    pub operations: Vec<Operation>,
    /// For searched histories: what a longest order before the contradiction is.
    pub prefix: Vec<Operation>,
    /// For searched histories: the states in which the last of the operations was tried in vain.
    pub states: Vec<String>,
}

impl Explanation {
    /// Operations in contradiction; their sentences come first, then what is concluded.
    pub(super) fn new(
        rule: &'static str,
        mut operations: Vec<Operation>,
        conclusion: String,
    ) -> Self {
        operations.sort_by_key(|operation| operation.called.at);
        operations.dedup_by_key(|operation| operation.called.at);
        let mut sentences: Vec<String> = operations.iter().map(Operation::sentence).collect();
        sentences.push(conclusion);
        Self {
            rule,
            sentences,
            operations,
            prefix: Vec::new(),
            states: Vec::new(),
        }
    }

    /// Whether an operation is on the same object as these.
    pub fn shares_key(&self, operation: &Operation) -> bool {
        self.operations
            .iter()
            .any(|shown| shown.key == operation.key)
    }

    /// Whether an operation is on the same object and overlaps one of these, or is one of them.
    pub fn touches(&self, operation: &Operation) -> bool {
        let end = |operation: &Operation| match operation.returned {
            Some(returned) if operation.is_known() => returned.at,
            Some(_) | None => u32::MAX,
        };
        self.operations.iter().any(|shown| {
            shown.key == operation.key
                && shown.called.at <= end(operation)
                && operation.called.at <= shown.returned.map_or(shown.called.at, |end| end.at)
        })
    }

    /// Where the contradiction is complete: the last return among the operations.
    pub(super) fn complete_at(&self) -> u32 {
        let ends = self.operations.iter().map(|operation| {
            operation
                .returned
                .map_or(operation.called.at, |returned| returned.at)
        });
        ends.max().unwrap_or(0)
    }
}
