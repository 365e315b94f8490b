//! What the versioned-register program asks for, step by step.

use std::collections::BTreeSet;

use super::*;
use crate::base::id::SessionId;
use crate::base::time::Span;
use crate::client::config::{Chosen, Kept};
use crate::client::workload::pace::AtEnd;
use crate::client::workload::tests::Bench;
use crate::client::workload::{ThinkTime, Workload};
use crate::history::fact::Fact;

fn bench(change: impl FnOnce(&mut Settings)) -> Bench {
    let mut settings = Settings::default();
    change(&mut settings);
    Bench::new(Workload::VersionedRegister(settings))
}

fn values(request: &Request) -> Vec<Arc<[u8]>> {
    match request {
        Request::Create { data, .. } | Request::SetData { data, .. } => {
            data.iter().cloned().collect()
        }
        Request::Multi(requests) => requests.first().into_iter().flat_map(values).collect(),
        _ => Vec::new(),
    }
}

/// The most operations that were outstanding at once.
fn depth(bench: &Bench) -> usize {
    let mut open = BTreeSet::new();
    let mut deepest = 0;
    for (_, fact) in &bench.facts {
        match fact {
            Fact::Invoked { op, .. } => {
                open.insert(*op);
            }
            Fact::Returned { op, .. } | Fact::Lost { op, .. } => {
                open.remove(op);
            }
            _ => {}
        }
        deepest = deepest.max(open.len());
    }
    deepest
}

#[test]
fn a_given_number_of_operations_is_done_and_no_more() {
    let mut bench = bench(|settings| settings.tempo.ops = 40);
    bench.run(500);
    bench.reset();
    bench.run(20_000);
    let unsent = bench
        .facts
        .iter()
        .filter(|(_, fact)| matches!(fact, Fact::Lost { sent: false, .. }));
    let unsent = unsent.count();
    assert_eq!(bench.requests().len(), 40 + unsent);
    assert_eq!(bench.session(), SessionId(1), "the session is kept");
}

#[test]
fn a_client_that_should_closes_its_session_at_the_end() {
    let mut bench = bench(|settings| {
        settings.tempo.ops = 5;
        settings.tempo.at_end = AtEnd::Close;
    });
    bench.run(20_000);
    assert_eq!(bench.requests().len(), 6);
    assert_eq!(*bench.requests()[5], Request::CloseSession);
    assert_eq!(bench.session(), SessionId::NONE);
}

#[test]
fn every_operation_of_the_mix_is_used_and_no_value_twice() {
    let mut bench = bench(|settings| {
        settings.mix = Mix::BROAD;
        settings.after_event = AfterEvent::Nothing;
    });
    bench.run(20_000);
    let requests = bench.requests();
    assert!(requests.len() > 500, "{}", requests.len());
    let names: BTreeSet<String> = requests
        .iter()
        .map(|request| {
            let text = format!("{request:?}");
            text.split([' ', '(']).next().unwrap_or_default().to_owned()
        })
        .collect();
    assert_eq!(
        names.into_iter().collect::<Vec<_>>(),
        [
            "AddWatch",
            "Create",
            "Delete",
            "Exists",
            "GetChildren",
            "GetData",
            "Multi",
            "RemoveWatches",
            "SetData",
            "Sync"
        ]
    );
    let all: Vec<Arc<[u8]>> = requests
        .iter()
        .flat_map(|request| values(request))
        .collect();
    let different: BTreeSet<&Arc<[u8]>> = all.iter().collect();
    assert_eq!(all.len(), different.len());
    assert!(all[0].starts_with(b"c3-"));
}

#[test]
fn a_missing_node_is_created_by_a_write() {
    let mut bench = bench(|settings| {
        settings.keys = 1;
        settings.mix = Mix {
            write: 1,
            ..Mix::NOTHING
        };
    });
    bench.run(1_000);
    let requests = bench.requests();
    assert!(matches!(*requests[0], Request::SetData { .. }));
    assert!(matches!(*requests[1], Request::Create { .. }));
    assert!(matches!(*requests[2], Request::SetData { .. }));
    assert!(bench.version("/k1") > Some(5));
}

#[test]
fn a_conditional_write_expects_the_version_last_seen() {
    let mut bench = bench(|settings| {
        settings.keys = 1;
        settings.mix = Mix {
            cas: 1,
            ..Mix::NOTHING
        };
    });
    bench.change("/k1");
    bench.run(1_000);
    let requests = bench.requests();
    assert!(matches!(*requests[0], Request::GetData { .. }));
    for (index, request) in requests[1..].iter().enumerate() {
        let Request::SetData { version, .. } = &**request else {
            panic!("only conditional writes: {request:?}");
        };
        assert_eq!(usize::try_from(*version), Ok(index));
    }
}

#[test]
fn a_key_is_read_before_it_is_written_again_after_an_unknown_write() {
    for (after_unknown, reads) in [(AfterUnknown::Read, true), (AfterUnknown::Nothing, false)] {
        let mut bench = bench(|settings| {
            settings.keys = 1;
            settings.after_unknown = after_unknown;
            settings.mix = Mix {
                write: 1,
                ..Mix::NOTHING
            };
        });
        bench.run(500);
        bench.loses_next_reply = true;
        bench.run(3_000);
        let lost = bench.facts.iter().find_map(|(_, fact)| match fact {
            Fact::Lost { op, sent: true, .. } => Some(*op),
            _ => None,
        });
        let lost = usize::try_from(lost.expect("a reply was lost")).expect("a small number");
        let next = &bench.requests()[lost];
        assert_eq!(
            matches!(**next, Request::GetData { .. }),
            reads,
            "{after_unknown:?}"
        );
        let newest = bench.requests().pop().expect("operations");
        assert!(
            matches!(*newest, Request::SetData { .. }),
            "it writes again"
        );
    }
}

#[test]
fn the_window_bounds_what_is_outstanding() {
    for window in [1, 3] {
        let mut bench = bench(|settings| {
            settings.tempo.window = window;
            settings.tempo.think = ThinkTime {
                min_ms: 0,
                max_ms: 1,
            };
        });
        bench.run(1_000);
        assert_eq!(depth(&bench), usize::from(window));
    }
}

#[test]
fn a_watch_event_is_followed_by_a_read_of_its_key() {
    let mut bench = bench(|settings| {
        settings.keys = 1;
        settings.mix = Mix {
            watch: 1,
            ..Mix::NOTHING
        };
    });
    bench.change("/k1");
    bench.run(500);
    bench.change("/k1");
    bench.run(1_000);
    let event = bench
        .facts
        .iter()
        .position(|(_, fact)| matches!(fact, Fact::EventReceived { .. }))
        .expect("a watch fired");
    let next = bench.facts[event..]
        .iter()
        .find_map(|(_, fact)| match fact {
            Fact::Invoked { request, .. } => Some(request.clone()),
            _ => None,
        });
    assert!(matches!(
        *next.expect("it goes on"),
        Request::GetData { .. }
    ));
}

#[test]
fn work_goes_on_in_a_fresh_session_after_an_expiry() {
    let mut bench = bench(|_| {});
    bench.run(500);
    bench.expire();
    bench.run(3_000);
    let in_second = bench.facts.iter().filter(|(_, fact)| {
        matches!(
            fact,
            Fact::Returned {
                session: SessionId(2),
                ..
            }
        )
    });
    assert!(in_second.count() > 20);
}

#[test]
fn a_shifted_run_keeps_its_choices() {
    let settings = |settings: &mut Settings| {
        settings.mix = Mix {
            read: 1,
            sync: 1,
            ..Mix::NOTHING
        };
    };
    let mut calm = bench(settings);
    calm.run(2_000);
    let mut shaken = bench(settings);
    shaken.run(300);
    shaken.reset();
    shaken.run(2_000);
    let (calm, shaken) = (calm.requests(), shaken.requests());
    let common = calm.len().min(shaken.len());
    assert!(common > 50);
    assert_eq!(calm[..common], shaken[..common]);
}

#[test]
fn what_is_not_chosen_is_passed_over_and_the_rest_keeps_its_numbers_and_requests() {
    let settings = Settings {
        mix: Mix {
            read: 2,
            watch: 1,
            children: 1,
            sync: 1,
            ..Mix::NOTHING
        },
        ..Settings::default()
    };
    let play = |chosen: Chosen| {
        let workload = Workload::VersionedRegister(settings.clone());
        let mut bench = Bench::choosing(workload, chosen);
        bench.run(3_000);
        let invoked = |(us, fact): &(u64, Fact)| match fact {
            Fact::Invoked { op, request, .. } => Some((*op, *us, Request::clone(request))),
            _ => None,
        };
        bench.facts.iter().filter_map(invoked).collect::<Vec<_>>()
    };
    let all = play(Chosen::All);
    let kept = |op: usize, at| Kept {
        op: all[op - 1].0,
        at,
    };
    let at = Span::from_ms(700);
    let some = play(Chosen::Only(
        [kept(4, None), kept(9, None), kept(20, Some(at))].into(),
    ));
    let numbers: Vec<u64> = some.iter().map(|(op, ..)| *op).collect();
    assert_eq!(numbers, [4, 9, 20]);
    assert_eq!(some[2].1, at.as_us());
    for (op, _, request) in some {
        assert_eq!(request, all[usize::try_from(op).unwrap() - 1].2);
    }
    assert_eq!(play(Chosen::Only([].into())), []);
    assert_eq!(play(Chosen::Absent), []);
}
