//! Watch defects that ZooKeeper had.

use super::super::{Built, Defect, Hunt, Kind, Layer};
use crate::check::verdict::Property;
use crate::tree::rules::{ChildrenTold, ToldMissed};
use crate::zab::rules::reads::{EndedWatches, ReadPosition};

/// Clients lose connections and come back to the same server.
const SAME_SERVER: Hunt = Hunt {
    family: "swarm",
    set: &[
        ("ensemble.voters", "1"),
        ("generate.families", "[\"cut-client\"]"),
    ],
    guidance: "one server, so that clients come back to the one they left; their connections are cut",
};

pub(in super::super) const DEFECTS: [Defect; 4] = [
    Defect {
        id: "reply-zxid-of-request",
        layer: Layer::Watch,
        kind: Kind::Historic {
            issues: &[1412],
            versions: "fixed in 3.3.5 and 3.4.4",
            breaks: Property::WatchSpurious,
        },
        story: "Replies carry the zxid of the request instead of the server's position, and on a learner a read has no zxid. \
                A client that only reads never learns how far it has seen. When it reconnects it sets its watches again \
                relative to a zxid that is much too low, and they fire for changes that the reads which set them had already \
                shown: whether a watch fires after a reconnect depends on whether the client happened to write.",
        built: Built::Rule(|rules| rules.reads.position = ReadPosition::OfRequest),
        hunt: Hunt::SWARM,
    },
    Defect {
        id: "setwatches-wrong-type",
        layer: Layer::Watch,
        kind: Kind::Historic {
            issues: &[1667],
            versions: "fixed in 3.4.6 and 3.5.0",
            breaks: Property::WatchRearm,
        },
        story: "setWatches guesses from czxid and mzxid what the client has missed, instead of going by the list a watch is \
                in. A znode that was deleted and created anew while the client was away has a czxid beyond the client's last \
                zxid, so its data watch is told NodeCreated, which no data watch waits for; NodeDataChanged would be right. \
                Programs that switch on the type of the event take the wrong branch.",
        built: Built::Rule(|rules| rules.watch.told_missed = ToldMissed::ByTimes),
        hunt: Hunt::SWARM,
    },
    Defect {
        id: "watch-on-dead-connection",
        layer: Layer::Watch,
        kind: Kind::Historic {
            issues: &[1382, 3131],
            versions: "fixed in 3.4.6 and 3.5.5",
            breaks: Property::WatchOnce,
        },
        story: "The watches of a connection that has ended stay in the server's tables. In ZooKeeper they leaked until the \
                server was restarted; here the model goes one step further and tells whoever has the session by then. A \
                client that reconnects to the same server sets its watches again and has each of them twice: the change is \
                told once for the new entry and once for the dead one.",
        built: Built::Rule(|rules| rules.reads.ended = EndedWatches::Inherited),
        hunt: SAME_SERVER,
    },
    Defect {
        id: "recursive-gets-child-event",
        layer: Layer::Watch,
        kind: Kind::Historic {
            issues: &[4475],
            versions: "since recursive watches exist, 3.6.0; fixed in 3.9.0",
            breaks: Property::WatchFilter,
        },
        story: "A persistent recursive watch hears of creations and deletions below it and must not get NodeChildrenChanged. \
                Where somebody holds a plain child watch on a znode below, the server walks up the tree as for data events \
                and tells recursive watchers as well. They get an event type that they are promised never to see, once per \
                change in addition to the right one.",
        built: Built::Rule(|rules| rules.watch.children_told = ChildrenTold::RecursiveBeside),
        hunt: Hunt::ZNODES,
    },
];
