//! Sending: one notification to one service, again and again until it is taken or something newer is due.

mod circuit;
mod cram_md5;
mod http;
mod mail;
mod rate;
mod smtp_wire;

use std::sync::Arc;
use std::time::Duration;

use ::http::StatusCode;
use bellwether_outbound::{ClientConfigError, ClientOptions, HttpClient, OutboundError};
use tokio::time::{Instant, sleep_until};

pub use circuit::Circuit;
pub use mail::MailError;
pub use rate::RateLimit;

use crate::config::{Integration, IntegrationKind};
use crate::message::{Message, Posted};
use circuit::Breaker;
use http::Answers;
use mail::{Courier, Sealed};

/// An attempt takes no longer unless something else is said: who hangs is tried again.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(30);
/// Those who wait for a service to come back do not all come in the same moment.
const SPREAD: Duration = Duration::from_secs(1);
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

/// What came of sending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// How often it was tried.
    pub attempts: u32,
    /// By what the service knows the message again, if it says so.
    pub posted: Option<Posted>,
}

/// Why nobody was told.
#[derive(Debug, thiserror::Error)]
#[error("{}{last}", tried(*attempts))]
pub struct SendError {
    /// How often it was tried.
    pub attempts: u32,
    /// What went wrong at last.
    #[source]
    pub last: AttemptError,
}

fn tried(attempts: u32) -> String {
    if attempts == 0 { String::new() } else { format!("{attempts} attempts, the last one: ") }
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
        /// Whether it says that another attempt may go better.
        may_pass: bool,
    },
    /// The request cannot be made.
    #[error("{0}")]
    Request(&'static str),
    /// The mail was not taken.
    #[error(transparent)]
    Mail(#[from] MailError),
    /// It was not tried, because the service fails all the time.
    #[error("not tried, because the last attempts failed: {0}")]
    CircuitOpen(String),
    /// It was not tried, because the receiver was told too much already.
    #[error("not tried: the receiver gets no more messages per minute (max_per_minute)")]
    RateLimited,
}

impl AttemptError {
    /// Whether another attempt may go better: connections that break, servers that fail or have too much to do.
    fn may_pass(&self) -> bool {
        match self {
            Self::Outbound(_) | Self::CircuitOpen(_) | Self::RateLimited => true,
            Self::Refused { may_pass, .. } => *may_pass,
            Self::Mail(error) => error.may_pass(),
            Self::Request(_) => false,
        }
    }

    /// Whether the service is there and said this itself.
    fn is_answer(&self) -> bool {
        matches!(self, Self::Refused { .. } | Self::Mail(MailError::Refused { .. } | MailError::Smtp(_)))
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// Whether the service does not know a message any more that is to be changed or answered.
    pub(crate) fn has_lost_message(&self) -> bool {
        match self {
            Self::Refused { answer, .. } => {
                ["message_not_found", "cant_update_message", "edit_window_closed", "thread_not_found"]
                    .iter()
                    .any(|error| answer.contains(error))
            }
            _ => false,
        }
    }
}

/// What sends the messages of one integration.
#[derive(Debug)]
pub struct Sender {
    way: Way,
    /// How long an attempt may take.
    timeout: Duration,
    backoff: Backoff,
    breaker: Breaker,
    rate_limit: Option<Arc<RateLimit>>,
}

#[derive(Debug)]
enum Way {
    Http { client: HttpClient, answers: Answers },
    Mail(Box<Courier>),
}

/// A message that is the same however often it is tried.
enum Ready<'m> {
    Call(&'m crate::message::Call),
    Mail(Sealed),
}

impl Sender {
    /// A sender for an integration. Certificates are read now, which blocks.
    pub fn new(
        integration: &Integration,
        options: &ClientOptions,
        backoff: Backoff,
    ) -> Result<Self, ClientConfigError> {
        let way = match &integration.kind {
            IntegrationKind::Email(receiver) => {
                Way::Mail(Box::new(Courier::new(receiver, Arc::clone(&options.clock))?))
            }
            kind => Way::Http {
                client: HttpClient::new(&integration.common.http, options)?,
                answers: Answers::of(kind),
            },
        };
        let timeout = u64::try_from(integration.common.timeout_ms).ok().filter(|ms| *ms > 0);
        let timeout = timeout.map_or(ATTEMPT_TIMEOUT, Duration::from_millis);
        Ok(Self { way, timeout, backoff, breaker: Breaker::default(), rate_limit: None })
    }

    /// The same with a limit, which other senders may share.
    #[must_use]
    pub fn with_rate_limit(self, limit: Option<Arc<RateLimit>>) -> Self {
        Self { rate_limit: limit, ..self }
    }

    /// Whether messages go to the service.
    pub fn circuit(&self) -> Circuit {
        self.breaker.circuit()
    }

    /// Sends the messages one after the other, each until it is taken or `deadline`. `jitter` is asked for a number from 0 to 1 before each wait.
    pub async fn send(
        &self,
        messages: &[Message],
        deadline: Instant,
        mut jitter: impl FnMut() -> f64,
    ) -> Result<Sent, SendError> {
        if let Some(limit) = &self.rate_limit {
            let turn = limit
                .reserve(Instant::now(), deadline)
                .ok_or(SendError { attempts: 0, last: AttemptError::RateLimited })?;
            sleep_until(turn).await;
        }
        let mut sent = Sent { attempts: 0, posted: None };
        for message in messages {
            let ready = self.ready(message).map_err(|last| SendError { attempts: sent.attempts, last })?;
            let posted = self.persist(&ready, deadline, &mut sent.attempts, &mut jitter).await?;
            sent.posted = posted.or(sent.posted);
        }
        Ok(sent)
    }

    /// Sends the messages once, whatever was before, each within the time that an attempt may take.
    pub async fn send_once(&self, messages: &[Message]) -> Result<(), AttemptError> {
        for message in messages {
            self.attempt(&self.ready(message)?, Instant::now() + self.timeout).await?;
        }
        Ok(())
    }

    fn ready<'m>(&self, message: &'m Message) -> Result<Ready<'m>, AttemptError> {
        match (message, &self.way) {
            (Message::Call(call), _) => Ok(Ready::Call(call)),
            (Message::Mail(mail), Way::Mail(courier)) => Ok(Ready::Mail(courier.seal(mail)?)),
            (Message::Mail(_), Way::Http { .. }) => {
                unreachable!("BUG: a mail for an integration that sends none")
            }
        }
    }

    /// Tries until it goes well, cannot go well, or something newer is due.
    async fn persist(
        &self,
        message: &Ready<'_>,
        deadline: Instant,
        attempts: &mut u32,
        jitter: &mut impl FnMut() -> f64,
    ) -> Result<Option<Posted>, SendError> {
        let mut failures = 0;
        let mut last_error = None;
        loop {
            let until = match self.breaker.admit(Instant::now()) {
                Err(closed) => {
                    last_error.get_or_insert(AttemptError::CircuitOpen(closed.why));
                    turn(closed.until, failures, jitter())
                }
                Ok(leave) => {
                    *attempts += 1;
                    let error = match self.attempt(message, deadline).await {
                        Ok(posted) => {
                            leave.succeeded();
                            return Ok(posted);
                        }
                        Err(error) => error,
                    };
                    if !error.may_pass() {
                        if error.is_answer() {
                            leave.succeeded();
                        }
                        return Err(SendError { attempts: *attempts, last: error });
                    }
                    failures += 1;
                    let (now, retry_after) = (Instant::now(), error.retry_after());
                    leave.failed(now, &error.to_string(), retry_after);
                    let wait = self.backoff.wait(failures, jitter()).max(retry_after.unwrap_or_default());
                    last_error = Some(error);
                    now + wait
                }
            };
            if until >= deadline {
                let last = last_error.expect("BUG: nothing is waited for without a reason");
                return Err(SendError { attempts: *attempts, last });
            }
            sleep_until(until).await;
        }
    }

    async fn attempt(&self, message: &Ready<'_>, deadline: Instant) -> Result<Option<Posted>, AttemptError> {
        let deadline = deadline.min(Instant::now() + self.timeout);
        match (message, &self.way) {
            (Ready::Call(call), Way::Http { client, answers }) => {
                http::attempt(client, *answers, call, deadline).await
            }
            (Ready::Mail(sealed), Way::Mail(courier)) => {
                Ok(courier.deliver(sealed, deadline).await.map(|()| None)?)
            }
            _ => unreachable!("BUG: a message for an integration of another kind"),
        }
    }
}

/// When a message tries whether a service is back that may be asked at `until`. Those that failed before come after all others: what the service cannot digest must not keep the rest
/// from it.
fn turn(until: Instant, failures: u32, jitter: f64) -> Instant {
    let behind = if failures > 0 { SPREAD } else { Duration::ZERO };
    until + behind + SPREAD.mul_f64(jitter.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_not_failed_comes_first() {
        let until = Instant::now();
        assert!(turn(until, 0, 0.0) >= until);
        assert!(turn(until, 0, 1.0) <= turn(until, 1, 0.0));
    }

    #[test]
    fn waits_grow_to_a_bound() {
        let backoff = Backoff { first: Duration::from_secs(1), max: Duration::from_secs(10) };
        let waits = [1, 2, 3, 4, 5, 100].map(|failures| backoff.wait(failures, 0.0).as_secs());
        assert_eq!(waits, [1, 2, 4, 8, 10, 10]);
        assert_eq!(backoff.wait(2, 1.0), Duration::from_secs(1), "half at least");
    }
}
