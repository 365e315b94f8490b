//! Transactions: what the leader resolved a request to; applying one is deterministic and idempotent.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use crate::base::id::SessionId;
use crate::base::zxid::Zxid;
use crate::history::fact::TxnSummary;

/// One transaction of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Txn {
    /// Its number.
    pub zxid: Zxid,
    /// The session that asked.
    pub session: SessionId,
    /// The request's number in that session.
    pub cxid: i32,
    /// The leader's wall clock when it was prepared, milliseconds.
    pub time_ms: u64,
    /// Digest of everything above and of the body.
    pub digest: u64,
    /// The same for checkers and readers.
    pub summary: Arc<TxnSummary>,
}

impl Hash for Txn {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.zxid.0);
        state.write_u64(self.digest);
    }
}
