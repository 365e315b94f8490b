//! Defects of election and discovery.

use super::{Defect, Hunt, Layer};
use crate::check::verdict::Property;
use crate::zab::rules::QuorumRule;
use crate::zab::rules::election::{
    Agreement, AheadRule, Candidate, Claim, EpochFiles, EpochRule, EpochWriteError, FailedReign,
    LaterPromise, PromiseCount, PromiseRule, Rollover, VoteOrder, VoteRefresh, VoteRepeat,
};

/// Defects that ZooKeeper had, then designed ones.
pub(super) const DEFECTS: [Defect; 24] = [
    Layer::Election.historic(
        "epoch-not-durable",
        (&[335, 1081, 1082], "before 3.4.0"),
        Property::OneLeaderPerEpoch,
        "Before Zab 1.0 a server had no epoch files: a new leader took the epoch after that of its own last transaction, and \
         wrote it down only with the first write. If that leader dies first, its successor derives the same number, and two \
         leaders have led one epoch. Both may give the same zxid to different transactions; a server that comes back with the \
         one is told that it lacks nothing of the other, and the replicas differ for good.",
        |rules| {
            rules.election.epoch = EpochRule::AfterOwnLog;
            rules.election.promise = PromiseRule::Any;
            rules.election.order = VoteOrder::ZxidSid;
        },
        Hunt::SWARM,
    ),
    Layer::Election.historic(
        "lastprocessed-premature",
        (&[790], "before 3.3.2 and 3.4.0"),
        Property::TruthfulVote,
        "A prospective leader raised its last processed zxid to (e,0) before a quorum had acknowledged the epoch, and did not \
         take that back when the attempt failed. It returns to the election with a zxid that no history of its own backs, and \
         beats servers that hold more. Once it wins, what only they had is truncated: acknowledged writes are gone.",
        |rules| rules.election.failed_reign = FailedReign::LeavesItsZxid,
        Hunt::SWARM,
    ),
    Layer::Election.historic(
        "vote-order-parenthesis",
        (&[1419], "before 3.4.4"),
        Property::Liveness,
        "Parentheses were missing in the comparison of votes: between equal zxids the larger sid won even if its epoch was \
         lower. Two servers with the same last zxid and different epochs then beat each other, and whoever hears both votes \
         changes its mind for ever. The election never settles, or settles on the server that knows less.",
        |rules| rules.election.order = VoteOrder::Unparenthesised,
        Hunt::family("two-epochs-without-writes"),
    ),
    Layer::Election.historic(
        "epoch-ge-vs-gt",
        (&[1343], "before 3.4.3"),
        Property::OneLeaderPerEpoch,
        "A leader raised the epoch it was about to propose only for a promise above it, not for an equal one: who had heard of \
         a lower promise first proposed an epoch that somebody had already promised to a leader that died. ZooKeeper's \
         followers answer such a proposal with -1, which hides the defect behind a failed discovery; here they promise once \
         more, and two leaders lead one epoch.",
        |rules| {
            rules.election.epoch = EpochRule::RaisedOnlyByGreater;
            rules.election.promise = PromiseRule::Again;
        },
        Hunt::family("promises-of-a-dead-leader"),
    ),
    Layer::Election.historic(
        "wrong-wait-flag",
        (&[1192], "before 3.4.0"),
        Property::OneLeaderPerEpoch,
        "While it waited for the promises of a quorum, a leader looked at the flag of the wait before it, and went on after the \
         first ACKEPOCH. A minority is then enough to take an epoch, while another leader may be given the same one by the \
         others; and whoever knows more and comes later is not refused but cut.",
        |rules| rules.election.promises = PromiseCount::OneFollower,
        Hunt::family("leader-gives-way-to-a-later-promise"),
    ),
    Layer::Election.historic(
        "accepted-epoch-into-current-file",
        (&[1387], "3.4.0 to 3.4.5"),
        Property::EpochDiscipline,
        "A server that started for the first time wrote the epoch it had accepted into the file of the current epoch. It \
         claims to have followed a leader whose history it never got, and its promise is on no disk: currentEpoch is above \
         acceptedEpoch, and after a restart the server refuses to start.",
        |rules| rules.election.files = EpochFiles::FirstPromiseIntoCurrent,
        Hunt::SWARM,
    ),
    Layer::Election.historic(
        "epoch-memory-before-file",
        (&[2307], "before 3.5.8 and 3.6.3"),
        Property::EpochDiscipline,
        "The epochs in memory were set before their files, and stayed when the write failed. The server then promises an epoch \
         that its disk does not know; the next file that is written shows it, and a restart forgets the promise or finds \
         acceptedEpoch below currentEpoch and refuses to start.",
        |rules| rules.election.write_error = EpochWriteError::Swallowed,
        Hunt {
            family: "swarm-all",
            set: &[("disk", "{\"errors\": \"1/200\"}")],
            guidance: "disks that fail now and then",
        },
    ),
    Layer::Election.historic(
        "dead-leader-vote-kept",
        (&[569], "before 3.3.0"),
        Property::Liveness,
        "A server whose leader had gone kept its vote for it as long as nobody offered a better one. If that leader was the \
         best and is dead, all others elect it again and again, dial it in vain and start over; the ensemble is down until \
         the dead server comes back.",
        |rules| rules.election.candidate = Candidate::FormerLeader,
        Hunt::SWARM,
    ),
    Layer::Election.historic(
        "join-needs-identical-vote",
        (&[1732], "before 3.4.6"),
        Property::Convergence,
        "Members of a running ensemble answered a newcomer with votes that differed in what they knew of their own election, \
         and the newcomer counted only identical ones. Where no quorum of them was left it never joined, although a leader \
         and enough followers told it so all the time.",
        |rules| {
            rules.election.agreement = Agreement::Identical;
            rules.election.refresh = VoteRefresh::Never;
        },
        Hunt::SWARM,
    ),
    Layer::Election.historic(
        "observer-counted",
        (&[764, 769], "before 3.3.1 and 3.4.0"),
        Property::CommitQuorum,
        "What a peer was, voter or observer, was read from sources that disagreed, so that observers counted towards quorums. \
         A leader that has lost its voters is confirmed by observers, and what it then commits need not be known to any \
         majority.",
        |rules| rules.quorum = QuorumRule::ObserversToo,
        Hunt {
            family: "swarm",
            set: &[("ensemble.voters", "3"), ("ensemble.observers", "3")],
            guidance: "as many observers as voters",
        },
    ),
    Layer::Election.historic(
        "zxid-rollover",
        (&[1277], "before 3.3.5 and 3.4.4"),
        Property::PrimaryOrder,
        "The counter of a zxid has 32 bits, and nobody looked when they were used up: the carry went into the epoch. From \
         then on the leader's transactions name an epoch that nobody was elected for, its first one is the label of that \
         epoch and no transaction, and followers drop the leader. Here counters have few bits, so that it happens soon.",
        |rules| rules.election.rollover = Rollover::Carries,
        Hunt {
            family: "swarm",
            set: &[("ensemble.counter_bits", "6")],
            guidance: "counters of six bits",
        },
    ),
    Layer::Election.designed(
        "quorum-even",
        Property::CommitQuorum,
        "half of an even number of voters counts as a quorum: both halves of a split ensemble go on alone",
        |rules| rules.quorum = QuorumRule::HalfOfEven,
        Hunt {
            family: "swarm",
            set: &[("ensemble.voters", "4")],
            guidance: "four voters",
        },
    ),
    Layer::Election.designed(
        "vote-ignores-zxid",
        Property::Liveness,
        "votes are ordered by epoch and sid alone: a server that lags can be elected again and again, and the followers \
         that know more are refused by it each time. Data is safe, since discovery still looks at the zxid",
        |rules| rules.election.order = VoteOrder::EpochSid,
        Hunt::SWARM,
    ),
    Layer::Election.designed(
        "vote-ignores-epoch",
        Property::Liveness,
        "votes are ordered by zxid and sid alone: a later epoch without writes does not count",
        |rules| rules.election.order = VoteOrder::ZxidSid,
        Hunt::SWARM,
    ),
    Layer::Election.designed(
        "vote-ignores-id",
        Property::Liveness,
        "ties between votes stay: servers with equal histories never agree, from the first start on",
        |rules| rules.election.order = VoteOrder::EpochZxid,
        Hunt::SWARM,
    ),
    Layer::Election.designed(
        "vote-uses-committed",
        Property::TruthfulVote,
        "a server votes with what it had applied instead of what it has logged and acknowledged, and leaders do not refuse \
         followers that know more: what a quorum had acknowledged just before the leader died can be lost",
        |rules| {
            rules.election.claim = Claim::Applied;
            rules.election.ahead = AheadRule::Ignores;
        },
        Hunt::SWARM,
    ),
    Layer::Election.designed(
        "epoch-reuse",
        Property::OneLeaderPerEpoch,
        "a leader proposes the highest epoch promised so far instead of one above it, and followers promise it once more",
        |rules| {
            rules.election.epoch = EpochRule::Highest;
            rules.election.promise = PromiseRule::Again;
        },
        Hunt::SWARM,
    ),
    Layer::Election.designed(
        "accepted-epoch-volatile",
        Property::EpochDiscipline,
        "acceptedEpoch does not survive a restart: a server forgets what it promised and may help two leaders to one epoch",
        |rules| rules.election.files = EpochFiles::AcceptedForgotten,
        Hunt::SWARM,
    ),
    Layer::Election.designed(
        "accept-lower-epoch",
        Property::EpochDiscipline,
        "a follower takes whatever epoch a leader proposes, also one below its promise, and leaders do not give way to later \
         promises",
        |rules| {
            rules.election.promise = PromiseRule::Any;
            rules.election.later_promise = LaterPromise::Ignored;
        },
        Hunt::family("leader-gives-way-to-a-later-promise"),
    ),
    Layer::Election.designed(
        "locked-out-by-its-promise",
        Property::Convergence,
        "a leader does not give way to a server that has promised a later epoch to somebody who died, as in ZooKeeper 3.9.5: \
         that server refuses the leader's epoch, finds the same leader again, and never serves while it reigns",
        |rules| rules.election.later_promise = LaterPromise::Ignored,
        Hunt {
            family: "leader-gives-way-to-a-later-promise",
            set: &[("limits.core", "\"all\"")],
            guidance: "every server must catch up at the end",
        },
    ),
    Layer::Election.designed(
        "current-epoch-volatile",
        Property::EpochDiscipline,
        "currentEpoch does not survive a restart: a server that followed a leader without writes no longer knows that it did",
        |rules| rules.election.files = EpochFiles::CurrentForgotten,
        Hunt::SWARM,
    ),
    Layer::Election.designed(
        "ackepoch-no-quorum",
        Property::CommittedSurvives,
        "a leader that has promised its own epoch synchronises at once, whoever else has promised, and votes are ordered \
         without the zxid: it never learns that a follower knows more, and truncates it",
        |rules| {
            rules.election.promises = PromiseCount::Own;
            rules.election.order = VoteOrder::EpochSid;
        },
        Hunt::SWARM,
    ),
    Layer::Election.designed(
        "leader-keeps-stale-history",
        Property::CommittedSurvives,
        "a leader counts the promise of a follower that knows more like any other, and votes are ordered without the zxid: \
         who is elected with a stale history truncates the others",
        |rules| {
            rules.election.ahead = AheadRule::Ignores;
            rules.election.order = VoteOrder::EpochSid;
        },
        Hunt::SWARM,
    ),
    Layer::Election.designed(
        "vote-repeated-after-silence",
        Property::Liveness,
        "What 3.9.5 does (no issue is known; guided search found it): a LOOKING server says its vote again only when it has \
         heard nothing for up to max_notification. A vote that came to a peer before it was LOOKING, and that nobody else \
         passes on, is lost if others keep talking: a connected quorum never decides.",
        |rules| rules.election.repeat = VoteRepeat::AfterSilence,
        Hunt::family("votes-are-repeated-amid-chatter"),
    ),
];
