//! `folded`: what processes counted that are gone. See `docs/formats/region.md`.

use std::collections::BTreeSet;

use super::contents::{Contents, Key};
use super::image::value_words;
use super::layout::Damage;
use super::schema::{Bytes, Schema};

const MAGIC: [u8; 8] = *b"BWFOLDED";
const VERSION: u64 = 1;
/// Magic, version, generation: no two files that follow each other are the same there.
pub(crate) const HEAD: usize = 24;

/// The sums over the regions of processes that are gone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Folded {
    /// Counts the files that were written; 0: there is none.
    pub(crate) generation: u64,
    /// Which start of the application the sums are of.
    pub(crate) epoch: u64,
    /// Which start of the machine the times in it are of.
    pub(crate) boot: [u64; 2],
    /// The regions whose counts are in the sums and whose files may still be there.
    pub(crate) ids: BTreeSet<u64>,
    pub(crate) contents: Contents,
}

impl Folded {
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        let word = |out: &mut Vec<u8>, word: u64| out.extend(word.to_le_bytes());
        for value in [VERSION, self.generation, self.epoch, self.boot[0], self.boot[1]] {
            word(&mut out, value);
        }
        word(&mut out, self.ids.len() as u64);
        self.ids.iter().for_each(|id| word(&mut out, *id));
        word(&mut out, self.contents.families().count() as u64);
        for family in self.contents.families() {
            let description = family.schema.to_bytes();
            word(&mut out, description.len() as u64);
            out.extend(description);
            word(&mut out, family.overflowed);
            word(&mut out, family.series().len() as u64);
            for series in family.series() {
                word(&mut out, u64::from(series.key.closed_index));
                series.key.values.iter().chain(&series.cells).for_each(|value| word(&mut out, *value));
            }
        }
        let check = crc32c::crc32c(&out);
        out.extend(check.to_le_bytes());
        out
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, Damage> {
        let mut head = Bytes(bytes);
        match (head.take::<8>()?, head.word()?) {
            (MAGIC, VERSION) => {}
            (MAGIC, version) if version > VERSION => return Err(Damage::Newer),
            (MAGIC, _) => return Err(Damage::Torn),
            _ => return Err(Damage::Foreign),
        }
        let (body, check) = bytes.split_last_chunk::<4>().ok_or(Damage::Torn)?;
        if crc32c::crc32c(body) != u32::from_le_bytes(*check) {
            return Err(Damage::Torn);
        }
        let mut rest = Bytes(body.get(MAGIC.len() + 8..).ok_or(Damage::Torn)?);
        let (generation, epoch, boot) = (rest.word()?, rest.word()?, [rest.word()?, rest.word()?]);
        let count = |rest: &mut Bytes<'_>| usize::try_from(rest.word()?).map_err(|_| Damage::Torn);
        let ids = (0..count(&mut rest)?).map(|_| rest.word()).collect::<Result<_, _>>()?;
        let mut contents = Contents::default();
        for _ in 0..count(&mut rest)? {
            let n = count(&mut rest)?;
            let schema = Schema::from_bytes(rest.slice(n)?)?;
            let family = contents.family(&schema);
            family.overflowed = rest.word()?;
            for _ in 0..count(&mut rest)? {
                let closed_index = u32::try_from(rest.word()?).map_err(|_| Damage::Torn)?;
                // The lengths of the values stand in front of them.
                let lengths: Vec<u64> =
                    Bytes(rest.0.get(..schema.n_open().div_ceil(4) * 8).ok_or(Damage::Torn)?).words()?;
                let n_values = value_words(&lengths, schema.n_open())?;
                let values = Bytes(rest.slice(n_values * 8)?).words()?.into();
                let cells = Bytes(rest.slice(schema.cells.len() * 8)?).words()?;
                let is_possible = schema.distribution().is_none_or(|it| it.is_possible(&cells));
                if !schema.has_combination(closed_index) || !is_possible {
                    return Err(Damage::Torn);
                }
                family.add_series(Key { closed_index, pid: 0, values }, &cells);
            }
        }
        if rest.0.is_empty() {
            Ok(Self { generation, epoch, boot, ids, contents })
        } else {
            Err(Damage::Torn)
        }
    }
}

impl Bytes<'_> {
    fn words(&mut self) -> Result<Vec<u64>, Damage> {
        (0..self.0.len() / 8).map(|_| self.word()).collect()
    }
}
