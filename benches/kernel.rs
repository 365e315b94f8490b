//! What the simulator itself costs, without ZooKeeper: `cargo bench --bench kernel`. A plain program; figures are CPU time of its
//! one thread, with the run's digest on, as always.
//!
//! Two works that simulators are compared by. W1: nodes with four pings each in flight to random others, answered by pongs. W2: a
//! register on five servers with a fixed primary that commits when three have it, ten clients in a closed loop that retry
//! after 100 ms, and every second 200 ms of a cut. `-- w1 NODES MESSAGES` and `-- w2 COMMITS` play one of them and print nothing but its
//! figures, so that instructions can be counted between two sizes.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "these processes hear of little and expect nothing else"
)]

mod cpu;

use std::collections::BTreeMap;

use cpu::cpu_ns;
use zablab::base::id::NodeId;
use zablab::base::ratio::Ratio;
use zablab::base::rng::Seed;
use zablab::base::time::{Span, Time};
use zablab::sim::fault::{Direction, Fault, Form};
use zablab::sim::law::{Body, Law};
use zablab::sim::process::{Conn, Cx, Effect, Effects, Input};
use zablab::sim::process::{LinkClass, Note, Process, Protocol, Recovered};
use zablab::sim::setup::Setup;
use zablab::sim::world::{Limits, World};

fn main() {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| a != "--bench")
        .collect();
    let number = |index: usize| {
        arguments
            .get(index)
            .and_then(|text| text.parse::<u64>().ok())
    };
    match (arguments.first().map(String::as_str), number(1), number(2)) {
        (Some("w1"), Some(nodes @ 2..=500), Some(messages)) => {
            ping_pong(u16::try_from(nodes).expect("at most 500"), messages);
        }
        (Some("w2"), Some(commits), _) => register(commits),
        _ => {
            println!("work            done   events   CPU s   done/CPU s   events/CPU s");
            for nodes in [3, 16, 128] {
                ping_pong(nodes, 1_000_000);
            }
            register(100_000);
        }
    }
}

/// Links like those of the compared works: uniform from 1 to 10 ms, no tail.
fn setup(nodes: u16) -> Setup {
    let mut setup = Setup::mild(nodes, 0);
    for link in &mut setup.links {
        link.delay = Law {
            body: Body::Uniform,
            min: Span::from_us(1_000),
            mean: Span::from_us(5_500),
            tail: Span::from_us(10_000),
            p_tail: Ratio::ZERO,
        };
        link.healed_reset = Ratio::ZERO;
    }
    setup
}

fn told(work: &str, done: u64, events: u64, cpu: u64) {
    let rate = |count: u64| u128::from(count) * 1_000_000_000 / u128::from(cpu.max(1));
    println!(
        "{work:9} {done:10} {events:8} {:3}.{:03} {:12} {:14}",
        cpu / 1_000_000_000,
        cpu / 1_000_000 % 1_000,
        rate(done),
        rate(events)
    );
}

// ----- W1

#[derive(Clone, Debug, Hash)]
struct Pings;

#[derive(Clone, Copy, Debug, PartialEq, Hash)]
enum Ball {
    Ping,
    Pong,
}

#[derive(Clone, Copy, Debug, Hash)]
struct Silent;

impl Note for Silent {}

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

fn ping_pong(nodes: u16, messages: u64) {
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
        world.run_until(limits, &mut ());
    }
    let cpu = cpu_ns() - start;
    let done = delivered(&world) - before;
    told(&format!("W1 {nodes}"), done, world.events() - events, cpu);
}

// ----- W2

#[derive(Clone, Debug, Hash)]
struct Register;

#[derive(Clone, Copy, Debug, PartialEq, Hash)]
enum Word {
    Write {
        client: u16,
        request: u64,
        value: u64,
    },
    Replicate {
        place: u64,
        value: u64,
    },
    Ack {
        place: u64,
    },
    Done {
        request: u64,
    },
}

impl Protocol for Register {
    type Msg = Word;
    type Timer = ();
    type Stage = ();
    type Record = ();
    type Image = ();
    type Note = Silent;
    type Command = ();
}

const SERVERS: u16 = 5;
const CLIENTS: u16 = 10;
const RETRY: Span = Span::from_ms(100);

#[derive(Clone)]
enum Member {
    Primary(Primary),
    Backup(Vec<u64>),
    Client(Client),
}

/// Numbers the writes and commits each when three servers have it.
#[derive(Clone, Default)]
struct Primary {
    backups: Vec<(Conn, NodeId)>,
    log: Vec<Pending>,
    /// Of each client the last request and its place.
    last: BTreeMap<u16, (u64, u64)>,
}

#[derive(Clone, Copy)]
struct Pending {
    acks: u8,
    conn: Conn,
    request: u64,
    value: u64,
    is_done: bool,
}

/// One write after the other.
#[derive(Clone, Default)]
struct Client {
    primary: Option<Conn>,
    request: u64,
    commits: u64,
}

impl Process for Member {
    type Words = Register;
    type Config = ();

    fn restart((): &(), _: Recovered<Register>, me: NodeId, _: u32) -> Self {
        match me.0 {
            1 => Self::Primary(Primary::default()),
            2..=SERVERS => Self::Backup(Vec::new()),
            _ => Self::Client(Client::default()),
        }
    }

    fn step(&mut self, cx: Cx, input: Input<Register>, out: &mut Effects<Register>) {
        match self {
            Self::Primary(primary) => primary.step(input, out),
            Self::Backup(store) => back_up(store, input, out),
            Self::Client(client) => client.step(cx, input, out),
        }
    }
}

impl Primary {
    fn step(&mut self, input: Input<Register>, out: &mut Effects<Register>) {
        match input {
            Input::Boot => out.push(Effect::Listen(LinkClass::Quorum)),
            Input::Accepted { conn, from, .. } if from.0 <= SERVERS => {
                self.backups.push((conn, from));
            }
            Input::Deliver { conn, msg } => match msg {
                Word::Write {
                    client,
                    request,
                    value,
                } => self.on_write(conn, client, request, value, out),
                Word::Ack { place } => self.on_ack(conn, place, out),
                Word::Replicate { .. } | Word::Done { .. } => unreachable!("not to the primary"),
            },
            _ => {}
        }
    }

    fn on_write(
        &mut self,
        conn: Conn,
        client: u16,
        request: u64,
        value: u64,
        out: &mut Effects<Register>,
    ) {
        let known = self.last.get(&client).filter(|(last, _)| *last == request);
        let place = if let Some((_, place)) = known {
            *place
        } else {
            let place = self.log.len() as u64;
            self.last.insert(client, (request, place));
            self.log.push(Pending {
                acks: 1,
                conn,
                request,
                value,
                is_done: false,
            });
            place
        };
        let pending = &self.log[index(place)];
        if pending.is_done {
            out.send(conn, Word::Done { request });
            return;
        }
        for (backup, node) in &self.backups {
            if pending.acks >> (node.0 - 1) & 1 == 0 {
                out.send(*backup, Word::Replicate { place, value });
            }
        }
    }

    fn on_ack(&mut self, conn: Conn, place: u64, out: &mut Effects<Register>) {
        let (_, node) = self
            .backups
            .iter()
            .find(|(backup, _)| *backup == conn)
            .expect("backups alone acknowledge");
        let pending = &mut self.log[index(place)];
        pending.acks |= 1 << (node.0 - 1);
        if !pending.is_done && pending.acks.count_ones() >= 3 {
            pending.is_done = true;
            let request = pending.request;
            out.send(pending.conn, Word::Done { request });
        }
    }
}

fn index(place: u64) -> usize {
    usize::try_from(place).expect("places fit")
}

fn back_up(store: &mut Vec<u64>, input: Input<Register>, out: &mut Effects<Register>) {
    match input {
        Input::Boot => out.arm((), Span::from_ms(50)),
        Input::Fire { .. } => {
            out.open(NodeId(1), LinkClass::Quorum, Span::from_ms(10_000));
        }
        Input::Deliver {
            conn,
            msg: Word::Replicate { place, value },
        } => {
            if store.len() <= index(place) {
                store.resize(index(place) + 1, 0);
            }
            store[index(place)] = value;
            out.send(conn, Word::Ack { place });
        }
        _ => {}
    }
}

impl Client {
    fn step(&mut self, cx: Cx, input: Input<Register>, out: &mut Effects<Register>) {
        match input {
            Input::Boot => out.arm((), Span::from_ms(200)),
            Input::Opened { conn } => {
                self.primary = Some(conn);
                self.next(cx, out);
            }
            Input::Fire { .. } if self.primary.is_none() => {
                out.open(NodeId(1), LinkClass::Quorum, Span::from_ms(10_000));
            }
            Input::Fire { .. } => self.ask(cx, out),
            Input::Deliver {
                msg: Word::Done { request },
                ..
            } if request == self.request => {
                self.commits += 1;
                self.next(cx, out);
            }
            _ => {}
        }
    }

    fn next(&mut self, cx: Cx, out: &mut Effects<Register>) {
        self.request += 1;
        self.ask(cx, out);
    }

    fn ask(&self, cx: Cx, out: &mut Effects<Register>) {
        let client = cx.me.0;
        let word = Word::Write {
            client,
            request: self.request,
            value: self.request << 8 | u64::from(client),
        };
        out.send(self.primary.expect("it is connected"), word);
        out.arm((), RETRY);
    }
}

fn register(commits: u64) {
    let mut world = World::<Member>::new(Seed(1), (), setup(SERVERS + CLIENTS), [].into());
    world.run_until(Limits::until(Time::from_ms(400)), &mut ());
    let committed = |world: &World<Member>| -> u64 {
        let members = (1..=SERVERS + CLIENTS).filter_map(|node| world.process(NodeId(node)));
        let clients = members.filter_map(|member| match member {
            Member::Client(client) => Some(client.commits),
            Member::Primary(_) | Member::Backup(_) => None,
        });
        clients.sum()
    };
    let (before, events) = (committed(&world), world.events());
    let start = cpu_ns();
    let (mut until, mut phase) = (world.now(), 0);
    while committed(&world) - before < commits {
        until = until + Span::from_ms(800);
        world.run_until(Limits::until(until), &mut ());
        let cut: &[u16] = if phase % 2 == 0 { &[4, 5] } else { &[1] };
        let group = |is_cut: bool| {
            let servers = (1..=SERVERS).filter(|server| cut.contains(server) == is_cut);
            servers.map(NodeId).collect()
        };
        world.inject(Fault::Partition {
            groups: vec![group(true), group(false)],
            direction: Direction::Both,
            class: None,
            form: Form::Silent,
        });
        until = until + Span::from_ms(200);
        world.run_until(Limits::until(until), &mut ());
        world.heal_all();
        phase += 1;
    }
    let cpu = cpu_ns() - start;
    check(&world);
    told(
        "W2",
        committed(&world) - before,
        world.events() - events,
        cpu,
    );
}

/// What was committed is on three servers.
fn check(world: &World<Member>) {
    let Some(Member::Primary(primary)) = world.process(NodeId(1)) else {
        unreachable!("node 1 is the primary");
    };
    let stores: Vec<&Vec<u64>> = (2..=SERVERS)
        .filter_map(|node| match world.process(NodeId(node)) {
            Some(Member::Backup(store)) => Some(store),
            _ => None,
        })
        .collect();
    for (place, pending) in primary.log.iter().enumerate() {
        if pending.is_done {
            let copies = stores
                .iter()
                .filter(|store| store.get(place) == Some(&pending.value));
            assert!(copies.count() >= 2, "place {place} is on too few servers");
        }
    }
}
