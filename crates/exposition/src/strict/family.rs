use std::collections::BTreeSet;

use super::histogram::Histograms;
use super::timestamp::Timestamp;
use super::{LabelSet, Sample, Violation};
use crate::MetricType;
use crate::number::parse_value;

/// The family that the validator is in.
#[derive(Debug)]
pub(super) struct OpenFamily {
    name: String,
    offset: usize,
    metric_type: Option<MetricType>,
    unit: Option<String>,
    has_help: bool,
    group: Option<Group>,
    seen_groups: BTreeSet<LabelSet>,
    histograms: Histograms,
}

/// The samples that make up one metric: those with the same labels, bounds and states left out.
#[derive(Debug)]
struct Group {
    labels: LabelSet,
    timestamp: Option<Timestamp>,
}

impl OpenFamily {
    pub(super) fn new(name: &str, offset: usize) -> Self {
        Self {
            name: name.to_owned(),
            offset,
            metric_type: None,
            unit: None,
            has_help: false,
            group: None,
            seen_groups: BTreeSet::new(),
            histograms: Histograms::default(),
        }
    }

    pub(super) fn offset(&self) -> usize {
        self.offset
    }

    pub(super) fn is_named(&self, name: &str) -> bool {
        self.name == name
    }

    pub(super) fn has_samples(&self) -> bool {
        self.group.is_some()
    }

    /// The names that this family takes, whether its series use them or not.
    pub(super) fn names(&self) -> Vec<String> {
        let suffixes = suffixes(self.metric_type());
        let own = suffixes.iter().all(|suffix| !suffix.is_empty()).then_some("");
        suffixes.iter().copied().chain(own).map(|suffix| format!("{}{suffix}", self.name)).collect()
    }

    /// Whether a series of this name belongs to the family.
    pub(super) fn allows(&self, series_name: &str) -> bool {
        self.suffix_of(series_name).is_some_and(|suffix| suffixes(self.metric_type()).contains(&suffix))
    }

    pub(super) fn declare_help(&mut self) -> Result<(), Violation> {
        if std::mem::replace(&mut self.has_help, true) {
            return Err(self.violation("more than one HELP"));
        }
        Ok(())
    }

    pub(super) fn declare_type(&mut self, metric_type: MetricType) -> Result<(), Violation> {
        match self.metric_type.replace(metric_type) {
            Some(_) => Err(self.violation("more than one TYPE")),
            None => Ok(()),
        }
    }

    pub(super) fn declare_unit(&mut self, unit: &str) -> Result<(), Violation> {
        match self.unit.replace(unit.to_owned()) {
            Some(_) => Err(self.violation("more than one UNIT")),
            None => Ok(()),
        }
    }

    pub(super) fn add(&mut self, sample: &Sample) -> Result<(), Violation> {
        let suffix = self.suffix_of(&sample.name).unwrap_or("").to_owned();
        let checked = check_labels(sample, self.metric_type(), &self.name, &suffix)
            .and_then(|()| check_value(sample, self.metric_type(), &suffix))
            .and_then(|()| check_exemplar(sample, self.metric_type(), &suffix));
        if let Err(reason) = checked {
            return Err(self.violation(reason));
        }
        let labels = self.group_labels(sample, &suffix);
        self.enter_group(labels, sample.timestamp)?;
        if is_histogram(self.metric_type()) {
            self.histograms.add(sample, &suffix).map_err(|violation| self.violation(&violation.reason))?;
        }
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<(), Violation> {
        let has_unit = self.unit.as_ref().is_some_and(|unit| !unit.is_empty());
        if has_unit && matches!(self.metric_type(), MetricType::Info | MetricType::StateSet) {
            return Err(self.violation(&format!("a {} has no unit", self.metric_type())));
        }
        self.histograms.finish().map_err(|violation| self.violation(&violation.reason))
    }

    fn metric_type(&self) -> MetricType {
        self.metric_type.unwrap_or_default()
    }

    fn suffix_of<'n>(&self, series_name: &'n str) -> Option<&'n str> {
        series_name.strip_prefix(self.name.as_str())
    }

    fn group_labels(&self, sample: &Sample, suffix: &str) -> LabelSet {
        match self.metric_type() {
            // The labels of an info are its value.
            MetricType::Info => Vec::new(),
            MetricType::Summary if suffix.is_empty() => sample.labels_without("quantile"),
            MetricType::StateSet => sample.labels_without(&self.name),
            MetricType::Histogram | MetricType::GaugeHistogram if suffix == "_bucket" => {
                sample.labels_without("le")
            }
            _ => sample.labels.clone(),
        }
    }

    /// Samples of one metric stand together, in the order of time.
    fn enter_group(&mut self, labels: LabelSet, timestamp: Option<Timestamp>) -> Result<(), Violation> {
        match &self.group {
            Some(group) if group.labels == labels => {
                if group.timestamp.is_some() != timestamp.is_some() {
                    return Err(self.violation("samples with and without timestamp mixed"));
                }
                if group.timestamp > timestamp && self.metric_type() != MetricType::Info {
                    return Err(self.violation("timestamps go backwards"));
                }
            }
            Some(_) if self.seen_groups.contains(&labels) => {
                return Err(self.violation("samples of one metric do not stand together"));
            }
            _ => {}
        }
        self.seen_groups.insert(labels.clone());
        self.group = Some(Group { labels, timestamp });
        Ok(())
    }

    fn violation(&self, reason: &str) -> Violation {
        Violation::new(format!("{reason}: family {:?}", self.name))
    }
}

/// The suffixes of the series of a type.
fn suffixes(metric_type: MetricType) -> &'static [&'static str] {
    match metric_type {
        MetricType::Counter => &["_total", "_created"],
        MetricType::Summary => &["", "_count", "_sum", "_created"],
        MetricType::Histogram => &["_bucket", "_count", "_sum", "_created"],
        MetricType::GaugeHistogram => &["_bucket", "_gcount", "_gsum"],
        MetricType::Info => &["_info"],
        MetricType::Gauge | MetricType::StateSet | MetricType::Unknown => &[""],
    }
}

fn is_histogram(metric_type: MetricType) -> bool {
    matches!(metric_type, MetricType::Histogram | MetricType::GaugeHistogram)
}

fn check_labels(
    sample: &Sample,
    metric_type: MetricType,
    family: &str,
    suffix: &str,
) -> Result<(), &'static str> {
    match metric_type {
        MetricType::StateSet if sample.label(family).is_none() => {
            Err("a state needs a label that is named like the family")
        }
        MetricType::Histogram | MetricType::GaugeHistogram if suffix == "_bucket" => {
            let bound = sample.label("le").and_then(canonical_number);
            bound.filter(|bound| !bound.is_nan()).map(drop).ok_or("invalid le label")
        }
        MetricType::Summary if suffix.is_empty() => {
            let rank = sample.label("quantile").and_then(canonical_number);
            rank.filter(|rank| (0.0..=1.0).contains(rank)).map(drop).ok_or("invalid quantile label")
        }
        _ => Ok(()),
    }
}

/// Reads a bound. Infinity must be spelled in the one way that the format names.
fn canonical_number(text: &str) -> Option<f64> {
    let number = parse_value(text.as_bytes()).ok()?;
    (number != f64::INFINITY || text == "+Inf").then_some(number)
}

fn check_value(sample: &Sample, metric_type: MetricType, suffix: &str) -> Result<(), &'static str> {
    let value = sample.value;
    let is_counted = matches!(suffix, "_bucket" | "_count" | "_gcount");
    let is_cumulative = is_counted || matches!(suffix, "_total" | "_sum");
    match metric_type {
        MetricType::StateSet if value != 0.0 && value != 1.0 => return Err("a state is 0 or 1"),
        MetricType::Info if value != 1.0 => return Err("the value of an info is 1"),
        MetricType::Summary if suffix.is_empty() && value < 0.0 => return Err("negative quantile"),
        _ => {}
    }
    if (is_cumulative || suffix == "_gsum") && value.is_nan() {
        return Err("counts and sums cannot be NaN");
    }
    if is_cumulative && value < 0.0 {
        return Err("counts and sums cannot be negative");
    }
    if is_counted && value.fract() != 0.0 {
        return Err("counts are integers");
    }
    Ok(())
}

fn check_exemplar(sample: &Sample, metric_type: MetricType, suffix: &str) -> Result<(), &'static str> {
    let may_have_one = (is_histogram(metric_type) && suffix == "_bucket")
        || (metric_type == MetricType::Counter && suffix == "_total");
    if sample.has_exemplar && !may_have_one {
        return Err("only counters and histogram buckets can have exemplars");
    }
    Ok(())
}
