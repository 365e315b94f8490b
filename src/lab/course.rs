//! The exercises: what a student implements, in which ensembles it is played, what is worth points, and hints.

use super::client::Part;
use super::play::Costs;
use super::student::Decision;
use crate::experiment::scenario::Scenario;

/// What an exercise asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// A decision of the protocol.
    Decide(Decision),
    /// The programs of clients.
    Client(Part),
    /// What must hold in every run.
    Observe,
}

/// What is compared with the reference's on the same seeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Time without a leader.
    Leaderless,
    /// Time from proposal to commit.
    Commit,
    /// Snapshots sent.
    Snapshots,
    /// Messages per operation.
    Messages,
    /// Requests per addition.
    Requests,
    /// Requests per configuration that is served.
    Reads,
    /// Watch events per holder of a lock.
    Wakes,
}

impl Measure {
    /// What it measures, in words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Leaderless => "time without a leader",
            Self::Commit => "time to commit",
            Self::Snapshots => "snapshots sent",
            Self::Messages => "messages per operation",
            Self::Requests => "requests per addition",
            Self::Reads => "requests per answer",
            Self::Wakes => "wake-ups per release",
        }
    }

    /// The cost as a fraction: so much, of so many.
    pub fn of(self, costs: &Costs) -> (u64, u64) {
        match self {
            Self::Leaderless => (costs.leaderless_us, 1),
            Self::Commit => (costs.committing_us, costs.commits),
            Self::Snapshots => (costs.snapshots, 1),
            Self::Messages => (costs.messages, costs.operations),
            Self::Requests => (costs.requests, costs.done),
            Self::Reads => (costs.reads, costs.done),
            Self::Wakes => (costs.wakes, costs.done),
        }
    }
}

/// One family of runs.
#[derive(Clone, Copy, Debug)]
pub struct Round {
    /// Its name in reports and in replay commands.
    pub name: &'static str,
    /// The family, as a scenario file.
    pub family: &'static str,
}

impl Round {
    /// The family.
    ///
    /// # Panics
    /// Never: a test reads all of them.
    pub fn scenario(&self) -> Scenario {
        Scenario::parse(self.family.as_bytes(), self.name, &[]).expect("a test reads every family")
    }
}

/// The files of a template.
#[derive(Clone, Copy, Debug)]
pub struct Template {
    /// The solution to be written in Rust.
    pub rust: &'static str,
    /// The solution to be written in Python.
    pub python: &'static str,
}

/// One exercise.
#[derive(Clone, Copy, Debug)]
pub struct Lab {
    /// Its number in the course.
    pub number: u8,
    /// Its name in commands.
    pub id: &'static str,
    /// Its title.
    pub title: &'static str,
    /// What is to be done, for the file that a student reads first.
    pub about: &'static str,
    /// What is asked for.
    pub task: Task,
    /// What the function is called in reports.
    pub call: &'static str,
    /// Where it is played.
    pub rounds: &'static [Round],
    /// What is worth points beside being right.
    pub measure: Option<Measure>,
    /// Hints, the first one free.
    pub hints: [&'static str; 3],
    /// Where a student begins.
    pub template: Template,
}

/// Every exercise, by number.
pub const LABS: &[Lab] = &[
    Lab {
        number: 2,
        id: "commit-rule",
        title: "commit rule",
        about: "The leader tells everybody to commit a proposal once nothing can make it disappear. Say when that is, no sooner and no later.",
        task: Task::Decide(Decision::Commits),
        call: "is_committed()",
        rounds: &[Round {
            name: "crashes",
            family: include_str!("../../labs/commit-rule/crashes.json"),
        }],
        measure: Some(Measure::Commit),
        hints: [
            "count only who can help to elect the next leader: who of those that acknowledged has a vote?",
            "a majority of the voters meets every other majority; nothing less does",
            "the leader is a voter, and its own log counts once the record is on its disk",
        ],
        template: Template {
            rust: include_str!("../../labs/commit-rule/template.rs"),
            python: include_str!("../../labs/commit-rule/template.py"),
        },
    },
    Lab {
        number: 4,
        id: "vote-order",
        title: "vote order",
        about: "A server that looks for a leader votes for itself first and changes its mind when it hears of a better vote. Say which of two votes is better, so that the winner's history holds everything that was ever committed.",
        task: Task::Decide(Decision::Votes),
        call: "supersedes()",
        rounds: &[
            Round {
                name: "elections",
                family: include_str!("../../labs/vote-order/elections.json"),
            },
            Round {
                name: "trust",
                family: include_str!("../../labs/vote-order/trust.json"),
            },
        ],
        measure: Some(Measure::Leaderless),
        hints: [
            "compare the epochs of the two votes before anything else, and print both when your answer differs from the reference's",
            "a longer log is not a newer one: what does a server have that has followed into a later epoch and logged nothing there?",
            "the order is lexicographic in three fields, and equal votes beat neither each other nor themselves",
        ],
        template: Template {
            rust: include_str!("../../labs/vote-order/template.rs"),
            python: include_str!("../../labs/vote-order/template.py"),
        },
    },
    Lab {
        number: 6,
        id: "sync-decision",
        title: "sync decision",
        about: "A learner comes back, and its log is behind, or ahead, or on another branch. Decide what it is sent, so that it ends on the history of the leader, for as little as possible.",
        task: Task::Decide(Decision::Syncs),
        call: "decide()",
        rounds: &[Round {
            name: "come-backs",
            family: include_str!("../../labs/sync-decision/come-backs.json"),
        }],
        measure: Some(Measure::Snapshots),
        hints: [
            "print the epoch of the first entry you would send and of the peer's last zxid",
            "if the leader does not have the learner's last transaction, the learner has to lose it: what do you know of the one before?",
            "cut within an epoch, never across its beginning; and what is older than the window can only come as a snapshot",
        ],
        template: Template {
            rust: include_str!("../../labs/sync-decision/template.rs"),
            python: include_str!("../../labs/sync-decision/template.py"),
        },
    },
    Lab {
        number: 7,
        id: "durable-steps",
        title: "order of durable steps",
        about: "Between what a server writes to its disk and what it tells others the power can fail. Put the steps into an order in which it has never said anything that its disk does not know.",
        task: Task::Decide(Decision::Stores),
        call: "steps",
        rounds: &[Round {
            name: "power-cuts",
            family: include_str!("../../labs/durable-steps/power-cuts.json"),
        }],
        measure: Some(Measure::Messages),
        hints: [
            "after each step ask: if the power fails now, what will this server claim after its restart, and is it true?",
            "an ACK is a promise about the disk: what does the ACK of NEWLEADER promise?",
            "currentEpoch names a history: the history has to be there first",
        ],
        template: Template {
            rust: include_str!("../../labs/durable-steps/template.rs"),
            python: include_str!("../../labs/durable-steps/template.py"),
        },
    },
    Lab {
        number: 9,
        id: "counter",
        title: "counter",
        about: "Several clients add to one number, which /counter holds: a znode whose data begins with the number and which is set once per addition. Replies are lost, servers fall. Add exactly once, whatever happens, and say what the number was then.",
        task: Task::Client(Part::Counter),
        call: "on()",
        rounds: &[Round {
            name: "adders",
            family: include_str!("../../labs/counter/adders.json"),
        }],
        measure: Some(Measure::Requests),
        hints: [
            "look at what you do about `lost` with `maybe`: was it carried out, was it not, or may it still be?",
            "a write on condition of a version fails if anybody has written since: it can be tried again without harm, but a success that you did not hear of cannot",
            "leave a mark of each addition in the data, under your own name, and look for it before you write again",
        ],
        template: Template {
            rust: include_str!("../../labs/counter/template.rs"),
            python: include_str!("../../labs/counter/template.py"),
        },
    },
    Lab {
        number: 10,
        id: "cached-reader",
        title: "cached reader",
        about: "An application asks again and again for the configuration in /config, which somebody else sets now and then. Serve it from what you have read, with as few requests as possible; but never something older than what you served before, never what you have been told has changed, and nothing while there is no connection.",
        task: Task::Client(Part::Reader),
        call: "on()",
        rounds: &[Round {
            name: "changes",
            family: include_str!("../../labs/cached-reader/changes.json"),
        }],
        measure: Some(Measure::Reads),
        hints: [
            "when may you serve what you have without asking? write the condition down, and print it",
            "a read with a watch tells you of the first change after it, once; a new session has no watches; a read of a znode that is not there leaves none",
            "after a change you need not read at once: the application may not ask before the next one",
        ],
        template: Template {
            rust: include_str!("../../labs/cached-reader/template.rs"),
            python: include_str!("../../labs/cached-reader/template.py"),
        },
    },
    Lab {
        number: 11,
        id: "lock-client",
        title: "lock client",
        about: "Clients take turns with a lock: each creates an ephemeral sequential znode in /lock, and the lowest number holds. Whoever holds shows a token to what the lock guards. Wake nobody who cannot go on, pass nobody over, and leave no znode behind that nobody knows of.",
        task: Task::Client(Part::Lock),
        call: "on()",
        rounds: &[Round {
            name: "turns",
            family: include_str!("../../labs/lock-client/turns.json"),
        }],
        measure: Some(Measure::Wakes),
        hints: [
            "print the list of names each time before you say `hold`, and your own; are you sorting by the number at the end?",
            "that the one before you has gone does not mean that nobody is before you; that a create had no reply does not mean that it did not happen",
            "put your name and a number into the znode's name; after a lost create, write something, list, and adopt what is yours",
        ],
        template: Template {
            rust: include_str!("../../labs/lock-client/template.rs"),
            python: include_str!("../../labs/lock-client/template.py"),
        },
    },
    Lab {
        number: 12,
        id: "quorum",
        title: "quorum verifier",
        about: "Say whether some servers decide: of plain ensembles with observers, of weighted votes and of groups. Two sets that decide must have a voter in common.",
        task: Task::Decide(Decision::Quorums),
        call: "contains_quorum()",
        rounds: &[Round {
            name: "splits",
            family: include_str!("../../labs/quorum/splits.json"),
        }],
        measure: Some(Measure::Commit),
        hints: [
            "take the members that have a vote, and compare with all that have a vote",
            "half is not more than half: with four voters two decide nothing",
            "a group counts if its members weigh anything; within a group weights are added, and of the groups themselves a majority is needed",
        ],
        template: Template {
            rust: include_str!("../../labs/quorum/template.rs"),
            python: include_str!("../../labs/quorum/template.py"),
        },
    },
    Lab {
        number: 13,
        id: "invariant",
        title: "invariant",
        about: "Write down what must hold in every run of an ensemble, so that a program can watch it: it sees who leads, what is proposed, acknowledged, committed and delivered, and says at once when something is wrong. It must be silent about correct runs, whatever faults strike, and loud about defects.",
        task: Task::Observe,
        call: "observe()",
        rounds: &[Round {
            name: "ensembles",
            family: include_str!("../../labs/invariant/ensembles.json"),
        }],
        measure: None,
        hints: [
            "say for each event which of the others it must agree with: who may lead the same epoch? who may deliver something else under the same zxid?",
            "what a server has not delivered it may have got by a sync: what does `serves` say about that?",
            "half of four is no majority, and observers do not vote: count the acks of a commit yourself",
        ],
        template: Template {
            rust: include_str!("../../labs/invariant/template.rs"),
            python: include_str!("../../labs/invariant/template.py"),
        },
    },
];

/// The defects that an invariant is to find.
pub const DEFECTS: &[&str] = &[
    "commit-on-own-log",
    "commit-no-quorum",
    "quorum-even",
    "epoch-reuse",
    "follower-applies-on-propose",
    "diff-no-trunc",
    "skip-trunc",
    "uptodate-commits-pending",
];

impl Lab {
    /// The exercise of this name or number.
    pub fn find(name: &str) -> Option<&'static Self> {
        LABS.iter().find(|lab| {
            lab.id == name || name.strip_prefix("lab").unwrap_or(name) == lab.number.to_string()
        })
    }

    /// The round of this name.
    pub fn round(&self, name: &str) -> Option<&'static Round> {
        self.rounds.iter().find(|round| round.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_family_can_be_read_and_names_carry_no_hint() {
        for lab in LABS {
            assert_eq!(
                Lab::find(lab.id).map(|found| found.number),
                Some(lab.number)
            );
            for round in lab.rounds {
                let scenario = round.scenario();
                assert!(scenario.generate.is_some(), "{}", lab.id);
                assert!(lab.round(round.name).is_some());
            }
        }
        assert_eq!(Lab::find("lab4").map(|lab| lab.id), Some("vote-order"));
    }
}
