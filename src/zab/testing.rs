//! Companions of this layer's tests: a server's core from a short history, transactions without effect, effects as text.

use std::sync::Arc;

use super::config::Config;
use super::core::{Core, Out};
use super::server::Server;
use crate::base::id::{ServerId, SessionId};
use crate::base::zxid::{Epoch, Zxid};
use crate::history::op::ErrorCode;
use crate::sim::process::{Effect, Effects, Install, Recovered};
use crate::tree::txn::{Body, Txn};
use crate::words::message::{Msg, Notification, Packet};
use crate::words::{ACCEPTED_EPOCH, CURRENT_EPOCH, Words};

/// The zxid `epoch:counter`.
pub(super) fn zxid(epoch: u32, counter: u32) -> Zxid {
    Zxid::new(Epoch(epoch), counter)
}

/// A transaction that changes nothing.
pub(super) fn txn(epoch: u32, counter: u32) -> Arc<Txn> {
    Txn::new(
        zxid(epoch, counter),
        SessionId::NONE,
        0,
        0,
        Body::Error(ErrorCode::NoNode),
    )
}

/// Server `me` of `voters`, with this log on disk and both epochs at that of its last record.
pub(super) fn core(me: u8, voters: u8, history: &[(u32, u32)]) -> Core {
    let epoch = history.last().map_or(0, |(epoch, _)| *epoch);
    let log = history
        .iter()
        .map(|(epoch, counter)| txn(*epoch, *counter))
        .collect();
    let mut disk: Recovered<Words> = Recovered {
        log,
        ..Recovered::default()
    };
    for file in [ACCEPTED_EPOCH, CURRENT_EPOCH] {
        disk.files[usize::from(file.0)] = Some(u64::from(epoch));
    }
    let config = Arc::new(Config::new(voters, 0));
    Server::restart(config, disk, ServerId(me)).core().clone()
}

/// The effects pushed so far, one word or two each, notes left out; the buffer is emptied.
pub(super) fn said(out: &mut Out) -> String {
    let words: Vec<String> = out.list().iter().filter_map(effect_text).collect();
    *out = Effects::starting_at(out.next_conn());
    words.join(", ")
}

fn effect_text(effect: &Effect<Words>) -> Option<String> {
    Some(match effect {
        Effect::Open { conn, to, .. } => format!("open {} to {}", conn.0, to.0),
        Effect::Send { conn, msg } => format!("{} <- {}", conn.0, msg_text(msg)),
        Effect::Close { conn } => format!("close {}", conn.0),
        Effect::Append { record } => format!("append {}", record.zxid),
        Effect::Sync => "sync".to_owned(),
        Effect::Store { file, value } => format!(
            "store {}={value}",
            if *file == CURRENT_EPOCH {
                "current"
            } else {
                "accepted"
            }
        ),
        Effect::Install(install) => {
            let Install { image, log, files } = &**install;
            let log: Vec<String> = log.iter().map(|txn| txn.zxid.to_string()).collect();
            let epoch = files
                .first()
                .map_or_else(String::new, |(_, epoch)| format!(" current={epoch}"));
            format!("install {} + [{}]{epoch}", image.tree.last(), log.join(" "))
        }
        Effect::Arm { timer, after } => format!("arm {timer:?} {}", after.as_ms()),
        Effect::Disarm { timer } => format!("disarm {timer:?}"),
        Effect::Wake { stage } => format!("wake {stage:?}"),
        Effect::Listen(_)
        | Effect::Unlisten(_)
        | Effect::Truncate { .. }
        | Effect::Snapshot { .. }
        | Effect::Note(_)
        | Effect::Halt { .. } => return None,
    })
}

fn msg_text(msg: &Msg) -> String {
    match msg {
        Msg::Vote(Notification {
            leader,
            zxid,
            round,
            ..
        }) => format!("vote {leader} {zxid} round {round}"),
        Msg::Quorum(packet) => packet_text(packet),
        Msg::ToServer(msg) => format!("{msg:?}"),
        Msg::ToClient(msg) => format!("{msg:?}"),
    }
}

/// A packet in a few words.
pub(super) fn packet_text(packet: &Packet) -> String {
    match packet {
        Packet::Proposal { txn } => format!("PROPOSAL {}", txn.zxid),
        Packet::Inform { txn } => format!("INFORM {}", txn.zxid),
        Packet::Commit { zxid } => format!("COMMIT {zxid}"),
        Packet::Ack { zxid } => format!("ACK {zxid}"),
        Packet::AckEpoch { zxid, current } => format!(
            "ACKEPOCH {zxid} {}",
            current.map_or(-1, |epoch| i64::from(epoch.0))
        ),
        Packet::FollowerInfo {
            accepted,
            want_snapshot,
            ..
        } => format!(
            "FOLLOWERINFO {accepted}{}",
            if *want_snapshot { " SNAP" } else { "" }
        ),
        Packet::LeaderInfo { epoch } => format!("LEADERINFO {epoch}"),
        Packet::Diff { .. } => "DIFF".to_owned(),
        Packet::Trunc { zxid } => format!("TRUNC {zxid}"),
        Packet::Snap { zxid, .. } => format!("SNAP {zxid}"),
        Packet::NewLeader { epoch } => format!("NEWLEADER {epoch}"),
        Packet::UpToDate => "UPTODATE".to_owned(),
        Packet::Ping { .. }
        | Packet::Pong { .. }
        | Packet::Request(_)
        | Packet::Sync { .. }
        | Packet::Revalidate { .. }
        | Packet::Revalidated { .. } => format!("{packet:?}"),
    }
}
