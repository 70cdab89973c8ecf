use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use crate::fs::{EntryKind, Fs, write_all_at};

/// What unfinished files and folders are called until they are published. Whoever finds such a name at start may remove it.
const UNFINISHED: &str = "tmp";

/// Makes `path` a file with these bytes, replacing one that is there. After a crash at any moment the old or the new contents are found, whole.
///
/// Writes `path.tmp`, syncs it, renames it and syncs the folder.
pub fn publish(fs: &dyn Fs, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = unfinished_name(path);
    remove_if_there(fs, &temporary)?;
    let write = || {
        let file = fs.create(&temporary)?;
        write_all_at(file.as_ref(), bytes, 0)?;
        file.sync()
    };
    if let Err(e) = write() {
        // What is left would only take room; it is removed at the next start if it cannot be removed now.
        let _ = fs.remove_file(&temporary);
        return Err(e);
    }
    publish_file(fs, &temporary, path)
}

/// Gives the finished and synced file `temporary` its name `path`, replacing a file of that name.
pub fn publish_file(fs: &dyn Fs, temporary: &Path, path: &Path) -> io::Result<()> {
    fs.rename(temporary, path)?;
    sync_parent(fs, path)
}

/// Gives the finished folder `temporary` its name `path`, after syncing everything in it. After a crash the whole folder is found under `path`, or
/// nothing is.
pub fn publish_dir(fs: &dyn Fs, temporary: &Path, path: &Path) -> io::Result<()> {
    sync_tree(fs, temporary)?;
    fs.rename(temporary, path)?;
    sync_parent(fs, path)
}

/// Syncs all files and folders below `dir`, and `dir` itself.
pub fn sync_tree(fs: &dyn Fs, dir: &Path) -> io::Result<()> {
    for entry in fs.list(dir)? {
        let path = dir.join(&entry.name);
        match entry.kind {
            EntryKind::File => fs.open_write(&path)?.sync()?,
            EntryKind::Dir => sync_tree(fs, &path)?,
            EntryKind::Other => {}
        }
    }
    fs.sync_dir(dir)
}

fn unfinished_name(path: &Path) -> PathBuf {
    let mut name = path.file_name().map_or_else(OsString::new, OsString::from);
    name.push(".");
    name.push(UNFINISHED);
    path.with_file_name(name)
}

fn remove_if_there(fs: &dyn Fs, path: &Path) -> io::Result<()> {
    match fs.remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
        _ => Ok(()),
    }
}

fn sync_parent(fs: &dyn Fs, path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => fs.sync_dir(parent),
        _ => fs.sync_dir(Path::new(".")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs::{Fault, Injection, RealFs, SimFs, read_file};

    #[test]
    fn replaces_a_file() {
        let dir = tempfile::tempdir().expect("a place for temporary files");
        let path = dir.path().join("state");
        for text in ["one", "two"] {
            publish(&RealFs::new(), &path, text.as_bytes()).expect("writable");
            assert_eq!(read_file(&RealFs::new(), &path, 99).expect("readable"), text.as_bytes());
        }
        assert_eq!(RealFs::new().list(dir.path()).expect("readable").len(), 1, "nothing unfinished is left");
    }

    /// What a snapshot relies on: a file that is replaced under one name keeps its contents under another.
    #[test]
    fn a_second_name_keeps_what_is_replaced() {
        let check = |fs: &dyn Fs, dir: &Path| {
            let (first, second) = (dir.join("first"), dir.join("second"));
            publish(fs, &first, b"one").expect("writable");
            fs.hard_link(&first, &second).expect("the file system has links");
            let taken = fs.hard_link(&first, &second).expect_err("the name is taken");
            assert_eq!(taken.kind(), io::ErrorKind::AlreadyExists);
            publish(fs, &first, b"two").expect("writable");
            fs.remove_file(&first).expect("there");
            assert_eq!(read_file(fs, &second, 99).expect("readable"), b"one");
        };
        let dir = tempfile::tempdir().expect("a place for temporary files");
        check(&RealFs::new(), dir.path());
        let fs = SimFs::new();
        fs.create_dir_all(Path::new("d")).expect("no faults yet");
        check(&fs, Path::new("d"));
        assert_eq!(read_file(&fs.kill(), Path::new("d/second"), 99).expect("readable"), b"one");
    }

    /// Whatever fails, and whenever the plug is pulled, the file has the old or the new contents.
    #[test]
    fn old_or_new_after_every_fault() {
        let path = Path::new("d/state");
        for fault in [Fault::Io, Fault::NoSpace, Fault::TornWrite, Fault::FailedSync, Fault::Unplug] {
            for op in 0..8 {
                let fs = SimFs::new();
                fs.create_dir_all(Path::new("d")).expect("no faults yet");
                publish(&fs, path, &[1; 2000]).expect("no faults yet");
                fs.inject(Injection { op: fs.ops() + op, times: 1, fault });
                let result = publish(&fs, path, &[2; 2000]);
                for seed in 0..8 {
                    let found = read_file(&fs.power_cut(seed), path, 1 << 20).expect("one of the two");
                    assert!(found == [1; 2000] || found == [2; 2000], "{fault:?} at {op}");
                    assert!(result.is_err() || found == [2; 2000], "{fault:?} at {op}: reported as done");
                }
            }
        }
    }

    #[test]
    fn a_folder_appears_whole_or_not_at_all() {
        for op in 0..12 {
            let fs = SimFs::new();
            fs.create_dir_all(Path::new("d")).expect("no faults yet");
            fs.sync_dir(Path::new("d")).expect("no faults yet");
            fs.inject(Injection { op: fs.ops() + op, times: 1, fault: Fault::Unplug });
            let make = || {
                fs.create_dir_all(Path::new("d/a.tmp/sub"))?;
                for name in ["d/a.tmp/x", "d/a.tmp/sub/y"] {
                    write_all_at(fs.create(Path::new(name))?.as_ref(), &[7; 900], 0)?;
                }
                publish_dir(&fs, Path::new("d/a.tmp"), Path::new("d/a"))
            };
            let done = make().is_ok();
            for seed in 0..8 {
                let after = fs.power_cut(seed);
                let there = after.metadata(Path::new("d/a")).is_ok();
                assert!(there || !done, "operation {op}");
                for name in ["d/a/x", "d/a/sub/y"].iter().filter(|_| there) {
                    assert_eq!(read_file(&after, Path::new(name), 999).expect("published"), [7; 900]);
                }
            }
        }
    }
}
