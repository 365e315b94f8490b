//! Rough links: delays, resets, refusals, stalls, corruption, narrow links, datagrams.

use zablab::base::id::NodeId;
use zablab::check::verdict::Verdict;
use zablab::experiment::scenario::Scenario;
use zablab::sim::process::{Ending, Refusal};

use super::super::observed::{Heard, Observed, observe};

use super::{scenario, survive};

#[test]
fn delays_add_up_on_the_way_to_the_target() {
    let observed =
        survive(r#"{"id":"f","fault":"delay","node":2,"extra_ms":40,"at_ms":3000,"for_ms":2000}"#);
    assert!(observed.travel_ms(2, 2_000, 2_990).1 < 5);
    assert!(observed.travel_ms(2, 3_000, 4_900).0 >= 40);
}

#[test]
fn a_reset_is_seen_by_both_ends_or_by_one() {
    let resets = |seen: &str| {
        let observed = survive(&format!(
            r#"{{"id":"f","fault":"reset","node":2,"class":"quorum","seen":"{seen}","at_ms":3000}}"#
        ));
        let is_reset = |heard: &&&Heard| ***heard == Heard::Ended(Ending::Reset);
        let at = |node| {
            observed
                .heard_by(node, 3_000, 3_001)
                .iter()
                .filter(is_reset)
                .count()
        };
        (at(2), at(3))
    };
    assert_eq!(resets("both"), (1, 1));
    let (follower, leader) = resets("one");
    assert_eq!(follower + leader, 1);
}

fn rough(class: &str, fields: &str, at_ms: u64) -> Observed {
    survive(&format!(
        r#"{{"id":"f","fault":"rough","node":2,"class":"{class}",{fields},"at_ms":{at_ms},"for_ms":2000}}"#
    ))
}

#[test]
fn connects_are_refused_or_hang() {
    for (field, why) in [
        ("refuse", Refusal::NobodyListens),
        ("hang", Refusal::TimedOut),
    ] {
        let fault = format!(
            r#"{{"id":"f","fault":"rough","node":"c1","class":"client","{field}":"1/1","at_ms":0,"for_ms":3000}}"#
        );
        let scenario = scenario(3, &[&fault], "");
        let (outcome, observed) = observe(&scenario);
        assert_eq!(outcome.verdict(), Verdict::Holds);
        let heard = observed.heard_by(4, 0, 3_900);
        let is_told = |heard: &&&Heard| ***heard == Heard::Refused(why) || field == "hang";
        assert!(heard.iter().any(|heard| is_told(&heard)), "{field}");
        assert_eq!(
            observed.got(4, None, 10, 3_000),
            0,
            "{field}: no server answers"
        );
        assert!(observed.got(4, None, 3_000, 9_000) > 10);
    }
}

#[test]
fn broken_and_corrupt_frames_end_connections_as_said() {
    let observed = rough("quorum", r#""reset":"1/20","reset_both":"1/1""#, 3_000);
    let is_reset = |heard: &&&Heard| ***heard == Heard::Ended(Ending::Reset);
    assert!(
        observed
            .heard_by(2, 3_000, 5_100)
            .iter()
            .filter(is_reset)
            .count()
            > 0
    );
    let observed = rough("quorum", r#""corrupt":"1/20""#, 3_000);
    let garbled = Heard::Ended(Ending::Garbled);
    let told = [2, 3].map(|node| observed.heard_by(node, 3_000, 5_100).contains(&&garbled));
    assert!(told.contains(&true), "the receiver cannot decode");
    let observed =
        survive(r#"{"id":"f","fault":"flaky","node":2,"reset":"1/20","at_ms":3000,"for_ms":2000}"#);
    assert!(
        observed
            .heard_by(2, 3_000, 5_100)
            .iter()
            .filter(is_reset)
            .count()
            > 0
    );
}

#[test]
fn lost_segments_are_late_by_retransmissions() {
    let observed = rough("quorum", r#""stall":"1/10""#, 3_000);
    let (_, most) = observed.travel_ms(2, 3_000, 5_000);
    assert!((200..=800).contains(&most), "{most} ms");
}

#[test]
fn a_frame_in_two_parts_is_late_and_dies_with_its_sender_in_between() {
    let observed = rough("quorum", r#""short_write":"1/1""#, 3_000);
    let (_, most) = observed.travel_ms(2, 3_000, 5_000);
    assert!((2..=40).contains(&most), "{most} ms");
    let faults = [
        r#"{"id":"s","fault":"rough","node":2,"class":"quorum","short_write":"1/1","at_ms":1000,"for_ms":9000}"#,
        r#"{"id":"k","fault":"crash","node":2,"when":{"fact":"acked","node":2,"nth":100},"for_ms":900}"#,
    ];
    let (outcome, observed) = observe(&scenario(3, &faults, ""));
    assert_eq!(outcome.verdict(), Verdict::Holds);
    let is_short = |((conn, to), sent): (&(_, NodeId), &Vec<String>)| {
        let got = observed.got.get(&(*conn, *to)).map_or(0, Vec::len);
        *to == NodeId(3) && got < sent.len()
    };
    assert!(
        observed.sent.iter().any(is_short),
        "the ack's second half never left"
    );
}

#[test]
fn a_narrow_link_queues_and_holds_its_sender_back() {
    let observed = rough("quorum", r#""bandwidth":1500,"queue_bytes":400"#, 3_000);
    let (_, most) = observed.travel_ms(2, 3_000, 5_000);
    assert!(most >= 200, "{most} ms");
}

#[test]
fn datagrams_are_lost_doubled_and_out_of_order() {
    for (field, what) in [
        (r#""loss":"1/10""#, "a datagram was lost"),
        (r#""duplicate":"1/10""#, "a datagram arrives twice"),
        (r#""reorder":"1/5""#, "a datagram overtakes another"),
    ] {
        let fault = format!(
            r#"{{"id":"f","fault":"rough","node":2,"class":"quorum",{field},"at_ms":3000,"for_ms":2000}}"#
        );
        // Delays that differ, so that there is something to overtake.
        let text = scenario(3, &[&fault], "").to_string();
        let text = text.replace(
            r#""quorum": null"#,
            r#""quorum": { "delay_us": [100, 60000] }"#,
        );
        let scenario = Scenario::parse(text.as_bytes(), "s.json", &[]).unwrap();
        let (outcome, observed) = observe(&scenario);
        assert_ne!(outcome.verdict(), Verdict::Violated, "{field}");
        assert!(
            outcome
                .excuses
                .iter()
                .any(|excuse| excuse.fault == "f" && excuse.what == what),
            "{field}"
        );
        let differ = observed.sent.iter().any(|(key, sent)| {
            let got = observed.got.get(key).cloned().unwrap_or_default();
            !sent.starts_with(&got)
        });
        assert!(
            differ,
            "{field}: some receiver did not get a prefix of what was sent"
        );
    }
}

#[test]
fn on_streams_every_receiver_gets_a_prefix_of_what_was_sent() {
    for fields in [
        r#""stall":"1/10""#,
        r#""corrupt":"1/50""#,
        r#""reset":"1/50""#,
        r#""short_write":"1/2""#,
        r#""bandwidth":4000"#,
    ] {
        let observed = rough("quorum", fields, 3_000);
        for (key, sent) in &observed.sent {
            let got = observed.got.get(key).cloned().unwrap_or_default();
            assert!(sent.starts_with(&got), "{fields}");
        }
    }
}
