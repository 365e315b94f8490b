//! Lab 4, vote order: which of two votes is better?

use zablab::lab::{Solution, Vote, VoteOrder};

/// Your order.
pub struct Mine;

impl VoteOrder for Mine {
    /// Whether a server that votes for `current` changes its mind when it hears of `new`. A vote has the server voted for
    /// (`leader`), its epoch (`epoch`) and the last transaction in its log (`zxid`).
    fn supersedes(&self, new: &Vote, current: &Vote) -> bool {
        // This takes any other server's vote. Is that an order?
        new.leader != current.leader
    }
}

/// What is graded.
pub fn solution() -> Solution {
    Solution::VoteOrder(Box::new(Mine))
}
