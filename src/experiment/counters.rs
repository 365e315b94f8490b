//! What a run exercised, counted from its facts: elections, syncs, commits, operations by outcome, faults.

use crate::history::fact::{Fact, Role, SyncKind};

/// Counts of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "`rows` says each in words")]
pub struct Counters {
    pub faults: u64,
    pub faults_in_vain: u64,
    pub crashes: u64,
    pub power_losses: u64,
    pub boots: u64,
    pub boot_refusals: u64,
    pub looking: u64,
    pub elections: u64,
    pub syncs_diff: u64,
    pub syncs_trunc: u64,
    pub syncs_snap: u64,
    pub proposals: u64,
    pub commits: u64,
    pub deliveries: u64,
    pub sessions: u64,
    pub connections: u64,
    pub sessions_expired: u64,
    pub watches_fired: u64,
    pub ops_ok: u64,
    pub ops_failed: u64,
    pub ops_unknown: u64,
    pub ops_unsent: u64,
}

impl Counters {
    /// Counts one fact.
    pub fn observe(&mut self, fact: &Fact) {
        let counter = match fact {
            Fact::FaultBegan {
                effective: true, ..
            } => &mut self.faults,
            Fact::FaultBegan {
                effective: false, ..
            } => &mut self.faults_in_vain,
            Fact::ServerCrashed { power: false, .. } => &mut self.crashes,
            Fact::ServerCrashed { power: true, .. } => &mut self.power_losses,
            Fact::Booted { .. } => &mut self.boots,
            Fact::BootRefused { .. } => &mut self.boot_refusals,
            Fact::Voted { .. } => &mut self.looking,
            Fact::ServeStart {
                role: Role::Leader, ..
            } => &mut self.elections,
            Fact::SyncSent { kind, .. } => match kind {
                SyncKind::Diff | SyncKind::LogDiff => &mut self.syncs_diff,
                SyncKind::Trunc => &mut self.syncs_trunc,
                SyncKind::Snap => &mut self.syncs_snap,
            },
            Fact::Proposed { .. } => &mut self.proposals,
            Fact::CommitDecided { .. } => &mut self.commits,
            Fact::Delivered { .. } => &mut self.deliveries,
            Fact::Connected { fresh: true, .. } => {
                self.connections += 1;
                &mut self.sessions
            }
            Fact::Connected { fresh: false, .. } => &mut self.connections,
            Fact::SessionExpiring { .. } => &mut self.sessions_expired,
            Fact::EventReceived { .. } => &mut self.watches_fired,
            Fact::Returned { result: Ok(_), .. } => &mut self.ops_ok,
            Fact::Returned { result: Err(_), .. } => &mut self.ops_failed,
            Fact::Lost { sent: true, .. } => &mut self.ops_unknown,
            Fact::Lost { sent: false, .. } => &mut self.ops_unsent,
            Fact::ClientCrashed { .. }
            | Fact::FaultEnded { .. }
            | Fact::OutsideModel { .. }
            | Fact::ClockHeld { .. }
            | Fact::Recipe { .. }
            | Fact::BootDropped { .. }
            | Fact::Ignored { .. }
            | Fact::Elected { .. }
            | Fact::EpochDurable { .. }
            | Fact::AckEpochSent { .. }
            | Fact::EpochProposed { .. }
            | Fact::Switched { .. }
            | Fact::NewLeaderAckSent { .. }
            | Fact::LeadStarted { .. }
            | Fact::QuorumFormed { .. }
            | Fact::ServeStart { .. }
            | Fact::RoleEnd { .. }
            | Fact::Appended { .. }
            | Fact::Durable { .. }
            | Fact::AckSent { .. }
            | Fact::DiskTruncated { .. }
            | Fact::CommitOutOfOrder { .. }
            | Fact::SessionTouched { .. }
            | Fact::SessionMoved { .. }
            | Fact::Invoked { .. }
            | Fact::Disconnected { .. }
            | Fact::Expired { .. }
            | Fact::WatchesReset { .. }
            | Fact::Ponged { .. } => return,
        };
        *counter += 1;
    }

    /// Adds the counts of another run, in the order of [`Self::rows`].
    pub fn add(&mut self, counts: &[u64]) {
        for (mine, theirs) in self.all_mut().into_iter().zip(counts) {
            *mine += theirs;
        }
    }

    /// Every count with its name in reports.
    pub fn rows(&self) -> [(&'static str, u64); 22] {
        [
            ("faults", self.faults),
            ("faults_in_vain", self.faults_in_vain),
            ("crashes", self.crashes),
            ("power_losses", self.power_losses),
            ("boots", self.boots),
            ("boot_refusals", self.boot_refusals),
            ("looking", self.looking),
            ("elections", self.elections),
            ("syncs_diff", self.syncs_diff),
            ("syncs_trunc", self.syncs_trunc),
            ("syncs_snap", self.syncs_snap),
            ("proposals", self.proposals),
            ("commits", self.commits),
            ("deliveries", self.deliveries),
            ("sessions", self.sessions),
            ("connections", self.connections),
            ("sessions_expired", self.sessions_expired),
            ("watches_fired", self.watches_fired),
            ("ops_ok", self.ops_ok),
            ("ops_failed", self.ops_failed),
            ("ops_unknown", self.ops_unknown),
            ("ops_unsent", self.ops_unsent),
        ]
    }

    /// Every count, in the order of [`Self::rows`].
    fn all_mut(&mut self) -> [&mut u64; 22] {
        [
            &mut self.faults,
            &mut self.faults_in_vain,
            &mut self.crashes,
            &mut self.power_losses,
            &mut self.boots,
            &mut self.boot_refusals,
            &mut self.looking,
            &mut self.elections,
            &mut self.syncs_diff,
            &mut self.syncs_trunc,
            &mut self.syncs_snap,
            &mut self.proposals,
            &mut self.commits,
            &mut self.deliveries,
            &mut self.sessions,
            &mut self.connections,
            &mut self.sessions_expired,
            &mut self.watches_fired,
            &mut self.ops_ok,
            &mut self.ops_failed,
            &mut self.ops_unknown,
            &mut self.ops_unsent,
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adding_counts_keeps_every_row_at_its_place() {
        let mut one = Counters::default();
        for (index, count) in one.all_mut().into_iter().enumerate() {
            *count = index as u64 + 1;
        }
        let mut two = one;
        two.add(&one.rows().map(|row| row.1));
        for (index, (name, count)) in two.rows().into_iter().enumerate() {
            assert_eq!(count, 2 * (index as u64 + 1), "{name}");
        }
    }
}
