//! Judges recorded histories as they are read, and finds what else was going on around a contradiction.

use std::io::{self, BufRead, Read};

use super::outcome::{self, Outcome};
use crate::check::claims::Staleness;
use crate::check::foreign::model::{Model, Options};
use crate::check::foreign::recording::{JUDGED, Recording, Told};
use crate::check::foreign::story::{Explanation, Operation};
use crate::check::foreign::{Judge, Judgement, Pairing};
use crate::check::verdict::{Note, Property, Sight};
use crate::history::foreign::{Entry, LONGEST, Malformed, Reader, as_json, is_recording};

/// A judgement, and what it took in the units of whoever measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    /// The judgement.
    pub judgement: Judgement,
    /// Reading and parsing.
    pub reading: u64,
    /// Pairing and judging.
    pub judging: u64,
    /// The lines that the explanation of one of our own recordings tells of.
    pub lines: Vec<u64>,
    /// What is told of one of our own recordings beside that.
    pub ours: Option<Ours>,
}

/// What one of our own recordings shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ours {
    /// The property that the explanation is about.
    pub broken: Option<Property>,
    /// The judgement per property.
    pub properties: Vec<outcome::Judged>,
    /// What ZooKeeper allows by design and its users may not expect.
    pub notes: Vec<Note>,
    /// How stale reads were.
    pub staleness: Staleness,
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
    let is_ours = matches!(options.model, None | Some(Model::Znode)) && begins_ours(source)?;
    if is_ours {
        return judge_ours(source, clock);
    }
    let mut judge = Judge::new(*options);
    let mut lines = Lines::new(source);
    let mut entries = Vec::new();
    let mut is_empty = true;
    let (mut reading, mut judging) = (0, 0);
    let mut now = clock();
    let mut spend = |spent: &mut u64| {
        let before = std::mem::replace(&mut now, clock());
        *spent += now.saturating_sub(before);
    };
    loop {
        let is_over = !lines.read(&mut entries)?;
        spend(&mut reading);
        is_empty &= entries.is_empty();
        for entry in entries.drain(..) {
            judge.take(entry)?;
        }
        spend(&mut judging);
        if is_over {
            break;
        }
    }
    if is_empty {
        // "Holds" would praise a recorder that recorded nothing.
        return Err(Malformed::new(1, "the history has no event; expected at least one").into());
    }
    let judgement = judge.finish()?;
    spend(&mut judging);
    Ok(Judged {
        judgement,
        reading,
        judging,
        lines: Vec::new(),
        ours: None,
    })
}

/// Whether the source is one of our own recordings, by its first line; nothing is taken.
fn begins_ours(source: &mut impl BufRead) -> Result<bool, Unreadable> {
    let begin = source.fill_buf()?;
    let end = begin
        .iter()
        .position(|byte| *byte == b'\n')
        .unwrap_or(begin.len());
    Ok(std::str::from_utf8(&begin[..end]).is_ok_and(is_recording))
}

/// Judges one of our own recordings; its lines are parsed where they are judged, so that all time goes there.
fn judge_ours(
    source: &mut impl BufRead,
    mut clock: impl FnMut() -> u64,
) -> Result<Judged, Unreadable> {
    let start = clock();
    let mut recording = Recording::new();
    let mut line = Vec::new();
    let mut number = 0;
    loop {
        line.clear();
        number += 1;
        let most = LONGEST as u64 + 1;
        if (&mut *source).take(most).read_until(b'\n', &mut line)? == 0 {
            break;
        }
        if line.len() > LONGEST {
            let what = format!("the line is longer than {LONGEST} bytes");
            return Err(Malformed::new(number, what).into());
        }
        let text = std::str::from_utf8(&line);
        let text = text.map_err(|_| Malformed::new(number, "the line is no UTF-8"))?;
        recording.take(&as_json(number, text)?)?;
    }
    let Told {
        judgement,
        lines,
        broken,
        staleness,
        findings,
    } = recording.finish();
    let judging = clock().saturating_sub(start);
    let (mut properties, _) = Outcome::judge(&findings, &JUDGED);
    for judged in &mut properties {
        judged.sight = judged.sight.map(Sight::recorded);
    }
    let notes = Outcome::notes(&findings, &JUDGED);
    Ok(Judged {
        judgement,
        reading: 0,
        judging,
        lines,
        ours: Some(Ours {
            broken,
            properties,
            notes,
            staleness,
        }),
    })
}

/// Reads a history once more for the operations that begin or end in some lines.
///
/// # Errors
/// If the source fails, or is no history.
pub fn operations_of(
    source: &mut impl BufRead,
    wanted: &[u64],
) -> Result<Vec<Operation>, Unreadable> {
    let is_wanted = |operation: &Operation| {
        let end = operation.returned.map(|returned| returned.line);
        wanted.contains(&operation.called.line) || end.is_some_and(|end| wanted.contains(&end))
    };
    let mut found = Vec::new();
    pair(source, |operation| {
        if is_wanted(&operation) {
            found.push(operation);
        }
    })?;
    found.sort_by_key(|operation| operation.called.at);
    Ok(found)
}

/// Reads a history and hands over its operations as they end, then those that do not.
fn pair(source: &mut impl BufRead, mut keep: impl FnMut(Operation)) -> Result<(), Unreadable> {
    let mut lines = Lines::new(source);
    let mut entries = Vec::new();
    let mut pairing = Pairing::new();
    let mut has_more = true;
    while has_more {
        has_more = lines.read(&mut entries)?;
        for entry in entries.drain(..) {
            pairing.take(entry, &mut keep)?;
        }
    }
    pairing.finish(&mut keep);
    Ok(())
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
    let mut kept = Vec::new();
    let mut left_out = 0;
    pair(source, |operation| {
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
    })?;
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
