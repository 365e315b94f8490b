//! Guided exploration: it depends on its seed alone, what it makes are scenarios, and it reaches more than fresh plans.

use super::*;
use crate::check::verdict::Verdict;

fn family() -> Scenario {
    let text = std::fs::read("scenarios/swarm.json").unwrap();
    let set = [
        "limits.virtual_ms=6000".to_owned(),
        "generate.window_ms=[500,5500]".to_owned(),
        "generate.gap_ms=500".to_owned(),
    ];
    Scenario::parse(&text, "swarm.json", &set).unwrap()
}

fn all(feedback: Feedback, runs: u64, jobs: usize) -> (Reach, Vec<Played>) {
    let stop = AtomicBool::new(false);
    let effort = Effort {
        seed: Seed(7),
        runs,
        feedback,
        jobs,
        stop: &stop,
    };
    let mut played = Vec::new();
    let reach = explore(&family(), effort, |_, run| {
        played.push(run.clone());
        true
    });
    (reach, played)
}

#[test]
fn the_result_depends_on_the_seed_and_not_on_the_jobs() {
    let (reach, one) = all(Feedback::On, 40, 1);
    let (again, other) = all(Feedback::On, 40, 3);
    assert_eq!(reach, again);
    let texts = |runs: &[Played]| -> Vec<String> {
        runs.iter().map(|run| run.scenario.to_string()).collect()
    };
    assert_eq!(texts(&one), texts(&other));
}

#[test]
fn what_it_makes_are_scenarios_that_the_correct_protocol_survives() {
    let (_, played) = all(Feedback::On, 60, 2);
    for run in played {
        assert_ne!(run.verdict(), Verdict::Violated, "{}", run.scenario);
        let text = run.scenario.to_string();
        let read = Scenario::parse(text.as_bytes(), "mutated.json", &[]);
        assert_eq!(read.as_ref().ok(), Some(&run.scenario), "{read:?}");
    }
}

#[test]
fn only_guided_exploration_keeps_plans_and_goes_beyond_the_family() {
    let (plain, fresh) = all(Feedback::Off, 40, 2);
    let (guided, mutated) = all(Feedback::On, 40, 2);
    assert_eq!((plain.runs, plain.kept, guided.runs), (40, 0, 40));
    assert!(guided.kept > 0 && guided.states > 0 && plain.states > 0);
    // Mutated plans are numbered with an m, drawn ones with a g.
    let is_mutated = |run: &Played| {
        run.scenario
            .plan
            .iter()
            .any(|planned| planned.id.starts_with('m'))
    };
    assert!(!fresh.iter().any(is_mutated));
    assert!(mutated.iter().filter(|run| is_mutated(run)).count() > 10);
}
