//! Takes down a run while it is played: a row per input, the messages that went lost, facts in words, and every change of state.

use std::collections::{BTreeMap, BTreeSet};

use super::columns::Strings;
use super::kinds::{self, Described, Kind};
use super::watches::Watches;
use crate::base::id::{NodeId, ServerId};
use crate::base::zxid::Zxid;
use crate::cast::{self, Part, Witness};
use crate::experiment::chronicle::Chronicle;
use crate::experiment::chronicle::standing::{Doing, Standing};
use crate::experiment::cone::Weave;
use crate::experiment::scenario::Scenario;
use crate::experiment::scenario::plan::Roster;
use crate::experiment::wire::Wire;
use crate::history::fact::Fact;
use crate::report::phrase;
use crate::sim::fault::Planned;
use crate::sim::process::{Conn, Effect, Input};
use crate::sim::sink::{Happening, Sink, Stamp};
use crate::words::Words;
use crate::words::message::Msg;

/// A row of a trace.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The event's ordinal; one event may have several rows.
    pub event: u64,
    /// World time in microseconds.
    pub time_us: u64,
    /// Its kind.
    pub kind: u32,
    /// The node, 1-based; 0 = the machine.
    pub node: u32,
    /// The other node, 1-based; 0 = none.
    pub peer: u32,
    /// The row that caused it, beside the one of its node before it.
    pub cause: Option<usize>,
    /// The transaction carried, or [`Zxid::ZERO`].
    pub zxid: Zxid,
    /// Details.
    pub text: u32,
}

/// A message that was sent: as it will be a row when it arrives.
#[derive(Clone, Debug)]
pub struct Sent {
    /// The row in which it was sent.
    pub row: usize,
    /// To whom, 1-based.
    pub to: u32,
    /// What.
    pub msg: Msg,
}

/// What a row made true, in words.
#[derive(Clone, Copy, Debug)]
pub struct Told {
    /// The row.
    pub row: usize,
    /// Of which node, 1-based; 0 = of the machine.
    pub node: u32,
    /// The words; `{z}` stands for the zxid.
    pub text: u32,
    /// The zxid.
    pub zxid: Zxid,
}

/// A field of a node's state that changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Changed {
    /// In which row.
    pub row: usize,
    /// Of which node, 1-based.
    pub node: u32,
    /// Which field, by its place in [`FIELDS`].
    pub field: usize,
    /// Its new value.
    pub value: u32,
}

/// The fields of a node's state, with what their values name.
pub const FIELDS: [(&str, Option<&str>); 10] = [
    ("role", None),
    ("accepted epoch", None),
    ("current epoch", None),
    ("leader", Some("node")),
    ("logged", Some("txn")),
    ("durable", Some("txn")),
    ("committed", Some("txn")),
    ("applied", Some("txn")),
    ("server", Some("node")),
    ("session", Some("string")),
];
/// The names of the values of `role`.
pub const ROLES: &[&str] = &Doing::NAMES;
const SERVER: usize = 8;
const SESSION: usize = 9;

/// Takes down a run.
#[derive(Debug)]
pub struct Recorder<'a> {
    config: cast::Config,
    plan: &'a [Planned],
    roster: Roster,
    /// Rows in the order of events.
    pub rows: Vec<Row>,
    /// Messages that never arrived, with the row that ended their connection.
    pub lost: Vec<(Sent, Option<usize>)>,
    /// What rows made true.
    pub told: Vec<Told>,
    /// Changes of state.
    pub changed: Vec<Changed>,
    /// Watches armed and gone.
    pub watches: Watches,
    /// Every text.
    pub strings: Strings,
    /// Every kind of row.
    pub kinds: Vec<Kind>,
    /// The run as a reader remembers it.
    pub chronicle: Chronicle,
    /// Which event caused which.
    pub weave: Weave,
    /// Every fact.
    pub facts: Vec<(Stamp, Fact)>,
    numbers: BTreeMap<Kind, u32>,
    /// The last row of each node.
    last: BTreeMap<NodeId, usize>,
    /// Messages on their way, with the rows in which they were sent.
    wire: Wire<usize>,
    cut: BTreeMap<Conn, usize>,
}

impl<'a> Recorder<'a> {
    /// A recorder of a run of this scenario.
    pub fn new(scenario: &'a Scenario, config: cast::Config) -> Self {
        Self {
            config,
            plan: &scenario.plan,
            roster: scenario.roster(),
            rows: Vec::new(),
            lost: Vec::new(),
            told: Vec::new(),
            changed: Vec::new(),
            watches: Watches::default(),
            strings: Strings::default(),
            kinds: Vec::new(),
            chronicle: Chronicle::default(),
            weave: Weave::default(),
            facts: Vec::new(),
            numbers: BTreeMap::new(),
            last: BTreeMap::new(),
            wire: Wire::default(),
            cut: BTreeMap::new(),
        }
    }

    /// Who is who.
    pub fn roster(&self) -> Roster {
        self.roster
    }

    /// What the nodes were told.
    pub fn config(&self) -> &cast::Config {
        &self.config
    }

    /// The run is over: what is still on its way has not arrived.
    pub fn finish(&mut self) {
        for (conn, to, row, msg) in std::mem::take(&mut self.wire).into_lost() {
            let end = self.cut.get(&conn).copied();
            let to = number(to);
            self.lost.push((Sent { row, to, msg }, end));
        }
        self.lost.sort_by_key(|(sent, _)| sent.row);
    }

    /// The number of a kind.
    pub fn kind(&mut self, kind: Kind) -> u32 {
        if let Some(number) = self.numbers.get(&kind) {
            return *number;
        }
        let number = u32::try_from(self.kinds.len()).expect("kinds are few");
        self.kinds.push(kind.clone());
        self.numbers.insert(kind, number);
        number
    }

    /// The kind of a row.
    pub fn kind_of(&self, row: &Row) -> &Kind {
        &self.kinds[usize::try_from(row.kind).expect("kinds are few")]
    }

    /// A row in one sentence.
    pub fn words(&self, row: &Row) -> String {
        let name = |node: u32| match u16::try_from(node) {
            Ok(0) | Err(_) => "the machine".to_owned(),
            Ok(node) => names(&self.config, NodeId(node)).0,
        };
        let kind = self.kind_of(row);
        let mut words = if kind.class == "message" {
            format!(
                "{} takes {} of {}",
                name(row.node),
                kind.name,
                name(row.peer)
            )
        } else {
            format!("{}: {}", name(row.node), kind.name)
        };
        if row.zxid != Zxid::ZERO {
            words = format!("{words} {}", row.zxid);
        }
        match self.strings.get(row.text) {
            "" => words,
            text => format!("{words} ({text})"),
        }
    }

    /// The first row of an event, of this node if it has one; an event without rows is at the next one.
    pub fn row_of(&self, event: u64, node: Option<u32>) -> usize {
        let first = self.rows.partition_point(|row| row.event < event);
        let of_event = self.rows[first..]
            .iter()
            .take_while(|row| row.event == event);
        let own = of_event.enumerate().find(|(_, row)| Some(row.node) == node);
        let row = own.map_or(first, |(offset, _)| first + offset);
        row.min(self.rows.len().saturating_sub(1))
    }

    /// The kind, zxid and text of a lost message.
    pub fn describe(&mut self, msg: &Msg) -> (u32, Zxid, u32) {
        let described = kinds::message(msg);
        let kind = self.kind(described.kind);
        (kind, described.zxid, self.strings.intern(&described.text))
    }

    fn push(&mut self, at: Stamp, node: u32, described: Described) -> usize {
        let kind = self.kind(described.kind);
        let text = self.strings.intern(&described.text);
        self.rows.push(Row {
            event: at.event.0,
            time_us: at.time.0 / 1_000,
            kind,
            node,
            peer: 0,
            cause: None,
            zxid: described.zxid,
            text,
        });
        self.rows.len() - 1
    }

    /// The row of this event at a node, or the last one of the event, or a new one of the machine.
    fn here(&mut self, at: Stamp, node: Option<NodeId>) -> usize {
        let is_now = |row: &usize| self.rows[*row].event == at.event.0;
        if let Some(row) = node
            .and_then(|node| self.last.get(&node).copied())
            .filter(is_now)
        {
            return row;
        }
        match self.rows.len().checked_sub(1).filter(is_now) {
            Some(row) => row,
            None => self.push(
                at,
                0,
                Described::plain("life", "the machine", String::new()),
            ),
        }
    }

    fn on_fact(&mut self, at: Stamp, fact: &Fact) {
        self.facts.push((at, fact.clone()));
        let (whom, text) = phrase::fact(fact, self.plan, self.roster);
        let node = whom.node(self.roster);
        let row = self.here(at, node);
        self.tell(row, node, fact, &text);
        let subject = Standing::subject(fact);
        let before = subject.map(|server| self.chronicle.standing(server));
        self.chronicle.witness(at, fact);
        if let (Some(server), Some(before)) = (subject, before) {
            self.follow(row, server, &before);
        }
        if let Some(node) = node {
            self.follow_client(row, node, fact);
            self.watches.observe(row, number(node), fact);
        }
    }

    fn tell(&mut self, row: usize, node: Option<NodeId>, fact: &Fact, text: &str) {
        // What clients ask for and are told is a table of its own; who pings whom tells nothing.
        if matches!(
            fact,
            Fact::Ponged { .. }
                | Fact::SessionTouched { .. }
                | Fact::Invoked { .. }
                | Fact::Returned { .. }
                | Fact::Lost { .. }
        ) {
            return;
        }
        let zxid = fact.zxid().unwrap_or(Zxid::ZERO);
        let text = match zxid {
            Zxid::ZERO => self.strings.intern(text),
            zxid => {
                let template = text.replacen(&zxid.to_string(), "{z}", 1);
                self.strings.intern(&template)
            }
        };
        let node = node.map_or(0, number);
        self.told.push(Told {
            row,
            node,
            text,
            zxid,
        });
    }

    fn follow(&mut self, row: usize, server: ServerId, before: &Standing) {
        let after = self.chronicle.standing(server);
        let node = u32::from(server.0);
        for (field, (old, new)) in values(before).into_iter().zip(values(&after)).enumerate() {
            if old != new {
                self.changed.push(Changed {
                    row,
                    node,
                    field,
                    value: new,
                });
            }
        }
    }

    fn follow_client(&mut self, row: usize, node: NodeId, fact: &Fact) {
        let mut change = |field, value| {
            let node = number(node);
            self.changed.push(Changed {
                row,
                node,
                field,
                value,
            });
        };
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "these facts are about connections"
        )]
        match fact {
            Fact::Connected {
                server, session, ..
            } => {
                change(SERVER, u32::from(server.0));
                let session = self.strings.intern(&session.to_string());
                self.changed.push(Changed {
                    row,
                    node: number(node),
                    field: SESSION,
                    value: session,
                });
            }
            Fact::Disconnected { .. } => change(SERVER, 0),
            Fact::Expired { .. } | Fact::ClientCrashed { .. } => {
                change(SERVER, 0);
                change(SESSION, 0);
            }
            _ => {}
        }
    }

    fn happened(&mut self, at: Stamp, what: &Happening) {
        match what {
            Happening::FaultBegan { index, .. } => {
                let text = self.fault_id(*index);
                self.push(at, 0, Described::plain("fault", "fault begins", text));
            }
            Happening::FaultEnded { index } => {
                let text = self.fault_id(*index);
                self.push(at, 0, Described::plain("fault", "fault ends", text));
            }
            Happening::Crashed { node, .. } => self.own(at, *node, "crashes"),
            Happening::Paused { node, paused } => {
                self.own(at, *node, if *paused { "stands still" } else { "goes on" });
            }
            Happening::ConnectionEnded { conn, .. } => {
                if let Some(row) = self.rows.len().checked_sub(1) {
                    self.cut.insert(*conn, row);
                }
            }
            Happening::Started { .. } | Happening::Outside { .. } | Happening::ClockHeld { .. } => {
            }
        }
    }

    fn own(&mut self, at: Stamp, node: NodeId, name: &'static str) {
        let described = Described::plain("life", name, String::new());
        let row = self.push(at, number(node), described);
        self.last.insert(node, row);
    }

    fn fault_id(&self, index: u32) -> String {
        let planned = usize::try_from(index).ok().and_then(|i| self.plan.get(i));
        planned.map_or_else(String::new, |planned| planned.id.to_string())
    }
}

fn number(node: NodeId) -> u32 {
    u32::from(node.0)
}

/// The values of a server's fields.
fn values(standing: &Standing) -> [u32; 8] {
    [
        standing.doing as u32,
        standing.accepted.0,
        standing.current.0,
        standing.leader.map_or(0, |leader| u32::from(leader.0)),
        standing.logged.0,
        standing.durable.0,
        standing.committed.0,
        standing.applied.0,
    ]
}

impl Sink<Words> for Recorder<'_> {
    fn input(&mut self, at: Stamp, node: NodeId, input: &Input<Words>) {
        self.weave.input(at, node, input);
        let cause = self.weave.cause();
        let row = self.push(at, number(node), kinds::input(input));
        self.last.insert(node, row);
        let sent = self.wire.arrive(node, input);
        let (peer, cause) = match input {
            Input::Deliver { conn, .. } => (self.wire.other_end(*conn, node), sent),
            Input::Accepted { from, .. } => {
                (Some(*from), cause.map(|event| self.row_of(event, None)))
            }
            Input::Opened { conn } | Input::Refused { conn, .. } | Input::Ended { conn, .. } => {
                if matches!(input, Input::Ended { .. }) {
                    self.cut.insert(*conn, row);
                }
                let peer = self.wire.other_end(*conn, node);
                (peer, cause.map(|event| self.row_of(event, None)))
            }
            Input::Boot
            | Input::Fire { .. }
            | Input::Run { .. }
            | Input::Synced { .. }
            | Input::Stored { .. }
            | Input::Snapshotted
            | Input::Installed
            | Input::WriteFailed { .. }
            | Input::Command(_) => {
                let own = Some(number(node));
                (None, cause.map(|event| self.row_of(event, own)))
            }
        };
        self.rows[row].peer = peer.map_or(0, number);
        self.rows[row].cause = cause.filter(|cause| *cause < row);
    }

    fn effect(&mut self, at: Stamp, node: NodeId, effect: &Effect<Words>) {
        self.weave.effect(at, node, effect);
        if matches!(effect, Effect::Open { .. } | Effect::Send { .. }) {
            let row = self.here(at, Some(node));
            self.wire.depart(node, effect, || row);
        } else if let Effect::Close { conn } = effect {
            let row = self.here(at, Some(node));
            self.cut.entry(*conn).or_insert(row);
        } else if let Effect::Note(fact) = effect {
            self.on_fact(at, fact);
        }
    }

    fn happening(&mut self, at: Stamp, what: &Happening, plan: &[Planned]) {
        self.weave.happening(at, what, plan);
        self.happened(at, what);
        if let Some(fact) = self.config.fact_of(what) {
            self.on_fact(at, &fact);
        }
    }
}

/// The rows that some events of a past have.
pub fn rows_of(rows: &[Row], events: &BTreeSet<u64>) -> Vec<usize> {
    let of = |(index, row): (usize, &Row)| events.contains(&row.event).then_some(index);
    rows.iter().enumerate().filter_map(of).collect()
}

/// The name of a node and its short form.
pub fn names(config: &cast::Config, node: NodeId) -> (String, String) {
    match config.part_of(node) {
        Part::Server(server) => (format!("server {server}"), format!("s{server}")),
        Part::Client(client) => (format!("client {}", client.0), format!("c{}", client.0)),
    }
}
