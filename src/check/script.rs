//! A small language for histories in tests: each line pushes the facts it stands for, one event and one millisecond
//! later than the line before.

use std::sync::Arc;

use super::verdict::{At, Findings, Monitor, Property, Verdict};
use crate::base::id::{ClientId, EventId, ServerId, SessionId};
use crate::base::time::Time;
use crate::base::zxid::{Epoch, Zxid};
use crate::check::news::Desk;
use crate::history::fact::{Change, Fact, Loss, TxnSummary};
use crate::history::op::{
    CreateOp, Data, ErrorCode, EventKind, Path, Request, Response, SetWatches, Stat, WatchEvent,
    flags,
};

/// A history under construction.
#[derive(Default)]
pub(crate) struct Script {
    facts: Vec<(At, Fact)>,
    ops: u64,
    idle_ms: u64,
    /// The connection in use.
    conn: u64,
}

/// An operation that was invoked.
#[derive(Clone, Copy)]
pub(crate) struct Call {
    client: ClientId,
    op: u64,
}

/// The zxid `1:counter`.
pub(crate) fn z(counter: u32) -> Zxid {
    Zxid::new(Epoch(1), counter)
}

/// The session of a client in scripts.
pub(crate) fn session(client: u16) -> SessionId {
    SessionId(0x100 + u64::from(client))
}

impl Script {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// One event later, this became true.
    pub(crate) fn fact(&mut self, fact: Fact) {
        let ordinal = self.facts.len() as u64 + 1;
        let at = At {
            event: EventId(ordinal),
            time: Time::from_ms(ordinal + self.idle_ms),
        };
        self.facts.push((at, fact));
    }

    pub(crate) fn invoke(&mut self, client: u16, request: Request) -> Call {
        self.ops += 1;
        let call = Call {
            client: ClientId(client),
            op: self.ops,
        };
        self.fact(Fact::Invoked {
            client: call.client,
            op: call.op,
            session: session(client),
            request: Arc::new(request),
        });
        call
    }

    pub(crate) fn returns(
        &mut self,
        call: Call,
        zxid: Option<Zxid>,
        result: Result<Response, ErrorCode>,
    ) {
        self.fact(Fact::Returned {
            client: call.client,
            op: call.op,
            session: session(call.client.0),
            conn: self.conn,
            zxid,
            result,
        });
    }

    pub(crate) fn ok(&mut self, call: Call, zxid: Zxid, response: Response) {
        self.returns(call, Some(zxid), Ok(response));
    }

    pub(crate) fn fail(&mut self, call: Call, zxid: Zxid, error: ErrorCode) {
        self.returns(call, Some(zxid), Err(error));
    }

    pub(crate) fn lose(&mut self, call: Call) {
        self.lost(call, true);
    }

    pub(crate) fn lost(&mut self, call: Call, sent: bool) {
        self.fact(Fact::Lost {
            client: call.client,
            op: call.op,
            session: session(call.client.0),
            loss: Loss::ConnectionLoss,
            sent,
        });
    }

    /// Invokes and returns at once.
    pub(crate) fn did(&mut self, client: u16, request: Request, zxid: Zxid, response: Response) {
        let call = self.invoke(client, request);
        self.ok(call, zxid, response);
    }

    /// Invokes and fails at once.
    pub(crate) fn failed(&mut self, client: u16, request: Request, zxid: Zxid, error: ErrorCode) {
        let call = self.invoke(client, request);
        self.fail(call, zxid, error);
    }

    /// Server 1 proposes a transaction.
    pub(crate) fn propose(&mut self, zxid: Zxid, asker: SessionId, changes: Vec<Change>) {
        let txn = TxnSummary {
            session: asker,
            cxid: 0,
            text: format!("{changes:?}").into(),
            changes,
            error: None,
        };
        self.fact(Fact::Proposed {
            server: ServerId(1),
            zxid,
            digest: zxid.0,
            txn: Arc::new(txn),
        });
    }

    /// Server 1 proposes and commits a transaction.
    pub(crate) fn commit(&mut self, zxid: Zxid, asker: SessionId, changes: Vec<Change>) {
        self.propose(zxid, asker, changes);
        self.fact(Fact::CommitDecided {
            server: ServerId(1),
            zxid,
            epoch: zxid.epoch(),
            acks: (1..=3).map(ServerId).collect(),
        });
    }

    /// A client's connection is accepted; what follows happens on it.
    pub(crate) fn connect(&mut self, client: u16, conn: u64, fresh: bool) {
        self.conn = conn;
        self.fact(Fact::Connected {
            client: ClientId(client),
            session: session(client),
            server: ServerId(1),
            conn,
            timeout_ms: 1_000,
            fresh,
        });
    }

    pub(crate) fn disconnect(&mut self, client: u16) {
        self.fact(Fact::Disconnected {
            client: ClientId(client),
            session: session(client),
            conn: self.conn,
        });
    }

    pub(crate) fn event(&mut self, client: u16, kind: EventKind, name: &str, zxid: Option<Zxid>) {
        self.fact(Fact::EventReceived {
            client: ClientId(client),
            session: session(client),
            conn: self.conn,
            event: WatchEvent {
                kind,
                path: path(name),
                zxid,
            },
        });
    }

    /// A setWatches was handled.
    pub(crate) fn reset(&mut self, client: u16, zxid: Zxid, watches: SetWatches) {
        self.fact(Fact::WatchesReset {
            client: ClientId(client),
            session: session(client),
            conn: self.conn,
            zxid: Some(zxid),
            watches: Arc::new(watches),
        });
    }

    /// Time passes.
    pub(crate) fn wait(&mut self, ms: u64) {
        self.idle_ms += ms;
    }

    /// Hands out the facts in order.
    pub(crate) fn play(&self, mut take: impl FnMut(At, &Fact)) {
        for (at, fact) in &self.facts {
            take(*at, fact);
        }
    }

    /// Where the history ends.
    pub(crate) fn end(&self) -> At {
        self.facts.last().map_or(
            At {
                event: EventId(0),
                time: Time::ZERO,
            },
            |(at, _)| *at,
        )
    }

    /// Lets a monitor judge the history.
    pub(crate) fn judge(&self, monitor: &mut impl Monitor) -> Findings {
        let mut findings = Findings::default();
        let mut desk = Desk::default();
        self.play(|at, fact| {
            let note = desk.note(at, fact);
            monitor.observe(&note.news(at, fact), &mut findings);
        });
        monitor.finish(&desk.end(self.end()), &mut findings);
        findings
    }
}

/// Demands that a property holds and was exercised.
pub(crate) fn assert_holds(findings: &Findings, property: Property) {
    assert_eq!(
        findings.verdict(property),
        Verdict::Holds,
        "{property}: {:#?}",
        findings.violations()
    );
}

/// Demands that the first violation of a property has this signature and a story of two to four sentences.
pub(crate) fn assert_broken(findings: &Findings, property: Property, signature: &str) {
    let violation = findings
        .violations()
        .iter()
        .find(|violation| violation.property == property)
        .unwrap_or_else(|| panic!("{property} was not found broken: {findings:#?}"));
    assert_eq!(violation.signature, signature, "{violation:#?}");
    assert!(
        (2..=4).contains(&violation.story.len()),
        "a story of {} sentences: {violation:#?}",
        violation.story.len()
    );
}

#[expect(clippy::unnecessary_wraps, reason = "data is optional on the wire")]
pub(crate) fn bytes(text: &str) -> Data {
    Some(Arc::from(text.as_bytes()))
}

pub(crate) fn path(name: &str) -> Path {
    Path::from(name)
}

pub(crate) fn create(name: &str, data: &str) -> Request {
    create_as(name, data, flags::PERSISTENT)
}

pub(crate) fn create_as(name: &str, data: &str, create_flags: i32) -> Request {
    Request::Create {
        op: CreateOp::Create,
        path: path(name),
        data: bytes(data),
        acl: None,
        flags: create_flags,
        ttl: -1,
    }
}

pub(crate) fn delete(name: &str, version: i32) -> Request {
    Request::Delete {
        path: path(name),
        version,
    }
}

pub(crate) fn set(name: &str, data: &str, version: i32) -> Request {
    Request::SetData {
        path: path(name),
        data: bytes(data),
        version,
    }
}

pub(crate) fn get(name: &str, watch: bool) -> Request {
    Request::GetData {
        path: path(name),
        watch,
    }
}

pub(crate) fn exists(name: &str, watch: bool) -> Request {
    Request::Exists {
        path: path(name),
        watch,
    }
}

pub(crate) fn children(name: &str, watch: bool) -> Request {
    Request::GetChildren {
        path: path(name),
        watch,
        stat: true,
    }
}

/// A status: born at czxid, set at mzxid to version.
pub(crate) fn stat(czxid: Zxid, mzxid: Zxid, version: i32) -> Stat {
    Stat {
        czxid,
        mzxid,
        pzxid: czxid,
        version,
        ..Stat::default()
    }
}
