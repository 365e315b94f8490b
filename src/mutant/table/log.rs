//! Defects of log, snapshots and recovery.

use super::{Built, Defect, Hunt, Kind, Layer};
use crate::check::verdict::Property;
use crate::mutant::wrapped::Wrapper;
use crate::tree::rules::{ClosedEphemerals, SnapshotHolds, VersionRule};
use crate::zab::rules::log::{BootForce, BootRule, SnapshotRule, TornTail};
use crate::zab::rules::sync::NewLeaderOrder;

/// Snapshots every few transactions: most crashes then come after one.
const OFTEN: Hunt = Hunt {
    family: "swarm-znodes",
    set: &[("ensemble.snap_count", "4")],
    guidance: "a snapshot every four transactions",
};

/// Defects that ZooKeeper had, then designed ones.
pub(super) const DEFECTS: [Defect; 12] = [
    Layer::Log.historic(
        "snapshot-before-epoch-file",
        (&[1653, 2354], "3.4.0 to 3.4.5; 2354 is open"),
        Property::Convergence,
        "At NEWLEADER a learner writes the snapshot of the new epoch first and its currentEpoch afterwards, in two durable \
         steps with nothing that ties them together. A crash in between leaves a history of a later epoch than the server \
         knows of. At the next start it finds that out and refuses to start, then and for ever; only an operator can help it.",
        |rules| {
            rules.sync.new_leader = NewLeaderOrder::SnapshotThenEpoch;
            rules.log.boot = BootRule::RefusesLaterEpochs;
        },
        Hunt::family("power-loss-at-the-switch"),
    ),
    Layer::Log.historic(
        "snapshot-zxid-ahead",
        (&[1090], "before 3.4.0"),
        Property::StateEquality,
        "lastProcessedZxid was raised before the tree was changed. A snapshot that begins in between is named after a \
         transaction that it does not contain. After a restart the replay begins behind that transaction: its effect is \
         missing on this server alone, and nothing ever brings it back.",
        |rules| rules.log.snapshot = SnapshotRule::LabelAhead,
        Hunt::SWARM,
    ),
    Layer::Log.historic(
        "session-after-zxid",
        (&[3144], "before 3.6.0"),
        Property::StateEquality,
        "The session table was changed after lastProcessedZxid had been raised. A snapshot in between names the transaction \
         that opens or closes a session and has the table from before it. After a restart the server knows a session that \
         is over, or does not know one that lives and whose ephemerals it holds.",
        |rules| rules.log.snapshot = SnapshotRule::SessionsBehind,
        OFTEN,
    ),
    Layer::Log.historic(
        "closesession-not-idempotent",
        (&[3145, 3125], "before 3.6.0"),
        Property::StateEquality,
        "A closeSession named no paths: whoever applied it deleted the ephemerals that it found. A snapshot that was taken \
         while a session ended may have lost the ephemerals and still hold their parents from before; a replay then finds \
         nothing to delete and leaves the parents' pzxid as it was. Child watches that a client sets anew are compared with \
         that pzxid, and the client never hears that children went.",
        |rules| {
            rules.log.snapshot = SnapshotRule::HalfClosed;
            rules.tree.closed = ClosedEphemerals::Found;
        },
        Hunt::family("snapshots-while-a-session-ends"),
    ),
    Layer::Log.historic(
        "acl-cache-fuzzy",
        (&[3306, 4689], "before 3.6.0"),
        Property::StateEquality,
        "ACLs were written to a snapshot before the znodes that refer to them, while both went on changing. A znode whose list \
         was set in between comes back with another list than it was given, on this server alone: who may read it depends on \
         where one asks.",
        |rules| rules.log.snapshot = SnapshotRule::AclsBehind,
        OFTEN,
    ),
    Layer::Log.historic(
        "no-snapshot-but-log",
        (&[2325, 3644, 3056], "before 3.5.3"),
        Property::TruncationSafety,
        "A server that could read none of its snapshots began with an empty tree and replayed its log over that, without a \
         word. Where the log does not reach back to the first transaction, everything that only the snapshot held is gone, \
         and the server offers what is left as if it were all.",
        |rules| rules.log.boot = BootRule::NeedsNoSnapshot,
        Hunt {
            family: "swarm-all",
            set: &[],
            guidance: "",
        },
    ),
    Layer::Log.historic(
        "torn-tail-counted",
        (&[596], "before 3.3.0"),
        Property::TruthfulVote,
        "The last zxid was read from the end of the log without looking whether the record there is whole. A record that was \
         torn by a crash cannot be replayed, but its zxid goes into the vote: the server claims a transaction that it does not \
         have, and may beat one that does.",
        |rules| rules.log.tail = TornTail::CountedInVotes,
        Hunt::SWARM,
    ),
    Layer::Log.designed(
        "replay-not-idempotent",
        Property::StateEquality,
        "setData raises the version instead of setting it, so that a replay over a snapshot that holds more than its name \
         says counts a write twice",
        |rules| {
            rules.tree.snapshot = SnapshotHolds::LaterToo;
            rules.tree.version = VersionRule::CountsUp;
        },
        Hunt::SWARM,
    ),
    Layer::Log.designed(
        "torn-tail-accepted",
        Property::TruncationSafety,
        "recovery takes a torn record at the log's end for a whole one, and the server goes on with a transaction that \
         nobody proposed",
        |rules| rules.log.tail = TornTail::Accepted,
        Hunt::SWARM,
    ),
    Layer::Log.designed(
        "recover-ignores-log",
        Property::TruncationSafety,
        "recovery reads the newest snapshot and not the log behind it: what was acknowledged since is gone",
        |rules| rules.log.boot = BootRule::IgnoresLog,
        Hunt::SWARM,
    ),
    Layer::Log.designed(
        "boot-trusts-page-cache",
        Property::TruncationSafety,
        "What 3.9.5 does (no issue is known): a server that starts takes every record it can read for durable and forces nothing. \
         After the death of its process alone the kernel still holds records that were never forced. The server votes by them, \
         and may lead by them: its followers force what it sends, it counts itself among those who hold it, and a loss of power \
         takes that away.",
        |rules| rules.log.force = BootForce::Trusts,
        Hunt::family("kills-before-power-loss"),
    ),
    Defect {
        id: "epoch-file-not-fsynced",
        layer: Layer::Log,
        kind: Kind::Designed {
            breaks: Property::EpochDiscipline,
        },
        story: "an epoch file is renamed into place without being forced: after a loss of power the old one is back, and with it \
         the old promise",
        built: Built::Wrapper(Wrapper::EpochBeforeFsync),
        hunt: Hunt::family("power-loss-at-each-promise"),
    },
];
