//! Defects that rewrite what a server asks for: the node runs as it is, and the wrapper edits its part of the shared
//! buffer or answers for the disk. The protocol contains no trace of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::base::id::NodeId;
use crate::cast::{Config, Node};
use crate::history::fact::Fact;
use crate::history::wire::ToClient;
use crate::sim::process::{Conn, Cx, Effect, Effects, File, Input, Process, Recovered};
use crate::words::Words;
use crate::words::message::Msg;

/// A wrapper that can be put around every server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Wrapper {
    /// While it serves, a server is told that its log is forced before it is: its acks do not wait for the disk.
    AckBeforeFsync,
    /// A server is told that an epoch file is durable when it has been written, not when it is forced.
    EpochBeforeFsync,
    /// Watch events stay behind until the next reply on their connection has gone out.
    EventAfterReply,
}

/// What the nodes of a world with defects start from.
#[derive(Clone, Debug)]
pub struct MutantConfig {
    /// The roster.
    pub cast: Config,
    /// What is put around every server; empty = nothing.
    pub wrappers: Arc<[Wrapper]>,
}

/// A node with the wrappers of its world around it.
#[derive(Clone, Debug)]
pub struct Mutant {
    node: Node,
    wrappers: Arc<[Wrapper]>,
    early: EarlySync,
    held: HeldEvents,
}

/// State of [`Wrapper::AckBeforeFsync`].
#[derive(Clone, Debug, Default)]
struct EarlySync {
    /// Records appended since boot or the last switch, as the disk counts them.
    appended: u64,
    /// One entry per fsync that was answered early: what the server said of it, to be said when it is true.
    owed: Vec<Vec<Fact>>,
}

/// State of [`Wrapper::EventAfterReply`].
#[derive(Clone, Debug, Default)]
struct HeldEvents {
    by_conn: BTreeMap<Conn, Vec<Msg>>,
}

impl Mutant {
    /// The node inside.
    pub fn node(&self) -> &Node {
        &self.node
    }

    fn has(&self, wrapper: Wrapper) -> bool {
        matches!(self.node, Node::Server(_)) && self.wrappers.contains(&wrapper)
    }

    fn is_serving(&self) -> bool {
        matches!(&self.node, Node::Server(server) if server.serving_role().is_some())
    }

    /// Runs the node; an fsync it starts while serving is answered at once, what it then claims of its disk is kept
    /// back, and the disk's own answer is swallowed.
    fn step_with_early_sync(&mut self, cx: Cx, input: Input<Words>, out: &mut Effects<Words>) {
        if matches!(input, Input::Synced { .. }) && !self.early.owed.is_empty() {
            for fact in self.early.owed.remove(0) {
                out.note(fact);
            }
            return;
        }
        let start = out.len();
        self.node.step(cx, input, out);
        let mut has_sync = self.count_disk_effects(start, out);
        while has_sync && self.is_serving() {
            let start = out.len();
            self.node.step(
                cx,
                Input::Synced {
                    upto: self.early.appended,
                },
                out,
            );
            has_sync = self.count_disk_effects(start, out);
            self.early.owed.push(take_durable_notes(start, out));
        }
    }

    /// Runs the node; an epoch file that it writes is reported as durable at once, and the disk's own answer is swallowed.
    fn step_with_early_store(&mut self, cx: Cx, input: Input<Words>, out: &mut Effects<Words>) {
        if matches!(input, Input::Stored { .. }) {
            return;
        }
        let mut start = out.len();
        self.node.step(cx, input, out);
        loop {
            let stored = |effect: &Effect<Words>| {
                if let Effect::Store { file, value } = effect {
                    Some((*file, *value))
                } else {
                    None
                }
            };
            let found: Vec<(File, u64)> = out.list()[start..].iter().filter_map(stored).collect();
            if found.is_empty() {
                return;
            }
            start = out.len();
            for (file, value) in found {
                self.node.step(cx, Input::Stored { file, value }, out);
            }
        }
    }

    /// Counts appends as the disk does; says whether an fsync was started.
    fn count_disk_effects(&mut self, start: usize, out: &Effects<Words>) -> bool {
        let mut has_sync = false;
        for effect in &out.list()[start..] {
            match effect {
                Effect::Append { .. } => self.early.appended += 1,
                Effect::Install(_) => self.early.appended = 0,
                Effect::Sync => has_sync = true,
                Effect::Listen(_)
                | Effect::Unlisten(_)
                | Effect::Open { .. }
                | Effect::Send { .. }
                | Effect::Close { .. }
                | Effect::Arm { .. }
                | Effect::Disarm { .. }
                | Effect::Wake { .. }
                | Effect::Truncate { .. }
                | Effect::Snapshot { .. }
                | Effect::Store { .. }
                | Effect::Note(_)
                | Effect::Halt { .. } => {}
            }
        }
        has_sync
    }
}

/// Takes out what a server says about its disk.
fn take_durable_notes(start: usize, out: &mut Effects<Words>) -> Vec<Fact> {
    let is_durable =
        |effect: &mut Effect<Words>| matches!(effect, Effect::Note(Fact::Durable { .. }));
    let taken = out.list_mut().extract_if(start.., is_durable);
    taken
        .filter_map(|effect| {
            if let Effect::Note(fact) = effect {
                Some(fact)
            } else {
                None
            }
        })
        .collect()
}

impl HeldEvents {
    /// Keeps every event back until a reply has gone out on its connection.
    fn rewrite(&mut self, start: usize, out: &mut Effects<Words>) {
        let effects: Vec<Effect<Words>> = out.list_mut().drain(start..).collect();
        for effect in effects {
            let Effect::Send {
                conn,
                msg: Msg::ToClient(message),
            } = effect
            else {
                out.push(effect);
                continue;
            };
            if matches!(message, ToClient::Event(_)) {
                self.by_conn
                    .entry(conn)
                    .or_default()
                    .push(Msg::ToClient(message));
                continue;
            }
            out.send(conn, Msg::ToClient(message));
            for event in self.by_conn.remove(&conn).unwrap_or_default() {
                out.send(conn, event);
            }
        }
    }
}

impl Process for Mutant {
    type Words = Words;
    type Config = MutantConfig;

    fn restart(config: &MutantConfig, disk: Recovered<Words>, me: NodeId, life: u32) -> Self {
        Self {
            node: Node::restart(&config.cast, disk, me, life),
            wrappers: Arc::clone(&config.wrappers),
            early: EarlySync::default(),
            held: HeldEvents::default(),
        }
    }

    fn step(&mut self, cx: Cx, input: Input<Words>, out: &mut Effects<Words>) {
        if self.wrappers.is_empty() {
            self.node.step(cx, input, out);
            return;
        }
        let start = out.len();
        if self.has(Wrapper::EpochBeforeFsync) {
            self.step_with_early_store(cx, input, out);
        } else if self.has(Wrapper::AckBeforeFsync) {
            self.step_with_early_sync(cx, input, out);
        } else {
            self.node.step(cx, input, out);
        }
        if self.has(Wrapper::EventAfterReply) {
            self.held.rewrite(start, out);
        }
    }

    fn plays(&self, role: &str) -> bool {
        self.node.plays(role)
    }

    fn standing(&self, role: &str) -> Option<u64> {
        self.node.standing(role)
    }

    fn attached_to(&self) -> Option<NodeId> {
        self.node.attached_to()
    }
}
