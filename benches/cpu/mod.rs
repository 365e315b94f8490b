//! CPU time, shared by the benchmarks.

use std::fs;

/// CPU time of this thread in nanoseconds, as Linux accounts it; elsewhere the wall clock.
pub(crate) fn cpu_ns() -> u64 {
    let stat = fs::read_to_string("/proc/thread-self/schedstat").ok();
    let on_cpu = stat.as_deref().and_then(|text| text.split(' ').next());
    on_cpu
        .and_then(|ns| ns.parse().ok())
        .unwrap_or_else(wall_ns)
}

#[expect(clippy::disallowed_types, reason = "a benchmark measures time")]
fn wall_ns() -> u64 {
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .expect("after 1970");
    u64::try_from(now.as_nanos()).expect("before the year 2554")
}
