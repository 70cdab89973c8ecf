//! The integer column, on which all other codecs stand.

use std::cell::Cell;
use std::ops::Range;

use crate::coding::{Cursor, DecodeError, Result, put_varint, put_zigzag, unzigzag, zigzag};

use super::MAX_ROWS;
use super::pack::{BLOCK, Packed, pack, packed_len};

/// Set in the width byte of a miniblock that has patches.
const HAS_PATCHES: u8 = 0x80;

/// How the values relate to what is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Transform {
    Const,
    ConstDelta,
    For,
    DeltaFor,
    Delta,
    DeltaOfDelta,
}

/// The transforms that have miniblocks, in the order in which they are tried: with equal cost the first wins.
const BLOCK_TRANSFORMS: [Transform; 4] =
    [Transform::For, Transform::Delta, Transform::DeltaFor, Transform::DeltaOfDelta];

impl From<Transform> for u8 {
    fn from(transform: Transform) -> Self {
        match transform {
            Transform::Const => 0,
            Transform::ConstDelta => 1,
            Transform::For => 2,
            Transform::DeltaFor => 3,
            Transform::Delta => 4,
            Transform::DeltaOfDelta => 5,
        }
    }
}

impl TryFrom<u8> for Transform {
    type Error = DecodeError;

    fn try_from(tag: u8) -> Result<Self> {
        Ok(match tag {
            0 => Self::Const,
            1 => Self::ConstDelta,
            2 => Self::For,
            3 => Self::DeltaFor,
            4 => Self::Delta,
            5 => Self::DeltaOfDelta,
            _ => return Err(DecodeError::new("unknown transform of an integer column")),
        })
    }
}

impl Transform {
    fn has_step(self) -> bool {
        matches!(self, Self::DeltaFor | Self::DeltaOfDelta)
    }

    /// How many residuals a miniblock of `rows` values has.
    fn residuals(self, rows: usize) -> usize {
        match self {
            Self::Const | Self::ConstDelta => 0,
            Self::For => rows,
            Self::DeltaFor | Self::Delta => rows - 1,
            Self::DeltaOfDelta => rows.saturating_sub(2),
        }
    }
}

/// A miniblock between its values and its bytes.
struct Block {
    base: i64,
    step: i64,
    residuals: [u64; BLOCK],
    len: usize,
}

impl Block {
    fn residuals(&self) -> &[u64] {
        &self.residuals[..self.len]
    }

    /// One to be filled by [`split`](Self::split); kept for all blocks and transforms of a column.
    fn new() -> Self {
        Self { base: 0, step: 0, residuals: [0; BLOCK], len: 0 }
    }

    /// Takes the values apart.
    fn split(&mut self, transform: Transform, values: &[i64]) {
        let Self { base, step, residuals, len } = self;
        *len = transform.residuals(values.len());
        (*base, *step) = (values[0], 0);
        let deltas = values.windows(2).map(|w| w[1].wrapping_sub(w[0]));
        match transform {
            Transform::Const | Transform::ConstDelta => {}
            Transform::For => {
                *base = values.iter().copied().min().unwrap_or(0);
                for (r, v) in residuals.iter_mut().zip(values) {
                    *r = v.wrapping_sub(*base) as u64;
                }
            }
            Transform::DeltaFor => {
                *step = deltas.clone().min().unwrap_or(0);
                for (r, d) in residuals.iter_mut().zip(deltas) {
                    *r = d.wrapping_sub(*step) as u64;
                }
            }
            Transform::Delta => {
                for (r, d) in residuals.iter_mut().zip(deltas) {
                    *r = zigzag(d);
                }
            }
            Transform::DeltaOfDelta => {
                let mut deltas = deltas;
                *step = deltas.next().unwrap_or(0);
                let mut before = *step;
                for (r, d) in residuals.iter_mut().zip(deltas) {
                    *r = zigzag(d.wrapping_sub(before));
                    before = d;
                }
            }
        }
    }
}

/// The width at which bits and patches of the residuals are the fewest, and about how many bits that are.
fn best_width(residuals: &[u64]) -> (u32, u64) {
    // A block has too few values to overflow a byte.
    let (mut counts, mut counts_of_odd) = ([0_u8; 65], [0_u8; 65]);
    // Two tables, because most residuals have the width of their neighbour, and each count would wait for the one before.
    let (pairs, rest) = residuals.as_chunks::<2>();
    for [even, odd] in pairs {
        counts[64 - even.leading_zeros() as usize] += 1;
        counts_of_odd[64 - odd.leading_zeros() as usize] += 1;
    }
    for r in rest {
        counts[64 - r.leading_zeros() as usize] += 1;
    }
    let widest = 64 - residuals.iter().fold(0, |all, r| all | r).leading_zeros();
    let mut best = (widest, u64::from(widest) * residuals.len() as u64);
    let mut patches = 0;
    for width in (0..widest).rev() {
        patches += u32::from(counts[width as usize + 1]) + u32::from(counts_of_odd[width as usize + 1]);
        // Each patch has its index and, in whole bytes of 7 bits, what lies above the width; 2 bytes count them.
        let patch_bits = 8 + 8 * (widest - width).div_ceil(7);
        let cost_of_patches = 16 + u64::from(patches * patch_bits);
        if cost_of_patches >= best.1 {
            // They only get more.
            break;
        }
        let cost = u64::from(width) * residuals.len() as u64 + cost_of_patches;
        if cost < best.1 {
            best = (width, cost);
        }
    }
    best
}

/// About how many bits a transform would take.
fn estimate(transform: Transform, values: &[i64], block: &mut Block) -> u64 {
    let (mut bits, mut base, mut step) = (0, 0, 0);
    for rows in values.chunks(BLOCK) {
        block.split(transform, rows);
        bits += best_width(block.residuals()).1;
        // The directory counts too: deltas need no base of their own, but each miniblock has one.
        bits += varint_bits(zigzag(block.base.wrapping_sub(base)));
        if transform.has_step() {
            bits += varint_bits(zigzag(block.step.wrapping_sub(step)));
        }
        (base, step) = (block.base, block.step);
    }
    bits
}

fn varint_bits(v: u64) -> u64 {
    8 * u64::from((64 - v.leading_zeros()).div_ceil(7).max(1))
}

/// Appends the column; the caller stores how many values there are.
pub(crate) fn encode_ints(out: &mut Vec<u8>, values: &[i64]) {
    assert!((1..=MAX_ROWS).contains(&values.len()), "BUG: column of {} values", values.len());
    let first = values[0];
    if values.iter().all(|v| *v == first) {
        out.push(Transform::Const.into());
        put_zigzag(out, first);
        return;
    }
    let delta = values[1].wrapping_sub(first);
    if values.windows(2).all(|w| w[1].wrapping_sub(w[0]) == delta) {
        out.push(Transform::ConstDelta.into());
        put_zigzag(out, first);
        put_zigzag(out, delta);
        return;
    }
    let mut block = Block::new();
    let transform = BLOCK_TRANSFORMS
        .into_iter()
        .min_by_key(|transform| estimate(*transform, values, &mut block))
        .expect("BUG: there are transforms");
    encode_blocks(out, transform, values, &mut block);
}

fn encode_blocks(out: &mut Vec<u8>, transform: Transform, values: &[i64], block: &mut Block) {
    out.push(transform.into());
    let (mut base, mut step) = (0, 0);
    let mut payload = Vec::with_capacity(values.len());
    let mut patches = Vec::new();
    for rows in values.chunks(BLOCK) {
        block.split(transform, rows);
        put_zigzag(out, block.base.wrapping_sub(base));
        if transform.has_step() {
            put_zigzag(out, block.step.wrapping_sub(step));
        }
        (base, step) = (block.base, block.step);
        let (width, _) = best_width(block.residuals());
        pack(&mut payload, block.residuals(), width);
        patches.clear();
        let mut n_patches = 0;
        for (idx, r) in block.residuals().iter().enumerate() {
            let high = if width == 64 { 0 } else { r >> width };
            if high > 0 {
                patches.push(idx as u8);
                put_varint(&mut patches, high);
                n_patches += 1;
            }
        }
        if n_patches == 0 {
            out.push(width as u8);
        } else {
            out.push(width as u8 | HAS_PATCHES);
            put_varint(out, n_patches);
            put_varint(out, patches.len() as u64);
            payload.extend_from_slice(&patches);
        }
    }
    out.extend_from_slice(&payload);
}

/// Where a miniblock's content is described.
#[derive(Debug, Clone, Copy, Default)]
struct DirectoryEntry {
    base: i64,
    step: i64,
    width: u32,
    n_patches: usize,
    patch_len: usize,
}

/// What decoding works with; kept by each thread, because making it anew would take longer than decoding a short column.
struct Scratch {
    directory: [DirectoryEntry; MAX_ROWS / BLOCK],
    packed: Packed,
    residuals: [u64; BLOCK],
    values: [i64; BLOCK],
}

thread_local! {
    static SCRATCH: Cell<Option<Box<Scratch>>> = const { Cell::new(None) };
}

/// Reads the values `rows` of a column of `n` values and hands them to `sink` in pieces of at most 128, in order. Miniblocks without any of them are skipped. The
/// cursor ends behind the column.
pub(crate) fn decode_ints(
    cursor: &mut Cursor<'_>,
    n: usize,
    rows: Range<usize>,
    sink: impl FnMut(&[i64]),
) -> Result<()> {
    let mut scratch = SCRATCH.take().unwrap_or_else(|| {
        Box::new(Scratch {
            directory: [DirectoryEntry::default(); MAX_ROWS / BLOCK],
            packed: Packed::new(),
            residuals: [0; BLOCK],
            values: [0; BLOCK],
        })
    });
    let result = scratch.decode(cursor, n, rows, sink);
    SCRATCH.set(Some(scratch));
    result
}

impl Scratch {
    fn decode(
        &mut self,
        cursor: &mut Cursor<'_>,
        n: usize,
        rows: Range<usize>,
        mut sink: impl FnMut(&[i64]),
    ) -> Result<()> {
        if !(1..=MAX_ROWS).contains(&n) {
            return Err(DecodeError::new("column with an impossible number of values"));
        }
        assert!(rows.start <= rows.end && rows.end <= n, "BUG: rows {rows:?} of {n}");
        let transform = Transform::try_from(cursor.u8()?)?;
        if matches!(transform, Transform::Const | Transform::ConstDelta) {
            let first = cursor.zigzag()?;
            let delta = if transform == Transform::ConstDelta { cursor.zigzag()? } else { 0 };
            let mut v = first.wrapping_add(delta.wrapping_mul(rows.start as i64));
            for start in rows.clone().step_by(BLOCK) {
                let values = &mut self.values[..(rows.end - start).min(BLOCK)];
                for value in values.iter_mut() {
                    *value = v;
                    v = v.wrapping_add(delta);
                }
                sink(values);
            }
            return Ok(());
        }
        let n_blocks = n.div_ceil(BLOCK);
        self.read_directory(cursor, transform, n_blocks)?;
        for idx in 0..n_blocks {
            let entry = self.directory[idx];
            let start = idx * BLOCK;
            let len = (n - start).min(BLOCK);
            let packed = cursor.take(packed_len(entry.width, transform.residuals(len)))?;
            let patches = cursor.take(entry.patch_len)?;
            let from = rows.start.saturating_sub(start);
            let to = rows.end.saturating_sub(start).min(len);
            if from < to {
                self.packed.fill(packed);
                self.unpack_block(transform, &entry, patches, len, from, to)?;
                sink(&self.values[from..to]);
            }
        }
        Ok(())
    }

    fn read_directory(
        &mut self,
        cursor: &mut Cursor<'_>,
        transform: Transform,
        n_blocks: usize,
    ) -> Result<()> {
        let (mut base, mut step) = (0_i64, 0_i64);
        for entry in &mut self.directory[..n_blocks] {
            base = base.wrapping_add(cursor.zigzag()?);
            if transform.has_step() {
                step = step.wrapping_add(cursor.zigzag()?);
            }
            let width = cursor.u8()?;
            *entry = DirectoryEntry {
                base,
                step,
                width: u32::from(width & !HAS_PATCHES),
                n_patches: 0,
                patch_len: 0,
            };
            if entry.width > 64 {
                return Err(DecodeError::new("impossible width of a miniblock"));
            }
            if width & HAS_PATCHES != 0 {
                entry.n_patches = cursor.count(0)?;
                entry.patch_len = cursor.count(1)?;
            }
        }
        Ok(())
    }

    /// Puts the values `from..to` of a miniblock of `len` values together, at least. Its residuals are in `packed`.
    fn unpack_block(
        &mut self,
        transform: Transform,
        entry: &DirectoryEntry,
        patches: &[u8],
        len: usize,
        from: usize,
        to: usize,
    ) -> Result<()> {
        let n_residuals = transform.residuals(len);
        // With deltas a value needs all residuals before it.
        let first = if transform == Transform::For { from } else { 0 };
        self.packed.unpack(entry.width, first, transform.residuals(to), &mut self.residuals);
        let mut patches = Cursor::new(patches);
        for _ in 0..entry.n_patches {
            let at = usize::from(patches.u8()?);
            let high = patches.varint()?;
            if at >= n_residuals || entry.width == 64 {
                return Err(DecodeError::new("patch outside of its miniblock"));
            }
            self.residuals[at] |= high << entry.width;
        }
        if !patches.is_empty() {
            return Err(DecodeError::new("more patches than announced"));
        }
        let (out, residuals) = (&mut self.values, &self.residuals);
        let (mut v, mut step) = (entry.base, entry.step);
        match transform {
            Transform::Const | Transform::ConstDelta => {}
            Transform::For => {
                for (o, r) in out[from..to].iter_mut().zip(&residuals[from..to]) {
                    *o = v.wrapping_add(*r as i64);
                }
            }
            Transform::DeltaFor => {
                out[0] = v;
                for (o, r) in out[1..].iter_mut().zip(&residuals[..to - 1]) {
                    v = v.wrapping_add(step.wrapping_add(*r as i64));
                    *o = v;
                }
            }
            Transform::Delta => {
                out[0] = v;
                for (o, r) in out[1..].iter_mut().zip(&residuals[..to - 1]) {
                    v = v.wrapping_add(unzigzag(*r));
                    *o = v;
                }
            }
            Transform::DeltaOfDelta => {
                out[0] = v;
                v = v.wrapping_add(step);
                out[1] = v;
                for (o, r) in out[2..].iter_mut().zip(&residuals[..to.saturating_sub(2)]) {
                    step = step.wrapping_add(unzigzag(*r));
                    v = v.wrapping_add(step);
                    *o = v;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(values: &[i64]) -> Vec<u8> {
        let mut bytes = Vec::new();
        encode_ints(&mut bytes, values);
        let mut back = Vec::new();
        let mut cursor = Cursor::new(&bytes);
        let n = values.len();
        decode_ints(&mut cursor, n, 0..n, |rows| back.extend_from_slice(rows)).expect("just encoded");
        assert!(cursor.is_empty(), "all bytes belong to the column");
        assert_eq!(back, values);
        for range in [0..0, n / 3..n / 3 + 1, n / 2..n, 0..n / 2 + 1, n - 1..n, n / 4..n - n / 4] {
            back.clear();
            let mut cursor = Cursor::new(&bytes);
            decode_ints(&mut cursor, n, range.clone(), |rows| back.extend_from_slice(rows))
                .expect("just encoded");
            assert!(cursor.is_empty(), "rows {range:?} of {n}");
            assert_eq!(back, values[range.clone()], "rows {range:?} of {n}");
        }
        bytes
    }

    #[test]
    fn constants_and_lines_cost_next_to_nothing() {
        assert_eq!(check(&vec![7; 8192]).len(), 2);
        assert_eq!(check(&(0..8192).map(|i| i * 15_000).collect::<Vec<_>>()).len(), 5);
    }

    #[test]
    fn an_outlier_is_patched() {
        let mut values: Vec<i64> = (0..480).map(|i| i % 4).collect();
        let plain = check(&values).len();
        values[100] = 1 << 40;
        let patched = check(&values).len();
        assert!(patched < plain + 16, "{plain} {patched}");
    }

    #[test]
    fn every_transform_reads_back() {
        for transform in BLOCK_TRANSFORMS {
            for n in [1, 2, 3, 127, 128, 129, 130, 256, 257] {
                let values: Vec<i64> =
                    (0..n).map(|i: i64| i.wrapping_mul(0x9e37_79b9_7f4a_7c15_u64 as i64)).collect();
                let mut bytes = Vec::new();
                encode_blocks(&mut bytes, transform, &values, &mut Block::new());
                let mut back = Vec::new();
                let n = values.len();
                decode_ints(&mut Cursor::new(&bytes), n, 0..n, |rows| back.extend_from_slice(rows))
                    .expect("just encoded");
                assert_eq!(back, values, "{transform:?} {n}");
                for from in 0..n {
                    back.clear();
                    let rows = from..n - (n - from) / 2;
                    decode_ints(&mut Cursor::new(&bytes), n, rows.clone(), |rows| {
                        back.extend_from_slice(rows);
                    })
                    .expect("just encoded");
                    assert_eq!(back, values[rows.clone()], "{transform:?} {rows:?} of {n}");
                }
            }
        }
    }

    /// Where the values change slowly and now and then a lot, as those of counters and gauges do.
    fn walk() -> impl Strategy<Value = Vec<i64>> {
        let step = prop_oneof![8 => -3_i64..20, 2 => -2000_i64..2000, 1 => any::<i64>(), 8 => Just(0_i64)];
        (any::<i64>(), proptest::collection::vec(step, 0..600)).prop_map(|(first, steps)| {
            let sums = steps.iter().scan(first, |v, step| {
                *v = v.wrapping_add(*step);
                Some(*v)
            });
            std::iter::once(first).chain(sums).collect()
        })
    }

    proptest! {
        #[test]
        fn round_trip(values in prop_oneof![walk(), proptest::collection::vec(any::<i64>(), 1..600)]) {
            check(&values);
        }

        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..300), n in 0_usize..9000) {
            let mut rows = 0;
            if decode_ints(&mut Cursor::new(&bytes), n, 0..n, |r| rows += r.len()).is_ok() {
                prop_assert_eq!(rows, n);
            }
            let _ = decode_ints(&mut Cursor::new(&bytes), n, n / 2..n, |_| {});
        }
    }
}
