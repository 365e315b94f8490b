//! The arguments of a step, and the request they make.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::base::time::Span;
use crate::base::zxid::Zxid;
use crate::history::op::{Acl, AclEntry, CreateOp, Data, Path, Request, SetWatches, flags};
use crate::tree::acl;

/// What a script's "/" is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Root {
    /// The real root.
    Real,
    /// An ordinary znode: the script is played under a chroot.
    Plain,
}

/// The znode that is "/" to scripts with a plain root.
pub(super) const CHROOT: &str = "/chroot";

impl Root {
    /// A path as it is sent.
    pub(super) fn sent(self, path: &str) -> Path {
        match (self, path) {
            (Self::Real, _) => Path::from(path),
            (Self::Plain, "/") => Path::from(CHROOT),
            (Self::Plain, _) => Path::from(format!("{CHROOT}{path}")),
        }
    }

    /// A path received, as the script writes it.
    pub(super) fn shown(self, path: &str) -> &str {
        match (self, path.strip_prefix(CHROOT)) {
            (Self::Real, _) | (Self::Plain, None) => path,
            (Self::Plain, Some("")) => "/",
            (Self::Plain, Some(rest)) => rest,
        }
    }
}

/// Every key that a step may have beside what came out.
const KEYS: [&str; 30] = [
    "c",
    "op",
    "path",
    "data",
    "flags",
    "version",
    "acl",
    "ttl",
    "watch",
    "mode",
    "type",
    "ops",
    "scheme",
    "auth",
    "rel",
    "exist",
    "child",
    "persistent",
    "recursive",
    "note",
    "unordered",
    "wait",
    "s",
    "what",
    "value",
    "timeout",
    "lastZxid",
    "server",
    "badpw",
    "keep",
];

/// The arguments of a step, or of an operation inside one.
pub(super) struct Arguments<'a> {
    step: &'a Map<String, Value>,
    root: Root,
}

impl<'a> Arguments<'a> {
    pub(super) fn new(step: &'a Map<String, Value>, root: Root) -> Self {
        Self { step, root }
    }

    pub(super) fn check_keys(&self) -> Result<(), String> {
        let mut keys = self.step.keys();
        match keys.find(|key| !KEYS.contains(&key.as_str())) {
            Some(key) => Err(format!("\"{key}\" is no argument of any step")),
            None => Ok(()),
        }
    }

    /// The step as text, its arguments in the usual order.
    pub(super) fn told(&self) -> String {
        let present = KEYS.iter().filter_map(|key| Some((*key, self.get(key)?)));
        let parts: Vec<String> = present
            .map(|(key, value)| format!("\"{key}\":{value}"))
            .collect();
        format!("{{{}}}", parts.join(","))
    }

    pub(super) fn get(&self, key: &str) -> Option<&'a Value> {
        self.step.get(key)
    }

    fn required(&self, key: &str) -> Result<&'a Value, String> {
        self.get(key).ok_or_else(|| format!("\"{key}\" is missing"))
    }

    pub(super) fn text(&self, key: &str) -> Result<&'a str, String> {
        let value = self.required(key)?;
        value
            .as_str()
            .ok_or_else(|| format!("{key} {value} is no text"))
    }

    pub(super) fn count(&self, key: &str) -> Result<u64, String> {
        let value = self.required(key)?;
        value
            .as_u64()
            .ok_or_else(|| format!("{key} {value} is no whole number from 0"))
    }

    pub(super) fn flag(&self, key: &str) -> Result<bool, String> {
        match self.get(key) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(other) => Err(format!("{key} {other} is neither true nor false")),
        }
    }

    fn long(&self, key: &str, default: Option<i64>) -> Result<i64, String> {
        match (self.get(key), default) {
            (None, Some(default)) => Ok(default),
            (None, None) => Err(format!("\"{key}\" is missing")),
            (Some(value), _) => value
                .as_i64()
                .ok_or_else(|| format!("{key} {value} is no whole number of 64 bits")),
        }
    }

    pub(super) fn int(&self, key: &str, default: Option<i32>) -> Result<i32, String> {
        let long = self.long(key, default.map(i64::from))?;
        i32::try_from(long).map_err(|_| format!("{key} {long} has more than 32 bits"))
    }

    /// A number of seconds, at most to the millisecond.
    pub(super) fn seconds(&self, key: &str) -> Result<Span, String> {
        let value = self.required(key)?;
        let text = value.to_string();
        let (whole, part) = text.split_once('.').unwrap_or((&text, ""));
        let whole: Option<u64> = whole.parse().ok().filter(|seconds| *seconds < 1_000_000);
        let part: Option<u64> = format!("{part:0<3}").parse().ok().filter(|ms| *ms < 1_000);
        match (whole, part, value.is_number()) {
            (Some(whole), Some(part), true) => Ok(Span::from_ms(whole * 1_000 + part)),
            _ => Err(format!("{key} {value} is no time in seconds")),
        }
    }

    pub(super) fn path(&self, key: &str) -> Result<Path, String> {
        Ok(self.root.sent(self.text(key)?))
    }

    /// The operations of a multi, multiRead or pipeline.
    pub(super) fn operations(&self) -> Result<Vec<Request>, String> {
        let value = self.required("ops")?;
        let list = value
            .as_array()
            .ok_or_else(|| format!("ops {value} is no list"))?;
        list.iter()
            .map(|operation| {
                let operation = operation
                    .as_object()
                    .ok_or_else(|| format!("{operation} is no operation"))?;
                let arguments = Arguments::new(operation, self.root);
                arguments.check_keys()?;
                arguments.request()
            })
            .collect()
    }

    /// The request that these arguments make. Zxids in it are still the script's own.
    pub(super) fn request(&self) -> Result<Request, String> {
        let Some(name) = self.required("op")?.as_str() else {
            let opcode = self.int("op", None)?;
            return Ok(Request::Raw { opcode });
        };
        let version = || self.int("version", Some(-1));
        let path = || self.path("path");
        Ok(match name {
            "create" => self.create(CreateOp::Create, flags::PERSISTENT)?,
            "create2" => self.create(CreateOp::Create2, flags::PERSISTENT)?,
            "createContainer" => self.create(CreateOp::Container, flags::CONTAINER)?,
            "createTTL" => self.create(CreateOp::Ttl, flags::TTL)?,
            "delete" => Request::Delete {
                path: path()?,
                version: version()?,
            },
            "deleteContainer" => Request::DeleteContainer { path: path()? },
            "setData" => Request::SetData {
                path: path()?,
                data: self.data()?,
                version: version()?,
            },
            "setACL" => Request::SetAcl {
                path: path()?,
                acl: self.acl()?,
                version: version()?,
            },
            "check" => Request::Check {
                path: path()?,
                version: version()?,
            },
            "multi" => Request::Multi(self.operations()?),
            "auth" => Request::Auth {
                scheme: Arc::from(self.text("scheme")?),
                auth: Arc::from(self.text("auth")?.as_bytes()),
            },
            "close" => Request::CloseSession,
            other => self.read(other)?,
        })
    }

    fn create(&self, op: CreateOp, default_flags: i32) -> Result<Request, String> {
        Ok(Request::Create {
            op,
            path: self.path("path")?,
            data: self.data()?,
            acl: self.acl()?,
            flags: self.int("flags", Some(default_flags))?,
            ttl: self.long("ttl", Some(-1))?,
        })
    }

    fn read(&self, name: &str) -> Result<Request, String> {
        let path = || self.path("path");
        let watch = self.flag("watch")?;
        Ok(match name {
            "exists" => Request::Exists {
                path: path()?,
                watch,
            },
            "getData" => Request::GetData {
                path: path()?,
                watch,
            },
            "getChildren" | "getChildren2" => Request::GetChildren {
                path: path()?,
                watch,
                stat: name == "getChildren2",
            },
            "getACL" => Request::GetAcl { path: path()? },
            "sync" => Request::Sync { path: path()? },
            "multiRead" => Request::MultiRead(self.operations()?),
            "getEphemerals" => Request::GetEphemerals { prefix: path()? },
            "getAllChildrenNumber" => Request::GetAllChildrenNumber { path: path()? },
            "whoAmI" => Request::WhoAmI,
            "addWatch" => Request::AddWatch {
                path: path()?,
                mode: self.int("mode", Some(0))?,
            },
            "checkWatches" => Request::CheckWatches {
                path: path()?,
                kind: self.int("type", None)?,
            },
            "removeWatches" => Request::RemoveWatches {
                path: path()?,
                kind: self.int("type", None)?,
            },
            "setWatches" | "setWatches2" => Request::SetWatches(Box::new(self.set_watches()?)),
            other => return Err(format!("operation \"{other}\" is unknown")),
        })
    }

    fn set_watches(&self) -> Result<SetWatches, String> {
        Ok(SetWatches {
            relative_zxid: Zxid(self.count("rel")?),
            data: self.paths("data")?,
            exist: self.paths("exist")?,
            child: self.paths("child")?,
            persistent: self.paths("persistent")?,
            recursive: self.paths("recursive")?,
        })
    }

    fn paths(&self, key: &str) -> Result<Vec<Path>, String> {
        let Some(value) = self.get(key) else {
            return Ok(Vec::new());
        };
        let texts = value
            .as_array()
            .and_then(|list| list.iter().map(Value::as_str).collect::<Option<Vec<_>>>())
            .ok_or_else(|| format!("{key} {value} is no list of paths"))?;
        Ok(texts.into_iter().map(|text| self.root.sent(text)).collect())
    }

    /// Text, bytes in hexadecimal digits, or a character repeated; nothing is null.
    fn data(&self) -> Result<Data, String> {
        let value = match self.get("data") {
            None | Some(Value::Null) => return Ok(None),
            Some(value) => value,
        };
        let text = value.as_str().map(|text| text.as_bytes().to_vec());
        let bytes = text.or_else(|| filled(value)).or_else(|| hex(value));
        match bytes {
            Some(bytes) => Ok(Some(bytes.into())),
            None => Err(format!(
                "data {value} is neither text nor null, {{\"fill\": [char, count]}} or {{\"hex\": digits}}"
            )),
        }
    }

    fn acl(&self) -> Result<Option<Acl>, String> {
        let value = match self.get("acl") {
            None => return Ok(Some(acl::open())),
            Some(Value::Null) => return Ok(None),
            Some(value) => value,
        };
        let entry = |entry: &Value| {
            let perms = i32::try_from(entry.get(0)?.as_i64()?).ok()?;
            let (scheme, id) = (entry.get(1)?.as_str()?, entry.get(2)?.as_str()?);
            Some(AclEntry {
                perms,
                scheme: Arc::from(scheme),
                id: Arc::from(id),
            })
        };
        let list = value
            .as_array()
            .and_then(|list| list.iter().map(entry).collect::<Option<Vec<_>>>());
        match list {
            Some(list) => Ok(Some(list.into())),
            None => Err(format!("acl {value} is no list of [perms, scheme, id]")),
        }
    }
}

/// The longest data that a vector may ask for.
const FILL_MAX: u64 = 1 << 26;

fn filled(value: &Value) -> Option<Vec<u8>> {
    let fill = value.get("fill")?;
    let (unit, count) = (fill.get(0)?.as_str()?, fill.get(1)?.as_u64()?);
    if count > FILL_MAX || unit.chars().count() != 1 {
        return None;
    }
    Some(unit.as_bytes().repeat(usize::try_from(count).ok()?))
}

fn hex(value: &Value) -> Option<Vec<u8>> {
    let digits = value.get("hex")?.as_str()?;
    let digits: Option<Vec<u8>> = digits
        .chars()
        .map(|digit| Some(u8::try_from(digit.to_digit(16)?).expect("a hexadecimal digit")))
        .collect();
    let digits = digits.filter(|digits| digits.len().is_multiple_of(2))?;
    Some(
        digits
            .chunks(2)
            .map(|pair| pair[0] << 4 | pair[1])
            .collect(),
    )
}
