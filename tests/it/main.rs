//! Integration tests.

mod cli;
mod golden;
mod layering;
mod scenarios;
mod style;
mod sweeping;
