//! Recordings of our own runs (`zablab run --history`), judged by the monitors that judge a run itself.
//!
//! They claim what ZooKeeper promises and clients can see: updates are linearizable under the versions and zxids reported, in a
//! session reads never go back and transactions are seen whole, what a closed session owned is gone, watches tell of every change
//! once and in time. A read that is stale for another session is no violation.

use super::Judgement;
use super::model::Model;
use super::story::Explanation;
use crate::base::id::EventId;
use crate::base::time::Time;
use crate::check::claims::{ClaimsMonitor, Staleness};
use crate::check::linear::LinearMonitor;
use crate::check::news::Desk;
use crate::check::session::SessionMonitor;
use crate::check::sessions::SessionsMonitor;
use crate::check::verdict::{At, Findings, Monitor, Property, Verdict, Violation};
use crate::check::watch::RecordedWatches;
use crate::history::codec::operations::reading;
use crate::history::fact::Fact;
use crate::history::foreign::Malformed;

/// Judges a recording line by line.
#[derive(Clone, Debug, Default)]
pub struct Recording {
    desk: Desk,
    linear: LinearMonitor,
    session: SessionMonitor,
    sessions: SessionsMonitor,
    watches: RecordedWatches,
    claims: ClaimsMonitor,
    findings: Findings,
    line: u64,
    time: Time,
    operations: u64,
}

impl Recording {
    /// Nothing was read.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next line.
    ///
    /// # Errors
    /// If it is no line of a recording.
    pub fn take(&mut self, line: &str) -> Result<(), Malformed> {
        self.line += 1;
        let read = reading::read(self.line, line);
        let read = read.map_err(|error| Malformed::new(error.line, error.what))?;
        let Some((time, fact)) = read else {
            return Ok(());
        };
        self.time = time;
        self.operations += u64::from(matches!(fact, Fact::Returned { .. }));
        let at = self.at();
        let note = self.desk.note(at, &fact);
        let (news, findings) = (note.news(at, &fact), &mut self.findings);
        self.linear.observe(&news, findings);
        self.session.observe(&news, findings);
        self.sessions.observe(&news, findings);
        self.claims.observe(&news, findings);
        self.watches.observe(&news);
        Ok(())
    }

    /// In stories a line is what an event is in a run.
    fn at(&self) -> At {
        At {
            event: EventId(self.line),
            time: self.time,
        }
    }

    /// The recording is over.
    pub fn finish(mut self) -> Told {
        let end = self.desk.end(self.at());
        self.linear.finish(&end, &mut self.findings);
        self.session.finish(&end, &mut self.findings);
        self.sessions.finish(&end, &mut self.findings);
        self.watches.finish(&end, &mut self.findings);
        let violations = self.findings.violations().iter();
        let first = violations
            .filter(|violation| JUDGED.contains(&violation.property))
            .min_by_key(|violation| violation.at.event);
        let story = first.map_or(&[][..], |violation| &violation.story);
        let lines = story.iter().map(|sentence| sentence.at.event.0).collect();
        let broken = first.map(|violation| violation.property);
        let explanation = first.map(explain);
        let judgement = Judgement {
            model: Model::Znode,
            verdict: if explanation.is_some() {
                Verdict::Violated
            } else {
                Verdict::Holds
            },
            operations: self.operations,
            // Sessions go over znodes: the ensemble is one object.
            objects: 1,
            expanded: 0,
            explanation,
        };
        Told {
            judgement,
            lines,
            broken,
            staleness: self.claims.staleness().clone(),
            findings: self.findings,
        }
    }
}

/// The properties that a recording is judged by: what ZooKeeper promises and clients can see.
pub const JUDGED: [Property; 13] = [
    Property::Sessions,
    Property::LinearizableWrites,
    Property::SessionGuarantees,
    Property::MonotonicReads,
    Property::ReadYourWrites,
    Property::AtomicMultis,
    Property::SequentialConsistency,
    Property::WatchFilter,
    Property::WatchOnce,
    Property::WatchOrder,
    Property::WatchSpurious,
    Property::WatchLost,
    Property::WatchRearm,
];

/// What is told of a recording.
#[derive(Clone, Debug)]
pub struct Told {
    /// On the whole.
    pub judgement: Judgement,
    /// The lines that its explanation tells of.
    pub lines: Vec<u64>,
    /// The property that the explanation is about.
    pub broken: Option<Property>,
    /// How stale reads were.
    pub staleness: Staleness,
    /// Per property.
    pub findings: Findings,
}

fn explain(violation: &Violation) -> Explanation {
    let sentences = violation.story.iter().map(|sentence| {
        let seconds = sentence.at.time.0 / 1_000_000_000;
        let micros = sentence.at.time.0 / 1_000 % 1_000_000;
        format!(
            "{} (line {}, {seconds}.{micros:06} s)",
            sentence.text, sentence.at.event.0
        )
    });
    Explanation {
        rule: violation.signature,
        sentences: sentences.collect(),
        operations: Vec::new(),
        prefix: Vec::new(),
        states: Vec::new(),
    }
}
