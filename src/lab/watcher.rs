//! What an invariant sees of a run, and the reference's invariants.
//!
//! An invariant only watches: a run is played first, and then told from its beginning to its end.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::play::{Nothing, Played, play_watched};
use super::wire::{self, ZxidForm};
use crate::base::rng::Seed;
use crate::cast::Witness;
use crate::experiment::generate;
use crate::experiment::scenario::Scenario;
use crate::history::fact::{Fact, Role, SyncKind};
use crate::sim::sink::Stamp;

/// One thing that happened; servers are numbers, texts tell contents apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Seen {
    /// A run begins; nobody has done anything.
    Start {
        /// Who votes.
        voters: Vec<u8>,
        /// Who only follows.
        observers: Vec<u8>,
    },
    /// A server's process stopped.
    Stopped {
        /// Which.
        server: u8,
    },
    /// A leader has the consent of a quorum to lead an epoch.
    Led {
        /// Who.
        server: u8,
        /// Which.
        epoch: u32,
        /// Who agreed.
        quorum: Vec<u8>,
    },
    /// A leader sent a learner what it lacks.
    Synced {
        /// The leader.
        server: u8,
        /// The learner.
        learner: u8,
        /// `diff`, `trunc` or `snap`.
        how: String,
        /// Where the learner's log ended.
        peer: ZxidForm,
        /// Where it ends then.
        upto: ZxidForm,
    },
    /// A server begins to serve clients.
    Serves {
        /// Which.
        server: u8,
        /// `leader`, `follower` or `observer`.
        role: String,
        /// In which epoch.
        epoch: u32,
        /// The last transaction that it has applied.
        last: ZxidForm,
        /// Equal for equal histories.
        history: String,
    },
    /// A server serves no longer.
    Ceased {
        /// Which.
        server: u8,
    },
    /// A leader sent a proposal.
    Proposed {
        /// The leader.
        server: u8,
        /// Its number.
        zxid: ZxidForm,
        /// Equal for equal contents.
        what: String,
    },
    /// A server said that a proposal is on its disk.
    Acked {
        /// Which.
        server: u8,
        /// Which proposal.
        zxid: ZxidForm,
    },
    /// A leader decided that a proposal is committed.
    Committed {
        /// The leader.
        server: u8,
        /// Which.
        zxid: ZxidForm,
        /// Who had acknowledged it.
        acks: Vec<u8>,
    },
    /// A server that serves applied a transaction.
    Delivered {
        /// Which.
        server: u8,
        /// The transaction.
        zxid: ZxidForm,
        /// Equal for equal contents.
        what: String,
        /// Equal for equal trees, after it.
        state: String,
    },
}

/// Something that must hold in every run.
pub trait Invariant: Send {
    /// Looks at what happened; what is wrong, if anything.
    fn observe(&mut self, seen: &Seen) -> Option<String>;
}

/// What an invariant said of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Alarm {
    /// At which of the events, from 0.
    pub at: usize,
    /// What is wrong.
    pub why: String,
}

/// The first alarm of a run.
pub fn first_alarm(invariant: &mut dyn Invariant, events: &[Seen]) -> Option<Alarm> {
    events.iter().enumerate().find_map(|(at, seen)| {
        let why = invariant.observe(seen)?;
        Some(Alarm { at, why })
    })
}

/// A run with what is to be seen of it, each with the event of the run.
#[derive(Clone, Debug)]
pub struct Watched {
    /// The run.
    pub played: Played,
    /// What an invariant sees.
    pub seen: Vec<Seen>,
    /// The event of each.
    pub events: Vec<u64>,
}

/// Plays a seed of a family with a defect or without one.
pub fn watch(family: &Scenario, seed: u64, defect: Option<&str>) -> Watched {
    let mut scenario = family.clone();
    scenario.seed = Seed(seed);
    scenario.mutants = defect.map(str::to_owned).into_iter().collect();
    let scenario = generate::expand(&scenario);
    let ensemble = &scenario.ensemble;
    let voters: Vec<u8> = (1..=ensemble.voters).collect();
    let observers = (1..=ensemble.observers).map(|nth| ensemble.voters + nth);
    let mut eye = Eye {
        seen: vec![Seen::Start {
            voters,
            observers: observers.collect(),
        }],
        events: vec![0],
    };
    let played = play_watched(&scenario, &Nothing, &mut eye);
    Watched {
        played,
        seen: eye.seen,
        events: eye.events,
    }
}

struct Eye {
    seen: Vec<Seen>,
    events: Vec<u64>,
}

impl Witness for Eye {
    fn witness(&mut self, at: Stamp, fact: &Fact) {
        if let Some(seen) = see(fact) {
            self.seen.push(seen);
            self.events.push(at.event.0);
        }
    }
}

fn mark(digest: u64) -> String {
    format!("{:08x}", digest >> 32)
}

fn see(fact: &Fact) -> Option<Seen> {
    Some(if let Fact::ServerCrashed { server, .. } = fact {
        Seen::Stopped { server: server.0 }
    } else if let Fact::QuorumFormed {
        server,
        epoch,
        members,
        ..
    } = fact
    {
        Seen::Led {
            server: server.0,
            epoch: epoch.0,
            quorum: wire::list(*members),
        }
    } else if let Fact::SyncSent {
        server,
        learner,
        kind,
        peer,
        upto,
    } = fact
    {
        let how = match kind {
            SyncKind::Diff | SyncKind::LogDiff => "diff",
            SyncKind::Trunc => "trunc",
            SyncKind::Snap => "snap",
        };
        Seen::Synced {
            server: server.0,
            learner: learner.0,
            how: how.to_owned(),
            peer: (*peer).into(),
            upto: (*upto).into(),
        }
    } else if let Fact::ServeStart {
        server,
        role,
        epoch,
        lineage,
        ..
    } = fact
    {
        let role = match role {
            Role::Leader => "leader",
            Role::Follower => "follower",
            Role::Observer => "observer",
        };
        Seen::Serves {
            server: server.0,
            role: role.to_owned(),
            epoch: epoch.0,
            last: lineage.last.into(),
            history: mark(lineage.hash),
        }
    } else if let Fact::RoleEnd { server, .. } = fact {
        Seen::Ceased { server: server.0 }
    } else {
        return see_broadcast(fact);
    })
}

fn see_broadcast(fact: &Fact) -> Option<Seen> {
    Some(
        if let Fact::Proposed {
            server,
            zxid,
            digest,
            ..
        } = fact
        {
            Seen::Proposed {
                server: server.0,
                zxid: (*zxid).into(),
                what: mark(*digest),
            }
        } else if let Fact::AckSent { server, zxid } = fact {
            Seen::Acked {
                server: server.0,
                zxid: (*zxid).into(),
            }
        } else if let Fact::CommitDecided {
            server, zxid, acks, ..
        } = fact
        {
            Seen::Committed {
                server: server.0,
                zxid: (*zxid).into(),
                acks: wire::list(*acks),
            }
        } else if let Fact::Delivered {
            server,
            zxid,
            digest,
            tree,
        } = fact
        {
            Seen::Delivered {
                server: server.0,
                zxid: (*zxid).into(),
                what: mark(*digest),
                state: mark(*tree),
            }
        } else {
            return None;
        },
    )
}

/// The reference's invariants: one leader per epoch, commits by majorities, equal prefixes, no step back.
#[derive(Clone, Debug, Default)]
pub struct Model {
    voters: Vec<u8>,
    leaders: BTreeMap<u32, u8>,
    contents: BTreeMap<ZxidForm, (String, String)>,
    histories: BTreeMap<ZxidForm, String>,
    last: BTreeMap<u8, ZxidForm>,
}

impl Invariant for Model {
    fn observe(&mut self, seen: &Seen) -> Option<String> {
        match seen {
            Seen::Start { voters, .. } => {
                self.voters.clone_from(voters);
                None
            }
            Seen::Led { server, epoch, .. } => self.leads(*server, *epoch),
            Seen::Proposed { server, zxid, .. } => self.leads(*server, zxid.epoch),
            Seen::Committed { zxid, acks, .. } => {
                let votes = acks.iter().filter(|ack| self.voters.contains(ack)).count();
                let (epoch, counter, all) = (zxid.epoch, zxid.counter, self.voters.len());
                (votes * 2 <= all)
                    .then(|| format!("{epoch}:{counter} was committed with {votes} of {all} votes"))
            }
            Seen::Serves {
                server,
                last,
                history,
                ..
            } => {
                self.last.insert(*server, *last);
                let known = self
                    .histories
                    .entry(*last)
                    .or_insert_with(|| history.clone());
                let (epoch, counter) = (last.epoch, last.counter);
                (known != history).then(|| format!("two histories end with {epoch}:{counter}"))
            }
            Seen::Delivered {
                server,
                zxid,
                what,
                state,
            } => self.delivers(*server, *zxid, (what, state)),
            Seen::Stopped { .. }
            | Seen::Synced { .. }
            | Seen::Ceased { .. }
            | Seen::Acked { .. } => None,
        }
    }
}

impl Model {
    fn leads(&mut self, server: u8, epoch: u32) -> Option<String> {
        let known = *self.leaders.entry(epoch).or_insert(server);
        (known != server).then(|| format!("servers {known} and {server} both lead epoch {epoch}"))
    }

    fn delivers(
        &mut self,
        server: u8,
        zxid: ZxidForm,
        (what, state): (&str, &str),
    ) -> Option<String> {
        let (epoch, counter) = (zxid.epoch, zxid.counter);
        let before = self.last.insert(server, zxid);
        if before.is_some_and(|before| before >= zxid) {
            return Some(format!("server {server} went back to {epoch}:{counter}"));
        }
        let new = || (what.to_owned(), state.to_owned());
        let known = self.contents.entry(zxid).or_insert_with(new);
        (*known != new())
            .then(|| format!("{epoch}:{counter} is not the same at server {server} as elsewhere"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::course::{DEFECTS, Lab};

    fn alarms(defect: Option<&str>, seeds: std::ops::Range<u64>) -> usize {
        let family = Lab::find("invariant").unwrap().rounds[0].scenario();
        let loud = |seed: &u64| {
            let watched = watch(&family, *seed, defect);
            first_alarm(&mut Model::default(), &watched.seen).is_some()
        };
        seeds.filter(loud).count()
    }

    #[test]
    fn the_reference_is_silent_about_correct_runs_and_finds_most_defects() {
        assert_eq!(alarms(None, 1..9), 0);
        let found = DEFECTS
            .iter()
            .filter(|defect| alarms(Some(defect), 1..4) > 0);
        assert!(found.count() >= 5);
    }
}
