//! What a client is told at its start: servers, timeouts, policies and its workload.

use std::sync::Arc;

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
