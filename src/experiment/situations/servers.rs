//! Situations of elections, syncs, logs and broadcast.

use std::collections::BTreeMap;

use super::{Reached, Situation};
use crate::base::id::{ServerId, ServerSet};
use crate::base::lineage::Lineage;
use crate::base::zxid::{Epoch, Zxid};
use crate::history::fact::{Change, Fact, Role, SyncKind, TxnSummary};

/// Proposals in flight that count as many.
const MANY: u32 = 10;

/// How far a server has come since it began to look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    /// Neither looking nor in a role.
    #[default]
    Out,
    Looking,
    /// In the role LEADING, before a quorum had its epoch.
    Leading {
        proposed: bool,
    },
    /// A sync is on its way to it.
    Syncing,
    /// Its sync is durable.
    Switched,
    AckedNewLeader,
    Serving(Role),
}

#[derive(Clone, Copy, Debug, Default)]
struct Server {
    stage: Stage,
    /// Whom it decided for since it looked last.
    choice: Option<ServerId>,
    is_down: bool,
    appended: Zxid,
    durable: Zxid,
    acked: Zxid,
}

impl Server {
    fn restart_log(&mut self, lineage: &Lineage) {
        (self.appended, self.durable, self.acked) = (lineage.last, lineage.last, lineage.last);
    }

    fn leads(&self) -> bool {
        matches!(
            self.stage,
            Stage::Leading { .. } | Stage::Serving(Role::Leader)
        )
    }
}

/// What is remembered of servers.
#[derive(Clone, Debug)]
pub(super) struct Servers {
    voters: u8,
    known: BTreeMap<ServerId, Server>,
    committed: Zxid,
    /// The newest proposal of all.
    proposed: Zxid,
    established: Epoch,
    /// Proposed and not established yet.
    open_epoch: Option<Epoch>,
    last_leader: Option<ServerId>,
}

impl Servers {
    pub(super) fn new(voters: u8) -> Self {
        Self {
            voters,
            known: BTreeMap::new(),
            committed: Zxid::ZERO,
            proposed: Zxid::ZERO,
            established: Epoch(0),
            open_epoch: None,
            last_leader: None,
        }
    }

    pub(super) fn observe(&mut self, fact: &Fact, reached: &mut Reached) {
        self.observe_machine(fact, reached);
        self.observe_election(fact, reached);
        self.observe_sync(fact, reached);
        self.observe_broadcast(fact, reached);
    }

    fn at(&mut self, server: ServerId) -> &mut Server {
        self.known.entry(server).or_default()
    }

    fn quorum(&self) -> usize {
        usize::from(self.voters) / 2 + 1
    }

    fn observe_machine(&mut self, fact: &Fact, reached: &mut Reached) {
        if let Fact::ServerCrashed { server, .. } = fact {
            self.on_crashed(*server, reached);
        } else if let Fact::Booted {
            server,
            lineage,
            accepted,
            current,
        } = fact
        {
            reached.reach_if(accepted > current, Situation::BootedWithPromise);
            let this = self.at(*server);
            *this = Server::default();
            this.restart_log(lineage);
        } else if let Fact::BootDropped { server, lineage } = fact {
            reached.reach(Situation::BootDropped);
            self.at(*server).restart_log(lineage);
        } else if let Fact::BootRefused { server, .. } = fact {
            reached.reach(Situation::BootRefused);
            self.at(*server).is_down = true;
        } else if let Fact::Ignored { why, .. } = fact {
            match &**why {
                "packet-on-old-connection" | "packet-of-gone-learner" => {
                    reached.reach(Situation::StaleLeaderPacket);
                }
                "client-has-seen-more" => reached.reach(Situation::SeenMoreRefused),
                "request-of-moved-session" => reached.reach(Situation::MovedRequestRefused),
                _ => {}
            }
        }
    }

    fn on_crashed(&mut self, server: ServerId, reached: &mut Reached) {
        let (committed, proposed) = (self.committed, self.proposed);
        let this = *self.at(server);
        reached.reach_if(this.appended > this.durable, Situation::CrashUnforced);
        reached.reach_if(this.durable > this.acked, Situation::CrashBeforeAck);
        match this.stage {
            Stage::Out
            | Stage::Looking
            | Stage::Leading { proposed: false }
            | Stage::Serving(Role::Follower | Role::Observer) => {}
            Stage::Leading { proposed: true } => reached.reach(Situation::CrashBeforeQuorum),
            Stage::Syncing => reached.reach(Situation::SyncInterrupted),
            Stage::Switched => reached.reach(Situation::CrashBeforeNewLeaderAck),
            Stage::AckedNewLeader => reached.reach(Situation::CrashBeforeUpToDate),
            Stage::Serving(Role::Leader) => {
                reached.reach_if(proposed > committed, Situation::CrashWithProposals);
            }
        }
        *self.at(server) = Server {
            is_down: true,
            ..Server::default()
        };
        let is_voter = |server: &ServerId| server.0 <= self.voters;
        let down = self
            .known
            .iter()
            .filter(|(server, this)| is_voter(server) && this.is_down)
            .count();
        reached.reach_if(down == self.quorum(), Situation::MajorityDown);
        reached.reach_if(down == usize::from(self.voters), Situation::AllDown);
    }

    fn observe_election(&mut self, fact: &Fact, reached: &mut Reached) {
        if let Fact::Voted { server, .. } = fact {
            let this = self.at(*server);
            reached.reach_if(this.stage == Stage::Looking, Situation::LookingAgain);
            (this.stage, this.choice) = (Stage::Looking, None);
        } else if let Fact::Elected { server, leader, .. } = fact {
            let other_choice =
                |other: &Server| other.choice.is_some_and(|choice| choice != *leader);
            reached.reach_if(
                self.known.values().any(other_choice),
                Situation::ElectedApart,
            );
            let is_old = server == leader && self.last_leader == Some(*server);
            reached.reach_if(is_old, Situation::OldLeaderElectedAgain);
            self.at(*server).choice = Some(*leader);
        } else if let Fact::LeadStarted { server, .. } = fact {
            let is_other = |(other, this): (&ServerId, &Server)| other != server && this.leads();
            reached.reach_if(self.known.iter().any(is_other), Situation::LeadersAtOnce);
            self.at(*server).stage = Stage::Leading { proposed: false };
        } else if let Fact::EpochProposed { server, epoch } = fact {
            let is_wasted = self.open_epoch.is_some_and(|open| open < *epoch);
            reached.reach_if(is_wasted, Situation::EpochWasted);
            self.open_epoch = Some(*epoch);
            self.at(*server).stage = Stage::Leading { proposed: true };
        } else if let Fact::AckEpochSent { counted: false, .. } = fact {
            reached.reach(Situation::PromiseNotCounted);
        } else if let Fact::RoleEnd { server, .. } = fact {
            let this = self.at(*server);
            reached.reach_if(
                matches!(this.stage, Stage::Leading { .. }),
                Situation::LeadGivenUp,
            );
            reached.reach_if(this.stage == Stage::Syncing, Situation::SyncInterrupted);
            // A role that never served leaves the server looking, as far as the next look is concerned.
            this.stage = match this.stage {
                Stage::Serving(_) | Stage::Out => Stage::Out,
                Stage::Looking
                | Stage::Leading { .. }
                | Stage::Syncing
                | Stage::Switched
                | Stage::AckedNewLeader => Stage::Looking,
            };
            this.choice = None;
        }
    }

    fn observe_sync(&mut self, fact: &Fact, reached: &mut Reached) {
        if let Fact::SyncSent {
            learner,
            kind,
            peer,
            upto,
            ..
        } = fact
        {
            match kind {
                SyncKind::Diff if peer >= upto => reached.reach(Situation::DiffEmpty),
                SyncKind::Diff => reached.reach(Situation::DiffWithTxns),
                SyncKind::LogDiff => reached.reach(Situation::LogDiffSent),
                SyncKind::Trunc => reached.reach(Situation::TruncSent),
                SyncKind::Snap if learner.0 > self.voters => {
                    reached.reach(Situation::SnapToObserver);
                }
                SyncKind::Snap => reached.reach(Situation::SnapSent),
            }
            self.at(*learner).stage = Stage::Syncing;
        } else if let Fact::Switched {
            server, lineage, ..
        } = fact
        {
            let this = self.at(*server);
            this.stage = Stage::Switched;
            this.restart_log(lineage);
        } else if let Fact::NewLeaderAckSent { server, .. } = fact {
            self.at(*server).stage = Stage::AckedNewLeader;
        } else if let Fact::QuorumFormed {
            server,
            epoch,
            members,
            lineage,
        } = fact
        {
            self.on_quorum(*server, *epoch, *members, lineage, reached);
        } else if let Fact::ServeStart {
            server,
            role,
            epoch,
            ..
        } = fact
        {
            self.on_serve(*server, *role, *epoch, reached);
        } else if let Fact::DiskTruncated { server, lineage } = fact {
            self.at(*server).restart_log(lineage);
        }
    }

    fn on_quorum(
        &mut self,
        server: ServerId,
        epoch: Epoch,
        members: ServerSet,
        lineage: &Lineage,
        reached: &mut Reached,
    ) {
        reached.reach_if(members.len() == self.quorum(), Situation::QuorumExact);
        reached.reach_if(
            members.len() == usize::from(self.voters),
            Situation::QuorumAll,
        );
        reached.reach_if(lineage.last > self.committed, Situation::InheritedProposal);
        let is_lost = self.proposed > lineage.last && self.proposed > self.committed;
        reached.reach_if(is_lost, Situation::AbandonedProposal);
        self.committed = self.committed.max(lineage.last);
        self.proposed = self.committed;
        self.established = self.established.max(epoch);
        self.open_epoch = None;
        self.last_leader = Some(server);
    }

    fn on_serve(&mut self, server: ServerId, role: Role, epoch: Epoch, reached: &mut Reached) {
        match role {
            Role::Leader => {
                let is_other = |(other, this): (&ServerId, &Server)| {
                    *other != server && this.stage == Stage::Serving(Role::Leader)
                };
                reached.reach_if(self.known.iter().any(is_other), Situation::LeadersServing);
            }
            Role::Follower => {
                reached.reach_if(self.committed.epoch() == epoch, Situation::JoinedLive);
            }
            Role::Observer => reached.reach(Situation::ObserverServed),
        }
        self.at(server).stage = Stage::Serving(role);
    }

    fn observe_broadcast(&mut self, fact: &Fact, reached: &mut Reached) {
        if let Fact::Proposed { zxid, txn, .. } = fact {
            self.on_proposed(*zxid, txn, reached);
        } else if let Fact::Appended { server, zxid, .. } = fact {
            let this = self.at(*server);
            this.appended = *zxid;
        } else if let Fact::Durable { server, zxid } = fact {
            self.at(*server).durable = *zxid;
        } else if let Fact::AckSent { server, zxid } = fact {
            self.at(*server).acked = *zxid;
        } else if let Fact::CommitDecided {
            server, zxid, acks, ..
        } = fact
        {
            reached.reach_if(acks.len() == self.quorum(), Situation::CommitExact);
            reached.reach_if(!acks.contains(*server), Situation::CommitWithoutLeader);
            self.committed = self.committed.max(*zxid);
        } else if let Fact::SessionExpiring { .. } = fact {
            reached.reach(Situation::SessionExpired);
        }
    }

    fn on_proposed(&mut self, zxid: Zxid, txn: &TxnSummary, reached: &mut Reached) {
        reached.reach_if(zxid.epoch() < self.established, Situation::MinorityProposed);
        let joins = |server: &Server| server.stage == Stage::AckedNewLeader;
        reached.reach_if(self.known.values().any(joins), Situation::LiveDuringSync);
        self.proposed = self.proposed.max(zxid);
        let behind = zxid.counter().saturating_sub(self.committed.counter());
        let is_many = zxid.epoch() == self.committed.epoch() && behind >= MANY;
        reached.reach_if(is_many, Situation::ManyInFlight);
        let opens = |change: &Change| matches!(change, Change::OpenSession { .. });
        reached.reach_if(txn.changes.iter().any(opens), Situation::SessionOpened);
        let closes = |change: &Change| matches!(change, Change::CloseSession { .. });
        let is_mass = txn.changes.iter().any(closes) && txn.changes.len() > 2;
        reached.reach_if(is_mass, Situation::EphemeralsExpired);
    }
}
