//! Each test plays a few facts and names what they reach.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::*;
use crate::base::id::{ClientId, ServerId, ServerSet, SessionId};
use crate::base::lineage::Lineage;
use crate::base::zxid::{Epoch, Zxid};
use crate::history::fact::{Role, SyncKind, TxnSummary};
use crate::history::op::{ErrorCode, Request, Response, Stat};

fn z(epoch: u32, counter: u32) -> Zxid {
    Zxid::new(Epoch(epoch), counter)
}

fn lineage(last: Zxid) -> Lineage {
    Lineage {
        last,
        ..Lineage::EMPTY
    }
}

fn reached(facts: &[Fact]) -> Vec<&'static str> {
    let mut situations = Situations::new(3);
    for fact in facts {
        situations.observe(fact);
    }
    let rows = situations.reached();
    rows.rows()
        .filter(|(_, count)| *count > 0)
        .map(|(situation, _)| situation.name())
        .collect()
}

fn voted(server: u8) -> Fact {
    Fact::Voted {
        server: ServerId(server),
        round: 1,
        lineage: Lineage::EMPTY,
        zxid: Zxid::ZERO,
        epoch: Epoch(0),
    }
}

fn elected(server: u8, leader: u8) -> Fact {
    Fact::Elected {
        server: ServerId(server),
        leader: ServerId(leader),
        round: 1,
    }
}

fn proposed(server: u8, zxid: Zxid) -> Fact {
    let txn = TxnSummary {
        session: SessionId::NONE,
        cxid: 0,
        changes: Vec::new(),
        error: None,
        text: "".into(),
    };
    Fact::Proposed {
        server: ServerId(server),
        zxid,
        digest: 0,
        txn: Arc::new(txn),
    }
}

fn formed(server: u8, epoch: u32, members: &[u8], last: Zxid) -> Fact {
    let mut set = ServerSet::EMPTY;
    for member in members {
        set.insert(ServerId(*member));
    }
    Fact::QuorumFormed {
        server: ServerId(server),
        epoch: Epoch(epoch),
        members: set,
        lineage: lineage(last),
    }
}

fn serves(server: u8, role: Role, epoch: u32) -> Fact {
    Fact::ServeStart {
        server: ServerId(server),
        role,
        epoch: Epoch(epoch),
        lineage: Lineage::EMPTY,
        tree: 0,
    }
}

fn crashed(server: u8) -> Fact {
    Fact::ServerCrashed {
        server: ServerId(server),
        power: false,
        code: None,
    }
}

fn leads(server: u8) -> Fact {
    Fact::LeadStarted {
        server: ServerId(server),
        lineage: Lineage::EMPTY,
    }
}

fn epoch_proposed(server: u8, epoch: u32) -> Fact {
    Fact::EpochProposed {
        server: ServerId(server),
        epoch: Epoch(epoch),
    }
}

#[test]
fn names_are_different_and_explained() {
    let names: BTreeSet<&str> = Situation::ALL.iter().map(|one| one.name()).collect();
    assert_eq!(names.len(), Situation::COUNT);
    assert!(Situation::ALL.iter().all(|one| !one.says().is_empty()));
}

#[test]
fn servers_that_decide_differently_and_look_again() {
    let facts = [voted(1), voted(2), elected(1, 3), elected(2, 2), voted(1)];
    assert_eq!(reached(&facts), ["looking-again", "elected-apart"]);
    assert_eq!(reached(&[voted(1), voted(1)]), ["looking-again"]);
    assert_eq!(
        reached(&[elected(1, 3), voted(1), elected(2, 2)]),
        [""; 0],
        "the first has given its choice up"
    );
}

#[test]
fn an_epoch_without_a_quorum_is_wasted_and_its_leader_may_crash() {
    let facts = [leads(1), epoch_proposed(1, 1), crashed(1), leads(2)];
    assert_eq!(reached(&facts), ["crash-before-quorum"]);
    let facts = [
        leads(1),
        epoch_proposed(1, 1),
        leads(2),
        epoch_proposed(2, 2),
    ];
    assert_eq!(reached(&facts), ["leaders-at-once", "epoch-wasted"]);
}

#[test]
fn a_proposal_outlives_its_leader_or_dies_with_it() {
    let start = [
        formed(1, 1, &[1, 2], Zxid::ZERO),
        serves(1, Role::Leader, 1),
        proposed(1, z(1, 1)),
        crashed(1),
    ];
    let with = |last| {
        let mut facts = start.to_vec();
        facts.push(formed(2, 2, &[1, 2, 3], last));
        reached(&facts)
    };
    let inherited = [
        "quorum-exact",
        "quorum-all",
        "crash-with-proposals",
        "inherited-proposal",
    ];
    assert_eq!(with(z(1, 1)), inherited);
    let abandoned = [
        "quorum-exact",
        "quorum-all",
        "crash-with-proposals",
        "abandoned-proposal",
    ];
    assert_eq!(with(Zxid::ZERO), abandoned);
}

#[test]
fn moments_of_a_sync() {
    let sync = |kind, peer, upto, learner| Fact::SyncSent {
        server: ServerId(1),
        learner: ServerId(learner),
        kind,
        peer,
        upto,
    };
    let switched = Fact::Switched {
        server: ServerId(2),
        kind: SyncKind::Diff,
        lineage: lineage(z(1, 2)),
        epoch: Epoch(1),
    };
    let acked = Fact::NewLeaderAckSent {
        server: ServerId(2),
        epoch: Epoch(1),
        voter: true,
    };
    let diff = sync(SyncKind::Diff, z(1, 1), z(1, 2), 2);
    let names = |facts: &[&Fact]| reached(&facts.iter().copied().cloned().collect::<Vec<_>>());
    assert_eq!(
        names(&[&diff, &crashed(2)]),
        ["diff-with-txns", "sync-interrupted"]
    );
    assert_eq!(
        names(&[&diff, &switched, &crashed(2)]),
        ["diff-with-txns", "crash-before-newleader-ack"]
    );
    assert_eq!(
        names(&[&diff, &switched, &acked, &crashed(2)]),
        ["diff-with-txns", "crash-before-uptodate"]
    );
    assert_eq!(
        names(&[&diff, &switched, &acked, &proposed(1, z(1, 3))]),
        ["diff-with-txns", "live-during-sync"]
    );
    let empty = sync(SyncKind::Diff, z(1, 2), z(1, 2), 2);
    assert_eq!(names(&[&empty]), ["diff-empty"]);
    let from_log = sync(SyncKind::LogDiff, z(1, 1), z(1, 2), 2);
    assert_eq!(names(&[&from_log]), ["log-diff-sent"]);
    let snap = sync(SyncKind::Snap, z(1, 1), z(1, 2), 4);
    assert_eq!(names(&[&snap]), ["snap-to-observer"]);
}

#[test]
fn commits_by_exactly_a_quorum_and_without_the_leader() {
    let mut acks = ServerSet::EMPTY;
    acks.insert(ServerId(2));
    acks.insert(ServerId(3));
    let commit = Fact::CommitDecided {
        server: ServerId(1),
        zxid: z(1, 1),
        epoch: Epoch(1),
        acks,
    };
    assert_eq!(
        reached(&[commit]),
        ["commit-exact", "commit-without-leader"]
    );
}

#[test]
fn the_majority_is_down_and_then_everybody() {
    assert_eq!(reached(&[crashed(1)]), [""; 0]);
    assert_eq!(reached(&[crashed(1), crashed(2)]), ["majority-down"]);
    let facts = [crashed(1), crashed(2), crashed(3)];
    assert_eq!(reached(&facts), ["majority-down", "all-down"]);
}

#[test]
fn sessions_move_and_move_back() {
    let connected = |server, fresh| Fact::Connected {
        client: ClientId(1),
        session: SessionId(7),
        server: ServerId(server),
        conn: 1,
        timeout_ms: 4_000,
        fresh,
    };
    let facts = [connected(1, true), connected(2, false)];
    assert_eq!(reached(&facts), ["session-moved"]);
    let facts = [connected(1, true), connected(2, false), connected(1, false)];
    assert_eq!(reached(&facts), ["session-moved", "moved-back"]);
    let facts = [
        connected(1, true),
        serves(1, Role::Leader, 3),
        connected(1, false),
    ];
    assert_eq!(reached(&facts), ["moved-across-epochs"]);
}

#[test]
fn a_read_behind_what_another_client_saw() {
    let invoked = |client, op| Fact::Invoked {
        client: ClientId(client),
        op,
        session: SessionId(1),
        request: Arc::new(Request::Exists {
            path: "/k".into(),
            watch: false,
        }),
    };
    let returned = |client, op, zxid, result| Fact::Returned {
        client: ClientId(client),
        op,
        session: SessionId(1),
        conn: 1,
        zxid: Some(zxid),
        result,
    };
    let ok = || Ok(Response::Stat(Stat::default().into()));
    let facts = [
        invoked(1, 1),
        returned(1, 1, z(1, 5), ok()),
        invoked(2, 1),
        returned(2, 1, z(1, 4), Err(ErrorCode::BadVersion)),
    ];
    assert_eq!(reached(&facts), ["conflict", "read-behind"]);
}
