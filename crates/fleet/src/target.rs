use std::net::SocketAddr;

use crate::platform::Platform;

/// Where a simulated process can be scraped, and as what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The platform that the process belongs to.
    pub platform: Platform,
    /// The value of its `job` label.
    pub job: &'static str,
    /// The value of its `instance` label.
    pub instance: &'static str,
    /// The address that it listens on.
    pub addr: SocketAddr,
}

impl Target {
    /// The path of the metrics.
    pub const METRICS_PATH: &'static str = "/metrics";

    /// The labels that a scrape of this target attaches to its series.
    pub fn labels(&self) -> [(&'static str, &'static str); 4] {
        [("demo", "true"), ("instance", self.instance), ("job", self.job), ("platform", self.platform.name())]
    }
}
