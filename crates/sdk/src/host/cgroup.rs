use std::io;
use std::path::PathBuf;

use super::{number_after, read, root, unexpected};
use crate::MetricSet;
use crate::error::RegisterError;
use crate::gauge::Gauge;
use crate::observed::ObservedCounter;
use crate::registry::Registry;

#[derive(Debug, Clone, Copy, MetricSet)]
#[metrics(prefix = "cgroup")]
struct Families {
    /// Memory of the control group.
    #[metric(unit = "bytes")]
    memory_usage: Gauge,
    /// Limit of the memory of the control group.
    #[metric(unit = "bytes")]
    memory_limit: Gauge,
    /// Processor time of the control group.
    #[metric(unit = "seconds")]
    cpu_usage: ObservedCounter,
    /// Time that the control group was not let onto a processor.
    #[metric(unit = "seconds")]
    cpu_throttled: ObservedCounter,
    /// Processors that the control group may use.
    #[metric(unit = "cores")]
    cpu_limit: Gauge,
    /// Processes that the kernel ended for lack of memory.
    oom_kills: ObservedCounter,
}

/// The control group (version 2) that the process is in: what a container may use. Without a limit there is no series for it.
#[derive(Debug, Clone)]
pub struct Cgroup {
    families: Families,
    root: PathBuf,
}

impl Cgroup {
    /// Registers the families.
    pub fn register(registry: &Registry) -> Result<Self, RegisterError> {
        Self::in_root(registry, root())
    }

    fn in_root(registry: &Registry, root: PathBuf) -> Result<Self, RegisterError> {
        let families = Families::register(registry)?;
        // A limit of 0 would be one.
        families.memory_limit.remove(());
        families.cpu_limit.remove(());
        Ok(Self { families, root })
    }

    /// Reads the values anew. It fails where there are no control groups of version 2, and in the root group, which has no limits.
    pub fn refresh(&self) -> io::Result<()> {
        let path = self.root.join("proc/self/cgroup");
        let groups = read(&path)?;
        let group =
            groups.lines().find_map(|line| line.strip_prefix("0::/")).ok_or_else(|| unexpected(&path))?;
        let folder = self.root.join("sys/fs/cgroup").join(group);
        let file = |name: &str| {
            let path = folder.join(name);
            read(&path).map(|text| (path, text))
        };

        let (path, usage) = file("memory.current")?;
        self.families.memory_usage.set(number_after(&usage, "").ok_or_else(|| unexpected(&path))?);
        set(self.families.memory_limit, number_after(&file("memory.max")?.1, ""));
        let (path, events) = file("memory.events")?;
        let oom_kills = number_after(&events, "oom_kill ").ok_or_else(|| unexpected(&path))?;
        self.families.oom_kills.observe(oom_kills);

        let (path, stat) = file("cpu.stat")?;
        let microseconds = |key| number_after(&stat, key).ok_or_else(|| unexpected(&path));
        self.families.cpu_usage.observe(microseconds("usage_usec ")? / 1e6);
        // It is not there where the group has no controller for processors.
        self.families.cpu_throttled.observe(microseconds("throttled_usec ").unwrap_or_default() / 1e6);
        let limit = file("cpu.max").ok().and_then(|(_, max)| {
            let (quota, period) = max.trim().split_once(' ')?;
            Some(quota.parse::<f64>().ok()? / period.parse::<f64>().ok()?)
        });
        set(self.families.cpu_limit, limit);
        Ok(())
    }
}

fn set(gauge: Gauge, limit: Option<f64>) {
    match limit {
        Some(limit) => gauge.set(limit),
        None => drop(gauge.remove(())),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn limits_are_there_while_there_are_limits() {
        let folder = tempfile::tempdir().expect("made");
        let group = "sys/fs/cgroup/a.slice/b";
        let write = |path: &str, text: &str| {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().expect("it has one")).expect("made");
            fs::write(path, text).expect("written");
        };
        let registry = Registry::new();
        let cgroup = Cgroup::in_root(&registry, folder.path().to_owned()).expect("is right");
        write("proc/self/cgroup", "4:memory:/x\n0::/a.slice/b\n");
        write(&format!("{group}/memory.current"), "1024\n");
        write(&format!("{group}/memory.max"), "4096\n");
        write(&format!("{group}/memory.events"), "low 0\noom 3\noom_kill 2\n");
        write(&format!("{group}/cpu.stat"), "usage_usec 2500000\nthrottled_usec 500000\n");
        write(&format!("{group}/cpu.max"), "150000 100000\n");
        cgroup.refresh().expect("it is there");
        let text = registry.text();
        for line in [
            "cgroup_memory_usage_bytes 1024",
            "cgroup_memory_limit_bytes 4096",
            "cgroup_oom_kills_total 2",
            "cgroup_cpu_usage_seconds_total 2.5",
            "cgroup_cpu_throttled_seconds_total 0.5",
            "cgroup_cpu_limit_cores 1.5",
        ] {
            assert!(text.lines().any(|l| l == line), "no {line} in\n{text}");
        }
        write(&format!("{group}/memory.max"), "max\n");
        write(&format!("{group}/cpu.max"), "max 100000\n");
        cgroup.refresh().expect("it is there");
        assert!(!registry.text().contains("limit"), "{}", registry.text());
        write("proc/self/cgroup", "4:memory:/x\n");
        assert!(cgroup.refresh().expect_err("that is version 1").to_string().contains("proc/self/cgroup"));
    }
}
