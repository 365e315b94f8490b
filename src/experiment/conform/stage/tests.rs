//! What the vectors cannot show, asked of the same simulated servers with raw requests: the old connection of a session
//! that moved, frames at the limit, and the reaper's own clock (semantics.md §2.2, §5).

use super::*;
use crate::history::op::{CreateOp, ErrorCode, Request, Response, flags};
use crate::history::wire::ToClient;
use crate::tree::acl;

const LEADER: NodeId = NodeId(3);

/// An ensemble that server 3 leads.
fn stage(reaper_interval: Option<Span>) -> Stage {
    let servers = Servers {
        count: 3,
        rules: Rules::default(),
        reaper_interval,
        mutants: &[],
    };
    let (stage, settled) = Stage::open(&servers, Seed(7));
    assert_eq!(settled, Ok(()));
    assert_eq!(stage.leader(), Some(LEADER));
    stage
}

/// A session as its client knows it.
#[derive(Clone, Copy)]
struct Handle {
    session: SessionId,
    password: u64,
}

const NEW: Handle = Handle {
    session: SessionId::NONE,
    password: 0,
};

fn connect(stage: &mut Stage, to: NodeId, handle: Handle) -> (Socket, Handle) {
    let hello = ToServer::Connect {
        last_zxid_seen: Zxid::ZERO,
        timeout_ms: 60_000,
        session: handle.session,
        password: handle.password,
    };
    let from = stage.heard().len();
    let socket = stage.dial(to, hello);
    let answer = next_on(stage, socket, from);
    let Heard::Message(ToClient::Connected {
        session, password, ..
    }) = answer
    else {
        panic!("{answer:?}")
    };
    let handle = Handle { session, password };
    (socket, handle)
}

/// The next that is heard on a socket, once the servers are quiet.
fn next_on(stage: &mut Stage, socket: Socket, from: usize) -> Heard {
    let next = |stage: &Stage| {
        let mut heard = stage.heard()[from..].iter();
        heard
            .find(|(on, _)| *on == socket)
            .map(|(_, what)| what.clone())
    };
    stage
        .wait(|stage| next(stage).is_some())
        .expect("an answer");
    stage.settle().expect("quiet servers");
    next(stage).expect("just waited for")
}

/// The reply to a request, or `None` if the connection ends instead.
fn ask(stage: &mut Stage, socket: Socket, request: Request) -> Option<Result<Response, ErrorCode>> {
    let from = stage.heard().len();
    let message = ToServer::Request {
        xid: 1,
        request: request.into(),
    };
    stage.say(socket, vec![message]);
    match next_on(stage, socket, from) {
        Heard::Message(ToClient::Reply { result, .. }) => Some(result),
        Heard::Ended => None,
        Heard::Message(other) => panic!("{other:?}"),
    }
}

fn exists(path: &str) -> Request {
    Request::Exists {
        path: path.into(),
        watch: false,
    }
}

fn create(op: CreateOp, path: &str, flags: i32, ttl: i64) -> Request {
    Request::Create {
        op,
        path: path.into(),
        data: Some(Vec::new().into()),
        acl: Some(acl::open()),
        flags,
        ttl,
    }
}

fn delete(path: &str) -> Request {
    Request::Delete {
        path: path.into(),
        version: -1,
    }
}

#[test]
fn the_old_connection_of_a_moved_session_reads_at_a_follower_until_it_writes_and_ends_at_the_leader()
 {
    for (old, new) in [(1, 2), (1, 3), (2, 1), (2, 3), (3, 1), (3, 2)] {
        let mut stage = stage(None);
        let (former, handle) = connect(&mut stage, NodeId(old), NEW);
        let (latter, resumed) = connect(&mut stage, NodeId(new), handle);
        assert_eq!(resumed.session, handle.session);
        if NodeId(old) == LEADER {
            assert_eq!(ask(&mut stage, former, exists("/")), None);
        } else {
            assert!(matches!(ask(&mut stage, former, exists("/")), Some(Ok(_))));
            let sync = Request::Sync { path: "/".into() };
            assert!(matches!(ask(&mut stage, former, sync), Some(Ok(_))));
            assert_eq!(ask(&mut stage, former, delete("/nope")), None);
        }
        let answer = ask(&mut stage, latter, delete("/nope"));
        assert_eq!(answer, Some(Err(ErrorCode::NoNode)), "from {old} to {new}");
    }
}

#[test]
fn a_second_connection_of_a_session_at_the_same_server_ends_the_first() {
    let mut stage = stage(None);
    let (former, handle) = connect(&mut stage, NodeId(1), NEW);
    let (latter, _) = connect(&mut stage, NodeId(1), handle);
    assert!(matches!(ask(&mut stage, latter, exists("/")), Some(Ok(_))));
    assert!(stage.heard().contains(&(former, Heard::Ended)));
}

#[test]
fn a_frame_over_the_limit_ends_the_connection_without_a_reply() {
    let mut stage = stage(None);
    let (socket, _) = connect(&mut stage, NodeId(1), NEW);
    let create = create(CreateOp::Create, "/a", flags::PERSISTENT, -1);
    ask(&mut stage, socket, create)
        .expect("a reply")
        .expect("a znode");
    // The rest of the frame has 22 bytes.
    let set_data = |bytes: usize| Request::SetData {
        path: "/a".into(),
        data: Some(vec![b'x'; bytes].into()),
        version: -1,
    };
    let longest = 0xf_ffff - 22;
    assert!(matches!(
        ask(&mut stage, socket, set_data(longest)),
        Some(Ok(_))
    ));
    assert_eq!(ask(&mut stage, socket, set_data(longest + 1)), None);
}

#[test]
fn the_leader_reaps_used_containers_and_old_ttl_znodes_at_intervals() {
    let mut stage = stage(Some(Span::from_ms(10_000)));
    let (socket, _) = connect(&mut stage, NodeId(1), NEW);
    for request in [
        create(CreateOp::Container, "/used", flags::CONTAINER, -1),
        create(CreateOp::Create, "/used/a", flags::PERSISTENT, -1),
        create(CreateOp::Container, "/new", flags::CONTAINER, -1),
        create(CreateOp::Ttl, "/short", flags::TTL, 1_000),
        create(CreateOp::Ttl, "/long", flags::TTL, 100_000),
        delete("/used/a"),
    ] {
        ask(&mut stage, socket, request)
            .expect("a reply")
            .expect("no error");
    }
    let before = stage.last();
    // One interval and a half tick.
    stage.sleep(Span::from_ms(11_000));
    stage.settle().expect("quiet servers");
    assert_eq!(stage.last(), before.next().next());
    for (path, is_there) in [
        ("/used", false),
        ("/new", true),
        ("/short", false),
        ("/long", true),
    ] {
        let answer = ask(&mut stage, socket, exists(path)).expect("a reply");
        assert_eq!(answer.is_ok(), is_there, "{path}");
    }
    stage.sleep(Span::from_ms(11_000));
    assert_eq!(stage.last(), before.next().next());
}
