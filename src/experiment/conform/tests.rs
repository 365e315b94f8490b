//! Tests of reading, comparing and leaving out; the recorded scripts themselves are played by the integration tests.

use super::*;
use crate::base::time::Span;

const HEADER: &str = r#"{"mode":"standalone","clients":2,"steps":1,"name":"topic"}"#;

/// A script of one step.
fn parse(step: &str) -> Result<Script, Malformed> {
    Script::parse(&format!("{HEADER}\n{step}\n"), "file", "stem")
}

/// Reads a step with these arguments and some result.
fn step(arguments: &str) -> Result<Script, Malformed> {
    parse(&format!("{{{arguments},\"r\":{{}},\"recv\":{{}}}}"))
}

fn why(script: Result<Script, Malformed>) -> String {
    script.expect_err("malformed").to_string()
}

#[test]
fn a_malformed_header_is_told_with_its_line() {
    let cases = [
        ("", "file:1: the file is empty, a header was expected"),
        ("[]", "file:1: a JSON object was expected"),
        ("{}", "file:1: \"mode\" is missing"),
        (
            r#"{"mode":"alone","clients":1,"steps":0}"#,
            "file:1: mode \"alone\" is unknown, \"standalone\" or \"ensemble3\" was expected",
        ),
        (
            r#"{"mode":"standalone","steps":0}"#,
            "file:1: \"clients\" is missing",
        ),
        (
            r#"{"mode":"standalone","clients":1}"#,
            "file:1: the header has no number of steps",
        ),
        (
            r#"{"mode":"standalone","clients":1,"steps":3}"#,
            "file:1: the header promises 3 steps, the file has 0",
        ),
        (
            r#"{"mode":"standalone","clients":1,"steps":0,"props":["-Dx=1"]}"#,
            "file:1: property \"-Dx=1\" is unknown; zookeeper.enforceQuota and zookeeper.extendedTypesEnabled can be set",
        ),
    ];
    for (text, complaint) in cases {
        assert_eq!(why(Script::parse(text, "file", "stem")), complaint);
    }
}

#[test]
fn a_malformed_step_is_told_with_its_line() {
    let cases = [
        (
            r#""c":"c0","op":"creat""#,
            "file:2: operation \"creat\" is unknown",
        ),
        (r#""c":"c0","op":"exists""#, "file:2: \"path\" is missing"),
        (r#""op":"exists","path":"/a""#, "file:2: \"c\" is missing"),
        (
            r#""c":"c2","op":"exists","path":"/a""#,
            "file:2: client c2 has not connected",
        ),
        (
            r#""c":"zoe","op":"exists","path":"/a""#,
            "file:2: client \"zoe\" is no name, c0, c1, … were expected",
        ),
        (
            r#""c":"c0","op":"delete","path":"/a","version":3000000000"#,
            "file:2: version 3000000000 has more than 32 bits",
        ),
        (
            r#""c":"c0","op":"delete","pth":"/a""#,
            "file:2: \"pth\" is no argument of any step",
        ),
        (
            r#""c":"c0","op":"create","path":"/a","acl":[[1,"world"]]"#,
            "file:2: acl [[1,\"world\"]] is no list of [perms, scheme, id]",
        ),
        (
            r#""c":"c0","op":"setData","path":"/a","data":{"hex":"abc"}"#,
            "file:2: data {\"hex\":\"abc\"} is neither text nor null, {\"fill\": [char, count]} or {\"hex\": digits}",
        ),
        (
            r#""op":"sleep","s":"long""#,
            "file:2: s \"long\" is no time in seconds",
        ),
    ];
    for (arguments, complaint) in cases {
        assert_eq!(why(step(arguments)), complaint);
    }
    assert_eq!(
        why(parse("{\"op\":")),
        "file:2: no JSON (column 6): EOF while parsing a value at line 1 column 6"
    );
}

#[test]
fn what_came_out_is_no_part_of_what_was_done() {
    let script = step(r#""path":"/a","op":"exists","c":"c0""#).expect("well formed");
    assert_eq!(script.title, "topic");
    assert_eq!(
        script.steps[0].told,
        r#"{"c":"c0","op":"exists","path":"/a"}"#
    );
}

#[test]
fn order_matters_unless_it_was_left_open() {
    let shown = |events: &str| -> Value {
        serde_json::from_str(&format!(r#"{{"r":{{}},"recv":{{"c0":{events}}}}}"#)).expect("JSON")
    };
    let (ab, ba) = (
        shown(r#"[["deleted","/a",1],["deleted","/b",1]]"#),
        shown(r#"[["deleted","/b",1],["deleted","/a",1]]"#),
    );
    let mut step = step(r#""c":"c0","op":"close""#)
        .expect("well formed")
        .steps
        .remove(0);
    step.expected = ab.clone();
    assert!(agrees(&step, &ab) && !agrees(&step, &ba));
    step.order = Order::Open;
    assert!(agrees(&step, &ab) && agrees(&step, &ba));
    assert!(!agrees(&step, &shown(r#"[["deleted","/a",1]]"#)));
    // A session ends with one zxid, a pass of the reaper takes one for each znode.
    let (one, other) = (
        shown(r#"[["deleted","/a",1],["deleted","/b",2]]"#),
        shown(r#"[["deleted","/b",1],["deleted","/a",2]]"#),
    );
    step.expected = one;
    assert!(!agrees(&step, &other));
    step.action = Action::Reap(Span::ZERO);
    assert!(agrees(&step, &other) && !agrees(&step, &ba));
}

#[test]
fn a_script_of_one_server_is_left_out_on_ensembles_and_with_crashes() {
    let text = HEADER
        .replace("topic", "version_wrap")
        .replace("\"steps\":1", "\"steps\":0");
    let script = Script::parse(&text, "file", "stem").expect("well formed");
    let setting = Setting::default();
    assert_eq!(reason_to_skip(&script, &setting), None);
    let ensemble = Setting {
        servers: 3,
        ..setting.clone()
    };
    assert!(reason_to_skip(&script, &ensemble).is_some());
    let crashing = Setting {
        crash_every: Some(10),
        ..setting
    };
    assert!(reason_to_skip(&script, &crashing).is_some());
}

#[test]
fn the_leader_crashes_at_least_once_in_each_script_and_then_at_intervals() {
    for seed in 0..50 {
        for (every, steps) in [(10, 100), (50, 7), (1, 5), (3, 2)] {
            let mut crashes = crash::Crashes::new(every, steps, Seed(seed));
            let due: Vec<usize> = (0..steps)
                .filter(|index| crashes.due_before(*index).is_some())
                .collect();
            assert!(!due.is_empty() && due[0] > 0, "{due:?} of {steps}");
            let every = usize::try_from(every).expect("small");
            assert!(due.windows(2).all(|pair| pair[1] - pair[0] == every));
        }
    }
}

#[test]
fn a_script_on_servers_that_differ_stops_at_its_first_difference() {
    let text = [
        r#"{"mode":"standalone","clients":1,"steps":3}"#,
        r#"{"c":"c0","op":"create","path":"/a","data":"","r":{"err":"ok","z":1,"path":"/a"},"recv":{"c0":["R"]}}"#,
        r#"{"c":"c0","op":"delete","path":"/a","r":{"err":"ok","z":3},"recv":{"c0":["R"]}}"#,
        r#"{"c":"c0","op":"delete","path":"/a","r":{"err":"NoNode","z":3},"recv":{"c0":["R"]}}"#,
    ];
    let script = Script::parse(&text.join("\n"), "file", "stem").expect("well formed");
    for servers in [1, 3] {
        let setting = Setting {
            servers,
            ..Setting::default()
        };
        let played = play(&script, &setting);
        let difference = played.difference.expect("a wrong zxid");
        assert_eq!((played.steps, difference.step, difference.line), (2, 2, 3));
        assert_eq!(difference.got["r"]["z"], 2);
    }
}
