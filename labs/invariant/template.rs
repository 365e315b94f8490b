//! Lab 13, invariant: what must hold in every run.

use std::collections::BTreeMap;

use zablab::lab::{Invariant, Seen, Solution};

/// Your invariant; a new one is made for each run.
#[derive(Default)]
pub struct Mine {
    /// Who led an epoch.
    leaders: BTreeMap<u32, u8>,
}

impl Invariant for Mine {
    /// Looks at one event after the other; says what is wrong, if anything.
    fn observe(&mut self, seen: &Seen) -> Option<String> {
        match seen {
            Seen::Led { server, epoch, .. } => {
                let first = *self.leaders.entry(*epoch).or_insert(*server);
                (first != *server)
                    .then(|| format!("servers {first} and {server} lead epoch {epoch}"))
            }
            // What else must hold?
            _ => None,
        }
    }
}

/// What is graded.
pub fn solution() -> Solution {
    Solution::invariant(Mine::default)
}
