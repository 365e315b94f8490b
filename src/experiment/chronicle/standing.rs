//! Where each server stands, told by its facts: role, epochs, leader, and how far it has logged, forced, committed and applied.

use super::histories::{Histories, HistoryId};
use crate::base::id::ServerId;
use crate::base::lineage::Lineage;
use crate::base::zxid::{Epoch, Zxid};
use crate::history::fact::{EpochFile, Fact, Role};

/// What a server is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Doing {
    /// It does not run.
    #[default]
    Down,
    /// It votes.
    Looking,
    /// It has chosen a leader, itself perhaps, and does not serve yet.
    Joining,
    /// It serves as a follower.
    Following,
    /// It serves as the leader.
    Leading,
    /// It serves as an observer.
    Observing,
}

impl Doing {
    /// All of them, in the order of their numbers.
    pub const NAMES: [&str; 6] = [
        "down",
        "looking",
        "joining",
        "following",
        "leading",
        "observing",
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }
}

/// Where a server stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// What it does.
    pub doing: Doing,
    /// The file acceptedEpoch, as far as it is durable.
    pub accepted: Epoch,
    /// The file currentEpoch, as far as it is durable.
    pub current: Epoch,
    /// The leader it has chosen.
    pub leader: Option<ServerId>,
    /// The history in its log, forced or not.
    pub logged: HistoryId,
    /// How much of it is forced.
    pub durable: HistoryId,
    /// How far it knows to be committed.
    pub committed: HistoryId,
    /// The history that its tree has applied.
    pub applied: HistoryId,
}

impl Standing {
    /// The server a fact is about, if it changes where one stands.
    pub fn subject(fact: &Fact) -> Option<ServerId> {
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "what moves no server has no subject"
        )]
        match fact {
            Fact::ServerCrashed { server, .. }
            | Fact::Booted { server, .. }
            | Fact::BootDropped { server, .. }
            | Fact::BootRefused { server, .. }
            | Fact::Voted { server, .. }
            | Fact::Elected { server, .. }
            | Fact::EpochDurable { server, .. }
            | Fact::Switched { server, .. }
            | Fact::ServeStart { server, .. }
            | Fact::RoleEnd { server, .. }
            | Fact::Appended { server, .. }
            | Fact::Durable { server, .. }
            | Fact::CommitDecided { server, .. }
            | Fact::Delivered { server, .. }
            | Fact::DiskTruncated { server, .. } => Some(*server),
            _ => None,
        }
    }

    /// Takes a fact about this server.
    pub fn observe(&mut self, fact: &Fact, histories: &mut Histories) {
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "`subject` says which facts move a server"
        )]
        match fact {
            Fact::ServerCrashed { .. } | Fact::BootRefused { .. } => self.stop(),
            Fact::Booted {
                lineage,
                accepted,
                current,
                ..
            } => {
                self.doing = Doing::Looking;
                self.accepted = *accepted;
                self.current = *current;
                self.hold(*lineage, histories);
                self.applied = self.logged;
            }
            Fact::BootDropped { lineage, .. } => {
                self.hold(*lineage, histories);
                self.applied = self.logged;
            }
            Fact::Voted { .. } => self.doing = Doing::Looking,
            Fact::Elected { leader, .. } => {
                self.doing = Doing::Joining;
                self.leader = Some(*leader);
            }
            Fact::EpochDurable { file, epoch, .. } => match file {
                EpochFile::Accepted => self.accepted = *epoch,
                EpochFile::Current => self.current = *epoch,
            },
            Fact::Switched { lineage, epoch, .. } => {
                self.hold(*lineage, histories);
                self.current = *epoch;
            }
            Fact::ServeStart { role, lineage, .. } => self.serve(*role, *lineage, histories),
            Fact::RoleEnd { .. } => {
                self.doing = Doing::Looking;
                self.leader = None;
            }
            Fact::DiskTruncated { lineage, .. } => self.hold(*lineage, histories),
            Fact::Appended { zxid, digest, .. } => {
                self.logged = histories.push(self.logged, *zxid, *digest);
            }
            Fact::Durable { zxid, .. } => self.force(*zxid, histories),
            Fact::CommitDecided { zxid, .. } => self.commit(*zxid, histories),
            Fact::Delivered { zxid, digest, .. } => {
                self.applied = histories.push(self.applied, *zxid, *digest);
                self.committed = self.applied;
            }
            _ => {}
        }
    }

    fn stop(&mut self) {
        self.doing = Doing::Down;
        self.leader = None;
        self.committed = HistoryId(0);
        self.applied = HistoryId(0);
    }

    /// Its disk holds just this.
    fn hold(&mut self, lineage: Lineage, histories: &mut Histories) {
        self.logged = histories.find(lineage);
        self.durable = self.logged;
    }

    fn serve(&mut self, role: Role, lineage: Lineage, histories: &mut Histories) {
        self.doing = match role {
            Role::Leader => Doing::Leading,
            Role::Follower => Doing::Following,
            Role::Observer => Doing::Observing,
        };
        self.applied = histories.find(lineage);
        self.committed = self.applied;
    }

    fn force(&mut self, zxid: Zxid, histories: &Histories) {
        if let Some(durable) = histories.upto(self.logged, zxid) {
            self.durable = durable;
        }
    }

    fn commit(&mut self, zxid: Zxid, histories: &Histories) {
        if let Some(committed) = histories.upto(self.logged, zxid) {
            self.committed = committed;
        }
    }
}
