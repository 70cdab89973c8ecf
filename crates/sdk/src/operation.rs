use std::fmt;
use std::marker::PhantomData;
use std::time::{Duration, Instant};

use crate::core::Core;
use crate::counter::CounterHandle;
use crate::error::RegisterError;
use crate::gauge::{Gauge, InFlight};
use crate::histogram::{Histogram, HistogramHandle};
use crate::kind::Kind;
use crate::labels::{Field, LabelValue, Labels, OpenValues, Values};
use crate::registry::{Instrument, Opts, Registry};
use crate::track::Status;

/// Four families about one kind of work: how often it was done and how it ended, how long it took, how much of it is under way, and how often it was tried again. `L` are its labels.
///
/// For a name `x` these are `x_total`, with the labels `status` and `error_type` beside those of `L`, `x_duration_seconds`, `x_in_flight` and `x_retries_total`. The status is `success`,
/// `failure`, `cancelled` or `panic`, and `error_type` is empty but for failures.
///
/// ```
/// use bellwether_sdk::{Labels, Operation, Opts, Registry};
///
/// #[derive(Labels)]
/// struct Call<'a> {
///     tool: &'a str,
/// }
///
/// let registry = Registry::new();
/// let calls = registry.operation::<Call<'static>>(Opts::new("tool_calls", "Calls of tools."))?;
/// let call = calls.start(Call { tool: "search" });
/// match std::str::from_utf8(b"found") {
///     Ok(_) => call.ok(),
///     Err(_) => call.fail("not_text"),
/// }
/// drop(calls.start(Call { tool: "fetch" }));
/// let text = registry.text();
/// assert!(text.contains("tool_calls_total{tool=\"search\",status=\"success\",error_type=\"\"} 1\n"));
/// assert!(text.contains("tool_calls_total{tool=\"fetch\",status=\"cancelled\",error_type=\"\"} 1\n"));
/// assert!(text.contains("tool_calls_in_flight{tool=\"fetch\"} 0\n"));
/// # Ok::<(), bellwether_sdk::RegisterError>(())
/// ```
pub struct Operation<L = ()> {
    outcomes: &'static Core,
    durations: &'static Core,
    in_flight: &'static Core,
    retries: &'static Core,
    labels: PhantomData<fn(L)>,
}

/// Work that is under way. Dropped without a word it counts as cancelled, or as a panic if that is why.
#[must_use = "the work counts as cancelled when this is dropped"]
pub struct OperationRun<'l, L: Labels> {
    operation: Operation<L>,
    labels: L::At<'l>,
    duration: HistogramHandle,
    _in_flight: InFlight,
    started: Instant,
    is_over: bool,
}

/// Labels that an operation has beside its own.
const ADDED: [Field; 2] = [
    Field { name: "status", values: Values::Closed(<Status as LabelValue>::VALUES) },
    Field { name: "error_type", values: Values::Open(OpenValues { max_values: 100, ..OpenValues::DEFAULT }) },
];
/// The labels of an operation may be so many, its own included.
const MAX_LABELS: usize = 16;

/// The labels `L` and those that are [`ADDED`].
struct WithOutcome<'v, L> {
    closed_index: u32,
    open: OpenValuesOf<'v>,
    labels: PhantomData<fn(L)>,
}

/// As many values as there are open labels.
struct OpenValuesOf<'v> {
    values: [&'v str; MAX_LABELS],
    n: usize,
}

impl<'v> AsRef<[&'v str]> for OpenValuesOf<'v> {
    fn as_ref(&self) -> &[&'v str] {
        &self.values[..self.n]
    }
}

impl<'v, L: Labels> WithOutcome<'v, L> {
    /// All labels, and a few more to fill the array.
    const FILLED: &'static [Field; MAX_LABELS] = &{
        let mut all = [ADDED[0]; MAX_LABELS];
        let own = L::FIELDS.len();
        assert!(own + ADDED.len() <= MAX_LABELS, "an operation has at most 14 labels");
        let mut idx = 0;
        while idx < own {
            all[idx] = L::FIELDS[idx];
            idx += 1;
        }
        all[own] = ADDED[0];
        all[own + 1] = ADDED[1];
        all
    };

    fn new(labels: &'v impl Labels, status: Status, error_type: &'v str) -> Self {
        let n_closed: usize = L::FIELDS
            .iter()
            .map(|field| match field.values {
                Values::Closed(values) => values.len(),
                Values::Open(_) => 1,
            })
            .product();
        let own = labels.open_values();
        let all = own.as_ref().iter().copied().chain([error_type]);
        let mut open = OpenValuesOf { values: [""; MAX_LABELS], n: 0 };
        for (place, value) in open.values.iter_mut().zip(all) {
            *place = value;
            open.n += 1;
        }
        let closed_index = labels.closed_index() + n_closed as u32 * status as u32;
        Self { closed_index, open, labels: PhantomData }
    }
}

impl<L: Labels> Labels for WithOutcome<'_, L> {
    const FIELDS: &'static [Field] = Self::FILLED.split_at(L::FIELDS.len() + ADDED.len()).0;
    type At<'a> = WithOutcome<'a, L>;
    type Open<'s>
        = &'s [&'s str]
    where
        Self: 's;

    fn closed_index(&self) -> u32 {
        self.closed_index
    }

    fn open_values(&self) -> &[&str] {
        self.open.as_ref()
    }
}

impl<L: Labels> Operation<L> {
    /// Starts work with these labels.
    pub fn start<'l>(&self, labels: L::At<'l>) -> OperationRun<'l, L> {
        let in_flight = Gauge::<L>::handle(self.in_flight, &labels).track();
        let duration = Histogram::<L>::handle(self.durations, &labels);
        OperationRun {
            operation: *self,
            labels,
            duration,
            _in_flight: in_flight,
            started: Instant::now(),
            is_over: false,
        }
    }
}

impl<L: Labels> OperationRun<'_, L> {
    /// It did what it should.
    pub fn ok(mut self) {
        self.end(Status::Success, "");
    }

    /// It did not, for a reason of which there are few: `timeout`, not a message with what was asked for. There are at most 100 different ones.
    pub fn fail(mut self, error_type: &str) {
        self.end(Status::Failure, error_type);
    }

    /// Nobody wanted it any more.
    pub fn cancel(mut self) {
        self.end(Status::Cancelled, "");
    }

    /// It does not count, nor does its time.
    pub fn discard(mut self) {
        self.is_over = true;
    }

    /// Counts that it is tried again. It goes on, and its time with it.
    pub fn retry(&self) {
        CounterHandle::of(false, self.operation.retries.record(&self.labels)).inc();
    }

    /// How long it has taken so far.
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    fn end(&mut self, status: Status, error_type: &str) {
        self.is_over = true;
        self.duration.observe(self.elapsed().as_secs_f64());
        let labels = WithOutcome::<L>::new(&self.labels, status, error_type);
        CounterHandle::of(false, self.operation.outcomes.record(&labels)).inc();
    }
}

impl<L: Labels> Drop for OperationRun<'_, L> {
    fn drop(&mut self) {
        if !self.is_over {
            let status = if std::thread::panicking() { Status::Panic } else { Status::Cancelled };
            self.end(status, "");
        }
    }
}

impl<L: Labels> fmt::Debug for OperationRun<'_, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OperationRun({})", self.operation.outcomes.description.name)
    }
}

impl<L: Labels> Instrument for Operation<L> {
    /// The buckets are those of the durations, the limit of series holds for each of the families, and exemplars and expiry are not for operations.
    fn register(registry: &Registry, opts: Opts) -> Result<Self, RegisterError> {
        // A program registers as many operations as are written in it, and families live as long as it does.
        let leaked = |text: String| -> &'static str { text.leak() };
        let base = opts.name().strip_suffix("_total").unwrap_or(opts.name());
        let named = |suffix: &str, help: &str| {
            let help = leaked(format!("{} {help}", opts.help_text()).trim_start().to_owned());
            opts.renamed(leaked(format!("{base}{suffix}")), help)
        };
        let counter = Kind::Counter { has_exemplars: false };
        let outcomes = registry.family::<WithOutcome<'_, L>>(named("", "By how they ended."), counter)?;
        let durations = named("_duration_seconds", "How long they took.").unit("seconds");
        let in_flight = named("_in_flight", "How many are under way.");
        let retries = named("_retries", "How often they were tried again.");
        Ok(Self {
            outcomes,
            durations: Histogram::<L>::register(registry, durations)?.core(),
            in_flight: registry
                .family::<L>(in_flight, Kind::Gauge { counts_writes: false, is_stamped: false })?,
            retries: registry.family::<L>(retries, counter)?,
            labels: PhantomData,
        })
    }
}

impl<L> Clone for Operation<L> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<L> Copy for Operation<L> {}

impl<L> fmt::Debug for Operation<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Operation({})", self.outcomes.description.name)
    }
}
