//! What a run failed at, and when two failures are the same: the same property with the same signature (signatures are free
//! of names and times), the same property undecided, or a budget of events that was spent.

use std::fmt;

use crate::base::time::Time;
use crate::check::verdict::{At, Property, Verdict, Violation};
use crate::experiment::outcome::{Ended, Outcome};
use crate::experiment::run::{Nobody, Run};
use crate::experiment::scenario::Scenario;

/// One way in which a run failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Failure {
    /// A property was violated.
    Violated {
        /// Which.
        property: Property,
        /// The kind of violation.
        signature: &'static str,
    },
    /// A property could not be judged.
    Undecided {
        /// Which.
        property: Property,
    },
    /// The event budget was spent.
    Budget,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Violated {
                property,
                signature,
            } => write!(f, "{property} ({signature})"),
            Self::Undecided { property } => write!(f, "{property} undecided"),
            Self::Budget => write!(f, "event budget spent"),
        }
    }
}

impl Failure {
    /// What an outcome failed at, the decisive failure first; each once.
    pub fn of(outcome: &Outcome) -> Vec<(Self, At)> {
        let end = At {
            event: crate::base::id::EventId(outcome.events),
            time: outcome.virtual_time,
        };
        let mut found: Vec<(Self, At)> = Vec::new();
        let mut violations: Vec<_> = outcome.violations.iter().collect();
        violations.sort_by_key(|violation| violation.at);
        for violation in violations {
            let at = known_at(violation);
            let failure = Self::Violated {
                property: violation.property,
                signature: violation.signature,
            };
            if !found.iter().any(|(known, _)| *known == failure) {
                found.push((failure, at));
            }
        }
        for judged in &outcome.properties {
            if judged.verdict == Verdict::Undecided {
                let property = judged.property;
                found.push((Self::Undecided { property }, end));
            }
        }
        if outcome.ended == Ended::EventBudget {
            found.push((Self::Budget, end));
        }
        found
    }

    /// The property it is about.
    pub fn property(self) -> Option<Property> {
        match self {
            Self::Violated { property, .. } | Self::Undecided { property } => Some(property),
            Self::Budget => None,
        }
    }
}

/// When a violation is established: some are about a moment before their last piece of evidence.
pub fn known_at(violation: &Violation) -> At {
    let evidence = violation.story.iter().map(|sentence| sentence.at);
    evidence.fold(violation.at, At::max)
}

/// What came of playing a candidate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trial {
    /// The failure that is looked for, and when.
    Same(Time),
    /// Other failures only.
    Other(Failure),
    /// None.
    Passes,
}

/// How much of a run is played before somebody looks whether it has failed.
const LOOK_EVERY_MS: u64 = 250;

/// Plays a candidate until it fails as `wanted`, or to its end.
pub fn attempt(scenario: &Scenario, wanted: Failure) -> Trial {
    let mut run = Run::start(scenario);
    if let Failure::Violated {
        property,
        signature,
    } = wanted
    {
        let mut until = LOOK_EVERY_MS;
        while until < scenario.limits.virtual_ms && run.world().events() < scenario.limits.events {
            run.advance(Time::from_ms(until), &mut Nobody, &mut ());
            let hit = run.violations().iter().find(|violation| {
                violation.property == property && violation.signature == signature
            });
            if let Some(violation) = hit {
                return Trial::Same(known_at(violation).time);
            }
            until += LOOK_EVERY_MS;
        }
    }
    let failures = Failure::of(&run.conclude(&mut Nobody, &mut ()));
    match failures.iter().find(|(failure, _)| *failure == wanted) {
        Some((_, at)) => Trial::Same(at.time),
        None => failures
            .first()
            .map_or(Trial::Passes, |(failure, _)| Trial::Other(*failure)),
    }
}
