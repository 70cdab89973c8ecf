use bellwether_model::{AppendBatch, Labels, SeriesRef};

use super::sample_labels::SampleLabels;
use super::{Origin, Origins};

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
    pub(super) fn append(&self, report: &Report, ts_ms: i64, batch: &mut AppendBatch, origins: &mut Origins) {
        self.append_values(&report.values(), ts_ms, batch, origins);
    }

    /// Appends one stale marker per series.
    pub(super) fn append_stale(&self, ts_ms: i64, batch: &mut AppendBatch, origins: &mut Origins) {
        self.append_values(&[bellwether_model::stale_nan(); METRICS.len()], ts_ms, batch, origins);
    }

    fn append_values(
        &self,
        values: &[f64; METRICS.len()],
        ts_ms: i64,
        batch: &mut AppendBatch,
        origins: &mut Origins,
    ) {
        for ((place, (labels, handle)), value) in (0..).zip(&self.series).zip(values) {
            origins.push_float(batch, Origin::Report(place), (labels, *handle), (ts_ms, 0, *value));
        }
    }

    /// The labels of one of the series.
    pub(super) fn labels(&self, place: u32) -> Option<&Labels> {
        self.series.get(place as usize).map(|(labels, _)| labels)
    }

    /// The store gave one of the series a handle.
    pub(super) fn set_ref(&mut self, place: u32, given: SeriesRef) {
        if let Some((_, handle)) = self.series.get_mut(place as usize) {
            *handle = Some(given);
        }
    }
}
