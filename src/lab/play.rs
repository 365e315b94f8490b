//! One run of an exercise: a seed of its family, played with the decisions of a student or of the protocol itself.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::seat::{Hears, Seat};
use crate::base::id::{NodeId, ServerId};
use crate::base::rng::Seed;
use crate::base::time::Time;
use crate::base::zxid::Zxid;
use crate::cast::Witness;
use crate::check::verdict::{Property, Verdict};
use crate::experiment::generate;
use crate::experiment::outcome::{Ended, Outcome};
use crate::experiment::run::{Nobody, Run};
use crate::experiment::scenario::Scenario;
use crate::history::fact::{Fact, Role, SyncKind};
use crate::history::op::Request;
use crate::history::recipe::Step;
use crate::sim::process::{Effect, Input};
use crate::sim::sink::{Sink, Stamp};
use crate::words::Words;

/// What a run cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Costs {
    /// Messages between servers, and to and from clients.
    pub messages: u64,
    /// Operations that were answered.
    pub operations: u64,
    /// Virtual microseconds without a leader that serves.
    pub leaderless_us: u64,
    /// Virtual microseconds from proposal to commit, of all commits.
    pub committing_us: u64,
    /// Commits.
    pub commits: u64,
    /// Syncs that sent the whole state.
    pub snapshots: u64,
    /// Requests of clients.
    pub requests: u64,
    /// Those of them that write nothing.
    pub reads: u64,
    /// Watch events that clients got.
    pub wakes: u64,
    /// What applications were given: additions, configurations, locks.
    pub done: u64,
}

impl Costs {
    /// Adds those of another run.
    pub fn add(&mut self, other: Self) {
        self.messages += other.messages;
        self.operations += other.operations;
        self.leaderless_us += other.leaderless_us;
        self.committing_us += other.committing_us;
        self.commits += other.commits;
        self.snapshots += other.snapshots;
        self.requests += other.requests;
        self.reads += other.reads;
        self.wakes += other.wakes;
        self.done += other.done;
    }
}

/// A run that was played.
#[derive(Clone, Debug)]
pub struct Played {
    /// What was played, every fault in its plan.
    pub scenario: Scenario,
    /// What came out, or what the protocol said when it stopped: its own rules exclude what it was told to do.
    pub outcome: Result<Outcome, String>,
    /// What it cost.
    pub costs: Costs,
}

/// Properties that promise that something happens; the others promise that something does not.
pub const LIVE: [Property; 4] = [
    Property::Liveness,
    Property::Convergence,
    Property::Answered,
    Property::RecipeLiveness,
];

/// What a run did wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Flaw {
    /// The protocol stopped on what it holds for impossible.
    Stopped,
    /// This was broken, in this way.
    Broken(Property, &'static str),
    /// Something did not happen in time.
    Stuck(Option<Property>),
    /// Clients did less than a quarter of what the reference's did: so many things, of so many.
    Idle(u64, u64),
}

impl Flaw {
    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Stopped => "the protocol's own assertions",
            Self::Broken(property, _) | Self::Stuck(Some(property)) => property.name(),
            Self::Stuck(None) => "event budget",
            Self::Idle(..) => "idle",
        }
    }
}

impl Played {
    /// What it did wrong that must never happen, the first.
    pub fn harm(&self) -> Option<Flaw> {
        let Ok(outcome) = &self.outcome else {
            return Some(Flaw::Stopped);
        };
        let harms = outcome.violations.iter();
        let first = harms
            .filter(|violation| !LIVE.contains(&violation.property))
            .filter(|violation| !outcome.is_excused(violation))
            .min_by_key(|violation| violation.at)?;
        Some(Flaw::Broken(first.property, first.signature))
    }

    /// What it did wrong, compared with the reference's run of the same seed.
    pub fn harm_beside(&self, reference: &Self) -> Option<Flaw> {
        let (mine, theirs) = (self.costs.done, reference.costs.done);
        let idle = (mine * 4 < theirs).then_some(Flaw::Idle(mine, theirs));
        self.harm().or(idle)
    }

    /// What did not happen in it and must.
    pub fn delay(&self) -> Option<Flaw> {
        let outcome = self.outcome.as_ref().ok()?;
        if outcome.ended == Ended::EventBudget {
            return Some(Flaw::Stuck(None));
        }
        let stuck = outcome.properties.iter().find(|judged| {
            LIVE.contains(&judged.property) && judged.verdict == Verdict::Violated
        })?;
        Some(Flaw::Stuck(Some(stuck.property)))
    }
}

/// Plays a seed of a family with somebody's code in it.
pub fn play_seed(family: &Scenario, seed: u64, seat: &dyn Seat) -> Played {
    let mut scenario = family.clone();
    scenario.seed = Seed(seed);
    seat.equip(&mut scenario);
    play(&generate::expand(&scenario), seat)
}

/// Nobody's code.
pub struct Nothing;

impl Hears for Nothing {
    fn begin(&self) {}

    fn at_event(&self, _event: u64) {}
}

/// Plays a scenario; whose code is in it hears in which event it is asked.
pub fn play(scenario: &Scenario, seat: &dyn Hears) -> Played {
    play_watched(scenario, seat, &mut Nobody)
}

/// The same with somebody who watches.
pub fn play_watched(scenario: &Scenario, seat: &dyn Hears, witness: &mut impl Witness) -> Played {
    seat.begin();
    let mut meter = Meter::default();
    let mut clock = Clock { seat, messages: 0 };
    let attempt = || {
        let mut run = Run::start(scenario);
        let mut both = Both(&mut meter, witness);
        run.conclude(&mut both, &mut clock)
    };
    let outcome = catch_unwind(AssertUnwindSafe(attempt));
    let mut costs = meter.costs;
    costs.messages = clock.messages;
    Played {
        scenario: scenario.clone(),
        outcome: outcome.map_err(|payload| panic_message(payload.as_ref())),
        costs,
    }
}

fn panic_message(payload: &(dyn std::any::Any + Send)) -> String {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| payload.downcast_ref::<&str>().copied());
    text.unwrap_or("no message").to_owned()
}

/// Tells a solution the event, and counts messages.
struct Clock<'a> {
    seat: &'a dyn Hears,
    messages: u64,
}

impl Sink<Words> for Clock<'_> {
    fn input(&mut self, at: Stamp, _node: NodeId, _input: &Input<Words>) {
        self.seat.at_event(at.event.0);
    }

    fn effect(&mut self, _at: Stamp, _node: NodeId, effect: &Effect<Words>) {
        self.messages += u64::from(matches!(effect, Effect::Send { .. }));
    }
}

/// Two who watch.
struct Both<'a, W>(&'a mut Meter, &'a mut W);

impl<W: Witness> Witness for Both<'_, W> {
    fn witness(&mut self, at: Stamp, fact: &Fact) {
        self.0.witness(at, fact);
        self.1.witness(at, fact);
    }
}

/// Measures a run from its facts.
#[derive(Debug)]
struct Meter {
    costs: Costs,
    /// Who leads and serves.
    reigning: Vec<ServerId>,
    leaderless_since: Option<Time>,
    proposed: BTreeMap<Zxid, Time>,
}

impl Default for Meter {
    fn default() -> Self {
        Self {
            costs: Costs::default(),
            reigning: Vec::new(),
            leaderless_since: Some(Time::ZERO),
            proposed: BTreeMap::new(),
        }
    }
}

impl Meter {
    fn falls(&mut self, server: ServerId, now: Time) {
        let before = self.reigning.len();
        self.reigning.retain(|other| *other != server);
        if before > 0 && self.reigning.is_empty() {
            self.leaderless_since = Some(now);
        }
    }
}

impl Witness for Meter {
    fn witness(&mut self, at: Stamp, fact: &Fact) {
        if let Fact::ServeStart {
            server,
            role: Role::Leader,
            ..
        } = fact
        {
            self.reigning.push(*server);
            if let Some(since) = self.leaderless_since.take() {
                self.costs.leaderless_us += at.time.since(since).as_us();
            }
        } else if let Fact::RoleEnd {
            server,
            role: Role::Leader,
            ..
        }
        | Fact::ServerCrashed { server, .. } = fact
        {
            self.falls(*server, at.time);
        } else if let Fact::Proposed { zxid, .. } = fact {
            self.proposed.insert(*zxid, at.time);
        } else if let Fact::CommitDecided { zxid, .. } = fact {
            if let Some(since) = self.proposed.remove(zxid) {
                self.costs.commits += 1;
                self.costs.committing_us += at.time.since(since).as_us();
            }
        } else if let Fact::SyncSent {
            kind: SyncKind::Snap,
            ..
        } = fact
        {
            self.costs.snapshots += 1;
        } else if let Fact::Returned { result: Ok(_), .. } = fact {
            self.costs.operations += 1;
        } else if let Fact::Invoked { request, .. } = fact {
            let sets = matches!(**request, Request::SetData { .. } | Request::Create { .. });
            self.costs.requests += 1;
            self.costs.reads += u64::from(!sets);
        } else if let Fact::EventReceived { .. } = fact {
            self.costs.wakes += 1;
        } else if let Fact::Recipe {
            step: Step::Counted { .. } | Step::Configured { .. } | Step::Held { .. },
            ..
        } = fact
        {
            self.costs.done += 1;
        }
    }
}
