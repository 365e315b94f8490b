//! The file format of traces, told in `docs/trace.md`: columns of small integers that compress well (teaching.md §5.2), and
//! its bytes.

use std::collections::BTreeMap;
use std::io::Write as _;

use flate2::{Compression, GzBuilder};
use serde::Serialize;

use super::kinds::Kind;

/// Every text once, by number; 0 is the empty one.
#[derive(Clone, Debug)]
pub struct Strings {
    list: Vec<String>,
    numbers: BTreeMap<String, u32>,
}

impl Default for Strings {
    fn default() -> Self {
        Self {
            list: vec![String::new()],
            numbers: BTreeMap::from([(String::new(), 0)]),
        }
    }
}

impl Strings {
    /// The number of a text.
    pub fn intern(&mut self, text: &str) -> u32 {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        let number = u32::try_from(self.list.len()).expect("a run has fewer texts");
        self.list.push(text.to_owned());
        self.numbers.insert(text.to_owned(), number);
        number
    }

    /// The text of a number.
    pub fn get(&self, number: u32) -> &str {
        let index = usize::try_from(number).expect("numbers are indices");
        &self.list[index]
    }
}

/// Each value against the one before, the first against 0.
pub fn deltas(values: impl Iterator<Item = i64>) -> Vec<i64> {
    let mut before = 0;
    let delta = |value| {
        let delta = value - before;
        before = value;
        delta
    };
    values.map(delta).collect()
}

/// Each value against the one before of the same group, the first of a group against 0.
pub fn deltas_by<K: Ord>(values: impl Iterator<Item = (K, i64)>) -> Vec<i64> {
    let mut before = BTreeMap::new();
    let delta = |(group, value)| value - before.insert(group, value).unwrap_or(0);
    values.map(delta).collect()
}

/// A whole trace as it is written.
#[derive(Debug, Serialize)]
#[expect(missing_docs, reason = "docs/trace.md explains each")]
pub struct Document<'a> {
    pub format: &'static str,
    pub v: u32,
    pub total: usize,
    pub count: usize,
    pub strings: Vec<String>,
    pub nodes: Vec<Node>,
    pub kinds: &'a [Kind],
    pub events: Events,
    pub lost: Lost,
    pub facts: Facts,
    pub txns: Txns,
    pub fields: Vec<Field>,
    pub state: State,
    pub watches: Watches,
    pub operations: Operations,
    pub faults: Vec<Fault>,
    pub checks: Checks,
    pub violations: Vec<ViolationRows>,
}

#[derive(Debug, Serialize)]
#[expect(missing_docs, reason = "docs/trace.md explains each")]
pub struct Node {
    pub name: String,
    pub short: String,
    pub kind: &'static str,
    pub observer: bool,
}

#[derive(Debug, Default, Serialize)]
#[expect(missing_docs, reason = "docs/trace.md explains each")]
pub struct Events {
    pub number: Vec<i64>,
    pub t: Vec<i64>,
    pub kind: Vec<u32>,
    pub node: Vec<u32>,
    pub peer: Vec<u32>,
    pub cause: Vec<i64>,
    pub epoch: Vec<i64>,
    pub counter: Vec<i64>,
    pub text: Vec<u32>,
}

#[derive(Debug, Default, Serialize)]
#[expect(missing_docs, reason = "docs/trace.md explains each")]
pub struct Lost {
    pub row: Vec<i64>,
    pub to: Vec<u32>,
    pub kind: Vec<u32>,
    pub end: Vec<i64>,
    pub epoch: Vec<i64>,
    pub counter: Vec<i64>,
    pub text: Vec<u32>,
}

#[derive(Debug, Default, Serialize)]
#[expect(missing_docs, reason = "docs/trace.md explains each")]
pub struct Facts {
    pub row: Vec<i64>,
    pub node: Vec<u32>,
    pub text: Vec<u32>,
    pub epoch: Vec<i64>,
    pub counter: Vec<i64>,
}

#[derive(Debug, Default, Serialize)]
#[expect(missing_docs, reason = "docs/trace.md explains each")]
pub struct Txns {
    pub parent: Vec<i64>,
    pub epoch: Vec<i64>,
    pub counter: Vec<i64>,
    pub text: Vec<u32>,
    pub changes: Vec<Vec<(u32, u32, i64)>>,
}

#[derive(Debug, Serialize)]
#[expect(missing_docs, reason = "docs/trace.md explains each")]
pub struct Field {
    pub name: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub values: Option<&'static [&'static str]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of: Option<&'static str>,
}

#[derive(Debug, Default, Serialize)]
#[expect(missing_docs, reason = "docs/trace.md explains each")]
pub struct State {
    pub row: Vec<i64>,
    pub node: Vec<u32>,
    pub field: Vec<u32>,
    pub value: Vec<i64>,
}

#[derive(Debug, Default, Serialize)]
#[expect(missing_docs, reason = "docs/trace.md explains each")]
pub struct Watches {
    pub row: Vec<i64>,
    pub node: Vec<u32>,
    pub path: Vec<u32>,
    pub armed: Vec<u32>,
}

#[derive(Debug, Default, Serialize)]
#[expect(missing_docs, reason = "docs/trace.md explains each")]
pub struct Operations {
    pub node: Vec<u32>,
    pub number: Vec<i64>,
    pub invoked: Vec<i64>,
    pub returned: Vec<i64>,
    pub outcome: Vec<u32>,
    pub request: Vec<u32>,
    pub answer: Vec<u32>,
    pub epoch: Vec<i64>,
    pub counter: Vec<i64>,
    pub order: Vec<i64>,
}

#[derive(Debug, Serialize)]
#[expect(missing_docs, reason = "docs/trace.md explains each")]
pub struct Fault {
    pub id: String,
    pub text: String,
    pub kind: &'static str,
    pub nodes: Vec<u32>,
    pub row: i64,
    pub end: i64,
    pub effective: bool,
}

#[derive(Debug, Default, Serialize)]
#[expect(missing_docs, reason = "docs/trace.md explains each")]
pub struct Checks {
    pub row: Vec<i64>,
    pub exercised: Vec<Vec<u64>>,
}

#[derive(Debug, Serialize)]
#[expect(missing_docs, reason = "docs/trace.md explains each")]
pub struct ViolationRows {
    pub index: usize,
    pub row: i64,
    pub story: Vec<i64>,
}

impl Document<'_> {
    /// The document as gzip: the same bytes from the same run.
    pub fn bytes(&self) -> Vec<u8> {
        let json = serde_json::to_vec(self).expect("columns are JSON");
        let mut gzip = GzBuilder::new()
            .mtime(0)
            .write(Vec::new(), Compression::new(6));
        gzip.write_all(&json).expect("memory takes all");
        gzip.finish().expect("memory takes all")
    }
}

/// Keeps of the strings what is used, in the order of first use.
#[derive(Debug)]
pub struct Kept<'a> {
    from: &'a Strings,
    numbers: BTreeMap<u32, u32>,
    list: Vec<String>,
}

impl<'a> Kept<'a> {
    /// Nothing is used yet but the empty text.
    pub fn new(from: &'a Strings) -> Self {
        Self {
            from,
            numbers: BTreeMap::from([(0, 0)]),
            list: vec![String::new()],
        }
    }

    /// The new number of a text.
    pub fn number(&mut self, old: u32) -> u32 {
        let next = u32::try_from(self.list.len()).expect("a run has fewer texts");
        let number = *self.numbers.entry(old).or_insert(next);
        if number == next {
            self.list.push(self.from.get(old).to_owned());
        }
        number
    }

    /// The texts used.
    pub fn list(self) -> Vec<String> {
        self.list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_has_one_number_and_only_used_ones_are_written() {
        let mut strings = Strings::default();
        let numbers = ["", "a", "b", "a"].map(|text| strings.intern(text));
        assert_eq!(numbers, [0, 1, 2, 1]);
        let mut kept = Kept::new(&strings);
        assert_eq!([2, 0, 2].map(|old| kept.number(old)), [1, 0, 1]);
        assert_eq!(kept.list(), ["", "b"]);
    }

    #[test]
    fn deltas_add_up_to_the_values() {
        assert_eq!(deltas([3, 3, 10, 4].into_iter()), [3, 0, 7, -6]);
        let values = [('a', 3), ('b', 8), ('a', 4), ('b', 8)];
        assert_eq!(deltas_by(values.into_iter()), [3, 8, 1, 0]);
    }
}
