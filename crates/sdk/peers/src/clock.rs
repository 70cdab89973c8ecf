//! What the system says about this thread and process.

/// The processor time of this thread in nanoseconds.
pub fn cpu_ns() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").expect("the system is Linux");
    text.split(' ').next().and_then(|n| n.parse().ok()).expect("the first number is the time")
}

/// How many bytes of the process are in memory.
pub fn resident_bytes() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").expect("the system is Linux");
    let pages: usize = text.split(' ').nth(1).and_then(|n| n.parse().ok()).expect("the second number");
    pages * 4096
}
