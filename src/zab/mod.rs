//! Layer 2: the protocol, pure. The files are the phases of the paper.
//!
//! Reading order: [`server`] (phases and dispatch) · [`election`] (or [`asking`]) over [`transport`] · [`leader`] and [`learner`]
//! (discovery) · [`synchronization`] and [`staging`] · [`broadcast`], [`reign`] and [`follower`] · [`front`] and [`sessions`]
//! (clients) · [`log`] and [`memory`] (what is on disk and what is in memory) · [`rules`] (design choices).

pub mod asking;
pub mod broadcast;
pub mod config;
pub mod core;
pub mod discovery;
pub mod election;
pub mod follower;
pub mod front;
pub mod handler;
pub mod leader;
pub mod learner;
pub mod log;
pub mod looking;
pub mod memory;
pub mod pending;
mod recovery;
pub mod reign;
pub mod rules;
pub mod server;
pub mod sessions;
pub mod staging;
pub mod synchronization;
pub mod transport;
pub mod vote;

#[cfg(test)]
mod testing;
