//! A small store in memory, one file of which is replaced by what the fuzzer made up.
//!
//! Checksums are made right, because no mutation would come past them: what is fuzzed is what reads bytes that were written like this. That other bytes are noticed is what
//! the tests of the store are for.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bellwether_disk::{Crc32c, Fs as _, SegmentHeader, SegmentKind, SimFs, StoreId, read_file, write_all_at};
use bellwether_model::{
    ColumnBuffer, ManualClock, QueryContext, Queryable as _, SelectHints, SelectSpec, Tenant, TimeRange,
};
use bellwether_tsdb::{Options, SeriesLimits, SyncPolicy, Tsdb, dump, verify_store};

/// Where the store is.
const DIR: &str = "data";
/// The identity of the store.
const STORE_ID: StoreId = StoreId(*b"bellwether fuzz.");
/// The number of the segment of the log, and of the checkpoint before it.
const SEGMENT: u64 = 5;
const PART_ID: u64 = 1;
/// The time of the first sample of the part.
const MINT_MS: i64 = 1_748_664_000_000;
/// The time of its last sample.
const MAXT_MS: i64 = 1_748_664_585_000;

/// Names of the files that a target replaces.
pub const SEGMENT_FILE: &str = "log/00000005.log";
pub const CHECKPOINT_FILE: &str = "checkpoint-00000005.ckpt";
pub const MANIFEST: &str = "MANIFEST";
pub const TOMBSTONES: &str = "tomb.bin";
pub const DESCRIPTION: &str = "meta.json";
/// When the store is opened: after all its samples.
const NOW_MS: i64 = 1_748_736_000_000;

/// The part that the first version of the formats wrote.
const GOLDEN: [(&str, &[u8]); 6] = [
    ("ts.bin", include_bytes!("../../crates/tsdb/tests/golden/v1/parts/0000000000000001/ts.bin")),
    ("val.bin", include_bytes!("../../crates/tsdb/tests/golden/v1/parts/0000000000000001/val.bin")),
    ("hist.bin", include_bytes!("../../crates/tsdb/tests/golden/v1/parts/0000000000000001/hist.bin")),
    ("dir.bin", include_bytes!("../../crates/tsdb/tests/golden/v1/parts/0000000000000001/dir.bin")),
    ("index.bin", include_bytes!("../../crates/tsdb/tests/golden/v1/parts/0000000000000001/index.bin")),
    ("meta.json", include_bytes!("../../crates/tsdb/tests/golden/v1/parts/0000000000000001/meta.json")),
];
/// The files that the description of a part lists.
const LISTED: [&str; 5] = ["ts.bin", "val.bin", "hist.bin", "dir.bin", "index.bin"];

/// What reading a store returned: per series the samples, with every bit of their values.
type Content = BTreeMap<String, Vec<(i64, i64, String)>>;

/// The files of a store. Those of a part, which all stand in one folder, go by their names alone.
pub struct Store(BTreeMap<&'static str, Vec<u8>>);

impl Store {
    /// A store with nothing but files of frames, which `with` adds.
    pub fn without_parts() -> Self {
        Self(BTreeMap::new())
    }

    /// A store with a part, and nothing else.
    pub fn with_part() -> Self {
        Self(GOLDEN.iter().map(|(name, bytes)| (*name, bytes.to_vec())).collect())
    }

    /// The store with another file of this name.
    #[must_use]
    pub fn with(mut self, name: &'static str, bytes: Vec<u8>) -> Self {
        self.0.insert(name, bytes);
        self
    }

    /// Writes all files. Lists say how long those are that they name.
    fn write(&self) -> SimFs {
        let mut files: Vec<(PathBuf, Vec<u8>)> = Vec::new();
        let part = PathBuf::from(format!("parts/{PART_ID:016}"));
        let entry = |name: &str, bytes: &[u8]| serde_json::json!({ "name": name, "len": bytes.len(), "crc32c": Crc32c::of(bytes) });
        let listed: Vec<_> = LISTED.iter().filter_map(|name| Some(entry(name, self.0.get(name)?))).collect();
        let mut in_manifest = listed.clone();
        for (name, bytes) in &self.0 {
            let is_of_part = GOLDEN.iter().any(|(file, _)| file == name) || *name == TOMBSTONES;
            let path = if is_of_part { part.join(name) } else { PathBuf::from(name) };
            let mut bytes = bytes.clone();
            if *name == DESCRIPTION {
                // Another description than that of a part is taken as it is.
                if let Ok(mut meta) = serde_json::from_slice::<serde_json::Value>(&bytes)
                    && meta.get("files").is_some_and(serde_json::Value::is_array)
                {
                    meta["files"] = listed.clone().into();
                    bytes = meta.to_string().into_bytes();
                }
                in_manifest.push(entry(name, &bytes));
            }
            files.push((path, bytes));
        }
        if !self.0.contains_key(MANIFEST) {
            let store =
                serde_json::json!({ "store": { "version": 1, "id": STORE_ID.to_string(), "created_ms": 0 } });
            let part = serde_json::json!({
                "id": PART_ID, "mint": MINT_MS, "maxt": MAXT_MS, "level": 0, "order": PART_ID, "files": in_manifest,
            });
            let parts = if listed.is_empty() { Vec::new() } else { vec![part] };
            let edit = serde_json::json!({ "edit": { "add": parts, "drop": [], "cut": [] } });
            let lines = [store, edit].map(|line| checked_line(line.to_string().as_bytes()));
            files.push((PathBuf::from(MANIFEST), lines.concat()));
        }
        write_files(Path::new(DIR), &files)
    }

    /// Verifies, dumps, opens and reads the store. Whatever is in it, that neither panics nor takes more memory than it should.
    ///
    /// A store that opens has the same samples after it was closed, and after they were all moved into one part.
    pub fn read(&self) {
        let fs = self.write();
        let dir = Path::new(DIR);
        let _ = verify_store(&fs, dir);
        for path in [&format!("parts/{PART_ID:016}"), SEGMENT_FILE, CHECKPOINT_FILE] {
            let _ = dump(&fs, &dir.join(path), &mut |_| Ok(()));
        }
        let Some((content, is_whole)) = read_store(&fs, false) else { return };
        // What cannot be read may be noticed, and put aside, the next time.
        if is_whole {
            for compact in [true, false] {
                let again = read_store(&fs, compact);
                assert_eq!(
                    again.map(|(content, _)| content),
                    Some(content.clone()),
                    "a second start finds something else"
                );
            }
        }
    }
}

fn write_files(dir: &Path, files: &[(PathBuf, Vec<u8>)]) -> SimFs {
    let fs = SimFs::new();
    for (path, bytes) in files {
        let path = dir.join(path);
        let folder = path.parent().expect("a file in a folder");
        fs.create_dir_all(folder).expect("no faults");
        let file = fs.create(&path).expect("no faults");
        write_all_at(file.as_ref(), bytes, 0).expect("no faults");
    }
    fs
}

/// Opens a store, moves everything into one part if `compact`, reads it and closes it. Also says whether everything could be read.
fn read_store(fs: &SimFs, compact: bool) -> Option<(Content, bool)> {
    let options = Options {
        sync: SyncPolicy::Segment,
        segment_bytes: 1 << 12,
        min_free_bytes: Some(0),
        tenants: SeriesLimits::NONE.into(),
        ..Options::default()
    };
    let (tsdb, _) =
        Tsdb::open(Path::new(DIR), options, Arc::new(fs.clone()), Arc::new(ManualClock::new(NOW_MS))).ok()?;
    let mut is_whole = true;
    if compact {
        is_whole = tsdb.compact_all().is_ok();
    }
    let querier = tsdb.querier(&Tenant::default(), TimeRange::ALL).expect("opens");
    let context = QueryContext::unbounded();
    let _ = querier.label_names(&[], 0, &context);
    let spec = SelectSpec {
        matchers: Vec::new(),
        range: TimeRange::ALL,
        sorted: true,
        hints: SelectHints::default(),
    };
    let mut content = Content::new();
    match querier.select(&spec, &context) {
        Err(_) => is_whole = false,
        Ok(series) => {
            let mut buffer = ColumnBuffer::default();
            for (idx, labels) in series.labels().iter().enumerate() {
                is_whole &= series.read(idx, &mut buffer).is_ok();
                let row = |row: usize| {
                    let start = buffer.start_ts.get(row).copied().unwrap_or(0);
                    let value = match buffer.hists.get(row) {
                        Some(Some(h)) => format!(
                            "{:?}",
                            bellwether_model::FloatHistogram {
                                counter_reset_hint: Default::default(),
                                ..(**h).clone()
                            }
                        ),
                        _ => format!("{:x}", buffer.vals[row].to_bits()),
                    };
                    (buffer.ts[row], start, value)
                };
                if !buffer.is_empty() {
                    content.insert(labels.to_string(), (0..buffer.len()).map(row).collect());
                }
            }
            is_whole &= series.warnings().is_empty();
        }
    }
    drop(querier);
    is_whole &= tsdb.close().is_ok();
    Some((content, is_whole))
}

/// Bytes as a file of frames: with the header of such a file, and with frames whose checksums are right as far as the lengths in them go.
pub fn frames(mut bytes: Vec<u8>, kind: SegmentKind) -> Vec<u8> {
    const MAGIC: [u8; 4] = [0xf7, 0x42, 0x57, 0xae];
    const FRAME_HEADER: usize = 24;
    let (store_id, number) = match kind {
        SegmentKind::Tombstones => (StoreId([0; 16]), PART_ID),
        SegmentKind::Log | SegmentKind::Checkpoint => (STORE_ID, SEGMENT),
    };
    let first_seq = bytes.get(40).map_or(1, |seq| u64::from(*seq));
    let header = SegmentHeader { kind, store_id, number, first_seq };
    bytes.resize(bytes.len().max(SegmentHeader::LEN), 0);
    bytes[..SegmentHeader::LEN].copy_from_slice(&header.encode());
    let mut covered = store_id.0.to_vec();
    covered.extend_from_slice(&number.to_le_bytes());
    let seed = Crc32c::new().update(&covered);
    let mut at = SegmentHeader::LEN;
    while at + FRAME_HEADER <= bytes.len() && bytes[at..].starts_with(&MAGIC) {
        let len = u32::from_le_bytes([bytes[at + 4], bytes[at + 5], bytes[at + 6], bytes[at + 7]]) as usize;
        let Some(frame) = bytes.get_mut(at..at.saturating_add(FRAME_HEADER).saturating_add(len)) else {
            break;
        };
        let crc = seed.update(&frame[4..8]).update(&frame[12..]).value();
        frame[8..12].copy_from_slice(&crc.to_le_bytes());
        at = (at + FRAME_HEADER + len).next_multiple_of(8);
    }
    bytes
}

fn part_header(magic: [u8; 8], kind: u16, page_size: u32) -> Vec<u8> {
    let mut header = magic.to_vec();
    header.extend_from_slice(&1_u16.to_le_bytes());
    header.extend_from_slice(&kind.to_le_bytes());
    header.extend_from_slice(&page_size.to_le_bytes());
    header.extend_from_slice(&PART_ID.to_le_bytes());
    header.extend_from_slice(&[0; 4]);
    let crc = Crc32c::of(&header);
    header.extend_from_slice(&crc.to_le_bytes());
    header
}

/// A paged file with this data. Kinds are 1 (timestamps), 2 (floats) and 3 (histograms).
pub fn paged(data: &[u8], kind: u16) -> Vec<u8> {
    const PAGE: usize = 64 << 10;
    let mut file = part_header(*b"BWPAGED\0", kind, PAGE as u32);
    file.extend_from_slice(data);
    let mut tail: Vec<u8> = data.chunks(PAGE).flat_map(|page| Crc32c::of(page).to_le_bytes()).collect();
    tail.extend_from_slice(&(data.len() as u64).to_le_bytes());
    tail.extend_from_slice(&(data.len().div_ceil(PAGE) as u64).to_le_bytes());
    tail.extend_from_slice(&[0; 4]);
    let crc = Crc32c::of(&tail);
    tail.extend_from_slice(&crc.to_le_bytes());
    file.extend_from_slice(&tail);
    file
}

/// A sectioned file. Kinds are 4 (directory) and 5 (index).
///
/// The input is the table of sections, of which each says by two bytes how long the section is, and then the sections; so bytes can come and go without a mutation
/// having to correct an offset.
pub fn sectioned(input: &[u8], kind: u16) -> Option<Vec<u8>> {
    const SECTIONS: usize = 3;
    let (lengths, mut rest) = input.split_at_checked(2 * SECTIONS)?;
    let mut file = part_header(*b"BWSECT\0\0", kind, 0);
    let mut table = Vec::new();
    for (section, length) in (1_u32..).zip(lengths.chunks(2)) {
        let length = usize::from(u16::from_le_bytes([length[0], length[1]]));
        let (content, behind) = rest.split_at_checked(length)?;
        rest = behind;
        table.extend_from_slice(&section.to_le_bytes());
        table.extend_from_slice(&Crc32c::of(content).to_le_bytes());
        table.extend_from_slice(&(file.len() as u64).to_le_bytes());
        table.extend_from_slice(&(content.len() as u64).to_le_bytes());
        file.extend_from_slice(content);
    }
    table.extend_from_slice(&(SECTIONS as u32).to_le_bytes());
    let crc = Crc32c::of(&table);
    table.extend_from_slice(&crc.to_le_bytes());
    file.extend_from_slice(&table);
    Some(file)
}

fn checked_line(json: &[u8]) -> Vec<u8> {
    let mut line = format!("{:08x} ", Crc32c::of(json)).into_bytes();
    line.extend_from_slice(json);
    line.push(b'\n');
    line
}

/// Lines of text as lines with their checksums. `ID` stands for the identity of the store.
pub fn lines(input: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(input).replace("ID", &STORE_ID.to_string());
    text.lines().flat_map(|line| checked_line(line.as_bytes())).collect()
}

/// Copies and restores a snapshot whose list is `list`, and removes it. Nothing is written outside of where the copy goes.
pub fn copy_snapshot(list: Vec<u8>) {
    let (dir, copy, restored) = (Path::new("snapshot"), Path::new("copy"), Path::new("restored"));
    let files = [
        ("SNAPSHOT", list),
        ("MANIFEST", b"manifest".to_vec()),
        ("parts/0000000000000001/val.bin", b"values".to_vec()),
    ];
    let files: Vec<_> = files.map(|(path, bytes)| (PathBuf::from(path), bytes)).into();
    let fs = write_files(dir, &files);
    let others = |fs: &SimFs| -> io::Result<Vec<(PathBuf, Vec<u8>)>> {
        let outside =
            fs.files().into_iter().filter(|path| !path.starts_with(copy) && !path.starts_with(restored));
        outside.map(|path| read_file(fs, &path, 1 << 20).map(|bytes| (path, bytes))).collect()
    };
    let before = others(&fs).expect("no faults");
    if bellwether_tsdb::copy_snapshot(&fs, dir, copy).is_ok() {
        bellwether_tsdb::restore_snapshot(&fs, copy, restored, NOW_MS).expect("a copy is whole");
    }
    assert!(others(&fs).expect("no faults") == before, "a list leads out of its folder");
}
