//! Lines of operations have Jepsen's shape, and their outcomes say no more than what was observed.

use super::*;
use crate::base::id::ServerId;
use crate::base::zxid::Epoch;
use crate::history::op::{CreateOp, EventKind, WatchEvent};

const SESSION: SessionId = SessionId(0x100);

/// Facts of clients, one nanosecond apart.
#[derive(Default)]
struct Script {
    writer: HistoryWriter,
    time: u64,
    out: Vec<u8>,
}

impl Script {
    fn fact(&mut self, fact: &Fact) {
        self.time += 1;
        self.writer.write(Time(self.time), fact, &mut self.out);
    }

    fn invoke(&mut self, client: u16, op: u64, request: Request) {
        self.fact(&Fact::Invoked {
            client: ClientId(client),
            op,
            session: SESSION,
            request: Arc::new(request),
        });
    }

    fn answer(&mut self, client: u16, op: u64, result: Result<Response, ErrorCode>) {
        self.fact(&Fact::Returned {
            client: ClientId(client),
            op,
            session: SESSION,
            conn: 1,
            zxid: Some(Zxid::new(Epoch(1), 9)),
            result,
        });
    }

    fn lose(&mut self, client: u16, op: u64, sent: bool) {
        self.fact(&Fact::Lost {
            client: ClientId(client),
            op,
            session: SESSION,
            loss: Loss::ConnectionLoss,
            sent,
        });
    }

    fn lines(&self) -> Vec<Value> {
        let text = std::str::from_utf8(&self.out).unwrap();
        let lines: Vec<Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        for (index, line) in lines.iter().enumerate() {
            assert_eq!(line["index"], json!(index), "without gaps");
        }
        lines
    }
}

fn read() -> Request {
    Request::GetData {
        path: "/k1".into(),
        watch: false,
    }
}

fn set(data: &[u8], version: i32) -> Request {
    Request::SetData {
        path: "/k1".into(),
        data: Some(data.into()),
        version,
    }
}

fn stat(version: i32) -> Stat {
    Stat {
        version,
        mzxid: Zxid::new(Epoch(1), 8),
        ..Stat::default()
    }
}

/// The completion of one request.
fn outcome(request: Request, result: Result<Response, ErrorCode>) -> Value {
    let mut script = Script::default();
    script.invoke(1, 1, request);
    script.answer(1, 1, result);
    let lines = script.lines();
    assert_eq!(lines.len(), 2);
    lines[1].clone()
}

#[test]
fn a_cas_is_two_lines_of_the_documented_shape() {
    let mut script = Script::default();
    script.invoke(1, 7, set(b"c1-7", 3));
    script.answer(1, 7, Ok(Response::Stat(stat(4).into())));
    let expected = concat!(
        r#"{"index":0,"process":0,"type":"invoke","f":"cas","key":"/k1","value":"c1-7","time":1,"expected":3,"#,
        r#""client":1,"op":7,"session":"0x100"}"#,
        "\n",
        r#"{"index":1,"process":0,"type":"ok","f":"cas","key":"/k1","value":"c1-7","time":2,"expected":3,"#,
        r#""version":4,"zxid":"1:9","mzxid":"1:8","czxid":"0:0","pzxid":"0:0","conn":1,"client":1,"op":7,"session":"0x100"}"#,
        "\n"
    );
    assert_eq!(std::str::from_utf8(&script.out).unwrap(), expected);
}

#[test]
fn what_was_read_is_the_value_of_the_completion() {
    for (data, shown) in [
        (None, Value::Null),
        (Some(Arc::from(*b"")), json!("")),
        (Some(Arc::from(*b"c1-1")), json!("c1-1")),
        (Some(Arc::from([0xff, 0])), json!({ "hex": "ff00" })),
    ] {
        let line = outcome(read(), Ok(Response::Data(data, stat(2).into())));
        assert_eq!(
            (&line["type"], &line["f"], &line["value"]),
            (&json!("ok"), &json!("read"), &shown)
        );
        assert_eq!(
            (&line["version"], &line["mzxid"]),
            (&json!(2), &json!("1:8"))
        );
    }
}

#[test]
fn only_an_expected_version_that_did_not_hold_is_a_mismatch() {
    for (request, error, expected) in [
        (set(b"", 3), ErrorCode::BadVersion, "mismatch"),
        (set(b"", 3), ErrorCode::NoNode, "NoNode"),
        (set(b"", -1), ErrorCode::NoNode, "NoNode"),
        (read(), ErrorCode::NoAuth, "NoAuth"),
    ] {
        let line = outcome(request, Err(error));
        assert_eq!(
            (&line["type"], &line["error"]),
            (&json!("fail"), &json!(expected))
        );
    }
    let line = outcome(read(), Err(ErrorCode::OperationTimeout));
    assert_eq!(line["type"], "info");
}

#[test]
fn the_absence_of_a_znode_is_an_answer_to_who_looks() {
    let exists = Request::Exists {
        path: "/k1".into(),
        watch: true,
    };
    let line = outcome(exists.clone(), Err(ErrorCode::NoNode));
    assert_eq!(
        (&line["type"], &line["value"]),
        (&json!("ok"), &json!(false))
    );
    let line = outcome(exists, Ok(Response::Stat(stat(0).into())));
    assert_eq!(
        (&line["type"], &line["value"]),
        (&json!("ok"), &json!(true))
    );
    let line = outcome(read(), Err(ErrorCode::NoNode));
    assert_eq!(
        (&line["type"], &line["value"]),
        (&json!("ok"), &Value::Null)
    );
    assert_eq!(line["error"], "NoNode", "null data and no znode differ");
}

#[test]
fn a_create_tells_the_name_it_was_given() {
    let create = Request::Create {
        op: CreateOp::Create,
        path: "/s-".into(),
        data: Some(Arc::from(*b"x")),
        acl: None,
        flags: 2,
        ttl: -1,
    };
    let line = outcome(create, Ok(Response::Path("/s-0000000004".into())));
    assert_eq!(
        (&line["f"], &line["key"], &line["value"], &line["path"]),
        (
            &json!("create"),
            &json!("/s-"),
            &json!("x"),
            &json!("/s-0000000004")
        )
    );
}

#[test]
fn a_multi_happens_as_a_whole_or_fails_for_its_first_real_error() {
    let check = Request::Check {
        path: "/k2".into(),
        version: 5,
    };
    let multi = || Request::Multi(vec![set(b"a", -1), check.clone(), set(b"b", -1)]);
    let parts = json!([
        { "f": "write", "key": "/k1", "value": "a" },
        { "f": "check", "key": "/k2", "value": null, "expected": 5 },
        { "f": "write", "key": "/k1", "value": "b" },
    ]);
    let failed = Response::Multi(vec![
        Err(ErrorCode::Ok),
        Err(ErrorCode::BadVersion),
        Err(ErrorCode::RuntimeInconsistency),
    ]);
    let line = outcome(multi(), Ok(failed));
    assert_eq!(
        (&line["type"], &line["error"]),
        (&json!("fail"), &json!("mismatch"))
    );
    assert_eq!(line["value"], parts);
    let succeeded = Response::Multi(vec![
        Ok(Response::Stat(stat(1).into())),
        Ok(Response::Empty),
        Ok(Response::Stat(stat(2).into())),
    ]);
    let line = outcome(multi(), Ok(succeeded));
    assert_eq!((&line["type"], &line["value"]), (&json!("ok"), &parts));
}

#[test]
fn a_process_has_one_operation_open_and_ends_with_an_unknown_outcome() {
    let mut script = Script::default();
    script.invoke(1, 1, read());
    script.invoke(2, 1, read());
    script.invoke(1, 2, read());
    script.lose(1, 1, true);
    script.lose(1, 2, false);
    script.invoke(1, 3, read());
    script.invoke(1, 4, read());
    let lines = script.lines();
    let of = |name: &str| -> Vec<Value> { lines.iter().map(|line| line[name].clone()).collect() };
    assert_eq!(
        of("process"),
        [0, 1, 2, 0, 2, 2, 3].map(|process| json!(process))
    );
    assert_eq!(lines[3]["type"], "info");
    assert_eq!(lines[3]["error"], "ConnectionLoss");
    assert_eq!(lines[4]["type"], "fail");
    assert_eq!(lines[4]["error"], "not-sent");
}

#[test]
fn a_crash_leaves_the_client_s_open_operations_unknown_and_no_others() {
    let mut script = Script::default();
    script.invoke(1, 1, set(b"a", -1));
    script.invoke(1, 2, set(b"b", -1));
    script.invoke(2, 1, set(b"c", -1));
    script.fact(&Fact::ClientCrashed {
        client: ClientId(1),
    });
    script.answer(2, 1, Ok(Response::Stat(stat(1).into())));
    script.answer(1, 2, Ok(Response::Stat(stat(1).into())));
    let lines = script.lines();
    let types: Vec<&str> = lines
        .iter()
        .map(|line| line["type"].as_str().unwrap())
        .collect();
    assert_eq!(
        types,
        ["invoke", "invoke", "invoke", "info", "info", "event", "ok"]
    );
    assert_eq!(lines[4]["error"], "client-crashed");
    assert_eq!(lines[5]["f"], "crashed");
}

#[test]
fn events_belong_to_no_process() {
    let mut script = Script::default();
    let (client, session) = (ClientId(1), SESSION);
    script.fact(&Fact::Connected {
        client,
        session,
        server: ServerId(4),
        conn: 1,
        timeout_ms: 6_000,
        fresh: true,
    });
    script.fact(&Fact::EventReceived {
        client,
        session,
        conn: 1,
        event: WatchEvent {
            kind: EventKind::DataChanged,
            path: "/k1".into(),
            zxid: None,
        },
    });
    script.fact(&Fact::Ponged {
        client,
        session,
        conn: 1,
        zxid: Zxid::ZERO,
    });
    let lines = script.lines();
    assert_eq!(lines.len(), 2, "pings are left out");
    for line in &lines {
        assert_eq!(
            (&line["type"], &line["process"]),
            (&json!("event"), &Value::Null)
        );
    }
    assert_eq!(
        (&lines[0]["f"], &lines[0]["value"]),
        (&json!("connected"), &json!(4))
    );
    assert_eq!(
        (&lines[1]["f"], &lines[1]["key"], &lines[1]["value"]),
        (&json!("watch"), &json!("/k1"), &json!("data-changed"))
    );
}
