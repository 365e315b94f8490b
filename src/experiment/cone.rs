//! What happened before what: the events of a run with their causes, and the past of one of them.
//!
//! An event has happened before another if a chain of these links leads from it there: two steps of one node, a message
//! sent and delivered, a connection dialled and accepted or closed and ended, a timer armed and run out, a stage woken and
//! run, a disk asked and answering, a fault and the nodes it struck.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::run::Run;
use super::scenario::Scenario;
use super::wire::Wire;
use crate::base::id::NodeId;
use crate::base::time::Time;
use crate::cast::Witness;
use crate::history::fact::Fact;
use crate::sim::fault::Planned;
use crate::sim::process::{Conn, Effect, Input};
use crate::sim::sink::{Happening, Sink, Stamp};
use crate::words::Words;
use crate::words::timer::{Stage, Timer};

/// The events of a run until a moment, and the facts that became true in them.
#[derive(Debug, Default)]
pub struct History {
    /// The events before each event, by number.
    causes: BTreeMap<u64, Vec<u64>>,
    /// Every fact, in order.
    pub facts: Vec<(Stamp, Fact)>,
}

impl History {
    /// Plays a scenario until a moment and remembers it.
    pub fn of(scenario: &Scenario, until: Time) -> Self {
        let mut weave = Weave::default();
        let mut facts = Facts::default();
        Run::start(scenario).advance(until, &mut facts, &mut weave);
        weave.into_history(facts.0)
    }

    /// The events that led directly to one: the one of its node before it, and what else caused it.
    pub fn causes(&self, event: u64) -> &[u64] {
        self.causes.get(&event).map_or(&[], Vec::as_slice)
    }

    /// The events that happened before these, and these.
    pub fn past(&self, of: impl IntoIterator<Item = u64>) -> BTreeSet<u64> {
        let mut open: Vec<u64> = of.into_iter().collect();
        let mut past: BTreeSet<u64> = open.iter().copied().collect();
        while let Some(event) = open.pop() {
            for cause in self.causes.get(&event).into_iter().flatten() {
                if past.insert(*cause) {
                    open.push(*cause);
                }
            }
        }
        past
    }
}

// Thinned.
impl History {
    /// The last of the kept events before an event: those that lead to it by a chain on which none is kept.
    pub fn nearest(&self, event: u64, kept: &BTreeSet<u64>) -> BTreeSet<u64> {
        let mut open = vec![event];
        let (mut met, mut nearest) = (BTreeSet::new(), BTreeSet::new());
        while let Some(event) = open.pop() {
            for cause in self.causes.get(&event).into_iter().flatten() {
                if kept.contains(cause) {
                    nearest.insert(*cause);
                } else if met.insert(*cause) {
                    open.push(*cause);
                }
            }
        }
        nearest
    }
}

#[derive(Debug, Default)]
struct Facts(Vec<(Stamp, Fact)>);

impl Witness for Facts {
    fn witness(&mut self, at: Stamp, fact: &Fact) {
        self.0.push((at, fact.clone()));
    }
}

/// Finds the causes of events while a run is played.
#[derive(Debug, Default)]
pub struct Weave {
    causes: BTreeMap<u64, Vec<u64>>,
    /// What caused the last input, beside the event of its node before it.
    caused_by: Option<u64>,
    /// The last event of each node.
    last: BTreeMap<NodeId, u64>,
    /// The last event of each connection that both ends may learn of: dialled, accepted, closed.
    signs: BTreeMap<Conn, u64>,
    /// Messages on their way, with the events in which they were sent.
    wire: Wire<u64>,
    timers: BTreeMap<(NodeId, Timer), u64>,
    stages: BTreeMap<(NodeId, Stage), u64>,
    /// What a disk has been asked for, in order.
    disks: BTreeMap<NodeId, VecDeque<u64>>,
    snapshots: BTreeMap<NodeId, VecDeque<u64>>,
    /// When each fault of the plan began, and whom it struck.
    faults: BTreeMap<u32, (u64, Vec<NodeId>)>,
    /// The event in which a fault last let go of each node.
    released: BTreeMap<NodeId, u64>,
}

impl Weave {
    /// What caused the last input, beside the event of its node before it.
    pub fn cause(&self) -> Option<u64> {
        self.caused_by
    }

    /// What has been found so far, with facts.
    pub fn into_history(self, facts: Vec<(Stamp, Fact)>) -> History {
        History {
            causes: self.causes,
            facts,
        }
    }

    fn link(&mut self, event: u64, cause: Option<u64>) {
        if let Some(cause) = cause.filter(|cause| *cause != event) {
            self.causes.entry(event).or_default().push(cause);
        }
    }

    /// An event of a node: it follows the node's last one.
    fn step(&mut self, event: u64, node: NodeId) {
        let before = self.last.insert(node, event);
        self.link(event, before);
    }

    fn pop(queues: &mut BTreeMap<NodeId, VecDeque<u64>>, node: NodeId) -> Option<u64> {
        queues.get_mut(&node)?.pop_front()
    }

    /// A node that stopped hears nothing of what it asked for.
    fn forget(&mut self, node: NodeId) {
        self.timers.retain(|(other, _), _| *other != node);
        self.stages.retain(|(other, _), _| *other != node);
        self.disks.remove(&node);
        self.snapshots.remove(&node);
    }
}

impl Sink<Words> for Weave {
    fn input(&mut self, at: Stamp, node: NodeId, input: &Input<Words>) {
        let event = at.event.0;
        self.step(event, node);
        let sent = self.wire.arrive(node, input);
        let cause = match input {
            Input::Boot => self.released.remove(&node),
            Input::Opened { conn } | Input::Refused { conn, .. } | Input::Ended { conn, .. } => {
                self.signs.get(conn).copied()
            }
            Input::Accepted { conn, .. } => self.signs.insert(*conn, event),
            Input::Deliver { .. } => sent,
            Input::Fire { timer } => self.timers.remove(&(node, *timer)),
            Input::Run { stage } => self.stages.remove(&(node, *stage)),
            Input::Synced { .. }
            | Input::Stored { .. }
            | Input::Installed
            | Input::WriteFailed { .. } => Self::pop(&mut self.disks, node),
            Input::Snapshotted => Self::pop(&mut self.snapshots, node),
            Input::Command(_) => None,
        };
        self.caused_by = cause;
        self.link(event, cause);
    }

    fn effect(&mut self, at: Stamp, node: NodeId, effect: &Effect<Words>) {
        let event = at.event.0;
        self.wire.depart(node, effect, || event);
        match effect {
            Effect::Open { conn, .. } | Effect::Close { conn } => {
                self.signs.insert(*conn, event);
            }
            Effect::Arm { timer, .. } => {
                self.timers.insert((node, *timer), event);
            }
            Effect::Wake { stage } => {
                self.stages.entry((node, *stage)).or_insert(event);
            }
            Effect::Sync | Effect::Store { .. } | Effect::Install(_) => {
                self.disks.entry(node).or_default().push_back(event);
            }
            Effect::Snapshot { .. } => {
                self.snapshots.entry(node).or_default().push_back(event);
            }
            Effect::Send { .. }
            | Effect::Listen(_)
            | Effect::Unlisten(_)
            | Effect::Disarm { .. }
            | Effect::Append { .. }
            | Effect::Truncate { .. }
            | Effect::Note(_)
            | Effect::Halt { .. } => {}
        }
    }

    fn happening(&mut self, at: Stamp, what: &Happening, _plan: &[Planned]) {
        let event = at.event.0;
        match what {
            Happening::FaultBegan { index, targets, .. } => {
                self.faults.insert(*index, (event, targets.clone()));
                for node in targets {
                    self.step(event, *node);
                }
            }
            Happening::FaultEnded { index } => {
                if let Some((began, targets)) = self.faults.remove(index) {
                    self.link(event, Some(began));
                    for node in targets {
                        self.released.insert(node, event);
                    }
                }
            }
            Happening::Crashed { node, .. } => {
                self.step(event, *node);
                self.forget(*node);
            }
            Happening::Started { node, .. }
            | Happening::Paused { node, .. }
            | Happening::ClockHeld { node, .. } => {
                self.step(event, *node);
            }
            Happening::ConnectionEnded { .. } | Happening::Outside { .. } => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::op::Response;

    fn history(faults: &str) -> History {
        let text = format!(
            r#"{{ "format": 1, "name": "x", "ensemble": {{ "voters": 3 }},
                "workload": [{{ "kind": "versioned-register", "clients": 2 }}], "plan": [{faults}] }}"#
        );
        let scenario = Scenario::parse(text.as_bytes(), "x.json", &[]).unwrap();
        History::of(&scenario, Time::from_ms(3_000))
    }

    #[test]
    fn a_reply_has_in_its_past_the_proposal_the_acks_of_a_quorum_and_the_commit() {
        let history = history("");
        let (at, zxid) = history
            .facts
            .iter()
            .find_map(|(at, fact)| {
                let Fact::Returned {
                    zxid: Some(zxid),
                    result: Ok(Response::Path(_)),
                    ..
                } = fact
                else {
                    return None;
                };
                Some((*at, *zxid))
            })
            .expect("a write that succeeded");
        let past = history.past([at.event.0]);
        let before = |is: &dyn Fn(&Fact) -> bool| {
            let facts = history.facts.iter().filter(|(_, fact)| is(fact));
            facts.filter(|(at, _)| past.contains(&at.event.0)).count()
        };
        let proposed =
            |fact: &Fact| matches!(fact, Fact::Proposed { zxid: other, .. } if *other == zxid);
        let acked =
            |fact: &Fact| matches!(fact, Fact::AckSent { zxid: other, .. } if *other == zxid);
        let committed =
            |fact: &Fact| matches!(fact, Fact::CommitDecided { zxid: other, .. } if *other == zxid);
        assert_eq!(before(&proposed), 1);
        assert!(before(&acked) >= 2);
        assert_eq!(before(&committed), 1);
        assert!(past.iter().all(|event| *event <= at.event.0));
    }

    #[test]
    fn what_a_node_does_before_it_has_heard_of_anybody_has_no_past_but_its_own() {
        let history = history("");
        let votes = history.facts.iter().filter_map(|(at, fact)| {
            let Fact::Voted { server, .. } = fact else {
                return None;
            };
            Some((at.event.0, *server))
        });
        for (event, server) in votes.take(3) {
            let past = history.past([event]);
            for (at, fact) in &history.facts {
                if past.contains(&at.event.0) {
                    let (Fact::Booted { server: other, .. } | Fact::Voted { server: other, .. }) =
                        fact
                    else {
                        panic!("{fact:?} before the vote of {server}");
                    };
                    let is_own = *other == server;
                    assert!(is_own, "{fact:?} before the vote of {server}");
                }
            }
        }
    }

    #[test]
    fn a_restart_has_the_crash_and_its_fault_in_its_past() {
        let history =
            history(r#"{ "id": "f", "fault": "crash", "node": 2, "at_ms": 1000, "for_ms": 500 }"#);
        let boots: Vec<u64> = history
            .facts
            .iter()
            .filter(|(_, fact)| matches!(fact, Fact::Booted { server, .. } if server.0 == 2))
            .map(|(at, _)| at.event.0)
            .collect();
        let past = history.past([boots[1]]);
        let of_fault = |fact: &Fact| {
            matches!(
                fact,
                Fact::FaultBegan { .. } | Fact::FaultEnded { .. } | Fact::ServerCrashed { .. }
            )
        };
        for (at, fact) in history.facts.iter().filter(|(_, fact)| of_fault(fact)) {
            assert!(past.contains(&at.event.0), "{fact:?}");
        }
    }
}
