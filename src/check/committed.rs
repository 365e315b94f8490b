//! The committed transactions in order, as leaders announced them: C1 and C2 of zab.md §11.3, with their contents.
//!
//! A leader's CommitDecided commits one proposal; QuorumFormed commits a leader's whole initial history, of which the
//! tail may have been proposed in earlier epochs and decided by nobody. Which proposals those are follows from the
//! history's hash. Whether any of this was right is `zab`'s to judge; where the announcements do not fit together the
//! log says so and the monitors that lean on it fall silent.

use std::collections::VecDeque;
use std::sync::Arc;

use super::verdict::{At, Sentence};
use super::wording::Witness;
use crate::base::id::ServerId;
use crate::base::lineage::Lineage;
use crate::base::zxid::Zxid;
use crate::history::fact::{Fact, TxnSummary};

/// A transaction with its origin.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// Its number.
    pub zxid: Zxid,
    /// What it does.
    pub txn: Arc<TxnSummary>,
    /// Who proposed it.
    pub server: ServerId,
    /// When.
    pub at: At,
    /// Who was acknowledged it, where that is all that is known.
    author: Option<Box<Witness>>,
    digest: u64,
}

impl Entry {
    /// A transaction known from its acknowledgement to a client.
    pub(super) fn acknowledged(zxid: Zxid, txn: Arc<TxnSummary>, author: Witness) -> Self {
        Self {
            zxid,
            txn,
            server: ServerId(0),
            at: author.at(),
            author: Some(Box::new(author)),
            digest: 0,
        }
    }

    /// `server 2 proposed setData /k1 v3 at zxid 1:7`.
    pub(super) fn sentence(&self) -> Sentence {
        if let Some(author) = &self.author {
            return author.sentence();
        }
        Sentence {
            at: self.at,
            text: format!(
                "server {} proposed {} at zxid {}",
                self.server, self.txn.text, self.zxid
            ),
        }
    }
}

/// The committed log as far as it has grown.
#[derive(Clone, Debug)]
pub(super) struct Committed {
    /// Proposals above the end in the order of zxids; several servers may have used one zxid.
    proposals: VecDeque<Entry>,
    end: Lineage,
    whole: bool,
}

/// Steps taken to find a history by its hash.
const STEPS: usize = 100_000;

impl Default for Committed {
    fn default() -> Self {
        Self {
            proposals: VecDeque::new(),
            end: Lineage::EMPTY,
            whole: true,
        }
    }
}

impl Committed {
    /// Whether every announcement fitted, so that the log has no gap.
    pub(super) fn is_whole(&self) -> bool {
        self.whole
    }

    /// Whether a fact is news: few are.
    #[inline]
    pub(super) fn heeds(&self, fact: &Fact) -> bool {
        if let Fact::Proposed { zxid, .. }
        | Fact::CommitDecided { zxid, .. }
        | Fact::Delivered { zxid, .. } = fact
        {
            *zxid > self.end.last
        } else {
            matches!(fact, Fact::QuorumFormed { .. })
        }
    }

    /// Takes a fact; answers what it commits, in order.
    pub(super) fn observe(&mut self, at: At, fact: &Fact) -> Vec<Arc<Entry>> {
        if !self.heeds(fact) {
            return Vec::new();
        }
        if let Fact::Proposed {
            server,
            zxid,
            digest,
            txn,
        } = fact
        {
            self.propose(Entry {
                zxid: *zxid,
                txn: Arc::clone(txn),
                server: *server,
                at,
                author: None,
                digest: *digest,
            });
            Vec::new()
        } else if let Fact::CommitDecided { server, zxid, .. } = fact {
            self.commit_one(*zxid, |entry| entry.server == *server)
        } else if let Fact::Delivered { zxid, digest, .. } = fact {
            self.commit_one(*zxid, |entry| entry.digest == *digest)
        } else if let Fact::QuorumFormed { lineage, .. } = fact {
            self.commit_history(*lineage)
        } else {
            Vec::new()
        }
    }

    fn propose(&mut self, entry: Entry) {
        let mut others = self.proposals.iter();
        let before = others.rposition(|other| other.zxid <= entry.zxid);
        let place = before.map_or(0, |before| before + 1);
        self.proposals.insert(place, entry);
    }

    fn commit_one(&mut self, zxid: Zxid, is_meant: impl Fn(&Entry) -> bool) -> Vec<Arc<Entry>> {
        let upto = self.proposals.iter().take_while(|entry| entry.zxid <= zxid);
        let meant = upto.filter(|entry| entry.zxid == zxid && is_meant(entry));
        let Some(entry) = meant.last().cloned() else {
            self.whole = false;
            return Vec::new();
        };
        if !zxid.follows(self.end.last) {
            self.whole = false;
        }
        vec![self.push(entry)]
    }

    fn commit_history(&mut self, target: Lineage) -> Vec<Arc<Entry>> {
        if target == self.end {
            return Vec::new();
        }
        let path = if target.depth > self.end.depth {
            self.find(target)
        } else {
            None
        };
        self.whole &= path.is_some();
        let path = path.into_iter().flatten();
        path.map(|entry| self.push(entry)).collect()
    }

    /// The log grows by one; what else was proposed up to there is forgotten.
    fn push(&mut self, entry: Entry) -> Arc<Entry> {
        self.end = self.end.push(entry.zxid, entry.digest);
        let is_past = |other: &mut Entry| other.zxid <= entry.zxid;
        while self.proposals.pop_front_if(is_past).is_some() {}
        Arc::new(entry)
    }

    /// The proposals that lead from the end of the log to a history, depth first.
    fn find(&self, target: Lineage) -> Option<Vec<Entry>> {
        let mut path: Vec<Entry> = Vec::new();
        let mut ends = vec![self.end];
        let mut choices = vec![self.after(self.end.last, target.last)];
        for _ in 0..STEPS {
            let end = *ends.last()?;
            if end == target {
                return Some(path);
            }
            let next = choices.last_mut()?.pop();
            if let Some(entry) = next.filter(|_| end.depth < target.depth) {
                let end = end.push(entry.zxid, entry.digest);
                choices.push(self.after(entry.zxid, target.last));
                ends.push(end);
                path.push(entry);
            } else {
                choices.pop();
                ends.pop();
                path.pop();
            }
        }
        None
    }

    /// What may follow a transaction in a history that ends at `last`; the likeliest comes last.
    fn after(&self, zxid: Zxid, last: Zxid) -> Vec<Entry> {
        if zxid >= last {
            return Vec::new();
        }
        let later = self.proposals.iter().skip_while(|next| next.zxid <= zxid);
        let mut entries: Vec<Entry> = later
            .take_while(|next| next.zxid <= last)
            .filter(|next| next.zxid.follows(zxid))
            .cloned()
            .collect();
        entries.reverse();
        entries
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::id::{EventId, ServerSet, SessionId};
    use crate::base::time::Time;
    use crate::base::zxid::Epoch;

    const AT: At = At {
        event: EventId(1),
        time: Time::ZERO,
    };

    fn zxid(epoch: u32, counter: u32) -> Zxid {
        Zxid::new(Epoch(epoch), counter)
    }

    fn propose(log: &mut Committed, server: u8, zxid: Zxid, digest: u64) {
        let txn = TxnSummary {
            session: SessionId::NONE,
            cxid: 0,
            changes: Vec::new(),
            error: None,
            text: "nothing".into(),
        };
        let committed = log.observe(
            AT,
            &Fact::Proposed {
                server: ServerId(server),
                zxid,
                digest,
                txn: Arc::new(txn),
            },
        );
        assert!(committed.is_empty());
    }

    fn form(log: &mut Committed, lineage: Lineage) -> Vec<(Zxid, u64)> {
        let fact = Fact::QuorumFormed {
            server: ServerId(1),
            epoch: lineage.last.epoch().next(),
            members: ServerSet::EMPTY,
            lineage,
        };
        names(&log.observe(AT, &fact))
    }

    fn decide(log: &mut Committed, server: u8, zxid: Zxid) -> Vec<(Zxid, u64)> {
        let fact = Fact::CommitDecided {
            server: ServerId(server),
            zxid,
            epoch: zxid.epoch(),
            acks: ServerSet::EMPTY,
        };
        names(&log.observe(AT, &fact))
    }

    fn names(committed: &[Arc<Entry>]) -> Vec<(Zxid, u64)> {
        let committed = committed.iter();
        committed.map(|entry| (entry.zxid, entry.digest)).collect()
    }

    #[test]
    fn a_decision_commits_the_proposal_of_the_server_that_decides() {
        let mut log = Committed::default();
        propose(&mut log, 1, zxid(1, 1), 10);
        propose(&mut log, 2, zxid(1, 1), 20);
        assert_eq!(decide(&mut log, 1, zxid(1, 1)), vec![(zxid(1, 1), 10)]);
        assert!(decide(&mut log, 1, zxid(1, 1)).is_empty());
        assert!(log.is_whole());
    }

    #[test]
    fn a_new_leader_commits_what_its_history_took_over_and_nothing_else() {
        let mut log = Committed::default();
        for counter in 1..=3 {
            propose(&mut log, 1, zxid(1, counter), u64::from(counter));
        }
        propose(&mut log, 2, zxid(2, 1), 21);
        propose(&mut log, 2, zxid(2, 2), 22);
        decide(&mut log, 1, zxid(1, 1));
        let history = Lineage::EMPTY
            .push(zxid(1, 1), 1)
            .push(zxid(1, 2), 2)
            .push(zxid(2, 1), 21);
        assert_eq!(
            form(&mut log, history),
            vec![(zxid(1, 2), 2), (zxid(2, 1), 21)]
        );
        assert!(log.is_whole());
    }

    #[test]
    fn a_history_without_a_committed_transaction_breaks_the_log() {
        let mut log = Committed::default();
        propose(&mut log, 1, zxid(1, 1), 1);
        decide(&mut log, 1, zxid(1, 1));
        assert!(form(&mut log, Lineage::EMPTY).is_empty());
        assert!(!log.is_whole());
    }

    #[test]
    fn a_decision_that_leaves_one_out_breaks_the_log() {
        let mut log = Committed::default();
        propose(&mut log, 1, zxid(1, 1), 1);
        propose(&mut log, 1, zxid(1, 2), 2);
        decide(&mut log, 1, zxid(1, 2));
        assert!(!log.is_whole());
    }
}
