//! One node's disk: a log with a forced prefix, snapshots and small files; what is buffered, what is on the platter and
//! what a crash makes of the difference (zab.md §7.5, §16 K1/K4/K5/K9).
//!
//! ```text
//!   log   ├──── forced ────┼── cached (kernel) ──┼── buffered (process) ──┤
//!         a power loss keeps the first part and a drawn prefix of the rest; a kill the first two and a drawn prefix
//! ```
//! `Sync`, `Store` and `Install` run one after the other; background snapshots have a lane of their own.

use std::collections::VecDeque;

use imbl::Vector;

use super::agenda::{Agenda, Event, Lane};
use super::draws::{DiskOp, Site};
use super::fault::{Rot, Trouble, Unsynced};
use super::law::Tally;
use super::process::{FILES, File, Input, Install, Protocol, Recovered};
use super::queue::Class;
use super::setup::DiskProfile;
use crate::base::id::NodeId;
use crate::base::ratio::Ratio;
use crate::base::rng::{Domain, Draw, Key, Seed};
use crate::base::time::Span;
use damage::Troubles;

const HALF: Ratio = Ratio::new(1, 2);

/// How many unforced snapshots are kept besides the last forced one.
const LOOSE_SNAPSHOTS: usize = 2;

/// A node's disk.
#[derive(Clone, Debug)]
pub(super) struct Disk<W: Protocol> {
    node: NodeId,
    profile: DiskProfile,
    latency: Key,
    fate: Key,
    /// The log as a read would show it.
    log: Vector<W::Record>,
    /// How many of its records are on the platter.
    forced: usize,
    /// How many of them a process's death cannot take.
    cached: usize,
    /// The platter's log where an unforced truncation has not reached it.
    untruncated: Option<Vector<W::Record>>,
    /// Oldest first; at most one forced, and that is the first.
    snapshots: VecDeque<Snapshot<W::Image>>,
    files: [Option<u64>; FILES],
    /// Whether the last crash left a torn end.
    torn: bool,
    /// Records appended in this life since its last `Install`.
    appended: u64,
    lane: VecDeque<Job<W>>,
    writing: VecDeque<W::Image>,
    /// Number of the operation under way, per lane; what else is done is stale.
    tickets: [u64; 2],
    tallies: [Tally; 5],
    slow: Vec<(u32, Span)>,
    trouble: Troubles,
    /// How many records the process was told are forced, where forces do not happen.
    claimed: usize,
    /// Whether the log begins where a switch has put it; else it is the whole history.
    switched: bool,
    rotten: Vec<Rot>,
}

#[derive(Clone, Debug)]
struct Snapshot<I> {
    image: I,
    forced: bool,
}

/// An operation of the ordered lane.
#[derive(Clone, Debug)]
enum Job<W: Protocol> {
    Sync {
        upto: u64,
        /// Length of the log it forces.
        len: usize,
        /// Whether it also forces every truncation so far.
        truncations: bool,
    },
    Store {
        file: File,
        value: u64,
    },
    Install {
        image: W::Image,
        /// The new log, with what was appended to it since.
        log: Vector<W::Record>,
        /// How much of it the switch itself writes.
        forced: usize,
        files: Vec<(File, u64)>,
    },
}

impl<W: Protocol> Disk<W> {
    /// An empty disk.
    pub(super) fn new(node: NodeId, profile: DiskProfile, seed: Seed) -> Self {
        Self {
            node,
            profile,
            latency: Key::derive(seed, Domain::DiskLatency),
            fate: Key::derive(seed, Domain::CrashSubset),
            log: Vector::new(),
            forced: 0,
            cached: 0,
            untruncated: None,
            snapshots: VecDeque::new(),
            files: [None; FILES],
            torn: false,
            appended: 0,
            lane: VecDeque::new(),
            writing: VecDeque::new(),
            tickets: [0; 2],
            tallies: [Tally::default(); 5],
            slow: Vec::new(),
            trouble: Troubles::new(&profile, node, seed),
            claimed: 0,
            switched: false,
            rotten: Vec::new(),
        }
    }

    /// From now on everything is drawn under another seed.
    pub(super) fn rekey(&mut self, seed: Seed) {
        self.latency = Key::derive(seed, Domain::DiskLatency);
        self.fate = Key::derive(seed, Domain::CrashSubset);
    }

    /// What a new life reads.
    pub(super) fn recover(&mut self) -> Recovered<W> {
        debug_assert!(self.lane.is_empty(), "a crash leaves no operation");
        self.appended = 0;
        let corrupt = self.read_rotten();
        let image = self.snapshots.back();
        Recovered {
            image: image.map(|snapshot| snapshot.image.clone()),
            log: self.log.clone(),
            forced: self.forced == self.log.len()
                && self.untruncated.is_none()
                && image.is_none_or(|snapshot| snapshot.forced),
            torn: std::mem::take(&mut self.torn),
            files: self.files,
            corrupt,
        }
    }

    /// The log as a read would show it, and how much of it is on the platter.
    pub(super) fn log(&self) -> (&Vector<W::Record>, u64) {
        (&self.log, self.forced as u64)
    }

    /// Appends to the log, or to the one that a pending switch will bring.
    #[inline]
    pub(super) fn append(&mut self, record: W::Record) {
        self.appended += 1;
        self.trouble.take_room(W::record_size(&record));
        for job in self.lane.iter_mut().rev() {
            if let Job::Install { log, .. } = job {
                log.push_back(record);
                return;
            }
        }
        self.log.push_back(record);
    }

    /// Cuts the log, unforced.
    pub(super) fn truncate(&mut self, keep: u64) {
        let keep = usize::try_from(keep).unwrap_or(usize::MAX);
        for job in self.lane.iter_mut().rev() {
            match job {
                Job::Sync {
                    len, truncations, ..
                } => {
                    *len = keep.min(*len);
                    *truncations = false;
                }
                Job::Store { .. } => {}
                Job::Install { log, forced, .. } => {
                    log.truncate(keep.min(log.len()));
                    *forced = keep.min(*forced);
                    return;
                }
            }
        }
        if keep < self.forced && self.untruncated.is_none() {
            let mut platter = self.log.clone();
            platter.truncate(self.forced);
            self.untruncated = Some(platter);
        }
        self.log.truncate(keep.min(self.log.len()));
        self.forced = keep.min(self.forced);
        self.cached = keep.min(self.cached);
        self.claimed = keep.min(self.claimed);
    }

    /// Starts to force what has been appended and cut so far.
    pub(super) fn sync(&mut self, agenda: &mut Agenda<W>) {
        let installed = self.lane.iter().rev().find_map(|job| match job {
            Job::Install { log, .. } => Some(log.len()),
            Job::Sync { .. } | Job::Store { .. } => None,
        });
        let job = Job::Sync {
            upto: self.appended,
            len: installed.unwrap_or(self.log.len()),
            truncations: true,
        };
        self.queue(agenda, job);
    }

    /// Starts to replace a small file.
    pub(super) fn store(&mut self, agenda: &mut Agenda<W>, file: File, value: u64) {
        self.queue(agenda, Job::Store { file, value });
    }

    /// Starts the switch to a new snapshot and log; background snapshots of the old state are given up.
    pub(super) fn install(
        &mut self,
        agenda: &mut Agenda<W>,
        Install { image, log, files }: Install<W>,
    ) {
        self.appended = 0;
        self.writing.clear();
        self.tickets[Lane::Background as usize] += 1;
        let log: Vector<W::Record> = log.into_iter().collect();
        let forced = log.len();
        let job = Job::Install {
            image,
            log,
            forced,
            files,
        };
        self.queue(agenda, job);
    }

    /// Starts a background snapshot, behind the pending switch it belongs to.
    pub(super) fn snapshot(&mut self, agenda: &mut Agenda<W>, image: W::Image) {
        self.writing.push_back(image);
        if self.writing.len() == 1 && !self.is_switching() {
            self.start(agenda, Lane::Background);
        }
    }

    /// Whether an operation is the one under way.
    pub(super) fn is_current(&self, lane: Lane, ticket: u64) -> bool {
        self.tickets[lane as usize] == ticket
    }

    /// The operation under way is done, or has failed; what the process is told, unless the disk stalls.
    pub(super) fn finish(&mut self, agenda: &mut Agenda<W>, lane: Lane) -> Option<Input<W>> {
        if self.trouble.is_stalled(lane) {
            return None;
        }
        let is_sync = lane == Lane::Ordered && matches!(self.lane.front(), Some(Job::Sync { .. }));
        if let Some(why) = self.trouble.failure(is_sync, agenda.bucket()) {
            self.give_up(agenda, lane);
            return Some(Input::WriteFailed { why });
        }
        Some(self.complete(agenda, lane))
    }

    /// An operation has failed: it is forgotten.
    fn give_up(&mut self, agenda: &mut Agenda<W>, lane: Lane) {
        let is_idle = match lane {
            Lane::Background => {
                self.writing.pop_front();
                self.writing.is_empty()
            }
            Lane::Ordered => {
                self.lane.pop_front();
                self.lane.is_empty()
            }
        };
        if !is_idle {
            self.start(agenda, lane);
        }
    }

    fn complete(&mut self, agenda: &mut Agenda<W>, lane: Lane) -> Input<W> {
        match lane {
            Lane::Background => {
                let image = self.writing.pop_front().expect("a snapshot is under way");
                self.keep_snapshot(image);
                if !self.writing.is_empty() {
                    self.start(agenda, Lane::Background);
                }
                Input::Snapshotted
            }
            Lane::Ordered => {
                let job = self.lane.pop_front().expect("an operation is under way");
                let was_switch = matches!(job, Job::Install { .. });
                let input = self.perform(job);
                if !self.lane.is_empty() {
                    self.start(agenda, Lane::Ordered);
                }
                if was_switch && !self.writing.is_empty() && !self.is_switching() {
                    self.start(agenda, Lane::Background);
                }
                input
            }
        }
    }

    /// Makes every operation slower, or takes that back.
    pub(super) fn slow_down(&mut self, factor: u32, extra: Span, on: bool) {
        if on {
            self.slow.push((factor, extra));
        } else if let Some(place) = self.slow.iter().position(|slow| *slow == (factor, extra)) {
            self.slow.remove(place);
        }
    }

    /// Something goes wrong, or is well again.
    pub(super) fn trouble(&mut self, agenda: &mut Agenda<W>, trouble: Trouble, on: bool) {
        for lane in self.trouble.turn(trouble, on) {
            let about = (u64::from(self.node.0), 5);
            let event = Event::Disk {
                node: self.node,
                lane,
                ticket: self.tickets[lane as usize],
            };
            agenda.push_in(Span::ZERO, Class::Disk, about, event);
        }
    }

    /// Nothing fails any more by the profile.
    pub(super) fn calm(&mut self) {
        self.profile.calm();
        self.trouble.calm();
    }

    /// The process or the machine stops; returns how many records are lost.
    pub(super) fn crash(&mut self, how: Unsynced, bucket: u64) -> u64 {
        let nth = self.tallies[4].count(bucket);
        let draw = self.fate.draw(u64::from(self.node.0), 0, bucket, nth);
        let happened = match how {
            Unsynced::Kill
            | Unsynced::PowerDrawn
            | Unsynced::PowerTorn
            | Unsynced::PowerReordered => draw.chance(HALF),
            Unsynced::PowerLost => false,
            Unsynced::PowerKept => true,
        };
        if happened && let Some(job) = self.lane.pop_front() {
            self.perform(job);
        }
        let never_switched = self.buffered_in_switch();
        self.lane.clear();
        self.writing.clear();
        self.tickets[0] += 1;
        self.tickets[1] += 1;
        self.trouble.forget();
        self.torn = false;
        let draw = draw.again();
        let lost = match how {
            Unsynced::Kill => self.lose_buffers(draw),
            Unsynced::PowerDrawn
            | Unsynced::PowerLost
            | Unsynced::PowerKept
            | Unsynced::PowerTorn
            | Unsynced::PowerReordered => {
                let lost = self.lose_cache(how, draw);
                self.lose_snapshots(how, draw.again());
                lost
            }
        };
        (never_switched + lost) as u64
    }

    /// Records appended to logs that only pending switches would have brought.
    fn buffered_in_switch(&self) -> usize {
        let buffered = |job: &Job<W>| match job {
            Job::Install { log, forced, .. } => log.len() - forced,
            Job::Sync { .. } | Job::Store { .. } => 0,
        };
        self.lane.iter().map(buffered).sum()
    }

    /// A kill: the kernel keeps what it has, of the rest a drawn prefix was handed to it.
    fn lose_buffers(&mut self, draw: Draw) -> usize {
        let unsure = self.log.len() - self.cached;
        let kept = below(draw, unsure + 1);
        self.torn = kept < unsure && draw.again().chance(HALF);
        self.cached += kept;
        self.log.truncate(self.cached);
        unsure - kept
    }

    /// A loss of power: what survives of the log is on the platter.
    fn lose_cache(&mut self, how: Unsynced, draw: Draw) -> usize {
        let undo = match how {
            Unsynced::PowerLost => true,
            Unsynced::PowerKept => false,
            Unsynced::PowerDrawn
            | Unsynced::Kill
            | Unsynced::PowerTorn
            | Unsynced::PowerReordered => draw.chance(HALF),
        };
        let unsure = self.log.len() - self.forced;
        let platter = self.untruncated.take().filter(|_| undo);
        let kept = if let Some(platter) = platter {
            self.log = platter;
            0
        } else {
            let (kept, torn) = match how {
                Unsynced::PowerLost => (0, false),
                Unsynced::PowerKept => (unsure, false),
                Unsynced::PowerTorn => (below(draw.again(), unsure), unsure > 0),
                Unsynced::PowerReordered => before_first_hole(draw.again(), unsure),
                Unsynced::PowerDrawn | Unsynced::Kill => survivors(draw.again(), unsure),
            };
            self.log.truncate(self.forced + kept);
            self.torn = torn;
            kept
        };
        self.forced = self.log.len();
        self.cached = self.forced;
        if self.claimed > self.forced {
            self.trouble.harm = Some("what a lying disk had reported as forced is lost");
        }
        self.claimed = 0;
        unsure - kept
    }

    /// A loss of power: unforced snapshots may be gone; the newest that is left is on the platter.
    fn lose_snapshots(&mut self, how: Unsynced, draw: Draw) {
        let mut draw = draw.again();
        self.snapshots.retain(|snapshot| {
            draw = draw.again();
            snapshot.forced
                || match how {
                    Unsynced::PowerLost => false,
                    Unsynced::PowerKept => true,
                    Unsynced::PowerDrawn
                    | Unsynced::Kill
                    | Unsynced::PowerTorn
                    | Unsynced::PowerReordered => draw.chance(HALF),
                }
        });
        let newest = self.snapshots.pop_back();
        self.snapshots.clear();
        self.snapshots.extend(newest.map(|snapshot| Snapshot {
            forced: true,
            ..snapshot
        }));
    }

    /// Carries out an operation of the ordered lane, all at once.
    fn perform(&mut self, job: Job<W>) -> Input<W> {
        match job {
            Job::Sync {
                upto,
                len,
                truncations,
            } => {
                if self.trouble.is_lying() {
                    self.claimed = self.claimed.max(len);
                    self.cached = self.cached.max(len);
                    return Input::Synced { upto };
                }
                self.forced = self.forced.max(len);
                self.cached = self.cached.max(self.forced);
                if truncations {
                    self.untruncated = None;
                }
                Input::Synced { upto }
            }
            Job::Store { file, value } => {
                self.files[usize::from(file.0)] = Some(value);
                self.rotten.retain(|rot| *rot != Rot::Epoch);
                Input::Stored { file, value }
            }
            Job::Install {
                image,
                log,
                forced,
                files,
            } => {
                self.log = log;
                self.forced = forced;
                self.cached = forced;
                self.claimed = 0;
                self.switched = true;
                self.rotten.retain(|rot| *rot == Rot::Epoch);
                self.untruncated = None;
                self.snapshots.clear();
                self.snapshots.push_back(Snapshot {
                    image,
                    forced: true,
                });
                for (file, value) in files {
                    self.files[usize::from(file.0)] = Some(value);
                }
                Input::Installed
            }
        }
    }

    /// Adds a written snapshot and drops those that no crash can fall back to.
    fn keep_snapshot(&mut self, image: W::Image) {
        self.snapshots.push_back(Snapshot {
            image,
            forced: false,
        });
        let first_loose = usize::from(self.snapshots.front().is_some_and(|first| first.forced));
        while self.snapshots.len() > first_loose + LOOSE_SNAPSHOTS {
            self.snapshots.remove(first_loose);
        }
    }

    /// Whether a switch is pending.
    fn is_switching(&self) -> bool {
        self.lane
            .iter()
            .any(|job| matches!(job, Job::Install { .. }))
    }

    /// Adds to the ordered lane.
    fn queue(&mut self, agenda: &mut Agenda<W>, job: Job<W>) {
        self.lane.push_back(job);
        if self.lane.len() == 1 {
            self.start(agenda, Lane::Ordered);
        }
    }

    /// Starts the first operation of a lane.
    fn start(&mut self, agenda: &mut Agenda<W>, lane: Lane) {
        let (kind, law) = match (lane, self.lane.front()) {
            (Lane::Background, _) => (3, &self.profile.snapshot),
            (Lane::Ordered, Some(Job::Store { .. })) => (1, &self.profile.store),
            (Lane::Ordered, Some(Job::Install { .. })) => (2, &self.profile.install),
            (Lane::Ordered, Some(Job::Sync { .. }) | None) => (0, &self.profile.sync),
        };
        let bucket = agenda.bucket();
        let nth = self.tallies[kind].count(bucket);
        let who = u64::from(self.node.0);
        let drawn = law.sample(self.latency.draw(who, kind as u64, bucket, nth));
        let site = Site::Disk {
            node: self.node,
            op: DiskOp::ALL[kind],
        };
        let mut span = agenda.settle(site, nth, drawn);
        // Of several causes the worst one counts: their product would outlast the run.
        let slowed = self
            .slow
            .iter()
            .map(|(factor, extra)| span * u64::from(*factor) + *extra);
        span = slowed.max().unwrap_or(span);
        if lane == Lane::Ordered
            && let Some(Job::Sync { len, .. }) = self.lane.front()
        {
            self.cached = self.cached.max(*len);
        }
        let ticket = &mut self.tickets[lane as usize];
        *ticket += 1;
        let event = Event::Disk {
            node: self.node,
            lane,
            ticket: *ticket,
        };
        agenda.push_in(span, Class::Disk, (who, kind as u64), event);
    }
}

/// How many of `unsure` records survive a loss of power, and whether a torn one or a hole follows them.
fn survivors(draw: Draw, unsure: usize) -> (usize, bool) {
    let value = draw.again();
    if draw.below(4) == 0 {
        before_first_hole(value, unsure)
    } else {
        let kept = below(value, unsure + 1);
        (kept, kept < unsure && value.again().chance(HALF))
    }
}

/// Any subset of the pages survives, every record with ½: readable up to the first hole.
fn before_first_hole(draw: Draw, unsure: usize) -> (usize, bool) {
    let run = draw.word().leading_ones() as usize;
    let kept = run.min(unsure);
    (kept, kept < unsure)
}

/// A drawn number below `bound`.
fn below(draw: Draw, bound: usize) -> usize {
    usize::try_from(draw.below(bound as u64)).expect("below a usize")
}

pub(super) mod damage;
#[cfg(test)]
mod tests;
