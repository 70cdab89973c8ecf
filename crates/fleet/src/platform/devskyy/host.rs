use bellwether_sdk::{GaugeHandle, ObservedCounterHandle, StateSetHandle};

use crate::generated::devskyy as pack;
use crate::generated::devskyy::{Component, Devskyy, HealthStatus};

const GIB: f64 = 1024.0 * 1024.0 * 1024.0;
const CORES: f64 = 8.0;
const MEMORY_BYTES: f64 = 16.0 * GIB;
/// Mounts with their sizes.
const MOUNTS: [(&str, f64); 2] = [("/", 60.0 * GIB), ("/data", 500.0 * GIB)];
/// Interfaces with their share of the bytes: to people, and to the databases.
const INTERFACES: [(&str, f64); 2] = [("eth0", 1.0), ("eth1", 0.35)];
/// What is checked; without the first one the application does not work.
pub(super) const COMPONENTS: [Component; 3] = [Component::Database, Component::Cache, Component::MlEngine];

/// The machine that a host's workers run on.
pub(super) struct Machine {
    /// Processor seconds spent in this second, and the moving average.
    pub(super) work: f64,
    pub(super) load: f64,
    pub(super) disk_bytes: [f64; 2],
    /// Memory that models of the past still hold.
    pub(super) bloat_bytes: f64,
    /// Bytes since the machine was started, before which it has sent and received nothing.
    sent_bytes: f64,
    received_bytes: f64,
    ids: HostInstruments,
}

struct HostInstruments {
    cpu: GaugeHandle,
    cores: GaugeHandle,
    /// Used, available, percent.
    memory: [GaugeHandle; 3],
    /// Per mount: used, free, percent.
    disks: [[GaugeHandle; 3]; 2],
    sent: [ObservedCounterHandle; 2],
    received: [ObservedCounterHandle; 2],
    uptime: GaugeHandle,
    health: StateSetHandle<HealthStatus>,
    components: [GaugeHandle; 3],
}

impl Machine {
    pub(super) fn new(devskyy: &Devskyy) -> Self {
        let interfaces = INTERFACES.map(|(interface, _)| pack::SystemNetworkSentBytesLabels { interface });
        let ids = HostInstruments {
            cpu: devskyy.system_cpu_usage_percent.with(()),
            cores: devskyy.system_cpu_cores.with(()),
            memory: [
                devskyy.system_memory_usage_bytes,
                devskyy.system_memory_available_bytes,
                devskyy.system_memory_percent,
            ]
            .map(|family| family.with(())),
            disks: MOUNTS.map(|(mount, _)| {
                let labels = pack::SystemDiskUsageBytesLabels { mount };
                [devskyy.system_disk_usage_bytes, devskyy.system_disk_free_bytes, devskyy.system_disk_percent]
                    .map(|family| family.with(labels))
            }),
            sent: interfaces.map(|it| devskyy.system_network_sent_bytes.with(it)),
            received: interfaces.map(|it| devskyy.system_network_recv_bytes.with(it)),
            uptime: devskyy.uptime_seconds.with(()),
            health: devskyy.health_status.with(()),
            components: COMPONENTS
                .map(|component| devskyy.component_health.with(pack::ComponentHealthLabels { component })),
        };
        devskyy.platform.set(pack::PlatformLabels {
            version: "2.0.0",
            environment: "demo",
            python_version: "3.12.4",
        });
        Self {
            work: 0.0,
            load: 1.2,
            disk_bytes: [21.0 * GIB, 230.0 * GIB],
            bloat_bytes: 0.0,
            sent_bytes: 0.0,
            received_bytes: 0.0,
            ids,
        }
    }

    /// Once per second.
    pub(super) fn second(&mut self) {
        self.load += (self.work.min(CORES) - self.load) * 0.08;
        self.work = 0.0;
    }

    /// Bytes over the wire.
    pub(super) fn transferred(&mut self, received: f64, sent: f64) {
        self.received_bytes += received;
        self.sent_bytes += sent;
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

    pub(super) fn set_gauges(&self, working_bytes: f64, uptime_s: f64, healthy: [bool; 3]) {
        let ids = &self.ids;
        ids.cpu.set(100.0 * self.cpu_share());
        ids.cores.set(CORES);
        let used = self.memory_bytes(working_bytes);
        let memory = [used, MEMORY_BYTES - used, 100.0 * used / MEMORY_BYTES];
        for (gauge, value) in ids.memory.into_iter().zip(memory) {
            gauge.set(value);
        }
        for (idx, (_, size)) in MOUNTS.into_iter().enumerate() {
            let used = self.disk_bytes[idx].round();
            for (gauge, value) in ids.disks[idx].into_iter().zip([used, size - used, 100.0 * used / size]) {
                gauge.set(value);
            }
        }
        for (idx, (_, share)) in INTERFACES.into_iter().enumerate() {
            ids.sent[idx].observe((self.sent_bytes * share).round());
            ids.received[idx].observe((self.received_bytes * share).round());
        }
        ids.uptime.set(uptime_s);
        for (gauge, healthy) in ids.components.into_iter().zip(healthy) {
            gauge.set(f64::from(u8::from(healthy)));
        }
        ids.health.set(overall(healthy));
    }
}

/// The health of the application, of which [`COMPONENTS`] are healthy or not.
pub(super) fn overall([database, cache, ml_engine]: [bool; 3]) -> HealthStatus {
    match (database, cache && ml_engine) {
        (false, _) => HealthStatus::Unhealthy,
        (true, false) => HealthStatus::Degraded,
        (true, true) => HealthStatus::Healthy,
    }
}
