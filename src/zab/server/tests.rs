//! Boot (K3, K4), the answers of the election port in every phase, and what a role leaves behind (K13).

use super::*;
use crate::base::rng::{Domain, Key, Seed};
use crate::base::time::LocalTime;
use crate::base::zxid::{Epoch, Zxid};
use crate::sim::process::{Effects, WallClock};
use crate::words::{ACCEPTED_EPOCH, CURRENT_EPOCH};
use crate::zab::testing::{said, txn, zxid};
use crate::zab::vote::Vote;

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

fn disk(history: &[(u32, u32)], current: u64) -> Recovered<Words> {
    let log = history
        .iter()
        .map(|(epoch, counter)| txn(*epoch, *counter))
        .collect();
    let mut disk: Recovered<Words> = Recovered {
        log,
        ..Recovered::default()
    };
    disk.files[usize::from(ACCEPTED_EPOCH.0)] = Some(current + 1);
    disk.files[usize::from(CURRENT_EPOCH.0)] = Some(current);
    disk
}

fn booted(disk: Recovered<Words>) -> (Server, Out) {
    let mut server = Server::restart(Arc::new(Config::new(3, 0)), disk, ServerId(1));
    let mut out = Effects::default();
    server.step(cx(0), Input::Boot, &mut out);
    (server, out)
}

fn last(server: &Server) -> Zxid {
    server.core.memory.tree.last()
}

#[test]
fn boot_replays_the_whole_log_committed_or_not() {
    let (server, _) = booted(disk(&[(1, 1), (1, 2)], 1));
    assert_eq!(last(&server), zxid(1, 2));
    assert!(matches!(server.phase, Phase::Looking(_)));
}

#[test]
fn boot_drops_durably_what_its_epoch_does_not_cover_before_it_votes() {
    let (mut server, mut out) = booted(disk(&[(1, 1), (2, 1)], 1));
    assert_eq!(last(&server), zxid(1, 1));
    assert!(
        matches!(server.phase, Phase::Booting(_)),
        "it does not vote yet"
    );
    assert_eq!(
        said(&mut out),
        "install 0:0 + [1:1]",
        "the disk is switched to what is kept"
    );
    server.step(cx(5), Input::Installed, &mut out);
    assert!(matches!(server.phase, Phase::Looking(_)));
    let dropped = |effect: &Effect<Words>| matches!(effect, Effect::Note(Fact::BootDropped { .. }));
    assert!(out.list().iter().any(dropped));
}

#[test]
fn boot_forces_records_that_may_not_be_on_the_platter() {
    let mut unforced = disk(&[(1, 1)], 1);
    unforced.forced = false;
    let (server, _) = booted(unforced);
    assert!(matches!(server.phase, Phase::Booting(_)));
}

#[test]
fn a_follower_whose_leader_is_gone_votes_with_everything_it_logged() {
    let (mut server, mut out) = booted(disk(&[(1, 1)], 1));
    let vote = Vote {
        leader: ServerId(3),
        zxid: zxid(1, 1),
        epoch: Epoch(1),
    };
    server.on_decided(cx(200), Decision { vote, round: 1 }, &mut out);
    let conn = Conn(out.next_conn() - 1);
    server.step(cx(201), Input::Opened { conn }, &mut out);
    said(&mut out);
    server.core.log.append(txn(1, 2), &mut out);
    server.step(
        cx(202),
        Input::Ended {
            conn,
            how: crate::sim::process::Ending::Reset,
        },
        &mut out,
    );
    assert!(
        matches!(server.phase, Phase::Ending(_)),
        "the log is drained first"
    );
    server.step(cx(203), Input::Synced { upto: 1 }, &mut out);
    assert_eq!(last(&server), zxid(1, 2));
    assert_eq!(server.core.own_vote().zxid, zxid(1, 2));
}

#[test]
fn a_failed_discovery_backs_off_ever_longer() {
    let (mut server, _) = booted(disk(&[], 0));
    let mut pauses = Vec::new();
    for failures in 0..6 {
        server.core.failures = failures;
        pauses.push(server.pause_before_looking(cx(0)).as_ms());
    }
    assert_eq!(pauses, [0, 200, 400, 800, 1_600, 1_600]);
}
