//! One znode's known states in zxid order, and what must have happened between two of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::super::by_operation::Operation;
use super::holes::{Hole, HoleKind};
use super::ways::{Way, is_unchanged, ways};
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

/// What somebody says of a change.
#[derive(Clone, Copy, Debug)]
pub(super) struct Account<'a> {
    /// Whether it was one.
    pub change: bool,
    /// The data it left.
    pub data: Option<&'a Data>,
    /// The state it left.
    pub after: Know,
}

impl Mark {
    /// What it says.
    pub(super) fn account(&self) -> Account<'_> {
        Account {
            change: self.change,
            data: self.data.as_ref(),
            after: self.after,
        }
    }

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
    /// The life whose beginning was shown last, and judged. Showing it again changes nothing: `broken`, `compound` and the floor
    /// only rise, and a mark that is a change leaves only below the floor.
    pub born: Zxid,
    /// Expiry or the reaper may delete it.
    pub mortal: bool,
    /// One transaction may touch it more than once.
    pub compound: bool,
    /// A violation was found, or it is not a client's: its states prove nothing (any more).
    pub broken: bool,
    /// The stretch from the last definite mark to the last one of all, if it was followed: most marks come at its end.
    open: Option<Box<Stretch>>,
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
            born: Zxid::ZERO,
            mortal: false,
            compound: false,
            broken: system,
            open: None,
        }
    }

    /// A write may touch it: one whose effect others may delete, or one that may do so more than once.
    pub(super) fn expect(&mut self, mortal: bool, compound: bool) {
        if mortal && !self.mortal || compound && !self.compound {
            self.open = None;
        }
        self.mortal |= mortal;
        self.compound |= compound;
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
        self.open.take_if(|open| open.holds(zxid));
        let lower = self.definite_below(zxid);
        let is_definite = self.has_definite(zxid, &mark);
        self.marks.insert(zxid, mark);
        self.judge(lower)?;
        if is_definite {
            self.judge(zxid)?;
        } else {
            self.gaps.remove(&zxid);
            self.forget_vague(lower);
        }
        self.prune();
        Ok(())
    }

    fn has_definite(&self, zxid: Zxid, mark: &Mark) -> bool {
        zxid == self.floor() || (mark.change && mark.after.is_definite())
    }

    /// The mark at a zxid that has one.
    pub(super) fn mark(&self, zxid: Zxid) -> &Mark {
        self.marks.get(zxid).expect("a mark stands there")
    }

    fn definite_below(&self, zxid: Zxid) -> Zxid {
        if let Some(open) = self.open.as_ref().filter(|open| open.upper < zxid) {
            return open.lower;
        }
        let mut below = self.marks.before(zxid).rev();
        let definite = below.find(|(at, mark)| self.has_definite(*at, mark));
        definite.expect("the floor is definite").0
    }

    /// Follows every way from a definite mark to the next one, or on to the last mark.
    fn judge(&mut self, lower: Zxid) -> Result<(), Clash> {
        let mut stretch = if let Some(open) = self.open.take_if(|open| open.lower == lower) {
            open
        } else {
            let after = match self.marks.first_from(lower.next()) {
                None => None,
                Some((zxid, mark)) => {
                    let after = self.mark(lower).after;
                    let is_settled =
                        self.has_definite(zxid, mark) && is_unchanged(after, mark.before);
                    (!is_settled).then_some(after)
                }
            };
            // Nearly always nothing is known of what comes later, or it is the next state.
            let Some(after) = after else {
                self.gaps.remove(&lower);
                return Ok(());
            };
            Box::new(Stretch::start(lower, after))
        };
        let is_open = match self.follow(&mut stretch)? {
            End::Lost => {
                self.gaps.remove(&lower);
                return Ok(());
            }
            End::Definite => false,
            End::Open => true,
        };
        if stretch.walks.iter().any(|walk| walk.holes.is_empty()) {
            self.gaps.remove(&lower);
        } else {
            let ways = stretch.walks.iter().map(|walk| walk.holes.clone());
            self.gaps.insert(lower, ways.collect());
        }
        self.open = is_open.then_some(stretch).or(self.open.take());
        Ok(())
    }

    /// Goes on through a stretch.
    fn follow(&self, stretch: &mut Stretch) -> Result<End, Clash> {
        let mut onward = Vec::new();
        for (zxid, mark) in self.marks.from(stretch.upper.next()) {
            for walk in &stretch.walks {
                walk.step(zxid, mark, self, &mut onward);
            }
            if onward.is_empty() {
                return Err(Clash {
                    lower: stretch.last,
                    upper: zxid,
                    between: stretch.between,
                });
            }
            if onward.len() > WAYS {
                return Ok(End::Lost);
            }
            if mark.change {
                (stretch.last, stretch.between) = (zxid, None);
            } else if onward.iter().all(|walk| walk.turned == zxid) {
                stretch.between = Some(zxid);
            }
            std::mem::swap(&mut stretch.walks, &mut onward);
            onward.clear();
            stretch.upper = zxid;
            if self.has_definite(zxid, mark) {
                return Ok(End::Definite);
            }
            stretch.vague += 1;
        }
        Ok(End::Open)
    }

    /// Keeps a stretch short: the earliest vague marks go first.
    fn forget_vague(&mut self, lower: Zxid) {
        let open = self.open.as_ref().filter(|open| open.lower == lower);
        if open.is_some_and(|open| open.vague <= VAGUE) {
            return;
        }
        let stretch = self.marks.from(lower.next());
        let stretch = stretch.take_while(|(at, mark)| !self.has_definite(*at, mark));
        let stretch: Vec<Zxid> = stretch.map(|(at, _)| at).collect();
        if stretch.len() > VAGUE {
            self.open.take_if(|open| open.lower == lower);
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

/// What follows a definite mark.
#[derive(Clone, Debug)]
struct Stretch {
    /// That mark.
    lower: Zxid,
    /// The mark reached.
    upper: Zxid,
    /// How many of those passed are not definite.
    vague: usize,
    /// The last change.
    last: Zxid,
    /// What was observed since and fits no way on from there without a change.
    between: Option<Zxid>,
    /// The ways so far.
    walks: Vec<Walk>,
}

/// How a stretch ends.
enum End {
    /// At a definite mark.
    Definite,
    /// At the last mark of all.
    Open,
    /// There are too many ways.
    Lost,
}

impl Stretch {
    fn start(lower: Zxid, after: Know) -> Self {
        Self {
            lower,
            upper: lower,
            vague: 0,
            last: lower,
            between: None,
            walks: vec![Walk::start(lower, after)],
        }
    }

    /// Whether a mark at this zxid lies on it.
    fn holds(&self, zxid: Zxid) -> bool {
        (self.lower..=self.upper).contains(&zxid)
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
