//! Proposals received and not committed (`pendingTxns`, `packetsNotLogged`): they come without gaps and leave from the
//! head, or the connection is not worth keeping (K12).

use std::collections::VecDeque;
use std::sync::Arc;

use super::core::{Core, Out, Quit, Step};
use super::rules::sync::Disorder;
use crate::base::zxid::Zxid;
use crate::history::fact::Fact;
use crate::tree::txn::Txn;

/// A learner's pending proposals, oldest first.
#[derive(Clone, Debug)]
pub struct Pending {
    txns: VecDeque<Arc<Txn>>,
    /// The last proposal received (`lastQueued`), committed or not.
    last: Zxid,
    /// Whether `last` was received, and not just counted from.
    has_begun: bool,
}

impl Pending {
    /// Nothing pending after `last`.
    pub fn after(last: Zxid) -> Self {
        Self {
            txns: VecDeque::new(),
            last,
            has_begun: false,
        }
    }

    /// The next proposal.
    pub fn add(&mut self, txn: Arc<Txn>, core: &Core) -> Step {
        let may_be_any = match core.config.rules.sync.disorder {
            Disorder::EndsConnection => false,
            Disorder::FirstMayBeAny => !self.has_begun,
            Disorder::GoesOn => true,
        };
        if !may_be_any && !txn.zxid.follows(self.last) {
            return Err(Quit("a gap in the proposals"));
        }
        (self.last, self.has_begun) = (txn.zxid, true);
        self.txns.push_back(txn);
        Ok(())
    }

    /// The head is committed, and it must be this one.
    pub fn take(&mut self, zxid: Zxid, core: &Core, out: &mut Out) -> Result<Arc<Txn>, Quit> {
        let head = self.txns.pop_front();
        let head_zxid = head.as_ref().map_or(Zxid::ZERO, |head| head.zxid);
        head.filter(|_| head_zxid == zxid).ok_or_else(|| {
            out.note(Fact::CommitOutOfOrder {
                server: core.me,
                zxid,
                head: head_zxid,
            });
            Quit("a commit without its proposal at the head")
        })
    }

    /// Everything pending is forgotten; what comes next continues it.
    pub fn forget(&mut self) {
        self.txns.clear();
    }

    /// What was applied before is pending again.
    pub fn put_before(&mut self, applied: Vec<Arc<Txn>>) {
        for txn in applied.into_iter().rev() {
            self.txns.push_front(txn);
        }
    }

    /// What is pending.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Txn>> {
        self.txns.iter()
    }

    /// How many are pending.
    pub fn len(&self) -> usize {
        self.txns.len()
    }

    /// Whether nothing is pending.
    pub fn is_empty(&self) -> bool {
        self.txns.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::process::Effects;
    use crate::zab::testing::{core, txn, zxid};

    #[test]
    fn gaps_and_commits_of_anything_but_the_head_end_the_connection() {
        let core = core(1, 3, &[(1, 3)]);
        let mut out = Effects::default();
        let mut pending = Pending::after(zxid(1, 3));
        for (epoch, counter, is_next) in [
            (1, 5, false),
            (1, 3, false),
            (2, 2, false),
            (1, 4, true),
            (2, 1, true),
        ] {
            let added = pending.add(txn(epoch, counter), &core);
            assert_eq!(added.is_ok(), is_next, "{epoch}:{counter}");
        }
        let mut take = |pending: &mut Pending, zxid| pending.take(zxid, &core, &mut out).is_ok();
        assert!(!take(&mut pending.clone(), zxid(2, 1)));
        assert!(take(&mut pending, zxid(1, 4)));
        assert!(take(&mut pending, zxid(2, 1)));
        assert!(!take(&mut pending, zxid(2, 2)));
        let told = out.list().len();
        assert_eq!(told, 2, "each refused commit is told to the checkers");
    }
}
