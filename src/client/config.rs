//! What a client is told at its start: servers, timeouts, policies and its workload.

use std::ops::Range;
use std::sync::Arc;

use super::rules::Rules;
use super::workload::Workload;
use crate::base::id::NodeId;
use crate::base::time::Span;

/// The parameters of one client process.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Config {
    /// The connection string: servers a client may connect to.
    pub servers: Arc<[NodeId]>,
    /// How it goes through them.
    pub hosts: HostPolicy,
    /// Session timeout asked for, milliseconds; servers clamp it.
    pub session_timeout_ms: u32,
    /// Longest random wait before a reconnect, milliseconds; `None` = the Java client's 1000 ms, but at most T/4, so
    /// that short sessions survive a reconnect.
    pub reconnect_wait_ms: Option<u32>,
    /// Extra wait after all servers failed in turn, milliseconds; `None` = as above.
    pub round_wait_ms: Option<u32>,
    /// What it does.
    pub workload: Arc<Workload>,
    /// How much of that.
    pub chosen: Chosen,
    /// Design choices; all correct by default.
    pub rules: Rules,
}

/// Which operations of its program a client carries out. The others keep their numbers and their draws, so that taking
/// one away leaves the rest as it was.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Chosen {
    /// All of them.
    #[default]
    All,
    /// These, in the order of their numbers; none at all for a client that only keeps its session.
    Only(Arc<[Kept]>),
    /// The client never starts.
    Absent,
}

/// An operation that is carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kept {
    /// Its number, as histories show it.
    pub op: u64,
    /// How long after the client's start by its own clock; `None` = when its program comes to it.
    pub at: Option<Span>,
}

impl Chosen {
    /// What is left of it for the operations of these numbers: those of one life.
    #[must_use]
    pub fn within(&self, numbers: Range<u64>) -> Self {
        match self {
            Self::All | Self::Absent => self.clone(),
            Self::Only(kept) => {
                let mine = kept.iter().filter(|kept| numbers.contains(&kept.op));
                Self::Only(mine.copied().collect())
            }
        }
    }

    /// Whether an operation is carried out.
    pub fn has(&self, op: u64) -> bool {
        match self {
            Self::All => true,
            Self::Only(kept) => kept.iter().any(|kept| kept.op == op),
            Self::Absent => false,
        }
    }

    /// Whether neither this operation nor a later one is carried out.
    pub fn is_over_before(&self, op: u64) -> bool {
        match self {
            Self::All => false,
            Self::Only(kept) => kept.last().is_none_or(|last| last.op < op),
            Self::Absent => true,
        }
    }

    /// When an operation's turn has come, if that is not left to the program; an operation that is not carried out
    /// takes no time before one that has its moment.
    pub fn moment(&self, op: u64) -> Option<Span> {
        let Self::Only(kept) = self else { return None };
        let next = kept.iter().find(|kept| kept.op >= op)?;
        let at = next.at?;
        Some(if next.op == op { at } else { Span::ZERO })
    }
}

/// How a client goes through its server list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HostPolicy {
    /// Shuffled once per handle, then round robin (`StaticHostProvider`).
    #[default]
    Shuffled,
    /// Round robin in the order given.
    InOrder,
    /// A random server each time.
    Random,
}

impl Config {
    /// A client of these servers with a session timeout of two seconds.
    pub fn new(servers: impl IntoIterator<Item = NodeId>, workload: Workload) -> Self {
        Self {
            servers: servers.into_iter().collect(),
            hosts: HostPolicy::default(),
            session_timeout_ms: 2_000,
            reconnect_wait_ms: None,
            round_wait_ms: None,
            workload: Arc::new(workload),
            chosen: Chosen::All,
            rules: Rules::default(),
        }
    }

    /// The longest random wait before a reconnect.
    pub fn reconnect_wait(&self) -> Span {
        self.wait(self.reconnect_wait_ms)
    }

    /// The extra wait after a full round without a connection.
    pub fn round_wait(&self) -> Span {
        self.wait(self.round_wait_ms)
    }

    fn wait(&self, given: Option<u32>) -> Span {
        let ms = given.unwrap_or_else(|| (self.session_timeout_ms / 4).min(1_000));
        Span::from_ms(u64::from(ms))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_between_timed_ones_take_no_time() {
        let at = Some(Span::from_ms(70));
        let kept = [Kept { op: 2, at: None }, Kept { op: 5, at }];
        let chosen = Chosen::Only(kept.into());
        let moments: Vec<Option<Span>> = (1..=6).map(|op| chosen.moment(op)).collect();
        let zero = Some(Span::ZERO);
        assert_eq!(moments, [None, None, zero, zero, at, None]);
        assert!(chosen.has(5) && !chosen.has(4));
        assert!(chosen.is_over_before(6) && !chosen.is_over_before(5));
    }

    #[test]
    fn waits_default_to_a_quarter_of_the_timeout_and_at_most_a_second() {
        let mut config = Config::new([NodeId(1)], Workload::Idle);
        config.session_timeout_ms = 800;
        assert_eq!(config.reconnect_wait(), Span::from_ms(200));
        config.session_timeout_ms = 30_000;
        assert_eq!(config.round_wait(), Span::from_ms(1_000));
        config.reconnect_wait_ms = Some(7);
        assert_eq!(config.reconnect_wait(), Span::from_ms(7));
    }
}
