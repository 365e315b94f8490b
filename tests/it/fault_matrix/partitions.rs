//! Partitions of every shape and form.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a question looks for one kind of fact among all"
)]

use zablab::base::time::Time;
use zablab::check::verdict::Verdict;
use zablab::history::fact::Fact;
use zablab::sim::process::{Ending, Refusal};

use super::super::observed::{Heard, observe};

use super::{assert_took_hold, components, scenario, survive};

#[test]
fn partitions_of_each_form_stop_messages_and_differ_in_what_becomes_of_connections() {
    let with = |form: &str| {
        survive(&format!(
            r#"{{"id":"f","fault":"partition","groups":[[2],[1,3]],"form":"{form}","at_ms":3000,"for_ms":300}}"#
        ))
    };
    for form in ["silent", "reset", "jam"] {
        let observed = with(form);
        assert_eq!(observed.got_from_servers(2, 3, 3_001, 3_300), 0, "{form}");
        let resets = observed
            .heard_by(2, 3_000, 3_001)
            .iter()
            .filter(|heard| ***heard == Heard::Ended(Ending::Reset))
            .count();
        assert_eq!(resets > 0, form == "reset", "{form}");
    }
    let jammed = with("jam");
    assert!(
        jammed.got_from_servers(2, 3, 3_300, 3_701) > 5,
        "what queued arrives"
    );
    assert!(
        !jammed
            .heard_by(2, 3_000, 4_500)
            .iter()
            .any(|heard| matches!(heard, Heard::Ended(_)))
    );
    let walled = with("reset");
    let refused = Heard::Refused(Refusal::NobodyListens);
    assert!(walled.heard_by(2, 3_000, 3_300).contains(&&refused));
}

#[test]
fn one_way_partitions_stop_one_way_and_classes_one_class() {
    let observed = survive(
        r#"{"id":"f","fault":"partition","groups":[[2],[1,3]],"direction":"in","at_ms":3000,"for_ms":400}"#,
    );
    assert_eq!(observed.got_from_servers(2, 3, 3_001, 3_400), 0);
    assert!(!observed.pairs(3, 3_001, 3_400).is_empty());
    let observed = survive(
        r#"{"id":"f","fault":"partition","groups":[[2],[1,3]],"class":"election","at_ms":3000,"for_ms":2000}"#,
    );
    assert!(observed.got(2, Some("proposal"), 3_001, 5_000) > 5);
    assert_eq!(observed.got(2, Some("vote"), 3_001, 5_000), 0);
}

#[test]
fn splits_have_their_shapes() {
    let pairs_of = |shape: &str| {
        let fault = format!(r#"{{"id":"f","fault":"split",{shape},"at_ms":3000,"for_ms":6000}}"#);
        let (outcome, observed) = observe(&scenario(5, &[&fault], ""));
        assert_took_hold(&outcome, shape);
        assert_eq!(
            outcome.verdict(),
            Verdict::Holds,
            "{shape}: {:?}",
            outcome.violations
        );
        observed.pairs(5, 3_050, 9_000)
    };
    assert_eq!(components(&pairs_of(r#""shape":"halves""#), 5, None), 2);
    assert_eq!(components(&pairs_of(r#""shape":"minority""#), 5, None), 2);
    assert_eq!(
        components(&pairs_of(r#""shape":"groups","k":3"#), 5, None),
        3
    );
    let bridge = pairs_of(r#""shape":"bridge""#);
    assert_eq!(components(&bridge, 5, None), 1);
    assert!(
        (1..=5).any(|node| components(&bridge, 5, Some(node)) == 2),
        "{bridge:?}"
    );
    let ring = pairs_of(r#""shape":"ring""#);
    for node in 1..=5 {
        let seen = ring
            .iter()
            .filter(|(one, two)| *one == node || *two == node);
        assert!(seen.count() <= 2, "{ring:?}");
    }
}

#[test]
fn a_flapping_split_comes_and_goes() {
    let observed = survive(
        r#"{"id":"f","fault":"partition","groups":[[2],[1,3]],"at_ms":3000,"for_ms":1500,"flap_ms":300,"form":"jam"}"#,
    );
    let windows = [
        (3_001, 3_300),
        (3_310, 3_600),
        (3_601, 3_900),
        (3_910, 4_200),
    ];
    let got: Vec<bool> = windows
        .iter()
        .map(|(from, to)| observed.got_from_servers(2, 3, *from, *to) > 0)
        .collect();
    assert_eq!(got, [false, true, false, true]);
}

#[test]
fn isolation_cuts_from_everybody() {
    let observed = survive(r#"{"id":"f","fault":"isolate","node":2,"at_ms":3000,"for_ms":400}"#);
    assert_eq!(observed.got(2, None, 3_001, 3_400), 0);
}

#[test]
fn a_client_that_is_cut_from_its_server_moves() {
    let observed = survive(
        r#"{"id":"f","fault":"cut","node":"c1","from":"server-of:c1","at_ms":3000,"for_ms":5000}"#,
    );
    let connected = |from, to| {
        let mut servers = observed
            .facts
            .iter()
            .filter_map(|(time, _, fact)| match fact {
                Fact::Connected { client, server, .. }
                    if client.0 == 1 && (Time::from_ms(from)..Time::from_ms(to)).contains(time) =>
                {
                    Some(*server)
                }
                _ => None,
            });
        servers.next_back()
    };
    let (before, during) = (
        connected(0, 3_000).unwrap(),
        connected(3_000, 8_000).unwrap(),
    );
    assert_ne!(before, during);
}

#[test]
fn a_clog_holds_everything_back_and_lets_everything_through() {
    let observed =
        survive(r#"{"id":"f","fault":"clog","node":2,"direction":"in","at_ms":3000,"for_ms":300}"#);
    assert_eq!(observed.got(2, None, 3_001, 3_300), 0);
    assert!(observed.got(2, None, 3_300, 3_705) > 5);
    assert!(
        !observed
            .heard_by(2, 3_000, 4_500)
            .iter()
            .any(|heard| matches!(heard, Heard::Ended(_)))
    );
}

#[test]
fn a_swizzle_clogs_half_of_the_servers_one_by_one() {
    let observed = survive(r#"{"id":"f","fault":"swizzle","at_ms":3000,"for_ms":2000}"#);
    let silent: Vec<u64> = (1..=3)
        .map(|server| observed.silence_ms(server, 3_000, 4_900))
        .collect();
    assert!(
        silent.iter().filter(|ms| **ms >= 300).count() >= 2,
        "{silent:?}"
    );
}

#[test]
fn a_kind_of_messages_that_chokes_takes_its_stream_with_it() {
    let observed = survive(
        r#"{"id":"f","fault":"mute","node":3,"direction":"out","kinds":["proposal"],"at_ms":3000,"for_ms":600}"#,
    );
    assert!(observed.got(1, Some("proposal"), 2_000, 3_000) > 5);
    assert_eq!(observed.got(1, Some("proposal"), 3_001, 3_600), 0);
    let late = observed.got(1, Some("proposal"), 3_600, 4_100);
    assert!(late > 0, "what choked arrives afterwards");
}
