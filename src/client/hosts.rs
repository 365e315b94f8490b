//! The server list and the walk through it (`StaticHostProvider`, semantics.md §5).

use super::Site;
use super::config::HostPolicy;
use crate::base::id::NodeId;
use crate::sim::process::Cx;

/// Where a handle connects next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hosts {
    list: Vec<NodeId>,
    policy: HostPolicy,
    current: Option<usize>,
    /// Servers tried since the last connection, the one that accepted it included.
    tried: usize,
    drawn: u64,
}

impl Hosts {
    /// The list of the `handle`th handle of a client, in its order.
    ///
    /// # Panics
    /// If there is no server.
    pub fn new(cx: Cx, servers: &[NodeId], policy: HostPolicy, handle: u64) -> Self {
        assert!(!servers.is_empty(), "a client needs a server to connect to");
        let mut list = servers.to_vec();
        if policy == HostPolicy::Shuffled {
            for last in (1..list.len()).rev() {
                let nth = handle * 64 + last as u64;
                let pick = Site::HostOrder.program(cx, nth).below(last as u64 + 1);
                list.swap(
                    last,
                    usize::try_from(pick).expect("below the list's length"),
                );
            }
        }
        Self {
            list,
            policy,
            current: None,
            tried: 0,
            drawn: handle << 32,
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Never: a list has a server.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Goes on to the next server.
    pub fn advance(&mut self, cx: Cx) -> NodeId {
        let len = self.list.len();
        let index = match self.policy {
            HostPolicy::Shuffled | HostPolicy::InOrder => {
                self.current.map_or(0, |current| (current + 1) % len)
            }
            HostPolicy::Random => {
                self.drawn += 1;
                let pick = Site::Host.weather(cx, self.drawn).below(len as u64);
                usize::try_from(pick).expect("below the list's length")
            }
        };
        self.current = Some(index);
        self.tried += 1;
        self.list[index]
    }

    /// Whether every server has been tried since the last connection: wait longer before the next one.
    pub fn completes_round(&self) -> bool {
        self.tried > 0 && self.tried.is_multiple_of(self.list.len())
    }

    /// The server last returned accepted us: a new round begins after it.
    pub fn on_connected(&mut self) {
        self.tried = 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::library::tests::cx_at;

    const SERVERS: [NodeId; 3] = [NodeId(1), NodeId(2), NodeId(3)];

    #[test]
    fn a_shuffled_list_visits_every_server_before_it_begins_again() {
        for handle in 0..20 {
            let mut hosts = Hosts::new(cx_at(0), &SERVERS, HostPolicy::Shuffled, handle);
            let walk: Vec<NodeId> = (0..6).map(|_| hosts.advance(cx_at(0))).collect();
            assert_eq!(walk[..3], walk[3..]);
            let mut first = walk[..3].to_vec();
            first.sort();
            assert_eq!(first, SERVERS);
        }
    }

    #[test]
    fn a_round_is_complete_when_every_server_was_tried_since_the_last_connection() {
        let mut hosts = Hosts::new(cx_at(0), &SERVERS, HostPolicy::InOrder, 0);
        let mut walk = Vec::new();
        for attempt in 0..8 {
            let server = hosts.advance(cx_at(0)).0;
            if attempt == 1 {
                hosts.on_connected();
            }
            walk.push((server, hosts.completes_round()));
        }
        assert_eq!(
            walk,
            [
                (1, false),
                (2, false),
                (3, false),
                (1, true),
                (2, false),
                (3, false),
                (1, true),
                (2, false)
            ]
        );
    }

    #[test]
    fn handles_shuffle_differently() {
        let orders: std::collections::BTreeSet<Vec<NodeId>> = (0..50)
            .map(|handle| Hosts::new(cx_at(0), &SERVERS, HostPolicy::Shuffled, handle).list)
            .collect();
        assert_eq!(orders.len(), 6);
    }
}
