//! A small language for runs of an ensemble: each verb pushes the facts that a correct server would emit, one event and one
//! millisecond later than the one before. A bad run leaves a verb out, or says one that a correct server would not.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::base::digest::mix;
use crate::base::id::{ClientId, EventId, ServerId, ServerSet, SessionId};
use crate::base::lineage::Lineage;
use crate::base::time::Time;
use crate::base::zxid::{Epoch, Zxid};
use crate::check::news::Desk;
use crate::check::verdict::{At, Findings, Monitor, Property, Verdict};
use crate::check::zab::ZabMonitor;
use crate::history::fact::{EpochFile, Fact, Role, SyncKind, TxnSummary};
use crate::history::op::Response;

/// `z(2, 7)` is 2:7.
pub(super) fn z(epoch: u32, counter: u32) -> Zxid {
    Zxid::new(Epoch(epoch), counter)
}

/// The contents that correct leaders give to a transaction.
pub(super) fn contents(zxid: Zxid) -> u64 {
    mix(zxid.0)
}

/// The history of these transactions, with their correct contents.
pub(super) fn history(txns: &[Zxid]) -> Lineage {
    txns.iter().fold(Lineage::EMPTY, |lineage, zxid| {
        lineage.push(*zxid, contents(*zxid))
    })
}

/// A server as the test drives it.
#[derive(Clone, Debug, Default)]
pub(super) struct Server {
    pub(super) log: Vec<Zxid>,
    /// How much of the log is forced.
    pub(super) forced: usize,
    /// How much of the log is applied.
    pub(super) applied: usize,
    pub(super) accepted: u32,
    pub(super) current: u32,
}

/// A run under construction.
#[derive(Clone, Debug)]
pub(super) struct Ensemble {
    facts: Vec<(At, Fact)>,
    voters: u8,
    pub(super) servers: BTreeMap<u8, Server>,
}

impl Ensemble {
    /// Voters 1..=n and, after them, observers; all booted with empty disks and looking for a leader.
    pub(super) fn new(voters: u8, observers: u8) -> Self {
        let mut run = Self {
            facts: Vec::new(),
            voters,
            servers: (1..=voters + observers)
                .map(|sid| (sid, Server::default()))
                .collect(),
        };
        for sid in 1..=voters + observers {
            run.boot(sid);
        }
        run
    }

    pub(super) fn fact(&mut self, fact: Fact) {
        let ordinal = self.facts.len() as u64 + 1;
        let at = At {
            event: EventId(ordinal),
            time: Time::from_ms(ordinal),
        };
        self.facts.push((at, fact));
    }

    pub(super) fn server(&mut self, sid: u8) -> &mut Server {
        self.servers.get_mut(&sid).unwrap()
    }

    fn lineage(&self, sid: u8, length: usize) -> Lineage {
        history(&self.servers[&sid].log[..length])
    }

    // ----- a server's life

    pub(super) fn boot(&mut self, sid: u8) {
        let server = self.server(sid).clone();
        self.fact(Fact::Booted {
            server: ServerId(sid),
            lineage: history(&server.log),
            accepted: Epoch(server.accepted),
            current: Epoch(server.current),
        });
        let kept: Vec<Zxid> = server
            .log
            .iter()
            .copied()
            .filter(|zxid| zxid.epoch() <= Epoch(server.current))
            .collect();
        if kept != server.log {
            self.server(sid).log.clone_from(&kept);
            self.fact(Fact::BootDropped {
                server: ServerId(sid),
                lineage: history(&kept),
            });
        }
        self.server(sid).forced = kept.len();
        self.server(sid).applied = kept.len();
        self.vote(sid);
    }

    /// What is not forced is gone.
    pub(super) fn crash(&mut self, sid: u8) {
        let forced = self.server(sid).forced;
        self.server(sid).log.truncate(forced);
        self.fact(Fact::ServerCrashed {
            server: ServerId(sid),
            power: true,
            code: None,
        });
    }

    pub(super) fn vote(&mut self, sid: u8) {
        let server = self.servers[&sid].clone();
        let lineage = history(&server.log);
        self.fact(Fact::Voted {
            server: ServerId(sid),
            round: 1,
            lineage,
            zxid: lineage.last,
            epoch: Epoch(server.current),
        });
    }

    pub(super) fn end(&mut self, sid: u8, role: Role) {
        self.fact(Fact::RoleEnd {
            server: ServerId(sid),
            role,
            why: "test".into(),
        });
        let length = self.servers[&sid].log.len();
        self.server(sid).applied = length;
    }

    // ----- discovery and synchronisation

    pub(super) fn lead(&mut self, sid: u8) {
        let lineage = self.lineage(sid, self.servers[&sid].log.len());
        self.fact(Fact::LeadStarted {
            server: ServerId(sid),
            lineage,
        });
    }

    pub(super) fn store(&mut self, sid: u8, file: EpochFile, epoch: u32) {
        match file {
            EpochFile::Accepted => self.server(sid).accepted = epoch,
            EpochFile::Current => self.server(sid).current = epoch,
        }
        self.fact(Fact::EpochDurable {
            server: ServerId(sid),
            file,
            epoch: Epoch(epoch),
        });
    }

    pub(super) fn propose_epoch(&mut self, sid: u8, epoch: u32) {
        self.store(sid, EpochFile::Accepted, epoch);
        self.fact(Fact::EpochProposed {
            server: ServerId(sid),
            epoch: Epoch(epoch),
        });
    }

    pub(super) fn promise(&mut self, sid: u8, leader: u8, epoch: u32) {
        self.fact(Fact::Elected {
            server: ServerId(sid),
            leader: ServerId(leader),
            round: 1,
        });
        self.store(sid, EpochFile::Accepted, epoch);
        self.fact(Fact::AckEpochSent {
            server: ServerId(sid),
            epoch: Epoch(epoch),
            counted: true,
        });
    }

    /// The learner takes over the leader's whole log.
    pub(super) fn switch(&mut self, sid: u8, leader: u8, epoch: u32) {
        let log = self.servers[&leader].log.clone();
        self.switch_to(sid, log, epoch);
    }

    pub(super) fn switch_to(&mut self, sid: u8, log: Vec<Zxid>, epoch: u32) {
        let server = self.server(sid);
        server.forced = log.len();
        server.applied = log.len();
        server.current = epoch;
        server.log = log;
        let lineage = history(&self.servers[&sid].log);
        self.fact(Fact::Switched {
            server: ServerId(sid),
            kind: SyncKind::Diff,
            lineage,
            epoch: Epoch(epoch),
        });
    }

    pub(super) fn ack_newleader(&mut self, sid: u8, epoch: u32) {
        let voter = sid <= self.voters;
        self.fact(Fact::NewLeaderAckSent {
            server: ServerId(sid),
            epoch: Epoch(epoch),
            voter,
        });
    }

    /// The leader learns that these servers and itself acknowledged NEWLEADER.
    pub(super) fn form(&mut self, leader: u8, epoch: u32, followers: &[u8]) {
        let members: ServerSet = followers
            .iter()
            .chain([&leader])
            .map(|sid| ServerId(*sid))
            .collect();
        let lineage = self.lineage(leader, self.servers[&leader].log.len());
        self.fact(Fact::QuorumFormed {
            server: ServerId(leader),
            epoch: Epoch(epoch),
            members,
            lineage,
        });
    }

    /// Begins to serve with everything in the log applied.
    pub(super) fn serve(&mut self, sid: u8, role: Role, epoch: u32) {
        let length = self.servers[&sid].log.len();
        self.server(sid).applied = length;
        let lineage = self.lineage(sid, length);
        self.fact(Fact::ServeStart {
            server: ServerId(sid),
            role,
            epoch: Epoch(epoch),
            lineage,
            tree: mix(lineage.hash),
        });
    }

    /// Discovery and synchronisation up to the leader's D4 and its followers' ACK of NEWLEADER.
    pub(super) fn synchronise(&mut self, leader: u8, epoch: u32, followers: &[u8]) {
        self.lead(leader);
        self.propose_epoch(leader, epoch);
        for sid in followers {
            self.promise(*sid, leader, epoch);
        }
        self.store(leader, EpochFile::Current, epoch);
        for sid in followers {
            self.switch(*sid, leader, epoch);
            self.ack_newleader(*sid, epoch);
        }
    }

    /// A correct change of leader.
    pub(super) fn establish(&mut self, leader: u8, epoch: u32, followers: &[u8]) {
        self.synchronise(leader, epoch, followers);
        self.form(leader, epoch, followers);
        self.serve(leader, Role::Leader, epoch);
        for sid in followers {
            self.serve(*sid, Role::Follower, epoch);
        }
    }

    // ----- broadcast

    pub(super) fn propose(&mut self, leader: u8, zxid: Zxid) {
        self.propose_as(leader, zxid, contents(zxid));
    }

    pub(super) fn propose_as(&mut self, leader: u8, zxid: Zxid, digest: u64) {
        let txn = Arc::new(TxnSummary {
            session: SessionId(1),
            cxid: 1,
            changes: Vec::new(),
            error: None,
            text: Arc::from(format!("setData /k v{}", zxid.counter())),
        });
        self.fact(Fact::Proposed {
            server: ServerId(leader),
            zxid,
            digest,
            txn,
        });
    }

    pub(super) fn append(&mut self, sid: u8, zxid: Zxid) {
        self.server(sid).log.push(zxid);
        self.fact(Fact::Appended {
            server: ServerId(sid),
            zxid,
            digest: contents(zxid),
        });
    }

    pub(super) fn force(&mut self, sid: u8) {
        let length = self.servers[&sid].log.len();
        self.server(sid).forced = length;
        let zxid = *self.servers[&sid].log.last().unwrap();
        self.fact(Fact::Durable {
            server: ServerId(sid),
            zxid,
        });
    }

    pub(super) fn ack(&mut self, sid: u8, zxid: Zxid) {
        self.fact(Fact::AckSent {
            server: ServerId(sid),
            zxid,
        });
    }

    /// Append, fsync, ACK.
    pub(super) fn accept(&mut self, sid: u8, zxid: Zxid) {
        self.append(sid, zxid);
        self.force(sid);
        self.ack(sid, zxid);
    }

    pub(super) fn commit(&mut self, leader: u8, zxid: Zxid) {
        let epoch = Epoch(self.servers[&leader].current);
        self.fact(Fact::CommitDecided {
            server: ServerId(leader),
            zxid,
            epoch,
            acks: ServerSet::EMPTY,
        });
    }

    /// Applies the next transaction of the log.
    pub(super) fn deliver(&mut self, sid: u8) {
        let index = self.servers[&sid].applied;
        let zxid = self.servers[&sid].log[index];
        self.server(sid).applied += 1;
        let lineage = self.lineage(sid, index + 1);
        self.deliver_as(sid, zxid, (contents(zxid), mix(lineage.hash)));
    }

    /// Delivers a transaction with this digest of its contents and this state afterwards.
    pub(super) fn deliver_as(&mut self, sid: u8, zxid: Zxid, digests: (u64, u64)) {
        self.fact(Fact::Delivered {
            server: ServerId(sid),
            zxid,
            digest: digests.0,
            tree: digests.1,
        });
    }

    /// A write from proposal to delivery everywhere.
    pub(super) fn write(&mut self, leader: u8, followers: &[u8], zxid: Zxid) {
        self.propose(leader, zxid);
        self.accept(leader, zxid);
        for sid in followers {
            self.accept(*sid, zxid);
        }
        self.commit(leader, zxid);
        self.deliver(leader);
        for sid in followers {
            self.deliver(*sid);
        }
    }

    /// A client gets a reply with this zxid.
    pub(super) fn tell(&mut self, client: u16, zxid: Zxid) {
        self.fact(Fact::Returned {
            client: ClientId(client),
            op: 1,
            session: SessionId(u64::from(client)),
            conn: 1,
            zxid: Some(zxid),
            result: Ok(Response::Empty),
        });
    }

    // ----- verdicts

    pub(super) fn judge(&self) -> Findings {
        let voters = (1..=self.voters).map(ServerId).collect();
        self.judge_by(ZabMonitor::new(voters))
    }

    pub(super) fn judge_by(&self, mut monitor: ZabMonitor) -> Findings {
        let mut findings = Findings::default();
        let mut desk = Desk::default();
        for (at, fact) in &self.facts {
            let note = desk.note(*at, fact);
            monitor.observe(&note.news(*at, fact), &mut findings);
        }
        let (last, _) = self.facts.last().unwrap();
        monitor.finish(&desk.end(*last), &mut findings);
        findings
    }

    /// Demands that nothing is violated and that this property was exercised.
    pub(super) fn assert_holds(&self, property: Property) {
        let findings = self.judge();
        assert!(
            findings.violations().is_empty(),
            "{:#?}",
            findings.violations()
        );
        assert_eq!(findings.verdict(property), Verdict::Holds, "{property}");
    }

    /// Demands that the first violation of the property has this signature, that its story is in order of time and not
    /// longer than six sentences, and that it ends with the contradiction.
    pub(super) fn assert_broken(&self, property: Property, signature: &str) {
        let findings = self.judge();
        let violation = findings
            .violations()
            .iter()
            .find(|violation| violation.property == property)
            .unwrap_or_else(|| panic!("{property} was not found broken: {findings:#?}"));
        assert_eq!(violation.signature, signature, "{violation:#?}");
        assert!((1..=6).contains(&violation.story.len()), "{violation:#?}");
        assert!(
            violation
                .story
                .is_sorted_by_key(|sentence| sentence.at.event),
            "{violation:#?}"
        );
        assert_eq!(
            violation.story.last().unwrap().at,
            violation.at,
            "{violation:#?}"
        );
    }

    /// Demands that only these properties are violated.
    pub(super) fn assert_only_broken(&self, properties: &[Property]) {
        let findings = self.judge();
        for violation in findings.violations() {
            assert!(properties.contains(&violation.property), "{violation:#?}");
        }
    }
}
