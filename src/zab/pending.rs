//! Proposals received and not committed (`pendingTxns`, `packetsNotLogged`): they come without gaps and leave from the
//! head, or the connection is not worth keeping (K12).

use std::collections::VecDeque;
use std::sync::Arc;

use super::core::{Quit, Step};
use crate::base::zxid::Zxid;
use crate::tree::txn::Txn;

/// A learner's pending proposals, oldest first.
#[derive(Clone, Debug)]
pub struct Pending {
    txns: VecDeque<Arc<Txn>>,
    /// The last proposal received (`lastQueued`), committed or not.
    last: Zxid,
}

impl Pending {
    /// Nothing pending after `last`.
    pub fn after(last: Zxid) -> Self {
        Self {
            txns: VecDeque::new(),
            last,
        }
    }

    /// The next proposal.
    pub fn add(&mut self, txn: Arc<Txn>) -> Step {
        if !txn.zxid.follows(self.last) {
            return Err(Quit("a gap in the proposals"));
        }
        self.last = txn.zxid;
        self.txns.push_back(txn);
        Ok(())
    }

    /// The head is committed, and it must be this one.
    pub fn take(&mut self, zxid: Zxid) -> Result<Arc<Txn>, Quit> {
        match self.txns.pop_front() {
            Some(head) if head.zxid == zxid => Ok(head),
            Some(_) | None => Err(Quit("a commit without its proposal at the head")),
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
    use crate::zab::testing::{txn, zxid};

    #[test]
    fn gaps_and_commits_of_anything_but_the_head_end_the_connection() {
        let mut pending = Pending::after(zxid(1, 3));
        assert!(pending.add(txn(1, 5)).is_err());
        assert!(pending.add(txn(1, 3)).is_err());
        assert!(pending.add(txn(2, 2)).is_err());
        assert!(pending.add(txn(1, 4)).is_ok());
        assert!(pending.add(txn(2, 1)).is_ok());
        assert!(pending.clone().take(zxid(2, 1)).is_err());
        assert!(pending.take(zxid(1, 4)).is_ok());
        assert!(pending.take(zxid(2, 1)).is_ok());
        assert!(pending.take(zxid(2, 2)).is_err());
    }
}
