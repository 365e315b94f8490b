//! Facts: what processes say about themselves and what the machine did to them. Checkers read facts and nothing else.
//!
//! The events of zab.md §11.2 and the client's own view. A fact is emitted in the same step in which it becomes true.

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::codec::form;
use super::op::{ErrorCode, Path, Request, Response, SetWatches, WatchEvent};
use super::recipe::Step;
use crate::base::id::{ClientId, ServerId, ServerSet, SessionId};
use crate::base::lineage::Lineage;
use crate::base::zxid::{Epoch, Zxid};

/// Every mark a fault plan's `when` can wait for (see [`Fact::mark`]).
pub const MARKS: [&str; 36] = [
    "booted",
    "looking",
    "elected",
    "epoch-proposed",
    "epoch-acked",
    "diff-sent",
    "trunc-sent",
    "snap-sent",
    "switched",
    "newleader-acked",
    "quorum-formed",
    "established",
    "serving",
    "role-ended",
    "proposed",
    "acked",
    "committed",
    "delivered",
    "session-expired",
    "watch-fired",
    "client-connected",
    "client-disconnected",
    "lead-started",
    "accepted-epoch-durable",
    "current-epoch-durable",
    "appended",
    "durable",
    "disk-truncated",
    "boot-dropped",
    "boot-refused",
    "session-moved",
    "session-closing",
    "invoked",
    "returned",
    "watches-reset",
    "client-expired",
];

/// A server refuses to start because its history is of a later epoch than it knows of.
pub const EPOCH_BEHIND: &str = "the history is of a later epoch than currentEpoch";

/// A server refuses to start because it has gone further than it promised.
pub const PROMISE_BEHIND: &str = "acceptedEpoch is less than currentEpoch";

/// A server's role while it serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Leads an epoch.
    Leader,
    /// Follows and votes.
    Follower,
    /// Follows without a vote.
    Observer,
}

/// How a learner was brought up to date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SyncKind {
    /// It lacked at most a suffix.
    Diff,
    /// It had a suffix of its own, which it dropped.
    Trunc,
    /// It got the whole state.
    Snap,
    /// It lacked at most a suffix, which the leader read from its own log.
    LogDiff,
}

/// One change that a committed transaction makes, as the leader resolved it; enough for an independent model.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Change {
    /// A znode appears.
    Create {
        /// Full path, suffix included.
        path: Path,
        /// Owning session if ephemeral.
        owner: Option<SessionId>,
        /// Digest of its data.
        #[serde(with = "form::hex")]
        data: u64,
    },
    /// A znode goes.
    Delete {
        /// Which.
        path: Path,
    },
    /// Data is set.
    SetData {
        /// Which.
        path: Path,
        /// Its version afterwards.
        version: i32,
        /// Digest of its data.
        #[serde(with = "form::hex")]
        data: u64,
    },
    /// An ACL is set.
    SetAcl {
        /// Which.
        path: Path,
    },
    /// A session begins.
    OpenSession {
        /// Which.
        session: SessionId,
        /// Its timeout.
        timeout_ms: u32,
    },
    /// A session ends; the deletes of its ephemerals precede this in the list.
    CloseSession {
        /// Which.
        session: SessionId,
    },
}

/// What a transaction is about, for checkers and readers.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TxnSummary {
    /// The session that asked for it, or [`SessionId::NONE`].
    pub session: SessionId,
    /// The request's number in that session.
    pub cxid: i32,
    /// What it changes, in order; empty for a failed write.
    pub changes: Vec<Change>,
    /// Why it failed, if it did.
    pub error: Option<ErrorCode>,
    /// A short rendering, such as `setData /k1 v3`.
    pub text: Arc<str>,
}

/// Which epoch file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EpochFile {
    /// `acceptedEpoch`, the paper's f.p.
    Accepted,
    /// `currentEpoch`, the paper's f.a.
    Current,
}

/// Why a client does not know an operation's outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Loss {
    /// The connection ended before the reply.
    ConnectionLoss,
    /// The session ended before the reply.
    SessionExpired,
}

/// One thing that is true from its stamp on.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "fact", rename_all = "kebab-case", deny_unknown_fields)]
#[expect(
    missing_docs,
    reason = "fields are explained at their variant where the name does not say it"
)]
pub enum Fact {
    // ----- the machine
    /// A server's process or machine stopped; volatile state is gone.
    ServerCrashed {
        server: ServerId,
        power: bool,
        code: Option<u8>,
    },
    /// A client process stopped (its session and watches are forgotten by it).
    ClientCrashed { client: ClientId },
    /// A planned fault took hold of these (`effective`) or found nothing to do, and why.
    FaultBegan {
        index: u32,
        effective: bool,
        /// Servers by number, clients as `c1`; empty where the fault names groups.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        targets: Vec<Cow<'static, str>>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<Cow<'static, str>>,
    },
    /// A lasting fault was undone.
    FaultEnded { index: u32 },

    // ----- a server's life
    /// Boot finished: the history and epochs found on disk. What is kept of it is forced by now (zab.md §16 K4); what
    /// is not follows in `BootDropped`.
    Booted {
        server: ServerId,
        lineage: Lineage,
        accepted: Epoch,
        current: Epoch,
    },
    /// K3: records of an epoch above `currentEpoch` were dropped durably at boot; the history now ends at `lineage`.
    BootDropped { server: ServerId, lineage: Lineage },
    /// A server refuses to start.
    BootRefused {
        server: ServerId,
        why: Cow<'static, str>,
    },
    /// A handler returned early or dropped something, for this named reason.
    Ignored {
        server: ServerId,
        why: Cow<'static, str>,
    },

    // ----- election
    /// A server entered LOOKING and votes for itself with this history and epoch (S12).
    Voted {
        server: ServerId,
        round: u64,
        lineage: Lineage,
        zxid: Zxid,
        epoch: Epoch,
    },
    /// A server's election decided.
    Elected {
        server: ServerId,
        leader: ServerId,
        round: u64,
    },

    // ----- discovery
    /// An epoch file is durable.
    EpochDurable {
        server: ServerId,
        file: EpochFile,
        epoch: Epoch,
    },
    /// A learner promised `epoch` (ACKEPOCH left; `counted` = its data was not -1).
    AckEpochSent {
        server: ServerId,
        epoch: Epoch,
        counted: bool,
    },
    /// A would-be leader fixed its epoch (durable in acceptedEpoch); counts as its own promise.
    EpochProposed { server: ServerId, epoch: Epoch },

    // ----- synchronisation
    /// A leader sent a learner whose history ends at `peer` its sync; live traffic takes over after `upto`.
    SyncSent {
        server: ServerId,
        learner: ServerId,
        kind: SyncKind,
        peer: Zxid,
        upto: Zxid,
    },
    /// The learner's one durable switch (K1): its disk now holds exactly `lineage` and currentEpoch = `epoch`.
    /// `kind` tells what sync led to it.
    Switched {
        server: ServerId,
        kind: SyncKind,
        lineage: Lineage,
        epoch: Epoch,
    },
    /// A learner acknowledged NEWLEADER(epoch).
    NewLeaderAckSent {
        server: ServerId,
        epoch: Epoch,
        voter: bool,
    },
    /// A leader entered lead() with this history (I_e, once its epoch is known).
    LeadStarted { server: ServerId, lineage: Lineage },
    /// A quorum acknowledged NEWLEADER(epoch): the leader's whole history is committed (C1).
    QuorumFormed {
        server: ServerId,
        epoch: Epoch,
        members: ServerSet,
        lineage: Lineage,
    },

    // ----- broadcast
    /// A server begins to serve clients in this role with this applied history. Mark `established` for a leader.
    ServeStart {
        server: ServerId,
        role: Role,
        epoch: Epoch,
        lineage: Lineage,
        #[serde(with = "form::hex")]
        tree: u64,
    },
    /// A role ended; memory equals the durable history before the next vote (K13).
    RoleEnd {
        server: ServerId,
        role: Role,
        why: Cow<'static, str>,
    },
    /// A leader assigned a zxid and sent the proposal. Its history is the leader's last proposal.
    Proposed {
        server: ServerId,
        zxid: Zxid,
        #[serde(with = "form::hex")]
        digest: u64,
        txn: Arc<TxnSummary>,
    },
    /// A record was appended to the log (not yet forced).
    Appended {
        server: ServerId,
        zxid: Zxid,
        #[serde(with = "form::hex")]
        digest: u64,
    },
    /// Everything appended up to `zxid` is forced.
    Durable { server: ServerId, zxid: Zxid },
    /// An ACK(zxid) left, or the leader counted its own.
    AckSent { server: ServerId, zxid: Zxid },
    /// A leader found a quorum of acks.
    CommitDecided {
        server: ServerId,
        zxid: Zxid,
        epoch: Epoch,
        acks: ServerSet,
    },
    /// A serving server applied a transaction; `tree` is the digest of its state afterwards.
    Delivered {
        server: ServerId,
        zxid: Zxid,
        #[serde(with = "form::hex")]
        digest: u64,
        #[serde(with = "form::hex")]
        tree: u64,
    },
    /// A TRUNC or boot removed durable records outside K1 (only stock variants do): the disk now ends at `lineage`.
    DiskTruncated { server: ServerId, lineage: Lineage },
    /// A COMMIT arrived that did not match the head of the pending proposals; zero = nothing was pending.
    CommitOutOfOrder {
        server: ServerId,
        zxid: Zxid,
        head: Zxid,
    },

    // ----- sessions at the leader
    /// The leader's clock learnt that a session is alive.
    SessionTouched {
        server: ServerId,
        session: SessionId,
        timeout_ms: u32,
        local_ms: u64,
    },
    /// The leader's clock ran out for a session; its closeSession was submitted.
    SessionExpiring {
        server: ServerId,
        session: SessionId,
        local_ms: u64,
    },
    /// A leader changed the owner of a session without a transaction.
    SessionMoved {
        server: ServerId,
        session: SessionId,
        owner: ServerId,
    },

    // ----- the client's view
    /// A client handed an operation to its library.
    Invoked {
        client: ClientId,
        op: u64,
        session: SessionId,
        request: Arc<Request>,
    },
    /// The reply arrived. `zxid` is the header's.
    Returned {
        client: ClientId,
        op: u64,
        session: SessionId,
        conn: u64,
        zxid: Option<Zxid>,
        #[serde(with = "form::outcome")]
        result: Result<Response, ErrorCode>,
    },
    /// The outcome stays unknown, or the operation was never sent (`sent` = false: it did not happen).
    Lost {
        client: ClientId,
        op: u64,
        session: SessionId,
        loss: Loss,
        sent: bool,
    },
    /// A watch event arrived on a connection.
    EventReceived {
        client: ClientId,
        session: SessionId,
        conn: u64,
        #[serde(rename = "watch_event")]
        event: WatchEvent,
    },
    /// A connection was accepted by a server for this session (`conn` numbers a client's connections in a run).
    Connected {
        client: ClientId,
        session: SessionId,
        server: ServerId,
        conn: u64,
        timeout_ms: u32,
        fresh: bool,
    },
    /// A connection ended.
    Disconnected {
        client: ClientId,
        session: SessionId,
        conn: u64,
    },
    /// The client learnt that its session is over, from a server or by its own clock.
    Expired {
        client: ClientId,
        session: SessionId,
        told: bool,
    },
    /// The library re-registered its watches on a new connection; `zxid` is the reply header's (the server's position).
    WatchesReset {
        client: ClientId,
        session: SessionId,
        conn: u64,
        zxid: Option<Zxid>,
        watches: Arc<SetWatches>,
    },
    /// A ping was answered.
    Ponged {
        client: ClientId,
        session: SessionId,
        conn: u64,
        zxid: Zxid,
    },

    // ----- beside the rest, so that older digests hold
    /// A fault that Zab does not promise to survive has done its work: from now on violations are excused by its name.
    OutsideModel {
        /// Place in the plan; none = the scenario's network or disks are so.
        index: Option<u32>,
        server: Option<ServerId>,
        what: Cow<'static, str>,
    },
    /// A server's clocks stand still, or go on from where they stood: until then nothing is due by them.
    ClockHeld { server: ServerId, held: bool },
    /// What a program that follows a recipe does or believes.
    Recipe { client: ClientId, step: Step },
}

impl Fact {
    /// The client that tells it of itself.
    #[inline]
    pub fn client(&self) -> Option<ClientId> {
        if let Self::Invoked { client, .. }
        | Self::Returned { client, .. }
        | Self::Lost { client, .. }
        | Self::EventReceived { client, .. }
        | Self::Connected { client, .. }
        | Self::Disconnected { client, .. }
        | Self::Expired { client, .. }
        | Self::WatchesReset { client, .. }
        | Self::Ponged { client, .. }
        | Self::ClientCrashed { client }
        | Self::Recipe { client, .. } = self
        {
            Some(*client)
        } else {
            None
        }
    }

    /// The transaction it is about, if it is about one.
    pub fn zxid(&self) -> Option<Zxid> {
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "what is not about one transaction has none"
        )]
        match self {
            Self::Proposed { zxid, .. }
            | Self::Appended { zxid, .. }
            | Self::Durable { zxid, .. }
            | Self::AckSent { zxid, .. }
            | Self::CommitDecided { zxid, .. }
            | Self::Delivered { zxid, .. } => Some(*zxid),
            Self::Returned { zxid, .. } => *zxid,
            _ => None,
        }
    }

    /// The short name a fault plan's `when` can wait for.
    pub fn mark(&self) -> Option<&'static str> {
        Some(match self {
            Self::Booted { .. } => "booted",
            Self::Voted { .. } => "looking",
            Self::Elected { .. } => "elected",
            Self::EpochProposed { .. } => "epoch-proposed",
            Self::AckEpochSent { .. } => "epoch-acked",
            Self::SyncSent {
                kind: SyncKind::Diff | SyncKind::LogDiff,
                ..
            } => "diff-sent",
            Self::SyncSent {
                kind: SyncKind::Trunc,
                ..
            } => "trunc-sent",
            Self::SyncSent {
                kind: SyncKind::Snap,
                ..
            } => "snap-sent",
            Self::Switched { .. } => "switched",
            Self::NewLeaderAckSent { .. } => "newleader-acked",
            Self::QuorumFormed { .. } => "quorum-formed",
            Self::ServeStart {
                role: Role::Leader, ..
            } => "established",
            Self::ServeStart { .. } => "serving",
            Self::RoleEnd { .. } => "role-ended",
            Self::Proposed { .. } => "proposed",
            Self::AckSent { .. } => "acked",
            Self::CommitDecided { .. } => "committed",
            Self::Delivered { .. } => "delivered",
            Self::SessionExpiring { .. } => "session-expired",
            Self::EventReceived { .. } => "watch-fired",
            Self::Connected { .. } => "client-connected",
            Self::Disconnected { .. } => "client-disconnected",
            Self::LeadStarted { .. } => "lead-started",
            Self::EpochDurable {
                file: EpochFile::Accepted,
                ..
            } => "accepted-epoch-durable",
            Self::EpochDurable {
                file: EpochFile::Current,
                ..
            } => "current-epoch-durable",
            Self::Appended { .. } => "appended",
            Self::Durable { .. } => "durable",
            Self::DiskTruncated { .. } => "disk-truncated",
            Self::BootDropped { .. } => "boot-dropped",
            Self::BootRefused { .. } => "boot-refused",
            Self::SessionMoved { .. } => "session-moved",
            Self::Invoked { .. } => "invoked",
            Self::Returned { .. } => "returned",
            Self::WatchesReset { .. } => "watches-reset",
            Self::Expired { .. } => "client-expired",
            Self::ServerCrashed { .. }
            | Self::ClientCrashed { .. }
            | Self::FaultBegan { .. }
            | Self::FaultEnded { .. }
            | Self::OutsideModel { .. }
            | Self::ClockHeld { .. }
            | Self::Recipe { .. }
            | Self::Ignored { .. }
            | Self::CommitOutOfOrder { .. }
            | Self::SessionTouched { .. }
            | Self::Lost { .. }
            | Self::Ponged { .. } => return None,
        })
    }

    /// A second mark, where a fact is a special case of what its first one names.
    pub fn special_mark(&self) -> Option<&'static str> {
        let Self::Proposed { txn, .. } = self else {
            return None;
        };
        let is_close = |change: &Change| matches!(change, Change::CloseSession { .. });
        txn.changes
            .iter()
            .any(is_close)
            .then_some("session-closing")
    }
}
