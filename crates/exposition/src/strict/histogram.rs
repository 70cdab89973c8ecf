use super::timestamp::Timestamp;
use super::{LabelSet, Sample, Violation};
use crate::number::parse_value;

/// Checks the histograms of a family: one for each set of labels and, if there are several, for each timestamp.
#[derive(Debug, Default)]
pub(super) struct Histograms {
    current: Option<Histogram>,
}

#[derive(Debug)]
struct Histogram {
    group: LabelSet,
    timestamp: Option<Timestamp>,
    last_bound: Option<f64>,
    last_bucket: f64,
    count: Option<f64>,
    has_negative_buckets: bool,
    has_sum: bool,
    has_gauge_sum: bool,
    has_negative_gauge_sum: bool,
}

impl Histogram {
    fn new(group: LabelSet, timestamp: Option<Timestamp>) -> Self {
        Self {
            group,
            timestamp,
            last_bound: None,
            last_bucket: 0.0,
            count: None,
            has_negative_buckets: false,
            has_sum: false,
            has_gauge_sum: false,
            has_negative_gauge_sum: false,
        }
    }

    fn bucket(&mut self, bound: f64, value: f64) -> Result<(), Violation> {
        if self.last_bound.is_some_and(|last| bound <= last) {
            return Err(Violation::new("buckets out of order"));
        }
        if value < self.last_bucket {
            return Err(Violation::new("bucket values out of order"));
        }
        self.has_negative_buckets |= bound < 0.0;
        self.last_bound = Some(bound);
        self.last_bucket = value;
        Ok(())
    }

    fn check(&self) -> Result<(), Violation> {
        let is_complete = self.last_bound == Some(f64::INFINITY);
        let rules = [
            (is_complete, "+Inf bucket missing"),
            (
                self.count.is_none_or(|count| count == self.last_bucket),
                "count does not match the +Inf bucket",
            ),
            (!self.has_sum || self.count.is_some(), "_sum without _count"),
            (!self.has_gauge_sum || self.count.is_some(), "_gsum without _gcount"),
            (self.count.is_none() || self.has_sum || self.has_gauge_sum, "count without sum"),
            (!(self.has_negative_buckets && self.has_sum), "_sum with negative buckets"),
            (
                self.has_negative_buckets || !self.has_negative_gauge_sum,
                "negative _gsum without negative buckets",
            ),
        ];
        match rules.iter().find(|(holds, _)| !holds) {
            Some((_, reason)) => Err(Violation::new(*reason)),
            None => Ok(()),
        }
    }
}

impl Histograms {
    /// Adds a sample; `suffix` is what its name has behind that of the family.
    pub(super) fn add(&mut self, sample: &Sample, suffix: &str) -> Result<(), Violation> {
        let group = if suffix == "_bucket" { sample.labels_without("le") } else { sample.labels.clone() };
        let continues =
            self.current.as_ref().is_some_and(|h| h.group == group && h.timestamp == sample.timestamp);
        if !continues {
            self.finish()?;
        }
        let histogram = self.current.get_or_insert_with(|| Histogram::new(group, sample.timestamp));
        match suffix {
            "_bucket" => {
                let bound = sample.label("le").and_then(|le| parse_value(le.as_bytes()).ok());
                let bound = bound.ok_or_else(|| Violation::new("invalid le label"))?;
                return histogram.bucket(bound, sample.value);
            }
            "_count" | "_gcount" => histogram.count = Some(sample.value),
            "_sum" => histogram.has_sum = true,
            "_gsum" => {
                histogram.has_gauge_sum = true;
                histogram.has_negative_gauge_sum |= sample.value < 0.0;
            }
            _ => {}
        }
        Ok(())
    }

    pub(super) fn finish(&mut self) -> Result<(), Violation> {
        self.current.take().map_or(Ok(()), |histogram| histogram.check())
    }
}
