//! Broadcast and delivery: S1-S5, S9, S11, S14-S16.

use super::ensemble::{Ensemble, contents, history, z};
use crate::base::id::{ClientId, ServerId, SessionId};
use crate::base::lineage::Lineage;
use crate::base::zxid::Epoch;
use crate::check::verdict::{Property, Verdict};
use crate::history::fact::{Fact, Role};

/// Three voters, an observer, server 3 leads epoch 1.
fn established() -> Ensemble {
    let mut run = Ensemble::new(3, 1);
    run.establish(3, 1, &[1, 2]);
    run
}

/// Two writes, both committed and delivered everywhere.
fn two_writes() -> Ensemble {
    let mut run = established();
    run.write(3, &[1, 2], z(1, 1));
    run.write(3, &[1, 2], z(1, 2));
    run
}

#[test]
fn a_run_without_faults_exercises_broadcast_and_breaks_nothing() {
    let mut run = two_writes();
    run.tell(1, z(1, 2));
    for property in [
        Property::Integrity,
        Property::TotalOrder,
        Property::PrimaryOrder,
        Property::PrimaryIntegrity,
        Property::OneLeaderPerEpoch,
        Property::EpochDiscipline,
        Property::Promise,
        Property::TruthfulAck,
        Property::TruthfulNewleaderAck,
        Property::TruthfulVote,
        Property::CommitQuorum,
        Property::CommitOrder,
        Property::Survivability,
        Property::ToldIsCommitted,
        Property::StateEquality,
    ] {
        run.assert_holds(property);
    }
    let findings = run.judge();
    for property in [Property::TruncationSafety, Property::CommittedSurvives] {
        assert_eq!(findings.verdict(property), Verdict::Vacuous, "{property}");
    }
}

#[test]
fn delivering_what_nobody_proposed_breaks_integrity() {
    let mut run = two_writes();
    run.deliver_as(1, z(1, 3), (7, 7));
    run.assert_broken(Property::Integrity, "delivered-unproposed");
}

#[test]
fn delivering_other_contents_than_proposed_breaks_integrity() {
    let mut run = established();
    run.propose(3, z(1, 1));
    run.accept(3, z(1, 1));
    run.accept(2, z(1, 1));
    run.commit(3, z(1, 1));
    run.deliver_as(2, z(1, 1), (contents(z(1, 1)) + 1, 7));
    run.assert_broken(Property::Integrity, "delivered-other-contents");
    run.assert_broken(Property::TotalOrder, "applied-another-history");
}

#[test]
fn delivering_twice_in_one_role_breaks_integrity() {
    let mut run = two_writes();
    run.deliver_as(1, z(1, 2), (contents(z(1, 2)), 7));
    run.assert_broken(Property::Integrity, "delivered-twice");
    run.assert_only_broken(&[Property::Integrity]);
}

#[test]
fn delivering_again_in_a_new_role_is_legal() {
    let mut run = two_writes();
    run.end(1, Role::Follower);
    run.vote(1);
    run.server(1).log.pop();
    run.promise(1, 3, 1);
    run.switch_to(1, vec![z(1, 1), z(1, 2)], 1);
    run.ack_newleader(1, 1);
    let lineage = history(&[z(1, 1)]);
    run.fact(Fact::ServeStart {
        server: ServerId(1),
        role: Role::Follower,
        epoch: Epoch(1),
        lineage,
        tree: crate::base::digest::mix(lineage.hash),
    });
    run.server(1).applied = 1;
    run.deliver(1);
    run.assert_holds(Property::Integrity);
}

#[test]
fn one_zxid_for_two_transactions_breaks_integrity() {
    let mut run = two_writes();
    run.propose_as(2, z(1, 2), 7);
    run.assert_broken(Property::Integrity, "zxid-proposed-twice");
}

#[test]
fn delivering_before_the_commit_breaks_total_order() {
    let mut run = established();
    run.propose(3, z(1, 1));
    run.accept(2, z(1, 1));
    run.deliver(2);
    run.assert_broken(Property::TotalOrder, "applied-uncommitted");
    run.assert_only_broken(&[Property::TotalOrder]);
}

#[test]
fn beginning_to_serve_with_an_uncommitted_transaction_breaks_total_order() {
    let mut run = two_writes();
    run.propose(3, z(1, 3));
    run.accept(1, z(1, 3));
    run.end(1, Role::Follower);
    run.serve(1, Role::Follower, 1);
    run.assert_broken(Property::TotalOrder, "applied-uncommitted");
}

#[test]
fn serving_a_history_from_nowhere_breaks_total_order() {
    let mut run = two_writes();
    run.fact(Fact::ServeStart {
        server: ServerId(1),
        role: Role::Follower,
        epoch: Epoch(1),
        lineage: Lineage {
            depth: 2,
            hash: 99,
            last: z(1, 2),
        },
        tree: 7,
    });
    run.assert_broken(Property::TotalOrder, "applied-another-history");
}

#[test]
fn a_skipped_transaction_breaks_primary_order() {
    let mut run = established();
    for counter in 1..=2 {
        run.propose(3, z(1, counter));
        run.accept(3, z(1, counter));
        run.accept(2, z(1, counter));
        run.commit(3, z(1, counter));
    }
    run.deliver_as(2, z(1, 2), (contents(z(1, 2)), 7));
    run.assert_broken(Property::PrimaryOrder, "delivered-out-of-order");
}

#[test]
fn a_log_with_a_hole_breaks_primary_order_before_anything_is_delivered() {
    let mut run = established();
    run.propose(3, z(1, 1));
    run.propose(3, z(1, 2));
    run.append(1, z(1, 2));
    run.assert_broken(Property::PrimaryOrder, "appended-out-of-order");
    run.assert_only_broken(&[Property::PrimaryOrder]);
}

#[test]
fn acknowledging_before_the_fsync_breaks_truthful_ack() {
    let mut run = established();
    run.propose(3, z(1, 1));
    run.append(1, z(1, 1));
    run.ack(1, z(1, 1));
    run.assert_broken(Property::TruthfulAck, "ack-before-durable");
    run.assert_only_broken(&[Property::TruthfulAck]);
}

#[test]
fn acknowledging_what_is_not_in_the_log_breaks_truthful_ack() {
    let mut run = established();
    run.propose(3, z(1, 1));
    run.propose(3, z(1, 2));
    run.accept(1, z(1, 1));
    run.ack(1, z(1, 2));
    run.assert_broken(Property::TruthfulAck, "ack-of-missing-transaction");
}

#[test]
fn acknowledging_one_of_several_forced_records_is_truthful() {
    let mut run = established();
    run.propose(3, z(1, 1));
    run.propose(3, z(1, 2));
    run.append(1, z(1, 1));
    run.append(1, z(1, 2));
    run.force(1);
    run.ack(1, z(1, 1));
    run.ack(1, z(1, 2));
    run.assert_holds(Property::TruthfulAck);
}

#[test]
fn delivering_before_the_own_fsync_is_legal() {
    let mut run = established();
    run.propose(3, z(1, 1));
    run.accept(2, z(1, 1));
    run.accept(1, z(1, 1));
    run.append(3, z(1, 1));
    run.commit(3, z(1, 1));
    run.deliver(3);
    run.force(3);
    run.ack(3, z(1, 1));
    run.assert_holds(Property::CommitQuorum);
}

#[test]
fn a_commit_with_too_few_disks_breaks_commit_quorum() {
    let mut run = established();
    run.propose(3, z(1, 1));
    run.accept(3, z(1, 1));
    run.append(2, z(1, 1));
    run.commit(3, z(1, 1));
    run.assert_broken(Property::CommitQuorum, "committed-without-quorum");
    run.assert_broken(Property::Survivability, "a-quorum-can-elect-loss");
}

#[test]
fn an_observers_disk_does_not_count_for_a_commit() {
    let mut run = established();
    run.promise(4, 3, 1);
    run.switch(4, 3, 1);
    run.ack_newleader(4, 1);
    run.serve(4, Role::Observer, 1);
    run.propose(3, z(1, 1));
    run.accept(3, z(1, 1));
    run.append(4, z(1, 1));
    run.force(4);
    run.commit(3, z(1, 1));
    run.assert_broken(Property::CommitQuorum, "committed-without-quorum");
}

#[test]
fn committing_before_the_predecessor_breaks_commit_order() {
    let mut run = established();
    for counter in 1..=2 {
        run.propose(3, z(1, counter));
        run.accept(3, z(1, counter));
        run.accept(2, z(1, counter));
    }
    run.commit(3, z(1, 2));
    run.assert_broken(Property::CommitOrder, "decided-out-of-order");
    run.assert_only_broken(&[Property::CommitOrder]);
}

#[test]
fn committing_what_was_not_proposed_breaks_commit_order() {
    let mut run = two_writes();
    run.commit(3, z(1, 2));
    run.assert_broken(Property::CommitOrder, "decided-unproposed");
}

#[test]
fn acting_on_a_commit_that_is_not_the_head_breaks_commit_order() {
    let mut run = two_writes();
    run.fact(Fact::CommitOutOfOrder {
        server: ServerId(1),
        zxid: z(1, 4),
        head: z(1, 3),
    });
    run.assert_broken(Property::CommitOrder, "commit-not-at-head");
}

#[test]
fn telling_a_client_before_the_commit_breaks_told_is_committed() {
    let mut run = two_writes();
    run.propose(3, z(1, 3));
    run.accept(3, z(1, 3));
    run.tell(1, z(1, 3));
    run.assert_broken(Property::ToldIsCommitted, "told-before-committed");
    run.assert_only_broken(&[Property::ToldIsCommitted]);
}

#[test]
fn a_label_may_be_told_once_its_epoch_is_established() {
    let mut run = Ensemble::new(3, 0);
    run.synchronise(3, 1, &[1, 2]);
    let early = {
        let mut run = run.clone();
        run.tell(1, z(1, 0));
        run
    };
    early.assert_broken(Property::ToldIsCommitted, "told-unestablished-epoch");
    run.form(3, 1, &[1, 2]);
    run.tell(1, z(1, 0));
    run.tell(1, z(0, 0));
    run.assert_holds(Property::ToldIsCommitted);
}

#[test]
fn ping_replies_are_judged_like_replies() {
    let mut run = two_writes();
    run.fact(Fact::Ponged {
        client: ClientId(1),
        session: SessionId(1),
        conn: 1,
        zxid: z(1, 3),
    });
    run.assert_broken(Property::ToldIsCommitted, "told-before-committed");
}

#[test]
fn two_states_after_one_history_break_state_equality() {
    let mut run = established();
    run.propose(3, z(1, 1));
    run.accept(3, z(1, 1));
    run.accept(2, z(1, 1));
    run.commit(3, z(1, 1));
    run.deliver(3);
    run.deliver_as(2, z(1, 1), (contents(z(1, 1)), 7));
    run.assert_broken(Property::StateEquality, "states-differ");
    run.assert_only_broken(&[Property::StateEquality]);
}

#[test]
fn a_label_and_the_last_transaction_before_it_have_one_state() {
    let mut run = two_writes();
    for sid in 1..=3 {
        run.end(sid, Role::Follower);
        run.vote(sid);
    }
    run.establish(2, 2, &[1, 3]);
    run.assert_holds(Property::StateEquality);
    let lineage = history(&[z(1, 1), z(1, 2)]);
    run.fact(Fact::ServeStart {
        server: ServerId(4),
        role: Role::Observer,
        epoch: Epoch(2),
        lineage,
        tree: 7,
    });
    run.assert_broken(Property::StateEquality, "states-differ");
}
