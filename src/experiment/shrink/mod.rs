//! Shrinking: from a scenario that fails to a small one that fails the same way, and why each thing left in it is needed
//! (dst.md §6.5).
//!
//! ```text
//!   materialise ─▶ servers ─▶ cut ─▶ list operations ─▶ resolve ─▶ ┌ faults · clients · operations · servers ┐
//!                                                                  └ noise · durations · gaps, until calm    ┘
//!               ─▶ single draws ─▶ round times ─▶ short names ─▶ tight end ─▶ prove each need
//! ```
//! The order is fixed, the budget is in runs, and whatever is best when it ends is the result.

pub mod failure;
mod necessity;
mod noise;
mod passes;
mod reshape;
mod search;

use std::collections::BTreeMap;

use super::materialise::materialise;
use super::run::{Nobody, Run};
use super::scenario::Scenario;
use super::scenario::operations::Operation;
use super::scenario::sections::{Core, Expect, Expected};
use crate::base::id::NodeId;
use crate::base::time::{Span, Time};
use crate::cast::Witness;
use crate::check::verdict::{Property, Verdict};
use crate::client::library::NUMBERS_PER_LIFE;
use crate::history::fact::Fact;
use crate::sim::fault::Planned;
use crate::sim::sink::{Happening, Sink, Stamp};
use crate::words::Words;
use failure::{Failure, attempt};
pub use necessity::{Item, Need, Without};
use search::Search;
pub use search::{Budget, Tell};

/// How large a failing scenario is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Faults in its plan.
    pub faults: usize,
    /// Operations of its clients until it fails.
    pub operations: usize,
    /// Clients that take part.
    pub clients: usize,
    /// Servers.
    pub servers: usize,
}

impl Size {
    /// The size of a scenario whose operations are listed.
    pub fn of(scenario: &Scenario) -> Self {
        let entries = || scenario.operations.iter().flatten();
        let mut clients: Vec<u16> = entries().map(|entry| entry.client).collect();
        clients.dedup();
        Self {
            faults: scenario.plan.len(),
            operations: entries().filter(|entry| entry.op.is_some()).count(),
            clients: clients.len(),
            servers: scenario.roster().servers().into(),
        }
    }

    /// Faults, operations and servers above three: what a reader has to follow.
    pub fn items(self) -> usize {
        self.faults + self.operations + self.servers.saturating_sub(3)
    }
}

/// Another failure that a shrink met: not followed, but not forgotten.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slip {
    /// Which.
    pub failure: Failure,
    /// The last scenario that showed it.
    pub scenario: Scenario,
}

/// What a shrink came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shrunk {
    /// The small scenario; it expects its failure.
    pub scenario: Scenario,
    /// The failure that was kept.
    pub failure: Failure,
    /// How large the scenario was.
    pub before: Size,
    /// How large it is.
    pub after: Size,
    /// Runs of the search and of the proof.
    pub runs: u64,
    /// Whether the search came to its end; false when the budget or somebody ended it.
    pub complete: bool,
    /// What happens without each thing that is left.
    pub needs: Vec<Need>,
    /// Other failures that were met.
    pub slips: Vec<Slip>,
}

/// The scenario does not fail, or not in the way that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoFailure {
    /// It does not fail at all.
    #[error("the scenario does not fail; expected a violated or undecided run to shrink")]
    AtAll,
    /// It fails, but not this property.
    #[error("the scenario does not fail {0}; leave --property out to shrink its first failure")]
    Of(Property),
}

/// Shrinks a scenario, keeping its first failure or the first of one property; `tell` hears of every step.
///
/// # Errors
/// When the scenario does not fail that way.
pub fn shrink(
    scenario: &Scenario,
    wanted: Option<Property>,
    budget: Budget<'_>,
    tell: &mut Tell<'_>,
) -> Result<Shrunk, NoFailure> {
    let start = materialise(scenario);
    let outcome = Run::start(&start).conclude(&mut Nobody, &mut ());
    let (failure, at) = Failure::of(&outcome)
        .into_iter()
        .find(|(failure, _)| wanted.is_none() || failure.property() == wanted)
        .ok_or(wanted.map_or(NoFailure::AtAll, NoFailure::Of))?;
    let listed = list_operations(&start, at.time);
    let before = Size::of(&listed);
    let play = |candidate: &Scenario| attempt(candidate, failure);
    let mut start = start;
    judge_only_what_is_asked(&mut start, failure);
    let mut search = Search::new(start, at.time, &play, budget, tell);
    let complete = run_passes(&mut search, listed.operations);
    let small = search.best().clone();
    let needs = necessity::prove(&mut search, &small);
    let runs = search.runs() + 1;
    let slips = search.others().iter();
    let slips = slips
        .map(|(failure, scenario)| Slip {
            failure: *failure,
            scenario: scenario.clone(),
        })
        .collect();
    let listed = list_operations(&small, search.fails_at());
    Ok(Shrunk {
        after: Size::of(&listed),
        scenario: expecting(small, failure),
        failure,
        before,
        runs,
        complete,
        needs,
        slips,
    })
}

/// Properties that need time after the last fault are left out unless they are what fails.
fn judge_only_what_is_asked(scenario: &mut Scenario, failure: Failure) {
    const LATE: [Property; 6] = [
        Property::RecipeLiveness,
        Property::ConfigConverges,
        Property::MembershipConverges,
        Property::Liveness,
        Property::Convergence,
        Property::Answered,
    ];
    let is_late = failure
        .property()
        .is_some_and(|property| LATE.contains(&property));
    if !is_late && failure != Failure::Budget {
        scenario.check.retain(|property| !LATE.contains(property));
        scenario.limits.core = Core::Healed;
    }
}

/// Plays every pass until nothing gets smaller; whether it came that far.
fn run_passes(search: &mut Search<'_>, operations: Option<Vec<Operation>>) -> bool {
    // Another ensemble is another run, so that this comes first, while much else may still make it fail.
    let is_smaller = passes::servers(search);
    passes::cut(search);
    fix_operations(search, operations.filter(|_| !is_smaller));
    passes::resolve(search);
    until_calm(search);
    let noisy = search.best().clone();
    noise::draws(search);
    if noisy != *search.best() {
        until_calm(search);
    }
    passes::round_times(search);
    passes::names(search);
    passes::tight_end(search);
    !search.is_over()
}

/// Takes away what can be, pass by pass, until a whole round finds nothing.
fn until_calm(search: &mut Search<'_>) {
    let mut last = None;
    while last.as_ref() != Some(search.best()) && !search.is_over() {
        last = Some(search.best().clone());
        passes::faults(search);
        passes::clients(search);
        passes::operations(search);
        passes::cut(search);
        passes::servers(search);
        noise::domains(search);
        passes::durations(search);
        passes::gaps(search);
    }
}

/// Lists the operations with their times, so that taking something away does not move them; without times if that is
/// another run.
fn fix_operations(search: &mut Search<'_>, operations: Option<Vec<Operation>>) {
    if search.best().operations.is_some() || search.is_over() {
        return;
    }
    let mut timed = search.best().clone();
    timed.operations = operations.or_else(|| list_operations(&timed, search.fails_at()).operations);
    let mut untimed = timed.clone();
    for entry in untimed.operations.iter_mut().flatten() {
        entry.at = None;
    }
    search.adopt_first([timed, untimed]);
}

/// The scenario with the operations listed that its clients hand in until a moment.
fn list_operations(scenario: &Scenario, until: Time) -> Scenario {
    let mut listed = scenario.clone();
    if listed.operations.is_none() {
        let roster = scenario.roster();
        let mut lives = Lives::default();
        let mut hands = Invocations::default();
        let mut run = Run::start(scenario);
        run.advance(until, &mut hands, &mut lives);
        let mut operations: Vec<Operation> = (1..=roster.clients)
            .filter(|client| !hands.0.iter().any(|(other, ..)| other == client))
            .map(|client| Operation {
                client,
                op: None,
                at: None,
            })
            .collect();
        operations.extend(hands.0.iter().map(|(client, op, time)| {
            let life = u32::try_from(op / NUMBERS_PER_LIFE).expect("lives are few") + 1;
            let born = lives.0.get(&(roster.client(*client), life));
            let at = born.map(|born| Span::from_us(time.since(*born).as_us()));
            let (client, op) = (*client, Some(*op));
            Operation { client, op, at }
        }));
        operations.sort_unstable();
        listed.operations = Some(operations);
    }
    listed
}

/// When each life of each node began.
#[derive(Debug, Default)]
struct Lives(BTreeMap<(NodeId, u32), Time>);

impl Sink<Words> for Lives {
    fn happening(&mut self, at: Stamp, what: &Happening, _plan: &[Planned]) {
        if let Happening::Started { node, life } = what {
            self.0.insert((*node, *life), at.time);
        }
    }
}

/// What clients handed in, and when.
#[derive(Debug, Default)]
struct Invocations(Vec<(u16, u64, Time)>);

impl Witness for Invocations {
    fn witness(&mut self, at: Stamp, fact: &Fact) {
        if let Fact::Invoked { client, op, .. } = fact {
            self.0.push((client.0, *op, at.time));
        }
    }
}

/// The scenario with its failure expected, and the property it is about judged.
fn expecting(mut scenario: Scenario, failure: Failure) -> Scenario {
    if let Failure::Violated { property, .. } | Failure::Undecided { property } = failure {
        scenario.check = vec![property];
    }
    let outcome = Run::start(&scenario).conclude(&mut Nobody, &mut ());
    scenario.expect = Expect {
        verdict: match outcome.verdict() {
            Verdict::Violated => Expected::Violated,
            Verdict::Excused => Expected::Excused,
            Verdict::Undecided => Expected::Undecided,
            Verdict::Holds | Verdict::Vacuous => Expected::Holds,
        },
        property: failure
            .property()
            .map(|property| property.name().to_owned()),
        digest: Some(format!("{:016x}", outcome.digest)),
    };
    scenario
}

#[cfg(test)]
mod tests;
