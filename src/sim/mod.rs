//! Layer 1: the simulated machine. It knows no protocol: nodes are [`process::Process`] values, what they want done
//! comes back as data, and every message, timer, disk operation and fault is an event on one queue.

pub mod fault;
pub mod process;
pub mod sink;
