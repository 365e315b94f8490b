//! A protocol of one's own on the simulated machine: a primary copies a register to its backups, forces it to disk
//! everywhere, and calls a value safe once every copy is forced. `cargo run --release --example toy -- [SEED] [SECONDS]`

#![expect(clippy::print_stdout, reason = "an example shows its result")]

use std::sync::Arc;

use zablab::base::id::NodeId;
use zablab::base::rng::Seed;
use zablab::base::time::{Span, Time};
use zablab::sim::fault::{Fault, Planned, Target, Trigger, Unsynced};
use zablab::sim::process::{
    Conn, Cx, Effect, Effects, Input, LinkClass, Note, Process, Protocol, Recovered,
};
use zablab::sim::setup::Setup;
use zablab::sim::world::{Limits, World};

/// The vocabulary.
#[derive(Clone, Debug, Hash)]
struct Toy;

/// What a replica says about itself: the value that every copy has forced.
#[derive(Clone, Debug, Hash)]
struct Safe(u64);

impl Note for Safe {
    fn mark(&self) -> Option<&'static str> {
        Some("safe")
    }
}

impl Protocol for Toy {
    type Msg = u64;
    type Timer = ();
    type Stage = ();
    type Record = u64;
    type Image = ();
    type Note = Safe;
    type Command = ();
}

/// One copy of the register; node 1 is the primary.
#[derive(Clone)]
struct Replica {
    value: u64,
    acks: u16,
    peers: Vec<Conn>,
}

const NODES: u16 = 5;
const BEAT: Span = Span::from_ms(5);

impl Process for Replica {
    type Words = Toy;
    type Config = ();

    fn restart(_config: &(), disk: Recovered<Toy>, _me: NodeId, _life: u32) -> Self {
        Self {
            value: disk.log.last().copied().unwrap_or(0),
            acks: 0,
            peers: Vec::new(),
        }
    }

    fn step(&mut self, cx: Cx, input: Input<Toy>, out: &mut Effects<Toy>) {
        let leads = cx.me == NodeId(1);
        match input {
            Input::Boot if leads => {
                out.push(Effect::Listen(LinkClass::Quorum));
                out.arm((), BEAT);
            }
            Input::Boot => dial_primary(out),
            Input::Accepted { conn, .. } => self.peers.push(conn),
            Input::Opened { conn } => self.peers = vec![conn],
            Input::Refused { .. } => dial_primary(out),
            Input::Ended { conn, .. } => {
                self.peers.retain(|peer| *peer != conn);
                if !leads {
                    dial_primary(out);
                }
            }
            Input::Fire { timer: () } => {
                out.arm((), BEAT);
                self.write(self.value + 1, out);
                for peer in &self.peers {
                    out.send(*peer, self.value);
                }
            }
            Input::Deliver { msg, .. } if leads => self.count(msg, out),
            Input::Deliver { msg, .. } => self.write(msg, out),
            Input::Synced { .. } if leads => self.count(self.value, out),
            Input::Synced { .. } => self
                .peers
                .iter()
                .for_each(|peer| out.send(*peer, self.value)),
            _ => {}
        }
    }
}

impl Replica {
    fn write(&mut self, value: u64, out: &mut Effects<Toy>) {
        (self.value, self.acks) = (value, 0);
        out.push(Effect::Append { record: value });
        out.push(Effect::Sync);
    }

    fn count(&mut self, value: u64, out: &mut Effects<Toy>) {
        self.acks += u16::from(value == self.value);
        if self.acks == NODES {
            out.note(Safe(value));
        }
    }
}

fn dial_primary(out: &mut Effects<Toy>) {
    out.open(NodeId(1), LinkClass::Quorum, Span::from_ms(1_000));
}

fn main() {
    let mut args = std::env::args()
        .skip(1)
        .map(|arg| arg.parse().expect("an integer"));
    let (seed, seconds) = (args.next().unwrap_or(7), args.next().unwrap_or(10));
    let crash = Planned {
        id: "f1".into(),
        trigger: Trigger::When {
            mark: "safe".into(),
            nth: 100,
            after: Span::from_us(10),
        },
        fault: Fault::Crash {
            target: Target::Node(NodeId(1)),
            unsynced: Unsynced::Kill,
        },
        lasts: Some(Span::from_ms(300)),
    };
    let mut world: World<Replica> =
        World::new(Seed(seed), (), Setup::mild(NODES, 0), Arc::new([crash]));
    world.run_until(Limits::until(Time::from_ms(seconds * 1_000)), &mut ());
    let value = world.process(NodeId(1)).map_or(0, |primary| primary.value);
    println!(
        "value {value}, {} events, digest {}",
        world.events(),
        world.digest()
    );
}
