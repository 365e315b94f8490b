//! The passes of a shrink (dst.md §6.5): each offers candidates to the search, which adopts those that fail the same way.

use super::reshape;
use super::search::Search;
use crate::base::rng::Seed;
use crate::base::time::{Span, Time};
use crate::experiment::materialise;
use crate::experiment::scenario::Scenario;
use crate::experiment::scenario::operations::Operation;
use crate::sim::fault::Trigger;

/// How long after the failure a candidate may still fail: what is taken away moves what is left.
const GRACE_MS: u64 = 1_000;

/// The fewest voters that a shrink goes down to: an ensemble that can lose one.
const FEWEST_VOTERS: usize = 3;

/// Seeds that are tried for an ensemble of another size, whose weather is another anyway.
const FRESH_SEEDS: u64 = 3;

/// Cuts what comes after the failure: time, faults, operations.
pub(super) fn cut(search: &mut Search<'_>) {
    let end = cut_at(search.fails_at());
    let best = search.best();
    if end < best.limits.virtual_ms {
        let candidate = until(best, end);
        search.adopts(candidate);
    }
    // A failure that is only noticed at the end may be noticed at an earlier end.
    let mut step = search.best().limits.virtual_ms / 2;
    while step >= 250 && !search.is_over() {
        let end = search.best().limits.virtual_ms - step;
        if search.fails_at() > Time::from_ms(end) {
            let candidate = until(search.best(), end);
            search.adopts(candidate);
        }
        step /= 2;
    }
}

fn cut_at(fails_at: Time) -> u64 {
    fails_at.as_ms() + GRACE_MS
}

/// The scenario with an earlier end and without the faults that would have struck after it.
fn until(scenario: &Scenario, end: u64) -> Scenario {
    let mut candidate = scenario.clone();
    candidate.limits.virtual_ms = end.max(1);
    let end = Time::from_ms(end);
    candidate.plan.retain(|planned| match planned.trigger {
        Trigger::At(at) => at < end,
        Trigger::When { .. } => true,
    });
    if let Some(operations) = &mut candidate.operations {
        let is_due = |at: Span| Time::ZERO + at < end;
        operations.retain(|entry| entry.at.is_none_or(is_due));
    }
    candidate
}

/// Takes away as much as possible of a list: first large pieces, then smaller ones, at last single items.
pub(super) fn thin(
    search: &mut Search<'_>,
    count: impl Fn(&Scenario) -> usize,
    without: impl Fn(&Scenario, std::ops::Range<usize>) -> Scenario,
) {
    let mut size = count(search.best());
    while size > 0 {
        let mut start = 0;
        while start < count(search.best()) && !search.is_over() {
            let best = search.best().clone();
            let total = count(&best);
            let pieces = (start..total).step_by(size);
            let candidates = pieces.map(|from| without(&best, from..(from + size).min(total)));
            match search.adopt_first(candidates) {
                Some(place) => start += place * size,
                None => break,
            }
        }
        size = size.min(count(search.best())) / 2;
    }
}

/// Nodes and moments in place of roles and marks, where the failure stays: they do not shift when other faults go.
pub(super) fn resolve(search: &mut Search<'_>) {
    let resolved = materialise::resolve(search.best());
    search.adopts(resolved);
}

/// Takes faults away.
pub(super) fn faults(search: &mut Search<'_>) {
    thin(
        search,
        |scenario| scenario.plan.len(),
        |scenario, piece| {
            let mut candidate = scenario.clone();
            candidate.plan.drain(piece);
            candidate
        },
    );
}

/// Takes whole clients away.
pub(super) fn clients(search: &mut Search<'_>) {
    let present = |scenario: &Scenario| {
        let entries = scenario.operations.iter().flatten();
        let mut clients: Vec<u16> = entries.map(|entry| entry.client).collect();
        clients.dedup();
        clients
    };
    thin(
        search,
        |scenario| present(scenario).len(),
        |scenario, piece| {
            let gone = &present(scenario)[piece];
            let mut candidate = scenario.clone();
            if let Some(operations) = &mut candidate.operations {
                operations.retain(|entry| !gone.contains(&entry.client));
            }
            candidate
        },
    );
}

/// Takes operations away; a client that had some keeps its session.
pub(super) fn operations(search: &mut Search<'_>) {
    let is_operation = |entry: &&Operation| entry.op.is_some();
    thin(
        search,
        |scenario| {
            let entries = scenario.operations.iter().flatten();
            entries.filter(is_operation).count()
        },
        |scenario, piece| {
            let mut candidate = scenario.clone();
            let mut place = 0;
            if let Some(operations) = &mut candidate.operations {
                let clients: Vec<u16> = operations.iter().map(|entry| entry.client).collect();
                operations.retain(|entry| {
                    let is_in_piece = entry.op.is_some() && piece.contains(&place);
                    place += usize::from(entry.op.is_some());
                    !is_in_piece
                });
                for client in clients {
                    if !operations.iter().any(|entry| entry.client == client) {
                        let (op, at) = (None, None);
                        operations.push(Operation { client, op, at });
                    }
                }
                operations.sort_unstable();
            }
            candidate
        },
    );
}

/// Fewer servers: three voters, else four, and no observers; whether that came off.
pub(super) fn servers(search: &mut Search<'_>) -> bool {
    let best = search.best().clone();
    let voters: Vec<u16> = (1..=best.ensemble.voters.into()).collect();
    let mut is_smaller =
        best.ensemble.observers > 0 && search.adopts(reshape::with_servers(&best, &voters));
    for count in FEWEST_VOTERS..voters.len() {
        let best = search.best().clone();
        let observers = (1..=best.roster().servers()).skip(voters.len());
        let seeds = [best.seed].into_iter().chain((1..FRESH_SEEDS).map(Seed));
        let candidates = seeds.flat_map(|seed| {
            let (best, observers) = (&best, observers.clone());
            let choices = reshape::choices(&voters, count).into_iter();
            choices.map(move |mut kept| {
                kept.extend(observers.clone());
                let mut candidate = reshape::with_servers(best, &kept);
                candidate.seed = seed;
                candidate
            })
        });
        if search.adopt_first(candidates.collect::<Vec<_>>()).is_some() {
            is_smaller = true;
            break;
        }
    }
    is_smaller
}

/// Shorter faults, and marks that come sooner.
pub(super) fn durations(search: &mut Search<'_>) {
    for index in 0..search.best().plan.len() {
        while let Some(lasts) = search.best().plan[index].lasts {
            let mut candidate = search.best().clone();
            candidate.plan[index].lasts = Some(Span::from_us(lasts.as_us() / 2));
            if lasts < Span::from_ms(1) || !search.adopts(candidate) {
                break;
            }
        }
        if search.best().plan[index].flap.is_some() {
            let mut candidate = search.best().clone();
            candidate.plan[index].flap = None;
            search.adopts(candidate);
        }
        loop {
            let mut candidate = search.best().clone();
            let Trigger::When { nth, .. } = &mut candidate.plan[index].trigger else {
                break;
            };
            let is_first = *nth == 1;
            *nth = nth.div_ceil(2);
            if is_first || !search.adopts(candidate) {
                break;
            }
        }
    }
}

/// A moment of the scenario: of a fault or of an operation.
fn moments(scenario: &mut Scenario) -> Vec<&mut u64> {
    let mut all = Vec::new();
    for planned in &mut scenario.plan {
        if let Trigger::At(at) = &mut planned.trigger {
            all.push(&mut at.0);
        }
    }
    for entry in scenario.operations.iter_mut().flatten() {
        if let Some(at) = &mut entry.at {
            all.push(&mut at.0);
        }
    }
    all
}

/// Takes idle time out: what follows a gap comes earlier.
pub(super) fn gaps(search: &mut Search<'_>) {
    let mut done = 0;
    while !search.is_over() {
        let mut candidate = search.best().clone();
        let mut times: Vec<u64> = moments(&mut candidate).into_iter().map(|at| *at).collect();
        times.sort_unstable();
        let mut before = vec![0];
        before.extend_from_slice(&times);
        let gap = before
            .iter()
            .zip(&times)
            .map(|(from, to)| (*from, to - from))
            .find(|(from, gap)| *from >= done && *gap > Span::from_ms(200).0);
        let Some((from, gap)) = gap else { return };
        let cut = Span::from_ms(Span(gap / 2).as_ms()).0;
        for moment in moments(&mut candidate) {
            if *moment > from {
                *moment -= cut;
            }
        }
        if !search.adopts(candidate) {
            done = from + 1;
        }
    }
}

/// The times that round numbers are multiples of, roundest first.
const ROUND: [Span; 3] = [Span::from_ms(100), Span::from_ms(10), Span::from_ms(1)];

/// Round times, all together and then one by one.
pub(super) fn round_times(search: &mut Search<'_>) {
    let candidates: Vec<Scenario> = ROUND
        .iter()
        .map(|unit| {
            let mut candidate = search.best().clone();
            for length in lengths(&mut candidate) {
                round(length, *unit);
            }
            candidate
        })
        .collect();
    search.adopt_first(candidates);
    let mut probe = search.best().clone();
    for index in 0..lengths(&mut probe).len() {
        let candidates: Vec<Scenario> = ROUND
            .iter()
            .map(|unit| {
                let mut candidate = search.best().clone();
                round(lengths(&mut candidate)[index], *unit);
                candidate
            })
            .take_while(|candidate| candidate != search.best())
            .collect();
        search.adopt_first(candidates);
    }
}

/// Every moment and every duration.
fn lengths(scenario: &mut Scenario) -> Vec<&mut u64> {
    let mut all = Vec::new();
    for planned in &mut scenario.plan {
        match &mut planned.trigger {
            Trigger::At(at) => all.push(&mut at.0),
            Trigger::When { after, .. } => all.push(&mut after.0),
        }
        if let Some(lasts) = &mut planned.lasts {
            all.push(&mut lasts.0);
        }
    }
    for entry in scenario.operations.iter_mut().flatten() {
        if let Some(at) = &mut entry.at {
            all.push(&mut at.0);
        }
    }
    all
}

/// To the nearest multiple.
fn round(length: &mut u64, unit: Span) {
    *length = (*length + unit.0 / 2) / unit.0 * unit.0;
}

/// Small names: clients from 1, faults `f1`, `f2`, …, a small seed, no more operations' times than needed.
pub(super) fn names(search: &mut Search<'_>) {
    if let Some(candidate) = reshape::with_present_clients(search.best()) {
        search.adopts(candidate);
    }
    let mut candidate = search.best().clone();
    candidate.plan.sort_by_key(|planned| match planned.trigger {
        Trigger::At(at) => at,
        Trigger::When { .. } => Time::NEVER,
    });
    for (number, planned) in (1..).zip(&mut candidate.plan) {
        planned.id = format!("f{number}").into();
    }
    search.adopts(candidate);
    let mut candidate = search.best().clone();
    candidate.seed = Seed(1);
    search.adopts(candidate);
    renumber(search);
}

/// Operations by the smallest numbers: which requests they are changes with them.
fn renumber(search: &mut Search<'_>) {
    let mut candidate = search.best().clone();
    let mut last = (0, 0);
    for entry in candidate.operations.iter_mut().flatten() {
        let next = if entry.client == last.0 {
            last.1 + 1
        } else {
            1
        };
        if let Some(op) = &mut entry.op {
            *op = next;
            last = (entry.client, next);
        }
    }
    search.adopts(candidate);
}

/// The end right after the failure.
pub(super) fn tight_end(search: &mut Search<'_>) {
    let end = (search.fails_at().as_ms() / 100 + 1) * 100;
    if end < search.best().limits.virtual_ms {
        let mut candidate = search.best().clone();
        candidate.limits.virtual_ms = end;
        search.adopts(candidate);
    }
}
