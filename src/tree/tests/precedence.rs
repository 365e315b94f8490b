//! Which error wins (semantics.md §2.1), access control lists and quotas.

use std::sync::Arc;

use super::fixture::{
    ME, Server, create, create_as, create_flags, create_guarded, data, delete, get_data, local,
    private, set, set_acl,
};
use crate::history::op::ErrorCode::{
    BadArguments, BadVersion, InvalidAcl, MarshallingError, NoAuth, NoChildrenForEphemerals,
    NoNode, NodeExists, NotEmpty, QuotaExceeded, Unimplemented,
};
use crate::history::op::{Acl, AclEntry, CreateOp, ErrorCode, Path, Request, Response, flags};
use crate::tree::acl::{self, Identities, perms};
use crate::tree::rules::{ExtendedTypes, QuotaRule, SetDataRule};

fn entry(perms: i32, scheme: &str, id: &str) -> AclEntry {
    AclEntry {
        perms,
        scheme: Arc::from(scheme),
        id: Arc::from(id),
    }
}

fn list(entries: &[AclEntry]) -> Acl {
    Arc::from(entries)
}

/// `/p` plain, `/ro` read-only with a child, `/e` ephemeral.
fn server() -> Server {
    let mut server = Server::new();
    server.plant(&["/p", "/p/k", "/ro", "/ro/k"]);
    server
        .write(&set_acl("/ro", acl::world(perms::READ)))
        .unwrap();
    server.write(&create_flags("/e", flags::EPHEMERAL)).unwrap();
    server
}

#[test]
fn the_first_failing_check_of_a_create_wins() {
    let mut server = server();
    let bad_list = || Some(list(&[]));
    let cases: Vec<(Request, ErrorCode)> = vec![
        (create_flags("/nope/x", 7), BadArguments),
        (create_flags("/nope/x", -1), BadArguments),
        (
            create_as(CreateOp::Ttl, "/nope/x", flags::TTL, 0),
            BadArguments,
        ),
        (
            create_as(CreateOp::Ttl, "/nope/x", flags::TTL, 1 << 40),
            BadArguments,
        ),
        (
            create_as(CreateOp::Ttl, "/nope/x", flags::PERSISTENT, 5),
            BadArguments,
        ),
        (create("x"), BadArguments),
        (create_guarded("x", bad_list()), BadArguments),
        (create_guarded("/nope/x", bad_list()), InvalidAcl),
        (create_guarded("/p", bad_list()), InvalidAcl),
        (create_guarded("/p/x", None), InvalidAcl),
        (create("/nope/a\u{1}b"), NoNode),
        (create("/p//k"), NoNode),
        (create("/./k"), NoNode),
        (create("/ro/"), NoAuth),
        (create("/p/"), BadArguments),
        (create("/p/."), BadArguments),
        (create("//"), BadArguments),
        (create("/"), NodeExists),
        (create("/p/k"), NodeExists),
        (create("/e/x"), NoChildrenForEphemerals),
    ];
    for (request, code) in cases {
        assert_eq!(server.write(&request), Err(code), "{request:?}");
    }
    let rooted = server.write(&create_flags("/", flags::SEQUENTIAL)).unwrap();
    assert_eq!(
        rooted,
        Response::Path(Path::from("/0000000003")),
        "three znodes were created under the root"
    );
}

#[test]
fn the_first_failing_check_of_a_delete_wins() {
    let mut server = server();
    let versioned = |path: &str| Request::Delete {
        path: Path::from(path),
        version: 7,
    };
    for (request, code) in [
        (delete("p"), BadArguments),
        (delete("/zookeeper"), BadArguments),
        (delete("/nope/x"), NoNode),
        (delete("/ro/nope"), NoAuth),
        (delete("/p/nope"), NoNode),
        (versioned("/p"), BadVersion),
        (delete("/p"), NotEmpty),
    ] {
        assert_eq!(server.write(&request), Err(code), "{request:?}");
    }
}

#[test]
fn the_first_failing_check_of_set_data_set_acl_and_check_wins() {
    let mut server = server();
    server
        .write(&create_guarded("/x", Some(acl::world(0))))
        .unwrap();
    let guard = |path: &str, acl: Acl, version| Request::SetAcl {
        path: Path::from(path),
        acl: Some(acl),
        version,
    };
    for (request, code) in [
        (set("/p/", 7), BadArguments),
        (set("/nope", 7), NoNode),
        (set("/x", 7), NoAuth),
        (set("/p", 7), BadVersion),
        (set("/p", -2), BadVersion),
        (guard("/p/", list(&[]), 7), BadArguments),
        (guard("/nope", list(&[]), 7), InvalidAcl),
        (guard("/nope", acl::open(), 7), NoNode),
        (guard("/x", acl::open(), 7), NoAuth),
        (guard("/p", acl::open(), 7), BadVersion),
    ] {
        assert_eq!(server.write(&request), Err(code), "{request:?}");
    }
    for (path, code) in [
        ("/p/", BadArguments),
        ("/nope", NoNode),
        ("/x", NoAuth),
        ("/p", BadVersion),
    ] {
        let check = Request::Multi(vec![Request::Check {
            path: Path::from(path),
            version: 7,
        }]);
        assert_eq!(server.write(&check), Ok(Response::Multi(vec![Err(code)])));
    }
}

#[test]
fn a_multi_with_an_operation_that_is_no_write_fails_as_a_whole() {
    let mut server = server();
    for foreign in [
        set_acl("/p", acl::open()),
        get_data("/p", false),
        Request::Multi(vec![]),
    ] {
        let multi = Request::Multi(vec![create("/a"), foreign]);
        assert_eq!(server.write(&multi), Err(MarshallingError));
    }
    assert!(server.tree.get("/a").is_none());
}

#[test]
fn ttl_nodes_can_be_switched_off() {
    let mut server = server();
    server.prep.rules.extended_types = ExtendedTypes::Disabled;
    let request = create_as(CreateOp::Ttl, "/t", flags::TTL, 0);
    assert_eq!(
        server.write(&request),
        Err(Unimplemented),
        "before the ttl is looked at"
    );
}

#[test]
fn the_planted_defect_lets_any_version_pass() {
    let mut server = server();
    assert_eq!(server.write(&set("/p", 7)), Err(BadVersion));
    server.prep.rules.set_data = SetDataRule::IgnoresVersion;
    server.write(&set("/p", 7)).unwrap();
    assert_eq!(server.stat("/p").version, 1);
}

#[test]
fn lists_are_checked_and_auth_is_expanded() {
    let mut user = local();
    user.authenticate("digest", b"u:p").unwrap();
    user.authenticate("digest", b"v:q").unwrap();
    user.authenticate("digest", b"u:p").unwrap();
    assert_eq!(user.ids.len(), 3, "a repeated identity is dropped");
    assert_eq!(user.authenticate("bogus", b""), Err(ErrorCode::AuthFailed));
    // The digest of u:p is the one a real server shows (golden vector auth).
    let u = entry(31, "digest", "u:Jq7wMyA/w2Vd5WIDAKdu4OIIFEQ=");
    let world = entry(1, "world", "anyone");
    let auth = entry(31, "auth", "ignored");
    let sent = list(&[world.clone(), auth.clone(), world.clone(), u.clone()]);
    let resolved = acl::resolve(Some(&sent), &user).unwrap();
    let v = entry(31, "digest", &user.ids[2].1);
    assert_eq!(
        *resolved,
        [world, u.clone(), v, u],
        "repeats go before auth is expanded, not after"
    );
    assert_eq!(
        acl::resolve(Some(&list(&[auth])), &local()),
        Err(InvalidAcl),
        "an address is no authentication"
    );
    for (scheme, id) in [
        ("world", "somebody"),
        ("digest", "nocolon"),
        ("digest", "a:b:c"),
        ("digest", "a:"),
        ("ip", "127.0.0"),
        ("ip", "127.0.0.256"),
        ("ip", "127.0.0.1/33"),
        ("sasl", "x"),
    ] {
        let bad = list(&[entry(1, scheme, id)]);
        assert_eq!(
            acl::resolve(Some(&bad), &user),
            Err(InvalidAcl),
            "{scheme}:{id}"
        );
    }
}

#[test]
fn addresses_match_their_network() {
    let permits = |id: &str, address: &str| {
        acl::permits(
            &[entry(1, "ip", id)],
            &Identities::from_address(address),
            perms::READ,
        )
    };
    assert!(permits("10.1.2.3", "10.1.2.3"));
    assert!(!permits("10.1.2.3", "10.1.2.4"));
    assert!(permits("10.1.0.0/16", "10.1.255.4"));
    assert!(!permits("10.1.0.0/16", "10.2.0.0"));
    assert!(permits("1.2.3.4/0", "10.2.0.0"));
    assert!(permits("fe80::1/64", "fe80::2"));
    assert!(!permits("1.2.3.4/0", "fe80::2"));
}

#[test]
fn who_may_read_but_not_administer_sees_masked_digests_and_super_may_everything() {
    let mut server = Server::new();
    let guarded = list(&[
        entry(perms::READ, "world", "anyone"),
        private(perms::ALL)[0].clone(),
    ]);
    server.write(&create_guarded("/m", Some(guarded))).unwrap();
    let get = Request::GetAcl {
        path: Path::from("/m"),
    };
    let Ok(Response::Acl(shown, _)) = server.ask(1, &get) else {
        panic!("getACL answers a list");
    };
    assert_eq!(
        *shown,
        [entry(1, "world", "anyone"), entry(31, "digest", "user:x")]
    );
    let mut chief = local();
    chief
        .authenticate_or_super("digest", b"u:p", "u:Jq7wMyA/w2Vd5WIDAKdu4OIIFEQ=")
        .unwrap();
    assert!(server.write_as(ME, &local(), &set("/m", -1)).is_err());
    assert!(server.write_as(ME, &chief, &set("/m", -1)).is_ok());
    let shown: Vec<String> = chief
        .shown()
        .iter()
        .map(|(scheme, id)| format!("{scheme}:{id}"))
        .collect();
    assert_eq!(shown, ["ip:127.0.0.1", "digest:u", "super:"]);
}

#[test]
fn hard_limits_refuse_only_when_enforced_and_count_the_applied_usage() {
    let mut server = Server::new();
    server.plant(&["/q", "/zookeeper/quota/q"]);
    let node = |path: &str, text: &str| Request::Create {
        op: CreateOp::Create,
        path: Path::from(path),
        data: Some(data(text)),
        acl: Some(acl::open()),
        flags: flags::PERSISTENT,
        ttl: -1,
    };
    let limits = "count=1,bytes=1=;byteHardLimit=-1;countHardLimit=2";
    server
        .write(&node("/zookeeper/quota/q/zookeeper_limits", limits))
        .unwrap();
    server
        .write(&node("/zookeeper/quota/q/zookeeper_stats", ""))
        .unwrap();
    let usage = |server: &Server| {
        let data = server
            .tree
            .get("/zookeeper/quota/q/zookeeper_stats")
            .unwrap()
            .data
            .clone();
        String::from_utf8(data.unwrap().to_vec()).unwrap()
    };
    assert_eq!(usage(&server), "count=1,bytes=1");
    server.plant(&["/q/a", "/q/b"]);
    assert_eq!(usage(&server), "count=3,bytes=3", "lenient by default");
    server.write(&delete("/q/b")).unwrap();
    server.prep.rules.quota = QuotaRule::Enforced;
    assert_eq!(server.write(&create("/q/c")), Err(QuotaExceeded));
    let swap = Request::Multi(vec![delete("/q/a"), create("/q/c")]);
    let expected = vec![Err(ErrorCode::Ok), Err(QuotaExceeded)];
    assert_eq!(
        server.write(&swap),
        Ok(Response::Multi(expected)),
        "although it would fit"
    );
    assert_eq!(usage(&server), "count=2,bytes=2");
}
