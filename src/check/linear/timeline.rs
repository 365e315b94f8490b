//! One znode's known states in zxid order, and what must have happened between two of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::super::by_operation::Operation;
use super::holes::{Hole, HoleKind};
use crate::base::zxid::Zxid;
use crate::check::by_zxid::ByZxid;
use crate::check::evidence::{Know, Version};
use crate::check::wording::Witness;
use crate::history::op::Data;

/// What is known of a znode at one zxid.
#[derive(Clone, Debug)]
pub(super) struct Mark {
    /// Just before it.
    pub before: Know,
    /// Just after it.
    pub after: Know,
    /// The data it left.
    pub data: Option<Data>,
    /// Whether it changed the znode.
    pub change: bool,
    /// The write at this zxid.
    pub author: Option<Arc<Witness>>,
    /// A reply that showed this change.
    pub seen: Option<Arc<Witness>>,
}

impl Mark {
    /// Who vouches for it.
    pub(super) fn witness(&self) -> Option<&Arc<Witness>> {
        self.author.as_ref().or(self.seen.as_ref())
    }

    /// Whether a life of the znode began or ended here.
    pub(super) fn begins_or_ends(&self, zxid: Zxid) -> bool {
        match self.after {
            Know::Absent => true,
            Know::Present { czxid, .. } => czxid == Some(zxid),
            Know::Nothing => false,
        }
    }

    /// Whether it is a change that a reply showed and whose writer is not known yet.
    pub(super) fn is_unauthored(&self) -> bool {
        self.change && self.author.is_none() && self.seen.is_some()
    }
}

/// What must have happened between two neighbouring marks, in one of several ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Way {
    /// The znode was deleted.
    delete: bool,
    /// It was created.
    create: bool,
    /// Then it was set to these versions, first to last; empty if `first > last`.
    first: i64,
    /// See `first`.
    last: i64,
}

impl Way {
    const NOTHING: Self = Self {
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

/// Everything known of one znode.
#[derive(Clone, Debug)]
pub(super) struct Key {
    /// In zxid order; the first is a floor below which nothing is judged.
    pub marks: ByZxid<Mark>,
    /// Unresolved writes that may touch it.
    pub unresolved: Vec<Operation>,
    /// Stretches that need writers nobody acknowledged, by the mark they start from: each way to fill them.
    pub gaps: BTreeMap<Zxid, Vec<Vec<Hole>>>,
    /// Changes shown whose writer is not known yet.
    pub unauthored: BTreeSet<Zxid>,
    /// Expiry or the reaper may delete it.
    pub mortal: bool,
    /// One transaction may touch it more than once.
    pub compound: bool,
    /// A violation was found, or it is not a client's: its states prove nothing (any more).
    pub broken: bool,
}

/// Marks kept per znode; older ones are forgotten and no longer judged.
const KEPT: usize = 4096;

/// Marks without a definite state that are kept between two definite ones.
const VAGUE: usize = 64;

/// Ways followed through one stretch; a stretch with more is not judged.
const WAYS: usize = 8;

/// Two marks of a znode that cannot both be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Clash {
    /// The earlier one.
    pub lower: Zxid,
    /// The later one.
    pub upper: Zxid,
    /// What was observed between them and fits no way from one to the other.
    pub between: Option<Zxid>,
}

impl Key {
    /// Whether something about it is not explained yet.
    pub(super) fn is_unsettled(&self) -> bool {
        let is_explained = self.gaps.is_empty() && self.unauthored.is_empty();
        !self.broken && !is_explained
    }

    /// A znode before anything is known of it.
    pub(super) fn new(path: &str) -> Self {
        let system = path == "/" || path == "/zookeeper" || path.starts_with("/zookeeper/");
        let floor = Mark {
            before: Know::Absent,
            after: Know::Absent,
            data: None,
            change: false,
            author: None,
            seen: None,
        };
        let mut marks = ByZxid::default();
        marks.insert(Zxid::ZERO, floor);
        Self {
            marks,
            unresolved: Vec::new(),
            gaps: BTreeMap::new(),
            unauthored: BTreeSet::new(),
            mortal: false,
            compound: false,
            broken: system,
        }
    }

    /// The floor: at and below it nothing is judged.
    pub(super) fn floor(&self) -> Zxid {
        let (floor, _) = self.marks.first().expect("a key keeps its floor");
        floor
    }

    /// Puts a mark in its place and judges the stretches on both sides.
    pub(super) fn insert(&mut self, zxid: Zxid, mark: Mark) -> Result<(), Clash> {
        assert!(zxid > self.floor(), "a mark at {zxid} below the floor");
        if mark.is_unauthored() {
            self.unauthored.insert(zxid);
        } else {
            self.unauthored.remove(&zxid);
        }
        self.marks.insert(zxid, mark);
        let lower = self.definite_below(zxid);
        self.judge(lower)?;
        if self.is_definite(zxid) {
            self.judge(zxid)?;
        } else {
            self.gaps.remove(&zxid);
            self.forget_vague(lower);
        }
        self.prune();
        Ok(())
    }

    fn is_definite(&self, zxid: Zxid) -> bool {
        self.has_definite(zxid, self.mark(zxid))
    }

    fn has_definite(&self, zxid: Zxid, mark: &Mark) -> bool {
        zxid == self.floor() || (mark.change && mark.after.is_definite())
    }

    /// The mark at a zxid that has one.
    pub(super) fn mark(&self, zxid: Zxid) -> &Mark {
        self.marks.get(zxid).expect("a mark stands there")
    }

    fn definite_below(&self, zxid: Zxid) -> Zxid {
        let mut below = self.marks.before(zxid).rev();
        let definite = below.find(|(at, mark)| self.has_definite(*at, mark));
        definite.expect("the floor is definite").0
    }

    /// Follows every way from a definite mark to the next one.
    fn judge(&mut self, lower: Zxid) -> Result<(), Clash> {
        let after = self.mark(lower).after;
        let next = self.marks.first_from(lower.next());
        // Nearly always nothing is known of what comes later, or it is the next state.
        if next.is_none_or(|(zxid, mark)| {
            self.has_definite(zxid, mark) && is_unchanged(after, mark.before)
        }) {
            self.gaps.remove(&lower);
            return Ok(());
        }
        let mut walks = vec![Walk::start(lower, after)];
        let (mut last, mut between) = (lower, None);
        for (zxid, mark) in self.marks.from(lower.next()) {
            let mut onward = Vec::new();
            for walk in &walks {
                walk.step(zxid, mark, self, &mut onward);
            }
            if onward.is_empty() {
                return Err(Clash {
                    lower: last,
                    upper: zxid,
                    between,
                });
            }
            if onward.len() > WAYS {
                self.gaps.remove(&lower);
                return Ok(());
            }
            if mark.change {
                (last, between) = (zxid, None);
            } else if onward.iter().all(|walk| walk.turned == zxid) {
                between = Some(zxid);
            }
            walks = onward;
            if self.has_definite(zxid, mark) {
                break;
            }
        }
        if walks.iter().any(|walk| walk.holes.is_empty()) {
            self.gaps.remove(&lower);
        } else {
            let ways = walks.into_iter().map(|walk| walk.holes).collect();
            self.gaps.insert(lower, ways);
        }
        Ok(())
    }

    /// Keeps a stretch short: the earliest vague marks go first.
    fn forget_vague(&mut self, lower: Zxid) {
        let stretch: Vec<Zxid> = self
            .marks
            .from(lower.next())
            .take_while(|(at, mark)| !self.has_definite(*at, mark))
            .map(|(at, _)| at)
            .collect();
        if stretch.len() > VAGUE {
            for zxid in stretch.iter().take(VAGUE / 2) {
                if !self.mark(*zxid).change {
                    self.marks.remove(*zxid);
                }
            }
        }
    }

    fn prune(&mut self) {
        if self.marks.len() <= KEPT {
            return;
        }
        let (cut, _) = self
            .marks
            .iter()
            .nth(KEPT / 4)
            .expect("more marks than are cut");
        let cut = self.definite_below(cut);
        self.marks.forget_before(cut);
        self.gaps = self.gaps.split_off(&cut);
        self.unauthored = self.unauthored.split_off(&cut.next());
    }
}

/// One way through a stretch.
#[derive(Clone, Debug)]
struct Walk {
    now: Know,
    /// The last mark that pins the state: changes needed later lie above it.
    above: Zxid,
    /// Changes since then that left a version nobody knows: what is needed later may lie before them as well.
    vague: i64,
    /// The last mark that shows the znode alive: it went later.
    alive: Zxid,
    /// The last mark before which something had to happen.
    turned: Zxid,
    /// The znode was created anew somewhere above this zxid.
    born_above: Option<Zxid>,
    holes: Vec<Hole>,
}

impl Walk {
    fn start(above: Zxid, now: Know) -> Self {
        Self {
            now,
            above,
            vague: 0,
            alive: above,
            turned: Zxid::ZERO,
            born_above: None,
            holes: Vec::new(),
        }
    }

    /// Goes on to the next mark in every way there is.
    fn step(&self, zxid: Zxid, mark: &Mark, key: &Key, onward: &mut Vec<Self>) {
        if let (
            Some(born_above),
            Know::Present {
                czxid: Some(czxid), ..
            },
        ) = (self.born_above, mark.before)
            && czxid <= born_above
        {
            return;
        }
        for way in ways(self.now, mark.before) {
            let mut walk = self.clone();
            walk.take(way, zxid, key);
            walk.now = walk.now.and(mark.before);
            let pinned = if mark.change {
                walk.now = if mark.after.is_definite() {
                    mark.after
                } else if key.compound {
                    Know::PRESENT
                } else {
                    walk.now.bumped()
                };
                walk.vague += 1;
                mark.after.is_pinned()
            } else {
                mark.before.is_pinned()
            };
            if pinned {
                (walk.above, walk.vague) = (zxid, 0);
            }
            if matches!(walk.now, Know::Present { .. }) {
                walk.alive = zxid;
            }
            onward.push(walk);
        }
    }

    fn take(&mut self, way: Way, below: Zxid, key: &Key) {
        const MANY: i64 = 1000;
        if way == Way::NOTHING {
            return;
        }
        let (above, vague) = (self.above, self.vague);
        let doomed = match self.now {
            Know::Present {
                version: Version::Is(version),
                ..
            } if !key.compound => i64::from(version),
            Know::Nothing | Know::Absent | Know::Present { .. } => -1,
        };
        self.turned = below;
        if way.create {
            self.born_above = Some(above);
        }
        let mut need = |kind, above| {
            self.holes.push(Hole {
                kind,
                above,
                below,
                data: None,
            });
        };
        if way.delete && !key.mortal {
            // A znode that was made anew may have gone before it was last seen alive.
            let above = if way.create { above } else { self.alive };
            need(HoleKind::Delete(doomed), above);
        }
        if way.create {
            need(HoleKind::Create, above);
        }
        if !key.compound {
            for version in way.first..=way.last.min(way.first + MANY) {
                need(HoleKind::Set(version, vague), above);
            }
        }
        self.now = self.now.after(way);
    }
}

impl Know {
    /// Whether it says all there is to say of a state.
    fn is_definite(self) -> bool {
        match self {
            Self::Absent
            | Self::Present {
                czxid: Some(_),
                version: Version::Is(_),
            } => true,
            Self::Nothing | Self::Present { .. } => false,
        }
    }

    /// Whether it names one state: changes after it lie above it.
    fn is_pinned(self) -> bool {
        match self {
            Self::Absent
            | Self::Present {
                version: Version::Is(_),
                ..
            } => true,
            Self::Nothing
            | Self::Present {
                version: Version::Any | Version::Not(_),
                ..
            } => false,
        }
    }

    /// The least state a way leads to.
    fn after(self, way: Way) -> Self {
        let version = i32::try_from(way.last).unwrap_or(i32::MAX);
        if way.create {
            Self::Present {
                czxid: None,
                version: Version::Is(version),
            }
        } else if way.delete {
            Self::Absent
        } else if let Self::Present { czxid, .. } = self {
            Self::Present {
                czxid,
                version: Version::Is(version),
            }
        } else {
            self
        }
    }
}

/// Whether nothing need have happened between two known states: [`Way::NOTHING`] is one of the [`ways`].
fn is_unchanged(from: Know, to: Know) -> bool {
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
fn ways(from: Know, to: Know) -> Vec<Way> {
    match (from, to) {
        (Know::Nothing, _) | (_, Know::Nothing) | (Know::Absent, Know::Absent) => {
            vec![Way::NOTHING]
        }
        (Know::Absent, Know::Present { czxid: Some(_), .. }) => Vec::new(),
        (
            Know::Absent,
            Know::Present {
                czxid: None,
                version,
            },
        ) => vec![Way {
            create: true,
            ..birth(version)
        }],
        (Know::Present { .. }, Know::Absent) => vec![Way {
            delete: true,
            ..Way::NOTHING
        }],
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
            let mut ways = Vec::new();
            if is_same_life(life, later_life) {
                ways.extend(within(low, high));
            }
            if later_life.is_none() && !ways.contains(&Way::NOTHING) {
                ways.push(Way {
                    delete: true,
                    create: true,
                    ..birth(high)
                });
            }
            ways
        }
    }
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
                let expected = ways(*from, *to).contains(&Way::NOTHING);
                assert_eq!(is_unchanged(*from, *to), expected, "{from:?} {to:?}");
            }
        }
    }

    #[test]
    fn versions_of_one_life_never_go_back() {
        assert!(ways(life(1, 3), life(1, 2)).is_empty());
        assert_eq!(ways(life(1, 3), life(1, 3)), vec![Way::NOTHING]);
        assert_eq!(ways(life(1, 3), life(1, 5)), vec![Way::sets(4, 5)]);
    }

    #[test]
    fn a_later_life_needs_its_own_creation_mark() {
        assert!(ways(life(1, 0), life(2, 0)).is_empty());
        assert!(ways(Know::Absent, life(2, 0)).is_empty());
    }

    #[test]
    fn a_version_that_went_back_without_a_named_life_needs_a_new_life() {
        let seen = Know::Present {
            czxid: None,
            version: Version::Is(1),
        };
        assert_eq!(
            ways(life(1, 3), seen),
            vec![Way {
                delete: true,
                create: true,
                ..Way::sets(1, 1)
            }]
        );
    }
}
