use super::bits::{BitReader, BitWriter};

/// How many samples Prometheus puts into a chunk.
pub const MAX_CHUNK_SAMPLES: usize = 120;

/// The widths of the differences between two distances of timestamps, from the narrowest; each is announced by one more bit that is set.
const WIDTHS: [u32; 3] = [14, 17, 20];

/// A chunk that ends too early or contradicts itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("xor chunk: {reason} at sample {sample} of {count}")]
pub struct XorChunkError {
    reason: &'static str,
    sample: u16,
    count: u16,
}

/// Appends a chunk of float samples in the `XOR` encoding of Prometheus: parallel columns of times, which strictly increase, and values.
///
/// The first two bytes are the number of samples. The first time stands as it is, the second as the distance from it, all others as
/// the change of the distance; a value stands as the bits that differ from the one before. Upstream: `tsdb/chunkenc/xor.go`.
///
/// # Panics
///
/// If the columns differ in length, or hold more than 65,535 samples.
pub fn encode_xor_chunk(ts_ms: &[i64], vals: &[f64], out: &mut Vec<u8>) {
    assert_eq!(ts_ms.len(), vals.len(), "BUG: columns are parallel");
    let count = u16::try_from(ts_ms.len()).expect("BUG: a chunk has few samples");
    out.extend_from_slice(&count.to_be_bytes());
    let mut bits = BitWriter::new(out);
    let mut values = XorWriter::default();
    let (mut previous_ts, mut distance) = (0_i64, 0_u64);
    for (idx, (ts, val)) in ts_ms.iter().zip(vals).enumerate() {
        if idx == 0 {
            bits.varint(*ts);
            bits.bits(val.to_bits(), 64);
            values = XorWriter::after(*val);
        } else {
            let next_distance = ts.wrapping_sub(previous_ts) as u64;
            if idx == 1 {
                bits.uvarint(next_distance);
            } else {
                write_change(&mut bits, next_distance.wrapping_sub(distance) as i64);
            }
            distance = next_distance;
            values.write(&mut bits, *val);
        }
        previous_ts = *ts;
    }
}

fn write_change(bits: &mut BitWriter<'_>, change: i64) {
    if change == 0 {
        return bits.bits(0, 1);
    }
    for (idx, width) in (1..).zip(WIDTHS) {
        let half = 1_i64 << (width - 1);
        if (1 - half..=half).contains(&change) {
            // As many set bits as the width's place in the list, then one that is not.
            bits.bits((1 << (idx + 1)) - 2, idx + 1);
            return bits.bits(change as u64, width);
        }
    }
    bits.bits(0b1111, 4);
    bits.bits(change as u64, 64);
}

/// Writes floats as the bits that differ from the one before.
#[derive(Debug, Default)]
pub(super) struct XorWriter {
    previous: u64,
    /// The window of bits that the last value used: zeros before and behind it.
    window: Option<(u32, u32)>,
}

impl XorWriter {
    /// For the floats that follow `first`, which is written already.
    pub(super) fn after(first: f64) -> Self {
        Self { previous: first.to_bits(), window: None }
    }

    pub(super) fn write(&mut self, bits: &mut BitWriter<'_>, val: f64) {
        let changed = val.to_bits() ^ self.previous;
        self.previous = val.to_bits();
        if changed == 0 {
            return bits.bits(0, 1);
        }
        bits.bits(1, 1);
        // Five bits hold the number of leading zeros.
        let leading = changed.leading_zeros().min(31);
        let trailing = changed.trailing_zeros();
        if let Some((before, behind)) = self.window
            && leading >= before
            && trailing >= behind
        {
            bits.bits(0, 1);
            return bits.bits(changed >> behind, 64 - before - behind);
        }
        self.window = Some((leading, trailing));
        let width = 64 - leading - trailing;
        bits.bits(1, 1);
        bits.bits(u64::from(leading), 5);
        // 64 does not fit into six bits and is written as 0, which has no other meaning.
        bits.bits(u64::from(width), 6);
        bits.bits(changed >> trailing, width);
    }
}

/// Reads a chunk back: times and values.
pub fn decode_xor_chunk(chunk: &[u8]) -> Result<(Vec<i64>, Vec<f64>), XorChunkError> {
    let Some((count, rest)) = chunk.split_first_chunk() else {
        return Err(XorChunkError { reason: "no number of samples", sample: 0, count: 0 });
    };
    let count = u16::from_be_bytes(*count);
    let mut bits = BitReader::new(rest);
    let (mut times, mut vals) = (Vec::new(), Vec::new());
    let (mut ts, mut distance, mut val) = (0_i64, 0_u64, 0_u64);
    let mut window = None;
    for sample in 0..count {
        let short = || XorChunkError { reason: "unexpected end", sample, count };
        if sample == 0 {
            ts = bits.varint().ok_or_else(short)?;
            val = bits.bits(64).ok_or_else(short)?;
        } else {
            distance = match sample {
                1 => bits.uvarint().ok_or_else(short)?,
                _ => distance.wrapping_add(read_change(&mut bits).ok_or_else(short)? as u64),
            };
            ts = ts.wrapping_add(distance as i64);
            val ^= read_changed_bits(&mut bits, &mut window).map_err(|reason| XorChunkError {
                reason,
                sample,
                count,
            })?;
        }
        times.push(ts);
        vals.push(f64::from_bits(val));
    }
    Ok((times, vals))
}

fn read_change(bits: &mut BitReader<'_>) -> Option<i64> {
    if !bits.bit()? {
        return Some(0);
    }
    for width in WIDTHS {
        if !bits.bit()? {
            let value = bits.bits(width)? as i64;
            let is_negative = value > 1 << (width - 1);
            return Some(if is_negative { value - (1 << width) } else { value });
        }
    }
    bits.bits(64).map(|value| value as i64)
}

/// The bits in which a float differs from the one before. `window` is where the last value differed.
pub(super) fn read_changed_bits(
    bits: &mut BitReader<'_>,
    window: &mut Option<(u32, u32)>,
) -> Result<u64, &'static str> {
    let short = "unexpected end";
    if !bits.bit().ok_or(short)? {
        return Ok(0);
    }
    if bits.bit().ok_or(short)? {
        let leading = bits.bits(5).ok_or(short)? as u32;
        let width = match bits.bits(6).ok_or(short)? as u32 {
            0 => 64,
            width => width,
        };
        let trailing = (64 - leading).checked_sub(width).ok_or("value with too many bits")?;
        *window = Some((leading, trailing));
    }
    let (leading, trailing) = window.ok_or("value without its width")?;
    Ok(bits.bits(64 - leading - trailing).ok_or(short)? << trailing)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The bits by hand, as upstream's documentation of the chunk format lays them out.
    #[test]
    fn bytes_are_those_of_the_format() {
        let mut out = Vec::new();
        encode_xor_chunk(&[1000, 2000, 3000, 4001], &[1.0, 1.0, 1.0, 2.0], &mut out);
        let mut want = vec![0, 4, 0xd0, 0x0f];
        want.extend(1.0_f64.to_be_bytes());
        // 1000 as uvarint is e8 07; then `0`: same value.
        want.extend([0xe8, 0x07]);
        // `0` same value; `0` `0`: same distance and value; `10` and 1 in 14 bits; `1` `1`, 1 leading zero in 5 bits (the exponents
        // 3ff and 400 differ in eleven bits), width 11 in 6 bits, eleven set bits.
        let text = "000100000000000000111".to_owned() + "00001" + "001011" + "11111111111";
        let padded = format!("{text:0<48}");
        want.extend((0..6).map(|i| u8::from_str_radix(&padded[i * 8..][..8], 2).expect("bits")));
        assert_eq!(out, want);
    }

    fn same(a: &[f64], b: &[f64]) -> bool {
        a.iter().map(|v| v.to_bits()).eq(b.iter().map(|v| v.to_bits()))
    }

    proptest! {
        #[test]
        fn comes_back(
            start in any::<i64>(),
            steps in prop::collection::vec(prop_oneof![Just(15_000_i64), 1..200_000_i64, any::<i64>()], 0..130),
            bits in prop::collection::vec(prop_oneof![any::<u64>(), (0..50_u32).prop_map(|v| f64::from(v).to_bits())], 131),
        ) {
            let ts: Vec<i64> = std::iter::once(start)
                .chain(steps.iter().scan(start, |ts, step| {
                    *ts = ts.wrapping_add(*step);
                    Some(*ts)
                }))
                .collect();
            let vals: Vec<f64> = bits.iter().take(ts.len()).map(|b| f64::from_bits(*b)).collect();
            let mut chunk = Vec::new();
            encode_xor_chunk(&ts, &vals, &mut chunk);
            let (back_ts, back_vals) = decode_xor_chunk(&chunk).expect("own output");
            prop_assert_eq!(back_ts, ts);
            prop_assert!(same(&back_vals, &vals));
        }

        #[test]
        fn hostile_bytes_are_refused_or_read(chunk in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode_xor_chunk(&chunk);
        }
    }

    #[test]
    fn an_empty_chunk_is_two_bytes() {
        let mut out = Vec::new();
        encode_xor_chunk(&[], &[], &mut out);
        assert_eq!(out, [0, 0]);
        assert_eq!(decode_xor_chunk(&out), Ok((Vec::new(), Vec::new())));
        let error = decode_xor_chunk(&[0, 2, 0]).expect_err("cut off");
        assert_eq!(error.to_string(), "xor chunk: unexpected end at sample 0 of 2");
    }
}
