//! Jepsen's histories: the lines of `run --history`, where everything that is no operation is the nemesis's: events of
//! connections, sessions and watches, and faults.
//!
//! `zablab check` reads both forms back as a recording (`history::codec::operations::reading`), lines of the nemesis with a client included.

use std::fmt::Write;

use serde_json::Value;

use super::Pen;
use crate::cast::Witness;
use crate::experiment::scenario::Scenario;
use crate::experiment::scenario::plan::Roster;
use crate::history::codec::operations::HistoryWriter;
use crate::history::fact::Fact;
use crate::report::phrase;
use crate::sim::fault::Planned;
use crate::sim::sink::Stamp;

/// How a line is written.
pub(super) type Form = fn(&Value) -> String;

pub(super) struct Jepsen<'a, 'b> {
    plan: &'a [Planned],
    roster: Roster,
    form: Form,
    writer: HistoryWriter,
    lines: Vec<u8>,
    /// Lines so far; a reader tells a recording by its first line, so faults wait for it.
    index: u64,
    early: Vec<Value>,
    pen: &'a mut Pen<'b>,
}

impl<'a, 'b> Jepsen<'a, 'b> {
    pub(super) fn new(scenario: &'a Scenario, form: Form, pen: &'a mut Pen<'b>) -> Self {
        Self {
            plan: &scenario.plan,
            roster: scenario.roster(),
            form,
            writer: HistoryWriter::default(),
            lines: Vec::new(),
            index: 0,
            early: Vec::new(),
            pen,
        }
    }

    fn put(&mut self, mut line: Value) {
        line["index"] = self.index.into();
        self.index += 1;
        let text = (self.form)(&line);
        self.pen.put(format_args!("{text}\n"));
    }

    fn on_fault(&mut self, at: Stamp, f: &str, fact: &Fact) {
        let (_, words) = phrase::fact(fact, self.plan, self.roster);
        let line = serde_json::json!({
            "process": "nemesis", "type": "info", "f": f, "value": words, "time": at.time.0,
        });
        if self.index == 0 {
            self.early.push(line);
        } else {
            self.put(line);
        }
    }
}

impl Witness for Jepsen<'_, '_> {
    fn witness(&mut self, at: Stamp, fact: &Fact) {
        if let Fact::FaultBegan { .. } = fact {
            return self.on_fault(at, "fault-began", fact);
        } else if let Fact::FaultEnded { .. } = fact {
            return self.on_fault(at, "fault-ended", fact);
        }
        self.lines.clear();
        self.writer.write(at.time, fact, &mut self.lines);
        let text = String::from_utf8(std::mem::take(&mut self.lines)).expect("JSON is UTF-8");
        for line in text.lines() {
            let mut line: Value = serde_json::from_str(line).expect("what was just written");
            if line["type"] == "event" {
                line["process"] = "nemesis".into();
                line["type"] = "info".into();
            }
            self.put(line);
            for early in std::mem::take(&mut self.early) {
                self.put(early);
            }
        }
        self.lines = text.into_bytes();
    }
}

/// As JSON.
pub(super) fn json(line: &Value) -> String {
    line.to_string()
}

/// As EDN: keywords for keys, types, functions and the nemesis.
pub(super) fn edn(line: &Value) -> String {
    let Value::Object(fields) = line else {
        unreachable!("a line is an object");
    };
    let field = |(name, value): (&String, &Value)| {
        let is_word = matches!(name.as_str(), "type" | "f") || value == "nemesis";
        let shown = match value.as_str() {
            Some(word) if is_word => format!(":{word}"),
            Some(_) | None => element(value),
        };
        format!(":{name} {shown}")
    };
    let fields: Vec<String> = fields.iter().map(field).collect();
    format!("{{{}}}", fields.join(", "))
}

fn element(value: &Value) -> String {
    match value {
        Value::Null => "nil".to_owned(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::String(text) => quoted(text),
        Value::Array(elements) => {
            let elements: Vec<String> = elements.iter().map(element).collect();
            format!("[{}]", elements.join(" "))
        }
        Value::Object(fields) => {
            // Keys may be anything: texts, not keywords.
            let field =
                |(name, value): (&String, &Value)| format!("{} {}", quoted(name), element(value));
            let fields: Vec<String> = fields.iter().map(field).collect();
            format!("{{{}}}", fields.join(", "))
        }
    }
}

/// A text of EDN, whose escapes are JSON's but for those of control characters.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' => quoted += "\\\"",
            '\\' => quoted += "\\\\",
            '\n' => quoted += "\\n",
            '\r' => quoted += "\\r",
            '\t' => quoted += "\\t",
            letter if letter < ' ' => {
                write!(quoted, "\\u{:04x}", u32::from(letter)).expect("a string takes any text");
            }
            letter => quoted.push(letter),
        }
    }
    quoted + "\""
}
