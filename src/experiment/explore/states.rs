//! Abstract states: what guided exploration counts as new. A state is the step of one server from one standing to the next,
//! with what surrounds it. Servers are interchangeable and counters are compared, not kept, so that two runs are in the same
//! state when they differ in names and lengths only. The joint state of all servers would be new in every run.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::digest::Digest;
use crate::base::id::ServerId;
use crate::base::zxid::{Epoch, Zxid};
use crate::cast::Witness;
use crate::history::fact::{EpochFile, Fact, Role, SyncKind};
use crate::sim::sink::Stamp;

/// How far a server has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Phase {
    #[default]
    Down,
    Booted,
    Looking,
    Elected,
    Leads,
    LeadsWithEpoch,
    Promised,
    Syncs(SyncKind),
    Switched(SyncKind),
    AckedNewLeader,
    Serves(Role),
    /// Its role is over and its disk not quiet yet.
    Ends(Role),
}

/// What is known of a server.
#[derive(Clone, Copy, Debug, Default)]
struct Server {
    phase: Phase,
    /// Where it stood when it was last looked at.
    stood: Option<Standing>,
    current: Epoch,
    accepted: Epoch,
    durable: Zxid,
    appended: Zxid,
}

/// A server in an abstract state: its phase, and where it stands beside the others.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a comparison of its own"
)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Standing {
    phase: Phase,
    /// Its currentEpoch is the highest there is.
    is_current: bool,
    /// It has promised a later epoch than it follows.
    has_promised: bool,
    /// Nobody's durable log is longer.
    is_longest: bool,
    /// It has everything that is committed.
    has_committed: bool,
    /// Records wait for the disk.
    is_forced: bool,
}

/// How many proposals are in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum InFlight {
    None,
    One,
    Few,
    Many,
}

/// Watches a run and collects the abstract states it goes through, and how often each mark was said.
#[derive(Clone, Debug, Default)]
pub struct Landscape {
    servers: BTreeMap<ServerId, Server>,
    proposed: Zxid,
    committed: Zxid,
    /// Digests of the steps.
    pub states: BTreeSet<u64>,
    /// How often each mark was said.
    pub marks: BTreeMap<&'static str, u32>,
}

impl Landscape {
    fn observe(&mut self, fact: &Fact) {
        if let Some(mark) = fact.mark() {
            *self.marks.entry(mark).or_default() += 1;
        }
        if let Some(server) = self.follow(fact) {
            self.look_at(server);
        }
    }

    /// Follows a fact; whose standing may be another one.
    fn follow(&mut self, fact: &Fact) -> Option<ServerId> {
        match fact {
            Fact::ServerCrashed { server, .. } => Some(self.enter(*server, Phase::Down)),
            Fact::Booted {
                server,
                lineage,
                accepted,
                current,
            } => {
                let known = self.servers.entry(*server).or_default();
                (known.accepted, known.current) = (*accepted, *current);
                (known.durable, known.appended) = (lineage.last, lineage.last);
                Some(self.enter(*server, Phase::Booted))
            }
            Fact::Voted { server, .. } => Some(self.enter(*server, Phase::Looking)),
            Fact::Elected { server, .. } => Some(self.enter(*server, Phase::Elected)),
            Fact::LeadStarted { server, .. } => Some(self.enter(*server, Phase::Leads)),
            Fact::EpochProposed { server, .. } => Some(self.enter(*server, Phase::LeadsWithEpoch)),
            Fact::AckEpochSent { server, .. } => Some(self.enter(*server, Phase::Promised)),
            Fact::SyncSent { learner, kind, .. } => Some(self.enter(*learner, Phase::Syncs(*kind))),
            Fact::Switched {
                server,
                kind,
                lineage,
                ..
            } => {
                let known = self.servers.entry(*server).or_default();
                (known.durable, known.appended) = (lineage.last, lineage.last);
                Some(self.enter(*server, Phase::Switched(*kind)))
            }
            Fact::NewLeaderAckSent { server, .. } => {
                Some(self.enter(*server, Phase::AckedNewLeader))
            }
            Fact::ServeStart { server, role, .. } => {
                Some(self.enter(*server, Phase::Serves(*role)))
            }
            Fact::RoleEnd { server, role, .. } => Some(self.enter(*server, Phase::Ends(*role))),
            Fact::EpochDurable {
                server,
                file,
                epoch,
            } => {
                let known = self.servers.entry(*server).or_default();
                match file {
                    EpochFile::Accepted => known.accepted = *epoch,
                    EpochFile::Current => known.current = *epoch,
                }
                Some(*server)
            }
            Fact::Appended { server, zxid, .. } => {
                self.servers.entry(*server).or_default().appended = *zxid;
                Some(*server)
            }
            Fact::Durable { server, zxid } => {
                self.servers.entry(*server).or_default().durable = *zxid;
                Some(*server)
            }
            Fact::DiskTruncated { server, lineage } | Fact::BootDropped { server, lineage } => {
                let known = self.servers.entry(*server).or_default();
                (known.durable, known.appended) = (lineage.last, lineage.last);
                Some(*server)
            }
            Fact::Proposed { server, zxid, .. } => {
                self.proposed = *zxid;
                Some(*server)
            }
            Fact::CommitDecided { server, zxid, .. } => {
                self.committed = self.committed.max(*zxid);
                Some(*server)
            }
            Fact::QuorumFormed {
                server, lineage, ..
            } => {
                self.committed = self.committed.max(lineage.last);
                self.proposed = lineage.last;
                Some(*server)
            }
            Fact::ClientCrashed { .. }
            | Fact::FaultBegan { .. }
            | Fact::FaultEnded { .. }
            | Fact::BootRefused { .. }
            | Fact::Ignored { .. }
            | Fact::AckSent { .. }
            | Fact::Delivered { .. }
            | Fact::CommitOutOfOrder { .. }
            | Fact::SessionTouched { .. }
            | Fact::SessionExpiring { .. }
            | Fact::SessionMoved { .. }
            | Fact::Invoked { .. }
            | Fact::Returned { .. }
            | Fact::Lost { .. }
            | Fact::EventReceived { .. }
            | Fact::Connected { .. }
            | Fact::Disconnected { .. }
            | Fact::Expired { .. }
            | Fact::WatchesReset { .. }
            | Fact::Ponged { .. }
            | Fact::OutsideModel { .. }
            | Fact::ClockHeld { .. }
            | Fact::Recipe { .. } => None,
        }
    }

    fn enter(&mut self, server: ServerId, phase: Phase) -> ServerId {
        self.servers.entry(server).or_default().phase = phase;
        server
    }

    /// Adds the step of a server from where it stood to where it stands, if that is another place.
    fn look_at(&mut self, server: ServerId) {
        let servers = || self.servers.values();
        let current = servers().map(|server| server.current).max();
        let longest = servers().map(|server| server.durable).max();
        let down = servers()
            .filter(|server| server.phase == Phase::Down)
            .count();
        let leads = |server: &&Server| {
            matches!(
                server.phase,
                Phase::Leads | Phase::LeadsWithEpoch | Phase::Serves(Role::Leader)
            )
        };
        let around = (
            self.in_flight(),
            down.min(3),
            servers().filter(leads).count(),
        );
        let own = self.servers[&server];
        let stands = Standing {
            phase: own.phase,
            is_current: Some(own.current) == current,
            has_promised: own.accepted > own.current,
            is_longest: Some(own.durable) == longest,
            has_committed: own.durable >= self.committed,
            is_forced: own.durable == own.appended,
        };
        if own.stood != Some(stands) {
            self.states.insert(Digest::of(&(own.stood, stands, around)));
            self.servers.entry(server).or_default().stood = Some(stands);
        }
    }

    fn in_flight(&self) -> InFlight {
        if self.proposed.epoch() != self.committed.epoch() || self.proposed <= self.committed {
            return InFlight::None;
        }
        match self.proposed.counter() - self.committed.counter() {
            0 => InFlight::None,
            1 => InFlight::One,
            2..10 => InFlight::Few,
            _ => InFlight::Many,
        }
    }
}

impl Witness for Landscape {
    fn witness(&mut self, _at: Stamp, fact: &Fact) {
        self.observe(fact);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::lineage::Lineage;

    fn booted(server: u8, current: u32) -> Fact {
        Fact::Booted {
            server: ServerId(server),
            lineage: Lineage::default(),
            accepted: Epoch(current),
            current: Epoch(current),
        }
    }

    fn states(facts: &[Fact]) -> BTreeSet<u64> {
        let mut landscape = Landscape::default();
        for fact in facts {
            landscape.observe(fact);
        }
        landscape.states
    }

    #[test]
    fn servers_are_interchangeable_and_numbers_do_not_matter() {
        let one = states(&[booted(1, 3), booted(2, 4)]);
        let other = states(&[booted(2, 7), booted(5, 9)]);
        assert_eq!(one, other);
    }

    #[test]
    fn phases_and_who_is_behind_do() {
        let even = states(&[booted(1, 3), booted(2, 3)]);
        let behind = states(&[booted(1, 4), booted(2, 3)]);
        assert_ne!(even, behind);
        let crashed = Fact::ServerCrashed {
            server: ServerId(2),
            power: false,
            code: None,
        };
        let down = states(&[booted(1, 3), booted(2, 3), crashed]);
        assert!(down.is_superset(&even) && down.len() == even.len() + 1);
    }
}
