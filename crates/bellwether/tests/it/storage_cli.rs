//! `bellwether storage`: what it says about a folder, and that it changes nothing unless it is told to.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::admin::{admin, command, push};
use crate::support::Bellwether;

/// More is not compared of a file: the log is allocated in full, and most of it is zeroes.
const COMPARED_BYTES: u64 = 1 << 20;

/// All files below a folder, with what is in them.
fn contents(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(dir).expect("a folder").map(|e| e.expect("there").path()) {
        if entry.is_dir() {
            found.extend(contents(&entry));
        } else {
            let mut bytes = Vec::new();
            let file = fs::File::open(&entry).expect("there");
            file.take(COMPARED_BYTES).read_to_end(&mut bytes).expect("readable");
            found.insert(entry, bytes);
        }
    }
    found
}

/// A folder as a killed server leaves it: a part with a deletion, and a log.
fn store() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().expect("a folder");
    let mut server = Bellwether::serve(dir.path(), &["--web.enable-admin-api"]);
    let now_ms = std::time::UNIX_EPOCH.elapsed().expect("after 1970").as_millis() as i64;
    for i in 0..20 {
        let samples: Vec<(i64, f64)> =
            (0..60).map(|n| (now_ms - 3_600_000 + n * 1000, f64::from(i).sqrt() * n as f64)).collect();
        assert_eq!(push(&server.url, i, &samples), 204);
    }
    assert_eq!(admin(&server.url, "POST", "compact", "").status, 204);
    assert_eq!(admin(&server.url, "POST", "delete_series", "match[]=lab_series{i=\"1\"}").status, 204);
    for i in 0..20 {
        assert_eq!(push(&server.url, i, &[(now_ms, 1.0)]), 204);
    }
    let (success, said) = command(dir.path(), &["storage", "verify", "data"]);
    assert!(!success && said.contains("data is in use by another process"), "{said}");
    server.process.kill();
    let part = fs::read_dir(dir.path().join("data/parts")).expect("there").map(|e| e.expect("there").path());
    let part = part.max_by_key(|p| fs::metadata(p.join("val.bin")).map_or(0, |m| m.len())).expect("a part");
    (dir, part)
}

#[test]
fn a_whole_store_passes_and_stays_as_it_is() {
    let (dir, _) = store();
    let before = contents(&dir.path().join("data"));
    for what in ["verify", "repair"] {
        let (success, said) = command(dir.path(), &["storage", what, "data"]);
        assert!(success && said.contains("data: whole; "), "{said}");
        assert!(contents(&dir.path().join("data")) == before, "{what} changed something");
    }
    let (success, said) = command(dir.path(), &["storage", "verify", "nowhere"]);
    assert!(!success && said.contains("nowhere/MANIFEST is missing"), "{said}");
    let (success, said) = command(dir.path(), &["storage", "repair", "--write", "nowhere"]);
    assert!(
        !success
            && said.contains("nowhere is not the folder of a store")
            && !dir.path().join("nowhere").exists()
    );
}

#[test]
fn damage_is_named_and_put_aside() {
    let (dir, part) = store();
    let data = dir.path().join("data");
    let index = part.join("index.bin");
    let mut bytes = fs::read(&index).expect("there");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&index, bytes).expect("written");
    let before = contents(&data);
    for what in ["verify", "repair"] {
        let (success, said) = command(dir.path(), &["storage", what, "data"]);
        assert!(!success, "{said}");
        assert!(said.contains("index.bin: checksum of the file"), "{said}");
        assert!(
            said.contains("the part cannot be opened") && said.contains("; samples lost between 2"),
            "{said}"
        );
        assert!(said.contains("places are damaged"), "{said}");
        assert!(contents(&data) == before, "{what} changed something");
    }
    let (success, said) = command(dir.path(), &["storage", "repair", "--write", "data"]);
    assert!(
        success && said.contains("part: data/parts/") && said.contains("; kept in data/quarantine/part-"),
        "{said}"
    );
    let kept = contents(&data.join("quarantine"));
    for (path, bytes) in before.iter().filter(|(path, _)| path.starts_with(&part)) {
        let name = path.file_name().expect("a file");
        assert!(
            kept.iter().any(|(p, b)| p.file_name() == Some(name) && b == bytes),
            "{} is lost",
            path.display()
        );
    }
    let (success, said) = command(dir.path(), &["storage", "verify", "data"]);
    assert!(success, "{said}");
}

#[test]
fn parts_and_segments_are_shown() {
    let (dir, part) = store();
    let path = part.to_str().expect("a path");
    let (success, said) = command(dir.path(), &["storage", "dump", path]);
    assert!(success, "{said}");
    assert!(said.contains("series 1 lab_series{i=\"1\"}\n  1 deleted between 2"), "{said}");
    assert_eq!(said.lines().filter(|l| l.starts_with("  4 2")).count(), 60, "{said}");
    let (success, said) = command(dir.path(), &["storage", "dump", "--format", "json", path]);
    assert!(success, "{said}");
    let lines: Vec<Value> = said.lines().map(|l| serde_json::from_str(l).expect("JSON")).collect();
    assert_eq!(lines.iter().filter(|l| l["labels"]["__name__"] == "lab_series").count(), 20);
    assert!(lines.iter().any(|l| l["sample"] == 2 && l["value"].is_string() && l["timestampMs"].is_number()));
    let segment =
        fs::read_dir(dir.path().join("data/log")).expect("there").map(|e| e.expect("there").path()).max();
    let segment = segment.expect("a segment");
    let (success, said) = command(dir.path(), &["storage", "dump", segment.to_str().expect("a path")]);
    assert!(success && said.starts_with("frame ") && said.contains(" lab_series{i=\"3\"}\n"), "{said}");
    let (success, said) = command(dir.path(), &["storage", "dump", "data/MANIFEST"]);
    assert!(
        !success && said.contains("data/MANIFEST: its header is not that of a segment or a checkpoint"),
        "{said}"
    );
}
