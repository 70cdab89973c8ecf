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

/// Numbers are unpacked in groups of this many: a group of any width fills whole words.
const GROUP: usize = 64;

/// The packed numbers of a block with room behind them, so that whole groups can be unpacked whatever the block has. Kept from one block to the next.
#[derive(Debug)]
pub(super) struct Packed([[u8; 8]; BLOCK]);

impl Packed {
    pub(super) fn new() -> Self {
        Self([[0; 8]; BLOCK])
    }

    /// Takes over the bytes of a block.
    pub(super) fn fill(&mut self, bytes: &[u8]) {
        self.0.as_flattened_mut()[..bytes.len()].copy_from_slice(bytes);
    }

    /// Unpacks at least the numbers `from..to` of `width` bits to their places in `out`. What `out` has in other places is of no use.
    pub(super) fn unpack(&self, width: u32, from: usize, to: usize, out: &mut [u64; BLOCK]) {
        assert!(width <= 64 && to <= BLOCK, "BUG: {to} values of {width} bits");
        if width == 0 {
            out.fill(0);
            return;
        }
        let (groups, _) = out.as_chunks_mut::<GROUP>();
        let width_words = width as usize;
        let groups = self.0.chunks_exact(width_words).zip(groups);
        for (words, group) in groups.take(to.div_ceil(GROUP)).skip(from / GROUP) {
            unpack_group(words, width, group);
        }
    }
}

/// `words` has one word per bit of the width.
fn unpack_group(words: &[[u8; 8]], width: u32, out: &mut [u64; GROUP]) {
    // With the width known to the compiler all shifts are constants: a third of the time.
    macro_rules! widths {
        ($($w:literal)*) => {
            match width {
                $($w => unpack_width::<$w>(words, out),)*
                _ => unreachable!("BUG: width {width}"),
            }
        };
    }
    widths!(1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32
        33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59 60 61 62 63 64);
}

fn unpack_width<const W: usize>(words: &[[u8; 8]], out: &mut [u64; GROUP]) {
    let words: &[[u8; 8]; W] = words.first_chunk().expect("BUG: a group has a word per bit");
    let mask = u64::MAX >> (64 - W);
    let word = |at: usize| u64::from_le_bytes(words[at]);
    macro_rules! value {
        ($($i:literal)*) => {$({
            let (at, shift) = ($i * W / 64, $i * W % 64);
            let mut v = word(at) >> shift;
            if shift + W > 64 {
                v |= word(at + 1) << (64 - shift);
            }
            out[$i] = v & mask;
        })*};
    }
    value!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31
        32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59 60 61 62 63);
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
        fn round_trip(
            values in proptest::collection::vec(any::<u64>(), 0..=BLOCK),
            width in 0_u32..=64,
            cut in 0_usize..=BLOCK,
        ) {
            let values: Vec<u64> =
                values.iter().map(|v| if width == 0 { 0 } else { v >> (64 - width) }).collect();
            let mut bytes = vec![7];
            pack(&mut bytes, &values, width);
            prop_assert_eq!(bytes.len(), 1 + packed_len(width, values.len()));
            let mut packed = Packed::new();
            // Whatever was there before does not matter.
            packed.fill(&[0xa5; BLOCK * 8]);
            packed.fill(&bytes[1..]);
            let mut back = [9; BLOCK];
            packed.unpack(width, 0, values.len(), &mut back);
            prop_assert_eq!(&back[..values.len()], &values[..]);
            let mut back = [9; BLOCK];
            let from = cut.min(values.len());
            packed.unpack(width, from, values.len(), &mut back);
            prop_assert_eq!(&back[from..values.len()], &values[from..]);
        }
    }
}
