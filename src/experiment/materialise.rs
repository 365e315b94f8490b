//! Plans as data: everything a seed decides before a run begins, written into the scenario; and what a run resolved.
//!
//! After [`materialise`] the seed decides nothing but the weather: faults stand in the plan, the links of a swarm network
//! in the network. After [`resolve`] the plan names nodes and moments where it named roles and marks.

use super::generate;
use super::lower;
use super::run::{Nobody, Run};
use super::scenario::Scenario;
use super::scenario::format::Range;
use super::scenario::sections::{Dist, Link, Profile, Rough};
use crate::base::id::NodeId;
use crate::base::time::Time;
use crate::sim::fault::{Planned, Target, Trigger};
use crate::sim::law::Body;
use crate::sim::rough::Roughness;
use crate::sim::setup::LinkProfile;
use crate::sim::sink::{Happening, Sink, Stamp};
use crate::words::Words;

/// The scenario with nothing left to be generated or drawn before the run.
#[must_use]
pub fn materialise(scenario: &Scenario) -> Scenario {
    let expanded = generate::expand(scenario);
    let mut written = expanded.clone();
    if expanded.network.profile == Profile::Swarm {
        let setup = lower::setup(&expanded);
        let [election, quorum, client] = setup.links.map(|profile| Some(write_link(&profile)));
        let network = &mut written.network;
        network.election = network.election.take().or(election);
        network.quorum = network.quorum.take().or(quorum);
        network.client = network.client.take().or(client);
        network.profile = Profile::Mild;
        if lower::setup(&written) != setup {
            // A profile that the fields of a link cannot say stays a profile.
            written.network = expanded.network;
        }
    }
    written
}

fn write_link(profile: &LinkProfile) -> Link {
    let law = profile.delay;
    let high = law.mean + (law.mean - law.min);
    Link {
        delay_us: Range::new(law.min.as_us(), high.as_us()),
        tail: law.p_tail,
        tail_us: law.tail.as_us(),
        retransmit_ms: u32::try_from(profile.retransmit.as_ms()).unwrap_or(u32::MAX),
        healed_reset: profile.healed_reset,
        dist: match law.body {
            Body::Constant => Dist::Const,
            Body::Uniform => Dist::Bimodal,
            Body::Exponential => Dist::Exp,
            Body::Lognormal => Dist::Lognormal,
        },
        mean_us: Some(law.mean.as_us()),
        rough: write_rough(&profile.rough),
    }
}

fn write_rough(rough: &Roughness) -> Option<Rough> {
    let written = Rough {
        refuse: rough.refuse,
        hang: rough.hang,
        reset: rough.reset,
        reset_both: rough.both,
        stall: rough.stall,
        corrupt: rough.corrupt,
        short_write: rough.short,
        bandwidth: rough.bandwidth,
        queue_bytes: rough.queue_bytes,
    };
    (!rough.is_none()).then_some(written)
}

/// When a planned fault struck, and whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Struck {
    /// Its place in the plan.
    pub index: usize,
    /// When.
    pub time: Time,
    /// Whom.
    pub targets: Vec<NodeId>,
    /// Whether it changed anything.
    pub effective: bool,
}

/// Takes down which faults struck whom.
#[derive(Clone, Debug, Default)]
pub struct Strikes(pub Vec<Struck>);

impl Sink<Words> for Strikes {
    fn happening(&mut self, at: Stamp, what: &Happening, _plan: &[Planned]) {
        if let Happening::FaultBegan {
            index,
            targets,
            effective,
            ..
        } = what
        {
            self.0.push(Struck {
                index: usize::try_from(*index).expect("plans are short"),
                time: at.time,
                targets: targets.clone(),
                effective: *effective,
            });
        }
    }
}

/// Plays the scenario and writes into its plan what the run resolved: the node in place of a role (where it was one), and
/// the moment in place of a mark. What never struck stays as it is.
#[must_use]
pub fn resolve(scenario: &Scenario) -> Scenario {
    let mut strikes = Strikes::default();
    Run::start(scenario).conclude(&mut Nobody, &mut strikes);
    let mut resolved = scenario.clone();
    for struck in &strikes.0 {
        if let Some(planned) = resolved.plan.get_mut(struck.index) {
            write_strike(planned, struck);
        }
    }
    resolved
}

/// Writes one strike into its entry.
pub fn write_strike(planned: &mut Planned, struck: &Struck) {
    // What strikes inside a step has no moment of its own.
    if let Trigger::When { cut: None, .. } = planned.trigger {
        // Plans know whole microseconds.
        planned.trigger = Trigger::At(Time(struck.time.0.next_multiple_of(1_000)));
    }
    if let ([node], Some(target)) = (struck.targets.as_slice(), planned.fault.target_mut()) {
        *target = Target::Node(*node);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::run::play;

    fn swarm(seed: u64) -> Scenario {
        let text = r#"{ "format": 1, "name": "s", "network": { "profile": "swarm" },
            "workload": [{ "kind": "versioned-register" }],
            "generate": { "vary": true, "window_ms": [1000, 8000] }, "limits": { "virtual_ms": 10000 } }"#;
        let set = [format!("seed={seed}")];
        Scenario::parse(text.as_bytes(), "s.json", &set).unwrap()
    }

    #[test]
    fn a_materialised_scenario_plays_as_the_one_it_was_made_of() {
        for seed in 0..4 {
            let written = materialise(&swarm(seed));
            assert_eq!(written.network.profile, Profile::Mild);
            let text = written.to_string();
            let read = Scenario::parse(text.as_bytes(), "s.json", &[]).unwrap();
            assert_eq!(read, written);
            let expanded = generate::expand(&swarm(seed));
            let digest = |scenario| play(scenario, &mut Nobody).digest;
            assert_eq!(digest(&read), digest(&expanded), "seed {seed}");
        }
    }

    #[test]
    fn a_resolved_plan_names_nodes_and_moments_and_plays_the_same() {
        let mut roles = 0;
        for seed in 0..6 {
            let written = materialise(&swarm(seed));
            let resolved = resolve(&written);
            for (before, after) in written.plan.iter().zip(&resolved.plan) {
                assert_eq!(before.id, after.id);
                roles += u32::from(before != after);
            }
            assert_eq!(
                play(&written, &mut Nobody).violations,
                play(&resolved, &mut Nobody).violations
            );
        }
        assert!(roles > 3, "{roles}");
    }

    #[test]
    fn an_override_replaces_its_draw_and_no_other() {
        use crate::experiment::scenario::draws::Exception;
        use crate::sim::draws::{DrawKey, Which};
        let written = materialise(&swarm(3));
        let drawn = |scenario: &Scenario| {
            let mut run = Run::start(scenario);
            run.world_mut().log_draws();
            run.advance(Time::from_ms(300), &mut Nobody, &mut ());
            run.world().drawn().to_vec()
        };
        let before = drawn(&written);
        let (key, value) = before[before.len() - 1];
        let other = value + crate::base::time::Span::from_ms(400);
        let mut changed = written;
        changed.overrides = vec![Exception {
            which: Which::One(key),
            value: other,
        }];
        let after = drawn(&changed);
        let find = |log: &[(DrawKey, _)], key| log.iter().find(|(other, _)| *other == key).copied();
        assert_eq!(find(&after, key), Some((key, other)));
        for draw in &before[..before.len() - 1] {
            assert_eq!(find(&after, draw.0), Some(*draw));
        }
    }
}
