//! The stage of a script: simulated servers, and one raw client that holds the connections of all clients of the script.
//!
//! Nothing here runs for a fixed time where something can be waited for, so a script takes no longer than it must.

use std::sync::Arc;

use crate::base::id::{NodeId, SessionId};
use crate::base::rng::Seed;
use crate::base::time::{Span, Time};
use crate::base::zxid::{Epoch, Zxid};
use crate::cast::{self, Node};
use crate::client::raw::{Heard, Raw};
use crate::history::fact::Role;
use crate::history::op::Path;
use crate::history::wire::ToServer;
use crate::mutant::table::Defect;
use crate::mutant::wrapped::{Mutant, MutantConfig};
use crate::sim::fault::{Fault, Target, Unsynced};
use crate::sim::process::{Conn, Effects};
use crate::sim::setup::Setup;
use crate::sim::world::{Limits, World};
use crate::tree::store::{Counter, Tree};
use crate::tree::watch::Registered;
use crate::words::{Command, Errand, Socket, Words};
use crate::zab;
use crate::zab::rules::Rules;
use crate::zab::server::Server;

/// tickTime of the recorded servers.
const TICK: Span = Span::from_ms(2_000);

/// Session timeouts were negotiated within these bounds.
const SESSION_TIMEOUT_MS: (u32, u32) = (200, 120_000);

/// Longer than anything may take, elections included.
const PATIENCE: Span = Span::from_ms(120_000);

/// What was waited for did not happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stuck;

/// What the servers of a script are.
pub(super) struct Servers<'a> {
    /// How many.
    pub(super) count: u8,
    /// Their design choices.
    pub(super) rules: Rules,
    /// Between two passes of the reaper; `None` = only on command.
    pub(super) reaper_interval: Option<Span>,
    /// Which defects they have.
    pub(super) mutants: &'a [String],
}

/// Simulated servers and a raw client.
pub(super) struct Stage {
    world: World<Mutant>,
    out: Effects<Words>,
    servers: u16,
    sockets: u32,
}

impl Stage {
    /// Servers with empty disks that have just begun to serve, at the start of one of the leader's ticks.
    pub(super) fn open(servers: &Servers<'_>, seed: Seed) -> (Self, Result<(), Stuck>) {
        let mut ensemble = zab::config::Config::new(servers.count, 0);
        ensemble.tick = TICK;
        ensemble.session_timeout_ms = SESSION_TIMEOUT_MS;
        ensemble.reaper_interval = servers.reaper_interval;
        let planted = Defect::plant(servers.mutants, servers.rules.clone());
        ensemble.rules = planted.rules;
        let config = MutantConfig {
            cast: cast::Config {
                ensemble: Arc::new(ensemble),
                clients: Arc::new([]),
                raw_clients: 1,
            },
            wrappers: planted.wrappers.into(),
        };
        let count = u16::from(servers.count);
        let setup = Setup::mild(count, 1);
        let mut stage = Self {
            world: World::new(seed, config, setup, Arc::new([])),
            out: Effects::default(),
            servers: count,
            sockets: 0,
        };
        let settled = stage.settle();
        stage.wait_for_tick();
        (stage, settled)
    }

    /// Deadlines of sessions are multiples of the leader's tick: the shortest ones live longest from its start.
    fn wait_for_tick(&mut self) {
        if let Some(leader) = self.leader() {
            let into_tick = self.world.local_time(leader).0 % TICK.0;
            self.sleep(Span(TICK.0 - into_tick) + Span::from_ms(1));
        }
    }

    // ----- readers

    /// How many servers there are.
    pub(super) fn server_count(&self) -> u16 {
        self.servers
    }

    /// Everything that the raw client has heard, in order.
    pub(super) fn heard(&self) -> &[(Socket, Heard)] {
        self.raw().heard()
    }

    fn raw(&self) -> &Raw {
        match self
            .world
            .process(NodeId(self.servers + 1))
            .map(Mutant::node)
        {
            Some(Node::Raw(raw)) => raw,
            Some(Node::Server(_) | Node::Client(_)) | None => {
                unreachable!("the raw client follows the servers and is never stopped")
            }
        }
    }

    fn server(&self, node: NodeId) -> Option<&Server> {
        match self.world.process(node)?.node() {
            Node::Server(server) => Some(server),
            Node::Client(_) | Node::Raw(_) => None,
        }
    }

    fn nodes(&self) -> impl Iterator<Item = NodeId> {
        (1..=self.servers).map(NodeId)
    }

    fn leader(&self) -> Option<NodeId> {
        let leads = |server: &Server| server.serving_role() == Some(Role::Leader);
        self.nodes()
            .find(|node| self.server(*node).is_some_and(leads))
    }

    fn leading(&self) -> Option<&Server> {
        self.server(self.leader()?)
    }

    /// The last transaction that the leader has applied, or the start of its epoch.
    pub(super) fn last(&self) -> Zxid {
        let processed = |server: &Server| server.core().memory.processed();
        self.leading().map_or(Zxid::ZERO, processed)
    }

    /// The leader's epoch.
    pub(super) fn epoch(&self) -> Epoch {
        self.leading()
            .map_or(Epoch(0), |server| server.core().current)
    }

    /// The leader's tree.
    pub(super) fn tree(&self) -> Option<&Tree> {
        Some(&self.leading()?.core().memory.tree)
    }

    /// What the server behind a socket has registered for it.
    pub(super) fn registered(&self, socket: Socket) -> Registered {
        let Some(conn) = self.raw().conn(socket) else {
            return Registered::default();
        };
        let mut fronts = self.nodes().filter_map(|node| self.server(node)?.front());
        let serving = fronts.find(|front| front.serves(conn));
        serving.map_or_else(Registered::default, |front| front.watched_by(conn))
    }

    fn is_served(&self, conn: Conn) -> bool {
        let mut fronts = self.nodes().filter_map(|node| self.server(node)?.front());
        fronts.any(|front| front.serves(conn))
    }

    /// Whether every server serves in the leader's epoch and has applied all there is.
    fn is_settled(&self) -> bool {
        let state = |server: &Server| (server.core().current, server.core().memory.tree.last());
        let Some(common) = self.leading().map(state) else {
            return false;
        };
        self.nodes().all(|node| {
            let server = self.server(node);
            server.is_some_and(|server| server.is_quiet() && state(server) == common)
        })
    }

    // ----- time

    /// Goes on until something is so.
    pub(super) fn wait(&mut self, until: impl Fn(&Self) -> bool) -> Result<(), Stuck> {
        let deadline = self.world.now() + PATIENCE;
        while !until(self) {
            let stepped = self.world.step(&mut self.out, &mut ());
            if stepped.is_none() || self.world.now() > deadline {
                return Err(Stuck);
            }
        }
        Ok(())
    }

    /// Goes on until every server serves and has applied all there is.
    pub(super) fn settle(&mut self) -> Result<(), Stuck> {
        self.wait(Self::is_settled)
    }

    /// Goes on for a while.
    pub(super) fn sleep(&mut self, span: Span) {
        let until: Time = self.world.now() + span;
        self.world.run_until(Limits::until(until), &mut ());
    }

    // ----- what is done

    /// Connects a new socket to a server.
    pub(super) fn dial(&mut self, to: NodeId, hello: ToServer) -> Socket {
        let socket = Socket(self.sockets);
        self.sockets += 1;
        self.errand(socket, Errand::Dial { to, hello });
        socket
    }

    /// Sends messages in one write.
    pub(super) fn say(&mut self, socket: Socket, messages: Vec<ToServer>) {
        self.errand(socket, Errand::Send(messages));
    }

    /// Closes a connection and goes on until its server has noticed.
    pub(super) fn hang_up(&mut self, socket: Socket) -> Result<(), Stuck> {
        let Some(conn) = self.raw().conn(socket) else {
            return Ok(());
        };
        self.errand(socket, Errand::HangUp);
        self.wait(|stage| !stage.is_served(conn))
    }

    /// Closes a connection of which nobody is left to notice.
    pub(super) fn abandon(&mut self, socket: Socket) {
        self.errand(socket, Errand::HangUp);
    }

    fn errand(&mut self, socket: Socket, errand: Errand) {
        let raw = NodeId(self.servers + 1);
        self.command(raw, Command::Socket(socket, errand));
    }

    /// The leader ends a session.
    pub(super) fn expire(&mut self, session: SessionId) {
        self.command_leader(Command::Expire(session));
    }

    /// The leader's reaper makes a pass.
    pub(super) fn reap(&mut self) {
        self.command_leader(Command::Reap);
    }

    /// Every server writes a stored counter.
    pub(super) fn overwrite(&mut self, path: &Path, counter: Counter, value: i32) {
        for node in self.nodes().collect::<Vec<_>>() {
            let path = path.clone();
            let command = Command::Overwrite {
                path,
                counter,
                value,
            };
            self.command(node, command);
        }
    }

    fn command_leader(&mut self, command: Command) {
        if let Some(leader) = self.leader() {
            self.command(leader, command);
        }
    }

    /// Puts a command to a node, which takes it at once.
    fn command(&mut self, node: NodeId, command: Command) {
        self.world.command(node, command);
        self.sleep(Span::ZERO);
    }

    /// The leader crashes; another one takes over, the old one comes back, and all serve again.
    pub(super) fn crash_leader(&mut self, unsynced: Unsynced) -> Result<(), Stuck> {
        let before = self.epoch();
        self.world.inject(Fault::Crash {
            target: Target::Role("leader".into()),
            unsynced,
        });
        self.sleep(Span::ZERO);
        // Of one or two servers the others cannot decide alone.
        if self.servers > 2 {
            self.wait(|stage| stage.epoch() > before)?;
        }
        self.world.heal_all();
        self.sleep(Span::ZERO);
        self.wait(|stage| stage.epoch() > before && stage.is_settled())
    }
}

#[cfg(test)]
mod tests;
