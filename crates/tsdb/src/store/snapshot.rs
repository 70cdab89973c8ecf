//! A copy of the store at one moment, made while it is used. Described in `docs/formats/snapshot.md`.

use std::io;
use std::path::{Path, PathBuf};

use bellwether_disk::{publish, publish_dir};

use crate::counters::add;
use crate::error::TsdbError;
use crate::part::{TOMBSTONE_FILE, folder_name};
use crate::snapshot::{ListedFile, SnapshotHead, copy_file, file_checksum, write_list};

use super::checkpoint::{self, CheckpointScope};
use super::manifest::{self, PartEntry};
use super::open::{PARTS_DIR, SNAPSHOTS_DIR};
use super::{Store, Upkeep};

/// A snapshot that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SnapshotReport {
    /// The folder.
    pub dir: PathBuf,
    /// How many files there are.
    pub files: usize,
    /// Bytes of all files. Those of parts take no room of their own as long as the store has them.
    pub bytes: u64,
    /// Parts that the store had.
    pub parts_linked: usize,
    /// Parts that were written of what was in memory.
    pub parts_written: usize,
}

impl Store {
    /// Makes a snapshot under this name. Appends and queries go on meanwhile; upkeep waits.
    pub(super) fn snapshot(
        &self,
        name: &str,
        with_head: bool,
        companions: &dyn Fn(&Path) -> io::Result<Vec<String>>,
    ) -> Result<SnapshotReport, TsdbError> {
        let upkeep = self.urgent_upkeep();
        self.check_open()?;
        self.space.check(self.fs.as_ref(), &self.dir, self.clock.monotonic()).map_err(TsdbError::Full)?;
        let fs = self.fs.as_ref();
        let snapshots = self.dir.join(SNAPSHOTS_DIR);
        let (target, temporary) = (snapshots.join(name), snapshots.join(format!("{name}.tmp")));
        let made = self.fill_snapshot(name, &temporary, &upkeep, with_head, companions).and_then(|report| {
            let published = fs.sync_dir(&self.dir).and_then(|()| publish_dir(fs, &temporary, &target));
            published.map_err(|e| TsdbError::io(&target, e))?;
            Ok(SnapshotReport { dir: target.clone(), ..report })
        });
        if made.is_err() {
            // What cannot be removed now is removed at the next start.
            let _ = fs.remove_dir_all(&temporary);
        } else {
            add(&self.counters.snapshots, 1);
        }
        made
    }

    fn fill_snapshot(
        &self,
        name: &str,
        dir: &Path,
        upkeep: &Upkeep,
        with_head: bool,
        companions: &dyn Fn(&Path) -> io::Result<Vec<String>>,
    ) -> Result<SnapshotReport, TsdbError> {
        let fs = self.fs.as_ref();
        let parts_dir = dir.join(PARTS_DIR);
        fs.create_dir_all(&parts_dir).map_err(|e| TsdbError::io(&parts_dir, e))?;
        let mut files = Vec::new();
        // No part comes or goes, and nothing moves into parts, while the upkeep is held.
        let mut entries: Vec<PartEntry> = self.manifest.lock().parts().values().cloned().collect();
        let parts_linked = entries.len();
        for entry in &entries {
            self.link_part(entry, &parts_dir, &mut files)?;
        }
        if with_head {
            entries.extend(self.copy_head(dir, upkeep, &mut files)?);
        }
        let (text, store_id) = {
            let manifest = self.manifest.lock();
            (manifest.encode_copy(entries.iter()), manifest.store_id())
        };
        let path = dir.join(manifest::FILE);
        publish(fs, &path, &text).map_err(|e| TsdbError::io(&path, e))?;
        files.push(ListedFile::of_bytes(manifest::FILE, &text));
        for name in companions(dir).map_err(|e| TsdbError::io(dir, e))? {
            self.list_file(&dir.join(&name), name, &mut files)?;
        }
        let head = SnapshotHead {
            version: SnapshotHead::VERSION,
            name: name.to_owned(),
            store: store_id.to_string(),
            created_ms: self.clock.now_ms(),
            with_head,
        };
        write_list(fs, dir, head, &files).map_err(|e| TsdbError::io(dir, e))?;
        Ok(SnapshotReport {
            dir: dir.to_owned(),
            files: files.len(),
            bytes: files.iter().map(|f| f.len).sum(),
            parts_linked,
            parts_written: entries.len() - parts_linked,
        })
    }

    /// Gives the files of a part second names below `parts_dir`.
    fn link_part(
        &self,
        entry: &PartEntry,
        parts_dir: &Path,
        files: &mut Vec<ListedFile>,
    ) -> Result<(), TsdbError> {
        let fs = self.fs.as_ref();
        let folder = folder_name(entry.id);
        let (from, to) = (self.dir.join(PARTS_DIR).join(&folder), parts_dir.join(&folder));
        fs.create_dir_all(&to).map_err(|e| TsdbError::io(&to, e))?;
        let link = |name: &str| {
            let linked = match fs.hard_link(&from.join(name), &to.join(name)) {
                Err(e) if has_no_links(&e) => copy_file(fs, &from.join(name), &to.join(name)).map(drop),
                linked => linked,
            };
            linked.map_err(|e| TsdbError::io(&from.join(name), e))
        };
        for file in &entry.files {
            link(&file.name)?;
            let path = format!("{PARTS_DIR}/{folder}/{}", file.name);
            files.push(ListedFile { path, len: file.len, crc32c: file.crc32c });
        }
        if entry.deletions > 0 {
            link(TOMBSTONE_FILE)?;
            self.list_file(
                &to.join(TOMBSTONE_FILE),
                format!("{PARTS_DIR}/{folder}/{TOMBSTONE_FILE}"),
                files,
            )?;
        }
        Ok(())
    }

    fn list_file(
        &self,
        path: &Path,
        listed_as: String,
        files: &mut Vec<ListedFile>,
    ) -> Result<(), TsdbError> {
        let (len, crc32c) = file_checksum(self.fs.as_ref(), path).map_err(|e| TsdbError::io(path, e))?;
        files.push(ListedFile { path: listed_as, len, crc32c });
        Ok(())
    }

    /// Writes what is in memory: samples as parts, the rest as a checkpoint. Returns the parts.
    fn copy_head(
        &self,
        dir: &Path,
        upkeep: &Upkeep,
        files: &mut Vec<ListedFile>,
    ) -> Result<Vec<PartEntry>, TsdbError> {
        // Exactly the batches so far: every one of them that was acknowledged is visible by now.
        let epoch = self.part_set().epoch;
        let snapshot = self.head.between_batches(|| self.head.commits.open_newest(epoch));
        self.head.commits.wait_for(snapshot);
        let mut series = self.head.read_for_cut(i64::MAX, snapshot.commit);
        self.head.commits.close(snapshot);
        series.sort_by(|a, b| a.labels.cmp(&b.labels));
        // The numbers are those of another store.
        let mut numbers = Upkeep { next_part: upkeep.next_part };
        let written = self.part_maker().write_cut(&dir.join(PARTS_DIR), &mut numbers, &series)?;
        for entry in &written.entries {
            let listed = entry.files.iter().map(|file| ListedFile {
                path: format!("{PARTS_DIR}/{}/{}", folder_name(entry.id), file.name),
                len: file.len,
                crc32c: file.crc32c,
            });
            files.extend(listed);
        }
        let (number, next_seq) = (self.log.segment() + 1, self.log.last_seq() + 1);
        let store_id = self.manifest.lock().store_id();
        let path = checkpoint::path(dir, number);
        let scope = CheckpointScope::WithoutSeries;
        checkpoint::write(self.fs.as_ref(), dir, store_id, number, next_seq, &self.head, scope)
            .map_err(|e| TsdbError::io(&path, e))?;
        let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default().to_owned();
        self.list_file(&path, name, files)?;
        Ok(written.entries)
    }
}

fn has_no_links(e: &io::Error) -> bool {
    matches!(
        e.kind(),
        io::ErrorKind::Unsupported | io::ErrorKind::CrossesDevices | io::ErrorKind::TooManyLinks
    )
}
