use bellwether_model::{CounterResetHint, FloatHistogram, Span};

use super::bits::BitWriter;
use super::xor_chunk::XorWriter;

/// The widths of numbers, from the narrowest; each is announced by one more bit that is set, and the last one by none that is not.
const WIDTHS: [u32; 7] = [3, 6, 9, 12, 18, 25, 56];
/// The largest bound, in thousandths, that is written as a number of thousandths.
const MAX_THOUSANDTHS: f64 = 33_554_430.0;

/// Whether two consecutive histograms of a series may stand in one chunk: they have the same layout, and there was no reset between them.
pub(super) fn share_chunk(previous: &FloatHistogram, next: &FloatHistogram) -> bool {
    let kinds_agree = match (previous.counter_reset_hint, next.counter_reset_hint) {
        (CounterResetHint::Gauge, CounterResetHint::Gauge) => true,
        (CounterResetHint::Gauge, _) | (_, CounterResetHint::Gauge) => false,
        _ => next.stored_reset_hint(Some(previous)) == CounterResetHint::NotReset,
    };
    kinds_agree
        && !previous.is_stale()
        && !next.is_stale()
        && previous.schema == next.schema
        && previous.zero_threshold.to_bits() == next.zero_threshold.to_bits()
        && previous.positive_spans == next.positive_spans
        && previous.negative_spans == next.negative_spans
        && previous.custom_bounds() == next.custom_bounds()
}

/// Appends a chunk of native histograms in the `FLOAT_HISTOGRAM` encoding of Prometheus. All of them share the layout of the first one, as
/// [`share_chunk`] tells, and times strictly increase.
///
/// The first two bytes are the number of samples, the two highest bits of the third one tell what is known about a reset. Then stands the layout, and then
/// each sample: the change of the distance from the time before, and the bits of the counts and the sum that differ. Upstream:
/// `tsdb/chunkenc/float_histogram.go`.
pub(super) fn encode_float_histogram_chunk<'h>(
    ts_ms: &[i64],
    histograms: impl ExactSizeIterator<Item = &'h FloatHistogram>,
    out: &mut Vec<u8>,
) {
    assert_eq!(ts_ms.len(), histograms.len(), "BUG: columns are parallel");
    let count = u16::try_from(ts_ms.len()).expect("BUG: a chunk has few samples");
    out.extend_from_slice(&count.to_be_bytes());
    let header_at = out.len();
    out.push(0);
    let mut header = 0;
    let mut bits = BitWriter::new(out);
    let mut values: Vec<XorWriter> = Vec::new();
    let (mut previous_ts, mut distance) = (0_i64, 0_i64);
    for (ts, histogram) in ts_ms.iter().zip(histograms) {
        // Of a staleness marker nothing but the marker matters.
        let marker =
            histogram.is_stale().then(|| FloatHistogram { sum: histogram.sum, ..FloatHistogram::default() });
        let histogram = marker.as_ref().unwrap_or(histogram);
        let numbers = [histogram.count, histogram.zero_count, histogram.sum].into_iter();
        let numbers =
            numbers.chain(histogram.positive_buckets.iter().chain(&histogram.negative_buckets).copied());
        if values.is_empty() {
            header = reset_header(histogram.counter_reset_hint);
            write_layout(&mut bits, histogram);
            varbit_int(&mut bits, *ts);
            for number in numbers {
                bits.bits(number.to_bits(), 64);
                values.push(XorWriter::after(number));
            }
        } else {
            let next_distance = ts.wrapping_sub(previous_ts);
            varbit_int(&mut bits, next_distance.wrapping_sub(distance));
            distance = next_distance;
            for (value, number) in values.iter_mut().zip(numbers) {
                value.write(&mut bits, number);
            }
        }
        previous_ts = *ts;
    }
    out[header_at] = header;
}

fn reset_header(hint: CounterResetHint) -> u8 {
    match hint {
        CounterResetHint::Unknown => 0,
        CounterResetHint::NotReset => 0b0100_0000,
        CounterResetHint::Reset => 0b1000_0000,
        CounterResetHint::Gauge => 0b1100_0000,
    }
}

fn write_layout(bits: &mut BitWriter<'_>, histogram: &FloatHistogram) {
    write_zero_threshold(bits, histogram.zero_threshold);
    varbit_int(bits, i64::from(histogram.schema));
    write_spans(bits, &histogram.positive_spans);
    write_spans(bits, &histogram.negative_spans);
    if histogram.uses_custom_buckets() {
        let bounds = histogram.custom_bounds();
        varbit_uint(bits, bounds.len() as u64);
        for bound in bounds {
            write_bound(bits, *bound);
        }
    }
}

/// One byte for 0 and for the usual powers of two, nine for anything else.
fn write_zero_threshold(bits: &mut BitWriter<'_>, threshold: f64) {
    const MANTISSA: u64 = (1 << 52) - 1;
    if threshold == 0.0 {
        return bits.bits(0, 8);
    }
    let raw = threshold.to_bits();
    // As 0.5 times a power of two, which is how Go takes floats apart.
    let exponent = (raw >> 52) as i64 - 1022;
    if raw & MANTISSA == 0 && (-242..=11).contains(&exponent) {
        return bits.bits((exponent + 243) as u64, 8);
    }
    bits.bits(255, 8);
    bits.bits(raw, 64);
}

fn write_spans(bits: &mut BitWriter<'_>, spans: &[Span]) {
    varbit_uint(bits, spans.len() as u64);
    for span in spans {
        varbit_uint(bits, u64::from(span.length));
        varbit_int(bits, i64::from(span.offset));
    }
}

/// A bound as thousandths where that is exact, counted from 1; otherwise a 0 and the bits of the float.
fn write_bound(bits: &mut BitWriter<'_>, bound: f64) {
    let thousandths = bound * 1000.0;
    let rounded = thousandths.round();
    if (0.0..=MAX_THOUSANDTHS).contains(&thousandths) && rounded / 1000.0 == bound {
        return varbit_uint(bits, rounded as u64 + 1);
    }
    bits.bits(0, 1);
    bits.bits(bound.to_bits(), 64);
}

fn varbit_int(bits: &mut BitWriter<'_>, value: i64) {
    let fits = |width: u32| (1 - (1_i64 << (width - 1))..=1_i64 << (width - 1)).contains(&value);
    varbit(bits, value as u64, fits);
}

fn varbit_uint(bits: &mut BitWriter<'_>, value: u64) {
    varbit(bits, value, |width| value >> width == 0);
}

fn varbit(bits: &mut BitWriter<'_>, value: u64, fits: impl Fn(u32) -> bool) {
    if value == 0 {
        return bits.bits(0, 1);
    }
    for (place, width) in (1..).zip(WIDTHS) {
        if fits(width) {
            // As many set bits as the width's place in the list, then one that is not.
            bits.bits((1 << (place + 1)) - 2, place + 1);
            return bits.bits(value, width);
        }
    }
    bits.bits(0xff, 8);
    bits.bits(value, 64);
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bellwether_model::histogram::CUSTOM_BUCKETS_SCHEMA;
    use bellwether_model::stale_nan;
    use proptest::prelude::*;

    use super::super::bits::BitReader;
    use super::super::xor_chunk::read_changed_bits;
    use super::*;

    /// Reads a chunk back, step by step as the format is described; the hint of all but the first sample is known from the header.
    fn decode(chunk: &[u8]) -> Option<Vec<(i64, FloatHistogram)>> {
        let (count, rest) = chunk.split_first_chunk::<2>()?;
        let (header, rest) = rest.split_first()?;
        let mut bits = BitReader::new(rest);
        let zero_threshold = match bits.bits(8)? {
            0 => 0.0,
            255 => f64::from_bits(bits.bits(64)?),
            power => 0.5 * 2_f64.powi(power as i32 - 243),
        };
        let schema = read_int(&mut bits)? as i32;
        let mut spans = || -> Option<Vec<Span>> {
            let n = read_uint(&mut bits)?;
            (0..n)
                .map(|_| {
                    let length = read_uint(&mut bits)? as u32;
                    Some(Span { length, offset: read_int(&mut bits)? as i32 })
                })
                .collect()
        };
        let (positive_spans, negative_spans) = (spans()?, spans()?);
        let mut custom_values = None;
        if schema == CUSTOM_BUCKETS_SCHEMA {
            let n = read_uint(&mut bits)?;
            let bounds: Option<Vec<f64>> = (0..n)
                .map(|_| match read_uint(&mut bits)? {
                    0 => bits.bits(64).map(f64::from_bits),
                    thousandths => Some((thousandths - 1) as f64 / 1000.0),
                })
                .collect();
            custom_values = Some(Arc::from(bounds?));
        }
        let buckets = |spans: &[Span]| spans.iter().map(|s| s.length as usize).sum::<usize>();
        let (n_positive, n_negative) = (buckets(&positive_spans), buckets(&negative_spans));
        let mut numbers = vec![(0_u64, None); 3 + n_positive + n_negative];
        let (mut ts, mut distance) = (0_i64, 0_i64);
        let mut found = Vec::new();
        for sample in 0..u16::from_be_bytes(*count) {
            if sample == 0 {
                ts = read_int(&mut bits)?;
            } else {
                distance = distance.wrapping_add(read_int(&mut bits)?);
                ts = ts.wrapping_add(distance);
            }
            for (number, window) in &mut numbers {
                *number ^= match sample {
                    0 => bits.bits(64)?,
                    _ => read_changed_bits(&mut bits, window).ok()?,
                };
            }
            let floats: Vec<f64> = numbers.iter().map(|(number, _)| f64::from_bits(*number)).collect();
            let (positive, negative) = floats[3..].split_at(n_positive);
            let counter_reset_hint = match (header, sample) {
                (0xc0, _) => CounterResetHint::Gauge,
                (0x80, 0) => CounterResetHint::Reset,
                (0x40, _) | (_, 1..) => CounterResetHint::NotReset,
                _ => CounterResetHint::Unknown,
            };
            let histogram = FloatHistogram {
                counter_reset_hint,
                schema,
                zero_threshold,
                zero_count: floats[1],
                count: floats[0],
                sum: floats[2],
                positive_spans: positive_spans.clone(),
                negative_spans: negative_spans.clone(),
                positive_buckets: positive.to_vec(),
                negative_buckets: negative.to_vec(),
                custom_values: custom_values.clone(),
            };
            found.push((ts, histogram));
        }
        Some(found)
    }

    fn read_width(bits: &mut BitReader<'_>) -> Option<u32> {
        for width in [0, 3, 6, 9, 12, 18, 25, 56] {
            if !bits.bit()? {
                return Some(width);
            }
        }
        Some(64)
    }

    fn read_uint(bits: &mut BitReader<'_>) -> Option<u64> {
        let width = read_width(bits)?;
        bits.bits(width)
    }

    fn read_int(bits: &mut BitReader<'_>) -> Option<i64> {
        let width = read_width(bits)?;
        let value = bits.bits(width)?;
        let is_negative = (1..64).contains(&width) && value > 1 << (width - 1);
        Some(if is_negative { value as i64 - (1 << width) } else { value as i64 })
    }

    fn round_trip(ts_ms: &[i64], histograms: &[FloatHistogram]) -> Vec<(i64, FloatHistogram)> {
        let mut chunk = Vec::new();
        encode_float_histogram_chunk(ts_ms, histograms.iter(), &mut chunk);
        decode(&chunk).expect("own output")
    }

    fn growing(n: u32) -> Vec<FloatHistogram> {
        let one = |i: u32| FloatHistogram {
            counter_reset_hint: if i == 0 { CounterResetHint::Unknown } else { CounterResetHint::NotReset },
            schema: 3,
            zero_threshold: 2_f64.powi(-128),
            zero_count: f64::from(i),
            count: f64::from(10 * i),
            sum: f64::from(i).sqrt(),
            positive_spans: vec![Span { offset: -300, length: 2 }, Span { offset: 5000, length: 1 }],
            negative_spans: vec![Span { offset: 7, length: 1 }],
            positive_buckets: vec![f64::from(i), f64::from(3 * i), 0.5],
            negative_buckets: vec![f64::from(i * i)],
            custom_values: None,
        };
        (0..n).map(one).collect()
    }

    #[test]
    fn chunks_come_back() {
        let histograms = growing(50);
        let ts: Vec<i64> = (0..50).map(|i| 1_700_000_000_000 + i * 15_000 + i % 4).collect();
        let want: Vec<_> = ts.iter().copied().zip(histograms.clone()).collect();
        assert_eq!(round_trip(&ts, &histograms), want);
    }

    #[test]
    fn thresholds_bounds_and_hints_come_back() {
        for zero_threshold in
            [0.0, 1e-3, 1.0, 1024.0, 2048.0, 2_f64.powi(-243), 2_f64.powi(-244), f64::MIN_POSITIVE]
        {
            let h = FloatHistogram { zero_threshold, ..FloatHistogram::default() };
            assert_eq!(round_trip(&[-5], std::slice::from_ref(&h)), [(-5, h)]);
        }
        for counter_reset_hint in [
            CounterResetHint::Unknown,
            CounterResetHint::Reset,
            CounterResetHint::NotReset,
            CounterResetHint::Gauge,
        ] {
            let h = FloatHistogram {
                counter_reset_hint,
                schema: CUSTOM_BUCKETS_SCHEMA,
                custom_values: Some(Arc::from([
                    -1.0, 0.0, 0.005, 0.1, 0.1001, 2.5, 33_554.43, 33_554.431, 1e300,
                ])),
                positive_spans: vec![Span { offset: 0, length: 2 }],
                positive_buckets: vec![1.0, 2.0],
                ..FloatHistogram::default()
            };
            assert_eq!(round_trip(&[i64::MAX], std::slice::from_ref(&h)), [(i64::MAX, h)]);
        }
    }

    #[test]
    fn only_what_belongs_together_shares_a_chunk() {
        let of = growing(3);
        assert!(share_chunk(&of[1], &of[2]));
        assert!(!share_chunk(&of[2], &of[1]), "a reset");
        let with = |change: &dyn Fn(&mut FloatHistogram)| {
            let mut changed = of[2].clone();
            change(&mut changed);
            changed
        };
        for changed in [
            with(&|h| h.schema = 2),
            with(&|h| h.zero_threshold = 0.5),
            with(&|h| h.counter_reset_hint = CounterResetHint::Gauge),
            with(&|h| h.counter_reset_hint = CounterResetHint::Reset),
            with(&|h| h.sum = stale_nan()),
            with(&|h| h.positive_spans[1] = Span { offset: 4999, length: 1 }),
        ] {
            assert!(!share_chunk(&of[1], &changed), "{changed:?}");
        }
        let gauge = with(&|h| h.counter_reset_hint = CounterResetHint::Gauge);
        let less = FloatHistogram { count: 0.0, ..gauge.clone() };
        assert!(share_chunk(&gauge, &less), "gauges may fall");
        let marker = round_trip(&[1], &[with(&|h| h.sum = stale_nan())]).remove(0).1;
        assert!(marker.is_stale() && marker.positive_buckets.is_empty(), "{marker:?}");
    }

    proptest! {
        #[test]
        fn numbers_come_back(ints in proptest::collection::vec(any::<i64>(), 1..20), shift in 0_u32..64) {
            let mut out = Vec::new();
            let mut bits = BitWriter::new(&mut out);
            for v in &ints {
                varbit_int(&mut bits, v >> shift);
                varbit_uint(&mut bits, (*v as u64) >> shift);
            }
            let mut bits = BitReader::new(&out);
            for v in &ints {
                prop_assert_eq!(read_int(&mut bits), Some(v >> shift));
                prop_assert_eq!(read_uint(&mut bits), Some((*v as u64) >> shift));
            }
        }
    }
}
