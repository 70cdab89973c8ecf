//! From the body of a response to a batch for the store.

mod label_limits;
mod metadata_cache;
mod native;
mod nhcb;
mod report;
mod sample_labels;
mod series_cache;

use std::sync::Arc;

use bellwether_exposition::{
    BodyFormat, CreatedHandling, Event, EventReader, LabelBuf, NativeHistogram, ProtobufReader, Reader,
    ScrapeProtocol, Series, TypeAndUnitLabels, select_format,
};
use bellwether_model::{
    AppendBatch, AppendEntry, AppendError, AppendExemplar, AppendReport, Appender, Exemplar, FloatHistogram,
    KnownSample, Labels, MetricType, Rejection, SeriesRef, Tenant, Value, stale_nan,
};
use bellwether_relabel::Scratch;
use parking_lot::Mutex;

pub use label_limits::LabelLimitError;
pub use sample_labels::SampleLabelsError;

pub(crate) use label_limits::LabelLimits;
pub(crate) use metadata_cache::MetadataCache;
pub(crate) use native::HistogramSettings;
pub(crate) use report::{ExtraReport, Report, ReportSeries};
pub(crate) use sample_labels::SampleLabels;

use crate::error::ScrapeError;
use label_limits::start_of;
use native::ClassicHandling;
use nhcb::{ClassicHistograms, Converted, exemplar_labels};
use series_cache::{Ended, Known, Planned, SeriesCache, SeriesId};

/// How the samples of one target are stored.
#[derive(Debug, PartialEq)]
pub(crate) struct IngestSettings {
    pub(crate) labels: SampleLabels,
    pub(crate) honor_timestamps: bool,
    /// Series with timestamps of the target get stale markers as well.
    pub(crate) track_timestamps_staleness: bool,
    /// Samples after relabelling; 0 for no limit.
    pub(crate) sample_limit: usize,
    pub(crate) fallback_protocol: Option<ScrapeProtocol>,
    pub(crate) type_and_unit_labels: TypeAndUnitLabels,
    pub(crate) created: CreatedHandling,
    pub(crate) extra_metrics: bool,
    pub(crate) histograms: HistogramSettings,
}

/// What was found in a body, up to the point at which reading ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Counts {
    /// Samples that the target exposed.
    pub(crate) total: usize,
    /// Samples that relabelling left, duplicates included.
    pub(crate) post_relabel: usize,
    /// Series that were not known.
    pub(crate) series_added: usize,
    /// Samples of a series that the body had before.
    pub(crate) duplicates: usize,
}

/// What the store refused.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Refused {
    /// The first metric of which a sample was refused, and why.
    pub(crate) example: String,
    pub(crate) out_of_order: usize,
    pub(crate) duplicates: usize,
    pub(crate) out_of_bounds: usize,
    pub(crate) limit: usize,
    pub(crate) other: usize,
    pub(crate) exemplars: usize,
}

/// Reads the bodies of one target, one after the other.
///
/// A scrape is [`read`](Self::read), then [`finish`](Self::finish) with what came of it, which completes the batch, and, if the store took
/// it, [`stored`](Self::stored).
#[derive(Debug)]
pub(crate) struct Ingest {
    settings: Arc<IngestSettings>,
    cache: SeriesCache,
    /// The format of the last body, which is that of the series in the cache.
    format: Option<BodyFormat>,
    /// A `Content-Type` that says so, and needs no look at the settings.
    content_type: Option<String>,
    report: ReportSeries,
    metadata: Arc<Mutex<MetadataCache>>,
    origins: Origins,
    scratch: Buffers,
}

/// Which series the samples of a batch belong to.
#[derive(Debug, Default)]
struct Origins {
    /// Those of the known samples.
    known: Vec<Origin>,
    /// Those of the others.
    others: Vec<Origin>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// One of the body.
    Body(SeriesId),
    /// One of the body that ended.
    Ended,
    /// One of the report, by its place there.
    Report(u32),
}

impl Origins {
    fn clear(&mut self) {
        self.known.clear();
        self.others.clear();
    }

    /// Puts a float into the batch: by the handle if the store gave one, and then it need not look at the labels.
    #[inline]
    fn push_float(
        &mut self,
        batch: &mut AppendBatch,
        origin: Origin,
        (labels, handle): (&Labels, Option<SeriesRef>),
        (ts_ms, start_ts_ms, value): (i64, i64, f64),
    ) {
        if let Some(series) = handle {
            batch.known.push(KnownSample { series, ts_ms, start_ts_ms, value });
            self.known.push(origin);
        } else {
            let (labels, value) = (labels.clone(), Value::Float(value));
            batch.samples.push(AppendEntry { hint: None, labels, ts_ms, start_ts_ms, value });
            self.others.push(origin);
        }
    }

    /// Makes `up` 0, which is the first of the report.
    fn set_down(&self, batch: &mut AppendBatch) {
        let up = |origins: &[Origin]| origins.iter().rposition(|origin| *origin == Origin::Report(0));
        if let Some(place) = up(&self.known) {
            batch.known[place].value = 0.0;
        } else if let Some(place) = up(&self.others) {
            batch.samples[place].value = Value::Float(0.0);
        }
    }

    /// Removes those of known samples, by their places in rising order, and returns them.
    fn take_forgotten(&mut self, places: &[usize]) -> Vec<Origin> {
        let forgotten = places.iter().map(|place| self.known[*place]).collect();
        let (mut places, mut place) = (places.iter().peekable(), 0);
        self.known.retain(|_| {
            place += 1;
            places.next_if_eq(&&(place - 1)).is_none()
        });
        forgotten
    }
}

#[derive(Debug, Default)]
struct Buffers {
    labels: LabelBuf,
    relabel: Scratch,
    text: String,
    help: String,
    key: Vec<u8>,
    histograms: ClassicHistograms,
}

impl Ingest {
    pub(crate) fn new(settings: Arc<IngestSettings>, metadata: Arc<Mutex<MetadataCache>>) -> Self {
        Self {
            report: ReportSeries::new(&settings.labels, settings.extra_metrics),
            settings,
            cache: SeriesCache::default(),
            format: None,
            content_type: None,
            metadata,
            origins: Origins::default(),
            scratch: Buffers::default(),
        }
    }

    /// Goes on with other settings. Series that they name differently end with the next scrape.
    pub(crate) fn set_settings(&mut self, settings: Arc<IngestSettings>) {
        self.report = ReportSeries::new(&settings.labels, settings.extra_metrics);
        self.cache.forget_all_forms();
        self.content_type = None;
        self.settings = settings;
    }

    /// Reads a body into `batch`, whose samples get the time `ts_ms` unless the target gives them another.
    ///
    /// After an error the batch is incomplete; [`finish`](Self::finish) empties it.
    pub(crate) fn read(
        &mut self,
        body: &[u8],
        content_type: &str,
        ts_ms: i64,
        batch: &mut AppendBatch,
    ) -> (Counts, Result<(), ScrapeError>) {
        self.begin(batch);
        let mut counts = Counts::default();
        if body.is_empty() {
            return (counts, Ok(()));
        }
        let result = self.select_format(content_type).and_then(|format| {
            let metadata = Arc::clone(&self.metadata);
            let mut metadata = metadata.lock();
            metadata.begin();
            self.scratch.histograms.clear();
            let (created, native) = (self.settings.created, self.settings.histograms.native);
            let mut pass = Pass {
                ingest: self,
                metadata: &mut metadata,
                batch,
                counts: &mut counts,
                ts_ms,
                bucket_limit_exceeded: false,
            };
            match format {
                BodyFormat::Text => pass.run(Reader::text(body)),
                BodyFormat::OpenMetrics => pass.run(Reader::openmetrics(body, created)),
                BodyFormat::Protobuf => pass.run(ProtobufReader::new(body, native, created)),
            }
        });
        (counts, result)
    }

    /// The format of the last body; `None` if there was none yet.
    pub(crate) fn format(&self) -> Option<BodyFormat> {
        self.format
    }

    /// A scrape that brought no body.
    pub(crate) fn read_nothing(&mut self, batch: &mut AppendBatch) {
        self.begin(batch);
    }

    /// The store took nothing of the batch.
    pub(crate) fn not_stored(&mut self) {
        self.cache.undo();
    }

    fn begin(&mut self, batch: &mut AppendBatch) {
        batch.clear();
        self.origins.clear();
        self.cache.begin();
    }

    /// The format of a body of this type.
    fn select_format(&mut self, content_type: &str) -> Result<BodyFormat, ScrapeError> {
        if let (Some(format), Some(known)) = (self.format, &self.content_type)
            && known == content_type
        {
            return Ok(format);
        }
        self.content_type = None;
        let selected = select_format(content_type, self.settings.fallback_protocol)?;
        let format = selected.format;
        match &selected.warning {
            Some(warning) => {
                tracing::debug!(%warning, "invalid content type on scrape, using fallback setting");
            }
            None => self.content_type = Some(content_type.to_owned()),
        }
        // A line that is expected is not judged again, so it must have been judged by the rules of the same format.
        if self.format.replace(format).is_some_and(|before| before != format) {
            self.cache.forget_all_forms();
        }
        Ok(format)
    }

    /// Hands the batch to the store. Floats of known series go by their handles, without labels; those whose series have left the store meanwhile are named then.
    pub(crate) fn append(
        &mut self,
        appender: &dyn Appender,
        tenant: &Tenant,
        batch: &mut AppendBatch,
    ) -> Result<AppendReport, AppendError> {
        loop {
            match appender.append(tenant, batch) {
                Err(AppendError::ForgottenSeries { places }) if !places.is_empty() => {
                    let origins = self.origins.take_forgotten(&places);
                    for (origin, sample) in origins.into_iter().zip(batch.take_forgotten(&places)) {
                        if let Some(labels) = self.labels_of(origin) {
                            batch.samples.push(sample.with_labels(labels.clone()));
                            self.origins.others.push(origin);
                        }
                    }
                }
                outcome => return outcome,
            }
        }
    }

    /// The labels of the series of a sample in the batch, except those of markers.
    fn labels_of(&self, origin: Origin) -> Option<&Labels> {
        match origin {
            Origin::Body(id) => Some(self.cache.get(id).0),
            Origin::Ended => None,
            Origin::Report(place) => self.report.labels(place),
        }
    }

    /// Says in a completed batch that the scrape failed, although its samples will be stored as far as possible.
    pub(crate) fn report_down(&self, batch: &mut AppendBatch) {
        batch.stops_at_limit = false;
        self.origins.set_down(batch);
    }

    /// Completes the batch: after a good scrape with markers for the series that are gone, after a bad one with nothing but markers for all
    /// series; then with the report.
    pub(crate) fn finish(&mut self, good: bool, report: &Report, ts_ms: i64, batch: &mut AppendBatch) {
        if good {
            let origins = &mut self.origins.others;
            self.cache.commit(|ended| {
                batch.samples.push(stale_marker(&ended, ts_ms));
                origins.push(Origin::Ended);
            });
            let mut metadata = self.metadata.lock();
            metadata.commit();
            metadata.changes(&mut batch.metadata);
        } else {
            batch.clear();
            self.origins.clear();
            self.fail(ts_ms, batch);
        }
        self.report.append(report, ts_ms, batch, &mut self.origins);
        // What is reported would not be true if samples were left out.
        batch.stops_at_limit = good;
    }

    /// A whole batch for a target that is scraped no more: markers for all its series.
    pub(crate) fn end(&mut self, ts_ms: i64, batch: &mut AppendBatch) {
        self.begin(batch);
        self.fail(ts_ms, batch);
        self.report.append_stale(ts_ms, batch, &mut self.origins);
        self.cache.settle();
    }

    /// Puts markers for all series into the batch.
    fn fail(&mut self, ts_ms: i64, batch: &mut AppendBatch) {
        let origins = &mut self.origins.others;
        self.cache.fail(|ended| {
            batch.samples.push(stale_marker(&ended, ts_ms));
            origins.push(Origin::Ended);
        });
    }

    /// Learns what the store made of `batch`. Returns what it refused, and leaves in `batch` what has to be stored in addition: markers for
    /// series whose newest sample was refused.
    pub(crate) fn stored(&mut self, report: &AppendReport, ts_ms: i64, batch: &mut AppendBatch) -> Refused {
        let mut refused = Refused { exemplars: report.rejected_exemplars.len(), ..Refused::default() };
        if !batch.metadata.is_empty() {
            self.metadata.lock().stored();
        }
        let mut markers = Vec::new();
        let known = report.rejected_known.iter().map(|(place, why)| (self.origins.known[*place], Err(why)));
        let others = self.origins.others.iter().zip(&report.samples);
        for (origin, outcome) in known.chain(others.map(|(origin, outcome)| (*origin, outcome.as_ref()))) {
            match (origin, outcome) {
                (Origin::Body(id), Ok(handle)) => self.cache.set_ref(id, *handle),
                (Origin::Body(id), Err(rejection)) => {
                    refused.count(rejection);
                    if refused.example.is_empty() {
                        let metric = start_of(self.cache.get(id).0.metric_name());
                        refused.example = format!("{metric}: {rejection}");
                    }
                    if let Some(ended) = self.cache.refuse(id) {
                        markers.push(stale_marker(&ended, ts_ms));
                    }
                }
                (Origin::Report(place), Ok(handle)) => self.report.set_ref(place, *handle),
                (Origin::Report(_) | Origin::Ended, _) => {}
            }
        }
        batch.clear();
        self.origins.clear();
        batch.samples.append(&mut markers);
        self.cache.settle();
        refused
    }
}

impl Refused {
    fn count(&mut self, rejection: &Rejection) {
        let counter = match rejection {
            Rejection::OutOfOrder | Rejection::TooOld => &mut self.out_of_order,
            Rejection::DuplicateTimestamp => &mut self.duplicates,
            Rejection::OutOfBounds | Rejection::TooFarInFuture { .. } => &mut self.out_of_bounds,
            Rejection::Limit(_) => &mut self.limit,
            _ => &mut self.other,
        };
        *counter += 1;
    }

    /// Whether anything was refused.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The marker is of the kind of the samples before it, so that it goes with them.
fn stale_marker(ended: &Ended<'_>, ts_ms: i64) -> AppendEntry {
    let value = if ended.is_histogram {
        Value::Histogram(Arc::new(FloatHistogram { sum: stale_nan(), ..FloatHistogram::default() }))
    } else {
        Value::Float(stale_nan())
    };
    AppendEntry { hint: ended.sref, labels: ended.labels.clone(), ts_ms, start_ts_ms: 0, value }
}

/// One pass over one body.
struct Pass<'p> {
    ingest: &'p mut Ingest,
    metadata: &'p mut MetadataCache,
    batch: &'p mut AppendBatch,
    counts: &'p mut Counts,
    /// The time of samples without a timestamp.
    ts_ms: i64,
    bucket_limit_exceeded: bool,
}

/// A sample on its way into the batch.
struct Incoming {
    value: Value,
    timestamp_ms: Option<i64>,
    start_timestamp_ms: Option<i64>,
}

impl Pass<'_> {
    fn run<'a>(&mut self, mut reader: impl EventReader<'a>) -> Result<(), ScrapeError> {
        let converts = self.ingest.settings.histograms.classic != ClassicHandling::Keep;
        loop {
            // Nearly every line of nearly every scrape.
            while !converts && let Some(value) = reader.take_value(self.ingest.cache.expected()) {
                self.value(value);
            }
            let Some(event) = reader.next_expecting(self.ingest.cache.expected()) else { break };
            let event = event?;
            if converts && !matches!(event, Event::Series(_)) {
                self.end_histogram()?;
            }
            match event {
                Event::Series(series) if converts => self.maybe_histogram(&reader, &series)?,
                Event::Series(series) => self.series(&reader, &series)?,
                Event::Histogram { series, histogram } => self.histogram(&reader, &series, &histogram)?,
                Event::Type { family, metric_type } => {
                    let family = family.unescape(&mut self.ingest.scratch.text);
                    self.metadata.set_type(family, to_model(metric_type));
                }
                Event::Unit { family, unit } => {
                    let family = family.unescape(&mut self.ingest.scratch.text);
                    self.metadata.set_unit(family, unit);
                }
                Event::Help { family, text } => {
                    let Buffers { text: scratch, help, .. } = &mut self.ingest.scratch;
                    self.metadata.set_help(family.unescape(scratch), text.unescape(help));
                }
                Event::Comment(_) => {}
            }
        }
        if converts {
            self.end_histogram()?;
        }
        self.check_limits()
    }

    /// Limits that are judged at the end, so that the report tells by how much they were exceeded.
    fn check_limits(&self) -> Result<(), ScrapeError> {
        let settings = &self.ingest.settings;
        if settings.sample_limit > 0 && self.batch.n_samples() > settings.sample_limit {
            let (limit, samples) = (settings.sample_limit, self.counts.post_relabel);
            return Err(ScrapeError::SampleLimit { limit, samples });
        }
        if self.bucket_limit_exceeded {
            return Err(ScrapeError::BucketLimit { limit: settings.histograms.bucket_limit });
        }
        Ok(())
    }

    /// One sample more than allowed is kept in the batch, as the sign that the limit was passed; the others are only counted.
    fn has_room(&self) -> bool {
        let limit = self.ingest.settings.sample_limit;
        limit == 0 || self.batch.n_samples() <= limit
    }

    /// A sample of the series that was expected, of which nothing but the value is told.
    #[inline]
    fn value(&mut self, value: f64) {
        self.counts.total += 1;
        if let Some(planned) = self.ingest.cache.take_planned() {
            return self.planned(planned, value);
        }
        if let Known::Series(id) = self.ingest.cache.take_expected() {
            let value = Value::Float(value);
            self.sample(id, Incoming { value, timestamp_ms: None, start_timestamp_ms: None });
        }
    }

    /// A value as the last scrapes had it for the same series.
    #[inline]
    fn planned(&mut self, planned: Planned, value: f64) {
        let Planned::Series(id, handle) = planned else { return };
        self.counts.post_relabel += 1;
        if self.has_room() {
            self.batch.known.push(KnownSample { series: handle, ts_ms: self.ts_ms, start_ts_ms: 0, value });
            self.ingest.origins.known.push(Origin::Body(id));
        }
    }

    #[inline]
    fn series<'a>(&mut self, reader: &impl EventReader<'a>, series: &Series<'a>) -> Result<(), ScrapeError> {
        let is_value =
            series.timestamp_ms.is_none() && series.start_timestamp_ms.is_none() && series.exemplar.is_none();
        if is_value && series.is_expected() {
            self.value(series.value);
            return Ok(());
        }
        let Some(id) = self.identify(reader, series)? else { return Ok(()) };
        let incoming = Incoming {
            value: Value::Float(series.value),
            timestamp_ms: series.timestamp_ms,
            start_timestamp_ms: series.start_timestamp_ms,
        };
        if let Some(ts_ms) = self.sample(id, incoming)
            && let Some(exemplar) = &series.exemplar
        {
            let (labels, _) = self.ingest.cache.get(id);
            let is_timed = exemplar.timestamp_ms.is_some();
            let exemplar = Exemplar {
                labels: exemplar_labels(exemplar),
                value: exemplar.value,
                ts_ms: exemplar.timestamp_ms.unwrap_or(ts_ms),
            };
            self.batch.exemplars.push(AppendExemplar { labels: labels.clone(), exemplar, is_timed });
        }
        Ok(())
    }

    /// A native histogram.
    fn histogram<'a>(
        &mut self,
        reader: &impl EventReader<'a>,
        series: &Series<'a>,
        exposed: &NativeHistogram<'a>,
    ) -> Result<(), ScrapeError> {
        let Some(id) = self.identify(reader, series)? else { return Ok(()) };
        let histogram = native::to_model(exposed).map_err(|error| {
            let (labels, _) = self.ingest.cache.get(id);
            ScrapeError::Histogram { metric: start_of(labels.metric_name()), error }
        })?;
        let mut exemplars: Vec<Exemplar> = exposed
            .exemplars()
            .filter_map(|exemplar| {
                let (labels, value) = (exemplar_labels(&exemplar), exemplar.value);
                exemplar.timestamp_ms.map(|ts_ms| Exemplar { labels, value, ts_ms })
            })
            .collect();
        // The store takes those of a series in the order of their time.
        exemplars.sort_by_key(|exemplar| exemplar.ts_ms);
        let (timestamp_ms, start_timestamp_ms) = (series.timestamp_ms, series.start_timestamp_ms);
        self.histogram_sample(id, histogram, timestamp_ms, start_timestamp_ms, exemplars);
        Ok(())
    }

    /// Which series a sample belongs to. `None` if it is not stored.
    #[inline]
    fn identify<'a>(
        &mut self,
        reader: &impl EventReader<'a>,
        series: &Series<'a>,
    ) -> Result<Option<SeriesId>, ScrapeError> {
        self.counts.total += 1;
        let Ingest { cache, scratch, .. } = &mut *self.ingest;
        let known = if series.is_expected() {
            Some(cache.take_expected())
        } else {
            cache.find(series.key(&mut scratch.key))
        };
        let known = if known.is_some() { known } else { self.learn_series(reader, series)? };
        Ok(match known {
            Some(Known::Series(id)) => Some(id),
            Some(Known::Dropped) | None => None,
        })
    }

    #[cold]
    fn learn_series<'a>(
        &mut self,
        reader: &impl EventReader<'a>,
        series: &Series<'a>,
    ) -> Result<Option<Known>, ScrapeError> {
        let Ingest { settings, scratch, .. } = &mut *self.ingest;
        reader.read_labels(series, settings.type_and_unit_labels, &mut scratch.labels);
        let mut key = std::mem::take(&mut scratch.key);
        let known = self.learn(series.key(&mut key));
        self.ingest.scratch.key = key;
        known
    }

    /// Remembers a series whose exposed labels are in the buffer. `None` if the scrape is lost and only counts.
    fn learn(&mut self, bytes: &[u8]) -> Result<Option<Known>, ScrapeError> {
        let has_room = self.has_room();
        let Ingest { settings, scratch, cache, .. } = &mut *self.ingest;
        let labels = settings.labels.make(&scratch.labels, &mut scratch.relabel)?;
        if !has_room {
            self.counts.post_relabel += usize::from(labels.is_some());
            return Ok(None);
        }
        self.counts.series_added += usize::from(labels.is_some());
        Ok(Some(cache.insert(bytes, labels.as_ref())))
    }

    /// Puts a sample into the batch and returns its time, unless something speaks against it.
    #[inline]
    fn sample(&mut self, id: SeriesId, incoming: Incoming) -> Option<i64> {
        self.counts.post_relabel += 1;
        if !self.has_room() {
            return None;
        }
        let Ingest { settings, cache, origins, .. } = &mut *self.ingest;
        let own_ts = incoming.timestamp_ms.filter(|_| settings.honor_timestamps);
        let is_histogram = matches!(incoming.value, Value::Histogram(_));
        let is_first = cache.sample(id, is_histogram);
        if own_ts.is_none() && !is_first {
            self.counts.duplicates += 1;
            return None;
        }
        let ts_ms = own_ts.unwrap_or(self.ts_ms);
        if own_ts.is_none() || settings.track_timestamps_staleness {
            cache.track(id);
        }
        let (labels, hint) = cache.get(id);
        let start_ts_ms = incoming.start_timestamp_ms.unwrap_or(0);
        match incoming.value {
            Value::Float(v) => {
                let sample = (ts_ms, start_ts_ms, v);
                origins.push_float(self.batch, Origin::Body(id), (labels, hint), sample);
            }
            value @ Value::Histogram(_) => {
                let labels = labels.clone();
                self.batch.samples.push(AppendEntry { hint, labels, ts_ms, start_ts_ms, value });
                origins.others.push(Origin::Body(id));
            }
        }
        Some(ts_ms)
    }

    /// A line while classic histograms are converted.
    fn maybe_histogram<'a>(
        &mut self,
        reader: &impl EventReader<'a>,
        series: &Series<'a>,
    ) -> Result<(), ScrapeError> {
        let schema = self.ingest.settings.type_and_unit_labels;
        let Some(part) = self.ingest.scratch.histograms.look_at(reader, series, schema) else {
            self.end_histogram()?;
            return self.series(reader, series);
        };
        if self.ingest.scratch.histograms.is_other() {
            self.end_histogram()?;
        }
        self.ingest.scratch.histograms.add(part, series);
        match self.ingest.settings.histograms.classic {
            ClassicHandling::Convert => Ok(()),
            ClassicHandling::Keep | ClassicHandling::ConvertAndKeep => self.series(reader, series),
        }
    }

    /// Stores the histogram whose lines have been collected, if there is one.
    fn end_histogram(&mut self) -> Result<(), ScrapeError> {
        let mut histograms = std::mem::take(&mut self.ingest.scratch.histograms);
        let mut result = Ok(());
        histograms.take(|converted| result = self.converted(converted));
        self.ingest.scratch.histograms = histograms;
        result
    }

    fn converted(&mut self, converted: Converted<'_>) -> Result<(), ScrapeError> {
        self.counts.total += 1;
        let mut known = self.ingest.cache.find(converted.key);
        if known.is_none() {
            converted.labels.clone_into(&mut self.ingest.scratch.labels);
            known = self.learn(converted.key)?;
        }
        let Some(Known::Series(id)) = known else { return Ok(()) };
        let (timestamp_ms, start_timestamp_ms) = (converted.timestamp_ms, converted.start_timestamp_ms);
        let exemplars = converted.exemplars.to_vec();
        self.histogram_sample(id, converted.histogram, timestamp_ms, start_timestamp_ms, exemplars);
        Ok(())
    }

    /// Puts a native histogram into the batch, with its exemplars, which all have a time.
    fn histogram_sample(
        &mut self,
        id: SeriesId,
        mut histogram: FloatHistogram,
        timestamp_ms: Option<i64>,
        start_timestamp_ms: Option<i64>,
        exemplars: Vec<Exemplar>,
    ) {
        if self.ingest.settings.histograms.reduce(&mut histogram).is_err() {
            self.bucket_limit_exceeded = true;
            self.counts.post_relabel += 1;
            return;
        }
        let value = Value::Histogram(Arc::new(histogram));
        if self.sample(id, Incoming { value, timestamp_ms, start_timestamp_ms }).is_some() {
            let (labels, _) = self.ingest.cache.get(id);
            self.batch.exemplars.extend(exemplars.into_iter().map(|exemplar| AppendExemplar {
                labels: labels.clone(),
                exemplar,
                is_timed: true,
            }));
        }
    }
}

/// The exposition knows no data model, so its word for a type has to be translated.
fn to_model(metric_type: bellwether_exposition::MetricType) -> MetricType {
    use bellwether_exposition::MetricType as Written;

    match metric_type {
        Written::Counter => MetricType::Counter,
        Written::Gauge => MetricType::Gauge,
        Written::Histogram => MetricType::Histogram,
        Written::GaugeHistogram => MetricType::GaugeHistogram,
        Written::Summary => MetricType::Summary,
        Written::Info => MetricType::Info,
        Written::StateSet => MetricType::StateSet,
        Written::Unknown => MetricType::Unknown,
    }
}

#[cfg(test)]
mod tests;
