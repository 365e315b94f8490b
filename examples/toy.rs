//! A protocol of one's own on the simulated machine: a primary copies a count to its backups, and calls it safe
//! once every replica has forced it to disk. Run it with `cargo run --example toy -- SEED`.

#![expect(
    clippy::print_stdout,
    clippy::wildcard_enum_match_arm,
    reason = "a toy"
)]

use zablab::base::id::NodeId;
use zablab::base::rng::Seed;
use zablab::base::time::{Span, Time};
use zablab::sim::fault::{Fault, Target, Unsynced};
use zablab::sim::process::{Conn, Cx, Effect, Effects, Input};
use zablab::sim::process::{LinkClass, Note, Process, Protocol, Recovered};
use zablab::sim::setup::Setup;
use zablab::sim::world::{Limits, World};

#[derive(Clone, Debug, Hash)]
struct Toy;

#[derive(Clone, Debug, Hash)]
struct Safe(u64);

impl Note for Safe {}

impl Protocol for Toy {
    type Msg = u64;
    type Timer = ();
    type Stage = ();
    type Record = u64;
    type Image = ();
    type Note = Safe;
    type Command = ();
}

/// One copy of the count; node 1 is the primary. It counts on when all have forced the present count.
#[derive(Clone, Default)]
struct Replica {
    count: u64,
    forced: u64,
    /// Records of this life.
    appended: u64,
    /// Whom it talks to, and what they have forced.
    peers: Vec<(Conn, u64)>,
}

const NODES: u16 = 5;
const BEAT: Span = Span::from_ms(5);

impl Process for Replica {
    type Words = Toy;
    type Config = ();

    fn restart((): &(), disk: Recovered<Toy>, _: NodeId, _: u32) -> Self {
        let count = disk.log.last().copied().unwrap_or(0);
        Self {
            count,
            ..Self::default()
        }
    }

    fn step(&mut self, cx: Cx, input: Input<Toy>, out: &mut Effects<Toy>) {
        let leads = cx.me == NodeId(1);
        match input {
            Input::Boot if leads => {
                out.push(Effect::Listen(LinkClass::Quorum));
                out.arm((), BEAT);
                self.write(self.count + 1, out);
            }
            Input::Accepted { conn, .. } | Input::Opened { conn } => self.peers.push((conn, 0)),
            Input::Ended { conn, .. } if leads => self.peers.retain(|peer| peer.0 != conn),
            Input::Boot | Input::Refused { .. } | Input::Ended { .. } => {
                self.peers.clear();
                out.push(Effect::Sync);
                out.open(NodeId(1), LinkClass::Quorum, BEAT * 100);
            }
            Input::Fire { timer: () } => {
                out.arm((), BEAT);
                self.tell(self.count, out);
            }
            Input::Deliver { conn, msg } if leads => {
                self.peers.retain(|peer| peer.0 != conn);
                self.peers.push((conn, msg));
            }
            Input::Deliver { msg, .. } if msg > self.count => self.write(msg, out),
            Input::Synced { upto } if upto == self.appended => self.forced = self.count,
            Input::Deliver { .. } | Input::Synced { .. } => self.tell(self.forced, out),
            _ => unreachable!("nobody asked for it"),
        }
        let all_forced = self.peers.iter().all(|peer| peer.1 == self.count);
        let all_here = self.peers.len() == usize::from(NODES - 1);
        if leads && self.forced == self.count && all_here && all_forced {
            out.note(Safe(self.count));
            self.write(self.count + 1, out);
        }
    }
}

impl Replica {
    fn write(&mut self, count: u64, out: &mut Effects<Toy>) {
        self.count = count;
        self.appended += 1;
        out.push(Effect::Append { record: count });
        out.push(Effect::Sync);
    }

    fn tell(&self, count: u64, out: &mut Effects<Toy>) {
        self.peers.iter().for_each(|peer| out.send(peer.0, count));
    }
}

fn main() {
    let seed = std::env::args().nth(1);
    let seed = seed.map_or(7, |arg| arg.parse().expect("an integer"));
    let mut world = World::<Replica>::new(Seed(seed), (), Setup::mild(NODES, 0), [].into());
    world.run_until(Limits::until(Time::from_ms(500)), &mut ());
    let (target, unsynced) = (Target::Node(NodeId(1)), Unsynced::Kill);
    world.inject(Fault::Crash { target, unsynced });
    world.run_until(Limits::until(Time::from_ms(800)), &mut ());
    world.heal_all();
    world.run_until(Limits::until(Time::from_ms(10_000)), &mut ());
    let count = world.process(NodeId(1)).expect("all is healed").count;
    println!("counted to {count}, digest {}", world.digest());
}
