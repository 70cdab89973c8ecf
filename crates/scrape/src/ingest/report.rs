use bellwether_model::{AppendBatch, AppendEntry, AppendReport, Labels, SeriesRef, Value};

use super::sample_labels::SampleLabels;

/// The series that tell about each scrape, in the order in which they are stored. The last three are stored on demand.
const METRICS: [&str; 8] = [
    "up",
    "scrape_duration_seconds",
    "scrape_samples_scraped",
    "scrape_samples_post_metric_relabeling",
    "scrape_series_added",
    "scrape_timeout_seconds",
    "scrape_sample_limit",
    "scrape_body_size_bytes",
];
const N_USUAL: usize = 5;

/// What one scrape was like.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Report {
    pub(crate) up: bool,
    pub(crate) duration_seconds: f64,
    /// Samples that the target exposed.
    pub(crate) samples_scraped: usize,
    /// Samples that relabelling left.
    pub(crate) samples_post_relabel: usize,
    /// Series that the scrape before did not have.
    pub(crate) series_added: usize,
    pub(crate) extra: ExtraReport,
}

/// What is stored only if `extra_scrape_metrics` is on.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct ExtraReport {
    pub(crate) timeout_seconds: f64,
    /// 0 if there is no limit.
    pub(crate) sample_limit: usize,
    /// Decoded bytes; 0 if the scrape failed and -1 if it failed because there were too many.
    pub(crate) body_size_bytes: i64,
}

impl Report {
    fn values(&self) -> [f64; METRICS.len()] {
        [
            f64::from(u8::from(self.up)),
            self.duration_seconds,
            self.samples_scraped as f64,
            self.samples_post_relabel as f64,
            self.series_added as f64,
            self.extra.timeout_seconds,
            self.extra.sample_limit as f64,
            self.extra.body_size_bytes as f64,
        ]
    }
}

/// The report series of one target.
#[derive(Debug)]
pub(crate) struct ReportSeries {
    series: Vec<(Labels, Option<SeriesRef>)>,
}

impl ReportSeries {
    pub(crate) fn new(labels: &SampleLabels, extra: bool) -> Self {
        let n = if extra { METRICS.len() } else { N_USUAL };
        Self { series: METRICS[..n].iter().map(|metric| (labels.report(metric), None)).collect() }
    }

    /// Appends one sample per series.
    pub(crate) fn append(&self, report: &Report, ts_ms: i64, batch: &mut AppendBatch) {
        self.append_values(&report.values(), ts_ms, batch);
    }

    /// Appends one stale marker per series.
    pub(crate) fn append_stale(&self, ts_ms: i64, batch: &mut AppendBatch) {
        self.append_values(&[bellwether_model::stale_nan(); METRICS.len()], ts_ms, batch);
    }

    fn append_values(&self, values: &[f64; METRICS.len()], ts_ms: i64, batch: &mut AppendBatch) {
        batch.samples.extend(self.series.iter().zip(values).map(|((labels, sref), value)| AppendEntry {
            hint: *sref,
            // As with the series of the body, a handle says it all.
            labels: if sref.is_some() { Labels::default() } else { labels.clone() },
            ts_ms,
            start_ts_ms: 0,
            value: Value::Float(*value),
        }));
    }

    /// Makes `up` 0 in a batch to which the report was appended last.
    pub(crate) fn set_down(&self, batch: &mut AppendBatch) {
        let first = batch.samples.len().saturating_sub(self.series.len());
        if let Some(up) = batch.samples.get_mut(first) {
            up.value = Value::Float(0.0);
        }
    }

    /// The labels of the report's sample that is the `from_end`th of the batch, counted from its end.
    pub(crate) fn labels(&self, from_end: usize) -> Option<&Labels> {
        let idx = self.series.len().checked_sub(from_end)?;
        self.series.get(idx).map(|(labels, _)| labels)
    }

    /// Remembers the handles that the store gave; the report series are the last of the batch.
    pub(crate) fn stored(&mut self, report: &AppendReport) {
        let first = report.samples.len().saturating_sub(self.series.len());
        for ((_, sref), outcome) in self.series.iter_mut().zip(&report.samples[first..]) {
            if let Ok(given) = outcome {
                *sref = Some(*given);
            }
        }
    }
}
