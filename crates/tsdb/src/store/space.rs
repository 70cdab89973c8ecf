//! Whether there is room on the disk.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bellwether_disk::Fs;
use parking_lot::Mutex;

use crate::error::TsdbError;

use super::reserve::Reserve;

/// The free space is looked at this often while there is enough.
const CHECK_EVERY: Duration = Duration::from_secs(1);
/// What must stay free if nothing else is configured: this share of the file system in percent,
const DEFAULT_PERCENT: u64 = 2;
/// and at least this many bytes.
const DEFAULT_BYTES: u64 = 512 << 20;

/// Watches the free space of the file system.
#[derive(Debug)]
pub(super) struct SpaceGuard {
    min_free_bytes: u64,
    is_full: AtomicBool,
    /// Milliseconds on the clock that never goes back.
    checked_ms: AtomicU64,
    /// Why the log took the last batch not, if it had no room. There may be more free space than must stay free, and still not enough for a segment.
    log_full: Mutex<Option<String>>,
    reserve: Reserve,
}

impl SpaceGuard {
    pub(super) fn new(fs: &dyn Fs, dir: &Path, configured: Option<u64>, reserve_bytes: u64) -> Self {
        let min_free_bytes = configured.unwrap_or_else(|| {
            let total = fs.space(dir).map_or(0, |s| s.total);
            (total / 100 * DEFAULT_PERCENT).max(DEFAULT_BYTES)
        });
        Self {
            min_free_bytes,
            is_full: AtomicBool::new(false),
            checked_ms: AtomicU64::new(0),
            log_full: Mutex::default(),
            reserve: Reserve::find(fs, dir, reserve_bytes),
        }
    }

    /// Room that is kept for upkeep: see [`Reserve`].
    pub(super) fn reserve(&self) -> &Reserve {
        &self.reserve
    }

    /// Does a piece of upkeep that needs room, and if there is none, once more without the reserve.
    pub(super) fn with_reserve<T>(
        &self,
        fs: &dyn Fs,
        mut task: impl FnMut() -> Result<T, TsdbError>,
    ) -> Result<T, TsdbError> {
        match task() {
            Err(TsdbError::Full(why)) if self.reserve.give_up(fs, &why) => task(),
            done => done,
        }
    }

    /// Remembers whether the log had room for the last batch.
    pub(super) fn note_log(&self, full: Option<&str>) {
        let mut log_full = self.log_full.lock();
        if log_full.as_deref() != full {
            *log_full = full.map(str::to_owned);
        }
    }

    /// Why the log had no room for the last batch, if so.
    pub(super) fn log_full(&self) -> Option<String> {
        self.log_full.lock().clone()
    }

    /// What must stay free.
    pub(super) fn min_free_bytes(&self) -> u64 {
        self.min_free_bytes
    }

    /// Whether there is less free space than there must be, as a text for people. While there is, every call looks again.
    pub(super) fn check(&self, fs: &dyn Fs, dir: &Path, now: Duration) -> Result<(), String> {
        let now_ms = now.as_millis() as u64;
        let was_full = self.is_full.load(Ordering::Relaxed);
        let checked_ms = self.checked_ms.load(Ordering::Relaxed);
        if !was_full && checked_ms != 0 && now_ms.saturating_sub(checked_ms) < CHECK_EVERY.as_millis() as u64
        {
            return Ok(());
        }
        self.checked_ms.store(now_ms.max(1), Ordering::Relaxed);
        // If the question cannot be answered, the writes themselves will tell.
        let available = fs.space(dir).map_or(u64::MAX, |s| s.available);
        // What was taken of the reserve comes before samples.
        let min_free_bytes = self.min_free_bytes.saturating_add(self.reserve.owed_bytes());
        let is_full = available < min_free_bytes;
        if is_full != was_full {
            self.is_full.store(is_full, Ordering::Relaxed);
            tracing::warn!(
                available,
                min_free = min_free_bytes,
                is_full,
                "free space of the storage crossed the limit"
            );
        }
        if is_full {
            return Err(format!(
                "{available} bytes are free on the file system of {}, {min_free_bytes} must stay free (min_free)",
                dir.display(),
            ));
        }
        Ok(())
    }
}
