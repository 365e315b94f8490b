//! Leader crashes between two steps, and what clients do about them: they reconnect, prove again who they are, and
//! register their watches anew.

use super::player::{Client, Player};
use super::script::Name;
use super::stage::Stuck;
use crate::base::id::NodeId;
use crate::base::rng::{Domain, Key, Seed};
use crate::history::op::{Request, SetWatches};
use crate::history::wire::{ToServer, xid};
use crate::sim::fault::Unsynced;
use crate::tree::watch::Registered;

/// Before which steps the leader crashes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Crashes {
    every: usize,
    first: usize,
    count: u32,
}

impl Crashes {
    /// Every so many steps, the first time after a drawn one; once at least in a script of two steps.
    pub(super) fn new(every: u32, steps: usize, seed: Seed) -> Self {
        let every = usize::try_from(every.max(1)).expect("a number of steps");
        let choice = every.min(steps.saturating_sub(1)).max(1);
        let draw = Key::derive(seed, Domain::Plan).draw(0, 0, 0, 0);
        let first = 1 + usize::try_from(draw.below(choice as u64)).expect("less than the steps");
        Self {
            every,
            first,
            count: 0,
        }
    }

    /// How the leader crashes before the step with this index, if it does: in turn the process dies, and the machine
    /// loses its power with all that was not forced.
    pub(super) fn due_before(&mut self, index: usize) -> Option<Unsynced> {
        if index < self.first || !(index - self.first).is_multiple_of(self.every) {
            return None;
        }
        self.count += 1;
        Some(if self.count % 2 == 1 {
            Unsynced::Kill
        } else {
            Unsynced::PowerLost
        })
    }
}

/// What a client had on the connection that it lost.
struct Lost {
    name: Name,
    server: NodeId,
    hello: ToServer,
    auths: Vec<Request>,
    watched: Registered,
}

impl Player {
    /// The leader crashes, a new one takes over, and every client that had a connection has one again.
    pub(super) fn crash_leader(&mut self, unsynced: Unsynced) -> Result<(), Stuck> {
        let last = self.stage.last();
        let losses: Vec<Lost> = self
            .clients
            .iter()
            .filter_map(|(name, client)| self.loss_of(*name, client))
            .collect();
        self.stage.crash_leader(unsynced)?;
        self.zxids.begin_epoch(last, self.stage.epoch());
        for lost in losses {
            self.restore(lost)?;
        }
        self.barrier()
    }

    fn loss_of(&self, name: Name, client: &Client) -> Option<Lost> {
        Some(Lost {
            name,
            server: client.server,
            hello: ToServer::Connect {
                last_zxid_seen: client.seen,
                timeout_ms: client.timeout_ms,
                session: client.session,
                password: client.password,
            },
            auths: client.auths.clone(),
            watched: self.stage.registered(client.socket?),
        })
    }

    fn restore(&mut self, lost: Lost) -> Result<(), Stuck> {
        let client = self
            .clients
            .get_mut(&lost.name)
            .expect("it had a connection");
        if let Some(socket) = client.socket.take() {
            self.stage.abandon(socket);
        }
        self.resume(lost.name, lost.server, lost.hello)?;
        for auth in &lost.auths {
            self.ask(lost.name, auth);
        }
        if let Some(client) = self.clients.get_mut(&lost.name) {
            client.auths = lost.auths;
        }
        if lost.watched != Registered::default() {
            let watches = self.as_set_watches(lost.watched);
            self.ask(lost.name, &Request::SetWatches(Box::new(watches)));
            self.wait_for_reply(lost.name, xid::SET_WATCHES)?;
        }
        Ok(())
    }

    /// Nothing has changed meanwhile, so that nothing is made up for. A data watch on a missing znode is an exist watch.
    fn as_set_watches(&self, watched: Registered) -> SetWatches {
        let tree = self.stage.tree();
        let is_there = |path: &str| tree.is_some_and(|tree| tree.get(path).is_some());
        let (data, exist) = watched.data.into_iter().partition(|path| is_there(path));
        SetWatches {
            relative_zxid: self.stage.last(),
            data,
            exist,
            child: watched.child,
            persistent: watched.persistent,
            recursive: watched.recursive,
        }
    }
}
