//! What one exposition holds, family by family.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_exposition::{
    BodyFormat, CreatedHandling, Event, EventReader, LabelBuf, MetricType, NativeCounts, NativeHistograms,
    ParseError, ProtobufReader, Reader, Series, TypeAndUnitLabels, is_in_family,
};

/// How much memory the names and label values of an exposition may take. What comes after that is not looked at.
const MAX_BYTES: usize = 16 << 20;
/// What an entry of a map takes beside its text, about.
const ENTRY_BYTES: usize = 96;

/// The families of one exposition, with what their series have in common.
#[derive(Debug, Clone, Default)]
pub struct Exposed {
    families: BTreeMap<String, Family>,
    used_bytes: usize,
    is_partial: bool,
}

/// A family. It is called as in text 0.0.4 and in packs: OpenMetrics leaves `_total` and `_info` away.
#[derive(Debug, Clone)]
pub(crate) struct Family {
    pub(crate) metric_type: MetricType,
    /// Empty if the exposition gives none, which text 0.0.4 cannot.
    pub(crate) unit: String,
    /// Whether a histogram has the native form.
    pub(crate) is_native: bool,
    /// Sets of labels, without bounds of buckets and quantiles.
    pub(crate) n_series: usize,
    /// Whether a counter has counted or a histogram observed anything; always true of other types with series.
    pub(crate) is_touched: bool,
    pub(crate) labels: BTreeMap<String, Values>,
    /// The finite bounds of buckets, or the quantiles, in rising order and as they were read.
    pub(crate) bounds: Vec<f64>,
}

/// The values of a label.
#[derive(Debug, Clone, Default)]
pub(crate) struct Values {
    /// How many series have the label.
    pub(crate) n_series: usize,
    pub(crate) distinct: BTreeSet<Box<str>>,
}

/// What a series is in its family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    /// The one that stands for a set of labels.
    Whole,
    /// The same, as a native histogram.
    Native,
    /// One of several buckets or quantiles, told by the label of this name.
    Bound(&'static str),
    /// Another part.
    Part,
}

impl Exposed {
    /// Reads an exposition. It has to be whole: what stands before an error says nothing about what is missing.
    pub fn read(body: &[u8], format: BodyFormat) -> Result<Self, ParseError> {
        let created = CreatedHandling::StartTimestamp;
        match format {
            BodyFormat::Text => Self::read_events(Reader::text(body), false),
            BodyFormat::OpenMetrics => Self::read_events(Reader::openmetrics(body, created), true),
            BodyFormat::Protobuf => {
                Self::read_events(ProtobufReader::new(body, NativeHistograms::Beside, created), false)
            }
        }
    }

    fn read_events<'a>(mut reader: impl EventReader<'a>, is_openmetrics: bool) -> Result<Self, ParseError> {
        let mut exposed = Self::default();
        let mut head = Head { is_openmetrics, ..Head::default() };
        let mut labels = LabelBuf::new();
        while let Some(event) = reader.next_expecting(&[]) {
            match event? {
                Event::Type { family, metric_type } => {
                    head.begin(family.as_written());
                    head.metric_type = metric_type;
                    exposed.family(&head.key(), &head);
                }
                Event::Unit { family, unit } => {
                    head.begin(family.as_written());
                    unit.clone_into(&mut head.unit);
                    if let Some(family) = exposed.families.get_mut(&head.key()) {
                        unit.clone_into(&mut family.unit);
                    }
                }
                Event::Series(series) => {
                    reader.read_labels(&series, TypeAndUnitLabels::Omit, &mut labels);
                    exposed.series(&series, &labels, &head);
                }
                Event::Histogram { series, histogram } => {
                    reader.read_labels(&series, TypeAndUnitLabels::Omit, &mut labels);
                    let is_touched = match histogram.counts {
                        NativeCounts::Integers { count, .. } => count > 0,
                        NativeCounts::Floats { count, .. } => count > 0.0,
                    };
                    exposed.record(&head.key(), &head, &labels, Role::Native, is_touched);
                }
                Event::Help { .. } | Event::Comment(_) => {}
            }
        }
        Ok(exposed)
    }

    /// Whether there was more than is looked at.
    pub fn is_partial(&self) -> bool {
        self.is_partial
    }

    /// The same but for the families with these names.
    pub(crate) fn without(&self, names: &BTreeSet<&str>) -> Self {
        let mut rest = self.clone();
        rest.families.retain(|name, _| !names.contains(name.as_str()));
        rest
    }

    /// How many families there are.
    pub fn n_families(&self) -> usize {
        self.families.len()
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Family> {
        self.families.get(name)
    }

    /// The families whose names begin with `prefix`.
    pub(crate) fn with_prefix<'e>(&'e self, prefix: &'e str) -> impl Iterator<Item = &'e str> {
        let from =
            self.families.range::<str, _>((std::ops::Bound::Included(prefix), std::ops::Bound::Unbounded));
        from.map(|(name, _)| name.as_str()).take_while(move |name| name.starts_with(prefix))
    }

    fn family(&mut self, key: &str, head: &Head) -> Option<&mut Family> {
        if !self.families.contains_key(key) && !take(&mut self.used_bytes, &mut self.is_partial, key.len()) {
            return None;
        }
        Some(self.families.entry(key.to_owned()).or_insert_with(|| Family {
            metric_type: head.metric_type,
            unit: head.unit.clone(),
            is_native: false,
            n_series: 0,
            is_touched: false,
            labels: BTreeMap::new(),
            bounds: Vec::new(),
        }))
    }

    fn series(&mut self, series: &Series<'_>, labels: &LabelBuf, head: &Head) {
        let Some((_, name)) = labels.iter().find(|(label, _)| *label == "__name__") else { return };
        if !is_in_family(name, &head.declared, head.metric_type) {
            // What nobody declared is a family of its own. Old clients write `_created` so.
            let own = Head { declared: name.to_owned(), ..Head::default() };
            self.record(name, &own, labels, Role::Whole, true);
            return;
        }
        let role = match head.metric_type {
            MetricType::Histogram | MetricType::GaugeHistogram if name.ends_with("_bucket") => {
                Role::Bound("le")
            }
            MetricType::Histogram | MetricType::GaugeHistogram | MetricType::Summary
                if name.ends_with("count") =>
            {
                Role::Whole
            }
            MetricType::Histogram | MetricType::GaugeHistogram => Role::Part,
            MetricType::Summary if name.ends_with("_sum") => Role::Part,
            MetricType::Summary => Role::Bound("quantile"),
            _ => Role::Whole,
        };
        let counts = matches!(
            head.metric_type,
            MetricType::Counter | MetricType::Histogram | MetricType::GaugeHistogram | MetricType::Summary
        );
        self.record(&head.key(), head, labels, role, !counts || series.value != 0.0);
    }

    fn record(&mut self, key: &str, head: &Head, labels: &LabelBuf, role: Role, is_touched: bool) {
        if self.family(key, head).is_none() {
            return;
        }
        let Self { families, used_bytes, is_partial } = self;
        let Some(family) = families.get_mut(key) else { return };
        match role {
            // The classic form beside a native one, which has been counted.
            Role::Whole if family.is_native => {}
            Role::Whole | Role::Native => {
                family.is_native |= role == Role::Native;
                family.n_series += 1;
                family.is_touched |= is_touched;
                let own = labels.iter().filter(|(name, value)| *name != "__name__" && !value.is_empty());
                for (name, value) in own {
                    record_label(&mut family.labels, name, value, used_bytes, is_partial);
                }
            }
            Role::Bound(label) => {
                let bound = labels.iter().find(|(name, _)| *name == label);
                let bound = bound.and_then(|(_, value)| value.parse::<f64>().ok()).filter(|b| b.is_finite());
                if let Some(bound) = bound
                    && let Err(place) = family.bounds.binary_search_by(|known| known.total_cmp(&bound))
                    && take(used_bytes, is_partial, 0)
                {
                    family.bounds.insert(place, bound);
                }
            }
            Role::Part => {}
        }
    }
}

/// Adds one series to what is known of a label.
fn record_label(
    labels: &mut BTreeMap<String, Values>,
    name: &str,
    value: &str,
    used_bytes: &mut usize,
    is_partial: &mut bool,
) {
    if !labels.contains_key(name) {
        if !take(used_bytes, is_partial, name.len()) {
            return;
        }
        labels.insert(name.to_owned(), Values::default());
    }
    let Some(values) = labels.get_mut(name) else { return };
    values.n_series += 1;
    if !values.distinct.contains(value) && take(used_bytes, is_partial, value.len()) {
        values.distinct.insert(value.into());
    }
}

/// Takes the memory for one more entry with a text of this length, if there is enough left.
fn take(used_bytes: &mut usize, is_partial: &mut bool, text_bytes: usize) -> bool {
    let needed = *used_bytes + text_bytes + ENTRY_BYTES;
    if needed > MAX_BYTES {
        *is_partial = true;
        return false;
    }
    *used_bytes = needed;
    true
}

/// The family that was declared last.
#[derive(Debug, Clone, Default)]
struct Head {
    declared: String,
    metric_type: MetricType,
    unit: String,
    /// Whether the name of a family lacks the suffix of its series.
    is_openmetrics: bool,
}

impl Head {
    /// Another line about the family that is called so.
    fn begin(&mut self, family: &str) {
        if self.declared != family {
            let is_openmetrics = self.is_openmetrics;
            *self = Self { declared: family.to_owned(), is_openmetrics, ..Self::default() };
        }
    }

    /// The name as packs write it: OpenMetrics declares the family `a` of a counter `a_total`.
    fn key(&self) -> String {
        let suffix = match self.metric_type {
            MetricType::Counter if self.is_openmetrics => "_total",
            MetricType::Info if self.is_openmetrics => "_info",
            _ => "",
        };
        let stem = self.declared.strip_suffix(suffix).unwrap_or(&self.declared);
        format!("{stem}{suffix}")
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use bellwether_exposition::{
        BucketSample, EscapingScheme, HistogramSample, NativeSample, ProtobufWriter,
    };

    use super::*;

    fn text(body: &str) -> Exposed {
        Exposed::read(body.as_bytes(), BodyFormat::Text).expect("an exposition")
    }

    #[test]
    fn a_family_is_the_same_in_both_text_formats() {
        let old = text(
            "# HELP a_total x\n# TYPE a_total counter\na_total{k=\"1\"} 0\na_total{k=\"2\",l=\"\"} 0\n\
             # TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"0.5\"} 1\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\n\
             # TYPE s summary\ns{quantile=\"0.5\"} 1\ns_sum 1\ns_count 0\n",
        );
        let new = "# TYPE a counter\n# UNIT a \na_total{k=\"1\"} 0\na_created{k=\"1\"} 5\na_total{k=\"2\"} 0\n\
                   # TYPE h histogram\nh_bucket{le=\"1.0\"} 1\nh_bucket{le=\"0.5\"} 1\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\n\
                   # TYPE s summary\ns{quantile=\"0.5\"} 1\ns_sum 1\ns_count 0\n# EOF\n";
        let new = Exposed::read(new.as_bytes(), BodyFormat::OpenMetrics).expect("an exposition");
        for exposed in [old, new] {
            assert_eq!(exposed.with_prefix("").collect::<Vec<_>>(), ["a_total", "h", "s"]);
            let counter = exposed.get("a_total").expect("there");
            assert_eq!((counter.n_series, counter.is_touched), (2, false));
            assert_eq!(counter.labels.keys().collect::<Vec<_>>(), ["k"], "an empty value is no label");
            assert_eq!(counter.labels["k"].distinct.len(), 2);
            let histogram = exposed.get("h").expect("there");
            assert_eq!((histogram.n_series, histogram.is_touched), (1, true));
            assert_eq!(histogram.bounds, [0.5, 1.0]);
            assert!(histogram.labels.is_empty(), "bounds are no labels");
            let summary = exposed.get("s").expect("there");
            assert_eq!(
                (summary.n_series, summary.is_touched, summary.bounds.as_slice()),
                (1, false, &[0.5][..])
            );
        }
    }

    #[test]
    fn what_nobody_declared_is_a_family_of_its_own() {
        let exposed =
            text("# TYPE a gauge\na 1\nb_bucket{le=\"1\"} 1\nb_created 1\n# TYPE c_total counter\n");
        assert_eq!(exposed.with_prefix("").collect::<Vec<_>>(), ["a", "b_bucket", "b_created", "c_total"]);
        assert_eq!(exposed.get("b_bucket").map(|family| family.metric_type), Some(MetricType::Unknown));
        assert_eq!(exposed.get("c_total").map(|family| family.n_series), Some(0));
        assert_eq!(exposed.with_prefix("b").count(), 2);
    }

    #[test]
    fn a_native_histogram_counts_once_whatever_stands_beside_it() {
        let mut body = Vec::new();
        let mut writer = ProtobufWriter::new(&mut body, EscapingScheme::AllowUtf8);
        let family = |name| bellwether_exposition::Family {
            name,
            metric_type: MetricType::Histogram,
            help: "",
            unit: "seconds",
        };
        let native = NativeSample {
            schema: 3,
            zero_threshold: 0.0,
            zero_count: 0,
            positive: &[(1, 1)],
            negative: &[],
            exemplars: &[],
        };
        let buckets = [BucketSample { upper_bound: 2.0, cumulative_count: 1, exemplar: None }];
        for (name, buckets, native) in [
            ("both_seconds", &buckets[..], Some(native)),
            ("native_seconds", &[], Some(native)),
            ("classic_seconds", &buckets[..], None),
        ] {
            writer.family(&family(name));
            writer.histogram(&[], &HistogramSample { count: 1, sum: 1.0, buckets, native });
        }
        writer.finish();
        let exposed = Exposed::read(&body, BodyFormat::Protobuf).expect("an exposition");
        for (name, is_native, bounds) in [
            ("both_seconds", true, &[2.0][..]),
            ("native_seconds", true, &[]),
            ("classic_seconds", false, &[2.0]),
        ] {
            let family = exposed.get(name).expect("there");
            assert_eq!(
                (family.n_series, family.is_touched, family.is_native),
                (1, true, is_native),
                "{name}"
            );
            assert_eq!(family.bounds, bounds, "{name}");
            assert_eq!(family.unit, "seconds");
        }
    }

    #[test]
    fn memory_is_bounded() {
        let mut body = String::from("# TYPE a gauge\n");
        for n in 0..50_000 {
            let _ = writeln!(body, "a{{k=\"{n:0>400}\"}} 1");
        }
        let exposed = text(&body);
        assert!(exposed.is_partial());
        let family = exposed.get("a").expect("there");
        assert_eq!(family.n_series, 50_000, "counting goes on");
        assert!(family.labels["k"].distinct.len() < MAX_BYTES / 400);
    }
}
