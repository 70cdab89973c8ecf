//! The query log: one line of JSON for each query that was evaluated, as Prometheus writes it.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};

use crate::params::{format_time_ms, format_time_with_ms};
use crate::requester::Requester;

/// Where evaluated queries are logged; nowhere, until a file is set. A file that cannot be written costs no query its answer.
#[derive(Debug, Default)]
pub struct QueryLog {
    file: Mutex<Option<File>>,
    failures: AtomicU64,
    is_failing: AtomicBool,
}

/// What is logged of a query.
#[derive(Debug)]
pub(crate) struct QueryLogEntry<'a> {
    pub(crate) query: &'a str,
    /// In milliseconds since the Unix epoch.
    pub(crate) start_ms: i64,
    pub(crate) end_ms: i64,
    /// 0 for an instant query.
    pub(crate) step_ms: i64,
    pub(crate) stats: Value,
    pub(crate) error: Option<&'a str>,
    pub(crate) requester: &'a Requester,
}

impl QueryLog {
    /// Opens a file for appending, and creates it if necessary.
    pub fn open(path: &Path) -> io::Result<File> {
        OpenOptions::new().create(true).append(true).open(path)
    }

    /// Logs to `file` from now on, or nowhere.
    pub fn set_file(&self, file: Option<File>) {
        *self.lock() = file;
    }

    /// Whether queries are logged.
    pub(crate) fn is_enabled(&self) -> bool {
        self.lock().is_some()
    }

    /// How many lines could not be written.
    pub(crate) fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    /// Appends a line; blocks on the file system.
    pub(crate) fn write(&self, now_ms: i64, entry: &QueryLogEntry<'_>) {
        let mut file = self.lock();
        let Some(file) = file.as_mut() else { return };
        let mut line = json!({
            "time": format_time_ms(now_ms),
            "level": "INFO",
            "msg": "promql query logged",
            "params": {
                "query": entry.query,
                "start": format_time_with_ms(entry.start_ms),
                "end": format_time_with_ms(entry.end_ms),
                "step": entry.step_ms / 1000,
            },
            "stats": entry.stats,
            "httpRequest": {
                "clientIP": entry.requester.peer.ip().to_string(),
                "method": entry.requester.method.as_str(),
                "path": entry.requester.path,
            },
        });
        if let Some(error) = entry.error {
            line["error"] = error.into();
        }
        // One write, so that lines stay whole.
        let outcome = file.write_all(format!("{line}\n").as_bytes());
        let was_failing = self.is_failing.swap(outcome.is_err(), Ordering::Relaxed);
        if let Err(error) = outcome {
            self.failures.fetch_add(1, Ordering::Relaxed);
            if !was_failing {
                tracing::error!(%error, "the query log cannot be written; queries go on without it");
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<File>> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::*;

    #[test]
    fn a_full_disk_is_counted_and_nothing_else() {
        let log = QueryLog::default();
        let requester =
            Requester { peer: ([127, 0, 0, 1], 9).into(), method: Method::GET, path: "/x".to_owned() };
        let entry = QueryLogEntry {
            query: "up",
            start_ms: 0,
            end_ms: 0,
            step_ms: 0,
            stats: json!({}),
            error: None,
            requester: &requester,
        };
        log.write(0, &entry);
        assert_eq!((log.is_enabled(), log.failures()), (false, 0));
        log.set_file(QueryLog::open(Path::new("/dev/full")).ok());
        log.write(0, &entry);
        log.write(0, &entry);
        assert_eq!((log.is_enabled(), log.failures()), (true, 2));
    }
}
