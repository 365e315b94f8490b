//! Hunting a defect: seeds of a family are played until some show what the defect breaks; each is shrunk, and the
//! smallest scenario that shows the defect and holds without it is kept.

use std::ops::Range;
use std::sync::atomic::Ordering;

use super::generate;
use super::run::{Nobody, play};
use super::scenario::Scenario;
use super::scenario::sections::{Expect, Expected};
use super::shrink::{Budget, Size, Tell, shrink};
use super::sweep::{Fate, Played, play_seed};
use crate::check::verdict::{Property, Verdict};

/// What is hunted.
#[derive(Clone, Copy, Debug)]
pub struct Quarry<'a> {
    /// The name of the scenario to come.
    pub id: &'a str,
    /// What it shows, in a sentence.
    pub about: &'a str,
    /// What must be broken.
    pub breaks: Property,
    /// Where it is looked for, the defect planted.
    pub family: &'a Scenario,
}

/// What a hunt came to.
#[derive(Clone, Debug)]
pub struct Caught {
    /// The smallest scenario that shows it.
    pub scenario: Scenario,
    /// Its size.
    pub size: Size,
    /// The seed it comes from.
    pub seed: u64,
    /// Seeds that showed it, in order.
    pub seeds: Vec<u64>,
}

/// Plays `seeds` until `tries` of them have shown the quarry.
pub fn hunt(
    quarry: &Quarry<'_>,
    seeds: Range<u64>,
    tries: usize,
    budget: Budget<'_>,
    tell: &mut Tell<'_>,
) -> Option<Caught> {
    let mut found = Vec::new();
    let mut best: Option<(u64, Scenario, Size)> = None;
    for seed in seeds {
        if found.len() >= tries || budget.stop.load(Ordering::Relaxed) {
            break;
        }
        tell(seed, quarry.family);
        let played = play_seed(quarry.family, seed);
        if !shows(&played, quarry.breaks) {
            continue;
        }
        found.push(seed);
        let Some((scenario, size)) = small(quarry, &played, budget, tell) else {
            continue;
        };
        if best
            .as_ref()
            .is_none_or(|(_, _, least)| size.items() < least.items())
        {
            best = Some((seed, scenario, size));
        }
    }
    best.map(|(seed, scenario, size)| Caught {
        scenario,
        size,
        seed,
        seeds: found,
    })
}

/// Whether a run violates a property.
pub fn shows(played: &Played, property: Property) -> bool {
    match &played.fate {
        Fate::Judged(outcome) => outcome
            .properties
            .iter()
            .any(|judged| judged.property == property && judged.verdict == Verdict::Violated),
        Fate::Diverged(_) | Fate::Panicked(_) => false,
    }
}

/// The scenario of a run made small; nothing if that loses what it shows, or if it fails without the defect.
fn small(
    quarry: &Quarry<'_>,
    played: &Played,
    budget: Budget<'_>,
    tell: &mut Tell<'_>,
) -> Option<(Scenario, Size)> {
    let shrunk = shrink(&played.scenario, Some(quarry.breaks), budget, tell).ok()?;
    let mut scenario = shrunk.scenario;
    quarry.id.clone_into(&mut scenario.name);
    quarry.about.clone_into(&mut scenario.about);
    scenario.expect = Expect {
        verdict: Expected::Violated,
        property: Some(quarry.breaks.name().to_owned()),
        digest: None,
    };
    let narrow = scenario.check.clone();
    let judged = [quarry.family.check.clone(), narrow];
    judged.into_iter().find_map(|check| {
        scenario.check = check;
        is_shown_by(&scenario).then(|| (scenario.clone(), shrunk.after))
    })
}

/// Whether a scenario meets its expectation, and holds without its defects.
pub fn is_shown_by(scenario: &Scenario) -> bool {
    let outcome = play(&generate::expand(scenario), &mut Nobody);
    let healthy = Scenario {
        mutants: Vec::new(),
        ..scenario.clone()
    };
    outcome.meets(&scenario.expect).is_ok()
        && play(&generate::expand(&healthy), &mut Nobody).verdict() == Verdict::Holds
}
