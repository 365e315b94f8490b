//! Layer 3: defects, planted to prove that the checkers can fail. A defect wraps a process and rewrites its effects, or
//! switches a design choice of `zab::rules`; the protocol itself never asks whether it is defective.

pub mod table;
pub mod wrapped;
