//! What leaders proposed, and what became of it.

use std::sync::Arc;

use super::acks::AckNumber;
use super::committed::Told;
use super::histories::Node;
use crate::base::id::{ServerId, SessionId};
use crate::base::zxid::Zxid;
use crate::check::by_zxid::ByZxid;
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

/// All proposals, each zxid once.
#[derive(Clone, Debug, Default)]
pub(super) struct Proposals {
    /// In the order in which they were made.
    made: Vec<Proposal>,
    by_zxid: ByZxid<u32>,
}

/// How far a server has come with the proposals: it acknowledges and delivers them as they were made.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Progress {
    /// Where the next one probably stands.
    next: usize,
}

impl Proposals {
    /// The place of the proposal of a zxid.
    fn place(&self, zxid: Zxid) -> Option<usize> {
        self.by_zxid.get(zxid).map(|place| *place as usize)
    }

    /// The proposal of a zxid.
    pub(super) fn get(&self, zxid: Zxid) -> Option<&Proposal> {
        Some(&self.made[self.place(zxid)?])
    }

    /// The proposal of a zxid, to be changed.
    pub(super) fn get_mut(&mut self, zxid: Zxid) -> Option<&mut Proposal> {
        let place = self.place(zxid)?;
        Some(&mut self.made[place])
    }

    /// The proposal of a zxid, to be changed, which is probably the next one for whoever is this far.
    #[inline]
    pub(super) fn reach(&mut self, progress: &mut Progress, zxid: Zxid) -> Option<&mut Proposal> {
        let place = match self.made.get(progress.next) {
            Some(next) if next.zxid == zxid => progress.next,
            Some(_) | None => self.place(zxid)?,
        };
        progress.next = place + 1;
        self.made.get_mut(place)
    }

    /// Adds a proposal; if its zxid was proposed before, that stays and the new one is given back beside it.
    pub(super) fn add(&mut self, proposal: Proposal) -> Option<(&Proposal, Proposal)> {
        let new = self.made.len();
        let number = || u32::try_from(new).expect("fewer than 2^32 proposals");
        let place = *self.by_zxid.or_insert_with(proposal.zxid, number) as usize;
        if place < new {
            return Some((&self.made[place], proposal));
        }
        self.made.push(proposal);
        None
    }
}
