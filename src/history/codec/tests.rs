//! Every fact comes back as it was written, and what is no fact is refused with its line.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::de::DeserializeOwned;

use super::*;
use crate::base::id::{ClientId, ServerId, ServerSet, SessionId};
use crate::base::lineage::Lineage;
use crate::base::zxid::{Epoch, Zxid};
use crate::history::fact::{Change, EpochFile, Loss, Role, SyncKind, TxnSummary};
use crate::history::op::{
    AclEntry, CreateOp, ErrorCode, EventKind, Path, Request, Response, SetWatches, Stat, WatchEvent,
};
use crate::history::recipe::{Mode, Step};

const SERVER: ServerId = ServerId(3);
const CLIENT: ClientId = ClientId(2);
const SESSION: SessionId = SessionId(0x0100_0000_0000_0001);
const EPOCH: Epoch = Epoch(7);
const BIG: u64 = u64::MAX - 1;

fn zxid() -> Zxid {
    Zxid::new(EPOCH, u32::MAX)
}

fn lineage() -> Lineage {
    Lineage::EMPTY.push(zxid(), BIG)
}

fn servers() -> ServerSet {
    [1, 3, 63].into_iter().map(ServerId).collect()
}

fn changes() -> Vec<Change> {
    let create = |owner| Change::Create {
        path: "/a".into(),
        owner,
        data: BIG,
    };
    vec![
        create(Some(SESSION)),
        create(None),
        Change::Delete { path: "/a".into() },
        Change::SetData {
            path: "/a".into(),
            version: i32::MIN,
            data: 0,
        },
        Change::SetAcl { path: "/a".into() },
        Change::OpenSession {
            session: SESSION,
            timeout_ms: 6_000,
        },
        Change::CloseSession { session: SESSION },
    ]
}

fn server_facts() -> Vec<Fact> {
    [varied_server_facts(), plain_server_facts()].concat()
}

/// Facts with fields of several kinds.
fn varied_server_facts() -> Vec<Fact> {
    let (server, epoch, zxid) = (SERVER, EPOCH, zxid());
    let crashed = |power, code| Fact::ServerCrashed {
        server,
        power,
        code,
    };
    let txn = |error| {
        Arc::new(TxnSummary {
            session: SESSION,
            cxid: -1,
            changes: changes(),
            error,
            text: "setData \"/a\"\n".into(),
        })
    };
    let proposed = |error| Fact::Proposed {
        server,
        zxid,
        digest: BIG,
        txn: txn(error),
    };
    let stored = |file| Fact::EpochDurable {
        server,
        file,
        epoch,
    };
    let synced = |kind| Fact::SyncSent {
        server,
        learner: ServerId(1),
        kind,
        peer: Zxid::ZERO,
        upto: zxid,
    };
    let switched = Fact::Switched {
        server,
        kind: SyncKind::Snap,
        lineage: lineage(),
        epoch,
    };
    let ended = |role| Fact::RoleEnd {
        server,
        role,
        why: "leader-silent".into(),
    };
    #[rustfmt::skip]
    let facts = vec![
        crashed(true, None), crashed(false, Some(12)), synced(SyncKind::Diff), synced(SyncKind::Trunc), switched,
        stored(EpochFile::Accepted), stored(EpochFile::Current), proposed(None), proposed(Some(ErrorCode::NoNode)),
        ended(Role::Leader), ended(Role::Follower), ended(Role::Observer),
    ];
    facts
}

fn plain_server_facts() -> Vec<Fact> {
    let (server, epoch, lineage, zxid) = (SERVER, EPOCH, lineage(), zxid());
    let why = || "a reason of \"its\" own".into();
    #[rustfmt::skip]
    let facts = vec![
        Fact::ClientCrashed { client: CLIENT },
        Fact::FaultBegan { index: 4, effective: true, targets: vec!["2".into(), "c1".into()], why: None },
        Fact::FaultBegan { index: 5, effective: false, targets: Vec::new(), why: Some("it is down already".into()) },
        Fact::OutsideModel { index: Some(4), server: Some(server), what: "an empty disk".into() },
        Fact::ClockHeld { server, held: true },
        Fact::OutsideModel { index: None, server: None, what: "a datagram was lost".into() },
        Fact::FaultEnded { index: 4 },
        Fact::Booted { server, lineage, accepted: epoch, current: Epoch(0) },
        Fact::BootDropped { server, lineage: Lineage::EMPTY },
        Fact::BootRefused { server, why: why() },
        Fact::Ignored { server, why: why() },
        Fact::Voted { server, round: BIG, lineage, zxid, epoch },
        Fact::Elected { server, leader: SERVER, round: 1 },
        Fact::AckEpochSent { server, epoch, counted: true },
        Fact::EpochProposed { server, epoch },
        Fact::NewLeaderAckSent { server, epoch, voter: false },
        Fact::LeadStarted { server, lineage },
        Fact::QuorumFormed { server, epoch, members: servers(), lineage },
        Fact::ServeStart { server, role: Role::Leader, epoch, lineage, tree: BIG },
        Fact::Appended { server, zxid, digest: 1 },
        Fact::Durable { server, zxid },
        Fact::AckSent { server, zxid },
        Fact::CommitDecided { server, zxid, epoch, acks: servers() },
        Fact::Delivered { server, zxid, digest: BIG, tree: 0 },
        Fact::DiskTruncated { server, lineage },
        Fact::CommitOutOfOrder { server, zxid, head: Zxid::ZERO },
        Fact::SessionTouched { server, session: SESSION, timeout_ms: 1, local_ms: BIG },
        Fact::SessionExpiring { server, session: SESSION, local_ms: 0 },
        Fact::SessionMoved { server, session: SESSION, owner: ServerId(63) },
    ];
    facts
}

#[rustfmt::skip]
fn requests() -> Vec<Request> {
    let path = || Arc::<str>::from("/a/ü");
    let acl = || Some(vec![AclEntry { perms: 31, scheme: "world".into(), id: "anyone".into() }].into());
    let create = |op, data: Option<&[u8]>, acl| Request::Create {
        op, path: path(), data: data.map(Into::into), acl, flags: 5, ttl: i64::MAX,
    };
    let delete = || Request::Delete { path: path(), version: -1 };
    vec![
        create(CreateOp::Create, None, None), create(CreateOp::Create2, Some(b""), acl()),
        create(CreateOp::Container, Some(b"plain"), None), create(CreateOp::Ttl, Some(&[0xff, 0, 0x80]), acl()),
        delete(),
        Request::DeleteContainer { path: path() },
        Request::SetData { path: path(), data: Some(Arc::from(*b"{\"hex\":\"00\"}")), version: i32::MAX },
        Request::Exists { path: path(), watch: true },
        Request::GetData { path: path(), watch: false },
        Request::GetChildren { path: path(), watch: true, stat: false },
        Request::GetAllChildrenNumber { path: path() },
        Request::GetEphemerals { prefix: path() },
        Request::GetAcl { path: path() },
        Request::SetAcl { path: path(), acl: None, version: 0 },
        Request::Check { path: path(), version: 2 },
        Request::Sync { path: path() },
        Request::Multi(vec![delete(), Request::Multi(vec![Request::WhoAmI])]),
        Request::MultiRead(vec![]),
        Request::WhoAmI,
        Request::AddWatch { path: path(), mode: 1 },
        Request::CheckWatches { path: path(), kind: 5 },
        Request::RemoveWatches { path: path(), kind: 1 },
        Request::SetWatches(Box::new(watches())),
        Request::Auth { scheme: "digest".into(), auth: Arc::from([0xc3, 0x28]) },
        Request::CloseSession,
        Request::Raw { opcode: -10 },
    ]
}

fn watches() -> SetWatches {
    SetWatches {
        relative_zxid: zxid(),
        data: vec!["/a".into(), "/b".into()],
        exist: vec!["/c".into()],
        ..SetWatches::default()
    }
}

fn responses() -> Vec<Response> {
    let stat = Stat {
        czxid: zxid(),
        ctime: BIG,
        version: -1,
        owner: SESSION.0,
        ..Stat::default()
    };
    let entry = AclEntry {
        perms: -1,
        scheme: "ip".into(),
        id: "::1".into(),
    };
    vec![
        Response::Empty,
        Response::Path("/a".into()),
        Response::PathStat("/a".into(), stat.into()),
        Response::Stat(Stat::default().into()),
        Response::Data(None, stat.into()),
        Response::Data(Some(Arc::from([0x80])), stat.into()),
        Response::Children(vec!["x".into()], None),
        Response::Children(vec![], Some(stat.into())),
        Response::Acl(vec![entry].into(), stat.into()),
        Response::Multi(vec![
            Ok(Response::Empty),
            Err(ErrorCode::Ok),
            Ok(Response::Multi(vec![])),
        ]),
        Response::Paths(vec!["/e".into()]),
        Response::Count(4),
        Response::Identities(vec![("ip".into(), "::1".into())]),
    ]
}

/// Every error code there is, read by the names that a reader is told of.
fn errors() -> Vec<ErrorCode> {
    let names = variants_of::<ErrorCode>("\"none\"");
    let read = |name: &String| serde_json::from_str(&format!("{name:?}")).unwrap();
    names.iter().map(read).collect()
}

fn client_facts() -> Vec<Fact> {
    let (client, session, op, conn) = (CLIENT, SESSION, BIG, 9);
    let returned = |zxid, result| Fact::Returned {
        client,
        op,
        session,
        conn,
        zxid,
        result,
    };
    let kinds = [
        EventKind::Created,
        EventKind::Deleted,
        EventKind::DataChanged,
        EventKind::ChildrenChanged,
    ];
    let event = |kind| Fact::EventReceived {
        client,
        session,
        conn,
        event: WatchEvent {
            kind,
            path: "/a".into(),
            zxid: Some(zxid()),
        },
    };
    let invoked = |request| Fact::Invoked {
        client,
        op,
        session: SessionId::NONE,
        request: Arc::new(request),
    };
    let succeeded = |response| returned(Some(zxid()), Ok(response));
    #[rustfmt::skip]
    let others = vec![
        Fact::Lost { client, op, session, loss: Loss::ConnectionLoss, sent: true },
        Fact::Lost { client, op, session, loss: Loss::SessionExpired, sent: false },
        Fact::Connected { client, session, server: SERVER, conn, timeout_ms: 6_000, fresh: true },
        Fact::Disconnected { client, session, conn },
        Fact::Expired { client, session, told: false },
        Fact::WatchesReset { client, session, conn, zxid: None, watches: Arc::new(watches()) },
        Fact::Ponged { client, session, conn, zxid: zxid() },
    ];
    let steps = steps()
        .into_iter()
        .map(|step| Fact::Recipe { client, step });
    let invocations = requests().into_iter().map(invoked);
    let successes = responses().into_iter().map(succeeded);
    let failures = errors().into_iter().map(|error| returned(None, Err(error)));
    invocations
        .chain(successes)
        .chain(failures)
        .chain(kinds.map(event))
        .chain(others)
        .chain(steps)
        .collect()
}

fn steps() -> Vec<Step> {
    let path = || Path::from("/a");
    #[rustfmt::skip]
    let steps = vec![
        Step::Queued { line: path(), node: path(), mode: Mode::Exclusive },
        Step::Held { line: path(), node: path(), mode: Mode::Shared },
        Step::Acted { line: path(), node: path(), token: Some(BIG) },
        Step::LetGo { line: path(), node: path() },
        Step::Counting { counter: path() },
        Step::Counted { counter: path(), value: BIG },
        Step::TakeBegan { queue: path() },
        Step::Took { queue: path(), node: path(), item: None },
        Step::TakeUnsure { queue: path(), node: path() },
        Step::Waits { barrier: path() },
        Step::Passed { barrier: path() },
        Step::EnterCalled { barrier: path(), round: 1, party: 3 },
        Step::Entered { barrier: path(), round: 1 },
        Step::LeaveCalled { barrier: path(), round: 1 },
        Step::Left { barrier: path(), round: 1 },
        Step::Configured { config: path(), mzxid: zxid() },
        Step::Member { group: path(), name: path() },
        Step::Viewed { group: path(), members: vec![path()] },
        Step::Voted { transaction: path(), commit: true, sites: 2 },
        Step::Decided { transaction: path(), commit: false, sites: 2 },
    ];
    steps
}

/// The names of an enum's variants, as its reader lists them when it is asked for one that does not exist.
fn variants_of<T: DeserializeOwned>(stranger: &str) -> BTreeSet<String> {
    let error = serde_json::from_str::<T>(stranger).err().unwrap();
    let text = error.to_string();
    let (_, listed) = text.split_once("expected one of ").unwrap();
    let names = listed.split('`').skip(1).step_by(2);
    names.map(ToOwned::to_owned).collect()
}

fn written(facts: &[Fact]) -> String {
    let mut out = Vec::new();
    for (event, fact) in (10..).zip(facts) {
        FactWriter.write(EventId(event), Time(event * 1_000), fact, &mut out);
    }
    String::from_utf8(out).unwrap()
}

#[test]
fn every_fact_is_read_back_as_it_was_written() {
    let facts = [server_facts(), client_facts()].concat();
    let text = written(&facts);
    assert_eq!(text.lines().count(), facts.len());
    let mut read = read_facts(&text);
    for (event, fact) in (10..).zip(facts) {
        let expected = Recorded {
            event: EventId(event),
            time: Time(event * 1_000),
            fact,
        };
        assert_eq!(read.next().unwrap().unwrap(), expected);
    }
    assert!(read.next().is_none());
}

#[test]
fn the_test_above_knows_every_variant_there_is() {
    let text = written(&[server_facts(), client_facts()].concat());
    let listed = [
        ("fact", variants_of::<Fact>("{\"fact\":\"none\"}")),
        ("change", variants_of::<Change>("{\"change\":\"none\"}")),
        ("step", variants_of::<Step>("{\"step\":\"none\"}")),
    ];
    for (tag, names) in listed {
        assert!(names.len() > 5, "{names:?}");
        for name in names {
            assert!(text.contains(&format!("\"{tag}\":\"{name}\"")), "{name}");
        }
    }
    for (place, names) in [
        ("\"request\":", variants_of::<Request>("\"none\"")),
        ("\"ok\":", variants_of::<Response>("\"none\"")),
    ] {
        assert!(names.len() > 5, "{names:?}");
        for name in names {
            let alone = format!("{place}\"{name}\"");
            let with_fields = format!("{place}{{\"{name}\":");
            assert!(
                text.contains(&alone) || text.contains(&with_fields),
                "{name}"
            );
        }
    }
}

#[test]
fn ids_and_digests_look_as_documented() {
    let lineage = Lineage {
        depth: 2,
        hash: 0xab,
        last: Zxid::new(Epoch(1), 2),
    };
    let facts = [
        Fact::QuorumFormed {
            server: SERVER,
            epoch: Epoch(1),
            members: servers(),
            lineage,
        },
        Fact::Expired {
            client: CLIENT,
            session: SESSION,
            told: true,
        },
    ];
    let expected = concat!(
        r#"{"event":10,"time_ns":10000,"fact":"quorum-formed","server":3,"epoch":1,"members":[1,3,63],"#,
        r#""lineage":{"depth":2,"last":"1:2","hash":"00000000000000ab"}}"#,
        "\n",
        r#"{"event":11,"time_ns":11000,"fact":"expired","client":2,"session":"0x100000000000001","told":true}"#,
        "\n"
    );
    assert_eq!(written(&facts), expected);
}

#[test]
fn what_is_no_fact_is_refused_with_its_line_and_what_was_expected() {
    let good = r#"{"event":5,"time_ns":7,"fact":"fault-ended","index":1}"#;
    for (bad, expected) in [
        ("{", "column 1: EOF while parsing an object"),
        ("[1]", "expected a JSON object such as"),
        (
            r#"{"time_ns":7,"fact":"fault-ended","index":1}"#,
            "\"event\" is missing; expected a whole number",
        ),
        (
            r#"{"event":5,"time_ns":-7,"fact":"fault-ended","index":1}"#,
            "\"time_ns\" is -7; expected a whole number",
        ),
        (
            r#"{"event":5,"time_ns":7,"index":1}"#,
            "\"fact\" is missing; expected a fact's name",
        ),
        (
            r#"{"event":5,"time_ns":7,"fact":"fault-endet","index":1}"#,
            "unknown variant `fault-endet`, expected one of",
        ),
        (
            r#"{"event":5,"time_ns":7,"fact":"fault-ended"}"#,
            "the fact \"fault-ended\": missing field `index`",
        ),
        (
            r#"{"event":5,"time_ns":7,"fact":"fault-ended","index":1,"indx":1}"#,
            "unknown field `indx`",
        ),
        (
            r#"{"event":5,"time_ns":7,"fact":"durable","server":64,"zxid":"1:1"}"#,
            "expected a server id from 1 to 63",
        ),
        (
            r#"{"event":5,"time_ns":7,"fact":"durable","server":1,"zxid":"1:+1"}"#,
            "invalid value: string \"1:+1\", expected a zxid such as \"1:17\"",
        ),
        (
            r#"{"event":5,"time_ns":7,"fact":"appended","server":1,"zxid":"1:1","digest":"7"}"#,
            "expected a digest of sixteen hexadecimal digits",
        ),
        (
            r#"{"event":5,"time_ns":7,"fact":"expired","client":1,"session":"7","told":true}"#,
            "expected a session id such as \"0x",
        ),
        (
            r#"{"event":4,"time_ns":7,"fact":"fault-ended","index":1}"#,
            "\"event\" is 4; expected at least 5, as on the line before",
        ),
        (
            r#"{"event":5,"time_ns":6,"fact":"fault-ended","index":1}"#,
            "\"time_ns\" is 6; expected at least 7, as on the line before",
        ),
    ] {
        let text = format!("{good}\n\n{bad}\n{good}\n");
        let read: Vec<_> = read_facts(&text).collect();
        assert_eq!(read.len(), 2, "nothing is read after an error: {bad}");
        let error = read[1].as_ref().unwrap_err().to_string();
        assert!(error.starts_with("line 3: "), "{error}");
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn a_line_that_nests_without_end_is_refused() {
    let nested = "[".repeat(100_000);
    let error = read_facts(&nested).next().unwrap().unwrap_err();
    assert!(error.what.contains("recursion limit"), "{error}");
}

#[test]
fn a_field_that_may_be_null_may_be_left_out() {
    let line = r#"{"event":5,"time_ns":7,"fact":"server-crashed","server":1,"power":true}"#;
    let read = read_facts(line).next().unwrap().unwrap();
    let crashed = Fact::ServerCrashed {
        server: ServerId(1),
        power: true,
        code: None,
    };
    assert_eq!(read.fact, crashed);
}
