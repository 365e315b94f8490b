//! Time travel: clones of the world every so many events; any moment is a clone and a short replay away.

use super::process::{Effects, Process};
use super::sink::Sink;
use super::world::{Limits, Stop, World};

/// A run that can be entered anywhere.
#[derive(Clone)]
pub struct Timeline<P: Process> {
    every: u64,
    /// The world after 0, `every`, 2 × `every`, … events.
    marks: Vec<World<P>>,
    end: World<P>,
    stop: Stop,
}

impl<P: Process> Timeline<P> {
    /// Plays a world to its limits and keeps a clone of it every `every` events.
    ///
    /// # Panics
    /// If `every` is 0.
    pub fn record<S: Sink<P::Words>>(
        start: World<P>,
        every: u64,
        limits: Limits,
        sink: &mut S,
    ) -> Self {
        assert!(every > 0, "marks need a distance");
        let mut world = start.clone();
        let mut marks = vec![start];
        let stop = loop {
            let next = world.events().saturating_add(every).min(limits.events);
            let stop = world.run_until(
                Limits {
                    events: next,
                    ..limits
                },
                sink,
            );
            if stop != Stop::Events || next == limits.events {
                break stop;
            }
            marks.push(world.clone());
        };
        Self {
            every,
            marks,
            end: world,
            stop,
        }
    }

    /// The world at the end.
    pub fn end(&self) -> &World<P> {
        &self.end
    }

    /// Why the run ended.
    pub fn stop(&self) -> Stop {
        self.stop
    }

    /// How many events the run has.
    pub fn events(&self) -> u64 {
        self.end.events()
    }

    /// The world just after the given event (0 = the start), or at the end if there are fewer. What is done to it changes
    /// only it: a fork.
    pub fn seek(&self, event: u64) -> World<P> {
        if event >= self.events() {
            return self.end.clone();
        }
        let first = self.marks[0].events();
        let steps = event.saturating_sub(first) / self.every;
        let place = usize::try_from(steps).unwrap_or(usize::MAX);
        let mut world = self.marks[place.min(self.marks.len() - 1)].clone();
        let mut out = Effects::default();
        while world.events() < event && world.step(&mut out, &mut ()).is_some() {}
        world
    }
}
