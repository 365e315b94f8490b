//! Histories: what clients did and were told, as JSON lines of Jepsen's shape.
//!
//! ```json
//! {"index":0,"process":0,"type":"invoke","f":"cas","key":"/k1","value":"c1-7","time":51000,"expected":3,"client":1,"op":7}
//! {"index":1,"process":0,"type":"ok","f":"cas","key":"/k1","value":"c1-7","time":58000,"version":4,"zxid":"1:17",…}
//! ```
//!
//! - **Order** is real-time order; `index` counts lines from 0 without gaps.
//! - **Processes** have at most one operation open. A client takes the lowest of its processes that is idle, or a new number,
//!   counted up over all clients; after an unknown outcome (`info`) a process is never used again. `client` and `op` name
//!   client and operation as facts do.
//! - **Operations** (`f`): `read` getData, `write` setData of any version, `cas` setData of the version in `expected`, `create`,
//!   `delete`, `exists`, `children`, `sync`, `check`, `multi` and so on. `key` is the path. The value of a multi is
//!   the list of its operations as `{f, key, value, expected}`; its ok repeats that list.
//! - **ok**: `value` is what was read or written; `version` is the znode's afterwards, `zxid` the reply header's (a write's own), `mzxid`
//!   the write that a read saw, `czxid` and `pzxid` those that created it and last changed its children, `aversion` how often its ACL was set where it
//!   was, `path` the name that a create was given. `flags` and `create` say how a create was meant; `results` has a multi's results one by one. That a znode is absent is an answer too: read, children
//!   and exists are then ok, with the value null (exists: false) and the error `NoNode`.
//!   `watch` is true where a read asks for a watch, `acl` is a create's unless everybody may do everything, `owner` the session of an ephemeral,
//!   `conn` the client's connection that brought the reply.
//! - **fail**: did not take effect. `error` is `mismatch` when the expected version was observed not to hold (`BadVersion`), `not-sent`
//!   when the operation never left the client, else ZooKeeper's name of the error.
//! - **info**: unknown outcome; `error` says why (`ConnectionLoss`, `SessionExpired`, `client-crashed`).
//! - Lines of the **type `event`** are no operations: `process` is null, and `f` is `watch` (`key`, `value` what happened), `connected`
//!   (`value` the server, `timeout_ms`, `fresh` for a new session), `disconnected`, `expired` (`told` by a server, or by the client's own clock),
//!   `watches-reset` (`value` the watches that were set again) or `crashed`.
//!
//! [`reading`] turns the lines back into facts. Pings and everything that servers say of themselves are in the trace only.

mod happening;
pub mod reading;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Serialize;
use serde_json::{Value, json};

use self::happening::Event;
use super::form::bytes::Form;
use super::form::outcomes;
use super::write_line;
use crate::base::id::{ClientId, SessionId};
use crate::base::time::Time;
use crate::base::zxid::Zxid;
use crate::history::fact::{Fact, Loss};
use crate::history::op::{Acl, AclEntry, CreateOp, Data, ErrorCode, Request, Response, Stat};

/// Writes the lines of a history from the facts of a run, in their order.
#[derive(Clone, Debug, Default)]
pub struct HistoryWriter {
    index: u64,
    processes: u64,
    idle: BTreeMap<ClientId, BTreeSet<u64>>,
    open: BTreeMap<(ClientId, u64), Open>,
}

/// An operation without an outcome so far.
#[derive(Clone, Debug)]
struct Open {
    process: u64,
    request: Arc<Request>,
}

/// How an operation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Ok,
    Fail,
    Info,
}

#[derive(Serialize)]
struct Line<'a> {
    index: u64,
    process: Option<u64>,
    r#type: &'static str,
    f: &'static str,
    key: Option<&'a str>,
    value: Value,
    time: Time,
    #[serde(flatten)]
    details: Details,
    client: ClientId,
    #[serde(skip_serializing_if = "Option::is_none")]
    op: Option<u64>,
    #[serde(skip_serializing_if = "is_none")]
    session: SessionId,
}

/// What only some lines have.
#[derive(Clone, Debug, Default, Serialize)]
struct Details {
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expected: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    zxid: Option<Zxid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mzxid: Option<Zxid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    czxid: Option<Zxid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pzxid: Option<Zxid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    aversion: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    flags: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    create: Option<CreateOp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    results: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    acl: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<SessionId>,
    #[serde(skip_serializing_if = "is_false")]
    watch: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    conn: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout_ms: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fresh: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    told: Option<bool>,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands fields over by reference"
)]
fn is_false(flag: &bool) -> bool {
    !flag
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands fields over by reference"
)]
fn is_none(session: &SessionId) -> bool {
    *session == SessionId::NONE
}

/// Who a line is about, and when.
#[derive(Clone, Copy)]
struct Subject {
    client: ClientId,
    session: SessionId,
    time: Time,
}

impl HistoryWriter {
    /// Appends the lines that a fact stands for: none, one, or one for each operation that a crash leaves open. An outcome
    /// whose invocation was not seen is left out.
    pub fn write(&mut self, time: Time, fact: &Fact, out: &mut Vec<u8>) {
        match fact {
            Fact::Invoked {
                client,
                op,
                session,
                request,
            } => self.invoke(about(*client, *session, time), *op, request, out),
            Fact::Returned {
                client,
                op,
                session,
                conn,
                zxid,
                result,
            } => self.complete(
                about(*client, *session, time),
                *op,
                |request| Answer::of(request, *zxid, result).on(*conn),
                out,
            ),
            Fact::Lost {
                client,
                op,
                session,
                loss,
                sent,
            } => {
                let answer = |_: &Request| Answer::lost(*loss, *sent);
                self.complete(about(*client, *session, time), *op, answer, out);
            }
            Fact::ClientCrashed { client } => self.crash(*client, time, out),
            Fact::EventReceived { .. }
            | Fact::Connected { .. }
            | Fact::Disconnected { .. }
            | Fact::Expired { .. }
            | Fact::WatchesReset { .. } => {
                if let Some(event) = Event::of(fact) {
                    self.happen(time, event, out);
                }
            }
            Fact::ServerCrashed { .. }
            | Fact::FaultBegan { .. }
            | Fact::FaultEnded { .. }
            | Fact::OutsideModel { .. }
            | Fact::ClockHeld { .. }
            | Fact::Recipe { .. }
            | Fact::Booted { .. }
            | Fact::BootDropped { .. }
            | Fact::BootRefused { .. }
            | Fact::Ignored { .. }
            | Fact::Voted { .. }
            | Fact::Elected { .. }
            | Fact::EpochDurable { .. }
            | Fact::AckEpochSent { .. }
            | Fact::EpochProposed { .. }
            | Fact::SyncSent { .. }
            | Fact::Switched { .. }
            | Fact::NewLeaderAckSent { .. }
            | Fact::LeadStarted { .. }
            | Fact::QuorumFormed { .. }
            | Fact::ServeStart { .. }
            | Fact::RoleEnd { .. }
            | Fact::Proposed { .. }
            | Fact::Appended { .. }
            | Fact::Durable { .. }
            | Fact::AckSent { .. }
            | Fact::CommitDecided { .. }
            | Fact::Delivered { .. }
            | Fact::DiskTruncated { .. }
            | Fact::CommitOutOfOrder { .. }
            | Fact::SessionTouched { .. }
            | Fact::SessionExpiring { .. }
            | Fact::SessionMoved { .. }
            | Fact::Ponged { .. } => {}
        }
    }

    fn invoke(&mut self, subject: Subject, op: u64, request: &Arc<Request>, out: &mut Vec<u8>) {
        let idle = self.idle.entry(subject.client).or_default();
        let process = idle.pop_first().unwrap_or_else(|| {
            self.processes += 1;
            self.processes - 1
        });
        let shape = Shape::of(request);
        let line = Line {
            index: self.index,
            process: Some(process),
            r#type: "invoke",
            f: shape.f,
            key: shape.key,
            value: shape.value,
            time: subject.time,
            details: Details {
                expected: shape.expected,
                flags: shape.flags,
                create: shape.create,
                acl: acl_of(request),
                watch: is_watching(request),
                ..Details::default()
            },
            client: subject.client,
            op: Some(op),
            session: subject.session,
        };
        write_line(&line, out);
        self.index += 1;
        let request = Arc::clone(request);
        self.open
            .insert((subject.client, op), Open { process, request });
    }

    fn complete(
        &mut self,
        subject: Subject,
        op: u64,
        answer: impl FnOnce(&Request) -> Answer,
        out: &mut Vec<u8>,
    ) {
        let Some(Open { process, request }) = self.open.remove(&(subject.client, op)) else {
            return;
        };
        let shape = Shape::of(&request);
        let answer = answer(&request);
        if answer.kind != Kind::Info {
            let idle = self.idle.entry(subject.client).or_default();
            idle.insert(process);
        }
        let line = Line {
            index: self.index,
            process: Some(process),
            r#type: match answer.kind {
                Kind::Ok => "ok",
                Kind::Fail => "fail",
                Kind::Info => "info",
            },
            f: shape.f,
            key: shape.key,
            value: answer.value.unwrap_or(shape.value),
            time: subject.time,
            details: Details {
                expected: shape.expected,
                ..answer.details
            },
            client: subject.client,
            op: Some(op),
            session: subject.session,
        };
        write_line(&line, out);
        self.index += 1;
    }

    /// What a crashed client had open stays unknown.
    fn crash(&mut self, client: ClientId, time: Time, out: &mut Vec<u8>) {
        let open = self.open.range((client, 0)..=(client, u64::MAX));
        let ops: Vec<u64> = open.map(|((_, op), _)| *op).collect();
        let subject = about(client, SessionId::NONE, time);
        for op in ops {
            let answer = |_: &Request| Answer::failed(Kind::Info, "client-crashed");
            self.complete(subject, op, answer, out);
        }
        self.happen(time, Event::new(client, SessionId::NONE, "crashed"), out);
    }

    fn happen(&mut self, time: Time, event: Event<'_>, out: &mut Vec<u8>) {
        let line = Line {
            index: self.index,
            process: None,
            r#type: "event",
            f: event.f,
            key: event.key,
            value: event.value,
            time,
            details: event.details,
            client: event.client,
            op: None,
            session: event.session,
        };
        write_line(&line, out);
        self.index += 1;
    }
}

fn about(client: ClientId, session: SessionId, time: Time) -> Subject {
    Subject {
        client,
        session,
        time,
    }
}

/// A request as a line shows it.
struct Shape<'a> {
    f: &'static str,
    key: Option<&'a str>,
    value: Value,
    expected: Option<i32>,
    flags: Option<i32>,
    create: Option<CreateOp>,
}

impl<'a> Shape<'a> {
    fn of(request: &'a Request) -> Self {
        let (f, key, value, version) = Self::parts(request);
        let (flags, create) = if let Request::Create { op, flags, .. } = request {
            let is_special = *op != CreateOp::Create;
            ((*flags != 0).then_some(*flags), is_special.then_some(*op))
        } else {
            (None, None)
        };
        Self {
            f,
            key,
            value,
            expected: (version != ANY).then_some(version),
            flags,
            create,
        }
    }

    /// Name, key, value and expected version.
    fn parts(request: &'a Request) -> (&'static str, Option<&'a str>, Value, i32) {
        match request {
            Request::Create { path, data, .. } => ("create", Some(path), shown(data), ANY),
            Request::Delete { path, version } => ("delete", Some(path), Value::Null, *version),
            Request::DeleteContainer { path } => ("delete-container", Some(path), Value::Null, ANY),
            Request::SetData {
                path,
                data,
                version,
            } => {
                let f = if *version == ANY { "write" } else { "cas" };
                (f, Some(path), shown(data), *version)
            }
            Request::Exists { path, .. } => ("exists", Some(path), Value::Null, ANY),
            Request::GetData { path, .. } => ("read", Some(path), Value::Null, ANY),
            Request::GetChildren { path, .. } => ("children", Some(path), Value::Null, ANY),
            Request::GetAllChildrenNumber { path } => {
                ("count-children", Some(path), Value::Null, ANY)
            }
            Request::GetEphemerals { prefix } => ("ephemerals", Some(prefix), Value::Null, ANY),
            Request::GetAcl { path } => ("read-acl", Some(path), Value::Null, ANY),
            Request::SetAcl { path, acl, version } => {
                ("write-acl", Some(path), json!(acl), *version)
            }
            Request::Check { path, version } => ("check", Some(path), Value::Null, *version),
            Request::Sync { path } => ("sync", Some(path), Value::Null, ANY),
            Request::Multi(requests) => ("multi", None, parts_of(requests), ANY),
            Request::MultiRead(requests) => ("multi-read", None, parts_of(requests), ANY),
            Request::WhoAmI => ("who-am-i", None, Value::Null, ANY),
            Request::AddWatch { path, mode } => ("add-watch", Some(path), json!(mode), ANY),
            Request::CheckWatches { path, kind } => ("check-watches", Some(path), json!(kind), ANY),
            Request::RemoveWatches { path, kind } => {
                ("remove-watches", Some(path), json!(kind), ANY)
            }
            Request::SetWatches(_) => ("set-watches", None, Value::Null, ANY),
            Request::Auth { scheme, .. } => ("auth", None, json!(scheme), ANY),
            Request::CloseSession => ("close-session", None, Value::Null, ANY),
            Request::Raw { opcode } => ("raw", None, json!(opcode), ANY),
        }
    }
}

/// The version that every znode has.
const ANY: i32 = -1;

fn shown(data: &Data) -> Value {
    json!(data.as_deref().map(Form::from))
}

/// What a create says of access, unless it leaves everything open to everybody.
fn acl_of(request: &Request) -> Option<Value> {
    let Request::Create { acl: Some(acl), .. } = request else {
        return None;
    };
    (**acl != *open()).then(|| json!(acl))
}

/// `OPEN_ACL_UNSAFE`: what a create has unless it says otherwise.
fn open() -> Acl {
    const ALL: i32 = 31;
    let everybody = AclEntry {
        perms: ALL,
        scheme: "world".into(),
        id: "anyone".into(),
    };
    Arc::from([everybody])
}

fn is_watching(request: &Request) -> bool {
    matches!(
        request,
        Request::Exists { watch: true, .. }
            | Request::GetData { watch: true, .. }
            | Request::GetChildren { watch: true, .. }
    )
}

/// The operations inside a multi.
fn parts_of(requests: &[Request]) -> Value {
    let parts = requests.iter().map(|request| {
        let Shape {
            f,
            key,
            value,
            expected,
            flags,
            create,
        } = Shape::of(request);
        let acl = acl_of(request);
        let mut part = json!({ "f": f, "key": key, "value": value });
        for (name, detail) in [
            ("expected", json!(expected)),
            ("flags", json!(flags)),
            ("create", json!(create)),
            ("acl", json!(acl)),
        ] {
            if !detail.is_null() {
                part[name] = detail;
            }
        }
        part
    });
    parts.collect()
}

/// An outcome as a line shows it; without a value the invocation's is repeated.
struct Answer {
    kind: Kind,
    value: Option<Value>,
    details: Details,
}

impl Answer {
    fn of(request: &Request, zxid: Option<Zxid>, result: &Result<Response, ErrorCode>) -> Self {
        let mut answer = match result {
            Ok(response) => Self::succeeded(request, response),
            Err(ErrorCode::NoNode) if is_look(request) => Self::absent(request),
            Err(error @ (ErrorCode::ConnectionLoss | ErrorCode::OperationTimeout)) => {
                Self::failed(Kind::Info, &error.to_string())
            }
            Err(error) => Self::refused(*error),
        };
        answer.details.zxid = zxid;
        answer
    }

    fn lost(loss: Loss, sent: bool) -> Self {
        match (sent, loss) {
            (false, _) => Self::failed(Kind::Fail, "not-sent"),
            (true, Loss::ConnectionLoss) => Self::failed(Kind::Info, "ConnectionLoss"),
            (true, Loss::SessionExpired) => Self::failed(Kind::Info, "SessionExpired"),
        }
    }

    fn failed(kind: Kind, error: &str) -> Self {
        Self {
            kind,
            value: None,
            details: Details {
                error: Some(error.to_owned()),
                ..Details::default()
            },
        }
    }

    fn refused(error: ErrorCode) -> Self {
        if error == ErrorCode::BadVersion {
            Self::failed(Kind::Fail, "mismatch")
        } else {
            Self::failed(Kind::Fail, &error.to_string())
        }
    }

    /// The znode that was looked at is not there.
    fn absent(request: &Request) -> Self {
        let is_question = matches!(request, Request::Exists { .. });
        Self {
            value: Some(if is_question {
                json!(false)
            } else {
                Value::Null
            }),
            ..Self::failed(Kind::Ok, "NoNode")
        }
    }

    fn succeeded(request: &Request, response: &Response) -> Self {
        match response {
            Response::Empty => Self::ok(None, None),
            Response::Path(path) => Self::ok(None, None).at(request, path),
            Response::PathStat(path, stat) => Self::ok(None, Some(stat)).at(request, path),
            Response::Stat(stat) => {
                let is_question = matches!(request, Request::Exists { .. });
                Self::ok(is_question.then_some(json!(true)), Some(stat))
            }
            Response::Data(data, stat) => Self::ok(Some(shown(data)), Some(stat)),
            Response::Children(names, stat) => Self::ok(Some(json!(names)), stat.as_deref()),
            Response::Acl(acl, _) => Self::ok(Some(json!(acl)), None),
            Response::Multi(results) => {
                let mut answer = Self::all(request, results);
                answer.details.results = Some(json!(Results(results)));
                answer
            }
            Response::Paths(paths) => Self::ok(Some(json!(paths)), None),
            Response::Count(count) => Self::ok(Some(json!(count)), None),
            Response::Identities(identities) => Self::ok(Some(json!(identities)), None),
        }
    }

    fn ok(value: Option<Value>, stat: Option<&Stat>) -> Self {
        Self {
            kind: Kind::Ok,
            value,
            details: Details {
                version: stat.map(|stat| stat.version),
                mzxid: stat.map(|stat| stat.mzxid),
                czxid: stat.map(|stat| stat.czxid),
                pzxid: stat.map(|stat| stat.pzxid),
                aversion: stat.map(|stat| stat.aversion).filter(|times| *times != 0),
                owner: stat
                    .map(|stat| SessionId(stat.owner))
                    .filter(|owner| !is_none(owner)),
                ..Details::default()
            },
        }
    }

    /// The connection that brought it.
    fn on(mut self, conn: u64) -> Self {
        self.details.conn = Some(conn);
        self
    }

    /// The name that a create was given.
    fn at(mut self, request: &Request, path: &str) -> Self {
        if matches!(request, Request::Create { .. }) {
            self.details.path = Some(path.to_owned());
        }
        self
    }

    /// A multi happens as a whole or, for the first real error, not at all; the reads of a multiRead answer one by one.
    fn all(request: &Request, results: &[Result<Response, ErrorCode>]) -> Self {
        if let Request::MultiRead(reads) = request {
            let answers = reads.iter().zip(results);
            let answer = |(read, result): (&Request, &Result<Response, ErrorCode>)| {
                let Self { value, details, .. } = Self::of(read, None, result);
                json!({ "value": value, "version": details.version, "error": details.error })
            };
            return Self::ok(Some(answers.map(answer).collect()), None);
        }
        let is_real = |error: &ErrorCode| *error != ErrorCode::Ok;
        let error = results
            .iter()
            .find_map(|result| result.as_ref().err().copied().filter(is_real));
        error.map_or_else(|| Self::ok(None, None), Self::refused)
    }
}

/// Results one by one, as facts have them.
#[derive(Serialize)]
struct Results<'a>(#[serde(with = "outcomes")] &'a [Result<Response, ErrorCode>]);

/// Whether a request only looks at a znode, so that its absence is an answer.
fn is_look(request: &Request) -> bool {
    matches!(
        request,
        Request::Exists { .. } | Request::GetData { .. } | Request::GetChildren { .. }
    )
}

#[cfg(test)]
mod tests;
