//! `tomb.bin`: which samples of a part were deleted. Described in `docs/formats/part.md`.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use bellwether_disk::{
    FrameFile, FrameFileReader, Fs, Group, HeaderError, SegmentHeader, SegmentKind, Step, StoreId,
    publish_file,
};
use bellwether_model::TimeRange;

use crate::coding::{Cursor, DecodeError, Result as DecodeResult, put_varint, put_zigzag};
use crate::intervals::Intervals;

use super::error::PartError;

/// The name of the file in the folder of a part.
pub(crate) const TOMBSTONE_FILE: &str = "tomb.bin";
/// A frame is closed when its payload has this many bytes.
const FRAME_BYTES: usize = 1 << 20;
/// Parts do not say which store they belong to, and so does this file not.
const NO_STORE: StoreId = StoreId([0; 16]);

/// The deleted samples of a part.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Tombstones {
    /// How many deletions there were.
    deletions: u64,
    /// By the ordinals of the series.
    by_series: BTreeMap<u32, Intervals>,
}

/// What was found in a file.
#[derive(Debug, Default)]
pub(crate) struct FoundTombstones {
    /// What can be read.
    pub(crate) tombstones: Tombstones,
    /// What is wrong with the rest.
    pub(crate) damage: Vec<String>,
}

impl Tombstones {
    /// Whether nothing is deleted.
    pub(crate) fn is_empty(&self) -> bool {
        self.by_series.is_empty()
    }

    /// How many deletions there were.
    pub(crate) fn deletions(&self) -> u64 {
        self.deletions
    }

    /// How many intervals of how many series are deleted.
    pub(crate) fn count(&self) -> usize {
        self.by_series.values().map(Intervals::len).sum()
    }

    /// What is deleted of a series.
    pub(crate) fn of(&self, ordinal: u32) -> Option<&Intervals> {
        self.by_series.get(&ordinal)
    }

    /// The same and another deletion: of each series a stretch of time.
    pub(crate) fn with_deletion(&self, deleted: impl IntoIterator<Item = (u32, TimeRange)>) -> Self {
        let mut next = self.clone();
        next.deletions += 1;
        for (ordinal, range) in deleted {
            next.by_series.entry(ordinal).or_default().add(range);
        }
        next
    }

    /// Replaces the file in the folder of part `id`, durably. After a failure the old or the new one is there.
    pub(crate) fn write(&self, fs: &dyn Fs, dir: &Path, id: u64) -> io::Result<()> {
        let target = dir.join(TOMBSTONE_FILE);
        let temporary = target.with_extension("bin.tmp");
        match fs.remove_file(&temporary) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
        let header =
            SegmentHeader { kind: SegmentKind::Tombstones, store_id: NO_STORE, number: id, first_seq: 1 };
        let written = FrameFile::create(fs, &temporary, header).and_then(|file| self.write_frames(file));
        if let Err(e) = written {
            let _ = fs.remove_file(&temporary);
            return Err(e);
        }
        publish_file(fs, &temporary, &target)
    }

    fn write_frames(&self, mut file: FrameFile) -> io::Result<()> {
        let mut group = Group::new();
        let head = |out: &mut Vec<u8>| {
            put_varint(out, self.deletions);
            put_varint(out, self.count() as u64);
        };
        group.frame(0, 0, head).map_err(io::Error::other)?;
        let mut intervals =
            self.by_series.iter().flat_map(|(o, i)| i.iter().map(move |r| (*o, r))).peekable();
        while intervals.peek().is_some() {
            let fill = |out: &mut Vec<u8>| {
                let (start, mut before) = (out.len(), 0);
                while out.len() - start < FRAME_BYTES
                    && let Some((ordinal, range)) = intervals.next()
                {
                    put_varint(out, u64::from(ordinal - before));
                    put_zigzag(out, range.mint);
                    put_varint(out, range.maxt.wrapping_sub(range.mint) as u64);
                    before = ordinal;
                }
            };
            group.frame(0, 0, fill).map_err(io::Error::other)?;
            group = file.append(group)?;
        }
        if !group.is_empty() {
            file.append(group)?;
        }
        file.finish().map(drop)
    }

    /// Reads the file in the folder of part `id`, which has `n_series` series. Without a file nothing is deleted.
    pub(crate) fn read(
        fs: &dyn Fs,
        dir: &Path,
        id: u64,
        n_series: u32,
    ) -> Result<FoundTombstones, PartError> {
        let path = dir.join(TOMBSTONE_FILE);
        let newer = |what: &str| PartError::Newer { path: path.display().to_string(), what: what.to_owned() };
        let mut found = FoundTombstones::default();
        let (mut reader, header) = match FrameFileReader::open(fs, &path, NO_STORE, id) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(found),
            opened => opened.map_err(|e| PartError::io(&path, e))?,
        };
        match header {
            Ok(header) if header.kind == SegmentKind::Tombstones && header.number == id => {}
            Ok(header) if header.kind == SegmentKind::Tombstones => {
                found.damage.push(format!("it belongs to part {}", header.number));
                return Ok(found);
            }
            Err(e) if e.is_damage() => found.damage.push(e.to_string()),
            Ok(_) | Err(HeaderError::NewerVersion { .. } | HeaderError::UnknownKind { .. }) => {
                return Err(newer("its kind or version is not known"));
            }
            Err(e) => {
                found.damage.push(e.to_string());
                return Ok(found);
            }
        }
        let mut expected = None;
        loop {
            match reader.step() {
                Step::Frame if !reader.is_known() => return Err(newer("a frame is of a version not known")),
                Step::Frame => {
                    let frame = reader.frame().expect("BUG: a step to a frame has a frame");
                    let (offset, mut payload) = (frame.offset, Cursor::new(frame.payload));
                    let read = if frame.seq == 1 {
                        read_head(&mut payload).map(|(deletions, intervals)| {
                            found.tombstones.deletions = deletions;
                            expected = Some(intervals);
                        })
                    } else {
                        read_intervals(&mut payload, n_series, &mut found.tombstones.by_series)
                    };
                    if let Err(e) = read {
                        found.damage.push(format!("frame at {offset}: {e}"));
                    }
                }
                Step::Damage { offset, len } => {
                    found.damage.push(format!("{len} bytes at {offset} are damaged"));
                }
                Step::End { offset, torn } => {
                    if torn > 0 {
                        found.damage.push(format!("{torn} bytes at {offset} are damaged"));
                    }
                    break;
                }
            }
        }
        if reader.unreadable_bytes() > 0 {
            found.damage.push(format!("{} bytes cannot be read", reader.unreadable_bytes()));
        }
        let count = found.tombstones.count() as u64;
        if expected != Some(count) && found.damage.is_empty() {
            found.damage.push(format!("it has {count} intervals and should have {}", expected.unwrap_or(0)));
        }
        Ok(found)
    }
}

fn read_head(payload: &mut Cursor<'_>) -> DecodeResult<(u64, u64)> {
    Ok((payload.varint()?, payload.varint()?))
}

fn read_intervals(
    payload: &mut Cursor<'_>,
    n_series: u32,
    by_series: &mut BTreeMap<u32, Intervals>,
) -> DecodeResult<()> {
    let mut ordinal = 0_u32;
    while !payload.is_empty() {
        let step = u32::try_from(payload.varint()?).ok();
        ordinal = step
            .and_then(|step| ordinal.checked_add(step))
            .filter(|ordinal| *ordinal < n_series)
            .ok_or(DecodeError::new("series that the part does not have"))?;
        let mint = payload.zigzag()?;
        let maxt = mint.wrapping_add(payload.varint()? as i64);
        if maxt < mint {
            return Err(DecodeError::new("interval that ends before it starts"));
        }
        by_series.entry(ordinal).or_default().add(TimeRange::new(mint, maxt));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use bellwether_disk::SimFs;

    use super::*;

    const N_SERIES: u32 = 300_000;

    fn file(tombstones: &Tombstones) -> SimFs {
        let fs = SimFs::new();
        fs.create_dir_all(Path::new("p")).expect("no faults");
        tombstones.write(&fs, Path::new("p"), 7).expect("no faults");
        fs
    }

    fn read(fs: &SimFs) -> FoundTombstones {
        Tombstones::read(fs, Path::new("p"), 7, N_SERIES).expect("readable")
    }

    fn some(n: u32) -> Tombstones {
        let one =
            |i: u32| (i * 3 % N_SERIES, TimeRange::new(i64::from(i) - 50, i64::from(i % 9) * i64::from(i)));
        let valid = |(_, r): &(u32, TimeRange)| r.mint <= r.maxt;
        let edges = [(5, TimeRange::ALL), (6, TimeRange::new(i64::MIN, i64::MIN))];
        Tombstones::default().with_deletion((0..n).map(one).filter(valid)).with_deletion(edges)
    }

    #[test]
    fn reads_back() {
        for n in [0, 10, 250_000] {
            let tombstones = some(n);
            let fs = file(&tombstones);
            let found = read(&fs);
            assert!(found.damage.is_empty() && found.tombstones == tombstones, "{n}: {:?}", found.damage);
            assert_eq!(found.tombstones.deletions(), 2);
            let more = tombstones.with_deletion([(9, TimeRange::new(3, 4))]);
            more.write(&fs, Path::new("p"), 7).expect("replaces it");
            assert_eq!(read(&fs).tombstones, more);
        }
        let none = read(&SimFs::new());
        assert!(none.damage.is_empty() && none.tombstones.is_empty());
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_noticed() {
        let tombstones = some(40);
        let whole = file(&tombstones);
        let path = Path::new("p/tomb.bin");
        let len = whole.metadata(path).expect("there").len as usize;
        let check = |change: &dyn Fn(&mut Vec<u8>), what: &str| {
            let fs = whole.kill();
            fs.tamper(path, |bytes| change(bytes)).expect("there");
            if let Ok(found) = Tombstones::read(&fs, Path::new("p"), 7, N_SERIES) {
                assert!(!found.damage.is_empty() || found.tombstones == tombstones, "{what}");
            }
        };
        for at in 0..len {
            check(&|bytes| bytes[at] ^= 4, &format!("byte {at}"));
            check(&|bytes| bytes.truncate(at), &format!("cut to {at}"));
        }
        let other = Tombstones::read(&file(&tombstones), Path::new("p"), 8, N_SERIES).expect("readable");
        assert!(!other.damage.is_empty() && other.tombstones.is_empty(), "of another part");
        let few = Tombstones::read(&file(&tombstones), Path::new("p"), 7, 6).expect("readable");
        assert!(few.damage[0].contains("series that the part does not have"), "{:?}", few.damage);
    }
}
