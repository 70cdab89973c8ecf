use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bellwether_sdk::Registry;

/// What time it is on a platform, for registries in which time is part of what is counted: the windows of summaries.
#[derive(Debug, Clone, Default)]
pub(crate) struct SimulatedClock {
    now_ms: Arc<AtomicU64>,
}

impl SimulatedClock {
    /// It is this late now, in Unix milliseconds.
    pub(crate) fn set(&self, now_ms: i64) {
        self.now_ms.store(now_ms.max(0).unsigned_abs(), Ordering::Relaxed);
    }

    /// An empty registry that asks this clock.
    pub(crate) fn registry(&self) -> Registry {
        let now_ms = Arc::clone(&self.now_ms);
        Registry::with_clock(move || Duration::from_millis(now_ms.load(Ordering::Relaxed)))
    }
}
