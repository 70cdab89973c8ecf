//! Columns of native histograms: each bucket is a column of its own, so a bucket that does not change costs a few bytes.

use std::sync::Arc;

use bellwether_model::{CounterResetHint, FloatHistogram, Span};

use crate::coding::{Cursor, DecodeError, Result, put_varint, put_zigzag, zigzag};

use super::floats::{decode_floats, encode_floats};
use super::id::Codec;

/// The columns that every histogram has: count, zero count, sum.
const FIXED_COLUMNS: usize = 3;
/// A run has at most this many values in all its columns, so that a few bytes per column cannot ask for any amount of memory.
const MAX_RUN_VALUES: usize = 1 << 27;
/// A column of a bucket takes at least its codec, its length and one byte.
const MIN_COLUMN_BYTES: usize = 3;

/// Appends a column of histograms and returns the codec.
pub(crate) fn encode_histograms(out: &mut Vec<u8>, histograms: &[Arc<FloatHistogram>]) -> Codec {
    let runs: Vec<&[Arc<FloatHistogram>]> = histograms
        .chunk_by(|a, b| same_layout(a, b))
        .flat_map(|run| run.chunks((MAX_RUN_VALUES / n_columns(&run[0])).max(1)))
        .collect();
    put_varint(out, runs.len() as u64);
    for run in runs {
        encode_run(out, run);
    }
    Codec::Histograms
}

/// Hands the `n` histograms to `sink`, in order.
pub(crate) fn decode_histograms(
    codec: u8,
    bytes: &[u8],
    n: usize,
    mut sink: impl FnMut(Arc<FloatHistogram>),
) -> Result<()> {
    if Codec::try_from(codec)? != Codec::Histograms {
        return Err(DecodeError::new("histograms in a codec for other columns"));
    }
    let mut cursor = Cursor::new(bytes);
    let mut left = n;
    for _ in 0..cursor.count(1)? {
        let rows = cursor.varint()?;
        if rows == 0 || rows > left as u64 {
            return Err(DecodeError::new("more histograms than timestamps"));
        }
        left -= rows as usize;
        decode_run(&mut cursor, rows as usize, &mut sink)?;
    }
    if left > 0 || !cursor.is_empty() {
        return Err(DecodeError::new("fewer histograms than timestamps"));
    }
    Ok(())
}

fn n_columns(layout: &FloatHistogram) -> usize {
    FIXED_COLUMNS + layout.positive_buckets.len() + layout.negative_buckets.len()
}

fn encode_run(out: &mut Vec<u8>, run: &[Arc<FloatHistogram>]) {
    put_varint(out, run.len() as u64);
    put_layout(out, &run[0]);
    for same in run.chunk_by(|a, b| a.counter_reset_hint == b.counter_reset_hint) {
        out.push(hint_to_byte(same[0].counter_reset_hint));
        put_varint(out, same.len() as u64);
    }
    let mut column = Vec::with_capacity(run.len());
    let mut bytes = Vec::new();
    let mut put = |values: &mut dyn Iterator<Item = f64>| {
        column.clear();
        column.extend(values);
        bytes.clear();
        let codec = encode_floats(&mut bytes, &column);
        out.push(codec.into());
        put_varint(out, bytes.len() as u64);
        out.extend_from_slice(&bytes);
    };
    put(&mut run.iter().map(|h| h.count));
    put(&mut run.iter().map(|h| h.zero_count));
    put(&mut run.iter().map(|h| h.sum));
    for idx in 0..run[0].positive_buckets.len() {
        put(&mut run.iter().map(|h| h.positive_buckets[idx]));
    }
    for idx in 0..run[0].negative_buckets.len() {
        put(&mut run.iter().map(|h| h.negative_buckets[idx]));
    }
}

fn decode_run(
    cursor: &mut Cursor<'_>,
    rows: usize,
    sink: &mut impl FnMut(Arc<FloatHistogram>),
) -> Result<()> {
    let layout = read_layout(cursor, MIN_COLUMN_BYTES)?;
    let mut hints = Vec::with_capacity(rows.min(super::MAX_ROWS));
    while hints.len() < rows {
        let hint = hint_from_byte(cursor.u8()?)?;
        let n = cursor.varint()?;
        if n == 0 || n > (rows - hints.len()) as u64 {
            return Err(DecodeError::new("more reset hints than histograms"));
        }
        hints.resize(hints.len() + n as usize, hint);
    }
    let (n_positive, n_negative) = (layout.positive_buckets.len(), layout.negative_buckets.len());
    let n_columns = n_columns(&layout);
    if rows > 1 && rows.saturating_mul(n_columns) > MAX_RUN_VALUES {
        return Err(DecodeError::new("more values in a run of histograms than can be"));
    }
    let mut values = Vec::with_capacity(rows.min(super::MAX_ROWS) * n_columns);
    for column in 0..n_columns {
        let codec = cursor.u8()?;
        decode_floats(codec, cursor.prefixed()?, rows, 0..rows, &mut values)?;
        if values.len() != (column + 1) * rows {
            return Err(DecodeError::new("histogram column of another length"));
        }
    }
    for (row, hint) in hints.into_iter().enumerate() {
        let cell = |column: usize| values[column * rows + row];
        let buckets = |from: usize, n: usize| (from..from + n).map(cell).collect();
        sink(Arc::new(FloatHistogram {
            counter_reset_hint: hint,
            count: cell(0),
            zero_count: cell(1),
            sum: cell(2),
            positive_buckets: buckets(FIXED_COLUMNS, n_positive),
            negative_buckets: buckets(FIXED_COLUMNS + n_positive, n_negative),
            ..layout.clone()
        }));
    }
    Ok(())
}

/// Appends one histogram on its own, as the log has it.
pub(crate) fn put_histogram(out: &mut Vec<u8>, h: &FloatHistogram) {
    put_layout(out, h);
    out.push(hint_to_byte(h.counter_reset_hint));
    for v in [h.count, h.zero_count, h.sum] {
        put_value(out, v);
    }
    for v in h.positive_buckets.iter().chain(&h.negative_buckets) {
        put_value(out, *v);
    }
}

/// Reads what [`put_histogram`] wrote.
pub(crate) fn read_histogram(cursor: &mut Cursor<'_>) -> Result<FloatHistogram> {
    let mut h = read_layout(cursor, 1)?;
    h.counter_reset_hint = hint_from_byte(cursor.u8()?)?;
    h.count = read_value(cursor)?;
    h.zero_count = read_value(cursor)?;
    h.sum = read_value(cursor)?;
    for v in h.positive_buckets.iter_mut().chain(&mut h.negative_buckets) {
        *v = read_value(cursor)?;
    }
    Ok(h)
}

/// The value as an integer, if that has all its bits and floats count in steps of one there.
#[inline]
pub(crate) fn exact_int(v: f64) -> Option<i64> {
    const MAX_INT: f64 = 9_007_199_254_740_992.0;
    let int = v as i64;
    (v.abs() < MAX_INT && (int as f64).to_bits() == v.to_bits()).then_some(int)
}

/// Appends a float: integers short, everything else with all its bytes.
#[inline]
pub(crate) fn put_value(out: &mut Vec<u8>, v: f64) {
    if let Some(int) = exact_int(v) {
        put_varint(out, zigzag(int) + 1);
    } else {
        out.push(0);
        out.extend_from_slice(&v.to_le_bytes());
    }
}

/// Reads what [`put_value`] wrote.
pub(crate) fn read_value(cursor: &mut Cursor<'_>) -> Result<f64> {
    match cursor.varint()? {
        0 => cursor.f64(),
        n => Ok(crate::coding::unzigzag(n - 1) as f64),
    }
}

/// Whether two histograms have the same bits everywhere, NaNs included.
pub(crate) fn same_histogram(a: &FloatHistogram, b: &FloatHistogram) -> bool {
    same_layout(a, b)
        && a.counter_reset_hint == b.counter_reset_hint
        && a.count.to_bits() == b.count.to_bits()
        && a.zero_count.to_bits() == b.zero_count.to_bits()
        && a.sum.to_bits() == b.sum.to_bits()
        && same_bits(&a.positive_buckets, &b.positive_buckets)
        && same_bits(&a.negative_buckets, &b.negative_buckets)
}

fn same_layout(a: &FloatHistogram, b: &FloatHistogram) -> bool {
    let custom = match (&a.custom_values, &b.custom_values) {
        (None, None) => true,
        (Some(a), Some(b)) => Arc::ptr_eq(a, b) || same_bits(a, b),
        _ => false,
    };
    custom
        && a.schema == b.schema
        && a.zero_threshold.to_bits() == b.zero_threshold.to_bits()
        && a.positive_spans == b.positive_spans
        && a.negative_spans == b.negative_spans
        // Spans and buckets of a histogram that was not checked where it entered may disagree.
        && a.positive_buckets.len() == b.positive_buckets.len()
        && a.negative_buckets.len() == b.negative_buckets.len()
}

fn same_bits(a: &[f64], b: &[f64]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.to_bits() == b.to_bits())
}

fn put_layout(out: &mut Vec<u8>, h: &FloatHistogram) {
    put_zigzag(out, i64::from(h.schema));
    out.extend_from_slice(&h.zero_threshold.to_le_bytes());
    for spans in [&h.positive_spans, &h.negative_spans] {
        put_varint(out, spans.len() as u64);
        for span in spans {
            put_zigzag(out, i64::from(span.offset));
            put_varint(out, u64::from(span.length));
        }
    }
    match &h.custom_values {
        None => out.push(0),
        Some(values) => {
            put_varint(out, values.len() as u64 + 1);
            out.extend(values.iter().flat_map(|v| v.to_le_bytes()));
        }
    }
}

/// Reads a layout; the buckets are there and zero. Each of them needs `bytes_each` of what follows.
fn read_layout(cursor: &mut Cursor<'_>, bytes_each: usize) -> Result<FloatHistogram> {
    let schema = i32::try_from(cursor.zigzag()?).map_err(|_| DecodeError::new("impossible schema"))?;
    let zero_threshold = cursor.f64()?;
    let (positive_spans, n_positive) = read_spans(cursor)?;
    let (negative_spans, n_negative) = read_spans(cursor)?;
    let custom_values = match cursor.varint()? {
        0 => None,
        n if n - 1 > cursor.len() as u64 / 8 => return Err(DecodeError::new("too many custom values")),
        n => Some((1..n).map(|_| cursor.f64()).collect::<Result<Arc<[f64]>>>()?),
    };
    if n_positive.saturating_add(n_negative) > (cursor.len() / bytes_each) as u64 {
        return Err(DecodeError::new("spans hold more buckets than there are"));
    }
    Ok(FloatHistogram {
        schema,
        zero_threshold,
        positive_spans,
        negative_spans,
        positive_buckets: vec![0.0; n_positive as usize],
        negative_buckets: vec![0.0; n_negative as usize],
        custom_values,
        ..FloatHistogram::default()
    })
}

fn read_spans(cursor: &mut Cursor<'_>) -> Result<(Vec<Span>, u64)> {
    let n = cursor.count(2)?;
    let mut spans = Vec::with_capacity(n);
    let mut buckets = 0_u64;
    for _ in 0..n {
        let offset = i32::try_from(cursor.zigzag()?).map_err(|_| DecodeError::new("impossible span"))?;
        let length = u32::try_from(cursor.varint()?).map_err(|_| DecodeError::new("impossible span"))?;
        buckets = buckets.saturating_add(u64::from(length));
        spans.push(Span { offset, length });
    }
    Ok((spans, buckets))
}

fn hint_to_byte(hint: CounterResetHint) -> u8 {
    match hint {
        CounterResetHint::Unknown => 0,
        CounterResetHint::Reset => 1,
        CounterResetHint::NotReset => 2,
        CounterResetHint::Gauge => 3,
    }
}

fn hint_from_byte(byte: u8) -> Result<CounterResetHint> {
    Ok(match byte {
        0 => CounterResetHint::Unknown,
        1 => CounterResetHint::Reset,
        2 => CounterResetHint::NotReset,
        3 => CounterResetHint::Gauge,
        _ => return Err(DecodeError::new("unknown reset hint")),
    })
}

/// Whether the spans hold as many buckets as there are; only such histograms can be stored.
pub(crate) fn is_consistent(h: &FloatHistogram) -> bool {
    let held = |spans: &[Span]| spans.iter().map(|s| u64::from(s.length)).sum::<u64>();
    held(&h.positive_spans) == h.positive_buckets.len() as u64
        && held(&h.negative_spans) == h.negative_buckets.len() as u64
}

#[cfg(test)]
mod tests {
    use bellwether_model::histogram::CUSTOM_BUCKETS_SCHEMA;
    use bellwether_model::stale_nan;
    use proptest::prelude::*;

    use super::*;

    fn check(histograms: &[Arc<FloatHistogram>]) -> usize {
        let mut bytes = Vec::new();
        let codec = encode_histograms(&mut bytes, histograms);
        let mut back = Vec::new();
        decode_histograms(codec.into(), &bytes, histograms.len(), |h| back.push(h)).expect("just encoded");
        assert_eq!(back.len(), histograms.len());
        for (got, want) in back.iter().zip(histograms) {
            assert!(same_histogram(got, want), "{got:?}\n{want:?}");
        }
        bytes.len()
    }

    fn growing(i: i64) -> Arc<FloatHistogram> {
        let buckets: Vec<f64> = (0..20).map(|b| (i * (b % 5)) as f64).collect();
        Arc::new(FloatHistogram {
            schema: 3,
            zero_threshold: 1e-128,
            zero_count: 2.0,
            count: buckets.iter().sum::<f64>() + 2.0,
            sum: i as f64 * 0.25,
            positive_spans: vec![Span { offset: -3, length: 12 }, Span { offset: 2, length: 8 }],
            positive_buckets: buckets,
            ..FloatHistogram::default()
        })
    }

    #[test]
    fn a_run_cannot_ask_for_any_amount_of_memory() {
        const BUCKETS: usize = 20_000;
        let h = Arc::new(FloatHistogram {
            positive_spans: vec![Span { offset: 0, length: BUCKETS as u32 }],
            positive_buckets: vec![1.0; BUCKETS],
            ..FloatHistogram::default()
        });
        let mut one = Vec::new();
        let codec = encode_histograms(&mut one, &[h]).into();
        decode_histograms(codec, &one, 1, |_| {}).expect("just encoded");
        // The same columns, which are constant, for as many rows as there can be.
        let rows = super::super::MAX_ROWS;
        let mut many = vec![1];
        put_varint(&mut many, rows as u64);
        let hints_at = one.len() - 3 * (FIXED_COLUMNS + BUCKETS) - 2;
        many.extend_from_slice(&one[2..hints_at]);
        many.push(0);
        put_varint(&mut many, rows as u64);
        many.extend_from_slice(&one[hints_at + 2..]);
        let refused = decode_histograms(codec, &many, rows, |_| panic!("it is refused before"));
        assert_eq!(refused, Err(DecodeError::new("more values in a run of histograms than can be")));
    }

    #[test]
    fn columns_per_bucket_are_cheap() {
        let histograms: Vec<_> = (0..120).map(growing).collect();
        let len = check(&histograms);
        assert!(len < 120 * 2, "{len} bytes for 120 histograms of 20 buckets");
    }

    #[test]
    fn layouts_hints_and_staleness_may_change() {
        let stale = Arc::new(FloatHistogram { sum: stale_nan(), ..FloatHistogram::default() });
        let custom = Arc::new(FloatHistogram {
            schema: CUSTOM_BUCKETS_SCHEMA,
            custom_values: Some(Arc::from([0.5, 1.0, f64::NAN].as_slice())),
            negative_spans: vec![Span { offset: 0, length: 1 }],
            negative_buckets: vec![-0.0],
            ..FloatHistogram::default()
        });
        let reset = Arc::new(FloatHistogram {
            counter_reset_hint: CounterResetHint::Reset,
            ..growing(1).as_ref().clone()
        });
        check(&[growing(1), growing(2), stale.clone(), custom.clone(), custom, reset, growing(3), stale]);
    }

    #[test]
    fn damaged_bytes_are_survived() {
        let mut bytes = Vec::new();
        let histograms: Vec<_> = (0..30).map(growing).collect();
        let codec = encode_histograms(&mut bytes, &histograms);
        for at in 0..bytes.len() {
            for flip in [1, 0x80, 0xff] {
                let mut damaged = bytes.clone();
                damaged[at] ^= flip;
                let _ = decode_histograms(codec.into(), &damaged, 30, |_| {});
            }
            assert!(decode_histograms(codec.into(), &bytes[..at], 30, |_| {}).is_err(), "cut at {at}");
        }
    }

    proptest! {
        #[test]
        fn one_alone_reads_back(
            bits in proptest::collection::vec(prop_oneof![any::<u64>(), (0_u64..1000).prop_map(|n| (n as f64).to_bits())], 4..20),
            schema: i32,
            offset: i32,
        ) {
            let values: Vec<f64> = bits.iter().map(|b| f64::from_bits(*b)).collect();
            let h = FloatHistogram {
                counter_reset_hint: CounterResetHint::Gauge,
                schema,
                zero_threshold: values[0],
                zero_count: values[1],
                count: values[2],
                sum: values[3],
                positive_spans: vec![Span { offset, length: values.len() as u32 }],
                positive_buckets: values.clone(),
                custom_values: Some(values.into()),
                ..FloatHistogram::default()
            };
            let mut bytes = Vec::new();
            put_histogram(&mut bytes, &h);
            let mut cursor = Cursor::new(&bytes);
            let back = read_histogram(&mut cursor).expect("just written");
            prop_assert!(cursor.is_empty() && same_histogram(&back, &h));
        }
    }
}
