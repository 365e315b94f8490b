//! Defects of watches and reads.

mod historic;
mod reads;

use super::{Built, Defect, Hunt, Kind, Layer};
use crate::check::verdict::Property;
use crate::mutant::wrapped::Wrapper;
use crate::tree::rules::{
    DeletionTold, ExistsWatch, FiredWatches, GetDataWatch, Missed, Rearmed, Removed,
};
use crate::zab::rules::reads::{Arming, EventBacklog, EventsFire};

pub(super) use historic::DEFECTS as HISTORIC;
pub(super) use reads::DEFECTS as READS;

pub(super) const DEFECTS: [Defect; 14] = [
    Defect {
        id: "event-after-reply",
        layer: Layer::Watch,
        kind: Kind::Designed {
            breaks: Property::WatchOrder,
        },
        story: "A watch event is sent after the reply that already shows the new data. ZooKeeper queues the event while it \
                applies the transaction, so that on one connection it comes before any reply that reflects the change. Here \
                the server keeps events back until it next replies. A program that reads a znode, sees the new value and \
                knows that its watch has not fired concludes that nobody has changed it since: caches that rely on this are \
                wrong without noticing.",
        built: Built::Wrapper(Wrapper::EventAfterReply),
        hunt: Hunt::SWARM,
    },
    Defect {
        id: "event-before-apply",
        layer: Layer::Watch,
        kind: Kind::Designed {
            breaks: Property::WatchOrder,
        },
        story: "Watches fire when a change is proposed, not when it is applied. The client is told of the change and reads \
                the znode at once, but its server still shows the old state: the watch is used up, the program believes it \
                has seen the change, and the next one is never told. If the leader dies before the proposal has a quorum, \
                the client has even been told of something that never happens.",
        built: Built::Rule(|rules| rules.reads.events = EventsFire::AtProposal),
        hunt: Hunt::SWARM,
    },
    Defect {
        id: "setwatches-zxid-too-high",
        layer: Layer::Watch,
        kind: Kind::Designed {
            breaks: Property::WatchRearm,
        },
        story: "After a reconnect the server compares watched znodes with its own position instead of the one the client \
                brings along. Nothing has changed since then, so every watch is armed again in silence, and what changed \
                while the client was away is never told. The program waits for an event that has long been due; only \
                deletions, for which no zxid is compared, still come through.",
        built: Built::Rule(|rules| rules.watch.missed = Missed::OnlyDeletions),
        hunt: Hunt::SWARM,
    },
    Defect {
        id: "setwatches-zxid-too-low",
        layer: Layer::Watch,
        kind: Kind::Designed {
            breaks: Property::WatchRearm,
        },
        story: "After a reconnect the server takes the client's last zxid for zero, so that every watched znode counts as \
                changed. Every data and child watch fires at once, also where nothing has happened since the read that set \
                it. In etcd the same confusion of positions delivered old events to a watch that was set on a later \
                revision (issue 20221). Programs survive it, but each reconnect costs a storm of reads, and a program that \
                counts changes counts wrong.",
        built: Built::Rule(|rules| rules.watch.missed = Missed::Everything),
        hunt: Hunt::SWARM,
    },
    Defect {
        id: "setwatches-includes-last-seen",
        layer: Layer::Watch,
        kind: Kind::Designed {
            breaks: Property::WatchRearm,
        },
        story: "An off-by-one in setWatches: a change at exactly the client's last zxid counts as missed. The last reply the \
                client has seen is often the very read or write that showed that change, so that after a reconnect the watch \
                it set fires for what it already knows.",
        built: Built::Rule(|rules| rules.watch.missed = Missed::NotEarlier),
        hunt: Hunt::SWARM,
    },
    Defect {
        id: "deletion-lost-at-reconnect",
        layer: Layer::Watch,
        kind: Kind::Designed {
            breaks: Property::WatchRearm,
        },
        story: "After a reconnect the server looks at the znodes that exist and finds what has changed, but a watched znode \
                that is gone leaves nothing to compare, and its watch is simply armed again. The deletion is never told. In \
                etcd a delete event was lost in the same way when compaction had removed the tombstone before a watch \
                resumed (issues 18089 and 19179). Whoever waits for a lock holder's ephemeral to vanish waits for ever.",
        built: Built::Rule(|rules| rules.watch.missed = Missed::OnlyChanges),
        hunt: Hunt::SWARM,
    },
    Defect {
        id: "rearms-fired-watches",
        layer: Layer::Watch,
        kind: Kind::Designed {
            breaks: Property::WatchOnce,
        },
        story: "setWatches tells the client what it has missed and arms the watch all the same. The library has already \
                dropped the one-shot watch when the next change makes the server's entry fire once more: an event comes \
                that nobody waits for, and a program that counts one event per registration is confused.",
        built: Built::Rule(|rules| rules.watch.rearmed = Rearmed::All),
        hunt: Hunt::SWARM,
    },
    Defect {
        id: "one-shot-fires-twice",
        layer: Layer::Watch,
        kind: Kind::Designed {
            breaks: Property::WatchOnce,
        },
        story: "A watch is not taken off the list when it fires. The client gets an event for every later change of the \
                znode, although it has set the watch once and never again: one-shot watches have become persistent ones, \
                and the server's tables only ever grow.",
        built: Built::Rule(|rules| rules.watch.fired = FiredWatches::NoneGo),
        hunt: Hunt::SWARM,
    },
    Defect {
        id: "watch-shared-between-kinds",
        layer: Layer::Watch,
        kind: Kind::Designed {
            breaks: Property::WatchLost,
        },
        story: "Data and child watches of a connection on one path share an entry. When a child is created the child watch \
                fires and takes the data watch with it, without an event of its own; the next setData is then told to \
                nobody. A program that watches both a queue's znode and its children stops hearing of one of them.",
        built: Built::Rule(|rules| rules.watch.fired = FiredWatches::BothManagersGo),
        hunt: Hunt::ZNODES,
    },
    Defect {
        id: "persistent-fires-once",
        layer: Layer::Watch,
        kind: Kind::Designed {
            breaks: Property::WatchLost,
        },
        story: "Persistent and recursive watches are removed with the first event on their path, as one-shot ones are. The \
                client still believes it holds them and never sets them again, so that all later changes pass in silence: a \
                cache built on a recursive watch freezes after its first invalidation.",
        built: Built::Rule(|rules| rules.watch.fired = FiredWatches::AllGo),
        hunt: Hunt::ZNODES,
    },
    Defect {
        id: "watch-set-on-failed-read",
        layer: Layer::Watch,
        kind: Kind::Designed {
            breaks: Property::WatchFilter,
        },
        story: "A getData that fails with NoNode leaves its watch behind, as an exists would. The library registers nothing \
                for a failed read, so the NodeCreated event that comes later belongs to no watch of the program, and the \
                server keeps an entry that no removeWatches of the client ever names.",
        built: Built::Rule(|rules| rules.tree.get_data = GetDataWatch::AlsoOnNoNode),
        hunt: Hunt::SWARM,
    },
    Defect {
        id: "exists-arms-on-success-only",
        layer: Layer::Watch,
        kind: Kind::Designed {
            breaks: Property::WatchLost,
        },
        story: "exists on a missing znode answers NoNode and, like getData, arms no watch. The one use of an exists watch, to \
                hear that the znode has been created, is gone: the library has registered it, the server knows nothing of it, \
                and the event never comes.",
        built: Built::Rule(|rules| rules.tree.exists = ExistsWatch::OnSuccess),
        hunt: Hunt::SWARM,
    },
    Defect {
        id: "watch-registered-after-read",
        layer: Layer::Watch,
        kind: Kind::Designed {
            breaks: Property::WatchLost,
        },
        story: "A read takes the value in one step and registers its watch in the next. A transaction that is applied in \
                between is in neither: the value is the old one, and the watch is set only after the change has fired. The \
                client holds an outdated value and a watch it trusts, until some later change happens to come.",
        built: Built::Rule(|rules| rules.reads.arming = Arming::InNextStep),
        hunt: Hunt::SWARM,
    },
    Defect {
        id: "event-buffer-overflows",
        layer: Layer::Watch,
        kind: Kind::Designed {
            breaks: Property::WatchLost,
        },
        story: "The server buffers one event for a client that says nothing and drops the rest, as etcd did when a watch \
                stream was starved (issue 17529). A client that only listens, with several watches or a recursive one, loses \
                every event after the first; its watches are used up on the server and still held by the library, so no \
                reconnect brings them back before the znode changes again.",
        built: Built::Rule(|rules| rules.reads.backlog = EventBacklog::One),
        hunt: Hunt::ZNODES,
    },
];

pub(super) const LASTING: [Defect; 2] = [
    Defect {
        id: "deletion-told-twice",
        layer: Layer::Watch,
        kind: Kind::Designed {
            breaks: Property::WatchOnce,
        },
        story: "Data and child manager each tell of a deletion without asking whether the other has done so already. A \
                connection with both a data and a child watch on the znode, or with a persistent one, which is in both, gets \
                NodeDeleted twice for one change. Duplicated events were reported of etcd too (issue 17247).",
        built: Built::Rule(|rules| rules.watch.deletion_told = DeletionTold::ByEachManager),
        hunt: Hunt::ZNODES,
    },
    Defect {
        id: "remove-watches-removes-all",
        layer: Layer::Watch,
        kind: Kind::Designed {
            breaks: Property::WatchLost,
        },
        story: "removeWatches looks for a watch of the kind asked for and, if there is one, clears every kind on that path. \
                The client has given up its child watch and still counts on its data watch or its persistent one, which the \
                server no longer has: what it would have told is lost.",
        built: Built::Rule(|rules| rules.watch.removed = Removed::EveryKind),
        hunt: Hunt::ZNODES,
    },
];
