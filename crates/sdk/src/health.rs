//! Whether a service and what it depends on work: found out in the background, told at once.
//!
//! ```
//! use bellwether_sdk::Registry;
//! use bellwether_sdk::health::{Health, Severity};
//! use std::time::Duration;
//!
//! let health = Health::register(Registry::global())?;
//! let (every, timeout) = (Duration::from_secs(10), Duration::from_secs(2));
//! health.check("database", Severity::Critical, every, timeout, || {
//!     std::net::TcpStream::connect("127.0.0.1:9").map(drop)
//! })?;
//! // The routes /health/live, /health/ready and /health of any framework send these.
//! let answer = health.live();
//! assert_eq!((answer.status, answer.body.as_str()), (200, r#"{"status":"alive"}"#));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Each check has a thread of its own, so one that hangs holds up neither another one nor an answer. Two failures in a row make a check fail, one success lets it pass again; a check that never
//! succeeded fails with its first failure. An error, a panic, and each `timeout` that an attempt takes are a failure.
//!
//! | Family | Labels | Meaning |
//! |---|---|---|
//! | `health_status` | | which of `healthy`, `degraded`, `unhealthy` holds |
//! | `component_health` | `component` | 1 if the check passes, 0 if it fails; nothing before its first attempt is over |
//! | `health_check_status` | `check_type` | the same for dashboards that have this name |
//! | `health_check_duration_seconds` | `check_type` | how long the last attempt took, or takes already |
//! | `health_check_age_seconds` | `check_type` | time since the last attempt was over; since the check was added if none ever was |

use std::fmt::{self, Display, Write as _};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::error::RegisterError;
use crate::gauge::Gauge;
use crate::json;
use crate::registry::Registry;
use crate::state_set::StateSet;
use crate::{LabelValue, Labels, MetricSet};

/// How many failures in a row make a check fail.
const FAILURES: u32 = 2;
/// How often ages are brought up to date.
const TICK: Duration = Duration::from_secs(1);
/// How much of an error is told, in bytes.
const MAX_ERROR: usize = 256;

/// What it means for the service if a check fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// The service is unhealthy and not ready.
    Critical,
    /// The service is degraded.
    Minor,
}

/// How the service is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, LabelValue)]
pub enum Status {
    /// All checks pass.
    Healthy,
    /// A check that is not critical fails, or a critical one has had no result yet.
    Degraded,
    /// A critical check fails.
    Unhealthy,
}

/// What a route answers, for any framework to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status code: 200 or 503.
    pub status: u16,
    /// The media type of the body.
    pub content_type: &'static str,
    /// The body.
    pub body: String,
}

/// Why a check cannot be added.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckError {
    /// There is one already.
    #[error("there is a health check {name:?} already; give this one another name")]
    Taken {
        /// The name of both.
        name: String,
    },
    /// There is no thread for it.
    #[error("health check {name:?}: no thread can be started")]
    Thread {
        /// The name of the check.
        name: String,
        /// What the system says.
        source: io::Error,
    },
}

#[derive(Labels)]
struct Component<'a> {
    component: &'a str,
}

#[derive(Labels)]
struct CheckType<'a> {
    check_type: &'a str,
}

#[derive(MetricSet)]
struct Instruments {
    /// How the service is.
    health_status: StateSet<Status>,
    /// Whether a component works.
    component_health: Gauge<Component<'static>>,
    /// Whether a check passes.
    health_check_status: Gauge<CheckType<'static>>,
    /// How long a check took the last time, or takes already.
    #[metric(unit = "seconds")]
    health_check_duration: Gauge<CheckType<'static>>,
    /// Time since a check was over the last time.
    #[metric(unit = "seconds")]
    health_check_age: Gauge<CheckType<'static>>,
}

/// The checks of a service. A clone has the same ones; they stop when the last clone is dropped.
#[derive(Clone)]
pub struct Health {
    owner: Arc<Owner>,
}

/// Ends the threads when it is dropped.
struct Owner {
    shared: Arc<Shared>,
}

struct Shared {
    instruments: Instruments,
    state: Mutex<State>,
    /// Signalled when a check was added, or an attempt is over, or all is.
    changed: Condvar,
    /// Signalled when all is over.
    stopped: Condvar,
}

#[derive(Default)]
struct State {
    is_stopped: bool,
    is_watched: bool,
    checks: Vec<Check>,
}

struct Check {
    name: String,
    severity: Severity,
    timeout: Duration,
    added: Instant,
    /// When the attempt began that is under way.
    began: Option<Instant>,
    /// When the last attempt was over, and how long it took.
    ended: Option<(Instant, Duration)>,
    has_succeeded: bool,
    /// In a row.
    failures: u32,
    error: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    Pending,
    Passing,
    Failing,
}

impl Standing {
    fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Passing => "passing",
            Self::Failing => "failing",
        }
    }
}

impl Check {
    /// For how many timeouts an attempt takes already, or took.
    fn timeouts(&self, took: Duration) -> u32 {
        u32::try_from(took.as_nanos() / self.timeout.as_nanos()).unwrap_or(u32::MAX)
    }

    fn overdue(&self, now: Instant) -> u32 {
        self.began.map_or(0, |began| self.timeouts(now - began))
    }

    fn standing(&self, now: Instant) -> Standing {
        let failures = self.failures.saturating_add(self.overdue(now));
        let enough = if self.has_succeeded { FAILURES } else { 1 };
        match failures {
            n if n >= enough => Standing::Failing,
            _ if self.has_succeeded => Standing::Passing,
            _ => Standing::Pending,
        }
    }

    /// An attempt is over.
    fn end(&mut self, began: Instant, now: Instant, result: Result<(), String>) {
        let took = now - began;
        self.began = None;
        self.ended = Some((now, took));
        let timeouts = self.timeouts(took);
        if timeouts > 0 {
            self.failures = self.failures.saturating_add(timeouts);
            self.error = Some(self.no_answer());
        } else if let Err(mut error) = result {
            error.truncate(error.floor_char_boundary(MAX_ERROR));
            self.failures = self.failures.saturating_add(1);
            self.error = Some(error);
        } else {
            self.has_succeeded = true;
            self.failures = 0;
            self.error = None;
        }
    }

    fn no_answer(&self) -> String {
        format!("no answer within {:?}", self.timeout)
    }

    fn took(&self, now: Instant) -> Option<Duration> {
        self.began.map(|began| now - began).or(self.ended.map(|(_, took)| took))
    }

    fn age(&self, now: Instant) -> Duration {
        now - self.ended.map_or(self.added, |(at, _)| at)
    }

    /// When it becomes one more timeout that an attempt takes.
    fn next_timeout(&self, now: Instant) -> Option<Duration> {
        let began = self.began?;
        Some((began + self.timeout * (self.overdue(now).saturating_add(1))).saturating_duration_since(now))
    }
}

impl State {
    fn status(&self, now: Instant) -> Status {
        let standings = self.checks.iter().map(|check| (check.severity, check.standing(now)));
        let of = |(severity, standing)| match (severity, standing) {
            (Severity::Critical, Standing::Failing) => Status::Unhealthy,
            (Severity::Critical, Standing::Pending) | (Severity::Minor, Standing::Failing) => {
                Status::Degraded
            }
            _ => Status::Healthy,
        };
        standings.map(of).max_by_key(|status| *status as usize).unwrap_or(Status::Healthy)
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn expose(&self, state: &State, now: Instant) {
        self.instruments.health_status.set(state.status(now));
        for check in &state.checks {
            let check_type = || CheckType { check_type: &check.name };
            self.instruments.health_check_age.with(check_type()).set(check.age(now).as_secs_f64());
            if let Some(took) = check.took(now) {
                self.instruments.health_check_duration.with(check_type()).set(took.as_secs_f64());
            }
            let passes = match check.standing(now) {
                Standing::Pending => continue,
                Standing::Passing => 1.0,
                Standing::Failing => 0.0,
            };
            self.instruments.health_check_status.with(check_type()).set(passes);
            self.instruments.component_health.with(Component { component: &check.name }).set(passes);
        }
    }

    /// Exposes what changes until all is over.
    fn watch(&self) {
        let mut state = self.lock();
        while !state.is_stopped {
            let now = Instant::now();
            self.expose(&state, now);
            let next = state.checks.iter().filter_map(|check| check.next_timeout(now)).min();
            let wait = next.unwrap_or(TICK).min(TICK);
            state = self.changed.wait_timeout(state, wait).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Makes one attempt after the other until all is over.
    fn attempt(&self, idx: usize, every: Duration, mut check: impl FnMut() -> Result<(), String>) {
        loop {
            let began = Instant::now();
            {
                let mut state = self.lock();
                if state.is_stopped {
                    return;
                }
                state.checks[idx].began = Some(began);
            }
            self.changed.notify_all();
            let result = catch_unwind(AssertUnwindSafe(&mut check));
            let result = result.unwrap_or_else(|_| Err("it panicked".to_owned()));
            let mut state = self.lock();
            state.checks[idx].end(began, Instant::now(), result);
            self.expose(&state, Instant::now());
            let wait = self.stopped.wait_timeout_while(state, every, |state| !state.is_stopped);
            drop(wait.unwrap_or_else(PoisonError::into_inner));
        }
    }
}

impl Health {
    /// A service without checks, which is healthy.
    pub fn register(registry: &Registry) -> Result<Self, RegisterError> {
        let shared = Arc::new(Shared {
            instruments: Instruments::register(registry)?,
            state: Mutex::default(),
            changed: Condvar::new(),
            stopped: Condvar::new(),
        });
        shared.instruments.health_status.set(Status::Healthy);
        Ok(Self { owner: Arc::new(Owner { shared }) })
    }

    /// Adds a check, which is made at once and then `every` so often. Its name is the component it looks at.
    ///
    /// What an error says is told to who asks for [`Health::report`]: passwords do not belong there. An attempt that hangs is not repeated before it is over.
    pub fn check<E: Display>(
        &self,
        name: &str,
        severity: Severity,
        every: Duration,
        timeout: Duration,
        mut f: impl FnMut() -> Result<(), E> + Send + 'static,
    ) -> Result<(), CheckError> {
        let shared = &self.owner.shared;
        let mut state = shared.lock();
        if state.checks.iter().any(|check| check.name == name) {
            return Err(CheckError::Taken { name: name.to_owned() });
        }
        let spawn = |thread: String, work: Box<dyn FnOnce() + Send>| {
            let spawned = std::thread::Builder::new().name(thread).spawn(work);
            spawned.map(drop).map_err(|source| CheckError::Thread { name: name.to_owned(), source })
        };
        if !state.is_watched {
            let ours = Arc::clone(shared);
            spawn("health".to_owned(), Box::new(move || ours.watch()))?;
            state.is_watched = true;
        }
        let (ours, idx) = (Arc::clone(shared), state.checks.len());
        let work = move || ours.attempt(idx, every, || f().map_err(|error| error.to_string()));
        // It waits for the lock, so its check is there.
        spawn(format!("health {name}"), Box::new(work))?;
        state.checks.push(Check {
            name: name.to_owned(),
            severity,
            timeout: timeout.max(Duration::from_millis(1)),
            added: Instant::now(),
            began: None,
            ended: None,
            has_succeeded: false,
            failures: 0,
            error: None,
        });
        drop(state);
        shared.changed.notify_all();
        Ok(())
    }

    /// How the service is.
    pub fn status(&self) -> Status {
        self.owner.shared.lock().status(Instant::now())
    }

    /// For `/health/live`: the process answers, and that is all it says. Whoever restarts it because a database is away makes things worse.
    pub fn live(&self) -> Answer {
        answer(200, r#"{"status":"alive"}"#.to_owned())
    }

    /// For `/health/ready`: 503 with the names of the critical checks that do not pass, those included that had no result yet.
    pub fn ready(&self) -> Answer {
        let (now, state) = (Instant::now(), self.owner.shared.lock());
        let is_missing =
            |check: &&Check| check.severity == Severity::Critical && check.standing(now) != Standing::Passing;
        let missing: Vec<&str> =
            state.checks.iter().filter(is_missing).map(|check| check.name.as_str()).collect();
        if missing.is_empty() {
            return answer(200, r#"{"status":"ready"}"#.to_owned());
        }
        let mut body = String::from(r#"{"status":"not ready","failing":"#);
        json::array(&mut body, missing, json::text);
        body.push('}');
        answer(503, body)
    }

    /// For `/health`: all checks, with 503 if the service is unhealthy.
    pub fn report(&self) -> Answer {
        let (now, state) = (Instant::now(), self.owner.shared.lock());
        let status = state.status(now);
        let mut body = String::new();
        let _ = write!(body, r#"{{"status":"{}","checks":"#, Status::VALUES[status.index()]);
        json::array(&mut body, &state.checks, |out, check| {
            out.push_str(r#"{"name":"#);
            json::text(out, &check.name);
            let (standing, is_critical) = (check.standing(now), check.severity == Severity::Critical);
            let _ = write!(out, r#","status":"{}","critical":{is_critical}"#, standing.as_str());
            out.push_str(r#","duration_seconds":"#);
            json::number(out, check.took(now).map(|took| took.as_secs_f64()));
            out.push_str(r#","age_seconds":"#);
            json::number(out, check.ended.map(|_| check.age(now).as_secs_f64()));
            let overdue = (check.overdue(now) > 0).then(|| check.no_answer());
            if let Some(error) = overdue.as_ref().or(check.error.as_ref()) {
                out.push_str(r#","error":"#);
                json::text(out, error);
            }
            out.push('}');
        });
        body.push('}');
        answer(if status == Status::Unhealthy { 503 } else { 200 }, body)
    }
}

fn answer(status: u16, body: String) -> Answer {
    Answer { status, content_type: "application/json", body }
}

impl Drop for Owner {
    fn drop(&mut self) {
        // The threads end by themselves; an attempt that hangs is not waited for.
        self.shared.lock().is_stopped = true;
        self.shared.changed.notify_all();
        self.shared.stopped.notify_all();
    }
}

impl fmt::Debug for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.owner.shared.lock();
        f.debug_list().entries(state.checks.iter().map(|check| &check.name)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(severity: Severity) -> Check {
        Check {
            name: "a".to_owned(),
            severity,
            timeout: Duration::from_secs(2),
            added: Instant::now(),
            began: None,
            ended: None,
            has_succeeded: false,
            failures: 0,
            error: None,
        }
    }

    #[test]
    fn one_failure_is_none_and_two_are() {
        let mut check = check(Severity::Critical);
        let at = check.added;
        let after = |seconds| at + Duration::from_secs(seconds);
        let failure = || Err("no".repeat(200));
        let mut standings = Vec::new();
        for (second, result) in
            [Ok(()), failure(), Ok(()), failure(), failure(), Ok(())].into_iter().enumerate()
        {
            let second = after(second as u64);
            check.end(second, second, result);
            standings.push(check.standing(second).as_str());
        }
        assert_eq!(standings, ["passing", "passing", "passing", "passing", "failing", "passing"]);
        check.end(at, at, failure());
        assert_eq!(check.error.as_ref().map(String::len), Some(MAX_ERROR));
    }

    #[test]
    fn each_timeout_of_an_attempt_is_a_failure() {
        let mut check = check(Severity::Critical);
        let at = check.added;
        let after = |seconds| at + Duration::from_secs(seconds);
        check.began = Some(at);
        assert!(check.standing(after(1)) == Standing::Pending);
        assert!(check.standing(after(2)) == Standing::Failing, "it never succeeded");
        check.end(at, after(1), Ok(()));
        check.began = Some(after(10));
        assert!(check.standing(after(13)) == Standing::Passing, "one timeout is one failure");
        assert_eq!(check.next_timeout(after(13)), Some(Duration::from_secs(1)));
        assert!(check.standing(after(14)) == Standing::Failing);
        check.end(after(10), after(15), Ok(()));
        assert!(check.standing(after(15)) == Standing::Failing, "an answer that comes too late is none");
        assert_eq!(check.error.as_deref(), Some("no answer within 2s"));
        assert_eq!(
            (check.age(after(20)), check.took(after(20))),
            (Duration::from_secs(5), Some(Duration::from_secs(5)))
        );
    }

    #[test]
    fn the_worst_check_says_how_the_service_is() {
        let now = Instant::now();
        let state = |checks: &[(Severity, Option<bool>)]| {
            let checks = checks.iter().map(|(severity, result)| {
                let mut check = check(*severity);
                if let Some(is_ok) = result {
                    check.end(now, now, if *is_ok { Ok(()) } else { Err(String::new()) });
                }
                check
            });
            State { checks: checks.collect(), ..State::default() }.status(now)
        };
        let (critical, minor) = (Severity::Critical, Severity::Minor);
        assert_eq!(state(&[]), Status::Healthy);
        assert_eq!(state(&[(critical, Some(true)), (minor, None)]), Status::Healthy);
        assert_eq!(state(&[(critical, None)]), Status::Degraded);
        assert_eq!(state(&[(critical, Some(true)), (minor, Some(false))]), Status::Degraded);
        assert_eq!(
            state(&[(minor, Some(true)), (critical, Some(false)), (minor, Some(false))]),
            Status::Unhealthy
        );
    }
}
