//! One line on stderr that changes while a command works, on a terminal only; and how long the work took.

#![expect(
    clippy::disallowed_types,
    reason = "people want to know how long it takes; no run sees it"
)]

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

/// How often the line changes at most.
const EVERY: Duration = Duration::from_millis(200);

/// Progress of a command.
pub(super) struct Progress {
    started: Instant,
    shown: Duration,
    is_shown: bool,
}

impl Progress {
    /// The work begins.
    pub(super) fn start() -> Self {
        Self {
            started: Instant::now(),
            shown: Duration::ZERO,
            is_shown: io::stderr().is_terminal(),
        }
    }

    /// How long it has been.
    pub(super) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Shows what is done.
    pub(super) fn show(&mut self, line: impl FnOnce() -> String) {
        let elapsed = self.elapsed();
        if self.is_shown && elapsed.saturating_sub(self.shown) >= EVERY {
            self.shown = elapsed;
            // A terminal that is gone cannot be told.
            let _ = write!(io::stderr(), "\r{}, {} s ", line(), elapsed.as_secs());
        }
    }

    /// Takes the line away.
    pub(super) fn clear(&self) {
        if self.is_shown {
            // A terminal that is gone cannot be told.
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}
