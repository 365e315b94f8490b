//! Lab 12, quorum verifier: who decides?

use zablab::lab::{Ensemble, QuorumVerifier, ServerSet, Solution};

/// Your verifier.
pub struct Mine;

impl QuorumVerifier for Mine {
    /// Whether these members decide: two sets that decide must have a voter in common. Votes may weigh
    /// (`ensemble.weights`, 1 where nothing is said), and voters may be in groups (`ensemble.groups`).
    fn contains_quorum(&self, members: ServerSet, ensemble: &Ensemble) -> bool {
        // More than half of all machines. Which machines?
        2 * members.len() > ensemble.voters.len() + ensemble.observers.len()
    }
}

/// What is graded.
pub fn solution() -> Solution {
    Solution::QuorumVerifier(Box::new(Mine))
}
