//! What the program asks for.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::*;
use crate::base::id::{ClientId, NodeId, SessionId};
use crate::base::time::Span;
use crate::client::config::Chosen;
use crate::client::config::Config;
use crate::client::library::Library;
use crate::client::library::tests::cx_at;
use crate::client::workload::Workload;
use crate::client::workload::tests::Bench;
use crate::history::op::{AclEntry, CreateOp, ErrorCode, Response, Stat, flags};
use crate::sim::process::Effects;

/// Requests of client 3 that likes everything and knows nothing.
fn requests(count: u64) -> Vec<Request> {
    let config = Config::new([NodeId(1)], Workload::Idle);
    let mut library = Library::new(ClientId(3), &config, 1);
    let hands = Hands {
        cx: cx_at(0),
        chosen: &Chosen::All,
        age: Span::ZERO,
        client: ClientId(3),
        library: &mut library,
        out: &mut Effects::default(),
    };
    let author = Author {
        knowledge: &Knowledge::new(3),
    };
    let request = |decision| {
        let mut dice = Dice {
            hands: &hands,
            decision,
            used: 0,
        };
        let kind = Taste::default().pick(hands.draw(Site::Choice, decision));
        author.request(kind, &mut dice)
    };
    (1..=count).map(request).collect()
}

fn name(request: &Request) -> String {
    match request {
        Request::Create { op, flags, .. } => format!("{op:?} {flags}"),
        other => {
            let text = format!("{other:?}");
            text.split([' ', '(']).next().unwrap_or_default().to_owned()
        }
    }
}

fn values(request: &Request) -> Vec<Arc<[u8]>> {
    match request {
        Request::Create { data, .. } | Request::SetData { data, .. } => {
            data.iter().cloned().collect()
        }
        Request::Multi(parts) => parts.iter().flat_map(values).collect(),
        _ => Vec::new(),
    }
}

/// The requests and the parts of multis.
fn with_parts(requests: &[Request]) -> Vec<Request> {
    let inner = requests.iter().flat_map(|request| match request {
        Request::Multi(parts) => parts.clone(),
        _ => Vec::new(),
    });
    requests.iter().cloned().chain(inner).collect()
}

#[test]
fn every_operation_and_every_mode_of_create_is_used_and_no_value_twice() {
    let requests = requests(5_000);
    let names: BTreeSet<String> = with_parts(&requests).iter().map(name).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "AddWatch",
            "Auth",
            "Check",
            "CheckWatches",
            "CloseSession",
            "Container 4",
            "Create 0",
            "Create 1",
            "Create 3",
            "Create2 0",
            "Create2 1",
            "Create2 2",
            "Create2 5",
            "Delete",
            "DeleteContainer",
            "Exists",
            "GetAcl",
            "GetAllChildrenNumber",
            "GetChildren",
            "GetData",
            "GetEphemerals",
            "Multi",
            "MultiRead",
            "RemoveWatches",
            "SetAcl",
            "SetData",
            "Sync",
            "Ttl 5",
            "Ttl 6",
            "WhoAmI"
        ]
    );
    let all: Vec<Arc<[u8]>> = requests.iter().flat_map(values).collect();
    let different: BTreeSet<&Arc<[u8]>> = all.iter().collect();
    assert_eq!(all.len(), different.len());
    assert!(all[0].starts_with(b"c3-"));
}

#[test]
fn only_names_that_say_so_are_mortal() {
    for part in with_parts(&requests(5_000)) {
        if let Request::Create {
            op,
            path,
            flags: mode,
            ..
        } = &part
            && (matches!(op, CreateOp::Container | CreateOp::Ttl)
                || matches!(*mode, flags::EPHEMERAL | flags::EPHEMERAL_SEQUENTIAL))
        {
            assert!(path.ends_with("/e") || path.ends_with("/s"), "{part:?}");
        }
    }
}

#[test]
fn only_in_the_wild_corner_is_read_withheld_and_a_path_written_twice_at_once() {
    let may_read = |request: &Request| match request {
        Request::SetAcl { acl, .. } | Request::Create { acl, .. } => {
            acl.as_ref().is_some_and(|acl| {
                let reads = |entry: &AclEntry| &*entry.scheme == "world" && entry.perms & 1 == 1;
                acl.is_empty() || acl.iter().any(reads)
            })
        }
        _ => true,
    };
    let (mut hidden, mut twice) = (0, 0);
    for part in with_parts(&requests(5_000)) {
        match &part {
            Request::SetAcl { path, .. } | Request::Create { path, .. } if !may_read(&part) => {
                assert!(path.starts_with("/w"), "{part:?}");
                hidden += 1;
            }
            Request::Multi(inner) => {
                let written: Vec<&Path> = inner
                    .iter()
                    .filter_map(|part| match part {
                        Request::Create { path, .. }
                        | Request::SetData { path, .. }
                        | Request::SetAcl { path, .. }
                        | Request::Delete { path, .. } => Some(path),
                        _ => None,
                    })
                    .collect();
                for (index, path) in written.iter().enumerate() {
                    if written[..index].contains(path) {
                        assert!(path.starts_with("/w"), "{part:?}");
                        twice += 1;
                    }
                }
            }
            _ => {}
        }
    }
    assert!(hidden > 0);
    assert!(twice > 0);
}

#[test]
fn a_closed_session_is_followed_by_a_new_one() {
    let mut bench = Bench::new(Workload::Znodes(Settings::default()));
    bench.run(60_000);
    let requests = bench.requests();
    let close = requests
        .iter()
        .filter(|request| ***request == Request::CloseSession);
    assert!(close.count() > 0);
    assert!(bench.session() > SessionId(1));
}

#[test]
fn what_an_event_told_of_is_mostly_looked_at_next() {
    let mut bench = Bench::new(Workload::Znodes(Settings::default()));
    let path = "/z1/a";
    let (mut told, mut looked) = (0, 0);
    for second in 1..=600 {
        bench.run(1_000 * second);
        if bench.is_watched(path) {
            let before = bench.requests().len();
            bench.change(path);
            bench.run(1_000 * second + 900);
            let asks = |request: &Arc<Request>| format!("{request:?}").contains("\"/z1/a\"");
            told += 1;
            looked += u32::from(bench.requests()[before..].iter().take(4).any(asks));
        }
    }
    assert!(told > 20, "{told} changes were told of");
    assert!(looked * 3 > told * 2, "{looked} of {told} were looked at");
}

#[test]
fn beliefs_follow_replies_and_are_given_up_when_a_write_is_lost() {
    let mut knowledge = Knowledge::new(3);
    let path: Path = "/z1/a".into();
    let set = Request::SetData {
        path: path.clone(),
        data: None,
        version: -1,
    };
    let stat = Stat {
        version: 4,
        aversion: 2,
        ..Stat::default()
    };
    knowledge.learn(&set, Ok(&Response::Stat(stat.into())));
    let seen = knowledge::Seen::Present {
        version: 4,
        aversion: 2,
    };
    assert_eq!(knowledge.of(&path), Some(seen));
    knowledge.doubt(&Request::Multi(vec![set]));
    assert_eq!(knowledge.of(&path), None);
    let delete = Request::Delete {
        path: path.clone(),
        version: -1,
    };
    knowledge.learn(&delete, Ok(&Response::Empty));
    assert_eq!(knowledge.of(&path), Some(knowledge::Seen::Missing));
}

#[test]
fn sequential_znodes_of_others_are_found_in_lists_and_forgotten_when_they_are_gone() {
    let mut knowledge = Knowledge::new(3);
    let list = Request::GetChildren {
        path: "/z1".into(),
        watch: false,
        stat: false,
    };
    let names = ["a", "e", "q0000000007"];
    let names = names.map(Path::from).to_vec();
    knowledge.learn(&list, Ok(&Response::Children(names, None)));
    let node = Path::from("/z1/q0000000007");
    assert_eq!(knowledge.found(), std::slice::from_ref(&node));
    let delete = Request::Delete {
        path: node,
        version: -1,
    };
    knowledge.learn(&delete, Err(&ErrorCode::NoNode));
    assert!(knowledge.found().is_empty());
}
