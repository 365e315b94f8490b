//! Layer 1: the simulated machine. It knows no protocol: nodes are [`process::Process`] values, what they want done
//! comes back as data, and every message, timer, disk operation and fault is an event on one queue.

mod agenda;
mod aim;
mod apply;
mod clock;
mod disk;
pub mod draws;
pub mod fault;
mod faults;
pub mod law;
mod links;
mod net;
pub mod process;
mod queue;
pub mod rough;
pub mod setup;
pub mod sink;
mod slot;
mod strike;
#[cfg(test)]
mod testing;
pub mod timeline;
pub mod weather;
pub mod world;
