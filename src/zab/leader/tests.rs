//! The leader's side of discovery and synchronisation, step by step.

use super::*;
use crate::base::id::NodeId;
use crate::base::rng::{Domain, Key, Seed};
use crate::base::time::LocalTime;
use crate::sim::process::{Conn, Effects, WallClock};
use crate::zab::testing::{core, said, zxid};

struct Bench {
    core: Core,
    leader: Leader,
    out: Out,
}

fn cx(ms: u64) -> Cx {
    let key = Key::derive(Seed(1), Domain::Process);
    Cx {
        now: LocalTime(ms * 1_000_000),
        wall: WallClock::default(),
        me: NodeId(1),
        key,
        bucket: ms / 50,
    }
}

/// Server 1 of three has been elected with this history.
fn elected(history: &[(u32, u32)]) -> Bench {
    let mut core = core(1, 3, history);
    let mut out = Effects::default();
    let mut leader = Leader::new(&core);
    leader.start(&mut core, &mut out);
    said(&mut out);
    Bench { core, leader, out }
}

impl Bench {
    fn connect(&mut self, sid: u8) {
        self.leader.on_learner(
            cx(0),
            Conn(sid.into()),
            ServerId(sid),
            &self.core,
            &mut self.out,
        );
        said(&mut self.out);
    }

    fn hear(&mut self, ms: u64, sid: u8, packet: Packet) -> Step {
        self.leader.on_packet(
            cx(ms),
            Conn(sid.into()),
            packet,
            &mut self.core,
            &mut self.out,
        )
    }

    fn info(&mut self, ms: u64, sid: u8, accepted: u32) -> Step {
        let info = Packet::FollowerInfo {
            accepted: Epoch(accepted),
            voter: true,
            want_snapshot: false,
        };
        self.hear(ms, sid, info)
    }

    fn ack_epoch(&mut self, sid: u8, zxid: Zxid, current: u32) {
        let ack = Packet::AckEpoch {
            zxid,
            current: Some(Epoch(current)),
        };
        self.hear(1, sid, ack).expect("no reason to quit");
    }

    fn stored(&mut self) {
        self.leader
            .on_stored(cx(1), &mut self.core, &mut self.out)
            .expect("no reason to quit");
    }

    fn run(&mut self, sid: u8) {
        self.leader
            .on_handler(ServerId(sid), &self.core, &mut self.out);
    }

    /// Up to the point where learner 2 has promised epoch 2.
    fn with_a_promise(history: &[(u32, u32)], peer: Zxid) -> Self {
        let mut bench = elected(history);
        bench.connect(2);
        bench.info(1, 2, 1).expect("no reason to quit");
        bench.stored();
        bench.ack_epoch(2, peer, 1);
        bench
    }
}

#[test]
fn the_epoch_is_told_only_after_it_is_durable() {
    let mut bench = elected(&[(1, 1)]);
    bench.connect(2);
    bench.info(1, 2, 4).expect("no reason to quit");
    assert_eq!(said(&mut bench.out), "disarm PhaseLimit, store accepted=5");
    bench.stored();
    assert_eq!(
        said(&mut bench.out),
        "arm PhaseLimit 2000, 2 <- LEADERINFO 5"
    );
}

#[test]
fn a_quorum_of_promises_starts_the_syncs_and_the_leaders_own_write() {
    let mut bench = Bench::with_a_promise(&[(1, 1)], zxid(1, 1));
    let said = said(&mut bench.out);
    assert!(
        said.ends_with("store current=2, wake Handler(ServerId(2))"),
        "{said}"
    );
}

#[test]
fn a_follower_ahead_is_hung_up_on_and_not_counted() {
    let mut bench = Bench::with_a_promise(&[(1, 1)], zxid(1, 2));
    let said = said(&mut bench.out);
    assert!(
        said.ends_with("close 2, disarm LearnerSilent(ServerId(2))"),
        "{said}"
    );
    assert!(matches!(bench.leader.phase, Phase::AwaitsPromises));
}

#[test]
fn nothing_leaves_a_handler_before_newleader_is_queued() {
    let mut bench = Bench::with_a_promise(&[(1, 1), (1, 2)], zxid(1, 1));
    said(&mut bench.out);
    bench.run(2);
    assert_eq!(said(&mut bench.out), "wake Handler(ServerId(2))");
    bench.run(2);
    let expected = "2 <- DIFF, 2 <- PROPOSAL 1:2, 2 <- COMMIT 1:2, 2 <- NEWLEADER 2";
    assert_eq!(said(&mut bench.out), expected);
}

#[test]
fn the_reign_begins_with_a_quorum_of_newleader_acks_that_includes_the_leader() {
    let mut bench = Bench::with_a_promise(&[(1, 1)], zxid(1, 1));
    bench.run(2);
    bench.run(2);
    bench
        .hear(2, 2, Packet::Ack { zxid: zxid(2, 0) })
        .expect("no reason to quit");
    assert!(
        !bench.leader.is_serving(),
        "the leader's own currentEpoch is not durable"
    );
    said(&mut bench.out);
    bench.core.current = Epoch(2);
    bench.stored();
    assert!(bench.leader.is_serving());
    assert!(said(&mut bench.out).contains("2 <- UPTODATE"));
    assert_eq!(bench.core.memory.processed(), zxid(2, 0));
}

#[test]
fn a_leader_gives_way_to_a_learner_that_promised_more_but_not_again_and_again() {
    let mut bench = Bench::with_a_promise(&[(1, 1)], zxid(1, 1));
    bench.connect(3);
    assert_eq!(
        bench.info(1, 3, 2),
        Ok(()),
        "the epoch itself may have been promised before"
    );
    bench.connect(3);
    said(&mut bench.out);
    assert!(bench.info(1, 3, 9).is_err());
    assert_eq!(said(&mut bench.out), "store accepted=9");

    let mut again = Bench::with_a_promise(&[(1, 1)], zxid(1, 1));
    again.core.raised_at = bench.core.raised_at;
    again.connect(3);
    assert_eq!(again.info(1_000, 3, 9), Ok(()), "once per initLimit");
    again.connect(3);
    assert!(again.info(2_001, 3, 9).is_err());
}
