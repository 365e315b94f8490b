//! Judges histories that others recorded: is there an order of the operations, respecting real time, that the object allows?
//!
//! Every checker decides one object at a time (linearizability is local: Herlihy and Wing 1990; Horn and Kroening 2015). Where an
//! object's own structure decides, a near-linear monitor is used, else the general search. [`catalogue`] lists them.
//!
//! What an outcome means: `ok` took effect once between its two lines. `info`, and an invocation without a completion, may take
//! effect at any later time or never; such a read says nothing. `fail` did not take effect; with the error `mismatch` the client
//! also observed that the condition did not hold ([`model::Failures`]).

mod append;
pub mod catalogue;
mod collect;
mod core;
mod counter;
mod detect;
mod intern;
mod judge;
mod machine;
mod meaning;
pub mod model;
mod positions;
mod queue;
pub mod recording;
mod register;
mod search;
mod set;
mod space;
mod stack;
pub mod story;
#[cfg(test)]
mod tests;
pub mod versioned;
mod wording;

use self::collect::Collector;
pub use self::collect::Pairing;
use self::model::{Model, Options};
use self::story::Explanation;
use self::versioned::Versioned;
use crate::check::verdict::Verdict;
use crate::history::foreign::{Entry, Malformed};

/// What a judge says of a history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// The object it was judged as.
    pub model: Model,
    /// Holds, violated, or undecided when the budget was hit.
    pub verdict: Verdict,
    /// Operations that say something.
    pub operations: u64,
    /// Independent objects.
    pub objects: u64,
    /// Configurations that searches expanded.
    pub expanded: u64,
    /// Why it is violated.
    pub explanation: Option<Explanation>,
}

/// Judges one history, event by event.
#[derive(Debug)]
pub struct Judge {
    options: Options,
    mode: Mode,
}

#[derive(Debug)]
enum Mode {
    /// The object is not known yet: what was read so far.
    Deciding(Vec<Entry>),
    /// Judged as it is read.
    Versioned(Box<Versioned>),
    /// Judged at the end.
    Collecting(Model, Collector),
}

impl Judge {
    /// A judge who has seen nothing.
    pub fn new(options: Options) -> Self {
        let mode = options.model.map_or(Mode::Deciding(Vec::new()), |model| {
            Mode::of(model, &options)
        });
        Self { options, mode }
    }

    /// Takes the next event.
    ///
    /// # Errors
    /// If the event does not fit its process or the object; nothing more should be taken then.
    #[inline]
    pub fn take(&mut self, entry: Entry) -> Result<(), Malformed> {
        match &mut self.mode {
            Mode::Versioned(versioned) => versioned.take(entry),
            Mode::Collecting(_, collector) => collector.take(entry),
            Mode::Deciding(entries) => {
                entries.push(entry);
                if entries.len() < detect::ENOUGH {
                    return Ok(());
                }
                self.decide()
            }
        }
    }

    /// The history is over.
    ///
    /// # Errors
    /// If a value is none that the object can have, or the object cannot be told.
    pub fn finish(mut self) -> Result<Judgement, Malformed> {
        if let Mode::Deciding(_) = self.mode {
            self.decide()?;
        }
        match self.mode {
            Mode::Versioned(versioned) => {
                let (operations, objects) = (versioned.operations(), versioned.objects());
                let ruling = judge::Ruling {
                    operations,
                    objects,
                    explanation: versioned.finish(),
                    ..judge::Ruling::default()
                };
                Ok(ruling.conclude(Model::Znode))
            }
            Mode::Collecting(model, collector) => {
                let ruling = judge::judge(model, &self.options, &collector.operations)?;
                Ok(ruling.conclude(model))
            }
            Mode::Deciding(_) => unreachable!("it was decided"),
        }
    }

    fn decide(&mut self) -> Result<(), Malformed> {
        let Mode::Deciding(entries) = &mut self.mode else {
            return Ok(());
        };
        let entries = std::mem::take(entries);
        let model = detect::model(&entries)?;
        self.mode = Mode::of(model, &self.options);
        entries.into_iter().try_for_each(|entry| self.take(entry))
    }
}

impl Mode {
    fn of(model: Model, options: &Options) -> Self {
        match model {
            Model::Znode => Self::Versioned(Box::new(Versioned::new(options.failures))),
            Model::Register
            | Model::CasRegister
            | Model::KvRegister
            | Model::KvAppend
            | Model::MultiRegister
            | Model::Mutex
            | Model::Set
            | Model::Queue
            | Model::Counter
            | Model::Stack => Self::Collecting(model, Collector::default()),
        }
    }
}

impl judge::Ruling {
    fn conclude(self, model: Model) -> Judgement {
        let verdict = if self.explanation.is_some() {
            Verdict::Violated
        } else if self.undecided > 0 {
            Verdict::Undecided
        } else {
            Verdict::Holds
        };
        Judgement {
            model,
            verdict,
            operations: self.operations,
            objects: self.objects,
            expanded: self.expanded,
            explanation: self.explanation,
        }
    }
}
