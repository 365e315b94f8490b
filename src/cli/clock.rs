//! The CPU time of this thread, which only tells what a command took, and the wall clock, which guards against programs
//! that hang.

/// Nanoseconds of CPU time; of the wall clock where there is no other.
pub(super) fn cpu_ns() -> u64 {
    thread_ns().unwrap_or_else(wall_ns)
}

#[cfg(unix)]
fn thread_ns() -> Option<u64> {
    use nix::time::{ClockId, clock_gettime};
    let time = clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).ok()?;
    let seconds = u64::try_from(time.tv_sec()).ok()?;
    let ns = u64::try_from(time.tv_nsec()).ok()?;
    Some(seconds * 1_000_000_000 + ns)
}

#[cfg(not(unix))]
fn thread_ns() -> Option<u64> {
    None
}

/// Nanoseconds of the wall clock.
#[expect(
    clippy::disallowed_types,
    reason = "measures what a command took; nothing depends on it"
)]
pub(super) fn wall_ns() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(0, |now| u64::try_from(now.as_nanos()).unwrap_or(u64::MAX))
}

/// Nanoseconds as milliseconds, for display.
#[expect(
    clippy::float_arithmetic,
    clippy::cast_precision_loss,
    reason = "shown and nothing else"
)]
pub(super) fn ms(ns: u64) -> f64 {
    ns as f64 / 1e6
}
