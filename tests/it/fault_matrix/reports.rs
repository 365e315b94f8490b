//! Faults of clients, several targets at once, and what a run says of its faults.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a question looks for one kind of fact among all"
)]

use zablab::check::verdict::Verdict;
use zablab::experiment::scenario::Scenario;
use zablab::history::fact::Fact;
use zablab::sim::process::Ending;

use super::super::observed::{Heard, observe};
use super::{scenario, survive};

#[test]
fn a_zombie_wakes_after_its_session_and_learns_it_from_a_server() {
    let observed = survive(r#"{"id":"f","fault":"pause","node":"c1","at_ms":3000,"for_ms":5000}"#);
    assert_eq!(observed.heard_by(4, 3_000, 8_000).len(), 0);
    let expired = observed.facts(
        8_000,
        12_000,
        |fact| matches!(fact, Fact::Expired { client, .. } if client.0 == 1),
    );
    assert!(expired >= 1);
    assert!(
        observed.got(4, None, 8_200, 12_000) > 10,
        "it goes on with a new session"
    );
}

#[test]
fn a_slow_reader_gets_what_it_is_sent_late() {
    let observed = survive(
        r#"{"id":"f","fault":"rough","node":"c1","class":"client","bandwidth":1000,"queue_bytes":300,"at_ms":3000,"for_ms":3000}"#,
    );
    assert!(observed.travel_ms(4, 3_000, 6_000).1 >= 100);
}

#[test]
fn a_second_connection_of_a_session_takes_it_over() {
    let observed = survive(r#"{"id":"f","fault":"duplicate-connection","node":"c1","at_ms":3000}"#);
    let accepted = observed.heard_by(4, 3_000, 4_000);
    assert!(
        accepted
            .iter()
            .any(|heard| matches!(heard, Heard::Ended(_))),
        "the first one is closed"
    );
    let moved = observed.facts(3_000, 4_000, |fact| {
        matches!(fact, Fact::SessionMoved { .. })
    });
    assert!(moved >= 1);
}

#[test]
fn a_server_that_is_behind_refuses_a_client_that_has_seen_more() {
    let faults = [
        r#"{"id":"a","fault":"clog","node":1,"direction":"in","class":"quorum","at_ms":3000,"for_ms":3500}"#,
        r#"{"id":"b","fault":"cut","node":["c1","c2"],"from":[2,3],"class":"client","form":"reset","at_ms":3300,"for_ms":3200}"#,
    ];
    // The follower must not give its silent leader up in that time.
    let text = scenario(3, &faults, "").to_string();
    let text = text.replace(r#""sync_limit": 5"#, r#""sync_limit": 30"#);
    let patient = Scenario::parse(text.as_bytes(), "s.json", &[]).unwrap();
    let (outcome, observed) = observe(&patient);
    assert_eq!(outcome.verdict(), Verdict::Holds);
    let moved = [(4, 1), (5, 2)].into_iter().filter(|(node, _)| {
        let heard = observed.heard_by(*node, 3_300, 3_301);
        heard.contains(&&Heard::Ended(Ending::Reset))
    });
    let mut tried = 0;
    for (node, client) in moved {
        let heard = observed.heard_by(node, 3_301, 6_400);
        let refused = heard.contains(&&Heard::Ended(Ending::Closed));
        let connected = observed.facts(
            3_301,
            6_400,
            |fact| matches!(fact, Fact::Connected { client: who, .. } if who.0 == client),
        );
        assert!(refused && connected == 0, "c{client}: {heard:?}");
        tried += 1;
    }
    assert!(tried > 0);
}

#[test]
fn several_targets_are_struck_at_once_and_told_by_name() {
    for (target, expected) in [
        (r#"[1,"c2"]"#, vec!["1", "c2"]),
        (r#"{"rack":"a","nodes":[1,2]}"#, vec!["1", "2"]),
        (r#""lagging-follower""#, vec!["1"]),
        (r#""leader""#, vec!["3"]),
    ] {
        let observed = survive(&format!(
            r#"{{"id":"f","fault":"pause","node":{target},"at_ms":3000,"for_ms":500}}"#
        ));
        let told = observed.facts.iter().find_map(|(_, _, fact)| match fact {
            Fact::FaultBegan { targets, .. } => Some(targets.clone()),
            _ => None,
        });
        assert_eq!(told.unwrap(), expected);
    }
}

#[test]
fn a_fault_that_finds_nothing_to_do_says_why_and_counts_for_nothing() {
    let faults = [
        r#"{"id":"a","fault":"crash","node":2,"at_ms":3000,"for_ms":2000}"#,
        r#"{"id":"b","fault":"pause","node":2,"at_ms":3500,"for_ms":200}"#,
        r#"{"id":"c","fault":"crash","node":"observer","at_ms":3500,"for_ms":200}"#,
    ];
    let (outcome, observed) = observe(&scenario(3, &faults, ""));
    let whys: Vec<String> = observed
        .facts
        .iter()
        .filter_map(|(_, _, fact)| match fact {
            Fact::FaultBegan { why: Some(why), .. } => Some(why.to_string()),
            _ => None,
        })
        .collect();
    assert_eq!(
        whys,
        ["it is down or paused already", "nobody plays that part"]
    );
    let strikes = |name: &str| outcome.strikes[name];
    assert_eq!(
        (strikes("crash").effective, strikes("crash").in_vain),
        (1, 1)
    );
    assert_eq!(
        (strikes("pause").effective, strikes("pause").in_vain),
        (0, 1)
    );
}

#[test]
fn settings_outside_the_model_are_excuses_by_their_name() {
    let wire = scenario(3, &[], "")
        .to_string()
        .replace(r#""wire": "stream""#, r#""wire": "datagram""#);
    let wire = Scenario::parse(wire.as_bytes(), "s.json", &[]).unwrap();
    let (outcome, _) = observe(&wire);
    assert_ne!(outcome.verdict(), Verdict::Violated);
    assert!(
        outcome
            .excuses
            .iter()
            .all(|excuse| excuse.fault == "network.wire")
    );
    assert!(!outcome.excuses.is_empty());
    let dark = r#"{"id":"dark","fault":"crash","node":"servers","unsynced":"lost","at_ms":5000,"for_ms":500}"#;
    let unforced = scenario(3, &[dark], "").to_string();
    let unforced = unforced.replace(r#""force_sync": true"#, r#""force_sync": false"#);
    let unforced = Scenario::parse(unforced.as_bytes(), "s.json", &[]).unwrap();
    let (outcome, _) = observe(&unforced);
    assert_eq!(outcome.verdict(), Verdict::Excused);
    assert!(
        outcome
            .excuses
            .iter()
            .all(|excuse| excuse.fault == "disk.force_sync")
    );
}
