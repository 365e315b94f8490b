//! How a leader brings a learner up to date: DIFF, TRUNC or SNAP (`LearnerHandler.syncFollower`, zab.md §4.2-4.3).

use std::sync::Arc;

use imbl::Vector;

use super::log::Log;
use super::memory::Memory;
use super::rules::asked::{LeaderLog, PeerState, SyncPolicy};
use super::rules::sync::{SnapContent, WalkRule};
use super::rules::{self, SyncRules};
use crate::base::ratio::Ratio;
use crate::base::zxid::Zxid;
use crate::history::fact::SyncKind;
use crate::tree::image::Image;
use crate::tree::txn::Txn;
use crate::words::RECORD_BYTES;
use crate::words::message::Packet;

/// What to send a learner, and from where live transactions take over.
#[derive(Clone, Debug, PartialEq)]
pub struct SyncPlan {
    /// Which kind.
    pub kind: SyncKind,
    /// The packets, in order; none for a SNAP, whose packet is made last and sent first.
    pub packets: Vec<Packet>,
    /// Everything proposed after this follows as live traffic.
    pub seen: Zxid,
}

/// What a learner says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Peer {
    /// Its last zxid, from ACKEPOCH.
    pub zxid: Zxid,
    /// K6: it cannot use anything but a SNAP.
    pub want_snapshot: bool,
}

impl Peer {
    /// The same learner, wanting a SNAP.
    #[must_use]
    pub fn with_snapshot(self) -> Self {
        Self {
            want_snapshot: true,
            ..self
        }
    }
}

/// The decision table; the first row that fits wins. One atomic step with `start_forwarding`.
pub fn decide(
    peer: Peer,
    memory: &Memory,
    log: &Log,
    factor: Ratio,
    rules: &SyncRules,
) -> SyncPlan {
    let window = memory.window();
    let processed = memory.processed();
    let oldest = window.front().map_or(processed, |txn| txn.zxid);
    let newest = window.back().map_or(processed, |txn| txn.zxid);
    if peer.want_snapshot {
        snap(memory)
    } else if processed == peer.zxid {
        SyncPlan {
            kind: SyncKind::Diff,
            packets: vec![Packet::Diff { zxid: peer.zxid }],
            seen: peer.zxid,
        }
    } else if peer.zxid > newest && !peer.zxid.is_label() {
        SyncPlan {
            kind: SyncKind::Trunc,
            packets: vec![Packet::Trunc { zxid: newest }],
            seen: newest,
        }
    } else if oldest <= peer.zxid && peer.zxid <= newest {
        walk(peer.zxid, newest, window, rules.walk).unwrap_or_else(|| snap(memory))
    } else {
        let from_log =
            (peer.zxid < oldest).then(|| read_log(peer.zxid, window, log, (factor, rules)));
        from_log.flatten().unwrap_or_else(|| snap(memory))
    }
}

/// What somebody else decides; a plan that begins at a transaction which the window does not have sends what is later.
pub fn asked(peer: Peer, memory: &Memory, policy: &dyn SyncPolicy) -> SyncPlan {
    let window = memory.window();
    let leader = LeaderLog {
        window: window.iter().map(|txn| txn.zxid).collect(),
        last: memory.processed(),
    };
    let answer = policy.decide(
        &leader,
        &PeerState {
            last: peer.zxid,
            wants_snapshot: peer.want_snapshot,
        },
    );
    let newest = window.back().map_or(leader.last, |txn| txn.zxid);
    let (kind, first, after) = match answer {
        rules::asked::SyncPlan::Snap => return snap(memory),
        rules::asked::SyncPlan::Diff { .. } if peer.zxid == leader.last => {
            let zxid = peer.zxid;
            (SyncKind::Diff, Packet::Diff { zxid }, zxid)
        }
        rules::asked::SyncPlan::Diff { after } => {
            (SyncKind::Diff, Packet::Diff { zxid: newest }, after)
        }
        rules::asked::SyncPlan::Trunc { to } => (SyncKind::Trunc, Packet::Trunc { zxid: to }, to),
    };
    let rest = window.iter().filter(|txn| txn.zxid > after);
    let packets = std::iter::once(first).chain(rest.flat_map(committed));
    SyncPlan {
        kind,
        packets: packets.collect(),
        seen: if peer.zxid == leader.last {
            peer.zxid
        } else {
            newest
        },
    }
}

/// Row 4: what the window no longer has is read from the leader's own log, if that is complete (K7) and not longer than
/// `factor` times the newest snapshot (`snapshotSizeFactor`). Sizes are those of the records, without padding.
fn read_log(
    peer: Zxid,
    window: &Vector<Arc<Txn>>,
    log: &Log,
    (factor, rules): (Ratio, &SyncRules),
) -> Option<SyncPlan> {
    let (oldest, newest) = (window.front()?.zxid, window.back()?.zxid);
    let missing = log.between(peer, oldest, rules.below_window)?;
    let length = RECORD_BYTES * (missing.len() + window.len()) as u64;
    if length > factor.of(log.snapshot_bytes()) {
        return None;
    }
    let mut packets = vec![Packet::Diff { zxid: newest }];
    packets.extend(missing.iter().chain(window).flat_map(committed));
    Some(SyncPlan {
        kind: SyncKind::LogDiff,
        packets,
        seen: newest,
    })
}

/// A transaction that the learner may apply at once.
fn committed(txn: &Arc<Txn>) -> [Packet; 2] {
    let proposal = Packet::Proposal {
        txn: Arc::clone(txn),
    };
    [proposal, Packet::Commit { zxid: txn.zxid }]
}

/// The packet itself is made when it is sent: what is applied until then is in it and is forwarded all the same.
fn snap(memory: &Memory) -> SyncPlan {
    SyncPlan {
        kind: SyncKind::Snap,
        packets: Vec::new(),
        seen: memory.processed(),
    }
}

/// The snapshot of this moment.
pub fn snapshot_packet(memory: &Memory, content: SnapContent, proposed: Zxid) -> Packet {
    let (mut zxid, mut tree) = (memory.processed(), memory.tree.clone());
    match content {
        SnapContent::State => {}
        SnapContent::NamedByLastProposal => zxid = zxid.max(proposed),
        SnapContent::WithoutSessions => {
            for (session, _) in memory.tree.sessions() {
                tree.forget_session(session);
            }
        }
    }
    let image = Box::new(Image { tree });
    Packet::Snap { zxid, image }
}

/// Walks the window from the learner's position on (`queueCommittedProposals`); `None` when the learner is on another
/// branch that only a SNAP repairs.
fn walk(peer: Zxid, newest: Zxid, window: &Vector<Arc<Txn>>, rule: WalkRule) -> Option<SyncPlan> {
    let start = window.binary_search_by(|txn| txn.zxid.cmp(&peer));
    let diff = Packet::Diff { zxid: newest };
    let (kind, first, rest) = match (start, rule) {
        (Ok(index), WalkRule::FromItsLast | WalkRule::WhateverIsLater) => {
            (SyncKind::Diff, diff, index + 1)
        }
        (Ok(index), WalkRule::SkipsOne) => (SyncKind::Diff, diff, index + 2),
        (Ok(index), WalkRule::RepeatsLast) | (Err(index), WalkRule::WhateverIsLater) => {
            (SyncKind::Diff, diff, index)
        }
        (Err(index), _) if peer.is_label() => (SyncKind::Diff, diff, index),
        (Err(index), WalkRule::FromItsLast | WalkRule::SkipsOne | WalkRule::RepeatsLast) => {
            let previous = window.get(index.checked_sub(1)?)?;
            if window.get(index)?.zxid.epoch() != peer.epoch() {
                return None;
            }
            (
                SyncKind::Trunc,
                Packet::Trunc {
                    zxid: previous.zxid,
                },
                index,
            )
        }
    };
    let mut packets = vec![first];
    packets.extend(window.iter().skip(rest).flat_map(committed));
    Some(SyncPlan {
        kind,
        packets,
        seen: newest,
    })
}

#[cfg(test)]
mod tests {
    //! The rows measured on a real 3.9.5: zab.md §13, X2' and X2b.

    use super::*;
    use crate::base::id::{ServerId, SessionId};
    use crate::base::zxid::Epoch;
    use crate::history::op::ErrorCode;
    use crate::tree::store::Tree;
    use crate::tree::txn::Body;
    use crate::zab::log::Log;
    use crate::zab::rules::sync::WindowRule;
    use crate::zab::testing::packet_text;

    fn zxid(epoch: u32, counter: u32) -> Zxid {
        Zxid::new(Epoch(epoch), counter)
    }

    fn memory(history: &[(u32, u32)], window: usize) -> (Memory, Log) {
        let txns = history.iter().map(|(epoch, counter)| {
            Txn::new(
                zxid(*epoch, *counter),
                SessionId::NONE,
                0,
                0,
                Body::Error(ErrorCode::NoNode),
            )
        });
        let log = Log::new(ServerId(1), Tree::new(), txns);
        (
            Memory::from_log(&log, Tree::new(), window, WindowRule::Whole),
            log,
        )
    }

    fn check(leader: &(Memory, Log), peer: Zxid, expected: &str) {
        check_with(leader, Ratio::ZERO, peer, expected);
    }

    fn check_with((memory, log): &(Memory, Log), factor: Ratio, peer: Zxid, expected: &str) {
        let plan = decide(
            Peer {
                zxid: peer,
                want_snapshot: false,
            },
            memory,
            log,
            factor,
            &SyncRules::default(),
        );
        let mut said: Vec<String> = plan.packets.iter().map(packet_text).collect();
        if plan.kind == SyncKind::Snap {
            said.push(format!("SNAP {}", plan.seen));
        }
        assert_eq!(said.join(" "), expected, "peer {peer}");
    }

    #[test]
    fn learner_on_the_leaders_branch_gets_what_it_lacks() {
        let memory = memory(&[(1, 1), (1, 2), (2, 1), (2, 2)], 500);
        check(
            &memory,
            zxid(1, 2),
            "DIFF PROPOSAL 2:1 COMMIT 2:1 PROPOSAL 2:2 COMMIT 2:2",
        );
        check(
            &memory,
            zxid(2, 0),
            "DIFF PROPOSAL 2:1 COMMIT 2:1 PROPOSAL 2:2 COMMIT 2:2",
        );
        check(&memory, zxid(2, 2), "DIFF");
    }

    #[test]
    fn learner_ahead_is_truncated_even_across_epochs_unless_it_only_holds_a_label() {
        let mut memory = memory(&[(1, 1), (1, 2), (2, 1), (2, 2)], 500);
        check(&memory, zxid(3, 1), "TRUNC 2:2");
        check(&memory, zxid(3, 0), "SNAP 2:2");
        memory.0.set_label(Epoch(3));
        check(&memory, zxid(2, 3), "TRUNC 2:2");
        check(&memory, zxid(2, 2), "DIFF");
        check(&memory, zxid(3, 0), "DIFF");
    }

    #[test]
    fn learner_on_another_branch_inside_the_window_gets_a_snapshot() {
        let memory = memory(&[(1, 1), (1, 2), (2, 1), (2, 2), (4, 1)], 500);
        check(&memory, zxid(2, 3), "SNAP 4:1");
        check(&memory, zxid(1, 3), "SNAP 4:1");
    }

    #[test]
    fn learner_older_than_the_window_gets_a_snapshot() {
        let memory = memory(&[(1, 1), (1, 2), (1, 3), (1, 4)], 2);
        check(&memory, zxid(1, 2), "SNAP 1:4");
        check(&memory, zxid(1, 3), "DIFF PROPOSAL 1:4 COMMIT 1:4");
        check(&memory, Zxid::ZERO, "SNAP 1:4");
    }

    #[test]
    fn learner_older_than_the_window_gets_what_the_log_has_if_that_is_short() {
        // Four records are 480 bytes, the empty tree's snapshot is at least 200 and a root.
        let leader = memory(&[(1, 1), (1, 2), (1, 3), (2, 1), (2, 2)], 2);
        let everything = Ratio::new(100, 1);
        let rest = "PROPOSAL 1:3 COMMIT 1:3 PROPOSAL 2:1 COMMIT 2:1 PROPOSAL 2:2 COMMIT 2:2";
        check_with(&leader, everything, zxid(1, 2), &format!("DIFF {rest}"));
        check_with(&leader, Ratio::new(1, 100), zxid(1, 2), "SNAP 2:2");
        check_with(&leader, Ratio::ZERO, zxid(1, 2), "SNAP 2:2");
    }

    #[test]
    fn learner_whose_last_transaction_the_log_does_not_have_gets_a_snapshot() {
        let everything = Ratio::new(100, 1);
        let leader = memory(&[(1, 1), (1, 2), (1, 3), (2, 1), (2, 2)], 1);
        for peer in [zxid(1, 4), zxid(1, 9), Zxid::label(Epoch(1)), Zxid::ZERO] {
            check_with(&leader, everything, peer, "SNAP 2:2");
        }
        let hole = memory(&[(1, 1), (1, 2), (1, 5), (1, 6), (1, 7)], 1);
        check_with(&hole, everything, zxid(1, 2), "SNAP 1:7");
        check_with(
            &hole,
            everything,
            zxid(1, 5),
            "DIFF PROPOSAL 1:6 COMMIT 1:6 PROPOSAL 1:7 COMMIT 1:7",
        );
    }
}
