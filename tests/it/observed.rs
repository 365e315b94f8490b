//! What a run looked like from the receivers' side: every input with its moment, how long each message travelled, every
//! fact; taken down by a sink that looks over the nodes' shoulders.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use zablab::base::id::NodeId;
use zablab::base::time::Time;
use zablab::cast::Witness;
use zablab::experiment::outcome::Outcome;
use zablab::experiment::run::Run;
use zablab::experiment::scenario::Scenario;
use zablab::history::fact::Fact;
use zablab::sim::fault::Planned;
use zablab::sim::process::{Conn, Effect, Ending, Input, Protocol, Refusal};
use zablab::sim::sink::{Happening, Sink, Stamp};
use zablab::words::Words;

/// One thing that a node was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// A message of this kind from that node.
    Message(NodeId, &'static str),
    /// A connection ended.
    Ended(Ending),
    /// A connect failed.
    Refused(Refusal),
    /// A disk operation ended well.
    DiskDone,
    /// A disk operation failed.
    DiskFailed(String),
    /// Anything else.
    Other,
}

/// One message's way.
#[derive(Clone, Debug)]
pub(crate) struct Journey {
    pub(crate) sent: Time,
    pub(crate) arrived: Time,
    pub(crate) from: NodeId,
    pub(crate) to: NodeId,
}

/// Everything taken down.
#[derive(Default)]
pub(crate) struct Observed {
    pub(crate) heard: Vec<(Time, NodeId, Heard)>,
    pub(crate) facts: Vec<(Time, u64, Fact)>,
    pub(crate) happened: Vec<(Time, Happening)>,
    pub(crate) journeys: Vec<Journey>,
    /// Messages sent, by text, per directed connection; for datagrams.
    pub(crate) sent: BTreeMap<(Conn, NodeId), Vec<String>>,
    /// Messages got, by text, per directed connection.
    pub(crate) got: BTreeMap<(Conn, NodeId), Vec<String>>,
    ends: BTreeMap<Conn, (NodeId, NodeId)>,
    under_way: BTreeMap<(Conn, NodeId), VecDeque<Time>>,
}

impl Observed {
    fn other_end(&self, conn: Conn, node: NodeId) -> NodeId {
        let (dialler, acceptor) = self.ends[&conn];
        if node == dialler { acceptor } else { dialler }
    }
}

/// The two halves of an observer share one record: facts come through the witness, inputs and effects through the sink.
pub(crate) struct Facts(pub(crate) Vec<(Time, u64, Fact)>);

impl Witness for Facts {
    fn witness(&mut self, at: Stamp, fact: &Fact) {
        self.0.push((at.time, at.event.0, fact.clone()));
    }
}

impl Sink<Words> for Observed {
    fn input(&mut self, at: Stamp, node: NodeId, input: &Input<Words>) {
        let heard = match input {
            Input::Deliver { conn, msg } => {
                let from = self.other_end(*conn, node);
                if let Some(sent) = self
                    .under_way
                    .get_mut(&(*conn, node))
                    .and_then(VecDeque::pop_front)
                {
                    self.journeys.push(Journey {
                        sent,
                        arrived: at.time,
                        from,
                        to: node,
                    });
                }
                let texts = self.got.entry((*conn, node)).or_default();
                texts.push(format!("{msg:?}"));
                Heard::Message(from, Words::kind(msg))
            }
            Input::Ended { how, .. } => Heard::Ended(*how),
            Input::Refused { why, .. } => Heard::Refused(*why),
            Input::Synced { .. } | Input::Stored { .. } | Input::Installed | Input::Snapshotted => {
                Heard::DiskDone
            }
            Input::WriteFailed { why } => Heard::DiskFailed(format!("{why:?}")),
            Input::Boot
            | Input::Opened { .. }
            | Input::Accepted { .. }
            | Input::Fire { .. }
            | Input::Run { .. }
            | Input::Command(_) => Heard::Other,
        };
        self.heard.push((at.time, node, heard));
    }

    fn effect(&mut self, at: Stamp, node: NodeId, effect: &Effect<Words>) {
        if let Effect::Open { conn, to, .. } = effect {
            self.ends.insert(*conn, (node, *to));
        }
        if let Effect::Send { conn, msg } = effect {
            let to = self.other_end(*conn, node);
            self.under_way
                .entry((*conn, to))
                .or_default()
                .push_back(at.time);
            let texts = self.sent.entry((*conn, to)).or_default();
            texts.push(format!("{msg:?}"));
        }
    }

    fn happening(&mut self, at: Stamp, what: &Happening, _: &[Planned]) {
        self.happened.push((at.time, what.clone()));
    }
}

/// Plays a scenario and takes everything down.
pub(crate) fn observe(scenario: &Scenario) -> (Outcome, Observed) {
    let mut facts = Facts(Vec::new());
    let mut observed = Observed::default();
    let outcome = Run::start(scenario).conclude(&mut facts, &mut observed);
    observed.facts = facts.0;
    (outcome, observed)
}

// Questions.
impl Observed {
    /// What a node was told from one moment on until before another.
    pub(crate) fn heard_by(&self, node: u16, from_ms: u64, to_ms: u64) -> Vec<&Heard> {
        let within = Time::from_ms(from_ms)..Time::from_ms(to_ms);
        self.heard
            .iter()
            .filter(|(time, who, _)| *who == NodeId(node) && within.contains(time))
            .map(|(.., heard)| heard)
            .collect()
    }

    /// How many messages a node got from others than itself, of one kind or of any.
    pub(crate) fn got(&self, node: u16, kind: Option<&str>, from_ms: u64, to_ms: u64) -> usize {
        let is_it = |heard: &&Heard| matches!(heard, Heard::Message(_, got) if kind.is_none_or(|kind| kind == *got));
        let heard = self.heard_by(node, from_ms, to_ms);
        heard.into_iter().filter(is_it).count()
    }

    /// How many messages a node got from servers.
    pub(crate) fn got_from_servers(
        &self,
        node: u16,
        servers: u16,
        from_ms: u64,
        to_ms: u64,
    ) -> usize {
        let heard = self.heard_by(node, from_ms, to_ms);
        let is_it = |heard: &&Heard| matches!(heard, Heard::Message(from, _) if from.0 <= servers);
        heard.into_iter().filter(is_it).count()
    }

    /// Between which servers messages arrived, undirected.
    pub(crate) fn pairs(&self, servers: u16, from_ms: u64, to_ms: u64) -> BTreeSet<(u16, u16)> {
        let within = Time::from_ms(from_ms)..Time::from_ms(to_ms);
        let is_server = |node: NodeId| node.0 <= servers;
        self.journeys
            .iter()
            .filter(|way| within.contains(&way.arrived) && within.contains(&way.sent))
            .filter(|way| is_server(way.from) && is_server(way.to))
            .map(|way| (way.from.0.min(way.to.0), way.from.0.max(way.to.0)))
            .collect()
    }

    /// The shortest and the longest time that messages sent to a node within a window travelled, in milliseconds.
    pub(crate) fn travel_ms(&self, to: u16, from_ms: u64, to_ms: u64) -> (u64, u64) {
        let within = Time::from_ms(from_ms)..Time::from_ms(to_ms);
        let spans = self
            .journeys
            .iter()
            .filter(|way| way.to == NodeId(to) && within.contains(&way.sent))
            .map(|way| way.arrived.since(way.sent).as_ms());
        let spans: Vec<u64> = spans.collect();
        let least = spans.iter().min().copied().unwrap_or(0);
        let most = spans.iter().max().copied().unwrap_or(0);
        (least, most)
    }

    /// How many of a window's facts are such.
    pub(crate) fn facts(&self, from_ms: u64, to_ms: u64, is_it: impl Fn(&Fact) -> bool) -> usize {
        let within = Time::from_ms(from_ms)..Time::from_ms(to_ms);
        self.facts
            .iter()
            .filter(|(time, _, fact)| within.contains(time) && is_it(fact))
            .count()
    }

    /// The longest time within a window in which a node was told nothing, in milliseconds.
    pub(crate) fn silence_ms(&self, node: u16, from_ms: u64, to_ms: u64) -> u64 {
        let mut last = Time::from_ms(from_ms);
        let mut longest = 0;
        let end = Time::from_ms(to_ms);
        let told = self.heard.iter().filter(|(time, who, heard)| {
            *who == NodeId(node) && *time < end && matches!(heard, Heard::Message(..))
        });
        for (time, ..) in told {
            if *time > last {
                longest = longest.max(time.since(last).as_ms());
                last = *time;
            }
        }
        longest.max(end.since(last).as_ms())
    }
}
