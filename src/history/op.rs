//! Client operations and their results as data, in ZooKeeper's own vocabulary (semantics.md §1-§2, `ZooDefs.OpCode`).

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::codec::form;
use crate::base::zxid::Zxid;

/// A znode's path, as sent; shared.
pub type Path = Arc<str>;

/// A znode's data: null and empty differ.
pub type Data = Option<Arc<[u8]>>;

/// An access control list.
pub type Acl = Arc<[AclEntry]>;

/// One entry of an access control list.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AclEntry {
    /// Bits: READ 1, WRITE 2, CREATE 4, DELETE 8, ADMIN 16.
    pub perms: i32,
    /// `world`, `auth`, `digest` or `ip`.
    pub scheme: Arc<str>,
    /// The identity within the scheme.
    pub id: Arc<str>,
}

/// Which of the create operations a request is; they answer and validate differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum CreateOp {
    /// `create` (1): answers the path.
    Create,
    /// `create2` (15): answers path and Stat.
    Create2,
    /// `createContainer` (19).
    Container,
    /// `createTTL` (21).
    Ttl,
}

/// The create flags a client library sends (`CreateMode`).
pub mod flags {
    /// PERSISTENT.
    pub const PERSISTENT: i32 = 0;
    /// EPHEMERAL.
    pub const EPHEMERAL: i32 = 1;
    /// PERSISTENT_SEQUENTIAL.
    pub const SEQUENTIAL: i32 = 2;
    /// EPHEMERAL_SEQUENTIAL.
    pub const EPHEMERAL_SEQUENTIAL: i32 = 3;
    /// CONTAINER.
    pub const CONTAINER: i32 = 4;
    /// PERSISTENT_WITH_TTL.
    pub const TTL: i32 = 5;
    /// PERSISTENT_SEQUENTIAL_WITH_TTL.
    pub const SEQUENTIAL_TTL: i32 = 6;
}

/// A client request, raw: nothing has been validated.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Request {
    /// create, create2, createContainer, createTTL.
    Create {
        /// Which of them.
        op: CreateOp,
        /// The path, without a sequence suffix.
        path: Path,
        /// Initial data.
        #[serde(with = "form::data")]
        data: Data,
        /// Its ACL; `None` = null on the wire.
        acl: Option<Acl>,
        /// See [`flags`].
        flags: i32,
        /// Milliseconds; -1 unless TTL.
        ttl: i64,
    },
    /// delete.
    Delete {
        /// Which.
        path: Path,
        /// Expected version, -1 = any.
        version: i32,
    },
    /// deleteContainer, sent by the leader's reaper.
    DeleteContainer {
        /// Which.
        path: Path,
    },
    /// setData.
    SetData {
        /// Which.
        path: Path,
        /// New data.
        #[serde(with = "form::data")]
        data: Data,
        /// Expected version, -1 = any.
        version: i32,
    },
    /// exists.
    Exists {
        /// Which.
        path: Path,
        /// Arm a watch.
        watch: bool,
    },
    /// getData.
    GetData {
        /// Which.
        path: Path,
        /// Arm a watch.
        watch: bool,
    },
    /// getChildren, or getChildren2 with `stat`.
    GetChildren {
        /// Which.
        path: Path,
        /// Arm a watch.
        watch: bool,
        /// Answer the Stat too.
        stat: bool,
    },
    /// getAllChildrenNumber.
    GetAllChildrenNumber {
        /// Which.
        path: Path,
    },
    /// getEphemerals.
    GetEphemerals {
        /// Path prefix.
        prefix: Path,
    },
    /// getACL.
    GetAcl {
        /// Which.
        path: Path,
    },
    /// setACL.
    SetAcl {
        /// Which.
        path: Path,
        /// New list; `None` = null.
        acl: Option<Acl>,
        /// Expected aversion, -1 = any.
        version: i32,
    },
    /// check, only legal inside a multi.
    Check {
        /// Which.
        path: Path,
        /// Expected version.
        version: i32,
    },
    /// sync.
    Sync {
        /// Echoed.
        path: Path,
    },
    /// multi.
    Multi(Vec<Self>),
    /// multiRead.
    MultiRead(Vec<Self>),
    /// whoAmI.
    WhoAmI,
    /// addWatch; mode 0 = persistent, 1 = persistent recursive.
    AddWatch {
        /// Where.
        path: Path,
        /// Mode.
        mode: i32,
    },
    /// checkWatches; kinds 1..5 (semantics.md §4.3).
    CheckWatches {
        /// Where.
        path: Path,
        /// Which kind.
        kind: i32,
    },
    /// removeWatches; kinds 1..5.
    RemoveWatches {
        /// Where.
        path: Path,
        /// Which kind.
        kind: i32,
    },
    /// setWatches and setWatches2, sent by a client library after a reconnect.
    SetWatches(Box<SetWatches>),
    /// addAuth.
    Auth {
        /// Scheme.
        scheme: Arc<str>,
        /// Credentials.
        #[serde(with = "form::bytes")]
        auth: Arc<[u8]>,
    },
    /// closeSession.
    CloseSession,
    /// A raw opcode with an empty body.
    Raw {
        /// The opcode.
        opcode: i32,
    },
}

/// The watches a client library registers anew after a reconnect.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetWatches {
    /// Zxid of the last ordinary reply the client has seen.
    pub relative_zxid: Zxid,
    /// Data watches.
    pub data: Vec<Path>,
    /// Exist watches (set on absent nodes).
    pub exist: Vec<Path>,
    /// Child watches.
    pub child: Vec<Path>,
    /// Persistent watches.
    pub persistent: Vec<Path>,
    /// Persistent recursive watches.
    pub recursive: Vec<Path>,
}

/// A znode's status as clients see it (semantics.md §1).
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(deny_unknown_fields)]
pub struct Stat {
    /// Created by.
    pub czxid: Zxid,
    /// Data last set by.
    pub mzxid: Zxid,
    /// A direct child last created or deleted by.
    pub pzxid: Zxid,
    /// Creation time, wall ms of the leader.
    pub ctime: u64,
    /// Time of the last setData, wall ms of the leader.
    pub mtime: u64,
    /// Number of setData.
    pub version: i32,
    /// Number of child creates and deletes.
    pub cversion: i32,
    /// Number of setACL.
    pub aversion: i32,
    /// Owning session of an ephemeral, else 0.
    #[serde(with = "form::owner")]
    pub owner: u64,
    /// Bytes of data.
    pub data_length: i32,
    /// Number of direct children.
    pub children: i32,
}

/// A successful result.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Response {
    /// delete, check, sync in a multi, watch operations, closeSession, auth.
    Empty,
    /// create, sync.
    Path(Path),
    /// create2, createContainer, createTTL.
    PathStat(Path, Arc<Stat>),
    /// exists, setData, setACL.
    Stat(Arc<Stat>),
    /// getData.
    Data(#[serde(with = "form::data")] Data, Arc<Stat>),
    /// getChildren (without Stat), getChildren2; names sorted.
    Children(Vec<Path>, Option<Arc<Stat>>),
    /// getACL.
    Acl(Acl, Arc<Stat>),
    /// multi, multiRead: one result per operation, also when the multi failed (its reply header then says 0).
    Multi(#[serde(with = "form::outcomes")] Vec<Result<Self, ErrorCode>>),
    /// getEphemerals.
    Paths(Vec<Path>),
    /// getAllChildrenNumber.
    Count(i32),
    /// whoAmI: (scheme, user).
    Identities(Vec<(Arc<str>, Arc<str>)>),
}

/// ZooKeeper's error codes (`KeeperException.Code`) as far as servers and clients here use them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are ZooKeeper's own")]
pub enum ErrorCode {
    /// Inside a failed multi: an earlier operation that was rolled back.
    Ok,
    SystemError,
    RuntimeInconsistency,
    /// Made by the client: outcome unknown.
    ConnectionLoss,
    MarshallingError,
    Unimplemented,
    OperationTimeout,
    BadArguments,
    UnknownSession,
    NoNode,
    NoAuth,
    BadVersion,
    NoChildrenForEphemerals,
    NodeExists,
    NotEmpty,
    SessionExpired,
    InvalidAcl,
    AuthFailed,
    SessionMoved,
    NoWatcher,
    QuotaExceeded,
}

impl ErrorCode {
    /// ZooKeeper's number.
    pub fn number(self) -> i32 {
        match self {
            Self::Ok => 0,
            Self::SystemError => -1,
            Self::RuntimeInconsistency => -2,
            Self::ConnectionLoss => -4,
            Self::MarshallingError => -5,
            Self::Unimplemented => -6,
            Self::OperationTimeout => -7,
            Self::BadArguments => -8,
            Self::UnknownSession => -12,
            Self::NoNode => -101,
            Self::NoAuth => -102,
            Self::BadVersion => -103,
            Self::NoChildrenForEphemerals => -108,
            Self::NodeExists => -110,
            Self::NotEmpty => -111,
            Self::SessionExpired => -112,
            Self::InvalidAcl => -114,
            Self::AuthFailed => -115,
            Self::SessionMoved => -118,
            Self::NoWatcher => -121,
            Self::QuotaExceeded => -125,
        }
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

/// What happened to a watched path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum EventKind {
    /// `NodeCreated`.
    Created,
    /// `NodeDeleted`.
    Deleted,
    /// `NodeDataChanged`.
    DataChanged,
    /// `NodeChildrenChanged`.
    ChildrenChanged,
}

/// A watch event as a server sends it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WatchEvent {
    /// What.
    pub kind: EventKind,
    /// Where.
    pub path: Path,
    /// The change's zxid; `None` (-1 on the wire) when setWatches made it.
    pub zxid: Option<Zxid>,
}

impl Request {
    /// Whether the request is a write: it takes a zxid and goes through the leader (semantics.md §2).
    pub fn is_write(&self) -> bool {
        match self {
            Self::Create { .. }
            | Self::Delete { .. }
            | Self::DeleteContainer { .. }
            | Self::SetData { .. }
            | Self::SetAcl { .. }
            | Self::Multi(_)
            | Self::CloseSession => true,
            // createSession and multi take a zxid before they are decoded (semantics.md §0.22).
            Self::Raw { opcode } => matches!(opcode, -10 | 14),
            Self::Exists { .. }
            | Self::GetData { .. }
            | Self::GetChildren { .. }
            | Self::GetAllChildrenNumber { .. }
            | Self::GetEphemerals { .. }
            | Self::GetAcl { .. }
            | Self::Check { .. }
            | Self::Sync { .. }
            | Self::MultiRead(_)
            | Self::WhoAmI
            | Self::AddWatch { .. }
            | Self::CheckWatches { .. }
            | Self::RemoveWatches { .. }
            | Self::SetWatches(_)
            | Self::Auth { .. } => false,
        }
    }
}
