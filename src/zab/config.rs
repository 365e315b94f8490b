//! What a server is told about its ensemble.

use crate::base::id::{ServerId, ServerSet};
use crate::base::ratio::Ratio;
use crate::base::time::Span;

use super::rules::asked::Ensemble;
use super::rules::{QuorumRule, Rules};

/// How a server comes to lead.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ElectionKind {
    /// ZooKeeper's election, discovery and synchronisation.
    #[default]
    FastLeaderElection,
    /// The article's: servers ask for votes, and the first to ask gets them. It stands in for discovery and
    /// synchronisation, too (zab.md §10.1): there are no epochs, a winner serves at once from its own log, and who
    /// follows it takes over that log.
    FirstComeVotes,
}

/// The ensemble and the parameters of zab.md §8.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Config {
    /// Servers that vote, sids 1..=n.
    pub voters: ServerSet,
    /// Servers that follow without a vote; sids after the voters'.
    pub observers: ServerSet,
    /// tickTime.
    pub tick: Span,
    /// initLimit, in ticks.
    pub init_limit: u32,
    /// syncLimit, in ticks.
    pub sync_limit: u32,
    /// fastleader.maxNotificationInterval.
    pub max_notification: Span,
    /// cnxTimeout of the election port.
    pub connect_timeout: Span,
    /// Transactions between snapshots; a snapshot is taken after half to all of it.
    pub snap_count: u32,
    /// Committed transactions kept in memory for DIFF.
    pub committed_log: u32,
    /// A learner behind the window gets a DIFF from the log on disk if that is not longer than so many snapshots
    /// (`snapshotSizeFactor`); 0 = always SNAP.
    pub snapshot_size_factor: Ratio,
    /// How many bits of a zxid's counter are used before the epoch must end (ZOOKEEPER-1277); 32 in a real zxid.
    pub counter_bits: u8,
    /// Session timeouts are clamped to this range, milliseconds.
    pub session_timeout_ms: (u32, u32),
    /// Between two passes of the leader's reaper of container and TTL znodes (`znode.container.checkIntervalMs`); `None` =
    /// it waits for a command.
    pub reaper_interval: Option<Span>,
    /// How a server comes to lead.
    pub election: ElectionKind,
    /// The design choices; the default is zab.md §16.
    pub rules: Rules,
}

impl Config {
    /// An ensemble with ZooKeeper's proportions and short defaults: tick 200 ms, initLimit 10, syncLimit 5.
    pub fn new(voters: u8, observers: u8) -> Self {
        let tick = Span::from_ms(200);
        Self {
            voters: (1..=voters).map(ServerId).collect(),
            observers: (voters + 1..=voters + observers).map(ServerId).collect(),
            tick,
            init_limit: 10,
            sync_limit: 5,
            max_notification: tick * 8,
            connect_timeout: Span::from_ms(5_000),
            snap_count: 10_000,
            committed_log: 500,
            snapshot_size_factor: Ratio::new(33, 100),
            counter_bits: 32,
            session_timeout_ms: (400, 4_000),
            reaper_interval: Some(Span::from_ms(60_000)),
            election: ElectionKind::FastLeaderElection,
            rules: Rules::default(),
        }
    }

    /// Every server, in id order.
    pub fn servers(&self) -> impl Iterator<Item = ServerId> {
        let (voters, observers) = (self.voters, self.observers);
        voters.iter().chain(observers.iter())
    }

    /// Whether these servers decide, by the rule in force.
    pub fn is_quorum(&self, members: ServerSet) -> bool {
        match &self.rules.asked.quorums {
            Some(verifier) => verifier.contains_quorum(members, &self.ensemble()),
            None => self.quorum_rule().contains_quorum(members, self.voters),
        }
    }

    /// Whether this server counts towards quorums, by the rule in force.
    pub fn counts(&self, server: ServerId) -> bool {
        self.rules.asked.quorums.is_some() || self.quorum_rule().counts(server, self.voters)
    }

    /// Who there is, for whoever is asked for quorums.
    fn ensemble(&self) -> Ensemble {
        Ensemble {
            voters: self.voters,
            observers: self.observers,
            ..Ensemble::default()
        }
    }

    fn quorum_rule(&self) -> QuorumRule {
        self.rules.quorum
    }

    /// The counter at which an epoch is over: all bits set, and never given to a transaction.
    pub fn last_counter(&self) -> u32 {
        u32::MAX >> (32 - u32::from(self.counter_bits))
    }

    /// initLimit as a span.
    pub fn init_span(&self) -> Span {
        self.tick * u64::from(self.init_limit)
    }

    /// syncLimit as a span.
    pub fn sync_span(&self) -> Span {
        self.tick * u64::from(self.sync_limit)
    }
}
