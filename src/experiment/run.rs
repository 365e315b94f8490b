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
use crate::cast::{Facts, Witness};
use crate::check::liveness::LivenessMonitor;
use crate::check::panel::Panel;
use crate::check::verdict::At;
use crate::history::fact::Fact;
use crate::mutant::wrapped::Mutant;
use crate::sim::fault::Planned;
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
    let voters = config.cast.ensemble.voters;
    let bound = liveness_bound(scenario);
    let plan: Arc<[Planned]> = scenario.plan.clone().into();
    let setup = lower::setup(scenario);
    let mut world: World<Mutant> = World::new(scenario.seed, config.clone(), setup, plan);
    let mut judge = Judge {
        panel: Panel::of(&scenario.check).with_ensemble(voters, bound),
        counters: Counters::default(),
        unrest: Time::ZERO,
        witness,
    };
    let run_to = |time: Time, world: &mut World<Mutant>, judge: &mut Judge<'_, _>| {
        let mut facts = Facts {
            config: &config.cast,
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
        judge.panel.fault_free_from(judge.unrest);
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
    /// When a fault last took hold or was over, as the liveness monitor sees it.
    unrest: Time,
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
        if let Fact::FaultBegan {
            effective: true, ..
        }
        | Fact::FaultEnded { .. } = fact
        {
            self.unrest = at.time;
        }
        self.witness.witness(at, fact);
    }
}
