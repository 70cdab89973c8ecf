use super::catalogue as c;
use crate::metrics::{Counter, Exporter, Gauge, StateSet};

const GIB: f64 = 1024.0 * 1024.0 * 1024.0;
const CORES: f64 = 8.0;
const MEMORY_BYTES: f64 = 16.0 * GIB;
/// Mounts with their sizes.
const MOUNTS: [(&str, f64); 2] = [("/", 60.0 * GIB), ("/data", 500.0 * GIB)];
const INTERFACES: [&str; 2] = ["eth0", "lo"];
pub(super) const COMPONENTS: [&str; 3] = ["database", "cache", "ml_engine"];

/// The machine that a host's workers run on.
pub(super) struct Machine {
    /// Processor seconds spent in this second, and the moving average.
    pub(super) work: f64,
    pub(super) load: f64,
    pub(super) disk_bytes: [f64; 2],
    /// Memory that models of the past still hold.
    pub(super) bloat_bytes: f64,
    ids: HostInstruments,
}

struct HostInstruments {
    cpu: Gauge,
    cpu_count: Gauge,
    /// Used, available, percent.
    memory: [Gauge; 3],
    /// Per mount: used, free, percent.
    disks: [[Gauge; 3]; 2],
    sent: [Counter; 2],
    received: [Counter; 2],
    uptime: Gauge,
    health: StateSet,
    components: [Gauge; 3],
}

impl Machine {
    pub(super) fn new(e: &mut Exporter) -> Self {
        let ids = HostInstruments {
            cpu: e.gauge(&c::CPU_USAGE, &[]),
            cpu_count: e.gauge(&c::CPU_COUNT, &[]),
            memory: [&c::MEMORY_USAGE, &c::MEMORY_AVAILABLE, &c::MEMORY_PERCENT].map(|it| e.gauge(it, &[])),
            disks: MOUNTS.map(|(mount, _)| {
                [&c::DISK_USAGE, &c::DISK_FREE, &c::DISK_PERCENT].map(|it| e.gauge(it, &[mount]))
            }),
            sent: INTERFACES.map(|it| e.counter(&c::NETWORK_SENT, &[it])),
            received: INTERFACES.map(|it| e.counter(&c::NETWORK_RECEIVED, &[it])),
            uptime: e.gauge(&c::UPTIME, &[]),
            health: e.state_set(&c::HEALTH_STATUS),
            components: COMPONENTS.map(|it| e.gauge(&c::COMPONENT_HEALTH, &[it])),
        };
        e.info(&c::PLATFORM, &["2.0.0", "demo", "3.12.4"]);
        Self { work: 0.0, load: 1.2, disk_bytes: [21.0 * GIB, 230.0 * GIB], bloat_bytes: 0.0, ids }
    }

    /// Once per second.
    pub(super) fn second(&mut self) {
        self.load += (self.work.min(CORES) - self.load) * 0.08;
        self.work = 0.0;
    }

    /// Bytes over the wire, and between the processes of the host.
    pub(super) fn transferred(&self, e: &mut Exporter, received: f64, sent: f64) {
        for (interface, share) in [1.0, 0.35].into_iter().enumerate() {
            e.add(self.ids.received[interface], (received * share).round());
            e.add(self.ids.sent[interface], (sent * share).round());
        }
    }

    /// Share of the processors in use.
    pub(super) fn cpu_share(&self) -> f64 {
        self.load / CORES
    }

    /// Memory in use, of which `working_bytes` depend on what goes on.
    pub(super) fn memory_bytes(&self, working_bytes: f64) -> f64 {
        (6.4 * GIB + working_bytes + self.bloat_bytes).min(0.98 * MEMORY_BYTES).round()
    }

    pub(super) fn memory_share(&self, working_bytes: f64) -> f64 {
        self.memory_bytes(working_bytes) / MEMORY_BYTES
    }

    pub(super) fn set_gauges(&self, e: &mut Exporter, working_bytes: f64, uptime_s: f64, healthy: [bool; 3]) {
        let ids = &self.ids;
        e.set(ids.cpu, 100.0 * self.cpu_share());
        e.set(ids.cpu_count, CORES);
        let used = self.memory_bytes(working_bytes);
        let memory = [used, MEMORY_BYTES - used, 100.0 * used / MEMORY_BYTES];
        for (gauge, value) in ids.memory.into_iter().zip(memory) {
            e.set(gauge, value);
        }
        for (idx, (_, size)) in MOUNTS.into_iter().enumerate() {
            let used = self.disk_bytes[idx].round();
            for (gauge, value) in ids.disks[idx].into_iter().zip([used, size - used, 100.0 * used / size]) {
                e.set(gauge, value);
            }
        }
        e.set(ids.uptime, uptime_s);
        for (gauge, healthy) in ids.components.into_iter().zip(healthy) {
            e.set(gauge, f64::from(u8::from(healthy)));
        }
        let works = healthy.into_iter().filter(|it| *it).count();
        e.enter_state(ids.health, [2, 1, 1, 0][works]);
    }
}
