//! Broadcast on the leader's side: proposals in flight, their acks, the commit rule (`Leader.propose`, `processAck`,
//! `tryToCommit`, zab.md §5.2).

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::config::Config;
use super::core::Out;
use super::rules::Rules;
use super::rules::asked::Acks;
use super::rules::broadcast::{AfterFailure, CommitOrder, CommitRule, LabelAck};
use super::rules::election::Rollover;
use crate::base::id::{ServerId, ServerSet, SessionId};
use crate::base::zxid::{Epoch, Zxid};
use crate::history::fact::Fact;
use crate::sim::process::Conn;
use crate::tree::txn::Txn;

/// A proposal that is not committed yet.
#[derive(Clone, Debug, Hash)]
struct Proposal {
    txn: Arc<Txn>,
    acks: ServerSet,
    /// How many acks have come, repeated ones too.
    count: usize,
}

/// Who waits for a SYNC after some commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SyncWaiter {
    /// The connection on which a learner asked: the answer belongs to no later one.
    pub conn: Conn,
    /// Its client's session.
    pub session: SessionId,
    /// The request's number.
    pub cxid: i32,
}

/// What one commit sets in motion.
#[derive(Clone, Debug)]
pub struct Commit {
    /// What was committed.
    pub txn: Arc<Txn>,
    /// Syncs that waited for it.
    pub syncs: Vec<SyncWaiter>,
}

/// The leader's proposals in one epoch.
#[derive(Clone, Debug, Hash)]
pub struct Broadcast {
    me: ServerId,
    epoch: Epoch,
    outstanding: BTreeMap<Zxid, Proposal>,
    last_proposed: Zxid,
    /// Never given out: with it the epoch is over.
    last_counter: u32,
    rollover: Rollover,
    last_committed: Zxid,
    /// Committed, not applied here yet (`toBeApplied`).
    to_be_applied: VecDeque<Arc<Txn>>,
    syncs: BTreeMap<Zxid, Vec<SyncWaiter>>,
}

impl Proposal {
    fn new(txn: Arc<Txn>) -> Self {
        Self {
            txn,
            acks: ServerSet::EMPTY,
            count: 0,
        }
    }

    /// Whether enough servers have acknowledged it.
    fn is_due(&self, leader: ServerId, config: &Config) -> bool {
        if let Some(rule) = &config.rules.asked.commits {
            return rule.is_committed(&Acks {
                leader,
                acks: self.acks,
                voters: config.voters,
                observers: config.observers,
            });
        }
        match config.rules.broadcast.commit {
            CommitRule::Quorum => config.is_quorum(self.acks),
            CommitRule::FirstFollower => self.acks.contains(leader) && self.acks.len() > 1,
            CommitRule::OwnLog => self.acks.contains(leader),
            CommitRule::CountedAcks => self.count > config.voters.len() / 2,
        }
    }
}

impl Broadcast {
    /// No proposal yet in this epoch, which ends where the counter would be `last_counter`.
    pub fn new(me: ServerId, epoch: Epoch, last_counter: u32, rollover: Rollover) -> Self {
        let label = Zxid::label(epoch);
        Self {
            me,
            epoch,
            outstanding: BTreeMap::new(),
            last_proposed: label,
            last_counter,
            rollover,
            last_committed: label,
            to_be_applied: VecDeque::new(),
            syncs: BTreeMap::new(),
        }
    }

    /// The same, where zxids go on from those of the log instead of beginning an epoch.
    #[must_use]
    pub fn after(mut self, last: Zxid) -> Self {
        (self.last_proposed, self.last_committed) = (last, last);
        self
    }

    /// The last zxid given out.
    pub fn last_proposed(&self) -> Zxid {
        self.last_proposed
    }

    /// The zxid of the next proposal; `None` when the counter is used up and the epoch must end (ZOOKEEPER-1277).
    pub fn next_zxid(&self) -> Option<Zxid> {
        let last = self.last_proposed;
        let room = self.last_counter.saturating_sub(last.counter());
        match self.rollover {
            Rollover::EndsEpoch => (room > 1).then(|| last.next()),
            Rollover::Carries if room == 0 => Some(Zxid::label(last.epoch().next())),
            Rollover::Carries => Some(last.next()),
        }
    }

    /// Records a proposal; its PROPOSALs go out in the same step.
    pub fn propose(&mut self, txn: Arc<Txn>, config: &Config, out: &mut Out) {
        let before = self.last_proposed;
        assert!(
            Some(txn.zxid) == self.next_zxid(),
            "proposal {} after {}",
            txn.zxid,
            self.last_proposed
        );
        self.last_proposed = txn.zxid;
        let (server, zxid, digest) = (self.me, txn.zxid, txn.digest);
        out.note(Fact::Proposed {
            server,
            zxid,
            digest,
            txn: Arc::clone(&txn.summary),
        });
        if txn.body.error().is_some() {
            match config.rules.broadcast.after_failure {
                AfterFailure::Next => {}
                AfterFailure::Same => self.last_proposed = before,
            }
        }
        self.outstanding.insert(zxid, Proposal::new(txn));
    }

    /// An ack arrived; returns what it commits, in order.
    pub fn on_ack(
        &mut self,
        from: ServerId,
        zxid: Zxid,
        config: &Config,
        out: &mut Out,
    ) -> Vec<Commit> {
        if !config.counts(from) {
            return Vec::new();
        }
        if zxid.is_label() {
            return self.on_label_ack(from, config, out);
        }
        if zxid <= self.last_committed && !self.outstanding.contains_key(&zxid) {
            return Vec::new();
        }
        let Some(proposal) = self.outstanding.get_mut(&zxid) else {
            out.note(Fact::Ignored {
                server: self.me,
                why: "ack-of-no-proposal".into(),
            });
            return Vec::new();
        };
        proposal.acks.insert(from);
        proposal.count += 1;
        self.commit_all(config, out)
    }

    /// A learner has acknowledged NEWLEADER again, now that it is up to date.
    fn on_label_ack(&mut self, from: ServerId, config: &Config, out: &mut Out) -> Vec<Commit> {
        match config.rules.broadcast.label_ack {
            LabelAck::Nothing => return Vec::new(),
            LabelAck::Everything => {}
        }
        for proposal in self.outstanding.values_mut() {
            proposal.acks.insert(from);
        }
        self.commit_all(config, out)
    }

    fn commit_all(&mut self, config: &Config, out: &mut Out) -> Vec<Commit> {
        let mut commits = Vec::new();
        while let Some(commit) = self.try_commit(config, out) {
            commits.push(commit);
        }
        commits
    }

    /// The proposal that may be committed now: never one before its predecessor.
    fn due(&self, config: &Config) -> Option<Zxid> {
        let is_due = |proposal: &Proposal| proposal.is_due(self.me, config);
        let mut candidates = self.outstanding.iter();
        let found = match config.rules.broadcast.order {
            CommitOrder::OldestFirst => candidates.next().filter(|(_, oldest)| is_due(oldest)),
            CommitOrder::AsAcknowledged => candidates.find(|(_, any)| is_due(any)),
        };
        found.map(|(zxid, _)| *zxid)
    }

    /// Commits a proposal if one is due.
    fn try_commit(&mut self, config: &Config, out: &mut Out) -> Option<Commit> {
        let zxid = self.due(config)?;
        let Proposal { txn, acks, .. } = self.outstanding.remove(&zxid).expect("just looked at");
        assert!(
            zxid == self.last_committed.next() || config.rules != Rules::default(),
            "commit of {zxid} after {}",
            self.last_committed
        );
        self.last_committed = self.last_committed.max(zxid);
        self.to_be_applied.push_back(Arc::clone(&txn));
        out.note(Fact::CommitDecided {
            server: self.me,
            zxid,
            epoch: self.epoch,
            acks,
        });
        Some(Commit {
            txn,
            syncs: self.syncs.remove(&zxid).unwrap_or_default(),
        })
    }

    /// A proposal that nobody has received stands before all others, under the zxid committed last: nobody will acknowledge
    /// it, and nothing is committed any more.
    pub fn jam(&mut self, txn: Arc<Txn>) {
        self.outstanding
            .insert(self.last_committed, Proposal::new(txn));
    }

    /// Whether everything proposed is committed and applied.
    pub fn is_quiet(&self) -> bool {
        self.outstanding.is_empty() && self.to_be_applied.is_empty()
    }

    /// The leader has applied its oldest committed transaction.
    pub fn on_applied(&mut self, zxid: Zxid) {
        let head = self
            .to_be_applied
            .pop_front()
            .expect("only committed transactions are applied");
        assert!(
            head.zxid == zxid,
            "applied {zxid}, but {} was due",
            head.zxid
        );
    }

    /// A learner's sync: the waiter is returned if nothing is in flight, else it waits for the last proposal's commit.
    pub fn on_sync(&mut self, waiter: SyncWaiter) -> Option<SyncWaiter> {
        if self.outstanding.is_empty() {
            return Some(waiter);
        }
        self.syncs
            .entry(self.last_proposed)
            .or_default()
            .push(waiter);
        None
    }

    /// Committed transactions after `seen` that are not applied yet.
    pub fn committed_after(&self, seen: Zxid) -> impl Iterator<Item = &Arc<Txn>> {
        self.to_be_applied.iter().filter(move |txn| txn.zxid > seen)
    }

    /// Proposals after `seen` that are not committed.
    pub fn proposed_after(&self, seen: Zxid) -> impl Iterator<Item = &Arc<Txn>> {
        self.outstanding
            .range(seen.next()..)
            .map(|(_, proposal)| &proposal.txn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::process::Effects;
    use crate::zab::testing::{txn, zxid};

    fn broadcast(proposals: u32) -> (Broadcast, Config, Out) {
        let config = Config::new(3, 1);
        let mut out = Effects::default();
        let mut broadcast = Broadcast::new(ServerId(1), Epoch(2), u32::MAX, Rollover::EndsEpoch);
        for counter in 1..=proposals {
            broadcast.propose(txn(2, counter), &config, &mut out);
        }
        (broadcast, config, out)
    }

    fn committed(commits: &[Commit]) -> Vec<Zxid> {
        commits.iter().map(|commit| commit.txn.zxid).collect()
    }

    #[test]
    fn a_quorum_of_acks_commits_with_or_without_the_leader() {
        let (mut broadcast, config, mut out) = broadcast(1);
        assert!(
            broadcast
                .on_ack(ServerId(2), zxid(2, 1), &config, &mut out)
                .is_empty()
        );
        let commits = broadcast.on_ack(ServerId(3), zxid(2, 1), &config, &mut out);
        assert_eq!(committed(&commits), [zxid(2, 1)]);
    }

    #[test]
    fn nothing_commits_before_its_predecessor() {
        let (mut broadcast, config, mut out) = broadcast(2);
        for server in [1, 2] {
            assert!(
                broadcast
                    .on_ack(ServerId(server), zxid(2, 2), &config, &mut out)
                    .is_empty()
            );
        }
        broadcast.on_ack(ServerId(1), zxid(2, 1), &config, &mut out);
        let commits = broadcast.on_ack(ServerId(2), zxid(2, 1), &config, &mut out);
        assert_eq!(committed(&commits), [zxid(2, 1), zxid(2, 2)]);
    }

    #[test]
    fn labels_observers_and_late_acks_do_not_count() {
        let (mut broadcast, config, mut out) = broadcast(1);
        assert!(
            broadcast
                .on_ack(ServerId(2), zxid(2, 0), &config, &mut out)
                .is_empty()
        );
        assert!(
            broadcast
                .on_ack(ServerId(4), zxid(2, 1), &config, &mut out)
                .is_empty()
        );
        assert!(
            broadcast
                .on_ack(ServerId(1), zxid(2, 1), &config, &mut out)
                .is_empty()
        );
        assert_eq!(
            broadcast
                .on_ack(ServerId(2), zxid(2, 1), &config, &mut out)
                .len(),
            1
        );
        assert!(
            broadcast
                .on_ack(ServerId(3), zxid(2, 1), &config, &mut out)
                .is_empty()
        );
    }

    #[test]
    fn a_sync_waits_for_what_is_in_flight() {
        let waiter = SyncWaiter {
            conn: Conn(2),
            session: SessionId(7),
            cxid: 1,
        };
        let (mut idle, ..) = broadcast(0);
        assert_eq!(idle.on_sync(waiter), Some(waiter));
        let (mut busy, config, mut out) = broadcast(2);
        assert_eq!(busy.on_sync(waiter), None);
        let mut released = Vec::new();
        for counter in 1..=2 {
            busy.on_ack(ServerId(1), zxid(2, counter), &config, &mut out);
            for commit in busy.on_ack(ServerId(2), zxid(2, counter), &config, &mut out) {
                released.push((commit.txn.zxid, commit.syncs.len()));
            }
        }
        assert_eq!(released, [(zxid(2, 1), 0), (zxid(2, 2), 1)]);
    }

    #[test]
    fn a_used_up_counter_ends_the_epoch() {
        let mut broadcast = Broadcast::new(ServerId(1), Epoch(2), u32::MAX, Rollover::EndsEpoch);
        broadcast.last_proposed = zxid(2, u32::MAX - 2);
        assert_eq!(broadcast.next_zxid(), Some(zxid(2, u32::MAX - 1)));
        broadcast.last_proposed = zxid(2, u32::MAX - 1);
        assert_eq!(broadcast.next_zxid(), None);
    }

    #[test]
    fn a_narrow_counter_ends_the_epoch_earlier() {
        let mut config = Config::new(3, 0);
        config.counter_bits = 4;
        let mut broadcast = Broadcast::new(
            ServerId(1),
            Epoch(2),
            config.last_counter(),
            Rollover::EndsEpoch,
        );
        broadcast.last_proposed = zxid(2, 13);
        assert_eq!(broadcast.next_zxid(), Some(zxid(2, 14)));
        broadcast.last_proposed = zxid(2, 14);
        assert_eq!(broadcast.next_zxid(), None);
    }
}
