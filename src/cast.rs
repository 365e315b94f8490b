//! Layer 2, top: who plays in a world. The one place that puts servers and clients together, and that turns what the
//! machine and the processes say into facts.

use std::borrow::Cow;
use std::sync::Arc;

use crate::base::id::{ClientId, NodeId, ServerId};
use crate::client::process::Client;
use crate::client::raw::Raw;
use crate::history::fact::{Fact, Role};
use crate::sim::fault::Planned;
use crate::sim::process::{Cx, Effect, Effects, Input, Process, Recovered};
use crate::sim::sink::{Happening, Sink, Stamp};
use crate::words::Words;
use crate::zab::server::Server;

/// The roster: servers take the first node ids (equal to their sids), clients follow.
#[derive(Clone, Debug)]
pub struct Config {
    /// What every server is told.
    pub ensemble: Arc<crate::zab::config::Config>,
    /// What each client is told; client 1 first.
    pub clients: Arc<[crate::client::config::Config]>,
    /// How many raw clients there are; their numbers follow the other clients'.
    pub raw_clients: u16,
}

impl Config {
    /// How many servers there are.
    pub fn server_count(&self) -> u16 {
        u16::try_from(self.ensemble.servers().count()).expect("server ids are small")
    }

    /// How many nodes there are.
    pub fn node_count(&self) -> u16 {
        let clients = u16::try_from(self.clients.len()).expect("client ids have 16 bits");
        self.server_count() + clients + self.raw_clients
    }

    /// Who a node is.
    pub fn part_of(&self, node: NodeId) -> Part {
        let servers = self.server_count();
        if node.0 <= servers {
            Part::Server(ServerId(
                u8::try_from(node.0).expect("server ids are small"),
            ))
        } else {
            Part::Client(ClientId(node.0 - servers))
        }
    }
}

/// What the machine does, as facts.
impl Config {
    fn name_of(&self, node: NodeId) -> Cow<'static, str> {
        match self.part_of(node) {
            Part::Server(server) => server.to_string().into(),
            Part::Client(client) => client.to_string().into(),
        }
    }

    fn server_at(&self, node: NodeId) -> Option<ServerId> {
        match self.part_of(node) {
            Part::Server(server) => Some(server),
            Part::Client(_) => None,
        }
    }

    /// The fact that something the machine did is, if it is one.
    pub fn fact_of(&self, what: &Happening) -> Option<Fact> {
        Some(match what {
            Happening::Crashed {
                node, code, power, ..
            } => match self.part_of(*node) {
                Part::Server(server) => Fact::ServerCrashed {
                    server,
                    power: *power,
                    code: *code,
                },
                Part::Client(client) => Fact::ClientCrashed { client },
            },
            Happening::FaultBegan {
                index,
                targets,
                effective,
                why,
            } => Fact::FaultBegan {
                index: *index,
                effective: *effective,
                targets: targets.iter().map(|node| self.name_of(*node)).collect(),
                why: why.0.map(Into::into),
            },
            Happening::Outside { index, node, what } => Fact::OutsideModel {
                index: *index,
                server: node.and_then(|node| self.server_at(node)),
                what: (*what).into(),
            },
            Happening::FaultEnded { index } => Fact::FaultEnded { index: *index },
            Happening::ClockHeld { node, held } => match self.part_of(*node) {
                Part::Server(server) => Fact::ClockHeld {
                    server,
                    held: *held,
                },
                Part::Client(_) => return None,
            },
            Happening::Started { .. }
            | Happening::Paused { .. }
            | Happening::ConnectionEnded { .. } => return None,
        })
    }
}

/// Which kind of node, and which of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// A server.
    Server(ServerId),
    /// A client.
    Client(ClientId),
}

/// A node of the simulated world.
#[derive(Clone, Debug)]
pub enum Node {
    /// A server.
    Server(Box<Server>),
    /// A client.
    Client(Box<Client>),
    /// A client without a library.
    Raw(Box<Raw>),
}

impl Process for Node {
    type Words = Words;
    type Config = Config;

    fn restart(config: &Config, disk: Recovered<Words>, me: NodeId, life: u32) -> Self {
        match config.part_of(me) {
            Part::Server(sid) => Self::Server(Box::new(Server::restart(
                Arc::clone(&config.ensemble),
                disk,
                sid,
            ))),
            Part::Client(client) => match config.clients.get(usize::from(client.0) - 1) {
                Some(settings) => {
                    Self::Client(Box::new(Client::restart(settings, me, client, life)))
                }
                None => Self::Raw(Box::default()),
            },
        }
    }

    fn step(&mut self, cx: Cx, input: Input<Words>, out: &mut Effects<Words>) {
        match self {
            Self::Server(server) => server.step(cx, input, out),
            Self::Client(client) => client.step(cx, input, out),
            Self::Raw(raw) => raw.step(input, out),
        }
    }

    fn plays(&self, role: &str) -> bool {
        let Self::Server(server) = self else {
            return role == "client";
        };
        match server.serving_role() {
            Some(Role::Leader) => role == "leader",
            Some(Role::Follower) => role == "follower" || role == "learner",
            Some(Role::Observer) => role == "observer" || role == "learner",
            None if server.is_prospective_leader() => role == "prospective-leader",
            None if server.is_looking() => role == "looking",
            None => role == "joining",
        }
    }

    fn standing(&self, role: &str) -> Option<u64> {
        let behind = match role {
            "ahead-follower" => false,
            "lagging-follower" => true,
            _ => return self.plays(role).then_some(0),
        };
        let Self::Server(server) = self else {
            return None;
        };
        let position = server.core().memory.tree.last().0;
        let standing = if behind {
            u64::MAX - position
        } else {
            position
        };
        (server.serving_role() == Some(Role::Follower)).then_some(standing)
    }

    fn attached_to(&self) -> Option<NodeId> {
        match self {
            Self::Server(_) | Self::Raw(_) => None,
            Self::Client(client) => client.attached_to(),
        }
    }
}

/// Takes facts in the order in which they become true.
pub trait Witness {
    /// One fact.
    fn witness(&mut self, at: Stamp, fact: &Fact);
}

impl<A: Witness, B: Witness> Witness for (A, B) {
    fn witness(&mut self, at: Stamp, fact: &Fact) {
        self.0.witness(at, fact);
        self.1.witness(at, fact);
    }
}

impl<T: Witness> Witness for &mut T {
    fn witness(&mut self, at: Stamp, fact: &Fact) {
        (**self).witness(at, fact);
    }
}

/// A sink that passes on facts: what processes note, and what the machine does to them.
#[derive(Debug)]
pub struct Facts<'a, T> {
    /// Who is who.
    pub config: &'a Config,
    /// Who listens.
    pub witness: &'a mut T,
}

impl<T: Witness> Sink<Words> for Facts<'_, T> {
    fn effect(&mut self, at: Stamp, _node: NodeId, effect: &Effect<Words>) {
        if let Effect::Note(fact) = effect {
            self.witness.witness(at, fact);
        }
    }

    fn happening(&mut self, at: Stamp, what: &Happening, _plan: &[Planned]) {
        if let Some(fact) = self.config.fact_of(what) {
            self.witness.witness(at, &fact);
        }
    }
}
