//! Sending: one notification to one service, again and again until it is taken or something newer is due.

use std::time::Duration;

use bellwether_outbound::{ClientConfigError, ClientOptions, HttpClient, OutboundError, Request};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use tokio::time::{Instant, sleep_until};
use url::Url;

use crate::config::{Integration, IntegrationKind};
use crate::message::Call;

/// An answer that says why is read so far, in bytes.
const ANSWER_BYTES_MAX: usize = 4 << 10;
/// Each wait is so many times the one before.
const GROWTH: u32 = 2;

/// How long to wait before trying again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// After the first failure.
    pub first: Duration,
    /// At most.
    pub max: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { first: Duration::from_millis(500), max: Duration::from_mins(1) }
    }
}

impl Backoff {
    /// The wait after so many failures. `jitter`, from 0 to 1, takes up to half of it away, so that those who failed together do not come back together.
    fn wait(self, failures: u32, jitter: f64) -> Duration {
        let grown = self.first.saturating_mul(GROWTH.saturating_pow(failures.saturating_sub(1)));
        grown.min(self.max).mul_f64(1.0 - jitter.clamp(0.0, 1.0) / 2.0)
    }
}

/// Why nobody was told.
#[derive(Debug, thiserror::Error)]
#[error("{attempts} attempts, the last one: {last}")]
pub struct SendError {
    /// How often it was tried.
    pub attempts: u32,
    /// What went wrong at last.
    #[source]
    pub last: AttemptError,
}

/// Why an attempt failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AttemptError {
    /// No answer came.
    #[error(transparent)]
    Outbound(#[from] OutboundError),
    /// The service refused it.
    #[error("the service answered {status}{}{answer}", if answer.is_empty() { "" } else { ": " })]
    Refused {
        /// The status.
        status: StatusCode,
        /// The beginning of what it said.
        answer: String,
        /// How long it wants to be left alone.
        retry_after: Option<Duration>,
    },
    /// The request cannot be made.
    #[error("{0}")]
    Request(&'static str),
}

impl AttemptError {
    /// Whether another attempt may go better: connections that break, servers that fail or have too much to do.
    fn may_pass(&self) -> bool {
        match self {
            Self::Outbound(_) => true,
            Self::Refused { status, .. } => {
                status.is_server_error()
                    || matches!(*status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT)
            }
            Self::Request(_) => false,
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

/// What sends the messages of one integration.
#[derive(Debug, Clone)]
pub struct Sender {
    client: HttpClient,
    /// How long an attempt may take; `None` for as long as there is.
    timeout: Option<Duration>,
    backoff: Backoff,
}

impl Sender {
    /// A sender for an integration. Certificates are read now, which blocks.
    pub fn new(
        integration: &Integration,
        options: &ClientOptions,
        backoff: Backoff,
    ) -> Result<Self, ClientConfigError> {
        let client = HttpClient::new(&integration.common.http, options)?;
        let timeout_ms = match &integration.kind {
            IntegrationKind::Webhook(it) => it.timeout_ms,
            IntegrationKind::Http(it) => it.timeout_ms,
            IntegrationKind::Slack(it) => it.timeout_ms,
            IntegrationKind::PagerDuty(it) => it.timeout_ms,
            _ => 0,
        };
        let timeout = u64::try_from(timeout_ms).ok().filter(|ms| *ms > 0).map(Duration::from_millis);
        Ok(Self { client, timeout, backoff })
    }

    /// Sends the calls one after the other, each until it is taken or `deadline`. `jitter` is asked for a number from 0 to 1 before each wait.
    pub async fn send(
        &self,
        calls: &[Call],
        deadline: Instant,
        mut jitter: impl FnMut() -> f64,
    ) -> Result<(), SendError> {
        for call in calls {
            let mut attempts = 0;
            loop {
                attempts += 1;
                let Err(last) = self.attempt(call, deadline).await else { break };
                if !last.may_pass() {
                    return Err(SendError { attempts, last });
                }
                let wait = self.backoff.wait(attempts, jitter()).max(last.retry_after().unwrap_or_default());
                let next = Instant::now() + wait;
                if next >= deadline {
                    return Err(SendError { attempts, last });
                }
                sleep_until(next).await;
            }
        }
        Ok(())
    }

    async fn attempt(&self, call: &Call, deadline: Instant) -> Result<(), AttemptError> {
        let deadline = self.timeout.map_or(deadline, |timeout| deadline.min(Instant::now() + timeout));
        let response = self.client.send(request(call)?, deadline).await?;
        let status = response.status();
        let retry_after = response.header(header::RETRY_AFTER).and_then(|text| text.trim().parse().ok());
        let mut answer = Vec::new();
        // What cannot be read of the answer changes nothing about it.
        let _ = response.read_into(&mut answer, ANSWER_BYTES_MAX).await;
        if status.is_success() {
            return Ok(());
        }
        let answer = String::from_utf8_lossy(&answer).trim().to_owned();
        Err(AttemptError::Refused { status, answer, retry_after: retry_after.map(Duration::from_secs) })
    }
}

fn request(call: &Call) -> Result<Request, AttemptError> {
    let url = Url::parse(call.url.reveal()).map_err(|_| AttemptError::Request("the URL is none"))?;
    let mut headers = HeaderMap::new();
    for (name, value) in &call.headers {
        let name: HeaderName =
            name.parse().map_err(|_| AttemptError::Request("a header has no valid name"))?;
        let mut value = HeaderValue::from_str(value.reveal())
            .map_err(|_| AttemptError::Request("a header has no valid value"))?;
        value.set_sensitive(name == header::AUTHORIZATION);
        headers.insert(name, value);
    }
    let method =
        Method::from_bytes(call.method.as_bytes()).map_err(|_| AttemptError::Request("no such method"))?;
    // Whoever knows the address of a hook can send to it, so no error shows more than the host.
    Ok(Request { method, headers, secret_path: true, ..Request::post(url, call.body.clone().into()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_bound() {
        let backoff = Backoff { first: Duration::from_secs(1), max: Duration::from_secs(10) };
        let waits = [1, 2, 3, 4, 5, 100].map(|failures| backoff.wait(failures, 0.0).as_secs());
        assert_eq!(waits, [1, 2, 4, 8, 10, 10]);
        assert_eq!(backoff.wait(2, 1.0), Duration::from_secs(1), "half at least");
    }
}
