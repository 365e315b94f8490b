//! One connection: the watches its server keeps for it and the events it is owed.
//!
//! Given where each watch was set, the server's tables are deterministic, so what is owed is a list in order of the
//! committed log. A one-shot watch owes its first trigger, a lasting one each; one trigger owes one event however many
//! watches it hits.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::rearm::Registration;
use super::stories;
use super::triggers::{Hook, Slot, Spot, Trigger, Triggers};
use crate::base::id::ClientId;
use crate::base::zxid::Zxid;
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
    pub number: u64,
    pub armed: BTreeMap<Hook, Armed>,
    pub owed: BTreeMap<Spot, Owed>,
    pub fired: BTreeMap<Hook, Fired>,
    /// Events that came before the reply that set their watch.
    pub early: Vec<WatchEvent>,
    /// The newest reply.
    pub view: Option<(Zxid, Arc<Witness>)>,
    /// The newest event.
    pub told: Option<(Zxid, At)>,
    /// Events made by setWatches, not yet accounted for.
    pub caught_up: Vec<CaughtUp>,
    /// Watches that setWatches must mention.
    pub unregistered: Vec<Registration>,
    /// Something happened that the facts do not describe in full; only the plainest is judged.
    pub is_blind: bool,
}

/// Messages that may come between a reply and the event it overtook before the event counts as lost.
const PATIENCE: u8 = 3;

impl Connection {
    pub(super) fn new(number: u64, unregistered: Vec<Registration>) -> Self {
        Self {
            number,
            armed: BTreeMap::new(),
            owed: BTreeMap::new(),
            fired: BTreeMap::new(),
            early: Vec::new(),
            view: None,
            told: None,
            caught_up: Vec::new(),
            unregistered,
            is_blind: false,
        }
    }

    /// A watch was set at this position.
    pub(super) fn arm(&mut self, hook: Hook, since: Zxid, origin: &Origin, log: &Triggers) {
        if let Some(armed) = self.armed.get(&hook)
            && armed.due.is_none_or(|due| due.zxid > since)
        {
            // The server has one entry for both.
            return;
        }
        if !log.knows(&hook.path, since) {
            self.is_blind = true;
        }
        let early = self
            .early
            .iter()
            .position(|event| hook.may_tell(event.kind, &event.path) && event.zxid > Some(since));
        if let Some(early) = early
            && hook.mode.is_one_shot()
        {
            self.early.remove(early);
            return;
        }
        let mut armed = Armed {
            since,
            origin: origin.clone(),
            due: None,
        };
        if hook.mode.is_one_shot() {
            if let Some(trigger) = log.first_after(&hook, since) {
                armed.due = Some(trigger.spot);
                self.owe(trigger, &hook, origin);
            }
        } else {
            for trigger in log.after(&hook, since) {
                self.owe(trigger, &hook, origin);
            }
        }
        self.armed.insert(hook, armed);
    }

    /// A watch was removed on request.
    pub(super) fn disarm(&mut self, hook: &Hook) {
        self.armed.remove(hook);
        self.fired.remove(hook);
        self.owed.retain(|_, owed| {
            owed.hooks.retain(|other| other != hook);
            !owed.hooks.is_empty()
        });
    }

    /// A transaction was committed; `hooks` are all watches that there may be on the path of its trigger, recursive ones aside.
    /// Answers whether one of them still waits for something.
    pub(super) fn on_trigger(&mut self, trigger: &Trigger, hooks: &[Hook]) -> bool {
        let mut waits = false;
        for hook in hooks {
            if hook.catches(trigger.spot.slot, &trigger.path) {
                self.fire(trigger, hook);
            }
            let armed = self.armed.get(hook);
            waits |= armed.is_some_and(|armed| armed.due.is_none());
        }
        waits
    }

    /// The same for a recursive watch on the path or above it: a server fires them last.
    pub(super) fn on_trigger_below(&mut self, trigger: &Trigger, hook: &Hook) -> bool {
        if hook.catches(trigger.spot.slot, &trigger.path) {
            self.fire(trigger, hook);
        }
        self.armed.contains_key(hook)
    }

    /// A watch catches a trigger, if it is set.
    fn fire(&mut self, trigger: &Trigger, hook: &Hook) {
        let Some(armed) = self.armed.get_mut(hook) else {
            return;
        };
        if trigger.spot.zxid <= armed.since || armed.due.is_some() {
            return;
        }
        if hook.mode.is_one_shot() {
            armed.due = Some(trigger.spot);
        }
        let origin = armed.origin.clone();
        self.owe(trigger.clone(), hook, &origin);
    }

    fn owe(&mut self, trigger: Trigger, hook: &Hook, origin: &Origin) {
        let owed = self.owed.entry(trigger.spot).or_insert_with(|| Owed {
            trigger,
            hooks: Vec::new(),
            origin: origin.clone(),
            overdue: None,
        });
        if !owed.hooks.contains(hook) {
            owed.hooks.push(hook.clone());
        }
    }

    /// The event that is owed and matches, taken off the list with everything it settles.
    pub(super) fn settle(
        &mut self,
        at: At,
        kind: EventKind,
        path: &Path,
        zxid: Zxid,
    ) -> Option<Owed> {
        let from = Spot {
            zxid,
            index: 0,
            slot: Slot::Own,
        };
        let matches = |owed: &Owed| owed.trigger.kind == kind && owed.trigger.path == *path;
        let spot = self
            .owed
            .range(from..)
            .take_while(|(spot, _)| spot.zxid == zxid)
            .find(|(_, owed)| matches(owed))
            .map(|(spot, _)| *spot)?;
        let mut owed = self.owed.remove(&spot).expect("it was just found");
        let gone = Spot {
            slot: Slot::Gone,
            ..spot
        };
        if spot.slot == Slot::Own
            && let Some(more) = self.owed.remove(&gone)
        {
            owed.hooks.extend(more.hooks);
        }
        self.spend(at, &owed);
        Some(owed)
    }

    /// An event whose change is not known for certain: if a watch was set for it, it is believed, and the one-shot watches
    /// that it tells of are spent. Answers whether it was.
    pub(super) fn believe(
        &mut self,
        at: At,
        event: &WatchEvent,
        zxid: Zxid,
        findings: &mut Findings,
    ) -> bool {
        let tells = |(hook, armed): &(&Hook, &Armed)| {
            armed.since < zxid && hook.may_tell(event.kind, &event.path)
        };
        let told: Vec<Hook> = self
            .armed
            .iter()
            .filter(tells)
            .map(|(hook, _)| hook.clone())
            .collect();
        for hook in &told {
            let due = self.armed.get(hook).and_then(|armed| armed.due);
            if let Some(due) = due.filter(|due| due.zxid < zxid)
                && let Some(owed) = self.owed.get(&due)
                && !self.is_blind
            {
                findings.exercise(Property::WatchLost);
                findings.violate(stories::later_change_told(at, owed, event, None));
                self.is_blind = true;
            }
            if hook.mode.is_one_shot() {
                self.disarm(hook);
                let zxid = Some(zxid);
                self.fired.insert(hook.clone(), Fired { at, zxid });
            }
        }
        !told.is_empty()
    }

    /// The watches behind an event are spent.
    pub(super) fn spend(&mut self, at: At, owed: &Owed) {
        let zxid = owed.trigger.spot.zxid;
        for hook in &owed.hooks {
            let caught = self.armed.get(hook).and_then(|armed| armed.due);
            if caught.is_some_and(|due| due.zxid == zxid) {
                self.armed.remove(hook);
            }
            if hook.mode.is_one_shot() {
                let fired = Fired {
                    at,
                    zxid: Some(zxid),
                };
                self.fired.insert(hook.clone(), fired);
            }
        }
    }

    /// A reply came: whatever it reflects should have been told before. Returns what has waited too long.
    pub(super) fn on_reply(&mut self, view: Zxid, reply: &Arc<Witness>) -> Vec<Owed> {
        let mut lost = Vec::new();
        for (spot, owed) in &mut self.owed {
            if spot.zxid > view {
                break;
            }
            match &mut owed.overdue {
                None => owed.overdue = Some((Arc::clone(reply), PATIENCE)),
                Some((_, 0)) => lost.push(*spot),
                Some((_, patience)) => *patience -= 1,
            }
        }
        lost.into_iter()
            .filter_map(|spot| self.owed.remove(&spot))
            .collect()
    }

    /// Events that a reply overtook and that never came.
    pub(super) fn take_overdue(&mut self) -> Vec<Owed> {
        std::mem::take(&mut self.owed)
            .into_values()
            .filter(|owed| owed.overdue.is_some())
            .collect()
    }
}
