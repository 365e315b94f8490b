//! The world: a plain value that holds every node, the network between them, their disks and clocks, and one queue.
//!
//! [`World::step`] takes the earliest event, hands at most one input to one process and carries out its effects. The same
//! seed, setup and plan give the same run; a clone continues as the original does.

use std::hash::Hash;
use std::mem;
use std::sync::Arc;

use imbl::Vector;

use super::agenda::{Agenda, Event, Lane};
use super::draws::DrawKey;
use super::fault::{DISK_STEP, Fault, Planned, Trigger};
use super::faults::Ledger;
use super::law::bucket_of;
use super::net::{Frame, Net, Told};
use super::process::{Cx, Effect, Effects, Input, Process, Protocol};
use super::queue::Class;
use super::setup::Setup;
use super::sink::{Happening, Sink, Stamp};
use super::slot::{Slot, Waiting};
use super::weather::{Drawn, index};
use crate::base::digest::QuickDigest;
use crate::base::id::{EventId, NodeId};
use crate::base::rng::{Domain, Key, Seed};
use crate::base::time::{LocalTime, Span, Time};

/// How many events lie between two checkpoints of the digest.
pub const CHECKPOINT_EVERY: u64 = 256;

/// A simulated world of processes `P`.
#[derive(Clone)]
pub struct World<P: Process> {
    pub(super) shared: Arc<Shared<P::Config>>,
    pub(super) plan: Arc<[Planned]>,
    pub(super) agenda: Agenda<P::Words>,
    pub(super) net: Net<P::Words>,
    pub(super) slots: Vec<Slot<P>>,
    pub(super) ledger: Ledger,
    events: u64,
    digest: QuickDigest,
    checkpoints: Vector<u64>,
}

/// What never changes in a run.
pub(super) struct Shared<C> {
    pub(super) config: C,
    pub(super) setup: Setup,
    pub(super) stage_key: Key,
    pub(super) target_key: Key,
    process_key: Key,
}

/// How far to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Events after this moment are left on the queue.
    pub time: Time,
    /// Stop when the run has had this many events.
    pub events: u64,
}

/// Why a run stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The time limit.
    Time,
    /// The event limit.
    Events,
    /// Nothing will ever happen again.
    Quiet,
}

impl Limits {
    /// Runs until this moment, however many events that takes.
    pub const fn until(time: Time) -> Self {
        Self {
            time,
            events: u64::MAX,
        }
    }
}

impl<P: Process> World<P> {
    /// A world at time 0, in which every node is about to start.
    ///
    /// # Panics
    /// If the setup has no nodes, more servers than nodes, or voters that do not exist.
    pub fn new(seed: Seed, config: P::Config, setup: Setup, plan: Arc<[Planned]>) -> Self {
        assert!(setup.nodes > 0, "a world needs a node");
        assert!(setup.servers <= setup.nodes, "servers are nodes");
        let net = Net::new(seed, &setup);
        assert!(setup.voters.iter().all(|voter| net.weather.exists(*voter)));
        let slots = (1..=setup.nodes)
            .map(|node| Slot::new(NodeId(node), &setup, seed))
            .collect();
        let exceptions = Arc::clone(&setup.exceptions);
        let shared = Shared {
            config,
            setup,
            stage_key: Key::derive(seed, Domain::Stage),
            target_key: Key::derive(seed, Domain::Target),
            process_key: Key::derive(seed, Domain::Process),
        };
        let mut world = Self {
            shared: Arc::new(shared),
            plan: Arc::new([]),
            agenda: Agenda::new(Key::derive(seed, Domain::Tie), exceptions),
            net,
            slots,
            ledger: Ledger::default(),
            events: 0,
            digest: QuickDigest::default(),
            checkpoints: Vector::new(),
        };
        world.schedule_boots();
        world.schedule_plan(plan);
        world
    }

    /// Every node starts a little after time 0, or that much after the time that it is late by.
    fn schedule_boots(&mut self) {
        let setup = &self.shared.setup;
        for node in 1..=setup.nodes {
            let who = u64::from(node);
            let draw = self.shared.stage_key.draw(who, u64::MAX, 0, 0);
            let node = NodeId(node);
            let late = setup.late.get(&node).copied().unwrap_or(Span::ZERO);
            let at = Time(draw.below(setup.start_within.0 + 1)) + late;
            let event = Event::Boot { node, life: 0 };
            self.agenda.push(at, Class::Other, (who, 0), event);
        }
    }

    /// Takes the next event that means something and carries it out; `None` if there is none.
    pub fn step<S: Sink<P::Words>>(
        &mut self,
        out: &mut Effects<P::Words>,
        sink: &mut S,
    ) -> Option<Stamp> {
        self.step_before(Time::NEVER, out, sink)
    }

    /// Steps until a limit is reached; the present is then the time limit, unless events ran out first.
    pub fn run_until<S: Sink<P::Words>>(&mut self, limits: Limits, sink: &mut S) -> Stop {
        let mut out = Effects::default();
        while self.events < limits.events {
            if self.step_before(limits.time, &mut out, sink).is_none() {
                if limits.time < Time::NEVER {
                    self.agenda.now = self.agenda.now.max(limits.time);
                }
                return match self.agenda.next_time() {
                    None => Stop::Quiet,
                    Some(_) => Stop::Time,
                };
            }
        }
        Stop::Events
    }

    /// The present.
    pub fn now(&self) -> Time {
        self.agenda.now
    }

    /// How many events there have been.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// A node's process, if it is up.
    pub fn process(&self, node: NodeId) -> Option<&P> {
        self.slots[index(node)].process.as_ref()
    }

    /// Whether a node is up (a paused one is).
    pub fn is_up(&self, node: NodeId) -> bool {
        self.process(node).is_some()
    }

    /// Whether a node's process stands still.
    pub fn is_paused(&self, node: NodeId) -> bool {
        self.slots[index(node)].pauses > 0
    }

    /// The ordinal of a node's present or last life; 0 before the first.
    pub fn life(&self, node: NodeId) -> u32 {
        self.slots[index(node)].life
    }

    /// A node's monotonic clock.
    pub fn local_time(&self, node: NodeId) -> LocalTime {
        self.slots[index(node)].clock.read(self.now())
    }

    /// A node's log as a read would show it, and how many of its records are on the platter.
    pub fn log(&self, node: NodeId) -> (&Vector<<P::Words as Protocol>::Record>, u64) {
        self.slots[index(node)].disk.log()
    }

    /// What the world was built from.
    pub fn setup(&self) -> &Setup {
        &self.shared.setup
    }

    /// What every process is told.
    pub fn config(&self) -> &P::Config {
        &self.shared.config
    }

    /// The plan, injected faults included.
    pub fn plan(&self) -> &[Planned] {
        &self.plan
    }

    /// The run digest: every input, effect and happening so far, with its node and time.
    pub fn digest(&self) -> QuickDigest {
        self.digest
    }

    /// The digest after every [`CHECKPOINT_EVERY`] events.
    pub fn checkpoints(&self) -> &Vector<u64> {
        &self.checkpoints
    }

    /// From now on single draws are kept; see [`World::drawn`].
    pub fn log_draws(&mut self) {
        self.agenda.log_draws();
    }

    /// The draws since [`World::log_draws`], in order.
    pub fn drawn(&self) -> &[(DrawKey, Span)] {
        self.agenda.drawn()
    }

    /// From now on the weather (network, disks, stages, ties, what crashes leave) is that of another seed. What was drawn
    /// stays, and so do the decisions of processes; ties of what has yet to happen are drawn anew.
    pub fn reweather(&mut self, seed: Seed) {
        self.agenda.rekey(Key::derive(seed, Domain::Tie));
        self.net.weather.rekey(seed);
        for slot in &mut self.slots {
            slot.disk.rekey(seed);
        }
        let shared = Shared {
            config: self.shared.config.clone(),
            setup: self.shared.setup.clone(),
            stage_key: Key::derive(seed, Domain::Stage),
            target_key: Key::derive(seed, Domain::Target),
            process_key: self.shared.process_key,
        };
        self.shared = Arc::new(shared);
    }

    /// Puts a request to a node; it is lost if the node is down.
    pub fn command(&mut self, node: NodeId, command: <P::Words as Protocol>::Command) {
        let about = (u64::from(node.0), 2);
        let event = Event::Command { node, command };
        let now = self.now();
        self.agenda.push(now, Class::Other, about, event);
    }

    /// Adds a fault to the plan that strikes now and lasts until all is healed; returns its index in the plan.
    pub fn inject(&mut self, fault: Fault) -> u32 {
        let index = self.plan.len();
        let planned = Planned {
            id: format!("injected-{index}").into(),
            trigger: Trigger::At(self.now()),
            fault,
            lasts: None,
            flap: None,
        };
        self.plan = self.plan.iter().cloned().chain([planned]).collect();
        let index = u32::try_from(index).expect("plans are short");
        let event = Event::Fault { index };
        let about = (u64::from(index), 0);
        let now = self.now();
        self.agenda.push(now, Class::Plan, about, event);
        index
    }

    /// Undoes every lasting fault now, restarts what is down, and calls off the faults that have not struck.
    pub fn heal_all(&mut self) {
        let now = self.now();
        self.agenda.push(now, Class::Plan, (0, 3), Event::HealAll);
    }

    /// Takes the next event that means something, if it is due by `limit`.
    fn step_before<S: Sink<P::Words>>(
        &mut self,
        limit: Time,
        out: &mut Effects<P::Words>,
        sink: &mut S,
    ) -> Option<Stamp> {
        loop {
            let (time, event) = self.agenda.pop_by(limit)?;
            let at = Stamp {
                event: EventId(self.events + 1),
                time,
            };
            // Nearly all events are messages to which nothing happens: beside the table they are moved only once.
            if let Event::Frame { conn, side, frame } = event
                && let Some(node) = self.net.receiver(*conn, *side)
                && matches!(frame, Frame::Data(_))
                && let Frame::Data(msg) = mem::replace(frame, Frame::Rst)
            {
                let conn = *conn;
                self.hand(at, node, Input::Deliver { conn, msg }, out, sink);
            } else {
                let event = event.take();
                if self.is_stale(&event) {
                    continue;
                }
                self.fire(at, event, out, sink);
            }
            self.events += 1;
            if self.events.is_multiple_of(CHECKPOINT_EVERY) {
                self.checkpoints.push_back(self.digest.value());
            }
            return Some(at);
        }
    }

    /// Whether what an event is about has passed, as far as that can be told before it is carried out.
    fn is_stale(&self, event: &Event<P::Words>) -> bool {
        let slot = |node: &NodeId| &self.slots[index(*node)];
        match event {
            Event::Fault { index } => self.ledger.is_called_off(*index),
            Event::Undo { index } | Event::Beat { index, .. } => !self.ledger.is_active(*index),
            Event::HealAll | Event::Backup { .. } => false,
            Event::Disk { node, lane, ticket } => !slot(node).disk.is_current(*lane, *ticket),
            Event::Frame { conn, .. }
            | Event::Release { conn, .. }
            | Event::Break { conn, .. }
            | Event::Flush { conn, .. } => !self.net.has(*conn),
            Event::GiveUp { conn } => !self.net.is_dialling(*conn),
            Event::Fire {
                node,
                timer,
                generation,
            } => !slot(node).is_armed(*timer, *generation),
            Event::Run { node, life, .. } | Event::Told { node, life, .. } => {
                slot(node).process.is_none() || slot(node).life != *life
            }
            Event::Drain { node, life } => slot(node).pauses > 0 || slot(node).life != *life,
            Event::Boot { node, life } => {
                let slot = slot(node);
                slot.process.is_some() || slot.held > 0 || slot.life != *life
            }
            Event::Command { node, .. } => slot(node).process.is_none(),
        }
    }

    /// Carries out an event: a table of one line per kind.
    fn fire<S: Sink<P::Words>>(
        &mut self,
        at: Stamp,
        event: Event<P::Words>,
        out: &mut Effects<P::Words>,
        sink: &mut S,
    ) {
        let agenda = &mut self.agenda;
        match event {
            Event::Frame { conn, side, frame } => {
                let told = self.net.arrive(agenda, conn, side, frame);
                self.tell(at, told, out, sink);
            }
            Event::Release { conn, side } => {
                let told = self.net.release(agenda, conn, side);
                self.tell(at, told, out, sink);
            }
            Event::Break { conn, side } => {
                let told = self.net.break_end(conn, side);
                self.tell(at, told, out, sink);
            }
            Event::GiveUp { conn } => {
                let told = self.net.give_up(conn);
                self.tell(at, told, out, sink);
            }
            Event::Flush { conn, side } => self.net.flush(agenda, conn, side),
            Event::Fire {
                node,
                timer,
                generation,
            } => self.give(at, node, Waiting::Fire { timer, generation }, out, sink),
            Event::Run { node, stage, .. } => {
                self.give(at, node, Waiting::Run { stage }, out, sink);
            }
            Event::Disk { node, lane, .. } => self.on_disk(at, node, lane, out, sink),
            Event::Told { node, input, .. } => self.hand(at, node, input, out, sink),
            Event::Command { node, command } => {
                self.hand(at, node, Input::Command(command), out, sink);
            }
            Event::Drain { node, .. } => self.drain(at, node, out, sink),
            Event::Boot { node, .. } => self.boot(at, node, out, sink),
            Event::Fault { index } => self.begin_fault(at, index, sink),
            Event::Undo { index } => self.end_fault(at, index, sink),
            Event::Beat { index, beat } => self.beat(at, index, beat, sink),
            Event::Backup { index } => self.back_up(index),
            Event::HealAll => self.heal_now(at, sink),
        }
    }

    /// A disk operation is done; a fault that waits for just that strikes before its process hears of it.
    fn on_disk<S: Sink<P::Words>>(
        &mut self,
        at: Stamp,
        node: NodeId,
        lane: Lane,
        out: &mut Effects<P::Words>,
        sink: &mut S,
    ) {
        let slot = &mut self.slots[index(node)];
        let life = slot.life;
        let Some(input) = slot.disk.finish(&mut self.agenda, lane) else {
            return;
        };
        if lane == Lane::Ordered && self.on_mark(DISK_STEP, node) {
            let event = Event::Told { node, life, input };
            let about = (u64::from(node.0), 4);
            self.agenda.push_in(Span::ZERO, Class::Disk, about, event);
        } else {
            self.hand(at, node, input, out, sink);
        }
    }

    /// Copies every server's disk for a fault that will bring one of them back.
    fn back_up(&mut self, fault: u32) {
        for slot in &mut self.slots {
            let backup = slot.disk.back_up();
            slot.backups.push((fault, backup));
        }
    }

    /// Passes on what the network tells a node, if anything.
    #[inline]
    fn tell<S: Sink<P::Words>>(
        &mut self,
        at: Stamp,
        told: Option<Told<P::Words>>,
        out: &mut Effects<P::Words>,
        sink: &mut S,
    ) {
        let Some(Told { node, class, input }) = told else {
            return;
        };
        if let Input::Ended { conn, .. } = &input {
            let conn = *conn;
            self.emit(at, Happening::ConnectionEnded { conn, class, node }, sink);
        }
        self.hand(at, node, input, out, sink);
    }

    /// A node begins a new life with what its disk holds.
    fn boot<S: Sink<P::Words>>(
        &mut self,
        at: Stamp,
        node: NodeId,
        out: &mut Effects<P::Words>,
        sink: &mut S,
    ) {
        let slot = &mut self.slots[index(node)];
        let disk = slot.disk.recover();
        let life = slot.life + 1;
        slot.begin(node, P::restart(&self.shared.config, disk, node, life));
        self.emit(at, Happening::Started { node, life }, sink);
        self.hand(at, node, Input::Boot, out, sink);
    }

    /// Hands something to a process that may have become stale by now, or lets it wait if the process stands still.
    fn give<S: Sink<P::Words>>(
        &mut self,
        at: Stamp,
        node: NodeId,
        what: Waiting<P::Words>,
        out: &mut Effects<P::Words>,
        sink: &mut S,
    ) {
        if self.slots[index(node)].is_idle(self.agenda.now) {
            if let Some(input) = self.slots[index(node)].claim(what) {
                self.run(at, node, input, out, sink);
            }
        } else {
            self.defer(node, what);
        }
    }

    /// Hands an input to a process that cannot become stale, or lets it wait.
    #[inline]
    fn hand<S: Sink<P::Words>>(
        &mut self,
        at: Stamp,
        node: NodeId,
        input: Input<P::Words>,
        out: &mut Effects<P::Words>,
        sink: &mut S,
    ) {
        if self.slots[index(node)].is_idle(self.agenda.now) {
            self.run(at, node, input, out, sink);
        } else {
            self.defer(node, Waiting::Input(input));
        }
    }

    /// Something waits until its process has time for it.
    #[cold]
    fn defer(&mut self, node: NodeId, what: Waiting<P::Words>) {
        let slot = &mut self.slots[index(node)];
        slot.inbox.push_back(what);
        if slot.busy_until > self.agenda.now {
            self.schedule_drain(node);
        }
    }

    /// A process that was paused takes the next input that waited.
    fn drain<S: Sink<P::Words>>(
        &mut self,
        at: Stamp,
        node: NodeId,
        out: &mut Effects<P::Words>,
        sink: &mut S,
    ) {
        let now = self.agenda.now;
        let slot = &mut self.slots[index(node)];
        slot.draining = false;
        if slot.busy_until > now {
            return self.schedule_drain(node);
        }
        if let Some(waiting) = slot.inbox.pop_front()
            && let Some(input) = slot.claim(waiting)
        {
            self.run(at, node, input, out, sink);
        }
        self.schedule_drain(node);
    }

    /// Makes sure that what waits for a process gets to it.
    pub(super) fn schedule_drain(&mut self, node: NodeId) {
        let now = self.agenda.now;
        let slot = &mut self.slots[index(node)];
        if slot.inbox.is_empty() || slot.draining || slot.pauses > 0 {
            return;
        }
        slot.draining = true;
        let event = Event::Drain {
            node,
            life: slot.life,
        };
        let at = slot.busy_until.max(now);
        self.agenda
            .push(at, Class::Other, (u64::from(node.0), 1), event);
    }

    /// One step of one process.
    fn run<S: Sink<P::Words>>(
        &mut self,
        at: Stamp,
        node: NodeId,
        input: Input<P::Words>,
        out: &mut Effects<P::Words>,
        sink: &mut S,
    ) {
        self.digest.word(at.time.0);
        self.digest.word(u64::from(node.0));
        input.hash(&mut self.digest);
        sink.input(at, node, &input);
        let slot = &mut self.slots[index(node)];
        let now = slot.clock.read(at.time);
        let cx = Cx {
            now,
            wall: slot.clock.wall(),
            me: node,
            key: self.shared.process_key,
            bucket: bucket_of(at.time),
        };
        debug_assert!(out.is_empty(), "the buffer is emptied after each step");
        out.set_next_conn(slot.next_conn);
        let process = slot
            .process
            .as_mut()
            .expect("only what is up is told things");
        process.step(cx, input, out);
        slot.next_conn = out.next_conn();
        for effect in out.list_mut().drain(..) {
            effect.hash(&mut self.digest);
            sink.effect(at, node, &effect);
            // Nearly all effects are messages: beside the table they cost fewer instructions.
            if let Effect::Send { conn, msg } = effect {
                self.net.send(&mut self.agenda, node, conn, msg);
            } else if let Some(code) = self.apply(node, effect) {
                self.halt(at, node, code, sink);
                break;
            }
            if self.ledger.has_cuts() {
                self.strike_cuts(at, false, sink);
                if !self.is_up(node) {
                    break;
                }
            }
        }
        if self.ledger.has_cuts() {
            self.strike_cuts(at, true, sink);
        }
        self.work(node);
        if let Some((what, by)) = self.net.harm {
            self.net.harm = None;
            self.emit_outside(at, by, None, what, sink);
        }
    }

    /// A slow processor is at the step for a while.
    fn work(&mut self, node: NodeId) {
        let step = self.shared.setup.step;
        let now = self.agenda.now;
        let slot = &mut self.slots[index(node)];
        if !slot.slow.is_empty() {
            let factor: u64 = slot.slow.iter().map(|factor| u64::from(*factor)).product();
            slot.busy_until = now + step * factor;
        }
    }

    /// A processor that is healed is done with the step at which it was slow: factors of overlapping faults multiply, and
    /// their last step would outlast them by minutes.
    pub(super) fn end_step(&mut self, node: NodeId) {
        let now = self.agenda.now;
        let slot = &mut self.slots[index(node)];
        if slot.busy_until > now {
            slot.busy_until = now;
            slot.draining = false;
            self.schedule_drain(node);
        }
    }

    /// Starts to keep every draw of the network and of stages, to compare runs by.
    pub fn keep_draws(&mut self) {
        self.net.weather.start_log();
    }

    /// The draws kept, in the order in which they were made.
    pub fn draws(&self) -> &[Drawn] {
        self.net.weather.log()
    }

    /// Says what the machine did.
    pub(super) fn emit<S: Sink<P::Words>>(&mut self, at: Stamp, what: Happening, sink: &mut S) {
        self.digest.word(at.time.0);
        what.hash(&mut self.digest);
        sink.happening(at, &what, &self.plan);
    }
}

#[cfg(test)]
mod tests;
