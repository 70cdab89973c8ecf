use std::sync::atomic::{AtomicU64, Ordering};

/// Counts one kind of event.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, n: usize) {
        if n > 0 {
            self.0.fetch_add(n as u64, Ordering::Relaxed);
        }
    }

    pub(crate) fn inc(&self) {
        self.add(1);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

macro_rules! counters {
    ($($(#[doc = $doc:literal])+ $name:ident,)+) => {
        /// What scraping has done since the start.
        #[derive(Debug, Default)]
        pub(crate) struct Counters {
            $(pub(crate) $name: Counter,)+
        }

        /// What scraping has done since the start, read at one moment. All numbers only grow.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
        #[non_exhaustive]
        pub struct ScrapeCounters {
            $($(#[doc = $doc])+ pub $name: u64,)+
        }

        impl Counters {
            pub(crate) fn read(&self) -> ScrapeCounters {
                ScrapeCounters { $($name: self.$name.get(),)+ }
            }
        }
    };
}

counters! {
    /// Scrapes, good and bad.
    scrapes,
    /// Scrapes that failed, for whatever reason.
    scrapes_failed,
    /// Scrapes that were left out because one before took too long.
    scrapes_missed,
    /// Samples that targets exposed.
    samples_scraped,
    /// Samples that the store took, stale markers and reports included.
    samples_stored,
    /// Decoded bytes of bodies.
    body_bytes,
    /// Samples that the store refused because a newer one of the series exists.
    samples_out_of_order,
    /// Samples of a series that had another one for the same time.
    samples_duplicate,
    /// Samples that were too old, or too far in the future.
    samples_out_of_bounds,
    /// Samples that the store refused because of one of its limits.
    samples_over_store_limit,
    /// Samples that the store refused for another reason.
    samples_refused,
    /// Exemplars that the store refused.
    exemplars_refused,
    /// Scrapes that failed because of `sample_limit`.
    sample_limit_exceeded,
    /// Scrapes that failed because of `body_size_limit`.
    body_size_limit_exceeded,
    /// Scrapes that failed because of one of the label limits.
    label_limits_exceeded,
    /// Scrapes that failed because of one of the limits of the store.
    store_limits_exceeded,
    /// Scrapes that failed because of `native_histogram_bucket_limit`.
    bucket_limit_exceeded,
    /// Times that a job had more targets than `target_limit` allows.
    target_limit_exceeded,
    /// Batches that the store did not take.
    batches_not_stored,
    /// Times that the targets of a job were brought in line with what discovery found.
    syncs,
    /// Discovered targets that could not be scraped, for instance because of an invalid address; each time they were found.
    targets_invalid,
    /// Discovery attempts that failed; the targets found before stay.
    discovery_failures,
    /// Target files that could not be read.
    file_discovery_read_errors,
    /// Failed scrapes that could not be written to a `scrape_failure_log_file`.
    failure_log_errors,
}
