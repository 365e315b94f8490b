//! Crashes, elections and changes of leader: S5-S8, S10, S12, S13, S17 and `committed-survives`.

use super::ensemble::{Ensemble, history, z};
use crate::base::id::{ServerId, ServerSet};
use crate::base::zxid::{Epoch, Zxid};
use crate::check::verdict::Property;
use crate::check::zab::ZabMonitor;
use crate::history::fact::{EpochFile, Fact, Role, SyncKind};

/// Three voters; server 3 led epoch 1 and committed 1:1 and 1:2 with everybody.
fn two_writes() -> Ensemble {
    let mut run = Ensemble::new(3, 0);
    run.establish(3, 1, &[1, 2]);
    run.write(3, &[1, 2], z(1, 1));
    run.write(3, &[1, 2], z(1, 2));
    run
}

/// Followers lose their leader and look for another one.
fn look(run: &mut Ensemble, servers: &[u8]) {
    for sid in servers {
        run.end(*sid, Role::Follower);
        run.vote(*sid);
    }
}

#[test]
fn a_correct_change_of_leader_breaks_nothing() {
    let mut run = two_writes();
    run.propose(3, z(1, 3));
    run.append(3, z(1, 3));
    run.crash(3);
    look(&mut run, &[1, 2]);
    run.establish(2, 2, &[1]);
    run.write(2, &[1], z(2, 1));
    run.boot(3);
    run.promise(3, 2, 2);
    run.switch(3, 2, 2);
    run.ack_newleader(3, 2);
    run.serve(3, Role::Follower, 2);
    run.write(2, &[1, 3], z(2, 2));
    for property in [
        Property::CommittedSurvives,
        Property::Survivability,
        Property::TruthfulVote,
        Property::PrimaryIntegrity,
        Property::Promise,
    ] {
        run.assert_holds(property);
    }
}

#[test]
fn dropping_an_uncommitted_tail_is_legal() {
    let mut run = two_writes();
    run.propose(3, z(1, 3));
    run.accept(3, z(1, 3));
    run.crash(3);
    look(&mut run, &[1, 2]);
    run.establish(2, 2, &[1]);
    run.write(2, &[1], z(2, 1));
    run.boot(3);
    run.promise(3, 2, 2);
    run.switch(3, 2, 2);
    run.ack_newleader(3, 2);
    run.serve(3, Role::Follower, 2);
    run.assert_holds(Property::TruncationSafety);
}

#[test]
fn an_uncommitted_tail_of_the_next_leader_becomes_committed() {
    let mut run = two_writes();
    run.propose(3, z(1, 3));
    run.accept(2, z(1, 3));
    run.crash(3);
    look(&mut run, &[1, 2]);
    run.establish(2, 2, &[1]);
    run.tell(1, z(1, 3));
    run.assert_holds(Property::ToldIsCommitted);
}

#[test]
fn serving_with_less_than_the_leader_began_with_breaks_primary_integrity() {
    let mut run = two_writes();
    run.propose(3, z(1, 3));
    run.accept(2, z(1, 3));
    run.crash(3);
    look(&mut run, &[1, 2]);
    run.lead(2);
    run.promise(1, 2, 2);
    run.fact(Fact::Elected {
        server: ServerId(1),
        leader: ServerId(2),
        round: 2,
    });
    run.propose_epoch(2, 2);
    run.fact(Fact::ServeStart {
        server: ServerId(1),
        role: Role::Follower,
        epoch: Epoch(2),
        lineage: history(&[z(1, 1), z(1, 2)]),
        tree: 0,
    });
    run.assert_broken(Property::PrimaryIntegrity, "serves-before-catching-up");
}

#[test]
fn acknowledging_on_top_of_another_history_breaks_truthful_ack() {
    let mut run = two_writes();
    run.propose(3, z(1, 3));
    run.accept(1, z(1, 3));
    run.crash(3);
    run.end(2, Role::Follower);
    run.vote(2);
    run.establish(2, 2, &[]);
    run.propose(2, z(2, 1));
    run.append(1, z(2, 1));
    run.force(1);
    run.ack(1, z(2, 1));
    run.assert_broken(Property::TruthfulAck, "ack-on-another-history");
}

#[test]
fn two_leaders_of_different_epochs_at_one_time_are_legal() {
    let mut run = Ensemble::new(5, 0);
    run.establish(5, 1, &[1, 2, 3, 4]);
    run.write(5, &[1, 2, 3, 4], z(1, 1));
    look(&mut run, &[1, 2, 3]);
    run.establish(3, 2, &[1, 2]);
    run.write(3, &[1, 2], z(2, 1));
    run.propose(5, z(1, 2));
    run.accept(5, z(1, 2));
    run.accept(4, z(1, 2));
    run.assert_holds(Property::OneLeaderPerEpoch);
}

#[test]
fn a_deposed_leader_may_propose_its_first_transaction_in_vain() {
    let mut run = Ensemble::new(3, 0);
    run.establish(3, 1, &[1, 2]);
    look(&mut run, &[1, 2]);
    run.establish(2, 2, &[1]);
    run.write(2, &[1], z(2, 1));
    run.propose(3, z(1, 1));
    run.accept(3, z(1, 1));
    run.assert_holds(Property::PrimaryIntegrity);
}

#[test]
fn an_old_leader_may_confirm_what_the_new_one_has_adopted() {
    let mut run = Ensemble::new(3, 0);
    run.establish(3, 1, &[1, 2]);
    run.propose(3, z(1, 1));
    run.accept(3, z(1, 1));
    run.accept(2, z(1, 1));
    look(&mut run, &[1, 2]);
    run.establish(2, 2, &[1]);
    run.write(2, &[1], z(2, 1));
    run.commit(3, z(1, 1));
    run.deliver(3);
    run.assert_holds(Property::PrimaryIntegrity);
}

#[test]
fn an_old_leader_may_learn_late_that_its_quorum_had_formed() {
    let mut run = two_writes();
    look(&mut run, &[1, 2, 3]);
    run.synchronise(3, 2, &[1, 2]);
    look(&mut run, &[1, 2]);
    run.establish(2, 3, &[1]);
    run.write(2, &[1], z(3, 1));
    run.form(3, 2, &[1, 2]);
    run.serve(3, Role::Leader, 2);
    run.assert_holds(Property::CommittedSurvives);
}

#[test]
fn committing_for_an_old_epoch_what_the_new_one_lacks_breaks_primary_integrity() {
    let mut run = Ensemble::new(3, 0);
    run.establish(3, 1, &[1, 2]);
    run.propose(3, z(1, 1));
    run.accept(3, z(1, 1));
    look(&mut run, &[1, 2]);
    run.establish(2, 2, &[1]);
    run.accept(1, z(1, 1));
    run.commit(3, z(1, 1));
    run.assert_broken(Property::PrimaryIntegrity, "committed-in-earlier-epoch");
}

#[test]
fn a_first_proposal_before_catching_up_breaks_primary_integrity() {
    let mut run = two_writes();
    look(&mut run, &[1, 2, 3]);
    run.synchronise(2, 2, &[1]);
    run.form(2, 2, &[1]);
    let lineage = history(&[z(1, 1)]);
    run.fact(Fact::ServeStart {
        server: ServerId(2),
        role: Role::Leader,
        epoch: Epoch(2),
        lineage,
        tree: crate::base::digest::mix(lineage.hash),
    });
    run.propose(2, z(2, 1));
    run.assert_broken(Property::PrimaryIntegrity, "proposed-before-catching-up");
    run.assert_only_broken(&[Property::PrimaryIntegrity]);
}

#[test]
fn two_servers_may_propose_one_epoch_but_not_lead_it() {
    let mut run = Ensemble::new(3, 0);
    run.lead(1);
    run.propose_epoch(1, 1);
    run.synchronise(3, 1, &[2]);
    run.assert_holds(Property::OneLeaderPerEpoch);
    run.store(1, EpochFile::Current, 1);
    run.assert_broken(Property::OneLeaderPerEpoch, "two-leaders");
}

#[test]
fn leading_an_epoch_again_breaks_one_leader_per_epoch() {
    let mut run = Ensemble::new(3, 0);
    run.synchronise(3, 1, &[1, 2]);
    run.end(3, Role::Leader);
    run.vote(3);
    run.synchronise(3, 1, &[1, 2]);
    run.assert_broken(Property::OneLeaderPerEpoch, "epoch-led-twice");
}

#[test]
fn a_promise_forgotten_over_a_restart_breaks_epoch_discipline() {
    let mut run = Ensemble::new(3, 0);
    run.promise(1, 3, 4);
    run.crash(1);
    let kept = {
        let mut run = run.clone();
        run.boot(1);
        run
    };
    kept.assert_holds(Property::EpochDiscipline);
    run.server(1).accepted = 0;
    run.boot(1);
    run.assert_broken(Property::EpochDiscipline, "epoch-went-back");
}

#[test]
fn a_promise_before_the_file_is_durable_breaks_epoch_discipline() {
    let mut run = Ensemble::new(3, 0);
    run.fact(Fact::AckEpochSent {
        server: ServerId(1),
        epoch: Epoch(1),
        counted: true,
    });
    run.assert_broken(Property::EpochDiscipline, "promise-before-durable");
    run.assert_only_broken(&[Property::EpochDiscipline]);
}

#[test]
fn what_is_on_the_disk_of_a_server_that_was_not_heard_of_is_not_known() {
    let mut run = Ensemble::new(3, 0);
    run.promise(1, 3, 1);
    for observer in [5, 4] {
        run.fact(Fact::AckEpochSent {
            server: ServerId(observer),
            epoch: Epoch(1),
            counted: true,
        });
    }
    run.assert_holds(Property::EpochDiscipline);
}

#[test]
fn a_current_epoch_above_the_accepted_one_breaks_epoch_discipline() {
    let mut run = Ensemble::new(3, 0);
    run.store(1, EpochFile::Current, 1);
    run.assert_broken(Property::EpochDiscipline, "current-above-accepted");
}

#[test]
fn acknowledging_newleader_with_a_log_ahead_of_the_epoch_breaks_epoch_discipline() {
    let mut run = two_writes();
    look(&mut run, &[1, 2, 3]);
    run.establish(3, 2, &[2]);
    run.write(3, &[2], z(2, 1));
    run.promise(1, 3, 2);
    run.append(1, z(2, 1));
    run.force(1);
    let in_time = {
        let mut run = run.clone();
        run.store(1, EpochFile::Current, 2);
        run.ack_newleader(1, 2);
        run
    };
    in_time.assert_holds(Property::TruthfulNewleaderAck);
    run.ack_newleader(1, 2);
    run.assert_broken(Property::EpochDiscipline, "history-ahead-of-epoch");
    run.assert_broken(Property::TruthfulNewleaderAck, "newleader-ack-before-epoch");
}

#[test]
fn boot_must_drop_what_is_ahead_of_the_epoch_and_may_drop_it_though_committed() {
    let mut run = two_writes();
    look(&mut run, &[1, 2, 3]);
    run.establish(3, 2, &[2]);
    run.write(3, &[2], z(2, 1));
    run.promise(1, 3, 2);
    run.append(1, z(2, 1));
    run.force(1);
    run.crash(1);
    let dropped = {
        let mut run = run.clone();
        run.boot(1);
        run
    };
    dropped.assert_holds(Property::TruncationSafety);
    dropped.assert_holds(Property::EpochDiscipline);
    let lineage = history(&[z(1, 1), z(1, 2), z(2, 1)]);
    run.fact(Fact::Booted {
        server: ServerId(1),
        lineage,
        accepted: Epoch(2),
        current: Epoch(1),
    });
    run.vote(1);
    run.assert_broken(Property::EpochDiscipline, "history-ahead-of-epoch");
}

#[test]
fn an_ack_to_the_old_leader_after_a_promise_breaks_promise() {
    let mut run = two_writes();
    run.propose(3, z(1, 3));
    run.append(1, z(1, 3));
    run.force(1);
    run.promise(1, 2, 2);
    run.ack(1, z(1, 3));
    run.assert_broken(Property::Promise, "ack-to-earlier-epoch");
    run.assert_only_broken(&[Property::Promise]);
}

#[test]
fn an_uncounted_promise_binds_nobody() {
    let mut run = two_writes();
    run.propose(3, z(1, 3));
    run.append(1, z(1, 3));
    run.force(1);
    run.store(1, EpochFile::Accepted, 2);
    run.fact(Fact::AckEpochSent {
        server: ServerId(1),
        epoch: Epoch(2),
        counted: false,
    });
    run.ack(1, z(1, 3));
    run.assert_holds(Property::TruthfulAck);
}

#[test]
fn an_old_transaction_may_be_acknowledged_to_the_new_leader() {
    let mut run = two_writes();
    run.propose(3, z(1, 3));
    run.accept(3, z(1, 3));
    look(&mut run, &[1, 2, 3]);
    run.synchronise(3, 2, &[1, 2]);
    run.ack(1, z(1, 3));
    run.assert_holds(Property::Promise);
}

#[test]
fn acknowledging_newleader_without_the_leaders_history_breaks_truthful_newleader_ack() {
    let mut run = two_writes();
    look(&mut run, &[1, 2, 3]);
    run.propose(3, z(1, 3));
    run.append(3, z(1, 3));
    run.force(3);
    run.lead(3);
    run.propose_epoch(3, 2);
    run.promise(2, 3, 2);
    run.store(3, EpochFile::Current, 2);
    run.append(2, z(1, 3));
    run.store(2, EpochFile::Current, 2);
    run.ack_newleader(2, 2);
    run.assert_broken(
        Property::TruthfulNewleaderAck,
        "newleader-ack-without-history",
    );
}

#[test]
fn an_observer_may_acknowledge_newleader_with_its_diff_in_memory() {
    let mut run = Ensemble::new(3, 1);
    run.establish(3, 1, &[1, 2]);
    run.write(3, &[1, 2], z(1, 1));
    look(&mut run, &[1, 2, 3]);
    run.establish(3, 2, &[1, 2]);
    run.promise(4, 3, 2);
    run.store(4, EpochFile::Current, 2);
    run.ack_newleader(4, 2);
    run.assert_holds(Property::TruthfulNewleaderAck);
}

#[test]
fn a_quorum_that_is_none_breaks_commit_quorum() {
    let mut run = Ensemble::new(5, 0);
    run.synchronise(5, 1, &[1]);
    run.form(5, 1, &[1]);
    run.assert_broken(Property::CommitQuorum, "established-without-quorum");
}

#[test]
fn a_vote_for_more_than_the_disk_holds_breaks_truthful_vote() {
    let mut run = two_writes();
    run.propose(3, z(1, 3));
    run.append(1, z(1, 3));
    run.end(1, Role::Follower);
    run.vote(1);
    run.assert_broken(Property::TruthfulVote, "vote-differs-from-disk");
    run.assert_only_broken(&[Property::TruthfulVote]);
}

#[test]
fn a_vote_below_what_was_acknowledged_breaks_truthful_vote() {
    let mut run = two_writes();
    run.server(1).log.pop();
    run.vote(1);
    run.assert_broken(Property::TruthfulVote, "vote-below-acknowledged");
}

#[test]
fn a_vote_with_a_zxid_that_is_not_its_historys_end_breaks_truthful_vote() {
    let vote = |zxid: Zxid| Fact::Voted {
        server: ServerId(3),
        round: 2,
        lineage: history(&[z(1, 1), z(1, 2)]),
        zxid,
        epoch: Epoch(2),
    };
    let mut run = two_writes();
    look(&mut run, &[1, 2, 3]);
    run.establish(3, 2, &[1, 2]);
    let labelled = {
        let mut run = run.clone();
        run.fact(vote(z(2, 0)));
        run
    };
    labelled.assert_holds(Property::TruthfulVote);
    run.fact(vote(z(1, 1)));
    run.assert_broken(Property::TruthfulVote, "vote-with-wrong-position");
}

#[test]
fn a_committed_transaction_on_too_few_disks_breaks_survivability_before_anybody_loses_it() {
    let mut run = Ensemble::new(3, 0);
    run.establish(3, 1, &[1, 2]);
    run.propose(3, z(1, 1));
    run.accept(3, z(1, 1));
    run.append(2, z(1, 1));
    run.ack(2, z(1, 1));
    run.commit(3, z(1, 1));
    run.assert_broken(Property::Survivability, "a-quorum-can-elect-loss");
}

#[test]
fn an_epoch_ahead_of_its_history_breaks_survivability() {
    // ZOOKEEPER-4643: currentEpoch durable before the synchronised history. Servers 1 and 2 could elect server 1.
    let mut run = two_writes();
    run.crash(1);
    run.write(3, &[2], z(1, 3));
    run.boot(1);
    look(&mut run, &[2, 3]);
    run.lead(3);
    run.propose_epoch(3, 2);
    run.promise(1, 3, 2);
    run.store(3, EpochFile::Current, 2);
    run.assert_holds(Property::Survivability);
    run.store(1, EpochFile::Current, 2);
    run.assert_broken(Property::Survivability, "a-quorum-can-elect-loss");
    run.assert_only_broken(&[Property::Survivability]);
}

#[test]
fn forced_records_that_boot_does_not_find_break_truncation_safety() {
    let mut run = two_writes();
    run.crash(2);
    run.server(2).log.pop();
    run.boot(2);
    run.assert_broken(Property::TruncationSafety, "boot-lacks-committed");
}

#[test]
fn a_server_whose_disk_was_destroyed_is_excused_by_name() {
    let mut run = two_writes();
    for sid in [1, 2] {
        run.crash(sid);
        run.server(sid).log.clear();
        run.server(sid).accepted = 0;
        run.server(sid).current = 0;
        run.boot(sid);
    }
    run.assert_broken(Property::Survivability, "a-quorum-can-elect-loss");
    let voters: ServerSet = (1..=3).map(ServerId).collect();
    let mut monitor = ZabMonitor::new(voters);
    monitor.excuse(ServerId(1));
    monitor.excuse(ServerId(2));
    let findings = run.judge_by(monitor);
    assert!(
        findings.violations().is_empty(),
        "{:#?}",
        findings.violations()
    );
}

#[test]
fn a_switch_that_drops_what_was_committed_and_acknowledged_breaks_truncation_safety() {
    let mut run = two_writes();
    run.end(1, Role::Follower);
    run.fact(Fact::Switched {
        server: ServerId(1),
        kind: SyncKind::Trunc,
        lineage: history(&[z(1, 1)]),
        epoch: Epoch(1),
    });
    run.assert_broken(Property::TruncationSafety, "switch-dropped-committed");
}

#[test]
fn truncating_the_disk_at_once_breaks_truncation_safety() {
    let mut run = two_writes();
    run.fact(Fact::DiskTruncated {
        server: ServerId(1),
        lineage: history(&[z(1, 1)]),
    });
    run.assert_broken(Property::TruncationSafety, "truncated-committed");
}

#[test]
fn boot_may_not_drop_what_was_committed_and_acknowledged() {
    let mut run = two_writes();
    run.crash(1);
    run.fact(Fact::BootDropped {
        server: ServerId(1),
        lineage: history(&[z(1, 1)]),
    });
    run.assert_broken(Property::TruncationSafety, "boot-dropped-committed");
}

#[test]
fn a_leader_without_a_committed_transaction_breaks_committed_survives() {
    let mut run = two_writes();
    run.tell(1, z(1, 2));
    for sid in [1, 2] {
        run.crash(sid);
        run.server(sid).log.pop();
        run.boot(sid);
    }
    run.establish(2, 2, &[1]);
    run.assert_broken(Property::CommittedSurvives, "leader-lacks-committed");
    let findings = run.judge();
    let violation = findings
        .violations()
        .iter()
        .find(|violation| violation.property == Property::CommittedSurvives)
        .unwrap();
    let story: Vec<&str> = violation
        .story
        .iter()
        .map(|sentence| sentence.text.as_str())
        .collect();
    assert_eq!(
        story,
        [
            "server 3 proposed 1:2 (setData /k v2)",
            "server 3 committed 1:2, which {1,2,3} had acknowledged",
            "client 1 was answered: its request is 1:2",
            "server 2 crashed; its disk held a history to 1:2",
            "the disk of server 2 came to hold a history to 1:1",
            "server 2 leads epoch 2 with a history to 1:1 and lacks 1:2 (setData /k v2)",
        ]
    );
}

#[test]
fn a_leader_without_a_transaction_that_a_client_was_told_breaks_committed_survives() {
    let mut run = two_writes();
    run.propose(3, z(1, 3));
    run.accept(3, z(1, 3));
    run.tell(1, z(1, 3));
    run.crash(3);
    look(&mut run, &[1, 2]);
    run.establish(2, 2, &[1]);
    run.assert_broken(Property::CommittedSurvives, "leader-lacks-acknowledged");
}

#[test]
fn two_committed_histories_break_total_order() {
    let mut run = two_writes();
    for sid in [1, 2] {
        run.crash(sid);
        run.server(sid).log.pop();
        run.boot(sid);
    }
    run.establish(2, 2, &[1]);
    run.write(2, &[1], z(2, 1));
    run.assert_broken(Property::TotalOrder, "two-histories-committed");
}

#[test]
fn a_record_that_survives_a_crash_unforced_counts_from_boot_on() {
    let mut run = two_writes();
    run.propose(3, z(1, 3));
    run.append(1, z(1, 3));
    run.fact(Fact::ServerCrashed {
        server: ServerId(1),
        power: false,
        code: None,
    });
    run.boot(1);
    run.crash(3);
    look(&mut run, &[2]);
    run.establish(1, 2, &[2]);
    run.tell(1, z(1, 3));
    run.assert_holds(Property::ToldIsCommitted);
}
