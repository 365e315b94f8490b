//! A run as a reader remembers it: where each server stood, who led when, what clients asked and were told, which faults struck.
//! Gathered from facts while the run is played; reports and players are made from it.

pub mod histories;
pub mod operations;
pub mod standing;

use std::collections::BTreeMap;

use histories::Histories;
use operations::Operations;
use standing::{Doing, Standing};

use crate::base::id::{ServerId, ServerSet};
use crate::base::time::{Span, Time};
use crate::base::zxid::Epoch;
use crate::cast::Witness;
use crate::check::verdict::At;
use crate::history::fact::{Fact, Role, SyncKind};
use crate::sim::sink::Stamp;

/// What is remembered of a run.
#[derive(Clone, Debug, Default)]
pub struct Chronicle {
    /// Every history some server had.
    pub histories: Histories,
    /// Where each server stands now.
    pub servers: BTreeMap<ServerId, Standing>,
    /// Leaders that were established, in order.
    pub elections: Vec<Election>,
    /// Times a learner was brought up to date, in order.
    pub syncs: Vec<(At, ServerId, ServerId, SyncKind)>,
    /// What clients asked for.
    pub operations: Operations,
    /// Faults that struck or tried to, in order.
    pub faults: Vec<Struck>,
    /// Since when a server looks for a leader.
    looking: BTreeMap<ServerId, Time>,
    quorums: BTreeMap<(ServerId, Epoch), ServerSet>,
}

/// A leader came to serve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Election {
    /// Of which epoch.
    pub epoch: Epoch,
    /// Who.
    pub leader: ServerId,
    /// When it began to serve.
    pub at: At,
    /// Who had acknowledged NEWLEADER by then.
    pub members: ServerSet,
    /// How long it had been looking for a leader before.
    pub took: Span,
}

/// A fault of the plan that struck, or found nothing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Struck {
    /// Place in the plan.
    pub index: u32,
    /// When it began.
    pub began: At,
    /// When it was over.
    pub ended: Option<At>,
    /// Whether it changed anything.
    pub effective: bool,
    /// Why not.
    pub why: Option<String>,
    /// The nodes it was resolved to, servers as `1`, clients as `c1`.
    pub targets: Vec<String>,
}

impl Chronicle {
    /// Where a server stands.
    pub fn standing(&self, server: ServerId) -> Standing {
        self.servers.get(&server).copied().unwrap_or_default()
    }

    fn follow(&mut self, at: At, fact: &Fact) {
        let Some(server) = Standing::subject(fact) else {
            return;
        };
        let standing = self.servers.entry(server).or_default();
        let before = standing.doing;
        standing.observe(fact, &mut self.histories);
        if standing.doing == Doing::Looking && before != Doing::Looking {
            self.looking.insert(server, at.time);
        }
    }

    fn remember(&mut self, at: At, fact: &Fact) {
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "the rest is in the standings and operations"
        )]
        match fact {
            Fact::Proposed {
                zxid, digest, txn, ..
            } => self.histories.propose(*zxid, *digest, txn),
            Fact::QuorumFormed {
                server,
                epoch,
                members,
                ..
            } => {
                self.quorums.insert((*server, *epoch), *members);
            }
            Fact::ServeStart {
                server,
                role: Role::Leader,
                epoch,
                ..
            } => self.on_leader(at, *server, *epoch),
            Fact::SyncSent {
                server,
                learner,
                kind,
                ..
            } => self.syncs.push((at, *server, *learner, *kind)),
            Fact::FaultBegan {
                index,
                effective,
                targets,
                why,
            } => self.faults.push(Struck {
                index: *index,
                began: at,
                ended: None,
                effective: *effective,
                why: why.as_ref().map(ToString::to_string),
                targets: targets.iter().map(ToString::to_string).collect(),
            }),
            Fact::FaultEnded { index } => {
                let open = |struck: &&mut Struck| struck.index == *index && struck.ended.is_none();
                if let Some(struck) = self.faults.iter_mut().rev().find(open) {
                    struck.ended = Some(at);
                }
            }
            _ => {}
        }
    }

    fn on_leader(&mut self, at: At, leader: ServerId, epoch: Epoch) {
        let since = self.looking.get(&leader).copied().unwrap_or(at.time);
        self.elections.push(Election {
            epoch,
            leader,
            at,
            members: self
                .quorums
                .get(&(leader, epoch))
                .copied()
                .unwrap_or_default(),
            took: at.time.since(since),
        });
    }
}

impl Witness for Chronicle {
    fn witness(&mut self, stamp: Stamp, fact: &Fact) {
        let at = At {
            event: stamp.event,
            time: stamp.time,
        };
        self.remember(at, fact);
        self.follow(at, fact);
        self.operations.observe(at, fact);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::run::play;
    use crate::experiment::scenario::Scenario;

    fn chronicle(faults: &str) -> Chronicle {
        let text = format!(
            r#"{{ "format": 1, "name": "x", "ensemble": {{ "voters": 3 }},
                "workload": [{{ "kind": "versioned-register", "clients": 2 }}],
                "limits": {{ "virtual_ms": 4000 }}, "plan": [{faults}] }}"#
        );
        let scenario = Scenario::parse(text.as_bytes(), "x.json", &[]).unwrap();
        let mut chronicle = Chronicle::default();
        play(&scenario, &mut chronicle);
        chronicle
    }

    #[test]
    fn in_a_quiet_run_one_leader_serves_and_all_servers_end_with_its_history() {
        let chronicle = chronicle("");
        assert_eq!(chronicle.elections.len(), 1);
        let election = &chronicle.elections[0];
        assert!(election.members.len() >= 2);
        assert!(election.took > Span::ZERO);
        let leader = chronicle.standing(election.leader);
        assert_eq!(leader.doing, Doing::Leading);
        assert_eq!(leader.current, election.epoch);
        let led = chronicle.histories.lineage(leader.logged);
        assert!(led.depth > 10);
        for standing in chronicle.servers.values() {
            // The last transaction may still be on its way.
            let own = chronicle.histories.path(standing.logged);
            let path = chronicle.histories.path(leader.logged);
            assert!(own.len() + 3 > path.len());
            for (one, two) in own.iter().zip(&path) {
                assert_eq!(one.lineage, two.lineage);
            }
        }
        for link in chronicle.histories.links() {
            assert!(link.txn.is_some(), "{} was proposed by nobody", link.zxid);
        }
    }

    #[test]
    fn a_crash_is_remembered_with_its_end_and_leaves_nothing_applied() {
        let text = r#"{ "id": "f", "fault": "crash", "node": 2, "at_ms": 1000, "for_ms": 500 }"#;
        let chronicle = chronicle(text);
        let [struck] = &chronicle.faults[..] else {
            panic!("{:?}", chronicle.faults);
        };
        assert!(struck.effective);
        assert_eq!(struck.targets, ["2"]);
        let ended = struck.ended.expect("it lasted half a second");
        assert_eq!(ended.time.since(struck.began.time), Span::from_ms(500));
        let forever =
            r#"{ "id": "f", "fault": "crash", "node": 2, "at_ms": 1000, "for_ms": 90000 }"#;
        let standing = self::chronicle(forever).standing(ServerId(2));
        // At the end of its time a run heals everything.
        assert_ne!(standing.doing, Doing::Down);
    }
}
