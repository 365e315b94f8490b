//! Which watches the library holds, and what is left of them after events and reconnects.

use super::*;
use crate::history::op::Stat;

const OK: Result<Response, ErrorCode> = Ok(Response::Empty);

fn exists(path: &str) -> Request {
    Request::Exists {
        path: path.into(),
        watch: true,
    }
}

fn event(kind: EventKind, path: &str) -> WatchEvent {
    WatchEvent {
        kind,
        path: path.into(),
        zxid: Some(Zxid(9)),
    }
}

/// A watch of every kind on `/a`.
fn all_on_a() -> Watches {
    let path: Path = "/a".into();
    let mut watches = Watches::default();
    watches.on_reply(&exists("/a"), &OK);
    watches.on_reply(&exists("/a"), &Err(ErrorCode::NoNode));
    let children = Request::GetChildren {
        path: path.clone(),
        watch: true,
        stat: false,
    };
    watches.on_reply(&children, &Ok(Response::Children(Vec::new(), None)));
    for mode in [0, 1] {
        let add = Request::AddWatch {
            path: path.clone(),
            mode,
        };
        watches.on_reply(&add, &Ok(Response::Empty));
    }
    watches
}

/// How many watches of each kind are held: data, exist, child, persistent, recursive.
fn counts(watches: &Watches) -> [usize; 5] {
    [
        watches.data.len(),
        watches.exist.len(),
        watches.child.len(),
        watches.persistent.len(),
        watches.recursive.len(),
    ]
}

#[test]
fn exists_on_a_missing_node_is_an_exist_watch_and_on_a_present_one_a_data_watch() {
    let mut watches = Watches::default();
    watches.on_reply(&exists("/a"), &Err(ErrorCode::NoNode));
    assert_eq!(counts(&watches), [0, 1, 0, 0, 0]);
    watches.on_reply(&exists("/b"), &OK);
    assert_eq!(counts(&watches), [1, 1, 0, 0, 0]);
}

#[test]
fn a_failed_or_watchless_read_arms_nothing() {
    let mut watches = Watches::default();
    let get = |watch| Request::GetData {
        path: "/a".into(),
        watch,
    };
    watches.on_reply(&get(true), &Err(ErrorCode::NoNode));
    watches.on_reply(
        &get(false),
        &Ok(Response::Data(None, Stat::default().into())),
    );
    watches.on_reply(&exists("/a"), &Err(ErrorCode::NoAuth));
    assert!(watches.is_empty());
    assert!(watches.batches(Zxid(1)).is_empty());
}

#[test]
fn events_consume_exactly_the_one_shot_watches_they_match() {
    for (kind, left) in [
        (EventKind::Created, [0, 0, 1, 1, 1]),
        (EventKind::DataChanged, [0, 0, 1, 1, 1]),
        (EventKind::Deleted, [0, 0, 0, 1, 1]),
        (EventKind::ChildrenChanged, [1, 1, 0, 1, 1]),
    ] {
        let mut watches = all_on_a();
        assert!(watches.on_event(&event(kind, "/a")));
        assert_eq!(counts(&watches), left, "{kind:?}");
    }
}

#[test]
fn a_one_shot_watch_is_waiting_for_one_event_only() {
    let mut watches = Watches::default();
    watches.on_reply(&exists("/a"), &OK);
    assert!(watches.on_event(&event(EventKind::DataChanged, "/a")));
    assert!(!watches.on_event(&event(EventKind::DataChanged, "/a")));
}

#[test]
fn a_recursive_watch_covers_descendants_but_no_children_events() {
    let mut watches = Watches::default();
    let add = Request::AddWatch {
        path: "/a".into(),
        mode: 1,
    };
    watches.on_reply(&add, &Ok(Response::Empty));
    assert!(watches.on_event(&event(EventKind::Created, "/a/b/c")));
    assert!(watches.on_event(&event(EventKind::Deleted, "/a")));
    assert!(!watches.on_event(&event(EventKind::Created, "/ab")));
    assert!(!watches.on_event(&event(EventKind::ChildrenChanged, "/a")));
}

#[test]
fn removing_watches_forgets_the_kind_asked_for() {
    for (kind, left) in [
        (1, [1, 1, 0, 1, 1]),
        (2, [0, 0, 1, 1, 1]),
        (3, [0, 0, 0, 0, 0]),
        (4, [1, 1, 1, 0, 1]),
        (5, [1, 1, 1, 1, 0]),
    ] {
        let mut watches = all_on_a();
        let remove = Request::RemoveWatches {
            path: "/a".into(),
            kind,
        };
        watches.on_reply(&remove, &Err(ErrorCode::NoWatcher));
        assert_eq!(counts(&watches), [1; 5]);
        watches.on_reply(&remove, &Ok(Response::Empty));
        assert_eq!(counts(&watches), left, "kind {kind}");
    }
}

#[test]
fn set_watches_lists_every_kind_under_the_last_zxid_seen() {
    let batches = all_on_a().batches(Zxid(5));
    let path: Path = "/a".into();
    let one = vec![path];
    assert_eq!(
        batches,
        [SetWatches {
            relative_zxid: Zxid(5),
            data: one.clone(),
            exist: one.clone(),
            child: one.clone(),
            persistent: one.clone(),
            recursive: one,
        }]
    );
}

#[test]
fn set_watches_are_sent_in_batches_of_128_kib_of_paths() {
    let mut watches = Watches::default();
    for index in 0..300 {
        watches.on_reply(&exists(&format!("/{index:01023}")), &OK);
    }
    let sizes: Vec<usize> = watches
        .batches(Zxid(1))
        .iter()
        .map(|batch| batch.data.len())
        .collect();
    assert_eq!(sizes, [128, 128, 44]);
}
