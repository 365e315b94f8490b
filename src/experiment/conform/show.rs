//! What servers say, in the vectors' words.

use serde_json::{Map, Value, json};

use super::arguments::Root;
use super::zxids::Zxids;
use crate::base::zxid::Zxid;
use crate::history::op::{
    CreateOp, Data, ErrorCode, EventKind, Path, Request, Response, Stat, WatchEvent,
};

/// How a script names paths, zxids and sessions.
pub(super) struct Shower<'a> {
    /// What its "/" is.
    pub(super) root: Root,
    /// Its zxids.
    pub(super) zxids: &'a Zxids,
    /// The client that opened a session.
    pub(super) owner: &'a dyn Fn(u64) -> Value,
}

impl Shower<'_> {
    /// A reply with its header.
    pub(super) fn reply(
        &self,
        request: &Request,
        zxid: Option<Zxid>,
        result: &Result<Response, ErrorCode>,
    ) -> Value {
        let mut fields = match result {
            Ok(response) => self.response(request, response),
            Err(_) => Map::new(),
        };
        let code = result.as_ref().err().copied().unwrap_or(ErrorCode::Ok);
        fields.insert("err".into(), json!(error_name(code)));
        let is_auth = matches!(request, Request::Auth { .. });
        let shown = match zxid {
            None => json!(-1),
            Some(zxid) if is_auth => json!(zxid.0),
            Some(zxid) => json!(self.zxids.relative(zxid)),
        };
        fields.insert("z".into(), shown);
        Value::Object(fields)
    }

    /// A watch event.
    pub(super) fn event(&self, event: &WatchEvent) -> Value {
        let kind = match event.kind {
            EventKind::Created => "created",
            EventKind::Deleted => "deleted",
            EventKind::DataChanged => "changed",
            EventKind::ChildrenChanged => "child",
        };
        let zxid = match event.zxid {
            None => json!(-1),
            Some(zxid) => json!(self.zxids.relative(zxid)),
        };
        json!([kind, self.root.shown(&event.path), zxid])
    }

    fn response(&self, request: &Request, response: &Response) -> Map<String, Value> {
        let mut fields = Map::new();
        let mut put = |key: &str, value: Value| drop(fields.insert(key.into(), value));
        match response {
            Response::Empty if matches!(request, Request::AddWatch { .. }) => {
                put("body", json!(0));
            }
            Response::Empty => {}
            Response::Path(path) => put("path", json!(self.root.shown(path))),
            Response::PathStat(path, stat) => {
                put("path", json!(self.root.shown(path)));
                put("stat", self.stat(stat));
            }
            Response::Stat(stat) => put("stat", self.stat(stat)),
            Response::Data(data, stat) => {
                put("data", shown_data(data));
                put("stat", self.stat(stat));
            }
            Response::Children(names, stat) => {
                put("children", strings(names));
                if let Some(stat) = stat {
                    put("stat", self.stat(stat));
                }
            }
            Response::Acl(acl, stat) => {
                let entries = acl
                    .iter()
                    .map(|entry| json!([entry.perms, &*entry.scheme, &*entry.id]));
                put("acl", entries.collect());
                put("stat", self.stat(stat));
            }
            Response::Multi(results) => put("results", self.results(request, results)),
            Response::Paths(paths) => {
                let shown = paths.iter().map(|path| json!(self.root.shown(path)));
                put("paths", shown.collect());
            }
            Response::Count(count) => put("n", json!(count)),
            Response::Identities(ids) => {
                let pairs = ids.iter().map(|(scheme, user)| json!([&**scheme, &**user]));
                put("who", pairs.collect());
            }
        }
        fields
    }

    fn results(&self, request: &Request, results: &[Result<Response, ErrorCode>]) -> Value {
        let operations: &[Request] =
            if let Request::Multi(operations) | Request::MultiRead(operations) = request {
                operations
            } else {
                &[]
            };
        let one = |(index, result): (usize, &Result<Response, ErrorCode>)| match result {
            Err(code) => json!({"err": error_name(*code)}),
            Ok(response) => {
                let operation = operations.get(index).unwrap_or(request);
                let mut fields = self.response(operation, response);
                fields.insert("type".into(), json!(type_of_result(operation)));
                Value::Object(fields)
            }
        };
        results.iter().enumerate().map(one).collect()
    }

    fn stat(&self, stat: &Stat) -> Value {
        let owner = match stat.owner {
            0 => json!(0),
            session => (self.owner)(session),
        };
        json!({
            "czxid": self.zxids.relative(stat.czxid),
            "mzxid": self.zxids.relative(stat.mzxid),
            "pzxid": self.zxids.relative(stat.pzxid),
            "version": stat.version,
            "cversion": stat.cversion,
            "aversion": stat.aversion,
            "owner": owner,
            "len": stat.data_length,
            "nchild": stat.children,
        })
    }
}

/// The type under which an operation's result comes back; those of createContainer and createTTL as create2.
fn type_of_result(operation: &Request) -> &'static str {
    match operation {
        Request::Create {
            op: CreateOp::Create,
            ..
        } => "create",
        Request::Create { .. } => "create2",
        Request::Delete { .. } => "delete",
        Request::SetData { .. } => "setData",
        Request::Check { .. } => "check",
        Request::GetData { .. } => "getData",
        Request::GetChildren { .. } => "getChildren",
        Request::DeleteContainer { .. }
        | Request::Exists { .. }
        | Request::GetAllChildrenNumber { .. }
        | Request::GetEphemerals { .. }
        | Request::GetAcl { .. }
        | Request::SetAcl { .. }
        | Request::Sync { .. }
        | Request::Multi(_)
        | Request::MultiRead(_)
        | Request::WhoAmI
        | Request::AddWatch { .. }
        | Request::CheckWatches { .. }
        | Request::RemoveWatches { .. }
        | Request::SetWatches(_)
        | Request::Auth { .. }
        | Request::CloseSession
        | Request::Raw { .. } => "unexpected",
    }
}

/// The vectors' name of an error.
fn error_name(code: ErrorCode) -> String {
    match code {
        ErrorCode::Ok => "ok".into(),
        ErrorCode::InvalidAcl => "InvalidACL".into(),
        ErrorCode::SystemError
        | ErrorCode::RuntimeInconsistency
        | ErrorCode::ConnectionLoss
        | ErrorCode::MarshallingError
        | ErrorCode::Unimplemented
        | ErrorCode::OperationTimeout
        | ErrorCode::BadArguments
        | ErrorCode::UnknownSession
        | ErrorCode::NoNode
        | ErrorCode::NoAuth
        | ErrorCode::BadVersion
        | ErrorCode::NoChildrenForEphemerals
        | ErrorCode::NodeExists
        | ErrorCode::NotEmpty
        | ErrorCode::SessionExpired
        | ErrorCode::AuthFailed
        | ErrorCode::SessionMoved
        | ErrorCode::NoWatcher
        | ErrorCode::QuotaExceeded => code.to_string(),
    }
}

/// Text as text, other bytes in hexadecimal digits.
fn shown_data(data: &Data) -> Value {
    let Some(bytes) = data else {
        return Value::Null;
    };
    if let Ok(text) = std::str::from_utf8(bytes) {
        return json!(text);
    }
    let digit = |half: u8| char::from_digit(half.into(), 16).expect("half a byte");
    let digits: String = bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect();
    json!({"hex": digits})
}

fn strings(names: &[Path]) -> Value {
    names.iter().map(|name| json!(&**name)).collect()
}
