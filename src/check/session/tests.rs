//! Hand-made histories of one or two sessions: each way a session may be betrayed, and its legal neighbours.

use super::SessionMonitor;
use crate::base::id::ClientId;
use crate::base::zxid::Zxid;
use crate::check::script::{
    Script, assert_broken, assert_holds, bytes, children, create, create_as, delete, exists, get,
    path, set, stat, z,
};
use crate::check::verdict::{Findings, Property, Verdict};
use crate::history::fact::Fact;
use crate::history::op::{ErrorCode, Request, Response, Stat, WatchEvent};
use crate::history::op::{EventKind, flags};

const GUARANTEED: Property = Property::SessionGuarantees;

fn judge(script: &Script) -> Findings {
    script.judge(&mut SessionMonitor::new())
}

/// `/k` was created at 1:1 and set to version 1 at 1:2 by client 1.
fn started() -> Script {
    let mut script = Script::new();
    script.did(1, create("/k", "a"), z(1), Response::Path(path("/k")));
    script.did(
        1,
        set("/k", "b", 0),
        z(2),
        Response::Stat(stat(z(1), z(2), 1).into()),
    );
    script
}

fn read(script: &mut Script, client: u16, view: Zxid, mzxid: u32, version: i32) {
    let seen = stat(z(1), z(mzxid), version);
    script.did(
        client,
        get("/k", false),
        view,
        Response::Data(bytes("?"), seen.into()),
    );
}

#[test]
fn an_empty_history_is_vacuous() {
    assert_eq!(judge(&Script::new()).verdict(GUARANTEED), Verdict::Vacuous);
}

#[test]
fn a_session_that_lags_behind_others_is_accepted() {
    let mut script = started();
    read(&mut script, 2, z(1), 1, 0);
    read(&mut script, 2, z(2), 2, 1);
    assert_holds(&judge(&script), GUARANTEED);
}

#[test]
fn a_view_never_goes_back() {
    let mut script = started();
    read(&mut script, 2, z(2), 2, 1);
    read(&mut script, 2, z(1), 1, 0);
    assert_broken(&judge(&script), GUARANTEED, "view-went-back");
}

#[test]
fn a_label_raises_the_view_like_a_transaction() {
    let mut script = started();
    let label = Zxid::label(crate::base::zxid::Epoch(2));
    read(&mut script, 2, label, 2, 1);
    read(&mut script, 2, z(2), 2, 1);
    assert_broken(&judge(&script), GUARANTEED, "view-went-back");
}

#[test]
fn an_own_acknowledged_write_is_seen() {
    let mut script = started();
    read(&mut script, 1, z(2), 1, 0);
    assert_broken(&judge(&script), GUARANTEED, "own-write-unseen");
}

#[test]
fn an_own_write_of_unknown_outcome_need_not_be_seen() {
    let mut script = started();
    let lost = script.invoke(1, set("/k", "c", 1));
    script.lose(lost);
    read(&mut script, 1, z(2), 2, 1);
    assert_holds(&judge(&script), GUARANTEED);
}

#[test]
fn a_read_shows_every_change_in_its_view() {
    let mut script = started();
    script.did(
        2,
        set("/k", "c", 1),
        z(3),
        Response::Stat(stat(z(1), z(3), 2).into()),
    );
    read(&mut script, 3, z(4), 2, 1);
    assert_broken(&judge(&script), GUARANTEED, "stale-read");
}

#[test]
fn a_change_that_becomes_known_later_proves_an_earlier_read_stale() {
    let mut script = started();
    let slow = script.invoke(2, set("/k", "c", 1));
    read(&mut script, 3, z(4), 2, 1);
    script.ok(slow, z(3), Response::Stat(stat(z(1), z(3), 2).into()));
    assert_broken(&judge(&script), GUARANTEED, "stale-read");
}

#[test]
fn a_change_above_the_view_of_a_read_is_no_fault() {
    let mut script = started();
    let slow = script.invoke(2, set("/k", "c", 1));
    read(&mut script, 3, z(4), 2, 1);
    script.ok(slow, z(5), Response::Stat(stat(z(1), z(5), 2).into()));
    read(&mut script, 3, z(4), 2, 1);
    assert_holds(&judge(&script), GUARANTEED);
}

#[test]
fn a_znode_that_was_deleted_is_not_read_any_more() {
    let mut script = started();
    script.did(2, delete("/k", 1), z(3), Response::Empty);
    read(&mut script, 3, z(3), 2, 1);
    assert_broken(&judge(&script), GUARANTEED, "stale-read");
}

#[test]
fn a_znode_that_exists_is_found() {
    let mut script = started();
    script.failed(3, exists("/k", false), z(2), ErrorCode::NoNode);
    assert_broken(&judge(&script), GUARANTEED, "stale-absence");
}

#[test]
fn a_creation_that_becomes_known_later_proves_an_absence_stale() {
    let mut script = started();
    let slow = script.invoke(2, create("/x", ""));
    script.failed(3, exists("/x", false), z(4), ErrorCode::NoNode);
    script.ok(slow, z(3), Response::Path(path("/x")));
    assert_broken(&judge(&script), GUARANTEED, "stale-absence");
}

#[test]
fn a_znode_that_some_unknown_delete_may_have_removed_need_not_be_found() {
    let mut script = started();
    let lost = script.invoke(2, delete("/k", -1));
    script.lose(lost);
    script.failed(3, exists("/k", false), z(4), ErrorCode::NoNode);
    assert_holds(&judge(&script), GUARANTEED);
}

#[test]
fn an_ephemeral_may_go_without_anybody_deleting_it() {
    let mut script = started();
    let request = create_as("/e", "", flags::EPHEMERAL);
    script.did(2, request, z(3), Response::Path(path("/e")));
    script.failed(3, exists("/e", false), z(4), ErrorCode::NoNode);
    assert_holds(&judge(&script), GUARANTEED);
}

#[test]
fn a_list_of_children_shows_every_child_in_its_view() {
    let mut script = started();
    script.did(1, create("/k/1", ""), z(3), Response::Path(path("/k/1")));
    let old = Stat {
        pzxid: z(1),
        ..stat(z(1), z(2), 1)
    };
    let answer = Response::Children(Vec::new(), Some(old.into()));
    script.did(2, children("/k", false), z(3), answer);
    assert_broken(&judge(&script), GUARANTEED, "stale-children");
}

/// `/k/1` lived from 1:3 on, as client 2 was shown twice, then from 1:9 on; client 3 is shown the children of `/k` as of `pzxid`.
fn reborn(pzxid: u32) -> Findings {
    let mut script = started();
    for (view, czxid) in [(4, 3), (5, 3), (9, 9), (10, 9)] {
        let seen = stat(z(czxid), z(czxid), 0);
        let answer = Response::Data(bytes(""), seen.into());
        script.did(2, get("/k/1", false), z(view), answer);
    }
    let shown = Stat {
        pzxid: z(pzxid),
        ..stat(z(1), z(2), 1)
    };
    let answer = Response::Children(Vec::new(), Some(shown.into()));
    script.did(3, children("/k", false), z(10), answer);
    judge(&script)
}

#[test]
fn a_list_of_children_shows_the_last_life_that_a_read_of_a_child_showed() {
    assert_broken(&reborn(3), GUARANTEED, "stale-children");
    assert_holds(&reborn(9), GUARANTEED);
}

#[test]
fn replies_come_in_the_order_of_requests() {
    let mut script = started();
    script.invoke(1, set("/k", "c", -1));
    let second = script.invoke(1, get("/k", false));
    script.ok(
        second,
        z(2),
        Response::Data(bytes("b"), stat(z(1), z(2), 1).into()),
    );
    assert_broken(&judge(&script), GUARANTEED, "reply-order");
}

#[test]
fn a_lost_reply_does_not_hold_up_later_ones() {
    let mut script = started();
    let lost = script.invoke(1, set("/k", "c", -1));
    script.lose(lost);
    read(&mut script, 1, z(2), 2, 1);
    assert_holds(&judge(&script), GUARANTEED);
}

#[test]
fn an_event_raises_no_view() {
    let mut script = started();
    script.fact(Fact::EventReceived {
        client: ClientId(2),
        session: crate::check::script::session(2),
        conn: 1,
        event: WatchEvent {
            kind: EventKind::DataChanged,
            path: path("/k"),
            zxid: Some(z(2)),
        },
    });
    read(&mut script, 2, z(1), 1, 0);
    assert_holds(&judge(&script), GUARANTEED);
}

#[test]
fn parts_of_one_multi_read_show_one_state() {
    let mut script = started();
    script.did(1, create("/j", ""), z(3), Response::Path(path("/j")));
    let both = Request::Multi(vec![set("/k", "c", -1), set("/j", "c", -1)]);
    let results = vec![
        Ok(Response::Stat(stat(z(1), z(4), 2).into())),
        Ok(Response::Stat(stat(z(3), z(4), 1).into())),
    ];
    script.did(1, both, z(4), Response::Multi(results));
    let reads = Request::MultiRead(vec![get("/k", false), get("/j", false)]);
    let torn = vec![
        Ok(Response::Data(bytes("c"), stat(z(1), z(4), 2).into())),
        Ok(Response::Data(bytes(""), stat(z(3), z(3), 0).into())),
    ];
    script.did(2, reads, z(4), Response::Multi(torn));
    let findings = judge(&script);
    assert_broken(&findings, GUARANTEED, "torn-multi");
    assert_broken(&findings, Property::AtomicMultis, "torn-multi");
    assert_broken(&findings, Property::SequentialConsistency, "torn-multi");
}

#[test]
fn a_violation_stands_where_the_contradiction_became_known() {
    let mut script = Script::new();
    script.did(1, create("/k", "a"), z(1), Response::Path(path("/k")));
    let shown = Response::Data(bytes("a"), stat(z(1), z(1), 0).into());
    script.did(2, get("/k", false), z(5), shown);
    script.wait(1_000);
    let written = Response::Stat(stat(z(1), z(3), 1).into());
    script.did(1, set("/k", "b", -1), z(3), written);
    let findings = judge(&script);
    assert_eq!(findings.violations()[0].at, script.end());
}

#[test]
fn the_guarantee_that_is_broken_is_named_and_the_other_one_holds() {
    let (own, back) = (Property::ReadYourWrites, Property::MonotonicReads);
    let verdicts = |script: &Script| [own, back].map(|property| judge(script).verdict(property));
    let read = |script: &mut Script, client, mzxid, version, view| {
        let shown = Response::Data(bytes("x"), stat(z(1), mzxid, version).into());
        script.did(client, get("/k", false), view, shown);
    };
    let mut unseen = started();
    read(&mut unseen, 1, z(1), 0, z(2));
    assert_eq!(verdicts(&unseen), [Verdict::Violated, Verdict::Holds]);
    let mut back_again = started();
    read(&mut back_again, 1, z(2), 1, z(2));
    read(&mut back_again, 2, z(2), 1, z(2));
    read(&mut back_again, 2, z(1), 0, z(2));
    assert_eq!(verdicts(&back_again), [Verdict::Holds, Verdict::Violated]);
    let mut legal = started();
    read(&mut legal, 1, z(2), 1, z(2));
    read(&mut legal, 2, z(1), 0, z(1));
    assert_eq!(verdicts(&legal), [Verdict::Holds; 2]);
}
