//! What the benches need from the inside: one target that is scraped over and over.

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
    /// A target with the labels `job` and `instance` that has not been scraped yet.
    pub fn new(content_type: &'static str) -> Self {
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
            histograms: HistogramSettings::CLASSIC,
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
        self.ts_ms += 15_000;
        let (counts, result) = self.ingest.read(body, self.content_type, self.ts_ms, &mut self.batch);
        let report = Report { up: result.is_ok(), samples_scraped: counts.total, ..Report::default() };
        self.ingest.finish(result.is_ok(), &report, self.ts_ms, &mut self.batch);
        let n = self.batch.samples.len();
        self.report.samples.clear();
        self.report.samples.extend((0..n as u64).map(|n| Ok(SeriesRef(n))));
        self.ingest.stored(&self.report, self.ts_ms, &mut self.batch);
        n
    }
}
