//! Who a connection has proved to be, and what an access control list lets it do (semantics.md §2.2).

use std::sync::Arc;

/// The identities of one connection, in the order in which they were given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Identities {
    /// (scheme, id).
    pub ids: Vec<(Arc<str>, Arc<str>)>,
}
