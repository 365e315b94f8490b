//! Hand-made runs of a leader, writes and faults: when liveness is owed, kept and broken.

use std::sync::Arc;

use super::*;
use crate::base::id::{ClientId, EventId, SessionId};
use crate::base::lineage::Lineage;
use crate::base::zxid::Epoch;
use crate::check::news::Desk;
use crate::check::verdict::Verdict;
use crate::history::fact::Loss;
use crate::history::op::{Request, Response};

const LEADER: ServerId = ServerId(1);

fn at(ms: u64) -> At {
    At {
        event: EventId(ms),
        time: Time::from_ms(ms),
    }
}

fn lead() -> Fact {
    Fact::ServeStart {
        server: LEADER,
        role: Role::Leader,
        epoch: Epoch(1),
        lineage: Lineage::EMPTY,
        tree: 0,
    }
}

fn end() -> Fact {
    Fact::RoleEnd {
        server: LEADER,
        role: Role::Leader,
        why: "not enough followers".into(),
    }
}

fn write(op: u64) -> Fact {
    Fact::Invoked {
        client: ClientId(1),
        op,
        session: SessionId(1),
        request: Arc::new(Request::SetData {
            path: "/a".into(),
            data: None,
            version: -1,
        }),
    }
}

fn answer(op: u64, result: Result<Response, ErrorCode>) -> Fact {
    Fact::Returned {
        client: ClientId(1),
        op,
        session: SessionId(1),
        conn: 1,
        zxid: None,
        result,
    }
}

fn ok(op: u64) -> Fact {
    answer(op, Ok(Response::Empty))
}

fn lost(op: u64) -> Fact {
    Fact::Lost {
        client: ClientId(1),
        op,
        session: SessionId(1),
        loss: Loss::ConnectionLoss,
        sent: true,
    }
}

fn voters() -> ServerSet {
    (1..=3).map(ServerId).collect()
}

#[test]
fn an_ensemble_that_cannot_have_a_quorum_is_excused() {
    let refused = |server| Fact::BootRefused {
        server: ServerId(server),
        why: "bad checksum".into(),
    };
    let facts = [(900, refused(1)), (950, refused(2)), (1_100, write(1))];
    let findings = judge(&facts, 1_600);
    assert_eq!(findings.verdict(Property::Liveness), Verdict::Excused);
    assert!(
        findings
            .why(Property::Liveness)
            .is_some_and(|why| why.contains("1 of 3 voters"))
    );
    let one = [facts[0].clone(), facts[2].clone()];
    assert_eq!(signature(&judge(&one, 1_600)), Some("no-leader"));
}

/// Plays facts at their milliseconds, free of faults from 1000 on, with a bound of 500 ms.
fn judge(facts: &[(u64, Fact)], end_ms: u64) -> Findings {
    let mut monitor = LivenessMonitor::new(Span::from_ms(500), voters());
    monitor.fault_free_from(Time::from_ms(1_000));
    let (mut desk, mut findings) = (Desk::default(), Findings::default());
    for (ms, fact) in facts {
        let note = desk.note(at(*ms), fact);
        monitor.observe(&note.news(at(*ms), fact), &mut findings);
    }
    monitor.finish(&desk.end(at(end_ms)), &mut findings);
    findings
}

fn signature(findings: &Findings) -> Option<&'static str> {
    findings.violations().first().map(|found| found.signature)
}

#[test]
fn a_leader_that_still_serves_and_an_acknowledged_write_satisfy_it() {
    let findings = judge(&[(10, lead()), (1_100, write(1)), (1_200, ok(1))], 2_000);
    assert_eq!(findings.verdict(Property::Liveness), Verdict::Holds);
}

#[test]
fn a_failed_conditional_write_is_an_acknowledgement() {
    let facts = [
        (1_050, lead()),
        (1_100, write(1)),
        (1_200, answer(1, Err(ErrorCode::BadVersion))),
    ];
    let findings = judge(&facts, 2_000);
    assert_eq!(findings.verdict(Property::Liveness), Verdict::Holds);
}

#[test]
fn without_a_leader_within_the_bound_it_is_violated() {
    let crash = Fact::ServerCrashed {
        server: LEADER,
        power: false,
        code: None,
    };
    let facts = [
        (10, lead()),
        (900, crash),
        (1_100, write(1)),
        (1_600, lead()),
        (1_700, ok(1)),
    ];
    let findings = judge(&facts, 2_000);
    assert_eq!(signature(&findings), Some("no-leader"));
}

#[test]
fn a_write_from_before_the_fault_free_moment_does_not_count() {
    let facts = [
        (10, lead()),
        (900, write(1)),
        (1_100, write(2)),
        (1_200, ok(1)),
        (1_300, lost(2)),
    ];
    let findings = judge(&facts, 2_000);
    assert_eq!(signature(&findings), Some("no-write-acknowledged"));
}

#[test]
fn a_write_that_was_lost_before_there_was_a_leader_asks_for_the_leader_only() {
    let mut facts = vec![(1_100, write(1)), (1_200, lost(1)), (1_300, lead())];
    let findings = judge(&facts, 2_000);
    assert_eq!(findings.verdict(Property::Liveness), Verdict::Holds);
    let led_before = [(10, lead()), (1_010, end())].into_iter();
    let again: Vec<_> = led_before.chain(facts.clone()).collect();
    let findings = judge(&again, 2_000);
    assert_eq!(findings.verdict(Property::Liveness), Verdict::Holds);
    facts.extend([(1_350, write(2)), (1_400, lost(2))]);
    let findings = judge(&facts, 2_000);
    assert_eq!(signature(&findings), Some("no-write-acknowledged"));
    let leaderless = judge(&facts[..2], 2_000);
    assert_eq!(signature(&leaderless), Some("no-leader"));
}

#[test]
fn a_write_that_still_waits_for_the_leader_that_came_is_due() {
    let facts = [(1_100, write(1)), (1_300, lead())];
    let findings = judge(&facts, 2_000);
    assert_eq!(signature(&findings), Some("no-write-acknowledged"));
    let crash = Fact::ClientCrashed {
        client: ClientId(1),
    };
    let facts = [(1_100, write(1)), (1_200, crash), (1_300, lead())];
    let findings = judge(&facts, 2_000);
    assert_eq!(findings.verdict(Property::Liveness), Verdict::Holds);
}

#[test]
fn writes_that_are_lost_after_the_last_leader_went_are_missed() {
    let facts = [
        (1_010, lead()),
        (1_050, end()),
        (1_100, write(1)),
        (1_200, lost(1)),
    ];
    let findings = judge(&facts, 2_000);
    assert_eq!(signature(&findings), Some("no-write-acknowledged"));
}

#[test]
fn a_refused_write_is_no_acknowledgement() {
    let facts = [
        (10, lead()),
        (1_100, write(1)),
        (1_200, answer(1, Err(ErrorCode::SessionExpired))),
    ];
    let findings = judge(&facts, 1_500);
    assert_eq!(signature(&findings), Some("no-write-acknowledged"));
}

#[test]
fn a_run_that_stops_before_the_bound_is_undecided() {
    let findings = judge(&[(10, lead()), (1_100, write(1))], 1_400);
    assert_eq!(findings.verdict(Property::Liveness), Verdict::Undecided);
}

#[test]
fn without_a_client_that_writes_it_is_vacuous() {
    let findings = judge(&[(10, lead())], 2_000);
    assert_eq!(findings.verdict(Property::Liveness), Verdict::Vacuous);
}

#[test]
fn the_caller_may_say_afterwards_that_the_run_was_free_of_faults() {
    let fault = Fact::FaultEnded { index: 0 };
    let facts = [
        (10, lead()),
        (20, write(1)),
        (30, ok(1)),
        (1_000, fault),
        (1_100, write(2)),
        (1_200, ok(2)),
    ];
    for (count, expected) in [(6, Verdict::Holds), (5, Verdict::Violated)] {
        let mut monitor = LivenessMonitor::new(Span::from_ms(500), voters());
        let (mut desk, mut findings) = (Desk::default(), Findings::default());
        for (ms, fact) in &facts[..count] {
            let note = desk.note(at(*ms), fact);
            monitor.observe(&note.news(at(*ms), fact), &mut findings);
        }
        assert!(!monitor.is_settled());
        monitor.fault_free_from(Time::from_ms(1_000));
        monitor.finish(&desk.end(at(2_000)), &mut findings);
        assert_eq!(findings.verdict(Property::Liveness), expected);
    }
}

#[test]
fn a_fault_that_acts_later_starts_the_clock_anew() {
    let fault = Fact::FaultBegan {
        index: 0,
        effective: true,
        targets: Vec::new(),
        why: None,
    };
    let facts = [
        (10, lead()),
        (1_300, fault),
        (1_700, write(1)),
        (1_750, ok(1)),
    ];
    let findings = judge(&facts, 2_000);
    assert_eq!(findings.verdict(Property::Liveness), Verdict::Holds);
    let stopped = judge(&facts[..3], 1_790);
    assert_eq!(stopped.verdict(Property::Liveness), Verdict::Undecided);
}
