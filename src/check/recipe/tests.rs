//! Histories of recipes other than lines: per property one that breaks it and one that does not.

use super::RecipeMonitor;
use crate::base::id::{ClientId, SessionId};
use crate::base::time::{Span, Time};
use crate::base::zxid::Zxid;
use crate::check::script::{Script, delete, exists, get, path, session, z};
use crate::check::verdict::{Findings, Property, Verdict};
use crate::history::fact::{Change, Fact};
use crate::history::op::{ErrorCode, EventKind, Path, Response};
use crate::history::recipe::Step;

fn say(script: &mut Script, client: u16, step: Step) {
    let client = ClientId(client);
    script.fact(Fact::Recipe { client, step });
}

fn born(script: &mut Script, zxid: Zxid, name: &str, owner: Option<SessionId>) {
    let (path, data) = (path(name), 0);
    let change = Change::Create { path, owner, data };
    script.commit(zxid, SessionId::NONE, vec![change]);
}

fn written(script: &mut Script, zxid: Zxid, name: &str, version: i32) {
    let change = Change::SetData {
        path: path(name),
        version,
        data: 0,
    };
    script.commit(zxid, SessionId::NONE, vec![change]);
}

fn gone(script: &mut Script, zxid: Zxid, name: &str) {
    let path = path(name);
    script.commit(zxid, SessionId::NONE, vec![Change::Delete { path }]);
}

/// A client sees everything up to a zxid.
fn sees(script: &mut Script, client: u16, zxid: Zxid) {
    let call = script.invoke(client, exists("/x", false));
    script.fail(call, zxid, ErrorCode::NoNode);
}

/// Judged as if nothing had disturbed the run and 100 ms were enough for everything.
fn judge(script: &Script) -> Findings {
    let mut monitor = RecipeMonitor::new();
    monitor.calm_from(Time::ZERO, Span::from_ms(100));
    script.judge(&mut monitor)
}

#[track_caller]
fn assert_verdict(script: &Script, property: Property, signature: Option<&str>) {
    let findings = judge(script);
    let expected = if signature.is_some() {
        Verdict::Violated
    } else {
        Verdict::Holds
    };
    assert_eq!(findings.verdict(property), expected, "{findings:#?}");
    let mut found = findings.violations().iter();
    let found = found.find(|violation| violation.property == property);
    assert_eq!(found.map(|violation| violation.signature), signature);
}

fn counting(script: &mut Script, client: u16) {
    let counter = path("/counter");
    say(script, client, Step::Counting { counter });
}

fn counted(script: &mut Script, client: u16, value: u64) {
    let counter = path("/counter");
    say(script, client, Step::Counted { counter, value });
}

/// `/counter` is written so often; clients 1 and 2 begin to add.
fn counter(writes: u32) -> Script {
    let mut script = Script::new();
    born(&mut script, z(1), "/counter", None);
    counting(&mut script, 1);
    counting(&mut script, 2);
    for write in 1..=writes {
        let version = i32::try_from(write).unwrap();
        written(&mut script, z(1 + write), "/counter", version);
    }
    script
}

#[test]
fn a_counter_holds_what_is_known_and_at_most_what_may_have_been() {
    let mut script = counter(2);
    counted(&mut script, 1, 1);
    assert_verdict(&script, Property::CounterExact, None);
    counted(&mut script, 2, 2);
    assert_verdict(&script, Property::CounterExact, None);
    let mut script = counter(3);
    counted(&mut script, 1, 1);
    counted(&mut script, 2, 3);
    assert_verdict(&script, Property::CounterExact, Some("counted-too-much"));
    let mut script = counter(1);
    counted(&mut script, 1, 1);
    counted(&mut script, 2, 2);
    assert_verdict(&script, Property::CounterExact, Some("counted-too-little"));
    let mut script = counter(2);
    counted(&mut script, 1, 1);
    counted(&mut script, 2, 1);
    assert_verdict(&script, Property::CounterExact, Some("same-value-twice"));
    let mut script = counter(2);
    counted(&mut script, 1, 1);
    counted(&mut script, 2, 7);
    assert_verdict(&script, Property::CounterExact, Some("value-never-reached"));
}

#[test]
fn an_addition_whose_client_died_may_count() {
    let mut script = counter(2);
    counted(&mut script, 1, 1);
    let client = ClientId(2);
    script.fact(Fact::ClientCrashed { client });
    assert_verdict(&script, Property::CounterExact, None);
}

fn begin(script: &mut Script, client: u16, view: Zxid) {
    sees(script, client, view);
    let queue = path("/q");
    say(script, client, Step::TakeBegan { queue });
}

fn took(script: &mut Script, client: u16, node: &str, item: Option<&str>) {
    let step = Step::Took {
        queue: path("/q"),
        node: path(node),
        item: item.map(Path::from),
    };
    say(script, client, step);
}

const FIRST: &str = "/q/queue-0000000001";
const SECOND: &str = "/q/queue-0000000002";

/// Two elements are put; client 1 begins to take.
fn two_elements() -> Script {
    let mut script = Script::new();
    born(&mut script, z(1), FIRST, None);
    born(&mut script, z(2), SECOND, None);
    begin(&mut script, 1, z(2));
    script
}

#[test]
fn an_element_is_worked_on_once() {
    let mut script = two_elements();
    gone(&mut script, z(3), FIRST);
    took(&mut script, 1, FIRST, Some("a"));
    gone(&mut script, z(4), SECOND);
    took(&mut script, 2, SECOND, Some("b"));
    for property in [
        Property::QueueOnce,
        Property::QueueLossless,
        Property::QueueOrder,
    ] {
        assert_verdict(&script, property, None);
    }
    let mut again = two_elements();
    gone(&mut again, z(3), FIRST);
    took(&mut again, 1, FIRST, Some("a"));
    took(&mut again, 2, FIRST, Some("a"));
    assert_verdict(&again, Property::QueueOnce, Some("taken-twice"));
    // The same element under two numbers.
    took(&mut script, 3, "/q/queue-0000000009", Some("a"));
    assert_verdict(&script, Property::QueueOnce, Some("taken-twice"));
}

#[test]
fn what_was_removed_is_worked_on_unless_nobody_can_know() {
    let mut script = two_elements();
    gone(&mut script, z(3), FIRST);
    took(&mut script, 1, FIRST, None);
    assert_verdict(&script, Property::QueueLossless, Some("data-gone"));
    let removed = |open: bool, unsure: bool| {
        let mut script = two_elements();
        let call = script.invoke(2, delete(SECOND, -1));
        gone(&mut script, z(3), FIRST);
        took(&mut script, 1, FIRST, Some("a"));
        gone(&mut script, z(4), SECOND);
        if !open {
            script.ok(call, z(4), Response::Empty);
        }
        if unsure {
            let (queue, node) = (path("/q"), path(SECOND));
            say(&mut script, 2, Step::TakeUnsure { queue, node });
        }
        script
    };
    let lost = removed(false, false);
    assert_verdict(&lost, Property::QueueLossless, Some("lost"));
    assert_verdict(&removed(true, false), Property::QueueLossless, None);
    assert_verdict(&removed(false, true), Property::QueueLossless, None);
}

#[test]
fn a_smaller_element_that_was_to_be_seen_is_not_passed_over() {
    let mut script = two_elements();
    gone(&mut script, z(3), SECOND);
    took(&mut script, 1, SECOND, Some("b"));
    assert_verdict(&script, Property::QueueOrder, Some("passed-over"));
    // Who could not see it yet may, and who found it gone as well.
    let mut script = two_elements();
    begin(&mut script, 3, Zxid::ZERO);
    gone(&mut script, z(3), SECOND);
    took(&mut script, 3, SECOND, Some("b"));
    assert_verdict(&script, Property::QueueOrder, None);
    let mut script = two_elements();
    gone(&mut script, z(3), FIRST);
    gone(&mut script, z(4), SECOND);
    took(&mut script, 1, SECOND, Some("b"));
    assert_verdict(&script, Property::QueueOrder, None);
}

#[test]
fn ten_comes_after_nine() {
    let mut script = Script::new();
    born(&mut script, z(1), "/q/queue-10-0000000001", None);
    born(&mut script, z(2), "/q/queue-9-0000000002", None);
    begin(&mut script, 1, z(2));
    gone(&mut script, z(3), "/q/queue-10-0000000001");
    took(&mut script, 1, "/q/queue-10-0000000001", Some("a"));
    assert_verdict(&script, Property::QueueOrder, Some("passed-over"));
}

#[test]
fn who_has_seen_a_barrier_closed_does_not_pass() {
    let passed = |view: Zxid| {
        let mut script = Script::new();
        born(&mut script, z(1), "/barrier", None);
        gone(&mut script, z(2), "/barrier");
        sees(&mut script, 1, view);
        let barrier = path("/barrier");
        say(&mut script, 1, Step::Passed { barrier });
        script
    };
    assert_verdict(&passed(z(2)), Property::BarrierSafety, None);
    let early = Some("passed-closed-barrier");
    assert_verdict(&passed(z(1)), Property::BarrierSafety, early);
}

/// A member of a party of two does something in round 1.
fn member(script: &mut Script, client: u16, what: &str) {
    let (barrier, round, party) = (path("/double"), 1, 2);
    let step = match what {
        "calls" => Step::EnterCalled {
            barrier,
            round,
            party,
        },
        "enters" => Step::Entered { barrier, round },
        "is done" => Step::LeaveCalled { barrier, round },
        _ => Step::Left { barrier, round },
    };
    say(script, client, step);
}

fn party(steps: &[(u16, &str)]) -> Script {
    let mut script = Script::new();
    for client in [1, 2] {
        script.connect(client, client.into(), true);
    }
    for (client, what) in steps {
        member(&mut script, *client, what);
    }
    script
}

#[test]
fn a_party_enters_and_leaves_together() {
    let both = [
        (1, "calls"),
        (2, "calls"),
        (1, "enters"),
        (2, "enters"),
        (1, "is done"),
    ];
    let mut whole = both.to_vec();
    whole.extend([(2, "is done"), (1, "leaves"), (2, "leaves")]);
    assert_verdict(&party(&whole), Property::BarrierSafety, None);
    let early = party(&[(1, "calls"), (1, "enters")]);
    assert_verdict(&early, Property::BarrierSafety, Some("entered-too-early"));
    let mut script = party(&both);
    member(&mut script, 1, "leaves");
    assert_verdict(&script, Property::BarrierSafety, Some("left-before-others"));
    // The dead are not waited for.
    let mut script = party(&both);
    let close = Change::CloseSession {
        session: session(2),
    };
    script.commit(z(1), session(2), vec![close]);
    member(&mut script, 1, "leaves");
    assert_verdict(&script, Property::BarrierSafety, None);
}

fn configured(script: &mut Script, client: u16, mzxid: Zxid) {
    let config = path("/config");
    say(script, client, Step::Configured { config, mzxid });
}

#[test]
fn a_configuration_never_goes_back_and_ends_at_the_last() {
    let ends_at = |zxid: Zxid, wait: u64| {
        let mut script = Script::new();
        born(&mut script, z(1), "/config", None);
        configured(&mut script, 1, z(1));
        written(&mut script, z(2), "/config", 1);
        configured(&mut script, 1, zxid);
        script.wait(wait);
        sees(&mut script, 2, z(2));
        script
    };
    assert_verdict(&ends_at(z(2), 200), Property::ConfigConverges, None);
    assert_verdict(&ends_at(z(2), 200), Property::ConfigMonotone, None);
    let behind = ends_at(z(1), 200);
    assert_verdict(&behind, Property::ConfigConverges, Some("stays-behind"));
    let early = judge(&ends_at(z(1), 0));
    let verdict = early.verdict(Property::ConfigConverges);
    assert_eq!(verdict, Verdict::Vacuous, "there is time yet");
    let mut back = ends_at(z(2), 0);
    configured(&mut back, 1, z(1));
    assert_verdict(&back, Property::ConfigMonotone, Some("went-back"));
}

#[test]
fn what_is_known_to_be_old_is_not_used() {
    let told = |reads: bool| {
        let mut script = Script::new();
        born(&mut script, z(1), "/config", None);
        configured(&mut script, 1, z(1));
        script.event(1, EventKind::DataChanged, "/config", Some(z(2)));
        if reads {
            let call = script.invoke(1, get("/config", true));
            script.fail(call, z(2), ErrorCode::NoNode);
        }
        configured(&mut script, 1, z(1));
        script
    };
    assert_verdict(&told(true), Property::ConfigMonotone, None);
    let old = Some("told-and-not-read");
    assert_verdict(&told(false), Property::ConfigMonotone, old);
    let cut = |comes_back: bool| {
        let mut script = Script::new();
        born(&mut script, z(1), "/config", None);
        configured(&mut script, 1, z(1));
        script.disconnect(1);
        if comes_back {
            script.connect(1, 2, false);
        }
        configured(&mut script, 1, z(1));
        script
    };
    assert_verdict(&cut(true), Property::ConfigMonotone, None);
    let alone = Some("used-while-cut-off");
    assert_verdict(&cut(false), Property::ConfigMonotone, alone);
}

#[test]
fn views_of_a_group_end_at_its_living_members() {
    let views = |seen: &[&str], dies: bool| {
        let mut script = Script::new();
        for client in [1, 2] {
            let (group, name) = (path("/m"), path(&format!("c{client}")));
            say(&mut script, client, Step::Member { group, name });
        }
        if dies {
            let client = ClientId(2);
            script.fact(Fact::ClientCrashed { client });
        }
        let step = Step::Viewed {
            group: path("/m"),
            members: seen.iter().map(|name| path(name)).collect(),
        };
        say(&mut script, 1, step);
        script.wait(200);
        sees(&mut script, 1, z(1));
        script
    };
    let converges = Property::MembershipConverges;
    assert_verdict(&views(&["c1", "c2"], false), converges, None);
    assert_verdict(&views(&["c1"], false), converges, Some("wrong-view"));
    assert_verdict(&views(&["c1"], true), converges, None);
    assert_verdict(&views(&["c1", "c2"], true), converges, Some("wrong-view"));
}

fn voted(script: &mut Script, client: u16, commit: bool) {
    let step = Step::Voted {
        transaction: path("/tx/t1"),
        commit,
        sites: 2,
    };
    say(script, client, step);
}

fn decided(script: &mut Script, client: u16, commit: bool) {
    let transaction = path("/tx/t1");
    let step = Step::Decided {
        transaction,
        commit,
        sites: 2,
    };
    say(script, client, step);
}

#[test]
fn a_transaction_is_committed_by_all_or_by_nobody_and_with_consent() {
    let mut script = Script::new();
    voted(&mut script, 2, true);
    voted(&mut script, 3, true);
    decided(&mut script, 1, true);
    decided(&mut script, 2, true);
    assert_verdict(&script, Property::CommitAgreement, None);
    assert_verdict(&script, Property::CommitValidity, None);
    decided(&mut script, 3, false);
    assert_verdict(&script, Property::CommitAgreement, Some("disagree"));
    let mut script = Script::new();
    voted(&mut script, 2, true);
    decided(&mut script, 1, true);
    let without = Some("commits-without-consent");
    assert_verdict(&script, Property::CommitValidity, without);
}

#[test]
fn who_waits_gets_it_or_gives_up() {
    let waits = |then: Option<Step>| {
        let mut script = Script::new();
        let barrier = path("/barrier");
        say(&mut script, 1, Step::Waits { barrier });
        script.wait(200);
        if let Some(step) = then {
            say(&mut script, 1, step);
        }
        sees(&mut script, 2, z(1));
        script
    };
    let barrier = path("/barrier");
    let passes = waits(Some(Step::Passed { barrier }));
    assert_verdict(&passes, Property::RecipeLiveness, None);
    let stuck = waits(None);
    assert_verdict(&stuck, Property::RecipeLiveness, Some("waits-for-ever"));
}
