//! What is odd, but no defect: nothing here may ever be flagged.

use super::{Built, Defect, Hunt, Kind, Layer};
use crate::client::rules::PongZxid;
use crate::tree::rules::SnapshotHolds;
use crate::tree::rules::{DeletionOrder, ListOrder};
use crate::zab::rules::Rules;
use crate::zab::rules::broadcast::{AckOrder, CommitOrder};
use crate::zab::rules::election::{Joining, TallyRule};
use crate::zab::rules::odd::{AckCopies, ApplyPace, FinalizeWait, SyncTaste, WriteReplies};

/// A leader in vain is no danger: discovery needs a quorum of its own.
const GIVES_UP: &str = "who leads without a quorum of learners gives up after initLimit, within every bound that is promised";

pub(super) const DEFECTS: [Defect; 15] = [
    control(
        "fle-joins-as-leader",
        "ZOOKEEPER-975, before 3.4.0. FastLeaderElection stopped as soon as it had heard from every voter, whatever they had \
         said. A server that joins is sent the last notifications of the others, which may be as old as their own election: \
         it hears from everybody, believes itself elected and leads in vain, while an ensemble is running. That was all the harm \
         in ZooKeeper, too: discovery needs promises of a quorum, which follows somebody else, so that no property of safety is at \
         stake; the ensemble goes on serving; and the newcomer looks again after initLimit, within the bound of convergence.",
        GIVES_UP,
        |rules| rules.election.tally = TallyRule::EverybodyHeard,
    ),
    control(
        "fle-ignores-round",
        "ZOOKEEPER-1514, before 3.4.4. A server that hears that others follow it took that for its election without asking in \
         which round they had decided. After a quick restart its former followers, which have not noticed, make it leader \
         again; by the time it opens its port they have gone. What made the issue a bad one was a third server that could never \
         join, because votes from different rounds did not count as one outcome: that comparison is a defect by itself \
         (join-needs-identical-vote). Whoever joins takes over the round here, as since 3.4.6, so that what is left is one wasted \
         initLimit, within the bounds of liveness and convergence.",
        GIVES_UP,
        |rules| rules.election.joining = Joining::SaysSo,
    ),
    control(
        "follower-of-dead-round",
        "A server that hears one other say that it leads follows it, with or without a quorum behind it. Whom it follows so \
         is either a leader, or gives up soon.",
        GIVES_UP,
        |rules| rules.election.joining = Joining::Alone,
    ),
    Defect {
        id: "commit-without-order-test",
        layer: Layer::Broadcast,
        kind: Kind::Control {
            legal: "acks of one server arrive in order, so a proposal never has a quorum before its predecessor",
        },
        story: "The leader commits whatever has a quorum of acks, without looking whether the proposal before it has one. Nothing can come of that: every server acknowledges in the order of the log, over one connection at a time.",
        built: Built::Rule(|rules| rules.broadcast.order = CommitOrder::AsAcknowledged),
        hunt: Hunt::SWARM,
    },
    Defect {
        id: "acks-newest-first",
        layer: Layer::Broadcast,
        kind: Kind::Control {
            legal: "an ack says that everything up to its zxid is on disk, and the leader commits in order",
        },
        story: "Followers acknowledge the records of one fsync in the reverse order. Each ack is true, and the leader waits for the oldest proposal anyway.",
        built: Built::Rule(|rules| rules.broadcast.acks = AckOrder::NewestFirst),
        hunt: Hunt::SWARM,
    },
    Defect {
        id: "fuzzy-snapshot",
        layer: Layer::StateMachine,
        kind: Kind::Control {
            legal: "doing a transaction twice leaves what doing it once leaves",
        },
        story: "A snapshot bears the zxid at which it was begun and holds transactions that were applied while it was written, as ZooKeeper's do. What is replayed after a start is partly in it already, which changes nothing.",
        built: Built::Rule(|rules| rules.tree.snapshot = SnapshotHolds::LaterToo),
        hunt: Hunt {
            family: "swarm-znodes",
            set: &[("ensemble.snap_count", "10")],
            guidance: "small caps",
        },
    },
    Defect {
        id: "no-finalize-wait",
        layer: Layer::Election,
        kind: Kind::Control {
            legal: "the wait is for speed: a leader elected without it may fail in discovery, but leads nobody astray",
        },
        story: "An election ends with the first quorum, without 200 ms of waiting for a better vote. More elections choose a \
                server that others then refuse to follow because it is behind; they are repeated. No safety depends on it.",
        built: Built::Rule(|rules| rules.odd.finalize = FinalizeWait::AtOnce),
        hunt: Hunt::SWARM,
    },
    Defect {
        id: "stock-sync",
        layer: Layer::Watch,
        kind: Kind::Control {
            legal: "sync asks the leader and no quorum (ZOOKEEPER-1675, 2136): sync-read is no promise of ZooKeeper",
        },
        story: "What the servers do anyway: a sync is answered by the leader alone, so that one that is deposed and does not \
                know it lets stale reads through. Reads without a sync may be stale in any case. Both are documented, and \
                only a scenario that asks for sync-read or linearizable-reads by name may be told of them, as \
                sync-at-a-deposed-leader and stale-reads do.",
        built: Built::Rule(|_| {}),
        hunt: Hunt::SWARM,
    },
    Defect {
        id: "lazy-apply",
        layer: Layer::Watch,
        kind: Kind::Control {
            legal: "reads without a sync may be stale, and nobody is promised how soon a learner applies a commit",
        },
        story: "A learner applies a committed transaction only when a second one or a sync waits, or when the leader pings. \
                Its clients read values that are up to half a tick old, and get their own replies that much later. Each \
                session still sees a prefix of the history that never goes back.",
        built: Built::Rule(|rules| rules.odd.apply = ApplyPace::Lazy),
        hunt: Hunt::SWARM,
    },
    Defect {
        id: "acks-twice",
        layer: Layer::Broadcast,
        kind: Kind::Control {
            legal: "the leader keeps the set of those who have acknowledged, so that a second copy adds nothing",
        },
        story: "A follower sends every acknowledgement twice. A leader that counted messages instead of servers would commit \
                without a quorum; this one keeps sets. The control shows that checkers do not mistake the copy for a vote.",
        built: Built::Rule(|rules| rules.odd.acks = AckCopies::Two),
        hunt: Hunt::SWARM,
    },
    Defect {
        id: "replies-lost",
        layer: Layer::Session,
        kind: Kind::Control {
            legal: "a connection may end at any time, and a write without a reply promises nothing",
        },
        story: "A server hangs up instead of sending one in eight replies to writes. The writes are done, their clients \
                know nothing of it, reconnect elsewhere and set their watches again. All of that is ConnectionLoss as every \
                program must expect it; checkers that take it for a failure, or for a success, cry wolf.",
        built: Built::Rule(|rules| rules.odd.replies = WriteReplies::OneInEightLost),
        hunt: Hunt::SWARM,
    },
    Defect {
        id: "always-snap",
        layer: Layer::Sync,
        kind: Kind::Control {
            legal: "a snapshot of the leader's state is always a correct way to bring a learner up to date",
        },
        story: "The leader sends every learner a SNAP, whatever it has already. That is slow and never wrong; what the \
                learner has delivered before it gets again inside the snapshot, which is not a second delivery.",
        built: Built::Rule(|rules| rules.odd.sync = SyncTaste::AlwaysSnap),
        hunt: Hunt::SWARM,
    },
    Defect {
        id: "child-watches-caught-up-first",
        layer: Layer::Watch,
        kind: Kind::Control {
            legal: "events that setWatches makes have no zxid, and no order among them is promised",
        },
        story: "setWatches takes the lists in the opposite order: child, exist, data. A client that has missed several \
                changes is told of them in another order than usual, all before the reply.",
        built: Built::Rule(|rules| rules.watch.lists = ListOrder::ChildFirst),
        hunt: Hunt::ZNODES,
    },
    Defect {
        id: "parent-hears-of-deletion-first",
        layer: Layer::StateMachine,
        kind: Kind::Control {
            legal: "both events have the zxid of one transaction; their order within it is a habit, not a promise",
        },
        story: "A deletion is told to those who watch the parent's children before those who watch the znode itself. Events \
                stay in order of zxid, and before any reply that shows the deletion.",
        built: Built::Rule(|rules| rules.tree.deletion = DeletionOrder::ParentThenNode),
        hunt: Hunt::ZNODES,
    },
    Defect {
        id: "ping-updates-zxid",
        layer: Layer::Client,
        kind: Kind::Control {
            legal: "equivalent here: pongs come in one stream with events and replies, so that what they claim has been told",
        },
        story: "The client counts the zxid in the answer to a ping as seen (ZOOKEEPER-1417, fixed in 3.5.0 in the C client). \
                With servers that answer pings from the state they have applied, in one stream with events, the claim is \
                true: reads stay monotone, no watch is missed, and the client is merely refused by more of the servers that \
                lag. It does harm only together with a server whose pongs claim too much (pong-claims-the-log).",
        built: Built::Client(|rules| rules.pongs = PongZxid::Counts),
        hunt: Hunt::SWARM,
    },
];

/// Something odd, and why it is legal.
const fn control(
    id: &'static str,
    story: &'static str,
    legal: &'static str,
    change: fn(&mut Rules),
) -> Defect {
    Defect {
        id,
        layer: Layer::Election,
        kind: Kind::Control { legal },
        story,
        built: Built::Rule(change),
        hunt: Hunt::SWARM,
    }
}
