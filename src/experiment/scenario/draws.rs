//! Exceptions from the weather: single draws, or all of one site, that come out as given.
//!
//! A draw has a name: `delay/1>2/quorum/data/62/0` is the first message from server 1 to server 2 on the quorum port in the
//! 62nd 50 ms of the run, `disk/3/sync/62/0` a force of server 3's log; `*` in place of the last two parts means all of
//! that site. The value is in microseconds.

use super::super::json::{Node, Place, Problem, Value, quote};
use super::format::{Fields, check_range, name_of};
use super::plan::{DAY_US, Roster};
use crate::base::id::NodeId;
use crate::base::time::Span;
use crate::sim::draws::{DiskOp, DrawKey, Site, Which};
use crate::sim::process::LinkClass;

/// The most exceptions a scenario may hold.
const MAX_EXCEPTIONS: usize = 100_000;

const CLASSES: [(&str, LinkClass); 3] = [
    ("election", LinkClass::Election),
    ("quorum", LinkClass::Quorum),
    ("client", LinkClass::Client),
];

const KINDS: [(&str, bool); 2] = [("control", true), ("data", false)];

const OPERATIONS: [(&str, DiskOp); 4] = [
    ("sync", DiskOp::Sync),
    ("store", DiskOp::Store),
    ("install", DiskOp::Install),
    ("snapshot", DiskOp::Snapshot),
];

/// One exception.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Exception {
    /// Which draws.
    pub which: Which,
    /// What they come out as.
    pub value: Span,
}

/// Reads the list of exceptions.
///
/// # Errors
/// The first thing that is wrong.
pub fn read(node: Option<&Node>, roster: Roster) -> Result<Vec<Exception>, Problem> {
    let Some(node) = node else {
        return Ok(Vec::new());
    };
    let Value::List(items) = &node.value else {
        let found = node.value.describe();
        let what = format!("\"overrides\" is {found}; expected a list of draws and values");
        return Err(Problem::new(node.place, what));
    };
    if items.len() > MAX_EXCEPTIONS {
        let what = format!(
            "\"overrides\" holds {} draws; at most {MAX_EXCEPTIONS} are read",
            items.len()
        );
        return Err(Problem::new(node.place, what));
    }
    let mut exceptions = Vec::new();
    for item in items {
        let exception = read_one(item, roster)?;
        if exceptions
            .iter()
            .any(|other: &Exception| other.which == exception.which)
        {
            let what = "a draw stands twice in \"overrides\"; drop one of them";
            return Err(Problem::new(item.place, what));
        }
        exceptions.push(exception);
    }
    Ok(exceptions)
}

fn read_one(node: &Node, roster: Roster) -> Result<Exception, Problem> {
    let mut fields = Fields::of(node, "an entry of \"overrides\"")?;
    let name: String = fields.required("draw")?;
    let place = fields.get("draw").map_or(node.place, |node| node.place);
    let us: u64 = fields.required("us")?;
    check_range(&us, 0..=DAY_US, node.place, "us")?;
    fields.finish()?;
    let which = parse(&name, roster, place)?.ok_or_else(|| {
        let what = format!(
            "\"draw\" is {}; expected one like \"delay/1>2/quorum/data/62/0\" or \"disk/3/sync/*\"",
            quote(&name)
        );
        Problem::new(place, what)
    })?;
    Ok(Exception {
        which,
        value: Span::from_us(us),
    })
}

/// The draws of that name; `None` if it has not the form of one.
fn parse(name: &str, roster: Roster, place: Place) -> Result<Option<Which>, Problem> {
    let parts: Vec<&str> = name.split('/').collect();
    let (site, rest) = match parts.as_slice() {
        ["delay", pair, class, kind, rest @ ..] => {
            let Some((from, to)) = pair.split_once('>') else {
                return Ok(None);
            };
            let (Some(class), Some(is_control)) = (named(class, &CLASSES), named(kind, &KINDS))
            else {
                return Ok(None);
            };
            let site = Site::Delay {
                from: read_node(from, roster, place)?,
                to: read_node(to, roster, place)?,
                class,
                is_control,
            };
            (site, rest)
        }
        ["disk", node, op, rest @ ..] => {
            let Some(op) = named(op, &OPERATIONS) else {
                return Ok(None);
            };
            let node = read_node(node, roster, place)?;
            (Site::Disk { node, op }, rest)
        }
        _ => return Ok(None),
    };
    Ok(match rest {
        ["*"] => Some(Which::All(site)),
        [bucket, nth] => match (bucket.parse(), nth.parse()) {
            (Ok(bucket), Ok(nth)) => Some(Which::One(DrawKey { site, bucket, nth })),
            (Err(_), _) | (_, Err(_)) => None,
        },
        _ => None,
    })
}

fn named<T: Copy>(text: &str, all: &[(&str, T)]) -> Option<T> {
    let found = all.iter().find(|(name, _)| *name == text)?;
    Some(found.1)
}

fn read_node(text: &str, roster: Roster, place: Place) -> Result<NodeId, Problem> {
    let value = match text.parse() {
        Ok(number) => Value::Int(number),
        Err(_) => Value::text(text),
    };
    roster.read_node(&Node { place, value }, "\"draw\"")
}

/// Writes the list of exceptions.
pub fn write(exceptions: &[Exception], roster: Roster) -> Value {
    Value::list(exceptions.iter().map(|exception| {
        Value::object([
            ("draw", Value::text(name(exception.which, roster))),
            ("us", Value::Int(exception.value.as_us().into())),
        ])
    }))
}

/// The name of some draws.
pub fn name(which: Which, roster: Roster) -> String {
    match which {
        Which::All(site) => format!("{}/*", site_name(site, roster)),
        Which::One(key) => {
            let site = site_name(key.site, roster);
            format!("{site}/{}/{}", key.bucket, key.nth)
        }
    }
}

fn site_name(site: Site, roster: Roster) -> String {
    match site {
        Site::Delay {
            from,
            to,
            class,
            is_control,
        } => {
            let (from, to) = (node_name(from, roster), node_name(to, roster));
            let (class, kind) = (name_of(class, &CLASSES), name_of(is_control, &KINDS));
            format!("delay/{from}>{to}/{class}/{kind}")
        }
        Site::Disk { node, op } => {
            let (node, op) = (node_name(node, roster), name_of(op, &OPERATIONS));
            format!("disk/{node}/{op}")
        }
    }
}

fn node_name(node: NodeId, roster: Roster) -> String {
    if node.0 <= roster.servers() {
        node.0.to_string()
    } else {
        format!("c{}", node.0 - roster.servers())
    }
}
