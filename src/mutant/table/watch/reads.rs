//! Defects of reads and syncs.

use super::super::{Built, Defect, Hunt, Kind, Layer};
use crate::check::verdict::Property;
use crate::zab::rules::reads::{
    AheadClient, BehindOwnWrite, InLine, PongPosition, ReadPosition, ReadsWhileLooking, SyncAnswer,
    SyncAsks,
};

/// Syncs are judged by a claim that stock ZooKeeper does not make, where its leader cannot have been deposed.
const SYNCS: Hunt = Hunt {
    family: "swarm-syncs",
    set: &[("check", "[\"sync-read\"]")],
    guidance: "many syncs, slow links and servers, no leader deposed; sync-read judged by name",
};

pub(in super::super) const DEFECTS: [Defect; 8] = [
    Defect {
        id: "reply-claims-the-log",
        layer: Layer::Watch,
        kind: Kind::Designed {
            breaks: Property::WatchOrder,
        },
        story: "The reply to a read names the last zxid in the server's log, not the last one applied; stamping requests with \
                the newest zxid before they are processed, as the leader did before ZOOKEEPER-1412, comes to the same. The \
                client takes it for what it has seen. Changes between the two have not fired their watches yet, so the reply \
                overtakes the events, and after a reconnect at that moment they are never made up for.",
        built: Built::Rule(|rules| rules.reads.position = ReadPosition::OfLog),
        hunt: Hunt::SWARM,
    },
    Defect {
        id: "pong-claims-the-log",
        layer: Layer::Watch,
        kind: Kind::Designed {
            breaks: Property::ToldIsCommitted,
        },
        story: "The answer to a ping names the last zxid in the server's log. It is meant to say: all events up to here have \
                been sent to you; but what is only logged has fired no watch, and may never be committed. In etcd progress \
                notifications were not ordered with the events in the same way (issue 15220). When the leader dies with an \
                uncommitted tail, a client has been told of a position that no history has.",
        built: Built::Rule(|rules| rules.reads.pong = PongPosition::OfLog),
        hunt: Hunt::SWARM,
    },
    Defect {
        id: "read-while-looking",
        layer: Layer::Watch,
        kind: Kind::Designed {
            breaks: Property::ToldIsCommitted,
        },
        story: "A server that loses its leader keeps its clients and goes on answering their reads while it looks for a new \
                one. Its memory then holds whatever its log holds, also proposals that never had a quorum. A client reads \
                them, the next leader has the learner truncate them, and what was read has never existed.",
        built: Built::Rule(|rules| rules.reads.looking = ReadsWhileLooking::Answered),
        hunt: Hunt::SWARM,
    },
    Defect {
        id: "accepts-ahead-client",
        layer: Layer::Watch,
        kind: Kind::Designed {
            breaks: Property::SessionGuarantees,
        },
        story: "A server serves a client whose last zxid is ahead of its own, where ZooKeeper hangs up so that the client \
                tries another. The client moves from an up-to-date server to one that lags and reads values older than those \
                it has seen, even older than its own acknowledged writes: the single system image is gone.",
        built: Built::Rule(|rules| rules.reads.ahead = AheadClient::Accepted),
        hunt: Hunt::SWARM,
    },
    Defect {
        id: "sync-answered-locally",
        layer: Layer::Watch,
        kind: Kind::Designed {
            breaks: Property::SyncRead,
        },
        story: "A follower answers sync by itself, like a read, instead of asking the leader and waiting for its answer in \
                the stream of commits. The sync returns at once and promises nothing: on a follower that lags the read after \
                it still shows what was overwritten before the sync was sent. The one means by which a client can read up to \
                date has no effect.",
        built: Built::Rule(|rules| rules.reads.sync_asks = SyncAsks::Nobody),
        hunt: SYNCS,
    },
    Defect {
        id: "sync-overtakes-commits",
        layer: Layer::Watch,
        kind: Kind::Designed {
            breaks: Property::SyncRead,
        },
        story: "The leader's SYNC comes in the same stream as its commits, but the follower answers it on arrival instead of \
                putting it behind the commits that wait to be applied. The client's next read then shows a state from before \
                transactions that were committed, and acknowledged to others, when it asked for the sync.",
        built: Built::Rule(|rules| rules.reads.sync_answer = SyncAnswer::BeforeCommits),
        hunt: SYNCS,
    },
    Defect {
        id: "read-overtakes-own-write",
        layer: Layer::Watch,
        kind: Kind::Designed {
            breaks: Property::SessionGuarantees,
        },
        story: "A read that is sent behind a write of the same session is evaluated at once, and only its reply waits for the \
                write. Replies come in order, yet the read shows the state before the write that was acknowledged just \
                ahead of it. Pipelining clients, which rely on first-in first-out execution, do not see their own writes.",
        built: Built::Rule(|rules| rules.reads.behind = BehindOwnWrite::Overtakes),
        hunt: Hunt::ZNODES,
    },
    Defect {
        id: "reply-to-wrong-xid",
        layer: Layer::Watch,
        kind: Kind::Designed {
            breaks: Property::SessionGuarantees,
        },
        story: "Reads that waited behind a write are answered from the back, while the numbers on the replies stay in order: \
                each request gets another one's answer. The client library checks numbers only and hands the program the data \
                of a different znode, or the answer to a question of another kind.",
        built: Built::Rule(|rules| rules.reads.in_line = InLine::Reversed),
        hunt: Hunt::ZNODES,
    },
];
