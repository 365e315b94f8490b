//! Who can recover at all: the oracle that excuses a dead ensemble, and says why (dst.md §6.8).
//!
//! It knows nothing of the protocol but that a quorum of voters must run: a server that refuses to start because of what
//! is on its disk does not come back by itself, and without a quorum of others nobody can be asked for progress.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::base::id::{ServerId, ServerSet};
use crate::history::fact::{EPOCH_BEHIND, Fact, PROMISE_BEHIND};

/// What is known of servers that cannot start.
#[derive(Clone, Debug)]
pub struct Recovery {
    voters: ServerSet,
    /// Servers that are to recover; the others may be gone for good.
    core: Option<ServerSet>,
    refusing: BTreeMap<ServerId, Cow<'static, str>>,
}

impl Recovery {
    /// Every one of these voters can start, as far as is known.
    pub fn of(voters: ServerSet) -> Self {
        Self {
            voters,
            core: None,
            refusing: BTreeMap::new(),
        }
    }

    /// Only these servers are to recover.
    pub fn leave(&mut self, core: ServerSet) {
        self.core = Some(core);
    }

    /// Whether a fact of this kind can matter.
    pub fn heeds(fact: &Fact) -> bool {
        matches!(fact, Fact::BootRefused { .. } | Fact::Booted { .. })
    }

    /// Takes the next fact.
    pub fn observe(&mut self, fact: &Fact) {
        if let Fact::BootRefused { server, why } = fact {
            let is_damaged = ![EPOCH_BEHIND, PROMISE_BEHIND].contains(&&**why);
            if is_damaged {
                self.refusing.insert(*server, why.clone());
            }
        } else if let Fact::Booted { server, .. } = fact {
            self.refusing.remove(server);
        }
    }

    /// Whether a server refused to start when it last tried.
    pub fn refuses(&self, server: ServerId) -> bool {
        self.refusing.contains_key(&server)
    }

    /// Why no quorum can run, if none can.
    pub fn excuse(&self) -> Option<String> {
        let is_due = |server: &ServerId| self.core.is_none_or(|core| core.contains(*server));
        let left = self
            .voters
            .iter()
            .filter(|server| is_due(server) && !self.refuses(*server))
            .count();
        let (needed, voters) = (self.voters.len() / 2 + 1, self.voters.len());
        if left >= needed || self.refusing.is_empty() {
            return None;
        }
        let refusals: Vec<String> = self
            .refusing
            .iter()
            .filter(|(server, _)| self.voters.contains(**server) && is_due(server))
            .map(|(server, why)| format!("server {server} refuses to start ({why})"))
            .collect();
        let refusals = refusals.join(", ");
        Some(format!(
            "{refusals}; {left} of {voters} voters can run, a quorum needs {needed}"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(server: u8) -> Fact {
        Fact::BootRefused {
            server: ServerId(server),
            why: "bad checksum".into(),
        }
    }

    fn set(servers: std::ops::RangeInclusive<u8>) -> ServerSet {
        servers.map(ServerId).collect()
    }

    #[test]
    fn an_ensemble_without_a_quorum_that_can_start_is_excused() {
        let mut recovery = Recovery::of(set(1..=3));
        recovery.observe(&refused(1));
        assert_eq!(recovery.excuse(), None);
        assert!(recovery.refuses(ServerId(1)));
        recovery.observe(&refused(3));
        assert_eq!(
            recovery.excuse().as_deref(),
            Some(
                "server 1 refuses to start (bad checksum), server 3 refuses to start (bad checksum); \
                 1 of 3 voters can run, a quorum needs 2"
            )
        );
    }

    #[test]
    fn epoch_files_that_contradict_each_other_are_no_excuse() {
        let mut recovery = Recovery::of(set(1..=3));
        for (server, why) in [(1, EPOCH_BEHIND), (3, PROMISE_BEHIND)] {
            recovery.observe(&Fact::BootRefused {
                server: ServerId(server),
                why: why.into(),
            });
            assert!(!recovery.refuses(ServerId(server)));
        }
        assert_eq!(recovery.excuse(), None);
    }

    #[test]
    fn who_is_not_of_the_core_does_not_count() {
        let mut recovery = Recovery::of(set(1..=5));
        recovery.leave(set(1..=3));
        recovery.observe(&refused(5));
        assert_eq!(recovery.excuse(), None);
        recovery.observe(&refused(2));
        let excuse = recovery.excuse().unwrap();
        assert_eq!(
            excuse,
            "server 2 refuses to start (bad checksum); 2 of 5 voters can run, a quorum needs 3"
        );
    }

    #[test]
    fn whoever_started_after_all_is_back() {
        let mut recovery = Recovery::of(set(1..=3));
        recovery.observe(&refused(1));
        recovery.observe(&refused(2));
        recovery.observe(&Fact::Booted {
            server: ServerId(2),
            lineage: crate::base::lineage::Lineage::EMPTY,
            accepted: crate::base::zxid::Epoch(0),
            current: crate::base::zxid::Epoch(0),
        });
        assert_eq!(recovery.excuse(), None);
    }
}
