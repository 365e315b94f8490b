//! Records a run in memory: every input and effect whole, with its event, time and node.

use zablab::base::id::NodeId;
use zablab::sim::process::{Effect, Input, Protocol};
use zablab::sim::sink::{Sink, Stamp};

/// One input taken or effect asked for.
enum What<W: Protocol> {
    Input(Input<W>),
    Effect(Effect<W>),
}

/// All of them, in order.
pub(crate) struct Recorder<W: Protocol> {
    lines: Vec<(Stamp, NodeId, What<W>)>,
}

impl<W: Protocol> Default for Recorder<W> {
    fn default() -> Self {
        Self { lines: Vec::new() }
    }
}

impl<W: Protocol> Sink<W> for Recorder<W> {
    fn input(&mut self, at: Stamp, node: NodeId, input: &Input<W>) {
        self.lines.push((at, node, What::Input(input.clone())));
    }

    fn effect(&mut self, at: Stamp, node: NodeId, effect: &Effect<W>) {
        self.lines.push((at, node, What::Effect(effect.clone())));
    }
}

/// Whether a sink keeps what it is told.
pub(crate) trait Keeps {
    /// So it is.
    const RECORDS: bool;
}

impl Keeps for () {
    const RECORDS: bool = false;
}

impl<W: Protocol> Keeps for Recorder<W> {
    const RECORDS: bool = true;
}
