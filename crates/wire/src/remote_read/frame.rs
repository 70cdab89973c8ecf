use std::sync::Arc;

use bellwether_model::{FloatHistogram, Labels};

use super::error::ReadError;
use super::histogram_chunk::{encode_float_histogram_chunk, share_chunk};
use super::response::read_label;
use super::xor_chunk::{MAX_CHUNK_SAMPLES, encode_xor_chunk};
use crate::remote_write::write_labels;
use bellwether_protobuf::{Fields, MessageWriter, push_varint};

/// `prometheus.Chunk.Encoding.XOR`
const XOR: u64 = 1;
/// `prometheus.Chunk.Encoding.FLOAT_HISTOGRAM`
const FLOAT_HISTOGRAM: u64 = 3;

/// The samples of a series, in parallel columns.
#[derive(Debug, Clone, Copy)]
pub struct SampleColumns<'a> {
    /// Times in milliseconds.
    pub ts_ms: &'a [i64],
    /// Values of floats.
    pub vals: &'a [f64],
    /// Native histograms; empty if there are none, else `None` where the sample is a float.
    pub histograms: &'a [Option<Arc<FloatHistogram>>],
}

impl SampleColumns<'_> {
    /// The samples that make the next chunk, and the others.
    fn split_chunk(self) -> (Self, Self) {
        let most = self.ts_ms.len().min(MAX_CHUNK_SAMPLES);
        let n = match self.histograms {
            [Some(first), rest @ ..] => {
                let mut previous = first;
                let shared = rest.iter().take(most - 1).take_while(|next| {
                    let Some(next) = next else { return false };
                    let before = std::mem::replace(&mut previous, next);
                    share_chunk(before, next)
                });
                1 + shared.count()
            }
            floats_first => floats_first.iter().take(most).position(Option::is_some).unwrap_or(most),
        };
        let (ts_ms, later_ts_ms) = self.ts_ms.split_at(n);
        let (vals, later_vals) = self.vals.split_at(n);
        let (histograms, later_histograms) = self.histograms.split_at(n.min(self.histograms.len()));
        (
            Self { ts_ms, vals, histograms },
            Self { ts_ms: later_ts_ms, vals: later_vals, histograms: later_histograms },
        )
    }

    /// Appends the chunk of samples that belong into one, and returns its encoding.
    fn encode_chunk(self, data: &mut Vec<u8>) -> u64 {
        if matches!(self.histograms, [Some(_), ..]) {
            let histograms: Vec<&FloatHistogram> =
                self.histograms.iter().flatten().map(Arc::as_ref).collect();
            encode_float_histogram_chunk(self.ts_ms, histograms.into_iter(), data);
            return FLOAT_HISTOGRAM;
        }
        encode_xor_chunk(self.ts_ms, self.vals, data);
        XOR
    }
}

/// Cuts a series into frames. Each holds one `prometheus.ChunkedReadResponse` with chunks of this series only, of about the
/// size that is allowed: the last chunk may exceed it, as in Prometheus.
///
/// A frame is the length of the message as a varint, the CRC-32C of the message in four bytes, highest first, and the message.
#[derive(Debug)]
pub struct SeriesFrames<'a> {
    query_idx: i64,
    labels: &'a Labels,
    columns: SampleColumns<'a>,
    max_bytes: usize,
}

impl<'a> SeriesFrames<'a> {
    /// Frames for the samples of a series. No samples give no frames.
    pub fn new(query_idx: i64, labels: &'a Labels, columns: SampleColumns<'a>, max_bytes: usize) -> Self {
        let labels_bytes: usize = labels.iter().map(|l| l.name.len() + l.value.len() + 4).sum();
        Self { query_idx, labels, columns, max_bytes: max_bytes.saturating_sub(labels_bytes) }
    }
}

impl Iterator for SeriesFrames<'_> {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        if self.columns.ts_ms.is_empty() {
            return None;
        }
        let mut series = Vec::new();
        let mut writer = MessageWriter::new(&mut series);
        write_labels(&mut writer, self.labels);
        let (mut data, mut n_bytes) = (Vec::new(), 0);
        loop {
            let (chunk, later) = self.columns.split_chunk();
            self.columns = later;
            data.clear();
            let encoding = chunk.encode_chunk(&mut data);
            writer.message(2, |message| {
                message.int64(1, chunk.ts_ms[0]);
                message.int64(2, chunk.ts_ms[chunk.ts_ms.len() - 1]);
                message.varint(3, encoding);
                message.bytes(4, &data);
            });
            n_bytes += data.len() + 20;
            if self.columns.ts_ms.is_empty() || n_bytes >= self.max_bytes {
                break;
            }
        }
        let mut message = Vec::with_capacity(series.len() + 16);
        let mut writer = MessageWriter::new(&mut message);
        writer.bytes(1, &series);
        writer.int64(2, self.query_idx);
        Some(frame(&message))
    }
}

fn frame(message: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(message.len() + 14);
    push_varint(&mut frame, message.len() as u64);
    frame.extend(crc32c::crc32c(message).to_be_bytes());
    frame.extend_from_slice(message);
    frame
}

/// Reads the frames of an answer, each of at most `max_bytes`.
#[derive(Debug)]
pub struct FrameReader<'a> {
    rest: &'a [u8],
    max_bytes: usize,
    frame: usize,
}

/// A part of a series.
#[derive(Debug, Clone, PartialEq)]
pub struct ChunkedSeries {
    /// The position of the query in the request.
    pub query_idx: i64,
    /// The labels.
    pub labels: Labels,
    /// The encoding of each chunk (1 is `XOR`, 2 `HISTOGRAM`, 3 `FLOAT_HISTOGRAM`), and the chunk.
    pub chunks: Vec<(u64, Vec<u8>)>,
}

impl<'a> FrameReader<'a> {
    /// Reads what `body` holds.
    pub fn new(body: &'a [u8], max_bytes: usize) -> Self {
        Self { rest: body, max_bytes, frame: 0 }
    }

    fn read(&mut self) -> Result<Vec<ChunkedSeries>, ReadError> {
        let frame = self.frame;
        let bad = |reason: &str| ReadError::Frame { frame, reason: reason.to_owned() };
        self.frame += 1;
        let mut len = 0_u64;
        for shift in (0..).step_by(7) {
            let Some((byte, rest)) = self.rest.split_first() else { return Err(bad("cut off")) };
            if shift > 28 {
                return Err(bad("length out of range"));
            }
            self.rest = rest;
            len |= u64::from(byte & 0x7f) << shift;
            if *byte < 0x80 {
                break;
            }
        }
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        if len > self.max_bytes {
            let reason = format!("{len} bytes exceed the limit of {} bytes", self.max_bytes);
            return Err(ReadError::Frame { frame, reason });
        }
        let (checksum, rest) = self.rest.split_first_chunk().ok_or_else(|| bad("cut off"))?;
        let (message, rest) = rest.split_at_checked(len).ok_or_else(|| bad("cut off"))?;
        self.rest = rest;
        if crc32c::crc32c(message) != u32::from_be_bytes(*checksum) {
            return Err(bad("the checksum does not hold"));
        }
        read_chunked_response(message)
    }
}

/// Ends behind an error: what follows cannot be trusted.
impl Iterator for FrameReader<'_> {
    type Item = Result<Vec<ChunkedSeries>, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let read = self.read();
        if read.is_err() {
            self.rest = &[];
        }
        Some(read)
    }
}

/// `prometheus.ChunkedReadResponse`
fn read_chunked_response(message: &[u8]) -> Result<Vec<ChunkedSeries>, ReadError> {
    let (mut series, mut query_idx) = (Vec::new(), 0);
    let mut fields = Fields::new(message);
    while let Some(field) = fields.next_field()? {
        match field.number {
            1 => series.push(read_chunked_series(field.message()?)?),
            2 => query_idx = field.varint()? as i64,
            _ => {}
        }
    }
    for one in &mut series {
        one.query_idx = query_idx;
    }
    Ok(series)
}

/// `prometheus.ChunkedSeries`
fn read_chunked_series(mut message: Fields<'_>) -> Result<ChunkedSeries, ReadError> {
    let (mut labels, mut chunks) = (Vec::new(), Vec::new());
    while let Some(field) = message.next_field()? {
        match field.number {
            1 => labels.push(read_label(field.message()?)?),
            2 => {
                let (mut encoding, mut data) = (0, Vec::new());
                let mut chunk = field.message()?;
                while let Some(field) = chunk.next_field()? {
                    match field.number {
                        3 => encoding = field.varint()?,
                        4 => data = field.bytes()?.to_vec(),
                        _ => {}
                    }
                }
                chunks.push((encoding, data));
            }
            _ => {}
        }
    }
    Ok(ChunkedSeries { query_idx: 0, labels: Labels::from_pairs(labels), chunks })
}

#[cfg(test)]
mod tests {
    use super::super::xor_chunk::decode_xor_chunk;
    use super::*;

    fn floats<'a>(ts_ms: &'a [i64], vals: &'a [f64]) -> SampleColumns<'a> {
        SampleColumns { ts_ms, vals, histograms: &[] }
    }

    #[test]
    fn a_long_series_takes_several_frames() {
        let labels = Labels::from_pairs([("__name__", "up"), ("job", "node")]);
        let ts: Vec<i64> = (0..1000).map(|i| i * 15_000).collect();
        let vals: Vec<f64> = (0..1000).map(|i| f64::from(i).sqrt()).collect();
        let frames: Vec<Vec<u8>> = SeriesFrames::new(3, &labels, floats(&ts, &vals), 2_000).collect();
        assert!(frames.len() > 2 && frames.iter().all(|f| f.len() < 4_000), "{}", frames.len());
        let body = frames.concat();
        let (mut back_ts, mut back_vals) = (Vec::new(), Vec::new());
        for frame in FrameReader::new(&body, 4_000) {
            for series in frame.expect("own output") {
                assert_eq!((series.query_idx, &series.labels), (3, &labels));
                for (encoding, chunk) in series.chunks {
                    let (ts, vals) = decode_xor_chunk(&chunk).expect("own output");
                    assert_eq!(encoding, 1);
                    back_ts.extend(ts);
                    back_vals.extend(vals);
                }
            }
        }
        assert_eq!((back_ts, back_vals), (ts, vals));
        assert_eq!(SeriesFrames::new(0, &labels, floats(&[], &[]), 2_000).count(), 0);
    }

    #[test]
    fn damage_is_noticed() {
        let labels = Labels::from_pairs([("__name__", "up")]);
        let good: Vec<u8> = SeriesFrames::new(0, &labels, floats(&[1], &[1.0]), 100).flatten().collect();
        let refused = |body: &[u8], max| {
            let mut frames = FrameReader::new(body, max);
            let error = frames.next().expect("a frame").expect_err("refused").to_string();
            assert!(frames.next().is_none());
            error
        };
        let mut bad = good.clone();
        bad[8] ^= 1;
        assert_eq!(refused(&bad, 100), "frame 0: the checksum does not hold");
        assert_eq!(refused(&good[..good.len() - 1], 100), "frame 0: cut off");
        assert_eq!(refused(&good[..3], 100), "frame 0: cut off");
        let len = good.len() - 5;
        assert_eq!(refused(&good, 10), format!("frame 0: {len} bytes exceed the limit of 10 bytes"));
        assert_eq!(refused(&[0xff; 9], 10), "frame 0: length out of range");
    }
}
