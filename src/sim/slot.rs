//! One node of a world: its process, and what the machine keeps about it between two steps.

use std::collections::VecDeque;

use super::clock::Clock;
use super::disk::Disk;
use super::disk::damage::Backup;
use super::law::Tally;
use super::links::first_name;
use super::process::{Conn, Input, Process, Protocol};
use super::setup::Setup;
use crate::base::id::NodeId;
use crate::base::rng::{Domain, Key, Seed};
use crate::base::time::{LocalTime, Time};

/// A node. What every step needs comes first, in the order of cache lines: whether it may, what the clock shows, the process.
#[derive(Clone)]
#[repr(C, align(64))]
pub(super) struct Slot<P: Process> {
    /// Until when its slow processor is at its last step.
    pub(super) busy_until: Time,
    /// What waits for a paused process, in order.
    pub(super) inbox: VecDeque<Waiting<P::Words>>,
    /// How many pause faults hold its process.
    pub(super) pauses: u32,
    /// Ordinal of the present or last life; 0 before the first.
    pub(super) life: u32,
    /// Name of the next connection it dials.
    pub(super) next_conn: u64,
    /// Whether an event exists that will take from the inbox.
    pub(super) draining: bool,
    pub(super) clock: Clock,
    /// By how many times each slow-processor fault lengthens its steps.
    pub(super) slow: Vec<u32>,
    /// `None` while it is down.
    pub(super) process: Option<P>,
    timers: Vec<Armed<TimerOf<P>>>,
    generations: u64,
    stages: Vec<StageState<StageOf<P>>>,
    /// How many crash faults hold it down.
    pub(super) held: u32,
    /// Copies of its disk, by the fault that will bring them back.
    pub(super) backups: Vec<(u32, Backup<P::Words>)>,
    pub(super) disk: Disk<P::Words>,
}

type TimerOf<P> = <<P as Process>::Words as Protocol>::Timer;
type StageOf<P> = <<P as Process>::Words as Protocol>::Stage;

/// Something a process will be told once it is not paused; what has become stale by then is skipped.
#[derive(Clone, Debug)]
pub(super) enum Waiting<W: Protocol> {
    Input(Input<W>),
    Fire { timer: W::Timer, generation: u64 },
    Run { stage: W::Stage },
}

/// An armed timer. Its event carries the generation: after a re-arm the old event is stale.
#[derive(Clone, Copy, Debug)]
pub(super) struct Armed<T> {
    pub(super) timer: T,
    pub(super) generation: u64,
    pub(super) deadline: LocalTime,
}

#[derive(Clone, Copy, Debug)]
struct StageState<S> {
    stage: S,
    pending: bool,
    tally: Tally,
}

impl<P: Process> Slot<P> {
    /// A node that has never run.
    pub(super) fn new(node: NodeId, setup: &Setup, seed: Seed) -> Self {
        Self {
            process: None,
            life: 0,
            held: 0,
            pauses: 0,
            inbox: VecDeque::new(),
            draining: false,
            slow: Vec::new(),
            busy_until: Time::ZERO,
            backups: Vec::new(),
            next_conn: 0,
            disk: Disk::new(node, setup.disk, seed),
            clock: Clock::new(setup.clock, Key::derive(seed, Domain::Clock), node),
            timers: Vec::new(),
            generations: 0,
            stages: Vec::new(),
        }
    }

    /// Begins a new life.
    pub(super) fn begin(&mut self, node: NodeId, process: P) {
        debug_assert!(self.process.is_none(), "one life at a time");
        self.life += 1;
        self.next_conn = first_name(node, self.life);
        self.process = Some(process);
    }

    /// Ends a life: everything volatile is gone.
    pub(super) fn end(&mut self) {
        self.process = None;
        self.pauses = 0;
        self.inbox.clear();
        self.draining = false;
        self.busy_until = Time::ZERO;
        self.timers.clear();
        for state in &mut self.stages {
            state.pending = false;
        }
    }

    /// Whether its process takes what comes at once.
    #[inline]
    pub(super) fn is_idle(&self, now: Time) -> bool {
        self.pauses == 0 && self.inbox.is_empty() && self.busy_until <= now
    }

    /// Arms a timer and returns its generation.
    pub(super) fn arm(&mut self, timer: TimerOf<P>, deadline: LocalTime) -> u64 {
        self.generations += 1;
        let armed = Armed {
            timer,
            generation: self.generations,
            deadline,
        };
        match self.place(timer) {
            Ok(place) => self.timers[place] = armed,
            Err(place) => self.timers.insert(place, armed),
        }
        self.generations
    }

    /// Takes an armed timer back.
    pub(super) fn disarm(&mut self, timer: TimerOf<P>) {
        if let Ok(place) = self.place(timer) {
            self.timers.remove(place);
        }
    }

    /// Whether a timer is armed in this generation.
    pub(super) fn is_armed(&self, timer: TimerOf<P>, generation: u64) -> bool {
        self.place(timer)
            .is_ok_and(|place| self.timers[place].generation == generation)
    }

    /// The armed timers.
    pub(super) fn timers(&self) -> &[Armed<TimerOf<P>>] {
        &self.timers
    }

    fn place(&self, timer: TimerOf<P>) -> Result<usize, usize> {
        self.timers
            .binary_search_by(|armed| armed.timer.cmp(&timer))
    }

    /// Marks a stage as woken; `None` if it already was, else the occurrence number for its delay.
    pub(super) fn wake(&mut self, stage: StageOf<P>, bucket: u64) -> Option<u64> {
        let place = self
            .stages
            .binary_search_by(|state| state.stage.cmp(&stage))
            .unwrap_or_else(|place| {
                let woken = StageState {
                    stage,
                    pending: false,
                    tally: Tally::default(),
                };
                self.stages.insert(place, woken);
                place
            });
        let found = &mut self.stages[place];
        if found.pending {
            return None;
        }
        found.pending = true;
        Some(found.tally.count(bucket))
    }

    /// What the process is to be told now of something that waited; `None` if it has become stale.
    pub(super) fn claim(&mut self, waiting: Waiting<P::Words>) -> Option<Input<P::Words>> {
        match waiting {
            Waiting::Input(input) => Some(input),
            Waiting::Fire { timer, generation } => self.is_armed(timer, generation).then(|| {
                self.disarm(timer);
                Input::Fire { timer }
            }),
            Waiting::Run { stage } => {
                let place = self
                    .stages
                    .binary_search_by(|state| state.stage.cmp(&stage));
                self.stages[place.expect("a stage that runs was woken")].pending = false;
                Some(Input::Run { stage })
            }
        }
    }

    /// Forgets what waits about a connection that the process has closed.
    pub(super) fn forget(&mut self, closed: Conn) {
        self.inbox.retain(|waiting| {
            !matches!(
                waiting,
                Waiting::Input(
                    Input::Opened { conn }
                    | Input::Refused { conn, .. }
                    | Input::Accepted { conn, .. }
                    | Input::Deliver { conn, .. }
                    | Input::Ended { conn, .. },
                ) if *conn == closed
            )
        });
    }
}
