//! Layer 2: the replicated state, pure: znodes, sessions, the preparation and application of transactions, watches.

pub mod acl;
pub mod image;
pub mod txn;
