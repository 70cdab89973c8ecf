use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use bellwether_wire::{WriteRequestWriter, WriteSeries, compress_write_request};

use super::data::{BEGIN_MS, Data, END_MS, MINUTE_MS};
use crate::support::{Process, form, free_port, request, require, wait_http};

/// Debian's Prometheus, which takes remote writes and scrapes nothing.
#[derive(Debug)]
pub(crate) struct Prometheus {
    _process: Process,
    pub(crate) url: String,
}

impl Prometheus {
    pub(crate) fn start(dir: &Path) -> Self {
        require("prometheus");
        let dir = dir.join("prometheus");
        fs::create_dir(&dir).expect("made");
        // The evaluation interval is the step of subqueries that name none.
        fs::write(dir.join("prometheus.yml"), "global:\n  evaluation_interval: 1m\n").expect("written");
        let log = fs::File::create(dir.join("log")).expect("written");
        let port = free_port();
        let process = Process::spawn(
            Command::new("prometheus")
                .arg(format!("--web.listen-address=127.0.0.1:{port}"))
                .args(["--config.file=prometheus.yml", "--storage.tsdb.path=data", "--log.level=warn"])
                .args(["--storage.tsdb.retention.time=100y", "--web.enable-remote-write-receiver"])
                .current_dir(&dir)
                .stdout(Stdio::null())
                .stderr(log),
        );
        let url = format!("http://127.0.0.1:{port}");
        wait_http(&format!("{url}/-/ready"));
        Self { _process: process, url }
    }
}

/// Writes all data by remote write, a few minutes at a time, as a sender would.
pub(crate) fn write(url: &str, data: &Data) {
    let (mut message, mut body) = (Vec::new(), Vec::new());
    let mut from_ms = BEGIN_MS;
    while from_ms < END_MS {
        let to_ms = from_ms + 3 * MINUTE_MS;
        message.clear();
        let mut writer = WriteRequestWriter::new(&mut message);
        for (labels, samples) in data.between(from_ms, to_ms) {
            writer.series(&WriteSeries { labels, samples, exemplars: &[], histograms: &[] });
        }
        compress_write_request(&message, &mut body).expect("small enough");
        let headers = [
            ("Content-Type", "application/x-protobuf"),
            ("Content-Encoding", "snappy"),
            ("X-Prometheus-Remote-Write-Version", "0.1.0"),
        ];
        let (status, said) = request("POST", &format!("{url}/api/v1/write"), &headers, &body);
        assert!(status == 200 || status == 204, "{url}: {status} {said}");
        from_ms = to_ms;
    }
}

/// A kept connection to a server's API.
#[derive(Debug)]
pub(crate) struct Client {
    agent: ureq::Agent,
    url: String,
}

impl Client {
    pub(crate) fn new(url: &str) -> Self {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_mins(2)))
            .build()
            .into();
        Self { agent, url: url.to_owned() }
    }

    /// The body of the answer.
    pub(crate) fn ask(&self, endpoint: &str, params: &[(&str, &str)]) -> String {
        let url = format!("{}/api/v1/{endpoint}", self.url);
        let mut answer = self
            .agent
            .post(&url)
            .header("Content-Type", "application/x-www-form-urlencoded")
            .send(form(params).as_bytes())
            .unwrap_or_else(|e| panic!("{url} {params:?}: {e}"));
        let mut text = String::new();
        answer.body_mut().as_reader().read_to_string(&mut text).expect("the answer is text");
        text
    }
}
