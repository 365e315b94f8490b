//! Where a run's events go: digests, checkers, recorders. Sinks are monomorphised; `()` costs nothing.

use std::hash::{Hash, Hasher};

use super::fault::Planned;
use super::process::{Conn, Effect, Input, LinkClass, Protocol};
use crate::base::id::{EventId, NodeId};
use crate::base::time::Time;

/// When and in which event something happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stamp {
    /// The event's ordinal.
    pub event: EventId,
    /// World time.
    pub time: Time,
}

/// Something that is told and is no part of what happened: it does not reach the digest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Aside<T>(pub T);

impl<T> Hash for Aside<T> {
    fn hash<H: Hasher>(&self, _: &mut H) {
        // Nothing: the digest is about what happened.
    }
}

/// What the machine itself did, as against what processes did.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Happening {
    /// A node stopped: a crash fault, or its own `Halt`.
    Crashed {
        /// Which.
        node: NodeId,
        /// Exit code of a `Halt`; `None` for a fault.
        code: Option<u8>,
        /// How many unforced records were lost.
        lost: u64,
        /// Whether the machine lost power, and not only the process.
        power: bool,
    },
    /// A node began a new life (also its first).
    Started {
        /// Which.
        node: NodeId,
        /// Ordinal of this life, from 1.
        life: u32,
    },
    /// A node was stopped or continued.
    Paused {
        /// Which.
        node: NodeId,
        /// False = it goes on.
        paused: bool,
    },
    /// A planned fault fired.
    FaultBegan {
        /// Index into the plan.
        index: u32,
        /// The nodes it was resolved to; empty for partitions given by groups.
        targets: Vec<NodeId>,
        /// Whether it changed anything (a crash of a node that is down does not).
        effective: bool,
        /// Why it changed nothing.
        why: Aside<Option<&'static str>>,
    },
    /// A lasting fault was undone.
    FaultEnded {
        /// Index into the plan.
        index: u32,
    },
    /// A connection ended by the network or by the other end.
    ConnectionEnded {
        /// Which.
        conn: Conn,
        /// Its class.
        class: LinkClass,
        /// The end that is told.
        node: NodeId,
    },
    /// A fault that Zab does not promise to survive has done its work.
    Outside {
        /// Index into the plan; `None` = the setup has it so.
        index: Option<u32>,
        /// Whose disk it was, if it was one.
        node: Option<NodeId>,
        /// What.
        what: &'static str,
    },
    /// A node's clocks stand still, or go on.
    ClockHeld {
        /// Which.
        node: NodeId,
        /// False = they go on.
        held: bool,
    },
}

/// Takes what a run emits, in order. Every method does nothing by default.
pub trait Sink<W: Protocol> {
    /// A node is about to take an input.
    fn input(&mut self, _at: Stamp, _node: NodeId, _input: &Input<W>) {}
    /// A node asked for something (notes included).
    fn effect(&mut self, _at: Stamp, _node: NodeId, _effect: &Effect<W>) {}
    /// The machine did something.
    fn happening(&mut self, _at: Stamp, _what: &Happening, _plan: &[Planned]) {}
}

impl<W: Protocol> Sink<W> for () {}

impl<W: Protocol, A: Sink<W>, B: Sink<W>> Sink<W> for (A, B) {
    fn input(&mut self, at: Stamp, node: NodeId, input: &Input<W>) {
        self.0.input(at, node, input);
        self.1.input(at, node, input);
    }
    fn effect(&mut self, at: Stamp, node: NodeId, effect: &Effect<W>) {
        self.0.effect(at, node, effect);
        self.1.effect(at, node, effect);
    }
    fn happening(&mut self, at: Stamp, what: &Happening, plan: &[Planned]) {
        self.0.happening(at, what, plan);
        self.1.happening(at, what, plan);
    }
}

impl<W: Protocol, S: Sink<W>> Sink<W> for &mut S {
    fn input(&mut self, at: Stamp, node: NodeId, input: &Input<W>) {
        (**self).input(at, node, input);
    }
    fn effect(&mut self, at: Stamp, node: NodeId, effect: &Effect<W>) {
        (**self).effect(at, node, effect);
    }
    fn happening(&mut self, at: Stamp, what: &Happening, plan: &[Planned]) {
        (**self).happening(at, what, plan);
    }
}
