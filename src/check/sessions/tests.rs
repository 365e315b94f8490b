//! Hand-made logs and reigns: each way sessions may be betrayed, and its legal neighbours.

use super::SessionsMonitor;
use crate::base::id::{ClientId, ServerId, SessionId};
use crate::base::lineage::Lineage;
use crate::base::zxid::Epoch;
use crate::check::script::{
    Script, assert_broken, assert_holds, bytes, create_as, get, path, session, set, stat, z,
};
use crate::check::verdict::{Findings, Property, Verdict};
use crate::history::fact::{Change, Fact, Role};
use crate::history::op::{Request, Response, flags};

const SESSIONS: Property = Property::Sessions;
const TIMEOUT_MS: u32 = 1_000;

fn judge(script: &Script) -> Findings {
    script.judge(&mut SessionsMonitor::new())
}

fn open(client: u16) -> Vec<Change> {
    vec![Change::OpenSession {
        session: session(client),
        timeout_ms: TIMEOUT_MS,
    }]
}

fn ephemeral(name: &str, owner: SessionId) -> Change {
    Change::Create {
        path: path(name),
        owner: Some(owner),
        data: 0,
    }
}

fn removal(name: &str) -> Change {
    Change::Delete { path: path(name) }
}

fn close(client: u16) -> Change {
    Change::CloseSession {
        session: session(client),
    }
}

/// Sessions of clients 1 and 2 were opened at 1:1 and 1:2; client 1 owns `/e` since 1:3.
fn started() -> Script {
    let mut script = Script::new();
    script.commit(z(1), session(1), open(1));
    script.commit(z(2), session(2), open(2));
    script.commit(z(3), session(1), vec![ephemeral("/e", session(1))]);
    script
}

fn lead(script: &mut Script) {
    script.fact(Fact::ServeStart {
        server: ServerId(1),
        role: Role::Leader,
        epoch: Epoch(1),
        lineage: Lineage::EMPTY,
        tree: 0,
    });
}

fn touch(script: &mut Script, client: u16, local_ms: u64) {
    script.fact(Fact::SessionTouched {
        server: ServerId(1),
        session: session(client),
        timeout_ms: TIMEOUT_MS,
        local_ms,
    });
}

fn expire(script: &mut Script, client: u16, local_ms: u64) {
    script.fact(Fact::SessionExpiring {
        server: ServerId(1),
        session: session(client),
        local_ms,
    });
}

#[test]
fn an_empty_log_is_vacuous() {
    assert_eq!(judge(&Script::new()).verdict(SESSIONS), Verdict::Vacuous);
}

#[test]
fn a_session_that_takes_its_ephemerals_along_is_accepted() {
    let mut script = started();
    script.commit(z(4), session(1), vec![removal("/e"), close(1)]);
    assert_holds(&judge(&script), SESSIONS);
}

#[test]
fn an_ephemeral_that_somebody_deleted_and_made_anew_belongs_to_its_new_owner() {
    let mut script = started();
    script.commit(z(4), session(2), vec![removal("/e")]);
    script.commit(z(5), session(2), vec![ephemeral("/e", session(2))]);
    script.commit(z(6), session(1), vec![close(1)]);
    script.commit(z(7), session(2), vec![removal("/e"), close(2)]);
    assert_holds(&judge(&script), SESSIONS);
}

#[test]
fn an_ephemeral_never_outlives_its_session() {
    let mut script = started();
    script.commit(z(4), session(1), vec![close(1)]);
    assert_broken(&judge(&script), SESSIONS, "ephemeral-outlives-session");
}

#[test]
fn an_ephemeral_is_never_made_for_a_closed_session() {
    let mut script = started();
    script.commit(z(4), session(1), vec![removal("/e"), close(1)]);
    script.commit(z(5), SessionId::NONE, vec![ephemeral("/f", session(1))]);
    assert_broken(&judge(&script), SESSIONS, "ephemeral-of-dead-session");
}

#[test]
fn a_closed_session_writes_nothing() {
    let mut script = started();
    script.commit(z(4), session(1), vec![removal("/e"), close(1)]);
    script.commit(z(5), session(1), vec![removal("/k")]);
    assert_broken(&judge(&script), SESSIONS, "write-of-closed-session");
}

#[test]
fn closing_a_closed_session_again_changes_nothing_and_is_accepted() {
    let mut script = started();
    script.commit(z(4), session(1), vec![removal("/e"), close(1)]);
    script.commit(z(5), session(1), vec![close(1)]);
    assert_holds(&judge(&script), SESSIONS);
}

#[test]
fn a_session_that_was_never_opened_writes_nothing() {
    let mut script = started();
    script.commit(z(4), session(9), vec![removal("/k")]);
    assert_broken(&judge(&script), SESSIONS, "write-of-unknown-session");
}

#[test]
fn a_closed_id_never_reappears() {
    let mut script = started();
    script.commit(z(4), session(2), vec![close(2)]);
    script.commit(z(5), session(2), open(2));
    assert_broken(&judge(&script), SESSIONS, "session-id-reused");
}

#[test]
fn two_clients_are_never_given_the_same_session() {
    let mut script = started();
    for client in [1, 2] {
        script.fact(Fact::Connected {
            client: ClientId(client),
            session: session(7),
            server: ServerId(1),
            conn: 1,
            timeout_ms: TIMEOUT_MS,
            fresh: true,
        });
    }
    assert_broken(&judge(&script), SESSIONS, "session-id-reused");
}

#[test]
fn a_session_expires_a_timeout_after_its_last_touch() {
    let mut script = started();
    lead(&mut script);
    touch(&mut script, 1, 5_000);
    script.wait(1_100);
    expire(&mut script, 1, 6_000);
    assert_holds(&judge(&script), SESSIONS);
}

#[test]
fn a_session_never_expires_earlier() {
    let mut script = started();
    lead(&mut script);
    touch(&mut script, 1, 5_000);
    touch(&mut script, 1, 5_500);
    script.wait(1_100);
    expire(&mut script, 1, 6_499);
    assert_broken(&judge(&script), SESSIONS, "expired-too-early");
}

#[test]
fn a_new_leader_gives_everybody_a_full_timeout() {
    let mut script = started();
    lead(&mut script);
    script.wait(500);
    expire(&mut script, 1, 9_000);
    assert_broken(&judge(&script), SESSIONS, "expired-too-early");
}

#[test]
fn touches_of_an_earlier_reign_do_not_count() {
    let mut script = started();
    lead(&mut script);
    touch(&mut script, 1, 5_000);
    script.fact(Fact::RoleEnd {
        server: ServerId(1),
        role: Role::Leader,
        why: "test".into(),
    });
    script.wait(2_000);
    lead(&mut script);
    script.wait(500);
    expire(&mut script, 1, 7_500);
    assert_broken(&judge(&script), SESSIONS, "expired-too-early");
}

#[test]
fn only_a_leader_expires_sessions() {
    let mut script = started();
    expire(&mut script, 1, 7_500);
    assert_broken(&judge(&script), SESSIONS, "expired-by-no-leader");
}

#[test]
fn a_leader_at_work_expires_a_silent_session() {
    let mut script = started();
    lead(&mut script);
    touch(&mut script, 1, 5_000);
    for beat in 0..60 {
        script.wait(100);
        touch(&mut script, 2, 5_000 + beat * 100);
    }
    assert_broken(&judge(&script), SESSIONS, "never-expired");
}

#[test]
fn a_leader_that_was_paused_owes_nothing_yet() {
    let mut script = started();
    lead(&mut script);
    touch(&mut script, 1, 5_000);
    script.wait(60_000);
    touch(&mut script, 2, 65_000);
    assert_holds(&judge(&script), SESSIONS);
}

#[test]
fn a_closing_session_whose_commit_is_outstanding_is_not_overdue() {
    let mut script = started();
    lead(&mut script);
    touch(&mut script, 1, 5_000);
    script.propose(z(4), session(1), vec![removal("/e"), close(1)]);
    for beat in 0..60 {
        script.wait(100);
        touch(&mut script, 2, 5_000 + beat * 100);
    }
    assert_holds(&judge(&script), SESSIONS);
}

#[test]
fn a_leader_whose_clocks_stand_still_owes_nothing_until_they_have_gone_on_for_as_long() {
    for (after, broken) in [(10, false), (60, true)] {
        let mut script = started();
        lead(&mut script);
        touch(&mut script, 1, 5_000);
        let server = ServerId(1);
        script.fact(Fact::ClockHeld { server, held: true });
        for _ in 0..60 {
            script.wait(100);
            touch(&mut script, 2, 5_000);
        }
        let held = false;
        script.fact(Fact::ClockHeld { server, held });
        for beat in 0..after {
            script.wait(100);
            touch(&mut script, 2, 5_000 + beat * 100);
        }
        if broken {
            assert_broken(&judge(&script), SESSIONS, "never-expired");
        } else {
            assert_holds(&judge(&script), SESSIONS);
        }
    }
}

/// Clients 1 and 2 are expired in this order, and then closed in that one.
fn closed_in_order(clients: &[u16]) -> Findings {
    let mut script = started();
    lead(&mut script);
    touch(&mut script, 1, 5_000);
    touch(&mut script, 2, 5_000);
    script.wait(1_100);
    expire(&mut script, 1, 6_100);
    expire(&mut script, 2, 6_100);
    for (client, counter) in clients.iter().zip(4..) {
        script.propose(z(counter), session(*client), vec![close(*client)]);
    }
    judge(&script)
}

#[test]
fn expired_sessions_are_closed_in_the_order_in_which_they_expired() {
    assert_holds(&closed_in_order(&[1, 2]), SESSIONS);
    assert_holds(&closed_in_order(&[1]), SESSIONS);
}

#[test]
fn an_expired_session_is_never_passed_over() {
    let findings = closed_in_order(&[2]);
    assert_broken(&findings, SESSIONS, "never-closed");
}

/// Client 1 connects anew with another session.
fn replace(script: &mut Script) {
    script.fact(Fact::Connected {
        client: ClientId(1),
        session: session(9),
        server: ServerId(2),
        conn: 2,
        timeout_ms: TIMEOUT_MS,
        fresh: true,
    });
}

fn expired(told: bool) -> Fact {
    Fact::Expired {
        client: ClientId(1),
        session: session(1),
        told,
    }
}

#[test]
fn a_session_that_is_replaced_in_silence_is_found() {
    let mut script = started();
    script.connect(1, 1, true);
    script.disconnect(1);
    replace(&mut script);
    assert_broken(&judge(&script), SESSIONS, "session-replaced-in-silence");
}

#[test]
fn a_new_session_after_the_old_one_expired_or_was_closed_is_accepted() {
    let mut told = started();
    told.connect(1, 1, true);
    told.fact(expired(true));
    replace(&mut told);
    assert_holds(&judge(&told), SESSIONS);
    let mut closed = started();
    closed.connect(1, 1, true);
    closed.invoke(1, Request::CloseSession);
    replace(&mut closed);
    assert_holds(&judge(&closed), SESSIONS);
}

#[test]
fn a_handle_that_a_failed_authentication_ended_says_nothing() {
    let mut script = started();
    script.connect(1, 1, true);
    let scheme = "digest".into();
    let auth = b"bad".as_slice().into();
    script.invoke(1, Request::Auth { scheme, auth });
    replace(&mut script);
    assert_holds(&judge(&script), SESSIONS);
}

/// Client 1 hears nothing from now on, and its requests fail, ten in two seconds, after `quiet_ms`.
fn fail_after(script: &mut Script, quiet_ms: u64) {
    script.connect(1, 1, true);
    script.disconnect(1);
    script.wait(quiet_ms);
    for _ in 0..10 {
        script.wait(200);
        let call = script.invoke(1, get("/k", false));
        script.lost(call, false);
    }
}

#[test]
fn a_client_that_never_gives_up_its_session_is_found() {
    let mut script = started();
    fail_after(&mut script, 2_400);
    assert_broken(&judge(&script), SESSIONS, "expiry-never-learnt");
}

#[test]
fn a_client_may_go_on_until_its_time_is_up_and_after_it_was_told() {
    let mut script = started();
    fail_after(&mut script, 0);
    script.fact(expired(false));
    script.wait(5_000);
    for _ in 0..10 {
        script.wait(200);
        let call = script.invoke(1, get("/k", false));
        script.lost(call, false);
    }
    assert_holds(&judge(&script), SESSIONS);
}

#[test]
fn a_session_that_is_closed_after_a_reconnect_may_be_followed_by_another() {
    let mut script = started();
    script.connect(1, 1, true);
    script.invoke(1, Request::CloseSession);
    script.disconnect(1);
    script.connect(1, 2, false);
    replace(&mut script);
    assert_holds(&judge(&script), SESSIONS);
}

#[test]
fn a_close_that_was_asked_for_before_there_was_a_session_ends_it() {
    let mut script = started();
    let close = script.invoke(1, Request::CloseSession);
    script.connect(1, 1, true);
    script.ok(close, z(4), Response::Empty);
    replace(&mut script);
    assert_holds(&judge(&script), SESSIONS);
}

/// Server 2 follows, client 1 is connected to it, and server 1 leads.
fn followed() -> Script {
    let mut script = started();
    lead(&mut script);
    script.fact(Fact::ServeStart {
        server: ServerId(2),
        role: Role::Follower,
        epoch: Epoch(1),
        lineage: Lineage::EMPTY,
        tree: 0,
    });
    script.fact(Fact::Connected {
        client: ClientId(1),
        session: session(1),
        server: ServerId(2),
        conn: 0,
        timeout_ms: TIMEOUT_MS,
        fresh: false,
    });
    touch(&mut script, 1, 10);
    script
}

fn shown() -> Response {
    Response::Data(bytes(""), stat(z(1), z(1), 0).into())
}

/// The leader is at work and server 2 acknowledges what it proposes.
fn work(script: &mut Script, from: u32) {
    for counter in from..from + 6 {
        script.wait(120);
        script.commit(z(counter), session(2), vec![]);
    }
}

#[test]
fn a_session_whose_follower_answers_is_not_expired() {
    let mut script = followed();
    script.wait(500);
    script.did(1, get("/k", false), z(3), shown());
    work(&mut script, 4);
    expire(&mut script, 1, 1_300);
    assert_broken(&judge(&script), SESSIONS, "expired-although-heard");
}

#[test]
fn a_session_may_expire_before_its_follower_can_have_told_the_leader() {
    let mut script = followed();
    script.wait(900);
    script.did(1, get("/k", false), z(3), shown());
    script.wait(120);
    script.commit(z(4), session(2), vec![]);
    expire(&mut script, 1, 1_300);
    assert_holds(&judge(&script), SESSIONS);
}

#[test]
fn a_sign_of_life_may_die_with_its_followers_role() {
    let mut script = followed();
    script.wait(500);
    script.did(1, get("/k", false), z(3), shown());
    script.fact(Fact::RoleEnd {
        server: ServerId(2),
        role: Role::Follower,
        why: "lost the leader".into(),
    });
    work(&mut script, 4);
    expire(&mut script, 1, 1_300);
    assert_holds(&judge(&script), SESSIONS);
}

/// As a recording shows it: client 1 made `/e` and was told that its session has expired; client 2 writes in epoch 1.
fn expired_for_its_client() -> Script {
    let mut script = Script::new();
    script.connect(1, 1, true);
    let made = Response::Path(path("/e"));
    script.did(1, create_as("/e", "", flags::EPHEMERAL), z(3), made);
    script.fact(Fact::Expired {
        client: ClientId(1),
        session: session(1),
        told: true,
    });
    write(&mut script, 4);
    script
}

fn write(script: &mut Script, counter: u32) {
    let stat = Response::Stat(stat(z(2), z(counter), 1).into());
    script.did(2, set("/k", "v", -1), z(counter), stat);
}

fn see_ephemeral(script: &mut Script, view: u32) {
    let mut shown = stat(z(3), z(3), 0);
    shown.owner = session(1).0;
    script.did(
        2,
        get("/e", false),
        z(view),
        Response::Data(bytes(""), shown.into()),
    );
}

#[test]
fn an_ephemeral_does_not_outlive_the_expiry_of_its_session_by_a_reign() {
    let mut script = expired_for_its_client();
    script.wait(6 * u64::from(TIMEOUT_MS));
    write(&mut script, 5);
    see_ephemeral(&mut script, 5);
    assert_broken(&judge(&script), SESSIONS, "ephemeral-outlives-expiry");
}

#[test]
fn an_ephemeral_may_be_seen_where_its_session_need_not_be_over() {
    // The reign is young, the view is old, or another leader has to find the session silent first.
    let mut script = expired_for_its_client();
    script.wait(5 * u64::from(TIMEOUT_MS));
    write(&mut script, 5);
    see_ephemeral(&mut script, 5);
    assert_holds(&judge(&script), SESSIONS);

    let mut script = expired_for_its_client();
    script.wait(6 * u64::from(TIMEOUT_MS));
    write(&mut script, 5);
    see_ephemeral(&mut script, 4);
    assert_holds(&judge(&script), SESSIONS);
}
