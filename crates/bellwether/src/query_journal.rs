//! The file `queries.active`: which queries run, for the start after a crash. Its format is described in `docs/formats/queries.md`.
//!
//! It is written with positioned writes and never synced: it has to outlast the process, not the machine. It is never mapped, because a full disk would
//! then end the process.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bellwether_api::{CrashedQuery, QueryJournal};
use bellwether_disk::Crc32c;

const FILE_NAME: &str = "queries.active";
const MAGIC: [u8; 8] = *b"BWQUERY\0";
const VERSION: u32 = 1;
/// A slot holds a note; the first one holds the header of the file.
const SLOT_BYTES: usize = 2048;
/// What stands before the words of a note.
const NOTE_HEADER: usize = 32;
/// More queries than this are not noted at the same time.
const MAX_RUNNING: usize = 256;
/// So many queries of earlier crashes are remembered.
const MAX_CRASHED: usize = 64;
const MAX_FILE_BYTES: u64 = ((1 + MAX_RUNNING + MAX_CRASHED) * SLOT_BYTES) as u64;

/// What a note says about its query.
const RUNNING: u8 = 1;
const REFUSED: u8 = 2;

/// The journal of a server.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    /// None if the file cannot be written.
    file: Option<File>,
    crashed: Vec<Noted>,
    /// Slots without a note.
    free: Mutex<Vec<usize>>,
}

impl Journal {
    /// Reads what the last run left in `dir`, says so in the log, and begins anew. Queries that ran at a crash are refused for `refuse_ms`; those of
    /// earlier crashes as long as was said then. Nothing about this file keeps a server from starting.
    pub(crate) fn open(dir: &Path, n_running: usize, now_ms: i64, refuse_ms: i64) -> Self {
        let path = dir.join(FILE_NAME);
        let mut crashed: Vec<Noted> = match read(&path) {
            Ok(notes) => notes.into_iter().filter_map(|note| note.after_crash(now_ms, refuse_ms)).collect(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "cannot tell which queries ran when the server last ended; the file is begun anew");
                Vec::new()
            }
        };
        crashed.truncate(MAX_CRASHED);
        let n_running = n_running.min(MAX_RUNNING);
        let file = create(&path, &crashed, n_running);
        if let Err(error) = &file {
            tracing::warn!(path = %path.display(), %error, "running queries cannot be noted; after a crash nobody will know them");
        }
        let first = 1 + crashed.len();
        let free = (first..first + n_running).rev().collect();
        Self { path, file: file.ok(), crashed, free: Mutex::new(free) }
    }

    /// Says that the server ends because it was told to: the queries that still run are not to blame for anything.
    pub(crate) fn close(&self) {
        if self.file.is_some() {
            // If it stays, the next start names queries that did nothing.
            let _ = fs::remove_file(&self.path);
        }
    }

    fn free(&self) -> MutexGuard<'_, Vec<usize>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl QueryJournal for Journal {
    fn begin(&self, kind: &str, text: &str, started_at_ms: i64) -> Option<usize> {
        let file = self.file.as_ref()?;
        let place = self.free().pop()?;
        let note = Note { state: RUNNING, noted: Noted::new(kind, text, started_at_ms) };
        if file.write_all_at(&note.to_bytes(), offset(place)).is_err() {
            self.free().push(place);
            return None;
        }
        Some(place)
    }

    fn end(&self, place: usize) {
        let Some(file) = &self.file else { return };
        // A note that cannot be wiped out stays, and so does its place.
        if file.write_all_at(&[0; NOTE_HEADER], offset(place)).is_ok() {
            self.free().push(place);
        }
    }

    fn crashed(&self, now_ms: i64) -> Vec<CrashedQuery> {
        let known = self.crashed.iter().map(|noted| &noted.query);
        known.filter(|query| query.refused_until_ms > now_ms).cloned().collect()
    }

    fn refused(&self, kind: &str, text: &str, now_ms: i64) -> Option<CrashedQuery> {
        let mut known = self.crashed.iter().filter(|noted| noted.query.refused_until_ms > now_ms);
        known.find(|noted| noted.is(kind, text)).map(|noted| noted.query.clone())
    }
}

/// A query as a note tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Noted {
    /// Its text may be cut.
    query: CrashedQuery,
    /// The length of the whole text in bytes.
    text_len: usize,
    /// The CRC32C of the whole text.
    text_crc: u32,
}

impl Noted {
    fn new(kind: &str, text: &str, started_at_ms: i64) -> Self {
        let query =
            CrashedQuery { kind: kind.to_owned(), text: text.to_owned(), started_at_ms, refused_until_ms: 0 };
        Self { query, text_len: text.len(), text_crc: Crc32c::of(text.as_bytes()) }
    }

    /// Whether this is the query with the given kind and text.
    fn is(&self, kind: &str, text: &str) -> bool {
        self.query.kind == kind
            && self.text_len == text.len()
            && text.starts_with(&self.query.text)
            && self.text_crc == Crc32c::of(text.as_bytes())
    }
}

/// What a slot says.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Note {
    state: u8,
    noted: Noted,
}

impl Note {
    /// What becomes of the query of a note that a crash left; `None` if nothing.
    fn after_crash(self, now_ms: i64, refuse_ms: i64) -> Option<Noted> {
        let Self { state, mut noted } = self;
        let query = &mut noted.query;
        if state == REFUSED {
            return (query.refused_until_ms > now_ms).then_some(noted);
        }
        query.refused_until_ms = now_ms.saturating_add(refuse_ms);
        tracing::warn!(
            query = query.text,
            kind = query.kind,
            started_ms = query.started_at_ms,
            refused_ms = refuse_ms,
            "this query ran when the server ended unexpectedly; it may have been the cause"
        );
        (refuse_ms > 0).then_some(noted)
    }

    fn to_bytes(&self) -> Vec<u8> {
        let Self { state, noted: Noted { query, text_len, text_crc } } = self;
        let kind = &query.kind.as_bytes()[..query.kind.len().min(255)];
        let room = SLOT_BYTES - NOTE_HEADER - kind.len();
        let text = &query.text[..query.text.floor_char_boundary(room)];
        let mut bytes = vec![0; 4];
        bytes.extend([*state, kind.len() as u8]);
        bytes.extend((text.len() as u16).to_le_bytes());
        bytes.extend((*text_len as u32).to_le_bytes());
        bytes.extend(text_crc.to_le_bytes());
        bytes.extend(query.started_at_ms.to_le_bytes());
        bytes.extend(query.refused_until_ms.to_le_bytes());
        bytes.extend(kind);
        bytes.extend(text.as_bytes());
        let crc = Crc32c::of(&bytes[4..]).to_le_bytes();
        bytes[..4].copy_from_slice(&crc);
        bytes
    }

    /// The note of a slot; `None` if it is empty or damaged.
    fn from_bytes(slot: &[u8]) -> Option<Self> {
        let crc = u32::from_le_bytes(field(slot, 0)?);
        let [state, kind_len] = field(slot, 4)?;
        let text_len = u16::from_le_bytes(field(slot, 6)?);
        let kind_end = NOTE_HEADER + usize::from(kind_len);
        let end = kind_end + usize::from(text_len);
        if !matches!(state, RUNNING | REFUSED) || Crc32c::of(slot.get(4..end)?) != crc {
            return None;
        }
        let words = |range: std::ops::Range<usize>| String::from_utf8(slot.get(range)?.to_vec()).ok();
        Some(Self {
            state,
            noted: Noted {
                query: CrashedQuery {
                    kind: words(NOTE_HEADER..kind_end)?,
                    text: words(kind_end..end)?,
                    started_at_ms: i64::from_le_bytes(field(slot, 16)?),
                    refused_until_ms: i64::from_le_bytes(field(slot, 24)?),
                },
                text_len: u32::from_le_bytes(field(slot, 8)?) as usize,
                text_crc: u32::from_le_bytes(field(slot, 12)?),
            },
        })
    }
}

fn field<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at + N)?.try_into().ok()
}

fn offset(place: usize) -> u64 {
    (place * SLOT_BYTES) as u64
}

fn header() -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend(VERSION.to_le_bytes());
    bytes.extend((SLOT_BYTES as u32).to_le_bytes());
    let crc = Crc32c::of(&bytes).to_le_bytes();
    bytes.extend(crc);
    bytes
}

/// The notes that a file holds; damaged ones are stepped over.
fn read(path: &Path) -> io::Result<Vec<Note>> {
    // A folder or a pipe of this name must not keep the start waiting.
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("not a file"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_FILE_BYTES).read_to_end(&mut bytes)?;
    if !bytes.starts_with(&header()) {
        return Err(io::Error::other("not a journal of queries of this version"));
    }
    Ok(bytes.chunks(SLOT_BYTES).skip(1).filter_map(Note::from_bytes).collect())
}

/// Writes over the file: the queries that are refused still, and empty slots for those that will run. Each note stands for itself, so a process that is
/// killed meanwhile leaves a file that can be read.
fn create(path: &Path, crashed: &[Noted], n_running: usize) -> io::Result<File> {
    if fs::metadata(path).is_ok_and(|found| !found.is_file()) {
        return Err(io::Error::other("not a file"));
    }
    let file = OpenOptions::new().write(true).create(true).truncate(false).open(path)?;
    file.write_all_at(&header(), 0)?;
    for (idx, noted) in crashed.iter().enumerate() {
        let note = Note { state: REFUSED, noted: noted.clone() };
        file.write_all_at(&note.to_bytes(), offset(1 + idx))?;
    }
    // Written, not left as a hole: a disk that fills up later must not keep queries from being noted.
    let end = 1 + crashed.len();
    file.write_all_at(&vec![0; SLOT_BYTES * n_running], offset(end))?;
    file.set_len(offset(end + n_running))?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE_MS: i64 = 60_000;

    fn open(dir: &Path, now_ms: i64) -> Journal {
        Journal::open(dir, 3, now_ms, 5 * MINUTE_MS)
    }

    fn texts(journal: &Journal) -> Vec<&str> {
        journal.crashed.iter().map(|noted| noted.query.text.as_str()).collect()
    }

    #[test]
    fn what_ran_at_a_crash_is_known_afterwards() {
        let dir = tempfile::tempdir().expect("a folder");
        let journal = open(dir.path(), 0);
        assert_eq!(texts(&journal), [""; 0]);
        let long = format!("sum({})", "ä".repeat(5_000));
        let places = ["up", "1 + 1", &long].map(|text| journal.begin("query", text, 7));
        assert!(places.iter().all(Option::is_some));
        assert_eq!(journal.begin("query", "one too many", 7), None);
        journal.end(places[1].expect("noted"));
        drop(journal);

        let journal = open(dir.path(), 1_000);
        let found = journal.crashed(1_000);
        assert_eq!(found.len(), 2);
        let up = found.iter().find(|query| query.text == "up").expect("found");
        assert_eq!((up.kind.as_str(), up.started_at_ms), ("query", 7));
        assert_eq!(up.refused_until_ms, 1_000 + 5 * MINUTE_MS);
        let cut = found.iter().find(|query| query.text != "up").expect("found");
        assert!(long.starts_with(&cut.text) && cut.text.len() > 1_900, "{}", cut.text.len());
        let is_refused = |kind, text: &str, now_ms| journal.refused(kind, text, now_ms).is_some();
        assert!(is_refused("query", "up", 1_000) && is_refused("query", &long, 1_000));
        assert!(!is_refused("query_range", "up", 1_000) && !is_refused("query", "1 + 1", 1_000));
        assert!(!is_refused("query", &long.replace(')', "]"), 1_000));
        assert!(!is_refused("query", "up", 1_000 + 5 * MINUTE_MS));
    }

    #[test]
    fn earlier_crashes_are_remembered_until_their_time_is_over() {
        let dir = tempfile::tempdir().expect("a folder");
        open(dir.path(), 0).begin("query", "a", 0);
        open(dir.path(), MINUTE_MS).begin("query", "b", 0);
        let journal = open(dir.path(), 2 * MINUTE_MS);
        let mut both = texts(&journal);
        both.sort_unstable();
        assert_eq!(both, ["a", "b"]);
        // That of `a` ended after six minutes.
        assert_eq!(texts(&open(dir.path(), 6 * MINUTE_MS + 1)), ["b"]);
        let journal = open(dir.path(), 60 * MINUTE_MS);
        assert_eq!(texts(&journal), [""; 0]);
        journal.begin("query", "c", 0);
        journal.close();
        assert_eq!(texts(&open(dir.path(), 60 * MINUTE_MS)), [""; 0]);
    }

    #[test]
    fn damage_never_hinders() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join(FILE_NAME);
        let journal = open(dir.path(), 0);
        journal.begin("query", "a", 0);
        journal.begin("query", "b", 0);
        drop(journal);
        let whole = fs::read(&path).expect("written");
        let notes = |bytes: &[u8]| {
            fs::write(&path, bytes).expect("written");
            let journal = open(dir.path(), 0);
            assert!(journal.begin("query", "still works", 0).is_some());
            journal.crashed(0).len()
        };
        assert_eq!(notes(&whole), 2);
        for at in (0..whole.len()).step_by(97) {
            let mut damaged = whole.clone();
            damaged[at] ^= 0x55;
            assert!(notes(&damaged) <= 2);
            assert!(notes(&whole[..at]) <= 2);
        }
        let mut one = whole.clone();
        one[SLOT_BYTES + NOTE_HEADER] ^= 1;
        assert_eq!(notes(&one), 1);
        assert_eq!(notes(&vec![0xff; 4 << 20]), 0);
        // Even something that is no file.
        fs::remove_file(&path).expect("removed");
        fs::create_dir(&path).expect("made");
        let journal = open(dir.path(), 0);
        assert_eq!((journal.begin("query", "a", 0), journal.crashed(0).len()), (None, 0));
    }
}
