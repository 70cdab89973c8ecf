use std::io;
use std::path::PathBuf;

use super::{TICKS_PER_SECOND, number_after, read, root, unexpected};
use crate::error::RegisterError;
use crate::gauge::Gauge;
use crate::observed::ObservedCounter;
use crate::registry::Registry;
use crate::{LabelValue, Labels, MetricSet};

/// What the processors did, in the order of `/proc/stat`.
#[derive(Debug, Clone, Copy, LabelValue)]
enum Mode {
    User,
    Nice,
    System,
    Idle,
    Iowait,
    Irq,
    Softirq,
    Steal,
}

const MODES: [Mode; 8] =
    [Mode::User, Mode::Nice, Mode::System, Mode::Idle, Mode::Iowait, Mode::Irq, Mode::Softirq, Mode::Steal];

/// The sectors of `/proc/diskstats`, whatever those of the disk are.
const SECTOR: f64 = 512.0;

#[derive(Labels)]
struct OfMode {
    mode: Mode,
}

#[derive(Labels)]
struct OfInterface<'a> {
    interface: &'a str,
}

#[derive(Labels)]
struct OfDevice<'a> {
    device: &'a str,
}

#[derive(Debug, Clone, Copy, MetricSet)]
#[metrics(prefix = "system")]
struct Families {
    /// Processor time of the machine.
    #[metric(unit = "seconds")]
    cpu: ObservedCounter<OfMode>,
    /// Processors of the machine.
    #[metric(name = "system_cpus")]
    cpus: Gauge,
    /// Tasks that ran or waited to run, averaged over a minute.
    load1: Gauge,
    /// Memory of the machine.
    #[metric(unit = "bytes")]
    memory_total: Gauge,
    /// Memory that programs can have without swapping.
    #[metric(unit = "bytes")]
    memory_available: Gauge,
    /// Memory that is not available.
    #[metric(unit = "bytes")]
    memory_usage: Gauge,
    /// Bytes received.
    #[metric(unit = "bytes")]
    network_received: ObservedCounter<OfInterface<'static>>,
    /// Bytes sent.
    #[metric(unit = "bytes")]
    network_sent: ObservedCounter<OfInterface<'static>>,
    /// Bytes read from a disk.
    #[metric(unit = "bytes")]
    disk_read: ObservedCounter<OfDevice<'static>>,
    /// Bytes written to a disk.
    #[metric(unit = "bytes")]
    disk_written: ObservedCounter<OfDevice<'static>>,
}

/// The machine that the process runs on: all of it, also from inside of a container.
#[derive(Debug, Clone)]
pub struct Machine {
    families: Families,
    root: PathBuf,
}

impl Machine {
    /// Registers the families.
    pub fn register(registry: &Registry) -> Result<Self, RegisterError> {
        Self::in_root(registry, root())
    }

    fn in_root(registry: &Registry, root: PathBuf) -> Result<Self, RegisterError> {
        Ok(Self { families: Families::register(registry)?, root })
    }

    /// Reads the values anew.
    pub fn refresh(&self) -> io::Result<()> {
        self.processors()?;
        self.memory()?;
        self.network()?;
        self.disks()
    }

    fn processors(&self) -> io::Result<()> {
        let path = self.root.join("proc/stat");
        let stat = read(&path)?;
        let all = stat.lines().find_map(|line| line.strip_prefix("cpu ")).ok_or_else(|| unexpected(&path))?;
        for (mode, ticks) in MODES.into_iter().zip(all.split_whitespace()) {
            let ticks: f64 = ticks.parse().map_err(|_| unexpected(&path))?;
            self.families.cpu.with(OfMode { mode }).observe(ticks / TICKS_PER_SECOND);
        }
        let is_one = |line: &&str| {
            line.strip_prefix("cpu").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
        };
        self.families.cpus.set(stat.lines().filter(is_one).count() as f64);
        let path = self.root.join("proc/loadavg");
        self.families.load1.set(number_after(&read(&path)?, "").ok_or_else(|| unexpected(&path))?);
        Ok(())
    }

    fn memory(&self) -> io::Result<()> {
        let path = self.root.join("proc/meminfo");
        let info = read(&path)?;
        let of = |key| number_after(&info, key).map(|kib| kib * 1024.0).ok_or_else(|| unexpected(&path));
        let (total, available) = (of("MemTotal:")?, of("MemAvailable:")?);
        self.families.memory_total.set(total);
        self.families.memory_available.set(available);
        self.families.memory_usage.set(total - available);
        Ok(())
    }

    fn network(&self) -> io::Result<()> {
        let path = self.root.join("proc/net/dev");
        // Two lines of heading have no colon behind a name.
        for (interface, numbers) in read(&path)?.lines().filter_map(|line| line.split_once(':')) {
            let interface = interface.trim();
            let numbers: Vec<&str> = numbers.split_whitespace().collect();
            let number =
                |idx: usize| numbers.get(idx).and_then(|n| n.parse().ok()).ok_or_else(|| unexpected(&path));
            self.families.network_received.with(OfInterface { interface }).observe(number(0)?);
            self.families.network_sent.with(OfInterface { interface }).observe(number(8)?);
        }
        Ok(())
    }

    fn disks(&self) -> io::Result<()> {
        let path = self.root.join("proc/diskstats");
        for line in read(&path)?.lines() {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let device = *fields.get(2).ok_or_else(|| unexpected(&path))?;
            // Partitions are counted with their disk; loops and memory are no disks.
            let is_disk = self.root.join("sys/block").join(device).exists();
            if !is_disk || device.starts_with("loop") || device.starts_with("ram") {
                continue;
            }
            let sectors = |idx: usize| {
                fields.get(idx).and_then(|n| n.parse::<f64>().ok()).ok_or_else(|| unexpected(&path))
            };
            self.families.disk_read.with(OfDevice { device }).observe(sectors(5)? * SECTOR);
            self.families.disk_written.with(OfDevice { device }).observe(sectors(9)? * SECTOR);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_machine_is_read() {
        let folder = tempfile::tempdir().expect("made");
        let write = |path: &str, text: &str| {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().expect("it has one")).expect("made");
            fs::write(path, text).expect("written");
        };
        write("proc/stat", "cpu  100 0 50 400 0 0 0 25 0 0\ncpu0 1\ncpu1 1\nintr 7\n");
        write("proc/loadavg", "0.25 0.5 1 2/3 4\n");
        write("proc/meminfo", "MemTotal: 1000 kB\nMemFree: 1 kB\nMemAvailable: 600 kB\n");
        let heading = "Inter-| Receive | Transmit\n face |bytes packets|bytes\n";
        write("proc/net/dev", &format!("{heading}  eth0: 11 0 0 0 0 0 0 0 22 0\n"));
        let disks = "8 0 sda 1 2 10 4 5 6 20 8\n8 1 sda1 1 2 9 4 5 6 9 8\n7 0 loop0 1 2 9 4 5 6 9 8\n";
        write("proc/diskstats", disks);
        write("sys/block/sda/size", "");
        write("sys/block/loop0/size", "");
        let registry = Registry::new();
        let machine = Machine::in_root(&registry, folder.path().to_owned()).expect("is right");
        machine.refresh().expect("it is there");
        let text = registry.text();
        for line in [
            "system_cpu_seconds_total{mode=\"user\"} 1",
            "system_cpu_seconds_total{mode=\"steal\"} 0.25",
            "system_cpus 2",
            "system_load1 0.25",
            "system_memory_usage_bytes 409600",
            "system_network_received_bytes_total{interface=\"eth0\"} 11",
            "system_network_sent_bytes_total{interface=\"eth0\"} 22",
            "system_disk_read_bytes_total{device=\"sda\"} 5120",
            "system_disk_written_bytes_total{device=\"sda\"} 10240",
        ] {
            assert!(text.lines().any(|l| l == line), "no {line} in\n{text}");
        }
        assert!(!text.contains("sda1") && !text.contains("loop0"), "{text}");
        write("proc/net/dev", "eth0: eleven\n");
        let error = machine.refresh().expect_err("it is no number").to_string();
        assert!(error.contains("proc/net/dev"), "{error}");
    }
}
