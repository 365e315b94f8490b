//! The watch trigger table (semantics.md §4.2), a test for each row. The table is about P = `/a/p` under `/a`.

use super::fixture::{
    ME, Server, add_watch, create, create_flags, delete, exists, get_children, get_data, local,
    set, set_acl,
};
use crate::history::op::EventKind::{self, ChildrenChanged, Created, DataChanged, Deleted};
use crate::history::op::{Path, Request, Response, SetWatches, flags};
use crate::tree::acl;
use crate::tree::watch::{Watcher, Which};

// The columns: connections, each with one watch.
const DATA: u64 = 1;
const EXISTS: u64 = 2;
const CHILD: u64 = 3;
const PARENT_CHILD: u64 = 4;
const PERSISTENT: u64 = 5;
const PARENT_PERSISTENT: u64 = 6;
const RECURSIVE: u64 = 7;
const ANCESTOR_RECURSIVE: u64 = 8;

/// Arms every column; what needs P to exist is armed only then.
fn arm(server: &mut Server) {
    for (connection, request) in [
        (DATA, get_data("/a/p", true)),
        (EXISTS, exists("/a/p", true)),
        (CHILD, get_children("/a/p", true)),
        (PARENT_CHILD, get_children("/a", true)),
        (PERSISTENT, add_watch("/a/p", 0)),
        (PARENT_PERSISTENT, add_watch("/a", 0)),
        (RECURSIVE, add_watch("/a/p", 1)),
        (ANCESTOR_RECURSIVE, add_watch("/", 1)),
    ] {
        let _missing = server.ask(connection, &request);
    }
}

fn with_p() -> Server {
    let mut server = Server::new();
    server.plant(&["/a", "/a/p"]);
    arm(&mut server);
    server
}

fn to(
    connections: &[u64],
    kind: EventKind,
    path: &'static str,
) -> Vec<(u64, EventKind, &'static str)> {
    connections
        .iter()
        .map(|connection| (*connection, kind, path))
        .collect()
}

#[test]
fn a_create_tells_exists_watches_of_it_children_watches_of_the_parent_persistent_ones_of_both_and_recursive_ones()
 {
    let mut server = Server::new();
    server.plant(&["/a"]);
    arm(&mut server);
    server.write(&create("/a/p")).unwrap();
    let created = to(
        &[EXISTS, PERSISTENT, RECURSIVE, ANCESTOR_RECURSIVE],
        Created,
        "/a/p",
    );
    let changed = to(&[PARENT_CHILD, PARENT_PERSISTENT], ChildrenChanged, "/a");
    assert_eq!(server.events(), [created, changed].concat());
}

#[test]
fn set_data_tells_data_persistent_and_recursive_watches_of_the_node() {
    let mut server = with_p();
    server.write(&set("/a/p", -1)).unwrap();
    let told = [DATA, EXISTS, PERSISTENT, RECURSIVE, ANCESTOR_RECURSIVE];
    assert_eq!(server.events(), to(&told, DataChanged, "/a/p"));
    server.write(&set("/a/p", -1)).unwrap();
    let left = [PERSISTENT, RECURSIVE, ANCESTOR_RECURSIVE];
    assert_eq!(
        server.events(),
        to(&left, DataChanged, "/a/p"),
        "one-shot watches are used up"
    );
}

#[test]
fn a_delete_tells_every_watch_of_the_node_once_and_the_parents_child_and_persistent_ones() {
    let mut server = with_p();
    server.write(&delete("/a/p")).unwrap();
    let told = [
        DATA,
        EXISTS,
        CHILD,
        PERSISTENT,
        RECURSIVE,
        ANCESTOR_RECURSIVE,
    ];
    let deleted = to(&told, Deleted, "/a/p");
    let changed = to(&[PARENT_CHILD, PARENT_PERSISTENT], ChildrenChanged, "/a");
    assert_eq!(server.events(), [deleted, changed].concat());
}

#[test]
fn set_acl_tells_nobody() {
    let mut server = with_p();
    server.write(&set_acl("/a/p", acl::open())).unwrap();
    assert_eq!(server.events(), []);
}

#[test]
fn a_failed_write_tells_nobody() {
    let mut server = with_p();
    server.write(&set("/a/p", 9)).unwrap_err();
    server
        .write(&Request::Multi(vec![set("/a/p", -1), delete("/nope")]))
        .unwrap();
    assert_eq!(server.events(), []);
}

#[test]
fn a_change_below_tells_the_recursive_watches_of_all_ancestors_and_the_watches_of_its_own_parent_only()
 {
    let mut server = with_p();
    server.write(&create("/a/p/g")).unwrap();
    let created = to(&[RECURSIVE, ANCESTOR_RECURSIVE], Created, "/a/p/g");
    let changed = to(&[CHILD, PERSISTENT], ChildrenChanged, "/a/p");
    assert_eq!(server.events(), [created, changed].concat());
    server.write(&set("/a/p/g", -1)).unwrap();
    assert_eq!(
        server.events(),
        to(&[RECURSIVE, ANCESTOR_RECURSIVE], DataChanged, "/a/p/g")
    );
}

#[test]
fn the_end_of_a_session_tells_of_each_ephemeral_as_a_delete_with_one_zxid() {
    let mut server = Server::new();
    server.plant(&["/a"]);
    server
        .write(&create_flags("/a/p", flags::EPHEMERAL))
        .unwrap();
    server
        .write(&create_flags("/a/q", flags::EPHEMERAL))
        .unwrap();
    server.ask(DATA, &get_data("/a/p", true)).unwrap();
    server.ask(PARENT_PERSISTENT, &add_watch("/a", 0)).unwrap();
    server.write(&Request::CloseSession).unwrap();
    let expected = [
        (DATA, Deleted, "/a/p"),
        (PARENT_PERSISTENT, ChildrenChanged, "/a"),
        (PARENT_PERSISTENT, ChildrenChanged, "/a"),
    ];
    assert_eq!(server.events(), expected);
    let zxid = server.tree.last();
    assert!(server.told.iter().all(|(.., at)| *at == Some(zxid)));
}

#[test]
fn a_multi_tells_of_each_operation_in_order_with_one_zxid() {
    let mut server = with_p();
    server.watches.forget(Watcher(PARENT_CHILD));
    let operations = vec![set("/a/p", -1), delete("/a/p"), create("/a/p")];
    server.write(&Request::Multi(operations)).unwrap();
    let mine: Vec<_> = server
        .told
        .iter()
        .filter(|(who, ..)| *who == PERSISTENT)
        .map(|(_, kind, ..)| *kind)
        .collect();
    assert_eq!(mine, [DataChanged, Deleted, Created]);
    let zxid = server.tree.last();
    assert!(server.told.iter().all(|(.., at)| *at == Some(zxid)));
}

#[test]
fn a_watch_is_a_set_entry_so_setting_it_three_times_fires_once() {
    let mut server = with_p();
    for _ in 0..3 {
        server.ask(DATA, &get_data("/a/p", true)).unwrap();
    }
    server.write(&set("/a/p", -1)).unwrap();
    let mine = |server: &Server| server.told.iter().filter(|(who, ..)| *who == DATA).count();
    assert_eq!(mine(&server), 1);
    server.write(&set("/a/p", -1)).unwrap();
    assert_eq!(mine(&server), 0);
}

#[test]
fn a_standard_watch_survives_changes_it_does_not_match() {
    let mut server = with_p();
    server.write(&create("/a/p/g")).unwrap();
    server.write(&set("/a/p", -1)).unwrap();
    assert!(
        server.events().contains(&(DATA, DataChanged, "/a/p")),
        "a create of a child is not the data watch's"
    );
    server.ask(CHILD, &get_children("/a/p", true)).unwrap();
    server.write(&set("/a/p", -1)).unwrap();
    server.write(&delete("/a/p/g")).unwrap();
    assert!(
        server.events().contains(&(CHILD, ChildrenChanged, "/a/p")),
        "setData is not the child watch's"
    );
}

#[test]
fn watches_of_a_closed_connection_are_gone() {
    let mut server = with_p();
    for connection in DATA..=ANCESTOR_RECURSIVE {
        server.watches.forget(Watcher(connection));
    }
    server.write(&delete("/a/p")).unwrap();
    assert_eq!(server.events(), []);
    assert_eq!(
        server.watches,
        crate::tree::watch::Watches::default(),
        "nothing of them is left"
    );
}

#[test]
fn remove_watches_removes_the_kinds_of_its_type_on_the_exact_path() {
    // Types 1 to 5 and which of these watches each of them finds: data, child, persistent, recursive.
    let found = [
        (Which::Children, [false, true, false, false]),
        (Which::Data, [true, false, false, false]),
        (Which::Any, [true, true, true, true]),
        (Which::Persistent, [false, false, true, false]),
        (Which::Recursive, [false, false, false, true]),
    ];
    for (number, (which, expected)) in (1..).zip(found) {
        assert_eq!(Which::by_number(number), Some(which));
        let remove = Request::RemoveWatches {
            path: Path::from("/a/p"),
            kind: number,
        };
        for (connection, there) in [DATA, CHILD, PERSISTENT, RECURSIVE]
            .into_iter()
            .zip(expected)
        {
            let mut server = with_p();
            assert_eq!(
                server.watches.check("/a/p", Watcher(connection), which),
                there,
                "type {number}"
            );
            assert_eq!(
                server.ask(connection, &remove).is_ok(),
                there,
                "type {number}"
            );
            assert!(!server.watches.check("/a/p", Watcher(connection), which));
            assert!(
                server.ask(connection, &remove).is_err(),
                "nothing is left to remove"
            );
        }
    }
}

#[test]
fn set_watches_fires_what_was_missed_and_arms_the_rest() {
    let mut server = Server::new();
    server.plant(&["/same", "/changed", "/parent"]);
    let seen = server.tree.last();
    server.write(&set("/changed", -1)).unwrap();
    server.plant(&["/parent/new", "/born"]);
    let list = |paths: &[&str]| super::fixture::paths(paths);
    let request = Request::SetWatches(Box::new(SetWatches {
        relative_zxid: seen,
        data: list(&["/same", "/changed", "/gone"]),
        exist: list(&["/absent", "/born"]),
        child: list(&["/same", "/parent", "/gone"]),
        persistent: list(&["/parent"]),
        recursive: list(&["/changed"]),
    }));
    let answer = server.read(DATA, &request);
    assert_eq!(answer.result, Ok(Response::Empty));
    let expected = [
        (DataChanged, "/changed"),
        (Deleted, "/gone"),
        (Created, "/born"),
        (ChildrenChanged, "/parent"),
        (Deleted, "/gone"),
    ];
    assert_eq!(
        answer.events,
        expected.map(|(kind, path)| super::fixture::synthesised(kind, path)),
        "in the order of the lists, each entry alone"
    );
    let armed = |path: &str| server.watches.check(path, Watcher(DATA), Which::Any);
    assert_eq!(
        ["/same", "/changed", "/gone", "/absent", "/born", "/parent"].map(armed),
        [true, true, false, true, false, true]
    );
}

#[test]
fn without_read_permission_an_event_is_dropped_and_the_standard_watch_used_up() {
    let mut server = with_p();
    server
        .write(&set_acl(
            "/a/p",
            acl::world(acl::perms::ALL & !acl::perms::READ),
        ))
        .unwrap();
    server.write_as(ME, &local(), &set("/a/p", -1)).unwrap();
    assert_eq!(server.events(), []);
    server.write(&set_acl("/a/p", acl::open())).unwrap();
    server.write(&set("/a/p", -1)).unwrap();
    let left = [PERSISTENT, RECURSIVE, ANCESTOR_RECURSIVE];
    assert_eq!(server.events(), to(&left, DataChanged, "/a/p"));
}

#[test]
fn a_connections_watches_are_listed_by_kind_and_gone_from_the_list_once_used_up() {
    let mut server = Server::new();
    server.plant(&["/a", "/b"]);
    for request in [
        get_data("/a", true),
        exists("/c", true),
        get_children("/a", true),
        add_watch("/b", 0),
        add_watch("/b", 1),
    ] {
        let _missing = server.ask(DATA, &request);
    }
    let list =
        |paths: &[&str]| -> Vec<Path> { paths.iter().map(|path| Path::from(*path)).collect() };
    let watched = server.watches.of(Watcher(DATA));
    assert_eq!(watched.data, list(&["/a", "/c"]));
    assert_eq!(watched.child, list(&["/a"]));
    assert_eq!(watched.persistent, list(&["/b"]));
    assert_eq!(watched.recursive, list(&["/b"]));
    server.write(&set("/a", -1)).unwrap();
    server.write(&create("/c")).unwrap();
    let watched = server.watches.of(Watcher(DATA));
    assert_eq!(watched.data, list(&[]));
    assert_eq!(watched.child, list(&["/a"]));
}
