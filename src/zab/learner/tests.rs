//! The learner's side of discovery: what it promises, and what waits while it writes.

use super::*;
use crate::base::rng::{Domain, Key, Seed};
use crate::sim::process::{Effects, WallClock};
use crate::zab::testing::{core, said, zxid};

const CONN: Conn = Conn(1);

fn cx() -> Cx {
    let key = Key::derive(Seed(1), Domain::Process);
    Cx {
        now: LocalTime(0),
        wall: WallClock::default(),
        me: NodeId(1),
        key,
        bucket: 0,
    }
}

/// Server 1, with history 1:1 and both epochs 1, has connected to leader 3.
fn connected() -> (Learner, Core, Out) {
    let core = core(1, 3, &[(1, 1)]);
    let mut out = Effects::default();
    let mut learner = Learner::new(ServerId(3), cx(), &core);
    learner.start(cx(), &mut out);
    learner
        .on_opened(cx(), CONN, &core, &mut out)
        .expect("connected");
    assert_eq!(
        said(&mut out),
        "open 1 to 3, arm LeaderSilent 2000, 1 <- FOLLOWERINFO 1"
    );
    (learner, core, out)
}

fn leader_info(learner: &mut Learner, epoch: u32, core: &mut Core, out: &mut Out) -> Step {
    learner.on_packet(
        cx(),
        CONN,
        Packet::LeaderInfo {
            epoch: Epoch(epoch),
        },
        core,
        out,
    )
}

#[test]
fn a_promise_is_durable_before_it_is_given() {
    let (mut learner, mut core, mut out) = connected();
    leader_info(&mut learner, 2, &mut core, &mut out).expect("a later epoch");
    assert_eq!(said(&mut out), "store accepted=2");
    core.accepted = Epoch(2);
    learner
        .on_stored(cx(), &mut core, &mut out)
        .expect("stored");
    assert_eq!(said(&mut out), "1 <- ACKEPOCH 1:1 1");
}

#[test]
fn an_epoch_promised_before_is_acknowledged_but_not_to_be_counted() {
    let (mut learner, mut core, mut out) = connected();
    leader_info(&mut learner, 1, &mut core, &mut out).expect("the same epoch");
    assert_eq!(said(&mut out), "1 <- ACKEPOCH 1:1 -1");
}

#[test]
fn an_older_epoch_is_refused() {
    let (mut learner, mut core, mut out) = connected();
    assert!(leader_info(&mut learner, 0, &mut core, &mut out).is_err());
}

#[test]
fn packets_wait_while_the_learner_writes() {
    let (mut learner, mut core, mut out) = connected();
    leader_info(&mut learner, 1, &mut core, &mut out).expect("the same epoch");
    let hear = |packet: Packet, learner: &mut Learner, core: &mut Core, out: &mut Out| {
        learner
            .on_packet(cx(), CONN, packet, core, out)
            .expect("a legal sync");
    };
    hear(
        Packet::Diff { zxid: zxid(1, 1) },
        &mut learner,
        &mut core,
        &mut out,
    );
    hear(
        Packet::NewLeader { epoch: Epoch(1) },
        &mut learner,
        &mut core,
        &mut out,
    );
    said(&mut out);
    hear(Packet::UpToDate, &mut learner, &mut core, &mut out);
    assert!(matches!(learner.phase, Phase::Writing(..)));
    core.log.on_synced(0, &mut out);
    learner
        .on_forced(cx(), &[], &mut core, &mut out)
        .expect("forced");
    assert_eq!(said(&mut out), "store current=1");
    learner
        .on_stored(cx(), &mut core, &mut out)
        .expect("stored");
    assert!(
        learner.is_serving(),
        "UPTODATE was read once the disk had answered"
    );
    assert_eq!(
        said(&mut out),
        "1 <- ACK 1:0, arm LeaderSilent 1000, 1 <- ACK 1:0, wake Sync"
    );
}
