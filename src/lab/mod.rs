//! Layer 5: what a teacher and a student need: lessons that ask before they show (`lesson`), runs to step through (`step`), and building exercises: what
//! students implement, how their code takes part in a run, and how it is graded (docs/grading.md).
//!
//! ```text
//!   Solution (Rust) ─┐
//!                    ├─▶ Student ─▶ Asked ─▶ Scenario ─▶ run ─▶ harm? delay? costs ─▶ Grade
//!   child process  ──┘      └─▶ drawn states ─▶ judge ───────────────────────────────┘
//! ```
//! A solution is a function: the same question has the same answer, in every process. This module starts no process and
//! touches no file; `cli::course` does.

pub mod client;
pub mod course;
pub mod drawn;
pub mod grade;
pub mod hidden;
pub mod judge;
pub mod lesson;
pub mod map;
pub mod model;
pub mod play;
mod practice;
pub mod render;
pub mod seat;
pub mod solution;
pub mod step;
pub mod story;
pub mod student;
pub mod watcher;
pub mod wire;

pub use crate::base::id::{ServerId, ServerSet};
pub use crate::base::zxid::{Epoch, Zxid};
pub use crate::client::recipe::outside::{Action, Change, Event, Refusal};
pub use crate::zab::rules::asked::{
    Acks, CommitRule, Ensemble, EpochStore, LeaderLog, PeerState, PromiseStep, QuorumVerifier,
    SyncPlan, SyncPolicy, VoteOrder,
};
pub use crate::zab::rules::sync::NewLeaderStep;
pub use crate::zab::vote::Vote;
pub use client::Client;
pub use practice::practise;
pub use solution::{Solution, serve};
pub use watcher::{Invariant, Seen};
