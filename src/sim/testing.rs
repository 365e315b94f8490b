//! For tests: a process without a will, which does what it is commanded, and a sink that remembers what it is told.

use std::sync::Arc;

use imbl::Vector;

use super::fault::{Fault, Planned, Target, Trigger, Unsynced};
use super::law::Law;
use super::process::{
    Conn, Cx, Effect, Effects, FILES, Input, LinkClass, Note, Process, Protocol, Recovered,
};
use super::setup::Setup;
use super::sink::{Happening, Sink, Stamp};
use super::world::{Limits, World};
use crate::base::id::NodeId;
use crate::base::ratio::Ratio;
use crate::base::rng::Seed;
use crate::base::time::{Span, Time};

/// The vocabulary of puppets: everything is a number.
#[derive(Clone, Debug, Hash)]
pub(super) struct Numbers;

/// A mark.
#[derive(Clone, Debug, Hash)]
pub(super) struct Mark(pub(super) &'static str);

/// What a puppet may be commanded to do.
#[derive(Clone, Debug, Hash)]
pub(super) enum Act {
    Do(Effect<Numbers>),
    Dial(NodeId, Span),
    Several(Vec<Self>),
}

impl Note for Mark {
    fn mark(&self) -> Option<&'static str> {
        Some(self.0)
    }
}

impl Protocol for Numbers {
    type Msg = u64;
    type Timer = u8;
    type Stage = u8;
    type Record = u64;
    type Image = u64;
    type Note = Mark;
    type Command = Act;
}

/// What a life found on its disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) image: Option<u64>,
    pub(super) log: Vec<u64>,
    pub(super) forced: bool,
    pub(super) torn: bool,
    pub(super) files: [Option<u64>; FILES],
}

/// A process without a will. It listens on every port.
#[derive(Clone)]
pub(super) struct Puppet {
    pub(super) found: Found,
    role: Option<&'static str>,
}

impl Process for Puppet {
    type Words = Numbers;
    type Config = ();

    fn restart((): &(), disk: Recovered<Numbers>, me: NodeId, _: u32) -> Self {
        Self {
            found: Found {
                image: disk.image,
                log: disk.log.iter().copied().collect(),
                forced: disk.forced,
                torn: disk.torn,
                files: disk.files,
            },
            role: (me == NodeId(2)).then_some("leader"),
        }
    }

    fn step(&mut self, _: Cx, input: Input<Numbers>, out: &mut Effects<Numbers>) {
        match input {
            Input::Boot => {
                for class in super::weather::CLASSES {
                    out.push(Effect::Listen(class));
                }
            }
            Input::Command(act) => perform(act, out),
            Input::Opened { .. }
            | Input::Refused { .. }
            | Input::Accepted { .. }
            | Input::Deliver { .. }
            | Input::Ended { .. }
            | Input::Fire { .. }
            | Input::Run { .. }
            | Input::Synced { .. }
            | Input::Stored { .. }
            | Input::Snapshotted
            | Input::Installed
            | Input::WriteFailed { .. } => {}
        }
    }

    fn plays(&self, role: &str) -> bool {
        self.role == Some(role)
    }
}

fn perform(act: Act, out: &mut Effects<Numbers>) {
    match act {
        Act::Do(effect) => out.push(effect),
        Act::Dial(to, timeout) => {
            out.open(to, LinkClass::Quorum, timeout);
        }
        Act::Several(acts) => acts.into_iter().for_each(|act| perform(act, out)),
    }
}

/// Remembers inputs and happenings, as text.
#[derive(Default)]
pub(super) struct Recorder {
    pub(super) heard: Vec<(Time, NodeId, String)>,
    pub(super) happened: Vec<(Time, Happening)>,
}

impl Sink<Numbers> for Recorder {
    fn input(&mut self, at: Stamp, node: NodeId, input: &Input<Numbers>) {
        let text = match input {
            Input::Boot => "boot".to_owned(),
            Input::Command(_) => return,
            Input::Opened { .. } => "opened".to_owned(),
            Input::Refused { why, .. } => format!("refused {why:?}"),
            Input::Accepted { from, .. } => format!("accepted from {from}"),
            Input::Deliver { msg, .. } => format!("got {msg}"),
            Input::Ended { how, .. } => format!("ended {how:?}"),
            Input::Fire { timer } => format!("fire {timer}"),
            Input::Run { stage } => format!("run {stage}"),
            Input::Synced { upto } => format!("synced {upto}"),
            Input::Stored { file, value } => format!("stored {} {value}", file.0),
            Input::Snapshotted => "snapshotted".to_owned(),
            Input::Installed => "installed".to_owned(),
            Input::WriteFailed { why } => format!("write failed {why:?}"),
        };
        self.heard.push((at.time, node, text));
    }

    fn happening(&mut self, at: Stamp, what: &Happening, _: &[Planned]) {
        self.happened.push((at.time, what.clone()));
    }
}

/// A world of puppets with its recorder.
pub(super) struct Stage {
    pub(super) world: World<Puppet>,
    pub(super) recorder: Recorder,
}

/// A setup in which nothing is drawn: every link takes 1 ms, every disk operation 2 ms, clocks are exact.
pub(super) fn exact(nodes: u16) -> Setup {
    let mut setup = Setup::mild(nodes, 0);
    for link in &mut setup.links {
        link.delay = Law::constant(Span::from_ms(1));
        link.healed_reset = Ratio::ZERO;
    }
    setup.disk.sync = Law::constant(Span::from_ms(2));
    setup.disk.store = Law::constant(Span::from_ms(2));
    setup.disk.install = Law::constant(Span::from_ms(2));
    setup.disk.snapshot = Law::constant(Span::from_ms(2));
    setup.clock.drift_ppm = 0;
    setup.stage = Law::constant(Span::from_us(100));
    setup.start_within = Span::ZERO;
    setup
}

impl Stage {
    pub(super) fn new(seed: u64, setup: Setup, plan: Vec<Planned>) -> Self {
        Self {
            world: World::new(Seed(seed), (), setup, Arc::from(plan)),
            recorder: Recorder::default(),
        }
    }

    /// Puppets in the exact setup, without a plan, all up.
    pub(super) fn exact(nodes: u16) -> Self {
        let mut stage = Self::new(1, exact(nodes), Vec::new());
        stage.run_to(1);
        stage
    }

    pub(super) fn run_to(&mut self, ms: u64) {
        self.world
            .run_until(Limits::until(Time::from_ms(ms)), &mut self.recorder);
    }

    pub(super) fn run_for(&mut self, ms: u64) {
        let until = self.world.now() + Span::from_ms(ms);
        self.world
            .run_until(Limits::until(until), &mut self.recorder);
    }

    pub(super) fn command(&mut self, node: u16, act: Act) {
        self.world.command(NodeId(node), act);
    }

    pub(super) fn effect(&mut self, node: u16, effect: Effect<Numbers>) {
        self.command(node, Act::Do(effect));
    }

    /// Dials and waits until both ends know.
    pub(super) fn connect(&mut self, from: u16, to: u16) -> Conn {
        let conn = self.dial(from, to, 1_000);
        self.run_for(3);
        conn
    }

    /// Dials; the connection's name is that of the caller's next one.
    pub(super) fn dial(&mut self, from: u16, to: u16, timeout_ms: u64) -> Conn {
        let slot = &self.world.slots[usize::from(from) - 1];
        let conn = Conn(slot.next_conn);
        self.command(from, Act::Dial(NodeId(to), Span::from_ms(timeout_ms)));
        self.run_for(0);
        conn
    }

    pub(super) fn send(&mut self, node: u16, conn: Conn, msgs: impl IntoIterator<Item = u64>) {
        let acts = msgs
            .into_iter()
            .map(|msg| Act::Do(Effect::Send { conn, msg }))
            .collect();
        self.command(node, Act::Several(acts));
    }

    pub(super) fn append(&mut self, node: u16, records: impl IntoIterator<Item = u64>) {
        let acts = records
            .into_iter()
            .map(|record| Act::Do(Effect::Append { record }))
            .collect();
        self.command(node, Act::Several(acts));
        self.run_for(0);
    }

    /// What a node was told since the last question, boots left out.
    pub(super) fn heard(&mut self, node: u16) -> Vec<String> {
        let mut told = Vec::new();
        self.recorder.heard.retain(|(_, who, text)| {
            if *who == NodeId(node) && text != "boot" {
                told.push(text.clone());
            }
            *who != NodeId(node)
        });
        told
    }

    pub(super) fn inject(&mut self, fault: Fault) -> u32 {
        let index = self.world.inject(fault);
        self.run_for(0);
        index
    }

    pub(super) fn crash(&mut self, node: u16, unsynced: Unsynced) {
        let target = Target::Node(NodeId(node));
        self.inject(Fault::Crash { target, unsynced });
    }

    pub(super) fn heal_all(&mut self) {
        self.world.heal_all();
        self.run_for(0);
    }

    /// What the present life of a node found on its disk.
    pub(super) fn found(&self, node: u16) -> Found {
        let process = self.world.process(NodeId(node));
        process.expect("the node is up").found.clone()
    }
}

/// A planned fault.
pub(super) fn planned(id: &str, at_ms: u64, lasts_ms: u64, fault: Fault) -> Planned {
    Planned {
        id: id.into(),
        trigger: Trigger::At(Time::from_ms(at_ms)),
        fault,
        lasts: Some(Span::from_ms(lasts_ms)),
        flap: None,
    }
}

/// A vector as a plain list.
pub(super) fn list(log: &Vector<u64>) -> Vec<u64> {
    log.iter().copied().collect()
}
