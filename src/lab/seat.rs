//! Whose code takes part in a run, whatever it is asked for: decisions of servers, or programs of clients.

use std::sync::Arc;

use super::client::{Part, Troupe};
use super::course::Lab;
use super::solution::{Answers, Fault};
use super::story::{self, Counterexample, Line};
use super::student::{Decision, Student};
use crate::experiment::scenario::Scenario;

/// Whoever hears how far a run is.
pub trait Hears {
    /// A new run begins.
    fn begin(&self);
    /// What comes next belongs to this event of a run.
    fn at_event(&self, event: u64);
}

/// Somebody's code.
pub trait Seat: Hears {
    /// Gives it its place in a scenario.
    fn equip(&self, scenario: &mut Scenario);
    /// Whether what is asked from now on is asked somebody else again.
    fn record(&self, is_recording: bool);
    /// How it failed, if it did.
    fn fault(&self) -> Option<Fault>;
    /// How often it was asked something new.
    fn questions(&self) -> usize;
    /// What another process answers otherwise, first of all.
    ///
    /// # Errors
    /// How the other one failed.
    fn difference(
        &self,
        lab: &Lab,
        other: &mut dyn Answers,
    ) -> Result<Option<Counterexample>, Fault>;
    /// Where it took part in a run up to an event and not as the reference does, with the events.
    fn excerpts(&self, lab: &Lab, upto: u64) -> Vec<(u64, Vec<Line>)>;
}

/// A solution that takes decisions of servers.
pub struct Decides {
    /// The solution.
    pub student: Arc<Student>,
    /// Which decision.
    pub about: Decision,
}

impl Hears for Decides {
    fn begin(&self) {
        self.student.begin();
    }

    fn at_event(&self, event: u64) {
        self.student.at_event(event);
    }
}

impl Seat for Decides {
    fn equip(&self, scenario: &mut Scenario) {
        scenario.asked = self.student.asked(self.about);
    }

    fn record(&self, _is_recording: bool) {
        // Questions are remembered anyway, so that none is asked twice.
    }

    fn fault(&self) -> Option<Fault> {
        self.student.fault()
    }

    fn questions(&self) -> usize {
        self.student.questions()
    }

    fn difference(
        &self,
        lab: &Lab,
        other: &mut dyn Answers,
    ) -> Result<Option<Counterexample>, Fault> {
        let difference = self.student.first_difference(other)?;
        Ok(difference.map(|difference| story::of_difference(lab, &difference)))
    }

    fn excerpts(&self, lab: &Lab, upto: u64) -> Vec<(u64, Vec<Line>)> {
        story::of_slips(lab, &self.student.slips(), upto)
    }
}

/// A solution that writes the programs of clients.
pub struct Acts {
    /// The solution.
    pub troupe: Arc<Troupe>,
}

impl Acts {
    /// A solution at work.
    pub fn new(part: Part, solution: Box<dyn Answers>) -> Self {
        let troupe = Troupe::new(part, solution, true);
        Self { troupe }
    }
}

impl Hears for Acts {
    fn begin(&self) {
        self.troupe.begin();
    }

    fn at_event(&self, event: u64) {
        self.troupe.at_event(event);
    }
}

impl Seat for Acts {
    fn equip(&self, scenario: &mut Scenario) {
        scenario.outsider = self.troupe.outsider();
    }

    fn record(&self, is_recording: bool) {
        self.troupe.record(is_recording);
    }

    fn fault(&self) -> Option<Fault> {
        self.troupe.fault()
    }

    fn questions(&self) -> usize {
        self.troupe.calls()
    }

    fn difference(
        &self,
        lab: &Lab,
        other: &mut dyn Answers,
    ) -> Result<Option<Counterexample>, Fault> {
        let changed = self.troupe.first_difference(other)?;
        Ok(changed.map(|changed| story::of_change(lab, &changed)))
    }

    fn excerpts(&self, lab: &Lab, upto: u64) -> Vec<(u64, Vec<Line>)> {
        let partings = self.troupe.partings();
        if partings.iter().any(|parting| parting.event <= upto) {
            story::of_partings(lab, &partings, upto)
        } else {
            story::of_partings(lab, &self.troupe.doubts(), upto)
        }
    }
}
