//! What a server keeps from role to role: epochs, log, memory, election senders, and what it owes its disk.

use std::sync::Arc;

use super::config::Config;
use super::front::Front;
use super::log::Log;
use super::memory::Memory;
use super::rules::broadcast::{ForwardedWrites, Leftovers};
use super::rules::election::{Candidate, Claim, EpochFiles, EpochWriteError};
use super::transport::Peers;
use super::vote::Vote;
use crate::base::id::ServerId;
use crate::base::lineage::Lineage;
use crate::base::time::LocalTime;
use crate::base::zxid::{Epoch, Zxid};
use crate::history::fact::{EpochFile, Fact, SyncKind};
use crate::sim::process::{Cx, Effect, Effects, File, Install};
use crate::tree::image::Image;
use crate::tree::rules::SnapshotHolds;
use crate::tree::store::Tree;
use crate::tree::txn::Txn;
use crate::words::message::Forwarded;
use crate::words::{ACCEPTED_EPOCH, CURRENT_EPOCH, Words};

/// Where a server pushes what it wants done.
pub type Out = Effects<Words>;

/// Why a role ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Quit(pub &'static str);

/// What a handler of a role answers: go on, or the role is over.
pub type Step = Result<(), Quit>;

/// A snapshot that is to hold something else than its name says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Begun {
    /// That name, and so many transactions more.
    Later(Lineage, u8),
    /// Half of the next multi.
    HalfMulti,
}

/// Transactions that are applied while a snapshot is being written, where it is written so.
const WRITTEN_MEANWHILE: u8 = 8;

/// What a server keeps from role to role.
#[derive(Clone, Debug)]
pub struct Core {
    /// The ensemble.
    pub config: Arc<Config>,
    /// Its sid.
    pub me: ServerId,
    /// acceptedEpoch as on disk.
    pub accepted: Epoch,
    /// currentEpoch as on disk.
    pub current: Epoch,
    /// The log.
    pub log: Log,
    /// The state in memory.
    pub memory: Memory,
    /// The election round (`logicalclock`).
    pub round: u64,
    /// Senders of the election port.
    pub peers: Peers,
    /// What it reports when not LOOKING, and the round in which that was decided.
    pub vote: (Vote, u64),
    /// K6: the next FOLLOWERINFO asks for a SNAP.
    pub want_snapshot: bool,
    /// What it had applied when its last role ended, or what boot found.
    pub applied: Lineage,
    /// The epoch of a reign that failed, where something of it remains.
    pub failed_reign: Option<Epoch>,
    /// The epoch file being written.
    pub storing: Option<(File, Epoch)>,
    /// Failed discoveries in a row (K8's back-off).
    pub failures: u32,
    /// When this server last raised its acceptedEpoch for a learner's sake (K8).
    pub raised_at: Option<LocalTime>,
    /// When this life began.
    pub born: LocalTime,
    /// First session id this machine has not used yet (K11).
    pub next_session: u64,
    /// Disk operations pushed and not answered: epoch files and switches.
    pub writes: u32,
    /// The sync whose switch is under way, and its epoch.
    pub switch: Option<(SyncKind, Epoch)>,
    /// A snapshot being written.
    pub snapshot: Option<Tree>,
    /// A snapshot that waits for what it is to hold beside its name; none by design.
    pub begun: Option<Begun>,
    /// Transactions to append before the next snapshot; drawn at the first one.
    pub until_snapshot: Option<u32>,
    /// Draws made in this life, so that none repeats.
    pub draws: u64,
    /// Writes that a role left unanswered and that the next one sends again; none by design.
    pub unanswered: Vec<Forwarded>,
    /// Committed transactions that a role left unapplied and that hit the next one's state; none by design.
    pub leftovers: Vec<Arc<Txn>>,
}

impl Core {
    /// What it votes for when an election starts; a server without a vote votes for nobody.
    pub fn own_vote(&self) -> Vote {
        if self.is_voter() {
            Vote {
                leader: self.me,
                zxid: self.claimed().1,
                epoch: self.current,
            }
        } else {
            Vote::NOBODY
        }
    }

    /// With which vote it begins to look.
    pub fn first_vote(&self) -> Vote {
        match self.config.rules.election.candidate {
            Candidate::Itself => self.own_vote(),
            Candidate::FormerLeader => self.vote.0,
        }
    }

    /// Whether `one` beats `other`.
    pub fn prefers(&self, one: Vote, other: Vote) -> bool {
        let rules = &self.config.rules;
        match &rules.asked.votes {
            Some(order) => order.supersedes(&one, &other),
            None => rules.election.order.prefers(one, other),
        }
    }

    /// The history that it claims in its vote, and the zxid by which it goes.
    pub fn claimed(&self) -> (Lineage, Zxid) {
        match self.config.rules.election.claim {
            Claim::Logged => (self.memory.tree.lineage(), self.memory.processed()),
            Claim::Applied => (self.applied, self.applied.last),
        }
    }

    /// Whether this server has a vote.
    pub fn is_voter(&self) -> bool {
        self.config.voters.contains(self.me)
    }

    /// Says why something was dropped or refused.
    pub fn ignore(&self, why: &'static str, out: &mut Out) {
        out.note(Fact::Ignored {
            server: self.me,
            why: why.into(),
        });
    }

    /// A follower's role is over: what it had under way stays behind.
    pub(super) fn leave_behind(&mut self, front: &Front) {
        match self.config.rules.broadcast.forwarded {
            ForwardedWrites::Dropped => {}
            ForwardedWrites::SentAgain => self.unanswered.extend(front.unanswered()),
        }
        match self.config.rules.broadcast.leftovers {
            Leftovers::Dropped => {}
            Leftovers::Applied => self.leftovers = front.unapplied().collect(),
        }
    }

    /// What a former role left unapplied hits the state that a sync has made.
    pub(super) fn apply_leftovers(&mut self) {
        for txn in std::mem::take(&mut self.leftovers) {
            self.memory.tree.apply(&txn);
        }
    }

    /// Starts writing an epoch file; nobody may rely on it before `Stored`.
    pub fn store(&mut self, file: File, epoch: Epoch, out: &mut Out) {
        let is_first_promise = file == ACCEPTED_EPOCH && self.accepted == Epoch(0);
        let file = match self.config.rules.epoch_files() {
            EpochFiles::FirstPromiseIntoCurrent if is_first_promise => CURRENT_EPOCH,
            EpochFiles::Kept
            | EpochFiles::FirstPromiseIntoCurrent
            | EpochFiles::AcceptedForgotten
            | EpochFiles::CurrentForgotten => file,
        };
        self.writes += 1;
        self.storing = Some((file, epoch));
        out.push(Effect::Store {
            file,
            value: u64::from(epoch.0),
        });
    }

    /// Starts the switch of a sync (K1): snapshot, log and currentEpoch at once, or without an epoch only the former two.
    pub fn install(
        &mut self,
        kind: SyncKind,
        tree: &Tree,
        log: Vec<Arc<Txn>>,
        epoch: Option<Epoch>,
        out: &mut Out,
    ) -> Step {
        if !self.log.is_forced() {
            return Err(Quit("a sync may not overtake the log's fsync"));
        }
        self.writes += 1;
        self.snapshot = None;
        self.switch = Some((kind, epoch.unwrap_or(self.current)));
        self.log.replace(tree.clone(), log.iter().cloned());
        let file = |epoch: Epoch| (CURRENT_EPOCH, u64::from(epoch.0));
        let files = epoch.map(file).into_iter().collect();
        out.push(Effect::Install(Box::new(Install {
            image: Box::new(Image { tree: tree.clone() }),
            log,
            files,
        })));
        Ok(())
    }

    /// A switch has happened; that of a boot carries no epoch.
    pub(super) fn on_installed(&mut self, out: &mut Out) {
        self.writes -= 1;
        if let Some((kind, epoch)) = self.switch.take() {
            self.current = epoch;
            out.note(Fact::Switched {
                server: self.me,
                kind,
                lineage: self.log.tail(),
                epoch,
            });
        }
    }

    /// An epoch file is durable.
    pub(super) fn on_stored(&mut self, file: File, value: u64, out: &mut Out) {
        let epoch = Epoch(u32::try_from(value).expect("epochs have 32 bits"));
        let file = self.remember(file, epoch);
        out.note(Fact::EpochDurable {
            server: self.me,
            file,
            epoch,
        });
    }

    /// An epoch file is written, or is believed to be.
    fn remember(&mut self, file: File, epoch: Epoch) -> EpochFile {
        self.writes -= 1;
        self.storing = None;
        if file == ACCEPTED_EPOCH {
            self.accepted = epoch;
            EpochFile::Accepted
        } else {
            self.current = epoch;
            EpochFile::Current
        }
    }

    /// A write failed. Whether it was an epoch file's and the server goes on all the same.
    pub(super) fn survives_write_error(&mut self) -> bool {
        let is_alone = self.log.is_idle() && self.switch.is_none() && self.snapshot.is_none();
        match (self.config.rules.election.write_error, self.storing) {
            (EpochWriteError::Swallowed, Some((file, epoch))) if is_alone => {
                self.remember(file, epoch);
                true
            }
            (EpochWriteError::Halts | EpochWriteError::Swallowed, _) => false,
        }
    }

    /// Whether the disk owes nothing.
    pub(super) fn is_disk_quiet(&self) -> bool {
        self.writes == 0 && self.log.is_forced()
    }

    /// A transaction was appended: snapshots are taken after half to all of `snap_count` of them.
    pub fn count_towards_snapshot(&mut self, cx: Cx, out: &mut Out) {
        let left = self.until_snapshot.take();
        let left = left.unwrap_or_else(|| self.draw_snapshot_interval(cx));
        if left <= 1 && self.snapshot.is_none() && self.begun.is_none() {
            let now = self.memory.tree.lineage();
            match self.config.rules.tree.snapshot {
                SnapshotHolds::State => {
                    let tree = self.memory.image(self.config.rules.log.snapshot);
                    self.take_snapshot(tree, out);
                }
                SnapshotHolds::LaterToo => self.begun = Some(Begun::Later(now, WRITTEN_MEANWHILE)),
                SnapshotHolds::HalfMulti => self.begun = Some(Begun::HalfMulti),
            }
        } else {
            self.until_snapshot = Some(left.saturating_sub(1));
        }
    }

    /// Begins to write a snapshot, which nobody forces.
    pub fn take_snapshot(&mut self, tree: Tree, out: &mut Out) {
        self.snapshot = Some(tree.clone());
        out.push(Effect::Snapshot {
            image: Box::new(Image { tree }),
        });
    }

    /// A transaction is about to be applied: a snapshot that is being written goes on.
    pub(super) fn go_on_with_snapshot(&mut self, next: &Txn, out: &mut Out) {
        let tree = match self.begun {
            None => return,
            Some(Begun::Later(name, 0)) => self.memory.tree.named(name),
            Some(Begun::Later(name, left)) => {
                self.begun = Some(Begun::Later(name, left - 1));
                return;
            }
            Some(Begun::HalfMulti) => {
                let Some(half) = next.first_part() else {
                    return;
                };
                let mut tree = self.memory.tree.clone();
                tree.apply(&half);
                tree
            }
        };
        self.begun = None;
        self.take_snapshot(tree, out);
    }

    fn draw_snapshot_interval(&mut self, cx: Cx) -> u32 {
        self.draws += 1;
        let half = u64::from(self.config.snap_count / 2);
        let drawn = half + cx.draw(DRAW_SNAPSHOT, self.draws).below(half + 1);
        u32::try_from(drawn).unwrap_or(u32::MAX)
    }
}

const DRAW_SNAPSHOT: u64 = 1;
