//! The machine as data: how many nodes, and how fast and how well kept their links, disks and clocks are.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::draws::Exceptions;
use super::law::{Body, Law, log_between};
use super::process::LinkClass;
use super::rough::Roughness;
use crate::base::id::NodeId;
use crate::base::ratio::Ratio;
use crate::base::rng::{Draw, Key};
use crate::base::time::Span;

/// What a world is built from, besides seed, plan and the processes' own configuration.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Setup {
    /// How many nodes there are: 1..=nodes.
    pub nodes: u16,
    /// How many of them are servers: the first.
    pub servers: u16,
    /// The servers of which a minority may be drawn.
    pub voters: Vec<NodeId>,
    /// Links, indexed by [`LinkClass`].
    pub links: [LinkProfile; 3],
    /// How likely a directed pair of nodes is always late by more.
    pub pair_bias: Ratio,
    /// By how much at most then.
    pub pair_bias_max: Span,
    /// How long a step of a process takes where its processor is slow, times the factor; usually it takes no time.
    pub step: Span,
    /// Disks.
    pub disk: DiskProfile,
    /// Clocks.
    pub clock: ClockSpec,
    /// From a stage's wake to its run.
    pub stage: Law,
    /// From the start of the run to the first boot of a node, at most.
    pub start_within: Span,
    /// Nodes that start later than the others, and by how much.
    pub late: Arc<BTreeMap<NodeId, Span>>,
    /// When a node that halted is started again; `None` = only when all is healed.
    pub restart_after_halt: Option<Span>,
    /// Draws that come out otherwise.
    pub exceptions: Arc<Exceptions>,
}

/// A latency that no bound on recovery reckons with; disks have none such once all is healed.
const LONG: Span = Span::from_ms(1_000);

/// One kind of links.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LinkProfile {
    /// One-way delay.
    pub delay: Law,
    /// The longest wait for TCP's next retransmission once a path works again.
    pub retransmit: Span,
    /// How often a connection with bytes held back is reset rather than resumed when the path works again.
    pub healed_reset: Ratio,
    /// What else happens.
    pub rough: Roughness,
}

/// Latencies of disk operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DiskProfile {
    /// Force of the log.
    pub sync: Law,
    /// Atomic replacement of a small file.
    pub store: Law,
    /// Durable switch to a new snapshot and log.
    pub install: Law,
    /// Background snapshot.
    pub snapshot: Law,
    /// Whether forces happen (`forceSync`).
    pub force_sync: bool,
    /// How likely an operation fails.
    pub errors: Ratio,
}

/// How good clocks are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClockSpec {
    /// Rates differ from true time by at most this many parts per million.
    pub drift_ppm: u32,
    /// Wall clocks differ from true time by at most this much.
    pub offset_ms: u32,
    /// Readings are rounded down to multiples of this.
    pub granularity: Span,
}

impl Setup {
    /// A mild world: `servers` servers, all voters, and `clients` more nodes.
    pub fn mild(servers: u16, clients: u16) -> Self {
        Self {
            nodes: servers + clients,
            servers,
            voters: (1..=servers).map(NodeId).collect(),
            links: [LinkProfile::mild(); 3],
            pair_bias: Ratio::ZERO,
            pair_bias_max: Span::ZERO,
            step: Span::from_us(50),
            disk: DiskProfile::mild(),
            clock: ClockSpec {
                drift_ppm: 100,
                offset_ms: 50,
                granularity: Span::ZERO,
            },
            stage: Law::micros(5, 30, 1_000, 1_000),
            start_within: Span::from_ms(5),
            late: Arc::default(),
            restart_after_halt: Some(Span::from_ms(1_000)),
            exceptions: Arc::default(),
        }
    }

    /// Whether something goes wrong all the time, without a fault in the plan, until all is healed.
    pub fn is_noisy(&self) -> bool {
        let disk = self.disk;
        let is_rough = |link: &LinkProfile| !link.rough.is_none();
        let is_slow = |law: &Law| law.p_tail.num > 0 && law.tail > LONG;
        self.links.iter().any(is_rough)
            || disk.errors.num > 0
            || [disk.sync, disk.store, disk.install].iter().any(is_slow)
    }

    /// The profile of a link class.
    pub fn link(&self, class: LinkClass) -> &LinkProfile {
        &self.links[class as usize]
    }
}

impl LinkProfile {
    /// A local network (dst.md §5.1, "mild").
    pub const fn mild() -> Self {
        Self {
            delay: Law::micros(100, 500, 20_000, 1_000),
            retransmit: Span::from_ms(400),
            healed_reset: Ratio::new(1, 4),
            rough: Roughness::NONE,
        }
    }

    /// A network drawn from dst.md's swarm ranges, its latencies capped at `worst`.
    pub fn swarm(key: Key, worst: Span) -> Self {
        let part = |kind: u64| key.draw(0, kind, 0, 0);
        let min = part(1).below(30_000.min(worst.as_us() / 4) + 1);
        let mean = log_between(part(2), min.max(100), 100_000.min(worst.as_us() / 2));
        let tail = log_between(part(3), mean, 2_000_000.min(worst.as_us()).max(mean));
        Self {
            delay: Law {
                body: Body::Uniform,
                min: Span::from_us(min.min(mean)),
                mean: Span::from_us(mean),
                tail: Span::from_us(tail),
                p_tail: per_thousand(part(4), 50),
            },
            retransmit: Span::from_ms(log_between(part(5), 50, 3_000)),
            healed_reset: per_thousand(part(6), 1_000),
            rough: Roughness::NONE,
        }
    }
}

impl DiskProfile {
    /// The same disk when all is healed: nothing fails, nothing takes very long.
    pub(super) fn calm(&mut self) {
        self.errors = Ratio::ZERO;
        for law in [&mut self.sync, &mut self.store, &mut self.install] {
            if law.tail > LONG {
                law.p_tail = Ratio::ZERO;
            }
        }
    }

    /// A good solid-state disk (dst.md §5.4).
    pub const fn mild() -> Self {
        Self {
            sync: Law::micros(200, 1_000, 20_000, 1_000),
            store: Law::micros(400, 1_500, 20_000, 1_000),
            install: Law::micros(1_000, 4_000, 50_000, 1_000),
            snapshot: Law::micros(2_000, 10_000, 100_000, 100),
            force_sync: true,
            errors: Ratio::ZERO,
        }
    }

    /// The same disk with this range of force latencies; the other operations keep their proportion to it.
    pub fn with_sync(low: Span, high: Span) -> Self {
        let body = |times: u64| Law {
            body: Body::Uniform,
            min: low * times,
            mean: Span(u64::midpoint(low.0, high.0)) * times,
            tail: high * (10 * times),
            p_tail: Ratio::new(1, 1_000),
        };
        Self {
            sync: body(1),
            store: body(1),
            install: body(3),
            snapshot: body(8),
            force_sync: true,
            errors: Ratio::ZERO,
        }
    }
}

/// A ratio from 0 to `most` thousandths.
fn per_thousand(draw: Draw, most: u64) -> Ratio {
    let num = u32::try_from(draw.below(most + 1)).expect("at most a thousand");
    Ratio::new(num, 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::rng::{Domain, Seed};

    #[test]
    fn swarm_networks_keep_their_laws_in_order_and_under_the_cap() {
        for seed in 0..500 {
            let worst = Span::from_ms(10 + seed);
            let profile = LinkProfile::swarm(Key::derive(Seed(seed), Domain::Plan), worst);
            let law = profile.delay;
            assert!(law.min <= law.mean && law.mean <= law.tail);
            assert!(law.tail <= worst.max(Span::from_ms(1)));
            assert!(law.p_tail.num <= 50);
        }
    }

    #[test]
    fn a_range_of_force_latencies_is_kept_by_the_body() {
        let profile = DiskProfile::with_sync(Span::from_us(200), Span::from_us(5_000));
        let body = Law {
            p_tail: Ratio::ZERO,
            ..profile.sync
        };
        for word in 0..1_000 {
            let span = body.sample(Draw::from_word(crate::base::digest::mix(word + 1)));
            assert!(span >= Span::from_us(200) && span <= Span::from_us(5_000));
        }
    }
}
