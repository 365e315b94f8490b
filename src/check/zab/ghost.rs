//! What the monitor knows of one server: its history in memory, in the log and on disk, its epochs and its promises.

use super::histories::{Histories, Node, ROOT};
use crate::base::id::ServerId;
use crate::base::zxid::{Epoch, Zxid};
use crate::check::by_zxid::ByZxid;
use crate::check::verdict::At;

/// A value and when it became so.
#[derive(Clone, Copy, Debug)]
pub(super) struct Since<T> {
    pub(super) value: T,
    pub(super) at: At,
}

/// A role instance, from `ServeStart` to its end.
#[derive(Clone, Debug)]
pub(super) struct Serving {
    pub(super) epoch: Epoch,
    pub(super) since: At,
    /// The applied history.
    pub(super) mem: Node,
    /// It left G; that was reported once and is not judged again.
    pub(super) strayed: bool,
}

/// A term as leader, from `LeadStarted` to its end.
#[derive(Clone, Debug)]
pub(super) struct Lead {
    /// Numbers the terms of all servers.
    pub(super) term: u32,
    /// The history with which it began (`I_e`).
    pub(super) initial: Node,
    /// The history that ends with its last proposal.
    pub(super) tip: Node,
    /// Its epoch, once proposed.
    pub(super) epoch: Option<Epoch>,
    /// Proposed and not yet decided.
    pub(super) outstanding: ByZxid<Node>,
}

impl Lead {
    /// A term that begins with this history.
    pub(super) fn new(term: u32, initial: Node) -> Self {
        Self {
            term,
            initial,
            tip: initial,
            epoch: None,
            outstanding: ByZxid::default(),
        }
    }

    /// The zxid that is to be decided next.
    pub(super) fn head(&self) -> Option<Zxid> {
        self.outstanding.first().map(|(zxid, _)| zxid)
    }

    /// Takes out a proposal that is decided, most probably the first one.
    pub(super) fn decide(&mut self, zxid: Zxid) -> Option<Node> {
        if self.head() == Some(zxid) {
            return self.outstanding.pop_first().map(|(_, node)| node);
        }
        self.outstanding.remove(zxid)
    }
}

/// A server.
#[derive(Clone, Debug)]
pub(super) struct Ghost {
    pub(super) serving: Option<Serving>,
    pub(super) lead: Option<Lead>,
    /// What the log ends with, forced or not.
    pub(super) log: Node,
    /// What the disk is known to hold.
    pub(super) dur: Node,
    /// When it came to hold that.
    pub(super) dur_since: Option<At>,
    /// Appended and not yet forced, oldest first.
    unforced: Vec<Node>,
    /// Durable epochs as they are.
    pub(super) accepted: Epoch,
    pub(super) current: Epoch,
    /// The highest durable epochs ever; they survive restarts (S7).
    pub(super) highest_accepted: Option<Since<Epoch>>,
    pub(super) highest_current: Option<Since<Epoch>>,
    /// The highest epoch promised in a counted ACKEPOCH or by proposing it (S8).
    pub(super) promised: Option<Since<Epoch>>,
    /// The epoch of the leader last joined with an ACK of NEWLEADER, or led.
    pub(super) joined: Option<Epoch>,
    /// Whom the last election made it follow.
    pub(super) follows: Option<ServerId>,
    /// The longest part of `dur` that it acknowledged, proposed or counted in a NEWLEADER ack (S12, S17).
    pub(super) vouched: Node,
    pub(super) vouched_at: Option<At>,
    /// It booted, and its epoch discipline is still to be judged.
    pub(super) boot_unjudged: Option<At>,
    /// The last crash, and what was durable then.
    pub(super) crashed: Option<Since<Node>>,
    /// A fault destroyed its disk: not counted against durability.
    pub(super) excused: bool,
}

/// All servers, by sid.
#[derive(Clone, Debug, Default)]
pub(super) struct Ghosts(Vec<Option<Ghost>>);

impl FromIterator<ServerId> for Ghosts {
    fn from_iter<T: IntoIterator<Item = ServerId>>(servers: T) -> Self {
        let mut ghosts = Self::default();
        for server in servers {
            ghosts.of_mut(server);
        }
        ghosts
    }
}

impl Ghosts {
    /// A server that something was heard of.
    #[inline]
    pub(super) fn get(&self, server: ServerId) -> Option<&Ghost> {
        self.0.get(usize::from(server.0))?.as_ref()
    }

    /// A server that something was heard of, to be changed.
    #[inline]
    pub(super) fn get_mut(&mut self, server: ServerId) -> Option<&mut Ghost> {
        self.0.get_mut(usize::from(server.0))?.as_mut()
    }

    /// A server, to be changed.
    #[inline]
    pub(super) fn of_mut(&mut self, server: ServerId) -> &mut Ghost {
        if self.get(server).is_none() {
            self.meet(server);
        }
        self.get_mut(server).expect("it was met")
    }

    /// Something is heard of a server for the first time.
    #[cold]
    fn meet(&mut self, server: ServerId) {
        let place = usize::from(server.0);
        if place >= self.0.len() {
            self.0.resize_with(place + 1, || None);
        }
        self.0[place] = Some(Ghost::new());
    }
}

impl Ghost {
    pub(super) fn new() -> Self {
        Self {
            serving: None,
            lead: None,
            log: ROOT,
            dur: ROOT,
            dur_since: None,
            unforced: Vec::new(),
            accepted: Epoch(0),
            current: Epoch(0),
            highest_accepted: None,
            highest_current: None,
            promised: None,
            joined: None,
            follows: None,
            vouched: ROOT,
            vouched_at: None,
            boot_unjudged: None,
            crashed: None,
            excused: false,
        }
    }

    /// Its term as leader; one begins if nobody said so.
    #[inline]
    pub(super) fn lead_mut(&mut self, terms: &mut u32) -> &mut Lead {
        let log = self.log;
        self.lead.get_or_insert_with(|| {
            *terms += 1;
            Lead::new(*terms, log)
        })
    }

    /// A record was appended.
    pub(super) fn append(&mut self, node: Node) {
        self.log = node;
        self.unforced.push(node);
    }

    /// Everything appended up to `zxid` is forced.
    pub(super) fn force(&mut self, tree: &Histories, zxid: Zxid, at: At) {
        let later = self
            .unforced
            .iter()
            .position(|node| tree.zxid(*node) > zxid);
        let count = later.unwrap_or(self.unforced.len());
        if let Some(last) = self.unforced.drain(..count).next_back() {
            self.dur = last;
            self.dur_since = Some(at);
        }
    }

    /// The disk now holds exactly this; what was appended on top of it and is not forced stays on its way.
    pub(super) fn replace(&mut self, tree: &Histories, node: Node, at: At) {
        self.unforced
            .retain(|later| tree.depth(*later) > tree.depth(node) && tree.is_prefix(node, *later));
        self.log = self.unforced.last().copied().unwrap_or(node);
        self.dur = node;
        self.dur_since = Some(at);
        if !tree.is_prefix(self.vouched, node) {
            self.vouched = tree.common(self.vouched, node);
        }
    }

    /// It acknowledged everything up to this history.
    #[inline]
    pub(super) fn vouch(&mut self, tree: &Histories, node: Node, at: At) {
        if !tree.is_prefix(node, self.vouched) {
            self.vouched = node;
            self.vouched_at = Some(at);
        }
    }

    /// Volatile state is gone.
    pub(super) fn crash(&mut self, at: At) {
        self.end_role();
        self.log = self.dur;
        self.unforced.clear();
        self.crashed = Some(Since {
            value: self.dur,
            at,
        });
    }

    /// The role is over: nothing is served or led.
    pub(super) fn end_role(&mut self) {
        self.serving = None;
        self.lead = None;
    }

    /// What boot would recover: the durable history without what belongs to an epoch above `currentEpoch` (K3).
    #[inline]
    pub(super) fn recoverable(&self, tree: &Histories) -> Node {
        tree.longest_prefix(self.dur, |tree, at| tree.zxid(at).epoch() <= self.current)
            .unwrap_or(ROOT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::digest::mix;
    use crate::base::id::EventId;
    use crate::base::time::Time;

    fn at(event: u64) -> At {
        At {
            event: EventId(event),
            time: Time::ZERO,
        }
    }

    #[test]
    fn what_is_forced_is_what_came_before_the_first_later_transaction() {
        let mut tree = Histories::new();
        let mut ghost = Ghost::new();
        let mut unforced = std::collections::VecDeque::new();
        let (mut dur, mut dur_since) = (ROOT, None);
        let mut stops = 0;
        for round in 1..4_000 {
            let seed = mix(round);
            if !seed.is_multiple_of(3) {
                // Mostly in order.
                let last = tree.zxid(ghost.log);
                let zxid = Zxid(last.0.saturating_sub(u64::from(seed % 7 == 1) * 4) + 1);
                let node = tree.grow(ghost.log, zxid, seed % 2);
                ghost.append(node);
                unforced.push_back(node);
                continue;
            }
            let last = tree.zxid(ghost.log);
            let zxid = Zxid((last.0 + 2).saturating_sub(seed >> 8 & 7));
            ghost.force(&tree, zxid, at(round));
            while let Some(node) = unforced.front().copied() {
                if tree.zxid(node) > zxid {
                    stops += 1;
                    break;
                }
                unforced.pop_front();
                (dur, dur_since) = (node, Some(at(round)));
            }
            assert_eq!((ghost.dur, ghost.dur_since), (dur, dur_since));
            assert!(ghost.unforced.iter().eq(&unforced));
        }
        assert!(stops > 200, "{stops} forces left something");
    }

    #[test]
    fn a_leader_decides_the_first_proposal_or_any_other_once() {
        let mut lead = Lead::new(1, ROOT);
        let mut tree = Histories::new();
        let nodes: Vec<Node> = (1..=4).map(|zxid| tree.grow(ROOT, Zxid(zxid), 0)).collect();
        for (zxid, node) in (1..).map(Zxid).zip(&nodes) {
            lead.outstanding.insert(zxid, *node);
        }
        assert_eq!(lead.decide(Zxid(1)), Some(nodes[0]));
        assert_eq!(lead.decide(Zxid(1)), None);
        assert_eq!(lead.decide(Zxid(3)), Some(nodes[2]));
        assert_eq!(lead.head(), Some(Zxid(2)));
        assert_eq!(lead.decide(Zxid(5)), None);
        assert_eq!(lead.decide(Zxid(2)), Some(nodes[1]));
        assert_eq!(lead.decide(Zxid(4)), Some(nodes[3]));
        assert_eq!((lead.head(), lead.decide(Zxid(4))), (None, None));
    }

    #[test]
    fn a_server_is_there_once_it_was_met() {
        let mut ghosts: Ghosts = [ServerId(2)].into_iter().collect();
        assert!(ghosts.get(ServerId(2)).is_some());
        for unmet in [0, 1, 3, 9] {
            assert!(ghosts.get(ServerId(unmet)).is_none());
            assert!(ghosts.get_mut(ServerId(unmet)).is_none());
        }
        ghosts.of_mut(ServerId(9)).excused = true;
        ghosts.of_mut(ServerId(2)).current = Epoch(3);
        assert!(ghosts.of_mut(ServerId(9)).excused);
        let current = ghosts.get_mut(ServerId(2)).map(|ghost| ghost.current);
        assert_eq!(current, Some(Epoch(3)));
        assert!(ghosts.get(ServerId(3)).is_none());
    }
}
