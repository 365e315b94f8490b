//! Integration tests.

#![expect(
    clippy::unwrap_used,
    reason = "clippy knows the test functions as tests, but not their helpers"
)]

mod anomalies;
mod batches;
mod campaigns;
mod capabilities;
mod check;
mod claims;
mod cli;
mod course;
mod determinism;
mod draws;
mod fault_matrix;
mod flips;
mod golden;
mod grading;
mod layering;
mod mangled;
mod observed;
mod readme;
mod recipes;
mod recording;
mod reports;
mod scenarios;
mod schema;
mod shrinking;
mod step;
mod style;
mod sweeping;
mod zoo;
