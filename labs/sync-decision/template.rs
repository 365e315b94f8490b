//! Lab 6, sync decision: what does a learner get that comes back?

use zablab::lab::{LeaderLog, PeerState, Solution, SyncPlan, SyncPolicy};

/// Your policy.
pub struct Mine;

impl SyncPolicy for Mine {
    /// How the learner is brought to the leader's history: `leader.window` is what the leader has in memory of it,
    /// oldest first, and `peer.last` the learner's last transaction; a zxid with counter 0 is the label of an epoch.
    fn decide(&self, leader: &LeaderLog, peer: &PeerState) -> SyncPlan {
        // A snapshot is always right. What does it cost?
        let _ = (leader, peer);
        SyncPlan::Snap
    }
}

/// What is graded.
pub fn solution() -> Solution {
    Solution::SyncPolicy(Box::new(Mine))
}
