//! W2: a register on five servers.

use std::collections::BTreeMap;

use zablab::base::id::NodeId;
use zablab::base::rng::Seed;
use zablab::base::time::{Span, Time};
use zablab::sim::fault::{Direction, Fault, Form};
use zablab::sim::process::{
    Conn, Cx, Effect, Effects, Input, LinkClass, Process, Protocol, Recovered,
};
use zablab::sim::sink::Sink;
use zablab::sim::world::{Limits, World};

use super::recorder::Keeps;
use super::{Played, Silent, setup};
use crate::cpu::cpu_ns;

#[derive(Clone, Debug, Hash)]
pub(crate) struct Register;

#[derive(Clone, Copy, Debug, PartialEq, Hash)]
pub(crate) enum Word {
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
    Played {
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
                Word::Replicate { .. } | Word::Played { .. } => unreachable!("not to the primary"),
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
            out.send(conn, Word::Played { request });
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
            out.send(pending.conn, Word::Played { request });
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
            if store.len() == index(place) {
                store.push(value);
            } else {
                store.resize(store.len().max(index(place) + 1), 0);
                store[index(place)] = value;
            }
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
                msg: Word::Played { request },
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

/// Plays until so many writes are committed, to the end of a cycle of two seconds; connecting is not counted.
pub(crate) fn play<S: Sink<Register> + Keeps>(commits: u64, sink: &mut S) -> Played {
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
    while committed(&world) - before < commits {
        for cut in [&[4, 5][..], &[1]] {
            spend_second(&mut world, cut, sink);
        }
    }
    let cpu_ns = cpu_ns() - start;
    check(&world);
    Played {
        cpu_ns,
        work: "w2",
        nodes: SERVERS + CLIENTS,
        done: committed(&world) - before,
        events: world.events() - events,
        is_recorded: S::RECORDS,
    }
}

/// The network is whole for 800 ms, then these servers are cut off for 200 ms.
fn spend_second(world: &mut World<Member>, cut: &[u16], sink: &mut impl Sink<Register>) {
    world.run_until(Limits::until(world.now() + Span::from_ms(800)), sink);
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
    world.run_until(Limits::until(world.now() + Span::from_ms(200)), sink);
    world.heal_all();
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
