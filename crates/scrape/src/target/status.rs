use std::sync::Arc;
use std::time::Duration;

use crate::error::ScrapeError;

/// Whether the last scrape of a target was good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Health {
    /// There was no scrape yet.
    #[default]
    Unknown,
    /// It was good.
    Up,
    /// It failed.
    Down,
}

impl Health {
    /// The word used in the HTTP API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Up => "up",
            Self::Down => "down",
        }
    }
}

/// How a target fares.
#[derive(Debug, Clone, Default)]
pub(crate) struct TargetStatus {
    pub(crate) last: Option<Outcome>,
    /// When it is scraped next, by the wall clock.
    pub(crate) next_scrape_ms: Option<i64>,
    /// How many scrapes were left out because one before took too long.
    pub(crate) missed_scrapes: u64,
}

/// What came of the last scrape.
#[derive(Debug, Clone)]
pub(crate) struct Outcome {
    pub(crate) started_ms: i64,
    pub(crate) duration: Duration,
    pub(crate) error: Option<Arc<ScrapeError>>,
    /// Samples that the target exposed, and those that relabelling left.
    pub(crate) samples_scraped: usize,
    pub(crate) samples_post_relabel: usize,
    pub(crate) series_added: usize,
    /// Decoded bytes.
    pub(crate) body_bytes: usize,
}

impl Outcome {
    /// What is shown of a scrape that has not been.
    pub(crate) const NONE: Self = Self {
        started_ms: 0,
        duration: Duration::ZERO,
        error: None,
        samples_scraped: 0,
        samples_post_relabel: 0,
        series_added: 0,
        body_bytes: 0,
    };

    /// What is shown of a scrape that was ended by a bug.
    pub(crate) fn bug(started_ms: i64) -> Self {
        Self { started_ms, error: Some(Arc::new(ScrapeError::Bug)), ..Self::NONE }
    }
}

impl TargetStatus {
    pub(crate) fn health(&self) -> Health {
        match &self.last {
            None => Health::Unknown,
            Some(Outcome { error: None, .. }) => Health::Up,
            Some(_) => Health::Down,
        }
    }
}
