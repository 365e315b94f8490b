//! A line per entry, for tables: RFC 4180, with a header.

use super::tape::{Entry, Names, Scribe, What};
use super::{Pen, flat};
use crate::base::id::NodeId;
use crate::base::zxid::Zxid;
use crate::experiment::scenario::Scenario;
use crate::report::trace::kinds::Described;

pub(super) const HEADER: &str = "event,time_ns,node,what,kind,link,peer,message,zxid,text";

pub(super) struct Csv<'a, 'b> {
    names: Names,
    pen: &'a mut Pen<'b>,
}

impl<'a, 'b> Csv<'a, 'b> {
    pub(super) fn new(scenario: &Scenario, pen: &'a mut Pen<'b>) -> Self {
        pen.put(format_args!("{HEADER}\r\n"));
        let names = Names::of(scenario);
        Self { names, pen }
    }

    fn name(&self, node: Option<NodeId>) -> &str {
        node.map_or("", |node| self.names.name(node))
    }
}

/// What differs between the kinds of entries.
struct Cells<'a> {
    what: &'static str,
    described: Option<&'a Described>,
    peer: Option<NodeId>,
    message: Option<u64>,
    text: &'a str,
}

impl Scribe for Csv<'_, '_> {
    fn take(&mut self, entry: &Entry<'_>) {
        let cells = cells(&entry.what);
        let kind = cells.described.map_or("", |described| described.kind.name);
        let link = cells.described.and_then(|described| described.kind.link);
        let zxid = cells
            .described
            .map_or(Zxid::ZERO, |described| described.zxid);
        let zxid = if zxid == Zxid::ZERO {
            String::new()
        } else {
            zxid.to_string()
        };
        let message = cells
            .message
            .map_or_else(String::new, |number| number.to_string());
        let cells = [
            entry.at.event.0.to_string(),
            entry.at.time.0.to_string(),
            self.name(entry.node).to_owned(),
            cells.what.to_owned(),
            kind.to_owned(),
            link.unwrap_or("").to_owned(),
            self.name(cells.peer).to_owned(),
            message,
            zxid,
            flat(cells.text),
        ];
        let row: Vec<String> = cells.into_iter().map(quoted).collect();
        self.pen.put(format_args!("{}\r\n", row.join(",")));
    }
}

fn cells<'a>(what: &'a What<'a>) -> Cells<'a> {
    let of = |what, described: &'a Described| Cells {
        what,
        described: Some(described),
        peer: None,
        message: None,
        text: &described.text,
    };
    match what {
        What::Sent {
            message,
            to,
            described,
        } => Cells {
            peer: Some(*to),
            message: Some(*message),
            ..of("sent", described)
        },
        What::Received {
            message,
            from,
            described,
        } => Cells {
            peer: *from,
            message: message.map(|letter| letter.number),
            ..of("received", described)
        },
        What::Input(described) => of("input", described),
        What::Fact(_, words) => Cells {
            what: "fact",
            described: None,
            peer: None,
            message: None,
            text: words,
        },
    }
}

fn quoted(cell: String) -> String {
    if cell.contains([',', '"']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell
    }
}
