use std::time::Duration;

use crate::{Exemplar, Labels, MetricMetadata, OverLimit, Tenant, Value};

/// A cheap handle of a series. It is valid only in the store that issued it, for the tenant that it was issued to, and only as long as the
/// store is open and knows the series. A handle of a series that is gone is never given to another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SeriesRef(pub u64);

/// A float of a series that the store gave a handle for, on its way there. So nearly all samples are, and this is all that a store must read of them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct KnownSample {
    /// The series. A store that has forgotten it answers with [`AppendError::ForgottenSeries`].
    pub series: SeriesRef,
    /// The time of the sample in milliseconds since the Unix epoch.
    pub ts_ms: i64,
    /// When the counter started to count, in milliseconds since the Unix epoch; 0 if unknown.
    pub start_ts_ms: i64,
    /// The value, staleness markers included.
    pub value: f64,
}

impl KnownSample {
    /// The same sample with the labels of its series, for a store that has forgotten it.
    pub fn with_labels(self, labels: Labels) -> AppendEntry {
        let Self { ts_ms, start_ts_ms, value, .. } = self;
        AppendEntry { hint: None, labels, ts_ms, start_ts_ms, value: Value::Float(value) }
    }
}

/// One sample on its way into a store.
#[derive(Debug, Clone)]
pub struct AppendEntry {
    /// The handle that the store gave for the series earlier; it saves a look-up. It may be wrong.
    pub hint: Option<SeriesRef>,
    /// The series.
    pub labels: Labels,
    /// The time of the sample in milliseconds since the Unix epoch.
    pub ts_ms: i64,
    /// When the counter or histogram started to count, in milliseconds since the Unix epoch; 0 if unknown.
    pub start_ts_ms: i64,
    /// The value, staleness markers included.
    pub value: Value,
}

/// An exemplar on its way into a store.
#[derive(Debug, Clone)]
pub struct AppendExemplar {
    /// The series it belongs to.
    pub labels: Labels,
    /// The exemplar.
    pub exemplar: Exemplar,
    /// Whether the source says when it happened. If not, its time is that of the scrape, and the same one again is no news.
    pub is_timed: bool,
}

/// The metadata of a metric family on its way into a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppendMetadata {
    /// The name of the family, for instance `http_requests_total`.
    pub family: String,
    /// What the source says about it.
    pub metadata: MetricMetadata,
}

/// What one scrape or one write request brings. It becomes visible as a whole or, after a crash, is replayed as a whole.
#[derive(Debug, Clone, Default)]
pub struct AppendBatch {
    /// Floats of series that the store knows, in the order in which they arrived.
    pub known: Vec<KnownSample>,
    /// The other samples, in the order in which they arrived.
    pub samples: Vec<AppendEntry>,
    /// For each of the other samples how many of the known ones arrived before it. Empty if all did.
    pub known_before: Vec<u32>,
    /// The exemplars.
    pub exemplars: Vec<AppendExemplar>,
    /// The metadata.
    pub metadata: Vec<AppendMetadata>,
    /// What a limit means that refuses one of the samples: that nothing of the batch is stored ([`AppendError::Limit`]), or, as for all other reasons, only that
    /// this sample is not.
    pub stops_at_limit: bool,
}

impl AppendBatch {
    /// Whether there is nothing to store.
    pub fn is_empty(&self) -> bool {
        self.n_samples() == 0 && self.exemplars.is_empty() && self.metadata.is_empty()
    }

    /// How many samples there are.
    pub fn n_samples(&self) -> usize {
        self.known.len() + self.samples.len()
    }

    /// How many of the known samples arrived before one of the others, by its place among these.
    pub fn known_before(&self, place: usize) -> usize {
        self.known_before.get(place).map_or(self.known.len(), |n| *n as usize)
    }

    /// Empties the batch and keeps its memory.
    pub fn clear(&mut self) {
        self.known.clear();
        self.samples.clear();
        self.known_before.clear();
        self.exemplars.clear();
        self.metadata.clear();
        self.stops_at_limit = false;
    }

    /// Removes those of the known samples that the store does not know after all, by their places in rising order, and returns them.
    pub fn take_forgotten(&mut self, places: &[usize]) -> Vec<KnownSample> {
        let (mut places, mut place) = (places.iter().peekable(), 0);
        let is_forgotten = |_: &mut KnownSample| {
            place += 1;
            places.next_if_eq(&&(place - 1)).is_some()
        };
        self.known.extract_if(.., is_forgotten).collect()
    }
}

/// Why one sample or exemplar of a batch was not stored. The texts are those of Prometheus where it has the case.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Rejection {
    /// Older than the newest sample of the series, and there is no out-of-order window.
    #[error("out of order sample")]
    OutOfOrder,
    /// Older than what the store still takes for any series.
    #[error("out of bounds")]
    OutOfBounds,
    /// Older than the out-of-order window.
    #[error("too old sample")]
    TooOld,
    /// The series has another value at this timestamp; the first one stays.
    #[error("duplicate sample for timestamp")]
    DuplicateTimestamp,
    /// The timestamp lies further ahead of the server's clock than allowed.
    #[error("timestamp is {ahead_ms} ms in the future, more than the {limit_ms} ms allowed (max_future)")]
    TooFarInFuture {
        /// How far ahead it is.
        ahead_ms: i64,
        /// How far ahead it may be.
        limit_ms: i64,
    },
    /// The label set is not one that can be stored.
    #[error("invalid labels: {0}")]
    InvalidLabels(String),
    /// The histogram contradicts itself, for instance with more buckets than its spans hold.
    #[error("invalid histogram: {0}")]
    InvalidHistogram(String),
    /// A limit was reached.
    #[error(transparent)]
    Limit(Box<OverLimit>),
    /// The exemplar is older than the newest one of its series.
    #[error("out of order exemplar")]
    OutOfOrderExemplar,
    /// The exemplar belongs to a series that the store does not have.
    #[error("unknown series for exemplar")]
    ExemplarWithoutSeries,
}

/// What became of a batch.
#[derive(Debug, Clone, Default)]
pub struct AppendReport {
    /// How many of the known samples were stored.
    ///
    /// A sample that the series already has with the same value counts as stored.
    pub known: usize,
    /// For each of the known samples that was not stored: its position among them and the reason.
    pub rejected_known: Vec<(usize, Rejection)>,
    /// For each of the other samples, in order: its series' handle, or why it was not stored.
    pub samples: Vec<Result<SeriesRef, Rejection>>,
    /// For each exemplar that was not stored: its position in the batch and the reason.
    pub rejected_exemplars: Vec<(usize, Rejection)>,
    /// How many series the store had not known before.
    pub new_series: usize,
    /// When samples may be sent again that a limit refused which passes with time; `None` if there are none.
    pub retry_after: Option<Duration>,
}

impl AppendReport {
    /// How many samples were stored.
    pub fn stored(&self) -> usize {
        self.known + self.samples.iter().filter(|r| r.is_ok()).count()
    }
}

/// Why nothing of a batch was stored. The sender must keep it and try again, unless the error is [`AppendError::TooLarge`];
/// [`AppendError::ForgottenSeries`] and [`AppendError::Limit`] are for whoever made the batch and never for the sender.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AppendError {
    /// The file system has no room; writes resume by themselves when it has.
    #[error("storage is full: {0}")]
    StorageFull(String),
    /// The store takes no writes, for instance after a disk error.
    #[error("storage is read-only: {0}")]
    ReadOnly(String),
    /// Too much work is waiting.
    #[error("storage is overloaded, retry in {retry_after:?}")]
    Overloaded {
        /// When to come back.
        retry_after: Duration,
    },
    /// The batch alone exceeds a limit; the message names it.
    #[error("batch too large: {0}")]
    TooLarge(String),
    /// The series of some known samples are gone. With labels it will work.
    #[error("{} samples name series that are gone", places.len())]
    ForgottenSeries {
        /// Their places among the known samples, in rising order.
        places: Vec<usize>,
    },
    /// A limit refuses a sample, and the batch was to be stored only as a whole ([`AppendBatch::stops_at_limit`]).
    #[error(transparent)]
    Limit(Box<OverLimit>),
    /// The process has no memory for what is written; this changes when what needs it is done.
    #[error("{0}")]
    OutOfMemory(String),
    /// The log could not be written.
    #[error("write-ahead log: {0}")]
    Log(#[source] std::io::Error),
    /// The store is being shut down.
    #[error("storage is shutting down")]
    Closed,
}

/// Takes samples. One call is one scrape or one write request.
///
/// The batch is built outside the store, so giving up half-way (a scrape that does not parse) needs no roll-back: the batch is dropped.
pub trait Appender: Send + Sync {
    /// Stores the batch. When this returns `Ok`, the accepted samples are in the log and visible to queries opened later.
    ///
    /// Samples are judged one by one: a rejected sample never costs its neighbours.
    ///
    /// A staleness marker that is older than the newest sample of its series is rejected as [`Rejection::OutOfOrder`], whatever the
    /// out-of-order window: the series has gone on, so the marker is wrong. Scraping relies on this when a target disappears
    /// and its series are continued by another one.
    fn append(&self, tenant: &Tenant, batch: &AppendBatch) -> Result<AppendReport, AppendError>;
}
