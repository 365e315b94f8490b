//! Monitors and search against an oracle that tries all orders, on small random histories and single changes of them.

mod generate;
mod oracle;

use self::generate::{Shape, history};
use super::collect::Collector;
use super::model::{Method, Model, Options};
use super::{Judge, Judgement};
use crate::base::rng::{Domain, Key, Seed};
use crate::check::verdict::Verdict;
use crate::history::foreign::Entry;

/// Cases per model in an ordinary test run.
const FEW: u64 = 2_000;
/// And where somebody asks for more.
const MANY: u64 = 100_000;

fn judge(entries: &[Entry], options: Options) -> Judgement {
    let mut judge = Judge::new(options);
    for entry in entries {
        judge.take(entry.clone()).unwrap();
    }
    judge.finish().unwrap()
}

fn show(entries: &[Entry]) -> String {
    let line = |entry: &Entry| {
        let Entry {
            process,
            kind,
            f,
            key,
            value,
            mismatch,
            stamp,
            ..
        } = entry;
        format!(
            "{process} {kind:?} {f} {key} {value} mismatch={mismatch} {:?}\n",
            stamp.expected
        )
    };
    entries.iter().map(line).collect()
}

/// Counts of verdicts, so that no test is vacuous.
#[derive(Debug, Default)]
struct Tally {
    holds: u64,
    violated: u64,
}

/// Generates histories and compares every opinion on them.
fn agree(model: Model, cases: u64) {
    let mut tally = Tally::default();
    let key = Key::derive(Seed(7), Domain::Workload).narrow(model as u64);
    for case in 0..cases {
        let shape = Shape::draw(key, case);
        let entries = history(model, &shape);
        let mut collector = Collector::default();
        for entry in &entries {
            collector.take(entry.clone()).unwrap();
        }
        let expected = if oracle::has_order(model, &collector.operations) {
            tally.holds += 1;
            Verdict::Holds
        } else {
            tally.violated += 1;
            Verdict::Violated
        };
        let options = Options {
            model: Some(model),
            nulls: super::model::Nulls::Initial,
            ..Options::default()
        };
        for method in [Method::Fastest, Method::Search] {
            let judgement = judge(&entries, Options { method, ..options });
            assert_eq!(
                judgement.verdict,
                expected,
                "{model}, case {case}, {method:?}: {:?}\n{}",
                judgement
                    .explanation
                    .map(|explanation| explanation.sentences),
                show(&entries)
            );
        }
    }
    assert!(tally.holds > cases / 20, "{model}: {tally:?}");
    assert!(tally.violated > cases / 20, "{model}: {tally:?}");
}

macro_rules! agreement {
    ($($name:ident, $many:ident: $model:expr;)*) => {
        $(
            #[test]
            fn $name() {
                agree($model, FEW);
            }

            #[test]
            #[ignore = "takes a while"]
            fn $many() {
                agree($model, MANY);
            }
        )*
    };
}

agreement! {
    registers_agree_with_all_orders, many_registers_agree_with_all_orders: Model::Register;
    cas_registers_agree_with_all_orders, many_cas_registers_agree_with_all_orders: Model::CasRegister;
    kv_registers_agree_with_all_orders, many_kv_registers_agree_with_all_orders: Model::KvRegister;
    kv_appends_agree_with_all_orders, many_kv_appends_agree_with_all_orders: Model::KvAppend;
    multi_registers_agree_with_all_orders, many_multi_registers_agree_with_all_orders: Model::MultiRegister;
    mutexes_agree_with_all_orders, many_mutexes_agree_with_all_orders: Model::Mutex;
    znodes_agree_with_all_orders, many_znodes_agree_with_all_orders: Model::Znode;
    sets_agree_with_all_orders, many_sets_agree_with_all_orders: Model::Set;
    queues_agree_with_all_orders, many_queues_agree_with_all_orders: Model::Queue;
    counters_agree_with_all_orders, many_counters_agree_with_all_orders: Model::Counter;
    stacks_agree_with_all_orders, many_stacks_agree_with_all_orders: Model::Stack;
}

/// Longer histories than an oracle can judge: the monitors against the search.
#[test]
fn monitors_agree_with_the_search_on_longer_histories() {
    for model in Model::ALL
        .into_iter()
        .filter(|model| *model != Model::Znode)
    {
        let key = Key::derive(Seed(8), Domain::Workload).narrow(model as u64);
        for case in 0..300 {
            let shape = Shape::draw(key, case).longer();
            let entries = history(model, &shape);
            let options = Options {
                model: Some(model),
                nulls: super::model::Nulls::Initial,
                ..Options::default()
            };
            let [fast, slow] = [Method::Fastest, Method::Search]
                .map(|method| judge(&entries, Options { method, ..options }).verdict);
            assert_eq!(fast, slow, "{model}, case {case}\n{}", show(&entries));
        }
    }
}
