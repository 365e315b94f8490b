//! Hand-made connections: each way a watch may betray its client, and its legal neighbours.

use super::WatchMonitor;
use crate::base::id::{ClientId, SessionId};
use crate::check::script::{
    Script, assert_broken, assert_holds, bytes, children, exists, get, path, session, stat, z,
};
use crate::check::verdict::{Findings, Property, Verdict};
use crate::history::fact::{Change, Fact};
use crate::history::op::{AclEntry, ErrorCode, EventKind, Request, Response, SetWatches};

const WATCH: [Property; 6] = [
    Property::WatchFilter,
    Property::WatchOnce,
    Property::WatchOrder,
    Property::WatchSpurious,
    Property::WatchLost,
    Property::WatchRearm,
];

fn judge(script: &Script) -> Findings {
    script.judge(&mut WatchMonitor::new())
}

fn assert_clean(script: &Script) {
    let findings = judge(script);
    assert!(findings.violations().is_empty(), "{findings:#?}");
}

/// Breaks this property first, and no other.
fn assert_only(script: &Script, property: Property, signature: &str) {
    let findings = judge(script);
    assert_broken(&findings, property, signature);
    for other in WATCH {
        let broken = findings.verdict(other) == Verdict::Violated;
        assert_eq!(broken, other == property, "{other}: {findings:#?}");
    }
}

fn made(name: &str) -> Vec<Change> {
    vec![Change::Create {
        path: path(name),
        owner: None,
        data: 0,
    }]
}

fn gone(name: &str) -> Vec<Change> {
    vec![Change::Delete { path: path(name) }]
}

fn set(name: &str, version: i32) -> Vec<Change> {
    vec![Change::SetData {
        path: path(name),
        version,
        data: 0,
    }]
}

fn commit(script: &mut Script, counter: u32, changes: Vec<Change>) {
    script.commit(z(counter), SessionId::NONE, changes);
}

/// Client 1 is connected; `/k` was created at 1:1.
fn started() -> Script {
    let mut script = Script::new();
    script.connect(1, 1, true);
    commit(&mut script, 1, made("/k"));
    script
}

/// A getData with a watch, answered at this position.
fn watch_data(script: &mut Script, view: u32) {
    let answer = Response::Data(bytes(""), stat(z(1), z(1), 0).into());
    script.did(1, get("/k", true), z(view), answer);
}

fn watch_children(script: &mut Script, view: u32) {
    let answer = Response::Children(Vec::new(), Some(stat(z(1), z(1), 0).into()));
    script.did(1, children("/k", true), z(view), answer);
}

fn look(script: &mut Script, view: u32) {
    script.did(
        1,
        exists("/", false),
        z(view),
        Response::Stat(stat(z(0), z(0), 0).into()),
    );
}

#[test]
fn a_history_without_watches_is_vacuous() {
    let mut script = started();
    look(&mut script, 1);
    let findings = judge(&script);
    for property in WATCH {
        assert_eq!(findings.verdict(property), Verdict::Vacuous);
    }
}

#[test]
fn a_data_watch_that_tells_of_the_first_change_before_the_data_is_accepted() {
    let mut script = started();
    watch_data(&mut script, 1);
    commit(&mut script, 2, set("/k", 1));
    commit(&mut script, 3, set("/k", 2));
    script.event(1, EventKind::DataChanged, "/k", Some(z(2)));
    look(&mut script, 3);
    let findings = judge(&script);
    for property in &WATCH[..5] {
        assert_holds(&findings, *property);
    }
}

#[test]
fn watches_set_twice_fire_once() {
    let mut script = started();
    watch_data(&mut script, 1);
    watch_data(&mut script, 1);
    commit(&mut script, 2, set("/k", 1));
    script.event(1, EventKind::DataChanged, "/k", Some(z(2)));
    look(&mut script, 2);
    assert_clean(&script);
}

#[test]
fn getdata_and_exists_share_one_entry() {
    let mut script = started();
    watch_data(&mut script, 1);
    script.did(
        1,
        exists("/k", true),
        z(1),
        Response::Stat(stat(z(1), z(1), 0).into()),
    );
    commit(&mut script, 2, gone("/k"));
    script.event(1, EventKind::Deleted, "/k", Some(z(2)));
    script.event(1, EventKind::Deleted, "/k", Some(z(2)));
    assert_only(&script, Property::WatchOnce, "fired-twice");
}

#[test]
fn a_deletion_is_told_once_for_a_data_and_a_child_watch() {
    let mut script = started();
    watch_data(&mut script, 1);
    watch_children(&mut script, 1);
    commit(&mut script, 2, gone("/k"));
    script.event(1, EventKind::Deleted, "/k", Some(z(2)));
    look(&mut script, 2);
    assert_clean(&script);
}

#[test]
fn an_exists_watch_on_a_missing_znode_tells_of_its_creation() {
    let mut script = started();
    script.failed(1, exists("/x", true), z(1), ErrorCode::NoNode);
    commit(&mut script, 2, made("/x"));
    script.event(1, EventKind::Created, "/x", Some(z(2)));
    look(&mut script, 2);
    assert_clean(&script);
}

#[test]
fn a_child_watch_tells_of_children_only() {
    let mut script = started();
    watch_children(&mut script, 1);
    commit(&mut script, 2, set("/k", 1));
    commit(&mut script, 3, made("/k/a"));
    script.event(1, EventKind::ChildrenChanged, "/k", Some(z(3)));
    look(&mut script, 3);
    assert_clean(&script);
}

#[test]
fn an_event_of_another_kind_was_not_asked_for() {
    let mut script = started();
    watch_children(&mut script, 1);
    commit(&mut script, 2, set("/k", 1));
    script.event(1, EventKind::DataChanged, "/k", Some(z(2)));
    assert_only(&script, Property::WatchFilter, "unwatched-event");
}

#[test]
fn a_failed_getdata_sets_no_watch() {
    let mut script = started();
    script.failed(1, get("/x", true), z(1), ErrorCode::NoNode);
    commit(&mut script, 2, made("/x"));
    script.event(1, EventKind::Created, "/x", Some(z(2)));
    assert_only(&script, Property::WatchFilter, "unwatched-event");
}

#[test]
fn a_watch_fires_once_per_setting() {
    let mut script = started();
    watch_data(&mut script, 1);
    for counter in [2, 3] {
        commit(&mut script, counter, set("/k", 1));
        script.event(1, EventKind::DataChanged, "/k", Some(z(counter)));
    }
    assert_only(&script, Property::WatchOnce, "fired-twice");
}

#[test]
fn a_watch_set_anew_fires_anew() {
    let mut script = started();
    watch_data(&mut script, 1);
    for counter in [2, 3] {
        commit(&mut script, counter, set("/k", 1));
        script.event(1, EventKind::DataChanged, "/k", Some(z(counter)));
        watch_data(&mut script, counter);
    }
    assert_clean(&script);
}

#[test]
fn an_event_comes_before_a_reply_that_shows_its_change() {
    let mut script = started();
    watch_data(&mut script, 1);
    commit(&mut script, 2, set("/k", 1));
    look(&mut script, 2);
    script.event(1, EventKind::DataChanged, "/k", Some(z(2)));
    assert_only(&script, Property::WatchOrder, "event-after-data");
}

#[test]
fn events_come_in_the_order_of_their_changes() {
    let mut script = started();
    watch_data(&mut script, 1);
    watch_children(&mut script, 1);
    commit(&mut script, 2, set("/k", 1));
    commit(&mut script, 3, made("/k/a"));
    script.event(1, EventKind::ChildrenChanged, "/k", Some(z(3)));
    script.event(1, EventKind::DataChanged, "/k", Some(z(2)));
    assert_only(&script, Property::WatchOrder, "events-out-of-order");
}

#[test]
fn a_reply_never_falls_behind_an_event() {
    let mut script = started();
    watch_data(&mut script, 1);
    commit(&mut script, 2, set("/k", 1));
    script.event(1, EventKind::DataChanged, "/k", Some(z(2)));
    look(&mut script, 1);
    assert_only(&script, Property::WatchOrder, "reply-behind-event");
}

#[test]
fn an_event_needs_a_committed_change() {
    let mut script = started();
    watch_data(&mut script, 1);
    script.propose(z(2), SessionId::NONE, set("/k", 1));
    script.event(1, EventKind::DataChanged, "/k", Some(z(2)));
    assert_only(&script, Property::WatchSpurious, "no-such-change");
}

#[test]
fn a_change_before_the_watch_is_not_told() {
    let mut script = started();
    commit(&mut script, 2, set("/k", 1));
    watch_data(&mut script, 2);
    script.event(1, EventKind::DataChanged, "/k", Some(z(2)));
    assert_only(&script, Property::WatchSpurious, "change-before-watch");
}

#[test]
fn an_event_that_never_comes_is_lost() {
    let mut script = started();
    watch_data(&mut script, 1);
    commit(&mut script, 2, set("/k", 1));
    look(&mut script, 2);
    assert_only(&script, Property::WatchLost, "event-lost");
}

#[test]
fn an_event_is_lost_with_its_connection_only_if_a_reply_had_overtaken_it() {
    let mut overtaken = started();
    watch_data(&mut overtaken, 1);
    commit(&mut overtaken, 2, set("/k", 1));
    look(&mut overtaken, 2);
    overtaken.disconnect(1);
    assert_only(&overtaken, Property::WatchLost, "event-lost");

    let mut pending = started();
    watch_data(&mut pending, 1);
    commit(&mut pending, 2, set("/k", 1));
    look(&mut pending, 1);
    pending.disconnect(1);
    assert_clean(&pending);
}

#[test]
fn an_event_for_a_later_change_does_not_replace_the_first() {
    let mut script = started();
    watch_data(&mut script, 1);
    commit(&mut script, 2, set("/k", 1));
    commit(&mut script, 3, set("/k", 2));
    script.event(1, EventKind::DataChanged, "/k", Some(z(3)));
    assert_only(&script, Property::WatchLost, "earlier-change-untold");
}

#[test]
fn an_event_that_overtakes_the_reply_that_set_its_watch_is_out_of_order_but_has_a_cause() {
    let mut script = started();
    let call = script.invoke(1, get("/k", true));
    commit(&mut script, 2, set("/k", 1));
    script.event(1, EventKind::DataChanged, "/k", Some(z(2)));
    script.ok(
        call,
        z(1),
        Response::Data(bytes(""), stat(z(1), z(1), 0).into()),
    );
    look(&mut script, 2);
    assert_only(&script, Property::WatchOrder, "reply-behind-event");
}

#[test]
fn a_watch_set_at_a_server_that_lags_tells_of_what_that_server_has_yet_to_see() {
    let mut script = started();
    commit(&mut script, 2, set("/k", 1));
    watch_data(&mut script, 1);
    script.event(1, EventKind::DataChanged, "/k", Some(z(2)));
    look(&mut script, 2);
    assert_clean(&script);
}

#[test]
fn a_znode_with_an_acl_of_its_own_may_hide_events() {
    let mut script = started();
    watch_data(&mut script, 1);
    script.invoke(
        2,
        Request::SetAcl {
            path: path("/k"),
            acl: None,
            version: -1,
        },
    );
    commit(&mut script, 2, set("/k", 1));
    look(&mut script, 2);
    assert_clean(&script);
}

#[test]
fn an_acl_under_which_everybody_may_read_hides_no_events() {
    let mut script = started();
    watch_data(&mut script, 1);
    let reader = AclEntry {
        perms: 1,
        scheme: "world".into(),
        id: "anyone".into(),
    };
    script.invoke(
        2,
        Request::SetAcl {
            path: path("/k"),
            acl: Some([reader].into()),
            version: -1,
        },
    );
    commit(&mut script, 2, set("/k", 1));
    look(&mut script, 2);
    assert_only(&script, Property::WatchLost, "event-lost");
}

#[test]
fn a_removed_watch_tells_nothing() {
    let mut script = started();
    watch_data(&mut script, 1);
    let remove = Request::RemoveWatches {
        path: path("/k"),
        kind: 2,
    };
    script.did(1, remove, z(1), Response::Empty);
    commit(&mut script, 2, set("/k", 1));
    look(&mut script, 2);
    assert_clean(&script);
    script.event(1, EventKind::DataChanged, "/k", Some(z(2)));
    assert_only(&script, Property::WatchFilter, "unwatched-event");
}

#[test]
fn lasting_watches_tell_of_every_change_once() {
    let mut script = started();
    for (name, mode) in [("/k", 0), ("/", 1)] {
        let add = Request::AddWatch {
            path: path(name),
            mode,
        };
        script.did(1, add, z(1), Response::Empty);
    }
    commit(&mut script, 2, set("/k", 1));
    commit(&mut script, 3, made("/k/a"));
    script.event(1, EventKind::DataChanged, "/k", Some(z(2)));
    script.event(1, EventKind::Created, "/k/a", Some(z(3)));
    script.event(1, EventKind::ChildrenChanged, "/k", Some(z(3)));
    look(&mut script, 3);
    assert_clean(&script);
}

#[test]
fn a_lasting_watch_never_skips_a_change() {
    let mut script = started();
    let add = Request::AddWatch {
        path: path("/k"),
        mode: 0,
    };
    script.did(1, add, z(1), Response::Empty);
    commit(&mut script, 2, set("/k", 1));
    commit(&mut script, 3, set("/k", 2));
    script.event(1, EventKind::DataChanged, "/k", Some(z(3)));
    look(&mut script, 3);
    assert_only(&script, Property::WatchLost, "event-lost");
}

/// Client 1 watches `/k`'s data and children and the missing `/x`, loses its connection at 1:1 and comes back.
fn reconnected(missed: impl FnOnce(&mut Script)) -> Script {
    let mut script = started();
    watch_data(&mut script, 1);
    watch_children(&mut script, 1);
    script.failed(1, exists("/x", true), z(1), ErrorCode::NoNode);
    script.disconnect(1);
    missed(&mut script);
    script.connect(1, 2, false);
    script
}

fn held() -> SetWatches {
    SetWatches {
        relative_zxid: z(1),
        data: vec![path("/k")],
        exist: vec![path("/x")],
        child: vec![path("/k")],
        ..SetWatches::default()
    }
}

#[test]
fn watches_set_again_without_a_change_stay_armed() {
    let mut script = reconnected(|_| {});
    script.reset(1, z(1), held());
    commit(&mut script, 2, made("/x"));
    script.event(1, EventKind::Created, "/x", Some(z(2)));
    look(&mut script, 2);
    let findings = judge(&script);
    assert!(findings.violations().is_empty(), "{findings:#?}");
    assert_holds(&findings, Property::WatchRearm);
}

#[test]
fn changes_in_the_gap_are_caught_up_one_by_one() {
    let mut script = reconnected(|script| {
        commit(script, 2, made("/x"));
        commit(script, 3, gone("/k"));
    });
    script.event(1, EventKind::Deleted, "/k", None);
    script.event(1, EventKind::Created, "/x", None);
    script.event(1, EventKind::Deleted, "/k", None);
    script.reset(1, z(3), held());
    look(&mut script, 3);
    assert_clean(&script);
}

#[test]
fn a_znode_that_came_and_went_in_the_gap_is_lost_by_design() {
    let mut script = reconnected(|script| {
        commit(script, 2, made("/x"));
        commit(script, 3, gone("/x"));
    });
    script.reset(1, z(3), held());
    look(&mut script, 3);
    assert_clean(&script);
    assert_noted(&script, "came-and-went-in-gap");
}

/// Demands exactly one note, with a story of what happened.
fn assert_noted(script: &Script, kind: &str) {
    let findings = judge(script);
    let [note] = findings.notes() else {
        panic!("expected one note: {findings:#?}");
    };
    assert_eq!((note.kind, note.count), (kind, 1), "{note:#?}");
    assert!((3..=4).contains(&note.story.len()), "{note:#?}");
}

#[test]
fn a_lasting_watch_misses_by_design_what_happens_in_the_gap() {
    for (counter, missed) in [(3, true), (2, false)] {
        let mut script = started();
        let request = Request::AddWatch {
            path: path("/k"),
            mode: 0,
        };
        script.did(1, request, z(1), Response::Empty);
        // This one is told, though no reply shows it.
        commit(&mut script, 2, set("/k", 1));
        script.event(1, EventKind::DataChanged, "/k", Some(z(2)));
        script.disconnect(1);
        if missed {
            commit(&mut script, 3, set("/k", 2));
        }
        script.connect(1, 2, false);
        let watches = SetWatches {
            relative_zxid: z(1),
            persistent: vec![path("/k")],
            ..SetWatches::default()
        };
        script.reset(1, z(counter), watches);
        look(&mut script, counter);
        assert_clean(&script);
        if missed {
            assert_noted(&script, "lasting-watch-over-gap");
        } else {
            assert!(judge(&script).notes().is_empty());
        }
    }
}

#[test]
fn several_changes_in_the_gap_make_one_event_by_design() {
    let mut script = reconnected(|script| {
        commit(script, 2, set("/k", 1));
        commit(script, 3, set("/k", 2));
    });
    script.event(1, EventKind::DataChanged, "/k", None);
    script.reset(1, z(3), held());
    look(&mut script, 3);
    assert_clean(&script);
    assert_noted(&script, "changes-merged-in-gap");
}

#[test]
fn a_client_may_rejoin_behind_an_event_but_not_behind_a_reply() {
    let mut script = started();
    watch_data(&mut script, 1);
    commit(&mut script, 2, set("/k", 1));
    script.event(1, EventKind::DataChanged, "/k", Some(z(2)));
    script.disconnect(1);
    script.connect(1, 2, false);
    look(&mut script, 1);
    assert_clean(&script);
    assert_noted(&script, "rejoined-behind-event");
}

#[test]
fn the_end_of_a_session_fires_the_watches_on_its_ephemerals_and_ends_its_own() {
    let ends = |closer: u16| {
        let mut changes = gone("/k");
        let session = session(closer);
        changes.push(Change::CloseSession { session });
        changes
    };
    let mut script = started();
    watch_data(&mut script, 1);
    commit(&mut script, 2, ends(7));
    script.event(1, EventKind::Deleted, "/k", Some(z(2)));
    look(&mut script, 2);
    assert_clean(&script);
    let mut script = started();
    script.failed(1, exists("/x", true), z(1), ErrorCode::NoNode);
    commit(&mut script, 2, ends(1));
    commit(&mut script, 3, made("/x"));
    script.event(1, EventKind::Created, "/x", Some(z(3)));
    assert_only(&script, Property::WatchSpurious, "event-after-session-end");
}

#[test]
fn a_change_in_the_gap_is_caught_up() {
    let mut script = reconnected(|script| commit(script, 2, set("/k", 1)));
    script.reset(1, z(2), held());
    assert_only(&script, Property::WatchRearm, "change-not-caught-up");
}

#[test]
fn a_child_that_went_in_the_gap_is_caught_up() {
    let mut script = reconnected(|script| {
        commit(script, 2, made("/k/a"));
        commit(script, 3, gone("/k/a"));
    });
    script.reset(1, z(3), held());
    assert_only(&script, Property::WatchRearm, "change-not-caught-up");
}

#[test]
fn what_the_client_has_seen_is_not_caught_up() {
    let mut script = reconnected(|_| {});
    script.event(1, EventKind::DataChanged, "/k", None);
    script.reset(1, z(1), held());
    assert_only(&script, Property::WatchRearm, "wrong-catch-up");
}

#[test]
fn every_held_watch_is_registered_again() {
    let mut script = reconnected(|_| {});
    let watches = SetWatches {
        exist: Vec::new(),
        ..held()
    };
    script.reset(1, z(1), watches);
    look(&mut script, 1);
    assert_only(&script, Property::WatchRearm, "watch-not-registered-again");
}

#[test]
fn a_watch_on_a_missing_znode_is_not_registered_as_one_on_its_data() {
    let mut script = reconnected(|_| {});
    let watches = SetWatches {
        data: vec![path("/k"), path("/x")],
        exist: Vec::new(),
        ..held()
    };
    script.event(1, EventKind::Deleted, "/x", None);
    script.reset(1, z(1), watches);
    look(&mut script, 1);
    assert_only(&script, Property::WatchRearm, "watch-not-registered-again");
}

#[test]
fn a_watch_that_fired_when_it_was_set_again_is_spent() {
    let mut script = reconnected(|script| commit(script, 2, set("/k", 1)));
    script.event(1, EventKind::DataChanged, "/k", None);
    script.reset(1, z(2), held());
    commit(&mut script, 3, set("/k", 2));
    script.event(1, EventKind::DataChanged, "/k", Some(z(3)));
    assert_only(&script, Property::WatchOnce, "fired-twice");
}

#[test]
fn a_new_session_holds_no_watches() {
    let mut script = started();
    watch_data(&mut script, 1);
    script.disconnect(1);
    script.fact(Fact::Expired {
        client: ClientId(1),
        session: session(1),
        told: true,
    });
    script.connect(1, 2, true);
    look(&mut script, 1);
    assert_clean(&script);
}

#[test]
fn a_catch_up_event_for_a_change_that_was_shown_when_the_watch_was_set_is_spurious() {
    let data = SetWatches {
        relative_zxid: z(0),
        data: vec![path("/k")],
        ..SetWatches::default()
    };
    let mut script = started();
    // A reply without a position: the library cannot know what it has seen.
    let call = script.invoke(1, get("/k", true));
    let answer = Response::Data(bytes(""), stat(z(1), z(1), 0).into());
    script.returns(call, None, Ok(answer));
    script.disconnect(1);
    script.connect(1, 2, false);
    script.event(1, EventKind::DataChanged, "/k", None);
    script.reset(1, z(1), data);
    assert_only(&script, Property::WatchSpurious, "nothing-missed");
}
