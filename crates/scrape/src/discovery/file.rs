use std::collections::{BTreeMap, BTreeSet};
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::feed::{Feed, refresh_interval};
use crate::config::{FileDiscovery, TargetGroup, matching_files, read_target_file};

/// How often files are looked at for changes.
const POLL_INTERVAL: Duration = Duration::from_secs(5);
/// A target file of a hundred thousand targets has a tenth of this.
const MAX_FILE_BYTES: u64 = 64 << 20;
const PATH_LABEL: &str = "__meta_filepath";

/// Follows the files until it is dropped.
pub(super) async fn run(config: FileDiscovery, feed: Arc<Feed>) {
    let refresh = refresh_interval(config.refresh_interval_ms);
    let mut files = Files::default();
    let (mut wake, mut reread_at) = (Instant::now(), Instant::now());
    loop {
        let reread = wake >= reread_at;
        if reread {
            reread_at = wake + refresh;
        }
        let (patterns, task_feed) = (config.files.clone(), Arc::clone(&feed));
        let looked = tokio::task::spawn_blocking(move || {
            let errors = files.look(&patterns, reread);
            task_feed.counters().file_discovery_read_errors.add(files.n_failed_reads);
            task_feed.publish_partly(files.groups(), Some(errors.join("; ")).filter(|e| !e.is_empty()));
            files
        });
        files = looked.await.expect("BUG: reading target files does not panic");
        wake = (wake + POLL_INTERVAL.min(refresh)).max(Instant::now());
        sleep_until(wake).await;
    }
}

/// What is known about the files of one section.
#[derive(Debug, Default)]
struct Files {
    by_path: BTreeMap<PathBuf, Known>,
    /// How many attempts to read a file failed in the last look.
    n_failed_reads: usize,
}

#[derive(Debug, Default)]
struct Known {
    /// The stamp of the file when it was read last, whatever came of it.
    stamp: Option<Stamp>,
    /// The groups that it held when it was last readable.
    groups: Vec<TargetGroup>,
    error: Option<String>,
}

/// What changes about a file whenever its content does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    len: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        Self {
            inode: metadata.ino(),
            len: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

impl Files {
    /// Reads the files that changed, or all of them, and forgets those that are gone. Returns what is wrong with files.
    fn look(&mut self, patterns: &[PathBuf], reread: bool) -> Vec<String> {
        self.n_failed_reads = 0;
        let mut errors = Vec::new();
        let mut found = BTreeSet::new();
        for pattern in patterns {
            found.extend(matching_files(pattern));
            if let Some(error) = unreadable_folder(pattern) {
                errors.push(error);
                // What the folder held before is probably still there.
                let folder = pattern.parent();
                found.extend(self.by_path.keys().filter(|path| path.parent() == folder).cloned());
            }
        }
        self.by_path.retain(|path, _| found.contains(path));
        for path in found {
            let known = self.by_path.entry(path.clone()).or_default();
            if !known.look(&path, reread) {
                self.n_failed_reads += 1;
            }
            errors.extend(known.error.clone());
        }
        errors
    }

    fn groups(&self) -> Vec<TargetGroup> {
        self.by_path.values().flat_map(|known| known.groups.iter().cloned()).collect()
    }
}

impl Known {
    /// Returns false if the file had to be read and could not be.
    fn look(&mut self, path: &Path, reread: bool) -> bool {
        let stamp = std::fs::metadata(path).ok().map(|metadata| Stamp::of(&metadata));
        if !reread && stamp.is_some() && stamp == self.stamp {
            return true;
        }
        self.stamp = stamp;
        match read(path) {
            Ok(groups) => {
                self.groups = groups;
                self.error = None;
            }
            // The groups stay: a file that is being written, or was written badly, must not end the scrapes of its targets.
            Err(error) => self.error = Some(error),
        }
        self.error.is_none()
    }
}

fn read(path: &Path) -> Result<Vec<TargetGroup>, String> {
    use std::io::Read as _;

    let unreadable = |e: std::io::Error| format!("{}: {e}", path.display());
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(unreadable)?;
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(format!("{}: the file has more than {MAX_FILE_BYTES} bytes", path.display()));
    }
    let mut groups = read_target_file(path, &bytes).map_err(|errors| errors.to_string())?;
    for group in &mut groups {
        group.labels.insert(PATH_LABEL.to_owned(), path.display().to_string());
    }
    Ok(groups)
}

/// Why the folder of a pattern cannot be read, if it is there and cannot be.
fn unreadable_folder(pattern: &Path) -> Option<String> {
    let folder = pattern.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match std::fs::read_dir(folder) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Some(format!("{}: {e}", folder.display())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Folder {
        dir: tempfile::TempDir,
        files: Files,
    }

    impl Folder {
        fn new() -> Self {
            Self { dir: tempfile::tempdir().expect("temporary folder"), files: Files::default() }
        }

        fn write(&self, name: &str, content: &str) {
            std::fs::write(self.dir.path().join(name), content).expect("writable");
        }

        fn look(&mut self, reread: bool) -> (Vec<String>, Vec<String>) {
            let patterns = ["*.json", "one.yml"].map(|name| self.dir.path().join(name));
            let errors = self.files.look(&patterns, reread);
            let targets = self.files.groups().into_iter().flat_map(|group| group.targets).collect();
            (targets, errors)
        }
    }

    #[test]
    fn follows_files() {
        let mut folder = Folder::new();
        assert_eq!(folder.look(true), (Vec::new(), Vec::new()));
        folder.write("a.json", r#"[{"targets": ["a:1", "a:2"], "labels": {"env": "x"}}]"#);
        folder.write("one.yml", "- targets: ['b:1']\n");
        folder.write("other.yml", "- targets: ['c:1']\n");
        assert_eq!(folder.look(false).0, ["a:1", "a:2", "b:1"]);
        let group = folder.files.groups().remove(0);
        let path = folder.dir.path().join("a.json").display().to_string();
        assert_eq!(group.labels.get(PATH_LABEL), Some(&path));
        assert_eq!(group.source, format!("{path}:0"));

        // A broken file keeps what it held, however often it is looked at, and says what is wrong with it.
        folder.write("a.json", "[{");
        for reread in [false, false, true] {
            let (targets, errors) = folder.look(reread);
            assert_eq!(targets, ["a:1", "a:2", "b:1"]);
            assert_eq!(errors.len(), 1);
            assert!(errors[0].contains("a.json:1:"), "{errors:?}");
        }
        folder.write("a.json", r#"[{"targets": ["a:3"]}]"#);
        assert_eq!(folder.look(false), (vec!["a:3".to_owned(), "b:1".to_owned()], Vec::new()));

        std::fs::remove_file(folder.dir.path().join("one.yml")).expect("exists");
        assert_eq!(folder.look(false).0, ["a:3"]);
    }

    #[test]
    fn bytes_that_are_no_text_are_an_error() {
        let mut folder = Folder::new();
        std::fs::write(folder.dir.path().join("a.json"), b"[\xff]").expect("writable");
        assert_eq!(folder.look(true).1.len(), 1);
    }
}
