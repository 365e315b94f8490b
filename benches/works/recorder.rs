//! Records a run in memory: every input and effect whole, with its event, time and node. Effects lie behind each other; an
//! input says how many are its.

use zablab::base::id::NodeId;
use zablab::base::time::Time;
use zablab::sim::process::{Effect, Input, Protocol};
use zablab::sim::sink::{Sink, Stamp};

/// One input taken.
struct Taken<W: Protocol> {
    time: Time,
    event: u32,
    node: NodeId,
    /// How many effects followed.
    effects: u16,
    input: Input<W>,
}

/// All of them, in order.
pub(crate) struct Recorder<W: Protocol> {
    inputs: Vec<Taken<W>>,
    effects: Vec<Effect<W>>,
}

impl<W: Protocol> Default for Recorder<W> {
    fn default() -> Self {
        Self {
            inputs: Vec::new(),
            effects: Vec::new(),
        }
    }
}

impl<W: Protocol> Sink<W> for Recorder<W> {
    fn input(&mut self, at: Stamp, node: NodeId, input: &Input<W>) {
        self.inputs.push(Taken {
            time: at.time,
            event: u32::try_from(at.event.0).expect("a short run"),
            node,
            effects: 0,
            input: input.clone(),
        });
    }

    fn effect(&mut self, _: Stamp, _: NodeId, effect: &Effect<W>) {
        self.effects.push(effect.clone());
        let last = self.inputs.last_mut().expect("effects follow an input");
        last.effects += 1;
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
