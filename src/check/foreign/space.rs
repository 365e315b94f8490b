//! The states that an object's operations lead to, as bits, where they are few.

use super::search::{Item, Machine};

/// States that fit.
pub(super) const STATES: usize = 64;

/// No state: the class is not legal there.
const NOWHERE: u8 = u8::MAX;

/// A set of states, by their place among those reachable.
pub(super) type States = u64;

/// Where each state leads in one step.
pub(super) type Steps = [States; STATES];

/// The states that all operations can lead to, each taken as often as one likes.
pub(super) struct Space {
    classes: usize,
    /// How many states there are.
    count: usize,
    /// By state, then class: the place of the state after.
    targets: Vec<u8>,
    /// By state, then state after: how many operations lead there, observers apart.
    supply: Vec<u32>,
    /// By class: the states in which it is legal.
    legal: Vec<States>,
    steps: Steps,
    /// States that can always be reached again.
    pub(super) lasting: States,
}

impl Space {
    /// None if there are too many states.
    pub(super) fn new(items: &[Item], machine: &mut impl Machine) -> Option<Self> {
        let classes = machine.classes();
        let mut space = Self {
            classes,
            count: 0,
            targets: Vec::new(),
            supply: Vec::new(),
            legal: vec![0; classes],
            steps: [0; STATES],
            lasting: 0,
        };
        space.explore(machine)?;
        space.count_supply(items, machine);
        let places = 0..space.count;
        space.lasting = places.fold(States::MAX, |lasting, place| {
            lasting & closure(1 << place, &space.steps)
        });
        Some(space)
    }

    fn explore(&mut self, machine: &mut impl Machine) -> Option<()> {
        let mut states = vec![0];
        while let Some(&state) = states.get(self.count) {
            for class in 0..self.classes {
                let number = u32::try_from(class).expect("fewer than operations");
                let target = match machine.step(state, number) {
                    None => NOWHERE,
                    Some(_) if machine.is_observer(number) => small(self.count),
                    Some(after) => place(&mut states, after)?,
                };
                self.targets.push(target);
                if target != NOWHERE {
                    self.legal[class] |= 1 << self.count;
                }
            }
            self.count += 1;
        }
        Some(())
    }

    fn count_supply(&mut self, items: &[Item], machine: &impl Machine) {
        let mut counts = vec![0; self.classes];
        for item in items {
            counts[item.class as usize] += 1;
        }
        self.supply = vec![0; self.count * self.count];
        for (class, count) in (0..).zip(counts) {
            if machine.is_observer(class) {
                continue;
            }
            for place in 0..self.count {
                if let Some(target) = self.moves(place, class) {
                    self.supply[place * self.count + target] += count;
                    self.steps[place] |= 1 << target;
                }
            }
        }
    }

    /// Where a class leads from a state, if that is another one.
    fn moves(&self, place: usize, class: u32) -> Option<usize> {
        let target = self.targets[place * self.classes + class as usize];
        (target != NOWHERE && usize::from(target) != place).then_some(target.into())
    }

    /// The numbers of the classes end here.
    pub(super) fn classes(&self) -> u32 {
        u32::try_from(self.classes).expect("fewer than operations")
    }

    /// Whether a class is legal in a state that can always be reached again.
    pub(super) fn is_lasting(&self, class: u32) -> bool {
        self.legal[class as usize] & self.lasting != 0
    }

    /// Whether a class leads somewhere as no more than `few` operations do.
    pub(super) fn is_scarce(&self, class: u32, few: u32) -> bool {
        (0..self.count).any(|place| {
            let target = self.moves(place, class);
            target.is_some_and(|target| self.supply[place * self.count + target] <= few)
        })
    }

    /// What the others lead to if operations of these classes are taken away; none if that takes nothing from them.
    pub(super) fn without(&self, taken: &[u32]) -> Option<Steps> {
        let mut steps = self.steps;
        for class in taken {
            for (place, steps) in steps.iter_mut().enumerate().take(self.count) {
                let Some(target) = self.moves(place, *class) else {
                    continue;
                };
                let same = taken.iter().map(|other| self.moves(place, *other));
                let same = same.filter(|other| *other == Some(target)).count();
                if self.supply[place * self.count + target] as usize <= same {
                    *steps &= !(1 << target);
                }
            }
        }
        (steps != self.steps).then_some(steps)
    }

    /// What all operations lead to.
    pub(super) fn steps(&self) -> &Steps {
        &self.steps
    }

    /// The states after an operation of a class in one of these.
    pub(super) fn after(&self, states: States, class: u32) -> States {
        let legal = states & self.legal[class as usize];
        bits(legal).fold(0, |after, place| {
            after | 1 << self.targets[place * self.classes + class as usize]
        })
    }
}

/// The place of a state, a new one if it was not met before; none if there are too many.
fn place(states: &mut Vec<u32>, state: u32) -> Option<u8> {
    let known = states.iter().position(|known| *known == state);
    let place = known.unwrap_or(states.len());
    if place == states.len() {
        states.push(state);
    }
    (place < STATES).then(|| small(place))
}

fn small(place: usize) -> u8 {
    u8::try_from(place).expect("no more than 64 states")
}

fn bits(mut states: States) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let place = (states != 0).then(|| states.trailing_zeros() as usize)?;
        states &= states - 1;
        Some(place)
    })
}

/// Everything that steps lead to from these states.
pub(super) fn closure(states: States, steps: &Steps) -> States {
    let (mut reached, mut new) = (states, states);
    while new != 0 {
        let place = new.trailing_zeros() as usize;
        new &= new - 1;
        new |= steps[place] & !reached;
        reached |= steps[place];
    }
    reached
}
