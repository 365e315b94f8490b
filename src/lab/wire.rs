//! The questions that are put to a solution and its answers, as the lines of JSON in which any language can answer them
//! (docs/grading.md).
//!
//! One line per question, one line per answer, strictly in turn. Nothing that is asked names a seed, a scenario or a
//! moment, so that a solution can depend on the question alone.

use serde::{Deserialize, Serialize};

use super::watcher::{Alarm, Seen};
use super::{Acks, Ensemble, LeaderLog, PeerState, PromiseStep, SyncPlan};
use crate::base::id::{ServerId, ServerSet};
use crate::base::zxid::{Epoch, Zxid};
use crate::client::recipe::outside::{Action, Event};
use crate::zab::rules::sync::NewLeaderStep;
use crate::zab::vote::Vote;

/// A zxid with its halves by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ZxidForm {
    /// The epoch.
    pub epoch: u32,
    /// The counter; 0 = the label of an epoch, and no transaction.
    pub counter: u32,
}

/// A vote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VoteForm {
    /// The server voted for.
    pub sid: u8,
    /// Its epoch (`currentEpoch`).
    pub epoch: u32,
    /// Its last transaction.
    pub zxid: ZxidForm,
}

/// What a vote weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WeightForm {
    /// Whose.
    pub sid: u8,
    /// How much.
    pub weight: u32,
}

/// One question.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Question {
    /// Lab 4: is `new` better than `current`?
    Supersedes {
        /// The vote that was heard.
        new: VoteForm,
        /// The vote that the server has.
        current: VoteForm,
    },
    /// Lab 2: may this proposal be committed?
    IsCommitted {
        /// The leader.
        leader: u8,
        /// Who has acknowledged it.
        acks: Vec<u8>,
        /// Who votes.
        voters: Vec<u8>,
        /// Who only follows.
        observers: Vec<u8>,
    },
    /// Lab 6: what is this learner sent?
    Decide {
        /// The leader's committed transactions in memory, oldest first.
        window: Vec<ZxidForm>,
        /// The leader's last transaction, or the label of its epoch.
        last: ZxidForm,
        /// The learner's last transaction, or the label of its epoch.
        peer: ZxidForm,
        /// The learner can use nothing but a snapshot.
        wants_snapshot: bool,
    },
    /// Lab 7: what does a learner do at NEWLEADER, in which order?
    AtNewLeader {},
    /// Lab 7: what does a learner do when it is told a new epoch, in which order?
    AtNewEpoch {},
    /// Lab 12: do these members decide?
    ContainsQuorum {
        /// The members.
        members: Vec<u8>,
        /// Who votes.
        voters: Vec<u8>,
        /// Who only follows.
        observers: Vec<u8>,
        /// What votes weigh, where that is not 1.
        weights: Vec<WeightForm>,
        /// Groups of voters; none = all in one.
        groups: Vec<Vec<u8>>,
    },
    /// Lab 13: is anything wrong in this run?
    Observe {
        /// What happened, in order.
        events: Vec<Seen>,
    },
    /// Labs 9, 10, 11: what does this client do?
    On {
        /// Which client.
        client: u16,
        /// What it hears.
        event: Event,
    },
}

/// One answer; its only field says to which question.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Answer {
    /// To [`Question::Supersedes`].
    Supersedes(bool),
    /// To [`Question::IsCommitted`].
    IsCommitted(bool),
    /// To [`Question::Decide`].
    Plan(PlanForm),
    /// To [`Question::AtNewLeader`].
    AtNewLeader(Vec<StepForm>),
    /// To [`Question::AtNewEpoch`].
    AtNewEpoch(Vec<PromiseForm>),
    /// To [`Question::ContainsQuorum`].
    ContainsQuorum(bool),
    /// To [`Question::On`].
    Do(Vec<Action>),
    /// To [`Question::Observe`].
    Alarm(Option<Alarm>),
}

/// A sync.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "send", rename_all = "kebab-case", deny_unknown_fields)]
pub enum PlanForm {
    /// What is in the window after a transaction.
    Diff {
        /// Which.
        after: ZxidForm,
    },
    /// The learner's log is cut after a transaction, and what is in the window after it is sent.
    Trunc {
        /// Which.
        to: ZxidForm,
    },
    /// The whole state.
    Snap {},
}

/// A step at NEWLEADER.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepForm {
    /// Everything received is appended to the log.
    Append,
    /// The log is forced.
    Force,
    /// currentEpoch is written and forced.
    StoreEpoch,
    /// The ACK leaves.
    Ack,
}

/// A step at a new epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PromiseForm {
    /// acceptedEpoch is written and forced.
    StoreEpoch,
    /// The ACKEPOCH leaves.
    Ack,
}

impl Question {
    /// The line that is sent, without its end.
    pub fn line(&self) -> String {
        serde_json::to_string(self).expect("questions have string keys only")
    }

    /// Whether an answer is one to this question.
    pub fn fits(&self, answer: &Answer) -> bool {
        matches!(
            (self, answer),
            (Self::Supersedes { .. }, Answer::Supersedes(_))
                | (Self::IsCommitted { .. }, Answer::IsCommitted(_))
                | (Self::Decide { .. }, Answer::Plan(_))
                | (Self::AtNewLeader {}, Answer::AtNewLeader(_))
                | (Self::AtNewEpoch {}, Answer::AtNewEpoch(_))
                | (Self::ContainsQuorum { .. }, Answer::ContainsQuorum(_))
                | (Self::On { .. }, Answer::Do(_))
                | (Self::Observe { .. }, Answer::Alarm(_))
        )
    }

    /// The name of the call in messages.
    pub fn call(&self) -> &'static str {
        match self {
            Self::Supersedes { .. } => "supersedes",
            Self::IsCommitted { .. } => "is-committed",
            Self::Decide { .. } => "decide",
            Self::AtNewLeader {} => "at-new-leader",
            Self::AtNewEpoch {} => "at-new-epoch",
            Self::ContainsQuorum { .. } => "contains-quorum",
            Self::On { .. } => "on",
            Self::Observe { .. } => "observe",
        }
    }
}

impl Answer {
    /// The line that is sent, without its end.
    pub fn line(&self) -> String {
        serde_json::to_string(self).expect("answers have string keys only")
    }
}

impl From<Zxid> for ZxidForm {
    fn from(zxid: Zxid) -> Self {
        Self {
            epoch: zxid.epoch().0,
            counter: zxid.counter(),
        }
    }
}

impl From<ZxidForm> for Zxid {
    fn from(form: ZxidForm) -> Self {
        Self::new(Epoch(form.epoch), form.counter)
    }
}

impl From<&Vote> for VoteForm {
    fn from(vote: &Vote) -> Self {
        Self {
            sid: vote.leader.0,
            epoch: vote.epoch.0,
            zxid: vote.zxid.into(),
        }
    }
}

impl From<VoteForm> for Vote {
    fn from(form: VoteForm) -> Self {
        Self {
            leader: ServerId(form.sid),
            epoch: Epoch(form.epoch),
            zxid: form.zxid.into(),
        }
    }
}

/// The servers of a set, as a list.
pub fn list(servers: ServerSet) -> Vec<u8> {
    servers.iter().map(|server| server.0).collect()
}

/// The set of some servers; what cannot be a server's id is left out.
pub fn set(servers: &[u8]) -> ServerSet {
    let ids = servers
        .iter()
        .filter(|id| (1..=ServerSet::MAX).contains(*id));
    ids.map(|id| ServerId(*id)).collect()
}

impl From<&Acks> for Question {
    fn from(acks: &Acks) -> Self {
        Self::IsCommitted {
            leader: acks.leader.0,
            acks: list(acks.acks),
            voters: list(acks.voters),
            observers: list(acks.observers),
        }
    }
}

impl Question {
    /// Whether one vote is better than another.
    pub fn of_votes(new: &Vote, current: &Vote) -> Self {
        Self::Supersedes {
            new: new.into(),
            current: current.into(),
        }
    }

    /// What a learner is sent.
    pub fn of_sync(leader: &LeaderLog, peer: &PeerState) -> Self {
        Self::Decide {
            window: leader.window.iter().map(|zxid| (*zxid).into()).collect(),
            last: leader.last.into(),
            peer: peer.last.into(),
            wants_snapshot: peer.wants_snapshot,
        }
    }

    /// Whether some members decide.
    pub fn of_quorum(members: ServerSet, ensemble: &Ensemble) -> Self {
        let weights = ensemble.weights.iter();
        Self::ContainsQuorum {
            members: list(members),
            voters: list(ensemble.voters),
            observers: list(ensemble.observers),
            weights: weights
                .map(|(server, weight)| WeightForm {
                    sid: server.0,
                    weight: *weight,
                })
                .collect(),
            groups: ensemble.groups.iter().map(|group| list(*group)).collect(),
        }
    }
}

impl From<PlanForm> for SyncPlan {
    fn from(form: PlanForm) -> Self {
        match form {
            PlanForm::Diff { after } => Self::Diff {
                after: after.into(),
            },
            PlanForm::Trunc { to } => Self::Trunc { to: to.into() },
            PlanForm::Snap {} => Self::Snap,
        }
    }
}

impl From<SyncPlan> for PlanForm {
    fn from(plan: SyncPlan) -> Self {
        match plan {
            SyncPlan::Diff { after } => Self::Diff {
                after: after.into(),
            },
            SyncPlan::Trunc { to } => Self::Trunc { to: to.into() },
            SyncPlan::Snap => Self::Snap {},
        }
    }
}

impl From<StepForm> for NewLeaderStep {
    fn from(form: StepForm) -> Self {
        match form {
            StepForm::Append => Self::AppendAll,
            StepForm::Force => Self::Force,
            StepForm::StoreEpoch => Self::StoreEpoch,
            StepForm::Ack => Self::Ack,
        }
    }
}

impl From<PromiseForm> for PromiseStep {
    fn from(form: PromiseForm) -> Self {
        match form {
            PromiseForm::StoreEpoch => Self::Store,
            PromiseForm::Ack => Self::Ack,
        }
    }
}
