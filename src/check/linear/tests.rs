//! Hand-made histories: each anomaly of checkers.md §3.6 once, and its legal neighbours.

use super::LinearMonitor;
use crate::check::script::{
    Script, assert_broken, assert_holds, bytes, create, create_as, delete, get, path, set, stat, z,
};
use crate::check::verdict::{Findings, Property, Verdict};
use crate::history::fact::Fact;
use crate::history::op::{ErrorCode, Request, Response, Stat, flags};

const LINEARIZABLE: Property = Property::LinearizableWrites;

fn judge(script: &Script) -> Findings {
    script.judge(&mut LinearMonitor::new())
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

fn read(script: &mut Script, client: u16, czxid: u32, mzxid: u32, version: i32, data: &str) {
    let seen = stat(z(czxid), z(mzxid), version);
    script.did(
        client,
        get("/k", false),
        z(mzxid),
        Response::Data(bytes(data), seen.into()),
    );
}

/// Reads show two lives of `/k`, each twice; the second, from 1:9 on, may be that of writes without answers. `/j` is created at
/// `zxid`.
fn reborn(zxid: u32) -> Findings {
    let mut script = started();
    for request in [delete("/k", -1), create("/k", "n"), set("/k", "c", -1)] {
        let call = script.invoke(1, request);
        script.lose(call);
    }
    let other = script.invoke(3, create("/j", ""));
    for (czxid, mzxid, data) in [(1, 2, "b"), (1, 2, "b"), (9, 10, "c"), (9, 10, "c")] {
        read(&mut script, 2, czxid, mzxid, 1, data);
    }
    script.ok(other, z(zxid), Response::Path(path("/j")));
    judge(&script)
}

#[test]
fn each_life_that_a_read_shows_began_with_a_write_of_its_own() {
    // Only the create without an answer began it, so that 1:9 is taken.
    assert_broken(&reborn(9), LINEARIZABLE, "double-zxid");
    assert_holds(&reborn(11), LINEARIZABLE);
}

#[test]
fn a_history_without_writes_is_vacuous() {
    assert_eq!(
        judge(&Script::new()).verdict(LINEARIZABLE),
        Verdict::Vacuous
    );
}

#[test]
fn writes_in_zxid_and_version_order_are_accepted() {
    assert_holds(&judge(&started()), LINEARIZABLE);
}

#[test]
fn a_read_that_is_stale_for_another_client_is_accepted() {
    let mut script = started();
    read(&mut script, 2, 1, 1, 0, "a");
    assert_holds(&judge(&script), LINEARIZABLE);
}

#[test]
fn an_update_that_began_after_another_returned_must_not_precede_it() {
    let mut script = started();
    script.did(2, create("/x", ""), z(9), Response::Path(path("/x")));
    script.did(3, create("/y", ""), z(5), Response::Path(path("/y")));
    assert_broken(&judge(&script), LINEARIZABLE, "real-time-order");
}

#[test]
fn overlapping_updates_may_take_either_order() {
    let mut script = started();
    let one = script.invoke(2, create("/x", ""));
    let two = script.invoke(3, create("/y", ""));
    script.ok(one, z(9), Response::Path(path("/x")));
    script.ok(two, z(5), Response::Path(path("/y")));
    assert_holds(&judge(&script), LINEARIZABLE);
}

#[test]
fn an_update_must_follow_what_a_read_had_shown_before_it_began() {
    let mut script = started();
    let slow = script.invoke(2, set("/k", "c", -1));
    read(&mut script, 3, 1, 9, 2, "c");
    script.did(4, create("/y", ""), z(5), Response::Path(path("/y")));
    script.ok(slow, z(9), Response::Stat(stat(z(1), z(9), 2).into()));
    assert_broken(&judge(&script), LINEARIZABLE, "real-time-order");
}

#[test]
fn pipelined_updates_of_a_session_keep_their_order() {
    let mut script = started();
    let one = script.invoke(1, create("/x", ""));
    let two = script.invoke(1, create("/y", ""));
    script.ok(one, z(6), Response::Path(path("/x")));
    script.ok(two, z(5), Response::Path(path("/y")));
    assert_broken(&judge(&script), LINEARIZABLE, "session-order");
}

#[test]
fn two_writes_never_share_a_zxid() {
    let mut script = started();
    let one = script.invoke(2, create("/x", ""));
    let two = script.invoke(3, create("/y", ""));
    script.ok(one, z(5), Response::Path(path("/x")));
    script.ok(two, z(5), Response::Path(path("/y")));
    assert_broken(&judge(&script), LINEARIZABLE, "double-zxid");
}

#[test]
fn two_writes_never_make_the_same_version() {
    let mut script = started();
    let one = script.invoke(2, set("/k", "c", -1));
    let two = script.invoke(3, set("/k", "d", -1));
    script.ok(one, z(3), Response::Stat(stat(z(1), z(3), 2).into()));
    script.ok(two, z(4), Response::Stat(stat(z(1), z(4), 2).into()));
    assert_broken(&judge(&script), LINEARIZABLE, "double-version");
}

#[test]
fn versions_follow_zxids() {
    let mut script = started();
    let one = script.invoke(2, set("/k", "c", -1));
    let two = script.invoke(3, set("/k", "d", -1));
    script.ok(one, z(4), Response::Stat(stat(z(1), z(4), 2).into()));
    script.ok(two, z(3), Response::Stat(stat(z(1), z(3), 3).into()));
    assert_broken(&judge(&script), LINEARIZABLE, "version-order");
}

#[test]
fn a_conditional_write_passes_only_on_its_version() {
    let mut script = started();
    script.did(
        2,
        set("/k", "c", 0),
        z(3),
        Response::Stat(stat(z(1), z(3), 2).into()),
    );
    assert_broken(&judge(&script), LINEARIZABLE, "cas-wrongly-passed");
}

#[test]
fn a_conditional_write_fails_only_on_another_version() {
    let mut script = started();
    script.failed(2, set("/k", "c", 1), z(3), ErrorCode::BadVersion);
    assert_broken(&judge(&script), LINEARIZABLE, "failed-wrongly");
}

#[test]
fn a_conditional_write_may_fail_on_an_unknown_write() {
    let mut script = started();
    let lost = script.invoke(3, set("/k", "x", -1));
    script.lose(lost);
    script.failed(2, set("/k", "c", 1), z(4), ErrorCode::BadVersion);
    assert_holds(&judge(&script), LINEARIZABLE);
}

#[test]
fn a_failure_between_two_writes_must_fit_the_version_between_them() {
    let mut script = started();
    let refused = script.invoke(2, set("/k", "c", 1));
    script.did(
        3,
        set("/k", "d", 1),
        z(4),
        Response::Stat(stat(z(1), z(4), 2).into()),
    );
    script.fail(refused, z(3), ErrorCode::BadVersion);
    assert_broken(&judge(&script), LINEARIZABLE, "failed-wrongly");
}

#[test]
fn a_delete_needs_its_version() {
    let mut script = started();
    script.did(2, delete("/k", 0), z(3), Response::Empty);
    assert_broken(&judge(&script), LINEARIZABLE, "cas-wrongly-passed");
}

#[test]
fn a_create_fails_only_if_the_znode_exists() {
    let mut script = started();
    script.did(2, delete("/k", 1), z(3), Response::Empty);
    script.failed(3, create("/k", "c"), z(4), ErrorCode::NodeExists);
    assert_broken(&judge(&script), LINEARIZABLE, "failed-wrongly");
}

#[test]
fn a_create_passes_only_if_the_znode_is_gone() {
    let mut script = started();
    script.did(3, create("/k", "c"), z(4), Response::Path(path("/k")));
    assert_broken(&judge(&script), LINEARIZABLE, "cas-wrongly-passed");
}

#[test]
fn a_recreated_znode_starts_a_new_life() {
    let mut script = started();
    script.did(2, delete("/k", 1), z(3), Response::Empty);
    script.did(2, create("/k", "c"), z(4), Response::Path(path("/k")));
    script.did(
        1,
        set("/k", "d", 0),
        z(5),
        Response::Stat(stat(z(4), z(5), 1).into()),
    );
    assert_holds(&judge(&script), LINEARIZABLE);
}

#[test]
fn a_write_never_lands_in_a_life_that_is_over() {
    let mut script = started();
    script.did(2, delete("/k", 1), z(3), Response::Empty);
    script.did(2, create("/k", "c"), z(4), Response::Path(path("/k")));
    script.did(
        1,
        set("/k", "d", -1),
        z(5),
        Response::Stat(stat(z(1), z(5), 2).into()),
    );
    assert_broken(&judge(&script), LINEARIZABLE, "lives-overlap");
}

#[test]
fn data_that_nobody_wrote_is_a_phantom() {
    let mut script = started();
    read(&mut script, 2, 1, 3, 2, "never written");
    assert_broken(&judge(&script), LINEARIZABLE, "phantom-data");
}

#[test]
fn data_of_an_unknown_write_may_be_read() {
    let mut script = started();
    let lost = script.invoke(2, set("/k", "x", 1));
    script.lose(lost);
    read(&mut script, 3, 1, 7, 2, "x");
    script.did(
        4,
        set("/k", "y", 2),
        z(8),
        Response::Stat(stat(z(1), z(8), 3).into()),
    );
    assert_holds(&judge(&script), LINEARIZABLE);
}

#[test]
fn a_write_that_began_after_its_data_was_read_did_not_write_it() {
    let mut script = started();
    let early = script.invoke(3, get("/k", false));
    script.ok(
        early,
        z(7),
        Response::Data(bytes("x"), stat(z(1), z(7), 2).into()),
    );
    let late = script.invoke(2, set("/k", "x", 1));
    script.lose(late);
    assert_broken(&judge(&script), LINEARIZABLE, "phantom-data");
}

#[test]
fn a_write_that_was_never_sent_wrote_nothing() {
    let mut script = started();
    let unsent = script.invoke(2, set("/k", "x", 1));
    read(&mut script, 3, 1, 7, 2, "x");
    script.lost(unsent, false);
    assert_broken(&judge(&script), LINEARIZABLE, "answer-contradicts-effect");
}

#[test]
fn a_write_that_failed_left_nothing_behind() {
    let mut script = started();
    let refused = script.invoke(2, set("/k", "x", 5));
    let other = script.invoke(4, set("/k", "y", -1));
    script.fail(refused, z(3), ErrorCode::BadVersion);
    script.lose(other);
    read(&mut script, 3, 1, 7, 2, "x");
    assert_broken(&judge(&script), LINEARIZABLE, "phantom-data");
}

#[test]
fn a_missing_version_needs_a_writer() {
    let mut script = started();
    script.did(
        2,
        set("/k", "c", -1),
        z(9),
        Response::Stat(stat(z(1), z(9), 3).into()),
    );
    assert_broken(&judge(&script), LINEARIZABLE, "hole");
}

#[test]
fn three_missing_versions_need_three_writers() {
    let mut script = started();
    for data in ["x", "y"] {
        let lost = script.invoke(3, set("/k", data, -1));
        script.lose(lost);
    }
    script.did(
        2,
        set("/k", "c", -1),
        z(9),
        Response::Stat(stat(z(1), z(9), 5).into()),
    );
    assert_broken(&judge(&script), LINEARIZABLE, "hole");
}

#[test]
fn a_lost_conditional_write_fills_only_its_own_version() {
    let mut script = started();
    let lost = script.invoke(3, set("/k", "x", 7));
    script.lose(lost);
    script.did(
        2,
        set("/k", "c", -1),
        z(9),
        Response::Stat(stat(z(1), z(9), 3).into()),
    );
    assert_broken(&judge(&script), LINEARIZABLE, "hole");
}

#[test]
fn an_unknown_write_takes_effect_before_later_updates_of_its_session_or_never() {
    let mut script = started();
    let lost = script.invoke(2, set("/k", "x", -1));
    script.lose(lost);
    script.did(2, create("/y", ""), z(5), Response::Path(path("/y")));
    read(&mut script, 3, 1, 7, 2, "x");
    assert_broken(&judge(&script), LINEARIZABLE, "phantom-data");
}

#[test]
fn a_multi_of_unknown_outcome_takes_effect_as_a_whole() {
    let mut script = started();
    script.did(1, create("/j", "a"), z(3), Response::Path(path("/j")));
    let lost = script.invoke(
        2,
        Request::Multi(vec![set("/k", "x", 1), set("/j", "x", 0)]),
    );
    script.lose(lost);
    read(&mut script, 3, 1, 7, 2, "x");
    script.did(
        4,
        set("/j", "y", 0),
        z(8),
        Response::Stat(stat(z(3), z(8), 1).into()),
    );
    assert_broken(&judge(&script), LINEARIZABLE, "double-version");
}

/// A lost multi that set `/k` to version 2 at 1:7, which a read showed, and created a sequential znode.
fn lost_with_a_sequential_part() -> Script {
    let mut script = started();
    let parts = vec![set("/k", "x", 1), create_as("/q", "y", flags::SEQUENTIAL)];
    let lost = script.invoke(2, Request::Multi(parts));
    script.lose(lost);
    read(&mut script, 3, 1, 7, 2, "x");
    script
}

#[test]
fn a_multi_whose_zxid_a_read_showed_may_have_made_a_sequential_znode_of_any_number() {
    let mut script = lost_with_a_sequential_part();
    script.did(4, delete("/q0000000004", -1), z(9), Response::Empty);
    assert_holds(&judge(&script), LINEARIZABLE);

    let mut script = lost_with_a_sequential_part();
    let seen = stat(z(7), z(7), 0);
    let request = get("/q0000000004", false);
    script.did(4, request, z(9), Response::Data(bytes("y"), seen.into()));
    assert_holds(&judge(&script), LINEARIZABLE);
}

#[test]
fn a_multi_whose_zxid_a_read_showed_made_its_sequential_znode_at_that_zxid() {
    let mut script = lost_with_a_sequential_part();
    let seen = stat(z(8), z(8), 0);
    let request = get("/q0000000004", false);
    script.did(4, request, z(9), Response::Data(bytes("y"), seen.into()));
    assert_broken(&judge(&script), LINEARIZABLE, "phantom-data");

    let mut script = lost_with_a_sequential_part();
    let seen = stat(z(7), z(7), 0);
    let request = get("/r0000000004", false);
    script.did(4, request, z(9), Response::Data(bytes("y"), seen.into()));
    assert_broken(&judge(&script), LINEARIZABLE, "change-of-another-write");
}

#[test]
fn a_multi_that_succeeded_changes_each_of_its_znodes() {
    let mut script = started();
    let multi = Request::Multi(vec![
        set("/k", "x", 1),
        create("/j", "x"),
        Request::Check {
            path: path("/k"),
            version: 2,
        },
    ]);
    let results = vec![
        Ok(Response::Stat(stat(z(1), z(3), 2).into())),
        Ok(Response::Path(path("/j"))),
        Ok(Response::Empty),
    ];
    script.did(2, multi, z(3), Response::Multi(results));
    read(&mut script, 3, 1, 3, 2, "x");
    script.did(
        3,
        set("/j", "y", 0),
        z(4),
        Response::Stat(stat(z(3), z(4), 1).into()),
    );
    assert_holds(&judge(&script), LINEARIZABLE);
}

#[test]
fn a_multi_that_failed_changes_nothing() {
    let mut script = started();
    let multi = Request::Multi(vec![set("/k", "x", 1), delete("/nowhere", -1)]);
    let results = vec![Err(ErrorCode::Ok), Err(ErrorCode::NoNode)];
    script.did(2, multi, z(3), Response::Multi(results));
    read(&mut script, 3, 1, 3, 2, "x");
    assert_broken(&judge(&script), LINEARIZABLE, "phantom-data");
}

#[test]
fn a_pending_write_of_a_crashed_client_may_have_taken_effect() {
    let mut script = started();
    script.invoke(2, set("/k", "x", 1));
    script.fact(Fact::ClientCrashed {
        client: crate::base::id::ClientId(2),
    });
    read(&mut script, 3, 1, 7, 2, "x");
    assert_holds(&judge(&script), LINEARIZABLE);
}

#[test]
fn an_answer_speaks_of_its_own_write() {
    let mut script = started();
    script.did(
        2,
        set("/k", "x", -1),
        z(3),
        Response::Stat(stat(z(1), z(2), 2).into()),
    );
    assert_broken(&judge(&script), LINEARIZABLE, "status-of-another-write");
}

#[test]
fn a_conditional_set_acl_passes_only_on_its_version() {
    let set_acl = |version, aversion| {
        let mut script = started();
        let request = Request::SetAcl {
            path: path("/k"),
            acl: None,
            version,
        };
        let seen = Stat {
            aversion,
            ..stat(z(1), z(2), 1)
        };
        script.did(2, request, z(3), Response::Stat(seen.into()));
        judge(&script)
    };
    assert_holds(&set_acl(0, 1), LINEARIZABLE);
    assert_holds(&set_acl(-1, 7), LINEARIZABLE);
    assert_broken(&set_acl(1, 7), LINEARIZABLE, "cas-wrongly-passed");
}

/// Creates `name` with a sequence number.
fn numbered(script: &mut Script, prefix: &str, name: &str, counter: u32) {
    let request = create_as(prefix, "", flags::SEQUENTIAL);
    script.did(1, request, z(counter), Response::Path(path(name)));
}

#[test]
fn sequence_numbers_grow_whatever_the_prefix() {
    let mut script = started();
    numbered(&mut script, "/k/a-", "/k/a-0000000003", 3);
    numbered(&mut script, "/k/b-", "/k/b-0000000005", 4);
    assert_holds(&judge(&script), LINEARIZABLE);
    numbered(&mut script, "/k/a-", "/k/a-0000000005", 5);
    assert_broken(&judge(&script), LINEARIZABLE, "sequence-went-back");
}

#[test]
fn a_parent_made_anew_counts_from_the_start() {
    let mut script = started();
    numbered(&mut script, "/k/a-", "/k/a-0000000003", 3);
    script.did(1, delete("/k/a-0000000003", -1), z(4), Response::Empty);
    script.did(1, delete("/k", -1), z(5), Response::Empty);
    script.did(1, create("/k", ""), z(6), Response::Path(path("/k")));
    numbered(&mut script, "/k/a-", "/k/a-0000000000", 7);
    assert_holds(&judge(&script), LINEARIZABLE);
}

#[test]
fn an_unknown_write_may_have_come_before_a_lost_multi_whose_version_nobody_saw() {
    let mut script = started();
    script.did(1, create("/j", ""), z(3), Response::Path(path("/j")));
    for request in [
        set("/k", "x", -1),
        Request::Multi(vec![set("/j", "y", -1), set("/k", "y", -1)]),
    ] {
        let client = if matches!(request, Request::Multi(_)) {
            3
        } else {
            2
        };
        let lost = script.invoke(client, request);
        script.lose(lost);
    }
    let seen = stat(z(3), z(7), 1);
    script.did(
        4,
        get("/j", false),
        z(7),
        Response::Data(bytes("y"), seen.into()),
    );
    script.did(
        4,
        set("/k", "z", 3),
        z(8),
        Response::Stat(stat(z(1), z(8), 4).into()),
    );
    assert_holds(&judge(&script), LINEARIZABLE);
}
