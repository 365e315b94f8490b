//! The claims of introductory texts (teaching.md §13), what is true instead, and the runs that show it.
//!
//! The texts stand here, the runs in `scenarios/claims/`: a claim stands as it is judged here if every run of it comes out
//! as its file expects, on each of its seeds.

use crate::base::rng::Seed;
use crate::check::verdict::Violation;
use crate::experiment::generate;
use crate::experiment::outcome::Outcome;
use crate::experiment::run::{Nobody, play};
use crate::experiment::scenario::Scenario;

/// What is to be thought of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// It is so.
    Holds,
    /// It is so under a condition that is seldom said.
    OnlyIf,
    /// It is not so.
    False,
}

impl Judgement {
    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::OnlyIf => "holds only if",
            Self::False => "false",
        }
    }
}

/// A run, or the first seeds of a family of runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exhibit {
    /// The file in `scenarios/claims`, without its ending.
    pub file: &'static str,
    /// Seeds from 0 on; 0 = the file's own seed alone.
    pub seeds: u64,
}

/// A claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Its name.
    pub id: &'static str,
    /// What is said.
    pub said: &'static str,
    /// Who says so.
    pub by: Text,
    /// What is to be thought of it.
    pub judgement: Judgement,
    /// What is true.
    pub truth: &'static str,
    /// Where that is written, or can be read in ZooKeeper's code.
    pub source: &'static str,
    /// The runs that show it.
    pub exhibits: &'static [Exhibit],
}

/// Who makes a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Text {
    /// The article that this project starts from.
    Article,
    /// Tutorials in general.
    Tutorials,
}

impl Text {
    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Article => "article",
            Self::Tutorials => "tutorials",
        }
    }
}

const fn one(file: &'static str) -> Exhibit {
    Exhibit { file, seeds: 0 }
}

const fn family(file: &'static str, seeds: u64) -> Exhibit {
    Exhibit { file, seeds }
}

/// Every claim; the loosest first.
pub const CLAIMS: [Claim; 14] = [
    Claim {
        id: "first-come-votes",
        said: "a starting server asks the others for votes, each votes for whoever asks first, and enough votes make a leader",
        by: Text::Article,
        judgement: Judgement::False,
        truth: "Nobody asks. Each server first votes for itself and moves to the best history that it hears of: epoch, then zxid, then id. Who wins leads only after a quorum has promised its epoch and taken over its history. Votes for the first who asks give an epoch two leaders when a voter restarts between two who ask, and elect a server that has missed what was acknowledged.",
        source: "FastLeaderElection.totalOrderPredicate, Leader.lead; zab.md 10.2",
        exhibits: &[
            one("first-come-two-leaders"),
            one("first-come-votes"),
            one("best-history-votes"),
        ],
    },
    Claim {
        id: "timestamps",
        said: "network delay is handled by a consistency algorithm based on timestamps",
        by: Text::Article,
        judgement: Judgement::False,
        truth: "No clock orders anything. A zxid is an epoch and a counter that the leader gives; order comes from them, FIFO channels and quorums. Clocks drive timeouts alone. ctime and mtime are notes of the leader's wall clock, and go back when it does.",
        source: "ZxidUtils, ZooKeeper internals; semantics.md 1",
        exhibits: &[one("timestamps")],
    },
    Claim {
        id: "newer-version-wins",
        said: "on a version conflict the newer version is chosen",
        by: Text::Article,
        judgement: Judgement::False,
        truth: "Nothing is chosen. A setData or delete that expects another version than there is fails with BadVersion and changes nothing, however new it is; of two writes that expect the same version the first one succeeds.",
        source: "PrepRequestProcessor.checkAndIncVersion; semantics.md 2",
        exhibits: &[one("newer-version-wins")],
    },
    Claim {
        id: "learners-do-not-vote",
        said: "a LEARNER does not take part in elections, it only follows",
        by: Text::Article,
        judgement: Judgement::False,
        truth: "Follower and observer are both learners. Followers vote in elections and acknowledge proposals; observers do neither.",
        source: "Learner, Follower, Observer in ZooKeeper's sources",
        exhibits: &[one("learners-do-not-vote")],
    },
    Claim {
        id: "watch-every-change",
        said: "clients register watches and are told when data change",
        by: Text::Article,
        judgement: Judgement::False,
        truth: "A standard watch fires once. What changes between the event and the next read is not announced: the read shows the last state, and not how many there were. The event carries no data.",
        source: "ZooKeeper programmer's guide, watches; semantics.md 4.2",
        exhibits: &[one("watch-every-change")],
    },
    Claim {
        id: "reads-are-current",
        said: "all servers keep the same data, so a read shows what was written last",
        by: Text::Article,
        judgement: Judgement::False,
        truth: "A server answers reads from its own tree, which is a prefix of the history: never older than what the session has seen, and possibly older than what others have written.",
        source: "ZooKeeper's consistency guarantees; semantics.md 6",
        exhibits: &[one("reads-are-current")],
    },
    Claim {
        id: "sync-makes-reads-current",
        said: "a read after a sync is current",
        by: Text::Tutorials,
        judgement: Judgement::OnlyIf,
        truth: "Only if no leader has been deposed without knowing it: sync asks the leader and no quorum. A write before the read closes the gap.",
        source: "ZOOKEEPER-1675, ZOOKEEPER-2136; teaching.md 13",
        exhibits: &[family("sync-in-peace", 20), one("sync-at-a-deposed-leader")],
    },
    Claim {
        id: "one-leader",
        said: "exactly one server leads",
        by: Text::Article,
        judgement: Judgement::OnlyIf,
        truth: "Only if said of an epoch: an epoch has at most one leader. A leader that is cut off believes for some ticks that it leads, beside its successor, but can commit nothing; and between two leaders there is none.",
        source: "zab.md 10.2, 11; Leader.lead's tick loop",
        exhibits: &[
            family("one-leader-per-epoch", 20),
            one("one-leader-at-a-time"),
        ],
    },
    Claim {
        id: "a-lock-excludes",
        said: "a distributed lock gives mutual exclusion",
        by: Text::Article,
        judgement: Judgement::OnlyIf,
        truth: "Of znodes in the tree it does; of actions in the world only if the resource compares a fencing token. A holder that stands still until its session is over does not know it.",
        source: "ZooKeeper recipes; semantics.md 8",
        exhibits: &[
            one("two-believe-in-a-lock"),
            one("a-lock-without-fencing"),
            family("a-lock-with-fencing", 20),
        ],
    },
    Claim {
        id: "no-reply-no-effect",
        said: "an operation without a reply has failed",
        by: Text::Tutorials,
        judgement: Judgement::False,
        truth: "ConnectionLoss means that nobody knows. The write may have been committed, or may be by the next leader; who repeats it blindly does it twice.",
        source: "ZooKeeper's guarantees, reliability; KeeperException.ConnectionLossException",
        exhibits: &[one("no-reply-no-effect")],
    },
    Claim {
        id: "versions-keep-data-consistent",
        said: "each change raises a version number, which keeps data consistent",
        by: Text::Article,
        judgement: Judgement::Holds,
        truth: "Writes happen one at a time, in an order that respects real time, under the versions that are reported; a condition on the version makes of two competing writes one that succeeds.",
        source: "semantics.md 2; Stat.version",
        exhibits: &[family("versions", 20)],
    },
    Claim {
        id: "same-data",
        said: "the servers of an ensemble keep the same data",
        by: Text::Article,
        judgement: Judgement::Holds,
        truth: "All apply prefixes of one history, and who has applied the same prefix has the same state. They are not equally far.",
        source: "zab.md 11, total order and state equality",
        exhibits: &[family("same-data", 20)],
    },
    Claim {
        id: "a-new-leader-is-elected",
        said: "when a server fails a new leader is elected automatically",
        by: Text::Article,
        judgement: Judgement::OnlyIf,
        truth: "Only if a quorum of voters is alive and can talk; then within the bounds of initLimit and syncLimit. Nothing acknowledged is lost by it.",
        source: "zab.md 11.7, 16.2",
        exhibits: &[family("a-new-leader-is-elected", 20)],
    },
    Claim {
        id: "a-membership-is-monitored",
        said: "the members of a cluster can be monitored",
        by: Text::Article,
        judgement: Judgement::OnlyIf,
        truth: "Only if nobody needs to know at once: a dead member stays in the group until its session has timed out, and a view is as old as the server that answers. In the end all views show the living.",
        source: "semantics.md 3, 8.8",
        exhibits: &[family("membership", 20)],
    },
];

/// What came of one run of an exhibit.
#[derive(Clone, Debug)]
pub struct Shown {
    /// The scenario as it was played.
    pub scenario: Scenario,
    /// What came out.
    pub outcome: Outcome,
    /// How it differs from what its file expects.
    pub difference: Option<String>,
}

impl Shown {
    /// What refutes the claim in this run: the first violation in time.
    pub fn refutation(&self) -> Option<&Violation> {
        let violations = self.outcome.violations.iter();
        violations.min_by_key(|violation| violation.at)
    }
}

/// Plays an exhibit: its own seed, or each of its seeds.
pub fn show(exhibit: Exhibit, scenario: &Scenario) -> Vec<Shown> {
    let seeds: Vec<Seed> = match exhibit.seeds {
        0 => vec![scenario.seed],
        seeds => (0..seeds).map(Seed).collect(),
    };
    let play_one = |seed: Seed| {
        let mut scenario = scenario.clone();
        scenario.seed = seed;
        let scenario = generate::expand(&scenario);
        let outcome = play(&scenario, &mut Nobody);
        let difference = outcome.meets(&scenario.expect).err();
        Shown {
            scenario,
            outcome,
            difference,
        }
    };
    seeds.into_iter().map(play_one).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_claim_has_a_name_of_its_own_a_truth_a_source_and_a_run() {
        let names: BTreeSet<&str> = CLAIMS.iter().map(|claim| claim.id).collect();
        assert_eq!(names.len(), CLAIMS.len());
        for claim in &CLAIMS {
            assert!(!claim.exhibits.is_empty(), "{}", claim.id);
            assert!(claim.truth.ends_with('.'), "{}", claim.id);
            assert!(!claim.source.is_empty(), "{}", claim.id);
        }
    }
}
