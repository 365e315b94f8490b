//! Defects of the preparation and application of transactions.

use super::{Built, Defect, Hunt, Kind, Layer};
use crate::check::verdict::Property;
use crate::tree::rules::{
    CversionRule, EphemeralParent, MultiRule, MultiZxid, NonEmpty, PzxidMoves, Rollback,
    SeenChanges, SetDataRule, SnapshotHolds, Stamps, SuffixCounts, WithinMulti,
};
use crate::zab::rules::session::VersionCheck;

pub(super) const DEFECTS: [Defect; 15] = [
    Defect {
        id: "set-data-ignores-version",
        layer: Layer::StateMachine,
        kind: Kind::Designed {
            breaks: Property::LinearizableWrites,
        },
        story: "A conditional write is done whatever version the znode has. Two clients that have read the same version both write on that condition, and both are told that they succeeded: one has overwritten the other unawares, and every lock or counter built on compare-and-set is broken.",
        built: Built::Rule(|rules| rules.prep.set_data = SetDataRule::IgnoresVersion),
        hunt: Hunt::SWARM,
    },
    Defect {
        id: "version-checked-at-follower",
        layer: Layer::StateMachine,
        kind: Kind::Designed {
            breaks: Property::LinearizableWrites,
        },
        story: "The server that a client is connected to compares the version of a setData with its own state and sends the write on as unconditional. Its state may be behind, and two servers can find the same version right at the same time; the leader, which alone sees all writes in order, does not look again. Two compare-and-sets on one version both succeed.",
        built: Built::Rule(|rules| rules.session.version_check = VersionCheck::OwnServer),
        hunt: Hunt::SWARM,
    },
    Defect {
        id: "prep-ignores-outstanding",
        layer: Layer::StateMachine,
        kind: Kind::Designed {
            breaks: Property::LinearizableWrites,
        },
        story: "The leader validates requests against what is applied and does not look at what it has proposed before and not applied yet. Two writes in flight to the same znode get the same version, two sequential creates the same number, a create and another of the same name both pass. It takes nothing but two clients at the same time.",
        built: Built::Rule(|rules| rules.prep.seen = SeenChanges::Applied),
        hunt: Hunt::SWARM,
    },
    Defect {
        id: "multi-not-atomic",
        layer: Layer::StateMachine,
        kind: Kind::Designed {
            breaks: Property::LinearizableWrites,
        },
        story: "A multi of which one operation fails keeps what came before it. The client is told of the failure and has every reason to believe that nothing was done, while others see half of its transaction.",
        built: Built::Rule(|rules| rules.prep.multi = MultiRule::DoneSoFar),
        hunt: Hunt::ZNODES,
    },
    Defect {
        id: "all-operations-blamed",
        layer: Layer::StateMachine,
        kind: Kind::Designed {
            breaks: Property::LinearizableWrites,
        },
        story: "When an operation of a multi fails, those after it are told the same error instead of RuntimeInconsistency. Nothing is done, as it should be, but the answer says of conditions that nobody looked at that they were not met: a client believes that a version has moved on, or that a znode is gone, which is as it was.",
        built: Built::Rule(|rules| rules.prep.multi = MultiRule::AllBlamed),
        hunt: Hunt::ZNODES,
    },
    Defect {
        id: "multi-split-zxid",
        layer: Layer::StateMachine,
        kind: Kind::Designed {
            breaks: Property::LinearizableWrites,
        },
        story: "The operations of a multi are stamped with zxids of their own, counted from that of the transaction. What they leave in the status of znodes is the number of writes that come later, so that two different changes bear the same zxid, and a client cannot tell which of them its read has seen.",
        built: Built::Rule(|rules| rules.tree.multi_zxid = MultiZxid::OnePerOperation),
        hunt: Hunt::ZNODES,
    },
    Defect {
        id: "seq-counter-from-children",
        layer: Layer::StateMachine,
        kind: Kind::Designed {
            breaks: Property::LinearizableWrites,
        },
        story: "The number of a sequential znode is the number of children that its parent has. Once a child was deleted the next name is one that was given before: two lock requests in a queue bear the same number, or a create fails because the name is still taken.",
        built: Built::Rule(|rules| rules.prep.suffix = SuffixCounts::Children),
        hunt: Hunt::ZNODES,
    },
    Defect {
        id: "delete-nonempty",
        layer: Layer::StateMachine,
        kind: Kind::Designed {
            breaks: Property::LinearizableWrites,
        },
        story: "delete does not look whether the znode has children. They stay in the tree without a parent: still readable by their own paths, in no list, and in the way of whoever creates the parent again and then a child of the same name.",
        built: Built::Rule(|rules| rules.prep.non_empty = NonEmpty::Deleted),
        hunt: Hunt::ZNODES,
    },
    Defect {
        id: "child-under-ephemeral",
        layer: Layer::StateMachine,
        kind: Kind::Designed {
            breaks: Property::LinearizableWrites,
        },
        story: "A create below an ephemeral passes. When the session ends its ephemeral goes and the child stays without a parent, which no later request can list and which nobody owns.",
        built: Built::Rule(|rules| rules.prep.ephemeral_parent = EphemeralParent::Allowed),
        hunt: Hunt::ZNODES,
    },
    Defect {
        id: "pzxid-not-updated-on-delete",
        layer: Layer::StateMachine,
        kind: Kind::Designed {
            breaks: Property::SessionGuarantees,
        },
        story: "A delete leaves its parent's pzxid as it was. A client that asks for the children and compares pzxids takes the list for unchanged, and a child watch that is set again after a reconnect does not notice what was deleted meanwhile.",
        built: Built::Rule(|rules| rules.tree.pzxid = PzxidMoves::ByCreates),
        hunt: Hunt::ZNODES,
    },
    Defect {
        id: "nondeterministic-apply",
        layer: Layer::StateMachine,
        kind: Kind::Designed {
            breaks: Property::StateEquality,
        },
        story: "Each server stamps a znode with its own clock when it applies a transaction, instead of taking the time that the leader wrote into it. All servers apply the same history and hold different states: mtime depends on whom a client asks, TTL znodes die at different times after a leader change, and no comparison of digests succeeds any more.",
        built: Built::Rule(|rules| rules.tree.stamps = Stamps::Own),
        hunt: Hunt::SWARM,
    },
    Defect {
        id: "multi-rollback-forgets-parent",
        layer: Layer::StateMachine,
        kind: Kind::Historic {
            issues: &[1624],
            versions: "before 3.4.6",
            breaks: Property::LinearizableWrites,
        },
        story: "When an operation of a multi fails, the records of changes in flight are put back as they were before the multi, but only for the paths of its operations. A parent whose counter an earlier create in flight had raised falls back to what is applied. The next sequential create gets a number that was given out a moment ago. It takes a multi that aborts between two pipelined sequential creates below the same parent.",
        built: Built::Rule(|rules| rules.prep.rollback = Rollback::ForgetsParents),
        hunt: Hunt {
            family: "swarm-znodes",
            set: &[(
                "workload",
                r#"[{"kind": "znodes", "clients": 5, "keys": 1, "think_ms": [0, 20], "window": 8}]"#,
            )],
            guidance: "many requests under way on few znodes",
        },
    },
    Defect {
        id: "multi-sees-committed-only",
        layer: Layer::StateMachine,
        kind: Kind::Historic {
            issues: &[4219],
            versions: "before 3.7.0",
            breaks: Property::LinearizableWrites,
        },
        story: "An operation of a multi is checked against what was there before the multi and not against what the operations before it make. ZooKeeper did this in its quota check, which met a null where the multi creates a znode and sets it at once; here it is so for every lookup. A multi that creates a znode and then writes to it fails with NoNode, and one that writes twice gives the same version twice.",
        built: Built::Rule(|rules| rules.prep.within_multi = WithinMulti::EarlierOnly),
        hunt: Hunt::ZNODES,
    },
    Defect {
        id: "cversion-by-increment",
        layer: Layer::StateMachine,
        kind: Kind::Historic {
            issues: &[1046],
            versions: "before 3.3.4 and 3.4.0",
            breaks: Property::StateEquality,
        },
        story: "Snapshots are written while transactions are applied, so what is replayed after a start may be in the snapshot already; each transaction says what it leaves behind, and doing it twice does no harm. Here a create counts the parent's cversion up instead of setting it to what the transaction says. Replayed creates count twice: the server that has restarted holds another state than the others, and once it leads, sequential names skip numbers or, in ZooKeeper, meet znodes that exist.",
        built: Built::Rule(|rules| {
            rules.tree.snapshot = SnapshotHolds::LaterToo;
            rules.tree.cversion = CversionRule::CountsUp;
        }),
        hunt: Hunt {
            family: "swarm-znodes",
            set: &[("ensemble.snap_count", "10")],
            guidance: "small caps",
        },
    },
    Defect {
        id: "snapshot-inside-multi",
        layer: Layer::StateMachine,
        kind: Kind::Historic {
            issues: &[3127],
            versions: "before 3.5.5",
            breaks: Property::StateEquality,
        },
        story: "Applying the first operation of a multi makes its zxid the last one processed. A snapshot that is taken before the others are done bears that zxid and lacks the rest, and after a restart nothing is replayed that would bring it: half a transaction is on that disk for good. It takes a snapshot that begins in the middle of a multi, and a restart before the next snapshot.",
        built: Built::Rule(|rules| rules.tree.snapshot = SnapshotHolds::HalfMulti),
        hunt: Hunt {
            family: "swarm-znodes",
            set: &[("ensemble.snap_count", "10")],
            guidance: "small caps",
        },
    },
];
