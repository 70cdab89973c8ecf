//! Numbers of equal width, without gaps.

/// A block has at most this many numbers.
pub(super) const BLOCK: usize = 128;

/// How many bytes `count` numbers of `width` bits take.
pub(super) fn packed_len(width: u32, count: usize) -> usize {
    (width as usize * count).div_ceil(8)
}

/// Appends the low `width` bits of each number.
pub(super) fn pack(out: &mut Vec<u8>, values: &[u64], width: u32) {
    assert!(width <= 64 && values.len() <= BLOCK, "BUG: {} values of {width} bits", values.len());
    if width == 0 {
        return;
    }
    let mask = u64::MAX >> (64 - width);
    // A number of 64 bits may start in the middle of a byte, so the accumulator is wider than one.
    let (mut accumulator, mut filled) = (0_u128, 0);
    for v in values {
        accumulator |= u128::from(v & mask) << filled;
        filled += width;
        if filled >= 64 {
            out.extend_from_slice(&(accumulator as u64).to_le_bytes());
            accumulator >>= 64;
            filled -= 64;
        }
    }
    out.extend_from_slice(&accumulator.to_le_bytes()[..filled.div_ceil(8) as usize]);
}

/// Fills `out` with numbers of `width` bits; `bytes` has [`packed_len`] bytes.
pub(super) fn unpack(bytes: &[u8], width: u32, out: &mut [u64]) {
    assert!(width <= 64 && out.len() <= BLOCK, "BUG: {} values of {width} bits", out.len());
    assert_eq!(bytes.len(), packed_len(width, out.len()), "BUG: the caller took another number of bytes");
    if width == 0 {
        out.fill(0);
        return;
    }
    // A copy with room behind it, so that each number can be read with whole words.
    let mut padded = [0_u8; BLOCK * 8 + 16];
    padded[..bytes.len()].copy_from_slice(bytes);
    let mask = u64::MAX >> (64 - width);
    let word = |at: usize| {
        let mut word = [0; 8];
        word.copy_from_slice(&padded[at..at + 8]);
        u64::from_le_bytes(word)
    };
    if width <= 56 {
        for (idx, v) in out.iter_mut().enumerate() {
            let bit = idx * width as usize;
            *v = (word(bit / 8) >> (bit % 8)) & mask;
        }
    } else {
        for (idx, v) in out.iter_mut().enumerate() {
            let bit = idx * width as usize;
            let both = u128::from(word(bit / 8)) | (u128::from(word(bit / 8 + 8)) << 64);
            *v = (both >> (bit % 8)) as u64 & mask;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn bits_go_from_low_to_high() {
        let mut out = Vec::new();
        pack(&mut out, &[1, 2, 3], 3);
        assert_eq!(out, [0b1101_0001, 0]);
    }

    proptest! {
        #[test]
        fn round_trip(values in proptest::collection::vec(any::<u64>(), 0..=BLOCK), width in 0_u32..=64) {
            let values: Vec<u64> =
                values.iter().map(|v| if width == 0 { 0 } else { v >> (64 - width) }).collect();
            let mut bytes = vec![7];
            pack(&mut bytes, &values, width);
            prop_assert_eq!(bytes.len(), 1 + packed_len(width, values.len()));
            let mut back = vec![9; values.len()];
            unpack(&bytes[1..], width, &mut back);
            prop_assert_eq!(back, values);
        }
    }
}
