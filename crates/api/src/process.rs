//! What the process uses, as the kernel tells it.

use std::fs;

/// Clock ticks per second of `/proc`; Linux has used 100 on every architecture that Bellwether runs on.
const TICKS_PER_SECOND: f64 = 100.0;

/// What the process uses.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct ProcessUsage {
    pub(crate) cpu_seconds: f64,
    pub(crate) resident_bytes: f64,
    pub(crate) virtual_bytes: f64,
    pub(crate) open_fds: f64,
    pub(crate) threads: f64,
}

impl ProcessUsage {
    /// Asks the kernel; `None` where there is no `/proc`.
    pub(crate) fn read() -> Option<Self> {
        let stat = fs::read_to_string("/proc/self/stat").ok()?;
        let open_fds = fs::read_dir("/proc/self/fd").ok()?.count();
        let status = fs::read_to_string("/proc/self/status").ok()?;
        Self::parse(&stat, &status, open_fds as f64)
    }

    fn parse(stat: &str, status: &str, open_fds: f64) -> Option<Self> {
        // The name of the program stands in parentheses and may hold anything.
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        let number = |idx: usize| fields.get(idx).and_then(|f| f.parse::<f64>().ok());
        let resident_kib = status.lines().find_map(|l| l.strip_prefix("VmRSS:"))?;
        let resident_kib: f64 = resident_kib.trim().trim_end_matches(" kB").trim().parse().ok()?;
        Some(Self {
            cpu_seconds: (number(11)? + number(12)?) / TICKS_PER_SECOND,
            resident_bytes: resident_kib * 1024.0,
            virtual_bytes: number(20)?,
            open_fds,
            threads: number(17)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_kernel_writes() {
        let stat = "7 (a b) c) S 1 7 7 0 -1 4194304 100 0 0 0 250 50 0 0 20 0 9 0 12345 1048576 512 18446744073709551615";
        let usage = ProcessUsage::parse(stat, "Name:\tx\nVmRSS:\t    2048 kB\n", 12.0).expect("complete");
        assert_eq!(usage.cpu_seconds, 3.0);
        assert_eq!(usage.resident_bytes, 2_097_152.0);
        assert_eq!(usage.virtual_bytes, 1_048_576.0);
        assert_eq!((usage.threads, usage.open_fds), (9.0, 12.0));
        assert!(ProcessUsage::read().is_some_and(|u| u.resident_bytes > 0.0));
    }
}
