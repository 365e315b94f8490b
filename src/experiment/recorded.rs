//! Judges recorded histories as they are read, and finds what else was going on around a contradiction.

use std::io::{self, BufRead, Read};

use crate::check::foreign::model::Options;
use crate::check::foreign::story::{Explanation, Operation};
use crate::check::foreign::{Judge, Judgement, Pairing};
use crate::history::foreign::{Entry, LONGEST, Malformed, Reader};

/// A judgement, and what it took in the units of whoever measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    /// The judgement.
    pub judgement: Judgement,
    /// Reading and parsing.
    pub reading: u64,
    /// Pairing and judging.
    pub judging: u64,
}

/// Why a history could not be judged.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// Its bytes could not be had.
    #[error("{0}")]
    Bytes(#[from] io::Error),
    /// They are no history of the object.
    #[error("{0}")]
    Malformed(#[from] Malformed),
}

/// Lines read at once.
const BATCH: usize = 1_024;

/// Judges the history that a source holds; `clock` tells the time that was spent.
///
/// # Errors
/// If the source fails, or is no history of the object.
pub fn judge(
    source: &mut impl BufRead,
    options: &Options,
    mut clock: impl FnMut() -> u64,
) -> Result<Judged, Unreadable> {
    let mut judge = Judge::new(*options);
    let mut lines = Lines::new(source);
    let mut entries = Vec::new();
    let (mut reading, mut judging) = (0, 0);
    let mut now = clock();
    let mut spend = |spent: &mut u64| {
        let before = std::mem::replace(&mut now, clock());
        *spent += now.saturating_sub(before);
    };
    loop {
        let is_over = !lines.read(&mut entries)?;
        spend(&mut reading);
        for entry in entries.drain(..) {
            judge.take(&entry)?;
        }
        spend(&mut judging);
        if is_over {
            break;
        }
    }
    let judgement = judge.finish()?;
    spend(&mut judging);
    Ok(Judged {
        judgement,
        reading,
        judging,
    })
}

/// Reads a history once more for the operations on the object of an explanation that overlap one of its operations; all of them
/// if the whole is wanted. At most so many are kept; answers how many were left out too.
///
/// # Errors
/// If the source fails, or is no history.
pub fn surroundings(
    source: &mut impl BufRead,
    explanation: &Explanation,
    is_whole: bool,
    limit: usize,
) -> Result<(Vec<Operation>, usize), Unreadable> {
    let mut lines = Lines::new(source);
    let mut entries = Vec::new();
    let mut pairing = Pairing::new();
    let mut kept = Vec::new();
    let mut left_out = 0;
    let mut keep = |operation: Operation| {
        let is_wanted = if is_whole {
            explanation.shares_key(&operation)
        } else {
            explanation.touches(&operation)
        };
        if is_wanted && kept.len() < limit {
            kept.push(operation);
        } else if is_wanted {
            left_out += 1;
        }
    };
    while lines.read(&mut entries)? {
        for entry in entries.drain(..) {
            pairing.take(&entry, &mut keep)?;
        }
    }
    for entry in entries.drain(..) {
        pairing.take(&entry, &mut keep)?;
    }
    pairing.finish(&mut keep);
    kept.sort_by_key(|operation| operation.called.at);
    Ok((kept, left_out))
}

/// Entries from a source of bytes, some lines at a time.
struct Lines<'a, R> {
    source: &'a mut R,
    reader: Reader,
    line: Vec<u8>,
}

impl<'a, R: BufRead> Lines<'a, R> {
    fn new(source: &'a mut R) -> Self {
        Self {
            source,
            reader: Reader::new(),
            line: Vec::new(),
        }
    }

    /// Appends the entries of some lines; answers whether there may be more.
    fn read(&mut self, entries: &mut Vec<Entry>) -> Result<bool, Unreadable> {
        for _ in 0..BATCH {
            self.line.clear();
            // One byte more than may be: the reader complains of a line that is longer.
            let most = LONGEST as u64 + 1;
            let taken = (&mut *self.source)
                .take(most)
                .read_until(b'\n', &mut self.line)?;
            if taken == 0 {
                self.reader.finish()?;
                return Ok(false);
            }
            self.reader.read(&self.line, entries)?;
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::verdict::Verdict;

    const STALE: &str = r#"{"process":0,"type":"invoke","f":"write","value":1}
{"process":0,"type":"ok","f":"write","value":1}
{"process":1,"type":"invoke","f":"write","value":2}
{"process":2,"type":"invoke","f":"read","value":null}
{"process":2,"type":"ok","f":"read","value":2}
{"process":3,"type":"invoke","f":"read","value":null}
{"process":3,"type":"ok","f":"read","value":1}
{"process":1,"type":"ok","f":"write","value":2}
"#;

    #[test]
    fn a_history_is_judged_as_it_is_read_and_the_time_is_told_apart() {
        let mut ticks = 0;
        let clock = || {
            ticks += 10;
            ticks
        };
        let judged = judge(&mut STALE.as_bytes(), &Options::default(), clock).unwrap();
        assert_eq!(judged.judgement.verdict, Verdict::Violated);
        assert_eq!((judged.reading, judged.judging), (10, 20));
    }

    #[test]
    fn what_overlaps_a_contradiction_is_found_again() {
        let judged = judge(&mut STALE.as_bytes(), &Options::default(), || 0).unwrap();
        let explanation = judged.judgement.explanation.unwrap();
        let (all, left_out) = surroundings(&mut STALE.as_bytes(), &explanation, true, 10).unwrap();
        assert_eq!((all.len(), left_out), (4, 0));
        let (some, left_out) = surroundings(&mut STALE.as_bytes(), &explanation, true, 3).unwrap();
        assert_eq!((some.len(), left_out), (3, 1));
    }

    #[test]
    fn a_line_without_end_is_refused_before_it_fills_the_memory() {
        let mut endless = io::repeat(b'x');
        let mut source = io::BufReader::new(&mut endless);
        let error = judge(&mut source, &Options::default(), || 0).unwrap_err();
        assert!(
            error.to_string().starts_with("line 1: the line is longer"),
            "{error}"
        );
    }
}
