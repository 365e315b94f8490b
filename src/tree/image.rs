//! A snapshot: the whole replicated state at one moment; cloning shares everything, hashing takes only its digest.

use super::store::Tree;

/// A snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Image {
    /// The state.
    pub tree: Tree,
}
