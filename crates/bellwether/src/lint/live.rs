//! A running server, as lint asks it.

use std::time::Duration;

use anyhow::Context as _;
use bellwether_lint::{AskError, Server};
use serde_json::Value;
use tokio::runtime::Runtime;
use tokio::time::Instant;
use url::Url;

use crate::query::Api;

/// How long one question may take.
const QUESTION_TIMEOUT: Duration = Duration::from_secs(30);

/// A server with Prometheus' HTTP API.
pub(super) struct LiveServer {
    api: Api,
    runtime: Runtime,
    url: Url,
    /// When there is no time left for further questions.
    deadline: Instant,
    time: Duration,
}

impl LiveServer {
    /// Asks nothing yet. All questions together may take so much time.
    pub(super) fn new(url: Url, time: Duration) -> anyhow::Result<Self> {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().context("no runtime")?;
        let api = {
            let _inside = runtime.enter();
            Api::of_server(url.clone(), QUESTION_TIMEOUT)?
        };
        Ok(Self { api, runtime, url, deadline: Instant::now() + time, time })
    }
}

impl Server for LiveServer {
    fn ask(&self, path: &str, params: &[(&'static str, String)]) -> Result<Value, AskError> {
        if Instant::now() >= self.deadline {
            let message = format!(
                "{}: the questions take longer than {:?}; give more with --live-timeout",
                self.url, self.time
            );
            return Err(AskError::Unreachable(message));
        }
        let segments: Vec<&str> = path.split('/').collect();
        let answer = self.runtime.block_on(self.api.answer(&segments, &params.to_vec()));
        let mut answer = answer.map_err(|error| AskError::Unreachable(format!("{}: {error:#}", self.url)))?;
        if answer["status"] == "success" {
            return Ok(answer["data"].take());
        }
        Err(AskError::Refused(answer["error"].as_str().unwrap_or("the server gave no reason").to_owned()))
    }

    fn follow(&self, url: &str) -> Result<(), String> {
        let url = Url::parse(url).map_err(|error| error.to_string())?;
        self.runtime.block_on(self.api.follow(url)).map_err(|error| format!("{error:#}"))
    }
}
