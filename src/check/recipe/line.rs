//! Judges lines of contenders: locks, read-write locks and elections (semantics.md §8.1, §8.2, §8.7).
//!
//! A grant is the interval of zxids from what its holder had seen when it took the lock to the end of its znode. Two
//! grants that exclude each other must not overlap; no grant may pass over a contender that came before. What clients
//! believe in real time, and what the guarded resource accepts, are judged apart from that.

use std::collections::BTreeMap;

use super::tree::{Tree, sequence};
use crate::base::id::ClientId;
use crate::base::zxid::Zxid;
use crate::check::verdict::{At, Findings, Property, Sentence};
use crate::check::wording::violation;
use crate::history::op::{EventKind, Path, WatchEvent};
use crate::history::recipe::{Mode, Step};

/// Grants that are remembered after their end.
const REMEMBERED: usize = 64;

/// Somebody in the line.
#[derive(Clone, Debug)]
struct Place {
    client: ClientId,
    node: Path,
    mode: Mode,
    /// What it had seen then.
    view: Zxid,
    at: At,
}

impl Place {
    fn excludes(&self, other: &Self) -> bool {
        self.mode == Mode::Exclusive || other.mode == Mode::Exclusive
    }

    fn number(&self) -> u64 {
        sequence(&self.node).unwrap_or(0)
    }

    fn took(&self) -> Sentence {
        Sentence {
            at: self.at,
            text: format!(
                "client {} took the lock by {}, having seen everything up to zxid {}",
                self.client.0, self.node, self.view
            ),
        }
    }

    fn queued(&self) -> Sentence {
        Sentence {
            at: self.at,
            text: format!("client {} stood in line with {}", self.client.0, self.node),
        }
    }
}

/// What the guarded resource has accepted.
#[derive(Clone, Debug, Default)]
struct Resource {
    /// The highest token shown, of anybody and of an exclusive holder.
    shown: [Option<u64>; 2],
    /// The latest holder in order of the line that was accepted, of any kind and exclusive.
    used: [Option<(u64, ClientId, At)>; 2],
}

/// One line.
#[derive(Clone, Debug, Default)]
pub(super) struct Line {
    waiting: BTreeMap<ClientId, Place>,
    granted: Vec<Place>,
    believers: BTreeMap<ClientId, Place>,
    resource: Resource,
    /// Who was woken by which departure.
    woken: BTreeMap<(Path, Zxid), Vec<(ClientId, Mode)>>,
}

/// A step of a contender.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment<'a> {
    pub at: At,
    pub client: ClientId,
    /// What the client has seen.
    pub view: Zxid,
    pub node: &'a Path,
    pub tree: &'a Tree,
}

impl Moment<'_> {
    fn place(&self, mode: Mode) -> Place {
        Place {
            client: self.client,
            node: self.node.clone(),
            mode,
            view: self.view,
            at: self.at,
        }
    }
}

impl Line {
    pub(super) fn on_step(&mut self, moment: Moment<'_>, step: &Step, findings: &mut Findings) {
        if let Step::Queued { mode, .. } = step {
            self.waiting.insert(moment.client, moment.place(*mode));
        } else if let Step::Held { mode, .. } = step {
            self.on_held(moment, *mode, findings);
        } else if let Step::Acted { token, .. } = step {
            self.on_acted(moment, *token, findings);
        } else {
            self.on_let_go(moment.client);
        }
    }

    fn on_held(&mut self, moment: Moment<'_>, mode: Mode, findings: &mut Findings) {
        let place = moment.place(mode);
        self.judge_grant(&place, moment.tree, findings);
        self.judge_order(&place, moment, findings);
        self.judge_belief(&place, findings);
        self.waiting.remove(&moment.client);
        self.believers.insert(moment.client, place.clone());
        self.granted.push(place);
        if self.granted.len() > REMEMBERED {
            self.granted.remove(0);
        }
    }

    pub(super) fn on_let_go(&mut self, client: ClientId) {
        self.waiting.remove(&client);
        self.believers.remove(&client);
    }

    fn judge_grant(&self, place: &Place, tree: &Tree, findings: &mut Findings) {
        findings.exercise(Property::MutualExclusion);
        if tree.at(&place.node, place.view).is_none() {
            findings.violate(violation(
                Property::MutualExclusion,
                place.at,
                "no-znode",
                vec![place.took()],
                format!("{} was not there", place.node),
            ));
            return;
        }
        let lives = |place: &Place| tree.last(&place.node).cloned();
        let end = |place: &Place| lives(place).map_or(Some(Zxid::ZERO), |life| life.died);
        let rival = self.granted.iter().find(|other| {
            let start = other.view.max(place.view);
            let is_over = |end: Option<Zxid>| end.is_some_and(|died| died <= start);
            (other.node != place.node || other.client != place.client)
                && other.excludes(place)
                && !is_over(end(other))
                && !is_over(end(place))
        });
        if let Some(rival) = rival {
            findings.violate(violation(
                Property::MutualExclusion,
                place.at,
                "two-holders",
                vec![rival.took(), place.took()],
                format!(
                    "clients {} and {} hold the lock at the same time: {} was still there",
                    rival.client.0, place.client.0, rival.node
                ),
            ));
        }
    }

    /// Nobody who waits with a lower number and is alive may be passed over.
    fn judge_order(&self, place: &Place, moment: Moment<'_>, findings: &mut Findings) {
        findings.exercise(Property::FairOrder);
        let passed = self.waiting.values().find(|other| {
            other.client != place.client
                && other.excludes(place)
                && other.number() < place.number()
                && moment.tree.at(&other.node, place.view).is_some()
        });
        if let Some(passed) = passed {
            findings.violate(violation(
                Property::FairOrder,
                place.at,
                "passed-over",
                vec![passed.queued(), place.took()],
                format!(
                    "client {} came after client {} and did not wait for it",
                    place.client.0, passed.client.0
                ),
            ));
        }
    }

    fn judge_belief(&self, place: &Place, findings: &mut Findings) {
        findings.exercise(Property::BelievedExclusion);
        let rival = self.believers.values();
        let mut rival = rival.filter(|other| other.client != place.client && other.excludes(place));
        if let Some(rival) = rival.next() {
            findings.violate(violation(
                Property::BelievedExclusion,
                place.at,
                "two-believers",
                vec![rival.took(), place.took()],
                format!(
                    "clients {} and {} both believe that they hold the lock",
                    rival.client.0, place.client.0
                ),
            ));
        }
    }

    /// A holder, or who believes so, uses the resource. It accepts whoever shows no token, and else no lower one than it has seen.
    fn on_acted(&mut self, moment: Moment<'_>, token: Option<u64>, findings: &mut Findings) {
        findings.exercise(Property::Fencing);
        let number = sequence(moment.node).unwrap_or(0);
        let known = self.granted.iter().rev();
        let mut known = known.filter(|place| place.node == *moment.node);
        let mode = known.next().map_or(Mode::Exclusive, |place| place.mode);
        // Who shares is behind exclusive holders only.
        let rivals = usize::from(mode == Mode::Shared);
        let used = self.resource.used[rivals].filter(|(other, ..)| number < *other);
        let is_refused = token.is_some_and(|token| Some(token) < self.resource.shown[rivals]);
        let who = moment.client.0;
        if let Some((_, later, at)) = used.filter(|_| !is_refused) {
            let sentence = Sentence {
                at,
                text: format!(
                    "client {} held the lock later and used the resource",
                    later.0
                ),
            };
            findings.violate(violation(
                Property::Fencing,
                moment.at,
                "stale-holder-accepted",
                vec![sentence],
                format!("client {who} used it after that, by {}", moment.node),
            ));
        } else if let (None, true, Some((_, earlier, at))) =
            (used, is_refused, self.resource.used[rivals])
        {
            let sentence = Sentence {
                at,
                text: format!("client {} used the resource", earlier.0),
            };
            findings.violate(violation(
                Property::Fencing,
                moment.at,
                "holder-refused",
                vec![sentence],
                format!("client {who} holds the lock now, and its token is refused"),
            ));
        }
        if !is_refused {
            self.accept(mode, token, (number, moment.client, moment.at));
        }
    }

    fn accept(&mut self, mode: Mode, token: Option<u64>, by: (u64, ClientId, At)) {
        let kinds = match mode {
            Mode::Exclusive => 0..2,
            Mode::Shared => 0..1,
        };
        for kind in kinds {
            self.resource.shown[kind] = self.resource.shown[kind].max(token);
            let used = &mut self.resource.used[kind];
            if used.is_none_or(|(number, ..)| number <= by.0) {
                *used = Some(by);
            }
        }
    }

    /// A departure was told to a client: one who excludes others must be alone in that.
    pub(super) fn on_event(
        &mut self,
        at: At,
        client: ClientId,
        event: &WatchEvent,
        findings: &mut Findings,
    ) {
        let (Some(zxid), Some(place)) = (event.zxid, self.waiting.get(&client)) else {
            return;
        };
        if event.kind != EventKind::Deleted {
            return;
        }
        findings.exercise(Property::NoHerd);
        let woken = self.woken.entry((event.path.clone(), zxid)).or_default();
        woken.push((client, place.mode));
        let is_exclusive = |(_, mode): &(ClientId, Mode)| *mode == Mode::Exclusive;
        if woken.len() > 1 && woken.iter().any(is_exclusive) {
            let names: Vec<String> = woken
                .iter()
                .map(|(client, _)| client.0.to_string())
                .collect();
            let waits = place.queued();
            findings.violate(violation(
                Property::NoHerd,
                at,
                "herd",
                vec![waits],
                format!(
                    "clients {} are all woken by the deletion of {}, and one of them can go on",
                    names.join(", "),
                    event.path
                ),
            ));
        }
    }
}

#[cfg(test)]
mod tests;
