//! The operations of a scenario's clients, one object each: which of those that the workload comes to are carried out.
//!
//! Without the list all are. With it, clients that it does not name never start, and what it does not name keeps its
//! number and its draws, so that taking one operation away leaves the others as they were. An operation with a time is
//! handed in then (or as soon as the client's window has room), by the client's own clock from its start.

use std::collections::BTreeSet;

use super::super::json::{Node, Problem, Value};
use super::format::{Fields, check_range};
use super::plan::write::write_span;
use super::plan::{DAY_US, Roster};
use crate::base::time::Span;

/// The most operations a list may hold.
const MAX_OPERATIONS: usize = 100_000;

/// One entry: a client takes part and, with a number, carries out that operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Operation {
    /// The client's number.
    pub client: u16,
    /// The operation's number in that client, as histories and reports show it; `None` = it keeps a session.
    pub op: Option<u64>,
    /// When it is handed in; `None` = when the client's program comes to it.
    pub at: Option<Span>,
}

/// Reads the list; nothing or null is `None`.
///
/// # Errors
/// The first thing that is wrong.
pub fn read(node: Option<&Node>, roster: Roster) -> Result<Option<Vec<Operation>>, Problem> {
    let Some(node) = node.filter(|node| node.value != Value::Null) else {
        return Ok(None);
    };
    let Value::List(items) = &node.value else {
        let found = node.value.describe();
        let what = format!("\"operations\" is {found}; expected a list of operations, or null");
        return Err(Problem::new(node.place, what));
    };
    if items.len() > MAX_OPERATIONS {
        let what = format!(
            "\"operations\" holds {} entries; at most {MAX_OPERATIONS} are played",
            items.len()
        );
        return Err(Problem::new(node.place, what));
    }
    let mut seen = BTreeSet::new();
    let mut operations = Vec::new();
    for item in items {
        let operation = read_one(item, roster)?;
        if !seen.insert((operation.client, operation.op)) {
            let what = "an operation stands twice in \"operations\"; drop one of them";
            return Err(Problem::new(item.place, what));
        }
        operations.push(operation);
    }
    operations.sort_unstable();
    Ok(Some(operations))
}

fn read_one(node: &Node, roster: Roster) -> Result<Operation, Problem> {
    let mut fields = Fields::of(node, "an entry of \"operations\"")?;
    let name: String = fields.required("client")?;
    let place = fields.get("client").map_or(node.place, |node| node.place);
    let client = roster.read_client(&name, place, "\"client\"")?;
    let op: Option<u64> = fields.optional::<Option<u64>>("op")?.flatten();
    let coarse: Option<u64> = fields.optional("at_ms")?;
    let fine: Option<u64> = fields.optional("at_us")?;
    fields.finish()?;
    if let Some(op) = op {
        check_range(&op, 1..=1_000_000_000_000_000, node.place, "op")?;
    }
    let at = match (coarse, fine) {
        (Some(_), Some(_)) => {
            let what = "an operation has both \"at_ms\" and \"at_us\"; expected one of them";
            return Err(Problem::new(node.place, what));
        }
        (Some(ms), None) => {
            check_range(&ms, 0..=DAY_US / 1_000, node.place, "at_ms")?;
            Some(Span::from_ms(ms))
        }
        (None, Some(us)) => {
            check_range(&us, 0..=DAY_US, node.place, "at_us")?;
            Some(Span::from_us(us))
        }
        (None, None) => None,
    };
    if at.is_some() && op.is_none() {
        let what = "an entry of \"operations\" has a time but no \"op\"; expected its number";
        return Err(Problem::new(node.place, what));
    }
    Ok(Operation {
        client: client.0 - roster.servers(),
        op,
        at,
    })
}

/// Writes the list.
pub fn write(operations: Option<&[Operation]>, roster: Roster) -> Value {
    let Some(operations) = operations else {
        return Value::Null;
    };
    Value::list(operations.iter().map(|operation| {
        let client = roster.write_node(roster.client(operation.client));
        let mut fields = vec![("client", client)];
        if let Some(op) = operation.op {
            fields.push(("op", Value::Int(op.into())));
        }
        if let Some(at) = operation.at {
            fields.push(write_span(at, "at_ms", "at_us"));
        }
        Value::object(fields)
    }))
}
