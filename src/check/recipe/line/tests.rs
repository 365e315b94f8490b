//! Histories of locks, good and bad.

use crate::base::id::{ClientId, SessionId};
use crate::check::recipe::RecipeMonitor;
use crate::check::script::{Script, assert_broken, assert_holds, children, path, session, z};
use crate::check::verdict::{Findings, Property};
use crate::history::fact::{Change, Fact};
use crate::history::op::{EventKind, Response};
use crate::history::recipe::{Mode, Step};

const LINE: &str = "/lock";

/// A contender's znode; its mark sorts against its number.
fn node(client: u16) -> String {
    format!("{LINE}/{}-lock-{client:010}", 9 - client)
}

fn say(script: &mut Script, client: u16, step: Step) {
    let client = ClientId(client);
    script.fact(Fact::Recipe { client, step });
}

fn enlist(script: &mut Script, counter: u32, client: u16, mode: Mode) {
    let change = Change::Create {
        path: path(&node(client)),
        owner: Some(session(client)),
        data: 0,
    };
    script.commit(z(counter), session(client), vec![change]);
    let (line, node) = (path(LINE), path(&node(client)));
    say(script, client, Step::Queued { line, node, mode });
}

fn depart(script: &mut Script, counter: u32, client: u16) {
    let path = path(&node(client));
    script.commit(z(counter), SessionId::NONE, vec![Change::Delete { path }]);
}

/// A client lists the line at a zxid and takes the lock.
fn take(script: &mut Script, counter: u32, client: u16, mode: Mode) {
    let answer = Response::Children(Vec::new(), None);
    script.did(client, children(LINE, false), z(counter), answer);
    let (line, node) = (path(LINE), path(&node(client)));
    say(script, client, Step::Held { line, node, mode });
}

fn use_it(script: &mut Script, client: u16, token: Option<u64>) {
    let (line, node) = (path(LINE), path(&node(client)));
    say(script, client, Step::Acted { line, node, token });
}

fn let_go(script: &mut Script, client: u16) {
    let (line, node) = (path(LINE), path(&node(client)));
    say(script, client, Step::LetGo { line, node });
}

fn judge(script: &Script) -> Findings {
    script.judge(&mut RecipeMonitor::new())
}

/// Clients 1 and 2 stand in line; 1 holds.
fn first_holds() -> Script {
    let mut script = Script::new();
    enlist(&mut script, 1, 1, Mode::Exclusive);
    enlist(&mut script, 2, 2, Mode::Exclusive);
    take(&mut script, 2, 1, Mode::Exclusive);
    script
}

#[test]
fn one_after_the_other_is_as_it_should_be() {
    let mut script = first_holds();
    use_it(&mut script, 1, Some(1));
    let_go(&mut script, 1);
    depart(&mut script, 3, 1);
    script.event(2, EventKind::Deleted, &node(1), Some(z(3)));
    take(&mut script, 3, 2, Mode::Exclusive);
    use_it(&mut script, 2, Some(2));
    let findings = judge(&script);
    for property in [
        Property::MutualExclusion,
        Property::FairOrder,
        Property::NoHerd,
        Property::Fencing,
        Property::BelievedExclusion,
    ] {
        assert_holds(&findings, property);
    }
}

#[test]
fn a_second_holder_beside_a_live_one_breaks_mutual_exclusion() {
    let mut script = first_holds();
    take(&mut script, 2, 2, Mode::Exclusive);
    assert_broken(&judge(&script), Property::MutualExclusion, "two-holders");
}

#[test]
fn a_holder_whose_reply_was_late_breaks_nothing_in_the_tree_and_everything_in_belief() {
    let mut script = Script::new();
    enlist(&mut script, 1, 1, Mode::Exclusive);
    enlist(&mut script, 2, 2, Mode::Exclusive);
    depart(&mut script, 3, 1);
    take(&mut script, 3, 2, Mode::Exclusive);
    take(&mut script, 2, 1, Mode::Exclusive);
    let findings = judge(&script);
    assert_holds(&findings, Property::MutualExclusion);
    assert_broken(&findings, Property::BelievedExclusion, "two-believers");
}

#[test]
fn who_holds_by_no_znode_or_by_somebody_elses_holds_nothing() {
    let mut script = first_holds();
    depart(&mut script, 3, 1);
    take(&mut script, 3, 1, Mode::Exclusive);
    assert_broken(&judge(&script), Property::MutualExclusion, "no-znode");
    let mut script = first_holds();
    let answer = Response::Children(Vec::new(), None);
    script.did(2, children(LINE, false), z(2), answer);
    let (line, node, mode) = (path(LINE), path(&node(1)), Mode::Exclusive);
    say(&mut script, 2, Step::Held { line, node, mode });
    assert_broken(&judge(&script), Property::MutualExclusion, "two-holders");
}

#[test]
fn who_passes_over_a_live_contender_is_unfair() {
    let mut script = Script::new();
    enlist(&mut script, 1, 1, Mode::Exclusive);
    enlist(&mut script, 2, 2, Mode::Exclusive);
    take(&mut script, 2, 2, Mode::Exclusive);
    assert_broken(&judge(&script), Property::FairOrder, "passed-over");
}

#[test]
fn readers_share_and_a_writer_among_them_does_not() {
    let mut script = Script::new();
    enlist(&mut script, 1, 1, Mode::Shared);
    enlist(&mut script, 2, 2, Mode::Shared);
    take(&mut script, 2, 2, Mode::Shared);
    take(&mut script, 2, 1, Mode::Shared);
    enlist(&mut script, 3, 3, Mode::Exclusive);
    let findings = judge(&script);
    assert_holds(&findings, Property::MutualExclusion);
    assert_holds(&findings, Property::FairOrder);
    take(&mut script, 3, 3, Mode::Exclusive);
    assert_broken(&judge(&script), Property::MutualExclusion, "two-holders");
}

#[test]
fn a_paused_holder_is_refused_by_its_token_and_accepted_without_one() {
    let late = |token: fn(u16) -> Option<u64>| {
        let mut script = first_holds();
        use_it(&mut script, 1, token(1));
        depart(&mut script, 3, 1);
        take(&mut script, 3, 2, Mode::Exclusive);
        use_it(&mut script, 2, token(2));
        use_it(&mut script, 1, token(1));
        judge(&script)
    };
    assert_holds(&late(|client| Some(client.into())), Property::Fencing);
    let without = late(|_| None);
    assert_broken(&without, Property::Fencing, "stale-holder-accepted");
    let wrong = late(|client| Some(9 - u64::from(client)));
    assert_broken(&wrong, Property::Fencing, "holder-refused");
}

#[test]
fn a_departure_that_wakes_two_is_a_herd() {
    let mut script = first_holds();
    enlist(&mut script, 3, 3, Mode::Exclusive);
    depart(&mut script, 4, 1);
    script.event(2, EventKind::Deleted, &node(1), Some(z(4)));
    assert_holds(&judge(&script), Property::NoHerd);
    script.event(3, EventKind::Deleted, &node(1), Some(z(4)));
    assert_broken(&judge(&script), Property::NoHerd, "herd");
}
