use std::sync::atomic::{AtomicU64, Ordering};

use bellwether_model::Rejection;

/// Declares the counters once: as atomics, and as the numbers that are handed out.
macro_rules! counters {
    ($($(#[doc = $doc:literal])* $name:ident,)*) => {
        /// Counts what happens in a store.
        #[derive(Debug, Default)]
        pub(crate) struct Counters {
            $($(#[doc = $doc])* pub(crate) $name: AtomicU64,)*
        }

        /// What happened in a store since it was opened.
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct CounterValues {
            $($(#[doc = $doc])* pub $name: u64,)*
        }

        impl CounterValues {
            /// Name, meaning and value of each counter.
            pub fn rows(&self) -> impl Iterator<Item = (&'static str, &'static str, u64)> {
                [$((stringify!($name), concat!($($doc),*).trim_ascii(), self.$name)),*].into_iter()
            }
        }

        impl Counters {
            /// The numbers as they are now.
            pub(crate) fn values(&self) -> CounterValues {
                CounterValues { $($name: self.$name.load(Ordering::Relaxed),)* }
            }
        }
    };
}

counters! {
    /// Samples that were stored.
    samples_appended,
    /// Samples that were stored although they were older than the newest one of their series.
    samples_appended_late,
    /// Samples that the store had already.
    samples_repeated,
    /// Samples refused as older than the newest one of their series.
    samples_out_of_order,
    /// Samples refused because their series has another value at their time.
    samples_duplicate,
    /// Samples refused because their time is impossible.
    samples_out_of_bounds,
    /// Samples refused as too far in the future.
    samples_too_far_in_future,
    /// Samples refused because of a limit.
    samples_over_limit,
    /// Samples refused because of their labels or because their histogram is broken.
    samples_invalid,
    /// Exemplars that were stored.
    exemplars_appended,
    /// Exemplars that were refused.
    exemplars_rejected,
    /// Descriptions of metric families that were new.
    metadata_appended,
    /// Batches that were refused as a whole because the disk is full.
    batches_refused_full,
    /// Batches that were refused as a whole because the store is read-only.
    batches_refused_read_only,
    /// Series that were created.
    series_created,
    /// Series that left the head because they got no more samples.
    series_removed,
    /// Bytes that were written to the log.
    log_bytes_written,
    /// Samples that came back from the log and the checkpoint when the store was opened.
    samples_replayed,
    /// Damaged places that were found, when the store was opened or later.
    corruptions,
    /// How often samples were moved from the head into parts.
    cuts,
    /// How often that was done before its time because the head took too much memory.
    cuts_early,
    /// How often parts were merged.
    merges,
    /// How often a checkpoint was written.
    checkpoints,
    /// Snapshots that were made.
    snapshots,
    /// Requests to delete samples that were carried out.
    deletions,
    /// Parts that were dropped because of the retention.
    parts_retired,
    /// Bytes of the parts that were written.
    part_bytes_written,
    /// Tasks of the upkeep that failed.
    maintenance_failures,
}

pub(crate) fn add(counter: &AtomicU64, n: u64) {
    counter.fetch_add(n, Ordering::Relaxed);
}

impl Counters {
    /// Counts a sample that was refused.
    pub(crate) fn count_rejection(&self, rejection: &Rejection) {
        let counter = match rejection {
            Rejection::OutOfOrder | Rejection::TooOld => &self.samples_out_of_order,
            Rejection::OutOfBounds => &self.samples_out_of_bounds,
            Rejection::DuplicateTimestamp => &self.samples_duplicate,
            Rejection::TooFarInFuture { .. } => &self.samples_too_far_in_future,
            Rejection::Limit(_) => &self.samples_over_limit,
            _ => &self.samples_invalid,
        };
        add(counter, 1);
    }
}
