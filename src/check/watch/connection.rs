//! One connection: the watches its server keeps for it and the events it is owed.
//!
//! Given where each watch was set, the server's tables are deterministic, so what is owed is a list in order of the
//! committed log. A one-shot watch owes its first trigger, a lasting one each; one trigger owes one event however many
//! watches it hits.

use std::collections::VecDeque;
use std::sync::Arc;

use super::rearm::List;
use super::stories;
use super::triggers::{Hook, Mode, Slot, Spot, Trigger, Triggers};
use super::watches::Watches;
use crate::base::id::ClientId;
use crate::base::zxid::Zxid;
use crate::check::by_path::PathNumber;
use crate::check::verdict::{At, Findings, Property, Sentence};
use crate::check::wording::Witness;
use crate::history::op::{EventKind, Path, WatchEvent};

/// What set a watch.
#[derive(Clone, Debug)]
pub(super) enum Origin {
    /// A request.
    Request(Arc<Witness>),
    /// setWatches, handled at this position.
    Reset {
        client: ClientId,
        at: At,
        zxid: Zxid,
    },
}

impl Origin {
    pub(super) fn sentence(&self) -> Sentence {
        match self {
            Self::Request(witness) => witness.sentence(),
            Self::Reset { client, at, zxid } => Sentence {
                at: *at,
                text: format!(
                    "client {}'s watches were set again at zxid {zxid}",
                    client.0
                ),
            },
        }
    }
}

/// A watch that is set.
#[derive(Clone, Debug)]
pub(super) struct Armed {
    /// It catches what comes after this.
    pub since: Zxid,
    pub origin: Origin,
    /// What a one-shot watch caught.
    pub due: Option<Spot>,
}

impl Armed {
    /// Whether it catches a trigger of the kind it waits for; a one-shot watch waits no more then.
    pub(super) fn catches(&mut self, mode: Mode, trigger: &Trigger) -> bool {
        let catches = trigger.spot.zxid > self.since && self.due.is_none();
        if catches && mode.is_one_shot() {
            self.due = Some(trigger.spot);
        }
        catches
    }
}

/// An event that is owed.
#[derive(Clone, Debug)]
pub(super) struct Owed {
    pub trigger: Trigger,
    pub hooks: Vec<Hook>,
    pub origin: Origin,
    /// A reply that should have come after it, and how many more messages may pass before it counts as lost.
    pub overdue: Option<(Arc<Witness>, u8)>,
}

/// A one-shot watch that has fired.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fired {
    pub at: At,
    pub zxid: Option<Zxid>,
}

/// An event made by setWatches.
#[derive(Clone, Debug)]
pub(super) struct CaughtUp {
    pub at: At,
    pub event: WatchEvent,
    /// The change that the program had been shown when it set the watch, zero if none.
    pub shown: Zxid,
}

/// A connection from Connected to Disconnected.
#[derive(Clone, Debug)]
pub(super) struct Connection {
    pub client: ClientId,
    pub number: u64,
    /// In the order of the committed log.
    pub owed: VecDeque<Owed>,
    /// Events that came before the reply that set their watch.
    pub early: Vec<WatchEvent>,
    /// The newest reply.
    pub view: Option<(Zxid, Arc<Witness>)>,
    /// The newest event.
    pub told: Option<(Zxid, At)>,
    /// Events made by setWatches, not yet accounted for.
    pub caught_up: Vec<CaughtUp>,
    /// Watches that setWatches must mention.
    pub unregistered: Vec<(List, Path)>,
    /// Something happened that the facts do not describe in full; only the plainest is judged.
    pub is_blind: bool,
}

/// Messages that may come between a reply and the event it overtook before the event counts as lost.
const PATIENCE: u8 = 3;

impl Connection {
    pub(super) fn new(client: ClientId, number: u64, unregistered: Vec<(List, Path)>) -> Self {
        Self {
            client,
            number,
            owed: VecDeque::new(),
            early: Vec::new(),
            view: None,
            told: None,
            caught_up: Vec::new(),
            unregistered,
            is_blind: false,
        }
    }

    /// A watch was set at this position.
    pub(super) fn arm(
        &mut self,
        hook: Hook,
        since: Zxid,
        origin: impl FnOnce() -> Origin,
        (watches, log): (&mut Watches, &Triggers),
    ) {
        if let Some(armed) = watches.armed(self.client, hook)
            && armed.due.is_none_or(|due| due.zxid > since)
        {
            // The server has one entry for both.
            return;
        }
        if !log.knows(hook.znode, since) {
            self.is_blind = true;
        }
        let base = log.path(hook.znode);
        let early = self
            .early
            .iter()
            .position(|event| hook.mode.may_tell(base, event) && event.zxid > Some(since));
        if let Some(early) = early
            && hook.mode.is_one_shot()
        {
            self.early.remove(early);
            return;
        }
        let mut armed = Armed {
            since,
            origin: origin(),
            due: None,
        };
        if hook.mode.is_one_shot() {
            if let Some(trigger) = log.first_after(hook, since) {
                armed.due = Some(trigger.spot);
                self.owe(trigger, hook, &armed.origin);
            }
        } else {
            for trigger in log.after(hook, since) {
                self.owe(&trigger, hook, &armed.origin);
            }
        }
        watches.arm(self.client, hook, armed);
    }

    /// A watch was removed on request.
    pub(super) fn disarm(&mut self, hook: Hook, watches: &mut Watches) {
        watches.disarm(self.client, hook);
        self.owed.retain_mut(|owed| {
            owed.hooks.retain(|other| *other != hook);
            !owed.hooks.is_empty()
        });
    }

    /// A watch caught a trigger.
    pub(super) fn owe(&mut self, trigger: &Trigger, hook: Hook, origin: &Origin) {
        let mut earlier = self.owed.iter();
        let before = earlier.rposition(|owed| owed.trigger.spot <= trigger.spot);
        if let Some(owed) = before.map(|before| &mut self.owed[before])
            && owed.trigger.spot == trigger.spot
        {
            if !owed.hooks.contains(&hook) {
                owed.hooks.push(hook);
            }
            return;
        }
        let owed = Owed {
            trigger: trigger.clone(),
            hooks: vec![hook],
            origin: origin.clone(),
            overdue: None,
        };
        let place = before.map_or(0, |before| before + 1);
        self.owed.insert(place, owed);
    }

    /// The event that is owed and matches, taken off the list with everything it settles.
    pub(super) fn settle(
        &mut self,
        at: At,
        (kind, znode): (EventKind, PathNumber),
        zxid: Zxid,
        watches: &mut Watches,
    ) -> Option<Owed> {
        let start = self
            .owed
            .partition_point(|owed| owed.trigger.spot.zxid < zxid);
        let matches = |owed: &Owed| owed.trigger.kind == kind && owed.trigger.znode == znode;
        let skipped = self
            .owed
            .range(start..)
            .take_while(|owed| owed.trigger.spot.zxid == zxid)
            .position(matches)?;
        let place = start + skipped;
        let mut owed = self.owed.remove(place).expect("it was just found");
        let gone = Spot {
            slot: Slot::Gone,
            ..owed.trigger.spot
        };
        // What a znode's own watches are told comes right before what its child watches are.
        if owed.trigger.spot.slot == Slot::Own
            && let Some(next) = self.owed.get(place)
            && next.trigger.spot == gone
            && let Some(more) = self.owed.remove(place)
        {
            owed.hooks.extend(more.hooks);
        }
        watches.spend(at, self.client, &owed);
        Some(owed)
    }

    /// An event whose change is not known for certain: if a watch was set for it, it is believed, and the one-shot watches
    /// that it tells of are spent. Answers whether it was. `hooks` are all watches that may tell of its path.
    pub(super) fn believe(
        &mut self,
        at: At,
        event: &WatchEvent,
        zxid: Zxid,
        (watches, hooks): (&mut Watches, &[Hook]),
        findings: &mut Findings,
    ) -> bool {
        let tells = |hook: &&Hook| {
            let armed = watches.armed(self.client, **hook);
            armed.is_some_and(|armed| armed.since < zxid)
        };
        let told: Vec<Hook> = hooks.iter().filter(tells).copied().collect();
        for hook in &told {
            let due = watches
                .armed(self.client, *hook)
                .and_then(|armed| armed.due);
            if let Some(due) = due.filter(|due| due.zxid < zxid)
                && let Some(owed) = self.owed_at(due)
                && !self.is_blind
            {
                findings.exercise(Property::WatchLost);
                findings.violate(stories::later_change_told(at, owed, event, None));
                self.is_blind = true;
            }
            if hook.mode.is_one_shot() {
                self.disarm(*hook, watches);
                let zxid = Some(zxid);
                watches.fire(self.client, *hook, Fired { at, zxid });
            }
        }
        !told.is_empty()
    }

    /// What is owed for a trigger.
    pub(super) fn owed_at(&self, spot: Spot) -> Option<&Owed> {
        let place = self
            .owed
            .binary_search_by_key(&spot, |owed| owed.trigger.spot);
        self.owed.get(place.ok()?)
    }

    /// A reply came: whatever it reflects should have been told before. Returns what has waited too long.
    pub(super) fn on_reply(&mut self, view: Zxid, reply: &Arc<Witness>) -> Vec<Owed> {
        let mut lost = Vec::new();
        for owed in &mut self.owed {
            let spot = owed.trigger.spot;
            if spot.zxid > view {
                break;
            }
            match &mut owed.overdue {
                None => owed.overdue = Some((Arc::clone(reply), PATIENCE)),
                Some((_, 0)) => lost.push(spot),
                Some((_, patience)) => *patience -= 1,
            }
        }
        if lost.is_empty() {
            return Vec::new();
        }
        let owed = std::mem::take(&mut self.owed).into_iter();
        let (lost, kept): (Vec<Owed>, Vec<Owed>) =
            owed.partition(|owed| lost.contains(&owed.trigger.spot));
        self.owed = kept.into();
        lost
    }

    /// Events that a reply overtook and that never came.
    pub(super) fn take_overdue(&mut self) -> impl Iterator<Item = Owed> {
        std::mem::take(&mut self.owed)
            .into_iter()
            .filter(|owed| owed.overdue.is_some())
    }
}
