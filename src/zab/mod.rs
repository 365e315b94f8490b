//! Layer 2: the protocol, pure. The files are the phases of the paper.

pub mod config;
pub mod rules;
