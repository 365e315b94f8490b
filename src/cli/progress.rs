//! Long work of commands: one line on stderr that changes, on a terminal only; how long it took; and Ctrl-C.

#![expect(
    clippy::disallowed_types,
    reason = "people want to know how long it takes; no run sees it"
)]

use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::output::Failure;

/// A flag that Ctrl-C sets: work ends early and keeps what is done.
pub(super) fn stop_when_interrupted() -> Result<Arc<AtomicBool>, Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    let handler_stop = Arc::clone(&stop);
    ctrlc::set_handler(move || handler_stop.store(true, Ordering::Relaxed))
        .map_err(|error| Failure::Usage(format!("cannot watch for Ctrl-C: {error}")))?;
    Ok(stop)
}

/// How often the line changes at most.
const EVERY: Duration = Duration::from_millis(200);

/// Progress of a command.
pub(super) struct Progress {
    started: Instant,
    shown: Duration,
    is_shown: bool,
    /// Others write to the same terminal: a line that was written stays as it is.
    is_shared: bool,
}

impl Progress {
    /// The work begins.
    pub(super) fn start() -> Self {
        Self {
            started: Instant::now(),
            shown: Duration::ZERO,
            is_shown: io::stderr().is_terminal(),
            is_shared: false,
        }
    }

    /// The work begins, and other processes write to the same terminal: it is told what begins, and no line changes.
    pub(super) fn beside_others() -> Self {
        Self {
            is_shared: true,
            ..Self::start()
        }
    }

    /// How long it has been.
    pub(super) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Shows what is done.
    pub(super) fn show(&mut self, line: impl FnOnce() -> String) {
        let elapsed = self.elapsed();
        if self.is_shown && !self.is_shared && elapsed.saturating_sub(self.shown) >= EVERY {
            self.shown = elapsed;
            // A terminal that is gone cannot be told.
            let _ = write!(io::stderr(), "\r{}, {} s ", line(), elapsed.as_secs());
        }
    }

    /// Shows at once what begins now.
    pub(super) fn begin(&mut self, what: &str) {
        if self.is_shown {
            self.shown = self.elapsed();
            // A terminal that is gone cannot be told.
            let _ = if self.is_shared {
                writeln!(io::stderr(), "{what}")
            } else {
                write!(io::stderr(), "\r\x1b[K{what}")
            };
        }
    }

    /// Takes the line away.
    pub(super) fn clear(&self) {
        if self.is_shown && !self.is_shared {
            // A terminal that is gone cannot be told.
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}
