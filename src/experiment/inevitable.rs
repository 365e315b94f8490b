//! When a failure became inevitable: the weather after a moment is drawn anew, many times, and the share of runs that still
//! break the same property is counted, for many moments.
//!
//! Draws are keyed by moment, so that a run with other keys from some event on is the same run until then (dst.md §6.7).

use std::sync::atomic::{AtomicBool, Ordering};

use super::run::{Nobody, Run};
use super::scenario::Scenario;
use crate::base::digest::mix;
use crate::base::id::EventId;
use crate::base::rng::Seed;
use crate::base::time::Time;
use crate::check::verdict::{At, Property};

/// How much longer than the failing run a run may take to fail.
const GRACE_MS: u64 = 1_000;

/// How finely a run is watched for its failure.
const LOOK_EVERY_MS: u64 = 250;

/// What to play.
#[derive(Clone, Copy, Debug)]
pub struct Effort<'a> {
    /// Moments.
    pub points: u64,
    /// Runs per moment.
    pub runs: u32,
    /// Runs at a time.
    pub jobs: usize,
    /// Set by whoever wants it to end.
    pub stop: &'a AtomicBool,
}

/// One moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    /// The last event before the weather changes.
    pub at: At,
    /// Runs with other weather.
    pub runs: u32,
    /// How many of them broke the property.
    pub fails: u32,
}

/// The share of failures over the moments before a violation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Curve {
    /// The property.
    pub property: Property,
    /// The violation.
    pub violated: At,
    /// The moments, in order.
    pub points: Vec<Point>,
}

impl Curve {
    /// The two neighbouring moments with the steepest rise between them; the last such pair.
    pub fn steepest(&self) -> Option<(Point, Point)> {
        let pairs = self.points.windows(2).map(|pair| (pair[0], pair[1]));
        pairs
            .filter(|(before, after)| after.fails > before.fails)
            .max_by_key(|(before, after)| after.fails - before.fails)
    }
}

/// Plays the curve of a violation; `tell` hears how many moments are done.
pub fn curve(
    scenario: &Scenario,
    property: Property,
    violated: At,
    effort: Effort<'_>,
    tell: &mut dyn FnMut(u64),
) -> Curve {
    let mut longer = scenario.clone();
    let end = violated.time.as_ms() + GRACE_MS;
    longer.limits.virtual_ms = longer.limits.virtual_ms.max(end);
    let mut run = Run::start(&longer);
    let mut points = Vec::new();
    let count = effort.points.min(violated.event.0).max(1);
    for number in 0..count {
        if effort.stop.load(Ordering::Relaxed) {
            break;
        }
        run.advance_to_event(violated.event.0 * number / count);
        points.push(point(&run, property, &longer, effort));
        tell(number + 1);
    }
    Curve {
        property,
        violated,
        points,
    }
}

fn point(run: &Run<'_>, property: Property, scenario: &Scenario, effort: Effort<'_>) -> Point {
    let at = At {
        event: EventId(run.world().events()),
        time: run.world().now(),
    };
    let fails_under = |number: u32| {
        let mut fork = run.clone();
        let seed = mix(scenario.seed.0 ^ mix(u64::from(number) + 1));
        fork.world_mut().reweather(Seed(seed));
        fails(fork, property, scenario)
    };
    let jobs = u32::try_from(effort.jobs)
        .unwrap_or(1)
        .clamp(1, effort.runs.max(1));
    let share = |job: u32| {
        let mine = (job..effort.runs).step_by(jobs as usize);
        mine.filter(|number| fails_under(*number)).count()
    };
    #[expect(
        clippy::disallowed_methods,
        reason = "runs share nothing, and a sum does not depend on their order"
    )]
    let fails: usize = std::thread::scope(|scope| {
        let share = &share;
        let workers: Vec<_> = (0..jobs)
            .map(|job| scope.spawn(move || share(job)))
            .collect();
        let done = workers.into_iter().map(std::thread::ScopedJoinHandle::join);
        done.map(|fails| fails.expect("a run does not panic")).sum()
    });
    Point {
        at,
        runs: effort.runs,
        fails: u32::try_from(fails).expect("at most the runs"),
    }
}

/// Whether a run breaks the property before its end.
fn fails(mut run: Run<'_>, property: Property, scenario: &Scenario) -> bool {
    let is_broken = |run: &Run<'_>| {
        let mut violations = run.violations().iter();
        violations.any(|violation| violation.property == property)
    };
    let end = Time::from_ms(scenario.limits.virtual_ms);
    while run.world().now() < end && run.world().events() < scenario.limits.events {
        let until = Time::from_ms(run.world().now().as_ms() + LOOK_EVERY_MS);
        run.advance(until.min(end), &mut Nobody, &mut ());
        if is_broken(&run) {
            return true;
        }
    }
    let outcome = run.conclude(&mut Nobody, &mut ());
    let mut violations = outcome.violations.iter();
    violations.any(|violation| violation.property == property)
}
