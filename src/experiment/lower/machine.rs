//! The machine that a scenario asks for: links, disks and clocks, as given or drawn from the seed.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::base::id::NodeId;
use crate::base::ratio::Ratio;
use crate::base::rng::{Domain, Draw, Key};
use crate::base::time::Span;
use crate::experiment::scenario::Scenario;
use crate::experiment::scenario::format::Range;
use crate::experiment::scenario::sections::{Dist, Link, Network, Noise, Profile, Rough, Wire};
use crate::sim::law::{Body, Law, log_between};
use crate::sim::process::LinkClass;
use crate::sim::rough::Roughness;
use crate::sim::setup::{ClockSpec, DiskProfile, LinkProfile, Setup};

/// Parts of the seed's preset key.
const LINKS: u64 = 1;
const PAIRS: u64 = 10;
const DISKS: u64 = 11;
const CLOCKS: u64 = 12;

/// The machine.
pub(super) fn setup(scenario: &Scenario) -> Setup {
    let roster = scenario.roster();
    let network = &scenario.network;
    let (pair_bias, pair_bias_max) = pair_bias(scenario);
    Setup {
        voters: (1..=u16::from(roster.voters)).map(NodeId).collect(),
        links: [
            profile(scenario, LinkClass::Election, network.election.as_ref()),
            profile(scenario, LinkClass::Quorum, network.quorum.as_ref()),
            profile(scenario, LinkClass::Client, network.client.as_ref()),
        ],
        pair_bias,
        pair_bias_max,
        disk: disk(scenario),
        clock: clock(scenario),
        late: Arc::new(late(scenario)),
        exceptions: Arc::new(
            scenario
                .overrides
                .iter()
                .map(|exception| (exception.which, exception.value))
                .collect(),
        ),
        ..Setup::mild(roster.servers(), roster.clients)
    }
}

/// The clients that start later than the servers.
fn late(scenario: &Scenario) -> BTreeMap<NodeId, Span> {
    let roster = scenario.roster();
    let shares = scenario.shares();
    shares
        .filter(|(work, _)| work.start_ms > 0)
        .flat_map(|(work, clients)| {
            let by = Span::from_ms(u64::from(work.start_ms));
            clients.map(move |client| (roster.client(client), by))
        })
        .collect()
}

fn preset(scenario: &Scenario, part: u64) -> Key {
    Key::derive(scenario.seed, Domain::Preset).narrow(part)
}

fn profile(scenario: &Scenario, class: LinkClass, own: Option<&Link>) -> LinkProfile {
    let network = &scenario.network;
    let mut profile = match own {
        Some(link) => link_profile(link),
        None => common_profile(scenario, class),
    };
    let rough = own.and_then(|link| link.rough.as_ref());
    profile.rough = roughness(rough.or(network.rough.as_ref()));
    if network.noise == Noise::Swarm {
        let key = preset(scenario, LINKS + class as u64);
        profile.delay.body = body_of(draw(key, 1));
        profile.rough = noise(key, profile.rough);
    }
    add_datagram(network, &mut profile.rough);
    profile
}

fn link_profile(link: &Link) -> LinkProfile {
    let Range { low, high } = link.delay_us;
    let mean = link.mean_us.unwrap_or(u64::midpoint(low, high));
    let mean = Span::from_us(mean);
    LinkProfile {
        delay: Law {
            body: body(link.dist),
            min: Span::from_us(low),
            mean,
            tail: Span::from_us(link.tail_us).max(mean),
            p_tail: link.tail,
        },
        retransmit: Span::from_ms(u64::from(link.retransmit_ms)),
        healed_reset: link.healed_reset,
        rough: Roughness::NONE,
    }
}

fn common_profile(scenario: &Scenario, class: LinkClass) -> LinkProfile {
    match scenario.network.profile {
        Profile::None => LinkProfile {
            delay: Law::constant(Span::from_us(100)),
            ..LinkProfile::mild()
        },
        Profile::Mild => LinkProfile::mild(),
        Profile::Swarm => {
            let key = Key::derive(scenario.seed, Domain::Plan).narrow(1 + class as u64);
            let worst = Span::from_ms(u64::from(scenario.network.worst_ms));
            LinkProfile::swarm(key, worst)
        }
    }
}

fn body(dist: Dist) -> Body {
    match dist {
        Dist::Const => Body::Constant,
        Dist::Uniform | Dist::Bimodal => Body::Uniform,
        Dist::Exp => Body::Exponential,
        Dist::Lognormal => Body::Lognormal,
    }
}

fn body_of(draw: Draw) -> Body {
    match draw.below(4) {
        0 => Body::Constant,
        1 => Body::Uniform,
        2 => Body::Exponential,
        _ => Body::Lognormal,
    }
}

fn roughness(rough: Option<&Rough>) -> Roughness {
    let Some(rough) = rough else {
        return Roughness::NONE;
    };
    Roughness {
        refuse: rough.refuse,
        hang: rough.hang,
        reset: rough.reset,
        both: rough.reset_both,
        stall: rough.stall,
        corrupt: rough.corrupt,
        short: rough.short_write,
        bandwidth: rough.bandwidth,
        queue_bytes: rough.queue_bytes,
        ..Roughness::NONE
    }
}

fn add_datagram(network: &Network, rough: &mut Roughness) {
    if network.wire == Wire::Datagram {
        rough.loss = network.loss;
        rough.duplicate = network.duplicate;
        rough.reorder = network.reorder;
    }
}

fn draw(key: Key, kind: u64) -> Draw {
    key.draw(0, kind, 0, 0)
}

/// Once in `often` to once in `rarely`, log-uniform; never in half of the runs.
fn rate(key: Key, kind: u64, often: u64, rarely: u64) -> Ratio {
    let drawn = draw(key, kind);
    if drawn.chance(Ratio::new(1, 2)) {
        return Ratio::ZERO;
    }
    let one_in = log_between(drawn.again(), often, rarely);
    Ratio::new(1, u32::try_from(one_in).expect("at most a million"))
}

/// The ranges of docs/faults.md, "swarm".
fn noise(key: Key, given: Roughness) -> Roughness {
    let narrow = draw(key, 8);
    let bandwidth = if narrow.chance(Ratio::new(1, 4)) {
        log_between(narrow.again(), 10_000, 100_000_000)
    } else {
        0
    };
    Roughness {
        refuse: rate(key, 2, 2, 1_000),
        hang: rate(key, 3, 2, 1_000),
        reset: rate(key, 4, 100, 100_000),
        stall: rate(key, 5, 4, 10_000),
        corrupt: rate(key, 6, 1_000, 1_000_000),
        short: rate(key, 7, 2, 1_000),
        bandwidth,
        queue_bytes: log_between(draw(key, 9), 16 << 10, 8 << 20),
        ..given
    }
}

fn pair_bias(scenario: &Scenario) -> (Ratio, Span) {
    let network = &scenario.network;
    match network.noise {
        Noise::None => {
            let most = Span::from_ms(u64::from(network.pair_bias_ms));
            (network.pair_bias, most)
        }
        Noise::Swarm => {
            let most = log_between(draw(preset(scenario, PAIRS), 1), 1, 500);
            let worst = u64::from(network.worst_ms);
            (Ratio::new(1, 4), Span::from_ms(most.min(worst)))
        }
    }
}

fn disk(scenario: &Scenario) -> DiskProfile {
    let disk = &scenario.disk;
    let (low, high) = (disk.fsync_us.low, disk.fsync_us.high);
    let mut profile = DiskProfile::with_sync(Span::from_us(low), Span::from_us(high));
    profile.errors = disk.errors;
    profile.force_sync = disk.force_sync;
    let mut body = body(disk.dist);
    let mut p_tail = disk.tail;
    let mut tail_us = disk.tail_us;
    if disk.noise == Noise::Swarm {
        let key = preset(scenario, DISKS);
        body = body_of(draw(key, 1));
        p_tail = rate(key, 2, 50, 10_000);
        tail_us = Some(log_between(draw(key, 3), high.max(1), 5_000_000.max(high)));
    }
    for (law, times) in [
        (&mut profile.sync, 1),
        (&mut profile.store, 1),
        (&mut profile.install, 3),
        (&mut profile.snapshot, 8),
    ] {
        law.body = body;
        law.p_tail = p_tail;
        if let Some(tail_us) = tail_us {
            law.tail = (Span::from_us(tail_us) * times).max(law.mean);
        }
    }
    profile
}

fn clock(scenario: &Scenario) -> ClockSpec {
    let clock = &scenario.clock;
    match clock.noise {
        Noise::None => ClockSpec {
            drift_ppm: clock.drift_ppm,
            offset_ms: clock.offset_ms,
            granularity: Span::from_us(u64::from(clock.granularity_us)),
        },
        Noise::Swarm => {
            let key = preset(scenario, CLOCKS);
            let small = |value: u64| u32::try_from(value).expect("at most an hour");
            let is_coarse = draw(key, 3).chance(Ratio::new(1, 2));
            let grain = log_between(draw(key, 3).again(), 1_000, 15_000);
            ClockSpec {
                drift_ppm: small(log_between(draw(key, 1), 1, 900)),
                offset_ms: small(log_between(draw(key, 2), 1, 3_600_000)),
                granularity: Span::from_us(if is_coarse { grain } else { 0 }),
            }
        }
    }
}
