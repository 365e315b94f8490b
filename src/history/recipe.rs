//! What programs that follow a recipe (semantics.md §8) say of themselves: what they want, what they believe, what they
//! did. ZooKeeper knows nothing of it; checkers hold it against the committed log.

use serde::{Deserialize, Serialize};

use super::op::Path;
use crate::base::zxid::Zxid;

/// Whether one or many may hold at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Nobody else may.
    Exclusive,
    /// Others who share may.
    Shared,
}

/// One thing that a program does or believes from its stamp on.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "kebab-case", deny_unknown_fields)]
#[expect(
    missing_docs,
    reason = "fields are explained at their variant where the name does not say it"
)]
pub enum Step {
    // ----- lock, read-write lock, leader election: a line of contenders in a directory
    /// A contender knows its place in the line: its znode.
    Queued { line: Path, node: Path, mode: Mode },
    /// From now on it believes that it holds the lock or leads.
    Held { line: Path, node: Path, mode: Mode },
    /// It used the resource that the lock guards, outside ZooKeeper, and showed this token, if any.
    Acted {
        line: Path,
        node: Path,
        token: Option<u64>,
    },
    /// It no longer believes that it holds, or waits no longer.
    LetGo { line: Path, node: Path },

    // ----- shared counter
    /// It wants to add one.
    Counting { counter: Path },
    /// It knows that it has, and what came out.
    Counted { counter: Path, value: u64 },

    // ----- queue and priority queue
    /// It wants an element.
    TakeBegan { queue: Path },
    /// It has taken this znode for itself and works on what it held, if it knows.
    Took {
        queue: Path,
        node: Path,
        item: Option<Path>,
    },
    /// It does not know whether it has taken this znode, and leaves it alone.
    TakeUnsure { queue: Path, node: Path },

    // ----- barrier and double barrier
    /// It waits in front of the barrier.
    Waits { barrier: Path },
    /// It goes on.
    Passed { barrier: Path },
    /// It wants to begin a round together with the others of a party of this size.
    EnterCalled {
        barrier: Path,
        round: u64,
        party: u16,
    },
    /// It begins.
    Entered { barrier: Path, round: u64 },
    /// It is done and wants to go on together with the others.
    LeaveCalled { barrier: Path, round: u64 },
    /// It goes on.
    Left { barrier: Path, round: u64 },

    // ----- configuration and membership
    /// From now on it uses the configuration that this transaction wrote.
    Configured { config: Path, mzxid: Zxid },
    /// It is or wants to be a member under this name.
    Member { group: Path, name: Path },
    /// From now on it takes these for the members.
    Viewed { group: Path, members: Vec<Path> },

    // ----- two-phase commit
    /// A site of so many is ready to commit, or not.
    Voted {
        transaction: Path,
        commit: bool,
        sites: u16,
    },
    /// Somebody acts on this decision about so many sites.
    Decided {
        transaction: Path,
        commit: bool,
        sites: u16,
    },
}
