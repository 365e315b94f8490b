//! Scenarios that are read, refused and written.

use super::*;
use crate::experiment::lower;

/// The sample of design.md §5.
const SAMPLE: &str = r#"{ "format": 1, "name": "sample", "about": "A follower acknowledges too early, then crashes.",
  "seed": 7,
  "ensemble": { "voters": 5, "observers": 0, "tick_ms": 200, "init_limit": 10, "sync_limit": 5 },
  "network":  { "profile": "mild" },
  "disk":     { "fsync_us": [200, 5000] },
  "clock":    { "drift_ppm": 100, "offset_ms": 50 },
  "mutants":  ["ack-before-fsync"],
  "workload": [ { "kind": "versioned-register", "clients": 3, "keys": 3, "ops": 40, "mix": { "write": 6, "read": 3, "watch": 1 } } ],
  "plan": [
    { "id": "f1", "fault": "crash", "node": 2, "at_ms": 900, "for_ms": 400 },
    { "id": "f2", "fault": "partition", "groups": [[1, 2], [3, 4, 5]], "at_ms": 1400, "for_ms": 2600 },
    { "id": "f3", "fault": "crash", "node": "leader", "when": { "fact": "established", "nth": 2 }, "after_us": 10, "unsynced": "lost" } ],
  "generate": null,
  "limits": { "virtual_ms": 60000, "events": 5000000 },
  "check":  ["all"],
  "expect": { "verdict": "violated", "property": "committed-survives", "digest": "f0b5fac232bb1c68" } }"#;

/// Every kind of fault, target and trigger.
const ALL_FAULTS: &str = r#"{ "format": 1, "name": "faults", "ensemble": { "voters": 3, "observers": 1 },
  "workload": [ { "kind": "versioned-register", "clients": 2 } ],
  "plan": [
    { "id": "a", "fault": "crash", "node": "minority", "unsynced": "drawn", "at_ms": 1 },
    { "id": "b", "fault": "pause", "node": "server-of:c2", "at_us": 1500, "for_us": 1 },
    { "id": "c", "fault": "partition", "groups": [[1, "c1"], [2, 3]], "direction": "out", "class": "quorum", "at_ms": 3 },
    { "id": "d", "fault": "isolate", "node": "follower", "direction": "in", "clients": false, "at_ms": 3, "for_ms": 5 },
    { "id": "e", "fault": "delay", "node": "c2", "class": "client", "extra_us": 10, "at_ms": 3, "for_ms": 5 },
    { "id": "f", "fault": "reset", "node": "observer", "when": { "fact": "snap-sent" } },
    { "id": "g", "fault": "slow-disk", "node": 4, "factor": 20, "extra_ms": 3, "at_ms": 3, "for_ms": 5 },
    { "id": "h", "fault": "drift", "node": "servers", "ppm": -900, "at_ms": 3, "for_ms": 5 },
    { "id": "i", "fault": "wall-jump", "node": "leader", "by_ms": -5000, "at_ms": 3 },
    { "id": "j", "fault": "flaky", "node": "leader", "reset": "1/100", "at_ms": 3, "for_ms": 5 } ] }"#;

fn parse(text: &str) -> Result<Scenario, String> {
    Scenario::parse(text.as_bytes(), "x.json", &[]).map_err(|error| error.to_string())
}

/// The error of the sample with one piece of text replaced.
fn error_with(from: &str, to: &str) -> String {
    assert!(SAMPLE.contains(from), "{from}");
    parse(&SAMPLE.replacen(from, to, 1)).unwrap_err()
}

fn set(overrides: &[&str]) -> Result<Scenario, String> {
    let overrides: Vec<String> = overrides.iter().map(|text| (*text).to_owned()).collect();
    Scenario::parse(SAMPLE.as_bytes(), "x.json", &overrides).map_err(|error| error.to_string())
}

#[test]
fn a_scenario_written_in_full_is_read_back_the_same() {
    for text in [SAMPLE, ALL_FAULTS] {
        let scenario = parse(text).unwrap();
        let again = parse(&scenario.to_string()).unwrap();
        assert_eq!(scenario, again);
        assert_eq!(scenario.to_string(), again.to_string());
    }
}

#[test]
fn sections_that_are_left_out_have_their_defaults() {
    let scenario = parse(r#"{"format": 1, "name": "tiny"}"#).unwrap();
    assert_eq!(scenario.ensemble.voters, 5);
    assert!(Property::promised().eq(scenario.check.iter().copied()));
    assert_eq!(scenario.expect.verdict, Expected::Holds);
    assert_eq!(scenario.roster().clients, 0);
}

#[test]
fn a_misspelt_field_is_named_with_its_place_and_a_suggestion() {
    assert_eq!(
        error_with("\"voters\"", "\"voterz\""),
        "x.json:3:17: unknown field \"voterz\" in \"ensemble\"; did you mean \"voters\"?"
    );
    assert!(error_with("\"plan\"", "\"plna\"").contains("did you mean \"plan\"?"));
    assert!(error_with("\"unsynced\"", "\"unsinced\"").contains("did you mean \"unsynced\"?"));
    let known = error_with("\"seed\"", "\"temperature\"");
    assert!(known.contains("expected one of format, name"), "{known}");
    for field in ["mutants", "check"] {
        assert_eq!(known.matches(field).count(), 1, "{known}");
    }
}

#[test]
fn a_misspelt_value_is_named_with_its_place_and_a_suggestion() {
    assert_eq!(
        error_with("\"mild\"", "\"milde\""),
        "x.json:4:28: \"profile\" is \"milde\", which is unknown; did you mean \"mild\"?"
    );
    for (from, to, hint) in [
        ("\"crash\"", "\"carsh\"", "did you mean \"crash\"?"),
        ("\"leader\"", "\"leeder\"", "did you mean \"leader\"?"),
        (
            "\"established\"",
            "\"establishd\"",
            "did you mean \"established\"?",
        ),
        (
            "\"ack-before-fsync\"",
            "\"ack-befor-fsync\"",
            "did you mean \"ack-before-fsync\"?",
        ),
        ("\"lost\"", "\"lots\"", "did you mean \"lost\"?"),
        (
            "\"committed-survives\"",
            "\"commited-survives\"",
            "did you mean \"committed-survives\"?",
        ),
        ("\"all\"", "\"livenes\"", "did you mean \"liveness\"?"),
        (
            "\"versioned-register\"",
            "\"register\"",
            "expected one of versioned-register",
        ),
    ] {
        let error = error_with(from, to);
        assert!(error.contains(hint), "{error}");
    }
}

#[test]
fn values_outside_their_range_are_refused() {
    for (from, to, message) in [
        (
            "\"voters\": 5",
            "\"voters\": 0",
            "\"voters\" is 0; expected 1 to 31",
        ),
        (
            "\"voters\": 5",
            "\"voters\": 32",
            "\"voters\" is 32; expected 1 to 31",
        ),
        (
            "\"voters\": 5",
            "\"voters\": 10000",
            "\"voters\" is 10000; expected 1 to 31",
        ),
        (
            "\"voters\": 5",
            "\"voters\": \"5\"",
            "\"voters\" is \"5\"; expected a whole number",
        ),
        (
            "\"voters\": 5",
            "\"voters\": 5.0",
            "\"5.0\" is not a whole number",
        ),
        (
            "[200, 5000]",
            "[5000, 200]",
            "expected the smaller number first",
        ),
        ("[200, 5000]", "200", "expected a range of two numbers"),
        (
            "\"format\": 1",
            "\"format\": 2",
            "this build reads format 1",
        ),
        (
            "\"seed\": 7",
            "\"seed\": -1",
            "\"seed\" is -1; expected a whole number from 0",
        ),
        ("f0b5fac232bb1c68", "f0b5", "expected 16 hexadecimal digits"),
        ("\"sample\"", "\"../etc\"", "expected 1 to 64 letters"),
        ("\"clients\": 3", "\"clients\": 0", "expected 1 to 1000"),
        (
            "\"write\": 6, \"read\": 3, \"watch\": 1",
            "\"write\": 0",
            "no operation with a weight above 0",
        ),
    ] {
        let error = error_with(from, to);
        assert!(error.contains(message), "{error}");
        assert!(error.starts_with("x.json:"), "{error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
}

#[test]
fn contradictions_are_refused() {
    for (from, to, message) in [
        (
            "[3, 4, 5]",
            "[3, 4, 7]",
            "x.json:11:67: group 2 of \"groups\" names server 7; the ensemble has servers 1 to 5",
        ),
        ("[3, 4, 5]", "[2, 4, 5]", "2 stands twice in \"groups\""),
        ("[[1, 2], [3, 4, 5]]", "[[1, 2]]", "expected at least 2"),
        (
            "\"groups\": [[1, 2], [3, 4, 5]]",
            "\"direction\": \"in\"",
            "field \"groups\" is missing",
        ),
        ("\"node\": 2", "\"node\": 6", "names server 6"),
        (
            "\"node\": 2",
            "\"node\": \"c4\"",
            "the workload has clients c1 to c3",
        ),
        (
            "\"node\": 2",
            "\"node\": \"server-of:c9\"",
            "the workload has clients c1 to c3",
        ),
        (
            "\"id\": \"f2\"",
            "\"id\": \"f1\"",
            "two faults have the id \"f1\"",
        ),
        (
            "\"at_ms\": 900",
            "\"at_ms\": 900, \"at_us\": 1",
            "both \"at_ms\" and \"at_us\"",
        ),
        (
            "\"at_ms\": 900",
            "\"at_ms\": 900, \"when\": {\"fact\": \"elected\"}",
            "both \"at_ms\" and \"when\"",
        ),
        ("\"at_ms\": 900, ", "", "says not when it strikes"),
        (
            "\"verdict\": \"violated\"",
            "\"verdict\": \"holds\"",
            "drop one of them",
        ),
        (
            "\"generate\": null",
            "\"generate\": {\"window_ms\": [1, 90000]}",
            "expected the faults to end before the run",
        ),
        (
            "\"clients\": 3",
            "\"clients\": 3, \"servers\": [9]",
            "names server 9",
        ),
    ] {
        let error = error_with(from, to);
        assert!(error.contains(message), "{error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
}

#[test]
fn an_override_replaces_one_field_and_is_checked_like_the_file() {
    let scenario = set(&[
        "ensemble.voters=7",
        "network.profile=none",
        "plan.0.at_ms=5",
    ])
    .unwrap();
    assert_eq!(scenario.ensemble.voters, 7);
    assert_eq!(scenario.network.profile, sections::Profile::None);
    let scenario = set(&["network.quorum.delay_us=[5,9]"]).unwrap();
    assert_eq!(
        scenario.network.quorum.unwrap().delay_us,
        format::Range::new(5, 9)
    );
    for (text, message) in [
        (
            "ensemble.voters=0",
            "--set ensemble.voters=0: \"voters\" is 0; expected 1 to 31",
        ),
        ("ensemble.voterz=3", "did you mean \"voters\"?"),
        ("plan.9.at_ms=3", "\"9\" is no element of a list of 3"),
        ("seed.x=3", "nothing lies inside 7"),
        ("seed", "no \"=\""),
        ("a..b=1", "empty step"),
        ("seed=[1", "is the file truncated?"),
    ] {
        let error = set(&[text]).unwrap_err();
        assert!(error.starts_with(&format!("--set {text}: ")), "{error}");
        assert!(error.contains(message), "{error}");
    }
}

#[test]
fn every_truncation_of_a_scenario_is_one_clear_error() {
    for end in 0..SAMPLE.len() {
        let error = parse(&SAMPLE[..end]).unwrap_err();
        assert!(error.starts_with("x.json:"), "{error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
}

#[test]
fn a_field_of_the_wrong_kind_anywhere_is_an_error_and_no_panic() {
    let root = json::parse(ALL_FAULTS.as_bytes()).unwrap();
    let mut paths = Vec::new();
    collect_paths(&root, &mut String::new(), &mut paths);
    assert!(paths.len() > 60);
    for path in paths {
        for value in [
            "true",
            "[[1]]",
            "{\"x\":1}",
            "-1",
            "\"\\u0000\"",
            "340282366920938463463374607431768211455",
        ] {
            let text = format!("{path}={value}");
            let result = Scenario::parse(ALL_FAULTS.as_bytes(), "x.json", &[text]);
            if let Err(error) = result {
                assert_eq!(error.to_string().lines().count(), 1);
            }
        }
    }
}

fn collect_paths(node: &Node, path: &mut String, paths: &mut Vec<String>) {
    let steps: Vec<(String, &Node)> = match &node.value {
        Value::Object(fields) => fields
            .iter()
            .map(|field| (field.name.clone(), &field.node))
            .collect(),
        Value::List(items) => items
            .iter()
            .enumerate()
            .map(|(index, item)| (index.to_string(), item))
            .collect(),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Text(_) => Vec::new(),
    };
    for (step, child) in steps {
        let length = path.len();
        if !path.is_empty() {
            path.push('.');
        }
        path.push_str(&step);
        paths.push(path.clone());
        collect_paths(child, path, paths);
        path.truncate(length);
    }
}

#[test]
fn operations_and_overrides_are_read_written_and_refused_with_their_place() {
    let with = |fields: &str| {
        parse(&format!(
            r#"{{ "format": 1, "name": "x", "ensemble": {{ "voters": 3 }},
                "workload": [ {{ "kind": "versioned-register", "clients": 2 }} ], {fields} }}"#
        ))
    };
    let full = r#""operations": [ { "client": "c1" }, { "client": "c2", "op": 7 }, { "client": "c2", "op": 9, "at_us": 1500 } ],
        "overrides": [ { "draw": "delay/1>c2/client/data/62/0", "us": 310000 },
                       { "draw": "delay/2>3/quorum/control/*", "us": 5 },
                       { "draw": "disk/3/sync/7/1", "us": 40000 }, { "draw": "disk/1/snapshot/*", "us": 1 } ]"#;
    let scenario = with(full).unwrap();
    assert_eq!(scenario.operations.as_ref().map(Vec::len), Some(3));
    assert_eq!(parse(&scenario.to_string()).unwrap(), scenario);
    assert_eq!(with(r#""operations": null"#).unwrap().operations, None);
    for (fields, message) in [
        (
            r#""operations": [ { "client": "c3" } ]"#,
            "clients c1 to c2",
        ),
        (
            r#""operations": [ { "client": "c1", "op": 0 } ]"#,
            "\"op\" is 0",
        ),
        (
            r#""operations": [ { "client": "c1", "at_ms": 5 } ]"#,
            "a time but no \"op\"",
        ),
        (
            r#""operations": [ { "client": "c1" }, { "client": "c1" } ]"#,
            "stands twice",
        ),
        (
            r#""operations": 7"#,
            "expected a list of operations, or null",
        ),
        (
            r#""overrides": [ { "draw": "delay/1>9/quorum/data/*", "us": 1 } ]"#,
            "names server 9",
        ),
        (
            r#""overrides": [ { "draw": "delay/1>2/quorum/data/x/0", "us": 1 } ]"#,
            "expected one like",
        ),
        (
            r#""overrides": [ { "draw": "fate/1>2", "us": 1 } ]"#,
            "expected one like",
        ),
        (
            r#""overrides": [ { "draw": "disk/3/sync/*", "us": 1 }, { "draw": "disk/3/sync/*", "us": 2 } ]"#,
            "stands twice",
        ),
        (
            r#""overrides": [ { "draw": "disk/3/sync/*" } ]"#,
            "\"us\" is missing",
        ),
    ] {
        let error = with(fields).unwrap_err();
        assert!(error.contains(message), "{fields}: {error}");
        assert!(error.starts_with("x.json:2:"), "{error}");
    }
}

#[test]
fn clients_that_start_late_are_late_by_what_their_workload_says() {
    let text = r#"{ "format": 1, "name": "late", "ensemble": { "voters": 2, "observers": 1 }, "workload": [
        { "kind": "idle", "clients": 2 }, { "kind": "idle", "clients": 2, "start_ms": 300 },
        { "kind": "idle", "clients": 1, "start_ms": 7 } ] }"#;
    let scenario = parse(text).unwrap();
    assert_eq!(parse(&scenario.to_string()).unwrap(), scenario);
    let late = &lower::setup(&scenario).late;
    let late: Vec<(u16, u64)> = late
        .iter()
        .map(|(node, by)| (node.0, by.as_us() / 1_000))
        .collect();
    assert_eq!(late, [(6, 300), (7, 300), (8, 7)]);
    let error = parse(&text.replace("300", "3600001")).unwrap_err();
    assert!(error.contains("expected 0 to 3600000"), "{error}");
}
