//! What pictures of a run are made from: the numbers that its report has, operation by operation.

use std::collections::BTreeMap;

use crate::base::id::ServerId;
use crate::check::wording;
use crate::experiment::chronicle::Chronicle;
use crate::experiment::chronicle::histories::Histories;
use crate::experiment::chronicle::operations::{Ending, Operation};
use crate::experiment::chronicle::standing::{Doing, Standing};
use crate::history::fact::Fact;
use crate::report::data::clients::latency_us;
use crate::report::full::Full;
use crate::sim::sink::Stamp;

/// How an operation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// Answered.
    Ok,
    /// Refused.
    Failed,
    /// Nobody knows.
    Unknown,
}

/// An operation that was sent and ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    /// When it ended.
    pub at_ms: u64,
    /// How long it took.
    pub took_us: u64,
    /// How.
    pub how: How,
    /// Whether it changes anything.
    pub is_write: bool,
}

/// A fault, as long as it lasted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Band {
    /// Its name in the plan.
    pub label: String,
    /// From when.
    pub from_ms: u64,
    /// Until when.
    pub to_ms: u64,
}

/// What a server did for some time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// From when.
    pub from_ms: u64,
    /// Until when.
    pub to_ms: u64,
    /// What.
    pub doing: Doing,
    /// Its currentEpoch at the end.
    pub epoch: u32,
}

/// A server and what it did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Its name.
    pub name: String,
    /// In order of time.
    pub stretches: Vec<Stretch>,
}

/// The numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunFigures {
    /// Scenario and seed.
    pub title: String,
    /// When it ended.
    pub end_ms: u64,
    /// Operations in the order of their ends.
    pub points: Vec<Point>,
    /// Faults that did something.
    pub faults: Vec<Band>,
    /// Every server.
    pub servers: Vec<Server>,
    /// Reads by how many versions they were behind.
    pub versions_behind: BTreeMap<u64, u64>,
    /// Stale reads by how many milliseconds.
    pub ms_behind: BTreeMap<u64, u64>,
}

impl RunFigures {
    /// The numbers of a run.
    pub fn of(full: &Full<'_>) -> Self {
        let outcome = full.trace.outcome();
        let chronicle = full.trace.chronicle();
        let end_ms = outcome.virtual_time.as_ms().max(1);
        let mut points: Vec<Point> = chronicle
            .operations
            .list()
            .iter()
            .filter_map(point)
            .collect();
        points.sort_by_key(|point| point.at_ms);
        Self {
            title: format!("{} seed {}", full.report.scenario, full.report.seed),
            end_ms,
            points,
            faults: bands(full, chronicle, end_ms),
            servers: servers(&full.trace.history().facts, end_ms),
            versions_behind: outcome.staleness.versions.clone(),
            ms_behind: outcome.staleness.ms.clone(),
        }
    }

    /// The operations that were answered or refused.
    pub fn answered(&self) -> impl Iterator<Item = &Point> + Clone {
        let points = self.points.iter();
        points.filter(|point| point.how != How::Unknown)
    }
}

fn point(operation: &Operation) -> Option<Point> {
    let (at, ending) = operation.ended.as_ref()?;
    let how = match ending {
        Ending::Ok(_) => How::Ok,
        Ending::Failed(_) => How::Failed,
        Ending::Unknown => How::Unknown,
        Ending::NeverSent => return None,
    };
    let until_end = at.time.since(operation.invoked.time).as_us();
    Some(Point {
        at_ms: at.time.as_ms(),
        took_us: latency_us(operation).unwrap_or(until_end).max(1),
        how,
        is_write: is_write(operation),
    })
}

fn is_write(operation: &Operation) -> bool {
    let words = wording::request(&operation.request);
    let kind = words.split(' ').next().unwrap_or_default();
    ["create", "delete", "set", "multi", "close"]
        .iter()
        .any(|write| kind.starts_with(write))
}

fn bands(full: &Full<'_>, chronicle: &Chronicle, end_ms: u64) -> Vec<Band> {
    let label = |index: u32| {
        let lines = full.report.faults.iter().zip(&chronicle.faults);
        let mut own = lines.filter(|(_, struck)| struck.index == index);
        own.next()
            .map_or_else(String::new, |(line, _)| line.id.clone().unwrap_or_default())
    };
    let effective = chronicle.faults.iter().filter(|struck| struck.effective);
    effective
        .map(|struck| Band {
            label: label(struck.index),
            from_ms: struck.began.time.as_ms(),
            to_ms: struck.ended.map_or(end_ms, |end| end.time.as_ms()),
        })
        .collect()
}

fn servers(facts: &[(Stamp, Fact)], end_ms: u64) -> Vec<Server> {
    let mut standings: BTreeMap<ServerId, (Standing, u64)> = BTreeMap::new();
    let mut histories = Histories::default();
    let mut stretches: BTreeMap<ServerId, Vec<Stretch>> = BTreeMap::new();
    let mut close = |server: ServerId, standing: &Standing, from_ms: u64, to_ms: u64| {
        if to_ms > from_ms {
            stretches.entry(server).or_default().push(Stretch {
                from_ms,
                to_ms,
                doing: standing.doing,
                epoch: standing.current.0,
            });
        }
    };
    for (at, fact) in facts {
        let Some(server) = Standing::subject(fact) else {
            continue;
        };
        let (standing, since) = standings.entry(server).or_default();
        let before = *standing;
        standing.observe(fact, &mut histories);
        if before.doing != standing.doing {
            let now = at.time.as_ms();
            close(server, &before, *since, now);
            *since = now;
        }
    }
    for (server, (standing, since)) in &standings {
        close(*server, standing, *since, end_ms);
    }
    let named = |(server, stretches): (ServerId, Vec<Stretch>)| Server {
        name: format!("server {server}"),
        stretches,
    };
    stretches.into_iter().map(named).collect()
}
