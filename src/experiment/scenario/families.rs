//! What is drawn from the seed: families of faults, and how many of them a run gets.

use super::format::{Range, names, record};
use crate::base::ratio::Ratio;

names! {
    /// A family of generated faults.
    pub enum Family {
        /// A server's process is killed and restarted.
        Kill = "kill",
        /// A server loses power: what was not forced is lost in part.
        PowerLoss = "power-loss",
        /// Every server loses power at once.
        Blackout = "blackout",
        /// A server stands still.
        Pause = "pause",
        /// A server is cut off.
        Isolate = "isolate",
        /// The servers fall into two groups.
        Halves = "halves",
        /// A server can send or hear, but not both.
        OneWay = "one-way",
        /// The leader is cut off from the servers, with or without its clients.
        IsolateLeader = "isolate-leader",
        /// The connections of a server are reset.
        Reset = "reset",
        /// Everything to and from a server is late.
        Delay = "delay",
        /// A disk is slow.
        SlowDisk = "slow-disk",
        /// A clock runs fast or slow, within 1000 ppm.
        Drift = "drift",
        /// A wall clock jumps.
        WallJump = "wall-jump",
        /// Connections of a server break now and then.
        Flaky = "flaky",
        /// A server falls just when something particular has happened.
        Ambush = "ambush",
        /// The servers fall apart in a shape: halves, a minority, a bridge, a ring of majorities, groups.
        Split = "split",
        /// Such a split comes and goes.
        Flapping = "flapping",
        /// Two servers cannot reach each other.
        Cut = "cut",
        /// Nothing gets to or from a node; it queues.
        Clog = "clog",
        /// Half of the servers are clogged one by one and freed in another order.
        Swizzle = "swizzle",
        /// A kind of messages chokes its streams.
        Mute = "mute",
        /// Links are refused, hang, stall, break, garble, write in parts or are narrow.
        Rough = "rough",
        /// Connections are reset and one end does not hear of it.
        HalfOpen = "half-open",
        /// Several servers are struck at once.
        Rack = "rack",
        /// A server falls again and again.
        RestartLoop = "restart-loop",
        /// A server falls in the middle of a step, at a named point of the protocol.
        NamedPoint = "named-point",
        /// A server falls right after one of its durable steps.
        DurableStep = "durable-step",
        /// Power is lost and leaves a torn record, or pages in any order.
        Torn = "torn",
        /// A processor is slow.
        SlowCpu = "slow-cpu",
        /// A machine is suspended: its clocks stop with it.
        Suspend = "suspend",
        /// The clocks of a machine stand still.
        Freeze = "freeze",
        /// A wall clock jumps to and fro.
        Strobe = "strobe",
        /// A disk does nothing for a while.
        DiskStall = "disk-stall",
        /// A force of the log fails.
        FsyncFail = "fsync-fail",
        /// A disk is full for a while.
        DiskFull = "disk-full",
        /// Disk operations fail now and then.
        DiskErrors = "disk-errors",
        /// A disk takes no writes for a while.
        ReadOnly = "read-only",
        /// Bits rot on a disk, never on the last good copy.
        BitRot = "bit-rot",
        /// A client is cut from its server and moves.
        CutClient = "cut-client",
        /// A client stands still until its session is over, and wakes.
        Zombie = "zombie",
        /// A client reads slowly.
        SlowReader = "slow-reader",
        /// A client connects a second time with the same session.
        Duplicate = "duplicate-connection",
        /// A client has to move to a server that is behind.
        MoveBehind = "move-behind",
        /// Outside Zab's model: a server loses its whole disk.
        Wipe = "wipe",
        /// Outside Zab's model: an old backup of a disk is played back.
        Restore = "restore",
        /// Outside Zab's model: bits rot, also on the last good copy.
        RotAnywhere = "rot-anywhere",
        /// Outside Zab's model: frames are lost, doubled or out of order.
        DatagramWire = "datagram",
        /// Outside Zab's model: forces are reported and not done (forceSync=no).
        LyingDisk = "lying-disk",
    }
}

/// How many families there were first: those that a scenario gets which names none.
pub const FIRST_FAMILIES: usize = 15;

impl Family {
    /// Whether Zab does not promise to survive its faults; such families are drawn only where they are named.
    pub fn is_outside(self) -> bool {
        matches!(
            self,
            Self::Wipe | Self::Restore | Self::RotAnywhere | Self::DatagramWire | Self::LyingDisk
        )
    }
}

record! {
    /// Faults drawn from the seed.
    pub struct Generate as "\"generate\"" {
        /// The families to draw from; default the first fifteen.
        families: Vec<Family> = Family::ALL[..FIRST_FAMILIES].iter().map(|(_, family)| *family).collect();
        /// How likely a family is left out of a run.
        off: Ratio = Ratio::new(1, 2);
        /// When faults begin; all end with the window.
        window_ms: Range = Range::new(1_000, 40_000), 0..=86_400_000;
        /// Mean time between the beginnings of two faults.
        gap_ms: u32 = 1_500, 1..=86_400_000;
        /// How long a fault lasts, log-uniform.
        for_ms: Range = Range::new(20, 8_000), 1..=86_400_000;
        /// Whether the sizes of logs and snapshots and the speed of disks are drawn, too.
        vary: bool = false;
    }
}
