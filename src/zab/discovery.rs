//! Discovery on the leader's side: choosing the epoch and collecting the promises for it (`Leader.getEpochToPropose`,
//! `Leader.waitForEpochAck`, zab.md §3.3-3.4).

use super::config::Config;
use crate::base::id::{ServerId, ServerSet};
use crate::base::zxid::{Epoch, Zxid};

/// How good a history is: what the more-recent check compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Summary {
    /// currentEpoch.
    pub epoch: Epoch,
    /// Last zxid.
    pub zxid: Zxid,
}

/// Chooses `e = 1 + max(acceptedEpoch)` over everybody heard before a quorum with the leader in it was complete.
#[derive(Clone, Debug, Hash)]
pub struct EpochChoice {
    me: ServerId,
    /// The last transaction of the leader itself.
    own_last: Zxid,
    epoch: Epoch,
    heard: ServerSet,
}

impl EpochChoice {
    /// Nobody heard yet.
    pub fn new(me: ServerId, own_last: Zxid) -> Self {
        Self {
            me,
            own_last,
            epoch: Epoch(0),
            heard: ServerSet::EMPTY,
        }
    }

    /// Somebody told its acceptedEpoch (observers count for the epoch, not for the quorum); returns the epoch once a
    /// quorum was heard.
    pub fn hear(&mut self, server: ServerId, accepted: Epoch, config: &Config) -> Option<Epoch> {
        let rule = config.rules.election.epoch;
        self.epoch = rule.choose(self.epoch, accepted, self.own_last);
        if config.counts(server) {
            self.heard.insert(server);
        }
        (self.heard.contains(self.me) && config.is_quorum(self.heard)).then_some(self.epoch)
    }
}

/// What an ACKEPOCH means to the leader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Promise {
    /// Noted, not enough yet.
    Counted,
    /// A quorum has promised.
    Quorum,
    /// The follower's history is better than the leader's: its connection is closed, the leader goes on.
    FollowerAhead,
}

/// Collects the promises of a quorum.
#[derive(Clone, Debug, Hash)]
pub struct Promises {
    me: ServerId,
    mine: Summary,
    promised: ServerSet,
}

impl Promises {
    /// Nobody promised yet; `mine` is the leader's own history.
    pub fn new(me: ServerId, mine: Summary) -> Self {
        Self {
            me,
            mine,
            promised: ServerSet::EMPTY,
        }
    }

    /// An ACKEPOCH came in; `theirs` is `None` when it is not to be counted (-1).
    pub fn hear(&mut self, server: ServerId, theirs: Option<Summary>, config: &Config) -> Promise {
        if let Some(theirs) = theirs {
            if config.rules.election.ahead.refuses(theirs, self.mine) {
                return Promise::FollowerAhead;
            }
            if config.counts(server) {
                self.promised.insert(server);
            }
        }
        let rule = config.rules.election.promises;
        let suffices = rule.suffices(self.promised, config.is_quorum(self.promised));
        if self.promised.contains(self.me) && suffices {
            Promise::Quorum
        } else {
            Promise::Counted
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn epoch_is_one_more_than_the_largest_heard_observers_included() {
        let config = Config::new(3, 1);
        let mut choice = EpochChoice::new(ServerId(1), Zxid::ZERO);
        assert_eq!(choice.hear(ServerId(4), Epoch(7), &config), None);
        assert_eq!(choice.hear(ServerId(2), Epoch(3), &config), None);
        assert_eq!(choice.hear(ServerId(1), Epoch(5), &config), Some(Epoch(8)));
    }

    #[test]
    fn a_quorum_without_the_leader_does_not_choose() {
        let config = Config::new(3, 0);
        let mut choice = EpochChoice::new(ServerId(1), Zxid::ZERO);
        assert_eq!(choice.hear(ServerId(2), Epoch(0), &config), None);
        assert_eq!(choice.hear(ServerId(3), Epoch(0), &config), None);
        assert_eq!(choice.hear(ServerId(1), Epoch(0), &config), Some(Epoch(1)));
    }

    #[test]
    fn a_follower_with_a_better_history_is_not_counted() {
        let config = Config::new(3, 0);
        let mine = Summary {
            epoch: Epoch(2),
            zxid: Zxid::new(Epoch(2), 4),
        };
        let mut promises = Promises::new(ServerId(1), mine);
        assert_eq!(
            promises.hear(ServerId(1), Some(mine), &config),
            Promise::Counted
        );
        let ahead = Summary {
            zxid: Zxid::new(Epoch(2), 5),
            ..mine
        };
        assert_eq!(
            promises.hear(ServerId(2), Some(ahead), &config),
            Promise::FollowerAhead
        );
        assert_eq!(
            promises.hear(ServerId(3), None, &config),
            Promise::Counted,
            "-1 is no promise"
        );
        assert_eq!(
            promises.hear(ServerId(2), Some(mine), &config),
            Promise::Quorum
        );
    }
}
