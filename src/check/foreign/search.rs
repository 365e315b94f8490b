//! The general search: Wing and Gong's depth-first search with Lowe's memory of visited configurations.
//!
//! A configuration is the set of operations placed so far and the state they led to; it is remembered as an incremental
//! 128-bit fingerprint. Exponential in overlap in the worst case, so a budget counts the configurations expanded. What keeps
//! it small (checkers.md §4.2):
//!
//! - **observer rule**: an operation that never changes the state and is legal now is placed at once, without alternatives;
//! - **symmetry**: of identical operations that are open only the one that must return first is tried; those of unknown outcome
//!   count as never returning;
//! - an operation of unknown outcome that would change nothing now is left out, and so is one whose effect is overwritten before
//!   anything could depend on it;
//! - a configuration is dropped when the next operation to return needs a state that no open operation produces;
//! - the search ends when every operation with an outcome is placed.

use super::intern::Seen;
use crate::base::digest::mix;

/// An operation that has no return.
pub(super) const NEVER: u32 = u32::MAX;

/// An operation as the search sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Item {
    /// What it does: equal numbers do the same.
    pub(super) class: u32,
    /// Its place among the calls and returns.
    pub(super) call: u32,
    /// Likewise; [`NEVER`] where the outcome is unknown.
    pub(super) ret: u32,
}

/// The object: states are numbers, the first one is 0.
pub(super) trait Machine {
    /// The state after an operation, if it is legal now.
    fn step(&mut self, state: u32, class: u32) -> Option<u32>;
    /// Whether operations of a class never change any state.
    fn is_observer(&self, class: u32) -> bool;
    /// How many classes there are.
    fn classes(&self) -> usize;
    /// Whether an operation that is not legal now cannot become so by any of these classes alone.
    fn is_hopeless(&self, state: u32, class: u32, others: impl Iterator<Item = u32>) -> bool;
    /// Whether a class is legal in every state and leaves no trace of the state before.
    fn is_blind(&self, _class: u32) -> bool {
        false
    }
}

/// What the search must know of a class at every step.
#[derive(Clone, Copy, Debug)]
struct Traits {
    is_observer: bool,
    is_blind: bool,
}

/// Where no order goes on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Stuck {
    /// The operation that returned without a place in any order: its return is the earliest such.
    pub(super) blocked: u32,
    /// One longest order of operations before it.
    pub(super) prefix: Vec<u32>,
    /// The states in which it could not be placed, at most [`STATES`].
    pub(super) states: Vec<u32>,
    /// Whether there were more of them.
    pub(super) more_states: bool,
}

/// States kept for wording.
const STATES: usize = 8;

/// What the search found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// An order: the operations with an outcome, and some of those without.
    Legal,
    /// No order exists.
    Illegal(Stuck),
    /// The budget was hit.
    Exhausted,
}

/// Searches an order of the items; answers what it found and how many configurations it expanded.
pub(super) fn search(items: &[Item], machine: &mut impl Machine, budget: u64) -> (Found, u64) {
    let mut search = Search::new(items, machine);
    let found = search.run(budget);
    (found, search.expanded)
}

/// The place before the first call.
const HEAD: u32 = 0;

struct Search<'a, M> {
    items: &'a [Item],
    machine: &'a mut M,
    /// The calls and returns of what is not placed, as a list: entry `e` is at `e + 1`.
    next: Vec<u32>,
    previous: Vec<u32>,
    /// Entry to item, and whether it is the call.
    entries: Vec<(u32, bool)>,
    /// Item to the places of its call and return in the list.
    places: Vec<(u32, u32)>,
    fingerprint: u128,
    /// Items with an outcome that are not placed.
    left: u32,
    order: Vec<u32>,
    candidates: Vec<u32>,
    frames: Vec<Frame>,
    /// By class: the last scan in which it was met, and where in `candidates`.
    met: Vec<(u32, u32)>,
    scans: u32,
    traits: Vec<Traits>,
    /// What each item adds to the fingerprint.
    prints: Vec<u128>,
    seen: Seen,
    expanded: u64,
    best: Stuck,
}

/// A configuration on the way: its state, what must return next, and which candidates are left to try.
#[derive(Clone, Copy)]
struct Frame {
    /// How long the order was before the choice that led here.
    placed: u32,
    state: u32,
    /// The first operation to return, [`NEVER`] if none does.
    blocked: u32,
    first: u32,
    at: u32,
    /// Nothing depended yet on the operation of unknown outcome placed last: it would be left out if overwritten.
    is_idle: bool,
}

impl<'a, M: Machine> Search<'a, M> {
    fn new(items: &'a [Item], machine: &'a mut M) -> Self {
        let mut events: Vec<(u32, u32, bool)> = Vec::with_capacity(items.len() * 2);
        let mut left = 0;
        for (index, item) in (0..).zip(items) {
            events.push((item.call, index, true));
            if item.ret != NEVER {
                events.push((item.ret, index, false));
                left += 1;
            }
        }
        events.sort_unstable();
        let length = small(events.len());
        let mut places = vec![(NEVER, NEVER); items.len()];
        for (place, (_, item, is_call)) in (1..).zip(&events) {
            let places = &mut places[*item as usize];
            *(if *is_call {
                &mut places.0
            } else {
                &mut places.1
            }) = place;
        }
        let classes = machine.classes();
        Self {
            items,
            next: (1..=length + 1).collect(),
            previous: (0..=length + 1)
                .map(|place| place.saturating_sub(1))
                .collect(),
            entries: events
                .into_iter()
                .map(|(_, item, is_call)| (item, is_call))
                .collect(),
            places,
            fingerprint: 0,
            left,
            order: Vec::new(),
            candidates: Vec::new(),
            frames: Vec::new(),
            met: vec![(0, 0); classes],
            scans: 0,
            traits: (0..small(classes))
                .map(|class| traits(machine, class))
                .collect(),
            prints: (0..small(items.len()))
                .map(|item| print(item, ITEM))
                .collect(),
            seen: Seen::new(),
            expanded: 0,
            best: Stuck {
                blocked: NEVER,
                ..Stuck::default()
            },
            machine,
        }
    }

    fn run(&mut self, budget: u64) -> Found {
        let blocked = self.settle(0);
        self.frames.push(Frame {
            placed: 0,
            state: 0,
            blocked,
            first: 0,
            at: 0,
            is_idle: false,
        });
        while self.left > 0 {
            let Some(frame) = self.frames.last_mut() else {
                return Found::Illegal(std::mem::take(&mut self.best));
            };
            let Some(&item) = self.candidates.get(frame.at as usize) else {
                self.give_up();
                continue;
            };
            frame.at += 1;
            let frame = *frame;
            let class = self.items[item as usize].class;
            if frame.is_idle && self.traits[class as usize].is_blind {
                continue;
            }
            let Some(state) = self.machine.step(frame.state, class) else {
                continue;
            };
            let is_optional = self.items[item as usize].ret == NEVER;
            if is_optional && state == frame.state {
                continue;
            }
            if self.expanded == budget {
                return Found::Exhausted;
            }
            self.expand(item, state, is_optional);
        }
        Found::Legal
    }

    /// Places an operation, and goes on from there unless the configuration is known or hopeless.
    fn expand(&mut self, item: u32, state: u32, is_optional: bool) {
        let (placed, first) = (small(self.order.len()), small(self.candidates.len()));
        self.place(item);
        let blocked = self.settle(state);
        let is_idle = is_optional && self.order.len() == placed as usize + 1;
        let frame = Frame {
            placed,
            state,
            blocked,
            first,
            at: first,
            is_idle,
        };
        let print = self.fingerprint ^ print(state << 1 | u32::from(is_idle), STATE);
        if self.is_hopeless(&frame) {
            self.note(&frame);
        } else if self.seen.insert(print) {
            self.expanded += 1;
            self.frames.push(frame);
            return;
        }
        self.take_back(placed);
        self.candidates.truncate(first as usize);
    }

    /// Whether what must return next needs a state that nothing open leads to.
    fn is_hopeless(&self, frame: &Frame) -> bool {
        let Some(blocked) = self.items.get(frame.blocked as usize) else {
            return false;
        };
        let candidates = self.candidates[frame.first as usize..].iter();
        let others = candidates.filter(|item| **item != frame.blocked);
        let others = others.map(|item| self.items[*item as usize].class);
        self.machine.is_hopeless(frame.state, blocked.class, others)
    }

    /// Every candidate of the last configuration failed.
    fn give_up(&mut self) {
        let frame = self.frames.pop().expect("the configuration that failed");
        self.note(&frame);
        self.take_back(frame.placed);
        self.candidates.truncate(frame.first as usize);
    }

    /// Places the observers that are legal now and collects what else could come next; answers what must return next.
    fn settle(&mut self, state: u32) -> u32 {
        self.scans += 1;
        let end = small(self.next.len());
        let mut place = self.next[HEAD as usize];
        while place < end {
            let (item, is_call) = self.entries[place as usize - 1];
            if !is_call {
                return item;
            }
            let class = self.items[item as usize].class;
            if !self.traits[class as usize].is_observer {
                self.consider(item, class);
            } else if self.items[item as usize].ret != NEVER
                && self.machine.step(state, class).is_some()
            {
                self.place(item);
            }
            place = self.next[place as usize];
            // What was placed is no longer in the list, but its links still lead on.
            while place < end && self.is_placed(place) {
                place = self.next[place as usize];
            }
        }
        NEVER
    }

    fn is_placed(&self, place: u32) -> bool {
        let before = self.previous[place as usize];
        self.next[before as usize] != place
    }

    /// Adds a candidate; of those of one class only the one that must return first.
    fn consider(&mut self, item: u32, class: u32) {
        let (scan, at) = self.met[class as usize];
        if scan == self.scans {
            let other = &mut self.candidates[at as usize];
            if self.items[item as usize].ret < self.items[*other as usize].ret {
                *other = item;
            }
        } else {
            self.met[class as usize] = (self.scans, small(self.candidates.len()));
            self.candidates.push(item);
        }
    }

    fn place(&mut self, item: u32) {
        let (call, ret) = self.places[item as usize];
        self.unlink(call);
        if ret != NEVER {
            self.unlink(ret);
            self.left -= 1;
        }
        self.fingerprint ^= self.prints[item as usize];
        self.order.push(item);
    }

    fn unlink(&mut self, place: u32) {
        let (before, after) = (self.previous[place as usize], self.next[place as usize]);
        self.next[before as usize] = after;
        self.previous[after as usize] = before;
    }

    fn relink(&mut self, place: u32) {
        let (before, after) = (self.previous[place as usize], self.next[place as usize]);
        self.next[before as usize] = place;
        self.previous[after as usize] = place;
    }

    /// Undoes the order down to a length.
    fn take_back(&mut self, length: u32) {
        while self.order.len() > length as usize {
            let item = self.order.pop().expect("longer than that");
            let (call, ret) = self.places[item as usize];
            if ret != NEVER {
                self.relink(ret);
                self.left += 1;
            }
            self.relink(call);
            self.fingerprint ^= self.prints[item as usize];
        }
    }

    /// Remembers where the search got furthest.
    fn note(&mut self, frame: &Frame) {
        let ret = |item: u32| self.items.get(item as usize).map(|item| item.ret);
        let best = &self.best;
        if best.blocked == NEVER || ret(frame.blocked) > ret(best.blocked) {
            self.best = Stuck {
                blocked: frame.blocked,
                prefix: self.order.clone(),
                states: vec![frame.state],
                more_states: false,
            };
        } else if best.blocked == frame.blocked && !best.states.contains(&frame.state) {
            if best.states.len() < STATES {
                self.best.states.push(frame.state);
            } else {
                self.best.more_states = true;
            }
        }
    }
}

fn traits(machine: &impl Machine, class: u32) -> Traits {
    Traits {
        is_observer: machine.is_observer(class),
        is_blind: machine.is_blind(class),
    }
}

fn small(length: usize) -> u32 {
    u32::try_from(length).expect("histories searched have fewer than 2^31 operations")
}

/// What a fingerprint is made of: distinct seeds for items and states.
const ITEM: u64 = 0x6974_656d_0000_0000;
const STATE: u64 = 0x7374_6174_6500_0000;

fn print(number: u32, seed: u64) -> u128 {
    let low = mix(seed ^ u64::from(number));
    let high = mix(low ^ 0x9e37_79b9_7f4a_7c15 ^ u64::from(number) << 17);
    u128::from(high) << 64 | u128::from(low)
}
