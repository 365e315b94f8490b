//! What a shrink came to, in words: the sizes, and a table of what happens without each thing that is left.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::faults;
use crate::cast::Witness;
use crate::check::wording;
use crate::experiment::run::play;
use crate::experiment::scenario::Scenario;
use crate::experiment::scenario::draws;
use crate::experiment::scenario::operations::Operation;
use crate::experiment::shrink::{Item, Need, Shrunk, Size, Without};
use crate::history::fact::Fact;
use crate::sim::sink::Stamp;

/// A line of the table of needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NeedLine {
    /// `fault`, `operation`, `client`, `server`, `mutant`, `override` or `noise`.
    pub kind: &'static str,
    /// Its name in the file.
    pub name: String,
    /// What it does.
    pub what: String,
    /// `holds`, `same`, `untried`, or the failure that shows without it.
    pub without: String,
}

/// The table of needs of a shrink.
pub fn needs(shrunk: &Shrunk) -> Vec<NeedLine> {
    let mut requests = Requests::default();
    play(&shrunk.scenario, &mut requests);
    shrunk
        .needs
        .iter()
        .map(|need| line(need, &shrunk.scenario, &requests))
        .collect()
}

/// The text of a shrink.
pub fn text(shrunk: &Shrunk, needs: &[NeedLine]) -> String {
    let mut text = String::new();
    let put = |text: &mut String, line: std::fmt::Arguments<'_>| {
        text.write_fmt(line).expect("a string takes any text");
    };
    put(&mut text, format_args!("failure     {}\n", shrunk.failure));
    put(
        &mut text,
        format_args!("before      {}\n", size(shrunk.before)),
    );
    put(
        &mut text,
        format_args!("after       {}\n", size(shrunk.after)),
    );
    let ended = if shrunk.complete {
        ""
    } else {
        "; ended before nothing more could be taken away"
    };
    put(
        &mut text,
        format_args!("runs        {}{ended}\n", shrunk.runs),
    );
    for slip in &shrunk.slips {
        put(
            &mut text,
            format_args!("met         {}, not followed\n", slip.failure),
        );
    }
    put(
        &mut text,
        format_args!(
            "\nneeded      what                                                        without it\n"
        ),
    );
    for line in needs {
        put(
            &mut text,
            format_args!(
                "{:<11} {:<59} {}\n",
                line.kind,
                format!("{}: {}", line.name, line.what),
                line.without
            ),
        );
    }
    text
}

/// A size in words.
pub fn size(size: Size) -> String {
    let Size {
        faults,
        operations,
        clients,
        servers,
    } = size;
    format!("{faults} faults, {operations} operations of {clients} clients, {servers} servers")
}

fn line(need: &Need, scenario: &Scenario, requests: &Requests) -> NeedLine {
    let (kind, name, what) = match &need.item {
        Item::Fault(id) => {
            let planned = scenario.plan.iter().find(|planned| *planned.id == **id);
            let what = planned.map_or_else(String::new, |planned| {
                let fault = faults::fault(&planned.fault, scenario.roster());
                let lasts = planned
                    .lasts
                    .map_or_else(String::new, |lasts| format!(" for {lasts}"));
                format!(
                    "{fault} {}{lasts}",
                    faults::trigger(&planned.trigger, scenario.roster())
                )
            });
            ("fault", id.clone(), what)
        }
        Item::Operation(operation) => ("operation", operation_name(operation), {
            let op = operation.op.unwrap_or_default();
            let asked = requests.0.get(&(operation.client, op));
            asked
                .cloned()
                .unwrap_or_else(|| "never handed in".to_owned())
        }),
        Item::Client(client) => ("client", format!("c{client}"), "its session".to_owned()),
        Item::Server(server) => ("server", server.to_string(), "a server".to_owned()),
        Item::Mutant(id) => ("mutant", id.clone(), "planted".to_owned()),
        Item::Draw(exception) => (
            "override",
            draws::name(exception.which, scenario.roster()),
            exception.value.to_string(),
        ),
        Item::Noise(name) => (
            "noise",
            (*name).to_owned(),
            "not as in a plain scenario".to_owned(),
        ),
    };
    let without = match need.without {
        Without::Holds => "holds".to_owned(),
        Without::Other(failure) => failure.to_string(),
        Without::Same => "the same".to_owned(),
        Without::Untried => "untried".to_owned(),
    };
    NeedLine {
        kind,
        name,
        what,
        without,
    }
}

fn operation_name(operation: &Operation) -> String {
    let op = operation.op.unwrap_or_default();
    format!("c{} op {op}", operation.client)
}

/// What clients ask for, by client and number.
#[derive(Debug, Default)]
struct Requests(BTreeMap<(u16, u64), String>);

impl Witness for Requests {
    fn witness(&mut self, _at: Stamp, fact: &Fact) {
        if let Fact::Invoked {
            client,
            op,
            request,
            ..
        } = fact
        {
            let what = wording::request(request);
            self.0.insert((client.0, *op), what);
        }
    }
}
