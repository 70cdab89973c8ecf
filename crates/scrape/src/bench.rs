//! What benches and fuzzing need from the inside: one target that is scraped over and over.

use std::sync::Arc;

use bellwether_exposition::{CreatedHandling, TypeAndUnitLabels};
use bellwether_model::{AppendBatch, AppendReport, Labels, SeriesRef, ValidationScheme};
use bellwether_relabel::Rules;

use crate::ingest::{HistogramSettings, Ingest, IngestSettings, LabelLimits, Report, SampleLabels};

/// A target whose bodies are turned into batches, which a store takes that does nothing.
#[derive(Debug)]
pub struct Target {
    ingest: Ingest,
    batch: AppendBatch,
    report: AppendReport,
    content_type: &'static str,
    ts_ms: i64,
}

impl Target {
    /// A target with the labels `job` and `instance` that has not been scraped yet. Its histograms are stored as classic ones.
    pub fn new(content_type: &'static str) -> Self {
        Self::with_histograms(content_type, HistogramSettings::CLASSIC)
    }

    /// A target whose histograms are stored in all forms: classic, native, and made native.
    pub fn with_all_histograms() -> Self {
        Self::with_histograms("", HistogramSettings::ALL)
    }

    fn with_histograms(content_type: &'static str, histograms: HistogramSettings) -> Self {
        let settings = IngestSettings {
            labels: SampleLabels {
                target: Labels::from_pairs([("instance", "10.0.0.1:9100"), ("job", "node")]),
                honor_labels: false,
                relabel: Rules::default(),
                limits: LabelLimits::default(),
                validation: ValidationScheme::Utf8,
            },
            honor_timestamps: true,
            track_timestamps_staleness: false,
            sample_limit: 0,
            fallback_protocol: None,
            type_and_unit_labels: TypeAndUnitLabels::Omit,
            created: CreatedHandling::Series,
            extra_metrics: false,
            histograms,
        };
        Self {
            ingest: Ingest::new(Arc::new(settings), Arc::default()),
            batch: AppendBatch::default(),
            report: AppendReport::default(),
            content_type,
            ts_ms: 0,
        }
    }

    /// One scrape, from the bytes of the body to the batch that the store gets and to what its answer leaves behind. Returns how many samples the
    /// batch has.
    pub fn scrape(&mut self, body: &[u8]) -> usize {
        self.scrape_as(self.content_type, body);
        self.report.samples.len()
    }

    /// As [`scrape`](Self::scrape), of a body of another type. Returns how many samples the target exposed, and whether the scrape was a good one.
    pub fn scrape_as(&mut self, content_type: &str, body: &[u8]) -> (usize, bool) {
        self.ts_ms += 15_000;
        let (counts, result) = self.ingest.read(body, content_type, self.ts_ms, &mut self.batch);
        let report = Report { up: result.is_ok(), samples_scraped: counts.total, ..Report::default() };
        self.ingest.finish(result.is_ok(), &report, self.ts_ms, &mut self.batch);
        self.report.samples.clear();
        let n = self.batch.samples.len() as u64;
        self.report.samples.extend((0..n).map(|n| Ok(SeriesRef(n))));
        self.ingest.stored(&self.report, self.ts_ms, &mut self.batch);
        (counts.total, result.is_ok())
    }
}
