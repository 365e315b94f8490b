//! What a program from outside is told, and what it can do, in words that any language can read.

use serde::{Deserialize, Serialize};

use crate::client::workload::create;
use crate::history::op::{Data, ErrorCode, EventKind, Request, Response, flags};

/// The longest data of a znode.
const LONGEST: usize = 100_000;

/// What a program is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Event {
    /// A life of a client begins; it knows nothing of former lives.
    Start {
        /// Something that no other client and no other life has.
        name: String,
    },
    /// There is a connection, with the old session or with a new one.
    Connected {
        /// Whether the session is new.
        new_session: bool,
    },
    /// There is no connection any more; the session may live.
    Disconnected {},
    /// The session is over, and its ephemeral znodes with it; a new one is on its way.
    Expired {},
    /// A request was carried out.
    Reply {
        /// The request's.
        tag: u64,
        /// Of create: the path with its number.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        path: Option<String>,
        /// Of get.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        data: Option<String>,
        /// Of create, set, get and exists: how often the data has been set.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        version: Option<i32>,
        /// Of children, sorted.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        names: Option<Vec<String>>,
    },
    /// A request was refused, and changed nothing.
    Refused {
        /// The request's.
        tag: u64,
        /// Why.
        why: Refusal,
    },
    /// A request will not be answered. It is told when the client is connected again, or knows that its session is over.
    Lost {
        /// The request's.
        tag: u64,
        /// Whether it may have been carried out, or may still be.
        maybe: bool,
    },
    /// A watch fired.
    Changed {
        /// Where.
        path: String,
        /// What.
        change: Change,
    },
    /// The application wants to add one.
    Add {},
    /// The application wants to know the configuration.
    Read {},
    /// The application wants the lock.
    Acquire {},
    /// The application is done with the lock.
    Release {},
}

/// Why a request was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Refusal {
    /// The znode is not there.
    NoNode,
    /// The znode is there already.
    NodeExists,
    /// The version is another one.
    BadVersion,
    /// Something else.
    Other,
}

/// What happened to a watched path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// It is there now.
    Created,
    /// It is not there any more.
    Deleted,
    /// Its data was set.
    Data,
    /// A child came or went.
    Children,
}

impl From<EventKind> for Change {
    fn from(kind: EventKind) -> Self {
        match kind {
            EventKind::Created => Self::Created,
            EventKind::Deleted => Self::Deleted,
            EventKind::DataChanged => Self::Data,
            EventKind::ChildrenChanged => Self::Children,
        }
    }
}

/// What a program does. Requests have a tag of the program's choice, which their reply has, too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Action {
    /// Creates a znode.
    Create {
        /// The request's.
        tag: u64,
        /// Where; a number is appended to that of a sequential one.
        path: String,
        /// What it holds.
        #[serde(default)]
        data: String,
        /// Whether it goes with the session.
        #[serde(default)]
        ephemeral: bool,
        /// Whether it gets a number.
        #[serde(default)]
        sequential: bool,
    },
    /// Deletes a znode.
    Delete {
        /// The request's.
        tag: u64,
        /// Which.
        path: String,
        /// Only if its version is this.
        #[serde(default)]
        version: Option<i32>,
    },
    /// Sets a znode's data.
    Set {
        /// The request's.
        tag: u64,
        /// Which.
        path: String,
        /// To what.
        data: String,
        /// Only if its version is this.
        #[serde(default)]
        version: Option<i32>,
    },
    /// Reads a znode's data.
    Get {
        /// The request's.
        tag: u64,
        /// Which.
        path: String,
        /// Whether it leaves a one-shot watch.
        #[serde(default)]
        watch: bool,
    },
    /// Looks whether a znode is there.
    Exists {
        /// The request's.
        tag: u64,
        /// Which.
        path: String,
        /// Whether it leaves a one-shot watch.
        #[serde(default)]
        watch: bool,
    },
    /// Lists a znode's children.
    Children {
        /// The request's.
        tag: u64,
        /// Of which.
        path: String,
        /// Whether it leaves a one-shot watch.
        #[serde(default)]
        watch: bool,
    },
    /// Lets the server catch up with the leader.
    Sync {
        /// The request's.
        tag: u64,
        /// About which znode.
        path: String,
    },
    /// Sets a persistent watch.
    Watch {
        /// The request's.
        tag: u64,
        /// Where.
        path: String,
    },
    /// Tells the application: one was added, exactly once.
    Added {
        /// What the counter was then.
        value: u64,
    },
    /// Tells the application the configuration; null = there is none.
    Serve {
        /// What it holds.
        data: Option<String>,
    },
    /// Tells the application that it holds the lock.
    Hold {
        /// By which znode.
        node: String,
        /// What it shows to the resource that the lock guards.
        token: Option<u64>,
    },
    /// Tells the application that it does not hold the lock, or not any more, and has stopped to wait for it.
    LetGo {},
}

impl Action {
    /// The tag of a request.
    pub fn tag(&self) -> Option<u64> {
        match self {
            Self::Create { tag, .. }
            | Self::Delete { tag, .. }
            | Self::Set { tag, .. }
            | Self::Get { tag, .. }
            | Self::Exists { tag, .. }
            | Self::Children { tag, .. }
            | Self::Sync { tag, .. }
            | Self::Watch { tag, .. } => Some(*tag),
            Self::Added { .. } | Self::Serve { .. } | Self::Hold { .. } | Self::LetGo {} => None,
        }
    }
}

/// The request that an action stands for, with its tag.
///
/// # Errors
/// Why there is none.
pub(super) fn request(action: Action) -> Result<(u64, Request), String> {
    let text = |text: String| -> Data { Some(text.into_bytes().into()) };
    let expected = |version: Option<i32>| version.unwrap_or(-1);
    let (tag, request) = match action {
        Action::Create {
            tag,
            path,
            data,
            ephemeral,
            sequential,
        } => {
            let kind = match (ephemeral, sequential) {
                (false, false) => flags::PERSISTENT,
                (true, false) => flags::EPHEMERAL,
                (false, true) => flags::SEQUENTIAL,
                (true, true) => flags::EPHEMERAL_SEQUENTIAL,
            };
            (tag, create(path.into(), text(data), kind))
        }
        Action::Delete { tag, path, version } => {
            let (path, version) = (path.into(), expected(version));
            (tag, Request::Delete { path, version })
        }
        Action::Set {
            tag,
            path,
            data,
            version,
        } => {
            let (path, data, version) = (path.into(), text(data), expected(version));
            let set = Request::SetData {
                path,
                data,
                version,
            };
            (tag, set)
        }
        Action::Get { tag, path, watch } => {
            let path = path.into();
            (tag, Request::GetData { path, watch })
        }
        Action::Exists { tag, path, watch } => {
            let path = path.into();
            (tag, Request::Exists { path, watch })
        }
        Action::Children { tag, path, watch } => {
            let (path, stat) = (path.into(), false);
            (tag, Request::GetChildren { path, watch, stat })
        }
        Action::Sync { tag, path } => (tag, Request::Sync { path: path.into() }),
        Action::Watch { tag, path } => {
            let path = path.into();
            (tag, Request::AddWatch { path, mode: 0 })
        }
        Action::Added { .. } | Action::Serve { .. } | Action::Hold { .. } | Action::LetGo {} => {
            return Err("it is no request".to_owned());
        }
    };
    let length = if let Request::Create { data, .. } | Request::SetData { data, .. } = &request {
        data.as_ref().map_or(0, |data| data.len())
    } else {
        0
    };
    if length > LONGEST {
        return Err(format!("it wrote {length} bytes into a znode"));
    }
    Ok((tag, request))
}

/// Data as text.
pub(super) fn text(data: &Data) -> Option<String> {
    let data = data.as_deref()?;
    Some(String::from_utf8_lossy(data).into_owned())
}

/// What came of a request.
pub(super) fn reply(tag: u64, result: &Result<Response, ErrorCode>) -> Event {
    let response = match result {
        Ok(response) => response,
        Err(code) => {
            let why = refusal(*code);
            return Event::Refused { tag, why };
        }
    };
    let (mut path, mut data, mut version, mut names) = (None, None, None, None);
    match response {
        Response::Path(created) => path = Some(created.to_string()),
        Response::PathStat(created, stat) => {
            path = Some(created.to_string());
            version = Some(stat.version);
        }
        Response::Stat(stat) => version = Some(stat.version),
        Response::Data(held, stat) => {
            data = text(held);
            version = Some(stat.version);
        }
        Response::Children(children, _) => {
            names = Some(children.iter().map(ToString::to_string).collect());
        }
        Response::Empty
        | Response::Acl(..)
        | Response::Multi(_)
        | Response::Paths(_)
        | Response::Count(_)
        | Response::Identities(_) => {}
    }
    Event::Reply {
        tag,
        path,
        data,
        version,
        names,
    }
}

fn refusal(code: ErrorCode) -> Refusal {
    if code == ErrorCode::NoNode {
        Refusal::NoNode
    } else if code == ErrorCode::NodeExists {
        Refusal::NodeExists
    } else if code == ErrorCode::BadVersion {
        Refusal::BadVersion
    } else {
        Refusal::Other
    }
}
