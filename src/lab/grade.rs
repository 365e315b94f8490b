//! Grading: the same questions and the same runs for everybody, from public seeds or hidden ones.
//!
//! Gates come first: the solution is a function (two processes agree), no answer can do harm, no run does. Then points:
//! what must happen happens in time, and costs are near the reference's on the same seeds. What failed is shown on a
//! public seed of the same kind of failure, so that hidden seeds stay hidden.

pub mod observe;

use super::client::Troupe;
use super::course::{Lab, Measure, Task};
use super::drawn::States;
use super::hidden::Seeds;
use super::judge::{self, Judgement};
use super::play::{Costs, Flaw, Played, play_seed};
use super::seat::{Acts, Decides, Seat};
use super::solution::{Answers, Fault};
use super::story::{self, Counterexample};
use super::student::{Decision, Student};
use super::wire::{Answer, Question};
use crate::client::recipe::outside::Outsider;
use crate::experiment::scenario::Scenario;
use crate::zab::rules::Asked;

/// How much is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// Runs per round.
    pub runs: u64,
    /// Single answers.
    pub states: u64,
    /// Runs that may be spent on making a counterexample small.
    pub shrink: u64,
    /// Public seeds in which a failure is looked for.
    pub search: u64,
}

impl Default for Extent {
    fn default() -> Self {
        Self {
            runs: 32,
            states: 2_000,
            shrink: 150,
            search: 200,
        }
    }
}

/// A part of a grade, instead of all of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Only {
    /// `answers`, or a round; none = everything.
    pub part: Option<String>,
    /// This seed alone.
    pub seed: Option<u64>,
    /// This family of runs instead of the exercise's.
    pub family: Option<Scenario>,
}

impl Only {
    fn has(&self, part: &str) -> bool {
        self.part.as_ref().is_none_or(|only| only == part)
    }
}

/// How a grade came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// Every gate is passed.
    Passed,
    /// A gate is not.
    Failed,
    /// The solution crashed, hung, talked nonsense or is no function.
    Broken,
}

/// One line of a grade.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// What it is about.
    pub name: String,
    /// Points reached, in hundredths.
    pub score: u64,
    /// Points to be reached, in hundredths.
    pub most: u64,
    /// Whether nothing else counts without it.
    pub is_gate: bool,
    /// Whether it is passed; points alone never fail anybody.
    pub passed: bool,
    /// What was counted, in a line.
    pub says: String,
    /// What went wrong.
    pub shown: Option<Counterexample>,
}

/// The grade of one solution.
#[derive(Clone, Debug, PartialEq)]
pub struct Grade {
    /// Which exercise.
    pub lab: &'static str,
    /// Its title, with its number.
    pub title: String,
    /// Whose solution.
    pub student: String,
    /// How it came out.
    pub standing: Standing,
    /// Line by line.
    pub parts: Vec<Part>,
    /// How often the solution was asked something new.
    pub questions: usize,
    /// Points to be reached if everything is looked at, in hundredths.
    pub all: u64,
}

impl Grade {
    fn empty(lab: &Lab, student: &str) -> Self {
        Self {
            lab: lab.id,
            title: format!("lab {} {}", lab.number, lab.title),
            student: student.to_owned(),
            standing: Standing::Passed,
            parts: Vec::new(),
            questions: 0,
            all: Weights::of(lab.task).all(),
        }
    }

    /// What its parts come to.
    fn of(lab: &Lab, student: &str, mut parts: Vec<Part>) -> Self {
        let is_broken = !parts[0].passed;
        let is_failed = parts.iter().any(|part| part.is_gate && !part.passed);
        let standing = if is_broken {
            Standing::Broken
        } else if is_failed {
            Standing::Failed
        } else {
            Standing::Passed
        };
        if is_failed {
            // Without the gates only their own fractions are shown.
            for part in parts.iter_mut().filter(|part| !part.is_gate) {
                part.score = 0;
            }
        }
        Self {
            standing,
            parts,
            ..Self::empty(lab, student)
        }
    }

    /// The grade of a solution that does not even start.
    pub fn broken(lab: &Lab, student: &str, fault: &Fault) -> Self {
        Self {
            standing: Standing::Broken,
            parts: vec![broken(&fault.0, None)],
            ..Self::empty(lab, student)
        }
    }

    /// Lets the solution go, which takes part in the runs that are shown: as files they are played without it.
    pub fn dismiss(&mut self) {
        let shown = self.parts.iter_mut().filter_map(|part| part.shown.as_mut());
        for scenario in shown.filter_map(|shown| shown.scenario.as_mut()) {
            scenario.asked = Asked::default();
            scenario.outsider = Outsider::default();
        }
    }

    /// Points reached, in hundredths; none without the gates' fraction.
    pub fn score(&self) -> u64 {
        self.parts.iter().map(|part| part.score).sum()
    }

    /// Points to be reached, in hundredths: those of the parts that were looked at, or all of them if the solution is
    /// broken.
    pub fn most(&self) -> u64 {
        match self.standing {
            Standing::Broken => self.all,
            Standing::Passed | Standing::Failed => self.parts.iter().map(|part| part.most).sum(),
        }
    }
}

/// A solution that can be started more than once.
pub trait Starts {
    /// Starts it; `nth` tells one environment from another.
    ///
    /// # Errors
    /// Why it cannot be started.
    fn start(&self, nth: u32) -> Result<Box<dyn Answers>, Fault>;

    /// How far its grade is, for whoever waits: what is done, `done` of `all`; 0 when that begins.
    fn hear(&self, _what: &str, _done: u64, _all: u64) {}
}

/// What a lab's grade is made of.
struct Weights {
    answers: u64,
    safe: u64,
    live: u64,
    cost: u64,
}

impl Weights {
    fn of(task: Task) -> Self {
        match task {
            Task::Decide(_) => Self {
                answers: 3_000,
                safe: 4_000,
                live: 1_500,
                cost: 1_500,
            },
            Task::Observe => Self {
                answers: 0,
                safe: 4_000,
                live: 0,
                cost: 6_000,
            },
            Task::Client(_) => Self {
                answers: 0,
                safe: 6_000,
                live: 2_000,
                cost: 2_000,
            },
        }
    }

    fn all(&self) -> u64 {
        self.answers + self.safe + self.live + self.cost
    }
}

/// Grades a solution.
pub fn grade(
    lab: &'static Lab,
    student: &str,
    starts: &dyn Starts,
    seeds: &Seeds,
    extent: Extent,
    only: &Only,
) -> Grade {
    if lab.task == Task::Observe {
        return observe::grade(lab, student, starts, seeds, (extent, only));
    }
    let solution = match starts.start(0) {
        Ok(solution) => solution,
        Err(fault) => return Grade::broken(lab, student, &fault),
    };
    let weights = Weights::of(lab.task);
    let (decides, seat, model): (_, Box<dyn Seat>, Box<dyn Seat>) = match lab.task {
        Task::Decide(about) => {
            let student = Student::new(solution);
            let seat = |student| Decides { student, about };
            let model = seat(Student::new(Box::new(Model)));
            let seat = seat(student);
            let decides = Some((std::sync::Arc::clone(&seat.student), about));
            (decides, Box::new(seat), Box::new(model))
        }
        Task::Client(part) => {
            let troupe = Troupe::of_model(part);
            let seat = Acts::new(part, solution);
            (None, Box::new(seat), Box::new(Acts { troupe }))
        }
        Task::Observe => unreachable!("it has a grader of its own"),
    };
    let bench = Bench {
        lab,
        starts,
        weights,
        seat: &*seat,
        model: &*model,
        seeds,
        extent,
        only,
    };
    let asks = decides.filter(|_| only.has("answers"));
    let answers = asks.map(|(student, about)| bench.answers(&student, about));
    let is_about_runs = only.part.as_deref() != Some("answers");
    let tally = (is_about_runs && seat.fault().is_none()).then(|| bench.runs());
    let function = bench.is_function();
    let questions = seat.questions();
    let mut parts = vec![function];
    if parts[0].passed {
        parts.extend(answers);
        parts.extend(tally.map(|tally| bench.parts(&tally)).unwrap_or_default());
    }
    if let Some(fault) = seat.fault() {
        // It may fail as late as in the search for a counterexample.
        parts = vec![broken(&fault.0, None)];
    }
    Grade {
        questions,
        ..Grade::of(lab, student, parts)
    }
}

/// The reference solution.
struct Model;

impl Answers for Model {
    fn answer(&mut self, question: &Question) -> Result<Answer, Fault> {
        Ok(judge::reference(question))
    }
}

fn broken(what: &str, shown: Option<Counterexample>) -> Part {
    Part {
        name: FUNCTION.to_owned(),
        score: 0,
        most: 0,
        is_gate: true,
        passed: false,
        says: what.to_owned(),
        shown,
    }
}

/// One solution under test.
struct Bench<'a> {
    lab: &'static Lab,
    starts: &'a dyn Starts,
    weights: Weights,
    seat: &'a dyn Seat,
    model: &'a dyn Seat,
    seeds: &'a Seeds,
    extent: Extent,
    only: &'a Only,
}

/// What came of the runs of all rounds.
#[derive(Default)]
struct Tally {
    runs: u64,
    safe: u64,
    live: u64,
    mine: Costs,
    reference: Costs,
    harm: Option<(usize, Flaw)>,
    delay: Option<(usize, Flaw)>,
}

/// In how many public runs a failure of clients is looked for: each of them is told thousands of events.
const MOST_SEARCHED: u64 = 60;

/// What the first part of a grade is called.
const FUNCTION: &str = "the solution is a function";

impl Bench<'_> {
    /// Whether two processes give the same answers, in whatever order they are asked.
    fn is_function(&self) -> Part {
        if let Some(fault) = self.seat.fault() {
            return broken(&fault.0, None);
        }
        self.starts.hear("asking a second process", 0, 1);
        let mut again = match self.starts.start(1) {
            Ok(again) => again,
            Err(fault) => return broken(&fault.0, None),
        };
        match self.seat.difference(self.lab, &mut *again) {
            Err(fault) => broken(&fault.0, None),
            Ok(Some(shown)) => broken(
                match self.lab.task {
                    Task::Decide(_) => {
                        "two processes answered the same question differently: an unordered map, a clock, a random number or \
                         something remembered between calls is likely"
                    }
                    Task::Client(_) | Task::Observe => {
                        "two processes let the same client do different things: an unordered map, a clock, a random number or \
                         something that clients share is likely"
                    }
                },
                Some(shown),
            ),
            Ok(None) => Part {
                name: FUNCTION.to_owned(),
                score: 0,
                most: 0,
                is_gate: true,
                passed: true,
                says: format!(
                    "two processes gave the same {} answers",
                    self.seat.questions()
                ),
                shown: None,
            },
        }
    }

    /// Answers to drawn states, one by one.
    fn answers(&self, pupil: &Student, about: Decision) -> Part {
        pupil.begin();
        let mut states = States::new(self.seeds.seed("answers", 0));
        let (mut harmful, mut costly) = (0, 0);
        for done in 0..self.extent.states {
            self.starts.hear("single answers", done, self.extent.states);
            match pupil.ask(&states.next(about)).1 {
                Judgement::Right => {}
                Judgement::Unsafe(_) => harmful += 1,
                Judgement::Wasteful(_) => costly += 1,
            }
        }
        let all = self.extent.states;
        let shown = (harmful > 0)
            .then(|| self.public_answer(pupil, about))
            .flatten();
        Part {
            name: "single answers".to_owned(),
            score: self.weights.answers * (all - harmful) / all.max(1),
            most: self.weights.answers,
            is_gate: true,
            passed: harmful == 0,
            says: format!(
                "{} of {all} drawn states: {harmful} answers that can do harm, {costly} that only cost",
                all - harmful
            ),
            shown,
        }
    }

    /// The smallest public state whose answer can do harm.
    fn public_answer(&self, pupil: &Student, about: Decision) -> Option<Counterexample> {
        let mut states = States::new(Seeds::Public.seed("answers", 0));
        let mut least: Option<(usize, Question)> = None;
        for _ in 0..self.extent.states.max(500) {
            let question = states.next(about);
            let (_, judgement) = pupil.ask(&question);
            let length = question.line().len();
            if matches!(judgement, Judgement::Unsafe(_))
                && least.as_ref().is_none_or(|(known, _)| length < *known)
            {
                least = Some((length, question));
            }
        }
        let (_, question) = least?;
        let (answer, judgement) = pupil.ask(&question);
        Some(story::of_answer(self.lab, &question, &answer, &judgement))
    }

    /// The families of runs that are played, by name.
    fn families(&self) -> Vec<(&str, Scenario)> {
        if let Some(family) = &self.only.family {
            return vec![("family", family.clone())];
        }
        let rounds = self.lab.rounds.iter();
        rounds
            .filter(|round| self.only.has(round.name))
            .map(|round| (round.name, round.scenario()))
            .collect()
    }

    fn seeds_of(&self, round: &str, runs: u64) -> Vec<u64> {
        match self.only.seed {
            Some(seed) => vec![seed],
            None => (0..runs).map(|nth| self.seeds.seed(round, nth)).collect(),
        }
    }

    /// Every run, of the student and of the reference.
    fn runs(&self) -> Tally {
        let mut tally = Tally::default();
        self.seat.record(true);
        for (index, (name, family)) in self.families().into_iter().enumerate() {
            let seeds = self.seeds_of(name, self.extent.runs);
            let (all, what) = (seeds.len() as u64, format!("runs of {name}"));
            for (done, seed) in (0..).zip(seeds) {
                self.starts.hear(&what, done, all);
                let played = play_seed(&family, seed, self.seat);
                let other = play_seed(&family, seed, self.model);
                tally.take(index, &played, &other);
                if self.seat.fault().is_some() {
                    return tally;
                }
            }
        }
        self.seat.record(false);
        tally
    }

    fn parts(&self, tally: &Tally) -> Vec<Part> {
        vec![
            self.safe(tally),
            self.live(tally),
            cost(
                self.lab.measure.unwrap_or(Measure::Messages),
                self.weights.cost,
                tally,
            ),
        ]
    }

    fn safe(&self, tally: &Tally) -> Part {
        Part {
            name: "runs without harm".to_owned(),
            score: self.weights.safe * tally.safe / tally.runs.max(1),
            most: self.weights.safe,
            is_gate: true,
            passed: tally.safe == tally.runs,
            says: format!("{} of {} runs", tally.safe, tally.runs),
            shown: tally
                .harm
                .and_then(|(round, flaw)| self.public_run(round, flaw)),
        }
    }

    fn live(&self, tally: &Tally) -> Part {
        Part {
            name: "runs that go on".to_owned(),
            score: self.weights.live * tally.live / tally.runs.max(1),
            most: self.weights.live,
            is_gate: false,
            passed: tally.live == tally.runs,
            says: format!(
                "{} of {} runs {}",
                tally.live,
                tally.runs,
                match self.lab.task {
                    Task::Decide(_) => "elect a leader and answer writes after the last fault",
                    Task::Client(_) | Task::Observe => "leave nobody waiting after the last fault",
                }
            ),
            shown: tally
                .delay
                .and_then(|(round, flaw)| self.public_run(round, flaw)),
        }
    }

    /// The same kind of failure on a public seed, made small.
    fn public_run(&self, round: usize, flaw: Flaw) -> Option<Counterexample> {
        let (name, family) = self.families().into_iter().nth(round)?;
        let search = match self.lab.task {
            Task::Decide(_) => self.extent.search,
            Task::Client(_) | Task::Observe => self.extent.search.min(MOST_SEARCHED),
        };
        let public = (0..search).map(|nth| Seeds::Public.seed(name, nth));
        let seeds: Vec<u64> = self
            .only
            .seed
            .map_or_else(|| public.collect(), |seed| vec![seed]);
        let all = seeds.len() as u64;
        for (done, seed) in (0..).zip(seeds) {
            self.starts.hear("looking for a failure to show", done, all);
            let played = play_seed(&family, seed, self.seat);
            let harm = match flaw {
                Flaw::Idle(..) => played.harm_beside(&play_seed(&family, seed, self.model)),
                Flaw::Stopped | Flaw::Broken(..) | Flaw::Stuck(_) => played.harm(),
            };
            if let Some(found) = harm.or(played.delay())
                && found.name() == flaw.name()
            {
                let shown = (&played, found);
                let budget = self.extent.shrink;
                return Some(story::of_run(
                    self.lab, name, seed, shown, self.seat, budget,
                ));
            }
        }
        None
    }
}

impl Tally {
    fn take(&mut self, round: usize, played: &Played, reference: &Played) {
        self.runs += 1;
        match played.harm_beside(reference) {
            None => self.safe += 1,
            Some(flaw) => {
                self.harm.get_or_insert((round, flaw));
            }
        }
        match played.delay() {
            None if played.outcome.is_ok() => self.live += 1,
            None => {}
            Some(flaw) => {
                self.delay.get_or_insert((round, flaw));
            }
        }
        self.mine.add(played.costs);
        self.reference.add(reference.costs);
    }
}

/// Full points up to a quarter above the reference's costs, half of them up to twice.
fn cost(measure: Measure, most: u64, tally: &Tally) -> Part {
    let (mine, of_mine) = measure.of(&tally.mine);
    let (theirs, of_theirs) = measure.of(&tally.reference);
    // mine / of_mine : theirs / of_theirs, in percent.
    let percent = if of_mine == 0 {
        u128::from(u64::MAX)
    } else if theirs == 0 {
        if mine == 0 { 100 } else { u128::from(u64::MAX) }
    } else {
        u128::from(mine) * u128::from(of_theirs) * 100 / (u128::from(theirs) * u128::from(of_mine))
    };
    let score = match percent {
        ..=125 => most,
        126..=200 => most / 2,
        _ => 0,
    };
    let says = if percent > 100_000 {
        format!("{}: no comparison with the reference", measure.name())
    } else {
        format!(
            "{}: {percent} % of the reference's on the same seeds",
            measure.name()
        )
    };
    Part {
        name: "cost".to_owned(),
        score,
        most,
        is_gate: false,
        passed: score == most,
        says,
        shown: None,
    }
}

#[cfg(test)]
mod tests;
