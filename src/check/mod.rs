//! Layer 3: verdicts from facts alone. Nothing here sees the protocol, the tree or the machine: the oracle and the
//! implementation stay independent.

pub mod article;
pub(crate) mod by_operation;
mod by_path;
mod by_zxid;
pub mod claims;
mod committed;
pub mod convergence;
mod evidence;
pub mod foreign;
pub mod linear;
pub mod liveness;
mod news;
mod numbered;
pub mod panel;
pub mod recipe;
pub mod recovery;
#[cfg(test)]
mod script;
pub mod session;
pub mod sessions;
mod slots;
mod under_way;
pub mod verdict;
pub mod watch;
pub mod wording;
pub mod zab;
