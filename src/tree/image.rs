//! A snapshot: the whole replicated state at one moment; cloning shares everything.

use std::hash::{Hash, Hasher};

use super::store::Tree;

/// A snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// The state.
    pub tree: Tree,
}

impl Hash for Image {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.tree.digest());
        self.tree.lineage().hash(state);
    }
}
