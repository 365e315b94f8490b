//! Sentences for stories: operations, results and data as a reader of a report wants to see them.

use std::sync::Arc;

use super::verdict::{At, Property, Sentence, Violation};
use crate::base::id::ClientId;
use crate::base::zxid::Zxid;
use crate::history::op::{Data, ErrorCode, EventKind, Request, Response, Stat, WatchEvent};

/// What stories tell of a znode's status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Status {
    pub version: i32,
    pub mzxid: Zxid,
    pub czxid: Zxid,
}

impl From<Stat> for Status {
    fn from(stat: Stat) -> Self {
        Self {
            version: stat.version,
            mzxid: stat.mzxid,
            czxid: stat.czxid,
        }
    }
}

/// An operation as evidence: cheap to keep, rendered only when a story needs it.
#[derive(Clone, Debug)]
pub(super) struct Witness {
    /// Whose.
    pub client: ClientId,
    /// Its number at that client.
    pub op: u64,
    /// When the client handed it to its library.
    pub invoked: At,
    /// What.
    pub request: Arc<Request>,
    /// The reply header's zxid.
    pub zxid: Option<Zxid>,
    /// The reply, once it has arrived.
    reply: Option<Reply>,
}

/// What came of an operation, and when.
#[derive(Clone, Copy, Debug)]
struct Reply {
    at: At,
    outcome: Outcome,
}

/// What came of an operation. The parts of a status lie in the variant itself, so that evidence takes no more than 96 bytes.
#[derive(Clone, Copy, Debug)]
enum Outcome {
    /// It failed.
    Failed(ErrorCode),
    /// It was answered.
    Done,
    /// It was answered with the status of one znode.
    Shown {
        version: i32,
        mzxid: Zxid,
        czxid: Zxid,
    },
}

impl Outcome {
    fn of(status: Option<Status>) -> Self {
        let Some(status) = status else {
            return Self::Done;
        };
        Self::Shown {
            version: status.version,
            mzxid: status.mzxid,
            czxid: status.czxid,
        }
    }
}

impl Witness {
    /// An operation that has just begun.
    pub(super) fn begin(client: ClientId, op: u64, at: At, request: &Arc<Request>) -> Self {
        Self {
            client,
            op,
            invoked: at,
            request: Arc::clone(request),
            zxid: None,
            reply: None,
        }
    }

    /// It is answered or refused.
    pub(super) fn answer(
        &mut self,
        at: At,
        zxid: Option<Zxid>,
        result: &Result<Response, ErrorCode>,
    ) {
        self.zxid = zxid;
        let outcome = match result {
            Ok(response) => Outcome::of(stat_of(response)),
            Err(error) => Outcome::Failed(*error),
        };
        self.reply = Some(Reply { at, outcome });
    }

    /// How it failed, if it did.
    pub(super) fn error(&self) -> Option<ErrorCode> {
        match self.reply?.outcome {
            Outcome::Failed(error) => Some(error),
            Outcome::Done | Outcome::Shown { .. } => None,
        }
    }

    /// The status it was answered.
    pub(super) fn status(&self) -> Option<Status> {
        match self.reply?.outcome {
            Outcome::Failed(_) | Outcome::Done => None,
            Outcome::Shown {
                version,
                mzxid,
                czxid,
            } => Some(Status {
                version,
                mzxid,
                czxid,
            }),
        }
    }

    /// As evidence of one znode that it showed; mostly that is the only one.
    pub(super) fn showing(self: &Arc<Self>, stat: &Stat) -> Arc<Self> {
        let status = Some(Status::from(*stat));
        if self.status() == status {
            return Arc::clone(self);
        }
        let mut witness = Self::clone(self);
        let at = self.at();
        let outcome = Outcome::of(status);
        witness.reply = Some(Reply { at, outcome });
        Arc::new(witness)
    }

    /// Where its last news is.
    pub(super) fn at(&self) -> At {
        self.reply.map_or(self.invoked, |reply| reply.at)
    }

    /// `client 1's op 4, setData /k1 (expected version 3)`.
    pub(super) fn name(&self) -> String {
        format!(
            "client {}'s op {}, {},",
            self.client.0,
            self.op,
            request(&self.request)
        )
    }

    /// One sentence of what came of it.
    pub(super) fn sentence(&self) -> Sentence {
        let came = match (self.reply, self.error()) {
            (None, _) if self.zxid.is_some() => "was sent; a read showed its effect".to_owned(),
            (None, _) => "was sent; its outcome is unknown".to_owned(),
            (Some(_), Some(error)) => format!("failed with {error}"),
            (Some(_), None) if self.request.is_write() => "succeeded".to_owned(),
            (Some(_), None) => "answered".to_owned(),
        };
        let place = match self.zxid {
            Some(zxid) => format!(" at zxid {zxid}"),
            None => String::new(),
        };
        Sentence {
            at: self.at(),
            text: format!("{} {came}{place}", self.name()),
        }
    }

    /// The same, with the status that was answered.
    pub(super) fn sentence_with_status(&self) -> Sentence {
        let mut sentence = self.sentence();
        if let Some(stat) = self.status() {
            let status = format!(
                ": version {}, mzxid {}, czxid {}",
                stat.version, stat.mzxid, stat.czxid
            );
            sentence.text.push_str(&status);
        }
        sentence
    }

    /// The same, with the status that a read was shown.
    pub(super) fn sentence_of_sight(&self) -> Sentence {
        if self.request.is_write() {
            self.sentence()
        } else {
            self.sentence_with_status()
        }
    }
}

/// The status in an answer about one znode.
fn stat_of(response: &Response) -> Option<Status> {
    match response {
        Response::PathStat(_, stat)
        | Response::Stat(stat)
        | Response::Data(_, stat)
        | Response::Children(_, Some(stat))
        | Response::Acl(_, stat) => Some(Status::from(**stat)),
        Response::Empty
        | Response::Path(_)
        | Response::Children(_, None)
        | Response::Multi(_)
        | Response::Paths(_)
        | Response::Count(_)
        | Response::Identities(_) => None,
    }
}

/// A violation whose evidence is put in order of time; the contradiction comes last.
pub(super) fn violation(
    property: Property,
    at: At,
    signature: &'static str,
    mut evidence: Vec<Sentence>,
    contradiction: String,
) -> Violation {
    evidence.sort_by_key(|sentence| sentence.at);
    evidence.dedup();
    evidence.push(Sentence {
        at,
        text: contradiction,
    });
    Violation {
        property,
        at,
        signature,
        also: &[],
        story: evidence,
    }
}

/// A request in a few words.
pub fn request(request: &Request) -> String {
    match request {
        Request::Create {
            path, data: bytes, ..
        } => format!("create {path} {}", data(bytes)),
        Request::Delete { path, version } => format!("delete {path}{}", expected(*version)),
        Request::DeleteContainer { path } => format!("deleteContainer {path}"),
        Request::SetData {
            path,
            data: bytes,
            version,
        } => format!("setData {path} {}{}", data(bytes), expected(*version)),
        Request::Exists { path, watch } => format!("exists {path}{}", watching(*watch)),
        Request::GetData { path, watch } => format!("getData {path}{}", watching(*watch)),
        Request::GetChildren { path, watch, .. } => {
            format!("getChildren {path}{}", watching(*watch))
        }
        Request::GetAllChildrenNumber { path } => format!("getAllChildrenNumber {path}"),
        Request::GetEphemerals { prefix } => format!("getEphemerals {prefix}"),
        Request::GetAcl { path } => format!("getACL {path}"),
        Request::SetAcl { path, version, .. } => format!("setACL {path}{}", expected(*version)),
        Request::Check { path, version } => format!("check {path}{}", expected(*version)),
        Request::Sync { path } => format!("sync {path}"),
        Request::Multi(parts) => format!("multi [{}]", list(parts)),
        Request::MultiRead(parts) => format!("multiRead [{}]", list(parts)),
        Request::WhoAmI => "whoAmI".to_owned(),
        Request::AddWatch { path, mode } => format!("addWatch {path} mode {mode}"),
        Request::CheckWatches { path, kind } => format!("checkWatches {path} kind {kind}"),
        Request::RemoveWatches { path, kind } => format!("removeWatches {path} kind {kind}"),
        Request::SetWatches(watches) => format!("setWatches after {}", watches.relative_zxid),
        Request::Auth { scheme, .. } => format!("auth {scheme}"),
        Request::CloseSession => "closeSession".to_owned(),
        Request::Raw { opcode } => format!("opcode {opcode}"),
    }
}

fn list(parts: &[Request]) -> String {
    let parts: Vec<String> = parts.iter().map(request).collect();
    parts.join(", ")
}

fn expected(version: i32) -> String {
    if version == -1 {
        String::new()
    } else {
        format!(" (expected version {version})")
    }
}

fn watching(watch: bool) -> &'static str {
    if watch { " with a watch" } else { "" }
}

/// Data, quoted and shortened.
pub fn data(data: &Data) -> String {
    const SHOWN: usize = 24;
    match data {
        None => "null".to_owned(),
        Some(bytes) => {
            let text = String::from_utf8_lossy(bytes);
            if text.chars().count() > SHOWN {
                let start: String = text.chars().take(SHOWN).collect();
                format!("{start:?}… ({} bytes)", bytes.len())
            } else {
                format!("{text:?}")
            }
        }
    }
}

/// An event kind by ZooKeeper's name.
pub fn kind(kind: EventKind) -> &'static str {
    match kind {
        EventKind::Created => "NodeCreated",
        EventKind::Deleted => "NodeDeleted",
        EventKind::DataChanged => "NodeDataChanged",
        EventKind::ChildrenChanged => "NodeChildrenChanged",
    }
}

/// `NodeDeleted /a (zxid 1:4)`.
pub fn event(event: &WatchEvent) -> String {
    match event.zxid {
        Some(zxid) => format!("{} {} (zxid {zxid})", kind(event.kind), event.path),
        None => format!("{} {} (made by setWatches)", kind(event.kind), event.path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evidence_is_small_as_monitors_keep_it_by_the_million() {
        assert!(size_of::<Witness>() <= 96, "{}", size_of::<Witness>());
    }
}
