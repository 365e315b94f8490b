//! Single answers, against the tables of zab.md and by enumeration.

use super::*;

fn zxid(epoch: u32, counter: u32) -> ZxidForm {
    ZxidForm { epoch, counter }
}

fn sync(window: &[(u32, u32)], peer: (u32, u32), plan: PlanForm) -> Judgement {
    let window: Vec<ZxidForm> = window.iter().map(|(e, c)| zxid(*e, *c)).collect();
    let last = *window.last().unwrap();
    let peer = zxid(peer.0, peer.1);
    let question = Question::Decide {
        window,
        last,
        peer,
        wants_snapshot: false,
    };
    judge(&question, &Answer::Plan(plan))
}

/// The rows of the table in zab.md §4.2, as the protocol's own tests measure them.
#[test]
fn the_reference_decides_as_the_protocol_does() {
    let plan = |window: &[(u32, u32)], peer: (u32, u32)| {
        let window: Vec<Zxid> = window.iter().map(|(e, c)| zxid(*e, *c).into()).collect();
        let last = *window.last().unwrap();
        let peer = PeerState {
            last: zxid(peer.0, peer.1).into(),
            wants_snapshot: false,
        };
        PlanForm::from(decide(&LeaderLog { window, last }, &peer))
    };
    let history = [(1, 1), (1, 2), (2, 1), (2, 2), (4, 1)];
    let diff = |e, c| PlanForm::Diff { after: zxid(e, c) };
    let trunc = |e, c| PlanForm::Trunc { to: zxid(e, c) };
    assert_eq!(plan(&history, (1, 2)), diff(1, 2));
    assert_eq!(plan(&history, (2, 0)), diff(2, 0));
    assert_eq!(plan(&history, (4, 1)), diff(4, 1));
    assert_eq!(plan(&history, (4, 2)), trunc(4, 1));
    assert_eq!(plan(&history, (5, 0)), PlanForm::Snap {});
    assert_eq!(plan(&history, (1, 3)), PlanForm::Snap {});
    assert_eq!(plan(&[(1, 3), (1, 4)], (1, 2)), PlanForm::Snap {});
    assert_eq!(plan(&[(1, 1), (1, 5)], (1, 3)), trunc(1, 1));
}

#[test]
fn a_plan_is_safe_if_the_learner_ends_on_the_leaders_history_whatever_it_has() {
    let history = [(1, 1), (1, 2), (3, 1), (3, 2)];
    let diff = |e, c| PlanForm::Diff { after: zxid(e, c) };
    let trunc = |e, c| PlanForm::Trunc { to: zxid(e, c) };
    let is_unsafe = |judgement| matches!(judgement, Judgement::Unsafe(_));
    let is_wasteful = |judgement| matches!(judgement, Judgement::Wasteful(_));
    assert!(is_unsafe(sync(&history, (2, 1), diff(2, 1))), "2:1 stays");
    assert!(
        is_unsafe(sync(&history, (2, 1), trunc(1, 2))),
        "1:2 may lack"
    );
    assert_eq!(sync(&history, (2, 1), PlanForm::Snap {}), Judgement::Right);
    assert!(is_unsafe(sync(&history, (1, 2), diff(3, 1))), "3:1 lacks");
    assert!(is_unsafe(sync(&history, (1, 2), diff(1, 1))), "1:2 twice");
    assert!(is_wasteful(sync(&history, (1, 2), PlanForm::Snap {})));
    assert!(is_wasteful(sync(&history, (3, 9), trunc(3, 1))));
    assert!(is_wasteful(sync(&history, (3, 9), PlanForm::Snap {})));
    assert_eq!(sync(&history, (4, 1), PlanForm::Snap {}), Judgement::Right);
}

#[test]
fn of_all_orders_of_four_steps_one_is_safe() {
    let all = [
        StepForm::Append,
        StepForm::Force,
        StepForm::StoreEpoch,
        StepForm::Ack,
    ];
    let mut safe = Vec::new();
    for a in all {
        for b in all {
            for c in all {
                for d in all {
                    let steps = vec![a, b, c, d];
                    let answer = Answer::AtNewLeader(steps.clone());
                    if judge(&Question::AtNewLeader {}, &answer) == Judgement::Right {
                        safe.push(steps);
                    }
                }
            }
        }
    }
    assert_eq!(safe, [all.to_vec()]);
}

#[test]
fn groups_decide_by_majorities_of_weight() {
    let set = |ids: &[u8]| wire::set(ids);
    let ensemble = Ensemble {
        voters: set(&[1, 2, 3, 4, 5, 6, 7, 8, 9]),
        observers: set(&[10]),
        weights: vec![(ServerId(7), 0), (ServerId(8), 0), (ServerId(9), 0)],
        groups: vec![set(&[1, 2, 3]), set(&[4, 5, 6]), set(&[7, 8, 9])],
    };
    assert!(contains_quorum(set(&[1, 2, 4, 5]), &ensemble));
    assert!(!contains_quorum(set(&[1, 2, 3, 4]), &ensemble));
    assert!(!contains_quorum(set(&[1, 2, 7, 8, 9, 10]), &ensemble));
    let plain = Ensemble {
        voters: set(&[1, 2, 3, 4]),
        observers: set(&[5, 6]),
        ..Ensemble::default()
    };
    assert!(!contains_quorum(set(&[1, 2, 5, 6]), &plain));
    assert!(contains_quorum(set(&[1, 2, 3]), &plain));
}

#[test]
fn a_late_commit_costs_and_an_early_one_harms() {
    let question = |acks: &[u8]| Question::IsCommitted {
        leader: 1,
        acks: acks.to_vec(),
        voters: vec![1, 2, 3],
        observers: vec![4],
    };
    let says = |acks: &[u8], yes| judge(&question(acks), &Answer::IsCommitted(yes));
    assert!(matches!(says(&[1, 4], true), Judgement::Unsafe(_)));
    assert!(matches!(says(&[1, 2], false), Judgement::Wasteful(_)));
    assert_eq!(says(&[1, 2], true), Judgement::Right);
}
