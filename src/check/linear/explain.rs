//! Finding writers for changes that no acknowledged write explains, among the writes whose outcome is unknown.

use std::sync::Arc;

use super::super::by_operation::Operation;
use super::holes::{self, Hole, HoleKind, Slot, SlotKind};
use super::timeline::Key;
use super::{Judged, LinearMonitor, Pending, stories, touch};
use crate::base::zxid::Zxid;
use crate::check::by_path::PathNumber;
use crate::check::evidence::{self, Effect, Know, Version};
use crate::check::verdict::At;
use crate::check::wording::Witness;
use crate::history::op::{Path, Request};

/// Ways to choose one explanation per gap that are tried; with more the znode is not judged at that moment.
const CHOICES: usize = 64;

impl LinearMonitor {
    /// Judges again whatever a resolved write might have explained.
    pub(super) fn settle_all(&mut self, at: At, request: &Request) -> Judged {
        for part in evidence::parts(request) {
            let Some((path, _, sequential)) = touch(part) else {
                continue;
            };
            if sequential {
                let named: Vec<Path> = self
                    .unsettled
                    .range(Arc::clone(path)..)
                    .take_while(|name| name.starts_with(&**path))
                    .filter(|name| evidence::sequence_prefix(name) == Some(path))
                    .cloned()
                    .collect();
                for name in named {
                    self.settle_path(at, &name)?;
                    if self.keys.get(&name).is_none_or(|key| !key.is_unsettled()) {
                        self.unsettled.remove(&name);
                    }
                }
            } else {
                self.settle_path(at, path)?;
            }
        }
        Ok(())
    }

    /// The same of one znode, if anything is known of it.
    pub(super) fn settle_path(&mut self, at: At, path: &str) -> Judged {
        match self.keys.number(path) {
            Some(number) => self.settle(at, number),
            None => Ok(()),
        }
    }

    /// Every unexplained change of a znode must have a writer of its own among the unresolved writes.
    pub(super) fn settle(&mut self, at: At, number: PathNumber) -> Judged {
        let key = self.keys.at(number);
        if !key.is_unsettled() {
            return Ok(());
        }
        let path = self.keys.path(number);
        let mortal = evidence::sequence_prefix(path)
            .is_some_and(|prefix| self.mortal_prefixes.iter().any(|other| &**other == prefix));
        let slots = self.slots(path);
        let shown = shown_holes(key);
        let choices = key.gaps.values().map(Vec::len).product::<usize>();
        if choices > CHOICES {
            return Ok(());
        }
        let mut failure = None;
        for choice in 0..choices {
            let mut holes: Vec<Hole> = shown.iter().map(|(_, hole)| hole.clone()).collect();
            let mut rest = choice;
            for ways in key.gaps.values() {
                holes.extend(ways[rest % ways.len()].iter().cloned());
                rest /= ways.len();
            }
            holes.retain(|hole| !(mortal && matches!(hole.kind, HoleKind::Delete(_))));
            match holes::fill(&holes, &slots) {
                Ok(_) => return self.bind_shown(at, &Arc::clone(path), &shown, &slots),
                Err(hole) => {
                    failure.get_or_insert_with(|| (holes[hole].clone(), holes.len()));
                }
            }
        }
        let (hole, count) = failure.expect("a choice was tried and failed");
        let story = stories::unexplained(at, path, key, &hole, count, &self.candidates(path));
        self.keys.at_mut(number).broken = true;
        Err(story)
    }

    /// The unresolved writes that might have touched a path.
    fn candidates(&self, path: &Path) -> Vec<&Pending> {
        let own = self.keys.get(path).map(|key| &key.unresolved);
        let prefix = evidence::sequence_prefix(path)
            .and_then(|prefix| self.keys.get(prefix))
            .map(|key| &key.unresolved);
        own.into_iter()
            .chain(prefix)
            .flatten()
            .filter_map(|op| self.pending.get(op))
            .collect()
    }

    fn slots(&self, path: &Path) -> Vec<Slot> {
        let mut slots: Vec<Slot> = Vec::new();
        for pending in self.candidates(path) {
            for part in evidence::parts(&pending.witness.request) {
                let is_placed = pending.bound.is_some() && !is_sequential(part);
                if let Some(kind) = slot(part, path)
                    && !is_placed
                {
                    let (above, below) = match pending.bound {
                        Some(zxid) => (Zxid(zxid.0 - 1), Some(zxid.next())),
                        None => (pending.above, pending.below),
                    };
                    slots.push(Slot {
                        op: (pending.witness.client, pending.witness.op),
                        kind,
                        above,
                        below,
                    });
                }
            }
        }
        let sets = slots
            .iter()
            .filter(|slot| matches!(slot.kind, SlotKind::Set(..)));
        let sets = i64::try_from(sets.count()).unwrap_or(i64::MAX);
        for slot in &mut slots {
            if let SlotKind::Delete(_, makers) = &mut slot.kind {
                *makers = sets;
            }
        }
        slots
    }

    /// A shown change that only one unresolved write can have made was made by it, with everything else it does.
    fn bind_shown(
        &mut self,
        at: At,
        path: &Path,
        shown: &[(Zxid, Hole)],
        slots: &[Slot],
    ) -> Judged {
        for (zxid, hole) in shown {
            let mut makers = slots.iter().filter(|slot| slot.fits(hole));
            let (Some(maker), None) = (makers.next(), makers.next()) else {
                continue;
            };
            self.bind(at, path, *zxid, maker.op)?;
        }
        Ok(())
    }

    /// The write's zxid is known, and with it all it did but for the names of its sequential creates: any of those may
    /// still have been made by it.
    fn forget_placed(&mut self, op: Operation, request: &Request) {
        let parts = evidence::parts(request);
        let open = |path: &Path| {
            let prefix = |part: &&Request| touch(part).is_some_and(|(other, ..)| other == path);
            parts.iter().filter(prefix).any(is_sequential)
        };
        for part in parts {
            if let Some((path, ..)) = touch(part)
                && !open(path)
                && let Some(key) = self.keys.get_mut(path)
            {
                key.unresolved.retain(|other| *other != op);
            }
        }
    }

    /// Whether a write whose answer was not seen may have made a znode of this sequential name.
    pub(super) fn may_have_named(&self, author: &Witness, path: &Path) -> bool {
        let Some(prefix) = evidence::sequence_prefix(path) else {
            return false;
        };
        let names = |part: &Request| {
            is_sequential(part) && touch(part).is_some_and(|(asked, ..)| &**asked == prefix)
        };
        self.pending.contains_key(&(author.client, author.op))
            && evidence::parts(&author.request).iter().any(names)
    }

    fn bind(&mut self, at: At, path: &Path, zxid: Zxid, op: Operation) -> Judged {
        let Some(pending) = self.pending.get_mut(&op) else {
            return Ok(());
        };
        if pending.bound.is_some() {
            return Ok(());
        }
        pending.bound = Some(zxid);
        let mut witness = pending.witness.clone();
        Arc::make_mut(&mut witness).zxid = Some(zxid);
        self.forget_placed(op, &witness.request);
        self.remember(zxid, &witness);
        let mut effects = evidence::effects(&witness.request, Ok(None), zxid);
        if !effects.iter().any(|effect| effect.path == *path) {
            effects.push(Effect {
                path: Arc::clone(path),
                before: Know::Absent,
                after: Know::Present {
                    czxid: Some(zxid),
                    version: Version::Is(0),
                },
                data: None,
                change: true,
            });
        }
        self.check_shown(at, zxid, &witness, &effects)?;
        for effect in &effects {
            self.place(at, zxid, effect, &witness)?;
        }
        for effect in effects.iter().filter(|effect| effect.path != *path) {
            self.settle_path(at, &effect.path)?;
        }
        Ok(())
    }
}

fn is_sequential(part: &Request) -> bool {
    matches!(part, Request::Create { flags, .. } if evidence::is_sequential(*flags))
}

fn slot(part: &Request, path: &Path) -> Option<SlotKind> {
    if let Request::Create {
        path: asked,
        data,
        flags,
        ..
    } = part
    {
        let fits = if evidence::is_sequential(*flags) {
            evidence::sequence_prefix(path) == Some(asked)
        } else {
            asked == path
        };
        fits.then(|| SlotKind::Create(data.clone()))
    } else if let Request::SetData {
        path: asked,
        data,
        version,
    } = part
    {
        (asked == path).then(|| SlotKind::Set(data.clone(), *version))
    } else if let Request::Delete {
        path: asked,
        version,
    } = part
    {
        (asked == path).then_some(SlotKind::Delete(*version, 0))
    } else if let Request::DeleteContainer { path: asked } = part {
        (asked == path).then_some(SlotKind::Delete(-1, 0))
    } else {
        None
    }
}

fn shown_holes(key: &Key) -> Vec<(Zxid, Hole)> {
    let hole = |zxid: &Zxid| {
        let mark = key.mark(*zxid);
        let kind = match (key.compound, mark.after) {
            (
                false,
                Know::Present {
                    czxid: Some(czxid),
                    version: Version::Is(version),
                },
            ) => {
                if czxid == *zxid {
                    HoleKind::Create
                } else {
                    HoleKind::Set(i64::from(version), 0)
                }
            }
            (true | false, _) => HoleKind::Either,
        };
        let hole = Hole {
            kind,
            above: Zxid(zxid.0 - 1),
            below: zxid.next(),
            data: mark.data.clone(),
        };
        (*zxid, hole)
    };
    key.unauthored.iter().map(hole).collect()
}
