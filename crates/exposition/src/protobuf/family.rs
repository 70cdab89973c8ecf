//! `io.prometheus.client.MetricFamily`
use bellwether_protobuf::Fields;

use super::error::{FieldError, InField};
use super::label::read_text;
use crate::quote::quote;
use crate::{MetricType, ParseError};

/// The number of the field that holds a metric.
pub(super) const METRIC: u32 = 4;

/// What a family says about its metrics.
#[derive(Debug, Clone, Copy)]
pub(super) struct Family<'a> {
    pub(super) name: &'a str,
    pub(super) help: &'a str,
    pub(super) unit: &'a str,
    pub(super) metric_type: MetricType,
    pub(super) has_metrics: bool,
}

impl<'a> Family<'a> {
    pub(super) const NONE: Self =
        Self { name: "", help: "", unit: "", metric_type: MetricType::Unknown, has_metrics: false };

    /// Reads everything but the metrics, which may stand before it. What a family without metrics says is not judged.
    pub(super) fn read(message: Fields<'a>) -> Result<Self, ParseError> {
        let start = message.offset();
        let mut family = Self::NONE;
        let type_code = family.fill(message).map_err(|error| error.in_family(family.name))?;
        if family.has_metrics {
            family.check(type_code).map_err(|reason| ParseError::at_byte(start, reason))?;
        }
        Ok(family)
    }

    fn fill(&mut self, mut message: Fields<'a>) -> Result<u64, FieldError> {
        let mut type_code = 0;
        while let Some(field) = message.next_field().in_field("MetricFamily")? {
            match field.number {
                1 => self.name = read_text(&field, "MetricFamily.name")?,
                2 => self.help = read_text(&field, "MetricFamily.help")?,
                3 => type_code = field.varint().in_field("MetricFamily.type")?,
                METRIC => self.has_metrics = true,
                5 => self.unit = read_text(&field, "MetricFamily.unit")?,
                _ => {}
            }
        }
        Ok(type_code)
    }

    /// Refuses what Prometheus refuses, in its words.
    fn check(&mut self, type_code: u64) -> Result<(), String> {
        if self.name.is_empty() {
            return Err("invalid metric name: ".to_owned());
        }
        let name = || quote(self.name.as_bytes());
        self.metric_type = match type_code {
            0 => MetricType::Counter,
            1 => MetricType::Gauge,
            2 => MetricType::Summary,
            3 => MetricType::Unknown,
            4 => MetricType::Histogram,
            5 => MetricType::GaugeHistogram,
            other => return Err(format!("unknown metric type for metric {}: {other}", name())),
        };
        let has_unit = |name: &str| name.strip_suffix(self.unit).is_some_and(|base| base.ends_with('_'));
        let unit = || quote(self.unit.as_bytes());
        match self.name.strip_suffix("_total").filter(|_| self.metric_type == MetricType::Counter) {
            _ if self.unit.is_empty() => Ok(()),
            Some(base) if has_unit(base) => Ok(()),
            Some(_) => Err(format!("unit {} not a suffix of counter {}", unit(), name())),
            None if has_unit(self.name) => Ok(()),
            None => Err(format!("unit {} not a suffix of metric {}", unit(), name())),
        }
    }
}
