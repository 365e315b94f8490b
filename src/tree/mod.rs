//! Layer 2: the replicated state, pure: znodes, sessions, the preparation and application of transactions, watches.
//!
//! ```text
//!   Request ─▶ prep (leader: validate, resolve) ─▶ Txn ─▶ store (every server: apply) ─▶ result, triggers ─▶ watch ─▶ events
//!   Request ─▶ read (the session's server: answer, arm watches)
//! ```
//! Reading order: `znode`, `txn`, `store`, `prep`, `watch`, `read`; `path`, `acl` and `quota` hold the rules they share.

pub mod acl;
pub mod image;
pub mod path;
pub mod prep;
pub mod read;
pub mod rules;
pub mod store;
pub mod txn;
pub mod watch;
pub mod znode;

mod outstanding;
mod quota;
mod sha1;

#[cfg(test)]
mod tests;
