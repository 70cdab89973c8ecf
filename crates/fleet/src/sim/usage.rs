use bellwether_sdk::Registry;

use super::registered;
use crate::generated::process::Process as Metrics;

const MIB: f64 = 1024.0 * 1024.0;
/// File descriptors that a process may open.
const FDS_MAX: f64 = 65_536.0;
/// There is no limit of addresses, which is said so.
const ADDRESSES_MAX: f64 = u64::MAX as f64;

/// What a process uses, in the words of the standard metrics of processes.
#[derive(Debug)]
pub(crate) struct Usage(Metrics);

impl Usage {
    pub(crate) fn new(registry: &Registry) -> Self {
        Self(registered(registry))
    }

    /// Another process took its place.
    pub(crate) fn restarted(&self) {
        self.0.cpu_seconds.with(());
    }

    /// It has spent processor time.
    pub(crate) fn spent(&self, seconds: f64) {
        self.0.cpu_seconds.add(seconds);
    }

    /// How it is now; each piece of work has a connection and a thread of its own.
    pub(crate) fn set(&self, started_ms: i64, resident_bytes: f64, pieces_of_work: usize) {
        let Metrics {
            cpu_seconds: _,
            resident_memory_bytes,
            virtual_memory_bytes,
            virtual_memory_max_bytes,
            open_fds,
            max_fds,
            threads,
            start_time_seconds,
        } = self.0;
        resident_memory_bytes.set(resident_bytes.round());
        virtual_memory_bytes.set(resident_bytes.round() + 640.0 * MIB);
        virtual_memory_max_bytes.set(ADDRESSES_MAX);
        open_fds.set((22 + pieces_of_work) as f64);
        max_fds.set(FDS_MAX);
        threads.set((9 + pieces_of_work) as f64);
        start_time_seconds.set(started_ms as f64 / 1000.0);
    }
}
