//! Handing metrics over instead of being scraped: for jobs that end before anybody looks.
//!
//! ```no_run
//! use bellwether_sdk::Registry;
//! use bellwether_sdk::push::Push;
//! use std::time::Duration;
//!
//! let pushing = Push::remote_write("http://127.0.0.1:9090/api/v1/write")
//!     .job("nightly_etl")
//!     .every(Duration::from_secs(15))
//!     .spool("/var/spool/nightly_etl")
//!     .start(Registry::global())?;
//! // The work.
//! pushing.succeed()?;
//! # Ok::<(), bellwether_sdk::push::PushError>(())
//! ```
//!
//! What is pushed is the whole registry, with totals since the start of the process: on [`Pushing::push`], at each interval, and at last on [`Pushing::succeed`] or when the
//! guard is dropped. A job that succeeded sets `bellwether_job_last_success_timestamp_seconds`; alerts on jobs belong on its age.
//!
//! A target that is away is tried again a few times, and then the request is kept in the spool, if there is one: whoever pushes to the same target with the same spool the next time sends what is
//! there first. A target that refuses is not asked again.

mod families;
mod http;
mod otlp;
mod remote_write;
mod spool;
mod tls;
mod url;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock;
use crate::counter::Counter;
use crate::error::RegisterError;
use crate::gauge::Gauge;
use crate::registry::{Opts, Registry};

use families::gather;
use spool::Spool;
use tls::Tls;
use url::Url;

/// Why something could not be handed over.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PushError {
    /// The address is none.
    #[error("{url:?} is no address to push to: {reason}")]
    Url {
        /// What was said.
        url: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A header cannot be sent.
    #[error(
        "the header {name:?} cannot be sent: names are letters, digits and hyphens, values have no line breaks"
    )]
    Header {
        /// The name of the header.
        name: String,
    },
    /// The certificates are unusable.
    #[error("root certificates: {source}")]
    Certificates {
        /// What is wrong with them.
        source: io::Error,
    },
    /// The target does not answer, or cannot work now.
    #[error("{target} does not take metrics, after {attempts} attempts: {source}{}", if *.is_kept { "; they are kept in the spool" } else { "" })]
    Unavailable {
        /// Where to.
        target: String,
        /// How often it was tried.
        attempts: u32,
        /// What went wrong the last time.
        source: io::Error,
        /// Whether the requests are in the spool.
        is_kept: bool,
    },
    /// The target does not want what it got. Trying again would not help.
    #[error("{target} refuses metrics with status {status}: {answer}")]
    Refused {
        /// Where to.
        target: String,
        /// The status code.
        status: u16,
        /// The beginning of what it said.
        answer: String,
    },
    /// The spool cannot be read or written.
    #[error("spool {}: {source}", path.display())]
    Spool {
        /// The folder or file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// There is no thread to push at an interval.
    #[error("no thread can be started to push: {0}")]
    Thread(io::Error),
    /// The families about pushing cannot be registered.
    #[error(transparent)]
    Register(#[from] RegisterError),
    /// The exposition of the registry cannot be read.
    #[error("BUG: the exposition of the registry cannot be read: {0}")]
    Exposition(#[from] bellwether_exposition::ParseError),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Protocol {
    RemoteWrite,
    Otlp,
    Pushgateway,
}

/// Where and how to push.
#[derive(Debug, Clone)]
pub struct Push {
    url: String,
    protocol: Protocol,
    job: Option<String>,
    instance: Option<String>,
    headers: Vec<(String, String)>,
    every: Option<Duration>,
    timeout: Duration,
    attempts: u32,
    backoff: Duration,
    spool: Option<PathBuf>,
    #[cfg(feature = "push-tls")]
    certificates: Option<Vec<u8>>,
}

impl Push {
    fn new(url: impl Into<String>, protocol: Protocol) -> Self {
        Self {
            url: url.into(),
            protocol,
            job: None,
            instance: None,
            headers: Vec::new(),
            every: None,
            timeout: Duration::from_secs(5),
            attempts: 3,
            backoff: Duration::from_millis(200),
            spool: None,
            #[cfg(feature = "push-tls")]
            certificates: None,
        }
    }

    /// Pushes by remote write 1.0, to an address such as `http://127.0.0.1:9090/api/v1/write`.
    pub fn remote_write(url: impl Into<String>) -> Self {
        Self::new(url, Protocol::RemoteWrite)
    }

    /// Pushes by OTLP over HTTP in protobuf, to an address such as `http://127.0.0.1:4318/v1/metrics`. Job and instance are `service.name` and `service.instance.id`.
    pub fn otlp(url: impl Into<String>) -> Self {
        Self::new(url, Protocol::Otlp)
    }

    /// Pushes to a Pushgateway, at an address such as `http://127.0.0.1:9091`. It keeps the last push of each job and instance until somebody deletes it; of families that
    /// the last push did not have it keeps the one before.
    pub fn pushgateway(url: impl Into<String>) -> Self {
        Self::new(url, Protocol::Pushgateway)
    }

    /// The label `job`. The name of the program if nothing is said.
    #[must_use]
    pub fn job(mut self, job: impl Into<String>) -> Self {
        self.job = Some(job.into());
        self
    }

    /// The label `instance`. The name of the host if nothing is said.
    #[must_use]
    pub fn instance(mut self, instance: impl Into<String>) -> Self {
        self.instance = Some(instance.into());
        self
    }

    /// A header of each request, for instance `Authorization`.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Pushes in the background after each `every`, and not only at the end.
    #[must_use]
    pub fn every(mut self, every: Duration) -> Self {
        self.every = Some(every);
        self
    }

    /// How long an attempt may wait for the target. 5 s if nothing is said.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout.max(Duration::from_millis(1));
        self
    }

    /// How often a target that is away is tried, at least once, and how long to wait before the second time; the time doubles each time. 3 times and 200 ms if nothing is said.
    #[must_use]
    pub fn attempts(mut self, attempts: u32, backoff: Duration) -> Self {
        self.attempts = attempts.clamp(1, 20);
        self.backoff = backoff;
        self
    }

    /// The folder where requests are kept whose target is away: up to 1,000 and 64 MiB for each target, of which the oldest go.
    #[must_use]
    pub fn spool(mut self, folder: impl Into<PathBuf>) -> Self {
        self.spool = Some(folder.into());
        self
    }

    /// Certificates in PEM that are trusted for https, instead of those of the system.
    #[cfg(feature = "push-tls")]
    #[must_use]
    pub fn root_certificates(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.certificates = Some(pem.into());
        self
    }

    /// Begins to push what a registry has. Nothing is sent before the first interval is over.
    pub fn start(self, registry: &Registry) -> Result<Pushing, PushError> {
        let mut url = Url::parse(&self.url)?;
        let job = self.job.unwrap_or_else(program_name);
        let instance = self.instance.unwrap_or_else(host_name);
        if self.protocol == Protocol::Pushgateway {
            if job.is_empty() || instance.is_empty() {
                let reason = "a Pushgateway needs a job and an instance that are not empty";
                return Err(PushError::Url { url: self.url, reason });
            }
            for segment in ["metrics", "job", &job, "instance", &instance] {
                if segment.contains('/') {
                    let reason = "a Pushgateway takes no slash in a job or an instance";
                    return Err(PushError::Url { url: self.url, reason });
                }
                url.push_segment(segment);
            }
        }
        let of_protocol: &[(&str, &str)] = match self.protocol {
            Protocol::RemoteWrite => &remote_write::HEADERS,
            Protocol::Otlp => &otlp::HEADERS,
            Protocol::Pushgateway => &[("content-type", "text/plain; version=0.0.4; charset=utf-8")],
        };
        let mut headers: Vec<(String, String)> =
            of_protocol.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        for (name, value) in self.headers {
            let is_name =
                !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
            if !is_name || value.chars().any(char::is_control) {
                return Err(PushError::Header { name });
            }
            headers.push((name, value));
        }
        #[cfg(feature = "push-tls")]
        let tls = match &self.certificates {
            Some(pem) => Tls::trusting(pem).map_err(|source| PushError::Certificates { source })?,
            None => Tls::default(),
        };
        #[cfg(not(feature = "push-tls"))]
        let tls = Tls::default();

        let opts = Opts::new("bellwether_push_failures", "Pushes whose target was away or refused.");
        let failures = registry.counter(opts)?;
        let opts = Opts::new(
            "bellwether_job_last_success_timestamp_seconds",
            "When the job succeeded the last time.",
        );
        let last_success: Gauge = registry.gauge(opts.unit("seconds"))?;
        // It is not exposed before it says something, so that a failed run does not overwrite what an earlier one said.
        if last_success.with(()).get() == 0.0 {
            last_success.remove(());
        }
        let spool = self.spool.map(|folder| Spool::new(&folder, &url.to_string()));
        let shared = Arc::new(Shared {
            registry: registry.clone(),
            start_ns: now_ns(),
            sender: Sender {
                url,
                headers,
                timeout: self.timeout,
                attempts: self.attempts,
                backoff: self.backoff,
                tls,
            },
            protocol: self.protocol,
            job,
            instance,
            spool,
            failures,
            last_success,
            sending: Mutex::new(()),
            is_stopped: Mutex::new(false),
            stop: Condvar::new(),
        });
        if let Some(every) = self.every {
            let ours = Arc::clone(&shared);
            let thread = std::thread::Builder::new().name("push metrics".to_owned());
            thread.spawn(move || ours.push_every(every)).map_err(PushError::Thread)?;
        }
        Ok(Pushing { shared, is_over: false })
    }
}

fn program_name() -> String {
    let program = std::env::args_os().next().map(PathBuf::from);
    let name = program.as_deref().and_then(Path::file_stem).map(|name| name.to_string_lossy().into_owned());
    name.filter(|name| !name.is_empty()).unwrap_or_else(|| "unknown".to_owned())
}

fn host_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").map(|name| name.trim().to_owned());
    name.ok().filter(|name| !name.is_empty()).unwrap_or_else(|| "localhost".to_owned())
}

fn now_ns() -> u64 {
    clock::nanoseconds(clock::wall())
}

struct Shared {
    registry: Registry,
    start_ns: u64,
    sender: Sender,
    protocol: Protocol,
    job: String,
    instance: String,
    spool: Option<Spool>,
    failures: Counter,
    last_success: Gauge,
    /// One push at a time.
    sending: Mutex<()>,
    is_stopped: Mutex<bool>,
    stop: Condvar,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    fn push_every(&self, every: Duration) {
        loop {
            let wait = self.stop.wait_timeout_while(lock(&self.is_stopped), every, |is_stopped| !*is_stopped);
            if *wait.unwrap_or_else(PoisonError::into_inner).0 {
                return;
            }
            // Whoever looks at the job sees the count of failures in the next push that works.
            let _ = self.push();
        }
    }

    fn push(&self) -> Result<(), PushError> {
        let _one_at_a_time = lock(&self.sending);
        let pushed = self.requests(now_ns()).and_then(|requests| self.hand_over(&requests));
        if pushed.is_err() {
            self.failures.inc();
        }
        pushed
    }

    /// The bodies of the requests that say what the registry has.
    fn requests(&self, now_ns: u64) -> Result<Vec<Vec<u8>>, PushError> {
        let (job, instance) = (self.job.as_str(), self.instance.as_str());
        Ok(match self.protocol {
            Protocol::RemoteWrite => {
                let target = [("instance", instance), ("job", job)];
                remote_write::requests(&gather(&self.registry)?, &target, (now_ns / 1_000_000) as i64)
            }
            Protocol::Otlp => {
                let times = otlp::Times { start_ns: self.start_ns, now_ns };
                vec![otlp::request(&gather(&self.registry)?, job, instance, times)]
            }
            Protocol::Pushgateway => vec![self.registry.text().into_bytes()],
        })
    }

    /// Sends what is in the spool and then these requests. What cannot be sent because the target is away goes to the spool.
    fn hand_over(&self, requests: &[Vec<u8>]) -> Result<(), PushError> {
        let mut refused = self.send_spooled(requests)?;
        for (idx, request) in requests.iter().enumerate() {
            match self.sender.send(request) {
                Ok(()) => {}
                Err(error @ PushError::Unavailable { .. }) => return Err(self.keep(error, &requests[idx..])),
                // The next request may be a better one.
                Err(error) => refused = Some(error),
            }
        }
        refused.map_or(Ok(()), Err)
    }

    /// Returns the refusal, if there was one: what is refused once is refused for ever.
    fn send_spooled(&self, requests: &[Vec<u8>]) -> Result<Option<PushError>, PushError> {
        let Some(spool) = &self.spool else { return Ok(None) };
        let failed = |path: &Path, source| PushError::Spool { path: path.to_owned(), source };
        let files = spool.files().map_err(|error| failed(spool.folder(), error))?;
        let mut refused = None;
        for file in files {
            // Somebody else may have sent it meanwhile. What is sent twice is the same sample twice.
            let Ok(body) = std::fs::read(&file) else { continue };
            match self.sender.send(&body) {
                Ok(()) => {}
                Err(error @ PushError::Unavailable { .. }) => return Err(self.keep(error, requests)),
                Err(error) => refused = Some(error),
            }
            spool::remove(&file).map_err(|error| failed(&file, error))?;
        }
        Ok(refused)
    }

    fn keep(&self, mut error: PushError, requests: &[Vec<u8>]) -> PushError {
        let Some(spool) = &self.spool else { return error };
        match spool.keep(requests, now_ns() / 1_000_000) {
            Ok(()) => {
                if let PushError::Unavailable { is_kept, .. } = &mut error {
                    *is_kept = true;
                }
                error
            }
            Err(source) => PushError::Spool { path: spool.folder().to_owned(), source },
        }
    }
}

struct Sender {
    url: Url,
    headers: Vec<(String, String)>,
    timeout: Duration,
    attempts: u32,
    backoff: Duration,
    tls: Tls,
}

impl Sender {
    fn send(&self, body: &[u8]) -> Result<(), PushError> {
        let target = || self.url.to_string();
        let mut attempt = 1;
        loop {
            let source = match http::post(&self.url, &self.headers, body, self.timeout, &self.tls) {
                Ok(answer) if (200..300).contains(&answer.status) => return Ok(()),
                Ok(answer) if answer.status == 429 || answer.status >= 500 => {
                    io::Error::other(format!("status {}: {}", answer.status, answer.text))
                }
                Ok(http::Answer { status, text }) => {
                    return Err(PushError::Refused { target: target(), status, answer: text });
                }
                Err(error) => error,
            };
            if attempt >= self.attempts {
                return Err(PushError::Unavailable {
                    target: target(),
                    attempts: attempt,
                    source,
                    is_kept: false,
                });
            }
            std::thread::sleep(self.backoff.saturating_mul(1 << (attempt - 1)));
            attempt += 1;
        }
    }
}

/// Pushes until this is dropped, and then once more. See [the module](self).
#[must_use = "what is pushed at the end is pushed when this is dropped"]
pub struct Pushing {
    shared: Arc<Shared>,
    is_over: bool,
}

impl Pushing {
    /// Pushes now.
    pub fn push(&self) -> Result<(), PushError> {
        self.shared.push()
    }

    /// The job is over and succeeded: sets the time of the last success and pushes for the last time.
    pub fn succeed(mut self) -> Result<(), PushError> {
        self.shared.last_success.set(now_ns() as f64 / 1e9);
        self.finish()
    }

    /// The job is over and did not succeed, which is what dropping it says as well; here the result is told.
    pub fn fail(mut self) -> Result<(), PushError> {
        self.finish()
    }

    fn finish(&mut self) -> Result<(), PushError> {
        self.is_over = true;
        *lock(&self.shared.is_stopped) = true;
        self.shared.stop.notify_all();
        self.shared.push()
    }
}

impl Drop for Pushing {
    fn drop(&mut self) {
        if !self.is_over {
            // There is nobody who could be told.
            let _ = self.finish();
        }
    }
}

impl fmt::Debug for Pushing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pushing({})", self.shared.sender.url)
    }
}
