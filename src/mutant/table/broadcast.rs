//! Defects of proposals, acks and commits, and of the pipeline that answers.

use super::{Built, Defect, Hunt, Kind, Layer};
use crate::check::verdict::Property;
use crate::mutant::wrapped::Wrapper;
use crate::zab::rules::QuorumRule;
use crate::zab::rules::broadcast::{
    AckOrder, AfterFailure, ApplyMoment, CommitOrder, CommitRule, ForwardedWrites, LabelAck,
    Leftovers, LostQuorum, SnapshotLock,
};
use crate::zab::rules::session::{AnswerMoment, CommitMatching, Undecodable};

pub(super) const DEFECTS: [Defect; 16] = [
    Defect {
        id: "ack-before-fsync",
        layer: Layer::Broadcast,
        kind: Kind::Designed {
            breaks: Property::TruthfulAck,
        },
        story: "A server acknowledges proposals that are not on its disk yet. As long as the power stays on nobody notices, and everything is faster; when a quorum loses power together, what it had acknowledged and what clients were told of is on no disk at all.",
        built: Built::Wrapper(Wrapper::AckBeforeFsync),
        hunt: Hunt::SWARM,
    },
    Defect {
        id: "half-quorum",
        layer: Layer::Broadcast,
        kind: Kind::Designed {
            breaks: Property::CommitQuorum,
        },
        story: "Half of the voters, rounded down, count as a quorum. Two quorums need not meet any more: both sides of a partition elect a leader and commit, and when they meet again one history has to give way although clients were told of it.",
        built: Built::Rule(|rules| rules.quorum = QuorumRule::HalfRoundedDown),
        hunt: Hunt::SWARM,
    },
    Defect {
        id: "commit-no-quorum",
        layer: Layer::Broadcast,
        kind: Kind::Designed {
            breaks: Property::CommitQuorum,
        },
        story: "The leader commits a proposal as soon as one follower has acknowledged it. With three servers that is a majority and nobody can tell; with five, two disks hold what clients are told is committed. The two fail or are cut off together, the other three elect a leader without the write, and it is gone.",
        built: Built::Rule(|rules| rules.broadcast.commit = CommitRule::FirstFollower),
        hunt: Hunt::SWARM,
    },
    Defect {
        id: "commit-on-own-log",
        layer: Layer::Broadcast,
        kind: Kind::Designed {
            breaks: Property::CommitQuorum,
        },
        story: "The leader commits a proposal once its own log is forced and does not wait for its followers. Every answer is fast, and true only while that one machine lives: when it falls, its followers elect a leader that may never have received what clients were told.",
        built: Built::Rule(|rules| rules.broadcast.commit = CommitRule::OwnLog),
        hunt: Hunt::SWARM,
    },
    Defect {
        id: "duplicate-acks-count",
        layer: Layer::Broadcast,
        kind: Kind::Designed {
            breaks: Property::CommitQuorum,
        },
        story: "The leader counts acks instead of keeping the set of servers that sent them. A follower that loses its connection and comes back to the same leader is sent the proposals in flight once more and acknowledges them once more; its second ack stands in for a server that has nothing. It takes five voters, a reset while writes are in flight, and followers slow enough to make the difference.",
        built: Built::Rule(|rules| rules.broadcast.commit = CommitRule::CountedAcks),
        hunt: Hunt {
            family: "swarm",
            set: &[
                (
                    "generate.families",
                    r#"["reset", "slow-disk", "disk-stall", "mute", "flaky", "cut"]"#,
                ),
                ("generate.gap_ms", "300"),
                ("disk.fsync_us", "[20000, 600000]"),
            ],
            guidance: "slow disks and many resets",
        },
    },
    Defect {
        id: "uptodate-ack-counts",
        layer: Layer::Broadcast,
        kind: Kind::Designed {
            breaks: Property::CommitQuorum,
        },
        story: "A follower acknowledges NEWLEADER twice, the second time when it is told that it is up to date; that ack names the epoch's label and no transaction. Here the leader takes it to cover every proposal made so far. Those made while the follower waited for UPTODATE are still in its queue, not on its disk, and a crash at that moment takes them along although they were committed with its voice.",
        built: Built::Rule(|rules| rules.broadcast.label_ack = LabelAck::Everything),
        hunt: Hunt::SWARM,
    },
    Defect {
        id: "commit-out-of-order",
        layer: Layer::Broadcast,
        kind: Kind::Designed {
            breaks: Property::CommitOrder,
        },
        story: "Two shortcuts that are harmless alone. Followers acknowledge the records of one fsync newest first, and the leader commits whatever has a quorum without looking whether its predecessor has one. Under pipelined writes a COMMIT overtakes the one before it: the leader applies transactions in an order in which nobody proposed them, and followers, which check the head of their queue, leave it.",
        built: Built::Rule(|rules| {
            rules.broadcast.order = CommitOrder::AsAcknowledged;
            rules.broadcast.acks = AckOrder::NewestFirst;
        }),
        hunt: Hunt::SWARM,
    },
    Defect {
        id: "follower-applies-on-propose",
        layer: Layer::Broadcast,
        kind: Kind::Designed {
            breaks: Property::TotalOrder,
        },
        story: "A follower applies a proposal when it arrives and not when it is committed. Its clients read values that no quorum has, and if the leader falls before it has one, those values never existed: the follower's state has left the history of the ensemble, and readers have seen what will be denied.",
        built: Built::Rule(|rules| rules.broadcast.apply = ApplyMoment::OnProposal),
        hunt: Hunt::SWARM,
    },
    Defect {
        id: "old-leader-keeps-leading",
        layer: Layer::Broadcast,
        kind: Kind::Designed {
            breaks: Property::Convergence,
        },
        story: "A leader that too few learners answer does not step down. Cut off from its followers it goes on serving reads of an ever older state and takes writes that it can never commit, and when the network is whole again it has no reason to look for the leader that the others elected meanwhile: nobody speaks to it, so nothing tells it that its epoch is over.",
        built: Built::Rule(|rules| rules.broadcast.lost_quorum = LostQuorum::LeadsOn),
        hunt: Hunt::SWARM,
    },
    Defect {
        id: "zxid-reused-after-abort",
        layer: Layer::Broadcast,
        kind: Kind::Designed {
            breaks: Property::Integrity,
        },
        story: "A write that fails its checks is proposed and logged like any other, but the leader does not advance its counter for it: the next write goes out under the same zxid. Two transactions share one name, in logs as well as in messages; followers see a repeated proposal and leave the leader, and whoever kept the first of the two disagrees with whoever kept the second.",
        built: Built::Rule(|rules| rules.broadcast.after_failure = AfterFailure::Same),
        hunt: Hunt::SWARM,
    },
    Defect {
        id: "forward-retry-duplicates",
        layer: Layer::Broadcast,
        kind: Kind::Designed {
            breaks: Property::LinearizableWrites,
        },
        story: "A follower that loses its leader keeps the writes that it had forwarded and got no answer for, and sends them to the next leader. If the first had committed them, they happen twice; and even where it had not, the client has long been told of a lost connection and has gone on. An unconditional setData raises the version twice, a create comes back after its znode was deleted.",
        built: Built::Rule(|rules| rules.broadcast.forwarded = ForwardedWrites::SentAgain),
        hunt: Hunt::SWARM,
    },
    Defect {
        id: "commitproc-not-joined",
        layer: Layer::Broadcast,
        kind: Kind::Historic {
            issues: &[3598],
            versions: "all; a fix was committed in 2019 and reverted",
            breaks: Property::TotalOrder,
        },
        story: "When a follower's role ends, the thread that applies committed transactions is told to stop, and nobody waits until it has. While the server is brought up to date by its next leader the old thread goes on with what was left in its queue, and applies it to the state that the sync has just made. Transactions are in that state twice or out of order, and later syncs build on it. It takes a role that ends under load.",
        built: Built::Rule(|rules| rules.broadcast.leftovers = Leftovers::Applied),
        hunt: Hunt::SWARM,
    },
    Defect {
        id: "serialize-under-lock-blocks",
        layer: Layer::Broadcast,
        kind: Kind::Historic {
            issues: &[2201],
            versions: "before 3.4.7 and 3.5.1",
            breaks: Property::Convergence,
        },
        story: "A snapshot for a learner is written to its socket znode by znode, each under the lock of the znode. If the learner is out of reach and the socket's buffer is full, the write blocks, and with it the lock; the thread that applies committed transactions stops at the first change of that znode. The leader goes on answering pings, so nobody elects another one, and its own state and its clients stand still.",
        built: Built::Rule(|rules| rules.broadcast.snapshot_lock = SnapshotLock::Held),
        hunt: Hunt {
            family: "snapshot-to-nowhere",
            set: &[("ensemble.committed_log", "1")],
            guidance: "a cut at the moment of a snapshot",
        },
    },
    Defect {
        id: "undecodable-write",
        layer: Layer::Broadcast,
        kind: Kind::Designed {
            breaks: Property::Answered,
        },
        story: "A frame that says create and has no body reaches an ensemble. The leader's Prep numbers requests before it decodes them, but here it takes the failure for a transaction under the zxid that was committed last and lets it wait for acks like any proposal. Everybody has acknowledged that zxid before, so nobody will again, and every later proposal waits behind it. Reads and pings go on, no write is answered any more, and only a new leader ends it. ZooKeeper 3.9.5 does this (measured); one client with a broken serializer is enough.",
        built: Built::Rule(|rules| rules.session.undecodable = Undecodable::ProposedUnderOldZxid),
        hunt: Hunt {
            family: "swarm",
            set: &[(
                "workload",
                r#"[{"kind": "versioned-register", "clients": 3, "mix": {"read": 4, "write": 4, "cas": 3, "undecodable": 1}}]"#,
            )],
            guidance: "clients that send broken frames",
        },
    },
    Defect {
        id: "reply-on-quorum-not-applied",
        layer: Layer::Broadcast,
        kind: Kind::Designed {
            breaks: Property::SessionGuarantees,
        },
        story: "A write is answered when it is committed, not when the client's server has applied it. The answer is true, but the next read of the same session finds the state of before: a client does not read its own acknowledged write, and its view goes back from the zxid of one reply to the next.",
        built: Built::Rule(|rules| rules.session.answer = AnswerMoment::OnCommit),
        hunt: Hunt::family("swarm-pipelined"),
    },
    Defect {
        id: "commit-overtakes-queue",
        layer: Layer::Broadcast,
        kind: Kind::Historic {
            issues: &[1863],
            versions: "3.4 and early 3.5, fixed in 3.5.0",
            breaks: Property::Answered,
        },
        story: "A follower's commit processor meets commits of its own clients and of others' in one stream and tells them apart by the request that waits at its session's head. While a session has several requests under way and commits are queueing up, it compares before the request has been taken from the queue and takes the commit for a foreign one. The transaction is applied and nobody is told: the session's replies stop for good, since all that follows waits behind the one that was missed.",
        built: Built::Rule(|rules| rules.session.matching = CommitMatching::OwnUnlessBusy),
        hunt: Hunt::family("swarm-pipelined"),
    },
];
