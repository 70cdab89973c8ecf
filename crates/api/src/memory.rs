//! What the process does when its memory runs out: first no new queries, then the largest one is cancelled, then no writes.

use std::sync::atomic::{AtomicU64, Ordering};

use bellwether_model::format_size;
use serde_json::{Value, json};

use crate::error::ApiError;

/// From these shares of the limit on, in percent.
const NO_QUERIES: u64 = 85;
const CANCEL_QUERIES: u64 = 92;
const NO_WRITES: u64 = 96;

/// How short of memory the process is. Each level includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum MemoryLevel {
    /// It is not.
    Enough,
    /// New queries are refused.
    NoQueries,
    /// The largest of the queries that run is cancelled.
    CancelQueries,
    /// Writes are refused.
    NoWrites,
}

impl MemoryLevel {
    /// The word for programs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Enough => "enough",
            Self::NoQueries => "no_new_queries",
            Self::CancelQueries => "cancelling_queries",
            Self::NoWrites => "no_writes",
        }
    }
}

/// The memory of the process: how much it may use (`--memory.limit`) and how much it uses, as somebody who watches it tells.
#[derive(Debug)]
pub struct ProcessMemory {
    limit_bytes: u64,
    used_bytes: AtomicU64,
    queries_refused: AtomicU64,
    queries_cancelled: AtomicU64,
    writes_refused: AtomicU64,
}

impl ProcessMemory {
    /// A process that may use so many bytes.
    pub fn new(limit_bytes: u64) -> Self {
        Self {
            limit_bytes,
            used_bytes: AtomicU64::new(0),
            queries_refused: AtomicU64::new(0),
            queries_cancelled: AtomicU64::new(0),
            writes_refused: AtomicU64::new(0),
        }
    }

    /// Notes how much is used now.
    pub fn note(&self, used_bytes: u64) {
        self.used_bytes.store(used_bytes, Ordering::Relaxed);
    }

    /// How much may be used.
    pub fn limit_bytes(&self) -> u64 {
        self.limit_bytes
    }

    /// How much was used when somebody last looked.
    pub fn used_bytes(&self) -> u64 {
        self.used_bytes.load(Ordering::Relaxed)
    }

    /// How short of memory the process is.
    pub fn level(&self) -> MemoryLevel {
        let used = u128::from(self.used_bytes()) * 100;
        let is_from = |percent: u64| used >= u128::from(self.limit_bytes) * u128::from(percent);
        match () {
            () if is_from(NO_WRITES) => MemoryLevel::NoWrites,
            () if is_from(CANCEL_QUERIES) => MemoryLevel::CancelQueries,
            () if is_from(NO_QUERIES) => MemoryLevel::NoQueries,
            () => MemoryLevel::Enough,
        }
    }

    /// How many bytes can be taken until anything is refused.
    pub fn left_bytes(&self) -> u64 {
        (self.limit_bytes / 100 * NO_QUERIES).saturating_sub(self.used_bytes())
    }

    /// Why a write is refused now, if it is; counts it then.
    pub fn refuse_write(&self) -> Option<String> {
        if self.level() < MemoryLevel::NoWrites {
            return None;
        }
        self.writes_refused.fetch_add(1, Ordering::Relaxed);
        Some(self.shortage("writes", NO_WRITES))
    }

    /// Whether a new query may begin; counts it if not.
    pub(crate) fn admit_query(&self) -> Result<(), ApiError> {
        if self.level() < MemoryLevel::NoQueries {
            return Ok(());
        }
        self.queries_refused.fetch_add(1, Ordering::Relaxed);
        let why = self.shortage("new queries", NO_QUERIES);
        Err(ApiError::unavailable(format_args!("{why}; try again later")))
    }

    /// Notes that a query was cancelled, and says why.
    pub(crate) fn cancelled_query(&self, query_bytes: usize) -> String {
        self.queries_cancelled.fetch_add(1, Ordering::Relaxed);
        let size = format_size(query_bytes as u64);
        format!(
            "query was cancelled as the largest one, with {size} set aside: {}; ask for fewer series, a shorter time or a larger step",
            self.shortage("queries", CANCEL_QUERIES)
        )
    }

    fn shortage(&self, what: &str, percent: u64) -> String {
        format!(
            "the process uses {} of the {} of memory allowed (--memory.limit), and from {percent} % on there is none for {what}",
            format_size(self.used_bytes()),
            format_size(self.limit_bytes)
        )
    }

    /// What was refused and cancelled since the start: name, how often.
    pub(crate) fn counts(&self) -> [(&'static str, u64); 3] {
        [
            ("query", &self.queries_refused),
            ("running_query", &self.queries_cancelled),
            ("write", &self.writes_refused),
        ]
        .map(|(what, n)| (what, n.load(Ordering::Relaxed)))
    }

    /// As `status/runtimeinfo` shows it.
    pub(crate) fn to_json(&self) -> Value {
        let [(_, refused), (_, cancelled), (_, writes)] = self.counts();
        json!({
            "limitBytes": self.limit_bytes,
            "usedBytes": self.used_bytes(),
            "state": self.level().as_str(),
            "queriesRefused": refused,
            "queriesCancelled": cancelled,
            "writesRefused": writes,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shorter_memory_the_more_is_refused() {
        let memory = ProcessMemory::new(1000 << 20);
        let at = |mib: u64| {
            memory.note(mib << 20);
            (memory.admit_query().is_ok(), memory.level(), memory.refuse_write().is_none())
        };
        assert_eq!(at(849), (true, MemoryLevel::Enough, true));
        assert_eq!(at(850), (false, MemoryLevel::NoQueries, true));
        assert_eq!(at(919), (false, MemoryLevel::NoQueries, true));
        assert_eq!(at(920), (false, MemoryLevel::CancelQueries, true));
        assert_eq!(at(959), (false, MemoryLevel::CancelQueries, true));
        assert_eq!(at(960), (false, MemoryLevel::NoWrites, false));
        assert_eq!(at(100_000), (false, MemoryLevel::NoWrites, false));
        assert_eq!(at(0), (true, MemoryLevel::Enough, true));
        assert_eq!(memory.counts(), [("query", 6), ("running_query", 0), ("write", 2)]);
    }

    #[test]
    fn refusals_say_how_much_is_used_and_allowed() {
        let memory = ProcessMemory::new(1 << 30);
        memory.note(1 << 30);
        assert_eq!(
            memory.admit_query().expect_err("refused").message,
            "the process uses 1GiB of the 1GiB of memory allowed (--memory.limit), and from 85 % on there is none for new queries; try again later"
        );
        assert_eq!(
            memory.refuse_write().as_deref(),
            Some(
                "the process uses 1GiB of the 1GiB of memory allowed (--memory.limit), and from 96 % on there is none for writes"
            )
        );
    }
}
