//! Runs in the formats that other programs read (docs/exports.md): one file per format.
//!
//! A run is played again with a scribe attached, which writes while it plays; only what a format needs whole (a window around the
//! violation, clocks) is kept.

mod asciicast;
mod csv;
mod dot;
mod jepsen;
mod junit;
mod mermaid;
mod perfetto;
mod porcupine;
mod shiviz;
mod tape;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io::{self, Write};

use self::tape::{Scribe, Tape};
use crate::cast::Witness;
use crate::experiment::lower;
use crate::experiment::outcome::Outcome;
use crate::experiment::run::{Nobody, Run};
use crate::experiment::scenario::Scenario;

/// A format that some other program reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Events with vector clocks, for ShiViz.
    ShiViz,
    /// Chrome's trace events, for Perfetto.
    Perfetto,
    /// A history as Jepsen writes it.
    JepsenEdn,
    /// The same as JSON lines.
    JepsenJson,
    /// Reads and writes, as Porcupine's tests of a key-value store read them.
    Porcupine,
    /// A sequence diagram of what came before the violation.
    Mermaid,
    /// The causes of the violation, and the roles of servers, for Graphviz.
    Dot,
    /// A terminal recording of the steps, for asciinema.
    Asciicast,
    /// A test case per property, for continuous integration.
    Junit,
    /// A line per event, for tables.
    Csv,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 10] = [
        Self::ShiViz,
        Self::Perfetto,
        Self::JepsenEdn,
        Self::JepsenJson,
        Self::Porcupine,
        Self::Mermaid,
        Self::Dot,
        Self::Asciicast,
        Self::Junit,
        Self::Csv,
    ];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::ShiViz => "shiviz",
            Self::Perfetto => "perfetto",
            Self::JepsenEdn => "jepsen-edn",
            Self::JepsenJson => "jepsen-json",
            Self::Porcupine => "porcupine",
            Self::Mermaid => "mermaid",
            Self::Dot => "dot",
            Self::Asciicast => "asciicast",
            Self::Junit => "junit",
            Self::Csv => "csv",
        }
    }

    /// The format of that name.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }
}

/// Plays a scenario and writes the run in a format; answers what came out of it.
///
/// # Errors
/// If what is written to refuses it.
///
/// # Panics
/// If the scenario still has faults to generate.
pub fn write(scenario: &Scenario, format: Format, out: &mut dyn Write) -> io::Result<Outcome> {
    let mut pen = Pen::new(out);
    let outcome = match format {
        Format::ShiViz => {
            let first = outcome_of(scenario);
            let scribe = shiviz::ShiViz::new(scenario, &first, &mut pen);
            tell(scenario, scribe, shiviz::ShiViz::finish)
        }
        Format::Perfetto => {
            let scribe = perfetto::Perfetto::new(scenario, &mut pen);
            tell(scenario, scribe, perfetto::Perfetto::finish)
        }
        Format::JepsenEdn => witness(
            scenario,
            jepsen::Jepsen::new(scenario, jepsen::edn, &mut pen),
        ),
        Format::JepsenJson => witness(
            scenario,
            jepsen::Jepsen::new(scenario, jepsen::json, &mut pen),
        ),
        Format::Porcupine => witness(scenario, porcupine::Porcupine::new(&mut pen)),
        Format::Mermaid => {
            let first = outcome_of(scenario);
            let scribe = mermaid::Mermaid::new(scenario, &first, &mut pen);
            tell(scenario, scribe, mermaid::Mermaid::finish)
        }
        Format::Dot => dot::write(scenario, &mut pen),
        Format::Asciicast => witness(scenario, asciicast::Asciicast::new(scenario, &mut pen)),
        Format::Junit => {
            let outcome = outcome_of(scenario);
            junit::write(scenario, &outcome, &mut pen);
            outcome
        }
        Format::Csv => tell(scenario, csv::Csv::new(scenario, &mut pen), |_, _| {}),
    };
    pen.finish().map(|()| outcome)
}

fn outcome_of(scenario: &Scenario) -> Outcome {
    Run::start(scenario).conclude(&mut Nobody, &mut ())
}

/// Plays a run for a scribe, which then learns what came out of it.
fn tell<S: Scribe>(
    scenario: &Scenario,
    scribe: S,
    finish: impl FnOnce(&mut S, &Outcome),
) -> Outcome {
    let mut tape = Tape::new(scenario, lower::cast(scenario).cast, scribe);
    let outcome = Run::start(scenario).conclude(&mut Nobody, &mut tape);
    finish(&mut tape.scribe, &outcome);
    outcome
}

/// Plays a run for somebody to whom facts are enough.
fn witness(scenario: &Scenario, mut witness: impl Witness) -> Outcome {
    Run::start(scenario).conclude(&mut witness, &mut ())
}

/// Writes on until the first error, which it keeps: a run cannot be stopped by its scribe.
struct Pen<'a> {
    out: &'a mut dyn Write,
    failure: Option<io::Error>,
}

impl<'a> Pen<'a> {
    fn new(out: &'a mut dyn Write) -> Self {
        Self { out, failure: None }
    }

    fn put(&mut self, text: fmt::Arguments<'_>) {
        if self.failure.is_none() {
            self.failure = self.out.write_fmt(text).err();
        }
    }

    fn finish(self) -> io::Result<()> {
        match self.failure {
            Some(failure) => Err(failure),
            None => self.out.flush(),
        }
    }
}

/// A text on one line.
fn flat(text: &str) -> String {
    text.replace(['\n', '\r', '\t'], " ")
}
