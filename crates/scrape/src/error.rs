use bellwether_exposition::{ContentTypeError, ParseError, Place};
use bellwether_model::histogram::HistogramError;
use bellwether_model::{AppendError, OverLimit};
use bellwether_outbound::OutboundError;

use crate::ingest::SampleLabelsError;

/// Why a scrape failed. The texts are those that Prometheus shows as `lastError` where it has the case; the place in the body and what to do are
/// added.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScrapeError {
    /// There was no usable response.
    #[error(transparent)]
    Fetch(#[from] OutboundError),
    /// The scrape took longer than its timeout.
    #[error("context deadline exceeded")]
    Deadline,
    /// The response does not say what it is.
    #[error(transparent)]
    ContentType(#[from] ContentTypeError),
    /// The body is not an exposition.
    #[error(transparent)]
    Parse(#[from] ParseError),
    /// A sample has labels that cannot be stored.
    #[error(transparent)]
    Labels(#[from] SampleLabelsError),
    /// A native histogram contradicts itself.
    #[error("native histogram {metric} of the target is not valid: {error}")]
    Histogram {
        /// The beginning of its name.
        metric: String,
        /// What is wrong with it.
        error: HistogramError,
    },
    /// Too many samples.
    #[error("sample limit exceeded (samples after relabelling: {samples}, limit: {limit})")]
    SampleLimit {
        /// How many may be left after relabelling.
        limit: usize,
        /// How many there were.
        samples: usize,
    },
    /// A histogram has too many buckets.
    #[error("histogram bucket limit exceeded (limit: {limit})")]
    BucketLimit {
        /// How many it may have.
        limit: usize,
    },
    /// The job has too many targets, so none of them is scraped.
    #[error("target_limit exceeded (number of targets: {targets}, limit: {limit})")]
    TargetLimit {
        /// How many there are.
        targets: usize,
        /// How many there may be.
        limit: usize,
    },
    /// The store refused series that were new to it because of a limit. The other samples were stored.
    #[error("{first}; {refused} of the samples were not stored")]
    SeriesLimit {
        /// The first refusal.
        first: Box<OverLimit>,
        /// How many samples were not stored.
        refused: usize,
    },
    /// A bug ended the scrape; the log says more.
    #[error("internal error: the scrape was ended by a bug, see the log of the server")]
    Bug,
    /// The store did not take the samples.
    #[error("{0}")]
    Storage(#[from] AppendError),
}

impl ScrapeError {
    /// Where in a body of text the error lies: line and column, both counted from 1.
    pub fn place(&self) -> Option<(usize, usize)> {
        match self {
            Self::Parse(error) => match error.place() {
                Place::Text { line, column } => Some((line, column)),
                Place::Byte(_) => None,
            },
            _ => None,
        }
    }

    /// Whether the decoded body had more bytes than allowed.
    pub(crate) fn is_body_too_large(&self) -> bool {
        matches!(self, Self::Fetch(error) if error.is_body_too_large())
    }
}
