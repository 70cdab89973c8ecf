//! A disk that fills up: samples are refused, upkeep goes on with the reserve, and nothing that was acknowledged is lost.

use std::collections::BTreeMap;
use std::path::Path;

use bellwether_disk::{Fault, Fs as _, Injection, SimFs};
use bellwether_model::AppendError;
use bellwether_tsdb::Options;

use crate::kit::{DIR, Dump, Kit, NOW, options, row};

const RESERVE: u64 = 1 << 18;
const CAPACITY: u64 = 1 << 20;
const MIN_FREE: u64 = 1 << 16;
const RESERVE_FILE: &str = "data/reserve";

fn small_disk() -> Options {
    Options { reserve_bytes: RESERVE, min_free_bytes: Some(MIN_FREE), ..options() }
}

fn reserve_len(fs: &SimFs) -> Option<u64> {
    fs.metadata(Path::new(RESERVE_FILE)).ok().map(|m| m.len)
}

/// Somebody else takes all that is free.
fn take_the_rest(fs: &SimFs) {
    let free = fs.space(Path::new(DIR)).expect("known").available;
    fs.create(Path::new("other")).and_then(|file| file.allocate(free)).expect("it is free");
}

/// A store on a disk without any room: samples came until they were refused, then somebody took the rest.
fn filled() -> (Kit, Dump) {
    let fs = SimFs::new();
    fs.set_capacity(Some(CAPACITY));
    let kit = Kit::on(fs, small_disk());
    assert_eq!(reserve_len(&kit.fs), Some(RESERVE));
    let mut ts_ms = NOW - 3_600_000;
    let refused = loop {
        ts_ms += 1_000;
        match kit.try_append(row(0..50, ts_ms)) {
            Ok(report) => assert_eq!(report.stored(), 50),
            Err(refused) => break refused,
        }
    };
    assert!(matches!(&refused, AppendError::StorageFull(_)), "{refused}");
    assert_eq!(kit.tsdb.storage_status().reserve_bytes, RESERVE, "samples never get the reserve");
    take_the_rest(&kit.fs);
    let acknowledged = kit.dump();
    assert!(acknowledged.len() == 50 && acknowledged.values().all(|samples| samples.len() > 100));
    (kit, acknowledged)
}

#[test]
fn a_store_on_a_full_disk_starts_again_reads_and_resumes() {
    let (mut kit, acknowledged) = filled();
    for _ in 0..3 {
        kit.kill();
        assert!(kit.report.is_clean(), "{:?}", kit.report.problems);
        assert_eq!(kit.dump(), acknowledged);
        let refused = kit.try_append(row(0..1, NOW)).expect_err("there is no room");
        assert!(matches!(refused, AppendError::StorageFull(_)), "{refused}");
        let why = kit.tsdb.storage_status().refuses_writes.expect("writes are refused");
        assert!(why.contains("must stay free"), "{why}");
    }
    // Room comes back, and nobody has to start anything.
    kit.fs.remove_file(Path::new("other")).expect("there");
    kit.fs.set_capacity(Some(2 * CAPACITY));
    kit.row(0..50, NOW);
    assert_eq!(kit.tsdb.storage_status().refuses_writes, None);
    kit.kill();
    let mut expected = acknowledged;
    for (name, samples) in kit.dump() {
        let known = expected.get_mut(&name).expect("a series that was there");
        known.extend(samples.iter().filter(|(ts, _)| **ts == NOW).map(|(ts, v)| (*ts, v.clone())));
    }
    assert_eq!(kit.dump(), expected);
    assert!(expected.values().all(|samples| samples.contains_key(&NOW)));
}

#[test]
fn upkeep_frees_a_full_disk_with_the_reserve() {
    let (mut kit, acknowledged) = filled();
    kit.tsdb.compact_all().expect("the reserve is room enough");
    assert_eq!(kit.dump(), acknowledged);
    assert!(kit.fs.space(Path::new(DIR)).expect("known").available > RESERVE, "the log is gone");
    kit.tsdb.maintain().expect("there is room now");
    assert_eq!(reserve_len(&kit.fs), Some(RESERVE), "made again");
    kit.row(0..50, NOW);
    kit.kill();
    assert!(kit.report.is_clean(), "{:?}", kit.report.problems);
    let count = |dump: &Dump| dump.values().map(BTreeMap::len).sum::<usize>();
    assert_eq!(count(&kit.dump()), count(&acknowledged) + 50);
}

#[test]
fn samples_do_not_take_what_the_reserve_gave_up() {
    let (kit, _) = filled();
    // So much is free that samples would be taken, but not so much that the reserve can be made again.
    kit.fs.inject(Injection { op: kit.fs.ops(), times: 1, fault: Fault::NoSpace });
    let _ = kit.tsdb.compact_all();
    kit.fs.heal();
    assert_eq!(reserve_len(&kit.fs), None);
    kit.fs.remove_file(Path::new("other")).expect("there");
    let free = kit.fs.space(Path::new(DIR)).expect("known").available;
    kit.fs
        .create(Path::new("other"))
        .and_then(|file| file.allocate(free - MIN_FREE - RESERVE / 2))
        .expect("it is free");
    kit.clock.advance_ms(2_000);
    let refused = kit.try_append(row(0..1, NOW)).expect_err("the reserve comes first");
    assert!(matches!(refused, AppendError::StorageFull(_)), "{refused}");
    kit.fs.remove_file(Path::new("other")).expect("there");
    kit.tsdb.maintain().expect("there is room");
    assert_eq!(reserve_len(&kit.fs), Some(RESERVE));
    kit.row(0..1, NOW);
}

#[test]
fn a_crash_at_any_moment_of_it_loses_nothing() {
    let (kit, acknowledged) = filled();
    let ops = {
        let before = kit.fs.ops();
        kit.tsdb.compact_all().expect("the reserve is room enough");
        kit.fs.ops() - before
    };
    assert!(ops > 30, "{ops} operations");
    for op in (0..ops).step_by(4) {
        let (mut kit, before) = filled();
        assert_eq!(before, acknowledged);
        kit.fs.inject(Injection { op: kit.fs.ops() + op, times: 1, fault: Fault::Unplug });
        assert!(kit.tsdb.compact_all().is_err(), "operation {op}");
        kit.kill();
        assert_eq!(kit.dump(), acknowledged, "after operation {op}");
        kit.tsdb.compact_all().unwrap_or_else(|e| panic!("after operation {op}: {e}"));
        assert_eq!(kit.dump(), acknowledged, "after operation {op}");
    }
}
