use std::fmt;
use std::panic::{AssertUnwindSafe, RefUnwindSafe, UnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Duration;

use bellwether_exposition::{EscapingScheme, MetricType, OutputFormat};

use crate::alias::Alias;
use crate::buckets;
use crate::clock::{self, Clock};
use crate::collector::{self, Collector};
use crate::core::{Core, Description};
use crate::counter::Counter;
use crate::encode::Source;
use crate::error::RegisterError;
use crate::expiry::Expiry;
use crate::exponential::{MAX_SCHEMA, MIN_SCHEMA, ZERO_THRESHOLD};
use crate::gauge::Gauge;
use crate::histogram::Histogram;
use crate::info::Info;
use crate::kind::Kind;
use crate::labels::{Field, LabelValue, Labels, Values, closed_combinations, is_unique_to_an_event};
use crate::native::{self, NativeHistogram};
use crate::observed::ObservedCounter;
use crate::operation::Operation;
use crate::overflow::{Bell, Listeners, Overflow};
use crate::region::contents::Family;
use crate::region::{self, GaugeMerge, ShareError, Sharing, SkippedRegion};
use crate::sharded::ShardedCounter;
use crate::sketch::{MAX_BUCKETS, MIN_BUCKETS};
use crate::state_set::StateSet;
use crate::summary::{self, Summary};

/// Families that are exposed together. A clone is the same registry.
///
/// Series live as long as the process, also those of a registry that is gone: handles are references to them.
#[derive(Clone)]
pub struct Registry {
    contents: Arc<Mutex<Contents>>,
    clock: Clock,
    /// When gauges expire of which nothing else is said.
    gauges_expire_after: Option<Duration>,
    listeners: Listeners,
}

impl Default for Registry {
    fn default() -> Self {
        Self {
            contents: Arc::default(),
            clock: &clock::now,
            gauges_expire_after: None,
            listeners: Arc::default(),
        }
    }
}

#[derive(Default)]
pub(crate) struct Contents {
    /// In the order of their names.
    families: Vec<&'static Core>,
    collectors: Vec<Arc<collector::State>>,
    /// What is called before each exposition, as long as somebody wants it.
    hooks: Vec<Weak<dyn Fn() + Send + Sync>>,
    /// Whether other processes expose the families too.
    is_shared: bool,
}

/// What is called before each exposition, until this is dropped. See [`Registry::before_exposition`].
#[must_use = "it is not called any more when this is dropped"]
pub struct ExpositionHook {
    hook: Arc<dyn Fn() + Send + Sync>,
}

impl ExpositionHook {
    /// Has it called as long as the process lives.
    pub fn keep(self) {
        std::mem::forget(self.hook);
    }
}

impl fmt::Debug for ExpositionHook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExpositionHook").finish_non_exhaustive()
    }
}

impl Contents {
    pub(crate) fn families(&self) -> &[&'static Core] {
        &self.families
    }

    pub(crate) fn set_shared(&mut self, is_shared: bool) {
        self.is_shared = is_shared;
    }
}

/// What is said once about a family.
#[derive(Debug, Clone, Copy)]
pub struct Opts {
    name: &'static str,
    help: &'static str,
    unit: &'static str,
    buckets: Option<&'static [f64]>,
    schema: i32,
    max_buckets: usize,
    zero_threshold: f64,
    quantiles: &'static [f64],
    window: Duration,
    has_exemplars: bool,
    max_series: u32,
    expire_after: Option<Duration>,
    merge: GaugeMerge,
    aliases: &'static [Alias],
    is_initial: bool,
}

impl Opts {
    /// How many series a family has at most if nothing is said, as in OpenTelemetry.
    pub const DEFAULT_MAX_SERIES: u32 = 2_000;

    /// A family with this name, without the suffixes that its type brings (`_total`, `_bucket`), and a sentence about it.
    pub const fn new(name: &'static str, help: &'static str) -> Self {
        Self {
            name,
            help,
            unit: "",
            buckets: None,
            schema: 3,
            max_buckets: MIN_BUCKETS,
            zero_threshold: ZERO_THRESHOLD,
            quantiles: &[0.5, 0.9, 0.95, 0.99],
            window: Duration::from_mins(10),
            has_exemplars: false,
            max_series: Self::DEFAULT_MAX_SERIES,
            expire_after: None,
            merge: GaugeMerge::SumLive,
            aliases: &[],
            is_initial: false,
        }
    }

    /// The unit, in which the name must end (`seconds` in `request_duration_seconds`).
    #[must_use]
    pub const fn unit(mut self, unit: &'static str) -> Self {
        self.unit = unit;
        self
    }

    /// The upper bounds of the buckets of a histogram, increasing, without the infinite one. [`buckets::SECONDS`] if nothing is said. A native histogram has such buckets only
    /// if they are given.
    #[must_use]
    pub const fn buckets(mut self, bounds: &'static [f64]) -> Self {
        self.buckets = Some(bounds);
        self
    }

    /// How fine the buckets of a native histogram are at first: 2 to the power of this per power of two, from -4 to 8. 3 if nothing is said: a bucket is 9 % wider than the one
    /// before.
    #[must_use]
    pub const fn schema(mut self, schema: i32) -> Self {
        self.schema = schema;
        self
    }

    /// How many buckets a native histogram has at most, from 160, which is what it is if nothing is said, to 4,096. With fewer not every number would have one.
    #[must_use]
    pub const fn max_buckets(mut self, max_buckets: usize) -> Self {
        self.max_buckets = max_buckets;
        self
    }

    /// What is closer to zero than this, or as close, counts as zero in a native histogram. 2^-128 if nothing is said, and at least.
    #[must_use]
    pub const fn zero_threshold(mut self, zero_threshold: f64) -> Self {
        self.zero_threshold = zero_threshold;
        self
    }

    /// The quantiles that a summary exposes, from 0 to 1, increasing. 0.5, 0.9, 0.95 and 0.99 if nothing is said.
    #[must_use]
    pub const fn quantiles(mut self, quantiles: &'static [f64]) -> Self {
        self.quantiles = quantiles;
        self
    }

    /// How far back the quantiles of a summary reach, in steps of a fifth of it. Ten minutes if nothing is said.
    #[must_use]
    pub const fn window(mut self, window: Duration) -> Self {
        self.window = window;
        self
    }

    /// Keeps exemplars of counters and histograms: where in the traces the last event is, of each bucket. They cost 48 bytes each, and are exposed in OpenMetrics and protobuf.
    #[must_use]
    pub const fn exemplars(mut self) -> Self {
        self.has_exemplars = true;
        self
    }

    /// Takes a series out of the exposition when nothing happened to it for so long: nothing was counted or observed, no value was set. Scrapes look after that. It comes back
    /// as it is when something happens through a handle that somebody kept, and from zero when it is found by its labels.
    ///
    /// For labels that come and go, such as those of connections. A counter that goes and comes back loses what a rate needs, so say this of counters only if there would be too many.
    #[must_use]
    pub const fn expire_after(mut self, expire_after: Duration) -> Self {
        self.expire_after = Some(expire_after);
        self
    }

    /// The buckets, or those that count if nothing was said.
    fn bounds(self, default: &'static [f64]) -> Result<&'static [f64], RegisterError> {
        let bounds = self.buckets.unwrap_or(default);
        let are_right = bounds.windows(2).all(|w| w[0] < w[1]) && bounds.iter().all(|b| b.is_finite());
        if are_right { Ok(bounds) } else { Err(RegisterError::Buckets { family: self.name }) }
    }

    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    pub(crate) fn window_length(&self) -> Duration {
        self.window
    }

    pub(crate) fn help_text(&self) -> &'static str {
        self.help
    }

    /// The same of another family, which has no exemplars and no other names, does not expire, and begins without series.
    pub(crate) fn renamed(self, name: &'static str, help: &'static str) -> Self {
        Self { name, help, has_exemplars: false, expire_after: None, aliases: &[], is_initial: false, ..self }
    }

    /// The suffix of a counter may be given or not.
    fn counter(self) -> Self {
        Self { name: self.name.strip_suffix("_total").unwrap_or(self.name), ..self }
    }

    /// How many series there may be before new label values go to the overflow series.
    #[must_use]
    pub const fn max_series(mut self, max_series: u32) -> Self {
        self.max_series = max_series;
        self
    }

    /// How the values that several processes have for the same gauge become one, if the registry is shared. Their sum if nothing is said.
    #[must_use]
    pub const fn merge(mut self, merge: GaugeMerge) -> Self {
        self.merge = merge;
        self
    }

    /// Other names under which the family is exposed as well, while dashboards and alerts move. All of its series are there once more, so take them away when they are not needed.
    #[must_use]
    pub const fn aliases(mut self, aliases: &'static [Alias]) -> Self {
        self.aliases = aliases;
        self
    }

    /// Exposes all series from the beginning, with nothing counted in them. A rate sees an increase only between two values, so the first error of a counter that was not there before it is not seen.
    ///
    /// For families whose labels all have closed sets of values, with at most [`max_series`](Self::max_series) combinations. A family without labels is exposed from the beginning anyway.
    #[must_use]
    pub const fn init(mut self) -> Self {
        self.is_initial = true;
        self
    }
}

/// A family of one of the types of metric.
pub trait Instrument: Copy {
    /// Makes the family in a registry, or returns the one that is there and is the same.
    fn register(registry: &Registry, opts: Opts) -> Result<Self, RegisterError>;
}

/// Families that belong together and are registered together. Derived for structs whose fields are families:
///
/// ```
/// use bellwether_sdk::{Counter, Histogram, LabelValue, Labels, MetricSet, Registry};
///
/// #[derive(Clone, Copy, LabelValue)]
/// enum Status {
///     Success,
///     Failure,
/// }
///
/// #[derive(Labels)]
/// struct Run<'a> {
///     workflow_name: &'a str,
///     status: Status,
/// }
///
/// #[derive(MetricSet)]
/// #[metrics(prefix = "dag")]
/// struct Dag {
///     /// Workflow runs that finished.
///     #[metric(unit = "executions")]
///     workflow: Counter<Run<'static>>,
///     /// How long a workflow took.
///     #[metric(unit = "seconds", buckets = &[1.0, 10.0, 60.0])]
///     workflow_duration: Histogram,
/// }
///
/// let registry = Registry::new();
/// let dag = Dag::register(&registry)?;
/// dag.workflow.with(Run { workflow_name: "nightly", status: Status::Success }).inc();
/// dag.workflow_duration.observe(12.5);
/// assert!(registry.text().contains("dag_workflow_executions_total{workflow_name=\"nightly\",status=\"success\"} 1\n"));
/// # Ok::<(), bellwether_sdk::RegisterError>(())
/// ```
pub trait MetricSet: Sized {
    /// Makes the families in a registry.
    fn register(registry: &Registry) -> Result<Self, RegisterError>;
}

impl<L: Labels> Instrument for Counter<L> {
    fn register(registry: &Registry, opts: Opts) -> Result<Self, RegisterError> {
        let kind = Kind::Counter { has_exemplars: opts.has_exemplars };
        Ok(Self::new(registry.family::<L>(opts.counter(), kind)?))
    }
}

impl<L: Labels> Instrument for ShardedCounter<L> {
    fn register(registry: &Registry, opts: Opts) -> Result<Self, RegisterError> {
        Ok(Self::new(registry.family::<L>(opts.counter(), Kind::ShardedCounter)?))
    }
}

impl<L: Labels> Instrument for ObservedCounter<L> {
    fn register(registry: &Registry, opts: Opts) -> Result<Self, RegisterError> {
        Ok(Self::new(registry.family::<L>(opts.counter(), Kind::ObservedCounter)?))
    }
}

impl<L: Labels> Instrument for Info<L> {
    fn register(registry: &Registry, opts: Opts) -> Result<Self, RegisterError> {
        let name = opts.name.strip_suffix("_info").unwrap_or(opts.name);
        // The labels of the one series may have any values.
        let opts = Opts { name, max_series: u32::MAX, ..opts };
        Ok(Self::new(registry.family::<L>(opts, Kind::Info)?))
    }
}

impl<S: LabelValue, L: Labels> Instrument for StateSet<S, L> {
    fn register(registry: &Registry, opts: Opts) -> Result<Self, RegisterError> {
        let family = opts.name;
        if S::VALUES.is_empty() {
            return Err(RegisterError::NoValues { family, label: family });
        }
        if L::FIELDS.iter().any(|field| field.name == family) {
            return Err(RegisterError::Label { family, label: family });
        }
        Ok(Self::new(registry.family::<L>(opts, Kind::StateSet(S::VALUES))?))
    }
}

impl<L: Labels> Instrument for Gauge<L> {
    fn register(registry: &Registry, opts: Opts) -> Result<Self, RegisterError> {
        let expire_after = opts.expire_after.or(registry.gauges_expire_after);
        let is_stamped = opts.merge == GaugeMerge::Latest;
        let kind = Kind::Gauge { counts_writes: expire_after.is_some(), is_stamped };
        Ok(Self::new(registry.family::<L>(Opts { expire_after, ..opts }, kind)?))
    }
}

impl<L: Labels> Instrument for Histogram<L> {
    fn register(registry: &Registry, opts: Opts) -> Result<Self, RegisterError> {
        let bounds = opts.bounds(buckets::SECONDS)?;
        if bounds.is_empty() {
            return Err(RegisterError::Buckets { family: opts.name });
        }
        let kind = Kind::Histogram { bounds, has_exemplars: opts.has_exemplars };
        Ok(Self::new(registry.family::<L>(opts, kind)?))
    }
}

impl<L: Labels> Instrument for NativeHistogram<L> {
    fn register(registry: &Registry, opts: Opts) -> Result<Self, RegisterError> {
        let is_right = (MIN_SCHEMA..=MAX_SCHEMA).contains(&opts.schema)
            && (MIN_BUCKETS..=MAX_BUCKETS).contains(&opts.max_buckets)
            && (ZERO_THRESHOLD..f64::MAX).contains(&opts.zero_threshold);
        if !is_right {
            return Err(RegisterError::Resolution { family: opts.name });
        }
        let shape = native::Shape {
            schema: opts.schema,
            max_buckets: opts.max_buckets,
            zero_threshold: opts.zero_threshold,
            bounds: opts.bounds(&[])?,
            has_exemplars: opts.has_exemplars,
        };
        Ok(Self::new(registry.family::<L>(opts, Kind::NativeHistogram(shape))?))
    }
}

impl<L: Labels> Instrument for Summary<L> {
    fn register(registry: &Registry, opts: Opts) -> Result<Self, RegisterError> {
        let quantiles = opts.quantiles;
        let are_right = quantiles.windows(2).all(|w| w[0] < w[1])
            && quantiles.iter().all(|q| (0.0..=1.0).contains(q))
            && !opts.window.is_zero();
        if !are_right {
            return Err(RegisterError::Quantiles { family: opts.name });
        }
        let shape = summary::Shape { quantiles, window: opts.window, clock: registry.clock };
        Ok(Self::new(registry.family::<L>(opts, Kind::Summary(shape))?))
    }
}

impl Registry {
    /// An empty registry.
    pub fn new() -> Self {
        Self::default()
    }

    /// The registry of the process, for those who need only one.
    pub fn global() -> &'static Self {
        static GLOBAL: OnceLock<Registry> = OnceLock::new();
        GLOBAL.get_or_init(Self::default)
    }

    /// An empty registry that asks `clock` for the time since the Unix epoch where time is part of what is counted: in the windows of summaries. For tests and for what is
    /// simulated; the clock is never given back.
    pub fn with_clock(clock: impl Fn() -> Duration + Send + Sync + RefUnwindSafe + 'static) -> Self {
        Self { clock: Box::leak(Box::new(clock)), ..Self::default() }
    }

    /// Calls `tell` when values of a family go to its overflow series, once a minute for each family. Whoever calls this first is who is told; returns whether that is this one.
    ///
    /// A library cannot know where a program writes its log, so this is how the line gets there. The counter `bellwether_sdk_overflow_total` is exposed anyway.
    ///
    /// ```
    /// let registry = bellwether_sdk::Registry::new();
    /// registry.on_overflow(|overflow| eprintln!("{overflow}"));
    /// ```
    pub fn on_overflow(
        &self,
        tell: impl Fn(Overflow) + Send + Sync + UnwindSafe + RefUnwindSafe + 'static,
    ) -> bool {
        self.listeners.set(Box::new(tell)).is_ok()
    }

    /// Lets gauges expire that are registered from now on, through this registry and its later clones, as if [`Opts::expire_after`] were said of each that does not say something else.
    #[must_use]
    pub fn expire_gauges_after(self, expire_after: Duration) -> Self {
        Self { gauges_expire_after: Some(expire_after), ..self }
    }

    /// A family of counters, whose name may end in `_total` or not.
    pub fn counter<L: Labels>(&self, opts: Opts) -> Result<Counter<L>, RegisterError> {
        Counter::register(self, opts)
    }

    /// A family of gauges.
    pub fn gauge<L: Labels>(&self, opts: Opts) -> Result<Gauge<L>, RegisterError> {
        Gauge::register(self, opts)
    }

    /// A family of histograms.
    pub fn histogram<L: Labels>(&self, opts: Opts) -> Result<Histogram<L>, RegisterError> {
        Histogram::register(self, opts)
    }

    /// A family of histograms with exponential buckets.
    pub fn native_histogram<L: Labels>(&self, opts: Opts) -> Result<NativeHistogram<L>, RegisterError> {
        NativeHistogram::register(self, opts)
    }

    /// A family of summaries.
    pub fn summary<L: Labels>(&self, opts: Opts) -> Result<Summary<L>, RegisterError> {
        Summary::register(self, opts)
    }

    /// A family of counters for many threads at the same time.
    pub fn sharded_counter<L: Labels>(&self, opts: Opts) -> Result<ShardedCounter<L>, RegisterError> {
        ShardedCounter::register(self, opts)
    }

    /// Families about one kind of work.
    pub fn operation<L: Labels>(&self, opts: Opts) -> Result<Operation<L>, RegisterError> {
        Operation::register(self, opts)
    }

    /// A family of counters whose totals are kept elsewhere.
    pub fn observed_counter<L: Labels>(&self, opts: Opts) -> Result<ObservedCounter<L>, RegisterError> {
        ObservedCounter::register(self, opts)
    }

    /// A family of state sets.
    pub fn state_set<S: LabelValue, L: Labels>(&self, opts: Opts) -> Result<StateSet<S, L>, RegisterError> {
        StateSet::register(self, opts)
    }

    /// What does not change while the process runs. The name may end in `_info` or not.
    pub fn info<L: Labels>(&self, opts: Opts) -> Result<Info<L>, RegisterError> {
        Info::register(self, opts)
    }

    /// Takes all series of all families out of the exposition. Those that are made again begin from zero, and handles to them are valid again; so a simulated or supervised
    /// part of a program can start anew without memory for a second registry. Families without labels have no series either until somebody asks for it.
    ///
    /// ```
    /// use bellwether_sdk::{Opts, Registry};
    ///
    /// let registry = Registry::new();
    /// let jobs = registry.counter::<()>(Opts::new("jobs", "Jobs."))?;
    /// jobs.inc();
    /// registry.remove_all_series();
    /// assert!(!registry.text().contains("jobs_total"));
    /// jobs.inc();
    /// assert!(registry.text().contains("jobs_total 1\n"));
    /// # Ok::<(), bellwether_sdk::RegisterError>(())
    /// ```
    pub fn remove_all_series(&self) {
        let families = self.lock().families.clone();
        for core in families {
            core.remove_all();
        }
    }

    /// Calls `refresh` in the background, at once and then after each `every`, until the answer is dropped. It fetches what others know and sets instruments; who
    /// scrapes sees what was set last, and how old that is: `bellwether_collector_age_seconds`, `_duration_seconds` and `_failures_total`, by the name of the collector.
    ///
    /// Of the processes that share a registry only the one that [leads](Self::leads) collects; when it ends, another one does that has the same collector.
    ///
    /// An attempt fails if it returns an error or panics; after failures the next one comes later, up to 16 times `every`. One that hangs holds up nobody but itself.
    pub fn collector<E>(
        &self,
        name: &str,
        every: Duration,
        refresh: impl FnMut() -> Result<(), E> + Send + 'static,
    ) -> std::io::Result<Collector> {
        let registry = self.clone();
        let collector = Collector::start(name, every, move || registry.leads(), refresh)?;
        self.lock().collectors.push(collector.state());
        Ok(collector)
    }

    /// Calls `set` before each exposition, by the thread that makes it: for values that take no time to read and are only worth reading then, as the greatest since the last
    /// time. What may take longer belongs into a [`collector`](Self::collector). Of processes that share the registry, only the one that is asked calls it. If it panics, what it did not set stays as
    /// it was.
    ///
    /// ```
    /// use bellwether_sdk::{Opts, Registry};
    /// use std::sync::Arc;
    /// use std::sync::atomic::{AtomicU32, Ordering};
    ///
    /// let registry = Registry::new();
    /// let depth = registry.gauge::<()>(Opts::new("stack_depth", "Deepest recursion since the last scrape."))?;
    /// let deepest = Arc::new(AtomicU32::new(0));
    /// let since = Arc::clone(&deepest);
    /// let _hook = registry.before_exposition(move || depth.set(f64::from(since.swap(0, Ordering::Relaxed))));
    /// deepest.fetch_max(7, Ordering::Relaxed);
    /// assert!(registry.text().contains("stack_depth 7\n") && registry.text().contains("stack_depth 0\n"));
    /// # Ok::<(), bellwether_sdk::RegisterError>(())
    /// ```
    pub fn before_exposition(&self, set: impl Fn() + Send + Sync + 'static) -> ExpositionHook {
        let hook: Arc<dyn Fn() + Send + Sync> = Arc::new(set);
        self.lock().hooks.push(Arc::downgrade(&hook));
        ExpositionHook { hook }
    }

    fn call_hooks(&self) {
        let hooks: Vec<_> = {
            let mut contents = self.lock();
            contents.hooks.retain(|hook| hook.strong_count() > 0);
            contents.hooks.iter().filter_map(Weak::upgrade).collect()
        };
        // They are others' code, for which no lock is held.
        for hook in hooks {
            let _ = catch_unwind(AssertUnwindSafe(|| hook()));
        }
    }

    /// Appends all families and their series in a format. Nobody who counts waits for it.
    pub fn encode(&self, out: &mut String, format: OutputFormat) {
        self.source(&[]).encode_text(out, format);
    }

    /// Appends all families and their series as delimited protobuf messages, native histograms included.
    pub fn encode_protobuf(&self, out: &mut Vec<u8>, escaping: EscapingScheme) {
        self.source(&[]).encode_protobuf(out, escaping);
    }

    /// What there is to be exposed, as far as its names are asked for.
    pub(crate) fn source(&self, names: &[String]) -> Source {
        self.call_hooks();
        let (families, collectors, is_shared) = {
            let mut contents = self.lock();
            contents.families.iter().for_each(|core| core.expire());
            contents.collectors.retain(|collector| !collector.is_stopped());
            let exposed = contents.families.iter().filter(|core| core.description.kind.is_exposed());
            (exposed.copied().collect::<Vec<_>>(), contents.collectors.clone(), contents.is_shared)
        };
        let names = names.to_vec();
        let aliases = families.iter().map(|core| (core.description.name, core.description.aliases));
        let aliases = aliases.filter(|(_, aliases)| !aliases.is_empty()).collect();
        if !is_shared {
            return Source { families, aliases, collectors, names, _lease: None };
        }
        // Who does not lead does not collect, and has nothing to tell about it.
        let collectors = if region::leads() { collectors } else { Vec::new() };
        let (families, lease) = region::of_all_processes(families);
        Source { families, aliases, collectors, names, _lease: lease }
    }

    /// What is counted in families, by all processes that share the registry; by this one alone if it is not shared, or what the others count cannot be read.
    pub(crate) fn sums<const N: usize>(&self, families: [&'static Core; N]) -> [Family; N] {
        let is_shared = self.lock().is_shared;
        let sums = if is_shared { region::sums(families) } else { None };
        sums.unwrap_or_else(|| families.map(Family::of))
    }

    /// All families and their series as text 0.0.4.
    pub fn text(&self) -> String {
        let mut out = String::new();
        self.encode(&mut out, OutputFormat::FALLBACK);
        out
    }

    /// Lets all processes of an application that share a directory expose what they count together. What was counted before counts too, and handles stay what they are. May be called at any time, once
    /// more without effect; a process shares one registry. A child of a fork shares what its parent does, and counts from zero.
    ///
    /// Counters and histograms are sums, of processes that are gone as well. Gauges are merged as [`Opts::merge`] says; state sets and infos are those of the process that set them last.
    pub fn share(&self, sharing: &Sharing) -> Result<(), ShareError> {
        region::share(self, sharing)
    }

    /// Counts for this process alone again, from zero. What it counted stays with the others.
    pub fn leave(&self) -> std::io::Result<()> {
        region::leave(self)
    }

    /// Whether this is the process that collects what is the same for all, of those that share: one that lives, until it ends. Of a registry that is not shared it is.
    pub fn leads(&self) -> bool {
        let is_shared = self.lock().is_shared;
        !is_shared || region::leads()
    }

    /// The files that were left out of the last exposition of a registry that is shared.
    pub fn skipped_regions(&self) -> Vec<SkippedRegion> {
        region::skipped()
    }

    pub(crate) fn clock(&self) -> Clock {
        self.clock
    }

    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.contents, &other.contents)
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Contents> {
        self.contents.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn family<L: Labels>(&self, opts: Opts, kind: Kind) -> Result<&'static Core, RegisterError> {
        let (family, metric_type) = (opts.name, kind.metric_type());
        check_name(family, L::FIELDS, kind.own_labels())?;
        let ends_in_unit = family.strip_suffix(opts.unit).is_some_and(|rest| rest.ends_with('_'));
        if !opts.unit.is_empty() && !ends_in_unit {
            return Err(RegisterError::Unit { family, unit: opts.unit });
        }
        let n_closed = closed_combinations(L::FIELDS).ok_or(RegisterError::Combinations { family })?;
        let description = Description {
            name: family,
            help: opts.help,
            unit: opts.unit,
            kind,
            fields: L::FIELDS,
            n_cells: kind.n_cells(),
            max_series: opts.max_series,
            merge: opts.merge,
            n_closed,
            aliases: opts.aliases,
            bell: Bell::new(Arc::clone(&self.listeners), self.clock),
            expiry: opts.expire_after.map(|after| Expiry::new(after, self.clock)),
        };
        check_aliases(&description)?;
        let is_closed = L::FIELDS.iter().all(|field| matches!(field.values, Values::Closed(_)));
        if opts.is_initial && (!is_closed || n_closed > opts.max_series || metric_type == MetricType::Info) {
            return Err(RegisterError::Init { family });
        }
        let contents = &mut *self.lock();
        let families = &mut contents.families;
        if let Some(known) = families.iter().find(|known| known.description.name == family) {
            return match known.difference(&description) {
                None => Ok(known),
                Some(what) => Err(RegisterError::Differs { family, what }),
            };
        }
        for known in families.iter() {
            let pairs = names(&known.description).flat_map(|a| names(&description).map(move |b| (a, b)));
            if let Some(series) = pairs.into_iter().find_map(|(a, b)| shared_series(a, b)) {
                return Err(RegisterError::Taken { family, series, by: known.description.name });
            }
        }
        let core = Core::register(description).ok_or(RegisterError::NoMemory { family })?;
        if contents.is_shared && !region::list(core) {
            return Err(RegisterError::NoMemory { family });
        }
        // What has no labels is there from the beginning, so that it is seen to be zero.
        if opts.is_initial || (L::FIELDS.is_empty() && metric_type != MetricType::Info) {
            core.make_closed();
        }
        let place = families.partition_point(|known| known.description.name < family);
        families.insert(place, core);
        Ok(core)
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.lock().families.iter().map(|core| core.description.name)).finish()
    }
}

fn is_name(name: &str, may_have_colons: bool) -> bool {
    let is_ok = |c: char| c.is_ascii_alphanumeric() || c == '_' || (c == ':' && may_have_colons);
    name.chars().all(is_ok) && name.starts_with(|c: char| !c.is_ascii_digit())
}

fn check_name(
    family: &'static str,
    fields: &'static [Field],
    own_labels: &[&str],
) -> Result<(), RegisterError> {
    const SUFFIXES: [&str; 6] = ["_total", "_created", "_info", "_bucket", "_count", "_sum"];
    if !is_name(family, true) {
        return Err(RegisterError::Name { family });
    }
    if let Some(suffix) = SUFFIXES.into_iter().find(|suffix| family.ends_with(suffix)) {
        return Err(RegisterError::Suffix { family, suffix });
    }
    for (idx, field) in fields.iter().enumerate() {
        let label = field.name;
        let is_reserved = label.starts_with("__") || own_labels.contains(&label);
        if !is_name(label, false) || is_reserved {
            return Err(RegisterError::Label { family, label });
        }
        if fields[..idx].iter().any(|other| other.name == label) {
            return Err(RegisterError::LabelTwice { family, label });
        }
        match field.values {
            Values::Closed([]) => return Err(RegisterError::NoValues { family, label }),
            Values::Open(open) if is_unique_to_an_event(label) && !open.may_be_unique => {
                return Err(RegisterError::UniqueLabel { family, label });
            }
            _ => {}
        }
    }
    Ok(())
}

/// The names of a family with the types that they have there, its own first.
fn names(it: &Description) -> impl Iterator<Item = (&'static str, MetricType)> {
    let metric_type = it.kind.metric_type();
    let aliases = it.aliases.iter().map(move |alias| alias.family(metric_type));
    std::iter::once((it.name, metric_type)).chain(aliases)
}

fn check_aliases(it: &Description) -> Result<(), RegisterError> {
    let family = it.name;
    for alias in it.aliases {
        let (name, _) = alias.family(it.kind.metric_type());
        if !is_name(name, true) {
            return Err(RegisterError::Name { family: name });
        }
        for (new, old) in alias.renamed() {
            if !it.fields.iter().any(|field| field.name == *new) {
                return Err(RegisterError::NoLabel { family, alias: name, label: new });
            }
            if !is_name(old, false) || old.starts_with("__") || it.kind.own_labels().contains(old) {
                return Err(RegisterError::Label { family: name, label: old });
            }
        }
        for (idx, field) in it.fields.iter().enumerate() {
            let label = alias.label(field.name);
            if it.fields[..idx].iter().any(|other| alias.label(other.name) == label) {
                return Err(RegisterError::LabelTwice { family: name, label });
            }
        }
    }
    let names: Vec<_> = names(it).collect();
    for (idx, name) in names.iter().enumerate() {
        // The old name of a counter may be the one without the suffix.
        let is_apart = |other: &&(&str, MetricType)| other.0 != name.0 || other.1 == name.1;
        let taken = names[..idx].iter().filter(is_apart).find_map(|other| shared_series(*other, *name));
        if let Some(series) = taken {
            return Err(RegisterError::Taken { family, series, by: family });
        }
    }
    Ok(())
}

/// What of the names of two families' series is the same.
fn shared_series((a, a_type): (&str, MetricType), (b, b_type): (&str, MetricType)) -> Option<String> {
    let suffixes = |of: MetricType| -> &[&str] {
        match of {
            MetricType::Counter => &["", "_total", "_created"],
            MetricType::Info => &["", "_info"],
            MetricType::Histogram => &["", "_bucket", "_count", "_sum", "_created"],
            MetricType::Summary => &["", "_count", "_sum", "_created"],
            _ => &[""],
        }
    };
    let of_a = suffixes(a_type).iter().map(|suffix| format!("{a}{suffix}"));
    of_a.into_iter().find(|name| suffixes(b_type).iter().any(|s| *name == format!("{b}{s}")))
}
