//! A run as one series of entries: inputs, messages sent and received, facts. What scribes write comes from here.

use std::collections::{BTreeMap, VecDeque};

use crate::base::id::NodeId;
use crate::cast::{self, Part, Witness};
use crate::experiment::scenario::Scenario;
use crate::experiment::scenario::plan::Roster;
use crate::history::fact::Fact;
use crate::report::phrase::{self, Whom};
use crate::report::trace::kinds::{self, Described};
use crate::sim::fault::Planned;
use crate::sim::process::{Conn, Effect, Input};
use crate::sim::sink::{Happening, Sink, Stamp};
use crate::words::Words;
use crate::words::message::Msg;

/// Something that happened.
pub(super) struct Entry<'a> {
    pub(super) at: Stamp,
    /// Where; none = the machine.
    pub(super) node: Option<NodeId>,
    pub(super) what: What<'a>,
}

/// What happened.
pub(super) enum What<'a> {
    /// A message left.
    Sent {
        message: u64,
        to: NodeId,
        described: &'a Described,
    },
    /// A message arrived; none if nobody saw it leave.
    Received {
        message: Option<Letter>,
        from: Option<NodeId>,
        described: &'a Described,
    },
    /// Any other input.
    Input(&'a Described),
    /// Something became true; in words.
    Fact(&'a Fact, &'a str),
}

/// A message that arrives.
#[derive(Clone, Copy, Debug)]
pub(super) struct Letter {
    /// Its number in the run.
    pub(super) number: u64,
    /// When it was sent.
    pub(super) sent: Stamp,
}

/// Takes entries in order.
pub(super) trait Scribe {
    fn take(&mut self, entry: &Entry<'_>);
}

/// Plays entries to a scribe.
pub(super) struct Tape<'a, S> {
    config: cast::Config,
    plan: &'a [Planned],
    roster: Roster,
    ends: BTreeMap<Conn, (NodeId, NodeId)>,
    flying: BTreeMap<(Conn, NodeId), VecDeque<(Letter, Msg)>>,
    letters: u64,
    pub(super) scribe: S,
}

impl<'a, S: Scribe> Tape<'a, S> {
    pub(super) fn new(scenario: &'a Scenario, config: cast::Config, scribe: S) -> Self {
        Self {
            config,
            plan: &scenario.plan,
            roster: scenario.roster(),
            ends: BTreeMap::new(),
            flying: BTreeMap::new(),
            letters: 0,
            scribe,
        }
    }

    fn other_end(&self, conn: Conn, node: NodeId) -> Option<NodeId> {
        let (one, two) = self.ends.get(&conn)?;
        Some(if *one == node { *two } else { *one })
    }

    fn on_fact(&mut self, at: Stamp, fact: &Fact) {
        let (whom, words) = phrase::fact(fact, self.plan, self.roster);
        let node = match whom {
            Whom::Server(server) => Some(NodeId::from(server)),
            Whom::Client(client) => Some(self.roster.client(client.0)),
            Whom::World => None,
        };
        let what = What::Fact(fact, &words);
        self.scribe.take(&Entry { at, node, what });
    }
}

impl<S: Scribe> Sink<Words> for Tape<'_, S> {
    fn input(&mut self, at: Stamp, node: NodeId, input: &Input<Words>) {
        if let Input::Accepted { conn, from, .. } = input {
            self.ends.insert(*conn, (*from, node));
        }
        let described = kinds::input(input);
        let what = if let Input::Deliver { conn, msg } = input {
            let queue = self.flying.get_mut(&(*conn, node));
            let letter = queue.and_then(|queue| {
                // Datagrams overtake each other.
                let place = queue.iter().position(|(_, sent)| sent == msg)?;
                queue.remove(place).map(|(letter, _)| letter)
            });
            What::Received {
                message: letter,
                from: self.other_end(*conn, node),
                described: &described,
            }
        } else {
            What::Input(&described)
        };
        let node = Some(node);
        self.scribe.take(&Entry { at, node, what });
    }

    fn effect(&mut self, at: Stamp, node: NodeId, effect: &Effect<Words>) {
        if let Effect::Open { conn, to, .. } = effect {
            self.ends.insert(*conn, (node, *to));
        } else if let Effect::Send { conn, msg } = effect
            && let Some(to) = self.other_end(*conn, node)
        {
            self.letters += 1;
            let number = self.letters;
            let letter = Letter { number, sent: at };
            let queue = self.flying.entry((*conn, to)).or_default();
            queue.push_back((letter, msg.clone()));
            let what = What::Sent {
                message: number,
                to,
                described: &kinds::message(msg),
            };
            let node = Some(node);
            self.scribe.take(&Entry { at, node, what });
        } else if let Effect::Note(fact) = effect {
            self.on_fact(at, fact);
        }
    }

    fn happening(&mut self, at: Stamp, what: &Happening, plan: &[Planned]) {
        if let Happening::ConnectionEnded { conn, node, .. } = what {
            self.flying.remove(&(*conn, *node));
        }
        let mut facts = Collected::default();
        cast::Facts {
            config: &self.config,
            witness: &mut facts,
        }
        .happening(at, what, plan);
        for fact in facts.0 {
            self.on_fact(at, &fact);
        }
    }
}

#[derive(Default)]
struct Collected(Vec<Fact>);

impl Witness for Collected {
    fn witness(&mut self, _at: Stamp, fact: &Fact) {
        self.0.push(fact.clone());
    }
}

/// What nodes are called: `s1`, `c1`.
#[derive(Clone, Debug)]
pub(super) struct Names(Vec<String>);

impl Names {
    pub(super) fn of(scenario: &Scenario) -> Self {
        let config = lower_cast(scenario);
        let roster = scenario.roster();
        let nodes = 1..=roster.servers() + roster.clients;
        let name = |node| match config.part_of(NodeId(node)) {
            Part::Server(server) => format!("s{server}"),
            Part::Client(client) => format!("c{}", client.0),
        };
        Self(nodes.map(name).collect())
    }

    /// All of them, with the nodes' numbers.
    pub(super) fn all(&self) -> impl Iterator<Item = (u16, &str)> {
        (1..).zip(self.0.iter().map(String::as_str))
    }

    pub(super) fn name(&self, node: NodeId) -> &str {
        let index = usize::from(node.0).checked_sub(1);
        index
            .and_then(|index| self.0.get(index))
            .map_or("?", String::as_str)
    }
}

fn lower_cast(scenario: &Scenario) -> cast::Config {
    crate::experiment::lower::cast(scenario).cast
}

/// A message in a few words: its kind and the transaction it carries.
pub(super) fn words(described: &Described) -> String {
    use crate::base::zxid::Zxid;
    match described.zxid {
        Zxid::ZERO => described.kind.name.to_owned(),
        zxid => format!("{} {zxid}", described.kind.name),
    }
}
