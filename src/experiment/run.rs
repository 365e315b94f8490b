//! Plays one scenario and judges it.
//!
//! The run lasts the scenario's virtual time. Then everything is healed, faults that have not struck are called off, and
//! the run goes on without faults until the bound within which a healthy ensemble must be live again (zab.md §16.2), so
//! that every run ends with liveness judged.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::counters::Counters;
use super::endgame::Endgame;
use super::lower;
use super::outcome::{Ended, Excuse, Outcome, Strikes};
use super::scenario::Scenario;
use super::scenario::sections::Core;
use super::situations::Situations;
use crate::base::id::{EventId, NodeId};
use crate::base::time::{Span, Time};
use crate::cast::{self, Facts, Witness};
use crate::check::panel::Panel;
use crate::check::verdict::{At, Violation};
use crate::history::fact::Fact;
use crate::mutant::wrapped::Mutant;
use crate::sim::fault::Planned;
use crate::sim::process::{Effect, Input};
use crate::sim::sink::{Happening, Sink, Stamp};
use crate::sim::world::{Limits, Stop, World};
use crate::words::Words;
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
pub fn play(scenario: &Scenario, witness: &mut dyn Witness) -> Outcome {
    Run::start(scenario).conclude(witness, &mut ())
}

/// A run under way: the world, and what the checkers know so far. A clone goes on as the original does.
#[derive(Clone)]
pub struct Run<'a> {
    scenario: &'a Scenario,
    config: cast::Config,
    world: World<Mutant>,
    panel: Panel,
    counters: Counters,
    situations: Situations,
    /// When a fault last took hold or was over, as the liveness monitor sees it.
    unrest: Time,
    excuses: Vec<Excuse>,
    strikes: BTreeMap<&'static str, Strikes>,
    /// Room for facts that come together; empty between two calls.
    batch: Vec<(At, Fact)>,
}

impl<'a> Run<'a> {
    /// A run at time 0.
    ///
    /// # Panics
    /// If the scenario still has faults to generate.
    pub fn start(scenario: &'a Scenario) -> Self {
        assert!(
            scenario.generate.is_none(),
            "a scenario is expanded before it is played"
        );
        let config = lower::cast(scenario);
        let voters = config.cast.ensemble.voters;
        let plan: Arc<[Planned]> = scenario.plan.clone().into();
        let setup = lower::setup(scenario);
        Self {
            scenario,
            config: config.cast.clone(),
            world: World::new(scenario.seed, config, setup, plan),
            panel: Panel::of(&scenario.check).with_ensemble(voters, liveness_bound(scenario)),
            counters: Counters::default(),
            situations: Situations::new(scenario.ensemble.voters),
            unrest: Time::ZERO,
            excuses: Vec::new(),
            strikes: BTreeMap::new(),
            batch: Vec::new(),
        }
    }

    /// Plays until a moment; `witness` sees every fact, `sink` everything.
    pub fn advance(
        &mut self,
        time: Time,
        witness: &mut dyn Witness,
        sink: &mut dyn Sink<Words>,
    ) -> Stop {
        let events = self.scenario.limits.events;
        self.go(Limits { time, events }, witness, sink)
    }

    /// Plays until so many events have been, in silence.
    pub fn advance_to_event(&mut self, event: u64) {
        self.record_to_event(event, &mut ());
    }

    /// The same, with a sink that sees everything.
    pub fn record_to_event(&mut self, event: u64, sink: &mut dyn Sink<Words>) {
        let limits = Limits {
            time: Time::from_ms(self.scenario.limits.virtual_ms),
            events: event,
        };
        self.go(limits, &mut Nobody, sink);
    }

    fn go(
        &mut self,
        limits: Limits,
        witness: &mut dyn Witness,
        sink: &mut dyn Sink<Words>,
    ) -> Stop {
        let mut judge = Judge {
            batch: std::mem::take(&mut self.batch),
            panel: &mut self.panel,
            counters: &mut self.counters,
            situations: &mut self.situations,
            unrest: &mut self.unrest,
            excuses: &mut self.excuses,
            strikes: &mut self.strikes,
            plan: &self.scenario.plan,
            witness,
        };
        let facts = Facts {
            config: &self.config,
            witness: &mut judge,
        };
        let stop = self.world.run_until(limits, &mut Audience { sink, facts });
        judge.judge();
        self.batch = judge.batch;
        stop
    }

    /// Plays to the end of the scenario's time, heals everything, goes on until liveness can be judged, and judges.
    pub fn conclude(&mut self, witness: &mut dyn Witness, sink: &mut dyn Sink<Words>) -> Outcome {
        let time = Time::from_ms(self.scenario.limits.virtual_ms);
        let mut stop = self.advance(time, witness, sink);
        if stop != Stop::Events {
            self.world.heal_all();
            self.advance(time, witness, sink);
            if self.world.setup().is_noisy() {
                // Until now something went wrong all the time.
                self.unrest = time;
            }
            if let Some(endgame) = Endgame::of(self.scenario) {
                for fault in endgame.faults {
                    self.world.inject(fault);
                }
                self.advance(time, witness, sink);
                self.panel.calm_from(time, endgame.core);
            }
            self.panel.fault_free_from(self.unrest);
            self.panel
                .patience_from(self.unrest, recipe_patience(self.scenario));
            if let Some(deadline) = self.panel.deadline().filter(|deadline| *deadline > time) {
                stop = self.advance(deadline, witness, sink);
            }
        }
        self.panel.finish(At {
            event: EventId(self.world.events()),
            time: self.world.now(),
        });
        let (properties, violations) = Outcome::judge(self.panel.findings(), &self.scenario.check);
        let mut outcome = Outcome {
            properties,
            violations,
            digest: self.world.digest().value(),
            events: self.world.events(),
            virtual_time: self.world.now(),
            ended: match stop {
                Stop::Events => Ended::EventBudget,
                Stop::Time | Stop::Quiet => Ended::InTime,
            },
            counters: self.counters,
            reached: self.situations.reached(),
            staleness: self.panel.staleness(),
            watch_latency: self.panel.watch_latency(),
            notes: Outcome::notes(self.panel.findings(), &self.scenario.check),
            excuses: self.excuses.clone(),
            strikes: self.strikes.clone(),
        };
        outcome.excuse();
        outcome
    }

    /// What has been found to be broken so far.
    pub fn violations(&self) -> &[Violation] {
        self.panel.findings().violations()
    }

    /// How often each chosen property has been judged so far.
    pub fn exercised(&self) -> Vec<u64> {
        let findings = self.panel.findings();
        let chosen = self.scenario.check.iter();
        chosen
            .map(|property| findings.exercised(*property))
            .collect()
    }

    /// The world as it is now.
    pub fn world(&self) -> &World<Mutant> {
        &self.world
    }

    /// The world, to be changed: what happens to it from now on is another run.
    pub fn world_mut(&mut self) -> &mut World<Mutant> {
        &mut self.world
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
        + match scenario.limits.core {
            Core::Healed | Core::All => Span::ZERO,
            Core::Drawn => Endgame::detour(scenario),
        }
}

/// How long after the last fault a program that follows a recipe may wait: for a healthy ensemble, for dead sessions to
/// end, and for everybody before it.
fn recipe_patience(scenario: &Scenario) -> Span {
    let works = scenario.workload.iter();
    let waits = works.filter(|work| work.recipe.is_some()).map(|work| {
        let hold = work.hold_ms.map_or(60, |hold| hold.high);
        let turns = u64::from(work.clients) * (4 * hold + 500);
        Span::from_ms(turns + 3 * u64::from(work.session_timeout_ms))
    });
    waits.max().unwrap_or(Span::ZERO) + liveness_bound(scenario)
}

/// Who hears of a run: a sink, which hears everything, and the judge. Sinks and witnesses are called through tables, so that there
/// is one machine in the program and not one for each of them.
struct Audience<'a, 'b> {
    sink: &'a mut dyn Sink<Words>,
    facts: Facts<'a, Judge<'b>>,
}

impl Sink<Words> for Audience<'_, '_> {
    fn input(&mut self, at: Stamp, node: NodeId, input: &Input<Words>) {
        self.sink.input(at, node, input);
    }

    fn effect(&mut self, at: Stamp, node: NodeId, effect: &Effect<Words>) {
        self.sink.effect(at, node, effect);
        self.facts.effect(at, node, effect);
    }

    fn happening(&mut self, at: Stamp, what: &Happening, plan: &[Planned]) {
        self.sink.happening(at, what, plan);
        self.facts.happening(at, what, plan);
    }
}

/// How many facts are judged at a time: by then what the machine needs has left the processor's caches, and the checkers fetch theirs,
/// but the facts themselves are still there.
const BATCH: usize = 1_024;

/// Hands every fact to the counters and a witness, and to the checkers when some have come together.
struct Judge<'a> {
    batch: Vec<(At, Fact)>,
    panel: &'a mut Panel,
    counters: &'a mut Counters,
    situations: &'a mut Situations,
    unrest: &'a mut Time,
    excuses: &'a mut Vec<Excuse>,
    strikes: &'a mut BTreeMap<&'static str, Strikes>,
    plan: &'a [Planned],
    witness: &'a mut dyn Witness,
}

impl Judge<'_> {
    /// The checkers judge what has come together.
    fn judge(&mut self) {
        for (_, fact) in &self.batch {
            self.situations.observe(fact);
        }
        self.panel.observe_all(&self.batch);
        self.batch.clear();
    }

    fn planned(&self, index: u32) -> Option<&Planned> {
        self.plan.get(usize::try_from(index).ok()?)
    }

    /// Takes down what a fault did.
    fn on_fault(&mut self, at: At, fact: &Fact) {
        if let Fact::OutsideModel {
            index,
            server,
            what,
        } = fact
        {
            let id = match index {
                Some(index) => self.planned(*index).map(|planned| planned.id.to_string()),
                None if server.is_some() => Some("disk.force_sync".to_owned()),
                None => Some("network.wire".to_owned()),
            };
            let fault = id.unwrap_or_else(|| "an injected fault".to_owned());
            let is_known = |excuse: &Excuse| excuse.fault == fault && excuse.what == **what;
            if !self.excuses.iter().any(is_known) {
                self.excuses.push(Excuse {
                    fault,
                    what: what.to_string(),
                    server: *server,
                    at,
                });
            }
        } else if let Fact::FaultBegan {
            index, effective, ..
        } = fact
            && let Some(planned) = self.planned(*index)
        {
            let name = planned.fault.name();
            let strikes = self.strikes.entry(name).or_default();
            strikes.effective += u64::from(*effective);
            strikes.in_vain += u64::from(!*effective);
        }
    }
}

impl Witness for Judge<'_> {
    fn witness(&mut self, at: Stamp, fact: &Fact) {
        let stamp = At {
            event: at.event,
            time: at.time,
        };
        self.counters.observe(fact);
        self.on_fault(stamp, fact);
        self.batch.push((stamp, fact.clone()));
        if self.batch.len() == BATCH {
            self.judge();
        }
        if let Fact::FaultBegan {
            effective: true, ..
        }
        | Fact::FaultEnded { .. } = fact
        {
            *self.unrest = at.time;
        }
        self.witness.witness(at, fact);
    }
}
