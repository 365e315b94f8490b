//! The message catalogue (zab.md §9): one variant per packet of the real wire.

use std::sync::Arc;

use crate::base::id::{ServerId, SessionId};
use crate::base::zxid::{Epoch, Zxid};
use crate::history::op::Request;
use crate::history::wire::{ToClient, ToServer};
use crate::tree::acl::Identities;
use crate::tree::image::Image;
use crate::tree::txn::Txn;

/// Everything that travels on some connection.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Msg {
    /// Election port.
    Vote(Notification),
    /// Quorum port.
    Quorum(Packet),
    /// Client port, client to server.
    ToServer(ToServer),
    /// Client port, server to client.
    ToClient(ToClient),
}

/// What messages are called where a fault chooses among them.
pub const KINDS: [&str; 22] = [
    "vote",
    "followerinfo",
    "leaderinfo",
    "ackepoch",
    "diff",
    "trunc",
    "snap",
    "newleader",
    "uptodate",
    "proposal",
    "commit",
    "inform",
    "ack",
    "ping",
    "pong",
    "request",
    "sync",
    "revalidate",
    "revalidated",
    "client-request",
    "reply",
    "event",
];

impl Msg {
    /// Its name among [`KINDS`].
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Vote(_) => "vote",
            Self::Quorum(packet) => packet.kind(),
            Self::ToServer(_) => "client-request",
            Self::ToClient(ToClient::Event(_)) => "event",
            Self::ToClient(_) => "reply",
        }
    }

    /// How many bytes it takes on the wire, roughly: what matters is that a snapshot is long.
    pub fn size(&self) -> u64 {
        match self {
            Self::Vote(_) => 76,
            Self::Quorum(Packet::Snap { image, .. }) => super::image_bytes(image.tree.len()),
            Self::Quorum(Packet::Proposal { .. } | Packet::Inform { .. }) => 160,
            Self::Quorum(_) => 60,
            Self::ToServer(_) | Self::ToClient(_) => 120,
        }
    }
}

/// A server's state as its notifications show it (`ServerState`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ServerState {
    /// Electing.
    Looking,
    /// Follows a leader and votes.
    Following,
    /// Leads.
    Leading,
    /// Follows without a vote.
    Observing,
}

/// An election notification (zab.md §2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Notification {
    /// Sender's state.
    pub state: ServerState,
    /// Server voted for.
    pub leader: ServerId,
    /// Last zxid of that server, as the voter knows it.
    pub zxid: Zxid,
    /// Sender's round; of a decided sender, the round in which it decided.
    pub round: u64,
    /// currentEpoch of the server voted for.
    pub peer_epoch: Epoch,
}

/// A packet of the quorum port (`QuorumPacket`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Packet {
    /// FOLLOWERINFO or OBSERVERINFO: who I am and what I promised.
    FollowerInfo {
        /// acceptedEpoch.
        accepted: Epoch,
        /// False for an observer.
        voter: bool,
        /// K6: asks for SNAP.
        want_snapshot: bool,
    },
    /// LEADERINFO: the new epoch.
    LeaderInfo {
        /// e.
        epoch: Epoch,
    },
    /// ACKEPOCH: my history.
    AckEpoch {
        /// Last zxid.
        zxid: Zxid,
        /// currentEpoch; `None` (-1) = do not count me as a promise.
        current: Option<Epoch>,
    },
    /// DIFF: what follows continues your history.
    Diff {
        /// Last committed.
        zxid: Zxid,
    },
    /// TRUNC: drop everything after this.
    Trunc {
        /// What stays.
        zxid: Zxid,
    },
    /// SNAP and the snapshot stream.
    Snap {
        /// The leader's position: the state's last transaction, or the label of an established epoch.
        zxid: Zxid,
        /// The state.
        image: Box<Image>,
    },
    /// NEWLEADER((e,0)).
    NewLeader {
        /// e.
        epoch: Epoch,
    },
    /// UPTODATE: serve.
    UpToDate,
    /// PROPOSAL.
    Proposal {
        /// What.
        txn: Arc<Txn>,
    },
    /// COMMIT.
    Commit {
        /// Which.
        zxid: Zxid,
    },
    /// INFORM: a committed transaction, to observers.
    Inform {
        /// What.
        txn: Arc<Txn>,
    },
    /// ACK of a proposal, or of NEWLEADER with `(e,0)`.
    Ack {
        /// Which.
        zxid: Zxid,
    },
    /// PING from the leader.
    Ping {
        /// Its last proposal.
        zxid: Zxid,
    },
    /// The learner's answer: sessions it heard of since the last one, with their timeouts in milliseconds.
    Pong {
        /// Touched sessions.
        touched: Vec<(SessionId, u32)>,
    },
    /// REQUEST: a client's write, forwarded.
    Request(Box<Forwarded>),
    /// A client's sync, forwarded, and the leader's SYNC that answers it.
    Sync {
        /// The session that asked.
        session: SessionId,
        /// Its number in that session.
        cxid: i32,
    },
    /// REVALIDATE: does this session live?
    Revalidate {
        /// Which.
        session: SessionId,
        /// Negotiated timeout in milliseconds.
        timeout_ms: u32,
    },
    /// The leader's answer.
    Revalidated {
        /// Which.
        session: SessionId,
        /// Whether it lives; if so its owner is now the asking learner.
        valid: bool,
    },
}

/// The packets that carry history, in sync as in broadcast.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Traffic {
    /// PROPOSAL.
    Proposal(Arc<Txn>),
    /// COMMIT.
    Commit(Zxid),
    /// INFORM.
    Inform(Arc<Txn>),
}

impl Packet {
    /// Its name among [`KINDS`].
    pub fn kind(&self) -> &'static str {
        match self {
            Self::FollowerInfo { .. } => "followerinfo",
            Self::LeaderInfo { .. } => "leaderinfo",
            Self::AckEpoch { .. } => "ackepoch",
            Self::Diff { .. } => "diff",
            Self::Trunc { .. } => "trunc",
            Self::Snap { .. } => "snap",
            Self::NewLeader { .. } => "newleader",
            Self::UpToDate => "uptodate",
            Self::Proposal { .. } => "proposal",
            Self::Commit { .. } => "commit",
            Self::Inform { .. } => "inform",
            Self::Ack { .. } => "ack",
            Self::Ping { .. } => "ping",
            Self::Pong { .. } => "pong",
            Self::Request(_) => "request",
            Self::Sync { .. } => "sync",
            Self::Revalidate { .. } => "revalidate",
            Self::Revalidated { .. } => "revalidated",
        }
    }

    /// The history this packet carries, if it is one that does.
    pub fn into_traffic(self) -> Option<Traffic> {
        match self {
            Self::Proposal { txn } => Some(Traffic::Proposal(txn)),
            Self::Commit { zxid } => Some(Traffic::Commit(zxid)),
            Self::Inform { txn } => Some(Traffic::Inform(txn)),
            Self::FollowerInfo { .. }
            | Self::LeaderInfo { .. }
            | Self::AckEpoch { .. }
            | Self::Diff { .. }
            | Self::Trunc { .. }
            | Self::Snap { .. }
            | Self::NewLeader { .. }
            | Self::UpToDate
            | Self::Ack { .. }
            | Self::Ping { .. }
            | Self::Pong { .. }
            | Self::Request(_)
            | Self::Sync { .. }
            | Self::Revalidate { .. }
            | Self::Revalidated { .. } => None,
        }
    }
}

/// A write on its way to the leader's Prep stage.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Forwarded {
    /// Asking session.
    pub session: SessionId,
    /// Its number in that session.
    pub cxid: i32,
    /// What it asks for.
    pub body: RequestBody,
    /// Who the connection has proved to be.
    pub identities: Arc<Identities>,
}

impl Forwarded {
    /// The closeSession of a session whose time is up, asked for by a server other than the leader; no server does that
    /// by design.
    pub fn expiry(session: SessionId) -> Self {
        Self {
            session,
            cxid: 0,
            body: RequestBody::Expiry,
            identities: Arc::new(Identities::default()),
        }
    }
}

/// What a write asks for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum RequestBody {
    /// A client's own request.
    Client(Arc<Request>),
    /// createSession, made by the server a client connected to.
    OpenSession {
        /// Negotiated timeout in milliseconds.
        timeout_ms: u32,
    },
    /// closeSession, made by a server that believes a session's time to be up.
    Expiry,
}
