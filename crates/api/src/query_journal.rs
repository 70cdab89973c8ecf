//! What is known after a crash about the queries that ran then.

use std::sync::Arc;

use bellwether_model::format_duration_ms;

use crate::error::{ApiError, ErrorKind};
use crate::params::format_time_ms;

/// Remembers which queries run, in a way that outlasts the process.
pub trait QueryJournal: Send + Sync {
    /// Says that a query begins to run, and where that is noted; `None` if there is no room. Called once per query, so it has to be quick.
    fn begin(&self, kind: &str, text: &str, started_at_ms: i64) -> Option<usize>;

    /// Says that the query noted there has ended.
    fn end(&self, place: usize);

    /// The queries that ran when the server ended unexpectedly, and that are refused at `now_ms`.
    fn crashed(&self, now_ms: i64) -> Vec<CrashedQuery>;

    /// The one among them that asks the same. Called for every query.
    fn refused(&self, kind: &str, text: &str, now_ms: i64) -> Option<CrashedQuery>;
}

/// A query that ran when the server ended unexpectedly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CrashedQuery {
    /// The endpoint, for instance `query_range`.
    pub kind: String,
    /// The text, or as much of it as the journal holds.
    pub text: String,
    /// When it began, in milliseconds since the Unix epoch.
    pub started_at_ms: i64,
    /// Until when it is not run again, in milliseconds since the Unix epoch.
    pub refused_until_ms: i64,
}

impl CrashedQuery {
    /// The refusal of the same query.
    pub(crate) fn refusal(&self, now_ms: i64) -> ApiError {
        let message = format!(
            "this query ran when the server ended unexpectedly; it is refused for another {} because it may have been the cause \
             (--query.refuse-after-crash). Ask for fewer series, a shorter time or a larger step, or wait",
            // Never 0s.
            format_duration_ms(((self.refused_until_ms - now_ms) / 1000).max(0) * 1000 + 1000)
        );
        ApiError { kind: ErrorKind::Execution, message }
    }

    /// The query as `status/active_queries` shows it.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        serde_json::json!({
            "kind": self.kind,
            "query": self.text,
            "startTime": format_time_ms(self.started_at_ms),
            "refusedUntil": format_time_ms(self.refused_until_ms),
        })
    }
}

/// A note in the journal, until dropped.
pub(crate) struct JournalGuard {
    journal: Arc<dyn QueryJournal>,
    place: Option<usize>,
}

impl JournalGuard {
    pub(crate) fn new(journal: &Arc<dyn QueryJournal>, kind: &str, text: &str, started_at_ms: i64) -> Self {
        Self { journal: Arc::clone(journal), place: journal.begin(kind, text, started_at_ms) }
    }
}

impl Drop for JournalGuard {
    fn drop(&mut self) {
        if let Some(place) = self.place {
            self.journal.end(place);
        }
    }
}
