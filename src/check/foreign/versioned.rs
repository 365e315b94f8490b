//! Histories that show versions, as those of znodes: one pass with watermarks, nothing searched (checkers.md §3).
//!
//! A write says which version it made, a read which version it saw, so that every operation has a place in its znode's life:
//! version `v` is written at position `2v` and read at `2v + 1`. A history is linearizable iff
//!
//! - no two acknowledged writes made one version, and a conditional write made the one after what it expected,
//! - all who saw a version saw the same data and zxid, and those of its write,
//! - no operation's position is below that of one that returned before it began (a write's: not above),
//! - every version that no acknowledged write made can be given to a write of unknown outcome of its own (`versioned::holes`).
//!
//! A conditional write that failed saw the lowest version, from its watermark on, that is not the one it expected. Zxids make two more
//! claims, which ZooKeeper keeps: on one znode they order writes as versions do, and over all znodes they keep real-time order.
//!
//! O(1) per event beside a lookup of the key; memory for keys, open operations, unknown outcomes, and the versions that an open
//! operation may still return.

mod holes;
mod reading;
mod words;

use std::collections::VecDeque;
use std::rc::Rc;

use self::holes::{Candidate, Hole};
use self::reading::Deed;
use super::collect::{Processes, check_same, not_open, still_open};
use super::intern::Interner;
use super::model::Failures;
use super::story::{Explanation, Operation};
use crate::history::foreign::value::Value;
use crate::history::foreign::{Entry, Kind, Malformed};

/// The monitor of all znodes of a history.
#[derive(Debug, Default)]
pub struct Versioned {
    failures: Failures,
    processes: Processes,
    open: Vec<Option<Open>>,
    free: Vec<u32>,
    names: Interner<Value>,
    keys: Vec<Key>,
    /// The largest zxid of a write that returned.
    zxids: Watermark,
    events: u32,
    operations: u64,
    violation: Option<Explanation>,
}

/// The highest position, or zxid, that somebody has proven by returning.
#[derive(Clone, Debug, Default)]
struct Watermark {
    position: u64,
    by: Option<Rc<Operation>>,
}

impl Watermark {
    fn raise(&mut self, position: u64, operation: &Rc<Operation>) {
        if position > self.position || self.by.is_none() {
            *self = Self {
                position,
                by: Some(Rc::clone(operation)),
            };
        }
    }
}

/// An operation that has not returned.
#[derive(Debug)]
struct Open {
    operation: Rc<Operation>,
    key: u32,
    is_write: bool,
    low: Watermark,
    zxid_low: Watermark,
}

/// One znode.
#[derive(Debug)]
struct Key {
    watermark: Watermark,
    /// The first version in `versions`; those before can no longer be returned.
    base: u64,
    versions: VecDeque<Version>,
    /// Versions below `newest` that no acknowledged write made.
    unexplained: u64,
    open: Vec<u32>,
    open_writes: u64,
    lost: Vec<Candidate>,
    holes: Vec<Hole>,
    /// The zxid of the last version before `base` that has one.
    zxid_before: Option<(u64, Rc<Operation>)>,
    /// When `versions` has grown to this, the old ones go.
    trim_at: usize,
}

/// What is known of a version.
#[derive(Clone, Debug)]
struct Version {
    /// The acknowledged write that made it; none for version 0, which was always there.
    writer: Option<Rc<Operation>>,
    is_explained: bool,
    data: Option<Value>,
    zxid: Option<u64>,
    /// Who told first of it, of its data or its zxid.
    witness: Option<Rc<Operation>>,
}

type Judged = Result<(), Explanation>;

impl Versioned {
    /// A monitor that has seen nothing.
    pub fn new(failures: Failures) -> Self {
        Self {
            failures,
            ..Self::default()
        }
    }

    /// Takes the next event.
    ///
    /// # Errors
    /// If the event is none of a znode, or does not fit its process.
    pub fn take(&mut self, entry: Entry) -> Result<(), Malformed> {
        let at = self.events;
        self.events = self.events.saturating_add(1);
        if entry.kind == Kind::Invoke {
            return self.invoke(entry, at);
        }
        let slot = self
            .processes
            .close(entry.process)
            .ok_or_else(|| not_open(&entry))?;
        let mut open = self.open[slot as usize]
            .take()
            .expect("what a process has open");
        self.free.push(slot);
        let operation = Rc::get_mut(&mut open.operation).expect("shared only once it has returned");
        check_same(&entry, operation.called.line, &operation.f, &operation.key)?;
        operation.end(entry, at);
        let key = &mut self.keys[open.key as usize];
        key.open.retain(|other| *other != slot);
        key.open_writes -= u64::from(open.is_write);
        if self.violation.is_some() {
            return Ok(());
        }
        let judged = self.complete(open)?;
        if let Err(violation) = judged {
            self.violation = Some(violation);
        }
        Ok(())
    }

    /// Operations that said something so far.
    pub fn operations(&self) -> u64 {
        self.operations
    }

    /// How many znodes there are.
    pub fn objects(&self) -> u64 {
        self.keys.len() as u64
    }

    /// The history is over: the contradiction found, if any.
    pub fn finish(mut self) -> Option<Explanation> {
        if self.violation.is_some() {
            return self.violation;
        }
        // Whoever did not return may have made a version, or not.
        for open in std::mem::take(&mut self.open).into_iter().flatten() {
            if open.is_write {
                self.operations += 1;
                let candidate = Candidate::of(&open);
                self.keys[open.key as usize].lost.push(candidate);
            }
        }
        let ends = self.keys.into_iter().filter_map(|key| key.finish().err());
        ends.min_by_key(Explanation::complete_at)
    }

    fn invoke(&mut self, entry: Entry, at: u32) -> Result<(), Malformed> {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.open.push(None);
            u32::try_from(self.open.len() - 1).expect("fewer processes than that")
        });
        if let Some(open) = self.processes.open(entry.process, slot) {
            let open = self.open[open as usize]
                .as_ref()
                .expect("what a process has open");
            return Err(still_open(&entry, open.operation.called.line));
        }
        let is_write = reading::is_write(&entry)?;
        let key = self.names.number_of(&entry.key);
        if key as usize == self.keys.len() {
            self.keys.push(Key::new());
        }
        let znode = &mut self.keys[key as usize];
        znode.open.push(slot);
        znode.open_writes += u64::from(is_write);
        self.open[slot as usize] = Some(Open {
            operation: Rc::new(Operation::begin(entry, at)),
            key,
            is_write,
            low: znode.watermark.clone(),
            zxid_low: self.zxids.clone(),
        });
        Ok(())
    }

    fn complete(&mut self, open: Open) -> Result<Judged, Malformed> {
        let is_observation = match self.failures {
            Failures::ByError => open.operation.mismatch,
            Failures::Ignored => false,
            Failures::Observed => true,
        };
        let key = &mut self.keys[open.key as usize];
        let candidates = key.candidates();
        let judged = match open.operation.outcome {
            Kind::Ok => match reading::deed(&open.operation)? {
                Deed::Read {
                    version,
                    data,
                    mzxid,
                } => key.read(&open, candidates, version, data, mzxid),
                Deed::Write { version, zxid } => {
                    let ordered = self.zxids.order(&open, zxid);
                    ordered.and_then(|()| key.write(&open, candidates, version, zxid))
                }
            },
            Kind::Fail => match reading::expected(&open.operation)? {
                Some(expected) if is_observation => key.refuse(&open, candidates, expected),
                Some(_) | None => {
                    return Ok(key.check_room(&open, candidates, 0));
                }
            },
            Kind::Info | Kind::Invoke => {
                if !open.is_write {
                    return Ok(Ok(()));
                }
                reading::expected(&open.operation)?;
                key.lost.push(Candidate::of(&open));
                Ok(())
            }
        };
        self.operations += 1;
        if key.versions.len() >= key.trim_at && judged.is_ok() {
            return Ok(key.trim(&self.open));
        }
        Ok(judged)
    }
}

impl Watermark {
    /// Zxids keep real-time order; a write that returned before this one began has a smaller one.
    fn order(&mut self, open: &Open, zxid: Option<u64>) -> Judged {
        let Some(zxid) = zxid else { return Ok(()) };
        if let Some(before) = &open.zxid_low.by
            && zxid <= open.zxid_low.position
        {
            return Err(words::zxid_regress(before, &open.operation));
        }
        self.raise(zxid, &open.operation);
        Ok(())
    }
}

impl Version {
    fn unknown(witness: &Rc<Operation>) -> Self {
        Self {
            writer: None,
            is_explained: false,
            data: None,
            zxid: None,
            witness: Some(Rc::clone(witness)),
        }
    }
}

impl Key {
    fn new() -> Self {
        let initial = Version {
            writer: None,
            is_explained: true,
            data: Some(Value::Null),
            zxid: Some(0),
            witness: None,
        };
        Self {
            watermark: Watermark::default(),
            base: 0,
            versions: VecDeque::from([initial]),
            unexplained: 0,
            open: Vec::new(),
            open_writes: 0,
            lost: Vec::new(),
            holes: Vec::new(),
            zxid_before: None,
            trim_at: TRIM,
        }
    }

    /// The highest version anybody has proven.
    fn newest(&self) -> u64 {
        self.base + self.versions.len() as u64 - 1
    }

    /// Writes that may have made a version that nobody acknowledged.
    fn candidates(&self) -> u64 {
        self.lost.len() as u64 + self.open_writes
    }

    /// Every version needs a writer; `more` of them are about to be known without one.
    fn check_room(&self, open: &Open, candidates: u64, more: u64) -> Judged {
        let needed = self.unexplained.saturating_add(more);
        if needed > candidates {
            let witness = self.first_unexplained().unwrap_or(&open.operation);
            return Err(words::too_few(witness, &open.operation, needed, &self.lost));
        }
        Ok(())
    }

    fn first_unexplained(&self) -> Option<&Rc<Operation>> {
        let trimmed = self.holes.first().map(|hole| &hole.witness);
        let kept = || {
            let unexplained = self.versions.iter().find(|version| !version.is_explained);
            unexplained.and_then(|version| version.witness.as_ref())
        };
        trimmed.or_else(kept)
    }

    /// Makes room for a version that an operation proves; whether it acknowledges it decides who else must have a writer.
    fn prove(&mut self, open: &Open, candidates: u64, version: u64, is_ack: bool) -> Judged {
        let newest = self.newest();
        if version > newest {
            let unknown = version - newest - u64::from(is_ack);
            self.check_room(open, candidates, unknown)?;
            self.unexplained += version - newest;
            for _ in newest..version {
                self.versions.push_back(Version::unknown(&open.operation));
            }
        }
        Ok(())
    }

    fn at(&mut self, version: u64) -> &mut Version {
        let index = usize::try_from(version - self.base).expect("memory holds what is kept");
        &mut self.versions[index]
    }

    fn read(
        &mut self,
        open: &Open,
        candidates: u64,
        version: u64,
        data: &Value,
        mzxid: Option<u64>,
    ) -> Judged {
        let position = 2 * version + 1;
        if let Some(before) = &open.low.by
            && position < open.low.position
        {
            return Err(words::stale_read(
                before,
                open.low.position,
                &open.operation,
                version,
            ));
        }
        self.prove(open, candidates, version, false)?;
        self.agree(open, version, Some(data), mzxid)?;
        self.watermark.raise(position, &open.operation);
        Ok(())
    }

    /// What an operation shows of a version is what the others showed.
    fn agree(
        &mut self,
        open: &Open,
        version: u64,
        data: Option<&Value>,
        zxid: Option<u64>,
    ) -> Judged {
        let known = self.at(version);
        if let (Some(known_data), Some(data)) = (&known.data, data)
            && known_data != data
        {
            let other = known.writer.as_ref().or(known.witness.as_ref());
            return Err(words::other_data(other, &open.operation, version));
        }
        if let (Some(known_zxid), Some(zxid)) = (known.zxid, zxid)
            && known_zxid != zxid
        {
            let other = known.writer.as_ref().or(known.witness.as_ref());
            return Err(words::other_zxid(other, &open.operation, version));
        }
        if known.data.is_none() && data.is_some() {
            known.data = data.cloned();
            known.witness = Some(Rc::clone(&open.operation));
        }
        if known.zxid.is_none() {
            known.zxid = zxid;
        }
        Ok(())
    }

    fn write(&mut self, open: &Open, candidates: u64, version: u64, zxid: Option<u64>) -> Judged {
        let operation = &open.operation;
        let argument = reading::argument(operation);
        if let Some(expected) = argument.expected
            && Some(version) != expected.checked_add(1)
        {
            return Err(words::wrong_version(operation, expected, version));
        }
        // Those that cannot be returned any more are below every watermark.
        if let Some(before) = &open.low.by
            && 2 * version <= open.low.position
        {
            let writer = self.writer(version);
            return Err(match writer {
                Some(writer) => words::double_version(writer, operation, version),
                None => words::late_write(before, open.low.position, operation, version),
            });
        }
        self.prove(open, candidates, version, true)?;
        let known = self.at(version);
        if known.is_explained {
            let writer = known.writer.as_ref();
            return Err(match writer {
                Some(writer) => words::double_version(writer, operation, version),
                None => words::version_zero(operation),
            });
        }
        self.agree(open, version, Some(argument.data), zxid)?;
        let known = self.at(version);
        known.is_explained = true;
        known.writer = Some(Rc::clone(operation));
        self.unexplained -= 1;
        self.check_room(open, candidates, 0)?;
        self.watermark.raise(2 * version, operation);
        Ok(())
    }

    fn writer(&self, version: u64) -> Option<&Rc<Operation>> {
        let index = usize::try_from(version.checked_sub(self.base)?).ok()?;
        self.versions.get(index)?.writer.as_ref()
    }

    /// A conditional write that failed saw some version other than the one it expected: the lowest possible one, as nothing
    /// bounds it from above (checkers.md §3.4).
    fn refuse(&mut self, open: &Open, candidates: u64, expected: u64) -> Judged {
        let mut version = open.low.position / 2;
        if version == expected {
            version += 1;
        }
        self.prove(open, candidates, version, false)
            .map_err(|violation| words::refused_wrongly(violation, &open.operation, expected))?;
        self.check_room(open, candidates, 0)?;
        self.watermark.raise(2 * version + 1, &open.operation);
        Ok(())
    }

    /// Drops versions that no operation can return any more.
    fn trim(&mut self, open: &[Option<Open>]) -> Judged {
        let lows = self
            .open
            .iter()
            .filter_map(|slot| open[*slot as usize].as_ref());
        let low = lows.map(|open| open.low.position).min();
        let floor = low.unwrap_or(u64::MAX).min(self.watermark.position) / 2;
        while self.base < floor && self.versions.len() > TRIM / 2 {
            let version = self.versions.pop_front().expect("longer than that");
            self.retire(version)?;
        }
        self.trim_at = TRIM.max(self.versions.len() * 2);
        Ok(())
    }

    /// A version goes; what must still be explained stays.
    fn retire(&mut self, version: Version) -> Judged {
        let number = self.base;
        self.base += 1;
        let teller = version.writer.as_ref().or(version.witness.as_ref());
        if let (Some(zxid), Some(teller)) = (version.zxid, teller) {
            if let Some((before, other)) = &self.zxid_before
                && *before >= zxid
            {
                return Err(words::zxid_order(other, teller));
            }
            self.zxid_before = Some((zxid, Rc::clone(teller)));
        }
        if !version.is_explained {
            self.holes.push(Hole {
                version: number,
                data: version.data,
                witness: version
                    .witness
                    .expect("a version that is known has a witness"),
            });
        }
        Ok(())
    }

    fn finish(mut self) -> Judged {
        for version in std::mem::take(&mut self.versions) {
            self.retire(version)?;
        }
        holes::fill(&self.holes, &self.lost)
    }
}

/// Versions kept of a znode before old ones are dropped: few, so that those of many znodes stay in the processor's cache.
const TRIM: usize = 6;
