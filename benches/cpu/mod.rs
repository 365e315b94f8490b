//! CPU time, memory and figures, shared by the benchmarks.

#![allow(dead_code, reason = "each benchmark uses some of it")]

/// What stands behind the program's name, without what Cargo adds.
pub(crate) fn arguments() -> Vec<String> {
    let arguments = std::env::args().skip(1);
    arguments.filter(|argument| argument != "--bench").collect()
}

/// How many per second of CPU time.
pub(crate) fn rate(count: u64, cpu_ns: u64) -> u128 {
    u128::from(count) * 1_000_000_000 / u128::from(cpu_ns.max(1))
}

/// A number of tenths, hundredths, and so on, with a point.
pub(crate) fn decimals(number: u64, places: u32) -> String {
    let one = 10_u64.pow(places);
    let width = places as usize;
    format!("{}.{:0width$}", number / one, number % one)
}

/// Memory of this process, as Linux accounts it; 0 elsewhere.
pub(crate) fn resident_bytes() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").ok();
    let pages = pages
        .as_deref()
        .and_then(|text| text.split(' ').nth(1)?.parse::<u64>().ok());
    pages.unwrap_or(0) * 4_096
}

/// CPU time of this process in nanoseconds; where there is no such clock the wall clock.
#[cfg(unix)]
pub(crate) fn cpu_ns() -> u64 {
    use nix::time::{ClockId, clock_gettime};
    let spent =
        clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID).expect("every process has this clock");
    let spent = std::time::Duration::from(spent);
    u64::try_from(spent.as_nanos()).expect("shorter than centuries")
}

/// CPU time of this process in nanoseconds; where there is no such clock the wall clock.
#[cfg(not(unix))]
#[expect(clippy::disallowed_types, reason = "a benchmark measures time")]
pub(crate) fn cpu_ns() -> u64 {
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .expect("after 1970");
    u64::try_from(now.as_nanos()).expect("before the year 2554")
}
