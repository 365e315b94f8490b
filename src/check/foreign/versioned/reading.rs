//! What the lines of a znode's history say: `get` and `set` with versions in their values or beside them.

use super::super::story::Operation;
use crate::history::foreign::value::Value;
use crate::history::foreign::{Entry, Malformed, zxid};

/// What an operation that succeeded did.
pub(super) enum Deed<'a> {
    /// It saw this.
    Read {
        version: u64,
        data: &'a Value,
        mzxid: Option<u64>,
    },
    /// It made this.
    Write { version: u64, zxid: Option<u64> },
}

/// What a write was called with.
pub(super) struct Argument<'a> {
    pub(super) data: &'a Value,
    pub(super) expected: Option<u64>,
}

/// Whether the operation that begins is a write.
pub(super) fn is_write(entry: &Entry) -> Result<bool, Malformed> {
    match &*entry.f {
        "get" | "read" => Ok(false),
        "set" | "write" | "cas" => Ok(true),
        other => {
            let what = format!("the operation is {other:?}, but znode has get, set");
            Err(Malformed::new(entry.line, what))
        }
    }
}

pub(super) fn deed(operation: &Operation) -> Result<Deed<'_>, Malformed> {
    let line = operation
        .returned
        .map_or(operation.called.line, |returned| returned.line);
    let complain = |what: String| Malformed::new(line, what);
    let result = operation.result.as_ref().unwrap_or(&Value::Null);
    let number = |name: &str, beside: Option<i64>| match result.get(name) {
        Some(Value::Int(number)) => Ok(Some(*number)),
        None | Some(Value::Null) => Ok(beside),
        Some(other) => Err(complain(format!(
            "the {name} is {other}, expected an integer"
        ))),
    };
    let is_read = !matches!(&*operation.f, "set" | "write" | "cas");
    let version = number("version", operation.stamp().version)?.ok_or_else(|| {
        let example = if is_read {
            "{\"data\": 5, \"version\": 3, \"mzxid\": 17}"
        } else {
            "{\"version\": 3, \"zxid\": 17}"
        };
        let f = &operation.f;
        complain(format!(
            "{f:?} succeeded with the value {result}, expected a version, as in {example}"
        ))
    })?;
    let version = u64::try_from(version)
        .ok()
        .filter(|version| *version < HIGHEST)
        .ok_or_else(|| {
            complain(format!(
                "the version is {version}, expected one from 0 to 2^31"
            ))
        })?;
    let stamp = |name: &str, beside: Option<u64>| match result.get(name) {
        Some(value) => zxid(name, value).map_err(complain),
        None => Ok(beside),
    };
    if is_read {
        let is_map = matches!(result, Value::Map(_));
        let plain = if is_map { &Value::Null } else { result };
        let data = result.get("data").unwrap_or(plain);
        let mzxid = stamp("mzxid", operation.stamp().mzxid)?;
        Ok(Deed::Read {
            version,
            data,
            mzxid,
        })
    } else {
        let zxid = stamp("zxid", operation.stamp().zxid)?;
        Ok(Deed::Write { version, zxid })
    }
}

/// ZooKeeper's versions are 32-bit integers.
const HIGHEST: u64 = 1 << 31;

/// What a write was called with, once [`expected`] has found it well-formed.
pub(super) fn argument(operation: &Operation) -> Argument<'_> {
    let data = operation
        .argument
        .get("data")
        .unwrap_or(&operation.argument);
    let expected = operation.argument.get("expect").and_then(Value::as_int);
    let expected = expected.or(operation.stamp().expected);
    Argument {
        data,
        expected: expected.and_then(|expected| u64::try_from(expected).ok()),
    }
}

/// The version that a write expects; none if it takes any.
pub(super) fn expected(operation: &Operation) -> Result<Option<u64>, Malformed> {
    if let Some(expected) = operation.argument.get("expect")
        && expected.as_int().is_none()
    {
        let what = format!("the expected version is {expected}, expected an integer, -1 for any");
        return Err(Malformed::new(operation.called.line, what));
    }
    Ok(argument(operation).expected)
}
