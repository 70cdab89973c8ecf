//! The process, the machine and the control group, as Linux tells them in `/proc` and `/sys`.
//!
//! ```
//! use bellwether_sdk::Registry;
//! use bellwether_sdk::host::Process;
//! use std::time::Duration;
//!
//! let registry = Registry::new();
//! let process = Process::register(&registry)?;
//! process.refresh()?;
//! assert!(registry.text().contains("process_resident_memory_bytes "));
//! // In the background:
//! let _collector = registry.collector("process", Duration::from_secs(10), move || process.refresh())?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | Set | Families |
//! |---|---|
//! | [`Process`] | `process_cpu_seconds_total`, `process_resident_memory_bytes`, `process_virtual_memory_bytes`, `process_virtual_memory_max_bytes`, `process_open_fds`, `process_max_fds`, `process_threads`, `process_start_time_seconds` |
//! | [`Machine`] | `system_cpu_seconds_total{mode}`, `system_cpus`, `system_load1`, `system_memory_total_bytes`, `system_memory_available_bytes`, `system_memory_usage_bytes`, `system_network_received_bytes_total{interface}`, `system_network_sent_bytes_total`, `system_disk_read_bytes_total{device}`, `system_disk_written_bytes_total` |
//! | [`Cgroup`] | `cgroup_memory_usage_bytes`, `cgroup_memory_limit_bytes`, `cgroup_cpu_usage_seconds_total`, `cgroup_cpu_throttled_seconds_total`, `cgroup_cpu_limit_cores`, `cgroup_oom_kills_total` |

mod cgroup;
mod machine;
mod process;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

pub use cgroup::Cgroup;
pub use machine::Machine;
pub use process::Process;

/// The unit of processor times in `/proc`, `USER_HZ`: 100 per second wherever Rust's standard library runs on Linux.
const TICKS_PER_SECOND: f64 = 100.0;

/// A file, with its path in the error.
fn read(path: &Path) -> io::Result<String> {
    fs::read_to_string(path).map_err(|error| at(path, &error))
}

fn at(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

/// What a file says that it should not.
fn unexpected(path: &Path) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("{}: it is not what Linux writes there", path.display()),
    )
}

/// The number behind `key` in lines such as `VmRSS:   1234 kB`.
fn number_after(text: &str, key: &str) -> Option<f64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(key))?;
    rest.split_whitespace().next()?.parse().ok()
}

/// Where the root of the file system is, which tests put elsewhere.
fn root() -> PathBuf {
    PathBuf::from("/")
}
