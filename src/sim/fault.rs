//! Faults as data: what is done to whom, when, and for how long.

use super::process::{LinkClass, Name};
use crate::base::id::NodeId;
use crate::base::ratio::Ratio;
use crate::base::time::{Span, Time};

/// One entry of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Planned {
    /// Stable name, unique in the plan.
    pub id: Name,
    /// When it strikes.
    pub trigger: Trigger,
    /// What happens.
    pub fault: Fault,
    /// After how long it is undone (restart, heal, resume); `None` = never (instant faults ignore it).
    pub lasts: Option<Span>,
}

/// When a planned fault strikes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Trigger {
    /// At a moment of world time.
    At(Time),
    /// After the `nth` note (1-based) with this mark, by anybody.
    When {
        /// The mark (see `Note::mark`).
        mark: Name,
        /// Which occurrence.
        nth: u32,
        /// How long after it.
        after: Span,
    },
}

/// Whom a fault strikes; roles are resolved when it fires.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// This node.
    Node(NodeId),
    /// The first node (in id order) that plays this role and is up.
    Role(Name),
    /// Every server.
    Servers,
    /// A drawn minority of the voters.
    Minority,
    /// The server to which this client is connected.
    ServerOf(NodeId),
}

/// What a crash does to records that were not forced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unsynced {
    /// The process dies, the operating system lives: a drawn prefix of what was appended stays readable, though unforced;
    /// the kernel closes the connections.
    Kill,
    /// The power goes: of everything that is not on the platter a drawn part survives; connections fall silent.
    PowerDrawn,
    /// As `PowerDrawn`, but everything unforced is lost.
    PowerLost,
    /// As `PowerDrawn`, but everything unforced survives.
    PowerKept,
}

/// In which direction a link is cut, as seen from the first group or the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Both ways.
    Both,
    /// Only what the first group sends is held back.
    Out,
    /// Only what the first group would receive is held back.
    In,
}

/// What is done.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The process or machine stops; undone by a restart.
    Crash {
        /// Whom.
        target: Target,
        /// What becomes of unforced data.
        unsynced: Unsynced,
    },
    /// The process stands still (garbage collection, SIGSTOP): inputs wait, its clock goes on; undone by going on.
    Pause {
        /// Whom.
        target: Target,
    },
    /// Nodes of different groups cannot reach each other: bytes wait, connects hang. Nodes in no group reach everybody.
    /// With `Direction::Out` or `In` there are two groups.
    Partition {
        /// The groups.
        groups: Vec<Vec<NodeId>>,
        /// Which way, as seen from the first group.
        direction: Direction,
        /// Only links of this class, or all.
        class: Option<LinkClass>,
    },
    /// The target is cut from all other servers, and from clients as well if `clients`.
    Isolate {
        /// Whom.
        target: Target,
        /// Which way, as seen from the target.
        direction: Direction,
        /// Whether client links are cut too.
        clients: bool,
    },
    /// Everything between the target and others is late by this much more.
    Delay {
        /// Whom.
        target: Target,
        /// Only links of this class, or all.
        class: Option<LinkClass>,
        /// How much later.
        extra: Span,
    },
    /// Every connection of the target is reset now (instant).
    Reset {
        /// Whom.
        target: Target,
        /// Only links of this class, or all.
        class: Option<LinkClass>,
    },
    /// Every disk operation of the target takes this many times as long, plus `extra`.
    SlowDisk {
        /// Whom.
        target: Target,
        /// Factor on drawn latencies.
        factor: u32,
        /// Added to each operation.
        extra: Span,
    },
    /// The target's clock runs fast or slow.
    Drift {
        /// Whom.
        target: Target,
        /// Parts per million; negative is slow.
        ppm: i32,
    },
    /// The target's wall clock jumps; its monotonic clock does not (instant).
    WallJump {
        /// Whom.
        target: Target,
        /// How far, in milliseconds.
        by_ms: i64,
    },
    /// Frames of established connections of the target are reset with this probability.
    Flaky {
        /// Whom.
        target: Target,
        /// Probability per frame.
        reset: Ratio,
    },
}

impl Fault {
    /// Whether it happens at once and leaves nothing to undo.
    pub fn is_instant(&self) -> bool {
        match self {
            Self::Reset { .. } | Self::WallJump { .. } => true,
            Self::Crash { .. }
            | Self::Pause { .. }
            | Self::Partition { .. }
            | Self::Isolate { .. }
            | Self::Delay { .. }
            | Self::SlowDisk { .. }
            | Self::Drift { .. }
            | Self::Flaky { .. } => false,
        }
    }
}

impl Fault {
    /// Whom it names, to be changed; `None` for those that name groups.
    pub fn target_mut(&mut self) -> Option<&mut Target> {
        match self {
            Self::Partition { .. } => None,
            Self::Crash { target, .. }
            | Self::Pause { target }
            | Self::Isolate { target, .. }
            | Self::Delay { target, .. }
            | Self::Reset { target, .. }
            | Self::SlowDisk { target, .. }
            | Self::Drift { target, .. }
            | Self::WallJump { target, .. }
            | Self::Flaky { target, .. } => Some(target),
        }
    }

    /// The groups it names, to be changed.
    pub fn groups_mut(&mut self) -> Option<&mut Vec<Vec<NodeId>>> {
        match self {
            Self::Partition { groups, .. } => Some(groups),
            Self::Crash { .. }
            | Self::Pause { .. }
            | Self::Isolate { .. }
            | Self::Delay { .. }
            | Self::Reset { .. }
            | Self::SlowDisk { .. }
            | Self::Drift { .. }
            | Self::WallJump { .. }
            | Self::Flaky { .. } => None,
        }
    }
}
