//! The servers' part of a report: who led when, who was brought up to date how, where everybody stands at the end.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Serialize;

use crate::experiment::chronicle::histories::{Histories, HistoryId};
use crate::experiment::chronicle::standing::Standing;
use crate::experiment::chronicle::{Chronicle, Election};
use crate::experiment::scenario::plan::Roster;
use crate::history::fact::{Change, SyncKind};

/// A leader that came to serve.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ElectionLine {
    /// Of which epoch.
    pub epoch: u32,
    /// Which server.
    pub leader: u8,
    /// In which event.
    pub event: u64,
    /// When.
    pub time_us: u64,
    /// Who had acknowledged NEWLEADER by then.
    pub members: Vec<u8>,
    /// How long it had been looking for a leader before.
    pub took_us: u64,
}

impl ElectionLine {
    /// The line for an election.
    pub fn of(election: &Election) -> Self {
        Self {
            epoch: election.epoch.0,
            leader: election.leader.0,
            event: election.at.event.0,
            time_us: election.at.time.0 / 1_000,
            members: election.members.iter().map(|server| server.0).collect(),
            took_us: election.took.as_us(),
        }
    }
}

/// How learners were brought up to date, by kind.
#[derive(Clone, Copy, Debug, Default, Serialize, JsonSchema)]
pub struct Syncs {
    /// From the leader's memory.
    pub diff: u64,
    /// From the leader's log on disk.
    pub log_diff: u64,
    /// By truncation.
    pub trunc: u64,
    /// By a snapshot.
    pub snap: u64,
}

impl Syncs {
    /// The counts of a run.
    pub fn of(chronicle: &Chronicle) -> Self {
        let mut syncs = Self::default();
        for (.., kind) in &chronicle.syncs {
            *match kind {
                SyncKind::Diff => &mut syncs.diff,
                SyncKind::LogDiff => &mut syncs.log_diff,
                SyncKind::Trunc => &mut syncs.trunc,
                SyncKind::Snap => &mut syncs.snap,
            } += 1;
        }
        syncs
    }
}

/// Where a server stands at the end.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ServerLine {
    /// Which.
    pub server: u8,
    /// Whether it votes.
    pub observer: bool,
    /// `down`, `looking`, `joining`, `following`, `leading` or `observing`.
    pub role: &'static str,
    /// The leader it has chosen.
    pub leader: Option<u8>,
    /// The file acceptedEpoch.
    pub accepted_epoch: u32,
    /// The file currentEpoch.
    pub current_epoch: u32,
    /// The last transaction in its log.
    pub logged: String,
    /// The last one that is forced.
    pub durable: String,
    /// The last one it knows to be committed.
    pub committed: String,
    /// The last one that its tree has applied.
    pub applied: String,
    /// How many transactions its log holds.
    pub transactions: u64,
    /// How many znodes its tree has, those that every tree has left out.
    pub znodes: u64,
}

impl ServerLine {
    /// The lines of all servers.
    pub fn all(chronicle: &Chronicle, roster: Roster) -> Vec<Self> {
        let servers = 1..=u8::try_from(roster.servers()).expect("server ids are small");
        let line = |server| {
            let standing = chronicle.standing(crate::base::id::ServerId(server));
            Self::of(
                server,
                server > roster.voters,
                &standing,
                &chronicle.histories,
            )
        };
        servers.map(line).collect()
    }

    fn of(server: u8, observer: bool, standing: &Standing, histories: &Histories) -> Self {
        let last = |history| histories.last(history).to_string();
        Self {
            server,
            observer,
            role: standing.doing.name(),
            leader: standing.leader.map(|leader| leader.0),
            accepted_epoch: standing.accepted.0,
            current_epoch: standing.current.0,
            logged: last(standing.logged),
            durable: last(standing.durable),
            committed: last(standing.committed),
            applied: last(standing.applied),
            transactions: histories.lineage(standing.logged).depth,
            znodes: znodes(histories, standing.applied),
        }
    }
}

/// How many znodes are left at the end of a history.
fn znodes(histories: &Histories, applied: HistoryId) -> u64 {
    let mut paths = BTreeSet::new();
    let txns = histories.path(applied);
    for change in txns
        .iter()
        .filter_map(|link| link.txn.as_ref())
        .flat_map(|txn| &txn.changes)
    {
        match change {
            Change::Create { path, .. } => {
                paths.insert(path);
            }
            Change::Delete { path } => {
                paths.remove(path);
            }
            Change::SetData { .. }
            | Change::SetAcl { .. }
            | Change::OpenSession { .. }
            | Change::CloseSession { .. } => {}
        }
    }
    paths.len() as u64
}
