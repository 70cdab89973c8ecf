use std::io;
use std::ops::Range;
use std::path::Path;

use bellwether_disk::Fs;

use crate::coding::{Cursor, DecodeError, Result, put_str, put_varint};

use super::blocks::{BLOCK, BlockList, BlockListWriter};
use super::dictionary::Dictionary;
use super::error::PartError;
use super::file_header::FileKind;
use super::meta::FileMeta;
use super::postings::{decode_postings, encode_postings};
use super::sections::{SectionFile, SectionWriter};

pub(super) const FILE: &str = "index.bin";
const NAMES: u32 = 1;
const VALUES: u32 = 2;
const POSTINGS: u32 = 3;

/// Writes `index.bin`. `postings` has, per name and value of the dictionary, the ordinals of the series.
pub(super) fn write_index(
    mut file: SectionWriter,
    dictionary: &Dictionary,
    postings: &[Vec<Vec<u32>>],
) -> io::Result<FileMeta> {
    let too_large = || io::Error::new(io::ErrorKind::FileTooLarge, "the index exceeds 4 GiB in one list");
    let mut names = BlockListWriter::default();
    let (mut all_values, mut all_postings) = (Vec::new(), Vec::new());
    for (idx, name) in dictionary.names().iter().enumerate() {
        let values = dictionary.values(idx);
        let (values_at, postings_at) = (all_values.len(), all_postings.len());
        let mut list = BlockListWriter::default();
        let mut before = "";
        let mut entry = Vec::new();
        for value in values {
            if list.at_block_start() {
                before = "";
            }
            entry.clear();
            let shared = before.bytes().zip(value.bytes()).take_while(|(a, b)| a == b).count();
            put_varint(&mut entry, shared as u64);
            entry.extend_from_slice(&value.as_bytes()[shared..]);
            list.push(&entry).ok_or_else(too_large)?;
            before = value;
        }
        list.finish(&mut all_values);
        let mut list = BlockListWriter::default();
        for ordinals in &postings[idx] {
            entry.clear();
            encode_postings(&mut entry, ordinals);
            list.push(&entry).ok_or_else(too_large)?;
        }
        list.finish(&mut all_postings);
        entry.clear();
        put_str(&mut entry, name);
        put_varint(&mut entry, values.len() as u64);
        for (at, end) in [(values_at, all_values.len()), (postings_at, all_postings.len())] {
            put_varint(&mut entry, at as u64);
            put_varint(&mut entry, (end - at) as u64);
        }
        names.push(&entry).ok_or_else(too_large)?;
    }
    let mut bytes = Vec::new();
    names.finish(&mut bytes);
    file.put(NAMES, &bytes)?;
    file.put(VALUES, &all_values)?;
    file.put(POSTINGS, &all_postings)?;
    file.finish()
}

/// The label names and values of a part, and which series have them. Kept in memory.
#[derive(Debug)]
pub(super) struct Index {
    file: SectionFile,
    names: Vec<Name>,
    n_series: u32,
}

/// Where a reader is among the values of a name: behind the one that it read last.
#[derive(Debug, Default)]
pub(super) struct ValueCursor<'a> {
    /// The place of the next value; 0 before the first one was read.
    next: usize,
    end: usize,
    rest: Cursor<'a>,
}

impl ValueCursor<'_> {
    /// The place of the value that was read last.
    pub(super) fn place(&self) -> Option<u32> {
        self.next.checked_sub(1).map(|place| place as u32)
    }
}

/// A label name.
#[derive(Debug)]
pub(super) struct Name {
    pub(super) text: Box<str>,
    values: Range<usize>,
    postings: Range<usize>,
}

impl Index {
    pub(super) fn open(
        fs: &dyn Fs,
        dir: &Path,
        part: u64,
        n_series: u32,
    ) -> std::result::Result<Self, PartError> {
        let path = dir.join(FILE);
        let file = SectionFile::open(fs, &path, FileKind::Index, part, &[NAMES, VALUES, POSTINGS])?;
        let names = read_names(&file).map_err(PartError::decoding(&path))?;
        Ok(Self { file, names, n_series })
    }

    pub(super) fn path(&self) -> &Path {
        self.file.path()
    }

    /// How many bytes of memory it takes, roughly.
    pub(super) fn memory(&self) -> usize {
        self.file.len() + self.names.len() * size_of::<Name>()
    }

    /// The names, sorted.
    pub(super) fn names(&self) -> &[Name] {
        &self.names
    }

    /// The name, if any series has it.
    pub(super) fn name(&self, name: &str) -> Option<&Name> {
        self.names.binary_search_by(|n| n.text.as_ref().cmp(name)).ok().map(|idx| &self.names[idx])
    }

    fn values(&self, name: &Name) -> Result<BlockList<'_>> {
        BlockList::new(&self.file.section(VALUES)[name.values.clone()])
    }

    /// Replaces `out` with the value that has the place `ordinal`. `at` is where this was left the last time with the same name and the same `out`; the next values
    /// cost little. After an error neither may be used again.
    pub(super) fn value<'a>(
        &'a self,
        name: &Name,
        ordinal: u32,
        at: &mut ValueCursor<'a>,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        let block = ordinal as usize / BLOCK;
        let must_seek = at.next > ordinal as usize || at.next <= block * BLOCK;
        if must_seek {
            let list = self.values(name)?;
            if ordinal as usize >= list.len() {
                return Err(DecodeError::new("label value that is not in the index"));
            }
            *at = ValueCursor { next: block * BLOCK, end: list.len(), rest: list.block(block)? };
            out.clear();
        } else if ordinal as usize >= at.end {
            return Err(DecodeError::new("label value that is not in the index"));
        }
        while at.next <= ordinal as usize {
            next_value(&mut at.rest, out)?;
            at.next += 1;
        }
        Ok(())
    }

    /// The place of the first value that is not below `value`, which may be behind the last one.
    fn lower_bound(&self, name: &Name, value: &str) -> Result<usize> {
        let list = self.values(name)?;
        let mut buffer = Vec::new();
        // The last block whose first value is not above.
        let (mut low, mut high) = (0, list.n_blocks());
        while low < high {
            let middle = low.midpoint(high);
            buffer.clear();
            next_value(&mut list.block(middle)?, &mut buffer)?;
            if buffer.as_slice() <= value.as_bytes() {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        let Some(block) = low.checked_sub(1) else { return Ok(0) };
        let mut cursor = list.block(block)?;
        buffer.clear();
        let end = ((block + 1) * BLOCK).min(list.len());
        for ordinal in block * BLOCK..end {
            next_value(&mut cursor, &mut buffer)?;
            if buffer.as_slice() >= value.as_bytes() {
                return Ok(ordinal);
            }
        }
        Ok(end)
    }

    /// The place of a value, if any series has it.
    pub(super) fn find(&self, name: &Name, value: &str) -> Result<Option<u32>> {
        let at = self.lower_bound(name, value)?;
        if at >= self.values(name)?.len() {
            return Ok(None);
        }
        let mut found = Vec::new();
        self.value(name, at as u32, &mut ValueCursor::default(), &mut found)?;
        Ok((found == value.as_bytes()).then_some(at as u32))
    }

    /// Hands all values that start with `prefix` to `visit`, in order, until it returns false.
    pub(super) fn for_each_value(
        &self,
        name: &Name,
        prefix: &str,
        mut visit: impl FnMut(u32, &str) -> Result<bool>,
    ) -> Result<()> {
        let list = self.values(name)?;
        let first = self.lower_bound(name, prefix)?;
        let mut buffer = Vec::new();
        for block in first / BLOCK..list.n_blocks() {
            let mut cursor = list.block(block)?;
            buffer.clear();
            for ordinal in block * BLOCK..((block + 1) * BLOCK).min(list.len()) {
                next_value(&mut cursor, &mut buffer)?;
                if ordinal < first {
                    continue;
                }
                let value =
                    std::str::from_utf8(&buffer).map_err(|_| DecodeError::new("text is not UTF-8"))?;
                if !value.starts_with(prefix) || !visit(ordinal as u32, value)? {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Appends the ordinals of the series that have the value.
    pub(super) fn postings(&self, name: &Name, ordinal: u32, out: &mut Vec<u32>) -> Result<()> {
        let list = BlockList::new(&self.file.section(POSTINGS)[name.postings.clone()])?;
        decode_postings(list.get(ordinal as usize)?.take_rest(), self.n_series, out)
    }
}

/// Turns the value in `buffer` into the next one.
fn next_value(cursor: &mut Cursor<'_>, buffer: &mut Vec<u8>) -> Result<()> {
    let mut entry = Cursor::new(cursor.prefixed()?);
    let shared = entry.varint()?;
    if shared > buffer.len() as u64 {
        return Err(DecodeError::new("label value shares more than there is"));
    }
    buffer.truncate(shared as usize);
    buffer.extend_from_slice(entry.take_rest());
    Ok(())
}

fn read_names(file: &SectionFile) -> Result<Vec<Name>> {
    let list = BlockList::new(file.section(NAMES))?;
    let mut names: Vec<Name> = Vec::with_capacity(list.len());
    for block in 0..list.n_blocks() {
        let mut cursor = list.block(block)?;
        for _ in block * BLOCK..((block + 1) * BLOCK).min(list.len()) {
            let mut entry = Cursor::new(cursor.prefixed()?);
            let name: Box<str> = entry.str()?.into();
            let n_values = entry.varint()?;
            let values = read_range(&mut entry, file.section(VALUES).len())?;
            let postings = read_range(&mut entry, file.section(POSTINGS).len())?;
            if names.last().is_some_and(|before| before.text.as_ref() >= name.as_ref()) {
                return Err(DecodeError::new("label names are not sorted"));
            }
            for (section, range) in [(VALUES, &values), (POSTINGS, &postings)] {
                if BlockList::new(&file.section(section)[range.clone()])?.len() as u64 != n_values {
                    return Err(DecodeError::new("a label name has another number of values"));
                }
            }
            names.push(Name { text: name, values, postings });
        }
    }
    Ok(names)
}

fn read_range(cursor: &mut Cursor<'_>, limit: usize) -> Result<Range<usize>> {
    let (at, len) = (cursor.varint()?, cursor.varint()?);
    let end = at.checked_add(len).filter(|end| *end <= limit as u64);
    end.map(|end| at as usize..end as usize).ok_or(DecodeError::new("list outside of its section"))
}

#[cfg(test)]
mod tests {
    use bellwether_disk::SimFs;
    use bellwether_model::Labels;

    use super::*;

    /// 400 values, among them an empty prefix, shared prefixes and ones that are prefixes of others.
    fn values() -> Vec<String> {
        let mut values: Vec<String> = (0..397).map(|i| format!("value-{:03}", i * 2)).collect();
        values.extend(["a", "value", "é"].map(str::to_owned));
        values.sort();
        values
    }

    fn index() -> Index {
        let fs = SimFs::new();
        let values = values();
        let series: Vec<Labels> = values.iter().map(|v| Labels::from_pairs([("a", "x"), ("n", v)])).collect();
        let dictionary: Dictionary = series.iter().collect();
        let n = values.len() as u32;
        let postings = vec![vec![(0..n).collect()], (0..n).map(|i| vec![i]).collect()];
        let file = SectionWriter::create(&fs, Path::new(FILE), FileKind::Index, 1).expect("no faults");
        write_index(file, &dictionary, &postings).expect("no faults");
        Index::open(&fs, Path::new(""), 1, n).expect("whole")
    }

    #[test]
    fn finds_values_and_their_series() {
        let index = index();
        assert_eq!(index.names().iter().map(|n| n.text.as_ref()).collect::<Vec<_>>(), ["a", "n"]);
        let name = index.name("n").expect("there");
        assert!(index.name("b").is_none());
        for (ordinal, value) in values().iter().enumerate() {
            assert_eq!(index.find(name, value), Ok(Some(ordinal as u32)), "{value}");
            let mut buffer = b"from before".to_vec();
            index.value(name, ordinal as u32, &mut ValueCursor::default(), &mut buffer).expect("in range");
            assert_eq!(buffer, value.as_bytes());
            let mut series = Vec::new();
            index.postings(name, ordinal as u32, &mut series).expect("in range");
            assert_eq!(series, [ordinal as u32]);
        }
        for missing in ["", "A", "value-001", "value-0010", "zzz", "éé"] {
            assert_eq!(index.find(name, missing), Ok(None), "{missing}");
        }
        assert!(index.value(name, 400, &mut ValueCursor::default(), &mut Vec::new()).is_err());
    }

    #[test]
    fn goes_on_from_where_it_was() {
        let index = index();
        let name = index.name("n").expect("there");
        let (mut at, mut buffer) = (ValueCursor::default(), Vec::new());
        let forth = (0..400_u32).step_by(3);
        let there_and_back = (0..400_u32).map(|i| (i * 7919) % 400);
        for ordinal in forth.chain([17, 17, 16, 15, 31, 32, 399]).chain(there_and_back) {
            index.value(name, ordinal, &mut at, &mut buffer).expect("in range");
            assert_eq!(buffer, values()[ordinal as usize].as_bytes(), "{ordinal}");
            assert_eq!(at.place(), Some(ordinal));
        }
        index.value(name, 399, &mut at, &mut buffer).expect("in range");
        assert!(index.value(name, 400, &mut at, &mut buffer).is_err());
    }

    #[test]
    fn visits_values_with_a_prefix() {
        let index = index();
        let name = index.name("n").expect("there");
        for prefix in ["", "v", "value", "value-1", "value-79", "é", "x"] {
            let want: Vec<String> = values().into_iter().filter(|v| v.starts_with(prefix)).collect();
            let mut got = Vec::new();
            index
                .for_each_value(name, prefix, |_, v| {
                    got.push(v.to_owned());
                    Ok(true)
                })
                .expect("whole");
            assert_eq!(got, want, "{prefix:?}");
        }
    }
}
