//! `MANIFEST`: which parts belong to the store. Described in `docs/formats/manifest.md`.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use bellwether_disk::{Fs, StoreId, publish, read_file, write_all_at};
use serde::{Deserialize, Serialize};

use crate::checked_lines::{checked_json, encode_line};
use crate::error::TsdbError;
use crate::part::{FileMeta, PartMeta};

pub(super) const FILE: &str = "MANIFEST";
const VERSION: u32 = 1;
/// More is not read.
const MAX_BYTES: u64 = 1 << 30;
/// The file is written anew when it has this many lines more than parts.
const MAX_STALE_LINES: usize = 200;

/// A part that belongs to the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PartEntry {
    pub(super) id: u64,
    pub(super) mint: i64,
    pub(super) maxt: i64,
    pub(super) level: u32,
    pub(super) order: u64,
    pub(super) files: Vec<FileMeta>,
    /// How many deletions its `tomb.bin` has seen at least.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(super) deletions: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands it over like this")]
fn is_zero(n: &u64) -> bool {
    *n == 0
}

impl From<&PartMeta> for PartEntry {
    fn from(meta: &PartMeta) -> Self {
        Self {
            id: meta.id,
            mint: meta.mint,
            maxt: meta.maxt,
            level: meta.level,
            order: meta.order,
            files: meta.files.clone(),
            deletions: 0,
        }
    }
}

/// Samples up to `log_seq` of the log in this range are in parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Cut {
    pub(super) mint: i64,
    pub(super) maxt: i64,
    pub(super) log_seq: u64,
}

/// How many deletions the `tomb.bin` of a part has seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Deletions {
    pub(super) id: u64,
    pub(super) deletions: u64,
}

/// A change of the set of parts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Edit {
    pub(super) add: Vec<PartEntry>,
    pub(super) drop: Vec<u64>,
    pub(super) cut: Vec<Cut>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) delete: Vec<Deletions>,
}

impl Edit {
    /// Whether its numbers can be counted on from without an overflow; nobody ever gets beyond.
    fn is_countable(&self) -> bool {
        let ids = self.add.iter().map(|part| part.id).chain(self.drop.iter().copied());
        ids.chain(self.cut.iter().map(|cut| cut.log_seq)).all(|number| i64::try_from(number).is_ok())
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct StoreLine {
    version: u32,
    id: String,
    created_ms: i64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Line {
    Store(StoreLine),
    Edit(Edit),
}

/// What the file says, and what is wrong with it.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) manifest: Manifest,
    /// Lines that cannot be used, with what is wrong.
    pub(super) damage: Vec<String>,
    /// Parts that were dropped according to lines that are still there.
    pub(super) dropped: Vec<u64>,
    /// There was no file.
    pub(super) is_new: bool,
}

/// The file, open for changes.
#[derive(Debug)]
pub(super) struct Manifest {
    path: PathBuf,
    store_id: StoreId,
    created_ms: i64,
    parts: BTreeMap<u64, PartEntry>,
    cuts: Vec<Cut>,
    /// Length of what is whole.
    len: u64,
    lines: usize,
    /// The file may end with something else than a whole line, and is written anew before the next change.
    is_dirty: bool,
}

/// The file with nothing but the identity of the store. Without a file, the identity is that of the log if there is one.
fn empty(path: &Path, store_id: StoreId, created_ms: i64) -> Manifest {
    Manifest {
        path: path.to_owned(),
        store_id,
        created_ms,
        parts: BTreeMap::new(),
        cuts: Vec::new(),
        len: 0,
        lines: 0,
        is_dirty: true,
    }
}

impl Manifest {
    /// Reads the file in `dir`. `fresh_id` is called if there is none, or none that says which store this is.
    pub(super) fn load(
        fs: &dyn Fs,
        dir: &Path,
        now_ms: i64,
        fresh_id: impl FnOnce() -> StoreId,
    ) -> Result<Loaded, TsdbError> {
        let path = dir.join(FILE);
        let text = match read_file(fs, &path, MAX_BYTES) {
            Ok(text) => text,
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                let manifest = empty(&path, fresh_id(), now_ms);
                return Ok(Loaded { manifest, damage: Vec::new(), dropped: Vec::new(), is_new: true });
            }
            Err(e) if e.kind() == io::ErrorKind::IsADirectory => {
                return Err(TsdbError::InTheWay { path: path.display().to_string(), what: "is a folder" });
            }
            Err(e) => return Err(TsdbError::io(&path, e)),
        };
        let mut identity = None;
        let mut damage = Vec::new();
        let mut edits = Vec::new();
        let mut lines = 0;
        for (idx, line) in text.split_inclusive(|b| *b == b'\n').enumerate() {
            lines += 1;
            let Some(json) = checked_json(line) else {
                damage.push(format!("line {} is damaged", idx + 1));
                continue;
            };
            match serde_json::from_slice(json) {
                Ok(Line::Store(store)) if store.version != VERSION => {
                    return Err(TsdbError::NotOurs(format!(
                        "{}: format version {} is not {VERSION}; use the program that wrote it",
                        path.display(),
                        store.version
                    )));
                }
                Ok(Line::Store(store)) => {
                    identity = StoreId::parse(&store.id).map(|id| (id, store.created_ms));
                }
                Ok(Line::Edit(edit)) if edit.is_countable() => edits.push(edit),
                Ok(Line::Edit(_)) => damage.push(format!("line {} has impossible numbers", idx + 1)),
                // The checksum holds, so this is what somebody wrote.
                Err(e) => {
                    return Err(TsdbError::NotOurs(format!(
                        "{} line {}: {e}; use the program that wrote it",
                        path.display(),
                        idx + 1
                    )));
                }
            }
        }
        if identity.is_none() && damage.is_empty() {
            damage.push("the identity of the store is missing".to_owned());
        }
        let (store_id, created_ms) = identity.unwrap_or_else(|| (fresh_id(), now_ms));
        let mut manifest = empty(&path, store_id, created_ms);
        manifest.len = text.len() as u64;
        manifest.lines = lines;
        manifest.is_dirty = !damage.is_empty();
        let mut dropped = Vec::new();
        for edit in edits {
            dropped.extend(&edit.drop);
            manifest.apply(&edit);
        }
        Ok(Loaded { manifest, damage, dropped, is_new: false })
    }

    pub(super) fn store_id(&self) -> StoreId {
        self.store_id
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The parts by their ids.
    pub(super) fn parts(&self) -> &BTreeMap<u64, PartEntry> {
        &self.parts
    }

    /// What replaying the log passes over.
    pub(super) fn cuts(&self) -> &[Cut] {
        &self.cuts
    }

    fn apply(&mut self, edit: &Edit) {
        for id in &edit.drop {
            self.parts.remove(id);
        }
        for part in &edit.add {
            self.parts.insert(part.id, part.clone());
        }
        self.cuts.extend(&edit.cut);
        for Deletions { id, deletions } in &edit.delete {
            if let Some(part) = self.parts.get_mut(id) {
                part.deletions = *deletions;
            }
        }
    }

    /// Makes a change, durably. After an error it is not known whether the file has the change; the next change, or the next start, settles it.
    pub(super) fn change(&mut self, fs: &dyn Fs, edit: &Edit) -> io::Result<()> {
        if self.is_dirty {
            // Also without the change: what the file says now may be a change that was reported as failed.
            self.rewrite(fs)?;
        }
        let line = encode_line(&Line::Edit(edit.clone()));
        self.is_dirty = true;
        let file = fs.open_write(&self.path)?;
        write_all_at(file.as_ref(), &line, self.len)?;
        file.sync()?;
        self.is_dirty = false;
        self.len += line.len() as u64;
        self.lines += 1;
        self.apply(edit);
        if self.lines > self.parts.len() + MAX_STALE_LINES {
            self.rewrite(fs)?;
        }
        Ok(())
    }

    /// Notes how many deletions a part has seen, without writing: the next change writes the file anew.
    pub(super) fn set_deletions(&mut self, id: u64, deletions: u64) {
        if let Some(part) = self.parts.get_mut(&id).filter(|part| part.deletions != deletions) {
            part.deletions = deletions;
            self.is_dirty = true;
        }
    }

    /// Takes up parts without writing: the next change writes the file anew.
    pub(super) fn adopt(&mut self, part: PartEntry) {
        self.is_dirty = true;
        self.parts.insert(part.id, part);
    }

    /// Gives up a part without writing.
    pub(super) fn forget(&mut self, id: u64) {
        self.is_dirty = true;
        self.parts.remove(&id);
    }

    /// Forgets the cuts that no frame from `first_seq` on needs.
    pub(super) fn forget_cuts_before(&mut self, first_seq: u64) {
        self.cuts.retain(|cut| cut.log_seq >= first_seq);
    }

    /// Writes the file anew if it does not say what is known.
    pub(super) fn settle(&mut self, fs: &dyn Fs) -> io::Result<()> {
        if self.is_dirty { self.rewrite(fs) } else { Ok(()) }
    }

    fn rewrite(&mut self, fs: &dyn Fs) -> io::Result<()> {
        let (text, lines) = self.encode(self.parts.values(), &self.cuts);
        self.is_dirty = true;
        publish(fs, &self.path, &text)?;
        self.is_dirty = false;
        self.len = text.len() as u64;
        self.lines = lines;
        Ok(())
    }

    /// What the file of a copy of the store says that has these parts and no log.
    pub(super) fn encode_copy<'a>(&self, parts: impl Iterator<Item = &'a PartEntry>) -> Vec<u8> {
        self.encode(parts, &[]).0
    }

    /// The whole file, and how many lines it has.
    fn encode<'a>(&self, parts: impl Iterator<Item = &'a PartEntry>, cuts: &[Cut]) -> (Vec<u8>, usize) {
        let store =
            StoreLine { version: VERSION, id: self.store_id.to_string(), created_ms: self.created_ms };
        let mut text = encode_line(&Line::Store(store));
        let mut lines = 1;
        if !cuts.is_empty() {
            text.extend(encode_line(&Line::Edit(Edit { cut: cuts.to_vec(), ..Edit::default() })));
            lines += 1;
        }
        for part in parts {
            text.extend(encode_line(&Line::Edit(Edit { add: vec![part.clone()], ..Edit::default() })));
            lines += 1;
        }
        (text, lines)
    }
}

#[cfg(test)]
mod tests {
    use bellwether_disk::{Crc32c, Fault, Injection, SimFs};

    use super::*;

    const ID: StoreId = StoreId([3; 16]);

    const DIR: &str = "d";

    fn new_fs() -> SimFs {
        let fs = SimFs::new();
        fs.create_dir_all(Path::new(DIR)).expect("no faults");
        fs.sync_dir(Path::new(DIR)).expect("no faults");
        fs
    }

    fn file() -> PathBuf {
        Path::new(DIR).join(FILE)
    }

    fn load(fs: &SimFs) -> Loaded {
        Manifest::load(fs, Path::new(DIR), 7, || ID).expect("readable")
    }

    fn part(id: u64) -> PartEntry {
        PartEntry { id, mint: 0, maxt: 9, level: 0, order: id, files: Vec::new(), deletions: 0 }
    }

    fn add(id: u64) -> Edit {
        Edit { add: vec![part(id)], ..Edit::default() }
    }

    fn ids(manifest: &Manifest) -> Vec<u64> {
        manifest.parts().keys().copied().collect()
    }

    #[test]
    fn numbers_that_cannot_be_counted_on_from_are_damage() {
        for edit in [
            add(u64::MAX),
            Edit { drop: vec![u64::MAX], ..Edit::default() },
            Edit { cut: vec![Cut { mint: 0, maxt: 9, log_seq: u64::MAX }], ..Edit::default() },
        ] {
            let fs = new_fs();
            load(&fs).manifest.change(&fs, &add(1)).expect("no faults");
            load(&fs).manifest.change(&fs, &edit).expect("no faults");
            let loaded = load(&fs);
            assert_eq!(loaded.damage, ["line 3 has impossible numbers"]);
            assert_eq!(ids(&loaded.manifest), [1]);
        }
    }

    #[test]
    fn changes_read_back() {
        let fs = new_fs();
        let mut manifest = load(&fs).manifest;
        let cut = Cut { mint: 0, maxt: 9, log_seq: 4 };
        manifest.change(&fs, &Edit { cut: vec![cut], ..add(1) }).expect("no faults");
        manifest.change(&fs, &add(2)).expect("no faults");
        manifest
            .change(&fs, &Edit { add: vec![part(3)], drop: vec![1, 2], ..Edit::default() })
            .expect("no faults");
        let delete = vec![Deletions { id: 3, deletions: 2 }, Deletions { id: 99, deletions: 1 }];
        manifest.change(&fs, &Edit { delete, ..Edit::default() }).expect("no faults");
        let loaded = load(&fs);
        assert_eq!(loaded.manifest.parts()[&3].deletions, 2);
        assert_eq!((ids(&loaded.manifest), loaded.dropped.as_slice()), (vec![3], &[1, 2][..]));
        assert_eq!((loaded.manifest.cuts(), loaded.manifest.store_id()), (&[cut][..], ID));
        assert!(!loaded.is_new && loaded.damage.is_empty());
        let mut manifest = loaded.manifest;
        manifest.forget_cuts_before(5);
        for id in 4..400 {
            manifest.change(&fs, &Edit { drop: vec![id - 1], ..add(id) }).expect("no faults");
        }
        let len = fs.metadata(&file()).expect("there").len;
        assert!(len < 40_000, "it is written anew now and then: {len}");
        assert_eq!((ids(&load(&fs).manifest), load(&fs).manifest.cuts().len()), (vec![399], 0));
    }

    /// Every fault at every operation, then a power cut: each change is there or not, and those that succeeded are.
    #[test]
    fn survives_every_fault() {
        for fault in [Fault::Io, Fault::NoSpace, Fault::TornWrite, Fault::FailedSync, Fault::Unplug] {
            for op in 0..25 {
                let fs = new_fs();
                fs.inject(Injection { op: fs.ops() + op, times: 1, fault });
                let mut manifest = load(&fs).manifest;
                let done: Vec<u64> = (1..6).filter(|id| manifest.change(&fs, &add(*id)).is_ok()).collect();
                assert!(fault == Fault::Unplug || done.len() >= 4, "{fault:?} at {op}: {done:?}");
                for seed in 0..4 {
                    let loaded = load(&fs.power_cut(seed));
                    let found = ids(&loaded.manifest);
                    assert!(
                        done.iter().all(|id| found.contains(id)),
                        "{fault:?} at {op}: {found:?}, done {done:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn damage_is_reported_and_newer_versions_refused() {
        let fs = new_fs();
        let mut manifest = load(&fs).manifest;
        for id in 1..4 {
            manifest.change(&fs, &add(id)).expect("no faults");
        }
        let path = &file();
        let whole = read_file(&fs, path, 1 << 20).expect("there");
        fs.tamper(path, |bytes| bytes.truncate(whole.len() - 3)).expect("there");
        let loaded = load(&fs);
        assert_eq!(
            (ids(&loaded.manifest), loaded.damage.as_slice()),
            (vec![1, 2], &["line 4 is damaged".to_owned()][..])
        );
        for at in 0..whole.len() {
            fs.tamper(path, |bytes| {
                bytes.clone_from(&whole);
                bytes[at] ^= 2;
            })
            .expect("there");
            assert!(!load(&fs).damage.is_empty(), "byte {at}");
        }
        let newer = r#"{"store":{"version":2,"id":"x","created_ms":1}}"#;
        let line = format!("{:08x} {newer}\n", Crc32c::of(newer.as_bytes()));
        fs.tamper(path, |bytes| *bytes = line.into_bytes()).expect("there");
        let err = Manifest::load(&fs, Path::new(DIR), 7, || ID).expect_err("newer").to_string();
        assert!(err.contains("format version 2 is not 1; use the program that wrote it"), "{err}");
    }
}
