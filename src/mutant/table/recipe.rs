//! Mistakes in recipes: what applications do wrong on top of a ZooKeeper that keeps its promises.

use super::{Built, Defect, Hunt, Kind, Layer};
use crate::check::verdict::Property;
use crate::client::recipe::rules::{
    BarrierWake, ConfigAge, ConfigGap, ConfigRead, ConfigWatch, CounterSet, CutOff, DecisionWrite,
    Departure, Fence, JoinExists, LineOrder, LostCreate, LostPut, LostSet, LostTake, Missed,
    PartyCount, PartyLeave, PriorityOrder, QueueList, ReaderWaits, ReadyNode, Rejoin, Release,
    Rules, Take, TakeData, ViewWatch, VoteCount, Watches, WriterWaits,
};

/// Where mistakes with locks are looked for.
const LOCK: Hunt = Hunt::family("recipes/lock");

pub(super) const DEFECTS: [Defect; 33] = [
    Defect {
        id: "writelock-orders-by-name",
        layer: Layer::Recipe,
        kind: Kind::Historic {
            issues: &[2931],
            versions: "before 3.4.12 and 3.5.4",
            breaks: Property::MutualExclusion,
        },
        story: "Contenders sort the line by the whole name of the znodes, which begins with something that is different for \
                each client, and only ends with the sequence number. Whoever has the smaller mark comes first, whenever it \
                came: it finds nobody before it and takes a lock that another one holds.",
        built: Built::Recipe(|rules| rules.order = LineOrder::ByName),
        hunt: LOCK,
    },
    Defect {
        id: "lock-waits-for-the-departed",
        layer: Layer::Recipe,
        kind: Kind::Historic {
            issues: &[3162],
            versions: "before 3.4.14 and 3.5.5, on the error path of the C recipe",
            breaks: Property::RecipeLiveness,
        },
        story: "Between listing the line and setting the watch the predecessor goes. exists answers NoNode, and the contender \
                waits all the same, for an event that cannot come: a sequence number is never used twice. It waits for ever, \
                and everybody behind it.",
        built: Built::Recipe(|rules| rules.missed = Missed::Waits),
        hunt: LOCK,
    },
    designed(
        "lock-herd",
        Property::NoHerd,
        "Every waiting client watches the znode of the holder instead of the one right before its own. Each release wakes \
         all of them, each lists the line, and all but one go back to sleep: the work grows with the square of the number of \
         clients, and it comes in bursts.",
        |rules| rules.watches = Watches::Holder,
        LOCK,
    ),
    designed(
        "lock-retry-duplicates",
        Property::RecipeLiveness,
        "The connection ends before the create of the contender's znode is answered, and the contender creates another one. \
         If the first had been carried out, it stands in the line and belongs to a living session that knows nothing of it: \
         nobody will delete it, and everybody waits behind it, its owner included.",
        |rules| rules.lost_create = LostCreate::CreatesAgain,
        LOCK,
    ),
    designed(
        "lock-no-fencing",
        Property::Fencing,
        "A holder stands still (a garbage collection, a suspended machine) until its session is over and another one holds \
         the lock; then it goes on where it was, before it hears anything. The resource cannot know: it accepts an access of \
         somebody who has not held the lock for a while. ZooKeeper has kept every promise; a lock without a token that the \
         resource compares is advice.",
        |rules| rules.fence = Fence::Nothing,
        LOCK,
    ),
    designed(
        "lock-fences-by-session",
        Property::Fencing,
        "The token is the id of the holder's session. Ids say when and where a session began and not when its client got the \
         lock: the resource refuses the present holder because an earlier one had a larger id, and would let it go on after \
         one with a smaller id.",
        |rules| rules.fence = Fence::Session,
        LOCK,
    ),
    designed(
        "lock-takes-at-any-departure",
        Property::FairOrder,
        "The contender takes the lock as soon as the znode that it watches is gone, without listing the line again. That one \
         may not have held the lock but given up, or died, while it waited itself: others are still in front.",
        |rules| rules.departure = Departure::Takes,
        LOCK,
    ),
    designed(
        "lock-released-once",
        Property::RecipeLiveness,
        "The delete that releases the lock is sent once. If its connection ends before it gets through, the client believes \
         that it has released and goes on, in the same session: its znode stays in front of the line.",
        |rules| rules.release = Release::Once,
        LOCK,
    ),
    designed(
        "leader-trusts-disconnected",
        Property::BelievedExclusion,
        "A leader without a connection goes on leading until it is told that its session is over. Told it is when it reaches \
         a server again; the others elect a successor as soon as the session has timed out. In between two lead.",
        |rules| rules.cut_off = CutOff::GoesOn,
        Hunt {
            family: "recipes/leader-election",
            set: &[
                ("check", r#"["believed-exclusion"]"#),
                (
                    "generate.families",
                    r#"["isolate", "halves", "reset", "cut", "cut-client"]"#,
                ),
                ("clock.drift_ppm", "0"),
            ],
            guidance: "nobody stands still, the claim judged by name",
        },
    ),
    designed(
        "reader-looks-at-its-neighbour",
        Property::MutualExclusion,
        "A reader looks only at the znode right before its own, and holds if that is a reader's. Nobody says that that reader \
         holds: a writer may be in front of both.",
        |rules| rules.reader = ReaderWaits::Neighbour,
        Hunt::family("recipes/read-write-lock"),
    ),
    designed(
        "writer-ignores-readers",
        Property::MutualExclusion,
        "A writer waits for the writers before it and not for the readers, who hold the lock as well as a writer would.",
        |rules| rules.writer = WriterWaits::Writers,
        Hunt::family("recipes/read-write-lock"),
    ),
    designed(
        "lock-looks-after-sync",
        Property::RecipeLiveness,
        "After a lost create the contender syncs, lists the line and creates another znode if it does not see one with its \
         mark. A leader answers a sync of its own client from what is committed, while the first create is among its \
         proposals: the client does not see it, creates a second one, and stands behind itself for as long as its session \
         lives. A write instead of the sync comes after whatever was under way.",
        |rules| rules.lost_create = LostCreate::LooksAfterSync,
        Hunt {
            family: "recipes/lock",
            set: &[
                (
                    "generate.families",
                    r#"["isolate-leader", "clog", "reset", "half-open"]"#,
                ),
                ("generate.off", "\"0/1\""),
                ("generate.gap_ms", "300"),
                ("generate.for_ms", "[100, 1500]"),
                ("workload.0.think_ms", "[0, 30]"),
                ("workload.0.hold_ms", "[1, 10]"),
            ],
            guidance: "faults that leave proposals of a leader uncommitted, short holds",
        },
    ),
    designed(
        "counter-adds-again",
        Property::CounterExact,
        "The reply to a setData is lost; the client reads again and adds one to what it finds, which is its own addition as \
         often as not. A condition on the version does not help: the second write is a correct one, and one too many.",
        |rules| rules.lost_set = LostSet::AddsAgain,
        Hunt::family("recipes/counter"),
    ),
    designed(
        "counter-writes-blindly",
        Property::CounterExact,
        "The counter is written whatever its version is by now. Two clients read the same value, both write one more, and \
         one addition is gone though both were acknowledged.",
        |rules| rules.set = CounterSet::Unconditional,
        Hunt::family("recipes/counter"),
    ),
    designed(
        "queue-puts-again",
        Property::QueueOnce,
        "A put whose reply was lost is repeated. A sequential create is not idempotent: the element is in the queue twice, \
         under two numbers, and two consumers work on it.",
        |rules| rules.lost_put = LostPut::PutsAgain,
        Hunt::family("recipes/queue"),
    ),
    designed(
        "queue-take-without-cas",
        Property::QueueOnce,
        "A consumer works on the element that it has read and deletes it afterwards, whether the delete succeeds or not. \
         Another consumer has read the same element: the delete is what decides whose it is, and it comes too late.",
        |rules| rules.take = Take::BeforeDelete,
        Hunt::family("recipes/queue"),
    ),
    designed(
        "queue-reads-after-delete",
        Property::QueueLossless,
        "A consumer deletes the element to make it its own and then wants to know what it is. There is nothing left to read.",
        |rules| rules.data = TakeData::AfterDelete,
        Hunt::family("recipes/queue"),
    ),
    designed(
        "queue-retries-delete",
        Property::QueueOnce,
        "The reply to a delete is lost, the consumer deletes again, and takes NoNode for the proof that its first delete was \
         carried out. It may as well have been another consumer's: both work on the element.",
        |rules| rules.lost_take = LostTake::DeletesAgain,
        Hunt::family("recipes/queue"),
    ),
    designed(
        "priority-queue-keeps-its-list",
        Property::QueueOrder,
        "A consumer lists the queue once and takes from that list until it is used up. What comes in between with a better \
         priority waits until the list is done, however urgent it is.",
        |rules| rules.list = QueueList::WhileItLasts,
        Hunt::family("recipes/priority-queue"),
    ),
    designed(
        "priority-queue-sorts-by-name",
        Property::QueueOrder,
        "Elements are sorted by their names, and priorities are written without leading zeros: 10 comes before 9.",
        |rules| rules.priority = PriorityOrder::ByName,
        Hunt::family("recipes/priority-queue"),
    ),
    designed(
        "barrier-trusts-any-event",
        Property::BarrierSafety,
        "A client that waits for a barrier to go passes at the first event of its watch. The watch of exists fires for \
         changes of the data as well: somebody has written to the closed barrier, and everybody walks through.",
        |rules| rules.barrier = BarrierWake::Passes,
        Hunt::family("recipes/barrier"),
    ),
    designed(
        "barrier-count-before-create",
        Property::RecipeLiveness,
        "A member counts the party before it adds itself, and waits for the ready znode unless it is complete. The last one \
         to come counts one too few like everybody before it: nobody creates the ready znode, and all wait.",
        |rules| rules.count = PartyCount::BeforeOwn,
        Hunt::family("recipes/double-barrier"),
    ),
    designed(
        "double-barrier-keeps-ready",
        Property::BarrierSafety,
        "All rounds use one directory, and nobody removes the ready znode of the first. From the second round on whoever \
         comes finds it and enters without the others.",
        |rules| rules.ready = ReadyNode::OfTheBarrier,
        Hunt::family("recipes/double-barrier"),
    ),
    designed(
        "double-barrier-leaves-alone",
        Property::BarrierSafety,
        "A member that is done deletes its znode and goes on, without waiting until nobody is left inside.",
        |rules| rules.leave = PartyLeave::AtOnce,
        Hunt::family("recipes/double-barrier"),
    ),
    designed(
        "config-watch-after-read",
        Property::ConfigConverges,
        "A reader reads the configuration and sets its watch with a second request, whose answer it does not look at. What \
         was written in between it neither reads nor is told of; if that was the last change, it stays behind for good.",
        |rules| rules.config_read = ConfigRead::ReadThenWatch,
        Hunt {
            family: "recipes/configuration",
            set: &[
                ("workload.0.think_ms", "[0, 12]"),
                ("workload.0.rounds", "20"),
            ],
            guidance: "changes in quick succession",
        },
    ),
    designed(
        "config-watches-once",
        Property::ConfigConverges,
        "The watch is set with the first read and not with those that follow its event, as if it were a subscription. The \
         reader learns of one change and of no other.",
        |rules| rules.config_watch = ConfigWatch::Once,
        Hunt::family("recipes/configuration"),
    ),
    designed(
        "config-trusts-persistent-watch",
        Property::ConfigConverges,
        "A reader with a persistent watch reads when an event comes and at no other time. Events of the time in which it had \
         no connection are not made up for: if the last change fell into a gap, nobody tells.",
        |rules| rules.config_gap = ConfigGap::TrustsEvents,
        Hunt::family("recipes/configuration"),
    ),
    Defect {
        id: "config-takes-what-it-reads",
        layer: Layer::Recipe,
        kind: Kind::Control {
            legal: "a session begins with a transaction that its server has applied, so that it sees what the one before saw",
        },
        story: "A reader uses whatever it has read last and does not compare it with what it used before. Within a session reads \
                never go back, and a new session cannot land on a server that lags behind the old one: its own creation is \
                in the log after everything that the old one was shown, and a server that has not applied it does not \
                answer. Hundreds of runs with slow followers and expiries find nothing.",
        built: Built::Recipe(|rules| rules.config_age = ConfigAge::LastRead),
        hunt: Hunt::family("recipes/configuration"),
    },
    designed(
        "membership-accepts-its-own-ghost",
        Property::MembershipConverges,
        "A member comes back with a new session and finds its name taken, by the ephemeral of its former one. It takes that \
         for its own. When the server ends the old session the znode goes, and a living member is not in the group.",
        |rules| rules.join = JoinExists::Accepts,
        Hunt::family("recipes/membership"),
    ),
    designed(
        "membership-never-rejoins",
        Property::MembershipConverges,
        "A member whose session has expired goes on with a new one and forgets that its ephemeral belonged to the old one.",
        |rules| rules.rejoin = Rejoin::Never,
        Hunt::family("recipes/membership"),
    ),
    designed(
        "membership-views-once",
        Property::MembershipConverges,
        "The watch on the group is set with the first list and not again after its event: the view stops at the second \
         state that it has seen.",
        |rules| rules.view = ViewWatch::Once,
        Hunt::family("recipes/membership"),
    ),
    designed(
        "commit-missing-vote-agrees",
        Property::CommitValidity,
        "When time is up the coordinator commits unless somebody has voted no. A site that could not vote, or not in time, \
         has agreed to nothing, and may be about to say no.",
        |rules| rules.votes = VoteCount::MissingAgrees,
        Hunt::family("recipes/two-phase-commit"),
    ),
    designed(
        "commit-decision-overwritten",
        Property::CommitAgreement,
        "The coordinator's create of the decision is lost; it takes that for a failure, decides to abort, and writes so over \
         whatever is there. Its first decision was carried out: sites that were quick have committed.",
        |rules| rules.decision = DecisionWrite::LastWins,
        Hunt::family("recipes/two-phase-commit"),
    ),
];

/// A mistake of our own description.
const fn designed(
    id: &'static str,
    breaks: Property,
    story: &'static str,
    change: fn(&mut Rules),
    hunt: Hunt,
) -> Defect {
    Defect {
        id,
        layer: Layer::Recipe,
        kind: Kind::Designed { breaks },
        story,
        built: Built::Recipe(change),
        hunt,
    }
}
