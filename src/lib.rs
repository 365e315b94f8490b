//! `zablab`: a deterministic simulation testbed for ZooKeeper and its protocol Zab.

pub mod base;
pub mod cast;
pub mod check;
#[cfg(not(target_family = "wasm"))]
pub mod cli;
pub mod client;
pub mod experiment;
pub mod history;
pub mod lab;
pub mod mutant;
pub mod report;
pub mod sim;
pub mod tree;
pub mod words;
pub mod zab;
