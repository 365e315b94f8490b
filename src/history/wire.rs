//! What travels on a client's connection, as typed messages (ZooKeeper's jute packets; semantics.md §5, §7).

use std::sync::Arc;

use super::op::{ErrorCode, Request, Response, WatchEvent};
use crate::base::id::SessionId;
use crate::base::zxid::Zxid;

/// Numbers a client gives to its requests; ordinary ones count from 1.
pub mod xid {
    /// Of watch events.
    pub const EVENT: i32 = -1;
    /// Of auth packets.
    pub const AUTH: i32 = -4;
    /// Of setWatches.
    pub const SET_WATCHES: i32 = -8;
}

/// From a client to its server.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ToServer {
    /// The first message of a connection (`ConnectRequest`).
    Connect {
        /// Zxid of the last reply seen; a server that is behind it refuses.
        last_zxid_seen: Zxid,
        /// Session timeout asked for, milliseconds.
        timeout_ms: i32,
        /// The session to resume, or [`SessionId::NONE`].
        session: SessionId,
        /// Its password.
        password: u64,
    },
    /// A request.
    Request {
        /// Its number.
        xid: i32,
        /// What.
        request: Arc<Request>,
    },
    /// Keeps the session alive.
    Ping,
}

/// From a server to its client.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ToClient {
    /// Answer to `Connect`; session [`SessionId::NONE`] and timeout 0 = the session has expired.
    Connected {
        /// The session.
        session: SessionId,
        /// Its password.
        password: u64,
        /// Negotiated timeout, milliseconds.
        timeout_ms: i32,
    },
    /// Answer to a request.
    Reply {
        /// The request's number.
        xid: i32,
        /// The header's zxid: the write's own, or the last one the server had applied; `None` = -1.
        zxid: Option<Zxid>,
        /// What came out.
        result: Result<Response, ErrorCode>,
    },
    /// Answer to a ping.
    Pong {
        /// The last zxid the server had applied.
        zxid: Zxid,
    },
    /// A watch fired.
    Event(WatchEvent),
}
