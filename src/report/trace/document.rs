//! From a recorded run to the columns of its file, with the rows that are kept.

use std::collections::BTreeMap;

use super::columns::{
    Checks, Document, Events, Facts, Fault, Field, Kept, Lost, Node, Operations, State, Txns,
    ViolationRows, Watches, deltas, deltas_by,
};
use super::recorder::{self, FIELDS, ROLES, Row, Told};
use super::{Trace, node_of};
use crate::base::id::NodeId;
use crate::base::zxid::Zxid;
use crate::check::wording;
use crate::experiment::chronicle::Struck;
use crate::experiment::chronicle::operations::Ending;
use crate::history::fact::Change;
use crate::report::{faults, phrase};

/// Where each row of the run is among those kept.
struct Places {
    /// For each row: its place, or that of the next one kept, and whether it is kept itself.
    places: Vec<(usize, bool)>,
    count: usize,
}

impl Places {
    fn new(keep: &[bool]) -> Self {
        let mut count = 0;
        let place = |kept: &bool| {
            let place = (count, *kept);
            count += usize::from(*kept);
            place
        };
        Self {
            places: keep.iter().map(place).collect(),
            count,
        }
    }

    /// The place of a row that is kept.
    fn exact(&self, row: usize) -> Option<usize> {
        let (place, kept) = *self.places.get(row)?;
        kept.then_some(place)
    }

    /// The place from which on what happened in a row is to be seen; none if nothing is kept after it.
    fn since(&self, row: usize) -> Option<usize> {
        let (place, _) = *self.places.get(row)?;
        (place < self.count).then_some(place)
    }

    fn exact_or_none(&self, row: Option<usize>) -> i64 {
        row.and_then(|row| self.exact(row)).map_or(-1, int)
    }
}

fn int(value: usize) -> i64 {
    i64::try_from(value).expect("a run has fewer rows")
}

fn epoch(zxid: Zxid) -> i64 {
    i64::from(zxid.epoch().0)
}

fn counter(zxid: Zxid) -> i64 {
    i64::from(zxid.counter())
}

impl Trace<'_> {
    /// The columns, with these rows.
    pub(super) fn document(&mut self, keep: &[bool]) -> Document<'_> {
        let places = Places::new(keep);
        let late = self.late_texts();
        let lost = self.lost_kinds();
        let strings = std::mem::take(&mut self.recorder.strings);
        let mut kept = Kept::new(&strings);
        let document = Document {
            format: "zablab-trace",
            v: 2,
            total: self.recorder.rows.len(),
            count: places.count,
            strings: Vec::new(),
            nodes: self.nodes(),
            kinds: &[],
            events: self.events(&places, &mut kept),
            lost: self.lost(&places, &lost, &mut kept),
            facts: self.facts(&places, &mut kept),
            txns: self.txns(&late, &mut kept),
            fields: fields(),
            state: self.state(&places, &mut kept),
            watches: self.watches(&places, &late, &mut kept),
            operations: self.operations(&places, &late, &mut kept),
            faults: self.faults(&places),
            checks: self.checks(&places),
            violations: self.violations(&places),
        };
        let texts = kept.list();
        self.recorder.strings = strings;
        Document {
            strings: texts,
            kinds: &self.recorder.kinds,
            ..document
        }
    }

    /// Texts that no row needed: of transactions, operations, watches.
    fn late_texts(&mut self) -> Late {
        let mut late = Late::default();
        let strings = &mut self.recorder.strings;
        for link in self.recorder.chronicle.histories.links() {
            let text = link.txn.as_ref().map_or("", |txn| &txn.text);
            late.txns.push(strings.intern(text));
            let changes = link.txn.iter().flat_map(|txn| &txn.changes);
            let changes = changes.map(|change| {
                let (op, subject, version) = changed(change);
                (op, strings.intern(&subject), version)
            });
            late.changes.push(changes.collect());
        }
        for operation in self.recorder.chronicle.operations.list() {
            let request = strings.intern(&wording::request(&operation.request));
            let answer = match &operation.ended {
                Some((_, Ending::Ok(response))) => phrase::response(response),
                Some((_, Ending::Failed(code))) => format!("{code:?}"),
                Some((_, Ending::Unknown | Ending::NeverSent)) | None => String::new(),
            };
            late.operations.push((request, strings.intern(&answer)));
        }
        for change in &self.recorder.watches.changes {
            late.watches.push(strings.intern(&change.what));
        }
        late
    }

    fn lost_kinds(&mut self) -> Vec<(u32, Zxid, u32)> {
        let lost = std::mem::take(&mut self.recorder.lost);
        let described = lost
            .iter()
            .map(|(sent, _)| self.recorder.describe(&sent.msg));
        let described = described.collect();
        self.recorder.lost = lost;
        described
    }

    fn nodes(&self) -> Vec<Node> {
        let recorder = &self.recorder;
        let roster = recorder.roster();
        let servers = roster.servers();
        (1..=servers + roster.clients)
            .map(|number| {
                let (name, short) = recorder::names(recorder.config(), NodeId(number));
                let is_server = number <= servers;
                Node {
                    name,
                    short,
                    kind: if is_server { "server" } else { "client" },
                    observer: is_server && number > u16::from(roster.voters),
                }
            })
            .collect()
    }

    fn events(&self, places: &Places, strings: &mut Kept<'_>) -> Events {
        let all = self.recorder.rows.iter().enumerate();
        let rows: Vec<(usize, &Row)> = all
            .filter_map(|(index, row)| Some((places.exact(index)?, row)))
            .collect();
        let cause = |(place, row): &(usize, &Row)| {
            let cause = row.cause.and_then(|cause| places.exact(cause));
            cause.map_or(0, |cause| int(place - cause))
        };
        // Who caused a message has sent it.
        let peer = |(place, row): &(usize, &Row)| {
            let is_told =
                self.recorder.kind_of(row).class == "message" && cause(&(*place, row)) > 0;
            if is_told { 0 } else { row.peer }
        };
        let zxids = |half: fn(Zxid) -> i64| {
            let of = move |(_, row): &(usize, &Row)| ((row.kind, row.node), half(row.zxid));
            rows.iter().map(of)
        };
        let number = |value: u64| i64::try_from(value).expect("events and times are smaller");
        Events {
            number: deltas(rows.iter().map(|(_, row)| number(row.event))),
            t: deltas(rows.iter().map(|(_, row)| number(row.time_us))),
            kind: rows.iter().map(|(_, row)| row.kind).collect(),
            node: rows.iter().map(|(_, row)| row.node).collect(),
            peer: rows.iter().map(peer).collect(),
            cause: rows.iter().map(cause).collect(),
            epoch: deltas_by(zxids(epoch)),
            counter: deltas_by(zxids(counter)),
            text: rows
                .iter()
                .map(|(_, row)| strings.number(row.text))
                .collect(),
        }
    }

    fn lost(&self, places: &Places, kinds: &[(u32, Zxid, u32)], strings: &mut Kept<'_>) -> Lost {
        let all = self.recorder.lost.iter().zip(kinds);
        let rows: Vec<_> = all
            .filter_map(|((sent, end), described)| {
                let end = places.exact_or_none(*end);
                Some((places.exact(sent.row)?, sent.to, end, *described))
            })
            .collect();
        Lost {
            row: deltas(rows.iter().map(|(row, ..)| int(*row))),
            to: rows.iter().map(|(_, to, ..)| *to).collect(),
            end: rows.iter().map(|(_, _, end, _)| *end).collect(),
            kind: rows.iter().map(|(.., (kind, _, _))| *kind).collect(),
            epoch: deltas(rows.iter().map(|(.., (_, zxid, _))| epoch(*zxid))),
            counter: deltas(rows.iter().map(|(.., (_, zxid, _))| counter(*zxid))),
            text: rows
                .iter()
                .map(|(.., (_, _, text))| strings.number(*text))
                .collect(),
        }
    }

    fn facts(&self, places: &Places, strings: &mut Kept<'_>) -> Facts {
        let all = self.recorder.told.iter();
        let told: Vec<_> = all
            .filter_map(|told| Some((places.exact(told.row)?, told)))
            .collect();
        // Most facts are about the node of their row: 0.
        let node = |told: &Told| {
            let is_own = self.recorder.rows[told.row].node == told.node;
            if is_own { 0 } else { told.node }
        };
        let zxids = |half: fn(Zxid) -> i64| {
            let of = move |(_, told): &(usize, &Told)| ((told.text, told.node), half(told.zxid));
            told.iter().map(of)
        };
        Facts {
            row: deltas(told.iter().map(|(row, _)| int(*row))),
            node: told.iter().map(|(_, told)| node(told)).collect(),
            text: told
                .iter()
                .map(|(_, told)| strings.number(told.text))
                .collect(),
            epoch: deltas_by(zxids(epoch)),
            counter: deltas_by(zxids(counter)),
        }
    }

    fn txns(&self, late: &Late, strings: &mut Kept<'_>) -> Txns {
        let links = self.recorder.chronicle.histories.links();
        let parent = |(id, parent): (i64, i64)| id - parent;
        let ids = (1..).zip(links.iter().map(|link| i64::from(link.parent.0)));
        Txns {
            parent: ids.map(parent).collect(),
            epoch: deltas(links.iter().map(|link| epoch(link.zxid))),
            counter: deltas(links.iter().map(|link| counter(link.zxid))),
            text: late.txns.iter().map(|text| strings.number(*text)).collect(),
            changes: late
                .changes
                .iter()
                .map(|changes| {
                    let of = |(op, path, version): &(u32, u32, i64)| {
                        (*op, strings.number(*path), *version)
                    };
                    changes.iter().map(of).collect()
                })
                .collect(),
        }
    }

    /// Changes in rows that are left out are to be seen from the next row on; of several the last counts.
    fn state(&self, places: &Places, strings: &mut Kept<'_>) -> State {
        let mut last: BTreeMap<(usize, u32, usize), u32> = BTreeMap::new();
        for changed in &self.recorder.changed {
            if let Some(row) = places.since(changed.row) {
                last.insert((row, changed.node, changed.field), changed.value);
            }
        }
        let mut value = |((_, _, field), value): (&(usize, u32, usize), &u32)| {
            if FIELDS[*field].1 == Some("string") {
                strings.number(*value)
            } else {
                *value
            }
        };
        let values: Vec<i64> = last.iter().map(|change| i64::from(value(change))).collect();
        let groups = last.keys().map(|(_, node, field)| (*node, *field));
        State {
            row: deltas(last.keys().map(|(row, ..)| int(*row))),
            node: last.keys().map(|(_, node, _)| node - 1).collect(),
            field: last
                .keys()
                .map(|(.., field)| u32::try_from(*field).expect("fields are few"))
                .collect(),
            value: deltas_by(groups.zip(values)),
        }
    }

    fn watches(&self, places: &Places, late: &Late, strings: &mut Kept<'_>) -> Watches {
        let all = self.recorder.watches.changes.iter().zip(&late.watches);
        let rows: Vec<_> = all
            .filter_map(|(change, text)| Some((places.since(change.row)?, change, *text)))
            .collect();
        Watches {
            row: deltas(rows.iter().map(|(row, ..)| int(*row))),
            node: rows.iter().map(|(_, change, _)| change.node - 1).collect(),
            path: rows
                .iter()
                .map(|(.., text)| strings.number(*text))
                .collect(),
            armed: rows
                .iter()
                .map(|(_, change, _)| u32::from(change.is_held))
                .collect(),
        }
    }

    fn operations(&self, places: &Places, late: &Late, strings: &mut Kept<'_>) -> Operations {
        let recorder = &self.recorder;
        let mut columns = Operations::default();
        let (mut invoked, mut zxids, mut numbers) = (Vec::new(), Vec::new(), Vec::new());
        let all = recorder.chronicle.operations.list().iter();
        for (operation, (request, answer)) in all.zip(&late.operations) {
            let node = node_of(recorder, operation.client);
            let at = |event: u64| recorder.row_of(event, Some(node));
            let Some(row) = places.exact(at(operation.invoked.event.0)) else {
                continue;
            };
            let ended = operation.ended.as_ref();
            invoked.push(int(row));
            columns.node.push(node - 1);
            numbers.push((
                node,
                i64::try_from(operation.number).expect("numbers are small"),
            ));
            let returned = ended.map(|(when, _)| at(when.event.0));
            columns.returned.push(places.exact_or_none(returned));
            columns.outcome.push(match ended {
                None => 0,
                Some((_, Ending::Ok(_))) => 1,
                Some((_, Ending::Failed(_))) => 2,
                Some((_, Ending::Unknown)) => 3,
                Some((_, Ending::NeverSent)) => 4,
            });
            columns.request.push(strings.number(*request));
            columns.answer.push(strings.number(*answer));
            zxids.push(operation.zxid.unwrap_or(Zxid::ZERO));
            let ordered = operation.ordered;
            let ordered = ordered.map(|when| recorder.row_of(when.event.0, None));
            columns.order.push(places.exact_or_none(ordered));
        }
        columns.number = deltas_by(numbers.into_iter());
        columns.invoked = deltas(invoked.into_iter());
        columns.epoch = deltas(zxids.iter().map(|zxid| epoch(*zxid)));
        columns.counter = deltas(zxids.iter().map(|zxid| counter(*zxid)));
        columns
    }

    fn faults(&self, places: &Places) -> Vec<Fault> {
        let recorder = &self.recorder;
        let fault = |struck: &Struck| {
            let index = usize::try_from(struck.index).ok();
            let planned = index.and_then(|index| self.scenario.plan.get(index));
            let row = |event: u64| recorder.row_of(event, Some(0));
            let end = struck.ended.map(|at| row(at.event.0));
            Fault {
                id: planned.map_or_else(String::new, |planned| planned.id.to_string()),
                text: planned.map_or_else(
                    || "a fault that the end of the run brings".to_owned(),
                    |planned| faults::fault(&planned.fault, recorder.roster()),
                ),
                kind: planned.map_or("injected", |planned| planned.fault.name()),
                nodes: struck
                    .targets
                    .iter()
                    .filter_map(|name| node_named(name, recorder.roster().servers()))
                    .collect(),
                row: places.since(row(struck.began.event.0)).map_or(-1, int),
                end: end.and_then(|row| places.since(row)).map_or(-1, int),
                effective: struck.effective,
            }
        };
        recorder.chronicle.faults.iter().map(fault).collect()
    }

    fn checks(&self, places: &Places) -> Checks {
        let all = self.checks.iter();
        let (row, exercised) = all
            .filter_map(|(event, exercised)| {
                let row = places.since(self.recorder.row_of(*event, None))?;
                Some((int(row), exercised.clone()))
            })
            .unzip();
        Checks { row, exercised }
    }

    fn violations(&self, places: &Places) -> Vec<ViolationRows> {
        let row = |event: u64| {
            let row = self.recorder.row_of(event, None);
            places.since(row).map_or(-1, int)
        };
        let all = self.outcome.violations.iter().enumerate();
        all.map(|(index, violation)| ViolationRows {
            index,
            row: row(violation.at.event.0),
            story: violation
                .story
                .iter()
                .map(|sentence| row(sentence.at.event.0))
                .collect(),
        })
        .collect()
    }
}

/// Numbers of texts that belong to no row.
#[derive(Default)]
struct Late {
    txns: Vec<u32>,
    changes: Vec<Vec<(u32, u32, i64)>>,
    operations: Vec<(u32, u32)>,
    watches: Vec<u32>,
}

fn fields() -> Vec<Field> {
    let field = |(index, (name, of)): (usize, &(&'static str, Option<&'static str>))| Field {
        name,
        values: (index == 0).then_some(ROLES),
        of: *of,
    };
    FIELDS.iter().enumerate().map(field).collect()
}

/// What a transaction changes: operation, subject, version.
fn changed(change: &Change) -> (u32, String, i64) {
    match change {
        Change::Create { path, .. } => (0, path.to_string(), 0),
        Change::Delete { path } => (1, path.to_string(), -1),
        Change::SetData { path, version, .. } => (2, path.to_string(), i64::from(*version)),
        Change::SetAcl { path } => (3, path.to_string(), -1),
        Change::OpenSession { session, .. } => (4, session.to_string(), -1),
        Change::CloseSession { session } => (5, session.to_string(), -1),
    }
}

/// The node of this name: servers are told as `1`, clients as `c1`.
fn node_named(name: &str, servers: u16) -> Option<u32> {
    let number = match name.strip_prefix('c') {
        Some(client) => client.parse::<u16>().ok()? + servers,
        None => name.parse().ok()?,
    };
    Some(u32::from(number) - 1)
}
