//! Where reality differs from the documentation (semantics.md §0), as far as the tree is concerned: 17 and 18 are the
//! client's. The number of a test is the number there.

use super::fixture::{
    ME, OTHER, Server, add_watch, create, create_as, create_flags, create_guarded, delete, exists,
    get_children, get_data, local, private, set, synthesised,
};
use crate::history::op::EventKind::{ChildrenChanged, Created, DataChanged, Deleted};
use crate::history::op::{CreateOp, ErrorCode, Path, Request, Response, SetWatches, flags};
use crate::tree::acl::{self, perms};
use crate::tree::store::Counter;
use crate::tree::txn::Body;
use crate::tree::watch::Watcher;

#[test]
fn s01_visible_cversion_counts_creates_and_deletes_but_the_suffix_counts_creates_only() {
    let mut server = Server::new();
    assert_eq!(server.stat("/").cversion, -1);
    assert_eq!(server.stat("/zookeeper").cversion, -2);
    server.plant(&["/a", "/a/x", "/a/y"]);
    server.write(&delete("/a/x")).unwrap();
    assert_eq!(server.stat("/a").cversion, 3);
    let created = server.write(&create_flags("/a/s-", flags::SEQUENTIAL));
    assert_eq!(created, Ok(Response::Path(Path::from("/a/s-0000000002"))));
}

#[test]
fn s02_failed_writes_consume_a_zxid_and_change_nothing() {
    let mut server = Server::new();
    let (before, digest) = (server.tree.last(), server.tree.digest());
    assert_eq!(server.write(&delete("/nope")), Err(ErrorCode::NoNode));
    assert_eq!(
        server
            .write(&Request::Multi(vec![delete("/nope")]))
            .unwrap(),
        Response::Multi(vec![Err(ErrorCode::NoNode)])
    );
    assert_eq!(
        server.write(&Request::Multi(vec![])),
        Ok(Response::Multi(vec![]))
    );
    assert_eq!(server.tree.last().0, before.0 + 3);
    assert_eq!(server.tree.digest(), digest);
}

#[test]
fn s03_s04_a_failed_multi_is_a_success_whose_results_are_ok_then_the_error_then_runtime_inconsistency()
 {
    let mut server = Server::new();
    let operations = vec![create("/a"), create("/b"), set("/nope", -1), create("/c")];
    let expected = [
        ErrorCode::Ok,
        ErrorCode::Ok,
        ErrorCode::NoNode,
        ErrorCode::RuntimeInconsistency,
    ];
    assert_eq!(
        server.write(&Request::Multi(operations)),
        Ok(Response::Multi(expected.map(Err).to_vec()))
    );
    assert!(
        server.tree.get("/a").is_none(),
        "what came before is rolled back"
    );
    assert_eq!(
        server.write(&create("/a")),
        Ok(Response::Path(Path::from("/a"))),
        "also in the preparing stage"
    );
}

#[test]
fn s05_versions_wrap_around_and_pass_minus_one() {
    let mut server = Server::new();
    server.plant(&["/v"]);
    for (before, after) in [(i32::MAX, i32::MIN), (-2, -1), (-1, 0)] {
        server
            .tree
            .overwrite_counter("/v", Counter::Version, before);
        server.write(&set("/v", before)).unwrap();
        assert_eq!(server.stat("/v").version, after);
        server
            .tree
            .overwrite_counter("/v", Counter::Aversion, before);
        server
            .write(&super::fixture::set_acl("/v", acl::open()))
            .unwrap();
        assert_eq!(server.stat("/v").aversion, after);
    }
}

#[test]
fn s06_an_overflowing_child_counter_sticks_and_moves_neither_cversion_nor_pzxid_any_more() {
    let mut server = Server::new();
    server.plant(&["/s"]);
    server
        .tree
        .overwrite_counter("/s", Counter::Cversion, i32::MAX);
    let (pzxid, sequence) = (
        server.stat("/s").pzxid,
        create_flags("/s/q", flags::SEQUENTIAL),
    );
    assert_eq!(
        server.write(&sequence),
        Ok(Response::Path(Path::from("/s/q2147483647")))
    );
    assert_eq!(server.write(&sequence), Err(ErrorCode::NodeExists));
    server.plant(&["/s/plain"]);
    assert_eq!(server.stat("/s").pzxid, pzxid);
    assert_eq!(server.tree.get("/s").unwrap().stored.cversion, i32::MAX);
}

#[test]
fn s06_the_preparing_stage_counts_on_from_the_negative_end() {
    let mut server = Server::new();
    server.plant(&["/s"]);
    server
        .tree
        .overwrite_counter("/s", Counter::Cversion, i32::MAX);
    let twice = Request::Multi(vec![create_flags("/s/q", flags::SEQUENTIAL); 2]);
    let expected =
        ["/s/q2147483647", "/s/q-2147483648"].map(|path| Ok(Response::Path(Path::from(path))));
    assert_eq!(server.write(&twice), Ok(Response::Multi(expected.to_vec())));
}

#[test]
fn s07_containers_and_ttl_nodes_show_no_owner() {
    let mut server = Server::new();
    server
        .write(&create_as(CreateOp::Container, "/c", flags::CONTAINER, -1))
        .unwrap();
    server
        .write(&create_as(CreateOp::Ttl, "/t", flags::TTL, 5))
        .unwrap();
    server.write(&create_flags("/e", flags::EPHEMERAL)).unwrap();
    assert_eq!(
        ["/c", "/t", "/e"].map(|path| server.stat(path).owner),
        [0, 0, ME.0]
    );
}

#[test]
fn s08_create_with_the_container_flag_makes_a_plain_node_that_is_never_reaped() {
    let mut server = Server::new();
    server.write(&create_flags("/c", flags::CONTAINER)).unwrap();
    server.plant(&["/c/k"]);
    server.write(&delete("/c/k")).unwrap();
    assert_eq!(server.tree.reapable(u64::MAX), []);
    assert_eq!(
        server.write(&create_flags("/t", flags::TTL)),
        Err(ErrorCode::BadArguments),
        "create has no ttl"
    );
}

#[test]
fn s08_create_container_makes_a_container_whatever_the_flags_but_preparation_believes_them() {
    let mut server = Server::new();
    server
        .write(&create_as(CreateOp::Container, "/c", flags::EPHEMERAL, -1))
        .unwrap();
    server.plant(&["/c/k"]);
    assert_eq!(server.stat("/c").owner, 0);
    let within = vec![
        create_as(CreateOp::Container, "/d", flags::EPHEMERAL, -1),
        create("/d/k"),
    ];
    let expected = vec![Err(ErrorCode::Ok), Err(ErrorCode::NoChildrenForEphemerals)];
    assert_eq!(
        server.write(&Request::Multi(within)),
        Ok(Response::Multi(expected))
    );
    let first = server.tree.last().next();
    let container = server.prepare(
        first,
        &create_as(CreateOp::Container, "/e", flags::EPHEMERAL, -1),
    );
    let child = server.prepare(first.next(), &create("/e/k"));
    assert_eq!(
        child.body,
        Body::Error(ErrorCode::NoChildrenForEphemerals),
        "while the create is in flight"
    );
    server.apply(&container).unwrap();
    server.apply(&child).unwrap_err();
    server.plant(&["/e/k"]);
}

#[test]
fn s09_create_ttl_without_a_ttl_mode_is_refused_instead_of_killing_the_server() {
    let mut server = Server::new();
    let request = create_as(CreateOp::Ttl, "/t", flags::PERSISTENT, -1);
    assert_eq!(server.write(&request), Err(ErrorCode::BadArguments));
}

#[test]
fn s10_delete_container_removes_any_childless_node_but_a_normal_ephemeral() {
    let mut server = Server::new();
    server.plant(&["/plain", "/full", "/full/k"]);
    server
        .write(&create_guarded("/locked", Some(private(perms::ALL))))
        .unwrap();
    server.write(&create_flags("/e", flags::EPHEMERAL)).unwrap();
    let mut reap = |path: &str| {
        server.write(&Request::DeleteContainer {
            path: Path::from(path),
        })
    };
    assert_eq!(reap("/plain"), Ok(Response::Empty));
    assert_eq!(reap("/locked"), Ok(Response::Empty), "no look at the list");
    assert_eq!(reap("/full"), Err(ErrorCode::NotEmpty));
    assert_eq!(reap("/e"), Err(ErrorCode::BadVersion));
    assert_eq!(reap("/zookeeper"), Err(ErrorCode::BadArguments));
}

#[test]
fn s11_check_outside_a_multi_and_unknown_opcodes_are_unimplemented() {
    let mut server = Server::new();
    let check = Request::Check {
        path: Path::from("/"),
        version: 0,
    };
    for request in [
        check,
        Request::Raw { opcode: 13 },
        Request::Raw { opcode: 99 },
    ] {
        assert_eq!(server.ask(1, &request), Err(ErrorCode::Unimplemented));
    }
}

#[test]
fn s12_the_empty_path_reads_the_root_but_a_watch_on_it_never_fires() {
    let mut server = Server::new();
    assert_eq!(
        server.ask(1, &exists("", true)),
        Ok(Response::Stat(server.stat("/").into()))
    );
    assert!(server.ask(1, &get_data("", true)).is_ok());
    assert!(server.ask(1, &get_children("", true)).is_ok());
    server.write(&set("/", -1)).unwrap();
    server.plant(&["/a"]);
    assert_eq!(server.events(), []);
    assert_eq!(
        server.write(&set("", -1)),
        Err(ErrorCode::BadArguments),
        "setData validates fully"
    );
}

#[test]
fn s12_nul_is_bad_arguments_for_exists_and_a_missing_node_for_other_reads() {
    let mut server = Server::new();
    assert_eq!(
        server.ask(1, &exists("/a\0", false)),
        Err(ErrorCode::BadArguments)
    );
    assert_eq!(
        server.ask(1, &get_data("/a\0", false)),
        Err(ErrorCode::NoNode)
    );
    assert_eq!(
        server.write(&delete("/a/")),
        Err(ErrorCode::NoNode),
        "delete looks for NUL only"
    );
    assert_eq!(server.write(&delete("/a\0")), Err(ErrorCode::BadArguments));
}

#[test]
fn s13_the_reserved_nodes_can_be_written_but_not_deleted_and_config_only_read() {
    let mut server = Server::new();
    server.write(&set("/zookeeper", -1)).unwrap();
    server.plant(&["/zookeeper/mine"]);
    assert_eq!(
        server.write(&set("/zookeeper/config", -1)),
        Err(ErrorCode::NoAuth)
    );
    for reserved in ["/", "/zookeeper", "/zookeeper/quota", "/zookeeper/config"] {
        assert_eq!(
            server.write(&delete(reserved)),
            Err(ErrorCode::BadArguments)
        );
    }
}

#[test]
fn s14_one_event_per_connection_trigger_and_manager_however_many_watches_match() {
    let mut server = Server::new();
    server.plant(&["/a"]);
    for request in [
        get_data("/a", true),
        add_watch("/a", 0),
        add_watch("/a", 1),
        add_watch("/", 1),
        get_children("/a", true),
    ] {
        server.ask(1, &request).unwrap();
    }
    server.write(&set("/a", -1)).unwrap();
    assert_eq!(server.events(), [(1, DataChanged, "/a")]);
    server.plant(&["/a/k"]);
    let expected = [(1, Created, "/a/k"), (1, ChildrenChanged, "/a")];
    assert_eq!(
        server.events(),
        expected,
        "a recursive watcher gets the child event of its other watch too"
    );
}

#[test]
fn s15_events_carry_the_zxid_of_the_change() {
    let mut server = Server::new();
    server.ask(1, &exists("/a", true)).unwrap_err();
    server.plant(&["/a"]);
    assert_eq!(
        server.told,
        [(1, Created, "/a".to_owned(), Some(server.tree.last()))]
    );
}

#[test]
fn s16_events_made_by_set_watches_skip_the_read_filter() {
    let mut server = Server::new();
    server
        .write(&create_guarded("/noread", Some(acl::world(perms::WRITE))))
        .unwrap();
    let seen = server.tree.last();
    server.write(&set("/noread", -1)).unwrap();
    let request = Request::SetWatches(Box::new(SetWatches {
        relative_zxid: seen,
        data: super::fixture::paths(&["/noread"]),
        ..SetWatches::default()
    }));
    assert_eq!(
        server.read(1, &request).events,
        [synthesised(DataChanged, "/noread")]
    );
}

#[test]
fn s19_delete_and_create_in_one_multi_show_a_one_shot_watch_the_first_only() {
    let mut server = Server::new();
    server.plant(&["/a"]);
    server.ask(1, &get_data("/a", true)).unwrap();
    server.ask(2, &add_watch("/a", 0)).unwrap();
    server
        .write(&Request::Multi(vec![delete("/a"), create("/a")]))
        .unwrap();
    assert_eq!(
        server.events(),
        [(1, Deleted, "/a"), (2, Deleted, "/a"), (2, Created, "/a")]
    );
}

#[test]
fn s20_the_end_of_a_session_deletes_in_order_of_paths() {
    let mut server = Server::new();
    for path in ["/z", "/m", "/a"] {
        server.write(&create_flags(path, flags::EPHEMERAL)).unwrap();
    }
    server.ask(1, &add_watch("/", 1)).unwrap();
    server.write(&Request::CloseSession).unwrap();
    assert_eq!(
        server.events(),
        [(1, Deleted, "/a"), (1, Deleted, "/m"), (1, Deleted, "/z")]
    );
}

#[test]
fn s21_a_suppressed_deletion_still_uses_up_the_child_watch() {
    let mut server = Server::new();
    server.plant(&["/a"]);
    server.ask(1, &get_data("/a", true)).unwrap();
    server.ask(1, &get_children("/a", true)).unwrap();
    server.write(&delete("/a")).unwrap();
    assert_eq!(server.events(), [(1, Deleted, "/a")]);
    server.plant(&["/a", "/a/k"]);
    assert_eq!(server.events(), []);
}

#[test]
fn s21_an_event_dropped_by_the_read_filter_leaves_persistent_watches_only() {
    let mut server = Server::new();
    server
        .write(&create_guarded(
            "/a",
            Some(acl::world(perms::WRITE | perms::ADMIN)),
        ))
        .unwrap();
    server.watches.add_data(&Path::from("/a"), Watcher(1));
    server.watches.add_persistent(&Path::from("/a"), Watcher(2));
    server.write(&set("/a", -1)).unwrap();
    assert_eq!(server.events(), []);
    server
        .write(&super::fixture::set_acl("/a", acl::open()))
        .unwrap();
    server.write(&set("/a", -1)).unwrap();
    assert_eq!(server.events(), [(2, DataChanged, "/a")]);
}

#[test]
fn s22_an_undecodable_write_is_answered_without_a_transaction_but_multi_and_create_session_take_one()
 {
    let mut server = Server::new();
    for opcode in [1, 7, 16] {
        let raw = Request::Raw { opcode };
        assert!(!raw.is_write());
        assert_eq!(server.ask(1, &raw), Err(ErrorCode::MarshallingError));
    }
    for opcode in [-10, 14] {
        let raw = Request::Raw { opcode };
        assert!(raw.is_write());
        assert_eq!(server.write(&raw), Err(ErrorCode::MarshallingError));
    }
}

#[test]
fn an_ephemeral_created_again_by_another_session_outlives_the_first() {
    let mut server = Server::new();
    server.write(&create_flags("/e", flags::EPHEMERAL)).unwrap();
    server.write(&delete("/e")).unwrap();
    server
        .write_as(OTHER, &local(), &create_flags("/e", flags::EPHEMERAL))
        .unwrap();
    server.write(&Request::CloseSession).unwrap();
    assert_eq!(server.stat("/e").owner, OTHER.0);
    assert_eq!(server.tree.sessions().collect::<Vec<_>>(), [(OTHER, 1000)]);
}

#[test]
fn an_ephemeral_still_in_flight_goes_with_its_session() {
    let mut server = Server::new();
    let first = server.tree.last().next();
    let created = server.prepare(first, &create_flags("/e", flags::EPHEMERAL));
    let closed = server
        .prep
        .close_session(&server.tree, first.next(), ME, 2, server.now_ms);
    let again = server.prepare(first.next().next(), &create("/e"));
    for txn in [&created, &closed, &again] {
        server.apply(txn).unwrap();
    }
    assert_eq!(
        closed.body,
        Body::CloseSession {
            ephemerals: super::fixture::paths(&["/e"])
        }
    );
    assert_eq!(server.stat("/e").owner, 0);
}

#[test]
fn ttl_nodes_are_due_when_childless_and_not_set_for_longer_than_their_ttl() {
    let mut server = Server::new();
    server
        .write(&create_as(CreateOp::Ttl, "/t", flags::TTL, 50))
        .unwrap();
    let born = server.now_ms;
    assert_eq!(server.tree.reapable(born + 50), []);
    assert_eq!(
        server.tree.reapable(born + 51),
        super::fixture::paths(&["/t"])
    );
    server.now_ms += 30;
    server
        .write(&super::fixture::set_acl("/t", acl::open()))
        .unwrap();
    assert_eq!(
        server.tree.reapable(born + 51),
        super::fixture::paths(&["/t"]),
        "setACL does not renew"
    );
    server.write(&set("/t", -1)).unwrap();
    assert_eq!(server.tree.reapable(born + 51), [], "setData renews");
    server.plant(&["/t/k"]);
    assert_eq!(server.tree.reapable(u64::MAX), [], "a parent stays");
}
