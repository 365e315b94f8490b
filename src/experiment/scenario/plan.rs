//! The plan of a scenario: faults as data, one object each.
//!
//! Times are whole microseconds or milliseconds (`at_ms` or `at_us`, `for_ms` or `for_us`); nodes are server numbers,
//! clients `"c1"`, or roles that are resolved when the fault fires. `docs/faults.md` lists every fault with its fields.

mod faults;
pub(super) mod schema;
mod tables;
pub(super) mod write;

use std::collections::BTreeSet;
use std::sync::Arc;

use super::super::json::{Node, Place, Problem, Value, quote};
use super::format::{Fields, Format, check_number, check_range, read_name, suggest, unknown_name};
use crate::base::id::NodeId;
use crate::base::time::{Span, Time};
use crate::history::fact::MARKS;
use crate::sim::fault::{Direction, MACHINE_MARKS, Planned, Target, Trigger};
use crate::sim::process::LinkClass;
use tables::{CLASSES, DIRECTIONS};

/// The most faults a plan may hold.
pub(super) const MAX_FAULTS: usize = 10_000;

/// A day: the latest time and the longest span.
pub(super) const DAY_US: i128 = 86_400_000_000;

/// Who takes part: servers first (1..=voters, then observers), clients after them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Roster {
    /// Voting servers.
    pub voters: u8,
    /// Observers.
    pub observers: u8,
    /// Clients.
    pub clients: u16,
}

impl Roster {
    /// Number of servers.
    pub fn servers(self) -> u16 {
        u16::from(self.voters) + u16::from(self.observers)
    }

    /// The node of the server with this number.
    pub fn server(self, number: u16) -> NodeId {
        assert!((1..=self.servers()).contains(&number), "no server {number}");
        NodeId(number)
    }

    /// The node of the client with this number.
    pub fn client(self, number: u16) -> NodeId {
        assert!((1..=self.clients).contains(&number), "no client {number}");
        NodeId(self.servers() + number)
    }

    /// Every server.
    pub fn every_server(self) -> impl Iterator<Item = NodeId> {
        (1..=self.servers()).map(NodeId)
    }

    fn read_server(self, number: i128, place: Place, what: &str) -> Result<NodeId, Problem> {
        u16::try_from(number)
            .ok()
            .filter(|number| (1..=self.servers()).contains(number))
            .map(NodeId)
            .ok_or_else(|| {
                let servers = self.servers();
                let what = format!(
                    "{what} names server {number}; the ensemble has servers 1 to {servers}"
                );
                Problem::new(place, what)
            })
    }

    pub(super) fn read_client(
        self,
        text: &str,
        place: Place,
        what: &str,
    ) -> Result<NodeId, Problem> {
        text.strip_prefix('c')
            .and_then(|digits| digits.parse().ok())
            .filter(|number| (1..=self.clients).contains(number))
            .map(|number| self.client(number))
            .ok_or_else(|| {
                let clients = if self.clients == 0 {
                    "has no clients".to_owned()
                } else {
                    format!("has clients c1 to c{}", self.clients)
                };
                let what = format!("{what} names {}; the workload {clients}", quote(text));
                Problem::new(place, what)
            })
    }

    pub(super) fn read_node(self, node: &Node, what: &str) -> Result<NodeId, Problem> {
        match &node.value {
            Value::Int(number) => self.read_server(*number, node.place, what),
            Value::Text(text) => self.read_client(text, node.place, what),
            Value::Null | Value::Bool(_) | Value::List(_) | Value::Object(_) => {
                let found = node.value.describe();
                let what =
                    format!("{what} holds {found}; expected a server's number or a client \"c1\"");
                Err(Problem::new(node.place, what))
            }
        }
    }

    pub(super) fn write_node(self, node: NodeId) -> Value {
        if node.0 <= self.servers() {
            Value::Int(node.0.into())
        } else {
            Value::text(format!("c{}", node.0 - self.servers()))
        }
    }
}

/// Roles a target can have.
const ROLES: [&str; 9] = [
    "leader",
    "follower",
    "ahead-follower",
    "lagging-follower",
    "observer",
    "learner",
    "looking",
    "joining",
    "prospective-leader",
];

/// Other targets than nodes and roles.
const GROUPS: [&str; 4] = ["servers", "minority", "server-of:c1", "sayer"];

/// Reads the plan.
///
/// # Errors
/// The first thing that is wrong.
pub fn read(node: &Node, roster: Roster) -> Result<Vec<Planned>, Problem> {
    let Value::List(items) = &node.value else {
        let found = node.value.describe();
        let what = format!("\"plan\" is {found}; expected a list of faults");
        return Err(Problem::new(node.place, what));
    };
    if items.len() > MAX_FAULTS {
        let what = format!(
            "\"plan\" holds {} faults; at most {MAX_FAULTS} are played",
            items.len()
        );
        return Err(Problem::new(node.place, what));
    }
    let mut ids = BTreeSet::new();
    let mut plan = Vec::new();
    for item in items {
        let planned = Reader::new(item, roster)?.entry()?;
        if !ids.insert(planned.id.clone()) {
            let what = format!(
                "two faults have the id {}; ids name faults in reports, so each needs its own",
                quote(&planned.id)
            );
            return Err(Problem::new(item.place, what));
        }
        plan.push(planned);
    }
    Ok(plan)
}

/// Writes a plan in full.
pub fn write(plan: &[Planned], roster: Roster) -> Value {
    Value::list(plan.iter().map(|planned| write::entry(planned, roster)))
}

/// Reads one entry.
struct Reader<'a> {
    fields: Fields<'a>,
    roster: Roster,
}

impl<'a> Reader<'a> {
    fn new(node: &'a Node, roster: Roster) -> Result<Self, Problem> {
        Ok(Self {
            fields: Fields::of(node, "a fault of \"plan\"")?,
            roster,
        })
    }

    fn entry(mut self) -> Result<Planned, Problem> {
        let id: String = self.fields.required("id")?;
        let trigger = self.trigger()?;
        let lasts = self.span("for_ms", "for_us")?;
        let flap = self.span("flap_ms", "flap_us")?;
        let fault = self.fault()?;
        let place = self.fields.place();
        self.fields.finish()?;
        if flap == Some(Span::ZERO) || flap.is_some() && fault.is_instant() {
            let what = "\"flap_ms\" is 0 or goes with a fault that is over at once; expected how long each turn of a lasting one is";
            return Err(Problem::new(place, what));
        }
        Ok(Planned {
            id: Arc::from(id),
            trigger,
            fault,
            lasts,
            flap,
        })
    }

    fn trigger(&mut self) -> Result<Trigger, Problem> {
        let at = self.span("at_ms", "at_us")?;
        let when = self.fields.get("when");
        let after = self.span("after_ms", "after_us")?;
        let place = self.fields.place();
        match (at, when) {
            (Some(at), None) if after.is_none() => Ok(Trigger::At(Time(at.0))),
            (Some(_), None) => Err(Problem::new(
                place,
                "\"after_us\" goes with \"when\", not with \"at_ms\"",
            )),
            (None, Some(when)) => self.moment(when, after),
            (Some(_), Some(when)) => Err(Problem::new(
                when.place,
                "a fault has both \"at_ms\" and \"when\"; expected one of them",
            )),
            (None, None) => Err(Problem::new(
                place,
                "a fault says not when it strikes; expected \"at_ms\" or \"when\"",
            )),
        }
    }

    /// The moment that a fact makes.
    fn moment(&self, when: &Node, after: Option<Span>) -> Result<Trigger, Problem> {
        let mut fields = Fields::of(when, "\"when\"")?;
        let fact: String = fields.required("fact")?;
        let nth: u32 = fields.optional("nth")?.unwrap_or(1);
        let cut: Option<u32> = fields.optional::<Option<u32>>("cut_after")?.flatten();
        let by = match fields.get("node") {
            Some(node) if node.value != Value::Null => {
                Some(self.roster.read_node(node, "\"node\" of \"when\"")?)
            }
            Some(_) | None => None,
        };
        let fact_place = fields.get("fact").map_or(when.place, |node| node.place);
        let known = || MARKS.iter().chain(&MACHINE_MARKS);
        if !known().any(|mark| *mark == fact) {
            return Err(unknown_name(fact_place, "fact", fact, known()));
        }
        check_range(&nth, 1..=1_000_000_000, when.place, "nth")?;
        fields.finish()?;
        if cut.is_some() && after.is_some() {
            let what =
                "\"cut_after\" strikes inside a step, \"after_us\" after it; expected one of them";
            return Err(Problem::new(when.place, what));
        }
        Ok(Trigger::When {
            mark: Arc::from(fact),
            nth,
            after: after.unwrap_or(Span::ZERO),
            by,
            cut,
        })
    }

    /// A span in one of two units.
    fn span(&mut self, ms: &'static str, us: &'static str) -> Result<Option<Span>, Problem> {
        let coarse: Option<u64> = self.bounded(ms, 0..=DAY_US / 1_000)?;
        let fine: Option<u64> = self.bounded(us, 0..=DAY_US)?;
        match (coarse, fine) {
            (Some(_), Some(_)) => Err(Problem::new(
                self.fields.place(),
                format!("a fault has both {ms:?} and {us:?}; expected one of them"),
            )),
            (Some(ms), None) => Ok(Some(Span::from_ms(ms))),
            (None, Some(us)) => Ok(Some(Span::from_us(us))),
            (None, None) => Ok(None),
        }
    }

    fn needed_span(&mut self, ms: &'static str, us: &'static str) -> Result<Span, Problem> {
        self.span(ms, us)?.ok_or_else(|| self.fields.missing(ms))
    }

    fn bounded<T: Format + super::format::Bounded>(
        &mut self,
        name: &'static str,
        range: std::ops::RangeInclusive<i128>,
    ) -> Result<Option<T>, Problem> {
        let Some(node) = self.fields.get(name) else {
            return Ok(None);
        };
        check_number(node, range.clone(), name)?;
        let Some(value) = Option::<T>::read(node, name)? else {
            return Ok(None);
        };
        check_range(&value, range, node.place, name)?;
        Ok(Some(value))
    }

    fn needed<T: Format + super::format::Bounded>(
        &mut self,
        name: &'static str,
        range: std::ops::RangeInclusive<i128>,
    ) -> Result<T, Problem> {
        self.bounded(name, range)?
            .ok_or_else(|| self.fields.missing(name))
    }

    fn name<T: Copy>(
        &mut self,
        name: &'static str,
        all: &[(&'static str, T)],
    ) -> Result<Option<T>, Problem> {
        match self.fields.get(name) {
            None => Ok(None),
            Some(node) if node.value == Value::Null => Ok(None),
            Some(node) => read_name(node, name, all).map(Some),
        }
    }

    fn class(&mut self) -> Result<Option<LinkClass>, Problem> {
        self.name("class", &CLASSES)
    }

    fn direction(&mut self) -> Result<Direction, Problem> {
        Ok(self
            .name("direction", &DIRECTIONS)?
            .unwrap_or(Direction::Both))
    }

    fn target(&mut self) -> Result<Target, Problem> {
        self.target_in("node")
    }

    fn target_in(&mut self, field: &'static str) -> Result<Target, Problem> {
        let Some(node) = self.fields.get(field) else {
            return Err(self.fields.missing(field));
        };
        let text = match &node.value {
            Value::Int(number) => {
                let server = self.roster.read_server(*number, node.place, "\"node\"")?;
                return Ok(Target::Node(server));
            }
            Value::Text(text) => text,
            Value::List(_) => return Ok(Target::Nodes(self.nodes(node, "\"node\"")?)),
            Value::Object(_) => {
                let mut fields = Fields::of(node, "\"node\"")?;
                let name: String = fields.required("rack")?;
                let Some(nodes) = fields.get("nodes") else {
                    return Err(fields.missing("nodes"));
                };
                let nodes = self.nodes(nodes, "\"nodes\" of a rack")?;
                fields.finish()?;
                let name = Arc::from(name);
                return Ok(Target::Rack { name, nodes });
            }
            Value::Null | Value::Bool(_) => {
                let what = format!(
                    "\"node\" is {}; expected a server's number, a client \"c1\", a role, or several of them",
                    node.value.describe()
                );
                return Err(Problem::new(node.place, what));
            }
        };
        if let Some(client) = text.strip_prefix("server-of:") {
            let client = self.roster.read_client(client, node.place, "\"node\"")?;
            return Ok(Target::ServerOf(client));
        }
        if text == "servers" {
            return Ok(Target::Servers);
        }
        if text == "minority" {
            return Ok(Target::Minority);
        }
        if text == "sayer" {
            return Ok(Target::Sayer);
        }
        if let Some(role) = ROLES.iter().find(|role| *role == text) {
            return Ok(Target::Role(Arc::from(*role)));
        }
        let is_client = text
            .strip_prefix('c')
            .is_some_and(|rest| rest.parse::<u64>().is_ok());
        if is_client {
            return Ok(Target::Node(
                self.roster.read_client(text, node.place, "\"node\"")?,
            ));
        }
        let what = format!(
            "\"node\" is {}; {}, a server's number or a client \"c1\"",
            quote(text),
            suggest(text, ROLES.iter().chain(&GROUPS))
        );
        Err(Problem::new(node.place, what))
    }

    /// A list of nodes, each once.
    fn nodes(&self, list: &Node, what: &str) -> Result<Vec<NodeId>, Problem> {
        let Value::List(members) = &list.value else {
            let found = list.value.describe();
            let what = format!("{what} is {found}; expected a list of servers and clients");
            return Err(Problem::new(list.place, what));
        };
        let mut nodes = Vec::new();
        for member in members {
            let id = self.roster.read_node(member, what)?;
            if nodes.contains(&id) {
                let what = format!("{} stands twice in {what}", member.value.describe());
                return Err(Problem::new(member.place, what));
            }
            nodes.push(id);
        }
        if nodes.is_empty() {
            let what = format!("{what} is empty; expected at least one server or client");
            return Err(Problem::new(list.place, what));
        }
        Ok(nodes)
    }
}
