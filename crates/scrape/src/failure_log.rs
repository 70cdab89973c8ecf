use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use parking_lot::Mutex;
use serde_json::json;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// A file with one line of JSON per failed scrape (`scrape_failure_log_file`).
#[derive(Debug)]
pub(crate) struct FailureLog {
    file: Mutex<File>,
}

impl FailureLog {
    /// Opens the file for appending and creates it if necessary.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        Ok(Self { file: Mutex::new(file) })
    }

    /// Appends a line; blocks on the file system.
    pub(crate) fn write(&self, now_ms: i64, job: &str, target: &str, error: &str) -> io::Result<()> {
        let time = OffsetDateTime::from_unix_timestamp_nanos(i128::from(now_ms) * 1_000_000)
            .ok()
            .and_then(|time| time.format(&Rfc3339).ok());
        let mut line = json!({
            "time": time,
            "level": "ERROR",
            "msg": error,
            "job_name": job,
            "target": target,
        })
        .to_string();
        line.push('\n');
        // One write, so that lines of several writers do not mix.
        self.file.lock().write_all(line.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn appends_lines_of_json() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let path = dir.path().join("failures.log");
        for error in ["first", "second \"quoted\"\n"] {
            let log = FailureLog::open(&path).expect("writable");
            log.write(1_700_000_000_123, "j", "http://a/metrics", error).expect("written");
        }
        let text = std::fs::read_to_string(&path).expect("readable");
        let lines: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        assert_eq!(
            lines[0],
            json!({"time": "2023-11-14T22:13:20.123Z", "level": "ERROR", "msg": "first", "job_name": "j", "target": "http://a/metrics"})
        );
        assert_eq!(lines[1]["msg"], "second \"quoted\"\n");
        assert!(FailureLog::open(dir.path()).is_err());
    }
}
