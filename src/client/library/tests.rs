//! The library driven by hand: inputs in, effects out as text. The session timeout T is 1200 ms, the servers are n1 and
//! n2 in this order, so that (semantics.md §5) the connect timeout is 600 ms, the ping interval 400 ms, the read timeout
//! 800 ms and expiry 1600 ms.

use super::*;
use crate::base::rng::{Domain, Key, Seed};
use crate::client::config::HostPolicy;
use crate::client::workload::Workload;
use crate::history::op::{EventKind, Stat};
use crate::sim::process::{Effect, WallClock};

/// What a client on node 9 knows at `ms` on its clock.
pub(in crate::client) fn cx_at(ms: u64) -> Cx {
    Cx {
        now: LocalTime(ms * 1_000_000),
        wall: WallClock::default(),
        me: NodeId(9),
        key: Key::derive(Seed(1), Domain::Process),
        bucket: ms / 50,
    }
}

const SESSION: SessionId = SessionId(0x77);
const ROUND_WAIT_MS: u32 = 50;

/// A library under test, with the effects and upcalls that nobody has looked at yet.
struct Bench {
    library: Library,
    ms: u64,
    out: Effects<Words>,
    up: Vec<Upcall>,
}

impl Bench {
    fn with(life: u32, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config::new([NodeId(1), NodeId(2)], Workload::Idle);
        config.session_timeout_ms = 1_200;
        config.hosts = HostPolicy::InOrder;
        config.reconnect_wait_ms = Some(0);
        config.round_wait_ms = Some(ROUND_WAIT_MS);
        change(&mut config);
        let mut bench = Self {
            library: Library::new(ClientId(1), &config, life),
            ms: 0,
            out: Effects::default(),
            up: Vec::new(),
        };
        bench.library.open(cx_at(0), &mut bench.out);
        bench
    }

    fn new() -> Self {
        Self::with(1, |_| {})
    }

    /// A library with an established session on its first connection, its effects looked at.
    fn live() -> Self {
        let mut bench = Self::new();
        bench.opened(1);
        bench.accepted(1);
        bench.seen();
        bench
    }

    fn turn(&mut self, act: impl FnOnce(&mut Library, &mut Turn<'_>)) {
        let mut turn = Turn {
            cx: cx_at(self.ms),
            out: &mut self.out,
            up: &mut self.up,
        };
        act(&mut self.library, &mut turn);
    }

    fn opened(&mut self, conn: u64) {
        self.library.on_opened(Conn(conn), &mut self.out);
    }

    fn ended(&mut self, conn: u64) {
        self.turn(|library, turn| library.on_ended(Conn(conn), turn));
    }

    fn fire(&mut self, ms: u64, timer: ClientTimer) {
        self.ms = ms;
        self.turn(|library, turn| library.on_timer(timer, turn));
    }

    fn deliver(&mut self, conn: u64, msg: ToClient) {
        self.turn(|library, turn| library.on_message(Conn(conn), msg, turn));
    }

    fn accepted(&mut self, conn: u64) {
        self.greeted(conn, SESSION, 1_200);
    }

    fn greeted(&mut self, conn: u64, session: SessionId, timeout_ms: i32) {
        let msg = ToClient::Connected {
            session,
            password: 5,
            timeout_ms,
        };
        self.deliver(conn, msg);
    }

    fn reply(&mut self, conn: u64, xid: i32, zxid: u64, result: Result<Response, ErrorCode>) {
        let zxid = Some(Zxid(zxid));
        self.deliver(conn, ToClient::Reply { xid, zxid, result });
    }

    fn event(&mut self, conn: u64, kind: EventKind, path: &str) {
        let event = WatchEvent {
            kind,
            path: path.into(),
            zxid: Some(Zxid(9)),
        };
        self.deliver(conn, ToClient::Event(event));
    }

    fn submit(&mut self, request: Request) -> u64 {
        self.library
            .submit(cx_at(self.ms), Arc::new(request), &mut self.out)
    }

    /// Loses connection 1 and gets connection 2 up to the point where the session is resumed.
    fn resume(&mut self) {
        self.ended(1);
        self.fire(self.ms, ClientTimer::Reconnect);
        self.opened(2);
        self.seen();
        self.accepted(2);
    }

    /// The effects not looked at yet, one line each.
    fn seen(&mut self) -> Vec<String> {
        self.out
            .list_mut()
            .drain(..)
            .map(|effect| show(&effect))
            .collect()
    }

    /// As `seen`, timers left out.
    fn said(&mut self) -> Vec<String> {
        let mut lines = self.seen();
        lines.retain(|line| !line.starts_with("arm ") && !line.starts_with("disarm "));
        lines
    }
}

fn show(effect: &Effect<Words>) -> String {
    match effect {
        Effect::Open {
            conn, to, timeout, ..
        } => format!("open {} to {to} within {} ms", conn.0, timeout.as_ms()),
        Effect::Close { conn } => format!("close {}", conn.0),
        Effect::Send {
            conn,
            msg: Msg::ToServer(msg),
        } => format!("send {}: {}", conn.0, show_message(msg)),
        Effect::Arm {
            timer: Timer::Client(timer),
            after,
        } => format!("arm {timer:?} {} ms", after.as_ms()),
        Effect::Disarm {
            timer: Timer::Client(timer),
        } => format!("disarm {timer:?}"),
        Effect::Note(fact) => show_fact(fact),
        other => panic!("no business of a client: {other:?}"),
    }
}

fn show_message(msg: &ToServer) -> String {
    match msg {
        ToServer::Connect {
            last_zxid_seen,
            timeout_ms,
            session,
            password,
        } => format!("connect last {last_zxid_seen} {timeout_ms} ms {session} password {password}"),
        ToServer::Request { xid, request } => match &**request {
            Request::SetWatches(watches) => format!("{xid} {watches:?}"),
            Request::GetData { path, watch } => format!("{xid} get {path} {watch}"),
            Request::Exists { path, watch } => format!("{xid} exists {path} {watch}"),
            other => format!("{xid} {other:?}"),
        },
        ToServer::Ping => "ping".to_owned(),
    }
}

fn show_fact(fact: &Fact) -> String {
    match fact {
        Fact::Invoked { op, session, .. } => format!("invoked {op} in {session}"),
        Fact::Returned {
            op, conn, result, ..
        } => match result {
            Ok(_) => format!("returned {op} on {conn}"),
            Err(error) => format!("returned {op} on {conn}: {error}"),
        },
        Fact::Lost { op, loss, sent, .. } => format!("lost {op} {loss:?} sent {sent}"),
        Fact::EventReceived { conn, event, .. } => {
            format!("event {:?} {} on {conn}", event.kind, event.path)
        }
        Fact::Connected {
            session,
            server,
            conn,
            timeout_ms,
            fresh,
            ..
        } => format!("connected {session} to {server} as {conn} {timeout_ms} ms fresh {fresh}"),
        Fact::Disconnected { session, conn, .. } => format!("disconnected {session} from {conn}"),
        Fact::Expired { session, told, .. } => format!("expired {session} told {told}"),
        Fact::WatchesReset { conn, zxid, .. } => format!("watches reset on {conn} at {zxid:?}"),
        Fact::Ponged { conn, zxid, .. } => format!("ponged on {conn} at {zxid}"),
        other => panic!("no fact of a client: {other:?}"),
    }
}

fn get(path: &str, watch: bool) -> Request {
    Request::GetData {
        path: path.into(),
        watch,
    }
}

fn exists(path: &str) -> Request {
    Request::Exists {
        path: path.into(),
        watch: true,
    }
}

fn data() -> Response {
    Response::Data(None, Stat::default().into())
}

#[test]
fn a_first_connection_asks_for_a_new_session_and_arms_the_timers_of_section_5() {
    let mut bench = Bench::new();
    assert_eq!(
        bench.seen(),
        ["open 1 to n1 within 600 ms", "arm Connect 600 ms"]
    );
    bench.opened(1);
    assert_eq!(
        bench.seen(),
        ["send 1: connect last 0:0 1200 ms 0x0 password 0"]
    );
    assert_eq!(bench.library.server(), None);
    bench.accepted(1);
    assert_eq!(
        bench.seen(),
        [
            "disarm Connect",
            "arm Ping 400 ms",
            "arm Read 800 ms",
            "arm Expire 1600 ms",
            "connected 0x77 to 1 as 1 1200 ms fresh true",
        ]
    );
    assert_eq!(bench.up, [Upcall::Connected { fresh: true }]);
    assert_eq!(bench.library.server(), Some(NodeId(1)));
}

#[test]
fn timers_follow_the_negotiated_timeout_and_not_the_one_asked_for() {
    let mut bench = Bench::new();
    bench.opened(1);
    bench.seen();
    bench.greeted(1, SESSION, 600);
    assert_eq!(
        bench.seen()[1..4],
        ["arm Ping 200 ms", "arm Read 400 ms", "arm Expire 800 ms"]
    );
    bench.ended(1);
    bench.fire(0, ClientTimer::Reconnect);
    assert!(
        bench
            .seen()
            .contains(&"open 2 to n2 within 300 ms".to_owned())
    );
}

#[test]
fn a_ping_is_sent_when_nothing_was_sent_for_a_third_of_the_timeout() {
    let mut bench = Bench::live();
    bench.ms = 100;
    bench.submit(get("/a", false));
    assert_eq!(bench.said().len(), 2);
    bench.fire(400, ClientTimer::Ping);
    assert_eq!(bench.seen(), ["arm Ping 100 ms"]);
    bench.fire(500, ClientTimer::Ping);
    assert_eq!(bench.seen(), ["send 1: ping", "arm Ping 400 ms"]);
    bench.deliver(1, ToClient::Pong { zxid: Zxid(3) });
    assert_eq!(bench.seen(), ["ponged on 1 at 0:3"]);
}

#[test]
fn a_client_sends_something_at_least_every_ten_seconds() {
    let mut bench = Bench::new();
    bench.opened(1);
    bench.seen();
    bench.greeted(1, SESSION, 60_000);
    assert_eq!(bench.seen()[1], "arm Ping 10000 ms");
}

#[test]
fn a_server_silent_for_two_thirds_of_the_timeout_is_left() {
    let mut bench = Bench::live();
    bench.ms = 300;
    bench.deliver(1, ToClient::Pong { zxid: Zxid(3) });
    bench.submit(get("/a", false));
    bench.seen();
    bench.fire(800, ClientTimer::Read);
    assert_eq!(bench.seen(), ["arm Read 300 ms"]);
    bench.fire(1_100, ClientTimer::Read);
    assert_eq!(
        bench.seen(),
        [
            "close 1",
            "lost 1 ConnectionLoss sent true",
            "disarm Ping",
            "disarm Read",
            "disconnected 0x77 from 1",
            "arm Reconnect 0 ms",
        ]
    );
    assert_eq!(bench.library.server(), None);
}

#[test]
fn s18_a_client_that_heard_nothing_for_four_thirds_of_the_timeout_expires_by_itself() {
    let mut bench = Bench::live();
    bench.ms = 100;
    bench.deliver(1, ToClient::Pong { zxid: Zxid(3) });
    bench.ended(1);
    bench.submit(get("/a", false));
    bench.seen();
    bench.fire(1_600, ClientTimer::Expire);
    assert_eq!(bench.seen(), ["arm Expire 100 ms"]);
    bench.fire(1_700, ClientTimer::Expire);
    assert_eq!(
        bench.seen(),
        [
            "lost 1 SessionExpired sent false",
            "disarm Reconnect",
            "disarm Expire",
            "expired 0x77 told false",
            "arm Reconnect 0 ms",
        ]
    );
    assert_eq!(bench.up.last(), Some(&Upcall::Expired));
    bench.fire(1_700, ClientTimer::Reconnect);
    bench.opened(2);
    assert!(bench.said()[1].contains("connect last 0:0 1200 ms 0x0 password 0"));
}

#[test]
fn a_session_the_server_does_not_know_is_expired_and_a_fresh_one_follows() {
    let mut bench = Bench::live();
    bench.submit(exists("/a"));
    bench.reply(1, 1, 4, Err(ErrorCode::NoNode));
    bench.ended(1);
    bench.fire(50, ClientTimer::Reconnect);
    bench.opened(2);
    bench.submit(get("/b", false));
    bench.seen();
    bench.greeted(2, SessionId::NONE, 0);
    assert_eq!(
        bench.said(),
        [
            "lost 2 SessionExpired sent false",
            "close 2",
            "expired 0x77 told true"
        ]
    );
    bench.fire(60, ClientTimer::Reconnect);
    bench.opened(3);
    bench.greeted(3, SessionId(0x78), 1_200);
    assert_eq!(
        bench.said(),
        [
            "open 3 to n1 within 600 ms",
            "send 3: connect last 0:0 1200 ms 0x0 password 0",
            "connected 0x78 to 1 as 2 1200 ms fresh true",
        ],
        "no watches are left to set"
    );
}

#[test]
fn s17_a_reconnect_carries_the_zxid_of_the_last_ordinary_reply() {
    let mut bench = Bench::live();
    bench.submit(get("/a", true));
    bench.submit(get("/b", false));
    bench.submit(get("/c", false));
    bench.reply(1, 1, 6, Ok(data()));
    bench.reply(1, 2, 7, Err(ErrorCode::NoNode));
    bench.reply(1, 3, 0, Err(ErrorCode::SystemError));
    bench.deliver(1, ToClient::Pong { zxid: Zxid(20) });
    bench.event(1, EventKind::DataChanged, "/a");
    bench.ended(1);
    bench.fire(10, ClientTimer::Reconnect);
    bench.seen();
    bench.opened(2);
    assert_eq!(
        bench.seen(),
        ["send 2: connect last 0:7 1200 ms 0x77 password 5"]
    );
}

#[test]
fn a_server_that_hangs_up_on_the_connect_request_is_passed_over_with_the_session_kept() {
    let mut bench = Bench::live();
    bench.ended(1);
    bench.fire(10, ClientTimer::Reconnect);
    bench.opened(2);
    bench.seen();
    bench.ended(2);
    assert_eq!(bench.seen(), ["disarm Connect", "arm Reconnect 50 ms"]);
    bench.fire(60, ClientTimer::Reconnect);
    bench.opened(3);
    bench.accepted(3);
    assert_eq!(
        bench.said(),
        [
            "open 3 to n1 within 600 ms",
            "send 3: connect last 0:0 1200 ms 0x77 password 5",
            "connected 0x77 to 1 as 2 1200 ms fresh false",
        ]
    );
}

#[test]
fn a_server_that_does_not_answer_in_time_is_passed_over() {
    let mut bench = Bench::new();
    bench.opened(1);
    bench.seen();
    bench.fire(600, ClientTimer::Connect);
    assert_eq!(
        bench.seen(),
        ["close 1", "disarm Connect", "arm Reconnect 0 ms"]
    );
    bench.fire(600, ClientTimer::Reconnect);
    assert_eq!(bench.said(), ["open 2 to n2 within 600 ms"]);
}

#[test]
fn requests_are_pipelined_with_their_own_xids_and_answered_in_order() {
    let mut bench = Bench::live();
    for path in ["/a", "/b", "/c"] {
        bench.submit(get(path, false));
    }
    assert_eq!(
        bench.seen(),
        [
            "invoked 1 in 0x77",
            "send 1: 1 get /a false",
            "invoked 2 in 0x77",
            "send 1: 2 get /b false",
            "invoked 3 in 0x77",
            "send 1: 3 get /c false",
        ]
    );
    bench.reply(1, 1, 3, Ok(data()));
    bench.reply(1, 2, 3, Err(ErrorCode::NoNode));
    assert_eq!(bench.seen(), ["returned 1 on 1", "returned 2 on 1: NoNode"]);
}

#[test]
fn a_reply_out_of_order_breaks_the_connection() {
    let mut bench = Bench::live();
    bench.submit(get("/a", false));
    bench.submit(get("/b", false));
    bench.seen();
    bench.reply(1, 2, 3, Ok(data()));
    assert_eq!(
        bench.said(),
        [
            "close 1",
            "lost 1 ConnectionLoss sent true",
            "lost 2 ConnectionLoss sent true",
            "disconnected 0x77 from 1",
        ]
    );
}

#[test]
fn a_reply_to_nothing_breaks_the_connection() {
    let mut bench = Bench::live();
    bench.reply(1, 1, 3, Ok(data()));
    assert_eq!(bench.said(), ["close 1", "disconnected 0x77 from 1"]);
}

#[test]
fn what_was_never_sent_is_lost_as_unsent_when_the_next_attempt_fails() {
    let mut bench = Bench::live();
    bench.submit(get("/a", false));
    bench.ended(1);
    bench.submit(get("/b", false));
    bench.seen();
    bench.fire(5, ClientTimer::Reconnect);
    bench.ended(2);
    assert_eq!(
        bench.said(),
        [
            "open 2 to n2 within 600 ms",
            "lost 2 ConnectionLoss sent false"
        ]
    );
    assert!(matches!(
        bench.up[..],
        [
            Upcall::Connected { fresh: true },
            Upcall::Lost {
                op: 1,
                sent: true,
                ..
            },
            Upcall::Disconnected,
            Upcall::Lost {
                op: 2,
                sent: false,
                ..
            },
        ]
    ));
}

#[test]
fn messages_of_a_dead_connection_are_not_heard() {
    let mut bench = Bench::live();
    bench.submit(get("/a", false));
    bench.resume();
    bench.seen();
    bench.reply(1, 1, 3, Ok(data()));
    bench.ended(1);
    assert!(bench.seen().is_empty());
}

#[test]
fn a_reconnect_sends_auth_then_watches_then_the_queue() {
    let mut bench = Bench::live();
    let auth = Request::Auth {
        scheme: "digest".into(),
        auth: Arc::from(*b"u:p"),
    };
    bench.submit(auth);
    bench.reply(1, xid::AUTH, 0, Ok(Response::Empty));
    bench.submit(get("/a", true));
    bench.submit(exists("/b"));
    bench.reply(1, 1, 6, Ok(data()));
    bench.reply(1, 2, 8, Err(ErrorCode::NoNode));
    bench.ended(1);
    bench.submit(get("/c", false));
    bench.fire(5, ClientTimer::Reconnect);
    bench.opened(2);
    bench.seen();
    bench.accepted(2);
    let lines = bench.said();
    assert_eq!(lines.len(), 4, "{lines:#?}");
    assert!(lines[1].starts_with("send 2: -4 Auth"));
    assert_eq!(
        lines[2],
        "send 2: -8 SetWatches { relative_zxid: Zxid(8), data: [\"/a\"], exist: [\"/b\"], child: [], persistent: [], \
         recursive: [] }"
    );
    assert_eq!(lines[3], "send 2: 3 get /c false");

    bench.reply(2, xid::AUTH, 0, Ok(Response::Empty));
    bench.reply(2, xid::SET_WATCHES, 9, Ok(Response::Empty));
    bench.reply(2, 3, 9, Ok(data()));
    assert_eq!(
        bench.seen(),
        ["watches reset on 2 at Some(Zxid(9))", "returned 4 on 2"]
    );
}

#[test]
fn a_watch_is_registered_only_when_its_reply_arrives() {
    let mut bench = Bench::live();
    bench.submit(get("/a", true));
    bench.resume();
    assert_eq!(
        bench.said(),
        ["connected 0x77 to 2 as 2 1200 ms fresh false"],
        "no setWatches"
    );
}

#[test]
fn a_one_shot_watch_is_gone_after_its_event() {
    let mut bench = Bench::live();
    bench.submit(get("/a", true));
    bench.submit(get("/b", true));
    bench.reply(1, 1, 6, Ok(data()));
    bench.reply(1, 2, 6, Ok(data()));
    bench.event(1, EventKind::DataChanged, "/a");
    bench.resume();
    assert!(bench.said()[1].contains("data: [\"/b\"], exist: []"));
}

#[test]
fn an_event_nobody_waits_for_is_recorded_but_not_passed_on() {
    let mut bench = Bench::live();
    bench.up.clear();
    bench.event(1, EventKind::Created, "/a");
    assert_eq!(bench.seen(), ["event Created /a on 1"]);
    assert!(bench.up.is_empty());
}

#[test]
fn closing_the_session_ends_the_handle_until_somebody_needs_it_again() {
    let mut bench = Bench::live();
    bench.submit(Request::CloseSession);
    bench.submit(get("/a", false));
    bench.seen();
    bench.reply(1, 1, 9, Ok(Response::Empty));
    assert_eq!(
        bench.said(),
        [
            "returned 1 on 1",
            "lost 2 SessionExpired sent true",
            "close 1",
            "disconnected 0x77 from 1"
        ]
    );
    bench.fire(5_000, ClientTimer::Expire);
    bench.fire(5_000, ClientTimer::Reconnect);
    assert!(bench.seen().is_empty());
    bench.submit(get("/a", false));
    assert_eq!(
        bench.said(),
        ["open 2 to n1 within 600 ms", "invoked 3 in 0x0"]
    );
}

#[test]
fn failed_authentication_ends_the_handle_without_an_expiry() {
    let mut bench = Bench::live();
    bench.submit(Request::Auth {
        scheme: "nonsense".into(),
        auth: Arc::from(*b"x"),
    });
    bench.seen();
    bench.reply(1, xid::AUTH, 0, Err(ErrorCode::AuthFailed));
    assert_eq!(
        bench.said(),
        [
            "returned 1 on 1: AuthFailed",
            "close 1",
            "disconnected 0x77 from 1"
        ]
    );
    bench.fire(5, ClientTimer::Reconnect);
    bench.opened(2);
    bench.accepted(2);
    let lines = bench.said();
    assert_eq!(lines.len(), 3, "the credentials are forgotten: {lines:#?}");
}

#[test]
fn the_wait_before_a_reconnect_is_random_up_to_its_limit() {
    let mut waits = std::collections::BTreeSet::new();
    for attempt in 1..=50 {
        let mut bench = Bench::with(attempt, |config| config.reconnect_wait_ms = Some(300));
        bench.seen();
        bench.ended(1);
        let line = bench.seen().pop().expect("the timer comes last");
        let ms = line
            .strip_prefix("arm Reconnect ")
            .and_then(|rest| rest.strip_suffix(" ms"));
        let ms: u64 = ms.and_then(|ms| ms.parse().ok()).expect("a number of ms");
        assert!(ms < 300);
        waits.insert(ms);
    }
    assert!(waits.len() > 30, "{waits:?}");
}

#[test]
fn numbers_of_a_second_life_never_meet_those_of_the_first() {
    let mut bench = Bench::with(2, |_| {});
    bench.opened(1);
    bench.accepted(1);
    bench.submit(get("/a", false));
    let lines = bench.said();
    assert_eq!(
        lines[2],
        "connected 0x77 to 1 as 1000000001 1200 ms fresh true"
    );
    assert_eq!(lines[3], "invoked 1000000001 in 0x77");
}
