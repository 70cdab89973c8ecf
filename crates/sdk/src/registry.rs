use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use bellwether_exposition::{MetricType, OutputFormat};

use crate::buckets;
use crate::core::{Core, Description};
use crate::counter::{Counter, CounterHandle};
use crate::encode::encode;
use crate::error::RegisterError;
use crate::gauge::{Gauge, GaugeHandle};
use crate::histogram::{Histogram, HistogramHandle};
use crate::labels::{Field, Labels, Values, closed_combinations};

/// Families that are exposed together. A clone is the same registry.
///
/// Series live as long as the process, also those of a registry that is gone: handles are references to them.
#[derive(Clone, Default)]
pub struct Registry {
    /// In the order of their names.
    families: Arc<Mutex<Vec<&'static Core>>>,
}

/// What is said once about a family.
#[derive(Debug, Clone, Copy)]
pub struct Opts {
    name: &'static str,
    help: &'static str,
    unit: &'static str,
    buckets: &'static [f64],
    max_series: u32,
}

impl Opts {
    /// How many series a family has at most if nothing is said, as in OpenTelemetry.
    pub const DEFAULT_MAX_SERIES: u32 = 2_000;

    /// A family with this name, without the suffixes that its type brings (`_total`, `_bucket`), and a sentence about it.
    pub const fn new(name: &'static str, help: &'static str) -> Self {
        Self { name, help, unit: "", buckets: buckets::SECONDS, max_series: Self::DEFAULT_MAX_SERIES }
    }

    /// The unit, in which the name must end (`seconds` in `request_duration_seconds`).
    #[must_use]
    pub const fn unit(mut self, unit: &'static str) -> Self {
        self.unit = unit;
        self
    }

    /// The upper bounds of the buckets of a histogram, increasing, without the infinite one. [`buckets::SECONDS`] if nothing is said.
    #[must_use]
    pub const fn buckets(mut self, bounds: &'static [f64]) -> Self {
        self.buckets = bounds;
        self
    }

    /// How many series there may be before new label values go to the overflow series.
    #[must_use]
    pub const fn max_series(mut self, max_series: u32) -> Self {
        self.max_series = max_series;
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
        let opts = Opts { name: opts.name.strip_suffix("_total").unwrap_or(opts.name), buckets: &[], ..opts };
        let core = registry.family::<L>(opts, MetricType::Counter, CounterHandle::N_CELLS)?;
        Ok(Self::new(core))
    }
}

impl<L: Labels> Instrument for Gauge<L> {
    fn register(registry: &Registry, opts: Opts) -> Result<Self, RegisterError> {
        let opts = Opts { buckets: &[], ..opts };
        Ok(Self::new(registry.family::<L>(opts, MetricType::Gauge, GaugeHandle::N_CELLS)?))
    }
}

impl<L: Labels> Instrument for Histogram<L> {
    fn register(registry: &Registry, opts: Opts) -> Result<Self, RegisterError> {
        let is_increasing = opts.buckets.windows(2).all(|w| w[0] < w[1]);
        if opts.buckets.is_empty() || !is_increasing || opts.buckets.iter().any(|b| !b.is_finite()) {
            return Err(RegisterError::Buckets { family: opts.name });
        }
        let n_cells = HistogramHandle::n_cells(opts.buckets);
        Ok(Self::new(registry.family::<L>(opts, MetricType::Histogram, n_cells)?))
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

    /// Appends all families and their series in a format. Nobody who counts waits for it.
    pub fn encode(&self, out: &mut String, format: OutputFormat) {
        let families = self.lock().clone();
        encode(&families, out, format);
    }

    /// All families and their series as text 0.0.4.
    pub fn text(&self) -> String {
        let mut out = String::new();
        self.encode(&mut out, OutputFormat::FALLBACK);
        out
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<&'static Core>> {
        self.families.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn family<L: Labels>(
        &self,
        opts: Opts,
        metric_type: MetricType,
        n_cells: usize,
    ) -> Result<&'static Core, RegisterError> {
        let family = opts.name;
        check_name(family, L::FIELDS, metric_type)?;
        let ends_in_unit = family.strip_suffix(opts.unit).is_some_and(|rest| rest.ends_with('_'));
        if !opts.unit.is_empty() && !ends_in_unit {
            return Err(RegisterError::Unit { family, unit: opts.unit });
        }
        let n_closed = closed_combinations(L::FIELDS).ok_or(RegisterError::Combinations { family })?;
        let description = Description {
            name: family,
            help: opts.help,
            unit: opts.unit,
            metric_type,
            fields: L::FIELDS,
            bounds: opts.buckets,
            n_cells,
            max_series: opts.max_series,
            n_closed,
        };
        let mut families = self.lock();
        if let Some(known) = families.iter().find(|known| known.name == family) {
            return match known.difference(&description) {
                None => Ok(known),
                Some(what) => Err(RegisterError::Differs { family, what }),
            };
        }
        for known in families.iter() {
            if let Some(series) = shared_series(known.name, known.metric_type, family, metric_type) {
                return Err(RegisterError::Taken { family, series, by: known.name });
            }
        }
        let core: &'static Core =
            Box::leak(Box::new(Core::new(&description).ok_or(RegisterError::NoMemory { family })?));
        // What has no labels is there from the beginning, so that it is seen to be zero.
        if core.fields.is_empty() {
            core.cells(&());
        }
        let place = families.partition_point(|known| known.name < family);
        families.insert(place, core);
        Ok(core)
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.lock().iter().map(|core| core.name)).finish()
    }
}

fn is_name(name: &str, may_have_colons: bool) -> bool {
    let is_ok = |c: char| c.is_ascii_alphanumeric() || c == '_' || (c == ':' && may_have_colons);
    name.chars().all(is_ok) && name.starts_with(|c: char| !c.is_ascii_digit())
}

fn check_name(
    family: &'static str,
    fields: &'static [Field],
    metric_type: MetricType,
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
        let is_reserved = label.starts_with("__") || (label == "le" && metric_type == MetricType::Histogram);
        if !is_name(label, false) || is_reserved {
            return Err(RegisterError::Label { family, label });
        }
        if fields[..idx].iter().any(|other| other.name == label) {
            return Err(RegisterError::LabelTwice { family, label });
        }
        if matches!(field.values, Values::Closed([])) {
            return Err(RegisterError::NoValues { family, label });
        }
    }
    Ok(())
}

/// What of the names of two families' series is the same.
fn shared_series(a: &str, a_type: MetricType, b: &str, b_type: MetricType) -> Option<String> {
    let suffixes = |of: MetricType| -> &[&str] {
        match of {
            MetricType::Counter => &["", "_total", "_created"],
            MetricType::Histogram => &["", "_bucket", "_count", "_sum", "_created"],
            _ => &[""],
        }
    };
    let of_a = suffixes(a_type).iter().map(|suffix| format!("{a}{suffix}"));
    of_a.into_iter().find(|name| suffixes(b_type).iter().any(|s| *name == format!("{b}{s}")))
}
