//! Columns of floats. Most values that are measured are decimal numbers with few digits; as integers they take a fraction of their 64 bits.

use std::ops::Range;

use crate::coding::{Cursor, DecodeError, Result, put_varint, put_zigzag};

use super::histograms::exact_int;
use super::id::Codec;
use super::ints::{decode_ints, encode_ints};

/// Powers of ten by which values are scaled.
const POWERS: [f64; 10] = [1.0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];
/// Integers below this in size are exact as floats.
const MAX_INT: f64 = 9_007_199_254_740_992.0;
/// Adding and subtracting this rounds floats below 2^51 in size to the nearest integer.
const ROUNDER: f64 = 6_755_399_441_055_744.0;
/// The first this often are looked at to find the exponent before all are.
const PROBE_EVERY: usize = 16;
/// One in so many values may be an exception.
const MAX_EXCEPTIONS: usize = 20;

const HAS_BASE: u8 = 1 << 4;
const HAS_EXCEPTIONS: u8 = 1 << 5;
const EXPONENT: u8 = 0x0f;

/// Appends the values and returns how.
pub(crate) fn encode_floats(out: &mut Vec<u8>, values: &[f64]) -> Codec {
    let start = out.len();
    let first = values[0];
    if values.iter().all(|v| v.to_bits() == first.to_bits()) {
        if let Some(int) = scale(first, 0) {
            put_zigzag(out, int);
            return Codec::ConstInt;
        }
        out.extend_from_slice(&first.to_le_bytes());
        return Codec::Const;
    }
    let codec = if let Some(decimal) = Decimal::find(values) {
        decimal.encode(out);
        Codec::Decimal
    } else {
        let bits: Vec<i64> = values.iter().map(|v| v.to_bits() as i64).collect();
        encode_ints(out, &bits);
        Codec::Bits
    };
    if out.len() - start < values.len() * 8 {
        return codec;
    }
    out.truncate(start);
    out.extend(values.iter().flat_map(|v| v.to_le_bytes()));
    Codec::Raw
}

/// Appends the values `rows` of a column of `n` values to `out`. After an error `out` may have some of them.
pub(crate) fn decode_floats(
    codec: u8,
    bytes: &[u8],
    n: usize,
    rows: Range<usize>,
    out: &mut Vec<f64>,
) -> Result<()> {
    assert!(rows.start <= rows.end && rows.end <= n, "BUG: rows {rows:?} of {n}");
    let mut cursor = Cursor::new(bytes);
    match Codec::try_from(codec)? {
        Codec::Raw => {
            if bytes.len() != n * 8 {
                return Err(DecodeError::new("raw column of another length"));
            }
            let (values, _) = cursor.take_rest().as_chunks::<8>();
            out.extend(values[rows].iter().map(|b| f64::from_bits(u64::from_le_bytes(*b))));
        }
        Codec::Const => {
            let v = cursor.f64()?;
            out.resize(out.len() + rows.len(), v);
        }
        Codec::ConstInt => {
            let v = cursor.zigzag()? as f64;
            out.resize(out.len() + rows.len(), v);
        }
        Codec::Bits => {
            let push = |bits: &[i64]| out.extend(bits.iter().map(|b| f64::from_bits(*b as u64)));
            decode_ints(&mut cursor, n, rows, push)?;
        }
        Codec::Decimal => decode_decimal(&mut cursor, n, rows, out)?,
        Codec::Timestamps | Codec::Integers | Codec::Histograms => {
            return Err(DecodeError::new("floats in a codec for other columns"));
        }
    }
    if cursor.is_empty() { Ok(()) } else { Err(DecodeError::new("bytes behind a column of floats")) }
}

/// `v * 10^exponent`, if that is an integer from which the division by `10^exponent` gives back every bit of `v`.
#[inline]
fn scale(v: f64, exponent: usize) -> Option<i64> {
    if exponent == 0 {
        // Most columns are integers, and these need no division.
        return exact_int(v);
    }
    let power = POWERS[exponent];
    let scaled = v * power;
    if scaled.is_nan() || scaled.abs() >= MAX_INT {
        return None;
    }
    let rounded =
        if scaled.abs() < MAX_INT / 4.0 { (scaled + ROUNDER) - ROUNDER } else { scaled.round_ties_even() };
    let int = rounded as i64;
    (unscale(int, exponent).to_bits() == v.to_bits()).then_some(int)
}

fn unscale(int: i64, exponent: usize) -> f64 {
    int as f64 / POWERS[exponent]
}

/// The smallest exponent from `least` on with which a value is an integer.
fn exponent_for(v: f64, least: usize) -> Option<usize> {
    (least..POWERS.len()).find(|e| scale(v, *e).is_some())
}

/// A column as integers, with the few values that are none.
struct Decimal {
    exponent: usize,
    ints: Vec<i64>,
    exceptions: Vec<(usize, f64)>,
}

impl Decimal {
    /// `None` if too many values are not decimal.
    fn find(values: &[f64]) -> Option<Self> {
        let allowed = values.len() / MAX_EXCEPTIONS;
        let mut exponent = 0;
        let mut misses = 0;
        for v in values.iter().step_by(PROBE_EVERY) {
            match exponent_for(*v, exponent) {
                Some(found) => exponent = found,
                None => misses += 1,
            }
            if misses > allowed {
                return None;
            }
        }
        let mut column = Self { exponent, ints: Vec::with_capacity(values.len()), exceptions: Vec::new() };
        let mut idx = 0;
        while let Some(v) = values.get(idx) {
            if let Some(int) = scale(*v, column.exponent) {
                column.ints.push(int);
            } else if let Some(found) = exponent_for(*v, column.exponent) {
                // Begin again; those before have more digits then.
                column = Self { exponent: found, ..column };
                column.ints.clear();
                column.exceptions.clear();
                idx = 0;
                continue;
            } else {
                column.exceptions.push((idx, *v));
                if column.exceptions.len() > allowed {
                    return None;
                }
                column.ints.push(column.ints.last().copied().unwrap_or(0));
            }
            idx += 1;
        }
        Some(column)
    }

    fn encode(mut self, out: &mut Vec<u8>) {
        let base = self.ints[0];
        let step = self.ints.iter().map(|i| i.abs_diff(base)).fold(0, greatest_common_divisor);
        let mut head = self.exponent as u8;
        if step > 1 {
            head |= HAS_BASE;
        }
        if !self.exceptions.is_empty() {
            head |= HAS_EXCEPTIONS;
        }
        out.push(head);
        if step > 1 {
            put_zigzag(out, base);
            put_varint(out, step);
            for i in &mut self.ints {
                *i = (*i - base) / step as i64;
            }
        }
        if !self.exceptions.is_empty() {
            put_varint(out, self.exceptions.len() as u64);
            let mut before = 0;
            for (position, v) in &self.exceptions {
                put_varint(out, (position - before) as u64);
                out.extend_from_slice(&v.to_le_bytes());
                before = *position;
            }
        }
        encode_ints(out, &self.ints);
    }
}

fn greatest_common_divisor(a: u64, b: u64) -> u64 {
    // Once it is 1 it stays 1, which is what usually happens after a few values.
    if a == 1 {
        return 1;
    }
    let (mut a, mut b) = (a, b);
    while b > 0 {
        (a, b) = (b, a % b);
    }
    a
}

fn decode_decimal(cursor: &mut Cursor<'_>, n: usize, rows: Range<usize>, out: &mut Vec<f64>) -> Result<()> {
    let start = out.len();
    let head = cursor.u8()?;
    let exponent = usize::from(head & EXPONENT);
    if exponent >= POWERS.len() || head & !(EXPONENT | HAS_BASE | HAS_EXCEPTIONS) != 0 {
        return Err(DecodeError::new("unknown form of a decimal column; a newer program wrote this"));
    }
    let (base, step) =
        if head & HAS_BASE != 0 { (cursor.zigzag()?, cursor.varint()? as i64) } else { (0, 1) };
    let n_exceptions = if head & HAS_EXCEPTIONS != 0 { cursor.count(9)? } else { 0 };
    let exceptions = *cursor;
    for _ in 0..n_exceptions {
        cursor.varint()?;
        cursor.u64()?;
    }
    let power = POWERS[exponent];
    out.reserve(rows.len());
    decode_ints(cursor, n, rows.clone(), |ints| match (exponent, head & HAS_BASE != 0) {
        (0, false) => out.extend(ints.iter().map(|i| *i as f64)),
        (0, true) => out.extend(ints.iter().map(|i| base.wrapping_add(i.wrapping_mul(step)) as f64)),
        (_, false) => out.extend(ints.iter().map(|i| *i as f64 / power)),
        (_, true) => out.extend(ints.iter().map(|i| base.wrapping_add(i.wrapping_mul(step)) as f64 / power)),
    })?;
    let (mut exceptions, mut position) = (exceptions, 0_u64);
    for _ in 0..n_exceptions {
        position = position.saturating_add(exceptions.varint()?);
        let v = exceptions.f64()?;
        if position >= n as u64 {
            return Err(DecodeError::new("exception outside of its column"));
        }
        let position = position as usize;
        if rows.contains(&position) {
            out[start + position - rows.start] = v;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use bellwether_model::stale_nan;
    use proptest::prelude::*;

    use super::*;

    fn check(values: &[f64]) -> (Codec, usize) {
        let mut bytes = Vec::new();
        let codec = encode_floats(&mut bytes, values);
        let mut back = vec![0.5];
        let n = values.len();
        decode_floats(codec.into(), &bytes, n, 0..n, &mut back).expect("just encoded");
        let want: Vec<u64> = values.iter().map(|v| v.to_bits()).collect();
        let got = |back: &[f64]| back[1..].iter().map(|v| v.to_bits()).collect::<Vec<u64>>();
        assert_eq!(got(&back), want, "{codec:?}");
        for rows in [0..0, n / 2..n, n / 3..n - n / 3, n - 1..n] {
            back.truncate(1);
            decode_floats(codec.into(), &bytes, n, rows.clone(), &mut back).expect("just encoded");
            assert_eq!(got(&back), want[rows.clone()], "{codec:?}, rows {rows:?} of {n}");
        }
        (codec, bytes.len())
    }

    #[test]
    fn chooses_the_codec() {
        let column = |f: fn(i64) -> f64| (0..480).map(f).collect::<Vec<_>>();
        assert_eq!(check(&column(|_| 42.0)), (Codec::ConstInt, 1));
        assert_eq!(check(&column(|_| 0.1)), (Codec::Const, 8));
        assert_eq!(check(&column(|_| -0.0)), (Codec::Const, 8));
        assert_eq!(check(&column(|_| stale_nan())), (Codec::Const, 8));
        assert_eq!(check(&column(|i| (i / 50) as f64)).0, Codec::Decimal);
        assert_eq!(check(&column(|i| (i as f64).sqrt())).0, Codec::Bits);
        let noise = |i: i64| {
            let z = (i as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            f64::from_bits((z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb))
        };
        assert_eq!(check(&column(noise)).0, Codec::Raw);
        check(&[f64::NAN]);
    }

    #[test]
    fn decimals_are_cheap() {
        // 0.1 and its friends have no short binary form, and that does not matter.
        let gauge: Vec<f64> = (0..480).map(|i| f64::from(i % 13) / 10.0 + 20.0).collect();
        let (codec, len) = check(&gauge);
        assert!(codec == Codec::Decimal && len < 480 * 5 / 8, "{codec:?} {len}");
        // Multiples of a page: the common divisor goes out.
        let pages: Vec<f64> = (0..480).map(|i| f64::from((i * 37) % 16) * 4096.0).collect();
        assert!(check(&pages).1 < 480 * 5 / 8, "{:?}", check(&pages));
    }

    #[test]
    fn a_few_exceptions_do_not_spoil_a_column() {
        let mut values: Vec<f64> = (0..480).map(|i| f64::from(i) * 2.0).collect();
        for (idx, v) in
            [(0, f64::NAN), (17, -0.0), (479, f64::INFINITY), (100, stale_nan()), (5, f64::MIN_POSITIVE)]
        {
            values[idx] = v;
        }
        let (codec, len) = check(&values);
        assert!(codec == Codec::Decimal && len < 150, "{codec:?} {len}");
    }

    /// Every class of bit patterns: zeroes, subnormals, integers around 2^53, decimals, infinities, NaNs with any payload.
    fn float() -> impl Strategy<Value = f64> {
        prop_oneof![
            4 => (-1_000_000_i64..1_000_000, 0_i32..12).prop_map(|(i, e)| i as f64 / 10_f64.powi(e)),
            4 => (-100_i64..100).prop_map(|i| i as f64),
            1 => any::<u64>().prop_map(f64::from_bits),
            1 => (0_u64..1 << 52).prop_map(f64::from_bits),
            1 => (0_u64..1 << 52).prop_map(|p| f64::from_bits(p | 0x7ff0_0000_0000_0000)),
            1 => (-3_i64..3).prop_map(|i| (i + (1 << 53)) as f64),
            1 => (-3_i64..3).prop_map(|i| (i + (1 << 51)) as f64 + 0.5),
            1 => Just(-0.0), 1 => Just(f64::INFINITY), 1 => Just(f64::NEG_INFINITY), 1 => Just(stale_nan()),
        ]
    }

    /// Columns mostly of one kind, with something else now and then, and of all kinds.
    fn column() -> impl Strategy<Value = Vec<f64>> {
        let decimals = (0_i32..10, proptest::collection::vec((-5_000_i64..5_000, 0_u8..40, float()), 1..400))
            .prop_map(|(e, rows)| {
                let value = |(i, rare, other): (i64, u8, f64)| {
                    if rare == 0 { other } else { i as f64 / 10_f64.powi(e) }
                };
                rows.into_iter().map(value).collect()
            });
        prop_oneof![decimals, proptest::collection::vec(float(), 1..400)]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn round_trip(values in column()) {
            check(&values);
        }

        #[test]
        fn any_bytes_are_survived(
            codec in 0_u8..6,
            bytes in proptest::collection::vec(any::<u8>(), 0..200),
            n in 0_usize..1000,
        ) {
            let mut out = Vec::new();
            if decode_floats(codec, &bytes, n, 0..n, &mut out).is_ok() {
                prop_assert_eq!(out.len(), n);
            }
            let _ = decode_floats(codec, &bytes, n, n / 3..n - n / 3, &mut out);
        }
    }
}
