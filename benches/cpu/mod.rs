//! CPU time, shared by the benchmarks.

/// CPU time of this thread in nanoseconds; where there is no such clock the wall clock.
#[cfg(unix)]
pub(crate) fn cpu_ns() -> u64 {
    use nix::time::{ClockId, clock_gettime};
    let spent =
        clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).expect("every thread has this clock");
    let spent = std::time::Duration::from(spent);
    u64::try_from(spent.as_nanos()).expect("shorter than centuries")
}

/// CPU time of this thread in nanoseconds; where there is no such clock the wall clock.
#[cfg(not(unix))]
#[expect(clippy::disallowed_types, reason = "a benchmark measures time")]
pub(crate) fn cpu_ns() -> u64 {
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .expect("after 1970");
    u64::try_from(now.as_nanos()).expect("before the year 2554")
}
