use std::borrow::Cow;
use std::collections::BTreeMap;

use bellwether_model::{is_legacy_label_name, is_legacy_metric_name};
use bellwether_yaml::{Decode, Errors, Kind, MapReader, Node, Position, Reported};

use super::spanned::Spanned;
use super::word::words;

/// A family of series: what an application promises to expose.
#[derive(Debug, Clone)]
pub struct Metric {
    /// The name as it is exposed: with `_total` for a counter, with `_info` for an info, without `_bucket` for a histogram.
    pub name: Spanned<String>,
    /// What kind of values it has.
    pub kind: MetricKind,
    /// What one unit of the value is: `seconds`, `bytes`, `ratio`, or the noun that is counted. Empty for none.
    pub unit: String,
    /// One sentence about it.
    pub help: String,
    /// The heading below which the reference lists it; empty for none.
    pub group: String,
    /// How far its users may rely on it.
    pub stability: Stability,
    /// The metric that takes its place, if it is deprecated.
    pub replaced_by: Option<Spanned<String>>,
    /// The version of the pack in which it goes away, if it is deprecated.
    pub until: Option<String>,
    /// In what its series differ, in the order in which they are written.
    pub labels: Vec<(Spanned<String>, Label)>,
    /// The upper bounds of a histogram.
    pub buckets: Option<Spanned<Buckets>>,
    /// The quantiles of a summary, each from 0 to 1.
    pub quantiles: Vec<f64>,
    /// The states of a state set.
    pub states: Vec<String>,
    /// Other names under which the same values are exposed, while dashboards move.
    pub aliases: Vec<Alias>,
    /// Whether the total of a counter is kept elsewhere, by the system for instance, and only carried.
    pub observed: bool,
    /// How the values of several processes become one.
    pub multiprocess: Multiprocess,
    /// How many series it may have before new ones are counted in an overflow series.
    pub max_series: Option<u32>,
    /// Whether the instrument keeps where in the traces the last events are: of a counter, or of each bucket of a histogram.
    pub exemplars: bool,
    /// Whether all series are exposed from the beginning, with nothing counted in them. If nothing is said: of counters whose labels all have closed sets of values, so that the first error is seen
    /// to be an increase.
    pub init: Option<bool>,
    /// What the object is called in the module for Python; derived from the name if not given.
    pub python: Option<String>,
    /// Anything else worth knowing.
    pub note: String,
    /// Lint rules that do not apply, each with the reason.
    pub allow: BTreeMap<String, String>,
    /// Where it stands.
    pub position: Position,
}

impl Metric {
    /// All names under which it may be exposed.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let aliases = self.aliases.iter().map(|alias| alias.name.value.as_str());
        std::iter::once(self.name.value.as_str()).chain(aliases)
    }

    /// The name of the family, as OpenMetrics has it: without the suffix that the type brings.
    pub fn family(&self) -> &str {
        let suffix = match self.kind {
            MetricKind::Counter => "_total",
            MetricKind::Info => "_info",
            _ => return &self.name,
        };
        self.name.strip_suffix(suffix).unwrap_or(&self.name)
    }

    /// The label called `name`.
    pub fn label(&self, name: &str) -> Option<&Label> {
        self.labels.iter().find(|(label, _)| label.value == name).map(|(_, label)| label)
    }

    /// Whether all series can be there from the beginning: an info has none without what it says.
    fn can_begin_whole(&self) -> bool {
        self.kind != MetricKind::Info && self.labels.iter().all(|(_, label)| label.is_closed())
    }

    /// Whether all series are exposed from the beginning. Without labels there is one, which always is.
    pub(crate) fn begins_whole(&self) -> bool {
        let combinations = self.labels.iter().map(|(_, label)| label.values.len() as u64).product::<u64>();
        let are_few =
            combinations <= u64::from(self.max_series.unwrap_or(MAX_INITIAL)).min(MAX_INITIAL.into());
        let by_itself = self.kind == MetricKind::Counter && are_few;
        !self.labels.is_empty() && self.can_begin_whole() && self.init.unwrap_or(by_itself)
    }

    /// The names of the labels.
    pub fn label_names(&self) -> impl Iterator<Item = &str> {
        self.labels.iter().map(|(name, _)| name.value.as_str())
    }
}

/// A counter with more combinations of values does not begin with all of them unless that is said: most would stay zero.
const MAX_INITIAL: u32 = 100;

words! {
    /// What kind of values a metric has.
    MetricKind = "type of metric" {
        /// Only goes up, and starts again at zero.
        Counter = "counter",
        /// Goes up and down.
        Gauge = "gauge",
        /// Counts observations in buckets.
        Histogram = "histogram",
        /// Counts observations in exponential buckets that need no bounds.
        NativeHistogram = "native_histogram",
        /// Quantiles that the application has computed.
        Summary = "summary",
        /// Facts about the application as labels of a value that is always 1.
        Info = "info",
        /// One series for each state, 1 for those that hold.
        StateSet = "state_set",
    }
}

words! {
    /// How far users may rely on a metric.
    Stability = "stability" {
        /// Name, type and labels stay until the next major version.
        Stable = "stable",
        /// May change at any time.
        Experimental = "experimental",
        /// Goes away; see `replaced_by` and `until`.
        Deprecated = "deprecated",
    }
}

words! {
    /// How the values of several processes of one application become one.
    Multiprocess = "way to join processes" {
        /// Counters, histograms and summaries: all processes that ever were.
        Sum = "sum",
        /// The sum over the processes that live.
        SumLive = "sum_live",
        /// The greatest value of those that live.
        MaxLive = "max_live",
        /// The smallest value of those that live.
        MinLive = "min_live",
        /// The value that was set last.
        Latest = "latest",
        /// One series for each process, with a label `pid`.
        PerProcess = "per_process",
        /// The sum over all processes, those that ended included.
        SumAll = "sum_all",
    }
}

words! {
    /// What is taken out of a label's values to keep their number small.
    Normalise = "way to normalise" {
        /// UUIDs become `{id}`.
        Uuid = "uuid",
        /// Numbers become `{id}`.
        Number = "number",
        /// Long hexadecimal words become `{id}`.
        Hex = "hex",
        /// Addresses of mail become `{id}`.
        Email = "email",
        /// Text becomes lower case.
        Lower = "lower",
    }
}

/// What the values of a label can be.
#[derive(Debug, Clone, Default)]
pub struct Label {
    /// All values, if they are known. Empty for an open label.
    pub values: Vec<String>,
    /// How many different values an open label may have; further ones become `_overflow`.
    pub max: Option<u32>,
    /// How many bytes a value may have.
    pub max_len: Option<u16>,
    /// Whether series may lack it, such as the class of an error where there was none.
    pub optional: bool,
    /// What is taken out of each value first.
    pub normalise: Vec<Normalise>,
    /// Whether values with ids in them become `_overflow`.
    pub deny: bool,
    /// A sentence about it.
    pub help: String,
    /// Values that are not a closed set, for documentation and generated examples.
    pub examples: Vec<String>,
}

impl Label {
    /// Whether all values are known.
    pub fn is_closed(&self) -> bool {
        !self.values.is_empty()
    }

    /// The greatest number of values; `None` if nothing bounds them.
    pub fn bound(&self) -> Option<u64> {
        if self.is_closed() { Some(self.values.len() as u64) } else { self.max.map(u64::from) }
    }
}

/// The upper bounds of a histogram.
#[derive(Debug, Clone, PartialEq)]
pub enum Buckets {
    /// Those of an entry of the pack's `buckets`.
    Named(String),
    /// These, without the infinite one.
    Bounds(Vec<f64>),
}

/// Another name for a metric.
#[derive(Debug, Clone)]
pub struct Alias {
    /// The name.
    pub name: Spanned<String>,
    /// Labels that are called otherwise there: new name to old name.
    pub labels: BTreeMap<String, String>,
}

impl<'d> Decode<'d> for Metric {
    fn type_name() -> Cow<'static, str> {
        "pack.metric".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "pack.metric", errors)?;
        let name = map.required("name");
        let kind = map.required("type");
        let metric = Self {
            name: name.unwrap_or_default(),
            kind: kind.unwrap_or(MetricKind::Gauge),
            unit: map.or_default("unit"),
            help: map.required("help").unwrap_or_default(),
            group: map.or_default("group"),
            stability: map.optional("stability").unwrap_or(Stability::Stable),
            replaced_by: map.optional("replaced_by"),
            until: map.optional("until"),
            labels: map.optional::<Labels>("labels").map(|labels| labels.0).unwrap_or_default(),
            buckets: map.optional("buckets"),
            quantiles: map.or_default("quantiles"),
            states: map.or_default("states"),
            aliases: map.list("aliases", "an alias needs a name"),
            observed: map.or("observed", false),
            multiprocess: map
                .optional("multiprocess")
                .unwrap_or_else(|| default_multiprocess(kind.unwrap_or(MetricKind::Gauge))),
            max_series: map.optional("max_series"),
            exemplars: map.or_default("exemplars"),
            init: map.optional("init"),
            python: map.optional("python"),
            note: map.or_default("note"),
            allow: map.or_default("allow"),
            position: node.position(),
        };
        if !map.has_failed() && !is_legacy_metric_name(&metric.name) {
            let place = map.place("name");
            map.reject(place, format!("{:?} is not the name of a metric", metric.name.value));
        }
        let may_have_exemplars =
            matches!(kind, Some(MetricKind::Counter | MetricKind::Histogram | MetricKind::NativeHistogram));
        if metric.exemplars && kind.is_some() && !may_have_exemplars {
            let place = map.place("exemplars");
            map.reject(place, "only counters and histograms have exemplars");
        }
        if !map.has_failed() && metric.init == Some(true) && !metric.can_begin_whole() {
            let place = map.place("init");
            map.reject(place, "only a metric whose labels are all `enum` can begin with all of its series");
        }
        if let Some(quantile) = metric.quantiles.iter().find(|q| !(0.0..=1.0).contains(*q)) {
            let place = map.place("quantiles");
            map.reject(place, format!("a quantile is a number from 0 to 1, not {quantile}"));
        }
        map.finish()?;
        Ok(metric)
    }
}

fn default_multiprocess(kind: MetricKind) -> Multiprocess {
    match kind {
        MetricKind::Counter | MetricKind::Histogram | MetricKind::NativeHistogram | MetricKind::Summary => {
            Multiprocess::Sum
        }
        MetricKind::Gauge => Multiprocess::SumLive,
        MetricKind::Info | MetricKind::StateSet => Multiprocess::Latest,
    }
}

/// Labels by name, in the order in which they are written.
struct Labels(Vec<(Spanned<String>, Label)>);

impl<'d> Decode<'d> for Labels {
    fn type_name() -> Cow<'static, str> {
        "map[string]pack.label".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        if !matches!(node.kind(), Kind::Mapping) {
            return Err(errors.push(node.wrong_type(&Self::type_name())));
        }
        let mut labels: Vec<(Spanned<String>, Label)> = Vec::new();
        let mut failed = None;
        for entry in node.entries() {
            match (Spanned::<String>::decode(entry.key, errors), Label::decode(entry.value, errors)) {
                (Ok(name), Ok(_)) if labels.iter().any(|(other, _)| other.value == name.value) => {
                    failed = Some(errors.reject(entry.key, format!("label {:?} is there twice", name.value)));
                }
                (Ok(name), Ok(_)) if !is_legacy_label_name(&name) => {
                    let reason = format!("{:?} is not the name of a label", name.value);
                    failed = Some(errors.reject(entry.key, reason));
                }
                (Ok(name), Ok(label)) => labels.push((name, label)),
                (Err(reported), _) | (_, Err(reported)) => failed = Some(reported),
            }
        }
        failed.map_or(Ok(Self(labels)), Err)
    }
}

impl<'d> Decode<'d> for Label {
    fn type_name() -> Cow<'static, str> {
        "pack.label".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        // A list of values is the short form of `{enum: [...]}`.
        if matches!(node.kind(), Kind::Sequence) {
            return Ok(Self { values: Vec::decode(node, errors)?, ..Self::default() });
        }
        let mut map = MapReader::new(node, "pack.label", errors)?;
        let label = Self {
            values: map.or_default("enum"),
            max: map.optional("max"),
            max_len: map.optional("max_len"),
            optional: map.or("optional", false),
            normalise: map.or_default("normalise"),
            deny: map.or("deny", false),
            help: map.or_default("help"),
            examples: map.or_default("examples"),
        };
        let has_rules =
            label.max.is_some() || label.max_len.is_some() || !label.normalise.is_empty() || label.deny;
        if label.is_closed() && has_rules {
            map.reject(
                node,
                "the values of `enum` are all there are; `max`, `max_len`, `normalise` and `deny` are for open labels",
            );
        }
        if label.deny && !label.normalise.is_empty() {
            let place = map.place("deny");
            map.reject(place, "a value is either normalised or denied");
        }
        let mut values = label.values.clone();
        values.sort_unstable();
        if let Some([twice, _]) = values.windows(2).find(|pair| pair[0] == pair[1]) {
            let place = map.place("enum");
            map.reject(place, format!("value {twice:?} is there twice"));
        }
        map.finish()?;
        Ok(label)
    }
}

impl<'d> Decode<'d> for Buckets {
    fn type_name() -> Cow<'static, str> {
        "name or []float64".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        if matches!(node.kind(), Kind::Sequence) {
            return Ok(Self::Bounds(Bounds::decode(node, errors)?.0));
        }
        Ok(Self::Named(String::decode(node, errors)?))
    }
}

/// Upper bounds of buckets.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Bounds(pub(crate) Vec<f64>);

impl<'d> Decode<'d> for Bounds {
    fn type_name() -> Cow<'static, str> {
        "[]float64".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        let bounds = Vec::<f64>::decode(node, errors)?;
        let grows = bounds.windows(2).all(|pair| pair[0] < pair[1]);
        if bounds.is_empty() || !grows || !bounds.iter().all(|bound| bound.is_finite()) {
            let reason = "the bounds of buckets are finite and each is greater than the one before; \
                          the infinite bucket is added by itself";
            return Err(errors.reject(node, reason));
        }
        Ok(Self(bounds))
    }
}

impl<'d> Decode<'d> for Alias {
    fn type_name() -> Cow<'static, str> {
        "pack.alias".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        if node.scalar().is_some() {
            return Ok(Self { name: Spanned::decode(node, errors)?, labels: BTreeMap::new() });
        }
        let mut map = MapReader::new(node, "pack.alias", errors)?;
        let alias = Self { name: map.required("name").unwrap_or_default(), labels: map.or_default("labels") };
        map.finish()?;
        Ok(alias)
    }
}
