//! One event from one line of JSON or one map of EDN.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "whatever a value is instead is named in the message"
)]

use std::sync::Arc;

use serde::Deserialize;

use super::value::Value;
use super::{Entry, Kind, Malformed, Stamp};

/// A line of JSON as it stands.
#[derive(Deserialize)]
#[serde(expecting = "an object: {\"process\": …, \"type\": …, \"f\": …, \"value\": …}")]
struct Line {
    #[serde(default)]
    process: Value,
    #[serde(default)]
    r#type: Value,
    #[serde(default)]
    f: Value,
    #[serde(default)]
    key: Value,
    #[serde(default)]
    value: Value,
    #[serde(default)]
    time: Value,
    #[serde(default)]
    error: Value,
    #[serde(default)]
    expected: Value,
    #[serde(default)]
    version: Value,
    #[serde(default)]
    zxid: Value,
    #[serde(default)]
    mzxid: Value,
}

/// Reads a line of JSON; none if it is about no operation.
pub(super) fn from_json(number: u64, text: &str) -> Result<Option<Entry>, Malformed> {
    if !text.trim_start().starts_with('{') && serde_json::from_str::<Value>(text).is_ok() {
        // Taken by itself, a list would do for a struct.
        let what =
            "found no object, expected {\"process\": …, \"type\": …, \"f\": …, \"value\": …}";
        return Err(Malformed::new(number, what));
    }
    let line: Line = serde_json::from_str(text).map_err(|error| {
        let what = if error.is_eof() {
            format!("the line is cut off: {error}")
        } else {
            error.to_string()
        };
        // serde_json counts lines too, and sees only one.
        Malformed::new(number, what.replace(" at line 1 column ", " at column "))
    })?;
    line.entry(number)
}

/// Reads a map of EDN; none if it is about no operation.
pub(super) fn from_edn(number: u64, element: &Value) -> Result<Option<Entry>, Malformed> {
    let Value::Map(fields) = element else {
        let what = format!(
            "found {}, expected a map with :process, :type, :f and :value",
            element.kind()
        );
        return Err(Malformed::new(number, what));
    };
    let mut line = Line {
        process: Value::Null,
        r#type: Value::Null,
        f: Value::Null,
        key: Value::Null,
        value: Value::Null,
        time: Value::Null,
        error: Value::Null,
        expected: Value::Null,
        version: Value::Null,
        zxid: Value::Null,
        mzxid: Value::Null,
    };
    let mut seen: u32 = 0;
    for (name, value) in fields.iter() {
        let (bit, place) = match name.as_text() {
            Some("process") => (1, &mut line.process),
            Some("type") => (1 << 1, &mut line.r#type),
            Some("f") => (1 << 2, &mut line.f),
            Some("key") => (1 << 3, &mut line.key),
            Some("value") => (1 << 4, &mut line.value),
            Some("time") => (1 << 5, &mut line.time),
            Some("error") => (1 << 6, &mut line.error),
            Some("expected") => (1 << 7, &mut line.expected),
            Some("version") => (1 << 8, &mut line.version),
            Some("zxid") => (1 << 9, &mut line.zxid),
            Some("mzxid") => (1 << 10, &mut line.mzxid),
            Some(_) | None => continue,
        };
        if seen & bit != 0 {
            return Err(Malformed::new(
                number,
                format!("the field {name} stands twice"),
            ));
        }
        seen |= bit;
        *place = value.clone();
    }
    line.entry(number)
}

impl Line {
    fn entry(self, number: u64) -> Result<Option<Entry>, Malformed> {
        let complain = |what: String| Malformed::new(number, what);
        let kind = match &self.r#type {
            Value::Text(name) => match &**name {
                "invoke" => Kind::Invoke,
                "ok" => Kind::Ok,
                "fail" => Kind::Fail,
                "info" => Kind::Info,
                // What our own recordings tell beside operations.
                "event" => return Ok(None),
                other => {
                    let what = format!("the type is {other:?}, expected invoke, ok, fail or info");
                    return Err(complain(what));
                }
            },
            other => return Err(complain(wrong("type", other, "invoke, ok, fail or info"))),
        };
        let process = match self.process {
            Value::Int(process) => process,
            // Jepsen's nemesis and its like.
            Value::Text(_) => return Ok(None),
            other => return Err(complain(wrong("process", &other, "an integer"))),
        };
        let f = match self.f {
            Value::Text(f) => f,
            other => return Err(complain(wrong("f", &other, "the operation's name"))),
        };
        let number_of = |name: &str, value: &Value| match value {
            Value::Null => Ok(None),
            Value::Int(number) => Ok(Some(*number)),
            other => Err(complain(wrong(name, other, "an integer"))),
        };
        Ok(Some(Entry {
            line: number,
            process,
            kind,
            f,
            time: match &self.time {
                // For display only: a fraction of a second is as good as none.
                Value::Number(_) => None,
                time => number_of("time", time)?,
            },
            mismatch: self.error.as_text() == Some("mismatch"),
            stamp: Stamp {
                expected: number_of("expected", &self.expected)?,
                version: number_of("version", &self.version)?,
                zxid: zxid("zxid", &self.zxid).map_err(complain)?,
                mzxid: zxid("mzxid", &self.mzxid).map_err(complain)?,
            },
            key: self.key,
            value: self.value,
        }))
    }
}

fn wrong(name: &str, found: &Value, expected: &str) -> String {
    match found {
        Value::Null => format!("the field {name} is missing, expected {expected}"),
        found => format!("the field {name} is {found}, expected {expected}"),
    }
}

/// A zxid: an integer, or epoch and counter as our own recordings write it.
pub fn zxid(name: &str, value: &Value) -> Result<Option<u64>, String> {
    let parsed = match value {
        Value::Null => return Ok(None),
        Value::Int(number) => u64::try_from(*number).ok(),
        Value::Text(text) => text.split_once(':').and_then(|(epoch, counter)| {
            let epoch: u32 = epoch.parse().ok()?;
            let counter: u32 = counter.parse().ok()?;
            Some(u64::from(epoch) << 32 | u64::from(counter))
        }),
        Value::Bool(_) | Value::Number(_) | Value::List(_) | Value::Map(_) => None,
    };
    match parsed {
        Some(zxid) => Ok(Some(zxid)),
        None => Err(wrong(name, value, "a zxid such as 17 or \"1:17\"")),
    }
}

/// Whether a line is one of our own recordings, as `zablab run --history` writes them: it names client and operation.
pub fn is_recording(text: &str) -> bool {
    #[derive(Deserialize)]
    struct Marks {
        client: Option<u64>,
        #[serde(default)]
        process: Value,
        r#type: Arc<str>,
    }
    let Ok(text) = super::as_json(1, text) else {
        return false;
    };
    let marks = serde_json::from_str::<Marks>(&text);
    marks.is_ok_and(|marks| {
        // What is no operation has no process, or is the nemesis's.
        let has_process = marks.process.as_int().is_some() || marks.process.as_text().is_some();
        marks.client.is_some() && (has_process || &*marks.r#type == "event")
    })
}
