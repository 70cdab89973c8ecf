//! A program that is running, what it exposes, and a Bellwether that scrapes it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use bellwether_exposition::{CreatedHandling, Event, Reader, validate_openmetrics};
use tempfile::TempDir;

use crate::support::{Answer, Bellwether, Process, exchange, wait_for};

const OPENMETRICS: &str = "application/openmetrics-text;version=1.0.0";

/// An example that listens.
pub(crate) struct Program {
    pub(crate) process: Process,
    /// `HOST:PORT`.
    pub(crate) addr: String,
    _dir: TempDir,
}

impl Program {
    /// Starts it on a port that the system chooses, which it says in its log.
    pub(crate) fn start(binary: &str) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("log");
        let log = fs::File::create(&path).expect("the log can be written");
        let mut command = Command::new(binary);
        command.arg("127.0.0.1:0").env("NO_COLOR", "1").stdin(Stdio::null()).stdout(log);
        let process = Process::spawn(&mut command);
        let addr = wait_for("the address in the log", || {
            let log = fs::read_to_string(&path).ok()?;
            let line = log.lines().find_map(|line| line.split_once("listens on http://"))?;
            log.contains('\n').then(|| line.1.to_owned())
        });
        Self { process, addr, _dir: dir }
    }

    pub(crate) fn get(&self, path: &str, accept: &str) -> Answer {
        exchange("GET", &format!("http://{}{path}", self.addr), &[("Accept", accept)], &[])
    }

    pub(crate) fn post(&self, path: &str, body: &str) -> Answer {
        exchange("POST", &format!("http://{}{path}", self.addr), &[], body.as_bytes())
    }

    /// What it exposes, by series as they are written. Every rule of OpenMetrics holds.
    pub(crate) fn series(&self) -> BTreeMap<String, f64> {
        let answer = self.get("/metrics", OPENMETRICS);
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert!(answer.header("content-type").starts_with("application/openmetrics-text; version=1.0.0"));
        validate_openmetrics(answer.body.as_bytes()).unwrap_or_else(|e| panic!("{e}:\n{}", answer.body));
        let reader = Reader::openmetrics(answer.body.as_bytes(), CreatedHandling::Series);
        let mut series = BTreeMap::new();
        for event in reader {
            if let Event::Series(found) = event.unwrap_or_else(|e| panic!("{e}:\n{}", answer.body)) {
                series.insert(String::from_utf8_lossy(found.raw()).into_owned(), found.value);
            }
        }
        series
    }

    /// Waits until the series have these values: what belongs to an answer may be counted after it was read.
    pub(crate) fn wait_for_series(&self, wanted: &[(&str, f64)]) {
        for (series, value) in wanted {
            wait_for(&format!("{series} {value}"), || {
                (self.series().get(*series) == Some(value)).then_some(())
            });
        }
    }

    /// A Bellwether that scrapes it each second. It is up.
    pub(crate) fn scraped(&self, dir: &Path) -> Bellwether {
        let config = format!(
            "global: {{scrape_interval: 1s}}\nscrape_configs:\n- job_name: example\n  static_configs:\n  - targets: ['{}']\n",
            self.addr
        );
        fs::write(dir.join("prometheus.yml"), config).expect("written");
        let server = Bellwether::serve(dir, &["--config.file=prometheus.yml"]);
        wait_for("the example to be up", || (server.value("up{job=\"example\"}") == Some(1.0)).then_some(()));
        server
    }
}

/// Waits until a query has exactly this value.
pub(crate) fn wait_for_value(server: &Bellwether, query: &str, want: f64) {
    wait_for(&format!("{query} to be {want}"), || (server.value(query) == Some(want)).then_some(()));
}
