use std::sync::Arc;

use bellwether_model::{
    AppendBatch, AppendEntry, AppendExemplar, AppendMetadata, Exemplar, Labels, MetricMetadata, MetricType,
    Value,
};

use super::error::ReceiveError;
use super::histogram::{SharedBounds, read_histogram};
use super::labels::LabelCollector;
use super::limits::WriteLimits;
use super::rejected::Rejected;
use crate::snappy;
use bellwether_protobuf::{Fields, WireError};

/// How many characters the labels of an exemplar may have in total (OpenMetrics).
const MAX_EXEMPLAR_CHARS: usize = 128;

/// The key of a label of a series: field 1, with a length.
const LABEL_KEY: u8 = 1 << 3 | 2;

/// What a write request brings.
#[derive(Debug, Default)]
pub struct DecodedWrite {
    /// What can be stored.
    pub batch: AppendBatch,
    /// What cannot.
    pub rejected: Rejected,
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
    let mut decoder = Decoder::new(message, limits);
    let mut fields = Fields::new(message);
    while let Some(field) = fields.next_field()? {
        match field.number {
            1 => decoder.series(field.message()?)?,
            3 => decoder.metadata(field.message()?)?,
            _ => {}
        }
    }
    Ok(decoder.decoded)
}

struct Decoder<'a, 'l> {
    limits: &'l WriteLimits,
    labels: LabelCollector<'a>,
    exemplar_labels: LabelCollector<'a>,
    bounds: SharedBounds,
    /// Samples, exemplars and metadata entries so far, refused ones included.
    n_entries: usize,
    decoded: DecodedWrite,
}

impl<'a, 'l> Decoder<'a, 'l> {
    fn new(message: &'a [u8], limits: &'l WriteLimits) -> Self {
        Self {
            limits,
            labels: LabelCollector::new(message),
            exemplar_labels: LabelCollector::new(message),
            bounds: SharedBounds::default(),
            n_entries: 0,
            decoded: DecodedWrite::default(),
        }
    }

    /// `prometheus.TimeSeries`. The fields may come in any order, so the labels are read before anything else.
    fn series(&mut self, message: Fields<'a>) -> Result<(), ReceiveError> {
        self.labels.clear();
        let (mut n_samples, mut n_exemplars) = (0, 0);
        let mut fields = message;
        while let Some(label) = fields.next_short(LABEL_KEY) {
            self.labels.push(label, self.limits)?;
        }
        // Labels may also stand elsewhere, but senders write them first.
        let mut others = fields;
        while let Some(field) = fields.next_field()? {
            match field.number {
                1 => self.labels.push(field.message()?, self.limits)?,
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
                return Ok(());
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
        Ok(())
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
        let entry = AppendEntry { hint: None, labels: labels.clone(), ts_ms, start_ts_ms: 0, value };
        self.decoded.batch.samples.push(entry);
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
