//! Lines of operations back into the facts of clients, as far as checkers of operations need them.
//!
//! Not told by the lines and therefore left empty: TTLs, credentials, and of a znode's status everything but its versions, zxids and owner.
//! Events without `conn`, as older recordings have them, are passed over: nothing is said of watches then.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::super::NoFact;
use super::super::form::{data, outcomes};
use super::{ANY, open};
use crate::base::id::{ClientId, ServerId, SessionId};
use crate::base::time::Time;
use crate::base::zxid::Zxid;
use crate::history::fact::{Fact, Loss};
use crate::history::op::{
    Acl, CreateOp, Data, ErrorCode, EventKind, Path, Request, Response, SetWatches, Stat,
    WatchEvent,
};

/// A line as it stands.
#[derive(Deserialize)]
struct Line {
    r#type: Arc<str>,
    f: Arc<str>,
    #[serde(default)]
    key: Option<Path>,
    #[serde(default)]
    value: Value,
    time: Time,
    #[serde(default)]
    process: Value,
    client: Option<ClientId>,
    op: Option<u64>,
    #[serde(default)]
    session: Option<SessionId>,
    #[serde(default)]
    error: Option<Arc<str>>,
    #[serde(default)]
    expected: Option<i32>,
    #[serde(default)]
    version: Option<i32>,
    #[serde(default)]
    zxid: Option<Zxid>,
    #[serde(default)]
    mzxid: Option<Zxid>,
    #[serde(default)]
    czxid: Option<Zxid>,
    #[serde(default)]
    pzxid: Option<Zxid>,
    #[serde(default)]
    aversion: i32,
    #[serde(default)]
    path: Option<Path>,
    #[serde(default)]
    flags: i32,
    #[serde(default)]
    create: Option<CreateOp>,
    #[serde(default)]
    results: Option<Results>,
    #[serde(default)]
    acl: Option<Acl>,
    #[serde(default)]
    owner: Option<SessionId>,
    #[serde(default)]
    watch: bool,
    #[serde(default)]
    conn: Option<u64>,
    #[serde(default)]
    timeout_ms: u32,
    #[serde(default)]
    fresh: bool,
    #[serde(default)]
    told: Option<bool>,
}

#[derive(Deserialize)]
struct Results(#[serde(with = "outcomes")] Vec<Result<Response, ErrorCode>>);

#[derive(Deserialize)]
struct Shown(#[serde(with = "data")] Data);

/// Reads the line of a number (from 1); one that tells nothing to a checker of operations holds no fact.
///
/// # Errors
/// If it is no line of a recording.
pub fn read(number: u64, text: &str) -> Result<Option<(Time, Fact)>, NoFact> {
    let complain = |what: String| NoFact { line: number, what };
    if text.trim().is_empty() {
        return Ok(None);
    }
    let line: Line = serde_json::from_str(text).map_err(|error| {
        complain(
            error
                .to_string()
                .replace(" at line 1 column ", " at column "),
        )
    })?;
    let fact = line.fact().map_err(complain)?;
    Ok(fact.map(|fact| (line.time, fact)))
}

impl Line {
    fn fact(&self) -> Result<Option<Fact>, String> {
        let is_nemesis = self.process.is_string();
        let Some(client) = self.client else {
            // A fault, as an export tells it.
            return if is_nemesis {
                Ok(None)
            } else {
                Err("missing field `client`".to_owned())
            };
        };
        let session = self.session.unwrap_or(SessionId::NONE);
        if is_nemesis || &*self.r#type == "event" {
            return self.event(client, session);
        }
        let op = self
            .op
            .ok_or("the field op is missing, expected the operation's number")?;
        Ok(match &*self.r#type {
            "invoke" => Some(Fact::Invoked {
                client,
                op,
                session,
                request: Arc::new(self.request()?),
            }),
            "ok" | "fail" | "info" => self.outcome((client, op), session)?,
            other => {
                return Err(format!(
                    "the type is {other:?}, expected invoke, ok, fail, info or event"
                ));
            }
        })
    }

    fn event(&self, client: ClientId, session: SessionId) -> Result<Option<Fact>, String> {
        let fact = match (&*self.f, self.conn) {
            ("crashed", _) => Fact::ClientCrashed { client },
            ("expired", _) => Fact::Expired {
                client,
                session,
                told: self.told.unwrap_or(true),
            },
            ("watches-reset", conn) => Fact::WatchesReset {
                client,
                session,
                conn: conn.unwrap_or(0),
                zxid: self.zxid,
                watches: Arc::new(self.watches()?),
            },
            ("connected", Some(conn)) => Fact::Connected {
                client,
                session,
                server: ServerId::deserialize(&self.value)
                    .map_err(|error| format!("the server: {error}"))?,
                conn,
                timeout_ms: self.timeout_ms,
                fresh: self.fresh,
            },
            ("disconnected", Some(conn)) => Fact::Disconnected {
                client,
                session,
                conn,
            },
            ("watch", Some(conn)) => Fact::EventReceived {
                client,
                session,
                conn,
                event: self.watch_event()?,
            },
            _ => return Ok(None),
        };
        Ok(Some(fact))
    }

    fn watches(&self) -> Result<SetWatches, String> {
        if self.value.is_null() {
            return Ok(SetWatches::default());
        }
        let watches = SetWatches::deserialize(&self.value);
        watches.map_err(|error| format!("the watches: {error}"))
    }

    fn watch_event(&self) -> Result<WatchEvent, String> {
        let kind = EventKind::deserialize(&self.value);
        Ok(WatchEvent {
            kind: kind.map_err(|error| format!("the kind of event: {error}"))?,
            path: self
                .key
                .clone()
                .ok_or("a watch event has no key, expected a path")?,
            zxid: self.zxid,
        })
    }

    fn request(&self) -> Result<Request, String> {
        let part = Part {
            f: &self.f,
            key: self.key.clone(),
            value: &self.value,
            expected: self.expected,
            flags: self.flags,
            create: self.create,
            acl: self.acl.clone(),
            watch: self.watch,
        };
        part.request()
    }

    fn outcome(
        &self,
        (client, op): (ClientId, u64),
        session: SessionId,
    ) -> Result<Option<Fact>, String> {
        let lost = |loss, sent| {
            Some(Fact::Lost {
                client,
                op,
                session,
                loss,
                sent,
            })
        };
        let error = self.error.as_deref();
        let result = match (&*self.r#type, error) {
            // The crash itself follows and says so of everything that is open.
            ("info", Some("client-crashed")) => return Ok(None),
            ("info", Some("SessionExpired")) => return Ok(lost(Loss::SessionExpired, true)),
            ("info", _) => return Ok(lost(Loss::ConnectionLoss, true)),
            ("fail", Some("not-sent")) => return Ok(lost(Loss::ConnectionLoss, false)),
            (_, _) if self.results.is_some() => {
                let results = self
                    .results
                    .as_ref()
                    .map(|Results(results)| results.clone());
                Ok(Response::Multi(results.unwrap_or_default()))
            }
            (_, Some("mismatch")) => Err(ErrorCode::BadVersion),
            (_, Some(name)) => Err(error_code(name)?),
            ("fail", None) => return Err("a failure without an error".to_owned()),
            (_, None) => Ok(self.response()?),
        };
        Ok(Some(Fact::Returned {
            client,
            op,
            session,
            conn: self.conn.unwrap_or(0),
            zxid: self.zxid,
            result,
        }))
    }

    fn response(&self) -> Result<Response, String> {
        Ok(match &*self.f {
            "create" => {
                let path = self
                    .path
                    .clone()
                    .ok_or("a create without the path it was given")?;
                // Only the plain create answers without a status.
                match self.stat() {
                    Some(stat) => Response::PathStat(path, stat.into()),
                    None => Response::Path(path),
                }
            }
            "write" | "cas" | "exists" => Response::Stat(self.needed()?.into()),
            "read" => Response::Data(shown(&self.value)?, self.needed()?.into()),
            "children" => {
                let names = <Vec<Path>>::deserialize(&self.value);
                let names = names.map_err(|error| format!("the children: {error}"))?;
                Response::Children(names, self.stat().map(Arc::new))
            }
            "write-acl" => self
                .stat()
                .map_or(Response::Empty, |stat| Response::Stat(stat.into())),
            "sync" => self.key.clone().map_or(Response::Empty, Response::Path),
            _ => Response::Empty,
        })
    }

    fn needed(&self) -> Result<Stat, String> {
        let what = || {
            format!(
                "{:?} succeeded without version, mzxid, czxid and pzxid",
                self.f
            )
        };
        self.stat().ok_or_else(what)
    }

    fn stat(&self) -> Option<Stat> {
        Some(Stat {
            version: self.version?,
            mzxid: self.mzxid?,
            czxid: self.czxid?,
            pzxid: self.pzxid?,
            aversion: self.aversion,
            owner: self.owner.unwrap_or(SessionId::NONE).0,
            ..Stat::default()
        })
    }
}

/// An operation by itself or in a multi.
struct Part<'a> {
    f: &'a str,
    key: Option<Path>,
    value: &'a Value,
    expected: Option<i32>,
    flags: i32,
    create: Option<CreateOp>,
    acl: Option<Acl>,
    watch: bool,
}

impl Part<'_> {
    fn path(&self) -> Result<Path, String> {
        let what = || format!("{:?} has no key, expected a path", self.f);
        self.key.clone().ok_or_else(what)
    }

    fn request(&self) -> Result<Request, String> {
        match self.write()? {
            Some(write) => Ok(write),
            None => self.look(),
        }
    }

    /// What changes something; multis are wholes of their own.
    fn write(&self) -> Result<Option<Request>, String> {
        let version = self.expected.unwrap_or(ANY);
        let path = || self.path();
        Ok(Some(match self.f {
            "create" => Request::Create {
                op: self.create.unwrap_or(CreateOp::Create),
                path: path()?,
                data: shown(self.value)?,
                acl: Some(self.acl.clone().unwrap_or_else(open)),
                flags: self.flags,
                ttl: -1,
            },
            "delete" => {
                let path = path()?;
                Request::Delete { path, version }
            }
            "delete-container" => Request::DeleteContainer { path: path()? },
            "write" | "cas" => Request::SetData {
                path: path()?,
                data: shown(self.value)?,
                version,
            },
            "write-acl" => Request::SetAcl {
                path: path()?,
                acl: Option::deserialize(self.value)
                    .map_err(|error| format!("the ACL: {error}"))?,
                version,
            },
            "check" => {
                let path = path()?;
                Request::Check { path, version }
            }
            "multi" => Request::Multi(parts(self.value)?),
            "close-session" => Request::CloseSession,
            _ => return Ok(None),
        }))
    }

    /// What changes nothing.
    fn look(&self) -> Result<Request, String> {
        let path = || self.path();
        let number = self
            .value
            .as_i64()
            .and_then(|number| i32::try_from(number).ok());
        let number = number.unwrap_or(0);
        let watch = self.watch;
        Ok(match self.f {
            "exists" => Request::Exists {
                path: path()?,
                watch,
            },
            "read" => Request::GetData {
                path: path()?,
                watch,
            },
            "children" => Request::GetChildren {
                path: path()?,
                watch,
                stat: true,
            },
            "count-children" => Request::GetAllChildrenNumber { path: path()? },
            "ephemerals" => Request::GetEphemerals { prefix: path()? },
            "read-acl" => Request::GetAcl { path: path()? },
            "sync" => Request::Sync { path: path()? },
            "multi-read" => Request::MultiRead(parts(self.value)?),
            "who-am-i" => Request::WhoAmI,
            "add-watch" => {
                let (path, mode) = (path()?, number);
                Request::AddWatch { path, mode }
            }
            "check-watches" => {
                let (path, kind) = (path()?, number);
                Request::CheckWatches { path, kind }
            }
            "remove-watches" => {
                let (path, kind) = (path()?, number);
                Request::RemoveWatches { path, kind }
            }
            "set-watches" => Request::SetWatches(Box::default()),
            "auth" => Request::Auth {
                scheme: self.value.as_str().unwrap_or_default().into(),
                auth: Arc::default(),
            },
            "raw" => Request::Raw { opcode: number },
            other => {
                return Err(format!(
                    "the operation is {other:?}, which no recording has"
                ));
            }
        })
    }
}

/// The operations of a multi.
fn parts(value: &Value) -> Result<Vec<Request>, String> {
    let parts = value
        .as_array()
        .ok_or("a multi's value is no list of operations")?;
    let part = |part: &Value| {
        let fields = part.as_object().ok_or("a multi's operation is no object")?;
        let text = |name: &str| fields.get(name).and_then(Value::as_str);
        let part = Part {
            f: text("f").unwrap_or_default(),
            key: text("key").map(Path::from),
            value: fields.get("value").unwrap_or(&Value::Null),
            expected: number(fields, "expected"),
            flags: number(fields, "flags").unwrap_or(0),
            create: fields
                .get("create")
                .and_then(|create| CreateOp::deserialize(create).ok()),
            acl: fields.get("acl").and_then(|acl| Acl::deserialize(acl).ok()),
            watch: false,
        };
        part.request()
    };
    parts.iter().map(part).collect()
}

fn number(fields: &Map<String, Value>, name: &str) -> Option<i32> {
    fields.get(name)?.as_i64()?.try_into().ok()
}

fn shown(value: &Value) -> Result<Data, String> {
    let shown = Shown::deserialize(value);
    shown
        .map(|Shown(data)| data)
        .map_err(|error| format!("the value: {error}"))
}

fn error_code(name: &str) -> Result<ErrorCode, String> {
    ErrorCode::deserialize(&Value::from(name)).map_err(|error| error.to_string())
}
