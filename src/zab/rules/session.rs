//! Design choices of sessions and of the request pipeline, each read at exactly one place; the first variant is the correct one.

use std::sync::Arc;

use crate::history::op::Request;
use crate::tree::store::Tree;
use crate::tree::znode::Znode;

/// All of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct SessionRules {
    /// Whose requests pass Prep.
    pub check: SessionCheck,
    /// Through which servers a session may ask.
    pub owner: OwnerCheck,
    /// Who owns a session after a reconnect.
    pub moves: OwnerMoves,
    /// How the closeSession of an expired session passes Prep.
    pub expiry: ExpiryCheck,
    /// How an expired session ends.
    pub end: ExpiryEnd,
    /// By which clock sessions are due.
    pub clock: SessionClock,
    /// What a new leader makes of the sessions it finds.
    pub takeover: Takeover,
    /// Who expires sessions.
    pub expirer: Expirer,
    /// From where session ids are counted.
    pub ids: SessionIds,
    /// When a client's write is answered.
    pub answer: AnswerMoment,
    /// Which of its clients' requests a server takes a commit for.
    pub matching: CommitMatching,
    /// Who compares the version of a setData.
    pub version_check: VersionCheck,
    /// What becomes of a write that cannot be decoded.
    pub undecodable: Undecodable,
    /// Whether a follower tells the leader whom it has heard.
    pub touches: Touches,
}

/// Whether a follower tells the leader whom it has heard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Touches {
    /// With its answer to every ping.
    #[default]
    Forwarded,
    /// It keeps that to itself.
    KeptBack,
}

/// Whose requests pass Prep (`checkSession`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SessionCheck {
    /// Those of sessions that live and are not being closed.
    #[default]
    Open,
    /// Those of sessions that are not closed yet.
    OpenOrClosing,
    /// Everybody's.
    Anybody,
}

/// Through which servers a session may ask.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum OwnerCheck {
    /// The one it is connected to.
    #[default]
    Owner,
    /// Any.
    Anyone,
}

/// Who owns a session after a reconnect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum OwnerMoves {
    /// The server that it has come to.
    #[default]
    ToNewServer,
    /// Who owned it before.
    Never,
}

/// How the closeSession of an expired session passes Prep.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ExpiryCheck {
    /// Unchecked: it is the leader's own.
    #[default]
    Unchecked,
    /// Like a request that came through the leader.
    AsRequest,
}

/// How an expired session ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ExpiryEnd {
    /// By a transaction.
    #[default]
    Logged,
    /// The leader takes it out of its own state.
    Unlogged,
}

/// By which clock sessions are due.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SessionClock {
    /// The monotonic one.
    #[default]
    Monotonic,
    /// The one on the wall.
    Wall,
}

/// What a new leader makes of the sessions it finds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Takeover {
    /// Each has its full timeout before it.
    #[default]
    FullTimeout,
    /// Each is due.
    DueAtOnce,
    /// It tracks new ones only.
    Untracked,
}

/// Who expires sessions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Expirer {
    /// The leader.
    #[default]
    Leader,
    /// Every server, those it has served.
    EveryServer,
}

/// From where session ids are counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SessionIds {
    /// From the clock, and never twice (K11).
    #[default]
    Clock,
    /// From a clock that starts anew with the machine, as ZooKeeper 3.9.5's (`System.nanoTime`).
    HostClock,
    /// From one, whenever the server begins to serve.
    One,
}

/// When a client's write is answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum AnswerMoment {
    /// When it is applied here.
    #[default]
    AfterApply,
    /// When it is committed.
    OnCommit,
}

/// Which of its clients' requests a server takes a commit for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum CommitMatching {
    /// The session's, if it has that number.
    #[default]
    Own,
    /// None, if the session has sent more and other commits are waiting: the commit seems to be another server's.
    OwnUnlessBusy,
}

/// Who compares the version of a setData.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum VersionCheck {
    /// The leader's Prep.
    #[default]
    Leader,
    /// The client's server, by its own state.
    OwnServer,
}

/// What becomes of a write that cannot be decoded (semantics.md §0.22).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Undecodable {
    /// Its server refuses it.
    #[default]
    Refused,
    /// The leader proposes its failure under the zxid that was committed last.
    ProposedUnderOldZxid,
}

impl Undecodable {
    /// Whether a request that is no write goes to Prep all the same.
    pub fn forwards(self, request: &Request) -> bool {
        match self {
            Self::Refused => false,
            Self::ProposedUnderOldZxid => is_undecodable(request),
        }
    }
}

/// Whether a frame says create, setACL or createTTL and nothing else: of an ensemble's requests the ones that Prep meets
/// before anybody has decoded them.
pub fn is_undecodable(request: &Request) -> bool {
    matches!(request, Request::Raw { opcode: 1 | 7 | 16 })
}

impl VersionCheck {
    /// The write that a server whose state is `tree` sends on.
    pub fn forwarded(self, request: Arc<Request>, tree: &Tree) -> Arc<Request> {
        match self {
            Self::Leader => request,
            Self::OwnServer => compared_here(request, tree),
        }
    }
}

/// A setData whose version this server has found right needs no comparison any more.
fn compared_here(request: Arc<Request>, tree: &Tree) -> Arc<Request> {
    let Request::SetData {
        path,
        data,
        version,
    } = &*request
    else {
        return request;
    };
    let is_right = |node: &Znode| node.stored.version == *version;
    if !tree.get(path).is_some_and(is_right) {
        return request;
    }
    Arc::new(Request::SetData {
        path: path.clone(),
        data: data.clone(),
        version: -1,
    })
}
