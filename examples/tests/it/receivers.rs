//! Those that a job can push to beside Bellwether, each the real one.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::{Process, free_port, python, request, require, root, wait_for, wait_http};

/// Starts Debian's Pushgateway and waits until it is ready. The port was free a moment ago.
pub(crate) fn pushgateway() -> (Process, String) {
    require("prometheus-pushgateway");
    let url = format!("127.0.0.1:{}", free_port());
    let process = Process::spawn(
        Command::new("prometheus-pushgateway")
            .arg(format!("--web.listen-address={url}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null()),
    );
    let url = format!("http://{url}");
    wait_http(&format!("{url}/-/ready"));
    (process, url)
}

/// Takes metrics by OTLP over HTTP and reads them with the messages that OpenTelemetry publishes.
pub(crate) struct OtlpReceiver {
    /// Where metrics are posted.
    pub(crate) url: String,
    _process: Process,
}

impl OtlpReceiver {
    pub(crate) fn start(dir: &Path) -> Self {
        let path = dir.join("otlp_receiver.log");
        let log = fs::File::create(&path).expect("the log can be written");
        let process = Process::spawn(
            Command::new(python())
                .arg(root().join("tests/apps/otlp_receiver.py"))
                .stdin(Stdio::null())
                .stdout(log),
        );
        let url = wait_for("the address of the receiver", || {
            let said = fs::read_to_string(&path).ok()?;
            said.strip_suffix('\n').map(str::to_owned)
        });
        Self { url, _process: process }
    }

    /// The last request that it took, as JSON.
    pub(crate) fn last(&self) -> Value {
        let (status, body) = request("GET", &self.url, &[], &[]);
        assert_eq!(status, 200, "{body}");
        serde_json::from_str(&body).unwrap_or_else(|e| panic!("{e}: {body}"))
    }
}
