//! Histories that others have recorded: lines of JSON in Jepsen's shape, and EDN as Jepsen writes it.
//!
//! An [`Entry`] is one event of one process. What is read and how strictly:
//!
//! - **Fields**: `process`, `type` (`invoke`, `ok`, `fail`, `info`), `f`, `value`, and where known `key`, `time`, `error`, `expected`,
//!   `version`, `zxid`, `mzxid`; others are passed over. `index` and `time` are for display: **the order of lines is
//!   real-time order**, also where `time` runs backwards.
//! - **Processes** are integers. Lines of anything else (Jepsen's `nemesis`; our own recordings' lines of the type `event`) are
//!   no operations and are passed over.
//! - **Tolerated**: empty lines, a byte order mark, `\r\n`, comments in EDN, an EDN file that is one vector, elements over several lines, a process
//!   that goes on after `info`.
//! - **Refused**, with the number of the line: what is neither JSON nor EDN, a NUL byte, bytes that are no UTF-8, a line that is cut off, a field
//!   twice or of the wrong type, a line or element over [`LONGEST`] bytes.
//!
//! Nothing here opens a file; nothing is collected, so that a history may be longer than memory.

mod edn;
mod line;
mod reader;
mod recorded;
pub mod value;

pub use line::{is_recording, zxid};
pub use reader::Reader;
pub use recorded::as_json;

use std::fmt;
use std::sync::Arc;

use value::Value;

/// The longest line, or element of EDN, that is read.
pub const LONGEST: usize = 1 << 24;

/// What a line tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// An operation begins.
    Invoke,
    /// It took effect.
    Ok,
    /// It did not take effect.
    Fail,
    /// It may have taken effect, or may yet.
    Info,
}

/// One event of one process.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Entry {
    /// Where it stands, from 1.
    pub line: u64,
    /// Whose.
    pub process: i64,
    /// What.
    pub kind: Kind,
    /// The operation's name.
    pub f: Arc<str>,
    /// The object.
    pub key: Value,
    /// Argument or result.
    pub value: Value,
    /// Nanoseconds, for display only.
    pub time: Option<i64>,
    /// The condition was observed not to hold.
    pub mismatch: bool,
    /// What only versioned stores tell.
    pub stamp: Stamp,
}

/// What only versioned stores tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Stamp {
    /// The version that a conditional write expects.
    pub expected: Option<i64>,
    /// The object's version after the operation.
    pub version: Option<i64>,
    /// The operation's own zxid.
    pub zxid: Option<u64>,
    /// The zxid of the write that a read saw.
    pub mzxid: Option<u64>,
}

/// Why a history cannot be read or judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// The line, from 1.
    pub line: u64,
    /// What was found and what was expected.
    pub what: String,
}

impl Malformed {
    /// A complaint about a line.
    pub fn new(line: u64, what: impl Into<String>) -> Self {
        let what = what.into();
        Self { line, what }
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}

impl std::error::Error for Malformed {}

#[cfg(test)]
mod tests;
