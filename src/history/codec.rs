//! Facts and operations as lines of JSON, and back: what `zablab run --trace` and `--history` write.
//!
//! A fact is one object a line: its stamp (`event`, `time_ns`), `fact` (the variant's name in kebab case), and the
//! variant's fields by their names ([`Fact::EventReceived`]'s `event` is called `watch_event`, apart from the stamp's):
//!
//! ```json
//! {"event":21,"time_ns":4512034,"fact":"commit-decided","server":5,"zxid":"1:17","epoch":1,"acks":[3,4,5]}
//! ```
//!
//! Zxids are `"epoch:counter"`, sessions `"0x…"`, digests sixteen hexadecimal digits, a lineage `{depth, last, hash}`, data a
//! string or, where it is no UTF-8, `{"hex": "…"}`; results are `{"ok": …}` or `{"error": "NoNode"}`, enums are named in
//! kebab case except for ZooKeeper's own error names. An optional field may be left out when it is null.
//!
//! Nothing here reads or writes a file; see [`operations`] for histories of operations.

pub(super) mod form;
pub mod operations;

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::fact::Fact;
use crate::base::id::EventId;
use crate::base::time::Time;

/// A fact with its place in the run that it was recorded in.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Recorded {
    /// The event in which it became true.
    pub event: EventId,
    /// World time.
    pub time: Time,
    /// What.
    pub fact: Fact,
}

#[derive(Serialize)]
struct FactLine<'a> {
    event: EventId,
    time_ns: Time,
    #[serde(flatten)]
    fact: &'a Fact,
}

/// Writes facts, one line each.
#[derive(Clone, Copy, Debug, Default)]
pub struct FactWriter;

impl FactWriter {
    /// Appends the line of one fact.
    pub fn write(&self, event: EventId, time: Time, fact: &Fact, out: &mut Vec<u8>) {
        let time_ns = time;
        write_line(
            &FactLine {
                event,
                time_ns,
                fact,
            },
            out,
        );
    }
}

/// Appends one object and the end of its line.
fn write_line(object: &impl Serialize, out: &mut Vec<u8>) {
    serde_json::to_writer(&mut *out, object)
        .expect("memory takes every byte, and lines have string keys only");
    out.push(b'\n');
}

/// Why a line holds no fact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoFact {
    /// Which line, from 1.
    pub line: u64,
    /// What was found and what was expected.
    pub what: String,
}

impl fmt::Display for NoFact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}

impl std::error::Error for NoFact {}

/// Reads facts, line by line; a run's stamps never go back.
#[derive(Clone, Copy, Debug, Default)]
pub struct FactReader {
    line: u64,
    last: Option<(EventId, Time)>,
}

impl FactReader {
    /// Reads the next line; an empty one holds nothing.
    ///
    /// # Errors
    /// If the line is no fact, or its stamp precedes the one before.
    pub fn read(&mut self, line: &str) -> Result<Option<Recorded>, NoFact> {
        self.line += 1;
        if line.trim().is_empty() {
            return Ok(None);
        }
        let recorded = parse(line)
            .and_then(|recorded| self.check_order(recorded))
            .map_err(|what| NoFact {
                line: self.line,
                what,
            })?;
        self.last = Some((recorded.event, recorded.time));
        Ok(Some(recorded))
    }

    fn check_order(&self, recorded: Recorded) -> Result<Recorded, String> {
        let (event, time) = self.last.unwrap_or((EventId(0), Time::ZERO));
        if recorded.event < event {
            let found = recorded.event;
            return Err(format!(
                "\"event\" is {found}; expected at least {event}, as on the line before"
            ));
        }
        if recorded.time < time {
            let (found, least) = (recorded.time.0, time.0);
            return Err(format!(
                "\"time_ns\" is {found}; expected at least {least}, as on the line before"
            ));
        }
        Ok(recorded)
    }
}

/// The facts of a recorded run; after the first error nothing more.
pub fn read_facts(text: &str) -> impl Iterator<Item = Result<Recorded, NoFact>> {
    let mut reader = FactReader::default();
    let mut is_over = false;
    text.lines().filter_map(move |line| {
        if is_over {
            return None;
        }
        let read = reader.read(line);
        is_over = read.is_err();
        read.transpose()
    })
}

fn parse(line: &str) -> Result<Recorded, String> {
    let value: Value = serde_json::from_str(line).map_err(|error| {
        let place = format!(" at line {} column {}", error.line(), error.column());
        let what = error.to_string().replace(&place, "");
        format!(
            "column {}: {what}; expected one JSON object",
            error.column()
        )
    })?;
    let Value::Object(mut fields) = value else {
        return Err("expected a JSON object such as {\"event\":1,\"time_ns\":0,\"fact\":…}".into());
    };
    let event = stamp(&mut fields, "event").map(EventId)?;
    let time = stamp(&mut fields, "time_ns").map(Time)?;
    let name = match fields.get("fact") {
        Some(Value::String(name)) => format!("the fact {name:?}: "),
        Some(_) => return Err("\"fact\" is no string; expected a fact's name".into()),
        None => return Err("\"fact\" is missing; expected a fact's name".into()),
    };
    let fact =
        Fact::deserialize(Value::Object(fields)).map_err(|error| format!("{name}{error}"))?;
    Ok(Recorded { event, time, fact })
}

/// Takes a part of the stamp out of a line's fields.
fn stamp(fields: &mut Map<String, Value>, name: &str) -> Result<u64, String> {
    let expected = "expected a whole number";
    let value = fields
        .remove(name)
        .ok_or_else(|| format!("{name:?} is missing; {expected}"))?;
    value
        .as_u64()
        .ok_or_else(|| format!("{name:?} is {value}; {expected}"))
}

#[cfg(test)]
mod tests;
