//! Timestamps lie near a regular grid; start timestamps hardly change.

use crate::coding::{Cursor, DecodeError, Result, put_varint, put_zigzag};

use super::id::Codec;
use super::ints::{decode_ints, encode_ints};

/// Appends timestamps, which strictly increase, and returns the codec.
pub(crate) fn encode_times(out: &mut Vec<u8>, times: &[i64]) -> Codec {
    let first = times[0];
    let interval = usual_interval(times);
    put_zigzag(out, first);
    put_varint(out, interval as u64);
    let residuals: Vec<i64> = times
        .iter()
        .zip(0_i64..)
        .map(|(t, i)| t.wrapping_sub(first).wrapping_sub(i.wrapping_mul(interval)))
        .collect();
    encode_ints(out, &residuals);
    Codec::Timestamps
}

/// The median distance: what most samples have, whatever gaps there are.
fn usual_interval(times: &[i64]) -> i64 {
    let mut distances: Vec<i64> = times.windows(2).map(|w| w[1].wrapping_sub(w[0])).collect();
    if distances.is_empty() {
        return 0;
    }
    let middle = distances.len() / 2;
    *distances.select_nth_unstable(middle).1
}

/// Appends the `n` timestamps to `out`.
pub(crate) fn decode_times(codec: u8, bytes: &[u8], n: usize, out: &mut Vec<i64>) -> Result<()> {
    if Codec::try_from(codec)? != Codec::Timestamps {
        return Err(DecodeError::new("timestamps in a codec for other columns"));
    }
    let start = out.len();
    let mut cursor = Cursor::new(bytes);
    let first = cursor.zigzag()?;
    let interval = cursor.varint()? as i64;
    let mut grid = first;
    decode_ints(&mut cursor, n, 0..n, |residuals| {
        out.extend(residuals.iter().map(|r| {
            let t = grid.wrapping_add(*r);
            grid = grid.wrapping_add(interval);
            t
        }));
    })?;
    if !cursor.is_empty() {
        return Err(DecodeError::new("bytes behind a column of timestamps"));
    }
    if out[start..].windows(2).any(|w| w[0] >= w[1]) {
        return Err(DecodeError::new("timestamps do not increase"));
    }
    Ok(())
}

/// Appends start timestamps, in any order, and returns the codec.
pub(crate) fn encode_start_times(out: &mut Vec<u8>, times: &[i64]) -> Codec {
    encode_ints(out, times);
    Codec::Integers
}

/// Appends the `n` start timestamps to `out`.
pub(crate) fn decode_start_times(codec: u8, bytes: &[u8], n: usize, out: &mut Vec<i64>) -> Result<()> {
    if Codec::try_from(codec)? != Codec::Integers {
        return Err(DecodeError::new("start timestamps in a codec for other columns"));
    }
    let mut cursor = Cursor::new(bytes);
    decode_ints(&mut cursor, n, 0..n, |times| out.extend_from_slice(times))?;
    if cursor.is_empty() {
        Ok(())
    } else {
        Err(DecodeError::new("bytes behind a column of start timestamps"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(times: &[i64]) -> usize {
        let mut bytes = Vec::new();
        let codec = encode_times(&mut bytes, times);
        let mut back = vec![i64::MIN];
        decode_times(codec.into(), &bytes, times.len(), &mut back).expect("just encoded");
        assert_eq!(back[1..], *times);
        bytes.len()
    }

    #[test]
    fn a_regular_grid_costs_a_dozen_bytes() {
        let grid: Vec<i64> = (0..480).map(|i| 1_748_736_000_123 + i * 15_000).collect();
        assert!(check(&grid) <= 11);
        // A scrape that came late, and one that did not come, cost a few bytes.
        let mut late = grid.clone();
        late[77] += 3;
        late.remove(200);
        assert!(check(&late) <= 40, "{}", check(&late));
        check(&grid[..1]);
    }

    #[test]
    fn jitter_of_two_milliseconds_costs_half_a_byte() {
        let times: Vec<i64> = (0..480).map(|i| i * 15_000 + (i * 7919) % 5 - 2).collect();
        assert!(check(&times) <= 480 / 2, "{}", check(&times));
    }

    proptest! {
        #[test]
        fn round_trip(
            first in -(1_i64 << 53)..1 << 53,
            steps in proptest::collection::vec(prop_oneof![1_i64..5, Just(15_000_i64), 1_i64..1 << 40], 0..300),
        ) {
            let sums = steps.iter().scan(first, |t, step| { *t += step; Some(*t) });
            check(&std::iter::once(first).chain(sums).collect::<Vec<_>>());
        }

        #[test]
        fn start_times_round_trip(times in proptest::collection::vec(prop_oneof![Just(0_i64), any::<i64>()], 1..300)) {
            let mut bytes = Vec::new();
            let codec = encode_start_times(&mut bytes, &times);
            let mut back = Vec::new();
            decode_start_times(codec.into(), &bytes, times.len(), &mut back).expect("just encoded");
            prop_assert_eq!(back, times);
        }

        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..200), n in 0_usize..1000) {
            let mut out = Vec::new();
            if decode_times(16, &bytes, n, &mut out).is_ok() {
                prop_assert_eq!(out.len(), n);
            }
        }
    }
}
