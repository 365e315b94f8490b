//! A campaign: seeds of scenarios, split into shards, kept as journal lines, and summed up to the same result however it
//! was played: with any number of jobs, in one go or in pieces, on one machine or on many.
//!
//! Runs are numbered by their place: scenario after scenario, seed after seed. Lines are counted in that order, so that
//! "stop at the first failure" means the same failure every time.

mod tally;

use std::collections::BTreeMap;
use std::fmt;
use std::hash::Hash;
use std::ops::Range;

use serde::{Deserialize, Serialize};

pub use self::tally::{Group, PropertyTally, SituationTally, Tally};
use super::counters::Counters;
use super::scenario::Scenario;
use super::situations::Situation;
use super::sweep::{Fate, Played};
use crate::base::digest::Digest;
use crate::check::verdict::{Property, Verdict};

/// One of the equal parts of a campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shard {
    /// Which, from 1.
    pub index: u64,
    /// Of how many.
    pub of: u64,
}

impl Shard {
    /// The whole.
    pub const WHOLE: Self = Self { index: 1, of: 1 };

    /// The most parts a campaign is split into.
    pub const MOST: u64 = 1_000_000;

    /// Reads `2/8`.
    ///
    /// # Errors
    /// What was expected.
    pub fn parse(text: &str) -> Result<Self, String> {
        let parts = text.split_once('/').and_then(|(index, of)| {
            Some(Self {
                index: index.trim().parse().ok()?,
                of: of.trim().parse().ok()?,
            })
        });
        match parts {
            Some(shard) if shard.of > Self::MOST => {
                Err(format!("expected at most {} parts", Self::MOST))
            }
            Some(shard) if (1..=shard.of).contains(&shard.index) => Ok(shard),
            Some(_) => Err("expected 1/n to n/n".to_owned()),
            None => Err("expected two whole numbers like 2/8".to_owned()),
        }
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.of)
    }
}

/// What is to be played.
#[derive(Clone, Debug)]
pub struct Campaign {
    /// The scenarios.
    pub scenarios: Vec<Scenario>,
    /// The seeds of each.
    pub seeds: Range<u64>,
    /// The part of the seeds that is played here: every `of`th.
    pub shard: Shard,
}

impl Campaign {
    /// The bound of the numbers of seeds: places and sums stay far from any overflow.
    pub const MOST_SEEDS: u64 = 1_000_000_000_000;

    /// Seeds of one scenario in this shard.
    fn seeds_each(&self) -> u64 {
        let all = self.seeds.end - self.seeds.start;
        (all + self.shard.of - self.shard.index) / self.shard.of
    }

    /// How many runs there are.
    pub fn runs(&self) -> u64 {
        self.seeds_each() * self.scenarios.len() as u64
    }

    /// The scenario and the seed of a run.
    ///
    /// # Panics
    /// If there is no such place.
    pub fn run_at(&self, place: u64) -> (usize, u64) {
        assert!(place < self.runs(), "no run {place}");
        let each = self.seeds_each();
        let scenario = usize::try_from(place / each).expect("below the number of scenarios");
        let seed = self.seeds.start + self.shard.index - 1 + place % each * self.shard.of;
        (scenario, seed)
    }

    /// The place of a run, if it is one of these.
    pub fn place_of(&self, scenario: usize, seed: u64) -> Option<u64> {
        let offset = seed.checked_sub(self.seeds.start + self.shard.index - 1)?;
        let is_ours = scenario < self.scenarios.len()
            && self.seeds.contains(&seed)
            && offset.is_multiple_of(self.shard.of);
        is_ours.then(|| scenario as u64 * self.seeds_each() + offset / self.shard.of)
    }

    /// What identifies the campaign in a journal.
    pub fn header(&self) -> Header {
        let scenario = |scenario: &Scenario| ScenarioId {
            name: scenario.name.clone(),
            digest: format!("{:016x}", Digest::of(&scenario.to_string())),
        };
        Header {
            journal: JOURNAL,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            columns: columns(),
            scenarios: self.scenarios.iter().map(scenario).collect(),
            seeds: (self.seeds.start, self.seeds.end),
            shard: self.shard,
        }
    }
}

/// The version of the journal's format.
const JOURNAL: u32 = 1;

/// The first line of a journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// The format.
    pub journal: u32,
    /// The version of the program that plays.
    pub version: String,
    /// A digest of what the numbers in lines mean.
    pub columns: String,
    /// What is played.
    pub scenarios: Vec<ScenarioId>,
    /// From the first seed, up to the second.
    pub seeds: (u64, u64),
    /// Which part of it.
    pub shard: Shard,
}

/// A scenario by name and content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScenarioId {
    /// Its name.
    pub name: String,
    /// The digest of its text.
    pub digest: String,
}

impl Header {
    /// Whether this program wrote it, so that the numbers in lines mean what they mean here.
    fn is_ours(&self) -> bool {
        self.journal == JOURNAL
            && self.version == env!("CARGO_PKG_VERSION")
            && self.columns == columns()
    }

    /// Whether a run belongs to the campaign, in whichever shard.
    fn has(&self, line: &Line) -> bool {
        line.scenario < self.scenarios.len() && (self.seeds.0..self.seeds.1).contains(&line.seed)
    }

    /// How many runs the campaign has, in all shards.
    pub fn runs(&self) -> u64 {
        let each = self.seeds.1.saturating_sub(self.seeds.0);
        each.saturating_mul(self.scenarios.len() as u64)
    }

    /// In what another campaign differs, the shard aside.
    pub fn difference(&self, other: &Self) -> Option<&'static str> {
        if self.journal != other.journal
            || self.version != other.version
            || self.columns != other.columns
        {
            Some("the program's version")
        } else if self.scenarios != other.scenarios {
            Some("the scenarios")
        } else if self.seeds != other.seeds {
            Some("the seeds")
        } else {
            None
        }
    }
}

/// Identifies the meaning of `exercised`, `counters` and `reached` in lines.
fn columns() -> String {
    let mut digest: Digest = Digest::default();
    let properties = Property::ALL.into_iter().map(Property::name);
    let rows = Counters::default().rows();
    let situations = Situation::ALL.iter().map(|situation| situation.name());
    for name in properties.chain(rows.map(|row| row.0)).chain(situations) {
        name.hash(&mut digest);
    }
    format!("{digest}")
}

/// What is kept of one run: one line of the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// Index of the scenario.
    pub scenario: usize,
    /// The seed.
    pub seed: u64,
    /// `holds`, `violated`, `undecided` or `excused`.
    pub verdict: String,
    /// Digest of the run; none if it did not come to an end.
    pub digest: Option<String>,
    /// Events played.
    pub events: u64,
    /// Virtual time.
    pub virtual_ms: u64,
    /// Judgements per property.
    pub exercised: Vec<u64>,
    /// Violated properties, by index.
    pub violated: Vec<usize>,
    /// Counts, as in [`Counters::rows`].
    pub counters: Vec<u64>,
    /// Counts of situations.
    pub reached: Vec<u64>,
    /// Why it counts as a failure, if it does.
    pub failure: Option<Failed>,
}

/// A run that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Failed {
    /// The property, or `panic`, `determinism`, `event-budget`.
    pub property: String,
    /// The kind of failure, free of ids and times.
    pub signature: String,
    /// Faults in its plan.
    pub faults: usize,
    /// The file it was saved in, relative to the campaign's folder.
    pub file: Option<String>,
    /// What a panic or a divergence said.
    pub message: Option<String>,
}

impl Line {
    /// What is kept of a run that was played; `file` is where its failure was saved.
    pub fn of(scenario: usize, played: &Played, file: Option<String>) -> Self {
        let failure = played.failure().map(|property| Failed {
            property: property.to_owned(),
            signature: played.signature().to_owned(),
            faults: played.scenario.plan.len(),
            file,
            message: played.message(),
        });
        let mut line = Self {
            scenario,
            seed: played.seed,
            verdict: match played.verdict() {
                Verdict::Holds | Verdict::Vacuous => Verdict::Holds.name().to_owned(),
                verdict @ (Verdict::Violated | Verdict::Undecided | Verdict::Excused) => {
                    verdict.name().to_owned()
                }
            },
            digest: None,
            events: 0,
            virtual_ms: 0,
            exercised: Vec::new(),
            violated: Vec::new(),
            counters: Vec::new(),
            reached: Vec::new(),
            failure,
        };
        if let Fate::Judged(outcome) = &played.fate {
            line.digest = Some(format!("{:016x}", outcome.digest));
            line.events = outcome.events;
            line.virtual_ms = outcome.virtual_time.as_ms();
            line.exercised = vec![0; Property::ALL.len()];
            for judged in &outcome.properties {
                let index = judged.property as usize;
                line.exercised[index] = judged.exercised;
                if judged.verdict == Verdict::Violated {
                    line.violated.push(index);
                }
            }
            line.counters = outcome.counters.rows().iter().map(|row| row.1).collect();
            line.reached = outcome.reached.rows().map(|row| row.1).collect();
        }
        line
    }

    /// Whether its numbers can be those of a run.
    fn is_sound(&self) -> bool {
        let is_empty_or = |list: &[u64], len: usize| list.is_empty() || list.len() == len;
        ["holds", "violated", "undecided", "excused"].contains(&self.verdict.as_str())
            && is_empty_or(&self.exercised, Property::ALL.len())
            && is_empty_or(&self.counters, Counters::default().rows().len())
            && is_empty_or(&self.reached, Situation::COUNT)
            && self
                .violated
                .iter()
                .all(|index| *index < Property::ALL.len())
    }
}

/// Counts lines in the order of their places.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    /// The first place that has not been counted.
    next: u64,
    waiting: BTreeMap<u64, Line>,
    tally: Tally,
    max_failures: Option<u64>,
}

impl Ledger {
    /// Nothing was counted; after so many failures nothing more is.
    pub fn new(max_failures: Option<u64>) -> Self {
        Self {
            max_failures,
            ..Self::default()
        }
    }

    /// Takes a line; it is counted when all before it are.
    pub fn take(&mut self, place: u64, line: Line) {
        self.waiting.insert(place, line);
        while !self.is_closed()
            && let Some(line) = self.waiting.remove(&self.next)
        {
            self.tally.add(&line);
            self.next += 1;
        }
    }

    /// Whether enough failures were counted.
    pub fn is_closed(&self) -> bool {
        self.max_failures
            .is_some_and(|most| self.tally.failures.len() as u64 >= most)
    }

    /// Which runs were taken so far.
    pub fn taken(&self) -> Taken {
        Taken {
            below: self.next,
            others: self.waiting.keys().copied().collect(),
        }
    }

    /// What was counted, and what waits.
    pub fn so_far(&self) -> (&Tally, usize) {
        (&self.tally, self.waiting.len())
    }

    /// The end: what waits behind a run that was never played counts too, unless enough failures were counted.
    pub fn close(mut self) -> Tally {
        while !self.is_closed()
            && let Some((_, line)) = self.waiting.pop_first()
        {
            self.tally.add(&line);
        }
        self.tally
    }
}

/// Runs, by place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// All below this.
    below: u64,
    /// And these, in order.
    others: Vec<u64>,
}

impl Taken {
    /// Whether it holds a run.
    pub fn has(&self, place: u64) -> bool {
        place < self.below || self.others.binary_search(&place).is_ok()
    }

    /// How many runs it holds.
    pub fn count(&self) -> u64 {
        self.below + self.others.len() as u64
    }
}

/// Why a journal cannot be gone on with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JournalError {
    /// Its first line is no header.
    #[error(
        "line 1 is no header of a journal; expected a folder that `zablab sweep --out` made, or an empty one"
    )]
    NoHeader,
    /// Another program wrote it.
    #[error(
        "the journal was written by another version of this program; play the campaign again, or sum it up with that version"
    )]
    OtherVersion,
    /// It belongs to something else.
    #[error(
        "the journal is of another campaign: {0} differ; give another --out, or remove the folder"
    )]
    OtherCampaign(&'static str),
    /// It belongs to another part.
    #[error("the journal is of shard {0}; give each shard a folder of its own")]
    OtherShard(Shard),
    /// A line, not the last, cannot be read.
    #[error("line {0} of the journal is damaged; remove the folder to play the campaign again")]
    Damaged(usize),
    /// A line is of a run that is not in the campaign.
    #[error(
        "line {0} of the journal is of no run of this campaign; remove the folder to play the campaign again"
    )]
    Stranger(usize),
}

/// What a journal holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Journal {
    /// The campaign.
    pub header: Header,
    /// The runs that were played.
    pub lines: Vec<Line>,
    /// How many bytes are whole lines; a torn last line lies behind them.
    pub whole: usize,
}

impl Journal {
    /// The lines, if each is of a run of the campaign that the header names, and means here what it meant there.
    ///
    /// # Errors
    /// If not.
    pub fn into_lines(self) -> Result<Vec<Line>, JournalError> {
        if !self.header.is_ours() {
            return Err(JournalError::OtherVersion);
        }
        match self.lines.iter().position(|line| !self.header.has(line)) {
            Some(index) => Err(JournalError::Stranger(index + 2)),
            None => Ok(self.lines),
        }
    }

    /// Reads a journal. A last line without its end is what a killed sweep leaves: it is passed over.
    ///
    /// # Errors
    /// The first line that is wrong.
    pub fn read(text: &[u8]) -> Result<Option<Self>, JournalError> {
        let whole = text
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |end| end + 1);
        let mut lines = text[..whole].split_inclusive(|byte| *byte == b'\n');
        let Some(first) = lines.next() else {
            return Ok(None);
        };
        let header: Header = serde_json::from_slice(first).map_err(|_| JournalError::NoHeader)?;
        let mut runs = Vec::new();
        for (index, line) in lines.enumerate() {
            let line: Option<Line> = serde_json::from_slice(line).ok();
            match line.filter(|line| header.columns != columns() || line.is_sound()) {
                Some(line) => runs.push(line),
                None => return Err(JournalError::Damaged(index + 2)),
            }
        }
        Ok(Some(Self {
            header,
            lines: runs,
            whole,
        }))
    }

    /// Hands the runs over to a ledger of the same campaign.
    ///
    /// # Errors
    /// If the journal is of something else.
    pub fn resume(self, campaign: &Campaign, ledger: &mut Ledger) -> Result<u64, JournalError> {
        let header = campaign.header();
        if let Some(what) = self.header.difference(&header) {
            return Err(JournalError::OtherCampaign(what));
        }
        if self.header.shard != header.shard {
            return Err(JournalError::OtherShard(self.header.shard));
        }
        let mut resumed = 0;
        for (index, line) in self.lines.into_iter().enumerate() {
            let place = campaign
                .place_of(line.scenario, line.seed)
                .ok_or(JournalError::Stranger(index + 2))?;
            resumed += 1;
            ledger.take(place, line);
        }
        Ok(resumed)
    }
}

#[cfg(test)]
mod tests;
