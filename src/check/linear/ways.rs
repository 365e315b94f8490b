//! What must have happened between two known states of a znode.

use crate::base::zxid::Zxid;
use crate::check::evidence::{Know, Version};

/// What must have happened between two neighbouring marks, in one of several ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Way {
    /// The znode was deleted.
    pub delete: bool,
    /// It was created.
    pub create: bool,
    /// Then it was set to these versions, first to last; empty if `first > last`.
    pub first: i64,
    /// See `first`.
    pub last: i64,
}

impl Way {
    /// Nothing did.
    pub(super) const NOTHING: Self = Self {
        delete: false,
        create: false,
        first: 1,
        last: 0,
    };

    fn sets(first: i64, last: i64) -> Self {
        Self {
            first,
            last,
            ..Self::NOTHING
        }
    }
}

/// Whether nothing need have happened between two known states: [`Way::NOTHING`] is one of the [`ways`].
pub(super) fn is_unchanged(from: Know, to: Know) -> bool {
    match (from, to) {
        (Know::Nothing, _) | (_, Know::Nothing) | (Know::Absent, Know::Absent) => true,
        (Know::Absent, Know::Present { .. }) | (Know::Present { .. }, Know::Absent) => false,
        (
            Know::Present {
                czxid: life,
                version: low,
            },
            Know::Present {
                czxid: later_life,
                version: high,
            },
        ) => is_same_life(life, later_life) && within(low, high) == Some(Way::NOTHING),
    }
}

fn is_same_life(life: Option<Zxid>, later: Option<Zxid>) -> bool {
    match (life, later) {
        (Some(life), Some(later)) => life == later,
        (None, _) | (_, None) => true,
    }
}

/// The ways from one known state to a later one; none if there is no way.
pub(super) fn ways(from: Know, to: Know) -> impl Iterator<Item = Way> {
    let (one, other) = match (from, to) {
        (Know::Nothing, _) | (_, Know::Nothing) | (Know::Absent, Know::Absent) => {
            (Some(Way::NOTHING), None)
        }
        (Know::Absent, Know::Present { czxid, version }) => {
            let birth = Way {
                create: true,
                ..birth(version)
            };
            (czxid.is_none().then_some(birth), None)
        }
        (Know::Present { .. }, Know::Absent) => {
            let death = Way {
                delete: true,
                ..Way::NOTHING
            };
            (Some(death), None)
        }
        (
            Know::Present {
                czxid: life,
                version: low,
            },
            Know::Present {
                czxid: later_life,
                version: high,
            },
        ) => {
            let same = is_same_life(life, later_life).then(|| within(low, high));
            let same = same.flatten();
            let anew = Way {
                delete: true,
                create: true,
                ..birth(high)
            };
            let may_be_anew = later_life.is_none() && same != Some(Way::NOTHING);
            (same, may_be_anew.then_some(anew))
        }
    };
    one.into_iter().chain(other)
}

fn within(low: Version, high: Version) -> Option<Way> {
    match (low, high) {
        (Version::Is(low), Version::Is(high)) => {
            (high >= low).then(|| Way::sets(i64::from(low) + 1, i64::from(high)))
        }
        (Version::Is(low), Version::Not(not)) if low == not => {
            Some(Way::sets(i64::from(low) + 1, i64::from(low) + 1))
        }
        (Version::Any | Version::Not(_) | Version::Is(_), _) => Some(Way::NOTHING),
    }
    .map(|way| {
        if way.first > way.last {
            Way::NOTHING
        } else {
            way
        }
    })
}

fn birth(version: Version) -> Way {
    match version {
        Version::Is(version) if version > 0 => Way::sets(1, i64::from(version)),
        Version::Not(0) => Way::sets(1, 1),
        Version::Any | Version::Is(_) | Version::Not(_) => Way::NOTHING,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::zxid::Epoch;

    fn life(counter: u32, version: i32) -> Know {
        Know::Present {
            czxid: Some(Zxid::new(Epoch(1), counter)),
            version: Version::Is(version),
        }
    }

    fn all(from: Know, to: Know) -> Vec<Way> {
        ways(from, to).collect()
    }

    #[test]
    fn nothing_need_have_happened_where_that_is_one_of_the_ways() {
        let versions = [
            Version::Any,
            Version::Is(0),
            Version::Is(1),
            Version::Not(0),
            Version::Not(1),
        ];
        let lives = [None, Some(Zxid(1)), Some(Zxid(2))];
        let alive = lives.into_iter().flat_map(|czxid| {
            let present = move |version| Know::Present { czxid, version };
            versions.map(present)
        });
        let states: Vec<Know> = [Know::Nothing, Know::Absent]
            .into_iter()
            .chain(alive)
            .collect();
        for from in &states {
            for to in &states {
                let expected = ways(*from, *to).any(|way| way == Way::NOTHING);
                assert_eq!(is_unchanged(*from, *to), expected, "{from:?} {to:?}");
            }
        }
    }

    #[test]
    fn versions_of_one_life_never_go_back() {
        assert_eq!(all(life(1, 3), life(1, 2)), []);
        assert_eq!(all(life(1, 3), life(1, 3)), [Way::NOTHING]);
        assert_eq!(all(life(1, 3), life(1, 5)), [Way::sets(4, 5)]);
    }

    #[test]
    fn a_later_life_needs_its_own_creation_mark() {
        assert_eq!(all(life(1, 0), life(2, 0)), []);
        assert_eq!(all(Know::Absent, life(2, 0)), []);
    }

    #[test]
    fn a_version_that_went_back_without_a_named_life_needs_a_new_life() {
        let seen = Know::Present {
            czxid: None,
            version: Version::Is(1),
        };
        assert_eq!(
            all(life(1, 3), seen),
            [Way {
                delete: true,
                create: true,
                ..Way::sets(1, 1)
            }]
        );
    }
}
