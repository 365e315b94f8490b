//! A run as one series of entries: inputs, messages sent and received, facts. What scribes write comes from here.

use crate::base::id::NodeId;
use crate::cast;
use crate::experiment::lower;
use crate::experiment::scenario::Scenario;
use crate::experiment::scenario::plan::Roster;
use crate::experiment::wire::Wire;
use crate::history::fact::Fact;
use crate::report::phrase;
use crate::report::trace::kinds::{self, Described};
use crate::report::trace::recorder;
use crate::sim::fault::Planned;
use crate::sim::process::{Effect, Input};
use crate::sim::sink::{Happening, Sink, Stamp};
use crate::words::Words;

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
    wire: Wire<Letter>,
    letters: u64,
    pub(super) scribe: S,
}

impl<'a, S: Scribe> Tape<'a, S> {
    pub(super) fn new(scenario: &'a Scenario, config: cast::Config, scribe: S) -> Self {
        Self {
            config,
            plan: &scenario.plan,
            roster: scenario.roster(),
            wire: Wire::default(),
            letters: 0,
            scribe,
        }
    }

    fn on_fact(&mut self, at: Stamp, fact: &Fact) {
        let (whom, words) = phrase::fact(fact, self.plan, self.roster);
        let node = whom.node(self.roster);
        let what = What::Fact(fact, &words);
        self.scribe.take(&Entry { at, node, what });
    }
}

impl<S: Scribe> Sink<Words> for Tape<'_, S> {
    fn input(&mut self, at: Stamp, node: NodeId, input: &Input<Words>) {
        let message = self.wire.arrive(node, input);
        let described = kinds::input(input);
        let what = if let Input::Deliver { conn, .. } = input {
            What::Received {
                message,
                from: self.wire.other_end(*conn, node),
                described: &described,
            }
        } else {
            What::Input(&described)
        };
        let node = Some(node);
        self.scribe.take(&Entry { at, node, what });
    }

    fn effect(&mut self, at: Stamp, node: NodeId, effect: &Effect<Words>) {
        let number = self.letters + 1;
        let letter = || Letter { number, sent: at };
        if let Some(to) = self.wire.depart(node, effect, letter)
            && let Effect::Send { msg, .. } = effect
        {
            self.letters = number;
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

    fn happening(&mut self, at: Stamp, what: &Happening, _plan: &[Planned]) {
        if let Some(fact) = self.config.fact_of(what) {
            self.on_fact(at, &fact);
        }
    }
}

/// What nodes are called: `s1`, `c1`.
#[derive(Clone, Debug)]
pub(super) struct Names(Vec<String>);

impl Names {
    pub(super) fn of(scenario: &Scenario) -> Self {
        let config = lower::cast(scenario).cast;
        let roster = scenario.roster();
        let nodes = 1..=roster.servers() + roster.clients;
        let name = |node| recorder::names(&config, NodeId(node)).1;
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

/// A message in a few words: its kind and the transaction it carries.
pub(super) fn words(described: &Described) -> String {
    use crate::base::zxid::Zxid;
    match described.zxid {
        Zxid::ZERO => described.kind.name.to_owned(),
        zxid => format!("{} {zxid}", described.kind.name),
    }
}
