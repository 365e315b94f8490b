//! Recipes under faults: correct forms hold; what only people believe of a lock is shown broken, and its fencing whole.

use zablab::check::verdict::{Property, Verdict};
use zablab::experiment::scenario::Scenario;
use zablab::experiment::sweep::{Fate, play_seed};

use super::scenarios::files_of;

/// Seeds of each family that are played here; campaigns play more.
const SEEDS: u64 = 6;

fn verdict(family: &Scenario, seed: u64, property: Property) -> Verdict {
    let played = play_seed(family, seed);
    let Fate::Judged(outcome) = played.fate else {
        panic!("{} seed {seed} was not judged", family.name);
    };
    let mut judged = outcome.properties.iter();
    let judged = judged.find(|judged| judged.property == property);
    judged
        .unwrap_or_else(|| panic!("{property} was not asked for"))
        .verdict
}

#[test]
fn correct_forms_hold_under_faults() {
    let families = files_of("scenarios/recipes");
    assert_eq!(families.len(), 11);
    for (_, family) in families {
        for seed in 0..SEEDS {
            let played = play_seed(&family, seed);
            let Fate::Judged(outcome) = played.fate else {
                panic!("{} seed {seed} was not judged", family.name);
            };
            let violations = &outcome.violations;
            assert_eq!(
                outcome.verdict(),
                Verdict::Holds,
                "{} seed {seed}: {violations:#?}",
                family.name
            );
            let recipes = outcome.properties.iter();
            let mut recipes = recipes.filter(|judged| judged.property.is_of_recipes());
            assert!(
                recipes.any(|judged| judged.exercised > 0),
                "{} seed {seed}",
                family.name
            );
        }
    }
}

#[test]
fn a_pause_makes_two_believe_and_fencing_saves_what_the_lock_guards() {
    let files = files_of("scenarios/claims");
    let find = |name: &str| {
        let mut files = files.iter();
        let (_, scenario) = files.find(|(_, scenario)| scenario.name == name).unwrap();
        scenario.clone()
    };
    let mut fenced = find("a-lock-with-fencing");
    fenced.check.push(Property::BelievedExclusion);
    let unfenced = find("a-lock-without-fencing");
    let (mut believed, mut broken) = (0, 0);
    for seed in 0..20 {
        let both_believe = verdict(&fenced, seed, Property::BelievedExclusion);
        believed += u32::from(both_believe == Verdict::Violated);
        let unsafe_without = verdict(&unfenced, seed, Property::Fencing);
        broken += u32::from(unsafe_without == Verdict::Violated);
        for property in [Property::Fencing, Property::MutualExclusion] {
            assert_eq!(
                verdict(&fenced, seed, property),
                Verdict::Holds,
                "seed {seed}"
            );
        }
    }
    assert!(believed > 0, "nobody believed too long in 20 seeds");
    assert!(broken > 0, "nothing was broken without fencing in 20 seeds");
}
