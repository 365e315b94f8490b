//! Names of znodes in recipes: a mark of the creator's own in front, a sequence number at the end.

use crate::base::rng::Draw;
use crate::history::op::Path;

/// Digits that a server appends to a sequential znode's name.
const DIGITS: usize = 10;

/// The number at the end of a sequential znode's name.
pub(super) fn sequence(name: &str) -> Option<u64> {
    let at = name.len().checked_sub(DIGITS)?;
    name.get(at..)?.parse().ok()
}

/// The last part of a path.
pub(super) fn name_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// A znode of a directory.
pub(super) fn within(directory: &str, name: &str) -> Path {
    format!("{directory}/{name}").into()
}

/// Something that nobody else puts into a name (a GUID in real programs).
pub(super) fn mark(draw: Draw) -> String {
    format!("{:08x}", draw.word() >> 32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_at_the_end_counts_and_not_the_mark_before_it() {
        assert_eq!(sequence("ffff-lock-0000000012"), Some(12));
        assert_eq!(sequence("lock"), None);
        assert_eq!(name_of("/lock/a-0000000001"), "a-0000000001");
        assert_eq!(&*within("/lock", "a"), "/lock/a");
    }
}
