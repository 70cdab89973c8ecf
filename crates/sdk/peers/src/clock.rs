//! What the system says about this thread and process.

/// The processor time of this thread in nanoseconds.
pub fn cpu_ns() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

/// How many bytes of the process are in memory.
pub fn resident_bytes() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").expect("the system is Linux");
    let pages: usize = text.split(' ').nth(1).and_then(|n| n.parse().ok()).expect("the second number");
    pages * 4096
}
