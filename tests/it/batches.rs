//! Facts that come together are judged as facts that come one by one, each of which is shown to every monitor.

use zablab::cast::Witness;
use zablab::check::panel::Panel;
use zablab::check::verdict::{At, Note, Property, Verdict, Violation};
use zablab::experiment::generate;
use zablab::experiment::lower;
use zablab::experiment::run::{liveness_bound, play};
use zablab::experiment::scenario::Scenario;
use zablab::history::fact::Fact;
use zablab::sim::sink::Stamp;

use super::scenarios::files_of;

/// All facts of a run, as they come.
#[derive(Default)]
struct Kept(Vec<(At, Fact)>);

impl Witness for Kept {
    fn witness(&mut self, at: Stamp, fact: &Fact) {
        let Stamp { event, time } = at;
        self.0.push((At { event, time }, fact.clone()));
    }
}

/// What a panel found.
#[derive(PartialEq)]
struct Found {
    /// How often each property was judged, and with which verdict.
    judged: Vec<(u64, Verdict)>,
    violations: Vec<Violation>,
    notes: Vec<Note>,
}

/// What a panel finds, by how many facts it is told at a time.
fn found(scenario: &Scenario, facts: &[(At, Fact)], at_a_time: Option<usize>) -> Found {
    let voters = lower::cast(scenario).cast.ensemble.voters;
    let mut panel = Panel::new().with_ensemble(voters, liveness_bound(scenario));
    let (end, _) = facts.last().unwrap();
    match at_a_time {
        None => facts.iter().for_each(|(at, fact)| panel.observe(*at, fact)),
        Some(size) => facts
            .chunks(size)
            .for_each(|facts| panel.observe_all(facts)),
    }
    panel.fault_free_from(end.time);
    panel.finish(*end);
    let findings = panel.findings();
    let judged = |property| (findings.exercised(property), findings.verdict(property));
    Found {
        judged: Property::ALL.map(judged).into(),
        violations: findings.violations().to_vec(),
        notes: findings.notes().to_vec(),
    }
}

#[test]
fn no_monitor_misses_a_fact_that_is_not_shown_to_it() {
    let (mut wrong, mut broken) = (Vec::new(), 0);
    let zoo = files_of("scenarios/zoo").into_iter().step_by(5);
    let others = files_of("scenarios").into_iter();
    for (path, scenario) in zoo.chain(others) {
        let scenario = generate::expand(&scenario);
        let mut kept = Kept::default();
        play(&scenario, &mut kept);
        let alone = found(&scenario, &kept.0, None);
        broken += usize::from(!alone.violations.is_empty());
        for size in [7, 1_024] {
            if found(&scenario, &kept.0, Some(size)) != alone {
                wrong.push(format!("{} by {size}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(broken > 30, "{broken} runs break something");
}
