//! Plays one scenario and judges it.
//!
//! The run lasts the scenario's virtual time. Then everything is healed, faults that have not struck are called off, and
//! the run goes on without faults until the bound within which a healthy ensemble must be live again (zab.md §16.2), so
//! that every run ends with liveness judged.

use std::sync::Arc;

use super::counters::Counters;
use super::lower;
use super::outcome::{Ended, Outcome};
use super::scenario::Scenario;
use crate::base::id::EventId;
use crate::base::time::{Span, Time};
use crate::cast::{Facts, Node, Witness};
use crate::check::liveness::LivenessMonitor;
use crate::check::panel::Panel;
use crate::check::verdict::At;
use crate::history::fact::Fact;
use crate::sim::fault::{Planned, Trigger};
use crate::sim::sink::Stamp;
use crate::sim::world::{Limits, Stop, World};
use crate::zab;

/// A witness that looks away.
#[derive(Clone, Copy, Debug)]
pub struct Nobody;

impl Witness for Nobody {
    fn witness(&mut self, _at: Stamp, _fact: &Fact) {}
}

/// Plays a scenario; `witness` sees every fact beside the checkers.
///
/// # Panics
/// If the scenario still has faults to generate.
pub fn play(scenario: &Scenario, witness: &mut impl Witness) -> Outcome {
    assert!(
        scenario.generate.is_none(),
        "a scenario is expanded before it is played"
    );
    let config = lower::cast(scenario);
    let voters = config.ensemble.voters;
    let bound = liveness_bound(scenario);
    let plan: Arc<[Planned]> = scenario.plan.clone().into();
    let setup = lower::setup(scenario);
    let mut world: World<Node> = World::new(scenario.seed, config.clone(), setup, plan);
    let mut judge = Judge {
        panel: Panel::of(&scenario.check).with_ensemble(voters, bound),
        counters: Counters::default(),
        calm: Calm::new(&scenario.plan, bound),
        witness,
    };
    if let Some(since) = judge.calm.since() {
        judge.panel.fault_free_from(since);
    }
    let run_to = |time: Time, world: &mut World<Node>, judge: &mut Judge<'_, _>| {
        let mut facts = Facts {
            config: &config,
            witness: judge,
        };
        let events = scenario.limits.events;
        world.run_until(Limits { time, events }, &mut facts)
    };
    let time = Time::from_ms(scenario.limits.virtual_ms);
    let mut stop = run_to(time, &mut world, &mut judge);
    if stop != Stop::Events {
        world.heal_all();
        run_to(time, &mut world, &mut judge);
        if judge.calm.since().is_none() {
            judge.panel.fault_free_from(world.now());
        }
        let deadline = judge.panel.liveness().and_then(LivenessMonitor::deadline);
        if let Some(deadline) = deadline.filter(|deadline| *deadline > time) {
            stop = run_to(deadline, &mut world, &mut judge);
        }
    }
    judge.panel.finish(At {
        event: EventId(world.events()),
        time: world.now(),
    });
    let (properties, violations) = Outcome::judge(judge.panel.findings(), &scenario.check);
    Outcome {
        properties,
        violations,
        digest: world.digest().value(),
        events: world.events(),
        virtual_time: world.now(),
        ended: match stop {
            Stop::Events => Ended::EventBudget,
            Stop::Time | Stop::Quiet => Ended::InTime,
        },
        counters: judge.counters,
    }
}

/// How long after the last fault a leader must be established and a write acknowledged (zab.md §16.2, liveness).
pub fn liveness_bound(scenario: &Scenario) -> Span {
    let zab::config::Config {
        tick,
        init_limit,
        sync_limit,
        max_notification,
        connect_timeout,
        ..
    } = lower::ensemble(scenario);
    let hosts = u64::from(scenario.roster().servers());
    let client = scenario
        .workload
        .iter()
        .map(|work| u64::from(work.session_timeout_ms))
        .map(|timeout| Span::from_ms(timeout * 2 / 3 + timeout / hosts + 2_000))
        .max()
        .unwrap_or(Span::ZERO);
    max_notification
        + connect_timeout
        + tick * u64::from(init_limit) * 3
        + tick * u64::from(sync_limit) * 2
        + client
}

/// Hands every fact to the checkers, the counters and a witness.
struct Judge<'a, T> {
    panel: Panel,
    counters: Counters,
    calm: Calm<'a>,
    witness: &'a mut T,
}

impl<T: Witness> Witness for Judge<'_, T> {
    fn witness(&mut self, at: Stamp, fact: &Fact) {
        let stamp = At {
            event: at.event,
            time: at.time,
        };
        self.counters.observe(fact);
        self.panel.observe(stamp, fact);
        if let Fact::FaultBegan { index, .. } | Fact::FaultEnded { index } = fact {
            let is_over = matches!(fact, Fact::FaultEnded { .. });
            self.calm.on_fault(at.time, *index, is_over);
            if let Some(since) = self.calm.since() {
                self.panel.fault_free_from(since);
            }
        }
        self.witness.witness(at, fact);
    }
}

/// Knows since when no fault acts and none is to come, but short ones that wait for something: the liveness monitor
/// begins anew after each of those.
#[derive(Clone, Debug)]
struct Calm<'a> {
    plan: &'a [Planned],
    /// Faults longer than this would keep an ensemble from recovering in time.
    short: Span,
    /// Lasting faults that have begun and not ended.
    active: usize,
    /// Faults that have not struck.
    to_come: usize,
    /// When the last fault began or ended.
    last: Time,
}

impl<'a> Calm<'a> {
    fn new(plan: &'a [Planned], short: Span) -> Self {
        let mut calm = Self {
            plan,
            short,
            active: 0,
            to_come: 0,
            last: Time::ZERO,
        };
        calm.to_come = plan
            .iter()
            .filter(|planned| calm.is_awaited(planned))
            .count();
        calm
    }

    fn is_awaited(&self, planned: &Planned) -> bool {
        match planned.trigger {
            Trigger::At(_) => true,
            Trigger::When { .. } => {
                !planned.fault.is_instant() && planned.lasts.is_none_or(|lasts| lasts > self.short)
            }
        }
    }

    fn on_fault(&mut self, now: Time, index: u32, is_over: bool) {
        self.last = now;
        if is_over {
            self.active -= 1;
        } else {
            let planned = &self.plan[usize::try_from(index).expect("plans are short")];
            self.to_come -= usize::from(self.is_awaited(planned));
            self.active += usize::from(!planned.fault.is_instant());
        }
    }

    fn since(&self) -> Option<Time> {
        (self.active == 0 && self.to_come == 0).then_some(self.last)
    }
}
