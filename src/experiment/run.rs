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
use crate::base::id::{ClientId, NodeId, ServerId};
use crate::base::time::{Span, Time};
use crate::check::panel::Panel;
use crate::check::verdict::At;
use crate::history::fact::Fact;
use crate::sim::fault::Planned;
use crate::sim::process::{Effect, Process};
use crate::sim::sink::{Happening, Sink, Stamp};
use crate::sim::world::{Limits, Stop, World};
use crate::words::Words;
use crate::zab;

/// Sees every fact of a run beside the checkers: recorders and renderers.
pub trait Witness {
    /// Takes the next fact.
    fn fact(&mut self, at: At, fact: &Fact);
}

impl Witness for () {
    fn fact(&mut self, _at: At, _fact: &Fact) {}
}

/// Plays an expanded scenario in a world made for it.
///
/// # Panics
/// If the scenario still has faults to generate.
pub fn play_world<P: Process<Words = Words>>(
    scenario: &Scenario,
    config: P::Config,
    witness: &mut impl Witness,
) -> Outcome {
    assert!(
        scenario.generate.is_none(),
        "a scenario is expanded before it is played"
    );
    let plan: Arc<[Planned]> = scenario.plan.clone().into();
    let mut world: World<P> = World::new(scenario.seed, config, lower::setup(scenario), plan);
    let mut judge = Judge {
        panel: Panel::of(&scenario.check),
        counters: Counters::default(),
        servers: scenario.roster().servers(),
        unrest: Time::ZERO,
        witness,
    };
    let time = Time::from_ms(scenario.limits.virtual_ms);
    let events = scenario.limits.events;
    let mut stop = world.run_until(Limits { time, events }, &mut judge);
    if stop != Stop::Events {
        world.heal_all();
        stop = world.run_until(Limits { time, events }, &mut judge);
    }
    if stop != Stop::Events {
        let time = time.max(judge.unrest + liveness_bound(scenario));
        stop = world.run_until(Limits { time, events }, &mut judge);
    }
    let end = At {
        event: crate::base::id::EventId(world.events()),
        time: world.now(),
    };
    judge.panel.finish(end);
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

/// Turns what a world emits into facts, for checkers, counters and a witness.
struct Judge<'a, T> {
    panel: Panel,
    counters: Counters,
    servers: u16,
    /// When a fault last began or ended.
    unrest: Time,
    witness: &'a mut T,
}

impl<T: Witness> Judge<'_, T> {
    fn take(&mut self, at: Stamp, fact: &Fact) {
        let at = At {
            event: at.event,
            time: at.time,
        };
        self.counters.observe(fact);
        self.panel.observe(at, fact);
        self.witness.fact(at, fact);
    }
}

impl<T: Witness> Sink<Words> for Judge<'_, T> {
    fn effect(&mut self, at: Stamp, _node: NodeId, effect: &Effect<Words>) {
        if let Effect::Note(fact) = effect {
            self.take(at, fact);
        }
    }

    fn happening(&mut self, at: Stamp, what: &Happening, _plan: &[Planned]) {
        if let Happening::FaultBegan {
            effective: true, ..
        }
        | Happening::FaultEnded { .. } = what
        {
            self.unrest = at.time;
        }
        if let Some(fact) = fact_of(what, self.servers) {
            self.take(at, &fact);
        }
    }
}

/// What the machine did, as a fact; servers are the first nodes.
fn fact_of(what: &Happening, servers: u16) -> Option<Fact> {
    match what {
        Happening::Crashed {
            node, code, power, ..
        } => Some(if node.0 <= servers {
            Fact::ServerCrashed {
                server: ServerId(u8::try_from(node.0).expect("sids are small")),
                power: *power,
                code: *code,
            }
        } else {
            Fact::ClientCrashed {
                client: ClientId(node.0 - servers),
            }
        }),
        Happening::FaultBegan {
            index, effective, ..
        } => Some(Fact::FaultBegan {
            index: *index,
            effective: *effective,
        }),
        Happening::FaultEnded { index } => Some(Fact::FaultEnded { index: *index }),
        Happening::Started { .. } | Happening::Paused { .. } | Happening::ConnectionEnded { .. } => {
            None
        }
    }
}
