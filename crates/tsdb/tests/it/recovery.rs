//! What a store makes of a folder that is not as it left it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bellwether_disk::{Fs, SimFs};
use bellwether_model::{Clock, ManualClock, Queryable, SelectHints, SelectSpec, Tenant, TimeRange};
use bellwether_tsdb::{Options, ProblemKind, ReadMode, RecoveryReport, Tsdb, TsdbError};

use crate::kit::{self, Dump, HOUR, Kit, NOW, count, name, options, row, sample};

const DAY: i64 = 24 * HOUR;

/// What is done to the bytes of a file.
type Damage = Box<dyn Fn(&mut Vec<u8>)>;

/// A store with two parts, a checkpoint with samples, and a log with more.
fn full() -> (Kit, Dump) {
    let mut kit = Kit::new();
    for day in 0..2 {
        for n in 0..40 {
            kit.row(0..50, NOW - 5 * DAY + day * DAY + n * 60_000);
        }
        kit.tsdb.compact_all().expect("compacts");
    }
    for n in 0..10 {
        kit.row(0..50, NOW - DAY + n * 60_000);
    }
    kit.restart();
    for n in 10..20 {
        kit.row(0..50, NOW - DAY + n * 60_000);
    }
    let dump = kit.dump();
    assert_eq!((count(&dump), kit.tsdb.parts().len()), (2 * 2000 + 1000, 2));
    (kit, dump)
}

fn try_open(fs: &SimFs) -> Result<(Tsdb, RecoveryReport), TsdbError> {
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(NOW));
    Tsdb::open(Path::new(kit::DIR), options(), Arc::new(fs.clone()), clock)
}

fn files(fs: &SimFs, dir: &str) -> Vec<PathBuf> {
    fs.files().into_iter().filter(|p| p.starts_with(dir)).collect()
}

/// What is found is part of what was there.
fn check_subset(found: &Dump, all: &Dump, context: &str) {
    for (series, samples) in found {
        let known = all.get(series).unwrap_or_else(|| panic!("{context}: {series} was never written"));
        for (ts, value) in samples {
            assert_eq!(known.get(ts), Some(value), "{context}: {series} at {ts}");
        }
    }
}

/// Every kind of damage to every file: the store opens, returns nothing wrong, and says so if anything is missing.
#[test]
fn damage_is_survived_and_reported() {
    let (kit, before) = full();
    // What the process left behind; each round works on a copy.
    let left = kit.fs.kill();
    let all: Vec<PathBuf> = left.files().into_iter().filter(|p| !p.ends_with("LOCK")).collect();
    assert!(all.len() >= 14, "{all:?}");
    for path in all {
        let len = copy_of(&left).metadata(&path).expect("there").len as usize;
        let (a, b, c) = (len / 7, len / 2, len - len.min(9));
        let damages: Vec<(&str, Damage)> = vec![
            ("bit flip at the start", Box::new(|bytes| bytes[0] ^= 1)),
            ("bit flips", Box::new(move |bytes| [a, b, c].into_iter().for_each(|i| bytes[i] ^= 0x20))),
            ("zeroes", Box::new(move |bytes| bytes[b..(b + 512).min(len)].fill(0))),
            ("cut in half", Box::new(move |bytes| bytes.truncate(b))),
            ("emptied", Box::new(Vec::clear)),
            ("tail twice", Box::new(move |bytes| bytes.extend_from_within(c..))),
        ];
        for (what, damage) in damages {
            let context = format!("{what} in {}", path.display());
            let fs = copy_of(&left);
            fs.tamper(&path, |bytes| damage(bytes)).expect("there");
            let (tsdb, report) = try_open(&fs).unwrap_or_else(|e| panic!("{context}: {e}"));
            let found = dump_leniently(&tsdb);
            check_subset(&found.0, &before, &context);
            // An empty segment at the end of the log is what a crash leaves while it is being created.
            let looks_new = what == "emptied" && path.starts_with("data/log");
            if found.0 != before && !looks_new {
                assert!(!report.is_clean() || !found.1.is_empty(), "{context}: a loss was not reported");
            }
            // It can go on, and what comes now is there after the next start.
            assert_eq!(tsdb_append(&tsdb, row(100..110, NOW)), 10, "{context}");
            drop(tsdb);
            let (again, _) = try_open(&fs).unwrap_or_else(|e| panic!("{context}, second time: {e}"));
            let found_again = dump_leniently(&again).0;
            assert_eq!(count(&found_again), count(&found.0) + 10, "{context}");
        }
        let fs = copy_of(&left);
        fs.remove_file(&path).expect("there");
        let (tsdb, report) = try_open(&fs).unwrap_or_else(|e| panic!("deleted {}: {e}", path.display()));
        let found = dump_leniently(&tsdb).0;
        check_subset(&found, &before, "deleted");
        // Nothing else names the last segment of the log.
        let is_last_segment = path.starts_with("data/log");
        assert!(
            found == before || is_last_segment || !report.is_clean(),
            "deleted {}: {report:?}",
            path.display()
        );
    }
}

/// The same files once more; those of `fs` stay as they are.
fn copy_of(fs: &SimFs) -> SimFs {
    fs.kill()
}

fn tsdb_append(tsdb: &Tsdb, samples: Vec<bellwether_model::AppendEntry>) -> usize {
    let batch = bellwether_model::AppendBatch { samples, ..bellwether_model::AppendBatch::default() };
    bellwether_model::Appender::append(tsdb, &Tenant::default(), &batch).expect("taken").stored()
}

/// What can be read, and the warnings.
fn dump_leniently(tsdb: &Tsdb) -> (Dump, Vec<String>) {
    let querier = tsdb.querier(&Tenant::default(), TimeRange::ALL).expect("opens");
    let spec = SelectSpec {
        matchers: Vec::new(),
        range: TimeRange::ALL,
        sorted: true,
        hints: SelectHints::default(),
    };
    let series = querier.select(&spec, &bellwether_model::QueryContext::unbounded()).expect("works");
    let mut found = Dump::new();
    let mut buf = bellwether_model::ColumnBuffer::default();
    for (idx, labels) in series.labels().iter().enumerate() {
        series.read(idx, &mut buf).expect("lenient");
        let samples: std::collections::BTreeMap<_, _> =
            (0..buf.len()).map(|i| (buf.ts[i], (kit::bits(&buf.vals[i].into()), 0))).collect();
        if !samples.is_empty() {
            found.insert(labels.to_string(), samples);
        }
    }
    (found, series.warnings())
}

#[test]
fn damaged_columns_cost_a_warning_or_the_query() {
    for mode in [ReadMode::Map, ReadMode::Read] {
        damaged_columns(mode);
    }
}

fn damaged_columns(read_mode: ReadMode) {
    let mut kit = Kit::with(Options { read_mode, ..options() });
    let noise = |i: i64| f64::from_bits((i as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 2);
    for n in 0..200 {
        kit.append((0..100).map(|i| sample(&name(i), NOW - HOUR + n * 1000, noise(i * 1000 + n))).collect());
    }
    kit.tsdb.compact_all().expect("compacts");
    let path = files(&kit.fs, "data/parts").into_iter().find(|p| p.ends_with("val.bin")).expect("there");
    kit.fs.tamper(&path, |bytes| bytes[70_000] ^= 1).expect("there");
    kit.kill();
    let (found, warnings) = dump_leniently(&kit.tsdb);
    assert!((1..100).contains(&found.len()), "{}", found.len());
    assert!(
        warnings[0].starts_with("samples of m{") && warnings[0].contains("checksum of page 1"),
        "{warnings:?}"
    );
    assert!(kit.tsdb.counters().corruptions > 0);
    kit.options = Options { strict_reads: true, read_mode, ..options() };
    kit.kill();
    let querier = kit.tsdb.querier(&Tenant::default(), TimeRange::ALL).expect("opens");
    let spec = SelectSpec {
        matchers: Vec::new(),
        range: TimeRange::ALL,
        sorted: true,
        hints: SelectHints::default(),
    };
    let series = querier.select(&spec, &bellwether_model::QueryContext::unbounded()).expect("works");
    let mut buf = bellwether_model::ColumnBuffer::default();
    let errors = (0..100).filter_map(|i| series.read(i, &mut buf).err()).collect::<Vec<_>>();
    assert_eq!(errors.len(), 100 - found.len());
    assert!(errors[0].to_string().contains("val.bin: checksum of page 1"), "{}", errors[0]);
}

#[test]
fn a_damaged_page_keeps_nothing_from_being_merged() {
    let mut kit = Kit::new();
    let noise = |i: i64| f64::from_bits((i as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 2);
    let fill = |kit: &Kit, start: i64| {
        for n in 0..200 {
            kit.append((0..100).map(|i| sample(&name(i), start + n * 1000, noise(i * 1000 + n))).collect());
        }
    };
    fill(&kit, NOW - 8 * HOUR);
    kit.tsdb.compact_all().expect("compacts");
    let path = files(&kit.fs, "data/parts").into_iter().find(|p| p.ends_with("val.bin")).expect("there");
    kit.fs.tamper(&path, |bytes| bytes[70_000] ^= 1).expect("there");
    kit.kill();
    fill(&kit, NOW - 4 * HOUR);
    kit.options.strict_reads = true;
    kit.kill();
    assert!(kit.tsdb.compact_all().is_err(), "a strict store leaves it to the operator");
    kit.options.strict_reads = false;
    kit.kill();
    let (left, warnings) = dump_leniently(&kit.tsdb);
    assert!(!warnings.is_empty());
    let lost = 40_000 - count(&left);
    let known = kit.tsdb.counters().corruptions;
    assert!(lost > 0 && lost.is_multiple_of(200), "{lost}");
    kit.tsdb.compact_all().expect("merges what is whole");
    let counted = kit.tsdb.counters().corruptions - known;
    assert_eq!((kit.tsdb.parts().len(), counted), (1, lost as u64 / 200));
    let (merged, warnings) = dump_leniently(&kit.tsdb);
    assert_eq!((merged, warnings), (left, Vec::<String>::new()));
    let kept = files(&kit.fs, "data/quarantine");
    assert!(kept.iter().any(|p| p.ends_with("val.bin")), "nothing is deleted: {kept:?}");
    kit.kill();
    assert!(kit.report.is_clean(), "{:?}", kit.report);
    assert!(kit.tsdb.compact_all().is_ok());
}

#[test]
fn a_lost_manifest_is_made_again() {
    let (mut kit, before) = full();
    kit.fs.remove_file(Path::new("data/MANIFEST")).expect("there");
    kit.kill();
    assert_eq!(kit.dump(), before);
    assert_eq!(kit.report.problems[0].kind, ProblemKind::Manifest);
    kit.kill();
    assert!(kit.report.is_clean(), "{:?}", kit.report);
    assert_eq!(kit.dump(), before);
}

#[test]
fn parts_that_are_not_listed_are_put_aside() {
    let (mut kit, before) = full();
    let part = kit.tsdb.parts()[0].id;
    let from = format!("data/parts/{part:016}");
    let copy = "data/parts/0000000000000099";
    kit.fs.create_dir_all(Path::new(copy)).expect("no faults");
    for file in files(&kit.fs, &from) {
        let bytes = bellwether_disk::read_file(&kit.fs, &file, 1 << 30).expect("there");
        let target = Path::new(copy).join(file.file_name().expect("a file"));
        let file = kit.fs.create(&target).expect("no faults");
        bellwether_disk::write_all_at(file.as_ref(), &bytes, 0).expect("no faults");
    }
    kit.fs.create_dir_all(Path::new("data/parts/0000000000000100.tmp")).expect("no faults");
    kit.kill();
    assert_eq!(kit.dump(), before);
    let [problem] = kit.report.problems.as_slice() else { panic!("{:?}", kit.report) };
    // The copy says that it is another part, so it is not just unlisted.
    assert_eq!(problem.kind, ProblemKind::Part);
    let quarantined = problem.quarantined.clone().expect("moved");
    assert_eq!(files(&kit.fs, quarantined.to_str().expect("a path")).len(), 6);
    assert!(kit.fs.metadata(Path::new("data/parts/0000000000000100.tmp")).is_err());
    kit.kill();
    assert!(kit.report.is_clean());
    // The number is not used again.
    kit.row(0..5, NOW);
    kit.tsdb.compact_all().expect("compacts");
    assert!(kit.tsdb.parts().iter().all(|p| p.id != 99));
}

#[test]
fn foreign_and_newer_folders_are_refused_and_stay_as_they_are() {
    let (kit, _) = full();
    let (other, _) = full();
    let check = |fs: &SimFs, want: &str| {
        let before: Vec<(PathBuf, u64)> =
            fs.files().into_iter().map(|p| (p.clone(), fs.metadata(&p).expect("there").len)).collect();
        let err = try_open(fs).expect_err("refused").to_string();
        assert!(err.contains(want), "{err}");
        let after: Vec<(PathBuf, u64)> =
            fs.files().into_iter().map(|p| (p.clone(), fs.metadata(&p).expect("there").len)).collect();
        assert_eq!(before, after);
    };
    let copy = |from: &SimFs, path: &str, to: &SimFs| {
        let bytes = bellwether_disk::read_file(from, Path::new(path), 1 << 30).expect("there");
        to.tamper(Path::new(path), |b| *b = bytes).expect("there");
    };
    let segment = files(&kit.fs, "data/log")[0].to_str().expect("a path").to_owned();
    let fs = kit.fs.kill();
    copy(&other.fs, &segment, &fs);
    check(&fs, "belongs to store");
    let checkpoint =
        files(&other.fs, "data").into_iter().find(|p| p.to_str().is_some_and(|p| p.contains(".ckpt")));
    let checkpoint = checkpoint.expect("there").to_str().expect("a path").to_owned();
    let fs = kit.fs.kill();
    copy(&other.fs, &checkpoint, &fs);
    check(&fs, "move it out of the folder");
    let meta = files(&kit.fs, "data/parts").into_iter().find(|p| p.ends_with("meta.json")).expect("there");
    let fs = kit.fs.kill();
    // As if a newer version had written it: the list says so too.
    let text = bellwether_disk::read_file(&fs, &meta, 1 << 20).expect("there");
    let newer = String::from_utf8(text).expect("text").replacen("\"version\": 1", "\"version\": 2", 1);
    let crc = |bytes: &[u8]| {
        format!(
            "\"name\":\"meta.json\",\"len\":{},\"crc32c\":{}",
            bytes.len(),
            bellwether_disk::Crc32c::of(bytes)
        )
    };
    let old_crc = crc(&bellwether_disk::read_file(&fs, &meta, 1 << 20).expect("there"));
    fs.tamper(Path::new("data/MANIFEST"), |bytes| {
        let text = String::from_utf8(bytes.clone()).expect("text").replace(&old_crc, &crc(newer.as_bytes()));
        let lines = text.lines().map(|line| {
            let json = &line[9..];
            format!("{:08x} {json}\n", bellwether_disk::Crc32c::of(json.as_bytes()))
        });
        *bytes = lines.collect::<String>().into_bytes();
    })
    .expect("there");
    fs.tamper(&meta, |bytes| *bytes = newer.into_bytes()).expect("there");
    check(&fs, "format version 2 is not 1; use the program that wrote it");
}

#[test]
fn things_in_the_way_are_named() {
    let check = |make: &dyn Fn(&SimFs), want: &str| {
        let fs = SimFs::new();
        fs.create_dir_all(Path::new("data")).expect("no faults");
        make(&fs);
        let err = try_open(&fs).expect_err("in the way").to_string();
        assert!(err.contains(want), "{err}");
    };
    check(
        &|fs| fs.create_dir_all(Path::new("data/MANIFEST")).expect("no faults"),
        "data/MANIFEST is a folder; move it",
    );
    check(
        &|fs| fs.create_dir_all(Path::new("data/log/00000001.log")).expect("no faults"),
        "data/log/00000001.log is not a regular file; move it",
    );
}

#[test]
fn one_process_at_a_time() {
    let kit = Kit::new();
    let err = try_open(&kit.fs).expect_err("locked").to_string();
    assert!(err.starts_with("data is in use by another process (pid "), "{err}");
}

#[test]
fn a_checkpoint_replaces_the_log_before_it() {
    let (mut kit, before) = full();
    assert!(kit.report.checkpoint.is_some());
    kit.restart();
    assert_eq!((kit.report.log_frames, kit.report.samples), (0, 1000));
    assert_eq!(kit.dump(), before);
    // Closed and opened many times without anything to do: nothing piles up.
    for _ in 0..5 {
        kit.restart();
    }
    assert_eq!(files(&kit.fs, "data").len(), 2 * 6 + 3, "{:?}", kit.fs.files());
    assert_eq!(kit.dump(), before);
}

#[test]
fn a_lost_segment_costs_its_samples_only() {
    let mut kit = Kit::new();
    for n in 0..400 {
        kit.row(0..100, NOW - HOUR + n * 1000);
    }
    let segments = files(&kit.fs, "data/log");
    assert!(segments.len() > 4, "{}", segments.len());
    kit.fs.remove_file(&segments[1]).expect("there");
    kit.kill();
    let left = count(&kit.dump());
    assert!((25_000..40_000).contains(&left), "{left}");
    assert_eq!(kit.report.samples_orphaned, 0, "each segment defines its series");
    assert!(kit.report.frames_missing > 10 && !kit.report.is_clean());
}

#[test]
fn a_lost_beginning_of_the_log_is_noticed() {
    let mut kit = Kit::new();
    for n in 0..400 {
        kit.row(0..100, NOW - HOUR + n * 1000);
    }
    let first = &files(&kit.fs, "data/log")[0];
    kit.fs.remove_file(first).expect("there");
    kit.kill();
    let missing = 40_000 - count(&kit.dump()) as u64;
    assert!(missing > 0);
    assert_eq!(kit.report.frames_missing * 100 + kit.report.samples_orphaned, missing, "{:?}", kit.report);
    assert_eq!(kit.report.problems[0].kind, ProblemKind::Checkpoint);
    assert!(kit.report.problems[0].what.contains("there is no checkpoint of what was before"));
    // The same between a checkpoint and the log that goes on behind it.
    kit.restart();
    for n in 400..800 {
        kit.row(0..100, NOW - HOUR + n * 1000);
    }
    let first = &files(&kit.fs, "data/log")[0];
    kit.fs.remove_file(first).expect("there");
    kit.kill();
    let missing = 80_000 - missing - count(&kit.dump()) as u64;
    assert!(missing > 0);
    assert_eq!(kit.report.frames_missing * 100 + kit.report.samples_orphaned, missing, "{:?}", kit.report);
    assert!(kit.report.problems[0].what.contains("the checkpoint ends before frame"));
}
