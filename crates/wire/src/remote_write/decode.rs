use std::sync::Arc;

use bellwether_model::{
    AppendBatch, AppendEntry, AppendExemplar, AppendMetadata, Exemplar, KnownSample, Labels, MetricMetadata,
    MetricType, SeriesRef, Value,
};

use super::error::ReceiveError;
use super::histogram::{SharedBounds, read_histogram};
use super::known::KnownOfTenant;
use super::labels::LabelCollector;
use super::limits::WriteLimits;
use super::rejected::Rejected;
use super::sources::{Source, Sources};
use crate::snappy;
use bellwether_protobuf::{Fields, WireError};

/// How many characters the labels of an exemplar may have in total (OpenMetrics).
const MAX_EXEMPLAR_CHARS: usize = 128;

/// The keys of a label and of a sample of a series: field 1 and field 2, with a length.
const LABEL_KEY: u8 = 1 << 3 | 2;
const SAMPLE_KEY: u8 = 2 << 3 | 2;
/// The keys of what a sample has: field 1 in eight bytes, field 2 as a varint.
const VALUE_KEY: u8 = 1 << 3 | 1;
const TIME_KEY: u8 = 2 << 3;

/// What a write request brings.
#[derive(Debug, Default)]
pub struct DecodedWrite {
    /// What can be stored.
    pub batch: AppendBatch,
    /// What cannot.
    pub rejected: Rejected,
}

impl DecodedWrite {
    /// Empties it and keeps its memory.
    pub(super) fn clear(&mut self) {
        self.batch.clear();
        self.rejected = Rejected::default();
    }
}

/// Decompresses and decodes the body of a write request. `scratch` holds the decompressed message; its memory is reused.
pub fn receive_write(
    body: &[u8],
    limits: &WriteLimits,
    scratch: &mut Vec<u8>,
) -> Result<DecodedWrite, ReceiveError> {
    snappy::decompress(body, limits.max_compressed_bytes, limits.max_decoded_bytes, scratch)?;
    decode_write_request(scratch, limits)
}

/// Decodes a `prometheus.WriteRequest`.
///
/// A series with unusable labels and a sample with an unusable histogram are left out and explained; their neighbours are taken. A message
/// that is not well-formed is refused as a whole, because what follows a broken field cannot be trusted. Unknown fields are stepped
/// over; where a field that may occur once is repeated, the last one counts.
pub fn decode_write_request(message: &[u8], limits: &WriteLimits) -> Result<DecodedWrite, ReceiveError> {
    let mut decoded = DecodedWrite::default();
    Decoder::new(message, limits, None, &mut decoded).run()?;
    Ok(decoded)
}

/// As [`decode_write_request`], but the float samples of series that are known go by their handles. `sources` says where the labels are; like `decoded` it must be empty,
/// and after an error what they have is of no use.
pub(super) fn decode_known(
    message: &[u8],
    limits: &WriteLimits,
    known: KnownOfTenant<'_>,
    decoded: &mut DecodedWrite,
    sources: &mut Sources,
) -> Result<(), ReceiveError> {
    Decoder::new(message, limits, Some(Recogniser { known, sources }), decoded).run()
}

/// Recognises series by the bytes of their labels.
struct Recogniser<'l> {
    known: KnownOfTenant<'l>,
    sources: &'l mut Sources,
}

struct Decoder<'a, 'l> {
    message: &'a [u8],
    limits: &'l WriteLimits,
    recogniser: Option<Recogniser<'l>>,
    labels: LabelCollector<'a>,
    exemplar_labels: LabelCollector<'a>,
    bounds: SharedBounds,
    /// Samples, exemplars and metadata entries so far, refused ones included.
    n_entries: usize,
    /// The handle of the series that is read, as far as its first labels tell.
    hint: Option<SeriesRef>,
    decoded: &'l mut DecodedWrite,
}

impl<'a, 'l> Decoder<'a, 'l> {
    fn new(
        message: &'a [u8],
        limits: &'l WriteLimits,
        recogniser: Option<Recogniser<'l>>,
        decoded: &'l mut DecodedWrite,
    ) -> Self {
        Self {
            message,
            limits,
            recogniser,
            labels: LabelCollector::new(message),
            exemplar_labels: LabelCollector::new(message),
            bounds: SharedBounds::default(),
            n_entries: 0,
            hint: None,
            decoded,
        }
    }

    fn run(mut self) -> Result<(), ReceiveError> {
        let mut fields = Fields::new(self.message);
        while let Some(field) = fields.next_field()? {
            match field.number {
                1 => self.series(field.message()?)?,
                3 => self.metadata(field.message()?)?,
                _ => {}
            }
        }
        Ok(())
    }

    /// `prometheus.TimeSeries`
    #[inline]
    fn series(&mut self, message: Fields<'a>) -> Result<(), ReceiveError> {
        let Some(recogniser) = &mut self.recogniser else {
            return self.series_with_labels(message).map(drop);
        };
        let mut rest = message;
        let labels = rest.skip_run(LABEL_KEY);
        let key = recogniser.known.fingerprint(&self.message[labels.clone()]);
        let first_known = self.decoded.batch.known.len() as u32;
        let source = Source { first_known, key, labels: labels.start as u32..labels.end as u32 };
        let first_entry = self.decoded.batch.samples.len();
        self.hint = recogniser.sources.find(key, &mut recogniser.known);
        if let Some(series) = self.hint
            && self.plain_samples(rest, series)
        {
            if let Some(recogniser) = &mut self.recogniser {
                recogniser.sources.nameless.push(source);
            }
            return Ok(());
        }
        let labels_come_first = self.series_with_labels(message)?;
        if labels_come_first
            && self.decoded.batch.samples.len() > first_entry
            && let Some(recogniser) = &mut self.recogniser
        {
            recogniser.sources.learnable.push((key, first_entry as u32));
        }
        Ok(())
    }

    /// Reads the rest of a known series. If it is anything but float samples, or more of them than allowed, nothing of it is taken, and it must be read with its
    /// labels.
    #[inline]
    fn plain_samples(&mut self, mut rest: Fields<'a>, series: SeriesRef) -> bool {
        let samples = &mut self.decoded.batch.known;
        let before = samples.len();
        while !rest.is_empty() {
            let sample = rest.next_short(SAMPLE_KEY).and_then(ordinary_sample);
            let n_entries = self.n_entries + samples.len() - before;
            let Some((ts_ms, value)) = sample.filter(|_| n_entries < self.limits.max_entries) else {
                samples.truncate(before);
                return false;
            };
            samples.push(KnownSample { series, ts_ms, start_ts_ms: 0, value });
        }
        self.n_entries += samples.len() - before;
        true
    }

    /// Reads a series whatever it looks like. The fields may come in any order, so the labels are read before anything else. Returns whether they stand together and before
    /// anything else.
    fn series_with_labels(&mut self, message: Fields<'a>) -> Result<bool, ReceiveError> {
        self.labels.clear();
        let mut labels_come_first = true;
        let (mut n_samples, mut n_exemplars) = (0, 0);
        let mut fields = message;
        let end_of_labels = { fields }.skip_run(LABEL_KEY).end;
        while let Some(label) = fields.next_short(LABEL_KEY) {
            self.labels.push(label, self.limits)?;
        }
        // Labels may also stand elsewhere, but senders write them first.
        let mut others = fields;
        while let Some(field) = fields.next_field()? {
            match field.number {
                1 => {
                    labels_come_first &= fields.span().start <= end_of_labels;
                    self.labels.push(field.message()?, self.limits)?;
                }
                2 | 4 => n_samples += 1,
                3 => n_exemplars += 1,
                _ => {}
            }
        }
        self.count_entries(n_samples + n_exemplars)?;
        let labels = match self.labels.series(self.limits) {
            Ok(labels) => labels,
            Err(reason) => {
                self.decoded.rejected.refuse(n_samples, || reason);
                self.decoded.rejected.exemplars += n_exemplars;
                return Ok(labels_come_first);
            }
        };
        while let Some(field) = others.next_field()? {
            match field.number {
                2 => self.sample(&labels, field.message()?)?,
                3 => self.exemplar(&labels, field.message()?)?,
                4 => self.histogram(&labels, field.message()?)?,
                _ => {}
            }
        }
        Ok(labels_come_first)
    }

    /// `prometheus.Sample`
    fn sample(&mut self, labels: &Labels, mut message: Fields<'a>) -> Result<(), WireError> {
        let (mut value, mut ts_ms) = (0.0, 0);
        while let Some(field) = message.next_field()? {
            match field.number {
                1 => value = field.double()?,
                2 => ts_ms = field.varint()? as i64,
                _ => {}
            }
        }
        self.push(labels, ts_ms, Value::Float(value));
        Ok(())
    }

    fn histogram(&mut self, labels: &Labels, message: Fields<'a>) -> Result<(), WireError> {
        match read_histogram(message, self.limits, &mut self.bounds)? {
            (ts_ms, Ok(histogram)) => self.push(labels, ts_ms, Value::Histogram(Arc::new(histogram))),
            (_, Err(reason)) => self.decoded.rejected.refuse(1, || format!("{reason} for series {labels}")),
        }
        Ok(())
    }

    fn push(&mut self, labels: &Labels, ts_ms: i64, value: Value) {
        let entry = AppendEntry { hint: self.hint, labels: labels.clone(), ts_ms, start_ts_ms: 0, value };
        let batch = &mut self.decoded.batch;
        batch.samples.push(entry);
        batch.known_before.push(batch.known.len() as u32);
    }

    /// `prometheus.Exemplar`
    fn exemplar(&mut self, series: &Labels, mut message: Fields<'a>) -> Result<(), WireError> {
        self.exemplar_labels.clear();
        let (mut value, mut ts_ms) = (0.0, 0);
        while let Some(field) = message.next_field()? {
            match field.number {
                1 => self.exemplar_labels.push(field.message()?, self.limits)?,
                2 => value = field.double()?,
                3 => ts_ms = field.varint()? as i64,
                _ => {}
            }
        }
        let is_short = |labels: &Labels| {
            let n_chars: usize =
                labels.iter().map(|l| l.name.chars().count() + l.value.chars().count()).sum();
            n_chars <= MAX_EXEMPLAR_CHARS
        };
        match self.exemplar_labels.exemplar(self.limits) {
            Ok(labels) if is_short(&labels) => {
                let exemplar = Exemplar { labels, value, ts_ms };
                self.decoded.batch.exemplars.push(AppendExemplar {
                    labels: series.clone(),
                    exemplar,
                    is_timed: true,
                });
            }
            _ => self.decoded.rejected.exemplars += 1,
        }
        Ok(())
    }

    /// `prometheus.MetricMetadata`. An entry that cannot be used is dropped: it describes samples, it is none.
    fn metadata(&mut self, mut message: Fields<'a>) -> Result<(), ReceiveError> {
        self.count_entries(1)?;
        let (mut metric_type, mut family, mut help, mut unit) =
            (MetricType::Unknown, &b""[..], &b""[..], &b""[..]);
        while let Some(field) = message.next_field()? {
            match field.number {
                1 => metric_type = metric_type_of(field.varint()?),
                2 => family = field.bytes()?,
                4 => help = field.bytes()?,
                5 => unit = field.bytes()?,
                _ => {}
            }
        }
        let is_usable = (1..=self.limits.max_name_bytes).contains(&family.len())
            && unit.len() <= self.limits.max_name_bytes;
        if is_usable && let Ok(family) = std::str::from_utf8(family) {
            let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
            let metadata = MetricMetadata { metric_type, unit: text(unit), help: text(help) };
            self.decoded.batch.metadata.push(AppendMetadata { family: family.to_owned(), metadata });
        }
        Ok(())
    }

    fn count_entries(&mut self, n: usize) -> Result<(), ReceiveError> {
        self.n_entries = self.n_entries.saturating_add(n);
        if self.n_entries > self.limits.max_entries {
            return Err(ReceiveError::TooManyEntries { limit: self.limits.max_entries });
        }
        Ok(())
    }
}

/// A sample as nearly every sender writes it: the value, then the time; what is 0 may be missing.
#[inline]
fn ordinary_sample(mut message: Fields<'_>) -> Option<(i64, f64)> {
    let value = message.next_fixed64(VALUE_KEY).unwrap_or(0);
    let ts_ms = message.next_varint(TIME_KEY).unwrap_or(0);
    message.is_empty().then_some((ts_ms as i64, f64::from_bits(value)))
}

fn metric_type_of(number: u64) -> MetricType {
    match number {
        1 => MetricType::Counter,
        2 => MetricType::Gauge,
        3 => MetricType::Histogram,
        4 => MetricType::GaugeHistogram,
        5 => MetricType::Summary,
        6 => MetricType::Info,
        7 => MetricType::StateSet,
        _ => MetricType::Unknown,
    }
}
