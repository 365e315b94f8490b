//! Defects of sessions and ephemerals.

use super::{Built, Defect, Hunt, Kind, Layer};
use crate::check::verdict::Property;
use crate::zab::rules::session::{
    Expirer, ExpiryCheck, ExpiryEnd, OwnerCheck, OwnerMoves, SessionCheck, SessionClock,
    SessionIds, Takeover, Touches,
};

pub(super) const DEFECTS: [Defect; 13] = [
    Defect {
        id: "create-after-closing",
        layer: Layer::Session,
        kind: Kind::Historic {
            issues: &[1208],
            versions: "before 3.3.4 and 3.4.0",
            breaks: Property::Sessions,
        },
        story: "The closeSession of a session is already prepared when a request of that session comes through Prep, and Prep lets it pass because the session is not gone yet. An ephemeral created so is proposed after the transaction that was to delete all ephemerals of its session: it belongs to a session that is over, and nobody will ever remove it. Expiry and a request of the client have to meet within the time between preparing and applying one transaction.",
        built: Built::Rule(|rules| rules.session.check = SessionCheck::OpenOrClosing),
        hunt: Hunt::family("swarm-sessions"),
    },
    Defect {
        id: "write-after-expiry",
        layer: Layer::Session,
        kind: Kind::Designed {
            breaks: Property::Sessions,
        },
        story: "Prep does not ask whether a session lives. A request that its server had forwarded before it heard of the end of the session, or that a cut-off client goes on sending there, is carried out after the session was closed: the client has been told that it is expired, another one has taken its place, and then the dead one writes.",
        built: Built::Rule(|rules| rules.session.check = SessionCheck::Anybody),
        hunt: Hunt::family("swarm-sessions"),
    },
    Defect {
        id: "two-owners",
        layer: Layer::Session,
        kind: Kind::Designed {
            breaks: Property::LinearizableWrites,
        },
        story: "The leader does not compare the server that a request comes through with the one that owns the session by now. A client that has moved leaves requests behind at its former server; they arrive after the ones it has sent since through the new one. Its writes take effect in another order than it sent them, and one that it counted as lost long ago overwrites a later one.",
        built: Built::Rule(|rules| rules.session.owner = OwnerCheck::Anyone),
        hunt: Hunt::family("swarm-sessions"),
    },
    Defect {
        id: "session-moved-forever",
        layer: Layer::Session,
        kind: Kind::Historic {
            issues: &[710, 484, 907, 2886],
            versions: "in parts until 3.3.2 and 3.6.0",
            breaks: Property::Liveness,
        },
        story: "A session reconnects to another server, and the leader goes on counting the former one as its owner. Its pings keep it alive, its reads are answered, and each of its writes is refused as SESSIONMOVED and costs the connection, wherever it goes except back. In ZooKeeper this came in several kinds: owners that were not set by every request, multis that were not checked like other writes, and learners that told the leader nothing of the move.",
        built: Built::Rule(|rules| rules.session.moves = OwnerMoves::Never),
        hunt: Hunt {
            family: "swarm",
            set: &[(
                "workload",
                r#"[{"kind": "versioned-register", "clients": 1, "session_timeout_ms": 4000}]"#,
            )],
            guidance: "a single client",
        },
    },
    Defect {
        id: "expiry-owner-check",
        layer: Layer::Session,
        kind: Kind::Historic {
            issues: &[450],
            versions: "before 3.2.0",
            breaks: Property::Sessions,
        },
        story: "The leader's own closeSession for an expired session is checked like a request of a client and fails, because the session belongs to another server. It is not tried again: the session is no longer tracked and never ends, and its ephemerals stay although their owner is long gone.",
        built: Built::Rule(|rules| rules.session.expiry = ExpiryCheck::AsRequest),
        hunt: Hunt::family("swarm-sessions"),
    },
    Defect {
        id: "wall-clock-expiry",
        layer: Layer::Session,
        kind: Kind::Historic {
            issues: &[1366, 1626],
            versions: "before 3.5.1; the C client in 1626",
            breaks: Property::Sessions,
        },
        story: "Deadlines of sessions are computed from the time of day. An administrator or ntpd sets the leader's clock forward by more than the timeout and every session of the ensemble is expired at the next tick, however regularly its client pings; set back, and the ephemerals of clients that died stay for as long as the step was wide.",
        built: Built::Rule(|rules| rules.session.clock = SessionClock::Wall),
        hunt: Hunt::SWARM,
    },
    Defect {
        id: "expiry-on-follower-clock",
        layer: Layer::Session,
        kind: Kind::Designed {
            breaks: Property::Sessions,
        },
        story: "Every server expires the sessions that it has served by its own clock, and not only the leader. A client moves to another server and goes on; its former one hears nothing more of it, decides that it is dead, and has its session closed and its ephemerals deleted under its hands.",
        built: Built::Rule(|rules| rules.session.expirer = Expirer::EveryServer),
        hunt: Hunt::SWARM,
    },
    Defect {
        id: "expiry-not-through-log",
        layer: Layer::Session,
        kind: Kind::Designed {
            breaks: Property::StateEquality,
        },
        story: "The leader ends an expired session by taking it and its ephemerals out of its own tree, without a transaction. No other server hears of it: their trees keep the ephemerals, and after the next change of leader they are back everywhere.",
        built: Built::Rule(|rules| rules.session.end = ExpiryEnd::Unlogged),
        hunt: Hunt::SWARM,
    },
    Defect {
        id: "ephemerals-survive-leader-change",
        layer: Layer::Session,
        kind: Kind::Designed {
            breaks: Property::Sessions,
        },
        story: "A new leader tracks the sessions that are opened in its reign and none that it finds in its state. Clients of before are told that they are expired when they come back, but no transaction ever says so: their sessions stay in the table and their ephemerals in the tree, and since nobody tracks them nobody will remove them.",
        built: Built::Rule(|rules| rules.session.takeover = Takeover::Untracked),
        hunt: Hunt::SWARM,
    },
    Defect {
        id: "timers-not-reset-on-takeover",
        layer: Layer::Session,
        kind: Kind::Designed {
            breaks: Property::Sessions,
        },
        story: "A new leader takes every session that it finds for silent since ever. At its first tick it expires them all, before any client has had a chance to reconnect and ping: each change of leader costs every lock and every membership in the ensemble.",
        built: Built::Rule(|rules| rules.session.takeover = Takeover::DueAtOnce),
        hunt: Hunt::SWARM,
    },
    Defect {
        id: "session-id-reuse",
        layer: Layer::Session,
        kind: Kind::Designed {
            breaks: Property::Sessions,
        },
        story: "A server counts the ids of new sessions from one whenever it begins to serve. After a restart or a change of leader it gives out ids that are in use: two clients share a session, each can close it for the other, and ephemerals of one are taken for those of the other.",
        built: Built::Rule(|rules| rules.session.ids = SessionIds::One),
        hunt: Hunt::SWARM,
    },
    Defect {
        id: "session-ids-from-host-clock",
        layer: Layer::Session,
        kind: Kind::Designed {
            breaks: Property::Sessions,
        },
        story: "What 3.9.5 does (no issue is known): a server that begins to serve counts session ids from a clock that starts anew with its machine. A server that serves as long after a loss of power as it did in its life before gives out the same ids again: a client that was cut off finds its session owned by somebody else.",
        built: Built::Rule(|rules| rules.session.ids = SessionIds::HostClock),
        hunt: Hunt::SWARM,
    },
    Defect {
        id: "touch-not-forwarded",
        layer: Layer::Session,
        kind: Kind::Designed {
            breaks: Property::Sessions,
        },
        story: "A follower answers the pings and requests of its clients and does not tell the leader of them. A session lives for one timeout after it was opened or has moved, and is then expired however busy its client is: every lock and membership that was taken through a follower is lost time and again.",
        built: Built::Rule(|rules| rules.session.touches = Touches::KeptBack),
        hunt: Hunt::SWARM,
    },
];
