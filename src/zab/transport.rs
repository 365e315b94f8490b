//! The election port's connections (`QuorumCnxManager`, zab.md §2.6): one per pair, kept by the one that the larger sid
//! dialled, with a sender that holds only the latest message and repeats the last one after a reconnect.
//!
//! ```text
//!   small sid ── knocks ──▶ large sid          small sid ◀── dials back ── large sid
//!              ◀── closes ──                              ◀═ votes both ways ═▶
//! ```

use std::collections::BTreeMap;

use super::core::Out;
use crate::base::id::{NodeId, ServerId};
use crate::base::time::Span;
use crate::sim::process::{Conn, LinkClass};
use crate::words::message::{Msg, Notification};

/// What connects us to one peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Link {
    /// Nothing.
    Idle,
    /// An attempt of ours, to keep if we are the larger sid, to be dialled back if not.
    Dialing(Conn),
    /// The connection to use.
    Open(Conn),
}

/// One peer's sender.
#[derive(Clone, Debug, Hash)]
struct Peer {
    link: Link,
    /// The latest message not handed to any socket yet.
    slot: Option<Notification>,
    /// The last message handed to a socket.
    last: Option<Notification>,
    /// Whether anything was ever queued for this peer.
    used: bool,
}

/// All senders of one server.
#[derive(Clone, Debug, Hash)]
pub struct Peers {
    me: ServerId,
    connect_timeout: Span,
    senders: BTreeMap<ServerId, Peer>,
}

impl Peers {
    /// Senders from `me` to every other server.
    pub fn new(
        me: ServerId,
        servers: impl Iterator<Item = ServerId>,
        connect_timeout: Span,
    ) -> Self {
        let idle = Peer {
            link: Link::Idle,
            slot: None,
            last: None,
            used: false,
        };
        let senders = servers
            .filter(|server| *server != me)
            .map(|server| (server, idle.clone()))
            .collect();
        Self {
            me,
            connect_timeout,
            senders,
        }
    }

    /// Sends to a peer, or keeps the message as its latest and tries to connect.
    pub fn send(&mut self, to: ServerId, n: Notification, out: &mut Out) {
        let Some(peer) = self.senders.get_mut(&to) else {
            return;
        };
        peer.used = true;
        if let Link::Open(conn) = peer.link {
            peer.last = Some(n);
            out.send(conn, Msg::Vote(n));
        } else {
            peer.slot = Some(n);
            self.connect(to, out);
        }
    }

    /// Whether some peer's queue is empty, so that resending makes sense (`haveDelivered`).
    pub fn have_delivered(&self) -> bool {
        self.senders
            .values()
            .any(|peer| peer.used && peer.slot.is_none())
    }

    /// Tries to reach every peer that was ever written to and is not connected (`connectAll`).
    pub fn connect_all(&mut self, out: &mut Out) {
        let waiting: Vec<ServerId> = self
            .senders
            .iter()
            .filter(|(_, peer)| peer.used)
            .map(|(sid, _)| *sid)
            .collect();
        for sid in waiting {
            self.connect(sid, out);
        }
    }

    fn connect(&mut self, to: ServerId, out: &mut Out) {
        let timeout = self.connect_timeout;
        let peer = self
            .senders
            .get_mut(&to)
            .expect("only peers are connected to");
        if peer.link == Link::Idle {
            peer.link = Link::Dialing(out.open(NodeId::from(to), LinkClass::Election, timeout));
        }
    }

    /// Somebody dialled our election port. A smaller sid only knocks: it is hung up on and dialled back.
    pub fn on_accepted(&mut self, conn: Conn, from: ServerId, out: &mut Out) {
        let Some(peer) = self.senders.get_mut(&from) else {
            out.close(conn);
            return;
        };
        if let Link::Open(old) | Link::Dialing(old) = peer.link {
            out.close(old);
        }
        if from < self.me {
            out.close(conn);
            peer.link = Link::Idle;
            self.connect(from, out);
        } else {
            peer.link = Link::Open(conn);
            self.resend(from, out);
        }
    }

    /// An attempt of ours succeeded: a larger sid talks, a smaller one has knocked and hangs up.
    pub fn on_opened(&mut self, conn: Conn, out: &mut Out) {
        let Some(sid) = self.owner_of(conn) else {
            return;
        };
        if sid > self.me {
            out.close(conn);
            self.senders.get_mut(&sid).expect("found above").link = Link::Idle;
        } else {
            self.senders.get_mut(&sid).expect("found above").link = Link::Open(conn);
            self.resend(sid, out);
        }
    }

    /// A connection or an attempt ended.
    pub fn on_ended(&mut self, conn: Conn) {
        if let Some(sid) = self.owner_of(conn) {
            self.senders.get_mut(&sid).expect("found above").link = Link::Idle;
        }
    }

    /// Sends the waiting message, or the last one again: it may have died with the old connection.
    fn resend(&mut self, to: ServerId, out: &mut Out) {
        let peer = self
            .senders
            .get_mut(&to)
            .expect("only peers are connected to");
        let Link::Open(conn) = peer.link else { return };
        if let Some(n) = peer.slot.take().or(peer.last) {
            peer.last = Some(n);
            out.send(conn, Msg::Vote(n));
        }
    }

    /// The peer that a connection leads to.
    pub fn owner_of(&self, conn: Conn) -> Option<ServerId> {
        let leads = |link: Link| matches!(link, Link::Open(c) | Link::Dialing(c) if c == conn);
        self.senders
            .iter()
            .find(|(_, peer)| leads(peer.link))
            .map(|(sid, _)| *sid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::zxid::{Epoch, Zxid};
    use crate::sim::process::Effects;
    use crate::words::message::ServerState;
    use crate::zab::testing::said;

    fn vote(round: u64) -> Notification {
        Notification {
            state: ServerState::Looking,
            leader: ServerId(2),
            zxid: Zxid::ZERO,
            round,
            peer_epoch: Epoch(0),
        }
    }

    fn peers(me: u8) -> (Peers, Out) {
        (
            Peers::new(ServerId(me), (1..=3).map(ServerId), Span::from_ms(5_000)),
            Effects::default(),
        )
    }

    #[test]
    fn the_newest_message_replaces_older_ones_while_there_is_no_connection() {
        let (mut peers, mut out) = peers(2);
        peers.send(ServerId(1), vote(1), &mut out);
        peers.send(ServerId(1), vote(2), &mut out);
        assert_eq!(said(&mut out), "open 1 to 1");
        peers.on_opened(Conn(1), &mut out);
        assert_eq!(said(&mut out), "1 <- vote 2 0:0 round 2");
    }

    #[test]
    fn the_last_message_is_repeated_after_a_reconnect() {
        let (mut peers, mut out) = peers(2);
        peers.send(ServerId(1), vote(1), &mut out);
        peers.on_opened(Conn(1), &mut out);
        said(&mut out);
        peers.on_ended(Conn(1));
        peers.connect_all(&mut out);
        assert_eq!(said(&mut out), "open 2 to 1");
        peers.on_opened(Conn(2), &mut out);
        assert_eq!(said(&mut out), "2 <- vote 2 0:0 round 1");
    }

    #[test]
    fn a_smaller_sid_only_knocks_and_is_dialled_back() {
        let (mut small, mut out) = peers(2);
        small.send(ServerId(3), vote(1), &mut out);
        assert_eq!(said(&mut out), "open 1 to 3");
        small.on_opened(Conn(1), &mut out);
        assert_eq!(
            said(&mut out),
            "close 1",
            "the knocking connection carries no vote"
        );
        let (mut large, mut out) = peers(3);
        large.on_accepted(Conn(1), ServerId(2), &mut out);
        assert_eq!(said(&mut out), "close 1, open 1 to 2");
        let (mut small, mut out) = peers(2);
        small.send(ServerId(3), vote(1), &mut out);
        small.on_ended(Conn(1));
        said(&mut out);
        small.on_accepted(Conn(9), ServerId(3), &mut out);
        assert_eq!(said(&mut out), "9 <- vote 2 0:0 round 1");
    }

    #[test]
    fn delivery_is_doubted_only_while_every_used_queue_is_full() {
        let (mut peers, mut out) = peers(2);
        peers.send(ServerId(1), vote(1), &mut out);
        peers.send(ServerId(3), vote(1), &mut out);
        assert!(!peers.have_delivered());
        peers.on_opened(Conn(1), &mut out);
        assert!(peers.have_delivered());
    }
}
