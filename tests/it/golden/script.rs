//! Reading a vector: a step's arguments as a request, and an answer in the vector's own words.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use zablab::base::zxid::Zxid;
use zablab::history::op::{
    Acl, AclEntry, CreateOp, Data, ErrorCode, EventKind, Path, Request, Response, SetWatches, Stat,
    WatchEvent, flags,
};

/// How a script's paths and zxids map to the tree's.
pub(super) struct Frame {
    /// Prefix of every path of a script whose root is an ordinary znode, else empty.
    pub(super) chroot: String,
    /// The zxid that a script calls 0.
    pub(super) base: Zxid,
}

impl Frame {
    pub(super) fn path(&self, sent: &str) -> Path {
        match sent {
            "/" if !self.chroot.is_empty() => Path::from(&*self.chroot),
            _ => Path::from(format!("{}{sent}", self.chroot)),
        }
    }

    fn shown<'a>(&self, path: &'a str) -> &'a str {
        match path
            .strip_prefix(&*self.chroot)
            .expect("a path under the chroot")
        {
            "" if !path.is_empty() => "/",
            rest => rest,
        }
    }

    pub(super) fn relative(&self, zxid: Zxid) -> u64 {
        zxid.0.saturating_sub(self.base.0)
    }

    pub(super) fn absolute(&self, relative: &Value) -> Zxid {
        Zxid(self.base.0 + relative.as_u64().expect("a relative zxid"))
    }
}

/// The request of a step or of an operation inside one.
pub(super) fn request(step: &Value, frame: &Frame) -> Request {
    let args = Arguments { step, frame };
    let Some(op) = step["op"].as_str() else {
        return Request::Raw {
            opcode: args.int("op", 0),
        };
    };
    let (path, version) = (args.path(), args.int("version", -1));
    match op {
        "create" => args.create(CreateOp::Create, flags::PERSISTENT),
        "create2" => args.create(CreateOp::Create2, flags::PERSISTENT),
        "createContainer" => args.create(CreateOp::Container, flags::CONTAINER),
        "createTTL" => args.create(CreateOp::Ttl, flags::TTL),
        "delete" => Request::Delete { path, version },
        "deleteContainer" => Request::DeleteContainer { path },
        "setData" => Request::SetData {
            path,
            data: data(&step["data"]),
            version,
        },
        "setACL" => Request::SetAcl {
            path,
            acl: acl(step),
            version,
        },
        "check" => Request::Check { path, version },
        "multi" => Request::Multi(args.operations()),
        "auth" => Request::Auth {
            scheme: Arc::from(step["scheme"].as_str().expect("a scheme")),
            auth: Arc::from(step["auth"].as_str().expect("credentials").as_bytes()),
        },
        "close" => Request::CloseSession,
        read => args.read(read),
    }
}

/// The arguments of one operation.
struct Arguments<'a> {
    step: &'a Value,
    frame: &'a Frame,
}

impl Arguments<'_> {
    fn path(&self) -> Path {
        self.frame
            .path(self.step["path"].as_str().unwrap_or_default())
    }

    fn number(&self, key: &str, default: i64) -> i64 {
        self.step[key].as_i64().unwrap_or(default)
    }

    fn int(&self, key: &str, default: i32) -> i32 {
        i32::try_from(self.number(key, default.into())).expect("an int")
    }

    fn create(&self, op: CreateOp, default_flags: i32) -> Request {
        Request::Create {
            op,
            path: self.path(),
            data: data(&self.step["data"]),
            acl: acl(self.step),
            flags: self.int("flags", default_flags),
            ttl: self.number("ttl", -1),
        }
    }

    fn operations(&self) -> Vec<Request> {
        let operations = self.step["ops"].as_array();
        let operations = operations.expect("a list of operations").iter();
        operations.map(|op| request(op, self.frame)).collect()
    }

    fn read(&self, op: &str) -> Request {
        let (path, kind) = (self.path(), self.int("type", 0));
        let watch = self.step["watch"].as_bool().unwrap_or(false);
        match op {
            "exists" => Request::Exists { path, watch },
            "getData" => Request::GetData { path, watch },
            "getChildren" | "getChildren2" => Request::GetChildren {
                path,
                watch,
                stat: op == "getChildren2",
            },
            "getACL" => Request::GetAcl { path },
            "sync" => Request::Sync { path },
            "multiRead" => Request::MultiRead(self.operations()),
            "getEphemerals" => Request::GetEphemerals { prefix: path },
            "getAllChildrenNumber" => Request::GetAllChildrenNumber { path },
            "whoAmI" => Request::WhoAmI,
            "addWatch" => Request::AddWatch {
                path,
                mode: self.int("mode", 0),
            },
            "checkWatches" => Request::CheckWatches { path, kind },
            "removeWatches" => Request::RemoveWatches { path, kind },
            "setWatches" | "setWatches2" => {
                Request::SetWatches(Box::new(set_watches(self.step, self.frame)))
            }
            other => panic!("unknown operation {other:?}"),
        }
    }
}

fn set_watches(step: &Value, frame: &Frame) -> SetWatches {
    let list = |key: &str| -> Vec<Path> {
        let paths = step[key].as_array().into_iter().flatten();
        paths
            .map(|path| frame.path(path.as_str().expect("a path")))
            .collect()
    };
    SetWatches {
        relative_zxid: frame.absolute(&step["rel"]),
        data: list("data"),
        exist: list("exist"),
        child: list("child"),
        persistent: list("persistent"),
        recursive: list("recursive"),
    }
}

fn data(value: &Value) -> Data {
    if let Some(text) = value.as_str() {
        return Some(Arc::from(text.as_bytes()));
    }
    let fill = value.get("fill")?;
    let unit = fill[0].as_str().expect("a character").as_bytes();
    let count = usize::try_from(fill[1].as_u64().expect("a count")).expect("a small count");
    Some(unit.repeat(count).into())
}

fn acl(step: &Value) -> Option<Acl> {
    let Some(entries) = step.get("acl") else {
        return Some(zablab::tree::acl::open());
    };
    let entry = |entry: &Value| AclEntry {
        perms: entry[0]
            .as_i64()
            .and_then(|perms| i32::try_from(perms).ok())
            .expect("perms"),
        scheme: Arc::from(entry[1].as_str().expect("a scheme")),
        id: Arc::from(entry[2].as_str().expect("an id")),
    };
    Some(entries.as_array()?.iter().map(entry).collect())
}

/// The vector's name of an error.
pub(super) fn error_name(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::Ok => "ok",
        ErrorCode::SystemError => "SystemError",
        ErrorCode::RuntimeInconsistency => "RuntimeInconsistency",
        ErrorCode::ConnectionLoss => "ConnectionLoss",
        ErrorCode::MarshallingError => "MarshallingError",
        ErrorCode::Unimplemented => "Unimplemented",
        ErrorCode::OperationTimeout => "OperationTimeout",
        ErrorCode::BadArguments => "BadArguments",
        ErrorCode::UnknownSession => "UnknownSession",
        ErrorCode::NoNode => "NoNode",
        ErrorCode::NoAuth => "NoAuth",
        ErrorCode::BadVersion => "BadVersion",
        ErrorCode::NoChildrenForEphemerals => "NoChildrenForEphemerals",
        ErrorCode::NodeExists => "NodeExists",
        ErrorCode::NotEmpty => "NotEmpty",
        ErrorCode::SessionExpired => "SessionExpired",
        ErrorCode::InvalidAcl => "InvalidACL",
        ErrorCode::AuthFailed => "AuthFailed",
        ErrorCode::SessionMoved => "SessionMoved",
        ErrorCode::NoWatcher => "NoWatcher",
        ErrorCode::QuotaExceeded => "QuotaExceeded",
    }
}

/// A watch event as a vector shows it.
pub(super) fn event(event: &WatchEvent, frame: &Frame) -> Value {
    let kind = match event.kind {
        EventKind::Created => "created",
        EventKind::Deleted => "deleted",
        EventKind::DataChanged => "changed",
        EventKind::ChildrenChanged => "child",
    };
    let zxid = event
        .zxid
        .map_or(json!(-1), |zxid| json!(frame.relative(zxid)));
    json!([kind, frame.shown(&event.path), zxid])
}

/// Shows answers; `owner` names the client that owns a session.
pub(super) struct Shower<'a> {
    pub(super) frame: &'a Frame,
    pub(super) owner: &'a dyn Fn(u64) -> String,
}

impl Shower<'_> {
    /// A reply's fields without `z`.
    pub(super) fn reply(
        &self,
        request: &Request,
        result: &Result<Response, ErrorCode>,
    ) -> Map<String, Value> {
        let mut fields = match result {
            Ok(response) => self.response(request, response),
            Err(_) => Map::new(),
        };
        let code = result.as_ref().err().copied().unwrap_or(ErrorCode::Ok);
        fields.insert("err".into(), json!(error_name(code)));
        fields
    }

    fn response(&self, request: &Request, response: &Response) -> Map<String, Value> {
        let fields = match response {
            Response::Empty if matches!(request, Request::AddWatch { .. }) => json!({"body": 0}),
            Response::Empty => json!({}),
            Response::Path(path) => json!({"path": self.frame.shown(path)}),
            Response::PathStat(path, stat) => {
                json!({"path": self.frame.shown(path), "stat": self.stat(stat)})
            }
            Response::Stat(stat) => json!({"stat": self.stat(stat)}),
            Response::Data(data, stat) => json!({"data": text(data), "stat": self.stat(stat)}),
            Response::Children(names, None) => json!({"children": strings(names)}),
            Response::Children(names, Some(stat)) => {
                json!({"children": strings(names), "stat": self.stat(stat)})
            }
            Response::Acl(acl, stat) => {
                let entries: Vec<Value> = acl
                    .iter()
                    .map(|entry| json!([entry.perms, &*entry.scheme, &*entry.id]))
                    .collect();
                json!({"acl": entries, "stat": self.stat(stat)})
            }
            Response::Multi(results) => json!({"results": self.results(request, results)}),
            Response::Paths(paths) => {
                let shown: Vec<&str> = paths.iter().map(|path| self.frame.shown(path)).collect();
                json!({"paths": shown})
            }
            Response::Count(count) => json!({"n": count}),
            Response::Identities(ids) => {
                let pairs: Vec<Value> = ids
                    .iter()
                    .map(|(scheme, user)| json!([&**scheme, &**user]))
                    .collect();
                json!({"who": pairs})
            }
        };
        let Value::Object(fields) = fields else {
            panic!("{fields} is no object");
        };
        fields
    }

    fn results(&self, request: &Request, results: &[Result<Response, ErrorCode>]) -> Vec<Value> {
        let (Request::Multi(requests) | Request::MultiRead(requests)) = request else {
            panic!("{request:?} has no results");
        };
        let one = |(request, result): (&Request, &Result<Response, ErrorCode>)| match result {
            Err(code) => json!({"err": error_name(*code)}),
            Ok(response) => {
                let mut fields = self.response(request, response);
                fields.insert("type".into(), json!(kind_of_result(request)));
                Value::Object(fields)
            }
        };
        assert_eq!(requests.len(), results.len(), "one result per operation");
        requests.iter().zip(results).map(one).collect()
    }

    fn stat(&self, stat: &Stat) -> Value {
        let owner = match stat.owner {
            0 => json!(0),
            session => json!((self.owner)(session)),
        };
        json!({
            "czxid": self.frame.relative(stat.czxid),
            "mzxid": self.frame.relative(stat.mzxid),
            "pzxid": self.frame.relative(stat.pzxid),
            "version": stat.version,
            "cversion": stat.cversion,
            "aversion": stat.aversion,
            "owner": owner,
            "len": stat.data_length,
            "nchild": stat.children,
        })
    }
}

fn kind_of_result(request: &Request) -> &'static str {
    // createContainer and createTTL come back as create2.
    let kinds = [
        (
            matches!(
                request,
                Request::Create {
                    op: CreateOp::Create,
                    ..
                }
            ),
            "create",
        ),
        (matches!(request, Request::Create { .. }), "create2"),
        (matches!(request, Request::Delete { .. }), "delete"),
        (matches!(request, Request::SetData { .. }), "setData"),
        (matches!(request, Request::Check { .. }), "check"),
        (matches!(request, Request::GetData { .. }), "getData"),
        (
            matches!(request, Request::GetChildren { .. }),
            "getChildren",
        ),
    ];
    let kind = kinds.iter().find(|(is_it, _)| *is_it);
    kind.expect("an operation that has a place in a multi").1
}

fn text(data: &Data) -> Value {
    match data {
        None => Value::Null,
        Some(bytes) => json!(std::str::from_utf8(bytes).expect("the vectors hold text")),
    }
}

fn strings(paths: &[Path]) -> Vec<&str> {
    paths.iter().map(|path| &**path).collect()
}
