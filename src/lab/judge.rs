//! What a good answer is: the reference's, and for other answers whether they can do harm or only cost more.
//!
//! Judged is a single answer, without a run; what a bad one does to an ensemble is shown by runs.

use super::watcher;
use super::wire::{self, Answer, PlanForm, PromiseForm, Question, StepForm, ZxidForm};
use super::{Ensemble, LeaderLog, PeerState, SyncPlan};
use crate::base::id::{ServerId, ServerSet};
use crate::base::zxid::Zxid;
use crate::zab::rules::QuorumRule;
use crate::zab::rules::election::VoteOrder;
use crate::zab::vote::Vote;

/// The judgement on one answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// As good as the reference's.
    Right,
    /// It can do harm; why, in a sentence.
    Unsafe(String),
    /// It does no harm and costs more; why.
    Wasteful(String),
}

/// What the reference solution answers.
pub fn reference(question: &Question) -> Answer {
    match question {
        Question::Supersedes { new, current } => {
            Answer::Supersedes(VoteOrder::EpochZxidSid.prefers((*new).into(), (*current).into()))
        }
        Question::IsCommitted { acks, voters, .. } => {
            let (acks, voters) = (wire::set(acks), wire::set(voters));
            Answer::IsCommitted(QuorumRule::Majority.contains_quorum(acks, voters))
        }
        Question::Decide {
            window,
            last,
            peer,
            wants_snapshot,
        } => {
            let leader = LeaderLog {
                window: window.iter().map(|zxid| (*zxid).into()).collect(),
                last: (*last).into(),
            };
            let peer = PeerState {
                last: (*peer).into(),
                wants_snapshot: *wants_snapshot,
            };
            Answer::Plan(decide(&leader, &peer).into())
        }
        Question::AtNewLeader {} => Answer::AtNewLeader(vec![
            StepForm::Append,
            StepForm::Force,
            StepForm::StoreEpoch,
            StepForm::Ack,
        ]),
        Question::AtNewEpoch {} => {
            Answer::AtNewEpoch(vec![PromiseForm::StoreEpoch, PromiseForm::Ack])
        }
        // What a client does depends on its life, and is judged by runs.
        Question::On { .. } => Answer::Do(Vec::new()),
        Question::Observe { events } => {
            Answer::Alarm(watcher::first_alarm(&mut watcher::Model::default(), events))
        }
        Question::ContainsQuorum {
            members,
            voters,
            observers,
            weights,
            groups,
        } => {
            let ensemble = Ensemble {
                voters: wire::set(voters),
                observers: wire::set(observers),
                weights: weights
                    .iter()
                    .map(|form| (ServerId(form.sid), form.weight))
                    .collect(),
                groups: groups.iter().map(|group| wire::set(group)).collect(),
            };
            let decides = contains_quorum(wire::set(members), &ensemble);
            Answer::ContainsQuorum(decides)
        }
    }
}

/// The judgement on an answer.
pub fn judge(question: &Question, answer: &Answer) -> Judgement {
    if reference(question) == *answer {
        return Judgement::Right;
    }
    match (question, answer) {
        (Question::On { .. }, Answer::Do(_)) | (Question::Observe { .. }, Answer::Alarm(_)) => {
            Judgement::Right
        }
        (Question::Supersedes { new, current }, Answer::Supersedes(yes)) => {
            Judgement::Unsafe(about_votes((*new).into(), (*current).into(), *yes))
        }
        (Question::IsCommitted { acks, voters, .. }, Answer::IsCommitted(yes)) => {
            let counted = wire::set(acks).iter();
            let voters = wire::set(voters);
            let counted = counted.filter(|server| voters.contains(*server)).count();
            let all = voters.len();
            if *yes {
                Judgement::Unsafe(format!(
                    "{counted} of {all} voters have it on disk, which is no majority"
                ))
            } else {
                Judgement::Wasteful(format!(
                    "{counted} of {all} voters have it on disk, which is a majority: it could be committed now"
                ))
            }
        }
        (Question::ContainsQuorum { .. }, Answer::ContainsQuorum(yes)) => {
            Judgement::Unsafe(if *yes {
                "these members decide nothing: others could decide something else at the same time"
                    .to_owned()
            } else {
                "these members decide: to wait for more stops an ensemble that could go on"
                    .to_owned()
            })
        }
        (
            Question::Decide {
                window,
                last,
                peer,
                wants_snapshot,
            },
            Answer::Plan(plan),
        ) => about_sync(window, *last, *peer, *wants_snapshot, *plan),
        (Question::AtNewLeader {}, Answer::AtNewLeader(steps)) => about_steps(steps),
        (Question::AtNewEpoch {}, Answer::AtNewEpoch(steps)) => about_promise(steps),
        (
            Question::Supersedes { .. }
            | Question::IsCommitted { .. }
            | Question::ContainsQuorum { .. }
            | Question::Decide { .. }
            | Question::AtNewLeader {}
            | Question::AtNewEpoch {}
            | Question::On { .. }
            | Question::Observe { .. },
            _,
        ) => Judgement::Unsafe("the answer belongs to another question".to_owned()),
    }
}

fn about_votes(new: Vote, current: Vote, yes: bool) -> String {
    let (better, worse) = if yes { (current, new) } else { (new, current) };
    if better == worse {
        return "a vote is not better than itself: two servers with equal votes would never settle"
            .to_owned();
    }
    let why = if better.epoch != worse.epoch {
        format!("epoch {} is later than {}", better.epoch, worse.epoch)
    } else if better.zxid != worse.zxid {
        format!("zxid {} is later than {}", better.zxid, worse.zxid)
    } else {
        format!(
            "with equal epochs and zxids server {} beats server {}",
            better.leader.0, worse.leader.0
        )
    };
    format!("the vote for s{} is better: {why}", better.leader.0)
}

/// The sync decision as the table of zab.md §4.2 has it, without a log on disk behind the window.
pub fn decide(leader: &LeaderLog, peer: &PeerState) -> SyncPlan {
    let oldest = leader.window.first().copied().unwrap_or(leader.last);
    let newest = leader.window.last().copied().unwrap_or(leader.last);
    let last = peer.last;
    if peer.wants_snapshot {
        SyncPlan::Snap
    } else if last == leader.last {
        SyncPlan::Diff { after: last }
    } else if last > newest && !last.is_label() {
        SyncPlan::Trunc { to: newest }
    } else if (oldest..=newest).contains(&last) {
        match leader.window.binary_search(&last) {
            Ok(_) => SyncPlan::Diff { after: last },
            Err(_) if last.is_label() => SyncPlan::Diff { after: last },
            Err(index) if leader.window[index].epoch() == last.epoch() => SyncPlan::Trunc {
                to: leader.window[index - 1],
            },
            Err(_) => SyncPlan::Snap,
        }
    } else {
        SyncPlan::Snap
    }
}

fn about_sync(
    window: &[ZxidForm],
    last: ZxidForm,
    peer: ZxidForm,
    wants_snapshot: bool,
    plan: PlanForm,
) -> Judgement {
    let window: Vec<Zxid> = window.iter().map(|zxid| (*zxid).into()).collect();
    let (last, peer): (Zxid, Zxid) = (last.into(), peer.into());
    let is_known = |zxid: &Zxid| window.binary_search(zxid).is_ok();
    match plan {
        PlanForm::Snap {} => {
            let state = PeerState {
                last: peer,
                wants_snapshot,
            };
            match decide(&LeaderLog { window, last }, &state) {
                SyncPlan::Snap => Judgement::Right,
                // Whether the learner's later epoch began where this history is, only the learner knows.
                SyncPlan::Trunc { to } if to.epoch() != peer.epoch() => Judgement::Right,
                SyncPlan::Diff { .. } => Judgement::Wasteful(format!(
                    "{peer} is in the leader's history; a DIFF is enough"
                )),
                SyncPlan::Trunc { to } => Judgement::Wasteful(format!(
                    "the histories agree up to {to}; a TRUNC is enough"
                )),
            }
        }
        _ if wants_snapshot => {
            Judgement::Unsafe("the learner has said that it can use nothing but a SNAP".to_owned())
        }
        PlanForm::Diff { after } => {
            let after = Zxid::from(after);
            let is_inside = peer.is_label()
                && window.first().is_some_and(|oldest| *oldest <= peer)
                && window.last().is_some_and(|newest| peer <= *newest);
            if peer != last && !is_known(&peer) && !is_inside {
                Judgement::Unsafe(format!(
                    "the leader's window does not have {peer}: either the learner has it alone, and keeps it, or what lies \
                     between is missing"
                ))
            } else if after != peer {
                Judgement::Unsafe(format!(
                    "the learner's history ends at {peer}, so that what follows {after} is not what it lacks"
                ))
            } else {
                Judgement::Right
            }
        }
        PlanForm::Trunc { to } => about_trunc(&window, peer, to.into()),
    }
}

fn about_trunc(window: &[Zxid], peer: Zxid, to: Zxid) -> Judgement {
    if window.binary_search(&to).is_err() {
        return Judgement::Unsafe(format!("{to} is not in the leader's window"));
    }
    if to >= peer {
        return Judgement::Unsafe(format!(
            "a log that ends at {peer} cannot be cut after {to}"
        ));
    }
    let between = |zxid: &&Zxid| **zxid > to && **zxid <= peer;
    if to.epoch() != peer.epoch() && window.last() != Some(&to) {
        Judgement::Unsafe(format!(
            "{to} and {peer} are of different epochs: nothing says that the learner's log has {to}"
        ))
    } else if window.iter().any(|zxid| between(&zxid)) {
        Judgement::Wasteful(format!(
            "the histories agree for longer than up to {to}: it is cut further than needed"
        ))
    } else {
        Judgement::Right
    }
}

fn about_steps(steps: &[StepForm]) -> Judgement {
    let place = |wanted| steps.iter().position(|step| *step == wanted);
    let (append, force) = (place(StepForm::Append), place(StepForm::Force));
    let (store, ack) = (place(StepForm::StoreEpoch), place(StepForm::Ack));
    let (Some(append), Some(force), Some(store), Some(ack)) = (append, force, store, ack) else {
        return Judgement::Unsafe("a step is missing: append, force, store-epoch, ack".to_owned());
    };
    let why = if steps.len() > 4 {
        "a step is taken twice"
    } else if force < append {
        "what is appended after the log was forced is not on disk"
    } else if ack < force {
        "the ACK says that the leader's history is on disk, and it is not forced yet"
    } else if ack < store {
        "the ACK says that the epoch is taken, and currentEpoch is not written yet"
    } else if store < force {
        "currentEpoch says that the leader's history is here, and a crash before the log is forced makes that untrue"
    } else {
        return Judgement::Right;
    };
    Judgement::Unsafe(why.to_owned())
}

fn about_promise(steps: &[PromiseForm]) -> Judgement {
    Judgement::Unsafe(
        if steps.contains(&PromiseForm::StoreEpoch) {
            "the promise is given before it is on disk: a restart forgets it"
        } else {
            "the promise is on no disk: a restart forgets it, and the server may help two leaders to one epoch"
        }
        .to_owned(),
    )
}

/// A majority; by weight where votes weigh, of a majority of the groups where there are some.
pub fn contains_quorum(members: ServerSet, ensemble: &Ensemble) -> bool {
    let weight_of = |server: ServerId| {
        let own = ensemble.weights.iter().find(|(other, _)| *other == server);
        own.map_or(1, |(_, weight)| u64::from(*weight))
    };
    let weigh = |group: ServerSet, only: Option<ServerSet>| -> u64 {
        let counted = group.iter().filter(|server| {
            ensemble.voters.contains(*server) && only.is_none_or(|only| only.contains(*server))
        });
        counted.map(weight_of).sum()
    };
    let has_majority = |group: &ServerSet| weigh(*group, Some(members)) > weigh(*group, None) / 2;
    if ensemble.groups.is_empty() {
        return has_majority(&ensemble.voters);
    }
    let groups = ensemble.groups.iter();
    let counted: Vec<&ServerSet> = groups.filter(|group| weigh(**group, None) > 0).collect();
    let won = counted.iter().filter(|group| has_majority(group)).count();
    won > counted.len() / 2
}

#[cfg(test)]
mod tests;
