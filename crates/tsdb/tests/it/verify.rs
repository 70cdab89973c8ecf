//! Reading a store that nobody uses, without changing it.

use std::path::{Path, PathBuf};

use bellwether_disk::{Fs, SimFs};
use bellwether_model::TimeRange;
use bellwether_tsdb::{DumpItem, VerifyReport, dump, verify_store};

use crate::kit::{self, HOUR, Kit, NOW, count};

/// Two parts, one with deletions, a checkpoint with samples, and a log with more; as a killed process leaves it.
fn left() -> (SimFs, usize) {
    let mut kit = Kit::new();
    for day in 0..2 {
        for n in 0..40 {
            kit.row(0..50, NOW - (120 - 24 * day) * HOUR + n * 60_000);
        }
        kit.tsdb.compact_all().expect("compacts");
    }
    kit.delete(7, TimeRange::ALL);
    for n in 0..10 {
        kit.row(0..50, NOW - 24 * HOUR + n * 60_000);
    }
    kit.restart();
    for n in 10..20 {
        kit.row(0..50, NOW - 24 * HOUR + n * 60_000);
    }
    kit.delete(8, TimeRange::ALL);
    let n = count(&kit.dump());
    (kit.fs.kill(), n)
}

fn verify(fs: &SimFs) -> VerifyReport {
    let (ops, files) = (fs.ops(), fs.files());
    let report = verify_store(fs, Path::new(kit::DIR)).expect("it is a store");
    assert_eq!((fs.ops(), fs.files()), (ops, files), "nothing is changed");
    report
}

#[test]
fn a_whole_store_is_whole() {
    let (fs, n) = left();
    let report = verify(&fs);
    assert_eq!(report.findings, []);
    // Deleted ones included: two series of both parts, one of what came later.
    assert_eq!((report.parts, report.part_samples), (2, 4000));
    assert_eq!((report.frame_files, report.frame_samples), (2, 1000));
    assert_eq!(report.part_samples + report.frame_samples, n as u64 + 2 * 80 + 20);
    assert!(report.frames > 10);
}

/// Whatever is damaged is found, in the file in which it is.
#[test]
fn all_damage_is_found() {
    let (left, _) = left();
    let copy = || left.kill();
    let all: Vec<PathBuf> = copy().files().into_iter().filter(|p| !p.ends_with("LOCK")).collect();
    assert!(all.len() >= 16, "{all:?}");
    for path in &all {
        let len = copy().metadata(path).expect("there").len as usize;
        for at in (0..len).step_by((len / 25).max(1)) {
            let fs = copy();
            fs.tamper(path, |bytes| bytes[at] ^= 1).expect("there");
            // The identity of the store is what everything else is compared with.
            let Ok(report) = verify_store(&fs, Path::new(kit::DIR)) else {
                assert!(path.ends_with("MANIFEST"));
                continue;
            };
            let of_path = report.findings.iter().any(|f| path.starts_with(&f.path));
            // Between frames are zeroes that nobody reads.
            let has_frames =
                path.ends_with("tomb.bin") || path.extension().is_some_and(|e| e == "log" || e == "ckpt");
            assert!(of_path || has_frames, "byte {at} of {}: {report:?}", path.display());
        }
        let fs = copy();
        fs.tamper(path, |bytes| bytes.truncate((len / 2).min(301))).expect("there");
        let report = verify_store(&fs, Path::new(kit::DIR)).expect("it is a store");
        assert!(!report.findings.is_empty(), "the beginning of {}", path.display());
    }
}

/// A page of values costs the samples on it: the finding says which file, where in it, and from when to when.
#[test]
fn findings_name_the_place_and_what_is_lost() {
    let mut kit = Kit::new();
    let noise = |i: i64| f64::from_bits((i as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 2);
    for n in 0..200 {
        let samples =
            (0..100).map(|i| kit::sample(&kit::name(i), NOW - HOUR + n * 1000, noise(i * 1000 + n)));
        kit.append(samples.collect());
    }
    kit.tsdb.compact_all().expect("compacts");
    kit.row(0..10, NOW);
    kit.row(0..10, NOW + 1000);
    kit.row(0..10, NOW + 2000);
    kit.kill();
    let fs = kit.fs.kill();
    let value_file = fs.files().into_iter().find(|p| p.ends_with("val.bin")).expect("there");
    let segment = fs.files().into_iter().find(|p| p.starts_with("data/log")).expect("there");
    fs.tamper(&value_file, |bytes| bytes[70_000] ^= 1).expect("there");
    let second = frames(&fs, &segment)[1];
    fs.tamper(&segment, |bytes| bytes[second as usize + 30] ^= 1).expect("there");
    let report = verify(&fs);
    let shown: Vec<String> = report
        .findings
        .iter()
        .map(|f| format!("{} {:?} {} {:?}", f.path.display(), f.offset, f.what, f.lost))
        .collect();
    let [file, page, frame] = report.findings.as_slice() else { panic!("{shown:?}") };
    assert!(file.path == value_file && file.what == "checksum of the file", "{shown:?}");
    assert!(page.what.contains("bytes at offset 65568"), "{shown:?}");
    assert_eq!(page.lost, Some(TimeRange::new(NOW - HOUR, NOW - HOUR + 199_000)));
    assert_eq!((&frame.path, frame.offset), (&segment, Some(second)));
    assert_eq!(frame.lost, Some(TimeRange::new(NOW, NOW + 2000)), "{shown:?}");
    assert!(!report.is_whole());
}

/// Where the frames of a segment start.
fn frames(fs: &SimFs, path: &Path) -> Vec<u64> {
    let mut offsets = Vec::new();
    dump(fs, path, &mut |item| {
        if let DumpItem::Frame { offset, .. } = item {
            offsets.push(offset);
        }
        Ok(())
    })
    .expect("whole");
    offsets
}

#[test]
fn what_a_crash_leaves_is_no_damage() {
    let (left, _) = left();
    let segment = left.files().into_iter().rfind(|p| p.starts_with("data/log")).expect("there");
    left.tamper(&segment, |bytes| {
        let frames = bytes.iter().rposition(|b| *b != 0).map_or(0, |at| at + 1).next_multiple_of(8);
        bytes.truncate(frames);
        bytes.extend_from_slice(&[7; 11]);
    })
    .expect("there");
    left.create_dir_all(Path::new("data/parts/0000000000000100.tmp")).expect("no faults");
    let report = verify_store(&left, Path::new(kit::DIR)).expect("it is a store");
    assert!(report.is_whole() && report.findings.len() == 2, "{report:?}");
    assert!(report.findings.iter().any(|f| f.what.starts_with("torn tail of 11 bytes")), "{report:?}");
}

#[test]
fn only_stores_that_nobody_uses_are_verified() {
    let kit = Kit::new();
    let error = verify_store(&kit.fs, Path::new(kit::DIR)).expect_err("in use").to_string();
    assert!(error.contains("data is in use by another process"), "{error}");
    let error = verify_store(&kit.fs, Path::new("nowhere")).expect_err("nothing there").to_string();
    assert!(error.contains("nowhere/MANIFEST is missing, so the folder is not that of a store"), "{error}");
}

#[test]
fn everything_can_be_dumped() {
    let (fs, n) = left();
    let (mut samples, mut series, mut deletions) = (0, 0, 0);
    let mut take = |item: DumpItem| {
        match item {
            DumpItem::Sample { .. } => samples += 1,
            DumpItem::Series { .. } => series += 1,
            DumpItem::Deletion { .. } => deletions += 1,
            DumpItem::Damage { what } => panic!("{what}"),
            _ => {}
        }
        Ok(())
    };
    let files = fs.files();
    let parts = files.iter().filter(|p| p.ends_with("meta.json")).filter_map(|p| p.parent());
    let frames = files.iter().filter(|p| p.extension().is_some_and(|e| e == "log" || e == "ckpt"));
    for path in parts.chain(frames.map(PathBuf::as_path)) {
        dump(&fs, path, &mut take).expect("whole");
    }
    assert_eq!(samples, n + 2 * 80 + 20);
    assert!(series >= 100 && deletions == 2 * 2 + 1, "{series} {deletions}");
    let mut some = 0;
    let part = files.iter().find(|p| p.ends_with("meta.json")).and_then(|p| p.parent()).expect("there");
    let ended = dump(&fs, part, &mut |_| {
        some += 1;
        if some < 5 { Ok(()) } else { Err(std::io::ErrorKind::BrokenPipe.into()) }
    });
    assert!(ended.is_err() && some == 5, "whoever takes it can end it");
}
