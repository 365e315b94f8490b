//! Traces: what their columns say is what the run was.

use std::io::Read as _;

use flate2::read::GzDecoder;
use serde_json::Value;

use super::*;

fn scenario(extra: &str) -> Scenario {
    let text = format!(
        r#"{{ "format": 1, "name": "x", "ensemble": {{ "voters": 3 }},
            "workload": [{{ "kind": "versioned-register", "clients": 2 }}],
            "limits": {{ "virtual_ms": 3000 }}{extra} }}"#
    );
    Scenario::parse(text.as_bytes(), "x.json", &[]).unwrap()
}

fn read(bytes: &[u8]) -> Value {
    let mut text = String::new();
    GzDecoder::new(bytes).read_to_string(&mut text).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn column(value: &Value) -> Vec<i64> {
    let list = value.as_array().unwrap().iter();
    list.map(|number| number.as_i64().unwrap()).collect()
}

fn sums(value: &Value) -> Vec<i64> {
    let mut sum = 0;
    let add = |delta| {
        sum += delta;
        sum
    };
    column(value).into_iter().map(add).collect()
}

#[test]
fn two_traces_of_a_run_are_the_same_bytes() {
    let scenario = scenario("");
    assert_eq!(Trace::of(&scenario).whole(), Trace::of(&scenario).whole());
}

#[test]
fn recording_changes_nothing_about_the_run() {
    let scenario = scenario("");
    let played = crate::experiment::run::play(&scenario, &mut Nobody);
    assert_eq!(Trace::of(&scenario).outcome(), &played);
}

#[test]
fn every_message_row_was_caused_by_a_row_of_its_sender() {
    let scenario = scenario("");
    let document = read(&Trace::of(&scenario).whole());
    let events = &document["events"];
    let (kinds, nodes, peers) = (
        column(&events["kind"]),
        column(&events["node"]),
        column(&events["peer"]),
    );
    let causes = column(&events["cause"]);
    let mut messages = 0;
    for row in 0..kinds.len() {
        let kind = &document["kinds"][usize::try_from(kinds[row]).unwrap()];
        if kind["class"] != "message" {
            continue;
        }
        messages += 1;
        assert!(causes[row] > 0, "row {row} is sent by nobody");
        let cause = row - usize::try_from(causes[row]).unwrap();
        assert_eq!(peers[row], 0, "row {row} names its sender twice");
        assert_ne!(nodes[row], nodes[cause]);
    }
    assert!(messages > 500, "{messages}");
}

#[test]
fn at_the_end_of_the_columns_every_server_stands_where_the_report_says() {
    let extra = r#", "plan": [{ "id": "f", "fault": "crash", "node": "leader", "at_ms": 1000, "for_ms": 300 }]"#;
    let scenario = scenario(extra);
    let mut trace = Trace::of(&scenario);
    let document = read(&trace.whole());
    let state = &document["state"];
    let (nodes, fields, values) = (
        column(&state["node"]),
        column(&state["field"]),
        column(&state["value"]),
    );
    for server in 1..=3_u8 {
        let standing = trace
            .chronicle()
            .standing(crate::base::id::ServerId(server));
        let last = |field: i64| {
            let changes = nodes.iter().zip(&fields).zip(&values);
            let own = changes
                .filter(|((node, other), _)| **node == i64::from(server) - 1 && **other == field);
            own.map(|(_, delta)| *delta).sum::<i64>()
        };
        assert_eq!(last(0), standing.doing as i64);
        assert_eq!(last(2), i64::from(standing.current.0));
        assert_eq!(last(4), i64::from(standing.logged.0));
        assert_eq!(last(7), i64::from(standing.applied.0));
    }
    let rows = sums(&state["row"]);
    assert!(rows.is_sorted());
}

#[test]
fn messages_cut_by_a_partition_are_listed_as_lost() {
    let extra = r#", "plan": [{ "id": "f", "fault": "isolate", "node": "leader", "at_ms": 1000, "for_ms": 1500 }]"#;
    let scenario = scenario(extra);
    let document = read(&Trace::of(&scenario).whole());
    let lost = sums(&document["lost"]["row"]);
    assert!(!lost.is_empty());
    let fault = &document["faults"][0];
    assert_eq!(fault["id"], "f");
    assert!(fault["row"].as_i64() < fault["end"].as_i64());
}
