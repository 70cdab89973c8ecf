//! Which series have a label, as bytes.

use crate::codec::{MAX_ROWS, decode_ints, encode_ints};
use crate::coding::{Cursor, DecodeError, Result, put_varint};

const RANGE: u8 = 0;
const LIST: u8 = 1;

/// Appends ordinals, which strictly increase.
pub(super) fn encode_postings(out: &mut Vec<u8>, ordinals: &[u32]) {
    let (first, last) = match ordinals {
        [] => (0, 0),
        [first, .., last] => (*first, *last),
        [only] => (*only, *only),
    };
    if ordinals.is_empty() || (last - first) as usize == ordinals.len() - 1 {
        out.push(RANGE);
        put_varint(out, u64::from(first));
        put_varint(out, ordinals.len() as u64);
        return;
    }
    out.push(LIST);
    put_varint(out, ordinals.len() as u64);
    let mut ints = Vec::with_capacity(ordinals.len().min(MAX_ROWS));
    for piece in ordinals.chunks(MAX_ROWS) {
        ints.clear();
        ints.extend(piece.iter().map(|o| i64::from(*o)));
        encode_ints(out, &ints);
    }
}

/// Appends the ordinals to `out`. All must be below `n_series`.
pub(super) fn decode_postings(bytes: &[u8], n_series: u32, out: &mut Vec<u32>) -> Result<()> {
    let start = out.len();
    let mut cursor = Cursor::new(bytes);
    match cursor.u8()? {
        RANGE => {
            let (first, n) = (cursor.varint()?, cursor.varint()?);
            if first.checked_add(n).is_none_or(|end| end > u64::from(n_series)) {
                return Err(DecodeError::new("postings beyond the last series"));
            }
            out.extend(first as u32..(first + n) as u32);
        }
        LIST => {
            let n = cursor.varint()?;
            if n > u64::from(n_series) {
                return Err(DecodeError::new("more postings than series"));
            }
            let mut left = n as usize;
            let mut good = true;
            let mut before = -1;
            while left > 0 {
                let piece = left.min(MAX_ROWS);
                decode_ints(&mut cursor, piece, 0..piece, |rows| {
                    for row in rows {
                        good &= *row > before && *row < i64::from(n_series);
                        before = *row;
                        out.push(*row as u32);
                    }
                })?;
                left -= piece;
            }
            if !good {
                out.truncate(start);
                return Err(DecodeError::new("postings do not increase"));
            }
        }
        _ => return Err(DecodeError::new("unknown form of postings; a newer program wrote this")),
    }
    if cursor.is_empty() { Ok(()) } else { Err(DecodeError::new("bytes behind postings")) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(ordinals: &[u32]) -> usize {
        let mut bytes = Vec::new();
        encode_postings(&mut bytes, ordinals);
        let mut back = vec![77];
        let n_series = ordinals.last().map_or(0, |l| l + 1);
        decode_postings(&bytes, n_series, &mut back).expect("just encoded");
        assert_eq!(back[1..], *ordinals);
        if !ordinals.is_empty() {
            assert!(decode_postings(&bytes, n_series - 1, &mut back).is_err(), "beyond the last series");
        }
        bytes.len()
    }

    #[test]
    fn sizes() {
        assert_eq!(check(&[]), 3);
        assert_eq!(check(&[5]), 3);
        assert!(check(&(1000..50_000).collect::<Vec<_>>()) <= 6);
        // Every second of 20,000 series, and a tenth of them scattered: a bit or a byte each.
        let every_second: Vec<u32> = (0..20_000).map(|i| i * 2).collect();
        assert!(check(&every_second) < 30, "{}", check(&every_second));
        let scattered: Vec<u32> = (0..20_000).filter(|i| (i * 7919) % 10 == 3).collect();
        assert!(check(&scattered) < scattered.len(), "{}", check(&scattered));
    }

    proptest! {
        #[test]
        fn round_trip(set in proptest::collection::btree_set(0_u32..100_000, 0..1000)) {
            check(&set.into_iter().collect::<Vec<_>>());
        }

        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            let mut out = Vec::new();
            let _ = decode_postings(&bytes, 1000, &mut out);
            prop_assert!(out.iter().all(|o| *o < 1000));
        }
    }
}
