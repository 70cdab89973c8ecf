//! The families and series of a region: listed by the process that counts there, read by others from a copy.

use std::sync::atomic::Ordering;

use super::layout::{self, Damage, Header, List};
use super::schema::Schema;
use crate::arena::Arena;
use crate::record::{HEAD, State};

/// Words in front of the description of a family: its size and the number of cells, where its overflows are counted, and the list of its series.
const FIXED: usize = 2;
const FAMILY_HEAD: usize = FIXED + List::N_WORDS;

/// Lists a family. Returns the list for its series, `None` if there is no memory.
pub(crate) fn list_family(arena: &Arena, schema: &Schema, overflowed_at: u32) -> Option<List> {
    let description = schema.to_bytes();
    let words = padded(&description);
    if !List::FAMILIES.make_room(arena) {
        return None;
    }
    let at = arena.allocate(FAMILY_HEAD + words.len())?;
    let entry = arena.from(at);
    let fixed = [(schema.cells.len() as u64) << 32 | description.len() as u64, u64::from(overflowed_at)];
    for (word, value) in entry.iter().zip(fixed) {
        word.store(value, Ordering::Relaxed);
    }
    for (word, value) in entry[FAMILY_HEAD..].iter().zip(&words) {
        word.store(*value, Ordering::Relaxed);
    }
    let series = List::at(at + FIXED as u32);
    series.begin(arena);
    List::FAMILIES.append(arena, at, fixed.into_iter().chain(words));
    Some(series)
}

fn padded(bytes: &[u8]) -> Vec<u64> {
    let word = |bytes: &[u8]| bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
    bytes.chunks(8).map(word).collect()
}

/// What is in a copy of a region, all of it checked but for the values of cells, which change as long as the process lives.
#[derive(Debug)]
pub(crate) struct Image<'w> {
    pub(crate) header: Header,
    pub(crate) families: Vec<FamilyImage<'w>>,
}

#[derive(Debug)]
pub(crate) struct FamilyImage<'w> {
    pub(crate) schema: Schema,
    pub(crate) overflowed: u64,
    /// Those that are exposed, in the order in which they were made.
    pub(crate) series: Vec<SeriesImage<'w>>,
}

#[derive(Debug)]
pub(crate) struct SeriesImage<'w> {
    /// Where its record is.
    pub(crate) at: usize,
    pub(crate) closed_index: u32,
    /// The values of the open labels, as [`each_word`](crate::record::each_word) puts them.
    pub(crate) values: &'w [u64],
    pub(crate) cells: &'w [u64],
}

impl<'w> Image<'w> {
    /// Reads the words of a region.
    pub(crate) fn read(words: &'w [u64]) -> Result<Self, Damage> {
        let header = Header::read(words)?;
        let families = List::FAMILIES.read(words)?;
        let families = families.iter().map(|entry| {
            let at = entry.at as usize;
            let head = layout::slice(words, at, FAMILY_HEAD)?;
            let (n_bytes, n_cells) = (head[0] as u32 as usize, (head[0] >> 32) as usize);
            let description = layout::slice(words, at + FAMILY_HEAD, n_bytes.div_ceil(8))?;
            if !entry.stands_for(head[..FIXED].iter().chain(description).copied()) {
                return Err(Damage::Torn);
            }
            let bytes: Vec<u8> =
                description.iter().flat_map(|word| word.to_le_bytes()).take(n_bytes).collect();
            let schema = Schema::from_bytes(&bytes)?;
            if schema.cells.len() != n_cells {
                return Err(Damage::Torn);
            }
            let overflowed = layout::slice(words, usize::try_from(head[1]).map_err(|_| Damage::Torn)?, 1)?[0];
            let mut series = Vec::new();
            for entry in List::at(entry.at + FIXED as u32).read(words)? {
                let (one, state) = SeriesImage::read(words, entry.at as usize, &schema)?;
                if !entry.stands_for(fixed(one.closed_index, one.values.iter().copied())) {
                    return Err(Damage::Torn);
                }
                if state == State::Exposed as u64 {
                    series.push(one);
                }
            }
            Ok(FamilyImage { schema, overflowed, series })
        });
        Ok(Self { header, families: families.collect::<Result<_, _>>()? })
    }
}

/// What of a series never changes.
pub(crate) fn fixed(closed_index: u32, values: impl Iterator<Item = u64>) -> impl Iterator<Item = u64> {
    std::iter::once(u64::from(closed_index)).chain(values)
}

impl<'w> SeriesImage<'w> {
    /// Reads a record, and its state.
    fn read(words: &'w [u64], at: usize, schema: &Schema) -> Result<(Self, u64), Damage> {
        let n_cells = schema.cells.len();
        let head = layout::slice(words, at, HEAD + n_cells)?;
        let (closed_index, state) = (head[1] as u32, head[1] >> 32 << 32);
        if ![State::Exposed as u64, State::Removed as u64].contains(&state)
            || !schema.has_combination(closed_index)
        {
            return Err(Damage::Torn);
        }
        let from = at + HEAD + n_cells;
        let n_values = value_words(words.get(from..).unwrap_or_default(), schema.n_open())?;
        let values = layout::slice(words, from, n_values)?;
        Ok((Self { at, closed_index, values, cells: &head[HEAD..] }, state))
    }
}

/// How many words the values of `n` open labels take, which begin there.
pub(crate) fn value_words(words: &[u64], n: usize) -> Result<usize, Damage> {
    let lengths = layout::slice(words, 0, n.div_ceil(4))?;
    let length = |idx: usize| usize::from((lengths[idx / 4] >> (16 * (idx % 4))) as u16);
    Ok(lengths.len() + (0..n).map(|idx| length(idx).div_ceil(8)).sum::<usize>())
}

/// The values of `n` open labels out of their words.
pub(crate) fn values(words: &[u64], n: usize) -> Vec<String> {
    let mut rest = &words[n.div_ceil(4).min(words.len())..];
    let text = |idx: usize| {
        let len = usize::from((words.get(idx / 4).copied().unwrap_or(0) >> (16 * (idx % 4))) as u16);
        let (text, behind) = rest.split_at(len.div_ceil(8).min(rest.len()));
        rest = behind;
        let bytes: Vec<u8> = text.iter().flat_map(|word| word.to_le_bytes()).take(len).collect();
        String::from_utf8_lossy(&bytes).into_owned()
    };
    (0..n).map(text).collect()
}
