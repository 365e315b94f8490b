//! A snapshot: the whole replicated state at one moment; cloning shares everything.

/// A snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Image;
