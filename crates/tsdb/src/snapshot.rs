//! Snapshots wherever they are: what belongs to one, whether it is all there, and back to a store. Described in `docs/formats/snapshot.md`.

use std::io;
use std::path::{Component, Path, PathBuf};

use bellwether_disk::{
    Crc32c, DirLock, Fs, LockError, publish, read_exact_at, read_file, sync_tree, write_all_at,
};
use serde::{Deserialize, Serialize};

use crate::checked_lines::{checked_json, encode_line};

/// The list of the files.
const LIST_FILE: &str = "SNAPSHOT";
/// More is not read of it.
const MAX_LIST_BYTES: u64 = 1 << 30;
/// Files are read and copied in pieces of this size.
const PIECE: usize = 1 << 20;
/// Where a restored store is put together. A name that the store removes when it is opened.
const UNFINISHED_DIR: &str = "restore.tmp";
/// What may be in a folder that counts as empty: a lock that nobody holds, what an attempt before left, and what a file system puts into its root.
const NOTHING: [&str; 3] = ["LOCK", UNFINISHED_DIR, "lost+found"];

/// What the first line of the list says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SnapshotHead {
    pub(crate) version: u32,
    pub(crate) name: String,
    pub(crate) store: String,
    pub(crate) created_ms: i64,
    pub(crate) with_head: bool,
}

impl SnapshotHead {
    pub(crate) const VERSION: u32 = 1;
}

/// A file that belongs to a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ListedFile {
    /// Relative to the folder of the snapshot.
    pub(crate) path: String,
    pub(crate) len: u64,
    pub(crate) crc32c: u32,
}

impl ListedFile {
    pub(crate) fn of_bytes(path: &str, bytes: &[u8]) -> Self {
        Self { path: path.to_owned(), len: bytes.len() as u64, crc32c: Crc32c::of(bytes) }
    }
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Line {
    Snapshot(SnapshotHead),
    File(ListedFile),
    End { files: u64 },
}

/// Why a snapshot is not used. Nothing was changed, except that a folder may have files of an unfinished copy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SnapshotError {
    /// The folder is no snapshot, or its list is damaged or of a newer version.
    #[error("{path}: {what}")]
    NotASnapshot {
        /// The list.
        path: String,
        /// What is wrong.
        what: String,
    },
    /// Files are missing or differ from the list.
    #[error("the snapshot is damaged:\n{}", .0.join("\n"))]
    Damaged(
        /// One line for each file.
        Vec<String>,
    ),
    /// There is something where the copy should go.
    #[error("{0} is not empty; choose another folder or move what is in it")]
    NotEmpty(String),
    /// Another process works on the folder.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The operating system refused.
    #[error("{path}: {source}")]
    Io {
        /// What was worked on.
        path: String,
        /// The cause.
        #[source]
        source: io::Error,
    },
}

impl SnapshotError {
    fn io(path: &Path) -> impl Fn(io::Error) -> Self {
        let path = path.display().to_string();
        move |source| Self::Io { path: path.clone(), source }
    }
}

/// What was copied.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CopiedSnapshot {
    /// The name that the snapshot got when it was made.
    pub name: String,
    /// When it was made, in milliseconds since the Unix epoch.
    pub created_ms: i64,
    /// How many files.
    pub files: usize,
    /// How many bytes.
    pub bytes: u64,
}

/// Writes the list of a snapshot.
pub(crate) fn write_list(
    fs: &dyn Fs,
    dir: &Path,
    head: SnapshotHead,
    files: &[ListedFile],
) -> io::Result<()> {
    let mut text = encode_line(&Line::Snapshot(head));
    for file in files {
        text.extend(encode_line(&Line::File(file.clone())));
    }
    text.extend(encode_line(&Line::End { files: files.len() as u64 }));
    publish(fs, &dir.join(LIST_FILE), &text)
}

/// Compares every file of a snapshot with its list and copies them to `to`, an empty folder or a new one, where they are a snapshot again.
pub fn copy_snapshot(fs: &dyn Fs, from: &Path, to: &Path) -> Result<CopiedSnapshot, SnapshotError> {
    let (head, files) = verified(fs, from)?;
    refuse_if_used(fs, to)?;
    copy_files(fs, from, to, &files)?;
    // The list comes last: without it, nobody takes what is there for a snapshot.
    write_list(fs, to, head.clone(), &files).map_err(SnapshotError::io(to))?;
    Ok(copied(head, &files))
}

/// Compares every file of a snapshot with its list and makes a store of them in `to`, an empty folder or a new one. `now_ms` is written into the lock of that folder.
pub fn restore_snapshot(
    fs: &dyn Fs,
    from: &Path,
    to: &Path,
    now_ms: i64,
) -> Result<CopiedSnapshot, SnapshotError> {
    let (head, files) = verified(fs, from)?;
    refuse_if_used(fs, to)?;
    fs.create_dir_all(to).map_err(SnapshotError::io(to))?;
    let _lock = DirLock::acquire(fs, to, now_ms)?;
    let unfinished = to.join(UNFINISHED_DIR);
    match fs.remove_dir_all(&unfinished) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(SnapshotError::io(&unfinished)(e)),
        _ => {}
    }
    copy_files(fs, from, &unfinished, &files)?;
    // MANIFEST first: should the rest not follow, a store misses its parts aloud instead of going on without them.
    let mut names: Vec<_> = fs.list(&unfinished).map_err(SnapshotError::io(&unfinished))?;
    names.sort_by_key(|entry| entry.name != "MANIFEST");
    for entry in names {
        let target = to.join(&entry.name);
        fs.rename(&unfinished.join(&entry.name), &target).map_err(SnapshotError::io(&target))?;
    }
    fs.sync_dir(to).and_then(|()| fs.remove_dir_all(&unfinished)).map_err(SnapshotError::io(to))?;
    fs.sync_dir(to).map_err(SnapshotError::io(to))?;
    Ok(copied(head, &files))
}

/// Removes a snapshot.
pub fn remove_snapshot(fs: &dyn Fs, dir: &Path) -> Result<(), SnapshotError> {
    read_list(fs, dir)?;
    fs.remove_dir_all(dir).map_err(SnapshotError::io(dir))
}

fn copied(head: SnapshotHead, files: &[ListedFile]) -> CopiedSnapshot {
    let bytes = files.iter().map(|f| f.len).sum();
    CopiedSnapshot { name: head.name, created_ms: head.created_ms, files: files.len(), bytes }
}

/// The list of a snapshot whose files are all as it says.
fn verified(fs: &dyn Fs, dir: &Path) -> Result<(SnapshotHead, Vec<ListedFile>), SnapshotError> {
    let (head, files) = read_list(fs, dir)?;
    let bad: Vec<String> = files.iter().filter_map(|file| problem(fs, dir, file)).collect();
    if bad.is_empty() { Ok((head, files)) } else { Err(SnapshotError::Damaged(bad)) }
}

fn problem(fs: &dyn Fs, dir: &Path, file: &ListedFile) -> Option<String> {
    let path = dir.join(&file.path);
    let what = match file_checksum(fs, &path) {
        Ok((len, _)) if len != file.len => format!("the file has {len} bytes instead of {}", file.len),
        Ok((_, crc)) if crc != file.crc32c => "checksum of the file".to_owned(),
        Ok(_) => return None,
        Err(e) if e.kind() == io::ErrorKind::NotFound => "the file is missing".to_owned(),
        Err(e) => e.to_string(),
    };
    Some(format!("{}: {what}", path.display()))
}

fn read_list(fs: &dyn Fs, dir: &Path) -> Result<(SnapshotHead, Vec<ListedFile>), SnapshotError> {
    let path = dir.join(LIST_FILE);
    let not_a_snapshot =
        |what: String| SnapshotError::NotASnapshot { path: path.display().to_string(), what };
    let text = match read_file(fs, &path, MAX_LIST_BYTES) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            return Err(not_a_snapshot(
                "missing, so the folder is no snapshot or an unfinished one".to_owned(),
            ));
        }
        text => text.map_err(SnapshotError::io(&path))?,
    };
    let (mut head, mut files, mut end) = (None, Vec::new(), None);
    for (idx, line) in text.split_inclusive(|b| *b == b'\n').enumerate() {
        let bad = |what: &str| not_a_snapshot(format!("line {} {what}", idx + 1));
        let json = checked_json(line).ok_or_else(|| bad("is damaged"))?;
        let line = serde_json::from_slice(json).map_err(|_| bad("is of a newer version"))?;
        match line {
            Line::Snapshot(found) if found.version == SnapshotHead::VERSION => head = Some(found),
            Line::Snapshot(_) => return Err(bad("is of a newer version")),
            Line::File(file) if is_inside(&file.path) => files.push(file),
            Line::File(_) => return Err(bad("names a file outside of the folder")),
            Line::End { files } => end = Some(files),
        }
    }
    match head {
        Some(head) if end == Some(files.len() as u64) => Ok((head, files)),
        _ => Err(not_a_snapshot("its beginning or its end is missing".to_owned())),
    }
}

/// Whether a path of a list stays below the folder.
fn is_inside(path: &str) -> bool {
    !path.is_empty() && Path::new(path).components().all(|c| matches!(c, Component::Normal(_)))
}

fn refuse_if_used(fs: &dyn Fs, dir: &Path) -> Result<(), SnapshotError> {
    let entries = match fs.list(dir) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(SnapshotError::io(dir))?,
    };
    if entries.iter().all(|e| NOTHING.iter().any(|name| e.name == *name)) {
        return Ok(());
    }
    Err(SnapshotError::NotEmpty(dir.display().to_string()))
}

/// Copies files, compares them with the list once more, and makes them durable.
fn copy_files(fs: &dyn Fs, from: &Path, to: &Path, files: &[ListedFile]) -> Result<(), SnapshotError> {
    fs.create_dir_all(to).map_err(SnapshotError::io(to))?;
    for file in files {
        let (source, target) = (from.join(&file.path), to.join(&file.path));
        let parent: PathBuf = target.parent().unwrap_or(to).to_owned();
        fs.create_dir_all(&parent).map_err(SnapshotError::io(&parent))?;
        let copied = copy_file(fs, &source, &target).map_err(SnapshotError::io(&target))?;
        if copied != (file.len, file.crc32c) {
            let what = format!("{}: it changed while it was copied", source.display());
            return Err(SnapshotError::Damaged(vec![what]));
        }
    }
    sync_tree(fs, to).map_err(SnapshotError::io(to))?;
    let parent = to.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs.sync_dir(parent).map_err(SnapshotError::io(parent))
}

/// Length and checksum of a file.
pub(crate) fn file_checksum(fs: &dyn Fs, path: &Path) -> io::Result<(u64, u32)> {
    for_each_piece(fs, path, |_, _| Ok(()))
}

/// Copies a file and returns length and checksum of what was read. The copy is not synced.
pub(crate) fn copy_file(fs: &dyn Fs, from: &Path, to: &Path) -> io::Result<(u64, u32)> {
    let target = fs.create(to)?;
    for_each_piece(fs, from, |bytes, at| write_all_at(target.as_ref(), bytes, at))
}

fn for_each_piece(
    fs: &dyn Fs,
    path: &Path,
    mut take: impl FnMut(&[u8], u64) -> io::Result<()>,
) -> io::Result<(u64, u32)> {
    let file = fs.open(path)?;
    let len = file.len()?;
    let mut buffer = vec![0; PIECE.min(len as usize)];
    let (mut crc, mut at) = (Crc32c::new(), 0);
    while at < len {
        let piece = &mut buffer[..PIECE.min((len - at) as usize)];
        read_exact_at(file.as_ref(), piece, at)?;
        crc = crc.update(piece);
        take(piece, at)?;
        at += piece.len() as u64;
    }
    Ok((len, crc.value()))
}
