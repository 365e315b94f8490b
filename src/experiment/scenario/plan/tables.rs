//! The names that values have in plans.

use crate::sim::fault::{Atlas, Direction, Form, Rot, Seen, Shape, Unsynced};
use crate::sim::process::LinkClass;

pub(super) const CLASSES: [(&str, LinkClass); 3] = [
    ("election", LinkClass::Election),
    ("quorum", LinkClass::Quorum),
    ("client", LinkClass::Client),
];

pub(super) const DIRECTIONS: [(&str, Direction); 3] = [
    ("both", Direction::Both),
    ("out", Direction::Out),
    ("in", Direction::In),
];

pub(super) const UNSYNCED: [(&str, Unsynced); 6] = [
    ("kill", Unsynced::Kill),
    ("drawn", Unsynced::PowerDrawn),
    ("lost", Unsynced::PowerLost),
    ("kept", Unsynced::PowerKept),
    ("torn", Unsynced::PowerTorn),
    ("reordered", Unsynced::PowerReordered),
];

pub(super) const FORMS: [(&str, Form); 3] = [
    ("silent", Form::Silent),
    ("reset", Form::Reset),
    ("jam", Form::Jam),
];

pub(super) const SEEN: [(&str, Seen); 2] = [("both", Seen::Both), ("one", Seen::One)];

/// Shapes that need no number; `groups` needs `k`.
pub(super) const SHAPES: [(&str, Shape); 4] = [
    ("halves", Shape::Halves),
    ("minority", Shape::Minority),
    ("bridge", Shape::Bridge),
    ("ring", Shape::Ring),
];

pub(super) const ROTS: [(&str, Rot); 3] = [
    ("log", Rot::Log),
    ("snapshot", Rot::Snapshot),
    ("epoch", Rot::Epoch),
];

pub(super) const ATLAS: [(&str, Atlas); 2] = [("on", Atlas::On), ("off", Atlas::Off)];

/// Provocations by their name as a fault and the process's name for them.
pub(super) const PROVOCATIONS: [&str; 1] = ["duplicate-connection"];

/// Every fault by its name in plans.
pub(super) const FAULTS: [&str; 30] = [
    "crash",
    "pause",
    "partition",
    "split",
    "cut",
    "clog",
    "swizzle",
    "mute",
    "isolate",
    "delay",
    "reset",
    "rough",
    "slow-disk",
    "disk-stall",
    "fsync-fail",
    "disk-full",
    "disk-errors",
    "read-only",
    "lying-disk",
    "bit-rot",
    "wipe",
    "restore",
    "drift",
    "wall-jump",
    "skew",
    "freeze",
    "suspend",
    "slow-cpu",
    "flaky",
    "duplicate-connection",
];
