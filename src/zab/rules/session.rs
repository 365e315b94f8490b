//! Design choices of sessions and of the request pipeline, each read at exactly one place; the first variant is the correct one.

/// All of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct SessionRules {}
