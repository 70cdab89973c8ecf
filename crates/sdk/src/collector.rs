//! Values that somebody has to fetch: refreshed in the background, so that a scrape never waits for a database.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bellwether_exposition::{Family, MetricType, Number};

use crate::encode::Sink;

/// After failures the time between two attempts grows up to this many times what it was.
const MAX_BACKOFF: u32 = 16;

/// A collector that runs until this is dropped.
#[must_use = "the collector stops when this is dropped"]
pub struct Collector {
    state: Arc<State>,
}

impl fmt::Debug for Collector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Collector({})", self.state.name)
    }
}

/// What is known about a collector.
pub(crate) struct State {
    name: String,
    run: Mutex<Run>,
    /// Signalled when the collector is to stop.
    stop: Condvar,
}

struct Run {
    is_stopped: bool,
    created: Instant,
    /// When the attempt began that is under way.
    began: Option<Instant>,
    /// When the last attempt ended that brought values.
    succeeded: Option<Instant>,
    /// How long the last attempt took that ended.
    took: Duration,
    failures: u64,
}

impl Collector {
    /// Starts a thread that calls `refresh` at once and then after each `every`, as long as `may_run` says so. An attempt fails if it returns an error or panics.
    pub(crate) fn start<E>(
        name: &str,
        every: Duration,
        may_run: impl Fn() -> bool + Send + 'static,
        mut refresh: impl FnMut() -> Result<(), E> + Send + 'static,
    ) -> std::io::Result<Self> {
        let run = Run {
            is_stopped: false,
            created: Instant::now(),
            began: None,
            succeeded: None,
            took: Duration::ZERO,
            failures: 0,
        };
        let state = Arc::new(State { name: name.to_owned(), run: Mutex::new(run), stop: Condvar::new() });
        let ours = Arc::clone(&state);
        let work = move || {
            let mut backoff = 1;
            loop {
                if !may_run() {
                    if ours.wait(ours.lock(), every) {
                        return;
                    }
                    continue;
                }
                let began = Instant::now();
                ours.lock().began = Some(began);
                let is_ok = matches!(catch_unwind(AssertUnwindSafe(&mut refresh)), Ok(Ok(())));
                let ended = Instant::now();
                let mut run = ours.lock();
                run.began = None;
                run.took = ended - began;
                if is_ok {
                    run.succeeded = Some(ended);
                    backoff = 1;
                } else {
                    run.failures += 1;
                    backoff = (backoff * 2).min(MAX_BACKOFF);
                }
                if ours.wait(run, every * backoff) {
                    return;
                }
            }
        };
        std::thread::Builder::new().name(format!("collect {name}")).spawn(work)?;
        Ok(Self { state })
    }

    pub(crate) fn state(&self) -> Arc<State> {
        Arc::clone(&self.state)
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        // The thread ends by itself; an attempt that hangs is not waited for.
        self.state.lock().is_stopped = true;
        self.state.stop.notify_all();
    }
}

impl State {
    fn lock(&self) -> MutexGuard<'_, Run> {
        self.run.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits, but not longer than until the collector is to stop. Returns whether it is.
    fn wait(&self, run: MutexGuard<'_, Run>, time: Duration) -> bool {
        let wait = self.stop.wait_timeout_while(run, time, |run| !run.is_stopped);
        wait.unwrap_or_else(PoisonError::into_inner).0.is_stopped
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.lock().is_stopped
    }
}

/// Writes how the collectors are doing.
pub(crate) fn encode(collectors: &[Arc<State>], sink: &mut impl Sink) {
    if collectors.is_empty() {
        return;
    }
    let mut family = |name, metric_type, unit, help, value: &dyn Fn(&Run) -> Number| {
        sink.family(&Family { name, metric_type, help, unit });
        for state in collectors {
            sink.number("collector", &state.name, value(&state.lock()));
        }
    };
    let age = "Age of what a collector fetched last; since it was started if it never did.";
    family("bellwether_collector_age_seconds", MetricType::Gauge, "seconds", age, &|run| {
        Number::Float(run.succeeded.unwrap_or(run.created).elapsed().as_secs_f64())
    });
    let took = "How long a collector took the last time, or takes already.";
    family("bellwether_collector_duration_seconds", MetricType::Gauge, "seconds", took, &|run| {
        Number::Float(run.began.map_or(run.took, |began| began.elapsed()).as_secs_f64())
    });
    let failures = "Attempts of a collector that failed or panicked.";
    family("bellwether_collector_failures", MetricType::Counter, "", failures, &|run| {
        Number::Count(run.failures)
    });
}
