//! The leader's end of one learner's connection (`LearnerHandler`): where the learner stands, and its out-queue.

use super::core::Out;
use super::rules::broadcast::SnapshotLock;
use super::synchronization::Peer;
use crate::base::id::ServerId;
use crate::base::time::{LocalTime, Span};
use crate::base::zxid::Zxid;
use crate::history::fact::SyncKind;
use crate::sim::process::Conn;
use crate::words::message::{Msg, Packet};

/// Where a learner stands, seen from the leader.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stand {
    /// Connected, nothing said.
    Connected,
    /// Has told its acceptedEpoch and waits for ours.
    AwaitsEpoch,
    /// Was told the epoch.
    ToldEpoch,
    /// Has acknowledged the epoch; its sync waits for the quorum of promises.
    Promised(Peer),
    /// Its sync is queued, NEWLEADER is not.
    SyncQueued(Queued),
    /// NEWLEADER is on its way.
    ToldNewLeader,
    /// Has acknowledged NEWLEADER; UPTODATE waits until the leader serves.
    AckedNewLeader,
    /// Up to date.
    Synced,
}

/// A sync that was decided and not sent yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Queued {
    /// Its kind.
    pub kind: SyncKind,
    /// The learner's last zxid.
    pub peer: Zxid,
    /// From where live traffic takes over.
    pub seen: Zxid,
}

/// Whether the out-queue is sent or held back: nothing leaves before NEWLEADER is queued.
#[derive(Clone, Debug, PartialEq, Hash)]
enum Queue {
    Held(Vec<Packet>),
    Draining,
}

/// The leader's end of one learner's connection.
#[derive(Clone, Debug, Hash)]
pub struct Handler {
    /// Who.
    pub sid: ServerId,
    /// Its connection.
    pub conn: Conn,
    /// Whether it votes.
    pub is_voter: bool,
    /// Where it stands.
    pub stand: Stand,
    /// K6, from its FOLLOWERINFO.
    pub want_snapshot: bool,
    /// Whether live proposals go to it.
    pub is_forwarding: bool,
    /// The tick until which it counts as alive.
    pub deadline: u64,
    /// When it was last heard.
    pub heard: LocalTime,
    /// Whether its thread hangs in the snapshot it is writing and keeps the tree locked; never by design.
    pub lock: SnapshotLock,
    /// The oldest proposal sent whose ack is watched, and since when (`SyncLimitCheck`).
    pub unacked: Option<(Zxid, LocalTime)>,
    queue: Queue,
}

impl Handler {
    /// A learner has connected.
    pub fn new(sid: ServerId, conn: Conn, deadline: u64, now: LocalTime) -> Self {
        Self {
            sid,
            conn,
            is_voter: false,
            stand: Stand::Connected,
            want_snapshot: false,
            is_forwarding: false,
            deadline,
            heard: now,
            lock: SnapshotLock::Free,
            unacked: None,
            queue: Queue::Draining,
        }
    }

    /// From now on packets wait until NEWLEADER is queued.
    pub fn hold(&mut self) {
        self.queue = Queue::Held(Vec::new());
    }

    /// Sends, or queues while held.
    pub fn send(&mut self, packet: Packet, out: &mut Out) {
        match &mut self.queue {
            Queue::Held(packets) => packets.push(packet),
            Queue::Draining => out.send(self.conn, Msg::Quorum(packet)),
        }
    }

    /// Sends everything held and goes on sending.
    pub fn drain(&mut self, out: &mut Out) {
        if let Queue::Held(packets) = std::mem::replace(&mut self.queue, Queue::Draining) {
            for packet in packets {
                out.send(self.conn, Msg::Quorum(packet));
            }
        }
    }

    /// Whether packets leave at once.
    pub fn is_draining(&self) -> bool {
        self.queue == Queue::Draining
    }

    /// Whether it keeps the tree locked.
    pub fn is_stuck(&self) -> bool {
        self.lock == SnapshotLock::Held
    }

    /// Whether it is past NEWLEADER, so that proposals are acknowledged one by one (`SyncLimitCheck.start`).
    pub fn acks_proposals(&self) -> bool {
        matches!(self.stand, Stand::AckedNewLeader | Stand::Synced)
    }

    /// Whether the learner's phase still allows initLimit, not only syncLimit, of silence.
    pub fn silence_allowed(&self, init: Span, sync: Span) -> Span {
        match self.stand {
            Stand::Connected
            | Stand::AwaitsEpoch
            | Stand::ToldEpoch
            | Stand::Promised(_)
            | Stand::SyncQueued(_)
            | Stand::ToldNewLeader
            | Stand::AckedNewLeader => init,
            Stand::Synced => sync,
        }
    }
}
