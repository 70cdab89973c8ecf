//! Sending: one notification to one service, again and again until it is taken or something newer is due.

mod circuit;
mod cram_md5;
mod error;
mod gate;
mod http;
mod mail;
mod rate;
mod smtp_wire;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bellwether_model::Clock;
use bellwether_outbound::{ClientConfigError, ClientOptions, HttpClient};
use tokio::time::{Instant, sleep_until, timeout_at};

pub use circuit::Circuit;
pub use error::{AttemptError, FailureReason, SendError};
pub use gate::{Gate, Place};
pub use mail::MailError;
pub use rate::RateLimit;

use crate::config::{Integration, IntegrationKind};
use crate::message::{Message, Posted};
use circuit::Breaker;
use http::Answers;
use mail::{Courier, Sealed};

/// An attempt takes no longer unless something else is said: who hangs is tried again.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(30);
/// So many messages of one integration are made and sent at once.
const AT_ONCE_MAX: usize = 32;
/// Whoever has less time left than this does not begin: what is cut off may have been taken all the same, and would be told twice.
const BEGIN_BEFORE: Duration = Duration::from_secs(1);
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

/// What sends the messages of one integration.
pub struct Sender {
    way: Way,
    /// How long an attempt may take.
    timeout: Duration,
    backoff: Backoff,
    clock: Arc<dyn Clock>,
    breaker: Arc<Breaker>,
    gate: Arc<Gate>,
    rate_limit: Option<Arc<RateLimit>>,
}

#[derive(Debug)]
enum Way {
    Http { client: HttpClient, answers: Answers },
    Mail(Box<Courier>),
}

/// Shows nothing of the clock, which cannot be shown.
impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender")
            .field("way", &self.way)
            .field("breaker", &self.breaker)
            .finish_non_exhaustive()
    }
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
        Ok(Self {
            way,
            timeout,
            backoff,
            clock: Arc::clone(&options.clock),
            breaker: Arc::default(),
            gate: Arc::new(Gate::new(AT_ONCE_MAX)),
            rate_limit: None,
        })
    }

    /// The same with a limit, which other senders may share.
    #[must_use]
    pub fn with_rate_limit(self, limit: Option<Arc<RateLimit>>) -> Self {
        Self { rate_limit: limit, ..self }
    }

    /// The same with what `before`, a sender for the same integration, knows of the service.
    #[must_use]
    pub(crate) fn continuing(self, before: &Self) -> Self {
        Self { breaker: Arc::clone(&before.breaker), gate: Arc::clone(&before.gate), ..self }
    }

    /// The limit that it has.
    pub(crate) fn rate_limit(&self) -> Option<&Arc<RateLimit>> {
        self.rate_limit.as_ref()
    }

    /// Whether messages go to the service.
    pub fn circuit(&self) -> Circuit {
        self.breaker.circuit()
    }

    /// Waits until messages may be made and sent, or `deadline`. `since_ms` is since when somebody is to be told, in milliseconds since the Unix epoch: who waits longest comes first.
    pub async fn enter(&self, since_ms: i64, deadline: Instant) -> Result<Place, AttemptError> {
        if let Some(limit) = &self.rate_limit
            && !limit.pass(since_ms, deadline).await
        {
            return Err(AttemptError::RateLimited);
        }
        self.place(since_ms, deadline).await
    }

    /// The same, whatever the limit of the receiver says.
    async fn place(&self, since_ms: i64, deadline: Instant) -> Result<Place, AttemptError> {
        let begin = deadline.checked_sub(BEGIN_BEFORE).unwrap_or(deadline);
        timeout_at(begin, self.gate.enter(since_ms)).await.map_err(|_| AttemptError::Crowded)
    }

    /// Waits as long as an attempt may take to make and send messages before all others, whatever the limit of the receiver says.
    pub(crate) async fn squeeze_in(&self) -> Result<Place, AttemptError> {
        self.place(i64::MIN, Instant::now() + self.timeout).await
    }

    /// Sends the messages one after the other, each until it is taken or `deadline`. `jitter` is asked for a number from 0 to 1 before each wait.
    pub async fn send(
        &self,
        messages: &[Message],
        place: Place,
        deadline: Instant,
        mut jitter: impl FnMut() -> f64,
    ) -> Result<Sent, SendError> {
        let mut sent = Sent { attempts: 0, posted: None };
        let since_ms = place.since_ms();
        let mut place = Some(place);
        for message in messages {
            let ready = self.ready(message).map_err(|last| SendError { attempts: sent.attempts, last })?;
            let persist =
                self.persist(&ready, (&mut place, since_ms), deadline, &mut sent.attempts, &mut jitter);
            let posted = persist.await?;
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
        (place, since_ms): (&mut Option<Place>, i64),
        deadline: Instant,
        attempts: &mut u32,
        jitter: &mut impl FnMut() -> f64,
    ) -> Result<Option<Posted>, SendError> {
        let mut failures = 0;
        let mut last_error = None;
        loop {
            // Whoever waits for something else leaves the place to others.
            let here = match place.take() {
                Some(here) => here,
                None => match self.place(since_ms, deadline).await {
                    Ok(here) => here,
                    Err(crowded) => {
                        let last = last_error.unwrap_or(crowded);
                        return Err(SendError { attempts: *attempts, last });
                    }
                },
            };
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
                            *place = Some(here);
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
            drop(here);
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
                http::attempt(client, *answers, call, deadline, self.clock.now_ms()).await
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
