//! The design choices of the protocol, each read at exactly one place. The first variant of each is the correct one
//! (zab.md §16.1); the others are designs that fail, switched on by `mutant`.

pub mod asked;
pub mod broadcast;
pub mod election;
pub mod log;
pub mod odd;
pub mod reads;
pub mod session;
pub mod sync;

use std::borrow::Cow;

use crate::base::id::{ServerId, ServerSet};
use crate::history::fact::SyncKind;
use crate::tree::rules::{PrepRules, TreeRules, WatchRules};
pub use asked::Asked;
pub use broadcast::BroadcastRules;
pub use election::ElectionRules;
use election::EpochFiles;
pub use log::LogRules;
pub use odd::OddRules;
pub use reads::ReadRules;
pub use session::SessionRules;
use sync::NewLeaderStep;
pub use sync::SyncRules;

/// All choices together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Rules {
    /// Which sets of voters decide.
    pub quorum: QuorumRule,
    /// Who becomes leader, and of which epoch.
    pub election: ElectionRules,
    /// How a learner gets the leader's history.
    pub sync: SyncRules,
    /// What is on disk, and what a server makes of it.
    pub log: LogRules,
    /// How proposals are acknowledged, committed and applied.
    pub broadcast: BroadcastRules,
    /// Who may ask what, until when, and in which order it is answered.
    pub session: SessionRules,
    /// How reads and syncs are answered, and when events are sent.
    pub reads: ReadRules,
    /// How requests become transactions.
    pub prep: PrepRules,
    /// What becomes of writes that fail.
    pub failures: FailedWrites,
    /// What transactions do, and what reads show of it.
    pub tree: TreeRules,
    /// Who hears of changes.
    pub watch: WatchRules,
    /// Oddities that break nothing.
    pub odd: OddRules,
    /// Who is asked instead.
    pub asked: Asked,
}

impl Rules {
    /// What a learner does at NEWLEADER, in order.
    pub fn new_leader_steps(&self, kind: SyncKind) -> Cow<'static, [NewLeaderStep]> {
        let asked = self.asked.at_new_leader(kind);
        asked.unwrap_or_else(|| self.sync.new_leader.steps(kind).into())
    }

    /// What becomes of the epoch files.
    pub fn epoch_files(&self) -> EpochFiles {
        match self.asked.stores_promises() {
            Some(true) => EpochFiles::Kept,
            Some(false) => EpochFiles::AcceptedForgotten,
            None => self.election.files,
        }
    }
}

/// What becomes of writes that fail (semantics.md §0.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum FailedWrites {
    /// They become transactions: they take a zxid and are answered in its turn.
    #[default]
    Proposed,
    /// The leader answers its own clients' at once, without a zxid.
    AnsweredAtOnce,
}

/// Which sets of voters decide.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum QuorumRule {
    /// More than half.
    #[default]
    Majority,
    /// floor(n/2) servers: two quorums need not meet.
    HalfRoundedDown,
    /// Half, where their number is even: the two halves need not meet.
    HalfOfEven,
    /// As many servers as a majority of voters, whoever they are.
    ObserversToo,
}

impl QuorumRule {
    /// Whether a server counts at all.
    pub fn counts(self, server: ServerId, voters: ServerSet) -> bool {
        match self {
            Self::Majority | Self::HalfRoundedDown | Self::HalfOfEven => voters.contains(server),
            Self::ObserversToo => true,
        }
    }

    /// Whether `members` of `voters` decide; members that are no voters do not count (`QuorumMaj.containsQuorum`).
    pub fn contains_quorum(self, members: ServerSet, voters: ServerSet) -> bool {
        let present = members
            .iter()
            .filter(|server| self.counts(*server, voters))
            .count();
        match self {
            Self::Majority | Self::ObserversToo => present > voters.len() / 2,
            Self::HalfRoundedDown => present >= (voters.len() / 2).max(1),
            Self::HalfOfEven => present >= voters.len().div_ceil(2),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(servers: std::ops::RangeInclusive<u8>) -> ServerSet {
        servers.map(ServerId).collect()
    }

    #[test]
    fn two_quorums_meet_under_the_first_rule_alone() {
        let decides = |rule: QuorumRule, members| rule.contains_quorum(members, set(1..=4));
        assert!(!decides(QuorumRule::Majority, set(1..=2)));
        assert!(decides(QuorumRule::HalfOfEven, set(1..=2)));
        assert!(decides(QuorumRule::HalfOfEven, set(3..=4)));
        assert!(
            !decides(QuorumRule::Majority, set(4..=6)),
            "5 and 6 are observers"
        );
        assert!(decides(QuorumRule::ObserversToo, set(4..=6)));
    }
}
