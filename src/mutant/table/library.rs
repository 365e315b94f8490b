//! Defects of the client library.

use super::{Built, Defect, Hunt, Kind, Layer};
use crate::check::verdict::Property;
use crate::client::rules::{
    ClaimedZxid, OwnExpiry, RefusedSession, Registration, Rewatch, SendOrder, Unanswered,
};

pub(super) const DEFECTS: [Defect; 8] = [
    Defect {
        id: "watch-not-reregistered",
        layer: Layer::Client,
        kind: Kind::Designed {
            breaks: Property::WatchRearm,
        },
        story: "The library reconnects and does not send setWatches. Servers keep watches per connection, so the new server \
                knows none of them; the program still holds its watcher objects and waits for events that nobody will send, \
                both for what changed in the gap and for everything after.",
        built: Built::Client(|rules| rules.rewatch = Rewatch::None),
        hunt: Hunt::SWARM,
    },
    Defect {
        id: "client-forgets-zxid",
        layer: Layer::Client,
        kind: Kind::Designed {
            breaks: Property::SessionGuarantees,
        },
        story: "On a reconnect the library says that it has seen nothing. No server then has a reason to refuse it, and it \
                may land on one that lags behind what the session has already read or written: reads go back in time within \
                one session, which ZooKeeper's single system image rules out.",
        built: Built::Client(|rules| rules.claimed = ClaimedZxid::Zero),
        hunt: Hunt::SWARM,
    },
    Defect {
        id: "conn-loss-as-failure",
        layer: Layer::Client,
        kind: Kind::Designed {
            breaks: Property::LinearizableWrites,
        },
        story: "The library reports a request whose connection ended before the reply as one that was never sent. In truth \
                its outcome is unknown: the server may have it in its pipeline and commit it later. The program takes the \
                write for undone, does something else, and then finds its effect: a definite error for a write that happened.",
        built: Built::Client(|rules| rules.unanswered = Unanswered::NotSent),
        hunt: Hunt::SWARM,
    },
    Defect {
        id: "retries-ambiguous-writes",
        layer: Layer::Client,
        kind: Kind::Designed {
            breaks: Property::LinearizableWrites,
        },
        story: "The library sends requests again whose connection ended before the reply, as jetcd did with calls that are \
                not idempotent. A write that had been committed already is done twice, or fails with BadVersion or NodeExists \
                because of its own first half: the program is told that an update did not happen which everybody else can \
                see.",
        built: Built::Client(|rules| rules.unanswered = Unanswered::SentAgain),
        hunt: Hunt::SWARM,
    },
    Defect {
        id: "watch-lost-on-client",
        layer: Layer::Client,
        kind: Kind::Historic {
            issues: &[137],
            versions: "fixed in 3.0.0",
            breaks: Property::WatchLost,
        },
        story: "The library registers a watch only after the program has dealt with the reply that set it. The server sends \
                the event as soon as the znode changes, and one that arrives in between finds no watcher and is thrown away. \
                The server's entry is used up, the library registers a watch that is set nowhere, and the program waits.",
        built: Built::Client(|rules| rules.registration = Registration::AfterReply),
        hunt: Hunt::SWARM,
    },
    Defect {
        id: "reconnect-takes-new-session",
        layer: Layer::Client,
        kind: Kind::Designed {
            breaks: Property::Sessions,
        },
        story: "When a server refuses the session as expired, the library takes a new one and goes on without a word, as the \
                client of ClickHouse Keeper did (issue 116690). The program never sees Expired: it believes that its \
                ephemerals and locks are still there, while the ensemble has removed them and given them to others.",
        built: Built::Client(|rules| rules.refused = RefusedSession::Replaced),
        hunt: Hunt::SWARM,
    },
    Defect {
        id: "client-never-learns-expiry",
        layer: Layer::Client,
        kind: Kind::Historic {
            issues: &[4508, 4921],
            versions: "fixed in 3.9.3 (4921: 3.9.4)",
            breaks: Property::Sessions,
        },
        story: "A client that reaches no server loops in ConnectionLoss for ever: only a server could tell it that its \
                session has expired. The fix lets the library conclude so by itself when it has heard nothing for 4/3 of the \
                timeout. Without it a program that is cut off keeps acting as the owner of its ephemerals long after they \
                have been removed, and its handle never ends.",
        built: Built::Client(|rules| rules.expiry = OwnExpiry::Never),
        hunt: Hunt::SWARM,
    },
    Defect {
        id: "xid-assign-race",
        layer: Layer::Client,
        kind: Kind::Historic {
            issues: &[4796],
            versions: "known from an unmerged branch only",
            breaks: Property::SessionGuarantees,
        },
        story: "A request is numbered and put into the outgoing queue in two steps, and another thread's request slips in \
                between: requests leave in another order than the program handed them in. The model lets a request that \
                finds others unanswered be overtaken by the next one. Both are executed and answered in the order in which \
                they left, against the promise that a session's requests are executed first-in first-out.",
        built: Built::Client(|rules| rules.order = SendOrder::Overtaken),
        hunt: Hunt::ZNODES,
    },
];
