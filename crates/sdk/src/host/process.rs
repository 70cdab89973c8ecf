use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::{TICKS_PER_SECOND, at, number_after, read, root, unexpected};
use crate::MetricSet;
use crate::error::RegisterError;
use crate::gauge::Gauge;
use crate::observed::ObservedCounter;
use crate::registry::Registry;

#[derive(Debug, Clone, Copy, MetricSet)]
#[metrics(prefix = "process")]
struct Families {
    /// Processor time of the process.
    #[metric(unit = "seconds")]
    cpu: ObservedCounter,
    /// Memory of the process that is in use.
    #[metric(unit = "bytes")]
    resident_memory: Gauge,
    /// Addresses of the process that are in use.
    #[metric(unit = "bytes")]
    virtual_memory: Gauge,
    /// Limit of the addresses of the process.
    #[metric(unit = "bytes")]
    virtual_memory_max: Gauge,
    /// Open file descriptors.
    open_fds: Gauge,
    /// Limit of open file descriptors.
    max_fds: Gauge,
    /// Threads of the process.
    threads: Gauge,
    /// When the process started, since the Unix epoch.
    #[metric(unit = "seconds")]
    start_time: Gauge,
}

/// The process itself, under the names that all clients of Prometheus use.
#[derive(Debug, Clone)]
pub struct Process {
    families: Families,
    root: PathBuf,
}

impl Process {
    /// Registers the families.
    pub fn register(registry: &Registry) -> Result<Self, RegisterError> {
        Self::in_root(registry, root())
    }

    fn in_root(registry: &Registry, root: PathBuf) -> Result<Self, RegisterError> {
        Ok(Self { families: Families::register(registry)?, root })
    }

    /// Reads the values anew.
    pub fn refresh(&self) -> io::Result<()> {
        let proc = self.root.join("proc");
        let path = proc.join("self/stat");
        let [cpu, started] = times(&read(&path)?).ok_or_else(|| unexpected(&path))?;
        self.families.cpu.observe(cpu);
        let path = proc.join("stat");
        let booted = number_after(&read(&path)?, "btime ").ok_or_else(|| unexpected(&path))?;
        self.families.start_time.set(booted + started);

        let path = proc.join("self/status");
        let status = read(&path)?;
        let of = |key| number_after(&status, key).ok_or_else(|| unexpected(&path));
        self.families.resident_memory.set(of("VmRSS:")? * 1024.0);
        self.families.virtual_memory.set(of("VmSize:")? * 1024.0);
        self.families.threads.set(of("Threads:")?);

        let path = proc.join("self/limits");
        let limits = read(&path)?;
        // Without a limit it is `unlimited`.
        let limit = |of| number_after(&limits, of).unwrap_or(f64::INFINITY);
        self.families.max_fds.set(limit("Max open files"));
        self.families.virtual_memory_max.set(limit("Max address space"));
        self.families.open_fds.set(entries(&proc.join("self/fd"))? as f64);
        Ok(())
    }
}

fn entries(folder: &Path) -> io::Result<usize> {
    // One of them is the one that the folder is read with.
    Ok(fs::read_dir(folder).map_err(|error| at(folder, &error))?.count().saturating_sub(1))
}

/// Processor time, and the time from the boot to the start, in seconds.
fn times(stat: &str) -> Option<[f64; 2]> {
    // The name of the program is in brackets and may contain anything.
    let (_, rest) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    // The first field here is the third one in proc(5).
    let ticks = |number: usize| fields.get(number - 3)?.parse::<f64>().ok();
    let (user, system, started) = (ticks(14)?, ticks(15)?, ticks(22)?);
    Some([(user + system) / TICKS_PER_SECOND, started / TICKS_PER_SECOND])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_program_may_look_like_fields() {
        let rest = "S 1 2 3 4 5 6 7 8 9 10 150 50 13 14 15 16 17 18 1000 20";
        assert_eq!(times(&format!("7 (a) b) {rest}")), Some([2.0, 10.0]));
        assert_eq!(times("7 (a) S 1"), None);
        assert_eq!(times(""), None);
    }

    #[test]
    fn what_is_missing_is_named() {
        let folder = tempfile::tempdir().expect("made");
        let process = Process::in_root(&Registry::new(), folder.path().to_owned()).expect("is right");
        let error = process.refresh().expect_err("there is nothing").to_string();
        assert!(error.contains("proc/self/stat"), "{error}");
    }
}
