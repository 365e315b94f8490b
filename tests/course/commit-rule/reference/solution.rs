//! Lab 2, commit rule: the same as solution.py.

use zablab::lab::{Acks, CommitRule, Solution};

struct Mine;

impl CommitRule for Mine {
    fn is_committed(&self, acks: &Acks) -> bool {
        let voters = acks.acks.iter().filter(|ack| acks.voters.contains(*ack));
        2 * voters.count() > acks.voters.len()
    }
}

/// What is graded.
pub fn solution() -> Solution {
    Solution::CommitRule(Box::new(Mine))
}
