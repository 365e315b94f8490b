//! Sessions on small runs: every view is compared with a run of its own.

use super::*;
use crate::cast::Witness;
use crate::experiment::run::Run;
use crate::history::fact::Fact;
use crate::sim::sink::Stamp;

fn scenario(plan: &str) -> Scenario {
    let text = format!(
        r#"{{ "format": 1, "name": "x", "ensemble": {{ "voters": 3 }},
            "workload": [{{ "kind": "versioned-register", "clients": 2 }}], "plan": [{plan}],
            "limits": {{ "virtual_ms": 1500 }} }}"#
    );
    Scenario::parse(text.as_bytes(), "x.json", &[]).unwrap()
}

fn session(plan: &str) -> Session {
    Session::new(scenario(plan), Vec::new())
}

fn told(session: &mut Session, line: &str) -> String {
    match session.obey(line) {
        Answer::Text(text) => text,
        other @ (Answer::Refused(_) | Answer::Quit) => panic!("{line}: {other:?}"),
    }
}

fn refused(session: &mut Session, line: &str) -> String {
    match session.obey(line) {
        Answer::Refused(why) => why,
        other @ (Answer::Text(_) | Answer::Quit) => panic!("{line}: {other:?}"),
    }
}

/// Keeps a chronicle while a run is played.
#[derive(Default)]
struct Fresh(Chronicle);

impl Witness for Fresh {
    fn witness(&mut self, at: Stamp, fact: &Fact) {
        self.0.witness(at, fact);
    }
}

#[test]
fn stepping_back_shows_what_a_fresh_run_shows_at_that_point() {
    let crash = r#"{ "id": "f", "fault": "crash", "node": 3, "at_ms": 700, "for_ms": 300 }"#;
    let mut session = session(crash);
    told(&mut session, "go end");
    let last = session.at;
    assert!(last > 500);
    let mut seen = 0;
    while session.at > 0 {
        let event = session.at;
        // What comes after the scenario's time, with everything healed, only a whole run shows.
        let is_within = session.tape().time_of(event).as_ms() < 1_500;
        if is_within {
            // A run of its own, played to just this event.
            let mut shorter = session.scenario.clone();
            shorter.limits.events = event;
            let mut fresh = Fresh::default();
            Run::start(&shorter).advance(
                crate::base::time::Time::from_ms(1_000_000),
                &mut fresh,
                &mut (),
            );
            for server in session.servers() {
                let is = standing(&session.tape().chronicle_at(event), server);
                assert_eq!(is, standing(&fresh.0, server), "event {event}");
            }
            seen += 1;
        }
        told(&mut session, if is_within { "back 3" } else { "back 50" });
    }
    assert!(seen > 200, "{seen}");
}

#[test]
fn a_step_forward_and_one_back_lead_to_where_one_was() {
    let mut session = session("");
    for _ in 0..200 {
        let (at, state) = (session.at, told(&mut session, "state"));
        told(&mut session, "step");
        assert!(session.at > at);
        told(&mut session, "back");
        assert_eq!((session.at, told(&mut session, "state")), (at, state));
        told(&mut session, "step");
    }
}

#[test]
fn a_crash_added_by_hand_changes_what_follows_and_nothing_before() {
    let mut session = session("");
    told(&mut session, "next commit");
    let at = session.at;
    let text = told(&mut session, "crash 3");
    assert!(
        text.contains(&format!("the same up to event {at}\n")),
        "{text}"
    );
    let changed = session.changed.as_ref().unwrap();
    let until = |tape: &Tape| {
        tape.lines()
            .iter()
            .take_while(|line| line.event <= at)
            .count()
    };
    assert_eq!(until(&session.original), until(&changed.tape));
    for (one, two) in session.original.lines().iter().zip(changed.tape.lines()) {
        if one.event <= at {
            assert_eq!((one.time, &one.words), (two.time, &two.words));
        }
    }
    let crashed = told(&mut session, "next crash");
    assert!(crashed.contains("server 3"), "{crashed}");
    assert!(told(&mut session, "state 3").contains("down"));
    told(&mut session, "original");
    assert_eq!(session.at, at);
    assert!(refused(&mut session, "next crash").contains("no crash"));
}

#[test]
fn a_fault_added_before_another_takes_the_later_one_away() {
    let mut session = session("");
    told(&mut session, "next commit");
    told(&mut session, "step 20");
    told(&mut session, "pause 1");
    told(&mut session, "back 10");
    told(&mut session, "cut 2");
    assert_eq!(session.changed.as_ref().unwrap().added.len(), 1);
    told(&mut session, "step 5");
    told(&mut session, "power 1");
    assert_eq!(session.changed.as_ref().unwrap().added.len(), 2);
}

#[test]
fn why_a_commit_is_told_by_its_causes_and_the_proposal_in_its_past() {
    let mut session = session("");
    told(&mut session, "next commit");
    let text = told(&mut session, "why");
    assert!(text.contains("directly before it:\n"), "{text}");
    assert!(text.contains(" proposes "), "{text}");
    assert!(text.contains(" acknowledges "), "{text}");
}

#[test]
fn what_cannot_be_done_is_said_in_one_line_and_changes_nothing() {
    let mut session = session("");
    told(&mut session, "step 7");
    let at = session.at;
    for (line, part) in [
        ("jump", "there is no command \"jump\"; help lists them"),
        ("step 0", "1 or more"),
        ("step -1", "1 or more"),
        ("step two", "\"two\" is none"),
        ("step 1 2", "one word at most"),
        ("next", "next what? one of message, vote"),
        ("next thing", "not known"),
        ("go", "go where?"),
        ("go 1x", "no event's number"),
        ("why 99999999", "events 1 to"),
        ("crash", "crash which server?"),
        ("crash 9", "there are 1 to 3"),
        ("crash two", "no server's number"),
        ("state 0", "there are 1 to 3"),
        ("difference", "nothing has been changed"),
        ("original", "you are in the original run"),
        ("quit now", "stands alone"),
        ("previous violation", "there is no violation before"),
    ] {
        let why = refused(&mut session, line);
        assert!(why.contains(part) && !why.contains('\n'), "{line}: {why}");
        assert_eq!(session.at, at);
    }
    assert_eq!(session.obey("quit"), Answer::Quit);
    told(&mut session, "go end");
    assert!(refused(&mut session, "step").contains("the last one"));
    assert!(refused(&mut session, "crash 1").contains("go back first"));
}
