//! Explanations of recorded histories, as data and as text.

use std::fmt::Write as _;

use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};

use crate::check::foreign::story::{Explanation, Operation};
use crate::check::verdict::Property;
use crate::history::foreign::Kind;
use crate::history::foreign::value::Value;

/// An explanation as `check --json` prints it.
#[derive(Debug, Serialize)]
pub struct Explained<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    property: Option<&'static str>,
    rule: &'static str,
    sentences: &'a [String],
    operations: Vec<Recorded<'a>>,
    prefix: Vec<Recorded<'a>>,
    states: &'a [String],
}

/// An operation of a history.
#[derive(Debug, Serialize)]
struct Recorded<'a> {
    process: i64,
    f: &'a str,
    key: Json<'a>,
    argument: Json<'a>,
    result: Option<Json<'a>>,
    /// `ok`, `fail`, `info`, or null where the history ends before.
    outcome: Option<&'static str>,
    line: u64,
    returned_line: Option<u64>,
    time: Option<i64>,
    returned_time: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expected: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    zxid: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mzxid: Option<u64>,
}

/// A value as JSON: what was JSON looks as it did.
#[derive(Debug)]
struct Json<'a>(&'a Value);

impl Serialize for Json<'_> {
    fn serialize<S: Serializer>(&self, target: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Null => target.serialize_unit(),
            Value::Bool(truth) => target.serialize_bool(*truth),
            Value::Int(number) => target.serialize_i64(*number),
            Value::Number(text) | Value::Text(text) => target.serialize_str(text),
            Value::List(elements) => {
                let mut list = target.serialize_seq(Some(elements.len()))?;
                for element in elements.iter() {
                    list.serialize_element(&Json(element))?;
                }
                list.end()
            }
            Value::Map(fields) => {
                let mut map = target.serialize_map(Some(fields.len()))?;
                for (key, value) in fields.iter() {
                    let name = key.as_text().map_or_else(|| key.to_string(), str::to_owned);
                    map.serialize_entry(&name, &Json(value))?;
                }
                map.end()
            }
        }
    }
}

/// An explanation as data; a recording of our own names the property that is broken.
pub fn explained(explanation: &Explanation, broken: Option<Property>) -> Explained<'_> {
    Explained {
        property: broken.map(Property::name),
        rule: explanation.rule,
        sentences: &explanation.sentences,
        operations: explanation.operations.iter().map(recorded).collect(),
        prefix: explanation.prefix.iter().map(recorded).collect(),
        states: &explanation.states,
    }
}

fn recorded(operation: &Operation) -> Recorded<'_> {
    Recorded {
        process: operation.process,
        f: &operation.f,
        key: Json(&operation.key),
        argument: Json(&operation.argument),
        result: operation.result.as_ref().map(Json),
        outcome: match operation.outcome {
            Kind::Ok => Some("ok"),
            Kind::Fail => Some("fail"),
            Kind::Info => Some("info"),
            Kind::Invoke => None,
        },
        line: operation.called.line,
        returned_line: operation.returned.map(|returned| returned.line),
        time: operation.called.time,
        returned_time: operation.returned.and_then(|returned| returned.time),
        expected: operation.stamp().expected,
        version: operation.stamp().version,
        zxid: operation.stamp().zxid,
        mzxid: operation.stamp().mzxid,
    }
}

/// An explanation as text: a line per operation, then what is concluded.
pub fn told(explanation: &Explanation) -> String {
    let mut text = String::new();
    for sentence in &explanation.sentences {
        writeln!(text, "  {}", shortened(sentence)).expect("a string takes any text");
    }
    text
}

/// Long values are cut in the middle of a sentence; the data has them whole.
fn shortened(sentence: &str) -> String {
    const LONGEST: usize = 600;
    if sentence.chars().count() <= LONGEST {
        return sentence.to_owned();
    }
    let head: String = sentence.chars().take(LONGEST / 2).collect();
    let letters: Vec<char> = sentence.chars().rev().take(LONGEST / 2).collect();
    let tail: String = letters.into_iter().rev().collect();
    format!("{head} … {tail}")
}
