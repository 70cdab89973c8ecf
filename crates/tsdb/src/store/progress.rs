//! How far the replay of checkpoint and log is, for whoever waits for it.

use std::sync::atomic::{AtomicU64, Ordering};

/// What [`Tsdb::open_watched`](super::Tsdb::open_watched) tells while it works. Starts at nothing.
#[derive(Debug, Default)]
pub struct ReplayProgress {
    first_segment: AtomicU64,
    last_segment: AtomicU64,
    segment: AtomicU64,
    bytes: AtomicU64,
    bytes_read: AtomicU64,
}

/// How far a replay is at some moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ReplayStatus {
    /// The first segment of the log that is replayed.
    pub first_segment: u64,
    /// The last one.
    pub last_segment: u64,
    /// The one that is being read.
    pub segment: u64,
    /// Bytes that the checkpoint and all segments have; 0 while that is not known.
    pub bytes: u64,
    /// Bytes of them that were read. At most [`bytes`](Self::bytes).
    pub bytes_read: u64,
}

impl ReplayProgress {
    /// How far it is now.
    pub fn status(&self) -> ReplayStatus {
        let bytes = self.bytes.load(Ordering::Relaxed);
        ReplayStatus {
            first_segment: self.first_segment.load(Ordering::Relaxed),
            last_segment: self.last_segment.load(Ordering::Relaxed),
            segment: self.segment.load(Ordering::Relaxed),
            bytes,
            bytes_read: self.bytes_read.load(Ordering::Relaxed).min(bytes),
        }
    }

    /// What there is to read: the first and the last segment, if there is any, and the bytes of all files.
    pub(super) fn begin(&self, segments: Option<(u64, u64)>, bytes: u64) {
        let (first, last) = segments.unwrap_or_default();
        self.first_segment.store(first, Ordering::Relaxed);
        self.last_segment.store(last, Ordering::Relaxed);
        self.segment.store(first, Ordering::Relaxed);
        self.bytes.store(bytes, Ordering::Relaxed);
    }

    /// More bytes were read.
    pub(super) fn add(&self, bytes: u64) {
        self.bytes_read.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Now this segment is read.
    pub(super) fn at_segment(&self, segment: u64) {
        self.segment.store(segment, Ordering::Relaxed);
    }

    /// Everything was read, damaged places and padding included.
    pub(super) fn end(&self) {
        self.segment.store(self.last_segment.load(Ordering::Relaxed), Ordering::Relaxed);
        self.bytes_read.store(self.bytes.load(Ordering::Relaxed), Ordering::Relaxed);
    }
}
