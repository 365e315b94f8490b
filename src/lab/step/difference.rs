//! How a run with added faults differs from the original: leaders, answers, where servers end, what is broken.

use std::collections::{BTreeMap, BTreeSet};

use super::tape::{Line, Tape};
use super::{put, standing};
use crate::base::id::ServerId;
use crate::check::wording;
use crate::experiment::chronicle::operations::{Ending, Operation};
use crate::report::phrase;
use crate::report::text::Grouped;

/// How many operations are told.
const MOST: usize = 10;

/// The differences after an event.
pub(super) fn tell(original: &Tape, changed: &Tape, from: u64, servers: &[ServerId]) -> String {
    let mut text = format!("both runs are the same up to event {from}\n");
    let pairs = original.lines().iter().zip(changed.lines());
    let same = pairs.take_while(|(one, two)| is_same(one, two)).count();
    for (name, tape) in [("original", original), ("changed", changed)] {
        let line = match tape.lines().get(same) {
            Some(line) => format!("event {}, {}: {}", line.event, line.time, line.words),
            None => "nothing more".to_owned(),
        };
        put(&mut text, format_args!("  {name:<9} then {line}\n"));
    }
    let both = [
        ("leaders", leaders(original, from), leaders(changed, from)),
        ("broken", broken(original), broken(changed)),
        ("events", events(original), events(changed)),
    ];
    for (what, one, two) in both {
        if one == two {
            put(&mut text, format_args!("{what}, in both: {one}\n"));
        } else {
            put(
                &mut text,
                format_args!("{what}\n  original  {one}\n  changed   {two}\n"),
            );
        }
    }
    text += &answers(original, changed);
    text += &ends(original, changed, servers);
    text
}

fn is_same(one: &Line, two: &Line) -> bool {
    (one.event, one.time, &one.words) == (two.event, two.time, &two.words)
}

fn leaders(tape: &Tape, from: u64) -> String {
    let elections = tape.chronicle.elections.iter();
    let later: Vec<String> = elections
        .filter(|election| election.at.event.0 > from)
        .map(|election| {
            format!(
                "server {} leads epoch {} from {} on",
                election.leader, election.epoch.0, election.at.time
            )
        })
        .collect();
    or_none(&later, "; ", "no new leader")
}

fn broken(tape: &Tape) -> String {
    let violations = tape.outcome.violations.iter();
    let names: BTreeSet<String> = violations
        .map(|violation| violation.property.to_string())
        .collect();
    let names: Vec<String> = names.into_iter().collect();
    or_none(&names, ", ", "no property")
}

fn events(tape: &Tape) -> String {
    format!("{} until {}", Grouped(tape.last_event()), tape.end())
}

fn or_none(list: &[String], between: &str, none: &str) -> String {
    if list.is_empty() {
        none.to_owned()
    } else {
        list.join(between)
    }
}

/// The operations that came to something else.
fn answers(original: &Tape, changed: &Tape) -> String {
    let (one, two) = (operations(original), operations(changed));
    let keys: BTreeSet<_> = one.keys().chain(two.keys()).collect();
    let mut told = Vec::new();
    for key in keys {
        let (before, after) = (one.get(key), two.get(key));
        let (was, is) = (came_to(before.copied()), came_to(after.copied()));
        let Some(operation) = before.or(after).filter(|_| was != is) else {
            continue;
        };
        told.push(format!(
            "  {}\n    original  {was}\n    changed   {is}\n",
            name_of(operation)
        ));
    }
    if told.is_empty() {
        return "operations, in both: the same answers\n".to_owned();
    }
    let left_out = told.len().saturating_sub(MOST);
    told.truncate(MOST);
    let mut text = format!("operations\n{}", told.concat());
    if left_out > 0 {
        put(&mut text, format_args!("  ({left_out} more)\n"));
    }
    text
}

/// Every operation by its client, number and how often the client had used the number before.
fn operations(tape: &Tape) -> BTreeMap<(u16, u64, u32), &Operation> {
    let mut seen: BTreeMap<(u16, u64), u32> = BTreeMap::new();
    let mut all = BTreeMap::new();
    for operation in tape.chronicle.operations.list() {
        let (client, number) = (operation.client.0, operation.number);
        let nth = seen.entry((client, number)).or_default();
        all.insert((client, number, *nth), operation);
        *nth += 1;
    }
    all
}

/// Whose operation it is, and what it asks for.
pub(super) fn name_of(operation: &Operation) -> String {
    format!(
        "client {}'s op {}, {}",
        operation.client.0,
        operation.number,
        wording::request(&operation.request)
    )
}

fn came_to(operation: Option<&Operation>) -> String {
    let Some(operation) = operation else {
        return "never asked".to_owned();
    };
    match operation.ended.as_ref().map(|(_, ending)| ending) {
        Some(Ending::Ok(response)) => phrase::response(response),
        Some(Ending::Failed(code)) => format!("fails with {code:?}"),
        Some(Ending::Unknown) => "unknown: the connection was lost".to_owned(),
        Some(Ending::NeverSent) => "never sent".to_owned(),
        None => "not answered".to_owned(),
    }
}

/// The servers that end elsewhere.
fn ends(original: &Tape, changed: &Tape, servers: &[ServerId]) -> String {
    let mut text = String::new();
    for server in servers {
        let one = standing(&original.chronicle, *server);
        let two = standing(&changed.chronicle, *server);
        if one != two {
            put(
                &mut text,
                format_args!("  original{one}\n  changed {two}\n"),
            );
        }
    }
    if text.is_empty() {
        "servers, in both: they end alike\n".to_owned()
    } else {
        format!("servers at the end\n{text}")
    }
}
