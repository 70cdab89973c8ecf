//! A snapshot is the store at one moment, and becomes a store again or says what is wrong with it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bellwether_disk::{Fault, Fs, Injection, SimFs, read_file};
use bellwether_model::{
    AppendBatch, AppendExemplar, AppendMetadata, Appender, Clock, Exemplar, Labels, ManualClock, Matcher,
    MetadataRequest, MetricMetadata, MetricType, QueryContext, Queryable, Tenant, TimeRange,
};
use bellwether_tsdb::{
    Options, RecoveryReport, SnapshotError, Tsdb, copy_snapshot, remove_snapshot, restore_snapshot,
};

use crate::kit::{self, Dump, HOUR, Kit, NOW, count, name, options, row};

const SNAPSHOT: &str = "data/snapshots/s";
const COPY: &str = "elsewhere/copy";
const RESTORED: &str = "elsewhere/restored";

/// Parts, one with deletions, a day's worth that is not cut, late samples, exemplars and metadata.
fn full() -> Kit {
    let kit = Kit::with(Options { out_of_order_window_ms: 1000 * HOUR, ..options() });
    for day in 0..2 {
        for n in 0..20 {
            kit.row(0..20, NOW - (60 - 24 * day) * HOUR + n * 60_000);
        }
        kit.tsdb.compact_all().expect("compacts");
    }
    kit.delete(3, TimeRange::new(i64::MIN, NOW - 50 * HOUR));
    for n in 0..20 {
        kit.row(0..20, NOW - HOUR + n * 60_000);
        kit.row(0..20, NOW - 40 * HOUR + n * 60_000);
    }
    kit.delete(4, TimeRange::ALL);
    let exemplar = Exemplar { labels: Labels::from_pairs([("trace_id", "a")]), value: 1.0, ts_ms: NOW };
    let metadata =
        MetricMetadata { metric_type: MetricType::Gauge, unit: String::new(), help: "a thing".to_owned() };
    let batch = AppendBatch {
        exemplars: vec![AppendExemplar { labels: name(1), exemplar, is_timed: true }],
        metadata: vec![AppendMetadata { family: "m".to_owned(), metadata }],
        ..AppendBatch::default()
    };
    kit.tsdb.append(&Tenant::default(), &batch).expect("taken");
    kit
}

fn open(fs: &SimFs, dir: &str) -> (Tsdb, RecoveryReport) {
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(NOW));
    Tsdb::open(Path::new(dir), options(), Arc::new(fs.clone()), clock).expect("the store opens")
}

fn restore(fs: &SimFs, from: &str) -> Result<(), SnapshotError> {
    restore_snapshot(fs, Path::new(from), Path::new(RESTORED), NOW).map(drop)
}

fn restored(fs: &SimFs, from: &str) -> (Tsdb, Dump) {
    restore(fs, from).expect("whole");
    let (tsdb, report) = open(fs, RESTORED);
    assert!(report.is_clean(), "{report:?}");
    let dump = kit::dump(&tsdb, &Tenant::default());
    (tsdb, dump)
}

fn files(fs: &SimFs, dir: &str) -> Vec<PathBuf> {
    fs.files().into_iter().filter(|p| p.starts_with(dir)).collect()
}

#[test]
fn a_snapshot_has_everything_and_stays_as_it_is() {
    let kit = full();
    let want = kit.dump();
    let report = kit.tsdb.snapshot("s", true).expect("made");
    assert_eq!((report.dir.as_path(), report.parts_linked), (Path::new(SNAPSHOT), 2));
    assert!(report.parts_written >= 2, "in order and late: {report:?}");
    assert_eq!(kit.dump(), want, "the store is as it was");
    // Whatever happens to the store then.
    kit.row(0..20, NOW);
    for i in 0..20 {
        kit.delete(i, TimeRange::ALL);
    }
    kit.tsdb.compact_all().expect("compacts");
    kit.tsdb.clean_tombstones().expect("works");
    let copied = copy_snapshot(&kit.fs, Path::new(SNAPSHOT), Path::new(COPY)).expect("whole");
    assert_eq!((copied.name.as_str(), copied.created_ms, copied.files), ("s", NOW, report.files));
    for from in [SNAPSHOT, COPY] {
        let (tsdb, dump) = restored(&kit.fs, from);
        assert_eq!(dump, want, "{from}");
        let querier = tsdb.querier(&Tenant::default(), TimeRange::ALL).expect("opens");
        let cx = QueryContext::unbounded();
        let exemplars = querier.exemplars(&[vec![Matcher::equal("i", "1")]], &cx).expect("works");
        let metadata = querier.metadata(&MetadataRequest::default(), &cx).expect("works");
        assert_eq!((exemplars.len(), metadata[0].1[0].help.as_str()), (1, "a thing"));
        drop(querier);
        // It goes on.
        let batch = AppendBatch { samples: row(0..20, NOW + 1), ..AppendBatch::default() };
        assert_eq!(tsdb.append(&Tenant::default(), &batch).expect("taken").stored(), 20);
        tsdb.close().expect("closes");
        drop(tsdb);
        let (tsdb, report) = open(&kit.fs, RESTORED);
        assert!(report.is_clean(), "{report:?}");
        tsdb.compact_all().expect("compacts");
        assert_eq!(count(&kit::dump(&tsdb, &Tenant::default())), count(&want) + 20);
        drop(tsdb);
        kit.fs.remove_dir_all(Path::new(RESTORED)).expect("there");
    }
    assert!(remove_snapshot(&kit.fs, Path::new("data")).is_err(), "only snapshots are removed");
    remove_snapshot(&kit.fs, Path::new(SNAPSHOT)).expect("there");
    assert!(files(&kit.fs, "data/snapshots").is_empty());
}

#[test]
fn the_head_can_be_left_out() {
    let kit = full();
    let in_parts: u64 = kit.tsdb.parts().iter().map(|p| p.samples).sum();
    let report = kit.tsdb.snapshot("s", false).expect("made");
    assert_eq!(report.parts_written, 0);
    let (_tsdb, dump) = restored(&kit.fs, SNAPSHOT);
    // Less what is deleted of the parts: one series of one of them, one of both.
    assert_eq!(count(&dump) as u64, in_parts - 20 - 40);
    let empty = Kit::new();
    empty.tsdb.snapshot("s", true).expect("made");
    assert_eq!(restored(&empty.fs, SNAPSHOT).1, Dump::new());
}

/// Every batch that was acknowledged before is there as a whole, every other one as a whole or not at all.
#[test]
fn a_snapshot_under_load_is_one_moment() {
    let kit = full();
    let before = kit.dump();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for writer in 0..3_i64 {
            let (kit, stop) = (&kit, &stop);
            scope.spawn(move || {
                for n in 0_i64.. {
                    kit.row(100 + writer * 10..110 + writer * 10, NOW + n);
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                }
            });
        }
        for round in 0..5 {
            let acknowledged = kit.dump();
            kit.tsdb.snapshot("s", true).expect("made");
            let (tsdb, dump) = restored(&kit.fs, SNAPSHOT);
            for (series, samples) in &acknowledged {
                let there = &dump[series];
                assert!(samples.iter().all(|(ts, v)| there.get(ts) == Some(v)), "round {round}: {series}");
            }
            let after = kit.dump();
            for (series, samples) in &dump {
                let there = &after[series];
                assert!(samples.iter().all(|(ts, v)| there.get(ts) == Some(v)), "round {round}: {series}");
            }
            for writer in 0..3_i64 {
                let lengths: Vec<usize> = (100 + writer * 10..110 + writer * 10)
                    .map(|i| dump.get(&name(i).to_string()).map_or(0, BTreeMap::len))
                    .collect();
                assert!(
                    lengths.windows(2).all(|w| w[0] == w[1]),
                    "round {round}: a batch is torn: {lengths:?}"
                );
            }
            assert!(before.keys().all(|series| dump.contains_key(series)));
            drop(tsdb);
            for dir in [RESTORED, SNAPSHOT] {
                kit.fs.remove_dir_all(Path::new(dir)).expect("there");
            }
        }
        stop.store(true, Ordering::Relaxed);
    });
}

#[test]
fn each_bad_file_is_named_and_nothing_is_restored() {
    let kit = full();
    kit.tsdb.snapshot("s", true).expect("made");
    copy_snapshot(&kit.fs, Path::new(SNAPSHOT), Path::new(COPY)).expect("whole");
    let left = kit.fs.kill();
    let all = files(&left, COPY);
    assert!(all.len() > 20, "{all:?}");
    for path in &all {
        for (what, len) in [("flip", None), ("cut", Some(1)), ("missing", Some(0))] {
            let fs = left.kill();
            match len {
                Some(0) => fs.remove_file(path).expect("there"),
                Some(_) => fs.tamper(path, |bytes| bytes.truncate(bytes.len() - 1)).expect("there"),
                None => fs.tamper(path, |bytes| bytes[7] ^= 0x10).expect("there"),
            }
            let error = restore(&fs, COPY).expect_err(what).to_string();
            assert!(error.contains(path.to_str().expect("a path")), "{what}: {error}");
            assert!(files(&fs, RESTORED).is_empty(), "{what}: {}", path.display());
        }
    }
    // All of them, not only the first.
    let fs = left.kill();
    let bad: Vec<&PathBuf> = all.iter().filter(|p| p.ends_with("val.bin")).collect();
    for path in &bad {
        fs.tamper(path, Vec::clear).expect("there");
    }
    let error = restore(&fs, COPY).expect_err("damaged").to_string();
    assert!(bad.iter().all(|path| error.contains(path.to_str().expect("a path"))), "{error}");
}

#[test]
fn a_folder_that_is_used_is_left_alone() {
    let kit = full();
    kit.tsdb.snapshot("s", true).expect("made");
    for dir in ["data", COPY] {
        let taken = Path::new(COPY).join("something");
        let _ = kit.fs.create_dir_all(Path::new(COPY)).and_then(|()| kit.fs.create(&taken));
        let error = restore_snapshot(&kit.fs, Path::new(SNAPSHOT), Path::new(dir), NOW).expect_err("used");
        assert!(matches!(error, SnapshotError::NotEmpty(_)), "{error}");
        let error = copy_snapshot(&kit.fs, Path::new(SNAPSHOT), Path::new(dir)).expect_err("used");
        assert!(matches!(error, SnapshotError::NotEmpty(_)), "{error}");
    }
    let error = restore(&kit.fs, "data").expect_err("a store is no snapshot").to_string();
    assert_eq!(error, "data/SNAPSHOT: missing, so the folder is no snapshot or an unfinished one");
    // Whatever a list says, nothing is read or written elsewhere.
    let list = Path::new(SNAPSHOT).join("SNAPSHOT");
    let text = String::from_utf8(read_file(&kit.fs, &list, 1 << 20).expect("there")).expect("text");
    for path in ["../../MANIFEST", "/etc/passwd", "parts/../../../MANIFEST", ""] {
        let lines = text.lines().map(|line| {
            let json = line[9..].replace("\"path\":\"MANIFEST\"", &format!("\"path\":\"{path}\""));
            format!("{:08x} {json}\n", bellwether_disk::Crc32c::of(json.as_bytes()))
        });
        let bytes: Vec<u8> = lines.collect::<String>().into_bytes();
        kit.fs.tamper(&list, |b| *b = bytes).expect("there");
        let error = restore(&kit.fs, SNAPSHOT).expect_err("outside").to_string();
        assert!(error.contains("names a file outside of the folder"), "{path}: {error}");
    }
}

/// Whatever fails while a snapshot is made, the store is as it was, and what has the name of the snapshot is whole.
#[test]
fn faults_while_a_snapshot_is_made() {
    let kit = full();
    let want = kit.dump();
    let left = kit.fs.kill();
    let make = |injection: Option<(u64, Fault)>| {
        let fs = left.kill();
        let (tsdb, _) = open(&fs, kit::DIR);
        let from = fs.ops();
        if let Some((op, fault)) = injection {
            fs.inject(Injection { op: from + op, times: 1, fault });
        }
        let made = tsdb.snapshot("s", true);
        (fs.ops() - from, fs, tsdb, made)
    };
    let (total, ..) = make(None);
    assert!(total > 50, "{total}");
    for fault in [Fault::Io, Fault::NoSpace, Fault::TornWrite, Fault::FailedSync, Fault::Unplug] {
        for op in 0..total {
            let (_, fs, tsdb, made) = make(Some((op, fault)));
            let context = format!("{fault:?} at {op}");
            let fs = if op % 2 == 0 { fs.kill() } else { fs.power_cut(op) };
            let (store, report) = open(&fs, kit::DIR);
            assert!(report.is_clean(), "{context}: {report:?}");
            assert_eq!(kit::dump(&store, &Tenant::default()), want, "{context}");
            drop(store);
            let is_there = fs.metadata(Path::new(SNAPSHOT)).is_ok();
            assert!(is_there || made.is_err(), "{context}: reported as made");
            if is_there {
                let whole = restored(&fs, SNAPSHOT).1;
                assert_eq!(whole, want, "{context}");
            }
            assert_eq!(files(&fs, "data/snapshots/s.tmp"), [] as [PathBuf; 0], "{context}");
            drop(tsdb);
        }
    }
}

/// Whatever fails while a store is restored: it is whole, or not there, or says aloud that it is not.
#[test]
fn faults_while_a_store_is_restored() {
    let kit = full();
    let want = kit.dump();
    kit.tsdb.snapshot("s", true).expect("made");
    let left = kit.fs.kill();
    let run = |injection: Option<(u64, Fault)>| {
        let fs = left.kill();
        if let Some((op, fault)) = injection {
            fs.inject(Injection { op, times: 1, fault });
        }
        let result = restore(&fs, SNAPSHOT);
        (fs.ops(), fs, result)
    };
    let (total, ..) = run(None);
    for fault in [Fault::Io, Fault::NoSpace, Fault::TornWrite, Fault::Unplug] {
        for op in 0..total {
            let (_, fs, result) = run(Some((op, fault)));
            let context = format!("{fault:?} at {op} of {total}");
            let fs = if op % 2 == 0 { fs.kill() } else { fs.power_cut(op) };
            if result.is_err() && fs.metadata(&Path::new(RESTORED).join("MANIFEST")).is_err() {
                // Nothing to be taken for a store: it is simply done again.
                restore(&fs, SNAPSHOT).unwrap_or_else(|e| panic!("{context}: not a second time: {e}"));
            }
            let (tsdb, report) = open(&fs, RESTORED);
            let dump = kit::dump(&tsdb, &Tenant::default());
            assert!(dump == want || (result.is_err() && !report.is_clean()), "{context}: {report:?}");
        }
    }
}
