//! Noise to defaults: by domain, and where a domain is needed, by single draws.
//!
//! A domain whose noise is needed (the links of a class, the disks) is tried as a calm one with exceptions: what was drawn in
//! the failing run becomes overrides, of which as many as possible are taken away. If a handful are left they tell more
//! than the distribution they came from; else the distribution stays.

use super::passes::thin;
use super::search::Search;
use crate::base::ratio::Ratio;
use crate::base::time::Span;
use crate::experiment::run::{Nobody, Run};
use crate::experiment::scenario::Scenario;
use crate::experiment::scenario::draws::Exception;
use crate::experiment::scenario::format::Range;
use crate::experiment::scenario::sections::{Clock, Ensemble, Noise, Profile};
use crate::sim::draws::{DrawKey, Site, Which};
use crate::sim::process::LinkClass;

/// Makes one kind of noise calm.
pub(super) type Edit = fn(&mut Scenario);

/// The kinds of noise and how each becomes calm; where one includes others it comes first.
pub(super) const DOMAINS: [(&str, Edit); 14] = [
    ("the network's delays", |scenario| {
        let network = &mut scenario.network;
        network.profile = Profile::None;
        (network.election, network.quorum, network.client) = (None, None, None);
    }),
    ("the election links' delays", |scenario| {
        scenario.network.election = None;
    }),
    ("the quorum links' delays", |scenario| {
        scenario.network.quorum = None;
    }),
    ("the client links' delays", |scenario| {
        scenario.network.client = None;
    }),
    ("other links' delays", |scenario| {
        scenario.network.profile = Profile::None;
    }),
    ("the disks' latencies", calm_disks),
    ("the clocks' errors", |scenario| {
        scenario.clock = Clock {
            drift_ppm: 0,
            offset_ms: 0,
            granularity_us: 0,
            noise: Noise::None,
        };
    }),
    ("what goes wrong with links", |scenario| {
        scenario.network.noise = Noise::None;
    }),
    ("the links' roughness", |scenario| {
        scenario.network.rough = None;
    }),
    ("the slow pairs of nodes", |scenario| {
        scenario.network.pair_bias = Ratio::ZERO;
    }),
    ("what goes wrong with disks", |scenario| {
        scenario.disk.noise = Noise::None;
    }),
    ("the snapshots' distance", |scenario| {
        scenario.ensemble.snap_count = plain_ensemble(scenario).snap_count;
    }),
    ("the committed log's length", |scenario| {
        scenario.ensemble.committed_log = plain_ensemble(scenario).committed_log;
    }),
    ("the ensemble's timing", |scenario| {
        scenario.ensemble = plain_ensemble(scenario);
    }),
];

fn calm_disks(scenario: &mut Scenario) {
    scenario.disk.fsync_us = Range::new(1_000, 1_000);
}

/// An ensemble of the same size with every default.
fn plain_ensemble(scenario: &Scenario) -> Ensemble {
    use crate::experiment::json::{Node, Value};
    use crate::experiment::scenario::format::Format;
    let empty = Node::from(Value::object([]));
    let plain = Ensemble::read(&empty, "ensemble").expect("every field has a default");
    Ensemble {
        voters: scenario.ensemble.voters,
        observers: scenario.ensemble.observers,
        ..plain
    }
}

/// Domain by domain.
pub(super) fn domains(search: &mut Search<'_>) {
    for (_, edit) in DOMAINS {
        let mut candidate = search.best().clone();
        edit(&mut candidate);
        search.adopts(candidate);
    }
    if !search.best().overrides.is_empty() {
        overrides(search);
    }
}

/// Takes overrides away.
fn overrides(search: &mut Search<'_>) {
    thin(
        search,
        |scenario| scenario.overrides.len(),
        |scenario, piece| {
            let mut candidate = scenario.clone();
            candidate.overrides.drain(piece);
            candidate
        },
    );
}

/// The most overrides that tell more than a distribution does.
const HANDFUL: usize = 6;

/// The most draws that are worth trying one by one.
const MOST_DRAWS: usize = 3_000;

/// Single draws of a domain that is needed.
pub(super) fn draws(search: &mut Search<'_>) {
    let of_class = |class: LinkClass| move |site: &Site| matches!(site, Site::Delay { class: other, .. } if *other == class);
    let network = &search.best().network;
    let is_noisy = [
        network.election.is_some(),
        network.quorum.is_some(),
        network.client.is_some(),
    ];
    let classes = [LinkClass::Election, LinkClass::Quorum, LinkClass::Client];
    for (class, is_noisy) in classes.into_iter().zip(is_noisy) {
        let (_, edit) = DOMAINS[1 + class as usize];
        if is_noisy {
            by_draws(search, of_class(class), edit);
        }
    }
    let mut calm = search.best().clone();
    calm_disks(&mut calm);
    if calm != *search.best() {
        by_draws(search, |site| matches!(site, Site::Disk { .. }), calm_disks);
    }
}

/// Replaces the noise of some sites by overrides for single draws, if a handful are enough.
fn by_draws(search: &mut Search<'_>, is_site: impl Fn(&Site) -> bool, edit: Edit) {
    let before = search.state();
    let mut calm = search.best().clone();
    edit(&mut calm);
    let known: Vec<Which> = calm
        .overrides
        .iter()
        .map(|exception| exception.which)
        .collect();
    let drawn = drawn(search);
    let exceptions = drawn
        .into_iter()
        .filter(|(key, _)| is_site(&key.site))
        .map(|(key, value)| Exception {
            which: Which::One(key),
            value: Span::from_us(value.as_us()),
        })
        .filter(|exception| !known.contains(&exception.which));
    calm.overrides.extend(exceptions);
    if calm.overrides.len() > MOST_DRAWS || !search.adopts(calm) {
        return;
    }
    overrides(search);
    if search.best().overrides.len() > known.len() + HANDFUL {
        search.restore(before);
        return;
    }
    for index in 0..search.best().overrides.len() {
        let candidates: Vec<Scenario> = [Span::from_ms(10), Span::from_ms(1), Span::from_us(100)]
            .into_iter()
            .map(|unit| {
                let mut candidate = search.best().clone();
                let value = &mut candidate.overrides[index].value;
                value.0 = (value.0 + unit.0 / 2) / unit.0 * unit.0;
                candidate
            })
            .collect();
        search.adopt_first(candidates);
    }
}

/// Every draw of the best scenario's run until it fails.
fn drawn(search: &Search<'_>) -> Vec<(DrawKey, Span)> {
    let mut run = Run::start(search.best());
    run.world_mut().log_draws();
    run.advance(search.fails_at(), &mut Nobody, &mut ());
    run.world().drawn().to_vec()
}
