//! Reading a recorded script: a header line, then one step per line. Everything is checked before anything is played.

use std::fmt;

use serde_json::{Map, Value};

use super::arguments::{Arguments, Root};
use crate::base::time::Span;
use crate::history::op::{Path, Request};
use crate::tree::rules::{ExtendedTypes, PrepRules, QuotaRule};
use crate::tree::store::Counter;

/// The most clients that a script may open at its start.
const CLIENTS_MAX: u64 = 1_000;

/// A recorded script.
#[derive(Clone, Debug, PartialEq)]
pub struct Script {
    /// The topic of a hand-made script, else the file's name without its ending.
    pub title: String,
    /// Recorded on what.
    pub(super) mode: Mode,
    /// What its "/" is.
    pub(super) root: Root,
    /// How the servers were configured.
    pub(super) rules: PrepRules,
    /// Sessions opened before the first step.
    pub(super) clients: u32,
    /// What is done.
    pub(super) steps: Vec<Step>,
}

/// Where a script was recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// One server.
    Standalone,
    /// Three servers.
    Ensemble,
}

/// One step.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Step {
    /// Its line in the file.
    pub(super) line: usize,
    /// What is done.
    pub(super) action: Action,
    /// Whether the order of what clients receive is given.
    pub(super) order: Order,
    /// The line as it is in the file, without what came out.
    pub(super) told: String,
    /// `r` and `recv` as recorded.
    pub(super) expected: Value,
}

/// Whether the order in which a client receives things is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// It is.
    Given,
    /// It depends on hash order: compare as a multiset.
    Open,
}

/// A client of the script: c0, c1, …
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Name(pub(super) u32);

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "c{}", self.0)
    }
}

/// What a step does.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Action {
    /// Opens a new session.
    Connect(Name, Dial),
    /// Resumes the client's session on a new connection.
    Reconnect(Name, Dial, Resume),
    /// Closes the connection without closing the session.
    Drop(Name),
    /// The leader ends the session as if its time were up.
    Expire(Name),
    /// One pass of the reaper, after a while.
    Reap(Span),
    /// Nothing, for a while.
    Sleep(Span),
    /// Writes a stored counter behind the log's back.
    Overwrite(Path, Counter, i32),
    /// One request.
    Request(Name, Request),
    /// Requests in one write.
    Pipeline(Name, Vec<Request>),
}

/// How a client connects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Dial {
    /// Timeout asked for.
    pub(super) timeout_ms: i32,
    /// What it claims to have seen, as the script writes zxids; `None` = the truth.
    pub(super) last_zxid: Option<u64>,
    /// Index of the server; `None` = the client's own.
    pub(super) server: Option<u32>,
}

/// How a client resumes its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Resume {
    /// Whether the password is right.
    pub(super) is_password_right: bool,
    /// Whether the former connection is still open.
    pub(super) keeps_connection: bool,
}

/// Why a file is no script, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {why}")]
pub struct Malformed {
    /// The file, as given.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong.
    pub why: String,
}

impl Script {
    /// Reads a script; `file` names it in errors, `default_title` is its title unless it has one.
    pub fn parse(text: &str, file: &str, default_title: &str) -> Result<Self, Malformed> {
        let malformed = |line: usize, why: String| Malformed {
            file: file.to_owned(),
            line,
            why,
        };
        let mut lines = text.lines().enumerate();
        let first = lines
            .next()
            .ok_or_else(|| malformed(1, "the file is empty, a header was expected".into()))?;
        let header = object(first.1).map_err(|why| malformed(1, why))?;
        let mut script = read_header(&header, default_title).map_err(|why| malformed(1, why))?;
        let mut known = script.clients;
        for (index, line) in lines {
            let at = |why: String| malformed(index + 1, why);
            let step = object(line).map_err(at)?;
            let step = read_step(index + 1, step, &script, &mut known).map_err(at)?;
            script.steps.push(step);
        }
        let promised = header.get("steps").and_then(Value::as_u64);
        match promised {
            Some(steps) if steps != script.steps.len() as u64 => Err(malformed(
                1,
                format!(
                    "the header promises {steps} steps, the file has {}",
                    script.steps.len()
                ),
            )),
            Some(_) => Ok(script),
            None => Err(malformed(1, "the header has no number of steps".into())),
        }
    }
}

fn object(line: &str) -> Result<Map<String, Value>, String> {
    match serde_json::from_str(line) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err("a JSON object was expected".into()),
        Err(error) => Err(format!("no JSON (column {}): {error}", error.column())),
    }
}

fn read_header(header: &Map<String, Value>, default_title: &str) -> Result<Script, String> {
    let header = Arguments::new(header, Root::Real);
    let mode = match header.text("mode")? {
        "standalone" => Mode::Standalone,
        "ensemble3" => Mode::Ensemble,
        other => {
            return Err(format!(
                "mode \"{other}\" is unknown, \"standalone\" or \"ensemble3\" was expected"
            ));
        }
    };
    let root = match header.get("root") {
        None => Root::Real,
        Some(Value::String(root)) if root == "plain" => Root::Plain,
        Some(other) => return Err(format!("root {other} is unknown, \"plain\" was expected")),
    };
    let clients = header.count("clients")?;
    if clients > CLIENTS_MAX {
        return Err(format!("{clients} clients are more than {CLIENTS_MAX}"));
    }
    let title = match header.get("name") {
        Some(_) => header.text("name")?,
        None => default_title,
    };
    Ok(Script {
        title: title.to_owned(),
        mode,
        root,
        rules: read_properties(header.get("props"))?,
        clients: u32::try_from(clients).expect("just limited"),
        steps: Vec::new(),
    })
}

/// The JVM's properties under which the script was recorded.
fn read_properties(properties: Option<&Value>) -> Result<PrepRules, String> {
    let mut rules = PrepRules::default();
    let Some(properties) = properties else {
        return Ok(rules);
    };
    let list = properties
        .as_array()
        .ok_or_else(|| format!("props {properties} is no list"))?;
    for property in list {
        match property.as_str() {
            Some("-Dzookeeper.enforceQuota=true") => rules.quota = QuotaRule::Enforced,
            Some("-Dzookeeper.enforceQuota=false") => rules.quota = QuotaRule::Lenient,
            Some("-Dzookeeper.extendedTypesEnabled=true") => {
                rules.extended_types = ExtendedTypes::Enabled;
            }
            Some("-Dzookeeper.extendedTypesEnabled=false") => {
                rules.extended_types = ExtendedTypes::Disabled;
            }
            Some(_) | None => {
                return Err(format!(
                    "property {property} is unknown; zookeeper.enforceQuota and zookeeper.extendedTypesEnabled can be set"
                ));
            }
        }
    }
    Ok(rules)
}

/// Reads a step; clients below `known`, and those that have connected, may act.
fn read_step(
    line: usize,
    mut step: Map<String, Value>,
    script: &Script,
    known: &mut u32,
) -> Result<Step, String> {
    let result = step.remove("r").ok_or("the step has no result \"r\"")?;
    let received = step
        .remove("recv")
        .ok_or("the step does not say what clients received (\"recv\")")?;
    if !received.is_object() {
        return Err(format!("recv {received} is no object"));
    }
    let arguments = Arguments::new(&step, script.root);
    arguments.check_keys()?;
    let action = read_action(&arguments)?;
    if let Some((name, is_new)) = action.client() {
        if is_new {
            *known = (*known).max(name.0 + 1);
        } else if name.0 >= *known {
            return Err(format!("client {name} has not connected"));
        }
    }
    let order = if arguments.flag("unordered")? {
        Order::Open
    } else {
        Order::Given
    };
    let told = arguments.told();
    Ok(Step {
        line,
        action,
        order,
        told,
        expected: serde_json::json!({"r": result, "recv": received}),
    })
}

fn read_action(step: &Arguments<'_>) -> Result<Action, String> {
    let special = step.get("op").and_then(Value::as_str);
    Ok(match special {
        Some("connect") => Action::Connect(client(step)?, dial(step)?),
        Some("reconnect") => {
            let resume = Resume {
                is_password_right: !step.flag("badpw")?,
                keeps_connection: step.flag("keep")?,
            };
            Action::Reconnect(client(step)?, dial(step)?, resume)
        }
        Some("drop") => Action::Drop(client(step)?),
        Some("expire") => Action::Expire(client(step)?),
        Some("reap") => Action::Reap(match step.get("wait") {
            Some(_) => step.seconds("wait")?,
            None => Span::ZERO,
        }),
        Some("sleep") => Action::Sleep(step.seconds("s")?),
        Some("ctl") => {
            let counter = match step.text("what")? {
                "setver" => Counter::Version,
                "setcver" => Counter::Cversion,
                "setaver" => Counter::Aversion,
                other => {
                    return Err(format!(
                        "what \"{other}\" is unknown, \"setver\", \"setcver\" or \"setaver\" was expected"
                    ));
                }
            };
            Action::Overwrite(step.path("path")?, counter, step.int("value", None)?)
        }
        Some("pipeline") => Action::Pipeline(client(step)?, step.operations()?),
        Some(_) | None => Action::Request(client(step)?, step.request()?),
    })
}

impl Action {
    /// Who acts, and whether it opens a session by that.
    fn client(&self) -> Option<(Name, bool)> {
        match self {
            Self::Connect(name, _) => Some((*name, true)),
            Self::Reconnect(name, ..)
            | Self::Drop(name)
            | Self::Expire(name)
            | Self::Request(name, _)
            | Self::Pipeline(name, _) => Some((*name, false)),
            Self::Reap(_) | Self::Sleep(_) | Self::Overwrite(..) => None,
        }
    }
}

fn client(step: &Arguments<'_>) -> Result<Name, String> {
    let text = step.text("c")?;
    let number = text
        .strip_prefix('c')
        .and_then(|number| number.parse().ok());
    number
        .filter(|number: &u32| u64::from(*number) < CLIENTS_MAX)
        .map(Name)
        .ok_or_else(|| format!("client \"{text}\" is no name, c0, c1, … were expected"))
}

fn dial(step: &Arguments<'_>) -> Result<Dial, String> {
    const TIMEOUT_MS: i32 = 60_000;
    let last_zxid = match step.get("lastZxid") {
        Some(_) => Some(step.count("lastZxid")?),
        None => None,
    };
    let server = match step.get("server") {
        Some(_) => {
            let server = step.count("server")?;
            Some(u32::try_from(server).map_err(|_| format!("there is no server {server}"))?)
        }
        None => None,
    };
    Ok(Dial {
        timeout_ms: step.int("timeout", Some(TIMEOUT_MS))?,
        last_zxid,
        server,
    })
}
