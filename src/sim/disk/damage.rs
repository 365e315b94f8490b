//! What goes wrong with a disk beside what a crash does: operations that stall, fail or are not done, bits that rot, and
//! data that is wiped or replaced by a backup.

use imbl::Vector;

use super::super::agenda::Lane;
use super::super::fault::{Rot, Trouble};
use super::super::law::Tally;
use super::super::process::{DiskError, FILES, NO_SNAPSHOT, Protocol};
use super::super::setup::DiskProfile;
use super::{Disk, Snapshot};
use crate::base::digest::Digest;
use crate::base::id::NodeId;
use crate::base::ratio::Ratio;
use crate::base::rng::{Domain, Key, Seed};

/// What is wrong with a disk right now.
#[derive(Clone, Debug)]
pub(super) struct Troubles {
    node: NodeId,
    key: Key,
    tally: Tally,
    stalls: u32,
    /// Lanes whose operation is done but for the stall.
    due: Vec<Lane>,
    /// Per fault, how many forces are still to fail.
    failing: u32,
    /// Per fault, how many bytes it gave and how many are left.
    room: Vec<(u64, u64)>,
    rates: Vec<Ratio>,
    read_only: u32,
    lying: u32,
    /// What a fault outside Zab's model has done; taken by the world.
    pub(super) harm: Option<&'static str>,
}

impl Troubles {
    /// As the profile has it.
    pub(super) fn new(profile: &DiskProfile, node: NodeId, seed: Seed) -> Self {
        Self {
            node,
            key: Key::derive(seed, Domain::DiskFault),
            tally: Tally::default(),
            stalls: 0,
            due: Vec::new(),
            failing: 0,
            room: Vec::new(),
            rates: Some(profile.errors)
                .into_iter()
                .filter(|rate| rate.num > 0)
                .collect(),
            read_only: 0,
            lying: u32::from(!profile.force_sync),
            harm: None,
        }
    }

    /// Nothing fails by the profile any more.
    pub(super) fn calm(&mut self) {
        self.rates.clear();
    }

    /// A crash takes what was under way.
    pub(super) fn forget(&mut self) {
        self.due.clear();
    }

    /// Whether an operation that is done has to wait.
    pub(super) fn is_stalled(&mut self, lane: Lane) -> bool {
        if self.stalls > 0 {
            self.due.push(lane);
        }
        self.stalls > 0
    }

    /// Whether forces are reported and do not happen.
    pub(super) fn is_lying(&self) -> bool {
        self.lying > 0
    }

    /// A record needs room.
    pub(super) fn take_room(&mut self, bytes: u64) {
        for (_, left) in &mut self.room {
            *left = left.saturating_sub(bytes);
        }
    }

    /// Why the operation that is due fails, if it does.
    pub(super) fn failure(&mut self, is_sync: bool, bucket: u64) -> Option<DiskError> {
        if self.read_only > 0 {
            return Some(DiskError::ReadOnly);
        }
        if self.room.iter().any(|(_, left)| *left == 0) {
            return Some(DiskError::Full);
        }
        if is_sync && self.failing > 0 {
            self.failing -= 1;
            return Some(DiskError::Io);
        }
        if self.rates.is_empty() {
            return None;
        }
        let nth = self.tally.count(bucket);
        let mut draw = self.key.draw(u64::from(self.node.0), 0, bucket, nth);
        let fails = self.rates.iter().any(|rate| {
            draw = draw.again();
            draw.chance(*rate)
        });
        fails.then_some(DiskError::Io)
    }

    /// Something goes wrong, or is well again; returns the lanes whose operation may end now.
    pub(super) fn turn(&mut self, trouble: Trouble, on: bool) -> Vec<Lane> {
        let add = |count: &mut u32| if on { *count += 1 } else { *count -= 1 };
        match trouble {
            Trouble::Stall => {
                add(&mut self.stalls);
                if self.stalls == 0 {
                    return std::mem::take(&mut self.due);
                }
            }
            Trouble::FsyncFail { times } => {
                self.failing = if on { self.failing + times } else { 0 };
            }
            Trouble::Full { room_bytes } => {
                if on {
                    self.room.push((room_bytes, room_bytes));
                } else if let Some(place) = self.room.iter().position(|room| room.0 == room_bytes) {
                    self.room.remove(place);
                }
            }
            Trouble::Errors { rate } => {
                if on {
                    self.rates.push(rate);
                } else if let Some(place) = self.rates.iter().position(|other| *other == rate) {
                    self.rates.remove(place);
                }
            }
            Trouble::ReadOnly => add(&mut self.read_only),
            Trouble::Lying => add(&mut self.lying),
        }
        Vec::new()
    }
}

/// What a backup holds of a disk.
#[derive(Clone, Debug)]
pub(in super::super) struct Backup<W: Protocol> {
    log: Vector<W::Record>,
    image: Option<W::Image>,
    files: [Option<u64>; FILES],
    switched: bool,
}

impl<W: Protocol> Disk<W> {
    /// What a fault outside Zab's model has done since the last question.
    pub(in super::super) fn take_harm(&mut self) -> Option<&'static str> {
        self.trouble.harm.take()
    }

    /// Whether anything is stored.
    pub(in super::super) fn is_empty(&self) -> bool {
        self.log.is_empty() && self.snapshots.is_empty() && self.files == [None; FILES]
    }

    /// Copies what is stored.
    pub(in super::super) fn back_up(&self) -> Backup<W> {
        Backup {
            log: self.log.clone(),
            image: self.snapshots.back().map(|snapshot| snapshot.image.clone()),
            files: self.files,
            switched: self.switched,
        }
    }

    /// Whether a backup holds something else than is stored.
    pub(in super::super) fn differs(&self, backup: &Backup<W>) -> bool {
        self.files != backup.files
            || self.log.len() != backup.log.len()
            || Digest::of(&self.log.last()) != Digest::of(&backup.log.last())
    }

    /// Replaces what is stored by a backup, or by nothing. Only while no process runs.
    pub(in super::super) fn replace(&mut self, backup: Option<&Backup<W>>) {
        debug_assert!(self.lane.is_empty(), "nobody writes while data is replaced");
        self.log = backup.map_or_else(Vector::new, |backup| backup.log.clone());
        self.forced = self.log.len();
        self.cached = self.forced;
        self.claimed = 0;
        self.untruncated = None;
        self.files = backup.map_or([None; FILES], |backup| backup.files);
        self.switched = backup.is_some_and(|backup| backup.switched);
        self.rotten.clear();
        self.torn = false;
        self.snapshots.clear();
        let image = backup.and_then(|backup| backup.image.clone());
        self.snapshots.extend(image.map(|image| Snapshot {
            image,
            forced: true,
        }));
    }

    /// Whether there is something of this kind that can rot.
    pub(in super::super) fn can_rot(&self, rot: Rot) -> bool {
        match rot {
            Rot::Log => self.forced > 0,
            Rot::Snapshot => !self.snapshots.is_empty(),
            Rot::Epoch => self.files != [None; FILES],
        }
    }

    /// Bits rot; nobody notices before the next start.
    pub(in super::super) fn rot(&mut self, rot: Rot) {
        if self.can_rot(rot) {
            self.rotten.push(rot);
        }
    }

    /// What a start finds of rotten bits: a snapshot that an older one or the whole log can stand in for is skipped
    /// (`FileTxnSnapLog.restore`); anything else cannot be read.
    pub(super) fn read_rotten(&mut self) -> Option<&'static str> {
        let has_spare = self.snapshots.len() > 1 || !self.switched;
        if has_spare && self.rotten.contains(&Rot::Snapshot) {
            self.snapshots.pop_back();
            self.rotten.retain(|rot| *rot != Rot::Snapshot);
        }
        self.rotten.first().map(|rot| match rot {
            Rot::Log => "a record of the log fails its checksum",
            Rot::Snapshot => NO_SNAPSHOT,
            Rot::Epoch => "currentEpoch holds no number",
        })
    }
}
