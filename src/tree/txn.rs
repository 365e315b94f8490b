//! Transactions: what the leader resolved a request to; applying one is deterministic and idempotent.

use std::fmt::Write;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use super::znode::Kind;
use crate::base::digest::Digest;
use crate::base::id::SessionId;
use crate::base::zxid::Zxid;
use crate::history::fact::{Change, TxnSummary};
use crate::history::op::{Acl, CreateOp, Data, ErrorCode, Path};

/// One transaction of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Txn {
    /// Its number.
    pub zxid: Zxid,
    /// The session that asked.
    pub session: SessionId,
    /// The request's number in that session.
    pub cxid: i32,
    /// The leader's wall clock when it was prepared, milliseconds.
    pub time_ms: u64,
    /// What it does.
    pub body: Body,
    /// Digest of everything above.
    pub digest: u64,
    /// The same for checkers and readers.
    pub summary: Arc<TxnSummary>,
}

/// What a transaction does: resolved values, nothing left to decide.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Body {
    /// A write that failed; it takes a zxid and changes nothing.
    Error(ErrorCode),
    /// createSession.
    OpenSession {
        /// Negotiated timeout.
        timeout_ms: u32,
    },
    /// closeSession, asked for or by expiry.
    CloseSession {
        /// The session's ephemerals, those still in flight included.
        ephemerals: Vec<Path>,
    },
    /// create, create2, createContainer, createTTL.
    Create {
        /// Which of them; decides the result's shape.
        op: CreateOp,
        /// Full path, suffix included.
        path: Path,
        /// Data.
        data: Data,
        /// Resolved list.
        acl: Acl,
        /// What it becomes.
        kind: Kind,
        /// The parent's stored counter afterwards.
        parent_cversion: i32,
    },
    /// delete.
    Delete {
        /// Which.
        path: Path,
    },
    /// deleteContainer.
    DeleteContainer {
        /// Which.
        path: Path,
    },
    /// setData.
    SetData {
        /// Which.
        path: Path,
        /// Data.
        data: Data,
        /// Version afterwards.
        version: i32,
    },
    /// setACL.
    SetAcl {
        /// Which.
        path: Path,
        /// Resolved list.
        acl: Acl,
        /// Aversion afterwards.
        version: i32,
    },
    /// check, inside a multi.
    Check {
        /// Which.
        path: Path,
        /// The version that was demanded.
        version: i32,
    },
    /// multi.
    Multi(Vec<Self>),
    /// A multi that failed: one code per operation.
    MultiFailed(Vec<ErrorCode>),
}

impl Txn {
    /// A transaction with its digest and summary.
    pub fn new(zxid: Zxid, session: SessionId, cxid: i32, time_ms: u64, body: Body) -> Arc<Self> {
        let digest = Digest::of(&(zxid, session, cxid, time_ms, &body));
        let mut changes = Vec::new();
        body.list_changes(session, &mut changes);
        let mut text = String::new();
        body.render(session, &mut text);
        let summary = TxnSummary {
            session,
            cxid,
            changes,
            error: body.error(),
            text: text.into(),
        };
        Arc::new(Self {
            zxid,
            session,
            cxid,
            time_ms,
            body,
            digest,
            summary: Arc::new(summary),
        })
    }
}

impl Txn {
    /// Of a multi its first operation, under the name of the whole.
    pub fn first_part(&self) -> Option<Self> {
        let Body::Multi(bodies) = &self.body else {
            return None;
        };
        let first = bodies.first()?.clone();
        Some(Self {
            body: Body::Multi(vec![first]),
            ..self.clone()
        })
    }

    /// The same transaction with another reading of the clock.
    #[must_use]
    pub fn at(&self, time_ms: u64) -> Self {
        Self {
            time_ms,
            ..self.clone()
        }
    }
}

impl Hash for Txn {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.zxid.0);
        state.write_u64(self.digest);
    }
}

impl Body {
    /// Why it failed, if it did; of a multi the failing operation's own code.
    pub fn error(&self) -> Option<ErrorCode> {
        match self {
            Self::Error(code) => Some(*code),
            Self::MultiFailed(codes) => codes.iter().copied().find(|code| *code != ErrorCode::Ok),
            Self::OpenSession { .. }
            | Self::CloseSession { .. }
            | Self::Create { .. }
            | Self::Delete { .. }
            | Self::DeleteContainer { .. }
            | Self::SetData { .. }
            | Self::SetAcl { .. }
            | Self::Check { .. }
            | Self::Multi(_) => None,
        }
    }

    fn list_changes(&self, session: SessionId, changes: &mut Vec<Change>) {
        let delete = |path: &Path| Change::Delete { path: path.clone() };
        match self {
            Self::Error(_) | Self::MultiFailed(_) | Self::Check { .. } => {}
            Self::OpenSession { timeout_ms } => changes.push(Change::OpenSession {
                session,
                timeout_ms: *timeout_ms,
            }),
            Self::CloseSession { ephemerals } => {
                changes.extend(ephemerals.iter().map(delete));
                changes.push(Change::CloseSession { session });
            }
            Self::Create {
                path, data, kind, ..
            } => changes.push(Change::Create {
                path: path.clone(),
                owner: kind.owner(),
                data: Digest::of(data),
            }),
            Self::Delete { path } | Self::DeleteContainer { path } => changes.push(delete(path)),
            Self::SetData {
                path,
                data,
                version,
            } => changes.push(Change::SetData {
                path: path.clone(),
                version: *version,
                data: Digest::of(data),
            }),
            Self::SetAcl { path, .. } => changes.push(Change::SetAcl { path: path.clone() }),
            Self::Multi(bodies) => bodies
                .iter()
                .for_each(|body| body.list_changes(session, changes)),
        }
    }

    /// Writes a few words such as `setData /k1 v3`.
    fn render(&self, session: SessionId, text: &mut String) {
        let written = match self {
            Self::Error(code) => write!(text, "failed {code}"),
            Self::OpenSession { timeout_ms } => {
                write!(text, "createSession {session} {timeout_ms} ms")
            }
            Self::CloseSession { ephemerals } if ephemerals.is_empty() => {
                write!(text, "closeSession {session}")
            }
            Self::CloseSession { ephemerals } => {
                write!(
                    text,
                    "closeSession {session} deletes {}",
                    ephemerals.join(" ")
                )
            }
            Self::Create { path, kind, .. } => write!(text, "create {path}{}", kind.suffix()),
            Self::Delete { path } => write!(text, "delete {path}"),
            Self::DeleteContainer { path } => write!(text, "deleteContainer {path}"),
            Self::SetData { path, version, .. } => write!(text, "setData {path} v{version}"),
            Self::SetAcl { path, version, .. } => write!(text, "setACL {path} av{version}"),
            Self::Check { path, version } => write!(text, "check {path} v{version}"),
            Self::MultiFailed(codes) => {
                let code = self.error().unwrap_or(ErrorCode::Ok);
                let at = codes
                    .iter()
                    .take_while(|code| **code == ErrorCode::Ok)
                    .count();
                write!(
                    text,
                    "failed multi, operation {} of {}: {code}",
                    at + 1,
                    codes.len()
                )
            }
            Self::Multi(bodies) => {
                text.push_str("multi [");
                for (i, body) in bodies.iter().enumerate() {
                    text.push_str(if i == 0 { "" } else { "; " });
                    body.render(session, text);
                }
                write!(text, "]")
            }
        };
        written.expect("writing to a string cannot fail");
    }
}
