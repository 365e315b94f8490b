//! Votes, and when they agree (zab.md §2.2, `Vote.equals`); their order is `rules::election::VoteOrder`.

use super::rules::election::Agreement;
use crate::base::id::ServerId;
use crate::base::zxid::{Epoch, Zxid};
use crate::words::message::{Notification, ServerState};

/// Who should lead, and how good its history is said to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Vote {
    /// The server voted for.
    pub leader: ServerId,
    /// Its last zxid.
    pub zxid: Zxid,
    /// Its currentEpoch.
    pub epoch: Epoch,
}

impl Vote {
    /// The vote of who may not vote: any other is better.
    pub const NOBODY: Self = Self {
        leader: ServerId(0),
        zxid: Zxid::ZERO,
        epoch: Epoch(0),
    };

    /// The vote that a notification carries.
    pub fn of(n: &Notification) -> Self {
        Self {
            leader: n.leader,
            zxid: n.zxid,
            epoch: n.peer_epoch,
        }
    }
}

/// A vote as somebody cast it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ballot {
    /// For whom.
    pub vote: Vote,
    /// In which round; of a decided sender, the round in which it decided.
    pub round: u64,
    /// The sender's state.
    pub state: ServerState,
}

impl Ballot {
    /// The ballot that a notification carries.
    pub fn of(n: &Notification) -> Self {
        Self {
            vote: Vote::of(n),
            round: n.round,
            state: n.state,
        }
    }

    /// Whether two ballots count for the same outcome (ZOOKEEPER-1732, ZOOKEEPER-1805): among decided servers only the
    /// leader and its epoch matter, since zxid and round legitimately differ between those that joined at other times.
    pub fn agrees_with(&self, other: &Self, rule: Agreement) -> bool {
        let is_looking = self.state == ServerState::Looking || other.state == ServerState::Looking;
        if is_looking || rule == Agreement::Identical {
            self.vote == other.vote && self.round == other.round
        } else {
            self.vote.leader == other.vote.leader && self.vote.epoch == other.vote.epoch
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zab::rules::election::VoteOrder;

    fn vote(leader: u8, epoch: u32, counter: u32) -> Vote {
        Vote {
            leader: ServerId(leader),
            zxid: Zxid::new(Epoch(epoch), counter),
            epoch: Epoch(epoch),
        }
    }

    #[test]
    fn epoch_beats_zxid_beats_sid() {
        let prefers = |one, other| VoteOrder::EpochZxidSid.prefers(one, other);
        let stale = Vote {
            leader: ServerId(5),
            zxid: Zxid::new(Epoch(9), 9),
            epoch: Epoch(1),
        };
        assert!(prefers(vote(1, 2, 1), stale));
        assert!(prefers(vote(1, 2, 2), vote(5, 2, 1)));
        assert!(prefers(vote(2, 2, 2), vote(1, 2, 2)));
        assert!(!prefers(vote(2, 2, 2), vote(2, 2, 2)));
    }

    #[test]
    fn decided_ballots_agree_on_leader_and_epoch_alone() {
        let a = Ballot {
            vote: vote(3, 2, 7),
            round: 1,
            state: ServerState::Following,
        };
        let b = Ballot {
            vote: Vote {
                zxid: Zxid::ZERO,
                ..a.vote
            },
            round: 9,
            state: ServerState::Leading,
        };
        assert!(a.agrees_with(&b, Agreement::default()));
        let looking = Ballot {
            state: ServerState::Looking,
            ..b
        };
        assert!(!a.agrees_with(&looking, Agreement::default()));
    }
}
