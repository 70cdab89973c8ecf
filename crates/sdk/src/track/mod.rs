//! What the attribute [`track`](macro@crate::track) makes of a function: one count, one duration and one thing in flight for each run of an operation, however the run ends.
//!
//! The attribute is the way to use it, and lists its options; the functions here are what it expands to.
//!
//! ```
//! use bellwether_sdk::track::Status;
//! use bellwether_sdk::{Counter, Gauge, Histogram, Labels, MetricSet, Registry, track};
//! use std::sync::LazyLock;
//!
//! #[derive(Labels)]
//! struct Run<'a> {
//!     workflow_name: &'a str,
//!     status: Status,
//! }
//!
//! #[derive(MetricSet)]
//! #[metrics(prefix = "dag")]
//! struct Dag {
//!     /// Workflow runs that finished.
//!     workflow_executions: Counter<Run<'static>>,
//!     /// Time of a workflow run.
//!     #[metric(unit = "seconds")]
//!     workflow_duration: Histogram,
//!     /// Workflow runs under way.
//!     active_workflows: Gauge,
//! }
//!
//! static DAG: LazyLock<Dag> = LazyLock::new(|| Dag::register(Registry::global()).expect("the names are right"));
//!
//! struct Outcome {
//!     success: bool,
//! }
//!
//! #[track(
//!     counter = DAG.workflow_executions.with(Run { workflow_name: name, status }),
//!     histogram = DAG.workflow_duration,
//!     in_flight = DAG.active_workflows,
//!     key = name,
//!     ok = |outcome| outcome.success,
//! )]
//! fn run(name: &str, n: u32) -> Result<Outcome, String> {
//!     if n == 0 {
//!         return Err("nothing to do".to_owned());
//!     }
//!     Ok(Outcome { success: n < 5 })
//! }
//!
//! let _ = (run("etl", 0), run("etl", 1), run("etl", 5));
//! let of = |status| DAG.workflow_executions.with(Run { workflow_name: "etl", status }).get();
//! assert_eq!((of(Status::Success), of(Status::Failure)), (1.0, 2.0));
//! ```

mod active;
#[cfg(feature = "stream")]
mod stream;

use std::future::{Future, poll_fn};
use std::hash::{BuildHasher as _, Hash, Hasher as _};
use std::pin::pin;
use std::time::{Duration, Instant};

use crate::LabelValue;

use active::Entered;
#[cfg(feature = "stream")]
pub use stream::{Event, Tracked, stream};

/// How the run of an operation ended. As a label: `success`, `failure`, `cancelled`, `panic`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, LabelValue)]
pub enum Status {
    /// It gave what it was asked for.
    Success,
    /// It came to its end, with an error or with a result that counts as one.
    Failure,
    /// The future was dropped before its end.
    Cancelled,
    /// It panicked.
    Panic,
}

impl Status {
    /// Whether it is [`Status::Success`].
    #[must_use]
    pub fn is_success(self) -> bool {
        self == Self::Success
    }
}

/// True is success.
impl From<bool> for Status {
    fn from(is_success: bool) -> Self {
        if is_success { Self::Success } else { Self::Failure }
    }
}

/// Calls a closure with a reference; a closure that is written as an argument knows that it takes any lifetime.
#[inline]
pub fn judge<T: ?Sized, R>(value: &T, of: impl FnOnce(&T) -> R) -> R {
    of(value)
}

/// The number of an operation: of its name, and of what tells its runs apart, such as the name of a workflow.
#[inline]
pub fn operation(name: &str, key: &(impl Hash + ?Sized)) -> u64 {
    let mut hasher = foldhash::fast::FixedState::default().build_hasher();
    hasher.write(name.as_bytes());
    key.hash(&mut hasher);
    hasher.finish()
}

/// A run that is under way. Whatever happens to it, it is recorded once.
struct Run<G, R: FnMut(Status, Duration)> {
    /// Goes when the run is recorded.
    in_flight: Option<G>,
    started: Instant,
    record: R,
    /// Whether it is on some thread just now. If it is dropped meanwhile it panicked.
    is_running: bool,
}

impl<G, R: FnMut(Status, Duration)> Run<G, R> {
    fn begin(in_flight: impl FnOnce() -> G, record: R) -> Self {
        Self { in_flight: Some(in_flight()), started: Instant::now(), record, is_running: true }
    }

    fn end(&mut self, status: Status) {
        if self.in_flight.take().is_some() {
            (self.record)(status, self.started.elapsed());
        }
    }
}

impl<G, R: FnMut(Status, Duration)> Drop for Run<G, R> {
    fn drop(&mut self) {
        self.end(if self.is_running { Status::Panic } else { Status::Cancelled });
    }
}

/// Runs `body` as a run of an operation; as nothing of its own if a run of the same operation is under way on this thread already.
#[inline]
pub fn call<T, G>(
    operation: u64,
    body: impl FnOnce() -> T,
    in_flight: impl FnOnce() -> G,
    status: impl FnOnce(&T) -> Status,
    record: impl FnMut(Status, Duration),
) -> T {
    let Some(_entered) = Entered::first(operation) else { return body() };
    let mut run = Run::begin(in_flight, record);
    let result = body();
    run.end(status(&result));
    result
}

/// As [`call`], for a future. It begins when it is polled first, and the operation is under way for whatever it polls, on whichever thread.
pub async fn future<F: Future, G>(
    operation: u64,
    body: F,
    in_flight: impl FnOnce() -> G,
    status: impl FnOnce(&F::Output) -> Status,
    record: impl FnMut(Status, Duration),
) -> F::Output {
    if active::is_active(operation) {
        return body.await;
    }
    let mut body = pin!(body);
    // Behind the body, so that it is dropped first: what the body holds may take long to go.
    let mut run = Run::begin(in_flight, record);
    let result = poll_fn(|context| {
        let _entered = Entered::new(operation);
        run.is_running = true;
        let polled = body.as_mut().poll(context);
        run.is_running = polled.is_ready();
        polled
    });
    let result = result.await;
    run.end(status(&result));
    result
}
