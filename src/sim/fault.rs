//! Faults as data: what is done to whom, when, and for how long.

use super::process::{LinkClass, Name};
use super::rough::Roughness;
use crate::base::id::NodeId;
use crate::base::ratio::Ratio;
use crate::base::time::{Span, Time};

/// Marks of the machine itself that a plan's `when` can wait for: an ordered disk operation of a node is done and its
/// process has yet to hear of it; a node begins to write a snapshot.
pub const MACHINE_MARKS: [&str; 2] = [DISK_STEP, SNAPSHOT_BEGUN];

pub(super) const DISK_STEP: &str = "disk-step";
pub(super) const SNAPSHOT_BEGUN: &str = "snapshot-begun";

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
    /// While it lasts it is undone and strikes again in turn, each time after this long (flapping partitions, strobing
    /// clocks, restart loops).
    pub flap: Option<Span>,
}

/// When a planned fault strikes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Trigger {
    /// At a moment of world time.
    At(Time),
    /// After the `nth` note (1-based) with this mark.
    When {
        /// The mark (see `Note::mark`, and [`MACHINE_MARKS`]).
        mark: Name,
        /// Which occurrence.
        nth: u32,
        /// How long after it.
        after: Span,
        /// Only notes of this node count; `None` = of anybody.
        by: Option<NodeId>,
        /// Strikes inside the step that says the mark, when so many of the effects that follow it have been carried
        /// out: a crash then takes the rest of the step with it. `None` = after the whole step.
        cut: Option<u32>,
    },
}

/// Whom a fault strikes; roles are resolved when it fires.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// This node.
    Node(NodeId),
    /// The node that is up and plays this role, or stands first in it; the first in id order of several.
    Role(Name),
    /// The node that said the mark the fault waited for; nobody, if it waited for a moment.
    Sayer,
    /// Several nodes at once.
    Nodes(Vec<NodeId>),
    /// A rack: nodes with a common name.
    Rack {
        /// Its name.
        name: Name,
        /// What stands in it.
        nodes: Vec<NodeId>,
    },
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
    /// As `PowerDrawn`, but where something unforced is lost the last record on the platter is torn.
    PowerTorn,
    /// As `PowerDrawn`, but unforced pages reached the platter in any order: a record is readable up to the first hole.
    PowerReordered,
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

/// What becomes of bytes that meet a cut.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Form {
    /// They are dropped silently: TCP holds the stream back, and when the way works again it resumes or is reset.
    #[default]
    Silent,
    /// Connections across the cut are reset when it begins and refused while it lasts.
    Reset,
    /// They queue, and all arrive when the way works again.
    Jam,
}

/// Who hears of a reset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Seen {
    /// Both ends.
    #[default]
    Both,
    /// A drawn one of the two; the other end stays half-open until it sends something.
    One,
}

/// How a split separates the servers; who is where is drawn by the fault's name when it strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shape {
    /// Two groups that differ by one server at most.
    Halves,
    /// The largest minority of the servers against the others.
    Minority,
    /// Two halves that cannot see each other, and one server that sees both.
    Bridge,
    /// Every server sees a majority, itself included, and no two see the same one.
    Ring,
    /// So many groups, as even as possible.
    Groups(u8),
}

/// What is wrong with a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Trouble {
    /// Operations do not end while it lasts.
    Stall,
    /// So many forces of the log fail; what they were to force is clean afterwards and not on the platter.
    FsyncFail {
        /// How many.
        times: u32,
    },
    /// There is room for so many bytes more; what needs more fails until somebody makes room.
    Full {
        /// How many.
        room_bytes: u64,
    },
    /// Operations fail with this probability.
    Errors {
        /// Per operation.
        rate: Ratio,
    },
    /// Every operation fails.
    ReadOnly,
    /// Forces are reported and do not happen (`forceSync=no`, a drive that lies).
    Lying,
}

/// What bits rot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rot {
    /// A forced record of the log, drawn.
    Log,
    /// The newest snapshot.
    Snapshot,
    /// The file `currentEpoch`.
    Epoch,
}

/// Whether a fault may damage the last good copies that a quorum needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Atlas {
    /// No more than a minority of the voters' disks is ever damaged.
    #[default]
    On,
    /// It damages what it is told to.
    Off,
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
        /// What becomes of bytes on the way.
        form: Form,
    },
    /// The servers are separated in a shape, drawn when it strikes.
    Split {
        /// Which.
        shape: Shape,
        /// Only links of this class, or all.
        class: Option<LinkClass>,
        /// What becomes of bytes on the way.
        form: Form,
    },
    /// Two targets cannot reach each other.
    Cut {
        /// Whom.
        target: Target,
        /// From whom.
        from: Target,
        /// Which way, as seen from the target.
        direction: Direction,
        /// Only links of this class, or all.
        class: Option<LinkClass>,
        /// What becomes of bytes on the way.
        form: Form,
    },
    /// Nothing is delivered to or from the target; everything queues and arrives afterwards.
    Clog {
        /// Whom.
        target: Target,
        /// Which way, as seen from the target.
        direction: Direction,
        /// Only links of this class, or all.
        class: Option<LinkClass>,
    },
    /// A drawn half of the servers is clogged one by one in the first half of the time and freed in another order in the
    /// second.
    Swizzle {
        /// Only links of this class, or all.
        class: Option<LinkClass>,
    },
    /// A message of one of these kinds chokes its stream: it and all behind it wait until the fault is over.
    Mute {
        /// Whom.
        target: Target,
        /// Which way, as seen from the target.
        direction: Direction,
        /// Kinds of messages (`Protocol::kind`).
        kinds: Vec<Name>,
    },
    /// The target is cut from all other servers, and from clients as well if `clients`.
    Isolate {
        /// Whom.
        target: Target,
        /// Which way, as seen from the target.
        direction: Direction,
        /// Whether client links are cut too.
        clients: bool,
        /// What becomes of bytes on the way.
        form: Form,
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
        /// Who hears of it.
        seen: Seen,
    },
    /// Links of the target are rough in these ways, too.
    Rough {
        /// Whom.
        target: Target,
        /// Only links of this class, or all.
        class: Option<LinkClass>,
        /// How.
        rough: Roughness,
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
    /// The target's wall clock is off by so much more; its monotonic clock is not. Flapping, it strobes.
    Skew {
        /// Whom.
        target: Target,
        /// How far, in milliseconds.
        by_ms: i64,
    },
    /// Both clocks of the target stand still; afterwards they go on from where they stood.
    Freeze {
        /// Whom.
        target: Target,
    },
    /// The target's machine is suspended: its process and its monotonic clock stand still; afterwards the wall clock has
    /// jumped to where it should be.
    Suspend {
        /// Whom.
        target: Target,
    },
    /// Every step of the target takes so many times as long as usual, and the next waits for its end.
    SlowCpu {
        /// Whom.
        target: Target,
        /// Factor on `Setup::step`.
        factor: u32,
    },
    /// Something is wrong with the target's disk.
    Disk {
        /// Whom.
        target: Target,
        /// What.
        trouble: Trouble,
    },
    /// Bits rot on the target's platter; it notices when it next starts (instant).
    BitRot {
        /// Whom.
        target: Target,
        /// Where.
        rot: Rot,
        /// Whether it may damage the last good copies.
        atlas: Atlas,
    },
    /// The target stops, and starts again with an empty disk.
    Wipe {
        /// Whom.
        target: Target,
    },
    /// The target stops, and starts again with what its disk held at an earlier moment.
    Restore {
        /// Whom.
        target: Target,
        /// The moment of the backup.
        backup_at: Time,
    },
    /// The target is provoked to do something unusual of its own (instant; see `Protocol::provocation`).
    Provoke {
        /// Whom.
        target: Target,
        /// What.
        what: Name,
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
            Self::Reset { .. }
            | Self::WallJump { .. }
            | Self::BitRot { .. }
            | Self::Provoke { .. } => true,
            Self::Crash { .. }
            | Self::Pause { .. }
            | Self::Partition { .. }
            | Self::Split { .. }
            | Self::Cut { .. }
            | Self::Clog { .. }
            | Self::Swizzle { .. }
            | Self::Mute { .. }
            | Self::Isolate { .. }
            | Self::Delay { .. }
            | Self::Rough { .. }
            | Self::SlowDisk { .. }
            | Self::Drift { .. }
            | Self::Skew { .. }
            | Self::Freeze { .. }
            | Self::Suspend { .. }
            | Self::SlowCpu { .. }
            | Self::Disk { .. }
            | Self::Wipe { .. }
            | Self::Restore { .. }
            | Self::Flaky { .. } => false,
        }
    }

    /// Whom it names; `None` for those that name groups, or nobody.
    pub fn target(&self) -> Option<&Target> {
        match self {
            Self::Partition { .. } | Self::Split { .. } | Self::Swizzle { .. } => None,
            Self::Crash { target, .. }
            | Self::Pause { target }
            | Self::Cut { target, .. }
            | Self::Clog { target, .. }
            | Self::Mute { target, .. }
            | Self::Isolate { target, .. }
            | Self::Delay { target, .. }
            | Self::Reset { target, .. }
            | Self::Rough { target, .. }
            | Self::SlowDisk { target, .. }
            | Self::Drift { target, .. }
            | Self::WallJump { target, .. }
            | Self::Skew { target, .. }
            | Self::Freeze { target }
            | Self::Suspend { target }
            | Self::SlowCpu { target, .. }
            | Self::Disk { target, .. }
            | Self::BitRot { target, .. }
            | Self::Wipe { target }
            | Self::Restore { target, .. }
            | Self::Provoke { target, .. }
            | Self::Flaky { target, .. } => Some(target),
        }
    }

    /// What plans call it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Crash { .. } => "crash",
            Self::Pause { .. } => "pause",
            Self::Partition { .. } => "partition",
            Self::Split { .. } => "split",
            Self::Cut { .. } => "cut",
            Self::Clog { .. } => "clog",
            Self::Swizzle { .. } => "swizzle",
            Self::Mute { .. } => "mute",
            Self::Isolate { .. } => "isolate",
            Self::Delay { .. } => "delay",
            Self::Reset { .. } => "reset",
            Self::Rough { .. } => "rough",
            Self::SlowDisk { .. } => "slow-disk",
            Self::Drift { .. } => "drift",
            Self::WallJump { .. } => "wall-jump",
            Self::Skew { .. } => "skew",
            Self::Freeze { .. } => "freeze",
            Self::Suspend { .. } => "suspend",
            Self::SlowCpu { .. } => "slow-cpu",
            Self::Disk { trouble, .. } => match trouble {
                Trouble::Stall => "disk-stall",
                Trouble::FsyncFail { .. } => "fsync-fail",
                Trouble::Full { .. } => "disk-full",
                Trouble::Errors { .. } => "disk-errors",
                Trouble::ReadOnly => "read-only",
                Trouble::Lying => "lying-disk",
            },
            Self::BitRot { .. } => "bit-rot",
            Self::Wipe { .. } => "wipe",
            Self::Restore { .. } => "restore",
            Self::Provoke { .. } => "provoke",
            Self::Flaky { .. } => "flaky",
        }
    }
}

impl Fault {
    /// Everybody it names, to be changed; nobody for those that name groups.
    pub fn targets_mut(&mut self) -> Vec<&mut Target> {
        match self {
            Self::Partition { .. } | Self::Split { .. } | Self::Swizzle { .. } => Vec::new(),
            Self::Cut { target, from, .. } => vec![target, from],
            Self::Crash { target, .. }
            | Self::Pause { target }
            | Self::Clog { target, .. }
            | Self::Mute { target, .. }
            | Self::Isolate { target, .. }
            | Self::Delay { target, .. }
            | Self::Reset { target, .. }
            | Self::Rough { target, .. }
            | Self::SlowDisk { target, .. }
            | Self::Drift { target, .. }
            | Self::WallJump { target, .. }
            | Self::Skew { target, .. }
            | Self::Freeze { target }
            | Self::Suspend { target }
            | Self::SlowCpu { target, .. }
            | Self::Disk { target, .. }
            | Self::BitRot { target, .. }
            | Self::Wipe { target }
            | Self::Restore { target, .. }
            | Self::Provoke { target, .. }
            | Self::Flaky { target, .. } => vec![target],
        }
    }

    /// Whom it strikes, to be changed; `None` for those that name groups.
    pub fn target_mut(&mut self) -> Option<&mut Target> {
        self.targets_mut().into_iter().next()
    }

    /// The groups it names, to be changed.
    pub fn groups_mut(&mut self) -> Option<&mut Vec<Vec<NodeId>>> {
        if let Self::Partition { groups, .. } = self {
            Some(groups)
        } else {
            None
        }
    }
}
