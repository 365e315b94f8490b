//! The plan of a scenario: faults as data, one object each.
//!
//! Times are whole microseconds or milliseconds (`at_ms` or `at_us`, `for_ms` or `for_us`); nodes are server numbers,
//! clients `"c1"`, or roles that are resolved when the fault fires.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::super::json::{Node, Place, Problem, Value, quote};
use super::format::{
    Fields, Format, check_number, check_range, name_of, read_name, suggest, unknown_name,
};
use crate::base::id::NodeId;
use crate::base::ratio::Ratio;
use crate::base::time::{Span, Time};
use crate::history::fact::MARKS;
use crate::sim::fault::{Direction, Fault, Planned, Target, Trigger, Unsynced};
use crate::sim::process::LinkClass;

/// The most faults a plan may hold.
const MAX_FAULTS: usize = 10_000;

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
const ROLES: [&str; 7] = [
    "leader",
    "follower",
    "observer",
    "learner",
    "looking",
    "joining",
    "prospective-leader",
];

/// Other targets than nodes and roles.
const GROUPS: [&str; 3] = ["servers", "minority", "server-of:c1"];

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

const CLASSES: [(&str, LinkClass); 3] = [
    ("election", LinkClass::Election),
    ("quorum", LinkClass::Quorum),
    ("client", LinkClass::Client),
];

const DIRECTIONS: [(&str, Direction); 3] = [
    ("both", Direction::Both),
    ("out", Direction::Out),
    ("in", Direction::In),
];

const UNSYNCED: [(&str, Unsynced); 4] = [
    ("kill", Unsynced::Kill),
    ("drawn", Unsynced::PowerDrawn),
    ("lost", Unsynced::PowerLost),
    ("kept", Unsynced::PowerKept),
];

const FAULTS: [&str; 10] = [
    "crash",
    "pause",
    "partition",
    "isolate",
    "delay",
    "reset",
    "slow-disk",
    "drift",
    "wall-jump",
    "flaky",
];

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
        let fault: String = self.fields.required("fault")?;
        let trigger = self.trigger()?;
        let lasts = self.span("for_ms", "for_us")?;
        let place = self.fields.place();
        let fault = match fault.as_str() {
            "crash" => Fault::Crash {
                target: self.target()?,
                unsynced: self.name("unsynced", &UNSYNCED)?.unwrap_or(Unsynced::Kill),
            },
            "pause" => Fault::Pause {
                target: self.target()?,
            },
            "partition" => self.partition()?,
            "isolate" => Fault::Isolate {
                target: self.target()?,
                direction: self.direction()?,
                clients: self.fields.optional("clients")?.unwrap_or(true),
            },
            "delay" => Fault::Delay {
                target: self.target()?,
                class: self.class()?,
                extra: self.needed_span("extra_ms", "extra_us")?,
            },
            "reset" => Fault::Reset {
                target: self.target()?,
                class: self.class()?,
            },
            "slow-disk" => Fault::SlowDisk {
                target: self.target()?,
                factor: self.bounded("factor", 1..=1_000_000)?.unwrap_or(1),
                extra: self.span("extra_ms", "extra_us")?.unwrap_or(Span::ZERO),
            },
            "drift" => Fault::Drift {
                target: self.target()?,
                ppm: self.needed("ppm", -500_000..=500_000)?,
            },
            "wall-jump" => Fault::WallJump {
                target: self.target()?,
                by_ms: self.needed("by_ms", -1_000_000_000_000..=1_000_000_000_000)?,
            },
            "flaky" => Fault::Flaky {
                target: self.target()?,
                reset: self.fields.required::<Ratio>("reset")?,
            },
            other => {
                let place = self.fields.get("fault").map_or(place, |node| node.place);
                return Err(unknown_name(place, "fault", other, FAULTS));
            }
        };
        self.fields.finish()?;
        Ok(Planned {
            id: Arc::from(id),
            trigger,
            fault,
            lasts,
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
            (None, Some(when)) => {
                let mut fields = Fields::of(when, "\"when\"")?;
                let fact: String = fields.required("fact")?;
                let nth: u32 = fields.optional("nth")?.unwrap_or(1);
                let fact_place = fields.get("fact").map_or(when.place, |node| node.place);
                if !MARKS.contains(&fact.as_str()) {
                    return Err(unknown_name(fact_place, "fact", fact, MARKS));
                }
                check_range(&nth, 1..=1_000_000_000, when.place, "nth")?;
                fields.finish()?;
                Ok(Trigger::When {
                    mark: Arc::from(fact),
                    nth,
                    after: after.unwrap_or(Span::ZERO),
                })
            }
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
        let Some(node) = self.fields.get("node") else {
            return Err(self.fields.missing("node"));
        };
        let text = match &node.value {
            Value::Int(number) => {
                let server = self.roster.read_server(*number, node.place, "\"node\"")?;
                return Ok(Target::Node(server));
            }
            Value::Text(text) => text,
            Value::Null | Value::Bool(_) | Value::List(_) | Value::Object(_) => {
                let what = format!(
                    "\"node\" is {}; expected a server's number, a client \"c1\" or a role",
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

    fn partition(&mut self) -> Result<Fault, Problem> {
        let Some(node) = self.fields.get("groups") else {
            return Err(self.fields.missing("groups"));
        };
        let Value::List(lists) = &node.value else {
            let what = format!(
                "\"groups\" is {}; expected lists of servers like [[1, 2], [3, 4, 5]]",
                node.value.describe()
            );
            return Err(Problem::new(node.place, what));
        };
        let mut seen = BTreeSet::new();
        let mut groups = Vec::new();
        for (index, list) in lists.iter().enumerate() {
            let what = format!("group {} of \"groups\"", index + 1);
            let Value::List(members) = &list.value else {
                let found = list.value.describe();
                let what = format!("{what} is {found}; expected a list of servers");
                return Err(Problem::new(list.place, what));
            };
            let mut group = Vec::new();
            for member in members {
                let id = self.roster.read_node(member, &what)?;
                if !seen.insert(id) {
                    let what = format!("{} stands twice in \"groups\"", member.value.describe());
                    return Err(Problem::new(member.place, what));
                }
                group.push(id);
            }
            groups.push(group);
        }
        let direction = self.direction()?;
        let fits = match direction {
            Direction::Both => groups.len() >= 2,
            Direction::Out | Direction::In => groups.len() == 2,
        };
        if !fits {
            let what = format!(
                "\"groups\" has {} groups; expected {}",
                groups.len(),
                match direction {
                    Direction::Both => "at least 2",
                    Direction::Out | Direction::In => "exactly 2 for a one-way partition",
                }
            );
            return Err(Problem::new(node.place, what));
        }
        Ok(Fault::Partition {
            groups,
            direction,
            class: self.class()?,
        })
    }
}

/// Writes a plan in full.
pub fn write(plan: &[Planned], roster: Roster) -> Value {
    Value::list(plan.iter().map(|planned| write_entry(planned, roster)))
}

fn write_entry(planned: &Planned, roster: Roster) -> Value {
    let mut fields = vec![("id", Value::text(&*planned.id))];
    fields.extend(write_fault(&planned.fault, roster));
    match &planned.trigger {
        Trigger::At(at) => fields.push(write_span(Span(at.0), "at_ms", "at_us")),
        Trigger::When { mark, nth, after } => {
            let when = Value::object([
                ("fact", Value::text(&**mark)),
                ("nth", Value::Int((*nth).into())),
            ]);
            fields.push(("when", when));
            fields.push(write_span(*after, "after_ms", "after_us"));
        }
    }
    if let Some(lasts) = planned.lasts {
        fields.push(write_span(lasts, "for_ms", "for_us"));
    }
    Value::object(fields)
}

/// In milliseconds if that is exact, else in microseconds.
pub(super) fn write_span(span: Span, ms: &'static str, us: &'static str) -> (&'static str, Value) {
    debug_assert_eq!(span.0 % 1_000, 0, "plans know whole microseconds");
    if Span::from_ms(span.as_ms()) == span {
        (ms, Value::Int(span.as_ms().into()))
    } else {
        (us, Value::Int(span.as_us().into()))
    }
}

/// What a fault is called and its fields.
fn write_fault(fault: &Fault, roster: Roster) -> Vec<(&'static str, Value)> {
    let kind = |name| ("fault", Value::text(name));
    let node = |target: &Target| ("node", write_target(target, roster));
    match fault {
        Fault::Crash { target, unsynced } => {
            let unsynced = ("unsynced", Value::text(name_of(*unsynced, &UNSYNCED)));
            vec![kind("crash"), node(target), unsynced]
        }
        Fault::Pause { target } => vec![kind("pause"), node(target)],
        Fault::Partition {
            groups,
            direction,
            class,
        } => {
            let lists = groups
                .iter()
                .map(|group| Value::list(group.iter().map(|member| roster.write_node(*member))));
            let groups = ("groups", Value::list(lists));
            let way = write_direction(*direction);
            vec![kind("partition"), groups, way, write_class(*class)]
        }
        Fault::Isolate {
            target,
            direction,
            clients,
        } => {
            let clients = ("clients", clients.write());
            let way = write_direction(*direction);
            vec![kind("isolate"), node(target), way, clients]
        }
        Fault::Delay {
            target,
            class,
            extra,
        } => {
            let extra = write_span(*extra, "extra_ms", "extra_us");
            vec![kind("delay"), node(target), write_class(*class), extra]
        }
        Fault::Reset { target, class } => vec![kind("reset"), node(target), write_class(*class)],
        Fault::SlowDisk {
            target,
            factor,
            extra,
        } => {
            let extra = write_span(*extra, "extra_ms", "extra_us");
            let factor = ("factor", factor.write());
            vec![kind("slow-disk"), node(target), factor, extra]
        }
        Fault::Drift { target, ppm } => vec![kind("drift"), node(target), ("ppm", ppm.write())],
        Fault::WallJump { target, by_ms } => {
            vec![kind("wall-jump"), node(target), ("by_ms", by_ms.write())]
        }
        Fault::Flaky { target, reset } => {
            vec![kind("flaky"), node(target), ("reset", reset.write())]
        }
    }
}

fn write_direction(direction: Direction) -> (&'static str, Value) {
    ("direction", Value::text(name_of(direction, &DIRECTIONS)))
}

fn write_class(class: Option<LinkClass>) -> (&'static str, Value) {
    let class = class.map_or(Value::Null, |class| Value::text(name_of(class, &CLASSES)));
    ("class", class)
}

fn write_target(target: &Target, roster: Roster) -> Value {
    match target {
        Target::Node(node) => roster.write_node(*node),
        Target::Role(role) => Value::text(&**role),
        Target::Servers => Value::text("servers"),
        Target::Minority => Value::text("minority"),
        Target::ServerOf(client) => {
            Value::text(format!("server-of:c{}", client.0 - roster.servers()))
        }
    }
}
