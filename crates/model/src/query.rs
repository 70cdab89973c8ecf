use std::sync::Arc;

use crate::context::{QueryContext, QueryInterrupt};
use crate::{Exemplar, FloatHistogram, Labels, Matcher, MetricMetadata, Tenant, TimeRange};

/// Why a store could not answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StorageError {
    /// The query was cancelled, timed out or ran into a limit.
    #[error(transparent)]
    Interrupted(#[from] QueryInterrupt),
    /// The data on disk is damaged.
    #[error("corrupt data in {place}: {what}")]
    Corrupt {
        /// File and offset.
        place: String,
        /// What does not hold.
        what: String,
    },
    /// The operating system refused.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// More series or samples than a limit allows; the message names the limit and its value.
    #[error("{0}")]
    Limit(String),
    /// The store cannot answer now, for instance because a remote part is down.
    #[error("storage unavailable: {0}")]
    Unavailable(String),
}

/// What a store may use to read less than everything. Ignoring all of it is correct.
#[derive(Debug, Clone, Default)]
pub struct SelectHints {
    /// Step of a range query in milliseconds; 0 for an instant query.
    pub step_ms: i64,
    /// Width of the range selector in milliseconds; 0 for an instant selector.
    pub range_ms: i64,
    /// The function or aggregation around the selector; empty if none.
    pub func: &'static str,
    /// The labels of the aggregation around the selector.
    pub grouping: Vec<String>,
    /// Whether [`grouping`](Self::grouping) lists the labels to keep (`by`) and not those to drop (`without`).
    pub by: bool,
    /// Return at most this many series; 0 for all.
    pub limit: usize,
}

/// Which series are wanted, and over which time.
#[derive(Debug, Clone)]
pub struct SelectSpec {
    /// All of these must hold; at least one does not match the empty value.
    pub matchers: Vec<Matcher>,
    /// The hull of all windows that will be looked at. Samples outside may be returned or not.
    pub range: TimeRange,
    /// Whether the series must come in the order of their labels.
    pub sorted: bool,
    /// What else is known about the use of the data.
    pub hints: SelectHints,
}

/// The samples of one series as columns, decoded into memory that the caller owns and uses again.
///
/// `ts`, `vals`, and, where present, `hists` and `start_ts` are parallel. Timestamps strictly increase.
#[derive(Debug, Clone, Default)]
pub struct ColumnBuffer {
    /// Timestamps in milliseconds since the Unix epoch.
    pub ts: Vec<i64>,
    /// Float values; meaningless where the sample is a histogram.
    pub vals: Vec<f64>,
    /// Empty if the series has no histogram in the range; else `Some` exactly where the sample is a histogram.
    pub hists: Vec<Option<Arc<FloatHistogram>>>,
    /// Start timestamps in milliseconds since the Unix epoch, 0 where unknown; empty if no sample has one.
    pub start_ts: Vec<i64>,
}

impl ColumnBuffer {
    /// Empties the buffer and keeps its memory.
    pub fn clear(&mut self) {
        self.ts.clear();
        self.vals.clear();
        self.hists.clear();
        self.start_ts.clear();
    }

    /// The number of samples.
    pub fn len(&self) -> usize {
        self.ts.len()
    }

    /// Whether there is no sample.
    pub fn is_empty(&self) -> bool {
        self.ts.is_empty()
    }

    /// Appends a float sample; `start_ts_ms` is 0 if unknown.
    pub fn push_float(&mut self, ts_ms: i64, start_ts_ms: i64, v: f64) {
        self.push_start(start_ts_ms);
        self.ts.push(ts_ms);
        self.vals.push(v);
        if !self.hists.is_empty() {
            self.hists.push(None);
        }
    }

    /// Appends a histogram sample; `start_ts_ms` is 0 if unknown.
    pub fn push_histogram(&mut self, ts_ms: i64, start_ts_ms: i64, h: Arc<FloatHistogram>) {
        self.push_start(start_ts_ms);
        if self.hists.is_empty() {
            self.hists.resize(self.ts.len(), None);
        }
        self.ts.push(ts_ms);
        self.vals.push(0.0);
        self.hists.push(Some(h));
    }

    /// The column of start timestamps comes into being with the first one that is known.
    fn push_start(&mut self, start_ts_ms: i64) {
        if start_ts_ms != 0 && self.start_ts.is_empty() {
            self.start_ts.resize(self.ts.len(), 0);
        }
        if start_ts_ms != 0 || !self.start_ts.is_empty() {
            self.start_ts.push(start_ts_ms);
        }
    }
}

/// The series that a selection found: all label sets at once, the samples when asked.
///
/// Series are read by position and through `&self`, so several threads can decode different series of one set.
pub trait SeriesSet: Send + Sync {
    /// The label sets, in label order if the selection asked for it.
    fn labels(&self) -> &[Labels];

    /// Replaces the content of `buf` with the samples of series `idx`, in time order; staleness markers are included.
    fn read(&self, idx: usize, buf: &mut ColumnBuffer) -> Result<(), StorageError>;

    /// What was left out and why; shown to the user beside the result.
    fn warnings(&self) -> Vec<String> {
        Vec::new()
    }
}

/// Which metadata is wanted.
#[derive(Debug, Clone, Default)]
pub struct MetadataRequest {
    /// Only this family.
    pub family: Option<String>,
    /// At most this many families; 0 for all.
    pub limit: usize,
    /// At most this many entries per family; 0 for all.
    pub limit_per_family: usize,
}

/// The exemplars of one series.
#[derive(Debug, Clone, PartialEq)]
pub struct SeriesExemplars {
    /// The series.
    pub labels: Labels,
    /// Its exemplars in time order.
    pub exemplars: Vec<Exemplar>,
}

/// A consistent view of a store over a range of time, the one it was opened with.
pub trait Querier: Send + Sync {
    /// Finds series.
    fn select(&self, spec: &SelectSpec, cx: &QueryContext) -> Result<Box<dyn SeriesSet>, StorageError>;

    /// The names of all labels of the series that match, sorted. No matchers: of all series. `limit` 0: all.
    fn label_names(
        &self,
        matchers: &[Matcher],
        limit: usize,
        cx: &QueryContext,
    ) -> Result<Vec<String>, StorageError>;

    /// The values that the label `name` has among the series that match, sorted. No matchers: among all. `limit` 0: all.
    fn label_values(
        &self,
        name: &str,
        matchers: &[Matcher],
        limit: usize,
        cx: &QueryContext,
    ) -> Result<Vec<String>, StorageError>;

    /// The label sets of the series that match and have a sample in the range, sorted. `limit` 0: all.
    fn series(
        &self,
        matchers: &[Matcher],
        limit: usize,
        cx: &QueryContext,
    ) -> Result<Vec<Labels>, StorageError>;

    /// The exemplars in the range of the series that match any of the selectors, in label order.
    fn exemplars(
        &self,
        selectors: &[Vec<Matcher>],
        cx: &QueryContext,
    ) -> Result<Vec<SeriesExemplars>, StorageError>;

    /// What the sources said about the metric families, in the order of the names; each entry of a family once.
    fn metadata(
        &self,
        request: &MetadataRequest,
        cx: &QueryContext,
    ) -> Result<Vec<(String, Vec<MetricMetadata>)>, StorageError>;
}

/// A store that can be asked.
pub trait Queryable: Send + Sync {
    /// Opens a view over `range`.
    fn querier(&self, tenant: &Tenant, range: TimeRange) -> Result<Box<dyn Querier>, StorageError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn optional_columns_stay_parallel() {
        let mut buf = ColumnBuffer::default();
        buf.push_float(1, 0, 1.0);
        assert!(buf.hists.is_empty() && buf.start_ts.is_empty());
        buf.push_histogram(2, 0, Arc::default());
        buf.push_float(3, 2, 3.0);
        buf.push_histogram(4, 0, Arc::default());
        assert_eq!(buf.ts, [1, 2, 3, 4]);
        assert_eq!(buf.start_ts, [0, 0, 2, 0]);
        assert_eq!(buf.hists.iter().map(Option::is_some).collect::<Vec<_>>(), [false, true, false, true]);
        assert_eq!(buf.vals.len(), 4);
    }
}
