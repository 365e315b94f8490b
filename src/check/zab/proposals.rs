//! What leaders proposed, and what became of it.

use std::sync::Arc;

use super::acks::AckNumber;
use super::committed::Told;
use super::histories::Node;
use crate::base::id::{ServerId, SessionId};
use crate::base::zxid::Zxid;
use crate::check::verdict::At;

/// A transaction that some leader proposed, and what became of it: the evidence of stories.
#[derive(Clone, Debug)]
pub(super) struct Proposal {
    pub(super) zxid: Zxid,
    pub(super) node: Node,
    pub(super) digest: u64,
    pub(super) server: ServerId,
    pub(super) at: At,
    pub(super) session: SessionId,
    pub(super) text: Arc<str>,
    /// The last of its acknowledgements.
    pub(super) acked: Option<AckNumber>,
    pub(super) committed: Option<(ServerId, At)>,
    pub(super) told: Option<Told>,
    /// The client told is the one that asked for it.
    pub(super) told_asker: bool,
}

/// All proposals, each zxid once, in order of zxids.
#[derive(Clone, Debug, Default)]
pub(super) struct Proposals(Vec<Proposal>);

impl Proposals {
    /// Where the proposal of a zxid stands, or where it would.
    #[inline]
    pub(super) fn find(&self, zxid: Zxid) -> Result<usize, usize> {
        // Where nothing was left out it stands as far from the last one as its zxid does.
        let place = self.0.last().and_then(|last| {
            let back = usize::try_from(last.zxid.0.checked_sub(zxid.0)?).ok()?;
            (self.0.len() - 1).checked_sub(back)
        });
        match place {
            Some(place) if self.0[place].zxid == zxid => Ok(place),
            Some(_) | None => self.search(zxid),
        }
    }

    fn search(&self, zxid: Zxid) -> Result<usize, usize> {
        match self.0.last() {
            Some(last) if last.zxid >= zxid => self.0.binary_search_by_key(&zxid, |one| one.zxid),
            Some(_) | None => Err(self.0.len()),
        }
    }

    /// The proposal of a zxid.
    pub(super) fn get(&self, zxid: Zxid) -> Option<&Proposal> {
        self.0.get(self.find(zxid).ok()?)
    }

    /// The proposal of a zxid, to be changed.
    #[inline]
    pub(super) fn get_mut(&mut self, zxid: Zxid) -> Option<&mut Proposal> {
        let place = self.find(zxid).ok()?;
        self.0.get_mut(place)
    }

    /// Adds a proposal where its zxid would stand.
    #[inline]
    pub(super) fn insert(&mut self, place: usize, proposal: Proposal) {
        if place == self.0.len() {
            self.0.push(proposal);
        } else {
            self.0.insert(place, proposal);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::base::digest::mix;
    use crate::base::id::EventId;
    use crate::base::time::Time;
    use crate::base::zxid::Epoch;
    use crate::check::zab::histories::ROOT;

    fn proposal(zxid: Zxid, digest: u64) -> Proposal {
        Proposal {
            zxid,
            node: ROOT,
            digest,
            server: ServerId(1),
            at: At {
                event: EventId(digest),
                time: Time::ZERO,
            },
            session: SessionId::NONE,
            text: "".into(),
            acked: None,
            committed: None,
            told: None,
            told_asker: false,
        }
    }

    /// Zxids in order, with gaps now and then, and some of a leader that is deposed and does not know it.
    fn draw(round: u64) -> Zxid {
        let seed = mix(round);
        let late = u64::from(seed.is_multiple_of(16)) * (seed >> 8 & 1);
        let epoch = u32::try_from(1 + (round / 400).saturating_sub(late)).unwrap();
        let gap = u64::from(seed.is_multiple_of(23)) * (seed >> 16 & 3);
        let counter = u32::try_from(1 + round % 400 + gap + late * 300).unwrap();
        Zxid::new(Epoch(epoch), counter)
    }

    #[test]
    fn proposals_are_found_as_in_a_sorted_map() {
        let mut proposals = Proposals::default();
        let mut model = BTreeMap::new();
        assert_eq!(proposals.find(draw(0)), Err(0));
        for round in 0..3_000 {
            let zxid = draw(round);
            match proposals.find(zxid) {
                Ok(_) => assert!(model.contains_key(&zxid)),
                Err(place) => {
                    proposals.insert(place, proposal(zxid, round));
                    assert_eq!(model.insert(zxid, round), None);
                }
            }
            let near = draw(round.saturating_sub(mix(round) % 40));
            let far = draw(mix(round) % (2 * round + 1));
            for other in [near, near.next(), far, far.next(), Zxid(far.0 - 1)] {
                let found = proposals.get(other).map(|one| one.digest);
                assert_eq!(found, model.get(&other).copied(), "{other}");
                let found = proposals.get_mut(other).map(|one| one.zxid);
                assert_eq!(found, model.get(&other).map(|_| other));
            }
        }
        let zxids = proposals.0.iter().map(|one| one.zxid);
        assert!(zxids.eq(model.into_keys()));
    }
}
