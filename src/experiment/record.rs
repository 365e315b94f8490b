//! Records a run while it is played: operations and facts, line by line, into whatever takes bytes. Nothing is collected.

use std::io::{self, Write};

use crate::cast::Witness;
use crate::history::codec::FactWriter;
use crate::history::codec::operations::HistoryWriter;
use crate::history::fact::Fact;
use crate::sim::sink::Stamp;

/// A witness that writes down what it sees.
///
/// A run cannot be stopped by its witness, so after the first error of a target nothing more is written to it, and
/// [`finish`](Self::finish) tells.
#[derive(Debug)]
pub struct Recorder<W> {
    history: Option<(HistoryWriter, Target<W>)>,
    trace: Option<(FactWriter, Target<W>)>,
    lines: Vec<u8>,
}

#[derive(Debug)]
struct Target<W> {
    out: W,
    failure: Option<io::Error>,
}

/// What a recorder gives back: each target, or why it is incomplete.
#[derive(Debug)]
pub struct Recordings<W> {
    /// The history of operations, if it was asked for.
    pub history: Option<io::Result<W>>,
    /// The trace of facts, if it was asked for.
    pub trace: Option<io::Result<W>>,
}

impl<W: Write> Recorder<W> {
    /// A recorder of a history, a trace, both or neither.
    pub fn new(history: Option<W>, trace: Option<W>) -> Self {
        Self {
            history: history.map(|out| (HistoryWriter::default(), Target::new(out))),
            trace: trace.map(|out| (FactWriter, Target::new(out))),
            lines: Vec::new(),
        }
    }

    /// The run is over: everything is passed on.
    pub fn finish(self) -> Recordings<W> {
        Recordings {
            history: self.history.map(|(_, target)| target.finish()),
            trace: self.trace.map(|(_, target)| target.finish()),
        }
    }
}

impl<W: Write> Target<W> {
    fn new(out: W) -> Self {
        Self { out, failure: None }
    }

    fn take(&mut self, lines: &[u8]) {
        if self.failure.is_none() && !lines.is_empty() {
            self.failure = self.out.write_all(lines).err();
        }
    }

    fn finish(mut self) -> io::Result<W> {
        match self.failure {
            Some(failure) => Err(failure),
            None => self.out.flush().map(|()| self.out),
        }
    }
}

impl<W: Write> Witness for Recorder<W> {
    fn witness(&mut self, at: Stamp, fact: &Fact) {
        if let Some((writer, target)) = &mut self.history {
            self.lines.clear();
            writer.write(at.time, fact, &mut self.lines);
            target.take(&self.lines);
        }
        if let Some((writer, target)) = &mut self.trace {
            self.lines.clear();
            writer.write(at.event, at.time, fact, &mut self.lines);
            target.take(&self.lines);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::id::{EventId, ServerId};
    use crate::base::time::Time;
    use crate::base::zxid::Zxid;

    /// Takes so many lines, then no more.
    #[derive(Debug)]
    struct Full {
        room: u32,
        attempts: u32,
    }

    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.attempts += 1;
            assert!(self.attempts <= self.room + 1, "an error ends the writing");
            if self.attempts > self.room {
                return Err(io::ErrorKind::StorageFull.into());
            }
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn an_error_of_a_target_ends_its_recording_and_is_told_at_the_end() {
        let full = Full {
            room: 1,
            attempts: 0,
        };
        let mut recorder = Recorder::new(None, Some(full));
        for event in 1..=5 {
            let at = Stamp {
                event: EventId(event),
                time: Time(event),
            };
            let fact = Fact::Durable {
                server: ServerId(1),
                zxid: Zxid::ZERO,
            };
            recorder.witness(at, &fact);
        }
        let recordings = recorder.finish();
        assert!(recordings.history.is_none());
        let error = recordings.trace.unwrap().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    }
}
