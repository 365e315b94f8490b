//! W1: nodes with four pings each in flight to random others, answered by pongs.

use zablab::base::id::NodeId;
use zablab::base::rng::Seed;
use zablab::base::time::{Span, Time};
use zablab::sim::process::{
    Conn, Cx, Effect, Effects, Input, LinkClass, Process, Protocol, Recovered,
};
use zablab::sim::sink::Sink;
use zablab::sim::world::{Limits, World};

use super::recorder::Keeps;
use super::{Played, Silent, setup};
use crate::cpu::cpu_ns;

#[derive(Clone, Debug, Hash)]
pub(crate) struct Pings;

#[derive(Clone, Copy, Debug, PartialEq, Hash)]
pub(crate) enum Ball {
    Ping,
    Pong,
}

impl Protocol for Pings {
    type Msg = Ball;
    type Timer = ();
    type Stage = ();
    type Record = ();
    type Image = ();
    type Note = Silent;
    type Command = ();
}

/// Talks to every other node.
#[derive(Clone, Default)]
struct Player {
    nodes: u16,
    peers: Vec<Conn>,
    draws: u64,
    delivered: u64,
}

impl Player {
    fn serve(&mut self, cx: Cx, out: &mut Effects<Pings>) {
        self.draws += 1;
        let count = self.peers.len() as u64;
        let place = cx.draw(1, self.draws).below(count);
        let place = usize::try_from(place).expect("below the number of peers");
        out.send(self.peers[place], Ball::Ping);
    }
}

impl Process for Player {
    type Words = Pings;
    type Config = u16;

    fn restart(nodes: &u16, _: Recovered<Pings>, _: NodeId, _: u32) -> Self {
        Self {
            nodes: *nodes,
            ..Self::default()
        }
    }

    fn step(&mut self, cx: Cx, input: Input<Pings>, out: &mut Effects<Pings>) {
        match input {
            Input::Boot => {
                out.push(Effect::Listen(LinkClass::Quorum));
                out.arm((), Span::from_ms(100));
            }
            // All listen by now: smaller numbers dial larger ones.
            Input::Fire { .. } => {
                for other in cx.me.0 + 1..=self.nodes {
                    out.open(NodeId(other), LinkClass::Quorum, Span::from_ms(10_000));
                }
            }
            Input::Accepted { conn, .. } | Input::Opened { conn } => {
                self.peers.push(conn);
                if self.peers.len() == usize::from(self.nodes) - 1 {
                    (0..4).for_each(|_| self.serve(cx, out));
                }
            }
            Input::Deliver { conn, msg } => {
                self.delivered += 1;
                match msg {
                    Ball::Ping => out.send(conn, Ball::Pong),
                    Ball::Pong => self.serve(cx, out),
                }
            }
            other => unreachable!("nobody asked for {other:?}"),
        }
    }
}

/// Plays until so many messages have arrived; connecting is not counted.
pub(crate) fn play<S: Sink<Pings> + Keeps>(nodes: u16, messages: u64, sink: &mut S) -> Played {
    let mut world = World::<Player>::new(Seed(1), nodes, setup(nodes), [].into());
    // Everybody is connected.
    world.run_until(Limits::until(Time::from_ms(400)), &mut ());
    let delivered = |world: &World<Player>| -> u64 {
        let players = (1..=nodes).filter_map(|node| world.process(NodeId(node)));
        players.map(|player| player.delivered).sum()
    };
    let (before, events) = (delivered(&world), world.events());
    let start = cpu_ns();
    let mut until = world.now();
    while delivered(&world) - before < messages {
        until = until + Span::from_ms(1_000);
        let limits = Limits {
            time: until,
            events: events + messages,
        };
        world.run_until(limits, sink);
    }
    Played {
        cpu_ns: cpu_ns() - start,
        work: "w1",
        nodes,
        done: delivered(&world) - before,
        events: world.events() - events,
        is_recorded: S::RECORDS,
    }
}
