//! Practice in the student's own test: the public seeds, in one process.

use super::course::Lab;
use super::grade::{Extent, Grade, Only, Standing, Starts, grade};
use super::hidden::Seeds;
use super::render;
use super::solution::{Answers, Fault, Solution};

impl<F: Fn() -> Solution> Starts for F {
    fn start(&self, _nth: u32) -> Result<Box<dyn Answers>, Fault> {
        Ok(Box::new(self()))
    }
}

/// Plays the public seeds of an exercise with a solution.
///
/// # Panics
/// If the solution does not pass, with what went wrong, or if there is no such exercise.
pub fn practise(lab: &str, solution: impl Fn() -> Solution) {
    let lab = Lab::find(lab).unwrap_or_else(|| panic!("there is no lab {lab} to build"));
    let grade: Grade = grade(
        lab,
        "your solution",
        &solution,
        &Seeds::Public,
        Extent::default(),
        &Only::default(),
    );
    let text = render::text(&grade, ".");
    assert!(grade.standing == Standing::Passed, "\n{text}");
}
